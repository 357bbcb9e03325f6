"""What the platforms allow in a span of time and what people are spared in a day, as rows that all processes share.

A platform counts over a span that ends now, wherever that begins. The rows count slices of a sixth of the span,
and a message may go when all slices that such a span can touch leave room for it; one more is counted, because
a call may take some seconds to arrive. So the limit is never exceeded, by however many processes.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import store
from core.office import Office
from core.workdays import local_day

SLICES: Final = 6
COUNTED: Final = SLICES + 2
DOOR: Final = 0  # the row of an object that is locked while its slices are counted
BEFORE_CLOSING: Final = timedelta(minutes=30)  # a digest leaves time to act on it
S = store.spend.c


def take(conn: Connection, thing: str, *, seconds: int, allowed: int, machine: datetime) -> bool:
    """Use one of the `allowed` messages of `thing` (a member, a group, an app) in any `seconds`, if there is one
    left. `machine` is the machine's time."""
    current = int(machine.timestamp() * SLICES / seconds)
    store.insert_once(conn, store.spend, ("object", "window"), object=thing, window=DOOR, used=0)
    conn.execute(sa.select(S.used).where(S.object == thing, S.window == DOOR).with_for_update())
    old = (S.object == thing) & (S.window > DOOR) & (S.window <= current - COUNTED)
    conn.execute(sa.delete(store.spend).where(old))
    spent = sa.select(sa.func.coalesce(sa.func.sum(S.used), 0)).where(S.object == thing)
    if conn.execute(spent).scalar_one() >= allowed:
        return False
    store.insert_once(conn, store.spend, ("object", "window"), object=thing, window=current, used=0)
    here = (S.object == thing) & (S.window == current)
    conn.execute(sa.update(store.spend).where(here).values(used=S.used + 1))
    return True


def told(conn: Connection, person_id: int, day: date) -> int:
    """How many messages that could have waited a member of staff got singly on a day."""
    query = sa.select(S.used).where(S.object == _reader(person_id), S.window == day.toordinal())
    return conn.execute(query).scalar() or 0


def tell(conn: Connection, person_id: int, day: date) -> None:
    """Count one more of them."""
    reader, window = _reader(person_id), day.toordinal()
    conn.execute(sa.delete(store.spend).where(S.object == reader, S.window < window))
    store.insert_once(conn, store.spend, ("object", "window"), object=reader, window=window, used=0)
    here = (S.object == reader) & (S.window == window)
    conn.execute(sa.update(store.spend).where(here).values(used=S.used + 1))


def next_digest(office: Office, now: datetime) -> datetime:
    """When people next read what was kept back: at the opening of a session, or half an hour before it closes."""
    day = local_day(now)
    while True:
        for session in office.calendar.sessions(day, office.hours):
            for moment in (session.opens, max(session.opens, session.closes - BEFORE_CLOSING)):
                if moment > now:
                    return moment
        day += timedelta(days=1)


def _reader(person_id: int) -> str:
    return f"person:{person_id}"
