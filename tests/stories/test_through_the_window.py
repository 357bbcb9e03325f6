"""Extension and delivery as the regulation says them whole: also where the unit must not meet the applicant."""

import pytest
import sqlalchemy as sa

from core import case as cases
from core import outbox, store
from core.desk import deliver
from core.refusals import Incomplete, Refusal
from core.store import transaction
from core.workdays import SHANGHAI
from tests.world import World

ASKED = {"extension_reason": "图审排队", "extension_due": "2022-04-28"}
CONSENT = {"consent_way": "phone", "consent_at": "2022-04-13T10:00", "consent_words": "可以等到28号"}


@pytest.mark.clause("XJ-2.3d")
def test_an_extension_needs_recorded_consent_and_then_moves_date_filing_and_reminders(hall: World) -> None:
    case = hall.dispatch(hall.tell())
    hall.do("zhang", case, "sign_for")
    hall.pass_to("2022-04-13T10:30")
    with pytest.raises(Incomplete) as gaps:
        hall.do("zhang", case, "extend", **ASKED)
    assert set(gaps.value.problems) == {"consent_way", "consent_at", "consent_words"}
    hall.do("zhang", case, "extend", **ASKED, **CONSENT)
    assert hall.due_day(case) == "2022-04-24"
    hall.do("xiao", case, "approve_extension")
    assert hall.due_day(case) == "2022-04-28"
    assert "extension_filed" in hall.told("zhou", case)
    hall.pass_to("2022-04-27T12:00")
    reminded = hall.outbox(case, "remind_before", "remind_day")
    assert {m.not_before.astimezone(SHANGHAI).date().isoformat() for m in reminded} == {"2022-04-27"}
    hall.pass_to("2022-04-28T17:00")
    assert not hall.again(case).overdue


@pytest.mark.clause("XJ-2.3d")
def test_in_a_conduct_matter_the_window_asks_and_records(hall: World) -> None:
    case = hall.dispatch(hall.tell(matter="窗口的人态度很差，推来推去"))
    assert case.shielded
    hall.pass_to("2022-04-13T10:30")
    hall.do("zhang", case, "extend", **ASKED)
    assert "consent_task" in hall.told("zhou", case)
    assert "extension_check" not in hall.told("li", case)
    with pytest.raises(Refusal, match="consent_missing"):
        hall.do("xiao", case, "approve_extension")
    with pytest.raises(Refusal):
        hall.do("zhang", case, "consent", **CONSENT)
    hall.do("zhou", case, "consent", **CONSENT)
    assert "extension_check" in hall.told("li", case)
    assert "consent_words" not in hall.see("zhang", case).words
    hall.do("xiao", case, "approve_extension")
    assert hall.due_day(case) == "2022-04-28"


@pytest.mark.clause("XJ-2.3f")
def test_a_delivery_names_its_way_and_time_and_the_window_delivers_for_a_shielded_case(hall: World) -> None:
    open_case = hall.result(hall.dispatch(hall.tell()))
    sent = [m for m in hall.outbox(open_case, "result") if m.person_id == open_case.contact_id]
    assert len(sent) == 1, "微信 sends a card"
    with pytest.raises(Incomplete) as gaps:
        hall.do("zhang", open_case, "deliver", feedback_way="post")
    assert set(gaps.value.problems) == {"delivered_on"}
    hall.do("zhang", open_case, "deliver", feedback_way="post", delivered_on="2022-04-11T15:00")
    assert hall.again(open_case).codes["feedback_way"] == "post"

    walk_in = hall.do(
        "zhou", hall.register(), "resolve", scope_code="policy", result="已当场补齐。", solved="yes"
    )
    message = hall.outbox(walk_in, "result")[0]
    with transaction(hall.office.engine) as conn:
        deliver.unreachable(hall.office, conn, message, hall.now)
    assert hall.duty(walk_in, "call") is not None

    shielded = hall.result(hall.dispatch(hall.tell("sun", "窗口的人态度很差，推来推去")))
    way = {"feedback_way": "phone", "delivered_on": "2022-04-11T15:00"}
    with pytest.raises(Refusal, match="through_window"):
        hall.do("zhang", shielded, "deliver", **way)
    hall.do("zhou", shielded, "deliver", **way)
    assert hall.duty(shielded, "to_applicant") is None


def test_the_window_notes_an_answer_given_on_the_telephone(hall: World) -> None:
    case = hall.dispatch(hall.register())
    hall.do("zhang", case, "ask", question="门牌号是多少？")
    assert hall.duty(case, "answer") is not None
    hall.do("zhou", case, "answer_for", answer="示范路3号")
    assert hall.duty(case, "answer") is None
    assert "answer_card" in hall.told("zhang", case)


def test_waiting_without_an_answer_does_not_put_off_what_is_overdue(hall: World) -> None:
    case = hall.dispatch(hall.tell(), level="ordinary")
    hall.do("zhang", case, "sign_for")
    hall.do("zhang", case, "ask", question="门牌号是多少？")
    hall.pass_to("2022-04-15T09:00")
    assert hall.again(case).overdue


def test_a_missing_last_event_is_noticed(hall: World) -> None:
    case = hall.dispatch(hall.tell())
    with transaction(hall.office.engine) as conn:
        assert cases.broken_link(conn, hall.office.vault, case.id) is None
        conn.execute(
            sa.delete(store.event).where(store.event.c.case_id == case.id, store.event.c.seq == case.rev)
        )
        assert cases.broken_link(conn, hall.office.vault, case.id) == case.rev


def test_a_dropped_draft_troubles_nobody(hall: World) -> None:
    hall.say("li", "我家的事")
    hall.say("li", "撤回")
    replies = hall.say("li", "确认撤回")
    assert replies[-1].name == "draft_dropped"
    with transaction(hall.office.engine) as conn:
        assert outbox.listed(conn) == ()


def test_an_event_written_anew_breaks_the_link_of_the_one_after_it(hall: World) -> None:
    case = hall.dispatch(hall.tell())
    e, vault = store.event.c, hall.office.vault
    with transaction(hall.office.engine) as conn:
        row = dict(
            conn.execute(sa.select(store.event).where(e.case_id == case.id, e.seq == 1)).one()._mapping
        )
        row.pop("id"), row.pop("digest")
        row["via"] = "somebody who holds the key"
        digest = vault.link(cases._linked("", row))
        conn.execute(
            sa.update(store.event)
            .where(e.case_id == case.id, e.seq == 1)
            .values(via=row["via"], digest=digest)
        )
        assert cases.broken_link(conn, vault, case.id) == 2
