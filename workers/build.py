"""A service from its settings: built once by an entry point, handed to everything that needs it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.channels.connect import CASELESS, connect
from bot.service import Service
from bot.words import Words
from core import setup, store
from core.office import Office
from core.privacy import Vault
from core.settings import Settings
from core.workdays import Calendar, OfficeHours
from workers.bell import Bell


def build(settings: Settings) -> Service:
    """Raises SettingsError, HallError, ProfileError, BadKeys, or a database error if it is not there or has no
    tables yet."""
    engine = store.open_engine(settings.database_url)
    vault = Vault.from_setting(settings.keys.get_secret_value(), settings.cipher)
    hall = setup.read_hall(settings.hall)
    now = file_clock(settings.sandbox_clock) if settings.sandbox_clock else machine_clock
    with store.transaction(engine) as conn:
        profile = setup.settle(conn, hall, now(), CASELESS)
    settings.files.mkdir(mode=0o700, parents=True, exist_ok=True)
    office = Office(
        engine, vault, Calendar.load(), OfficeHours.read(hall.hours), hall, profile, settings.files
    )
    bell = Bell(settings.redis_url, machine_clock)

    def ring(name: str, *ids: int) -> None:
        bell.ring(name, *ids)  # whoever does not hear it is helped by the next sweep

    return Service(
        office=office,
        settings=settings,
        words=Words(),
        channels=connect(settings, engine, vault, machine_clock),
        now=now,
        machine=machine_clock,
        ring=ring,
    )


def lasting(settings: Settings) -> Service:
    """The service of a process that serves until it is stopped: what there is by now stays for good, so the garbage
    collector need not go through it again and again (a seventh of the time of a ledger). Raises as `build` does."""
    service = build(settings)
    gc.collect()
    gc.freeze()
    return service


def machine_clock() -> datetime:
    """The machine's time, for leases and back-off; the case clock too, outside the sandbox."""
    return datetime.now(UTC)  # noqa: TID251 (the clock that entry points hand in)


def file_clock(path: Path) -> Callable[[], datetime]:
    """The sandbox's case clock: the ISO instant in a file, read again when the file is another."""
    seen: tuple[int, datetime] | None = None

    def now() -> datetime:
        nonlocal seen
        changed = path.stat().st_mtime_ns
        if seen is None or seen[0] != changed:
            instant = datetime.fromisoformat(path.read_text("utf-8").strip())
            if instant.tzinfo is None:
                raise ValueError(f"{path}: the instant has no time zone")
            seen = changed, instant
        return seen[1]

    return now
