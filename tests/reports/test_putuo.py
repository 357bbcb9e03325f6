"""普陀区: each site's ledger by the third working day, the discipline office's copy, evaluations every two months."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from core import reports, store
from tests.regions.test_putuo import analysed, dispatched, registered, replied
from tests.reports.desk import (
    by_hand,
    computed,
    days_pass,
    filed,
    leaves,
    missing,
    notices,
    row,
    rows,
    sign,
    tables_of,
    the_report,
    words,
)
from tests.world import World

MAY = ("2023-05-01", "2023-05-31")


@pytest.fixture
def putuo(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("putuo", sqlite_url, tmp_path / "files", start="2023-05-23T10:00")
    yield made
    made.office.engine.dispose()


def may(world: World) -> None:
    """Two matters at 区政务服务中心, one answered and one late, and one at another site."""
    replied(world, dispatched(world, analysed(world, registered(world))))
    dispatched(world, analysed(world, registered(world)))
    registered(world, "meng")
    days_pass(world, "2023-05-30T10:00")


@pytest.mark.clause("PT-7.2a", "PT-7.2b")
def test_each_site_reports_its_ledger_by_the_third_working_day_and_the_missing_are_listed(
    putuo: World,
) -> None:
    may(putuo)
    days_pass(putuo, "2023-06-01T09:01")
    drafts = filed(putuo, "ledger")
    sites = by_hand(putuo, "select id from unit where kind = 'site' and active")
    assert {f.part for f in drafts} == {s.id for s in sites} and len(drafts) == 12
    assert {f.due_at.strftime("%Y-%m-%d") for f in drafts} == {"2023-06-05"}  # the third working day
    own = the_report(putuo, "ledger", "zw")
    (table,) = tables_of(putuo, own)
    told = by_hand(
        putuo,
        "select count(*) n from cases c join unit u on u.id = c.site_id where u.key = 'zw' and number is not null",
    )[0].n
    assert row(table, "合计")["件数"] == told == 2
    sign(putuo, "fang", own)
    nil = the_report(putuo, "ledger", "hy")
    assert "（零报告）" in words(putuo, nil)
    sign(putuo, "qiao", nil)
    for key in ("shen", "yan"):  # 区政务服务办 and, at the same time, 区纪委
        assert [
            leaves(m) for m in notices(putuo, key, "report_sent") if m.data["title"] == "窗口台账月报"
        ] == ["2023-06-01T09:01"] * 2
    assert missing(putuo, "ledger") == []
    days_pass(putuo, "2023-06-05T17:31")
    assert missing(putuo, "ledger") == ["cl", "fc", "fy", "jy", "sg", "sq", "tj", "xs", "yb", "zr"]
    assert len(notices(putuo, "meng", "report_reminder")) == 1
    assert (
        len([m for m in notices(putuo, "shen", "report_missed") if m.data["title"] == "窗口台账月报"]) == 10
    )


@pytest.mark.clause("PT-7.2b")
def test_two_months_belong_together_in_the_evaluation_for_the_discipline_office(putuo: World) -> None:
    days_pass(putuo, "2024-03-01T09:01")
    found = [(str(f.first), str(f.last)) for f in filed(putuo, "bimonthly")]
    assert found == [
        ("2023-05-01", "2023-06-30"),
        ("2023-07-01", "2023-08-31"),
        ("2023-09-01", "2023-10-31"),
        ("2023-11-01", "2023-12-31"),
        ("2024-01-01", "2024-02-29"),
    ]
    sign(putuo, "shen", the_report(putuo, "bimonthly"))
    assert [m for m in notices(putuo, "yan", "report_sent") if m.data["title"] == "党风廉政双月评估"]


@pytest.mark.clause("PT-6.6a")
def test_the_weekly_list_of_a_site_shows_the_answers_nobody_has_verified(putuo: World) -> None:
    may(putuo)
    first, second = putuo.numbers()[:2]
    days_pass(putuo, "2023-06-05T09:01")  # Monday
    (table,) = tables_of(putuo, the_report(putuo, "verification", "zw"))
    waiting = by_hand(
        putuo,
        "select c.number from duty d join cases c on c.id = d.case_id where d.key = 'verify' and d.state = 'open'",
    )
    assert [r[0] for r in rows(table)] == [w.number for w in waiting]
    assert first in [r[0] for r in rows(table)] or second in [r[0] for r in rows(table)]
    assert rows(tables_of(putuo, the_report(putuo, "verification", "tj"))[0]) == []
    assert notices(putuo, "fang", "report_sent") and notices(putuo, "lu", "report_sent")


@pytest.mark.clause("PT-6.6c", "PT-7.3a")
def test_the_operation_report_and_the_years_sheet_count_each_department(putuo: World) -> None:
    may(putuo)
    line = row(computed(putuo, "operation", *MAY)["units"], name(putuo, "market"))
    sheets = by_hand(putuo, "select count(*) n from event where act = 'dispatch'")[0].n
    late = by_hand(
        putuo, "select count(*) n from cases where overdue_at is not null and unit_id is not null"
    )[0].n
    assert (line["派单"], line["按期答复"], line["超期"]) == (sheets, 1, late) == (2, 1, 1)
    assert line["督办"] == by_hand(putuo, "select sum(supervision_count) n from cases")[0].n == 0
    year = computed(putuo, "assessment", "2023-01-01", "2023-12-31")["units"]
    told = by_hand(putuo, "select count(*) n from cases where number is not null")[0].n
    assert row(year, "合计")["收到"] == told == sum(int(r[1]) for r in rows(year)[:-1])


@pytest.mark.clause("PT-7.3b")
def test_a_table_of_other_systems_stands_beside_our_own_figures(putuo: World) -> None:
    may(putuo)
    bring_in(putuo, "好差评", ("market", 200, 190), ("housing", 50, 40))
    bring_in(putuo, "12345", (name(putuo, "market"), 30, 21))
    table = computed(putuo, "three_sources", "2023-01-01", "2023-12-31")["outside"]
    line = row(table, name(putuo, "market"))
    assert [line[h] for h in table.heads[1:]] == [0, "—", 200, "95.0%", 30, "70.0%"]
    days_pass(putuo, "2023-06-02T10:00")
    bring_in(putuo, "12345", ("market", 30, 24))  # corrected
    again = computed(putuo, "three_sources", "2023-01-01", "2023-12-31")["outside"]
    assert row(again, name(putuo, "market"))["12345满意率"] == "80.0%"
    past = computed(putuo, "three_sources", "2023-01-01", "2023-12-31", as_of="2023-05-30T10:00")["outside"]
    assert past == table


def test_a_table_with_one_wrong_line_is_not_brought_in_at_all(putuo: World) -> None:
    with pytest.raises(ValueError, match="没有的局"):
        bring_in(putuo, "12345", ("market", 30, 24), ("没有的局", 3, 2))
    with pytest.raises(ValueError, match="market"):
        bring_in(putuo, "12345", ("market", 3, 24))
    assert by_hand(putuo, "select count(*) n from outside_figure")[0].n == 0


def bring_in(world: World, source: str, *lines: tuple[str, int, int]) -> None:
    with store.transaction(world.office.engine) as conn:
        reports.bring_in(conn, source, date(2023, 1, 1), date(2023, 12, 31), lines, world.now)


def name(world: World, key: str) -> str:
    return str(by_hand(world, "select name from unit where key = :key", key=key)[0].name)
