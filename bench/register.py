"""Registering a walk-in (form checked, case, facts sealed, event, duty with its steps, messages) beside the public
ticket form of django-helpdesk, both in one process each, without HTTP, on the same PostgreSQL server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bench.hall import ROOT, new_database, open_hall
from bench.load import MATTER
from bench.measure import Result, Setting, interleaved, ratio, seconds
from bot.service import Service
from core import case as cases
from core import people, store
from core.desk.act import Actor, perform
from core.people import Person
from core.workdays import SHANGHAI

PACKAGES: Final = ("django-helpdesk==2.6.1", "Django<5.3", "psycopg[binary]")
VENV: Final = ROOT / "build" / "bench" / "venvs" / "helpdesk"
PEER: Final = ROOT / "bench" / "peers" / "public_form.py"


class NoPeer(Exception):
    """The peer is not to be had here; the text says why."""


def run(setting: Setting) -> Iterator[Result]:
    count = 15 if setting.quick else 60
    with open_hall(setting.server, setting.folder) as hall, _peer(setting.server) as peer:
        _register(hall.service, count)
        variants = {
            "ours": lambda: count / seconds(lambda: _register(hall.service, count)),
            "helpdesk": lambda: _ask(peer, count),
        }
        _ask(peer, count)
        rates = interleaved(variants)
    detail = {"per_second": {name: [round(x, 1) for x in values] for name, values in rates.items()}}
    faster = ratio(rates["ours"], rates["helpdesk"])
    yield Result("register", "cases registered, of django-helpdesk's tickets", faster, "x", 5, False, detail)


def _register(service: Service, count: int) -> None:
    office = service.office
    slot = office.profile.slots["receiver"]
    with store.transaction(office.engine) as conn:
        clerk = _clerk(conn, slot)
    for _ in range(count):
        now = service.now()
        given = {
            "intake_channel": "hall",
            "told_at": (now - timedelta(minutes=2)).astimezone(SHANGHAI).isoformat(timespec="minutes")[:16],
            "content": MATTER,
            "applicant_type": "citizen",
            "applicant_name": "王建国",
            "applicant_phone": "0731-88889999",
            "ground": "repeated_trips",
        }
        with store.transaction(office.engine) as conn:
            case = cases.open_case(
                conn,
                profile=office.profile.name,
                version=office.profile.version,
                channel="hall",
                contact_id=None,
                now=now,
            )
            perform(office, conn, Actor(clerk, "page"), case, "register", now=now, values=given)


def _clerk(conn: sa.Connection, roles: tuple[str, ...]) -> Person:
    post = store.post.c
    found = conn.execute(sa.select(post.person_id).where(post.role.in_(roles)).limit(1)).scalar_one()
    return people.get(conn, found)


@contextmanager
def _peer(server: str) -> Iterator[subprocess.Popen[str]]:
    """The peer, ready to be asked. Raises NoPeer."""
    python = _installed()
    command = [str(python), str(PEER), new_database(server).replace("+psycopg", "")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            if _line(process) != {"ready": True}:
                raise NoPeer("django-helpdesk does not start")
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _installed() -> Path:
    python = VENV / "bin" / "python"
    stamp = VENV / "packages"
    if not stamp.exists() or stamp.read_text() != str(PACKAGES):
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True, timeout=120)
            subprocess.run(install, check=True, capture_output=True, timeout=600)
        except (subprocess.SubprocessError, OSError) as error:
            raise NoPeer(f"django-helpdesk cannot be installed ({type(error).__name__})") from None
        stamp.write_text(str(PACKAGES))
    return python


def _ask(peer: subprocess.Popen[str], count: int) -> float:
    """So many tickets; how many a second."""
    assert peer.stdin is not None
    peer.stdin.write(f"{count}\n")
    peer.stdin.flush()
    return count / float(_line(peer)["seconds"])


def _line(peer: subprocess.Popen[str]) -> dict[str, float]:
    assert peer.stdout is not None
    line = peer.stdout.readline()
    if not line:
        raise NoPeer("django-helpdesk ended")
    return dict(json.loads(line))
