"""The clock: fires what is due and wakes the workers. Safe to run twice; every row is claimed with a lease."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from bot.pages import session
from bot.service import Service
from core import cards, duties, heartbeat, library, outbox, proposals, reports, rosters, store, visits
from core.desk import attach, clock
from workers import audit, delivery, media, redraw

log = logging.getLogger(__name__)

EVERY: Final = 2.0  # seconds between two sweeps
AUDIT_EVERY: Final = timedelta(minutes=3)
ROUNDS: Final = 200  # of one kind of work in one sweep; the rest is for the next
Ring = Callable[..., bool]


@dataclass(frozen=True)
class Swept:
    """What a sweep did itself, and whether a worker was woken for the rest."""

    steps: int
    messages: int = 0
    files: int = 0
    cards: int = 0
    rung: bool = False


def nobody(_name: str, *_ids: int) -> bool:
    """A bell that nobody hears: the clock does the work itself."""
    return False


def step(service: Service, now: datetime, machine: datetime, ring: Ring = nobody) -> Swept:
    """One sweep. `now` is the case clock, `machine` the machine's time; `ring` says whether a worker heard."""
    steps = fire(service, now, machine)
    lay_out(service, now)
    count(service, now)
    with store.transaction(service.office.engine) as conn:
        waiting = outbox.waiting(conn, now=now, machine=machine)
        pending = attach.waiting(conn, machine=machine)
    messages = files = 0
    rung = ring("deliver") if waiting else False
    if waiting and not rung:
        log.info("no worker hears the bell: the clock delivers")
        messages = repeat(lambda: delivery.step(service, now, service.machine()))
    if pending and not ring("media"):
        files = repeat(lambda: media.step(service, service.machine()))
    redrawn = redraw.sweep(service, now)
    swept = Swept(steps, messages, files, redrawn, rung)
    session.clear_expired(service)
    with store.transaction(service.office.engine) as conn:
        cards.forget_codes(conn, now)
        library.remind(service.office, conn, now)
        heartbeat.beat(conn, "sweep", now, asdict(swept))
    return swept


def fire(service: Service, now: datetime, machine: datetime) -> int:
    """Fire the steps whose time has come, each in its own transaction; how many had an effect. One that fails is
    logged and tried again when its lease has run out; it never holds up the others."""
    fired = 0
    with store.transaction(service.office.engine) as conn:
        due = duties.claim_steps(conn, now=now, machine=machine)
    for one in due:
        try:
            with store.transaction(service.office.engine) as conn:
                fired += clock.fire(service.office, conn, one, now)
        except Exception as error:
            log.error("step %d of case %d: %s", one.id, one.case_id, type(error).__name__)
    return fired


def lay_out(service: Service, now: datetime) -> None:
    """Lay out the reports, rosters and visits that are due. What fails here must not hold up the cases."""
    for daily in (reports.tick, rosters.tick, visits.tick):
        try:
            with store.transaction(service.office.engine) as conn:
                daily(service.office, conn, now)
        except Exception as error:
            log.error("%s: %s", daily.__module__, type(error).__name__)


def count(service: Service, now: datetime) -> None:
    """Let the rules of counting look, once a day. What fails here must not hold up the cases."""
    try:
        with store.transaction(service.office.engine) as conn:
            proposals.tick(service.office, conn, now)
    except Exception as error:
        log.error("proposals: %s", type(error).__name__)


def repeat(work: Callable[[], int]) -> int:
    """Do a kind of work until none is left; how much there was."""
    total = 0
    for _ in range(ROUNDS):
        done = work()
        total += done
        if not done:
            break
    return total


def loop(service: Service, sleep: Callable[[float], None], ring: Ring = nobody) -> None:
    """Sweep for ever. A database that is away is waited for."""
    while True:
        try:
            step(service, service.now(), service.machine(), ring)
            audit.when_due(service, service.now(), AUDIT_EVERY)
        except SQLAlchemyError as error:
            log.error("the sweep failed: %s", type(error).__name__)
        sleep(EVERY)
