"""A unit that has not named its section and its person takes nothing in, and the office sees what it lacks (HY-2c)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cards.draw import desk_card
from core import outbox, people, store
from core.outbox import Message
from tests.regions.drawing import BASE, WORDS
from tests.regions.test_huaiyin import MATTER, SUBJECT, of_unit
from tests.reports.test_pages import Browser
from tests.world import World, sandbox_hall

FORM = {
    "intake_channel": "hall",
    "told_at": "2023-09-28T09:50",
    "content": MATTER,
    "applicant_type": "citizen",
    "applicant_name": "王建国",
    "applicant_phone": "0517-88889999",
    "scope_code": "gov_service",
    "subject": SUBJECT,
    "cause_text": "两家互为前置",
}


@pytest.fixture
def huaiyin(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("huaiyin", sqlite_url, tmp_path / "files", start="2023-09-28T10:00")
    yield made
    made.office.engine.dispose()


def told(world: World, who: str) -> list[Message]:
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        return [m for m in outbox.listed(conn) if m.person_id == person.id]


@pytest.mark.clause("HY-2c")
def test_a_unit_without_lead_section_and_contact_opens_no_case_and_the_office_sees_it(huaiyin: World) -> None:
    lan = Browser(huaiyin, "lan")
    page = lan.send("/new/register", lan.get("/new/register"), 409, **FORM)
    assert "人力资源和社会保障局 还没有登记：牵头科室、联系人" in page
    assert huaiyin.numbers() == []
    lan.send("/new/register", lan.get("/new/register"), 409, **FORM)
    for who in ("qiu", "tao"):
        [message] = told(huaiyin, who)  # once a day, however often somebody tries
        assert (message.notice, message.clause, message.case_id) == ("contacts_wanted", "HY-2c", None)
        card = desk_card(
            WORDS,
            huaiyin.rules,
            message.notice,
            clause=message.clause,
            data=message.data,
            base_url=BASE,
        )
        assert "牵头科室、联系人" in card.text and card.url == f"{BASE}/gaps"
    assert told(huaiyin, "lan") == []
    office = Browser(huaiyin, "qiu")
    assert "缺口清单 1" in office.get("/desk")
    assert "人力资源和社会保障局：缺牵头科室、联系人" in office.get("/gaps")
    lan.get("/gaps", 403)


@pytest.mark.clause("HY-2c")
@pytest.mark.parametrize("lacking", ["lead_section", "unit_liaison"])
def test_each_of_the_two_is_needed_and_once_both_are_there_it_opens_cases(
    huaiyin: World, lacking: str
) -> None:
    hall = sandbox_hall("huaiyin")
    for role in ("lead_section", "unit_liaison"):
        if role == lacking:
            continue
        named = people.HallPerson(
            key=f"new_{role}", name="新人", posts=(people.HallPost(unit="labour", role=role),)
        )
        hall = hall.model_copy(update={"people": (*hall.people, named)})
    with store.transaction(huaiyin.office.engine) as conn:
        people.load_hall(conn, hall)
    lan = Browser(huaiyin, "lan")
    lan.send("/new/register", lan.get("/new/register"), 409, **FORM)
    missing = people.HallPerson(
        key="new_too", name="又一位", posts=(people.HallPost(unit="labour", role=lacking),)
    )
    with store.transaction(huaiyin.office.engine) as conn:
        people.load_hall(conn, hall.model_copy(update={"people": (*hall.people, missing)}))
    lan.send("/new/register", lan.get("/new/register"), 303, **FORM)
    assert huaiyin.numbers() == ["HYRS20230001"]


def test_a_citizen_who_names_that_unit_is_not_sent_away_for_it(huaiyin: World) -> None:
    case = huaiyin.tell("li", MATTER, unit="人力资源和社会保障局", ground="项目推不动", project_name="水池")
    assert huaiyin.again(case).unit_id is None
    assert huaiyin.told("qiu", case) == ["intake_card"]
    named = huaiyin.tell("he", MATTER, unit="住房和城乡建设局", ground="项目推不动", project_name="水池")
    assert of_unit(huaiyin, named) == "housing"
