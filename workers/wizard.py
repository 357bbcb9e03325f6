"""`bancheng init`: asks in plain Chinese what a hall needs, and writes its settings and the skeleton of its hall file.

The questions are one table. Answers come from whoever sits at the terminal or from a file; each is checked as it
is given. What is written is only what was answered: everything else stands as a comment that says what to fill in.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.people import UNIT_ROLES
from core.policy.load import shipped, shipped_names
from core.policy.model import Profile
from core.policy.outline import UNIT_KINDS
from core.privacy import make_key
from core.workdays import CalendarError, OfficeHours

CHANNELS: Final = {"wechat": "公众号", "wecom": "企业微信"}
STANDING: Final = ("operator", "discipline", "higher")  # kinds of units that a role's own body may be


class WizardError(ValueError):
    """An answer that cannot stand, or one that is missing; the text says which and what to write."""


@dataclass(frozen=True)
class Question:
    """One question. `setting`: it goes into the settings, and only for its channel if it has one. `check` gives the
    answer back as it is to stand, or raises ValueError with what to write."""

    key: str
    words: str
    default: str | None = None  # None: has to be answered
    check: Callable[[str], str] = str
    setting: bool = True
    secret: bool = False
    channel: str = ""


Ask = Callable[[Question], str]


# --- what an answer must look like ----------------------------------------------------------------------


def _like(pattern: str, say: str) -> Callable[[str], str]:
    shape = re.compile(pattern)

    def check(text: str) -> str:
        if not shape.fullmatch(text):
            raise ValueError(say)
        return text

    return check


def _hours(text: str) -> str:
    spans = [part.strip() for part in re.split(r"[,，、;；]", text.replace("：", ":")) if part.strip()]
    try:
        OfficeHours.read([{"sessions": spans}])
    except CalendarError:
        raise ValueError("写成 09:00-12:00, 13:30-17:00") from None
    return ", ".join(spans)


def _channels(text: str) -> str:
    named = [part for part in re.split(r"[,，、\s]+", text) if part]
    codes = [next((c for c, name in CHANNELS.items() if part in (c, name)), "") for part in named]
    if not codes or "" in codes:
        raise ValueError("写 wechat（公众号）、wecom（企业微信），或两个都写，用逗号隔开")
    return ",".join(dict.fromkeys(codes))


def _profile(text: str) -> str:
    known = shipped_names()
    if text not in known:
        raise ValueError(f"现有：{'、'.join(known)}")
    return text


def _address(text: str) -> str:
    return _like(
        r"https://[^\s/]+|http://(127\.0\.0\.1|localhost)(:\d+)?",
        "写成 https://bbc.example.gov.cn，末尾不带斜杠",
    )(text.rstrip("/"))


def _database(text: str) -> str:
    return _like(
        r"sqlite:////\S+|postgresql\+psycopg://\S+",
        "写成 sqlite:////var/lib/bancheng/bancheng.db 或 postgresql+psycopg://bancheng@/bancheng",
    )(text)


def _names(text: str) -> str:
    return "、".join(part.strip() for part in re.split(r"[,，、;；\n]", text) if part.strip())


def _people(text: str) -> str:
    """姓名 电话 账号, several people with 、 between them."""
    rows = [part.split() for part in re.split(r"[、;；\n]", text) if part.strip()]
    if any(len(row) > 3 for row in rows):
        raise ValueError("每人写“姓名 电话 账号”，中间空一格；几个人用顿号隔开")
    return "、".join(" ".join(row) for row in rows)


_KNOWN_KEY: Final = _like(r"[A-Za-z0-9]{43}", "EncodingAESKey 是 43 位字母和数字")


# --- the questions --------------------------------------------------------------------------------------


def first_questions() -> tuple[Question, ...]:
    """What is asked whatever the rules are."""
    known = shipped_names()
    return (
        Question(
            "profile",
            f"按哪一份办法办（{'、'.join(known)}）",
            known[0] if len(known) == 1 else None,
            _profile,
            setting=False,
        ),
        Question(
            "hall_key",
            "给大厅取个短名（字母，用作文件名）",
            "hall",
            _like(r"[a-z][a-z0-9_-]{0,31}", "用小写字母开头，只用字母、数字、短横线"),
            setting=False,
        ),
        Question("name", "大厅全名（群众会看到）", None, setting=False),
        Question("site", "窗口在哪里（例如：一楼 8 号窗口）", None, setting=False),
        Question("window_phone", "窗口电话", None, _like(r"[\d\-() ]{3,20}", "写电话号码"), setting=False),
        Question("window_address", "窗口地址", None, setting=False),
        Question("hours", "上班时间", "09:00-12:00, 13:30-17:00", _hours, setting=False),
    )


def local_questions(rules: Profile) -> tuple[Question, ...]:
    """Units and people, as the rules name them."""
    kinds = {kind for level in rules.levels for kind in level.unit_kinds}
    units = [
        Question(f"units_{kind}", f"{label}，用顿号隔开", "", _names, setting=False)
        for kind, label in UNIT_KINDS.items()
        if kind in kinds
    ]
    people = [
        Question(
            role,
            f"{rules.titles.get(role, role)}：每人“姓名 电话 企业微信账号”，几个人用顿号隔开",
            "",
            _people,
            setting=False,
        )
        for role in standing_roles(rules)
    ]
    return (*units, *people)


def settings_questions(folder: Path) -> tuple[Question, ...]:
    """What goes into the settings. `folder`: where data lie if nothing else is said."""
    agent = _like(r"\d{1,12}", "AgentId 是数字")
    return (
        Question("channels", "用哪些渠道", "wechat,wecom", _channels, setting=False),
        Question(
            "wechat_app_id",
            "公众号 AppID",
            None,
            _like(r"wx[0-9a-zA-Z]{6,32}", "AppID 以 wx 开头"),
            channel="wechat",
        ),
        Question("wechat_secret", "公众号 AppSecret", None, secret=True, channel="wechat"),
        Question("wechat_token", "公众号 消息推送 Token", None, secret=True, channel="wechat"),
        Question("wechat_aes_key", "公众号 EncodingAESKey", None, _KNOWN_KEY, secret=True, channel="wechat"),
        Question(
            "wechat_account",
            "公众号 原始 ID",
            None,
            _like(r"gh_\w+", "原始 ID 以 gh_ 开头"),
            channel="wechat",
        ),
        Question("wechat_template", "公众号 类目模板消息的模板 ID（可以先不填）", "", channel="wechat"),
        Question("wecom_corp_id", "企业微信 企业 ID", None, channel="wecom"),
        Question("wecom_agent_id", "企业微信 AgentId", None, agent, channel="wecom"),
        Question("wecom_secret", "企业微信 应用 Secret", None, secret=True, channel="wecom"),
        Question("wecom_token", "企业微信 回调 Token", None, secret=True, channel="wecom"),
        Question(
            "wecom_aes_key", "企业微信 回调 EncodingAESKey", None, _KNOWN_KEY, secret=True, channel="wecom"
        ),
        Question("base_url", "群众和干部打开页面的网址", None, _address),
        Question("database_url", "数据库", f"sqlite:///{folder / 'bancheng.db'}", _database),
        Question("files", "附件放哪里（加密存放）", str(folder / "files")),
        Question("redis_url", "Redis 地址（小规模可以不要）", ""),
        Question("keys", "加密密钥（直接回车就新做一把）", "", secret=True),
    )


def standing_roles(rules: Profile) -> tuple[str, ...]:
    """The roles of the rules that belong to the hall and not to a unit, in the order in which slots name them."""
    named = dict.fromkeys(role for roles in rules.slots.values() for role in roles)
    return tuple(role for role in named if role not in UNIT_ROLES)


# --- asking ---------------------------------------------------------------------------------------------


def from_file(path: Path) -> Ask:
    """Answers from a TOML file of `key = "answer"`. Raises WizardError."""
    try:
        given: Mapping[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WizardError(f"{path}：读不了（{error}）") from None

    def ask(question: Question) -> str:
        text = str(given.get(question.key, "")).strip() or question.default
        if text is None:
            raise WizardError(f"{path}：缺 {question.key}（{question.words}）")
        try:
            return question.check(text) if text else ""
        except ValueError as error:
            raise WizardError(f"{path}：{question.key}：{error}") from None

    return ask


def from_terminal(question: Question) -> str:
    """Asks until the answer can stand. Secrets are not shown while they are typed."""
    hint = f"［{question.default}］" if question.default else "" if question.default is None else "［可不填］"
    read = getpass.getpass if question.secret else input
    while True:
        text = read(f"{question.words}{hint}：").strip() or question.default
        if text is None:
            print("  这一项要填。")
            continue
        try:
            return question.check(text) if text else ""
        except ValueError as error:
            print(f"  {error}")


@dataclass(frozen=True)
class Plan:
    """What will be written, and the settings as the environment of a process would hold them."""

    env_path: Path
    env_text: str
    hall_path: Path
    hall_text: str
    environment: Mapping[str, str]

    def write(self) -> None:
        """Write both files, only where none stands. Raises WizardError before anything is written."""
        for path in (self.env_path, self.hall_path):
            if path.exists():
                raise WizardError(f"{path} 已经有了，不覆盖。请先移走它，或用 --folder 换个地方")
        for path, text in ((self.hall_path, self.hall_text), (self.env_path, self.env_text)):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Secrets are in the settings: nobody but their owner may read either file.
            with open(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(text)


def plan(ask: Ask, folder: Path) -> Plan:
    """Ask everything and make the two files. `folder`: absolute; `.env` and `halls/` go there."""
    given = {q.key: ask(q) for q in first_questions()}
    rules, _ = shipped(given["profile"])
    given |= {q.key: ask(q) for q in local_questions(rules)}
    asked = []
    for question in settings_questions(folder):
        if not question.channel or question.channel in given["channels"].split(","):
            given[question.key] = ask(question)
            asked += [question.key] if question.setting else []
    given["keys"] = given["keys"] or f"k1:{make_key()}"
    hall = folder / "halls" / f"{given['hall_key']}.toml"
    values = {"hall": str(hall), **{key: given[key] for key in asked if given[key]}}
    environment = {f"BANCHENG_{key.upper()}": value for key, value in values.items()}
    lines = [f"{name}={shlex.quote(value)}" for name, value in environment.items()]
    env_text = "\n".join(["# bancheng init 写的；各项说明见 .env.example。密钥请另外备份一份。", *lines, ""])
    return Plan(folder / ".env", env_text, hall, _hall_text(rules, given), environment)


# --- the hall file --------------------------------------------------------------------------------------


def _hall_text(rules: Profile, given: Mapping[str, str]) -> str:
    lines = [
        "# 大厅文件：人员、单位、群、上班时间、指路去处。人员和单位的 key 定了就不要改：记录里用它认人。",
        "",
    ]
    lines += [
        f"{key} = {_quoted(given[key])}"
        for key in ("name", "profile", "site", "window_phone", "window_address")
    ]
    lines += ["", "[[hours]]", f"sessions = [{', '.join(map(_quoted, given['hours'].split(', ')))}]", ""]
    lines += _standing(rules, given)
    for kind, label in UNIT_KINDS.items():
        for number, name in enumerate(filter(None, given.get(f"units_{kind}", "").split("、")), start=1):
            lines += _unit(rules, f"{kind}{number}", name, kind, label, grouped="wecom" in given["channels"])
    lines += ["# ---- 不属于窗口受理的事，请到这里：去掉每行开头的 #，填上去处 ----", "", "[guidance]", ""]
    for target in dict.fromkeys(x.target for x in rules.intake.exclusions):
        labels = "、".join(x.label for x in rules.intake.exclusions if x.target == target)
        lines += [f"# {labels}", f"# [guidance.{target}]"]
        lines += ['# department = ""', '# address = ""', '# phone = ""', ""]
    return "\n".join(lines)


def _standing(rules: Profile, given: Mapping[str, str]) -> Iterable[str]:
    """The window and the bodies beside it, each with whoever was named."""
    yield from ("[[units]]", 'key = "window"', f"name = {_quoted(rules.window_name)}", 'kind = "window"', "")
    for role in standing_roles(rules):
        home, title = "window", rules.titles.get(role, role)
        kind = next((kind for kind in STANDING if role.startswith(kind)), "")
        if role in rules.bodies and kind:
            home = role
            yield from ("[[units]]", f'key = "{role}"', f"name = {_quoted(rules.bodies[role])}")
            yield from (f'kind = "{kind}"', "")
        named = [row.split() for row in filter(None, given.get(role, "").split("、"))]
        for number, (name, phone, account) in enumerate(((*row, "", "")[:3] for row in named), start=1):
            yield from ("[[people]]", f'key = "{role}{number}"', f"name = {_quoted(name)}  # {title}")
            if phone:
                yield f"phone = {_quoted(phone)}"
            yield f'posts = [{{ unit = "{home}", role = "{role}" }}]'
            if account:
                yield f"addresses = {{ wecom = {_quoted(account)} }}"
            yield ""
        if not named:
            yield from _nobody(f"{role}1", title, home, role)


def _unit(rules: Profile, key: str, name: str, kind: str, label: str, *, grouped: bool) -> Iterable[str]:
    yield from (f"# ---- {label} ----", "", "[[units]]", f'key = "{key}"', f"name = {_quoted(name)}")
    yield f'kind = "{kind}"'
    if grouped:
        yield f'group = "wecom:{key}"'
    yield ""
    wanted = dict.fromkeys((*rules.required_contacts, *sorted(UNIT_ROLES & set(rules.titles))))
    for role in wanted:
        must = "" if role in rules.required_contacts else "（可以没有）"
        yield from _nobody(f"{key}_{role}", f"{rules.titles.get(role, role)}{must}", key, role)


def _nobody(key: str, title: str, unit: str, role: str) -> Iterable[str]:
    yield from (f"# {title}：去掉 # 填上", "# [[people]]", f'# key = "{key}"', '# name = ""', '# phone = ""')
    yield from (f'# posts = [{{ unit = "{unit}", role = "{role}" }}]', '# addresses = { wecom = "" }', "")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
