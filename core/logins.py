"""Who is signed in on a page, and one-time tickets: the state of a sign-in, a form that may be sent once.

The secret goes to the browser, its hash into the row. `now` is machine time: a login lasts a working day of the
person at the screen, whatever day the case clock shows.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import people, store
from core.people import Person

LOGIN_LIFE: Final = timedelta(hours=8)
STATE_LIFE: Final = timedelta(minutes=10)
L, T = store.login, store.ticket


@dataclass(frozen=True)
class Login:
    """A person on a screen. `key` names the login without giving it away."""

    key: str
    person: Person
    channel: str


def sign_in(conn: Connection, person_id: int, channel: str, now: datetime) -> str:
    """A new login for `LOGIN_LIFE`; the secret for the cookie."""
    secret = _secret()
    values = {"person_id": person_id, "channel": channel, "expires_at": now + LOGIN_LIFE}
    conn.execute(sa.insert(L).values(id_hash=_hash(secret), **values))
    return secret


def who(conn: Connection, secret: str, now: datetime) -> Login | None:
    """The login behind a cookie: neither expired nor of somebody retired since."""
    row = conn.execute(
        sa.select(L.c.id_hash, L.c.person_id, L.c.channel)
        .join(store.person, store.person.c.id == L.c.person_id)
        .where(L.c.id_hash == _hash(secret), L.c.expires_at > now, store.person.c.active)
    ).one_or_none()
    return Login(row.id_hash, people.get(conn, row.person_id), row.channel) if row else None


def sign_out(conn: Connection, secret: str) -> None:
    conn.execute(sa.delete(L).where(L.c.id_hash == _hash(secret)))


def issue(conn: Connection, kind: str, data: Mapping[str, Any], until: datetime) -> str:
    """A new ticket; the secret, of letters and digits."""
    secret = _secret()
    conn.execute(sa.insert(T).values(id_hash=_hash(secret), kind=kind, data=dict(data), expires_at=until))
    return secret


def hold(conn: Connection, kind: str, secret: str, now: datetime) -> dict[str, Any] | None:
    """What a living ticket says, held against a second user until the transaction ends."""
    row = conn.execute(
        sa.select(T.c.data)
        .where(T.c.id_hash == _hash(secret), T.c.kind == kind, T.c.expires_at > now)
        .with_for_update()
    ).one_or_none()
    return dict(row.data) if row else None


def rewrite(conn: Connection, secret: str, data: Mapping[str, Any]) -> None:
    conn.execute(sa.update(T).where(T.c.id_hash == _hash(secret)).values(data=dict(data)))


def redeem(conn: Connection, kind: str, secret: str, now: datetime) -> dict[str, Any] | None:
    """What a ticket says, which is used up by saying it."""
    data = hold(conn, kind, secret, now)
    if data is not None:
        conn.execute(sa.delete(T).where(T.c.id_hash == _hash(secret)))
    return data


def forget_expired(conn: Connection, now: datetime) -> tuple[Mapping[str, Any], ...]:
    """Delete what has expired; what the deleted tickets said, so that the caller can clear up after them."""
    conn.execute(sa.delete(L).where(L.c.expires_at <= now))
    gone = conn.execute(sa.delete(T).where(T.c.expires_at <= now).returning(T.c.data))
    return tuple(row.data for row in gone)


def _secret() -> str:
    return secrets.token_hex(24)


def _hash(secret: str) -> str:
    # The secret is long and random, so a plain digest keeps it.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
