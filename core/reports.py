"""Reports: drafted by the clock, written and signed by named people, sent to whom the regulation names.

Which reports there are is data of the profile (`[[reports]]`); when one is due follows from its cycle. One row a
report, period and unit (or site) makes a second one impossible. What it says is computed (`core.figures`) as of the
moment it was signed, so that a signed report can be drawn again at any time and says the same.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import figures, outbox, papers, people, store
from core.figures import Period, Table
from core.forms import LedgerSheet
from core.office import Office
from core.people import UNIT_ROLES, Person
from core.policy.model import Profile, Report
from core.privacy import clean, personal_in
from core.refusals import DONE_ALREADY, NOT_YOURS, Incomplete, Refusal
from core.workdays import local_day

R = store.report
MONTHS: Final = {"monthly": 1, "bimonthly": 2, "quarterly": 3, "yearly": 12}
WRITTEN: Final = 20000  # characters of a report
DRAFTED, REMINDED, MISSED = "report_draft", "report_reminder", "report_missed"
SENT: Final = "report_sent"
WEEK: Final = timedelta(days=7)
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Turn:
    """One time a report comes round: the days it is about, when its draft is laid out, when people are reminded of
    it, by when it is to be signed, and before when it does not leave."""

    first: date
    last: date
    draft_at: datetime
    remind_at: datetime | None
    due_at: datetime
    leaves_at: datetime


@dataclass(frozen=True)
class Filed:
    """A report of a period, as it is on record."""

    id: int
    ref: str
    profile: str
    policy_version: str
    key: str
    part: int
    first: date
    last: date
    state: str
    made_at: datetime
    remind_at: datetime | None
    due_at: datetime
    leaves_at: datetime
    reminded: int
    text: str | None
    edited_by: int | None
    edited_at: datetime | None
    as_of: datetime | None
    signed_by: int | None
    signed_at: datetime | None
    digest: str

    @property
    def signed(self) -> bool:
        return self.state == "signed"

    def missing(self, now: datetime) -> bool:
        """Whether it should be there and is not."""
        return not self.signed and now > self.due_at

    def period(self, now: datetime) -> Period:
        """What it is about: as of its signing, or as of now while it is a draft."""
        return Period(self.first, self.last, self.as_of or now)


# --- when -------------------------------------------------------------------------------------------------


def turns(office: Office, report: Report, since: date, now: datetime) -> Iterator[Turn]:
    """The turns of a report that end on `since` or later and whose draft is due by `now`."""
    if report.cycle == "demand":
        return
    found = {"daily": _days, "weekly": _weeks}.get(report.cycle, _months)
    for turn in found(office, report, since):
        if turn.draft_at > now:
            return
        if turn.last >= since:
            yield turn


def _days(office: Office, _report: Report, since: date) -> Iterator[Turn]:
    """Each working day, with the days of rest before it."""
    day = since - ONE_DAY
    while True:
        before, day = day, office.calendar.shift(day, 1)
        if before == since - ONE_DAY:
            before = office.calendar.shift(day, -1)
        opens, closes = _hours(office, day)
        yield Turn(before + ONE_DAY, day, opens, None, closes, opens)


def _weeks(office: Office, report: Report, since: date) -> Iterator[Turn]:
    """From the day of the last one to the day before the next. Where that weekday is a day of rest, the last working
    day before it in its week; if there is none, the week goes into the next report (AMB-HY8)."""
    monday = since - timedelta(days=since.weekday()) - 4 * WEEK  # no rest lasts longer
    last_due = None
    while True:
        due = _weekly_day(office, report, monday)
        monday += WEEK
        if due is None or due == last_due:
            continue
        if last_due is not None:
            opens, closes = _hours(office, due)
            noon = office.calendar.sessions(due, office.hours)[0].closes
            draft = _hours(office, office.calendar.shift(due, -1))[0] if report.signer else opens
            yield Turn(last_due, due - ONE_DAY, draft, noon, closes, opens)
        last_due = due


def _weekly_day(office: Office, report: Report, monday: date) -> date | None:
    wanted = monday + timedelta(days=report.day - 1)
    if office.calendar.is_working(wanted):
        return wanted
    if report.shift == "next":
        return office.calendar.shift(wanted, 1)
    before = office.calendar.shift(wanted, -1)
    return before if before >= monday else None


def _months(office: Office, report: Report, since: date) -> Iterator[Turn]:
    """By the n-th working day after months that belong together: January and February, the first quarter (WD-24,
    AMB-PT7, AMB-PT9)."""
    length = MONTHS[report.cycle]
    month = (since.month - 1) // length * length + 1
    first = date(since.year, month, 1)
    while True:
        month, year = first.month + length, first.year
        after = date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
        last = after - ONE_DAY
        opens, _ = _hours(office, office.calendar.shift(last, 1))
        due = office.calendar.shift(last, report.day)
        noon = office.calendar.sessions(due, office.hours)[0].closes
        yield Turn(first, last, opens, noon, _hours(office, due)[1], opens)
        first = after


def _hours(office: Office, day: date) -> tuple[datetime, datetime]:
    """When a working day opens and closes."""
    sessions = office.calendar.sessions(day, office.hours)
    return sessions[0].opens, sessions[-1].closes


def last_turn(office: Office, report: Report, now: datetime) -> Turn | None:
    """The newest turn whose draft is due."""
    found = list(turns(office, report, local_day(now) - timedelta(days=800), now))
    return found[-1] if found else None


# --- who --------------------------------------------------------------------------------------------------


def holders(office: Office, conn: Connection, slot: str, part: int = 0) -> tuple[Person, ...]:
    """Who fills a slot for a report: of its unit or site where it is about one."""
    roles = set(office.profile.slots.get(slot, ()))
    posts, persons = store.post.c, store.person.c
    here: sa.ColumnElement[bool] = posts.role.in_(roles)
    if part:
        here &= (posts.unit_id == part) | (posts.role.not_in(UNIT_ROLES) & (store.unit.c.kind != people.SITE))
    query = (
        sa.select(persons.id)
        .join(store.post, posts.person_id == persons.id)
        .join(store.unit, store.unit.c.id == posts.unit_id)
        .where(here, persons.active, persons.kind == "staff")
        .distinct()
        .order_by(persons.id)
    )
    return tuple(people.several(conn, conn.execute(query).scalars()).values())


def _fills(office: Office, conn: Connection, report: Report, slot: str, part: int, person: Person) -> bool:
    return bool(slot) and any(p.id == person.id for p in holders(office, conn, slot, part))


def may_write(office: Office, conn: Connection, report: Report, filed: Filed, person: Person) -> bool:
    """Whether somebody may edit the draft: who writes it, and who signs it."""
    slots = (report.writer, report.signer)
    return any(_fills(office, conn, report, slot, filed.part, person) for slot in slots)


def may_sign(office: Office, conn: Connection, report: Report, filed: Filed, person: Person) -> bool:
    return _fills(office, conn, report, report.signer, filed.part, person)


def may_read(office: Office, conn: Connection, report: Report, filed: Filed, person: Person) -> bool:
    """Who writes, signs or gets it; a draft only those who write and sign it."""
    if may_write(office, conn, report, filed, person):
        return True
    return filed.signed and any(_fills(office, conn, report, slot, filed.part, person) for slot in report.to)


# --- the clock --------------------------------------------------------------------------------------------


def tick(office: Office, conn: Connection, now: datetime) -> int:
    """Lay out what is due, send what needs no signature, remind of what is not signed; how many reports are new.
    Safe to run twice."""
    rules = office.profile
    if not rules.reports or not office.in_force(rules, now):
        return 0
    ends = sa.select(R.c.key, sa.func.max(R.c.last).label("end")).group_by(R.c.key)
    latest = {row.key: row.end for row in conn.execute(ends)}
    cyclic = sum(report.cycle != "demand" for report in rules.reports)
    begun = _begun(office, conn, now) if len(latest) < cyclic else local_day(now)
    new = 0
    for report in rules.reports:
        since = latest[report.key] + ONE_DAY if report.key in latest else begun
        for turn in turns(office, report, since, now):
            for part in _parts(conn, report):
                new += _lay_out(office, conn, report, turn, part, now)
    _remind(office, conn, now)
    return new


def _begun(office: Office, conn: Connection, now: datetime) -> date:
    """Since when this hall works by these rules: nothing is asked of the time before."""
    p = store.policy.c
    first = conn.execute(sa.select(sa.func.min(p.published_at)).where(p.name == office.profile.name)).scalar()
    return min(local_day(first), local_day(now)) if first else local_day(now)


def _parts(conn: Connection, report: Report) -> tuple[int, ...]:
    if not report.each:
        return (0,)
    kinds = (people.SITE,) if report.each == "site" else report.unit_kinds
    return tuple(unit.id for unit in people.units(conn, *kinds))


def _lay_out(office: Office, conn: Connection, report: Report, turn: Turn, part: int, now: datetime) -> int:
    ref = secrets.token_urlsafe(12)
    row = {
        "ref": ref,
        "profile": office.profile.name,
        "policy_version": office.profile.version,
        "key": report.key,
        "part": part,
        "first": turn.first,
        "last": turn.last,
        "state": "draft",
        "made_at": now,
        "remind_at": turn.remind_at,
        "due_at": turn.due_at,
        "leaves_at": turn.leaves_at,
    }
    if store.insert_once(conn, R, ("key", "part", "first"), **row) is None:
        return 0
    filed = find(conn, ref)
    if not report.signer:
        _sign(office, conn, report, filed, None, now)
    elif report.cycle != "daily":  # what comes each day stands on the desk
        _tell(office, conn, report, filed, DRAFTED, (report.writer or report.signer,), now)
    return 1


def _remind(office: Office, conn: Connection, now: datetime) -> None:
    waiting = conn.execute(
        sa.select(R)
        .where(
            R.c.state == "draft",
            sa.or_((R.c.remind_at <= now) & (R.c.reminded < 1), (R.c.due_at < now) & (R.c.reminded < 2)),
        )
        .order_by(R.c.id)
    )
    known = {report.key: report for report in office.profile.reports}
    for row in waiting.all():
        filed = _filed(row)
        report = known.get(filed.key)
        if report is None:
            continue
        missed = filed.due_at < now
        slots = (report.writer, report.signer, *(report.to if missed and report.cycle != "daily" else ()))
        _tell(office, conn, report, filed, MISSED if missed else REMINDED, slots, now)
        conn.execute(sa.update(R).where(R.c.id == filed.id).values(reminded=2 if missed else 1))


def _tell(
    office: Office,
    conn: Connection,
    report: Report,
    filed: Filed,
    notice: str,
    slots: Sequence[str],
    now: datetime,
    not_before: datetime | None = None,
) -> int:
    """Tell everybody who fills these slots, once; how many that are."""
    readers = {
        person.id: f"report.{filed.id}.{notice}.p{person.id}"
        for slot in slots
        if slot
        for person in holders(office, conn, slot, filed.part)
    }
    outbox.put_each(
        conn,
        {key: person_id for person_id, key in readers.items()},
        case_id=None,
        notice=notice,
        clause=report.clause,
        now=now,
        not_before=office.next_office_moment(max(now, not_before or now)),
        data={
            "report": filed.ref,
            "title": report.title,
            "about": people.unit(conn, filed.part).name if filed.part else "",
            "first": filed.first.isoformat(),
            "last": filed.last.isoformat(),
            "due": filed.due_at.isoformat(),
        },
    )
    return len(readers)


# --- writing and signing ----------------------------------------------------------------------------------


def save(office: Office, conn: Connection, ref: str, person: Person, text: str, now: datetime) -> Filed:
    """Keep the draft as somebody edited it. Raises `Refusal`."""
    filed, report = _held(office, conn, ref)
    if not may_write(office, conn, report, filed, person):
        raise Refusal(NOT_YOURS, clause=report.clause)
    _check_draft(conn, filed, report)
    edited = {"text": _checked(text), "edited_by": person.id, "edited_at": now}
    conn.execute(sa.update(R).where(R.c.id == filed.id).values(edited))
    return find(conn, ref)


def sign(office: Office, conn: Connection, ref: str, person: Person, text: str, now: datetime) -> Filed:
    """Sign the report as it stands and send it. Nothing in it changes any more. Raises `Refusal`."""
    filed, report = _held(office, conn, ref)
    if not may_sign(office, conn, report, filed, person):
        raise Refusal(NOT_YOURS, clause=report.clause)
    _check_draft(conn, filed, report)
    conn.execute(sa.update(R).where(R.c.id == filed.id).values(text=_checked(text)))
    _sign(office, conn, report, filed, person, now)
    return find(conn, ref)


def _sign(
    office: Office, conn: Connection, report: Report, filed: Filed, person: Person | None, now: datetime
) -> None:
    found = tables_of(office, conn, report, filed, Period(filed.first, filed.last, now))
    signed = {"state": "signed", "as_of": now, "signed_at": now, "digest": digest_of(found)}
    signed |= {"signed_by": person.id if person else None}
    conn.execute(sa.update(R).where(R.c.id == filed.id).values(signed))
    told = _tell(office, conn, report, filed, SENT, report.to, now, filed.leaves_at)
    if report.to and not told and person is not None:
        raise Refusal("nobody_to_tell", clause=report.clause)


def _held(office: Office, conn: Connection, ref: str) -> tuple[Filed, Report]:
    filed = find(conn, ref, lock=True)
    return filed, definition(office, filed)


def _check_draft(conn: Connection, filed: Filed, report: Report) -> None:
    if filed.signed:
        who = people.names(conn, [filed.signed_by]).get(filed.signed_by or 0, "")
        raise Refusal(DONE_ALREADY, clause=report.clause, by=filed.signed_by, name=who, at=filed.signed_at)


def _checked(text: str) -> str:
    """Reports go to many: nothing in their words leads to a person."""
    said = clean(text, WRITTEN)
    if not said or personal_in(said):
        raise Incomplete({"text": "personal" if said else "missing"}, {"text": "正文"})
    return said


# --- figures of other systems -----------------------------------------------------------------------------


def bring_in(
    conn: Connection,
    source: str,
    first: date,
    last: date,
    lines: Iterable[tuple[str, int, int]],
    now: datetime,
) -> int:
    """Keep what another system says of units over some days: (unit by key or name, how many, how many satisfied). A
    table brought in later counts instead. All or nothing: raises ValueError, naming the lines that cannot be."""
    known = {name: unit.id for unit in people.units(conn) for name in (unit.key, unit.name)}
    told = list(lines)
    wrong = [unit for unit, _, _ in told if unit not in known]
    wrong += [unit for unit, total, satisfied in told if not 0 <= satisfied <= total]
    wrong += [
        str(unit)
        for unit, times in Counter(known.get(unit, unit) for unit, _, _ in told).items()
        if times > 1
    ]
    if source not in figures.SOURCES:
        raise ValueError(f"来源写成：{'、'.join(figures.SOURCES)}")
    if wrong or last < first:
        raise ValueError("、".join(map(str, wrong)) or "起止日期反了")
    for unit, total, satisfied in told:
        row = {"source": source, "unit_id": known[unit], "first": first, "last": last, "brought_at": now}
        conn.execute(sa.insert(store.outside_figure).values(**row, total=total, satisfied=satisfied))
    return len(told)


# --- reading ----------------------------------------------------------------------------------------------


def definition(office: Office, filed: Filed) -> Report:
    """What the rules say of a report. Raises `Refusal("unknown_case")` where they do not know it any more."""
    found = next((report for report in office.profile.reports if report.key == filed.key), None)
    if found is None:
        raise Refusal("unknown_case")
    return found


def tables_of(
    office: Office, conn: Connection, report: Report, filed: Filed, period: Period
) -> tuple[Table, ...]:
    """What a report says in figures."""
    return figures.tables(figures.book(office, conn, office.profile, report, period, filed.part))


def enclosure(
    office: Office, conn: Connection, filed: Filed, person: Person, now: datetime
) -> LedgerSheet | None:
    """The list that goes with a report, as somebody may read it; None if none does."""
    report = definition(office, filed)
    if not report.paper:
        return None
    period = filed.period(now)
    ids = figures.listed(figures.book(office, conn, office.profile, report, period, filed.part))
    names = people.names(conn, [filed.signed_by, filed.edited_by])
    around = {
        "reporting_unit": people.unit(conn, filed.part).name if filed.part else office.hall.site,
        "head_signature": names.get(filed.signed_by or 0, ""),
        "compiled_by": names.get(filed.edited_by or filed.signed_by or 0, ""),
        "compiled_at": (filed.edited_at or filed.signed_at or now).isoformat(),
    }
    days = (filed.first, filed.last)
    return papers.enclosed(office, conn, person, report.paper, ids, days=days, around=around, now=now)


def computed(
    office: Office, conn: Connection, rules: Profile, key: str, period: Period, part: int = 0
) -> tuple[Table, ...]:
    """The figures of a report for any period, as of any instant. Raises KeyError for a report nobody knows."""
    report = next((report for report in rules.reports if report.key == key), None)
    if report is None:
        raise KeyError(key)
    return figures.tables(figures.book(office, conn, rules, report, period, part))


def digest_of(tables: Sequence[Table]) -> str:
    """What tells these figures from others: sixteen digits of a hash over every cell."""
    told = hashlib.sha256()
    for table in tables:
        told.update(f"{table.key}\x1e".encode())
        for row in table.rows:
            told.update("\x1f".join(str(cell.value) for cell in row).encode() + b"\x1e")
    return told.hexdigest()[:16]


def find(conn: Connection, ref: str, *, lock: bool = False) -> Filed:
    """A report by its reference. Raises `Refusal("unknown_case")`."""
    query = sa.select(R).where(R.c.ref == ref)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise Refusal("unknown_case")
    return _filed(row)


def listed(conn: Connection, *keys: str, limit: int = 200) -> tuple[Filed, ...]:
    """Reports on record, the newest period first."""
    query = sa.select(R).order_by(R.c.last.desc(), R.c.key, R.c.part).limit(limit)
    if keys:
        query = query.where(R.c.key.in_(keys))
    return tuple(_filed(row) for row in conn.execute(query))


def waiting_for(office: Office, conn: Connection, person: Person) -> tuple[Filed, ...]:
    """The drafts that somebody may write or sign."""
    rows = conn.execute(sa.select(R).where(R.c.state == "draft").order_by(R.c.due_at, R.c.id))
    known = {report.key: report for report in office.profile.reports}
    found = (_filed(row) for row in rows.all())
    return tuple(f for f in found if f.key in known and may_write(office, conn, known[f.key], f, person))


def missing(conn: Connection, key: str, now: datetime) -> tuple[Filed, ...]:
    """The reports of that kind that should be there and are not: whose, and since when."""
    rows = conn.execute(
        sa.select(R)
        .where(R.c.key == key, R.c.state == "draft", R.c.due_at < now)
        .order_by(R.c.due_at, R.c.part)
    )
    return tuple(_filed(row) for row in rows)


def _filed(row: Any) -> Filed:
    return Filed(**{name: row._mapping[name] for name in Filed.__dataclass_fields__})
