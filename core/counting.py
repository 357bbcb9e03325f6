"""The rules that give reason for a proposal: each looks at what is on record and names what it has found.

A rule is a function that the profile names with its numbers. It writes nothing: `core.proposals` proposes what is found
for the first time and asks a person. The same event always has the same name, so a rule may look as often as it likes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import improvement, people, store
from core.office import Office
from core.people import UNIT_ROLES
from core.policy.model import Consequence
from core.workdays import corresponding_day, local_day, midnight

F, P = store.finding, store.proposal
HANDED: Final = ("hand_in", "reply")  # acts by which somebody hands in a result
# Proposals that stand: an appeal that nobody has answered takes nothing back.
COUNTING: Final = ("confirmed", "appealed")


@dataclass(frozen=True)
class Candidate:
    """What a rule has found. `event` tells it from every other of the same rule."""

    event: str
    day: date
    unit_id: int | None
    case_id: int | None = None
    person_id: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What a rule looks at: everything, or one case alone."""

    office: Office
    conn: Connection
    entry: Consequence
    today: date
    case_id: int | None = None

    @property
    def since(self) -> date:
        """The first day of the period that ends today."""
        return corresponding_day(self.today, -self.entry.months) + timedelta(days=1)

    def proposed_since(self, unit_id: int) -> bool:
        """Whether this was proposed about the unit in the period already."""
        mine = (P.c.entry == self.entry.key) & (P.c.unit_id == unit_id) & (P.c.day >= self.since)
        return self.conn.execute(sa.select(P.c.id).where(mine).limit(1)).first() is not None


# --- the rules ------------------------------------------------------------------------------------------


def _absence(look: Look) -> Iterator[Candidate]:
    """Each note that somebody came late or not at all. The unit is that of the person; who decides may set another
    (LH-17a, AMB-LH3)."""
    a = store.absence
    for row in look.conn.execute(sa.select(a.c.id, a.c.person_id, a.c.day, a.c.sort).order_by(a.c.id)):
        posts = people.roles(look.conn, row.person_id)
        evidence = {"absence": {"person": row.person_id, "sort": row.sort}}
        yield Candidate(str(row.id), row.day, posts[0].unit_id if posts else None, evidence=evidence)


def _finding(look: Look) -> Iterator[Candidate]:
    """Each finding of these sorts."""
    query = sa.select(F).where(F.c.sort.in_(look.entry.of)).order_by(F.c.id)
    for row in look.conn.execute(query):
        named = row.person_id if look.entry.target == "person" else None
        evidence = {"findings": [row.id]}
        yield Candidate(str(row.id), row.day, row.unit_id, row.case_id, named, evidence)


def _missed(look: Look) -> Iterator[Candidate]:
    """Each matter, round and unit in which a date was missed that the clock has recorded: not before it, and not
    where waiting for the applicant has moved it (AMB-G14, AMB-G20)."""
    d = store.duty.c
    query = (
        sa.select(d.case_id, d.round, d.part, sa.func.min(d.missed_at).label("missed_at"))
        .where(d.key.in_(look.entry.of), d.missed_at.is_not(None))
        .group_by(d.case_id, d.round, d.part)
        .order_by(d.case_id, d.round, d.part)
    )
    if look.case_id is not None:
        query = query.where(d.case_id == look.case_id)
    rows = look.conn.execute(query).all()
    unit_at = _units(look, (row.case_id for row in rows))
    for row in rows:
        evidence = {"cases": [row.case_id], "duties": list(look.entry.of)}
        event = f"{row.case_id}.{row.round}.{row.part}"
        unit = row.part or unit_at(row.case_id, row.missed_at)
        yield Candidate(event, local_day(row.missed_at), unit, row.case_id, evidence=evidence)


def _recurring(look: Look) -> Iterator[Candidate]:
    """Problems of one kind that a person has confirmed to be so, passed on to one unit so often within the months
    (AMB-G12, AMB-LH5, AMB-LH10). It counts for the year of the newest, once."""
    m = store.moment.c
    for group in improvement.groups(look.office, look.conn):
        if not group.ref:
            continue
        query = (
            sa.select(m.case_id, sa.func.min(m.at).label("at"))
            .where(m.name == "dispatched_at", m.case_id.in_(group.case_ids))
            .group_by(m.case_id)
        )
        dated = [(local_day(row.at), row.case_id) for row in look.conn.execute(query)]
        for day, among in _within(dated, look.entry):
            event = f"{group.id}.{day.year}"
            yield Candidate(event, day, group.kind.unit_id, evidence={"cases": among})


def _repeated(look: Look) -> Iterator[Candidate]:
    """So many findings about one person within the months; it counts for the year of the newest, once (LH-17e)."""
    found: dict[int, list[tuple[date, int]]] = defaultdict(list)
    rows = {row.id: row for row in look.conn.execute(sa.select(F).where(F.c.sort.in_(look.entry.of)))}
    for row in rows.values():
        found[row.person_id].append((row.day, row.id))
    for person_id, dated in sorted(found.items()):
        for day, among in _within(dated, look.entry):
            event, unit = f"{person_id}.{day.year}", rows[among[-1]].unit_id
            yield Candidate(event, day, unit, None, person_id, {"findings": among})


def _within(dated: Iterable[tuple[date, int]], entry: Consequence) -> Iterator[tuple[date, list[int]]]:
    """The first time in each year that so many fell within the months: the day of the newest, and all of them. The
    corresponding day is inside (WD-23)."""
    found = sorted(dated)
    years: set[int] = set()
    for end in range(entry.at_least, len(found) + 1):
        among = found[end - entry.at_least : end]
        day = among[-1][0]
        if day.year not in years and day <= corresponding_day(among[0][0], entry.months):
            years.add(day.year)
            yield day, [one for _, one in among]


def _dissatisfied(look: Look) -> Iterator[Candidate]:
    """Units with too few satisfied among those who rated in the period; fewer ratings than the profile asks for say
    nothing (AMB-PT10). Once a period."""
    for unit_id, rated in sorted(_ratings(look, look.since, look.today).items()):
        enough = len(rated.cases) >= max(1, look.entry.ratings)
        if enough and rated.percent < look.entry.satisfied and not look.proposed_since(unit_id):
            yield Candidate(f"{unit_id}.{look.today}", look.today, unit_id, evidence=rated.evidence())


def _concentrated(look: Look) -> Iterator[Candidate]:
    """Units that many matters of the period are about. Once a period."""
    m, c = store.moment.c, store.case.c
    first, last = _span(look.since, look.today)
    query = (
        sa.select(c.unit_id, c.id)
        .join(store.moment, (m.case_id == c.id) & (m.name == "accepted_at"))
        .where(c.unit_id.is_not(None), m.at >= first, m.at < last)
        .distinct()
        .order_by(c.unit_id, c.id)
    )
    about: dict[int, list[int]] = defaultdict(list)
    for row in look.conn.execute(query):
        about[row.unit_id].append(row.id)
    for unit_id, ids in about.items():
        if len(ids) >= look.entry.at_least and not look.proposed_since(unit_id):
            yield Candidate(f"{unit_id}.{look.today}", look.today, unit_id, evidence={"cases": ids})


def _undone(look: Look) -> Iterator[Candidate]:
    """What was to be put right and was not: past its day without a word, or found insufficient (PT-7.4b)."""
    query = sa.select(P).where(P.c.entry.in_(look.entry.of), P.c.due_on.is_not(None)).order_by(P.c.id)
    for row in look.conn.execute(query):
        late = not row.result and row.due_on < look.today
        if row.state in COUNTING and (late or row.result == "insufficient"):
            yield Candidate(str(row.id), look.today, row.unit_id, evidence={"proposals": [row.id]})


def _commendable(look: Look) -> Iterator[Candidate]:
    """Units, or the people who handed in the results, that reached the thresholds in the year before this one
    (XJ-4.4c)."""
    year = look.today.year - 1
    first, last = date(year, 1, 1), date(year, 12, 31)
    handled = _handled(look, first, last)
    rated = _ratings(look, first, last)
    for whom, ids in sorted(handled.items()):
        mine = rated.get(whom, Rated())
        good = len(mine.cases) >= max(1, look.entry.ratings) and mine.percent >= look.entry.satisfied
        if len(ids) < look.entry.at_least or not good:
            continue
        evidence = {"cases": sorted(ids)} | {"figures": {**mine.figures(), "handled": len(ids)}}
        if look.entry.target == "unit":
            yield Candidate(f"{whom}.{year}", last, whom, evidence=evidence)
        else:
            posts = people.roles(look.conn, whom)
            unit = next((p.unit_id for p in posts if p.role in UNIT_ROLES), None)
            yield Candidate(f"{whom}.{year}", last, unit, None, whom, evidence)


def _sent(_look: Look) -> Iterator[Candidate]:
    """Only people start these (`send`)."""
    yield from ()


Rule = Callable[[Look], Iterator[Candidate]]
RULES: Final[Mapping[str, Rule]] = {
    "absence": _absence,
    "finding": _finding,
    "missed": _missed,
    "recurring": _recurring,
    "repeated": _repeated,
    "dissatisfied": _dissatisfied,
    "concentrated": _concentrated,
    "undone": _undone,
    "commendable": _commendable,
    "sent": _sent,
}


@dataclass
class Rated:
    """Who rated, and how many of them were satisfied. Who did not rate says nothing (AMB-G9)."""

    cases: list[int] = field(default_factory=list)
    satisfied: int = 0

    @property
    def percent(self) -> float:
        return 100 * self.satisfied / len(self.cases)

    def figures(self) -> dict[str, int]:
        return {"ratings": len(self.cases), "satisfied": self.satisfied}

    def evidence(self) -> dict[str, Any]:
        return {"cases": sorted(set(self.cases)), "figures": self.figures()}


def _ratings(look: Look, first: date, last: date) -> dict[int, Rated]:
    """The ratings given on these days, the last of each round of a matter, by the unit that had it then or by who
    handed in the result."""
    f = store.fact.c
    given = sa.select(sa.func.max(f.id)).where(f.field == "score", f.code.is_not(None))
    newest = given.group_by(f.case_id, f.round)
    start, end = _span(first, last)
    query = (
        sa.select(f.case_id, f.code, f.at).where(f.id.in_(newest), f.at >= start, f.at < end).order_by(f.id)
    )
    found: dict[int, Rated] = defaultdict(Rated)
    rows = look.conn.execute(query).all()
    whose = _whose(look, (row.case_id for row in rows))
    least = look.office.profile.rating.satisfied_from
    for row in rows:
        whom = whose(row.case_id, row.at)
        if whom is not None:
            found[whom].cases.append(row.case_id)
            found[whom].satisfied += int(row.code) >= least
    return found


def _handled(look: Look, first: date, last: date) -> dict[int, set[int]]:
    """The matters whose result stands since these days, by the unit that had it then or by who handed it in."""
    m = store.moment.c
    start, end = _span(first, last)
    query = sa.select(m.case_id, m.at).where(m.name == "replied_at", m.at >= start, m.at < end)
    found: dict[int, set[int]] = defaultdict(set)
    rows = look.conn.execute(query).all()
    whose = _whose(look, (row.case_id for row in rows))
    for row in rows:
        whom = whose(row.case_id, row.at)
        if whom is not None:
            found[whom].add(row.case_id)
    return found


def _whose(look: Look, case_ids: Iterable[int]) -> Callable[[int, datetime], int | None]:
    """Whom a rule is about: of a matter, at an instant."""
    if look.entry.target == "person":
        by_person = _handlers(look)
        return lambda case_id, _at: by_person.get(case_id)
    return _units(look, case_ids)


def _units(look: Look, case_ids: Iterable[int]) -> Callable[[int, datetime], int | None]:
    """The unit that had a matter at an instant: what happened then is of that unit, whoever has it now."""
    e = store.event.c
    became = e.data["became"]
    query = (
        sa.select(e.case_id, e.at, became)
        .where(store.among(e.case_id, sorted(set(case_ids))), became.as_string().is_not(None))
        .order_by(e.id)
    )
    had: dict[int, list[tuple[datetime, int | None]]] = defaultdict(list)
    for case_id, at, what in look.conn.execute(query):
        if "unit_id" in what:
            had[case_id].append((at, what["unit_id"]))
    return lambda case_id, at: next((unit for since, unit in reversed(had[case_id]) if since <= at), None)


def _handlers(look: Look) -> dict[int, int]:
    """Who handed in the last result of each matter."""
    e = store.event.c
    query = sa.select(e.case_id, e.actor_id).where(e.act.in_(HANDED), e.actor_id.is_not(None)).order_by(e.id)
    return {row.case_id: row.actor_id for row in look.conn.execute(query)}


def _span(first: date, last: date) -> tuple[datetime, datetime]:
    """The first instant of these days, and the first after them."""
    start = midnight(first)
    return start, midnight(last + timedelta(days=1))
