"""The units' chat groups: those named in the hall that do not exist yet are made, with the unit's people in them."""

from __future__ import annotations

import logging

import sqlalchemy as sa

from bot.channels import wecom_api
from bot.channels.wecom import Wecom
from bot.service import Service
from core import store

log = logging.getLogger(__name__)


def ensure(service: Service) -> int:
    """Make the missing groups; how many were made. Only groups that an app made itself can be written to."""
    channel = service.channels.get("wecom")
    if not isinstance(channel, Wecom):
        return 0
    u, p, i = store.unit.c, store.post.c, store.identity.c
    with store.transaction(service.office.engine) as conn:
        units = conn.execute(
            sa.select(u.id, u.name, u.group_address).where(u.active, u.group_channel == "wecom")
        ).all()
        members = {
            unit.id: list(
                conn.execute(
                    sa.select(i.address)
                    .join(store.post, p.person_id == i.person_id)
                    .where(p.unit_id == unit.id, i.channel == "wecom")
                    .distinct()
                    .order_by(i.address)
                ).scalars()
            )
            for unit in units
        }
    made = 0
    for unit in units:
        users = members[unit.id]
        if len(users) < 2 or wecom_api.get_chat(channel.line, unit.group_address).errcode == 0:
            continue
        answer = wecom_api.create_chat(channel.line, unit.group_address, unit.name, users[0], users)
        if answer.errcode:
            log.warning("group of unit %s not made: errcode %s", unit.id, answer.errcode)
        made += answer.errcode == 0
    return made
