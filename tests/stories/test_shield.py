"""Who complains about conduct is shielded: the unit complained about never learns who it was."""

import json

import pytest

from core.case import Case
from core.refusals import Incomplete
from tests.stories.reading import all_words, answers, drawn, papers_of
from tests.world import World

SHIELD = "申请人信息由窗口保管"
WORDS = "孙二娘说：窗口的小刘骂我，还踢皮球，我住桃花岭三栋"
UNIT = ("zhang", "liu", "wu", "chen", "he")
SECRETS = (
    "孙二娘",
    "桃花岭",
    "13907310000",
    "07310000",
    "孙小妹",
    "sun@example.com",
    "花岭商行",
    "替父母",
    "family",
)


def complaint(world: World) -> Case:
    case = world.tell(
        "sun",
        matter=WORDS,
        applicant_name="孙二娘",
        applicant_phone="13907310000",
        applicant_email="sun@example.com",
        relation="替父母、家人",
        contact_name="孙小妹",
        applicant_type="企业等法人",
        applicant_unit="花岭商行",
    )
    assert case.shielded
    return case


def everything_read_by(world: World, who: str, case: Case) -> str:
    """All that somebody can see of a case in any way."""
    view = world.see(who, case, reveal=True)
    papers = [
        all_words(world.paper(who, case, form, variant_of(case, form)))
        for form in papers_of(world, who, case)
    ]
    person = world.who(who)
    cards = [drawn(world, m) for m in world.outbox(case) if m.person_id in (person.id, None)]
    data = [
        json.dumps(dict(m.data), ensure_ascii=False)
        for m in world.outbox(case)
        if m.person_id in (person.id, None)
    ]
    return "\n".join([repr(view), *papers, *cards, *data])


def variant_of(case: Case, form: str) -> str:
    return (case.kind or "") if form == "dispatch" else ""


def whole_story(world: World) -> Case:
    """Every way in which the applicant's words travel, up to a redo."""
    case = world.dispatch(complaint(world), scope_code="conduct", content_for_unit="群众反映窗口受理态度不好")
    world.do("zhang", case, "sign_for")
    world.do("zhang", case, "ask", question="是哪一天？")
    world.say("sun", "上周三，我是孙二娘，住桃花岭")
    world.say("sun", kind="image", media_id="p1")
    world.say("sun", "人工 我是孙二娘，你们别告诉他们")
    world.do("zhou", case, "answer_citizen", human_answer="孙二娘您好，不会的")
    world.do("zhou", case, "redact", words_for_unit="发生在上周三")
    case = world.delivered(world.result(case, result="已批评教育"))
    world.say("sun", choice="rate:2", case_id=case.id)
    world.say("sun", "我孙二娘不服")
    opinion = {"visit_way": "phone", "visit_satisfied": "dissatisfied", "visit_opinion": "孙二娘：没有道歉"}
    world.do("zhou", case, "follow_up", **opinion)
    world.do("zhou", case, "propose_cause", cause_proposed="subjective", cause_reason="孙二娘没有得到道歉")
    return world.do("xiao", case, "redo", judge_reason="孙二娘说的属实")


@pytest.mark.parametrize("who", ["孙二娘", "孙小妹", "13907310000"])
def test_what_is_written_for_group_and_unit_does_not_say_who_complained(hall: World, who: str) -> None:
    case = complaint(hall)
    hall.do("zhou", case, "accept")
    told = {"subject": "窗口态度", "content_for_unit": "群众反映态度不好", "scope_code": "conduct"}
    sent = {**told, "level": "complex", "unit": "housing"}

    def wrong(act: str, **values: str) -> dict[str, str]:
        refused = hall.refusal("zhou", case, act, **values)
        assert isinstance(refused, Incomplete)
        return dict(refused.problems)

    for field in ("subject", "content_for_unit"):
        assert wrong("dispatch", **{**sent, field: f"{told[field]}（{who}）"}) == {field: "personal"}
    hall.do("zhou", case, "dispatch", **sent)
    assert wrong("redact", words_for_unit=f"{who}说是上周三") == {"words_for_unit": "personal"}


def test_the_unit_complained_about_reads_nothing_of_her(world: World) -> None:
    case = whole_story(world)
    for officer in UNIT:
        read = everything_read_by(world, officer, case)
        for secret in SECRETS:
            assert secret not in read, (officer, secret, read[max(0, read.index(secret) - 80) :][:200])
        view = world.see(officer, case)
        assert view.hidden
        assert view.words["applicant_name"] == view.words["applicant_phone"] == SHIELD
        assert view.words["content"] == "群众反映窗口受理态度不好"
        assert view.words["words_for_unit"] == "发生在上周三", "what the window wrote for it arrives"


@pytest.mark.clause("XJ-1.4")
def test_coordination_and_conduct_are_two_values_of_one_category(world: World) -> None:
    scope = {choice.code: choice.clause for choice in world.rules.intake.scope}
    assert scope["coordination"] == scope["conduct"] == "XJ-1.4"
    ordinary = world.dispatch(world.tell("li"), scope_code="coordination")
    conduct = world.dispatch(complaint(world), scope_code="conduct")
    assert (ordinary.codes["scope_code"], conduct.codes["scope_code"]) == ("coordination", "conduct")
    assert not ordinary.shielded and conduct.shielded
    assert conduct.codes["conduct_code"]
    (cc,) = world.outbox(conduct, "dispatch_cc")
    assert cc.person_id == world.who("gu").id
    for officer in UNIT:
        read = everything_read_by(world, officer, conduct)
        assert not [secret for secret in SECRETS if secret in read]
    assert world.see("zhang", ordinary).words["applicant_name"] == "李桂兰"


@pytest.mark.clause("XJ-A3.1")
def test_one_sheet_for_three_kinds_with_the_shield_line_for_the_accused(hall: World) -> None:
    assigned = hall.dispatch(hall.tell("li"), level="ordinary")
    external = hall.dispatch(hall.tell("li"), level="external", unit="park")
    hall.pass_to("2022-04-15T09:30")
    hall.do("gu", assigned, "supervise")
    sheets = [
        hall.paper("gu", assigned, "dispatch", "assign"),
        hall.paper("gu", external, "dispatch", "coordinate"),
        hall.paper("gu", assigned, "dispatch", "supervise"),
    ]
    kinds = ("交办单", "协办单", "督办单")
    assert [sheet.title for sheet in sheets] == [f"“办不成事”反映窗口受理事项{kind}" for kind in kinds]
    assert len({tuple(answers(sheet)) for sheet in sheets}) == 1
    filled = [answers(sheet) for sheet in sheets]
    assert filled[0] == filled[1] == filled[2]
    assert all(
        filled[0][label] for label in ("申请人姓名", "联系电话", "事项具体内容", "交办（协办、督办）事项")
    )

    conduct = hall.dispatch(complaint(hall), scope_code="conduct")
    accused = answers(hall.paper("zhang", conduct, "dispatch", "assign"))
    assert [accused[label] for label in ("申请人姓名", "单位", "联系电话", "邮箱")] == [SHIELD] * 4
    full = answers(hall.paper("gu", conduct, "dispatch", "assign"))
    assert [full[label] for label in ("申请人姓名", "单位", "联系电话", "邮箱")] == [
        "孙二娘",
        "花岭商行",
        "13907310000",
        "sun@example.com",
    ]
    assert WORDS in full["事项具体内容"]


def test_the_discipline_office_and_the_window_read_it_whole(hall: World) -> None:
    case = hall.dispatch(complaint(hall), scope_code="conduct")
    for reader in ("gu", "zhou"):
        view = hall.see(reader, case, reveal=True)
        assert view.words["applicant_name"] == "孙二娘"
        assert view.words["content"] == WORDS
        assert not view.hidden


def test_a_phone_is_masked_until_somebody_says_why(hall: World) -> None:
    case = hall.tell("li")
    assert "13800001234" not in repr(hall.see("zhou", case))
    assert hall.see("zhou", case, reveal=True).words["applicant_phone"] == "13800001234"
    assert hall.see("li", case).words["applicant_phone"] == "13800001234", "it is her own"


@pytest.mark.parametrize(
    "given",
    [
        {"scope_code": "conduct"},
        {"scope_code": "business_env", "sub_kind": "complaint"},
        {"scope_code": "business_env", "sub_kind": "report"},
    ],
)
def test_a_matter_found_to_be_about_conduct_at_dispatch_is_shielded_too(
    hall: World, given: dict[str, str]
) -> None:
    case = hall.tell("li")
    hall.do("zhou", case, "accept")
    assert not hall.again(case).shielded
    form = {"subject": "窗口服务", "level": "complex", "unit": "housing", **given}
    refusal = hall.refusal("zhou", case, "dispatch", **form)
    assert getattr(refusal, "problems", {}) == {"content_for_unit": "missing"}
    case = hall.do("zhou", case, "dispatch", **form, content_for_unit="群众反映窗口服务问题")
    assert case.shielded
    view = hall.see("zhang", case)
    assert view.words["content"] == "群众反映窗口服务问题"
    assert view.words["applicant_name"] == SHIELD
    assert "李桂兰" not in everything_read_by(hall, "zhang", case)


def test_once_shielded_always_shielded(hall: World) -> None:
    case = hall.dispatch(complaint(hall), scope_code="conduct")
    hall.do("zhang", case, "sign_for")
    hall.do("zhang", case, "send_back", send_back_reason="不是我们单位的人")
    case = hall.dispatch(case, unit="land", scope_code="coordination")
    assert case.shielded
    assert hall.see("deng", case).words["applicant_name"] == SHIELD


def test_no_call_is_noted_where_nobody_may_call(hall: World) -> None:
    case = hall.dispatch(complaint(hall), scope_code="conduct")
    assert hall.refusal("zhang", case, "note_call", call_note="打了电话").code == "not_now"


def test_the_bot_only_asks_whether_it_is_about_conduct(hall: World) -> None:
    case = hall.tell("li", matter="他们踢皮球，跑了五趟", about_conduct="否")
    assert not case.shielded
    assert hall.tell("wang", matter="他们踢皮球，跑了五趟", about_conduct="是").shielded
