"""What pages show, and that looking leaves a trace."""

from datetime import date

import pytest

from core import store
from core.desk import attach
from core.settings import Settings
from core.uploads import inspect
from tests.pages.world import Screens, World


def test_each_look_is_on_record(world: World, screen: Screens) -> None:
    case = world.dispatched()
    handler, li = screen("handler"), screen("li")

    handler.open(f"/c/{case.ref}")
    li.open(f"/c/{case.ref}")
    handler.open(f"/c/{case.ref}/ask")
    handler.get(f"/c/{case.ref}/papers/dispatch?variant=assign")
    screen("other").get(f"/c/{case.ref}")

    h, c = handler.person.id, li.person.id
    assert world.looks(case) == [
        (h, "page", ""),
        (c, "page", ""),
        (h, "form:ask", ""),
        (h, "paper:dispatch", ""),
    ]


def test_a_phone_is_shown_for_a_reason_once(world: World, screen: Screens) -> None:
    case = world.dispatched()
    handler = screen("handler")
    drawn = handler.open(f"/c/{case.ref}")
    assert "138****1234" in drawn

    shown = handler.send(f"/c/{case.ref}/reveal", drawn, reason="  约上门时间 ")

    assert "tel:13800001234" in shown.text
    assert "138****1234" in handler.open(f"/c/{case.ref}")
    assert (handler.person.id, "reveal", "约上门时间") in world.looks(case)


def test_no_reason_no_phone(world: World, screen: Screens) -> None:
    case = world.dispatched()
    handler = screen("handler")
    drawn = handler.open(f"/c/{case.ref}")

    blank = handler.send(f"/c/{case.ref}/reveal", drawn, reason="  ")
    forged = handler.client.post(f"/c/{case.ref}/reveal", data={"reason": "核实"})

    assert "tel:13800001234" not in blank.text + forged.text
    assert all(what != "reveal" for _, what, _ in world.looks(case))


@pytest.mark.clause("XJ-2.3b")
def test_the_limit_stands_with_its_day_and_its_clause(world: World, screen: Screens) -> None:
    case = world.dispatched()

    for name in ("handler", "li"):
        html = screen(name).open(f"/c/{case.ref}")
        # The tenth working day is a Sunday that the State Council made a working day.
        assert "4月24日（周日） 17:00" in html
        assert world.office.profile.clauses["XJ-2.3b"].text[:10] in html


@pytest.mark.clause("XJ-1.6")
def test_a_citizen_who_was_guided_reads_where_to_go_and_may_insist(world: World, screen: Screens) -> None:
    case = world.acts(
        "window", world.submitted(), "guide", exclusion="litigation", guidance_note="请带判决书"
    )

    html = screen("li").open(f"/c/{case.ref}")

    assert all(words in html for words in ("法院", "岳麓大道", "12368", "请带判决书", "仍请窗口看一看"))


def test_the_history_is_told_in_plain_words(world: World, screen: Screens) -> None:
    case = world.acts("handler", world.dispatched(), "sign_for")

    html = screen("window").open(f"/c/{case.ref}").split("经过")[1]

    assert [html.index(word) for word in ("签收", "交办", "确认受理", "提交")] == sorted(
        html.index(word) for word in ("签收", "交办", "确认受理", "提交")
    )
    assert "老张（责任人）" in html
    assert "sign_for" not in html


def test_an_overdue_case_is_in_words_and_on_the_list(world: World, screen: Screens) -> None:
    case = world.dispatched()
    world.passes(days=15)

    assert "“办理期限”已过期" in screen("window").open(f"/c/{case.ref}")
    assert case.number and case.number in screen("discipline").open("/desk?show=overdue")
    assert "签发督办单" in screen("discipline").open("/desk?show=mine")


def test_the_desk_lists_what_waits_for_this_person(world: World, screen: Screens) -> None:
    case = world.dispatched()
    assert case.number

    assert "等您：签收" in screen("handler").open("/desk")
    assert case.number not in screen("other").open("/desk")
    assert case.number not in screen("window").open("/desk?show=mine")
    assert "登记来访" in screen("window").open("/desk")
    assert "登记来访" not in screen("handler").open("/desk")
    assert case.number in screen("li").open("/desk")
    assert case.number not in screen("wang").open("/desk")


@pytest.mark.clause("XJ-2.1d", "XJ-3.1a")
def test_the_ledger_of_a_day_prints_with_a_column_to_sign(world: World, screen: Screens) -> None:
    case = world.dispatched()
    assert case.number
    window = screen("window")
    day = world.now.date()
    assert day == date(2022, 4, 11)

    html = window.open("/desk/ledger?day=2022-04-11")

    assert "核对人签字" in html
    assert case.number in html
    assert "当日没有登记事项" in window.open("/desk/ledger?day=2022-04-12")
    assert (window.person.id, "ledger", "") in world.looks(case)


@pytest.mark.clause("XJ-A3.1")
def test_one_sheet_prints_as_order_and_as_supervision(world: World, screen: Screens) -> None:
    case = world.dispatched()
    assert screen("window").get(f"/c/{case.ref}/papers/dispatch?variant=supervise").status_code == 409
    world.passes(days=15)
    world.acts("discipline", case, "supervise")

    order = screen("window").open(f"/c/{case.ref}/papers/dispatch?variant=assign&view=1")
    issued = screen("window").open(f"/c/{case.ref}/papers/dispatch?variant=supervise&view=1")

    assert "交办单" in order and "王小美" in order
    assert "督办单" in issued and "纪委老李" in issued
    assert "2022年4月29日" in issued


def test_a_paper_comes_as_word(world: World, screen: Screens) -> None:
    case = world.dispatched()

    answer = screen("li").get(f"/c/{case.ref}/papers/registration")

    assert answer.data.startswith(b"PK")
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_an_attachment_is_downloaded_and_only_pictures_and_sound_are_shown(
    world: World, screen: Screens
) -> None:
    case = world.dispatched()
    files = {"说明.txt": "一页".encode(), "录音.amr": b"#!AMR\n" + b"\x04" * 20}
    with store.transaction(world.engine) as conn:
        for name, data in files.items():
            file = attach.NewFile(inspect(data, name, 1000), name)
            attach.keep(world.office, conn, case.id, file, "material", None, world.now)
        refs = {a.name: a.ref for a in attach.of_case(conn, world.office.vault, case.id)}
    window = screen("window")

    for name, inline in (("说明.txt", False), ("录音.amr", True)):
        plain, asked = window.get(f"/a/{refs[name]}"), window.get(f"/a/{refs[name]}?inline=1")
        assert plain.data == asked.data == files[name]
        assert plain.headers["Content-Disposition"].startswith("attachment")
        assert asked.headers["Content-Disposition"].startswith("inline") is inline
        assert plain.headers["X-Content-Type-Options"] == "nosniff"


PATHS = (
    "/desk",
    "/c/{ref}",
    "/c/{ref}/sign_for",
    "/c/{ref}/papers/registration?view=1",
    "/in",
    "/c/x",
)


@pytest.mark.parametrize("path", PATHS)
def test_every_page_forbids_script_frames_and_keeping(world: World, screen: Screens, path: str) -> None:
    case = world.dispatched()

    answer = screen("handler").get(path.format(ref=case.ref))

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "style=" not in answer.text
    assert " onclick" not in answer.text


def test_only_the_sandbox_may_frame_pages(world: World) -> None:
    settings = Settings.model_validate({**world.settings.model_dump(), "sandbox_frames": True})

    policy = world.screen("window", world.app(settings)).get("/desk").headers["Content-Security-Policy"]

    assert "frame-ancestors http://127.0.0.1:*" in policy


def test_whoever_works_by_the_rule_may_read_all_of_it(world: World, screen: Screens) -> None:
    window = screen("window")
    assert 'href="/rule"' in window.open("/desk")
    page = window.open("/rule")
    assert "较复杂事项" in page and '<li id="XJ-2.3b">' in page and 'href="/desk"' in page
    assert screen("li").get("/rule").status_code == 403
    assert world.app().test_client().get("/rule").status_code != 200
