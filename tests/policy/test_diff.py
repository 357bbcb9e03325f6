"""Two rules compared, in the words of those who work by them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from bot.papers.rule import headings
from core.policy import load
from core.policy.diff import Change, compare
from core.policy.model import Profile


def edited(name: str, *edits: tuple[str, str], drop: str = "") -> Profile:
    """A shipped rule with its text changed by hand, once for each edit."""
    _, text = load.shipped(name)
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return load.parse(text.replace("drop = [", f'drop = ["{drop}", ', 1) if drop else text, f"{name}.toml")


def told(old: Profile, new: Profile) -> list[tuple[str, str]]:
    return [(c.group, c.text) for c in compare(old, new, headings())]


@pytest.fixture(scope="module")
def rules() -> Profile:
    return load.shipped("xiangjiang")[0]


def test_a_rule_differs_from_itself_in_nothing(rules: Profile) -> None:
    assert told(rules, edited("xiangjiang")) == []


def test_a_shorter_limit(rules: Profile) -> None:
    new = edited("xiangjiang", ("due = { wd = 10 }", "due = { wd = 5 }"))
    assert told(rules, new) == [("时限", "较复杂事项：10 个工作日 → 5 个工作日（XJ-2.3b）")]


def test_a_message_no_longer_sent(rules: Profile) -> None:
    new = edited("xiangjiang")
    kept = tuple(n for n in new.notices if (n.template, n.to) != ("dispatch_cc", "supervisor"))
    new = new.model_copy(update={"notices": kept})
    assert len(kept) == len(rules.notices) - 1
    [(group, text)] = told(rules, new)
    assert group == "送谁" and text.startswith("去掉：“交办”后告诉纪工委（执纪监督处）")


def test_a_title_changed_is_told_once(rules: Profile) -> None:
    """It is told of the title, not of every act and message that names it."""
    new = edited("xiangjiang", ('unit_head = "主要负责同志"', 'unit_head = "一把手"'))
    assert told(rules, new) == [("谁来做", "称呼：主要负责同志 → 一把手")]


def test_an_act_renamed_is_told_once(rules: Profile) -> None:
    new = edited("xiangjiang", ('label = "批准延期"', 'label = "同意延期"'))
    assert told(rules, new) == [("环节", "“批准延期” 改为 “同意延期”（XJ-A2.4）")]


def test_a_new_act_is_told_without_each_of_its_fields(rules: Profile) -> None:
    label, clause = rules.acts["follow_up"].label, rules.acts["follow_up"].clause
    assert rules.acts["follow_up"].fields
    old = rules.model_copy(update={"acts": {k: v for k, v in rules.acts.items() if k != "follow_up"}})
    assert ("环节", f"新增：“{label}”（{clause}）") in told(old, rules)
    assert not any(group == "要填的" for group, _ in told(old, rules))
    assert ("环节", f"去掉：“{label}”") in told(rules, old)


def test_of_long_words_only_the_stretch_that_changed_is_told(rules: Profile) -> None:
    new = edited("xiangjiang", ("复杂事项10个工作日内答复；", "复杂事项8个工作日内答复；"))
    text = "对群众的承诺：…复，复杂事项10个工作日内答… → …复，复杂事项8个工作日内答…（XJ-A2.3）"
    assert told(rules, new) == [("问群众的问题", text)]


def test_two_regions_are_compared_by_what_they_ask_not_by_their_numbering(rules: Profile) -> None:
    other, _ = load.shipped("putuo")
    found = told(rules, other)
    groups = {group for group, _ in found}
    assert {"规则", "时限", "环节", "谁来做", "表单", "问群众的问题", "不受理"} <= groups
    assert "条文" not in groups and not any("，依据：" in text for _, text in found)
    assert ("时限", "去掉：权限外需协调的事项：15 个工作日") in found


@pytest.mark.parametrize(("one", "other"), list(itertools.pairwise([*load.shipped_names(), "huaiyin"])))
def test_nothing_is_told_by_a_name_that_only_the_program_knows(one: str, other: str) -> None:
    quiet = {"短名", "版本", "单号式样"}
    for group, text in told(load.shipped(one)[0], load.shipped(other)[0]):
        if group not in ("表单", "条文", "取舍") and text.split("：")[0] not in quiet:
            assert "_" not in text, text


# --- nothing is left untold ------------------------------------------------------------------------------


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    items = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in items:
        yield from leaves(inner, (*path, key))
    if not isinstance(value, (Mapping, list)):
        yield path, value


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    if isinstance(value, Mapping):
        return {**value, path[0]: changed(value[path[0]], path[1:], new)}
    return [changed(x, path[1:], new) if i == path[0] else x for i, x in enumerate(value)]


def sort_of(path: tuple[Any, ...]) -> tuple[str, ...]:
    """Where a leaf stands, whatever entry it belongs to."""
    return tuple("*" if isinstance(x, int) or (i and path[i - 1] in MAPS) else x for i, x in enumerate(path))


MAPS = (
    "acts",
    "titles",
    "bodies",
    "slots",
    "clauses",
    "lists",
    "forms",
    "when",
    "shown_when",
    "required_when",
    "conduct",
)


def test_whatever_is_changed_in_a_rule_is_told(rules: Profile) -> None:
    """Each sort of value there is in the profile, changed once to another that the model takes."""
    data = rules.model_dump(mode="json")
    seen: dict[tuple[str, ...], list[tuple[tuple[Any, ...], Any]]] = {}
    for path, value in leaves(data):
        seen.setdefault(sort_of(path), []).append((path, value))
    untold, tried = [], 0
    for sort, found in seen.items():
        path, value = found[0]
        values = [other for _, other in found if other != value]
        for new in (*_others(value), *values[:2]):
            try:
                other = Profile.model_validate(changed(data, path, new))
            except ValidationError:
                continue
            tried += 1
            if not compare(rules, other, {}):
                untold.append((sort, value, new))
            break
    assert not untold
    assert tried > 150


def _others(value: Any) -> tuple[Any, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (value + 1, value - 1)
    return (f"{value}甲",) if isinstance(value, str) else (2, "甲")


def test_a_change_says_where_it_is(rules: Profile) -> None:
    new = edited("xiangjiang", ("due = { wd = 10 }", "due = { wd = 5 }"))
    [change] = compare(rules, new, {})
    assert isinstance(change, Change) and change.key == "limits.complex"
