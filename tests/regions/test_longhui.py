"""隆回县: the window that may not say no, the work order of three working days, and the redo after a bad rating."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core import store
from core.case import Case
from core.desk.deliver import unreachable
from core.forms import SHIELD_LINE, Sheet
from core.office import Office
from core.policy.load import publish, shipped
from core.refusals import Incomplete
from tests.regions.asked import AskingWorld
from tests.regions.drawing import WORDS, ReadWorld, draw_all, reminded
from tests.regions.standing_longhui import GIVEN
from tests.regions.telling import without
from tests.regions.walk import Walk
from tests.world import World, at

FRIDAY = "2022-04-29T09:30"  # before the Labour Day holiday; Saturday 05-07 works
MATTER = "办不动产过户，材料交了一个多月，窗口一直说在走流程"
TRIAGE = {"cause_code": "delay", "category": "handling", "level": "work_order"}
RESULT = {"solution": "当天补录系统，加急出证", "result": "证书已经办好，可以来取。", "outcome": "done"}


@pytest.fixture
def start() -> str:
    return FRIDAY


@pytest.fixture
def county(sqlite_url: str, tmp_path: Path, start: str) -> Iterator[ReadWorld]:
    """The hall of 隆回县 on the Friday before a holiday; every message is drawn when it is told."""
    made = ReadWorld.of("longhui", sqlite_url, tmp_path / "files", start=start)
    assert isinstance(made, ReadWorld)
    yield made
    draw_all(made, made.drawn)
    made.close()


def tell(world: World, who: str = "li", matter: str = MATTER, **answers: str) -> Case:
    given = {
        "scope_code": "交了材料，过了规定时限还没受理或没办完",
        "item": "不动产过户",
        "prior_channel": "窗口现场交的",
        "submitted_on": "2022-03-28",
        "trip_count": "6",
        "conduct_code": "服务态度差",
        "conduct_about": "不动产登记窗口三号台",
        **answers,
    }
    return world.tell(who, matter, **given)


def register(world: World, who: str = "ouyang", **values: Any) -> Case:
    given = {"scope_code": "repeated_trips", "item": "不动产过户", "trip_count": "6", **TRIAGE, **values}
    return world.register(who, **{k: v for k, v in given.items() if v is not None})


def send(world: World, case: Case, unit: str = "registry", who: str = "ouyang", **values: Any) -> Case:
    """The work order goes out."""
    if world.again(case).stage == "SUBMITTED":
        world.do(who, case, "accept", **TRIAGE)
    given = {"subject": "不动产过户超期未办", **TRIAGE, **values}
    if world.again(case).shielded:
        given.setdefault("content_for_unit", "群众反映窗口服务态度问题")
    return world.do(who, case, "dispatch", unit=unit, **given)


def answer(world: World, case: Case, who: str = "bu", **values: Any) -> Case:
    if world.again(case).at("signed_for_at") is None:
        world.do(who, case, "sign_for")
    return world.do(who, case, "reply", **{**RESULT, **values})


def closed(world: World, who: str = "li") -> Case:
    return world.delivered(answer(world, send(world, tell(world, who))))


def readers(world: World, case: Case, *notices: str) -> set[str]:
    """The keys of the staff who were told."""
    keys = [person.key for person in world.office.hall.people]
    ids = {m.person_id for m in world.outbox(case, *notices)}
    return {key for key in keys if world.who(key).id in ids}


def cells(sheet: Sheet, label: str) -> list[str]:
    """What a paper says beside a label, from top to bottom."""
    found = [cell for row in sheet.rows for cell in row.cells if cell.label == label]
    return ["\n".join(cell.paragraphs) for cell in found]


def to_applicant(world: World, case: Case, who: str = "li") -> list[str]:
    return world.told(who, case)


@pytest.mark.clause("LH-12a")
def test_a_matter_goes_through_on_both_databases(database_url: str, tmp_path: Path) -> None:
    world = ReadWorld.of("longhui", database_url, tmp_path / "files", start=FRIDAY)
    case = send(world, tell(world))
    assert world.due_day(case) == "2022-05-07"
    extend(world, case, "2022-05-10")
    case = world.delivered(answer(world, case))
    case = world.do("li", case, "rate", score="2")
    case = world.delivered(answer(world, case, redo_reason="已经补发证书"))
    world.do("ouyang", case, "follow_up", visit_way="phone", visit_satisfied="satisfied")
    assert world.again(case).stage == "CLOSED"
    assert [e.act for e in world.events(case) if "_" not in e.act and "." not in e.act] == [
        "submit",
        "accept",
        "dispatch",
        "extend",
        "reply",
        "delivered",
        "delivered",
        "delivered",
        "rate",
        "redo",
        "reply",
        "delivered",
        "delivered",
        "delivered",
    ]
    world.close()


# --- the rule and its window ----------------------------------------------------------------------------


@pytest.mark.clause("LH-0")
def test_a_case_keeps_the_version_it_was_accepted_under(sqlite_url: str, tmp_path: Path) -> None:
    county = World.of("longhui", sqlite_url, tmp_path / "files", start=FRIDAY)
    old = tell(county, "li")
    _, text = shipped("longhui")
    newer = (
        text.replace('version = "2022-04-01"', 'version = "2022-04-29"', 1)
        .replace('due = { wd = 3 }\nanchor = "dispatched_at"', 'due = { wd = 1 }\nanchor = "dispatched_at"')
        .replace('to = "supervisor"\ntemplate = "result_copy"', 'to = "office"\ntemplate = "result_copy"')
    )
    with store.transaction(county.office.engine) as conn:
        second = publish(conn, newer, "newer", county.now)
    county.office = replace(county.office, profile=second)
    new = tell(county, "wang")

    assert county.due_day(send(county, old)) == "2022-05-07"
    assert county.due_day(send(county, new)) == "2022-05-05"
    assert readers(county, answer(county, old), "result_copy") >= {"kuang", "ling"}
    assert not readers(county, answer(county, new), "result_copy") & {"kuang", "ling"}
    county.close()


@pytest.mark.clause("LH-1")
def test_the_first_message_is_the_greeting_of_the_profile(county: ReadWorld) -> None:
    strangers = iter(("li", "wang", "zhao"))

    def first(office: Office) -> str:
        (greeting, *_) = replace(county, office=office).say(next(strangers), "你好")
        return WORDS.say(f"intake/{greeting.name}", rules=office.profile, hall=office.hall, **greeting.values)

    assert county.rules.intake.greeting in first(county.office)
    assert "兜底服务" in first(county.office)
    rules = county.rules
    other = rules.model_copy(update={"intake": rules.intake.model_copy(update={"greeting": "另一句话。"})})
    assert "另一句话。" in first(replace(county.office, profile=other))


@pytest.mark.clause("LH-19")
@pytest.mark.parametrize("start", ["2022-03-31T10:00"])
def test_no_case_before_the_rule_is_in_force(county: ReadWorld) -> None:
    with pytest.raises(AssertionError, match="refused"):
        tell(county)
    draft = county.of_contact("li")
    refused = county.refusal("li", draft, "submit")
    assert (refused.code, refused.clause) == ("not_in_force", "LH-19")
    county.pass_to("2022-04-01T00:10")
    assert county.say("li", "确认提交")[-1].name == "submitted"
    assert county.of_contact("li").stage == "SUBMITTED"


# --- taking in ------------------------------------------------------------------------------------------


@pytest.mark.clause("LH-8a")
def test_a_missed_limit_asks_how_and_when_the_papers_were_handed_in(county: ReadWorld) -> None:
    asked: list[str] = []
    say = county.say

    def listening(who: str, text: str = "", **said: Any) -> Any:
        replies = say(who, text, **said)
        asked.extend(reply.name for reply in replies)
        return replies

    county.say = listening  # type: ignore[method-assign]
    case = tell(county)
    assert {"ask_item", "ask_prior_channel", "ask_submitted_on"} <= set(asked)
    assert not {"ask_trip_count", "ask_conduct_code"} & set(asked)
    assert case.codes["scope_code"] == "limit_missed"
    assert case.codes["prior_channel"] == "offline"
    assert case.codes["submitted_on"] == "2022-03-28"
    assert county.words(case)["item"] == "不动产过户"


@pytest.mark.clause("LH-8b")
def test_many_visits_need_no_attachment_and_are_counted(county: ReadWorld) -> None:
    case = tell(county, scope_code="来了县政务服务中心好几次，没办成", attachments="没有了")
    assert (case.stage, case.codes["scope_code"]) == ("SUBMITTED", "repeated_trips")
    assert case.codes["trip_count"] == "6"
    assert county.attachments(case) == []
    assert "submitted_on" not in case.codes


@pytest.mark.clause("LH-8c")
def test_who_complains_of_conduct_is_shielded_from_the_window_complained_of(county: ReadWorld) -> None:
    case = tell(county, matter="三号台的人把材料扔出来", scope_code="服务态度差、慢作为、不作为")
    assert case.shielded
    assert case.codes["conduct_code"] == "bad_attitude"
    assert county.words(case)["conduct_about"] == "不动产登记窗口三号台"
    assert county.refusal("ouyang", case, "call_on_site", unit="registry", subject="态度").code == "not_now"

    send(county, case, category="conduct")
    for officer in ("bu", "hui"):
        view = county.see(officer, case)
        assert view.hidden and view.words["applicant_name"] == SHIELD_LINE
        assert view.words["applicant_phone"] == SHIELD_LINE
        assert "三号台的人把材料扔出来" not in str(view.words)
        assert "conduct_about" not in view.words
    assert readers(county, case, "dispatch_cc") == {"kuang", "ling"}, "not by the window complained of alone"
    assert county.refusal("bu", case, "deliver", feedback_way="phone").code == "through_window"


def test_a_desk_that_calls_it_conduct_shields_as_well(county: ReadWorld) -> None:
    desk = register(county, category="conduct", cause_code="conduct")
    assert desk.shielded
    online = county.do("ouyang", tell(county), "accept", **{**TRIAGE, "category": "conduct"})
    for case in (desk, online):
        refused = county.refusal("ouyang", case, "call_on_site", unit="registry", subject="态度")
        assert refused.code == "not_now"
    send(county, online, category="conduct", content_for_unit="群众反映窗口服务态度问题")
    assert county.see("bu", online).hidden


@pytest.mark.clause("LH-9")
@pytest.mark.parametrize("start", ["2022-04-29T10:17"])
def test_the_desk_accepts_by_filling_in_the_whole_form(county: ReadWorld) -> None:
    whole = {"scope_code": "limit_missed", "prior_channel": "online", "submitted_on": "2022-03-28"}
    needed = ("content", "applicant_name", "applicant_phone", "scope_code", "item", "prior_channel")
    for name in (*needed, "submitted_on", "cause_code", "category", "level"):
        with pytest.raises(Incomplete) as refused:
            register(county, **{**whole, name: ""})
        assert name in refused.value.problems
    assert county.numbers() == []

    case = register(county, **whole)
    assert (case.number, case.stage) == ("LH202200001", "TRIAGE")
    assert case.at("accepted_at") == at("2022-04-29T10:17")
    assert county.who("ouyang").id == case.keeper_id


@pytest.mark.clause("LH-9")
@pytest.mark.parametrize("kind", ["legal_person", "other_organisation"])
def test_who_comes_for_a_firm_is_registered_with_its_name(county: ReadWorld, kind: str) -> None:
    with pytest.raises(Incomplete) as refused:
        register(county, applicant_type=kind)
    assert set(refused.value.problems) == {"applicant_unit"}
    case = register(county, applicant_type=kind, applicant_unit="隆回县宏远建材厂")
    assert county.words(case)["applicant_unit"] == "隆回县宏远建材厂"


@pytest.mark.clause("LH-9")
def test_online_the_clock_starts_with_her_and_the_window_adds_its_part_later(county: ReadWorld) -> None:
    case = tell(county)
    county.pass_to("2022-04-29T11:00")
    assert case.at("accepted_at") == case.at("submitted_at") == at(FRIDAY)
    for name in TRIAGE:
        given = {k: v for k, v in TRIAGE.items() if k != name}
        refused = county.refusal("ouyang", case, "accept", **given)
        assert isinstance(refused, Incomplete) and name in refused.problems
    case = county.do("ouyang", case, "accept", **TRIAGE)
    assert case.at("confirmed_at") == at("2022-04-29T11:00")
    assert case.at("accepted_at") == at(FRIDAY)


def test_what_nobody_sends_out_is_heard_of_the_same_day(county: ReadWorld) -> None:
    case = tell(county)
    assert county.due_day(case, "triage") == "2022-04-29"
    assert county.duty(case, "limit") is None, "the unit's three days have not begun"
    county.pass_to("2022-05-05T09:00")
    assert readers(county, case, "duty_missed") == {"ouyang", "mao", "nie"}
    assert not county.again(case).overdue, "a soft target is never a violation"
    send(county, case)
    assert county.duty(case, "triage") is None


# --- the first receiver ---------------------------------------------------------------------------------


@pytest.mark.clause("LH-5a")
def test_who_takes_it_first_stays_the_first_receiver(county: ReadWorld) -> None:
    case = county.do("mao", tell(county), "accept", **TRIAGE)
    send(county, case, who="ouyang")
    assert case.moments["confirmed_at"].person_id == case.keeper_id == county.who("mao").id

    county.do("mao", case, "handover", keeper="ouyang")
    handed = county.again(case)
    assert handed.keeper_id == county.who("ouyang").id
    assert handed.moments["confirmed_at"].person_id == county.who("mao").id


@pytest.mark.clause("LH-5b")
def test_the_first_receiver_hears_of_every_change(county: ReadWorld) -> None:
    case = county.do("mao", tell(county), "accept", **TRIAGE)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("dispatch", lambda: send(county, case, who="ouyang")),
        ("sign_for", lambda: county.do("bu", case, "sign_for")),
        ("progress", lambda: county.do("bu", case, "progress", progress="系统里查到了")),
        ("escalate", lambda: escalate(county, case, "no_authority")),
        ("step_in", lambda: county.do("qiu", case, "step_in", requirement="先发证")),
        ("extend", lambda: extend(county, case, "2022-05-10")),
        ("send_back", lambda: county.do("bu", case, "send_back", send_back_reason="归住建窗口")),
        ("dispatch again", lambda: send(county, case, unit="housing", who="ouyang")),
        ("reply", lambda: answer(county, case, "shu")),
        ("close", lambda: county.delivered(case)),
        ("rate", lambda: county.do("li", case, "rate", score="2")),
        ("withdraw", lambda: county.do("li", case, "withdraw")),
    ]
    heard = 0
    for name, happens in steps:
        happens()
        now = len(county.told("mao", case))
        assert now > heard, f"the first receiver did not hear of: {name}"
        heard = now


@pytest.mark.clause("LH-5b")
@pytest.mark.parametrize(
    "story",
    [
        "guide insist accept conditions_unmet",
        "consult call_on_site note_arrival advise resolve DELIVERED",
        "dispatch sign_for ask answer_for ask REMINDED close_no_response reopen",
        "handover resolve DELIVERED rate_for",
    ],
)
def test_the_first_receiver_hears_of_what_colleagues_do_in_her_place(county: ReadWorld, story: str) -> None:
    who = {"advise": "nie", "handover": "nie", "sign_for": "bu", "ask": "bu", "insist": "li", "reopen": "li"}
    case = county.do("mao", tell(county), "accept", **TRIAGE)
    before = county.again(case).rev
    for name in story.split():
        if name == "DELIVERED":
            county.delivered(case)
        elif name == "REMINDED":
            county.pass_to("2022-05-10T09:00")
        else:
            values = {"keeper": "ouyang"} if name == "handover" else GIVEN.get(name, [{}])[0]
            county.do(who.get(name, "ouyang"), case, name, **values)
    heard = {m.data["rev"] for m in county.outbox(case) if m.person_id == county.who("mao").id}
    owed = {*story.split(), "delivered_all", "file_result"}
    done = [event for event in county.events(case) if event.seq > before and event.act in owed]
    assert [event.act for event in done if event.seq not in heard] == []
    assert ("file_result" in {event.act for event in done}) is ("consult" in story)


def test_the_first_receiver_gets_the_reminders_of_the_limit(county: ReadWorld) -> None:
    case = send(county, county.do("mao", tell(county), "accept", **TRIAGE), who="mao")
    county.pass_to("2022-05-09T10:00")
    assert [n for n in county.told("mao", case) if "remind" in n or "overdue" in n] == [
        "remind_before",
        "remind_day",
        "overdue_unit",
    ]


# --- no bare no -----------------------------------------------------------------------------------------


@pytest.mark.clause("LH-6a")
def test_there_is_no_bare_no(county: ReadWorld) -> None:
    case = county.do("ouyang", tell(county), "accept", **TRIAGE)
    for act in ("guide", "conditions_unmet"):
        assert isinstance(county.refusal("ouyang", case, act), Incomplete)
    for act in ("decline", "decline_on_spot", "transfer", "answer_no", "shelve", "reply_cannot"):
        assert county.refusal("ouyang", case, act).code == "not_yours", act

    county.do("bu", send(county, case), "sign_for")
    no = {**RESULT, "outcome": "cannot_do", "cannot_reason": "缺原产权人到场"}
    path = {
        "guidance": {"guidance_path": "到房产所在地的公证处办委托公证"},
        "supplement": {"supplement_list": "委托公证书", "improvement": "原产权人在异地公证处办理"},
        "consulted": {"explanation": "请示了省厅，可以视频核验"},
    }
    assert "negative_path" in problems(county.refusal("bu", case, "reply", **no))
    for code, fields in path.items():
        for name in fields:
            given = {k: v for k, v in fields.items() if k != name}
            refused = county.refusal("bu", case, "reply", **no, negative_path=code, **given)
            assert problems(refused) == {name}
    county.do("bu", case, "reply", **no, negative_path="supplement", **path["supplement"])
    (told,) = county.texts["result"]
    assert "缺原产权人到场" in told
    assert "委托公证书" in told and "原产权人在异地公证处办理" in told
    assert county.delivered(case).stage == "CLOSED"
    assert county.see("ouyang", case).status == "cannot_do"


def problems(refusal: Exception) -> set[str]:
    assert isinstance(refusal, Incomplete)
    return set(refusal.problems)


@pytest.mark.clause("LH-6b")
def test_out_of_scope_is_a_way_that_a_person_confirms(county: ReadWorld) -> None:
    county.say("li", "我要反映")
    county.say("li", "市监局罚了我两千块，我不服这个行政处罚")
    replies = county.say("li", "说完了")
    assert replies[-1].name == "excluded", "the conversation only suggests"
    assert county.of_contact("li").stage == "DRAFT"

    case = tell(county, "wang", "市监局罚了我两千块，我不服这个行政处罚")
    assert case.stage == "SUBMITTED", "she may always insist"
    assert problems(county.refusal("ouyang", case, "guide", exclusion="penalty")) == {"guidance_note"}
    way = "带上处罚决定书，六十日内到县行政复议接待室申请复议。"
    case = county.do("ouyang", case, "guide", exclusion="penalty", guidance_note=way)
    assert case.stage == "GUIDED"
    (told,) = county.texts["guided"]
    assert way in told and "县行政复议接待室" in told and "0739-88880903" in told
    assert county.do("wang", case, "insist").stage == "SUBMITTED"


@pytest.mark.clause("LH-6c")
def test_unmet_conditions_are_listed_with_their_remedy(county: ReadWorld) -> None:
    case = county.do("ouyang", tell(county), "accept", **TRIAGE)
    unmet = {
        "no_reason": "产权人之一没有签字",
        "supplement_list": "一、共有人同意书\n二、共有人身份证复印件",
        "improvement": "一、共有人到窗口当面签，或者视频签\n二、拍照发到这里",
    }
    for name in unmet:
        given = {k: v for k, v in unmet.items() if k != name}
        assert problems(county.refusal("ouyang", case, "conditions_unmet", **given)) == {name}
        blank = county.refusal("ouyang", case, "conditions_unmet", **{**unmet, name: "  "})
        assert problems(blank) == {name}
    case = county.do("ouyang", case, "conditions_unmet", **unmet)
    assert case.stage == "NOT_ACCEPTED"
    (told,) = county.texts["supplement_told"]
    for line in "\n".join(unmet.values()).splitlines():
        assert line in told
    assert county.do("li", case, "insist").stage == "SUBMITTED", "it goes on when she has them"


@pytest.mark.clause("LH-6d")
def test_a_grey_area_is_asked_about_answered_and_filed(county: ReadWorld) -> None:
    case = county.do("ouyang", tell(county), "accept", **TRIAGE)
    assert problems(county.refusal("ouyang", case, "consult", asked_to="office")) == {"consult_question"}
    county.do("ouyang", case, "consult", asked_to="office", consult_question="农房没有规划证能不能登记？")
    assert readers(county, case, "consult_card") == {"nie"}
    assert county.due_day(case, "advise") == "2022-05-05"

    county.pass_to("2022-05-06T09:00")
    assert readers(county, case, "consult_card") == {"nie", "long", "ouyang"}
    assert not county.again(case).overdue
    county.do("nie", case, "advise", advice="可以，按历史遗留问题办理")
    assert county.duty(case, "advise") is None
    assert readers(county, case, "advice_card") == {"ouyang"}

    spot = {"level": "window", "inquiry_asked": "不动产登记窗口", "inquiry_note": "可以补登记"}
    case = county.do("ouyang", case, "resolve", **spot, result="可以登记，今天就受理。")
    assert not county.outbox(case, "answer_filed"), "what is filed is the answer that was given"
    case = county.delivered(case)
    assert case.at("filed_at") == county.now
    assert readers(county, case, "answer_filed") == {"nie"}
    words = county.words(case)
    assert words["consult_question"] == "农房没有规划证能不能登记？"
    assert words["advice"] == "可以，按历史遗留问题办理"
    assert words["result"] == "可以登记，今天就受理。"
    record = county.paper("nie", case, "consultation")
    assert cells(record, "请示什么") == [words["consult_question"]]
    assert cells(record, "答复意见") == [words["advice"]]
    assert cells(record, "答复报备"), "and the filing"


# --- at the window --------------------------------------------------------------------------------------

SPOT = {
    "level": "window",
    "inquiry_asked": "不动产登记窗口",
    "inquiry_note": "档案已经找到",
    "result": "证书当场领到。",
}


@pytest.mark.clause("LH-7a")
def test_what_can_be_done_on_the_spot_is_with_a_note_of_whom_was_asked(county: ReadWorld) -> None:
    case = register(county)
    for name in ("inquiry_asked", "inquiry_note"):
        given = {k: v for k, v in SPOT.items() if k != name}
        assert problems(county.refusal("ouyang", case, "resolve", **given)) == {name}
    case = county.delivered(county.do("ouyang", case, "resolve", **SPOT))
    assert case.stage == "CLOSED"
    assert case.codes["inquiry_asked"] == "不动产登记窗口"
    assert county.words(case)["inquiry_note"] == "档案已经找到"
    (row,) = county.ledger("ouyang", "2022-04-29").rows
    assert case.number in row and "证书当场领到。" in row


@pytest.mark.clause("LH-10b")
def test_the_first_layer_closes_with_a_result_and_no_work_order(county: ReadWorld) -> None:
    case = county.do("ouyang", tell(county), "accept", **TRIAGE)
    case = county.delivered(county.do("ouyang", case, "resolve", **SPOT))
    assert (case.stage, case.level, case.kind) == ("CLOSED", "window", "immediate")
    assert case.at("dispatched_at") is None and case.unit_id is None
    assert not county.outbox(case, "dispatch_group", "dispatch_card")
    assert to_applicant(county, case).count("rating_prompt") == 1


@pytest.mark.clause("LH-7b")
def test_a_limit_of_its_own_is_explained(county: ReadWorld) -> None:
    case = county.do("ouyang", tell(county), "accept", **TRIAGE)
    assert problems(county.refusal("ouyang", case, "explain_limit", limit_explained="还没到")) == {
        "statutory_until"
    }
    words = "公告期是法律定的，十五个工作日以后才能发证。"
    case = county.do("ouyang", case, "explain_limit", statutory_until="2022-05-20", limit_explained=words)
    assert case.codes["statutory_until"] == "2022-05-20"
    (told,) = county.texts["limit_explained"]
    assert words in told and "5月20日" in told


@pytest.mark.clause("LH-7c")
def test_coordination_is_logged_with_whom_when_and_what_came_of_it(county: ReadWorld) -> None:
    case = county.do("ouyang", tell(county), "accept", **TRIAGE)
    entry = {"coordinated_with": "住建局", "coordinated_at": "2022-04-29", "outcome_of_it": "同意先受理"}
    for name in entry:
        given = {k: v for k, v in entry.items() if k != name}
        assert problems(county.refusal("ouyang", case, "log_coordination", **given)) == {name}
    county.do("ouyang", case, "log_coordination", **entry)
    county.pass_to("2022-05-05T10:00")
    second = {"coordinated_with": "分管领导", "coordinated_at": "2022-05-05", "outcome_of_it": "同意加班办"}
    county.do("ouyang", case, "log_coordination", **second)
    logged = [text for name, text in sorted(county.words(case).items()) if name.startswith("coordination_")]
    assert logged == ["住建局｜2022-04-29｜同意先受理", "分管领导｜2022-05-05｜同意加班办"]
    assert cells(county.paper("ouyang", case, "coordination"), "找了谁") == ["住建局", "分管领导"]


@pytest.mark.clause("LH-7d")
def test_she_is_never_left_in_silence(county: ReadWorld) -> None:
    case = send(county, tell(county))
    assert to_applicant(county, case)[-1] == "dispatched"
    county.do("bu", case, "sign_for")
    county.do("bu", case, "progress", progress="已经调到原始档案")
    assert to_applicant(county, case)[-1] == "progress_told"
    extend(county, case, "2022-05-10")
    assert to_applicant(county, case)[-1] == "extension_told"
    county.pass_to("2022-05-09T09:00")
    assert to_applicant(county, case)[-1] == "progress_before", "one working day before"
    county.pass_to("2022-05-10T17:01")
    assert to_applicant(county, case)[-1] == "overdue_told", "not silent past the due date"
    answer(county, case)
    assert to_applicant(county, case)[-1] == "result"


@pytest.mark.clause("LH-7e")
def test_a_handover_is_on_record_for_each_case(county: ReadWorld) -> None:
    taken = [county.do("mao", tell(county, who), "accept", **TRIAGE) for who in ("li", "wang")]
    for case in taken:
        assert county.refusal("bu", case, "handover", keeper="ouyang").code == "not_yours"
        assert isinstance(county.refusal("mao", case, "handover"), Incomplete)
        assert county.refusal("mao", case, "handover", keeper="mao").code == "same_keeper"
        county.do("mao", case, "handover", keeper="ouyang", handover_note="五一以后请接着催")
        (event,) = [e for e in county.events(case) if e.act == "handover"]
        assert event.data["from"] == county.who("mao").id
        assert event.data["to"] == county.who("ouyang").id
        assert event.at == county.now
        assert readers(county, case, "handover_card") == {"ouyang"}
        record = county.paper("ouyang", case, "handover")
        assert cells(record, "交给谁") == ["欧阳红"]
        assert cells(record, "工作交接") == ["毛志刚　2022年4月29日 09:30"]
    county.do("nie", taken[0], "handover", keeper="mao"), "the office hands over for who is on leave"
    assert county.again(taken[0]).keeper_id == county.who("mao").id


@pytest.mark.clause("LH-10a")
def test_no_work_order_without_cause_category_and_layer(county: ReadWorld) -> None:
    online = tell(county)
    given = {"subject": "不动产过户超期未办", "unit": "registry", **TRIAGE}
    assert county.refusal("ouyang", online, "dispatch", **given).code == "not_now", "nobody has looked yet"
    case = county.do("ouyang", online, "accept", **TRIAGE)
    for name in TRIAGE:
        without = {k: v for k, v in given.items() if k != name}
        assert problems(county.refusal("ouyang", case, "dispatch", **without)) == {name}
    for spot in ("window", "on_site"):
        refused = county.refusal("ouyang", case, "dispatch", **{**given, "level": spot})
        assert problems(refused) == {"level"}, "what is done on the spot needs no work order"
    case = county.do("ouyang", case, "dispatch", **given)
    assert (case.codes["cause_code"], case.codes["category"], case.level) == (
        "delay",
        "handling",
        "work_order",
    )


@pytest.mark.clause("LH-10c")
def test_a_unit_called_to_the_window_is_reminded_once_and_no_more(county: ReadWorld) -> None:
    county.pass_to("2022-04-29T10:00")
    late, quick = (register(county, applicant_name=name) for name in ("王建国", "赵小兰"))
    for case in (late, quick):
        county.do("ouyang", case, "call_on_site", unit="registry", subject="不动产过户")
        assert readers(county, case, "on_site_card") == {"hui", "bu", "jian"}
        assert case.at("called_at") is None and county.again(case).at("called_at") == county.now
    county.pass_to("2022-04-29T10:20")
    county.do("ouyang", quick, "note_arrival")
    county.pass_to("2022-04-29T10:50")
    county.do("ouyang", late, "note_arrival")
    county.pass_to("2022-04-29T16:00")

    for who in ("hui", "bu", "jian"):
        assert "arrival.late" in reminded(county, who, late)
        assert "arrival.late" not in reminded(county, who, quick)
    again = [m for m in county.outbox(late, "on_site_card") if "duty_key" in m.data]
    assert {m.not_before for m in again} == {at("2022-04-29T10:30:01")}
    assert county.again(late).at("arrived_at") == at("2022-04-29T10:50")
    assert not readers(county, late) & {"kuang", "ling", "nie", "long"}, "nothing else follows"
    assert not county.again(late).overdue


@pytest.mark.clause("LH-10d")
def test_the_third_layer_needs_the_crux_and_the_solution(county: ReadWorld) -> None:
    case = send(county, tell(county), level="original")
    county.do("bu", case, "sign_for")
    found = {**RESULT, "crux": "两套系统的编号对不上"}
    for name in ("crux", "solution"):
        given = {k: v for k, v in found.items() if k != name}
        assert problems(county.refusal("bu", case, "reply", **given)) == {name}
    assert county.do("bu", case, "reply", **found).stage == "DELIVERING"

    desk = register(county)
    spot = {**SPOT, "level": "original"}
    assert problems(county.refusal("ouyang", desk, "resolve", **spot)) == {"crux", "solution"}
    county.do("ouyang", desk, "resolve", **spot, crux="编号对不上", solution="人工核对")


# --- the work order -------------------------------------------------------------------------------------


@pytest.mark.clause("LH-11a")
def test_one_message_to_the_group_and_nothing_of_her_in_it(county: ReadWorld) -> None:
    case = send(county, tell(county))
    rev = county.again(case).rev
    (group,) = county.outbox(case, "dispatch_group")
    (text,) = county.texts["dispatch_group"]
    assert str(case.number) in text and "不动产过户超期未办" in text and "5月7日" in text
    for secret in ("李桂兰", "13800001234", MATTER):
        assert secret not in text
    assert readers(county, case, "dispatch_card") == {"hui", "bu", "jian"}
    assert county.see("bu", case).words["content"] == MATTER, "the work order opens for its people"

    again = {"subject": "不动产过户超期未办", "unit": "registry", **TRIAGE}
    assert county.refusal("ouyang", case, "dispatch", rev - 1, **again).code == "done_already"
    assert [m.id for m in county.outbox(case, "dispatch_group")] == [group.id]


@pytest.mark.clause("LH-11b")
def test_a_reply_without_a_solution_is_refused(county: ReadWorld) -> None:
    case = send(county, tell(county))
    county.do("bu", case, "sign_for")
    for nothing in ("", "   "):
        assert problems(county.refusal("bu", case, "reply", **{**RESULT, "solution": nothing})) == {
            "solution"
        }


def escalate(world: World, case: Case, ground: str, who: str = "bu") -> Case:
    return world.do(who, case, "escalate", escalation=ground, escalate_reason="权限在局里")


@pytest.mark.clause("LH-11c")
def test_no_authority_goes_to_the_deputy_head(county: ReadWorld) -> None:
    case = send(county, tell(county))
    county.do("bu", case, "sign_for")
    escalate(county, case, "no_authority")
    assert readers(county, case, "escalate_card") == {"qiu"}
    assert county.duty(case, "escalation") is not None and county.duty(case, "joint_wanted") is None
    assert county.due_day(case) == "2022-05-07", "within the running limit"
    assert county.refusal("ruan", case, "step_in", requirement="办").code == "not_yours"
    county.do("qiu", case, "step_in", requirement="授权窗口直接办")
    assert county.duty(case, "escalation") is None
    assert readers(county, case, "concluded_card") == {"hui", "bu", "jian"}


@pytest.mark.clause("LH-11c")
def test_several_units_work_together_under_one_that_leads(county: ReadWorld) -> None:
    case = send(county, tell(county))
    county.do("bu", case, "sign_for")
    escalate(county, case, "several_units")
    assert readers(county, case, "convene_wanted") == {"nie", "long"}
    case = county.do("long", case, "convene", unit="registry", members="housing,tax")
    assert case.stage == "JOINT"
    assert [county.see("long", case).unit, len(case.members)] == ["不动产登记窗口", 2]
    assert county.due_day(case) == "2022-05-07", "the running limit runs on"
    tasks = county.duties_of(case, "member_task")
    assert len(tasks) == 2
    assert readers(county, case, "joint_card") == {"shu", "xiang", "ji", "bao"}
    assert county.refusal("gelan_of_nobody", case, "contribute", contribution="办").code == "not_yours"

    county.do("shu", case, "contribute", contribution="规划核实当天出具")
    states = {d.part: d.state for d in county.duties_of(case, "member_task")}
    assert sorted(states.values()) == ["met", "open"], "each member has a task of its own"
    county.do("ji", case, "contribute", contribution="完税证明当天开")
    for member in ("shu", "ji"):
        assert county.refusal(member, case, "contribute", contribution="再说一遍").code == "done_already"
    case = county.do("long", case, "conclude", opinion="三家并联，5月6日前办完")
    assert case.stage == "WITH_UNIT"
    assert readers(county, case, "concluded_card") >= {"bu", "hui", "shu", "ji"}
    case = county.delivered(county.do("bu", case, "reply", **RESULT))
    assert case.stage == "CLOSED"


def test_leaders_who_conclude_late_gain_the_unit_no_time(county: ReadWorld) -> None:
    case = send(county, tell(county))
    county.do("bu", case, "sign_for")
    county.do("long", case, "convene", unit="registry", members="housing")
    county.pass_to("2022-05-09T10:00")
    case = county.do("long", case, "conclude", opinion="今天就办")
    assert case.stage == "WITH_UNIT" and case.overdue
    assert county.due_day(case) == "2022-05-07", "the running limit runs on"
    county.pass_to("2022-05-11T09:00")
    assert readers(county, case, "overdue_climbed") == {"kuang", "ling", "nie"}, "and is climbed from"


LEADERS = {"no_authority": "escalation", "several_units": "joint_wanted", "bad again": "over_again"}


def left_to_leaders(world: World, why: str) -> Case:
    """The unit has the matter, and a leader is to see to it; she is asked something beside."""
    if why == "bad again":
        case = world.do("li", closed(world), "rate", score="2")
        case = world.delivered(answer(world, case, redo_reason="规定如此"))
        case = world.do("li", case, "rate", score="1")
        world.do("bu", case, "sign_for")
    else:
        case = send(world, tell(world))
        world.do("bu", case, "sign_for")
        escalate(world, case, why)
    assert world.duty(case, LEADERS[why]) is not None
    return world.do("bu", case, "ask", question="原件还在手上吗？")


@pytest.mark.parametrize("why", LEADERS)
def test_no_leader_is_waited_for_once_the_matter_is_answered_or_closed(county: ReadWorld, why: str) -> None:
    case = left_to_leaders(county, why)
    answer(county, case, redo_reason="已经补发证书")
    assert county.duty(case, LEADERS[why]) is None

    other = left_to_leaders(county, why)
    county.pass_to("2022-05-10T09:00")
    assert county.duty(other, LEADERS[why]) is not None, "the leader's day is over, the task is not"
    county.do("ouyang", other, "close_no_response", no_response_note="电话三次没有接")
    assert county.duty(other, LEADERS[why]) is None


def test_the_office_that_steps_in_has_seen_to_what_was_badly_rated_again(county: ReadWorld) -> None:
    case = left_to_leaders(county, "bad again")
    county.do("nie", case, "step_in", requirement="由首席审批员当面答复")
    assert [duty.state for duty in county.duties_of(case, "over_again")] == ["met"]


def test_who_has_answered_at_last_is_not_closed_as_silent(county: ReadWorld) -> None:
    case = left_to_leaders(county, "no_authority")
    close = {"no_response_note": "电话三次没有接"}
    assert county.refusal("ouyang", case, "close_no_response", **close).code == "not_before"
    county.pass_to("2022-05-10T09:00")
    assert county.again(case).at("reminded_at") is not None
    county.do("li", case, "answer", answer="在，刚从外地回来")
    assert county.refusal("ouyang", case, "close_no_response", **close).code == "not_now"
    assert "close_no_response" not in {offer.act for offer in county.see("ouyang", case).offers}


@pytest.mark.clause("LH-12a")
def test_three_working_days_from_the_work_order(county: ReadWorld) -> None:
    case = send(county, tell(county))
    assert county.due_day(case) == "2022-05-07", "a make-up Saturday"
    assert county.duty(case, "limit").clause == "LH-12a"  # type: ignore[union-attr]
    county.pass_to("2022-05-07T16:59")
    answer(county, case)
    (limit,) = [d for d in county.duties_of(case, "limit") if d.state == "met"]
    assert limit.missed_at is None
    county.pass_to("2022-05-10T10:00")
    assert not county.again(case).overdue, "handed in on the day, delivered later: in time"
    assert county.delivered(case).stage == "CLOSED"


def test_the_three_days_begin_with_the_work_order_however_long_it_lay_at_the_window(
    county: ReadWorld,
) -> None:
    case = county.do("ouyang", tell(county), "accept", **TRIAGE)
    county.pass_to("2022-05-05T15:00")
    assert county.due_day(send(county, case)) == "2022-05-09"


def test_signing_late_gains_nothing(county: ReadWorld) -> None:
    case = send(county, tell(county))
    county.pass_to("2022-05-06T15:00")
    county.do("bu", case, "sign_for")
    assert county.due_day(case) == "2022-05-07"


def test_a_missed_limit_climbs_and_nobody_issues_a_supervision(county: ReadWorld) -> None:
    case = send(county, tell(county))
    county.pass_to("2022-05-07T17:01")
    assert county.again(case).overdue
    assert readers(county, case, "overdue_unit") >= {"hui", "bu"}, "the chief approver first"
    assert not county.outbox(case, "overdue_climbed")
    county.pass_to("2022-05-10T09:00")
    assert readers(county, case, "overdue_climbed") == {"kuang", "ling"}
    county.pass_to("2022-05-11T09:00")
    assert readers(county, case, "overdue_climbed") == {"kuang", "ling", "nie"}
    assert county.refusal("kuang", case, "supervise").code == "not_yours"
    assert county.again(case).supervision_count == 0


@pytest.mark.clause("LH-12b")
def test_the_third_delivery_closes_the_case(county: ReadWorld) -> None:
    case = answer(county, send(county, tell(county)))
    assert set(to_applicant(county, case)) >= {"result"}
    assert readers(county, case, "result_copy") == {"ouyang", "mao", "kuang", "ling"}
    for effect in ("to_applicant", "to_window"):
        deliver(county, case, effect)
        assert county.again(case).stage == "DELIVERING"
    assert county.again(case).at("closed_at") is None
    deliver(county, case, "to_supervision_section")
    assert county.again(case).stage == "CLOSED"


def deliver(world: World, case: Case, effect: str) -> None:
    from core.desk.deliver import delivered

    message = next(m for m in world.outbox(case) if m.effect == effect)
    with store.transaction(world.office.engine) as conn:
        delivered(world.office, conn, message, "wecom", world.now)


@pytest.mark.clause("LH-12b")
def test_whom_the_unit_cannot_reach_the_window_calls(county: ReadWorld) -> None:
    case = answer(county, send(county, tell(county)))
    for effect in ("to_window", "to_supervision_section"):
        deliver(county, case, effect)
    message = next(m for m in county.outbox(case) if m.effect == "to_applicant")
    with store.transaction(county.office.engine) as conn:
        unreachable(county.office, conn, message, county.now)
    assert readers(county, case, "call_task") == {"ouyang", "mao"}
    for moment in ("2022-04-29T11:00", "2022-04-29T15:00", "2022-05-05T10:00"):
        assert county.again(case).stage == "DELIVERING"
        county.pass_to(moment)
        county.do("ouyang", case, "log_attempt", reached="no")
    assert county.again(case).stage == "CLOSED"


def extend(world: World, case: Case, until: str, who: str = "bu") -> Case:
    return world.do(who, case, "extend", extension_reason="要等省里系统升级", extension_due=until)


@pytest.mark.clause("LH-12c")
def test_an_extension_states_the_day_and_three_are_told(county: ReadWorld) -> None:
    case = send(county, tell(county))
    refused = county.refusal("bu", case, "extend", extension_reason="要等省里系统升级")
    assert problems(refused) == {"extension_due"}
    case = extend(county, case, "2022-05-10")
    assert county.due_day(case) == "2022-05-10", "no consent and no approval"
    assert to_applicant(county, case)[-1] == "extension_told"
    assert readers(county, case, "extension_filed") == {"ouyang", "mao", "kuang", "ling"}
    texts = county.texts
    assert all("5月10日" in text for text in (*texts["extension_told"], *texts["extension_filed"]))

    county.pass_to("2022-05-10T17:01")
    assert county.refusal("bu", case, "extend", extension_reason="再等", extension_due="2022-05-16")


@pytest.mark.clause("LH-12c")
def test_with_nobody_to_tell_there_is_no_extension(county: ReadWorld) -> None:
    from core import people

    case = send(county, tell(county))
    hall = county.office.hall
    without = tuple(p for p in hall.people if p.key not in ("kuang", "ling"))
    with store.transaction(county.office.engine) as conn:
        people.load_hall(conn, hall.model_copy(update={"people": without}))
    given = {"extension_reason": "要等省里系统升级", "extension_due": "2022-05-10"}
    assert county.refusal("bu", case, "extend", **given).code == "nobody_to_tell"
    assert county.due_day(case) == "2022-05-07"


@pytest.mark.clause("LH-12d")
def test_ten_working_days_in_all(county: ReadWorld) -> None:
    case = send(county, tell(county))
    given = {"extension_reason": "要等省里系统升级"}
    refused = county.refusal("bu", case, "extend", **given, extension_due="2022-05-18")
    assert (refused.code, refused.clause) == ("extension_length", "LH-12d")
    case = extend(county, case, "2022-05-17")
    assert county.due_day(case) == "2022-05-17"
    assert county.refusal("bu", case, "extend", **given, extension_due="2022-05-17").code == "extension_used"


@pytest.mark.clause("LH-18")
def test_the_chief_approver_is_named_and_no_window_without_one_gets_work(county: ReadWorld) -> None:
    case = county.do("ouyang", tell(county), "accept", **TRIAGE)
    given = {"subject": "社保转移", "unit": "labour", **TRIAGE}
    refused = county.refusal("ouyang", case, "dispatch", **given)
    assert (refused.code, refused.clause) == ("unit_lacks_contacts", "LH-18")
    assert "首席审批员" in str(refused.facts["roles"])
    send(county, case)
    for text in county.texts["dispatch_card"]:
        assert "首席审批员" in text and "回春生" in text


@pytest.mark.clause("LH-18")
@pytest.mark.parametrize(
    ("role", "title"),
    [
        ("unit_head", "首席审批员（窗口负责人）"),
        ("unit_deputy_head", "分管领导"),
        ("handler", "窗口工作人员"),
    ],
)
def test_a_window_gets_no_work_order_before_it_has_named_everybody(
    county: ReadWorld, role: str, title: str
) -> None:
    without(county, "market", role)
    case = county.do("ouyang", tell(county), "accept", **TRIAGE)
    given = {"subject": "许可证变更超期", "unit": "market", **TRIAGE}
    refused = county.refusal("ouyang", case, "dispatch", **given)
    assert (refused.code, refused.facts["roles"]) == ("unit_lacks_contacts", title)


# --- after the result -----------------------------------------------------------------------------------


@pytest.mark.clause("LH-13a")
def test_five_levels_one_prompt_one_reminder(county: ReadWorld) -> None:
    case = closed(county)
    labels = [level.label for level in county.rules.rating.levels]
    assert labels == ["非常满意", "满意", "基本满意", "不满意", "非常不满意"]
    (prompt,) = county.texts["rating_prompt"]
    assert all(label in prompt for label in labels)
    county.pass_to("2022-05-20T10:00")
    assert to_applicant(county, case).count("rating_prompt") == 1
    (reminder,) = county.outbox(case, "rating_reminder")
    assert reminder.not_before == at("2022-05-06T09:00"), "one reminder, after one working day"
    before = len(county.told("ouyang", case))
    county.do("li", case, "rate", score="4")
    assert len(county.told("ouyang", case)) == before + 1, "the first receiver is told"
    assert "by_proxy" not in county.again(case).codes


@pytest.mark.clause("LH-13a")
def test_a_rating_by_somebody_else_is_marked(county: ReadWorld) -> None:
    told = closed(county, "li")
    assert problems(county.refusal("ouyang", told, "rate_for", score="5")) == {"proxy_note"}
    told = county.do("ouyang", told, "rate_for", score="5", proxy_note="电话里说非常满意")
    assert (told.codes["score"], told.codes["by_proxy"]) == ("5", "yes")

    spoken = tell(county, "wang", relation="替父母、家人", contact_name="王小明")
    spoken = county.delivered(answer(county, send(county, spoken)))
    assert county.do("wang", spoken, "rate", score="5").codes["by_proxy"] == "yes"


@pytest.mark.clause("LH-13b")
@pytest.mark.parametrize("score", ["2", "1"])
def test_a_bad_rating_alone_is_a_redo_and_a_visit_after_it(county: ReadWorld, score: str) -> None:
    case = closed(county)
    county.pass_to("2022-05-05T10:00")
    case = county.do("li", case, "rate", score=score)
    assert (case.stage, case.round) == ("WITH_UNIT", 2)
    assert case.at("redo_at") == county.now
    assert county.due_day(case) == "2022-05-09", "three working days anew"
    assert county.duty(case, "visit") is None
    assert readers(county, case, "redo_card") == {"hui", "bu", "jian"}
    assert to_applicant(county, case)[-1] == "redo_told"

    county.do("bu", case, "sign_for")
    assert problems(county.refusal("bu", case, "reply", **RESULT)) == {"redo_reason"}, (
        "the same, but with reason"
    )
    case = county.delivered(county.do("bu", case, "reply", **RESULT, redo_reason="已当面说明"))
    assert case.stage == "CLOSED"
    assert county.duty(case, "visit") is not None
    assert readers(county, case, "visit_task") == {"ouyang"}
    county.do("ouyang", case, "follow_up", visit_way="phone", visit_satisfied="satisfied")
    assert county.duty(case, "visit") is None


@pytest.mark.clause("LH-13b")
@pytest.mark.parametrize("score", ["3", "4", "5"])
def test_basically_satisfied_is_not_bad(county: ReadWorld, score: str) -> None:
    case = county.do("li", closed(county), "rate", score=score)
    assert (case.stage, case.round) == ("CLOSED", 1)
    assert county.duty(case, "visit") is None
    assert not county.outbox(case, "redo_card", "redo_told")


def test_what_was_done_on_the_spot_is_redone_at_the_window(county: ReadWorld) -> None:
    case = register(county)
    case = county.delivered(county.do("ouyang", case, "resolve", **SPOT))
    case = county.do("ouyang", case, "rate_for", score="1", proxy_note="当面说非常不满意")
    assert (case.stage, case.round) == ("TRIAGE", 2)
    assert county.due_day(case, "triage") == "2022-04-29"
    assert readers(county, case, "redo_card") == {"ouyang", "mao"}
    case = county.delivered(county.do("ouyang", case, "resolve", **SPOT))
    assert county.duty(case, "visit") is not None


@pytest.mark.clause("LH-13b")
@pytest.mark.parametrize("where", ["with the unit", "at the window"])
def test_what_is_rated_badly_again_is_visited_after_the_next_redo(county: ReadWorld, where: str) -> None:
    bad = {"score": "1", "proxy_note": "当面说非常不满意"}

    def done(case: Case) -> Case:
        if where == "at the window":
            return county.delivered(county.do("ouyang", case, "resolve", **SPOT))
        return county.delivered(answer(county, case, redo_reason="已经补发证书"))

    case = done(register(county) if where == "at the window" else send(county, tell(county)))
    case = done(county.do("ouyang", case, "rate_for", **bad))
    assert county.duty(case, "visit") is not None
    case = county.do("ouyang", case, "rate_for", **bad)
    assert county.duty(case, "visit") is None, "there is nothing yet to ask about"
    assert county.duty(done(case), "visit") is not None


def test_a_second_bad_rating_goes_to_the_office_too(county: ReadWorld) -> None:
    case = county.do("li", closed(county), "rate", score="2")
    assert not county.outbox(case, "bad_again")
    case = county.delivered(answer(county, case, redo_reason="规定如此"))
    case = county.do("li", case, "rate", score="1")
    assert (case.stage, case.round) == ("WITH_UNIT", 3), "redone all the same"
    assert readers(county, case, "bad_again") == {"nie", "kuang", "ling"}
    assert county.due_day(case, "over_again") == "2022-05-05"
    case = county.do("nie", case, "convene", unit="registry", members="housing")
    assert case.stage == "JOINT" and county.duty(case, "over_again") is None


def test_she_may_say_why_after_a_bad_rating(county: ReadWorld) -> None:
    case = closed(county)
    county.say("li", choice="rate:2", case_id=case.id)
    assert county.again(case).stage == "WITH_UNIT"
    assert county.say("li", "还是没有办好")[0].name == "commented"
    assert county.words(case)["rating_comment"] == "还是没有办好"


# --- ledger and office ----------------------------------------------------------------------------------


@pytest.mark.clause("LH-14a")
def test_one_register_for_all_channels_and_kinds(county: ReadWorld) -> None:
    online = tell(county)
    phone = register(county, intake_channel="phone")
    spot = county.do("ouyang", register(county), "resolve", **SPOT)
    guided = tell(county, "wang")
    county.do("ouyang", guided, "guide", exclusion="elsewhere", guidance_note="到乡镇便民中心办")
    gone = tell(county, "zhao")
    county.do("zhao", gone, "withdraw")
    numbers = [row[0] for row in county.ledger("ouyang", "2022-04-29").rows]
    assert numbers == sorted(str(c.number) for c in (online, phone, spot, guided, gone))


@pytest.mark.clause("LH-15")
def test_the_ledger_has_the_eight_columns_of_article_fifteen(county: ReadWorld) -> None:
    case = send(county, tell(county))
    county.do("ouyang", case, "handover", keeper="mao")
    case = county.delivered(answer(county, case))
    county.do("li", case, "rate", score="4")
    county.do("li", case, "comment", rating_comment="谢谢专员")
    sheet = county.ledger("ouyang", "2022-04-29")
    assert [label for label, _ in sheet.heads] == [
        "工单编号",
        "办理对象",
        "联系电话",
        "反映事项",
        "首接负责人",
        "受理时间",
        "处理结果",
        "评价意见",
        "办结时间",
    ]
    (row,) = sheet.rows
    assert row == (
        case.number,
        "李桂兰",
        "13800001234",
        MATTER,
        "欧阳红",
        date(2022, 4, 29),
        RESULT["result"],
        "满意：谢谢专员",
        date(2022, 4, 29),
    )


def test_the_work_order_is_printed_with_what_was_answered_and_to_whom(county: ReadWorld) -> None:
    case = send(county, tell(county))
    extend(county, case, "2022-05-10")
    case = county.delivered(answer(county, case))
    sheet = county.paper("bu", case, "dispatch", "assign")
    printed = {cell.label: "".join(cell.paragraphs) for row in sheet.rows for cell in row.cells}
    assert printed["首席审批员"] == "回春生" and printed["首接负责人"] == "欧阳红"
    assert printed["解决办法"] == RESULT["solution"] and printed["办理结果"] == RESULT["result"]
    assert printed["延时原因"] == "要等省里系统升级" and printed["新时限"] == "2022年5月10日"
    foot = "".join(ink.words for line in sheet.foot for ink in line.line)
    assert foot.count("2022年4月29日") == 4, "the reply, and the three it went to"

    form = county.paper("ouyang", case, "registration")
    said = {cell.label: "".join(cell.paragraphs) for row in form.rows for cell in row.cells}
    assert said["情形"] == "交了材料，过了规定时限还没受理或没办完"
    assert (said["原办理事项"], said["提交渠道"]) == ("不动产过户", "窗口现场交的")
    assert (said["原因"], said["分类"]) == ("单位没有按时受理、办结", "业务办理")
    assert said["办理层级"] == "四、派发工单" and said["首接负责人"] == "欧阳红"


@pytest.mark.clause("LH-16")
def test_the_office_sees_all_and_sends_on_to_another(county: ReadWorld) -> None:
    assert {"coordination_office", "leading_group"} <= set(county.rules.titles)
    case = send(county, tell(county))
    for who in ("nie", "long"):
        assert county.see(who, case).number == case.number
    assert case.id in [c.id for c in county.to_do("nie")]
    case = county.do("nie", case, "recall", recall_reason="应由住建窗口办")
    assert case.stage == "TRIAGE" and case.unit_id is None
    case = send(county, case, unit="housing", who="nie")
    assert county.see("nie", case).unit == "住房和城乡建设局窗口"
    assert county.refusal("bu", case, "sign_for").code == "not_yours"


def test_a_unit_that_helps_learns_no_more_of_a_complaint_than_the_one_complained_of(
    county: ReadWorld,
) -> None:
    case = send(county, tell(county, scope_code="服务态度差、慢作为、不作为"), category="conduct")
    words = "群众反映两个窗口互相推，请一起查"
    given = {"unit": "registry", "members": "housing"}
    assert problems(county.refusal("long", case, "convene", **given)) == {"content_for_unit"}
    county.do("long", case, "convene", **given, content_for_unit=words)
    for officer in ("bu", "shu"):
        view = county.see(officer, case)
        assert view.words["applicant_name"] == view.words["applicant_phone"] == SHIELD_LINE, officer
        assert view.words["content"] == words
        assert MATTER not in str(view.words)


@pytest.mark.clause("LH-5b")
def test_after_a_handover_the_first_receiver_and_the_keeper_may_both_ask_her(county: ReadWorld) -> None:
    case = send(county, county.do("mao", tell(county), "accept", **TRIAGE), who="mao")
    county.do("mao", case, "handover", keeper="ouyang")
    case = county.delivered(answer(county, case))
    for who in ("mao", "ouyang"):
        assert "rate_for" in {offer.act for offer in county.see(who, case).offers}, who
    case = county.delivered(answer(county, county.do("li", case, "rate", score="2"), redo_reason="已补发"))
    for who in ("mao", "ouyang"):
        assert "follow_up" in {offer.act for offer in county.see(who, case).offers}, who


# --- the form, word by word -----------------------------------------------------------------------------

ASIDE = "窗口的人态度很差，推来推去"


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"scope_code": "来了县政务服务中心好几次，没办成", "relation": "替父母、家人"},
        {"scope_code": "都不是，另有难处", "applicant_type": "企业等单位", "relation": "替单位"},
        {"scope_code": "服务态度差、慢作为、不作为", "applicant_type": "其他组织", "relation": "替别人"},
    ],
)
@pytest.mark.parametrize("matter", [MATTER, ASIDE])
def test_the_form_is_whole_when_all_that_is_asked_for_was_said(
    sqlite_url: str, tmp_path: Path, answers: dict[str, str], matter: str
) -> None:
    world = AskingWorld.of("longhui", sqlite_url, tmp_path / "files", start=FRIDAY)
    assert tell(world, "li", matter, **answers).stage == "SUBMITTED"
    world.close()


@pytest.mark.clause("LH-6b")
@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("这事我上访过两回，信访局让我等", "已经在走信访的事"),
        ("为这个事我已经起诉了，法院判决书还没下来", "打官司、仲裁的事"),
        ("市监局的行政处罚我不服", "对行政处罚不服"),
    ],
)
def test_what_looks_out_of_scope_is_told_where_to_go(county: ReadWorld, words: str, field: str) -> None:
    county.say("li", "我要反映")
    county.say("li", words)
    (reply,) = county.say("li", "说完了")
    assert (reply.name, reply.values["label"]) == ("excluded", field)
    assert [label for _, label in reply.choices] == ["仍请窗口看一看", "我去找他们"]


@pytest.mark.clause("LH-8c")
@pytest.mark.parametrize(
    "values",
    [
        {"scope_code": "conduct", "conduct_code": "slow_action", "conduct_about": "三号台"},
        {"about_conduct": "yes"},
        {"category": "conduct"},
    ],
)
def test_whatever_says_conduct_shields(county: ReadWorld, values: dict[str, str]) -> None:
    assert register(county, **values).shielded
    assert not register(county).shielded


# --- every turn ------------------------------------------------------------------------------------------


def complained(world: World) -> Case:
    return tell(world, scope_code="服务态度差、慢作为、不作为")


def spoken(world: World) -> Case:
    world.say("li", "我要反映")
    world.say("li", kind="voice", media_id="v1")
    return tell(world)


def test_at_every_turn_a_case_stands_as_the_tables_say(sqlite_url: str, tmp_path: Path) -> None:
    world = World.of("longhui", sqlite_url, tmp_path / "files", start=FRIDAY)
    Walk(world, tmp_path).go(tell, register, complained, spoken)
    world.close()
