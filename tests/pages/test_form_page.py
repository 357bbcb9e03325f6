"""The one form page: checked, repeated, overtaken, refused; nothing typed is ever lost."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from bot.cards.draw import notice_card
from core import outbox, store, views
from core.desk import attach, fields
from core.policy.model import Asked
from tests.pages.world import CONTENT, HALL, WORDS, Screens, World, hidden_of

HOSTILE = '"><script>alert(1)</script>{{7*7}}<img src=x onerror=alert(1)>'
RESULT: dict[str, Any] = {"handled": "执照变更", "result": "已经换发。", "solved": "yes"}


def picture() -> tuple[io.BytesIO, str]:
    drawn = io.BytesIO()
    Image.new("RGB", (8, 8)).save(drawn, "PNG")
    drawn.seek(0)
    return drawn, "执照.png"


def fields_of(html: str) -> list[str]:
    return re.findall(r'data-field="(\w+)"', html)


@pytest.mark.clause("XJ-2.1a")
def test_the_window_registers_a_walk_in(world: World, screen: Screens) -> None:
    window = screen("window")

    answer = window.send(
        "/new/register",
        intake_channel="hall",
        told_at="2022-04-11T09:40",
        content="契税缴不了",
        applicant_type="citizen",
        applicant_name="周大爷",
        applicant_phone="138 0000 5678",
        ground="other",
        attachments=[picture()],
    )

    assert answer.status_code == 303
    text = window.open(answer.location)
    assert "XJ202200001" in text
    assert "契税缴不了" in text
    assert "执照.png" in text
    assert "138****5678" in text


def test_a_form_is_drawn_from_the_profile(world: World, screen: Screens) -> None:
    case = world.submitted()
    rules = world.office.profile

    html = screen("window").open(f"/c/{case.ref}/guide")

    assert fields_of(html) == [f.id for f in rules.acts["guide"].fields]
    assert all(exclusion.label in html for exclusion in rules.intake.exclusions)
    assert "依据" in html
    assert rules.clauses["XJ-1.5"].text[:8] in html


@pytest.mark.clause("XJ-2.3e")
def test_gaps_are_named_beside_each_field_and_what_was_typed_stays(world: World, screen: Screens) -> None:
    case = world.acts("handler", world.dispatched(), "sign_for")
    handler = screen("handler")

    answer = handler.send(f"/c/{case.ref}/hand_in", handled="执照变更", solved="no", result_files=[picture()])

    assert answer.status_code == 422
    assert "“办理结果”还没有填" in answer.text
    assert "“未解决的原因”还没有填" in answer.text
    assert 'value="执照变更"' in answer.text
    assert "执照.png" in answer.text
    assert "hand_in" not in world.acts_done(case)

    done = handler.send(f"/c/{case.ref}/hand_in", answer.text, **RESULT)

    assert done.status_code == 303
    with store.transaction(world.engine) as conn:
        kept = attach.of_case(conn, world.office.vault, case.id)
    assert [(a.name, a.purpose, a.mime) for a in kept] == [("执照.png", "result", "image/png")]
    assert len([p for p in world.office.files.rglob("*") if p.is_file()]) == 1


def test_a_kept_file_may_be_dropped_again(world: World, screen: Screens) -> None:
    case = world.acts("handler", world.dispatched(), "sign_for")
    handler = screen("handler")
    first = handler.send(f"/c/{case.ref}/hand_in", result_files=[picture()])
    key = re.search(r'name="drop" value="(\w+)"', first.text)
    assert key

    handler.client.post(f"/c/{case.ref}/hand_in", data={**hidden_of(first.text), **RESULT, "drop": key[1]})

    with store.transaction(world.engine) as conn:
        assert attach.of_case(conn, world.office.vault, case.id) == ()
    assert not [p for p in world.office.files.rglob("*") if p.is_file()]


def test_files_of_a_day_are_limited_and_the_form_stands_without_them(
    world: World, screen: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attach, "FILES_A_DAY", 3)
    case = world.acts("handler", world.dispatched(), "sign_for")
    handler = screen("handler")
    page = handler.send(f"/c/{case.ref}/hand_in", result_files=[picture(), picture()])
    fuller = handler.send(f"/c/{case.ref}/hand_in", page.text, result_files=[picture(), picture()])

    assert fuller.status_code == 422 and "今天传得太多了" in fuller.text
    assert len([p for p in world.office.files.rglob("*") if p.is_file()]) == 2
    assert handler.send(f"/c/{case.ref}/hand_in", fuller.text, **RESULT).status_code == 303

    other = world.acts("handler", world.dispatched(), "sign_for")  # another case has room of its own
    assert "今天传得太多了" not in handler.send(f"/c/{other.ref}/hand_in", result_files=[picture()]).text
    world.now += timedelta(days=1)
    again = screen("handler").send(f"/c/{other.ref}/hand_in", result_files=[picture() for _ in range(3)])
    assert "今天传得太多了" not in again.text


def test_sending_twice_does_it_once_and_shows_the_first_result(world: World, screen: Screens) -> None:
    case = world.acts("handler", world.dispatched(), "sign_for")
    handler = screen("handler")
    drawn = handler.open(f"/c/{case.ref}/ask")

    first = handler.send(f"/c/{case.ref}/ask", drawn, question="哪一天交的材料？")
    second = handler.send(f"/c/{case.ref}/ask", drawn, question="哪一天交的材料？")

    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    assert world.acts_done(case).count("ask") == 1


def test_registering_twice_opens_one_case(world: World, screen: Screens) -> None:
    window = screen("window")
    drawn = window.open("/new/register")
    given = {
        "intake_channel": "phone",
        "told_at": "2022-04-11T09:40",
        "content": "契税缴不了",
        "applicant_type": "citizen",
        "applicant_name": "周大爷",
        "applicant_phone": "13800005678",
        "ground": "other",
    }

    answers = [window.send("/new/register", drawn, **given) for _ in range(2)]

    assert answers[0].location == answers[1].location
    with store.transaction(world.engine) as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(store.case)).scalar() == 1


def test_a_failed_registration_leaves_no_case_behind(world: World, screen: Screens) -> None:
    answer = screen("window").send("/new/register", content="契税缴不了")

    assert answer.status_code == 422
    assert "契税缴不了" in answer.text
    with store.transaction(world.engine) as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(store.case)).scalar() == 0


def test_a_page_drawn_before_a_colleague_did_it_says_who_and_keeps_the_words(
    world: World, screen: Screens
) -> None:
    case = world.acts("handler", world.dispatched(), "sign_for")
    handler = screen("handler")
    drawn = handler.open(f"/c/{case.ref}/extend")
    given = {
        "extension_reason": "等省里答复",
        "extension_due": "2022-04-27",
        "consent_way": "phone",
        "consent_at": "2022-04-11T11:00",
        "consent_words": "她说可以",
    }
    world.acts("handler", case, "extend", **given)

    answer = handler.send(f"/c/{case.ref}/extend", drawn, **given)

    assert answer.status_code == 409
    assert "等省里答复" in answer.text
    assert world.acts_done(case).count("extend") == 1


def test_a_stale_revision_is_refused_by_name(world: World, screen: Screens) -> None:
    case = world.acts("window", world.submitted(), "accept")
    window = screen("window")
    drawn = window.open(f"/c/{case.ref}/dispatch")
    given = {"subject": "执照变更", "scope_code": "policy", "level": "complex", "unit": "housing"}
    world.acts("window", case, "dispatch", **given)
    world.acts("handler", case, "send_back", send_back_reason="不归我们管")

    answer = window.send(f"/c/{case.ref}/dispatch", drawn, **given)

    assert answer.status_code == 409
    assert "交办" in answer.text
    assert world.acts_done(case).count("dispatch") == 1


def test_a_refusal_of_the_rules_keeps_what_was_typed(world: World, screen: Screens) -> None:
    case = world.acts("window", world.submitted(), "accept")

    answer = screen("window").send(
        f"/c/{case.ref}/dispatch", subject="执照变更", scope_code="policy", level="external", unit="housing"
    )

    assert answer.status_code == 409
    assert 'value="执照变更"' in answer.text
    assert re.search(r'value="external" checked', answer.text)
    assert re.search(r'value="housing" selected', answer.text)


def test_a_ticket_of_another_login_does_nothing_but_keeps_the_words(world: World, screen: Screens) -> None:
    case = world.acts("handler", world.dispatched(), "sign_for")
    foreign = screen("head").open(f"/c/{case.ref}")

    answer = screen("handler").send(f"/c/{case.ref}/ask", foreign, question="哪一天？")

    assert answer.status_code == 409
    assert "哪一天？" in answer.text
    assert "ask" not in world.acts_done(case)
    again = screen("handler").client.post(f"/c/{case.ref}/ask", data={"question": "哪一天？"})
    assert again.status_code == 409


def test_what_was_typed_survives_a_login_that_ended(world: World, screen: Screens) -> None:
    case = world.acts("handler", world.dispatched(), "sign_for")
    handler = screen("handler")
    drawn = handler.open(f"/c/{case.ref}/ask")
    world.passes(hours=9)

    lost = handler.send(f"/c/{case.ref}/ask", drawn, question="哪一天交的？")
    assert lost.status_code == 401
    assert "哪一天交的？" in lost.text

    renewed = screen("handler").client.post(f"/c/{case.ref}/ask", data={"question": "哪一天交的？"})
    assert renewed.status_code == 409
    done = screen("handler").send(f"/c/{case.ref}/ask", question="哪一天交的？")
    assert done.status_code == 303


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"MZ\x90\x00 program", "说明.exe", "这种文件收不了"),
        (b"", "空.txt", "是空的"),
        (b"\x89PNG\r\n\x1a\nbroken", "照片.png", "打不开"),
        (b"%PDF-1.4 x %%EOF", "照片.jpg", "对不上"),
    ],
)
def test_a_file_that_is_not_taken_is_named_in_a_sentence(
    world: World, screen: Screens, data: bytes, name: str, sentence: str
) -> None:
    case = world.acts("handler", world.dispatched(), "sign_for")

    answer = screen("handler").send(
        f"/c/{case.ref}/hand_in", **RESULT, result_files=[(io.BytesIO(data), name)]
    )

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "已经换发。" in answer.text
    assert "hand_in" not in world.acts_done(case)


def test_hostile_words_stay_words(world: World, screen: Screens) -> None:
    case = world.submitted(content=HOSTILE, applicant_name=HOSTILE)
    case = world.acts("window", case, "accept")
    window = screen("window")
    pages = [
        window.open(f"/c/{case.ref}"),
        window.open(f"/c/{case.ref}/dispatch"),
        screen("li").open(f"/c/{case.ref}"),
    ]
    pages.append(window.send(f"/c/{case.ref}/dispatch", subject=HOSTILE).text)
    pages.append(window.open(f"/c/{case.ref}/papers/registration?view=1"))
    pages.append(window.get("/in?next=" + HOSTILE).text)
    pages.append(world.app().test_client().post(f"/c/{case.ref}/dispatch", data={HOSTILE: HOSTILE}).text)

    for html in pages:
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "49" not in re.findall(r"&gt;(\d+)&lt;", html)


@pytest.mark.clause("XJ-2.2b")
def test_dispatching_suggests_no_word_of_the_citizen_and_no_unit(world: World, screen: Screens) -> None:
    case = world.acts("window", world.submitted(), "accept")

    html = screen("window").open(f"/c/{case.ref}/dispatch")

    subject = re.search(r'name="subject" type="text" value="([^"]*)"', html)
    assert subject
    assert subject[1] == "往返多次未能解决的疑难问题"
    assert " selected" not in html
    assert " checked" not in html
    assert {"住房建设局", "市场监督管理局", "高新园区"} <= set(re.findall(r">([^<>]+)</option>", html))
    assert "纪工委</option>" not in html


def test_the_text_for_a_shielded_unit_starts_without_name_and_number(world: World, screen: Screens) -> None:
    told = f"{CONTENT}我女儿孙小妹也在场。"
    case = world.submitted(conduct=True, content=told, contact_name="孙小妹")
    case = world.acts("window", case, "accept")

    html = screen("window").open(f"/c/{case.ref}/dispatch")

    suggested = re.search(r'<textarea id="content_for_unit"[^>]*>\n(.*?)</textarea>', html, re.DOTALL)
    assert suggested
    assert "餐馆执照变更" in suggested[1]
    for secret in ("李秀兰", "孙小妹", "13800001234"):
        assert secret not in suggested[1]
    assert told in html  # the window itself reads the original above


def test_the_result_is_shown_as_the_citizen_will_read_it(world: World, screen: Screens) -> None:
    case = world.acts("handler", world.dispatched(), "sign_for")
    handler = screen("handler")

    shown = handler.send(f"/c/{case.ref}/hand_in", **RESULT, preview="1")

    assert shown.status_code == 200
    assert "群众将看到" in shown.text
    preview = shown.text.split("群众将看到</h2>")[1].split("<form")[0]
    assert "已经换发。" in preview
    assert "hand_in" not in world.acts_done(case)
    case = world.acts("handler", case, "hand_in", **RESULT)
    assert "已经换发。" in screen("head").open(f"/c/{case.ref}/sign_off").split("<form")[0]


def test_an_act_without_a_form_is_done_from_the_case_page(world: World, screen: Screens) -> None:
    case = world.dispatched()
    handler = screen("handler")
    drawn = handler.open(f"/c/{case.ref}")

    answers = [handler.send(f"/c/{case.ref}/sign_for", drawn) for _ in range(2)]

    assert [a.status_code for a in answers] == [303, 303]
    assert world.acts_done(case).count("sign_for") == 1
    assert ("deliver",) in world.rung


def test_a_used_page_does_not_answer_for_another_act(world: World, screen: Screens) -> None:
    case = world.dispatched()
    li = screen("li")
    drawn = li.open(f"/c/{case.ref}")
    li.send(f"/c/{case.ref}/ask_human", drawn)

    answer = li.send(f"/c/{case.ref}/withdraw", drawn)

    assert answer.location == f"/c/{case.ref}"
    assert "withdraw" not in world.acts_done(case)


@pytest.mark.clause("XJ-3.2b")
def test_the_citizen_rates_with_one_of_five_equal_taps(world: World, screen: Screens) -> None:
    case = world.closed()
    li = screen("li")
    html = li.open(f"/c/{case.ref}")
    taps = re.findall(r'<button class="([^"]+)" name="score" value="(\d)">([^<]+)<', html)
    assert [(score, label) for _, score, label in taps] == [
        (str(r.score), r.label) for r in world.office.profile.rating.levels
    ]
    assert len({sort for sort, _, _ in taps}) == 1

    answer = li.send(f"/c/{case.ref}/rate", html, score="2")

    assert answer.status_code == 303
    assert world.load(case).codes["score"] == "2"
    assert 'name="score"' not in li.open(f"/c/{case.ref}")


def test_a_form_too_big_is_refused_before_it_is_read(world: World, screen: Screens) -> None:
    case = world.dispatched()
    li = screen("li")
    drawn = li.open(f"/c/{case.ref}")

    small_page = li.client.post(f"/c/{case.ref}/reveal", data={**hidden_of(drawn), "reason": "x" * 70_000})
    form = li.client.post(
        f"/c/{case.ref}/add", data={"supplement": "x"}, environ_overrides={"CONTENT_LENGTH": str(26 * 2**20)}
    )

    assert small_page.status_code == 413
    assert form.status_code == 413
    assert "太大" in form.text


@pytest.mark.clause("XJ-4.3a")
@pytest.mark.parametrize(
    ("role", "title"),
    [("unit_head", "主要负责同志"), ("unit_deputy_head", "分管负责同志"), ("handler", "责任人")],
)
def test_a_dispatch_to_a_unit_without_its_people_is_refused_and_the_operator_hears_of_it(
    role: str, title: str, world: World, screen: Screens
) -> None:
    case = world.acts("window", world.submitted(), "accept")
    with store.transaction(world.engine) as conn:
        conn.execute(sa.delete(store.post).where(store.post.c.role == role))
    given = {
        "subject": "餐饮执照变更",
        "scope_code": "repeated_trips",
        "level": "complex",
        "unit": "housing",
    }

    answers = [screen("window").send(f"/c/{case.ref}/dispatch", **given) for _ in range(2)]

    assert all(answer.status_code == 409 and title in answer.text for answer in answers)
    assert "dispatch" not in world.acts_done(case)
    with store.transaction(world.engine) as conn:
        told = [m for m in outbox.listed(conn) if m.notice == "contacts_missing"]
    assert [(m.person_id, m.data["unit"], m.data["roles"]) for m in told] == [
        (world.person("operator").id, "住房建设局", title)
    ]
    assert ("deliver",) in world.rung
    again, operator = world.load(case), world.person("operator")
    with store.transaction(world.engine) as conn:
        view = views.see(world.office, conn, again, operator)
    card = notice_card(
        WORDS,
        world.office.profile,
        HALL,
        view,
        told[0].notice,
        case_id=case.id,
        clause=told[0].clause,
        data=told[0].data,
        base_url="",
    )
    assert f"住房建设局还没有登记{title}" in card.text


def test_other_refusals_are_nobody_else_s(world: World, screen: Screens) -> None:
    case = world.dispatched()
    assert screen("window").send(f"/c/{case.ref}/guide", exclusion="petition").status_code == 409
    with store.transaction(world.engine) as conn:
        assert not [m for m in outbox.listed(conn) if m.notice == "contacts_missing"]


@pytest.mark.parametrize("phone", ["1380000123", "138000012345", "+86 138-0000-123"])
def test_a_mobile_with_a_digit_too_few_or_too_many_is_asked_for_again(
    phone: str, world: World, screen: Screens
) -> None:
    answer = screen("window").send("/new/register", applicant_phone=phone)
    assert answer.status_code == 422 and "11 位" in answer.text


@pytest.mark.parametrize(
    ("text", "kept"), [("5", "5"), ("约 5 趟", "5"), ("１２", "12"), ("5、6", ""), ("", "")]
)
def test_a_number_is_one_number(text: str, kept: str, world: World) -> None:
    asked = Asked(id="trip_count", label="跑了几趟", kind="number")
    try:
        assert fields.read(world.office.profile, asked, text) == kept
    except fields.Wrong as wrong:
        assert wrong.code == "number" and not kept
