"""When something is due: the lengths of time of a profile, counted from an anchor of the case.

All instants are aware. Working days, rest days and office hours are `core.workdays`'; what counts from where is the
profile's word. Nothing here is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from core.case import Case
from core.office import Office
from core.policy.model import Duty, Limit, Profile, Span
from core.workdays import Calendar, OfficeHours, corresponding_day, local_day

REARMED: Final = "rearmed_at"  # the fact that holds when a duty of this case last started anew
ROUNDS: Final = ("redo_at", "restarted_at", "reopened_at")  # the anchors that open a round


@dataclass(frozen=True)
class When:
    """A due moment (None: no date), its target, and the limit it follows from, if any."""

    moment: datetime | None = None
    target: datetime | None = None
    provisional: bool = False
    limit: str | None = None
    clause: str = ""


def of_duty(
    office: Office, rules: Profile, case: Case, duty: Duty, now: datetime, *, again: bool, rearmed: bool
) -> When:
    """When a duty that opens now is due. `again`: it was open before in this round; `rearmed`: it starts anew from
    now (a progress reply sets the next reply date, AMB-HY5)."""
    if duty.due is None:
        return When()
    limit = _limit_of(rules, case, duty.due)
    if limit is None:
        if duty.due.matter:
            return When()
        anchor = now if rearmed else (case.at(duty.anchor) or now)
        moment, provisional = _end(office, rules, case, duty.due, anchor)
        return When(moment, None, provisional)
    start = _start(case, limit.anchor) if duty.due.matter else case.at(duty.anchor or limit.anchor)
    if duty.rearm and (last := case.codes.get(REARMED)):
        start = datetime.fromisoformat(last)
    anchor = now if rearmed or start is None else start
    moment, provisional = _end(office, rules, case, limit.due, anchor)
    if again and moment <= now:  # WD-22: a change of level never makes a limit that is already past
        moment, provisional = _end(office, rules, case, Span(wd=1), now)
    if duty.closing and (granted := _extension(case)):
        moment = max(moment, end_of_day(office, rules, granted))
    target = _end(office, rules, case, limit.target, anchor)[0] if limit.target else None
    return When(moment, target, provisional, limit.key, limit.clause)


def _limit_of(rules: Profile, case: Case, span: Span) -> Limit | None:
    if span.limit:
        return rules.limit(span.limit)
    if not span.matter:
        return None
    chosen = rules.limit_for(case.facts())
    return chosen or (rules.limit(rules.first_limit) if rules.first_limit else None)


def _extension(case: Case) -> date | None:
    granted = case.codes.get("extension_granted")
    this_round = case.codes.get("extension_round") == str(case.round)
    return date.fromisoformat(granted) if granted and this_round else None


def _start(case: Case, anchor: str) -> datetime | None:
    """The start of the clock: the limit's anchor, or in a later round the moment that opened it (WD-21)."""
    if case.round > 1:
        return next((case.at(x) for x in ROUNDS if case.at(x)), case.at(anchor))
    return case.at(anchor)


def end(
    calendar: Calendar,
    hours: OfficeHours | None,
    closing: OfficeHours | None,
    span: Span,
    anchor: datetime,
    entered: str = "",
) -> tuple[datetime, bool]:
    """The end of a length of time after an anchor, and whether it rests on a year without a notice (WD-14).

    `hours`: the office hours that minutes of the office are counted in; `closing`: the hours whose end ends a day,
    None for midnight (WD-6); `entered`: the day somebody entered, for a span that waits for it. Spans that name
    another (`limit`, `matter`) have no end of their own: ValueError, as without the hours that are needed.
    """
    day = local_day(anchor)
    if span.cd is not None:
        return _on_working_day(calendar, closing, day + timedelta(days=span.cd))
    if span.months is not None:
        return _on_working_day(calendar, closing, corresponding_day(day, span.months))
    if span.hours is not None:
        return anchor + timedelta(hours=span.hours), False
    if span.office_minutes is not None and hours is not None:
        return calendar.add_office_hours(anchor, timedelta(minutes=span.office_minutes), hours), False
    if span.fact is not None and entered:
        return _on_working_day(calendar, closing, date.fromisoformat(entered[:10]))
    if span.working_days is None:
        raise ValueError("this span has no end of its own")
    due = calendar.due(anchor, span.working_days, closing)
    return due.moment, due.provisional


def words(span: Span) -> str:
    """A length of time as a clerk says it."""
    said = {
        "cd": "{} 个自然日",
        "months": "{} 个月",
        "hours": "{} 小时",
        "office_minutes": "{} 分钟（办公时间）",
    }
    for name, text in said.items():
        if (amount := getattr(span, name)) is not None:
            return text.format(amount)
    if span.fact:
        return f"由人填定的日期（没填时 {span.working_days} 个工作日）"
    if span.limit or span.matter:
        return "按相应时限"
    return f"{span.working_days} 个工作日" if span.working_days else "当天"


def _end(office: Office, rules: Profile, case: Case, span: Span, anchor: datetime) -> tuple[datetime, bool]:
    entered = case.codes.get(span.fact, "") if span.fact else ""
    return end(office.calendar, office.hours, day_end(office, rules), span, anchor, entered)


def _on_working_day(calendar: Calendar, hours: OfficeHours | None, day: date) -> tuple[datetime, bool]:
    """A last day that is a day of rest moves to the next working day (WD-5)."""
    last = calendar.due_day(day, 0)
    return calendar.day_end(last.day, hours), last.provisional


def end_of_day(office: Office, rules: Profile, day: date) -> datetime:
    """The due moment of a day: closing time, or midnight (WD-6)."""
    return office.calendar.day_end(day, day_end(office, rules))


def day_end(office: Office, rules: Profile) -> OfficeHours | None:
    return office.hours if rules.day_end == "closing" else None
