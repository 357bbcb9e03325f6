"""What printer and screen get: all of it, literally, the same each time; nothing of a shielded applicant."""

import re
from datetime import date
from html import unescape
from io import BytesIO
from zipfile import ZipFile

import pytest
from docx import Document
from docx.enum.table import WD_ROW_HEIGHT_RULE
from docx.oxml.ns import qn
from docx.shared import Mm

from bot.papers import docx, page
from core.forms import SHIELD_LINE, LedgerSheet, Papers, Sheet, fill, fill_ledger

TRAPS = (
    "<b>粗</b>&amp;<script>alert(1)</script>",
    "{{ 7 * 7 }} {% if x %} {case_no} %(x)s",
    '=HYPERLINK("http://example.com")',
    "</w:t></w:r> <w:br/>",
)


def texts_of(file: bytes) -> list[str]:
    """Every paragraph a reader of the document meets, cells that span columns once."""
    body = Document(BytesIO(file)).element.body
    return ["".join(t.text or "" for t in p.iter(qn("w:t"))) for p in body.iter(qn("w:p"))]


def text_of(html: str) -> str:
    return unescape(re.sub(r"<style>.*?</style>|<[^>]*>", "", html, flags=re.DOTALL))


def day_of(papers: Papers, *entries: dict[str, str]) -> LedgerSheet:
    day = date(2022, 4, 11)
    return fill_ledger(papers.ledger, [(entry, False) for entry in entries], first=day, last=day)


def dispatch(papers: Papers, matter: dict[str, str], *, shielded: bool = False) -> Sheet:
    return fill(papers.forms["dispatch"], matter, shielded=shielded, variant="assign")


@pytest.mark.parametrize("name", ["registration", "dispatch", "result"])
def test_paper_and_page_carry_every_word_of_the_sheet(
    papers: Papers, matter: dict[str, str], name: str
) -> None:
    sheet = fill(papers.forms[name], matter, shielded=False)
    lines = [*sheet.head, *(foot.line for foot in sheet.foot)]
    expected = [
        sheet.title,
        *("".join(ink.words for ink in line) for line in lines),
        *(cell.label for row in sheet.rows for cell in row.cells),
        *(text for row in sheet.rows for cell in row.cells for text in cell.paragraphs),
    ]

    on_paper, on_page = "\n".join(texts_of(docx.render(sheet))), text_of(page.html(sheet))

    assert [words for words in expected if words not in on_paper] == []
    assert [words for words in expected if words not in on_page] == []


@pytest.mark.clause("XJ-A3.1")
def test_a_shielded_copy_holds_no_word_of_the_applicant_in_any_member(
    papers: Papers, matter: dict[str, str]
) -> None:
    sheet = dispatch(papers, matter, shielded=True)
    file = docx.render(sheet)

    with ZipFile(BytesIO(file)) as members:
        everything = "".join(members.read(name).decode("utf-8", "ignore") for name in members.namelist())
    html = page.html(sheet)

    assert texts_of(file).count(SHIELD_LINE) == html.count(SHIELD_LINE) == 4
    for field in ("applicant_name", "applicant_unit", "applicant_phone", "applicant_email", "content"):
        assert matter[field] not in everything
        assert matter[field] not in html


def test_the_same_sheet_gives_the_same_bytes_and_another_sheet_others(
    papers: Papers, matter: dict[str, str]
) -> None:
    file = docx.render(dispatch(papers, matter))

    assert docx.render(dispatch(papers, matter)) == file
    assert docx.render(dispatch(papers, matter | {"subject": "别的事"})) != file
    with ZipFile(BytesIO(file)) as members:
        assert {member.date_time for member in members.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert Document(BytesIO(file)).core_properties.modified.year == 2000


def test_a_matter_of_ten_thousand_characters_is_printed_whole(papers: Papers, matter: dict[str, str]) -> None:
    matter["content"] = "".join(chr(0x4E00 + number) for number in range(10_000))
    sheet = dispatch(papers, matter)

    file = docx.render(sheet)

    assert matter["content"] in texts_of(file)
    assert matter["content"] in text_of(page.html(sheet))
    rows = Document(BytesIO(file)).tables[0].rows
    assert {row.height_rule for row in rows} == {WD_ROW_HEIGHT_RULE.AT_LEAST}
    assert not list(Document(BytesIO(file)).element.body.iter(qn("w:cantSplit")))


@pytest.mark.parametrize("trap", TRAPS)
def test_markup_template_words_and_formulas_are_printed_as_they_were_said(
    papers: Papers, matter: dict[str, str], trap: str
) -> None:
    sheet = dispatch(papers, matter | {"content": trap, "responsible_unit": trap})

    on_paper, html = texts_of(docx.render(sheet)), page.html(sheet)

    assert trap in on_paper
    assert f"办理责任单位：{trap}" in on_paper
    assert text_of(html).count(trap) == 2
    assert "<script" not in html


def test_the_document_is_a4_in_the_faces_of_official_papers(papers: Papers, matter: dict[str, str]) -> None:
    paper = Document(BytesIO(docx.render(dispatch(papers, matter))))
    faces = [fonts.get(qn("w:eastAsia")) for fonts in paper.element.body.iter(qn("w:rFonts"))]

    section = paper.sections[0]
    assert section.page_width is not None and round(section.page_width.mm) == 210
    assert section.page_height is not None and round(section.page_height.mm) == 297
    assert faces[0] == "方正小标宋简体"
    assert set(faces) == {"方正小标宋简体", "宋体", "仿宋_GB2312"}
    widths = [column.width or 0 for column in paper.tables[0].columns]
    assert abs(sum(widths) - Mm(160)) < Mm(1)


def test_a_page_asks_for_nothing_from_elsewhere(papers: Papers, matter: dict[str, str]) -> None:
    html = page.html(dispatch(papers, matter))

    assert "size: A4 portrait" in html
    assert not re.search(r"(src|href)=|url\(|@import|http", html)


def test_the_ledger_of_a_day_prints_its_rows_and_an_empty_column_to_sign(
    papers: Papers, matter: dict[str, str]
) -> None:
    html = page.ledger_html(day_of(papers, matter | {"content": TRAPS[0]}, matter | {"case_no": "2022-0013"}))

    body = html.partition("<tbody>")[2]
    assert "size: A4 landscape" in html
    assert "核对人签字" in html
    assert [row.endswith("<td></td>") for row in re.findall("<tr>(.*?)</tr>", body)] == [True, True]
    assert TRAPS[0] in text_of(html)
    assert "<script" not in html


def test_a_day_without_entries_says_so(papers: Papers) -> None:
    html = page.ledger_html(day_of(papers))

    assert "当日没有登记事项" in html
