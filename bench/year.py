"""A made-up year in each region: every figure of every report, month by month, beside what SQL counts in the tables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from bench.measure import Result, Setting, seconds
from core import reports, store
from core.figures import Period
from core.reports import digest_of
from core.workdays import SHANGHAI
from tests.reports.counted import Count, Now, differences
from tests.reports.test_year import hurry, parts, the_ledgers_hold
from tests.reports.year import BEGINS, Year, months
from tests.world import World

CASES = 3000


@dataclass(frozen=True)
class Lived:
    """What came of a year: reports and figures held against SQL, where they differed, and how long it took."""

    region: str
    reports: int
    figures: int
    differences: tuple[str, ...]
    changed: int
    events: int
    seconds: dict[str, float]


def run(setting: Setting) -> Iterator[Result]:
    live = partial(lived, folder=setting.folder, count=60 if setting.quick else CASES)
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for year in processes.map(live, sorted(BEGINS)):
            detail = {
                "events": year.events,
                "reports": year.reports,
                "seconds": {name: round(took) for name, took in year.seconds.items()},
                "differences": year.differences[:20],
            }
            what = f"{year.region}: of {year.figures:,} figures, not as SQL counts"
            yield Result("year", what, len(year.differences), "", 0, True, detail)
            what = f"{year.region}: reports that say something else later"
            yield Result("year", what, year.changed, "", 0, True)


def lived(region: str, folder: Path, count: int) -> Lived:
    """A year of so many matters in the demonstration hall of a region."""
    url = f"sqlite:///{folder / f'{region}.db'}"
    world = World.of(region, url, folder / region, start=f"{BEGINS[region]}T08:30")
    hurry(world.office.engine)
    year, rules = Year(world, count, region), world.rules
    told: dict[tuple[str, Period, int], str] = {}
    found, figures, living, checking = list[str](), 0, 0.0, 0.0

    def check() -> int:
        compared, now_at = 0, world.now
        last = (now_at - timedelta(seconds=1)).astimezone(SHANGHAI).date()
        first = last.replace(day=1)
        with store.transaction(world.office.engine) as conn:
            now = Now(world.office, conn, rules)
            for period in (Period(first, last, now_at), Period(BEGINS[region], last, now_at)):
                for report in rules.reports:
                    for part in parts(conn, report):
                        tables = reports.computed(world.office, conn, rules, report.key, period, part)
                        compared += sum(len(row) for table in tables for row in table.rows)
                        found.extend(differences(Count(now, report, period, part), tables))
                        told[report.key, period, part] = digest_of(tables)
            the_ledgers_hold(world, conn, Count(now, rules.reports[0], Period(first, last, now_at)))
        return compared

    def recomputed() -> int:
        with store.transaction(world.office.engine) as conn:
            return sum(
                digest_of(reports.computed(world.office, conn, rules, key, period, part)) != digest
                for (key, period, part), digest in told.items()
            )

    for moment in months(world):
        living += seconds(partial(year.live_to, moment))
        begun = list[int]()
        checking += seconds(lambda begun=begun: begun.append(check()))  # type: ignore[misc]
        figures += begun[0]
    changed = list[int]()
    again = seconds(lambda: changed.append(recomputed()))
    with store.transaction(world.office.engine) as conn:
        events = conn.exec_driver_sql("select count(*) from event").scalar_one()
    world.office.engine.dispose()
    took = {"living": living, "checking": checking, "again": again}
    return Lived(region, len(told), figures, tuple(found), changed[0], events, took)
