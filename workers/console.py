"""What the rooms of the command line share: how it answers, what a mistake is, where the settings come from."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import people, store
from core.people import Person
from core.settings import Settings, from_env
from core.workdays import SHANGHAI

Args = argparse.Namespace
WRONG, FAILED = 2, 1  # exit codes: how it was asked or set up; what was asked


class Mistake(Exception):
    """What was asked cannot be done; the text says why."""


def settings() -> Settings:
    return from_env(os.environ)


def engine() -> sa.Engine:
    return store.open_engine(settings().database_url)


def say(args: Args, data: Any, lines: Sequence[str]) -> None:
    """The lines for people, or with `--json` the data for machines."""
    if args.json:
        print(json.dumps(data, ensure_ascii=False, default=plain))
    else:
        print(*lines, sep="\n")


def person(conn: Connection, key: str) -> Person:
    """A member of staff by the key in the hall file. Raises `Mistake`."""
    p = store.person.c
    found = conn.execute(sa.select(p.id).where(p.key == key, p.active)).scalar()
    if found is None:
        raise Mistake(f"大厅文件里没有 {key}")
    return people.get(conn, found)


def own_file(path: Path) -> IO[bytes]:
    """A file that nobody else on this machine may read: it is full of personal data."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def local(at: datetime | None) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if at else ""
