"""The load: citizens who tell their matter, over connections kept alive.

Requests are sealed before the clock runs and written as bytes; of an answer only length and status are read, so
that the generator, which shares the processors with what it measures, takes little of them.
"""

from __future__ import annotations

import itertools
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final
from urllib.parse import urlencode

from bench.hall import ACCOUNT, KEYS
from bot.service import Service
from core import intake, people, store
from core.intake import Said
from deploy.sandbox import wire

Talk = Sequence[bytes]  # the requests of one citizen, to be sent one after the other
MATTER: Final = "给老房子加装电梯，材料交了三回，每回都说缺一样，跑了五趟还没受理"
ANSWERS: Final = {
    "relation": "我自己",
    "applicant_type": "个人",
    "applicant_name": "李桂兰",
    "applicant_unit": "示范商贸有限公司",
    "applicant_phone": "13800001234",
    "applicant_email": "跳过",
    "ground": "跑了好几趟，没有解决",
    "prior_channel": "窗口现场交的",
    "trip_count": "5",
    "contact_name": "李梅",
    "about_conduct": "否",
    "attachments": "没有了",
}
_ids = itertools.count(10**9)


@dataclass(frozen=True)
class Load:
    """What came of a load: answers, how long it took, the seconds each answer took (in order of size), and how
    many were not what a platform accepts."""

    answers: int
    seconds: float
    times: Sequence[float]
    wrong: int

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


def conversation(service: Service) -> list[str]:
    """What a citizen says from the first word to the submitted matter, found by saying it once."""
    office, now = service.office, service.now()
    said = [MATTER, "说完了"]
    with store.transaction(office.engine) as conn:
        person = people.citizen(conn, "wechat", "o-first")
        for text in said:
            replies = intake.turn(office, conn, person, "wechat", Said("text", text), now).replies
            if text == said[-1] and replies[-1].name.startswith("ask_"):
                said.append(ANSWERS[replies[-1].name.removeprefix("ask_")])
        if replies[-1].name != "summary":
            raise RuntimeError(f"the conversation ends with {replies[-1].name}")
    return [*said, "确认提交"]


def talks(said: Sequence[str], count: int, stamp: int) -> list[Talk]:
    """So many citizens, each with the whole conversation, sealed; `stamp` in epoch seconds."""
    openids = (f"o-{secrets.token_hex(8)}" for _ in range(count))
    return [[_request(openid, text, stamp) for text in said] for openid in openids]


def _request(openid: str, text: str, stamp: int) -> bytes:
    inner = wire.build(
        {
            "ToUserName": ACCOUNT,
            "FromUserName": openid,
            "CreateTime": stamp,
            "MsgType": "text",
            "Content": text,
            "MsgId": next(_ids),
        }
    )
    sealed, nonce = wire.encrypt(KEYS, inner), secrets.token_hex(5)
    body = wire.build({"ToUserName": ACCOUNT, "Encrypt": sealed}).encode()
    signed = wire.signature(KEYS.token, str(stamp), nonce, sealed)
    query = urlencode({"timestamp": stamp, "nonce": nonce, "encrypt_type": "aes", "msg_signature": signed})
    head = (
        f"POST /callback/wechat?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def run(port: int, work: Iterable[Talk], connections: int, span: float, rate: float = 0.0) -> Load:
    """Send for `span` seconds: each connection as fast as it is answered, or all together `rate` a second. Then
    an answer's time counts from when its request was to be sent, so that a stall is not left out."""
    shared, lock, times = iter(work), threading.Lock(), list[float]()
    begun, wrong = time.perf_counter(), list[int]()
    ticks = (begun + i / rate for i in itertools.count()) if rate else itertools.repeat(begun)

    def one() -> None:
        with socket.create_connection(("127.0.0.1", port), 10) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = sock.makefile("rb")
            for request in _requests(shared, lock):
                with lock:
                    due = next(ticks)
                if max(due, time.perf_counter()) > begun + span:
                    return
                if rate and (early := due - time.perf_counter()) > 0:
                    time.sleep(early)
                sent = due if rate else time.perf_counter()
                sock.sendall(request)
                if not _answered(stream):
                    wrong.append(1)
                times.append(time.perf_counter() - sent)

    threads = [threading.Thread(target=one) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(len(times), time.perf_counter() - begun, sorted(times), len(wrong))


def _requests(shared: Iterator[Talk], lock: threading.Lock) -> Iterator[bytes]:
    while True:
        with lock:
            talk = next(shared, None)
        if talk is None:
            return
        yield from talk


def _answered(lines: BinaryIO) -> bool:
    """Whether the answer is an encrypted reply."""
    status, length = lines.readline(), 0
    while (line := lines.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return b" 200 " in status and b"<Encrypt>" in lines.read(length)
