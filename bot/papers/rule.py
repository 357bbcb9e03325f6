"""A whole rule to read: on a telephone, on paper, at the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from bot.words import FOLDER, Words
from core import flow
from core.policy.model import Profile
from core.policy.outline import STAGES, Group, Told, outline

_TITLE: Final = re.compile(r"{% block title %}(.*?){% endblock %}", re.DOTALL)
_NUMBER: Final = re.compile(r"\s*{{ (?:view\.)?number }}")
_PLACE: Final = re.compile(r"{{.*?}}|{%.*?%}")
# Acts of every open stage, and of every stage in which a case has ended, stand once, after the stages.
_ANY: Final = {"*": "办结以前，随时", "ENDED": "已经了结，仍然可以"}


class Doing(NamedTuple):
    """An act at a stage: what is said of it, what has to be filled in, where it leads ("" where it stays)."""

    told: Told
    fields: tuple[tuple[str, bool], ...]
    to: str


class Stage(NamedTuple):
    title: str
    doings: tuple[Doing, ...]


@cache
def headings() -> Mapping[str, str]:
    """What each message is headed with, by its template; what depends on the case is left open."""
    found = {}
    for path in (FOLDER / "notices").glob("*.txt"):
        if title := _TITLE.search(path.read_text("utf-8")):
            found[path.stem] = _PLACE.sub("…", _NUMBER.sub("", title[1])).strip()
    return found


def html(rules: Profile, words: Words, *, home: str = "") -> str:
    """The rule as a page complete in itself: no script, no further request. `home`: where “back” leads, if anywhere."""
    groups = {group.title: group.entries for group in outline(rules, headings())}
    stages = life(rules)
    shown = {doing.told.key for stage in stages for doing in stage.doings}
    return words.page("papers/rule", rules=rules, groups=groups, life=stages, shown_acts=shown, home=home)


def text(rules: Profile) -> str:
    """The rule for the terminal, told in the groups of its outline; the life of a case stands before what acts ask."""
    lines = [rules.title, f"{rules.instrument.issuer}  {rules.instrument.number}  版本 {rules.version}"]
    for group in outline(rules, headings()):
        if group.entries:
            lines += ["", f"【{group.title}】"]
            lines += _life_lines(rules) if group.title == "环节" else ()
            lines += _lines(group)
    return "\n".join(lines)


def life(rules: Profile) -> tuple[Stage, ...]:
    """The stages that a case of this rule can be in, with what is done there and what that asks."""
    told = {entry.key: entry for group in outline(rules, headings()) for entry in group.entries}
    found: dict[str, list[Doing]] = {}
    for row in flow.FLOW:
        if act := rules.acts.get(row.act):
            fields = tuple((x.label, x.required) for x in act.fields)
            to = STAGES[row.to] if row.to and row.to != row.stage else ""
            found.setdefault(row.stage, []).append(Doing(told[f"acts.{row.act}"], fields, to))
    order = dict.fromkeys((*STAGES, *_ANY))
    return tuple(Stage(STAGES.get(x) or _ANY[x], tuple(found[x])) for x in order if x in found)


def _life_lines(rules: Profile) -> Iterator[str]:
    for stage in life(rules):
        acts = (f"{doing.told.name}{f'→{doing.to}' if doing.to else ''}" for doing in stage.doings)
        yield f"  {stage.title}：{'、'.join(acts)}"
    yield ""


def _lines(group: Group) -> Iterator[str]:
    for entry in group.entries:
        yield f"  {entry.name}{'：' if entry.main else ''}{entry.main}{entry.source}"
        if entry.more:
            yield f"    {'；'.join(f'{label}：{said}' for label, said in entry.more)}"
