"""Finding a matter again: one line for numbers and words, and a list for each thing matters are sorted by."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from sqlalchemy.engine import Connection

from bot.pages import session
from bot.pages.session import page
from bot.service import Service
from core import search, views
from core.logins import Login
from core.search import LONGEST, SHOWN, Wanted
from core.store import transaction

START: Final = "start"


def add(pages: Blueprint, service: Service) -> None:
    @pages.get("/find")
    def find_matters() -> Response:
        with transaction(service.office.engine) as conn:
            return _page(service, conn, session.staff(service, conn))


def _page(service: Service, conn: Connection, who: Login) -> Response:
    office, now, asked = service.office, service.now(), request.args
    lists = search.filters(office.profile)
    given = {x.name: asked.get(x.name, "") for x in lists}
    wanted = Wanted(
        text=asked.get("q", "").strip()[:LONGEST],
        unit_id=_number("unit"),
        opinion=asked.get("opinion", ""),
        codes={name: code for name, code in given.items() if code},
    )
    start = _number(START)
    found = search.find(office, conn, who.person, wanted, now, start=start) if wanted.anything else None
    seen = [views.see(office, conn, case, who.person, history=False) for case in found.cases] if found else []
    told = urlencode({name: text for name, text in asked.items() if text and name != START})
    return page(
        service,
        "find",
        wanted=wanted,
        lists=lists,
        given=given,
        opinions=search.opinions(office.profile),
        units=search.units(conn, office.profile, who.person),
        lines=[(view, service.words.status(view.status)["short"]) for view in seen],
        first=start + 1,
        before=f"/find?{told}&{START}={max(0, start - SHOWN)}" if start else "",
        after=f"/find?{told}&{START}={start + SHOWN}" if found and found.more else "",
        most=LONGEST,
        rules=office.profile,
    )


def _number(name: str) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
