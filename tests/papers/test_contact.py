"""F-HY-CONTACT: the contact form of a unit says whom its cards go to, and every change keeps what stood before."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import docx
import pytest

from core import contacts, forms, people, setup, store
from core.people import Hall
from core.refusals import Refusal
from tests.regions.test_huaiyin import SUBJECT, registered
from tests.reports.test_pages import Browser
from tests.world import World

HOUSING = [
    ("分管领导", "任晓梅"),
    ("职务", "副局长"),
    ("联系电话", "0517-88880202"),
    ("牵头科室", "办公室"),
    ("负责人", "高洁"),
    ("联系电话", "0517-88880203"),
    ("联系人", "卞丽"),
    ("职务", "科员"),
    ("联系电话", "0517-88880206"),
]


@pytest.fixture
def huaiyin(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("huaiyin", database_url, tmp_path / "files", start="2023-09-25T10:00")
    started(made, made.office.hall)
    yield made
    made.office.engine.dispose()


def started(world: World, hall: Hall) -> None:
    """The processes start anew with this hall file."""
    with store.transaction(world.office.engine) as conn:
        setup.settle(conn, hall, world.now)
    world.office = replace(world.office, hall=hall)


def moved(hall: Hall, **posts: str) -> Hall:
    """The hall with these people in another role of their unit, or in none ("")."""

    def now(person: people.HallPerson) -> people.HallPerson:
        if person.key not in posts:
            return person
        role = posts[person.key]
        told = tuple(post.model_copy(update={"role": role}) for post in person.posts if role)
        return person.model_copy(update={"posts": told})

    return hall.model_copy(update={"people": tuple(map(now, hall.people))})


def drawn(world: World, who: str, unit: str, number: int = 0) -> forms.Sheet:
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        return contacts.sheet(world.office, conn, person, unit, number)


def cells(sheet: forms.Sheet) -> list[tuple[str, str]]:
    return [(cell.label, "\n".join(cell.paragraphs)) for row in sheet.rows for cell in row.cells]


def versions(world: World, unit: str) -> list[int]:
    person = world.who("qiu")
    with store.transaction(world.office.engine) as conn:
        found = contacts.directory(world.office, conn, person)
    return next([v.number for v in entry.versions] for entry in found if entry.unit.key == unit)


@pytest.mark.clause("HY-A2")
def test_the_form_has_the_labels_of_annex_2_and_the_people_that_cards_go_to(huaiyin: World) -> None:
    sheet = drawn(huaiyin, "gao", "housing")
    assert sheet.title == "“办不成事”工作联系表"
    assert "".join(ink.words for ink in sheet.head[0]) == "单位名称：住房和城乡建设局"
    assert cells(sheet) == HOUSING


@pytest.mark.clause("HY-A2")
def test_who_takes_over_stands_in_the_form_gets_the_matters_and_the_former_form_stays(huaiyin: World) -> None:
    given: dict[str, Any] = {"subject": SUBJECT, "level": "complex", "unit": "housing"}
    before = huaiyin.do("qiu", registered(huaiyin, "qiu", intake_channel="meeting"), "dispatch", **given)
    assert "dispatch_card" in huaiyin.told("bian", before)
    huaiyin.now += timedelta(days=1)
    started(huaiyin, moved(huaiyin.office.hall, bian="", hao="unit_liaison"))
    assert versions(huaiyin, "housing") == [2, 1]
    assert versions(huaiyin, "land") == [1]  # nothing changed there
    assert ("联系人", "郝强") in cells(drawn(huaiyin, "qiu", "housing"))
    assert cells(drawn(huaiyin, "qiu", "housing", 1)) == HOUSING
    after = huaiyin.do("qiu", registered(huaiyin, "qiu", intake_channel="meeting"), "dispatch", **given)
    assert "dispatch_card" in huaiyin.told("hao", after)
    assert "dispatch_card" not in huaiyin.told("bian", after)
    started(huaiyin, huaiyin.office.hall)  # another start with the same file is no change
    assert versions(huaiyin, "housing") == [2, 1]


@pytest.mark.clause("HY-A2")
def test_the_office_reads_every_units_form_and_a_unit_its_own(huaiyin: World) -> None:
    assert drawn(huaiyin, "tao", "land").title
    assert drawn(huaiyin, "shi", "land").title
    for who, unit in (("gao", "land"), ("mi", "housing"), ("tao", "hotline"), ("tao", "nowhere")):
        with pytest.raises(Refusal, match="not_yours"):
            drawn(huaiyin, who, unit)
    with pytest.raises(Refusal, match="unknown_case"):
        drawn(huaiyin, "tao", "land", 7)
    office, section = Browser(huaiyin, "qiu"), Browser(huaiyin, "gao")
    assert '<a class="link" href="/units">' in office.get("/desk")
    assert "自然资源和规划局" in office.get("/units")
    assert "自然资源和规划局" not in section.get("/units")
    section.get("/units/land", 403)
    assert Browser(huaiyin, "li").client.get("/units").status_code == 403


@pytest.mark.clause("HY-A2")
def test_it_is_drawn_as_page_word_and_pdf(huaiyin: World) -> None:
    office = Browser(huaiyin, "qiu")
    page = office.get("/units/housing")
    word = docx.Document(io.BytesIO(office.download("/units/housing?as=docx")))
    text = "\n".join(cell.text for table in word.tables for row in table.rows for cell in row.cells)
    for label, value in HOUSING:
        assert label in page and value in page
        assert label in text and value in text
    assert office.download("/units/housing?as=pdf").startswith(b"%PDF")


def test_a_form_with_gaps_says_so(huaiyin: World) -> None:
    page = Browser(huaiyin, "qiu").get("/units")
    assert page.count("没有填全") == 1
    assert "没有填全" in page.split("人力资源和社会保障局")[0].rsplit("<li", 1)[1]


def test_rules_without_such_a_form_have_no_page_of_it(hall: World) -> None:
    started(hall, hall.office.hall)
    assert '<a class="link" href="/units">' not in Browser(hall, "zhou").get("/desk")
    assert "没有联系表" in Browser(hall, "zhou").get("/units")
