"""The page of a case: for the applicant in big plain type, for everybody else with what they may do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, Response, request
from sqlalchemy.engine import Connection

from bot.pages import session
from bot.pages.session import page
from bot.service import Service
from core import case as cases
from core import flow, library, papers, people, proposals, views
from core.case import Case
from core.desk.act import Offer
from core.logins import Login
from core.people import UNIT_SIDE
from core.policy.model import Profile
from core.privacy import clean
from core.store import transaction
from core.views import CaseView

# What the applicant's line shows, and the moment that makes it so.
STEPS: Final = (
    ("收到", "submitted_at"),
    ("受理", "confirmed_at"),
    ("交办", "dispatched_at"),
    ("办理", "signed_for_at"),
    ("答复", "replied_at"),
    ("评价", "rated_at"),
)
# Words of the matter that have their own place on the page.
APPLICANT: Final = (
    "applicant_name",
    "applicant_type",
    "applicant_unit",
    "applicant_phone",
    "applicant_email",
    "contact_name",
)
REASON: Final = 200  # characters
ELSEWHERE: Final = frozenset({*APPLICANT, "content", "content_for_unit", "subject", "level", "unit"})


@dataclass(frozen=True)
class Step:
    """One step of the applicant's line. `at` is empty while it has not come."""

    label: str
    at: datetime | None
    now: bool


def add(pages: Blueprint, service: Service) -> None:
    @pages.get("/done")
    def done() -> Response:
        return page(service, "notice", what="done")

    @pages.get("/c/<ref>")
    def look(ref: str) -> Response:
        with transaction(service.office.engine) as conn:
            who = session.login(service, conn)
            case = cases.find(conn, ref=ref)
            return draw(service, conn, who, case, "page")

    @pages.post("/c/<ref>/reveal")
    def reveal(ref: str) -> Response:
        """The phone and e-mail, in this answer only; the reason is on record."""
        reason = " ".join(clean(request.form.get("reason", ""), REASON).split())
        with transaction(service.office.engine) as conn:
            who = session.login(service, conn)
            case = cases.find(conn, ref=ref)
            if session.hold(service, conn, who, case.ref) is None or not reason:
                return draw(service, conn, who, case, "page", notice="reason")
            return draw(service, conn, who, case, "reveal", reason=reason)


def draw(
    service: Service,
    conn: Connection,
    who: Login,
    case: Case,
    what: str,
    *,
    reason: str = "",
    notice: str = "",
) -> Response:
    """The case as `who` may see it. The look is logged with its reason; strangers are refused."""
    office, now = service.office, service.now()
    view = views.see(office, conn, case, who.person, reveal=bool(reason))
    views.log_view(conn, case, who.person, what, now, reason)
    rules = office.rules(conn, case)
    did = request.args.get("did", "")
    status = service.words.status(view.status)
    values = {
        "view": view,
        "rules": rules,
        "words": view.words,
        "ticket": session.issue(service, conn, who, case.ref).secret,
        "status": status,
        "quote": _quoter(service, rules),
        "papers": papers.available(rules, case, view.role, {line.act for line in view.history}),
        "attachments": view.attachments,
        "did": rules.acts[did].label if did in rules.acts else "",
        "notice": notice,
    }
    if view.role == "applicant":
        return page(service, "mine", sentence=status["citizen"], steps=steps(view), **values)
    waiting = [(d, rules.duty(d.key)) for d in view.duties]
    return page(
        service,
        "case",
        sentence=status["staff"],
        details=details(rules, view),
        waiting=waiting,
        step=next_step(rules, view),
        revealed=bool(reason),
        to_library=case.stage in library.DONE and library.may(office, conn, who.person, library.WRITERS),
        transferred=view.role not in UNIT_SIDE and proposals.transferred(office, conn, case),
        may_reveal=not view.hidden and not reason and masked(view),
        contacts=people.contacts(conn, case.unit_id) if case.unit_id else {},
        **values,
    )


def steps(view: CaseView) -> tuple[Step, ...]:
    """Where the matter is on its way; nothing for a matter that left it (guided, withdrawn …). A matter solved at
    the window never goes to a unit."""
    if view.status in ("draft", "guided", "not_accepted", "transferred", "withdrawn", "archived", "shelved"):
        return ()
    short = view.moments.get("replied_at") and not view.moments.get("dispatched_at")
    line = [
        (label, name) for label, name in STEPS if not (short and name in ("dispatched_at", "signed_for_at"))
    ]
    # A unit may have it before the window has confirmed: what lies behind a reached step is behind us.
    reached = max((i for i, (_, name) in enumerate(line) if view.moments.get(name)), default=-1)
    return tuple(Step(label, view.moments.get(name), i == reached) for i, (label, name) in enumerate(line))


def next_step(rules: Profile, view: CaseView) -> Offer | None:
    """Of what the viewer may do, what the matter waits for: an act that meets an open duty, else one that leads
    the matter on."""

    def rank(offer: Offer) -> int:
        act = rules.acts[offer.act]
        for duty in view.duties:
            done = {offer.act, *(act.moments if duty.due_at is None else ())}
            if act.needs_duty == duty.key or done & set(rules.duty(duty.key).met_by):
                return 0
        leads_on = flow.MOVES[view.stage, offer.act].to != view.stage
        return {"primary": 1, "plain": 2}.get(offer.style, 3) if leads_on else 3

    best = min(view.offers, key=rank, default=None)
    return best if best and rank(best) < 3 else None


def details(rules: Profile, view: CaseView) -> tuple[tuple[str, str], ...]:
    """What is known of the matter beside the applicant, labelled as the profile labels it, in its order."""
    asked = [*rules.intake.questions, *(f for act in rules.acts.values() for f in act.fields)]
    found = {}
    for field in asked:
        value = view.words.get(field.id) or view.labels.get(field.id)
        if value and field.id not in ELSEWHERE and field.kind != "files":
            found[field.id] = (field.label, _readable(field.kind, value))
    return tuple(found.values())


def masked(view: CaseView) -> bool:
    return any("*" in view.words.get(name, "") for name in views.MASKED)


def _readable(kind: str, value: str) -> str:
    if kind != "date":
        return value
    at = datetime.fromisoformat(value)
    return f"{at.month}月{at.day}日" + (f" {at:%H:%M}" if len(value) > len("2022-04-11") else "")


def _quoter(service: Service, rules: Profile) -> Mapping[str, str]:
    """Each clause of the profile, quoted, for “依据”."""
    return {clause: service.words.basis(rules, clause) for clause in rules.clauses}
