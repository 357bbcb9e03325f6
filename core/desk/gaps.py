"""What only the operator can mend: the list of gaps, and what stood in the way of an act."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import outbox, people, store
from core.case import Case
from core.office import Office
from core.people import Hall, HallUnit, Person
from core.policy.model import Profile
from core.refusals import NOT_YOURS, Refusal
from core.workdays import local_day

OPERATOR: Final = "approver"  # the slot that looks after the hall's people and units
NOTICE: Final = "contacts_missing"
NOT_REGISTERED: Final = "contacts_wanted"  # the same where there is no case yet


# --- the list of gaps -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    """What a unit of the hall, or a kind of site, lacks. `sort` names its sentence in `templates/gaps.toml`; `lacks`
    are titles of roles or names of departments."""

    sort: str  # contacts | wanted | no_site | not_open | no_team | no_member
    about: str
    clause: str
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A site and its window: since when it is open (None: it is not), whether that was in time, and its task team."""

    name: str
    kind: str
    opened_on: date | None
    in_time: bool
    team: tuple[str, ...]


def found(hall: Hall, rules: Profile, today: date) -> tuple[Gap, ...]:
    """What the rule wants of the hall and the hall has not, as of a day in Shanghai (PT-3, PT-5.2, PT-6.4a, PT-7.1,
    NX-5.1). A window that is still to open is no gap before the day by which it must have."""
    contacts = ("contacts", rules.required_contacts, rules.required_contacts_clause)
    more = rules.wanted_contacts
    wanted = ("wanted", more.roles, more.clause) if more else ("wanted", (), "")
    gaps = [
        Gap(sort, unit.name, clause, lacks)
        for sort, roles, clause in (contacts, wanted)
        for unit in handling(hall, rules)
        if (lacks := lacking(hall, rules, unit, roles))
    ]
    return (*gaps, *_of_sites(hall, rules, today))


def handling(hall: Hall, rules: Profile) -> Iterator[HallUnit]:
    """The units that matters are sent to."""
    kinds = {kind for level in rules.levels for kind in level.unit_kinds}
    return (unit for unit in hall.units if unit.kind in kinds)


def lacking(hall: Hall, rules: Profile, unit: HallUnit, roles: tuple[str, ...]) -> tuple[str, ...]:
    """The roles that nobody holds in a unit, by their titles."""
    held = {post.role for person in hall.people for post in person.posts if post.unit == unit.key}
    return tuple(rules.titles.get(role, role) for role in roles if role not in held)


def _of_sites(hall: Hall, rules: Profile, today: date) -> Iterator[Gap]:
    if rules.sites is None:
        return
    clause, team_clause = rules.sites.clause, rules.sites.team_clause
    sites = [unit for unit in hall.units if unit.sort]
    for kind in rules.sites.kinds:
        if not any(unit.sort == kind.code for unit in sites):
            yield Gap("no_site", kind.label, clause)
    due = date.fromisoformat(rules.sites.open_by)
    for site in sites:
        if today > due and not _is_open(site, today):
            yield Gap("not_open", site.name, clause, (rules.sites.open_by,))
    names = {unit.key: unit.name for unit in hall.units}
    homes = {person.key: {post.unit for post in person.posts} for person in hall.people}
    for site in sites if team_clause else ():
        behind = {unit for member in site.team for unit in homes[member]}
        missing = tuple(names[key] for key in site.departments if key not in behind)
        if not site.team:
            yield Gap("no_team", site.name, team_clause)
        elif missing:
            yield Gap("no_member", site.name, team_clause, missing)


def _is_open(site: HallUnit, today: date) -> bool:
    return site.opened_on is not None and site.opened_on <= today


def places(hall: Hall, rules: Profile, today: date) -> tuple[Place, ...]:
    """The sites of the kinds that the rule names, in its order."""
    if rules.sites is None:
        return ()
    due, names = date.fromisoformat(rules.sites.open_by), {person.key: person.name for person in hall.people}
    return tuple(
        Place(
            name=site.name,
            kind=kind.label,
            opened_on=site.opened_on if _is_open(site, today) else None,
            in_time=site.opened_on is not None and site.opened_on <= due,
            team=tuple(names[key] for key in site.team),
        )
        for kind in rules.sites.kinds
        for site in hall.units
        if site.sort == kind.code
    )


def may_read(office: Office, conn: Connection, person: Person) -> bool:
    """Those who look after the hall's people and units."""
    return bool(people.posts_for(conn, office.profile, person.id, OPERATOR))


def listed(office: Office, conn: Connection, person: Person, now: datetime) -> tuple[Gap, ...]:
    """The list for somebody. Raises `Refusal("not_yours")` to whoever cannot mend it."""
    if not may_read(office, conn, person):
        raise Refusal(NOT_YOURS)
    return found(office.hall, office.profile, local_day(now))


# --- what stood in the way --------------------------------------------------------------------------------


def tell(office: Office, conn: Connection, case: Case | None, refusal: Refusal, now: datetime) -> bool:
    """A dispatch, or a registration (`case` None), was refused because the unit has named too few people: the operator
    hears which, once a day and unit, in office hours (XJ-4.3a, HY-2c). In a transaction of its own, since a refusal
    undoes the one it was raised in. False if the refusal is another's to mend."""
    if refusal.code != "unit_lacks_contacts":
        return False
    unit, today = str(refusal.facts["unit"]), local_day(now)
    p, held = store.person.c, store.post.c
    operators = (
        sa.select(p.id)
        .join(store.post, held.person_id == p.id)
        .where(held.role.in_(office.profile.slots.get(OPERATOR, ())), p.active)
        .distinct()
    )
    about: dict[str, Any] = {"unit": unit, "roles": str(refusal.facts["roles"])}
    if case:
        about |= {"rev": case.rev, "round": case.round}
    notice = NOTICE if case else NOT_REGISTERED
    outbox.put_each(
        conn,
        {
            f"{case.id if case else 'new'}.{notice}.{today}.{unit[:48]}.p{person_id}": person_id
            for person_id in conn.execute(operators.order_by(p.id)).scalars()
        },
        case_id=case.id if case else None,
        notice=notice,
        clause=refusal.clause,
        now=now,
        not_before=office.next_office_moment(now),
        data=about,
    )
    return True
