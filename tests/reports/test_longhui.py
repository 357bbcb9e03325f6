"""隆回县: the month's summary, ready on the first working day of the next, and the list of bad ratings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.case import Case
from tests.regions.test_longhui import answer, register, send, tell
from tests.reports.desk import (
    by_hand,
    computed,
    days_pass,
    leaves,
    notices,
    row,
    rows,
    sign,
    the_report,
    words,
)
from tests.world import World

APRIL = ("2022-04-01", "2022-04-30")
TOLD_IN_APRIL = (
    "select count(*) n from cases c join moment m on m.case_id = c.id and m.name = 'submitted_at'"
    " where c.number is not null and m.at >= '2022-03-31 16:00:00' and m.at < '2022-04-30 16:00:00'"
)


@pytest.fixture
def county(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("longhui", sqlite_url, tmp_path / "files", start="2022-04-11T09:30")
    yield made
    made.office.engine.dispose()


def april(world: World) -> None:
    """Three matters of one kind and one of another told in April; of two the answer is rated."""
    first = send(world, tell(world))
    second = send(world, register(world))
    days_pass(world, "2022-04-12T10:00")
    send(world, register(world, item="医保关系转移", cause_code="system"), "insurance", cause_code="system")
    tell(world, "zhao")
    world.delivered(answer(world, first))
    world.do("li", first, "rate", score="2")
    days_pass(world, "2022-04-13T10:00")
    world.delivered(answer(world, second))


@pytest.mark.clause("LH-14b")
def test_april_run_on_the_fifth_of_may_counts_what_the_ledger_holds(county: World) -> None:
    april(county)
    days_pass(county, "2022-05-05T08:59")
    assert notices(county, "jin", "report_draft") == []
    days_pass(county, "2022-05-05T09:01")  # the first working day of May
    draft = the_report(county, "monthly")
    assert (str(draft.first), str(draft.last)) == APRIL
    told = by_hand(county, TOLD_IN_APRIL)[0].n
    section = computed(county, "monthly", *APRIL)
    assert row(section["received"], "合计")["件数"] == told == 4
    for sort in ("渠道", "类别", "办理方式", "结果"):
        counts = [int(n) for title, _, n in rows(section["received"]) if title == sort]
        assert sum(counts) == told, sort
    (kind,) = rows(section["groups"])
    assert kind[1:] == ("不动产过户", county.rules.label("cause_code", "delay"), 2)
    signed = sign(county, "jin", draft)
    assert signed.due_at > signed.signed_at  # type: ignore[operator]
    assert [leaves(m) for m in notices(county, "long", "report_sent")] == ["2022-05-05T09:01"]


@pytest.mark.clause("LH-14c")
def test_every_badly_rated_case_of_the_month_is_listed_with_item_and_cause(county: World) -> None:
    april(county)
    for who, score in (("wang", "1"), ("sun", "3")):
        county.do(who, world_closed(county, who), "rate", score=score)
    days_pass(county, "2022-05-05T09:01")
    table = computed(county, "bad_ratings", *APRIL)["bad"]
    bad = by_hand(
        county,
        "select c.number from event e join cases c on c.id = e.case_id where e.act = 'rate'"
        " and json_extract(e.data, '$.score') in ('1', '2') and e.at < '2022-04-30 16:00:00' order by c.number",
    )
    assert [r[0] for r in rows(table)] == [b.number for b in bad] and len(bad) == 2
    for line in rows(table):
        assert line[2] == "不动产过户" and line[3] == county.rules.label("cause_code", "delay")
    assert [line[4] for line in rows(table)] == ["不满意", "非常不满意"]
    draft = the_report(county, "bad_ratings")
    sign(county, "jin", draft)
    assert notices(county, "bu", "report_sent") and notices(county, "hui", "report_sent")


def test_the_middle_of_the_scale_is_counted_in_one_share_and_left_out_of_the_other(county: World) -> None:
    cases = [world_closed(county, who) for who in ("li", "zhao", "qian", "sun")]
    for who, case, score in zip(("li", "zhao", "qian"), cases, "532", strict=False):
        county.do(who, case, "rate", score=score)
    table = computed(county, "monthly", *APRIL)["ratings"]
    assert row(table, "满意率")["数"] == "66.7%"
    assert row(table, "满意率（不含基本满意）")["数"] == "33.3%"
    assert row(table, "未评价")["数"] == 1
    assert [n for _, n in rows(table)[:5]] == [1, 0, 1, 1, 0]


def world_closed(world: World, who: str) -> Case:
    return world.delivered(answer(world, send(world, tell(world, who))))


def test_figures_of_a_past_instant_come_out_the_same_after_everything_has_changed(county: World) -> None:
    april(county)
    days_pass(county, "2022-04-14T10:00")
    then = {key: computed(county, key, *APRIL) for key in ("monthly", "bad_ratings")}
    days_pass(county, "2022-04-14T10:01")
    case = county.of_contact("zhao")
    send(county, case, "market")
    county.do("ouyang", case, "recall", recall_reason="派错了")
    register(county)
    days_pass(county, "2022-06-01T10:00")
    for key, tables in then.items():
        assert computed(county, key, *APRIL, as_of="2022-04-14T10:00") == tables
        assert computed(county, key, *APRIL) != tables or key == "bad_ratings"


def test_a_month_without_anything_is_a_nil_report(county: World) -> None:
    days_pass(county, "2022-05-05T09:01")
    assert "没有收到反映事项（零报告）" in words(county, the_report(county, "monthly"))
