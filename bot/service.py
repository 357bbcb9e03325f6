"""What a running process of ours is made of: built once by an entry point, handed to everything that needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.channels.channel import Channel
from bot.words import Words
from core.office import Office
from core.settings import Settings


@dataclass(frozen=True)
class Service:
    """`now` is the case clock (in the sandbox the story's time), `machine` the machine's. `ring(name, *ids)` wakes a
    worker by naming a job; it never raises and never waits long."""

    office: Office
    settings: Settings
    words: Words
    channels: Mapping[str, Channel]
    now: Callable[[], datetime]
    machine: Callable[[], datetime]
    ring: Callable[..., None]
