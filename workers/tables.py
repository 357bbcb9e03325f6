"""Tables that people bring: CSV as programs and Excel write it, and Excel files themselves. Rows in, texts out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element
from zipfile import BadZipFile, ZipFile

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

CAP: Final = 200 * 1024 * 1024  # bytes of a table, unpacked
_NS: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})\d+")
_EXPONENT: Final = re.compile(r"-?\d(?:\.\d+)?E\+?\d+")


class BadTable(ValueError):
    """A file that is no table; the text says why."""


def read(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows of a table as (line, head → text), the first row being the heads. Raises BadTable, OSError."""
    rows = _xlsx(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    heads: Sequence[str] = ()
    for line, cells in rows:
        texts = [cell.strip() for cell in cells]
        if not any(texts):
            continue
        if not heads:
            heads = texts
        else:
            yield line, {head: text for head, text in zip(heads, texts, strict=False) if head}
    if not heads:
        raise BadTable("是空的")


def _csv(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """UTF-8, or what Excel on a Chinese system saves."""
    told = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = told.decode(encoding)
        except UnicodeDecodeError:
            continue
        rows = csv.reader(io.StringIO(text, newline=""))
        try:
            for cells in rows:
                yield rows.line_num, cells
        except csv.Error as error:
            raise BadTable(f"第 {rows.line_num} 行读不通（{error}）") from None
        return
    raise BadTable("文字编码认不出来，请存成 UTF-8 的 CSV，或者 .xlsx")


def _xlsx(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """The first sheet. Numbers are texts as the file has them: a telephone keeps its digits, a day is its serial."""
    try:
        with ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > CAP:
                raise BadTable("太大了，请分成几份")
            names = set(parts.namelist())
            shared = "xl/sharedStrings.xml"
            told = fromstring(parts.read(shared)) if shared in names else None
            strings = [_text(item) for item in told.iter(f"{_NS}si")] if told is not None else []
            first = min(
                (n for n in names if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", n)),
                key=lambda name: int(re.sub(r"\D", "", name)),
            )
            sheet = fromstring(parts.read(first))
    except (BadZipFile, ParseError, DefusedXmlException, ValueError) as error:
        raise error if isinstance(error, BadTable) else BadTable("不是 Excel 文件（.xlsx）") from None
    for number, row in enumerate(sheet.iter(f"{_NS}row"), start=1):
        cells: list[str] = []
        for cell in row.iter(f"{_NS}c"):
            place = _column(cell.get("r", ""))
            cells += [""] * (place - len(cells))
            cells.append(_value(cell, strings))
        yield int(row.get("r", number)), cells


def _value(cell: Element, strings: Sequence[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    told = cell.findtext(f"{_NS}v") or ""
    if kind == "s":
        if not told:
            return ""
        if not (told.isascii() and told.isdecimal() and int(told) < len(strings)):
            raise BadTable("不是 Excel 文件（.xlsx）")
        return strings[int(told)]
    return f"{float(told):.0f}" if _EXPONENT.fullmatch(told) else told


def _text(of: Element) -> str:
    """Its words, in whatever types they are set; how they are read aloud left out."""
    spoken = {t for reading in of.iter(f"{_NS}rPh") for t in reading.iter(f"{_NS}t")}
    return "".join(t.text or "" for t in of.iter(f"{_NS}t") if t not in spoken)


def _column(reference: str) -> int:
    """Which column a cell stands in, from 0: A1 → 0, AB7 → 27."""
    found = _REFERENCE.fullmatch(reference)
    number = 0
    for letter in found[1] if found else "":
        number = number * 26 + ord(letter) - ord("A") + 1
    return max(0, number - 1)
