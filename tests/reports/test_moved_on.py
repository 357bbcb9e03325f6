"""What has moved on since: to another unit, into a new round, out of the month, under a new version of the rules."""

from __future__ import annotations

from dataclasses import replace

from core.case import Case
from tests.reports.desk import by_hand, computed, days_pass, pairs, row
from tests.world import World

APRIL = ("2022-04-01", "2022-04-30")
YEAR = ("2022-01-01", "2022-12-31")


def unit_name(world: World, key: str) -> str:
    return str(by_hand(world, "select name from unit where key = :key", key=key)[0].name)


def closed(world: World, who: str = "li") -> Case:
    return world.delivered(world.result(world.dispatch(world.tell(who))))


def test_what_happened_counts_for_the_unit_that_had_the_matter_then(hall: World) -> None:
    case = hall.dispatch(hall.tell(), level="ordinary")
    days_pass(hall, "2022-04-18T10:00")
    hall.do("gu", case, "supervise")
    hall.do("zhang", case, "send_back", send_back_reason="不属本单位")
    hall.dispatch(case, unit="land")
    table = computed(hall, "integrity", *YEAR)["units"]
    before, now = row(table, unit_name(hall, "housing")), row(table, unit_name(hall, "land"))
    assert (before["督办"], before["收到"]) == (1, 0)  # whom it was issued to answers for it
    assert (now["督办"], now["收到"]) == (0, 1)
    assert row(table, "合计")["督办"] == 1


def test_a_result_that_came_back_solved_nothing_and_the_figures_of_before_stay(hall: World) -> None:
    case = closed(hall)
    hall.do("li", case, "rate", score="2")
    visited = {"visit_way": "phone", "visit_satisfied": "dissatisfied", "visit_opinion": "没说清"}
    hall.do("zhou", case, "follow_up", **visited)
    hall.do("zhou", case, "propose_cause", cause_proposed="subjective", cause_reason="没有解决")
    days_pass(hall, "2022-04-12T10:00")
    before = computed(hall, "metrics", *APRIL)
    assert row(before["units"], "合计")["解决率"] == "100.0%"
    days_pass(hall, "2022-04-13T10:00")
    hall.do("xiao", case, "redo", judge_reason="该办没办")
    assert row(computed(hall, "metrics", *APRIL)["units"], "合计")["解决率"] == "0.0%"
    assert computed(hall, "metrics", *APRIL, as_of="2022-04-12T10:00") == before


def test_a_visit_that_nobody_made_is_still_to_be_made_months_later(hall: World) -> None:
    closed(hall)
    days_pass(hall, "2022-07-05T10:00")
    assert (
        by_hand(hall, "select count(*) n from event where at >= '2022-06-01' and act not like '%.%'")[0].n
        == 0
    )
    june = computed(hall, "analysis", "2022-06-01", "2022-06-30")
    assert pairs(june["visits"]) == {"回访满意": 0, "回访不满意": 0, "还没有回访": 1}
    assert row(june["received"], "合计")["件数"] == 0


def test_a_conversation_begun_before_and_submitted_after_was_not_received_yet(hall: World) -> None:
    hall.say("li", "我要反映")
    hall.say("li", "转人工")
    days_pass(hall, "2022-04-12T10:00")
    hall.tell("li")
    at_first = computed(hall, "analysis", *APRIL, as_of="2022-04-11T18:00")["received"]
    assert row(at_first, "合计")["件数"] == 0
    assert row(computed(hall, "analysis", *APRIL)["received"], "合计")["件数"] == 1


def test_a_month_in_which_the_rules_changed_counts_matters_of_both_versions(hall: World) -> None:
    closed(hall)
    newer = hall.rules.model_copy(update={"version": "2022-04-15"})
    days_pass(hall, "2022-04-15T10:00")
    hall.office = replace(hall.office, profile=newer)
    closed(hall, "zhao")
    assert {r.policy_version for r in by_hand(hall, "select policy_version from cases")} != {newer.version}
    month = row(computed(hall, "notice", *APRIL)["units"], "合计")
    assert (month["收到"], month["办结"], month["按期答复"]) == (2, 2, 2)


def test_a_period_in_which_nothing_was_told_says_so_in_every_section(hall: World) -> None:
    for report in hall.rules.reports:
        for table in computed(hall, report.key, "2022-03-01", "2022-03-31").values():
            assert all(cell.value in (0, "—") or not cell.cases for r in table.rows for cell in r)
