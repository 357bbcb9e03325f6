"""Counting days and hours: the vectors of the catalogue, a naive model, and the hours of a hall."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.workdays import (
    SHANGHAI,
    Calendar,
    CalendarError,
    DayKind,
    OfficeHours,
    corresponding_day,
)

CALENDAR = Calendar.load()
CALENDAR_FILES = sorted((Path(__file__).parent.parent / "core" / "calendars").glob("*.toml"))
HOURS = OfficeHours.read([{"sessions": ["09:00-12:00", "13:30-17:00"]}])
SEASONS = OfficeHours.read(
    [
        {"sessions": ["08:30-12:00", "14:30-18:00"], "from": "05-01", "to": "09-30"},
        {
            "sessions": ["08:30-12:00", "13:30-17:30"],
            "from": "10-01",
            "to": "04-30",
            "weekdays": [1, 2, 3, 4],
        },
        {"sessions": ["08:30-12:00"], "from": "10-01", "to": "04-30", "weekdays": [5]},
    ]
)

# Event day, then the 1st, 3rd, 5th, 7th, 10th and 15th working day after it.
AMOUNTS = (1, 3, 5, 7, 10, 15)
VECTORS = """
2021-08-10  2021-08-11 2021-08-13 2021-08-17 2021-08-19 2021-08-24 2021-08-31
2021-09-30  2021-10-08 2021-10-11 2021-10-13 2021-10-15 2021-10-20 2021-10-27
2022-04-01  2022-04-02 2022-04-07 2022-04-11 2022-04-13 2022-04-18 2022-04-24
2022-04-02  2022-04-06 2022-04-08 2022-04-12 2022-04-14 2022-04-19 2022-04-25
2022-04-11  2022-04-12 2022-04-14 2022-04-18 2022-04-20 2022-04-24 2022-04-29
2022-04-29  2022-05-05 2022-05-07 2022-05-10 2022-05-12 2022-05-17 2022-05-24
2022-09-30  2022-10-08 2022-10-10 2022-10-12 2022-10-14 2022-10-19 2022-10-26
2023-09-28  2023-10-07 2023-10-09 2023-10-11 2023-10-13 2023-10-18 2023-10-25
2023-09-29  2023-10-07 2023-10-09 2023-10-11 2023-10-13 2023-10-18 2023-10-25
2023-12-29  2024-01-02 2024-01-04 2024-01-08 2024-01-10 2024-01-15 2024-01-22
2026-02-13  2026-02-14 2026-02-25 2026-02-27 2026-03-02 2026-03-05 2026-03-12
2026-09-30  2026-10-08 2026-10-10 2026-10-13 2026-10-15 2026-10-20 2026-10-27
"""

DAYS = st.dates(date(2019, 1, 1), date(2029, 12, 31))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


INSTANTS = st.integers(0, 6 * 366 * 24 * 60).map(lambda n: at("2021-01-01 00:00") + timedelta(minutes=n))

# --- days


@pytest.mark.parametrize(
    "row", [line.split() for line in VECTORS.strip().splitlines()], ids=lambda row: row[0]
)
def test_the_vectors_of_the_catalogue(row: list[str]) -> None:
    event, *expected = map(date.fromisoformat, row)
    assert [CALENDAR.due_day(event, n) for n in AMOUNTS] == [(day, False) for day in expected]


def test_every_known_day_agrees_with_the_published_calendar() -> None:
    day = date(2021, 1, 1)
    while day <= date(2026, 12, 31):
        assert CALENDAR.is_working(day) == chinese_calendar.is_workday(day), day
        day += timedelta(days=1)


def naive_is_working(day: date) -> bool:
    for year in CALENDAR.years:
        if day in year.work or day in year.off:
            return day in year.work
    return day.weekday() < 5


@given(event=DAYS, n=st.integers(0, 40))
def test_a_due_day_is_found_by_counting_day_by_day(event: date, n: int) -> None:
    day, left, looked_at = event, n, []
    if n == 0:
        looked_at.append(day)
        while not naive_is_working(day):
            day += timedelta(days=1)
            looked_at.append(day)
    while left:
        day += timedelta(days=1)
        looked_at.append(day)
        left -= naive_is_working(day)
    provisional = not all(2021 <= seen.year <= 2026 for seen in looked_at)
    assert CALENDAR.due_day(event, n) == (day, provisional)


@given(one=DAYS, other=DAYS)
def test_working_days_between_two_days_are_counted_with_a_sign(one: date, other: date) -> None:
    first, last = sorted((one, other))
    span = (first + timedelta(days=i) for i in range(1, (last - first).days + 1))
    number = sum(map(naive_is_working, span))
    assert CALENDAR.working_days_between(first, last) == number
    assert CALENDAR.working_days_between(last, first) == -number


@given(day=DAYS, n=st.integers(1, 40))
def test_shifting_back_undoes_counting_forward_from_a_working_day(day: date, n: int) -> None:
    start = CALENDAR.due_day(day, 0).day
    assert CALENDAR.shift(CALENDAR.shift(start, n), -n) == start
    assert CALENDAR.shift(start, n) == CALENDAR.due_day(start, n).day


@pytest.mark.parametrize(
    ("due", "reminder"),
    [
        ("2022-04-24", "2022-04-22"),  # a make-up Sunday
        ("2021-10-08", "2021-09-30"),  # over the National Day
        ("2024-01-02", "2023-12-29"),
        ("2023-10-01", "2023-09-28"),  # from a rest day
    ],
)
def test_one_working_day_before(due: str, reminder: str) -> None:
    assert CALENDAR.shift(date.fromisoformat(due), -1) == date.fromisoformat(reminder)


def test_a_same_day_period_that_begins_on_a_rest_day_ends_on_the_next_working_day() -> None:
    assert CALENDAR.due_day(date(2023, 9, 28), 0).day == date(2023, 9, 28)
    assert CALENDAR.due_day(date(2023, 9, 29), 0).day == date(2023, 10, 7)


def test_a_period_that_crosses_into_a_year_without_a_notice_is_provisional() -> None:
    assert not CALENDAR.known(2027)
    assert CALENDAR.due_day(date(2026, 12, 30), 1) == (date(2026, 12, 31), False)
    assert CALENDAR.due_day(date(2026, 12, 30), 2) == (date(2027, 1, 1), True)
    assert CALENDAR.due_day(date(2026, 12, 14), 15) == (date(2027, 1, 4), True)


def test_loading_the_year_turns_a_provisional_day_into_a_firm_one(tmp_path: Path) -> None:
    notice = tmp_path / "2027.toml"
    notice.write_text(
        'year = 2027\nsource = "test"\nverified = true\noff = [2027-01-01]\nwork = [2027-01-02]\n'
    )
    calendar = Calendar.load([*CALENDAR_FILES, notice])
    assert calendar.due_day(date(2026, 12, 30), 2) == (date(2027, 1, 2), False)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('year = 2027\nsource = ""\nverified = true\noff = [2027-01-02]\nwork = []\n', "no weekday of 2027"),
        (
            'year = 2027\nsource = ""\nverified = true\noff = []\nwork = [2027-01-01]\n',
            "no weekend day of 2027",
        ),
        ('year = 2027\nsource = ""\nverified = true\noff = [2026-01-01]\nwork = []\n', "no weekday of 2027"),
        ("year = 2027\n", "source"),
        ("year = \n", "Invalid value"),
    ],
)
def test_a_calendar_file_that_cannot_be_right_is_refused_by_name(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "2027.toml"
    file.write_text(text)
    with pytest.raises(CalendarError, match=complaint) as refusal:
        Calendar.load([file])
    assert str(file) in str(refusal.value)


def test_a_gap_between_the_years_is_refused() -> None:
    with pytest.raises(CalendarError, match="after 2021 is 2023"):
        Calendar.load([CALENDAR_FILES[0], CALENDAR_FILES[2]])


def test_a_period_is_explained_day_by_day() -> None:
    lines = CALENDAR.explain(date(2022, 4, 1), 3)
    assert [(line.day.isoformat(), line.kind, line.nth) for line in lines] == [
        ("2022-04-01", DayKind.WORKDAY, None),
        ("2022-04-02", DayKind.MAKE_UP, 1),
        ("2022-04-03", DayKind.WEEKEND, None),
        ("2022-04-04", DayKind.HOLIDAY, None),
        ("2022-04-05", DayKind.HOLIDAY, None),
        ("2022-04-06", DayKind.WORKDAY, 2),
        ("2022-04-07", DayKind.WORKDAY, 3),
    ]
    assert [line.provisional for line in CALENDAR.explain(date(2026, 12, 31), 1)] == [False, True]
    assert [(line.nth, line.kind) for line in CALENDAR.explain(date(2023, 9, 28), 0)] == [
        (0, DayKind.WORKDAY)
    ]


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2022-04-11", 12, "2023-04-11"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2022-01-31", 1, "2022-02-28"),
        ("2022-10-31", 2, "2022-12-31"),
        ("2022-03-31", -1, "2022-02-28"),
    ],
)
def test_months_end_on_the_corresponding_day(day: str, months: int, expected: str) -> None:
    assert corresponding_day(date.fromisoformat(day), months) == date.fromisoformat(expected)


# --- moments


@pytest.mark.parametrize(
    ("event", "n", "with_hours", "without"),
    [
        ("2022-04-11 10:00", 3, "2022-04-14 17:00", "2022-04-15 00:00"),
        ("2022-04-11 20:00", 3, "2022-04-14 17:00", "2022-04-15 00:00"),  # after hours: the true date
        ("2022-04-09 10:00", 1, "2022-04-11 17:00", "2022-04-12 00:00"),  # on a Saturday
        ("2022-04-11 10:00", 10, "2022-04-24 17:00", "2022-04-25 00:00"),  # a make-up Sunday has office hours
        ("2022-04-11 10:00", 0, "2022-04-11 17:00", "2022-04-12 00:00"),
        ("2022-04-11 17:00", 0, "2022-04-11 17:00", "2022-04-12 00:00"),
        ("2022-04-11 18:00", 0, "2022-04-12 17:00", "2022-04-12 00:00"),  # never due before it happened
    ],
)
def test_a_period_ends_at_closing_time_else_at_midnight(
    event: str, n: int, with_hours: str, without: str
) -> None:
    due = CALENDAR.due(at(event), n, HOURS)
    assert due.moment == at(with_hours)
    assert due.moment.tzinfo is UTC
    assert due.day == at(with_hours).date()
    assert CALENDAR.due(at(event), n, None).moment == at(without)


def test_the_day_of_an_event_is_its_day_in_shanghai() -> None:
    late_on_sunday_in_utc = datetime(2022, 4, 10, 16, 30, tzinfo=UTC)
    assert CALENDAR.due(late_on_sunday_in_utc, 1, None).day == date(2022, 4, 12)


def test_a_naive_instant_is_refused() -> None:
    naive = datetime(2022, 4, 11, 10)  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        CALENDAR.due(naive, 1, None)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2022-04-11 08:00", "2022-04-11 09:00"),
        ("2022-04-11 09:00", "2022-04-11 09:00"),
        ("2022-04-11 10:17", "2022-04-11 10:17"),
        ("2022-04-11 12:00", "2022-04-11 13:30"),
        ("2022-04-11 16:59", "2022-04-11 16:59"),
        ("2022-04-11 17:00", "2022-04-12 09:00"),
        ("2022-04-08 20:00", "2022-04-11 09:00"),  # Friday evening
        ("2022-04-23 10:00", "2022-04-24 09:00"),  # before the make-up Sunday
        ("2026-02-13 18:00", "2026-02-14 09:00"),  # the make-up Saturday before the Spring Festival
        ("2026-02-14 17:30", "2026-02-24 09:00"),  # over the Spring Festival
    ],
)
def test_the_next_office_moment(instant: str, expected: str) -> None:
    assert CALENDAR.next_office_moment(at(instant), HOURS) == at(expected)


@pytest.mark.parametrize(
    ("instant", "hours", "expected"),
    [
        ("2022-04-11 09:00", 3, "2022-04-11 12:00"),
        ("2022-04-11 09:00", 4, "2022-04-11 14:30"),
        ("2022-04-11 16:00", 4, "2022-04-12 12:00"),
        ("2022-04-08 16:30", 4, "2022-04-11 14:00"),
        ("2026-02-14 16:00", 4, "2026-02-24 12:00"),
        ("2022-04-09 11:00", 13, "2022-04-12 17:00"),
    ],
)
def test_office_hours_are_added_only_while_the_window_is_open(
    instant: str, hours: int, expected: str
) -> None:
    assert CALENDAR.add_office_hours(at(instant), timedelta(hours=hours), HOURS) == at(expected)


@given(
    instant=INSTANTS,
    minutes=st.integers(0, 3000),
    more=st.integers(0, 3000),
)
def test_office_hours_add_up(instant: datetime, minutes: int, more: int) -> None:
    first = CALENDAR.add_office_hours(instant, timedelta(minutes=minutes), SEASONS)
    in_two_steps = CALENDAR.add_office_hours(first, timedelta(minutes=more), SEASONS)
    at_once = CALENDAR.add_office_hours(instant, timedelta(minutes=minutes + more), SEASONS)
    # A span that ends at closing time ends there, and the next one begins at the next opening.
    assert at_once in (in_two_steps, first)
    assert CALENDAR.next_office_moment(at_once, SEASONS) == CALENDAR.next_office_moment(in_two_steps, SEASONS)


@pytest.mark.parametrize(
    ("day", "closing"),
    [
        ("2022-04-28 10:00", "2022-04-28 17:30"),  # a Thursday in winter time
        ("2022-04-08 10:00", "2022-04-08 12:00"),  # a Friday in winter time
        ("2022-04-24 10:00", "2022-04-24 17:30"),  # a make-up Sunday: the first hours of its season
        ("2022-05-05 10:00", "2022-05-05 18:00"),  # summer time
        ("2022-09-30 10:00", "2022-09-30 18:00"),
        ("2022-10-08 10:00", "2022-10-08 17:30"),
    ],
)
def test_hours_follow_season_and_weekday(day: str, closing: str) -> None:
    assert CALENDAR.due(at(day), 0, SEASONS).moment == at(closing)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"sessions": ["09:00-12:00"], "from": "02-01"}, "season of 01-01"),
        ({"sessions": ["09:00-12:00"], "weekdays": [6, 7]}, "never opens"),
        ({"sessions": ["09:00-12:00"], "weekdays": [0]}, "weekdays"),
        ({"sessions": ["09:00-12:00", "11:00-17:00"]}, "follow one another"),
        ({"sessions": []}, "follow one another"),
        ({"sessions": ["nine to five"]}, "office hours"),
        ({"session": ["09:00-12:00"]}, "unknown key session"),
        ({}, "sessions"),
    ],
)
def test_office_hours_that_cannot_be_right_are_refused(entry: dict[str, object], complaint: str) -> None:
    with pytest.raises(CalendarError, match=complaint):
        OfficeHours.read([entry])
