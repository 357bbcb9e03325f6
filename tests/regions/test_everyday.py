"""What every window does every day, in the regions where the window itself sends the matter on.

Who hears of each act, and what it cannot be done without, is looked at by the world itself (`heard.py`, `asked.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from core import duties, store
from core.case import Case
from core.desk import deliver
from core.workdays import SHANGHAI
from tests.regions import test_longhui as longhui
from tests.regions import test_neixiang as neixiang
from tests.regions import test_putuo as putuo
from tests.regions.drawing import ReadWorld
from tests.stories.reading import scan
from tests.world import World


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


REGIONS = (
    Region("longhui", longhui.FRIDAY, "ouyang", "bu", "bu", longhui.tell, longhui.send, longhui.answer),
    Region(
        "neixiang",
        neixiang.TUESDAY,
        "lan",
        "miao",
        "miao",
        neixiang.told_online,
        neixiang.dispatched,
        neixiang.replied,
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


@pytest.fixture(params=REGIONS, ids=lambda region: region.name)
def region(request: pytest.FixtureRequest) -> Region:
    found: Region = request.param
    return found


@pytest.fixture
def world(region: Region, sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = ReadWorld.of(region.name, sqlite_url, tmp_path / "files", start=region.start)
    yield made
    made.close()


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


@pytest.mark.parametrize("answered", ["answer", "answer_for"])
def test_who_cannot_be_asked_is_called_until_there_is_an_answer(
    world: World, region: Region, answered: str
) -> None:
    case = region.sent(world, region.told(world))
    world.do(region.taker, case, "sign_for")
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


def test_who_stops_before_submitting_is_told_nothing_more_nor_is_anybody(
    world: World, region: Region
) -> None:
    for text in ("我要反映", longhui.MATTER):
        world.say("li", text)
    draft = world.of_contact("li")
    assert draft.stage == "DRAFT" and world.do("li", draft, "withdraw").stage == "WITHDRAWN"
    assert world.outbox(draft) == []
