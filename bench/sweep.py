"""The clock: 100 steps due among few and among very many open duties, each fired in its own transaction with its
event and its messages."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial

import sqlalchemy as sa

from bench.hall import open_hall
from bench.measure import Result, Setting, interleaved, ratio, seconds
from bot.service import Service
from core import store
from workers import sweeper

DUE = 100
FEW = 10_000
# A case with its unit, a running limit and the reminder that will come: what a busy hall has very many of.
LOAD = (
    """INSERT INTO cases (ref, number, profile, policy_version, stage, round, rev, channel, subject, kind, level,
         unit_id, shielded, unconfirmed, supervision_count, members, opened_at)
       SELECT 'b' || i, 'B' || i, :profile, :version, 'WITH_UNIT', 1, 0, 'hall', '', :kind, :level,
         :unit, false, false, 0, '[]', :now FROM generate_series(1, :count) i""",
    """INSERT INTO duty (case_id, round, key, part, generation, state, holder, clause, opened_at, due_at, provisional,
         tries)
       SELECT id, 1, :duty, 0, 1, 'open', 'handler', '', :now, :due, false, 0 FROM cases""",
    """INSERT INTO step (duty_id, case_id, key, due_at, state, attempts)
       SELECT id, case_id, :step, CAST(:due AS timestamptz) + id * interval '1 second', 'due', 0 FROM duty""",
)


def run(setting: Setting) -> Iterator[Result]:
    many = 200_000 if setting.quick else 1_000_000
    with ExitStack() as stack:
        halls: dict[str, Service] = {}
        loading: dict[str, float] = {}
        for name, count in (("few", FEW), ("many", many)):
            hall = stack.enter_context(open_hall(setting.server, setting.folder))
            halls[name] = hall.service
            loading[name] = seconds(partial(_load, hall.service, count))
        for service in halls.values():
            _fire(service)
        variants = {name: partial(_fire, service) for name, service in halls.items()}
        times = interleaved(variants, 5)
        empty = {name: seconds(partial(_sweep, service, 0)) * 1000 for name, service in halls.items()}
    flat = ratio(times["many"], times["few"])
    each = statistics.median(times["many"]) / DUE * 1000
    detail = {
        "open_duties": {"few": FEW, "many": many},
        "sweep_ms": {name: [round(t * 1000) for t in values] for name, values in times.items()},
        "nothing_due_ms": {name: round(t, 2) for name, t in empty.items()},
        "loading_s": {name: round(t, 1) for name, t in loading.items()},
    }
    yield Result("sweep", f"{DUE} due among {many:,}, of {FEW:,}'s time", flat, "x", 1.5, True, detail)
    yield Result("sweep", "a due step, with event and messages", each, "ms", 5, True)


def _load(service: Service, count: int) -> None:
    profile, now = service.office.profile, service.now()
    duty = next(d for d in profile.duties if d.closing)
    step = next(s for s in duty.steps if not s.mark)
    level = profile.levels[0]
    with store.transaction(service.office.engine) as conn:
        conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
        unit = conn.execute(sa.select(store.post.c.unit_id).where(store.post.c.role == "handler").limit(1))
        values = {
            "profile": profile.name,
            "version": profile.version,
            "kind": level.kinds[0],
            "level": level.code,
            "unit": unit.scalar_one(),
            "now": now,
            "due": now + timedelta(days=30),
            "count": count,
            "duty": duty.key,
            "step": step.key,
        }
        for statement in LOAD:
            conn.execute(sa.text(statement), values)
    with service.office.engine.connect() as conn:
        plain = conn.execution_options(isolation_level="AUTOCOMMIT")
        plain.exec_driver_sql("SET statement_timeout = 0")
        plain.exec_driver_sql("VACUUM ANALYZE")
        plain.exec_driver_sql("SET statement_timeout = 15000")


def _fire(service: Service) -> float:
    """Bring 100 steps forward, then sweep: seconds of the sweep."""
    now = service.now()
    s = store.step.c
    with store.transaction(service.office.engine) as conn:
        picked = sa.select(s.id).where(s.state == "due").order_by(s.due_at).limit(DUE)
        soon = sa.update(store.step).where(s.id.in_(picked)).values(due_at=now - timedelta(seconds=1))
        conn.execute(soon)
    return seconds(partial(_sweep, service, DUE))


def _sweep(service: Service, due: int) -> None:
    fired = sweeper.fire(service, service.now(), service.machine())
    if fired != due:
        raise RuntimeError(f"{fired} of {due} steps were fired")
