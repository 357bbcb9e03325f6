"""Duties: what must happen by when. A limit is a duty with a date.

A duty opens on a happening, is met by another, and carries steps: the moments at which the clock tells somebody
or records a mark. Each step is a row with a unique key and happens once. Nothing here reads a clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import due as dues
from core import flow, store
from core.case import Case
from core.due import When
from core.office import Office
from core.policy.model import Duty, Profile, Step, holds, step_time
from core.workdays import local_day

D, S = store.duty, store.step
LEASE: Final = timedelta(seconds=60)
TICK: Final = timedelta(seconds=1)  # "overdue" is when the due moment has passed (WD-18)
# Asked at every act: built once, because building a statement costs more than running it.
_DUTY: Final = sa.select(D).where(D.c.id == sa.bindparam("duty_id"))
_OF_CASE: Final = sa.select(D).where(D.c.case_id == sa.bindparam("case_id")).order_by(D.c.id)
_OPEN_OF_CASE: Final = _OF_CASE.where(D.c.state == "open")
_OPENED: Final = sa.insert(D).returning(D.c.id)
_STEPS: Final = sa.insert(S)
_CLOSED: Final = sa.update(D).where(D.c.id == sa.bindparam("of_duty"))
_STEPS_VOID: Final = sa.update(S).where(S.c.duty_id == sa.bindparam("of_duty"), S.c.state == "due")
_FINISHED: Final = sa.update(S).where(
    S.c.id == sa.bindparam("of_step"), S.c.lease_token == sa.bindparam("lease"), S.c.state == "due"
)


@dataclass(frozen=True)
class Open:
    """A duty row of a case."""

    id: int
    case_id: int
    round: int
    key: str
    part: int
    generation: int
    state: str
    holder: str
    clause: str
    limit: str | None
    opened_at: datetime
    target_at: datetime | None
    due_at: datetime | None
    provisional: bool
    missed_at: datetime | None
    met_at: datetime | None
    met_by: str | None
    tries: int


@dataclass(frozen=True)
class DueStep:
    """A step whose time has come, claimed."""

    id: int
    duty_id: int
    case_id: int
    key: str
    due_at: datetime
    lease_token: str


def of_case(conn: Connection, case_id: int, *, open_only: bool = True) -> tuple[Open, ...]:
    """The duties of a case, oldest first."""
    query = _OPEN_OF_CASE if open_only else _OF_CASE
    return tuple(_open(r) for r in conn.execute(query, {"case_id": case_id}))


def get(conn: Connection, duty_id: int) -> Open:
    return _open(conn.execute(_DUTY, {"duty_id": duty_id}).one())


def follow(
    conn: Connection,
    office: Office,
    rules: Profile,
    case: Case,
    happened: Collection[str],
    now: datetime,
    *,
    part: int = 0,
) -> None:
    """Meet, void and open duties for what just happened (names of acts, moments, steps). `part`: the member unit
    that did it, where it counts for that one alone."""
    names = set(happened)
    ended = case.stage in flow.GONE
    were_open: set[tuple[str, int]] = set()
    latest: dict[tuple[str, int], Open] = {}  # of this round, by key and part
    for duty in of_case(conn, case.id, open_only=False):
        if duty.state == "open":
            were_open.add((duty.key, duty.part))
            definition = rules.duty(duty.key)
            by = next((x for x in definition.met_by if x in names and _its(duty, part)), None)
            if by or ended or names & set(definition.void_on):
                state = "met" if by else "void"
                _close(conn, duty.id, state, now, by)
                duty = replace(duty, state=state)
        if duty.round == case.round:
            latest[duty.key, duty.part] = duty
    for definition in rules.duties if not ended else ():
        again = bool(names & set(definition.rearm))
        if not (again or names & set(definition.opens_on)) or not holds(definition.when, case.facts()):
            continue
        for each in case.members if definition.each else (0,):
            rearmed = again and (definition.key, each) in were_open  # what was met long ago stays so
            if rearmed or names & set(definition.opens_on):
                before = latest.get((definition.key, each))
                _begin(conn, office, rules, case, definition, before, now, part=each, rearmed=rearmed)


def _its(duty: Open, part: int) -> bool:
    """Whether what happened is this duty's: the contribution of one member meets nobody else's."""
    return part in (0, duty.part) or duty.part == 0


def attempt(conn: Connection, duty_id: int) -> int:
    """Count one more try of a duty (a call that did not get through); the number of tries so far."""
    return int(
        conn.execute(
            sa.update(D).where(D.c.id == duty_id).values(tries=D.c.tries + 1).returning(D.c.tries)
        ).scalar_one()
    )


def _begin(
    conn: Connection,
    office: Office,
    rules: Profile,
    case: Case,
    definition: Duty,
    before: Open | None,
    now: datetime,
    *,
    part: int,
    rearmed: bool,
) -> None:
    """Open a duty; `before` is the same one's former generation in this round."""
    if before and before.state == "open":
        if not (definition.renews or rearmed):
            return
        _close(conn, before.id, "void", now, None)
    due = dues.of_duty(office, rules, case, definition, now, again=before is not None, rearmed=rearmed)
    duty = {
        "case_id": case.id,
        "round": case.round,
        "key": definition.key,
        "part": part,
        "generation": before.generation + 1 if before else 1,
        "state": "open",
        "holder": definition.holder,
        "clause": due.clause or definition.clause,
        "limit": due.limit,
        "opened_at": now,
        "target_at": due.target,
        "due_at": due.moment,
        "provisional": due.provisional,
    }
    duty_id = conn.execute(_OPENED, duty).scalar_one()
    steps = [
        {"duty_id": duty_id, "case_id": case.id, "key": step.key, "due_at": at, "state": "due"}
        for step in definition.steps
        if (at := _step_moment(office, step, now, due)) is not None
        and (at > now or step.at.startswith("missed"))
    ]
    if steps:
        conn.execute(_STEPS, steps)


def replace_date(
    conn: Connection,
    office: Office,
    definition: Duty,
    duty: Open,
    due: When,
    now: datetime,
    *,
    missed: bool,
) -> None:
    """A new generation of an open duty that runs on since the old one opened, towards another date (WD-14). Steps
    that have happened stay with the old row; if the old date was missed and the new one is not (`missed` False),
    what hangs on missing it is to come again."""
    old = dict(conn.execute(_DUTY, {"duty_id": duty.id}).one()._mapping)
    done = set(conn.execute(sa.select(S.c.key).where(S.c.duty_id == duty.id, S.c.state == "done")).scalars())
    _close(conn, duty.id, "void", now, None)
    new = {**old, "generation": duty.generation + 1, "target_at": due.target, "due_at": due.moment}
    new |= {"provisional": False, "missed_at": old["missed_at"] if missed else None}
    del new["id"]
    duty_id = conn.execute(_OPENED, new).scalar_one()
    steps = [
        {"duty_id": duty_id, "case_id": duty.case_id, "key": step.key, "due_at": at, "state": "due"}
        for step in definition.steps
        if (at := _step_moment(office, step, duty.opened_at, due)) is not None
        and (
            (step.at.startswith("missed") and (step.key not in done or not missed))
            or (at > now and step.key not in done)
        )
    ]
    if steps:
        conn.execute(_STEPS, steps)


def _close(conn: Connection, duty_id: int, state: str, now: datetime, by: str | None) -> None:
    conn.execute(_CLOSED, {"of_duty": duty_id, "state": state, "met_at": now, "met_by": by})
    conn.execute(_STEPS_VOID, {"of_duty": duty_id, "state": "void"})


def _step_moment(office: Office, step: Step, opened: datetime, due: When) -> datetime | None:
    base, amount, unit = step_time(step.at)
    if base == "open":
        if unit == "wd":
            return office.calendar.due(opened, amount, office.hours).moment + TICK
        span = timedelta(hours=amount) if unit == "h" else timedelta(minutes=amount)
        return office.calendar.add_office_hours(opened, span, office.hours)
    moment = due.target if base == "target" else due.moment
    if moment is None:
        return None
    if base == "missed":
        if unit == "wd":
            return office.calendar.due(moment, amount, office.hours).moment + TICK
        return moment + TICK
    # Reminders come at the opening of their day (WD-19: 09:00).
    day = office.calendar.shift(local_day(moment - TICK), amount)
    return office.calendar.sessions(day, office.hours)[0].opens


# --- the clock ------------------------------------------------------------------------------------------


def claim_steps(
    conn: Connection, *, now: datetime, machine: datetime, limit: int = 100
) -> tuple[DueStep, ...]:
    """Claim steps whose time has come, in order."""
    due = (
        sa.select(S.c.id)
        .where(
            S.c.state == "due",
            S.c.due_at <= now,
            sa.or_(S.c.lease_until.is_(None), S.c.lease_until < machine),
        )
        .order_by(S.c.due_at, S.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = conn.execute(
        sa.update(S)
        .where(S.c.id.in_(due))
        .values(lease_until=machine + LEASE, lease_token=secrets.token_hex(8), attempts=S.c.attempts + 1)
        .returning(S.c.id, S.c.duty_id, S.c.case_id, S.c.key, S.c.due_at, S.c.lease_token)
    ).all()
    return tuple(sorted((DueStep(*r) for r in rows), key=lambda s: (s.due_at, s.id)))


def finish_step(conn: Connection, step: DueStep, now: datetime) -> bool:
    """Mark a claimed step as done; False if it was voided or taken by another meanwhile."""
    mine = {"of_step": step.id, "lease": step.lease_token}
    done = conn.execute(_FINISHED, {**mine, "state": "done", "fired_at": now, "lease_until": None})
    return done.rowcount == 1


def reopen_step(conn: Connection, step: DueStep, to: datetime) -> None:
    """Put a step off (time proven to be spent waiting for the applicant, AMB-G14)."""
    conn.execute(
        sa.update(S)
        .where(S.c.id == step.id)
        .values(state="due", due_at=to, fired_at=None, lease_until=None, lease_token=None)
    )


def miss(conn: Connection, duty_id: int, at: datetime) -> None:
    conn.execute(sa.update(D).where(D.c.id == duty_id).values(missed_at=at))


def next_step_at(conn: Connection) -> datetime | None:
    """When the next step is due."""
    return conn.execute(sa.select(sa.func.min(S.c.due_at)).where(S.c.state == "due")).scalar()


def waited_days(conn: Connection, office: Office, case: Case, until: datetime) -> int:
    """Working days of this round proven to be spent waiting: asked and answered, both on record (AMB-G14)."""
    total = 0
    for duty in of_case(conn, case.id, open_only=False):
        if duty.key == "answer" and duty.round == case.round and duty.state == "met":
            start, end = (
                local_day(duty.opened_at),
                local_day(duty.met_at or until),
            )
            total += office.calendar.working_days_between(start, end)
    return total


def _open(row: Any) -> Open:
    return Open(**{k: row._mapping[k] for k in Open.__dataclass_fields__})
