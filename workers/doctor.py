"""The self-check of an installation, in plain Chinese: what is right, what is not, and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from redis.exceptions import RedisError
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.words import FOLDER, Words
from core import outage, schema, setup, store
from core.desk import gaps
from core.office import in_force_since, on_trial
from core.people import PARTS, Hall
from core.policy.load import ProfileError, pinned, shipped
from core.policy.model import Profile
from core.privacy import BadKeys, Vault
from core.settings import LOCAL, Settings
from core.setup import HallError
from core.workdays import SHANGHAI, Calendar, CalendarError, OfficeHours, local_day
from workers.bell import open_queue


@dataclass(frozen=True)
class Check:
    """One thing looked at. `advice` says what to do if it is not `ok`."""

    ok: bool
    what: str
    advice: str = ""


def checks(settings: Settings, now: datetime) -> Iterator[Check]:
    """Everything the service needs, in the order in which to mend it."""
    yield _keys(settings)
    yield _files(settings)
    engine = store.open_engine(settings.database_url)
    database = list(_database(engine))
    yield from database
    if all(check.ok for check in database):
        yield _provisional(engine)
    yield _redis(settings)
    yield from _refused(engine, usable=all(check.ok for check in database))
    yield _address(settings)
    yield from _calendar(now)
    yield from _channels(settings)
    try:
        hall = setup.read_hall(settings.hall)
        rules = _rules(engine, hall.profile, usable=all(check.ok for check in database))
        OfficeHours.read(hall.hours)
    except (HallError, ProfileError, CalendarError) as error:
        yield Check(False, "大厅文件与规则", str(error))
        return
    finally:
        engine.dispose()
    yield Check(True, f"大厅文件：{hall.name}；规则：{rules.name} {rules.version}")
    yield _in_force(hall, rules, now)
    yield from _slots(hall, rules)
    yield from _contacts(hall, rules)
    yield from _set_up(hall, rules, now)
    yield from _guidance(hall, rules)
    yield from _templates(rules)


def _keys(settings: Settings) -> Check:
    try:
        Vault.from_setting(settings.keys.get_secret_value(), settings.cipher)
    except BadKeys as error:
        return Check(False, "加密密钥", f"{error} 请检查 BANCHENG_KEYS。")
    return Check(True, "加密密钥可用")


def _in_force(hall: Hall, rules: Profile, now: datetime) -> Check:
    """Whether the window may take matters: else everybody hears that it is not open yet."""
    begins = in_force_since(hall, rules)
    if not on_trial(hall, rules):
        later = local_day(now).isoformat() < begins
        return Check(True, f"规则从 {begins} 起施行" + ("，在那以前不受理" if later else ""))
    if hall.trial:
        return Check(True, "规则还没有正式施行，现在是试运行")
    return Check(
        False,
        "规则还没有正式施行，一件也不受理",
        "试运行请在大厅文件里写 trial = true；正式施行了请写 number（文号）和 effective_from（施行日期）。",
    )


def _files(settings: Settings) -> Check:
    folder = settings.files if settings.files.exists() else settings.files.parent
    if os.access(folder, os.W_OK | os.X_OK):
        return Check(True, "附件目录可写")
    return Check(False, "附件目录", f"{folder} 不能写入，请改权限或改 BANCHENG_FILES。")


def _database(engine: Engine) -> Iterator[Check]:
    try:
        at = schema.current(engine)
    except SQLAlchemyError as error:
        yield Check(False, "数据库", f"连不上（{type(error).__name__}），请检查 BANCHENG_DATABASE_URL。")
        return
    yield Check(True, f"数据库连得上（{engine.dialect.name}）")
    if at != schema.head():
        yield Check(False, "数据库结构", "不是最新的，请运行 bancheng db upgrade。")
        return
    different = schema.check(engine)
    yield Check(
        not different, "数据库结构是最新的", f"与程序不一致：{'；'.join(different)}" if different else ""
    )


def _redis(settings: Settings) -> Check:
    if not settings.redis_url:
        return Check(True, "没有设置 Redis：由 bancheng clock 自己做完所有事")
    try:
        open_queue(settings.redis_url).connection.ping()
    except RedisError as error:
        return Check(
            False, "Redis", f"没有应答（{type(error).__name__}）。服务照常，只是慢一点；请检查 Redis。"
        )
    return Check(True, "Redis 有应答")


def _address(settings: Settings) -> Check:
    if settings.base_url.endswith("/"):
        return Check(False, "网址", "BANCHENG_BASE_URL 末尾不要斜杠，不然链接会有两个。")
    if settings.base_url.startswith("https://"):
        return Check(True, "网址是 https")
    if LOCAL.match(settings.base_url):
        return Check(True, "网址是本机的：只够演示，群众打不开")
    advice = "不是 https：登录凭据会明着传，两个平台也不认。请配好证书，把 BANCHENG_BASE_URL 改成 https://。"
    return Check(False, "网址", advice)


def _refused(engine: Engine, *, usable: bool) -> Iterator[Check]:
    """Platforms that, when we last sent something, did not let us."""
    if not usable:
        return
    with store.transaction(engine) as conn:
        found = outage.standing(conn).values()
    for one in found:
        since = f"{one.since.astimezone(SHANGHAI):%m-%d %H:%M}"
        advice = "请核对密钥、可信 IP、应用权限。消息都留着，改好后十分钟内自动发出。"
        yield Check(False, f"{one.channel} 平台拒绝我们（{one.reason}，从 {since} 起）", advice)


def _calendar(now: datetime) -> Iterator[Check]:
    today = local_day(now)
    missing = Calendar.load().missing(today)
    for year in missing:
        advice = "请放入国务院办公厅的放假通知；在此之前，跨到这一年的期限都是暂定的。"
        yield Check(False, f"{year} 年工作日历", advice)
    if not missing:
        yield Check(True, "该有的工作日历都有")


def _provisional(engine: Engine) -> Check:
    """Limits still provisional though their year is known: the clock settles them when it starts."""
    with store.transaction(engine) as conn:
        days = conn.execute(
            sa.select(store.duty.c.due_at).where(store.duty.c.state == "open", store.duty.c.provisional)
        ).scalars()
        calendar = Calendar.load()
        ready = sum(calendar.known(due.astimezone(SHANGHAI).year) for due in days if due)
    advice = (
        f"有 {ready} 条可以重算了：重启 bancheng clock，或运行 bancheng calendar recount。" if ready else ""
    )
    return Check(not ready, "暂定的期限", advice)


def _channels(settings: Settings) -> Iterator[Check]:
    if not settings.wechat_app_id and not settings.wecom_corp_id:
        yield Check(False, "渠道", "公众号和企业微信都没有设置，请至少设置一个。")
    needs = {
        "公众号": (
            settings.wechat_app_id,
            ("wechat_secret", "wechat_token", "wechat_aes_key", "wechat_account"),
        ),
        "企业微信": (
            settings.wecom_corp_id,
            ("wecom_secret", "wecom_token", "wecom_aes_key", "wecom_agent_id"),
        ),
    }
    for name, (on, fields) in needs.items():
        if on:
            missing = [f"BANCHENG_{f.upper()}" for f in fields if not _given(settings, f)]
            yield Check(not missing, f"{name}的设置", f"还缺 {'、'.join(missing)}" if missing else "")
    if settings.wechat_app_id and not settings.wechat_template:
        yield Check(
            False, "公众号模板消息", "没有设置：48 小时之后只能由窗口打电话。请设 BANCHENG_WECHAT_TEMPLATE。"
        )


def _given(settings: Settings, field: str) -> bool:
    value = getattr(settings, field)
    return bool(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def _rules(engine: Engine, name: str, *, usable: bool) -> Profile:
    if usable:
        with store.transaction(engine) as conn:
            version = setup.newest_version(conn, name)
            if version is not None:
                return pinned(conn, name, version)
    return shipped(name)[0]


def _slots(hall: Hall, rules: Profile) -> Iterator[Check]:
    held = {post.role for person in hall.people for post in person.posts}
    for slot, roles in rules.slots.items():
        filled = bool(set(roles) & (held | PARTS))
        titles = "、".join(rules.titles.get(role, role) for role in roles)
        yield Check(
            filled,
            f"{slot}：{titles}",
            "" if filled else "大厅文件里没有人担任，请在 [[people]] 里写上。",
        )


def _contacts(hall: Hall, rules: Profile) -> Iterator[Check]:
    for unit in gaps.handling(hall, rules):
        lacks = gaps.lacking(hall, rules, unit, rules.required_contacts)
        why = f"缺{'、'.join(lacks)}，缺人的单位不能交办（{rules.required_contacts_clause}）。"
        yield Check(not lacks, f"{unit.name}的联系人", why if lacks else "")


def _set_up(hall: Hall, rules: Profile, now: datetime) -> Iterator[Check]:
    """What else the rule wants of the hall: it stops nothing, and stays on the list until it is there."""
    words = Words()
    today = local_day(now)
    open_gaps = [gap for gap in gaps.found(hall, rules, today) if gap.sort != "contacts"]
    for gap in open_gaps:
        yield Check(False, f"缺口（{gap.clause}）", words.gap(gap))
    if not open_gaps and (rules.sites or rules.wanted_contacts):
        yield Check(True, "各中心的窗口、工作专班和联系人都齐了")


def _guidance(hall: Hall, rules: Profile) -> Iterator[Check]:
    for exclusion in rules.intake.exclusions:
        known = exclusion.target in hall.guidance
        advice = "" if known else f"大厅文件里没有 [guidance.{exclusion.target}]，这类事项就无处可指。"
        yield Check(known, f"“{exclusion.label}”的指路去处", advice)


def _templates(rules: Profile) -> Iterator[Check]:
    named = {notice.template for notice in rules.notices}
    named |= {step.notice for duty in rules.duties for step in duty.steps if step.notice}
    missing = sorted(name for name in named if not (FOLDER / "notices" / f"{name}.txt").exists())
    yield Check(
        not missing, "每条通知都有文字", f"缺 templates/notices/：{'、'.join(missing)}" if missing else ""
    )
