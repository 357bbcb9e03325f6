"""淮阴区's rule is out for comment: staff read that it is on trial, until the operator has entered number and day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.refusals import Refusal
from tests.regions.test_huaiyin import registered
from tests.reports.test_pages import Browser
from tests.world import World

DRAFT, TRIAL = "征求意见稿", "现在是试运行"


@pytest.fixture
def huaiyin(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("huaiyin", sqlite_url, tmp_path / "files", start="2023-09-28T10:00")
    yield made
    made.office.engine.dispose()


def hall_says(world: World, **said: object) -> None:
    world.office = replace(world.office, hall=world.office.hall.model_copy(update=said))


def is_open(world: World) -> bool:
    """Whether a matter can be registered."""
    try:
        registered(world)
    except Refusal as refusal:
        assert (refusal.code, refusal.clause) == ("not_in_force", "HY-0")
        return False
    return True


@pytest.mark.clause("HY-0")
def test_staff_read_that_the_rule_is_a_draft_on_trial(huaiyin: World) -> None:
    instrument = huaiyin.rules.instrument
    assert instrument.status == "draft_for_comment"
    assert (instrument.number, instrument.dated, instrument.effective_from) == ("", "", "")
    for who in ("song", "qiu"):
        desk = Browser(huaiyin, who).get("/desk")
        assert f"本地规则还是{DRAFT}，{TRIAL}" in desk
        assert DRAFT in Browser(huaiyin, who).get("/rule")


@pytest.mark.clause("HY-0")
def test_it_runs_on_trial_alone_until_both_number_and_day_are_entered(huaiyin: World) -> None:
    assert is_open(huaiyin)
    hall_says(huaiyin, trial=False)
    assert not is_open(huaiyin)
    for said in ({"effective_from": "2023-09-01"}, {"effective_from": "", "number": "淮营商办〔2023〕1号"}):
        hall_says(huaiyin, **said)
        assert not is_open(huaiyin), said
        assert TRIAL in Browser(huaiyin, "song").get("/desk")
    hall_says(huaiyin, effective_from="2023-09-29")
    assert not is_open(huaiyin)  # in force from tomorrow on
    hall_says(huaiyin, effective_from="2023-09-28")
    assert is_open(huaiyin)
    assert TRIAL not in Browser(huaiyin, "song").get("/desk")


def test_a_rule_in_force_says_nothing_of_a_trial(hall: World) -> None:
    assert TRIAL not in Browser(hall, "zhou").get("/desk")
