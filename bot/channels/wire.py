"""The one HTTP client: how a request leaves, and the few things that can have become of it.

An address carries secrets (access_token, corpsecret), so none of it ever stands in a message or a repr, and
no exception of the library underneath is chained to ours.
"""

import json
import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from core.store import in_transaction

ANSWER_CAP: Final = 1024 * 1024
CHUNK: Final = 64 * 1024

TEXTS: Final = frozenset({"", "application/json", "text/html", "text/json", "text/plain"})

Query = Mapping[str, str]


class WireError(Exception):
    """A request without a usable answer. The text names a kind of failure, never an address."""


class Unreachable(WireError):
    """No connection: nothing was sent, so sending again cannot double anything."""


class Unknown(WireError):
    """Sent, but what became of it is not known: time-out, broken connection, or no answer of the API."""


class TooBig(WireError):
    """A download longer than its cap; nothing of it is kept."""


@dataclass(frozen=True)
class Answer:
    """What an API said. `errcode` 0 is success; `data` is the whole object and may hold secrets."""

    errcode: int
    errmsg: str
    data: Mapping[str, object] = field(repr=False)

    def text(self, name: str) -> str:
        """The value so named as text; empty if absent, null or not a plain value."""
        value = self.data.get(name)
        return str(value) if isinstance(value, str | int) else ""


@dataclass(frozen=True)
class Download:
    content_type: str  # as the platform claims it; lower case, without parameters
    content: bytes = field(repr=False)


class Wire:
    """The connections to one platform, kept alive and shared by the threads of a process.

    `timeout` is (connect, read) in seconds. `forbidden` says whether a call would be made at a wrong moment:
    then RuntimeError, before anything is sent.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: tuple[float, float] = (3, 5),
        forbidden: Callable[[], bool] = in_transaction,
    ) -> None:
        # At DEBUG urllib3 writes whole addresses, tokens included.
        logging.getLogger("urllib3").setLevel(logging.INFO)
        self._base = base_url.rstrip("/")
        self._forbidden = forbidden
        connect, read = timeout
        self._pool = urllib3.PoolManager(
            maxsize=16,
            timeout=urllib3.Timeout(connect=connect, read=read),
            retries=False,  # and with it no redirect is followed
        )

    def close(self) -> None:
        """End the connections kept alive."""
        self._pool.clear()

    def get(self, path: str, query: Query) -> Answer:
        return self._asked("GET", path, query)

    def post_json(self, path: str, query: Query, body: Mapping[str, object]) -> Answer:
        # Raw UTF-8: 公众号 shows \uXXXX escapes to the reader as they are.
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return self._asked("POST", path, query, text.encode("utf-8", "replace"), headers)

    def download(self, path: str, query: Query, cap: int) -> Download | Answer:
        """A file of at most `cap` bytes, or what the API said instead of one. TooBig beyond the cap."""
        headers, content = self._exchange("GET", path, query, None, {}, cap)
        content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        # An error comes with status 200 and as text; a text file comes as an attachment.
        if content_type in TEXTS and "Content-Disposition" not in headers:
            return _answer(content)
        return Download(content_type, content)

    def _asked(
        self,
        method: str,
        path: str,
        query: Query,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            _, content = self._exchange(method, path, query, body, headers or {}, ANSWER_CAP)
        except TooBig:
            raise Unknown("too long") from None
        return _answer(content)

    def _exchange(
        self, method: str, path: str, query: Query, body: bytes | None, headers: Mapping[str, str], cap: int
    ) -> tuple[Mapping[str, str], bytes]:
        if self._forbidden():
            raise RuntimeError("a network call inside a database transaction")
        url = f"{self._base}/{path}?{urlencode(query)}" if query else f"{self._base}/{path}"
        try:
            with self._pool.request(
                method, url, body=body, headers=headers, redirect=False, preload_content=False
            ) as response:
                if response.status != 200:
                    raise Unknown(f"status {response.status}")
                content = bytearray()
                for chunk in response.stream(CHUNK, decode_content=True):
                    content += chunk
                    if len(content) > cap:
                        response.close()  # the rest is not read, so the connection cannot be used again
                        raise TooBig("too long")
                return response.headers, bytes(content)
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise Unreachable(type(error).__name__) from None
        except SSLError as error:
            # A certificate is refused before the request; any other TLS failure may come after it.
            refused = error.args and isinstance(error.args[0], ssl.SSLCertVerificationError)
            raise (Unreachable if refused else Unknown)(type(error).__name__) from None
        except HTTPError as error:
            raise Unknown(type(error).__name__) from None


def _answer(content: bytes) -> Answer:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise Unknown("not JSON") from None
    code = data.get("errcode", 0) if isinstance(data, dict) else None
    if not isinstance(code, int):
        raise Unknown("not an answer")
    return Answer(code, str(data.get("errmsg", "")), data)
