"""The layers of the house, read from the imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "core": {
        "bot", "workers", "deploy", "flask", "jinja2", "rq", "redis", "wechatpy", "urllib3", "requests", "docx",
        "gunicorn", "socket", "http", "urllib",
    },
    "bot": {"workers", "deploy", "rq", "redis", "requests"},
    "workers": set(),
    "deploy": {"core", "bot", "workers"},
}  # fmt: skip
# The command line starts everything, the sandbox too.
STARTERS = {"workers/cli.py", "workers/demo.py"}
FILES = [p for layer in FORBIDDEN for p in sorted((ROOT / layer).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_layer_imports_nothing_from_above(path: Path) -> None:
    place = path.relative_to(ROOT)
    forbidden = set(FORBIDDEN[place.parts[0]])
    if place.parts[0] == "workers" and str(place) not in STARTERS:
        forbidden.add("deploy")
    assert not forbidden & set(imported(path))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_region_is_named_in_code(path: Path) -> None:
    names = {"xiangjiang", "longhui", "huaiyin", "neixiang", "putuo"}
    strings = {
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    if str(path.relative_to(ROOT)) in {"workers/cli.py", "workers/demo.py"}:  # the demo's default profile
        return
    assert not names & strings


def test_only_the_wrapping_module_knows_wechatpy() -> None:
    users = [str(p.relative_to(ROOT)) for p in FILES if "wechatpy" in set(imported(p))]
    assert users == ["bot/channels/envelope.py"]
