"""Reading, publishing and pinning profiles.

A profile is a TOML file. It may stand on another (`extends`): province, city, county, hall; the lowest floor is
`base`, what all windows share. Publishing keeps the text of the whole pile in the database under (name, version); a
case is pinned to the version it was accepted under, so a changed file never changes a running case.

How a file stands on its parent: tables are merged key by key; lists of entries by the `key`, `code` or `id` of the
entries (notices by template and recipient, automatic acts by act), where `before` says in front of which a new one
stands; anything else is replaced. `drop` names what is not taken over ("acts.extend", "duties.limit.steps.remind_day").
An inherited entry cites `@name`; `[basis]` says which clause of this regulation that is. The version of a profile
names those of the files it stands on ("2022-04-08+1").
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from core import store
from core.policy.model import Profile

SHIPPED: Final = Path(__file__).parent.parent / "policies"
BASE: Final = "base"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_PILE: Final = "\n# ==== extends ====\n"  # between the texts of a published pile, the child first

# What the checker says, in words for the person who writes the file.
_HINTS: Final = {
    "missing": "缺少这一项，请补上",
    "extra_forbidden": "没有这个键，请检查拼写或删去",
    "string_type": "这里要写文字（加引号）",
    "int_parsing": "这里要写整数",
    "int_type": "这里要写整数",
    "bool_type": "这里要写 true 或 false",
    "bool_parsing": "这里要写 true 或 false",
    "tuple_type": '这里要写列表，例如 ["a", "b"]',
    "greater_than_equal": "数值太小",
    "less_than_equal": "数值太大",
    "literal_error": "不是可选的值",
}
Table = Mapping[str, Any]


class ProfileError(ValueError):
    """A profile that cannot be used; the text names file, key and what to write."""


def read(path: Path) -> tuple[Profile, str]:
    """The profile in a file, and its text with those it extends. A parent is looked for beside the file, then
    among those that come with the product. Raises `ProfileError`."""

    def parent(name: str) -> str:
        beside = path.parent / f"{name}.toml"
        return _text(beside if beside.exists() else SHIPPED / f"{name}.toml", f"{path.name} 的 extends")

    pile = _pile(_text(path, str(path)), path.name, parent)
    return parse(pile, path.name), pile


def with_parents(text: str, where: str) -> str:
    """The text of a profile that stands on rules that come with the product, with theirs. Raises `ProfileError`."""
    return _pile(text, where, lambda name: _text(SHIPPED / f"{name}.toml", f"{where} 的 extends"))


def shipped_names() -> tuple[str, ...]:
    """The profiles that come with the product."""
    return tuple(sorted(p.stem for p in SHIPPED.glob("*.toml") if p.stem != BASE))


def shipped(name: str) -> tuple[Profile, str]:
    """A profile that comes with the product. Raises `ProfileError` if there is none of that name."""
    if name not in shipped_names():
        raise ProfileError(f"没有名为 {name} 的规则，现有：{'、'.join(shipped_names())}")
    return read(SHIPPED / f"{name}.toml")


def parse(pile: str, where: str) -> Profile:
    """A profile from its text and those of its parents; `where` names the file in errors. Raises `ProfileError`."""
    try:
        return Profile.model_validate(table(pile, where))
    except ValidationError as error:
        raise ProfileError("\n".join(_line(where, e) for e in error.errors())) from None


def table(pile: str, where: str) -> dict[str, Any]:
    """The merged table of a pile, before it is checked. Raises `ProfileError`."""
    if missing := gaps(pile, where):
        lines = (
            f'{where}：basis.{name}：请写明这件事依据哪一条，例如 {name} = "…"'
            + (f"（{'、'.join(labels[:4])}）" if labels else "")
            for name, labels in missing.items()
        )
        raise ProfileError("\n".join(lines))
    merged = _merged(pile, where)
    basis = merged.get("basis", {})
    own = {key: value for key, value in merged.items() if key not in ("basis", "extends")}
    return {key: _cite(value, basis) for key, value in own.items()}


def gaps(pile: str, where: str) -> Mapping[str, tuple[str, ...]]:
    """What the rules it stands on leave to `[basis]` and it does not say yet: the name, and what of it rests on that,
    as people call it. Raises `ProfileError`."""
    merged = _merged(pile, where)
    found: dict[str, dict[str, None]] = {}
    for name, label in _citations(merged):
        if name not in merged.get("basis", {}):
            found.setdefault(name, {})[label] = None
    return {name: tuple(filter(None, labels)) for name, labels in found.items()}


def _citations(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, clause in value.items():
            if key.endswith("clause") and isinstance(clause, str) and clause.startswith("@"):
                yield clause[1:], str(value.get("label") or value.get("title") or "")
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from _citations(entry)


def _merged(pile: str, where: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    versions = []
    for text in reversed(pile.split(_PILE)):
        merged = _stand_on(merged, _toml(text, where), where)
        versions.append(str(merged.get("version", "")))
    return {**merged, "version": "+".join(reversed(versions))}


def _pile(text: str, where: str, parent: Callable[[str], str]) -> str:
    """The text of a profile followed by those of its parents, nearest first."""
    texts, names = [text], [where.removesuffix(".toml")]
    while (name := _toml(texts[-1], where).get("extends")) is not None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ProfileError(f'{where}：extends：写上级规则的名字，例如 "{BASE}"')
        if name in names:
            raise ProfileError(f"{where}：extends：{' → '.join([*names, name])} 绕成了圈")
        names.append(name)
        texts.append(parent(name))
    return _PILE.join(texts)


def _text(path: Path, where: str) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise ProfileError(f"{where}：找不到文件 {path.name}") from None
    except OSError as error:
        raise ProfileError(f"{where}：读不了文件：{error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ProfileError(f"{where}：不是 UTF-8 编码（第 {error.start} 个字节），请另存为 UTF-8") from None


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{where}：TOML 写法有误：{error}") from None


# --- standing on a parent -------------------------------------------------------------------------------


def _stand_on(parent: Table, child: Table, where: str) -> dict[str, Any]:
    taken: Any = parent
    for path in child.get("drop", ()):
        taken = _without(taken, str(path).split("."), f"{where}：drop：{path}")
    own = {key: value for key, value in child.items() if key != "drop"}
    _hold_limits(taken, own, where)
    merged: dict[str, Any] = _merge(taken, own)
    return merged


def _merge(parent: Any, child: Any) -> Any:
    if isinstance(parent, Mapping) and isinstance(child, Mapping):
        if _is_span(parent):  # a length of time is one value: a day given replaces an hour inherited
            return dict(child)
        return {**parent, **{k: _merge(parent[k], v) if k in parent else v for k, v in child.items()}}
    if isinstance(parent, list) and isinstance(child, list) and _keyed(parent) and _keyed(child):
        merged = list(parent)
        for entry in child:
            _take(merged, entry)
        return merged
    return child


def _take(entries: list[Any], entry: Table) -> None:
    """Write an entry of a child into a list: over the one of the same key, before the one it names, or last."""
    keys = [_key(known) for known in entries]
    new = {key: value for key, value in entry.items() if key != "before"}
    if _key(entry) in keys:
        at = keys.index(_key(entry))
        entries[at] = _merge(entries[at], new)
    else:
        entries.insert(keys.index(entry["before"]) if entry.get("before") in keys else len(entries), new)


def _key(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return ""
    if "template" in entry and "key" not in entry:
        return f"{entry['template']}:{entry.get('to', '')}"
    return str(next((entry[name] for name in ("key", "code", "id", "act") if name in entry), ""))


def _keyed(entries: list[Any]) -> bool:
    return all(_key(entry) for entry in entries)


def _is_span(value: Table) -> bool:
    return bool(value) and value.keys() <= _SPAN


_SPAN: Final = {
    "wd", "cd", "months", "hours", "office_minutes", "same_day", "fact", "default", "limit", "matter",
}  # fmt: skip


def _without(value: Any, path: list[str], where: str) -> Any:
    """The value less the entry that the path names."""
    head, rest = path[0], path[1:]
    if isinstance(value, Mapping) and head in value:
        if not rest:
            return {k: v for k, v in value.items() if k != head}
        return {**value, head: _without(value[head], rest, where)}
    if isinstance(value, list) and any(_key(entry) == head for entry in value):
        if not rest:
            return [entry for entry in value if _key(entry) != head]
        return [_without(e, rest, where) if _key(e) == head else e for e in value]
    if isinstance(value, Mapping) and "fields" in value:  # "acts.dispatch.subject" names a field
        return {**value, "fields": _without(value["fields"], path, where)}
    raise ProfileError(f"{where}：上级规则里没有这一项")


def _hold_limits(parent: Table, child: Table, where: str) -> None:
    """What a higher rule promises, a lower one may shorten and never lengthen."""
    above = {_key(limit): limit for limit in parent.get("limits", ())}
    for limit in child.get("limits", ()):
        wider = above.get(_key(limit), {}).get("due", {})
        for unit, amount in limit.get("due", {}).items() if isinstance(limit, Mapping) else ():
            if isinstance(amount, int) and amount > wider.get(unit, amount):
                raise ProfileError(
                    f"{where}：limits.{_key(limit)}.due：上级规则是 {wider[unit]}，下级只能缩短，不能放宽到 {amount}"
                )


def _cite(value: Any, basis: Table) -> Any:
    """Entries that cite `@name` cite the clause which this regulation gives for it."""
    if isinstance(value, list):
        return [_cite(entry, basis) for entry in value]
    if not isinstance(value, Mapping):
        return value
    done = {key: _cite(entry, basis) for key, entry in value.items()}
    for key, clause in value.items():
        if key.endswith("clause") and isinstance(clause, str) and clause.startswith("@"):
            found = basis[clause[1:]]
            told = found if isinstance(found, Mapping) else {"clause": found}
            done[key] = told.get("clause", "")
            if told.get("inferred") and key == "clause":
                done["inferred"] = True
    return done


def _line(where: str, error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "（整份文件）"
    hint = _HINTS.get(error["type"], error["msg"].removeprefix("Value error, "))
    return f"{where}：{key}：{hint}"


def publish(conn: Connection, text: str, where: str, now: datetime) -> Profile:
    """Keep a profile version for good. The same version with another text is refused: versions are dated."""
    profile = parse(text, where)
    p = store.policy.c
    known = conn.execute(
        sa.select(p.text).where(p.name == profile.name, p.version == profile.version)
    ).scalar()
    if known is None:
        conn.execute(
            sa.insert(store.policy).values(
                name=profile.name, version=profile.version, text=text, published_at=now
            )
        )
    elif known != text:
        raise ProfileError(f"{where}：版本 {profile.version} 已发布过，内容不同。请改写 version 再发布")
    return profile


def pinned(conn: Connection, name: str, version: str) -> Profile:
    """A published version, as a case needs it."""
    p = store.policy.c
    text = conn.execute(sa.select(p.text).where(p.name == name, p.version == version)).scalar()
    if text is None:
        raise ProfileError(f"{name} 的版本 {version} 没有发布过")
    return parse(text, f"{name}@{version}")
