"""The desk: what waits for somebody, and the day's ledger to print and sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from flask import Blueprint, Response, request
from sqlalchemy.engine import Connection

from bot.pages import files, session
from bot.pages.case import next_step
from bot.pages.session import page
from bot.papers import pdf, rule, xlsx
from bot.papers.page import ledger_html
from bot.service import Service
from core import contacts, external, papers, people, proposals, reports, views
from core.case import Case
from core.desk import gaps
from core.desk.fields import FIRST_YEAR, LAST_YEAR
from core.logins import Login
from core.people import Person
from core.policy.model import Profile
from core.refusals import NOT_YOURS, Refusal
from core.store import transaction
from core.views import CaseView
from core.workdays import local_day

SHOWN: Final = ("all", "mine", "near", "overdue")


@dataclass(frozen=True)
class Line:
    """A case on the list. `next` names what waits for this very person, or nothing."""

    view: CaseView
    status: str
    next: str
    near: bool


def add(pages: Blueprint, service: Service) -> None:
    @pages.get("/desk")
    def desk() -> Response:
        with transaction(service.office.engine) as conn:
            who = session.login(service, conn)
            return _mine(service, conn, who) if who.person.kind == "citizen" else _desk(service, conn, who)

    @pages.get("/desk/ledger")
    def ledger() -> Response:
        """The ledger of a day, or of the days from `from` to `to`: to print, as PDF, or as an Excel file."""
        now, asked = service.now(), request.args
        today = local_day(now)
        last = _day(asked.get("to", "")) or _day(asked.get("day", "")) or today
        first = min(_day(asked.get("from", "")) or last, last)
        with transaction(service.office.engine) as conn:
            who = session.login(service, conn)
            sheet = papers.listed(service.office, conn, who.person, "", first, last, now)
            if asked.get("as") == "xlsx":
                file = files.room()
                xlsx.render(sheet, file)
                return files.download(file, xlsx.MIME, f"{sheet.title} {sheet.period}.xlsx")
            sheet = papers.to_print(sheet)
        if asked.get("as") == "pdf":
            return files.as_pdf(service, lambda: pdf.ledger(sheet), f"{sheet.title} {sheet.period}")
        return files.whole_page(ledger_html(sheet))

    @pages.get("/rule")
    def whole_rule() -> Response:
        """The whole rule, for whoever works by it."""
        with transaction(service.office.engine) as conn:
            who = session.login(service, conn)
            if who.person.kind == "citizen":
                raise Refusal(NOT_YOURS)
        return files.whole_page(rule.html(service.office.profile, service.words, home="/desk"))


def _desk(service: Service, conn: Connection, who: Login) -> Response:
    office, now = service.office, service.now()
    shown = request.args.get("show", "")
    shown = shown if shown in SHOWN else "all"
    lines = [_line(service, conn, case, who.person, now) for case in views.to_do(office, conn, who.person)]
    wanted = {
        "all": lines,
        "mine": [x for x in lines if x.next],
        "near": [x for x in lines if x.near and not x.view.overdue],
        "overdue": [x for x in lines if x.view.overdue],
    }
    looks_after = gaps.may_read(office, conn, who.person)
    return page(
        service,
        "desk",
        name=who.person.name,
        lines=wanted[shown],
        shown=shown,
        counts={key: len(found) for key, found in wanted.items()},
        registers=_registers(office.profile, conn, who.person),
        ledger=papers.may_read_ledger(office, conn, who.person),
        today=local_day(now).isoformat(),
        reports=len(reports.waiting_for(office, conn, who.person)),
        proposals=proposals.concerns(office, conn, who.person),
        uploads=external.concerns(office, conn, who.person),
        gaps=len(gaps.listed(office, conn, who.person, now)) if looks_after else -1,
        units=contacts.form_of(office.profile) is not None,
        on_trial=office.on_trial(office.profile),
        rules=office.profile,
    )


def _mine(service: Service, conn: Connection, who: Login) -> Response:
    office = service.office
    seen = [
        views.see(office, conn, c, who.person, history=False) for c in views.mine(office, conn, who.person)
    ]
    lines = [Line(view, service.words.status(view.status)["short"], "", False) for view in seen]
    return page(service, "matters", lines=lines, rules=office.profile)


def _line(service: Service, conn: Connection, case: Case, person: Person, now: datetime) -> Line:
    office = service.office
    rules = office.rules(conn, case)
    view = views.see(office, conn, case, person, history=False)
    today = local_day(now)
    near = view.due is not None and local_day(view.due) <= office.calendar.shift(today, 1)
    step = next_step(rules, view)
    return Line(view, service.words.status(view.status)["short"], step.label if step else "", near)


def _registers(rules: Profile, conn: Connection, person: Person) -> bool:
    return "register" in rules.acts and bool(people.posts_for(conn, rules, person.id, "receiver"))


def _day(text: str) -> date | None:
    """A day somebody may ask for; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None
