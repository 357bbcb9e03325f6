"""What RQ calls by name, and the process that listens. A job is handed ids or nothing, and may run twice."""

from __future__ import annotations

import os
from functools import cache
from typing import Final

from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from bot.service import Service
from core.settings import Settings, from_env
from workers import bell, delivery, sweeper
from workers import media as files
from workers import redraw as cards
from workers.build import lasting

BEHIND: Final = 10  # on the scale of `nice`: who writes to us comes before what we have to say


@cache
def service() -> Service:
    """The one service of this process: RQ calls by name, so it cannot be handed over."""
    return lasting(from_env(os.environ))


def deliver() -> None:
    one = service()
    sweeper.repeat(lambda: delivery.step(one, one.now(), one.machine()))


def media() -> None:
    one = service()
    sweeper.repeat(lambda: files.step(one, one.machine()))


def redraw(case_id: int) -> None:
    cards.step(service(), case_id, service().now())


def work(settings: Settings, *, burst: bool = False) -> None:
    """Take jobs until a signal ends it; with `burst` until none is left. One queue a process: only so does RQ
    keep a job that its worker lost. No scheduler: the database remembers what is due."""
    os.nice(BEHIND)
    client = Redis.from_url(settings.redis_url)  # its own: RQ stretches its time-outs
    queue = Queue(bell.QUEUE, connection=client, serializer=JSONSerializer)
    worker = SimpleWorker([queue], connection=client, serializer=JSONSerializer, log_job_description=False)
    worker.work(burst=burst, with_scheduler=False, logging_level=settings.log_level)
