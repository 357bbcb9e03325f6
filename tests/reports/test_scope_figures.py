"""湘江新区: each matter counts once under what it is about, in the ledger's row and in the figures of the month."""

from __future__ import annotations

import pytest

from core.case import Case
from core.figures import Table
from tests.reports.desk import computed, row
from tests.world import World

APRIL = ("2022-04-01", "2022-04-30")
PROJECT, POLICY = "工程项目报建未能正常受理、审批", "政策调整或政策适用问题"
BUSINESS = "营商环境咨询、投诉、举报、意见建议"


def counted(world: World) -> Table:
    return computed(world, "analysis", *APRIL)["received"]


def labels(table: Table, sort: str) -> dict[str, int]:
    """What is counted by one sort, label by label."""
    return {str(r[1].value): int(r[2].value) for r in table.rows if r[0].value == sort}


def told_at_the_desk(world: World, **values: str) -> Case:
    return world.dispatch(world.register("zhou"), **values)


@pytest.mark.clause("XJ-1.1a")
def test_a_construction_project_stands_in_the_ledger_and_counts_once(hall: World) -> None:
    case = told_at_the_desk(hall, scope_code="approval_project")
    told_at_the_desk(hall, scope_code="repeated_trips")
    ledger = hall.ledger("xiao", "2022-04-11")
    heads = [label for label, _ in ledger.heads]
    by_number = {r[heads.index("单号")]: r[heads.index("事项分类")] for r in ledger.rows}
    assert by_number[str(case.number)] == PROJECT
    assert row(counted(hall), "类别", PROJECT)["件数"] == 1
    cell = next(r[2] for r in counted(hall).rows if r[1].value == PROJECT)
    assert cell.cases == (case.id,)


@pytest.mark.clause("XJ-1.1b")
def test_a_matter_of_policy_is_not_counted_as_a_project(hall: World) -> None:
    told_at_the_desk(hall, scope_code="policy")
    assert labels(counted(hall), "类别") == {POLICY: 1}
    # What it is found to be later is what counts, and it never counts twice.
    changed = told_at_the_desk(hall, scope_code="approval_project")
    hall.do("zhang", changed, "send_back", send_back_reason="不属于报建，属于政策适用")
    hall.dispatch(changed, scope_code="policy")
    assert labels(counted(hall), "类别") == {POLICY: 2}


@pytest.mark.clause("XJ-1.2")
def test_the_four_sub_kinds_of_business_environment_add_up(hall: World) -> None:
    for kind in ("consult", "complaint", "report", "suggestion"):
        told_at_the_desk(hall, scope_code="business_env", sub_kind=kind, content_for_unit="群众反映窗口态度")
    assert labels(counted(hall), "小类") == {"咨询": 1, "投诉": 1, "举报": 1, "意见建议": 1}
    assert labels(counted(hall), "类别") == {BUSINESS: 4}
    told_at_the_desk(hall, scope_code="policy")
    sorts = labels(counted(hall), "小类")
    assert sum(sorts.values()) == row(counted(hall), "合计")["件数"] == 5
