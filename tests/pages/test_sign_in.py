"""Signing in through both platforms, against the stand-ins that speak their protocol."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
import urllib3
from flask.testing import FlaskClient

from core import people, store
from core.settings import Settings
from deploy.sandbox import wechat, wecom
from deploy.sandbox.platform import Person, serve
from tests.pages.world import World

HTTP = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=5))
AES_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
PHONE = {"wechat": "Mozilla MicroMessenger/8.0", "wecom": "Mozilla wxwork/4.1 MicroMessenger/7.0"}


@pytest.fixture
def settings(world: World) -> Iterator[Settings]:
    """Both stand-ins, with 李梅 on one and two members on the other of whom we know one."""
    common: dict[str, Any] = {
        "secret": "s3cret",
        "token": "t",
        "aes_key": AES_KEY,
        "callback": "",
        "case_clock": lambda: world.now,
        "machine": lambda: world.now.timestamp(),
        "sleep": lambda seconds: None,
    }
    citizens = (Person("o-li", "李梅"),)
    members = (Person("Handler", "老张"), Person("newcomer", "新人"))
    left = wechat.Config(app_id="wx01", account="gh_01", people=citizens, **common)
    right = wecom.Config(app_id="ww01", people=members, **common)
    with serve(wechat.create(left)) as chat, serve(wecom.create(right)) as work:
        yield Settings.model_validate(
            {
                **world.settings.model_dump(),
                "wechat_app_id": "wx01",
                "wechat_secret": "s3cret",
                "wechat_api": chat.url,
                "wechat_oauth": chat.url,
                "wecom_corp_id": "ww01",
                "wecom_agent_id": 1000002,
                "wecom_secret": "s3cret",
                "wecom_api": work.url,
                "wecom_oauth": work.url,
            }
        )


def through(browser: FlaskClient, channel: str, who: str, start: str) -> Any:
    """From our sign-in address through the platform's page and back to us."""
    begun = browser.get(start, headers={"User-Agent": PHONE[channel]})
    assert begun.status_code == 302
    sent = HTTP.request("GET", begun.location.split("#")[0] + f"&sandbox_person={who}", redirect=False)
    back = urlsplit(sent.headers["Location"])
    assert back.netloc == "127.0.0.1:8000"
    return browser.get(f"{back.path}?{back.query}")


def test_a_citizen_comes_in_and_reaches_the_page_asked_for(world: World, settings: Settings) -> None:
    case = world.submitted()
    with store.transaction(world.engine) as conn:
        people.bind(conn, case.contact_id or 0, "wechat", "o-li")
    browser = world.app(settings).test_client()
    asked = browser.get(f"/c/{case.ref}", headers={"User-Agent": PHONE["wechat"]})
    chosen = browser.get(asked.location, headers={"User-Agent": PHONE["wechat"]})

    answer = through(browser, "wechat", "o-li", chosen.location)

    assert answer.status_code == 302
    assert answer.location == f"/c/{case.ref}"
    cookie = answer.headers.getlist("Set-Cookie")[0]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    assert browser.get(answer.location).status_code == 200


def test_an_officer_comes_in_inside_the_client_and_at_a_desk(world: World, settings: Settings) -> None:
    for start in ("/in/wecom?next=/desk", "/in/wecom"):
        browser = world.app(settings).test_client()
        answer = through(browser, "wecom", "Handler", start)
        assert answer.location == "/desk"
        assert "老张" in browser.get("/desk").text
    desk = world.app(settings).test_client().get("/in/wecom")
    assert "/wwlogin/sso/login?" in desk.location


def test_a_member_nobody_registered_reads_where_to_turn(world: World, settings: Settings) -> None:
    browser = world.app(settings).test_client()

    answer = through(browser, "wecom", "newcomer", "/in/wecom")

    assert answer.status_code == 403
    assert "还没有登记" in answer.text
    assert browser.get("/desk").status_code == 302


@pytest.mark.parametrize(
    ("agent", "lands"),
    [(PHONE["wechat"], "/in/wechat"), (PHONE["wecom"], "/in/wecom"), ("Firefox", "")],
)
def test_the_client_decides_the_way_and_elsewhere_both_are_offered(
    world: World, settings: Settings, agent: str, lands: str
) -> None:
    browser = world.app(settings).test_client()

    answer = browser.get("/in?next=/desk", headers={"User-Agent": agent})

    if lands:
        assert answer.location == f"{lands}?next=%2Fdesk"
    else:
        assert "/in/wechat?next=%2Fdesk" in answer.text and "/in/wecom?next=%2Fdesk" in answer.text
        assert browser.get("/in?as=wecom").location == "/in/wecom?next=%2Fdesk"


def test_a_state_serves_once_in_one_browser_for_ten_minutes(world: World, settings: Settings) -> None:
    app = world.app(settings)
    victim, thief = app.test_client(), app.test_client()
    state = parse_qs(urlsplit(thief.get("/in/wechat").location).query)["state"][0]
    assert state.isalnum()
    assert victim.get(f"/in/wechat/back?code=c&state={state}").status_code == 400

    late = app.test_client()
    state = parse_qs(urlsplit(late.get("/in/wechat").location).query)["state"][0]
    world.now += timedelta(minutes=10)
    assert late.get(f"/in/wechat/back?code=c&state={state}").status_code == 400

    other = app.test_client()
    state = parse_qs(urlsplit(other.get("/in/wechat").location).query)["state"][0]
    assert other.get(f"/in/wecom/back?code=c&state={state}").status_code == 400
    assert other.get(f"/in/wechat/back?code=c&state={state}").status_code == 400


def test_a_code_that_proves_nobody_signs_nobody_in(world: World, settings: Settings) -> None:
    browser = world.app(settings).test_client()
    state = parse_qs(urlsplit(browser.get("/in/wechat").location).query)["state"][0]

    answer = browser.get(f"/in/wechat/back?code=forged&state={state}")

    assert answer.status_code == 403
    assert browser.get("/desk").status_code == 302


def test_a_platform_that_does_not_answer_is_said_kindly(world: World, settings: Settings) -> None:
    away = Settings.model_validate({**settings.model_dump(), "wechat_api": "http://127.0.0.1:9"})
    browser = world.app(away).test_client()
    state = parse_qs(urlsplit(browser.get("/in/wechat").location).query)["state"][0]

    answer = browser.get(f"/in/wechat/back?code=c&state={state}")

    assert answer.status_code == 503
    assert "0731-88880000" in answer.text


@pytest.mark.parametrize(
    "next_",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/%0d%0aX: y", "javascript:1", "/\tx"],
)
def test_nobody_is_sent_off_to_another_site(world: World, settings: Settings, next_: str) -> None:
    browser = world.app(settings).test_client()
    begun = browser.get("/in/wechat", query_string={"next": next_})
    sent = HTTP.request("GET", begun.location.split("#")[0] + "&sandbox_person=o-li", redirect=False)
    back = urlsplit(sent.headers["Location"])

    answer = browser.get(f"{back.path}?{back.query}")

    assert answer.location == "/desk"


def test_cookies_travel_by_https_only_where_there_is_https(world: World, settings: Settings) -> None:
    safe = Settings.model_validate({**settings.model_dump(), "base_url": "https://hall.example"})

    answer = world.app(safe).test_client().get("/in/wechat")

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-bancheng-state=") and "Secure" in cookie and "Path=/" in cookie
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert "hall.example%2Fin%2Fwechat%2Fback" in answer.location


def test_secrets_stand_in_the_database_as_hashes(world: World, settings: Settings) -> None:
    browser = world.app(settings).test_client()
    through(browser, "wechat", "o-li", "/in/wechat")
    cookie = browser.get_cookie("bancheng")
    assert cookie and len(cookie.value) >= 32

    with store.transaction(world.engine) as conn:
        rows = conn.execute(sa.select(store.login.c.id_hash)).scalars().all()
        states = conn.execute(sa.select(sa.func.count()).select_from(store.ticket)).scalar()

    assert cookie.value not in rows and len(rows) == 1
    assert states == 0
