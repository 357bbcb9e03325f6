"""A round through the acts of the regulation: what each cannot be done without, and who hears of it.

The world looks at both by itself, at every act (`tests/regions/asked.py`, `tests/regions/heard.py`). A walk at the end
tries everything that is offered at every turn (`tests/regions/walk.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.case import Case
from core.refusals import Incomplete
from tests.regions.asked import AskingWorld
from tests.regions.drawing import ReadWorld
from tests.regions.walk import Walk
from tests.stories.reading import scan
from tests.world import MATTER, MONDAY, World

WHY = "一句话说清"
CONSENT = {"consent_way": "phone", "consent_at": "2022-04-11", "consent_words": "可以等"}
CONDUCT = {"scope_code": "conduct", "content_for_unit": "反映窗口态度"}


@pytest.fixture
def hall(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = ReadWorld.of("xiangjiang", sqlite_url, tmp_path / "files", start="2022-04-11T09:30")
    yield made
    made.close()


def signed_for(hall: World, **values: str) -> Case:
    case = hall.dispatch(hall.tell("li"), **values)
    return hall.do("zhang", case, "sign_for")


def asked_to_wait(hall: World, **values: str) -> Case:
    case = signed_for(hall, level="complex")
    given = {"extension_reason": WHY, "extension_due": "2022-04-28", **CONSENT}
    return hall.do("zhang", case, "extend", **given)


def test_at_the_window(hall: World) -> None:
    desk = hall.register(ground="not_done_after_submission", prior_channel="offline")
    hall.do(
        "zhou",
        desk,
        "resolve",
        scope_code="business_env",
        sub_kind="consult",
        result=WHY,
        solved="no",
        unsolved_reason=WHY,
    )
    firm = hall.register(applicant_type="legal_person", applicant_unit="示范商贸有限公司")
    hall.dispatch(firm, scope_code="business_env", sub_kind="suggestion")
    hall.do("zhou", firm, "relevel", level="ordinary", relevel_reason=WHY)
    told = hall.tell("li")
    hall.do("zhou", told, "guide", exclusion="penalty")
    hall.do("li", told, "insist")
    hall.do("li", told, "ask_human", human_question=WHY)
    hall.do("zhou", told, "answer_citizen", human_answer=WHY)
    major = hall.do("zhou", told, "accept")
    major = hall.do("zhou", major, "report", subject=WHY, screening_opinion=WHY, legal_basis=WHY)
    assert major.stage == "REPORTED"


def test_at_the_unit(hall: World) -> None:
    case = signed_for(hall)
    hall.do("zhang", case, "ask", question=WHY)
    hall.do("li", case, "answer", answer=WHY)
    assert hall.refusal("zhou", case, "answer_for", answer=WHY).code
    hall.do("zhang", case, "ask", question=WHY)
    hall.do("zhou", case, "answer_for", answer=WHY)
    hall.do("zhang", case, "note_call", call_note=WHY)
    hall.do("zhang", case, "send_back", send_back_reason=WHY)
    case = signed_for(hall)
    given = {"handled": WHY, "result": WHY, "solved": "no", "unsolved_reason": WHY}
    hall.do("zhang", case, "hand_in", **given)
    hall.do("chen", case, "reject", reject_reason=WHY)
    hall.do("zhang", case, "hand_in", **given, outcome="cannot_do", cannot_basis=WHY, explanation=WHY)
    assert hall.do("chen", case, "sign_off").stage == "DELIVERING"


def test_nothing_is_left_out_when_it_is_raised_sent_from_above_or_filed(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"), level="ordinary")
    assert missing(hall, "zhou", case, "relevel", relevel_reason=WHY) == {"level"}
    page = [scan("签字页.txt")]
    assert missing(hall, "zhou", case, "file_scan", scan_files=page) == {"paper"}
    assert missing(hall, "zhou", case, "file_scan", paper="registration") == {"scan_files"}
    major = hall.do("zhou", hall.tell("wang"), "accept")
    major = hall.do("zhou", major, "report", subject=WHY, screening_opinion=WHY, legal_basis=WHY)
    assert missing(hall, "yuanjp", major, "return_doable", opinion=WHY) == {"unit"}


def missing(hall: World, who: str, case: Case, act: str, **values: Any) -> set[str]:
    """What the refusal says was left out."""
    refused = hall.refusal(who, case, act, **values)
    assert isinstance(refused, Incomplete), refused
    return {name for name, problem in refused.problems.items() if problem == "missing"}


def test_what_is_signed_off_waits_for_nobody_any_more(hall: World) -> None:
    case = asked_to_wait(hall)
    hall.do("zhang", case, "ask", question=WHY)
    hall.do("zhang", case, "hand_in", handled=WHY, result=WHY, solved="yes")
    assert hall.duty(case, "answer") and hall.duty(case, "approve_extension")
    hall.do("chen", case, "sign_off")
    assert hall.duty(case, "answer") is None and hall.duty(case, "approve_extension") is None


def test_what_is_closed_without_her_answer_is_owed_by_nobody(hall: World) -> None:
    case = asked_to_wait(hall)
    hall.do("zhang", case, "ask", question=WHY)
    hall.pass_to("2022-04-26T10:00")
    hall.do("gu", case, "supervise")
    assert hall.duty(case, "approve_extension") and hall.duty(case, "supervision")
    hall.do("zhou", case, "close_no_response", no_response_note=WHY)
    assert hall.duty(case, "approve_extension") is None and hall.duty(case, "supervision") is None


def test_an_extension_is_decided_once(hall: World) -> None:
    case = asked_to_wait(hall)
    hall.do("xiao", case, "refuse_extension", extension_opinion=WHY)
    assert hall.refusal("xiao", case, "refuse_extension", extension_opinion=WHY).code
    assert hall.refusal("xiao", case, "approve_extension").code
    assert hall.refusal("li", case, "object").code
    case = asked_to_wait(hall)
    hall.do("xiao", case, "approve_extension")
    case = asked_to_wait(hall)
    hall.do("li", case, "withdraw")
    assert hall.duty(case, "approve_extension") is None


def test_afterwards(hall: World) -> None:
    case = hall.delivered(hall.result(hall.dispatch(hall.tell("li"))))
    hall.do("li", case, "rate", score="2")
    hall.do("li", case, "comment", rating_comment=WHY)
    hall.do("zhou", case, "follow_up", visit_way="phone", visit_satisfied="dissatisfied")
    hall.do("zhou", case, "propose_cause", cause_proposed="subjective", cause_reason=WHY)
    hall.do("xiao", case, "redo", judge_reason=WHY)
    hall.delivered(hall.result(case))
    hall.do("zhou", case, "verify_result", verified="no", verify_note=WHY)
    hall.do("zhou", case, "follow_up", visit_way="phone", visit_satisfied="dissatisfied")
    hall.do("zhou", case, "propose_cause", cause_proposed="objective", cause_reason=WHY)
    hall.do("xiao", case, "judge_objective", judge_reason=WHY)
    assert hall.duty(case, "judge") is None


@pytest.mark.parametrize(
    "answers",
    [
        {"ground": "交过材料，没有办成", "prior_channel": "网上提交的"},
        {"ground": "跑了好几趟，没有解决", "relation": "替父母、家人"},
        {"ground": "都不是，另有情况", "applicant_type": "企业等法人", "relation": "替单位"},
        {"ground": "都不是，另有情况", "applicant_type": "其他组织", "relation": "替别人"},
    ],
)
@pytest.mark.parametrize("matter", [MATTER, "窗口的人态度很差，推来推去"])
def test_the_form_is_whole_when_all_that_is_asked_for_was_said(
    sqlite_url: str, tmp_path: Path, answers: dict[str, str], matter: str
) -> None:
    world = AskingWorld.of("xiangjiang", sqlite_url, tmp_path / "files", start=MONDAY)
    assert world.tell("li", matter, **answers).stage == "SUBMITTED"
    world.close()


def told(world: World) -> Case:
    return world.tell("li")


def complained(world: World) -> Case:
    return world.tell("li", "窗口的人态度很差，推来推去")


def spoken(world: World) -> Case:
    world.say("li", "我要反映")
    world.say("li", kind="voice", media_id="v1")
    return world.tell("li")


def registered(world: World) -> Case:
    return world.register()


def test_at_every_turn_a_case_stands_as_the_tables_say(sqlite_url: str, tmp_path: Path) -> None:
    world = World.of("xiangjiang", sqlite_url, tmp_path / "files", start=MONDAY)
    Walk(world, tmp_path).go(told, registered, complained, spoken)
    world.close()
