"""湘江新区: the check of each working day, the month's analysis and notice, the figures for two assessments."""

from __future__ import annotations

from datetime import date

import pytest

from core import reports, store
from core.case import Case
from core.refusals import DONE_ALREADY, Incomplete, Refusal
from tests.reports.desk import (
    by_hand,
    computed,
    days_pass,
    filed,
    leaves,
    notices,
    row,
    rows,
    sign,
    tables_of,
    the_report,
    tick,
    words,
)
from tests.world import World

APRIL = ("2022-04-01", "2022-04-30")


def closed(world: World, case: Case | None = None) -> Case:
    return world.delivered(world.result(world.dispatch(case or world.tell())))


# --- the daily check --------------------------------------------------------------------------------------


@pytest.mark.clause("XJ-3.1a")
def test_each_working_day_has_one_check_and_days_of_rest_have_none(hall: World) -> None:
    days_pass(hall, "2022-05-08T18:00")
    days = [f.last for f in filed(hall, "daily_check")]
    assert days == sorted(set(days))
    # 04-24 and 05-07 are make-up days, 04-30 to 05-04 the Labour Day holiday.
    assert [d for d in days if d >= date(2022, 4, 22)] == [
        date(2022, *md)
        for md in ((4, 22), (4, 24), (4, 25), (4, 26), (4, 27), (4, 28), (4, 29), (5, 5), (5, 6), (5, 7))
    ]


@pytest.mark.clause("XJ-3.1a")
def test_the_check_counts_the_day_and_is_locked_once_signed(hall: World) -> None:
    tick(hall)
    closed(hall)
    hall.tell("zhao")
    hall.register()
    check = the_report(hall, "daily_check")
    (table,) = tables_of(hall, check)
    told = by_hand(
        hall,
        "select count(*) n from moment where name = 'submitted_at'"
        " and at >= '2022-04-10 16:00:00' and at < '2022-04-11 16:00:00'",
    )[0].n
    assert row(table, "台账登记")["件数"] == row(table, "系统收件")["件数"] == told == 3
    assert len(list(hall.ledger("xiao", "2022-04-11").rows)) == told
    assert row(table, "办结")["件数"] == 1 and row(table, "在办")["件数"] == 2
    with pytest.raises(Refusal, match="not_yours"):
        sign(hall, "zhou", check)  # the window does not check itself
    signed = sign(hall, "xiao", check, "台账登记 3 件，核对无误。")
    assert (signed.signed_by, signed.text) == (hall.who("xiao").id, "台账登记 3 件，核对无误。")
    for act in (reports.save, reports.sign):
        xiao = hall.who("xiao")
        with pytest.raises(Refusal) as refused, store.transaction(hall.office.engine) as conn:
            act(hall.office, conn, check.ref, xiao, "改一改", hall.now)
        assert refused.value.code == DONE_ALREADY
    days_pass(hall, "2022-04-11T16:00")
    hall.tell("qian")
    assert rows(tables_of(hall, signed)[0]) == rows(table)  # what was signed stays what was signed


@pytest.mark.clause("XJ-3.1a")
def test_a_check_unsigned_at_closing_is_reminded_of_at_the_next_opening(hall: World) -> None:
    days_pass(hall, "2022-04-11T16:59")
    assert notices(hall, "xiao", "report_missed", "report_reminder") == []
    days_pass(hall, "2022-04-11T17:31")
    (told,) = notices(hall, "xiao", "report_missed")
    assert leaves(told) == "2022-04-12T09:00" and told.clause == "XJ-3.1a"
    days_pass(hall, "2022-04-12T10:00")
    sign(hall, "xiao", the_report(hall, "daily_check"))
    days_pass(hall, "2022-04-12T18:00")
    assert len(notices(hall, "xiao", "report_missed")) == 1


def test_a_matter_registered_later_for_an_earlier_day_shows_as_a_difference(hall: World) -> None:
    tick(hall)
    hall.register(told_at="2022-04-09T16:00")  # a Saturday
    (table,) = tables_of(hall, the_report(hall, "daily_check"))
    assert row(table, "台账登记")["件数"] == 1
    days_pass(hall, "2022-04-12T10:00")
    hall.register(told_at="2022-04-11T16:00")
    (table,) = tables_of(hall, the_report(hall, "daily_check"))
    assert row(table, "台账登记")["件数"] == 0
    assert row(table, "不符：登记了，不是这几天收的（补登）")["件数"] == 1
    assert "有 1 处不符" in words(hall, the_report(hall, "daily_check"))


# --- month and year -----------------------------------------------------------------------------------------


def spring(world: World) -> dict[str, Case]:
    """A month in which everything happens once: in time, late and supervised, redone, unsolved, guided."""
    good, bad, late = (closed(world, world.tell(who)) for who in ("li", "zhao", "qian"))
    world.do("li", good, "rate", score="5")
    world.do("zhao", bad, "rate", score="2")
    world.do(
        "zhou", bad, "follow_up", visit_way="phone", visit_satisfied="dissatisfied", visit_opinion="没说清"
    )
    late = world.dispatch(world.tell("sun"), level="ordinary", unit="land")
    days_pass(world, "2022-04-18T10:00")
    world.do("gu", late, "supervise")
    days_pass(world, "2022-04-25T10:00")
    return {"good": good, "bad": bad, "late": late}


@pytest.mark.clause("XJ-3.3a", "XJ-3.3b", "XJ-4.3b")
def test_the_months_figures_equal_counts_by_hand(world: World) -> None:
    cases = spring(world)
    days_pass(world, "2022-05-05T09:01")
    analysis = computed(world, "analysis", *APRIL)
    told = by_hand(world, "select count(*) n from moment where name = 'submitted_at'")[0].n
    assert row(analysis["received"], "合计")["件数"] == told == 4
    for title, column in (("办理方式", "kind"), ("级别", "level")):
        counts = sorted(int(n) for t, _, n in rows(analysis["received"]) if t == title)
        by_column = by_hand(world, f"select count(*) n from cases group by {column}")
        assert counts == sorted(r.n for r in by_column), title
    assert row(analysis["visits"], "回访不满意")["件数"] == 1

    notice = computed(world, "notice", *APRIL)["units"]
    land, whole = row(notice, unit_name(world, "land")), row(notice, "合计")
    assert (land["收到"], land["办结"], land["按期答复"], land["超期"]) == (1, 0, 0, 1)
    replies = by_hand(world, "select count(*) n from duty where key = 'limit' and state = 'met'")[0].n
    missed = by_hand(world, "select count(*) n from cases where overdue_at is not null")[0].n
    closings = by_hand(world, "select count(*) n from event where act = 'delivered_all'")[0].n
    assert (whole["按期答复"], whole["超期"], whole["办结"]) == (replies, missed, closings) == (3, 1, 3)
    assert sum(int(r[1]) for r in rows(notice)[:-1]) == whole["收到"] == told
    assert set(notice.rows[-1][4].cases) == {cases["late"].id}  # a figure opens its cases

    metrics = computed(world, "metrics", *APRIL)["units"]
    solved = by_hand(world, "select count(*) n from fact where field = 'solved' and code = 'yes' and current")
    assert row(metrics, "合计")["解决率"] == "100.0%" and solved[0].n == row(metrics, "合计")["办成"] == 3
    rated = by_hand(world, "select count(*) n from event where act = 'rate'")[0].n
    assert row(metrics, "合计")["评价"] == rated == 2
    assert row(metrics, "合计")["满意率"] == row(metrics, "合计")["满意率（不含基本满意）"] == "50.0%"
    assert row(metrics, "合计")["未评价"] == 1

    signed = sign(world, "xiao", the_report(world, "notice"))
    heads = [p.key for p in world.office.hall.people for post in p.posts if post.role == "unit_head"]
    assert all(notices(world, str(key), "report_sent") for key in heads)
    assert notices(world, "zhou", "report_sent") == []
    assert signed.digest == reports.digest_of(tables_of(world, signed))


@pytest.mark.clause("XJ-4.4a")
def test_the_years_sheet_for_the_integrity_assessment_lists_each_unit(hall: World) -> None:
    spring(hall)
    days_pass(hall, "2022-04-29T10:00")
    table = computed(hall, "integrity", "2022-01-01", "2022-12-31")["units"]
    units = by_hand(hall, "select name from unit where kind in ('unit', 'company', 'external') and active")
    assert {r[0] for r in rows(table)[:-1]} >= {u.name for u in units}
    land = row(table, unit_name(hall, "land"))
    assert (land["收到"], land["超期"], land["督办"], land["重办"], land["督办后仍未办"]) == (1, 1, 1, 0, 1)
    supervised = by_hand(hall, "select sum(supervision_count) n from cases")[0].n
    assert row(table, "合计")["督办"] == supervised == 1


def test_nothing_in_a_report_leads_to_a_person(hall: World) -> None:
    closed(hall)
    days_pass(hall, "2022-05-05T09:01")
    report = the_report(hall, "analysis")
    with pytest.raises(Incomplete) as refused:
        sign(hall, "xiao", report, "李桂兰 13800001234 反映的事已经办结")
    assert refused.value.problems == {"text": "personal"}
    assert not the_report(hall, "analysis").signed


def unit_name(world: World, key: str) -> str:
    return str(by_hand(world, "select name from unit where key = :key", key=key)[0].name)
