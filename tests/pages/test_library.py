"""The case library on the pages: written by the window, approved by the operator, found by everybody in the hall."""

from __future__ import annotations

import re

import pytest

from core import library, store
from core.library import Entry
from tests.pages.world import Screens, World, hidden_of

PARTS = {
    "item": "餐饮执照变更",
    "problem": "跑了三次，材料一直不收",
    "cause_code": "material",
    "cause": "没有一次告知材料",
    "solution": "按清单一次告知，当天换发新执照",
}


def written(world: World, screen: Screens) -> Entry:
    case = world.closed()
    screen("window").send(f"/library/from/{case.ref}", **PARTS)
    with store.transaction(world.engine) as conn:
        entry = library.of_case(conn, case.id)
    assert entry
    return entry


def approved(world: World, screen: Screens) -> Entry:
    entry = written(world, screen)
    operator = screen("operator")
    answer = operator.send(
        f"/library/{entry.ref}/approve",
        operator.open(f"/library/{entry.ref}"),
        **PARTS,
        owner=str(operator.person.id),
        review_on="2022-10-10",
    )
    assert answer.status_code == 303, answer.text
    return entry


def test_the_window_writes_an_entry_from_a_closed_case(world: World, screen: Screens) -> None:
    case = world.closed()
    window = screen("window")
    assert f"/library/from/{case.ref}" in window.open(f"/c/{case.ref}")
    drawn = window.open(f"/library/from/{case.ref}")
    assert "跑了三次" in drawn and "李秀兰" not in drawn and "13800001234" not in drawn
    assert ("library", window.person.id) in [(what, who) for who, what, _ in world.looks(case)]

    wrong = window.send(f"/library/from/{case.ref}", drawn, **{**PARTS, "problem": "李秀兰跑了三次"})
    assert wrong.status_code == 422 and "请删去" in wrong.text and "李秀兰跑了三次" in wrong.text

    answer = window.send(f"/library/from/{case.ref}", drawn, **PARTS)
    assert "待审核" in window.open(answer.location.partition("?")[0])
    assert window.get(f"/library/from/{case.ref}").status_code == 303


def test_an_entry_is_found_by_two_characters_once_it_is_approved(world: World, screen: Screens) -> None:
    written(world, screen)
    assert "没有找到" in screen("handler").get("/library", q="执照").text
    assert "等审核的" in screen("operator").open("/library")
    with store.transaction(world.engine) as conn:
        (entry,) = library.waiting(conn)
    operator = screen("operator")
    operator.send(
        f"/library/{entry.ref}/approve",
        operator.open(f"/library/{entry.ref}"),
        **PARTS,
        owner=str(operator.person.id),
        review_on="2022-10-10",
    )
    assert "找到 1 条" in screen("handler").get("/library", q="执照").text
    assert PARTS["solution"] in screen("other").open(f"/library/{entry.ref}")


@pytest.mark.parametrize("who", ["handler", "other"])
def test_what_is_not_approved_is_read_by_the_window_alone(world: World, screen: Screens, who: str) -> None:
    entry = written(world, screen)
    assert screen(who).get(f"/library/{entry.ref}").status_code == 403


@pytest.mark.parametrize("path", ["/library", "/improve", "/library/x"])
def test_citizens_and_strangers_do_not_see_the_library(world: World, screen: Screens, path: str) -> None:
    assert screen("li").get(path).status_code == 403
    assert world.app().test_client().get(path).status_code in (302, 401)


def test_only_who_sees_the_case_finds_the_way_to_it(world: World, screen: Screens) -> None:
    entry = approved(world, screen)
    assert "看原来的事项" in screen("window").open(f"/library/{entry.ref}")
    assert "看原来的事项" not in screen("other").open(f"/library/{entry.ref}")


def test_a_warning_needs_two_people(world: World, screen: Screens) -> None:
    entry = approved(world, screen)
    operator, discipline = screen("operator"), screen("discipline")
    page = operator.open(f"/library/{entry.ref}")
    operator.send(f"/library/{entry.ref}/public", page, tone="negative")
    page = operator.open(f"/library/{entry.ref}")
    assert "等第二个人看" in page and "同意公开" not in page
    assert operator.send(f"/library/{entry.ref}/second", page, agrees="yes").status_code == 409
    page = discipline.open(f"/library/{entry.ref}")
    discipline.send(f"/library/{entry.ref}/second", page, agrees="yes")
    assert "已公开" in screen("handler").open("/library")


def test_a_change_without_a_page_of_ours_does_nothing(world: World, screen: Screens) -> None:
    entry = approved(world, screen)
    forged = screen("operator").client.post(f"/library/{entry.ref}/retire")
    assert forged.status_code == 409
    assert "找到 1 条" in screen("handler").get("/library", q="执照").text


def test_triage_suggests_and_chooses_nothing(world: World, screen: Screens) -> None:
    approved(world, screen)
    case = world.acts("window", world.submitted(), "accept")
    page = screen("window").open(f"/c/{case.ref}/dispatch")
    assert re.search(r'data-fill="unit" data-value="market">市场监督管理局', page)
    assert "说到“" in page and "由您定" in page
    assert '<option value="market" selected' not in page
    assert "相似的事是怎么办的" in page and PARTS["solution"] in page


def test_the_window_hears_of_another_case_with_the_same_telephone(world: World, screen: Screens) -> None:
    first = world.dispatched()
    case = world.acts("window", world.submitted(), "accept")
    page = screen("window").open(f"/c/{case.ref}/dispatch")
    assert f"还有在办的事：{first.number}" in page


def test_a_citizen_hears_of_no_other_case_by_a_telephone_number(world: World, screen: Screens) -> None:
    first = world.dispatched()
    case = world.acts("window", world.submitted(), "accept")
    page = screen("li").open(f"/c/{case.ref}/add")
    assert "补充" in page and str(first.number) not in page


@pytest.mark.parametrize("how", ["sent", "without a page of ours", "shown first"])
def test_a_citizen_is_drawn_no_form_of_the_window(world: World, screen: Screens, how: str) -> None:
    approved(world, screen)
    case = world.acts("window", world.submitted(), "accept")
    li = screen("li")
    data = {} if how == "without a page of ours" else hidden_of(li.open(f"/c/{case.ref}"))
    data |= {"preview": "1"} if how == "shown first" else {}
    answer = li.client.post(f"/c/{case.ref}/dispatch", data=data)
    assert answer.status_code == 403
    assert PARTS["solution"] not in answer.text and "住房建设局" not in answer.text


def test_an_entry_without_anybody_to_review_it_is_asked_for_again(world: World, screen: Screens) -> None:
    entry, operator = written(world, screen), screen("operator")
    for owner in ("", "999999", str(screen("handler").person.id)):
        answer = operator.send(
            f"/library/{entry.ref}/approve", operator.open(f"/library/{entry.ref}"), **PARTS, owner=owner
        )
        assert answer.status_code == 422 and "谁来复核" in answer.text


def test_problems_of_one_kind_are_confirmed_and_improved_upon(world: World, screen: Screens) -> None:
    written(world, screen)
    written(world, screen)
    operator = screen("operator")
    page = operator.open("/improve")
    assert "2 件" in page and "还没有人确认" in screen("window").open("/improve")
    unit = re.search(r'name="unit" value="(\d+)"', page)
    assert unit
    operator.send("/improve", page, unit=unit[1], item=PARTS["item"], cause_code="material")
    page = operator.open("/improve")
    group = re.search(r'action="/improve/([\w-]+)"', page)
    assert group
    path, owner = f"/improve/{group[1]}", str(operator.person.id)
    empty = operator.send(path, page, what="", owner=owner, due_on="2022-06-30")
    assert empty.status_code == 422 and "还没有填" in empty.text
    operator.send(path, page, what="清单上墙", owner=owner, due_on="2022-06-30")
    page = operator.open("/improve")
    assert "清单上墙" in page and "在改" in page
    action = re.search(r'action="(/improve/actions/[\w-]+)"', page)
    assert action
    operator.send(action[1], page, state="done", outcome="已上墙")
    assert "改好了" in operator.open("/improve")
