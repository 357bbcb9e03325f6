"""The next year's days off become known: limits that reach into it get their true date, and nobody is woken for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from core import case as cases
from core import store
from core.case import Case
from core.desk import recount
from core.workdays import SHIPPED, Calendar
from tests.world import World

BEFORE = Calendar.load(SHIPPED / f"{year}.toml" for year in (2021, 2022))
ADDED = Calendar.load(SHIPPED / f"{year}.toml" for year in (2021, 2022, 2023))


@pytest.fixture
def december(database_url: str, tmp_path: Path) -> Iterator[World]:
    """The end of a year whose successor has no notice yet."""
    world = World.make(database_url, tmp_path / "files", start="2022-12-26T09:30")
    world.office = replace(world.office, calendar=BEFORE)
    yield world
    world.close()


def notice_comes(world: World) -> int:
    """The notice is put in and the clock starts again; how many dates were settled."""
    world.office = replace(world.office, calendar=ADDED)
    return recount.everything(world.office, world.now)


def whole(world: World, case: Case) -> bool:
    with store.transaction(world.office.engine) as conn:
        return cases.broken_link(conn, world.office.vault, case.id) is None


def test_a_provisional_limit_gets_its_true_date_and_the_old_one_stays_on_record(december: World) -> None:
    case = december.dispatch(december.tell())
    before = december.duty(case, "limit")
    assert before and before.provisional and december.due_day(case) == "2023-01-09"

    assert notice_comes(december) >= 1

    after = december.duty(case, "limit")
    assert after and not after.provisional and december.due_day(case) == "2023-01-10"  # 2 January is off
    assert after.opened_at == before.opened_at
    rows = december.duties_of(case, "limit")[-2:]
    assert [(d.state, d.due_at) for d in rows] == [("void", before.due_at), ("open", after.due_at)]
    told = next(e for e in december.events(case) if e.act == "recount" and e.data["duty"] == "limit")
    assert before.due_at and told.data["due_before"] == before.due_at.isoformat()
    assert whole(december, case)


def test_nobody_is_sent_anything_for_it(december: World) -> None:
    case = december.dispatch(december.tell())
    before = [m.id for m in december.outbox(case)]
    notice_comes(december)
    assert [m.id for m in december.outbox(case)] == before


def test_a_second_time_there_is_nothing_to_settle(december: World) -> None:
    case = december.dispatch(december.tell())
    notice_comes(december)
    events = december.events(case)
    assert notice_comes(december) == 0 and december.events(case) == events


def test_without_the_notice_nothing_changes(december: World) -> None:
    case = december.dispatch(december.tell())
    assert recount.everything(december.office, december.now) == 0
    assert not [e for e in december.events(case) if e.act == "recount"]


def test_reminders_and_the_alert_follow_the_new_date_and_come_once(december: World) -> None:
    case = december.dispatch(december.tell())
    notice_comes(december)
    december.pass_to("2023-01-09T18:00")
    assert not december.again(case).overdue and "remind_day" not in december.told("zhang", case)
    december.pass_to("2023-01-10T18:00")
    assert december.again(case).overdue
    assert december.told("zhang", case).count("remind_day") == 1
    assert len([e for e in december.events(case) if e.act == "limit.overdue"]) == 1


def test_what_was_missed_only_for_want_of_the_notice_is_not_held_against_anybody(december: World) -> None:
    case = december.dispatch(december.tell())
    december.pass_to("2023-01-09T18:00")
    assert december.again(case).overdue
    notice_comes(december)
    assert not december.again(case).overdue
    december.pass_to("2023-01-10T18:00")
    assert december.again(case).overdue


@pytest.mark.parametrize(
    ("today", "missing"),
    [("2022-10-31", ()), ("2022-11-01", (2023,)), ("2023-01-01", (2023,)), ("2022-04-11", ())],
)
def test_from_november_the_next_year_is_asked_for(today: str, missing: tuple[int, ...]) -> None:
    assert BEFORE.missing(date.fromisoformat(today)) == missing
