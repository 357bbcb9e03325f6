"""Problems of one kind: grouped by unit, item and cause, confirmed by a person, improved upon."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from core import improvement, store
from core.improvement import Action, Group
from core.refusals import Incomplete, Refusal
from tests.library.test_entries import closed, of, propose
from tests.world import World


def groups(world: World) -> tuple[Group, ...]:
    with store.transaction(world.office.engine) as conn:
        return improvement.groups(world.office, conn)


def confirm(world: World, group: Group, who: str = "xiao") -> Group:
    with of(world, who) as (conn, person):
        return improvement.confirm(world.office, conn, person, group.kind, world.now)


def act_on(world: World, group: Group, who: str = "xiao", **values: Any) -> Action:
    owner = world.who("zhang").id
    given: dict[str, Any] = {
        "what": "受理材料改成一张清单",
        "owner": owner,
        "due_on": date(2022, 5, 31),
        **values,
    }
    with of(world, who) as (conn, person):
        return improvement.act_on(world.office, conn, person, group.ref, now=world.now, **given)


def two_alike(world: World) -> Group:
    for who in ("li", "wang"):
        propose(world, closed(world, who=who))
    (group,) = groups(world)
    return group


@pytest.mark.clause("XJ-3.3c")
def test_cases_with_the_same_item_and_cause_are_grouped_and_carry_an_action(world: World) -> None:
    propose(world, closed(world, who="zhao"), cause_code="policy")
    group = two_alike(world)
    assert len(group.case_ids) == 2 and group.kind.cause_code == "material" and not group.ref

    group = confirm(world, group)
    action = act_on(world, group)

    assert (action.owner_id, action.due_on, action.state) == (
        world.who("zhang").id,
        date(2022, 5, 31),
        "open",
    )
    with of(world, "zhang") as (conn, person):
        done = improvement.end(
            world.office, conn, person, action.ref, state="done", outcome="清单已上墙", now=world.now
        )
        assert done.state == "done"
        assert improvement.actions(conn, group) == (done,)


def test_one_case_is_no_group(hall: World) -> None:
    propose(hall, closed(hall))
    assert groups(hall) == ()


def test_nothing_hangs_on_a_group_before_a_person_has_confirmed_it(hall: World) -> None:
    group = two_alike(hall)
    with pytest.raises(Refusal, match="unknown_case"):
        act_on(hall, group)
    for stranger in ("zhou", "zhang", "gu"):
        with pytest.raises(Refusal, match="not_yours"):
            confirm(hall, group, stranger)
    confirm(hall, group)
    with pytest.raises(Refusal, match="done_already"):
        confirm(hall, group)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("what", " ", "missing"),
        ("what", "打13800001234问", "personal"),
        ("owner", 0, "choice"),
        ("due_on", None, "date"),
        ("due_on", date(2022, 4, 1), "date"),
    ],
)
def test_an_action_needs_words_an_owner_and_a_day_to_come(
    hall: World, field: str, value: Any, code: str
) -> None:
    group = confirm(hall, two_alike(hall))
    with pytest.raises(Incomplete) as caught:
        act_on(hall, group, **{field: value})
    assert caught.value.problems == {field: code}


def test_only_its_owner_or_the_operator_ends_an_action_and_says_what_came_of_it(hall: World) -> None:
    action = act_on(hall, confirm(hall, two_alike(hall)))

    def end(who: str, outcome: str) -> Action:
        with of(hall, who) as (conn, person):
            return improvement.end(
                hall.office, conn, person, action.ref, state="dropped", outcome=outcome, now=hall.now
            )

    with pytest.raises(Refusal, match="not_yours"):
        end("gu", "不用改")
    with pytest.raises(Incomplete):
        end("zhang", "")
    assert action.late(date(2022, 6, 1)) and not end("xiao", "上级统一改").late(date(2022, 6, 1))
    with pytest.raises(Refusal, match="done_already"):
        end("zhang", "又改了")


def test_a_matter_that_came_back_counts_once(hall: World) -> None:
    group = two_alike(hall)
    hall.now += timedelta(days=1)
    assert groups(hall) == (group,)
