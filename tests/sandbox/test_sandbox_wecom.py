"""The 企业微信 stand-in keeps the platform's rules."""

import copy
from typing import Any

import pytest

from deploy.sandbox import wecom, wire
from deploy.sandbox.platform import Person, serve
from tests.sandbox.stage import HTTP, Clocks, Listener, Stage, common, corp_token

CARD: dict[str, Any] = {
    "card_type": "button_interaction",
    "source": {"desc": "办不成事窗口", "desc_color": 2},
    "task_id": "case-1_v1",
    "main_title": {"title": "新派单", "desc": "请在 2 个工作日内受理"},
    "horizontal_content_list": [{"keyname": "编号", "value": "20250001"}],
    "button_selection": {
        "question_key": "days",
        "title": "延期",
        "option_list": [{"id": "d3", "text": "3 天"}, {"id": "d5", "text": "5 天"}],
    },
    "button_list": [
        {"text": "受理", "style": 1, "key": "accept"},
        {"text": "填写答复", "type": 1, "url": "https://hall.example/reply"},
    ],
    "action_menu": {"desc": "更多", "action_list": [{"text": "退回", "key": "send_back"}]},
}
NOTICE: dict[str, Any] = {
    "card_type": "text_notice",
    "main_title": {"title": "提醒"},
    "card_action": {"type": 1, "url": "https://hall.example/c"},
}


def send(
    stage: Stage, content: Any, kind: str = "template_card", to: str = "Zhang", **more: Any
) -> dict[str, Any]:
    body = {"touser": to, "agentid": 1000002, "msgtype": kind, kind: content, **more}
    return stage.call("message/send", body)


def update(stage: Stage, code: str, **more: Any) -> dict[str, Any]:
    body = {
        "agentid": 1000002,
        "response_code": code,
        "atall": 1,
        "button": {"replace_name": "已受理"},
        **more,
    }
    return stage.call("message/update_template_card", body)


def card_of(stage: Stage, who: str) -> dict[str, Any]:
    return [row for row in stage.chat(who) if row["kind"] == "template_card"][-1]


# Callbacks


def test_verification_is_encrypted(corp: Stage) -> None:
    assert corp.act("verify")["ok"]


def test_a_member_speaks_enters_and_taps_the_menu(corp: Stage) -> None:
    corp.app.answers = [{"MsgType": "text", "Content": "您好"}]
    assert corp.act("say", person="zhang", text="在吗")["saw"][0]["content"] == {"content": "您好"}
    corp.act("enter", person="Zhang")
    corp.act("click", person="Zhang", key="TODAY")
    heard = corp.app.heard
    assert (heard[0]["FromUserName"], heard[0]["AgentID"], heard[0]["Content"]) == (
        "Zhang",
        "1000002",
        "在吗",
    )
    assert [one.get("Event") for one in heard] == [None, "enter_agent", "click"]
    assert "error" in corp.act("say", person="outside", text="在吗")


# message/send


def test_a_card_reaches_each_member_and_names_who_was_not_reached(corp: Stage) -> None:
    sent = send(corp, CARD, to="Zhang|CHEN|Outside|Nobody")
    assert (sent["errcode"], sent["invaliduser"]) == (0, "outside|nobody")
    assert card_of(corp, "Zhang")["card"]["task_id"] == card_of(corp, "chen")["task_id"] == "case-1_v1"


def test_recipients(corp: Stage) -> None:
    text = {"content": "您好"}
    assert send(corp, text, "text", to="nobody")["errcode"] == 81013
    assert send(corp, text, "text", to="")["errcode"] == 82001
    assert send(corp, text, "text", to="", toparty="2|9")["invalidparty"] == "9"
    assert send(corp, text, "text", to="@all")["errcode"] == 0
    assert (len(corp.chat("Zhang")), len(corp.chat("chen"))) == (2, 1)


def test_an_envelope_that_is_wrong(corp: Stage) -> None:
    text = {"content": "您好"}
    assert send(corp, text, "text", agentid=7)["errcode"] == 301002
    assert send(corp, text, "poem")["errcode"] == 40008
    assert send(corp, {"content": ""}, "text")["errcode"] == 44004
    assert corp.call("message/send", b"{")["errcode"] == 40058


def test_long_texts_are_cut_and_long_cards_refused(corp: Stage) -> None:
    assert send(corp, {"content": "字" * 700}, "text")["errcode"] == 0
    assert corp.texts("Zhang") == ["字" * 682]
    assert send(corp, {"content": "字" * 700}, "markdown")["errcode"] == 45002
    textcard = {"title": "字" * 129, "description": "述", "url": "https://hall.example"}
    assert send(corp, textcard, "textcard")["errcode"] == 45002


def change(path: str, value: Any, card: dict[str, Any] = CARD) -> dict[str, Any]:
    """The card with one value changed; None takes the key away."""
    changed = copy.deepcopy(card)
    part: Any = changed
    *above, last = (int(step) if step.isdecimal() else step for step in path.split("."))
    for step in above:
        part = part[step]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return changed


@pytest.mark.parametrize(
    ("card", "errcode"),
    [
        (change("card_type", "poster"), 42031),
        (change("task_id", "case:1"), 42014),
        (change("task_id", "x" * 129), 42014),
        (change("task_id", None), 42014),
        (change("main_title.title", ""), 42033),
        (change("source.desc_color", 9), 40058),
        (change("emphasis_content", {"title": "1"}), 40058),
        (change("horizontal_content_list.0.keyname", None), 42027),
        (change("horizontal_content_list", [{"keyname": "一"}] * 7), 42035),
        (change("horizontal_content_list.0", {"keyname": "一", "type": 1}), 42028),
        (change("horizontal_content_list.0", {"keyname": "一", "type": 2}), 42029),
        (change("horizontal_content_list.0", {"keyname": "一", "type": 3}), 42050),
        (change("button_selection.question_key", None), 42043),
        (change("button_selection.option_list", []), 42042),
        (change("button_selection.option_list.0.id", "d5"), 42040),
        (change("button_selection.option_list.0.text", ""), 42041),
        (change("button_list", []), 42037),
        (change("button_list", [{"text": "一", "key": str(n)} for n in range(7)]), 42037),
        (change("button_list.0.text", None), 42038),
        (change("button_list.0.key", None), 42039),
        (change("button_list.1.key", "accept"), 0),
        (change("button_list.1", {"text": "再", "key": "accept"}), 42039),
        (change("button_list.1.url", "hall.example"), 42028),
        (change("action_menu.action_list", [{"text": "一", "key": "k"}] * 2), 42051),
        (change("card_action", None, NOTICE), 42045),
        (change("card_action.url", None, NOTICE), 42028),
        (change("main_title", None, NOTICE), 42033),
        (NOTICE, 0),
        (CARD, 0),
    ],
)
def test_each_fault_of_a_card_has_its_code(corp: Stage, card: dict[str, Any], errcode: int) -> None:
    assert send(corp, card)["errcode"] == errcode


def test_a_task_id_is_used_once(corp: Stage) -> None:
    send(corp, CARD)
    assert send(corp, CARD)["errcode"] == 42014


def test_a_card_that_calls_back_needs_a_callback(clocks: Clocks) -> None:
    config = wecom.Config(app_id="ww0000000000000001", **common(clocks, "", (Person("Zhang", "老张"),)))
    with serve(wecom.create(config)) as running:
        corp = Stage(running, clocks, Listener(wire.Keys("", "", "")), corp_token)
        assert send(corp, CARD)["errcode"] == 43012
        assert send(corp, NOTICE)["errcode"] == 0


def test_a_narrow_scope_has_no_groups(clocks: Clocks) -> None:
    people = Person("Zhang", "老张"), Person("chen", "陈局")
    config = wecom.Config(app_id="ww0000000000000001", root_scope=False, **common(clocks, "", people))
    with serve(wecom.create(config)) as running:
        corp = Stage(running, clocks, Listener(wire.Keys("", "", "")), corp_token)
        assert group(corp)["errcode"] == 48002


def test_the_same_request_within_the_interval_is_not_shown_again(corp: Stage) -> None:
    once: dict[str, Any] = {"enable_duplicate_check": 1, "duplicate_check_interval": 600}
    assert "msgid" in send(corp, CARD, **once)
    again = send(corp, CARD, **once)
    assert again["errcode"] == 0 and "msgid" not in again
    assert len(corp.chat("Zhang")) == 1
    corp.clocks.passes(seconds=600)
    assert send(corp, CARD, **once)["errcode"] == 42014


def test_more_than_thirty_a_minute_vanish_silently(corp: Stage) -> None:
    assert {send(corp, {"content": str(n)}, "text")["errcode"] for n in range(32)} == {0}
    state = corp.get("/_sandbox/state")
    assert (len(corp.chat("Zhang")), [row["chat"] for row in state["dropped"]]) == (30, ["Zhang", "Zhang"])
    corp.clocks.passes(minutes=1)
    send(corp, {"content": "later"}, "text")
    assert corp.texts("Zhang")[-1] == "later"


def test_a_message_can_be_recalled_for_a_day(corp: Stage) -> None:
    first, second = (send(corp, {"content": str(n)}, "text")["msgid"] for n in range(2))
    assert corp.call("message/recall", {"msgid": first})["errcode"] == 0
    corp.clocks.passes(hours=25)
    corp.token = ""
    assert corp.call("message/recall", {"msgid": second})["errcode"] == 42052
    assert [row["recalled"] for row in corp.chat("Zhang")] == [True, False]
    assert corp.call("message/recall", {"msgid": "x"})["errcode"] == 40058


# Clicks and updates


def test_a_click_brings_a_fresh_code_that_updates_every_copy_once(corp: Stage) -> None:
    send(corp, CARD, to="Zhang|chen")
    card = card_of(corp, "Zhang")
    corp.act("tap", person="Zhang", message=card["id"], key="accept", selected={"days": ["d5"]})
    heard = corp.app.heard[0]
    assert (heard["Event"], heard["EventKey"], heard["TaskId"]) == (
        "template_card_event",
        "accept",
        "case-1_v1",
    )
    assert heard["SelectedItems"]["SelectedItem"] == {"QuestionKey": "days", "OptionIds": {"OptionId": "d5"}}
    assert update(corp, heard["ResponseCode"])["errcode"] == 0
    assert [card_of(corp, who)["replaced"] for who in ("Zhang", "chen")] == ["已受理", "已受理"]
    assert update(corp, heard["ResponseCode"])["errcode"] == 60140
    assert "error" in corp.act("tap", person="Zhang", message=card["id"], key="accept")


def test_a_code_dies_after_72_hours_of_the_story(corp: Stage) -> None:
    code = send(corp, CARD)["response_code"]
    corp.clocks.passes(hours=72)
    corp.token = ""
    assert update(corp, code)["errcode"] == 60140
    assert update(corp, "made-up")["errcode"] == 60140


def test_a_whole_card_replaces_another_for_the_members_named(corp: Stage) -> None:
    code = send(corp, CARD, to="Zhang|chen")["response_code"]
    new = {
        "card_type": "button_interaction",
        "main_title": {"title": "已受理"},
        "button_list": [{"text": "办理", "type": 1, "url": "https://hall.example/c"}],
    }
    answer = update(corp, code, button=None, template_card=new, atall=0, userids=["ZHANG", "Outside"])
    assert (answer["errcode"], answer["invaliduser"]) == (0, ["outside"])
    assert card_of(corp, "Zhang")["card"]["main_title"]["title"] == "已受理"
    assert card_of(corp, "chen")["card"]["main_title"]["title"] == "新派单"
    tapped = corp.act(
        "tap", person="Zhang", message=card_of(corp, "Zhang")["id"], key="https://hall.example/c"
    )
    assert (tapped["url"], corp.app.heard) == ("https://hall.example/c", [])


def test_an_update_that_is_refused_leaves_the_code_unspent(corp: Stage) -> None:
    code = send(corp, CARD)["response_code"]
    assert update(corp, code, agentid=7)["errcode"] == 42015
    assert update(corp, code, atall=0)["errcode"] == 40058
    assert update(corp, code, template_card=NOTICE)["errcode"] == 40058
    assert update(corp, code, button={"replace_name": ""})["errcode"] == 42020
    assert update(corp, code, button=None, template_card=CARD)["errcode"] == 40058
    assert update(corp, code)["errcode"] == 0


def test_the_menu_of_a_card_and_a_card_without_code(corp: Stage) -> None:
    send(corp, CARD)
    corp.act("tap", person="Zhang", message=card_of(corp, "Zhang")["id"], key="send_back")
    assert corp.app.heard[0]["Event"] == "template_card_menu_event"
    assert "SelectedItems" not in corp.app.heard[0]
    assert "response_code" not in send(corp, NOTICE)


def test_a_card_update_in_the_callback_answer_changes_nothing(corp: Stage) -> None:
    send(corp, CARD)
    corp.app.answers = [{"MsgType": "update_button", "Button": {"ReplaceName": "已受理"}}]
    saw = corp.act("tap", person="Zhang", message=card_of(corp, "Zhang")["id"], key="accept")
    assert (saw["callback"]["outcome"], card_of(corp, "Zhang")["replaced"]) == ("ignored", None)


# Application groups


def group(stage: Stage, **more: Any) -> dict[str, Any]:
    body = {"name": "单位群", "userlist": ["Zhang", "chen"], "chatid": "unit1", **more}
    return stage.call("appchat/create", body)


def test_a_group_is_made_read_and_changed(corp: Stage) -> None:
    assert group(corp, owner="chen") == {"errcode": 0, "errmsg": "ok", "chatid": "unit1"}
    assert group(corp)["errcode"] == 86215
    corp.call("appchat/update", {"chatid": "unit1", "name": "新名", "add_user_list": ["outside"]})
    info = corp.ask("appchat/get", chatid="unit1")["chat_info"]
    assert (info["name"], info["owner"], info["userlist"]) == ("新名", "chen", ["Zhang", "chen", "outside"])
    assert corp.call("appchat/update", {"chatid": "unit1", "del_user_list": ["chen"]})["errcode"] == 86207


@pytest.mark.parametrize(
    ("more", "errcode"),
    [
        ({"userlist": ["Zhang"]}, 86006),
        ({"userlist": ["Zhang", "nobody"]}, 86216),
        ({"owner": "outside"}, 86207),
        ({"chatid": "unit-1"}, 86001),
    ],
)
def test_a_group_that_cannot_be(corp: Stage, more: dict[str, Any], errcode: int) -> None:
    assert group(corp, **more)["errcode"] == errcode


def test_what_a_group_may_be_sent(corp: Stage) -> None:
    group(corp)

    def to_group(kind: str, content: Any, chatid: str = "unit1") -> dict[str, Any]:
        return corp.call("appchat/send", {"chatid": chatid, "msgtype": kind, kind: content})

    textcard = {"title": "新派单", "description": "请办理", "url": "https://hall.example/c"}
    assert to_group("textcard", textcard) == {"errcode": 0, "errmsg": "ok"}
    assert to_group("markdown", {"content": "**新**"})["errcode"] == 0
    assert to_group("template_card", CARD)["errcode"] == 40008
    assert to_group("text", {"content": "您好"}, chatid="unit2")["errcode"] == 86003
    assert to_group("textcard", {**textcard, "title": "字" * 43})["errcode"] == 45002
    assert [row["kind"] for row in corp.chat("unit1")] == ["textcard", "markdown"]


# Identity, media, tokens


def test_the_directory_gives_no_phone(corp: Stage) -> None:
    known = corp.ask("user/get", userid="ZHANG")
    assert (known["userid"], known["name"], "mobile" in known) == ("zhang", "老张", False)
    assert corp.ask("user/get", userid="nobody")["errcode"] == 60111
    assert corp.ask("user/get", userid="outside")["errcode"] == 60011


def test_authorisation(corp: Stage) -> None:
    start = f"{corp.running.url}/connect/oauth2/authorize"
    query = {
        "appid": "ww0000000000000001",
        "redirect_uri": "https://hall.example/in",
        "state": "s1",
        "sandbox_person": "chen",
    }
    location = HTTP.request("GET", start, fields=query, redirect=False).headers["Location"]
    code = location.partition("code=")[2].partition("&")[0]
    assert corp.ask("auth/getuserinfo", code=code)["userid"] == "chen"
    assert corp.ask("auth/getuserinfo", code=code)["errcode"] == 42022
    assert corp.ask("auth/getuserinfo", code="x")["errcode"] == 40029


def test_media_live_three_days(corp: Stage) -> None:
    corp.token = corp.get_token(corp)
    url = f"{corp.running.url}/cgi-bin/media/upload?type=file&access_token={corp.token}"
    assert HTTP.request("POST", url, fields={"media": ("a.txt", b"12345")}).json()["errcode"] == 40006
    media_id = HTTP.request("POST", url, fields={"media": ("a.txt", b"123456")}).json()["media_id"]
    assert send(corp, {"media_id": media_id}, "file")["errcode"] == 0
    corp.clocks.passes(days=3)
    corp.token = ""
    assert send(corp, {"media_id": media_id}, "file")["errcode"] == 40007


def test_a_token_stays_the_same_until_it_expires(corp: Stage) -> None:
    first = corp.get_token(corp)
    assert corp.get_token(corp) == first
    corp.clocks.seconds = 7200
    corp.token = first
    assert send(corp, NOTICE)["errcode"] == 42001
    assert corp.get_token(corp) != first
    wrong = corp.get("/cgi-bin/gettoken", corpid="ww0000000000000001", corpsecret="x")
    assert wrong["errcode"] == 40001
