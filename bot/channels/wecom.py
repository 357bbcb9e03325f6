"""企业微信: button cards to members, text cards to groups.

A card with acts answered on the spot is a `button_interaction`; one whose acts are pages, or that has none, a
`text_notice`; one that leads nowhere is plain text. What is too long for a field is cut with …: the page
behind the card has it all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.cards.card import Button, Card
from bot.channels import wecom_api
from bot.channels.call import WECOM, Line, Meaning, Verdict, meaning
from bot.channels.channel import Sent
from bot.channels.tokens import TokenRefused
from bot.channels.wecom_api import App
from bot.channels.wire import Answer, Download
from bot.words import clip, cut
from core.people import Address

CODE_LIFE: Final = timedelta(hours=72)
REFUSED: Final = Meaning(Verdict.ALARM, "token_refused")
# A member gets at most so many messages a minute from an app; more vanish without an error.
MINUTE: Final = (60, 30)
# Characters a card shows, and how many of each it takes.
SOURCE, TITLE, TEXT, QUOTE, ROW_NAME, ROW_VALUE, BUTTON, JUMP = 20, 36, 160, 120, 5, 30, 10, 18
ROWS, BUTTONS, JUMPS = 6, 6, 3
# Bytes of a text card in a group, and of a text to a member.
GROUP_TITLE, GROUP_TEXT, PLAIN = 128, 512, 2048
STYLES: Final[Mapping[str, int]] = {"primary": 1, "plain": 2, "quiet": 2}
SENT_BEFORE: Final = 42014  # a task id used before; ours are well-formed, so the card went out


class Wecom:
    """The channel of one app."""

    name = "wecom"

    def __init__(self, app: App, line: Line) -> None:
        self._app, self.line = app, line

    def routes(self, address: Address, now: datetime) -> Sequence[str]:
        """Always the card: a member can be written to at any time."""
        return ("card",)

    def budget(self, route: str, address: str) -> tuple[str, int, int] | None:
        return (f"wecom:{address}", *MINUTE)

    def send(self, route: str, address: str, card: Card, *, key: str, now: datetime) -> Sent:
        """The card to one member. A retry of the same key is the same request to the byte, which the platform
        delivers once; after that memory is gone, the task id used before tells that it was sent."""
        task_id = task_id_of(key)
        try:
            if not card.url:
                answer = wecom_api.send_text(self.line, self._app, [address], cut(_plain(card), PLAIN))
            else:
                drawn = {**draw(card), "task_id": task_id}
                answer = wecom_api.send_card(self.line, self._app, [address], drawn)
        except TokenRefused:
            return Sent(REFUSED)
        if answer.errcode == SENT_BEFORE:
            return Sent(Meaning(Verdict.SENT, "sent_before"), task_id=task_id)
        missed = wecom_api.missed(answer)
        if answer.errcode == 0 and address.lower() in missed:
            return Sent(Meaning(Verdict.RECIPIENT_GONE, "nobody_reached"), missed=missed)
        code = answer.text("response_code")
        return Sent(
            meaning(WECOM, answer),
            reference=answer.text("msgid"),
            task_id=task_id,
            update_code=code,
            code_until=now + CODE_LIFE if code else None,
            missed=missed,
        )

    def send_group(self, chat: str, card: Card, *, key: str, now: datetime) -> Sent:
        """A text card: groups take no buttons, and know no repeats."""
        lines = [card.text, *(f"{label}：{value}" for label, value in card.rows), card.window]
        content = {
            "title": cut(_no_tags(card.title), GROUP_TITLE),
            "description": cut(_no_tags("\n".join(filter(None, lines))), GROUP_TEXT),
            "url": card.url,
            "btntxt": "查看",
        }
        try:
            answer = wecom_api.send_to_chat(self.line, chat, "textcard", content)
        except TokenRefused:
            return Sent(REFUSED)
        return Sent(meaning(WECOM, answer))

    def redraw(self, update_code: str, card: Card, addresses: Sequence[str]) -> Meaning:
        """The whole card anew, for these members. The code serves once."""
        try:
            answer = wecom_api.update_card(self.line, self._app, update_code, draw(card), addresses)
        except TokenRefused:
            return REFUSED
        return meaning(WECOM, answer)

    def media(self, media_id: str, cap: int) -> Download | Answer:
        return wecom_api.get_media(self.line, media_id, cap)


def draw(card: Card) -> dict[str, object]:
    """A card that has a page, as a template card (without its task id)."""
    drawn: dict[str, object] = {
        "source": {"desc": clip(card.window, SOURCE)},
        "main_title": {"title": clip(card.title, TITLE)},
        "card_action": {"type": 1, "url": card.url},
    }
    if card.text:
        drawn["sub_title_text"] = clip(card.text, TEXT)
    if card.basis:
        drawn["quote_area"] = {"type": 0, "quote_text": clip(card.basis, QUOTE)}
    if card.rows:
        drawn["horizontal_content_list"] = [
            {"keyname": clip(label, ROW_NAME), "value": clip(value, ROW_VALUE)}
            for label, value in card.rows[:ROWS]
        ]
    if any(not button.url for button in card.buttons):
        return {
            "card_type": "button_interaction",
            **drawn,
            "button_list": [_button(button) for button in card.buttons[:BUTTONS]],
        }
    if card.buttons:
        drawn["jump_list"] = [
            {"type": 1, "title": clip(button.label, JUMP), "url": button.url}
            for button in card.buttons[:JUMPS]
        ]
    return {"card_type": "text_notice", **drawn}


def task_id_of(key: str) -> str:
    """The task id of a card: letters, digits and _-@, at most 128 of them, another for every key."""
    plain = re.fullmatch(r"[0-9A-Za-z_.-]{1,128}", key)
    return key.replace(".", "@") if plain else hashlib.sha256(key.encode()).hexdigest()


def _button(button: Button) -> dict[str, object]:
    shown: dict[str, object] = {"text": clip(button.label, BUTTON), "style": STYLES[button.style]}
    return shown | ({"type": 1, "url": button.url} if button.url else {"type": 0, "key": button.act})


def _plain(card: Card) -> str:
    rows = (f"{label}：{value}" for label, value in card.rows)
    return "\n".join(filter(None, (card.title, card.text, *rows, card.basis, card.window)))


def _no_tags(text: str) -> str:
    """Text cards read tags; what people wrote holds none."""
    return text.replace("<", "＜").replace(">", "＞")
