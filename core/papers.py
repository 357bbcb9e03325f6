"""What the official papers of a case say, for one reader. core.forms lays it out, bot.papers draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import duties, forms, people, store, views
from core.case import Case
from core.office import Office
from core.people import UNIT_ROLES, Person
from core.policy.model import Profile
from core.refusals import NOT_NOW, NOT_YOURS, Refusal
from core.workdays import SHANGHAI

# The sheets of kind 交办 and 协办 follow the kind of the case; 督办 is a third title of the same sheet.
SUPERVISE: Final = "supervise"


@dataclass(frozen=True)
class Paper:
    """A paper that exists of a case: the profile's form, in one of its titles."""

    form: str
    variant: str
    title: str


def of(rules: Profile) -> forms.Papers:
    """The papers of a profile."""
    return forms.read_papers({"forms": rules.forms, "ledger": rules.ledger})


def available(rules: Profile, case: Case, role: str) -> tuple[Paper, ...]:
    """The papers of a case that somebody of `role` may print now. Applicants get their application and the
    result once it is signed; the sheets between window and unit stay there (XJ-2.1b, XJ-A3.1, XJ-A4.3)."""
    wanted = [("registration", "")]
    if role != "applicant":
        wanted += [("dispatch", case.kind)] if case.kind and case.unit_id else []
        wanted += [("dispatch", SUPERVISE)] if case.supervision_count else []
    if case.at("replied_at") or (case.stage == "SIGNING" and role != "applicant"):
        wanted.append(("result", ""))
    known = of(rules).forms
    return tuple(
        Paper(key, variant, known[key].titles[variant] if variant else known[key].title)
        for key, variant in wanted
        if key in known and case.number and (not variant or variant in known[key].titles)
    )


def sheet(
    office: Office, conn: Connection, case: Case, viewer: Person, form: str, variant: str = ""
) -> forms.Sheet:
    """A paper filled in for `viewer`. Raises `Refusal` if it does not exist or is not theirs to see."""
    rules = office.rules(conn, case)
    role = people.role_in_case(conn, case, viewer.id)
    if not role:
        raise Refusal(NOT_YOURS)
    if not any((p.form, p.variant) == (form, variant) for p in available(rules, case, role)):
        raise Refusal(NOT_NOW, stage=case.stage)
    said = values(office, conn, case, viewer)
    if form == "result":
        said["subject"] = said.get("handled") or said["subject"]
    if variant == SUPERVISE:
        said |= _supervision(conn, case)
    shielded = case.shielded and role in UNIT_ROLES
    return forms.fill(of(rules).forms[form], said, shielded=shielded, variant=variant)


def values(office: Office, conn: Connection, case: Case, viewer: Person) -> dict[str, str]:
    """What the papers may print of a case for `viewer`, by field; instants in ISO form, what is unknown empty.

    Papers carry the phone in full, as the regulation's forms do; a unit complained about gets neither that
    nor the applicant's words (AMB-G21). Raises `Refusal("not_yours")` to strangers.
    """
    view = views.see(office, conn, case, viewer, reveal=True, history=False)
    actors = view.actors
    due = view.due or _last_due(conn, case)
    return {
        **view.words,
        **{name: at.isoformat() for name, at in view.moments.items()},
        "case_no": view.number,
        "application_date": _iso(view.moments.get("submitted_at")),
        "content_redacted": view.words.get("content_for_unit", ""),
        "subject": view.subject,
        "received_by": actors.get("confirmed_at", ""),
        "responsible_unit": view.unit,
        "dispatched_by": actors.get("dispatched_at", ""),
        "signed_for_by": actors.get("signed_for_at", ""),
        "head_signature": actors.get("signed_off_at", ""),
        "feedback_due": _iso(due),
        "due": _iso(due),
        "solved": view.codes.get("solved", ""),
        "scope": view.labels.get("scope_code", ""),
        "dispatch_kind": case.kind or "",
        "handler": view.handler,
        "handler_phone": view.unit_phone,
        "follow_up": view.labels.get("visit_satisfied", ""),
    }


def may_read_ledger(office: Office, conn: Connection, person: Person) -> bool:
    """The window keeps the ledger, the approving office checks it each day (XJ-2.1d, XJ-3.1a)."""
    wanted = {*office.profile.slots.get("receiver", ()), *office.profile.slots.get("approver", ())}
    return any(role in wanted for role, _ in people.roles(conn, person.id))


def ledger(office: Office, conn: Connection, viewer: Person, day: date, now: datetime) -> forms.LedgerSheet:
    """The matters told on a day in Shanghai, in the order of their numbers; each look is logged.

    Raises `Refusal("not_yours")` to whoever does not keep or check the ledger.
    """
    if not may_read_ledger(office, conn, viewer):
        raise Refusal(NOT_YOURS)
    begin = datetime.combine(day, time(), SHANGHAI).astimezone(UTC)
    c, m = store.case.c, store.moment.c
    rows = conn.execute(
        sa.select(c.id)
        .join(store.moment, m.case_id == c.id)
        .where(
            m.name == "submitted_at", m.at >= begin, m.at < begin + timedelta(days=1), c.number.is_not(None)
        )
        .order_by(c.number)
    ).all()
    entries: list[Mapping[str, str]] = []
    for row in rows:
        case = cases.load(conn, row.id)
        views.log_view(conn, case, viewer, "ledger", now)
        entries.append(values(office, conn, case, viewer))
    return forms.fill_ledger(of(office.profile).ledger, entries, day=day, shielded=frozenset())


def _supervision(conn: Connection, case: Case) -> dict[str, str]:
    """督办: who issued it, and the day it sets (XJ-2.2f)."""
    issued = case.moments.get("supervised_at")
    issuer = people.names(conn, [issued.person_id]).get(issued.person_id or 0, "") if issued else ""
    due = next((d.due_at for d in duties.of_case(conn, case.id) if d.key == "supervision"), None)
    return {"dispatched_by": issuer} | ({"feedback_due": _iso(due)} if due else {})


def _last_due(conn: Connection, case: Case) -> datetime | None:
    """The day of the limit that ran last: papers printed after the answer still name it."""
    d = store.duty.c
    found: datetime | None = conn.execute(
        sa.select(d.due_at)
        .where(d.case_id == case.id, d.limit.is_not(None), d.state == "met")
        .order_by(d.id.desc())
        .limit(1)
    ).scalar()
    return found


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""
