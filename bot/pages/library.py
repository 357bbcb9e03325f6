"""The case library and the problems of one kind: found, written, approved, made public, improved upon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from flask import Blueprint, Response, abort, redirect, request
from sqlalchemy.engine import Connection
from werkzeug.wrappers import Response as AnyResponse

from bot.pages import session
from bot.pages.session import page
from bot.service import Service
from core import case as cases
from core import improvement, library, people
from core.desk.fields import FIRST_YEAR, LAST_YEAR
from core.improvement import Group, Kind
from core.library import JUDGES, PARTS, SECOND, TONES, WRITERS, Entry
from core.logins import Login
from core.people import Person
from core.refusals import NOT_YOURS, Incomplete, Refusal
from core.store import transaction
from core.workdays import SHANGHAI

ABOUT = "library"  # what the tickets of these pages are for


def add(pages: Blueprint, service: Service) -> None:
    @pages.get("/library")
    def find() -> Response:
        with transaction(service.office.engine) as conn:
            return _list(service, conn, session.staff(service, conn))

    @pages.get("/library/from/<ref>")
    def draft_entry(ref: str) -> AnyResponse:
        with transaction(service.office.engine) as conn:
            who = session.staff(service, conn)
            case = cases.find(conn, ref=ref)
            if entry := library.of_case(conn, case.id):
                return redirect(f"/library/{entry.ref}", 303)
            typed = library.draft(service.office, conn, case, who.person, service.now())
            return _write(service, conn, who, ref, typed)

    @pages.post("/library/from/<ref>")
    def write(ref: str) -> AnyResponse:
        typed = {name: request.form.get(name, "") for name in PARTS}
        try:
            with transaction(service.office.engine) as conn:
                who = session.sender(service, conn, ABOUT)
                case = cases.find(conn, ref=ref)
                entry = library.propose(service.office, conn, case, who.person, typed, service.now())
            return redirect(f"/library/{entry.ref}?did=proposed", 303)
        except Incomplete as gaps:
            with transaction(service.office.engine) as conn:
                return _write(service, conn, session.staff(service, conn), ref, typed, gaps.problems)

    @pages.get("/library/<entry>")
    def look_up(entry: str) -> Response:
        with transaction(service.office.engine) as conn:
            return _entry(service, conn, session.staff(service, conn), entry)

    @pages.post("/library/<entry>/<what>")
    def change(entry: str, what: str) -> AnyResponse:
        try:
            with transaction(service.office.engine) as conn:
                _change(service, conn, session.sender(service, conn, ABOUT).person, entry, what)
            return redirect(f"/library/{entry}?did={what}", 303)
        except Incomplete as gaps:
            with transaction(service.office.engine) as conn:
                return _entry(service, conn, session.staff(service, conn), entry, request.form, gaps.problems)

    @pages.get("/improve")
    def groups() -> Response:
        with transaction(service.office.engine) as conn:
            return _groups(service, conn, session.staff(service, conn))

    @pages.post("/improve")
    def confirm() -> AnyResponse:
        form = request.form
        kind = Kind(_number("unit"), form.get("item", ""), form.get("cause_code", ""))
        with transaction(service.office.engine) as conn:
            group = improvement.confirm(
                service.office, conn, session.sender(service, conn, ABOUT).person, kind, service.now()
            )
        return redirect(f"/improve#{group.ref}", 303)

    @pages.post("/improve/<group>")
    def act(group: str) -> AnyResponse:
        form = request.form
        try:
            with transaction(service.office.engine) as conn:
                improvement.act_on(
                    service.office,
                    conn,
                    session.sender(service, conn, ABOUT).person,
                    group,
                    what=form.get("what", ""),
                    owner=_number("owner"),
                    due_on=_day("due_on"),
                    now=service.now(),
                )
            return redirect(f"/improve#{group}", 303)
        except Incomplete as gaps:
            return _groups_again(group, gaps)

    @pages.post("/improve/actions/<action>")
    def end(action: str) -> AnyResponse:
        form = request.form
        try:
            with transaction(service.office.engine) as conn:
                improvement.end(
                    service.office,
                    conn,
                    session.sender(service, conn, ABOUT).person,
                    action,
                    state=form.get("state", ""),
                    outcome=form.get("outcome", ""),
                    now=service.now(),
                )
            return redirect("/improve", 303)
        except Incomplete as gaps:
            return _groups_again(action, gaps)

    def _groups_again(where: str, gaps: Incomplete) -> Response:
        with transaction(service.office.engine) as conn:
            return _groups(service, conn, session.staff(service, conn), where, gaps.problems)


def _change(service: Service, conn: Connection, person: Person, ref: str, what: str) -> None:
    office, now, form = service.office, service.now(), request.form
    match what:
        case "approve":
            library.approve(
                office, conn, ref, person, form, owner=_number("owner"), review_on=_day("review_on"), now=now
            )
        case "public":
            library.make_public(office, conn, ref, person, form.get("tone", ""), now)
        case "second":
            library.second(office, conn, ref, person, form.get("agrees") == "yes", now)
        case "private":
            library.take_back(office, conn, ref, person)
        case "reviewed":
            library.reviewed(office, conn, ref, person, now)
        case "retire":
            library.retire(office, conn, ref, person)
        case _:
            abort(404)


# --- what is drawn ------------------------------------------------------------------------------------------


def _list(service: Service, conn: Connection, who: Login) -> Response:
    office = service.office
    asked = request.args.get("q", "").strip()[:200]
    cause = request.args.get("cause", "")
    unit = _number("unit", request.args)
    narrowed = {"unit_id": unit or None, "cause": cause}
    if asked:
        entries: Sequence[Entry] = [f.entry for f in library.search(conn, asked, limit=20, **narrowed)]  # type: ignore[arg-type]
    else:
        entries = library.newest(conn, **narrowed)  # type: ignore[arg-type]
    waits = library.waiting(conn) if library.may(office, conn, who.person, SECOND) else ()
    today = service.now().astimezone(SHANGHAI).date()
    return page(
        service,
        "library",
        asked=asked,
        cause=cause,
        unit=unit,
        entries=entries,
        waits=waits,
        reviews=[e for e in library.to_review(conn, today) if e.owner_id == who.person.id],
        **_names(service, conn, entries),
    )


def _write(
    service: Service,
    conn: Connection,
    who: Login,
    ref: str,
    typed: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
) -> Response:
    return page(
        service,
        "library_write",
        422 if problems else 200,
        ref=ref,
        typed=typed,
        problems=_problems(service, problems),
        ticket=session.issue(service, conn, who, ABOUT).secret,
        **_names(service, conn, ()),
    )


def _entry(
    service: Service,
    conn: Connection,
    who: Login,
    ref: str,
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> Response:
    office, person = service.office, who.person
    entry = library.read(conn, ref, person)
    judges = library.may(office, conn, person, JUDGES)
    if entry.state != "approved" and not library.may(office, conn, person, (*WRITERS, *SECOND)):
        raise Refusal(NOT_YOURS)
    source = cases.load(conn, entry.case_id)
    owners = [p for p in people.staff(conn) if library.may(office, conn, p, WRITERS)]
    known = {name: getattr(entry, name) for name in PARTS}
    review = entry.review_on or service.now().astimezone(SHANGHAI).date() + library.REVIEW_AFTER
    return page(
        service,
        "library_entry",
        422 if problems else 200,
        entry=entry,
        did=request.args.get("did", ""),
        typed={**known, "owner": entry.owner_id or person.id, "review_on": review, **(typed or {})},
        problems=_problems(service, problems),
        judges=judges,
        seconds=library.may(office, conn, person, SECOND) and entry.asked_by != person.id,
        owns=entry.owner_id == person.id,
        due=entry.review_on is not None and entry.review_on <= service.now().astimezone(SHANGHAI).date(),
        presentable=library.presentable(office, conn, entry),
        source=source.ref if people.role_in_case(conn, source, person.id) else "",
        owners=owners,
        who=people.names(conn, (entry.written_by, entry.approved_by, entry.owner_id, entry.published_by)),
        tones=TONES,
        ticket=session.issue(service, conn, who, ABOUT).secret,
        **_names(service, conn, (entry,)),
    )


def _groups(
    service: Service, conn: Connection, who: Login, where: str = "", problems: Mapping[str, str] | None = None
) -> Response:
    office = service.office
    found = improvement.groups(office, conn)
    listed: list[tuple[Group, Sequence[improvement.Action]]] = [
        (group, improvement.actions(conn, group) if group.ref else ()) for group in found
    ]
    return page(
        service,
        "improve",
        422 if problems else 200,
        groups=listed,
        may=improvement.may(office, conn, who.person),
        me=who.person.id,
        staff=people.staff(conn),
        states=improvement.STATES,
        today=service.now().astimezone(SHANGHAI).date(),
        where=where,
        problems=_problems(
            service, problems, {"what": "改什么", "owner": "谁负责", "due_on": "什么时候改好"}
        ),
        typed=request.form,
        who={p.id: p.name for p in people.staff(conn)},
        ticket=session.issue(service, conn, who, ABOUT).secret,
        **_names(service, conn, ()),
    )


def _names(service: Service, conn: Connection, entries: Sequence[Entry]) -> dict[str, object]:
    """What every page here needs beside its own: the words for units, causes and parts."""
    return {
        "rules": service.office.profile,
        "parts_of": PARTS,
        "causes": {choice.code: choice.label for choice in library.causes(service.office.profile)},
        "units": {unit.id: unit.name for unit in people.units(conn)},
    }


def _problems(
    service: Service, problems: Mapping[str, str] | None, labels: Mapping[str, str] | None = None
) -> dict[str, str]:
    known = {name: label for name, (_, label) in PARTS.items()}
    known |= {"owner": "谁来复核", "review_on": "哪天复核", "tone": "正面还是反面", "outcome": "改得怎么样"}
    known |= labels or {}
    return {
        name: service.words.problem(code, known.get(name, name)) for name, code in (problems or {}).items()
    }


def _number(name: str, given: Mapping[str, str] | None = None) -> int:
    text = (given if given is not None else request.form).get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _day(name: str) -> date | None:
    try:
        day = date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None
