"""How a case stands: who may do what, what is owed, which anchors were set. By region, in the words of its hall.

Three tables of a region (`standing_NAME.py`), compared with how a case stands after each thing that happens in a walk
(`walk.py`):

- OFFERED: by act, who may do it: posts of the hall, of the unit that has the case, `member` of one that helps and has
  not done its part, or the part somebody plays in this case. Whoever is not named is not offered it. An act of the
  flow that has no line here is not offered to anybody.
- OWED: by duty, when it is open, and only then; how long it runs; what the clock does meanwhile.
- ANCHORS: by act, which moments it puts on record; an act without a line puts none.

Conditions after `if`, all of which must hold:
`a=b|c` a fact is one of these (`yes`, `no`: it is there or not); `since:m` an anchor of this round stands, `before:m`
it does not; `open:d` that duty is open, `shut:d` it is not; `last:a|b/c|d` of all these acts the last one was a or b;
`first:no` it was not the first receiver who acted last.
A line of posts that ends with `if …` counts then only; of a duty, the stages come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import duties, flow, store
from core.case import Case, Event
from core.desk.act import offers
from core.duties import Open
from core.people import SITE, UNIT_ROLES
from core.workdays import SHANGHAI
from tests.regions.asked import holds
from tests.world import World


class Owed(NamedTuple):
    """`when`: the stages and conditions under which it is open; `may`: those under which it may be open besides.
    `runs`: how long (`3wd closed_at`, `240min`, `day`; from the opening where no anchor is named; `matter`: as the
    limit of the matter; empty: no date). `steps`: what the clock does meanwhile, those in brackets only if the day is
    far enough away, those with a question mark not always."""

    when: str
    runs: str = ""
    steps: str = ""
    may: str = ""


class Standing(NamedTuple):
    """A case with all that conditions ask about."""

    case: Case
    running: tuple[Open, ...]
    events: tuple[Event, ...]

    def holds(self, condition: str) -> bool:
        return all(self._part(part) for part in condition.split())

    def _part(self, part: str) -> bool:
        word, _, name = part.partition(":")
        if word == "since":
            return self.case.at(name) is not None
        if word == "before":
            return self.case.at(name) is None
        if word == "open":
            return any(duty.key in name.split("|") for duty in self.running)
        if word == "shut":
            return all(duty.key not in name.split("|") for duty in self.running)
        if word == "first":
            first = self.case.moments.get("confirmed_at")
            mine = first is not None and self.events[-1].actor_id == first.person_id
            return ("yes" if mine else "no") == name
        if word == "last":
            one, _, others = name.partition("/")
            known = {*one.split("|"), *others.split("|")}
            done = [event.act for event in self.events if event.act in known]
            return bool(done) and done[-1] in one.split("|")
        return holds(part, self.case.facts())


def standing(conn: Connection, case: Case) -> Standing:
    return Standing(case, duties.of_case(conn, case.id), tuple(cases.events(conn, case.id)))


# --- who may do what -------------------------------------------------------------------------------------------


def allowed(now: Standing, offered: Mapping[str, list[str]]) -> dict[str, set[str]]:
    """Who may do what as the case stands: posts by act."""
    here = {act: lines for act, lines in offered.items() if (now.case.stage, act) in flow.MOVES}
    return {act: posts for act, lines in here.items() if (posts := set(_posts(lines, now)))}


def check_offers(world: World, conn: Connection, now: Standing, offered: Mapping[str, list[str]]) -> None:
    """Each member of staff, and the applicant, is offered what the table says, and nothing else."""
    who = allowed(now, offered)
    for person, posts in _people(world, conn, now):
        may = {act for act, those in who.items() if those & posts}
        found = {offer.act for offer in offers(world.office, conn, now.case, person)}
        where = f"{now.case.stage}: {sorted(posts)}"
        assert may <= found, f"{where} cannot {sorted(may - found)}"
        assert found <= may, f"{where} can {sorted(found - may)}"


def _posts(lines: list[str], now: Standing) -> Iterator[str]:
    """Lines that begin with `if` hold for the whole act."""
    for line in lines:
        posts, _, condition = f" {line} ".partition(" if ")
        if not posts.strip() and not now.holds(condition):
            return
    for line in lines:
        posts, _, condition = f" {line} ".partition(" if ")
        if now.holds(condition):
            yield from posts.split()


def _people(world: World, conn: Connection, now: Standing) -> Iterator[tuple[int, set[str]]]:
    """One person of each post there is, and those who play a part in the case, with posts and parts."""
    case, owing = now.case, {duty.part for duty in now.running}
    c, p = store.person.c, store.post.c
    rows = conn.execute(
        sa.select(c.id, p.role, p.unit_id, store.unit.c.kind)
        .join(store.post, p.person_id == c.id)
        .join(store.unit, store.unit.c.id == p.unit_id)
        .order_by(c.id)
    ).all()
    held: dict[int, set[tuple[str, int, str]]] = {}
    for person, *post in rows:
        held.setdefault(person, set()).add((post[0], post[1], post[2]))
    first = case.moments.get("confirmed_at")
    parts = {
        "keeper": case.keeper_id,
        "first_receiver": first.person_id if first else None,
        "leader": int(case.codes["leader"]) if case.codes.get("leader") else None,
    }
    met = set[frozenset[tuple[str, int, str]]]()
    for person, posts in held.items():
        plays = {part for part, who in parts.items() if who == person}
        if frozenset(posts) in met and not plays:
            continue
        met.add(frozenset(posts))
        here = {role for role, unit, kind in posts if _here(case, role, unit, kind)}
        if any(role in UNIT_ROLES and unit in owing for role, unit, _ in posts):
            here.add("member")
        yield person, here | plays
    if case.contact_id:
        yield case.contact_id, {"applicant"}


def _here(case: Case, role: str, unit: int, kind: str) -> bool:
    """Whether a post counts in a case: of the hall always, of a unit or a site in its own cases."""
    if role in UNIT_ROLES:
        return unit == case.unit_id
    return kind != SITE or unit == case.site_id


# --- what is owed ----------------------------------------------------------------------------------------------


def check_owed(world: World, conn: Connection, now: Standing, owed: Mapping[str, Owed]) -> None:
    """Each duty is open when the table says so, and only then; it runs as long, and the clock does as much."""
    case = now.case
    running: dict[str, list[Open]] = {}
    for duty in now.running:
        running.setdefault(duty.key, []).append(duty)
    last = now.events[-1].act if now.events else ""
    where = f"{case.stage} after {last}"
    unknown = running.keys() - owed.keys()
    assert not unknown, f"{where}: owed as well {sorted(unknown)}"
    for key, line in owed.items():
        must = _now(now, line.when)
        if must:
            assert key in running, f"{where}: {key} is not owed"
        for duty in running.get(key, ()):
            assert must or _now(now, line.may), f"{where}: {key} is still owed"
            _check_date(world, case, duty, line.runs, where)
            _check_steps(world, conn, duty, line.steps, where)


def _now(now: Standing, line: str) -> bool:
    stages, _, condition = f"{line} ".partition(" if ")
    groups = {"OPEN": flow.OPEN, "ENDED": flow.ENDED}
    here = any(now.case.stage in groups.get(name, (name,)) for name in stages.split())
    return here and now.holds(condition)


def _check_date(world: World, case: Case, duty: Open, runs: str, where: str) -> None:
    if runs == "matter":
        return
    if not runs:
        assert duty.due_at is None, f"{where}: {duty.key} has a date"
        return
    span, _, anchor = runs.partition(" ")
    start = (case.at(anchor) if anchor else None) or duty.opened_at
    office = world.office
    if span.endswith("min"):
        expected = world.office.calendar.add_office_hours(start, _minutes(span), office.hours)
    else:
        days = 0 if span == "day" else int(span.removesuffix("wd"))
        expected = office.calendar.due(start, days, office.hours).moment
    assert duty.due_at == expected, f"{where}: {duty.key} is due {_day(duty.due_at)}, not {_day(expected)}"


def _minutes(span: str) -> timedelta:
    return timedelta(minutes=int(span.removesuffix("min")))


def _day(moment: datetime | None) -> str:
    return moment.astimezone(SHANGHAI).isoformat(timespec="minutes") if moment else "never"


def _check_steps(world: World, conn: Connection, duty: Open, steps: str, where: str) -> None:
    found = set(conn.execute(sa.select(store.step.c.key).where(store.step.c.duty_id == duty.id)).scalars())
    known = {step.strip("()?") for step in steps.split()}
    days = (moment.astimezone(SHANGHAI).date() for moment in (duty.opened_at, duty.due_at or duty.opened_at))
    near = world.office.calendar.working_days_between(*days) < 2
    must = {step.strip("()") for step in steps.split() if step[0] != "?" and not (step[0] == "(" and near)}
    assert must <= found, f"{where}: {duty.key} lacks {sorted(must - found)}"
    assert found <= known, f"{where}: {duty.key} has {sorted(found - known)} as well"


# --- what is on record -----------------------------------------------------------------------------------------


def check_anchors(then: Standing, now: Standing, done: list[str], anchors: Mapping[str, str]) -> None:
    """What has happened put its moments on record, and no others."""
    before, after = then.case, now.case
    must = {name for act in done for name in anchors.get(act, "").split()}
    gone = after.round > before.round  # with the former round go its anchors; what opened the new one stands
    stand = {name for name in must if after.at(name) is not None or (gone and name not in anchors[done[-1]])}
    assert must <= stand, f"{done} did not record {sorted(must - stand)}"
    new = {name for name, moment in after.moments.items() if before.moments.get(name) != moment}
    assert new <= must, f"{done} recorded {sorted(new - must)} as well"


# What these acts put on record wherever they are done.
EVERYWHERE: Final[Mapping[str, str]] = {
    "submit": "submitted_at accepted_at",
    "register": "submitted_at accepted_at confirmed_at",
    "accept": "confirmed_at",
    "resolve": "replied_at",
    "dispatch": "dispatched_at",
    "sign_for": "signed_for_at",
    "reply": "handler_signed_at replied_at",
    "answer.last": "reminded_at",
    "reopen": "reopened_at",
    "delivered_all": "closed_at",
    "rate": "rated_at",
    "follow_up": "visited_at",
}
