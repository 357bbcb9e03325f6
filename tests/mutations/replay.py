"""Walks told again: each step that a mutant may bear on is taken anew, from the turn where it was first taken.

A walk (`tests/regions/walk.py`) takes half a minute, and most of its steps have nothing to do with one mutant. The
untouched walk keeps its turns; under a mutant the steps that met what was changed are taken first, from those turns.
What only shows two steps on is left to the whole walk, which comes last.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, Final

from core import flow, store
from core.policy.load import shipped
from tests.regions.standing import check_offers
from tests.regions.walk import Turn, Values, Walk

MOST: Final = 250  # steps taken again under one mutant
SINCE: Final = (  # what a step has met, as its database tells
    "SELECT DISTINCT act FROM event WHERE id > :event",
    "SELECT DISTINCT role FROM event WHERE id > :event",
    "SELECT DISTINCT notice FROM outbox WHERE id > :message",
    "SELECT name FROM moment WHERE at = (SELECT max(at) FROM event)",
    "SELECT field FROM fact WHERE at = (SELECT max(at) FROM event)",
    "SELECT key FROM duty WHERE state = 'open' OR met_at = (SELECT max(at) FROM event)",
)


@dataclass
class Kept:
    """A walk of the untouched rule: the walk, and its steps with the words that each has met."""

    walk: Walk
    steps: list[tuple[Turn, str, str, Values, frozenset[str]]] = field(default_factory=list)


class Replay:
    """Stands in for `Walk.go` while a mutant is tried. `about`: the words of the mutant; `whole`: the walk itself, and
    not its steps again."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.about: Sequence[str] | None = None
        self.whole = False
        go, attempt = Walk.go, Walk._try

        def again(walk: Walk, *starts: Any) -> None:
            name = walk.world.rules.name
            if self.about is None:
                self.kept[name] = Kept(walk)
                go(walk, *starts)
            elif self.whole or name not in self.kept:
                go(walk, *starts)
            else:
                self._take_again(self.kept[name], self.about)

        def noted(walk: Walk, turn: Turn, what: str, who: str, values: Values) -> None:
            attempt(walk, turn, what, who, values)
            if self.about is None:
                met = frozenset({what, *values, *(duty.key for duty in turn.now.running), *_met(walk, turn)})
                self.kept[walk.world.rules.name].steps.append((turn, what, who, values, met))

        Walk.go, Walk._try = again, noted  # type: ignore[method-assign, assignment]

    def words(self) -> frozenset[str]:
        """All that the kept walks have met."""
        return frozenset(word for kept in self.kept.values() for *_, met in kept.steps for word in met)

    def _take_again(self, kept: Kept, about: Sequence[str]) -> None:
        walk = kept.walk
        walk.world.office = replace(walk.world.office, profile=shipped(walk.world.rules.name)[0])
        walk._keep = lambda *_: None  # type: ignore[assignment, method-assign]
        rare = Counter(word for *_, met in kept.steps for word in met)

        def worth(met: Collection[str]) -> float:
            return sum(1 / rare[word] for word in about if word in met)

        bearing = sorted(
            (step for step in kept.steps if worth(step[4])), key=lambda s: worth(s[4]), reverse=True
        )
        for turn, what, who, values, _ in bearing[:MOST]:
            try:
                walk._try(turn, what, who, values)
            except AssertionError:
                raise
            except (
                Exception
            ):  # a kept turn may hold what the mutant does not know: that it stumbles says nothing
                continue
        acts = {act for act, slot in flow.SLOTS.items() if act in about or slot in about}
        for turn in walk.turns:
            if any((turn.now.case.stage, act) in flow.MOVES for act in acts):
                walk._return_to(turn)
                with store.transaction(walk.world.office.engine) as conn:
                    check_offers(walk.world, conn, turn.now, walk.tables.OFFERED)


def _met(walk: Walk, turn: Turn) -> Iterator[str]:
    with closing(sqlite3.connect(walk._database())) as conn:
        for query in SINCE:
            told = {"event": turn.noted[0], "message": turn.noted[1]}
            yield from (str(word) for (word,) in conn.execute(query, told))
