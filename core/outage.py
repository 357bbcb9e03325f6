"""A platform that refuses us altogether (a wrong secret, an app switched off): nothing leaves by it until a person
has mended that. What was meant for it waits, and none of the waiting counts as a try.

One row a channel stands beside the signs of life while it lasts. `since` follows the case clock, because patience
is counted in office hours; the next look follows the machine's time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import heartbeat, outbox, store
from core.office import Office

EVERY: Final = timedelta(minutes=10)  # between two looks whether it is mended
LOOKING: Final = timedelta(seconds=60)  # meanwhile nobody else looks
PATIENCE: Final = timedelta(hours=4)  # of office hours; then an applicant is called instead
PREFIX: Final = "refused:"
H = store.heartbeat.c


@dataclass(frozen=True)
class Outage:
    """Why nothing leaves by a channel, since when (case clock), and when to look again (machine's time)."""

    channel: str
    reason: str
    since: datetime
    again: datetime

    @property
    def why(self) -> str:
        return f"{PREFIX}{self.channel}"

    def outlasts(self, office: Office, now: datetime) -> bool:
        """Whether those who wait for an answer have waited long enough."""
        return office.calendar.add_office_hours(self.since, PATIENCE, office.hours) <= now


def standing(conn: Connection) -> dict[str, Outage]:
    """The channels that refuse us, by name."""
    rows = conn.execute(sa.select(H.name, H.at, H.data).where(H.name.startswith(PREFIX)))
    found = (
        Outage(r.name.removeprefix(PREFIX), r.data["reason"], r.at, datetime.fromisoformat(r.data["again"]))
        for r in rows
    )
    return {outage.channel: outage for outage in found}


def refused(conn: Connection, channel: str, reason: str, now: datetime, machine: datetime) -> None:
    """A call was refused. The first refusal is the beginning; each puts off the next look."""
    known = standing(conn).get(channel)
    _write(conn, Outage(channel, reason, known.since if known else now, machine + EVERY))


def look(conn: Connection, outage: Outage, machine: datetime) -> Outage:
    """One message is sent to see whether it is mended; the others wait for what comes of it."""
    looking = replace(outage, again=machine + LOOKING)
    _write(conn, looking)
    return looking


def mended(conn: Connection, outage: Outage) -> None:
    """A call got through: what was held leaves at once."""
    conn.execute(sa.delete(store.heartbeat).where(H.name == outage.why))
    outbox.release(conn, outage.why)


def _write(conn: Connection, outage: Outage) -> None:
    data: Mapping[str, str] = {"reason": outage.reason, "again": outage.again.isoformat()}
    heartbeat.beat(conn, outage.why, outage.since, data)
