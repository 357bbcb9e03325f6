"""Who sits at the window when (XJ-4.1a, XJ-4.2, LH-4a, LH-4b, NX-W1b).

A roster of the profile is laid out by rotation some days ahead, and changed by a person: a change keeps what stood
before. Nobody checks in; that somebody did not come is noted by a person (LH-17a). The clock warns of a day without
anybody and reminds who sits next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import heartbeat, outbox, people, proposals, store
from core.office import Office
from core.people import Person
from core.policy.model import Profile, Roster
from core.refusals import DONE_ALREADY, NOT_NOW, NOT_YOURS, Incomplete, Refusal
from core.workdays import local_day

S, A = store.shift, store.absence
AHEAD: Final = 20  # working days that are laid out
GAP, REMINDER = "roster_gap", "roster_reminder"


@dataclass(frozen=True)
class Shift:
    """A day of a roster and who has it; `absent`: noted as not come."""

    day: date
    half: str
    unit_id: int | None
    person: Person | None
    by_hand: bool = False
    absent: str = ""

    @property
    def gap(self) -> bool:
        return self.person is None or self.absent == "absent"


def days(office: Office, roster: Roster, first: date, last: date) -> Iterator[date]:
    """The days of a roster from `first` to `last`: working days, or one of each week."""
    day = first
    while day <= last:
        if _is_day(office, roster, day):
            yield day
        day += timedelta(days=1)


def _is_day(office: Office, roster: Roster, day: date) -> bool:
    if not office.calendar.is_working(day):
        return False
    return roster.cycle == "daily" or day == _weekly(office, roster, day)


def _weekly(office: Office, roster: Roster, day: date) -> date | None:
    """The day of its week: the weekday, or the next working day of that week, or the last before it."""
    monday = day - timedelta(days=day.weekday())
    working = [d for n in range(7) if office.calendar.is_working(d := monday + timedelta(days=n))]
    later = [d for d in working if d.isoweekday() >= roster.weekday]
    return later[0] if later else working[-1] if working else None


def lay_out(office: Office, conn: Connection, roster: Roster, first: date, last: date, now: datetime) -> int:
    """Fill the empty days by rotation; how many were filled. What stands is left, and whoever is noted as absent on a
    day is passed over."""
    filled = 0
    for day in days(office, roster, first, last):
        body = _body(roster, day)
        away = set(conn.execute(sa.select(A.c.person_id).where(A.c.day == day)).scalars())
        team = [(person, unit) for person, unit in _people(conn, body) if person not in away]
        if not team or _standing(conn, roster.key, day) is not None:
            continue
        person, unit = team[_turn(conn, roster, day, [p for p, _ in team])]
        row = {"key": roster.key, "day": day, "half": roster.half, "unit_id": unit, "person_id": person}
        conn.execute(sa.insert(S).values(**row, made_by=None, made_at=now))
        filled += 1
    return filled


def _body(roster: Roster, day: date) -> str:
    """Whose turn it is: the bodies alternate by week (AMB-XJ8)."""
    if len(roster.roles) == 1:
        return roster.roles[0]
    return roster.roles[(day - timedelta(days=day.weekday())).toordinal() // 7 % len(roster.roles)]


def _people(conn: Connection, role: str) -> list[tuple[int, int]]:
    posts, persons = store.post.c, store.person.c
    query = (
        sa.select(persons.id, sa.func.min(posts.unit_id))
        .join(store.post, posts.person_id == persons.id)
        .where(posts.role == role, persons.active)
        .group_by(persons.id)
        .order_by(persons.id)
    )
    return [(person, unit) for person, unit in conn.execute(query).all()]


def _turn(conn: Connection, roster: Roster, day: date, team: Sequence[int]) -> int:
    """Who of the team comes after whoever sat last."""
    last = conn.execute(
        sa.select(S.c.person_id)
        .where(S.c.key == roster.key, S.c.day < day, S.c.current, S.c.person_id.in_(team))
        .order_by(S.c.day.desc())
        .limit(1)
    ).scalar()
    return (team.index(last) + 1) % len(team) if last is not None else 0


def shifts(office: Office, conn: Connection, roster: Roster, first: date, last: date) -> tuple[Shift, ...]:
    """The days of a roster and who has them, empty days too."""
    rows = {
        row.day: row
        for row in conn.execute(
            sa.select(S, A.c.sort)
            .outerjoin(A, (A.c.person_id == S.c.person_id) & (A.c.day == S.c.day))
            .where(S.c.key == roster.key, S.c.day >= first, S.c.day <= last, S.c.current)
        )
    }
    known = people.several(conn, {row.person_id for row in rows.values()})
    active = {p.id for p in people.staff(conn)}
    found = []
    for day in days(office, roster, first, last):
        row = rows.get(day)
        if row is None or row.person_id not in active:
            found.append(Shift(day, roster.half, None, None))
        else:
            person = known[row.person_id]
            found.append(Shift(day, row.half, row.unit_id, person, row.made_by is not None, row.sort or ""))
    return tuple(found)


def gaps(office: Office, conn: Connection, roster: Roster, first: date, last: date) -> tuple[date, ...]:
    """The days on which nobody sits."""
    return tuple(shift.day for shift in shifts(office, conn, roster, first, last) if shift.gap)


def on_duty(office: Office, conn: Connection, roster: Roster, now: datetime) -> Person | None:
    """Who has the day."""
    today = local_day(now)
    found = shifts(office, conn, roster, today, today)
    return found[0].person if found and not found[0].gap else None


def takes(office: Office, conn: Connection, rules: Profile, now: datetime) -> Person | None:
    """Whom what is accepted now belongs to, where the day's duty person keeps it (NX-W1b); a day without one warns
    those who set the roster."""
    roster = next((roster for roster in rules.rosters if roster.takes), None)
    if roster is None:
        return None
    person = on_duty(office, conn, roster, now)
    if person is None:
        _warn(office, conn, roster, local_day(now), now)
    return person


# --- changes by people ------------------------------------------------------------------------------------


def may_edit(office: Office, conn: Connection, roster: Roster, person: Person) -> bool:
    return bool(people.posts_for(conn, office.profile, person.id, roster.editor))


def may_note(office: Office, conn: Connection, roster: Roster, person: Person) -> bool:
    """Who may note that somebody did not come."""
    return bool(people.posts_for(conn, office.profile, person.id, roster.watcher or roster.editor))


def put(
    office: Office,
    conn: Connection,
    roster: Roster,
    day: date,
    person_id: int,
    by: Person,
    now: datetime,
) -> None:
    """Give a day to somebody else, or for the first time. Raises `Refusal`."""
    if not may_edit(office, conn, roster, by):
        raise Refusal(NOT_YOURS, clause=roster.clause)
    if day < local_day(now) or not _is_day(office, roster, day):
        raise Refusal(NOT_NOW, clause=roster.clause)
    unit = next((post.unit_id for post in people.roles(conn, person_id)), None)
    if unit is None or person_id not in {p.id for p in people.staff(conn)}:
        raise Incomplete({"person": "choice"}, {"person": "谁来"})
    before = _standing(conn, roster.key, day)
    if before is not None and before.person_id == person_id:
        raise Refusal(DONE_ALREADY, clause=roster.clause, act="put")
    conn.execute(sa.update(S).where(S.c.key == roster.key, S.c.day == day, S.c.current).values(current=False))
    row = {"key": roster.key, "day": day, "half": roster.half, "unit_id": unit, "person_id": person_id}
    conn.execute(sa.insert(S).values(**row, made_by=by.id, made_at=now))


def note_absence(
    office: Office,
    conn: Connection,
    roster: Roster,
    day: date,
    sort: str,
    by: Person,
    now: datetime,
) -> None:
    """Note that whoever has the day came late or not at all. Once a person and day. Raises `Refusal`."""
    if not may_note(office, conn, roster, by):
        raise Refusal(NOT_YOURS, clause=roster.clause)
    standing = _standing(conn, roster.key, day)
    if standing is None or day > local_day(now):
        raise Refusal(NOT_NOW, clause=roster.clause)
    if sort not in proposals.ABSENCES:
        raise Incomplete({"sort": "choice"}, proposals.LABELS)
    proposals.keep_absence(office, conn, standing.person_id, day, sort, by, now)
    if sort == "absent":
        _warn(office, conn, roster, day, now)


def _standing(conn: Connection, key: str, day: date) -> Any:
    return conn.execute(sa.select(S).where(S.c.key == key, S.c.day == day, S.c.current)).one_or_none()


def find(rules: Profile, key: str) -> Roster:
    """A roster of the profile. Raises `Refusal("unknown_case")`."""
    found = next((roster for roster in rules.rosters if roster.key == key), None)
    if found is None:
        raise Refusal("unknown_case")
    return found


# --- the clock --------------------------------------------------------------------------------------------


def tick(office: Office, conn: Connection, now: datetime) -> None:
    """Once a day: lay the rosters out, warn of gaps, remind who sits next."""
    last, today = heartbeat.last(conn, "rosters"), local_day(now)
    if (
        not office.profile.rosters
        or not office.in_force(office.profile, now)
        or (last and local_day(last.at) >= today)
    ):
        return
    heartbeat.beat(conn, "rosters", now)
    tomorrow = office.calendar.shift(today, 1)
    for roster in office.profile.rosters:
        if not roster.optional:
            lay_out(office, conn, roster, today, office.calendar.shift(today, AHEAD), now)
            for day in gaps(office, conn, roster, today, tomorrow):
                _warn(office, conn, roster, day, now)
        if roster.remind and office.calendar.is_working(today):
            for shift in shifts(office, conn, roster, tomorrow, tomorrow):
                if shift.person is not None and not shift.gap:
                    _tell(office, conn, roster, REMINDER, [shift.person], shift.day, now)


def _warn(office: Office, conn: Connection, roster: Roster, day: date, now: datetime) -> None:
    roles = office.profile.slots.get(roster.editor, ())
    _tell(office, conn, roster, GAP, people.staff(conn, *roles), day, now)


def _tell(
    office: Office,
    conn: Connection,
    roster: Roster,
    notice: str,
    readers: Sequence[Person],
    day: date,
    now: datetime,
) -> None:
    outbox.put_each(
        conn,
        {f"{notice}.{roster.key}.{day}.p{person.id}": person.id for person in readers},
        case_id=None,
        notice=notice,
        clause=roster.clause,
        now=now,
        not_before=office.next_office_moment(now),
        data={"title": roster.title, "day": day.isoformat(), "half": roster.half},
    )
