"""The month's visits together with another body: drawn from what was closed the month before (NX-W6).

The draw depends on nothing but the month and the numbers, so that anybody can draw it again. Each matter drawn has a
duty from then on; what came of it is a report of its own.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import heartbeat, store
from core.desk.act import SYSTEM, perform
from core.office import Office
from core.policy.model import VisitBatch
from core.workdays import local_day, midnight

ACT: Final = "draw_visit"
BEAT: Final = "visits"
_C, _D, _M = store.case.c, store.duty.c, store.moment.c


def tick(office: Office, conn: Connection, now: datetime) -> int:
    """Draw once a month, from the first opening of the month on; how many were drawn. Safe to run twice."""
    batch, last = office.profile.visit_batch, heartbeat.last(conn, BEAT)
    month = local_day(now).replace(day=1)
    if batch is None or not office.in_force(office.profile, now):
        return 0
    if (last and local_day(last.at) >= month) or now < _opens(office, month):
        return 0
    heartbeat.beat(conn, BEAT, now)
    drawn = draw(batch, month, _closed(office, conn, (month - timedelta(days=1)).replace(day=1), month))
    for case_id in drawn:
        perform(office, conn, SYSTEM, cases.load(conn, case_id), ACT, now=now)
    return len(drawn)


def draw(batch: VisitBatch, month: date, closed: dict[str, int]) -> list[int]:
    """The share of these matters (by number) that the month's lot falls on."""
    lots = sorted(closed, key=lambda number: sha256(f"{month:%Y-%m}:{number}".encode()).digest())
    return [closed[number] for number in sorted(lots[: math.ceil(len(lots) * batch.share)])]


def _opens(office: Office, month: date) -> datetime:
    first = office.calendar.shift(month - timedelta(days=1), 1)
    return office.calendar.sessions(first, office.hours)[0].opens


def _closed(office: Office, conn: Connection, first: date, after: date) -> dict[str, int]:
    """What was closed on these days and still is, by number; but for what is to be visited together anyway."""
    begin, end = (midnight(day) for day in (first, after))
    waits = sa.select(_D.case_id).where(_D.key == "joint_visit", _D.state == "open")
    rows = conn.execute(
        sa.select(_C.number, _C.id)
        .join(store.moment, (_M.case_id == _C.id) & (_M.round == _C.round) & (_M.name == "closed_at"))
        .where(_M.at >= begin, _M.at < end, _C.stage.in_(("CLOSED", "ARCHIVED")), _C.id.not_in(waits))
    )
    known = {row.number: row.id for row in rows}
    return {
        number: case_id
        for number, case_id in known.items()
        if ACT in office.rules(conn, cases.load(conn, case_id)).acts
    }
