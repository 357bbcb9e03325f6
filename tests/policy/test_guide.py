"""The guide to writing a region is true: its answers, its file, its dates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.words import FOLDER
from core.policy import load
from core.policy.diff import compare
from core.policy.verify import verify
from workers import cli, draft
from workers.wizard import from_file

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs/writing-a-region.zh-CN.md").read_text("utf-8")
EXAMPLE = ROOT / "docs/examples/qingyuan.toml"
BLOCKS = re.findall(r"^```(toml)?\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
ANSWERS, *PARTS = [text for kind, text in BLOCKS if kind == "toml"]
TEXTS = {str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.txt")}


def test_the_example_holds() -> None:
    """It loads, and nothing is found in it that the first region does not share."""
    rules, _ = load.read(EXAMPLE)
    found = {x.text for x in verify(rules, TEXTS).findings}
    assert found <= {x.text for x in verify(load.shipped("xiangjiang")[0], TEXTS).findings}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.split("\n")[0])
def test_what_the_guide_shows_stands_in_the_example(part: str) -> None:
    text = EXAMPLE.read_text("utf-8")
    for line in part.splitlines():
        assert line in text
    if len(part.splitlines()) > 2:
        assert part in text


def test_the_answers_of_the_guide_lead_to_the_example(tmp_path: Path) -> None:
    """What the draft left open was filled in; what the answers settled is as it was."""
    (tmp_path / "answers.toml").write_text(ANSWERS, "utf-8")
    name, text = draft.draft(from_file(tmp_path / "answers.toml"))
    text = re.sub(r'^# (\w+) = "QY-"', r'\1 = "QY-0"', text, flags=re.MULTILINE).replace("QY-?", "QY-0")
    drafted = load.parse(load.with_parents(text, name), name)
    example, _ = load.read(EXAMPLE)
    changes = [x for x in compare(drafted, example, {}) if x.group not in ("条文", "取舍")]
    assert name == EXAMPLE.stem
    assert [x.text for x in changes if "依据：" not in x.text and "推定的" not in x.text] == []


def test_the_dates_of_the_guide_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    command = next(text for _, text in BLOCKS if text.startswith("bancheng due"))
    told = next(text for _, text in BLOCKS if "起算日，不计" in text)
    words = command.split()[1:]
    assert cli.main([str(EXAMPLE) if word == EXAMPLE.name else word for word in words]) == 0
    assert capsys.readouterr().out == told


def test_the_editor_s_schema_is_where_the_example_points() -> None:
    first = EXAMPLE.read_text("utf-8").splitlines()[0]
    assert (EXAMPLE.parent / first.removeprefix("#:schema ")).exists()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("xiangjiang", "XJ〔年份〕〔5 位顺序号〕"),
        ("neixiang", "〔年月日〕〔当天的 2 位顺序号〕"),
        ("putuo", "〔窗口代号〕〔年月日〕〔3 位顺序号〕"),
    ],
)
def test_a_clerk_reads_no_placeholders(name: str, number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["policy", "show", name]) == 0
    said = capsys.readouterr().out
    assert f"单号式样：{number}" in said
    assert "{" not in said
