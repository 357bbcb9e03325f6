"""A durable turn (verified, decrypted, stored once, the conversation moved on, answered encrypted, committed)
beside an echo that stores nothing, both behind gunicorn with threads."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack

import sqlalchemy as sa

from bench import load
from bench.hall import Hall, echo_server, open_hall, our_server
from bench.measure import Result, Setting, child_named, percentile, processor_seconds, ratio
from core import store

CONNECTIONS = 16
NAMES = ("echo", "turn")


def run(setting: Setting) -> Iterator[Result]:
    span = 2.0 if setting.quick else 5.0
    with ExitStack() as stack:
        hall = stack.enter_context(open_hall(setting.server, setting.folder))
        port_of, root_of = {}, {}
        port_of["turn"], root_of["turn"] = stack.enter_context(our_server(hall))
        port_of["echo"], root_of["echo"] = stack.enter_context(echo_server())
        database = child_named("postgres")
        stamp, said = int(hall.service.now().timestamp()), load.conversation(hall.service)
        before = _stored(hall)

        def once(name: str, seconds: float) -> tuple[load.Load, float]:
            work = load.talks(said, int(seconds * (250 if name == "echo" else 60)), stamp)
            started = processor_seconds(root_of[name]) + processor_seconds(database)
            done = load.run(port_of[name], work, CONNECTIONS, seconds)
            used = processor_seconds(root_of[name]) + processor_seconds(database) - started
            return done, used / done.answers

        warm = {name: once(name, 1.0) for name in NAMES}
        rounds = {name: list[tuple[load.Load, float]]() for name in NAMES}
        for _ in range(3):
            for name in NAMES:
                rounds[name].append(once(name, span))
        ours = [warm["turn"], *rounds["turn"]]
        lost = sum(done.answers for done, _ in ours) - (_stored(hall) - before)
    wrong = sum(done.wrong for each in rounds.values() for done, _ in each)
    rates = {name: [done.rate for done, _ in each] for name, each in rounds.items()}
    cpu = {name: [used for _, used in each] for name, each in rounds.items()}
    tails = {name: [percentile(done.times, 0.99) for done, _ in each] for name, each in rounds.items()}
    detail = {
        "per_second": {name: [round(x) for x in values] for name, values in rates.items()},
        "cpu_ms": {name: round(statistics.median(v) * 1000, 2) for name, v in cpu.items()},
        "cpu_of_echo": round(ratio(cpu["turn"], cpu["echo"]), 2),
        "p99_ms": {name: round(statistics.median(v) * 1000) for name, v in tails.items()},
        "turns_a_conversation": len(said),
        "wrong": wrong,
        "lost": lost,
    }
    yield Result(
        "turn", "durable turns, of an echo's", ratio(rates["turn"], rates["echo"]), "x", 0.3, False, detail
    )
    yield Result("turn", "answers lost or wrong", float(abs(lost) + wrong), "", 0, True)


def _stored(hall: Hall) -> int:
    with store.transaction(hall.service.office.engine) as conn:
        done = sa.select(sa.func.count()).select_from(store.inbox).where(store.inbox.c.state == "done")
        return int(conn.execute(done).scalar_one())
