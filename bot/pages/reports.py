"""Reports: what waits for somebody's signature, what came, what is missing; one report with its figures, each of which
opens its cases."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from flask import Blueprint, Response, abort, request
from sqlalchemy.engine import Connection
from werkzeug.wrappers import Response as AnyResponse

from bot.pages import files, sent, session
from bot.pages.sent import Problems
from bot.pages.session import page
from bot.papers import pdf, xlsx
from bot.papers import report as drawn
from bot.papers.page import ledger_html
from bot.service import Service
from core import case as cases
from core import people, reports, views
from core.case import Case
from core.logins import Login
from core.people import Person
from core.policy.model import Report
from core.refusals import NOT_YOURS, Refusal
from core.reports import Filed
from core.store import transaction
from core.views import CaseView

ABOUT = "report"  # what the tickets of these pages are for
SHOWN = 40  # reports on the list


@dataclass(frozen=True)
class Line:
    """A report on the list; `about`: the unit or site it is of."""

    filed: Filed
    title: str
    days: str
    about: str
    missing: bool


def add(pages: Blueprint, service: Service) -> None:
    office = service.office

    @pages.get("/reports")
    def all_reports() -> Response:
        with transaction(office.engine) as conn:
            return _list(service, conn, session.staff(service, conn))

    @pages.get("/reports/<ref>")
    def one_report(ref: str) -> AnyResponse:
        with transaction(office.engine) as conn:
            who = session.staff(service, conn)
            filed, report = _readable(service, conn, who, ref)
            kind = request.args.get("as", "")
            if kind:
                return _file(service, conn, filed, report, kind)
            return _report(service, conn, who, filed, report)

    @pages.post("/reports/<ref>/<any(save, sign):what>")
    def change_report(ref: str, what: str) -> AnyResponse:
        text = request.form.get("text", "")

        def act(conn: Connection, person: Person) -> str:
            done = reports.save if what == "save" else reports.sign
            done(office, conn, ref, person, text, service.now())
            return f"/reports/{ref}?did={what}"

        def again(conn: Connection, who: Login, problems: Problems) -> Response:
            filed, report = _readable(service, conn, who, ref)
            return _report(service, conn, who, filed, report, text, problems["text"])

        return sent.do(service, ABOUT, act, again)

    @pages.get("/reports/<ref>/list")
    def enclosed_list(ref: str) -> AnyResponse:
        """The list that goes with the report, to print, as PDF or as an Excel file."""
        with transaction(office.engine) as conn:
            who = session.staff(service, conn)
            filed, _ = _readable(service, conn, who, ref)
            sheet = reports.enclosure(office, conn, filed, who.person, service.now())
        if sheet is None:
            abort(404)
        name = f"{sheet.title} {sheet.period}"
        if request.args.get("as") == "pdf":
            return files.as_pdf(service, lambda: pdf.ledger(sheet), name)
        if request.args.get("as") == "xlsx":
            file = files.room()
            xlsx.render(sheet, file)
            return files.download(file, xlsx.MIME, f"{name}.xlsx")
        return files.whole_page(ledger_html(sheet))

    @pages.get("/reports/<ref>/<section>/<row>/<column>")
    def behind_figure(ref: str, section: str, row: str, column: str) -> Response:
        """The cases that a figure counts."""
        with transaction(office.engine) as conn:
            who = session.staff(service, conn)
            filed, report = _readable(service, conn, who, ref)
            found = reports.tables_of(office, conn, report, filed, filed.period(service.now()))
            table = next((t for t in found if t.key == section), None)
            cells = table.rows[int(row)] if table and _within(row, len(table.rows)) else ()
            if table is None or not _within(column, len(cells)):
                abort(404)
            cell = cells[int(column)]
            seen = [_seen(service, conn, who, case) for case in cases.several(conn, cell.cases)]
        shown = [(view, service.words.status(view.status)["short"]) for view in seen if view]
        words = takewhile(lambda c: isinstance(c.value, str) and not c.cases, cells)
        label = " ".join(str(c.value) for c in words if c.value)
        return page(
            service,
            "report_cases",
            ref=ref,
            title=report.title,
            what=f"{table.title}：{label} · {table.heads[int(column)]}" if label else table.title,
            cell=cell,
            lines=shown,
            hidden=len(seen) - len(shown),
            rules=office.profile,
        )


def _within(text: str, count: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 7 and int(text) < count


def _readable(service: Service, conn: Connection, who: Login, ref: str) -> tuple[Filed, Report]:
    filed = reports.find(conn, ref)
    report = reports.definition(service.office, filed)
    if not reports.may_read(service.office, conn, report, filed, who.person):
        raise Refusal(NOT_YOURS, clause=report.clause)
    return filed, report


def _seen(service: Service, conn: Connection, who: Login, case: Case) -> CaseView | None:
    """A case as they may see it, or nothing."""
    try:
        return views.see(service.office, conn, case, who.person, history=False)
    except Refusal:
        return None


def _list(service: Service, conn: Connection, who: Login) -> Response:
    office, now = service.office, service.now()
    known = {report.key: report for report in office.profile.reports}
    waiting = reports.waiting_for(office, conn, who.person)
    rest = [
        f
        for f in reports.listed(conn)
        if f.key in known and f.signed and reports.may_read(office, conn, known[f.key], f, who.person)
    ]
    gets = [
        r
        for r in known.values()
        if any(p.id == who.person.id for s in r.to for p in reports.holders(office, conn, s))
    ]
    owed = [f for r in gets for f in reports.missing(conn, r.key, now)]
    lines = {
        name: [_line(conn, known[f.key], f, service) for f in found[:SHOWN]]
        for name, found in (("waiting", waiting), ("owed", owed), ("filed", rest))
    }
    return page(service, "reports", name=who.person.name, now=now, **lines)


def _line(conn: Connection, report: Report, filed: Filed, service: Service) -> Line:
    about = people.unit(conn, filed.part).name if filed.part else ""
    days = drawn.span(filed.first, filed.last)
    return Line(filed, report.title, days, about, filed.missing(service.now()))


def _report(
    service: Service,
    conn: Connection,
    who: Login,
    filed: Filed,
    report: Report,
    typed: str = "",
    problem: str = "",
) -> Response:
    office, now = service.office, service.now()
    period = filed.period(now)
    tables = reports.tables_of(office, conn, report, filed, period)
    line = _line(conn, report, filed, service)
    fresh = drawn.draft(service.words, office.profile, report, period, tables, line.about)
    writes = not filed.signed and reports.may_write(office, conn, report, filed, who.person)
    signs = not filed.signed and reports.may_sign(office, conn, report, filed, who.person)
    return page(
        service,
        "report",
        409 if problem else 200,
        line=line,
        report=report,
        filed=filed,
        period=period,
        tables=tables,
        text=typed or filed.text or fresh,
        moved=bool(filed.text) and not filed.signed and filed.text != fresh,
        fresh=fresh,
        writes=writes,
        signs=signs,
        problem=service.words.problem(problem, "正文") if problem else "",
        did=request.args.get("did", ""),
        names=people.names(conn, [filed.signed_by, filed.edited_by]),
        intact=not filed.digest or filed.digest == reports.digest_of(tables),
        ticket=session.issue(service, conn, who, ABOUT).secret if writes else "",
        rules=office.profile,
    )


def _file(service: Service, conn: Connection, filed: Filed, report: Report, kind: str) -> AnyResponse:
    """The figures to keep: one Excel file, or a PDF."""
    period = filed.period(service.now())
    tables = reports.tables_of(service.office, conn, report, filed, period)
    sheets = drawn.sheets(service.office.profile, report, period, tables, filed.digest)
    name = f"{report.title} {drawn.span(filed.first, filed.last)}"
    if kind == "pdf":
        return files.as_pdf(service, lambda: pdf.ledgers(sheets), name)
    if kind != "xlsx":
        abort(404)
    file = files.room()
    xlsx.render_all(sheets, file)
    return files.download(file, xlsx.MIME, f"{name}.xlsx")
