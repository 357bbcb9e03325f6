"""What both stand-ins are made of: rows, persons, tokens, media, API calls, callbacks and the inspection API.

One lock guards every value of a stand-in; it is never held while the app is being called.
"""

import base64
import binascii
import secrets
import socket
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, timezone
from html import escape
from threading import Condition, RLock, Thread
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import urlencode

import urllib3
from flask import Flask, Response, jsonify, request
from flask import redirect as send_on
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response as BaseResponse

from deploy.sandbox import wire
from deploy.sandbox.faults import ON_CALL, ON_CALLBACK, ON_TRY, Fault, Faults

CHINA = timezone(timedelta(hours=8))
MEDIA_LIFE = timedelta(days=3)
CODE_SECONDS = 300.0
BETWEEN_TRIES = 5.0
TRIES = 3
SECRETS = ("access_token", "secret", "corpsecret", "appsecret", "code")
MAGIC = {
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/png": (0, b"\x89PNG"),
    "image/gif": (0, b"GIF8"),
    "voice/amr": (0, b"#!AMR"),
    "audio/mpeg": (0, b"ID3"),
    "video/mp4": (4, b"ftyp"),
}

Row = dict[str, Any]
Json = dict[str, Any]


class Refused(Exception):
    """An API call the platform answers with an errcode."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode, self.errmsg = errcode, errmsg


class Impossible(Exception):
    """An act no person could do in the real client."""


@dataclass(frozen=True)
class Person:
    """`following` and `refuses_…` matter to 公众号, `in_scope` and `departments` to 企业微信."""

    id: str
    name: str
    following: bool = True
    in_scope: bool = True
    departments: tuple[int, ...] = (1,)
    refuses_messages: bool = False
    refuses_templates: bool = False


@dataclass(frozen=True, kw_only=True)
class Config:
    """`case_clock` tells the story's time (aware), `machine` seconds of a steady clock; see README.md."""

    app_id: str
    secret: str
    token: str
    aes_key: str
    case_clock: Callable[[], datetime]
    machine: Callable[[], float]
    sleep: Callable[[float], None]
    callback: str = ""
    people: tuple[Person, ...] = ()
    answer_within: float = 5.0
    token_seconds: float = 7200.0
    daily_limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Media:
    kind: str
    mimetype: str
    data: bytes
    until: datetime


@dataclass(frozen=True)
class MediaRule:
    """What may be uploaded as one type: at most `size` bytes of one of `mimetypes` (none = anything)."""

    size: int
    mimetypes: tuple[str, ...] = ()


@dataclass
class Token:
    dies: float
    replaced: bool = False


@dataclass
class OneUse:
    """A code that works once: an OAuth code (machine seconds) of a person."""

    person: str
    until: float
    used: bool = False


@dataclass(frozen=True)
class Call:
    """One API call as it came in; `json()` is its body as an object."""

    query: Mapping[str, str]
    raw: bytes
    json: Callable[[], Json]
    file: Callable[[], bytes | None]


@dataclass(frozen=True)
class Api:
    method: str
    answer: Callable[[Call], Json | Media]
    needs_token: bool = True


@dataclass(frozen=True)
class Deed:
    """What a person did: the callback it causes, if any, and the page it opens, if any."""

    person: str
    fields: wire.Fields | None = None
    url: str | None = None


def text_of(body: Mapping[str, Any], key: str) -> str:
    """A non-empty string of a body from the stage."""
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise Impossible(f"{key} is missing")
    return value


def type_of(data: bytes) -> str:
    """The mimetype the first bytes show; octet-stream when they show none."""
    for mimetype, (at, magic) in MAGIC.items():
        if data[at : at + len(magic)] == magic:
            return mimetype
    return "application/octet-stream"


class Platform(ABC):
    untrusted_ip: int
    media_rules: ClassVar[Mapping[str, MediaRule]]
    bad_media_type: int  # errcode of an unknown `type`
    bad_media_file: int  # errcode of a file that is not of that type

    def __init__(self, config: Config) -> None:
        self.config = config
        self.lock = RLock()
        self.faults = Faults()
        self.seq = 0
        self.run = 0
        self._idle = Condition()
        self._busy = 0
        self._http = urllib3.PoolManager(maxsize=16, retries=False)
        self.begin()

    def begin(self) -> None:
        """The state at the start, and again after a reset; `seq` goes on rising."""
        self.run += 1
        self.faults.clear()
        self.callback = self.config.callback
        self.tables: dict[str, dict[str, Row]] = {
            name: {} for name in ("people", "messages", "groups", "callbacks", "dropped", "calls")
        }
        self.tokens: dict[str, Token] = {}
        self.media: dict[str, Media] = {}
        self.codes: dict[str, OneUse] = {}
        self.menu: Json = {}
        self._calls_today: Counter[tuple[str, str]] = Counter()
        self._held: list[Row] = []
        self._later: list[tuple[str, wire.Fields]] = []
        self._number = 0
        self._people: dict[str, Person] = {}
        for person in self.config.people:
            self.keep(person)

    # What each platform does in its own way

    @abstractmethod
    def apis(self) -> Mapping[str, Api]:
        """Path of the API -> how it is answered."""

    @abstractmethod
    def acts(self) -> Mapping[str, Callable[[Json], Deed]]:
        """Name of a person's act -> what it does. May raise Impossible."""

    @abstractmethod
    def envelope(self, encrypted: str) -> wire.Fields: ...

    @abstractmethod
    def heard(self, row: Row, body: str) -> str:
        """Take the app's answer to a callback; returns the callback's outcome."""

    @abstractmethod
    def unanswered(self, row: Row) -> None:
        """All tries of a callback have failed."""

    @abstractmethod
    def proof(self, timestamp: str, nonce: str) -> tuple[dict[str, str], str, float]:
        """Query of the GET verification, the body expected, and the seconds allowed."""

    @abstractmethod
    def parse(self, raw: bytes) -> Json:
        """The JSON of a call, or Refused."""

    # Rows

    def add(self, table: str, **fields: Any) -> Row:
        with self.lock:
            self.seq += 1
            row: Row = {
                "id": fields.pop("id", str(self.seq)),
                "seq": self.seq,
                "at": self.now().isoformat(),
                **fields,
            }
            self.tables[table][row["id"]] = row
            return row

    def change(self, row: Row, **fields: Any) -> None:
        with self.lock:
            self.seq += 1
            row.update(fields, seq=self.seq)

    def since(self, table: str, seq: int) -> list[Row]:
        """Copies of the rows changed after `seq`, in the order they came."""
        with self.lock:
            return [dict(row) for row in self.tables[table].values() if row["seq"] > seq]

    def keep(self, person: Person) -> None:
        """Add a person, or replace what is known of one."""
        with self.lock:
            self._people[person.id.lower()] = person
            row = self.tables["people"].get(person.id)
            if row:
                self.change(row, **asdict(person))
            else:
                self.add("people", **asdict(person))

    def find(self, person_id: object) -> Person | None:
        """Ids are case-insensitive, as those of 企业微信 are."""
        return self._people.get(person_id.lower()) if isinstance(person_id, str) else None

    def persons(self) -> list[Person]:
        return list(self._people.values())

    def actor(self, body: Json) -> Person:
        person = self.find(text_of(body, "person"))
        if person is None:
            raise Impossible("nobody of that id")
        return person

    def say(self, chat: str, sender: str, kind: str, content: Json, **more: Any) -> Row:
        """A message row; `chat` is a person's id or a group's chatid."""
        fields = {"msgid": None, "choices": [], "recalled": False} | more
        return self.add("messages", chat=chat, sender=sender, kind=kind, content=content, **fields)

    # Time, numbers, quotas

    def now(self) -> datetime:
        return self.config.case_clock()

    def day(self) -> str:
        """The calendar day in China, by which quotas count."""
        return self.now().astimezone(CHINA).date().isoformat()

    def stamp(self) -> int:
        return int(self.now().timestamp())

    def number(self) -> int:
        """A 64-bit message number, never repeated."""
        self._number += 1
        return 24_000_000_000_000_000 + self.run * 1_000_000 + self._number

    def count(self, path: str) -> None:
        limit = self.config.daily_limits.get(path)
        key = path, self.day()
        self._calls_today[key] += 1
        if limit is not None and self._calls_today[key] > limit:
            raise Refused(45009, "reach max api daily quota limit")

    # Tokens

    def issue(self) -> str:
        token = secrets.token_urlsafe(96)
        self.tokens[token] = Token(dies=self.config.machine() + self.config.token_seconds)
        return token

    def life_of(self, token: str) -> float:
        """Seconds a token has left; 0 for one that never was."""
        known = self.tokens.get(token)
        return max(0.0, known.dies - self.config.machine()) if known else 0.0

    def check_token(self, token: str) -> None:
        if not token:
            raise Refused(41001, "access_token missing")
        known = self.tokens.get(token)
        if known is None:
            raise Refused(40014, "invalid access_token")
        if known.dies <= self.config.machine():
            raise (
                Refused(40001, "access_token is not latest")
                if known.replaced
                else Refused(42001, "access_token expired")
            )

    # Media

    def store(self, kind: str, data: bytes) -> str:
        media_id = secrets.token_urlsafe(32)
        self.media[media_id] = Media(kind, type_of(data), data, self.now() + MEDIA_LIFE)
        return media_id

    def medium(self, media_id: object, kind: str | None = None) -> Media:
        media = self.media.get(media_id) if isinstance(media_id, str) else None
        if media is None or media.until <= self.now() or (kind and media.kind != kind):
            raise Refused(40007, "invalid media_id")
        return media

    def media_get(self, call: Call) -> Media:
        return self.medium(call.query.get("media_id"))

    def media_upload(self, call: Call) -> Json:
        kind = call.query.get("type", "")
        rule, data = self.media_rules.get(kind), call.file()
        if rule is None:
            raise Refused(self.bad_media_type, "invalid media type")
        if not data:
            raise Refused(44001, "empty media data")
        if len(data) <= 5:
            raise Refused(40006, "invalid file size")
        if len(data) > rule.size:
            raise Refused(45001, "media size out of limit")
        if rule.mimetypes and type_of(data) not in rule.mimetypes:
            raise Refused(self.bad_media_file, "invalid file type")
        return {"type": kind, "media_id": self.store(kind, data), "created_at": str(self.stamp())}

    # API calls

    def call(self, path: str, api: Api, call: Call) -> Response:
        fault = self.faults.take("out", ON_CALL if api.needs_token else ON_CALL - {"expire_token"}, path)
        kind = fault.kind if fault else ""
        row = self._log(path, call, kind)
        if kind == "drop":
            return _broken()
        if kind == "5xx":
            return Response("Bad Gateway", status=502)
        with self.lock:
            answer = self._effect(path, api, call, fault)
            if kind == "twice":
                self._effect(path, api, call, fault)
            later, self._later = self._later, []
            self.change(row, errcode=0 if isinstance(answer, Media) else answer.get("errcode", 0))
        for person, fields in later:
            self.background(lambda person=person, fields=fields: self.deliver(person, fields))  # type: ignore[misc]
        if fault and kind == "late":
            self.config.sleep(fault.seconds)
        if kind == "lost":
            return _broken()
        if isinstance(answer, Media):
            headers = {"Content-Disposition": f'attachment; filename="media.{answer.mimetype.split("/")[1]}"'}
            return Response(answer.data, mimetype=answer.mimetype, headers=headers)
        return jsonify(answer)

    def _log(self, path: str, call: Call, fault: str) -> Row:
        query = {key: value for key, value in call.query.items() if key not in SECRETS}
        try:
            body = (
                {key: value for key, value in call.json().items() if key not in SECRETS} if call.raw else {}
            )
        except Refused:
            body = {}
        return self.add("calls", path=path, query=query, body=body, errcode=None, fault=fault)

    def _effect(self, path: str, api: Api, call: Call, fault: Fault | None) -> Json | Media:
        try:
            self._misbehave(fault)
            if api.needs_token:
                self.check_token(call.query.get("access_token", ""))
            self.count(path)
            answer = api.answer(call)
        except Refused as refusal:
            return {"errcode": refusal.errcode, "errmsg": refusal.errmsg}
        return answer

    def _misbehave(self, fault: Fault | None) -> None:
        match fault.kind if fault else "":
            case "throttled":
                raise Refused(45009, "reach max api daily quota limit")
            case "busy":
                raise Refused(-1, "system busy")
            case "untrusted_ip":
                raise Refused(self.untrusted_ip, "not allow to access from your ip")
            case "refuse" if fault:
                raise Refused(fault.errcode, "refused")
            case "expire_token":
                for token in self.tokens.values():
                    token.dies = min(token.dies, self.config.machine())

    def after_call(self, person: str, fields: wire.Fields) -> None:
        """A callback that an API call causes; sent when the call has been answered, in the background."""
        self._later.append((person, fields))

    # Callbacks

    @property
    def keys(self) -> wire.Keys:
        return wire.Keys(self.config.token, self.config.aes_key, self.config.app_id)

    def deliver(self, person: str, fields: wire.Fields) -> Row:
        """Send a callback; returns after its first try. Call it without the lock."""
        kind = str(fields["Event"] if fields["MsgType"] == "event" else fields["MsgType"])
        row = self.add(
            "callbacks", person=person, type=kind, fields=dict(fields), tries=[], outcome="pending"
        )
        fault = self.faults.take("in", ON_CALLBACK, kind)
        if fault and fault.kind == "drop":
            self.change(row, outcome="dropped")
            return row
        if fault and fault.kind == "reordered":
            with self.lock:
                self._held.append(row)
                self.change(row, outcome="held")
            return row
        if fault and fault.kind == "late":
            self.config.sleep(fault.seconds)
        self._first_try(row, twice=fault is not None and fault.kind == "twice")
        with self.lock:
            held, self._held = self._held, []
        for earlier in held:
            self._first_try(earlier)
        return row

    def _first_try(self, row: Row, twice: bool = False) -> None:
        query, body = self._sealed(row["fields"])
        answered = self._try(row, query, body)
        if twice:
            self._note(row, "again", self._post(query, body)[0])
        if not answered:
            self.background(lambda: self._more_tries(row))

    def _more_tries(self, row: Row) -> None:
        for _ in range(TRIES - 1):
            self.config.sleep(BETWEEN_TRIES)
            if self._try(row, *self._sealed(row["fields"])):
                return
        self.change(row, outcome="failed")
        self.unanswered(row)

    def _try(self, row: Row, query: Mapping[str, str], body: bytes) -> bool:
        """One try, and what came of it; True when it needs no other."""
        fault = self.faults.take("in", ON_TRY, row["type"])
        if fault and fault.kind == "5xx":
            status, answer = 502, ""
        else:
            status, answer = self._post(query, body)
        if fault and fault.kind == "lost":
            self._note(row, "lost", status)
            return False
        if status != 200:
            self._note(row, "5xx" if status else "no answer", status)
            return False
        self._note(row, "answered", status)
        with self.lock:
            self.change(row, outcome=self.heard(row, answer))
        return True

    def _note(self, row: Row, outcome: str, status: int) -> None:
        self.change(row, tries=[*row["tries"], {"outcome": outcome, "status": status}])

    def _sealed(self, fields: wire.Fields) -> tuple[dict[str, str], bytes]:
        """Query and body of one try. Each try is encrypted anew, so only the content tells a repeat."""
        encrypted = wire.encrypt(self.keys, wire.build(fields))
        timestamp, nonce = str(self.stamp()), str(secrets.randbelow(10**10))
        query = {
            "msg_signature": wire.signature(self.config.token, timestamp, nonce, encrypted),
            "timestamp": timestamp,
            "nonce": nonce,
            **self.extra_query(timestamp, nonce, str(fields["FromUserName"])),
        }
        return query, wire.build(self.envelope(encrypted)).encode()

    def extra_query(self, timestamp: str, nonce: str, sender: str) -> dict[str, str]:
        return {}

    def _post(self, query: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Status and body of the app's answer; status 0 when none came in time."""
        return self._http_call("POST", query, self.config.answer_within, body)

    def _http_call(
        self, method: str, query: Mapping[str, str], seconds: float, body: bytes = b""
    ) -> tuple[int, str]:
        if not self.callback:
            return 0, ""
        try:
            answer = self._http.request(
                method,
                f"{self.callback}{'&' if '?' in self.callback else '?'}{urlencode(query)}",
                body=body or None,
                headers={"Content-Type": "text/xml"},
                timeout=urllib3.Timeout(total=seconds),
                redirect=False,
            )
            return answer.status, answer.data.decode("utf-8", "replace")
        except urllib3.exceptions.HTTPError:
            return 0, ""

    def verify(self, url: str | None) -> Json:
        """The GET verification of the console; success keeps `url`."""
        before, self.callback = self.callback, url or self.callback
        query, expected, seconds = self.proof(str(self.stamp()), str(secrets.randbelow(10**10)))
        status, body = self._http_call("GET", query, seconds)
        if status != 200 or body != expected:
            self.callback = before
        return {"ok": status == 200 and body == expected, "status": status, "body": body}

    # The background

    def background(self, work: Callable[[], object]) -> None:
        with self._idle:
            self._busy += 1

        def run() -> None:
            try:
                work()
            finally:
                with self._idle:
                    self._busy -= 1
                    self._idle.notify_all()

        Thread(target=run, daemon=True).start()

    def settle(self) -> bool:
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, timeout=10)

    # Acts of persons

    def act(self, deed_of: Callable[[Json], Deed], body: Json) -> Json:
        with self.lock:
            start = self.seq
            deed = deed_of(body)
        callback = self.deliver(deed.person, deed.fields) if deed.fields else None
        saw = [row for row in self.since("messages", start) if self._sees(deed.person, row)]
        return {"callback": callback, "saw": saw} | ({"url": deed.url} if deed.url else {})

    def _sees(self, person: str, row: Row) -> bool:
        return bool(row["chat"] == person and row["sender"] != person)

    def bring(self, body: Json) -> tuple[str, str, bytes]:
        """Kind, media id and bytes of a picture or voice that a person sends."""
        kind = text_of(body, "kind")
        try:
            data = base64.b64decode(text_of(body, "bytes"), validate=True)
        except binascii.Error as error:
            raise Impossible("bytes are not base64") from error
        if kind not in ("image", "voice"):
            raise Impossible(f"{kind} is not played here")
        return kind, self.store(kind, data), data

    def admit(self, body: Json) -> None:
        """Add or change a person from the stage's words."""
        person_id = text_of(body, "id")
        known = self.find(person_id) or Person(person_id, body.get("name") or person_id)
        changes = {key: value for key, value in body.items() if key != "id"}
        if "departments" in changes:
            changes["departments"] = tuple(changes["departments"])
        try:
            self.keep(replace(known, **changes))
        except TypeError as error:
            raise Impossible(str(error)) from error

    # OAuth

    def authorize(self) -> BaseResponse:
        """The silent authorisation: back to the app with a code for the person who is looking."""
        back, state = request.args.get("redirect_uri", ""), request.args.get("state", "")
        if request.args.get("appid") != self.config.app_id or not back.startswith(("http://", "https://")):
            return Response("redirect_uri 参数错误", status=400)
        if len(state) > 128 or not (state.isascii() and (state.isalnum() or not state)):
            return Response("state 参数错误", status=400)
        looking = request.args.get("sandbox_person") or request.cookies.get("sandbox_person")
        person = self.find(looking)
        if person is None:
            return Response(self._chooser())
        with self.lock:
            code = secrets.token_urlsafe(24)
            self.codes[code] = OneUse(person.id, self.config.machine() + CODE_SECONDS)
        bare, _, fragment = back.partition("#")
        joined = f"{bare}{'&' if '?' in bare else '?'}{urlencode({'code': code, 'state': state})}"
        return send_on(joined + (f"#{fragment}" if fragment else ""))

    def _chooser(self) -> str:
        def link(person: Person) -> str:
            query = urlencode({**request.args, "sandbox_person": person.id})
            return f'<li><a href="?{escape(query)}">{escape(person.name)}</a></li>'

        links = "".join(map(link, self.persons()))
        return f'<!doctype html><meta charset="utf-8"><title>您是谁？</title><ul>{links}</ul>'


def create_app(platform: Platform) -> Flask:
    """The stand-in as a Flask application: its API, its authorisation page and `/_sandbox/`."""
    app = Flask(__name__)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]

    for path, api in platform.apis().items():
        app.add_url_rule(
            "/sns/" + path[4:] if path.startswith("sns/") else "/cgi-bin/" + path,
            endpoint=path,
            view_func=_api_view(platform, path, api),
            methods=[api.method],
        )
    for path in ("/connect/oauth2/authorize", "/wwlogin/sso/login"):
        app.add_url_rule(path, endpoint=path, view_func=platform.authorize)

    for name, deed_of in platform.acts().items():
        app.add_url_rule(
            f"/_sandbox/{name}",
            endpoint=f"act {name}",
            view_func=lambda deed_of=deed_of: platform.act(deed_of, _body()),
            methods=["POST"],
        )

    @app.get("/_sandbox/state")
    def state() -> Json:
        since = request.args.get("since", 0, int)
        with platform.lock:
            rows = {name: platform.since(name, since) for name in platform.tables if name != "calls"}
            return {
                "seq": platform.seq,
                "run": platform.run,
                "now": platform.now().isoformat(),
                **rows,
                "menu": platform.menu,
            }

    @app.get("/_sandbox/calls")
    def calls() -> Json:
        return {"seq": platform.seq, "calls": platform.since("calls", request.args.get("since", 0, int))}

    @app.get("/_sandbox/media/<media_id>")
    def media(media_id: str) -> Response:
        found = platform.media.get(media_id)
        return Response(found.data, mimetype=found.mimetype) if found else Response(status=404)

    @app.post("/_sandbox/people")
    def people() -> Json:
        platform.admit(_body())
        return {"seq": platform.seq}

    @app.post("/_sandbox/faults")
    def faults() -> Json:
        body = _body()
        if not body:
            platform.faults.clear()
        else:
            try:
                platform.faults.arm(Fault(**body))
            except (TypeError, ValueError) as error:
                raise Impossible(str(error)) from error
        return {"faults": platform.faults.armed()}

    @app.post("/_sandbox/verify")
    def verify() -> Json:
        return platform.verify(_body().get("url"))

    @app.post("/_sandbox/settle")
    def settle() -> Json:
        return {"ok": platform.settle()}

    @app.post("/_sandbox/reset")
    def reset() -> Json:
        platform.settle()
        with platform.lock:
            platform.begin()
            return {"seq": platform.seq, "run": platform.run}

    @app.errorhandler(Impossible)
    def impossible(error: Impossible) -> tuple[Json, int]:
        return {"error": str(error)}, 409

    @app.after_request
    def open_to_the_stage(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        return response

    return app


def _api_view(platform: Platform, path: str, api: Api) -> Callable[[], Response]:
    def view() -> Response:
        upload = request.files.get("media")
        data = upload.read() if upload else None
        raw = b"" if upload else request.get_data()
        call = Call(request.args.to_dict(), raw, lambda: platform.parse(raw), lambda: data)
        return platform.call(path, api, call)

    return view


def _body() -> Json:
    body = request.get_json(silent=True, force=True)
    return body if isinstance(body, dict) else {}


def _broken() -> Response:
    """Break the connection under the answer, so that the caller gets none."""
    under: socket.socket | None = request.environ.get("werkzeug.socket")
    if under is None:
        raise ConnectionResetError
    under.shutdown(socket.SHUT_RDWR)
    return Response(status=502)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: the addresses hold tokens."""


@dataclass(frozen=True)
class Running(AbstractContextManager["Running"]):
    """A served application; `stop()` ends it."""

    url: str
    server: BaseWSGIServer
    thread: Thread

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(app: Flask, port: int = 0) -> Running:
    """Serve on loopback in a thread; port 0 = any free one."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    return Running(f"http://127.0.0.1:{server.server_port}", server, thread)
