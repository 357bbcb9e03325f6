"""Signs of life: when a part of the service last did its round, by the case clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import store

H = store.heartbeat


@dataclass(frozen=True)
class Beat:
    at: datetime
    data: Mapping[str, Any]


def beat(conn: Connection, name: str, at: datetime, data: Mapping[str, Any] | None = None) -> None:
    """`name` was alive at `at`; `data` holds numbers only."""
    store.insert_once(conn, H, ("name",), name=name, at=at, data={})
    conn.execute(sa.update(H).where(H.c.name == name).values(at=at, data=dict(data or {})))


def last(conn: Connection, name: str) -> Beat | None:
    """The last sign of life of a part, or None if it never lived."""
    row = conn.execute(sa.select(H.c.at, H.c.data).where(H.c.name == name)).one_or_none()
    return Beat(row.at, row.data) if row else None
