"""A walk through all that can happen to a matter: at every turn everybody does each thing that is offered.

Nobody needs to think of a situation for it to come up: what people may do next is asked of the house itself, and what
they then owe, hear and may do is compared with the tables of the region (`standing.py`, `heard.py`, `asked.py`). A turn
is kept, and gone on from, when two things stand together in it that had not yet: the stage, a duty, what just happened.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from core import case as cases
from core import duties, outbox, people, store
from core.case import Case
from core.desk import deliver
from core.desk.act import offers
from core.refusals import Refusal
from core.workdays import SHANGHAI
from tests.regions import heard
from tests.regions.asked import try_without
from tests.regions.drawing import draw_all
from tests.regions.standing import Standing, allowed, check_anchors, check_offers, check_owed, standing
from tests.world import World

Values = Mapping[str, Any]
Given = Mapping[str, Sequence[Values]]
# What happens without anybody's doing: a message arrives, or cannot; the clock goes on to the next step.
ARRIVES, FAILS, WAITS = "arrives", "fails", "waits"
OFTEN: Final = 2  # so many messages of a kind are read word by word
FAR: Final = 12  # turns
APPLICANT: Final = "li"


@dataclass(frozen=True)
class Turn:
    """A case as it stands, and the whole database in which it does; `way` is how it came there."""

    now: Standing
    kept: Path
    at: datetime
    noted: tuple[int, int]
    way: tuple[str, ...]
    marks: frozenset[str]


class Walk:
    """Through one region. Its tables stand in `standing_NAME.py`: OFFERED, OWED, ANCHORS, and GIVEN, what is filled in,
    by act, once for each way to do it; `+3` is the day that many working days on. `folder`: for the turns kept."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.tables: Any = import_module(f"tests.regions.standing_{world.rules.name}")
        self.seen: set[tuple[str, str]] = set()
        self.done: set[tuple[str, str, str]] = set()
        self.tried: set[tuple[object, ...]] = set()
        self.waited: set[tuple[str, ...]] = set()
        self.read: Counter[tuple[object, ...]] = Counter()
        self.asked = conditions(world.rules.name, self.tables)
        self.turns: list[Turn] = []

    def go(self, *starts: Callable[[World], Case]) -> None:
        """From each of these beginnings as far as something new comes up."""
        blank, at = self.folder / "blank.db", self.world.now
        self._copy(self._database(), blank)
        for start in starts:
            self._copy(blank, self._database())
            self.world.now = at
            case = start(self.world)
            with store.transaction(self.world.office.engine) as conn:
                people.bind(
                    conn, case.contact_id or 0, "wechat", APPLICANT
                )  # also who was registered at the desk
                now = standing(conn, cases.load(conn, case.id))
                last = conn.execute(sa.select(sa.func.max(store.outbox.c.id))).scalar() or 0
            self._keep(now, (now.events[-1].id, last), (start.__name__,))
        for turn in self.turns:  # grows as it goes
            if len(turn.way) < FAR:
                for what, who, values in self._next(turn):
                    beside = {(what, str(values), mark) for mark in turn.marks}
                    if what == WAITS or not beside <= self.done:
                        self.done |= beside
                        self._try(turn, what, who, values)

    def _next(self, turn: Turn) -> Iterator[tuple[str, str, Values]]:
        """Everything that can happen now: (what, who, values)."""
        self._return_to(turn)
        world, offered = self.world, dict[str, str]()
        with store.transaction(world.office.engine) as conn:
            case = turn.now.case
            try:
                check_offers(world, conn, turn.now, self.tables.OFFERED)
            except AssertionError as wrong:
                raise AssertionError(f"{' > '.join(turn.way)}: {wrong}") from None
            for key, person in self._people(conn, case):
                for offer in offers(world.office, conn, case, person):
                    offered.setdefault(offer.act, key)
            waiting = any(m.effect and m.state == "due" for m in outbox.listed(conn, case_id=case.id))
        for act, who in offered.items():
            yield from ((act, who, values) for values in self.tables.GIVEN.get(act, ({},)))
        if waiting:
            yield ARRIVES, "", {}
            yield FAILS, "", {}
        yield WAITS, "", {}

    def _people(self, conn: sa.Connection, case: Case) -> Iterator[tuple[str, int]]:
        if case.contact_id:
            yield APPLICANT, case.contact_id
        ids = {key: person for person, key in conn.execute(sa.select(store.person.c.id, store.person.c.key))}
        yield from ((person.key, ids[person.key]) for person in self.world.office.hall.people)

    def _try(self, turn: Turn, what: str, who: str, values: Values) -> None:
        self._return_to(turn)
        given = {name: self._value(value) for name, value in values.items()}
        then: Turn | None = turn
        while then is not None:  # who waits, waits until something new comes up
            way = (*then.way, what)
            try:
                then = self._step(then, what, who, given)
            except Refusal:
                return
            except AssertionError as wrong:
                raise AssertionError(f"{' > '.join(way)}: {wrong}") from None
            if what != WAITS:
                return

    def _step(self, turn: Turn, what: str, who: str, values: Values) -> Turn | None:
        """The turn after this one, if it is nothing new and was not waited through before."""
        world, before = self.world, turn.now
        self._happens(before.case, what, who, values)
        with store.transaction(world.office.engine) as conn:
            after = standing(conn, cases.load(conn, before.case.id))
            done = [event.act for event in after.events[len(before.events) :]]
            noted = heard.check_in(conn, world.rules.name, turn.noted, {after.case.id: after})
            check_anchors(before, after, done, self.tables.ANCHORS)
            check_owed(world, conn, after, self.tables.OWED)
        self._draw(turn.noted[1])
        if not done:
            return None
        way = (*turn.way, done[-1])
        if self._keep(after, noted, way):
            return None
        alike = (after.case.stage, done[-1], *(duty.key for duty in after.running))
        if alike in self.waited:
            return None
        self.waited.add(alike)
        return Turn(after, turn.kept, world.now, noted, way, turn.marks)

    def _happens(self, case: Case, what: str, who: str, values: Values) -> None:
        world = self.world
        if what == ARRIVES:
            world.delivered(case)
        elif what == FAILS:
            with store.transaction(world.office.engine) as conn:
                message = next(
                    m for m in outbox.listed(conn, case_id=case.id) if m.effect and m.state == "due"
                )
                deliver.unreachable(world.office, conn, message, world.now)
        elif what == WAITS:
            with store.transaction(world.office.engine) as conn:
                world.now = max(world.now, duties.next_step_at(conn) or world.now)
            world.sweep()
        else:
            alike = (what, case.shielded, case.round > 1, str(values))
            if alike not in self.tried:
                self.tried.add(alike)
                try_without(world, who, case, what, values)
            world.do(who, case, what, **values)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("+"):
            day = self.world.now.astimezone(SHANGHAI).date()
            return self.world.office.calendar.shift(day, int(value)).isoformat()
        return value

    def _draw(self, since: int) -> None:
        """Reads what was told since, but for what has been read often enough."""
        with store.transaction(self.world.office.engine) as conn:
            told = outbox.listed(conn)
        new = {m.id: (m.notice, m.clause, m.person_id, m.unit_id) for m in told if m.id > since}
        self.read.update(new.values())
        draw_all(self.world, {m.id for m in told if m.id <= since or self.read[new[m.id]] > OFTEN})

    # --- turns kept

    def _keep(self, now: Standing, noted: tuple[int, int], way: tuple[str, ...]) -> bool:
        """Whether it is gone on from: something is new."""
        stage, running = now.case.stage, {duty.key for duty in now.running}
        stands = {condition for condition in self.asked if now.holds(condition)}
        beside = {stage, *running, *stands & {"shielded=yes", "redone=yes"}}
        new = set(combinations(sorted(beside), 2)) | {(stage, condition) for condition in stands}
        may = allowed(now, self.tables.OFFERED)
        new |= {("by", way[-1]), *(("may", act) for act in may)}
        if new <= self.seen:
            return False
        self.seen |= new
        kept = self.folder / f"turn{len(self.turns)}.db"
        self._copy(self._database(), kept)
        self.turns.append(
            Turn(
                now,
                kept,
                self.world.now,
                noted,
                way,
                frozenset({*beside, *stands, f"{stage} {now.case.shielded}"}),
            )
        )
        return True

    def _return_to(self, turn: Turn) -> None:
        self._copy(turn.kept, self._database())
        self.world.now = turn.at

    def _database(self) -> Path:
        return Path(str(self.world.office.engine.url.database))

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
            other.execute("PRAGMA synchronous = OFF")
            one.backup(other)


def conditions(region: str, tables: Any) -> frozenset[str]:
    """What the tables ask of the facts and anchors of a case, one condition each."""
    lines = [*(line.when for line in tables.OWED.values()), *(line.may for line in tables.OWED.values())]
    lines += [
        line for entries in (tables.OFFERED, heard.HEARD[region]) for of in entries.values() for line in of
    ]
    parts = (part for line in lines for part in f" {line} ".partition(" if ")[2].split())
    return frozenset(part for part in parts if re.match(r"\w+=|since:|before:", part))
