"""The PDF: every word of the sheet, over as many pages as it takes, the same bytes each time."""

import re
from datetime import date
from pathlib import Path
from random import Random

import pypdfium2
import pytest

from bot.papers import fonts, pdf
from core.forms import SHIELD_LINE, Papers, digest_of, fill, fill_ledger

BLANKS = re.compile(r"\s+")


def pages_of(file: bytes) -> list[str]:
    """The words of each page, without the blanks between them."""
    document = pypdfium2.PdfDocument(file)
    return [BLANKS.sub("", page.get_textpage().get_text_range()) for page in document]


@pytest.mark.parametrize("name", ["registration", "dispatch", "result"])
def test_every_word_of_the_sheet_stands_on_the_page(
    papers: Papers, matter: dict[str, str], name: str
) -> None:
    sheet = fill(papers.forms[name], matter, shielded=False)
    lines = [*sheet.head, *(foot.line for foot in sheet.foot)]
    wanted = [
        sheet.title,
        *("".join(ink.words for ink in line) for line in lines),
        *(cell.label for row in sheet.rows for cell in row.cells),
        *(text.split("☑")[0] for row in sheet.rows for cell in row.cells for text in cell.paragraphs),
    ]

    (page,) = pages_of(pdf.render(sheet))

    assert [words for words in wanted if BLANKS.sub("", words) not in page] == []
    assert ("√" in page) is (name == "result")


def test_a_matter_of_ten_thousand_letters_runs_on_over_its_pages_and_loses_none(
    papers: Papers, matter: dict[str, str]
) -> None:
    letters = [
        chr(0x4E00 + number) for number in range(500)
    ]  # as many as such a text has; each costs its outline
    matter["content"] = "".join(Random(1).choices(letters, k=10_000))

    pages = pages_of(pdf.render(fill(papers.forms["dispatch"], matter, shielded=False)))

    assert len(pages) > 5
    assert [page[-6:] for page in pages] == [
        f"第{n}页，共{len(pages)}页"[-6:] for n in range(1, len(pages) + 1)
    ]
    numbered = re.compile(r"第\d+页，共\d+页$")
    assert matter["content"] in "".join(numbered.sub("", page) for page in pages)


def test_no_line_begins_with_a_closing_mark(papers: Papers, matter: dict[str, str]) -> None:
    matter["content"] = "".join("跑了" * n + "，材料（三回）“缺一样”。" for n in range(1, 40))
    sheet = fill(papers.forms["registration"], matter, shielded=False)

    document = pypdfium2.PdfDocument(pdf.render(sheet))
    lines = [line for page in document for line in page.get_textpage().get_text_range().splitlines()]

    assert len(lines) > 40
    assert [line for line in lines if line[:1] in "，。）”"] == []


def test_a_shielded_copy_holds_nothing_of_the_applicant(papers: Papers, matter: dict[str, str]) -> None:
    (page,) = pages_of(pdf.render(fill(papers.forms["dispatch"], matter, shielded=True)))

    assert page.count(SHIELD_LINE) == 4
    for field in ("applicant_name", "applicant_unit", "applicant_phone", "applicant_email", "content"):
        assert matter[field] not in page


def test_equal_sheets_give_equal_bytes(papers: Papers, matter: dict[str, str]) -> None:
    sheet = fill(papers.forms["result"], matter, shielded=False)

    assert pdf.render(sheet) == pdf.render(sheet)
    assert pdf.render(sheet) != pdf.render(fill(papers.forms["result"], {}, shielded=False))


def test_each_page_of_a_ledger_carries_the_digest_of_its_own_rows(
    papers: Papers, matter: dict[str, str]
) -> None:
    entries = [(matter | {"case_no": f"2022-{n:04}"}, False) for n in range(60)]
    day = date(2022, 4, 11)
    sheet = fill_ledger(papers.ledger, entries, first=day, last=day).kept()
    rows = list(sheet.rows)

    pages = pages_of(pdf.ledger(sheet))

    told = [re.search(r"本页核对码(\d{12})", page) for page in pages]
    assert len(pages) > 2 and all(told) and len({m[1] for m in told if m}) == len(pages)
    on_first = [row for row in rows if str(row[1]) in pages[0]]
    assert told[0] and told[0][1] == digest_of(sheet, on_first).replace(" ", "")
    assert all("核对人签字" in page for page in pages), "the heads stand on every page"
    assert sum(page.count("2022-00") for page in pages) == 60


def test_a_machine_without_a_chinese_font_says_what_to_install(
    papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "_folders", lambda: iter([tmp_path]))
    fonts.chinese.cache_clear()
    try:
        with pytest.raises(fonts.NoFont, match="fonts-noto-cjk"):
            pdf.render(fill(papers.forms["result"], {}, shielded=False))
    finally:
        fonts.chinese.cache_clear()
