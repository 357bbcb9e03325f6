"""The template cards of 企业微信: which field a card may hold, and the code that refuses it.

The codes of list lengths (42035 to 42037, 42042) are documented as a group, not one by one: which list gets
which is assumed here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from deploy.sandbox.platform import Refused

TASK_ID = re.compile(r"[0-9A-Za-z_@-]{1,128}")
COMMON = {
    "card_type", "source", "action_menu", "task_id", "main_title", "quote_area", "sub_title_text",
    "horizontal_content_list", "card_action",
}  # fmt: skip
ALLOWED = {
    "text_notice": COMMON | {"emphasis_content", "jump_list"},
    "button_interaction": COMMON | {"button_selection", "button_list"},
}
KEY_BYTES, OPTION_BYTES = 1024, 128

Card = Mapping[str, Any]


def check_card(card: object, *, update: bool = False) -> None:
    """Refused with the platform's code unless the card may be sent, or may replace another (`update`)."""
    if not isinstance(card, dict):
        raise Refused(40063, "template_card is empty")
    kind = card.get("card_type")
    if kind not in ALLOWED:
        raise Refused(42031, "card_type is invalid or not played here")
    allowed = ALLOWED[kind] - {"task_id"} if update else ALLOWED[kind]
    if update and kind == "button_interaction":
        allowed = allowed | {"replace_text"}
    for name in card:
        if name not in allowed:
            raise Refused(40058, f"{name} is no field of this card")
    if not update:
        _check_task_id(card)
    for check in CHECKS:
        check(card)


def updatable(card: Card) -> bool:
    """Whether a card gets a response_code: it has buttons, or a menu."""
    return card["card_type"] == "button_interaction" or "action_menu" in card


def keys_of(card: Card) -> tuple[list[Card], list[Card]]:
    """The buttons and the menu entries of a card."""
    return list(card.get("button_list", ())), list(card.get("action_menu", {}).get("action_list", ()))


def _check_task_id(card: Card) -> None:
    task_id = card.get("task_id")
    if task_id is None and not updatable(card):
        return
    if not isinstance(task_id, str) or not TASK_ID.fullmatch(task_id):
        raise Refused(42014, "taskid has existed or empty or exceed max len")


def _part(card: Card, name: str) -> Card | None:
    part = card.get(name)
    if part is not None and not isinstance(part, dict):
        raise Refused(40058, f"{name} is not an object")
    return part


def _list(card: Card, name: str, low: int, high: int, errcode: int) -> Iterator[Card]:
    rows = card.get(name, [])
    if not isinstance(rows, list) or not low <= len(rows) <= high:
        raise Refused(errcode, f"{name} has a wrong length")
    for row in rows:
        if not isinstance(row, dict):
            raise Refused(40058, f"{name} holds no objects")
        yield row


def _text(part: Card, name: str, errcode: int, limit: int = 1 << 16) -> str:
    value = part.get(name)
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= limit:
        raise Refused(errcode, f"{name} is missing or too long")
    return value


def _target(part: Card) -> None:
    """Type 1 opens a page, type 2 a mini program."""
    if part.get("type") == 1 and not _text(part, "url", 42028).startswith(("http://", "https://")):
        raise Refused(42028, "url has no scheme")
    if part.get("type") == 2:
        _text(part, "appid", 42030)


def _kind(part: Card, name: str, kinds: tuple[int | None, ...], errcode: int = 40058) -> None:
    if part.get(name) not in kinds:
        raise Refused(errcode, f"{name} is invalid")


def _source(card: Card) -> None:
    if source := _part(card, "source"):
        _kind(source, "desc_color", (None, 0, 1, 2, 3))


def _title(card: Card) -> None:
    title = _part(card, "main_title") or {}
    if card["card_type"] == "text_notice" and not title.get("title"):
        _text(card, "sub_title_text", 42033)
    else:
        _text(title, "title", 42033)


def _menu(card: Card) -> None:
    if menu := _part(card, "action_menu"):
        seen = set()
        for entry in _list(menu, "action_list", 1, 3, 42037):
            _text(entry, "text", 42038)
            key = _text(entry, "key", 42039, KEY_BYTES)
            if key in seen:
                raise Refused(42051, "duplicate menu key")
            seen.add(key)


def _quote(card: Card) -> None:
    if quote := _part(card, "quote_area"):
        _kind(quote, "type", (None, 0, 1, 2))
        _target(quote)


def _rows(card: Card) -> None:
    for row in _list(card, "horizontal_content_list", 0, 6, 42035):
        _text(row, "keyname", 42027)
        _kind(row, "type", (None, 0, 1, 2, 3))
        if row.get("type") == 1:
            _target(row)
        if row.get("type") == 2:
            _text(row, "media_id", 42029)
        if row.get("type") == 3:
            _text(row, "userid", 42050)


def _jumps(card: Card) -> None:
    for jump in _list(card, "jump_list", 0, 3, 42036):
        _text(jump, "title", 42033)
        _kind(jump, "type", (None, 0, 1, 2))
        _target(jump)


def _action(card: Card) -> None:
    action = _part(card, "card_action")
    must = card["card_type"] == "text_notice"
    if action is None and not must:
        return
    _kind(action or {}, "type", (1, 2) if must else (None, 0, 1, 2), 42045)
    _target(action or {})


def _selection(card: Card) -> None:
    if selection := _part(card, "button_selection"):
        _text(selection, "question_key", 42043, KEY_BYTES)
        seen = set()
        for option in _list(selection, "option_list", 1, 10, 42042):
            _text(option, "text", 42041)
            option_id = _text(option, "id", 42040, OPTION_BYTES)
            if option_id in seen:
                raise Refused(42040, "duplicate option id")
            seen.add(option_id)


def _buttons(card: Card) -> None:
    if card["card_type"] != "button_interaction":
        return
    seen = set()
    for button in _list(card, "button_list", 1, 6, 42037):
        _text(button, "text", 42038)
        _kind(button, "type", (None, 0, 1))
        _target(button)
        if button.get("type") != 1:
            key = _text(button, "key", 42039, KEY_BYTES)
            if key in seen:
                raise Refused(42039, "duplicate button key")
            seen.add(key)


CHECKS: tuple[Callable[[Card], None], ...] = (
    _source, _title, _menu, _quote, _rows, _jumps, _action, _selection, _buttons,
)  # fmt: skip
