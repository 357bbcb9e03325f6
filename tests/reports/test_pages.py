"""The pages of reports: who may open one, edit it, sign it, and what stands behind a figure."""

from __future__ import annotations

import io
import re
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from bot import pages
from bot.service import Service
from bot.words import Words
from core import logins, rosters, store
from core.privacy import make_key
from core.settings import Settings
from tests.reports.desk import days_pass, filed, notices, the_report, tick
from tests.world import World


class Browser:
    """A page opened by somebody who has signed in."""

    def __init__(self, world: World, who: str) -> None:
        self.world = world
        settings = Settings(
            database_url="sqlite://",
            hall=world.office.files,
            files=world.office.files,
            keys=SecretStr(f"k1:{make_key()}"),
            base_url="http://127.0.0.1",
        )
        self.service = service = Service(
            office=world.office,
            settings=settings,
            words=Words(),
            channels={},
            now=lambda: world.now,
            machine=lambda: world.now,
            ring=lambda *_: None,
        )
        app = Flask("pages", static_folder=None)
        app.config |= {"TESTING": True}
        app.register_blueprint(pages.blueprint(service))
        self.client: FlaskClient = app.test_client()
        person = world.who(who)
        with store.transaction(world.office.engine) as conn:
            secret = logins.sign_in(conn, person.id, "wecom", world.now)
        self.client.set_cookie("bancheng", secret)

    def get(self, path: str, code: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == code, (path, answer.status_code, answer.text[:300])
        return answer.text

    def download(self, path: str) -> bytes:
        answer = self.client.get(path)
        assert answer.status_code == 200
        return bytes(answer.data)

    def send(self, path: str, page: str, code: int = 303, **values: Any) -> str:
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)
        data = {"ticket": ticket[1] if ticket else "", **values}
        answer = self.client.post(path, data=data)
        assert answer.status_code == code, (path, answer.status_code, answer.text[:300])
        return answer.text


@pytest.fixture
def month(hall: World) -> World:
    hall.delivered(hall.result(hall.dispatch(hall.tell())))
    hall.tell("zhao")
    days_pass(hall, "2022-05-05T10:00")
    return hall


def text_of(page: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found
    return found[1]


def test_the_signer_edits_and_signs_and_nothing_changes_any_more(month: World) -> None:
    report, xiao = the_report(month, "analysis"), Browser(month, "xiao")
    path = f"/reports/{report.ref}"
    page = xiao.get(path)
    assert "共收到反映事项 2 件" in text_of(page)
    assert f'href="{path}"' in xiao.get("/reports")
    xiao.send(f"{path}/save", page, text=text_of(page) + "\n隐形壁垒：材料清单不统一。")
    page = xiao.get(path)
    assert "隐形壁垒" in text_of(page) and not the_report(month, "analysis").signed
    xiao.send(f"{path}/sign", page, text=text_of(page))
    page = xiao.get(path)
    assert "<textarea" not in page and "隐形壁垒" in page and "肖静" in page
    xiao.send(f"{path}/sign", page, 409, text="再签一次")
    assert notices(month, "yuanjp", "report_sent")
    assert "隐形壁垒" in Browser(month, "yuanjp").get(path)


def test_what_leads_to_a_person_is_not_kept_and_the_words_stay_on_the_page(month: World) -> None:
    report, xiao = the_report(month, "analysis"), Browser(month, "xiao")
    page = xiao.get(f"/reports/{report.ref}")
    again = xiao.send(f"/reports/{report.ref}/sign", page, 409, text="请联系 13800001234")
    assert text_of(again) == "请联系 13800001234" and 'role="alert"' in again
    assert not the_report(month, "analysis").signed


def test_a_draft_is_open_to_who_signs_it_alone_and_a_signed_one_to_its_readers(month: World) -> None:
    report = the_report(month, "analysis")
    path = f"/reports/{report.ref}"
    for who in ("yuanjp", "zhou", "chen"):
        Browser(month, who).get(path, 403)
    xiao = Browser(month, "xiao")
    page = xiao.get(path)
    xiao.send(f"{path}/sign", page, text=text_of(page))
    Browser(month, "yuanjp").get(path)
    Browser(month, "chen").get(path, 403)
    Browser(month, "chen").send(f"{path}/sign", page, 409, text="x")


def test_a_figure_opens_the_cases_it_counts_as_far_as_they_are_the_readers(month: World) -> None:
    report, xiao = the_report(month, "notice"), Browser(month, "xiao")
    path = f"/reports/{report.ref}"
    page = xiao.get(path)
    links = re.findall(rf'href="({path}/units/\d+/\d+)">(\d+)</a>', page)
    assert links
    for link, value in links:
        assert len(re.findall(r'<a href="/c/', xiao.get(link))) == int(value)
    xiao.send(f"{path}/sign", page, text=text_of(page))
    whole = re.findall(rf'({path}/units/\d+/1)">2</a>', page)[-1]  # what came in altogether
    land = Browser(month, "peng").get(whole)  # the head of a unit that has no case
    assert '<a href="/c/' not in land and "2 件不归您看" in land
    xiao.get(f"{path}/units/999/1", 404)


def test_the_figures_and_the_list_can_be_kept(month: World) -> None:
    report, xiao = the_report(month, "notice"), Browser(month, "xiao")
    with ZipFile(io.BytesIO(xiao.download(f"/reports/{report.ref}?as=xlsx"))) as book:
        sheets = [name for name in book.namelist() if "worksheets/sheet" in name]
        assert len(sheets) == 1 and "住房" in book.read(sheets[0]).decode()
    assert xiao.download(f"/reports/{report.ref}?as=pdf").startswith(b"%PDF")
    check = next(f for f in filed(month, "daily_check") if str(f.last) == "2022-04-11")
    page = xiao.get(f"/reports/{check.ref}/list")
    assert all(number in page for number in month.numbers())
    xiao.get(f"/reports/{report.ref}/list", 404)


def test_a_citizen_gets_no_report(month: World) -> None:
    tick(month)
    Browser(month, "li").get("/reports", 403)
    Browser(month, "li").get(f"/reports/{the_report(month, 'notice').ref}", 403)


def test_who_sets_the_roster_changes_a_day_and_others_only_read_it(hall: World) -> None:
    with store.transaction(hall.office.engine) as conn:
        rosters.tick(hall.office, conn, hall.now)
    xiao, zhou = Browser(hall, "xiao"), Browser(hall, "zhou")
    page = xiao.get("/rosters")
    assert "周敏" in page and "换人" in page
    assert "换人" not in zhou.get("/rosters") and "周敏" in zhou.get("/rosters")
    tan = hall.who("tan").id
    xiao.send("/rosters/window/put", page, day="2022-04-12", person=str(tan))
    assert "谭立新" in xiao.get("/rosters?did=put")
    zhou.send("/rosters/window/put", page, 409, day="2022-04-13", person=str(tan))  # not her page
    xiao.send("/rosters/nothing/put", xiao.get("/rosters"), 404, day="2022-04-13", person="1")
    xiao.send("/rosters/window/put", xiao.get("/rosters"), 404, day="x", person="1")
    Browser(hall, "li").get("/rosters", 403)
