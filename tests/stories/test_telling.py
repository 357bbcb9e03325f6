"""Citizens tell their matter in a conversation, in any order and in their own words; nothing of it is lost."""

from datetime import datetime
from pathlib import Path

import pytest

from core import store
from core.case import Case
from core.desk import deliver
from core.intake import Reply
from core.policy.load import shipped
from tests.stories.reading import all_words, answers, drawn
from tests.world import HALL, MATTER, World, at

EXCLUDED = {
    "petition": "我去信访局上访过两次，还是没有人管这件事",
    "litigation": "法院判了我赢，钱一直没有拿到手",
    "expropriation": "征地的补偿款一直没有发下来",
    "minor_property": "我买的小产权房办不了证",
    "illegal_building": "邻居的违建挡住了我家的光",
    "penalty": "交警的行政处罚我不服，想请你们看看",
    "ruling": "山林的权属争议拖了十年",
    "enforcement": "房子被查封了，过户过不了",
}
TARGETS = {x.code: x.target for x in shipped("xiangjiang")[0].intake.exclusions}


def names(replies: list[Reply]) -> list[str]:
    return [reply.name for reply in replies]


def summary(replies: list[Reply]) -> dict[str, str]:
    assert replies[-1].name == "summary", names(replies)
    return {label: text for _, _, label, text in replies[-1].values["lines"]}


def to_summary(world: World, who: str, *texts: str) -> list[Reply]:
    replies: list[Reply] = []
    for text in texts:
        replies = world.say(who, text)
    return replies


PLAIN = (
    MATTER,
    "说完了",
    "我自己",
    "个人",
    "李桂兰",
    "13800001234",
    "跳过",
    "跑了好几趟，没有解决",
    "没有了",
)

# For a matter that does not say how often she went.
ASKED = (*PLAIN[1:-1], "5", PLAIN[-1])


@pytest.mark.clause("XJ-2.1b", "XJ-1.0c")
def test_she_tells_her_matter_and_holds_the_form_in_her_hand(world: World) -> None:
    replies = to_summary(world, "li", *PLAIN)
    assert summary(replies) == {
        "反映事项": MATTER,
        "为谁反映": "我自己",
        "申请人类型": "个人",
        "申请人姓名": "李桂兰",
        "联系电话": "13800001234",
        "邮箱": "（没有填）",
        "哪种情形": "跑了好几趟，没有解决",
        "跑了几趟": "5",
        "相关资料": "（没有填）",
    }

    replies = world.say("li", "确认提交")

    case = world.case(str(replies[-1].values["number"]))
    assert case.stage == "SUBMITTED"
    assert case.codes["ground"] == "repeated_trips"
    assert case.at("accepted_at") == world.now
    form = answers(world.paper("li", case, "registration"))
    assert form["申请人姓名"] == "李桂兰"
    assert form["联系电话"] == "13800001234"
    assert form["反映事项"] == MATTER


def test_before_she_confirms_there_is_no_case_and_no_limit(hall: World) -> None:
    for text in PLAIN:
        hall.say("li", text)
        assert not hall.numbers()
    hall.say("li", "确认提交")
    assert len(hall.numbers()) == 1


def test_every_required_answer_is_insisted_upon(hall: World) -> None:
    hall.say("li", MATTER)
    hall.say("li", "说完了")
    for text in ("我自己", "个人", "李桂兰"):
        hall.say("li", text)
    for wrong in ("不想说", "12"):
        replies = hall.say("li", wrong)
        assert names(replies)[-1] == "ask_applicant_phone", wrong
    replies = hall.say("li", "没有")
    assert names(replies) == ["later", "ask_applicant_email"], "it does not keep her from the rest"
    replies = to_summary(hall, "li", "跳过", "跑了好几趟，没有解决", "否", "没有了")
    for wrong in ("110", "没有", "没有", "确认提交"):
        assert names(replies)[-1] == "ask_applicant_phone", "without it there is no end"
        replies = hall.say("li", wrong)
    assert not hall.numbers()
    assert names(hall.say("li", "0731-88889999"))[-1] == "summary"


def test_answers_may_come_out_of_order(hall: World) -> None:
    to_summary(hall, "li", MATTER, "说完了")
    replies = hall.say("li", "13800001234")
    assert names(replies) == ["kept_other", "ask_relation"]
    replies = to_summary(hall, "li", "我自己", "个人", "李桂兰")
    assert names(replies) == ["ask_applicant_email"], "the phone was given before"


def test_a_telephone_number_is_nobodys_name(hall: World) -> None:
    to_summary(hall, "li", MATTER, "说完了", "我自己", "个人")
    assert names(hall.say("li", "13800001234")) == ["kept_other", "ask_applicant_name"]
    assert names(hall.say("li", "李桂兰")) == ["ask_applicant_email"]


@pytest.mark.parametrize("said", ["13800001234", "138 0000 1234", "我电话是13800001234", "+86 138-0000-1234"])
def test_a_number_may_be_said_in_a_sentence(hall: World, said: str) -> None:
    to_summary(hall, "li", MATTER, "说完了", "我自己", "个人", "李桂兰")
    assert names(hall.say("li", said)) == ["ask_applicant_email"]
    assert hall.words(hall.of_contact("li"))["applicant_phone"] == "13800001234"


def test_a_lake_is_no_request_for_a_person(hall: World) -> None:
    hall.say("li", "人工湖边上的围栏坏了半年，找了五次没人管")
    replies = to_summary(hall, "li", *ASKED)
    assert summary(replies)["反映事项"].startswith("人工湖")
    assert not hall.outbox_of("zhou", "human_card")


def test_a_question_in_between_is_answered_and_the_form_goes_on(hall: World) -> None:
    to_summary(hall, "li", MATTER, "说完了")
    assert names(hall.say("li", "要等多久？")) == ["faq", "ask_relation"]
    to_summary(hall, "li", "我自己", "个人")
    replies = hall.say("li", "你们几点下班？")
    assert names(replies) == ["faq", "ask_applicant_name"], "a question is nobody's name"
    assert replies[0].values["key"] == "where"


@pytest.mark.parametrize(
    "matter",
    [
        "公司注册地址变更办不下来",
        "办证收费不合理，问了几天没人理",
        "等了几天没有消息",
        "窗口说材料不齐，到底要什么材料也不说清",
    ],
)
def test_a_short_matter_is_a_matter_and_no_question(hall: World, matter: str) -> None:
    hall.say("li", matter)
    hall.say("li", "说完了")
    replies = to_summary(hall, "li", *ASKED[1:])
    assert summary(replies)["反映事项"] == matter


def test_she_may_put_any_item_right_in_the_summary(hall: World) -> None:
    to_summary(hall, "li", *PLAIN)
    assert names(hall.say("li", "改第4项")) == ["ask_applicant_name"]
    assert summary(hall.say("li", "李桂芳"))["申请人姓名"] == "李桂芳"
    assert names(hall.say("li", "改第三项")) == ["ask_applicant_type"]
    assert names(hall.say("li", "企业等法人")) == ["ask_applicant_unit"], "a firm has a name"
    assert summary(hall.say("li", "示范商贸有限公司"))["单位"] == "示范商贸有限公司"
    assert names(hall.say("li", "改第1项")) == ["content_anew"]
    hall.say("li", "换一件事：营业执照变更被退回三次")
    assert summary(hall.say("li", "说完了"))["反映事项"] == "换一件事：营业执照变更被退回三次"
    assert names(hall.say("li", "改第99项"))[0] == "no_such_item"
    assert names(hall.say("li", "确认提交"))[-1] == "submitted"


def test_back_goes_one_question_back(hall: World) -> None:
    to_summary(hall, "li", MATTER, "说完了", "我自己", "个人", "李桂兰")
    assert names(hall.say("li", "上一步")) == ["ask_applicant_name"]
    assert names(hall.say("li", "李桂芳")) == ["ask_applicant_phone"]


def test_after_three_days_she_goes_on_where_she_stopped(world: World) -> None:
    to_summary(world, "li", *PLAIN[:5])
    world.pass_to("2022-04-14T20:00")
    assert names(world.say("li", "您好")) == ["resume", "ask_applicant_phone"]
    replies = to_summary(world, "li", *PLAIN[5:])
    assert summary(replies)["反映事项"] == MATTER
    world.say("li", "确认提交")
    (number,) = world.numbers()
    assert number == "XJ202200001"
    assert world.case(number).at("accepted_at") == world.now, "the clock runs from the submission"


@pytest.mark.parametrize("texts", [(), PLAIN[:1], PLAIN[:4], PLAIN])
def test_a_person_may_be_asked_for_at_any_point_also_at_night(hall: World, texts: tuple[str, ...]) -> None:
    hall.pass_to("2022-04-12T21:00")
    for text in texts:
        hall.say("li", text)
    asked = hall.say("li", "转人工，我不会打字")
    if texts:
        assert names(asked)[-1] in ("content_more", "ask_applicant_name", "summary"), "and the form goes on"

    (soon,) = hall.outbox_of("li", "human_soon")
    assert soon.not_before == hall.now, "she is answered at night"
    assert datetime.fromisoformat(soon.data["opens"]) == at("2022-04-13T09:00")
    (card,) = hall.outbox_of("zhou", "human_card")
    assert card.not_before == at("2022-04-13T09:00"), "the window is not woken"

    hall.pass_to("2022-04-13T09:05")
    case = hall.of_contact("li")
    assert hall.words(case)["human_question"] == "我不会打字"
    hall.do("zhou", case, "answer_citizen", human_answer="您打 0731-88880001，我帮您填。")
    assert hall.told("li", case)[-1] == "human_answer"


def test_she_may_withdraw_and_the_matter_stays_in_the_ledger(hall: World) -> None:
    case = hall.tell("li")
    assert names(hall.say("li", "撤回")) == ["withdraw_sure"]
    assert names(hall.say("li", "不撤回")) == ["not_withdrawn"]
    assert hall.again(case).stage == "SUBMITTED"
    hall.say("li", "撤回")
    assert names(hall.say("li", "确认撤回")) == ["withdrawn_ok"]

    case = hall.again(case)
    assert case.stage == "WITHDRAWN"
    assert hall.duty(case, "limit") is None, "nothing runs any more"
    assert [row[1] for row in hall.ledger("zhou", "2022-04-11").rows] == [case.number]
    hall.pass_to("2022-04-30T09:00")
    assert not hall.outbox(case, "overdue_alert")


@pytest.mark.clause("XJ-1.0a")
def test_citizens_firms_and_other_bodies_are_all_heard(hall: World) -> None:
    citizen = hall.tell("li")
    firm = hall.tell("wang", applicant_type="企业等法人", relation="替单位", applicant_name="王总")
    body = hall.tell("he-xin", applicant_type="其他组织", applicant_unit="岳麓业主委员会")

    assert [hall.again(c).codes["applicant_type"] for c in (citizen, firm, body)] == [
        "citizen",
        "legal_person",
        "other_organisation",
    ]
    assert "applicant_unit" not in hall.words(citizen)
    assert answers(hall.paper("zhou", firm, "registration"))["单位"] == "示范商贸有限公司"
    assert answers(hall.paper("zhou", body, "registration"))["单位"] == "岳麓业主委员会"
    assert hall.words(firm)["contact_name"] == "李梅"
    assert hall.words(firm)["applicant_name"] == "王总", "who speaks is not the applicant"


def test_a_daughter_speaks_for_her_mother(hall: World) -> None:
    case = hall.tell("daughter", relation="替父母、家人", applicant_name="李桂兰", contact_name="李梅")
    words = hall.words(case)
    assert (words["applicant_name"], words["contact_name"]) == ("李桂兰", "李梅")
    assert hall.again(case).codes["relation"] == "family"
    form = answers(hall.paper("zhou", case, "registration"))
    assert form["申请人姓名"] == "李桂兰"
    assert "李梅" not in all_words(hall.paper("zhou", case, "registration")), (
        "the contact is no printed label"
    )
    assert "acceptance" in hall.told("daughter", case), "messages go to the daughter"


@pytest.mark.clause("XJ-1.0b")
@pytest.mark.parametrize(("answer", "channel"), [("网上提交的", "online"), ("窗口现场交的", "offline")])
def test_material_handed_in_and_not_done_is_a_ground(hall: World, answer: str, channel: str) -> None:
    case = hall.tell("li", ground="交过材料，没有办成", prior_channel=answer)
    assert case.codes["ground"] == "not_done_after_submission"
    assert case.codes["prior_channel"] == channel
    assert case.at("accepted_at") is not None


def test_a_matter_told_by_voice_alone_counts_as_filled(hall: World) -> None:
    hall.say("li", kind="voice", media_id="v1")
    hall.say("li", "说完了")
    replies = to_summary(hall, "li", *ASKED[1:])
    assert "语音" in summary(replies)["反映事项"]
    case = hall.case(str(hall.say("li", "确认提交")[-1].values["number"]))

    assert [a.purpose for a in hall.attachments(case)] == ["voice"]
    assert hall.duty(case, "limit") is not None, "the clock does not wait for the typing"
    hall.do("zhou", case, "transcribe", transcript="电梯的事，跑了五趟")
    assert hall.words(case)["transcript"] == "电梯的事，跑了五趟"
    assert hall.duty(case, "transcribe") is None


@pytest.mark.clause("XJ-2.1c")
def test_material_is_kept_or_its_absence_is_marked(hall: World) -> None:
    bare = hall.tell("li")
    assert bare.codes["attachments"] == "-"

    hall.say("wang", MATTER)
    hall.say("wang", kind="voice", media_id="v1")
    to_summary(hall, "wang", *PLAIN[1:-1])
    hall.say("wang", kind="image", media_id="p1")
    hall.say("wang", "没有了")
    full = hall.case(str(hall.say("wang", "确认提交")[-1].values["number"]))
    assert [a.purpose for a in hall.attachments(full)] == ["voice", "material"]
    assert full.codes["attachments"] == "2"

    assert hall.register().codes["attachments"] == "-"


@pytest.mark.clause("XJ-1.5", "XJ-1.6")
@pytest.mark.parametrize("code", EXCLUDED)
def test_an_excluded_matter_is_only_suggested_and_never_turned_away_by_the_bot(
    hall: World, code: str
) -> None:
    hall.say("li", EXCLUDED[code])
    (suggestion,) = hall.say("li", "说完了")
    assert suggestion.name == "excluded"
    assert suggestion.values["target"] == hall.office.hall.guidance[TARGETS[code]]
    assert ("look", "仍请窗口看一看") in suggestion.choices
    case = finish(hall, "li", hall.say("li", "仍请窗口看一看"))

    assert case.stage == "SUBMITTED"
    assert case.codes["exclusion_suggested"] == code
    assert hall.due_day(case) == "2022-04-14"
    hall.pass_to("2022-04-13T10:00")
    assert hall.again(case).stage == "SUBMITTED", "without a person nobody is guided"
    for stranger in ("li", "zhang", "gu"):
        assert hall.refusal(stranger, case, "guide", exclusion=code).code == "not_yours"
    assert hall.refusal("zhou", case, "guide").code == "incomplete", "there must be somewhere to go"

    case = hall.do("zhou", case, "guide", exclusion=code)

    assert case.stage == "GUIDED"
    assert [e.actor_id for e in hall.events(case) if e.act == "guide"] == [hall.who("zhou").id]
    assert hall.duty(case, "limit") is None
    assert not hall.outbox(case, "dispatch_card", "dispatch_group")
    (told,) = hall.outbox(case, "guided")
    assert told.person_id == hall.who("li").id
    target = hall.office.hall.guidance[str(told.data["target"])]
    assert target == suggestion.values["target"]
    said = drawn(hall, told)
    assert target.department in said and target.phone in said and target.address in said
    assert "仍请窗口看一看" in said
    assert hall.see("li", case).status == "guided"
    hall.pass_to("2022-05-05T10:00")
    assert not hall.outbox(case, "overdue_alert")

    hall.say("li", "仍请窗口看一看")
    case = hall.again(case)
    assert case.stage == "SUBMITTED"
    assert hall.duty(case, "limit") is not None, "overruling a refusal starts a limit again"


@pytest.mark.clause("XJ-1.6")
def test_without_a_place_to_go_nobody_is_guided(sqlite_url: str, tmp_path: Path) -> None:
    guidance = {key: place for key, place in HALL.guidance.items() if key != "petition"}
    hall = World.make(sqlite_url, tmp_path, hall=HALL.model_copy(update={"guidance": guidance}))
    case = hall.tell("li")
    assert hall.refusal("zhou", case, "guide", exclusion="petition").code == "no_guidance"
    assert hall.do("zhou", case, "guide", exclusion="penalty").stage == "GUIDED"
    hall.office.engine.dispose()


def test_who_goes_elsewhere_leaves_no_case(hall: World) -> None:
    hall.say("li", EXCLUDED["petition"])
    hall.say("li", "说完了")
    assert names(hall.say("li", "我去找他们"))[-1] == "gone"
    assert not hall.numbers()


def finish(world: World, who: str, replies: list[Reply]) -> Case:
    given = {
        "relation": "1",
        "applicant_type": "1",
        "applicant_name": "李桂兰",
        "applicant_phone": "13800001234",
        "applicant_email": "跳过",
        "ground": "2",
        "trip_count": "跳过",
        "attachments": "没有了",
        "about_conduct": "否",
    }
    while replies[-1].name != "summary":
        replies = world.say(who, given[replies[-1].name.removeprefix("ask_")])
    return world.case(str(world.say(who, "确认提交")[-1].values["number"]))


@pytest.mark.clause("XJ-A2.1")
def test_the_printed_form_holds_the_seven_labels_and_nothing_more(hall: World) -> None:
    case = hall.tell("li")
    sheet = hall.paper("zhou", case, "registration")
    heads = ["".join(ink.words for ink in line).split("：")[0] for line in sheet.head]
    assert heads + list(answers(sheet)) == [
        "申请日期",
        "单号",
        "申请人姓名",
        "单位",
        "联系电话",
        "邮箱",
        "反映事项",
    ]
    assert "受理人签字" in all_words(sheet)
    assert all_words(sheet).endswith("特殊情况需延期的，经批准后可适当延期。")


@pytest.mark.clause("XJ-A2.2")
def test_online_the_form_is_received_by_who_confirms_and_dated_by_who_told(hall: World) -> None:
    hall.pass_to("2022-04-16T21:15")
    case = hall.tell("li")
    hall.pass_to("2022-04-18T10:00")
    case = hall.do("zhou", case, "accept")

    assert case.at("accepted_at") == at("2022-04-16T21:15"), "told on Saturday night, accepted then"
    assert case.at("confirmed_at") == at("2022-04-18T10:00")
    signature = [words for words in lines(hall, case) if "受理人签字" in words]
    assert signature == ["“办不成事”反映窗口受理人签字：周敏　2022年4月16日"]

    desk = hall.register(told_at="2022-04-18T09:40")
    assert [words for words in lines(hall, desk) if "受理人签字" in words] == [
        "“办不成事”反映窗口受理人签字：周敏　2022年4月18日"
    ]


def lines(world: World, case: Case) -> list[str]:
    sheet = world.paper("zhou", case, "registration")
    return ["".join(ink.words for ink in foot.line) for foot in sheet.foot]


def test_who_was_shown_elsewhere_and_cannot_be_told_so_is_on_the_list_of_the_window(hall: World) -> None:
    case = hall.do("zhou", hall.tell("li"), "guide", exclusion="penalty")
    assert hall.to_do("zhou") == []
    (told,) = hall.outbox(case, "guided")
    with store.transaction(hall.office.engine) as conn:
        deliver.unreachable(hall.office, conn, told, hall.now)
    assert [each.id for each in hall.to_do("zhou")] == [case.id]
