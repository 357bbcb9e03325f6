"""Due days: ours beside `chinesecalendar`, with the same answer on every day both know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial

import chinese_calendar

from bench.measure import Result, Setting, interleaved, ratio, seconds
from core.workdays import Calendar

LIMITS = (3, 10, 15)
FIRST, LAST = date(2021, 1, 1), date(2026, 12, 31)


def run(setting: Setting) -> Iterator[Result]:
    calendar = Calendar.load()
    days = [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]
    last_working = max(filter(chinese_calendar.is_workday, days))
    different = sum(calendar.is_working(day) != chinese_calendar.is_workday(day) for day in days)
    asked = [
        (day, n)
        for day in days[:: 20 if setting.quick else 5]
        for n in LIMITS
        if calendar.due_day(day, n).day <= last_working
    ]
    # The peer counts a rest day on to the next working day first: one day less to go from there.
    peer_asked = [(day, n if chinese_calendar.is_workday(day) else n - 1) for day, n in asked]
    different += sum(
        calendar.due_day(*ours) != (peer(*theirs), False)
        for ours, theirs in zip(asked, peer_asked, strict=True)
    )

    def rate(due: Callable[[date, int], object], questions: list[tuple[date, int]]) -> float:
        def ask() -> None:
            for day, n in questions:
                due(day, n)

        return len(questions) / seconds(ask)

    rates = interleaved(
        {"ours": partial(rate, calendar.due_day, asked * 20), "peer": partial(rate, peer, peer_asked)}
    )
    detail = {
        "microseconds": {name: [round(1e6 / x, 2) for x in values] for name, values in rates.items()},
        "days_compared": len(days),
        "due_days_compared": len(asked),
    }
    yield Result(
        "days", "due days, of chinesecalendar's", ratio(rates["ours"], rates["peer"]), "x", 200, False, detail
    )
    yield Result("days", "different answers, 2021 to 2026", float(different), "", 0, True)


def peer(day: date, n: int) -> date:
    found: date = chinese_calendar.find_workday(n, day)
    return found
