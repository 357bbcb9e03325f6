"""What came in: each authentic message once, stored before it is acknowledged.

The key is the authenticated content, never timestamp or nonce. A repeat gets the first answer again and has no
second effect. A message whose handling failed stays here, readable by nobody, for `bancheng inbox replay`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import store
from core.privacy import Vault

T = store.inbox
_HANDLED: Final = sa.update(T).where(T.c.id == sa.bindparam("inbox_id"))


@dataclass(frozen=True)
class Arrival:
    """A message that came: new (`answer` is None) or a repeat with the answer it got the first time."""

    id: int
    new: bool
    answer: str | None


def arrive(conn: Connection, vault: Vault, *, channel: str, key: str, body: str, now: datetime) -> Arrival:
    """Store a message, or find that it was here already."""
    stored = store.insert_once(
        conn,
        T,
        ("key",),
        channel=channel,
        key=key,
        received_at=now,
        body_enc=vault.seal(body, key),
        state="new",
    )
    if stored is not None:
        return Arrival(stored, True, None)
    row = conn.execute(sa.select(T.c.id, T.c.answer_enc, T.c.state).where(T.c.key == key)).one()
    answer = vault.open(row.answer_enc, key) if row.answer_enc else None
    return Arrival(row.id, False, answer)


def handled(conn: Connection, vault: Vault, inbox_id: int, key: str, answer: str) -> None:
    """Record that the effect stands and what was answered; in the transaction of the effect."""
    done = {"state": "done", "answer_enc": vault.seal(answer, key), "error": None}
    conn.execute(_HANDLED, {"inbox_id": inbox_id, **done})


def failed(
    conn: Connection, vault: Vault, *, channel: str, key: str, body: str, now: datetime, error: str
) -> None:
    """Keep a message whose handling broke (its own transaction was rolled back). `error` names the kind of
    failure, never what was said."""
    arrival = arrive(conn, vault, channel=channel, key=key, body=body, now=now)
    conn.execute(
        sa.update(T)
        .where(T.c.id == arrival.id, T.c.state != "done")
        .values(state="failed", error=error[:200], attempts=T.c.attempts + 1)
    )


def unhandled(conn: Connection, vault: Vault, *, limit: int = 100) -> tuple[tuple[int, str, str, str], ...]:
    """Messages to replay: (id, channel, key, body), oldest first."""
    rows = conn.execute(
        sa.select(T.c.id, T.c.channel, T.c.key, T.c.body_enc)
        .where(T.c.state == "failed")
        .order_by(T.c.id)
        .limit(limit)
    )
    return tuple((r.id, r.channel, r.key, vault.open(r.body_enc, r.key)) for r in rows)
