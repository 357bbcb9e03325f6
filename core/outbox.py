"""What is to be said to whom: notices waiting for their way out.

A notice names a template, a clause, a case and a recipient; its words are drawn when it leaves. The unique key
makes a second copy impossible. Due work is claimed with a lease and finished with a fence; `not_before` follows
the case clock (office hours), leases and back-off follow machine time.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import store

LEASE: Final = timedelta(seconds=60)
TRIES: Final = 8  # after that the row is dead: visible, never deleted
T = store.outbox
# Done at every turn: built once, because building a statement costs more than running it.
_NEWEST: Final = sa.select(sa.func.coalesce(sa.func.max(T.c.id), 0))
_FLUSHED: Final = sa.update(T).where(
    T.c.person_id == sa.bindparam("reader"), T.c.state == "due", T.c.not_before <= sa.bindparam("now")
)
_ANSWERED: Final = _FLUSHED.where(T.c.id > sa.bindparam("since")).returning(*T.c)


@dataclass(frozen=True)
class Message:
    """A claimed or listed outbox row."""

    id: int
    key: str
    case_id: int | None
    notice: str
    clause: str
    person_id: int | None
    unit_id: int | None
    data: Mapping[str, Any]
    words_enc: bytes | None
    effect: str | None
    state: str
    created_at: datetime
    not_before: datetime
    attempts: int
    lease_token: str | None
    route: str | None
    sent_at: datetime | None
    platform_ref: str | None
    error: str | None


def put(
    conn: Connection,
    *,
    key: str,
    case_id: int | None,
    notice: str,
    clause: str,
    now: datetime,
    not_before: datetime,
    person_id: int | None = None,
    unit_id: int | None = None,
    data: Mapping[str, Any] | None = None,
    effect: str | None = None,
) -> int | None:
    """Queue a notice; None if the same key stands already."""
    return store.insert_once(
        conn,
        T,
        ("key",),
        key=key,
        case_id=case_id,
        notice=notice,
        clause=clause,
        person_id=person_id,
        unit_id=unit_id,
        data=dict(data or {}),
        effect=effect or None,
        state="due",
        created_at=now,
        not_before=not_before,
    )


def waiting(conn: Connection, *, now: datetime, machine: datetime) -> bool:
    """Whether a message is due that nobody holds. `now` is the case clock, `machine` the machine's time."""
    return conn.execute(sa.select(T.c.id).where(_free(now, machine)).limit(1)).first() is not None


def claim(conn: Connection, *, now: datetime, machine: datetime, limit: int = 50) -> tuple[Message, ...]:
    """Claim due rows in order. `now` is the case clock, `machine` the machine's time."""
    due = (
        sa.select(T.c.id)
        .where(_free(now, machine))
        .order_by(T.c.not_before, T.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    token = secrets.token_hex(8)
    rows = conn.execute(
        sa.update(T)
        .where(T.c.id.in_(due))
        .values(lease_until=machine + LEASE, lease_token=token, attempts=T.c.attempts + 1)
        .returning(*T.c)
    ).all()
    return tuple(sorted((_message(r) for r in rows), key=lambda m: (m.not_before, m.id)))


def sent(conn: Connection, message: Message, *, route: str, now: datetime, platform_ref: str = "") -> bool:
    """Mark as sent, if the lease still is ours."""
    return _finish(
        conn,
        message,
        state="sent",
        route=route,
        sent_at=now,
        platform_ref=platform_ref[:128] or None,
        error=None,
    )


def again(conn: Connection, message: Message, *, machine: datetime, after: float, error: str) -> bool:
    """Try later: `after` seconds, or dead when the tries are used up."""
    if message.attempts >= TRIES:
        return dead(conn, message, error=error)
    return _finish(conn, message, state="due", retry_at=machine + timedelta(seconds=after), error=error[:200])


def dead(conn: Connection, message: Message, *, error: str) -> bool:
    """No way leads there. Dead rows are shown by `bancheng outbox list` and on the status page."""
    return _finish(conn, message, state="dead", error=error[:200])


def hold(conn: Connection, message: Message, *, machine: datetime, after: float, why: str) -> bool:
    """Nothing was tried: the message waits `after` seconds, and this claim does not count as a try."""
    return _finish(
        conn,
        message,
        state="due",
        attempts=T.c.attempts - 1,
        retry_at=machine + timedelta(seconds=after),
        error=why,
    )


def drop(conn: Connection, message: Message, why: str) -> bool:
    """The message has lost its reason (a reminder of what is done, a reader who has left the case)."""
    return _finish(conn, message, state="replaced", error=why)


def _finish(conn: Connection, message: Message, **values: Any) -> bool:
    mine = (T.c.id == message.id) & (T.c.lease_token == message.lease_token)
    done = conn.execute(sa.update(T).where(mine).values(lease_until=None, lease_token=None, **values))
    return done.rowcount == 1


def answered(
    conn: Connection, person_id: int, *, since: int, route: str, now: datetime
) -> tuple[Message, ...]:
    """Take the notices for a person that this very turn made: they leave with the reply to their message, which
    costs no quota. They count as sent when the transaction commits."""
    mine = {"reader": person_id, "since": since, "now": now}
    rows = conn.execute(_ANSWERED, {**mine, "state": "sent", "route": route, "sent_at": now}).all()
    return tuple(sorted((_message(r) for r in rows), key=lambda m: m.id))


def flush(conn: Connection, person_id: int, now: datetime) -> None:
    """She has just written: a window is open, so what waits for her after a failed try may leave at once."""
    conn.execute(_FLUSHED, {"reader": person_id, "now": now, "retry_at": None})


def by_reference(conn: Connection, route: str, platform_ref: str) -> Message | None:
    """The message that a platform reports on."""
    row = conn.execute(sa.select(T).where(T.c.route == route, T.c.platform_ref == platform_ref)).first()
    return _message(row) if row else None


def newest(conn: Connection) -> int:
    """The id of the newest row (0 if there is none)."""
    return int(conn.execute(_NEWEST).scalar_one())


def revive(conn: Connection, message_id: int) -> bool:
    """Put a dead row back (`bancheng outbox retry`)."""
    done = conn.execute(
        sa.update(T)
        .where(T.c.id == message_id, T.c.state == "dead")
        .values(state="due", attempts=0, retry_at=None)
    )
    return done.rowcount == 1


def listed(
    conn: Connection, *, case_id: int | None = None, states: Sequence[str] = ()
) -> tuple[Message, ...]:
    """Rows for people to look at, oldest first."""
    query = sa.select(T).order_by(T.c.id)
    if case_id is not None:
        query = query.where(T.c.case_id == case_id)
    if states:
        query = query.where(T.c.state.in_(states))
    return tuple(_message(r) for r in conn.execute(query))


def _free(now: datetime, machine: datetime) -> sa.ColumnElement[bool]:
    """Due, not waiting for another try, in nobody's hands."""
    return sa.and_(
        T.c.state == "due",
        T.c.not_before <= now,
        sa.or_(T.c.retry_at.is_(None), T.c.retry_at <= machine),
        sa.or_(T.c.lease_until.is_(None), T.c.lease_until < machine),
    )


def _message(row: Any) -> Message:
    return Message(**{k: row._mapping[k] for k in Message.__dataclass_fields__})
