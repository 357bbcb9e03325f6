"""What a member of staff writes to the app: short words are understood, and nothing can be found out by trying."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from bot.handlers import staff
from bot.service import Service
from bot.words import Words
from core import store
from core.case import Case
from core.settings import Settings
from tests.world import World


def write(world: World, who: str, text: str) -> str:
    """What the app answers to a line; `who` by the userid of the demonstration hall."""

    def now() -> datetime:
        return world.now

    settings = Settings.model_validate(
        {"database_url": "", "keys": "", "hall": Path(), "files": Path(), "base_url": "https://bbc.example"}
    )
    service = Service(world.office, settings, Words(), {}, now, now, lambda *_: None)
    with store.transaction(world.office.engine) as conn:
        return staff.write(service, conn, "wecom", who, text)


def signed(world: World, case: Case) -> bool:
    return world.again(case).at("signed_for_at") is not None


@pytest.mark.parametrize("line", ["签收", " 签收了 ", "签收！"])
def test_sign_for_without_a_number_is_the_one_that_waits(line: str, hall: World) -> None:
    case = hall.dispatch(hall.tell())
    said = write(hall, "zhangwei", line)
    assert signed(hall, case) and str(case.number) in said and case.subject in said


@pytest.mark.parametrize("line", ["收到", "收到，谢谢", "收到！"])
def test_received_may_mean_anything_and_is_asked_about(line: str, hall: World) -> None:
    case = hall.dispatch(hall.tell())
    said = write(hall, "zhangwei", line)
    assert not signed(hall, case) and str(case.number) in said and "请回复：签收" in said


def test_of_several_that_wait_none_is_guessed(hall: World) -> None:
    waiting = [hall.dispatch(hall.tell(who), unit="housing") for who in ("li", "wang")]
    said = write(hall, "zhangwei", "签收")
    assert all(str(case.number) in said and not signed(hall, case) for case in waiting)


def test_with_a_number_that_one_is_signed_for(hall: World) -> None:
    first, second = (hall.dispatch(hall.tell(who)) for who in ("li", "wang"))
    write(hall, "zhangwei", f"收到 {second.number}")
    assert (signed(hall, first), signed(hall, second)) == (False, True)


def test_nothing_waits_for_somebody_of_another_unit(hall: World) -> None:
    case = hall.dispatch(hall.tell())
    assert "没有等签收" in write(hall, "dengkai", "签收") and not signed(hall, case)


@pytest.mark.parametrize("line", ["{}", "签收{}", "收到 {}", "回复 {} 您好"])
def test_a_case_of_another_unit_sounds_like_none_at_all(line: str, hall: World) -> None:
    case = hall.dispatch(hall.tell())
    of_another = write(hall, "dengkai", line.format(case.number))
    of_nobody = write(hall, "dengkai", line.format("XJ202299999"))
    assert of_another == of_nobody and "没有查到" in of_another


@pytest.mark.parametrize("line", ["签收 {}。", "“签收 {}”", "{} 签收", "已签收：{}"])
def test_a_number_may_be_signed_for_as_people_write_it(line: str, hall: World) -> None:
    case = hall.dispatch(hall.tell())
    assert "已签收" in write(hall, "zhangwei", line.format(case.number)) and signed(hall, case)


@pytest.mark.parametrize("line", ["回复 {} 请带身份证", "回复{}，请带身份证", "答复：{}：请带身份证"])
def test_what_the_window_replies_arrives_without_what_stood_between(line: str, hall: World) -> None:
    case = hall.dispatch(hall.tell())
    hall.do("li", case, "ask_human", human_question="带什么？")
    assert "已经发给群众" in write(hall, "zhoumin", line.format(case.number))
    assert hall.words(case)["human_answer"] == "请带身份证"


def test_a_number_is_never_cut_to_that_of_another(hall: World) -> None:
    """回复 and nothing else: the last figure of the number is no answer to the matter before it."""
    case = hall.dispatch(hall.tell())
    assert "没有发出去" in write(hall, "zhoumin", f"回复 {case.number}")
    assert "没有查到" in write(hall, "zhoumin", f"回复 {case.number}0")
    assert "human_answer" not in hall.words(case)


def test_who_may_not_answer_the_citizen_is_told_where_to_ask(hall: World) -> None:
    case = hall.dispatch(hall.tell())
    said = write(hall, "zhangwei", f"回复 {case.number} 请带身份证")
    assert "没有发出去" in said and "问申请人" in said and f"/c/{case.ref}" in said
    assert "human_answer" not in hall.words(case)


@pytest.mark.parametrize("line", ["我的待办", "待办", "看看待办"])
def test_what_is_to_do_is_listed(line: str, hall: World) -> None:
    waiting = [hall.dispatch(hall.tell(who)) for who in ("li", "wang")]
    said = write(hall, "zhangwei", line)
    assert "2 件" in said and all(str(case.number) in said for case in waiting)
    assert "现在没有件" in write(hall, "dengkai", line)


@pytest.mark.parametrize("word", ["看", "查看", "我的", "签收", "🙏"])
def test_the_same_word_over_and_over_is_answered_with_help(word: str, hall: World) -> None:
    """However long: a pattern that tries every way to cut it up would never end."""
    assert "我的待办" in write(hall, "zhangwei", word * 2000)
