"""The 公众号 stand-in keeps the platform's rules."""

import base64
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Response

from tests.sandbox.stage import HTTP, Stage

FAULT_LINE = "该公众号提供的服务出现故障，请稍后再试"
DATA = {
    "character_string1": {"value": "BBC20250106001"},
    "thing2": {"value": "营业执照变更未办成"},
    "phrase3": {"value": "已受理"},
    "time4": {"value": "2025-01-06 09:30"},
}
AMR = base64.b64encode(b"#!AMR\n\x00\x01\x02").decode()
MENU = {
    "button": [
        {"type": "click", "name": "我要反映", "key": "INTAKE"},
        {
            "name": "我的事项",
            "sub_button": [{"type": "view", "name": "评价", "url": "https://hall.example/r"}],
        },
    ]
}


def send(stage: Stage, content: str = "您好", to: str = "o-li") -> int:
    body = {"touser": to, "msgtype": "text", "text": {"content": content}}
    return int(stage.call("message/custom/send", body)["errcode"])


def template(stage: Stage, to: str = "o-li", **more: Any) -> dict[str, Any]:
    return stage.call(
        "message/template/send", {"touser": to, "template_id": "T-progress", "data": DATA, **more}
    )


def reply(text: str) -> dict[str, Any]:
    return {"MsgType": "text", "Content": text}


# Callbacks and passive replies


def test_verification_shows_the_echo_to_the_app(citizen: Stage) -> None:
    assert citizen.act("verify")["ok"]
    assert not citizen.act("verify", url=f"{citizen.running.url}/nowhere")["ok"]


def test_a_citizen_speaks_and_sees_the_passive_reply(citizen: Stage) -> None:
    citizen.app.answers = [reply("已收到")]
    saw = citizen.act("say", person="o-li", kind="text", text="办不成")
    assert [row["content"] for row in saw["saw"]] == [{"content": "已收到"}]
    assert saw["callback"]["outcome"] == "answered"
    heard = citizen.app.heard[0]
    assert (heard["ToUserName"], heard["FromUserName"], heard["Content"]) == (
        "gh_0123456789ab",
        "o-li",
        "办不成",
    )
    assert heard["CreateTime"] == "1736125200"


@pytest.mark.parametrize("answer", ["success", ""])
def test_an_acknowledgement_shows_nothing(citizen: Stage, answer: str) -> None:
    citizen.app.answers = [answer]
    assert citizen.act("say", person="o-li", text="在吗")["saw"] == []


@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        " success",
        "<xml><MsgType>text</MsgType></xml>",
        reply(""),
        reply("长" * 683),
        {"MsgType": "file"},
    ],
    ids=str,
)
def test_a_malformed_reply_shows_the_fault_line(citizen: Stage, answer: Any) -> None:
    citizen.app.answers = [answer]
    saw = citizen.act("say", person="o-li", text="在吗")
    assert [(row["sender"], row["content"]["content"]) for row in saw["saw"]] == [("platform", FAULT_LINE)]
    assert saw["callback"]["outcome"] == "malformed"


def test_an_app_that_fails_is_tried_three_times_then_the_citizen_sees_the_fault_line(citizen: Stage) -> None:
    citizen.app.answers = [Response(status=500)] * 3
    citizen.act("say", person="o-li", text="在吗")
    citizen.act("settle")
    assert len(citizen.app.heard) == 3
    assert len({heard["MsgId"] for heard in citizen.app.heard}) == 1
    assert citizen.clocks.slept == [5.0, 5.0]
    assert citizen.texts("o-li") == ["在吗", FAULT_LINE]


def test_a_second_try_that_is_answered_reaches_the_citizen(citizen: Stage) -> None:
    citizen.app.answers = [Response(status=500), reply("已收到")]
    assert citizen.act("say", person="o-li", text="在吗")["saw"] == []
    citizen.act("settle")
    assert citizen.texts("o-li") == ["在吗", "已收到"]


def test_a_voice_carries_no_words_and_can_be_fetched_for_three_days(citizen: Stage) -> None:
    citizen.act("say", person="o-li", kind="voice", bytes=AMR)
    heard = citizen.app.heard[0]
    assert heard["Format"] == "amr" and "Recognition" not in heard
    citizen.token = citizen.get_token(citizen)
    url = f"{citizen.running.url}/cgi-bin/media/get"
    query = {"access_token": citizen.token, "media_id": heard["MediaId"]}
    got = HTTP.request("GET", url, fields=query)
    assert (got.headers["Content-Type"], base64.b64encode(got.data).decode()) == ("voice/amr", AMR)
    citizen.clocks.case = citizen.clocks.case.replace(day=9)
    assert (HTTP.request("GET", url, fields=query).json()["errcode"], got.status) == (40007, 200)


def test_a_picture_can_be_uploaded_and_sent(citizen: Stage) -> None:
    citizen.act("say", person="o-li", text="在吗")
    citizen.token = citizen.get_token(citizen)
    url = f"{citizen.running.url}/cgi-bin/media/upload?type=image&access_token={citizen.token}"
    jpeg, text = b"\xff\xd8\xff\xe0 picture", b"no picture at all"
    refused = HTTP.request("POST", url, fields={"media": ("a.jpg", text)}).json()
    media = HTTP.request("POST", url, fields={"media": ("a.jpg", jpeg)}).json()
    body = {"touser": "o-li", "msgtype": "image", "image": {"media_id": media["media_id"]}}
    assert refused["errcode"] == 40005
    assert citizen.call("message/custom/send", body)["errcode"] == 0


# Windows and quotas


def test_five_messages_in_48_hours_after_a_message(citizen: Stage) -> None:
    assert send(citizen) == 45015
    citizen.act("say", person="o-li", text="在吗")
    assert [send(citizen) for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    citizen.act("say", person="o-li", text="再问")
    citizen.clocks.passes(hours=47)
    citizen.token = ""
    assert send(citizen) == 0
    citizen.clocks.passes(hours=1)
    citizen.token = ""
    assert send(citizen) == 45015


def test_three_messages_in_a_minute_after_a_menu_click(citizen: Stage) -> None:
    citizen.call("menu/create", MENU)
    citizen.act("click", person="o-li", key="INTAKE")
    assert citizen.app.heard[0]["EventKey"] == "INTAKE"
    assert [send(citizen) for _ in range(4)] == [0, 0, 0, 45047]
    citizen.act("click", person="o-li", key="INTAKE")
    citizen.clocks.passes(seconds=60)
    assert send(citizen) == 45015


def test_a_tap_on_a_quick_reply_speaks_but_opens_no_window(citizen: Stage) -> None:
    link = '<a href="weixin://bizmsgmenu?msgmenucontent=%E6%BB%A1%E6%84%8F&msgmenuid=102">满意</a>'
    citizen.act("say", person="o-li", text="在吗")
    send(citizen, f"请评价 {link}")
    asked = citizen.chat("o-li")[-1]
    citizen.clocks.passes(days=3)
    citizen.token = ""
    citizen.act("tap", person="o-li", message=asked["id"], choice="102")
    assert (citizen.app.heard[-1]["Content"], citizen.app.heard[-1]["bizmsgmenuid"]) == ("满意", "102")
    assert send(citizen) == 0
    citizen.clocks.passes(minutes=2)
    assert send(citizen) == 45015


def test_msgmenu_offers_its_choices_and_loses_ids_that_are_no_numbers(citizen: Stage) -> None:
    citizen.act("say", person="o-li", text="在吗")
    menu = {"head_content": "评分", "list": [{"id": "good", "content": "满意"}], "tail_content": ""}
    assert citizen.call("message/custom/send", {"touser": "o-li", "msgtype": "msgmenu", "msgmenu": menu}) == {
        "errcode": 0,
        "errmsg": "ok",
    }
    asked = citizen.chat("o-li")[-1]
    citizen.act("tap", person="o-li", message=asked["id"], choice="good")
    assert citizen.app.heard[-1]["bizmsgmenuid"] == "0"
    assert "error" in citizen.act("tap", person="o-li", message=asked["id"], choice="bad")


def test_following_by_a_scene_code_opens_a_minute(citizen: Stage) -> None:
    citizen.act("scan", person="o-wang", scene="window-03")
    assert (citizen.app.heard[0]["Event"], citizen.app.heard[0]["EventKey"]) == (
        "subscribe",
        "qrscene_window-03",
    )
    assert [send(citizen, to="o-wang") for _ in range(4)] == [0, 0, 0, 45047]
    citizen.act("scan", person="o-wang", scene="window-03")
    assert (citizen.app.heard[1]["Event"], citizen.app.heard[1]["EventKey"]) == ("SCAN", "window-03")


def test_who_has_left_hears_nothing(citizen: Stage) -> None:
    citizen.act("say", person="o-li", text="在吗")
    citizen.act("unfollow", person="o-li")
    assert citizen.app.heard[-1]["Event"] == "unsubscribe"
    assert send(citizen) == 45015
    assert template(citizen)["errcode"] == 43004
    assert "error" in citizen.act("say", person="o-li", text="在吗")


def test_other_refusals_of_a_message(citizen: Stage) -> None:
    citizen.act("say", person="o-li", text="在吗")
    assert send(citizen, "字" * 683) == 45002
    assert send(citizen, to="o-nobody") == 40003
    news = {"touser": "o-li", "msgtype": "news", "news": {"articles": [{"title": "一"}, {"title": "二"}]}}
    assert citizen.call("message/custom/send", news)["errcode"] == 45008
    escaped = b'{"touser":"o-li","msgtype":"text","text":{"content":"\\u60a8"}}'
    assert citizen.call("message/custom/send", escaped)["errcode"] == 40033
    citizen.act("people", id="o-li", refuses_messages=True)
    assert send(citizen) == 48002


def test_a_daily_limit_ends_with_the_day(citizen: Stage) -> None:
    ask = {"grant_type": "client_credential", "appid": "wx0123456789abcdef", "secret": "s3cret"}
    force = {**ask, "force_refresh": True}
    for _ in range(20):
        assert "access_token" in citizen.post("/cgi-bin/stable_token", force)
        citizen.clocks.seconds += 30
    assert citizen.post("/cgi-bin/stable_token", force)["errcode"] == 45009
    citizen.clocks.passes(days=1)
    assert "access_token" in citizen.post("/cgi-bin/stable_token", force)


# Template messages


def test_a_template_reaches_whoever_follows_and_reports_back(citizen: Stage) -> None:
    msgid = template(citizen, url="https://hall.example/c")["msgid"]
    citizen.act("settle")
    shown = citizen.chat("o-li")[-1]
    assert (shown["kind"], shown["content"]["data"]["phrase3"]) == ("template", "已受理")
    heard = citizen.app.heard[-1]
    assert (heard["Event"], heard["MsgID"], heard["Status"]) == (
        "TEMPLATESENDJOBFINISH",
        str(msgid),
        "success",
    )


def test_the_same_client_msg_id_within_ten_minutes_is_sent_once(citizen: Stage) -> None:
    first, again = (template(citizen, client_msg_id="a-1")["msgid"] for _ in range(2))
    citizen.clocks.passes(minutes=10)
    assert first == again != template(citizen, client_msg_id="a-1")["msgid"]
    assert len(citizen.chat("o-li")) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("thing2", "字" * 21),
        ("thing2", ""),
        ("phrase3", "已受理了吗吗"),
        ("phrase3", "OK"),
        ("character_string1", "编号1"),
        ("time4", "明天"),
        ("thing9", "没有这一栏"),
    ],
)
def test_a_field_that_does_not_fit_is_named(citizen: Stage, name: str, value: str) -> None:
    refused = template(citizen, data={**DATA, name: {"value": value}})
    assert refused["errcode"] == 47003 and f"data.{name}.value" in refused["errmsg"]


def test_a_missing_field_and_an_unwilling_citizen(citizen: Stage) -> None:
    missing = template(citizen, data={key: DATA[key] for key in DATA if key != "time4"})
    assert missing["errcode"] == 47003 and "time4" in missing["errmsg"]
    citizen.act("people", id="o-li", refuses_templates=True)
    assert template(citizen)["errcode"] == 43101


# Menu, tokens, authorisation


def test_the_menu_is_kept_and_checked(citizen: Stage) -> None:
    assert citizen.ask("menu/get")["errcode"] == 46003
    assert citizen.call("menu/create", MENU)["errcode"] == 0
    assert citizen.ask("menu/get")["menu"] == MENU
    assert (
        citizen.act("click", person="o-li", key="https://hall.example/r")["url"] == "https://hall.example/r"
    )
    assert (
        citizen.call("menu/create", {"button": [{"type": "click", "name": "我要反映问题"}]})["errcode"]
        == 40018
    )


def test_tokens_live_their_time(citizen: Stage) -> None:
    first = citizen.get_token(citizen)
    assert citizen.get_token(citizen) == first
    citizen.clocks.seconds = 6950
    second = citizen.get_token(citizen)
    citizen.token = first
    assert (second != first, template(citizen)["errcode"]) == (True, 0)
    citizen.clocks.seconds = 7200
    assert template(citizen)["errcode"] == 42001
    citizen.token = "made-up"
    assert template(citizen)["errcode"] == 40014
    assert citizen.get("/cgi-bin/media/get", media_id="x")["errcode"] == 41001


def test_the_plain_token_call_kills_the_token_before_it_after_five_minutes(citizen: Stage) -> None:
    ask = {"grant_type": "client_credential", "appid": "wx0123456789abcdef", "secret": "s3cret"}
    stable = citizen.get_token(citizen)
    old, new = (citizen.get("/cgi-bin/token", **ask)["access_token"] for _ in range(2))
    citizen.token = old
    assert template(citizen)["errcode"] == 0
    citizen.clocks.seconds = 300
    codes = []
    for citizen.token in (old, new, stable):
        codes.append(template(citizen)["errcode"])
    assert codes == [40001, 0, 0]
    assert citizen.get("/cgi-bin/token", **{**ask, "secret": "wrong"})["errcode"] == 40125


def test_authorisation_gives_a_code_that_works_once(citizen: Stage) -> None:
    start = f"{citizen.running.url}/connect/oauth2/authorize"
    query = {"appid": "wx0123456789abcdef", "redirect_uri": "https://hall.example/in?a=1", "state": "s1"}
    asked = HTTP.request("GET", start, fields=query)
    assert asked.status == 200 and "李梅" in asked.data.decode()
    cookie = {"Cookie": "sandbox_person=o-li"}
    sent_on = HTTP.request("GET", start, fields=query, headers=cookie, redirect=False).headers["Location"]
    back = dict(parse_qsl(urlsplit(sent_on).query))
    assert (back["a"], back["state"]) == ("1", "s1")
    exchange = {"appid": "wx0123456789abcdef", "secret": "s3cret", "code": back["code"]}
    assert citizen.get("/sns/oauth2/access_token", **exchange)["openid"] == "o-li"
    assert citizen.get("/sns/oauth2/access_token", **exchange)["errcode"] == 40163
    assert citizen.get("/sns/oauth2/access_token", **{**exchange, "code": "x"})["errcode"] == 40029
