"""People, units and posts; who holds which role in a case.

A role is held in a case, not by a person: the officer of one unit is a stranger to another's case. Which roles
fill a slot is the profile's word; who holds a role is the hall's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.engine import Connection

from core import store
from core.case import Case
from core.policy.model import Profile

# Roles that are looked up in the unit of the case; all others belong to the hall.
UNIT_ROLES: Final = frozenset({"handler", "unit_liaison", "unit_deputy_head", "unit_head"})

# Asked at every turn: built once, because building a statement costs more than running it.
_PERSON: Final = sa.select(store.person).where(store.person.c.id == sa.bindparam("person_id"))
_BY_ADDRESS: Final = (
    sa.select(store.person)
    .join(store.identity, store.identity.c.person_id == store.person.c.id)
    .where(
        store.identity.c.channel == sa.bindparam("channel"),
        store.identity.c.address == sa.bindparam("address"),
        store.person.c.active,
    )
)
_POSTS: Final = (
    sa.select(store.post.c.role, store.post.c.unit_id)
    .where(store.post.c.person_id == sa.bindparam("person_id"))
    .order_by(store.post.c.id)
)


@dataclass(frozen=True)
class Person:
    id: int
    kind: str
    name: str
    phone: str
    key: str | None = None


@dataclass(frozen=True)
class Unit:
    id: int
    key: str
    name: str
    kind: str


@dataclass(frozen=True)
class Address:
    """A platform id of a person and what that platform lets us send there of our own accord."""

    person_id: int
    channel: str
    address: str
    following: bool
    open_until: datetime | None
    open_left: int


class _Local(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HallUnit(_Local):
    key: str
    name: str
    kind: str
    group: str = ""  # channel:chat id of the unit's chat group


class HallPost(_Local):
    unit: str
    role: str


class HallPerson(_Local):
    key: str
    name: str
    phone: str = ""
    posts: tuple[HallPost, ...]
    addresses: Mapping[str, str] = {}  # channel → platform id


class Guidance(_Local):
    """Where to send somebody whose matter is not the window's (XJ-1.6)."""

    department: str
    address: str
    phone: str
    channel: str = ""


class Hall(_Local):
    """What is local and not rule."""

    name: str
    profile: str
    site: str
    window_phone: str
    window_address: str
    hours: tuple[Mapping[str, object], ...]  # as `core.workdays.OfficeHours.read` takes them
    units: tuple[HallUnit, ...]
    people: tuple[HallPerson, ...]
    guidance: Mapping[str, Guidance]


def load_hall(conn: Connection, hall: Hall) -> None:
    """Bring units, people, posts and addresses in line with the hall file; who is no longer named is retired,
    never deleted (events name them). A platform id that is no longer named leads to nobody."""
    units = {u.key: _upsert_unit(conn, u) for u in hall.units}
    conn.execute(sa.update(store.unit).where(store.unit.c.key.not_in(units)).values(active=False))
    keys = [p.key for p in hall.people]
    conn.execute(
        sa.update(store.person)
        .where(store.person.c.key.is_not(None), store.person.c.key.not_in(keys))
        .values(active=False)
    )
    for person in hall.people:
        person_id = _upsert_person(conn, person)
        conn.execute(sa.delete(store.post).where(store.post.c.person_id == person_id))
        for post in person.posts:
            conn.execute(
                sa.insert(store.post).values(person_id=person_id, unit_id=units[post.unit], role=post.role)
            )
        named = [(channel, address.lower()) for channel, address in person.addresses.items()]
        i = store.identity.c
        gone = (i.person_id == person_id) & sa.tuple_(i.channel, i.address).not_in(named)
        conn.execute(sa.delete(store.identity).where(gone))
        for channel, address in named:
            bind(conn, person_id, channel, address)


def _upsert_unit(conn: Connection, unit: HallUnit) -> int:
    channel, _, address = unit.group.partition(":")
    row = {"name": unit.name, "kind": unit.kind, "active": True}
    if unit.group:
        row |= {"group_channel": channel, "group_address": address}
    return _upsert(conn, store.unit, unit.key, row)


def _upsert_person(conn: Connection, person: HallPerson) -> int:
    row = {"kind": "staff", "name": person.name, "phone": person.phone, "active": True}
    return _upsert(conn, store.person, person.key, row)


def _upsert(conn: Connection, table: sa.Table, key: str, row: Mapping[str, object]) -> int:
    found = conn.execute(sa.select(table.c.id).where(table.c.key == key)).scalar()
    if found is None:
        return int(conn.execute(sa.insert(table).values(key=key, **row).returning(table.c.id)).scalar_one())
    conn.execute(sa.update(table).where(table.c.id == found).values(**row))
    return int(found)


def bind(conn: Connection, person_id: int, channel: str, address: str) -> None:
    """Bind a platform id to a person; a platform id belongs to one person at a time."""
    new = store.insert_once(
        conn, store.identity, ("channel", "address"), person_id=person_id, channel=channel, address=address
    )
    if new is None:
        same = (store.identity.c.channel == channel) & (store.identity.c.address == address)
        conn.execute(sa.update(store.identity).where(same).values(person_id=person_id))


def by_address(conn: Connection, channel: str, address: str) -> Person | None:
    """The active person behind a platform id."""
    row = conn.execute(_BY_ADDRESS, {"channel": channel, "address": address}).one_or_none()
    return _person(row) if row else None


def citizen(conn: Connection, channel: str, address: str) -> Person:
    """The citizen behind a platform id, met for the first time or again."""
    known = by_address(conn, channel, address)
    if known:
        return known
    person_id = unaddressed(conn)
    mine = {"person_id": person_id, "channel": channel, "address": address}
    if store.insert_once(conn, store.identity, ("channel", "address"), **mine) is None:
        met = by_address(conn, channel, address)
        if met:  # her other message, which came at the same moment
            conn.execute(sa.delete(store.person).where(store.person.c.id == person_id))
            return met
        bind(conn, person_id, channel, address)
    return Person(person_id, "citizen", "", "")


def unaddressed(conn: Connection) -> int:
    """A citizen who came in person or called: somebody to be told, though no platform leads there."""
    row = sa.insert(store.person).values(kind="citizen", name="", phone="").returning(store.person.c.id)
    return int(conn.execute(row).scalar_one())


def get(conn: Connection, person_id: int) -> Person:
    return _person(conn.execute(_PERSON, {"person_id": person_id}).one())


def names(conn: Connection, ids: Iterable[int | None]) -> dict[int, str]:
    """Names of staff by id (citizens have none here)."""
    wanted = [i for i in ids if i is not None]
    if not wanted:
        return {}
    rows = conn.execute(
        sa.select(store.person.c.id, store.person.c.name).where(store.person.c.id.in_(wanted))
    )
    return {row.id: row.name for row in rows}


def addresses(conn: Connection, person_id: int) -> tuple[Address, ...]:
    rows = conn.execute(
        sa.select(store.identity).where(store.identity.c.person_id == person_id).order_by(store.identity.c.id)
    )
    return tuple(
        Address(r.person_id, r.channel, r.address, r.following, r.open_until, r.open_left) for r in rows
    )


def opened(conn: Connection, channel: str, address: str, until: datetime, left: int, *, widen: bool) -> None:
    """The platform lets us write to this address until `until`, `left` messages. `widen`: only a tap, which must
    not shorten what a message opened (wechat 48-hour rule)."""
    c = store.identity.c
    where = (c.channel == channel) & (c.address == address)
    if widen:
        where &= sa.or_(c.open_until.is_(None), c.open_until < until)
    conn.execute(
        sa.update(store.identity).where(where).values(open_until=until, open_left=left, following=True)
    )


def spent(conn: Connection, channel: str, address: str, *, closed: bool = False) -> None:
    """One message of the open window was used, or the platform says it is closed."""
    c = store.identity.c
    left = 0 if closed else sa.case((c.open_left > 0, c.open_left - 1), else_=0)
    conn.execute(
        sa.update(store.identity).where(c.channel == channel, c.address == address).values(open_left=left)
    )


def following(conn: Connection, channel: str, address: str, yes: bool) -> None:
    c = store.identity.c
    values: dict[str, object] = {"following": yes}
    if not yes:
        values |= {"open_until": None, "open_left": 0}
    conn.execute(sa.update(store.identity).where(c.channel == channel, c.address == address).values(**values))


def units(conn: Connection, *kinds: str) -> tuple[Unit, ...]:
    """Active units, of the given kinds if any are given."""
    query = sa.select(store.unit).where(store.unit.c.active).order_by(store.unit.c.id)
    if kinds:
        query = query.where(store.unit.c.kind.in_(kinds))
    return tuple(Unit(r.id, r.key, r.name, r.kind) for r in conn.execute(query))


def unit(conn: Connection, unit_id: int) -> Unit:
    r = conn.execute(sa.select(store.unit).where(store.unit.c.id == unit_id)).one()
    return Unit(r.id, r.key, r.name, r.kind)


def group_of(conn: Connection, unit_id: int) -> tuple[str, str] | None:
    """The channel and chat of a unit's group, if it has one."""
    u = store.unit.c
    row = conn.execute(sa.select(u.group_channel, u.group_address).where(u.id == unit_id)).one()
    return (row.group_channel, row.group_address) if row.group_channel and row.group_address else None


def contacts(conn: Connection, unit_id: int) -> dict[str, Person]:
    """The first person of each role in a unit."""
    rows = conn.execute(
        sa.select(store.post.c.role, store.person)
        .join(store.person, store.person.c.id == store.post.c.person_id)
        .where(store.post.c.unit_id == unit_id, store.person.c.active)
        .order_by(store.post.c.id.desc())
    )
    return {row.role: _person(row) for row in rows}


def roles(conn: Connection, person_id: int) -> tuple[tuple[str, int], ...]:
    """The posts of a person as (role, unit id)."""
    return tuple((r.role, r.unit_id) for r in conn.execute(_POSTS, {"person_id": person_id}))


def fills(conn: Connection, profile: Profile, case: Case, person_id: int | None, slot: str) -> str:
    """The role by which a person fills a slot of this case, or "" if they do not."""
    held = () if person_id is None or slot in ("applicant", "system") else roles(conn, person_id)
    return fills_by(profile, case, person_id, held, slot)


def fills_by(
    profile: Profile, case: Case, person_id: int | None, held: Iterable[tuple[str, int]], slot: str
) -> str:
    """The same for somebody whose posts are known already."""
    if slot == "applicant":
        return "applicant" if person_id is not None and person_id == case.contact_id else ""
    if slot == "system":
        return "system" if person_id is None else ""
    return next(
        (role for role, unit_id in held if _counts(role, unit_id, case) and role in _roles_of(profile, slot)),
        "",
    )


def role_in_case(conn: Connection, case: Case, person_id: int) -> str:
    """The role by which a person looks at this case: applicant, a hall role, a role in its unit, or "". In a
    shielded case a role in the unit outweighs any other, since it is the unit that must not know (AMB-G21)."""
    if person_id == case.contact_id:
        return "applicant"
    held = [role for role, unit_id in roles(conn, person_id) if _counts(role, unit_id, case)]
    held.sort(key=lambda role: (role in UNIT_ROLES) is not case.shielded)
    return held[0] if held else ""


def holders(conn: Connection, profile: Profile, case: Case, slot: str) -> tuple[Person, ...]:
    """Who is to be told as the holder of a slot. Before a unit has the case, the window stands in for it."""
    if slot == "applicant":
        return (get(conn, case.contact_id),) if case.contact_id else ()
    wanted = _roles_of(profile, slot)
    if case.unit_id is None and wanted & UNIT_ROLES:
        wanted = _roles_of(profile, "receiver")
    c = store.post.c
    where: sa.ColumnElement[bool] = c.role.in_(wanted - UNIT_ROLES)
    if case.unit_id is not None and slot != "deliverer":
        where |= (c.unit_id == case.unit_id) & c.role.in_(wanted & UNIT_ROLES)
    rows = conn.execute(
        sa.select(store.person)
        .join(store.post, c.person_id == store.person.c.id)
        .where(where, store.person.c.active)
        .distinct()
        .order_by(store.person.c.id)
    )
    return tuple(_person(row) for row in rows)


def _roles_of(profile: Profile, slot: str) -> frozenset[str]:
    return frozenset(profile.slots.get(slot, ()))


def _counts(role: str, unit_id: int, case: Case) -> bool:
    return role not in UNIT_ROLES or unit_id == case.unit_id


def _person(row: sa.Row[tuple[object, ...]]) -> Person:
    return Person(row.id, row.kind, row.name, row.phone, row.key)
