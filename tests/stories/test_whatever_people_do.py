"""Whatever people do, in whatever order: nothing is corrupted, nothing is lost, nobody does what is not theirs."""

import itertools
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import case as cases
from core import duties, flow, people, store
from core.case import Case
from core.desk.act import offers
from core.refusals import Refusal
from core.workdays import SHANGHAI
from tests.world import World

BEFORE_AN_ANSWER = ("SUBMITTED", "TRIAGE", "WITH_UNIT", "SIGNING")
# Those who have much to do come more often.
PEOPLE = (
    *("zhou", "zhang", "chen", "li") * 4,
    *("xiao", "gu", "deng", "peng") * 2,
    *("tan", "liu", "wu", "he", "wang", "mo"),
)
SENTENCE = "一句话"
GIVEN: Mapping[str, Mapping[str, str]] = {
    "guide": {"exclusion": "penalty"},
    "resolve": {"scope_code": "policy", "result": SENTENCE, "solved": "yes"},
    "dispatch": {"subject": "电梯", "scope_code": "policy", "level": "complex", "content_for_unit": SENTENCE},
    "relevel": {"level": "ordinary", "relevel_reason": SENTENCE},
    "ask": {"question": SENTENCE},
    "answer": {"answer": SENTENCE},
    "note_call": {"call_note": SENTENCE},
    "extend": {
        "extension_reason": SENTENCE,
        "consent_way": "phone",
        "consent_at": "2022-04-11",
        "consent_words": SENTENCE,
    },
    "refuse_extension": {"extension_opinion": SENTENCE},
    "hand_in": {"handled": SENTENCE, "result": SENTENCE, "solved": "yes"},
    "reject": {"reject_reason": SENTENCE},
    "send_back": {"send_back_reason": SENTENCE},
    "deliver": {"feedback_way": "post", "delivered_on": "2022-04-11"},
    "log_attempt": {"reached": "no"},
    "rate": {"score": "2"},
    "comment": {"rating_comment": SENTENCE},
    "follow_up": {"visit_way": "phone", "visit_satisfied": "dissatisfied"},
    "propose_cause": {"cause_proposed": "subjective", "cause_reason": SENTENCE},
    "judge_objective": {"judge_reason": SENTENCE},
    "redo": {"judge_reason": SENTENCE},
    "answer_citizen": {"human_answer": SENTENCE},
    "transcribe": {"transcript": SENTENCE},
    "redact": {"words_for_unit": SENTENCE},
}
ALL_ACTS = sorted(flow.ACTS - {"submit", "register"})
_numbers = itertools.count()

steps = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.integers(0, 40), st.sampled_from((0, 0, 0, 1, 5, 26, 100))),
    min_size=8,
    max_size=30,
)


def told(world: World) -> Case:
    return world.tell("li")


def walked_in(world: World) -> Case:
    return world.register()


def complained(world: World) -> Case:
    return world.dispatch(world.tell("li"), scope_code="conduct")


def dispatched(world: World) -> Case:
    case = world.dispatch(world.tell("li"), level="ordinary")
    return world.do("zhang", case, "sign_for")


def closed(world: World) -> Case:
    return world.delivered(world.result(world.dispatch(world.tell("li"))))


def answered_on_the_spot(world: World) -> Case:
    case = world.register()
    return world.delivered(world.do("zhou", case, "resolve", **GIVEN["resolve"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worlds")


STARTS = (told, walked_in, complained, dispatched, closed, answered_on_the_spot)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(start=st.sampled_from(STARTS), steps=steps)
def test_the_case_stays_whole(folder: Path, start: Any, steps: list[tuple[str, int, int]]) -> None:
    world = World.make(f"sqlite:///{folder / f'{next(_numbers)}.db'}", folder / "files")
    case = start(world)
    for who, number, hours in steps:
        tried = pick(world, case, who, number)
        attempt(world, case, who, tried)
        case = world.again(case)
        if number == 40:
            case = world.delivered(case)
        is_whole(world, case, tried)
        if hours:
            later = (world.now + timedelta(hours=hours)).astimezone(SHANGHAI)
            world.pass_to(later.replace(tzinfo=None).isoformat())
            case = world.again(case)
            is_whole(world, case, "time passes")
    world.close()


def pick(world: World, case: Case, who: str, number: int) -> str:
    """Mostly one of the acts offered, now and then any act at all."""
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        open_acts = [o.act for o in offers(world.office, conn, cases.load(conn, case.id), person.id)]
    open_acts = [act for act in open_acts if act != "withdraw" or number % 5 == 0]
    return (
        open_acts[number % len(open_acts)] if open_acts and number % 4 else ALL_ACTS[number % len(ALL_ACTS)]
    )


def attempt(world: World, case: Case, who: str, act: str) -> None:
    before = world.again(case)
    person = world.who(who)
    row = flow.MOVES.get((before.stage, act))
    with store.transaction(world.office.engine) as conn:
        role = row and people.fills(conn, world.rules, before, person.id, row.slot)
    values: dict[str, Any] = {**GIVEN.get(act, {})}
    if act == "dispatch":
        values["unit"] = "housing" if before.rev % 2 else "land"
    if act == "extend":
        values["extension_due"] = "2022-04-29"
    try:
        world.do(who, case, act, **values)
    except Refusal:
        assert world.again(case) == before, f"{act} was refused and changed the case"
    else:
        assert row and role, f"{who} could {act} at {before.stage}"


def is_whole(world: World, case: Case, after: str) -> None:
    with store.transaction(world.office.engine) as conn:
        still_open = duties.of_case(conn, case.id)
        assert cases.broken_link(conn, world.office.vault, case.id) is None
        assert len(cases.events(conn, case.id)) == case.rev
        movers = [
            offer.act
            for key in ("zhou", "zhang", "deng", "chen", "peng", "xiao")
            for offer in offers(world.office, conn, case, _id(conn, key))
        ]
    running = [duty for duty in still_open if world.rules.duty(duty.key).closing]
    assert len(running) <= 1, after
    if case.stage in BEFORE_AN_ANSWER:
        assert running and running[0].due_at, f"no limit runs at {case.stage} after {after}"
        moving = [act for act in movers if flow.MOVES[case.stage, act].to != case.stage or act == "sign_for"]
        assert moving, f"nobody can move the case at {case.stage} after {after}"
    if case.stage == "DELIVERING":
        assert any(duty.key.startswith("to_") for duty in still_open), "something is still to be delivered"
        if any(duty.key == "to_applicant" for duty in still_open):
            assert "deliver" in movers
    if case.stage in (*flow.ENDED, *flow.GONE) and case.stage != "CLOSED":
        assert not running, f"a limit runs at {case.stage}"
    assert world.see("zhou", case).number == case.number


def _id(conn: Any, key: str) -> int:
    return int(conn.execute(sa.select(store.person.c.id).where(store.person.c.key == key)).scalar_one())
