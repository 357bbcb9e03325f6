"""Who may open which page: every role against every page."""

import pytest

from core import store
from core.desk import attach
from core.uploads import inspect
from tests.pages.world import Screens, World, hidden_of

EVERYONE = ("li", "window", "operator", "handler", "head", "discipline", "other", "stranger")
STAFF_OF_CASE = {"window", "operator", "handler", "head", "discipline"}
# page: who gets it; of everybody else it is refused.
PAGES = {
    "/c/{ref}": {"li", *STAFF_OF_CASE},
    "/c/{ref}/papers/registration": {"li", *STAFF_OF_CASE},
    "/c/{ref}/papers/registration?view=1": {"li", *STAFF_OF_CASE},
    "/c/{ref}/papers/registration?as=pdf": {"li", *STAFF_OF_CASE},
    "/c/{ref}/papers/dispatch?variant=assign": STAFF_OF_CASE,
    "/c/{ref}/file": STAFF_OF_CASE,
    "/c/{ref}/file?as=zip": STAFF_OF_CASE,
    "/c/{ref}/sign_for": {"handler"},
    "/c/{ref}/extend": {"handler"},
    "/c/{ref}/relevel": {"window"},
    "/c/{ref}/withdraw": {"li"},
    "/c/{ref}/add": {"li"},
    "/a/{file}": {"li", *STAFF_OF_CASE},
    "/new/register": {"window"},
    "/find": {*STAFF_OF_CASE, "other"},
    "/find?q=餐饮": {*STAFF_OF_CASE, "other"},
    "/units": {*STAFF_OF_CASE, "other"},
    "/desk/ledger": {"window", "operator"},
    "/desk/ledger?from=2022-04-01&to=2022-04-30&as=xlsx": {"window", "operator"},
    "/desk/ledger?as=pdf": {"window", "operator"},
}


@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_for_its_roles_only(world: World, screen: Screens, path: str) -> None:
    case = world.dispatched()
    with store.transaction(world.engine) as conn:
        file = attach.NewFile(inspect("一页说明".encode(), "说明.txt", 1000), "说明.txt")
        attach.keep(world.office, conn, case.id, file, "material", None, world.now)
        found = attach.of_case(conn, world.office.vault, case.id)[0].ref
    address = path.format(ref=case.ref, file=found)

    opened = {name for name in EVERYONE if screen(name).get(address).status_code == 200}

    assert opened == PAGES[path]


@pytest.mark.parametrize("path", PAGES)
def test_nobody_signed_in_is_sent_to_sign_in(world: World, path: str) -> None:
    case = world.dispatched()
    address = path.format(ref=case.ref, file="x")

    answer = world.app().test_client().get(address)

    assert answer.status_code == 302
    assert answer.location.startswith("/in?next=%2F")


@pytest.mark.parametrize("name", [n for n in EVERYONE if n != "handler"])
def test_an_act_is_refused_to_whoever_does_not_fill_its_slot(
    world: World, screen: Screens, name: str
) -> None:
    case = world.dispatched()
    who = screen(name)
    ticket = hidden_of(who.get(f"/c/{case.ref}").text)

    answer = who.client.post(f"/c/{case.ref}/sign_for", data=ticket)

    assert answer.status_code == 403
    assert "sign_for" not in world.acts_done(case)


def test_a_stranger_reads_where_to_turn(world: World, screen: Screens) -> None:
    case = world.dispatched()

    answer = screen("other").get(f"/c/{case.ref}")

    assert answer.status_code == 403
    assert "0731-88880000" in answer.text
    assert "执照" not in answer.text


def test_an_unknown_address_is_a_kind_page(screen: Screens) -> None:
    li = screen("li")

    for path in (
        "/c/nosuchcase",
        "/c/x/sign_for",
        "/a/nosuchfile",
        "/new/rate",
        "/new/submit",
        "/new/nothing",
        "/no/such/page",
    ):
        answer = li.get(path)
        assert answer.status_code == 404, path
        assert "0731-88880000" in answer.text


def test_an_act_the_profile_does_not_know_is_no_page(world: World, screen: Screens) -> None:
    case = world.dispatched()

    assert screen("window").get(f"/c/{case.ref}/convene").status_code == 404


def test_what_window_and_unit_signed_between_them_is_no_file_of_the_applicant(
    world: World, screen: Screens
) -> None:
    scan = attach.NewFile(inspect("盖了章的交办单".encode(), "交办单.txt", 1000), "交办单.txt")
    case = world.acts("window", world.closed(), "file_scan", paper="dispatch", scan_files=(scan,))
    with store.transaction(world.engine) as conn:
        (found,) = attach.of_case(conn, world.office.vault, case.id)
    opened = {name for name in EVERYONE if screen(name).get(f"/a/{found.ref}").status_code == 200}
    assert opened == STAFF_OF_CASE
    assert "交办单.txt" not in screen("li").open(f"/c/{case.ref}")


@pytest.mark.clause("XJ-A4.3")
def test_an_applicant_gets_the_result_sheet_only_once_it_is_signed(world: World, screen: Screens) -> None:
    case = world.handed_in()
    sheet = f"/c/{case.ref}/papers/result?view=1"
    assert screen("li").get(sheet).status_code == 409
    assert "换发新执照" not in screen("li").open(f"/c/{case.ref}")

    world.acts("head", case, "sign_off")

    assert "换发新执照" in screen("li").open(sheet)
    assert "换发新执照" in screen("li").open(f"/c/{case.ref}")


@pytest.mark.clause("XJ-A3.4")
def test_a_shielded_unit_meets_the_shield_line_and_nothing_of_the_applicant(
    world: World, screen: Screens
) -> None:
    case = world.dispatched(conduct=True)
    with store.transaction(world.engine) as conn:
        file = attach.NewFile(inspect("李秀兰写的".encode(), "李秀兰.txt", 1000), "李秀兰.txt")
        attach.keep(world.office, conn, case.id, file, "material", None, world.now, for_unit=False)
        original = attach.of_case(conn, world.office.vault, case.id)[0].ref

    for name in ("handler", "head"):
        unit = screen(name)
        papers = [f"/c/{case.ref}/papers/{p}view=1" for p in ("registration?", "dispatch?variant=assign&")]
        for path in (f"/c/{case.ref}", *papers):
            text = unit.open(path)
            assert "申请人信息由窗口保管" in text
            assert "群众反映执照变更多次未办成" in text
            assert not any(secret in text for secret in ("李秀兰", "13800001234", "138****1234", "跑了三次"))
        revealed = unit.send(f"/c/{case.ref}/reveal", unit.open(f"/c/{case.ref}"), reason="想知道")
        assert "13800001234" not in revealed.text
        assert unit.get(f"/a/{original}").status_code == 403
    assert "李秀兰" in screen("window").open(f"/c/{case.ref}")


def test_a_retired_officer_is_signed_out(world: World, screen: Screens) -> None:
    handler = screen("handler")
    assert handler.get("/desk").status_code == 200
    with store.transaction(world.engine) as conn:
        conn.execute(store.person.update().where(store.person.c.key == "handler").values(active=False))

    assert handler.get("/desk").status_code == 302


def test_a_login_lasts_eight_hours(world: World, screen: Screens) -> None:
    window = screen("window")
    world.passes(hours=7, minutes=59)
    assert window.get("/desk").status_code == 200

    world.passes(minutes=1)

    assert window.get("/desk").status_code == 302


def test_signing_out_ends_the_login_itself(world: World, screen: Screens) -> None:
    window = screen("window")
    cookie = window.client.get_cookie("bancheng")
    assert cookie
    window.client.post("/out")
    window.client.set_cookie("bancheng", cookie.value)

    assert window.get("/desk").status_code == 302
