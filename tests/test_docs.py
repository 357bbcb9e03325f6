"""The documents say what is so: their links lead somewhere, their commands and settings exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.flow import FLOW
from core.settings import PREFIX, Settings
from workers import cli

ROOT = Path(__file__).parent.parent
TEXTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])
EXAMPLE = ROOT / ".env.example"
HOUSE = ROOT / "docs" / "architecture.md"
FILES = [
    *TEXTS,
    EXAMPLE,
    *sorted(ROOT.glob("deploy/systemd/*")),
    *(ROOT / "deploy" / name for name in ("compose.yaml", "Dockerfile", "nginx/bancheng.conf")),
]
FOLDERS = ("core", "bot", "workers", "templates", "deploy", "docs", "tests")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PLACE = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[^`\s]*)`")
COMMAND = re.compile(r"(?:^[ \t]*|bin/|[`（。])bancheng ([a-z][^`\n]*)", re.MULTILINE)
VARIABLE = re.compile(rf"{PREFIX}[A-Z]+(?:_[A-Z]+)*(?![A-Z_…*])")
# Set by the demonstration for its own processes, never by hand.
OF_THE_SANDBOX = {"sandbox_clock", "sandbox_frames"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def heading_links(text: str) -> set[str]:
    """The fragments that GitHub makes of a text's headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def commands() -> Iterator[tuple[str, str]]:
    for path in FILES:
        for found in COMMAND.findall(path.read_text("utf-8")):
            # A command ends with its span or line, or where a comment, a quote or Chinese begins.
            yield name_of(path), re.split(r"\s+#|['\"\\]|\s&&|[^\x00-\x7f]", found)[0].strip()


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_a_link_leads_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for link in LINK.findall(text):
        if link.startswith(("https://", "http://")):
            continue
        target, _, fragment = link.partition("#")
        there = path.parent / target if target else path
        assert there.exists(), link
        if fragment:
            assert fragment in heading_links(there.read_text("utf-8")), link


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_a_path_in_a_text_exists(path: Path) -> None:
    for place in PLACE.findall(path.read_text("utf-8")):
        assert list(ROOT.glob(place.replace("NAME", "*").rstrip("/"))), place


@pytest.mark.parametrize(("where", "command"), sorted(set(commands())))
def test_a_command_exists(where: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in command.split()[:2] if re.fullmatch(r"[a-z]+(?:-[a-z]+)*", word)]
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--help"])
    told = capsys.readouterr()
    assert ended.value.code == 0, told.err
    for option in re.findall(r"(?<!\S)--[a-z-]+", command):
        assert option in told.out, f"{option} of {command}"


def test_commands_were_found() -> None:
    """The pattern above still reads the documents."""
    found = {command.split()[0] for _, command in commands()}
    assert {"serve", "worker", "clock", "doctor", "db", "outbox", "inbox", "audit"} <= found


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_setting_that_is_named_exists(path: Path) -> None:
    named = {v.removeprefix(PREFIX).lower() for v in VARIABLE.findall(path.read_text("utf-8"))}
    assert named <= Settings.model_fields.keys()


def test_the_example_lists_every_setting() -> None:
    listed = {line.lstrip("#").partition("=")[0] for line in EXAMPLE.read_text("utf-8").splitlines()}
    for field in Settings.model_fields.keys() - OF_THE_SANDBOX:
        assert PREFIX + field.upper() in listed


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of the description of the house."""
    below = HOUSE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in below.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_every_module_has_its_room() -> None:
    """Named by its whole path, or by its name in the row of its folder."""
    named = set()
    for where, what in rows("The rooms"):
        named |= set(re.findall(r"`((?:core|bot|workers)/[\w/]+\.py)`", f"{where} {what}"))
        for folder in re.findall(r"`((?:core|bot|workers)/(?:\w+/)*)`", where):
            named |= {folder + name for name in re.findall(r"`(\w+\.py)`", what)}
    found = (path for folder in ("core", "bot", "workers") for path in ROOT.glob(f"{folder}/**/*.py"))
    modules = {name_of(path) for path in found if path.name != "__init__.py"}
    assert named == {module for module in modules if not module.startswith("core/migrations/")}


def test_the_life_of_a_case_is_told_as_the_flow_has_it() -> None:
    """Every act that leads on, from where to where; those that stay are told by examples."""
    told = {
        ("*" if stage.startswith("any open stage") else stage, act, to)
        for stages, moving, _ in rows("The life of a case")
        for stage in stages.split(", ")
        for acts, to in re.findall(r"(\w+(?: and \w+)*) → ([A-Z_]+)", moving)
        for act in acts.split(" and ")
    }
    assert told == {(row.stage, row.act, row.to) for row in FLOW if row.to}
