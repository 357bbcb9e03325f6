"""What the delivery planner and the handlers know of a platform.

A channel is one module that speaks one protocol: it says which routes to a person are open now, sends a card by
a route, redraws a card it sent, and fetches media. It decides nothing about cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.cards.card import Card
from bot.channels.call import Meaning
from bot.channels.wire import Answer, Download
from core.people import Address


@dataclass(frozen=True)
class Sent:
    """What came of sending. `reference` is the platform's id; `update_code` redraws the card once until
    `code_until` (case clock); `task_id` comes back with a tap."""

    meaning: Meaning
    reference: str = ""
    task_id: str = ""
    update_code: str = ""
    code_until: datetime | None = None
    missed: tuple[str, ...] = ()  # addresses the platform accepted the call without


class Channel(Protocol):
    """A platform. Nothing here may be called inside a database transaction."""

    name: str

    def routes(self, address: Address, now: datetime) -> Sequence[str]:
        """The routes open to a person now, best first; empty if only a human can reach them."""

    def budget(self, route: str, address: str) -> tuple[str, int, int] | None:
        """The platform's limit on that route: (object, seconds, messages), or None if there is none."""

    def send(self, route: str, address: str, card: Card, *, key: str, now: datetime) -> Sent:
        """Send a card. `key` is the outbox key: the same key never reaches a person twice where the platform
        can tell. Raises `WireError` (`Unreachable`: nothing was sent; `Unknown`: perhaps)."""

    def send_group(self, chat: str, card: Card, *, key: str, now: datetime) -> Sent:
        """Send a card to a unit's chat group."""

    def redraw(self, update_code: str, card: Card, addresses: Sequence[str]) -> Meaning:
        """Redraw a sent card with its one-use code."""

    def media(self, media_id: str, cap: int) -> Download | Answer:
        """Fetch a file somebody sent in chat, at most `cap` bytes."""
