"""A new region: some twenty answers, a draft that says what it lacks, a rule that holds once that is filled in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.words import FOLDER
from core.policy import load
from core.policy.model import Profile
from core.policy.verify import verify
from workers import cli, draft
from workers.draft import GAP
from workers.wizard import WizardError, from_file

TEXTS = {str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.txt")}
ANSWERS = {
    "name": "qingyuan",
    "prefix": "QY",
    "region": "青源县（虚构）",
    "title": "青源县政务服务“办不成事”反映窗口工作规程",
    "number": "青政服〔2024〕3号",
    "issuer": "青源县政务服务中心",
    "dated": "2024-03-01",
    "operator": "县政务服务中心",
    "supervisor": "县纪委监委",
    "scope": "办事受阻、往返多次",
    "levels": "一般事项3、复杂事项10",
}


def drafted(folder: Path, **answers: str) -> str:
    path = folder / "answers.toml"
    given = {**ANSWERS, **answers}
    path.write_text("".join(f"{key} = '{text}'\n" for key, text in given.items()), "utf-8")
    return draft.draft(from_file(path))[1]


def filled(text: str) -> str:
    """The draft with its gaps filled as its comments say, all with one clause."""
    text = re.sub(r'^# (\w+) = "QY-"', r'\1 = "QY-1"', text, flags=re.MULTILINE)
    clause = '[clauses."QY-1"]\ntitle = "办理"\nplace = "第一条"\ntext = "照此办理。"\n'
    return text.replace(f"QY-{GAP}", "QY-1").replace("# ---- 取舍", f"{clause}\n# ---- 取舍")


def rule(folder: Path, **answers: str) -> Profile:
    return load.parse(load.with_parents(filled(drafted(folder, **answers)), "qingyuan.toml"), "qingyuan.toml")


def test_a_draft_says_all_it_lacks_at_once(tmp_path: Path) -> None:
    text = drafted(tmp_path)
    with pytest.raises(load.ProfileError) as told:
        load.parse(load.with_parents(text, "qingyuan.toml"), "qingyuan.toml")
    lines = str(told.value).splitlines()
    named = set(re.findall(r"^# (\w+) = \"QY-\"", text, re.MULTILINE))
    assert {line.split("：")[1].removeprefix("basis.") for line in lines} == named
    assert all(line.startswith("qingyuan.toml：basis.") for line in lines) and len(lines) > 20
    assert any("交办" in line for line in lines)


def test_then_it_names_the_clauses_that_are_not_there(tmp_path: Path) -> None:
    text = re.sub(r'^# (\w+) = "QY-"', r'\1 = "QY-0"', drafted(tmp_path), flags=re.MULTILINE)
    with pytest.raises(load.ProfileError, match=r"limits.level_1: 条款 QY-\? 不在 \[clauses\] 里"):
        load.parse(load.with_parents(text, "qingyuan.toml"), "qingyuan.toml")


def test_filled_in_it_is_a_rule(tmp_path: Path) -> None:
    rules = rule(tmp_path)
    assert [(x.title, x.due.wd, x.anchor) for x in rules.limits] == [
        ("一般事项", 3, "accepted_at"),
        ("复杂事项", 10, "accepted_at"),
    ]
    assert rules.first_limit == "level_1" and rules.version.startswith("2024-03-01+")
    assert rules.titles["unit_head"] == "主要负责同志" and rules.slots["signer"] == ("unit_head",)
    assert "sign_off" in rules.acts and "reply" not in rules.acts
    assert "extend" not in rules.acts and not rules.extension.allowed
    assert "redo" in rules.acts
    assert "一般事项3个工作日内答复；复杂事项10个工作日内答复" in rules.intake.promise


@pytest.fixture(scope="module")
def shared() -> set[str]:
    """What the verifier finds in the first shipped rule: a draft may share it, and add nothing."""
    return {x.text for x in verify(load.shipped("xiangjiang")[0], TEXTS).findings}


@pytest.mark.parametrize("signer", ["不用", "分管负责同志", "主要负责同志"])
@pytest.mark.parametrize("extension", ["不可以", "可以", "要批准"])
@pytest.mark.parametrize(("redo", "anchor"), [("是", "受理"), ("否", "交办")])
def test_whatever_is_answered_makes_a_rule(
    tmp_path: Path, shared: set[str], signer: str, extension: str, redo: str, anchor: str
) -> None:
    rules = rule(
        tmp_path,
        signer=signer,
        extension=extension,
        redo=redo,
        anchor=anchor,
        result_to_supervisor=redo,
        levels="简单事项当天、一般事项3",
        channels="县政府网站",
        exclusions="征地拆迁：征地，拆迁；诉讼：起诉",
    )
    assert ("reply" in rules.acts) is (signer == "不用") is not ("sign_off" in rules.acts)
    assert ("extend" in rules.acts) is (extension != "不可以")
    assert ("approve_extension" in rules.acts) is (extension == "要批准")
    assert ("redo" in rules.acts) is (redo == "是")
    assert any(x.key == "to_supervisor" for x in rules.duties) is (redo == "是")
    assert rules.first_limit == ("level_2" if anchor == "受理" else "")
    assert [x.words for x in rules.intake.exclusions] == [("征地", "拆迁"), ("起诉",)]
    [channel] = [x for x in rules.acts["register"].fields if x.id == "intake_channel"]
    assert "县政府网站" in [x.label for x in channel.choices]
    assert {x.text for x in verify(rules, TEXTS).findings} <= shared


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        ({"levels": "一般事项"}, "写成 一般事项3、复杂事项10"),
        ({"levels": "简单事项当天"}, "至少要有一级写明几个工作日"),
        ({"prefix": "qy"}, "两到四个大写字母"),
        ({"name": "base"}, "已经有了"),
        ({"dated": "三月"}, "2024-03-01"),
        ({"signer": "局长"}, "主要负责同志"),
        ({"exclusions": "征地"}, "征地拆迁：征地，拆迁"),
        ({"extension_days": "十"}, "写一个数"),
    ],
)
def test_an_answer_that_cannot_stand_says_what_to_write(
    tmp_path: Path, answer: dict[str, str], advice: str
) -> None:
    with pytest.raises(WizardError, match=advice):
        drafted(tmp_path, **answer)


def test_the_command_writes_the_draft_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drafted(tmp_path)
    words = ["policy", "new", "--answers", str(tmp_path / "answers.toml"), "--folder", str(tmp_path)]
    assert cli.main(words) == 0
    assert "qingyuan.toml" in capsys.readouterr().out
    assert tomllib.loads((tmp_path / "qingyuan.toml").read_text("utf-8"))["region"] == "青源县（虚构）"
    assert cli.main(words) == 1
    assert "已经有了，不覆盖" in capsys.readouterr().err
