"""What one site has learnt, another finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import improvement, library
from tests.library.test_entries import PARTS, of
from tests.regions.test_putuo import THURSDAY, analysed, closed, dispatched, registered
from tests.world import World


@pytest.mark.clause("PT-5.4b", "PT-7.2d")
def test_what_one_site_wrote_another_finds_and_like_cases_are_improved_upon(
    sqlite_url: str, tmp_path: Path
) -> None:
    world = World.of("putuo", sqlite_url, tmp_path / "files", start=THURSDAY)
    case = closed(world, dispatched(world, analysed(world, registered(world))))
    with of(world, "fang") as (conn, person):
        drafted = library.draft(world.office, conn, case, person, world.now)
        assert (drafted["item"], drafted["cause_code"]) == ("食品经营许可证变更", "material")
        entry = library.propose(
            world.office, conn, case, person, {**drafted, "cause": PARTS["cause"]}, world.now
        )
    with of(world, "shen") as (conn, person):
        parts = {name: getattr(entry, name) for name in PARTS}
        library.approve(
            world.office, conn, entry.ref, person, parts, owner=person.id, review_on=None, now=world.now
        )

    with of(world, "meng") as (conn, person):  # the window of another site, a stranger to the case itself
        (found,) = library.search(conn, "食品经营许可", cause="material")
        read = library.read(world.office, conn, found.entry.ref, person)
        assert read.site_id == case.site_id and "王建国" not in read.text and "88889999" not in read.text

    again = closed(world, dispatched(world, analysed(world, registered(world))))
    with of(world, "shen") as (conn, person):
        (group,) = improvement.groups(world.office, conn)
        assert group.case_ids == (case.id, again.id) and group.kind.cause_code == "material"
        group = improvement.confirm(world.office, conn, person, group.kind, world.now)
        due = world.now.date().replace(month=12)
        action = improvement.act_on(
            world.office,
            conn,
            person,
            group.ref,
            what="变更材料只留一版清单",
            owner=person.id,
            due_on=due,
            now=world.now,
        )
        assert (action.owner_id, action.due_on, action.state) == (person.id, due, "open")
    world.office.engine.dispose()
