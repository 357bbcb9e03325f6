"""Matters that other systems are to hold too: which still lack one, and the file that takes them there (PT-6.1b).

No interface is described, so a person carries them over: the file of a system holds what is not uploaded yet, and the
act `note_upload` records when it was done and under which number. Each system has a duty `upload_CODE` in each matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import forms, papers, store, views
from core.forms import LedgerSheet
from core.office import Office
from core.people import Person
from core.policy.model import Choice, Profile
from core.record import FROM_HISTORY, Reader, values
from core.refusals import NOT_YOURS, Refusal
from core.workdays import local_day

DUTY: Final = "upload_"
PAPER: Final = "upload"  # the list of the profile that is the file
SHOWN: Final = 200  # matters on the list of a page
_C, _D = store.case.c, store.duty.c


@dataclass(frozen=True)
class Waiting:
    """A matter that some systems still lack: which, and by when they were to have it."""

    ref: str
    number: str
    subject: str
    lacks: tuple[str, ...]
    due: datetime | None


def systems(rules: Profile) -> tuple[Choice, ...]:
    """The outside systems that the profile names, where it says what they are to get."""
    return rules.lists.get("systems", ()) if PAPER in rules.forms else ()


def concerns(office: Office, conn: Connection, person: Person) -> bool:
    """Those who keep or check the ledger carry it over."""
    return bool(systems(office.profile)) and papers.may_read_ledger(office, conn, person)


def count(office: Office, conn: Connection, person: Person) -> int:
    """How many matters of theirs lack a system."""
    ids = sa.select(_D.case_id).distinct().join(store.case, _C.id == _D.case_id)
    found = ids.where(*_open(office, conn, person)).subquery()
    return int(conn.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def waiting(office: Office, conn: Connection, person: Person) -> tuple[Waiting, ...]:
    """The matters without all uploads, the longest waiting first; at most so many as a page shows. Raises
    `Refusal("not_yours")`."""
    rows = conn.execute(
        sa.select(_C.id, _D.key, _D.due_at)
        .join(store.case, _C.id == _D.case_id)
        .where(*_open(office, conn, person))
        .order_by(_D.opened_at, _C.id, _D.id)
    ).all()
    lacks: dict[int, list[tuple[str, datetime | None]]] = {}
    for row in rows:
        lacks.setdefault(row.id, []).append((row.key.removeprefix(DUTY), row.due_at))
    names = {system.code: system.label for system in systems(office.profile)}
    return tuple(
        Waiting(
            ref=case.ref,
            number=case.number or "",
            subject=case.subject or case.codes.get("item", ""),
            lacks=tuple(names[code] for code, _ in lacks[case.id]),
            due=min((due for _, due in lacks[case.id] if due), default=None),
        )
        for case in cases.several(conn, list(lacks)[:SHOWN])
    )


def export(office: Office, conn: Connection, person: Person, system: str, now: datetime) -> LedgerSheet:
    """What one system still lacks, in the order of numbers; each look is logged. Outside nobody is to learn who
    complained of staff: there the shield line stands, whoever exports it (AMB-G21). The rows are read while they are
    gone through: the connection must stay open. Raises `Refusal("not_yours")`, KeyError for an unknown system."""
    label = next((choice.label for choice in systems(office.profile) if choice.code == system), None)
    if label is None:
        raise KeyError(system)
    paper = papers.of(office.profile).lists[PAPER]
    ids = conn.execute(
        sa.select(_C.id)
        .join(store.duty, _C.id == _D.case_id)
        .where(*_open(office, conn, person), _D.key == f"{DUTY}{system}")
        .order_by(_C.number)
    )
    today = local_day(now)
    entries = _entries(office, conn, person, paper, list(ids.scalars()), f"upload:{system}", now)
    sheet = forms.fill_ledger(paper, entries, first=today, last=today)
    return replace(sheet, title=f"{label}{paper.title}", window=office.profile.window_name)


def _entries(
    office: Office,
    conn: Connection,
    person: Person,
    paper: forms.Ledger,
    ids: list[int],
    what: str,
    now: datetime,
) -> Iterator[tuple[Mapping[str, str], bool]]:
    fields = {*paper.fields, *paper.redact.values()} - {forms.ROW_NO}
    reader, history = Reader(office, conn, person), not FROM_HISTORY.isdisjoint(fields)
    for start in range(0, len(ids), papers.TOGETHER):
        some = ids[start : start + papers.TOGETHER]
        views.log_views(conn, some, person, what, now)
        for record in reader.read(cases.several(conn, some), history=history):
            yield values(record, fields, paper.coded), record.case.shielded


def _open(office: Office, conn: Connection, person: Person) -> tuple[sa.ColumnElement[bool], ...]:
    posts = papers.ledger_posts(office, conn, person)
    if not posts:
        raise Refusal(NOT_YOURS)
    keys = [f"{DUTY}{system.code}" for system in systems(office.profile)]
    return (_D.key.in_(keys), _D.state == "open", _C.number.is_not(None), views.seen_by(posts))
