"""Delivery (claimed, planned, sent, marked, each durable) beside a loop that only posts.

Run as a program, it delivers without pause what waits in the database of its environment.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import requests
import sqlalchemy as sa

from bench.hall import open_hall, yes_platform
from bench.measure import Result, Setting, interleaved, ratio, seconds
from bot.service import Service
from core import store
from core.settings import from_env
from workers import delivery, main, sweeper
from workers.build import lasting

# What a message of ours weighs on the wire, and what an answer of a platform takes over the internet at best.
DELAY: Final = 0.05
BODY: Final[Mapping[str, Any]] = {
    "touser": "o-0123456789",
    "msgtype": "text",
    "text": {"content": "您反映的事项已登记。" * 20},
}


def run(setting: Setting) -> Iterator[Result]:
    for delay, count in ((DELAY, 60), (0.0, 200)):
        what = f"delivered, of a bare loop's ({delay * 1000:.0f} ms platform)"
        rates = _rates(setting, delay, count // 3 if setting.quick else count)
        detail = {"per_second": {name: [round(x) for x in values] for name, values in rates.items()}}
        yield Result("post", what, ratio(rates["delivery"], rates["session"]), "x", 1.5, False, detail)


def _rates(setting: Setting, delay: float, count: int) -> dict[str, list[float]]:
    with yes_platform(delay) as platform, open_hall(setting.server, setting.folder, platform) as hall:
        session = requests.Session()

        def bare() -> float:
            def loop() -> None:
                for _ in range(count):
                    url = f"{platform}/cgi-bin/message/custom/send?access_token=t"
                    session.post(url, json=dict(BODY), timeout=5).json()

            return count / seconds(loop)

        def ours() -> float:
            fill(hall.service, count)
            spent = seconds(lambda: drain(hall.service))
            if waiting(hall.service):
                raise RuntimeError("not everything was delivered")
            return count / spent

        ours()
        return interleaved({"session": bare, "delivery": ours})


def fill(service: Service, count: int) -> None:
    """So many citizens, each with a case and the notice that it was taken in, due at once."""
    now, profile = service.now() - timedelta(minutes=1), service.office.profile
    notice = next(n for n in profile.notices if n.to == "applicant" and "submit" in n.on)
    mark = secrets.token_hex(4)
    with store.transaction(service.office.engine) as conn:
        new = [{"kind": "citizen", "name": "", "phone": ""}] * count
        ids = conn.execute(sa.insert(store.person).returning(store.person.c.id), new).scalars().all()
        opened = {
            "channel": "wechat",
            "following": True,
            "open_until": now + timedelta(days=1),
            "open_left": 5,
        }
        conn.execute(
            sa.insert(store.identity),
            [{**opened, "person_id": i, "address": f"o-{mark}-{i}"} for i in ids],
        )
        case = {
            "profile": profile.name,
            "policy_version": profile.version,
            "stage": "SUBMITTED",
            "channel": "wechat",
            "opened_at": now,
        }
        cases = conn.execute(
            sa.insert(store.case).returning(store.case.c.id, sort_by_parameter_order=True),
            [{**case, "ref": f"{mark}-{i}", "number": f"B{mark}-{i}", "contact_id": i} for i in ids],
        ).scalars()
        due = {
            "notice": notice.template,
            "clause": notice.clause,
            "data": {"rev": 0, "round": 1},
            "state": "due",
            "created_at": now,
            "not_before": now,
        }
        rows = zip(ids, cases, strict=True)
        conn.execute(
            sa.insert(store.outbox),
            [{**due, "key": f"{mark}.{c}", "case_id": c, "person_id": p} for p, c in rows],
        )
    with service.office.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def waiting(service: Service) -> int:
    """How many messages wait."""
    with store.transaction(service.office.engine) as conn:
        due = sa.select(sa.func.count()).select_from(store.outbox).where(store.outbox.c.state == "due")
        return int(conn.execute(due).scalar_one())


def drain(service: Service) -> int:
    """What one bell does: everything that is due."""
    return sweeper.repeat(lambda: delivery.step(service, service.now(), service.machine()))


if __name__ == "__main__":
    os.nice(main.BEHIND)
    own = lasting(from_env(os.environ))
    while True:
        if not drain(own):
            time.sleep(0.1)
