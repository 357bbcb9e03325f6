"""Media: what somebody sent in chat is fetched from the platform, looked into, made harmless and put away."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Final

from bot.channels.call import WECHAT, WECOM, Verdict, meaning
from bot.channels.wire import Answer, TooBig, WireError
from bot.service import Service
from core import store, uploads
from core.desk import attach
from core.desk.attach import NewFile

log = logging.getLogger(__name__)

CODES: Final = {"wechat": WECHAT, "wecom": WECOM}
NAMES: Final = {"voice": "语音"}


def step(service: Service, machine: datetime) -> int:
    """Fetch what waits; how many files were claimed. What could not be had is tried again when its lease ends."""
    with store.transaction(service.office.engine) as conn:
        batch = attach.claim_pending(conn, machine=machine)
    for row in batch:
        outcome = _fetch(service, row)
        with store.transaction(service.office.engine) as conn:
            if isinstance(outcome, NewFile):
                attach.fetched(conn, service.office, row, outcome)
            else:
                log.warning("attachment %d: %s", row.id, outcome or "later")
                attach.failed(conn, row, final=outcome)
    return len(batch)


def _fetch(service: Service, row: Any) -> NewFile | str:
    """The file, or why it will never come (`refused`, `lost`), or "" for another time."""
    channel = service.channels.get(row.channel)
    if channel is None:
        return ""
    try:
        got = channel.media(row.media_id, attach.CAP)
    except TooBig:
        return "refused"
    except WireError:
        return ""
    if isinstance(got, Answer):
        return "lost" if meaning(CODES[row.channel], got).verdict is Verdict.SPENT_CODE else ""
    try:
        accepted = uploads.inspect(got.content, "", attach.CAP)
    except uploads.Refused:
        return "refused"
    return NewFile(accepted, NAMES.get(row.purpose, "图片") + accepted.suffix)
