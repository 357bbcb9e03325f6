"""Filled papers as PDF: A4, ruled, the Chinese font embedded, equal papers in equal bytes. Nothing is cut: a cell too
long for its page runs on over the next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Final, Literal

from fpdf import FPDF
from fpdf.fonts import TTFFont

from bot.papers.fonts import chinese
from core.forms import Cell, Foot, LedgerSheet, Line, Sheet, Value, digest_of, printed

# A document says nothing of when it was drawn, so that the same sheet gives the same bytes.
DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)
FACE: Final = "face"
MM: Final = 25.4 / 72  # of a point
LEADING: Final = 1.5  # line height, of the size
PAD: Final = 1.6  # mm, around the words of a cell of a form
SMALL, TIGHT = 7, 0.8  # size and padding of a ledger, whose many columns share one line
EASY, FEW = 9, 9  # the size where at most so many columns do
LONGEST, HEADED = 32, 45  # mm, the most a column is widened to; title, heads and some rows of a list
SIGNED, LISTED = 12, 7  # mm, the least height of a row beside which people sign, and of one only read
LEAST: Final = 30  # mm: a row that could begin with less room on its page begins on the next
UNKNOWN: Final = "□"  # in place of a letter that the face lacks
TICKED, TICK = "☑", "√"  # few faces have the first: it is set as a box and the second in it
# What must not begin a line, and what must not end one.
NOT_FIRST: Final = frozenset("，。、；：！？）》」』】”’％…—·,.;:!?)]}")
NOT_LAST: Final = frozenset("（《「『【“‘([{")
WORDS: Final = re.compile(r"[A-Za-z0-9@._+/-]+|.", re.DOTALL)


Align = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Piece:
    """Words of one line; `written` is underlined, as what stands on a line to sign."""

    words: str
    written: bool = False


@dataclass(frozen=True)
class Text:
    """A line as it will be set. `gap` is room above it."""

    pieces: tuple[Piece, ...]
    size: float
    align: Align = "left"
    gap: float = 0

    @property
    def height(self) -> float:
        return self.gap + self.size * MM * LEADING


@dataclass
class Box:
    """A ruled box of a row, and the lines that are still to be set in it."""

    x: float
    width: float
    lines: list[Text] = field(default_factory=list)
    middle: bool = True
    pad: float = PAD

    @property
    def height(self) -> float:
        return sum(line.height for line in self.lines) + 2 * self.pad

    def take(self, room: float) -> Box:
        """As many lines as there is room for, taken off this box."""
        taken, used = 0, 2 * self.pad
        while taken < len(self.lines) and used + self.lines[taken].height <= room:
            used += self.lines[taken].height
            taken += 1
        part = Box(self.x, self.width, self.lines[:taken], self.middle, self.pad)
        self.lines = self.lines[taken:]
        return part


def render(sheet: Sheet) -> bytes:
    """The sheet as a PDF file, portrait. Raises `NoFont`."""
    page = _Page("portrait", sheet.title, top=26, side=25, bottom=22)
    page.put(page.wrap((Piece(sheet.title),), 18, page.width, align="center"))
    page.y += 4
    for line in sheet.head:
        page.put(page.wrap(_pieces(line), 12, page.width))
        page.y += 1
    page.y += 1
    shares = [page.width * share / sum(sheet.columns) for share in sheet.columns]
    for row in sheet.rows:
        left = 0
        boxes: list[Box] = []
        for cell in row.cells:
            x = page.side + sum(shares[:left])
            boxes += _boxes(page, cell, x, shares[left : left + cell.span])
            left += cell.span
        page.draw_row(boxes, row.height)
    for foot in sheet.foot:
        _draw_foot(page, foot, 12)
    for number in range(1, page.count + 1):
        numbered = f"第 {number} 页，共 {page.count} 页" if page.count > 1 else ""
        page.margin_words(number, sheet.window, numbered)
    return page.bytes()


def ledger(sheet: LedgerSheet) -> bytes:
    """Some days of a ledger as a PDF file, landscape, with room to sign. Each page carries the digest of its own rows
    (XJ-2.1d). Raises `NoFont`."""
    page = _Page("landscape", f"{sheet.title}（{sheet.period}）", top=12, side=10, bottom=14)
    on_page = _lay(page, sheet)
    for number in range(1, page.count + 1):
        digest = digest_of(sheet, on_page.get(number, ()))
        page.margin_words(
            number, f"{sheet.window}　本页核对码 {digest}", f"第 {number} 页，共 {page.count} 页"
        )
    return page.bytes()


def ledgers(sheets: Sequence[LedgerSheet]) -> bytes:
    """Several lists one after the other, as a report has them. Raises `NoFont`."""
    page = _Page("landscape", sheets[0].title if sheets else "", top=12, side=10, bottom=14)
    for sheet in sheets:
        page.begin(HEADED)
        _lay(page, sheet, LISTED)
        page.y += 6
    for number in range(1, page.count + 1):
        window = sheets[0].window if sheets else ""
        page.margin_words(number, window, f"第 {number} 页，共 {page.count} 页")
    return page.bytes()


def _lay(page: _Page, sheet: LedgerSheet, least: float = SIGNED) -> dict[int, list[tuple[Value, ...]]]:
    """Draw a list from where the page stands; which rows came on which page."""
    rows, labels = tuple(sheet.rows), [(label,) for label, _ in sheet.heads]
    size = EASY if len(labels) <= FEW else SMALL
    shares = _widths(page, sheet, rows, size)
    on_page: dict[int, list[tuple[Value, ...]]] = {}
    page.put(page.wrap((Piece(sheet.title),), 16, page.width, align="center"))
    page.put(page.wrap((Piece(sheet.period),), 10, page.width, align="right"))
    for line in sheet.head:
        page.put(page.wrap(_pieces(line), 10, page.width))
    page.y += 2

    def heads() -> None:
        page.draw_row(_row_of(page, labels, shares, size, center=True), min(least, 9))

    # The heads are part of the page: a row is whole that fits under them.
    heads()
    page.again = heads
    for row in rows:
        boxes = _row_of(page, [printed(value).split("\n") for value in row], shares, size)
        page.draw_row(boxes, least, whole=True)
        on_page.setdefault(page.count, []).append(row)
    if not on_page:
        page.put(page.wrap((Piece(sheet.nil),), 10, page.width, align="center"))
    page.again = None
    for foot in sheet.foot:
        _draw_foot(page, foot, 10)
    return on_page


def _widths(page: _Page, sheet: LedgerSheet, rows: Sequence[tuple[Value, ...]], size: float) -> list[float]:
    """The width of each column (mm): its share of the line, or what its longest number, day or Latin word takes, if the
    others have so much to spare."""
    whole = sum(share for _, share in sheet.heads)
    wide = [page.width * share / whole for _, share in sheet.heads]
    least = [
        min(LONGEST, max((page.longest(row[i], size) for row in rows), default=0) + 2 * TIGHT + 0.1)
        for i in range(len(wide))
    ]
    lacking = sum(max(0, need - width) for need, width in zip(least, wide, strict=True))
    spare = sum(max(0, width - need) for need, width in zip(least, wide, strict=True))
    if not lacking or lacking > spare:
        return wide
    given = lacking / spare
    return [max(need, width - (width - need) * given) for need, width in zip(least, wide, strict=True)]


def _row_of(
    page: _Page,
    texts: Sequence[Sequence[str]],
    shares: Sequence[float],
    size: float,
    *,
    center: bool = False,
) -> list[Box]:
    boxes, x = [], page.side
    for paragraphs, width in zip(texts, shares, strict=True):
        lines = [
            line
            for text in paragraphs
            for line in page.wrap(
                (Piece(text),), size, width - 2 * TIGHT, align="center" if center else "left"
            )
        ]
        boxes.append(Box(x, width, lines, center, TIGHT))
        x += width
    return boxes


def _boxes(page: _Page, cell: Cell, x: float, shares: Sequence[float]) -> Iterator[Box]:
    """The boxes of one cell: of its label, if that has its own, and of the answer."""
    if cell.place == "beside":
        label = page.wrap((Piece(cell.label),), 12, shares[0] - 2 * PAD, align="center")
        yield Box(x, shares[0], list(label))
        x, shares = x + shares[0], shares[1:]
    width = sum(shares)
    room = width - 2 * PAD
    lines: list[Text] = []
    paragraphs = list(cell.paragraphs)
    if cell.place == "above" and cell.label:
        lines += page.wrap((Piece(f"{cell.label}："),), 12, room)
    if cell.place == "before":
        paragraphs[0] = f"{cell.label}：{paragraphs[0]}"
    for text in paragraphs:
        lines += page.wrap((Piece(text),), 12, room)
    if cell.sign:
        lines += page.wrap(_pieces(cell.sign), 12, room, align="right", gap=8)
    yield Box(x, width, lines, middle=cell.place != "above")


def _draw_foot(page: _Page, foot: Foot, size: float) -> None:
    pieces = _pieces(foot.line)
    page.y += foot.room
    page.put(page.wrap(pieces if foot.signature else (Piece("　　"), *pieces), size, page.width))


def _pieces(line: Line) -> tuple[Piece, ...]:
    return tuple(Piece(ink.words, ink.written) for ink in line)


class _Page:
    """The pages of one document, and where on the last of them the pen stands (`y`, mm from above)."""

    def __init__(
        self, way: Literal["portrait", "landscape"], title: str, *, top: float, side: float, bottom: float
    ):
        pdf = FPDF(way, "mm", "A4")
        pdf.set_auto_page_break(False)
        pdf.set_creation_date(DAY)
        pdf.set_title(title)
        pdf.set_lang("zh-CN")
        face = chinese()
        pdf.add_font(FACE, "", face.path, collection_font_number=face.number)
        pdf.set_line_width(0.18)
        font = pdf.fonts[FACE]
        assert isinstance(font, TTFFont)
        self._pdf, self.side, self._top, self._bottom = pdf, side, top, bottom
        self._known, self._widths = font.cmap, font.cw
        self._end = pdf.h - bottom
        self.width = pdf.w - 2 * side
        self.again: Callable[[], None] | None = None  # what every further page begins with
        self.y = top
        pdf.add_page()

    @property
    def count(self) -> int:
        return self._pdf.pages_count

    def bytes(self) -> bytes:
        return bytes(self._pdf.output())

    # --- words into lines

    def wrap(
        self, pieces: Sequence[Piece], size: float, room: float, *, align: Align = "left", gap: float = 0
    ) -> list[Text]:
        """Lines no wider than `room` mm: words whole where they fit, no closing mark at the beginning of a line, no
        opening one at its end."""
        lines: list[list[Piece]] = [[]]
        left = room
        for words, written in self._units(pieces, size, room):
            width = self._width(words, size)
            if width > left and lines[-1]:
                lines.append([])
                left = room
            lines[-1].append(Piece(words, written))
            left -= width
        return [Text(tuple(line), size, align, gap if not n else 0) for n, line in enumerate(lines)]

    def _units(self, pieces: Sequence[Piece], size: float, room: float) -> Iterator[tuple[str, bool]]:
        """What is never broken: a letter with the marks that cling to it, a word of Latin letters or digits."""
        for piece in pieces:
            held = ""
            tokens = WORDS.findall(self._printable(piece.words))
            for token, after in zip(tokens, [*tokens[1:], ""], strict=False):
                held += token
                clings = after in NOT_FIRST or token in NOT_LAST
                if clings and self._width(held + after, size) <= room:
                    continue
                yield from ((part, piece.written) for part in self._cut(held, size, room))
                held = ""

    def _cut(self, words: str, size: float, room: float) -> Iterator[str]:
        """A word wider than the line, in parts that fit."""
        part = ""
        for letter in words:
            if part and self._width(part + letter, size) > room:
                yield part
                part = ""
            part += letter
        yield part

    def longest(self, value: Value, size: float) -> float:
        """How wide the longest part of a value is that is better not broken: a day, a number, a Latin word."""
        text = printed(value)
        parts = [text] if isinstance(value, date) else WORDS.findall(text)
        return max((self._width(self._printable(part), size) for part in parts), default=0)

    def begin(self, room: float) -> None:
        """Go on to the next page unless so much room (mm) is left on this one."""
        if self._end - self.y < room:
            self._turn()

    def _printable(self, words: str) -> str:
        return "".join(
            letter if ord(letter) in self._known or letter == TICKED else UNKNOWN for letter in words
        )

    def _width(self, words: str, size: float) -> float:
        letters = words.replace(TICKED, UNKNOWN)
        return sum(self._widths[ord(letter)] for letter in letters) * size * MM / 1000

    # --- lines onto pages

    def put(self, lines: Sequence[Text]) -> None:
        """Lines under the last ones, over as many pages as they need."""
        for line in lines:
            if self.y + line.height > self._end:
                self._turn()
            self._set(line, self.side, self.width, self.y)
            self.y += line.height

    def draw_row(self, boxes: Sequence[Box], least: float, *, whole: bool = False) -> None:
        """A row of ruled boxes, at least so high (mm). One that no longer fits begins on the next page if it is to stay
        `whole` or could only just begin here; one longer than a page runs on."""
        need = max(least, *(box.height for box in boxes))
        page = self._end - self._top
        if need > self._end - self.y and need <= page and (whole or self._end - self.y < LEAST):
            self._turn()
        while need > self._end - self.y:
            room = self._end - self.y
            begun = [box.take(room) for box in boxes]
            if not any(part.lines for part in begun):
                self._turn()
                continue
            self._rule(begun, room)
            self._turn()
            need = max(8, *(box.height for box in boxes))
        self._rule(boxes, need)
        self.y += need

    def margin_words(self, number: int, left: str, right: str) -> None:
        """Small words under a page."""
        self._pdf.page = number
        self._pdf.set_font(
            FACE, size=1
        )  # what is set on a page begun earlier does not know its font any more
        y = self._end + min(5.0, self._bottom / 3)
        for words, align in ((left, "left"), (right, "right")):
            for line in self.wrap(
                (Piece(words),), 8, self.width, align="left" if align == "left" else "right"
            ):
                self._set(line, self.side, self.width, y)

    def _rule(self, boxes: Sequence[Box], height: float) -> None:
        for box in boxes:
            self._pdf.rect(box.x, self.y, box.width, height)
            used = box.height - 2 * box.pad
            y = self.y + (max(box.pad, (height - used) / 2) if box.middle else box.pad)
            for line in box.lines:
                self._set(line, box.x + box.pad, box.width - 2 * box.pad, y)
                y += line.height

    def _set(self, line: Text, x: float, room: float, y: float) -> None:
        width = sum(self._width(piece.words, line.size) for piece in line.pieces)
        x += {"left": 0, "center": (room - width) / 2, "right": room - width}[line.align]
        base = y + line.gap + line.size * MM * (LEADING / 2 + 0.36)
        self._pdf.set_font(FACE, size=line.size)
        for words, written in _runs(line.pieces):
            if words:
                self._pdf.text(x, base, words.replace(TICKED, UNKNOWN))
            for at in [i for i, letter in enumerate(words) if letter == TICKED]:
                self._pdf.text(x + self._width(words[:at], line.size), base, TICK)
            wide = self._width(words, line.size)
            if written:
                self._pdf.line(x, base + 0.9, x + wide, base + 0.9)
            x += wide

    def _turn(self) -> None:
        self._pdf.add_page()
        self.y = self._top
        if self.again:
            self.again()


def _runs(pieces: Sequence[Piece]) -> Iterator[tuple[str, bool]]:
    """Pieces of the same kind together."""
    for written, same in groupby(pieces, key=lambda piece: piece.written):
        yield "".join(piece.words for piece in same), written
