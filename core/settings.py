"""Settings: everything that differs between installations, from `BANCHENG_*` variables.

`.env.example` lists each with one line. Secrets never appear in `repr` or error texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from core.privacy import CipherName

PREFIX: Final = "BANCHENG_"
LOCAL: Final = re.compile(r"http://(127\.0\.0\.1|localhost)(:\d+)?(/|$)")


class SettingsError(ValueError):
    """A setting is missing or wrong; the text names the variable."""


class Settings(BaseModel):
    """One field a variable: `database_url` is BANCHENG_DATABASE_URL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: str
    keys: SecretStr  # id:BASE64 pairs, the first seals, the others still open
    cipher: CipherName = "aes"  # what it seals with; both open
    hall: Path  # the hall file
    files: Path  # where attachments lie, encrypted
    base_url: str  # the address people's browsers reach us at
    redis_url: str = ""  # empty: the clock does the work itself
    # 公众号
    wechat_app_id: str = ""
    wechat_secret: SecretStr = SecretStr("")
    wechat_token: SecretStr = SecretStr("")
    wechat_aes_key: SecretStr = SecretStr("")
    wechat_account: str = ""  # gh_…
    wechat_api: str = "https://api.weixin.qq.com"
    wechat_oauth: str = "https://open.weixin.qq.com"
    wechat_template: str = ""  # id of the category template; its fields are in `wechat_template_fields`
    wechat_template_fields: str = "character_string1=number,thing2=subject,phrase3=status,time4=time"
    # 企业微信
    wecom_corp_id: str = ""
    wecom_agent_id: int = 0
    wecom_secret: SecretStr = SecretStr("")
    wecom_token: SecretStr = SecretStr("")
    wecom_aes_key: SecretStr = SecretStr("")
    wecom_api: str = "https://qyapi.weixin.qq.com"
    wecom_oauth: str = "https://open.weixin.qq.com"
    # the sandbox only
    sandbox_clock: Path | None = None  # a file with the story's instant
    sandbox_frames: bool = False  # pages may be shown inside the stage
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


def from_env(env: Mapping[str, str]) -> Settings:
    """The settings of an environment. Raises `SettingsError`, naming each variable that is missing or wrong."""
    given = {k.removeprefix(PREFIX).lower(): v for k, v in env.items() if k.startswith(PREFIX) and v != ""}
    known = {k: v for k, v in given.items() if k in Settings.model_fields}
    try:
        settings = Settings.model_validate(known)
    except ValidationError as error:
        wrong = "；".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"设置不对：{wrong}") from None
    if not LOCAL.match(settings.base_url):
        for name in ("sandbox_clock", "sandbox_frames"):
            if getattr(settings, name):
                raise SettingsError(f"{PREFIX}{name.upper()} 只能在本机演示时设置，正式环境请删去")
    return settings
