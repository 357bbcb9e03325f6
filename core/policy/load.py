"""Reading, publishing and pinning profiles.

A profile is a TOML file. Publishing keeps its text in the database under (name, version); a case is pinned to
the version it was accepted under, so a changed file never changes a running case.
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from core import store
from core.policy.model import Profile

SHIPPED: Final = Path(__file__).parent.parent / "policies"

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


class ProfileError(ValueError):
    """A profile that cannot be used; the text names file, key and what to write."""


def read(path: Path) -> tuple[Profile, str]:
    """The profile in a file and its text. Raises `ProfileError`."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path.name}：不是 UTF-8 编码（第 {error.start} 字节），请另存为 UTF-8") from None
    except OSError as error:
        raise ProfileError(f"{path.name}：打不开（{error.strerror}）") from None
    return parse(text, path.name), text


def shipped(name: str) -> tuple[Profile, str]:
    """A profile that comes with the product. Raises `ProfileError` if there is none of that name."""
    path = SHIPPED / f"{name}.toml"
    if not path.exists():
        known = "、".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
        raise ProfileError(f"没有名为 {name} 的规则，现有：{known}")
    return read(path)


def parse(text: str, where: str) -> Profile:
    """A profile from its text; `where` names the file in errors. Raises `ProfileError`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{where}：TOML 写法有误：{error}") from None
    try:
        return Profile.model_validate(table)
    except ValidationError as error:
        raise ProfileError("\n".join(_line(where, e) for e in error.errors())) from None


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
