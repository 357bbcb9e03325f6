"""上海市普陀区: many sites, four categories, one result signed by the handler, verified and visited by the site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import case as cases
from core import intake, people, store
from core.case import Case
from core.desk import gaps
from core.forms import Sheet
from core.policy.load import publish, shipped
from core.refusals import Incomplete, Refusal
from tests.regions.drawing import ReadWorld, reminded
from tests.regions.telling import insisted_on, missing_at_first, without
from tests.regions.walk import Walk
from tests.reports.desk import computed
from tests.stories.reading import all_words, answers, drawn
from tests.world import World, at

THURSDAY = "2023-09-28T10:00"  # the day before eight days of rest
MATTER = "餐饮店换地址，食品经营许可证来窗口办了三次，每次都说缺材料，也不说缺哪一样"


@pytest.fixture
def putuo(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """The halls of 上海市普陀区, every message drawn when it is told."""
    made = ReadWorld.of("putuo", sqlite_url, tmp_path / "files", start=THURSDAY)
    yield made
    made.close()


# --- what the window of 区政务服务中心 (方敏) and the departments do, in the words of the plan ---------------


def registered(world: World, who: str = "fang", **values: Any) -> Case:
    given = {
        "content": MATTER,
        "category": "service",
        "item": "食品经营许可证变更",
        "ground": "repeated_visits",
        "record_confirmed": "signed",
        "applicant_phone": "021-88889999",
        **values,
    }
    if given["category"] == "complaint":
        given = {"conduct_code": "inaction", **given}
    return world.register(who, **given)


def told_online(world: World, who: str = "li", matter: str = MATTER, **answers: str) -> Case:
    given = {
        "category": "办事类",
        "item": "食品经营许可证变更",
        "ground": "来了好几趟，没有解决",
        "staff_concerned": "跳过",
        "site": "区政务服务中心",
        "applicant_phone": "13800001234",
        **answers,
    }
    return world.tell(who, matter, **given)


def analysed(world: World, case: Case, level: str = "ordinary", who: str = "fang", **values: Any) -> Case:
    if world.again(case).stage == "SUBMITTED":
        world.do(who, case, "accept")
    given = {
        "level": level,
        "cause_code": "material",
        "cause_analysis": "变更材料清单没有一次告知",
        "confirmed_with": "区市场监督管理局",
        **values,
    }
    if world.again(case).codes.get("category") == "complaint":
        given.setdefault("conduct_code", "inaction")
    return world.do(who, case, "analyse", **given)


def dispatched(world: World, case: Case, unit: str = "market", who: str = "fang", **values: Any) -> Case:
    given = {
        "subject": "食品经营许可证变更未获受理",
        "unit": unit,
        "requirement": "请一次说清变更所需材料，能容缺的先受理",
        **values,
    }
    if world.again(case).shielded:
        given.setdefault("content_for_unit", "反映窗口人员不作为")
    return world.do(who, case, "dispatch", **given)


def replied(world: World, case: Case, **values: Any) -> Case:
    if world.again(case).at("signed_for_at") is None:
        world.do("hua", case, "sign_for")
    given = {
        "unit_cause": "地址变更的材料清单有两版",
        "outcome": "done",
        "result": "按新版清单容缺受理，三日内发证",
        **values,
    }
    return world.do("jin", case, "reply", **given)


def closed(world: World, case: Case, **values: Any) -> Case:
    """Told in the hall, all the way to the recorded answer."""
    replied(world, case, **values)
    world.do("fang", case, "deliver", feedback_way="in_person", delivered_on="2023-09-28")
    return world.delivered(case)


def visited(world: World, case: Case, **values: Any) -> Case:
    world.do("fang", case, "verify_result", verified="yes")
    given = {
        "visit_way": "phone",
        "visit_satisfied": "satisfied",
        "visit_opinion": "清单早点贴出来就好",
        **values,
    }
    return world.do("fang", case, "follow_up", **given)


def decided(world: World, case: Case) -> str:
    """The overdue matter's sheet, if one is prepared: who holds it."""
    duty = world.duty(case, "issue_supervision")
    return duty.holder if duty else ""


def unit_id(world: World, key: str) -> int:
    with store.transaction(world.office.engine) as conn:
        return next(unit.id for unit in people.units(conn) if unit.key == key)


def scanned(world: World, who: str, code: str) -> None:
    """Somebody opens the conversation by a sign or a link."""
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        intake.greet(world.office, conn, person, "wechat", world.now, code)


# --- sites and entrances --------------------------------------------------------------------------------


@pytest.mark.clause("PT-1")
def test_the_district_sees_every_site_and_a_site_sees_its_own(putuo: World) -> None:
    center = registered(putuo, "fang")
    street = registered(putuo, "gong")
    assert [c.id for c in putuo.to_do("shen")] == [center.id, street.id], "区政务服务办公室"
    assert [c.id for c in putuo.to_do("fang")] == [center.id]
    assert [c.id for c in putuo.to_do("gong")] == [street.id]
    with pytest.raises(Refusal) as refused:
        putuo.see("gong", center)
    assert refused.value.code == "not_yours"
    assert putuo.see("shen", street).number == street.number


@pytest.mark.clause("PT-1")
def test_a_matter_without_a_site_is_not_taken_in(putuo: World) -> None:
    putuo.say("wang", "我要反映")
    putuo.say("wang", MATTER)
    putuo.say("wang", "说完了")
    draft = putuo.of_contact("wang")
    for field in ("category", "ground", "item"):
        with store.transaction(putuo.office.engine) as conn:
            cases.note(
                conn,
                putuo.office.vault,
                cases.load(conn, draft.id),
                field,
                now=putuo.now,
                by=None,
                code="other",
            )
    refused = putuo.refusal("wang", putuo.again(draft), "submit")
    assert isinstance(refused, Incomplete) and "site" in refused.problems


@pytest.mark.clause("PT-2a")
def test_each_online_entrance_has_its_own_code_and_is_kept(putuo: World) -> None:
    told = {}
    for who, code in (("zhao", "ywtb"), ("qian", "ssb")):
        scanned(putuo, who, code)
        told[code] = told_online(putuo, who)
    assert {code: case.channel for code, case in told.items()} == {"ywtb": "ywtb", "ssb": "ssb"}
    assert {case.site_id for case in told.values()} == {unit_id(putuo, "xs")}, "the online window"


@pytest.mark.clause("PT-2c")
def test_the_code_on_a_sign_says_the_site(putuo: World) -> None:
    scanned(putuo, "zhao", "sq")
    case = told_online(putuo, "zhao", site="（没有问到这里）")
    assert case.site_id == unit_id(putuo, "sq")
    assert case.number is not None and case.number.startswith("SQ20230928")


def test_a_site_hears_nothing_of_what_was_begun_under_its_sign_and_never_submitted(putuo: World) -> None:
    scanned(putuo, "zhao", "sq")
    for words in ("我要反映", MATTER):
        putuo.say("zhao", words)
    draft = putuo.of_contact("zhao")
    assert (draft.stage, draft.site_id) == ("DRAFT", unit_id(putuo, "sq"))
    assert putuo.do("zhao", draft, "withdraw").stage == "WITHDRAWN"
    assert putuo.outbox(draft) == []


def test_numbers_count_by_site_and_day(putuo: World) -> None:
    numbers = [registered(putuo, who).number for who in ("fang", "lu", "gong")]
    putuo.pass_to("2023-10-07T09:30")
    numbers.append(registered(putuo, "fang").number)
    assert numbers == ["ZW20230928001", "ZW20230928002", "SQ20230928001", "ZW20231007001"]


@pytest.mark.clause("PT-2b")
def test_a_record_of_a_procedure_left_midway_is_a_case_with_item_and_step(putuo: World) -> None:
    with pytest.raises(Incomplete) as refused:
        registered(putuo, "bao", intake_channel="midway_exit")
    assert set(refused.value.problems) == {"exit_step"}
    case = registered(putuo, "bao", intake_channel="midway_exit", exit_step="上传租赁合同")
    assert case.channel == "midway_exit" and case.site_id == unit_id(putuo, "xs")
    assert (case.codes["item"], case.codes["exit_step"]) == ("食品经营许可证变更", "上传租赁合同")


@pytest.mark.clause("PT-4.2a")
def test_a_matter_of_another_site_is_passed_on_by_a_person(putuo: World) -> None:
    case = told_online(putuo, "li", site="区政务服务中心")
    due = putuo.due_day(case)
    assert putuo.refusal("gong", case, "pass_on", site="sq", pass_reason="归街道办").code == "not_yours"
    assert putuo.refusal("fang", case, "pass_on", site="zw", pass_reason="归我们").code == "same_site"
    putuo.do("fang", case, "pass_on", site="sq", pass_reason="居住证在街道社区事务受理中心办")
    case = putuo.again(case)
    assert case.site_id == unit_id(putuo, "sq") and putuo.due_day(case) == due, "her clock runs on"
    assert "passed_on_card" in putuo.told("gong", case) and "passed_on_told" in putuo.told("li", case)
    assert putuo.refusal("fang", case, "accept").code == "not_yours"
    putuo.do("gong", case, "accept")
    (event,) = [e for e in putuo.events(case) if e.act == "pass_on"]
    assert event.data["from"] == unit_id(putuo, "zw") and event.actor_id == putuo.who("fang").id


@pytest.mark.clause("PT-4.2a")
def test_the_conversation_only_suggests_where_else_to_go(putuo: World) -> None:
    putuo.say("wu", "我要反映")
    putuo.say("wu", "法院判决书下来了，对方不执行，我要起诉")
    reply = putuo.say("wu", "说完了")[-1]
    assert reply.name == "excluded" and reply.values["clause"] == "PT-4.2a"
    case = told_online(putuo, "sun", "法院判决书要我去办产权过户，房产中心说材料不齐，跑了三次")
    assert case.stage == "SUBMITTED", "仍请窗口看一看 always works"
    putuo.do("fang", case, "guide", exclusion="outside_business")
    assert putuo.again(case).stage == "GUIDED"


# --- telling, categories --------------------------------------------------------------------------------


@pytest.mark.clause("PT-2d")
def test_the_four_services_of_the_window_are_four_categories(putuo: World) -> None:
    kinds = ("consultation", "service", "complaint", "suggestion")
    told = [registered(putuo, category=kind, ground="other") for kind in kinds]
    assert [case.codes["category"] for case in told] == list(kinds)
    said = {"咨询类": "consultation", "办事类": "service", "投诉类": "complaint", "建议类": "suggestion"}
    online = {words: told_online(putuo, f"c{n}", category=words) for n, words in enumerate(said)}
    assert {words: case.codes["category"] for words, case in online.items()} == said


@pytest.mark.clause("PT-4.1")
def test_a_matter_needs_a_ground(putuo: World) -> None:
    with pytest.raises(Incomplete) as refused:
        registered(putuo, ground="")
    assert refused.value.problems == {"ground": "missing"}
    (question,) = [q for q in putuo.rules.intake.questions if q.id == "ground"]
    assert question.required
    offered = [choice.code for choice in putuo.rules.choices(question)]
    assert offered[:3] == ["not_accepted", "not_approved", "repeated_visits"]


@pytest.mark.clause("PT-4.3a")
def test_a_changed_category_is_on_record_and_counts_once(putuo: World) -> None:
    case = registered(putuo, category="consultation", ground="other")
    assert _ledger_row(putuo, case)["分类"] == "咨询"
    refused = putuo.refusal("fang", case, "recategorise", category="service", recategorise_reason="是要办成")
    assert isinstance(refused, Incomplete) and set(refused.problems) == {"item"}
    putuo.do("fang", case, "recategorise", category="suggestion", recategorise_reason="其实是建议贴清单")
    (event,) = [e for e in putuo.events(case) if e.act == "recategorise"]
    assert event.data["category"] == "suggestion" and event.actor_id == putuo.who("fang").id
    assert _ledger_row(putuo, case)["分类"] == "建议"


@pytest.mark.clause("PT-4.3b")
def test_a_service_matter_needs_item_and_ground(putuo: World) -> None:
    with pytest.raises(Incomplete) as refused:
        registered(putuo, item="", ground="")
    assert set(refused.value.problems) == {"item", "ground"}
    assert registered(putuo, category="suggestion", item="", ground="other").codes["category"] == "suggestion"


@pytest.mark.clause("PT-4.3c")
def test_a_complaint_has_a_conduct_code_and_never_shows_who_complained(putuo: World) -> None:
    with pytest.raises(Incomplete) as refused:
        registered(putuo, category="complaint", conduct_code="")
    assert set(refused.value.problems) == {"conduct_code"}

    case = told_online(
        putuo, "li", "窗口小张推诿，不给办也不说原因", category="投诉类", applicant_name="李桂兰"
    )
    assert case.shielded
    given = {
        "level": "ordinary",
        "cause_code": "service",
        "cause_analysis": "首问未负责",
        "confirmed_with": "区市监局",
    }
    putuo.do("fang", case, "accept")
    refused_here = putuo.refusal("fang", case, "analyse", **given)
    assert isinstance(refused_here, Incomplete) and set(refused_here.problems) == {"conduct_code"}
    putuo.do("fang", case, "analyse", conduct_code="irresponsibility", **given)
    case = dispatched(putuo, case, content_for_unit="反映窗口首问不负责")

    assert "dispatch_cc" in putuo.told("yan", case), "区纪委, outside the department complained about"
    for who in ("hua", "jin", "ruan", "shi"):
        view = putuo.see(who, case)
        assert view.hidden and "李桂兰" not in str(view.words) and "13800001234" not in str(view.words)
        for form, variant in (("registration", ""), ("dispatch", "assign")):
            assert "李桂兰" not in all_words(putuo.paper(who, case, form, variant))
        assert view.attachments == ()
    for message in putuo.outbox(case):
        if message.person_id in {putuo.who(who).id for who in ("hua", "jin", "ruan", "shi", "lan")}:
            assert "李桂兰" not in drawn(putuo, message)
    assert "李桂兰" in all_words(putuo.paper("fang", case, "registration"))


@pytest.mark.clause("PT-4.3c")
def test_a_matter_that_turns_out_to_be_a_complaint_is_shielded_from_then_on(putuo: World) -> None:
    case = registered(putuo, category="service")
    assert not case.shielded
    putuo.do(
        "fang",
        case,
        "recategorise",
        category="complaint",
        conduct_code="formalism",
        recategorise_reason="说的是作风",
    )
    assert putuo.again(case).shielded


@pytest.mark.clause("PT-4.3d")
def test_a_suggestion_is_closed_with_adopted_or_not_and_why(putuo: World) -> None:
    case = registered(putuo, category="suggestion", ground="other", item="")
    analysed(putuo, case, "simple")
    refused = putuo.refusal("fang", case, "resolve", result="清单下周贴到窗口")
    assert isinstance(refused, Incomplete) and set(refused.problems) == {"adopted"}
    putuo.do("fang", case, "resolve", adopted="adopted", result="清单下周贴到窗口")
    assert putuo.again(case).codes["adopted"] == "adopted"

    second = dispatched(
        putuo, analysed(putuo, registered(putuo, category="suggestion", ground="other", item=""))
    )
    putuo.do("hua", second, "sign_for")
    given = {"unit_cause": "场地不够", "outcome": "done", "result": "先在门口加指示牌"}
    assert set(getattr(putuo.refusal("jin", second, "reply", **given), "problems", ())) == {"adopted"}
    putuo.do("jin", second, "reply", adopted="not_adopted", **given)


@pytest.mark.clause("PT-6.1a", "PT-A1.1")
def test_the_registration_form_is_filled_before_anything_is_accepted(putuo: World) -> None:
    for field in ("content", "applicant_name", "applicant_phone"):
        with pytest.raises(Incomplete) as refused:
            registered(putuo, **{field: ""})
        assert refused.value.problems == {field: "missing"}
    case = registered(putuo)
    sheet = putuo.paper("fang", case, "registration")
    assert sheet.title == "“办不成事”事项登记表"
    printed = all_words(sheet)
    labels = [
        "工单编号",
        "办理对象姓名",
        "联系电话",
        "受理人员",
        "受理时间",
        "“办不成事”情况记录",
        "办理对象确认",
        "责任窗口(单位)回复、处理情况",
    ]
    assert list(answers(sheet)) == labels[1:] and printed.index(labels[0]) < printed.index(labels[1])
    signs = ["".join(ink.words for ink in cell.sign) for row in sheet.rows for cell in row.cells if cell.sign]
    assert [s.split("：")[0] for s in signs] == ["签字", "经办人员签字"] and all("日期" in s for s in signs)
    filled = answers(sheet)
    assert filled["受理人员"] == "方敏" and filled["受理时间"] == "2023年9月28日"
    assert filled["“办不成事”情况记录"] == MATTER

    draft = putuo.say("chen2", "我要反映")
    assert draft[-1].name != "summary", "online nothing is confirmed before the questions are answered"


@pytest.mark.clause("PT-A1.2")
def test_nothing_is_dispatched_before_the_record_is_confirmed(putuo: World) -> None:
    case = analysed(putuo, registered(putuo, record_confirmed="later"))
    given = {"subject": "许可证变更未获受理", "unit": "market", "requirement": "请一次说清材料"}
    assert putuo.refusal("fang", case, "dispatch", **given).code == "not_before"
    refused = putuo.refusal("fang", case, "confirm_record", record_confirmed="oral")
    assert isinstance(refused, Incomplete) and set(refused.problems) == {"oral_reason"}
    putuo.do("fang", case, "confirm_record", record_confirmed="oral", oral_reason="来电反映，下次来补签")
    assert dispatched(putuo, case).stage == "WITH_UNIT"
    online = told_online(putuo, "li")
    assert online.at("applicant_confirmed_at") == putuo.now, "who confirms the submission confirms the record"


# --- analysis, levels, limits ---------------------------------------------------------------------------


@pytest.mark.clause("PT-6.2a")
def test_dispatch_waits_for_the_analysis(putuo: World) -> None:
    case = registered(putuo)
    given = {"subject": "许可证变更未获受理", "unit": "market", "requirement": "请一次说清材料"}
    assert putuo.refusal("fang", case, "dispatch", **given).code == "not_before"
    whole = {
        "level": "ordinary",
        "cause_code": "material",
        "cause_analysis": "清单两版",
        "confirmed_with": "区市监局",
    }
    for field in ("cause_code", "cause_analysis", "confirmed_with"):
        refused = putuo.refusal("fang", case, "analyse", **{**whole, field: ""})
        assert isinstance(refused, Incomplete) and set(refused.problems) == {field}
    putuo.do("fang", case, "analyse", **whole)
    assert putuo.do("fang", case, "dispatch", **given).stage == "WITH_UNIT"


@pytest.mark.clause("PT-6.2c")
def test_a_matter_not_analysed_the_same_day_is_marked_and_reminded_not_overdue(putuo: World) -> None:
    case = registered(putuo)
    evening = told_online(putuo, "li")
    analysed(putuo, evening)
    putuo.pass_to("2023-10-07T09:00")
    missed = putuo.duty(case, "analysis")
    assert missed is not None and missed.missed_at == at("2023-09-28T17:00")
    assert "analysis.missed" in reminded(putuo, "fang", case) and not putuo.again(case).overdue
    assert "analysis.missed" not in reminded(putuo, "fang", evening)


def test_a_matter_told_at_night_is_to_be_analysed_on_the_next_working_day(putuo: World) -> None:
    putuo.pass_to("2023-09-28T21:00")
    case = told_online(putuo, "li")
    assert putuo.due_day(case, "analysis") == "2023-10-07"
    assert putuo.due_day(analysed(putuo, case, "simple")) == "2023-10-07", "so is an answer at once (AMB-PT2)"


@pytest.mark.clause("PT-4.4.1")
def test_a_simple_matter_is_answered_by_closing_time(putuo: World) -> None:
    late = analysed(putuo, registered(putuo), "simple")
    done = analysed(putuo, registered(putuo), "simple")
    putuo.do("fang", done, "resolve", result="材料清单已当面说清并打印")
    duty = putuo.duty(late, "limit")
    assert duty is not None and duty.due_at == at("2023-09-28T17:00") and duty.clause == "PT-4.4.1"
    putuo.pass_to("2023-09-28T17:00")
    assert not putuo.again(late).overdue
    putuo.pass_to("2023-09-28T17:01")
    assert putuo.again(late).overdue and not putuo.again(done).overdue


@pytest.mark.clause("PT-4.4.2")
def test_an_ordinary_matter_is_in_time_when_the_signed_reply_is_in_on_the_third_working_day(
    putuo: World,
) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo)))
    assert putuo.due_day(case) == "2023-10-09"
    putuo.pass_to("2023-10-09T16:30")
    replied(putuo, case)
    putuo.pass_to("2023-10-10T10:00")
    putuo.do("fang", case, "deliver", feedback_way="phone", delivered_on="2023-10-10")
    case = putuo.delivered(case)
    assert case.stage == "CLOSED" and not case.overdue
    assert case.at("replied_at") == at("2023-10-09T16:30") and case.at("closed_at") == at("2023-10-10T10:00")


@pytest.mark.clause("PT-4.4.3")
def test_a_complex_matter_has_seven_working_days_from_acceptance(putuo: World) -> None:
    case = registered(putuo)
    putuo.pass_to("2023-10-07T10:00")
    case = dispatched(putuo, analysed(putuo, case, "complex"))
    assert putuo.due_day(case) == "2023-10-13"


@pytest.mark.clause("PT-4.4.4", "PT-6.3b")
def test_delay_reaches_ten_working_days_in_all_and_both_are_told(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo), "complex"))
    putuo.do("hua", case, "sign_for")
    assert answers(putuo.paper("hua", case, "dispatch", "assign"))["处理时限"] == "2023年10月13日"
    given = {"extension_reason": "要等市局批复"}
    assert (
        putuo.refusal("jin", case, "extend", extension_due="2023-10-19", **given).code == "extension_length"
    )
    putuo.do("jin", case, "extend", extension_due="2023-10-18", **given)
    assert putuo.due_day(case) == "2023-10-18"
    assert answers(putuo.paper("hua", case, "dispatch", "assign"))["处理时限"] == "2023年10月18日"
    told = {m.notice for m in putuo.outbox(case)}
    assert {"extension_told", "extension_filed"} <= told and "extension_filed" in putuo.told("fang", case)
    card = next(drawn(putuo, m) for m in putuo.outbox(case, "dispatch_card"))
    assert "10月18日 17:00" in card, "the card redrawn shows the new day too"


@pytest.mark.clause("PT-4.4.5", "PT-4.2b")
def test_a_matter_that_cannot_be_done_is_answered_with_reason_in_three_working_days(putuo: World) -> None:
    case = analysed(putuo, told_online(putuo, "li", "沿街违法建筑要办营业执照，跑了三次都不给办"), "complex")
    assert putuo.due_day(case) == "2023-10-13"
    refused = putuo.refusal("fang", case, "decline", exclusion="law_limited")
    assert isinstance(refused, Incomplete) and set(refused.problems) == {"no_basis"}
    putuo.do("fang", case, "decline", exclusion="law_limited", no_basis="《上海市拆除违法建筑若干规定》")
    assert putuo.again(case).stage == "REFUSING" and putuo.due_day(case) == "2023-10-09"
    duty = putuo.duty(case, "limit")
    assert duty is not None and duty.clause == "PT-4.4.5"
    refused = putuo.refusal("fang", case, "answer_no", explanation="可以先申请拆除")
    assert isinstance(refused, Incomplete) and set(refused.problems) == {"no_reason"}
    putuo.pass_to("2023-10-09T15:00")
    putuo.do(
        "fang", case, "answer_no", no_reason="违法建筑不能作经营场所", explanation="拆除或换址后可以再来办"
    )
    case = putuo.again(case)
    assert case.stage == "NOT_ACCEPTED" and not case.overdue and putuo.duty(case, "limit") is None
    (told,) = putuo.outbox(case, "not_accepted")
    text = drawn(putuo, told)
    assert (
        "违法建筑不能作经营场所" in text and "《上海市拆除违法建筑若干规定》" in text and "拆除或换址" in text
    )
    assert _ledger_row(putuo, case)["工单编号"] == case.number, "it stays in the ledger"


@pytest.mark.clause("PT-4.2b")
def test_only_a_person_declines_and_may_think_again(putuo: World) -> None:
    case = told_online(putuo, "li", "沿街违法建筑要办营业执照，跑了三次都不给办")
    assert case.stage == "SUBMITTED", "the conversation only suggested it"
    putuo.do("fang", case, "decline", exclusion="law_limited", no_basis="《上海市拆除违法建筑若干规定》")
    (event,) = [e for e in putuo.events(case) if e.act == "decline"]
    assert event.actor_id == putuo.who("fang").id
    putuo.do("fang", case, "take_over")
    case = dispatched(putuo, analysed(putuo, case, "complex"))
    assert putuo.due_day(case) == "2023-10-13"


@pytest.mark.clause("PT-4.4.3", "PT-4.4.5")
def test_what_is_taken_in_after_all_has_the_time_of_its_level_again(putuo: World) -> None:
    case = analysed(putuo, told_online(putuo), "complex")
    putuo.do("fang", case, "decline", exclusion="law_limited", no_basis="某法第一条")
    assert putuo.due_day(case) == "2023-10-09"
    case = putuo.do("shen", case, "take_over")
    running = putuo.duty(case, "limit")
    assert running and (running.limit, putuo.due_day(case)) == ("complex", "2023-10-13")


def test_whoever_was_declined_may_insist_and_the_usual_limits_run(putuo: World) -> None:
    case = told_online(putuo, "li")
    putuo.do("fang", case, "decline", exclusion="document_limited", no_basis="沪市监〔2022〕1号")
    putuo.do("fang", case, "answer_no", no_reason="文件规定不能", explanation="可以换一种办法")
    putuo.do("li", case, "insist")
    case = analysed(putuo, putuo.again(case), "complex")
    duty = putuo.duty(case, "limit")
    assert duty is not None and duty.limit == "complex"


# --- with the department --------------------------------------------------------------------------------


@pytest.mark.clause("PT-6.2b", "PT-A2.1")
def test_the_sheet_is_filled_from_the_case_and_names_no_applicant(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo, applicant_name="王建国")))
    sheet = putuo.paper("hua", case, "dispatch", "assign")
    assert sheet.title == "“办不成事”事项承办单"
    assert answers(sheet) == {
        "承办单位": "区市场监督管理局",
        "工单编号": case.number,
        "处理时限": "2023年10月9日",
        "受理人员": "方敏",
        "转办时间": "2023年9月28日",
        "督办次数": "0",
        "承办单位处理意见": "",
        "办理对象反馈意见": "",
    }
    assert "王建国" not in all_words(sheet) and "88889999" not in all_words(sheet)
    assert "经办人员签字" in all_words_with_signs(sheet)


@pytest.mark.clause("PT-6.3a")
def test_the_department_reads_what_is_asked_of_it_the_group_reads_number_subject_and_day(
    putuo: World,
) -> None:
    case = analysed(putuo, registered(putuo))
    given = {"subject": "许可证变更未获受理", "unit": "market"}
    refused = putuo.refusal("fang", case, "dispatch", **given)
    assert isinstance(refused, Incomplete) and set(refused.problems) == {"requirement"}
    wish = "请一次说清变更所需材料"
    case = putuo.do("fang", case, "dispatch", requirement=wish, **given)
    assert wish in all_words(putuo.paper("hua", case, "dispatch", "assign"))
    texts = {(m.notice, m.person_id): drawn(putuo, m) for m in putuo.outbox(case)}
    card = texts["dispatch_card", putuo.who("hua").id]
    assert wish in card
    group = next(text for (notice, _), text in texts.items() if notice == "dispatch_group")
    assert str(case.number) in group and "许可证变更未获受理" in group and "10月9日" in group
    assert wish not in group and "王建国" not in group and MATTER[:6] not in group


@pytest.mark.clause("PT-6.4b", "PT-7.1")
def test_a_department_without_its_people_gets_no_sheet_and_the_operator_hears(putuo: World) -> None:
    case = analysed(putuo, registered(putuo))
    given = {"subject": "场馆备案未获受理", "requirement": "请说清怎么办"}
    refused = putuo.refusal("fang", case, "dispatch", unit="sports", **given)
    assert refused.code == "unit_lacks_contacts" and refused.facts["roles"] == "承办单接收专人"
    with store.transaction(putuo.office.engine) as conn:
        assert gaps.tell(putuo.office, conn, case, refused, putuo.now)
    assert "contacts_missing" in putuo.told("shen", case)
    refused = putuo.refusal("fang", case, "dispatch", unit="culture", **given)
    assert refused.facts["roles"] == "科室负责人"


@pytest.mark.clause("PT-6.4b")
def test_the_named_person_signs_for_the_sheet(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo)))
    for other in ("jin", "ruan", "shi", "pan"):
        assert putuo.refusal(other, case, "sign_for").code == "not_yours"
    case = putuo.do("hua", case, "sign_for")
    assert case.moments["signed_for_at"].person_id == putuo.who("hua").id


@pytest.mark.clause("PT-6.4c")
def test_a_reply_says_how_it_can_be_done_or_why_it_cannot(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo)))
    putuo.do("hua", case, "sign_for")
    refused = putuo.refusal("jin", case, "reply", unit_cause="清单两版", outcome="done")
    assert isinstance(refused, Incomplete) and set(refused.problems) == {"result"}
    refused = putuo.refusal("jin", case, "reply", unit_cause="清单两版", outcome="cannot_do")
    assert set(getattr(refused, "problems", ())) == {"cannot_reason", "cannot_basis", "explanation"}
    putuo.do(
        "jin",
        case,
        "reply",
        unit_cause="场所不符",
        outcome="cannot_do",
        cannot_reason="场所在居民楼内，不能做餐饮",
        cannot_basis="《大气污染防治法》第八十一条",
        explanation="换到商铺就能办，清单附后",
    )
    assert putuo.again(case).stage == "DELIVERING"
    (told,) = putuo.outbox(case, "result")
    assert "场所在居民楼内，不能做餐饮" in drawn(putuo, told) and "换到商铺就能办" in drawn(putuo, told)


@pytest.mark.clause("PT-A1.3")
def test_only_the_handler_signs_the_reply(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo)))
    putuo.do("hua", case, "sign_for")
    given = {"unit_cause": "清单两版", "outcome": "done", "result": "容缺受理"}
    for other in ("hua", "ruan", "shi", "kang"):
        assert putuo.refusal(other, case, "reply", **given).code == "not_yours"
    assert putuo.duty(case, "limit") is not None
    putuo.do("jin", case, "reply", **given)
    case = putuo.again(case)
    assert case.moments["handler_signed_at"].person_id == putuo.who("jin").id
    assert putuo.duty(case, "limit") is None
    assert "经办人员签字：金辉　日期：2023年9月28日" in all_words_with_signs(
        putuo.paper("fang", case, "registration")
    )


def test_a_sheet_sent_back_keeps_its_level_and_its_clock(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo), "complex"))
    putuo.do("hua", case, "send_back", send_back_reason="归住房部门")
    putuo.pass_to("2023-10-07T10:00")
    case = dispatched(putuo, case, "housing")
    assert putuo.due_day(case) == "2023-10-13"
    assert putuo.refusal("hua", case, "sign_for").code == "not_yours"
    putuo.do("xu", case, "sign_for")


def test_who_did_not_answer_may_come_back_and_the_case_can_still_be_archived(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, told_online(putuo, "li")))
    putuo.do("hua", case, "sign_for")
    putuo.do("jin", case, "ask", question="新地址是哪里？")
    putuo.pass_to("2023-10-10T10:00")
    putuo.do("fang", case, "close_no_response", no_response_note="打了三次电话没有人接")
    putuo.do("li", case, "reopen")
    putuo.do("hua", case, "sign_for")
    replied(putuo, case)
    visited(putuo, putuo.delivered(case))
    assert putuo.do("fang", case, "archive").stage == "ARCHIVED"


# --- supervision ----------------------------------------------------------------------------------------


@pytest.mark.clause("PT-2f")
def test_a_missed_limit_prepares_a_sheet_that_the_operator_issues_once(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo)))
    putuo.do("hua", case, "sign_for")
    putuo.pass_to("2023-10-09T09:00")
    assert {"remind_before", "remind_day"} <= set(putuo.told("jin", case))
    assert putuo.refusal("shen", case, "supervise").code == "not_now"
    putuo.pass_to("2023-10-09T17:30")
    case = putuo.again(case)
    assert case.overdue and case.overdue_at == at("2023-10-09T17:00")
    assert decided(putuo, case) == "supervisor" and case.supervision_count == 0
    (alert,) = putuo.outbox(case, "overdue_alert")
    assert alert.person_id == putuo.who("shen").id and alert.not_before == at("2023-10-10T09:00")
    putuo.sweep()
    assert len(putuo.duties_of(case, "issue_supervision")) == 1
    assert putuo.refusal("fang", case, "supervise").code == "not_yours"
    assert putuo.do("shen", case, "supervise").supervision_count == 1
    assert putuo.refusal("shen", case, "supervise").code == "done_already"
    assert putuo.again(case).supervision_count == 1


@pytest.mark.clause("PT-A2.2")
def test_the_sheet_counts_what_was_issued_not_what_was_prepared(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo)))
    putuo.do("hua", case, "sign_for")
    putuo.pass_to("2023-10-10T09:00")
    putuo.do("shen", case, "supervise")
    putuo.pass_to("2023-10-16T09:00")  # three working days later, again nothing
    putuo.do("shen", case, "supervise")
    putuo.pass_to("2023-10-20T09:00")
    assert decided(putuo, case) == "supervisor", "a third one lies ready"
    reminders = [
        m for m in putuo.outbox(case) if m.notice.startswith("remind") and m.person_id == putuo.who("jin").id
    ]
    assert len(reminders) >= 3
    assert answers(putuo.paper("fang", case, "dispatch", "assign"))["督办次数"] == "2"


# --- after the answer -----------------------------------------------------------------------------------


@pytest.mark.clause("PT-6.6b")
def test_the_opinion_of_the_visit_is_printed_and_a_rating_is_no_visit(putuo: World) -> None:
    case = closed(putuo, dispatched(putuo, analysed(putuo, told_online(putuo, "li"))))
    putuo.do("li", case, "rate", score="5")
    assert putuo.duty(case, "visit") is not None
    refused = putuo.refusal("fang", case, "follow_up", visit_way="phone", visit_satisfied="satisfied")
    assert isinstance(refused, Incomplete) and set(refused.problems) == {"visit_opinion"}
    visited(putuo, case)
    assert putuo.duty(case, "visit") is None
    assert (
        "清单早点贴出来就好" in answers(putuo.paper("fang", case, "dispatch", "assign"))["办理对象反馈意见"]
    )


def test_each_reply_opens_one_verification_of_the_site(putuo: World) -> None:
    case = closed(putuo, dispatched(putuo, analysed(putuo, registered(putuo))))
    (duty,) = putuo.duties_of(case, "verify")
    assert duty.holder == "verifier" and putuo.due_day(case, "verify") == "2023-10-09"
    assert putuo.refusal("jin", case, "verify_result", verified="yes").code == "not_yours"
    assert putuo.refusal("gong", case, "verify_result", verified="yes").code == "not_yours"
    putuo.pass_to("2023-10-09T09:30")
    assert "verify.remind_day" in reminded(putuo, "fang", case)
    putuo.do("fang", case, "verify_result", verified="yes")
    assert putuo.duty(case, "verify") is None


@pytest.mark.clause("PT-2e", "PT-A2.3")
def test_a_case_is_archived_when_all_five_stages_have_their_time(putuo: World) -> None:
    case = registered(putuo)
    times = [case.at("accepted_at")]
    putuo.pass_to("2023-09-28T10:30")
    analysed(putuo, case)
    putuo.pass_to("2023-09-28T11:00")
    dispatched(putuo, case)
    putuo.pass_to("2023-09-28T14:00")
    case = closed(putuo, case)
    assert putuo.refusal("fang", case, "archive").code == "pending", "neither verified nor visited"
    putuo.do("fang", case, "verify_result", verified="yes")
    assert putuo.refusal("fang", case, "archive").code == "pending", "the opinion of the applicant is missing"
    putuo.do("fang", case, "follow_up", visit_way="phone", visit_satisfied="no_answer")
    putuo.pass_to("2023-10-07T10:00")
    case = putuo.do("fang", case, "archive")
    assert case.stage == "ARCHIVED"
    times += [case.at(name) for name in ("analysed_at", "handled_at", "replied_at", "archived_at")]
    told = [moment for moment in times if moment]
    assert len(told) == 5 and told == sorted(told)


@pytest.mark.clause("PT-5.3")
@pytest.mark.parametrize("missing", ["verify_result", "follow_up"])
def test_a_case_neither_verified_nor_visited_or_only_one_of_them_is_not_archived(
    putuo: World, missing: str
) -> None:
    case = closed(putuo, dispatched(putuo, analysed(putuo, registered(putuo))))
    given = {
        "verify_result": {"verified": "yes"},
        "follow_up": {"visit_way": "phone", "visit_satisfied": "no_answer"},
    }
    last = given.pop(missing)
    for act, values in given.items():
        putuo.do("fang", case, act, **values)
    assert putuo.refusal("fang", case, "archive").code == "pending"
    putuo.do("fang", case, missing, **last)
    assert putuo.do("fang", case, "archive").stage == "ARCHIVED"


@pytest.mark.clause("PT-5.3")
def test_a_simple_matter_may_do_without_coordination_and_visit_if_somebody_says_why(putuo: World) -> None:
    case = analysed(
        putuo, registered(putuo, category="consultation", ground="other"), "simple", confirmed_with=""
    )
    putuo.do("fang", case, "resolve", result="依据和材料已当面说清")
    putuo.do("fang", case, "deliver", feedback_way="in_person", delivered_on="2023-09-28")
    case = putuo.delivered(case)
    assert case.stage == "CLOSED"
    for step in ("visit", "coordination"):
        assert putuo.refusal("fang", case, "archive").code == "pending"
        refused = putuo.refusal("fang", case, "waive", waived_step=step)
        assert isinstance(refused, Incomplete) and set(refused.problems) == {"waive_reason"}
        putuo.do("fang", case, "waive", waived_step=step, waive_reason="当面答清，群众当场满意")
    assert putuo.do("fang", case, "archive").stage == "ARCHIVED"

    other = closed(putuo, dispatched(putuo, analysed(putuo, registered(putuo))))
    refused_here = putuo.refusal("fang", other, "waive", waived_step="visit", waive_reason="忙")
    assert refused_here.code == "not_now", "only a simple matter"


@pytest.mark.clause("PT-6.5")
def test_one_ledger_holds_every_channel_and_category_and_what_was_not_accepted(putuo: World) -> None:
    kinds = ("consultation", "service", "complaint", "suggestion")
    told = [registered(putuo, category=kind, ground="other") for kind in kinds]
    told.append(told_online(putuo, "li"))
    told.append(registered(putuo, "bao", intake_channel="midway_exit", exit_step="上传租赁合同"))
    declined = registered(putuo, intake_channel="phone")
    putuo.do("fang", declined, "decline", exclusion="law_limited", no_basis="某法第一条")
    putuo.do("fang", declined, "answer_no", no_reason="法律不允许", explanation="可以换址")
    told.append(declined)
    sheet = putuo.ledger("shen", "2023-09-28")
    assert sorted(row[2] for row in sheet.rows) == sorted(str(case.number) for case in told)


def test_uploads_to_the_two_city_systems_are_noted_apart(putuo: World) -> None:
    case = registered(putuo)
    putuo.do("fang", case, "note_upload", system="woodpecker", external_no="ZMN-0928-7")
    assert (
        putuo.duty(case, "upload_woodpecker") is None and putuo.duty(case, "upload_city_center") is not None
    )
    putuo.pass_to("2023-10-07T09:00")
    assert "upload_city_center.missed" in reminded(putuo, "fang", case) and not putuo.again(case).overdue
    putuo.do("fang", case, "note_upload", system="city_center", external_no="SH-551")
    row = _ledger_row(putuo, case)
    assert (row["啄木鸟平台编号"], row["市系统编号"]) == ("ZMN-0928-7", "SH-551")


# --- the whole of it ------------------------------------------------------------------------------------


@pytest.mark.clause("PT-0")
def test_a_matter_keeps_the_rule_it_was_accepted_under(putuo: World) -> None:
    assert (
        putuo.rules.instrument.number == "普政务服务办〔2023〕2号"
        and putuo.rules.instrument.dated == "2023-05-23"
    )
    old = registered(putuo)
    text = shipped("putuo")[1].replace('version = "2023-05-23"', 'version = "2023-10-01"', 1)
    text = text.replace("due = { wd = 7 }", "due = { wd = 5 }", 1)
    with store.transaction(putuo.office.engine) as conn:
        newer = publish(conn, text, "putuo.toml", putuo.now)
    putuo.office = replace(putuo.office, profile=newer)
    new = registered(putuo)
    analysed(putuo, old, "complex")
    analysed(putuo, new, "complex")
    assert (putuo.due_day(old), putuo.due_day(new)) == ("2023-10-13", "2023-10-11")


def test_the_whole_way_of_a_matter_on_both_databases(database_url: str, tmp_path: Path) -> None:
    world = ReadWorld.of("putuo", database_url, tmp_path / "files", start=THURSDAY)
    case = told_online(world, "li")
    world.do("fang", case, "note_upload", system="woodpecker", external_no="Z1")
    case = dispatched(world, analysed(world, case))
    putuo_group = world.outbox(case, "dispatch_group")
    assert len(putuo_group) == 1
    world.pass_to("2023-10-08T15:00")
    replied(world, case)
    case = world.delivered(case)
    assert case.stage == "CLOSED"
    world.do("li", case, "rate", score="4")
    visited(world, case)
    case = world.do("fang", case, "archive")
    assert case.stage == "ARCHIVED"
    world.close()


def test_every_notice_reads_well(putuo: World) -> None:
    """A story that draws all the region's own notices once."""
    case = registered(putuo)
    told = told_online(putuo, "li")
    putuo.do("fang", told, "pass_on", site="sq", pass_reason="归街道社区事务受理中心办")
    no = told_online(putuo, "zhao")
    putuo.do("fang", no, "decline", exclusion="law_limited", no_basis="某法第一条")
    putuo.do("fang", no, "answer_no", no_reason="法律不允许", explanation="可以换址")
    late = dispatched(putuo, analysed(putuo, registered(putuo), "complex"))
    putuo.do("hua", late, "sign_for")
    putuo.do("jin", late, "extend", extension_due="2023-10-16", extension_reason="等市局批复")
    done = closed(putuo, dispatched(putuo, analysed(putuo, registered(putuo))))
    putuo.pass_to("2023-10-25T10:00")
    putuo.do("shen", late, "supervise")
    own = {
        "duty_missed",
        "duty_today",
        "passed_on_card",
        "passed_on_told",
        "not_accepted",
    }
    assert isinstance(putuo, ReadWorld) and own <= set(putuo.texts)
    assert case.number and done.number


def _ledger_row(world: World, case: Case) -> dict[str, str]:
    sheet = world.ledger("fang", "2023-09-28")
    heads = [label for label, _ in sheet.heads]
    (row,) = [row for row in sheet.rows if row[2] == case.number]
    return dict(zip(heads, map(str, row), strict=True))


def all_words_with_signs(sheet: Sheet) -> str:
    signs = ["".join(ink.words for ink in cell.sign) for row in sheet.rows for cell in row.cells]
    return "\n".join([all_words(sheet), *signs])


# --- what else is held to -------------------------------------------------------------------------------

FIRM = {"applicant_type": "legal_person", "applicant_unit": "普陀某餐饮店"}
TOLD = {
    "relation": "我自己",
    "applicant_type": "个人",
    "applicant_name": "李桂兰",
    "applicant_unit": "示范商贸有限公司",
    "applicant_phone": "13800001234",
    "contact_name": "李梅",
    "about_conduct": "否",
    "category": "办事类",
    "item": "食品经营许可证变更",
    "ground": "来了好几趟，没有解决",
    "site": "区政务服务中心",
}


@pytest.mark.clause("PT-6.1a", "PT-4.3b")
def test_who_skips_a_question_that_counts_is_asked_again(putuo: World) -> None:
    matter = "许可证来窗口办了三次都说缺材料"
    plain = "category item site relation applicant_type applicant_name applicant_phone"
    assert insisted_on(putuo, "li", matter, **TOLD) == plain  # a ground that she skips is “都不是”
    firm = {**TOLD, "category": "投诉类", "relation": "替单位", "applicant_type": "企业"}
    assert insisted_on(putuo, "wang", f"窗口推诿，{matter}", **firm) == (
        "about_conduct category site relation contact_name applicant_type applicant_name applicant_unit"
        " applicant_phone"
    )
    asked_of_all = "content category ground site relation applicant_type applicant_name applicant_phone"
    assert set(missing_at_first(putuo, "zhao").split()) == set(asked_of_all.split())


@pytest.mark.clause("PT-4.3c")
def test_who_says_that_it_is_about_conduct_is_shielded_whatever_the_category(putuo: World) -> None:
    matter = "窗口推诿，来了三次都不给办许可证"
    assert told_online(putuo, "li", matter, about_conduct="是").shielded
    assert not told_online(putuo, "wang", matter, about_conduct="否").shielded


@pytest.mark.clause("PT-4.2b")
@pytest.mark.parametrize(
    ("matter", "clause"),
    [
        ("沿街违法建筑要办执照，一直不给办", "PT-4.2b"),
        ("窗口说明文规定不能办，我想问问", "PT-4.2b"),
        ("判决书下来了对方不执行", "PT-4.2a"),
    ],
)
def test_what_is_barred_is_suggested_before_it_is_submitted(putuo: World, matter: str, clause: str) -> None:
    putuo.say("li", "我要反映")
    putuo.say("li", matter)
    reply = putuo.say("li", "说完了")[-1]
    assert (reply.name, reply.values["clause"]) == ("excluded", clause)


def test_what_was_told_and_registered_is_dated(putuo: World) -> None:
    assert set(told_online(putuo).moments) == {"submitted_at", "accepted_at", "applicant_confirmed_at"}
    oral = {"record_confirmed": "oral", "oral_reason": "来电反映，下次来补签"}
    case = registered(putuo, told_at="2023-09-27T15:00", **FIRM, **oral)
    assert case.at("submitted_at") == case.at("accepted_at") == at("2023-09-27T15:00")
    assert case.at("confirmed_at") == case.at("applicant_confirmed_at") == at(THURSDAY)
    assert putuo.due_day(case) == "2023-10-08"


@pytest.mark.clause("PT-4.4.1", "PT-4.4.2", "PT-4.4.3")
@pytest.mark.parametrize(
    ("level", "due"),
    [
        ("simple", "2023-10-08"),  # its day is over: the next one, so that nobody makes it late by analysing
        ("ordinary", "2023-10-09"),
        ("complex", "2023-10-13"),
    ],
)
def test_each_limit_runs_from_the_acceptance_however_late_it_is_analysed(
    putuo: World, level: str, due: str
) -> None:
    case = registered(putuo)
    putuo.pass_to("2023-10-07T10:00")
    case = analysed(putuo, case, level)
    running = putuo.duty(case, "limit")
    assert running and (running.limit, putuo.due_day(case)) == (level, due)
    if level != "simple":
        assert putuo.due_day(dispatched(putuo, case)) == due


@pytest.mark.clause("PT-4.4.5")
def test_what_is_declined_later_is_answered_within_three_days_of_its_acceptance(putuo: World) -> None:
    case = analysed(putuo, registered(putuo), "complex")
    putuo.pass_to("2023-10-07T10:00")
    putuo.do("fang", case, "decline", exclusion="law_limited", no_basis="某法第一条")
    running = putuo.duty(case, "limit")
    assert running and (running.limit, putuo.due_day(case)) == ("not_accepted", "2023-10-09")


@pytest.mark.clause("PT-7.1", "PT-6.4b")
@pytest.mark.parametrize(
    ("role", "title"),
    [
        ("unit_deputy_head", "分管领导"),
        ("lead_section", "科室负责人"),
        ("unit_liaison", "承办单接收专人"),
        ("handler", "经办人员"),
    ],
)
def test_a_department_gets_no_sheet_before_it_has_named_everybody(
    putuo: World, role: str, title: str
) -> None:
    without(putuo, "market", role)
    given = {"subject": "许可证变更未获受理", "unit": "market", "requirement": "请一次说清材料"}
    refusal = putuo.refusal("fang", analysed(putuo, registered(putuo)), "dispatch", **given)
    assert (refusal.code, refusal.facts["roles"]) == ("unit_lacks_contacts", title)


@pytest.mark.clause("PT-6.2a")
def test_coordination_is_not_owed_any_more_once_the_analysis_says_with_whom(putuo: World) -> None:
    case = analysed(putuo, registered(putuo), "simple", confirmed_with="")
    assert putuo.duty(case, "coordination") is not None
    assert putuo.duty(analysed(putuo, case), "coordination") is None
    assert dispatched(putuo, case).stage == "WITH_UNIT"


def test_a_new_level_takes_back_a_sheet_that_was_only_prepared(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo)))
    putuo.pass_to("2023-10-10T09:30")
    assert putuo.duty(case, "issue_supervision") is not None
    case = putuo.do("fang", case, "relevel", level="complex", relevel_reason="两个部门的事")
    assert putuo.duty(case, "issue_supervision") is None and not case.overdue
    assert putuo.due_day(case) == "2023-10-13", "seven working days, counted from the acceptance"
    putuo.pass_to("2023-10-16T09:00")
    assert putuo.again(case).overdue and decided(putuo, case) == "supervisor"


@pytest.mark.clause("PT-2f")
def test_a_matter_sent_out_when_it_is_late_is_due_on_the_next_working_day(putuo: World) -> None:
    """WD-22: the department is not late the moment it gets the sheet; what the window has missed stays on record."""
    case = analysed(putuo, registered(putuo))
    putuo.pass_to("2023-10-10T09:30")
    assert putuo.again(case).overdue
    case = dispatched(putuo, case)
    assert putuo.due_day(case) == "2023-10-11" and not case.overdue and decided(putuo, case) == ""
    *_, missed, running = putuo.duties_of(case, "limit")
    assert missed.missed_at and not running.missed_at
    putuo.pass_to("2023-10-12T09:00")
    assert putuo.again(case).overdue and decided(putuo, case) == "supervisor"


def test_who_says_dissatisfied_or_worse_is_counted_as_bad(putuo: World) -> None:
    for who, score in (("li", "1"), ("wang", "2"), ("zhao", "3")):
        case = closed(putuo, dispatched(putuo, analysed(putuo, told_online(putuo, who))))
        putuo.do(who, case, "rate", score=score)
    ratings = computed(putuo, "bimonthly", "2023-09-01", "2023-10-31")["ratings"]
    assert (ratings.said["rated"], ratings.said["bad"]) == (3, 2)


@pytest.mark.parametrize("gap", ["level", "relevel_reason"])
def test_nothing_changes_its_level_without_a_level_or_a_reason(putuo: World, gap: str) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo)))
    given = {"level": "complex", "relevel_reason": "要几家一起看"}
    refusal = putuo.refusal("fang", case, "relevel", **{**given, gap: ""})
    assert isinstance(refusal, Incomplete) and refusal.problems == {gap: "missing"}


# --- every turn -----------------------------------------------------------------------------------------


def unconfirmed(world: World) -> Case:
    return registered(world, record_confirmed="later")


def spoken(world: World) -> Case:
    """Told by voice, and not yet typed."""
    world.say("li", "我要反映")
    world.say("li", kind="voice", media_id="v1")
    return told_online(world)


def unanswered(world: World) -> Case:
    """Told by voice, asked three working days ago, and reminded twice."""
    case = dispatched(world, analysed(world, spoken(world), "complex"))
    world.do("hua", case, "sign_for")
    world.do("jin", case, "ask", question="新地址是哪里？")
    world.pass_to("2023-10-09T18:00")
    return world.again(case)


def late(world: World) -> Case:
    """Overdue and supervised, nobody has signed for it, with a question and a word to the window open."""
    case = dispatched(world, analysed(world, told_online(world)))
    world.do("li", case, "ask_human", human_question="还要多久？")
    world.pass_to("2023-10-10T09:30")
    world.do("jin", case, "ask", question="新地址是哪里？")
    return world.do("shen", case, "supervise")


def unseen(world: World) -> Case:
    """Nobody at the window has looked until it was late."""
    case = told_online(world)
    world.pass_to("2023-10-10T09:30")
    return world.do("shen", case, "supervise")


def simple(world: World) -> Case:
    """Done at the window and delivered."""
    case = analysed(world, told_online(world), "simple", confirmed_with="")
    return world.delivered(world.do("fang", case, "resolve", result="清单已当面说清"))


def taken_over(world: World) -> Case:
    """Analysed, declined, and taken in after all."""
    case = analysed(world, told_online(world), "simple", confirmed_with="")
    world.do("fang", case, "decline", exclusion="law_limited", no_basis="某法第一条")
    return world.do("fang", case, "take_over")


def test_at_every_turn_a_case_stands_as_the_tables_say(sqlite_url: str, tmp_path: Path) -> None:
    world = World.of("putuo", sqlite_url, tmp_path / "files", start=THURSDAY)
    starts = (told_online, unconfirmed, spoken, unanswered, late, unseen, simple, taken_over)
    Walk(world, tmp_path).go(*starts)
    world.close()
