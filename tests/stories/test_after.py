"""After the matter is closed: the rating, the visit, and redo where the unit is to blame."""

import pytest

from core.case import Case
from core.refusals import Incomplete
from tests.stories.reading import drawn
from tests.world import World, at


def closed(world: World, who: str = "li", **dispatched: str) -> Case:
    return world.delivered(world.result(world.dispatch(world.tell(who), **dispatched)))


@pytest.mark.clause("XJ-3.2b")
def test_a_rating_never_replaces_the_visit(world: World) -> None:
    case = closed(world)
    assert len(world.outbox(case, "rating_prompt")) == 1
    assert len(world.duties_of(case, "visit")) == 1
    assert world.due_day(case, "visit") == "2022-04-14"
    assert {m.person_id for m in world.outbox(case, "visit_task")} == {
        world.who(k).id for k in ("zhou", "tan")
    }

    assert world.say("li", "非常满意")[0].name == "rated"
    world.say("li", "不补充了")

    assert world.again(case).codes["score"] == "5"
    assert world.duty(case, "rating") is None
    assert world.duty(case, "visit") is not None, "both exist"
    world.do(
        "zhou", case, "follow_up", visit_way="phone", visit_satisfied="satisfied", visit_opinion="窗口很热心"
    )
    assert world.duty(case, "visit") is None
    view = world.see("gu", case)
    assert view.labels["visit_satisfied"] == "满意"
    assert view.words["visit_opinion"] == "窗口很热心"
    assert view.labels["score"] == "非常满意", "and the visit does not overwrite the rating"


def test_five_levels_in_one_order_and_one_rating(hall: World) -> None:
    case = closed(hall)
    assert [level.label for level in hall.rules.rating.levels] == [
        "非常满意",
        "满意",
        "基本满意",
        "不满意",
        "非常不满意",
    ]
    hall.say("li", choice="rate:2", case_id=case.id)
    assert hall.again(case).codes["score"] == "2"
    (refused,) = hall.say("li", choice="rate:5", case_id=case.id)
    assert refused.values["refusal"].code == "done_already"
    assert hall.again(case).codes["score"] == "2"
    assert hall.say("li", "等得太久")[0].name == "commented"
    assert hall.words(case)["rating_comment"] == "等得太久"


@pytest.mark.parametrize("score", ["0", "6", "好", ""])
def test_there_is_no_sixth_level(hall: World, score: str) -> None:
    case = closed(hall)
    assert isinstance(hall.refusal("li", case, "rate", score=score), Incomplete)


def test_nobody_rates_for_her(hall: World) -> None:
    case = closed(hall)
    for other in ("wang", "zhang", "zhou", "gu"):
        assert hall.refusal(other, case, "rate", score="5").code == "not_yours"
    (reply,) = [r for r in hall.say("wang", choice="rate:5", case_id=case.id) if r.name != "greeting"]
    assert reply.name == "not_yours"


def test_she_is_reminded_once_and_silence_is_no_opinion(hall: World) -> None:
    case = closed(hall)
    hall.pass_to("2022-05-30T10:00")
    (reminder,) = hall.outbox(case, "rating_reminder")
    assert reminder.not_before == at("2022-04-14T09:00")
    assert "score" not in hall.again(case).codes
    assert hall.say("li", "满意")[0].name == "rated", "she may still rate"


def test_before_the_end_there_is_nothing_to_rate(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    assert hall.refusal("li", case, "rate", score="5").code == "not_now"


def test_the_visit_is_remembered_on_its_last_day(hall: World) -> None:
    case = closed(hall)
    hall.pass_to("2022-04-14T10:00")
    assert {m.not_before for m in hall.outbox(case, "duty_today")} == {at("2022-04-14T09:00")}


@pytest.mark.clause("XJ-3.2c")
def test_redo_needs_a_subjective_cause_that_the_operator_confirms(world: World) -> None:
    case = closed(world)
    proposal = {"cause_proposed": "subjective", "cause_reason": "只回了一句话，没有依据"}
    assert world.refusal("zhou", case, "propose_cause", **proposal).code == "not_now", "first the visit"
    world.do(
        "zhou", case, "follow_up", visit_way="phone", visit_satisfied="dissatisfied", visit_opinion="敷衍"
    )
    assert world.refusal("xiao", case, "redo", judge_reason="没有依据").code == "not_now", (
        "first the proposal"
    )
    assert isinstance(world.refusal("zhou", case, "propose_cause", cause_proposed="subjective"), Incomplete)
    world.do("zhou", case, "propose_cause", **proposal)
    assert {m.person_id for m in world.outbox(case, "judge_card")} == {world.who("xiao").id}
    for other in ("zhou", "tan", "zhang", "chen", "gu", "li"):
        assert world.refusal(other, case, "redo", judge_reason="没有依据").code == "not_yours"
    assert isinstance(world.refusal("xiao", case, "redo"), Incomplete)

    world.pass_to("2022-04-12T10:00")
    case = world.do("xiao", case, "redo", judge_reason="回复没有说明依据")

    assert (case.stage, case.round) == ("WITH_UNIT", 2), "the first redo is the second round"
    assert case.at("redo_at") == world.now
    assert world.due_day(case) == "2022-04-25", "ten working days anew"
    assert {m.person_id for m in world.outbox(case, "redo_card")} == {
        world.who(k).id for k in ("zhang", "liu", "wu")
    }
    assert {m.person_id for m in world.outbox(case, "redo_copy")} == {world.who(k).id for k in ("chen", "gu")}
    assert "4月25日" in drawn(world, world.outbox(case, "redo_told")[0])
    (judged,) = [e for e in world.events(case) if e.act == "redo"]
    assert judged.actor_id == world.who("xiao").id
    assert world.words(case)["judge_reason"] == "回复没有说明依据"

    again = world.delivered(world.result(case, result="附上了依据和图纸。"))
    assert again.stage == "CLOSED"
    assert world.say("li", "满意")[0].name == "rated", "each round is rated"

    objective = closed(world, "wang")
    world.do("zhou", objective, "follow_up", visit_way="phone", visit_satisfied="dissatisfied")
    world.do("zhou", objective, "propose_cause", cause_proposed="objective", cause_reason="楼下住户不同意")
    assert isinstance(world.refusal("xiao", objective, "judge_objective"), Incomplete), "it needs a reason"
    judged_case = world.do("xiao", objective, "judge_objective", judge_reason="法律要求三分之二同意")
    assert (judged_case.stage, judged_case.round) == ("CLOSED", 1)
    assert world.duty(objective, "limit") is None
    assert not world.outbox(objective, "redo_card")


def test_who_is_satisfied_is_not_sent_round_again(hall: World) -> None:
    case = closed(hall)
    hall.do("zhou", case, "follow_up", visit_way="phone", visit_satisfied="satisfied")
    given = {"cause_proposed": "subjective", "cause_reason": "没有"}
    assert hall.refusal("zhou", case, "propose_cause", **given).code == "not_now"


def test_a_redo_runs_through_the_unit_again_whole(hall: World) -> None:
    case = closed(hall)
    hall.do("zhou", case, "follow_up", visit_way="phone", visit_satisfied="dissatisfied")
    hall.do("zhou", case, "propose_cause", cause_proposed="subjective", cause_reason="敷衍")
    case = hall.do("xiao", case, "redo", judge_reason="敷衍")
    assert case.at("signed_for_at") is None
    result = {"handled": "加装电梯", "result": "重新审过了", "solved": "yes"}
    assert hall.refusal("zhang", case, "hand_in", **result).code == "not_before", "signed for anew"
    hall.do("liu", case, "sign_for")
    hall.do("liu", case, "hand_in", **result)
    case = hall.do("chen", case, "sign_off")
    assert case.at("replied_at") == hall.now
    assert len([m for m in hall.outbox(case, "result") if m.state == "due"]) == 1


def test_what_the_window_answered_itself_is_no_units_to_redo(hall: World) -> None:
    case = hall.tell("li")
    hall.do("zhou", case, "accept")
    hall.do("zhou", case, "resolve", scope_code="policy", result="当场说清了。", solved="yes")
    case = hall.delivered(case)
    hall.do("zhou", case, "follow_up", visit_way="phone", visit_satisfied="dissatisfied")
    given = {"cause_proposed": "subjective", "cause_reason": "没有"}
    assert hall.refusal("zhou", case, "propose_cause", **given).code == "not_now"


def test_a_rating_in_the_middle_of_another_matter_is_taken(hall: World) -> None:
    case = closed(hall)
    hall.say("li", "我还有一件事，水表一直没人来换")
    hall.say("li", choice="rate:4", case_id=case.id)
    assert hall.again(case).codes["score"] == "4"
    assert hall.say("li", "说完了")[-1].name == "ask_relation", "and the other matter goes on"
