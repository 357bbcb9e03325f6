"""The ledger as an Excel file: cases read from the database, their facts opened, rows written, each look logged;
beside a bare loop of openpyxl that only writes the same rows. And the memory that a million rows take."""

from __future__ import annotations

import gc
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from openpyxl import Workbook

from bench.hall import Hall, open_hall
from bench.load import MATTER
from bench.measure import Result, Setting, interleaved, ratio, seconds
from bot.papers import xlsx
from bot.service import Service
from core import case as cases
from core import papers, people, store
from core.case import Case
from core.desk.act import Actor, perform
from core.forms import Value
from core.people import Person
from core.workdays import SHANGHAI

CASES: Final = 100_000
MILLION: Final = 1_000_000
A_DAY: Final = 400  # cases told on one day
FIRST: Final = date(2022, 5, 9)
TOGETHER: Final = 1000


def run(setting: Setting) -> Iterator[Result]:
    count = 5_000 if setting.quick else CASES
    with open_hall(setting.server, setting.folder) as hall:
        last = seed(hall.service, count)
        out = setting.folder / "ledger.xlsx"
        rows = _rows(hall.service, last)
        gc.freeze()  # the peer's rows are no part of what the collector goes through while ours are made
        found = interleaved(
            {
                "export": lambda: count / seconds(lambda: export(hall.service, last, out)),
                "openpyxl": lambda: count / seconds(lambda: bare(rows, out)),
            },
            rounds=1 if setting.quick else 3,
        )
        yield Result(
            "ledger",
            f"rows exported, of those openpyxl only writes ({count:,})",
            ratio(found["export"], found["openpyxl"]),
            "×",
            0.7,
            detail={f"{name}, rows a second": [round(x) for x in each] for name, each in found.items()},
        )
        rows.clear()
        many = count if setting.quick else MILLION
        yield Result(
            "ledger",
            f"memory of a process that exports {many:,} rows",
            memory(hall, last, many, out),
            "MB",
            300,
            at_most=True,
        )


def export(service: Service, last: date, out: Path) -> int:
    """The ledger of all the days, as the window asks for it."""
    viewer = _person(service, "zhou")
    with store.transaction(service.office.engine) as conn, out.open("wb") as file:
        sheet = papers.listed(service.office, conn, viewer, "", FIRST, last, service.now())
        return xlsx.render(sheet, file)


def bare(rows: Sequence[tuple[Value, ...]], out: Path) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    book.save(out)


def memory(hall: Hall, last: date, count: int, out: Path) -> float:
    """The most memory (MB) of a process of its own that exports so many rows: the same days again and again."""
    told = json.dumps({"last": last.isoformat(), "count": count, "out": str(out)})
    done = subprocess.run(
        [sys.executable, "-m", "bench.ledger", told],
        env={**hall.env, "PATH": ""},
        check=True,
        capture_output=True,
    )
    return float(done.stdout)


def _export_again_and_again(last: date, count: int, out: Path) -> float:
    import os
    import resource

    from core.settings import from_env
    from workers.build import lasting

    service = lasting(from_env(os.environ))
    viewer = _person(service, "zhou")
    with store.transaction(service.office.engine) as conn, out.open("wb") as file:
        sheet = papers.listed(service.office, conn, viewer, "", FIRST, last, service.now())
        more = (
            papers.listed(service.office, conn, viewer, "", FIRST, last, service.now()).rows
            for _ in itertools.count()
        )
        rows = itertools.islice(itertools.chain.from_iterable(more), count)
        xlsx.render(replace(sheet, rows=rows), file)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _rows(service: Service, last: date) -> list[tuple[Value, ...]]:
    with store.transaction(service.office.engine) as conn:
        viewer = people.get(conn, _person(service, "zhou").id)
        sheet = papers.listed(service.office, conn, viewer, "", FIRST, last, service.now())
        return list(sheet.rows)


def _person(service: Service, key: str) -> Person:
    with store.transaction(service.office.engine) as conn:
        return people.get(
            conn, conn.execute(sa.select(store.person.c.id).where(store.person.c.key == key)).scalar_one()
        )


# --- many cases like one -----------------------------------------------------------------------------------


def seed(service: Service, count: int) -> date:
    """So many cases like one that was told, dispatched and answered, `A_DAY` a day; the last of the days."""
    with store.transaction(service.office.engine) as conn:
        model = answered(service, conn, datetime(2022, 5, 5, 9, 30, tzinfo=SHANGHAI))
        words = cases.words(service.office.vault, model)
    for start in range(0, count, TOGETHER):
        with store.transaction(service.office.engine) as conn:
            _copy(service, conn, model, words, range(start, min(start + TOGETHER, count)))
    with service.office.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE")
    return FIRST + timedelta(days=(count - 1) // A_DAY)


def answered(service: Service, conn: sa.Connection, now: datetime) -> Case:
    """A matter that the window took in, a unit answered, its head signed: all at one instant."""
    rules = service.office.profile
    case = cases.open_case(
        conn, profile=rules.name, version=rules.version, channel="hall", contact_id=None, now=now
    )
    told = {
        "intake_channel": "hall",
        "told_at": "2022-05-05T09:30",
        "content": MATTER * 3,
        "applicant_type": "citizen",
        "applicant_name": "王建国",
        "applicant_phone": "0731-88889999",
        "ground": "repeated_trips",
    }
    sent = {
        "subject": "加装电梯申请未获受理",
        "scope_code": "approval_project",
        "level": "complex",
        "unit": "housing",
    }
    said = {"handled": "加装电梯", "result": "已受理，三日内出图审意见。", "solved": "yes"}
    acts: Sequence[tuple[str, str, dict[str, Any]]] = (
        ("zhou", "register", told),
        ("zhou", "dispatch", sent),
        ("zhang", "sign_for", {}),
        ("zhang", "hand_in", said),
        ("chen", "sign_off", {}),
    )
    for key, act, values in acts:
        who = people.get(
            conn, conn.execute(sa.select(store.person.c.id).where(store.person.c.key == key)).scalar_one()
        )
        case = perform(service.office, conn, Actor(who, "bench"), case, act, now=now, values=values)
    return case


def _copy(service: Service, conn: sa.Connection, model: Case, words: dict[str, str], numbers: range) -> None:
    c, vault = store.case.c, service.office.vault
    row = dict(conn.execute(sa.select(store.case).where(c.id == model.id)).one()._mapping)
    del row["id"]
    new = [{**row, "ref": f"bench-{n}", "number": f"B{n:08}"} for n in numbers]
    query = sa.insert(store.case).returning(c.id, sort_by_parameter_order=True)
    ids = list(conn.execute(query, new).scalars())
    days = [timedelta(days=n // A_DAY) + timedelta(days=4) for n in numbers]
    for table in (store.moment, store.duty):
        like = [dict(r._mapping) for r in conn.execute(sa.select(table).where(table.c.case_id == model.id))]
        copies = [
            {k: v + later if isinstance(v, datetime) else v for k, v in one.items() if k != "id"}
            | {"case_id": i}
            for i, later in zip(ids, days, strict=True)
            for one in like
        ]
        conn.execute(sa.insert(table), copies)
    facts = [
        dict(r._mapping)
        for r in conn.execute(
            sa.select(store.fact).where(store.fact.c.case_id == model.id, store.fact.c.current)
        )
    ]
    copies = []
    for case_id in ids:
        for one in facts:
            sealed = one["value_enc"]
            if sealed is not None:
                sealed = vault.seal(words[one["field"]], f"case:{case_id}:{one['field']}")
            copies.append(
                {k: v for k, v in one.items() if k != "id"} | {"case_id": case_id, "value_enc": sealed}
            )
    conn.execute(sa.insert(store.fact), copies)


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(_export_again_and_again(date.fromisoformat(asked["last"]), asked["count"], Path(asked["out"])))
