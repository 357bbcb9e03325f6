"""内乡县: problem lists, a weekly list that issues nothing, indicators on any day, a quarter's summary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import improvement, store
from tests.regions.test_neixiang import closed, dispatched, registered, replied
from tests.reports.desk import (
    by_hand,
    computed,
    days_pass,
    leaves,
    notices,
    pairs,
    row,
    rows,
    sign,
    tables_of,
    the_report,
    unit_id,
    words,
)
from tests.world import World

AUGUST = ("2021-08-01", "2021-08-31")


@pytest.fixture
def neixiang(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("neixiang", sqlite_url, tmp_path / "files", start="2021-08-10T10:00")
    yield made
    made.office.engine.dispose()


def august(world: World) -> None:
    """Three matters of 商事登记区 (two solved, one left until it is late) and one of another zone."""
    closed(world)
    closed(world)
    dispatched(world, registered(world, item="食品经营许可"))
    dispatched(world, registered(world, item="契税申报"), unit="tax_zone")
    days_pass(world, "2021-08-20T10:00")


@pytest.mark.clause("NX-5.2a")
def test_the_problem_list_of_a_unit_adds_up_to_its_cases_of_the_month(neixiang: World) -> None:
    august(neixiang)
    days_pass(neixiang, "2021-09-01T09:01")
    draft = the_report(neixiang, "problems", "business_zone")
    (table,) = tables_of(neixiang, draft)
    own = by_hand(
        neixiang,
        "select count(*) n from cases where unit_id = :unit",
        unit=unit_id(neixiang, "business_zone"),
    )[0].n
    *kinds, whole = rows(table)
    assert sum(int(k[2]) for k in kinds) == int(whole[2]) == own == 3
    assert kinds[0] == ("营业执照地址变更", neixiang.rules.label("cause_code", "material"), 2)
    assert "（零报告）" in words(neixiang, the_report(neixiang, "problems", "police_zone"))
    sign(neixiang, "fang", draft)
    assert notices(neixiang, "jing", "report_sent")


@pytest.mark.clause("NX-5.3a")
def test_the_weekly_list_names_open_and_late_cases_and_issues_nothing(neixiang: World) -> None:
    august(neixiang)
    days_pass(neixiang, "2021-08-23T09:01")  # Monday
    weekly = the_report(neixiang, "supervision")
    (table,) = tables_of(neixiang, weekly)
    still = by_hand(
        neixiang, "select number, overdue_at from cases where stage = 'WITH_UNIT' order by number"
    )
    assert {r[0]: r[3] == "已超期" for r in rows(table)} == {
        c.number: c.overdue_at is not None for c in still
    }
    assert len(still) == 2
    assert [leaves(m) for m in notices(neixiang, "gong", "report_sent")][-1] == "2021-08-23T08:30"
    assert by_hand(neixiang, "select sum(supervision_count) n from cases")[0].n == 0
    assert by_hand(neixiang, "select count(*) n from event where act = 'supervise'")[0].n == 0
    late = neixiang.case(str(rows(table)[0][0]))
    neixiang.do("jing", late, "supervise")  # one tap of a named person
    assert (
        row(computed(neixiang, "supervision", "2021-08-16", "2021-08-22")["supervision"], late.number or "")[
            "已督办次数"
        ]
        == 1
    )
    assert row(tables_of(neixiang, weekly)[0], late.number or "")["已督办次数"] == 0


@pytest.mark.clause("NX-5.3c")
def test_the_indicators_are_there_on_any_day_and_the_year_as_an_export(neixiang: World) -> None:
    august(neixiang)
    table = computed(neixiang, "indicators", "2021-08-01", "2021-08-20")["indicators"]
    told = pairs(table)
    counted = by_hand(
        neixiang,
        "select sum(stage = 'WITH_UNIT') open, sum(stage = 'CLOSED') closed,"
        " sum(overdue_at is not null) late from cases",
    )[0]
    assert (told["在办"], told["办结"], told["超期"]) == tuple(counted)
    assert told["按期答复"] == 2 and told["在办已超期"] == counted.late
    days_pass(neixiang, "2021-08-21T10:00")
    (left,) = by_hand(
        neixiang,
        "select number from cases where unit_id = :unit and stage = 'WITH_UNIT'",
        unit=unit_id(neixiang, "business_zone"),
    )
    replied(neixiang, neixiang.case(left.number))
    past = computed(neixiang, "indicators", "2021-08-01", "2021-08-12", as_of="2021-08-12T18:00")[
        "indicators"
    ]
    assert (pairs(past)["在办"], pairs(past)["超期"]) == (2, 0)
    year = computed(neixiang, "assessment", "2021-01-01", "2021-12-31")["units"]
    assert row(year, "合计")["收到"] == 4


@pytest.mark.clause("NX-5.4a")
def test_the_quarters_summary_states_received_solved_open_causes_and_actions(neixiang: World) -> None:
    august(neixiang)
    days_pass(neixiang, "2021-10-08T08:31")  # the first working day after the holiday
    draft = the_report(neixiang, "summary")
    assert (str(draft.first), str(draft.last)) == ("2021-07-01", "2021-09-30")
    sections = {t.key: t for t in tables_of(neixiang, draft)}
    told = by_hand(neixiang, "select count(*) n from moment where name = 'submitted_at'")[0].n
    done = by_hand(neixiang, "select count(*) n from cases where stage in ('CLOSED', 'ARCHIVED')")[0].n
    assert sections["received"].said["received"] == told == 4
    assert sections["received"].said["closed"] == done == 2
    assert sections["received"].said["open"] == told - done
    assert sum(int(r[1]) for r in rows(sections["causes"])) == told
    text = words(neixiang, draft)
    assert "共收到反映事项 4 件" in text and "主要原因" in text and "改进措施" in text


@pytest.mark.clause("XJ-A3.4")
def test_a_unit_complained_about_reads_no_word_of_the_applicant_among_problems(neixiang: World) -> None:
    for _ in range(2):
        case = registered(neixiang, about_conduct="yes", item="李桂兰家的低保")
        case = replied(neixiang, dispatched(neixiang, case, content_for_unit="反映补件清单不一次告知"))
        assert case.shielded
    closed(neixiang)
    days_pass(neixiang, "2021-09-01T09:01")
    (table,) = tables_of(neixiang, the_report(neixiang, "problems", "business_zone"))
    assert [r[0] for r in rows(table)] == ["营业执照变更未获受理", "营业执照地址变更", "合计"]
    with store.transaction(neixiang.office.engine) as conn:
        (group,) = improvement.groups(neixiang.office, conn)
    assert group.kind.item == "营业执照变更未获受理"
