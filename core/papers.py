"""Which official papers a case has, and what they say to one reader. core.forms lays them out, bot.papers draws."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import duties, forms, outbox, people, store, views
from core.case import Case, Event
from core.desk.attach import Attachment
from core.forms import Form, Ledger
from core.office import Office
from core.people import UNIT_ROLES, Person
from core.policy.model import Asked, Profile
from core.record import FROM_HISTORY, Reader, Record, day_words, time_words, values
from core.refusals import NOT_NOW, NOT_YOURS, Refusal
from core.workdays import midnight

# The sheets of kind 交办 and 协办 follow the kind of the case; 督办 is a third title of the same sheet.
SUPERVISE: Final = "supervise"
PRINTED: Final = 3000  # rows of a ledger that go to a printer, some 300 pages
TOGETHER: Final = 400  # cases of a ledger read at once
# Under which name an event keeps whom or what a form looked up (core.desk.effects, core.desk.above).
_LOOKED_UP: Final[Mapping[str, tuple[str, ...]]] = {
    "unit": ("unit", "lead"),
    "site": ("to",),
    "keeper": ("to",),
    "members": ("members",),
    "visit_with": ("companions",),
    "visit_companions": ("companions",),
}
_DATES_OF_EVENTS: Final = {"due_before": "原期限", "due": "新期限"}
_FILED: Final = "file_scan"
_SENT: Final = {
    "due": "待发",
    "sent": "已送达",
    "unsure": "不确定是否送到",
    "dead": "没有送到",
    "replaced": "由后一条代替",
}


@dataclass(frozen=True)
class Paper:
    """A paper that exists of a case: the profile's form, in one of its titles."""

    form: str
    variant: str
    title: str


def of(rules: Profile) -> forms.Papers:
    """The papers of a profile."""
    return forms.read_papers({"forms": rules.forms, "ledger": rules.ledger})


def available(rules: Profile, case: Case, role: str, done: Collection[str] = ()) -> tuple[Paper, ...]:
    """The papers of a case that somebody of `role` may print now; `done`: the acts done in it. Applicants get their
    application and the result once it is signed; what lies between window and unit stays there (XJ-2.1b, XJ-A3.1,
    XJ-A4.3)."""
    if not case.number:
        return ()
    known = {key: form for key, form in of(rules).forms.items() if form.of == "case"}
    wanted = [("registration", "")]
    if role != "applicant":
        wanted += [("dispatch", case.kind or "")] if case.kind and case.unit_id else []
        wanted += [("dispatch", SUPERVISE)] if case.supervision_count else []
    if case.at("replied_at") or (case.stage == "SIGNING" and role != "applicant"):
        wanted.append(("result", ""))
    if role != "applicant":
        wanted += [(key, "") for key, form in known.items() if set(form.act) & set(done)]
    return tuple(
        Paper(key, variant, known[key].titles[variant] if variant else known[key].title)
        for key, variant in wanted
        if key in known and (not variant or variant in known[key].titles)
    )


def sheet(
    office: Office, conn: Connection, case: Case, viewer: Person, form: str, variant: str = ""
) -> forms.Sheet:
    """A paper filled in for `viewer`. Raises `Refusal` if it does not exist or is not theirs to see."""
    (record,) = Reader(office, conn, viewer).read([case], history=True)
    return _sheet(conn, record, form, variant)


def _sheet(conn: Connection, record: Record, key: str, variant: str) -> forms.Sheet:
    return replace(_filled(conn, record, key, variant), window=record.rules.window_name)


def _filled(conn: Connection, record: Record, key: str, variant: str) -> forms.Sheet:
    case, rules = record.case, record.rules
    done = {event.act for event in record.history}
    if not any((p.form, p.variant) == (key, variant) for p in available(rules, case, record.role, done)):
        raise Refusal(NOT_NOW, stage=case.stage)
    form = of(rules).forms[key]
    if not form.grid:
        return _record_sheet(conn, record, form)
    said = values(record, {*form.fields, *form.redact.values()}, form.coded)
    if key == "result":
        said["subject"] = record.word("handled") or case.subject
    if variant == SUPERVISE:
        said |= _supervision(conn, record)
    return forms.fill(form, said, shielded=record.hidden, variant=variant)


def _supervision(conn: Connection, record: Record) -> dict[str, str]:
    """督办: who issued it, and the day it sets (XJ-2.2f)."""
    running = duties.of_case(conn, record.case.id)
    due = next((d.due_at for d in running if d.key == "supervision"), None)
    issued = {"dispatched_by": record.by("supervised_at")}
    return issued | ({"feedback_due": due.isoformat(), "due": due.isoformat()} if due else {})


# --- what was said in acts: the sheets of records, the case file --------------------------------------------


def _record_sheet(conn: Connection, record: Record, form: Form) -> forms.Sheet:
    """The record of acts that a regulation names without giving a form: each time it was done, by whom, when, and
    what was said, under the labels of its fields."""
    lines = []
    told = [event for event in record.history if event.act in form.act]
    for event, said in zip(told, _said(conn, record, told), strict=True):
        lines += [(record.rules.acts[event.act].label, _who_and_when(record, event)), *said]
    number = record.rules.titles.get("case_no", "单号")
    head = form.head or (f"{number}：{{case_no}}　事项：{{subject}}",)
    clause = record.rules.clauses[form.clause]
    lines.append(("依据", f"{record.rules.instrument.title}{clause.place}（{clause.title}）"))
    to_sign = f"签字：{forms.BLANK}　{forms.BLANK_DATE}"
    foot = form.foot or (forms.FootLine(text=to_sign, signature=True, room=10),)
    form = replace(form, head=head, foot=foot)
    said_around = values(record, form.fields)
    return forms.record_sheet(form, said_around, lines, shielded=record.hidden)


def _who_and_when(record: Record, event: Event) -> str:
    who = record.name(event.actor_id) or record.rules.titles.get(event.role, "")
    return "　".join(part for part in (who, time_words(event.at)) if part)


def _said(conn: Connection, record: Record, told: Sequence[Event]) -> Iterator[tuple[tuple[str, str], ...]]:
    """What was filled in at each of these events, as (label, text), as far as the reader may know it."""
    f = store.fact.c
    rows = conn.execute(
        sa.select(f.field, f.code, f.value_enc, f.at, f.by_id)
        .where(f.case_id == record.case.id, f.at.in_({event.at for event in told}))
        .order_by(f.id)
    ).all()
    left = list(rows)
    for event in told:
        act = record.rules.acts.get(event.act)
        lines = []
        for field in act.fields if act else ():
            mine = next(
                (r for r in left if (r.field, r.at, r.by_id) == (field.id, event.at, event.actor_id)), None
            )
            if mine is not None:
                left.remove(mine)
            text = _fact(record, field, mine) if mine else _looked_up(record, field, event)
            if text:
                lines.append((field.label, text))
        if to := event.data.get("to") if event.act == "delivered" else None:
            lines.append(("送给", next((d.title for d in record.rules.duties if d.key == to), str(to))))
        lines += [
            (label, day_words(str(event.data[key])))
            for key, label in _DATES_OF_EVENTS.items()
            if event.data.get(key)
        ]
        yield tuple(lines)


def _fact(record: Record, field: Asked, row: Any) -> str:
    """A fact as it was stated then; a later one may have taken its place."""
    if row.value_enc is not None:
        then = replace(record.case, sealed={field.id: row.value_enc})
        return replace(record, case=then).word(field.id)
    if record.hidden and field.id not in views.CODES_OPEN_TO_SHIELDED:
        return ""
    return day_words(row.code) if field.kind == "date" else record.rules.label(field.id, row.code)


def _looked_up(record: Record, field: Asked, event: Event) -> str:
    """A unit, a site or a colleague that was chosen."""
    found = next((event.data[key] for key in _LOOKED_UP.get(field.id, ()) if event.data.get(key)), None)
    if found is None:
        return ""
    name = record.name if field.kind == "person" else record.unit
    return "、".join(name(one) for one in (found if isinstance(found, list) else [found]))


@dataclass(frozen=True)
class Leaf:
    """One line of a case file: when, what, who, and what was said; `ref` leads to an attachment."""

    at: datetime
    sort: str  # event | message | file
    what: str
    who: str
    lines: tuple[tuple[str, str], ...] = ()
    ref: str = ""


@dataclass(frozen=True)
class CaseFile:
    """All that is on record of a case for one reader: every form, message, attachment and event, in the order of time
    (XJ-2.1e, LH-15)."""

    window: str
    number: str
    number_title: str
    subject: str
    sort: str
    leaves: tuple[Leaf, ...]
    sheets: tuple[tuple[Paper, forms.Sheet], ...]
    attachments: tuple[Attachment, ...]


def case_file(office: Office, conn: Connection, case: Case, viewer: Person, now: datetime) -> CaseFile:
    """The file of a case, for those who work on it; the look is logged. In a conduct matter the unit complained about
    gets the file without the applicant (AMB-G21). Raises `Refusal("not_yours")` to others."""
    view = views.see(office, conn, case, viewer, reveal=True, history=False)
    if view.role == "applicant":
        raise Refusal(NOT_YOURS)
    views.log_view(conn, case, viewer, "case_file", now)
    (record,) = Reader(office, conn, viewer).read([case], history=True)
    done = {event.act for event in record.history}
    sheets = tuple(
        (paper, _sheet(conn, record, paper.form, paper.variant))
        for paper in available(record.rules, case, view.role, done)
    )
    leaves = [
        *_event_leaves(conn, record),
        *_message_leaves(conn, record),
        *_file_leaves(record, view.attachments),
    ]
    return CaseFile(
        window=record.rules.window_name,
        number=view.number,
        number_title=record.rules.titles.get("case_no", "单号"),
        subject=view.subject,
        sort=view.labels.get("scope_code", ""),
        leaves=tuple(sorted(leaves, key=lambda leaf: leaf.at)),
        sheets=sheets,
        attachments=tuple(a for a in view.attachments if a.storage_key),
    )


def _event_leaves(conn: Connection, record: Record) -> Iterator[Leaf]:
    titles = {f"{duty.key}.{step.key}": duty.title for duty in record.rules.duties for step in duty.steps}
    for event, said in zip(record.history, _said(conn, record, record.history), strict=True):
        act = record.rules.acts.get(event.act)
        what = act.label if act else titles.get(event.act) or _HAPPENED.get(event.act, "记录")
        who = record.name(event.actor_id) or record.rules.titles.get(event.role, "")
        yield Leaf(event.at, "event", what, who, said)


_HAPPENED: Final = {"delivered": "送达"}


def _message_leaves(conn: Connection, record: Record) -> Iterator[Leaf]:
    """What was sent about the case: on what clause, to whom, whether it arrived; not its words."""
    for message in outbox.listed(conn, case_id=record.case.id):
        to_applicant = message.unit_id is None and message.person_id == record.case.contact_id
        if to_applicant and record.hidden:
            continue
        reader = record.unit(message.unit_id) or record.name(message.person_id) or "申请人"
        clause = record.rules.clauses.get(message.clause)
        what = f"消息：{clause.title}" if clause else "消息"
        yield Leaf(
            message.sent_at or message.created_at,
            "message",
            what,
            reader,
            (("状态", _SENT.get(message.state, "")),),
        )


def _file_leaves(record: Record, found: Sequence[Attachment]) -> Iterator[Leaf]:
    signed = {e.at: str(e.data.get("form", "")) for e in record.history if e.act == _FILED}
    known = of(record.rules).forms
    for a in found:
        form = known.get(signed.get(a.at, "")) if a.purpose == "signed" else None
        what = f"签字盖章件：{form.title}" if form else "附件"
        yield Leaf(a.at, "file", what, record.name(a.by_id), (("文件", a.name),), a.ref)


# --- ledger and lists --------------------------------------------------------------------------------------


def may_read_ledger(office: Office, conn: Connection, person: Person) -> bool:
    """The window keeps the ledger, the approving office checks it each day (XJ-2.1d, XJ-3.1a)."""
    return bool(ledger_posts(office, conn, person))


def ledger_posts(office: Office, conn: Connection, person: Person) -> tuple[people.Post, ...]:
    """The posts by which somebody keeps or checks the ledger."""
    return people.posts_for(conn, office.profile, person.id, "receiver", "approver")


def ledger(office: Office, conn: Connection, viewer: Person, day: date, now: datetime) -> forms.LedgerSheet:
    """The matters told on a day in Shanghai, in the order of their numbers; each look is logged.

    Raises `Refusal("not_yours")` to whoever does not keep or check the ledger.
    """
    return listed(office, conn, viewer, "", day, day, now).kept()


def listed(
    office: Office, conn: Connection, viewer: Person, key: str, first: date, last: date, now: datetime
) -> forms.LedgerSheet:
    """The ledger ("") or another list of the profile over the days from `first` to `last`, day by day in the order of
    numbers, of the cases the viewer works on; each look is logged. The rows are read while they are gone through:
    the connection must stay open, and memory stays the same however many there are.

    Raises `Refusal("not_yours")` to whoever does not keep or check the ledger, KeyError for an unknown list.
    """
    posts = ledger_posts(office, conn, viewer)
    if not posts:
        raise Refusal(NOT_YOURS)
    papers = of(office.profile)
    paper = papers.lists[key] if key else papers.ledger
    own = next((post.unit_id for post in posts if post.role in UNIT_ROLES), None)
    around = {
        "reporting_unit": people.unit(conn, own).name if own else office.hall.site,
        "compiled_by": viewer.name,
        "compiled_at": now.isoformat(),
    }
    entries = _entries(office, conn, viewer, paper, views.seen_by(posts), first, last, now)
    sheet = forms.fill_ledger(paper, entries, first=first, last=last, around=around)
    return replace(sheet, window=office.profile.window_name)


def enclosed(
    office: Office,
    conn: Connection,
    viewer: Person,
    key: str,
    ids: Sequence[int],
    *,
    days: tuple[date, date],
    around: Mapping[str, str],
    now: datetime,
) -> forms.LedgerSheet:
    """A list of the profile ("ledger" for the ledger) of these cases, as it goes with a report: those in which the
    viewer has a role; each look is logged."""
    papers = of(office.profile)
    paper = papers.ledger if key == "ledger" else papers.lists[key]
    mine = [c for c in cases.several(conn, ids) if people.role_in_case(conn, c, viewer.id)]
    views.log_views(conn, [c.id for c in mine], viewer, "report", now)
    fields = {*paper.fields, *paper.redact.values()} - {forms.ROW_NO}
    records = Reader(office, conn, viewer).read(mine, history=not FROM_HISTORY.isdisjoint(fields))
    entries = [(values(record, fields, paper.coded), record.hidden) for record in records]
    sheet = forms.fill_ledger(paper, entries, first=days[0], last=days[1], around=around)
    return replace(sheet, window=office.profile.window_name).kept()


def to_print(sheet: forms.LedgerSheet) -> forms.LedgerSheet:
    """The same with its rows at hand, as paper and page need them. Raises `Refusal("too_long_to_print")` if they are
    more than anybody prints; an Excel file takes any number."""
    rows = tuple(islice(sheet.rows, PRINTED + 1))
    if len(rows) > PRINTED:
        raise Refusal("too_long_to_print", most=PRINTED)
    return replace(sheet, rows=rows)


def _entries(
    office: Office,
    conn: Connection,
    viewer: Person,
    paper: Ledger,
    seen: sa.ColumnElement[bool],
    first: date,
    last: date,
    now: datetime,
) -> Iterator[tuple[Mapping[str, str], bool]]:
    fields = frozenset({*paper.fields, *paper.redact.values()} - {forms.ROW_NO})
    history = not FROM_HISTORY.isdisjoint(fields)
    coded, reader = paper.coded, Reader(office, conn, viewer)
    for day in _days(first, last):
        ids = _told_on(conn, day, seen)
        for start in range(0, len(ids), TOGETHER):
            some = ids[start : start + TOGETHER]
            views.log_views(conn, some, viewer, "ledger", now)
            for record in reader.read(cases.several(conn, some), history=history):
                yield values(record, fields, coded), record.hidden


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _told_on(conn: Connection, day: date, seen: sa.ColumnElement[bool]) -> list[int]:
    begin = midnight(day)
    c, m = store.case.c, store.moment.c
    return list(
        conn.execute(
            sa.select(c.id)
            .join(store.moment, m.case_id == c.id)
            .where(m.name == "submitted_at", m.at >= begin, m.at < begin + timedelta(days=1))
            .where(c.number.is_not(None), seen)
            .order_by(c.number)
        )
        .scalars()
        .all()
    )
