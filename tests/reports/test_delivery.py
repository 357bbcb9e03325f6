"""A signed report leaves with the other messages: the worker draws and sends it, and it leads to its page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import outbox, store
from core.outbox import Message
from tests.reports.desk import filed, sign
from tests.workers.office import Hall, open_hall
from tests.world import World, at


@pytest.fixture
def desk(hall: World, tmp_path: Path) -> Iterator[Hall]:
    with open_hall(hall, tmp_path) as made:
        yield made


def test_the_clock_lays_reports_out_and_the_worker_sends_the_signed_one(desk: Hall) -> None:
    world = desk.world
    desk.sweep()
    assert len(filed(world, "daily_check")) == 1
    world.now = at("2022-05-05T09:01")
    desk.sweep()
    (draft,) = filed(world, "notice")
    told = [row for row in desk.chat(desk.corp, "xiaojing") if draft.ref in str(row)]
    assert len(told) == 1 and f"/reports/{draft.ref}" in str(told[0])
    sign(world, "xiao", draft)
    desk.sweep()
    desk.sweep()
    sent = [m for m in messages(desk) if m.notice == "report_sent"]
    assert sent and {m.state for m in sent} == {"sent"}
    assert len({m.person_id for m in sent}) == len(sent)  # each head once
    card = next(row for row in desk.chat(desk.corp, "chenguoping") if draft.ref in str(row))
    assert "办理情况通报" in str(card) and "第三部分（三）" in str(card)


def messages(desk: Hall) -> list[Message]:
    with store.transaction(desk.world.office.engine) as conn:
        return list(outbox.listed(conn))
