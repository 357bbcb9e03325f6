"""Faults on demand, in either direction, and what the inspection shows of them."""

from typing import Any

import pytest
import urllib3

from tests.sandbox.stage import HTTP, Stage

TEXT = {"touser": "Zhang", "agentid": 1000002, "msgtype": "text", "text": {"content": "您好"}}


def fault(stage: Stage, direction: str, kind: str, **more: Any) -> None:
    assert "faults" in stage.act("faults", direction=direction, kind=kind, **more)


def calls_until_broken(stage: Stage) -> None:
    with pytest.raises(urllib3.exceptions.ProtocolError):
        stage.call("message/send", TEXT)


# The app's calls


@pytest.mark.parametrize(
    ("kind", "errcode"),
    [("throttled", 45009), ("busy", -1), ("untrusted_ip", 60020), ("expire_token", 42001)],
)
def test_a_refusal_comes_as_often_as_ordered_and_has_no_effect(corp: Stage, kind: str, errcode: int) -> None:
    corp.token = corp.get_token(corp)
    fault(corp, "out", kind, at="message/send")
    assert corp.call("message/send", TEXT)["errcode"] == errcode
    corp.token = ""
    assert corp.call("message/send", TEXT)["errcode"] == 0
    assert len(corp.chat("Zhang")) == 1


def test_a_lost_answer_has_had_its_effect_and_a_dropped_call_has_not(corp: Stage) -> None:
    corp.token = corp.get_token(corp)
    fault(corp, "out", "lost")
    calls_until_broken(corp)
    assert len(corp.chat("Zhang")) == 1
    fault(corp, "out", "drop")
    calls_until_broken(corp)
    assert len(corp.chat("Zhang")) == 1
    assert [(row["fault"], row["errcode"]) for row in corp.get("/_sandbox/calls")["calls"]] == [
        ("", 0),
        ("lost", 0),
        ("drop", None),
    ]


def test_twice_late_and_5xx(corp: Stage) -> None:
    corp.token = corp.get_token(corp)
    fault(corp, "out", "twice")
    corp.call("message/send", TEXT)
    assert len(corp.chat("Zhang")) == 2
    fault(corp, "out", "late", seconds=9)
    corp.call("message/send", TEXT)
    assert corp.clocks.slept == [9]
    fault(corp, "out", "5xx")
    url = f"{corp.running.url}/cgi-bin/message/send?access_token={corp.token}"
    assert HTTP.request("POST", url, body=b"{}").status == 502
    assert len(corp.chat("Zhang")) == 3


def test_the_log_of_calls_holds_no_secret(corp: Stage) -> None:
    corp.call("message/send", TEXT)
    calls = corp.get("/_sandbox/calls")["calls"]
    assert [row["path"] for row in calls] == ["gettoken", "message/send"]
    assert calls[1]["body"] == TEXT
    assert corp.token not in str(calls) and "s3cret" not in str(calls)


# Callbacks to the app


def test_twice_is_the_same_bytes_again(corp: Stage) -> None:
    fault(corp, "in", "twice")
    corp.act("say", person="Zhang", text="在吗")
    assert len(corp.app.raw) == 2 and corp.app.raw[0] == corp.app.raw[1]


def test_a_lost_answer_is_asked_for_again_with_the_same_content(corp: Stage) -> None:
    fault(corp, "in", "lost", count=2)
    corp.app.answers = [{"MsgType": "text", "Content": str(n)} for n in range(3)]
    assert corp.act("say", person="Zhang", text="在吗")["saw"] == []
    corp.act("settle")
    assert corp.texts("Zhang") == ["在吗", "2"]
    assert len({heard["MsgId"] for heard in corp.app.heard}) == 1
    assert len(set(corp.app.raw)) == 3
    assert corp.clocks.slept == [5.0, 5.0]


def test_a_gateway_that_fails_three_times_loses_the_callback(corp: Stage) -> None:
    fault(corp, "in", "5xx", count=3)
    corp.act("enter", person="Zhang")
    corp.act("settle")
    assert corp.app.heard == []
    row = corp.callbacks()[0]
    assert (row["outcome"], [one["status"] for one in row["tries"]]) == ("failed", [502, 502, 502])


def test_drop_and_late(corp: Stage) -> None:
    fault(corp, "in", "drop", at="enter_agent")
    corp.act("say", person="Zhang", text="一")
    assert corp.act("enter", person="Zhang")["callback"]["outcome"] == "dropped"
    fault(corp, "in", "late")
    corp.act("say", person="Zhang", text="二")
    assert [heard.get("Content") for heard in corp.app.heard] == ["一", "二"]
    assert corp.clocks.slept == [6.0]


def test_two_callbacks_change_places(corp: Stage) -> None:
    fault(corp, "in", "reordered")
    assert corp.act("say", person="Zhang", text="一")["callback"]["outcome"] == "held"
    corp.act("say", person="chen", text="二")
    assert [heard["Content"] for heard in corp.app.heard] == ["二", "一"]


def test_faults_are_listed_cleared_and_checked(corp: Stage) -> None:
    fault(corp, "in", "lost", count=4)
    assert [one["count"] for one in corp.act("faults", direction="out", kind="busy")["faults"]] == [4, 1]
    assert corp.act("faults")["faults"] == []
    assert "error" in corp.act("faults", direction="in", kind="throttled")


# Inspection


def test_the_state_tells_only_what_changed_since(corp: Stage) -> None:
    corp.act("say", person="Zhang", text="一")
    seq = corp.get("/_sandbox/state")["seq"]
    corp.call("message/send", TEXT)
    changed = corp.get("/_sandbox/state", since=seq)
    assert [row["content"]["content"] for row in changed["messages"]] == ["您好"]
    assert changed["people"] == [] == changed["callbacks"]
    corp.act("people", id="Zhang", name="张三")
    assert [row["name"] for row in corp.get("/_sandbox/state", since=changed["seq"])["people"]] == ["张三"]


def test_a_reset_forgets_all_and_starts_another_run(corp: Stage) -> None:
    corp.act("say", person="Zhang", text="一")
    before = corp.get("/_sandbox/state")
    corp.act("people", id="new", name="新人")
    corp.act("reset")
    after = corp.get("/_sandbox/state")
    assert (after["messages"], [row["id"] for row in after["people"]]) == ([], ["Zhang", "chen", "outside"])
    assert after["run"] == before["run"] + 1 and after["seq"] > before["seq"]


def test_the_stage_may_look_from_another_origin(corp: Stage) -> None:
    answer = HTTP.request("OPTIONS", f"{corp.running.url}/_sandbox/say")
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
