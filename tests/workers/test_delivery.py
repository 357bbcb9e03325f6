"""Delivery on the real wire: once, by a way that is open, and in the end by a person."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from core import outbox, store
from core.case import Case
from tests.workers.office import Hall
from tests.world import at
from workers import delivery


def signed(hall: Hall) -> Case:
    """A result, signed off; what came before is not told here."""
    case = hall.world.dispatch(hall.world.tell("li"))
    hall.clear()
    return hall.world.result(case)


@pytest.mark.clause("XJ-A4.3")
def test_the_last_delivery_of_the_result_closes_the_case_once(both: Hall) -> None:
    both.open_window()
    case = signed(both)
    both.deliver()
    closed = both.world.again(case)
    acts = [e.act for e in both.world.events(case)]
    assert closed.stage == "CLOSED"
    assert acts.count("delivered") == 3 and acts.count("delivered_all") == 1
    assert closed.codes["feedback_way"] == "wechat"
    assert both.deliver() == 0


@pytest.mark.clause("XJ-2.2b")
def test_a_dispatch_is_one_card_to_each_officer_and_one_message_to_the_group(desk: Hall) -> None:
    case = desk.world.tell("li")
    desk.clear()
    desk.world.dispatch(case)
    desk.deliver()
    officers = {m.person_id for m in desk.world.outbox(case, "dispatch_card")}
    assert all(m.state == "sent" for m in desk.world.outbox(case) if m.unit_id or m.person_id in officers)
    (group,) = desk.world.outbox(case, "dispatch_group")
    assert group.route == "group"


def test_what_a_killed_worker_had_claimed_is_sent_once_when_its_lease_ends(both: Hall) -> None:
    both.open_window()
    case = signed(both)
    with store.transaction(both.world.office.engine) as conn:
        abandoned = outbox.claim(conn, now=both.world.now, machine=both.machine.now)
    assert abandoned and both.deliver() == 0
    both.machine.passes(seconds=61)
    both.deliver()
    assert len(both.chat(both.oa, "li")) == 2  # the result, and the request to rate it
    assert both.world.again(case).stage == "CLOSED"


def test_a_worker_whose_lease_was_taken_over_marks_nothing(desk: Hall) -> None:
    desk.open_window()
    case = signed(desk)
    with store.transaction(desk.world.office.engine) as conn:
        late = outbox.claim(conn, now=desk.world.now, machine=desk.machine.now)
    desk.machine.passes(seconds=61)
    desk.deliver()
    done = len(desk.world.events(case))
    delivery.Round(desk.service, desk.world.now, desk.machine.now).deliver(late)
    assert len(desk.world.events(case)) == done


@pytest.mark.parametrize("kind", ["lost", "5xx", "busy", "throttled", "drop"])
def test_after_a_fault_of_the_platform_staff_read_the_card_once(desk: Hall, kind: str) -> None:
    case = signed(desk)
    desk.fault(desk.corp, kind, count=3, at="message/send")
    desk.deliver()
    for _ in range(4):
        desk.machine.passes(hours=1)
        desk.deliver()
    assert all(m.state == "sent" for m in desk.messages(case, "result_copy"))
    for who in ("zhoumin", "guzheng"):
        cards = [row for row in desk.chat(desk.corp, who) if row["kind"] == "template_card"]
        assert len(cards) <= 2 and len({c["task_id"] for c in cards}) == len(cards)


def test_a_token_that_dies_midway_is_renewed(desk: Hall) -> None:
    case = signed(desk)
    desk.deliver()
    other = desk.world.dispatch(desk.world.tell("wang"))
    desk.machine.passes(minutes=2)
    desk.fault(desk.corp, "expire_token", count=1)
    desk.deliver()
    assert {m.state for m in desk.messages(other, "dispatch_card")} == {"sent"}
    assert case.id != other.id


def test_within_48_hours_by_message_later_by_template(desk: Hall) -> None:
    desk.open_window()
    case = desk.world.tell("li")
    desk.clear()
    desk.world.dispatch(case)
    desk.deliver()
    assert desk.one(case, "dispatched").route == "customer_service"
    desk.world.pass_to("2022-04-14T10:00")
    desk.clear()
    desk.world.result(case)
    desk.deliver()
    assert desk.one(case, "result").route == "template"


def test_a_window_that_the_platform_says_is_closed_is_left_for_the_template(desk: Hall) -> None:
    desk.open_window(left=5)
    case = signed(desk)
    desk.fault(desk.oa, "refuse", errcode=45015, count=1, at="custom/send")
    desk.deliver()
    assert desk.one(case, "result").route == "template"
    (window,) = desk.rows(sa.select(store.identity.c.open_left).where(store.identity.c.address == "li"))
    assert window.open_left == 0


@pytest.mark.clause("XJ-A4.3")
def test_where_no_way_is_open_a_person_calls_and_three_calls_count(plain: Hall) -> None:
    case = signed(plain)
    plain.deliver()
    assert plain.one(case, "result").route == "call_task"
    assert plain.world.duty(case, "call") is not None
    assert plain.world.duty(case, "to_applicant") is not None
    assert {m.state for m in plain.messages(case, "call_task")} == {"sent"}
    for half_day in ("2022-04-18T10:00", "2022-04-18T14:00", "2022-04-19T10:00"):
        plain.world.now = at(half_day)
        plain.world.do("zhou", case, "log_attempt", reached="no")
    assert plain.world.again(case).stage == "CLOSED"


def test_a_convenience_that_reaches_nobody_is_dropped_without_a_call(plain: Hall) -> None:
    case = signed(plain)
    plain.world.delivered(case)
    plain.deliver()
    assert plain.one(case, "rating_prompt").state == "replaced"
    assert plain.world.duty(case, "call", open_only=False) is None


def test_a_reader_who_left_gets_a_call_not_another_try(desk: Hall) -> None:
    desk.open_window()
    case = signed(desk)
    desk.act(desk.oa, "people", id="li", following=False)
    desk.fault(desk.oa, "refuse", errcode=40003, count=1, at="custom/send")
    desk.deliver()
    assert desk.one(case, "result").route == "call_task"


def test_staff_nobody_can_reach_stay_visible(desk: Hall) -> None:
    case = signed(desk)
    desk.act(desk.corp, "people", id="guzheng", in_scope=False)
    desk.deliver()
    dead = [m for m in desk.messages(case, "result_copy") if m.state == "dead"]
    assert len(dead) == 1 and dead[0].error
    assert desk.world.duty(case, "to_discipline_office") is not None


def test_a_budget_is_never_exceeded_and_nothing_is_dropped(desk: Hall) -> None:
    person = desk.world.who("zhou")
    case = desk.world.tell("li")
    desk.clear()
    with store.transaction(desk.world.office.engine) as conn:
        for n in range(40):
            outbox.put(
                conn,
                key=f"many.{n}",
                case_id=case.id,
                notice="human_card",
                clause="XJ-4.1a",
                person_id=person.id,
                now=desk.world.now,
                not_before=desk.world.now,
            )
    desk.deliver()
    assert len(desk.chat(desk.corp, "zhoumin")) == 30
    waiting = [m for m in desk.messages(case, "human_card") if m.state == "due"]
    assert len(waiting) == 10 and all(m.attempts == 0 for m in waiting)
    for _ in range(9):
        desk.machine.passes(seconds=10)
        desk.deliver()
    assert len(desk.chat(desk.corp, "zhoumin")) == 40


def test_a_reminder_of_what_was_done_meanwhile_stays_at_home(desk: Hall) -> None:
    case = desk.world.dispatch(desk.world.tell("li"))
    desk.clear()
    desk.world.pass_to("2022-04-11T15:00")
    chased = desk.messages(case, "sign_for_chase")
    assert chased
    desk.world.do("zhang", case, "sign_for")
    desk.deliver()
    assert {m.state for m in desk.messages(case, "sign_for_chase")} == {"replaced"}


def test_a_message_of_ours_that_cannot_be_drawn_holds_up_no_other(desk: Hall) -> None:
    case = desk.world.tell("li")
    desk.clear()
    person, now = desk.world.who("zhou"), desk.world.now
    with store.transaction(desk.world.office.engine) as conn:
        for n, notice in enumerate(("no_such_notice", "intake_card")):
            common = {"case_id": case.id, "notice": notice, "clause": "XJ-2.1d", "person_id": person.id}
            outbox.put(conn, key=f"odd.{n}", now=now, not_before=now, **common)  # type: ignore[arg-type]
    desk.deliver()
    assert desk.messages(case, "intake_card")[-1].state == "sent"
    odd = desk.one(case, "no_such_notice")
    assert odd.state == "due" and (odd.error or "").startswith("bug")


def test_a_slow_batch_is_left_before_its_lease_ends(desk: Hall) -> None:
    case = signed(desk)
    claimed_at = desk.machine.now
    desk.machine.passes(seconds=11)
    assert delivery.step(desk.service, desk.world.now, claimed_at) > 0
    assert all(m.state == "due" and m.attempts == 0 for m in desk.messages(case, "result_copy"))
    assert desk.deliver() > 0 and all(m.state == "sent" for m in desk.messages(case, "result_copy"))
