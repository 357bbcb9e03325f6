"""Who comes back: with an answer, with a word on what has ended, with a rating in her own words, with a number."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.words import Words
from core.case import Case
from core.intake import Reply
from tests.world import World

ANOTHER = "孩子上学报名，学校说没有学位，跑了三趟"


def names(replies: list[Reply]) -> list[str]:
    return [reply.name for reply in replies]


def later(world: World, **passed: float) -> None:
    world.now += timedelta(**passed)


def signed_for(world: World, who: str = "li") -> Case:
    return world.do("zhang", world.dispatch(world.tell(who)), "sign_for")


def closed(world: World) -> Case:
    return world.delivered(world.result(world.dispatch(world.tell())))


def declined(world: World) -> Case:
    return world.do("zhou", world.tell(), "guide", exclusion="penalty")


def asked_beside_a_form(hall: World) -> Case:
    """She fills in a second form when the unit asks about the first matter."""
    case = signed_for(hall)
    for words in ("我要反映", ANOTHER, "说完了"):
        hall.say("li", words)
    later(hall, minutes=5)
    hall.do("zhang", case, "ask", question="房产证原件还在吗？")
    later(hall, minutes=5)
    return case


# --- an officer's question -----------------------------------------------------------------------------


def test_an_answer_is_no_part_of_the_form_she_fills_in_beside(hall: World) -> None:
    case = asked_beside_a_form(hall)
    assert names(hall.say("li", "在，在我女儿那里")) == ["answered", "ask_relation"]
    assert hall.words(case)["answer"] == "在，在我女儿那里"
    assert hall.words(hall.of_contact("li"))["content"] == ANOTHER
    assert names(hall.say("li", "我自己")) == ["ask_applicant_type"]


def test_what_the_form_has_offered_answers_the_form(hall: World) -> None:
    case = asked_beside_a_form(hall)
    assert names(hall.say("li", "我自己")) == ["ask_applicant_type"]
    assert hall.duty(case, "answer")
    later(hall, days=1)  # she comes back to the question
    assert names(hall.say("li", kind="image", media_id="m1")) == ["answered", "ask_applicant_type"]
    assert not hall.duty(case, "answer") and len(hall.attachments(case)) == 1


def test_the_question_asked_last_is_answered_first_and_the_other_is_named(hall: World) -> None:
    first, second = signed_for(hall), signed_for(hall)
    hall.do("zhang", second, "ask", question="复印件呢？")
    later(hall, hours=1)
    hall.do("zhang", first, "ask", question="原件呢？")
    (said,) = hall.say("li", "在家里")
    assert (said.values["number"], said.values["other"]) == (first.number, second.number)
    assert said.values["question"] == "复印件呢？" and hall.words(first)["answer"] == "在家里"
    (said,) = hall.say("li", "也在家里")
    assert (said.values["number"], said.values["other"]) == (second.number, "")


def test_who_comes_back_is_not_asked_two_questions_in_one_breath(hall: World) -> None:
    for words in ("我要反映", ANOTHER, "说完了"):
        hall.say("li", words)
    later(hall, days=2)
    assert names(hall.say("li", "我自己")) == ["resume", "ask_applicant_type"]


# --- what has ended ------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["我不服", "还是没解决", "问题根本没有解决！", "一点都没用"])
def test_who_is_not_content_with_a_result_reaches_the_window_by_saying_so(hall: World, words: str) -> None:
    case = closed(hall)
    assert hall.say("li", words) == [] and hall.words(case)["human_question"] == words
    assert hall.duty(case, "human") and hall.told("li", case)[-1] == "human_soon"


def test_what_she_tells_may_be_of_the_matter_that_has_ended(hall: World) -> None:
    case = closed(hall)
    (said,) = hall.say("li", "电梯井的位置还是不对，图纸也没有改过来")
    assert said.choices[-1] == ("about", f"说的是 {case.number} 这件事")
    hall.say("li", kind="image", media_id="m1")
    hall.say("li", f"说的是 {case.number} 这件事")
    assert hall.words(case)["human_question"] == "电梯井的位置还是不对，图纸也没有改过来"
    assert len(hall.attachments(case)) == 1 and hall.of_contact("li").stage == "WITHDRAWN"
    assert names(hall.say("li", "我要反映")) == ["begin"]
    (said,) = hall.say("li", ANOTHER)
    assert [code for code, _ in said.choices] == ["done"], "who says it is another is not asked"


def test_who_was_sent_elsewhere_may_say_why_the_window_should_look_again(hall: World) -> None:
    case = declined(hall)
    (said,) = hall.say("li", "我去了，他们说不归他们管，还是要你们办")
    assert said.choices[-1] == ("about", f"请窗口重新看 {case.number}")
    hall.say("li", "2")
    assert hall.again(case).stage == "SUBMITTED"
    assert hall.words(case)["supplement"] == "我去了，他们说不归他们管，还是要你们办"


@pytest.mark.parametrize("words", ["“仍请窗口看一看”", "仍请窗口看一看。", "请窗口再看一看", "你们再看看"])
def test_the_words_she_is_told_to_reply_may_come_in_quotes_or_nearly(hall: World, words: str) -> None:
    case = declined(hall)
    hall.say("li", words)
    assert hall.again(case).stage == "SUBMITTED"


def test_photos_sent_before_she_asks_to_look_again_go_with_the_matter(hall: World) -> None:
    case = declined(hall)
    hall.say("li", kind="image", media_id="m1")
    hall.say("li", "仍请窗口看一看")
    assert hall.again(case).stage == "SUBMITTED" and len(hall.attachments(case)) == 1
    (said,) = hall.say("li", "这是回执")
    assert (said.name, said.values["number"]) == ("added", case.number)


@pytest.mark.parametrize("ended", [True, False])
def test_a_word_more_to_the_window_that_has_answered_reaches_the_window(hall: World, ended: bool) -> None:
    case = closed(hall) if ended else signed_for(hall)
    hall.say("li", "转人工 我要带什么来？")
    later(hall, hours=1)
    hall.do("zhou", case, "answer_citizen", human_answer="带身份证就行。")
    later(hall, hours=1)
    assert hall.say("li", "户口本要不要一起带来") == []
    assert hall.words(case)["human_question"] == "户口本要不要一起带来" and hall.duty(case, "human")
    hall.do("zhou", case, "answer_citizen", human_answer="不用。")
    later(hall, hours=1)
    assert names(hall.say("li", "好的，谢谢")) == ["no_comment"]


# --- how it was ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "score", "comment"),
    [
        ("不满意。", "2", ""),
        ("我不满意", "2", ""),
        ("非常满意！谢谢", "5", ""),
        ("不满意，电梯还是没有装", "2", "电梯还是没有装"),
    ],
)
def test_a_rating_may_be_said_as_people_say_it(hall: World, words: str, score: str, comment: str) -> None:
    case = closed(hall)
    assert hall.say("li", words)[0].name == "rated"
    assert hall.again(case).codes["score"] == score
    assert hall.words(case).get("rating_comment", "") == comment


@pytest.mark.parametrize("words", ["很满意", "还行吧，比较满意", "不太满意", "5分"])
def test_a_rating_that_is_none_of_them_is_asked_about(hall: World, words: str) -> None:
    case = closed(hall)
    (said,) = hall.say("li", words)
    assert said.name == "rate_which" and len(said.choices) == 5
    hall.say("li", said.choices[1][1])
    assert hall.again(case).codes["score"] == "4"


def test_who_rates_while_filling_in_a_form_goes_on_with_that(hall: World) -> None:
    case = closed(hall)
    for words in ("我要反映", ANOTHER, "说完了"):
        hall.say("li", words)
    replies = hall.say("li", "满意", choice="rate:4", case_id=case.id)
    assert names(replies) == ["rated", "ask_relation"] and "可以直接回复" not in text(replies[0])
    assert names(hall.say("li", "我自己")) == ["ask_applicant_type"]


def text(reply: Reply) -> str:
    return Words().say(f"intake/{reply.name}", **reply.values)


# --- by number -----------------------------------------------------------------------------------------


def test_her_number_alone_asks_how_far_it_is(hall: World) -> None:
    first, second = hall.tell(), hall.tell()
    for words in (str(first.number), f"单号：{first.number}", f"{first.number}。".lower()):
        (said,) = hall.say("li", words)
        assert (said.name, said.values["cases"]) == ("progress", (first.id,))
    (said,) = hall.say("li", "13800001234")
    assert (said.name, said.values["number"]) == ("added", second.number), "a telephone is no case number"


def test_of_two_matters_either_can_be_withdrawn(hall: World) -> None:
    first, second = hall.tell(), hall.tell()
    (said,) = hall.say("li", "撤回")
    assert said.values["number"] == second.number and f"撤回 {first.number}" in text(said)
    assert hall.say("li", f"撤回 {first.number}")[-1].values["number"] == first.number
    hall.say("li", "确认撤回")
    assert (hall.again(first).stage, hall.again(second).stage) == ("WITHDRAWN", "SUBMITTED")
    (said,) = hall.say("wang", f"撤回 {second.number}")[1:]
    assert said.name == "refused" and said.values["refusal"].code == "unknown_case"
    assert hall.again(second).stage == "SUBMITTED"


@pytest.mark.parametrize("words", ["“我没同意”", "我根本没同意过！", "他们没跟我说过延期"])
def test_who_has_not_agreed_says_so_in_her_own_words(hall: World, words: str) -> None:
    case = signed_for(hall)
    consent = {"consent_way": "phone", "consent_at": "2022-04-11", "consent_words": "好"}
    hall.do("zhang", case, "extend", extension_reason="等图审", extension_due="2022-04-29", **consent)
    assert names(hall.say("li", words)) == ["objected"]
    assert hall.refusal("chen", case, "approve_extension").code in ("applicant_objects", "not_yours")


@pytest.mark.parametrize("words", ["算了", "不撤了"])
def test_who_thinks_again_may_still_withdraw_afterwards(hall: World, words: str) -> None:
    case = hall.tell()
    hall.say("li", "撤回")
    assert names(hall.say("li", words)) == ["not_withdrawn"]
    assert names(hall.say("li", "确认撤回")) == ["withdraw_sure"]
    hall.say("li", "确认撤回")
    assert hall.again(case).stage == "WITHDRAWN"
