"""What every use case stands on: database, keys, calendar, hall and rules. Built once per process, never global."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy.engine import Connection, Engine

from core.case import Case
from core.people import Hall
from core.policy.load import pinned
from core.policy.model import Profile
from core.privacy import Vault
from core.workdays import Calendar, OfficeHours, local_day


@dataclass(frozen=True)
class Office:
    """`profile` is the version new cases are accepted under; `rules(case)` the one a case is pinned to."""

    engine: Engine
    vault: Vault
    calendar: Calendar
    hours: OfficeHours
    hall: Hall
    profile: Profile
    files: Path
    _pinned: dict[tuple[str, str], Profile] = field(default_factory=dict)

    def rules(self, conn: Connection, case: Case) -> Profile:
        """The profile version the case was accepted under (XJ-0)."""
        return self.pinned(conn, case.profile, case.policy_version)

    def pinned(self, conn: Connection, name: str, version: str) -> Profile:
        """A profile as it was published under this version."""
        key = (name, version)
        if key == (self.profile.name, self.profile.version):
            return self.profile
        if key not in self._pinned:
            self._pinned[key] = pinned(conn, *key)
        return self._pinned[key]

    def next_office_moment(self, now: datetime) -> datetime:
        """`now` inside office hours, else the next opening. Alerts to people wait for it (AMB-G10)."""
        return self.calendar.next_office_moment(now, self.hours)

    def in_force(self, rules: Profile, now: datetime) -> bool:
        """Whether cases may be opened: not before the day the rule or the hall names; on trial only while there is
        none (LH-19, NX-0, HY-0)."""
        if self.on_trial(rules):
            return self.hall.trial
        return local_day(now) >= date.fromisoformat(in_force_since(self.hall, rules))

    def on_trial(self, rules: Profile) -> bool:
        return on_trial(self.hall, rules)

    def open_now(self, now: datetime) -> bool:
        return self.next_office_moment(now) - now < timedelta(seconds=1)


def on_trial(hall: Hall, rules: Profile) -> bool:
    """Whether the rule can run on trial only: it is out for comment and the hall has entered no number, or no day is
    known from which it is in force."""
    draft = rules.instrument.status == "draft_for_comment" and not hall.number
    return draft or not in_force_since(hall, rules)


def in_force_since(hall: Hall, rules: Profile) -> str:
    """The day (ISO) from which the rule is in force, by the hall or by its text; "" if neither says."""
    return hall.effective_from or rules.instrument.effective_from
