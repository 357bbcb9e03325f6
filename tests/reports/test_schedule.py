"""When a report comes round: weekly days that are days of rest, n-th working days, months that belong together."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core import reports
from core.office import Office
from core.policy.load import shipped
from core.policy.model import Report
from core.workdays import SHANGHAI, Calendar, OfficeHours
from tests.world import at, sandbox_hall


@pytest.fixture
def office() -> Office:
    hall = sandbox_hall("huaiyin")
    hours = OfficeHours.read(hall.hours)
    return Office(None, None, Calendar.load(), hours, hall, shipped("huaiyin")[0], Path())  # type: ignore[arg-type]


def report(cycle: str, day: int = 1, **more: object) -> Report:
    told = {"key": "x", "title": "报告", "cycle": cycle, "day": day, "signer": "approver", "clause": "HY-2d"}
    return Report.model_validate({**told, **more})


def found(office: Office, one: Report, since: str, until: str) -> list[tuple[str, str, str, str]]:
    """(first day, last day, draft, due) of each turn."""
    turns = reports.turns(office, one, date.fromisoformat(since), at(until))
    return [(str(t.first), str(t.last), told(t.draft_at), told(t.due_at)) for t in turns]


def told(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


FRIDAY: dict[str, Any] = {"cycle": "weekly", "day": 5}


def test_a_weekly_report_is_drafted_on_thursday_and_due_on_friday(office: Office) -> None:
    (turn,) = found(office, report(**FRIDAY), "2023-09-18", "2023-09-23T00:00")
    assert turn == ("2023-09-15", "2023-09-21", "09-21 09:00", "09-22 17:30")


@pytest.mark.clause("HY-5.3b")
def test_a_friday_of_rest_moves_to_the_working_day_before_or_into_the_next_report(office: Office) -> None:
    turns = found(office, report(**FRIDAY), "2023-09-22", "2023-10-14T00:00")
    assert turns == [
        ("2023-09-22", "2023-09-27", "09-27 09:00", "09-28 17:30"),  # 09-29 is a holiday
        ("2023-09-28", "2023-10-12", "10-12 09:00", "10-13 17:30"),  # 10-06 too, with no working day before
    ]


def test_make_up_days_before_a_week_of_rest_belong_to_the_week_before(office: Office) -> None:
    """The whole week from 2022-01-31 rests; the Sunday before it works and is none of its days."""
    turns = found(office, report(**FRIDAY), "2022-01-24", "2022-02-12T00:00")
    assert [due for *_, due in turns] == ["01-28 17:30", "02-11 17:30"]


def test_a_region_may_choose_the_working_day_after(office: Office) -> None:
    turns = found(office, report(**FRIDAY, shift="next"), "2023-09-22", "2023-10-14T00:00")
    assert [due for *_, due in turns] == ["10-07 17:30", "10-13 17:30"]  # two Fridays, one report


@pytest.mark.parametrize(
    ("cycle", "since", "until", "first", "last", "draft", "due"),
    [
        (
            "monthly",
            "2023-05-31",
            "2023-06-02T00:00",
            "2023-05-01",
            "2023-05-31",
            "06-01 09:00",
            "06-05 17:30",
        ),
        (
            "bimonthly",
            "2023-02-01",
            "2023-03-02T00:00",
            "2023-01-01",
            "2023-02-28",
            "03-01 09:00",
            "03-03 17:30",
        ),
        (
            "quarterly",
            "2023-02-01",
            "2023-04-04T00:00",
            "2023-01-01",
            "2023-03-31",
            "04-03 09:00",
            "04-06 17:30",
        ),
        (
            "yearly",
            "2022-05-01",
            "2023-01-04T00:00",
            "2022-01-01",
            "2022-12-31",
            "01-03 09:00",
            "01-05 17:30",
        ),
    ],
)
def test_a_report_of_months_is_due_on_the_third_working_day_after_them(
    office: Office, cycle: str, since: str, until: str, first: str, last: str, draft: str, due: str
) -> None:
    assert found(office, report(cycle, 3), since, until) == [(first, last, draft, due)]


def test_what_comes_each_day_comes_each_working_day_with_the_days_of_rest_before_it(office: Office) -> None:
    turns = found(office, report("daily"), "2023-10-06", "2023-10-09T12:00")
    assert turns == [
        ("2023-09-29", "2023-10-07", "10-07 09:00", "10-07 17:30"),
        ("2023-10-08", "2023-10-08", "10-08 09:00", "10-08 17:30"),
        ("2023-10-09", "2023-10-09", "10-09 09:00", "10-09 17:30"),
    ]


def test_periods_follow_each_other_without_a_gap_or_an_overlap(office: Office) -> None:
    for cycle, day in (("daily", 1), ("weekly", 1), ("weekly", 5), ("monthly", 3), ("bimonthly", 1)):
        turns = list(reports.turns(office, report(cycle, day), date(2022, 1, 1), at("2024-06-01T00:00")))
        assert len(turns) > 10
        for earlier, later in pairwise(turns):
            assert (later.first - earlier.last).days == 1, (cycle, earlier, later)
            assert earlier.draft_at <= earlier.due_at < later.due_at


def test_a_report_on_demand_never_comes_round(office: Office) -> None:
    assert found(office, report("demand"), "2023-01-01", "2024-01-01T00:00") == []


def test_every_section_and_column_that_a_profile_names_is_there() -> None:
    from core.figures import COLUMNS, RATES, SECTIONS
    from core.policy.load import shipped_names

    for name in shipped_names():
        for one in shipped(name)[0].reports:
            assert set(one.sections) <= set(SECTIONS), one.key
            assert set(one.columns) <= {*COLUMNS, *RATES}, one.key
            assert bool(one.columns) == ("units" in one.sections), one.key
            assert one.paper in ("", "ledger", *shipped(name)[0].forms), one.key
