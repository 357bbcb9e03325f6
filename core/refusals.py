"""Refusals: part of the service, never a stack trace.

A refusal has a code (its words stand in `templates/refusals/CODE.txt`) and facts for those words. It changes
nothing; the caller rolls back or simply answers. Anything else that fails is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """Something that cannot be done now. `code` names its words; `facts` fill them (nothing personal)."""

    def __init__(self, code: str, *, clause: str = "", **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.clause = clause
        self.facts: Mapping[str, object] = facts


class Incomplete(Refusal):
    """A form with gaps: `problems` maps a field id to a code of what is wrong with it."""

    def __init__(self, problems: Mapping[str, str], labels: Mapping[str, str]) -> None:
        super().__init__("incomplete", missing="、".join(labels.get(k, k) for k in problems))
        self.problems = problems


NOT_YOURS = "not_yours"  # no role in this case
NOT_NOW = "not_now"  # the stage does not allow it
DONE_ALREADY = "done_already"  # somebody (or you) did it before
UNKNOWN_CASE = "unknown_case"
