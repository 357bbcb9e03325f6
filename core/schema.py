"""The shape of the database: bringing it up to date, and finding out where it differs.

The migrations in `core/migrations` run the same on both databases; constraints have names, so that SQLite can
change tables by copying them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

from core import store

MIGRATIONS: Final = Path(__file__).parent / "migrations"
OPTIONS: Final[dict[str, Any]] = {
    "render_as_batch": True,
    "compare_type": True,
    "compare_server_default": True,
}


def upgrade(engine: Engine, to: str = "head") -> None:
    """Bring the database to a revision, by default the newest; all of it, or nothing."""
    _run(engine, command.upgrade, to)


def downgrade(engine: Engine, to: str) -> None:
    """Back to an older revision; `base` empties the database."""
    _run(engine, command.downgrade, to)


def head() -> str:
    """The newest revision there is."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def current(engine: Engine) -> str:
    """The revision the database is at; empty for a new one."""
    with store.transaction(engine) as conn:
        return MigrationContext.configure(conn).get_current_revision() or ""


def check(engine: Engine) -> tuple[str, ...]:
    """Where the database differs from `core.store`; empty if nowhere."""
    with store.transaction(engine) as conn:
        return tuple(
            map(str, compare_metadata(MigrationContext.configure(conn, opts=OPTIONS), store.metadata))
        )


def _run(engine: Engine, do: Any, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.transaction(engine) as conn:
        config.attributes["connection"] = conn
        do(config, revision)
