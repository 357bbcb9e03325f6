"""The result on its way back: three who get it, three tries to reach her, and when the matter is closed."""

import pytest
import sqlalchemy as sa

from core import outbox, store
from core.case import Case
from core.desk import deliver
from core.refusals import Incomplete
from tests.stories.reading import all_words, answers, drawn
from tests.world import World, at


def arrives(world: World, case: Case, effect: str, *, way: str = "wechat") -> Case:
    """The first message of the result to one of the three reaches its reader."""
    message = next(m for m in waiting(world, case) if m.effect == effect)
    with store.transaction(world.office.engine) as conn:
        conn.execute(sa.update(store.outbox).where(store.outbox.c.id == message.id).values(state="sent"))
        deliver.delivered(world.office, conn, message, way, world.now)
    return world.again(case)


def bounces(world: World, case: Case) -> Case:
    """No way leads to the applicant."""
    message = next(m for m in waiting(world, case) if m.effect == "to_applicant")
    with store.transaction(world.office.engine) as conn:
        conn.execute(sa.update(store.outbox).where(store.outbox.c.id == message.id).values(state="dead"))
        deliver.unreachable(world.office, conn, message, world.now)
    return world.again(case)


def waiting(world: World, case: Case) -> list[outbox.Message]:
    return [m for m in world.outbox(case) if m.effect and m.state == "due"]


@pytest.mark.clause("XJ-A4.3")
def test_the_third_delivery_closes_and_three_failed_calls_count_as_one(world: World) -> None:
    case = world.dispatch(world.tell("li"), level="ordinary")
    world.pass_to("2022-04-14T16:30")
    case = world.result(case)
    assert world.duty(case, "limit") is None, "the signed result on the due day meets the limit"
    assert not [e for e in world.events(case) if e.act == "delivered"]
    assert {m.person_id for m in waiting(world, case)} == {
        world.who(k).id for k in ("li", "gu", "zhou", "tan")
    }

    world.pass_to("2022-04-15T10:00")
    arrives(world, case, "to_discipline_office")
    case = arrives(world, case, "to_window")
    assert (case.stage, case.at("closed_at")) == ("DELIVERING", None), "two of three"
    assert not world.again(case).overdue

    case = bounces(world, case)
    assert {m.person_id for m in world.outbox(case, "call_task")} == {
        world.who(k).id for k in ("zhou", "tan")
    }
    bounces_twice = [m for m in waiting(world, case) if m.effect == "to_applicant"]
    assert not bounces_twice
    for half_day in ("2022-04-18T10:00", "2022-04-18T14:00"):
        world.pass_to(half_day)
        case = world.do("zhou", case, "log_attempt", reached="no")
        assert case.stage == "DELIVERING"
    world.pass_to("2022-04-19T10:00")
    case = world.do("tan", case, "log_attempt", reached="no")
    assert case.stage == "CLOSED"
    assert case.at("closed_at") == at("2022-04-19T10:00")
    assert not case.overdue and not world.outbox(case, "overdue_alert")


def test_three_calls_within_an_hour_are_one_attempt(hall: World) -> None:
    case = bounces(hall, hall.result(hall.dispatch(hall.tell("li"))))
    for minute in range(3):
        hall.pass_to(f"2022-04-11T10:0{minute}")
        case = hall.do("zhou", case, "log_attempt", reached="no")
    assert hall.duty(case, "call") and hall.duty(case, "to_applicant")
    assert [e.data["attempt"] for e in hall.events(case) if e.act == "log_attempt"] == [1, 1, 1]

    hall.pass_to("2022-04-11T14:00")
    hall.do("zhou", case, "log_attempt", reached="no")
    hall.pass_to("2022-04-12T09:30")
    case = hall.do("zhou", case, "log_attempt", reached="no")
    assert hall.duty(case, "call") is None and hall.duty(case, "to_applicant") is None


def test_whoever_is_reached_is_reached_however_often_it_failed_before(hall: World) -> None:
    case = bounces(hall, hall.result(hall.dispatch(hall.tell("li"))))
    hall.do("zhou", case, "log_attempt", reached="no")
    hall.do("zhou", case, "log_attempt", reached="yes")
    assert hall.duty(case, "call") is None and hall.duty(case, "to_applicant") is None


def test_three_deliveries_in_any_order_close_once(hall: World) -> None:
    case = hall.result(hall.dispatch(hall.tell("li")))
    case = arrives(hall, case, "to_applicant")
    case = arrives(hall, case, "to_window")
    assert case.stage == "DELIVERING"
    hall.pass_to("2022-04-12T09:30")
    case = arrives(hall, case, "to_discipline_office")
    assert case.at("closed_at") == hall.now
    arrives(hall, case, "to_window")
    assert [e.act for e in hall.events(case)].count("delivered_all") == 1
    (to_her,) = [e for e in hall.events(case) if e.data.get("to") == "to_applicant"]
    assert (to_her.data["way"], to_her.data["person"]) == ("wechat", hall.who("li").id)


def test_a_call_that_gets_through_delivers(hall: World) -> None:
    case = hall.result(hall.dispatch(hall.tell("li")))
    arrives(hall, case, "to_discipline_office")
    arrives(hall, case, "to_window")
    bounces(hall, case)
    case = hall.do("zhou", case, "log_attempt", reached="yes", attempt_note="说清楚了")
    assert case.stage == "CLOSED"
    assert case.codes["feedback_way"] == "phone"
    assert hall.duty(case, "call") is None


def test_the_way_of_every_delivery_is_on_record(world: World) -> None:
    case = world.result(world.dispatch(world.tell("li")))
    (card,) = world.outbox(case, "result")
    assert card.person_id == world.who("li").id
    assert "已受理，三日内出图审意见。" in drawn(world, card)

    for missing in ("feedback_way", "delivered_on"):
        given = {"feedback_way": "post", "delivered_on": "2022-04-11T16:00"}
        refusal = world.refusal("zhou", case, "deliver", **{**given, missing: ""})
        assert isinstance(refusal, Incomplete) and refusal.problems == {missing: "missing"}
    ways = [choice.code for choice in world.rules.ways]
    assert ways == ["in_person", "post", "phone", "wechat", "fax", "other"]
    assert (
        world.refusal("zhou", case, "deliver", feedback_way="pigeon", delivered_on="2022-04-11").code
        == "incomplete"
    )
    case = world.do("zhang", case, "deliver", feedback_way="post", delivered_on="2022-04-11T16:00")
    assert case.codes["feedback_way"] == "post"
    assert at("2022-04-11T16:00").isoformat() == case.codes["delivered_on"]

    lost = bounces(world, world.result(world.dispatch(world.tell("wang"))))
    assert {m.person_id for m in world.outbox(lost, "call_task")} == {
        world.who(k).id for k in ("zhou", "tan")
    }

    conduct = world.result(world.dispatch(world.tell("sun"), scope_code="conduct"))
    given = {"feedback_way": "in_person", "delivered_on": "2022-04-11T16:00"}
    assert world.do("zhou", conduct, "deliver", **given).codes["feedback_way"] == "in_person"


def test_solved_no_is_printed_with_its_reason(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    case = hall.result(case, solved="no", unsolved_reason="楼下住户没有同意")
    form = answers(hall.paper("li", case, "result"))
    assert form["是否解决"] == "是 □　否 ☑"
    assert form["未解决的原因"] == "楼下住户没有同意"
    assert "2022年4月11日" in all_words(hall.paper("li", case, "result"))


def test_who_came_to_the_desk_gets_the_result_through_a_person(hall: World) -> None:
    case = hall.result(hall.dispatch(hall.register()))
    case = bounces(hall, case)
    assert "call_task" in hall.told("zhou", case)
    hall.pass_to("2022-04-13T10:00")
    assert hall.told("zhou", case).count("call_task") == 2, "and is not forgotten"
