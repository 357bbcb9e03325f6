"""Signing in through the platform that somebody already uses: 企业微信 for staff, 公众号 for citizens."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, redirect, request
from sqlalchemy.engine import Connection
from werkzeug.wrappers import Response as AnyResponse

from bot.channels import wechat_api, wecom_api
from bot.channels.connect import account_of, app_of, wecom_line
from bot.channels.tokens import TokenRefused
from bot.channels.wire import Wire, WireError
from bot.pages import session
from bot.pages.session import page
from bot.service import Service
from core import logins, people
from core.logins import STATE_LIFE
from core.people import Person
from core.settings import Settings
from core.store import transaction

log = logging.getLogger(__name__)

STATE_COOKIE: Final = "bancheng-state"
HOME: Final = "/desk"
# A path of ours: one slash, then nothing a browser could read as another host.
OURS: Final = re.compile(r"/(?!/)[A-Za-z0-9_./?=&%-]{0,300}")
UNTYPED: Final = frozenset({"ticket", "rev"})


@dataclass(frozen=True)
class Door:
    """One way to sign in: where to send the browser, and whom the code that comes back proves."""

    address: Callable[[str, str, bool], str]  # redirect_uri, state, inside the client
    identify: Callable[[str], str]


class NotKnown(Exception):
    """The platform did not tell us who it is."""


def add(pages: Blueprint, service: Service) -> None:
    doors = _doors(service)

    @pages.get("/in")
    def choose() -> AnyResponse:
        wanted = request.args.get("as") or _client()
        if wanted in doors:
            return redirect(f"/in/{wanted}?{urlencode({'next': _next()})}")
        return page(service, "signin", doors=doors, next=urlencode({"next": _next()}))

    @pages.get("/in/<channel>")
    def begin(channel: str) -> AnyResponse:
        door = doors.get(channel) or abort(404)
        with transaction(service.office.engine) as conn:
            data = {"channel": channel, "next": _next()}
            state = logins.issue(conn, "sign_in", data, service.machine() + STATE_LIFE)
        answer = redirect(door.address(_back(service, channel), state, _client() == channel))
        session.set_cookie(answer, service.settings, STATE_COOKIE, state, int(STATE_LIFE.total_seconds()))
        return answer

    @pages.get("/in/<channel>/back")
    def back(channel: str) -> AnyResponse:
        door = doors.get(channel) or abort(404)
        asked = _redeemed(service, channel)
        if asked is None:
            return page(service, "notice", 400, what="sign_in_again")
        try:
            address = door.identify(request.args.get("code", ""))
        except NotKnown:
            return page(service, "notice", 403, what="not_known")
        except (WireError, TokenRefused) as error:
            log.warning("sign_in_failed channel=%s error=%s", channel, type(error).__name__)
            return page(service, "notice", 503, what="sign_in_later")
        with transaction(service.office.engine) as conn:
            person = _person(conn, channel, address)
            secret = logins.sign_in(conn, person.id, channel, service.machine()) if person else ""
        if not secret:
            return page(service, "notice", 403, what="stranger")
        session.clear_expired(service)
        answer = redirect(asked["next"])
        session.keep_login(answer, service.settings, secret)
        session.set_cookie(answer, service.settings, STATE_COOKIE, "", 0)
        return answer

    @pages.post("/out")
    def leave() -> Response:
        secret = request.cookies.get(session.cookie_name(service.settings), "")
        with transaction(service.office.engine) as conn:
            logins.sign_out(conn, secret)
        answer = page(service, "notice", what="signed_out")
        session.set_cookie(answer, service.settings, "bancheng", "", 0)
        return answer


def ask(service: Service) -> AnyResponse:
    """Send whoever is not signed in to do so; what was typed meanwhile stays in the browser's hands."""
    if request.method == "POST":
        request.max_content_length = session.FORM_CAP
        typed = [(name, value) for name, value in request.form.items(multi=True) if name not in UNTYPED]
        return page(service, "expired", 401, typed=typed, action=request.path)
    wanted = {"next": request.full_path.rstrip("?"), "as": request.args.get("as", "")}
    return redirect(f"/in?{urlencode({k: v for k, v in wanted.items() if v})}")


def _client() -> str:
    """Which client is looking. That of 企业微信 calls itself MicroMessenger too."""
    agent = request.user_agent.string
    return "wecom" if "wxwork" in agent else "wechat" if "MicroMessenger" in agent else ""


def _next() -> str:
    wanted = request.args.get("next", "")
    return wanted if OURS.fullmatch(wanted) else HOME


def _back(service: Service, channel: str) -> str:
    return f"{service.settings.base_url.rstrip('/')}/in/{channel}/back"


def _redeemed(service: Service, channel: str) -> Mapping[str, str] | None:
    """What the sign-in asked for, if it began in this browser, on this channel, and has not come back before."""
    state = request.args.get("state", "")
    began = request.cookies.get(session.cookie_name(service.settings, STATE_COOKIE), "")
    if not state or not hmac.compare_digest(state.encode(), began.encode()):
        return None
    with transaction(service.office.engine) as conn:
        data = logins.redeem(conn, "sign_in", state, service.machine())
    return data if data and data["channel"] == channel else None


def _person(conn: Connection, channel: str, address: str) -> Person | None:
    """Staff are known beforehand, through the hall file; a citizen is met as one comes."""
    if channel == "wechat":
        return people.citizen(conn, channel, address)
    return people.by_address(conn, channel, address)


def _doors(service: Service) -> Mapping[str, Door]:
    """The ways that are set up."""
    settings = service.settings
    doors = {}
    if settings.wecom_corp_id:
        doors["wecom"] = _wecom(service)
    if settings.wechat_app_id:
        doors["wechat"] = _wechat(settings)
    return doors


def _wechat(settings: Settings) -> Door:
    account, wire = account_of(settings), Wire(settings.wechat_api)

    def identify(code: str) -> str:
        try:
            return wechat_api.openid_of_code(wire, account, code)
        except wechat_api.NotSignedIn:
            raise NotKnown from None

    return Door(lambda back, state, _: wechat_api.authorize_url(account, back, state), identify)


def _wecom(service: Service) -> Door:
    app = app_of(service.settings)
    line = wecom_line(service.settings, service.office.engine, service.office.vault, service.machine)

    def address(back: str, state: str, inside: bool) -> str:
        return (wecom_api.authorize_url if inside else wecom_api.login_url)(app, back, state)

    def identify(code: str) -> str:
        try:
            return wecom_api.userid_of_code(line, code)
        except wecom_api.NotAMember:
            raise NotKnown from None

    return Door(address, identify)
