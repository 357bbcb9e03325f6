"""`bancheng demo`: the whole window on one machine, with stand-ins for the platforms, a clock to push, and a tour.

Everything it starts ends with it. Data lie in a folder that is thrown away, unless one is given.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from bot.app import create_app
from bot.service import Service
from core import case as cases
from core import duties, people, schema, store
from core.people import Hall
from core.policy.load import publish, shipped
from core.privacy import make_key
from core.settings import Settings, from_env
from core.workdays import SHANGHAI, local_day
from deploy.sandbox import wechat, wecom
from deploy.sandbox.platform import Person, Running, serve
from deploy.sandbox.players import Unexpected, post
from deploy.sandbox.stage.stage import Config as StageConfig
from deploy.sandbox.stage.stage import Player
from deploy.sandbox.stage.stage import create as create_stage
from deploy.sandbox.tours.story import Story as Tour
from workers import sweeper
from workers.arrange import arrange
from workers.build import build
from workers.servers import ServerError, redis_server

ROOT: Final = Path(__file__).parent.parent
SANDBOX: Final = ROOT / "deploy" / "sandbox"
OFFICIAL_ACCOUNT: Final[dict[str, Any]] = {
    "app_id": "wx0123456789abcdef",
    "secret": "demo-secret-of-the-account",
    "token": "demowechat",
    "aes_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "account": "gh_0123456789ab",
}
CORP: Final[dict[str, Any]] = {
    "app_id": "ww0000000000000001",
    "secret": "demo-secret-of-the-corp",
    "token": "demowecom",
    "aes_key": "HxAdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA",
}
AGENT: Final = 1000002
TEMPLATE: Final = wechat.Template(
    "tm-progress", "业务办理进度提醒", ("character_string1", "thing2", "phrase3", "time4")
)
COLOURS: Final = ("#2f6f4f", "#7a4b2a", "#3b5b8c", "#8a3b4a", "#5a4b8c", "#356b70", "#6b5b2f")


@dataclass
class Story:
    """The story's clock: a file that every process reads. It ticks with the wall clock when `live`."""

    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        return datetime.fromisoformat(self.path.read_text("utf-8"))

    def set(self, instant: datetime) -> None:
        with self._lock:
            draft = self.path.with_suffix(".new")
            draft.write_text(instant.astimezone(SHANGHAI).isoformat(), "utf-8")
            draft.replace(self.path)

    def tick(self, span: timedelta) -> None:
        self.set(self.now() + span)


@dataclass
class Sandbox:
    """What is running: our service, the stand-ins, and the address of the app."""

    service: Service
    story: Story
    wechat: Running
    wecom: Running
    app: str
    env: Mapping[str, str]

    # --- the clock

    def settle(self) -> None:
        """Let everything happen that is due now, here or in the worker."""
        end = time.monotonic() + 30
        quiet = 0
        while quiet < 2 and time.monotonic() < end:
            swept = sweeper.step(self.service, self.service.now(), datetime.now(UTC))
            busy = bool(swept.steps or swept.messages or swept.files or swept.cards)
            for running in (self.wechat, self.wecom):
                post(running.url, "settle", {})
            quiet = 0 if busy or self._due() else quiet + 1
            if busy or quiet == 0:
                time.sleep(0.02)

    def _due(self) -> bool:
        now = self.service.now()
        o, s, a = store.outbox.c, store.step.c, store.attachment.c
        with store.transaction(self.service.office.engine) as conn:
            waiting = conn.execute(
                sa.select(o.id).where(o.state == "due", o.not_before <= now, o.retry_at.is_(None)).limit(1)
            ).first()
            due = conn.execute(sa.select(s.id).where(s.state == "due", s.due_at <= now).limit(1)).first()
            pending = conn.execute(
                sa.select(a.id).where(a.state == "pending", a.attempts == 0).limit(1)
            ).first()
        return bool(waiting or due or pending)

    def until(self, target: datetime) -> int:
        """Push the clock; it stops at every due moment until nothing more happens. How often it stopped."""
        stops = 0
        self.settle()
        while True:
            with store.transaction(self.service.office.engine) as conn:
                coming = [t for t in (duties.next_step_at(conn), self._next_message(conn)) if t is not None]
            due = min((t for t in coming if t > self.story.now()), default=None)
            if due is None or due > target:
                break
            self.story.set(due)
            self.settle()
            stops += 1
        self.story.set(target)
        self.settle()
        return stops

    def _next_message(self, conn: sa.Connection) -> datetime | None:
        o = store.outbox.c
        later = (o.state == "due") & (o.not_before > self.story.now())
        return conn.execute(sa.select(sa.func.min(o.not_before)).where(later)).scalar()

    def push(self, kind: str) -> dict[str, Any]:
        """What the stage's buttons ask for."""
        now = self.story.now()
        name, _, amount = kind.partition(":")
        if name in ("minutes", "hours", "days"):
            target = now + timedelta(**{name: int(amount)})
        elif name == "next_morning":
            target = self.service.office.next_office_moment(_midnight_after(now))
        else:
            target = self._after_limit(now)
        return {"steps": self.until(target), **self.clock()}

    def _after_limit(self, now: datetime) -> datetime:
        d = store.duty.c
        with store.transaction(self.service.office.engine) as conn:
            due = conn.execute(
                sa.select(sa.func.min(d.due_at)).where(d.state == "open", d.key == "limit", d.due_at > now)
            ).scalar()
        return (due or now) + timedelta(minutes=1)

    def clock(self) -> dict[str, Any]:
        now = self.story.now()
        working = self.service.office.calendar.is_working(local_day(now))
        return {"now": now.astimezone(SHANGHAI).isoformat(), "working_day": working}

    # --- what was heard

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """Who heard what, when, under which clause."""
        o, p, u, c = store.outbox.c, store.person.c, store.unit.c, store.case.c
        query = (
            sa.select(
                o.id, o.sent_at, o.notice, o.clause, o.route, p.kind, p.name, u.name.label("unit"), c.number
            )
            .outerjoin(store.person, p.id == o.person_id)
            .outerjoin(store.unit, u.id == o.unit_id)
            .outerjoin(store.case, c.id == o.case_id)
            .where(o.state == "sent", o.id > since)
            .order_by(o.id)
        )
        with store.transaction(self.service.office.engine) as conn:
            rows = conn.execute(query).all()
        return [
            {
                "id": r.id,
                "at": r.sent_at.astimezone(SHANGHAI).isoformat(),
                "who": f"{r.unit}群" if r.unit else r.name or "申请人",
                "text": f"{NOTICES.get(r.notice) or _title(r.notice)} {r.number or ''}".strip(),
                "clause": r.clause,
                "route": r.route,
            }
            for r in rows
        ]


def main(args: argparse.Namespace) -> int:
    """Run the demonstration, or with `--tour-only` play the tour, print its transcript and end."""
    started = time.monotonic()
    logging.getLogger().setLevel(logging.WARNING)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bancheng-")))
        _say("准备演示环境（SQLite、Redis、两个平台的替身）……")
        sandbox = stack.enter_context(open_sandbox(folder, args.profile, processes=not args.tour_only))
        try:
            play_tour(sandbox, transcript=args.tour_only)
        except Unexpected as error:
            _say(f"演示没有走通：{error}")
            return 1
        if args.tour_only:
            return 0
        stage = stack.enter_context(serve(create_stage(_stage(sandbox)), args.port))
        stack.enter_context(_ticking(sandbox.story))
        _say(f"演示就绪（用时 {time.monotonic() - started:.0f} 秒）。请用浏览器打开  {stage.url}")
        _say("推时间、扮各个角色、注入故障都在这一页上。按 Ctrl-C 结束，所有进程一起停下。")
        _wait_for_interrupt()
    _say("都停下了。")
    return 0


def tour_of(profile: str) -> Any:
    """The tour of a region; a region of one's own has none and borrows the citizens and the day of the first."""
    try:
        return importlib.import_module(f"deploy.sandbox.tours.{profile}")
    except ModuleNotFoundError:
        return importlib.import_module("deploy.sandbox.tours.xiangjiang")


@contextlib.contextmanager
def open_sandbox(
    folder: Path, profile: str, *, processes: bool, database_url: str = "", start: str = ""
) -> Iterator[Sandbox]:
    """Start a sandbox: with processes of its own for app, worker and clock, or all in this one (tour, tests). The
    clock starts where the region's tour does, or at `start`."""
    with ExitStack() as stack:
        tour = tour_of(profile)
        hall_file = SANDBOX / "halls" / f"{profile}.toml"
        hall = Hall.model_validate(tomllib.loads(hall_file.read_text("utf-8")))
        story = Story(folder / "clock")
        story.set(datetime.fromisoformat(start or tour.START).replace(tzinfo=SHANGHAI))
        standins = _standins(stack, hall, tour.CITIZENS, story)
        (folder / "files").mkdir(exist_ok=True)
        env = _environment(folder, hall_file, story, *standins, database_url)
        if processes:
            env["BANCHENG_REDIS_URL"] = _redis(stack, folder)
        port = _free_port()
        env["BANCHENG_BASE_URL"] = f"http://127.0.0.1:{port}"
        settings = from_env(env)
        prepare(settings, hall, story.now())
        service = build(settings)
        stack.callback(service.office.engine.dispose)
        if processes:
            for command in (["serve", "--port", str(port)], ["worker"], ["clock"]):
                _start(stack, command, env)
            _wait_for(f"http://127.0.0.1:{port}/health")
        else:
            stack.enter_context(serve(create_app(service), port))
        for running, channel in zip(standins, ("wechat", "wecom"), strict=True):
            answer = post(running.url, "verify", {"url": f"{settings.base_url}/callback/{channel}"})
            if not answer["ok"]:
                raise RuntimeError(f"{channel}: the callback address was not accepted: {answer}")
        arrange(service)
        yield Sandbox(service, story, *standins, settings.base_url, env)


def prepare(settings: Settings, hall: Hall, now: datetime) -> None:
    """Tables, rules and people."""
    engine = store.open_engine(settings.database_url)
    schema.upgrade(engine)
    _, text = shipped(hall.profile)
    with store.transaction(engine) as conn:
        publish(conn, text, hall.profile, now)
        people.load_hall(conn, hall)
    engine.dispose()


def play_tour(sandbox: Sandbox, *, transcript: bool) -> None:
    """Play the tour; with `transcript`, print after each scene who heard what, when, under which clause."""
    seen = 0

    def tell(line: str) -> None:
        nonlocal seen
        if transcript:
            seen = _print_log(sandbox, seen)
        _say(line)

    def until(text: str) -> None:
        sandbox.until(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI))

    static = SANDBOX / "stage" / "static"
    tour_of(sandbox.service.office.profile.name).play(
        Tour(
            sandbox.wechat.url,
            sandbox.wecom.url,
            sandbox.app,
            until,
            sandbox.settle,
            tell,
            (static / "sample-photo.jpg").read_bytes(),
            (static / "sample-voice.amr").read_bytes(),
            lambda: _broken(sandbox.service),
        )
    )
    if transcript:
        _print_log(sandbox, seen)
        _say("全部走通。")


def _broken(service: Service) -> int | None:
    with store.transaction(service.office.engine) as conn:
        for case_id in conn.execute(sa.select(store.case.c.id)).scalars().all():
            broken = cases.broken_link(conn, service.office.vault, case_id)
            if broken is not None:
                return broken
    return None


def _title(notice: str) -> str:
    """What stands over a notice whatever the case: the title of its template, of two wordings the second, without
    the variable parts."""
    template = (ROOT / "templates" / "notices" / f"{notice}.txt").read_text("utf-8")
    either = re.sub(r"\{\{ \"[^}]* else \"([^\"]*)\" \}\}", r"\1", template.splitlines()[0])
    return re.sub(r"\{[{%].*?[%}]\}", "", either).strip("， ")


def _print_log(sandbox: Sandbox, since: int) -> int:
    for line in sandbox.log(since):
        at = datetime.fromisoformat(line["at"])
        print(
            f"    {at:%m-%d %H:%M}  {line['who']:　<6}  {line['text']}  〔{line['clause']} · {line['route']}〕",
            flush=True,
        )
        since = line["id"]
    return since


# --- starting and stopping ------------------------------------------------------------------------------


def _standins(
    stack: ExitStack, hall: Hall, citizens: Sequence[tuple[str, str]], story: Story
) -> tuple[Running, Running]:
    common: dict[str, Any] = {"case_clock": story.now, "machine": time.time, "sleep": time.sleep}
    oa = wechat.create(
        wechat.Config(
            **OFFICIAL_ACCOUNT,
            templates=(TEMPLATE,),
            people=tuple(Person(openid, name, following=False) for openid, name in citizens),
            **common,
        )
    )
    members = tuple(
        Person(person.addresses["wecom"], person.name)
        for person in hall.people
        if "wecom" in person.addresses
    )
    corp = wecom.create(wecom.Config(**CORP, agent_id=AGENT, people=members, **common))
    return stack.enter_context(serve(oa)), stack.enter_context(serve(corp))


def _environment(
    folder: Path, hall: Path, story: Story, oa: Running, corp: Running, database_url: str
) -> dict[str, str]:
    return {
        "BANCHENG_DATABASE_URL": database_url or f"sqlite:///{folder / 'bancheng.db'}",
        "BANCHENG_KEYS": f"k1:{make_key()}",
        "BANCHENG_HALL": str(hall),
        "BANCHENG_FILES": str(folder / "files"),
        "BANCHENG_SANDBOX_CLOCK": str(story.path),
        "BANCHENG_SANDBOX_FRAMES": "true",
        "BANCHENG_LOG_LEVEL": "WARNING",
        "BANCHENG_WECHAT_APP_ID": OFFICIAL_ACCOUNT["app_id"],
        "BANCHENG_WECHAT_SECRET": OFFICIAL_ACCOUNT["secret"],
        "BANCHENG_WECHAT_TOKEN": OFFICIAL_ACCOUNT["token"],
        "BANCHENG_WECHAT_AES_KEY": OFFICIAL_ACCOUNT["aes_key"],
        "BANCHENG_WECHAT_ACCOUNT": OFFICIAL_ACCOUNT["account"],
        "BANCHENG_WECHAT_API": oa.url,
        "BANCHENG_WECHAT_OAUTH": oa.url,
        "BANCHENG_WECHAT_TEMPLATE": TEMPLATE.id,
        "BANCHENG_WECOM_CORP_ID": CORP["app_id"],
        "BANCHENG_WECOM_AGENT_ID": str(AGENT),
        "BANCHENG_WECOM_SECRET": CORP["secret"],
        "BANCHENG_WECOM_TOKEN": CORP["token"],
        "BANCHENG_WECOM_AES_KEY": CORP["aes_key"],
        "BANCHENG_WECOM_API": corp.url,
        "BANCHENG_WECOM_OAUTH": corp.url,
    }


def _redis(stack: ExitStack, folder: Path) -> str:
    try:
        url = stack.enter_context(redis_server(folder / "redis"))
    except ServerError as error:
        url = None
        _say(f"Redis 没有起来（{error}）。")
    if not url:
        _say("这台机器上没有 Redis，由 bancheng clock 自己做完所有事。")
    return url or ""


def _start(stack: ExitStack, command: list[str], env: Mapping[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "workers.cli", *command],
        env={**os.environ, **env},
        cwd=ROOT,
        start_new_session=True,
    )

    def stop() -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(stop)


def _wait_for(url: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{url} did not answer within a minute")


@contextlib.contextmanager
def _ticking(story: Story) -> Iterator[None]:
    """The story's clock goes on with the wall clock between pushes."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(1):
            story.tick(timedelta(seconds=1))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _wait_for_interrupt() -> None:
    over = threading.Event()
    for sort in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sort, lambda *_: over.set())
    over.wait()


def _stage(sandbox: Sandbox) -> StageConfig:
    office = sandbox.service.office
    titles, units = office.profile.titles, {unit.key: unit.name for unit in office.hall.units}
    citizens = [
        Player(openid, name, "群众", "wechat", COLOURS[i])
        for i, (openid, name) in enumerate(tour_of(office.profile.name).CITIZENS)
    ]
    # Somebody who takes matters in and an officer who handles them are in hand first, then the order of the hall.
    reachable = [person for person in office.hall.people if "wecom" in person.addresses]
    slots = (office.profile.slots.get("receiver", ()), office.profile.slots.get("handler", ()))
    first = [next((p for p in reachable if p.posts[0].role in roles), None) for roles in slots]
    people_in_order = sorted(reachable, key=lambda p: first.index(p) if p in first else len(first))
    staff = [
        Player(
            person.addresses["wecom"],
            person.name,
            f"{units[person.posts[0].unit]} · {titles.get(person.posts[0].role, person.posts[0].role)}",
            "wecom",
            COLOURS[i % len(COLOURS)],
        )
        for i, person in enumerate(people_in_order)
    ]
    log: Callable[[int], list[dict[str, Any]]] = sandbox.log
    return StageConfig(
        sandbox.wechat.url,
        sandbox.wecom.url,
        sandbox.app,
        (*citizens, *staff),
        sandbox.clock,
        sandbox.push,
        log,
    )


def _midnight_after(now: datetime) -> datetime:
    local = now.astimezone(SHANGHAI)
    return (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(line: str) -> None:
    print(line, flush=True)


NOTICES: Final[Mapping[str, str]] = {
    "acceptance": "告知：单号、窗口电话、答复时限",
    "intake_card": "新反映卡片",
    "dispatched": "告知：单位、责任人、电话、期限",
    "dispatch_group": "群消息：新交办",
    "dispatch_card": "交办卡片",
    "dispatch_copy": "交办单同步送主要负责同志",
    "dispatch_cc": "交办单抄送",
    "question": "问题转给申请人",
    "answer_card": "申请人的回答",
    "extension_check": "请申请人核对延期",
    "extension_request": "请批准延期",
    "extension_objection": "申请人没有同意延期",
    "extension_told": "告知：延期",
    "extension_approved": "延期已批准",
    "extension_refused": "延期未批准",
    "extension_filed": "延期备案",
    "remind_target": "催办：目标日",
    "remind_before": "催办：到期前一个工作日",
    "remind_day": "催办：到期当天",
    "overdue_alert": "超期提醒，督办单已备好",
    "supervise_group": "群消息：督办",
    "supervise_card": "督办卡片",
    "supervise_copy": "督办单送窗口",
    "sign_off_card": "请审签",
    "rejected_card": "退回修改",
    "result": "办理结果",
    "result_copy": "办理结果送达",
    "rating_prompt": "请评价",
    "rating_reminder": "再请评价一次",
    "visit_task": "回访任务",
    "duty_today": "催办：今天要做",
    "duty_missed": "催办：到时没有做",
    "convene_wanted": "请几家一起办",
    "filing_task": "请备案",
    "judge_card": "请认定原因",
    "redo_group": "群消息：发回重办",
    "redo_card": "重办卡片",
    "redo_copy": "重办告知",
    "redo_told": "告知：发回重办",
    "releveled_citizen": "告知：答复的日子变了",
    "transferred_told": "告知：转给主管部门",
    "human_card": "群众找人工",
    "human_soon": "告知：何时有人答复",
    "human_answer": "窗口的答复",
    "guided": "指路",
    "insisted": "仍请窗口看一看",
    "call_task": "人工联系任务",
    "sign_for_chase": "催签收",
    "sign_for_escalate": "未签收，报主要负责同志",
    "unconfirmed_alert": "窗口未及时确认",
    "supervision_missed": "督办到期仍未办理：线索",
    "withdrawn": "已撤回",
    "withdrawn_card": "申请人撤回",
    "refused": "没有办成这一步",
    "report_draft": "请写好、签发报告",
    "report_reminder": "报告今天要签发",
    "report_missed": "报告还没有签发",
    "report_sent": "报告送达",
}
