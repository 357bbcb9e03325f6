"""The whole story of the tour, on both databases, over the real wire."""

from pathlib import Path

import pytest

from core.policy.load import shipped_names
from deploy.sandbox import tours
from workers.demo import open_sandbox, play_tour

TOURS = sorted(path.stem for path in Path(tours.__file__).parent.glob("*.py") if path.stem in shipped_names())


@pytest.mark.parametrize("region", TOURS)
def test_the_tour_holds_step_by_step(
    region: str, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_sandbox(tmp_path, region, processes=False, database_url=database_url) as sandbox:
        play_tour(sandbox, transcript=True)
        told = sandbox.log()
    transcript = capsys.readouterr().out
    assert "全部走通" in transcript
    assert all(line["clause"] for line in told)
    assert {line["route"] for line in told} >= {"reply", "card", "group"}
    if region == "xiangjiang":
        assert {line["route"] for line in told} >= {"customer_service", "template", "call_task"}
