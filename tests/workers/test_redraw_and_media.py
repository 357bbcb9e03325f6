"""Cards follow the case while their codes live; files sent in chat are fetched, looked into, and kept sealed."""

from __future__ import annotations

import base64
import io

import pytest
import sqlalchemy as sa
from PIL import Image

from core import store
from core.case import Case
from core.desk import attach
from tests.workers.office import Hall
from workers import media, redraw


def dispatched(hall: Hall) -> Case:
    case = hall.world.tell("li")
    hall.clear()
    hall.world.dispatch(case)
    hall.deliver()
    return case


def buttons(hall: Hall, who: str) -> list[list[str]]:
    """The live buttons of each card on somebody's screen."""
    cards = [row["card"] for row in hall.chat(hall.corp, who) if row["kind"] == "template_card"]
    return [[b["text"] for b in card.get("button_list", ())] for card in cards]


def test_after_a_signature_the_other_officers_card_offers_it_no_more(desk: Hall) -> None:
    case = dispatched(desk)
    before = buttons(desk, "zhangwei")
    assert "签收" in before[0]
    desk.world.do("zhang", case, "sign_for")
    assert redraw.step(desk.service, case.id, desk.world.now) > 0
    assert "签收" not in buttons(desk, "zhangwei")[0]
    assert redraw.step(desk.service, case.id, desk.world.now) == 0  # a code serves once


def test_a_mere_reminder_is_not_worth_a_code(desk: Hall) -> None:
    case = dispatched(desk)
    desk.world.pass_to("2022-04-11T14:45")
    assert redraw.step(desk.service, case.id, desk.world.now) == 0
    desk.world.do("zhang", case, "sign_for")
    assert redraw.sweep(desk.service, desk.world.now) > 0


def test_an_expired_code_is_left_alone(desk: Hall) -> None:
    case = dispatched(desk)
    desk.world.pass_to("2022-04-14T10:00")
    desk.world.do("zhang", case, "sign_for")
    assert redraw.step(desk.service, case.id, desk.world.now) == 0


def test_a_code_that_met_a_busy_platform_is_kept(desk: Hall) -> None:
    case = dispatched(desk)
    desk.world.do("zhang", case, "sign_for")
    desk.fault(desk.corp, "busy", count=9, at="update_template_card")
    assert redraw.step(desk.service, case.id, desk.world.now) == 0
    desk.act(desk.corp, "faults")
    assert redraw.step(desk.service, case.id, desk.world.now) > 0


def test_a_newer_card_of_a_notice_supersedes_the_older(desk: Hall) -> None:
    case = dispatched(desk)
    desk.world.do("zhang", case, "send_back", send_back_reason="属于自然资源局")
    desk.world.dispatch(case)
    desk.deliver()
    c, o = store.card.c, store.outbox.c
    rows = desk.rows(
        sa.select(c.state, c.person_id)
        .join(store.outbox, o.id == c.outbox_id)
        .where(c.case_id == case.id, o.notice == "dispatch_card")
        .order_by(c.id)
    )
    states = [row.state for row in rows if row.person_id == desk.world.who("zhang").id]
    assert states == ["superseded", "live"]


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(out, "JPEG")
    return out.getvalue()


def sent_in_chat(desk: Hall, case: Case, content: bytes, kind: str = "image") -> None:
    body = base64.b64encode(content).decode()
    said = desk.act(desk.oa, "say", person="li", kind=kind, bytes=body)
    desk.act(desk.oa, "settle")
    media_id = said["callback"]["fields"]["MediaId"]
    by = desk.world.who("li").id
    with store.transaction(desk.world.office.engine) as conn:
        attach.expect(
            conn,
            case.id,
            channel="wechat",
            media_id=media_id,
            purpose="material",
            by_id=by,
            now=desk.world.now,
        )


def test_a_picture_is_fetched_and_kept_sealed(desk: Hall) -> None:
    case = desk.world.tell("li")
    sent_in_chat(desk, case, picture())
    assert media.step(desk.service, desk.machine.now) == 1
    (file,) = desk.world.attachments(case)
    assert file.state == "stored" and file.mime == "image/jpeg" and file.name == "图片.jpg"
    kept = b"".join(p.read_bytes() for p in desk.world.office.files.rglob("*") if p.is_file())
    assert kept and b"JFIF" not in kept
    assert media.step(desk.service, desk.machine.now) == 0


def test_a_platform_that_breaks_off_is_asked_again(desk: Hall) -> None:
    case = desk.world.tell("li")
    sent_in_chat(desk, case, picture())
    desk.fault(desk.oa, "5xx", count=1, at="media/get")
    media.step(desk.service, desk.machine.now)
    assert [a.state for a in desk.world.attachments(case)] == ["pending"]
    desk.machine.passes(seconds=121)
    media.step(desk.service, desk.machine.now)
    assert [a.state for a in desk.world.attachments(case)] == ["stored"]


@pytest.mark.parametrize(("days", "state"), [(2, "stored"), (4, "lost")])
def test_what_the_platform_keeps_no_longer_is_lost_and_says_so(desk: Hall, days: int, state: str) -> None:
    case = desk.world.tell("li")
    sent_in_chat(desk, case, picture())
    desk.world.pass_to(f"2022-04-{11 + days}T10:00")
    media.step(desk.service, desk.machine.now)
    assert [a.state for a in desk.world.attachments(case)] == [state]


def test_what_is_no_picture_is_refused(desk: Hall) -> None:
    case = desk.world.tell("li")
    sent_in_chat(desk, case, b"\xff\xd8\xff" + b"not a picture" * 9)
    media.step(desk.service, desk.machine.now)
    assert [a.state for a in desk.world.attachments(case)] == ["refused"]
