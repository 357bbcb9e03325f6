"""The commands about rules: read one, compare two, explain a date."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from core import schema, store
from core.policy import load
from core.settings import from_env
from tests.workers.test_cli import ask, installed
from tests.world import ROOT
from workers import cli, console

__all__ = ["installed"]  # the fixture
HALL = ROOT / "deploy/sandbox/halls/xiangjiang.toml"


@pytest.fixture
def in_a_hall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANCHENG_HALL", str(HALL))


# --- show and diff --------------------------------------------------------------------------------------


def test_a_rule_is_told_at_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ask(capsys, "policy", "show", "xiangjiang")
    assert code == 0
    assert "一般事项：3 个工作日，争取 1 个工作日（XJ-2.3a）" in said
    assert "审签：“审签同意”→送结果、“退回修改”→责任单位办理" in said
    assert "窗口确认受理（XJ-A2.2，推定）" in said


def test_a_rule_is_written_as_a_page(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, said = ask(capsys, "policy", "show", "xiangjiang", "--html", str(tmp_path / "rule.html"))
    assert code == 0 and "rule.html" in said
    html = (tmp_path / "rule.html").read_text("utf-8")
    assert '<a class="clause" href="#XJ-2.3b">XJ-2.3b</a>' in html and '<li id="XJ-2.3b">' in html
    assert "<mark>推定</mark>" in html
    assert "<script" not in html and "src=" not in html  # complete in itself


def test_two_rules_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ask(capsys, "policy", "diff", "xiangjiang", "putuo")
    assert code == 0 and "【时限】" in said and "复杂问题：10 个工作日 → 7 个工作日" in said
    code, said = ask(capsys, "policy", "diff", "xiangjiang", "putuo", "--json")
    assert {"group", "text", "key"} == json.loads(said)[0].keys()
    assert ask(capsys, "policy", "diff", "xiangjiang", "xiangjiang")[1] == "两份说的一样。\n"


def test_a_published_version_is_compared_with_a_file(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = store.open_engine(from_env(os.environ).database_url)
    schema.upgrade(engine)
    engine.dispose()
    assert cli.main(["policy", "publish", "xiangjiang"]) == 0
    version = load.shipped("xiangjiang")[0].version
    text = (load.SHIPPED / "xiangjiang.toml").read_text("utf-8")
    (installed / "newer.toml").write_text(text.replace("due = { wd = 10 }", "due = { wd = 5 }", 1), "utf-8")
    code, said = ask(capsys, "policy", "diff", f"xiangjiang@{version}", str(installed / "newer.toml"))
    assert code == 0 and "较复杂事项：10 个工作日 → 5 个工作日（XJ-2.3b）" in said
    code, said = ask(capsys, "policy", "show", "xiangjiang@1999-01-01")
    assert code == console.WRONG and "没有发布过" in said


# --- due ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "limit", "instant", "day"),
    [
        ("xiangjiang", "external", "2022-04-11T10:00", "2022-04-29"),
        ("longhui", "work_order", "2022-04-11T10:00", "2022-04-14"),
        ("huaiyin", "simple", "2023-04-27T10:00", "2023-05-05"),
        ("huaiyin", "filing", "2023-04-28T16:00", "2023-05-04"),
        ("neixiang", "initial_feedback", "2022-04-11T10:00", "2022-04-14"),
        ("neixiang", "special", "2022-04-11T10:00", "2022-04-20"),
        ("putuo", "complex", "2023-06-19T10:00", "2023-06-29"),
        ("putuo", "当天分析原因", "2023-05-24T10:30", "2023-05-24"),
    ],
)
@pytest.mark.usefixtures("in_a_hall")
def test_limits_and_duties_of_every_region_are_explained(
    rule: str, limit: str, instant: str, day: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = ask(capsys, "due", rule, limit, instant)
    assert code == 0 and f"到期：{day}" in said


@pytest.mark.usefixtures("in_a_hall")
def test_what_opens_after_closing_time_ends_with_the_next_working_day(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, said = ask(capsys, "due", "putuo", "analysis", "2023-05-24T18:30")
    assert "2023-05-25  工作日  第 1 个工作日" in said and "到期：2023-05-25，下班时" in said


def test_months_end_on_the_corresponding_day_and_move_off_a_day_of_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, said = ask(capsys, "due", "huaiyin", "review", "2023-04-01T16:00")
    assert "2023-10-01  对应日" in said and "2023-10-06  放假  顺延" in said
    assert "到期：2023-10-07" in said


@pytest.mark.usefixtures("in_a_hall")
def test_minutes_of_the_office_are_counted_by_its_sessions(capsys: pytest.CaptureFixture[str]) -> None:
    _, said = ask(capsys, "due", "longhui", "arrival", "2022-04-29T11:50")
    assert "11:50—12:00 10 分钟，13:30—13:50 20 分钟" in said and "到期：2022-04-29，2022-04-29 13:50" in said


def test_without_a_hall_nobody_knows_the_hours_of_the_office(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BANCHENG_HALL", raising=False)
    code, said = ask(capsys, "due", "longhui", "arrival", "2022-04-29T11:50")
    assert code == console.FAILED and "BANCHENG_HALL" in said
