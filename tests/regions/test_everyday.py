"""What every window does every day; first in the regions where the window itself sends the matter on.

Who hears of each act, and what it cannot be done without, is looked at by the world itself (`heard.py`, `asked.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import duties, library, store
from core.case import Case
from core.desk import deliver
from core.intake import summary_lines
from core.refusals import Incomplete
from core.workdays import SHANGHAI
from tests.regions import test_huaiyin as huaiyin
from tests.regions import test_longhui as longhui
from tests.regions import test_neixiang as neixiang
from tests.regions import test_putuo as putuo
from tests.regions.drawing import WORDS, ReadWorld
from tests.stories.reading import scan
from tests.world import ASIDES, MONDAY, World


@dataclass(frozen=True)
class Region:
    """A hall, a day to begin with, its people by key, and how a matter is told and sent to the unit."""

    name: str
    start: str
    window: str
    taker: str
    handler: str
    told: Callable[[World], Case]
    sent: Callable[[World, Case], Case]
    answered: Callable[[World, Case], Case]
    office: str = ""  # who writes the case library, if the window does not
    back: tuple[
        tuple[str, str, dict[str, str]], ...
    ] = ()  # who does what until a closed matter is worked on again


REGIONS = (
    Region(
        "longhui",
        longhui.FRIDAY,
        "ouyang",
        "bu",
        "bu",
        longhui.tell,
        longhui.send,
        lambda world, case: longhui.answer(world, case, redo_reason="上次没有等到回音"),
        back=(("li", "rate", {"score": "1"}),),
    ),
    Region(
        "neixiang",
        neixiang.TUESDAY,
        "lan",
        "miao",
        "miao",
        neixiang.told_online,
        neixiang.dispatched,
        neixiang.replied,
        back=(("li", "rate", {"score": "1"}),),
    ),
    Region(
        "putuo",
        putuo.THURSDAY,
        "fang",
        "hua",
        "jin",
        putuo.told_online,
        lambda world, case: putuo.dispatched(world, putuo.analysed(world, case)),
        putuo.replied,
    ),
)


def sent_inside(world: World, case: Case) -> Case:
    confirmed = {"scope_code": "project", "project_name": "消防水池改造", "cause_text": "互为前置"}
    world.do("song", case, "accept", subject=huaiyin.SUBJECT, **confirmed)
    huaiyin.judged(world, case, "doable")
    return world.do("gao", case, "handle_inside", sections="审批科")


OTHERS = (
    Region(
        "xiangjiang",
        MONDAY,
        "zhou",
        "zhang",
        "zhang",
        World.tell,
        World.dispatch,
        World.result,
        back=(
            (
                "zhou",
                "follow_up",
                {"visit_way": "phone", "visit_satisfied": "dissatisfied", "visit_opinion": "敷衍"},
            ),
            ("zhou", "propose_cause", {"cause_proposed": "subjective", "cause_reason": "只回了一句话"}),
            ("xiao", "redo", {"judge_reason": "没有说明依据"}),
        ),
    ),
    Region(
        "huaiyin",
        huaiyin.THURSDAY,
        "song",
        "",  # nobody signs for what stays in the unit
        "song",
        huaiyin.told,
        sent_inside,
        lambda world, case: huaiyin.replied(world, case, **huaiyin.CANNOT),
        "qiu",
        (("qiu", "restart", {"restart_ground": "policy", "policy_document": "苏建〔2023〕9号"}),),
    ),
)


@pytest.fixture(params=REGIONS, ids=lambda region: region.name)
def region(request: pytest.FixtureRequest) -> Region:
    found: Region = request.param
    return found


@pytest.fixture
def world(region: Region, sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = ReadWorld.of(region.name, sqlite_url, tmp_path / "files", start=region.start)
    yield made
    made.close()


anywhere = pytest.mark.parametrize("region", (*REGIONS, *OTHERS), ids=lambda region: region.name)


def signed_for(world: World, region: Region, case: Case) -> Case:
    case = region.sent(world, case)
    return world.do(region.taker, case, "sign_for") if region.taker else case


def owed(world: World, case: Case) -> list[str]:
    """The duties that are open."""
    with store.transaction(world.office.engine) as conn:
        return sorted(duty.key for duty in duties.of_case(conn, case.id))


def test_what_people_say_meanwhile_reaches_whom_it_concerns(world: World, region: Region) -> None:
    case = region.told(world)
    world.do("li", case, "ask_human", human_question="要带什么材料？")
    assert "human" in owed(world, case)
    world.do(region.window, case, "answer_citizen", human_answer="带身份证就行")
    assert "human" not in owed(world, case)
    case = region.sent(world, case)
    world.do(region.taker, case, "sign_for")
    assert "sign_for" not in owed(world, case)
    assert world.refusal(region.taker, case, "sign_for").code in ("done_already", "not_now")
    world.do(region.handler, case, "ask", question="原件还在手上吗？")
    assert world.refusal(region.handler, case, "ask", question="还有呢？").code
    assert "answer" in owed(world, case)
    world.do("li", case, "add", supplement="昨天又去了一趟")
    world.do("li", case, "answer", answer="在")
    assert "answer" not in owed(world, case)
    assert world.refusal("li", case, "answer", answer="在").code
    world.do(region.handler, case, "ask", question="复印件也行，有吗？")
    world.do(region.window, case, "answer_for", answer="电话里说有")
    assert "answer" not in owed(world, case)
    world.do(region.handler, case, "note_call", call_note="约好明天来")
    case = region.answered(world, case)
    assert "limit" not in owed(world, case) and "to_applicant" in owed(world, case)


def test_who_takes_the_matter_back_leaves_nothing_to_do(world: World, region: Region) -> None:
    case = region.told(world)
    assert world.do("li", case, "withdraw").stage == "WITHDRAWN" and owed(world, case) == []
    case = region.sent(world, region.told(world))
    world.do("li", case, "withdraw")
    assert owed(world, case) == []
    case = region.sent(world, region.told(world))
    world.do(region.taker, case, "sign_for")
    world.do(region.handler, case, "ask", question="原件还在手上吗？")
    world.do("li", case, "ask_human", human_question="还要多久？")
    world.do("li", case, "withdraw")
    assert owed(world, case) == []


def test_a_sheet_sent_back_is_owed_by_nobody_until_it_goes_out_again(world: World, region: Region) -> None:
    case = region.sent(world, region.told(world))
    world.do(region.handler, case, "send_back", send_back_reason="不归我们管")
    assert "sign_for" not in owed(world, case)
    assert "sign_for" in owed(world, region.sent(world, case))


def unreachable(world: World, case: Case, notice: str) -> None:
    """No platform leads to the applicant for this message."""
    (message,) = [m for m in world.outbox(case, notice) if m.state == "due"]
    with store.transaction(world.office.engine) as conn:
        deliver.unreachable(world.office, conn, message, world.now)


@anywhere
@pytest.mark.parametrize("answered", ["answer", "answer_for"])
def test_who_cannot_be_asked_is_called_until_there_is_an_answer(
    world: World, region: Region, answered: str
) -> None:
    case = signed_for(world, region, region.told(world))
    world.do(region.handler, case, "ask", question="原件还在手上吗？")
    unreachable(world, case, "question")
    assert "call" in owed(world, case) and world.outbox(case, "call_task")
    world.do("li" if answered == "answer" else region.window, case, answered, answer="在")
    assert "call" not in owed(world, case)


def test_who_cannot_be_told_is_called_on_three_half_days(world: World, region: Region) -> None:
    case = region.answered(world, region.sent(world, region.told(world)))
    assert world.refusal(region.window, case, "log_attempt", reached="no").code
    unreachable(world, case, "result")
    start = world.now.astimezone(SHANGHAI)
    for hours in (0, 1, 5):  # twice in the morning counts once
        world.now = start + timedelta(hours=hours)
        world.do(region.window, case, "log_attempt", reached="no")
        assert {"call", "to_applicant"} <= set(owed(world, case))
    world.now = start + timedelta(days=1)
    world.do(region.window, case, "log_attempt", reached="no")
    assert not {"call", "to_applicant"} & set(owed(world, case))


def test_a_signed_sheet_is_filed_as_a_scan(world: World, region: Region) -> None:
    case = region.sent(world, region.told(world))
    page = [scan("签字页.txt")]
    world.do(region.window, case, "file_scan", paper="registration", scan_files=page)
    assert [file.purpose for file in world.attachments(case)].count("signed") == 1


@anywhere
def test_who_stops_before_submitting_is_told_nothing_more_nor_is_anybody(
    world: World, region: Region
) -> None:
    for text in ("我要反映", longhui.MATTER):
        world.say("li", text)
    draft = world.of_contact("li")
    assert draft.stage == "DRAFT" and world.do("li", draft, "withdraw").stage == "WITHDRAWN"
    assert world.outbox(draft) == []


# --- in all regions ----------------------------------------------------------------------------------------


def heard(world: World, region: Region, case: Case, words: str) -> str:
    """Somebody at the window listens and types; all that was typed so far."""
    return world.words(world.do(region.window, case, "transcribe", transcript=words))["transcript"]


def lay_aside(world: World, region: Region, case: Case) -> Case:
    """She is asked, reminded twice, called, and does not answer."""
    world.do(region.handler, case, "ask", question="原件还在手上吗？")
    for _ in range(14):
        if not world.again(case).at("reminded_at"):
            world.pass_to(f"{world.now + timedelta(days=1):%Y-%m-%dT%H:%M}")
    return world.do(region.window, case, "close_no_response", no_response_note="电话三次没有接")


@anywhere
def test_a_voice_is_listened_to_once_and_what_was_typed_before_stays(world: World, region: Region) -> None:
    case = region.told(world)
    assert "transcribe" not in owed(world, case)
    world.say("li", kind="voice", media_id="v1")
    assert "transcribe" in owed(world, case)
    assert heard(world, region, case, "又跑了一趟") == "又跑了一趟"
    world.do("li", case, "add", supplement="周五去的")
    assert "transcribe" not in owed(world, case), "words need no listening"
    world.pass_to(f"{world.now + timedelta(minutes=5):%Y-%m-%dT%H:%M}")
    world.say("li", kind="voice", media_id="v2")
    assert heard(world, region, case, "还是没办成") == "又跑了一趟\n还是没办成"
    assert "transcribe" not in owed(world, case)


@anywhere
def test_a_question_may_be_answered_by_voice(world: World, region: Region) -> None:
    case = signed_for(world, region, region.told(world))
    world.do(region.handler, case, "ask", question="原件还在手上吗？")
    world.say("li", kind="voice", media_id="v1")
    assert "answer" not in owed(world, case) and "transcribe" in owed(world, case)
    heard(world, region, case, "原件在我妈那里")
    assert "transcribe" not in owed(world, case)


@anywhere
def test_a_voice_nobody_typed_is_owed_again_when_the_matter_goes_on(world: World, region: Region) -> None:
    case = signed_for(world, region, region.told(world))
    world.say("li", kind="voice", media_id="v1")
    lay_aside(world, region, case)
    assert "transcribe" not in owed(world, case)
    world.do("li", case, "reopen")
    assert "transcribe" in owed(world, case)
    case = world.delivered(region.answered(world, case))
    assert case.stage == "CLOSED" and "transcribe" not in owed(world, case)
    for who, act, values in region.back:
        assert "transcribe" not in owed(world, case)
        case = world.do(who, case, act, **values)
    assert case.stage == "CLOSED" if not region.back else "transcribe" in owed(world, case)


@anywhere
def test_who_answers_after_the_matter_was_laid_aside_goes_on_with_it(world: World, region: Region) -> None:
    case = lay_aside(world, region, signed_for(world, region, region.told(world)))
    (said,) = world.say("li", "原件找到了，在我妈那里")
    assert (said.name, said.values["number"]) == ("added", case.number)
    assert world.again(case).stage == "WITH_UNIT" and "limit" in owed(world, case)
    assert world.words(case)["supplement"] == "原件找到了，在我妈那里"
    assert {"reopened_card", "added_card"} <= set(world.told(region.handler, case))


@anywhere
@pytest.mark.parametrize("stage", ["NOT_ACCEPTED", "DECLINED", "TRANSFERRED", "SHELVED"])
def test_whose_matter_has_gone_elsewhere_may_tell_another_and_ask_after_the_first(
    world: World, region: Region, stage: str
) -> None:
    case = region.told(world)
    with store.transaction(world.office.engine) as conn:
        conn.execute(sa.update(store.case).values(stage=stage).where(store.case.c.id == case.id))
    assert [reply.name for reply in world.say("li", "有消息了吗")] == ["progress"]
    assert [reply.name for reply in world.say("li", "撤回")] == ["nothing_to_withdraw"]
    assert "refused" not in [reply.name for reply in world.say("li", longhui.MATTER)]
    assert world.of_contact("li").stage == "DRAFT" and world.again(case).stage == stage


@anywhere
@pytest.mark.parametrize("reached", ["yes", "no"])
def test_who_is_called_about_a_question_is_called_until_reached_or_for_three_half_days(
    world: World, region: Region, reached: str
) -> None:
    case = signed_for(world, region, region.told(world))
    world.do(region.handler, case, "ask", question="原件还在手上吗？")
    unreachable(world, case, "question")
    for _ in range(1 if reached == "yes" else 3):
        assert "call" in owed(world, case)
        world.now += timedelta(days=1)
        world.do(region.window, case, "log_attempt", reached=reached)
    assert "call" not in owed(world, case) and "answer" in owed(world, case)


@anywhere
@pytest.mark.parametrize("score", "12345")
def test_what_somebody_was_not_satisfied_with_is_no_example(world: World, region: Region, score: str) -> None:
    case = world.delivered(region.answered(world, signed_for(world, region, region.told(world))))
    writer = world.who(region.office or region.window)
    with store.transaction(world.office.engine) as conn:
        parts = {
            "item": "证照",
            "problem": "办了几次没有办成",
            "cause_code": library.causes(world.rules)[0].code,
            "cause": "没有一次讲清",
            "solution": "一次讲清",
        }
        entry = library.propose(world.office, conn, case, writer, parts, world.now)
        assert library.presentable(world.office, conn, entry)
    world.do("li", case, "rate", score=score)
    with store.transaction(world.office.engine) as conn:
        assert library.presentable(world.office, conn, entry) == (score in "345")


@anywhere
def test_she_who_has_answered_is_not_closed_as_silent(world: World, region: Region) -> None:
    case = signed_for(world, region, region.told(world))
    world.do(region.handler, case, "ask", question="原件还在手上吗？")
    for _ in range(14):
        if not world.again(case).at("reminded_at"):
            world.pass_to(f"{world.now + timedelta(days=1):%Y-%m-%dT%H:%M}")
    world.do("li", case, "answer", answer="在")
    assert (
        world.refusal(region.window, case, "close_no_response", no_response_note="没有接").code == "not_now"
    )


@anywhere
def test_who_was_told_by_hand_is_called_no_more(world: World, region: Region) -> None:
    case = region.answered(world, signed_for(world, region, region.told(world)))
    unreachable(world, case, "result")
    assert "call" in owed(world, case)
    by_hand = {
        "feedback_way": "in_person",
        "delivered_on": f"{world.now.astimezone(SHANGHAI):%Y-%m-%dT%H:%M}",
    }
    world.do(region.window, case, "deliver", **by_hand)
    assert "call" not in owed(world, case) and "to_applicant" not in owed(world, case)
    assert world.refusal(region.window, case, "deliver", **by_hand).code == "done_already"


@anywhere
def test_a_scan_is_filed_with_its_name(world: World, region: Region) -> None:
    case, page = region.told(world), [scan("签字页.txt")]
    for act in ({"scan_files": page}, {"paper": "registration"}):
        refused = world.refusal(region.window, case, "file_scan", **act)
        assert isinstance(refused, Incomplete) and len(refused.problems) == 1


@anywhere
def test_nobody_waits_for_an_answer_once_the_unit_has_answered(world: World, region: Region) -> None:
    case = signed_for(world, region, region.told(world))
    world.do(region.handler, case, "ask", question="原件还在手上吗？")
    assert "answer" in owed(world, case)
    region.answered(world, case)
    assert "answer" not in owed(world, case)


@anywhere
def test_each_item_of_the_form_is_put_right_by_its_own_name(world: World, region: Region) -> None:
    """In each region by the labels of its own form."""
    for words in ("我要反映", longhui.MATTER, "说完了"):
        world.say("li", words)
    rules = world.rules
    draft = world.of_contact("li")
    shown = [
        line for line in summary_lines(world.office, rules, draft, world.words(draft)) if line[1] != "content"
    ]
    for _, name, label, _ in shown:
        replies = world.say("li", f"{label}写错了")
        assert replies[-1].name == f"ask_{name}", (label, replies)


@anywhere
def test_who_answers_none_of_the_questions_is_still_asked_each_in_words(world: World) -> None:
    """A question that leans on another may come before that is answered."""
    for words in ("我要反映", longhui.MATTER, "说完了"):
        world.say("li", words)
    asked = set()
    for _ in range(30):
        reply = world.say("li", "关你什么事")[-1]
        if reply.name in ASIDES:
            reply = world.say("li", ASIDES[reply.name])[-1]
        asked.add(reply.name)
        assert WORDS.say(
            f"intake/{reply.name}", hall=world.office.hall, rules=world.rules, **reply.values
        ).strip()
    assert len(asked) > 3
