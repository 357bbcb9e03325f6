"""Cards on the real wire: what people see of them, by each way, on the stand-ins of the platforms."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from pydantic import SecretStr
from sqlalchemy.engine import Engine

from bot.cards.card import Button, Card
from bot.channels.call import Meaning, Verdict
from bot.channels.channel import Channel
from bot.channels.connect import account_of, app_of, connect
from bot.channels.messages import PASSIVE_BYTES
from bot.channels.wechat import TAPS, menu_id, read_menu_id
from bot.channels.wecom import task_id_of
from bot.channels.wire import Unknown
from core import store
from core.people import Address
from core.privacy import Vault, make_key
from core.settings import Settings, SettingsError
from deploy.sandbox import wechat, wecom
from deploy.sandbox.platform import Person, Running, serve

NOW = datetime(2022, 4, 11, 2, 0, tzinfo=UTC)
URL = "https://hall.example.gov.cn/c/r3f"
HTTP = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=5))
CARD = Card(
    window="“办不成事”反映窗口",
    title="交办 XJ202200001",
    text="跑了三趟都没办成",
    rows=(("单号", "XJ202200001"), ("期限", "4月14日 17:00")),
    buttons=(Button("签收", "sign_for", "primary"), Button("问申请人", "ask", url=f"{URL}/ask?rev=3")),
    url=URL,
    clause="XJ-2.2b",
    basis="依据《工作办法》第二部分（二）",
    ref="r3f",
    rev=3,
    subject="商铺报建",
    status="已交办",
    number="XJ202200001",
    case_id=7,
)
RATING = replace(
    CARD,
    title="请您评一评",
    buttons=tuple(Button(f"第{n}级", f"rate:{n}") for n in (5, 4, 3, 2, 1)),
)
PLAIN = replace(CARD, title="办理结果", buttons=())


class Clock:
    def __init__(self) -> None:
        self.now = NOW
        self.seconds = 0.0

    def goes_on(self, span: timedelta) -> None:
        self.now += span
        self.seconds += span.total_seconds()


class Stage:
    """One stand-in and our channel to it."""

    def __init__(self, running: Running, channel: Channel, clock: Clock) -> None:
        self.running, self.channel, self.clock = running, channel, clock

    def act(self, name: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = HTTP.request("POST", f"{self.running.url}/_sandbox/{name}", json=body).json()
        return answer

    def chat(self, who: str) -> list[dict[str, Any]]:
        """What people and the app said; the platform's own line, that nobody answered, may come at any moment."""
        state = HTTP.request("GET", f"{self.running.url}/_sandbox/state").json()
        return [row for row in state["messages"] if row["chat"] == who and row["sender"] != "platform"]

    def send(self, route: str, to: str, card: Card, key: str = "7.3.dispatch_card.p5") -> Any:
        return self.channel.send(route, to, card, key=key, now=self.clock.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = store.open_engine(f"sqlite:///{tmp_path}/tokens.db")
    store.metadata.create_all(engine)
    yield engine
    engine.dispose()


def settings(**more: Any) -> Settings:
    return Settings(
        database_url="sqlite://",
        keys=SecretStr("k1:" + make_key()),
        hall=Path("hall.toml"),
        files=Path("files"),
        base_url="http://127.0.0.1:8000",
        **more,
    )


def common(clock: Clock) -> dict[str, Any]:
    return {
        "secret": "s3cret",
        "token": "testtoken",
        "aes_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "callback": "http://127.0.0.1:9/hook",
        "case_clock": lambda: clock.now,
        "machine": lambda: clock.seconds,
        "sleep": lambda seconds: None,
        "answer_within": 0.2,
    }


def channel_of(name: str, given: Settings, engine: Engine, clock: Clock) -> Channel:
    vault = Vault.from_setting(given.keys.get_secret_value())
    return connect(given, engine, vault, lambda: NOW + timedelta(seconds=clock.seconds))[name]


@pytest.fixture
def corp(clock: Clock, engine: Engine) -> Iterator[Stage]:
    """企业微信: zhang and chen are members of the app."""
    people = (Person("zhang", "老张"), Person("chen", "陈局"), Person("out", "外人", in_scope=False))
    config = wecom.Config(app_id="ww1", people=people, **common(clock))
    with serve(wecom.create(config)) as running:
        given = settings(
            wecom_corp_id="ww1",
            wecom_agent_id=1000002,
            wecom_secret=SecretStr("s3cret"),
            wecom_api=running.url,
        )
        yield Stage(running, channel_of("wecom", given, engine, clock), clock)


@pytest.fixture
def account(clock: Clock, engine: Engine) -> Iterator[Stage]:
    """公众号: li follows, wang does not."""
    template = wechat.Template("T1", "办件进度提醒", ("character_string1", "thing2", "phrase3", "time4"))
    people = (Person("li", "李梅"), Person("wang", "王强", following=False))
    config = wechat.Config(
        app_id="wx1", account="gh_1", templates=(template,), people=people, **common(clock)
    )
    with serve(wechat.create(config)) as running:
        given = settings(
            wechat_app_id="wx1",
            wechat_secret=SecretStr("s3cret"),
            wechat_api=running.url,
            wechat_template="T1",
        )
        yield Stage(running, channel_of("wechat", given, engine, clock), clock)


def address(channel: str, *, following: bool = True, until: datetime | None = None, left: int = 0) -> Address:
    return Address(1, channel, "somebody", following, until, left)


# --- 企业微信 -----------------------------------------------------------------------------------------------


def test_a_member_sees_the_card_with_its_buttons(corp: Stage) -> None:
    sent = corp.send("card", "zhang", CARD)
    assert sent.meaning.verdict == Verdict.SENT
    assert sent.reference and sent.update_code and sent.code_until == NOW + timedelta(hours=72)
    [row] = corp.chat("zhang")
    card = row["card"]
    assert row["task_id"] == sent.task_id
    assert card["card_type"] == "button_interaction"
    assert card["main_title"]["title"] == "交办 XJ202200001"
    assert card["sub_title_text"] == "跑了三趟都没办成"
    assert card["source"]["desc"] == "“办不成事”反映窗口"
    assert card["quote_area"]["quote_text"] == "依据《工作办法》第二部分（二）"
    assert [b["text"] for b in card["button_list"]] == ["签收", "问申请人"]
    assert corp.act("tap", person="zhang", message=row["id"], key="sign_for")["callback"]["person"] == "zhang"


def test_a_card_without_acts_on_the_spot_is_a_notice_that_opens_the_case(corp: Stage) -> None:
    pages = replace(CARD, buttons=(Button("提交结果", "hand_in", url=f"{URL}/hand_in?rev=3"),))
    for key, card in (("7.1.a.p1", pages), ("7.1.b.p1", PLAIN)):
        assert corp.send("card", "zhang", card, key).meaning.verdict == Verdict.SENT
    with_page, without = (row["card"] for row in corp.chat("zhang"))
    assert {with_page["card_type"], without["card_type"]} == {"text_notice"}
    assert with_page["card_action"] == without["card_action"] == {"type": 1, "url": URL}
    assert with_page["jump_list"] == [{"type": 1, "title": "提交结果", "url": f"{URL}/hand_in?rev=3"}]


def test_a_card_that_leads_nowhere_is_text(corp: Stage) -> None:
    assert corp.send("card", "zhang", replace(PLAIN, url="")).meaning.verdict == Verdict.SENT
    [row] = corp.chat("zhang")
    assert row["kind"] == "text"
    assert row["content"]["content"].splitlines()[:2] == ["办理结果", "跑了三趟都没办成"]


def test_the_longest_card_is_cut_and_still_taken(corp: Stage) -> None:
    long = replace(
        CARD,
        title="交办" * 60,
        text="很长的话" * 900,
        basis="依据" * 300,
        rows=tuple((f"很长的一个标签{n}", "很长的值" * 50) for n in range(12)),
        buttons=tuple(
            Button(f"很长的按钮名字，第{n}个", f"act{n}", url=URL if n % 2 else "") for n in range(9)
        ),
    )
    assert corp.send("card", "zhang", long).meaning.verdict == Verdict.SENT
    [row] = corp.chat("zhang")
    assert len(row["card"]["sub_title_text"]) == 160 and row["card"]["sub_title_text"].endswith("…")
    assert len(row["card"]["horizontal_content_list"]) == len(row["card"]["button_list"]) == 6
    assert corp.channel.send_group("none", long, key="k", now=NOW).meaning.verdict != Verdict.BUG


def test_sending_the_same_key_again_reaches_nobody_twice(corp: Stage) -> None:
    first = corp.send("card", "zhang", CARD)
    again = corp.send("card", "zhang", CARD)
    corp.clock.goes_on(timedelta(hours=5))  # beyond the platform's memory of requests
    later = corp.send("card", "zhang", CARD)
    assert [s.meaning.verdict for s in (first, again, later)] == [Verdict.SENT] * 3
    assert len(corp.chat("zhang")) == 1


def test_a_lost_answer_is_unknown_and_its_repeat_delivers_once(corp: Stage) -> None:
    corp.send("card", "chen", CARD, "7.1.x.p2")
    corp.act("faults", direction="out", kind="lost", at="message/send")
    with pytest.raises(Unknown):
        corp.send("card", "zhang", CARD)
    assert corp.send("card", "zhang", CARD).meaning.verdict == Verdict.SENT
    assert len(corp.chat("zhang")) == 1


def test_who_is_out_of_reach_is_reported(corp: Stage) -> None:
    assert corp.send("card", "out", CARD).meaning.verdict == Verdict.RECIPIENT_GONE
    assert corp.chat("out") == []


def test_a_sent_card_is_redrawn_once(corp: Stage) -> None:
    code = corp.send("card", "zhang", CARD).update_code
    done = replace(CARD, title="已签收", buttons=(), rev=4)
    assert corp.channel.redraw(code, done, ["zhang"]).verdict == Verdict.SENT
    [row] = corp.chat("zhang")
    assert row["card"]["main_title"]["title"] == "已签收" and "button_list" not in row["card"]
    assert corp.channel.redraw(code, done, ["zhang"]).verdict == Verdict.SPENT_CODE


def test_a_card_redrawn_with_buttons_keeps_them(corp: Stage) -> None:
    code = corp.send("card", "zhang", CARD).update_code
    assert corp.channel.redraw(code, replace(CARD, title="请再看"), ["zhang"]).verdict == Verdict.SENT
    assert [b["text"] for b in corp.chat("zhang")[0]["card"]["button_list"]] == ["签收", "问申请人"]


def test_an_update_code_is_dead_after_72_hours(corp: Stage) -> None:
    sent = corp.send("card", "zhang", CARD)
    corp.clock.goes_on(timedelta(hours=72, minutes=1))
    assert sent.code_until is not None and sent.code_until < corp.clock.now
    assert corp.channel.redraw(sent.update_code, PLAIN, ["zhang"]).verdict == Verdict.SPENT_CODE


def test_a_group_reads_a_text_card_without_buttons(corp: Stage) -> None:
    chat = create_group(corp)
    group = replace(CARD, buttons=(), text="请责任人签收", rows=(("事项", "<b>商铺</b>"),))
    assert corp.channel.send_group(chat, group, key="7.3.dispatch_group.g1", now=NOW).meaning.verdict == (
        Verdict.SENT
    )
    [row] = corp.chat(chat)
    assert row["kind"] == "textcard"
    assert row["content"]["description"] == "请责任人签收\n事项：＜b＞商铺＜/b＞\n“办不成事”反映窗口"
    assert row["content"]["url"] == URL


def create_group(corp: Stage) -> str:
    asked = {"corpid": "ww1", "corpsecret": "s3cret"}
    token = HTTP.request("GET", f"{corp.running.url}/cgi-bin/gettoken", fields=asked).json()["access_token"]
    made = HTTP.request(
        "POST",
        f"{corp.running.url}/cgi-bin/appchat/create?access_token={token}",
        json={"name": "住建", "owner": "zhang", "userlist": ["zhang", "chen"], "chatid": "zjgroup"},
    ).json()
    return str(made["chatid"])


@pytest.mark.parametrize(
    "ask",
    [
        lambda channel: channel.send("card", "zhang", CARD, key="k", now=NOW).meaning,
        lambda channel: channel.send_group("zjgroup", CARD, key="k", now=NOW).meaning,
        lambda channel: channel.redraw("code", CARD, ["zhang"]),
    ],
)
def test_a_refused_secret_is_an_alarm(
    corp: Stage, engine: Engine, clock: Clock, ask: Callable[[Channel], Meaning]
) -> None:
    given = settings(wecom_corp_id="ww1", wecom_secret=SecretStr("wrong"), wecom_api=corp.running.url)
    assert ask(channel_of("wecom", given, engine, clock)).verdict == Verdict.ALARM


def test_a_member_is_always_reachable_at_thirty_a_minute(corp: Stage) -> None:
    assert corp.channel.routes(address("wecom"), NOW) == ("card",)
    assert corp.channel.budget("card", "zhang") == ("wecom:zhang", 60, 30)


def test_task_ids_are_of_the_platforms_letters_and_differ_with_the_key() -> None:
    keys = [
        "7.3.dispatch_card.p5",
        "7.31.dispatch_card.p5",
        "7-3.dispatch_card.p5",
        "督办.1",
        "k" * 300,
        "k" * 301,
    ]
    ids = [task_id_of(key) for key in keys]
    assert len(set(ids)) == len(keys)
    for task_id in ids:
        assert (
            len(task_id.encode()) <= 128
            and task_id.replace("@", "").replace("_", "").replace("-", "").isalnum()
        )


# --- 公众号 -------------------------------------------------------------------------------------------------


def test_an_open_window_is_the_first_way_and_a_template_the_second(account: Stage) -> None:
    routes = account.channel.routes
    soon = NOW + timedelta(hours=1)
    assert routes(address("wechat", until=soon, left=2), NOW) == ("customer_service", "template")
    assert routes(address("wechat", until=soon, left=0), NOW) == ("template",)
    assert routes(address("wechat", until=NOW, left=5), NOW) == ("template",)
    assert routes(address("wechat", following=False), NOW) == ()


def test_a_reader_sees_the_whole_card_as_text_with_its_link(account: Stage) -> None:
    account.act("say", person="li", kind="text", text="在吗")
    assert account.send("customer_service", "li", PLAIN).meaning.verdict == Verdict.SENT
    assert account.chat("li")[-1]["content"]["content"].splitlines() == [
        "办理结果",
        "跑了三趟都没办成",
        "单号：XJ202200001",
        "期限：4月14日 17:00",
        "依据《工作办法》第二部分（二）",
        "“办不成事”反映窗口",
        f"详情：{URL}",
    ]


def test_page_buttons_become_the_link(account: Stage) -> None:
    account.act("say", person="li", kind="text", text="在吗")
    pages = replace(CARD, buttons=(Button("提交结果", "hand_in", url=f"{URL}/hand_in?rev=3"),))
    assert account.send("customer_service", "li", pages).meaning.verdict == Verdict.SENT
    assert account.chat("li")[-1]["kind"] == "text"


def test_choices_are_tapped_and_understood(account: Stage) -> None:
    account.act("say", person="li", kind="text", text="在吗")
    assert account.send("customer_service", "li", RATING).meaning.verdict == Verdict.SENT
    row = account.chat("li")[-1]
    assert row["kind"] == "msgmenu" and len(row["choices"]) == 5
    account.clock.goes_on(timedelta(days=30))
    tapped = account.act("tap", person="li", message=row["id"], choice=row["choices"][3]["id"])
    assert read_menu_id(tapped["callback"]["fields"]["bizmsgmenuid"]) == (7, "rate:2")


def test_what_is_too_long_is_one_message_that_keeps_its_link_and_choices(account: Stage) -> None:
    account.act("say", person="li", kind="text", text="在吗")
    long = "很长的结果。" * 900
    for card in (replace(PLAIN, text=long), replace(RATING, text=long)):
        assert account.send("customer_service", "li", card).meaning.verdict == Verdict.SENT
    text, menu = (row["content"] for row in account.chat("li") if row["sender"] == "app")
    assert len(text["content"].encode()) <= PASSIVE_BYTES and "…\n依据" in text["content"]
    assert text["content"].endswith(URL) and menu["tail_content"].endswith(URL)
    assert len((menu["head_content"] + menu["tail_content"]).encode()) <= PASSIVE_BYTES
    assert len(menu["list"]) == 5


def test_a_closed_window_says_so(account: Stage) -> None:
    sent = account.send("customer_service", "li", PLAIN)
    assert (sent.meaning.verdict, sent.meaning.reason) == (Verdict.ROUTE_CLOSED, "window_closed")


def test_a_template_message_has_the_four_fields_and_the_link(account: Stage) -> None:
    card = replace(RATING, subject="一二三四五六七八九十一二三四五六七八九十多", status="")
    sent = account.send("template", "li", card)
    assert sent.meaning.verdict == Verdict.SENT and sent.reference
    row = account.chat("li")[-1]
    assert row["kind"] == "template"
    assert row["content"]["data"] == {
        "character_string1": "XJ202200001",
        "thing2": "一二三四五六七八九十一二三四五六七八九…",
        "phrase3": "无",
        "time4": "2022-04-11 10:00",
    }
    assert row["content"]["url"] == URL


def test_a_template_message_is_sent_once_for_a_key(account: Stage) -> None:
    first, again = (account.send("template", "li", PLAIN) for _ in range(2))
    assert first.reference == again.reference
    assert len([row for row in account.chat("li") if row["kind"] == "template"]) == 1


def test_who_does_not_follow_gets_no_template(account: Stage) -> None:
    sent = account.send("template", "wang", PLAIN)
    assert (sent.meaning.verdict, sent.meaning.reason) == (Verdict.ROUTE_CLOSED, "not_following")


def test_an_account_redraws_nothing_and_has_no_groups(account: Stage) -> None:
    assert account.channel.redraw("code", PLAIN, ["li"]).verdict == Verdict.SPENT_CODE
    assert account.channel.send_group("g", PLAIN, key="k", now=NOW).meaning.verdict == Verdict.ROUTE_CLOSED


def test_a_menu_id_is_digits_that_name_case_and_act() -> None:
    for act in TAPS.values():
        for case_id in (1, 7, 105, 123456789):
            text = menu_id(case_id, act)
            assert text.isdecimal() and read_menu_id(text) == (case_id, act)


@pytest.mark.parametrize("text", ["", "1", "05", "99", "799", "7a01", "x", "７01", "-101", "7 01"])
def test_other_ids_are_no_taps_of_ours(text: str) -> None:
    assert read_menu_id(text) is None


# --- which there are ----------------------------------------------------------------------------------------


def test_only_what_is_set_is_connected(engine: Engine) -> None:
    vault = Vault.from_setting("k1:" + make_key())
    assert connect(settings(), engine, vault, lambda: NOW) == {}
    both = settings(wechat_app_id="wx1", wecom_corp_id="ww1")
    channels = connect(both, engine, vault, lambda: NOW)
    assert set(channels) == {"wechat", "wecom"}
    no_template = channels["wechat"].routes(address("wechat"), NOW)
    assert no_template == ()


def test_a_field_nobody_knows_is_named(engine: Engine) -> None:
    wrong = settings(wechat_app_id="wx1", wechat_template="T1", wechat_template_fields="thing2=weather")
    with pytest.raises(SettingsError, match=r"WECHAT_TEMPLATE_FIELDS.*thing2=weather"):
        connect(wrong, engine, Vault.from_setting("k1:" + make_key()), lambda: NOW)


def test_the_sign_in_pages_follow_the_settings() -> None:
    public, private = settings(), settings(wecom_oauth="http://127.0.0.1:8102")
    assert app_of(public).login_url == "https://login.work.weixin.qq.com/wwlogin/sso/login"
    assert app_of(private).login_url == "http://127.0.0.1:8102/wwlogin/sso/login"
    assert app_of(private).authorize_url == "http://127.0.0.1:8102/connect/oauth2/authorize"
    assert account_of(public).authorize_url == "https://open.weixin.qq.com/connect/oauth2/authorize"
