"""Players: a citizen, members of staff, and their browsers, all over HTTP. The tour and the tests play through them."""

from __future__ import annotations

import base64
import http.cookiejar
import io
import json
import re
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

Json = dict[str, Any]
TIMEOUT = 20


class Unexpected(AssertionError):
    """Something the story needs did not happen; the text says what was there instead."""


def post(base: str, path: str, body: Json) -> Json:
    """Ask a stand-in; an impossible act is `Unexpected`."""
    data = json.dumps(body, ensure_ascii=False).encode()
    request = urllib.request.Request(f"{base}/_sandbox/{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        raise Unexpected(f"{path} {body}: {error.code} {error.read().decode()}") from None


def state(base: str) -> Json:
    with urllib.request.urlopen(f"{base}/_sandbox/state", timeout=TIMEOUT) as answer:
        return dict(json.load(answer))


def words_of(message: Json) -> str:
    """Everything readable of a message row, whatever its kind."""
    content = message.get("card") or message.get("content")
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


@dataclass
class Chat:
    """Somebody's chat with the app, as the stand-in shows it. `settle` lets everything happen that is due."""

    base: str
    id: str
    settle: Callable[[], None]

    def messages(self) -> list[Json]:
        """What is in the chat, oldest first."""
        return [m for m in state(self.base)["messages"] if m["chat"] == self.id]

    def heard(self, *parts: str, sender: str = "app") -> Json:
        """The newest message from the app that holds all the parts."""
        self.settle()
        found = [m for m in self.messages() if m["sender"] == sender]
        for message in reversed(found):
            if all(part in words_of(message) for part in parts):
                return message
        last = "\n---\n".join(words_of(m) for m in found[-3:])
        raise Unexpected(f"{self.id} never heard {parts}; the last were:\n{last}")

    def never_heard(self, part: str) -> None:
        """No message holds it."""
        self.settle()
        for message in self.messages():
            if message["sender"] == "app" and part in words_of(message):
                raise Unexpected(f"{self.id} heard {part!r}: {words_of(message)}")


@dataclass
class Citizen(Chat):
    """Somebody in the 公众号, with a browser that opens what messages link to."""

    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = Browser(self.id, staff=False)

    def say(self, text: str) -> str:
        """Write, and read what comes back at once."""
        return self._saw(post(self.base, "say", {"person": self.id, "kind": "text", "text": text}))

    def send(self, kind: str, content: bytes) -> str:
        """Send a picture or a voice message."""
        sample = base64.b64encode(content).decode()
        return self._saw(post(self.base, "say", {"person": self.id, "kind": kind, "bytes": sample}))

    def follow(self) -> str:
        return self._saw(post(self.base, "follow", {"person": self.id}))

    def scan(self, code: str) -> str:
        """Scan the code of a sign."""
        return self._saw(post(self.base, "scan", {"person": self.id, "scene": code}))

    def tap(self, label: str) -> str:
        """Tap a choice of the newest message that offers it."""
        self.settle()
        for message in reversed(self.messages()):
            for choice in message.get("choices") or ():
                if choice["content"] == label:
                    body = {"person": self.id, "message": message["id"], "choice": choice["id"]}
                    return self._saw(post(self.base, "tap", body))
        raise Unexpected(f"nothing to tap called {label!r}")

    def _saw(self, answer: Json) -> str:
        return "\n".join(words_of(m) for m in answer["saw"] if m["sender"] != self.id)


@dataclass
class Member(Chat):
    """A member of staff in 企业微信, with a browser that opens what cards point to."""

    app: str = ""
    name: str = ""
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = Browser(self.id)

    def say(self, text: str) -> str:
        answer = post(self.base, "say", {"person": self.id, "kind": "text", "text": text})
        return "\n".join(words_of(m) for m in answer["saw"] if m["sender"] != self.id)

    def press(self, label: str, *parts: str) -> Json:
        """Press a button of the newest card that holds the parts; the card as it looks afterwards."""
        message = self.heard(label, *parts)
        key = next(
            (b["key"] for b in self._buttons(message) if b["text"] == label and not b.get("url")), None
        )
        if key is None:
            raise Unexpected(f"{self.id}: no live button {label!r} on {words_of(message)}")
        post(self.base, "tap", {"person": self.id, "message": message["id"], "key": key})
        self.settle()
        return next(m for m in self.messages() if m["id"] == message["id"])

    def open(self, label: str, *parts: str) -> Page:
        """Open the page behind a button (or, with "", behind the card itself)."""
        message = self.heard(label, *parts)
        if not label:
            return self.browser.get(message["card"]["card_action"]["url"])
        for button in self._buttons(message):
            if button["text"] == label and button.get("url"):
                return self.browser.get(button["url"])
        raise Unexpected(f"{self.id}: no button {label!r} with a page on {words_of(message)}")

    def visit(self, path: str) -> Page:
        """Open a page of the app."""
        return self.browser.get(self.app + path)

    @staticmethod
    def _buttons(message: Json) -> list[Json]:
        card = message.get("card") or {}
        jumps = [{"text": jump["title"], "url": jump["url"]} for jump in card.get("jump_list") or ()]
        return [*(card.get("button_list") or ()), *jumps]


class _Reader(HTMLParser):
    """The forms of a page: their address and what they hold already."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.buttons: list[tuple[int, str, str, str]] = []
        self._select = ""
        self._area = ""
        self._button: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {k: v or "" for k, v in attrs}
        if tag == "form":
            self.forms.append((a.get("action", ""), {}))
        elif self.forms:
            values = self.forms[-1][1]
            if tag == "input" and a.get("name") and a.get("type") != "file":
                if a.get("type") in ("radio", "checkbox"):
                    if "checked" in a:
                        values[a["name"]] = a.get("value", "on")
                else:
                    values[a["name"]] = a.get("value", "")
            elif tag == "select":
                self._select = a.get("name", "")
            elif tag == "option" and self._select and "selected" in a:
                values[self._select] = a.get("value", "")
            elif tag == "textarea":
                self._area = a.get("name", "")
                values[self._area] = ""
            elif tag == "button":
                self._button = (a.get("name", ""), a.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area and self.forms:
            held = self.forms[-1][1]
            held[self._area] += data.removeprefix("\n") if not held[self._area] else data
        if self._button and data.strip():
            name, value = self._button
            self.buttons.append((len(self.forms) - 1, name, value, data.strip()))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""
        elif tag == "button":
            self._button = None


@dataclass
class Page:
    """A page as it was served: where, with what status, its text and bytes."""

    browser: Browser
    url: str
    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The page as a person reads it, without tags."""
        html = self.body.decode("utf-8", "replace")
        html = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.S)
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))

    def shows(self, *parts: str) -> Page:
        for part in parts:
            if part not in self.text:
                raise Unexpected(f"{self.url} ({self.status}) does not show {part!r}: {self.text[:600]}")
        return self

    def fill(self, values: Mapping[str, str], files: Mapping[str, tuple[str, bytes]] | None = None) -> Page:
        """Fill in the page's form (the one that has all the fields) and send it."""
        reader = _Reader()
        reader.feed(self.body.decode())
        forms = [f for f in reader.forms if f[1] or values]
        if not forms:
            raise Unexpected(f"{self.url} ({self.status}) has no form: {self.text[:400]}")
        action, held = max(forms, key=lambda f: len(f[1]))
        return self.browser.post(
            urllib.parse.urljoin(self.url, action or self.url), {**held, **values}, files
        )

    def done(self, values: Mapping[str, str], files: Mapping[str, tuple[str, bytes]] | None = None) -> Page:
        """Fill in the form and send it, and it was taken."""
        return self.fill(values, files).shows("已经记下")

    def press(self, label: str) -> Page:
        """Press a button that needs nothing filled in."""
        reader = _Reader()
        reader.feed(self.body.decode())
        for index, name, value, text in reader.buttons:
            if text == label:
                action, held = reader.forms[index]
                values = {**held, **({name: value} if name else {})}
                return self.browser.post(urllib.parse.urljoin(self.url, action or self.url), values, None)
        raise Unexpected(f"{self.url} has no button {label!r}: {[b[3] for b in reader.buttons]}")


class _KeepPerson(urllib.request.HTTPRedirectHandler):
    """On the way through the platform's sign-in page, say who is looking."""

    def __init__(self, person: str) -> None:
        self.person = person

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if "/connect/oauth2/authorize" in newurl:
            head, _, tail = newurl.partition("#")
            newurl = f"{head}&sandbox_person={urllib.parse.quote(self.person)}" + (f"#{tail}" if tail else "")
        if req.get_method() == "POST" and code in (301, 302, 303):
            return urllib.request.Request(newurl, headers={"User-Agent": req.get_header("User-agent")})
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Browser:
    """One person's browser inside the chat app: cookies of its own, sign-in on the way."""

    AGENTS = ("wxwork/4.1 MicroMessenger/7.0", "MicroMessenger/8.0")

    def __init__(self, person: str, *, staff: bool = True) -> None:
        self._agent = self.AGENTS[0 if staff else 1]
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar, _KeepPerson(person))

    def get(self, url: str) -> Page:
        return self._open(urllib.request.Request(url, headers={"User-Agent": self._agent}))

    def post(
        self, url: str, values: Mapping[str, str], files: Mapping[str, tuple[str, bytes]] | None
    ) -> Page:
        edge = secrets.token_hex(12)
        body = io.BytesIO()
        for name, value in values.items():
            body.write(
                f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            )
        for name, (filename, content) in (files or {}).items():
            head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
            body.write(head.encode() + content + b"\r\n")
        body.write(f"--{edge}--\r\n".encode())
        headers = {"Content-Type": f"multipart/form-data; boundary={edge}", "User-Agent": self._agent}
        return self._open(urllib.request.Request(url, body.getvalue(), headers))

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return Page(self, answer.geturl(), answer.status, answer.read())
        except urllib.error.HTTPError as error:
            return Page(self, error.geturl() or request.full_url, error.code, error.read())
