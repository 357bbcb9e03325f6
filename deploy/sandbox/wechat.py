"""公众号 (a verified 服务号), as a stand-in: windows, quotas, templates, menus, passive replies."""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import unquote

from flask import Flask, request

from deploy.sandbox import wire
from deploy.sandbox.platform import (
    Api,
    Call,
    Deed,
    Impossible,
    Json,
    MediaRule,
    Person,
    Platform,
    Refused,
    Row,
    create_app,
    text_of,
)
from deploy.sandbox.platform import Config as CommonConfig

FAULT_LINE = "该公众号提供的服务出现故障，请稍后再试"
WINDOW, WINDOW_MESSAGES = timedelta(hours=48), 5
BURST_SECONDS, BURST_MESSAGES = 60.0, 3
TEXT_BYTES = 2048
TEMPLATE_DEDUPE_SECONDS = 600.0
DAILY = {"token": 2000, "message/template/send": 100_000}
FORCED_A_DAY, FORCED_APART = 20, 30.0
OVERLAP = 300.0  # both tokens work for five minutes
SILENT = ("unsubscribe", "TEMPLATESENDJOBFINISH")  # events whose answer nobody sees
QUICK_REPLY = re.compile(r'<a href="weixin://bizmsgmenu\?msgmenucontent=([^&"]*)&msgmenuid=([^"]*)">')
ESCAPED = re.compile(rb"(?<!\\)\\u(?!00[0-7])")
MENU_TYPES = {
    "click", "view", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin",
    "location_select", "media_id", "view_limited", "article_id", "article_view_limited", "miniprogram",
}  # fmt: skip

_DAY = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?"
_HOUR = r"\d{1,2}:\d{2}(:\d{2})?"
_TIME, _DATE = rf"({_DAY} ?)?{_HOUR}", rf"{_DAY}( ?{_HOUR})?"
_HANZI = "[\u4e00-\u9fff]"
FIELD_TYPES = {
    "thing": r"[\s\S]{1,20}",
    "character_string": r"[\x20-\x7e]{1,32}",
    "phrase": _HANZI + "{1,5}",
    "name": r"[^\x00-\x7f]{1,10}|[\x20-\x7e]{1,20}",
    "time": rf"{_TIME}( ?~ ?{_TIME})?",
    "date": rf"{_DATE}( ?~ ?{_DATE})?",
    "number": r"(?=.{1,32}$)-?\d+(\.\d+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "amount": r"[¥￥$€]?\d{1,10}(\.\d+)?元?",
    "phone_number": r"[\d+\-() *]{1,17}",
    "car_number": r"\S{1,8}",
    "enum": r".+",
    "const": r".+",
}


@dataclass(frozen=True)
class Template:
    """A category template; `fields` are its keywords, such as `thing1` or `time4`."""

    id: str
    title: str
    fields: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.fields:
            if name.rstrip("0123456789") not in FIELD_TYPES:
                raise ValueError(f"no such field type: {name}")


@dataclass(frozen=True, kw_only=True)
class Config(CommonConfig):
    account: str
    templates: tuple[Template, ...] = ()


@dataclass
class Quota:
    """What the account may still send one person by customer-service message."""

    window_until: datetime | None = None
    window_left: int = 0
    burst_until: tuple[datetime, float] | None = None
    burst_left: int = 0


class Account(Platform):
    config: Config
    untrusted_ip = 40164
    bad_media_type, bad_media_file = 40004, 40005
    media_rules: ClassVar = {
        "image": MediaRule(10 << 20, ("image/jpeg", "image/png", "image/gif")),
        "voice": MediaRule(2 << 20, ("voice/amr", "audio/mpeg")),
        "video": MediaRule(10 << 20, ("video/mp4",)),
        "thumb": MediaRule(64 << 10, ("image/jpeg",)),
    }

    def begin(self) -> None:
        super().begin()
        self.quotas: dict[str, Quota] = {}
        self.stable = self.plain = ""
        self.forced: list[tuple[str, float]] = []
        self.template_ids: dict[tuple[str, str], tuple[float, int]] = {}

    def apis(self) -> Mapping[str, Api]:
        return {
            "token": Api("GET", self.plain_token, needs_token=False),
            "stable_token": Api("POST", self.stable_token, needs_token=False),
            "message/custom/send": Api("POST", self.custom_send),
            "message/template/send": Api("POST", self.template_send),
            "media/upload": Api("POST", self.media_upload),
            "media/get": Api("GET", self.media_get),
            "menu/create": Api("POST", self.menu_create),
            "menu/get": Api("GET", self.menu_get),
            "menu/delete": Api("GET", self.menu_delete),
            "sns/oauth2/access_token": Api("GET", self.oauth_token, needs_token=False),
        }

    def acts(self) -> Mapping[str, Callable[[Json], Deed]]:
        return {
            "say": self.said,
            "tap": self.tapped,
            "click": self.clicked,
            "follow": self.followed,
            "unfollow": self.unfollowed,
            "scan": self.scanned,
        }

    # Tokens

    def _authenticate(self, given: Mapping[str, Any]) -> None:
        if given.get("grant_type") != "client_credential":
            raise Refused(40002, "invalid grant_type")
        if given.get("appid") != self.config.app_id:
            raise Refused(40013, "invalid appid")
        if given.get("secret") != self.config.secret:
            raise Refused(40125, "invalid appsecret")

    def plain_token(self, call: Call) -> Json:
        """Each call makes a new token; the one before dies five minutes later."""
        self._authenticate(call.query)
        self._retire(self.plain, OVERLAP)
        self.plain = self.issue()
        return self._token(self.plain)

    def stable_token(self, call: Call) -> Json:
        body = call.json()
        self._authenticate(body)
        if body.get("force_refresh"):
            self._force()
            self._retire(self.stable, 0.0)
            self.stable = self.issue()
        elif self.life_of(self.stable) <= min(OVERLAP, self.config.token_seconds / 24):
            self.stable = self.issue()
        return self._token(self.stable)

    def _force(self) -> None:
        day, now = self.day(), self.config.machine()
        if sum(1 for one, _ in self.forced if one == day) >= FORCED_A_DAY:
            raise Refused(45009, "reach max api daily quota limit")
        if self.forced and now - self.forced[-1][1] < FORCED_APART:
            raise Refused(45011, "api minute-quota reach limit")
        self.forced.append((day, now))

    def _retire(self, token: str, seconds: float) -> None:
        if known := self.tokens.get(token):
            known.dies = min(known.dies, self.config.machine() + seconds)
            known.replaced = True

    def _token(self, token: str) -> Json:
        return {"access_token": token, "expires_in": int(self.life_of(token))}

    def oauth_token(self, call: Call) -> Json:
        if call.query.get("appid") != self.config.app_id:
            raise Refused(40013, "invalid appid")
        if call.query.get("secret") != self.config.secret:
            raise Refused(40125, "invalid appsecret")
        code = self.codes.get(call.query.get("code", ""))
        if code is None or code.until <= self.config.machine():
            raise Refused(40029, "invalid code")
        if code.used:
            raise Refused(40163, "code been used")
        code.used = True
        tokens = {"access_token": secrets.token_urlsafe(48), "refresh_token": secrets.token_urlsafe(48)}
        return {**tokens, "expires_in": 7200, "openid": code.person, "scope": "snsapi_base"}

    # Sending

    def parse(self, raw: bytes) -> Json:
        if ESCAPED.search(raw):
            raise Refused(40033, "invalid charset: send raw UTF-8, not \\uxxxx")
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise Refused(47001, "data format error") from error
        if not isinstance(body, dict):
            raise Refused(47001, "data format error")
        return body

    def _receiver(self, body: Json) -> Person:
        person = self.find(body.get("touser"))
        if person is None or person.id != body["touser"]:
            raise Refused(40003, "invalid openid")
        return person

    def custom_send(self, call: Call) -> Json:
        body = call.json()
        person = self._receiver(body)
        kind = body.get("msgtype")
        check = CUSTOM.get(kind) if isinstance(kind, str) else None
        content = body.get(kind) if isinstance(kind, str) else None
        if check is None:
            raise Refused(40008, "invalid message type")
        if not isinstance(content, dict):
            raise Refused(47001, "data format error")
        choices = check(self, content)
        if not person.following:
            raise Refused(45015, "response out of time limit or subscription is canceled")
        if person.refuses_messages:
            raise Refused(48002, "user refuses messages")
        self._spend(person)
        self.say(person.id, "app", str(kind), content, choices=choices)
        return {"errcode": 0, "errmsg": "ok"}

    def _spend(self, person: Person) -> None:
        quota = self.quotas.setdefault(person.id, Quota())
        window = quota.window_until is not None and self.now() < quota.window_until
        burst = quota.burst_until is not None and self._before(quota.burst_until)
        if window and quota.window_left:
            quota.window_left -= 1
        elif burst and quota.burst_left:
            quota.burst_left -= 1
        elif window or burst:
            raise Refused(45047, "out of response count limit")
        else:
            raise Refused(45015, "response out of time limit or subscription is canceled")

    def _before(self, moment: tuple[datetime, float]) -> bool:
        """The minute is over when either clock says so: the story may jump, and people may dawdle."""
        return self.now() < moment[0] and self.config.machine() < moment[1]

    def _open_window(self, person: Person) -> None:
        quota = self.quotas.setdefault(person.id, Quota())
        quota.window_until, quota.window_left = self.now() + WINDOW, WINDOW_MESSAGES

    def _open_burst(self, person: Person) -> None:
        quota = self.quotas.setdefault(person.id, Quota())
        until = self.now() + timedelta(seconds=BURST_SECONDS), self.config.machine() + BURST_SECONDS
        quota.burst_until, quota.burst_left = until, BURST_MESSAGES

    def check_text(self, content: Json) -> list[Json]:
        text = content.get("content")
        if not isinstance(text, str) or not text:
            raise Refused(44004, "empty content")
        if len(text.encode()) > TEXT_BYTES:
            raise Refused(45002, "content size out of limit")
        return quick_replies(text)

    def check_media(self, content: Json) -> list[Json]:
        self.medium(content.get("media_id"))
        return []

    def check_news(self, content: Json) -> list[Json]:
        articles = content.get("articles")
        if not isinstance(articles, list) or len(articles) != 1:
            raise Refused(45008, "article size out of limit")
        if not isinstance(articles[0], dict) or not articles[0].get("title"):
            raise Refused(47001, "data format error")
        return []

    def check_msgmenu(self, content: Json) -> list[Json]:
        choices = content.get("list")
        if not isinstance(choices, list) or not choices:
            raise Refused(47001, "data format error")
        for choice in choices:
            if not isinstance(choice, dict) or not all(
                isinstance(choice.get(key), str) for key in ("id", "content")
            ):
                raise Refused(47001, "data format error")
        return [{"id": choice["id"], "content": choice["content"]} for choice in choices]

    def template_send(self, call: Call) -> Json:
        body = call.json()
        person = self._receiver(body)
        template = next((one for one in self.config.templates if one.id == body.get("template_id")), None)
        if template is None:
            raise Refused(40037, "invalid template_id")
        values = template_values(template, body.get("data"))
        if not person.following:
            raise Refused(43004, "require subscribe")
        if person.refuses_templates:
            raise Refused(43101, "user refuse to accept the msg")
        key, now = (person.id, str(body.get("client_msg_id", ""))), self.config.machine()
        sent_at, msgid = self.template_ids.get(key, (now - TEMPLATE_DEDUPE_SECONDS, 0))
        if key[1] and now - sent_at < TEMPLATE_DEDUPE_SECONDS:
            return {"errcode": 0, "errmsg": "ok", "msgid": msgid}
        msgid = self.number()
        self.template_ids[key] = now, msgid
        content = {"title": template.title, "url": body.get("url", ""), "data": values}
        self.say(person.id, "app", "template", content, msgid=msgid)
        self.after_call(
            person.id, self._event(person.id, "TEMPLATESENDJOBFINISH", MsgID=msgid, Status="success")
        )
        return {"errcode": 0, "errmsg": "ok", "msgid": msgid}

    # Menu

    def menu_create(self, call: Call) -> Json:
        body = call.json()
        check_menu(body.get("button"))
        self.menu = body
        return {"errcode": 0, "errmsg": "ok"}

    def menu_get(self, call: Call) -> Json:
        if not self.menu:
            raise Refused(46003, "menu no exist")
        return {"menu": self.menu}

    def menu_delete(self, call: Call) -> Json:
        self.menu = {}
        return {"errcode": 0, "errmsg": "ok"}

    # What persons do

    def _from(self, openid: str, kind: str) -> Json:
        return {
            "ToUserName": self.config.account,
            "FromUserName": openid,
            "CreateTime": self.stamp(),
            "MsgType": kind,
        }

    def _event(self, openid: str, event: str, **more: Any) -> Json:
        return {**self._from(openid, "event"), "Event": event, **more}

    def _follower(self, body: Json) -> Person:
        person = self.actor(body)
        if not person.following:
            raise Impossible("does not follow the account")
        return person

    def said(self, body: Json) -> Deed:
        person = self._follower(body)
        self._open_window(person)
        if body.get("kind", "text") == "text":
            text = text_of(body, "text")
            self.say(person.id, person.id, "text", {"content": text})
            return Deed(person.id, {**self._from(person.id, "text"), "Content": text, "MsgId": self.number()})
        kind, media_id, _ = self.bring(body)
        self.say(person.id, person.id, kind, {"media_id": media_id})
        about = (
            {"PicUrl": f"{request.host_url}_sandbox/media/{media_id}"}
            if kind == "image"
            else {"Format": "amr"}
        )
        fields = {**self._from(person.id, kind), **about, "MediaId": media_id, "MsgId": self.number()}
        return Deed(person.id, fields)

    def tapped(self, body: Json) -> Deed:
        """A quick reply: it speaks for the person, but opens no 48-hour window (A4.1)."""
        person = self._follower(body)
        message = self.tables["messages"].get(text_of(body, "message"))
        wanted = text_of(body, "choice")
        choices = message["choices"] if message and message["chat"] == person.id else []
        choice = next((one for one in choices if one["id"] == wanted), None)
        if choice is None:
            raise Impossible("no such choice")
        self._open_burst(person)
        self.say(person.id, person.id, "text", {"content": choice["content"]})
        fields = {
            **self._from(person.id, "text"),
            "Content": choice["content"],
            "MsgId": self.number(),
            "bizmsgmenuid": wanted if wanted.isdecimal() else "0",
        }
        return Deed(person.id, fields)

    def clicked(self, body: Json) -> Deed:
        person, wanted = self._follower(body), text_of(body, "key")
        buttons = [
            button for top in self.menu.get("button", ()) for button in (top.get("sub_button") or [top])
        ]
        for button in buttons:
            if button["type"] == "click" and button["key"] == wanted:
                self._open_burst(person)
                return Deed(person.id, self._event(person.id, "CLICK", EventKey=wanted))
            if button["type"] == "view" and button["url"] == wanted:
                return Deed(person.id, self._event(person.id, "VIEW", EventKey=wanted), url=wanted)
        raise Impossible("no such menu button")

    def followed(self, body: Json) -> Deed:
        return self._follow(self.actor(body), "")

    def _follow(self, person: Person, scene: str) -> Deed:
        if person.following:
            raise Impossible("follows already")
        self.keep(replace(person, following=True))
        self._open_burst(person)
        ticket = {"Ticket": secrets.token_urlsafe(24)} if scene else {}
        key = f"qrscene_{scene}" if scene else ""
        return Deed(person.id, self._event(person.id, "subscribe", EventKey=key, **ticket))

    def unfollowed(self, body: Json) -> Deed:
        person = self._follower(body)
        self.keep(replace(person, following=False))
        self.quotas.pop(person.id, None)
        return Deed(person.id, self._event(person.id, "unsubscribe", EventKey=""))

    def scanned(self, body: Json) -> Deed:
        person, scene = self.actor(body), text_of(body, "scene")
        if not person.following:
            return self._follow(person, scene)
        self._open_burst(person)
        ticket = secrets.token_urlsafe(24)
        return Deed(person.id, self._event(person.id, "SCAN", EventKey=scene, Ticket=ticket))

    # Callbacks

    def envelope(self, encrypted: str) -> wire.Fields:
        return {"ToUserName": self.config.account, "Encrypt": encrypted}

    def extra_query(self, timestamp: str, nonce: str, sender: str) -> dict[str, str]:
        plain = wire.signature(self.config.token, timestamp, nonce)
        return {"signature": plain, "openid": sender, "encrypt_type": "aes"}

    def proof(self, timestamp: str, nonce: str) -> tuple[dict[str, str], str, float]:
        echo = str(secrets.randbelow(10**18))
        signature = wire.signature(self.config.token, timestamp, nonce)
        query = {"signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": echo}
        return query, echo, self.config.answer_within

    def heard(self, row: Row, body: str) -> str:
        if body in ("", "success"):
            return "empty"
        try:
            reply = wire.open_reply(self.keys, body) if body == body.strip() else {}
            kind, content, choices = self._reply(row, reply)
        except (wire.BadEnvelope, Refused):
            self.unanswered(row)
            return "malformed"
        if row["type"] in SILENT:
            return "ignored"
        self.say(row["person"], "app", kind, content, choices=choices)
        return "answered"

    def _reply(self, row: Row, reply: Json) -> tuple[str, Json, list[Json]]:
        """Kind, content (in the shape of a customer-service message) and choices of a passive reply."""
        kind = reply.get("MsgType", "")
        shape = PASSIVE.get(kind) if isinstance(kind, str) else None
        created = reply.get("CreateTime")
        if shape is None or not isinstance(created, str) or not created.isdecimal():
            raise wire.BadEnvelope("reply")
        if (reply.get("ToUserName"), reply.get("FromUserName")) != (row["person"], self.config.account):
            raise wire.BadEnvelope("parties")
        content = shape(reply)
        return kind, content, CUSTOM[kind](self, content)

    def unanswered(self, row: Row) -> None:
        if row["type"] not in SILENT:
            self.say(row["person"], "platform", "text", {"content": FAULT_LINE})


def quick_replies(text: str) -> list[Json]:
    """The taps a text offers by `bizmsgmenu` links."""
    return [{"id": found[2], "content": unquote(found[1])} for found in QUICK_REPLY.finditer(text)]


CUSTOM: Mapping[str, Callable[[Account, Json], list[Json]]] = {
    "text": Account.check_text,
    "image": Account.check_media,
    "voice": Account.check_media,
    "news": Account.check_news,
    "msgmenu": Account.check_msgmenu,
}


def _passive_media(element: str) -> Callable[[Json], Json]:
    def shape(reply: Json) -> Json:
        inside = reply.get(element)
        return {"media_id": inside.get("MediaId") if isinstance(inside, dict) else None}

    return shape


def _passive_news(reply: Json) -> Json:
    articles = reply.get("Articles")
    item = articles.get("item") if isinstance(articles, dict) else None
    if not isinstance(item, dict) or reply.get("ArticleCount") != "1":
        raise wire.BadEnvelope("news")
    return {"articles": [{key.lower(): value for key, value in item.items()}]}


PASSIVE: Mapping[str, Callable[[Json], Json]] = {
    "text": lambda reply: {"content": reply.get("Content")},
    "image": _passive_media("Image"),
    "voice": _passive_media("Voice"),
    "news": _passive_news,
}


def template_values(template: Template, data: object) -> dict[str, str]:
    """Field -> value, each checked against its type; 47003 names the first that does not fit."""
    given = data if isinstance(data, dict) else {}
    values: dict[str, str] = {}
    for name in (*template.fields, *(key for key in given if key not in template.fields)):
        entry = given.get(name)
        value = entry.get("value") if isinstance(entry, dict) else None
        pattern = FIELD_TYPES[name.rstrip("0123456789")] if name in template.fields else r"(?!)"
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise Refused(47003, f"argument invalid! data.{name}.value invalid")
        values[name] = value
    return values


def check_menu(buttons: object) -> None:
    """Counts, names, keys and addresses of a custom menu (A6.1)."""
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise Refused(40016, "invalid button size")
    for top in buttons:
        below = (top.get("sub_button") or []) if isinstance(top, dict) else None
        if not isinstance(below, list) or not all(isinstance(one, dict) for one in below):
            raise Refused(47001, "data format error")
        if len(below) > 5:
            raise Refused(40023, "invalid sub button size")
        _check_label(top, 16, 40018)
        if not below:
            _check_button(top, shift=0)
        for button in below:
            _check_label(button, 60, 40025)
            _check_button(button, shift=7)


def _check_label(button: Json, limit: int, errcode: int) -> None:
    name = button.get("name")
    if not isinstance(name, str) or not 1 <= len(name.encode()) <= limit:
        raise Refused(errcode, "invalid button name size")


def _check_button(button: Json, shift: int) -> None:
    """Codes of sub-buttons lie seven above those of top buttons."""
    kind = button.get("type")
    if kind not in MENU_TYPES:
        raise Refused(40017 + shift, "invalid button type")
    if kind == "click" and not 1 <= len(str(button.get("key", "")).encode()) <= 128:
        raise Refused(40019 + shift, "invalid button key size")
    if kind == "view" and not 1 <= len(str(button.get("url", "")).encode()) <= 1024:
        raise Refused(40020 + shift, "invalid button url size")


def create(config: Config) -> Flask:
    """The stand-in as an application; `deploy.sandbox.platform.serve` runs it."""
    return create_app(Account(replace(config, daily_limits={**DAILY, **config.daily_limits})))
