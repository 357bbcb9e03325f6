"""The Excel file: texts are texts, days are days, and it prints as it should."""

from datetime import date, datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from bot.papers import xlsx
from core.forms import Papers, fill_ledger
from tests.papers.test_forms import summary

DAY = date(2022, 4, 11)


def file_of(papers: Papers, *entries: dict[str, str]) -> bytes:
    file = BytesIO()
    sheet = fill_ledger(papers.ledger, [(entry, False) for entry in entries], first=DAY, last=DAY)
    assert xlsx.render(sheet, file) == len(entries)
    return file.getvalue()


def page_of(file: bytes) -> Worksheet:
    page = load_workbook(BytesIO(file)).worksheets[0]
    assert isinstance(page, Worksheet)
    return page


@pytest.mark.parametrize(
    "trap",
    ['=HYPERLINK("http://example.com")', "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "{=1}", "0013800001234"],
)
def test_nothing_a_citizen_wrote_is_a_formula(papers: Papers, matter: dict[str, str], trap: str) -> None:
    file = file_of(papers, matter | {"content": trap, "applicant_name": trap})

    row = {cell.value: cell for cell in page_of(file)[2]}

    assert row[trap.strip()].data_type == "s"
    with ZipFile(BytesIO(file)) as members:
        assert b"<f>" not in members.read("xl/worksheets/sheet1.xml")


def test_days_are_days_and_the_row_has_its_number(papers: Papers, matter: dict[str, str]) -> None:
    first, second = list(page_of(file_of(papers, matter, matter | {"case_no": "2022-0013"})).rows)[1:]

    assert (first[0].value, second[0].value) == (1, 2)
    assert isinstance(first[2].value, datetime) and first[2].value.date() == DAY
    assert (first[1].value, second[1].value) == ("2022-0012", "2022-0013")


def test_control_characters_are_gone(papers: Papers, matter: dict[str, str]) -> None:
    row = page_of(file_of(papers, matter | {"content": "第一\x00行\x1b\u202e\ufffe"}))[2]

    assert "第一行" in [cell.value for cell in row]


def test_it_prints_on_a4_across_with_its_heads_on_every_page(papers: Papers, matter: dict[str, str]) -> None:
    page = page_of(file_of(papers, matter))

    assert [cell.value for cell in page[1]] == [column.label for column in papers.ledger.columns]
    assert page.freeze_panes == "A2"
    assert (page.page_setup.orientation, page.page_setup.paperSize) == ("landscape", 9)
    assert page.print_title_rows == "$1:$1"
    head = page.oddHeader
    assert head is not None and papers.ledger.title in str(head.center.text)
    assert "2022年4月11日" in str(head.right.text)


def test_equal_rows_give_equal_bytes(papers: Papers, matter: dict[str, str]) -> None:
    assert file_of(papers, matter) == file_of(papers, matter)
    assert file_of(papers, matter) != file_of(papers, matter | {"content": "别的"})


def test_a_summary_says_who_reports_above_and_who_signs_below(matter: dict[str, str]) -> None:
    file = BytesIO()

    xlsx.render(summary([matter]), file)

    words = [[cell.value for cell in row if cell.value] for row in page_of(file.getvalue()).rows]
    assert words[0] == ["填报单位：住建局"]
    assert words[1] == ["序号", "工单编号", "办理对象"]
    assert words[2] == [1, "2022-0012", "李秀兰"]
    assert words[-1] == ["主要领导：__________　填报人：王小美　填报时间：2022年4月15日"]
