"""How the database is spoken to: few statements, and a connection that was lost is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from core import case as cases
from core import intake, store
from core.intake import Said
from tests.world import MATTER, World


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    ran = list[str]()

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        ran.append(statement)

    sa.event.listen(world.office.engine, "before_cursor_execute", note)
    try:
        yield ran
    finally:
        sa.event.remove(world.office.engine, "before_cursor_execute", note)


def test_an_answer_in_the_conversation_takes_six_statements(world: World) -> None:
    world.say("li", MATTER)
    world.say("li", "说完了")
    person = world.who("li")
    with counted(world) as ran, store.transaction(world.office.engine) as conn:
        intake.turn(world.office, conn, person, "wechat", Said("text", "我自己"), world.now)
    # The dialogue with its lock, the case and what is known of it, the fact, the dialogue again.
    assert len([one for one in ran if not one.startswith("BEGIN")]) <= 6, ran


def test_an_act_writes_all_its_facts_at_once_and_all_its_moments(world: World) -> None:
    with counted(world) as ran:
        world.register()
    for table in ("fact", "moment", "event"):
        assert len([one for one in ran if one.startswith(f"INSERT INTO {table} ")]) == 1, table


def test_what_is_stated_twice_in_one_act_is_kept_once_and_what_stood_before_as_history(world: World) -> None:
    case = world.tell("li")
    with store.transaction(world.office.engine) as conn:
        case = cases.note(conn, world.office.vault, case, "remark", now=world.now, by=None, code="old")
        changes = cases.Changes(world.office.vault, case, None, world.now)
        changes.note("remark", code="first")
        changes.note("remark", code="last")
        changes.note("other", text="她说的")
        changes.note("other")
        changes.mark("seen_at", world.now)
        changes.mark("seen_at", world.now)
        changes.write(conn)
        loaded = cases.load(conn, case.id)
        rows = conn.execute(
            sa.select(store.fact.c.code, store.fact.c.current)
            .where(store.fact.c.case_id == case.id, store.fact.c.field == "remark")
            .order_by(store.fact.c.id)
        ).all()
    assert loaded == changes.case
    assert (
        loaded.codes["remark"] == "last" and "other" not in loaded.noted and loaded.at("seen_at") == world.now
    )
    assert [tuple(row) for row in rows] == [("old", False), ("last", True)]


def test_a_connection_that_the_server_closed_is_replaced(postgres: str) -> None:
    engine, other = store.open_engine(postgres, pool=1), store.open_engine(postgres, pool=1)
    mine = sa.text("SELECT pg_backend_pid()")
    with store.transaction(engine) as conn:
        lost = conn.execute(mine).scalar_one()
    with store.transaction(other) as conn:
        conn.execute(sa.select(sa.func.pg_terminate_backend(lost, 5000)))
    with store.transaction(engine) as conn:
        assert conn.execute(mine).scalar_one() != lost
    engine.dispose()
    other.dispose()
