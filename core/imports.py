"""Records of another system, taken in as matters: one row, one matter, once (PT-2b).

What a table has to say stands in the profile (`[[imports]]`). Each row goes through the one door as `register`, done by
a named person of the window; so it is checked as any registration is, and refused with the same words. When the record
came about is one of its facts: the window knows of it, and its limit runs, from the moment it is taken in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import store
from core.case import Case
from core.desk.act import Actor, perform
from core.office import Office
from core.people import Person
from core.policy.model import Asked, Import, Profile
from core.privacy import clean
from core.refusals import Incomplete
from core.workdays import SHANGHAI

B: Final = store.brought_in
NUMBER: Final = 64  # characters of a record's number
VIA: Final = "import"
_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}:\d{2})(?::\d{2})?)?")
_SERIAL: Final = re.compile(r"\d{5}(?:\.\d+)?")  # days since the first one of a spreadsheet's calendar
_SPREADSHEET: Final = datetime(1899, 12, 30, tzinfo=UTC)


def find(rules: Profile, key: str) -> Import:
    """An import of the profile. Raises KeyError, which names those there are."""
    found = next((table for table in rules.imports if table.key == key), None)
    if found is None:
        raise KeyError("、".join(table.key for table in rules.imports))
    return found


def take_in(
    office: Office, conn: Connection, table: Import, row: Mapping[str, str], by: Person, now: datetime
) -> Case | None:
    """Register the matter of one row (head → text); None if it was taken in before. Raises `Refusal`."""
    number = clean(row.get(table.number, ""), NUMBER + 1).strip()
    if not number or len(number) > NUMBER:
        problem = "too_long" if number else "missing"
        raise Incomplete({"number": problem}, {"number": table.number})
    rules = office.profile
    draft = cases.open_case(
        conn, profile=rules.name, version=rules.version, channel=VIA, contact_id=None, now=now
    )
    # Whoever brings it again, were it at the same moment, finds the row there and has nothing to do.
    mine = {"source": table.key, "number": number, "case_id": draft.id}
    if store.insert_once(conn, B, ("source", "number"), **mine) is None:
        conn.execute(sa.delete(store.case).where(store.case.c.id == draft.id))
        return None
    values = _values(rules, table, row, now)
    return perform(office, conn, Actor(by, VIA), draft, "register", now=now, values=values)


def _values(rules: Profile, table: Import, row: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """What `register` is told: the row's own words, else what the table says for all rows."""
    values: dict[str, Any] = {"told_at": now.isoformat(), **table.values}
    for asked in rules.acts["register"].fields:
        if text := row.get(table.columns.get(asked.id, ""), "").strip():
            values[asked.id] = _read(rules, asked, text)
    return values


def _read(rules: Profile, asked: Asked, text: str) -> str:
    """A cell as the form would have it: the code of a choice, an ISO day."""
    if asked.kind == "choice":
        return next((choice.code for choice in rules.choices(asked) if choice.label == text), text)
    return _iso(text) if asked.kind == "date" else text


def _iso(text: str) -> str:
    """A day or instant of Shanghai as people and spreadsheets write it; what is none stays as it is, to be refused."""
    if _SERIAL.fullmatch(text):
        at = _SPREADSHEET + timedelta(days=float(text)) + timedelta(seconds=30)
        return at.replace(tzinfo=SHANGHAI, second=0, microsecond=0).isoformat()
    if not (found := _DAY.fullmatch(text)):
        return text
    year, month, day, clock = found.groups()
    iso = f"{year}-{int(month):02}-{int(day):02}"
    return f"{iso}T{clock:0>5}" if clock else iso
