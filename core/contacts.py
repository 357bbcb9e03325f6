"""The contact form of a unit (HY-A2): whom to ask there, drawn from the people and units of the hall that matters are
sent by, and kept as it was whenever it changes.

The hall file is the one home of these names. When a process starts with a changed file, each unit whose form says
something else than before gets a new version; none is ever taken away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import forms, papers, people, store
from core.desk import gaps
from core.forms import Form
from core.office import Office
from core.people import Hall, HallUnit, Person
from core.policy.model import Profile
from core.refusals import NOT_YOURS, UNKNOWN_CASE, Refusal

# What a form may ask about somebody of the unit: the role, and what of the person.
ABOUT: Final[Mapping[str, tuple[str, str]]] = {
    "head_name": ("unit_head", "name"),
    "head_title": ("unit_head", "title"),
    "head_phone": ("unit_head", "phone"),
    "deputy_head": ("unit_deputy_head", "name"),
    "deputy_title": ("unit_deputy_head", "title"),
    "deputy_phone": ("unit_deputy_head", "phone"),
    "section_head": ("lead_section", "name"),
    "section_phone": ("lead_section", "phone"),
    "liaison_name": ("unit_liaison", "name"),
    "liaison_title": ("unit_liaison", "title"),
    "liaison_phone": ("unit_liaison", "phone"),
}
READERS: Final = ("receiver", "approver", "decider")  # the slots whose people of the hall read every unit's
_S: Final = store.contact_sheet.c


@dataclass(frozen=True)
class Version:
    """What a unit's form said from `at` on; `number` counts from 1."""

    number: int
    at: datetime
    said: Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """A unit with the versions of its form, the newest first; `empty`: whether that one has gaps."""

    unit: HallUnit
    versions: tuple[Version, ...]

    @property
    def empty(self) -> bool:
        return not all(self.versions[0].said.values())


def form_of(rules: Profile) -> Form | None:
    """The form that these rules have for a unit."""
    return next((form for form in papers.of(rules).forms.values() if form.of == "unit"), None)


def values(hall: Hall, unit: HallUnit) -> dict[str, str]:
    """What the hall says of a unit, by field. Of several with one role the first counts, as on cards."""
    first: dict[str, people.HallPerson] = {}
    for person in hall.people:
        for post in person.posts:
            if post.unit == unit.key:
                first.setdefault(post.role, person)
    told = {"unit_name": unit.name, "lead_section": unit.section}
    return told | {
        field: str(getattr(first[role], part)) for field, (role, part) in ABOUT.items() if role in first
    }


def record(conn: Connection, hall: Hall, rules: Profile, now: datetime) -> int:
    """Keep a version of each unit's form that says something else than the newest one; how many did."""
    form, changed = form_of(rules), 0
    if form is None:
        return 0
    ids = {unit.key: unit.id for unit in people.units(conn)}
    for unit in gaps.handling(hall, rules):
        known = values(hall, unit)
        said = {field: known.get(field, "") for field in form.fields}
        before = _versions(conn, ids[unit.key])
        if not before or before[0].said != said:
            conn.execute(sa.insert(store.contact_sheet).values(unit_id=ids[unit.key], at=now, said=said))
            changed += 1
    return changed


def directory(office: Office, conn: Connection, viewer: Person) -> tuple[Entry, ...]:
    """The units whose forms somebody may read: of the hall all, of a unit their own."""
    ids = {unit.key: unit.id for unit in people.units(conn)}
    known = ((unit, _versions(conn, ids[unit.key])) for unit in _readable(office, conn, viewer))
    return tuple(Entry(unit, versions) for unit, versions in known if versions)


def sheet(office: Office, conn: Connection, viewer: Person, key: str, number: int = 0) -> forms.Sheet:
    """The form of a unit in its newest version, or in another. Raises `Refusal`."""
    form = form_of(office.profile)
    entry = next((e for e in directory(office, conn, viewer) if e.unit.key == key), None)
    if form is None or entry is None:
        raise Refusal(NOT_YOURS)
    found = next((v for v in entry.versions if number in (0, v.number)), None)
    if found is None:
        raise Refusal(UNKNOWN_CASE)
    filled = forms.fill(form, found.said, shielded=False)
    return replace(filled, window=office.profile.window_name)


def _readable(office: Office, conn: Connection, viewer: Person) -> Iterator[HallUnit]:
    everything = people.for_hall(conn, office.profile, viewer.id, *READERS)
    own = {post.unit_id for post in people.roles(conn, viewer.id)}
    mine = {unit.key for unit in people.units(conn) if everything or unit.id in own}
    return (unit for unit in gaps.handling(office.hall, office.profile) if unit.key in mine)


def _versions(conn: Connection, unit_id: int) -> tuple[Version, ...]:
    rows = conn.execute(sa.select(_S.at, _S.said).where(_S.unit_id == unit_id).order_by(_S.id)).all()
    return tuple(Version(number, row.at, row.said) for number, row in enumerate(rows, start=1))[::-1]
