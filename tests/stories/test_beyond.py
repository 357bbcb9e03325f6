"""What goes beyond the window: matters for the office above, results looked into, answers that say no."""

from collections import Counter
from dataclasses import replace

import pytest

from core.desk.act import _drawn
from core.refusals import Incomplete
from tests.world import World, at

SCREENED = {
    "subject": "跨市高压线迁改",
    "screening_opinion": "涉及两市电网规划，新区本级定不了；项目已列入省重点，应予支持。",
    "legal_basis": "《电力设施保护条例》第二十一条",
}


@pytest.mark.clause("XJ-2.2g")
def test_a_major_matter_beyond_its_authority_is_reported_and_stays_open_with_a_date(world: World) -> None:
    case = world.tell("li")
    world.do("zhou", case, "accept")
    refused = world.refusal("zhou", case, "report", subject="高压线迁改", screening_opinion="应予支持")
    assert isinstance(refused, Incomplete) and set(refused.problems) == {"legal_basis"}
    case = world.do("zhou", case, "report", **SCREENED)
    assert (case.stage, world.due_day(case)) == ("REPORTED", "2022-04-29"), "15 working days from acceptance"
    assert world.told("yuanjp", case) == ["reported_card"]
    assert "reported_told" in world.told("li", case)
    assert world.refusal("zhou", case, "return_doable", unit="housing", opinion="办").code == "not_yours"

    world.now = at("2022-04-18T10:00")
    case = world.do("yuanjp", case, "return_doable", unit="housing", opinion="请住建局牵头迁改。")
    assert (case.stage, world.due_day(case)) == ("WITH_UNIT", "2022-04-29"), "the same promise goes on"
    assert "dispatch_card" in world.told("zhang", case)
    assert "dispatched" in world.told("li", case)
    case = world.delivered(world.result(case))
    assert case.stage == "CLOSED"


def test_what_lies_above_too_long_is_late_and_no_unit_is_supervised_for_it(world: World) -> None:
    case = world.do("zhou", world.tell("li"), "accept")
    case = world.do("zhou", case, "report", **SCREENED)
    world.pass_to("2022-05-05T10:00")
    assert world.again(case).overdue and world.duty(case, "issue_supervision") is None
    case = world.do("yuanjp", case, "return_doable", unit="housing", opinion="请住建局牵头迁改。")
    assert world.due_day(case) == "2022-05-06", "after the promised day, the next working day"
    assert not case.overdue


@pytest.mark.clause("XJ-2.2h")
def test_a_no_needs_its_reason_its_basis_and_an_explanation(world: World) -> None:
    case = world.dispatch(world.tell("li"))
    world.do("zhang", case, "sign_for")
    no = {"handled": "加装电梯", "result": "不能加装", "solved": "no", "outcome": "cannot_do"}
    refused = world.refusal("zhang", case, "hand_in", **no)
    assert isinstance(refused, Incomplete)
    assert set(refused.problems) == {"unsolved_reason", "cannot_basis", "explanation"}
    world.do(
        "zhang",
        case,
        "hand_in",
        **no,
        unsolved_reason="楼体在文物保护范围内",
        cannot_basis="《文物保护法》第十七条",
        explanation="已当面说明，并介绍了爬楼机补贴",
    )
    case = world.delivered(world.do("chen", case, "sign_off"))
    assert world.see("li", case).status == "cannot_do"
    words = world.see("li", case).words
    assert words["cannot_basis"] == "《文物保护法》第十七条" and words["unsolved_reason"]


@pytest.mark.clause("XJ-3.2a")
def test_a_share_of_the_results_is_looked_into_and_whatever_went_wrong(hall: World) -> None:
    sample = hall.rules.verification
    assert sample is not None
    drawn: Counter[bool] = Counter()
    for i in range(12):
        case = hall.result(hall.dispatch(hall.tell(f"c{i}"), level="ordinary"))
        again = _drawn(sample, hall.again(case))
        assert (hall.duty(case, "verify") is not None) == again, "the draw can be made again by anybody"
        drawn[again] += 1
    assert drawn[True] and drawn[False], "some, not all"

    late = hall.dispatch(hall.tell("late"), level="ordinary")
    hall.pass_to("2022-04-15T10:00")
    late = hall.result(late)
    duty = hall.duty(late, "verify")
    assert duty is not None and duty.due_at == at("2022-04-20T17:00"), "three working days"
    late = hall.delivered(late)
    assert isinstance(hall.refusal("zhou", late, "verify_result", verified="no"), Incomplete)
    hall.do("zhou", late, "verify_result", verified="yes")
    assert hall.duty(late, "verify") is None


def test_what_is_done_again_is_looked_into_anew_each_time(hall: World) -> None:
    for i in range(12):
        case = hall.delivered(hall.result(hall.dispatch(hall.tell(f"c{i}"), level="ordinary")))
        hall.do(
            "zhou", case, "follow_up", visit_way="phone", visit_satisfied="dissatisfied", visit_opinion="敷衍"
        )
        hall.do("zhou", case, "propose_cause", cause_proposed="subjective", cause_reason="只有一句话")
        case = hall.do("xiao", case, "redo", judge_reason="没有依据")
        assert hall.duty(case, "verify") is None, "what was said before counts no more"
        case = hall.delivered(hall.result(case))
        assert hall.duty(case, "verify") is not None, "whatever the lot says"


def test_the_share_that_is_drawn_is_the_share_of_the_rule(hall: World) -> None:
    sample = hall.rules.verification
    assert sample is not None
    case = hall.tell("li")
    drawn = sum(_drawn(sample, replace(case, number=f"XJ2022{i:05}")) for i in range(2000))
    assert 0.26 < drawn / 2000 < 0.34
