"""`bancheng`: the command line. What scripts rely on is listed in the operator's guide; `--json` is for machines."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from core import audit as audits
from core import case as cases
from core import duties, outbox, people, schema, setup, store
from core.policy.load import ProfileError, publish, read, shipped
from core.policy.model import Profile
from core.privacy import BadKeys
from core.refusals import Refusal
from core.settings import Settings, SettingsError, from_env
from core.setup import HallError
from core.workdays import SHANGHAI, Calendar, CalendarError, DayKind, OfficeHours

Args = argparse.Namespace
DAYS: Final = {
    DayKind.WORKDAY: "工作日",
    DayKind.MAKE_UP: "调休上班",
    DayKind.WEEKEND: "周末",
    DayKind.HOLIDAY: "放假",
}
GROUPS: Final = {
    "db": "数据库：升级、备份、恢复",
    "policy": "规则",
    "case": "件",
    "audit": "核对",
    "inbox": "来信",
    "outbox": "发出的消息",
    "export": "导出",
}
WRONG, FAILED = 2, 1  # exit codes: how it was asked or set up; what was asked


class Mistake(Exception):
    """What was asked cannot be done; the text says why."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 1 if it failed, or 2 if it was asked for or set up wrongly."""
    args = _parser().parse_args(argv)
    logging.basicConfig(
        level=os.environ.get("BANCHENG_LOG_LEVEL", "INFO") if args.speaks else "WARNING",
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        return int(args.run(args) or 0)
    except (SettingsError, HallError, ProfileError, BadKeys, CalendarError) as error:
        return _fail(str(error), WRONG)
    except Refusal as refusal:
        return _fail(
            {"unknown_case": "没有这个单号"}.get(refusal.code, f"不能这样做：{refusal.code}"), FAILED
        )
    except Mistake as mistake:
        return _fail(str(mistake), FAILED)
    except SQLAlchemyError as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        return _fail(f"数据库出错（{kind}）。可运行 bancheng doctor 看看", FAILED)
    except RedisError as error:
        return _fail(f"Redis 没有应答（{type(error).__name__}）", FAILED)
    except KeyboardInterrupt:
        return 0


def _fail(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


def _settings() -> Settings:
    return from_env(os.environ)


def _engine() -> sa.Engine:
    return store.open_engine(_settings().database_url)


def _say(args: Args, data: Any, lines: Sequence[str]) -> None:
    """The lines for people, or with `--json` the data for machines."""
    if args.json:
        print(json.dumps(data, ensure_ascii=False, default=_plain))
    else:
        print(*lines, sep="\n")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def _local(at: datetime | None) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if at else ""


# --- the three processes --------------------------------------------------------------------------------


def serve(args: Args) -> None:
    """The web process: gunicorn with threads. Each worker builds its own service after the fork."""
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

    from bot.app import create_app
    from workers.build import build

    settings = _settings()

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            options = {
                "bind": f"{args.host}:{args.port}",
                "worker_class": "gthread",
                "workers": args.workers,
                "threads": args.threads,
                "timeout": 30,
                "graceful_timeout": 10,
                "limit_request_line": 4094,
                "control_socket_disable": True,  # it would lie in the home of whoever runs this
                "loglevel": settings.log_level.lower(),
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> object:
            return create_app(build(settings))

    Server().run()


def worker(args: Args) -> None:
    from workers.main import work

    settings = _settings()
    if not settings.redis_url:
        raise Mistake("没有设置 BANCHENG_REDIS_URL：不需要 worker，运行 bancheng clock 就够了")
    work(settings)


def clock(args: Args) -> None:
    from workers import sweeper
    from workers.arrange import arrange
    from workers.bell import Bell
    from workers.build import build

    settings = _settings()
    service = build(settings)
    arrange(service)
    sweeper.loop(service, time.sleep, Bell(settings.redis_url, service.machine).ring)


def demo(args: Args) -> int:
    from workers import demo as demonstration

    return demonstration.main(args)


# --- the installation -----------------------------------------------------------------------------------


def doctor(args: Args) -> int:
    from workers.build import machine_clock
    from workers.doctor import checks

    found = list(checks(_settings(), machine_clock()))
    lines = [f"{'✓' if c.ok else '✗'} {c.what}{'：' + c.advice if c.advice else ''}" for c in found]
    wrong = sum(not c.ok for c in found)
    _say(args, found, [*lines, "", "一切就绪。" if not wrong else f"有 {wrong} 处要处理。"])
    return FAILED if wrong else 0


def db_upgrade(args: Args) -> None:
    engine = _engine()
    schema.upgrade(engine)
    print(f"数据库结构：{schema.current(engine)}")


def db_backup(args: Args) -> None:
    source = _sqlite("pg_dump --format=custom --file={file} DATABASE", args.file)
    if args.file.exists():
        raise Mistake(f"{args.file} 已经存在，不覆盖")
    _copy(source, args.file)
    print(f"已备份到 {args.file}。附件目录和密钥要另外备份：没有密钥，备份打不开")


def db_restore(args: Args) -> None:
    target = _sqlite("pg_restore --clean --if-exists --dbname=DATABASE {file}", args.file)
    if not args.file.exists():
        raise Mistake(f"没有 {args.file}")
    if target.exists() and not args.yes:
        raise Mistake(f"会覆盖 {target}。请先停下服务，再加 --yes")
    _copy(args.file, target)
    print(f"已恢复到 {target}。请运行 bancheng db upgrade 和 bancheng audit verify")


def _sqlite(otherwise: str, file: Path) -> Path:
    url = sa.make_url(_settings().database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise Mistake(f"PostgreSQL 请用它自己的工具：{otherwise.format(file=file)}")
    return Path(url.database)


def _copy(source: Path, target: Path) -> None:
    """SQLite's own copying, which may run while the service does."""
    old, new = sqlite3.connect(source), sqlite3.connect(target)
    try:
        old.backup(new)
    except sqlite3.Error as error:
        raise Mistake(f"没有成功：{type(error).__name__}") from None
    finally:
        old.close()
        new.close()


# --- rules ----------------------------------------------------------------------------------------------


def _profile(name: str) -> tuple[Profile, str]:
    """A profile by the name of a shipped one, or by its file."""
    path = Path(name)
    return read(path) if path.suffix == ".toml" else shipped(name)


def due(args: Args) -> None:
    """When a limit ends, day by day (WD-1 to WD-18)."""
    rules, _ = _profile(args.profile)
    limit = next((x for x in rules.limits if x.key == args.limit), None)
    if limit is None:
        raise Mistake(f"{rules.name} 没有时限 {args.limit}，有：{'、'.join(x.key for x in rules.limits)}")
    try:
        instant = datetime.fromisoformat(args.instant)
    except ValueError:
        raise Mistake("时间写成 2022-04-11T10:00，不写时区就是北京时间") from None
    instant = instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)
    calendar, hours = Calendar.load(), None
    if rules.day_end == "closing" and "BANCHENG_HALL" in os.environ:
        hours = OfficeHours.read(setup.read_hall(Path(os.environ["BANCHENG_HALL"])).hours)
    end = calendar.due(instant, limit.due_wd, hours)
    days = calendar.explain(instant.astimezone(SHANGHAI).date(), limit.due_wd)
    lines = [f"{limit.title}：{limit.due_wd} 个工作日，从 {limit.anchor} 起算（{limit.clause}）"]
    for one in days:
        counted = f"第 {one.nth} 个工作日" if one.nth else ("起算日，不计" if one is days[0] else "不计")
        lines.append(f"{one.day}  {DAYS[one.kind]}  {counted}{'（暂定）' if one.provisional else ''}")
    closing = f"，下班时 {_local(end.moment)}" if hours else ""
    lines.append(f"到期：{end.day}{closing}{'（暂定：那一年的放假通知还没有）' if end.provisional else ''}")
    data = {"due": end.day, "moment": end.moment, "provisional": end.provisional, "clause": limit.clause}
    _say(args, data, lines)


def policy_list(args: Args) -> None:
    from core.policy.load import SHIPPED

    found = [shipped(path.stem)[0] for path in sorted(SHIPPED.glob("*.toml")) if path.stem.count(".") == 0]
    rows = [{"name": p.name, "version": p.version, "title": p.title} for p in found]
    _say(args, rows, [f"{r['name']}  {r['version']}  {r['title']}" for r in rows])


def policy_show(args: Args) -> None:
    rules, _ = _profile(args.name)
    lines = [
        rules.title,
        f"{rules.instrument.issuer}  {rules.instrument.number}  版本 {rules.version}",
        "",
        "时限",
    ]
    lines += [f"  {x.title}：{x.due_wd} 个工作日（{x.clause}）" for x in rules.limits]
    lines += ["", "要做的事"] + [
        f"  {x.title}（{x.clause}）{'，推定' if x.inferred else ''}" for x in rules.duties
    ]
    lines += ["", "取舍"] + [f"  {x.id} {x.point}：{x.chosen}" for x in rules.decisions]
    _say(args, rules.model_dump(mode="json"), lines)


def policy_verify(args: Args) -> int:
    wrong = 0
    for name in args.names:
        try:
            rules, _ = _profile(name)
        except ProfileError as error:
            wrong += 1
            print(error, file=sys.stderr)
        else:
            print(f"{rules.name} {rules.version}：读得通，{len(rules.clauses)} 条条款都找得到")
    return FAILED if wrong else 0


def policy_publish(args: Args) -> None:
    from workers.build import machine_clock

    _, text = _profile(args.name)
    with store.transaction(_engine()) as conn:
        rules = publish(conn, text, args.name, machine_clock())
    print(f"已发布 {rules.name} {rules.version}。重启各进程后，新收的件按它办；在办的件不变")


def policy_clauses(args: Args) -> None:
    rules, _ = _profile(args.name)
    data = {key: clause.model_dump() for key, clause in rules.clauses.items()}
    _say(args, data, [f"{key}  {clause.place}  {clause.title}" for key, clause in rules.clauses.items()])


# --- cases ----------------------------------------------------------------------------------------------


def case_list(args: Args) -> None:
    c = store.case.c
    query = sa.select(c.number, c.stage, c.subject, c.opened_at, c.overdue_at).where(c.number.is_not(None))
    if not args.all:
        query = query.where(c.stage.not_in(("ARCHIVED", "WITHDRAWN", "GUIDED")))
    with store.transaction(_engine()) as conn:
        rows = [dict(r._mapping) for r in conn.execute(query.order_by(c.id.desc()).limit(args.limit))]
    lines = [
        f"{r['number']}  {r['stage']}  {_local(r['opened_at'])}  {'逾期  ' if r['overdue_at'] else ''}{r['subject']}"
        for r in rows
    ]
    _say(args, rows, lines)


def case_show(args: Args) -> None:
    """What the record says of a case: nothing personal."""
    with store.transaction(_engine()) as conn:
        found = cases.find(conn, number=args.number.upper())
        open_duties = duties.of_case(conn, found.id)
        events = cases.events(conn, found.id)
        names = people.names(conn, (e.actor_id for e in events))
        unit = people.unit(conn, found.unit_id).name if found.unit_id else ""
    lines = [f"{found.number}  {found.stage}  第 {found.round} 轮  {unit}  {found.subject}"]
    lines += [f"  待办 {d.key}（{d.clause}） {_local(d.due_at)}" for d in open_duties]
    lines += [f"  {e.seq:3} {_local(e.at)} {e.act} {names.get(e.actor_id or 0, '')} {e.via}" for e in events]
    data = {"case": {"number": found.number, "stage": found.stage, "round": found.round, "unit": unit}}
    _say(args, {**data, "duties": open_duties, "events": events}, lines)


def who_saw(args: Args) -> None:
    v, p = store.view_log.c, store.person.c
    with store.transaction(_engine()) as conn:
        found = cases.find(conn, number=args.number.upper())
        rows = conn.execute(
            sa.select(v.at, p.name, p.kind, v.what, v.reason)
            .join(store.person, p.id == v.person_id)
            .where(v.case_id == found.id)
            .order_by(v.id)
        ).all()
    data = [dict(r._mapping) for r in rows]
    _say(args, data, [f"{_local(r.at)}  {r.name or '申请人'}  {r.what}  {r.reason}" for r in rows])


def audit_verify(args: Args) -> int:
    """Verify the event chain of every case, and that everything open moves."""
    from workers.build import build

    service = build(_settings())
    found: list[audits.Finding] = []
    after = 0
    while True:
        with store.transaction(service.office.engine) as conn:
            broken, after = audits.chains(conn, service.office.vault, after=after, limit=200)
        found += broken
        if not after:
            break
    with store.transaction(service.office.engine) as conn:
        found += audits.waiting(conn, service.now(), service.machine())
    lines = [f"{f.what}  case={f.case_id}  row={f.row_id}" for f in found] or ["记录完整，没有停住的事。"]
    _say(args, found, lines)
    return FAILED if found else 0


# --- in and out -----------------------------------------------------------------------------------------


def inbox_replay(args: Args) -> int:
    from bot.inbound import replay
    from workers.build import build

    done, failing = replay(build(_settings()))
    _say(args, {"done": done, "failing": failing}, [f"补做 {done} 条，仍失败 {failing} 条"])
    return FAILED if failing else 0


def outbox_list(args: Args) -> None:
    with store.transaction(_engine()) as conn:
        found = outbox.listed(conn, states=args.state or ("due", "dead"))
    data = [_public(m) for m in found]
    _say(
        args, data, [f"{m.id}  {m.state}  {m.notice}  {_local(m.not_before)}  {m.error or ''}" for m in found]
    )


def outbox_retry(args: Args) -> None:
    with store.transaction(_engine()) as conn:
        if not outbox.revive(conn, args.id):
            raise Mistake(f"{args.id} 不是停住的消息")
    print(f"{args.id} 已放回，下一轮再送")


def outbox_explain(args: Args) -> None:
    with store.transaction(_engine()) as conn:
        message = next((m for m in outbox.listed(conn) if m.id == args.id), None)
        if message is None:
            raise Mistake(f"没有消息 {args.id}")
        ways = people.addresses(conn, message.person_id) if message.person_id else ()
    data = {**_public(message), "addresses": [{"channel": w.channel, "following": w.following} for w in ways]}
    _say(
        args, data, [f"{name}: {_plain(value) if value is not None else ''}" for name, value in data.items()]
    )


def _public(message: outbox.Message) -> dict[str, Any]:
    hidden = ("words_enc", "lease_token")
    return {k: v for k, v in dataclasses.asdict(message).items() if k not in hidden}


def export_ledger(args: Args) -> None:
    """A day of the ledger as a page; whoever exports it is named, and the look is logged."""
    from bot.papers import page
    from core import papers
    from workers.build import build

    service = build(_settings())
    with store.transaction(service.office.engine) as conn:
        key = sa.select(store.person.c.id).where(store.person.c.key == args.by, store.person.c.active)
        person_id = conn.execute(key).scalar()
        if person_id is None:
            raise Mistake(f"大厅文件里没有 {args.by}")
        viewer = people.get(conn, person_id)
        sheet = papers.ledger(service.office, conn, viewer, args.day, service.now())
    args.file.write_text(page.ledger_html(sheet), "utf-8")
    print(f"{args.day} 的台账：{args.file}")


# --- the words of the command line ----------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bancheng", description="办成：“办不成事”反映窗口")
    tops = parser.add_subparsers(required=True, metavar="COMMAND")
    groups: dict[str, Any] = {"": tops}

    def add(
        name: str, run: Callable[[Args], int | None], help: str, /, **arguments: Mapping[str, Any]
    ) -> None:
        group, _, last = name.rpartition(" ")
        if group not in groups:
            groups[group] = tops.add_parser(group, help=GROUPS[group]).add_subparsers(
                required=True, metavar="COMMAND"
            )
        one = groups[group].add_parser(last, help=help, description=help)
        one.add_argument("--json", action="store_true", help="给机器读")
        for argument, options in arguments.items():
            flag = argument.startswith("__")
            one.add_argument(
                argument.replace("__", "--", 1).replace("_", "-") if flag else argument, **options
            )
        one.set_defaults(run=run, speaks=name in ("serve", "worker", "clock", "demo"))

    number, integer = {"metavar": "NUMBER"}, {"type": int, "metavar": "ID"}
    file, profile = {"type": Path, "metavar": "FILE"}, {"metavar": "NAME|FILE"}
    add(
        *("serve", serve, "网页与平台回调"),
        __host={"default": "127.0.0.1"},
        __port={"type": int, "default": 8000},
        __workers={"type": int, "default": 2},
        __threads={"type": int, "default": 8},
    )
    add("worker", worker, "送消息、取附件（听 Redis）")
    add("clock", clock, "到点该做的事；没有 Redis 时也做 worker 的事")
    add(
        *("demo", demo, "一条命令看演示"),
        __profile={"default": "xiangjiang"},
        __channel={"default": "wecom", "choices": ["wecom"]},
        __port={"type": int, "default": 8080},
        __tour_only={"action": "store_true"},
    )
    add("doctor", doctor, "自查：少什么、怎么补")
    add("db upgrade", db_upgrade, "把数据库结构升到最新")
    add("db backup", db_backup, "备份（SQLite）", file=file)
    add("db restore", db_restore, "从备份恢复（SQLite）", file=file, __yes={"action": "store_true"})
    add(
        "due",
        due,
        "逐日算一个时限",
        profile=profile,
        limit={"metavar": "LIMIT"},
        instant={"metavar": "INSTANT"},
    )
    add("policy list", policy_list, "随程序来的规则")
    add("policy show", policy_show, "一份规则说了什么", name=profile)
    add("policy verify", policy_verify, "规则文件读不读得通", names={**profile, "nargs": "+"})
    add("policy publish", policy_publish, "发布一份规则的新版本", name=profile)
    add("policy clauses", policy_clauses, "一份规则的条款", name=profile)
    add(
        *("case list", case_list, "件的清单"),
        __all={"action": "store_true", "help": "连同已归档、撤回、指路的"},
        __limit={"type": int, "default": 50},
    )
    add("case show", case_show, "一件的经过（不含个人信息）", number=number)
    add("who-saw", who_saw, "谁看过这一件", number=number)
    add("audit verify", audit_verify, "核对事件链，找停住的事")
    add("inbox replay", inbox_replay, "补做没处理成的来信")
    add("outbox list", outbox_list, "在等、停住的消息", __state={"action": "append"})
    add("outbox retry", outbox_retry, "把停住的消息放回去", id=integer)
    add("outbox explain", outbox_explain, "一条消息怎么了", id=integer)
    add(
        *(
            "export ledger",
            export_ledger,
            "一天的台账（网页，可打印）",
        ),
        __day={"type": date.fromisoformat, "required": True, "metavar": "YYYY-MM-DD"},
        __by={"required": True, "metavar": "KEY", "help": "谁来看（大厅文件里的 key），会留下记录"},
        file=file,
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
