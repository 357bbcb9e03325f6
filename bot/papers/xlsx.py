"""A ledger as an Excel file, written row by row: memory stays the same however many rows there are.

Cells of text are texts, whatever they begin with: nothing a citizen wrote is ever a formula. Days are days.

XlsxWriter draws the frame (book, styles, page, heads, and a sample of each kind of cell); the rows go into it by a few
lines of our own, because a hundred thousand of them take a third of the time so.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import chain, count
from typing import IO, Final
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from core.forms import LedgerSheet, Line, Value

MIME: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A file says nothing of when it was drawn, so that the same rows give the same bytes.
DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)
MOST: Final = 1_000_000  # rows of one sheet; Excel takes 1,048,576
FULL: Final = 1_500_000_000  # bytes of one; beyond two thousand million not every program opens it
QUICK: Final = 2  # how hard it is packed: a sixth more to send, in half the time
LINE: Final = 230  # digits side by side, before the page is made to fit the paper
FACE: Final = {"font_name": "仿宋", "font_size": 10, "text_wrap": True, "valign": "top"}
TALLEST: Final = 409.0  # points, the most that Excel takes; the whole text is in the cell all the same
LONGEST: Final = 32_767  # letters of a cell, the most that Excel takes
RISKY: Final = ("=", "+", "-", "@")  # what would be a formula if somebody typed it
AT_ONCE: Final = 200  # rows packed together
DAY_ZERO: Final = date(1899, 12, 30).toordinal()  # Excel counts days from here


def render(sheet: LedgerSheet, file: IO[bytes]) -> int:
    """Write the sheet to `file`; how many rows it has."""
    return _draw(sheet.title, _parts(sheet), file)


def render_all(sheets: Sequence[LedgerSheet], file: IO[bytes]) -> None:
    """Several lists as the sheets of one file, as a report has them."""
    names = (re.sub(r"[\[\]:*?/\\']", "", sheet.title.rpartition("：")[2])[:28] for sheet in sheets)
    named = [
        (f"{number} {name}", sheet) for number, (name, sheet) in enumerate(zip(names, sheets, strict=True), 1)
    ]
    _draw(sheets[0].title if sheets else "", named, file)


def _parts(sheet: LedgerSheet) -> Iterator[tuple[str, LedgerSheet]]:
    """The sheet, and further ones as long as rows are left."""
    rows = iter(sheet.rows)
    for number in count(1):
        first = next(rows, None)
        if first is None and number > 1:
            return
        named = "台账" if number == 1 else f"台账{number}"
        yield named, replace(sheet, rows=chain([] if first is None else [first], rows))


def _draw(title: str, sheets: Iterable[tuple[str, LedgerSheet]], file: IO[bytes]) -> int:
    """Each sheet within its frame, then the rest of the book, which is only known when the last row is."""
    done, drawn = 0, list[tuple[str, LedgerSheet]]()
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=QUICK) as book:
        for name, sheet in sheets:
            drawn.append((name, sheet))
            member = f"xl/worksheets/sheet{len(drawn)}.xml"
            with book.open(member, "w") as out:
                done += _fill(sheet, _frame(title, drawn)[member].decode(), out)
        for member, content in _frame(title, drawn).items():
            if member not in book.namelist():
                with book.open(member, "w") as out:  # which dates it by no clock
                    out.write(content)
    return done


def _frame(title: str, sheets: Sequence[tuple[str, LedgerSheet]]) -> dict[str, bytes]:
    """The parts of a book with these sheets, each with its heads and a sample row."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    book.set_properties({"title": title, "created": DAY})
    for name, sheet in sheets:
        _set_up(book, name, sheet)
    book.close()
    with ZipFile(file) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


def _set_up(book: xlsxwriter.Workbook, name: str, ledger: LedgerSheet) -> None:
    """One sheet of the book, A4 landscape, its column heads frozen and repeated on each page."""
    page = book.add_worksheet(name)
    page.hide_gridlines(0)  # the lines of the grid are printed, so that empty cells need not be written
    page.set_landscape()
    page.set_paper(9)  # A4
    page.set_margins(left=0.4, right=0.4, top=0.8, bottom=0.6)
    page.fit_to_pages(1, 0)
    title, window = ledger.title.replace("&", "&&"), ledger.window.replace("&", "&&")
    # The blanks part the sizes from digits that follow.
    page.set_header(f"&L&9 {window}&C&14 {title}&R&9 {ledger.period}")
    page.set_footer("&R&9 第 &P 页，共 &N 页")
    widths = _widths(ledger)
    for number, width in enumerate(widths):
        page.set_column(number, number, width)
    top = len(ledger.head)
    page.freeze_panes(top + 1, 0)
    page.repeat_rows(top)
    # A telephone number is no number; Excel need not point at each.
    page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    line = book.add_format({"font_name": "宋体", "font_size": 10})
    middle = {"font_name": "宋体", "align": "center", "valign": "vcenter", "bg_color": "#EFEFEF", "border": 1}
    head = book.add_format({**FACE, **middle})
    for number, words in enumerate(ledger.head):
        page.write_string(number, 0, _words(words), line)
    page.set_row(top, _height([label for label, _ in ledger.heads], widths))
    for column, (label, _) in enumerate(ledger.heads):
        page.write_string(top, column, label, head)
    # A number that does not fit shows as ####; a smaller one can be read.
    narrow = {**FACE, "text_wrap": False, "shrink": True, "align": "left"}
    kinds = (FACE, {**FACE, "quote_prefix": True}, narrow, {**narrow, "num_format": "yyyy-mm-dd"})
    for column, look in enumerate((*map(book.add_format, kinds), line)):
        page.write_number(top + 1, column, 0, look)


def _fill(ledger: LedgerSheet, frame: str, out: IO[bytes]) -> int:
    """Write the rows where the sample stands; how many there were room for."""
    top = len(ledger.head) + 2
    above, sample, below = re.split(rf'(<row r="{top}".*?</row>)', frame)
    text, quoted, number, day, line = re.findall(r' s="(\d+)"', sample)
    columns = [xl_col_to_name(column) for column in range(len(ledger.heads))]
    widths = _widths(ledger)
    out.write(re.sub(r'<dimension ref="[^"]*"/>', "", above).encode())

    def cell(column: str, row: int, value: Value) -> str:
        if isinstance(value, str):
            look = quoted if value.startswith(RISKY) else text
            return _text(column, row, look, value) if value else ""
        if isinstance(value, date):
            return f'<c r="{column}{row}" s="{day}"><v>{value.toordinal() - DAY_ZERO}</v></c>'
        return f'<c r="{column}{row}" s="{number}"><v>{value}</v></c>'

    at, written, waiting = top, 0, list[str]()
    for values in ledger.rows:
        cells = "".join([cell(column, at, value) for column, value in zip(columns, values, strict=True)])
        waiting.append(f'<row r="{at}" ht="{_height(values, widths)}" customHeight="1">{cells}</row>')
        at += 1
        if len(waiting) == AT_ONCE:
            written += out.write("".join(waiting).encode())
            waiting.clear()
            if at - top >= MOST or written > FULL:
                break
    lines = [(top, ledger.nil)] if at == top else []
    lines += [(row, _words(foot.line)) for row, foot in enumerate(ledger.foot, start=at + 1)]
    waiting += [f'<row r="{row}">{_text("A", row, line, words)}</row>' for row, words in lines]
    out.write(("".join(waiting) + below).encode())
    return at - top


def _text(column: str, row: int, look: str, value: str) -> str:
    words = _MARKUP.sub(_escaped, value[:LONGEST])
    space = ' xml:space="preserve"' if words != words.strip() else ""
    return f'<c r="{column}{row}" s="{look}" t="inlineStr"><is><t{space}>{words}</t></is></c>'


# What XML would take for its own, what it cannot say, and what Excel would take for a letter it cannot say.
_MARKUP: Final = re.compile("[&<>\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
_NAMED: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    return _NAMED.get(text) or (f"_x005F{text}" if len(text) > 1 else f"_x{ord(text):04X}_")


def _widths(ledger: LedgerSheet) -> list[float]:
    whole = sum(share for _, share in ledger.heads)
    return [max(5.0, LINE * share / whole) for _, share in ledger.heads]


def _height(row: Sequence[Value], widths: Sequence[float]) -> float:
    """How high a row must be for its longest cell, in points: not every program finds out by itself."""
    lines = 1
    for value, width in zip(row, widths, strict=True):
        if isinstance(value, str) and 2 * len(value) > width * lines:
            lines = max(lines, sum(1 + int(_wide(part) / (width - 1)) for part in value.split("\n")))
    return min(TALLEST, 4 + 13.5 * lines)


def _wide(text: str) -> int:
    """The width of a text in digits; a Chinese letter takes two."""
    return len(text) if text.isascii() else 2 * len(text)


def _words(line: Line) -> str:
    return "".join(ink.words for ink in line)
