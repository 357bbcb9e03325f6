"""The Excel file: texts are texts, days are days, and it prints as it should."""

from datetime import date, datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
from defusedxml.ElementTree import fromstring
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from bot.papers import xlsx
from core.forms import Papers, fill_ledger
from tests.papers.test_forms import summary

DAY = date(2022, 4, 11)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


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


def test_what_markup_and_excel_take_for_their_own_stays_what_was_written(
    papers: Papers, matter: dict[str, str]
) -> None:
    written = '<b>&"甲"&amp;</b> _x0041_ ]]>\n第二行'
    file = file_of(papers, matter | {"content": written, "applicant_name": "_x0041_"})

    with ZipFile(BytesIO(file)) as members:
        text = members.read("xl/worksheets/sheet1.xml").decode()
    told = ["".join(cell.itertext()) for cell in fromstring(text).iter(f"{{{MAIN}}}t")]
    assert written.replace("_x0041_", "_x005F_x0041_") in told  # Excel reads the first as the second
    assert "_x005F_x0041_" in told


def test_more_rows_than_a_sheet_takes_go_on_in_the_next(
    papers: Papers, matter: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "MOST", 200)
    file = file_of(papers, *(matter | {"case_no": f"2022-{n:04}"} for n in range(1, 402)))

    book = load_workbook(BytesIO(file))
    assert book.sheetnames == ["台账", "台账2", "台账3"]
    heads = [column.label for column in papers.ledger.columns]
    pages = [[[cell.value for cell in row] for row in page.rows] for page in book.worksheets]
    assert all(page[0] == heads for page in pages)
    assert [len(page) - 1 for page in pages] == [200, 200, 1]
    assert [row[1] for page in pages for row in page[1:]] == [f"2022-{n:04}" for n in range(1, 402)]
