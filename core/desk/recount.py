"""A year's notice was added: limits that were counted without it are counted again (WD-14).

The old row stays, void, beside the new one, and an event says what it was and what it is. Nobody is sent a message:
the cards show the new date when they are next drawn. What has happened stays: no reminder comes twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import duties, store
from core.case import Case
from core.due import When, of_duty
from core.duties import Open
from core.office import Office

RECOUNT: Final = "recount"  # the act in the event log
_D, _S = store.duty.c, store.step.c


def waiting(conn: Connection) -> tuple[int, ...]:
    """The cases in which something runs towards a provisional date, by id."""
    rows = conn.execute(sa.select(_D.case_id).where(_D.state == "open", _D.provisional).distinct())
    return tuple(sorted(rows.scalars()))


def everything(office: Office, now: datetime) -> int:
    """Count again what the calendar knows by now, each case in its own transaction; how many dates were settled."""
    with store.transaction(office.engine) as conn:
        open_cases = waiting(conn)
    settled = 0
    for case_id in open_cases:
        with store.transaction(office.engine) as conn:
            settled += of_case(office, conn, case_id, now)
    return settled


def of_case(office: Office, conn: Connection, case_id: int, now: datetime) -> int:
    """Settle the provisional dates of a case that are known by now; how many."""
    case = cases.load(conn, case_id, lock=True)
    rules = office.rules(conn, case)
    settled = 0
    for duty in duties.of_case(conn, case.id):
        if not duty.provisional or duty.round != case.round:
            continue
        definition, again = rules.duty(duty.key), duty.generation > 1
        rearmed = again and bool(definition.rearm)
        due = of_duty(office, rules, case, definition, duty.opened_at, again=again, rearmed=rearmed)
        if not due.provisional and due.moment is not None and duty.due_at is not None:
            case = _settle(office, conn, case, duty, due, now)
            settled += 1
    return settled


def _settle(office: Office, conn: Connection, case: Case, duty: Open, due: When, now: datetime) -> Case:
    definition = office.rules(conn, case).duty(duty.key)
    in_time_again = duty.missed_at is not None and due.moment is not None and due.moment > now
    duties.replace_date(conn, office, definition, duty, due, now, missed=not in_time_again)
    clears = in_time_again and definition.closing and case.overdue_at == duty.due_at
    assert due.moment is not None and duty.due_at is not None  # the caller looked
    return cases.log(
        conn,
        office.vault,
        case,
        RECOUNT,
        actor_id=None,
        role="system",
        to=case.stage,
        now=now,
        via="calendar",
        data={"duty": duty.key, "due_before": duty.due_at.isoformat(), "due": due.moment.isoformat()},
        columns={"overdue_at": None} if clears else None,
    )
