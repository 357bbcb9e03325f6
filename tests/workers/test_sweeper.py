"""The clock: what is due happens once, whoever looks and however often; Redis may forget everything."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from core import audit, budget, store
from tests.workers.office import Hall
from tests.world import at
from workers import audit as auditor
from workers import bell, main, sweeper
from workers.bell import Bell
from workers.servers import redis_server


def together(*work: object) -> None:
    """Start all at once, from threads of their own."""
    barrier, failed = threading.Barrier(len(work)), []

    def run(one: object) -> None:
        barrier.wait()
        try:
            one()  # type: ignore[operator]
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.clause("XJ-2.2f")
def test_two_clocks_at_once_act_once(both: Hall) -> None:
    case = both.world.dispatch(both.world.tell("li"), level="ordinary")
    both.world.now = at("2022-04-15T09:30")
    together(*[both.sweep] * 3)
    both.sweep()
    acts = Counter(e.act for e in both.world.events(case))
    assert acts["limit.overdue"] == 1 and max(acts.values()) == 1
    alerts = both.messages(case, "overdue_alert")
    assert len(alerts) == 1 and alerts[0].state == "sent"
    assert len([r for r in both.chat(both.corp, "guzheng") if r["kind"] == "template_card"]) == len(
        [m for m in both.world.outbox(case) if m.person_id == both.world.who("gu").id and m.state == "sent"]
    )


def test_a_step_that_fails_holds_up_no_other_and_comes_again(desk: Hall) -> None:
    first = desk.world.dispatch(desk.world.tell("li"))
    second = desk.world.dispatch(desk.world.tell("wang"))
    with store.transaction(desk.world.office.engine) as conn:
        broken = store.case.c.id == first.id
        conn.execute(sa.update(store.case).where(broken).values(policy_version="gone"))
    desk.world.now = at("2022-04-11T15:00")
    desk.sweep()
    assert "sign_for.chase" in [e.act for e in desk.world.events(second)]
    assert "sign_for.chase" not in [e.act for e in desk.world.events(first)]
    with store.transaction(desk.world.office.engine) as conn:
        version = desk.world.rules.version
        conn.execute(sa.update(store.case).where(broken).values(policy_version=version))
    desk.machine.passes(seconds=61)
    desk.sweep()
    assert "sign_for.chase" in [e.act for e in desk.world.events(first)]


def test_where_no_bell_is_heard_the_clock_does_the_work(desk: Hall) -> None:
    case = desk.world.tell("li")
    swept = desk.sweep()
    assert swept.messages > 0 and not swept.rung
    assert {m.state for m in desk.messages(case, "intake_card")} == {"sent"}


def test_where_a_worker_hears_the_bell_the_clock_leaves_it_the_work(desk: Hall) -> None:
    case = desk.world.tell("li")
    heard: list[str] = []

    def ring(name: str, *_: int) -> bool:
        heard.append(name)
        return True

    swept = desk.sweep(ring=ring)
    assert heard == ["deliver"] and swept.rung and swept.messages == 0
    assert {m.state for m in desk.messages(case, "intake_card")} == {"due"}


def test_a_flushed_redis_loses_nothing_and_a_worker_takes_the_job(
    desk: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = desk.world.tell("li")
    with redis_server(tmp_path / "redis") as url:
        assert url is not None
        ring = Bell(url, lambda: desk.machine.now).ring
        assert desk.sweep(ring=ring).rung
        redis.Redis.from_url(url).flushall()
        assert desk.sweep(ring=ring).rung  # the next sweep finds the same work
        monkeypatch.setattr(main, "service", lambda: desk.service)
        settings = desk.service.settings.model_copy(update={"redis_url": url})
        main.work(settings, burst=True)
        assert {m.state for m in desk.messages(case, "intake_card")} == {"sent"}
        assert bell.open_queue(url).count == 0


def test_jobs_that_nobody_takes_are_not_piled_up(desk: Hall, tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis") as url:
        assert url is not None
        ring = Bell(url, lambda: desk.machine.now).ring
        heard = [ring("deliver") for _ in range(bell.BACKLOG + 5)]
        assert heard.count(False) == 5
        assert bell.open_queue(url).count == bell.BACKLOG


def test_a_dead_redis_is_left_alone_for_a_while(desk: Hall, tmp_path: Path) -> None:
    ring = Bell(f"unix://{tmp_path}/none.sock", lambda: desk.machine.now)
    assert [ring.ring("deliver") for _ in range(4)] == [False] * 4
    assert ring._silent_until is not None and ring._silent_until > desk.machine.now
    assert not Bell("", lambda: desk.machine.now).ring("deliver")


def test_a_budget_holds_over_any_span_and_for_all_who_ask_at_once(both: Hall) -> None:
    engine = both.world.office.engine
    sent: list[float] = []
    lock = threading.Lock()

    def ask(second: float) -> None:
        with store.transaction(engine) as conn:
            stamp = both.machine.now + timedelta(seconds=second)
            if budget.take(conn, "someone", seconds=60, allowed=5, machine=stamp):
                with lock:
                    sent.append(second)

    together(*[partial(ask, 9.0)] * 8)
    assert len(sent) == 5
    for second in range(10, 300, 7):
        ask(float(second))
    assert len(sent) > 10
    assert all(sum(t <= other < t + 60 for other in sent) <= 5 for t in sent)


def test_the_auditor_names_what_does_not_move(desk: Hall) -> None:
    case = desk.world.dispatch(desk.world.tell("li"))
    assert auditor.step(desk.service, desk.world.now, desk.machine.now) == ()
    desk.world.now = at("2022-04-11T18:00")
    found = {f.what for f in auditor.step(desk.service, desk.world.now, desk.machine.now)}
    assert found == {"late_step", "stuck_message"}
    desk.sweep()
    assert auditor.step(desk.service, desk.world.now, desk.machine.now) == ()
    e = store.event.c
    with store.transaction(desk.world.office.engine) as conn:
        mine = (e.case_id == case.id) & (e.seq == 2)
        conn.execute(sa.update(store.event).where(mine).values(act="forged"))
        conn.execute(sa.update(store.duty).where(store.duty.c.case_id == case.id).values(state="void"))
        conn.execute(sa.update(store.step).where(store.step.c.case_id == case.id).values(state="void"))
        conn.execute(sa.update(store.outbox).where(store.outbox.c.state == "due").values(state="dead"))
    found = {f.what for f in auditor.step(desk.service, desk.world.now, desk.machine.now)}
    assert {"no_next_step", "broken_chain"} <= found
    with store.transaction(desk.world.office.engine) as conn:
        assert audit.chains(conn, desk.world.office.vault, after=case.id, limit=5) == ((), 0)


def test_a_job_that_rq_names_exists() -> None:
    assert all(callable(getattr(main, name)) for name in bell.JOBS)
    assert sweeper.repeat(iter([2, 3, 0, 9]).__next__) == 5
