"""What stands inside an envelope: incoming fields as a neutral value, and the XML of a passive reply."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bot.channels.envelope import Malformed, Node, cdata

PASSIVE_BYTES: Final = 1800  # 公众号 fails above some 2048 bytes, 企业微信 cuts there


class Kind(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    FILE = "file"
    LOCATION = "location"
    LINK = "link"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    MENU = "menu"
    ENTER = "enter"
    CARD = "card"
    SENT_REPORT = "sent_report"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Inbound:
    """One authentic message or event, as the platform told it.

    `sender` is an openid, or a 企业微信 UserID in lower case. `created_at` is epoch seconds. `menu_id` is
    what a tap in a menu message carries, `event_key` a menu key, a button's key or a QR scene. `report_id`
    and `status` belong to `SENT_REPORT`. Text a person wrote stays out of the repr.
    """

    kind: Kind
    receiver: str
    sender: str
    created_at: int
    agent_id: str = ""
    message_id: str = ""
    text: str = field(default="", repr=False)
    media_id: str = field(default="", repr=False)
    position: tuple[str, str] | None = field(default=None, repr=False)  # latitude, longitude
    menu_id: str = ""
    event: str = ""
    event_key: str = ""
    task_id: str = ""
    card_type: str = ""
    response_code: str = field(default="", repr=False)
    selected: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    report_id: str = ""
    status: str = ""


MESSAGES: Final = {
    "text": Kind.TEXT,
    "image": Kind.IMAGE,
    "voice": Kind.VOICE,
    "video": Kind.VIDEO,
    "shortvideo": Kind.VIDEO,
    "file": Kind.FILE,
    "location": Kind.LOCATION,
    "link": Kind.LINK,
}
EVENTS: Final = {
    "subscribe": Kind.FOLLOW,
    "unsubscribe": Kind.UNFOLLOW,
    "scan": Kind.ENTER,  # a follower comes in by a QR code
    "enter_agent": Kind.ENTER,
    "click": Kind.MENU,
    "template_card_event": Kind.CARD,
    "template_card_menu_event": Kind.CARD,
    "templatesendjobfinish": Kind.SENT_REPORT,
    "subscribe_msg_sent_event": Kind.SENT_REPORT,
}
# The fields that hold what a person said, by kind; recognised speech is read where it still exists.
WORDS: Final = {
    Kind.TEXT: ("Content",),
    Kind.VOICE: ("Recognition",),
    Kind.LOCATION: ("Label",),
    Kind.LINK: ("Title", "Description", "Url"),
    Kind.FILE: ("Title",),
}


def parse(fields: Node) -> Inbound:
    """The message or event in an opened envelope. Malformed without receiver, time or kind."""
    sort, receiver, created = (
        fields.get("MsgType").lower(),
        fields.get("ToUserName"),
        fields.get("CreateTime"),
    )
    if not (sort and receiver and created.isdecimal()):
        raise Malformed
    event = fields.get("Event").lower() if sort == "event" else ""
    kind = (EVENTS.get(event) if event else MESSAGES.get(sort)) or Kind.UNKNOWN
    agent_id, sender = fields.get("AgentID"), fields.get("FromUserName")
    report = next(iter(fields.items("SubscribeMsgSentEvent/List")), fields)
    return Inbound(
        kind=kind,
        receiver=receiver,
        # The API gives UserIDs in lower case whatever the callback says; openids are case-sensitive.
        sender=sender.lower() if agent_id else sender,
        created_at=int(created),
        agent_id=agent_id,
        message_id=fields.get("MsgId"),
        text="\n".join(filter(None, map(fields.get, WORDS.get(kind, ())))),
        media_id=fields.get("MediaId"),
        position=(fields.get("Location_X"), fields.get("Location_Y")) if kind is Kind.LOCATION else None,
        menu_id=fields.get("bizmsgmenuid"),
        event=event,
        event_key=fields.get("EventKey").removeprefix("qrscene_" if event == "subscribe" else ""),
        task_id=fields.get("TaskId"),
        card_type=fields.get("CardType"),
        response_code=fields.get("ResponseCode"),
        selected=MappingProxyType(
            {
                item.get("QuestionKey"): tuple(option.text for option in item.items("OptionIds/OptionId"))
                for item in fields.items("SelectedItems/SelectedItem")
            }
        ),
        report_id=report.get("MsgID"),
        status=report.get("Status") or report.get("ErrorStatus"),
    )


def dedupe_key(inbound: Inbound, receiver: str) -> str:
    """The same for every delivery of one message, from sealed content only; at most 200 characters.

    A message has its MsgId. An event has none: sender and second are the documented key, and what was
    touched is added, because two taps may share a second.
    """
    if inbound.message_id and not inbound.event:
        what = f"msg:{inbound.message_id}"
    else:
        parts = (
            inbound.sender,
            str(inbound.created_at),
            inbound.event or inbound.kind,
            inbound.event_key,
            inbound.task_id,
            inbound.response_code,
            inbound.report_id,
        )
        what = "evt:" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    key = f"{receiver}:{what}"
    return key if len(key) <= 200 else hashlib.sha256(key.encode()).hexdigest()


def text_reply(to: str, frm: str, text: str, now: float) -> str:
    """A passive text reply; `text` of at most `PASSIVE_BYTES`. `now` in epoch seconds."""
    return _reply(to, frm, "text", f"<Content>{cdata(text)}</Content>", now)


def _reply(to: str, frm: str, sort: str, body: str, now: float) -> str:
    return (
        f"<xml><ToUserName>{cdata(to)}</ToUserName><FromUserName>{cdata(frm)}</FromUserName>"
        f"<CreateTime>{int(now)}</CreateTime><MsgType>{cdata(sort)}</MsgType>{body}</xml>"
    )


def split(text: str, limit: int = PASSIVE_BYTES) -> list[str]:
    """`text` in pieces of at most `limit` bytes of UTF-8 (at least 4), cut after a line, else after a
    sentence, else anywhere between two characters. Joined they are the text; a blank piece is left out,
    since the platforms refuse it."""
    pieces = []
    while text:
        piece = text.encode()[:limit].decode("utf-8", "ignore")
        if piece != text:
            ends = (max(map(piece.rfind, marks)) + 1 for marks in ("\n", "。！？；"))
            piece = piece[: next((end for end in ends if end), len(piece))]
        pieces.append(piece)
        text = text[len(piece) :]
    return [piece for piece in pieces if piece.strip()]
