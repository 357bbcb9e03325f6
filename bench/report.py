"""Monthly reports of a hall with a million matters on record, ten years of them: every section of each."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from bench.hall import open_hall
from bench.ledger import answered
from bench.measure import ROUNDS, Result, Setting, seconds
from bot.service import Service
from core import figures, outbox, reports, store
from core.desk import deliver
from core.figures import Period
from core.workdays import SHANGHAI

MATTERS: Final = 1_000_000
DAYS: Final = 3650
AT_ONCE: Final = 50_000
MODEL: Final = datetime(2022, 5, 5, 9, 30, tzinfo=SHANGHAI)
MONTH: Final = (date(2022, 4, 1), date(2022, 4, 30))
TABLES: Final = (store.case, store.moment, store.fact, store.event, store.duty)


def run(setting: Setting) -> Iterator[Result]:
    count = 50_000 if setting.quick else MATTERS
    with open_hall(setting.server, setting.folder) as hall:
        loading = seconds(partial(load, hall.service, count))
        rules = hall.service.office.profile
        period = Period(*MONTH, MODEL)
        with store.transaction(hall.service.office.engine) as conn:
            among = len(list(figures.standings(hall.service.office, conn, period)))
        for report in (report for report in rules.reports if report.cycle == "monthly"):
            times = [seconds(partial(compute, hall.service, report.key, period)) for _ in range(ROUNDS)]
            detail = {"seconds": [round(t, 2) for t in times], "loading_s": round(loading)}
            what = f"{report.key} of a month, {among:,} matters among {count:,}"
            yield Result("report", what, statistics.median(times), "s", 5, True, detail)


def compute(service: Service, key: str, period: Period) -> None:
    office = service.office
    with store.transaction(office.engine) as conn:
        reports.computed(office, conn, office.profile, key, period)


def load(service: Service, count: int) -> None:
    """So many matters like one that was told, dispatched, answered, brought home and rated, spread over ten years."""
    office = service.office
    with store.transaction(office.engine) as conn:
        model = answered(service, conn, MODEL)
        for message in outbox.listed(conn, case_id=model.id):
            if message.effect and message.state == "due":
                deliver.delivered(office, conn, message, "wechat", MODEL)
        # What is still to be done of a matter of today has been done of all the former ones.
        still = sa.update(store.duty).where(store.duty.c.case_id == model.id, store.duty.c.state == "open")
        conn.execute(still.values(state="met", met_at=MODEL))
    for first in range(0, count, AT_ONCE):
        with store.transaction(office.engine) as conn:
            conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
            # What is copied refers to what is there; looking it up again would take half of the time.
            conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
            numbers = {"first": first + 1, "last": min(first + AT_ONCE, count), "model": model.id}
            for table in TABLES:
                conn.execute(sa.text(_copies(table, count)), numbers)
    with office.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("SET statement_timeout = 0")
        conn.exec_driver_sql("VACUUM ANALYZE")
        conn.exec_driver_sql("SET statement_timeout = 15000")


def _copies(table: sa.Table, count: int) -> str:
    """A statement that copies the model's rows, each copy some days earlier."""
    own = {"ref": "'m' || i", "number": "'M' || lpad(cast(i as text), 8, '0')"} if table is store.case else {}
    own |= {("id" if table is store.case else "case_id"): ":model + i"}
    named = [column for column in table.c if column.name in own or column.name != "id"]
    told = [own.get(column.name) or _earlier(column, count) for column in named]
    of = "id" if table is store.case else "case_id"
    return (
        f"INSERT INTO {table.name} ({', '.join(_quoted(column) for column in named)})"
        f" SELECT {', '.join(told)} FROM {table.name} m, generate_series(:first, :last) i WHERE m.{of} = :model"
    )


def _earlier(column: sa.Column[Any], count: int) -> str:
    if not isinstance(column.type, store.Instant):
        return f"m.{_quoted(column)}"
    return f"m.{_quoted(column)} - interval '1 day' * ({DAYS} - cast(i as bigint) * {DAYS} / {count})"


def _quoted(column: sa.Column[Any]) -> str:
    return f'"{column.name}"'
