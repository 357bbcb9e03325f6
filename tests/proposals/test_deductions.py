"""隆回县, article 17: nothing is deducted but what a person has put on record and a person has confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import improvement, proposals, store
from core.case import Case
from core.improvement import Kind
from core.refusals import Incomplete
from tests.proposals.desk import (
    confirm,
    day,
    do,
    every,
    laid,
    look,
    record,
    refuse,
    refused,
    said,
    seen,
    sql,
    told,
    unit_of,
)
from tests.regions.test_longhui import answer, escalate, register, send, tell
from tests.world import World, at


@pytest.fixture
def county(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("longhui", sqlite_url, tmp_path / "files", start="2022-04-11T09:30")
    yield made
    made.office.engine.dispose()


def called(world: World) -> Case:
    """A matter for which the unit was called to the window."""
    case = world.do("ouyang", tell(world), "accept", cause_code="delay", category="handling", level="on_site")
    return world.do("ouyang", case, "call_on_site", unit="registry", subject="不动产过户")


def joint(world: World) -> Case:
    """A joint matter: the registry leads, three windows have tasks."""
    case = escalate(world, send(world, tell(world)), "several_units")
    return world.do("long", case, "convene", unit="registry", members="housing,tax,market")


# --- presence -------------------------------------------------------------------------------------------


@pytest.mark.clause("LH-17a")
def test_an_absence_counts_when_a_person_has_noted_it_and_another_decision_has_confirmed_it(
    database_url: str, tmp_path: Path
) -> None:
    county = World.of("longhui", database_url, tmp_path / "files", start="2022-04-11T09:30")
    county.pass_to("2022-04-12T09:00")
    assert look(county) == (), "a roster, or nobody at the window, proposes nothing"

    (made,) = do(county, "kuang", "note_absence", county.who("mao").id, day("2022-04-11"), "late")

    assert (made.points, made.state, made.unit_id) == (1, "proposed", unit_of(county, "window"))
    assert look(county) == () and len(every(county)) == 1
    with refused("recorded_already"):
        do(county, "ling", "note_absence", county.who("mao").id, day("2022-04-11"), "absent")
    assert total(county, "window") == 0
    done = confirm(county, "ling", made)
    assert (done.state, done.decided_by) == ("confirmed", county.who("ling").id)
    assert total(county, "window") == 1
    county.office.engine.dispose()


def test_who_decides_may_set_another_unit_for_an_absence(county: World) -> None:
    """The specialist comes from the centre, the text says "the window unit" (AMB-LH3)."""
    (made,) = do(county, "kuang", "note_absence", county.who("mao").id, day("2022-04-11"), "absent")
    done = confirm(county, "kuang", made, unit_id=unit_of(county, "center"))
    assert done.unit_id == unit_of(county, "center")
    assert total(county, "window") == 0 and total(county, "center") == 1


@pytest.mark.parametrize(
    ("who", "on", "sort", "problem"),
    [("mao", "2022-04-13", "late", "day"), ("mao", "2022-04-11", "early", "sort")],
)
def test_an_absence_is_of_a_day_that_has_come(
    county: World, who: str, on: str, sort: str, problem: str
) -> None:
    with pytest.raises(Incomplete) as caught:
        do(county, "kuang", "note_absence", county.who(who).id, day(on), sort)
    assert set(caught.value.problems) == {problem}
    with refused("not_yours"):
        do(county, "ouyang", "note_absence", county.who("mao").id, day("2022-04-11"), "late")


@pytest.mark.clause("LH-17b")
def test_a_late_arrival_counts_when_the_section_records_it_once_a_call(county: World) -> None:
    county.now = at("2022-04-11T10:00")
    case = called(county)
    county.pass_to("2022-04-11T10:50")
    county.do("ouyang", case, "note_arrival")
    county.pass_to("2022-04-12T09:00")
    assert look(county) == () and not every(county), "fifty minutes alone are no ground (AMB-G6)"

    (made,) = record(county, "kuang", "late", case)

    assert (made.unit_id, made.points, made.case_id) == (unit_of(county, "registry"), 1, case.id)
    assert made.person_id is None
    with refused("recorded_already"):
        record(county, "ling", "late", case)
    assert len(every(county)) == 1


def test_nobody_is_late_who_was_not_called(county: World) -> None:
    with refused("not_of_this_matter"):
        record(county, "kuang", "late", tell(county))


# --- faults ---------------------------------------------------------------------------------------------


@pytest.mark.clause("LH-17c")
@pytest.mark.parametrize("code", ["undone", "unskilled", "careless", "untrue", "bad_attitude"])
def test_a_verified_fault_gives_exactly_two_deductions(county: World, code: str) -> None:
    case = send(county, tell(county))
    assert look(county) == (), "what is not verified gives none"

    made = record(county, "kuang", "fault", case, person="bu", code=code)

    assert [(p.entry, p.points, p.person_id) for p in made] == [
        ("fault_unit", 1, None),
        ("fault_person", 1, county.who("bu").id),
    ]
    assert {p.unit_id for p in made} == {unit_of(county, "registry")}
    with refused("recorded_already"):
        record(county, "kuang", "fault", case, person="bu", code="undone")
    look(county)
    assert len(every(county)) == 2


@pytest.mark.parametrize(
    ("gap", "values"),
    [
        ("code", {"code": "lazy"}),
        ("code", {"code": ""}),
        ("person", {"person": "ge"}),
        ("words", {"words": " "}),
    ],
)
def test_a_fault_names_its_kind_its_ground_and_somebody_of_the_unit(
    county: World, gap: str, values: dict[str, str]
) -> None:
    case = send(county, tell(county))
    with pytest.raises(Incomplete) as caught:
        record(county, "kuang", "fault", case, **{"person": "bu", "code": "undone", **values})
    assert set(caught.value.problems) == {gap}
    for stranger in ("ouyang", "hui", "nie"):
        with refused("not_yours"):
            record(county, stranger, "fault", case, person="bu", code="undone")


@pytest.mark.clause("XJ-A3.4")
def test_what_is_written_of_a_conduct_matter_names_nobody_who_complained(county: World) -> None:
    case = send(county, register(county, category="conduct"), category="conduct")
    name = county.words(case)["applicant_name"]
    fault: dict[str, str] = {"person": "bu", "code": "bad_attitude"}
    with pytest.raises(Incomplete) as caught:
        record(county, "kuang", "fault", case, **fault, words=f"{name}反映的属实")
    assert caught.value.problems == {"words": "personal"}
    made, _ = record(county, "kuang", "fault", case, **fault)
    with refused("incomplete"):
        confirm(county, "kuang", made, words=f"已答复{name}")
    confirm(county, "kuang", made)
    for act in ("add", "appeal"):
        with refused("incomplete"):
            do(county, "kuang", act, made.ref, f"已答复{name}")


# --- what comes back ------------------------------------------------------------------------------------


def of_one_kind(world: World, *days: str) -> None:
    """Matters of one kind on these days; a person has confirmed that they are."""
    for one in days:
        laid(world, "registry", one, item="不动产过户", cause_code="delay")
    person = world.who("nie")
    kind = Kind(unit_of(world, "registry"), "不动产过户", "delay")
    with store.transaction(world.office.engine) as conn:
        improvement.confirm(world.office, conn, person, kind, world.now)


@pytest.mark.clause("LH-17d")
@pytest.mark.parametrize(
    ("third", "count"), [("2023-04-11", 1), ("2023-04-12", 0)], ids=["inside the year", "a day later"]
)
def test_the_third_of_a_kind_within_a_year(county: World, third: str, count: int) -> None:
    of_one_kind(county, "2022-04-11", "2022-09-01", third)
    county.now = at("2023-04-13T09:30")

    made = look(county)

    assert [p.entry for p in made] == ["recurrence"] * count
    for one in made:
        assert one.unit_id == unit_of(county, "registry") and one.person_id is None
        assert one.day == day(third) and len(one.evidence["cases"]) == 3
    assert look(county) == ()


def test_what_nobody_has_confirmed_to_be_of_one_kind_counts_nothing(county: World) -> None:
    for one in ("2022-04-11", "2022-05-11", "2022-06-13"):
        laid(county, "registry", one, item="不动产过户", cause_code="delay")
    county.now = at("2022-07-01T09:30")
    assert look(county) == ()


def test_a_fourth_in_the_same_year_proposes_nothing_more(county: World) -> None:
    of_one_kind(county, "2022-04-11", "2022-05-11", "2022-06-13")
    county.now = at("2022-07-01T09:30")
    assert len(look(county)) == 1
    laid(county, "registry", "2022-06-30", item="不动产过户", cause_code="delay")
    assert look(county) == ()


def complaint(world: World, on: str) -> Case:
    world.now = at(f"{on}T09:30")
    return send(world, register(world))


@pytest.mark.clause("LH-17e")
def test_the_third_complaint_with_a_confirmed_effect(county: World) -> None:
    made: list[proposals.Proposal] = []
    for on in ("2022-05-10", "2022-07-11"):
        made += record(
            county, "kuang", "adverse_effect", complaint(county, on), person="bu", code="bad_attitude"
        )
    complaint(county, "2022-08-01")  # the third, without the mark
    assert made == [] and look(county) == ()

    made += record(
        county, "kuang", "adverse_effect", complaint(county, "2022-09-01"), person="bu", code="unskilled"
    )

    assert [(p.entry, p.person_id, p.points) for p in made] == [("complaints", county.who("bu").id, 0)]
    assert len(made[0].evidence["findings"]) == 3 and made[0].day == day("2022-09-01")
    assert look(county) == ()


def test_effects_on_different_people_or_years_apart_do_not_add_up(county: World) -> None:
    for on, who in (
        ("2022-05-10", "bu"),
        ("2022-07-11", "jian"),
        ("2022-09-01", "bu"),
        ("2023-05-11", "bu"),
    ):
        assert (
            record(county, "kuang", "adverse_effect", complaint(county, on), person=who, code="careless")
            == ()
        )
    assert look(county) == ()


# --- related units --------------------------------------------------------------------------------------


@pytest.mark.clause("LH-17f")
def test_three_members_lose_a_point_each_when_a_ground_is_recorded(county: World) -> None:
    case = joint(county)
    county.pass_to("2022-04-25T09:00")
    assert county.again(case).overdue and look(county) == (), "lateness alone is no ground"

    made = record(county, "kuang", "related_units", case, code="shirking")

    assert {p.unit_id for p in made} == {unit_of(county, name) for name in ("housing", "tax", "market")}
    assert [p.points for p in made] == [1, 1, 1]


@pytest.mark.clause("LH-17f")
def test_a_member_that_did_its_task_loses_nothing(county: World) -> None:
    case = joint(county)
    county.do("shu", case, "contribute", contribution="规划核实当天出具")
    made = record(county, "kuang", "related_units", case, code="inattentive")
    assert {p.unit_id for p in made} == {unit_of(county, name) for name in ("tax", "market")}


def test_a_matter_of_one_unit_has_no_related_units(county: World) -> None:
    with refused("nobody_left"):
        record(county, "kuang", "related_units", send(county, tell(county)), code="inattentive")


# --- the yearly sheet -----------------------------------------------------------------------------------


def total(world: World, unit: str, year: int = 2022) -> int:
    """What the sheet of the year says of a unit, checked against the database asked in other words."""
    person = world.who("kuang")
    with store.transaction(world.office.engine) as conn:
        sheet = proposals.yearly(world.office, conn, person, year)
    name = next(u.name for u in world.office.hall.units if u.key == unit)
    said_of = [row[6] for row in sheet.rows if row[0] == f"{name}合计"]
    counted = sql(
        world,
        "SELECT COALESCE(SUM(points), 0) FROM proposal WHERE unit_id = :unit AND person_id IS NULL"
        " AND state IN ('confirmed', 'appealed')",
        unit=unit_of(world, unit),
    )
    shown = int(said_of[0]) if said_of else 0  # type: ignore[arg-type]
    assert shown == counted
    return shown


@pytest.mark.clause("LH-17g")
def test_the_sheet_of_a_unit_is_the_sum_of_what_was_confirmed(county: World) -> None:
    case = called(county)
    (late,) = record(county, "kuang", "late", case)
    unit, person = record(county, "kuang", "fault", case, person="bu", code="careless")
    again = record(
        county, "kuang", "fault", send(county, tell(county, "wang")), person="jian", code="careless"
    )
    assert total(county, "registry") == 0, "what is proposed counts nothing"
    for one in (late, unit, person):
        confirm(county, "kuang", one)
    refuse(county, "kuang", again[0], words="材料确实没有交齐，不是窗口的错。")
    assert total(county, "registry") == 2, "the point of the person is no point of the unit"
    assert told(county, "hui") == ["proposal_told"] * 3
    assert told(county, "qiu") == [], (
        "whether the department behind the window hears of it is a person's to say"
    )


def test_an_appeal_is_noted_answered_and_never_erased(county: World) -> None:
    (late,) = record(county, "kuang", "late", called(county))
    with refused("not_yours"):
        do(county, "hui", "appeal", late.ref, "还没有决定")
    confirm(county, "kuang", late, words="通知后五十分钟才到。")
    assert [p.ref for p in seen(county, "hui")] == [late.ref] and seen(county, "miao") == []

    do(county, "hui", "appeal", late.ref, "当时正在抢修系统，有记录。")

    assert told(county, "kuang").count("proposal_appealed") == 1
    assert total(county, "registry") == 1, "an appeal alone takes nothing back"
    with refused("not_yours"):
        do(county, "hui", "answer", late.ref, True, "撤销")
    do(county, "ling", "answer", late.ref, True, "核对了抢修记录，属实。")
    assert total(county, "registry") == 0
    assert [what for what, _ in said(county, late)] == ["proposed", "confirmed", "appealed", "lifted"]
    assert said(county, late)[2][1] == "当时正在抢修系统，有记录。"
    assert sql(county, "SELECT COUNT(*) FROM proposal_line WHERE proposal_id = :id", id=late.id) == 4


def test_an_answer_that_upholds_leaves_it_counting(county: World) -> None:
    (late,) = record(county, "kuang", "late", called(county))
    confirm(county, "kuang", late)
    do(county, "kuang", "appeal", late.ref, "回春生当面说：电话没有听到。")  # noted by the section for them
    do(county, "ling", "answer", late.ref, False, "通话记录显示接通了。")
    assert total(county, "registry") == 1 and every(county)[0].state == "confirmed"


def test_it_is_decided_once_by_the_section_and_a_refusal_says_why(county: World) -> None:
    (late,) = record(county, "kuang", "late", called(county))
    for stranger in ("hui", "ouyang", "jin"):
        with refused("not_yours"):
            confirm(county, stranger, late)
    with pytest.raises(Incomplete):
        refuse(county, "kuang", late)
    refuse(county, "kuang", late, words="门禁记录显示按时到了。")
    with refused("decided_already"):
        confirm(county, "ling", late)
    assert total(county, "registry") == 0 and told(county, "hui") == []


def test_the_section_is_told_once_and_no_card_names_a_person(county: World) -> None:
    record(county, "kuang", "fault", send(county, tell(county)), person="bu", code="undone")
    look(county)
    assert told(county, "ling") == ["proposal_wanted"] * 2
    cards = [m for m in county.outbox_of("ling") if m.notice == "proposal_wanted"]
    assert all("卜丽" not in str(m.data) and m.case_id is None for m in cards)


def test_what_is_late_but_answered_leaves_the_sheet_empty(county: World) -> None:
    case = send(county, tell(county))
    county.pass_to("2022-04-20T09:00")
    answer(county, case)
    look(county)
    assert every(county) == []
