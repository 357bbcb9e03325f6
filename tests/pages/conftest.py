"""A hall on SQLite for each test, and `screen(name)` for the browsers in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import people, store
from core.office import Office
from core.policy import load
from core.policy.model import Profile
from core.privacy import Vault, make_key
from core.settings import Settings
from core.workdays import SHANGHAI, Calendar, OfficeHours
from tests.pages.world import HALL, HOURS, Screens, World


@pytest.fixture(scope="session")
def shipped() -> tuple[Profile, str]:
    return load.shipped("xiangjiang")


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory, shipped: tuple[Profile, str]) -> bytes:
    """A database with the hall in it, copied for each test."""
    path = tmp_path_factory.mktemp("blank") / "hall.sqlite"
    engine = store.open_engine(f"sqlite:///{path}")
    store.metadata.create_all(engine)
    with store.transaction(engine) as conn:
        load.publish(conn, shipped[1], "xiangjiang.toml", datetime(2022, 4, 8, tzinfo=UTC))
        people.load_hall(conn, HALL)
    engine.dispose()
    return path.read_bytes()


@pytest.fixture
def world(tmp_path: Path, blank: bytes, shipped: tuple[Profile, str]) -> Iterator[World]:
    path = tmp_path / "hall.sqlite"
    path.write_bytes(blank)
    engine = store.open_engine(f"sqlite:///{path}")
    vault = Vault.from_setting(f"k1:{make_key()}")
    office = Office(
        engine, vault, Calendar.load(), OfficeHours.read(HOURS), HALL, shipped[0], tmp_path / "files"
    )
    settings = Settings.model_validate(
        {
            "database_url": str(engine.url),
            "keys": "k1:",
            "hall": tmp_path / "hall.toml",
            "files": tmp_path / "files",
            "base_url": "http://127.0.0.1:8000",
        }
    )
    yield World(office, datetime(2022, 4, 11, 10, 0, tzinfo=SHANGHAI), settings)
    engine.dispose()


@pytest.fixture
def screen(world: World) -> Screens:
    """`screen(name)`: the browser of a person, all in one application."""
    app = world.app()
    return lambda name: world.screen(name, app)
