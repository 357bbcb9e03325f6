"""What must be so at any time, checked against the rows: nothing waits unseen, and nobody changed the record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import store
from core.flow import OPEN
from core.privacy import Vault

LATE: Final = timedelta(minutes=10)
MOST: Final = 50  # findings of a kind that are named


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be: what, in which case, which row. Nothing personal."""

    what: str  # no_next_step | late_step | stuck_message | dead_message | broken_chain
    case_id: int | None
    row_id: int | None = None


def waiting(conn: Connection, now: datetime, machine: datetime) -> tuple[Finding, ...]:
    """Open cases without a next step, steps and messages that are late, messages no way was found for."""
    return (*_idle_cases(conn), *_late_steps(conn, now), *_stuck(conn, now, machine), *_dead(conn))


def chains(conn: Connection, vault: Vault, *, after: int, limit: int) -> tuple[tuple[Finding, ...], int]:
    """Verify the events of the next `limit` cases after a case id. Returns what is broken and the last id seen,
    0 at the end."""
    c = store.case.c
    ids = conn.execute(sa.select(c.id).where(c.id > after).order_by(c.id).limit(limit)).scalars().all()
    broken = tuple(
        Finding("broken_chain", case_id, seq)
        for case_id in ids
        if (seq := cases.broken_link(conn, vault, case_id)) is not None
    )
    return broken, (ids[-1] if len(ids) == limit else 0)


def _idle_cases(conn: Connection) -> tuple[Finding, ...]:
    """Every open case has a duty with a date, a step to come, or a message on its way."""
    c, d, s, o = store.case.c, store.duty.c, store.step.c, store.outbox.c
    dated = sa.exists().where(d.case_id == c.id, d.state == "open", d.due_at.is_not(None))
    coming = sa.exists().where(s.case_id == c.id, s.state == "due")
    leaving = sa.exists().where(o.case_id == c.id, o.state == "due")
    query = sa.select(c.id).where(c.stage.in_(OPEN), ~dated, ~coming, ~leaving).order_by(c.id).limit(MOST)
    return tuple(Finding("no_next_step", r.id) for r in conn.execute(query))


def _late_steps(conn: Connection, now: datetime) -> tuple[Finding, ...]:
    s = store.step.c
    query = (
        sa.select(s.id, s.case_id).where(s.state == "due", s.due_at < now - LATE).order_by(s.id).limit(MOST)
    )
    return tuple(Finding("late_step", r.case_id, r.id) for r in conn.execute(query))


def _stuck(conn: Connection, now: datetime, machine: datetime) -> tuple[Finding, ...]:
    """Due for ten minutes and neither waiting for its next try nor in anybody's hands."""
    o = store.outbox.c
    query = sa.select(o.id, o.case_id).where(
        o.state == "due",
        o.not_before < now - LATE,
        sa.or_(o.retry_at.is_(None), o.retry_at < machine - LATE),
        sa.or_(o.lease_until.is_(None), o.lease_until < machine - LATE),
    )
    return tuple(
        Finding("stuck_message", r.case_id, r.id) for r in conn.execute(query.order_by(o.id).limit(MOST))
    )


def _dead(conn: Connection) -> tuple[Finding, ...]:
    o = store.outbox.c
    query = sa.select(o.id, o.case_id).where(o.state == "dead").order_by(o.id).limit(MOST)
    return tuple(Finding("dead_message", r.case_id, r.id) for r in conn.execute(query))
