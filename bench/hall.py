"""A hall to measure: an empty database of its own, the shipped rules, and a stand-in that only says yes."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bot.service import Service
from core import schema, store
from core.privacy import make_key
from core.settings import from_env
from deploy.sandbox import wire
from workers.build import lasting

ROOT: Final = Path(__file__).parent.parent
HALL_FILE: Final = ROOT / "deploy/sandbox/halls/xiangjiang.toml"  # whose questions `bench.load` can answer
ACCOUNT: Final = "gh_0123456789ab"
KEYS: Final = wire.Keys("benchtoken", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "wx0123456789abcdef")
# The same for the product and for its peer: gunicorn, threads, two processes of four.
WORKERS, THREADS = 2, 4
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Hall:
    """`env` starts processes of ours on the same database as `service`."""

    service: Service
    env: Mapping[str, str]


@contextlib.contextmanager
def open_hall(server: str, folder: Path, platform: str = "http://127.0.0.1:9") -> Iterator[Hall]:
    """A hall on a new database; its platforms are at `platform`."""
    env = {
        "BANCHENG_DATABASE_URL": new_database(server),
        "BANCHENG_KEYS": f"k1:{make_key()}",
        "BANCHENG_HALL": str(HALL_FILE),
        "BANCHENG_FILES": str(folder / "files"),
        "BANCHENG_BASE_URL": "http://127.0.0.1:8000",
        "BANCHENG_LOG_LEVEL": "WARNING",
        "BANCHENG_WECHAT_APP_ID": KEYS.receiver,
        "BANCHENG_WECHAT_SECRET": "secret",
        "BANCHENG_WECHAT_TOKEN": KEYS.token,
        "BANCHENG_WECHAT_AES_KEY": KEYS.aes_key,
        "BANCHENG_WECHAT_ACCOUNT": ACCOUNT,
        "BANCHENG_WECHAT_API": platform,
    }
    settings = from_env(env)
    engine = store.open_engine(settings.database_url)
    schema.upgrade(engine)
    engine.dispose()
    service = lasting(settings)
    try:
        yield Hall(service, env)
    finally:
        service.office.engine.dispose()


def new_database(server: str) -> str:
    """An empty database on a server; its URL."""
    url, name = sa.make_url(server), f"bench_{next(_numbers)}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


@contextlib.contextmanager
def child(command: Sequence[str], env: Mapping[str, str], port: int | None = None) -> Iterator[int]:
    """A process of ours until the block ends, once it listens on `port`; its id."""
    process = subprocess.Popen(
        [sys.executable, *command], env={**os.environ, **env}, cwd=ROOT, start_new_session=True
    )
    try:
        if port:
            _wait_for(port, process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def our_server(hall: Hall) -> Iterator[tuple[int, int]]:
    """The product behind gunicorn; port and process."""
    port = free_port()
    sizes = ("--workers", str(WORKERS), "--threads", str(THREADS))
    with child(["-m", "workers.cli", "serve", "--port", str(port), *sizes], hall.env, port) as pid:
        yield port, pid


@contextlib.contextmanager
def echo_server() -> Iterator[tuple[int, int]]:
    """The peer behind gunicorn; port and process."""
    port = free_port()
    sizes = ("--workers", str(WORKERS), "--threads", str(THREADS), "--worker-class", "gthread")
    bind = ("--bind", f"127.0.0.1:{port}", "--log-level", "warning", "--no-control-socket")
    with child(["-m", "gunicorn", *sizes, *bind, "bench.echo:app"], {}, port) as pid:
        yield port, pid


@contextlib.contextmanager
def yes_platform(delay: float = 0.0) -> Iterator[str]:
    """The stand-in that says yes to everything, after `delay` seconds; its address."""
    port = free_port()
    with child(["-m", "bench.sink", str(port), str(delay)], {}, port):
        yield f"http://127.0.0.1:{port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"a process ended at once with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("a process does not listen")
