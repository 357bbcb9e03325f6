"""内乡县: three response levels that only rise, two limits beside each other, and no “no” before it was reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from core import people, store, visits
from core.case import Case
from core.people import HallPerson, HallPost
from core.privacy import make_key
from core.refusals import Incomplete, Refusal
from core.settings import Settings
from core.workdays import SHANGHAI
from tests.regions.drawing import ReadWorld, reminded
from tests.regions.telling import insisted_on, missing_at_first, without
from tests.regions.walk import Walk
from tests.reports.desk import computed
from tests.stories.reading import answers, drawn, words
from tests.world import ROOT, World, at
from workers import doctor

TUESDAY = "2021-08-10T10:00"  # the day of the plan's own example
MATTER = "奶茶店换了地址，营业执照变更在大厅交了三次，每次都说缺一样，也不写给我缺什么"
REPORTED: dict[str, Any] = {
    "cannot_reason": "房屋性质是住宅，没有有利害关系业主同意的证明",
    "cannot_basis": "民法典第二百七十九条",
    "proposed_answer": "取得业主同意或换到商业用房后可以再申请，材料清单一并给您",
}
CANNOT = {
    "cannot_reason": REPORTED["cannot_reason"],
    "cannot_basis": REPORTED["cannot_basis"],
    "explanation": "当面讲了为什么，也给了一次性告知单",
    "cause_code": "conditions",
    "handler_signed": "yes",
}
ANSWERED = {"result": "材料齐了，执照已经换好。", "cause_code": "material", "handler_signed": "yes"}


@pytest.fixture
def neixiang(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = ReadWorld.of("neixiang", sqlite_url, tmp_path / "files", start=TUESDAY)
    yield made
    made.close()


# --- what the duty person (兰玉洁), 商事登记区 (齐雨薇、苗志远) and the group's office (景浩) do --------------------


def registered(world: World, who: str = "lan", **values: Any) -> Case:
    given = {
        "content": MATTER,
        "item": "营业执照地址变更",
        "prior_channel": "offline",
        "ground": "not_accepted",
        "applicant_phone": "0377-88889999",
        "record_confirmed": "signed",
        **values,
    }
    return world.register(who, **given)


def told_online(world: World, who: str = "li", **answered: str) -> Case:
    given = {
        "item": "营业执照地址变更",
        "prior_channel": "在大厅窗口交的",
        "ground": "交了申请，没有受理",
        **answered,
    }
    return world.tell(who, MATTER, **given)


def dispatched(world: World, case: Case | None = None, who: str = "lan", **values: Any) -> Case:
    """二级响应, to 商事登记区 if nothing else is said."""
    case = case or registered(world)
    if world.again(case).stage == "SUBMITTED":
        case = world.do("lan", case, "accept")
    given = {
        "subject": "营业执照变更未获受理",
        "level": "complex",
        "raise_reason": "要核实三次补件的依据",
        "unit": "business_zone",
        **values,
    }
    return world.do(who, case, "dispatch", **given)


def signed_for(world: World, case: Case, who: str = "miao") -> Case:
    return world.do(who, case, "sign_for")


def replied(world: World, case: Case, who: str = "miao", **values: Any) -> Case:
    if world.again(case).at("signed_for_at") is None:
        signed_for(world, case, who)
    return world.do(who, case, "reply", **{**ANSWERED, **values})


def closed(world: World, case: Case | None = None) -> Case:
    """Answered and delivered."""
    return world.delivered(replied(world, dispatched(world, case)))


def reported(world: World, case: Case, due: str = "2021-08-24", who: str = "jing") -> Case:
    """A difficult matter, before the centre's leading group."""
    given = {"subject": "营业执照变更未获受理", "relevel_reason": "地址在两县交界，谁登记说不清"}
    return world.do(who, case, "report", **given, custom_due=due)


def above(world: World, case: Case, due: str = "2021-08-24") -> Case:
    """The centre cannot: before the county's group."""
    return world.do("jing", case, "raise_above", above_reason="要两县协调", custom_due=due)


def ledger_rows(world: World, day: str = "2021-08-10") -> list[dict[str, str]]:
    """The progress ledger as the duty person prints it, each row by its labels."""
    sheet = world.ledger("lan", day)
    labels = [label for label, _ in sheet.heads]
    return [dict(zip(labels, map(str, row), strict=True)) for row in sheet.rows]


def told_once(world: World, who: str, case: Case, notice: str) -> bool:
    return world.told(who, case).count(notice) == 1


# --- the instrument and who is who ----------------------------------------------------------------


@pytest.mark.clause("NX-0", "NX-W7")
def test_nobody_is_taken_in_before_the_hall_says_since_when_the_rule_is_in_force(neixiang: World) -> None:
    neixiang.in_force_since("")
    with pytest.raises(Refusal, match="not_in_force"):
        registered(neixiang)
    with pytest.raises(AssertionError, match="not_in_force"):  # what the conversation answers instead
        told_online(neixiang)
    assert neixiang.numbers() == []
    neixiang.in_force_since("2021-08-10")
    assert registered(neixiang).number
    assert neixiang.rules.instrument.number == "内政服〔2021〕12号"
    assert neixiang.rules.instrument.approved_by == "中心党组"


@pytest.mark.clause("NX-A1")
def test_the_hall_has_ten_zones_and_the_head_of_a_zone_hears_what_is_sent_there(neixiang: World) -> None:
    with store.transaction(neixiang.office.engine) as conn:
        zones = people.units(conn, "zone")
        heads = [people.contacts(conn, zone.id).get("unit_head") for zone in zones]
    assert len(zones) == 10 and all(heads) and len({head.key for head in heads if head}) == 10
    case = dispatched(neixiang)
    assert told_once(neixiang, "fang", case, "dispatch_copy")
    assert neixiang.told("ge", case) == []  # the head of another zone


@pytest.mark.clause("NX-2a")
def test_the_leading_group_is_told_as_one_and_changes_with_the_list_of_the_hall(neixiang: World) -> None:
    first = reported(neixiang, dispatched(neixiang))
    assert all(told_once(neixiang, who, first, "reported_card") for who in ("gong", "meng"))
    hall = neixiang.office.hall
    new = HallPerson(
        key="qu", name="曲文英", posts=(HallPost(unit="leading", role="leading_group"),), addresses={}
    )
    others = tuple(person for person in hall.people if person.key != "meng")
    with store.transaction(neixiang.office.engine) as conn:
        people.load_hall(conn, hall.model_copy(update={"people": (*others, new)}))
    second = reported(neixiang, dispatched(neixiang))
    assert told_once(neixiang, "qu", second, "reported_card") and neixiang.told("meng", second) == []


def test_the_office_dispatches_and_issues_a_supervision_which_the_window_cannot(neixiang: World) -> None:
    case = dispatched(neixiang, who="jing")
    neixiang.pass_to("2021-08-18T09:00")
    assert neixiang.refusal("lan", case, "supervise").code == "not_yours"
    assert neixiang.do("bian", case, "supervise").supervision_count == 1


def test_a_unit_without_a_task_team_gets_nothing_until_it_has_one(neixiang: World) -> None:
    case = registered(neixiang)
    given = {"subject": "残疾人证换领", "level": "complex", "raise_reason": "要核实", "unit": "disabled_zone"}
    refusal = neixiang.refusal("lan", case, "dispatch", **given)
    assert (refusal.code, refusal.clause) == ("unit_lacks_contacts", "NX-5.1")
    assert refusal.facts["roles"] == "经办人员"


@pytest.mark.clause("NX-5.1")
def test_the_operator_reads_which_units_have_no_task_team_yet(tmp_path: Path) -> None:
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'none.db'}",
        keys=SecretStr(f"k1:{make_key()}"),
        hall=ROOT / "deploy/sandbox/halls/neixiang.toml",
        files=tmp_path,
        base_url="http://localhost",
    )
    teams = [check for check in doctor.checks(settings, at(TUESDAY)) if check.what.endswith("的联系人")]
    lacking = [check for check in teams if not check.ok]
    assert len(teams) == 12
    assert [check.what for check in lacking] == ["公民个人事项服务区（残联）的联系人"]
    assert "缺经办人员" in lacking[0].advice


@pytest.mark.clause("NX-5.1")
def test_a_dispatch_reaches_every_member_of_the_task_team_once(neixiang: World) -> None:
    case = dispatched(neixiang)
    assert all(told_once(neixiang, who, case, "dispatch_card") for who in ("qi", "miao"))


# --- telling and registering ----------------------------------------------------------------------


@pytest.mark.clause("NX-3a")
def test_the_conversation_offers_three_grounds_and_asks_for_the_item(neixiang: World) -> None:
    asked: dict[str, list[str]] = {}
    for text in (
        "我要反映",
        MATTER,
        "说完了",
        "我自己",
        "个人",
        "李桂兰",
        "13800001234",
        "营业执照",
        "网上交的",
    ):
        last = neixiang.say("li", text)[-1]
        asked[last.name] = [code for code, _ in last.choices]
    assert "ask_item" in asked
    assert asked["ask_ground"] == ["not_accepted", "not_approved", "repeated_trips"]
    draft = neixiang.of_contact("li")
    refusal = neixiang.refusal("li", draft, "submit")
    assert isinstance(refusal, Incomplete) and "ground" in refusal.problems


@pytest.mark.clause("NX-W1c", "NX-W3a")
@pytest.mark.parametrize(
    "field", ["content", "applicant_name", "applicant_phone", "item", "prior_channel", "ground"]
)
def test_what_the_registration_form_asks_is_filled_in_or_nothing_is_registered(
    neixiang: World, field: str
) -> None:
    with pytest.raises(Incomplete) as refused:
        registered(neixiang, **{field: ""})
    assert refused.value.problems == {field: "missing"}
    assert neixiang.numbers() == []


@pytest.mark.clause("NX-W1a")
def test_a_refused_application_and_several_trips_both_open_a_case(neixiang: World) -> None:
    refused = told_online(neixiang, "li", ground="受理了，没有批下来")
    trips = told_online(neixiang, "wang", ground="网上、窗口跑了好几趟，没有办成")
    assert (refused.stage, trips.stage) == ("SUBMITTED", "SUBMITTED")
    assert trips.codes["trip_count"] == "5"


@pytest.mark.clause("NX-W1a")
def test_without_an_application_at_the_centre_the_way_is_offered_and_a_person_decides(
    neixiang: World,
) -> None:
    case = told_online(neixiang, prior_channel="还没有交过申请")  # tell() insists when it is offered
    assert case.stage == "SUBMITTED" and "ground" not in case.codes
    assert neixiang.refusal("li", case, "guide").code == "not_yours"
    guided = neixiang.do("lan", case, "guide", exclusion="not_applied")
    assert guided.stage == "GUIDED"
    assert "咨询导办台" in drawn(neixiang, neixiang.outbox(guided, "guided")[0])


def test_without_an_application_she_is_shown_the_way_before_she_submits(neixiang: World) -> None:
    for text in ("我要反映", MATTER, "说完了", "我自己", "个人", "李桂兰", "13800001234", "营业执照"):
        neixiang.say("li", text)
    neixiang.say("li", "还没有交过申请")
    reply = neixiang.say("li", "没有了")[-1]
    assert reply.name == "excluded" and neixiang.numbers() == []


@pytest.mark.clause("NX-3b")
@pytest.mark.parametrize(
    ("matter", "exclusion"),
    [
        ("派出所立案侦查了还没有结果", "law_case"),
        ("法院判下来了我不服", "litigation"),
        ("我上访过两回都没有人理", "petition"),
        ("屋顶搭的违建想补一张证", "against_policy"),
    ],
)
def test_what_is_excluded_is_suggested_by_the_bot_and_decided_by_a_person(
    neixiang: World, matter: str, exclusion: str
) -> None:
    neixiang.say("li", "我要反映")
    neixiang.say("li", matter)
    assert neixiang.say("li", "说完了")[-1].name == "excluded"
    assert neixiang.of_contact("li").stage == "DRAFT"
    case = told_online(neixiang, "wang")
    guided = neixiang.do("lan", case, "guide", exclusion=exclusion)
    event = neixiang.events(guided)[-1]
    assert (guided.stage, event.act, event.actor_id) == ("GUIDED", "guide", neixiang.who("lan").id)
    assert neixiang.do("wang", guided, "insist").stage == "SUBMITTED"


@pytest.mark.clause("NX-3b")
def test_nobody_is_sent_away_without_a_place_to_go(neixiang: World) -> None:
    case = told_online(neixiang)
    neixiang.office.hall.guidance.pop("petition")  # type: ignore[attr-defined]
    assert neixiang.refusal("lan", case, "guide", exclusion="petition").code == "no_guidance"


@pytest.mark.clause("NX-A3.4")
def test_the_number_is_the_day_of_the_application_and_its_serial(neixiang: World) -> None:
    numbers = [registered(neixiang).number for _ in range(2)] + [told_online(neixiang).number]
    assert numbers == ["2021081001", "2021081002", "2021081003"]
    neixiang.now = at("2021-08-11T09:00")
    assert told_online(neixiang, "wang").number == "2021081101"
    # told yesterday, registered today: the serial is of the day it was told
    assert registered(neixiang, told_at="2021-08-10T17:20").number == "2021081004"


def test_the_serial_of_a_day_grows_past_ninety_nine(neixiang: World) -> None:
    with store.transaction(neixiang.office.engine) as conn:
        for _ in range(99):
            store.count(conn, "neixiang:20210810:20210810{day_seq:2}")
    assert registered(neixiang).number == "20210810100"


@pytest.mark.clause("NX-A3.4")
def test_two_at_once_never_share_a_number(database_url: str, tmp_path: Path) -> None:
    world = World.of("neixiang", database_url, tmp_path / "files", start=TUESDAY)
    with ThreadPoolExecutor(4) as pool:
        numbers = {case.number for case in pool.map(lambda _: registered(world), range(8))}
    assert numbers == {f"20210810{serial:02}" for serial in range(1, 9)}
    world.close()


@pytest.mark.clause("NX-A3.2")
def test_nothing_is_dispatched_before_the_applicant_has_confirmed_the_record(neixiang: World) -> None:
    case = registered(neixiang, record_confirmed="later")
    given = {
        "subject": "营业执照变更",
        "level": "complex",
        "raise_reason": "要核实",
        "unit": "business_zone",
    }
    assert neixiang.refusal("lan", case, "dispatch", **given).code == "not_before"
    refusal = neixiang.refusal("lan", case, "confirm_record", record_confirmed="oral")
    assert isinstance(refusal, Incomplete) and refusal.problems == {"record_note": "missing"}
    oral = {"record_confirmed": "oral", "record_note": "老人看不清，念给他听过"}
    case = neixiang.do("lan", case, "confirm_record", **oral)
    assert case.at("applicant_confirmed_at") == at(TUESDAY)
    assert neixiang.do("lan", case, "dispatch", **given).stage == "WITH_UNIT"


@pytest.mark.clause("NX-A3.2")
def test_who_sends_the_summary_herself_has_confirmed_it(neixiang: World) -> None:
    case = told_online(neixiang)
    confirmed = case.moments["applicant_confirmed_at"]
    assert (confirmed.at, confirmed.person_id) == (at(TUESDAY), neixiang.who("li").id)


# --- three levels ---------------------------------------------------------------------------------


@pytest.mark.clause("NX-4.2b", "NX-W4a")
def test_a_simple_matter_is_done_at_the_window_the_same_day_without_a_sheet(neixiang: World) -> None:
    case = registered(neixiang)
    solved = {"subject": "执照变更材料清单", "result": "材料当场补齐，已受理。", "cause_code": "material"}
    case = neixiang.delivered(neixiang.do("lan", case, "resolve", **solved))
    assert (case.stage, case.kind, case.unit_id) == ("CLOSED", "immediate", None)
    closed_at = case.at("closed_at")
    assert closed_at and closed_at.astimezone(SHANGHAI).date().isoformat() == "2021-08-10"
    assert neixiang.duty(case, "limit") is None and neixiang.duty(case, "initial_feedback") is None
    assert neixiang.outbox(case, "dispatch_card", "dispatch_group", "dispatch_copy") == []
    assert ledger_rows(neixiang)[0]["处理结果"] == "材料当场补齐，已受理。"


def test_what_the_window_did_is_not_closed_before_the_answer_has_arrived(neixiang: World) -> None:
    case = neixiang.do("lan", told_online(neixiang), "accept")
    solved = {"subject": "执照变更材料清单", "result": "给了清单", "cause_code": "material"}
    case = neixiang.do("lan", case, "resolve", **solved)
    assert case.stage == "DELIVERING" and neixiang.duty(case, "to_applicant") is not None
    assert neixiang.delivered(case).stage == "CLOSED"


@pytest.mark.clause("NX-4.2c")
def test_a_complex_matter_goes_to_the_window_department_and_may_name_a_lead_department(
    neixiang: World,
) -> None:
    case = dispatched(neixiang, lead_department="县市场监督管理局")
    assert (case.kind, case.level, case.codes["lead_department"]) == ("assign", "complex", "县市场监督管理局")
    card = drawn(neixiang, neixiang.outbox(case, "dispatch_card")[0])
    assert "二级响应" in card and case.number and case.number in card


@pytest.mark.clause("NX-4.2d")
def test_the_first_level_is_special_or_difficult_and_the_leading_group_hears_of_the_difficult(
    neixiang: World,
) -> None:
    case = registered(neixiang)
    given = {"subject": "营业执照变更", "raise_reason": "几家说法不一", "unit": "business_zone"}
    refusal = neixiang.refusal("lan", case, "dispatch", level="1", **given)
    assert isinstance(refusal, Incomplete) and refusal.problems == {"level": "choice"}
    case = neixiang.do("lan", case, "dispatch", level="special", **given)
    assert neixiang.outbox(case, "reported_card") == []
    case = reported(neixiang, case)
    assert (case.stage, case.level) == ("REPORTED", "difficult")
    assert told_once(neixiang, "gong", case, "reported_card")


@pytest.mark.clause("NX-4.2a")
def test_levels_are_raised_one_after_the_other_with_a_reason_and_never_lowered(neixiang: World) -> None:
    case = registered(neixiang)
    assert case.level is None  # 三级: at the window
    case = dispatched(neixiang, case)
    assert "二级" in neixiang.rules.level("complex").label
    refusal = neixiang.refusal("lan", case, "relevel", level="special")
    assert isinstance(refusal, Incomplete) and refusal.problems == {"relevel_reason": "missing"}
    case = neixiang.do("lan", case, "relevel", level="special", relevel_reason="要住建、市监一起看")
    event = neixiang.events(case)[-1]
    assert (event.data["level_before"], event.data["level"]) == ("complex", "special")
    assert "一级" in neixiang.rules.level("special").label
    assert neixiang.words(case)["relevel_reason"] == "要住建、市监一起看"
    lower = neixiang.refusal("lan", case, "relevel", level="complex", relevel_reason="又简单了")
    assert lower.code == "level_only_up"
    neixiang.do("miao", case, "send_back", send_back_reason="归房管")
    anew = {"unit": "housing_zone", "subject": "不动产登记", "raise_reason": "要查档"}
    assert neixiang.refusal("lan", case, "dispatch", level="complex", **anew).code == "level_only_up"
    assert neixiang.do("lan", case, "dispatch", level="special", **anew).level == "special"


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.clause("NX-4.3a")
def test_what_should_be_done_is_done_in_five_working_days_and_that_holds_unless_said_otherwise(
    neixiang: World,
) -> None:
    case = dispatched(neixiang)
    assert case.codes["nature"] == "should_do"
    assert neixiang.due_day(case) == "2021-08-17"
    duty = neixiang.duty(case, "limit")
    assert duty and duty.clause == "NX-4.3a"


@pytest.mark.clause("NX-4.3b")
def test_what_cannot_be_done_is_answered_in_three_working_days(neixiang: World) -> None:
    case = dispatched(neixiang, nature="cannot_do", **REPORTED)
    assert neixiang.due_day(case) == "2021-08-13"
    neixiang.do("jing", case, "confirm_no", no_opinion="同意，讲清楚怎样才能办")
    signed_for(neixiang, case)
    for gap in ("cannot_reason", "cannot_basis", "explanation"):
        refusal = neixiang.refusal("miao", case, "reply_cannot", **{**CANNOT, gap: ""})
        assert isinstance(refusal, Incomplete) and refusal.problems == {gap: "missing"}
    done = neixiang.delivered(neixiang.do("miao", case, "reply_cannot", **CANNOT))
    assert neixiang.see("lan", done).status == "cannot_do"


def test_a_limit_of_five_days_over_the_national_holiday(neixiang: World) -> None:
    neixiang.now = at("2021-09-30T10:00")
    case = dispatched(neixiang)
    assert neixiang.due_day(case) == "2021-10-13"
    assert neixiang.due_day(case, "initial_feedback") == "2021-10-11"


@pytest.mark.clause("NX-W4b")
def test_the_first_feedback_runs_beside_the_limit_and_does_not_close_the_case(neixiang: World) -> None:
    case = dispatched(neixiang)
    assert neixiang.due_day(case, "initial_feedback") == "2021-08-13"
    signed_for(neixiang, case)
    neixiang.now = at("2021-08-12T11:00")
    case = neixiang.do("qi", case, "progress", progress="三次补件都没有写清单，正在核实")
    assert neixiang.duty(case, "initial_feedback") is None
    assert case.stage == "WITH_UNIT" and neixiang.due_day(case) == "2021-08-17"


def test_a_dispatch_two_days_later_moves_the_feedback_and_not_the_limit(neixiang: World) -> None:
    case = registered(neixiang)
    neixiang.now = at("2021-08-12T09:00")
    case = dispatched(neixiang, case)
    assert neixiang.due_day(case, "initial_feedback") == "2021-08-17"
    assert neixiang.due_day(case) == "2021-08-17"


def test_a_missed_feedback_is_told_and_a_supervision_prepared_while_the_limit_is_not_late(
    neixiang: World,
) -> None:
    case = dispatched(neixiang)
    neixiang.pass_to("2021-08-16T09:00")
    case = neixiang.again(case)
    assert not case.overdue and reminded(neixiang, "jing", case).count("initial_feedback.overdue") == 1
    assert neixiang.duty(case, "issue_supervision") and case.supervision_count == 0
    notices = [m.notice for m in neixiang.outbox_of("qi")]
    assert notices.count("feedback_reminder") == 2  # the day before and on the day


@pytest.mark.clause("NX-W4c")
def test_a_case_raised_to_special_has_seven_working_days_from_acceptance(neixiang: World) -> None:
    case = dispatched(neixiang)
    neixiang.now = at("2021-08-12T09:00")
    case = neixiang.do("lan", case, "relevel", level="special", relevel_reason="要几家一起看")
    assert neixiang.due_day(case) == "2021-08-19"
    assert neixiang.due_day(case, "initial_feedback") == "2021-08-13"  # owed since the dispatch


def test_an_overdue_case_is_alerted_and_its_supervision_waits_for_a_person(neixiang: World) -> None:
    case = dispatched(neixiang)
    signed_for(neixiang, case)
    neixiang.do("qi", case, "progress", progress="正在核实")
    neixiang.pass_to("2021-08-18T09:00")
    case = neixiang.again(case)
    assert case.overdue and case.supervision_count == 0
    assert neixiang.told("jing", case).count("overdue_alert") == 1
    case = neixiang.do("jing", case, "supervise")
    assert case.supervision_count == 1
    neixiang.pass_to("2021-08-24T09:00")
    clue = next(e for e in neixiang.events(case) if e.act == "supervision.overdue")
    assert set(clue.data) <= {"duty", "step", "due"} and clue.actor_id is None  # it names no person


# --- never a bare no ------------------------------------------------------------------------------


@pytest.mark.clause("NX-W2")
def test_the_window_says_no_only_through_a_report_and_the_unit_answers_when_it_is_confirmed(
    neixiang: World,
) -> None:
    case = told_online(neixiang)
    neixiang.do("lan", case, "accept")
    for gap in REPORTED:
        refusal = neixiang.refusal(
            "lan",
            case,
            "dispatch",
            subject="营业执照变更",
            level="complex",
            raise_reason="住宅不能登记",
            unit="business_zone",
            nature="cannot_do",
            **{**REPORTED, gap: ""},
        )
        assert isinstance(refusal, Incomplete) and refusal.problems == {gap: "missing"}
    case = dispatched(neixiang, case, nature="cannot_do", **REPORTED)
    assert told_once(neixiang, "jing", case, "negative_report")
    for act in ("reply_cannot", "confirm_no"):
        assert neixiang.refusal("lan", case, act, **CANNOT).code == "not_yours"
    signed_for(neixiang, case)
    assert neixiang.refusal("miao", case, "reply_cannot", **CANNOT).code == "not_before"
    assert neixiang.outbox(case, "result") == []
    case = neixiang.do("jing", case, "confirm_no", no_opinion="同意")
    case = neixiang.do("miao", case, "reply_cannot", **CANNOT)
    answer = drawn(neixiang, neixiang.outbox(case, "result")[0])
    assert "商事登记区" in answer and REPORTED["cannot_reason"] in answer
    assert neixiang.events(case)[-1].actor_id == neixiang.who("miao").id


@pytest.mark.clause("NX-W2")
def test_a_unit_that_finds_it_cannot_be_done_reports_first(neixiang: World) -> None:
    case = signed_for(neixiang, dispatched(neixiang))
    assert neixiang.refusal("miao", case, "reply_cannot", **CANNOT).code == "not_before"
    neixiang.now = at("2021-08-11T09:00")
    case = neixiang.do("miao", case, "report_no", **REPORTED)
    assert neixiang.due_day(case, "negative_report") == "2021-08-12"
    assert neixiang.due_day(case) == "2021-08-17"  # nobody has agreed yet
    case = neixiang.do("jing", case, "confirm_no", no_opinion="同意")
    assert neixiang.due_day(case) == "2021-08-13"
    assert neixiang.do("miao", case, "reply_cannot", **CANNOT).stage == "DELIVERING"


@pytest.mark.clause("NX-W2")
def test_a_no_is_answered_by_a_unit_that_has_signed_for_the_matter(neixiang: World) -> None:
    case = dispatched(neixiang, nature="cannot_do", **REPORTED)
    neixiang.do("jing", case, "confirm_no", no_opinion="同意")
    refusal = neixiang.refusal("miao", case, "reply_cannot", **CANNOT)
    assert (refusal.code, refusal.facts["needs"]) == ("not_before", "signed_for_at")
    signed_for(neixiang, case)
    assert neixiang.do("miao", case, "reply_cannot", **CANNOT).stage == "DELIVERING"


def test_confirmed_after_the_three_days_the_answer_is_due_the_next_working_day(neixiang: World) -> None:
    case = signed_for(neixiang, dispatched(neixiang))
    neixiang.now = at("2021-08-16T09:00")
    neixiang.do("miao", case, "report_no", **REPORTED)
    case = neixiang.do("jing", case, "confirm_no", no_opinion="同意")
    assert neixiang.due_day(case) == "2021-08-17"


def test_a_report_that_is_not_agreed_to_leaves_the_matter_to_be_done(neixiang: World) -> None:
    case = dispatched(neixiang, nature="cannot_do", **REPORTED)
    signed_for(neixiang, case)
    case = neixiang.do("jing", case, "return_no", no_opinion="可以先办集群登记")
    assert neixiang.due_day(case) == "2021-08-17" and told_once(neixiang, "miao", case, "rejected_card")
    assert neixiang.refusal("miao", case, "reply_cannot", **CANNOT).code == "not_before"
    assert replied(neixiang, case).stage == "DELIVERING"


def test_the_office_is_reminded_of_a_report_it_has_not_heard(neixiang: World) -> None:
    case = dispatched(neixiang, nature="cannot_do", **REPORTED)
    neixiang.pass_to("2021-08-11T09:30")
    assert neixiang.told("jing", case).count("negative_report") == 2


# --- special: reviewed together -------------------------------------------------------------------


@pytest.mark.clause("NX-4.5a")
def test_a_joint_review_has_members_with_dated_words_and_ends_with_an_opinion(neixiang: World) -> None:
    case = dispatched(neixiang, level="special")
    assert neixiang.due_day(case, "convene") == "2021-08-10" and told_once(
        neixiang, "jing", case, "convene_wanted"
    )
    refusal = neixiang.refusal("jing", case, "convene", requirement="住宅能不能登记")
    assert isinstance(refusal, Incomplete) and refusal.problems == {"members": "missing"}
    case = neixiang.do(
        "jing", case, "convene", members=["housing_zone", "construction"], requirement="住宅能不能登记"
    )
    assert case.stage == "JOINT" and neixiang.due_day(case) == "2021-08-19"
    owed = neixiang.duties_of(case, "contribution")
    assert len(owed) == 2 and all(duty.due_at == at("2021-08-12T17:30") for duty in owed)
    assert neixiang.refusal("miao", case, "contribute", contribution="我是牵头的").code == "not_yours"
    case = neixiang.do("lu", case, "contribute", contribution="房屋用途可以查档")
    assert [d.state for d in neixiang.duties_of(case, "contribution")].count("met") == 1
    case = neixiang.do("liao", case, "contribute", contribution="同意按商住两用认定")
    again = neixiang.refusal("lu", case, "contribute", contribution="再说一遍")
    assert (again.code, again.clause) == ("done_already", "NX-4.5a")
    dated = [e for e in neixiang.events(case) if e.act == "contribute"]
    assert [e.actor_id for e in dated] == [neixiang.who("lu").id, neixiang.who("liao").id]
    empty = neixiang.refusal("jing", case, "conclude")
    assert isinstance(empty, Incomplete) and empty.problems == {"opinion": "missing"}
    case = neixiang.do("jing", case, "conclude", opinion="按商住两用登记")
    assert case.stage == "WITH_UNIT" and told_once(neixiang, "miao", case, "concluded_card")
    assert replied(neixiang, case).stage == "DELIVERING"


def test_a_late_member_is_told_of_and_does_not_hold_the_review_up(neixiang: World) -> None:
    case = dispatched(neixiang, level="special")
    case = neixiang.do("jing", case, "convene", members=["construction"], requirement="住宅能不能登记")
    neixiang.pass_to("2021-08-13T09:00")
    assert reminded(neixiang, "jing", case).count("contribution.late") == 1
    assert neixiang.do("jing", case, "conclude", opinion="先按现状办").stage == "WITH_UNIT"


# --- difficult: to the centre's group, to the county ----------------------------------------------


@pytest.mark.clause("NX-W4e")
def test_a_difficult_matter_needs_a_day_and_after_each_explanation_the_next(neixiang: World) -> None:
    case = dispatched(neixiang)
    refusal = neixiang.refusal("jing", case, "report", subject="营业执照变更", relevel_reason="两县交界")
    assert isinstance(refusal, Incomplete) and refusal.problems == {"custom_due": "missing"}
    case = reported(neixiang, case, "2021-08-20")
    assert neixiang.due_day(case) == "2021-08-20"
    case = above(neixiang, case, "2021-08-27")
    assert neixiang.due_day(case) == "2021-08-27"
    neixiang.now = at("2021-08-26T10:00")
    words_only = neixiang.refusal("jing", case, "explain", above_answer="两县已经开过会")
    assert isinstance(words_only, Incomplete) and words_only.problems == {"custom_due": "missing"}
    case = neixiang.do("jing", case, "explain", above_answer="两县已经开过会", custom_due="2021-09-10")
    assert case.stage == "REPORTED" and neixiang.due_day(case) == "2021-09-10"
    told = drawn(neixiang, neixiang.outbox(case, "explained")[0])
    assert "两县已经开过会" in told and "9月10日" in told
    neixiang.now = at("2021-09-09T10:00")
    case = neixiang.do("jing", case, "conclude_above", result="县里定了由我县登记。", cause_code="authority")
    assert neixiang.delivered(case).stage == "CLOSED"


@pytest.mark.clause("NX-4.5b", "NX-W4d")
def test_what_the_centre_cannot_coordinate_goes_to_the_county_the_same_working_day(neixiang: World) -> None:
    case = reported(neixiang, dispatched(neixiang))
    assert neixiang.due_day(case, "study") == "2021-08-10"
    refusal = neixiang.refusal("jing", case, "raise_above", above_reason="要两县协调")
    assert isinstance(refusal, Incomplete) and refusal.problems == {"custom_due": "missing"}
    neixiang.now = at("2021-08-10T16:00")
    case = above(neixiang, case)
    assert case.codes["above_body"] == "县优化营商环境领导小组办公室"
    assert case.at("escalated_at") == at("2021-08-10T16:00")
    to_county = neixiang.outbox(case, "above_card")
    assert [m.person_id for m in to_county] == [neixiang.who("cen").id]
    assert to_county[0].not_before == at("2021-08-10T16:00")
    told = drawn(neixiang, neixiang.outbox(case, "reported_told")[-1])
    assert "县优化营商环境领导小组办公室" in told and "8月24日" in told


def test_nobody_studied_it_on_the_day_and_the_leading_group_is_told_again(neixiang: World) -> None:
    case = reported(neixiang, dispatched(neixiang))
    neixiang.pass_to("2021-08-11T09:00")
    assert neixiang.told("gong", case).count("reported_card") == 2


def test_the_group_finds_it_can_be_done_and_names_unit_and_day(neixiang: World) -> None:
    case = reported(neixiang, registered(neixiang), who="lan")
    assert case.unit_id is None
    case = neixiang.do(
        "jing",
        case,
        "return_doable",
        unit="business_zone",
        opinion="按经营地登记",
        custom_due="2021-08-18",
    )
    assert case.stage == "WITH_UNIT" and neixiang.due_day(case) == "2021-08-18"
    assert told_once(neixiang, "miao", case, "dispatch_card") and told_once(
        neixiang, "fang", case, "dispatch_copy"
    )
    assert replied(neixiang, case).stage == "DELIVERING"


# --- following it, answering, closing -------------------------------------------------------------


@pytest.mark.clause("NX-W3b")
def test_the_applicant_is_told_zone_and_person_and_the_head_of_the_zone_of_the_case(neixiang: World) -> None:
    case = dispatched(neixiang, told_online(neixiang))
    told = drawn(neixiang, neixiang.outbox(case, "dispatched")[0])
    assert "商事登记区" in told and "齐雨薇" in told and "0377-88880702" in told and "8月17日" in told
    assert told_once(neixiang, "fang", case, "dispatch_copy")


@pytest.mark.clause("NX-W3c")
def test_whoever_took_the_case_in_hears_each_step_once_and_nobody_else_at_the_window(neixiang: World) -> None:
    case = dispatched(neixiang, who="jing")
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("miao", "sign_for", {}),
        ("miao", "progress", {"progress": "正在核实"}),
        ("jing", "relevel", {"level": "special", "relevel_reason": "要几家看"}),
        ("jing", "convene", {"members": ["construction"], "requirement": "住宅能不能登记"}),
        ("jing", "conclude", {"opinion": "可以登记"}),
        ("miao", "reply", ANSWERED),
    ]
    for who, act, values in steps:
        before = len(neixiang.told("lan", case))
        neixiang.do(who, case, act, **values)
        assert len(neixiang.told("lan", case)) == before + 1, act
    assert "case_moved" not in neixiang.told("feng", case)


@pytest.mark.clause("NX-W3d")
def test_dispatch_feedback_raising_and_result_each_put_one_message_to_the_applicant(neixiang: World) -> None:
    case = dispatched(neixiang, told_online(neixiang))
    signed_for(neixiang, case)
    neixiang.do("miao", case, "progress", progress="正在核实")
    neixiang.do("lan", case, "relevel", level="special", relevel_reason="要几家一起看")
    replied(neixiang, case)
    told = neixiang.told("li", case)
    for notice in ("dispatched", "progress_told", "releveled_citizen", "result"):
        assert told.count(notice) == 1, notice


def test_a_matter_closed_as_silent_is_not_to_be_signed_for(neixiang: World) -> None:
    case = dispatched(neixiang, told_online(neixiang))
    neixiang.do("miao", case, "ask", question="房产证在手上吗")
    neixiang.pass_to("2021-08-13T18:00")
    assert neixiang.duty(case, "sign_for") is not None
    neixiang.do("lan", case, "close_no_response", no_response_note="电话也没有人接")
    assert neixiang.duty(case, "sign_for") is None
    neixiang.do("li", case, "reopen")
    assert neixiang.duty(case, "sign_for") is not None


@pytest.mark.clause("NX-A3.3")
def test_a_reply_that_the_handler_has_not_signed_is_not_handed_in(neixiang: World) -> None:
    case = signed_for(neixiang, dispatched(neixiang))
    unsigned = neixiang.refusal("miao", case, "reply", **{**ANSWERED, "handler_signed": ""})
    assert isinstance(unsigned, Incomplete) and unsigned.problems == {"handler_signed": "missing"}
    assert neixiang.refusal("fang", case, "reply", **ANSWERED).code == "not_yours"
    assert neixiang.duty(case, "limit") and neixiang.again(case).stage == "WITH_UNIT"
    neixiang.now = at("2021-08-12T15:00")
    case = neixiang.do("miao", case, "reply", **ANSWERED)
    signed = case.moments["handler_signed_at"]
    assert (signed.at, signed.person_id) == (at("2021-08-12T15:00"), neixiang.who("miao").id)
    assert neixiang.duty(case, "limit") is None


@pytest.mark.clause("NX-5.2b")
def test_no_case_is_answered_without_its_cause(neixiang: World) -> None:
    case = signed_for(neixiang, dispatched(neixiang, registered(neixiang), nature="cannot_do", **REPORTED))
    neixiang.do("jing", case, "confirm_no", no_opinion="同意")
    above_case = reported(neixiang, dispatched(neixiang))
    at_window = registered(neixiang)
    tries: list[tuple[str, Case, str, dict[str, str]]] = [
        ("miao", case, "reply", ANSWERED),
        ("miao", case, "reply_cannot", CANNOT),
        ("jing", above_case, "conclude_above", {"result": "定了"}),
        ("lan", at_window, "resolve", {"subject": "执照变更", "result": "办了"}),
    ]
    for who, one, act, values in tries:
        refusal = neixiang.refusal(who, one, act, **{**values, "cause_code": ""})
        assert isinstance(refusal, Incomplete) and refusal.problems == {"cause_code": "missing"}, act


@pytest.mark.clause("NX-4.4a", "NX-4.4b")
def test_each_answer_is_verified_and_visited_by_the_office_before_it_is_archived(neixiang: World) -> None:
    case = closed(neixiang)
    assert case.stage == "CLOSED"
    assert [len(neixiang.duties_of(case, key)) for key in ("verify", "visit", "sign_row")] == [1, 1, 1]
    assert neixiang.due_day(case, "verify") == neixiang.due_day(case, "visit") == "2021-08-13"
    assert told_once(neixiang, "jing", case, "verify_task") and told_once(
        neixiang, "jing", case, "visit_task"
    )
    assert neixiang.refusal("lan", case, "verify_result", verified="yes", verify_note="x").code == "not_yours"
    visit = {"visit_way": "phone", "visit_satisfied": "satisfied", "visit_opinion": "无"}
    for gap in ("visit_satisfied", "visit_opinion"):
        refusal = neixiang.refusal("jing", case, "follow_up", **{**visit, gap: ""})
        assert isinstance(refusal, Incomplete) and refusal.problems == {gap: "missing"}
    neixiang.do("jing", case, "follow_up", **visit)
    neixiang.do("jing", case, "verify_result", verified="yes", verify_note="打电话问过，执照已经拿到")
    neixiang.do("lan", case, "file_result")
    assert neixiang.do("lan", case, "archive").stage == "ARCHIVED"


@pytest.mark.clause("NX-W3f", "NX-4.4a", "NX-4.4b")
@pytest.mark.parametrize(
    ("missing", "moment"),
    [("verify_result", "verified_at"), ("follow_up", "visited_at"), ("file_result", "filed_at")],
)
def test_nothing_is_archived_before_it_is_verified_and_visited_and_its_row_is_signed(
    neixiang: World, missing: str, moment: str
) -> None:
    case = closed(neixiang)
    visit = {"visit_way": "phone", "visit_satisfied": "satisfied", "visit_opinion": "无"}
    steps: list[tuple[str, str, dict[str, str]]] = [
        ("jing", "verify_result", {"verified": "yes", "verify_note": "打电话问过，执照已经拿到"}),
        ("jing", "follow_up", visit),
        ("lan", "file_result", {}),
    ]
    for who, act, values in sorted(steps, key=lambda step: step[1] == missing):
        refusal = neixiang.refusal("lan", case, "archive")
        neixiang.do(who, case, act, **values)
    assert (refusal.code, refusal.facts["needs"]) == ("not_before", moment)
    assert neixiang.do("lan", case, "archive").stage == "ARCHIVED"


@pytest.mark.clause("NX-W5a")
@pytest.mark.parametrize("said", ["rating", "visit"])
def test_whoever_is_not_satisfied_sends_it_back_to_the_unit_with_a_new_day(
    neixiang: World, said: str
) -> None:
    case = closed(neixiang, told_online(neixiang))
    neixiang.now = at("2021-08-16T10:00")
    if said == "rating":
        case = neixiang.do("li", case, "rate", score="2")
    else:
        visit = {"visit_way": "phone", "visit_satisfied": "dissatisfied", "visit_opinion": "还是没有拿到"}
        case = neixiang.do("jing", case, "follow_up", **visit)
    assert (case.stage, case.round) == ("WITH_UNIT", 2)
    assert neixiang.due_day(case) == "2021-08-19"
    assert neixiang.events(case)[-1].act == "redo" and neixiang.events(case)[-1].actor_id is None
    assert told_once(neixiang, "miao", case, "redo_card") and told_once(neixiang, "li", case, "redo_told")
    assert all(told_once(neixiang, who, case, "redo_copy") for who in ("fang", "jing"))
    signed_for(neixiang, case)
    case = neixiang.delivered(neixiang.do("miao", case, "reply", **ANSWERED))
    assert neixiang.duty(case, "visit") and neixiang.duty(case, "verify")  # and visited again


def test_satisfied_people_send_nothing_back(neixiang: World) -> None:
    case = closed(neixiang, told_online(neixiang))
    assert neixiang.do("li", case, "rate", score="3").stage == "CLOSED"


@pytest.mark.parametrize("said", ["rating", "visit"])
def test_what_the_window_did_itself_it_verifies_anew_itself(neixiang: World, said: str) -> None:
    case = neixiang.do("lan", told_online(neixiang), "accept")
    solved = {"subject": "执照变更材料清单", "result": "给了清单", "cause_code": "material"}
    case = neixiang.delivered(neixiang.do("lan", case, "resolve", **solved))
    if said == "rating":
        neixiang.do("jing", case, "plan_visit", visit_on="2021-08-16", visit_with="supervision")
        case = neixiang.do("li", case, "rate", score="1")
    else:
        visit = {"visit_way": "phone", "visit_satisfied": "dissatisfied", "visit_opinion": "清单不全"}
        case = neixiang.do("jing", case, "follow_up", **visit)
    assert (case.stage, case.round) == ("TRIAGE", 2) and neixiang.due_day(case) == "2021-08-13"
    assert neixiang.duty(case, "joint_visit") is None, "there is nothing to ask about any more"
    assert dispatched(neixiang, case).stage == "WITH_UNIT"


def test_a_voice_nobody_typed_is_owed_when_the_window_does_it_again(neixiang: World) -> None:
    case = neixiang.do("lan", spoken(neixiang), "accept")
    solved = {"subject": "执照变更材料清单", "result": "给了清单", "cause_code": "material"}
    case = neixiang.delivered(neixiang.do("lan", case, "resolve", **solved))
    assert neixiang.duty(case, "transcribe") is None
    case = neixiang.do("li", case, "rate", score="1")
    assert case.stage == "TRIAGE" and neixiang.duty(case, "transcribe")


# --- papers ---------------------------------------------------------------------------------------


@pytest.mark.clause("NX-A3.1")
def test_the_registration_form_prints_the_labels_of_the_annex_in_their_order(neixiang: World) -> None:
    case = closed(neixiang, told_online(neixiang))
    sheet = neixiang.paper("lan", case, "registration")
    assert sheet.title == "行政审批服务中心“办不成事”事项登记表"
    assert [words(line) for line in sheet.head] == [f"事项编号：{case.number}"]
    cells = [cell for row in sheet.rows for cell in row.cells]
    assert [cell.label for cell in cells] == [
        "办理对象姓名",
        "联系电话",
        "受理人员",
        "受理时间",
        "“办不成事”情况记录",
        "办理对象确认",
        "责任窗口（单位）回复、处理情况",
    ]
    assert [words(cell.sign).split("：")[0] for cell in cells if cell.sign] == ["签字", "经办人员签字"]
    assert all("日期：2021年8月10日" in words(cell.sign) for cell in cells if cell.sign)
    printed = answers(sheet)
    assert printed["办理对象姓名"] == "李桂兰" and printed["受理人员"] == "兰玉洁"
    assert (
        printed["“办不成事”情况记录"] == MATTER
        and ANSWERED["result"] in printed["责任窗口（单位）回复、处理情况"]
    )


# --- every message --------------------------------------------------------------------------------


def _stories() -> list[Callable[[World], object]]:
    def online(world: World) -> None:
        case = told_online(world, "anna")
        world.say("anna", "转人工")
        world.do("lan", case, "answer_citizen", human_answer="正在看")
        case = signed_for(world, dispatched(world, case))
        world.do("miao", case, "ask", question="房产证在手上吗")
        world.do("anna", case, "answer", answer="在")
        world.do("anna", case, "add", supplement="还有租赁合同")
        world.do("miao", case, "progress", progress="正在核实")
        world.do("lan", case, "relevel", level="special", relevel_reason="要几家看")
        world.do("jing", case, "convene", members=["construction"], requirement="住宅能不能登记")
        world.do("liao", case, "contribute", contribution="可以")
        world.do("jing", case, "conclude", opinion="可以登记")
        case = world.delivered(world.do("miao", case, "reply", **ANSWERED))
        world.do("anna", case, "rate", score="1")

    def no(world: World) -> None:
        case = signed_for(world, dispatched(world, told_online(world, "bob")))
        world.do("miao", case, "report_no", **REPORTED)
        world.do("jing", case, "return_no", no_opinion="先想办法")
        world.do("miao", case, "report_no", **REPORTED)
        world.do("jing", case, "confirm_no", no_opinion="同意")
        world.do("miao", case, "reply_cannot", **CANNOT)

    def hard(world: World) -> None:
        case = above(world, reported(world, dispatched(world, told_online(world, "carl"))))
        world.do("jing", case, "explain", above_answer="两县开会了", custom_due="2021-09-10")
        given = {"unit": "business_zone", "opinion": "可以办", "custom_due": "2021-09-10"}
        world.do("jing", case, "return_doable", **given)

    def guided(world: World) -> None:
        case = world.do("lan", told_online(world, "dora"), "guide", exclusion="petition")
        world.do("dora", case, "insist")
        world.do("dora", case, "withdraw")

    def back(world: World) -> None:
        world.do("miao", dispatched(world, told_online(world, "eve")), "send_back", send_back_reason="归税务")

    def late(world: World) -> None:
        case = dispatched(world, level="special")
        world.do("jing", case, "convene", members=["construction"], requirement="住宅能不能登记")
        dispatched(world)
        told_online(world, "fred")
        closed(world, told_online(world, "gina"))
        reported(world, dispatched(world))
        dispatched(world, nature="cannot_do", **REPORTED)
        dispatched(world, level="special")
        world.pass_to("2021-08-18T09:00")
        for one in world.to_do("jing"):
            if world.duty(one, "issue_supervision"):
                world.do("jing", one, "supervise")
        world.pass_to("2021-08-26T09:00")

    def silent(world: World) -> None:
        case = signed_for(world, dispatched(world, told_online(world, "hans")))
        world.do("miao", case, "ask", question="房产证在手上吗")
        world.pass_to("2021-09-01T09:00")
        world.do("lan", case, "close_no_response", no_response_note="电话也没有人接")
        world.do("hans", case, "reopen")

    def shielded(world: World) -> None:
        case = registered(world, about_conduct="yes")
        case = dispatched(world, case, content_for_unit="反映补件清单不一次告知")
        world.do("lan", case, "redact", words_for_unit="另有一份材料")

    def together(world: World) -> None:
        case = closed(world)
        closed(world)
        world.do("jing", case, "plan_visit", visit_on="2021-09-20", visit_with="supervision")
        world.pass_to("2021-10-08T09:00")
        with store.transaction(world.office.engine) as conn:
            visits.tick(world.office, conn, world.now)
        world.sweep()

    return [online, no, hard, guided, back, late, silent, shielded, together]


def test_every_notice_of_the_rule_is_told_and_reads_well(sqlite_url: str, tmp_path: Path) -> None:
    world = ReadWorld.of("neixiang", sqlite_url, tmp_path / "files", start=TUESDAY)
    assert isinstance(world, ReadWorld)
    for story in _stories():
        story(world)
    named = {notice.template for notice in world.rules.notices}
    named |= {step.notice for duty in world.rules.duties for step in duty.steps if step.notice}
    # only where no platform leads to the applicant
    assert named - set(world.texts) == {"call_task"}
    world.close()


@pytest.mark.clause("NX-4.1")
def test_every_matter_stands_in_one_register_whichever_way_it_came(neixiang: World) -> None:
    told_online(neixiang)
    registered(neixiang, intake_channel="phone", record_confirmed="oral", record_note="电话里念过")
    reported(neixiang, dispatched(neixiang))
    numbers = [row["事项编号"] for row in ledger_rows(neixiang)]
    assert numbers == ["2021081001", "2021081002", "2021081003"]
    assert told_once(neixiang, "gong", neixiang.case("2021081003"), "reported_card")


@pytest.mark.clause("NX-A4")
def test_the_progress_ledger_has_its_columns_and_a_row_for_each_case(neixiang: World) -> None:
    closed(neixiang)
    told_online(neixiang)
    sheet = neixiang.ledger("lan", "2021-08-10")
    assert [label for label, _ in sheet.heads] == [
        "事项编号",
        "办理对象",
        "联系电话",
        "反映事项",
        "响应级别",
        "受理人员",
        "受理时间",
        "责任窗口（单位）",
        "处理过程",
        "处理结果",
        "办结时间",
        "回访情况",
        "相关人员签字",
    ]
    assert len(ledger_rows(neixiang)) == 2


@pytest.mark.clause("NX-W3e")
def test_the_row_of_a_closed_case_tells_its_dated_steps_and_its_result(neixiang: World) -> None:
    case = dispatched(neixiang, told_online(neixiang))
    signed_for(neixiang, case)
    neixiang.now = at("2021-08-11T09:00")
    neixiang.do("qi", case, "progress", progress="正在核实")
    neixiang.now = at("2021-08-12T15:00")
    neixiang.delivered(neixiang.do("miao", case, "reply", **ANSWERED))
    row = ledger_rows(neixiang)[0]
    steps = row["处理过程"].split("\n")
    for day, step in (
        ("8月10日", "确认受理（兰玉洁）"),
        ("8月10日", "转派（提级响应）（兰玉洁）"),
        ("8月11日", "初步反馈、进展（齐雨薇）"),
        ("8月12日", "回复、处理情况（苗志远）"),
    ):
        assert any(day in line and line.endswith(step) for line in steps), step
    assert row["处理结果"] == ANSWERED["result"] and row["办结时间"] == "2021-08-12"
    assert row["响应级别"].startswith("二级响应") and row["责任窗口（单位）"] == "商事登记区"


@pytest.mark.clause("NX-W3f")
def test_the_row_waits_for_the_signature_of_the_window_beside_that_of_the_handler(neixiang: World) -> None:
    case = closed(neixiang)
    assert ledger_rows(neixiang)[0]["相关人员签字"] == "苗志远；缺当日值班人员签字"
    assert neixiang.duty(case, "sign_row") and told_once(neixiang, "lan", case, "filing_task")
    neixiang.do("lan", case, "file_result")
    assert ledger_rows(neixiang)[0]["相关人员签字"] == "苗志远、兰玉洁"
    assert neixiang.duty(case, "sign_row") is None


def test_the_report_before_a_no_is_a_paper_with_the_words_of_the_office(neixiang: World) -> None:
    case = signed_for(neixiang, dispatched(neixiang))
    neixiang.do("miao", case, "report_no", **REPORTED)
    neixiang.do("jing", case, "confirm_no", no_opinion="同意，讲清楚怎样才能办")
    sheet = neixiang.paper("jing", case, "negative")
    printed = answers(sheet)
    assert printed["不能办理的原因"] == REPORTED["cannot_reason"]
    assert printed["领导小组办公室意见"] == "同意，讲清楚怎样才能办"
    assert ["苗志远" in words(sheet.foot[0].line), "景浩" in words(sheet.foot[1].line)] == [True, True]


# --- what else is held to -----------------------------------------------------------------------------

FIRM = {"applicant_type": "legal_person", "applicant_unit": "内乡某茶饮店"}
TOLD = {
    "relation": "我自己",
    "applicant_type": "个人",
    "applicant_name": "李桂兰",
    "applicant_unit": "示范商贸有限公司",
    "applicant_phone": "13800001234",
    "contact_name": "李梅",
    "about_conduct": "否",
    "item": "营业执照地址变更",
    "prior_channel": "在大厅窗口交的",
    "ground": "交了申请，没有受理",
}


@pytest.mark.clause("NX-W1c", "NX-3a")
def test_who_skips_a_question_that_counts_is_asked_again(neixiang: World) -> None:
    matter = "奶茶店的执照交了三次都说缺一样"
    plain = "relation applicant_type applicant_name applicant_phone item prior_channel ground"
    assert insisted_on(neixiang, "li", matter, **TOLD) == plain
    firm = {**TOLD, "relation": "替单位", "applicant_type": "企业"}
    assert insisted_on(neixiang, "wang", f"窗口推诿，{matter}", **firm) == (
        "about_conduct relation contact_name applicant_type applicant_name applicant_unit applicant_phone"
        " item prior_channel ground"
    )
    asked_of_all = "content relation applicant_type applicant_name applicant_phone item prior_channel"
    assert set(missing_at_first(neixiang, "zhao").split()) == set(asked_of_all.split())


def test_what_was_told_and_registered_is_dated(neixiang: World) -> None:
    case = told_online(neixiang)
    assert set(case.moments) == {"submitted_at", "accepted_at", "applicant_confirmed_at"}
    told_at = "2021-08-09T16:00"
    oral = {"record_confirmed": "oral", "record_note": "老人看不清，念给他听过"}
    case = registered(neixiang, told_at=told_at, **FIRM, **oral)
    assert case.at("submitted_at") == case.at("accepted_at") == at(told_at)
    assert case.at("confirmed_at") == case.at("applicant_confirmed_at") == at(TUESDAY)
    assert neixiang.due_day(case) == "2021-08-12"  # three working days from the day it was told


@pytest.mark.clause("NX-4.3a", "NX-4.3b", "NX-W4c", "NX-W4b")
@pytest.mark.parametrize(
    ("level", "nature", "limit", "due"),
    [
        ("complex", "should_do", "should_do", "2021-08-17"),
        ("complex", "cannot_do", "cannot_do", "2021-08-13"),
        ("special", "should_do", "special", "2021-08-19"),
        ("special", "cannot_do", "cannot_do", "2021-08-13"),
    ],
)
def test_each_limit_runs_from_the_acceptance_however_late_it_is_sent_on(
    neixiang: World, level: str, nature: str, limit: str, due: str
) -> None:
    case = registered(neixiang)
    neixiang.now = at("2021-08-12T09:00")
    case = dispatched(neixiang, case, level=level, nature=nature, **REPORTED)
    running = neixiang.duty(case, "limit")
    assert running and (running.limit, neixiang.due_day(case)) == (limit, due)
    if level == "complex":  # the first feedback alone runs from the dispatch
        assert neixiang.due_day(case, "initial_feedback") == "2021-08-17"
    else:
        assert neixiang.duty(case, "initial_feedback") is None, (
            "what several units look at is not sent to one"
        )


@pytest.mark.clause("NX-W5a")
def test_what_is_verified_anew_has_its_own_limit(neixiang: World) -> None:
    case = closed(neixiang, told_online(neixiang))
    neixiang.now = at("2021-08-16T10:00")
    case = neixiang.do("li", case, "rate", score="1")
    running = neixiang.duty(case, "limit")
    assert running and (running.limit, running.clause) == ("redo", "NX-W5a")


def test_a_difficult_matter_that_comes_back_has_ten_working_days_until_somebody_says_when(
    neixiang: World,
) -> None:
    case = neixiang.do("lan", told_online(neixiang), "accept")
    case = reported(neixiang, case)
    case = neixiang.do("jing", case, "conclude_above", result="县里定了。", cause_code="authority")
    neixiang.delivered(case)
    neixiang.now = at("2021-08-16T10:00")
    case = neixiang.do("li", case, "rate", score="1")
    assert (case.stage, neixiang.due_day(case)) == ("TRIAGE", "2021-08-30")


@pytest.mark.clause("NX-5.1")
@pytest.mark.parametrize(("role", "title"), [("unit_head", "首席代表"), ("handler", "经办人员")])
def test_a_unit_gets_nothing_before_it_has_named_both(neixiang: World, role: str, title: str) -> None:
    without(neixiang, "business_zone", role)
    given = {"subject": "执照变更", "level": "complex", "raise_reason": "要核实", "unit": "business_zone"}
    refusal = neixiang.refusal("lan", registered(neixiang), "dispatch", **given)
    assert (refusal.code, refusal.facts["roles"]) == ("unit_lacks_contacts", title)


@pytest.mark.clause("NX-W3c")
def test_the_duty_person_hears_also_of_what_the_office_and_a_colleague_do(neixiang: World) -> None:
    case = registered(neixiang)
    dispatched(neixiang, case, who="jing")
    signed_for(neixiang, case)
    neixiang.do("miao", case, "ask", question="房产证在手上吗")
    neixiang.pass_to("2021-08-13T18:00")
    told = neixiang.told("lan", case).count("case_moved")
    neixiang.do("feng", case, "close_no_response", no_response_note="电话也没有人接")
    assert neixiang.told("lan", case).count("case_moved") == told + 1
    other = registered(neixiang)
    reported(neixiang, dispatched(neixiang, other, who="jing"))
    assert neixiang.told("lan", other).count("case_moved") == 2


def test_who_says_dissatisfied_or_worse_is_counted_as_bad(neixiang: World) -> None:
    for who, score in (("li", "1"), ("wang", "2"), ("zhao", "3")):
        neixiang.do(who, closed(neixiang, told_online(neixiang, who)), "rate", score=score)
    ratings = computed(neixiang, "summary", "2021-07-01", "2021-09-30")["ratings"]
    assert (ratings.said["rated"], ratings.said["bad"]) == (3, 2)


@pytest.mark.parametrize("gap", ["level", "relevel_reason"])
def test_nothing_changes_its_level_without_a_level_or_a_reason(neixiang: World, gap: str) -> None:
    case = dispatched(neixiang)
    given = {"level": "special", "relevel_reason": "要几家一起看"}
    refusal = neixiang.refusal("lan", case, "relevel", **{**given, gap: ""})
    assert isinstance(refusal, Incomplete) and refusal.problems == {gap: "missing"}


# --- every turn -------------------------------------------------------------------------------------


def unconfirmed(world: World) -> Case:
    return registered(world, record_confirmed="later")


def spoken(world: World) -> Case:
    """Told by voice, and not yet typed."""
    world.say("li", "我要反映")
    world.say("li", kind="voice", media_id="v1")
    return told_online(world)


def unanswered(world: World) -> Case:
    """Told by voice, asked three working days ago, and reminded twice."""
    case = signed_for(world, dispatched(world, spoken(world)))
    world.do("miao", case, "ask", question="房产证在手上吗")
    world.pass_to("2021-08-13T18:00")
    return world.again(case)


def late(world: World) -> Case:
    """A no that nobody has agreed to, overdue and supervised, with a question open."""
    case = signed_for(world, dispatched(world, told_online(world)))
    world.do("li", case, "ask_human", human_question="还要多久？")
    world.pass_to("2021-08-18T09:00")
    world.do("miao", case, "report_no", **REPORTED)
    world.do("miao", case, "ask", question="房产证在手上吗")
    return world.do("jing", case, "supervise")


def settled(world: World) -> Case:
    """Answered, delivered, verified, visited and signed."""
    case = closed(world, told_online(world))
    world.do("jing", case, "verify_result", verified="yes", verify_note="打电话问过")
    visit = {"visit_way": "phone", "visit_satisfied": "satisfied", "visit_opinion": "无"}
    world.do("jing", case, "follow_up", **visit)
    return world.do("lan", case, "file_result")


def agreed(world: World) -> Case:
    """A no once agreed to, reported again, and raised before it is answered."""
    case = signed_for(world, dispatched(world, told_online(world)))
    for act, who, values in (("report_no", "miao", REPORTED), ("confirm_no", "jing", {"no_opinion": "同意"})):
        world.do(who, case, act, **values)
    world.do("lan", case, "relevel", level="special", relevel_reason="要几家一起看")
    return world.do("miao", case, "report_no", **REPORTED)


def test_at_every_turn_a_case_stands_as_the_tables_say(sqlite_url: str, tmp_path: Path) -> None:
    world = World.of("neixiang", sqlite_url, tmp_path / "files", start=TUESDAY)
    starts = (told_online, unconfirmed, spoken, unanswered, late, agreed, settled)
    Walk(world, tmp_path).go(*starts)
    world.close()
