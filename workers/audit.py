"""The auditor: every few minutes it looks whether everything that must move does, and says what does not.

Leases that ran out need no repair: the next claim takes them. What is found is reported for a person to mend.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from bot.service import Service
from core import audit, heartbeat, store
from core.audit import Finding

log = logging.getLogger(__name__)

SAMPLE: Final = 50  # cases whose chain is verified in one round; the next round goes on from there
NAME: Final = "audit"


def when_due(service: Service, now: datetime, every: timedelta) -> tuple[Finding, ...] | None:
    """An audit, if the last is `every` old by the case clock."""
    with store.transaction(service.office.engine) as conn:
        before = heartbeat.last(conn, NAME)
    if before is not None and timedelta(0) <= now - before.at < every:
        return None
    return step(service, now, service.machine())


def step(service: Service, now: datetime, machine: datetime) -> tuple[Finding, ...]:
    """One audit; its findings, which are logged and counted on the heartbeat too."""
    with store.transaction(service.office.engine) as conn:
        before = heartbeat.last(conn, NAME)
        after = int(before.data.get("cursor", 0)) if before else 0
        broken, cursor = audit.chains(conn, service.office.vault, after=after, limit=SAMPLE)
        found = (*audit.waiting(conn, now, machine), *broken)
        heartbeat.beat(conn, NAME, now, {"cursor": cursor, "findings": len(found)})
    for one in found:
        log.error("audit: %s case=%s row=%s", one.what, one.case_id, one.row_id)
    return found
