"""Real worker processes on a real Redis: killed at the worst moment nothing is lost or doubled, and what lies in
Redis says nothing about anybody."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from core import store
from core.case import Case
from core.privacy import Vault, make_key
from tests.workers.office import AES_KEY, Hall, open_hall
from tests.world import MATTER, ROOT, World
from workers.bell import Bell
from workers.servers import redis_server

HALL_FILE = ROOT / "deploy/sandbox/halls/xiangjiang.toml"
PATIENCE = 60  # seconds for another process to come so far


@dataclass
class Post:
    """A hall, the bell of its workers, and the moment at which a platform holds back its answer."""

    hall: Hall
    redis_url: str
    env: Mapping[str, str]
    asked: threading.Event
    answer: threading.Event

    @contextmanager
    def worker(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker process that takes jobs, until the block ends at the latest."""
        code = f"from workers.main import service, work; work(service().settings{''.join(options)})"
        process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **self.env}, cwd=ROOT)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def ring(self, name: str, *ids: int) -> bool:
        return Bell(self.redis_url, lambda: datetime.now(UTC)).ring(name, *ids)

    def another_worker(self) -> None:
        """Somebody else looks after the lease of whoever was killed has run out."""
        lease = sa.func.max(store.outbox.c.lease_until)
        ((until,),) = self.hall.rows(sa.select(sa.type_coerce(lease, store.Instant)))
        self.hall.machine.now = until + timedelta(seconds=1)
        self.hall.deliver()


@pytest.fixture
def post(world: World, tmp_path: Path) -> Iterator[Post]:
    keys = f"k1:{make_key()}"
    world.office = replace(world.office, vault=Vault.from_setting(keys))
    asked, answer = threading.Event(), threading.Event()

    def hold(_seconds: float) -> None:
        asked.set()
        answer.wait(PATIENCE)

    with ExitStack() as stack:
        url = stack.enter_context(redis_server(tmp_path / "redis"))
        if url is None:
            pytest.fail("no Redis on this machine: what a killed worker leaves cannot be shown")
        hall = stack.enter_context(open_hall(world, tmp_path, wait=hold))
        stack.callback(answer.set)
        clock = tmp_path / "clock"
        clock.write_text(world.now.isoformat(), "utf-8")
        settings = hall.service.settings
        env = {
            "BANCHENG_DATABASE_URL": world.office.engine.url.render_as_string(hide_password=False),
            "BANCHENG_KEYS": keys,
            "BANCHENG_HALL": str(HALL_FILE),
            "BANCHENG_FILES": str(tmp_path / "files"),
            "BANCHENG_BASE_URL": settings.base_url,
            "BANCHENG_REDIS_URL": url,
            "BANCHENG_SANDBOX_CLOCK": str(clock),
            "BANCHENG_WECOM_CORP_ID": settings.wecom_corp_id,
            "BANCHENG_WECOM_AGENT_ID": str(settings.wecom_agent_id),
            "BANCHENG_WECOM_SECRET": settings.wecom_secret.get_secret_value(),
            "BANCHENG_WECOM_AES_KEY": AES_KEY,
            "BANCHENG_WECOM_API": settings.wecom_api,
            "BANCHENG_LOG_LEVEL": "WARNING",
        }
        yield Post(hall, url, env, asked, answer)


def dispatched(hall: Hall) -> Case:
    """A matter just dispatched; of all that is to be said of it, one card is left to send."""
    case = hall.world.dispatch(hall.world.tell("li"))
    o = store.outbox.c
    with store.transaction(hall.world.office.engine) as conn:
        first = sa.select(sa.func.min(o.id)).where(o.notice == "dispatch_card").scalar_subquery()
        conn.execute(sa.update(store.outbox).where(o.id != first).values(state="replaced"))
    return case


def test_a_worker_killed_while_the_platform_holds_its_answer_leaves_one_card(post: Post) -> None:
    hall = post.hall
    case = dispatched(hall)
    hall.fault(hall.corp, "late", count=1, at="message/send")
    with post.worker() as process:
        assert post.ring("deliver")
        assert post.asked.wait(PATIENCE), "no worker came to send"
        process.kill()  # SIGKILL: claimed, sent, not marked
        process.wait()
    post.answer.set()
    (card,) = [m for m in hall.messages(case, "dispatch_card") if m.state == "due"]
    assert card.attempts == 1 and card.lease_token
    assert hall.deliver() == 0, "the lease of the dead holds off everybody"
    post.another_worker()
    (card,) = [m for m in hall.messages(case, "dispatch_card") if m.state != "replaced"]
    assert card.state == "sent"
    (officer,) = hall.rows(
        sa.select(store.identity.c.address).where(store.identity.c.person_id == card.person_id)
    )
    assert len(hall.chat(hall.corp, officer.address)) == 1


def test_redis_holds_ids_and_names_of_jobs_only(post: Post) -> None:
    hall = post.hall
    case = hall.world.result(hall.world.dispatch(hall.world.tell("li")))
    hall.fault(hall.corp, "refuse", count=1, errcode=99999, at="message/send")
    assert post.ring("deliver") and post.ring("redraw", case.id) and post.ring("media")
    assert post.ring("redraw", 10**6)  # a job that fails leaves its traceback
    waiting = everything(post.redis_url)
    with post.worker(", burst=True") as process:
        assert process.wait(PATIENCE) == 0
    left = everything(post.redis_url)
    assert "workers.main.deliver" in waiting and "workers.main.redraw" in left and "Traceback" in left
    said = {"李桂兰", "李梅", "13800001234", MATTER, MATTER[:6], "加装电梯", "li", *officials(hall)}
    for text in (waiting, left):
        assert not [word for word in said if f" {word} " in text or (len(word) > 2 and word in text)]
    assert {m.state for m in hall.world.outbox(case)} & {"sent"}


def officials(hall: Hall) -> set[str]:
    """Names, phones and platform ids of staff."""
    people = hall.rows(
        sa.select(store.person.c.name, store.person.c.phone).where(store.person.c.kind == "staff")
    )
    return {value for row in people for value in row if value}


def everything(url: str) -> str:
    """All that a Redis holds, opened, as one long text."""
    client = redis.Redis.from_url(url)
    found: list[Any] = []
    for key in client.scan_iter():
        found.append(key)
        match client.type(key):
            case b"hash":
                found += [part for pair in client.hgetall(key).items() for part in pair]
            case b"list":
                found += client.lrange(key, 0, -1)
            case b"set":
                found += client.smembers(key)
            case b"zset":
                found += client.zrange(key, 0, -1)
            case b"stream":
                found += [part for _, row in client.xrange(key) or () for part in (row or {}).values()]
            case _:
                found.append(client.get(key))
    return "\n".join(_opened(part) for part in found)


def _opened(part: bytes) -> str:
    """RQ packs jobs, and writes tracebacks packed and in base64."""
    for read in (zlib.decompress, lambda packed: zlib.decompress(base64.b64decode(packed))):
        with suppress(zlib.error, ValueError):
            part = read(part)
            break
    text = part.decode("utf-8", "replace")
    return text + (text.encode("latin-1", "replace").decode("unicode_escape") if "\\u" in text else "")
