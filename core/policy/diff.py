"""Two profiles compared, in a clerk's words: what was added, taken away, changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from core.policy.model import Profile
from core.policy.outline import CITED, GUESSED, SILENT, Aspect, Group, Headings, Told, outline, words

SHORT: Final = 40  # characters; of what is longer only the part that changed is told
AROUND: Final = 6  # characters that stand beside it


@dataclass(frozen=True)
class Change:
    """One thing that differs: the group it belongs to, the sentence, the place in the file."""

    group: str
    text: str
    key: str


def compare(old: Profile, new: Profile, headings: Headings) -> tuple[Change, ...]:
    """What `new` says otherwise than `old`, grouped as an outline is. Two versions of one regulation are compared to
    the letter; of two regulations neither the clause numbers nor their texts."""
    same = old.region == new.region
    before, after = outline(old, headings, new), outline(new, headings)
    standing = _keys(before) & _keys(after)
    found: list[Change] = []
    for was, now in zip(before, after, strict=True):
        if same or was.title != "条文":
            found += _group(was, now, standing, same)
    return tuple(found)


def _keys(groups: Iterable[Group]) -> frozenset[str]:
    return frozenset({told.key for group in groups for told in group.entries})


def _group(before: Group, after: Group, standing: frozenset[str], same: bool) -> Iterator[Change]:
    old, new = _by_key(before), _by_key(after)
    for key, told in new.items():
        if key in old:
            for text in _changed(old[key], told, same):
                yield Change(after.title, text, key)
        elif _stands_alone(told, standing):
            yield Change(after.title, f"新增：{_lead(told)}{told.source}", key)
    for key, told in old.items():
        if key not in new and _stands_alone(told, standing):
            yield Change(after.title, f"去掉：{_lead(told)}", key)
    if same and [k for k in old if k in new] != [k for k in new if k in old]:
        yield Change(after.title, "先后次序有改动", "")


def _stands_alone(told: Told, standing: frozenset[str]) -> bool:
    """What belongs to an entry that came or went comes or goes with it."""
    return not told.of or told.of in standing


def _by_key(group: Group) -> Mapping[str, Told]:
    return {told.key: told for told in group.entries}


def _lead(told: Told) -> str:
    return f"{told.name}：{told.main}" if told.main else told.name


def _changed(old: Told, new: Told, same: bool) -> Iterator[str]:
    if old.name != new.name:
        yield f"{old.name} 改为 {new.name}{new.source}"
    loud = False
    for label in dict.fromkeys((*old.aspects, *new.aspects)):
        was, now = old.aspects.get(label, ""), new.aspects.get(label, "")
        if was == now or label == SILENT or (label == CITED and not same):
            continue
        loud = True
        head = f"{new.name}：" if not label else f"{new.name}，{label}："
        yield f"{head}{_step(was, now)}{new.source}"
    if not loud and old.name == new.name and old.aspects.get(SILENT) != new.aspects.get(SILENT):
        yield f"{new.name}：{SILENT}或别的细处有改动"
    if same and old.clause != new.clause:
        yield f"{new.name}，依据：{old.clause or '没有'} → {new.clause or '没有'}"
    if same and old.inferred != new.inferred:
        yield f"{new.name}：{f'现在是{GUESSED}的' if new.inferred else '现在有明文'}{new.source}"


def _step(was: Aspect, now: Aspect) -> str:
    if isinstance(was, tuple) and isinstance(now, tuple):
        return _lists(was, now)
    before, after = words(was), words(now)
    if len(before) > SHORT and len(after) > SHORT:
        before, after = _part(before, after)
    return f"{before or '没有'} → {after or '没有'}"


def _lists(was: tuple[str, ...], now: tuple[str, ...]) -> str:
    added = [x for x in now if x not in was]
    gone = [x for x in was if x not in now]
    if not added and not gone:
        return f"次序变了，现在是{'、'.join(now)}"
    told = [f"多了{'、'.join(added)}"] if added else []
    return "；".join([*told, *([f"少了{'、'.join(gone)}"] if gone else [])])


def _part(before: str, after: str) -> tuple[str, str]:
    """Of two long texts the stretch that differs, with a few characters on either side."""
    shorter = min(len(before), len(after))
    head = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    tail = next((i for i in range(shorter - head) if before[-1 - i] != after[-1 - i]), shorter - head)
    start = max(head - AROUND, 0)

    def cut(text: str) -> str:
        end = len(text) - tail + AROUND
        return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"

    return cut(before), cut(after)
