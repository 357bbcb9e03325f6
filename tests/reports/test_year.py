"""A made-up year in each region: every figure of every report is what SQL counts, and says the same ever after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import papers, people, reports, store
from core.figures import Period
from core.policy.model import Report
from core.workdays import SHANGHAI
from tests.reports.counted import Count, Now, differences
from tests.reports.year import BEGINS, Year
from tests.world import World

CASES = 60
LOOKS = (130, 365)  # days after the beginning


@pytest.fixture(params=sorted(BEGINS))
def world(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[World]:
    name = request.param
    made = World.of(name, database_url, tmp_path / "files", start=f"{BEGINS[name]}T08:30")
    hurry(made.office.engine)
    yield made
    made.office.engine.dispose()


@pytest.mark.clause("XJ-3.3a", "LH-14b", "NX-5.2a", "PT-6.6c")
def test_every_figure_of_a_year_is_what_sql_counts_and_stays_so(world: World) -> None:
    year, begins = Year(world, CASES, world.rules.name), world.now
    told = {}
    for days in LOOKS:
        year.live_to(begins + timedelta(days=days))
        with store.transaction(world.office.engine) as conn:
            now = Now(world.office, conn, world.rules)
            for period in periods(world, begins.astimezone(SHANGHAI).date()):
                for report in world.rules.reports:
                    for part in parts(conn, report):
                        tables = reports.computed(world.office, conn, world.rules, report.key, period, part)
                        assert differences(Count(now, report, period, part), tables) == []
                        told[report.key, period, part] = tables
            whole = Count(now, world.rules.reports[0], Period(begins.date(), world.now.date(), world.now))
            the_ledgers_hold(world, conn, whole)
    assert len(told) >= 12 and any(table.rows for tables in told.values() for table in tables)
    with store.transaction(world.office.engine) as conn:
        for (key, period, part), tables in told.items():
            assert reports.computed(world.office, conn, world.rules, key, period, part) == tables


def the_ledgers_hold(world: World, conn: sa.Connection, count: Count) -> None:
    """Each matter received, once, in the ledger of whoever keeps or checks it and has a say in it; and nothing else."""
    received = {count.cases[case_id].number: count.cases[case_id] for case_id in count.ids("received")}
    column = [c.field for c in papers.of(world.rules).ledger.columns].index("case_no")
    found = set()
    for reader in people.staff(conn):
        if papers.may_read_ledger(world.office, conn, reader):
            first, last = count.period.first, count.period.last
            sheet = papers.listed(world.office, conn, reader, "", first, last, world.now)
            numbers = [row[column] for row in sheet.rows]
            mine = sorted(number for number, row in received.items() if may_see(conn, reader.id, row))
            assert sorted(map(str, numbers)) == mine
            found |= set(mine)
    assert found == set(received)


def may_see(conn: sa.Connection, person_id: int, case: sa.Row[tuple[object, ...]]) -> bool:
    """A post of the hall sees all, one of a site or a unit its own."""
    return any(
        post.unit_id in (case.unit_id, case.site_id)
        or (post.role not in people.UNIT_ROLES and post.kind != people.SITE)
        for post in people.roles(conn, person_id)
    )


def periods(world: World, begins: date) -> tuple[Period, ...]:
    """The month that runs, the whole time until yesterday, today."""
    today = world.now.astimezone(SHANGHAI).date()
    month_ends = (today.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return (
        Period(today.replace(day=1), month_ends, world.now),
        Period(begins, today - timedelta(days=1), world.now),
        Period(today, today, world.now),
    )


def parts(conn: sa.Connection, report: Report) -> list[int]:
    """What a report is made for: all, or units or sites, two that have something and one that has nothing."""
    if not report.each:
        return [0]
    place = store.case.c.site_id if report.each == "site" else store.case.c.unit_id
    used = set(conn.execute(sa.select(place).where(place.is_not(None)).distinct()).scalars())
    return [*sorted(used)[:2], *[unit.id for unit in people.units(conn) if unit.id not in used][:1]]


def hurry(engine: sa.Engine) -> None:
    """Nothing of a made-up year has to survive a power cut."""
    careless = {"sqlite": "PRAGMA synchronous=OFF", "postgresql": "SET synchronous_commit TO off"}

    def connected(dbapi: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
        cursor = dbapi.cursor()
        cursor.execute(careless[engine.dialect.name])
        cursor.close()

    engine.dispose()
    sa.event.listen(engine, "connect", connected)
