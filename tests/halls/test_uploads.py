"""What the two city systems are still to get: the list, the file of each, the mark that ends it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from bot.papers import csv_file
from core import external, store
from core import papers as core_papers
from core.external import Waiting
from core.refusals import Refusal
from tests.regions.test_putuo import analysed, dispatched, registered, told_online
from tests.reports.test_pages import Browser
from tests.world import World

SHIELD_LINE = "申请人信息由窗口保管"
WOODPECKER, CENTER = "“啄木鸟”问题发现处理平台", "上海市政务服务中心管理系统"


@pytest.fixture
def putuo(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("putuo", database_url, tmp_path / "files", start="2023-09-28T10:00")
    yield made
    made.office.engine.dispose()


def waiting(world: World, who: str) -> dict[str, Waiting]:
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        found = external.waiting(world.office, conn, person)
        assert external.count(world.office, conn, person) == len(found)
    return {line.number: line for line in found}


def exported(world: World, who: str, system: str) -> list[dict[str, str]]:
    """The file of a system as somebody downloads it, each row by its heads."""
    person, file = world.who(who), io.BytesIO()
    with store.transaction(world.office.engine) as conn:
        csv_file.render(external.export(world.office, conn, person, system, world.now), file)
    text = file.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.clause("PT-6.1b")
def test_a_case_without_both_uploads_is_listed_until_both_are_marked(putuo: World) -> None:
    case, other = registered(putuo), told_online(putuo)
    listed = waiting(putuo, "fang")
    assert listed.keys() == {case.number, other.number}
    assert listed[str(case.number)].lacks == (WOODPECKER, CENTER)
    putuo.do("fang", case, "note_upload", system="woodpecker", external_no="ZMN-0928-7")
    assert waiting(putuo, "fang")[str(case.number)].lacks == (CENTER,)
    putuo.pass_to("2023-09-28T11:30")
    putuo.do("fang", case, "note_upload", system="city_center", external_no="SH-551")
    assert waiting(putuo, "fang").keys() == {other.number}
    case = putuo.again(case)
    assert (case.codes["upload_woodpecker"], case.codes["upload_city_center"]) == ("ZMN-0928-7", "SH-551")
    marks = [e for e in putuo.events(case) if e.act == "note_upload"]
    assert [(e.data["system"], e.actor_id) for e in marks] == [
        (system, putuo.who("fang").id) for system in ("woodpecker", "city_center")
    ]
    assert marks[0].at < marks[1].at == putuo.now


@pytest.mark.clause("PT-6.1b")
def test_the_file_of_a_system_holds_what_that_system_lacks(putuo: World) -> None:
    case, other = registered(putuo), registered(putuo, item="居住证办理")
    putuo.do("fang", case, "note_upload", system="woodpecker", external_no="Z-1")
    assert [row["工单编号"] for row in exported(putuo, "fang", "woodpecker")] == [other.number]
    both = exported(putuo, "fang", "city_center")
    assert [row["工单编号"] for row in both] == [case.number, other.number]
    assert both[0]["办理对象姓名"] == "王建国" and both[0]["联系电话"] == "02188889999"
    assert both[1]["办理事项"] == "居住证办理" and both[1]["受理时间"] == "2023-09-28"
    assert (both[0]["受理窗口（中心）"], both[0]["分类"]) == ("区政务服务中心", "办事")


@pytest.mark.clause("PT-6.1b")
def test_a_conduct_matter_leaves_with_the_shield_line_whoever_exports_it(putuo: World) -> None:
    case = registered(putuo, category="complaint", ground="other", content="我王建国被窗口的人推来推去")
    for who in ("fang", "shen"):
        (row,) = exported(putuo, who, "city_center")
        assert (row["办理对象姓名"], row["联系电话"]) == (SHIELD_LINE, SHIELD_LINE)
        assert row["情况记录"] == "" and "王建国" not in str(row)
    dispatched(putuo, analysed(putuo, case), content_for_unit="反映窗口人员不作为")
    (row,) = exported(putuo, "fang", "city_center")
    assert row["情况记录"] == "反映窗口人员不作为" and "王建国" not in str(row)


@pytest.mark.clause("PT-6.1b")
@pytest.mark.parametrize("trap", ['=HYPERLINK("http://example.com")', "+1+1", "-2+3", "@SUM(A1)"])
def test_nothing_a_citizen_wrote_is_a_formula_in_the_file(putuo: World, trap: str) -> None:
    registered(putuo, content=trap, applicant_name=f"{trap}甲"[:30])
    (row,) = exported(putuo, "fang", "woodpecker")
    assert row["情况记录"] == f"'{trap}" and row["办理对象姓名"].startswith("'")


def test_the_file_is_written_as_it_is_read(putuo: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, so many cases at once are in memory; each look is on record once."""
    cases = [registered(putuo) for _ in range(5)]
    monkeypatch.setattr(core_papers, "TOGETHER", 2)
    person, file = putuo.who("fang"), io.BytesIO()
    v = store.view_log.c
    looks = sa.select(sa.func.count()).where(v.what == "upload:woodpecker", v.person_id == person.id)
    with store.transaction(putuo.office.engine) as conn:
        sheet = external.export(putuo.office, conn, person, "woodpecker", putuo.now)
        rows = iter(sheet.rows)
        next(rows)
        assert conn.execute(looks).scalar_one() == 2
        assert len(list(rows)) == 4 and conn.execute(looks).scalar_one() == len(cases)
        assert csv_file.render(sheet, file) == 0, "they are read once"


@pytest.mark.clause("PT-6.1b")
def test_a_site_sees_its_own_the_operator_all_and_others_nothing(putuo: World) -> None:
    center, street = registered(putuo, "fang"), registered(putuo, "gong")
    assert waiting(putuo, "fang").keys() == {center.number}
    assert waiting(putuo, "gong").keys() == {street.number}
    assert waiting(putuo, "shen").keys() == {center.number, street.number}
    assert [row["工单编号"] for row in exported(putuo, "gong", "woodpecker")] == [street.number]
    for who in ("jin", "yan"):
        for ask in (lambda who=who: waiting(putuo, who), lambda who=who: exported(putuo, who, "woodpecker")):
            with pytest.raises(Refusal) as refused:
                ask()
            assert refused.value.code == "not_yours"


# --- the page ---------------------------------------------------------------------------------------------


@pytest.fixture
def hall(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("putuo", sqlite_url, tmp_path / "files", start="2023-09-28T10:00")
    yield made
    made.office.engine.dispose()


@pytest.mark.clause("PT-6.1b")
def test_the_page_lists_them_and_hands_out_the_files(hall: World) -> None:
    case = registered(hall)
    browser = Browser(hall, "fang")
    assert '<a class="link" href="/uploads">待上传</a>' in browser.get("/desk")
    page = browser.get("/uploads")
    assert f'href="/c/{case.ref}/note_upload"' in page and f"没有传：{WOODPECKER}、{CENTER}" in page
    book = load_workbook(io.BytesIO(browser.download("/uploads/city_center"))).worksheets[0]
    assert [cell.value for cell in book[1]][:2] == ["工单编号", "受理窗口（中心）"]
    assert book.cell(2, 1).value == case.number
    assert browser.download("/uploads/woodpecker?as=csv").startswith("\ufeff工单编号,".encode())
    browser.get("/uploads/elsewhere", 404)
    for who in ("jin", "yan"):
        assert "待上传" not in Browser(hall, who).get("/desk")
        for path in ("/uploads", "/uploads/woodpecker"):
            Browser(hall, who).get(path, 403)
