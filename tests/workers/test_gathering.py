"""Few messages: what can wait for a digest does, what must be known at once never does, and each stays on record."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from core import budget, outbox, store
from core.case import Case
from tests.workers.office import Hall
from tests.world import HALL, World, at

PATIENT, URGENT = "answer_card", "human_card"


def tell(hall: Hall, who: str, notice: str, cases: list[Case], mark: str = "") -> None:
    """Notices for a member of staff, one a case, due now."""
    person, now = hall.world.who(who), hall.world.now
    with store.transaction(hall.world.office.engine) as conn:
        for n, case in enumerate(cases):
            outbox.put(
                conn,
                key=f"{notice}.{mark}.{n}",
                case_id=case.id,
                notice=notice,
                clause="XJ-2.1c",
                person_id=person.id,
                now=now,
                not_before=now,
            )


def quiet(hall: Hall, count: int) -> list[Case]:
    """So many matters, of which nobody has been told yet."""
    cases = [hall.world.tell(f"citizen-{n}") for n in range(count)]
    hall.clear()
    return cases


def most(hall: Hall) -> int:
    return hall.world.office.hall.messages_a_day


def test_after_the_days_messages_what_can_wait_comes_as_one(both: Hall) -> None:
    cases = quiet(both, 3)
    tell(both, "zhou", PATIENT, [cases[0]] * most(both), "many")
    both.deliver()
    assert len(both.chat(both.corp, "zhoumin")) == most(both)
    tell(both, "zhou", PATIENT, cases, "more")
    both.deliver()
    assert len(both.chat(both.corp, "zhoumin")) == most(both)
    both.machine.passes(minutes=5)
    both.world.now = at("2022-04-11T11:30")
    both.deliver()
    *_, digest = both.chat(both.corp, "zhoumin")
    assert len(both.chat(both.corp, "zhoumin")) == most(both) + 1
    for case in cases:
        assert case.number and case.number in str(digest)
    assert "/desk" in str(digest)
    rows = [m for m in both.world.outbox_of("zhou", PATIENT) if ".more." in m.key]
    assert {(m.state, m.route) for m in rows} == {("sent", "digest")}
    assert len({m.platform_ref for m in rows}) == 1 and rows[0].platform_ref
    assert both.deliver() == 0


def test_what_must_be_known_at_once_is_never_kept_back(desk: Hall) -> None:
    (case,) = quiet(desk, 1)
    tell(desk, "zhou", PATIENT, [case] * (most(desk) + 1))
    desk.deliver()
    before = len(desk.chat(desk.corp, "zhoumin"))
    tell(desk, "zhou", URGENT, [case])
    desk.deliver()
    assert len(desk.chat(desk.corp, "zhoumin")) == before + 1


def test_a_new_day_begins_anew(desk: Hall) -> None:
    (case,) = quiet(desk, 1)
    tell(desk, "zhou", PATIENT, [case] * most(desk))
    desk.deliver()
    desk.world.now = at("2022-04-12T09:30")
    desk.machine.passes(days=1)
    tell(desk, "zhou", PATIENT, [case], "morning")
    desk.deliver()
    assert len(desk.chat(desk.corp, "zhoumin")) == most(desk) + 1


def test_a_single_notice_that_waited_is_no_digest(desk: Hall) -> None:
    (case,) = quiet(desk, 1)
    tell(desk, "zhou", PATIENT, [case] * (most(desk) + 1))
    desk.deliver()
    desk.world.now = at("2022-04-11T11:30")
    desk.machine.passes(minutes=5)
    desk.deliver()
    assert {m.route for m in desk.world.outbox_of("zhou", PATIENT)} == {"card"}


def test_what_was_settled_meanwhile_is_not_in_the_digest(desk: Hall) -> None:
    cases = quiet(desk, 3)
    tell(desk, "zhang", PATIENT, cases, "strange")  # who has nothing to do with them
    desk.deliver()
    assert {m.state for m in desk.world.outbox_of("zhang", PATIENT)} == {"replaced"}


def test_a_digest_whose_answer_was_lost_is_not_sent_twice(desk: Hall) -> None:
    cases = quiet(desk, 2)
    tell(desk, "zhou", PATIENT, [cases[0]] * most(desk), "many")
    tell(desk, "zhou", PATIENT, cases, "more")
    desk.deliver()
    desk.world.now = at("2022-04-11T11:30")
    desk.machine.passes(minutes=5)
    desk.fault(desk.corp, "late", count=1, at="message/send")
    desk.deliver()
    desk.machine.passes(minutes=1)
    desk.deliver()
    assert len(desk.chat(desk.corp, "zhoumin")) == most(desk) + 1
    assert {m.state for m in desk.world.outbox_of("zhou", PATIENT)} == {"sent"}


def test_a_delivery_that_hangs_on_a_digest_counts(desk: Hall) -> None:
    case = desk.world.dispatch(desk.world.tell("li"))
    desk.clear()
    for person in HALL.people:  # everybody at the window has been told enough
        if any(post.unit == "window" for post in person.posts):
            tell(desk, person.key, PATIENT, [case] * most(desk), person.key)
    desk.deliver()
    other = desk.world.dispatch(desk.world.tell("wang"))
    desk.clear()
    for one in (case, other):
        desk.world.result(one)
    desk.deliver()
    assert desk.world.duty(case, "to_window") is not None
    desk.machine.passes(minutes=5)
    desk.world.now = at("2022-04-11T11:30")
    desk.deliver()
    assert desk.world.duty(case, "to_window") is None and desk.world.duty(other, "to_window") is None
    assert "digest" in {m.route for m in desk.world.outbox(other, "result_copy")}


def test_one_notice_that_cannot_be_drawn_does_not_spoil_the_digest(desk: Hall) -> None:
    cases = quiet(desk, 2)
    tell(desk, "zhou", PATIENT, [cases[0]] * most(desk), "many")
    tell(desk, "zhou", PATIENT, cases, "more")
    desk.deliver()
    with store.transaction(desk.world.office.engine) as conn:
        broken = store.outbox.c.key == f"{PATIENT}.more.0"
        conn.execute(store.outbox.update().where(broken).values(notice="no_such_notice"))
    desk.world.now = at("2022-04-11T11:30")
    desk.machine.passes(minutes=5)
    desk.deliver()
    rows = {m.key: m for m in desk.world.outbox_of("zhou")}
    assert rows[f"{PATIENT}.more.1"].state == "sent"
    assert (rows[f"{PATIENT}.more.0"].error or "").startswith("bug")


def test_what_gathered_for_a_citizen_over_night_is_one_message(both: Hall) -> None:
    both.open_window()
    case = both.world.dispatch(both.world.tell("li"))
    both.world.do("zhang", case, "sign_for")
    both.world.do("zhang", case, "ask", question="图纸原件还在吗？")
    both.deliver()
    (joined,) = both.chat(both.oa, "li")
    mine = [m for m in both.world.outbox_of("li") if m.state == "sent"]
    assert {m.notice for m in mine} >= {"dispatched", "question"}
    assert "图纸原件" in str(joined) and "0731-" in str(joined)
    assert len({m.platform_ref for m in mine}) == 1
    (left,) = both.rows(sa.select(store.identity.c.open_left).where(store.identity.c.address == "li"))
    assert left.open_left == 4


def test_by_template_each_notice_goes_by_itself(desk: Hall) -> None:
    case = desk.world.dispatch(desk.world.tell("li"))
    desk.world.do("zhang", case, "sign_for")
    desk.world.do("zhang", case, "ask", question="图纸原件还在吗？")
    desk.deliver()
    sent = [m for m in desk.world.outbox_of("li") if m.state == "sent"]
    assert len(desk.chat(desk.oa, "li")) == len(sent) > 1
    assert {m.route for m in sent} == {"template"}


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2022-04-11T09:30", "2022-04-11T11:30"),
        ("2022-04-11T11:30", "2022-04-11T13:30"),
        ("2022-04-11T14:00", "2022-04-11T16:30"),
        ("2022-04-15T16:45", "2022-04-18T09:00"),  # after it a weekend
    ],
)
def test_a_digest_comes_with_a_session_or_before_it_ends(hall: World, now: str, then: str) -> None:
    assert budget.next_digest(hall.office, at(now)) == at(then)
    assert budget.next_digest(hall.office, at(now)) - at(now) > timedelta()


def test_the_operator_is_told_what_went_together(desk: Hall) -> None:
    cases = quiet(desk, 2)
    tell(desk, "zhou", PATIENT, [cases[0]] * most(desk), "many")
    tell(desk, "zhou", PATIENT, cases, "more")
    desk.deliver()
    first, second = (m for m in desk.world.outbox_of("zhou", PATIENT) if ".more." in m.key)
    with store.transaction(desk.world.office.engine) as conn:
        assert outbox.together(conn, first) == (second.id,)
    desk.world.now = at("2022-04-11T11:30")
    desk.machine.passes(minutes=5)
    desk.deliver()
    first = next(m for m in desk.world.outbox_of("zhou", PATIENT) if m.id == first.id)
    with store.transaction(desk.world.office.engine) as conn:
        assert first.state == "sent" and outbox.together(conn, first) == (second.id,)
