"""The case: what it is now, what was said in it, and the append-only log that explains it.

Events hold no personal data; facts do, as ciphertext, and can be erased without breaking the log. Each event
carries a keyed digest over itself and its predecessor, so that a changed or missing line shows.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import store
from core.privacy import Vault
from core.refusals import UNKNOWN_CASE, Refusal

# What every turn and act runs is built once, because building a statement costs more than running it.
_ROW: Final = {
    column: sa.select(store.case).where(store.case.c[column] == sa.bindparam("value"))
    for column in ("id", "ref", "number")
}
_LOCKED: Final = {column: query.with_for_update() for column, query in _ROW.items()}
_F, _M, _E = store.fact.c, store.moment.c, store.event.c
# Current facts and all moments, in a fixed order, so that two acts with the same form take locks the same way.
_KNOWN: Final = sa.union_all(
    sa.select(
        sa.literal(1).label("is_fact"),
        _F.id,
        _F.round,
        _F.field.label("name"),
        _F.code,
        _F.at,
        _F.by_id.label("person_id"),
    ).where(_F.case_id == sa.bindparam("case_id"), _F.current),
    sa.select(sa.literal(0), _M.id, _M.round, _M.name, sa.null(), _M.at, _M.person_id).where(
        _M.case_id == sa.bindparam("case_id")
    ),
).order_by("round", "id")
_WORDS: Final = sa.select(_F.field, _F.value_enc).where(
    _F.case_id == sa.bindparam("case_id"), _F.current, _F.value_enc.is_not(None)
)
_FACT: Final = sa.insert(store.fact)
_FORMER: Final = sa.update(store.fact).where(
    _F.case_id == sa.bindparam("of_case"), _F.field == sa.bindparam("of_field"), _F.current
)
_DIGEST: Final = sa.select(_E.digest).where(
    _E.case_id == sa.bindparam("case_id"), _E.seq == sa.bindparam("seq")
)
_EVENT: Final = sa.insert(store.event)
_MOVED: Final = sa.update(store.case).where(store.case.c.id == sa.bindparam("of_case"))


@dataclass(frozen=True)
class Moment:
    """A clock anchor of the rules: when, and by whom (None: the system)."""

    at: datetime
    person_id: int | None


@dataclass(frozen=True)
class Case:
    """A case as it stands. `codes` are its countable facts, `noted` the names of all its facts, `moments` the
    anchors of the current round."""

    id: int
    ref: str
    number: str | None
    profile: str
    policy_version: str
    stage: str
    round: int
    rev: int
    channel: str
    subject: str
    kind: str | None
    level: str | None
    unit_id: int | None
    contact_id: int | None
    shielded: bool
    unconfirmed: bool
    supervision_count: int
    overdue_at: datetime | None
    opened_at: datetime
    moments: Mapping[str, Moment]
    codes: Mapping[str, str]
    noted: frozenset[str]

    @property
    def overdue(self) -> bool:
        return self.overdue_at is not None

    def at(self, moment: str) -> datetime | None:
        """The time of an anchor, or None if it has not come."""
        found = self.moments.get(moment)
        return found.at if found else None

    def facts(self) -> dict[str, object]:
        """What conditions of the profile may ask about."""
        return {
            **self.codes,
            "stage": self.stage,
            "channel": self.channel,
            "kind": self.kind,
            "level": self.level,
            "shielded": self.shielded,
            "unconfirmed": self.unconfirmed,
            "overdue": self.overdue,
            "round": str(self.round),
            "numbered": self.number is not None,
        }


@dataclass(frozen=True)
class Event:
    id: int
    seq: int
    round: int
    act: str
    actor_id: int | None
    role: str
    stage_from: str
    stage_to: str
    via: str
    at: datetime
    data: Mapping[str, Any]
    digest: str


def open_case(
    conn: Connection, *, profile: str, version: str, channel: str, contact_id: int | None, now: datetime
) -> Case:
    """A new draft. It has no number yet: numbers are given when the matter is submitted."""
    row = conn.execute(
        sa.insert(store.case)
        .values(
            ref=secrets.token_urlsafe(16),
            profile=profile,
            policy_version=version,
            stage="DRAFT",
            channel=channel,
            contact_id=contact_id,
            opened_at=now,
        )
        .returning(*store.case.c)
    ).one()
    return _case(row, {}, {})


def load(conn: Connection, case_id: int, *, lock: bool = False) -> Case:
    """A case by id. `lock` holds it against other writers until the transaction ends."""
    return _load(conn, "id", case_id, lock)


def find(conn: Connection, *, ref: str = "", number: str = "", lock: bool = False) -> Case:
    """A case by its link reference or its number. Raises `Refusal("unknown_case")`."""
    return _load(conn, "ref", ref, lock) if ref else _load(conn, "number", number, lock)


def _load(conn: Connection, column: str, value: object, lock: bool) -> Case:
    row = conn.execute((_LOCKED if lock else _ROW)[column], {"value": value}).one_or_none()
    if row is None:
        raise Refusal(UNKNOWN_CASE)
    # A statement of its own: one that waited for the lock has not seen what the holder wrote beside the row.
    found = conn.execute(_KNOWN, {"case_id": row.id}).all()
    # Anchors of the first round that a redo does not set anew (submitted, accepted) stay visible.
    lasting = {"submitted_at", "accepted_at", "confirmed_at"}
    return _case(
        row,
        {
            r.name: Moment(r.at, r.person_id)
            for r in found
            if not r.is_fact and (r.round == row.round or r.name in lasting)
        },
        {r.name: r.code for r in found if r.is_fact},
    )


def _case(row: sa.Row[Any], moments: Mapping[str, Moment], facts: Mapping[str, str | None]) -> Case:
    return Case(
        **{k: row._mapping[k] for k in Case.__dataclass_fields__ if k in row._mapping},
        moments=moments,
        codes={name: code for name, code in facts.items() if code is not None},
        noted=frozenset(facts),
    )


def change(conn: Connection, case: Case, **values: Any) -> Case:
    """Write columns of the case row; the revision moves with events only."""
    conn.execute(sa.update(store.case).where(store.case.c.id == case.id).values(**values))
    return replace(case, **values)


def mark(conn: Connection, case: Case, name: str, at: datetime, person_id: int | None) -> Case:
    """Record an anchor of this round, once; a second time changes nothing."""
    unique = ("case_id", "round", "name")
    store.insert_once(
        conn, store.moment, unique, case_id=case.id, round=case.round, name=name, at=at, person_id=person_id
    )
    return replace(case, moments={**case.moments, name: case.moments.get(name) or Moment(at, person_id)})


def unmark(conn: Connection, case: Case, *names: str) -> Case:
    """Empty anchors of this round again (the matter went back to the window); the events keep the history."""
    m = store.moment.c
    conn.execute(
        sa.delete(store.moment).where(m.case_id == case.id, m.round == case.round, m.name.in_(names))
    )
    return replace(case, moments={k: v for k, v in case.moments.items() if k not in names})


def note(
    conn: Connection,
    vault: Vault,
    case: Case,
    field: str,
    *,
    now: datetime,
    by: int | None,
    code: str | None = None,
    text: str | None = None,
) -> Case:
    """State a fact: a countable `code`, or `text` that is stored as ciphertext. The former value is kept as
    history (a correction is an event, not an edit)."""
    if field in case.noted:
        conn.execute(_FORMER, {"of_case": case.id, "of_field": field, "current": False})
    codes = {name: value for name, value in case.codes.items() if name != field}
    if code is None and text is None:
        return replace(case, codes=codes, noted=case.noted - {field})
    fact = {
        "case_id": case.id,
        "round": case.round,
        "field": field,
        "code": code,
        "value_enc": None if text is None else vault.seal(text, f"case:{case.id}:{field}"),
        "by_id": by,
        "at": now,
    }
    conn.execute(_FACT, fact)
    if code is not None:
        codes[field] = code
    return replace(case, codes=codes, noted=case.noted | {field})


def words(conn: Connection, vault: Vault, case_id: int, *fields: str) -> dict[str, str]:
    """The current personal texts of a case, opened; all of them, or the fields named. Erased ones are absent."""
    query = _WORDS.where(store.fact.c.field.in_(fields)) if fields else _WORDS
    found = conn.execute(query, {"case_id": case_id})
    return {r.field: vault.open(r.value_enc, f"case:{case_id}:{r.field}") for r in found}


def log(
    conn: Connection,
    vault: Vault,
    case: Case,
    act: str,
    *,
    actor_id: int | None,
    role: str,
    to: str,
    now: datetime,
    via: str,
    data: Mapping[str, Any] | None = None,
) -> Case:
    """Append an event and move the case to stage `to`. The unique (case, seq) makes a second writer fail."""
    seq = case.rev + 1
    last = conn.execute(_DIGEST, {"case_id": case.id, "seq": case.rev}).scalar()
    row = {
        "case_id": case.id,
        "seq": seq,
        "round": case.round,
        "act": act,
        "actor_id": actor_id,
        "role": role,
        "stage_from": case.stage,
        "stage_to": to,
        "via": via,
        "at": now,
        "data": dict(data or {}),
    }
    conn.execute(_EVENT, {**row, "digest": vault.link(_linked(last or "", row))})
    conn.execute(_MOVED, {"of_case": case.id, "rev": seq, "stage": to})
    return replace(case, rev=seq, stage=to)


def _linked(previous: str, row: Mapping[str, Any]) -> str:
    """What the keyed digest of an event covers: the event, and the digest of the one before it."""
    plain = {**row, "at": row["at"].astimezone(UTC).isoformat()}
    return f"{previous}\n{json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(',', ':'))}"


def events(conn: Connection, case_id: int) -> tuple[Event, ...]:
    rows = conn.execute(
        sa.select(store.event).where(store.event.c.case_id == case_id).order_by(store.event.c.seq)
    )
    return tuple(Event(**{k: r._mapping[k] for k in Event.__dataclass_fields__}) for r in rows)


def broken_link(conn: Connection, vault: Vault, case_id: int) -> int | None:
    """The first event of a case that is missing or whose digest does not hold, or None if the chain is whole."""
    previous, expected = "", 0
    columns = (
        "case_id",
        "seq",
        "round",
        "act",
        "actor_id",
        "role",
        "stage_from",
        "stage_to",
        "via",
        "at",
        "data",
    )
    rows = conn.execute(
        sa.select(store.event).where(store.event.c.case_id == case_id).order_by(store.event.c.seq)
    )
    for expected, r in enumerate(rows, start=1):
        text = _linked(previous, {k: r._mapping[k] for k in columns})
        if r.seq != expected or r.digest not in vault.links(text):
            return expected
        previous = r.digest
    written = conn.execute(sa.select(store.case.c.rev).where(store.case.c.id == case_id)).scalar_one()
    return None if expected == written else expected + 1
