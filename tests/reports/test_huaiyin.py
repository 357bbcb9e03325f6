"""淮阴区: every Friday each unit reports its week, its head signs; a year's figures for the assessment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import reports, store
from core.refusals import Refusal
from tests.regions.test_huaiyin import closed, in_session, registered, reported, returned
from tests.reports.desk import (
    by_hand,
    computed,
    days_pass,
    filed,
    leaves,
    missing,
    notices,
    row,
    sign,
    the_report,
    tick,
    unit_id,
    words,
)
from tests.world import World

MONDAY = "2023-09-18T10:00"


@pytest.fixture
def huaiyin(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("huaiyin", sqlite_url, tmp_path / "files", start=MONDAY)
    yield made
    made.office.engine.dispose()


@pytest.mark.clause("HY-5.3b")
def test_the_draft_is_made_on_thursday_and_the_signed_one_leaves_on_friday(huaiyin: World) -> None:
    reported(huaiyin, registered(huaiyin))
    days_pass(huaiyin, "2023-09-21T08:59")
    assert filed(huaiyin, "weekly") == []
    days_pass(huaiyin, "2023-09-21T09:01")  # Thursday
    draft = the_report(huaiyin, "weekly", "housing")
    assert (str(draft.first), str(draft.last), draft.state) == ("2023-09-15", "2023-09-21", "draft")
    told = notices(huaiyin, "gao", "report_draft")
    assert [m.data["about"] for m in told] == [_name(huaiyin, "housing")]
    huaiyin.now = huaiyin.now.replace(hour=7)  # 15:00 in Shanghai
    with pytest.raises(Refusal, match="not_yours"):
        sign(huaiyin, "gao", draft)  # the section writes, the head signs
    with pytest.raises(Refusal, match="not_yours"):
        sign(huaiyin, "qian", draft)  # the head of another unit
    signed = sign(huaiyin, "sun", draft)
    assert signed.signed and signed.signed_by == huaiyin.who("sun").id
    sent = [m for key in ("qiu", "tao") for m in notices(huaiyin, key, "report_sent")]
    assert [leaves(m) for m in sent] == ["2023-09-22T09:00"] * 2
    with pytest.raises(Refusal, match="done_already"):
        sign(huaiyin, "sun", draft)


@pytest.mark.clause("HY-5.3b", "HY-2d")
def test_who_has_not_signed_by_friday_noon_is_reminded_and_then_on_the_list_of_the_missing(
    huaiyin: World,
) -> None:
    days_pass(huaiyin, "2023-09-21T15:00")
    owing = {f.part for f in filed(huaiyin, "weekly")}
    units = by_hand(huaiyin, "select id from unit where kind in ('unit', 'town') and active")
    assert owing == {u.id for u in units} and len(owing) == 6  # one task a unit and week, no more
    sign(huaiyin, "sun", the_report(huaiyin, "weekly", "housing"))
    days_pass(huaiyin, "2023-09-22T11:59")
    assert notices(huaiyin, "qian", "report_reminder") == []
    days_pass(huaiyin, "2023-09-22T12:01")
    assert [leaves(m) for m in notices(huaiyin, "qian", "report_reminder")] == ["2023-09-22T14:00"]
    assert notices(huaiyin, "sun", "report_reminder") == []
    assert missing(huaiyin, "weekly") == []
    days_pass(huaiyin, "2023-09-22T17:40")
    assert missing(huaiyin, "weekly") == ["labour", "land", "market", "street", "town"]
    told = notices(huaiyin, "qiu", "report_missed")
    assert len(told) == 5 and {leaves(m) for m in told} == {"2023-09-25T09:00"}
    sign(huaiyin, "qian", the_report(huaiyin, "weekly", "land"))
    assert missing(huaiyin, "weekly") == ["labour", "market", "street", "town"]
    tick(huaiyin)
    assert len(notices(huaiyin, "qian", "report_reminder")) == 1  # once, however often the clock looks


@pytest.mark.clause("HY-5.3b")
def test_before_the_long_holiday_it_comes_a_day_earlier_and_the_week_of_rest_goes_into_the_next(
    huaiyin: World,
) -> None:
    days_pass(huaiyin, "2023-10-13T18:00")
    found = filed(huaiyin, "weekly", "housing")
    due = [f.due_at.strftime("%Y-%m-%d") for f in found]
    assert due == ["2023-09-22", "2023-09-28", "2023-10-13"]
    assert [(str(f.first), str(f.last)) for f in found[1:]] == [
        ("2023-09-22", "2023-09-27"),
        ("2023-09-28", "2023-10-12"),
    ]


@pytest.mark.clause("HY-2d")
def test_a_unit_where_nothing_happened_sends_a_nil_report(huaiyin: World) -> None:
    reported(huaiyin, registered(huaiyin))
    days_pass(huaiyin, "2023-09-21T15:00")
    draft = the_report(huaiyin, "weekly", "land")
    assert "没有收到反映事项（零报告）" in words(huaiyin, draft)
    assert "共收到反映事项 1 件" in words(huaiyin, the_report(huaiyin, "weekly", "housing"))
    assert sign(huaiyin, "qian", draft).signed


def test_a_signed_report_says_the_same_a_month_later(huaiyin: World) -> None:
    case = reported(huaiyin, registered(huaiyin))
    days_pass(huaiyin, "2023-09-21T15:00")
    signed = sign(huaiyin, "sun", the_report(huaiyin, "weekly", "housing"))
    before = words(huaiyin, signed)
    assert "在办 1 件" in before
    days_pass(huaiyin, "2023-09-21T15:05")
    closed(huaiyin, returned(huaiyin, case))
    registered(huaiyin)
    days_pass(huaiyin, "2023-10-20T10:00")
    assert words(huaiyin, filed(huaiyin, "weekly", "housing")[0]) == before


@pytest.mark.clause("HY-7.1")
def test_the_years_figures_of_each_unit_equal_a_count_over_the_ledger(huaiyin: World) -> None:
    in_time = closed(huaiyin, returned(huaiyin, reported(huaiyin, registered(huaiyin))))
    shelved = reported(huaiyin, registered(huaiyin))
    huaiyin.do("qiu", shelved, "shelve", shelve_reason="规划还没有批")
    joint = in_session(huaiyin, reported(huaiyin, registered(huaiyin)))
    late = returned(huaiyin, reported(huaiyin, registered(huaiyin), level="simple"), level="simple")
    days_pass(huaiyin, "2023-10-20T10:00")
    closed(huaiyin, late)
    huaiyin.do(
        "qiu",
        shelved,
        "restart",
        restart_ground="policy",
        policy_document="苏建规〔2023〕8号",
        level="complex",
    )
    days_pass(huaiyin, "2024-01-03T10:00")
    table = computed(huaiyin, "assessment", "2023-01-01", "2023-12-31")["units"]
    line = row(table, _name(huaiyin, "housing"))
    registered_there = by_hand(
        huaiyin,
        "select count(*) n from cases c join moment m on m.case_id = c.id and m.name = 'submitted_at'"
        " where c.unit_id = :unit and c.number is not null",
        unit=unit_id(huaiyin, "housing"),
    )[0].n
    assert line["收到"] == registered_there == 4
    for head, act in (("会办", "convene"), ("留档暂存", "shelve"), ("重启", "restart")):
        counted = by_hand(huaiyin, "select count(*) n from event where act = :act", act=act)[0].n
        assert line[head] == counted == 1, head
    missed = by_hand(
        huaiyin,
        "select distinct case_id from duty where key = 'limit' and met_at is not null and met_at > due_at"
        " and state = 'met' or key = 'limit' and state = 'open' and missed_at is not null",
    )
    assert late.id in {r.case_id for r in missed} and line["超期"] == len(missed)
    assert line["按期答复"] == 1 and in_time.id
    assert joint.id in {i for c in table.rows[-1] for i in c.cases}
    whole = row(table, "合计")
    assert whole["收到"] == sum(int(row(table, str(r[0].value))["收到"]) for r in table.rows[:-1])


def _name(world: World, key: str) -> str:
    with store.transaction(world.office.engine) as conn:
        return str(conn.execute(sa.select(store.unit.c.name).where(store.unit.c.key == key)).scalar_one())


@pytest.mark.clause("HY-5.3b")
def test_the_summary_form_lists_the_matters_the_head_has_reported_and_who_signed(huaiyin: World) -> None:
    case = reported(huaiyin, registered(huaiyin))
    registered(huaiyin)  # not reported: the section is still at it
    days_pass(huaiyin, "2023-09-21T15:00")
    signed = sign(huaiyin, "sun", the_report(huaiyin, "weekly", "housing"))
    for who in ("sun", "qiu"):
        person = huaiyin.who(who)
        with store.transaction(huaiyin.office.engine) as conn:
            sheet = reports.enclosure(huaiyin.office, conn, signed, person, huaiyin.now)
        assert sheet is not None
        number = [label for label, _ in sheet.heads].index("工单编号")
        assert [r[number] for r in sheet.rows] == [case.number]
        assert "孙国栋" in "".join(ink.words for foot in sheet.foot for ink in foot.line)
