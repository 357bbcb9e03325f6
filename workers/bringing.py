"""Other systems: records brought in as a table, and what they are still to get as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from bot.papers import csv_file, xlsx
from bot.service import Service
from core import external, imports, store
from core.people import Person
from core.policy.model import Import
from core.refusals import Incomplete, Refusal
from workers import console, tables
from workers.console import FAILED, Args, Mistake, say


@dataclass(frozen=True)
class BadRow:
    """A row that was not taken in."""

    line: int
    number: str
    why: str


def cases(args: Args) -> int:
    """Take in the records of a table, one transaction a row: what is good stays, whatever is wrong with the next."""
    from workers.build import build

    service = build(console.settings())
    try:
        table = imports.find(service.office.profile, args.table)
    except KeyError as known:
        raise Mistake(f"规则里没有 {args.table} 这种导入。有：{known.args[0] or '（没有）'}") from None
    with store.transaction(service.office.engine) as conn:
        by = console.person(conn, args.by)
    taken, known_before, bad = 0, 0, list[BadRow]()
    try:
        for line, row in tables.read(args.file):
            if table.number not in row:
                heads = "、".join((table.number, *table.columns.values()))
                raise Mistake(f"{args.file} 第一行没有“{table.number}”。栏目写：{heads}")
            why = _take(service, table, row, by)
            taken, known_before = taken + (why == ""), known_before + (why is None)
            bad += [BadRow(line, row[table.number], why)] if why else []
    except OSError as error:
        raise Mistake(f"{args.file} 打不开（{type(error).__name__}）") from None
    except tables.BadTable as error:
        raise Mistake(f"{args.file} {error}") from None
    service.ring("deliver")
    lines = [f"{table.title}：登记 {taken} 件，以前导入过的 {known_before} 条，没有导入的 {len(bad)} 行。"]
    lines += [f"  第 {row.line} 行（{row.number or '没有编号'}）：{row.why}" for row in bad]
    lines += ["改好以后把整份再导一次就行，导过的不会重复。"] if bad else []
    say(args, {"taken": taken, "known": known_before, "bad": [asdict(row) for row in bad]}, lines)
    return FAILED if bad else 0


def _take(service: Service, table: Import, row: Mapping[str, str], by: Person) -> str | None:
    """Nothing said if the row is a matter now, None if it was one before, else why it cannot be."""
    office, words = service.office, service.words
    try:
        with store.transaction(office.engine) as conn:
            case = imports.take_in(office, conn, table, row, by, service.now())
    except Incomplete as gaps:
        asked = office.profile.acts["register"].fields
        heads = {field.id: field.label for field in asked} | {**table.columns, "number": table.number}
        return "".join(words.problem(code, heads.get(name, name)) for name, code in gaps.problems.items())
    except Refusal as refusal:
        return words.refusal(refusal, office.profile, by.id)
    return None if case is None else ""


def export(args: Args) -> None:
    """What one outside system is still to get, as a file; whoever exports it is named, and each look is logged."""
    from workers.build import build

    service = build(console.settings())
    office = service.office
    known = {system.code for system in external.systems(office.profile)}
    if args.system not in known:
        raise Mistake(f"规则里没有系统 {args.system}。有：{'、'.join(sorted(known)) or '（没有）'}")
    with store.transaction(office.engine) as conn:
        viewer = console.person(conn, args.by)
        sheet = external.export(office, conn, viewer, args.system, service.now())
        with console.own_file(args.file) as file:
            render = csv_file.render if args.file.suffix.lower() == ".csv" else xlsx.render
            count = render(sheet, file)
    say(args, {"system": args.system, "rows": count}, [f"{sheet.title} {count} 件：{args.file}"])
