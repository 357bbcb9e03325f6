"""People answer in their own words: dialect, one word, three things at once, somebody else's question.

Each line is what one person said where a field was asked, and what the form holds then.
"""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from core import hearing
from core.desk import attach
from core.intake import Reply
from core.policy.model import Choice
from tests.world import MATTER, World

USUAL = {
    "relation": "我自己",
    "contact_name": "李梅",
    "applicant_type": "个人",
    "applicant_name": "李桂兰",
    "applicant_unit": "示范商贸有限公司",
    "applicant_phone": "13800001234",
    "applicant_email": "跳过",
    "ground": "跑了好几趟，没有解决",
    "prior_channel": "窗口现场交的",
    "trip_count": "跳过",
    "about_conduct": "否",
    "attachments": "没有了",
}
FIRM = {"relation": "替单位", "applicant_type": "企业等法人"}
MOTHER = {"relation": "替父母、家人"}
HANDED_IN = {"ground": "交过材料，没有办成"}
RUDE = "窗口的人态度差得很，材料也不收"
TOLD = {"about_conduct": RUDE, "trip_count": "给老房子加装电梯，材料交了三次都没受理"}


def names(replies: list[Reply]) -> list[str]:
    return [reply.name for reply in replies]


def until(world: World, field: str, matter: str = MATTER, **answers: str) -> None:
    """Tell a matter and answer until this field is asked for."""
    world.say("li", matter)
    go_on(world, field, world.say("li", "说完了"), **answers)


def go_on(world: World, field: str, replies: list[Reply], **answers: str) -> None:
    while replies[-1].name != f"ask_{field}":
        asked = replies[-1].name.removeprefix("ask_")
        replies = world.say("li", {**USUAL, **answers}[asked])


def held(world: World) -> Mapping[str, str]:
    """What the form of this citizen holds, codes and words."""
    case = world.of_contact("li")
    return {**case.codes, **world.words(case)}


ANSWERS = [
    ("relation", "我自己的事", {}, "self"),
    ("relation", "我自己嘅", {}, "self"),
    ("relation", "公司的", {}, "employer"),
    ("relation", "屋里老娘的", {}, "family"),
    ("relation", "不是我自己，替我妈", {}, "family"),
    ("relation", "我是替我妈来问的，她今年七十二了，耳朵不好", {}, "family"),
    ("relation", "帮邻居老奶奶问的", {}, "someone"),
    ("relation", "第三个", {}, "employer"),
    ("about_conduct", "主要是态度", {}, "yes"),
    ("about_conduct", "主要是事情没办", {}, "no"),
    ("about_conduct", "不光是态度", {}, "yes"),
    ("contact_name", "我姓王", MOTHER, "姓王"),
    ("applicant_type", "就是老百姓", {}, "citizen"),
    ("applicant_type", "是我老娘", MOTHER, "citizen"),
    ("applicant_type", "不是公司是个人", {}, "citizen"),
    ("applicant_type", "合作社", FIRM, "other_organisation"),
    ("applicant_type", "是公司", FIRM, "legal_person"),
    ("applicant_name", "我叫李桂兰", {}, "李桂兰"),
    ("applicant_name", "我妈叫王秀英，今年七十二", MOTHER, "王秀英"),
    ("applicant_name", "李 桂 兰", {}, "李桂兰"),
    ("applicant_name", "就是我", FIRM, "李梅"),
    ("applicant_unit", "我们单位叫示范商贸有限公司。", FIRM, "示范商贸有限公司"),
    ("applicant_phone", "电话 138-0013-8000", {}, "13800138000"),
    ("applicant_phone", "一三八零零一三八零零零", {}, "13800138000"),
    ("applicant_phone", "打我女儿的 13912345678", {}, "13912345678"),
    ("applicant_phone", "0731 8888 7777", {}, "073188887777"),
    ("applicant_email", "没邮箱", {}, "-"),
    ("applicant_email", "冇得", {}, "-"),
    ("applicant_email", "我的邮箱是li@example.com", {}, "li@example.com"),
    ("ground", "跑了有七八回吧", {}, "repeated_trips"),
    ("ground", "材料交了没下文", {}, "not_done_after_submission"),
    ("ground", "都不是，就想咨询一下", {}, "other"),
    ("prior_channel", "网上弄的", HANDED_IN, "online"),
    ("prior_channel", "人去大厅交的", HANDED_IN, "offline"),
    ("trip_count", "跑了有七八回吧", {}, "7"),
    ("trip_count", "不下二十趟", {}, "20"),
    ("trip_count", "十几次", {}, "10"),
    ("trip_count", "4、5次", {}, "4"),
    ("trip_count", "2021年到现在跑了３趟", {}, "3"),
    ("trip_count", "好几趟，数不清", {}, "-"),
    ("attachments", "发过了", {}, "-"),
    ("attachments", "材料在家里", {}, "-"),
]


@pytest.mark.parametrize(
    ("field", "said", "before", "kept"), ANSWERS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_an_answer_in_her_own_words(
    hall: World, field: str, said: str, before: dict[str, str], kept: str
) -> None:
    until(hall, field, matter=TOLD.get(field, MATTER), **before)
    hall.say("li", said)
    assert held(hall)[field] == kept


NO_ANSWERS = [
    ("relation", "不晓得你讲什么", "wrong"),
    ("applicant_name", "不想说", "wrong"),
    ("applicant_name", "个人", "wrong"),
    ("applicant_name", "哪个啊", "wrong"),
    ("applicant_name", "依据", "basis"),
    ("applicant_name", "你们几点下班", "faq"),
    ("applicant_phone", "1380000123", "wrong"),
    ("applicant_phone", "为什么要电话", "faq"),
    ("applicant_name", "他们每回都说缺一样，就是不肯写下来", "kept_content"),
]


@pytest.mark.parametrize(("field", "said", "answered"), NO_ANSWERS)
def test_what_is_no_answer_is_not_kept_as_one_and_is_asked_again(
    hall: World, field: str, said: str, answered: str
) -> None:
    until(hall, field)
    assert names(hall.say("li", said)) == [answered, f"ask_{field}"]
    assert field not in held(hall)


def test_who_is_not_understood_twice_is_offered_a_person(hall: World) -> None:
    until(hall, "ground")
    hall.say("li", "嗯哼")
    replies = hall.say("li", "嗯哼")
    assert names(replies) == ["wrong", "faq", "ask_ground"]
    assert replies[1].values["key"] == "stuck"
    assert replies[2].choices[-1] == ("human", "转人工")
    hall.say("li", "转人工")
    assert hall.duties_of(hall.of_contact("li"), "human")


def test_a_question_she_cannot_answer_waits_for_the_end(hall: World) -> None:
    until(hall, "relation")
    for _ in range(2):
        hall.say("li", "嗯哼")
    replies = hall.say("li", "嗯哼")
    assert names(replies) == ["later", "ask_applicant_type"]
    go_on(hall, "attachments", replies)
    assert names(hall.say("li", "没有了")) == ["ask_relation"]
    hall.say("li", "我自己")
    assert held(hall)["relation"] == "self"


UNITS = tuple(
    Choice(code=name, label=name)
    for name in (
        "住房和城乡建设局",
        "自然资源和规划局",
        "市场监督管理局",
        "示范镇人民政府",
        "人力资源和社会保障局",
        "示范街道办事处",
    )
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("市场监管局", "市场监督管理局"),
        ("就是市监局", "市场监督管理局"),
        ("住建局", "住房和城乡建设局"),
        ("在住建局那边", "住房和城乡建设局"),
        ("人社局的人", "人力资源和社会保障局"),
        ("自规局", "自然资源和规划局"),
        ("镇政府", "示范镇人民政府"),
        ("资源局", None),  # two could be meant
        ("教育局", None),
        ("我去局里问过", None),
        ("住局" * 3000, None),  # answered at once, however often its letters come
    ],
)
def test_a_unit_is_called_by_its_short_name(said: str, meant: str | None) -> None:
    assert hearing.choice_of(UNITS, said) == meant


@pytest.mark.parametrize(
    ("matter", "times"),
    [("加装电梯，前后跑了五趟", "5"), ("加装电梯，我去了七八次", "7"), ("加装电梯，材料交了三次", None)],
)
def test_who_has_told_how_often_she_went_is_not_asked(hall: World, matter: str, times: str | None) -> None:
    until(hall, "attachments" if times else "trip_count", matter=matter)
    assert held(hall).get("trip_count") == times


def test_an_answer_to_another_question_is_kept_there(hall: World) -> None:
    until(hall, "relation")
    assert names(hall.say("li", "跑了好几趟")) == ["kept_other", "ask_relation"]
    assert held(hall)["ground"] == "repeated_trips"


def test_several_facts_in_one_message(hall: World) -> None:
    until(hall, "applicant_name")
    assert names(hall.say("li", "我叫李桂兰 电话13812345678")) == ["ask_applicant_email"]
    assert (held(hall)["applicant_name"], held(hall)["applicant_phone"]) == ("李桂兰", "13812345678")
    hall.say("li", "没有")
    assert names(hall.say("li", "跑了七八回")) == ["ask_attachments"], "how often was said already"
    assert held(hall)["trip_count"] == "7"


def test_a_firms_name_given_for_a_persons_goes_where_it_belongs(hall: World) -> None:
    until(hall, "applicant_name", **FIRM)
    assert names(hall.say("li", "示范商贸有限公司")) == ["kept_other", "ask_applicant_name"]
    assert names(hall.say("li", "王建军")) == ["ask_applicant_phone"]
    assert (held(hall)["applicant_name"], held(hall)["applicant_unit"]) == ("王建军", "示范商贸有限公司")


@pytest.mark.parametrize(
    ("said", "phone"),
    [
        ("我的电话是13812345678", "13812345678"),
        ("有事联系我 13812345678", "13812345678"),
        ("13812345678", "13812345678"),
        ("他的电话13812345678打不通", None),
        ("窗口电话0731-88880000一直占线", None),
    ],
)
def test_a_number_in_the_story_is_hers_only_if_she_says_so(hall: World, said: str, phone: str | None) -> None:
    hall.say("li", MATTER)
    hall.say("li", said)
    assert held(hall).get("applicant_phone") == phone


MATTERS = [
    "人工费欠了半年，劳动监察说不归他们管",
    "人工耳蜗的报销办不下来",
    "找工作人员问了三次，三次说法不一样",
    "名字写错了，户口本上少一点，改不了",
    "撤回执照的通知我根本没收到",
    "返回原单位办档案，原单位早没了",
    "在吗这两个字我问了一个月，没人回，社保转不过来",
    "换证的钱交了，证一直不发",
    "公司地址变更办不下来",
    "屋里冇得水，冇得人管",
    "跑咗三趟都冇人理",
    "没有证明就不给办，证明又没人开",
    "不同意我分户，组长不盖章",
    "老人家身份证照片不是本人，要哪样材料才能换",
    "我婆娘的名字登成了她妹妹",
    "好了伤疤忘了疼，去年的补贴今年又不发",
    "改电话号码要本人去，人在外地回不来",
    "驾照注销半年了系统里还在",
    "可以网上办的事，非叫我跑一趟",
    "依据是什么文件也不说，就是不收材料",
]


@pytest.mark.parametrize("matter", MATTERS)
def test_words_of_a_story_are_no_commands_and_nothing_of_it_is_lost(hall: World, matter: str) -> None:
    assert names(hall.say("li", matter)) == ["greeting", "content_first"]
    hall.say("li", "你们管不管！！")
    hall.say("li", "就这些了")
    assert held(hall)["content"] == f"{matter}\n你们管不管！！"


@pytest.mark.parametrize(
    "said", ["说完啦", "就这些", "没有了", "冇得了", "讲完了", "没别的了", "好了", "就这样吧"]
)
def test_she_ends_her_story_in_her_own_words(hall: World, said: str) -> None:
    hall.say("li", MATTER)
    assert names(hall.say("li", said)) == ["ask_relation"]
    assert held(hall)["content"] == MATTER


@pytest.mark.parametrize("said", ["谢谢", "好的", "等一下，我找一下单子", "在吗"])
def test_a_courtesy_is_no_part_of_the_matter(hall: World, said: str) -> None:
    hall.say("li", MATTER)
    assert names(hall.say("li", said))[-1] == "content_more"
    assert held(hall)["content"] == MATTER


@pytest.mark.parametrize("said", ["没问题，提交", "对的", "要得", "可以", "好的，提交吧", "没错"])
def test_she_confirms_in_her_own_words(hall: World, said: str) -> None:
    until(hall, "attachments")
    hall.say("li", "没有了")
    assert names(hall.say("li", said)) == ["submitted"]


@pytest.mark.parametrize("said", ["不对", "提交了吗？", "错了", "没有"])
def test_what_is_no_consent_submits_nothing(hall: World, said: str) -> None:
    until(hall, "attachments")
    hall.say("li", "没有了")
    hall.say("li", said)
    assert not hall.numbers()


EDITS = [
    ("改电话", "13700000000", "applicant_phone", "13700000000"),
    ("电话写错了", "13700000000", "applicant_phone", "13700000000"),
    ("电话改成13700000000", "", "applicant_phone", "13700000000"),
    ("13700000000", "", "applicant_phone", "13700000000"),
    ("改名字叫李桂芳", "", "applicant_name", "李桂芳"),
    ("第4项错了", "李桂芳", "applicant_name", "李桂芳"),
    ("我要改一下第4项", "李桂芳", "applicant_name", "李桂芳"),
    ("对了还有，上回他们把我的原件弄丢了", "", "content", f"{MATTER}\n对了还有，上回他们把我的原件弄丢了"),
]


@pytest.mark.parametrize(("said", "then", "field", "kept"), EDITS)
def test_she_puts_it_right_before_she_confirms(
    hall: World, said: str, then: str, field: str, kept: str
) -> None:
    until(hall, "attachments")
    hall.say("li", "没有了")
    replies = hall.say("li", said)
    if then:
        replies = hall.say("li", then)
    assert names(replies)[-1] == "summary"
    assert held(hall)[field] == kept


def test_conduct_named_late_is_asked_about_too(hall: World) -> None:
    until(hall, "applicant_name")
    hall.say("li", "那个窗口的人还骂我，爱理不理的，我要投诉")
    assert names(hall.say("li", "李桂兰")) == ["ask_about_conduct"]


def test_after_submitting_words_are_added_and_thanks_are_only_thanks(hall: World) -> None:
    case = hall.tell("li")
    assert names(hall.say("li", "谢谢")) == ["no_comment"]
    assert names(hall.say("li", "有结果了吗")) == ["progress"]
    assert names(hall.say("li", "我再补充一句，原件在我这里")) == ["added"]
    assert hall.words(case)["supplement"] == "我再补充一句，原件在我这里"
    assert hall.outbox(case, "added_card")
    assert names(hall.say("li", "我要反映")) == ["begin"], "another matter is asked for by name"
    hall.say("li", "路灯坏了半年没人修")
    assert held(hall)["content"] == "路灯坏了半年没人修"


def test_what_she_adds_while_she_waits_for_a_person_is_kept_too(hall: World) -> None:
    hall.say("li", "转人工")
    hall.say("li", "我不会打字")
    hall.say("li", "您打我电话吧")
    assert held(hall)["human_question"] == "我不会打字\n您打我电话吧"


def test_asked_whether_to_withdraw_she_may_say_something_else(hall: World) -> None:
    case = hall.tell("li")
    hall.say("li", "撤回")
    assert names(hall.say("li", "等等，我先补充一张单子的编号：A123")) == ["not_withdrawn", "added"]
    assert hall.again(case).stage == "SUBMITTED"
    hall.say("li", "撤回")
    hall.say("li", "转人工")
    assert hall.outbox(case, "human_card"), "a person is asked about this very matter"


def test_excluded_she_answers_in_her_own_words(hall: World) -> None:
    hall.say("li", "征地的补偿款一直没有发下来")
    hall.say("li", "说完了")
    assert names(hall.say("li", "好")) == ["excluded_again"], "a word of courtesy decides nothing"
    hall.say("li", kind="image", media_id="p1")
    assert [a.purpose for a in hall.attachments(hall.of_contact("li"))] == ["material"]
    assert names(hall.say("li", "还是请你们看看")) == ["looked_at", "ask_relation"]


def test_so_many_files_a_day_are_taken_for_one_matter_and_the_next_day_more(hall: World) -> None:
    case = hall.tell("li")
    for n in range(attach.FILES_A_DAY):
        assert names(hall.say("li", kind="image", media_id=f"m{n}")) == ["added"]
    (reply,) = hall.say("li", kind="image", media_id="one too many")
    assert reply.values["refusal"].code == "files_full"
    assert len(hall.attachments(case)) == attach.FILES_A_DAY
    assert names(hall.say("li", "照片太多了，先这样")) == ["added"], "words are taken all the same"
    hall.now += timedelta(days=1)
    assert names(hall.say("li", kind="image", media_id="one more")) == ["added"]
