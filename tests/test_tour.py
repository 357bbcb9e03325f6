"""The whole story of the tour, on both databases, over the real wire."""

from pathlib import Path

import pytest

from tests.world import HALL
from workers.demo import open_sandbox, play_tour


def test_the_tour_holds_step_by_step(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_sandbox(tmp_path, HALL.profile, processes=False, database_url=database_url) as sandbox:
        play_tour(sandbox, transcript=True)
        told = sandbox.log()
    transcript = capsys.readouterr().out
    assert "全部走通" in transcript
    assert all(line["clause"] for line in told)
    assert {line["route"] for line in told} >= {
        "reply",
        "customer_service",
        "template",
        "card",
        "group",
        "call_task",
    }
