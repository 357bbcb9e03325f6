"""Who sits at the window: one person each working day, bodies that take turns, substitutes, gaps, absences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core import rosters, store
from core.policy.model import Roster
from core.refusals import NOT_YOURS, Refusal
from core.rosters import Shift
from tests.regions.test_neixiang import registered, told_online
from tests.reports.desk import by_hand, leaves, notices
from tests.world import World, at


@pytest.fixture
def longhui(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("longhui", sqlite_url, tmp_path / "files", start="2022-04-28T09:30")
    yield made
    made.office.engine.dispose()


@pytest.fixture
def neixiang(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("neixiang", sqlite_url, tmp_path / "files", start="2021-08-10T10:00")
    yield made
    made.office.engine.dispose()


def morning(world: World, until: str) -> None:
    """Each day's clock, up to a day."""
    while world.now < at(until):
        tick(world)
        world.now += at("2022-01-02T00:00") - at("2022-01-01T00:00")
    world.now = at(until)
    tick(world)


def tick(world: World) -> None:
    with store.transaction(world.office.engine) as conn:
        rosters.tick(world.office, conn, world.now)


def roster(world: World, key: str) -> Roster:
    return rosters.find(world.rules, key)


def sits(world: World, key: str, first: str, last: str) -> list[Shift]:
    with store.transaction(world.office.engine) as conn:
        days = (date.fromisoformat(first), date.fromisoformat(last))
        return list(rosters.shifts(world.office, conn, roster(world, key), *days))


def put(world: World, who: str, key: str, day: str, instead: str) -> None:
    by, person = world.who(who), world.who(instead)
    with store.transaction(world.office.engine) as conn:
        rosters.put(world.office, conn, roster(world, key), date.fromisoformat(day), person.id, by, world.now)


def note(world: World, who: str, key: str, day: str, sort: str) -> None:
    by = world.who(who)
    with store.transaction(world.office.engine) as conn:
        rosters.note_absence(
            world.office, conn, roster(world, key), date.fromisoformat(day), sort, by, world.now
        )


def names(found: list[Shift]) -> list[str]:
    return [shift.person.name if shift.person else "" for shift in found]


@pytest.mark.clause("XJ-4.1a")
def test_one_dedicated_person_sits_each_working_day_and_a_gap_is_warned_of(hall: World) -> None:
    tick(hall)
    found = sits(hall, "window", "2022-04-11", "2022-04-24")
    assert [s.day.day for s in found] == [11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 24]  # 24 is a make-up day
    assert set(names(found)) == {"周敏"}
    twice = by_hand(
        hall, "select day from shift where key = 'window' and current group by day having count(*) > 1"
    )
    assert twice == []
    assert notices(hall, "xiao", "roster_gap") == []
    leave(hall, "zhou")
    hall.now = at("2022-04-12T08:00")
    tick(hall)
    warned = notices(hall, "xiao", "roster_gap")
    assert [m.data["day"] for m in warned] == ["2022-04-12", "2022-04-13"]
    assert [leaves(m) for m in warned] == ["2022-04-12T09:00"] * 2
    put(hall, "xiao", "window", "2022-04-13", "tan")
    assert names(sits(hall, "window", "2022-04-12", "2022-04-13")) == ["", "谭立新"]


def leave(world: World, who: str) -> None:
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        conn.execute(store.person.update().where(store.person.c.id == person.id).values(active=False))


@pytest.mark.clause("XJ-4.2")
def test_two_bodies_take_turns_with_one_half_day_a_week_and_the_cadre_is_reminded(hall: World) -> None:
    with store.transaction(hall.office.engine) as conn:
        rosters.lay_out(
            hall.office, conn, roster(hall, "cadre"), date(2022, 4, 11), date(2022, 6, 10), hall.now
        )
    found = sits(hall, "cadre", "2022-04-11", "2022-06-10")
    weeks = [s.day.isocalendar().week for s in found]
    assert weeks == sorted(set(weeks)) and len(found) == 9 and {s.half for s in found} == {"am"}
    first, second = names(found)[:2]
    assert {first, second} == {"顾正", "肖静"}
    assert names(found) == [(first, second)[n % 2] for n in range(9)]
    # Wednesday 05-04 is a holiday: the next working day of that week.
    assert "2022-05-05" in {str(s.day) for s in found}
    morning(hall, "2022-04-14T08:00")
    wednesday = next(s for s in found if str(s.day) == "2022-04-13")
    assert wednesday.person
    (told,) = notices(hall, str(wednesday.person.key), "roster_reminder")
    assert (leaves(told), told.data["day"]) == ("2022-04-12T09:30", "2022-04-13")


@pytest.mark.clause("LH-4a")
def test_a_specialist_is_there_each_working_day_and_the_two_take_turns(longhui: World) -> None:
    morning(longhui, "2022-05-06T09:30")
    found = sits(longhui, "specialist", "2022-04-28", "2022-05-09")
    assert [str(s.day)[5:] for s in found] == ["04-28", "04-29", "05-05", "05-06", "05-07", "05-09"]
    assert names(found) == ["欧阳红", "毛志刚"] * 3
    for who in ("ouyang", "mao"):
        leave(longhui, who)
    longhui.now = at("2022-05-07T08:00")
    tick(longhui)
    assert [m.data["day"] for m in notices(longhui, "jin", "roster_gap")] == ["2022-05-07", "2022-05-09"]


@pytest.mark.clause("LH-4b")
def test_leaders_in_turn_are_laid_out_on_demand_and_nobody_misses_them_otherwise(longhui: World) -> None:
    morning(longhui, "2022-05-06T09:30")
    assert set(names(sits(longhui, "leader", "2022-04-28", "2022-06-10"))) == {""}
    assert notices(longhui, "jin", "roster_gap") == []
    with store.transaction(longhui.office.engine) as conn:
        rosters.lay_out(
            longhui.office, conn, roster(longhui, "leader"), date(2022, 5, 9), date(2022, 7, 1), longhui.now
        )
    laid = names(sits(longhui, "leader", "2022-05-09", "2022-07-01"))
    leaders = by_hand(longhui, "select count(*) n from post where role = 'unit_deputy_head'")[0].n
    assert "" not in laid and len(set(laid[:leaders])) == leaders


@pytest.mark.clause("NX-W1b")
def test_what_is_accepted_belongs_to_the_duty_person_of_the_day(neixiang: World) -> None:
    tick(neixiang)
    (today,) = sits(neixiang, "window", "2021-08-10", "2021-08-10")
    assert today.person and today.person.key == "lan"
    at_the_desk = registered(neixiang, "feng")
    assert neixiang.again(at_the_desk).keeper_id == today.person.id
    online = told_online(neixiang)
    neixiang.do("feng", online, "accept")
    assert neixiang.again(online).keeper_id == today.person.id
    put(neixiang, "jing", "window", "2021-08-10", "feng")
    assert neixiang.again(registered(neixiang, "lan")).keeper_id == neixiang.who("feng").id
    assert notices(neixiang, "jing", "roster_gap") == []


@pytest.mark.clause("NX-W1b")
def test_a_day_without_a_duty_person_is_warned_of_and_who_accepts_keeps_the_case(neixiang: World) -> None:
    case = registered(neixiang, "feng")  # nobody has laid out the roster
    assert neixiang.again(case).keeper_id == neixiang.who("feng").id
    assert [m.data["day"] for m in notices(neixiang, "jing", "roster_gap")] == ["2021-08-10"]
    registered(neixiang, "feng")
    assert len(notices(neixiang, "jing", "roster_gap")) == 1


def test_an_absence_is_noted_by_a_person_once_and_by_nobody_else(longhui: World) -> None:
    tick(longhui)
    for who in ("ouyang", "jin", "bu"):
        assert refused(longhui, who, "specialist", "2022-04-28", "absent") == NOT_YOURS
    assert refused(longhui, "kuang", "specialist", "2022-04-29", "absent") == "not_now"  # tomorrow
    note(longhui, "kuang", "specialist", "2022-04-28", "late")
    assert refused(longhui, "ling", "specialist", "2022-04-28", "absent") == "recorded_already"
    (row,) = by_hand(longhui, "select sort, recorded_by from absence")
    assert (row.sort, row.recorded_by) == ("late", longhui.who("kuang").id)
    (proposed,) = by_hand(longhui, "select state, day from proposal")  # at once, for a person to decide
    assert (proposed.state, str(proposed.day)) == ("proposed", "2022-04-28")
    assert [s.gap for s in sits(longhui, "specialist", "2022-04-28", "2022-04-28")] == [False]


def test_who_did_not_come_leaves_a_gap_that_a_substitute_fills(longhui: World) -> None:
    tick(longhui)
    note(longhui, "kuang", "specialist", "2022-04-28", "absent")
    assert [m.data["day"] for m in notices(longhui, "jin", "roster_gap")] == ["2022-04-28"]
    put(longhui, "jin", "specialist", "2022-04-28", "mao")
    (today,) = sits(longhui, "specialist", "2022-04-28", "2022-04-28")
    assert today.person and (today.person.name, today.by_hand, today.gap) == ("毛志刚", True, False)
    kept = by_hand(
        longhui, "select current from shift where key = 'specialist' and day = '2022-04-28' order by id"
    )
    assert [bool(k.current) for k in kept] == [False, True]  # what stood before stays on record


def test_only_who_sets_the_roster_changes_it_and_never_the_past(longhui: World) -> None:
    tick(longhui)
    with pytest.raises(Refusal, match="not_yours"):
        put(longhui, "ouyang", "specialist", "2022-04-29", "ouyang")
    with pytest.raises(Refusal, match="not_now"):
        put(longhui, "jin", "specialist", "2022-04-27", "mao")
    with pytest.raises(Refusal, match="not_now"):
        put(longhui, "jin", "specialist", "2022-05-01", "mao")  # a holiday


def refused(world: World, *how: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        note(world, *how)
    return refusal.value.code
