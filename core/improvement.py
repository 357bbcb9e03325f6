"""Problems of one kind, and what is done so that they do not come back.

Same kind: the same unit, item and cause (AMB-G12). The service counts them; only what a person has confirmed is a
group, and only a group carries actions, each with an owner, a due day and a status (XJ-3.3c, PT-7.2d).
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import library, people, store
from core.library import JUDGES
from core.office import Office
from core.people import Person
from core.privacy import clean, personal_in, redact
from core.refusals import DONE_ALREADY, NOT_NOW, NOT_YOURS, Incomplete, Refusal
from core.workdays import local_day

KINDS, ACTIONS = store.issue_group, store.improvement_action
FEWEST: Final = 2  # cases that make a group
STATES: Final[Mapping[str, str]] = {"open": "在改", "done": "改好了", "dropped": "不改了"}
ENDED: Final = ("done", "dropped")


class Kind(NamedTuple):
    """What makes problems the same."""

    unit_id: int
    item: str
    cause_code: str


@dataclass(frozen=True)
class Group:
    """Cases of one kind; `ref` is empty until a person has confirmed that they are."""

    kind: Kind
    case_ids: tuple[int, ...]
    ref: str = ""
    id: int = 0


@dataclass(frozen=True)
class Action:
    id: int
    ref: str
    group_id: int
    what: str
    owner_id: int
    due_on: date
    state: str
    outcome: str

    def late(self, today: date) -> bool:
        return self.state == "open" and self.due_on < today


def groups(office: Office, conn: Connection, *, fewest: int = FEWEST) -> tuple[Group, ...]:
    """Cases of one kind, the most first; confirmed groups stay listed whatever their number."""
    of_kind: dict[Kind, list[int]] = defaultdict(list)
    for case_id, kind in sorted(_kinds(office, conn).items()):
        of_kind[kind].append(case_id)
    known = {
        Kind(r.unit_id, r.item, r.cause_code): r for r in conn.execute(sa.select(KINDS).order_by(KINDS.c.id))
    }
    found = [
        Group(kind, tuple(ids), known[kind].ref, known[kind].id) if kind in known else Group(kind, tuple(ids))
        for kind, ids in of_kind.items()
        if len(ids) >= fewest or kind in known
    ]
    return tuple(sorted(found, key=lambda group: (-len(group.case_ids), group.kind)))


def confirm(office: Office, conn: Connection, person: Person, kind: Kind, now: datetime) -> Group:
    """A person says that these are problems of one kind (AMB-G12). Raises `Refusal`."""
    _need(office, conn, person)
    group = next((g for g in groups(office, conn) if g.kind == kind), None)
    if group is None:
        raise Refusal(NOT_NOW)
    row = {**kind._asdict(), "ref": secrets.token_urlsafe(12), "confirmed_by": person.id, "confirmed_at": now}
    if store.insert_once(conn, KINDS, ("unit_id", "item", "cause_code"), **row) is None:
        raise Refusal(DONE_ALREADY, act="confirm", name="", at=None)
    return next(g for g in groups(office, conn) if g.kind == kind)


def act_on(
    office: Office,
    conn: Connection,
    person: Person,
    ref: str,
    *,
    what: str,
    owner: int,
    due_on: date | None,
    now: datetime,
) -> Action:
    """What is to be done about a confirmed group, by whom and until when. Raises `Refusal`."""
    _need(office, conn, person)
    group = find(office, conn, ref)
    what = clean(what, 500)
    problems = {"what": "personal" if what else "missing"} if not what or personal_in(what) else {}
    if owner not in {each.id for each in people.staff(conn)}:
        problems["owner"] = "choice"
    if due_on is None or due_on < local_day(now):
        problems["due_on"] = "date"
    if problems:
        raise Incomplete(problems, {"what": "改什么", "owner": "谁负责", "due_on": "什么时候改好"})
    row = {
        "ref": secrets.token_urlsafe(12),
        "group_id": group.id,
        "what": what,
        "owner_id": owner,
        "due_on": due_on,
        "state": "open",
        "outcome": "",
        "made_by": person.id,
        "made_at": now,
    }
    return _action(conn.execute(sa.insert(ACTIONS).values(row).returning(ACTIONS)).one())


def end(
    office: Office, conn: Connection, person: Person, ref: str, *, state: str, outcome: str, now: datetime
) -> Action:
    """The owner, or who may set actions, says what came of one. Raises `Refusal`."""
    row = conn.execute(sa.select(ACTIONS).where(ACTIONS.c.ref == ref).with_for_update()).one_or_none()
    if row is None:
        raise Refusal("unknown_case")
    if row.owner_id != person.id:
        _need(office, conn, person)
    if row.state in ENDED:
        raise Refusal(DONE_ALREADY, act="end", name="", at=None)
    outcome = clean(outcome, 500)
    if state not in ENDED or not outcome or personal_in(outcome):
        code = "personal" if outcome and state in ENDED else "missing"
        raise Incomplete({"outcome": code}, {"outcome": "改得怎么样"})
    values = {"state": state, "outcome": outcome, "ended_at": now}
    return _action(
        conn.execute(sa.update(ACTIONS).where(ACTIONS.c.id == row.id).values(values).returning(ACTIONS)).one()
    )


def find(office: Office, conn: Connection, ref: str) -> Group:
    """A confirmed group by its reference. Raises `Refusal("unknown_case")`."""
    found = next((g for g in groups(office, conn) if g.ref and g.ref == ref), None)
    if found is None:
        raise Refusal("unknown_case")
    return found


def actions(conn: Connection, group: Group) -> tuple[Action, ...]:
    return tuple(
        _action(r)
        for r in conn.execute(sa.select(ACTIONS).where(ACTIONS.c.group_id == group.id).order_by(ACTIONS.c.id))
    )


def may(office: Office, conn: Connection, person: Person) -> bool:
    """Whether somebody may confirm groups and set actions."""
    return library.may(office, conn, person, JUDGES)


def _need(office: Office, conn: Connection, person: Person) -> None:
    if not may(office, conn, person):
        raise Refusal(NOT_YOURS)


def _kinds(office: Office, conn: Connection) -> dict[int, Kind]:
    """The kind of each case of which unit, item and cause are known: from the case itself, else from its entry in
    the library."""
    c, e = store.case.c, store.library_entry.c
    found = {
        row.case_id: Kind(row.unit_id, row.item, row.cause_code)
        for row in conn.execute(
            sa.select(e.case_id, e.unit_id, e.item, e.cause_code).where(e.unit_id.is_not(None))
        )
    }
    item, cause = store.fact.alias("item"), store.fact.alias("cause")
    rows = conn.execute(
        sa.select(c.id, c.unit_id, c.shielded, c.subject, item.c.code, item.c.value_enc)
        .add_columns(cause.c.code.label("cause_code"))
        .join(item, (item.c.case_id == c.id) & (item.c.field == "item") & item.c.current)
        .join(cause, (cause.c.case_id == c.id) & (cause.c.field == "cause_code") & cause.c.current)
        .where(c.unit_id.is_not(None), c.number.is_not(None), cause.c.code.is_not(None))
    )
    for row in rows:
        if row.shielded:  # everybody reads this list, the unit complained about too (AMB-G21)
            name = row.subject
        elif row.value_enc is not None:
            name = redact(cases.opened(office.vault, row.id, "item", row.value_enc))
        else:
            name = row.code
        if name:
            found[row.id] = Kind(row.unit_id, "".join(name.split())[:80], row.cause_code)
    return found


def _action(row: sa.Row[Any]) -> Action:
    return Action(**{name: row._mapping[name] for name in Action.__dataclass_fields__})
