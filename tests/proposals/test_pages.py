"""The pages: put on record, look at the evidence, decide, appeal; each for those whose it is."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
from werkzeug.test import TestResponse

from bot.cards.draw import desk_card
from bot.words import Words
from core import logins, store
from core.settings import Settings
from tests.pages.world import Screen, hidden_of
from tests.pages.world import World as Hall
from tests.proposals.desk import do, every, record, unit_of
from tests.regions import test_putuo as pt
from tests.regions.test_longhui import send, tell
from tests.world import World

Open = Callable[[str], Screen]


@pytest.fixture
def county(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("longhui", sqlite_url, tmp_path / "files", start="2022-04-11T09:30")
    yield made
    made.office.engine.dispose()


def screens(world: World) -> Open:
    """`screens(world)(key)`: the browser of a member of staff, signed in."""
    settings = Settings.model_validate(
        {
            "database_url": str(world.office.engine.url),
            "keys": "k1:",
            "hall": Path("hall.toml"),
            "files": world.office.files,
            "base_url": "http://127.0.0.1:8000",
        }
    )
    hall = Hall(world.office, world.now, settings)
    app = hall.app()

    def screen(key: str) -> Screen:
        hall.now = world.now
        person = world.who(key)
        with store.transaction(world.office.engine) as conn:
            secret = logins.sign_in(conn, person.id, "wecom", world.now)
        client = app.test_client()
        client.set_cookie("bancheng", secret)
        return Screen(client, hall, person)

    return screen


def post(screen: Screen, path: str, of: str, **values: str) -> TestResponse:
    return screen.client.post(path, data={**hidden_of(screen.open(of)), **values})


def test_from_the_record_to_the_sheet(county: World) -> None:
    case = send(county, tell(county))
    screen = screens(county)
    section, chief = screen("kuang"), screen("hui")
    drawn = section.open("/proposals")
    assert "/proposals/record/fault" in drawn and "/proposals/record/absence" in drawn

    form = f"/proposals/record/fault?case={case.number}"
    gap = post(
        section, "/proposals/record/fault", form, case=case.number or "", code="careless", words="属实"
    )
    assert gap.status_code == 422 and "属实" in gap.text
    given = {
        "case": case.number or "",
        "person": str(county.who("bu").id),
        "code": "careless",
        "words": "属实",
    }
    assert post(section, "/proposals/record/fault", form, **given).location == "/proposals?did=2"

    unit, person = every(county)
    assert "卜丽" in section.open(f"/proposals/{person.ref}")
    assert chief.get(f"/proposals/{unit.ref}").status_code == 403, "what is only proposed is not told"
    here = f"/proposals/{unit.ref}"
    assert post(section, f"{here}/refuse", here).status_code == 422
    assert post(section, f"{here}/confirm", here).status_code == 303
    assert "审核不严" in chief.open(here) and "属实" in chief.open(here)
    assert post(chief, f"{here}/appeal", here, words="材料当天就补齐了").status_code == 303
    assert "答复申诉" in section.open(here) and "答复申诉" not in chief.open(here)
    assert post(section, f"{here}/uphold", here, words="补齐在核实以后").status_code == 303

    sheet = section.get("/proposals/sheet", year="2022")
    rows = [[c.value for c in row] for row in openpyxl.load_workbook(io.BytesIO(sheet.data)).active.rows]  # type: ignore[union-attr]
    (total,) = [row for row in rows if row[0] == "不动产登记窗口合计"]
    assert total[6] == 1
    assert chief.get("/proposals/sheet").status_code == 403


def test_who_has_nothing_to_do_with_it_is_refused(county: World) -> None:
    (late,) = do(county, "kuang", "note_absence", county.who("mao").id, county.now.date(), "late")
    screen = screens(county)
    for key in ("bu", "ouyang", "jin"):
        stranger = screen(key)
        assert stranger.get(f"/proposals/{late.ref}").status_code == 403
        assert stranger.get("/proposals/record/late").status_code == 403
        assert "/proposals/" not in re.sub(r'href="/proposals\?[^"]*"', "", stranger.open("/proposals"))
    assert "建议和决定" in screen("kuang").open("/desk")
    assert "建议和决定" not in screen("bu").open("/desk")
    citizen = county.who("li")
    with store.transaction(county.office.engine) as conn:
        secret = logins.sign_in(conn, citizen.id, "wechat", county.now)
    client = screen("kuang").client
    client.set_cookie("bancheng", secret)
    assert client.get("/proposals").status_code == 403


def test_a_page_drawn_for_somebody_else_decides_nothing(county: World) -> None:
    do(county, "kuang", "note_absence", county.who("mao").id, county.now.date(), "late")
    (late,) = every(county)
    screen = screens(county)
    theirs = hidden_of(screen("ling").open(f"/proposals/{late.ref}"))
    assert screen("kuang").client.post(f"/proposals/{late.ref}/confirm", data=theirs).status_code == 409
    assert every(county)[0].state == "proposed"


def test_one_field_left_empty_is_said_at_that_field_however_many_there_are(hall: World) -> None:
    (clue,) = record(hall, "gu", "shirking", hall.dispatch(hall.tell()), code="shirk")
    discipline, here = screens(hall)("gu"), f"/proposals/{clue.ref}"
    assert post(discipline, f"{here}/confirm", here, words="属实").status_code == 303
    again = post(discipline, f"{here}/add", here)
    assert again.status_code == 422 and again.text.count('<p class="problem">') == 1


@pytest.mark.clause("PT-7.4c")
def test_the_matter_says_that_a_clue_was_passed_on_and_no_more(sqlite_url: str, tmp_path: Path) -> None:
    putuo = World.of("putuo", sqlite_url, tmp_path / "files", start="2023-09-28T10:00")
    case = pt.registered(putuo)
    screen = screens(putuo)
    sender = screen("fang")
    form = f"/proposals/record/clue?case={case.number}"
    given = {"case": case.number or "", "unit": str(unit_of(putuo, "discipline")), "words": "有人收钱插队"}
    assert "线索已移送" not in sender.open(f"/c/{case.ref}")
    assert post(sender, "/proposals/record/clue", form, **given).status_code == 303
    for key in ("fang", "lu", "shen"):
        drawn = screen(key).open(f"/c/{case.ref}")
        assert "线索已移送" in drawn and "收钱" not in drawn
    (clue,) = every(putuo)
    assert "有人收钱插队" in screen("yan").open(f"/proposals/{clue.ref}")
    assert screen("lu").get(f"/proposals/{clue.ref}").status_code == 403
    putuo.office.engine.dispose()


def test_every_notice_is_drawn_without_a_name(county: World) -> None:
    case = send(county, tell(county))
    record(county, "kuang", "fault", case, person="bu", code="careless")
    data = next(m.data for m in county.outbox_of("ling") if m.notice == "proposal_wanted")
    for notice in ("proposal_wanted", "proposal_told", "proposal_sent", "proposal_appealed"):
        card = desk_card(Words(), county.rules, notice, clause="LH-17c", data=data, base_url="https://x")
        told = f"{card.title}{card.text}{card.rows}"
        assert card.url.startswith("https://x/proposals/") and "{" not in told and "卜丽" not in told
