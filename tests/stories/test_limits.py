"""Limits: counted in working days from acceptance, reminded of once each, and what follows when one is missed."""

from datetime import datetime
from pathlib import Path

import pytest

from core.case import Case
from tests.stories.reading import all_words, drawn
from tests.world import World, at

HEADS = {"housing": "chen", "park": "ouyang"}
OFFICERS = {"housing": ("zhang", "liu", "wu"), "park": ("bai",)}


def moments(world: World, case: Case, who: str, *notices: str) -> list[datetime]:
    person = world.who(who)
    return [m.not_before for m in world.outbox(case, *notices) if m.person_id == person.id]


@pytest.mark.clause("XJ-2.3a")
def test_an_ordinary_matter_has_three_working_days(world: World) -> None:
    case = world.dispatch(world.tell("li"), level="ordinary")
    in_time = world.dispatch(world.tell("wang"), level="ordinary")
    duty = world.duty(case, "limit")
    assert duty is not None and duty.target_at is not None and duty.due_at is not None
    assert duty.target_at.date().isoformat() == "2022-04-12"
    assert world.due_day(case) == "2022-04-14"

    world.pass_to("2022-04-14T16:50")
    in_time = world.result(in_time)
    world.pass_to("2022-04-15T00:00")
    assert world.again(case).overdue
    assert not world.again(in_time).overdue
    world.pass_to("2022-04-18T10:00")
    in_time = world.delivered(in_time)
    assert in_time.at("closed_at") == at("2022-04-18T10:00")
    assert not in_time.overdue, "delivered later, yet in time"


@pytest.mark.clause("XJ-2.3b", "XJ-2.3c")
def test_complex_and_external_matters_have_ten_and_fifteen(hall: World) -> None:
    complex_ = hall.dispatch(hall.tell("li"), level="complex")
    external = hall.dispatch(hall.tell("wang"), level="external", unit="park")
    assert hall.due_day(complex_) == "2022-04-24", "a Sunday that works"
    assert hall.due_day(external) == "2022-04-29"
    assert external.kind == "coordinate"

    hall.pass_to("2022-04-24T16:59")
    assert not hall.again(complex_).overdue
    hall.pass_to("2022-04-24T17:00")
    assert not hall.again(complex_).overdue, "at the due moment itself it is in time"
    hall.now = at("2022-04-24T17:00:01")
    hall.sweep()
    assert hall.again(complex_).overdue
    hall.pass_to("2022-04-29T17:00")
    assert not hall.again(external).overdue
    hall.pass_to("2022-04-29T17:00:01")
    assert hall.again(external).overdue


@pytest.mark.parametrize(
    ("told", "ordinary", "complex_", "external"),
    [
        ("2022-04-01T10:00", "2022-04-07", "2022-04-18", "2022-04-24"),
        ("2022-04-02T10:00", "2022-04-08", "2022-04-19", "2022-04-25"),
        ("2022-04-11T23:59", "2022-04-14", "2022-04-24", "2022-04-29"),
        ("2022-04-29T10:00", "2022-05-07", "2022-05-17", "2022-05-24"),
        ("2022-09-30T10:00", "2022-10-10", "2022-10-19", "2022-10-26"),
        ("2023-09-29T10:00", "2023-10-09", "2023-10-18", "2023-10-25"),
        ("2023-12-29T10:00", "2024-01-04", "2024-01-15", "2024-01-22"),
        ("2026-02-13T10:00", "2026-02-25", "2026-03-05", "2026-03-12"),
    ],
)
def test_holidays_and_make_up_days_count_as_the_notices_say(
    sqlite_url: str, tmp_path: Path, told: str, ordinary: str, complex_: str, external: str
) -> None:
    hall = World.make(sqlite_url, tmp_path / "files", start=told)
    hall.in_force_since("2022-01-01")
    cases = [hall.tell(who) for who in ("li", "wang", "sun")]
    assert {hall.due_day(case) for case in cases} == {ordinary}, "until triage the shortest runs"
    given = [("ordinary", "housing"), ("complex", "housing"), ("external", "park")]
    sent = [
        hall.dispatch(case, level=level, unit=unit) for case, (level, unit) in zip(cases, given, strict=True)
    ]
    assert [hall.due_day(case) for case in sent] == [ordinary, complex_, external]
    hall.office.engine.dispose()


def test_no_limit_waits_for_the_dispatch(hall: World) -> None:
    cases = {"complex": hall.tell("li"), "external": hall.tell("wang")}
    hall.pass_to("2022-04-13T10:00")
    sent = {
        level: hall.dispatch(case, level=level, unit="housing" if level == "complex" else "park")
        for level, case in cases.items()
    }
    assert {level: hall.due_day(case) for level, case in sent.items()} == {
        "complex": "2022-04-24",
        "external": "2022-04-29",
    }, "fifteen working days of the telling, the window's two among them"


@pytest.mark.clause("XJ-4.1b")
def test_reminders_come_once_each_in_office_hours_and_stop_when_it_is_met(world: World) -> None:
    ordinary = world.dispatch(world.tell("li"), level="ordinary")
    complex_ = world.dispatch(world.tell("wang"), level="complex")
    met = world.dispatch(world.tell("sun"), level="complex")
    for case in (ordinary, complex_, met):
        world.do("zhang", case, "sign_for")
    world.pass_to("2022-04-22T15:00")
    world.result(met)
    world.pass_to("2022-04-30T12:00")
    world.sweep()

    for officer in OFFICERS["housing"]:
        assert moments(world, ordinary, officer, "remind_target") == [at("2022-04-12T09:00")]
        assert moments(world, ordinary, officer, "remind_before") == [at("2022-04-13T09:00")]
        assert moments(world, ordinary, officer, "remind_day") == [at("2022-04-14T09:00")]
        assert moments(world, complex_, officer, "remind_target") == [], "no target, no reminder of it"
        assert moments(world, complex_, officer, "remind_before") == [at("2022-04-22T09:00")]
        assert moments(world, complex_, officer, "remind_day") == [at("2022-04-24T09:00")], (
            "a Sunday that works"
        )
        assert moments(world, met, officer, "remind_day") == []
    assert moments(world, complex_, "chen", "remind_before") == []
    assert moments(world, complex_, "chen", "remind_day") == [at("2022-04-24T09:00")], (
        "on the day the head too"
    )


def test_no_reminder_on_a_holiday(sqlite_url: str, tmp_path: Path) -> None:
    hall = World.make(sqlite_url, tmp_path / "files", start="2022-04-01T10:00")
    hall.in_force_since("2022-01-01")
    case = hall.dispatch(hall.tell("li"), level="ordinary")
    hall.pass_to("2022-04-08T09:00")
    assert moments(hall, case, "zhang", "remind_target") == [at("2022-04-02T09:00")], "a Saturday that works"
    assert moments(hall, case, "zhang", "remind_before") == [at("2022-04-06T09:00")], "not during Qingming"
    assert moments(hall, case, "zhang", "remind_day") == [at("2022-04-07T09:00")]
    hall.office.engine.dispose()


@pytest.mark.clause("XJ-2.2f")
def test_a_missed_limit_is_told_and_supervised_by_a_named_person_once(world: World) -> None:
    case = world.dispatch(world.tell("li"), level="ordinary")
    world.do("zhang", case, "sign_for")
    waited = world.dispatch(world.tell("wang"), level="ordinary")
    world.do("zhang", waited, "sign_for")
    world.pass_to("2022-04-12T10:00")
    world.do("zhang", waited, "ask", question="产权证在谁名下？")
    world.pass_to("2022-04-13T15:00")
    world.say("wang", "在我妈妈名下")

    world.pass_to("2022-04-14T17:00")
    assert not world.again(case).overdue
    world.pass_to("2022-04-14T17:00:01")
    case = world.again(case)
    assert case.overdue and case.supervision_count == 0
    prepared = world.duty(case, "issue_supervision")
    assert prepared is not None
    (alert,) = world.outbox(case, "overdue_alert")
    assert alert.person_id == world.who("gu").id
    assert alert.not_before == at("2022-04-15T09:00"), "people are told in the next office hour"
    assert not world.outbox(case, "supervise_card", "supervise_group"), "the machine supervises nobody"
    for _ in range(3):
        assert world.sweep() == 0
    assert world.duty(case, "issue_supervision") == prepared
    assert len(world.outbox(case, "overdue_alert")) == 1
    for other in ("zhou", "xiao", "zhang", "chen", "li"):
        assert world.refusal(other, case, "supervise").code == "not_yours"

    world.pass_to("2022-04-15T09:30")
    case = world.do("gu", case, "supervise", case.rev)
    assert case.supervision_count == 1
    assert case.at("supervised_at") == world.now
    assert len(world.outbox(case, "supervise_group")) == 1
    assert {m.person_id for m in world.outbox(case, "supervise_card")} == {
        world.who(key).id for key in ("zhang", "liu", "wu", "chen")
    }
    sheet = world.paper("zhang", case, "dispatch", "supervise")
    assert sheet.title == "“办不成事”反映窗口受理事项督办单"
    assert "交办人：顾正" in all_words(sheet)
    assert world.refusal("gu", case, "supervise").code == "done_already"
    assert world.again(case).supervision_count == 1

    assert not world.again(waited).overdue
    assert world.duty(waited, "issue_supervision") is None
    assert not world.outbox(waited, "overdue_alert"), "time not had is held against nobody"
    world.result(waited)


def test_time_spent_waiting_moves_what_is_held_against_the_unit_by_that_time_only(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"), level="ordinary")
    hall.pass_to("2022-04-12T10:00")
    hall.do("zhang", case, "ask", question="产权证在谁名下？")
    hall.pass_to("2022-04-14T10:00")
    hall.say("li", "在我妈妈名下")
    assert hall.due_day(case) == "2022-04-14", "the promised day does not move"
    hall.pass_to("2022-04-18T17:00")
    assert not hall.again(case).overdue
    hall.pass_to("2022-04-18T17:00:01")
    assert hall.again(case).overdue, "two working days of waiting, and no more"


def test_an_unissued_sheet_is_told_of_again(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"), level="ordinary")
    hall.pass_to("2022-04-19T12:00")
    assert moments(hall, case, "gu", "overdue_alert") == [at("2022-04-15T09:00"), at("2022-04-18T09:00")]
    assert hall.again(case).supervision_count == 0


def test_a_missed_supervision_prepares_the_next_sheet_and_names_no_person(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"), level="ordinary")
    hall.pass_to("2022-04-15T09:30")
    hall.do("gu", case, "supervise")
    duty = hall.duty(case, "supervision")
    assert duty is not None and hall.due_day(case, "supervision") == "2022-04-20"
    hall.pass_to("2022-04-20T17:00")
    assert hall.duty(case, "issue_supervision") is None
    hall.pass_to("2022-04-20T17:00:01")
    assert hall.duty(case, "issue_supervision") is not None
    assert moments(hall, case, "gu", "supervision_missed") == [at("2022-04-21T09:00")]
    assert hall.again(case).supervision_count == 1
    (missed,) = [e for e in hall.events(case) if e.act == "supervision.overdue"]
    assert missed.actor_id is None
    assert hall.do("gu", case, "supervise").supervision_count == 2


def test_an_answer_in_time_ends_the_supervision(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"), level="ordinary")
    hall.pass_to("2022-04-15T09:30")
    hall.do("gu", case, "supervise")
    hall.pass_to("2022-04-19T10:00")
    hall.result(case)
    assert hall.duty(case, "supervision") is None
    hall.pass_to("2022-05-06T10:00")
    assert not hall.outbox(case, "supervision_missed")


def test_a_silent_window_is_overdue_too(hall: World) -> None:
    case = hall.tell("li")
    hall.pass_to("2022-04-15T09:01")
    assert hall.again(case).overdue
    assert moments(hall, case, "gu", "overdue_alert") == [at("2022-04-15T09:00")]
    assert moments(hall, case, "zhou", "remind_day") == [at("2022-04-14T09:00")], (
        "the window stands in for the unit"
    )


def test_the_windows_delay_is_not_held_against_the_unit(hall: World) -> None:
    case = hall.tell("li")
    hall.pass_to("2022-04-15T09:30")
    assert hall.again(case).overdue
    case = hall.dispatch(case)
    assert hall.due_day(case) == "2022-04-24"
    assert not case.overdue, "the unit has until then"
    assert hall.duty(case, "issue_supervision") is None
    assert hall.duties_of(case, "limit")[0].missed_at == at("2022-04-14T17:00"), (
        "and the delay stays on record"
    )
    hall.do("zhang", case, "sign_for")
    given = {
        "extension_reason": "出差",
        "consent_way": "phone",
        "consent_at": "2022-04-15",
        "consent_words": "可以",
    }
    hall.do("zhang", case, "extend", extension_due="2022-04-29", **given)
    hall.pass_to("2022-04-25T09:30")
    assert hall.again(case).overdue and hall.duty(case, "issue_supervision") is not None

    case = hall.do("xiao", case, "approve_extension")
    assert not case.overdue, "asked in time, granted late"
    assert hall.duty(case, "issue_supervision") is None
    hall.pass_to("2022-04-30T09:30")
    assert hall.again(case).overdue and hall.duty(case, "issue_supervision") is not None


@pytest.mark.parametrize(
    ("when", "level", "due"),
    [
        ("2022-04-13T10:00", "complex", "2022-04-24"),
        ("2022-04-22T10:00", "ordinary", "2022-04-24"),
        ("2022-04-12T10:00", "ordinary", "2022-04-14"),
    ],
)
def test_a_change_of_level_counts_from_the_old_start(hall: World, when: str, level: str, due: str) -> None:
    before = "ordinary" if level == "complex" else "complex"
    case = hall.dispatch(hall.tell("li"), level=before)
    hall.pass_to(when)
    case = hall.do("zhou", case, "relevel", level=level, relevel_reason="窗口重新看过")
    assert case.level == level
    assert hall.due_day(case) == due
    assert hall.told("li", case)[-1] == "releveled_citizen"
    assert due.split("-")[2].lstrip("0") in drawn(hall, hall.outbox(case, "releveled_citizen")[-1])
    rows = hall.duties_of(case, "limit")
    assert [d.state for d in rows][-2:] == ["void", "open"], "the old row stays on record"


def test_a_redo_starts_the_same_limit_anew(hall: World) -> None:
    case = hall.delivered(hall.result(hall.dispatch(hall.tell("li"), level="ordinary")))
    hall.pass_to("2022-04-20T10:00")
    hall.do("zhou", case, "follow_up", visit_way="phone", visit_satisfied="dissatisfied")
    hall.do("zhou", case, "propose_cause", cause_proposed="subjective", cause_reason="只回了一句话")
    case = hall.do("xiao", case, "redo", judge_reason="没有说明依据")
    assert hall.due_day(case) == "2022-04-24"
    assert not case.overdue
    assert case.at("accepted_at") == at("2022-04-11T09:30")
