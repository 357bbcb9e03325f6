"""The migrations make exactly the tables of the code, on both databases, and can be taken back."""

from __future__ import annotations

import sqlalchemy as sa

from core import schema, store


def test_up_down_and_up_again_leaves_no_difference(database_url: str) -> None:
    engine = store.open_engine(database_url)
    assert schema.current(engine) == ""
    for _ in range(2):
        schema.upgrade(engine)
        assert schema.current(engine) == schema.head()
        assert schema.check(engine) == ()
        schema.downgrade(engine, "base")
        assert sa.inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_the_partial_indexes_are_partial(database_url: str) -> None:
    engine = store.open_engine(database_url)
    schema.upgrade(engine)
    found = {i["name"]: i for i in sa.inspect(engine).get_indexes("outbox")}
    where = found["ix_outbox_due"]["dialect_options"]
    assert any("due" in str(text) for text in where.values())
    engine.dispose()


def test_a_difference_is_found(sqlite_url: str) -> None:
    engine = store.open_engine(sqlite_url)
    schema.upgrade(engine)
    with store.transaction(engine) as conn:
        conn.exec_driver_sql("ALTER TABLE person ADD COLUMN nickname VARCHAR(8)")
    assert "nickname" in str(schema.check(engine))
    engine.dispose()
