"""Callbacks over the wire: hostile, repeated, failing and late ones."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from bot import inbound
from bot.app import create_app
from bot.channels.envelope import BODY_CAP
from core import intake, store
from deploy.sandbox import wire
from deploy.sandbox.players import Citizen, post
from tests.world import HALL
from workers.demo import CORP, OFFICIAL_ACCOUNT, Sandbox, open_sandbox

KEYS = wire.Keys(OFFICIAL_ACCOUNT["token"], OFFICIAL_ACCOUNT["aes_key"], OFFICIAL_ACCOUNT["app_id"])


@dataclass
class Desk:
    """A running service, and a hand that writes callbacks as the platform would."""

    sandbox: Sandbox
    client: FlaskClient
    ids: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def body(self, inner: str) -> tuple[dict[str, str], str]:
        """A sealed callback: its query and body."""
        stamp = str(int(self.sandbox.story.now().timestamp()))
        sealed = wire.encrypt(KEYS, inner)
        query = {
            "timestamp": stamp,
            "nonce": "abc123",
            "encrypt_type": "aes",
            "signature": wire.signature(KEYS.token, stamp, "abc123"),
            "msg_signature": wire.signature(KEYS.token, stamp, "abc123", sealed),
        }
        account = OFFICIAL_ACCOUNT["account"]
        return (
            query,
            f"<xml><ToUserName><![CDATA[{account}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>",
        )

    def message(self, text: str, openid: str = "o-li", number: int = 0) -> str:
        """The inner XML of a text message."""
        now = int(self.sandbox.story.now().timestamp())
        content = text.replace("]]>", "]]]]><![CDATA[>")
        return (
            f"<xml><ToUserName><![CDATA[{OFFICIAL_ACCOUNT['account']}]]></ToUserName>"
            f"<FromUserName><![CDATA[{openid}]]></FromUserName><CreateTime>{now}</CreateTime>"
            f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content>"
            f"<MsgId>{number or next(self.ids)}</MsgId></xml>"
        )

    def post(self, inner: str) -> Any:
        query, body = self.body(inner)
        return self.client.post("/callback/wechat", query_string=query, data=body.encode())

    def answer(self, response: Any) -> str:
        """What the citizen would read."""
        return str(wire.open_reply(KEYS, response.get_data())["Content"]) if response.data else ""

    def count(self, table: sa.Table, **where: object) -> int:
        query = sa.select(sa.func.count()).select_from(table)
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        with store.transaction(self.sandbox.service.office.engine) as conn:
            return int(conn.execute(query).scalar_one())


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    with open_sandbox(tmp_path, HALL.profile, processes=False, database_url=database_url) as sandbox:
        yield Desk(sandbox, create_app(sandbox.service).test_client())


def test_the_same_message_three_times_has_one_effect_and_one_answer(desk: Desk) -> None:
    inner = desk.message("材料交了三回都没受理")
    first, second, third = (desk.answer(desk.post(inner)) for _ in range(3))
    assert first and first == second == third
    assert desk.count(store.case) == 1
    assert desk.count(store.inbox) == 1


def test_the_same_message_at_once_from_many_threads_has_one_effect(desk: Desk) -> None:
    inner = desk.message("材料交了三回都没受理")
    gate = threading.Barrier(6)

    def send() -> int:
        gate.wait()
        with desk.client.application.test_client() as client:
            query, body = desk.body(inner)
            return client.post("/callback/wechat", query_string=query, data=body.encode()).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = [f.result() for f in [pool.submit(send) for _ in range(6)]]
    assert statuses == [200] * 6
    assert desk.count(store.case) == 1


def test_two_different_messages_in_the_same_second_both_count(desk: Desk) -> None:
    desk.post(desk.message("第一句，材料退了三回"))
    desk.post(desk.message("第二句，跑了五趟"))
    with store.transaction(desk.sandbox.service.office.engine) as conn:
        sealed = conn.execute(
            sa.select(store.fact.c.value_enc, store.fact.c.case_id).where(store.fact.c.current)
        ).all()
        vault = desk.sandbox.service.office.vault
        texts = [vault.open(r.value_enc, f"case:{r.case_id}:content") for r in sealed if r.value_enc]
    assert texts == ["第一句，材料退了三回\n第二句，跑了五趟"]


@pytest.mark.parametrize("spoil", ["msg_signature", "timestamp", "nonce"])
def test_a_wrong_signature_is_turned_away_and_nothing_is_kept(desk: Desk, spoil: str) -> None:
    query, body = desk.body(desk.message("材料"))
    query[spoil] = query[spoil][:-1] + ("0" if query[spoil][-1] != "0" else "1")
    response = desk.client.post("/callback/wechat", query_string=query, data=body.encode())
    assert response.status_code == 403
    assert desk.count(store.inbox) == 0


def test_a_stale_message_is_turned_away(desk: Desk) -> None:
    query, body = desk.body(desk.message("材料"))
    desk.sandbox.until(desk.sandbox.story.now().replace(hour=12))
    assert desk.client.post("/callback/wechat", query_string=query, data=body.encode()).status_code == 403


def test_a_message_for_another_account_is_turned_away(desk: Desk) -> None:
    inner = desk.message("材料").replace(OFFICIAL_ACCOUNT["account"], "gh_somebodyelse")
    assert desk.post(inner).status_code == 403


def test_a_body_over_the_cap_and_one_without_length(desk: Desk) -> None:
    assert desk.client.post("/callback/wechat", data=b"<" * (BODY_CAP + 1)).status_code == 413
    assert desk.client.post("/callback/wechat", headers={"Transfer-Encoding": "chunked"}).status_code in (
        400,
        411,
    )


@pytest.mark.parametrize(
    "inner",
    [
        "<html><body/></html>",
        "<xml/>",
        "<xml><ToUserName>a</ToUserName></xml>",
        '<!DOCTYPE x [<!ENTITY a "b">]><xml><ToUserName>&a;</ToUserName></xml>',
        "<xml>" + "<a>" * 50 + "</a>" * 50 + "</xml>",
        "not xml at all",
        "",
    ],
)
def test_an_authentic_but_malformed_message_is_refused_without_a_trace(desk: Desk, inner: str) -> None:
    response = desk.post(inner)
    assert response.status_code == 400
    assert response.data == b""
    assert desk.count(store.inbox) == 0


def test_an_unknown_event_is_acknowledged_and_kept(desk: Desk) -> None:
    now = int(desk.sandbox.story.now().timestamp())
    inner = (
        f"<xml><ToUserName>{OFFICIAL_ACCOUNT['account']}</ToUserName><FromUserName>o-li</FromUserName>"
        f"<CreateTime>{now}</CreateTime><MsgType>event</MsgType><Event>brand_new_thing</Event></xml>"
    )
    response = desk.post(inner)
    assert (response.status_code, response.data) == (200, b"")
    assert desk.count(store.inbox, state="done") == 1


HOSTILE = [
    "　",
    "😀" * 5000,
    "材" * 5000,
    "\u202eتجربة\u202c 从右到左",
    "零\u200b宽\u200d字\ufeff符",
    "=cmd|'/c calc'!A1",
    "]]></Content><MsgType>event</MsgType>",
    "{{ 7*7 }} {% raw %}",
    "<script>alert(1)</script>",
    "a\u0301" * 3000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_gets_an_answer_and_breaks_nothing(desk: Desk, text: str) -> None:
    assert desk.answer(desk.post(desk.message(text)))
    assert desk.answer(desk.post(desk.message("加装电梯三次没受理")))
    assert "为自己反映" in desk.answer(desk.post(desk.message("说完了")))
    assert desk.count(store.inbox, state="failed") == 0


def test_when_handling_breaks_the_words_are_kept_and_replayed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = intake.turn

    def broken(*_: object) -> None:
        raise KeyError("a bug of ours")

    monkeypatch.setattr(intake, "turn", broken)
    assert "已经留住" in desk.answer(desk.post(desk.message("材料交了三回都没受理")))
    assert desk.count(store.inbox, state="failed") == 1
    assert desk.count(store.case) == 0
    monkeypatch.setattr(intake, "turn", whole)
    assert inbound.replay(desk.sandbox.service) == (1, 0)
    assert desk.count(store.case) == 1
    assert desk.count(store.inbox, state="failed") == 0


def test_a_lost_answer_is_asked_for_again_and_changes_nothing(desk: Desk) -> None:
    sandbox = desk.sandbox
    li = Citizen(sandbox.wechat.url, "o-li", sandbox.settle)
    li.follow()
    post(sandbox.wechat.url, "faults", {"direction": "in", "kind": "twice", "count": 2})
    li.say("材料交了三回都没受理")
    sandbox.settle()
    assert desk.count(store.case) == 1


def test_the_address_is_verified_by_its_signature_only(desk: Desk) -> None:
    query = {"timestamp": "1649640000", "nonce": "abc123", "echostr": "hello", "signature": "0" * 40}
    assert desk.client.get("/callback/wechat", query_string=query).status_code == 403
    query["signature"] = wire.signature(KEYS.token, "1649640000", "abc123")
    assert desk.client.get("/callback/wechat", query_string=query).get_data(as_text=True) == "hello"
    assert CORP["token"] != KEYS.token


def test_a_locked_database_says_try_again_and_the_platform_does(sqlite_url: str, tmp_path: Path) -> None:
    with open_sandbox(tmp_path, HALL.profile, processes=False, database_url=sqlite_url) as sandbox:
        desk = Desk(sandbox, create_app(sandbox.service).test_client())
        engine = sandbox.service.office.engine
        engine.dispose()
        sa.event.listen(engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA busy_timeout=50"))
        inner = desk.message("材料交了三回都没受理")
        with contextlib.closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other:
            other.isolation_level = None
            other.execute("BEGIN IMMEDIATE")
            assert desk.post(inner).status_code == 503
            other.execute("ROLLBACK")
        assert desk.answer(desk.post(inner))
        assert desk.count(store.case) == 1
