"""What a page of ours was sent for: done once, or the page drawn again with what is missing; and its fields read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from flask import Response, redirect, request
from sqlalchemy.engine import Connection
from werkzeug.wrappers import Response as AnyResponse

from bot.pages import session
from bot.service import Service
from core.desk.fields import FIRST_YEAR, LAST_YEAR
from core.logins import Login
from core.people import Person
from core.refusals import Incomplete
from core.store import transaction

Problems = Mapping[str, str]  # what is wrong, by field
Again = Callable[[Connection, Login, Problems], Response]


def do(service: Service, about: str, act: Callable[[Connection, Person], str], again: Again) -> AnyResponse:
    """Let a member of staff `act`, which says where to go on; what it lacks (`Incomplete`) is asked for by drawing the
    page `again`, in a transaction of its own, since the first left nothing behind. Raises `Refusal`."""
    try:
        with transaction(service.office.engine) as conn:
            to = act(conn, session.sender(service, conn, about).person)
    except Incomplete as gaps:
        with transaction(service.office.engine) as conn:
            return again(conn, session.staff(service, conn), gaps.problems)
    service.ring("deliver")
    return redirect(to, 303)


def number(name: str, given: Mapping[str, str] | None = None) -> int:
    """An id or a year that was sent, 0 for anything else."""
    text = (request.form if given is None else given).get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def day(name: str) -> date | None:
    """A day that was sent, if it is one of this world."""
    try:
        found = date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def in_words(service: Service, problems: Problems | None, labels: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, as a sentence for each field."""
    return {
        name: service.words.problem(code, labels.get(name, name)) for name, code in (problems or {}).items()
    }
