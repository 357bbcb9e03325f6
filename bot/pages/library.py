"""The case library and the problems of one kind: found, written, approved, made public, improved upon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from flask import Blueprint, Response, abort, redirect, request
from sqlalchemy.engine import Connection
from werkzeug.wrappers import Response as AnyResponse

from bot.pages import sent, session
from bot.pages.sent import Again, Problems
from bot.pages.session import page
from bot.service import Service
from core import case as cases
from core import improvement, library, people
from core.improvement import Group, Kind
from core.library import JUDGES, PARTS, SECOND, TONES, WRITERS, Entry
from core.logins import Login
from core.people import Person
from core.store import transaction
from core.workdays import local_day

ABOUT: Final = "library"  # what the tickets of these pages are for
LABELS: Final[Mapping[str, str]] = {
    **{name: label for name, (_, label) in PARTS.items()},
    "owner": "谁来复核",
    "review_on": "哪天复核",
    "tone": "正面还是反面",
}
IMPROVING: Final = {"what": "改什么", "owner": "谁负责", "due_on": "什么时候改好", "outcome": "改得怎么样"}


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

        def propose(conn: Connection, person: Person) -> str:
            case = cases.find(conn, ref=ref)
            entry = library.propose(service.office, conn, case, person, typed, service.now())
            return f"/library/{entry.ref}?did=proposed"

        def again(conn: Connection, who: Login, problems: Problems) -> Response:
            return _write(service, conn, who, ref, typed, problems)

        return sent.do(service, ABOUT, propose, again)

    @pages.get("/library/<entry>")
    def look_up(entry: str) -> Response:
        with transaction(service.office.engine) as conn:
            return _entry(service, conn, session.staff(service, conn), entry)

    @pages.post("/library/<entry>/<what>")
    def change(entry: str, what: str) -> AnyResponse:
        def act(conn: Connection, person: Person) -> str:
            _change(service, conn, person, entry, what)
            return f"/library/{entry}?did={what}"

        def again(conn: Connection, who: Login, problems: Problems) -> Response:
            return _entry(service, conn, who, entry, request.form, problems)

        return sent.do(service, ABOUT, act, again)

    @pages.get("/improve")
    def groups() -> Response:
        with transaction(service.office.engine) as conn:
            return _groups(service, conn, session.staff(service, conn))

    @pages.post("/improve")
    def confirm() -> AnyResponse:
        form = request.form
        kind = Kind(sent.number("unit"), form.get("item", ""), form.get("cause_code", ""))

        def act(conn: Connection, person: Person) -> str:
            return f"/improve#{improvement.confirm(service.office, conn, person, kind, service.now()).ref}"

        return sent.do(service, ABOUT, act, _again(""))

    @pages.post("/improve/<group>")
    def plan(group: str) -> AnyResponse:
        def act(conn: Connection, person: Person) -> str:
            improvement.act_on(
                service.office,
                conn,
                person,
                group,
                what=request.form.get("what", ""),
                owner=sent.number("owner"),
                due_on=sent.day("due_on"),
                now=service.now(),
            )
            return f"/improve#{group}"

        return sent.do(service, ABOUT, act, _again(group))

    @pages.post("/improve/actions/<action>")
    def end(action: str) -> AnyResponse:
        def act(conn: Connection, person: Person) -> str:
            improvement.end(
                service.office,
                conn,
                person,
                action,
                state=request.form.get("state", ""),
                outcome=request.form.get("outcome", ""),
                now=service.now(),
            )
            return "/improve"

        return sent.do(service, ABOUT, act, _again(action))

    def _again(where: str) -> Again:
        return lambda conn, who, problems: _groups(service, conn, who, where, problems)


def _change(service: Service, conn: Connection, person: Person, ref: str, what: str) -> None:
    office, now, form = service.office, service.now(), request.form
    match what:
        case "approve":
            library.approve(
                office,
                conn,
                ref,
                person,
                form,
                owner=sent.number("owner"),
                review_on=sent.day("review_on"),
                now=now,
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
    unit = sent.number("unit", request.args)
    narrowed = {"unit_id": unit or None, "cause": cause}
    if asked:
        entries: Sequence[Entry] = [f.entry for f in library.search(conn, asked, limit=20, **narrowed)]  # type: ignore[arg-type]
    else:
        entries = library.newest(conn, **narrowed)  # type: ignore[arg-type]
    waits = library.waiting(conn) if library.may(office, conn, who.person, SECOND) else ()
    today = local_day(service.now())
    return page(
        service,
        "library",
        asked=asked,
        cause=cause,
        unit=unit,
        entries=entries,
        waits=waits,
        reviews=[e for e in library.to_review(conn, today) if e.owner_id == who.person.id],
        **_names(service, conn),
    )


def _write(
    service: Service,
    conn: Connection,
    who: Login,
    ref: str,
    typed: Mapping[str, str],
    problems: Problems | None = None,
) -> Response:
    return page(
        service,
        "library_write",
        422 if problems else 200,
        ref=ref,
        typed=typed,
        problems=sent.in_words(service, problems, LABELS),
        ticket=session.issue(service, conn, who, ABOUT).secret,
        **_names(service, conn),
    )


def _entry(
    service: Service,
    conn: Connection,
    who: Login,
    ref: str,
    typed: Mapping[str, str] | None = None,
    problems: Problems | None = None,
) -> Response:
    office, person = service.office, who.person
    entry = library.read(office, conn, ref, person)
    judges = library.may(office, conn, person, JUDGES)
    source = cases.load(conn, entry.case_id)
    owners = [p for p in people.staff(conn) if library.may(office, conn, p, WRITERS)]
    known = {name: getattr(entry, name) for name in PARTS}
    review = entry.review_on or local_day(service.now()) + library.REVIEW_AFTER
    return page(
        service,
        "library_entry",
        422 if problems else 200,
        entry=entry,
        did=request.args.get("did", ""),
        typed={**known, "owner": entry.owner_id or person.id, "review_on": review, **(typed or {})},
        problems=sent.in_words(service, problems, LABELS),
        judges=judges,
        seconds=library.may(office, conn, person, SECOND) and entry.asked_by != person.id,
        owns=entry.owner_id == person.id,
        due=entry.review_on is not None and entry.review_on <= local_day(service.now()),
        presentable=library.presentable(office, conn, entry),
        source=source.ref if people.role_in_case(conn, source, person.id) else "",
        owners=owners,
        who=people.names(conn, (entry.written_by, entry.approved_by, entry.owner_id, entry.published_by)),
        tones=TONES,
        ticket=session.issue(service, conn, who, ABOUT).secret,
        **_names(service, conn),
    )


def _groups(
    service: Service, conn: Connection, who: Login, where: str = "", problems: Problems | None = None
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
        today=local_day(service.now()),
        where=where,
        problems=sent.in_words(service, problems, IMPROVING),
        typed=request.form,
        who={p.id: p.name for p in people.staff(conn)},
        ticket=session.issue(service, conn, who, ABOUT).secret,
        **_names(service, conn),
    )


def _names(service: Service, conn: Connection) -> dict[str, object]:
    """What every page here needs beside its own: the words for units, causes and parts."""
    return {
        "rules": service.office.profile,
        "parts_of": PARTS,
        "causes": {choice.code: choice.label for choice in library.causes(service.office.profile)},
        "units": {unit.id: unit.name for unit in people.units(conn)},
    }
