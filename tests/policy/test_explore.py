"""The explorer knows the desk: wherever people really bring a case, it has been there."""

import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import duties, people, store
from core.case import Case
from core.desk.act import Actor, offers, perform
from core.desk.effects import EFFECTS
from core.policy.explore import BESIDE, NONE, SOMETHING, Space, State, domain
from core.policy.load import shipped, shipped_names
from core.policy.model import Asked
from core.refusals import Refusal
from core.workdays import SHANGHAI
from tests.world import World

STARTS = {"putuo": "2023-06-05T09:30", "huaiyin": "2023-02-06T09:30", "neixiang": "2021-08-16T09:30"}
STEPS = 50
ENDING = {"withdraw", "guide", "decline_on_spot", "conditions_unmet"}  # too early to be of use
_numbers = itertools.count()


@pytest.fixture(scope="module", params=shipped_names())
def space(request: pytest.FixtureRequest) -> Space:
    return Space(shipped(request.param)[0])


def seen(space: Space, state: State) -> State:
    """A state as far as can be read from a case: which messages are on their way is not."""
    return space.distinct(state)._replace(fired=NONE)


def state_of(world: World, space: Space, case: Case) -> State:
    """Where a real case is."""
    with store.transaction(world.office.engine) as conn:
        running = duties.of_case(conn, case.id)
    kept = [duty for duty in running if duty.key in space.duties]
    left = {d.key for d in kept if d.round != case.round and d.key in space.limits}
    opened = [d for d in kept if d.round == case.round or d.key not in space.limits]
    facts = {
        name: SOMETHING if isinstance(value, str) and value not in values and SOMETHING in values else value
        for name, value in case.facts().items()
        if name in space.cone.facts and value not in (None, False)
        for values in [domain(space.rules, name)]
    }
    return State(
        stage=case.stage,
        round=min(case.round, 2) if space.rounds else 1,
        open=frozenset(d.key for d in opened),
        left=frozenset(left),
        undated=frozenset(d.key for d in opened if d.due_at is None),
        marks=frozenset(case.moments) & space.cone.marks,
        fired=NONE,
        facts=frozenset(facts.items()),
    )


def answer(world: World, asked: Asked, dice: random.Random) -> Any:
    """Something to fill in, as somebody might."""
    units = [unit.key for unit in world.office.hall.units if unit.kind not in ("site", "window")]
    sites = [unit.key for unit in world.office.hall.units if unit.kind == "site"]
    today = world.now.astimezone(SHANGHAI).date()
    by_kind: dict[str, Callable[[], Any]] = {
        "choice": lambda: dice.choice([c.code for c in world.rules.choices(asked)] or [""]),
        "level": lambda: dice.choice([c.code for c in world.rules.choices(asked)] or [""]),
        "yesno": lambda: dice.choice(("yes", "no")),
        "date": lambda: today if asked.suggest == "now" else world.office.calendar.shift(today, 1),
        "number": lambda: "3",
        "phone": lambda: "13800001234",
        "email": lambda: "a@example.com",
        "unit": lambda: dice.choice(units),
        "units": lambda: ",".join(dice.sample(units, min(2, len(units)))),
        "site": lambda: dice.choice(sites or [""]),
        "person": lambda: dice.choice([p.key for p in world.office.hall.people]),
    }
    words = "王秀英" if asked.id in ("applicant_name", "contact_name") else "一句话"
    return str(by_kind[asked.kind]()) if asked.kind in by_kind else words


def act_of_somebody(world: World, case: Case, dice: random.Random) -> str:
    """One of the acts open to anybody, done with a form filled in at random."""
    with store.transaction(world.office.engine) as conn:
        everybody = [*(person.id for person in people.staff(conn)), case.contact_id or 0]
        for who in dice.sample(everybody, len(everybody)):
            acts = {offer.act for offer in offers(world.office, conn, case, who)} - ENDING
            if acts:
                break
        else:
            return "nobody"
    act = dice.choice(sorted(acts))
    entry = world.rules.acts[act]
    values = {field.id: answer(world, field, dice) for field in entry.fields if field.kind != "files"}
    try:
        with store.transaction(world.office.engine) as conn:
            perform(
                world.office,
                conn,
                Actor(people.get(conn, who), "test"),
                case,
                act,
                now=world.now,
                values=values,
            )
    except Refusal as refusal:
        return f"{act}: {refusal.code}"
    return act


def begun(world: World, dice: random.Random) -> Case:
    """A matter that somebody registers, every field filled in."""
    values = {
        field.id: answer(world, field, dice)
        for field in world.rules.acts["register"].fields
        if field.kind != "files"
    }
    for person in world.office.hall.people:
        try:
            return world.register(person.key, **values)
        except Refusal:
            continue
    raise AssertionError("nobody could register")


# Acts whose effects no condition can ask about. A new effect belongs here or into `BESIDE`.
UNSEEN = {
    *("contribute", "file_scan", "hand_in", "handover", "log_coordination", "pass_on"),
    *("propose_cause", "redact", "reply", "sign_off", "supervise"),
}


def test_every_effect_was_thought_of() -> None:
    assert BESIDE.keys() | UNSEEN == EFFECTS.keys()
    assert not BESIDE.keys() & UNSEEN


def test_no_case_leaves_what_was_explored(space: Space, tmp_path: Path) -> None:
    known = {seen(space, state) for state in space.states}
    name = space.rules.name
    visited: set[str] = set()
    for seed in range(2):
        dice = random.Random(seed)
        url = f"sqlite:///{tmp_path / f'{next(_numbers)}.db'}"
        world = World.of(name, url, tmp_path / "files", start=STARTS.get(name, "2022-04-11T09:30"))
        world.in_force_since("2021-01-01")
        case, told = begun(world, dice), ["register"]
        for _ in range(STEPS):
            case = world.again(case)
            assert seen(space, state_of(world, space, case)) in known, " → ".join(told)
            visited.add(case.stage)
            if dice.random() < 0.15:
                case = world.delivered(case)
                told.append("delivered")
            elif dice.random() < 0.15:
                later = (world.now + timedelta(hours=dice.choice((3, 26, 100)))).astimezone(SHANGHAI)
                world.pass_to(later.replace(tzinfo=None).isoformat())
                told.append("time passes")
            else:
                told.append(act_of_somebody(world, case, dice))
        world.office.engine.dispose()
    assert len(visited) >= 3, visited
