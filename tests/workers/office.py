"""A hall with its two platforms in process: what tests of the workers hold in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import urllib3
from pydantic import SecretStr

from bot.channels.connect import connect
from bot.service import Service
from bot.words import Words
from core import outbox, people, store
from core.case import Case
from core.settings import Settings
from deploy.sandbox import wechat, wecom
from deploy.sandbox.platform import Person, Running, serve
from tests.world import HALL, World
from workers import delivery, sweeper

HTTP = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=5))
AES_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
TEMPLATE = wechat.Template("T-progress", "办件进度提醒", ("character_string1", "thing2", "phrase3", "time4"))


@dataclass
class Machine:
    """The machine's clock, which stands still until it is pushed."""

    now: datetime = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)

    def passes(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Hall:
    """A world, its service, and the stand-ins the service speaks to."""

    world: World
    service: Service
    machine: Machine
    oa: Running
    corp: Running
    rung: list[tuple[object, ...]] = field(default_factory=list)

    def act(self, running: Running, name: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = HTTP.request("POST", f"{running.url}/_sandbox/{name}", json=body).json()
        return answer

    def fault(self, running: Running, kind: str, **how: Any) -> None:
        self.act(running, "faults", direction="out", kind=kind, **how)

    def chat(self, running: Running, who: str) -> list[dict[str, Any]]:
        state = HTTP.request("GET", f"{running.url}/_sandbox/state").json()
        return [row for row in state["messages"] if row["chat"] == who and row["sender"] == "app"]

    def deliver(self) -> int:
        """Everything that is due now."""
        return sweeper.repeat(lambda: delivery.step(self.service, self.world.now, self.machine.now))

    def sweep(self, **how: Any) -> sweeper.Swept:
        return sweeper.step(self.service, self.world.now, self.machine.now, **how)

    def open_window(self, who: str = "li", left: int = 5) -> None:
        """The citizen has just written (nobody of ours hears it)."""
        self.act(self.oa, "say", person=who, kind="text", text="你好")
        self.act(self.oa, "settle")
        self.world.who(who)
        with store.transaction(self.world.office.engine) as conn:
            until = self.world.now + timedelta(hours=48)
            people.opened(conn, "wechat", who, until, left, widen=False)

    def messages(self, case: Case, notice: str) -> list[outbox.Message]:
        return self.world.outbox(case, notice)

    def one(self, case: Case, notice: str) -> outbox.Message:
        (found,) = self.messages(case, notice)
        return found

    def clear(self) -> None:
        """What has been queued so far is of no interest."""
        with store.transaction(self.world.office.engine) as conn:
            conn.execute(
                sa.update(store.outbox).where(store.outbox.c.state == "due").values(state="replaced")
            )

    def rows(self, query: sa.Select[Any]) -> list[Any]:
        with store.transaction(self.world.office.engine) as conn:
            return list(conn.execute(query))


@contextmanager
def open_hall(
    world: World,
    tmp_path: Path,
    *,
    template: bool = True,
    wait: Callable[[float], None] = lambda _: None,
) -> Iterator[Hall]:
    """The world with its stand-ins served on loopback. `wait`: what they do where a platform takes its time."""
    machine = Machine()
    started = machine.now
    common: dict[str, Any] = {
        "secret": "s3cret",
        "token": "testtoken",
        "aes_key": AES_KEY,
        "callback": "http://127.0.0.1:9/callback",
        "case_clock": lambda: world.now,
        "machine": lambda: (machine.now - started).total_seconds(),
        "sleep": wait,
    }
    citizens = tuple(Person(name, name) for name in ("li", "wang"))
    staff = tuple(Person(p.addresses["wecom"], p.name) for p in HALL.people if "wecom" in p.addresses)
    account = wechat.Config(
        app_id="wx0123456789abcdef", account="gh_0", templates=(TEMPLATE,), people=citizens, **common
    )
    corp = wecom.Config(app_id="ww0000000000000001", people=staff, **common)
    with serve(wechat.create(account)) as oa, serve(wecom.create(corp)) as wc:
        settings = Settings(
            database_url="sqlite://",
            keys=SecretStr("unused"),
            hall=Path("hall.toml"),
            files=tmp_path,
            base_url="http://127.0.0.1:8000",
            wechat_app_id=account.app_id,
            wechat_secret=SecretStr("s3cret"),
            wechat_api=oa.url,
            wechat_template=TEMPLATE.id if template else "",
            wecom_corp_id=corp.app_id,
            wecom_agent_id=corp.agent_id,
            wecom_secret=SecretStr("s3cret"),
            wecom_api=wc.url,
        )
        rung: list[tuple[object, ...]] = []
        service = Service(
            office=world.office,
            settings=settings,
            words=Words(),
            channels=connect(settings, world.office.engine, world.office.vault, lambda: machine.now),
            now=lambda: world.now,
            machine=lambda: machine.now,
            ring=lambda *what: rung.append(what),
        )
        made = Hall(world, service, machine, oa, wc, rung)
        for line in HALL.units:
            if line.group:
                members = [
                    p.addresses["wecom"] for p in HALL.people if any(x.unit == line.key for x in p.posts)
                ]
                _make_group(service, line.group.partition(":")[2], line.name, members)
        yield made


def _make_group(service: Service, chat: str, name: str, members: list[str]) -> None:
    from bot.channels import wecom_api
    from bot.channels.connect import wecom_line

    if len(members) > 1:
        line = wecom_line(service.settings, service.office.engine, service.office.vault, service.machine)
        wecom_api.create_chat(line, chat, name, members[0], members)
