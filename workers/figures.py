"""The commands about reports: their figures for any period and instant, and figures of other systems brought in."""

from __future__ import annotations

import csv
import io
import sys
from datetime import date, datetime

from bot.papers import report as drawn
from core import people, reports, store
from core.figures import Cell, Period, Table
from core.office import Office
from core.policy.model import Report
from core.workdays import SHANGHAI, local_day
from workers import console
from workers.console import Args, Mistake, local, say

DRAWN = ("xlsx", "pdf", "html")


def report(args: Args) -> None:
    """The figures of a report, for its last period or any days, as of now or any instant; `list`: which there are."""
    from workers.build import build

    service = build(console.settings())
    office, now = service.office, service.now()
    if args.name == "list":
        _list(args, office, now)
        return
    found = next((r for r in office.profile.reports if r.key == args.name), None)
    if found is None:
        raise Mistake(f"没有报告 {args.name}。有：{'、'.join(r.key for r in office.profile.reports)}")
    with store.transaction(office.engine) as conn:
        period = _period(args, office, found, now)
        part = 0
        if args.unit:
            part = next((u.id for u in people.units(conn) if args.unit in (u.key, u.name)), 0)
            if not part:
                raise Mistake(f"大厅文件里没有单位 {args.unit}")
        tables = reports.computed(office, conn, office.profile, args.name, period, part)
    if args.format in DRAWN:
        _write(args, service.office, found, period, tables)
    data = {"report": found.key, "first": period.first, "last": period.last, "as_of": period.as_of}
    lines = [f"{found.title}　{drawn.span(period.first, period.last)}　统计截至 {local(period.as_of)}"]
    for table in tables:
        lines += ["", f"【{table.title}】", "  ".join(table.heads)]
        lines += ["  ".join(str(cell.value) for cell in row) for row in table.rows] or ["没有"]
    if args.format == "json":
        args.json = True
    if args.format not in DRAWN:
        say(args, {**data, "sections": [_plain(table) for table in tables]}, lines)


def _list(args: Args, office: Office, now: datetime) -> None:
    with store.transaction(office.engine) as conn:
        owed = {r.key: len(reports.missing(conn, r.key, now)) for r in office.profile.reports}
    data = [
        {"key": r.key, "title": r.title, "cycle": r.cycle, "clause": r.clause, "missing": owed[r.key]}
        for r in office.profile.reports
    ]
    lines = [
        f"{r.key:14}{r.title}（{CYCLES[r.cycle]}，{r.clause}）"
        + (f"  没有报 {owed[r.key]} 份" if owed[r.key] else "")
        for r in office.profile.reports
    ]
    say(args, data, lines)


CYCLES = {
    "demand": "随时可算",
    "daily": "每个工作日",
    "weekly": "每周",
    "monthly": "每月",
    "bimonthly": "每两月",
    "quarterly": "每季",
    "yearly": "每年",
}


def _period(args: Args, office: Office, found: Report, now: datetime) -> Period:
    as_of = args.as_of or now
    as_of = as_of if as_of.tzinfo else as_of.replace(tzinfo=SHANGHAI)
    if args.first:
        last = args.last or local_day(as_of)
        if last < args.first:
            raise Mistake("--to 早于 --from")
        return Period(args.first, last, as_of)
    turn = reports.last_turn(office, found, as_of)
    if turn is None:
        today = local_day(as_of)
        return Period(date(today.year, 1, 1), today, as_of)
    return Period(turn.first, turn.last, as_of)


def _write(args: Args, office: Office, found: Report, period: Period, tables: tuple[Table, ...]) -> None:
    from bot.papers import pdf, xlsx
    from bot.papers.fonts import NoFont
    from bot.papers.page import report_html

    sheets = drawn.sheets(office.profile, found, period, tables)
    file = io.BytesIO()
    if args.format == "xlsx":
        xlsx.render_all(sheets, file)
    elif args.format == "pdf":
        try:
            file.write(pdf.ledgers(sheets))
        except NoFont as lack:
            raise Mistake(str(lack)) from None
    else:
        file.write(report_html(sheets).encode())
    if args.out:
        args.out.write_bytes(file.getvalue())
        print(f"{found.title} {drawn.span(period.first, period.last)}：{args.out}")
    else:
        sys.stdout.buffer.write(file.getvalue())


def _plain(table: Table) -> dict[str, object]:
    return {
        "key": table.key,
        "title": table.title,
        "heads": table.heads,
        "rows": [[_cell(cell) for cell in row] for row in table.rows],
    }


def _cell(cell: Cell) -> object:
    return cell.value


def bring_in(args: Args) -> None:
    """A table of another system: unit, how many, how many satisfied, one line a unit, as CSV."""
    from workers.build import build

    service = build(console.settings())
    try:
        with args.file.open(encoding="utf-8-sig", newline="") as file:
            lines = [
                (row[0].strip(), int(row[1]), int(row[2]))
                for row in csv.reader(file)
                if row and row[1].strip().isdigit()
            ]
        with store.transaction(service.office.engine) as conn:
            count = reports.bring_in(conn, args.source, args.first, args.last, lines, service.now())
    except (ValueError, IndexError, OSError) as error:
        raise Mistake(f"没有导入：{error}。每行写：单位,件数,满意件数") from None
    print(f"导入 {args.source} {count} 个单位")
