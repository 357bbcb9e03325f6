"""What the clock does: the steps of open duties, one transaction each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from core import case as cases
from core import duties, proposals
from core.desk.act import SYSTEM, Work, record, tell
from core.duties import TICK, DueStep, Open
from core.office import Office
from core.policy.model import Notice, Step


def fire(office: Office, conn: Connection, step: DueStep, now: datetime) -> bool:
    """Do a claimed step: record it, tell who is to be told, open what follows. False if it is no longer due."""
    case = cases.load(conn, step.case_id, lock=True)
    duty = duties.get(conn, step.duty_id)
    rules = office.rules(conn, case)
    definition = next(s for s in rules.duty(duty.key).steps if s.key == step.key)
    if duty.state != "open" or not duties.finish_step(conn, step, now):
        return False
    if definition.mark in ("overdue", "clue") and duty.due_at is not None:
        later = _moved_by_waiting(office, conn, case, duty, now)
        if later is not None and later > now:
            duties.reopen_step(conn, step, later)
            return False
    happening = f"{duty.key}.{step.key}"
    work = Work(office, conn, rules, case, SYSTEM, now, {}, happened={happening})
    work.data |= {"duty": duty.key, "step": step.key}
    if duty.due_at is not None:
        work.data |= {"due": duty.due_at.isoformat()}
    if definition.mark:
        duties.miss(conn, duty.id, duty.due_at or now)
    if definition.mark == "overdue" and rules.duty(duty.key).closing and not case.overdue:
        work.change(overdue_at=duty.due_at)
    if definition.moment:
        work.mark(definition.moment)
    record(work, happening, role="system", to=case.stage)
    _tell(work, duty, definition)
    if definition.mark == "clue":
        proposals.propose(office, conn, now, rules=("missed",), case_id=case.id)
    return True


def _tell(work: Work, duty: Open, step: Step) -> None:
    for slot in step.tell:
        notice = Notice(on=(), to=slot, template=step.notice, clause=step.clause)
        tell(work, notice, duty.part, duty_key=duty.key)


def _moved_by_waiting(
    office: Office, conn: Connection, case: cases.Case, duty: Open, now: datetime
) -> datetime | None:
    """Time proven to be spent waiting for the applicant moves the due moment for what is held against a unit
    (AMB-G14); the moment it moves to, or None if nobody waited."""
    days = duties.waited_days(conn, office, case, now)
    if days == 0 or duty.due_at is None:
        return None
    return office.calendar.due(duty.due_at, days, office.hours).moment + TICK
