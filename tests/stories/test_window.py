"""The window: registers who comes and calls, answers what it can, dispatches what it cannot."""

from datetime import timedelta

import pytest

from core.case import Case
from core.refusals import Refusal
from core.views import CaseView
from core.workdays import SHANGHAI
from tests.regions.telling import without
from tests.stories.reading import all_words, answers, drawn, ledger_page, papers_of, scan
from tests.world import MATTER, World, at


@pytest.mark.clause("XJ-2.1a")
def test_the_desk_gives_the_same_record_as_the_chat(world: World) -> None:
    online = world.tell("li", applicant_name="王建国", applicant_phone="0731-88889999")
    desk = world.register(intake_channel="hall", prior_channel="", trip_count="5")
    call = world.register(intake_channel="phone")
    site = world.register(intake_channel="website")
    assert [c.channel for c in (online, desk, call, site)] == ["wechat", "hall", "phone", "website"]

    def record(case: Case) -> tuple[object, ...]:
        sheet = world.paper("zhou", case, "registration")
        (row,) = [row for row in world.ledger("zhou", "2022-04-11").rows if row[1] == case.number]
        duty = world.duty(case, "limit")
        assert duty is not None
        codes = {k: case.codes[k] for k in ("applicant_type", "ground", "attachments")}
        return answers(sheet), row[2:], codes, set(case.moments) - {"confirmed_at"}, duty.due_at

    assert record(online) == record(desk)


def test_a_visit_is_registered_with_its_true_time(hall: World) -> None:
    hall.pass_to("2022-04-12T16:00")
    case = hall.register(told_at="2022-04-11T16:40")
    assert case.at("submitted_at") == case.at("accepted_at") == at("2022-04-11T16:40")
    assert case.at("confirmed_at") == hall.now
    assert hall.due_day(case) == "2022-04-14", "the day she came is what counts"
    assert [e.at for e in hall.events(case)] == [hall.now], "and the record says when it was written"

    tomorrow = (hall.now + timedelta(days=1)).astimezone(SHANGHAI).isoformat(timespec="minutes")[:16]
    with pytest.raises(Refusal) as refused:
        hall.register(told_at=tomorrow)
    assert refused.value.code == "told_in_future"


def test_a_firm_at_the_desk_needs_its_name(hall: World) -> None:
    with pytest.raises(Refusal) as refused:
        hall.register(applicant_type="legal_person")
    assert getattr(refused.value, "problems", {}) == {"applicant_unit": "missing"}
    case = hall.register(applicant_type="legal_person", applicant_unit="示范商贸有限公司")
    assert hall.words(case)["applicant_unit"] == "示范商贸有限公司"


@pytest.mark.clause("XJ-2.1d")
def test_a_told_matter_stands_in_the_ledger_at_once_and_the_days_print_can_be_signed(world: World) -> None:
    first = world.tell("li")
    (row,) = world.ledger("zhou", "2022-04-11").rows
    assert row[1] == first.number
    second = world.register()
    world.pass_to("2022-04-12T09:30")
    third = world.tell("wang")

    monday, tuesday = world.ledger("zhou", "2022-04-11"), world.ledger("xiao", "2022-04-12")
    assert [row[1] for row in monday.rows] == [first.number, second.number]
    assert [row[1] for row in tuesday.rows] == [third.number]
    assert monday.heads[-1][0] == "核对人签字"
    assert all(row[-1] == "" for row in monday.rows), "a place for the pen"
    page = ledger_page(world, "zhou", "2022-04-11")
    assert all(str(case.number) in page for case in (first, second)) and str(third.number) not in page
    assert "核对人签字" in page
    with pytest.raises(Refusal) as refused:
        world.ledger("zhang", "2022-04-11")
    assert refused.value.code == "not_yours"


@pytest.mark.clause("XJ-1.3")
def test_repeated_trips_alone_are_a_category(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"), scope_code="repeated_trips")
    assert case.codes["scope_code"] == "repeated_trips"
    assert case.codes["ground"] == "repeated_trips"
    assert hall.attachments(case) == []
    assert answers_of_ledger(hall, case)["事项分类"] == "往返多次未能解决的疑难问题"


def answers_of_ledger(world: World, case: Case) -> dict[str, str]:
    ledger = world.ledger("zhou", "2022-04-11")
    (row,) = [row for row in ledger.rows if row[1] == case.number]
    heads = [head for head, _ in ledger.heads]
    return {head: str(value) for head, value in zip(heads, row, strict=True)}


def test_business_environment_has_four_kinds_and_one_is_needed(hall: World) -> None:
    case = hall.tell("li")
    hall.do("zhou", case, "accept")
    given = {"subject": "开办企业", "level": "complex", "unit": "market", "scope_code": "business_env"}
    refusal = hall.refusal("zhou", case, "dispatch", **given)
    assert getattr(refusal, "problems", {}) == {"sub_kind": "missing"}
    assert hall.do("zhou", case, "dispatch", **given, sub_kind="consult").codes["sub_kind"] == "consult"


@pytest.mark.clause("XJ-2.2a")
def test_what_can_be_answered_on_the_spot_is(world: World) -> None:
    case = world.tell("li")
    world.do("zhou", case, "accept")
    case = world.do(
        "tan", case, "resolve", scope_code="policy", result="去三楼 2 号窗口补一张表。", solved="yes"
    )
    assert (case.stage, case.kind) == ("DELIVERING", "immediate")
    assert world.duty(case, "limit") is None

    case = world.delivered(case)

    assert case.stage == "CLOSED"
    assert not world.outbox(case, "dispatch_card", "dispatch_group", "dispatch_copy", "dispatch_cc")
    assert "dispatch" not in papers_of(world, "zhou", case)
    (solved,) = [e for e in world.events(case) if e.act == "resolve"]
    assert (solved.actor_id, solved.role) == (world.who("tan").id, "duty_cadre")
    row = answers_of_ledger(world, case)
    assert (row["办理方式"], row["办理结果"], row["是否解决"]) == ("即办", "去三楼 2 号窗口补一张表。", "是")
    assert "rating_prompt" in world.told("li", case)


def test_not_solved_on_the_spot_needs_a_reason(hall: World) -> None:
    case = hall.register()
    given = {"scope_code": "policy", "result": "政策不允许。", "solved": "no"}
    assert getattr(hall.refusal("zhou", case, "resolve", **given), "problems", {}) == {
        "unsolved_reason": "missing"
    }
    hall.do("zhou", case, "resolve", **given, unsolved_reason="规划没有调整")


@pytest.mark.clause("XJ-2.2b", "XJ-2.2c", "XJ-A3.3")
def test_a_dispatch_reaches_group_officers_and_head_at_once(world: World) -> None:
    case = world.dispatch(world.tell("li"))

    (group,) = world.outbox(case, "dispatch_group")
    assert group.unit_id == case.unit_id and group.person_id is None
    said = drawn(world, group)
    assert str(case.number) in said and "加装电梯申请未获受理" in said and "4月24日" in said
    for secret in ("李桂兰", "13800001234", "1234", MATTER, MATTER[:8], "李梅"):
        assert secret not in said, secret

    cards = world.outbox(case, "dispatch_card")
    assert [m.person_id for m in cards] == [world.who(key).id for key in ("zhang", "liu", "wu")]
    for key in ("zhang", "liu", "wu"):
        sheet = world.paper(key, case, "dispatch", "assign")
        said = all_words(sheet)
        assert sheet.title == "“办不成事”反映窗口受理事项交办单"
        assert str(case.number) in said and MATTER in said and "2022年4月24日前" in said
        assert "事项申请人、纪工委（执纪监督处）和“办不成事”反映窗口" in said
        assert answers(sheet)["联系电话"] == "13800001234", "ordinary matters name the applicant"
    (card, *_) = cards
    assert "4月24日" in drawn(world, card)

    (head,) = world.outbox(case, "dispatch_copy")
    assert head.person_id == world.who("chen").id
    assert head.created_at == group.created_at == cards[0].created_at
    assert all_words(world.paper("chen", case, "dispatch", "assign")) == said


@pytest.mark.clause("XJ-2.2d", "XJ-2.2e")
def test_the_discipline_office_is_told_of_what_is_dispatched_and_not_of_the_rest(hall: World) -> None:
    assigned = hall.dispatch(hall.tell("li"))
    external = hall.dispatch(hall.tell("wang"), level="external", unit="park")
    spot = hall.register()
    hall.do("zhou", spot, "resolve", scope_code="policy", result="当场说清了。", solved="yes")
    conduct = hall.dispatch(
        hall.register(about_conduct="yes", content="窗口的人对我骂骂咧咧"),
        unit="market",
        scope_code="conduct",
    )

    assert (assigned.kind, external.kind) == ("assign", "coordinate")
    assert hall.due_day(external) == "2022-04-29"
    for case in (assigned, external):
        (cc,) = hall.outbox(case, "dispatch_cc")
        assert cc.person_id == hall.who("gu").id
        assert cc.created_at == hall.outbox(case, "dispatch_card")[0].created_at
    assert not hall.outbox(hall.again(spot), "dispatch_cc")
    (cc,) = hall.outbox(conduct, "dispatch_cc")
    assert cc.person_id == hall.who("gu").id
    full = answers(hall.paper("gu", conduct, "dispatch", "assign"))
    assert (full["申请人姓名"], full["联系电话"]) == ("王建国", "073188889999")
    assert "窗口的人对我骂骂咧咧" in full["事项具体内容"]


@pytest.mark.parametrize(
    ("level", "unit"), [("complex", "park"), ("ordinary", "district"), ("external", "housing")]
)
def test_the_level_must_fit_who_gets_it(hall: World, level: str, unit: str) -> None:
    case = hall.register()
    given = {"subject": "水管", "scope_code": "coordination", "level": level, "unit": unit}
    assert hall.refusal("zhou", case, "dispatch", **given).code == "level_does_not_fit_unit"


@pytest.mark.parametrize(
    ("role", "title"),
    [("unit_head", "主要负责同志"), ("unit_deputy_head", "分管负责同志"), ("handler", "责任人")],
)
def test_each_of_the_three_contacts_is_needed(hall: World, role: str, title: str) -> None:
    without(hall, "housing", role)
    given = {"subject": "社保", "scope_code": "coordination", "level": "complex", "unit": "housing"}
    refusal = hall.refusal("zhou", hall.register(), "dispatch", **given)
    assert (refusal.code, refusal.facts["roles"]) == ("unit_lacks_contacts", title)


def test_a_unit_without_its_three_contacts_gets_nothing(hall: World) -> None:
    case = hall.register()
    given = {"subject": "社保", "scope_code": "coordination", "level": "complex", "unit": "labour"}
    refusal = hall.refusal("zhou", case, "dispatch", **given)
    assert refusal.code == "unit_lacks_contacts"
    assert refusal.facts["roles"] == "分管负责同志"
    assert not hall.outbox(case, "dispatch_card", "dispatch_group")


def test_only_the_window_dispatches(hall: World) -> None:
    case = hall.tell("li")
    hall.do("zhou", case, "accept")
    given = {"subject": "加装电梯", "scope_code": "policy", "level": "complex", "unit": "housing"}
    for stranger in ("li", "zhang", "chen", "gu", "xiao", "deng", "nobody"):
        assert hall.refusal(stranger, case, "dispatch", **given).code == "not_yours"


def test_two_at_the_window_dispatch_once(hall: World) -> None:
    case = hall.tell("li")
    hall.do("zhou", case, "accept")
    drawn = hall.again(case).rev
    given = {"subject": "加装电梯", "scope_code": "policy", "level": "complex"}
    hall.do("zhou", case, "dispatch", drawn, unit="housing", **given)
    refusal = hall.refusal("tan", case, "dispatch", drawn, unit="land", **given)
    assert refusal.code == "done_already"
    assert refusal.facts["name"] == "周敏"
    assert len(hall.outbox(case, "dispatch_group")) == 1


@pytest.mark.clause("XJ-2.1f", "XJ-A2.3")
def test_she_hears_the_promise_at_once_and_the_names_at_dispatch(hall: World) -> None:
    case = hall.tell("li")
    (first,) = hall.outbox(case, "acceptance")
    assert first.person_id == hall.who("li").id
    said = drawn(hall, first)
    for promised in (str(case.number), "0731-88880001", "1—3个工作日", "10个工作日", "15个工作日"):
        assert promised in said
    assert hall.rules.intake.promise in said
    assert all_words(hall.paper("li", case, "registration")).endswith(f"资料，{hall.rules.intake.promise}")

    case = hall.dispatch(case)
    (second,) = hall.outbox(case, "dispatched")
    assert second.person_id == hall.who("li").id
    said = drawn(hall, second)
    for named in ("住房和城乡建设局", "张伟", "0731-88880103", "4月24日"):
        assert named in said

    desk = hall.register()
    (slip,) = hall.outbox(desk, "acceptance")
    said = drawn(hall, slip)
    assert str(desk.number) in said and "0731-88880001" in said and hall.rules.intake.promise in said


def test_what_nobody_confirms_is_told_to_the_operator_while_the_clock_runs(hall: World) -> None:
    hall.pass_to("2022-04-09T20:00")
    case = hall.tell("li")
    assert hall.due_day(case) == "2022-04-13", "told on Saturday: Monday is the first day"
    hall.pass_to("2022-04-11T14:00")
    assert not hall.outbox(case, "unconfirmed_alert")
    hall.pass_to("2022-04-11T14:31")
    (alert,) = hall.outbox(case, "unconfirmed_alert")
    assert alert.person_id == hall.who("xiao").id
    assert hall.see("zhou", case).status == "submitted"
    hall.do("zhou", case, "accept")
    assert hall.see("zhou", case).status == "accepted"


def test_a_picture_sent_later_comes_to_the_case(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    hall.say("li", kind="image", media_id="p9")
    assert [a.media_id for a in hall.attachments(case)] == ["p9"]
    assert "added_card" in hall.told("zhang", case)


@pytest.mark.clause("XJ-A3.4")
def test_the_package_of_a_dispatch_is_whole(hall: World) -> None:
    hall.say("li", MATTER)
    hall.say("li", kind="image", media_id="p1")
    hall.say("li", kind="voice", media_id="v1")
    case = hall.dispatch(hall.tell("li"))
    assert package(hall, "zhang", case) == ({"registration", "dispatch"}, ["material", "voice"])

    hall.say("wang", "住建局的人态度恶劣，故意刁难")
    hall.say("wang", kind="image", media_id="p2")
    conduct = hall.dispatch(hall.tell("wang", matter="他们骂人"), scope_code="conduct")
    assert conduct.shielded
    assert package(hall, "zhang", conduct) == ({"registration", "dispatch"}, [])
    form = hall.paper("zhang", conduct, "registration")
    assert answers(form)["申请人姓名"] == "申请人信息由窗口保管"
    assert answers(form)["反映事项"] == "群众反映窗口受理态度问题"
    hall.do(
        "zhou", conduct, "redact", words_for_unit="照片一张，已隐去姓名", redacted_files=(scan("遮过的照片"),)
    )
    assert package(hall, "zhang", conduct) == ({"registration", "dispatch"}, ["redacted"])
    assert package(hall, "gu", conduct)[1] == ["material", "redacted"]


def package(world: World, who: str, case: Case) -> tuple[set[str], list[str]]:
    view: CaseView = world.see(who, case)
    return set(papers_of(world, who, case)), [a.purpose for a in view.attachments]
