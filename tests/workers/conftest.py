from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.office import Hall, open_hall
from tests.world import World


@pytest.fixture
def both(world: World, tmp_path: Path) -> Iterator[Hall]:
    """A hall with its platforms, on each database."""
    with open_hall(world, tmp_path) as made:
        yield made


@pytest.fixture
def desk(hall: World, tmp_path: Path) -> Iterator[Hall]:
    """The same on SQLite."""
    with open_hall(hall, tmp_path) as made:
        yield made


@pytest.fixture
def plain(hall: World, tmp_path: Path) -> Iterator[Hall]:
    """A hall whose official account has no template message."""
    with open_hall(hall, tmp_path, template=False) as made:
        yield made
