"""The stage: what it serves, and what a person can do on it, in a browser."""

import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from werkzeug.wrappers import Response

from core.people import Hall
from core.workdays import OfficeHours
from deploy.sandbox.platform import serve
from deploy.sandbox.stage import stage
from tests.sandbox.stage import Clocks, Stage

HALL = Path(stage.__file__).parents[1] / "halls" / "xiangjiang.toml"
PEOPLE = (
    stage.Player("o-li", "李梅", "群众", "wechat", "#a45a6b"),
    stage.Player("Zhang", "老张", "承办人", "wecom", "#b4632d"),
    stage.Player("chen", "陈局", "主要负责同志", "wecom", "#5b4a8a"),
    stage.Player("xiao", "肖静", "政务服务中心", "wecom", "#2f5d8f"),
)

Json = dict[str, Any]


@dataclass
class Story:
    """Who tells the story: a clock to push and lines of what was said."""

    clocks: Clocks
    pushed: list[str] = field(default_factory=list)
    lines: list[Json] = field(default_factory=list)

    def clock(self) -> Json:
        return {"now": self.clocks.case.isoformat(), "working_day": self.clocks.case.isoweekday() < 6}

    def push(self, kind: str) -> Json:
        self.pushed.append(kind)
        self.clocks.case += timedelta(days=5)
        return {"now": self.clocks.case.isoformat(), "steps": 2}

    def log(self, since: int) -> list[Json]:
        return [line for line in self.lines if line["id"] > since]

    def config(self, wechat: str, wecom: str, app: str) -> stage.Config:
        return stage.Config(
            wechat=wechat,
            wecom=wecom,
            app=app,
            people=PEOPLE,
            clock=self.clock,
            push=self.push,
            log=self.log,
        )


@pytest.fixture
def story(clocks: Clocks) -> Story:
    return Story(clocks)


@pytest.fixture
def client(story: Story) -> FlaskClient:
    return stage.create(story.config("http://wx.test", "http://qy.test", "http://app.test")).test_client()


def test_the_page_is_told_where_everything_is_and_who_plays(client: FlaskClient) -> None:
    told = client.get("/config.json").get_json()
    assert (told["wechat"], told["wecom"], told["app"]) == (
        "http://wx.test",
        "http://qy.test",
        "http://app.test",
    )
    assert told["control"] == "/control"
    assert told["people"][0] == {
        "id": "o-li",
        "name": "李梅",
        "title": "群众",
        "platform": "wechat",
        "colour": "#a45a6b",
    }


def test_the_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    with client.get("/") as page:
        assert "办成" in page.get_data(as_text=True)
    for name in Path(stage.__file__).with_name("static").iterdir():
        with client.get(f"/{name.name}") as answer:
            assert answer.status_code == 200
        if name.suffix in (".html", ".css", ".js"):
            assert "https://" not in name.read_text("utf-8")


def test_control_tells_the_time(client: FlaskClient) -> None:
    assert client.get("/control/clock").get_json() == {
        "now": "2025-01-06T01:00:00+00:00",
        "working_day": True,
    }


@pytest.mark.parametrize("kind", ["minutes:10", "hours:1", "next_morning", "after_limit", "days:3"])
def test_control_pushes_the_time(client: FlaskClient, story: Story, kind: str) -> None:
    answer = client.post("/control/push", json={"to": kind}).get_json()
    assert (story.pushed, answer["steps"]) == ([kind], 2)


@pytest.mark.parametrize("kind", ["", "minutes", "minutes:0", "days:-3", "years:1", "next_morning;", 7, None])
def test_control_pushes_nowhere_else(client: FlaskClient, story: Story, kind: object) -> None:
    assert client.post("/control/push", json={"to": kind}).status_code == 400
    assert story.pushed == []


def test_another_site_cannot_push(client: FlaskClient, story: Story) -> None:
    """A form of another site can post, but not JSON."""
    assert client.post("/control/push", data='{"to": "days:3"}', content_type="text/plain").status_code == 415
    assert story.pushed == []


def test_control_tells_what_is_new_in_the_log(client: FlaskClient, story: Story) -> None:
    story.lines = [{"id": number, "text": f"第{number}句"} for number in (1, 2, 3)]
    assert [line["id"] for line in client.get("/control/log?since=1").get_json()] == [2, 3]


def test_a_page_is_opened_as_somebody_who_was_never_there(client: FlaskClient) -> None:
    client.set_cookie("session", "of somebody else")
    answer = client.get("/open", query_string={"person": "chen", "to": "http://app.test/case?x=1"})
    assert answer.headers["Location"] == "http://app.test/case?x=1&as=wecom"
    assert client.get_cookie("session") is None
    cookie = client.get_cookie("sandbox_person")
    assert cookie is not None and cookie.value == "chen"


@pytest.mark.parametrize(
    "to", ["http://elsewhere.test/", "//app.test/", "http://app.test.evil/", "javascript:alert(1)"]
)
def test_only_pages_of_the_app_are_opened(client: FlaskClient, to: str) -> None:
    assert client.get("/open", query_string={"person": "chen", "to": to}).status_code == 400


def test_the_hall_of_the_demonstration() -> None:
    hall = Hall.model_validate(tomllib.loads(HALL.read_text("utf-8")))
    OfficeHours.read(hall.hours)
    assert {post.unit for person in hall.people for post in person.posts} == {unit.key for unit in hall.units}
    userids = [person.addresses["wecom"] for person in hall.people]
    assert len(set(userids)) == len(userids)
    roles: dict[str, set[str]] = {}
    for person in hall.people:
        for post in person.posts:
            roles.setdefault(post.unit, set()).add(post.role)
    units = [unit for unit in hall.units if unit.kind in ("unit", "company", "external")]
    assert all(unit.group == f"wecom:{unit.key}" for unit in units)
    whole = {"unit_head", "unit_deputy_head", "handler", "unit_liaison"}
    assert {unit.key: whole - roles[unit.key] for unit in units if roles[unit.key] != whole} == {
        "labour": {"unit_deputy_head"}
    }


# ---- In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def pages() -> Flask:
    """An app of one page: who is looking, and who looked before as far as its session tells."""
    app = Flask(__name__)

    @app.get("/case")
    def case() -> Response:
        answer = app.make_response(
            f"{request.cookies['sandbox_person']} 之前是 {request.cookies.get('session')}"
        )
        answer.set_cookie("session", request.cookies["sandbox_person"])
        return answer

    return app


@pytest.fixture
def app_url() -> Iterator[str]:
    with serve(pages()) as running:
        yield running.url


@pytest.fixture
def page(browser: Browser, citizen: Stage, corp: Stage, story: Story, app_url: str) -> Iterator[Page]:
    corp.act("people", id="xiao", name="肖静")
    config = story.config(citizen.running.url, corp.running.url, app_url)
    with serve(stage.create(config)) as running:
        shown = browser.new_page(viewport={"width": 1440, "height": 900})
        shown.set_default_timeout(5000)
        errors: list[str] = []
        shown.on("pageerror", lambda error: errors.append(str(error)))
        shown.goto(running.url)
        expect(shown.locator("#clock-time")).to_have_text("09:00")
        yield shown
        shown.close()
        assert errors == []


def phone(page: Page, name: str) -> Locator:
    """The phone somebody holds."""
    return page.locator(".frame", has=page.locator(".who b", has_text=name))


def send_card(corp: Stage, no: str, to: str, url: str = "") -> str:
    """A card with a button, and one that opens a page when `url` is given; returns its response_code."""
    buttons: list[Json] = [{"text": "签收", "key": "accept"}]
    if url:
        buttons.append({"text": "看详情", "type": 1, "url": url})
    card = {
        "card_type": "button_interaction",
        "main_title": {"title": f"请签收 {no}"},
        "horizontal_content_list": [{"keyname": "期限", "value": "1月9日"}],
        "task_id": no,
        "button_list": buttons,
    }
    body = {"touser": to, "msgtype": "template_card", "agentid": 1000002, "template_card": card}
    return str(corp.call("message/send", body)["response_code"])


def test_a_citizen_types_and_taps_an_answer(page: Page, citizen: Stage) -> None:
    citizen.app.answers = [
        {
            "MsgType": "text",
            "Content": "是谁的事？\n"
            '<a href="weixin://bizmsgmenu?msgmenucontent=我自己&msgmenuid=101">我自己的事</a>\n'
            '<a href="weixin://bizmsgmenu?msgmenucontent=家里人&msgmenuid=102">家里人的事</a>',
        },
        {"MsgType": "text", "Content": "<b>记下了</b>"},
    ]
    chat = phone(page, "李梅")
    chat.get_by_role("textbox").fill("房子过户办不下来")
    chat.get_by_role("textbox").press("Enter")
    expect(chat.locator(".line.mine .bubble")).to_have_text("房子过户办不下来")
    expect(chat.get_by_role("textbox")).to_have_value("")
    expect(chat.locator(".line:not(.mine) .bubble")).to_have_text("是谁的事？")
    chat.get_by_role("button", name="家里人的事").click()
    expect(chat.locator(".line.mine .bubble").nth(1)).to_have_text("家里人")
    expect(chat.locator(".line:not(.mine) .bubble").nth(1)).to_have_text("<b>记下了</b>")
    assert citizen.app.heard[-1]["bizmsgmenuid"] == "102"


def test_a_citizen_sends_a_picture_and_leaves(page: Page, citizen: Stage) -> None:
    chat = phone(page, "李梅")
    chat.get_by_label("发照片或语音").click()
    chat.get_by_role("button", name="发示例照片").click()
    expect(chat.locator("img.picture")).to_be_visible()
    assert citizen.app.heard[-1]["MsgType"] == "image"
    chat.get_by_label("更多").click()
    chat.get_by_role("button", name="取消关注").click()
    expect(chat.locator(".follow")).to_be_visible()
    expect(chat.get_by_role("textbox")).to_have_count(0)


def test_a_pressed_button_changes_the_card(page: Page, corp: Stage) -> None:
    send_card(corp, "T-1", "Zhang")
    chat = phone(page, "老张")
    expect(chat.locator("dl")).to_have_text("期限1月9日")
    with page.expect_response("**/_sandbox/tap"):
        chat.get_by_role("button", name="签收").click()
    pressed = corp.app.heard[-1]
    assert (pressed["EventKey"], pressed["TaskId"]) == ("accept", "T-1")
    update = {"userids": ["zhang"], "agentid": 1000002, "button": {"replace_name": "老张 已签收"}}
    corp.call("message/update_template_card", {**update, "response_code": pressed["ResponseCode"]})
    expect(chat.get_by_role("button", name="老张 已签收")).to_be_disabled()
    expect(chat.get_by_role("button", name="签收", exact=True)).to_have_count(0)


def test_a_card_for_somebody_else_waits_behind_a_badge(page: Page, corp: Stage) -> None:
    first = page.locator(".frame.wecom").first
    send_card(corp, "T-1", "xiao")
    waiting = first.locator("[data-person=xiao]")
    expect(waiting.locator(".badge")).to_have_text("1")
    waiting.click()
    expect(first.locator(".who b")).to_have_text("肖静")
    expect(first.get_by_text("请签收 T-1")).to_be_visible()
    expect(waiting.locator(".badge")).to_be_hidden()


def test_two_phones_change_hands(page: Page) -> None:
    first, second = page.locator(".frame.wecom").first, page.locator(".frame.wecom").last
    first.locator("[data-person=chen]").click()
    expect(first.locator(".who b")).to_have_text("陈局")
    expect(second.locator(".who b")).to_have_text("老张")


def test_a_unit_reads_its_group(page: Page, corp: Stage, app_url: str) -> None:
    corp.call(
        "appchat/create",
        {"chatid": "g1", "name": "住建局工作群", "owner": "chen", "userlist": ["Zhang", "chen"]},
    )
    textcard = {
        "title": "交办 XJ202500001",
        "description": '<div class="highlight">1月9日前</div>',
        "url": f"{app_url}/case",
    }
    corp.call("appchat/send", {"chatid": "g1", "msgtype": "textcard", "textcard": textcard})
    group = page.locator(".frame.group")
    expect(group.locator(".who b")).to_have_text("住建局工作群")
    group.get_by_label("以谁的身份看").select_option("chen")
    group.get_by_text("交办 XJ202500001").click()
    expect(group.frame_locator("iframe").locator("body")).to_have_text("chen 之前是 None")


def test_each_person_opens_pages_as_themselves(page: Page, corp: Stage, app_url: str) -> None:
    send_card(corp, "T-1", "Zhang|chen", url=f"{app_url}/case")
    for name, person in (("老张", "Zhang"), ("陈局", "chen")):
        phone(page, name).get_by_role("button", name="看详情").click()
        expect(phone(page, name).frame_locator("iframe").locator("body")).to_have_text(
            f"{person} 之前是 None"
        )
    expect(page.locator("iframe")).to_have_count(1)
    page.get_by_label("关闭").click()
    expect(page.locator("iframe")).to_have_count(0)


def test_time_is_pushed_and_told(page: Page, story: Story) -> None:
    expect(page.locator("#clock-kind")).to_have_text("工作日")
    page.get_by_role("button", name="下个工作日早上").click()
    expect(page.locator("#clock-date")).to_have_text("1月11日 周六")
    expect(page.locator("#clock-kind")).to_have_text("休息日")
    assert story.pushed == ["next_morning"]


def test_the_drawer_tells_who_heard_what_under_which_clause(page: Page, story: Story) -> None:
    heard = {"who": "李梅", "text": "已经交办住建局", "clause": "第二部分（二）"}
    story.lines.append({"id": 1, "at": "2025-01-06T01:00:00+00:00", **heard})
    expect(page.locator("#log-button .badge")).to_have_text("1")
    page.locator("#log-button").click()
    expect(page.locator("#log li")).to_have_text("1月6日 周一 09:00李梅已经交办住建局第二部分（二）")
    expect(page.locator("#log-button .badge")).to_be_hidden()


def test_a_fault_is_armed(page: Page, citizen: Stage) -> None:
    page.locator("#faults summary").click()
    page.locator("#faults [name=kind]").select_option("drop")
    page.get_by_role("button", name="装上").click()
    expect(page.locator(".armed")).to_have_text("装上了：公众号，根本没到，1 次")
    citizen.act("say", person="o-li", kind="text", text="听得到吗")
    assert [row["outcome"] for row in citizen.callbacks()] == ["dropped"]


def test_after_a_reset_the_chats_are_empty(page: Page, citizen: Stage) -> None:
    chat = phone(page, "李梅")
    citizen.act("say", person="o-li", kind="text", text="从前的事")
    expect(chat.get_by_text("从前的事")).to_be_visible()
    citizen.act("reset")
    expect(chat.get_by_text("从前的事")).to_have_count(0)
    citizen.act("say", person="o-li", kind="text", text="重新来过")
    expect(chat.get_by_text("重新来过")).to_be_visible()


def test_on_a_narrow_screen_one_column_shows(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".frame:visible")).to_have_count(1)
    page.get_by_role("tab", name="责任单位").click()
    expect(page.locator(".frame.group")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
