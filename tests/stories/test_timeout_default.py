"""超时默认: what a unit's silence is taken for, where an operator has switched it on (XJ-3.3d, AMB-XJ6)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.case import Case
from core.policy import load
from core.policy.model import Profile
from tests.world import World

DEEMED = "deem_received"
OWN_RULE = """
name = "with_timeout_default"
version = "2022-04-08"
extends = "xiangjiang"
timeout_default = true
"""


@pytest.fixture
def switched_on(hall: World) -> World:
    """The same hall, where the operator has switched it on."""
    rules = Profile.model_validate({**hall.rules.model_dump(), "timeout_default": True})
    hall.office = replace(hall.office, profile=rules)
    return hall


def acts(world: World, case: Case) -> list[str]:
    return [event.act for event in world.events(case)]


@pytest.mark.clause("XJ-3.3d")
def test_nothing_is_assumed_of_a_silent_unit_by_default(hall: World) -> None:
    case = hall.dispatch(hall.tell())
    hall.pass_to("2022-04-20T10:00")
    assert "sign_for.escalate" in acts(hall, case)
    assert DEEMED not in acts(hall, case)


@pytest.mark.clause("XJ-3.3d")
def test_switched_on_silence_past_the_day_of_signing_is_on_record_and_decides_nothing(
    switched_on: World,
) -> None:
    case = switched_on.dispatch(switched_on.tell())
    due = switched_on.due_day(case)
    before = switched_on.told("li", case)
    switched_on.pass_to("2022-04-12T17:00")  # the end of the working day after the sheet went out
    assert DEEMED not in acts(switched_on, case)
    switched_on.pass_to("2022-04-12T17:01")
    [deemed] = [e for e in switched_on.events(case) if e.act == DEEMED]
    assert (deemed.actor_id, deemed.role, deemed.stage_from, deemed.stage_to) == (
        None,
        "system",
        "WITH_UNIT",
        "WITH_UNIT",
    )
    assert deemed.at == switched_on.now.replace(minute=0, second=1)
    assert switched_on.again(case).at("signed_for_at") is None
    assert switched_on.due_day(case) == due  # the limit runs as before
    assert dict(switched_on.again(case).codes) == dict(case.codes)
    assert switched_on.told("li", case) == before  # nothing is decided for or against her, nothing told
    switched_on.do("zhang", case, "sign_for")  # and the unit still signs
    assert switched_on.again(case).at("signed_for_at") == switched_on.now


def test_a_sheet_signed_for_in_time_is_deemed_nothing(switched_on: World) -> None:
    case = switched_on.dispatch(switched_on.tell())
    switched_on.do("zhang", case, "sign_for")
    switched_on.pass_to("2022-04-20T10:00")
    assert DEEMED not in acts(switched_on, case)


def test_an_operator_switches_it_on_in_a_rule_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "with_timeout_default.toml"
    file.write_text(OWN_RULE, "utf-8")
    rules, _ = load.read(file)
    assert [entry.act for entry in rules.consequences] == [DEEMED]
    assert load.shipped("xiangjiang")[0].consequences == ()
