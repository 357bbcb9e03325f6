"""Several cards as one message: joined for a citizen, listed for a member of staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.cards.card import Card
from bot.cards.draw import UNNAMED
from bot.channels.messages import PASSIVE_BYTES
from bot.words import Words

LISTED: Final = 15  # as many as a text message holds; the others are on the desk


def joined(cards: Sequence[Card]) -> tuple[Card, int]:
    """The first of these cards as one, and how many they are: as many as a message holds whole, and at most one
    of them, the last, with something to tap."""
    taken = list(cards[:1])
    for card in cards[1:]:
        if taken[-1].buttons or _size([*taken, card]) > PASSIVE_BYTES:
            break
        taken.append(card)
    *before, last = taken
    if not before:
        return last, 1
    text = "\n\n".join(filter(None, (*map(_whole, before), f"{last.title}\n{last.text}")))
    title, _, text = text.partition("\n")
    return replace(last, title=title, text=text), len(taken)


def digest_card(words: Words, cards: Sequence[Card], base_url: str) -> Card:
    """What was kept back for somebody, one line each, and where to do it. It has no page of its own: a text."""
    lines = [(card.title, "" if card.subject == UNNAMED else card.subject) for card in cards]
    blocks = words.blocks(
        "staff/digest",
        count=len(lines),
        lines=lines[:LISTED],
        more=max(0, len(lines) - LISTED),
        desk=f"{base_url}/desk",
    )
    return Card(title=blocks["title"], window=cards[0].window, text=blocks["text"])


def _whole(card: Card) -> str:
    rows = (f"{label}：{value}" for label, value in card.rows)
    link = f"详情：{card.url}" if card.url else ""
    return "\n".join(filter(None, (card.title, card.text, *rows, card.basis, link)))


def _size(cards: Sequence[Card]) -> int:
    choices = sum(len(b.label.encode()) + 1 for b in cards[-1].buttons)
    return len("\n\n".join((*map(_whole, cards), cards[-1].window)).encode()) + choices
