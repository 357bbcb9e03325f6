"""Proposals: a list, each with its evidence, to confirm or refuse; appeals and answers; what people put on record; the
sheet of the year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, abort, request
from sqlalchemy.engine import Connection
from werkzeug.wrappers import Response as AnyResponse

from bot.pages import files, sent, session
from bot.pages.sent import Problems
from bot.pages.session import page
from bot.papers import xlsx
from bot.service import Service
from core import case as cases
from core import people, proposals
from core.case import Case
from core.desk.fields import FIRST_YEAR, LAST_YEAR
from core.logins import Login
from core.people import Person
from core.policy.model import Consequence, Finding
from core.proposals import LABELS, RESULTS, STATES, Proposal
from core.refusals import NOT_YOURS, UNKNOWN_CASE, Incomplete, Refusal
from core.store import transaction
from core.workdays import SHANGHAI, local_day

ABOUT: Final = "proposals"  # what the tickets of these pages are for
# What was done with a proposal, in words.
DONE: Final[Mapping[str, str]] = {
    "proposed": "系统按记录提出",
    "sent": "移送",
    "confirmed": "认定",
    "refused": "不予认定",
    "appealed": "申诉",
    "upheld": "维持",
    "lifted": "撤销",
    "outcome": "后续处理",
    **RESULTS,
}
FIGURES: Final[Mapping[str, str]] = {"handled": "办结", "ratings": "评价", "satisfied": "满意（含基本满意）"}
ABSENCE: Final = "absence"


def add(pages: Blueprint, service: Service) -> None:
    @pages.get("/proposals")
    def proposed() -> Response:
        with transaction(service.office.engine) as conn:
            return _list(service, conn, session.staff(service, conn))

    @pages.get("/proposals/sheet")
    def proposal_sheet() -> Response:
        """The deductions of a year, as an Excel file."""
        with transaction(service.office.engine) as conn:
            who = session.staff(service, conn)
            year = sent.number("year", request.args) or service.now().astimezone(SHANGHAI).year
            if not FIRST_YEAR <= year <= LAST_YEAR:
                abort(404)
            drawn = proposals.yearly(service.office, conn, who.person, year)
        file = files.room()
        xlsx.render(drawn, file)
        return files.download(file, xlsx.MIME, f"{drawn.title} {drawn.period}.xlsx")

    @pages.get("/proposals/record/<key>")
    def finding_form(key: str) -> Response:
        with transaction(service.office.engine) as conn:
            return _form(service, conn, session.staff(service, conn), key)

    @pages.post("/proposals/record/<key>")
    def put_on_record(key: str) -> AnyResponse:
        def act(conn: Connection, person: Person) -> str:
            return f"/proposals?did={_record(service, conn, person, key)}"

        def again(conn: Connection, who: Login, problems: Problems) -> Response:
            return _form(service, conn, who, key, problems)

        return sent.do(service, ABOUT, act, again)

    @pages.get("/proposals/<one>")
    def proposal(one: str) -> Response:
        with transaction(service.office.engine) as conn:
            return _one(service, conn, session.staff(service, conn), one)

    @pages.post("/proposals/<one>/<what>")
    def decide_proposal(one: str, what: str) -> AnyResponse:
        def act(conn: Connection, person: Person) -> str:
            _change(service, conn, person, one, what)
            return f"/proposals/{one}?did={what}"

        def again(conn: Connection, who: Login, problems: Problems) -> Response:
            return _one(service, conn, who, one, what, problems)

        return sent.do(service, ABOUT, act, again)


def _change(service: Service, conn: Connection, person: Person, ref: str, what: str) -> None:
    office, now, given = service.office, service.now(), request.form
    words = given.get("words", "")
    match what:
        case "confirm" | "refuse":
            proposals.decide(
                office,
                conn,
                person,
                ref,
                what == "confirm",
                now=now,
                words=words,
                unit_id=sent.number("unit") or None,
                person_id=sent.number("person") or None,
                due_on=sent.day("due_on"),
            )
        case "appeal":
            proposals.appeal(office, conn, person, ref, words, now=now)
        case "uphold" | "lift":
            proposals.answer(office, conn, person, ref, what == "lift", words, now=now)
        case "add":
            named = sent.number("person") or None
            proposals.add(office, conn, person, ref, words, now=now, person_id=named)
        case "right":
            proposals.put_right(office, conn, person, ref, given.get("result", ""), words, now=now)
        case _:
            abort(404)


def _record(service: Service, conn: Connection, person: Person, key: str) -> int:
    """Put on record what the form says; how much was proposed for it."""
    office, now, given = service.office, service.now(), request.form
    who = sent.number("person")
    if key == ABSENCE:
        return len(
            proposals.note_absence(office, conn, person, who, sent.day("day"), given.get("sort", ""), now=now)
        )
    words, unit = given.get("words", ""), sent.number("unit")
    case = _case(conn)
    if _to_send(service, conn, person, key):
        if case is None:
            raise Incomplete({"case": "missing"}, LABELS)
        proposals.send(office, conn, person, key, case=case, to_unit=unit, words=words, now=now)
        return 1
    made = proposals.record(
        office,
        conn,
        person,
        key,
        now=now,
        case=case,
        unit_id=unit or None,
        person_id=who or None,
        code=given.get("code", ""),
        words=words,
    )
    return len(made)


def _case(conn: Connection) -> Case | None:
    """The matter whose number was typed in; None for no such number."""
    try:
        return cases.find(conn, number=request.form.get("case", "").strip())
    except Refusal as refusal:
        if refusal.code != UNKNOWN_CASE:
            raise
        return None


# --- what is drawn ------------------------------------------------------------------------------------------


def _list(service: Service, conn: Connection, who: Login) -> Response:
    office, person = service.office, who.person
    shown = request.args.get("show", "")
    found = proposals.listed(office, conn, person)
    waiting = [
        p for p in found if p.state in ("proposed", "appealed") and proposals.decides(office, conn, p, person)
    ]
    wanted = list(found) if shown == "all" or not waiting else waiting
    groups: dict[str, list[Proposal]] = {}
    titles: dict[str, Consequence] = {}
    for one in wanted:
        groups.setdefault(one.entry, []).append(one)
        titles[one.entry] = proposals.definition(office, conn, one)
    return page(
        service,
        "proposals",
        groups=groups,
        titles=titles,
        shown="all" if wanted == list(found) and shown == "all" else "mine" if waiting else "all",
        counts={"mine": len(waiting), "all": len(found)},
        findings=proposals.findings_of(office, conn, person),
        absences=proposals.may_note_absence(office, conn, person),
        sends=proposals.sends_of(office, conn, person),
        export=proposals.may_export(office, conn, person),
        year=service.now().astimezone(SHANGHAI).year,
        did=request.args.get("did", ""),
        numbers=proposals.numbers(conn, [p.case_id for p in wanted]),
        **_names(service, conn),
    )


def _one(
    service: Service,
    conn: Connection,
    who: Login,
    ref: str,
    where: str = "",
    problems: Problems | None = None,
) -> Response:
    office, person = service.office, who.person
    proposal = proposals.read(office, conn, ref, person)
    entry = proposals.definition(office, conn, proposal)
    evidence = proposal.evidence
    ids = sorted({*evidence.get("cases", ()), *([proposal.case_id] if proposal.case_id else ())})
    matters = cases.several(conn, ids)
    alike = proposals.alike(office, conn, person, proposal)
    return page(
        service,
        "proposal",
        422 if problems else 200,
        one=proposal,
        entry=entry,
        basis=service.words.basis(office.profile, entry.clause),
        lines=proposals.lines(office, conn, proposal),
        findings=proposals.recorded(office, conn, evidence.get("findings", ())),
        matters=[(m.number or "", m.subject, m.ref if _opens(conn, m, person) else "") for m in matters],
        duties=[d.title for d in office.profile.duties if d.key in evidence.get("duties", ())],
        before=[_before(service, conn, i, person) for i in evidence.get("proposals", ())],
        alike=alike,
        numbers=proposals.numbers(conn, [p.case_id for p in alike]),
        decides=proposals.decides(office, conn, proposal, person),
        done=DONE,
        figures=FIGURES,
        sorts=proposals.ABSENCES,
        results=RESULTS,
        where=where,
        problems=sent.in_words(service, problems, LABELS),
        typed=request.form,
        did=request.args.get("did", ""),
        ticket=session.issue(service, conn, who, ABOUT).secret,
        **_names(service, conn),
    )


def _before(
    service: Service, conn: Connection, proposal_id: int, person: Person
) -> tuple[str, Proposal, bool]:
    """A proposal that this one rests on: its title, and whether its page is open to the reader."""
    one = proposals.by_id(conn, proposal_id)
    title = proposals.definition(service.office, conn, one).title
    return title, one, proposals.may_see(service.office, conn, one, person)


def _opens(conn: Connection, case: Case, person: Person) -> bool:
    return bool(people.role_in_case(conn, case, person.id))


def _form(
    service: Service, conn: Connection, who: Login, key: str, problems: Problems | None = None
) -> Response:
    office, person = service.office, who.person
    finding = next((x for x in proposals.findings_of(office, conn, person) if x.key == key), None)
    sending = _to_send(service, conn, person, key)
    absence = key == ABSENCE and proposals.may_note_absence(office, conn, person)
    if not (finding or sending or absence):
        raise Refusal(NOT_YOURS)
    typed: Mapping[str, Any] = request.form or {"case": request.args.get("case", "")}
    about = _asked(finding, sending is not None)
    entry = finding or sending
    clause = entry.clause if entry else next(x.clause for x in office.profile.proposals if x.rule == ABSENCE)
    return page(
        service,
        "proposal_form",
        422 if problems else 200,
        key=key,
        title=entry.title if entry else "记迟到、缺席",
        basis=service.words.basis(office.profile, clause),
        about=about,
        finding=finding,
        sending=sending is not None,
        choices=office.profile.lists[finding.codes] if finding and finding.codes else (),
        sorts=proposals.ABSENCES,
        labels=LABELS,
        typed=typed,
        problems=sent.in_words(service, problems, LABELS),
        today=local_day(service.now()).isoformat(),
        ticket=session.issue(service, conn, who, ABOUT).secret,
        **_names(service, conn),
    )


def _asked(finding: Finding | None, sending: bool) -> tuple[str, ...]:
    if finding:
        return (*(name for name in finding.about if name != "members"), "words")
    return ("case", "unit", "words") if sending else ("person", "day", "sort")


def _to_send(service: Service, conn: Connection, person: Person, key: str) -> Consequence | None:
    return next((x for x in proposals.sends_of(service.office, conn, person) if x.key == key), None)


def _names(service: Service, conn: Connection) -> dict[str, object]:
    """What every page here needs beside its own: the words for units, people and states."""
    units = people.units(conn)
    staff = people.staff(conn)
    name = {unit.id: unit.name for unit in units}
    posts = {p.id: [post.unit_id for post in people.roles(conn, p.id)] for p in staff}
    return {
        "rules": service.office.profile,
        "states": STATES,
        "units": name,
        "who": {p.id: p.name for p in staff},
        "staff": [(p.id, p.name, name.get(posts[p.id][0], "") if posts[p.id] else "") for p in staff],
    }
