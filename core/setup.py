"""Bringing the database in line with the files of an installation when a process starts."""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from core import contacts, people, store
from core.people import Hall
from core.policy.load import pinned, publish, shipped
from core.policy.model import Profile

SEEN: Final = "hall-file"  # the counter that remembers which hall file was loaded


class HallError(ValueError):
    """A hall file that cannot be used; the text names file, key and what is wrong."""


def read_hall(path: Path) -> Hall:
    """The hall in a file. Raises HallError."""
    try:
        return Hall.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise HallError(f"{path}：打不开（{error.strerror}）") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HallError(f"{path}：TOML 写法有误：{error}") from None
    except ValidationError as error:
        lines = (f"{path}：{'.'.join(map(str, e['loc']))}：{e['msg']}" for e in error.errors())
        raise HallError("\n".join(lines)) from None


def settle(conn: Connection, hall: Hall, now: datetime, caseless: Collection[str] = ()) -> Profile:
    """Load a hall file that is new, publish the shipped rules if none were ever published; the rules in force:
    the version published last. Processes that start together take turns. `caseless`: as `people.load_hall` takes it."""
    mark = zlib.crc32(hall.model_dump_json().encode()) & 0x7FFFFFFF
    c = store.counter.c
    store.insert_once(conn, store.counter, ("name",), name=SEEN, value=-1)
    seen = conn.execute(sa.select(c.value).where(c.name == SEEN).with_for_update()).scalar_one()
    if seen != mark:
        people.load_hall(conn, hall, caseless)
        conn.execute(sa.update(store.counter).where(c.name == SEEN).values(value=mark))
    version = newest_version(conn, hall.profile)
    if version is not None:
        rules = pinned(conn, hall.profile, version)
    else:
        rules = publish(conn, shipped(hall.profile)[1], f"{hall.profile}.toml", now)
    contacts.record(conn, hall, rules, now)
    return rules


def newest_version(conn: Connection, name: str) -> str | None:
    """The version of a profile published last, or None."""
    p = store.policy.c
    newest = sa.select(p.version).where(p.name == name).order_by(p.published_at.desc(), p.id.desc()).limit(1)
    return conn.execute(newest).scalar()
