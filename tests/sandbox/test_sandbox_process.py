"""What the process reads: the clock file and the tables of the configuration."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.sandbox.__main__ import clock_of, settings
from deploy.sandbox.platform import Person


def test_the_clock_is_what_the_file_says_now(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text("2025-01-06T09:00:00+08:00\n")
    clock = clock_of(file)
    assert clock() == datetime(2025, 1, 6, 1, tzinfo=UTC)
    file.write_text("2025-01-08T01:00:00Z")
    assert clock() == datetime(2025, 1, 8, 1, tzinfo=UTC)
    file.write_text("2025-01-08T01:00:00")
    with pytest.raises(ValueError, match="time zone"):
        clock()


def test_persons_come_from_their_table(tmp_path: Path) -> None:
    table = {"app_id": "a", "people": [{"id": "zhang", "name": "老张", "departments": [2]}]}
    assert settings(table, clock_of(tmp_path))["people"] == (Person("zhang", "老张", departments=(2,)),)
