"""The form page in a telephone's browser: what its script shows, keeps and says."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Dialog, Page, ViewportSize, expect, sync_playwright
from werkzeug.serving import make_server

from tests.pages.world import World

PHONE: ViewportSize = {"width": 375, "height": 667}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def site(world: World) -> Iterator[str]:
    """The address of the hall's pages."""
    app = world.app()
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def phone(browser: Browser, world: World, site: str, who: str) -> Page:
    """A telephone in the hand of somebody who has signed in."""
    secret = world.screen(who).client.get_cookie("bancheng")
    assert secret
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    context.add_cookies([{"name": "bancheng", "value": secret.value, "url": site}])
    return context.new_page()


@pytest.fixture
def officer(browser: Browser, world: World, site: str) -> Iterator[Page]:
    """The handler's telephone, on the form of the result."""
    case = world.acts("handler", world.dispatched(), "sign_for")
    page = phone(browser, world, site, "handler")
    page.goto(f"{site}/c/{case.ref}/hand_in")
    yield page
    page.context.close()


def test_a_field_comes_up_with_the_answer_it_belongs_to(officer: Page) -> None:
    reason = officer.locator("[data-field=unsolved_reason]")
    expect(reason).to_be_hidden()
    officer.get_by_label("否", exact=True).check()
    expect(reason).to_be_visible()
    expect(reason.locator(".must")).to_be_visible()
    officer.get_by_label("是", exact=True).check()
    expect(reason).to_be_hidden()


def test_what_was_typed_is_still_there_after_a_reload_and_gone_once_it_is_sent(
    officer: Page, world: World
) -> None:
    officer.get_by_label("办理结果").fill("已经换发。")
    officer.get_by_label("否", exact=True).check()
    officer.reload()
    expect(officer.get_by_label("办理结果")).to_have_value("已经换发。")
    expect(officer.get_by_label("否", exact=True)).to_be_checked()
    expect(officer.locator("[data-field=unsolved_reason]")).to_be_visible()

    officer.get_by_label("是", exact=True).check()
    officer.get_by_label("所办理事项").fill("执照变更")
    officer.locator(".acts .primary").click()
    officer.wait_for_url(re.compile("did=hand_in"))
    assert officer.evaluate("Object.keys(sessionStorage).length") == 0


def test_the_next_person_at_the_screen_reads_nothing_of_it(
    officer: Page, browser: Browser, world: World, site: str
) -> None:
    officer.get_by_label("办理结果").fill("已经换发。")
    other = world.screen("window").client.get_cookie("bancheng")
    assert other
    officer.context.add_cookies([{"name": "bancheng", "value": other.value, "url": site}])
    officer.goto(f"{site}/new/register")
    assert officer.evaluate("Object.keys(sessionStorage).length") == 0


def test_what_is_wrong_stands_beside_its_field_and_in_sight(officer: Page) -> None:
    officer.get_by_label("所办理事项").fill("执照变更")
    officer.locator(".acts .primary").click()
    wrong = officer.locator("[data-field=result]")
    expect(wrong.locator(".problem")).to_contain_text("还没有填")
    expect(wrong.locator(".problem")).to_be_in_viewport()
    expect(officer.get_by_label("所办理事项")).to_have_value("执照变更")


def test_while_files_are_on_their_way_it_says_so_and_is_not_sent_twice(officer: Page, tmp_path: Path) -> None:
    Image.effect_noise((900, 900), 80).save(tmp_path / "现场.png")
    size = (tmp_path / "现场.png").stat().st_size
    officer.locator("input[type=file]").first.set_input_files(tmp_path / "现场.png")
    expect(officer.locator(".sending")).to_be_hidden()
    # Held on the line: what the page says meanwhile is what a slow network shows.
    officer.evaluate(
        "document.querySelector('form.sheet').addEventListener('submit', (e) => e.preventDefault())"
    )
    officer.locator(".acts .primary").click()
    expect(officer.locator(".sending")).to_be_visible()
    expect(officer.locator(".sending")).to_contain_text(f"{size / 1048576:.1f} MB")
    assert officer.locator("form.sheet").get_attribute("data-sent") == "1"


def test_too_much_at_once_is_stopped_before_it_leaves(officer: Page, tmp_path: Path) -> None:
    officer.evaluate("document.querySelector('form.sheet').dataset.cap = 10")
    (tmp_path / "说明.txt").write_text("超过十个字节的说明", "utf-8")
    officer.locator("input[type=file]").first.set_input_files(tmp_path / "说明.txt")
    said: list[str] = []

    def answer(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.accept()

    officer.on("dialog", answer)
    officer.locator(".acts .primary").click()
    assert said and "太大" in said[0] and "did=" not in officer.url


def test_on_a_telephone_nothing_runs_out_of_the_screen(officer: Page) -> None:
    assert officer.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for button in officer.locator("button, input[type=radio] + span").all():
        box = button.bounding_box()
        assert box is None or box["x"] + box["width"] <= PHONE["width"]
