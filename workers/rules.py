"""`bancheng policy …` and `bancheng due`: reading, checking and publishing the rules of a region."""

from __future__ import annotations

import dataclasses
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.papers import rule
from bot.words import FOLDER, Words
from core import due as dues
from core import duties, setup, store
from core.policy import load
from core.policy import verify as proofs
from core.policy.diff import compare
from core.policy.load import ProfileError, pinned, read, shipped, shipped_names
from core.policy.load import publish as keep
from core.policy.model import Profile, Span
from core.policy.outline import Speech
from core.policy.schema import text as told_schema
from core.policy.verify import CLAIMS, UNSERVED, Proof
from core.workdays import SHANGHAI, Calendar, DayKind, DayLine, OfficeHours, corresponding_day, local_day
from workers import console, draft, wizard
from workers.console import FAILED, Args, Mistake, local, say

DAYS: Final = {
    DayKind.WORKDAY: "工作日",
    DayKind.MAKE_UP: "调休上班",
    DayKind.WEEKEND: "周末",
    DayKind.HOLIDAY: "放假",
}


def _profile(name: str) -> tuple[Profile, str]:
    """A profile by the name of a shipped one, or by its file."""
    path = Path(name)
    return read(path) if path.suffix == ".toml" else shipped(name)


def _version(name: str) -> Profile:
    """A profile by its name, its file, or as NAME@VERSION a published one."""
    known, _, version = name.partition("@")
    if not version or name.endswith(".toml"):
        return _profile(name)[0]
    with store.transaction(console.engine()) as conn:
        return pinned(conn, known, version)


def due(args: Args) -> None:
    """When a limit or a duty ends, day by day (WD-1 to WD-18)."""
    rules, _ = _profile(args.profile)
    title, span, anchor, clause = _length(rules, args.limit)
    try:
        instant = datetime.fromisoformat(args.instant)
    except ValueError:
        raise Mistake("时间写成 2022-04-11T10:00，不写时区就是北京时间") from None
    instant = instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)
    calendar, hours = Calendar.load(), None
    if "BANCHENG_HALL" in os.environ:
        hours = OfficeHours.read(setup.read_hall(Path(os.environ["BANCHENG_HALL"])).hours)
    if span.office_minutes and hours is None:
        raise Mistake("这个时限按办公时间计，请先设 BANCHENG_HALL")
    closing = hours if rules.day_end == "closing" else None
    moment, provisional = dues.end(calendar, hours, closing, span, instant)
    day = (moment.astimezone(SHANGHAI) - duties.TICK).date()  # midnight ends the day before
    start = local_day(instant)
    lines = [f"{title}：{dues.words(span)}，从{anchor}起算（{clause}）"]
    if span.working_days is not None:
        # Whatever opens after closing time on its own day ends with the next working day.
        counted = span.working_days or (1 if day > calendar.due_day(start, 0).day else 0)
        lines += _working_days(calendar.explain(start, counted))
    elif span.cd is not None or span.months is not None:
        last = (
            start + timedelta(span.cd) if span.cd is not None else corresponding_day(start, span.months or 0)
        )
        lines += [f"{start}  起算日，不计", f"{last}  {'最后一天' if span.cd is not None else '对应日'}"]
        lines += _moved(calendar, last, day)
    elif span.office_minutes is not None and hours is not None:
        lines += _sessions(calendar, hours, instant, moment)
    exact = span.hours is not None or span.office_minutes is not None
    at = f"，{local(moment)}" if exact else f"，下班时 {local(moment)}" if closing else ""
    lines.append(f"到期：{day}{at}{'（暂定：那一年的放假通知还没有）' if provisional else ''}")
    say(args, {"due": day, "moment": moment, "provisional": provisional, "clause": clause}, lines)


def _length(rules: Profile, name: str) -> tuple[str, Span, str, str]:
    """Title, length, anchor and clause of a limit, else of a duty with a length of its own; by key or title."""
    known = {
        x.key: (x.title, x.due, x.anchor, x.clause)
        for x in rules.duties
        if x.due and not x.due.matter and not x.due.limit
    } | {x.key: (x.title, x.due, x.anchor, x.clause) for x in rules.limits}
    known |= {
        x.key: (x.title, rules.limit(x.due.limit).due, x.anchor or rules.limit(x.due.limit).anchor, x.clause)
        for x in rules.duties
        if x.due and x.due.limit and x.key not in known
    }
    found = known.get(name) or next((told for told in known.values() if told[0] == name), None)
    if found is None:
        listed = "、".join(f"{key}（{told[0]}）" for key, told in known.items())
        raise Mistake(f"{rules.name} 没有时限 {name}，有：{listed}")
    title, span, anchor, clause = found
    return title, span, Speech(rules, {}, (rules,)).moment(anchor) if anchor else "有了这件事", clause


def _working_days(days: Sequence[DayLine]) -> Iterator[str]:
    for one in days:
        counted = f"第 {one.nth} 个工作日" if one.nth else ("起算日，不计" if one is days[0] else "不计")
        if len(days) == 1:
            counted = "当天"
        yield f"{one.day}  {DAYS[one.kind]}  {counted}{'（暂定）' if one.provisional else ''}"


def _moved(calendar: Calendar, last: date, day: date) -> Iterator[str]:
    """A last day that is a day of rest moves on to the next working day (WD-5)."""
    while last < day:
        yield f"{last}  {DAYS[calendar.kind(last)]}  顺延"
        last += timedelta(1)
    yield f"{day}  {DAYS[calendar.kind(day)]}"


def _sessions(calendar: Calendar, hours: OfficeHours, start: datetime, end: datetime) -> Iterator[str]:
    day = local_day(start)
    while day <= local_day(end):
        spans = calendar.sessions(day, hours)
        parts = [(max(x.opens, start), min(x.closes, end)) for x in spans]
        told = [
            f"{a.astimezone(SHANGHAI):%H:%M}—{b.astimezone(SHANGHAI):%H:%M} {int((b - a).total_seconds() // 60)} 分钟"
            for a, b in parts
            if a < b
        ]
        yield f"{day}  {DAYS[calendar.kind(day)]}  {'，'.join(told) or '不计'}"
        day += timedelta(1)


def listed(args: Args) -> None:
    found = [shipped(name)[0] for name in shipped_names()]
    rows = [{"name": p.name, "version": p.version, "title": p.title} for p in found]
    say(args, rows, [f"{r['name']}  {r['version']}  {r['title']}" for r in rows])


def show(args: Args) -> None:
    """The whole rule: at the terminal, as data, or as a page in a file."""
    rules = _version(args.name)
    if args.html:
        args.html.write_text(rule.html(rules, Words()), "utf-8")
        print(f"已写好 {args.html}，用浏览器打开，可以打印")
    else:
        say(args, rules.model_dump(mode="json"), [rule.text(rules)])


def diff(args: Args) -> None:
    """What the second profile says otherwise than the first, in a clerk's words."""
    found = compare(_version(args.old), _version(args.new), rule.headings())
    lines: list[str] = []
    for group, changes in itertools.groupby(found, key=lambda change: change.group):
        lines += ["", f"【{group}】", *(f"  {change.text}" for change in changes)]
    say(args, found, lines[1:] or ["两份说的一样。"])


def new(args: Args) -> None:
    """Ask what a regulation says, write the draft of its profile."""
    try:
        name, text = draft.draft(wizard.from_file(args.answers) if args.answers else wizard.from_terminal)
    except wizard.WizardError as error:
        raise Mistake(str(error)) from None
    except EOFError:
        raise Mistake("没有答完，什么也没有写") from None
    path = args.folder / f"{name}.toml"
    if path.exists():
        raise Mistake(f"{path} 已经有了，不覆盖")
    path.write_text(text, "utf-8")
    waiting = load.gaps(load.with_parents(text, path.name), path.name)
    lines = [
        f"已写好 {path}。文件开头写着接着做什么：{len(waiting)} 处依据和各个 {draft.GAP} 要填条款编号。",
        f"填一处，运行一次：bancheng policy verify {path}",
    ]
    say(args, {"file": path, "gaps": waiting}, lines)


def schema(args: Args) -> None:
    """What a profile may say, for editors that complete and check while one types."""
    print(told_schema())


def verify(args: Args) -> int:
    """Prove profiles; without names all that come with the product."""
    texts = {path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.txt")}
    told: list[dict[str, object]] = []
    failed = False
    for name in args.names or shipped_names():
        started = time.perf_counter()
        try:
            proof = proofs.verify(_profile(name)[0], texts)
        except ProfileError as error:
            failed = True
            told.append({"name": name, "error": str(error)})
            if not args.json:
                print(error, file=sys.stderr)
            continue
        seconds = round(time.perf_counter() - started, 2)
        failed |= not proof.holds
        told.append({**dataclasses.asdict(proof), "holds": proof.holds, "seconds": seconds})
        if not args.json:
            print(*_proof(proof, seconds), sep="\n")
    if args.json:
        say(args, told, ())
    return FAILED if failed else 0


def _proof(proof: Proof, seconds: float) -> Iterator[str]:
    n = proof.counts
    yield f"{proof.name} {proof.version}：{'成立' if proof.holds else '不成立'}（{seconds:.2f} 秒）"
    yield (
        f"  走遍 {n['states']} 种状态、{n['transitions']} 步；动作 {n['acts']}、该做的事 {n['duties']}、"
        f"通知 {n['notices']}、时限 {n['limits']}（{n['matters']} 种研判）、条款 {n['served']}/{n['clauses']} 有着落"
    )
    against = Counter(finding.kind for finding in proof.findings)
    for kind, claim in CLAIMS.items():
        yield f"  {'✗' if against[kind] and kind != UNSERVED else '·' if against[kind] else '✓'} {claim}"
        yield from (f"      {finding.story}" for finding in proof.findings if finding.kind == kind)


def publish(args: Args) -> None:
    from workers.build import machine_clock

    _, text = _profile(args.name)
    with store.transaction(console.engine()) as conn:
        rules = keep(conn, text, args.name, machine_clock())
    print(f"已发布 {rules.name} {rules.version}。重启各进程后，新收的件按它办；在办的件不变")


def clauses(args: Args) -> None:
    rules, _ = _profile(args.name)
    data = {key: clause.model_dump() for key, clause in rules.clauses.items()}
    say(args, data, [f"{key}  {clause.place}  {clause.title}" for key, clause in rules.clauses.items()])
