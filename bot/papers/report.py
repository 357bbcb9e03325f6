"""A report as words and as lists to keep: the draft from templates, the figures as sheets for Excel, PDF and pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from bot.words import Words
from core.figures import Cell, Period, Table
from core.forms import Foot, Ink, LedgerSheet, Value, written_day
from core.policy.model import Profile, Report
from core.workdays import SHANGHAI

WIDE = 3  # how much wider a column of words is than one of numbers


def draft(
    words: Words, rules: Profile, report: Report, period: Period, tables: Sequence[Table], about: str = ""
) -> str:
    """The words of a report as the templates put its figures: title, days, one paragraph a section, its basis."""
    days = span(period.first, period.last)
    parts = [words.say(f"reports/{t.key}", said=t.said, days=days, rules=rules) for t in tables]
    numbered = [f"{NUMBERS[i]}、{t.title}\n{part}" for i, (t, part) in enumerate(_said(tables, parts))]
    head = f"{report.title}（{days}）" + (f"\n{about}" if about else "")
    return "\n\n".join((head, *numbered, words.source(rules, report.clause)))


def _said(tables: Sequence[Table], parts: Sequence[str]) -> Iterator[tuple[Table, str]]:
    return ((table, part) for table, part in zip(tables, parts, strict=True) if part)


NUMBERS = "一二三四五六七八九十"


def span(first: date, last: date) -> str:
    """2022年4月, 2023年第2季度 …: the days of a period, as short as they can be said."""
    after = (last.month % 12) + 1
    whole = first.day == 1 and (date(last.year + (after == 1), after, 1) - last).days == 1
    if whole and first.year == last.year:
        if (first.month, last.month) == (1, 12):
            return f"{first.year}年"
        if first.month == last.month:
            return f"{first.year}年{first.month}月"
        return f"{first.year}年{first.month}—{last.month}月"
    return written_day(first) if first == last else f"{written_day(first)}至{written_day(last)}"


def sheets(
    rules: Profile, report: Report, period: Period, tables: Sequence[Table], digest: str = ""
) -> tuple[LedgerSheet, ...]:
    """Each section as a list that the drawers of ledgers draw."""
    basis = f"依据：{rules.instrument.title}{rules.clauses[report.clause].place}"
    at = period.as_of.astimezone(SHANGHAI)
    told = f"{basis}　统计截至 {at:%Y-%m-%d %H:%M}" + (f"　数字核对码 {digest}" if digest else "")
    foot = (Foot((Ink(told),), False, 3),)
    return tuple(
        LedgerSheet(
            title=f"{report.title}：{table.title}",
            period=span(period.first, period.last),
            head=(),
            heads=tuple((head, _width(table, number)) for number, head in enumerate(table.heads)),
            rows=tuple(tuple(_value(cell) for cell in row) for row in table.rows),
            foot=foot,
            window=rules.window_name,
        )
        for table in tables
    )


def _width(table: Table, column: int) -> int:
    return (
        WIDE
        if any(isinstance(row[column].value, str) and len(str(row[column].value)) > 8 for row in table.rows)
        else 1
    )


def _value(cell: Cell) -> Value:
    return cell.value
