"""What is kept of proposals: words sealed, under a new key too; and the clock that lets the rules look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from core import heartbeat, proposals, retention, store
from core.privacy import Vault, make_key
from core.rekey import rekey
from tests.proposals.desk import confirm, every, record, said
from tests.workers.office import open_hall
from tests.world import World


def shirking(world: World) -> proposals.Proposal:
    case = world.dispatch(world.tell())
    (made,) = record(world, "gu", "shirking", case, code="shirk", words="李桂兰来了五趟，两个科室互相推。")
    return confirm(world, "gu", made, words="谈话提醒。")


def test_words_are_sealed_and_outlive_a_new_key(hall: World) -> None:
    old, new = f"k1:{make_key()}", f"k2:{make_key()}"
    hall.office = replace(hall.office, vault=Vault.from_setting(old))
    made = shirking(hall)
    with store.transaction(hall.office.engine) as conn:
        blobs = [*conn.execute(sa.select(store.finding.c.words_enc)).scalars()]
        blobs += conn.execute(sa.select(store.proposal_line.c.words_enc)).scalars()
    assert sum(blob is not None for blob in blobs) == 2
    assert all("李桂兰".encode() not in blob for blob in blobs if blob)

    rekey(hall.office.engine, Vault.from_setting(f"{new},{old}"), hall.office.files)

    hall.office = replace(hall.office, vault=Vault.from_setting(new))
    assert said(hall, made) == [("proposed", ""), ("confirmed", "谈话提醒。")]
    with store.transaction(hall.office.engine) as conn:
        (found,) = proposals.recorded(hall.office, conn, made.evidence["findings"])
    assert found.words == "李桂兰来了五趟，两个科室互相推。"


def test_a_sweep_lets_the_rules_look_and_the_card_leaves(hall: World, tmp_path: Path) -> None:
    case = hall.dispatch(hall.tell())
    record(hall, "gu", "shirking", case, code="shirk")
    with open_hall(hall, tmp_path) as desk:
        desk.sweep()
    (wanted,) = [m for m in hall.outbox_of("gu") if m.notice == "proposal_wanted"]
    assert (wanted.state, wanted.error) == ("sent", None)
    with store.transaction(hall.office.engine) as conn:
        looked = heartbeat.last(conn, "proposals")
    assert looked and looked.at == hall.now and len(every(hall)) == 1


def noted(world: World, decided: bool) -> proposals.Proposal:
    """Shirking put on record about a matter that then came to its end."""
    case = world.dispatch(world.tell())
    (made,) = record(world, "gu", "shirking", case, code="shirk", words="李桂兰来了五趟，两个科室互相推。")
    if decided:
        made = confirm(world, "gu", made, words="谈话提醒。")
    assert world.delivered(world.result(case)).stage == "CLOSED"
    return made


def test_what_was_written_goes_with_the_words_of_its_matter_and_the_decision_stays(world: World) -> None:
    made = noted(world, decided=True)
    world.now += timedelta(days=1094)
    assert retention.apply(world.office, world.now).remarks == 0
    world.now += timedelta(days=6)

    assert retention.apply(world.office, world.now).remarks == 2

    assert said(world, made) == [("proposed", ""), ("confirmed", "")]
    with store.transaction(world.office.engine) as conn:
        (found,) = proposals.recorded(world.office, conn, made.evidence["findings"])
    assert (found.words, found.code) == ("", "shirk")
    assert retention.apply(world.office, world.now).remarks == 0


def test_what_is_not_decided_yet_is_kept_whole(hall: World) -> None:
    made = noted(hall, decided=False)
    hall.now += timedelta(days=1100)
    assert retention.apply(hall.office, hall.now).remarks == 0
    with store.transaction(hall.office.engine) as conn:
        (found,) = proposals.recorded(hall.office, conn, made.evidence["findings"])
    assert found.words.startswith("李桂兰")
