"""What somebody may see of a case: one picture for cards, pages, papers and the command line.

The viewer's role in the case decides. In a conduct matter the unit complained about sees the shield line in
place of everything about the applicant, and only words and files the window has redacted (AMB-G21). Phone and
e-mail are masked on screens until somebody reveals them with a reason, which is logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import duties, people, store
from core.case import Case
from core.desk import attach
from core.desk.act import Offer, offers
from core.desk.attach import Attachment
from core.duties import Open
from core.forms import SHIELD_LINE
from core.office import Office
from core.people import UNIT_ROLES, UNIT_SIDE, Person
from core.privacy import mask
from core.refusals import NOT_YOURS, Refusal

APPLICANT_FIELDS: Final = (
    "applicant_name",
    "applicant_unit",
    "applicant_phone",
    "applicant_email",
    "contact_name",
)
MASKED: Final[Mapping[str, str]] = {"applicant_phone": "phone", "applicant_email": "email"}
# All that the unit complained about may read in a conduct matter: its own words, and what the window wrote for it.
# A list of what is open, not of what is closed: a field nobody thought of stays hidden.
OPEN_TO_SHIELDED: Final = frozenset(
    {
        "content_for_unit",
        "words_for_unit",
        "question",
        "extension_reason",
        "extension_opinion",
        "handled",
        "result",
        "unsolved_reason",
        "reject_reason",
        "send_back_reason",
        "cannot_reason",
        "cannot_basis",
        "explanation",
        "solution",
        "progress",
        "escalate_reason",
        "requirement",
        "unit_cause",
        "opinion_redacted",
        "opinion",
        "no_opinion",
        "crux",
        "redo_reason",
    }
)
# What an applicant reads beside her own words: what was asked and said to her, and the result once it is signed.
OPEN_TO_APPLICANT: Final = frozenset(
    {
        *APPLICANT_FIELDS,
        "content",
        "transcript",
        "supplement",
        "answer",
        "human_question",
        "rating_comment",
        "question",
        "human_answer",
        "guidance_note",
        "extension_reason",
        "consent_words",
        "guidance_path",
        "supplement_list",
        "improvement",
        "item",
        "conduct_about",
        "no_reason",
        "no_basis",
        "progress",
        "limit_explained",
        "shelve_reason",
        "transfer_reason",
        "pass_reason",
        "transfer_result",
        "above_answer",
        "relevel_reason",
    }
)
ANSWER: Final = frozenset(
    {"handled", "result", "unsolved_reason", "solution", "cannot_reason", "cannot_basis", "explanation"}
)
CODES_OPEN_TO_SHIELDED: Final = frozenset(
    {"subject", "scope_code", "level", "solved", "extension_due", "extension_granted", "extension_round"}
)


@dataclass(frozen=True)
class Line:
    """One line of the history: what happened, when, by whom (a name or a title)."""

    act: str
    at: datetime
    who: str
    role: str


@dataclass(frozen=True)
class CaseView:
    """A case as one viewer may see it. `words` are personal texts (already shielded or masked), `codes` the
    countable facts, `labels` the codes in words of the profile."""

    ref: str
    number: str
    stage: str
    status: str
    rev: int
    round: int
    role: str
    shielded: bool
    hidden: bool  # the viewer belongs to the shielded side
    overdue: bool
    subject: str
    unit: str
    site: str
    unit_phone: str
    handler: str
    unit_head: str
    level: str
    kind: str
    clause: str  # the clause of the running limit
    due: datetime | None
    target: datetime | None
    provisional: bool
    supervision_count: int
    moments: Mapping[str, datetime]
    actors: Mapping[str, str]  # moment → who
    words: Mapping[str, str]
    codes: Mapping[str, str]
    labels: Mapping[str, str]
    attachments: tuple[Attachment, ...]
    duties: tuple[Open, ...]
    offers: tuple[Offer, ...]
    history: tuple[Line, ...]


def see(
    office: Office,
    conn: Connection,
    case: Case,
    person: Person,
    *,
    reveal: bool = False,
    history: bool = True,
) -> CaseView:
    """The case as `person` may see it. Raises `Refusal("not_yours")` to strangers. `reveal` unmasks phone and
    e-mail (the caller has logged the reason with `log_view`)."""
    role = people.role_in_case(conn, case, person.id)
    if not role:
        raise Refusal(NOT_YOURS)
    rules = office.rules(conn, case)
    hidden = shielded_from(case, role)
    if hidden:
        case = replace(case, codes={k: v for k, v in case.codes.items() if k in CODES_OPEN_TO_SHIELDED})
    open_duties = duties.of_case(conn, case.id)
    limit = next((d for d in open_duties if rules.duty(d.key).closing), None)
    unit = people.unit(conn, case.unit_id) if case.unit_id else None
    contacts = people.contacts(conn, case.unit_id) if case.unit_id else {}
    contact, head = contacts.get("handler"), contacts.get("unit_head")
    who = people.names(conn, (m.person_id for m in case.moments.values()))
    return CaseView(
        ref=case.ref,
        number=case.number or "",
        stage=case.stage,
        status=status(case, open_duties),
        rev=case.rev,
        round=case.round,
        role=role,
        shielded=case.shielded,
        hidden=hidden,
        overdue=case.overdue,
        subject=case.subject,
        unit=unit.name if unit else "",
        site=people.unit(conn, case.site_id).name if case.site_id else "",
        unit_phone=contact.phone if contact else "",
        handler=contact.name if contact else "",
        unit_head=head.name if head else "",
        level=rules.level(case.level).label if case.level else "",
        kind=next((k.label for k in rules.kinds if k.code == case.kind), ""),
        clause=limit.clause if limit else "",
        due=limit.due_at if limit else None,
        target=limit.target_at if limit else None,
        provisional=bool(limit and limit.provisional),
        supervision_count=case.supervision_count,
        moments={name: moment.at for name, moment in case.moments.items()},
        actors={name: who.get(m.person_id or 0, "") for name, m in case.moments.items()},
        words=_words(office, case, role, hidden, reveal),
        codes=case.codes,
        labels=_labels(office, conn, case),
        attachments=_attachments(office, conn, case, role, hidden),
        duties=open_duties,
        offers=offers(office, conn, case, person.id),
        history=_history(conn, case) if history else (),
    )


def log_view(
    conn: Connection, case: Case, person: Person, what: str, now: datetime, reason: str = ""
) -> None:
    """Looking leaves a trace."""
    conn.execute(
        sa.insert(store.view_log).values(
            case_id=case.id, person_id=person.id, at=now, what=what[:48], reason=reason[:200]
        )
    )


def log_views(conn: Connection, ids: Sequence[int], person: Person, what: str, now: datetime) -> None:
    """The same for many cases at once."""
    c, v = store.case.c, store.view_log.c
    looks = sa.select(
        c.id, sa.literal(person.id), sa.literal(now, store.Instant), sa.literal(what), sa.literal("")
    )
    into = (v.case_id, v.person_id, v.at, v.what, v.reason)
    conn.execute(sa.insert(store.view_log).from_select(into, looks.where(store.among(c.id, ids))))


_STAGE_STATUS: Final[Mapping[str, str]] = {
    "DRAFT": "draft",
    "REFUSING": "accepted",
    "TRIAGE": "accepted",
    "REPORTED": "escalated",
    "JOINT": "joint_handling",
    "SIGNING": "awaiting_signature",
    "DELIVERING": "replied",
    "CLOSED": "closed",
    "GUIDED": "guided",
    "NOT_ACCEPTED": "not_accepted",
    "DECLINED": "declined_on_spot",
    "NO_RESPONSE": "no_response",
    "TRANSFERRED": "transferred",
    "WITHDRAWN": "withdrawn",
    "ARCHIVED": "archived",
    "SHELVED": "shelved",
}


def status(case: Case, open_duties: tuple[Open, ...]) -> str:
    """The status people read (spec section 5), derived from stage and duties."""
    waiting_for = {duty.key for duty in open_duties}
    if case.stage == "SUBMITTED":
        return "submitted" if case.unconfirmed else "accepted"
    if case.stage == "TRIAGE" and waiting_for & {"consent", "head_consent"}:
        return "awaiting_approval"
    if case.stage in ("CLOSED", "ARCHIVED") and case.codes.get("outcome") == "cannot_do":
        return "cannot_do" if case.stage == "CLOSED" else "archived"
    if case.stage != "WITH_UNIT":
        return _STAGE_STATUS[case.stage]
    if "answer" in waiting_for:
        return "awaiting_applicant"
    if case.at("signed_for_at"):
        return "in_progress"
    return "redo" if case.at("redo_at") else "dispatched"


def shielded_from(case: Case, role: str) -> bool:
    """Whether somebody of this role must not learn who complained (AMB-G21): the units that handle it."""
    return case.shielded and role in UNIT_SIDE


def may_read(case: Case, role: str, field: str) -> bool:
    """Whether a personal text of the case is open to somebody of this role."""
    if shielded_from(case, role):
        return field in OPEN_TO_SHIELDED
    if role == "applicant":
        return field in OPEN_TO_APPLICANT or (field in ANSWER and case.at("replied_at") is not None)
    return True


def _words(office: Office, case: Case, role: str, hidden: bool, reveal: bool) -> dict[str, str]:
    known = cases.words(office.vault, case)
    words = {field: text for field, text in known.items() if may_read(case, role, field)}
    if hidden:
        shown = dict.fromkeys(APPLICANT_FIELDS, SHIELD_LINE)
        return {**words, **shown, "content": words.get("content_for_unit", "")}
    if role == "applicant" or reveal:
        return words
    return {f: mask(MASKED[f], text) if f in MASKED else text for f, text in words.items()}  # type: ignore[arg-type]


def _labels(office: Office, conn: Connection, case: Case) -> dict[str, str]:
    rules = office.rules(conn, case)
    return {field: rules.label(field, code) for field, code in case.codes.items()}


def _attachments(
    office: Office, conn: Connection, case: Case, role: str, hidden: bool
) -> tuple[Attachment, ...]:
    found = attach.of_case(conn, office.vault, case.id)
    if hidden:
        return tuple(a for a in found if a.for_unit and a.purpose in attach.OPEN_TO_UNIT)
    if role == "applicant":
        # What lies between window and unit stays there, and a result waits for its signature.
        answer = ("result", "seal") if case.at("replied_at") else ()
        return tuple(a for a in found if a.purpose in ("material", "voice", *answer))
    return found


def _history(conn: Connection, case: Case) -> tuple[Line, ...]:
    events = cases.events(conn, case.id)
    names = people.names(conn, (e.actor_id for e in events))
    return tuple(Line(e.act, e.at, names.get(e.actor_id or 0, ""), e.role) for e in events)


def mine(office: Office, conn: Connection, person: Person, *, limit: int = 20) -> tuple[Case, ...]:
    """The cases a citizen told us, newest first (drafts left out)."""
    c = store.case.c
    rows = conn.execute(
        sa.select(c.id)
        .where(c.contact_id == person.id, c.number.is_not(None))
        .order_by(c.id.desc())
        .limit(limit)
    )
    return cases.several(conn, [row.id for row in rows])


NOBODYS: Final = ("applicant", "system")  # who holds a duty that is not a task of the staff


def to_do(office: Office, conn: Connection, person: Person, *, limit: int = 100) -> tuple[Case, ...]:
    """Open cases in which a member of staff holds a role, the nearest limit first; of those filed away, the ones in
    which somebody still owes something, as a visit."""
    held = people.roles(conn, person.id)
    c, d = store.case.c, store.duty.c
    open_stages = c.stage.not_in(("DRAFT", "WITHDRAWN", "ARCHIVED", "GUIDED"))
    owed = sa.exists().where(d.case_id == c.id, d.state == "open", d.holder.not_in(NOBODYS))
    where: sa.ColumnElement[bool] = open_stages | (c.stage.in_(("ARCHIVED", "GUIDED")) & owed)
    where &= seen_by(held)
    due = sa.select(sa.func.min(d.due_at)).where(d.case_id == c.id, d.state == "open").scalar_subquery()
    rows = conn.execute(sa.select(c.id).where(where).order_by(due.is_(None), due, c.id).limit(limit))
    return cases.several(conn, [row.id for row in rows])


def seen_by(posts: Sequence[people.Post]) -> sa.ColumnElement[bool]:
    """The cases in which somebody of these posts has a say: of the hall all, of a site or a unit its own."""
    c = store.case.c
    if any(post.role not in UNIT_ROLES and post.kind != people.SITE for post in posts):
        return sa.true()
    units = [post.unit_id for post in posts if post.role in UNIT_ROLES]
    sites = [post.unit_id for post in posts if post.role not in UNIT_ROLES]
    return c.unit_id.in_(units) | c.site_id.in_(sites)
