"""What the tests of reports share: days that pass with their reports, figures read by their heads, counting by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from bot.papers import report as drawn
from core import outbox, reports, store
from core.figures import Period, Table
from core.outbox import Message
from core.reports import Filed
from core.workdays import SHANGHAI
from tests.regions.drawing import WORDS
from tests.world import World, at

MOMENTS = (time(8, 30), time(9), time(12), time(14), time(17, 31))  # when the clock of reports has work


def days_pass(world: World, until: str) -> None:
    """Push the clock; cases and reports come due on the way."""
    target = at(until)
    day = world.now.astimezone(SHANGHAI).date()
    while day <= target.date():
        for moment in MOMENTS:
            instant = datetime.combine(day, moment, SHANGHAI)
            if world.now < instant <= target:
                world.pass_to(instant.isoformat()[:19])
                tick(world)
        day += timedelta(days=1)
    world.pass_to(until)
    tick(world)


def tick(world: World) -> int:
    with store.transaction(world.office.engine) as conn:
        return reports.tick(world.office, conn, world.now)


def filed(world: World, key: str, unit: str = "") -> list[Filed]:
    """The reports of a kind on record, the oldest first; of one unit or site."""
    with store.transaction(world.office.engine) as conn:
        found = reports.listed(conn, key, limit=1000)
    part = unit_id(world, unit) if unit else None
    return [f for f in reversed(found) if part in (None, f.part)]


def the_report(world: World, key: str, unit: str = "") -> Filed:
    """The newest of a kind."""
    return filed(world, key, unit)[-1]


def sign(world: World, who: str, report: Filed, text: str = "") -> Filed:
    person, said = world.who(who), text or words(world, report)
    with store.transaction(world.office.engine) as conn:
        return reports.sign(world.office, conn, report.ref, person, said, world.now)


def words(world: World, report: Filed) -> str:
    """The draft as the templates put it."""
    definition = world.rules.report(report.key)
    tables = tables_of(world, report)
    return drawn.draft(WORDS, world.rules, definition, report.period(world.now), tables)


def tables_of(world: World, report: Filed) -> tuple[Table, ...]:
    with store.transaction(world.office.engine) as conn:
        definition = reports.definition(world.office, report)
        return reports.tables_of(world.office, conn, definition, report, report.period(world.now))


def computed(
    world: World, key: str, first: str, last: str, as_of: str = "", unit: str = ""
) -> dict[str, Table]:
    """The sections of a report over some days, by their keys; as of now, or of an instant."""
    period = Period(date.fromisoformat(first), date.fromisoformat(last), at(as_of) if as_of else world.now)
    part = unit_id(world, unit) if unit else 0
    with store.transaction(world.office.engine) as conn:
        found = reports.computed(world.office, conn, world.rules, key, period, part)
    return {table.key: table for table in found}


def row(table: Table, *named: str) -> dict[str, int | str]:
    """The row that begins with these words, by its heads."""
    found = next(r for r in table.rows if tuple(str(c.value) for c in r[: len(named)]) == named)
    return {head: cell.value for head, cell in zip(table.heads, found, strict=True)}


def rows(table: Table) -> list[tuple[int | str, ...]]:
    return [tuple(cell.value for cell in r) for r in table.rows]


def pairs(table: Table) -> dict[str, int | str]:
    """A table of two columns, by the words of the first."""
    return {str(label.value): cell.value for label, cell in table.rows}


def notices(world: World, who: str, *names: str) -> list[Message]:
    """What somebody was told about reports."""
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        return [m for m in outbox.listed(conn) if m.person_id == person.id and m.notice in names]


def leaves(message: Message) -> str:
    return message.not_before.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")


def missing(world: World, key: str) -> list[str]:
    """The keys of the units that owe a report."""
    with store.transaction(world.office.engine) as conn:
        parts = [f.part for f in reports.missing(conn, key, world.now)]
        found = conn.execute(sa.select(store.unit.c.key).where(store.unit.c.id.in_(parts)))
        return sorted(found.scalars())


def unit_id(world: World, key: str) -> int:
    with store.transaction(world.office.engine) as conn:
        return int(conn.execute(sa.select(store.unit.c.id).where(store.unit.c.key == key)).scalar_one())


def by_hand(world: World, sql: str, **values: Any) -> Sequence[Any]:
    """Rows of a statement of our own, that knows nothing of the report's code."""
    with store.transaction(world.office.engine) as conn:
        return conn.execute(sa.text(sql), values).all()
