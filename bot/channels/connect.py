"""The channels of an installation: those whose ids are set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy.engine import Engine

from bot.channels import wechat_api, wecom_api
from bot.channels.call import Line
from bot.channels.channel import Channel
from bot.channels.tokens import Tokens
from bot.channels.wechat import Wechat
from bot.channels.wechat_api import Account
from bot.channels.wecom import Wecom
from bot.channels.wecom_api import App
from bot.channels.wire import Wire
from core.privacy import Vault
from core.settings import Settings

PUBLIC_OAUTH: Final = "https://open.weixin.qq.com"
CASELESS: Final = frozenset(
    {"wecom"}
)  # userids come back in small letters, whatever was given; openids differ by case
PUBLIC_LOGIN: Final = "https://login.work.weixin.qq.com"


def connect(
    settings: Settings, engine: Engine, vault: Vault, machine: Callable[[], datetime]
) -> dict[str, Channel]:
    """The channels by name. `machine` reads the machine clock. Nothing is sent yet. Raises SettingsError."""
    channels: dict[str, Channel] = {}
    if settings.wechat_app_id:
        line = wechat_line(settings, engine, vault, machine)
        channels["wechat"] = Wechat(line, settings.wechat_template, settings.wechat_template_fields)
    if settings.wecom_corp_id:
        channels["wecom"] = Wecom(app_of(settings), wecom_line(settings, engine, vault, machine))
    return channels


def account_of(settings: Settings) -> Account:
    """The 公众号, as its API and its sign-in want it."""
    return Account(
        settings.wechat_app_id,
        settings.wechat_secret.get_secret_value(),
        f"{settings.wechat_oauth}/connect/oauth2/authorize",
    )


def app_of(settings: Settings) -> App:
    """The 企业微信 app, as its API and its sign-in want it. A private deployment serves both sign-in pages
    itself."""
    public = settings.wecom_oauth == PUBLIC_OAUTH
    return App(
        settings.wecom_corp_id,
        settings.wecom_agent_id,
        settings.wecom_secret.get_secret_value(),
        f"{settings.wecom_oauth}/connect/oauth2/authorize",
        f"{PUBLIC_LOGIN if public else settings.wecom_oauth}/wwlogin/sso/login",
    )


def wechat_line(settings: Settings, engine: Engine, vault: Vault, machine: Callable[[], datetime]) -> Line:
    """The way to the API of the 公众号."""
    wire, account = Wire(settings.wechat_api), account_of(settings)
    return Line(
        wire,
        Tokens(
            engine, vault, lambda: wechat_api.stable_token(wire, account), account.app_id, "wechat", machine
        ),
    )


def wecom_line(settings: Settings, engine: Engine, vault: Vault, machine: Callable[[], datetime]) -> Line:
    """The way to the API of the 企业微信 app."""
    wire, app = Wire(f"{settings.wecom_api}/cgi-bin"), app_of(settings)
    name = f"{app.corp_id}:{app.agent_id}"
    return Line(wire, Tokens(engine, vault, lambda: wecom_api.gettoken(wire, app), name, "wecom", machine))
