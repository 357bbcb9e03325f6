"""The schema for editors: shipped as the model has it, and every shipped profile may say what it says."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from core.policy import load, schema

ROOT = Path(__file__).parent.parent.parent
FILES = sorted((ROOT / "core/policies").glob("*.toml"))
TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
    "array": list,
    "object": dict,
}


def wrong(value: Any, rule: Mapping[str, Any], defs: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """What of a value the schema does not allow: as much of JSON Schema as ours uses."""
    if "$ref" in rule:
        yield from wrong(value, defs[rule["$ref"].rpartition("/")[2]], defs, place)
    elif "anyOf" in rule:
        if all(list(wrong(value, one, defs)) for one in rule["anyOf"]):
            yield place
    elif "type" in rule and (rule["type"] == "null" or not isinstance(value, TYPES[rule["type"]])):
        yield place
    elif isinstance(value, dict):
        known = rule.get("properties", {})
        for key, inner in value.items():
            more = rule.get("additionalProperties", True)
            if key in known:
                yield from wrong(inner, known[key], defs, f"{place}.{key}")
            elif more is False:
                yield f"{place}.{key}"
            elif more is not True:
                yield from wrong(inner, more, defs, f"{place}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from wrong(inner, rule.get("items", {}), defs, f"{place}.{number}")
    elif value not in rule.get("enum", [value]):
        yield place


def test_the_shipped_schema_is_the_model_s() -> None:
    """`bancheng policy schema > docs/profile.schema.json` after a change of the model."""
    assert (ROOT / "docs/profile.schema.json").read_text("utf-8") == schema.text() + "\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_profile_says_nothing_that_the_schema_does_not_know(path: Path) -> None:
    told = schema.schema()
    assert list(wrong(tomllib.loads(path.read_text("utf-8")), told, told["$defs"])) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('titel = "x"', ".titel"),
        ("[[limits]]\nkey = 'a'\ndue = { weeks = 1 }", ".limits.0.due"),
        ("[[duties]]\nkey = 'a'\nmet_by = 'reply'", ".duties.0.met_by"),
        ("[extension]\nmode = 'sometimes'", ".extension.mode"),
        ("[basis]\nfields = 3", ".basis.fields"),
    ],
)
def test_a_slip_is_seen_while_it_is_typed(text: str, place: str) -> None:
    told = schema.schema()
    found = list(wrong(tomllib.loads(text), told, told["$defs"]))
    assert found and all(x.startswith(place) for x in found)


def test_an_editor_may_write_a_part_and_leave_the_rest_to_the_parent() -> None:
    """`required` is asked of the whole pile, when it is read."""
    assert "required" not in schema.schema()
    assert json.loads(schema.text())["properties"].keys() >= {"extends", "basis", "drop", "limits"}
    assert load.BASE in schema.schema()["properties"]["extends"]["description"]


def test_what_the_model_explains_the_editor_shows() -> None:
    limit = schema.schema()["$defs"]["Span"]["properties"]["wd"]
    assert "working days" in limit["description"]
