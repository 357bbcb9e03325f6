"""Access tokens as the API callers see them: a text that works, fetched by one process for all."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy.engine import Engine

from bot.channels.wire import Answer, Unknown, Unreachable, WireError
from core import tokens
from core.privacy import Vault
from core.store import transaction

CACHED: Final = timedelta(seconds=30)
# After a refresh in vain. A refused secret is for a person to mend, and 企业微信 bans for an hour the address
# of whoever keeps asking with a wrong one.
PAUSE_UNREACHABLE: Final = timedelta(seconds=5)
PAUSE_UNKNOWN: Final = timedelta(seconds=60)
PAUSE_REFUSED: Final = timedelta(minutes=10)

log = logging.getLogger(__name__)


class NoToken(WireError):
    """No usable token at this moment; nothing was sent. Try again a little later."""


class TokenRefused(Exception):
    """The platform gives us no token (wrong secret, address not trusted …): an alarm, not a retry."""

    def __init__(self, errcode: int) -> None:
        super().__init__(f"errcode {errcode}")
        self.errcode = errcode


@dataclass(frozen=True)
class Grant:
    """A token just fetched and its life in seconds."""

    value: str = field(repr=False)
    seconds: int


def granted(answer: Answer) -> Grant:
    """The token in an answer of a token API. TokenRefused if there is none."""
    value, seconds = answer.text("access_token"), answer.data.get("expires_in")
    if answer.errcode or not value or not isinstance(seconds, int):
        raise TokenRefused(answer.errcode)
    return Grant(value, seconds)


class TokenSource(Protocol):
    def get(self, rejected: str | None = None) -> str: ...


@dataclass(frozen=True)
class _Held:
    value: str = field(repr=False)
    expires_at: datetime


class Tokens:
    """The token of one app. `machine` reads the machine's clock (aware), `fetch` asks the platform.

    The row is the truth; what this process keeps beside it is at most `CACHED` old.
    """

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        fetch: Callable[[], Grant],
        app: str,
        kind: str,
        machine: Callable[[], datetime],
    ) -> None:
        self._engine, self._vault, self._fetch = engine, vault, fetch
        self._app, self._kind, self._machine = app, kind, machine
        self._about = f"platform_token:{app}:{kind}"
        self._lock = threading.Lock()
        self._cache: tuple[_Held, datetime] | None = None

    def get(self, rejected: str | None = None) -> str:
        """A token to use now. NoToken or TokenRefused if there is none.

        `rejected` is one the platform has just refused; if no newer one may be fetched yet, it comes back.
        """
        if value := self._cached(rejected):
            return value
        with self._lock:
            # Whoever held the lock before us may have brought what we came for.
            return self._cached(rejected) or self._from_row(rejected)

    def _cached(self, rejected: str | None) -> str | None:
        if self._cache is None:
            return None
        held, until = self._cache
        return held.value if held.value != rejected and self._machine() < until else None

    def _keep(self, held: _Held, now: datetime) -> str:
        self._cache = held, min(now + CACHED, held.expires_at)
        return held.value

    def _from_row(self, rejected: str | None) -> str:
        now = self._machine()
        with transaction(self._engine) as conn:
            row = tokens.read(conn, self._app, self._kind)
            held = None
            if row and row.value_enc is not None and row.expires_at is not None and now < row.expires_at:
                held = _Held(self._vault.open(row.value_enc, self._about), row.expires_at)
            refused = held is not None and held.value == rejected
            fence = tokens.claim_refresh(conn, self._app, self._kind, now, refused)
        if held and not refused:
            self._keep(held, now)  # the other threads go on with it while this one renews it
        if fence:
            held = self._renewed(fence, usable=held is not None and not refused) or held
        if held is None:
            raise NoToken("no token yet")
        return self._keep(held, now)

    def _renewed(self, fence: str, usable: bool) -> _Held | None:
        """The token fetched under `fence`; None if it could not be had now.

        A refusal is logged each time, and raised once there is no `usable` old token to go on with.
        """
        try:
            return self._saved(fence, self._fetch())
        except Unreachable:
            self._release(fence, PAUSE_UNREACHABLE)
        except Unknown:
            self._release(fence, PAUSE_UNKNOWN)
        except TokenRefused as refusal:
            log.error("token_refused app=%s kind=%s errcode=%d", self._app, self._kind, refusal.errcode)
            self._release(fence, PAUSE_REFUSED)
            if not usable:
                raise
        return None

    def _saved(self, fence: str, grant: Grant) -> _Held:
        now = self._machine()
        held = _Held(grant.value, now + timedelta(seconds=grant.seconds))
        sealed = self._vault.seal(grant.value, self._about)
        with transaction(self._engine) as conn:
            tokens.save(conn, self._app, self._kind, fence, sealed, now, held.expires_at)
        return held

    def _release(self, fence: str, pause: timedelta) -> None:
        with transaction(self._engine) as conn:
            tokens.release(conn, self._app, self._kind, fence, self._machine() + pause)
