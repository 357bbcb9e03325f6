"""How the service is: what is due and not done, and when somebody last looked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from core import outage, store
from core.workdays import Calendar, local_day

LATE: Final = timedelta(minutes=10)


def report(engine: Engine, now: datetime, calendar: Calendar) -> dict[str, Any]:
    """Numbers without names: age of the oldest due step and message (seconds), dead letters, failed messages,
    age of the last sweep and audit, years whose calendar is asked for. `ok` is False when something due, or the
    last sweep, is older than ten minutes."""
    s, o, i, h = store.step.c, store.outbox.c, store.inbox.c, store.heartbeat.c
    with store.transaction(engine) as conn:
        step = conn.execute(
            sa.select(sa.func.min(s.due_at)).where(s.state == "due", s.due_at <= now)
        ).scalar()
        out = conn.execute(
            sa.select(sa.func.min(o.not_before)).where(o.state == "due", o.not_before <= now)
        ).scalar()
        dead = conn.execute(sa.select(sa.func.count()).where(o.state == "dead")).scalar_one()
        failed = conn.execute(sa.select(sa.func.count()).where(i.state == "failed")).scalar_one()
        refused = {name: one.reason for name, one in outage.standing(conn).items()}
        beats = {r.name: r.at for r in conn.execute(sa.select(h.name, h.at))}
    ages = {
        "oldest_due_step": _age(step, now),
        "oldest_due_message": _age(out, now),
        "last_sweep": _age(beats.get("sweep"), now),
        "last_audit": _age(beats.get("audit"), now),
    }
    watched = ("oldest_due_step", "oldest_due_message", "last_sweep")
    late = any((ages[k] or 0) > LATE.total_seconds() for k in watched)
    return {
        "ok": not late and not refused,
        "database": True,
        **ages,
        "dead_messages": dead,
        "failed_callbacks": failed,
        "refused": refused,  # platforms that let us send nothing, and why
        "calendars_missing": calendar.missing(local_day(now)),
    }


def _age(at: datetime | None, now: datetime) -> int | None:
    return None if at is None else max(0, int((now - at).total_seconds()))
