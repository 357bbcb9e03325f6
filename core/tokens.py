"""Access tokens of the platforms, as rows: one refresh at a time, whatever number of processes ask.

A refresh is claimed with a lease and saved under its fence. Nothing here talks to a platform or decrypts.
Instants are aware; `now` is machine time.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.engine import Connection

from core.store import insert_once, platform_token

# No refresh is tried while another may still be under way, nor sooner after one that was in vain.
LEASE: Final = timedelta(seconds=60)
FRESH_PART: Final = 0.8  # of its life; then a token is renewed while the old one still serves


@dataclass(frozen=True)
class TokenRow:
    value_enc: bytes | None = field(repr=False)
    expires_at: datetime | None
    fetched_at: datetime | None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to renew it: missing, or past `FRESH_PART` of its life."""
        if self.value_enc is None or self.expires_at is None or self.fetched_at is None:
            return True
        return now >= self.fetched_at + (self.expires_at - self.fetched_at) * FRESH_PART


def read(conn: Connection, app: str, kind: str) -> TokenRow | None:
    row = conn.execute(select(*_VALUE).where(*_key(app, kind))).one_or_none()
    return TokenRow(*row) if row else None


def claim_refresh(conn: Connection, app: str, kind: str, now: datetime, rejected: bool) -> str | None:
    """The fence of a refresh that is now the caller's to make, or None: not due, or not the caller's.

    `rejected` says that the platform refused the very token of the row; that makes a refresh due early, yet
    not within `LEASE` of the last one.
    """
    insert_once(conn, platform_token, ("app", "kind"), app=app, kind=kind)
    *value, lease_until = conn.execute(
        select(*_VALUE, platform_token.c.lease_until).where(*_key(app, kind)).with_for_update()
    ).one()
    row = TokenRow(*value)
    if lease_until is not None and lease_until > now:
        return None
    if not row.is_due(now) and not (rejected and row.fetched_at and now >= row.fetched_at + LEASE):
        return None
    fence = secrets.token_hex(16)
    conn.execute(
        update(platform_token).where(*_key(app, kind)).values(lease_until=now + LEASE, lease_token=fence)
    )
    return fence


def save(
    conn: Connection, app: str, kind: str, fence: str, value_enc: bytes, now: datetime, expires_at: datetime
) -> bool:
    """Keep a new token and end the lease; False, and nothing kept, if the lease has gone to somebody else."""
    changed = conn.execute(
        update(platform_token)
        .where(*_key(app, kind), platform_token.c.lease_token == fence)
        .values(
            value_enc=value_enc, fetched_at=now, expires_at=expires_at, lease_until=None, lease_token=None
        )
    )
    return changed.rowcount == 1


def release(conn: Connection, app: str, kind: str, fence: str, until: datetime) -> None:
    """Give up a refresh that brought nothing; nobody tries again before `until`."""
    conn.execute(
        update(platform_token)
        .where(*_key(app, kind), platform_token.c.lease_token == fence)
        .values(lease_until=until, lease_token=None)
    )


_VALUE = (platform_token.c.value_enc, platform_token.c.expires_at, platform_token.c.fetched_at)


def _key(app: str, kind: str) -> tuple[ColumnElement[bool], ...]:
    return platform_token.c.app == app, platform_token.c.kind == kind
