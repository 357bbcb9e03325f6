"""A list as CSV for another system: written row by row, and nothing a citizen wrote becomes a formula."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import IO, Final

from core.forms import LedgerSheet, Value

MIME: Final = "text/csv; charset=utf-8"
RISKY: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def render(sheet: LedgerSheet, file: IO[bytes]) -> int:
    """Write the heads and the rows to `file`, UTF-8 with its mark, so that Excel reads it; how many rows there are."""
    text = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=True)
    out = csv.writer(text)
    out.writerow(label for label, _ in sheet.heads)
    count = 0
    for row in sheet.rows:
        out.writerow(_cell(value) for value in row)
        count += 1
    text.detach()  # the file stays open: it is the caller's
    return count


def _cell(value: Value) -> str:
    if isinstance(value, date):
        return value.isoformat()
    told = str(value)
    return f"'{told}" if told.startswith(RISKY) else told
