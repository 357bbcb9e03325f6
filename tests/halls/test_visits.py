"""内乡县: visits with the departments concerned, at will, and each month with the supervision section, by lot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from bot.cards.draw import desk_card
from core import store, visits
from core.case import Case
from core.outbox import Message
from core.refusals import Incomplete, Refusal
from tests.regions.drawing import BASE, WORDS, ReadWorld
from tests.regions.test_neixiang import closed, registered
from tests.reports.desk import days_pass, rows, tables_of, the_report, unit_id
from tests.reports.desk import words as draft_of
from tests.reports.test_pages import Browser
from tests.stories.reading import all_words
from tests.world import World
from workers import sweeper

DONE = {
    "visit_way": "in_person",
    "visit_satisfied": "satisfied",
    "visit_opinion": "执照换好了",
    "center_opinion": "窗口早点开门",
}


@pytest.fixture
def neixiang(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = ReadWorld.of("neixiang", database_url, tmp_path / "files", start="2021-08-10T10:00")
    yield made
    made.office.engine.dispose()


@pytest.fixture
def hall(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("neixiang", sqlite_url, tmp_path / "files", start="2021-08-10T10:00")
    yield made
    made.office.engine.dispose()


def messages(world: World, who: str, notice: str) -> list[Message]:
    return world.outbox_of(who, notice)


def draws(world: World, day: str) -> list[str]:
    """The numbers drawn by the clock of a day."""
    world.pass_to(day)
    with store.transaction(world.office.engine) as conn:
        visits.tick(world.office, conn, world.now)
    return [n for n in world.numbers() if any(e.act == "draw_visit" for e in world.events(world.case(n)))]


def visited(world: World, case: Case, **values: object) -> Case:
    return world.do("jing", case, "follow_up", **{**DONE, **values})


# --- with the departments concerned, at will --------------------------------------------------------------


@pytest.mark.clause("NX-5.3b")
def test_the_bodies_that_come_along_get_the_day_and_nothing_of_the_applicant(neixiang: World) -> None:
    case = closed(neixiang)
    neixiang.do(
        "jing", case, "plan_visit", visit_on="2021-08-16", visit_with=["land", "tax_zone", "supervision"]
    )
    for who in ("xiang", "qiao", "yan"):  # two heads, and who works in 督查股
        (message,) = messages(neixiang, who, "visit_together")
        card = desk_card(
            WORDS, neixiang.rules, message.notice, clause=message.clause, data=message.data, base_url=BASE
        )
        assert (
            ("回访日期", "8月16日（周一）") in card.rows
            and card.number == ""
            and str(case.number) in card.title
        )
        assert "领导小组办公室（中心业务股）约您单位8月16日（周一）一同回访" in card.text
        told = str(card) + str(message)
        assert "王建国" not in told and "88889999" not in told
    assert messages(neixiang, "pu", "visit_together") == [], "the head hears, not the whole house"
    with pytest.raises(Refusal, match="not_yours"):
        neixiang.see("qiao", case)


@pytest.mark.clause("NX-5.3b")
def test_the_record_names_every_body_that_came(neixiang: World) -> None:
    case = closed(neixiang)
    neixiang.do("jing", case, "plan_visit", visit_on="2021-08-16", visit_with="land,supervision")
    assert neixiang.due_day(case, "joint_visit") == "2021-08-16"
    neixiang.pass_to("2021-08-16T10:00")
    visited(neixiang, case, visit_companions=["land", "supervision", "business_zone"])
    event = next(e for e in neixiang.events(case) if e.act == "follow_up")
    came = [unit_id(neixiang, key) for key in ("land", "supervision", "business_zone")]
    assert event.data["companions"] == came
    lines = all_words(neixiang.paper("jing", case, "visit")).splitlines()
    assert [line for line in lines if "督查股" in line] == [
        "自然资源局、中心督查股",
        "自然资源局、中心督查股、商事登记区",
    ], "with whom it was planned, and who came"
    assert neixiang.duty(case, "joint_visit") is None


def test_a_visit_may_be_recorded_at_any_time_and_again(hall: World) -> None:
    case = closed(hall)
    alone = {k: v for k, v in DONE.items() if k != "center_opinion"}
    hall.do("jing", case, "follow_up", **alone)
    assert hall.duty(case, "visit") is None
    hall.pass_to("2021-10-20T10:00")
    hall.do("jing", case, "follow_up", **alone)
    assert sum(e.act == "follow_up" for e in hall.events(case)) == 2


def test_another_day_takes_the_place_of_the_first(hall: World) -> None:
    case = closed(hall)
    hall.do("jing", case, "plan_visit", visit_on="2021-08-16", visit_with="land")
    hall.do("jing", case, "plan_visit", visit_on="2021-08-19", visit_with="land")
    assert hall.due_day(case, "joint_visit") == "2021-08-19"
    assert [m.data["day"] for m in sorted(messages(hall, "xiang", "visit_together"), key=lambda m: m.id)] == [
        "2021-08-16",
        "2021-08-19",
    ]
    refused = hall.refusal("jing", case, "plan_visit", visit_on="2021-08-10", visit_with="land")
    assert isinstance(refused, Incomplete) and refused.problems == {"visit_on": "past"}
    assert (
        hall.refusal("lan", case, "plan_visit", visit_on="2021-08-16", visit_with="land").code == "not_yours"
    )


@pytest.mark.clause("NX-5.3b")
def test_no_department_comes_along_to_somebody_who_complained_of_conduct(hall: World) -> None:
    shielded = registered(hall, about_conduct="yes")
    given = {"result": "已当面道歉", "cause_code": "staff", "subject": "窗口服务"}
    case = hall.delivered(hall.do("lan", shielded, "resolve", **given))
    case = hall.again(case)
    assert case.shielded and case.stage == "CLOSED"
    refused = hall.refusal("jing", case, "plan_visit", visit_on="2021-08-16", visit_with="supervision,land")
    assert (refused.code, refused.facts["units"]) == ("shielded_visit", "自然资源局")
    hall.do("jing", case, "plan_visit", visit_on="2021-08-16", visit_with="supervision")
    assert hall.refusal("jing", case, "follow_up", **DONE, visit_companions="land").code == "shielded_visit"
    visited(hall, case, visit_companions="supervision")


# --- each month with 督查股 -----------------------------------------------------------------------------------


@pytest.mark.clause("NX-W6")
def test_on_the_first_working_day_of_the_month_a_fifth_of_the_closed_is_drawn(neixiang: World) -> None:
    cases = [closed(neixiang) for _ in range(6)]
    still_open = registered(neixiang)
    assert draws(neixiang, "2021-08-31T17:00") == []
    neixiang.pass_to("2021-09-01T08:30")
    drawn = draws(neixiang, "2021-09-01T08:30")
    assert len(drawn) == 2 and set(drawn) < {case.number for case in cases}, "a fifth of six, and no less"
    assert still_open.number not in drawn
    assert draws(neixiang, "2021-09-01T09:00") == draws(neixiang, "2021-09-30T17:00") == drawn, "once a month"
    for number in drawn:
        case = neixiang.case(number)
        assert neixiang.due_day(case, "joint_visit") == "2021-09-15"
        for who in ("jing", "bian", "yan"):
            assert neixiang.told(who, case).count("visit_drawn") == 1, "the office and 督查股"


def test_the_clock_draws_by_itself(hall: World) -> None:
    case = closed(hall)
    hall.pass_to("2021-09-01T08:31")
    sweeper.lay_out(Browser(hall, "jing").service, hall.now)
    assert hall.duty(case, "joint_visit") is not None


@pytest.mark.clause("NX-W6")
def test_the_lot_depends_on_month_and_numbers_alone(hall: World) -> None:
    batch = hall.rules.visit_batch
    assert batch is not None and batch.share == 0.2
    known = {f"20210810{n:02}": n for n in range(1, 41)}
    september, october = (visits.draw(batch, date(2021, month, 1), known) for month in (9, 10))
    backwards = dict(reversed(known.items()))
    assert visits.draw(batch, date(2021, 9, 1), backwards) == september and len(september) == 8
    assert september != october
    assert len(visits.draw(batch, date(2021, 9, 1), {"2021081001": 1})) == 1, "at least one"
    assert visits.draw(batch, date(2021, 9, 1), {}) == []


@pytest.mark.clause("NX-W6")
def test_the_visit_names_both_bodies_and_notes_the_opinion_on_the_centre(neixiang: World) -> None:
    closed(neixiang)
    (number,) = draws(neixiang, "2021-09-01T08:30")
    case = neixiang.case(number)
    neixiang.do("jing", case, "plan_visit", visit_on="2021-09-08", visit_with="supervision")
    assert messages(neixiang, "yan", "visit_together")[0].data["day"] == "2021-09-08"
    for lacking in ("center_opinion", "visit_companions"):
        given = {**DONE, "visit_companions": "supervision"} | {lacking: ""}
        refused = neixiang.refusal("jing", case, "follow_up", **given)
        assert isinstance(refused, Incomplete) and refused.problems == {lacking: "missing"}
    neixiang.pass_to("2021-09-08T10:00")
    visited(neixiang, case, visit_companions="supervision")
    said = all_words(neixiang.paper("yan", case, "visit"))
    assert "景浩" in said and "中心督查股" in said and "窗口早点开门" in said
    assert neixiang.duty(case, "joint_visit") is None


@pytest.mark.clause("NX-W6")
def test_the_month_s_report_names_both_bodies_and_what_is_not_visited_yet(hall: World) -> None:
    for _ in range(6):
        closed(hall)
    days_pass(hall, "2021-09-01T08:30")
    first, second = draws(hall, "2021-09-01T08:31")
    visited(hall, hall.case(first), visit_companions="supervision")
    days_pass(hall, "2021-10-08T10:00")
    (table,) = tables_of(hall, the_report(hall, "visits"))
    unit, both = "商事登记区", "领导小组办公室、督查股"
    assert rows(table) == [(first, unit, both, "2021-09-01 满意"), (second, unit, both, "还没有")]
    assert "已经回访 1 件，满意 1 件；还有 1 件没有回访" in draft_of(hall, the_report(hall, "visits"))
    assert table.said == {"drawn": 2, "visited": 1, "satisfied": 1, "bodies": both}
    for who in ("jing", "yan", "gong"):
        told = [m for m in hall.outbox_of(who, "report_sent") if m.data["title"] == "会同回访情况"]
        assert len(told) == 2, "August's, that drew nothing, and September's"


def test_what_is_visited_together_anyway_or_taken_up_again_is_not_drawn(hall: World) -> None:
    planned, redone = closed(hall), closed(hall)
    hall.pass_to("2021-08-31T16:00")
    hall.do("jing", planned, "plan_visit", visit_on="2021-09-02", visit_with="supervision")
    hall.do("jing", redone, "follow_up", **{**DONE, "visit_satisfied": "dissatisfied"})
    assert hall.again(redone).stage == "WITH_UNIT"
    assert draws(hall, "2021-09-01T08:30") == [], "of these two, at least one would be drawn"


@pytest.mark.clause("NX-5.3b", "NX-W6")
def test_the_form_begins_with_the_bodies_the_visit_was_drawn_or_planned_with(hall: World) -> None:
    closed(hall)
    (number,) = draws(hall, "2021-09-01T08:30")
    case = hall.case(number)
    page = Browser(hall, "jing").get(f"/c/{case.ref}/plan_visit")
    assert 'name="visit_with" value="supervision" checked' in page
    assert page.count(" checked") == 1
    hall.do("jing", case, "plan_visit", visit_on="2021-09-08", visit_with="supervision,land")
    page = Browser(hall, "jing").get(f"/c/{case.ref}/follow_up")
    assert 'value="land" checked' in page and 'value="supervision" checked' in page
    assert "<summary>选单位</summary>" not in page, "what is asked for lies open"
    alone = Browser(hall, "jing").get(f"/c/{closed(hall).ref}/follow_up")
    assert "<summary>选单位</summary>" in alone and " checked" not in alone
