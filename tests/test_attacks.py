"""What somebody tries who means harm, or is merely curious: each must come to nothing, and teach nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from bot.app import create_app
from bot.channels.wechat import menu_id, read_menu_id
from bot.handlers import staff
from bot.service import Service
from bot.words import Words
from core import cards, flow, intake, logins, people, store
from core.case import Case
from core.people import HallPost
from core.refusals import Incomplete, Refusal
from core.settings import Settings, SettingsError, from_env
from tests.world import HALL, MATTER, World

SETTINGS = {
    "BANCHENG_DATABASE_URL": "sqlite://",
    "BANCHENG_KEYS": "k1:",
    "BANCHENG_HALL": "hall.toml",
    "BANCHENG_FILES": "files",
    "BANCHENG_BASE_URL": "https://window.example.cn",
}
OTHER_UNIT = "deng"  # an officer of another unit
WORDS = Words()


def serve(world: World, settings: Settings | None = None) -> Service:
    return Service(
        office=world.office,
        settings=settings or from_env(SETTINGS | {"BANCHENG_BASE_URL": "http://127.0.0.1"}),
        words=WORDS,
        channels={},
        now=lambda: world.now,
        machine=lambda: world.now,
        ring=lambda *_: None,
    )


def browser(world: World, who: str) -> FlaskClient:
    """The browser of somebody who has signed in."""
    client, person = create_app(serve(world)).test_client(), world.who(who)
    with store.transaction(world.office.engine) as conn:
        secret = logins.sign_in(conn, person.id, "wecom", world.now)
    client.set_cookie("bancheng", secret)
    return client


def at_once(*does: Callable[[], object]) -> list[object]:
    """Do things at the same moment; what each gave, or the refusal it met."""
    gate = threading.Barrier(len(does))

    def run(do: Callable[[], object]) -> object:
        gate.wait()
        try:
            return do()
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(len(does)) as pool:
        return list(pool.map(run, does))


# --- strangers ------------------------------------------------------------------------------------------


def test_a_stranger_gets_the_same_answer_whatever_he_tries_and_whatever_happened(hall: World) -> None:
    case = hall.result(hall.dispatch(hall.tell()))

    for who in (OTHER_UNIT, "a citizen"):
        for act in (*sorted(flow.ACTS), "rate:9", "no such act", ""):
            refusal = hall.refusal(who, case, act)
            assert (refusal.code, dict(refusal.facts)) == ("not_yours", {}), (who, act)


def test_an_applicant_does_not_learn_what_the_unit_did_by_trying_its_acts(hall: World) -> None:
    case = hall.result(hall.dispatch(hall.tell()))

    assert dict(hall.refusal("li", case, "hand_in").facts) == {}


def test_nobody_does_what_only_the_system_does(hall: World) -> None:
    case = hall.result(hall.dispatch(hall.tell()))

    for who in ("li", "zhou", "zhang", "gu"):
        for act in ("delivered_all", "unreachable"):
            assert hall.refusal(who, case, act).code == "not_yours"


def test_a_line_of_another_units_officer_tells_nothing(hall: World) -> None:
    case = hall.result(hall.dispatch(hall.tell()))
    with store.transaction(hall.office.engine) as conn:
        told = {
            staff.write(serve(hall), conn, "wecom", "dengkai", line.format(case.number))
            for line in ("{}", "签收{}", "签收 {}", "回复 {} 您好")
        }

    assert len(told) == 1, "every line gets the same words"
    assert "张伟" not in told.pop()


# --- taps -----------------------------------------------------------------------------------------------


def carded(world: World) -> tuple[Case, str]:
    """A dispatched case, and the card of its officer 张伟."""
    case, zhang = world.dispatch(world.tell()), world.who("zhang")
    message = next(m for m in world.outbox(case, "dispatch_card") if m.person_id == zhang.id)
    with store.transaction(world.office.engine) as conn:
        cards.remember(
            conn,
            world.office.vault,
            message,
            channel="wecom",
            task_id="card-of-zhang",
            code="spent-once",
            until=world.now.replace(day=14),
            rev=case.rev,
        )
    return case, "card-of-zhang"


def tap(world: World, userid: str, task: str, act: str, code: str = "") -> int | None:
    with store.transaction(world.office.engine) as conn:
        return staff.tap(serve(world), conn, "wecom", userid, task, act, code)


def test_a_tap_on_somebody_elses_card_neither_acts_nor_spoils_the_card(hall: World) -> None:
    case, task = carded(hall)
    with store.transaction(hall.office.engine) as conn:
        before = conn.execute(sa.select(store.card)).all()

    assert tap(hall, "nobody", task, "sign_for", "stolen") is None
    assert tap(hall, "zhangwei", "no-such-card", "sign_for") is None
    assert tap(hall, "dengkai", task, "sign_for", "stolen") == case.id

    assert hall.again(case).at("signed_for_at") is None
    with store.transaction(hall.office.engine) as conn:
        assert conn.execute(sa.select(store.card)).all() == before
    refused = hall.outbox_of(OTHER_UNIT, "refused")
    assert len(refused) == 1
    assert "张伟" not in str(refused[0].data)


@pytest.mark.parametrize(
    "act", ["delivered_all", "unreachable", "rate:9", "withdraw", "", "hand_in", "supervise"]
)
def test_a_forged_button_does_nothing(hall: World, act: str) -> None:
    case, task = carded(hall)
    before = hall.again(case)

    tap(hall, "zhangwei", task, act)

    assert hall.again(case) == before


def test_a_form_cannot_be_skipped_by_a_tap(hall: World) -> None:
    """审签 asks for no field that must be filled in, and still is signed on its page only."""
    case, task = carded(hall)
    hall.do("zhang", case, "sign_for")
    hall.do("zhang", case, "hand_in", handled="加装电梯", result="已受理。", solved="yes")

    tap(hall, "chenguoping", task, "sign_off")

    assert hall.again(case).stage == "SIGNING"


def test_a_menu_id_of_another_persons_case_and_of_none_get_the_same_answer(hall: World) -> None:
    case = hall.tell("li")
    hall.say("sun", "您好")

    answers = {
        tuple(reply.name for reply in hall.say("sun", case_id=case_id, choice=act))
        for case_id in (case.id, case.id + 1000)
        for act in ("withdraw", "rate:1", "insist", "ask_human", "accept", "delivered_all")
    }

    assert answers == {("not_yours",)}
    assert hall.again(case).stage == "SUBMITTED"


def test_a_menu_id_that_no_case_can_have_is_none() -> None:
    assert read_menu_id(menu_id(7, "withdraw")) == (7, "withdraw")
    assert read_menu_id("9" * 40 + "13") is None
    assert read_menu_id("７13") is None


# --- the form -------------------------------------------------------------------------------------------


@pytest.mark.clause("XJ-2.1b")
def test_a_draft_with_gaps_cannot_be_submitted_past_the_conversation(hall: World) -> None:
    hall.say("li", MATTER)

    refusal = hall.refusal("li", hall.of_contact("li"), "submit")

    assert isinstance(refusal, Incomplete)
    assert {"applicant_name", "applicant_phone", "ground"} <= set(refusal.problems)


def test_a_draft_that_the_window_registers_stays_hers(hall: World) -> None:
    hall.say("li", MATTER)
    draft = hall.of_contact("li")
    given = {"intake_channel": "phone", "told_at": "2022-04-11T09:00", "content": MATTER}
    given |= {"applicant_type": "citizen", "applicant_name": "李桂兰", "applicant_phone": "13800001234"}

    done = hall.do("zhou", draft, "register", ground="repeated_trips", **given)

    assert done.contact_id == hall.who("li").id


@pytest.mark.parametrize("told_at", ["0001-01-01T00:00", "1022-04-11T09:00", "9999-12-31T23:59"])
def test_a_date_out_of_all_reason_is_a_gap_not_a_crash(hall: World, told_at: str) -> None:
    with pytest.raises(Incomplete) as refused:
        hall.register(told_at=told_at)
    assert refused.value.problems == {"told_at": "date"}


# --- pages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/c/%00", 404),
        ("/a/%00", 404),
        ("/c/%00/accept", 404),
        ("/c/x%0d%0aSet-Cookie:a=b", 404),
        ("/new/answer_citizen", 404),
        ("/new/delivered_all", 404),
        ("/desk/ledger?day=0001-01-01", 200),
        ("/desk/ledger?day=9999-12-31", 200),
        ("/desk?show=%00", 200),
    ],
)
def test_strange_addresses_are_answered_without_a_fault(world: World, path: str, status: int) -> None:
    assert browser(world, "zhou").get(path).status_code == status


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nX: y"]
)
def test_signing_in_leads_nowhere_else(hall: World, wanted: str) -> None:
    settings = from_env(SETTINGS | {"BANCHENG_WECOM_CORP_ID": "ww1"})
    client = create_app(serve(hall, settings)).test_client()

    location = client.get("/in", query_string={"as": "wecom", "next": wanted}).location

    assert location == "/in/wecom?next=%2Fdesk"


def test_a_ticket_is_good_for_its_owner_and_its_case_only(hall: World) -> None:
    case, other = hall.dispatch(hall.tell()), hall.dispatch(hall.tell("sun"))
    zhang, liu = browser(hall, "zhang"), browser(hall, "liu")
    page = zhang.get(f"/c/{case.ref}").text
    ticket = page.split('name="ticket" value="')[1].split('"')[0]
    form = {"ticket": ticket, "rev": "99"}

    assert liu.post(f"/c/{case.ref}/sign_for", data=form).status_code == 409
    assert zhang.post(f"/c/{other.ref}/sign_for", data=form).status_code == 409
    assert zhang.post(f"/c/{case.ref}/sign_for", data={"rev": "99"}).status_code == 409
    assert {hall.again(c).at("signed_for_at") for c in (case, other)} == {None}
    assert zhang.post(f"/c/{case.ref}/sign_for", data=form).status_code == 303


def test_a_reason_for_looking_is_kept_clean(world: World) -> None:
    case = world.dispatch(world.tell())
    zhou = browser(world, "zhou")
    ticket = zhou.get(f"/c/{case.ref}").text.split('name="ticket" value="')[1].split('"')[0]

    answer = zhou.post(
        f"/c/{case.ref}/reveal", data={"ticket": ticket, "reason": "核实\x00材料\u202e" + "长" * 999}
    )

    assert "13800001234" in answer.text
    with store.transaction(world.office.engine) as conn:
        reason = conn.execute(
            sa.select(store.view_log.c.reason).where(store.view_log.c.what == "reveal")
        ).scalar_one()
    assert reason.startswith("核实材料长")
    assert len(reason) <= 200


# --- who is who -----------------------------------------------------------------------------------------


@pytest.mark.clause("XJ-A3.4")
def test_a_post_elsewhere_does_not_lift_the_shield_from_the_unit(hall: World) -> None:
    posts = {
        "gu": (
            HallPost(unit="discipline", role="discipline_office"),
            HallPost(unit="housing", role="unit_head"),
        )
    }
    moved = HALL.model_copy(
        update={
            "people": tuple(p.model_copy(update={"posts": posts.get(p.key, p.posts)}) for p in HALL.people)
        }
    )
    with store.transaction(hall.office.engine) as conn:
        people.load_hall(conn, moved)
    case = hall.dispatch(hall.tell(matter="窗口人员态度恶劣，吃拿卡要"))
    assert case.shielded

    view = hall.see("gu", case)

    assert view.hidden
    assert "李桂兰" not in str(view)


@pytest.mark.clause("XJ-A3.4")
def test_all_through_a_conduct_matter_the_unit_meets_nothing_of_the_applicant(hall: World) -> None:
    """Views, refusals, notices and pages of the unit, at each step of a matter with every kind of word in it."""
    case = hall.dispatch(hall.tell(matter="窗口人员态度恶劣，吃拿卡要，甲乙丙丁", contact_name="李梅"))
    secrets = ("李桂兰", "李梅", "13800001234", "138****1234", "甲乙丙丁", "戊己庚辛", "壬癸子丑", "寅卯辰巳")
    unit = ("zhang", "liu", "wu", "chen", "he")

    def look() -> None:
        for who in unit:
            page = browser(hall, who).get(f"/c/{case.ref}")
            assert page.status_code == 200
            refused = [
                str(hall.refusal(who, case, act).facts) for act in ("accept", "redact", "rate", "withdraw")
            ]
            told = [str(m.data) for m in hall.outbox_of(who)]
            seen = "\n".join([str(hall.see(who, case)), page.text, *refused, *told])
            assert not [secret for secret in secrets if secret in seen], who

    look()
    hall.do("zhang", case, "sign_for")
    hall.do("zhang", case, "ask", question="当时是哪一天？")
    look()
    hall.say("li", "戊己庚辛")
    look()
    hall.do("li", case, "add", supplement="壬癸子丑")
    hall.do("li", case, "ask_human", human_question="寅卯辰巳")
    look()
    case = hall.delivered(hall.result(case))
    hall.do("li", case, "rate", score="1")
    hall.do("li", case, "comment", rating_comment="寅卯辰巳")
    look()


def test_nothing_personal_lies_open_in_the_database(hall: World) -> None:
    case = hall.delivered(hall.result(hall.dispatch(hall.tell())))
    hall.do("li", case, "rate", score="1")
    hall.do("li", case, "comment", rating_comment="戊己庚辛")

    with store.transaction(hall.office.engine) as conn:
        rows = [str(row) for table in store.metadata.sorted_tables for row in conn.execute(sa.select(table))]

    assert len(rows) > 100
    for secret in ("李桂兰", "13800001234", "加装电梯，材料", "出图审意见", "戊己庚辛"):
        assert not [row for row in rows if secret in row]


def test_a_platform_id_that_left_the_hall_file_leads_to_nobody(hall: World) -> None:
    new = tuple(
        p.model_copy(update={"addresses": {"wecom": "zhangwei2"}}) if p.key == "zhang" else p
        for p in HALL.people
    )
    with store.transaction(hall.office.engine) as conn:
        people.load_hall(conn, HALL.model_copy(update={"people": new}))

        assert people.by_address(conn, "wecom", "zhangwei") is None
        found = people.by_address(conn, "wecom", "zhangwei2")
    assert found is not None
    assert found.key == "zhang"


# --- the edges ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["wechat", "wecom"])
def test_the_callback_of_a_channel_that_is_not_set_up_is_not_there(hall: World, channel: str) -> None:
    client = create_app(serve(hall)).test_client()
    query = {"timestamp": "1649640000", "nonce": "abc", "echostr": "hello", "signature": "0" * 40}

    assert client.get(f"/callback/{channel}", query_string=query).status_code == 404
    assert client.post(f"/callback/{channel}", query_string=query, data=b"<xml/>").status_code == 404


@pytest.mark.parametrize(
    "base", ["https://window.example.cn", "http://127.0.0.1.evil.example", "http://localhost@evil.example"]
)
@pytest.mark.parametrize("setting", [("SANDBOX_CLOCK", "/tmp/clock"), ("SANDBOX_FRAMES", "true")])
def test_nothing_of_the_sandbox_works_in_production(base: str, setting: tuple[str, str]) -> None:
    name, value = setting
    with pytest.raises(SettingsError, match=name):
        from_env(SETTINGS | {"BANCHENG_BASE_URL": base, f"BANCHENG_{name}": value})


@pytest.fixture
def secret_bug(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bug whose error holds what somebody said."""
    secret = "李桂兰13800001234"

    def broken(*_: object, **__: object) -> None:
        raise KeyError(secret)

    monkeypatch.setattr(intake, "turn", broken)
    monkeypatch.setattr("core.views.to_do", broken)
    yield secret


def test_a_bug_is_logged_without_what_was_said(
    hall: World, secret_bug: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    assert browser(hall, "zhou").get("/desk").status_code == 500

    assert "KeyError" in caplog.text, "the operator hears of it"
    assert "in broken" in caplog.text or "broken" in caplog.text, "and where it happened"
    assert secret_bug not in caplog.text


# --- at the same moment ---------------------------------------------------------------------------------


def test_the_first_two_messages_of_somebody_are_of_one_person_and_one_matter(world: World) -> None:
    said = at_once(*(lambda text=text: world.say("new", text) for text in ("材料退了三回", "跑了五趟没人管")))

    assert len(said) == 2
    with store.transaction(world.office.engine) as conn:
        citizens = (
            sa.select(sa.func.count()).select_from(store.person).where(store.person.c.kind == "citizen")
        )
        assert conn.execute(citizens).scalar_one() == 1
        assert conn.execute(sa.select(sa.func.count()).select_from(store.case)).scalar_one() == 1
    told = world.words(world.of_contact("new"))["content"]
    assert set(told.split("\n")) == {"材料退了三回", "跑了五趟没人管"}


def test_two_officers_sign_for_it_at_once_and_one_has(world: World) -> None:
    case = world.dispatch(world.tell())

    came = at_once(
        *(lambda who=who: world.do(who, case, "sign_for", case.rev).stage for who in ("zhang", "liu"))
    )

    assert sorted(map(str, came)) == ["WITH_UNIT", "done_already"]
    assert [e.act for e in world.events(case)].count("sign_for") == 1


def test_a_withdrawal_and_a_dispatch_at_once_leave_one_truth(world: World) -> None:
    case = world.do("zhou", world.tell(), "accept")
    given = {"subject": "加装电梯", "scope_code": "approval_project", "level": "complex", "unit": "housing"}

    at_once(
        lambda: world.do("li", case, "withdraw"),
        lambda: world.do("zhou", case, "dispatch", **given),
    )

    acts = [e.act for e in world.events(case)]
    assert world.again(case).stage == "WITHDRAWN", "a withdrawal is possible before and after"
    assert acts in (
        ["submit", "accept", "withdraw"],
        ["submit", "accept", "dispatch", "withdraw"],
    )
    assert world.duty(case, "limit") is None


def test_a_rating_tapped_twice_at_once_counts_once(world: World) -> None:
    case = world.delivered(world.result(world.dispatch(world.tell())))
    assert case.stage == "CLOSED"

    came = at_once(
        *(lambda score=score: world.do("li", case, "rate", score=score).stage for score in ("5", "1"))
    )

    assert sorted(map(str, came)) == ["CLOSED", "done_already"]
    assert [e.act for e in world.events(case)].count("rate") == 1
