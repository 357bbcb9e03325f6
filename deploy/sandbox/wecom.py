"""企业微信 (a self-built application), as a stand-in: messages, template cards, application groups."""

import copy
import json
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

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
from deploy.sandbox.wecom_cards import check_card, keys_of, updatable

TEXT_BYTES = 2048
CODE_LIFE = timedelta(hours=72)
RECALL_LIFE = timedelta(hours=24)
VERIFY_SECONDS = 1.0
PER_MEMBER = ((60.0, 30), (3600.0, 1000))  # seconds, messages: beyond, silence
CHATID = re.compile(r"[0-9a-zA-Z]{1,32}")
OK: Json = {"errcode": 0, "errmsg": "ok"}


@dataclass(frozen=True, kw_only=True)
class Config(CommonConfig):
    agent_id: int = 1000002
    root_scope: bool = True


@dataclass
class CardCode:
    """A response_code: one update of the message `msgid`."""

    msgid: str
    until: datetime
    used: bool = False


class Corp(Platform):
    config: Config
    untrusted_ip = 60020
    bad_media_type, bad_media_file = 40005, 40004
    media_rules: ClassVar = {
        "image": MediaRule(10 << 20, ("image/jpeg", "image/png")),
        "voice": MediaRule(2 << 20, ("voice/amr",)),
        "video": MediaRule(10 << 20, ("video/mp4",)),
        "file": MediaRule(20 << 20),
    }

    def begin(self) -> None:
        super().begin()
        self.access = ""
        self.task_ids: set[str] = set()
        self.card_codes: dict[str, CardCode] = {}
        self.recent: dict[str, list[float]] = defaultdict(list)
        self.bodies: dict[bytes, float] = {}

    def apis(self) -> Mapping[str, Api]:
        return {
            "gettoken": Api("GET", self.gettoken, needs_token=False),
            "message/send": Api("POST", self.message_send),
            "message/update_template_card": Api("POST", self.update_card),
            "message/recall": Api("POST", self.recall),
            "appchat/create": Api("POST", self.group_create),
            "appchat/get": Api("GET", self.group_get),
            "appchat/update": Api("POST", self.group_update),
            "appchat/send": Api("POST", self.group_send),
            "media/upload": Api("POST", self.media_upload),
            "media/get": Api("GET", self.media_get),
            "auth/getuserinfo": Api("GET", self.who_is),
            "user/get": Api("GET", self.user_get),
        }

    def acts(self) -> Mapping[str, Callable[[Json], Deed]]:
        return {"say": self.said, "tap": self.tapped, "click": self.clicked, "enter": self.entered}

    def parse(self, raw: bytes) -> Json:
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise Refused(40058, "Warning: wrong json format") from error
        if not isinstance(body, dict):
            raise Refused(40058, "Warning: wrong json format")
        return body

    # Token and identity

    def gettoken(self, call: Call) -> Json:
        """The same token as long as it is valid."""
        if call.query.get("corpid") != self.config.app_id:
            raise Refused(40013, "invalid corpid")
        if call.query.get("corpsecret") != self.config.secret:
            raise Refused(40001, "invalid credential")
        if not self.life_of(self.access):
            self.access = self.issue()
        return {**OK, "access_token": self.access, "expires_in": int(self.life_of(self.access))}

    def who_is(self, call: Call) -> Json:
        code = self.codes.get(call.query.get("code", ""))
        if code is None:
            raise Refused(40029, "invalid code")
        if code.used:
            raise Refused(42022, "code has been used")
        if code.until <= self.config.machine():
            raise Refused(42003, "code expired")
        code.used = True
        return {**OK, "userid": code.person.lower()}

    def user_get(self, call: Call) -> Json:
        """No phone, no e-mail, no picture: withheld from self-built apps since 2022-06-20."""
        person = self.find(call.query.get("userid"))
        if person is None:
            raise Refused(60111, "userid not found")
        if not person.in_scope:
            raise Refused(60011, "no privilege to access/modify contact/party/agent")
        known = {"userid": person.id.lower(), "name": person.name, "department": list(person.departments)}
        return {**OK, **known, "main_department": person.departments[0], "status": 1}

    # message/send

    def message_send(self, call: Call) -> Json:
        body = call.json()
        if self._repeated(call.raw, body):
            return {**OK, "invaliduser": "", "invalidparty": "", "invalidtag": ""}
        self._check_agent(body)
        kind, content = self._content(body, MESSAGES, title_unit=len)
        card = content if kind == "template_card" else None
        if card and updatable(card) and not self.callback:
            raise Refused(43012, "the app needs a callback url")
        people, invalid = self._recipients(body)
        if card and card.get("task_id") in self.task_ids:
            raise Refused(42014, "taskid has existed or empty or exceed max len")
        if card and "task_id" in card:
            self.task_ids.add(card["task_id"])
        if body.get("enable_duplicate_check") == 1:
            interval = min(int(body.get("duplicate_check_interval", 1800)), 14400)
            self.bodies[call.raw] = self.config.machine() + interval
        msgid = secrets.token_urlsafe(24)
        for person in people:
            self._hand(person, kind, content, msgid)
        code = {"response_code": self._card_code(msgid)} if card and updatable(card) else {}
        return {**OK, **invalid, "msgid": msgid, **code}

    def _repeated(self, raw: bytes, body: Json) -> bool:
        return body.get("enable_duplicate_check") == 1 and self.bodies.get(raw, 0.0) > self.config.machine()

    def _check_agent(self, body: Json) -> None:
        if not isinstance(body.get("agentid"), int):
            raise Refused(40056, "invalid agentid")
        if body["agentid"] != self.config.agent_id:
            raise Refused(301002, "not allow operate another agent with this accesstoken")

    def _recipients(self, body: Json) -> tuple[list[Person], Json]:
        asked = {key: _piped(body.get(key)) for key in ("touser", "toparty", "totag")}
        if not any(asked.values()):
            raise Refused(82001, "all of touser, toparty and totag are empty")
        if len(asked["touser"]) > 1000:
            raise Refused(40032, "too many userids")
        if len(asked["toparty"]) > 100:
            raise Refused(82002, "too many departments")
        if len(asked["totag"]) > 100:
            raise Refused(82003, "too many tags")
        scope = {person.id.lower(): person for person in self.persons() if person.in_scope}
        if asked["touser"] == ["@all"]:
            return list(scope.values()), {"invaliduser": "", "invalidparty": "", "invalidtag": ""}
        chosen = {one.lower(): scope[one.lower()] for one in asked["touser"] if one.lower() in scope}
        parties = {party: self._party(party) for party in asked["toparty"]}
        for members in parties.values():
            chosen |= {person.id.lower(): person for person in members}
        if not chosen:
            raise Refused(81013, "user & party & tag all invalid")
        return list(chosen.values()), {
            "invaliduser": "|".join(one.lower() for one in asked["touser"] if one.lower() not in scope),
            "invalidparty": "|".join(party for party, members in parties.items() if not members),
            "invalidtag": "|".join(asked["totag"]),
        }

    def _party(self, party: str) -> list[Person]:
        return [one for one in self.persons() if one.in_scope and party in map(str, one.departments)]

    def _content(
        self, body: Json, checks: Mapping[str, Callable[..., Json]], title_unit: Callable[[str], int]
    ) -> tuple[str, Json]:
        kind = body.get("msgtype")
        if not isinstance(kind, str) or kind not in checks:
            raise Refused(40008, "invalid msgtype")
        given = body.get(kind)
        if not isinstance(given, dict):
            raise Refused(40063, f"{kind} is empty")
        return kind, checks[kind](self, given, title_unit)

    def check_text(self, given: Json, unit: Callable[[str], int]) -> Json:
        """A text that is too long is cut, not refused."""
        content = given.get("content")
        if not isinstance(content, str) or not content:
            raise Refused(44004, "content is empty")
        return {**given, "content": _cut(content)}

    def check_markdown(self, given: Json, unit: Callable[[str], int]) -> Json:
        content = given.get("content")
        if not isinstance(content, str) or not content:
            raise Refused(44004, "content is empty")
        if len(content.encode()) > TEXT_BYTES:
            raise Refused(45002, "content size out of limit")
        return given

    def check_textcard(self, given: Json, unit: Callable[[str], int]) -> Json:
        for name in ("title", "description", "url"):
            if not isinstance(given.get(name), str) or not given[name]:
                raise Refused(40063, f"{name} is empty")
        sizes = unit(given["title"]), unit(given["description"]), len(given["url"].encode())
        if sizes[0] > 128 or sizes[1] > 512 or sizes[2] > 2048 or len(given.get("btntxt", "")) > 4:
            raise Refused(45002, "content size out of limit")
        if not given["url"].startswith(("http://", "https://")):
            raise Refused(40058, "url has no scheme")
        return given

    def check_media(self, given: Json, unit: Callable[[str], int]) -> Json:
        self.medium(given.get("media_id"))
        return given

    def check_template_card(self, given: Json, unit: Callable[[str], int]) -> Json:
        check_card(given)
        for row in given.get("horizontal_content_list", ()):
            if row.get("type") == 2:
                self.medium(row["media_id"])
        return given

    def _hand(self, person: Person, kind: str, content: Json, msgid: str) -> None:
        """To one member, unless the silent limits swallow it."""
        now = self.config.machine()
        times = self.recent[person.id] = [
            one for one in self.recent[person.id] if now - one < PER_MEMBER[-1][0]
        ]
        if any(sum(1 for one in times if now - one < seconds) >= limit for seconds, limit in PER_MEMBER):
            self.add(
                "dropped",
                chat=person.id,
                kind=kind,
                why="more messages to this member than the platform delivers",
            )
            return
        times.append(now)
        look: Json = {}
        if kind == "template_card":
            look = {"card": copy.deepcopy(content), "replaced": None, "task_id": content.get("task_id")}
        self.say(person.id, "app", kind, content, msgid=msgid, **look)

    def _card_code(self, msgid: str) -> str:
        code = secrets.token_urlsafe(32)
        self.card_codes[code] = CardCode(msgid, self.now() + CODE_LIFE)
        return code

    def _copies(self, msgid: str) -> list[Row]:
        return [row for row in self.tables["messages"].values() if row["msgid"] == msgid]

    def update_card(self, call: Call) -> Json:
        body = call.json()
        if body.get("agentid") != self.config.agent_id:
            raise Refused(42015, "the app is not the sender")
        code = self.card_codes.get(str(body.get("response_code")))
        if code is None or code.used or code.until <= self.now():
            raise Refused(60140, "invalid or expired response_code")
        copies = {row["chat"].lower(): row for row in self._copies(code.msgid)}
        wanted = [str(one).lower() for one in body.get("userids") or ()]
        if body.get("atall") == 1:
            wanted = list(copies)
        if not wanted:
            raise Refused(40058, "which members are meant is undefined: name atall or userids")
        look = self._new_look(body, copies)
        code.used = True
        for one in wanted:
            if one in copies:
                self.change(copies[one], **copy.deepcopy(look))
        return {**OK, "invaliduser": [one for one in wanted if one not in copies]}

    def _new_look(self, body: Json, copies: Mapping[str, Row]) -> Json:
        button, card = body.get("button"), body.get("template_card")
        if (button is None) == (card is None):
            raise Refused(40058, "one of button and template_card")
        if card is not None:
            check_card(card, update=True)
            return {"card": card, "replaced": card.get("replace_text")}
        name = button.get("replace_name") if isinstance(button, dict) else None
        if not isinstance(name, str) or not name:
            raise Refused(42020, "replace_name is missing")
        if any(row["card"]["card_type"] != "button_interaction" for row in copies.values()):
            raise Refused(42017, "the card has no buttons")
        return {"replaced": name}

    def recall(self, call: Call) -> Json:
        copies = self._copies(str(call.json().get("msgid")))
        if not copies:
            raise Refused(40058, "invalid msgid")
        if datetime.fromisoformat(copies[0]["at"]) + RECALL_LIFE < self.now():
            raise Refused(42052, "msgid is too old")
        for row in copies:
            self.change(row, recalled=True)
        return OK

    # Application groups

    def _check_scope(self) -> None:
        if not self.config.root_scope:
            raise Refused(48002, "api forbidden: the scope is not the root department")

    def _group(self, chatid: object) -> Row:
        self._check_scope()
        if not isinstance(chatid, str) or not CHATID.fullmatch(chatid):
            raise Refused(86001, "invalid chatid")
        if chatid not in self.tables["groups"]:
            raise Refused(86003, "chatid not found")
        return self.tables["groups"][chatid]

    def _members(self, given: object) -> list[str]:
        people = [self.find(one) for one in given] if isinstance(given, list) else []
        if any(person is None for person in people):
            raise Refused(86216, "illegal members")
        return list(dict.fromkeys(person.id for person in people if person))

    def group_create(self, call: Call) -> Json:
        self._check_scope()
        body = call.json()
        members = self._members(body.get("userlist"))
        if not 2 <= len(members) <= 2000:
            raise Refused(86006, "invalid member count")
        chatid = body.get("chatid") or secrets.token_hex(16)
        if not isinstance(chatid, str) or not CHATID.fullmatch(chatid):
            raise Refused(86001, "invalid chatid")
        if chatid in self.tables["groups"]:
            raise Refused(86215, "chatid existed")
        owner = self._owner(body.get("owner") or members[0], members)
        self.add(
            "groups",
            id=chatid,
            chatid=chatid,
            name=str(body.get("name", ""))[:50],
            owner=owner,
            members=members,
        )
        return {**OK, "chatid": chatid}

    def _owner(self, given: object, members: list[str]) -> str:
        person = self.find(given)
        if person is None or person.id not in members:
            raise Refused(86207, "owner not in userlist")
        return person.id

    def group_get(self, call: Call) -> Json:
        group = self._group(call.query.get("chatid"))
        info = {
            "chatid": group["chatid"],
            "name": group["name"],
            "owner": group["owner"],
            "userlist": group["members"],
        }
        return {**OK, "chat_info": {**info, "chat_type": 0}}

    def group_update(self, call: Call) -> Json:
        body = call.json()
        group = self._group(body.get("chatid"))
        gone = self._members(body.get("del_user_list") or [])
        joined = self._members(body.get("add_user_list") or [])
        members = [one for one in dict.fromkeys([*group["members"], *joined]) if one not in gone]
        if not 2 <= len(members) <= 2000:
            raise Refused(86006, "invalid member count")
        owner = self._owner(body.get("owner") or group["owner"], members)
        self.change(group, name=str(body.get("name") or group["name"])[:50], owner=owner, members=members)
        return OK

    def group_send(self, call: Call) -> Json:
        """No cards with buttons, and no msgid: the answer says only whether it worked."""
        body = call.json()
        group = self._group(body.get("chatid"))
        kind, content = self._content(body, GROUP_MESSAGES, title_unit=lambda text: len(text.encode()))
        self.say(group["chatid"], "app", kind, content)
        return OK

    # What members do

    def _from(self, userid: str, kind: str) -> Json:
        return {
            "ToUserName": self.config.app_id,
            "FromUserName": userid,
            "CreateTime": self.stamp(),
            "MsgType": kind,
        }

    def _event(self, person: Person, event: str, **more: Any) -> Json:
        return {**self._from(person.id, "event"), "Event": event, **more, "AgentID": self.config.agent_id}

    def _member(self, body: Json) -> Person:
        person = self.actor(body)
        if not person.in_scope:
            raise Impossible("does not see the app")
        return person

    def said(self, body: Json) -> Deed:
        person = self._member(body)
        about: Json
        if body.get("kind", "text") == "text":
            kind, text = "text", text_of(body, "text")
            self.say(person.id, person.id, "text", {"content": text})
            about = {"Content": text}
        else:
            kind, media_id, _ = self.bring(body)
            self.say(person.id, person.id, kind, {"media_id": media_id})
            url = f"{request.host_url}_sandbox/media/{media_id}"
            about = (
                {"PicUrl": url, "MediaId": media_id}
                if kind == "image"
                else {"MediaId": media_id, "Format": "amr"}
            )
        fields = {
            **self._from(person.id, kind),
            **about,
            "MsgId": self.number(),
            "AgentID": self.config.agent_id,
        }
        return Deed(person.id, fields)

    def entered(self, body: Json) -> Deed:
        person = self._member(body)
        return Deed(person.id, self._event(person, "enter_agent", EventKey=""))

    def clicked(self, body: Json) -> Deed:
        person = self._member(body)
        return Deed(person.id, self._event(person, "click", EventKey=text_of(body, "key")))

    def tapped(self, body: Json) -> Deed:
        person, key = self._member(body), text_of(body, "key")
        row = self.tables["messages"].get(text_of(body, "message"))
        if row is None or row["kind"] != "template_card" or row["chat"] != person.id or row["recalled"]:
            raise Impossible("no such card")
        card = row["card"]
        buttons, entries = keys_of(card)
        about = {"EventKey": key, "TaskId": row["task_id"], "CardType": card["card_type"]}
        if any(entry["key"] == key for entry in entries):
            about["ResponseCode"] = self._card_code(row["msgid"])
            return Deed(person.id, self._event(person, "template_card_menu_event", **about))
        button = next((one for one in buttons if key in (one.get("key"), one.get("url"))), None)
        if button is None or row["replaced"] is not None:
            raise Impossible("no such button, or it is dead")
        if button.get("type") == 1:
            return Deed(person.id, url=button["url"])
        about["ResponseCode"] = self._card_code(row["msgid"])
        chosen = _selected(card.get("button_selection"), body.get("selected") or {})
        return Deed(person.id, {**self._event(person, "template_card_event", **about), **chosen})

    # Callbacks

    def envelope(self, encrypted: str) -> wire.Fields:
        return {"ToUserName": self.config.app_id, "AgentID": str(self.config.agent_id), "Encrypt": encrypted}

    def proof(self, timestamp: str, nonce: str) -> tuple[dict[str, str], str, float]:
        echo = str(secrets.randbelow(10**18))
        encrypted = wire.encrypt(self.keys, echo)
        signature = wire.signature(self.config.token, timestamp, nonce, encrypted)
        query = {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": encrypted}
        return query, echo, min(VERIFY_SECONDS, self.config.answer_within)

    def heard(self, row: Row, body: str) -> str:
        """A text reply is shown. A card update in the answer is not: whether it works is disputed (4.3)."""
        if not body:
            return "empty"
        try:
            reply = wire.open_reply(self.keys, body)
        except wire.BadEnvelope:
            return "malformed"
        if (reply.get("ToUserName"), reply.get("FromUserName")) != (row["person"], self.config.app_id):
            return "malformed"
        if reply.get("MsgType") in ("update_button", "update_template_card"):
            return "ignored"
        content = reply.get("Content")
        if reply.get("MsgType") != "text" or not isinstance(content, str) or not content:
            return "malformed"
        if row["type"] == "template_card_event":
            return "ignored"
        self.say(row["person"], "app", "text", {"content": _cut(content)})
        return "answered"

    def unanswered(self, row: Row) -> None:
        """The client of 企业微信 shows nothing."""


GROUP_MESSAGES: Mapping[str, Callable[..., Json]] = {
    "text": Corp.check_text,
    "markdown": Corp.check_markdown,
    "textcard": Corp.check_textcard,
    "image": Corp.check_media,
    "voice": Corp.check_media,
    "file": Corp.check_media,
}
MESSAGES = {**GROUP_MESSAGES, "template_card": Corp.check_template_card}


def _piped(value: object) -> list[str]:
    return [one for one in value.split("|") if one] if isinstance(value, str) else []


def _cut(text: str) -> str:
    return text.encode()[:TEXT_BYTES].decode("utf-8", "ignore")


def _selected(selection: Json | None, chosen: Mapping[str, Any]) -> Json:
    """`SelectedItems` of a click: what was chosen, or the option that stood there."""
    if selection is None:
        return {}
    question = selection["question_key"]
    ids = [option["id"] for option in selection["option_list"]]
    picked = chosen.get(question) or [selection.get("selected_id") or ids[0]]
    if any(one not in ids for one in picked):
        raise Impossible("no such option")
    return {"SelectedItems": {"SelectedItem": {"QuestionKey": question, "OptionIds": {"OptionId": picked}}}}


def create(config: Config) -> Flask:
    """The stand-in as an application; `deploy.sandbox.platform.serve` runs it."""
    return create_app(Corp(config))
