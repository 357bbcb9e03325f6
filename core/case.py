"""The case: what it is now, what was said in it, and the append-only log that explains it.

Events hold no personal data; facts do, as ciphertext, and can be erased without breaking the log. Each event
carries a keyed digest over itself and its predecessor, so that a changed or missing line shows.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import store
from core.privacy import Vault
from core.refusals import UNKNOWN_CASE, Refusal

T = TypeVar("T")
# Anchors that a later round does not set anew.
LASTING: Final = frozenset(
    {"submitted_at", "accepted_at", "confirmed_at", "applicant_confirmed_at", "analysed_at"}
)

# What every turn and act runs is built once, because building a statement costs more than running it.
_ROW: Final = {
    column: sa.select(store.case).where(store.case.c[column] == sa.bindparam("value"))
    for column in ("id", "ref", "number")
}
_LOCKED: Final = {column: query.with_for_update() for column, query in _ROW.items()}
_F, _M, _E = store.fact.c, store.moment.c, store.event.c
_MOMENT, _FACT, _LAST = 0, 1, 2


def _beside(case: Callable[[sa.Column[Any]], sa.ColumnElement[bool]]) -> tuple[sa.Select[Any], ...]:
    """What is recorded beside the row of cases: moments and current facts, in columns that go together."""
    no_text = sa.cast(sa.null(), sa.LargeBinary).label("value_enc")
    moments = (_M.case_id, _M.id, _M.round, _M.name, _M.at, _M.person_id, sa.null().label("code"), no_text)
    facts = (_F.case_id, _F.id, _F.round, _F.field, sa.null(), sa.null(), _F.code, _F.value_enc)
    return (
        sa.select(sa.literal_column(str(_MOMENT)).label("sort"), *moments).where(case(_M.case_id)),
        sa.select(sa.literal_column(str(_FACT)), *facts).where(case(_F.case_id), _F.current),
    )


# In a fixed order, so that a later round's anchor comes after that of the first. Of a single case the last link of the
# event chain too, that the next event needs.
_KNOWN: Final = sa.union_all(
    *_beside(lambda case_id: case_id == sa.bindparam("case_id")),
    sa.select(
        *(sa.literal_column(str(_LAST)), _E.case_id, _E.id, _E.round, _E.act),
        *(sa.null(), sa.null(), _E.digest, sa.null()),
    ).where(_E.case_id == sa.bindparam("case_id"), _E.seq == sa.bindparam("rev")),
).order_by("round", "id")
_SEVERAL: Final = sa.select(store.case).where(store.among(store.case.c.id))
_KNOWN_OF_SEVERAL: Final = sa.union_all(*_beside(store.among)).order_by("round", "id")
_COLUMNS: Final = tuple(store.case.c.keys())
_FORMER: Final = sa.update(store.fact).where(
    _F.case_id == sa.bindparam("of_case"), _F.field.in_(sa.bindparam("fields", expanding=True)), _F.current
)
_OPENED: Final = sa.insert(store.case).returning(*store.case.c)
_NEW_FACT: Final = sa.insert(store.fact)
_EVENT: Final = sa.insert(store.event)
_MOVED: Final = sa.update(store.case).where(store.case.c.id == sa.bindparam("of_case"))


class Moment(NamedTuple):
    """A clock anchor of the rules: when, and by whom (None: the system)."""

    at: datetime
    person_id: int | None


@dataclass(frozen=True)
class Case:
    """A case as it stands. `codes` are its countable facts, `sealed` the texts of its personal ones (`words` opens
    them), `noted` the names of all; `moments` the anchors of the current round; `digest` its last event's."""

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
    site_id: int | None
    keeper_id: int | None
    members: Sequence[int]
    contact_id: int | None
    shielded: bool
    unconfirmed: bool
    supervision_count: int
    overdue_at: datetime | None
    opened_at: datetime
    moments: Mapping[str, Moment]
    codes: Mapping[str, str]
    sealed: Mapping[str, bytes] = field(repr=False)
    noted: frozenset[str]
    digest: str = field(repr=False)

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
            "redone": self.round > 1,
            "unit": self.unit_id is not None,
            "site": self.site_id is not None,
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
    conn: Connection,
    *,
    profile: str,
    version: str,
    channel: str,
    contact_id: int | None,
    now: datetime,
    unit_id: int | None = None,
    site_id: int | None = None,
) -> Case:
    """A new draft. It has no number yet: numbers are given when the matter is submitted. The unit or site is known
    where somebody came in by its code (HY-2b, PT-2c)."""
    draft = {
        "ref": secrets.token_urlsafe(16),
        "profile": profile,
        "policy_version": version,
        "stage": "DRAFT",
        "channel": channel,
        "contact_id": contact_id,
        "opened_at": now,
        "unit_id": unit_id,
        "site_id": site_id,
    }
    return _case(conn.execute(_OPENED, draft).one(), ())


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
    return _case(row, conn.execute(_KNOWN, {"case_id": row.id, "rev": row.rev}).all())


def several(conn: Connection, ids: Sequence[int]) -> tuple[Case, ...]:
    """Cases to read, in the order of their ids given; without the digest that another event would need."""
    rows = {row[0]: row for row in conn.execute(_SEVERAL, {"ids": ids}).all()}
    known: dict[int, list[sa.Row[Any]]] = {case_id: [] for case_id in rows}
    for row in conn.execute(_KNOWN_OF_SEVERAL, {"ids": ids}).all():
        known[row[1]].append(row)
    return tuple(_case(rows[case_id], known[case_id]) for case_id in ids)


def _case(row: Sequence[Any], known: Iterable[Sequence[Any]]) -> Case:
    columns = dict(zip(_COLUMNS, row, strict=True))
    moments, codes, sealed = dict[str, Moment](), dict[str, str](), dict[str, bytes]()
    noted, digest = list[str](), ""
    # Taken apart by place: a ledger goes through some thirty of these a case.
    for sort, _, _, round_, name, at, person_id, code, value in known:
        if sort == _FACT:
            noted.append(name)
            if code is not None:
                codes[name] = code
            if value is not None:
                sealed[name] = value
        elif sort == _MOMENT:
            if round_ == columns["round"] or name in LASTING:
                moments[name] = Moment(at, person_id)
        else:
            digest = code
    return Case(
        **columns,
        moments=moments,
        codes=codes,
        sealed=sealed,
        noted=frozenset(noted),
        digest=digest,
    )


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
    name: str,
    *,
    now: datetime,
    by: int | None,
    code: str | None = None,
    text: str | None = None,
) -> Case:
    """State one fact, as `Changes` does, at once."""
    changes = Changes(vault, case, by, now)
    changes.note(name, code=code, text=text)
    changes.write(conn)
    return changes.case


class Changes:
    """What somebody is changing in a case: `case` shows it at once, `write` brings it to the database, a few
    statements for all of it. Columns of the row wait for the event (`log`), with which the case moves."""

    def __init__(self, vault: Vault, case: Case, by: int | None, now: datetime) -> None:
        self.case = case
        self.columns: dict[str, Any] = {}
        self._vault, self._by, self._now = vault, by, now
        self._noted = case.noted
        self._facts: dict[str, dict[str, Any] | None] = {}
        self._moments: list[dict[str, Any]] = []

    def change(self, **columns: Any) -> None:
        self.case = replace(self.case, **columns)
        self.columns |= columns

    def mark(self, name: str, at: datetime) -> None:
        """Record an anchor of this round, once; a second time changes nothing."""
        mine = {"case_id": self.case.id, "round": self.case.round, "person_id": self._by}
        self._moments.append({**mine, "name": name, "at": at})
        known = self.case.moments
        self.case = replace(self.case, moments={**known, name: known.get(name) or Moment(at, self._by)})

    def note(self, name: str, *, code: str | None = None, text: str | None = None) -> None:
        """State a fact: a countable `code`, or `text` that is stored as ciphertext; neither empties it. The former
        value is kept as history (a correction is an event, not an edit)."""
        case, sealed = self.case, None if text is None else self._vault.seal(text, about(self.case.id, name))
        empty = code is None and text is None
        self.case = replace(
            case,
            codes=_with(case.codes, name, code),
            sealed=_with(case.sealed, name, sealed),
            noted=case.noted - {name} if empty else case.noted | {name},
        )
        fact = {"case_id": case.id, "round": case.round, "field": name, "code": code, "value_enc": sealed}
        self._facts[name] = None if empty else {**fact, "by_id": self._by, "at": self._now}

    def write(self, conn: Connection) -> None:
        """Write the facts and moments."""
        if former := sorted(self._noted & self._facts.keys()):
            ended = {"current": False, "ended_at": self._now}
            conn.execute(_FORMER, {"of_case": self.case.id, "fields": former, **ended})
        if facts := [fact for fact in self._facts.values() if fact]:
            conn.execute(_NEW_FACT, facts)
        store.insert_missing(conn, store.moment, ("case_id", "round", "name"), self._moments)
        self._noted, self._facts, self._moments = self.case.noted, {}, []


def words(vault: Vault, case: Case) -> dict[str, str]:
    """The current personal texts of a case, opened. Erased ones are absent."""
    return {name: vault.open(sealed, about(case.id, name)) for name, sealed in case.sealed.items()}


def word(vault: Vault, case: Case, name: str) -> str:
    """One personal text of a case, opened; "" if it was never said or is erased."""
    sealed = case.sealed.get(name)
    return "" if sealed is None else vault.open(sealed, about(case.id, name))


def opened(vault: Vault, case_id: int, name: str, sealed: bytes) -> str:
    """One personal text of a case, opened, for whoever reads a fact of many cases at once."""
    return vault.open(sealed, about(case_id, name))


def about(case_id: int, name: str) -> str:
    """What a personal text of a case is sealed for."""
    return f"case:{case_id}:{name}"


def _with(known: Mapping[str, T], name: str, value: T | None) -> Mapping[str, T]:
    others = {key: each for key, each in known.items() if key != name}
    return others if value is None else {**others, name: value}


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
    columns: Mapping[str, Any] | None = None,
) -> Case:
    """Append an event and move the case to stage `to`, writing the changed `columns` of its row too. The unique
    (case, seq) makes a second writer fail."""
    seq = case.rev + 1
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
    digest = vault.link(_linked(case.digest, row))
    conn.execute(_EVENT, {**row, "digest": digest})
    conn.execute(_MOVED, {**(columns or {}), "of_case": case.id, "rev": seq, "stage": to})
    return replace(case, rev=seq, stage=to, digest=digest)


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


def relink(conn: Connection, vault: Vault, case_id: int) -> bool:
    """Sign the whole chain of a case anew under the active key; whether there was anything to do. The caller holds
    the case and has found its chain whole: a broken one must stay as it is."""
    previous, changed = "", False
    rows = conn.execute(
        sa.select(store.event).where(store.event.c.case_id == case_id).order_by(store.event.c.seq)
    ).all()
    for r in rows:
        row = {k: v for k, v in r._mapping.items() if k not in ("id", "digest")}
        digest = vault.link(_linked(previous, row))
        if digest != r.digest:
            conn.execute(sa.update(store.event).where(store.event.c.id == r.id).values(digest=digest))
            changed = True
        previous = digest
    return changed
