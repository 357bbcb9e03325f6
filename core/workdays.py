"""Working days and office hours: every date and moment that a rule counts.

The calendar is data: one file a year, after the notice of the State Council (WD-11). Rules are numbered as
in the clause catalogue (WD-1 to WD-24). Days are those of Asia/Shanghai; instants come in aware and go out in
UTC.
"""

import tomllib
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import accumulate, count, pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHIPPED = Path(__file__).parent / "calendars"
FRIDAY = 5  # as date.isoweekday counts
NOTICE_MONTH = 11  # from then on the notice for the next year is asked for
ONE_DAY = timedelta(days=1)

MonthDay = tuple[int, int]


class CalendarError(ValueError):
    """A calendar file or a table of office hours that cannot be right; the text says where and why."""


class DueDay(NamedTuple):
    """The last day of a period. `provisional`: it rests on a year whose notice is not loaded (WD-14)."""

    day: date
    provisional: bool


class Due(NamedTuple):
    """The end of a period: the UTC instant up to which one is in time (WD-18), and the day it falls on."""

    moment: datetime
    day: date
    provisional: bool


class DayKind(StrEnum):
    WORKDAY = "workday"
    MAKE_UP = "make_up"  # 调休上班
    WEEKEND = "weekend"
    HOLIDAY = "holiday"  # a weekday off


class DayLine(NamedTuple):
    """One day on the way to a due day. `nth`: which day of the period it is; None where it does not count."""

    day: date
    kind: DayKind
    nth: int | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """One notice: weekdays off and weekend days worked. `verified`: compared with the text of the notice."""

    year: int
    source: str
    verified: bool
    off: frozenset[date]
    work: frozenset[date]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The year in a file. Raises CalendarError for a date of another year or one that changes nothing."""
        try:
            table = tomllib.loads(path.read_text("utf-8"))
            year = cls(
                year=table["year"],
                source=table["source"],
                verified=table["verified"],
                off=frozenset(table["off"]),
                work=frozenset(table["work"]),
            )
        except (tomllib.TOMLDecodeError, KeyError) as error:
            raise CalendarError(f"{path}: {error}") from error
        for key, days, weekend in (("off", year.off, False), ("work", year.work, True)):
            for day in days:
                if day.year != year.year or (day.isoweekday() > FRIDAY) != weekend:
                    expected = "weekend day" if weekend else "weekday"
                    raise CalendarError(f"{path}: {key}: {day} is no {expected} of {year.year}")
        return year


@dataclass(frozen=True, slots=True)
class Calendar:
    """Consecutive years with a notice; every other year counts Monday to Friday, as provisional (WD-14).

    All counting is done on the rank of a day, the number of working days before it since 0001-01-01. Inside
    the known years it is looked up, outside it follows from the week.
    """

    years: tuple[CalendarYear, ...]
    _start: int = field(init=False, repr=False, compare=False)
    _ranks: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _working: tuple[date, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.years:
            raise CalendarError("a calendar needs at least one year")
        for earlier, later in pairwise(self.years):
            if later.year != earlier.year + 1:
                raise CalendarError(f"the calendar after {earlier.year} is {later.year}, not the next year")
        start, end = date(self.years[0].year, 1, 1), date(self.years[-1].year + 1, 1, 1)
        off = frozenset[date]().union(*(year.off for year in self.years))
        work = frozenset[date]().union(*(year.work for year in self.years))
        days = [start + timedelta(days=i) for i in range((end - start).days)]
        works = [day in work or (day.isoweekday() <= FRIDAY and day not in off) for day in days]
        first_rank = _weekday_rank(start.toordinal())
        object.__setattr__(self, "_start", start.toordinal())
        object.__setattr__(self, "_ranks", tuple(accumulate(works, initial=first_rank)))
        object.__setattr__(self, "_working", tuple(d for d, w in zip(days, works, strict=True) if w))

    @classmethod
    def load(cls, paths: Iterable[Path] | None = None) -> Self:
        """The calendar of the given files, or of those shipped. Raises CalendarError, naming the file."""
        files = SHIPPED.glob("*.toml") if paths is None else paths
        return cls(tuple(sorted(map(CalendarYear.read, files), key=lambda year: year.year)))

    # --- days

    def known(self, year: int) -> bool:
        return self.years[0].year <= year <= self.years[-1].year

    def missing(self, today: date) -> tuple[int, ...]:
        """The years whose notice should be here: this one, and from November, when the State Council has spoken, the
        next. A limit that reaches into a missing year is provisional (WD-14)."""
        wanted = (today.year, today.year + 1) if today.month >= NOTICE_MONTH else (today.year,)
        return tuple(year for year in wanted if not self.known(year))

    def is_working(self, day: date) -> bool:
        """WD-10 to WD-13; in a year without a notice, Monday to Friday (WD-14)."""
        ordinal = day.toordinal()
        return self._rank(ordinal + 1) > self._rank(ordinal)

    def kind(self, day: date) -> DayKind:
        if day.isoweekday() <= FRIDAY:
            return DayKind.WORKDAY if self.is_working(day) else DayKind.HOLIDAY
        return DayKind.MAKE_UP if self.is_working(day) else DayKind.WEEKEND

    def due_day(self, event_day: date, n: int) -> DueDay:
        """The n-th working day after the event (WD-2, WD-17); n = 0: the same day, or else the next one."""
        if n < 0:
            raise ValueError("a period has no negative number of days")
        first, further = (event_day.toordinal() + 1, n - 1) if n else (event_day.toordinal(), 0)
        i = first - self._start
        # The known years in one go: this is asked for every open case, many times.
        if 0 <= i < len(self._ranks):
            k = self._ranks[i] - self._ranks[0] + further
            if k < len(self._working):
                return DueDay(self._working[k], False)
        return DueDay(self._at_rank(self._rank(first) + further), True)

    def shift(self, day: date, n: int) -> date:
        """The n-th working day after `day`, or before it where n is negative; `day` itself for 0 (WD-19)."""
        if n > 0:
            return self.due_day(day, n).day
        return self._at_rank(self._rank(day.toordinal()) + n) if n else day

    def working_days_between(self, after: date, until: date) -> int:
        """How many working days follow `after`, up to and with `until`; negative where `until` is earlier."""
        return self._rank(until.toordinal() + 1) - self._rank(after.toordinal() + 1)

    def explain(self, event_day: date, n: int) -> list[DayLine]:
        """Each day from the event's to the due day, and what it counts for."""
        due = self.due_day(event_day, n)
        lines = []
        for i in range((due.day - event_day).days + 1):
            day = event_day + timedelta(days=i)
            counts = self.is_working(day) and (i > 0 or n == 0)
            nth = min(n, self.working_days_between(event_day, day)) if counts else None
            lines.append(DayLine(day, self.kind(day), nth, not self.known(day.year)))
        return lines

    # --- moments

    def due(self, event: datetime, n: int, hours: "OfficeHours | None") -> Due:
        """The end of the n-th working day after an aware instant (WD-6, WD-15, WD-16).

        A same-day period (n = 0) that opens after closing time ends with the next working day: nothing is
        due before it happened.
        """
        day, provisional = self.due_day(local_day(event), n)
        if self.day_end(day, hours) < event:
            day, provisional = self.due_day(day, 1)
        return Due(self.day_end(day, hours), day, provisional)

    def day_end(self, day: date, hours: "OfficeHours | None") -> datetime:
        """When a day ends for the counting of periods, in UTC: at closing time, else at 24:00 (WD-6)."""
        sessions = self.sessions(day, hours) if hours else ()
        return sessions[-1].closes if sessions else _instant(day + ONE_DAY, time())

    def sessions(self, day: date, hours: "OfficeHours") -> tuple["OpenSpan", ...]:
        """When the window is open on a day, in order, in UTC; a rest day has no sessions."""
        if not self.is_working(day):
            return ()
        return tuple(OpenSpan(_instant(day, s.opens), _instant(day, s.closes)) for s in hours.on(day))

    def next_office_moment(self, instant: datetime, hours: "OfficeHours") -> datetime:
        """The instant itself in office hours, else the next opening, in UTC (WD-19, AMB-G10)."""
        return self.add_office_hours(instant, timedelta(), hours)

    def add_office_hours(self, instant: datetime, span: timedelta, hours: "OfficeHours") -> datetime:
        """The moment when the window has been open for `span` since the instant, in UTC (AMB-G22)."""
        if span < timedelta():
            raise ValueError("office hours are added, never taken away")
        for session in self._sessions_since(local_day(instant), hours):
            begin = max(session.opens, instant.astimezone(UTC))
            if begin < session.closes:
                if span <= session.closes - begin:
                    return begin + span
                span -= session.closes - begin
        raise AssertionError("office hours open in every week that has a working day")

    def _sessions_since(self, day: date, hours: "OfficeHours") -> Iterator["OpenSpan"]:
        for i in count():
            yield from self.sessions(day + timedelta(days=i), hours)

    # --- ranks

    def _rank(self, ordinal: int) -> int:
        i = ordinal - self._start
        if i < 0:
            return _weekday_rank(ordinal)
        if i < len(self._ranks):
            return self._ranks[i]
        end = self._start + len(self._ranks) - 1
        return self._ranks[-1] + _weekday_rank(ordinal) - _weekday_rank(end)

    def _at_rank(self, rank: int) -> date:
        """The working day with so many working days before it."""
        if rank < self._ranks[0]:
            return _weekday_at_rank(rank)
        if rank < self._ranks[-1]:
            return self._working[rank - self._ranks[0]]
        end = self._start + len(self._ranks) - 1
        return _weekday_at_rank(rank - self._ranks[-1] + _weekday_rank(end))


class Session(NamedTuple):
    """One opening of the window, in local time: 09:00 to 12:00."""

    opens: time
    closes: time


class OpenSpan(NamedTuple):
    """One opening on one day, as UTC instants."""

    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """The sessions on some weekdays (1 = Monday) of one season, first and last day included."""

    sessions: tuple[Session, ...]
    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    first: MonthDay = (1, 1)
    last: MonthDay = (12, 31)

    def __post_init__(self) -> None:
        times = [moment for session in self.sessions for moment in session]
        if not times or any(earlier >= later for earlier, later in pairwise(times)):
            raise CalendarError("office hours: the sessions of a day must follow one another")
        if not self.weekdays or not self.weekdays <= set(range(1, 8)):
            raise CalendarError("office hours: weekdays are numbers from 1 (Monday) to 7")

    def in_season(self, day: date) -> bool:
        today = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= today <= self.last
        return today >= self.first or today <= self.last


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When a window is open on working days, in Asia/Shanghai: by season, weekday and session."""

    openings: tuple[Opening, ...]

    def __post_init__(self) -> None:
        leap_year = (date(2024, 1, 1) + timedelta(days=i) for i in range(366))
        weekly = [opening for opening in self.openings if min(opening.weekdays) <= FRIDAY]
        for day in leap_year:
            if not any(opening.in_season(day) for opening in weekly):
                raise CalendarError(f"office hours: the window never opens in the season of {day:%m-%d}")

    @classmethod
    def read(cls, entries: Sequence[Mapping[str, Any]]) -> Self:
        """Office hours as a hall writes them, a table an opening; all but `sessions` may be left out:

            sessions = ["09:00-12:00", "13:30-17:00"]
            weekdays = [1, 2, 3, 4, 5]
            from = "10-01"
            to = "04-30"

        Raises CalendarError.
        """
        try:
            return cls(tuple(map(_read_opening, entries)))
        except CalendarError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise CalendarError(f"office hours: {error}") from error

    def on(self, day: date) -> tuple[Session, ...]:
        """The sessions of a working day; a make-up day nobody wrote hours for has the season's first ones."""
        season = [opening for opening in self.openings if opening.in_season(day)]
        for opening in season:
            if day.isoweekday() in opening.weekdays:
                return opening.sessions
        return season[0].sessions if day.isoweekday() > FRIDAY else ()


def local_day(instant: datetime) -> date:
    """The day in Shanghai on which an instant falls. `ValueError` if it has no time zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return instant.astimezone(SHANGHAI).date()


def midnight(day: date) -> datetime:
    """The first instant of a day in Shanghai, in UTC."""
    return _instant(day, time())


def corresponding_day(day: date, months: int) -> date:
    """The same day so many months on; where there is none, the last day of that month (WD-4, WD-23)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _read_opening(entry: Mapping[str, Any]) -> Opening:
    if unknown := set(entry) - {"sessions", "weekdays", "from", "to"}:
        raise CalendarError(f"office hours: unknown key {', '.join(sorted(unknown))}")
    return Opening(
        sessions=tuple(Session(*map(time.fromisoformat, span.split("-"))) for span in entry["sessions"]),
        weekdays=frozenset(entry.get("weekdays", range(1, 6))),
        first=_read_month_day(entry.get("from", "01-01")),
        last=_read_month_day(entry.get("to", "12-31")),
    )


def _read_month_day(text: str) -> MonthDay:
    day = date.fromisoformat(f"2024-{text}")
    return day.month, day.day


def _instant(day: date, at: time) -> datetime:
    return datetime.combine(day, at, SHANGHAI).astimezone(UTC)


def _weekday_rank(ordinal: int) -> int:
    """How many days from Monday to Friday lie before the day; ordinal 1 was a Monday."""
    weeks, days = divmod(ordinal - 1, 7)
    return weeks * 5 + min(days, 5)


def _weekday_at_rank(rank: int) -> date:
    weeks, days = divmod(rank, 5)
    return date.fromordinal(weeks * 7 + days + 1)
