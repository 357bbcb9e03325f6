"""Rosters: who sits at the window in the days to come, and the changes of those who set it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint, Response, abort, redirect, request
from sqlalchemy.engine import Connection
from werkzeug.wrappers import Response as AnyResponse

from bot.pages import sent, session
from bot.pages.session import page
from bot.service import Service
from core import people, proposals, rosters
from core.logins import Login
from core.people import Person
from core.policy.model import Roster
from core.refusals import NOT_YOURS, Refusal
from core.store import transaction
from core.workdays import local_day

ABOUT: Final = "roster"
BACK, AHEAD = timedelta(days=3), timedelta(days=21)


def add(pages: Blueprint, service: Service) -> None:
    office = service.office

    @pages.get("/rosters")
    def all_rosters() -> Response:
        with transaction(office.engine) as conn:
            return _rosters(service, conn, session.staff(service, conn))

    @pages.post("/rosters/<key>/<any(put, note, fill):what>")
    def change_roster(key: str, what: str) -> AnyResponse:
        with transaction(office.engine) as conn:
            who = session.sender(service, conn, ABOUT)
            _change(service, conn, who.person, rosters.find(office.profile, key), what)
        service.ring("deliver")
        return redirect(f"/rosters?did={what}#{key}", 303)


def _change(service: Service, conn: Connection, person: Person, roster: Roster, what: str) -> None:
    office, now, form = service.office, service.now(), request.form
    if what == "fill":
        if not rosters.may_edit(office, conn, roster, person):
            raise Refusal(NOT_YOURS, clause=roster.clause)
        today = local_day(now)
        rosters.lay_out(office, conn, roster, today, today + AHEAD, now)
        return
    day = sent.day("day")
    if day is None:
        abort(404)
    if what == "note":
        rosters.note_absence(office, conn, roster, day, form.get("sort", ""), person, now)
    else:
        rosters.put(office, conn, roster, day, sent.number("person"), person, now)


def _rosters(service: Service, conn: Connection, who: Login) -> Response:
    office = service.office
    today = local_day(service.now())
    shown = [
        (
            roster,
            rosters.shifts(office, conn, roster, today - BACK, today + AHEAD),
            rosters.may_edit(office, conn, roster, who.person),
            rosters.may_note(office, conn, roster, who.person),
            people.staff(conn, *roster.roles, *office.profile.slots.get("receiver", ())),
        )
        for roster in office.profile.rosters
    ]
    sets = any(edits or notes for _, _, edits, notes, _ in shown)
    return page(
        service,
        "rosters",
        shown=shown,
        today=today,
        sorts=proposals.ABSENCES,
        did=request.args.get("did", ""),
        ticket=session.issue(service, conn, who, ABOUT).secret if sets else "",
        units={u.id: u.name for u in people.units(conn)},
        rules=office.profile,
    )
