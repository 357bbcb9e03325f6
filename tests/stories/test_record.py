"""What happened stays on record: who, when, from where to where, under which version of the rules."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core import case as cases
from core import flow, store
from core.case import Case, Event
from core.office import Office
from core.policy.load import publish, shipped
from tests.stories.reading import all_words
from tests.world import World, at


def long_life(world: World) -> Case:
    """Told, sent back, extended, late, supervised, answered, rated, sent round again, answered."""
    case = world.dispatch(world.tell("li"), unit="land")
    world.do("deng", case, "sign_for")
    world.do("deng", case, "send_back", send_back_reason="应由住建局办")
    case = world.dispatch(case)
    world.do("zhang", case, "sign_for")
    world.do("zhang", case, "ask", question="产权证在谁名下？")
    world.say("li", "在我妈妈名下")
    given = {
        "extension_reason": "出差",
        "consent_way": "phone",
        "consent_at": "2022-04-11",
        "consent_words": "可以",
    }
    world.do("zhang", case, "extend", extension_due="2022-04-29", **given)
    world.do("xiao", case, "approve_extension")
    world.pass_to("2022-05-05T10:00")
    world.do("gu", case, "supervise")
    case = world.delivered(world.result(case))
    world.say("li", "不满意")
    world.say("li", "太慢了")
    world.do("zhou", case, "follow_up", visit_way="phone", visit_satisfied="dissatisfied")
    world.do("zhou", case, "propose_cause", cause_proposed="subjective", cause_reason="拖")
    world.do("xiao", case, "redo", judge_reason="拖")
    world.do("zhang", case, "sign_for")
    world.pass_to("2022-05-09T10:00")
    case = world.delivered(world.result(case))
    world.do("zhou", case, "follow_up", visit_way="phone", visit_satisfied="satisfied")
    return case


def broken(world: World, case: Case) -> int | None:
    with store.transaction(world.office.engine) as conn:
        return cases.broken_link(conn, world.office.vault, case.id)


@pytest.mark.clause("XJ-4.1c")
def test_every_step_is_written_and_none_is_written_over(world: World) -> None:
    case = world.dispatch(world.tell("li"))
    earlier = world.events(case)
    case = long_life_from(world, case)
    events = world.events(case)
    assert events[: len(earlier)] == earlier, "what was written stays as it was"
    assert [e.seq for e in events] == list(range(1, case.rev + 1))
    at_stage = "DRAFT"
    for event in events:
        assert event.stage_from == at_stage, event.act
        if event.act in flow.ACTS:
            row = flow.MOVES[event.stage_from, event.act]
            assert event.stage_to == row.to
            assert (event.actor_id is None) == (row.slot == "system"), event.act
        assert event.role and event.via and event.at.tzinfo is not None
        at_stage = event.stage_to
    assert at_stage == case.stage
    assert [e.at for e in events] == sorted(e.at for e in events)
    assert len({case.number for _ in events}) == 1
    assert broken(world, case) is None


def long_life_from(world: World, case: Case) -> Case:
    world.do("zhang", case, "sign_for")
    world.do("zhang", case, "ask", question="产权证在谁名下？")
    world.say("li", "在我妈妈名下")
    world.pass_to("2022-04-25T10:00")
    world.do("gu", case, "supervise")
    case = world.delivered(world.result(case))
    world.say("li", "不满意")
    world.do("zhou", case, "follow_up", visit_way="phone", visit_satisfied="dissatisfied")
    world.do("zhou", case, "propose_cause", cause_proposed="subjective", cause_reason="拖")
    return world.do("xiao", case, "redo", judge_reason="拖")


def _changed(column: str, value: object) -> Callable[[Event], sa.Update]:
    def statement(event: Event) -> sa.Update:
        return sa.update(store.event).where(store.event.c.id == event.id).values({column: value})

    return statement


def _removed(event: Event) -> sa.Delete:
    return sa.delete(store.event).where(store.event.c.id == event.id)


@pytest.mark.parametrize(
    "tamper",
    [
        _changed("at", at("2022-04-10T10:00")),
        _changed("actor_id", None),
        _changed("act", "accept"),
        _changed("stage_to", "CLOSED"),
        _changed("data", {"level": "external"}),
        _changed("role", "operator"),
        _removed,
    ],
)
def test_whoever_changes_the_record_is_found_out(
    hall: World, tamper: Callable[[Event], sa.Executable]
) -> None:
    case = hall.dispatch(hall.tell("li"))
    hall.do("zhang", case, "sign_for")
    (touched,) = [e for e in hall.events(case) if e.act == "dispatch"]
    with store.transaction(hall.office.engine) as conn:
        conn.execute(tamper(touched))
    assert broken(hall, case) == touched.seq


def test_events_hold_nothing_personal(hall: World) -> None:
    case = long_life(hall)
    written = repr([(e.act, e.via, e.data) for e in hall.events(case)])
    for personal in ("李桂兰", "13800001234", "电梯", "产权", "妈妈", "太慢", "可以"):
        assert personal not in written


def test_every_message_names_a_clause_of_the_rules(hall: World) -> None:
    case = long_life(hall)
    guided = hall.tell("wang")
    hall.do("zhou", guided, "guide", exclusion="penalty")
    hall.say("wang", "仍请窗口看一看")
    hall.say("wang", "转人工")
    hall.say("sun", "撤回")
    messages = [*hall.outbox(case), *hall.outbox(guided)]
    assert len({m.notice for m in messages}) > 25
    for message in messages:
        assert hall.rules.clauses[message.clause].text, message.notice


def test_every_duty_names_a_clause_of_the_rules(hall: World) -> None:
    case = long_life(hall)
    keys = {duty.key for duty in hall.rules.duties}
    rows = [row for key in keys for row in hall.duties_of(case, key)]
    assert len(rows) > 15
    assert all(row.clause in hall.rules.clauses for row in rows)


@pytest.mark.clause("XJ-3.1b")
def test_the_discipline_office_sees_all_and_alters_no_result(hall: World) -> None:
    told = hall.tell("li")
    case = hall.dispatch(hall.tell("wang"))
    hall.do("zhang", case, "sign_for")
    closed = hall.delivered(hall.result(hall.dispatch(hall.tell("sun"))))
    guided = hall.tell("qian")
    hall.do("zhou", guided, "guide", exclusion="penalty")

    for each in (told, case, closed, guided):
        view = hall.see("gu", each)
        assert [line.act for line in view.history] == [e.act for e in hall.events(each)]
    assert {told.id, case.id, closed.id} <= {c.id for c in hall.to_do("gu")}
    result = {"handled": "电梯", "result": "改掉", "solved": "yes"}
    assert hall.refusal("gu", case, "hand_in", **result).code == "not_yours"
    for act in ("sign_off", "reject", "relevel", "redo", "rate", "resolve", "dispatch", "deliver"):
        for each in (told, case, closed):
            hall.refusal("gu", each, act)


@pytest.mark.clause("XJ-0")
def test_a_case_keeps_the_version_it_was_accepted_under(world: World) -> None:
    assert (world.rules.instrument.number, world.rules.instrument.status) == ("湘新综发〔2022〕11号", "trial")
    assert (world.rules.instrument.dated, world.rules.instrument.approved_by) == ("2022-04-08", "新区党工委")
    old = world.tell("li")
    assert (old.profile, old.policy_version) == ("xiangjiang", "2022-04-08+1")

    newer = World(published(world), world.now)
    new = newer.tell("wang")
    assert new.policy_version == "2022-06-01+1"

    old, new = newer.dispatch(old), newer.dispatch(new)

    assert old.policy_version == "2022-04-08+1"
    assert newer.due_day(old) == "2022-04-24"
    assert newer.due_day(new) == "2022-04-18"
    assert len(newer.outbox(old, "dispatch_cc")) == 1
    assert not newer.outbox(new, "dispatch_cc"), "the new version copies nobody"
    assert newer.paper("gu", old, "dispatch", "assign").title == "“办不成事”反映窗口受理事项交办单"
    assert newer.paper("gu", new, "dispatch", "assign").title == "新版交办单"
    assert "10个工作日" in all_words(newer.paper("li", old, "registration"))


def published(world: World) -> Office:
    """The hall after a second version was published: five days, no copy, another title."""
    _, text = shipped("xiangjiang")
    copied = text.index('template = "dispatch_cc"')
    start, end = text.rindex("[[notices]]", 0, copied), text.index("[[notices]]", copied)
    text = text[:start] + text[end:]
    for before, after in (
        ('version = "2022-04-08"', 'version = "2022-06-01"'),
        ("due = { wd = 10 }", "due = { wd = 5 }"),
        ('assign = "“办不成事”反映窗口受理事项交办单"', 'assign = "新版交办单"'),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    old = world.office
    with store.transaction(old.engine) as conn:
        profile = publish(conn, text, "second", world.now)
    return Office(old.engine, old.vault, old.calendar, old.hours, old.hall, profile, old.files)
