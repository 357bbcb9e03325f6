"""The bell: waking a worker by naming a job. The database remembers what is to be done; Redis only wakes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)

QUEUE: Final = "bancheng"
JOBS: Final = frozenset({"deliver", "media", "redraw"})
FAILURES: Final = 3  # in a row; then the bell is left alone for a while
PAUSE: Final = timedelta(seconds=10)
BACKLOG: Final = 50  # so many jobs that nobody takes: no worker is listening
JOB_SECONDS: Final = 300
FAILED_SECONDS: Final = 24 * 3600


def open_queue(url: str) -> Queue:
    """The queue for those who ring: an answer within half a second, or none (a hung Redis must not hold up a
    callback). JSON, so that what lies in Redis is no code."""
    client = Redis.from_url(
        url,
        socket_connect_timeout=0.3,
        socket_timeout=0.5,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=30,
    )
    return Queue(QUEUE, connection=client, serializer=JSONSerializer)


class Bell:
    """Rings on the queue at `url`; an empty one has no bell. `machine` reads the machine's clock."""

    def __init__(self, url: str, machine: Callable[[], datetime]) -> None:
        self._queue = open_queue(url) if url else None
        self._machine = machine
        self._failures = 0
        self._silent_until: datetime | None = None
        self._lock = threading.Lock()

    def ring(self, name: str, *ids: int) -> bool:
        """Name a job, with ids only. Whether somebody is there to hear it; never raises, never waits long."""
        assert name in JOBS
        now = self._machine()
        if self._queue is None or (self._silent_until is not None and now < self._silent_until):
            return False
        try:
            if self._queue.count >= BACKLOG:
                return False
            self._queue.enqueue(
                f"workers.main.{name}",
                *ids,
                result_ttl=0,
                failure_ttl=FAILED_SECONDS,
                job_timeout=JOB_SECONDS,
                description=name,
            )
        except RedisError as error:
            self._missed(now, error)
            return False
        self._failures, self._silent_until = 0, None
        return True

    def _missed(self, now: datetime, error: RedisError) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._silent_until = now + PAUSE
        log.warning("redis does not answer: %s", type(error).__name__)
