"""What tests hold in hand: clocks they push, an app of a few lines, and a stand-in to act upon."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import urllib3
from flask import Flask, Response, request

from deploy.sandbox import wire
from deploy.sandbox.platform import Person, Running

AES_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
HTTP = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=5))

Json = dict[str, Any]


@dataclass
class Clocks:
    case: datetime = datetime(2025, 1, 6, 1, 0, tzinfo=UTC)
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def passes(self, **span: float) -> None:
        """Both clocks go on."""
        self.case += timedelta(**span)
        self.seconds += timedelta(**span).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass
class Listener:
    """The app: it checks and opens each callback as the documents say, and answers as it is told."""

    keys: wire.Keys
    heard: list[Json] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    answers: list[Response | str | Json] = field(default_factory=list)

    def app(self) -> Flask:
        app = Flask(__name__)
        app.add_url_rule("/hook", view_func=self.prove, methods=["GET"])
        app.add_url_rule("/hook", view_func=self.hear, methods=["POST"])
        return app

    def prove(self) -> str:
        query, echo = request.args, request.args["echostr"]
        if "msg_signature" not in query:
            assert query["signature"] == wire.signature(self.keys.token, query["timestamp"], query["nonce"])
            return echo
        parts = self.keys.token, query["timestamp"], query["nonce"], echo
        assert query["msg_signature"] == wire.signature(*parts)
        return wire.decrypt(self.keys, echo)

    def hear(self) -> Response:
        query, body = request.args, request.get_data()
        encrypted = wire.parse(body.decode())["Encrypt"]
        parts = self.keys.token, query["timestamp"], query["nonce"], encrypted
        assert query["msg_signature"] == wire.signature(*parts)
        self.raw.append(body)
        self.heard.append(wire.parse(wire.decrypt(self.keys, encrypted)))
        answer = self.answers.pop(0) if self.answers else ""
        if isinstance(answer, dict):
            answer = self.sealed(answer, self.heard[-1])
        return answer if isinstance(answer, Response) else Response(answer)

    def sealed(self, reply: Json, to: Json) -> str:
        parties = {
            "ToUserName": to["FromUserName"],
            "FromUserName": to["ToUserName"],
            "CreateTime": 1736125200,
        }
        encrypted = wire.encrypt(self.keys, wire.build({**parties, **reply}))
        signed = wire.signature(self.keys.token, "1736125200", "n0nce", encrypted)
        envelope = {"Encrypt": encrypted, "MsgSignature": signed, "TimeStamp": 1736125200, "Nonce": "n0nce"}
        return wire.build(envelope)


@dataclass
class Stage:
    """What tests do to a stand-in: act as persons, call as the app, look."""

    running: Running
    clocks: Clocks
    app: Listener
    get_token: Callable[["Stage"], str]
    token: str = ""

    def act(self, name: str, /, **body: Any) -> Json:
        return self.post(f"/_sandbox/{name}", body)

    def post(self, path: str, body: Any) -> Json:
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        answer: Json = HTTP.request("POST", self.running.url + path, body=raw).json()
        return answer

    def get(self, path: str, /, **query: Any) -> Json:
        answer: Json = HTTP.request("GET", self.running.url + path, fields=query).json()
        return answer

    def call(self, path: str, body: Any) -> Json:
        self.token = self.token or self.get_token(self)
        return self.post(f"/cgi-bin/{path}?access_token={self.token}", body)

    def ask(self, path: str, /, **query: Any) -> Json:
        self.token = self.token or self.get_token(self)
        return self.get(f"/cgi-bin/{path}", access_token=self.token, **query)

    def chat(self, who: str) -> list[Json]:
        return [row for row in self.get("/_sandbox/state")["messages"] if row["chat"] == who]

    def texts(self, who: str) -> list[str]:
        return [row["content"].get("content", "") for row in self.chat(who)]

    def callbacks(self) -> list[Json]:
        rows: list[Json] = self.get("/_sandbox/state")["callbacks"]
        return rows


def stable_token(stage: Stage) -> str:
    body = {"grant_type": "client_credential", "appid": "wx0123456789abcdef", "secret": "s3cret"}
    return str(stage.post("/cgi-bin/stable_token", body)["access_token"])


def corp_token(stage: Stage) -> str:
    found = stage.get("/cgi-bin/gettoken", corpid="ww0000000000000001", corpsecret="s3cret")
    return str(found["access_token"])


def common(clocks: Clocks, callback: str, people: tuple[Person, ...]) -> Json:
    return {
        "secret": "s3cret",
        "token": "testtoken",
        "aes_key": AES_KEY,
        "callback": callback,
        "people": people,
        "case_clock": lambda: clocks.case,
        "machine": lambda: clocks.seconds,
        "sleep": clocks.sleep,
        "answer_within": 2.0,
    }
