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
DIGEST: Final = "digest"  # the route of what waits, with others, for one message that lists them all
T = store.outbox
# Done at every turn: built once, because building a statement costs more than running it.
_NEWEST: Final = sa.select(sa.func.coalesce(sa.func.max(T.c.id), 0))
_FLUSHED: Final = sa.update(T).where(
    T.c.person_id == sa.bindparam("reader"), T.c.state == "due", T.c.not_before <= sa.bindparam("now")
)
_ANSWERED: Final = _FLUSHED.where(T.c.id > sa.bindparam("since")).returning(*T.c)
_SENT: Final = (
    sa.update(T)
    .where(T.c.id.in_(sa.bindparam("ids", expanding=True)), T.c.lease_token == sa.bindparam("token"))
    .returning(T.c.id)
)
_NAMED: Final = sa.update(T).where(T.c.id == sa.bindparam("of"))
_FREED: Final[Mapping[str, Any]] = {"lease_until": None, "lease_token": None, "error": None}


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
    person_id: int | None = None,
    unit_id: int | None = None,
    **notice: Any,
) -> None:
    """Queue a notice for a person or a unit's group, once under its key; the rest as in `put_each`."""
    row = {"key": key, "person_id": person_id, "unit_id": unit_id}
    store.insert_missing(conn, T, ("key",), [row | _row(**notice)])


def put_each(conn: Connection, readers: Mapping[str, int], **notice: Any) -> None:
    """Queue the same notice for several people (key → person id), once under each key. `now` and `not_before` are
    instants of the case clock."""
    common = {"unit_id": None, **_row(**notice)}
    rows = [{"key": key, "person_id": person_id, **common} for key, person_id in readers.items()]
    store.insert_missing(conn, T, ("key",), rows)


def _row(
    *,
    case_id: int | None,
    notice: str,
    clause: str,
    now: datetime,
    not_before: datetime,
    data: Mapping[str, Any] | None = None,
    effect: str | None = None,
) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "notice": notice,
        "clause": clause,
        "data": dict(data or {}),
        "effect": effect or None,
        "state": "due",
        "created_at": now,
        "not_before": not_before,
    }


def waiting(conn: Connection, *, now: datetime, machine: datetime) -> bool:
    """Whether a message is due that nobody holds. `now` is the case clock, `machine` the machine's time."""
    return conn.execute(sa.select(T.c.id).where(_free(now, machine)).limit(1)).first() is not None


def claim(conn: Connection, *, now: datetime, machine: datetime, limit: int = 50) -> tuple[Message, ...]:
    """Claim due rows in order, all under one lease. `now` is the case clock, `machine` the machine's time. Where
    there are more than `limit`, what else waits for the same readers comes along, so that what is to be said to
    one person at one moment is in one hand."""
    token = secrets.token_hex(8)
    free, lease = _free(now, machine), {"lease_until": machine + LEASE, "lease_token": token}
    rows = _take(conn, free, lease, limit)
    if len(rows) == limit:
        readers = {r.person_id for r in rows if r.person_id is not None}
        rows += _take(conn, free & T.c.person_id.in_(readers), lease, limit)
    return tuple(sorted((_message(r) for r in rows), key=lambda m: (m.not_before, m.id)))


def _take(
    conn: Connection, which: sa.ColumnElement[bool], lease: Mapping[str, Any], limit: int
) -> list[sa.Row[Any]]:
    due = (
        sa.select(T.c.id)
        .where(which)
        .order_by(T.c.not_before, T.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = sa.update(T).where(T.c.id.in_(due)).values(**lease, attempts=T.c.attempts + 1)
    return list(conn.execute(claimed.returning(*T.c)))


@dataclass(frozen=True)
class Receipt:
    """A message that went out: by which route, and what the platform calls it."""

    message: Message
    route: str
    platform_ref: str = ""


def sent(conn: Connection, message: Message, *, route: str, now: datetime, platform_ref: str = "") -> bool:
    """Mark as sent, if the lease still is ours."""
    return bool(sent_all(conn, [Receipt(message, route, platform_ref)], now))


def sent_all(conn: Connection, receipts: Sequence[Receipt], now: datetime) -> frozenset[int]:
    """Mark these as sent; the ids of those whose lease was still ours. As few statements as there are routes."""
    marked: set[int] = set()
    for route, token in {(r.route, r.message.lease_token) for r in receipts}:
        ids = [r.message.id for r in receipts if (r.route, r.message.lease_token) == (route, token)]
        found = conn.execute(
            _SENT, {"ids": ids, "token": token, "state": "sent", "route": route, "sent_at": now, **_FREED}
        )
        marked.update(found.scalars())
    named = [
        {"of": r.message.id, "platform_ref": r.platform_ref[:128]}
        for r in receipts
        if r.platform_ref and r.message.id in marked
    ]
    if named:
        conn.execute(_NAMED, named)
    return frozenset(marked)


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


def put_off(conn: Connection, message: Message, until: datetime) -> bool:
    """The reader has been told enough for now: the message waits, by the case clock, for a digest."""
    return _finish(
        conn, message, state="due", attempts=T.c.attempts - 1, not_before=until, route=DIGEST, error=None
    )


def release(conn: Connection, why: str) -> None:
    """What was held for this reason need not wait any more."""
    conn.execute(sa.update(T).where(T.c.state == "due", T.c.error == why).values(retry_at=None))


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


def together(conn: Connection, message: Message) -> tuple[int, ...]:
    """The other notices that went out in the same message, or wait for the same digest."""
    if message.platform_ref:
        same = T.c.platform_ref == message.platform_ref
    elif message.state == "due" and message.route == DIGEST:
        same = (T.c.state == "due") & (T.c.not_before == message.not_before)
    else:
        return ()
    mine = (T.c.person_id == message.person_id) & (T.c.route == message.route) & (T.c.id != message.id)
    return tuple(conn.execute(sa.select(T.c.id).where(mine, same).order_by(T.c.id)).scalars())


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
