"""The list of gaps: what the rule wants of the hall and the hall has not; the sites with their windows and teams."""

from __future__ import annotations

from flask import Blueprint, Response

from bot.pages import session
from bot.pages.session import page
from bot.service import Service
from core.desk import gaps
from core.store import transaction
from core.workdays import local_day


def add(pages: Blueprint, service: Service) -> None:
    office = service.office

    @pages.get("/gaps")
    def list_of_gaps() -> Response:
        now = service.now()
        with transaction(office.engine) as conn:
            who = session.staff(service, conn)
            found = gaps.listed(office, conn, who.person, now)
        places = gaps.places(office.hall, office.profile, local_day(now))
        lines = [(service.words.gap(gap), office.profile.clauses[gap.clause]) for gap in found]
        return page(service, "gaps", lines=lines, places=places, rules=office.profile)
