"""公众号: a customer-service message while the reader's window is open, else a template message.

Neither is a card. A message carries everything as text, with choices to tap; a template message has fixed
fields and the link. A notice is one message, never several: it costs one of the five that a window allows,
and cannot be sent by half. What does not fit is on the page behind the link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.cards.card import Card
from bot.channels import wechat_api
from bot.channels.call import WECHAT, Line, Meaning, Verdict, meaning
from bot.channels.channel import Sent
from bot.channels.messages import PASSIVE_BYTES
from bot.channels.tokens import TokenRefused
from bot.channels.wire import Answer, Download
from bot.words import clip, cut
from core.people import Address
from core.settings import SettingsError
from core.workdays import SHANGHAI

REFUSED: Final = Meaning(Verdict.ALARM, "token_refused")
# A tap may come weeks later and brings back nothing but its id: the case, then two digits of this table. An
# id must be digits (others come back as 0). Numbers are never given anew.
TAPS: Final[Mapping[str, str]] = {
    "01": "rate:1",
    "02": "rate:2",
    "03": "rate:3",
    "04": "rate:4",
    "05": "rate:5",
    "11": "insist",
    "12": "object",
    "13": "withdraw",
    "14": "ask_human",
    "15": "reopen",
}
ID_DIGITS: Final = 18  # more than that is no row of ours
_DIGITS: Final = {act: digits for digits, act in TAPS.items()}
# Characters a template field takes, by the head of its name.
FIELDS: Final[Mapping[str, int]] = {"thing": 20, "character_string": 32, "phrase": 5, "time": 20}
NOTHING: Final = "无"  # an empty field is refused


def menu_id(case_id: int, act: str) -> str:
    """What a tap on this act of this case brings back: digits only."""
    return f"{case_id}{_DIGITS[act]}"


def read_menu_id(text: str) -> tuple[int, str] | None:
    """The case and the act of a tap; None for the positions (one or two digits) of other choices."""
    act, case_id = TAPS.get(text[-2:]), text[:-2]
    possible = case_id.isascii() and case_id.isdecimal() and len(case_id) <= ID_DIGITS
    return (int(case_id), act) if act and possible else None


class Wechat:
    """The channel of one account. `fields` says what stands in which field of its category template:
    `thing2=subject,time4=time` of number, subject, status, time. Raises `SettingsError`."""

    name = "wechat"

    def __init__(self, line: Line, template: str, fields: str) -> None:
        self.line, self._template = line, template
        self._fields = _read_fields(fields) if template else {}

    def routes(self, address: Address, now: datetime) -> Sequence[str]:
        window = address.open_until is not None and address.open_until > now and address.open_left > 0
        open_now = {"customer_service": window, "template": address.following and bool(self._template)}
        return tuple(route for route, is_open in open_now.items() if is_open)

    def budget(self, route: str, address: str) -> tuple[str, int, int] | None:
        """None: what a window allows is counted with the address."""
        return None

    def send(self, route: str, address: str, card: Card, *, key: str, now: datetime) -> Sent:
        """By `template` the same key within 10 minutes is sent once; a message knows no repeats."""
        try:
            if route == "template":
                values = self._values(card, now)
                answer = wechat_api.send_template(self.line, address, self._template, values, card.url, key)
            elif choices := _choices(card):
                head, tail = _menu_texts(card, choices)
                answer = wechat_api.send_menu(self.line, address, head, choices, tail)
            else:
                answer = wechat_api.send_text(self.line, address, _text(card, PASSIVE_BYTES))
        except TokenRefused:
            return Sent(REFUSED)
        return Sent(meaning(WECHAT, answer), reference=answer.text("msgid"))

    def send_group(self, chat: str, card: Card, *, key: str, now: datetime) -> Sent:
        return Sent(Meaning(Verdict.ROUTE_CLOSED, "no_groups"))

    def redraw(self, update_code: str, card: Card, addresses: Sequence[str]) -> Meaning:
        """Nothing here can be redrawn: a new message has to say it."""
        return Meaning(Verdict.SPENT_CODE, "no_cards")

    def media(self, media_id: str, cap: int) -> Download | Answer:
        return wechat_api.get_media(self.line, media_id, cap)

    def _values(self, card: Card, now: datetime) -> dict[str, str]:
        known = {
            "number": card.number,
            "subject": card.subject,
            "status": card.status,
            "time": f"{now.astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
        }
        return {
            field: clip(known[source], FIELDS[field.rstrip("0123456789")]) or NOTHING
            for field, source in self._fields.items()
        }


def _choices(card: Card) -> list[tuple[str, str]]:
    return [(menu_id(card.case_id, b.act), b.label) for b in card.buttons if not b.url]


def _text(card: Card, room: int) -> str:
    """The card in words, its link always whole."""
    tail = _tail(card)
    rows = [f"{label}：{value}" for label, value in card.rows]
    body = "\n".join(filter(None, (card.title, card.text, *rows)))
    return cut(body, room - len(tail.encode()) - 1) + (f"\n{tail}" if tail else "")


def _tail(card: Card) -> str:
    return "\n".join(filter(None, (card.basis, card.window, f"详情：{card.url}" if card.url else "")))


def _menu_texts(card: Card, choices: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """What stands above and below the choices."""
    taken = sum(len(label.encode()) + 1 for _, label in choices) + len(_tail(card).encode())
    rows = [f"{label}：{value}" for label, value in card.rows]
    head = "\n".join(filter(None, (card.title, card.text, *rows)))
    return cut(head, PASSIVE_BYTES - taken), _tail(card)


def _read_fields(text: str) -> dict[str, str]:
    fields = dict(part.strip().partition("=")[::2] for part in text.split(",") if part.strip())
    for field, source in fields.items():
        if field.rstrip("0123456789") not in FIELDS or source not in ("number", "subject", "status", "time"):
            raise SettingsError(f"BANCHENG_WECHAT_TEMPLATE_FIELDS：看不懂 {field}={source}")
    return fields
