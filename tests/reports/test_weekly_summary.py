"""F-HY-SUM: the summary of a week lists every matter of the classes that go up, and says so where there is none."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pypdfium2
import pytest

from core import reports, store
from core.forms import LedgerSheet
from core.reports import Filed
from tests.regions.test_huaiyin import inside, registered, reported
from tests.reports.desk import days_pass, filed, sign, the_report
from tests.reports.test_pages import Browser
from tests.world import World

NIL = "这段时间没有事项（零报告）"


@pytest.fixture
def huaiyin(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("huaiyin", sqlite_url, tmp_path / "files", start="2023-09-18T10:00")
    yield made
    made.office.engine.dispose()


def summary(world: World, who: str, report: Filed) -> LedgerSheet:
    """The list that goes with a weekly report."""
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        sheet = reports.enclosure(world.office, conn, report, person, world.now)
    assert sheet is not None
    return sheet


def words(sheet: LedgerSheet) -> str:
    lines = (*sheet.head, *(foot.line for foot in sheet.foot))
    return "".join(ink.words for line in lines for ink in line)


@pytest.mark.clause("HY-A4")
def test_its_rows_are_the_weeks_matters_of_classes_2_to_4_of_that_unit(huaiyin: World) -> None:
    days_pass(huaiyin, "2023-09-20T10:00")
    wanted = [reported(huaiyin, registered(huaiyin), number) for number in ("2", "3", "4")]
    inside(huaiyin, registered(huaiyin))
    registered(huaiyin)  # nobody has judged it yet
    days_pass(huaiyin, "2023-09-21T15:00")
    signed = sign(huaiyin, "sun", the_report(huaiyin, "weekly", "housing"))
    sheet = summary(huaiyin, "qiu", signed)
    assert [label for label, _ in sheet.heads] == [
        "序号",
        "工单编号",
        "办理对象",
        "联系电话",
        "反映事项",
        "受理人",
        "受理时间",
    ]
    rows = [tuple(row[:2]) for row in sheet.rows]
    assert rows == [(n, case.number) for n, case in enumerate(wanted, start=1)]
    told = words(sheet)
    assert "填报单位：住房和城乡建设局" in told
    assert "主要领导：孙国栋" in told and "填报人：孙国栋" in told and "填报时间：2023年9月21日" in told
    # What is reported after the week stands in the next one alone.
    days_pass(huaiyin, "2023-09-22T10:00")
    later = reported(huaiyin, registered(huaiyin))
    days_pass(huaiyin, "2023-09-28T10:00")
    first, second = filed(huaiyin, "weekly", "housing")[:2]
    assert later.number not in [row[1] for row in summary(huaiyin, "qiu", first).rows]
    assert [row[1] for row in summary(huaiyin, "sun", second).rows] == [later.number]


@pytest.mark.clause("HY-A4")
def test_a_week_without_any_gives_a_nil_summary_on_page_paper_and_sheet(huaiyin: World) -> None:
    reported(huaiyin, registered(huaiyin))  # of another unit
    days_pass(huaiyin, "2023-09-21T15:00")
    signed = sign(huaiyin, "qian", the_report(huaiyin, "weekly", "land"))
    sheet = summary(huaiyin, "qiu", signed)
    assert list(sheet.rows) == []
    assert "填报单位：自然资源和规划局" in words(sheet) and "主要领导：钱学军" in words(sheet)
    office = Browser(huaiyin, "qiu")
    page = office.get(f"/reports/{signed.ref}")
    assert f'href="/reports/{signed.ref}/list"' in page and f"/reports/{signed.ref}/list?as=xlsx" in page
    assert NIL in office.get(f"/reports/{signed.ref}/list")
    paper = pypdfium2.PdfDocument(office.download(f"/reports/{signed.ref}/list?as=pdf"))
    assert NIL in paper[0].get_textpage().get_text_range()
    book = openpyxl.load_workbook(io.BytesIO(office.download(f"/reports/{signed.ref}/list?as=xlsx")))
    cells = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value]
    assert NIL in cells and "工单编号" in cells
    Browser(huaiyin, "gao").get(f"/reports/{signed.ref}/list", 403)
