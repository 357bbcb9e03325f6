"""Callbacks of the platforms: verify, store, handle, answer. Store, then acknowledge.

One message is one transaction: duplicate check, effect, event, duties, outbox and answer commit together. What
is not authentic is turned away before anything is stored; a repeat gets the first answer again; if handling
fails the message is kept for `bancheng inbox replay` and the person is told once.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.channels import messages
from bot.channels.envelope import EnvelopeError, Keys, open_sealed, read_xml, seal, verify_url
from bot.channels.messages import Inbound, Kind
from bot.channels.wechat import read_menu_id
from bot.handlers import citizen, staff
from bot.handlers.citizen import Answer
from bot.service import Service
from core import inbox, outbox, people, store
from core.desk import deliver
from core.intake import Said
from core.privacy import frames
from core.settings import Settings

log = logging.getLogger(__name__)

SAID_OPENS: Final = (timedelta(hours=48), 5)  # a message opens so long, for so many messages of ours
TAP_OPENS: Final = (timedelta(minutes=1), 3)  # a tap, a scan, following
MENU: Final[Mapping[str, str]] = {"INTAKE_START": "我要反映", "CASE_LIST": "到哪一步了", "HUMAN": "转人工"}


class Response(NamedTuple):
    """What the platform gets: a status and a body (empty: received, nothing to say)."""

    status: int
    body: str = ""


@dataclass(frozen=True)
class Effect:
    """What a message did: the inner XML to answer with (or none), and the jobs to wake a worker for."""

    answer: str = ""
    ring: tuple[tuple[object, ...], ...] = (("deliver",),)


def keys_of(settings: Settings, channel: str) -> Keys | None:
    """The keys of a channel's callback; None if the channel is not set up."""
    if channel == "wechat":
        token, aes, receiver = settings.wechat_token, settings.wechat_aes_key, settings.wechat_app_id
    else:
        token, aes, receiver = settings.wecom_token, settings.wecom_aes_key, settings.wecom_corp_id
    if not (token.get_secret_value() and receiver):
        return None
    return Keys(token.get_secret_value(), aes.get_secret_value(), receiver)


def verify(service: Service, channel: str, query: Mapping[str, str]) -> Response:
    """The console's check of our address."""
    keys = keys_of(service.settings, channel)
    if keys is None:
        return Response(404)
    try:
        return Response(200, verify_url(keys, query, encrypted=channel == "wecom"))
    except EnvelopeError as error:
        log.warning("callback %s: verification refused: %s", channel, type(error).__name__)
        return Response(error.status)


def receive(service: Service, channel: str, query: Mapping[str, str], body: bytes) -> Response:
    """One callback, from bytes to answer. Never raises; never says 200 to what was not committed."""
    keys = keys_of(service.settings, channel)
    if keys is None:
        return Response(404)
    try:
        node = open_sealed(keys, query, body, service.now().timestamp())
        inbound = messages.parse(node)
    except EnvelopeError as error:
        log.warning("callback %s: refused: %s", channel, type(error).__name__)
        return Response(error.status)
    if not _is_ours(service.settings, channel, inbound):
        log.warning("callback %s: for another receiver", channel)
        return Response(403)
    key = f"{channel}:{messages.dedupe_key(inbound, inbound.receiver)}"[:200]
    try:
        answer = _handle_once(service, channel, inbound, key, node.source)
    except SQLAlchemyError as error:
        log.error("callback %s: not stored: %s", channel, type(error).__name__)
        return Response(503)
    return Response(
        200, seal(keys, answer, service.now().timestamp(), secrets.token_hex(8)) if answer else ""
    )


def replay(service: Service) -> tuple[int, int]:
    """Handle again what failed before (`bancheng inbox replay`). Returns (done, still failing). The answers go
    out as messages of their own where a window is open, since the callback is long gone."""
    with store.transaction(service.office.engine) as conn:
        waiting = inbox.unhandled(conn, service.office.vault)
    done = 0
    for inbox_id, channel, key, xml in waiting:
        inbound = messages.parse(read_xml(xml))
        try:
            with store.transaction(service.office.engine) as conn:
                effect = _effect(service, conn, channel, inbound)
                inbox.handled(conn, service.office.vault, inbox_id, key, effect.answer)
        except Exception as error:
            log.error("inbox %s: still failing: %s", inbox_id, type(error).__name__)
            continue
        done += 1
        _ring(service, effect)
    return done, len(waiting) - done


def _handle_once(service: Service, channel: str, inbound: Inbound, key: str, xml: str) -> str:
    office, now = service.office, service.now()
    try:
        with store.transaction(office.engine) as conn:
            arrival = inbox.arrive(conn, office.vault, channel=channel, key=key, body=xml, now=now)
            if not arrival.new:
                return arrival.answer or ""
            effect = _effect(service, conn, channel, inbound)
            inbox.handled(conn, office.vault, arrival.id, key, effect.answer)
    except SQLAlchemyError:
        raise
    except Exception as error:  # a bug of ours: her words are kept, she is told once, we are told by the log
        log.error("callback %s: handling failed: %s", channel, frames(error))
        with store.transaction(office.engine) as conn:
            inbox.failed(
                conn, office.vault, channel=channel, key=key, body=xml, now=now, error=type(error).__name__
            )
        return _wechat_answer(service, inbound, citizen.sorry(service)) if channel == "wechat" else ""
    _ring(service, effect)
    return effect.answer


def _effect(service: Service, conn: Connection, channel: str, inbound: Inbound) -> Effect:
    return (_from_citizen if channel == "wechat" else _from_staff)(service, conn, inbound)


def _ring(service: Service, effect: Effect) -> None:
    for name, *arguments in effect.ring:
        service.ring(str(name), *arguments)


def _is_ours(settings: Settings, channel: str, inbound: Inbound) -> bool:
    if channel == "wechat":
        return not settings.wechat_account or inbound.receiver == settings.wechat_account
    return inbound.receiver == settings.wecom_corp_id and inbound.agent_id in (
        "",
        str(settings.wecom_agent_id),
    )


# --- 公众号 ---------------------------------------------------------------------------------------------

_SAID: Final = frozenset({Kind.TEXT, Kind.IMAGE, Kind.VOICE, Kind.VIDEO, Kind.FILE, Kind.LOCATION, Kind.LINK})


def _from_citizen(service: Service, conn: Connection, inbound: Inbound) -> Effect:
    sender, now = inbound.sender, service.now()
    if inbound.kind == Kind.UNFOLLOW:
        people.following(conn, "wechat", sender, False)
        return Effect()
    if inbound.kind == Kind.SENT_REPORT:
        return _report(service, conn, inbound)
    tapped = read_menu_id(inbound.menu_id) if inbound.menu_id else None
    known = inbound.kind in _SAID or inbound.kind in (Kind.FOLLOW, Kind.MENU, Kind.ENTER)
    if not known:
        log.info("callback wechat: unknown kind %s acknowledged", inbound.event or inbound.kind)
        return Effect(ring=())
    person = people.citizen(conn, "wechat", sender)
    if inbound.kind in (Kind.FOLLOW, Kind.ENTER):
        answer = citizen.greet(service, conn, "wechat", person, inbound.event_key)
    else:
        answer = citizen.turn(service, conn, "wechat", person, _said(inbound, tapped))
    # As in delivery: the case is locked first, then the address, then messages.
    span, left = SAID_OPENS if inbound.kind in _SAID and not inbound.menu_id else TAP_OPENS
    people.opened(conn, "wechat", sender, now + span, left, widen=span == TAP_OPENS[0])
    outbox.flush(conn, person.id, now)
    ring: tuple[tuple[object, ...], ...] = (("deliver",),)
    if inbound.media_id:
        ring = (*ring, ("media",))
    return Effect(_wechat_answer(service, inbound, answer), ring)


def _said(inbound: Inbound, tapped: tuple[int, str] | None) -> Said:
    if inbound.kind == Kind.MENU:
        return Said("text", MENU.get(inbound.event_key, ""))
    if tapped:
        return Said("text", inbound.text, choice=tapped[1], case_id=tapped[0])
    kind = str(inbound.kind) if inbound.kind in (Kind.TEXT, Kind.IMAGE, Kind.VOICE, Kind.VIDEO) else "other"
    return Said(kind, inbound.text, inbound.media_id)


def _report(service: Service, conn: Connection, inbound: Inbound) -> Effect:
    """A template message's fate. A failed one did not reach her: a person calls."""
    if inbound.status == "success":
        return Effect(ring=())
    message = outbox.by_reference(conn, "template", inbound.report_id)
    if message is not None:
        deliver.unreachable(service.office, conn, message, service.now())
        if "block" in inbound.status:
            people.following(conn, "wechat", inbound.sender, False)
    return Effect()


def _wechat_answer(service: Service, inbound: Inbound, answer: Answer) -> str:
    text = answer.text
    links = [
        f'<a href="weixin://bizmsgmenu?msgmenucontent={label}&msgmenuid={_menu_id(code, i)}">{label}</a>'
        for i, (code, label) in enumerate(answer.choices, start=1)
    ]
    tail = ("\n\n" + "\n".join(links)) if links else ""
    room = messages.PASSIVE_BYTES - len(tail.encode())
    if len(text.encode()) > room:
        text = messages.split(text, room - len("…".encode()))[0] + "…"
    if not text and not tail:
        return ""
    return messages.text_reply(inbound.sender, inbound.receiver, text + tail, service.now().timestamp())


def _menu_id(code: str, position: int) -> str:
    return code if code.isdecimal() else str(position)


# --- 企业微信 -------------------------------------------------------------------------------------------


def _from_staff(service: Service, conn: Connection, inbound: Inbound) -> Effect:
    if inbound.kind == Kind.CARD:
        case_id = staff.tap(
            service, conn, "wecom", inbound.sender, inbound.task_id, inbound.event_key, inbound.response_code
        )
        return Effect(ring=(("deliver",), ("redraw", case_id)) if case_id else ())
    if inbound.kind == Kind.TEXT:
        text = staff.write(service, conn, "wecom", inbound.sender, inbound.text)
        xml = messages.text_reply(inbound.sender, inbound.receiver, text, service.now().timestamp())
        return Effect(xml)
    log.info("callback wecom: %s acknowledged", inbound.event or inbound.kind)
    return Effect(ring=())
