"""A platform that refuses us altogether: everything waits and is seen, nothing is used up, and in the end a person
calls."""

from __future__ import annotations

import pytest

from core import health, outage, store
from core.case import Case
from deploy.sandbox.platform import Running
from tests.workers.office import HTTP, Hall
from tests.world import at


def refuse(hall: Hall, running: Running, errcode: int, count: int = 1000) -> None:
    hall.fault(running, "refuse", errcode=errcode, count=count, at="send")


def mend(hall: Hall, running: Running) -> None:
    hall.act(running, "faults")


def signed(hall: Hall) -> Case:
    case = hall.world.dispatch(hall.world.tell("li"))
    hall.clear()
    return hall.world.result(case)


def calls(hall: Hall, case: Case) -> int:
    return sum(e.act == "unreachable" for e in hall.world.events(case))


def test_days_of_a_wrong_secret_use_up_no_try_and_lose_no_card(both: Hall) -> None:
    case = signed(both)
    refuse(both, both.corp, 40056)
    for _ in range(30):
        both.deliver()
        both.machine.passes(minutes=20)
    waiting = both.messages(case, "result_copy")
    assert waiting and {(m.state, m.attempts, m.error) for m in waiting} == {("due", 0, "refused:wecom")}
    mend(both, both.corp)
    both.deliver()
    assert {m.state for m in both.messages(case, "result_copy")} == {"sent"}
    with store.transaction(both.world.office.engine) as conn:
        assert not outage.standing(conn)


def test_while_it_lasts_one_call_looks_whether_it_is_mended(desk: Hall) -> None:
    signed(desk)
    refuse(desk, desk.corp, 48002)
    desk.deliver()
    before = asked(desk)
    desk.machine.passes(minutes=1)
    desk.deliver()
    assert asked(desk) == before
    desk.machine.passes(minutes=10)
    desk.deliver()
    assert asked(desk) == before + 1


def asked(hall: Hall) -> int:
    """How many messages the platform has been asked to send."""
    found = HTTP.request("GET", f"{hall.corp.url}/_sandbox/calls").json()
    return sum("message/send" in call["path"] for call in found["calls"])


def test_an_applicant_who_waits_too_long_is_called(both: Hall) -> None:
    both.open_window()
    case = signed(both)
    refuse(both, both.oa, 40125)
    both.deliver()
    assert calls(both, case) == 0 and both.one(case, "result").state == "due"
    both.world.now = at("2022-04-11T15:30")  # four office hours later
    both.machine.passes(hours=6)
    both.deliver()
    assert both.one(case, "result").route == "call_task"
    assert calls(both, case) == 1 and both.world.duty(case, "call") is not None


def test_staff_are_waited_for_however_long_it_takes(desk: Hall) -> None:
    case = signed(desk)
    refuse(desk, desk.corp, 40056)
    desk.deliver()
    desk.world.now = at("2022-04-14T10:00")
    desk.machine.passes(days=3)
    desk.deliver()
    assert {m.state for m in desk.messages(case, "result_copy")} == {"due"}


def test_it_is_shown_where_the_operator_looks(desk: Hall) -> None:
    signed(desk)
    refuse(desk, desk.corp, 40056)
    desk.deliver()
    report = health.report(desk.world.office.engine, desk.world.now, desk.world.office.calendar)
    assert report["refused"] == {"wecom": "agent"} and report["ok"] is False


@pytest.mark.parametrize("errcode", [99999, 45008])
def test_what_one_message_meets_stops_no_other_and_ends_at_a_person(desk: Hall, errcode: int) -> None:
    """A code nobody knows, a fault of ours: neither is the whole platform's, and the result still has to arrive."""
    desk.open_window()
    case = signed(desk)
    desk.fault(desk.oa, "refuse", errcode=errcode, count=1000, at="send")
    for _ in range(12):
        desk.deliver()
        desk.machine.passes(hours=2)
    with store.transaction(desk.world.office.engine) as conn:
        assert not outage.standing(conn)
    assert desk.one(case, "result").route == "call_task"
