"""The HTTP client against a real server that behaves badly, and the tokens it carries."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine

from bot.channels.call import WECHAT, WECOM, Line, Meaning, Verdict, call, download, meaning
from bot.channels.tokens import Grant, NoToken, TokenRefused, Tokens
from bot.channels.wire import Answer, Download, TooBig, Unknown, Unreachable, Wire, WireError
from core import tokens as rows
from core.privacy import Vault
from core.store import metadata, open_engine, transaction

SECRET = "SECRET-TOKEN"
Reply = tuple[int, dict[str, str], bytes]


class Stage:
    """A platform on the loopback: a reply by path, and what was asked."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply | Callable[[dict[str, str]], Reply]] = {}
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.done = threading.Event()  # ends what hangs
        stage = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stage.asked.append((parts.path, query, body))
                if parts.path == "/hang":
                    stage.done.wait(5)
                    return
                if parts.path == "/cut":
                    self.close_connection = True
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
                    return
                reply = stage.replies[parts.path]
                status, headers, content = reply(query) if callable(reply) else reply
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.done.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def wire(stage: Stage) -> Iterator[Wire]:
    wire = Wire(stage.url + "/", timeout=(3, 5), forbidden=lambda: False)
    yield wire
    wire.close()


def js(**data: object) -> Reply:
    return 200, {"Content-Type": "application/json"}, json.dumps(data).encode()


# --- what can become of a request ---------------------------------------------------------------------------


def test_an_answer_is_its_code_and_its_data(stage: Stage, wire: Wire) -> None:
    stage.replies["/a/b"] = js(errcode=40003, errmsg="invalid openid", msgid=7, other=[1])
    answer = wire.get("a/b", {"access_token": SECRET})
    assert (answer.errcode, answer.errmsg, answer.text("msgid")) == (40003, "invalid openid", "7")
    assert answer.text("other") == answer.text("none") == ""
    assert stage.asked == [("/a/b", {"access_token": SECRET}, b"")]


def test_words_travel_as_they_are_written(stage: Stage, wire: Wire) -> None:
    stage.replies["/a"] = js(errcode=0)
    wire.post_json("a", {}, {"text": "办不成事 😀", "half": "\ud800"})
    assert stage.asked[0][2] == '{"text":"办不成事 😀","half":"?"}'.encode()


HTML: Reply = (200, {"Content-Type": "text/html"}, b"<html>maintenance</html>")


@pytest.mark.parametrize(
    "reply",
    [
        (500, {}, b'{"errcode":0}'),
        (502, {"Content-Type": "text/html"}, b"<html>"),
        (404, {}, b"{}"),
        (302, {"Location": "/elsewhere"}, b'{"errcode":0}'),
        HTML,
        (200, {}, b""),
        (200, {}, b"[]"),
        (200, {}, b'{"errcode":"0"}'),
        (200, {}, b"\xff\xfe"),
        (200, {}, b"[" * 100_000),
        (200, {}, b'"' + b"x" * (1024 * 1024) + b'"'),
    ],
)
def test_what_is_no_answer_of_the_api_is_unknown(stage: Stage, wire: Wire, reply: Reply) -> None:
    stage.replies["/a"] = reply
    with pytest.raises(Unknown):
        wire.post_json("a", {"access_token": SECRET}, {})
    assert len(stage.asked) == 1, "neither repeated nor led elsewhere"


@pytest.mark.parametrize("path", ["hang", "cut"])
def test_a_request_that_stays_without_an_answer_is_unknown(stage: Stage, path: str) -> None:
    wire = Wire(stage.url, timeout=(3, 0.1), forbidden=lambda: False)
    with pytest.raises(Unknown) as caught:
        wire.post_json(path, {"access_token": SECRET}, {})
    wire.close()
    assert SECRET not in str(caught.value) + repr(caught.value)
    assert len(stage.asked) == 1


def test_without_a_connection_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        wire = Wire(f"http://127.0.0.1:{taken.getsockname()[1]}", forbidden=lambda: False)
        with pytest.raises(Unreachable) as caught:
            wire.get("a", {"access_token": SECRET})
        wire.close()
    assert SECRET not in str(caught.value) + repr(caught.value)


def test_no_log_holds_an_address(stage: Stage, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stage.replies["/a"] = js(access_token=SECRET)
    answer = wire.get("a", {"corpsecret": SECRET})
    assert SECRET not in caplog.text + repr(answer)


def test_a_download_is_a_file_or_an_answer(stage: Stage, wire: Wire) -> None:
    attached = {"Content-Disposition": 'attachment; filename="a"'}
    stage.replies["/jpg"] = 200, {"Content-Type": "Image/JPEG; q=1"}, b"\xff\xd8"
    stage.replies["/txt"] = 200, {"Content-Type": "text/plain", **attached}, b"words"
    stage.replies["/gone"] = (
        200,
        {"Content-Type": "text/plain"},
        b'{"errcode":40007,"errmsg":"invalid media_id"}',
    )
    stage.replies["/html"] = HTML
    assert wire.download("jpg", {}, 2) == Download("image/jpeg", b"\xff\xd8")
    assert wire.download("txt", {}, 9) == Download("text/plain", b"words")
    gone = wire.download("gone", {}, 99)
    assert isinstance(gone, Answer)
    assert gone.errcode == 40007
    with pytest.raises(Unknown):
        wire.download("html", {}, 99)
    with pytest.raises(TooBig):
        wire.download("jpg", {}, 1)


def test_no_call_leaves_an_open_transaction(stage: Stage, engine: Engine) -> None:
    wire = Wire(stage.url)
    stage.replies["/a"] = js(errcode=0)
    with transaction(engine), pytest.raises(RuntimeError):
        wire.get("a", {})
    assert stage.asked == []
    assert wire.get("a", {}).errcode == 0
    wire.close()


# --- tokens -------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Mint:
    """Hands out t1, t2, …; `trouble` is raised instead."""

    def __init__(self) -> None:
        self.made = 0
        self.trouble: Exception | None = None

    def __call__(self) -> Grant:
        self.made += 1
        if self.trouble:
            raise self.trouble
        return Grant(f"t{self.made}", 7200)


VAULT = Vault({"k": bytes(32)}, "k")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mint() -> Mint:
    return Mint()


@pytest.fixture
def process(engine: Engine, clock: Clock, mint: Mint) -> Callable[[], Tokens]:
    """A `Tokens` with a cache of its own, as in another process on the same database."""
    return lambda: Tokens(engine, VAULT, mint, "ww1:1000002", "api", clock)


Process = Callable[[], Tokens]


def test_one_token_serves_every_process(process: Process, mint: Mint) -> None:
    assert [process().get() for _ in range(3)] == ["t1"] * 3
    assert mint.made == 1


def test_threads_that_start_cold_fetch_once(process: Process, mint: Mint) -> None:
    shared, got = process(), []
    threads = [threading.Thread(target=lambda: got.append(shared.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["t1"] * 8
    assert mint.made == 1


def test_the_row_does_not_hold_the_token_in_clear(process: Process, engine: Engine) -> None:
    process().get()
    with transaction(engine) as conn:
        row = rows.read(conn, "ww1:1000002", "api")
    assert row is not None
    assert row.value_enc is not None
    assert b"t1" not in row.value_enc
    assert "value_enc" not in repr(row)


def test_a_token_is_renewed_at_four_fifths_of_its_life(process: Process, clock: Clock) -> None:
    tokens = process()
    tokens.get()
    clock.passes(5759)
    assert tokens.get() == "t1"
    clock.passes(1)
    assert process().get() == "t2"
    clock.passes(30)
    assert tokens.get() == "t2", "no process goes on with its own copy for longer than 30 s"


def test_while_one_renews_the_others_go_on(
    process: Process, engine: Engine, clock: Clock, mint: Mint
) -> None:
    process().get()
    clock.passes(6000)
    with transaction(engine) as conn:
        fence = rows.claim_refresh(conn, "ww1:1000002", "api", clock.now, rejected=False)
    assert fence
    assert process().get() == "t1"
    assert mint.made == 1


def test_a_lease_left_behind_is_taken_over_and_its_result_is_not_kept(engine: Engine, clock: Clock) -> None:
    def claim() -> str | None:
        with transaction(engine) as conn:
            return rows.claim_refresh(conn, "a", "api", clock.now, rejected=False)

    def save(fence: str, value: bytes) -> bool:
        with transaction(engine) as conn:
            return rows.save(conn, "a", "api", fence, value, clock.now, clock.now + timedelta(hours=2))

    first = claim()
    assert first
    clock.passes(59)
    assert claim() is None
    clock.passes(1)
    second = claim()
    assert second
    assert not save(first, b"late")
    assert save(second, b"new")
    with transaction(engine) as conn:
        row = rows.read(conn, "a", "api")
    assert row is not None
    assert row.value_enc == b"new"


def test_a_rejected_token_is_renewed_once_a_minute_at_most(
    process: Process, clock: Clock, mint: Mint
) -> None:
    tokens = process()
    tokens.get()
    assert tokens.get(rejected="t1") == "t1", "it is too young to be asked for again"
    clock.passes(60)
    assert tokens.get(rejected="t1") == "t2"
    assert process().get(rejected="t1") == "t2", "somebody else has renewed it already"
    assert process().get(rejected="t2") == "t2"
    assert mint.made == 2


@pytest.mark.parametrize(("trouble", "pause"), [(Unreachable("x"), 5), (Unknown("x"), 60)])
def test_after_a_fetch_in_vain_nobody_asks_for_a_while(
    process: Process, clock: Clock, mint: Mint, trouble: WireError, pause: int
) -> None:
    mint.trouble = trouble
    with pytest.raises(NoToken):
        process().get()
    mint.trouble = None
    clock.passes(pause - 1)
    with pytest.raises(NoToken):
        process().get()
    clock.passes(1)
    assert process().get() == "t2"


def test_a_refused_secret_is_not_tried_again_and_again(
    process: Process, clock: Clock, mint: Mint, caplog: pytest.LogCaptureFixture
) -> None:
    mint.trouble = TokenRefused(40001)
    with pytest.raises(TokenRefused):
        process().get()
    clock.passes(599)
    with pytest.raises(NoToken):
        process().get()
    assert mint.made == 1
    assert "errcode=40001" in caplog.text


def test_a_good_old_token_outlives_a_renewal_in_vain(process: Process, clock: Clock, mint: Mint) -> None:
    process().get()
    clock.passes(6000)
    mint.trouble = TokenRefused(40001)
    assert process().get() == "t1"
    clock.passes(1200)
    with pytest.raises(TokenRefused):
        process().get()


# --- a call with a token ------------------------------------------------------------------------------------


def only(good: str) -> Callable[[dict[str, str]], Reply]:
    return lambda query: js(errcode=0 if query["access_token"] == good else 42001)


def test_a_refused_token_is_renewed_and_the_call_made_once_more(
    stage: Stage, wire: Wire, process: Process, clock: Clock
) -> None:
    line = Line(wire, process())
    line.tokens.get()
    clock.passes(60)
    stage.replies["/send"] = only("t2")
    assert call(line, "POST", "send", {"a": 1}).errcode == 0
    assert [(query["access_token"], body) for _, query, body in stage.asked] == [
        ("t1", b'{"a":1}'),
        ("t2", b'{"a":1}'),
    ]


def test_a_platform_that_refuses_every_token_is_asked_twice(
    stage: Stage, wire: Wire, process: Process, clock: Clock, mint: Mint
) -> None:
    line = Line(wire, process())
    line.tokens.get()
    clock.passes(60)
    stage.replies["/send"] = only("none")
    assert call(line, "GET", "send").errcode == 42001
    assert (len(stage.asked), mint.made) == (2, 2)
    assert call(line, "GET", "send").errcode == 42001
    assert (len(stage.asked), mint.made) == (3, 2), "a minute has not passed: no third token, no repetition"


def test_a_download_renews_the_token_too(stage: Stage, wire: Wire, process: Process, clock: Clock) -> None:
    line = Line(wire, process())
    line.tokens.get()
    clock.passes(60)
    stage.replies["/get"] = lambda query: (
        (200, {"Content-Type": "audio/amr"}, b"#!AMR") if query["access_token"] == "t2" else js(errcode=40014)
    )
    assert download(line, "get", {"media_id": "M"}, 99) == Download("audio/amr", b"#!AMR")


@pytest.mark.parametrize(
    ("table", "errcode", "expected"),
    [
        (WECHAT, 0, Meaning(Verdict.SENT)),
        (WECHAT, 45015, Meaning(Verdict.ROUTE_CLOSED, "window_closed")),
        (WECHAT, 48002, Meaning(Verdict.ROUTE_CLOSED, "refused_by_reader")),
        (WECOM, 48002, Meaning(Verdict.ALARM, "permission")),
        (WECHAT, 40003, Meaning(Verdict.RECIPIENT_GONE, "no_such_reader")),
        (WECOM, 60140, Meaning(Verdict.SPENT_CODE, "card")),
        (WECOM, 45009, Meaning(Verdict.RETRY_LATER, "rate", 60)),
        (WECHAT, 47003, Meaning(Verdict.BUG, "template_fields")),
        (WECOM, 60020, Meaning(Verdict.ALARM, "address_not_trusted")),
        (WECHAT, 99999, Meaning(Verdict.ALARM, "unknown_code")),
    ],
)
def test_a_code_means_what_its_platform_says(
    table: dict[int, Meaning], errcode: int, expected: Meaning
) -> None:
    assert meaning(table, Answer(errcode, "", {})) == expected


@pytest.mark.parametrize("table", [WECHAT, WECOM])
def test_only_a_retry_names_a_wait(table: dict[int, Meaning]) -> None:
    for row in table.values():
        assert (row.after > 0) == (row.verdict is Verdict.RETRY_LATER)
        assert row.reason or row.verdict is Verdict.SENT
