"""What a profile file may say, as JSON Schema: an editor completes and checks it while somebody types.

The schema is the model's, less what a file may leave to the rule it stands on, plus what only a file says (`extends`,
`basis`, `drop`, and for entries of a list `before`). What is required is told when the whole pile is read.
"""

from __future__ import annotations

import inspect
import io
import json
import tokenize
from typing import Any, Final

from core.policy import model
from core.policy.model import Entry, Profile

_OF_A_FILE: Final = {
    "extends": {"type": "string", "description": "站在哪一份规则上，一般是 base"},
    "basis": {
        "type": "object",
        "description": '上级规则里 clause = "@名字" 的，在这里写明是本规则的哪一条',
        "additionalProperties": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"clause": {"type": "string"}, "inferred": {"type": "boolean"}},
                    "required": ["clause"],
                    "additionalProperties": False,
                },
            ]
        },
    },
    "drop": {
        "type": "array",
        "items": {"type": "string"},
        "description": "上级规则里不要的，例如 acts.extend、duties.limit.steps.remind_day、notices.模板:收件人",
    },
}
_BEFORE: Final = {"type": "string", "description": "新写的一条放在哪一条前面（写那一条的 key、code 或 id）"}
_KEYS: Final = {"key", "code", "id", "template", "act"}


def text() -> str:
    """The schema as JSON, indented."""
    return json.dumps(schema(), ensure_ascii=False, indent=1, sort_keys=True)


def schema() -> dict[str, Any]:
    told: dict[str, Any] = Profile.model_json_schema()
    notes = _notes()
    for name, part in ((told["title"], told), *told["$defs"].items()):
        part.pop("required", None)
        for key, value in part.get("properties", {}).items():
            value.pop("title", None)
            if note := notes.get((name, key)):
                value["description"] = note
        if _KEYS & part.get("properties", {}).keys():
            part["properties"]["before"] = _BEFORE
    told["properties"] |= _OF_A_FILE
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **told}


def _notes() -> dict[tuple[str, str], str]:
    """What the comments beside the model's fields say: the one place where they are explained."""
    found: dict[tuple[str, str], str] = {}
    for name, kind in inspect.getmembers(model, inspect.isclass):
        if not issubclass(kind, Entry) or kind.__module__ != model.__name__:
            continue
        field = ""
        for token in tokenize.generate_tokens(io.StringIO(inspect.getsource(kind)).readline):
            if token.type == tokenize.NAME and token.start[1] == 4 and token.string in kind.model_fields:
                field = token.string
            elif token.type == tokenize.COMMENT and field and token.start[1] > 4:
                found.setdefault((name, field), token.string.removeprefix("# "))
    return found
