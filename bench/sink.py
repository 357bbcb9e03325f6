"""A platform that says yes after so many seconds: `python -m bench.sink PORT SECONDS`.

It costs as little as Python can, to measure the sender.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

_numbers = itertools.count(1)


class Yes(asyncio.Protocol):
    """Answers every request with success and a token that lasts."""

    def __init__(self, delay: float) -> None:
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._out, self._got = transport, b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + _length(self._got[:end])
            if len(self._got) < whole:
                return
            self._got = self._got[whole:]
            body = b'{"errcode":0,"errmsg":"ok","msgid":%d,"access_token":"t","expires_in":7200}'
            body %= next(_numbers)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            answer = head % len(body) + body
            asyncio.get_running_loop().call_later(self._delay, self._out.write, answer)


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(x.partition(b":")[2]) for x in lines if x.startswith(b"content-length:")), 0)


async def _serve(port: int, delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Yes(delay), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
