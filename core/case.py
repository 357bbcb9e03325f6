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
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import store
from core.privacy import Vault
from core.refusals import UNKNOWN_CASE, Refusal


@dataclass(frozen=True)
class Moment:
    """A clock anchor of the rules: when, and by whom (None: the system)."""

    at: datetime
    person_id: int | None


@dataclass(frozen=True)
class Case:
    """A case as it stands. `codes` are its countable facts, `moments` the anchors of the current round."""

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
    case_id = conn.execute(
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
        .returning(store.case.c.id)
    ).scalar_one()
    return load(conn, case_id)


def load(conn: Connection, case_id: int, *, lock: bool = False) -> Case:
    """A case by id. `lock` holds it against other writers until the transaction ends."""
    return _load(conn, store.case.c.id == case_id, lock)


def find(conn: Connection, *, ref: str = "", number: str = "", lock: bool = False) -> Case:
    """A case by its link reference or its number. Raises `Refusal("unknown_case")`."""
    return _load(conn, store.case.c.ref == ref if ref else store.case.c.number == number, lock)


def _load(conn: Connection, where: sa.ColumnElement[bool], lock: bool) -> Case:
    query = sa.select(store.case).where(where)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise Refusal(UNKNOWN_CASE)
    moments = conn.execute(
        sa.select(store.moment.c.round, store.moment.c.name, store.moment.c.at, store.moment.c.person_id)
        .where(store.moment.c.case_id == row.id)
        .order_by(store.moment.c.round)
    ).all()
    codes = conn.execute(
        sa.select(store.fact.c.field, store.fact.c.code)
        .where(store.fact.c.case_id == row.id, store.fact.c.current, store.fact.c.code.is_not(None))
        .order_by(store.fact.c.id)
    ).all()
    values = {k: row._mapping[k] for k in Case.__dataclass_fields__ if k in row._mapping}
    # Anchors of the first round that a redo does not set anew (submitted, accepted) stay visible.
    lasting = {"submitted_at", "accepted_at", "confirmed_at"}
    return Case(
        **values,
        moments={
            m.name: Moment(m.at, m.person_id) for m in moments if m.round == row.round or m.name in lasting
        },
        codes={c.field: c.code for c in codes},
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
    c = store.fact.c
    conn.execute(
        sa.update(store.fact).where(c.case_id == case.id, c.field == field, c.current).values(current=False)
    )
    if code is None and text is None:
        return replace(case, codes={k: v for k, v in case.codes.items() if k != field})
    conn.execute(
        sa.insert(store.fact).values(
            case_id=case.id,
            round=case.round,
            field=field,
            code=code,
            value_enc=None if text is None else vault.seal(text, f"case:{case.id}:{field}"),
            by_id=by,
            at=now,
        )
    )
    return replace(case, codes={**case.codes, field: code}) if code is not None else case


def words(conn: Connection, vault: Vault, case_id: int, *fields: str) -> dict[str, str]:
    """The current personal texts of a case, opened; all of them, or the fields named. Erased ones are absent."""
    c = store.fact.c
    query = sa.select(c.field, c.value_enc).where(c.case_id == case_id, c.current, c.value_enc.is_not(None))
    if fields:
        query = query.where(c.field.in_(fields))
    return {r.field: vault.open(r.value_enc, f"case:{case_id}:{r.field}") for r in conn.execute(query)}


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
    last = conn.execute(
        sa.select(store.event.c.digest).where(store.event.c.case_id == case.id, store.event.c.seq == case.rev)
    ).scalar()
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
    conn.execute(sa.insert(store.event).values(**row, digest=vault.link(_linked(last or "", row))))
    conn.execute(sa.update(store.case).where(store.case.c.id == case.id).values(rev=seq, stage=to))
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
    """The first event of a case whose digest does not hold, or None if the chain is whole."""
    previous = ""
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
    return None
