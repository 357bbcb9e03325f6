"""What all tests share: real databases, and a world to play stories in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import store
from tests.world import World
from workers.servers import postgres_server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of this test process; its URL without a database."""
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    yield fresh_database(request.getfixturevalue("postgres"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A hall on a Monday morning, on both databases."""
    made = World.make(database_url, tmp_path / "files")
    yield made
    made.close()


@pytest.fixture
def hall(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """The same on SQLite alone, for stories whose storage is told elsewhere."""
    made = World.make(sqlite_url, tmp_path / "files")
    yield made
    made.close()


def fresh_database(server: str) -> str:
    """A new, empty database on a server."""
    url = sa.make_url(server)
    name = f"test_{next(_numbers)}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


def create_tables(url: str) -> sa.Engine:
    engine = store.open_engine(url)
    store.metadata.create_all(engine)
    return engine
