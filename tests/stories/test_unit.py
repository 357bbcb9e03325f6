"""The responsible unit: signs for the sheet, asks, asks for time, hands in; only its own people, each act once."""

import pytest

from core.case import Case
from core.refusals import Incomplete
from tests.stories.reading import answers, drawn
from tests.world import World, at

EXTEND = {
    "extension_reason": "图审单位出差",
    "extension_due": "2022-04-29",
    "consent_way": "phone",
    "consent_at": "2022-04-13T10:00",
    "consent_words": "可以等到月底",
}


@pytest.mark.clause("XJ-A3.2")
def test_who_signs_for_the_sheet_is_on_record_and_silence_climbs(world: World) -> None:
    case = world.dispatch(world.tell("li"))
    world.pass_to("2022-04-11T10:00")
    silent = world.dispatch(world.tell("wang"))
    case = world.do("zhang", case, "sign_for")

    assert case.at("signed_for_at") == world.now
    assert world.see("zhou", case).actors["signed_for_at"] == "张伟"
    foot = "".join(ink.words for f in world.paper("zhou", case, "dispatch", "assign").foot for ink in f.line)
    assert "交办人：周敏　签收人：张伟　2022年4月11日" in foot

    world.pass_to("2022-04-11T15:29")
    assert not world.outbox(silent, "sign_for_chase")
    world.pass_to("2022-04-11T15:31")
    assert {m.person_id for m in world.outbox(silent, "sign_for_chase")} == {
        world.who(key).id for key in ("zhang", "liu", "wu")
    }
    assert not world.outbox(silent, "sign_for_escalate")
    world.pass_to("2022-04-13T10:00")
    (escalated,) = world.outbox(silent, "sign_for_escalate")
    assert escalated.person_id == world.who("chen").id
    assert escalated.not_before == at("2022-04-13T09:00"), "a head is not called after hours"
    assert not world.outbox(case, "sign_for_chase", "sign_for_escalate")


def test_a_double_tap_and_a_second_officer_do_no_harm(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    drawn_from = case.rev
    first = hall.do("zhang", case, "sign_for", drawn_from)
    again = hall.refusal("zhang", case, "sign_for", drawn_from)
    second = hall.refusal("liu", case, "sign_for", drawn_from)
    assert (again.code, again.facts["by"]) == ("done_already", hall.who("zhang").id)
    assert (second.code, second.facts["name"]) == ("done_already", "张伟")
    assert second.facts["at"] == first.at("signed_for_at")
    assert [e.act for e in hall.events(case)].count("sign_for") == 1


def test_an_old_card_does_what_is_still_open(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    old = case.rev
    hall.do("zhang", case, "sign_for")
    case = hall.do("wu", case, "ask", old, question="产权证在谁名下？")
    assert hall.duty(case, "answer") is not None


@pytest.mark.parametrize("stranger", ["deng", "peng", "tang", "li", "wang", "xiao", "gu", "zhou", "he"])
def test_officers_of_other_units_are_strangers(hall: World, stranger: str) -> None:
    case = hall.dispatch(hall.tell("li"))
    for act in ("sign_for", "hand_in", "extend", "send_back", "ask"):
        assert hall.refusal(stranger, case, act).code == "not_yours", act
    if stranger in ("deng", "peng", "tang", "wang"):
        with pytest.raises(Exception, match="not_yours"):
            hall.see(stranger, case)


def test_a_question_reaches_her_and_the_answer_reaches_the_officers(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    hall.do("zhang", case, "sign_for")
    hall.do("zhang", case, "ask", question="产权证在谁名下？")
    (question,) = hall.outbox(case, "question")
    assert question.person_id == hall.who("li").id
    assert "产权证在谁名下？" in drawn(hall, question)
    assert hall.see("li", case).status == "awaiting_applicant"
    assert hall.refusal("zhang", case, "ask", question="再问一句").code == "pending"

    assert hall.say("li", "在我妈妈名下")[-1].name == "answered"

    assert hall.words(case)["answer"] == "在我妈妈名下"
    assert {m.person_id for m in hall.outbox(case, "answer_card")} == {
        hall.who(key).id for key in ("zhang", "liu", "wu")
    }
    assert hall.see("li", case).status == "in_progress"


def test_a_question_is_repeated_twice_in_office_hours_and_no_more(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    hall.do("zhang", case, "ask", question="产权证在谁名下？")
    hall.pass_to("2022-04-22T18:00")
    assert [m.not_before for m in hall.outbox(case, "question_again")] == [
        at("2022-04-13T09:00"),
        at("2022-04-15T09:00"),
    ]


def test_a_call_to_the_applicant_is_noted(hall: World) -> None:
    case = hall.dispatch(hall.register())
    rev = hall.do("zhang", case, "note_call", call_note="约好周三看现场").rev
    assert hall.words(case)["call_note"] == "约好周三看现场"
    hall.do("liu", case, "note_call", rev - 1, call_note="改到周四")
    assert [e.act for e in hall.events(case)][-2:] == ["note_call", "note_call"]


# --- more time ------------------------------------------------------------------------------------------


def asked_for_time(world: World) -> Case:
    case = world.dispatch(world.tell("li"))
    world.pass_to("2022-04-13T11:00")
    return world.do("zhang", case, "extend", **EXTEND)


@pytest.mark.clause("XJ-A2.4")
def test_only_the_operator_grants_time_and_only_granted_time_counts(world: World) -> None:
    case = asked_for_time(world)
    assert world.due_day(case) == "2022-04-24", "asked is not granted"
    assert {m.person_id for m in world.outbox(case, "extension_request")} == {world.who("xiao").id}
    for other in ("zhang", "chen", "zhou", "gu", "li"):
        assert world.refusal(other, case, "approve_extension").code == "not_yours"
        assert world.refusal(other, case, "refuse_extension").code == "not_yours"

    refused = world.do("xiao", case, "refuse_extension", extension_opinion="先拿出初步意见")
    assert world.due_day(refused) == "2022-04-24"
    assert world.duty(refused, "approve_extension") is None
    assert "extension_refused" in world.told("zhang", refused)

    world.do("zhang", case, "extend", **EXTEND)
    granted = world.do("xiao", case, "approve_extension")
    assert world.due_day(granted) == "2022-04-29"
    by = [(e.act, e.actor_id) for e in world.events(case) if "extension" in e.act]
    assert by == [("refuse_extension", world.who("xiao").id), ("approve_extension", world.who("xiao").id)]


@pytest.mark.parametrize(
    "missing", ["consent_way", "consent_at", "consent_words", "extension_reason", "extension_due"]
)
def test_no_time_without_her_recorded_understanding(hall: World, missing: str) -> None:
    case = hall.dispatch(hall.tell("li"))
    given = {k: v for k, v in EXTEND.items() if k != missing}
    refusal = hall.refusal("zhang", case, "extend", **given)
    assert isinstance(refusal, Incomplete) and refusal.problems == {missing: "missing"}


def test_granted_time_is_filed_told_and_reminded_of(hall: World) -> None:
    case = asked_for_time(hall)
    (check,) = hall.outbox(case, "extension_check")
    assert check.person_id == hall.who("li").id
    assert "可以等到月底" in drawn(hall, check), "she reads what they say she said"
    case = hall.do("xiao", case, "approve_extension")

    assert {m.person_id for m in hall.outbox(case, "extension_filed")} == {
        hall.who(k).id for k in ("zhou", "tan")
    }
    assert "4月29日" in drawn(hall, hall.outbox(case, "extension_told")[0])
    hall.pass_to("2022-04-29T16:00")
    assert sorted({m.not_before for m in hall.outbox(case, "remind_before", "remind_day")}) == [
        at("2022-04-28T09:00"),
        at("2022-04-29T09:00"),
    ]
    assert not hall.again(case).overdue
    hall.pass_to("2022-04-29T17:01")
    assert hall.again(case).overdue


def test_her_objection_bars_the_grant(hall: World) -> None:
    case = asked_for_time(hall)
    assert hall.say("li", "我没同意")[-1].name == "objected"
    assert hall.refusal("xiao", case, "approve_extension").code == "applicant_objects"
    assert {"xiao", "zhang"} <= {
        key for key in ("xiao", "zhang", "gu") if "extension_objection" in hall.told(key, case)
    }
    hall.do("xiao", case, "refuse_extension", extension_opinion="申请人没有同意")
    hall.do("zhang", case, "extend", **EXTEND)
    assert hall.due_day(hall.do("xiao", case, "approve_extension")) == "2022-04-29", (
        "asked anew, and she agreed"
    )


@pytest.mark.parametrize(
    ("due", "code"),
    [
        ("2022-05-10", ""),
        ("2022-05-11", "extension_length"),
        ("2022-04-24", "extension_length"),
        ("2022-04-20", "extension_length"),
        ("2022-04-30", "extension_rest_day"),
        ("2022-05-07", ""),
    ],
)
def test_granted_time_is_at_most_the_original_length(hall: World, due: str, code: str) -> None:
    case = hall.dispatch(hall.tell("li"))
    given = EXTEND | {"extension_due": due}
    if code:
        assert hall.refusal("zhang", case, "extend", **given).code == code
    else:
        hall.do("zhang", case, "extend", **given)
        assert hall.due_day(hall.do("xiao", case, "approve_extension")) == due


def test_time_is_asked_once_and_before_it_is_too_late(hall: World) -> None:
    case = asked_for_time(hall)
    assert hall.refusal("liu", case, "extend", **EXTEND).code == "pending"
    hall.do("xiao", case, "approve_extension")
    again = EXTEND | {"extension_due": "2022-05-06"}
    assert hall.refusal("zhang", case, "extend", **again).code == "extension_used"

    late = hall.dispatch(hall.tell("wang"), level="ordinary")
    hall.pass_to("2022-04-18T16:59")
    hall.do("zhang", late, "extend", **EXTEND | {"extension_due": "2022-04-20"})
    hall.do("xiao", late, "refuse_extension", extension_opinion="不批")
    hall.pass_to("2022-04-18T17:01")
    assert hall.refusal("zhang", late, "extend", **EXTEND).code in ("extend_not_now", "extension_too_late")


# --- the result -----------------------------------------------------------------------------------------

RESULT = {"handled": "加装电梯", "result": "已受理", "solved": "yes"}


@pytest.mark.clause("XJ-2.3e", "XJ-A4.1")
def test_a_result_with_a_gap_is_refused_and_the_gap_is_named(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    assert hall.refusal("zhang", case, "hand_in", **RESULT).code == "not_before", "first it is signed for"
    hall.do("zhang", case, "sign_for")

    for field, label in (("handled", "所办理事项"), ("result", "办理结果"), ("solved", "是否解决")):
        refusal = hall.refusal("zhang", case, "hand_in", **{**RESULT, field: ""})
        assert isinstance(refusal, Incomplete)
        assert refusal.problems == {field: "missing"}
        assert refusal.facts["missing"] == label
    nothing = hall.refusal("zhang", case, "hand_in")
    assert nothing.facts["missing"] == "所办理事项、办理结果、是否解决"

    for no in ("no", "否"):
        refusal = hall.refusal("zhang", case, "hand_in", **{**RESULT, "solved": no})
        assert isinstance(refusal, Incomplete) and refusal.problems == {"unsolved_reason": "missing"}
    case = hall.do("zhang", case, "hand_in", **RESULT, unsolved_reason="")
    assert case.stage == "SIGNING"

    form = hall.paper("chen", case, "result")
    labels = ["".join(ink.words for ink in line).split("：")[0] for line in form.head] + list(answers(form))
    assert labels == ["单号", "所办理事项（可附页）", "办理结果", "是否解决", "未解决的原因"]
    assert answers(form)["是否解决"] == "是 ☑　否 □"
    foot = ["".join(ink.words for ink in f.line) for f in form.foot]
    assert any("主要负责同志签字（盖公章）" in line for line in foot) and any(
        "反馈时间" in line for line in foot
    )


@pytest.mark.clause("XJ-A4.2")
def test_a_result_counts_when_the_head_has_signed_it(world: World) -> None:
    case = world.dispatch(world.tell("li"))
    world.do("zhang", case, "sign_for")
    case = world.do("zhang", case, "hand_in", **RESULT)
    assert world.see("zhou", case).status == "awaiting_signature"
    assert case.at("replied_at") is None
    assert world.duty(case, "limit") is not None, "the clock still runs"
    assert not world.outbox(case, "result", "result_copy")
    for other in ("zhang", "liu", "wu", "he", "zhou", "gu", "xiao", "peng", "li"):
        assert world.refusal(other, case, "sign_off").code == "not_yours"

    world.pass_to("2022-04-12T15:00")
    case = world.do("chen", case, "sign_off")

    assert case.at("signed_off_at") == case.at("replied_at") == world.now
    assert world.duty(case, "limit") is None
    foot = ["".join(ink.words for ink in f.line) for f in world.paper("gu", case, "result").foot]
    assert "责任单位主要负责同志签字（盖公章）：陈国平" in foot
    assert world.refusal("chen", case, "sign_off").code == "done_already"


def test_the_head_may_send_a_result_back_and_the_limit_stays(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    hall.do("zhang", case, "sign_for")
    hall.do("zhang", case, "hand_in", **RESULT)
    assert isinstance(hall.refusal("chen", case, "reject"), Incomplete)
    case = hall.do("chen", case, "reject", reject_reason="没有写法律依据")
    assert case.stage == "WITH_UNIT"
    assert hall.due_day(case) == "2022-04-24"
    assert "没有写法律依据" in drawn(hall, hall.outbox(case, "rejected_card")[0])
    assert hall.do("liu", case, "hand_in", **RESULT).stage == "SIGNING"


def test_not_ours_goes_back_to_the_window_while_the_limit_runs(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    hall.do("zhang", case, "sign_for")
    case = hall.do("zhang", case, "send_back", send_back_reason="应由自然资源和规划局办")
    assert (case.stage, case.unit_id) == ("TRIAGE", None)
    assert hall.due_day(case) == "2022-04-24"
    assert hall.refusal("zhang", case, "sign_for").code == "not_yours"
    with pytest.raises(Exception, match="not_yours"):
        hall.see("zhang", case)

    hall.pass_to("2022-04-12T10:00")
    case = hall.dispatch(case, unit="land")
    assert hall.due_day(case) == "2022-04-24", "from the day it was accepted"
    assert case.at("dispatched_at") == hall.now
    assert case.at("signed_for_at") is None
    assert hall.do("deng", case, "sign_for").at("signed_for_at") == hall.now
    assert hall.refusal("zhang", case, "hand_in", **RESULT).code == "not_yours"
