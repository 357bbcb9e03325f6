"""What the window may find useful at triage: a unit, a level, a kind of matter, entries of the library, matters of
the same caller. Every suggestion says what it rests on, and none is ever taken without a person.

The memory is what this hall has closed (its neutral subjects alone: what people said is sealed), the library, and
the matters that come with the service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import library, people, similar, store, views
from core.case import Case
from core.flow import OPEN
from core.library import ALIKE, DONE, TELLING, Found
from core.office import Office
from core.people import UNIT_ROLES, Person, Unit
from core.policy.model import Profile
from core.privacy import normal_phone
from core.similar import NEAR, Area, Memory, Told, likeness

LATELY: Final = 500  # cases of the hall that are remembered
AGREEING: Final = 2  # of the like cases, to suggest what they were judged to be
CERTAIN: Final = 0.08  # of all evidence: below it, next to nothing speaks for a unit
WORDS: Final = 4  # of those that speak for a unit, shown
CALLERS: Final = 200  # open cases looked through for the same telephone
SHOWN: Final = 3


@dataclass(frozen=True)
class Suggestion:
    """A value for a field, what it is called, how many like matters it rests on, and words that speak for it."""

    value: str
    label: str
    near: int
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """A closed case of the hall: its subject, and what it was judged to be."""

    subject: str
    unit: str
    codes: Mapping[str, str]


def at_triage(office: Office, conn: Connection, case: Case, text: str) -> Mapping[str, Suggestion]:
    """Suggestions by field (unit, level, scope_code) for what a person told; nothing where nothing is near."""
    lately = _lately(conn)
    found: dict[str, Suggestion] = {}
    rules = office.rules(conn, case)
    if unit := _unit(conn, _offered(conn, rules), text, lately):
        found["unit"] = unit
    near = sorted(((likeness(text, known.subject), known) for known in lately), key=lambda pair: -pair[0])[:5]
    labels = {
        "level": {level.code: level.label for level in rules.levels if not level.on},
        "scope_code": {choice.code: choice.label for choice in rules.intake.scope},
    }
    for field, known_as in labels.items():
        judged = Counter(known.codes.get(field, "") for alike, known in near if alike >= NEAR)
        best, count = next(((code, n) for code, n in judged.most_common() if code in known_as), ("", 0))
        if count >= AGREEING:
            found[field] = Suggestion(best, known_as[best], count)
    return found


def like_entries(conn: Connection, text: str) -> tuple[Found, ...]:
    """Entries for whoever dispatches or handles a matter."""
    return tuple(f for f in library.search(conn, text, limit=SHOWN) if f.score >= ALIKE) if text else ()


def for_citizen(office: Office, conn: Connection, text: str) -> Found | None:
    """The one public entry that answers what she told, if any does clearly."""
    for found in library.search(conn, text, public=True, limit=SHOWN):
        if found.score >= TELLING and library.presentable(office, conn, found.entry):
            return found
    return None


def same_caller(office: Office, conn: Connection, case: Case, phone: str, viewer: Person) -> tuple[str, ...]:
    """The numbers of open cases told with the same telephone, of those the viewer works on: to a citizen they may be
    somebody else's (a number she types proves nothing), and a unit would learn who complained about it (AMB-G21)."""
    wanted, posts = normal_phone(phone), people.roles(conn, viewer.id)
    unit_side = any(post.role in UNIT_ROLES for post in posts)
    c, f = store.case.c, store.fact.c
    rows = conn.execute(
        sa.select(c.id, c.number, f.value_enc)
        .join(store.fact, f.case_id == c.id)
        .where(f.field == "applicant_phone", f.current, f.value_enc.is_not(None))
        .where(c.id != case.id, c.number.is_not(None), c.stage.in_(OPEN), views.seen_by(posts))
        .where(~c.shielded if unit_side else sa.true())
        .order_by(c.id.desc())
        .limit(CALLERS)
    )
    return tuple(
        row.number
        for row in rows
        if wanted
        and normal_phone(cases.opened(office.vault, row.id, "applicant_phone", row.value_enc)) == wanted
    )[:SHOWN]


def same_matter(office: Office, conn: Connection, person_id: int, text: str) -> Case | None:
    """An open case of this very person that tells of the same thing, the likest (her own alone)."""
    c = store.case.c
    mine = conn.execute(
        sa.select(c.id)
        .where(c.contact_id == person_id, c.number.is_not(None), c.stage.in_(OPEN))
        .order_by(c.id.desc())
        .limit(20)
    ).scalars()
    found: tuple[float, Case | None] = (0.0, None)
    for case_id in mine.all():
        case = cases.load(conn, case_id)
        alike = likeness(text, cases.words(office.vault, case).get("content", ""))
        if alike >= similar.SAME and alike > found[0]:
            found = alike, case
    return found[1]


def of_hall(units: Sequence[Unit], area: Area) -> Unit | None:
    """The unit of a hall that does what an area does, by its name."""
    return next((unit for name in area.names for unit in units if name in unit.name), None)


def _offered(conn: Connection, rules: Profile) -> tuple[Unit, ...]:
    """The units a dispatch may go to."""
    asked = next(
        (
            f
            for act in ("dispatch", "report")
            if act in rules.acts
            for f in rules.acts[act].fields
            if f.kind == "unit"
        ),
        None,
    )
    kinds = asked.unit_kinds if asked else ()
    return people.units(
        conn, *(kinds or sorted({kind for level in rules.levels for kind in level.unit_kinds}))
    )


def _unit(conn: Connection, units: Sequence[Unit], text: str, lately: Sequence[Judged]) -> Suggestion | None:
    by_key = {unit.key: unit for unit in units}
    by_id = {unit.id: unit for unit in units}
    areas = {area.label: area for area in similar.areas()}
    served = {unit.key: area.label for area in areas.values() if (unit := of_hall(units, area))}
    # What the hall has judged counts beside what comes with the service: under the area that its unit serves, or
    # under the unit itself where no area is known.
    own = [
        Told(known.subject, served.get(known.unit, known.unit)) for known in lately if known.unit in by_key
    ]
    for entry in library.newest(conn, limit=LATELY):
        if unit := by_id.get(entry.unit_id or 0):
            own.append(Told(entry.text, served.get(unit.key, unit.key)))
    memory = Memory([*similar.told(), *own], similar.areas()) if own else _memory()
    best = next(iter(memory.rank(text)), None)
    if best is None or best.share < CERTAIN:
        return None
    unit = by_key.get(best.label) or of_hall(units, areas[best.label])
    return Suggestion(unit.key, unit.name, best.near, best.words[:WORDS]) if unit else None


@cache
def _memory() -> Memory:
    return Memory(similar.told(), similar.areas())


def _lately(conn: Connection) -> tuple[Judged, ...]:
    """The cases closed last, as far as nothing personal is in them."""
    c, u, f = store.case.c, store.unit.c, store.fact
    scope = f.alias()
    rows = conn.execute(
        sa.select(c.subject, c.level, u.key, scope.c.code)
        .outerjoin(store.unit, u.id == c.unit_id)
        .outerjoin(scope, (scope.c.case_id == c.id) & (scope.c.field == "scope_code") & scope.c.current)
        .where(c.stage.in_(DONE), c.subject != "")
        .order_by(c.id.desc())
        .limit(LATELY)
    )
    return tuple(
        Judged(row.subject, row.key or "", {"level": row.level or "", "scope_code": row.code or ""})
        for row in rows
    )
