"""A ledger as an Excel file, written row by row: memory stays the same however many rows there are.

Cells of text are texts, whatever they begin with: nothing a citizen wrote is ever a formula. Days are days.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import chain, islice
from typing import IO, Final

import xlsxwriter

from core.forms import LedgerSheet, Line, Value

MIME: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A file says nothing of when it was drawn, so that the same rows give the same bytes.
DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)
MOST: Final = 1_000_000  # rows of one sheet; Excel takes 1,048,576
LINE: Final = 230  # digits side by side, before the page is made to fit the paper
FACE: Final = {"font_name": "仿宋", "font_size": 10, "text_wrap": True, "valign": "top"}
TALLEST: Final = 409.0  # points, the most that Excel takes; the whole text is in the cell all the same
RISKY: Final = ("=", "+", "-", "@")  # what would be a formula if somebody typed it


def render(sheet: LedgerSheet, file: IO[bytes]) -> int:
    """Write the sheet to `file`; how many rows it has. Its parts are gathered in a folder of our own until then."""
    with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
        book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": folder})
        book.set_properties({"title": sheet.title, "created": DAY})
        count = 0
        rows = iter(sheet.rows)
        for number in range(1, 1_000):
            some = islice(rows, MOST)
            first = next(some, None)
            if first is None and number > 1:
                break
            name = "台账" if number == 1 else f"台账{number}"
            count += _Sheet(book, name, sheet).fill(chain([first] if first else [], some))
        book.close()
    return count


def render_all(sheets: Sequence[LedgerSheet], file: IO[bytes]) -> None:
    """Several lists as the sheets of one file, as a report has them."""
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": folder})
        book.set_properties({"title": sheets[0].title if sheets else "", "created": DAY})
        for number, sheet in enumerate(sheets, start=1):
            name = re.sub(r"[\[\]:*?/\\']", "", sheet.title.rpartition("：")[2])[:28]
            _Sheet(book, f"{number} {name}", sheet).fill(iter(sheet.rows))
        book.close()


class _Sheet:
    """One sheet of the book, A4 landscape, its column heads frozen and repeated on each page."""

    def __init__(self, book: xlsxwriter.Workbook, name: str, ledger: LedgerSheet) -> None:
        self._ledger = ledger
        whole = sum(share for _, share in ledger.heads)
        self._widths = [max(5.0, LINE * share / whole) for _, share in ledger.heads]
        self._page = book.add_worksheet(name)
        self._text = book.add_format(FACE)
        self._quoted = book.add_format({**FACE, "quote_prefix": True})
        # A number that does not fit shows as ####; a smaller one can be read.
        narrow = {**FACE, "text_wrap": False, "shrink": True, "align": "left"}
        self._number = book.add_format(narrow)
        self._day = book.add_format({**narrow, "num_format": "yyyy-mm-dd"})
        head = {
            **FACE,
            "font_name": "宋体",
            "align": "center",
            "valign": "vcenter",
            "bg_color": "#EFEFEF",
            "border": 1,
        }
        self._head = book.add_format(head)
        self._line = book.add_format({"font_name": "宋体", "font_size": 10})
        self._set_up()

    def _set_up(self) -> None:
        page, ledger = self._page, self._ledger
        page.hide_gridlines(0)  # the lines of the grid are printed, so that empty cells need not be written
        page.set_landscape()
        page.set_paper(9)  # A4
        page.set_margins(left=0.4, right=0.4, top=0.8, bottom=0.6)
        page.fit_to_pages(1, 0)
        title = ledger.title.replace("&", "&&")
        # The blanks part the sizes from digits that follow.
        page.set_header(f"&C&14 {title}&R&9 {ledger.period}")
        page.set_footer("&R&9 第 &P 页，共 &N 页")
        for number, width in enumerate(self._widths):
            page.set_column(number, number, width)
        top = len(ledger.head)
        page.freeze_panes(top + 1, 0)
        page.repeat_rows(top)
        # A telephone number is no number; Excel need not point at each.
        page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})

    def fill(self, rows: Iterator[tuple[Value, ...]]) -> int:
        page, ledger = self._page, self._ledger
        for line in ledger.head:
            page.write_string(ledger.head.index(line), 0, _words(line), self._line)
        top = len(ledger.head)
        page.set_row(top, self._height([label for label, _ in ledger.heads]))
        for column, (label, _) in enumerate(ledger.heads):
            page.write_string(top, column, label, self._head)
        count = 0
        for count, row in enumerate(rows, start=1):
            page.set_row(top + count, self._height(row))
            for column, value in enumerate(row):
                self._write(top + count, column, value)
        for below, foot in enumerate(ledger.foot, start=top + count + 2):
            page.write_string(below, 0, _words(foot.line), self._line)
        return count

    def _height(self, row: Sequence[Value]) -> float:
        """How high a row must be for its longest cell, in points: not every program finds out by itself."""
        lines = 1
        for value, width in zip(row, self._widths, strict=True):
            if isinstance(value, str) and 2 * len(value) > width * lines:
                lines = max(lines, sum(1 + int(_wide(part) / (width - 1)) for part in value.split("\n")))
        return min(TALLEST, 4 + 13.5 * lines)

    def _write(self, row: int, column: int, value: Value) -> None:
        if isinstance(value, str):
            if value:
                look = self._quoted if value.startswith(RISKY) else self._text
                self._page.write_string(row, column, value, look)
        elif isinstance(value, date):
            self._page.write_datetime(row, column, value, self._day)
        else:
            self._page.write_number(row, column, value, self._number)


def _wide(text: str) -> int:
    """The width of a text in digits; a Chinese letter takes two."""
    return len(text) if text.isascii() else 2 * len(text)


def _words(line: Line) -> str:
    return "".join(ink.words for ink in line)
