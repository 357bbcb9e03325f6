"""What has outlived its period goes; the numbers and the record stay, and the record still proves itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from core import case as cases
from core import inbox, retention, store, uploads
from core.case import Case
from core.desk import attach
from core.desk.attach import NewFile
from core.people import Retention
from core.retention import Kept
from tests.world import World


def apply(world: World, **how: Any) -> Kept:
    return retention.apply(world.office, world.now, **how)


def later(world: World, **span: float) -> None:
    world.now += timedelta(**span)


def give_file(world: World, case: Case, purpose: str = "material") -> str:
    """A file of the applicant's; its storage key."""
    accepted = uploads.inspect("跑了三次".encode(), "经过.txt", 1000)
    file, by = NewFile(accepted, "经过.txt"), world.who("li").id
    with store.transaction(world.office.engine) as conn:
        attach.keep(world.office, conn, case.id, file, purpose, by, world.now)
    return world.attachments(case)[-1].storage_key or ""


def withdrawn(world: World) -> Case:
    case = world.tell("li")
    return world.do("li", case, "withdraw")


def sealed_rows(world: World) -> int:
    with store.transaction(world.office.engine) as conn:
        count = sa.select(sa.func.count()).where(store.fact.c.value_enc.is_not(None))
        return int(conn.execute(count).scalar_one())


def whole(world: World, case: Case) -> bool:
    with store.transaction(world.office.engine) as conn:
        return cases.broken_link(conn, world.office.vault, case.id) is None


def test_an_ended_case_loses_its_words_and_files_and_keeps_its_numbers(world: World) -> None:
    case = withdrawn(world)
    key = give_file(world, case)
    before = world.again(case)
    later(world, days=181)

    kept = apply(world)

    assert kept.cases == 1 and kept.facts >= 3 and kept.files == 1 and kept.addresses == 1
    assert world.words(case) == {} and sealed_rows(world) == 0
    with pytest.raises(FileNotFoundError):
        uploads.load(world.office.files, key, world.office.vault)
    after = world.again(case)
    assert (after.number, after.stage, after.codes) == (before.number, before.stage, before.codes)
    assert [e.act for e in world.events(case)][-2:] == ["withdraw", "erase"]
    assert whole(world, case)


def test_running_again_finds_nothing(world: World) -> None:
    withdrawn(world)
    later(world, days=181)
    apply(world)
    assert apply(world) == Kept()


def test_a_dry_run_counts_the_same_and_changes_nothing(world: World) -> None:
    case = withdrawn(world)
    give_file(world, case)
    later(world, days=181)
    words, events = world.words(case), world.events(case)

    counted = apply(world, dry_run=True)

    assert world.words(case) == words and world.events(case) == events
    assert replace(apply(world), addresses=0) == replace(counted, addresses=0)


def test_what_is_still_inside_its_period_stays(world: World) -> None:
    case = withdrawn(world)
    later(world, days=179)
    assert apply(world) == Kept()
    assert world.words(case)


def test_an_open_case_stays_however_old_it_is(world: World) -> None:
    case = world.dispatch(world.tell("li"))
    later(world, days=4000)
    assert apply(world).cases == 0
    assert world.words(case)["applicant_name"] == "李桂兰"


def test_a_draft_nobody_submitted_goes_and_she_begins_anew(world: World) -> None:
    world.say("li", "我要反映")
    world.say("li", "给老房子加装电梯，跑了五趟还没受理")
    draft = world.of_contact("li")
    later(world, days=29)
    world.say("li", "电话是 13800001234")  # a word moves the period on
    later(world, days=2)
    assert apply(world).drafts == 0

    later(world, days=29)
    assert apply(world).drafts == 1

    assert world.words(draft) == {} and world.again(draft).stage == "WITHDRAWN" and whole(world, draft)
    world.say("li", "我要反映")
    world.say("li", "水费多收了，跑了三趟没有解决")
    assert world.of_contact("li").id != draft.id


def test_a_draft_in_which_a_person_was_asked_for_waits_for_that_person(world: World) -> None:
    world.say("li", "我要反映")
    world.say("li", "给老房子加装电梯，跑了五趟还没受理")
    world.say("li", "转人工")
    later(world, days=90)
    assert apply(world).drafts == 0


def test_a_field_and_a_voice_may_go_before_the_rest(world: World) -> None:
    case = world.tell("li", applicant_email="li@example.com")
    result = world.delivered(world.result(world.dispatch(case)))
    assert result.stage == "CLOSED"
    give_file(world, case, "voice")
    give_file(world, case)
    later(world, days=366)

    apply(world)

    assert "applicant_email" not in world.words(case) and world.words(case)["applicant_phone"]
    assert [a.state for a in world.attachments(case)] == ["erased", "stored"]
    later(world, days=1095)
    apply(world)
    assert world.words(case) == {} and whole(world, case)
    assert world.again(case).codes["solved"] == "yes"


def test_an_erased_case_can_still_be_looked_at_and_printed(world: World) -> None:
    case = world.delivered(world.result(world.dispatch(world.tell("li"))))
    later(world, days=1100)
    apply(world)
    assert world.see("zhou", case).words.get("applicant_phone", "") == ""
    world.paper("zhou", case, "registration")
    world.ledger("zhou", "2022-04-11")


def test_letters_and_looks_go_by_their_own_age(world: World) -> None:
    case, zhou = world.tell("li"), world.who("zhou").id
    with store.transaction(world.office.engine) as conn:
        inbox.arrive(conn, world.office.vault, channel="x", key="k", body="原话", now=world.now)
        inbox.handled(conn, world.office.vault, 1, "k", "")
        inbox.arrive(conn, world.office.vault, channel="x", key="new", body="还没处理", now=world.now)
        look = {"case_id": case.id, "person_id": zhou, "at": world.now, "what": "card", "reason": ""}
        conn.execute(sa.insert(store.view_log), look)
    later(world, days=181)
    kept = apply(world)
    assert (kept.received, kept.looks) == (1, 0)
    later(world, days=1095)
    assert apply(world).looks == 1


def test_files_of_a_run_that_was_broken_off_go_with_the_next(hall: World) -> None:
    case = withdrawn(hall)
    key = give_file(hall, case)
    with store.transaction(hall.office.engine) as conn:
        conn.execute(sa.update(store.attachment).values(state="erased"))
    apply(hall)
    with pytest.raises(FileNotFoundError):
        uploads.load(hall.office.files, key, hall.office.vault)


@pytest.mark.parametrize("period", ["looks", "messages"])
def test_a_hall_cannot_keep_logs_shorter_than_the_law(period: str) -> None:
    with pytest.raises(ValidationError):
        Retention.model_validate({period: 179})
