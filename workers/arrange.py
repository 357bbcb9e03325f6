"""What the platforms are to hold before anybody comes: the 公众号's menu, and the units' chat groups of the hall."""

from __future__ import annotations

import logging
from typing import Final

import sqlalchemy as sa

from bot.channels import wechat_api, wecom_api
from bot.channels.tokens import TokenRefused
from bot.channels.wechat import Wechat
from bot.channels.wecom import Wecom
from bot.channels.wire import WireError
from bot.inbound import MENU
from bot.service import Service
from core import store

log = logging.getLogger(__name__)


BUTTONS: Final = tuple({"type": "click", "name": name, "key": key} for key, name in MENU.items())


def arrange(service: Service) -> None:
    """Publish the menu and make the missing groups. A platform that does not answer is asked again at the next
    start; nothing else waits for it."""
    for work in (menu, groups):
        try:
            work(service)
        except (WireError, TokenRefused) as error:
            log.warning("%s: not arranged: %s", work.__name__, type(error).__name__)


def menu(service: Service) -> None:
    """The 公众号's menu."""
    channel = service.channels.get("wechat")
    if isinstance(channel, Wechat):
        answer = wechat_api.create_menu(channel.line, BUTTONS)
        if answer.errcode:
            log.warning("menu not published: errcode %s", answer.errcode)


def groups(service: Service) -> int:
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
