"""How soon a message is acknowledged at 50 turns a second, while a process of ours delivers without pause."""

from __future__ import annotations

from collections.abc import Iterator

from bench import load, post
from bench.hall import child, open_hall, our_server, yes_platform
from bench.measure import Result, Setting, percentile

RATE = 50.0


def run(setting: Setting) -> Iterator[Result]:
    span = 5.0 if setting.quick else 20.0
    with yes_platform() as platform, open_hall(setting.server, setting.folder, platform) as hall:
        post.fill(hall.service, 20_000)
        said, stamp = load.conversation(hall.service), int(hall.service.now().timestamp())
        with our_server(hall) as (port, _), child(["-m", "bench.post"], hall.env):
            load.run(port, load.talks(said, 100, stamp), 8, 4.0)
            before = post.waiting(hall.service)
            done = load.run(port, load.talks(said, int(RATE * span), stamp), 16, span, RATE)
            delivered = before - post.waiting(hall.service)
    times = [1000 * t for t in done.times]
    detail = {
        "p50_ms": round(percentile(times, 0.5), 1),
        "p99_ms": round(percentile(times, 0.99), 1),
        "max_ms": round(times[-1], 1),
        "turns": done.answers,
        "delivered_meanwhile": delivered,
    }
    yield Result("acknowledge", "99 of 100 within", percentile(times, 0.99), "ms", 300, True, detail)
    yield Result("acknowledge", "the slowest within", times[-1], "ms", 4000, True)
    yield Result("acknowledge", "answers wrong", float(done.wrong), "", 0, True)
