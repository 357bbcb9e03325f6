"""淮安市淮阴区: section, deputy head, lead section, principal head; four classes, four opinions of the office above."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import duties, flow, intake, outbox, papers, people, store
from core.case import Case
from core.desk.deliver import unreachable
from core.forms import SHIELD_LINE
from core.refusals import Incomplete, Refusal
from tests.regions.asked import AskingWorld
from tests.regions.drawing import ReadWorld, draw_all, reminded
from tests.regions.telling import without
from tests.regions.walk import Walk
from tests.world import World
from workers import cli

THURSDAY = "2023-09-28T10:00"  # the day before eight days of rest
MATTER = "老厂房加装消防水池，规划说要住建先出意见，住建说要规划先出，申请交了两个月没人接"
SUBJECT = "厂房加装消防水池没有受理"
CAUSE = {"cause_code": "between_units"}


@pytest.fixture
def huaiyin(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = ReadWorld.of("huaiyin", sqlite_url, tmp_path / "files", start=THURSDAY)
    yield made
    made.close()


# --- what the housing bureau (宋阳, 任晓梅, 高洁, 孙国栋) and the office (邱正明, 陶静) do -----------------------


def registered(world: World, who: str = "song", **values: Any) -> Case:
    given = {
        "content": MATTER,
        "scope_code": "applied_demand",
        "submitted_on": "2023-07-20",
        "subject": SUBJECT,
        "cause_text": "两家互为前置，谁也不先出意见",
        "applicant_phone": "0517-88889999",
        **values,
    }
    return world.register(who, **given)


def confirmed(world: World, case: Case) -> Case:
    """What was told online, looked at by the section."""
    given = {"scope_code": "project", "project_name": "消防水池改造", "cause_text": "两家互为前置"}
    return world.do("song", case, "accept", subject=SUBJECT, **given)


def judged(world: World, case: Case, judgement: str = "cannot_for_now") -> Case:
    return world.do("song", case, "judge", judgement=judgement, judgement_reason="单靠本局办不了")


def agreed(world: World, case: Case) -> Case:
    """The section finds that it cannot be done for now, the deputy head agrees."""
    judged(world, case)
    return world.do("ren", case, "approve_judgement")


def classified(world: World, case: Case, number: str = "2", level: str = "complex") -> Case:
    agreed(world, case)
    return world.do("gao", case, "classify", **{"class": number}, **CAUSE, level=level, subject=SUBJECT)


def reported(world: World, case: Case, number: str = "2", level: str = "complex") -> Case:
    classified(world, case, number, level)
    return world.do("sun", case, "report")


def returned(world: World, case: Case, level: str = "complex") -> Case:
    return world.do("qiu", case, "return_doable", opinion_text="规划先出意见，可以容缺", level=level)


def in_session(world: World, case: Case, act: str = "convene", **values: Any) -> Case:
    given = {"members": "land,market", "task": "规划出意见，市监核材料", "task_due": "2023-10-10", **values}
    return world.do("qiu", case, act, **given)


def inside(world: World, case: Case) -> Case:
    """Class 1: solved by sections of the unit together."""
    classified(world, case, "1", "simple")
    return world.do("gao", case, "handle_inside", sections="审批科牵头，质监科配合")


def replied(world: World, case: Case, **values: str) -> Case:
    given = {"result": "两局一次出齐意见，已经受理。", "outcome": "done", **values}
    return world.do("song", case, "reply", **given)


CANNOT = {
    "outcome": "cannot_do",
    "cannot_reason": "消防间距不够",
    "cannot_basis": "建筑设计防火规范",
    "explanation": "已经当面讲清，改建方案另报",
}


def closed(world: World, case: Case, **values: str) -> Case:
    return world.delivered(replied(world, case, **values))


def undelivered(world: World, case: Case, notice: str) -> None:
    """The platform says that a message did not arrive."""
    with store.transaction(world.office.engine) as conn:
        [message] = [m for m in outbox.listed(conn, case_id=case.id) if m.notice == notice]
        unreachable(world.office, conn, message, world.now)


def of_unit(world: World, case: Case) -> str:
    query = sa.select(store.unit.c.key).where(store.unit.c.id == world.again(case).unit_id)
    with store.transaction(world.office.engine) as conn:
        return str(conn.execute(query).scalar())


def owed(world: World, case: Case) -> set[str]:
    """The duties that are open."""
    with store.transaction(world.office.engine) as conn:
        return {duty.key for duty in duties.of_case(conn, case.id)}


def counted(world: World, field: str, code: str) -> int:
    """How many cases carry a code now: what a count over the ledger rests on."""
    with store.transaction(world.office.engine) as conn:
        c = store.fact.c
        query = sa.select(sa.func.count(c.case_id.distinct())).where(
            c.field == field, c.code == code, c.current
        )
        return int(conn.execute(query).scalar_one())


# --- in force, and who belongs where ---------------------------------------------------------------------


@pytest.mark.clause("HY-9")
def test_without_a_day_of_effect_the_draft_takes_cases_on_trial_only(huaiyin: World) -> None:
    assert registered(huaiyin).number
    hall = huaiyin.office.hall.model_copy(update={"trial": False})
    object.__setattr__(huaiyin.office, "hall", hall)
    with pytest.raises(Exception, match="not_in_force"):
        registered(huaiyin)


@pytest.mark.clause("HY-8")
def test_the_rule_says_who_interprets_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["policy", "show", "huaiyin"]) == 0
    assert "由谁解释：区营商办" in capsys.readouterr().out


@pytest.mark.clause("HY-1")
def test_a_case_belongs_to_the_unit_that_reports_it_or_to_the_office(huaiyin: World) -> None:
    mine = registered(huaiyin)
    collected = registered(huaiyin, "qiu", intake_channel="field_visit")
    assert of_unit(huaiyin, mine) == "housing"
    assert huaiyin.again(collected).unit_id is None
    assert mine.number == "HYZJ20230001"
    assert collected.number == "HY20230001"


def test_who_tells_online_names_the_unit_or_leaves_it_to_the_office(huaiyin: World) -> None:
    given = {"ground": "项目推不动", "project_name": "消防水池改造"}
    named = huaiyin.tell("li", MATTER, unit="住房和城乡建设局", **given)
    unknown = huaiyin.tell("he", MATTER, unit="跳过", **given)
    assert of_unit(huaiyin, named) == "housing"
    assert huaiyin.told("song", named) == ["intake_card"]
    assert huaiyin.again(unknown).unit_id is None
    assert huaiyin.told("qiu", unknown) == ["intake_card"]
    assert confirmed(huaiyin, named).stage == "TRIAGE"
    assert huaiyin.duty(named, "judging")


def test_online_the_days_run_from_the_submission_however_silent_the_unit(huaiyin: World) -> None:
    case = told(huaiyin)
    assert case.at("submitted_at") == case.at("accepted_at") == huaiyin.now
    huaiyin.pass_to("2023-10-08T11:00")
    assert "unconfirmed_alert" in huaiyin.told("qiu", case)
    confirmed(huaiyin, case)
    assert huaiyin.due_day(case) == "2023-10-09"
    judged(huaiyin, case)
    huaiyin.do("ren", case, "approve_judgement")
    given = {"class": "2", "level": "complex", "subject": SUBJECT, **CAUSE}
    huaiyin.do("gao", case, "classify", **given)
    assert huaiyin.due_day(case) == "2023-10-11"


def test_whoever_begins_and_stops_leaves_nothing_behind(huaiyin: World) -> None:
    with store.transaction(huaiyin.office.engine) as conn:
        intake.greet(
            huaiyin.office,
            conn,
            people.citizen(conn, "wechat", "li"),
            "wechat",
            huaiyin.now,
            code="zj-shenpi",
        )
    huaiyin.say("li", "我要反映")
    huaiyin.say("li", MATTER)
    draft = huaiyin.of_contact("li")
    assert huaiyin.do("li", draft, "withdraw").stage == "WITHDRAWN"
    assert huaiyin.outbox(draft) == [], "neither she nor anybody else hears of it"


@pytest.mark.clause("HY-2a")
def test_the_office_lists_every_unit_s_cases_and_a_unit_its_own(huaiyin: World) -> None:
    housing, land = registered(huaiyin), registered(huaiyin, "meng")
    assert {case.id for case in huaiyin.to_do("qiu")} == {housing.id, land.id}
    assert [case.id for case in huaiyin.to_do("gao")] == [housing.id]
    assert [case.id for case in huaiyin.to_do("shi")] == [land.id]
    assert huaiyin.refusal("shi", housing, "transfer").code == "not_yours"


# --- what is collected -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "needed", "values"),
    [
        pytest.param(
            "applied_demand",
            "submitted_on",
            {"submitted_on": "2023-07-20"},
            marks=pytest.mark.clause("HY-3.1"),
        ),
        pytest.param(
            "project", "project_name", {"project_name": "消防水池"}, marks=pytest.mark.clause("HY-3.2")
        ),
        pytest.param(
            "from_above", "superior_body", {"superior_body": "市住建局"}, marks=pytest.mark.clause("HY-3.4")
        ),
    ],
)
def test_each_kind_of_matter_brings_what_it_needs_and_is_counted(
    huaiyin: World, scope: str, needed: str, values: dict[str, str]
) -> None:
    with pytest.raises(Incomplete) as refused:
        registered(huaiyin, scope_code=scope, **{"submitted_on": "", **dict.fromkeys(values, "")})
    assert set(refused.value.problems) == {needed}
    registered(huaiyin, scope_code=scope, **values)
    assert counted(huaiyin, "scope_code", scope) == 1


@pytest.mark.clause("HY-3.3")
def test_a_unit_brings_a_matter_without_anybody_s_name(huaiyin: World) -> None:
    case = registered(
        huaiyin,
        scope_code="inter_unit",
        applicant_type="unit",
        applicant_name="",
        applicant_unit="示范镇人民政府",
    )
    assert "applicant_name" not in huaiyin.words(case)
    assert counted(huaiyin, "scope_code", "inter_unit") == 1


@pytest.mark.clause("HY-3.5a")
def test_a_service_matter_that_is_not_the_hall_s_stays(huaiyin: World) -> None:
    case = registered(huaiyin, scope_code="gov_service")
    assert huaiyin.again(case).stage == "TRIAGE"
    assert counted(huaiyin, "scope_code", "gov_service") == 1


@pytest.mark.clause("HY-3.5b")
def test_a_matter_of_the_service_hall_goes_to_the_hall_s_window(huaiyin: World) -> None:
    case = registered(huaiyin, scope_code="gov_service")
    huaiyin.do("gao", case, "transfer", transfer_target="service_hall", transfer_reason="大厅窗口的事项")
    assert huaiyin.again(case).stage == "TRANSFERRED"
    assert huaiyin.told("ding", case) == ["transfer_card"]
    assert huaiyin.events(case)[-1].data["target"] == "service_hall"
    assert huaiyin.see("ding", case).role == "member"
    assert of_unit(huaiyin, case) == "housing"


@pytest.mark.clause("HY-4a")
def test_a_petition_is_transferred_and_followed_until_its_result_is_told(huaiyin: World) -> None:
    case = registered(huaiyin)
    reason = {"transfer_target": "petition_office", "transfer_reason": "涉访事项，由信访局办理"}
    huaiyin.do("qiu", case, "transfer", **reason)
    assert huaiyin.told("mi", case) == ["transfer_card"]
    assert huaiyin.outbox(case, "transferred_told")
    assert huaiyin.see("qiu", case).status == "transferred"
    assert huaiyin.due_day(case, "transfer_receipt") == "2023-10-07"  # [I] one working day
    assert huaiyin.duty(case, "limit") is None
    huaiyin.pass_to("2023-10-08T09:00")
    assert "transfer_receipt.missed" in reminded(huaiyin, "qiu", case)
    huaiyin.do("qiu", case, "note_receipt", receipt_note="信访局米军", external_no="XF-77")
    huaiyin.do("qiu", case, "note_transfer_result", transfer_result="已组织三方见面，达成一致")
    assert huaiyin.again(case).at("transfer_received_at")
    assert huaiyin.words(case)["transfer_result"] == "已组织三方见面，达成一致"
    assert huaiyin.outbox(case, "transfer_result_told")
    assert "三方见面" in draw_all(huaiyin)["transfer_result_told"][0]


@pytest.mark.clause("HY-4b")
def test_what_the_hotline_passes_on_is_registered_under_its_number(huaiyin: World) -> None:
    with pytest.raises(Incomplete) as refused:
        registered(huaiyin, "qiu", intake_channel="hotline")
    assert set(refused.value.problems) == {"external_no"}
    case = registered(huaiyin, "qiu", intake_channel="hotline", external_no="HA202309280077")
    assert huaiyin.again(case).codes["external_no"] == "HA202309280077"


@pytest.mark.clause("HY-5.1a")
def test_who_registers_is_the_first_responsible_for_good(huaiyin: World) -> None:
    case = registered(huaiyin)
    song = huaiyin.who("song").id
    reported(huaiyin, case)
    returned(huaiyin, case)
    huaiyin.do("hao", case, "sign_for")
    first = huaiyin.again(case).moments["confirmed_at"]
    assert first.person_id == song


@pytest.mark.clause("HY-5.1b")
def test_the_ledger_has_a_row_for_those_refused_on_the_spot_too(huaiyin: World) -> None:
    cases = [registered(huaiyin, told_at="2023-09-28T09:30") for _ in range(10)]
    for case in cases[:2]:
        huaiyin.do("song", case, "decline_on_spot", no_basis="消防法第十五条", no_reason="不能先开业后验收")
    assert len(list(huaiyin.ledger("qiu", "2023-09-28").rows)) == 10


@pytest.mark.clause("HY-5.1c")
def test_declined_on_the_spot_by_a_named_person_with_the_law_and_in_writing(huaiyin: World) -> None:
    case = registered(huaiyin)
    with pytest.raises(Incomplete) as refused:
        huaiyin.do("song", case, "decline_on_spot", no_reason="不能先开业后验收")
    assert set(refused.value.problems) == {"no_basis"}
    huaiyin.do("song", case, "decline_on_spot", no_basis="消防法第十五条", no_reason="不能先开业后验收")
    declined = huaiyin.events(case)[-1]
    assert (declined.stage_to, declined.actor_id) == ("DECLINED", huaiyin.who("song").id)
    assert huaiyin.see("song", case).status == "declined_on_spot"
    [text] = draw_all(huaiyin)["not_accepted"]
    assert "消防法第十五条" in text
    assert "宋阳" in text
    assert huaiyin.duty(case, "limit") is None


@pytest.mark.clause("HY-5.1d")
def test_whoever_is_registered_is_told_number_and_day(huaiyin: World) -> None:
    case = registered(huaiyin)
    assert [m.notice for m in huaiyin.outbox(case)] == ["wait_for_feedback"]
    [text] = draw_all(huaiyin)["wait_for_feedback"]
    assert case.number and case.number in text
    assert "10月9日" in text


@pytest.mark.clause("HY-5.1e", "HY-5.4g")
def test_what_the_office_collects_itself_waits_for_a_unit_that_replies(huaiyin: World) -> None:
    case = registered(huaiyin, "qiu", intake_channel="field_visit")
    assert huaiyin.again(case).channel == "field_visit"
    assert huaiyin.duty(case, "reply_unit")
    assert huaiyin.duty(case, "judging") is None
    with pytest.raises(Incomplete) as refused:
        huaiyin.do("qiu", case, "dispatch", subject=SUBJECT, level="complex")
    assert "unit" in refused.value.problems
    assert in_session_refused(huaiyin, case) == "not_now"
    assert "convene" not in {offer.act for offer in huaiyin.see("qiu", case).offers}
    assert huaiyin.due_day(case) == "2023-10-09"
    huaiyin.do("qiu", case, "dispatch", subject=SUBJECT, level="complex", unit="land")
    assert of_unit(huaiyin, case) == "land"
    assert huaiyin.due_day(case) == "2023-10-11", "five working days from the day it was collected"
    huaiyin.pass_to("2023-10-11T09:30")
    assert "remind_day" in huaiyin.told("meng", case)
    assert "remind_day" not in huaiyin.told("qiu", case)


def in_session_refused(world: World, case: Case) -> str:
    values = {"members": "land,market", "task": "各自核实", "task_due": "2023-10-10"}
    return world.refusal("qiu", case, "convene", **values).code


def test_the_office_may_answer_itself_what_it_collected(huaiyin: World) -> None:
    case = registered(huaiyin, "qiu", intake_channel="meeting")
    huaiyin.do("tao", case, "resolve", result="新政策已经放开，可以直接申请。")
    assert huaiyin.delivered(case).stage == "CLOSED"


# --- section, deputy head, lead section, principal head ---------------------------------------------------


@pytest.mark.clause("HY-5.2a")
def test_nothing_reaches_the_lead_section_before_the_section_has_judged(huaiyin: World) -> None:
    case = registered(huaiyin)
    for who, act, first in (
        ("gao", "classify", "judged_at"),
        ("gao", "handle_inside", "judged_at"),
        ("sun", "report", "classified_at"),
    ):
        refusal = huaiyin.refusal(who, case, act)
        assert (refusal.code, refusal.facts["needs"]) == ("not_before", first)
    with pytest.raises(Incomplete):
        huaiyin.do("song", case, "judge", judgement="cannot_for_now")
    judged(huaiyin, case)
    opinion = huaiyin.again(case)
    assert opinion.codes["judgement"] == "cannot_for_now"
    assert opinion.moments["judged_at"].person_id == huaiyin.who("song").id


def test_whoever_insists_is_judged_anew(huaiyin: World) -> None:
    case = judged(huaiyin, confirmed(huaiyin, told(huaiyin)), "doable")
    huaiyin.do("song", case, "decline_on_spot", no_basis="消防法第十五条", no_reason="不能先开业后验收")
    confirmed(huaiyin, huaiyin.do("li", case, "insist"))
    refusal = huaiyin.refusal("gao", case, "handle_inside", sections="审批科")
    assert (refusal.code, refusal.facts["waits"]) == ("pending", "科室初步研判")
    judged(huaiyin, case, "doable")
    assert huaiyin.do("gao", case, "handle_inside", sections="审批科").stage == "WITH_UNIT"


@pytest.mark.clause("HY-5.2b")
def test_the_deputy_head_returns_or_agrees_by_name_and_no_day_is_lost_or_won(huaiyin: World) -> None:
    case = registered(huaiyin)
    due = huaiyin.due_day(case)
    judged(huaiyin, case)
    assert huaiyin.told("ren", case) == ["consent_card"]
    assert huaiyin.see("ren", case).status == "awaiting_approval"
    huaiyin.do("ren", case, "return_judgement", return_reason="先问规划一次")
    returned_by = huaiyin.events(case)[-1]
    assert (returned_by.actor_id, returned_by.at) == (huaiyin.who("ren").id, huaiyin.now)
    assert "先问规划一次" in draw_all(huaiyin)["rejected_card"][0]
    assert huaiyin.due_day(case) == due
    assert huaiyin.duty(case, "judging")
    agreed(huaiyin, case)
    consent = huaiyin.again(case).moments["deputy_agreed_at"]
    assert (consent.person_id, consent.at) == (huaiyin.who("ren").id, huaiyin.now)
    assert huaiyin.duty(case, "classifying")
    assert huaiyin.due_day(case) == due


@pytest.mark.clause("HY-5.2c")
def test_consent_puts_one_card_to_the_lead_section(huaiyin: World) -> None:
    case = registered(huaiyin)
    judged(huaiyin, case)
    assert huaiyin.told("gao", case) == []
    huaiyin.do("ren", case, "approve_judgement")
    assert huaiyin.told("gao", case) == ["classify_card"]


@pytest.mark.clause("HY-5.2d")
@pytest.mark.parametrize("classes", ["", "1,2", "5"])
def test_a_matter_gets_one_of_four_classes(huaiyin: World, classes: str) -> None:
    case = agreed(huaiyin, registered(huaiyin))
    with pytest.raises(Incomplete) as refused:
        huaiyin.do("gao", case, "classify", **{"class": classes}, **CAUSE, level="simple", subject=SUBJECT)
    assert set(refused.value.problems) == {"class"}


@pytest.mark.clause("HY-5.2e")
def test_class_1_stays_inside_and_is_archived_there_once_its_result_is_filed(huaiyin: World) -> None:
    case = inside(huaiyin, registered(huaiyin))
    assert huaiyin.again(case).stage == "WITH_UNIT"
    closed(huaiyin, case)
    assert huaiyin.duty(case, "head_consent", open_only=False) is None
    assert huaiyin.due_day(case, "filing") == "2023-10-07"
    assert huaiyin.told("qiu", case) == []  # no form went up
    assert "archive_inside" not in [event.act for event in huaiyin.events(case)]
    huaiyin.do("gao", case, "file_result", filing_note="本局两科协调，已受理")
    assert huaiyin.see("gao", case).status == "archived"
    assert huaiyin.duty(case, "archiving") is None
    assert huaiyin.told("qiu", case) == ["visit_task"]
    assert case.id in {c.id for c in huaiyin.to_do("qiu")}  # filed away, and still to be visited
    huaiyin.do("qiu", case, "follow_up", visit_way="phone", visit_satisfied="satisfied", visit_with="住建局")
    assert huaiyin.see("gao", case).status == "archived"
    assert case.id not in {c.id for c in huaiyin.to_do("qiu")}


def test_what_went_up_is_archived_by_the_lead_section_after_the_visit(huaiyin: World) -> None:
    case = closed(huaiyin, returned(huaiyin, reported(huaiyin, registered(huaiyin))))
    huaiyin.do("gao", case, "file_result", filing_note="两局联合受理")
    assert huaiyin.again(case).stage == "CLOSED"
    assert huaiyin.refusal("gao", case, "archive").code == "pending"


def test_an_archived_no_starts_again_when_the_policy_changes(huaiyin: World) -> None:
    case = closed(huaiyin, inside(huaiyin, registered(huaiyin)), **CANNOT)
    huaiyin.do("gao", case, "file_result", filing_note="间距不够，已解释")
    assert huaiyin.again(case).stage == "ARCHIVED"
    assert huaiyin.duty(case, "visit")
    huaiyin.do("qiu", case, "restart", restart_ground="policy", policy_document="苏建〔2023〕9号")
    assert huaiyin.again(case).stage == "WITH_UNIT"
    assert huaiyin.duty(case, "visit") is None, "there is nothing yet to ask about"
    assert huaiyin.due_day(case) == "2023-10-09"


@pytest.mark.clause("HY-5.2f")
@pytest.mark.parametrize("number", ["1", "2", "3", "4"])
def test_classes_2_to_4_go_to_the_principal_head(huaiyin: World, number: str) -> None:
    case = classified(huaiyin, registered(huaiyin), number)
    tasks = huaiyin.duties_of(case, "head_consent")
    assert len(tasks) == (0 if number == "1" else 1)
    assert huaiyin.told("sun", case) == ([] if number == "1" else ["head_consent_card"])
    if number == "1":
        assert huaiyin.refusal("sun", case, "report").code in ("not_now", "done_already")
    else:
        assert huaiyin.refusal("gao", case, "handle_inside", sections="审批科").code == "pending"


@pytest.mark.clause("HY-5.3a")
def test_the_form_leaves_for_the_office_when_the_principal_head_agrees(huaiyin: World) -> None:
    case = classified(huaiyin, registered(huaiyin))
    assert huaiyin.told("qiu", case) == []
    assert huaiyin.refusal("gao", case, "report").code == "not_yours"
    huaiyin.do("sun", case, "report")
    assert huaiyin.told("qiu", case) == ["reported_card"]
    record = huaiyin.again(case)
    assert record.stage == "REPORTED"
    assert record.at("head_agreed_at") == record.at("reported_at") == huaiyin.now
    assert record.moments["head_agreed_at"].person_id == huaiyin.who("sun").id
    assert huaiyin.paper("qiu", case, "registration").title == "“办不成事”事项登记表"


def test_the_principal_head_keeps_it_back_with_a_reason(huaiyin: World) -> None:
    case = classified(huaiyin, registered(huaiyin), "3")
    huaiyin.do("sun", case, "keep_back", keep_reason="政策里有例外条款，请再核")
    assert huaiyin.told("qiu", case) == []
    assert huaiyin.told("gao", case)[-1] == "classify_card"
    huaiyin.do("gao", case, "classify", **{"class": "1"}, **CAUSE, level="simple", subject=SUBJECT)
    huaiyin.do("gao", case, "handle_inside", sections="审批科")
    assert huaiyin.again(case).stage == "WITH_UNIT"


def test_what_the_section_finds_doable_is_done_inside_without_consent(huaiyin: World) -> None:
    case = judged(huaiyin, registered(huaiyin), "doable")
    assert huaiyin.duty(case, "consent") is None
    assert huaiyin.told("gao", case) == ["classify_card"]
    huaiyin.do("gao", case, "handle_inside", sections="审批科")
    assert closed(huaiyin, case).stage == "CLOSED"


def test_waiting_inside_is_reminded_and_never_stops_the_clock(huaiyin: World) -> None:
    case = registered(huaiyin)
    huaiyin.pass_to("2023-10-09T17:31")
    assert "judging.missed" in [event.act for event in huaiyin.events(case)]
    assert huaiyin.again(case).overdue
    assert "overdue_alert" in huaiyin.told("qiu", case)


# --- the office's four opinions ----------------------------------------------------------------------------


@pytest.mark.clause("HY-5.3d")
def test_what_can_be_done_goes_back_to_the_unit_with_opinion_and_day(huaiyin: World) -> None:
    case = reported(huaiyin, registered(huaiyin))
    first = huaiyin.due_day(case)
    huaiyin.pass_to("2023-10-08T10:00")
    returned(huaiyin, case, "simple")
    record = huaiyin.again(case)
    assert (record.stage, of_unit(huaiyin, case)) == ("WITH_UNIT", "housing")
    assert huaiyin.due_day(case, "doable") == "2023-10-11"  # three working days from the return (AMB-HY17)
    assert huaiyin.due_day(case) == first  # the applicant loses nothing
    assert "容缺" in draw_all(huaiyin)["doable_card"][0]
    assert "10月11日" in draw_all(huaiyin)["doable_card"][0]
    assert record.round == 1  # no redo for dissatisfaction (AMB-HY9)
    assert [e.act for e in huaiyin.events(case)].count("return_doable") == 1
    assert "redo" not in huaiyin.rules.acts


@pytest.mark.clause("HY-5.3h")
def test_opinion_1_needs_a_level_and_being_late_prepares_one_sheet(huaiyin: World) -> None:
    case = reported(huaiyin, registered(huaiyin))
    with pytest.raises(Incomplete) as refused:
        huaiyin.do("qiu", case, "return_doable", opinion_text="能办")
    assert set(refused.value.problems) == {"level"}
    returned(huaiyin, case, "simple")
    assert huaiyin.due_day(case, "doable") == "2023-10-09"
    huaiyin.do("song", case, "sign_for")
    huaiyin.pass_to("2023-10-09T17:31")
    late = huaiyin.duty(case, "doable")
    assert late and late.missed_at == late.due_at
    assert len(huaiyin.duties_of(case, "issue_supervision")) == 1
    assert huaiyin.again(case).supervision_count == 0
    assert not huaiyin.outbox(case, "supervise_card")
    assert huaiyin.refusal("gao", case, "supervise").code == "not_yours"
    huaiyin.do("tao", case, "supervise")
    assert huaiyin.again(case).supervision_count == 1
    assert "supervise_card" in huaiyin.told("song", case)
    assert "supervise_card" in huaiyin.told("sun", case)
    assert huaiyin.due_day(case, "supervision") == "2023-10-12"


@pytest.mark.clause("HY-5.3e")
def test_a_joint_handling_gives_each_unit_its_task_and_waits_for_the_opinion(huaiyin: World) -> None:
    case = in_session(huaiyin, reported(huaiyin, registered(huaiyin)))
    record = huaiyin.again(case)
    with store.transaction(huaiyin.office.engine) as conn:
        keys = dict(conn.execute(sa.select(store.unit.c.id, store.unit.c.key)).all())
    assert {keys[unit] for unit in record.members} == {"land", "market"}
    tasks = huaiyin.duties_of(case, "task")
    assert [(keys[t.part], t.holder) for t in tasks] == [("land", "member"), ("market", "member")]
    assert all(t.due_at and t.due_at.date().isoformat() == "2023-10-10" for t in tasks)
    assert "joint_card" in huaiyin.told("meng", case)
    assert huaiyin.told("shi", case) == []  # the lead section of another unit is no member of this one
    assert huaiyin.see("song", case).status == "joint_handling"
    assert huaiyin.refusal("song", case, "reply").code == "not_now"  # waits for the opinion
    huaiyin.do("meng", case, "contribute", contribution="规划意见三日内出")
    assert [t.state for t in huaiyin.duties_of(case, "task")] == ["met", "open"]
    said = huaiyin.refusal("meng", case, "contribute", contribution="再说一遍")
    assert (said.code, said.facts["name"]) == ("done_already", huaiyin.who("meng").name)
    for member, may in (("meng", False), ("jia", True)):
        assert ("contribute" in [offer.act for offer in huaiyin.see(member, case).offers]) is may
    huaiyin.do("jia", case, "contribute", contribution="材料已经核过")
    for member in ("meng", "jia"):
        assert huaiyin.refusal(member, case, "contribute", contribution="再说一遍").code == "done_already"
    huaiyin.do("qiu", case, "conclude", joint_opinion="规划先出，住建同步受理")
    assert huaiyin.again(case).stage == "WITH_UNIT"
    assert "concluded_card" in huaiyin.told("song", case)


def test_a_task_not_done_in_time_is_a_clue_for_the_office(huaiyin: World) -> None:
    case = in_session(huaiyin, reported(huaiyin, registered(huaiyin)))
    huaiyin.do("meng", case, "contribute", contribution="规划意见三日内出")
    huaiyin.pass_to("2023-10-11T09:00")
    missed = [t for t in huaiyin.duties_of(case, "task") if t.missed_at]
    assert len(missed) == 1
    assert reminded(huaiyin, "qiu", case).count("task.missed") == 1
    assert "task.remind_day" in reminded(huaiyin, "jia", case)
    assert "task.remind_day" not in reminded(huaiyin, "meng", case)


@pytest.mark.clause("HY-5.3f")
def test_a_district_leader_is_named_and_told(huaiyin: World) -> None:
    case = reported(huaiyin, registered(huaiyin), "2")
    values = {"members": "land,town", "task": "区里定一个办法", "task_due": "2023-10-12"}
    with pytest.raises(Incomplete) as refused:
        huaiyin.do("qiu", case, "convene_above", **values)
    assert set(refused.value.problems) == {"leader"}
    assert huaiyin.refusal("qiu", case, "convene_above", leader="gao", **values).code == "not_a_leader"
    huaiyin.do("qiu", case, "convene_above", leader="jin", **values)
    assert huaiyin.told("jin", case) == ["joint_card"]
    assert huaiyin.told("wan", case) == []
    assert len(huaiyin.duties_of(case, "task")) == 2
    assert huaiyin.again(case).level == "very_complex"  # default for the district level (AMB-HY4)
    assert huaiyin.due_day(case) == "2023-10-18"


@pytest.mark.clause("HY-5.3g")
def test_what_cannot_be_done_for_now_is_kept_and_looked_at_every_half_year(huaiyin: World) -> None:
    case = reported(huaiyin, registered(huaiyin), "3")
    with pytest.raises(Incomplete):
        huaiyin.do("qiu", case, "shelve")
    huaiyin.do("qiu", case, "shelve", shelve_reason="上位规范还没有修订")
    assert huaiyin.see("qiu", case).status == "shelved"
    assert huaiyin.duty(case, "limit") is None
    assert "上位规范还没有修订" in draw_all(huaiyin)["shelved_told"][0]
    huaiyin.pass_to("2024-03-27T10:00")
    assert not huaiyin.again(case).overdue
    assert huaiyin.case(str(case.number)).stage == "SHELVED"
    leads_out = {row.act for row in flow.acts_at("SHELVED") if row.to != "SHELVED"}
    offered = {offer.act for offer in huaiyin.see("qiu", case).offers}
    assert leads_out & set(huaiyin.rules.acts) == leads_out & offered == {"restart"}
    assert huaiyin.told("qiu", case).count("review_task") == 0
    huaiyin.pass_to("2024-03-28T09:30")
    assert huaiyin.told("qiu", case).count("review_task") == 1
    huaiyin.do("qiu", case, "review", review_note="没有变化")
    assert [look.state for look in huaiyin.duties_of(case, "review")] == ["met", "open"]
    assert huaiyin.due_day(case, "review") == "2024-09-29"  # a Saturday moves on; 2024-09-29 works


# --- the way back to the applicant -------------------------------------------------------------------------


@pytest.mark.clause("HY-5.4a")
def test_the_reporting_unit_owes_the_reply_while_others_do_the_work(huaiyin: World) -> None:
    case = in_session(huaiyin, reported(huaiyin, registered(huaiyin)))
    assert huaiyin.refusal("meng", case, "progress", progress="规划在办").code == "not_yours"
    huaiyin.pass_to("2023-10-11T09:30")
    assert "remind_day" in huaiyin.told("song", case)
    assert "remind_day" not in huaiyin.told("meng", case)
    huaiyin.do("song", case, "progress", progress="已经会办，规划三天内出意见")
    assert huaiyin.outbox(case, "progress_told")


@pytest.mark.clause("HY-5.4b")
def test_simple_three_working_days_and_progress_sets_the_next_day(huaiyin: World) -> None:
    case = inside(huaiyin, registered(huaiyin))
    assert huaiyin.due_day(case) == "2023-10-09"
    huaiyin.pass_to("2023-10-09T10:00")
    huaiyin.do("song", case, "progress", progress="审批科已经收件，正在核")
    states = [d.state for d in huaiyin.duties_of(case, "limit")]
    assert states[-2:] == ["met", "open"]
    assert huaiyin.due_day(case) == "2023-10-12"
    text = draw_all(huaiyin)["progress_told"][0]
    assert "10月12日" in text
    assert "审批科已经收件" in text
    huaiyin.pass_to("2023-10-12T17:31")
    assert huaiyin.again(case).overdue
    huaiyin.do("song", case, "progress", progress="还差一份图")
    assert not huaiyin.again(case).overdue
    assert huaiyin.duty(case, "issue_supervision") is None


@pytest.mark.parametrize(
    ("level", "day"),
    [
        pytest.param("simple", "2023-10-09", marks=pytest.mark.clause("HY-5.4b")),
        pytest.param("complex", "2023-10-11", marks=pytest.mark.clause("HY-5.4c")),
        pytest.param("very_complex", "2023-10-18", marks=pytest.mark.clause("HY-5.4d")),
    ],
)
def test_the_level_sets_the_day_from_acceptance(huaiyin: World, level: str, day: str) -> None:
    case = registered(huaiyin)
    huaiyin.pass_to("2023-10-08T11:00")
    classified(huaiyin, case, "2", level)
    assert huaiyin.due_day(case) == day


def test_a_matter_found_harder_has_its_days_from_acceptance_and_is_late_no_more(huaiyin: World) -> None:
    case = inside(huaiyin, registered(huaiyin))
    huaiyin.pass_to("2023-10-09T17:31")
    assert huaiyin.again(case).overdue and huaiyin.duty(case, "issue_supervision")
    with pytest.raises(Incomplete) as refused:
        huaiyin.do("qiu", case, "relevel", relevel_reason="要补两次图")
    assert set(refused.value.problems) == {"level"}
    huaiyin.do("qiu", case, "relevel", level="very_complex", relevel_reason="要补两次图")
    assert huaiyin.due_day(case) == "2023-10-18"
    assert not huaiyin.again(case).overdue
    assert huaiyin.duty(case, "issue_supervision") is None


@pytest.mark.clause("HY-5.3h")
@pytest.mark.parametrize("work", ["doable", "tell_at_once"])
def test_a_unit_owes_nothing_while_whoever_was_asked_stays_silent(huaiyin: World, work: str) -> None:
    case = reported(huaiyin, registered(huaiyin))
    if work == "doable":
        returned(huaiyin, case, "simple")
    else:
        in_session(huaiyin, case)
        huaiyin.do("qiu", case, "conclude", joint_opinion="规划先出，住建同步受理")
        huaiyin.do("song", case, "carry_out", carried_out="两局已经联合受理")
    huaiyin.do("song", case, "ask", question="改过的图纸在哪家审的？")
    huaiyin.pass_to("2023-10-11T17:31")
    huaiyin.do("tao", case, "supervise")
    huaiyin.pass_to("2023-10-16T17:31")
    assert {work, "answer", "limit", "supervision", "issue_supervision"} <= owed(huaiyin, case)
    huaiyin.do("song", case, "close_no_response", no_response_note="电话三次没有接")
    assert owed(huaiyin, case) == set()


@pytest.mark.parametrize("by", ["the unit", "the office"])
def test_a_matter_is_closed_when_the_result_has_arrived_and_not_before(huaiyin: World, by: str) -> None:
    if by == "the unit":
        case = replied(huaiyin, inside(huaiyin, registered(huaiyin)))
    else:
        case = registered(huaiyin, "qiu", intake_channel="meeting")
        case = huaiyin.do("tao", case, "resolve", result="新政策已经放开，可以直接申请。")
    assert (case.stage, owed(huaiyin, case)) == ("DELIVERING", {"to_applicant"})
    assert huaiyin.delivered(case).stage == "CLOSED"


@pytest.mark.clause("HY-5.4e")
@pytest.mark.parametrize("missing", ["cannot_reason", "cannot_basis", "explanation"])
def test_a_no_has_its_reason_and_its_explanation(huaiyin: World, missing: str) -> None:
    case = inside(huaiyin, registered(huaiyin))
    with pytest.raises(Incomplete) as refused:
        replied(huaiyin, case, **{**CANNOT, missing: ""})
    assert set(refused.value.problems) == {missing}
    closed(huaiyin, case, **CANNOT)
    assert huaiyin.see("gao", case).status == "cannot_do"
    assert "消防间距不够" in draw_all(huaiyin)["result"][0]


@pytest.mark.clause("HY-5.4f")
def test_what_was_decided_together_is_fed_back_at_once_when_carried_out(huaiyin: World) -> None:
    case = in_session(huaiyin, reported(huaiyin, registered(huaiyin)))
    huaiyin.do("qiu", case, "conclude", joint_opinion="规划先出，住建同步受理")
    huaiyin.do("song", case, "carry_out", carried_out="两局已经联合受理")
    assert huaiyin.due_day(case, "tell_at_once") == "2023-10-07"
    huaiyin.pass_to("2023-10-07T09:30")
    assert "tell_at_once.remind_day" in reminded(huaiyin, "song", case)
    closed(huaiyin, case)
    assert [d.state for d in huaiyin.duties_of(case, "tell_at_once")] == ["met"]


# --- filing, visit, archive, restart -----------------------------------------------------------------------


@pytest.mark.clause("HY-5.5a")
@pytest.mark.parametrize("number", ["1", "2"])
def test_the_result_is_filed_one_working_day_after_closing(huaiyin: World, number: str) -> None:
    case = registered(huaiyin)
    if number == "1":
        inside(huaiyin, case)
    else:
        returned(huaiyin, reported(huaiyin, case))
    closed(huaiyin, case)
    assert huaiyin.due_day(case, "filing") == "2023-10-07"
    assert "filing_task" in huaiyin.told("song", case)
    huaiyin.pass_to("2023-10-08T09:30")
    filing = huaiyin.duty(case, "filing")
    assert filing and filing.missed_at
    assert "filing_missed" in huaiyin.told("qiu", case)
    assert not huaiyin.again(case).overdue  # the applicant has her answer
    huaiyin.do("gao", case, "file_result", filing_note="已受理")
    assert huaiyin.again(case).at("filed_at") == huaiyin.now
    assert huaiyin.duty(case, "filing") is None


@pytest.mark.clause("HY-5.5b")
def test_filing_opens_one_visit_with_the_unit_that_comes_along(huaiyin: World) -> None:
    case = closed(huaiyin, inside(huaiyin, registered(huaiyin)))
    assert huaiyin.duty(case, "visit") is None
    huaiyin.do("gao", case, "file_result", filing_note="已受理")
    assert len(huaiyin.duties_of(case, "visit")) == 1
    assert huaiyin.due_day(case, "visit") == "2023-10-09"
    assert "请会同住房和城乡建设局回访" in draw_all(huaiyin)["visit_task"][0]
    with pytest.raises(Incomplete) as refused:
        huaiyin.do("qiu", case, "follow_up", visit_way="phone", visit_with="住建局")
    assert set(refused.value.problems) == {"visit_satisfied"}
    huaiyin.do("qiu", case, "follow_up", visit_way="phone", visit_satisfied="satisfied", visit_with="住建局")
    assert huaiyin.duty(case, "visit") is None


@pytest.mark.clause("HY-5.6")
def test_the_archive_holds_the_form_the_approvals_and_the_replies(huaiyin: World) -> None:
    case = closed(huaiyin, returned(huaiyin, reported(huaiyin, registered(huaiyin))))
    assert huaiyin.refusal("gao", case, "archive").code == "pending"
    huaiyin.pass_to("2023-10-12T09:00")
    assert "archiving.missed" in reminded(huaiyin, "gao", case)
    huaiyin.do("gao", case, "file_result", filing_note="已受理")
    huaiyin.do("qiu", case, "follow_up", visit_way="phone", visit_satisfied="satisfied", visit_with="住建局")
    huaiyin.do("gao", case, "archive")
    assert huaiyin.again(case).stage == "ARCHIVED"
    done_with, gao = huaiyin.again(case), huaiyin.who("gao")
    with store.transaction(huaiyin.office.engine) as conn:
        kept = papers.case_file(huaiyin.office, conn, done_with, gao, huaiyin.now)
    done = {leaf.what: leaf.who for leaf in kept.leaves}
    assert (done["同意"], done["同意上报"], done["反馈办理结果"]) == ("任晓梅", "孙国栋", "宋阳")
    assert [paper.title for paper, _ in kept.sheets][:1] == ["“办不成事”事项登记表"]
    replies = [text for leaf in kept.leaves for _, text in leaf.lines if leaf.what == "反馈办理结果"]
    assert "两局一次出齐意见，已经受理。" in replies


@pytest.mark.clause("HY-5.6")
@pytest.mark.parametrize("waits", ["人工联系申请人", "人工答复"])
def test_nothing_is_archived_while_somebody_has_still_to_speak_with_her(huaiyin: World, waits: str) -> None:
    case = judged(huaiyin, confirmed(huaiyin, told(huaiyin)), "doable")
    huaiyin.do("gao", case, "handle_inside", sections="审批科")
    closed(huaiyin, case)
    huaiyin.do("gao", case, "file_result", filing_note="已受理")
    huaiyin.do("qiu", case, "follow_up", visit_way="phone", visit_satisfied="satisfied", visit_with="住建局")
    if waits == "人工答复":
        huaiyin.do("li", case, "ask_human", human_question="证到哪里领？")
        then: tuple[str, dict[str, str]] = ("answer_citizen", {"human_answer": "到一楼窗口"})
    else:
        undelivered(huaiyin, case, "result")  # the platform says so only now
        then = ("log_attempt", {"reached": "yes"})
    refusal = huaiyin.refusal("gao", case, "archive")
    assert (refusal.code, refusal.facts["waits"]) == ("pending", waits)
    huaiyin.do("song", case, then[0], **then[1])
    assert huaiyin.do("gao", case, "archive").stage == "ARCHIVED"


def test_what_is_neither_kept_nor_answered_no_cannot_restart(huaiyin: World) -> None:
    case = closed(huaiyin, inside(huaiyin, registered(huaiyin)))
    values = {"restart_ground": "policy", "policy_document": "苏建〔2023〕9号"}
    assert huaiyin.refusal("qiu", case, "restart", **values).code == "not_now"


@pytest.mark.clause("HY-6.1")
@pytest.mark.parametrize("ended", ["shelved", "cannot_do"])
def test_a_new_policy_starts_it_again_with_a_new_day(huaiyin: World, ended: str) -> None:
    case = registered(huaiyin)
    if ended == "shelved":
        huaiyin.do("qiu", reported(huaiyin, case), "shelve", shelve_reason="规范没有修订")
    else:
        closed(huaiyin, returned(huaiyin, reported(huaiyin, case)), **CANNOT)
    before = len(huaiyin.events(case))
    huaiyin.pass_to("2023-10-16T10:00")
    with pytest.raises(Incomplete) as refused:
        huaiyin.do("qiu", case, "restart", restart_ground="policy")
    assert set(refused.value.problems) == {"policy_document"}
    huaiyin.do("qiu", case, "restart", restart_ground="policy", policy_document="苏建〔2023〕9号")
    record = huaiyin.again(case)
    assert (record.stage, record.round) == ("WITH_UNIT", 2)
    assert huaiyin.due_day(case) == "2023-10-23"  # five working days from the restart
    assert len(huaiyin.events(case)) > before
    assert record.at("accepted_at") == huaiyin.events(case)[0].at
    assert huaiyin.outbox(case, "restarted_told")
    assert "restarted_card" in huaiyin.told("song", case)
    huaiyin.do("song", case, "sign_for")
    assert closed(huaiyin, case).stage == "CLOSED"


@pytest.mark.clause("HY-6.2")
@pytest.mark.parametrize("missing", ["precedent_place", "confirmed_by"])
def test_a_success_elsewhere_counts_when_it_is_named_and_confirmed(huaiyin: World, missing: str) -> None:
    case = reported(huaiyin, registered(huaiyin))
    huaiyin.do("qiu", case, "shelve", shelve_reason="没有先例")
    values = {"restart_ground": "precedent", "precedent_place": "邻市", "confirmed_by": "邱正明"}
    with pytest.raises(Incomplete) as refused:
        huaiyin.do("qiu", case, "restart", **{**values, missing: ""})
    assert set(refused.value.problems) == {missing}
    huaiyin.do("qiu", case, "restart", **values)
    assert huaiyin.again(case).stage == "WITH_UNIT"


def test_the_whole_way_of_a_matter_on_both_databases(database_url: str, tmp_path: Path) -> None:
    world = World.of("huaiyin", database_url, tmp_path / "files", start=THURSDAY)
    _the_long_way(world)
    [case] = (world.case(number) for number in world.numbers())
    assert case.stage == "ARCHIVED"
    done = {line.act: line.who for line in world.see("qiu", case).history if line.who}
    assert [done[act] for act in ("judge", "approve_judgement", "classify", "report", "convene_above")] == [
        "宋阳",
        "任晓梅",
        "高洁",
        "孙国栋",
        "邱正明",
    ]
    world.close()


# --- papers ------------------------------------------------------------------------------------------------


@pytest.mark.clause("HY-A3")
def test_the_registration_form_has_its_nine_labels(huaiyin: World) -> None:
    sheet = huaiyin.paper("gao", registered(huaiyin), "registration")
    head = "".join(ink.words for line in sheet.head for ink in line)
    labels = [cell.label for row in sheet.rows for cell in row.cells if cell.label]
    assert "登记单位：" in head
    assert "工单编号：HYZJ20230001" in head
    assert labels == [
        "办理对象",
        "联系电话",
        "受理人员",
        "受理时间",
        "受理事项名称",
        "“办不成事”原因",
        "备注",
    ]


@pytest.mark.clause("HY-A5")
def test_the_ledger_has_the_eight_columns_of_annex_5(huaiyin: World) -> None:
    for _ in range(2):
        registered(huaiyin, told_at="2023-09-28T09:30")
    ledger = huaiyin.ledger("qiu", "2023-09-28")
    assert [head for head, _ in ledger.heads] == [
        "工单编号",
        "办理对象",
        "联系电话",
        "反映事项",
        "受理人",
        "受理时间",
        "处理结果",
        "办结时间",
    ]
    assert [row[0] for row in ledger.rows] == ["HYZJ20230001", "HYZJ20230002"]


@pytest.mark.clause("HY-2b")
def test_the_code_of_a_section_s_sign_names_the_unit_before_anybody_asks(huaiyin: World) -> None:
    with store.transaction(huaiyin.office.engine) as conn:
        person = people.citizen(conn, "wechat", "li")
        intake.greet(huaiyin.office, conn, person, "wechat", huaiyin.now, code="zj-shenpi")
    case = huaiyin.tell("li", MATTER, ground="项目推不动", project_name="消防水池改造", unit="不该问")
    assert of_unit(huaiyin, case) == "housing"
    assert huaiyin.again(case).codes["section"] == "审批科"


def test_a_unit_without_lead_section_and_contact_opens_no_case(huaiyin: World) -> None:
    with pytest.raises(Refusal) as refused:
        registered(huaiyin, "lan")
    assert refused.value.code == "unit_lacks_contacts"
    assert refused.value.facts["roles"] == "牵头科室、联系人"


@pytest.mark.parametrize(
    ("role", "title"),
    [
        ("unit_head", "主要领导"),
        ("unit_deputy_head", "分管领导"),
        ("lead_section", "牵头科室"),
        ("unit_liaison", "联系人"),
    ],
)
def test_a_unit_gets_nothing_before_it_has_named_all_four(huaiyin: World, role: str, title: str) -> None:
    without(huaiyin, "land", role)
    case = registered(huaiyin, "qiu", intake_channel="field_visit")
    refusal = huaiyin.refusal("qiu", case, "dispatch", subject=SUBJECT, level="complex", unit="land")
    assert (refusal.code, refusal.facts["roles"]) == ("unit_lacks_contacts", title)


@pytest.mark.clause("HY-3.6")
def test_a_complaint_about_conduct_goes_to_the_office_and_shields(huaiyin: World) -> None:
    with pytest.raises(Incomplete) as refused:
        registered(huaiyin, scope_code="complaint")
    assert set(refused.value.problems) == {"sub_kind"}
    plain = registered(huaiyin, scope_code="complaint", sub_kind="complaint")
    assert not plain.shielded
    case = registered(huaiyin, scope_code="complaint", sub_kind="report", about_conduct="yes")
    assert counted(huaiyin, "scope_code", "complaint") == 2
    assert huaiyin.again(case).shielded
    assert huaiyin.told("qiu", case) == ["intake_card"]
    assert not {"song", "gao", "ren", "sun"} & {who for who in STAFF if huaiyin.told(who, case)}
    assert case.id not in {c.id for c in huaiyin.to_do("gao")}
    dispatched = {"subject": "窗口服务态度", "level": "simple", "unit": "housing"}
    huaiyin.do("qiu", case, "dispatch", content_for_unit="群众反映窗口态度生硬", **dispatched)
    seen = huaiyin.see("song", case)
    assert seen.words["applicant_name"] == SHIELD_LINE
    assert seen.words["content"] == "群众反映窗口态度生硬"


STAFF = ("song", "hao", "gao", "ren", "sun", "bian")


@pytest.mark.clause("HY-3.6")
def test_only_the_office_speaks_with_whoever_complained_of_conduct(huaiyin: World) -> None:
    case = complained(huaiyin)
    assert huaiyin.again(case).shielded
    assert huaiyin.told("qiu", case) == ["intake_card"]
    given = {"scope_code": "complaint", "sub_kind": "complaint", "subject": "窗口服务态度"}
    huaiyin.do("qiu", case, "accept", cause_text="服务态度", **given)
    dispatched = {"subject": "窗口服务态度", "level": "simple", "unit": "housing"}
    huaiyin.do("qiu", case, "dispatch", content_for_unit="群众反映窗口态度生硬", **dispatched)
    replied(huaiyin, case)
    undelivered(huaiyin, case, "result")
    huaiyin.do("li", case, "ask_human", human_question="谁来回我？")
    huaiyin.pass_to("2023-10-13T09:30")
    assert {"call.remind", "human.remind"} <= {event.act for event in huaiyin.events(case)}
    for task in ("call_task", "human_card"):
        assert huaiyin.told("qiu", case).count(task) == 2
        assert not [who for who in STAFF if task in huaiyin.told(who, case)]


# --- every sentence ----------------------------------------------------------------------------------------


def test_every_message_of_the_profile_is_told_and_reads_well(huaiyin: World) -> None:
    rules = huaiyin.rules
    told: set[str] = set()
    for story in (
        _the_long_way,
        _late_everywhere,
        _returned_and_late,
        _kept_and_restarted,
        _sent_elsewhere,
        _asked_and_answered,
        _by_the_office,
        _about_conduct,
    ):
        story(huaiyin)
        told |= set(draw_all(huaiyin))
    named = {notice.template for notice in rules.notices}
    named |= {step.notice for duty in rules.duties for step in duty.steps if step.notice}
    assert named - told == set()


def _the_long_way(world: World) -> None:
    case = in_session(world, reported(world, registered(world)), "convene_above", leader="jin")
    world.do("meng", case, "contribute", contribution="规划意见三日内出")
    world.do("song", case, "progress", progress="区领导已经召集会办")
    draw_all(world)
    world.do("qiu", case, "conclude", joint_opinion="规划先出，住建同步受理")
    world.do("song", case, "carry_out", carried_out="两局已经联合受理")
    world.pass_to("2023-10-12T09:30")
    closed(world, case)
    draw_all(world)
    world.pass_to("2023-10-23T09:30")
    world.do("gao", case, "file_result", filing_note="已受理")
    world.pass_to("2023-10-26T09:30")
    world.do("qiu", case, "follow_up", visit_way="phone", visit_satisfied="satisfied", visit_with="住建局")
    world.do("gao", case, "archive")


def _late_everywhere(world: World) -> None:
    case = registered(world)
    world.pass_to("2023-10-30T09:30")
    judged(world, case)
    world.do("ren", case, "return_judgement", return_reason="先问规划一次")
    world.pass_to("2023-11-01T09:30")
    judged(world, case)
    world.pass_to("2023-11-03T09:30")
    world.do("ren", case, "approve_judgement")
    world.pass_to("2023-11-07T09:30")
    world.do("gao", case, "classify", **{"class": "4"}, **CAUSE, level="complex", subject=SUBJECT)
    world.do("sun", case, "keep_back", keep_reason="再核一次")
    world.do("gao", case, "classify", **{"class": "4"}, **CAUSE, level="complex", subject=SUBJECT)
    world.pass_to("2023-11-08T09:30")
    world.do("sun", case, "report")
    world.pass_to("2023-11-14T09:30")
    in_session(world, case, task_due="2023-11-15")
    world.pass_to("2023-11-17T09:30")


def _returned_and_late(world: World) -> None:
    case = returned(world, reported(world, registered(world)), "simple")
    world.pass_to("2023-11-23T09:30")
    world.do("song", case, "sign_for")
    world.do("tao", case, "supervise")
    world.do("qiu", case, "relevel", level="very_complex", relevel_reason="要补两次图")
    world.pass_to("2023-11-28T17:31")
    inside_case = judged(world, registered(world), "doable")
    world.do("gao", inside_case, "handle_inside", sections="审批科")


def _kept_and_restarted(world: World) -> None:
    case = reported(world, registered(world), "3")
    world.do("qiu", case, "shelve", shelve_reason="规范没有修订")
    world.pass_to("2024-05-30T09:30")
    world.do("qiu", case, "restart", restart_ground="policy", policy_document="苏建〔2024〕3号")


def _sent_elsewhere(world: World) -> None:
    case = registered(world)
    world.do("gao", case, "transfer", transfer_target="law_office", transfer_reason="涉诉事项")
    world.pass_to("2024-06-04T09:30")
    world.do("qiu", case, "note_transfer_result", transfer_result="已安排法律援助")
    refused = registered(world)
    world.do("song", refused, "decline_on_spot", no_basis="消防法第十五条", no_reason="不能先开业后验收")


def _asked_and_answered(world: World) -> None:
    given = {"unit": "住房和城乡建设局", "ground": "项目推不动", "project_name": "消防水池改造"}
    case = world.tell("li", MATTER, **given)
    world.pass_to("2024-06-05T15:00")
    confirmed(world, case)
    judged(world, case, "doable")
    world.do("gao", case, "handle_inside", sections="审批科")
    world.do("li", case, "add", supplement="图纸改过一版")
    world.do("song", case, "ask", question="改过的图纸在哪家审的？")
    world.pass_to("2024-06-12T09:30")
    world.do("song", case, "close_no_response", no_response_note="电话三次没有接")
    world.do("li", case, "reopen")
    world.do("song", case, "ask", question="改过的图纸在哪家审的？")
    world.do("li", case, "answer", answer="市设计院")
    world.do("li", case, "ask_human", human_question="什么时候能好")
    world.pass_to("2024-06-13T16:30")
    world.do("song", case, "answer_citizen", human_answer="这周")
    replied(world, case)
    undelivered(world, case, "result")
    world.pass_to("2024-06-17T09:30")
    world.do("song", case, "log_attempt", reached="yes")
    world.pass_to("2024-06-20T09:30")
    unwanted = world.tell("he", MATTER, **given)
    world.do("he", unwanted, "withdraw")
    refused = world.tell("mei", MATTER, **given)
    world.do("song", refused, "decline_on_spot", no_basis="消防法第十五条", no_reason="不能先开业")
    world.do("mei", refused, "insist")


def _by_the_office(world: World) -> None:
    case = registered(world, "qiu", intake_channel="field_visit")
    world.pass_to("2024-06-25T09:30")
    world.do("qiu", case, "dispatch", subject=SUBJECT, level="complex", unit="land")
    world.pass_to("2024-06-27T09:30")
    other = registered(world, "qiu", intake_channel="media")
    world.do("qiu", other, "dispatch", subject=SUBJECT, level="complex", unit="market")
    world.do("jia", other, "send_back", send_back_reason="规划的职责")


def _about_conduct(world: World) -> None:
    case = registered(world, scope_code="complaint", sub_kind="report", about_conduct="yes")
    dispatched = {"subject": "窗口服务态度", "level": "simple", "unit": "housing"}
    world.do("qiu", case, "dispatch", content_for_unit="群众反映窗口态度生硬", **dispatched)
    world.do("qiu", case, "redact", words_for_unit="事情发生在周四上午")


# --- the form, word by word ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answers",
    [
        {"ground": "正式申请过，没有办成", "item": "消防验收", "submitted_on": "2023-07-20"},
        {"ground": "项目推不动", "project_name": "消防水池改造", "relation": "替父母、家人"},
        {
            "ground": "要投诉或者举报",
            "sub_kind": "投诉",
            "applicant_type": "企业等法人",
            "relation": "替单位",
        },
        {"ground": "都不是，另有情况", "applicant_type": "区直单位、镇街", "relation": "替单位"},
        {"ground": "都不是，另有情况", "applicant_type": "其他组织", "relation": "替别人"},
    ],
)
@pytest.mark.parametrize("matter", [MATTER, "窗口的人态度很差，推来推去"])
def test_the_form_is_whole_when_all_that_is_asked_for_was_said(
    sqlite_url: str, tmp_path: Path, answers: dict[str, str], matter: str
) -> None:
    world = AskingWorld.of("huaiyin", sqlite_url, tmp_path / "files", start=THURSDAY)
    given = {"unit": "住房和城乡建设局", "staff_concerned": "跳过", **answers}
    assert world.tell("li", matter, **given).stage == "SUBMITTED"
    world.close()


@pytest.mark.clause("HY-4a")
@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("这事我上访过两回，信访局让我等", "涉访事项"),
        ("为这个事我已经起诉了，判决书还没下来", "涉法涉诉事项"),
        ("政务服务大厅三号窗口不收我的材料", "政务服务大厅的事项"),
    ],
)
def test_what_looks_like_another_s_matter_is_told_where_to_go(huaiyin: World, words: str, field: str) -> None:
    huaiyin.say("li", "我要反映")
    huaiyin.say("li", words)
    (reply,) = huaiyin.say("li", "说完了")
    assert (reply.name, reply.values["label"]) == ("excluded", field)


# --- every turn --------------------------------------------------------------------------------------------

TOLD = {"unit": "住房和城乡建设局", "ground": "项目推不动", "project_name": "消防水池改造"}


def told(world: World) -> Case:
    return world.tell("li", MATTER, **TOLD)


def told_of_no_unit(world: World) -> Case:
    return world.tell("li", MATTER, **{**TOLD, "unit": "跳过"})


def complained(world: World) -> Case:
    return world.tell("li", "窗口的人态度很差，推来推去", **TOLD, about_conduct="是", staff_concerned="跳过")


def spoken(world: World) -> Case:
    world.say("li", "我要反映")
    world.say("li", kind="voice", media_id="v1")
    return told(world)


def collected(world: World) -> Case:
    return registered(world, "qiu", intake_channel="field_visit")


def test_at_every_turn_a_case_stands_as_the_tables_say(sqlite_url: str, tmp_path: Path) -> None:
    world = World.of("huaiyin", sqlite_url, tmp_path / "files", start=THURSDAY)
    Walk(world, tmp_path).go(registered, told, told_of_no_unit, complained, spoken, collected)
    world.close()
