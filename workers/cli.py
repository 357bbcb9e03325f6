"""`bancheng`: the command line. What scripts rely on is listed in the operator's guide; `--json` is for machines."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import logging
import os
import shutil
import sqlite3
import subprocess
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
from core import duties, outbox, people, schema, store
from core.policy.load import ProfileError
from core.privacy import BadKeys, CannotOpen, Vault, make_key
from core.refusals import Refusal
from core.settings import SettingsError, from_env
from core.setup import HallError
from core.workdays import CalendarError
from workers import bringing, console, figures, rosters, rules
from workers.console import FAILED, WRONG, Args, Mistake, local, plain, say

GROUPS: Final = {
    "db": "数据库：升级、备份、恢复、清除到期的",
    "keys": "加密密钥",
    "calendar": "工作日历",
    "policy": "规则",
    "case": "件",
    "audit": "核对",
    "inbox": "来信",
    "outbox": "发出的消息",
    "export": "导出",
    "import": "导入",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 1 if it failed, or 2 if it was asked for or set up wrongly."""
    args = _parser().parse_args(argv)
    logging.basicConfig(
        level=os.environ.get("BANCHENG_LOG_LEVEL", "INFO") if args.speaks else "WARNING",
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        return int(args.run(args) or 0)
    except (SettingsError, HallError, ProfileError, BadKeys, CannotOpen, CalendarError) as error:
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


# --- the three processes --------------------------------------------------------------------------------


def serve(args: Args) -> None:
    """The web process: gunicorn with threads. Each worker builds its own service after the fork."""
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

    from bot.app import create_app
    from workers.build import lasting

    settings = console.settings()

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
            return create_app(lasting(settings))

    Server().run()


def worker(args: Args) -> None:
    from workers.main import work

    settings = console.settings()
    if not settings.redis_url:
        raise Mistake("没有设置 BANCHENG_REDIS_URL：不需要 worker，运行 bancheng clock 就够了")
    work(settings)


def clock(args: Args) -> None:
    from core.desk import recount
    from workers import sweeper
    from workers.arrange import arrange
    from workers.bell import Bell
    from workers.build import lasting

    settings = console.settings()
    service = lasting(settings)
    if settled := recount.everything(service.office, service.now()):
        logging.getLogger(__name__).info("%d provisional dates settled by the calendar", settled)
    arrange(service)
    sweeper.loop(service, time.sleep, Bell(settings.redis_url, service.machine).ring)


def demo(args: Args) -> int:
    from workers import demo as demonstration

    return demonstration.main(args)


# --- the installation -----------------------------------------------------------------------------------


def init(args: Args) -> None:
    """Ask, write the settings and the hall file, look whether it would run."""
    from workers import wizard
    from workers.build import machine_clock
    from workers.doctor import checks

    folder = args.folder.resolve()
    try:
        made = wizard.plan(wizard.from_file(args.answers) if args.answers else wizard.from_terminal, folder)
        made.write()
    except wizard.WizardError as error:
        raise Mistake(str(error)) from None
    except EOFError:
        raise Mistake("没有答完，什么也没有写") from None
    wrong = [c for c in checks(from_env(made.environment), machine_clock()) if not c.ok]
    lines = [
        f"已写好 {made.env_path} 和 {made.hall_path}。密钥在 {made.env_path.name} 里，请另外备份一份。",
        "",
    ]
    lines += ["还要做：", *(f"✗ {c.what}{'：' + c.advice if c.advice else ''}" for c in wrong), ""]
    lines += ["接着：", f"  set -a; . {made.env_path}; set +a", "  bancheng db upgrade"]
    lines += [f"  在 {made.hall_path} 里补人", "  bancheng doctor"]
    say(args, {"settings": made.env_path, "hall": made.hall_path, "open": wrong}, lines)


def doctor(args: Args) -> int:
    from workers.build import machine_clock
    from workers.doctor import checks

    found = list(checks(console.settings(), machine_clock()))
    lines = [f"{'✓' if c.ok else '✗'} {c.what}{'：' + c.advice if c.advice else ''}" for c in found]
    wrong = sum(not c.ok for c in found)
    say(args, found, [*lines, "", "一切就绪。" if not wrong else f"有 {wrong} 处要处理。"])
    return FAILED if wrong else 0


def db_upgrade(args: Args) -> None:
    engine = console.engine()
    schema.upgrade(engine)
    print(f"数据库结构：{schema.current(engine)}")
    engine.dispose()


def db_backup(args: Args) -> None:
    if args.file.exists():
        raise Mistake(f"{args.file} 已经存在，不覆盖")
    url = sa.make_url(console.settings().database_url)
    if url.get_backend_name() == "sqlite":
        _copy(Path(str(url.database)), args.file)
    else:
        _postgres("pg_dump", url, "--format=custom", f"--file={args.file}")
    print(f"已备份到 {args.file}。附件目录和密钥要另外备份：没有密钥，备份打不开")


def db_restore(args: Args) -> None:
    if not args.file.exists():
        raise Mistake(f"没有 {args.file}")
    url = sa.make_url(console.settings().database_url)
    sqlite = url.get_backend_name() == "sqlite"
    if not args.yes and not (sqlite and not Path(str(url.database)).exists()):
        raise Mistake(f"会覆盖 {url.database}。请先停下服务，再加 --yes")
    if sqlite:
        _copy(args.file, Path(str(url.database)))
    else:
        options = ("--clean", "--if-exists", "--single-transaction", "--no-owner")
        _postgres("pg_restore", url, *options, str(args.file))
    print(f"已恢复到 {url.database}。请运行 bancheng db upgrade 和 bancheng audit verify")


def db_retention(args: Args) -> None:
    """Erase what has outlived its period (the hall file's `[retention]`), or with --dry-run only count it."""
    from core import retention
    from workers.build import build

    service = build(console.settings())
    kept = retention.apply(service.office, service.now(), dry_run=args.dry_run)
    verb = "到期、会清除" if args.dry_run else "已清除"
    lines = [
        f"{verb}：",
        f"  {kept.cases} 件里的 {kept.facts} 项个人信息、{kept.files} 个附件（其中没有提交的草稿 {kept.drafts} 件）",
        f"  {kept.addresses} 个群众的平台账号",
        f"  来信 {kept.received} 条，查看记录 {kept.looks} 条",
        f"  认定和提请里写的话 {kept.remarks} 条",
        "单号、时间、结果、评分和经过都保留。",
    ]
    say(args, {"dry_run": args.dry_run, **dataclasses.asdict(kept)}, lines)


def _postgres(tool: str, url: sa.URL, *options: str) -> None:
    """PostgreSQL's own tool. The password goes by the environment: what stands on a command line everybody sees."""
    found = shutil.which(tool)
    if found is None:
        raise Mistake(f"找不到 {tool}。请安装 postgresql-client（版本不低于服务器），再试一次")
    plain = url._replace(drivername="postgresql", password=None).render_as_string()
    env = {**os.environ, "PGPASSWORD": str(url.password)} if url.password else None
    try:
        done = subprocess.run(
            [found, f"--dbname={plain}", *options], env=env, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Mistake(f"{tool} 没有跑起来（{type(error).__name__}）") from None
    if done.returncode:
        raise Mistake(f"{tool} 没有成功：{(done.stderr.strip().splitlines() or ['没有说明'])[-1][:300]}")


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


def keys_new(args: Args) -> None:
    """A new key with the next free name, to be put into BANCHENG_KEYS by hand."""
    ring = os.environ.get("BANCHENG_KEYS", "")
    taken = {entry.partition(":")[0].strip() for entry in ring.split(",")}
    name = next(f"k{n}" for n in itertools.count(1) if f"k{n}" not in taken)
    key = f"{name}:{make_key()}"
    say(args, {"key": key}, [key])


def keys_rotate(args: Args) -> int:
    """Bring everything under the first key of the ring. May be broken off and run again."""
    from core.logins import LOGIN_LIFE
    from core.rekey import rekey

    settings = console.settings()
    vault = Vault.from_setting(settings.keys.get_secret_value(), settings.cipher)
    done = rekey(console.engine(), vault, settings.files)
    lines = [
        f"已改用 {vault.active}：{done.values} 项资料、{done.files} 个文件重新加密，{done.chains} 件的记录重新签名。"
    ]
    if done.broken:
        lines += [
            f"有 {len(done.broken)} 件的记录核对不上，没有动它：旧密钥要留着，请运行 bancheng audit verify。"
        ]
    else:
        hours = int(LOGIN_LIFE.total_seconds() // 3600)
        lines += [
            f"{hours} 小时后（没交完的表单那时也过期了）可以从 BANCHENG_KEYS 去掉别的密钥，再重启各进程。"
        ]
        lines += ["旧备份还要旧密钥才打得开：备份留多久，旧密钥另存多久。"]
    say(args, done, lines)
    return FAILED if done.broken else 0


def calendar_recount(args: Args) -> None:
    """Count provisional limits again after a year's notice was put in; the clock does it whenever it starts."""
    from core.desk import recount
    from workers.build import build

    service = build(console.settings())
    settled = recount.everything(service.office, service.now())
    with store.transaction(service.office.engine) as conn:
        left = len(recount.waiting(conn))
    lines = [f"重算了 {settled} 条暂定的期限；还有 {left} 件的期限是暂定的（那一年的放假通知还没有）。"]
    say(args, {"settled": settled, "provisional_cases": left}, lines)


# --- cases ----------------------------------------------------------------------------------------------


def case_list(args: Args) -> None:
    c = store.case.c
    query = sa.select(c.number, c.stage, c.subject, c.opened_at, c.overdue_at).where(c.number.is_not(None))
    if not args.all:
        query = query.where(c.stage.not_in(("ARCHIVED", "WITHDRAWN", "GUIDED")))
    with store.transaction(console.engine()) as conn:
        rows = [dict(r._mapping) for r in conn.execute(query.order_by(c.id.desc()).limit(args.limit))]
    lines = [
        f"{r['number']}  {r['stage']}  {local(r['opened_at'])}  {'逾期  ' if r['overdue_at'] else ''}{r['subject']}"
        for r in rows
    ]
    say(args, rows, lines)


def case_show(args: Args) -> None:
    """What the record says of a case: nothing personal."""
    with store.transaction(console.engine()) as conn:
        found = cases.find(conn, number=args.number.upper())
        open_duties = duties.of_case(conn, found.id)
        events = cases.events(conn, found.id)
        names = people.names(conn, (e.actor_id for e in events))
        unit = people.unit(conn, found.unit_id).name if found.unit_id else ""
    lines = [f"{found.number}  {found.stage}  第 {found.round} 轮  {unit}  {found.subject}"]
    lines += [f"  待办 {d.key}（{d.clause}） {local(d.due_at)}" for d in open_duties]
    lines += [f"  {e.seq:3} {local(e.at)} {e.act} {names.get(e.actor_id or 0, '')} {e.via}" for e in events]
    data = {"case": {"number": found.number, "stage": found.stage, "round": found.round, "unit": unit}}
    say(args, {**data, "duties": open_duties, "events": events}, lines)


def who_saw(args: Args) -> None:
    v, p = store.view_log.c, store.person.c
    with store.transaction(console.engine()) as conn:
        found = cases.find(conn, number=args.number.upper())
        rows = conn.execute(
            sa.select(v.at, p.name, p.kind, v.what, v.reason)
            .join(store.person, p.id == v.person_id)
            .where(v.case_id == found.id)
            .order_by(v.id)
        ).all()
    data = [dict(r._mapping) for r in rows]
    say(args, data, [f"{local(r.at)}  {r.name or '申请人'}  {r.what}  {r.reason}" for r in rows])


def audit_verify(args: Args) -> int:
    """Verify the event chain of every case, and that everything open moves."""
    from workers.build import build

    service = build(console.settings())
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
    say(args, found, lines)
    return FAILED if found else 0


# --- in and out -----------------------------------------------------------------------------------------


def inbox_replay(args: Args) -> int:
    from bot.inbound import replay
    from workers.build import build

    done, failing = replay(build(console.settings()))
    say(args, {"done": done, "failing": failing}, [f"补做 {done} 条，仍失败 {failing} 条"])
    return FAILED if failing else 0


def outbox_list(args: Args) -> None:
    with store.transaction(console.engine()) as conn:
        found = outbox.listed(conn, states=args.state or ("due", "dead"))
    data = [_public(m) for m in found]
    say(args, data, [f"{m.id}  {m.state}  {m.notice}  {local(m.not_before)}  {m.error or ''}" for m in found])


def outbox_retry(args: Args) -> None:
    with store.transaction(console.engine()) as conn:
        if not outbox.revive(conn, args.id):
            raise Mistake(f"{args.id} 不是停住的消息")
    print(f"{args.id} 已放回，下一轮再送")


def outbox_explain(args: Args) -> None:
    with store.transaction(console.engine()) as conn:
        message = next((m for m in outbox.listed(conn) if m.id == args.id), None)
        if message is None:
            raise Mistake(f"没有消息 {args.id}")
        ways = people.addresses(conn, message.person_id) if message.person_id else ()
        others = outbox.together(conn, message)
    addresses = [{"channel": w.channel, "following": w.following} for w in ways]
    data = {**_public(message), "together_with": others, "addresses": addresses}
    say(args, data, [f"{name}: {plain(value) if value is not None else ''}" for name, value in data.items()])


def _public(message: outbox.Message) -> dict[str, Any]:
    return {k: v for k, v in dataclasses.asdict(message).items() if k != "lease_token"}


def export_ledger(args: Args) -> None:
    """Some days of the ledger as a file; whoever exports it is named, and each look is logged."""
    from bot.papers import page, pdf, xlsx
    from bot.papers.fonts import NoFont
    from core import papers
    from workers.build import build

    last = args.last or args.first
    service = build(console.settings())
    try:
        with store.transaction(service.office.engine) as conn, console.own_file(args.file) as file:
            viewer = console.person(conn, args.by)
            sheet = papers.listed(service.office, conn, viewer, "", args.first, last, service.now())
            if args.format == "xlsx":
                xlsx.render(sheet, file)
            else:
                sheet = papers.to_print(sheet)
                file.write(pdf.ledger(sheet) if args.format == "pdf" else page.ledger_html(sheet).encode())
    except NoFont as lack:
        raise Mistake(str(lack)) from None
    print(f"{sheet.period} 的台账：{args.file}")


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
    add(
        *("init", init, "安装向导：一问一答，写好设置和大厅文件"),
        __folder={"type": Path, "default": Path("."), "metavar": "DIR", "help": "写到哪里"},
        __answers={"type": Path, "metavar": "FILE", "help": "从文件读答案（TOML）"},
    )
    add("doctor", doctor, "自查：少什么、怎么补")
    add("db upgrade", db_upgrade, "把数据库结构升到最新")
    add("db backup", db_backup, "备份数据库", file=file)
    add("db restore", db_restore, "从备份恢复数据库", file=file, __yes={"action": "store_true"})
    add(
        *("db retention", db_retention, "清除过了保存期限的个人信息"),
        __dry_run={"action": "store_true", "help": "只数一数，不动"},
    )
    add("keys new", keys_new, "做一把新密钥（先加在 BANCHENG_KEYS 最后面，各进程重启后再移到最前面）")
    add("keys rotate", keys_rotate, "把旧密钥加密的都换到第一把密钥下")
    add(
        "due",
        rules.due,
        "逐日算一个时限",
        profile=profile,
        limit={"metavar": "LIMIT"},
        instant={"metavar": "INSTANT"},
    )
    add("calendar recount", calendar_recount, "放入新一年的放假安排后，重算暂定的期限")
    add("policy list", rules.listed, "随程序来的规则")
    version = {"metavar": "NAME|FILE|NAME@VERSION"}
    add(
        *("policy show", rules.show, "一份规则说了什么"),
        name=version,
        __html={"type": Path, "metavar": "FILE", "help": "写成网页，可以打印"},
    )
    add("policy diff", rules.diff, "两份规则（两个版本）有什么不同", old=version, new=version)
    add(
        *("policy new", rules.new, "一问一答，起草一个新地区的规则"),
        __folder={"type": Path, "default": Path("."), "metavar": "DIR", "help": "写到哪里"},
        __answers={"type": Path, "metavar": "FILE", "help": "从文件读答案（TOML）"},
    )
    add("policy schema", rules.schema, "规则文件可以写什么（JSON Schema，给编辑器用）")
    add("policy verify", rules.verify, "证明规则走得通；不写名字就是全部", names={**profile, "nargs": "*"})
    add("policy publish", rules.publish, "发布一份规则的新版本", name=profile)
    add("policy clauses", rules.clauses, "一份规则的条款", name=profile)
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
            "一段时间的台账（Excel、PDF，或可打印的网页）",
        ),
        __from={"type": date.fromisoformat, "required": True, "dest": "first", "metavar": "YYYY-MM-DD"},
        __to={"type": date.fromisoformat, "dest": "last", "metavar": "YYYY-MM-DD", "help": "不写就是一天"},
        __format={"choices": ["xlsx", "pdf", "html"], "default": "xlsx"},
        __by={"required": True, "metavar": "KEY", "help": "谁来看（大厅文件里的 key），会留下记录"},
        file=file,
    )
    add(
        *("export uploads", bringing.export, "还没有上传到一个外部系统的事项（.csv 或 .xlsx）"),
        system={"metavar": "SYSTEM", "help": "规则里的哪个系统（lists.systems）"},
        file=file,
        __by={"required": True, "metavar": "KEY", "help": "谁来看（大厅文件里的 key），会留下记录"},
    )
    days = {"type": date.fromisoformat, "metavar": "YYYY-MM-DD"}
    add(
        *("report", figures.report, "报告的数字（list：有哪些报告）"),
        name={"metavar": "NAME|list"},
        __as_of={"type": datetime.fromisoformat, "metavar": "INSTANT", "help": "按那一刻已有的记录算"},
        __from={**days, "dest": "first"},
        __to={**days, "dest": "last", "help": "不写起止就是最近一期"},
        __unit={"metavar": "KEY", "help": "只算一个单位（中心）"},
        __format={"choices": ["text", "json", "xlsx", "pdf", "html"], "default": "text"},
        __out={"type": Path, "metavar": "FILE", "help": "写到文件，不写就写到屏幕"},
    )
    add(
        *("roster", rosters.roster, "值守表：谁哪天在窗口"),
        name={"metavar": "NAME"},
        __from={**days, "dest": "first"},
        __to={**days, "dest": "last", "help": "不写就是四周"},
        __fill={"action": "store_true", "help": "空着的日子按轮换排上"},
    )
    add(
        *("import cases", bringing.cases, "导入别处转来的记录，一行登记成一件（CSV、Excel）"),
        table={"metavar": "NAME", "help": "规则里的哪一种（[[imports]]）"},
        file=file,
        __by={"required": True, "metavar": "KEY", "help": "由谁登记（大厅文件里的 key）"},
    )
    add(
        *("import figures", figures.bring_in, "导入好差评、12345 的数字（每行：单位,件数,满意件数）"),
        file=file,
        __source={"required": True, "metavar": "好差评|12345"},
        __from={**days, "required": True, "dest": "first"},
        __to={**days, "required": True, "dest": "last"},
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
