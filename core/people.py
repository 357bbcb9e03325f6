"""People, units and posts; who holds which role in a case.

A role is held in a case, not by a person: the officer of one unit is a stranger to another's case. Which roles
fill a slot is the profile's word; who holds a role is the hall's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.engine import Connection

from core import store
from core.case import Case
from core.policy.model import Profile

# Roles that are looked up in the unit of the case; all others belong to the hall.
UNIT_ROLES: Final = frozenset(
    {"handler", "unit_liaison", "unit_deputy_head", "unit_head", "lead_section", "system_operator"}
)
# Words a profile may write into a slot beside roles: somebody by the part played in this very case.
KEEPER, FIRST_RECEIVER, LEADER, MEMBER, SYSTEM = "keeper", "first_receiver", "leader", "member", "system"
COMPANION: Final = "companion"  # of a unit that comes along on a visit: told the day, and no more
PARTS: Final = frozenset({KEEPER, FIRST_RECEIVER, LEADER, MEMBER, SYSTEM, COMPANION})
UNIT_SIDE: Final = UNIT_ROLES | {MEMBER}  # from whom a shielded applicant is hidden (AMB-G21)
IN_THE_CASE: Final = (KEEPER, FIRST_RECEIVER, LEADER)
SITE: Final = "site"  # the kind of a unit whose window sees its own cases only

# Asked at every turn: built once, because building a statement costs more than running it.
_PERSON: Final = sa.select(store.person).where(store.person.c.id == sa.bindparam("person_id"))
_NEW_PERSON: Final = sa.insert(store.person).returning(store.person.c.id)
_NAMES: Final = sa.select(store.person.c.id, store.person.c.name).where(
    store.person.c.id.in_(sa.bindparam("ids", expanding=True))
)
_BY_ADDRESS: Final = (
    sa.select(store.person)
    .join(store.identity, store.identity.c.person_id == store.person.c.id)
    .where(
        store.identity.c.channel == sa.bindparam("channel"),
        store.identity.c.address == sa.bindparam("address"),
        store.person.c.active,
    )
)
_OPENED: Final = sa.update(store.identity).where(
    store.identity.c.channel == sa.bindparam("of_channel"),
    store.identity.c.address == sa.bindparam("of_address"),
)
_WIDENED: Final = _OPENED.where(
    sa.or_(store.identity.c.open_until.is_(None), store.identity.c.open_until < sa.bindparam("until"))
)
_HOLDERS: Final = (
    sa.select(store.person)
    .join(store.post, store.post.c.person_id == store.person.c.id)
    .join(store.unit, store.unit.c.id == store.post.c.unit_id)
    .where(
        store.post.c.role.in_(sa.bindparam("hall_roles", expanding=True))
        & ((store.unit.c.kind != SITE) | (store.unit.c.id == sa.bindparam("site_id")))
        | store.post.c.unit_id.in_(sa.bindparam("unit_ids", expanding=True))
        & store.post.c.role.in_(sa.bindparam("unit_roles", expanding=True))
        | store.person.c.id.in_(sa.bindparam("person_ids", expanding=True)),
        store.person.c.active,
    )
    .distinct()
    .order_by(store.person.c.id)
)
_POSTS: Final = (
    sa.select(store.post.c.role, store.post.c.unit_id, store.unit.c.kind)
    .join(store.unit, store.unit.c.id == store.post.c.unit_id)
    .where(store.post.c.person_id == sa.bindparam("person_id"))
    .order_by(store.post.c.id)
)
_I: Final = store.identity.c
_ADDRESSES: Final = (
    sa.select(store.identity).where(_I.person_id.in_(sa.bindparam("ids", expanding=True))).order_by(_I.id)
)
_SPENT: Final = (
    sa.update(store.identity)
    .where(_I.channel == sa.bindparam("of_channel"), _I.address == sa.bindparam("of_address"))
    .values(open_left=sa.case((_I.open_left > 0, _I.open_left - 1), else_=0))
)


class Post(NamedTuple):
    """A role of a person in a unit of that kind."""

    role: str
    unit_id: int
    kind: str


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
    code: str


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
    code: str = ""  # stands in case numbers, where the profile's format asks for it
    group: str = ""  # channel:chat id of the unit's chat group
    section: str = ""  # the section that leads in these matters, where the rule asks for one (HY-2c)
    # Of a site: which of the rule's kinds of sites it is, since when its window is open, the departments behind its
    # counters, and its task team (PT-3, PT-5.2).
    sort: str = ""
    opened_on: date | None = None
    departments: tuple[str, ...] = ()
    team: tuple[str, ...] = ()


class HallPost(_Local):
    unit: str
    role: str


class HallPerson(_Local):
    key: str
    name: str
    phone: str = ""
    title: str = ""  # as the contact form of the unit prints it (HY-A2)
    posts: tuple[HallPost, ...]
    addresses: Mapping[str, str] = {}  # channel → platform id


class Guidance(_Local):
    """Where to send somebody whose matter is not the window's (XJ-1.6)."""

    department: str
    address: str
    phone: str
    channel: str = ""


class Retention(_Local):
    """How long personal data stay, in days. No regulation of the window gives these: they are inferred, and a hall
    writes its own archive rules in their place. Logs and looks stay 180 days at least (网络安全法 第二十一条)."""

    draft: int = Field(default=30, ge=1)  # never submitted, from the last word on
    withdrawn: int = Field(default=180, ge=1)  # withdrawn, guided or passed on, from that moment on
    closed: int = Field(default=1095, ge=1)  # closed and archived, from the last thing that happened
    voice: int = Field(default=365, ge=1)  # voice of a case that has ended, if that comes first
    fields: Mapping[str, int] = {"applicant_email": 365}  # facts that go before the rest of an ended case
    messages: int = Field(default=180, ge=180)  # what came in, word by word
    looks: int = Field(default=1095, ge=180)  # who looked at what


class Entry(_Local):
    """A code on a sign or a link that opens the conversation with the place known (PT-2c, HY-2b)."""

    code: str
    unit: str = ""  # the unit at whose sign it hangs
    section: str = ""  # the section of that unit, by its name
    site: str = ""  # the site whose window takes the matter
    channel: str = ""  # an online entrance of its own (PT-2a)


class Hall(_Local):
    """What is local and not rule. `effective_from` and `number` complete an instrument whose text does not say
    them; `trial` runs a draft before it is in force, and says so to the staff (HY-0, NX-0)."""

    name: str
    profile: str
    effective_from: str = ""
    number: str = ""
    trial: bool = False
    entries: tuple[Entry, ...] = ()
    site: str
    window_phone: str
    window_address: str
    hours: tuple[Mapping[str, object], ...]  # as `core.workdays.OfficeHours.read` takes them
    # So many messages that can wait reach one member of staff singly in a day; the others come as digests.
    messages_a_day: int = Field(default=12, ge=0)
    units: tuple[HallUnit, ...]
    people: tuple[HallPerson, ...]
    guidance: Mapping[str, Guidance]
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _keys_once(self) -> Hall:
        for what, keys in (("people", [p.key for p in self.people]), ("units", [u.key for u in self.units])):
            if twice := sorted({key for key in keys if keys.count(key) > 1}):
                raise ValueError(f"{what}: key {'、'.join(twice)} 写了两次，后一个会盖掉前一个，请改名")
        groups = [u.group.partition(":")[2] for u in self.units if u.group]
        if odd := sorted(g for g in groups if not re.fullmatch(r"[0-9a-zA-Z]{1,32}", g)):
            raise ValueError(f"units.group: 群号 {'、'.join(odd)} 只能用字母和数字，最多 32 个")
        unknown = {post.unit for p in self.people for post in p.posts} - {u.key for u in self.units}
        if unknown:
            raise ValueError(f"people.posts.unit: 没有名为 {'、'.join(sorted(unknown))} 的单位")
        if unknown := {key for u in self.units for key in u.departments} - {u.key for u in self.units}:
            raise ValueError(f"units.departments: 没有名为 {'、'.join(sorted(unknown))} 的单位")
        if unknown := {key for u in self.units for key in u.team} - {p.key for p in self.people}:
            raise ValueError(f"units.team: 没有名为 {'、'.join(sorted(unknown))} 的人")
        return self


def load_hall(conn: Connection, hall: Hall, caseless: Collection[str] = ()) -> None:
    """Bring units, people, posts and addresses in line with the hall file; who is no longer named is retired,
    never deleted (events name them). A platform id that is no longer named leads to nobody. `caseless`: the channels
    whose ids mean the same in capital and small letters, and come in small ones."""
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
        named = [
            (channel, address.lower() if channel in caseless else address)
            for channel, address in person.addresses.items()
        ]
        i = store.identity.c
        gone = (i.person_id == person_id) & sa.tuple_(i.channel, i.address).not_in(named)
        conn.execute(sa.delete(store.identity).where(gone))
        for channel, address in named:
            bind(conn, person_id, channel, address)


def _upsert_unit(conn: Connection, unit: HallUnit) -> int:
    channel, _, address = unit.group.partition(":")
    row = {"name": unit.name, "kind": unit.kind, "code": unit.code, "active": True}
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
    return int(conn.execute(_NEW_PERSON, {"kind": "citizen", "name": "", "phone": ""}).scalar_one())


def get(conn: Connection, person_id: int) -> Person:
    return _person(conn.execute(_PERSON, {"person_id": person_id}).one())


def several(conn: Connection, ids: Iterable[int]) -> dict[int, Person]:
    """People by id."""
    rows = conn.execute(sa.select(store.person).where(store.person.c.id.in_(list(ids))))
    return {row.id: _person(row) for row in rows}


def names(conn: Connection, ids: Iterable[int | None]) -> dict[int, str]:
    """Names of staff by id (citizens have none here)."""
    wanted = [i for i in ids if i is not None]
    if not wanted:
        return {}
    return {row.id: row.name for row in conn.execute(_NAMES, {"ids": wanted})}


def addresses(conn: Connection, person_id: int) -> tuple[Address, ...]:
    return addresses_of(conn, [person_id]).get(person_id, ())


def addresses_of(conn: Connection, ids: Iterable[int]) -> dict[int, tuple[Address, ...]]:
    """The addresses of people, by person."""
    found: dict[int, tuple[Address, ...]] = {}
    for r in conn.execute(_ADDRESSES, {"ids": list(ids)}):
        one = Address(r.person_id, r.channel, r.address, r.following, r.open_until, r.open_left)
        found[one.person_id] = (*found.get(one.person_id, ()), one)
    return found


def opened(conn: Connection, channel: str, address: str, until: datetime, left: int, *, widen: bool) -> None:
    """The platform lets us write to this address until `until`, `left` messages. `widen`: only a tap, which must
    not shorten what a message opened (wechat 48-hour rule)."""
    mine = {"of_channel": channel, "of_address": address}
    now_open = {"open_until": until, "open_left": left, "following": True}
    if widen:
        conn.execute(_WIDENED, {**mine, **now_open, "until": until})
    else:
        conn.execute(_OPENED, {**mine, **now_open})


def spent(conn: Connection, used: Iterable[tuple[str, str]]) -> None:
    """One message of each of these open windows (channel, address) was used."""
    rows = [{"of_channel": channel, "of_address": address} for channel, address in used]
    if rows:
        conn.execute(_SPENT, rows)


def shut(conn: Connection, channel: str, address: str) -> None:
    """The platform says that the window is closed."""
    c = store.identity.c
    here = (c.channel == channel) & (c.address == address)
    conn.execute(sa.update(store.identity).where(here).values(open_left=0))


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
    return tuple(_unit(r) for r in conn.execute(query))


def unit(conn: Connection, unit_id: int) -> Unit:
    return _unit(conn.execute(sa.select(store.unit).where(store.unit.c.id == unit_id)).one())


def _unit(row: sa.Row[tuple[object, ...]]) -> Unit:
    return Unit(row.id, row.key, row.name, row.kind, row.code)


def staff(conn: Connection, *roles: str) -> tuple[Person, ...]:
    """Active members of staff, with a post of the given roles if any are given."""
    query = sa.select(store.person).where(store.person.c.kind == "staff", store.person.c.active)
    if roles:
        query = query.where(
            store.person.c.id.in_(sa.select(store.post.c.person_id).where(store.post.c.role.in_(roles)))
        )
    return tuple(_person(row) for row in conn.execute(query.order_by(store.person.c.id)))


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


def companions(conn: Connection, unit_ids: Iterable[int]) -> tuple[Person, ...]:
    """Who of these units is told of a visit they come along to: the head, or else whoever works there."""
    told: dict[int, Person] = {}
    for unit_id in unit_ids:
        known = contacts(conn, unit_id)
        head = known.get("unit_head")
        told |= {person.id: person for person in ([head] if head else known.values())}
    return tuple(told.values())


def roles(conn: Connection, person_id: int) -> tuple[Post, ...]:
    """The posts of a person."""
    return tuple(Post(*r) for r in conn.execute(_POSTS, {"person_id": person_id}))


def fills(conn: Connection, profile: Profile, case: Case, person_id: int | None, slot: str) -> str:
    """The role by which a person (None: the system) fills a slot of this case, or "" if they do not."""
    held = () if person_id is None or slot in ("applicant", SYSTEM) else roles(conn, person_id)
    return fills_by(profile, case, person_id, held, slot)


def fills_by(profile: Profile, case: Case, person_id: int | None, held: Iterable[Post], slot: str) -> str:
    """The same for somebody whose posts are known already."""
    if slot == "applicant":
        return "applicant" if person_id is not None and person_id == case.contact_id else ""
    wanted = _roles_of(profile, slot)
    if person_id is None:
        return SYSTEM if slot == SYSTEM or SYSTEM in wanted else ""
    held = tuple(held)
    for post in held:
        if post.role in wanted and _counts(post, case):
            return post.role
    if MEMBER in wanted and member_unit(case, held):
        return MEMBER
    return next((part for part in IN_THE_CASE if part in wanted and person_id == _who(case, part)), "")


def member_unit(case: Case, held: Iterable[Post]) -> int:
    """The member unit of a joint handling that somebody with these posts is of; 0 for none."""
    mine = (post.unit_id or 0 for post in held if post.role in UNIT_ROLES and post.unit_id in case.members)
    return next(mine, 0)


def role_in_case(conn: Connection, case: Case, person_id: int) -> str:
    """The role by which a person looks at this case: applicant, a hall role, a role in its unit, or "". In a
    shielded case a role in the unit outweighs any other, since it is the unit that must not know (AMB-G21)."""
    return role_by(case, person_id, roles(conn, person_id))


def role_by(case: Case, person_id: int, posts: Sequence[Post]) -> str:
    """The same for somebody whose posts are known already."""
    if person_id == case.contact_id:
        return "applicant"
    held = [post.role for post in posts if _counts(post, case)]
    if member_unit(case, posts):
        held.append(MEMBER)
    held.sort(key=lambda role: (role in UNIT_SIDE) is not case.shielded)
    return held[0] if held else ""


def posts_for(conn: Connection, profile: Profile, person_id: int, *slots: str) -> tuple[Post, ...]:
    """The posts by which somebody fills one of these slots, in the hall or in a unit, whatever the case."""
    wanted = frozenset[str]().union(*(_roles_of(profile, slot) for slot in slots))
    return tuple(post for post in roles(conn, person_id) if post.role in wanted)


def for_hall(conn: Connection, profile: Profile, person_id: int, *slots: str) -> bool:
    """Whether somebody fills one of these slots for the hall, not only in a unit."""
    return any(post.role not in UNIT_ROLES for post in posts_for(conn, profile, person_id, *slots))


def holders(conn: Connection, profile: Profile, case: Case, slot: str, part: int = 0) -> tuple[Person, ...]:
    """Who is to be told as the holder of a slot. Before a unit has the case, the window stands in for it. `part`:
    of one member unit only."""
    if slot == "applicant":
        return (get(conn, case.contact_id),) if case.contact_id else ()
    wanted = _roles_of(profile, slot)
    if case.unit_id is None and wanted & UNIT_ROLES:
        wanted = _roles_of(profile, "receiver")
    in_unit = wanted & UNIT_ROLES if case.unit_id is not None and slot != "deliverer" else frozenset()
    unit_ids = [case.unit_id]
    if MEMBER in wanted:
        in_unit, unit_ids = (
            UNIT_ROLES & (_roles_of(profile, "handler") | {"unit_liaison"}),
            list(case.members),
        )
        unit_ids = [part] if part else unit_ids
    asked = {
        "hall_roles": sorted(wanted - UNIT_ROLES),
        "site_id": case.site_id,
        "unit_ids": unit_ids,
        "unit_roles": sorted(in_unit),
        "person_ids": [who for name in IN_THE_CASE if name in wanted and (who := _who(case, name))],
    }
    return tuple(_person(row) for row in conn.execute(_HOLDERS, asked))


def _roles_of(profile: Profile, slot: str) -> frozenset[str]:
    return frozenset(profile.slots.get(slot, ()))


def _counts(post: Post, case: Case) -> bool:
    # Whoever registers a matter brings it into the unit, and to the site.
    unplaced = case.stage == "DRAFT" and case.contact_id is None
    if post.role in UNIT_ROLES:
        return post.unit_id == case.unit_id or (unplaced and case.unit_id is None)
    return post.kind != SITE or post.unit_id == case.site_id or (unplaced and case.site_id is None)


def _who(case: Case, part: str) -> int | None:
    """Who plays a part in this case: the keeper, the leader of a joint handling, or who took it in first."""
    if part == KEEPER:
        return case.keeper_id
    if part == LEADER:
        leader = case.codes.get("leader", "")
        return int(leader) if leader.isdecimal() else None
    first = case.moments.get("confirmed_at")
    return first.person_id if first else None


def _person(row: sa.Row[tuple[object, ...]]) -> Person:
    return Person(row.id, row.kind, row.name, row.phone, row.key)
