"""When a message arrived, or could not: what that means for the case (AMB-G13)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from core import case as cases
from core import duties, flow
from core.case import Case
from core.desk.act import SYSTEM, Work, perform, record
from core.office import Office
from core.outbox import Message


def delivered(office: Office, conn: Connection, message: Message, way: str, now: datetime) -> Case | None:
    """A delivery of the result is recorded: recipient, way, time. The first of several recipients counts; the last
    delivery closes the case. Belongs into the transaction of the sent mark. None if nothing hung on the message."""
    if not message.effect or message.case_id is None:
        return None
    case = cases.load(conn, message.case_id, lock=True)
    if all(duty.key != message.effect for duty in duties.of_case(conn, case.id)):
        return case
    work = Work(office, conn, office.rules(conn, case), case, SYSTEM, now, {})
    work.happened.add(f"deliver:{message.effect}")
    work.data |= {"to": message.effect, "way": way, "person": message.person_id}
    if message.effect == "to_applicant":
        work.code("feedback_way", way)
    return record(work, "delivered", role="system", to=case.stage)


def unreachable(office: Office, conn: Connection, message: Message, now: datetime) -> Case | None:
    """No way leads to the applicant: a person of the window is asked to call. None where the case has ended."""
    if message.case_id is None:
        return None
    case = cases.load(conn, message.case_id, lock=True)
    if (case.stage, "unreachable") not in flow.MOVES:
        return None
    return perform(office, conn, SYSTEM, case, "unreachable", now=now)
