"""`bancheng policy new`: asks in plain Chinese what a regulation says, and drafts its profile on top of `base`.

What the answers settle stands in the draft. What only the text of the regulation can say (the clauses, and which of
them each thing rests on) is left as a gap with its comment; loading the draft names the gaps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final, NamedTuple

from bot.words import FOLDER
from core.policy import load
from workers.wizard import Ask, Question

Answers = Mapping[str, str]
GAP: Final = "?"  # after the prefix: a clause number still to be filled in
_LEVEL: Final = re.compile(r"(\S+?)\s*(\d{1,3}|当天)(?:个?工作日)?")
_SIGNERS: Final = {"不用": "", "分管负责同志": "unit_deputy_head", "主要负责同志": "unit_head"}
_EXTENSION: Final = ("不可以", "可以", "要批准")
_STATUS: Final = {"施行": "in_force", "试行": "trial", "征求意见": "draft_for_comment"}
# What messages alone rest on: they have no label.
_MESSAGES: Final = {
    "remind": "到期前和到期当天的提醒",
    "told": "告诉申请人：收到了、交给谁办、什么时候答复",
    "register": "告诉窗口：来了一件",
}
_CHANNELS: Final = ("到窗口", "打电话")  # come with base, as do the chat platforms


class Level(NamedTuple):
    """A level of response: its name, and how many working days it has (0: the same day)."""

    code: str
    name: str
    days: int


# --- the questions --------------------------------------------------------------------------------------


def questions() -> tuple[Question, ...]:
    """What is asked, in the order in which a regulation says it."""

    def ask(key: str, words: str, default: str | None = None, check: Callable[[str], str] = str) -> Question:
        return Question(key, words, default, check, setting=False)

    return (
        ask("name", "给规则取个短名（拼音，用作文件名）", None, _name),
        ask("prefix", "条款编号的前缀（两三个大写字母，例如 QY）", None, _prefix),
        ask("region", "哪个地区"),
        ask("title", "文件全名"),
        ask("number", "文号"),
        ask("issuer", "发文单位"),
        ask("status", "效力（施行、试行、征求意见）", "施行", _one_of(*_STATUS)),
        ask("dated", "成文日期（例如 2024-03-01）", None, _day),
        ask("effective_from", "从哪天起施行（没写就不填，由大厅定）", "", _day),
        ask("window_name", "窗口叫什么", "“办不成事”反映窗口"),
        ask("window_staff", "窗口的人叫什么", "窗口人员"),
        ask("operator", "窗口归哪个部门管"),
        ask("supervisor", "逾期由谁督办"),
        ask("handler", "责任单位里办事的人叫什么", "责任人"),
        ask("triager", "谁研判分派（窗口、管理部门）", "窗口", _one_of("窗口", "管理部门")),
        ask("scope", "受理哪几类事（顿号隔开）", None, _list),
        ask(
            "exclusions",
            "哪些事不受理、一听到什么话就提醒（征地拆迁：征地，拆迁；诉讼：起诉，判决）",
            "",
            _excluded,
        ),
        ask("levels", "分几级、各几个工作日（一般事项3、复杂事项10；当天办的写 当天）", None, _levels),
        ask("anchor", "时限从什么时候算起（受理、交办）", "受理", _one_of("受理", "交办")),
        ask("signer", f"结果由谁审签（{'、'.join(_SIGNERS)}）", "主要负责同志", _one_of(*_SIGNERS)),
        ask("result_to_supervisor", "结果也送督办的部门吗（是、否）", "否", _one_of("是", "否")),
        ask("extension", f"能延期吗（{'、'.join(_EXTENSION)}）", "不可以", _one_of(*_EXTENSION)),
        ask("extension_days", "最多延到多少个工作日（文件没写就不填）", "", _days),
        ask("redo", "回访不满意、是单位的原因，发回重办吗（是、否）", "是", _one_of("是", "否")),
        ask("channels", "除了微信、到窗口、打电话，还从哪里收（顿号隔开，没有就不填）", "", _list),
        ask("number_format", "单号式样（yyyy 是年，seq:5 是五位流水号）", "{prefix}{yyyy}{seq:5}"),
    )


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{1,31}", text):
        raise ValueError("用小写字母开头，只用字母、数字、短横线")
    if text in (*load.shipped_names(), load.BASE):
        raise ValueError("这个名字已经有了，换一个")
    return text


def _prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2,4}", text):
        raise ValueError("写两到四个大写字母")
    return text


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("写成 2024-03-01") from None


def _days(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,2}", text):
        raise ValueError("写一个数，例如 10")
    return text


def _one_of(*words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in words:
            raise ValueError(f"写{'、'.join(words)}里的一个")
        return text

    return check


def _split(text: str, marks: str = "、;；\n") -> list[str]:
    return [part.strip() for part in re.split(f"[{marks}]", text) if part.strip()]


def _list(text: str) -> str:
    return "、".join(_split(text))


def _excluded(text: str) -> str:
    if any(len(re.split("[：:]", part)) != 2 for part in _split(text)):
        raise ValueError("写成 征地拆迁：征地，拆迁；诉讼：起诉，判决")
    return "；".join(_split(text))


def _levels(text: str) -> str:
    if not _split(text) or not all(_LEVEL.fullmatch(part) for part in _split(text)):
        raise ValueError("写成 一般事项3、复杂事项10")
    if not any(level.days for level in _read_levels(text)):
        raise ValueError("至少要有一级写明几个工作日")
    return "、".join(_split(text))


def _read_levels(text: str) -> list[Level]:
    found = []
    for number, part in enumerate(_split(text), start=1):
        match = _LEVEL.fullmatch(part)
        assert match is not None  # checked as it was given
        found.append(Level(f"level_{number}", match[1], 0 if match[2] == "当天" else int(match[2])))
    return found


# --- the draft ------------------------------------------------------------------------------------------


def draft(ask: Ask) -> tuple[str, str]:
    """Ask everything; the name of the rule and the text of its draft."""
    given = {question.key: ask(question) for question in questions()}
    given["number_format"] = given["number_format"].replace("{prefix}", given["prefix"])
    parts = [_head(given), _people(given), _intake(given), _times(given), _flow(given)]
    body = "\n".join(parts)
    basis = _basis(given, body)
    return given["name"], body.replace(_BASIS_HERE, basis) + _clauses(given)


_BASIS_HERE: Final = "# basis here\n"


def _head(given: Answers) -> str:
    lines = [
        f"# {given['region']}：{given['number']}《{given['title'].strip('《》')}》。",
        "# 草稿，由 bancheng policy new 写成。接着做三件事，顺序随意，改一处就运行一次 bancheng policy verify：",
        f"#   1. 把文件一条一条抄进文末的 [clauses]，编号写成 {given['prefix']}-1、{given['prefix']}-2a……；",
        "#   2. 在 [basis] 里写明共有的每件事依据哪一条：去掉行首的 #，填上编号；文件没有写到而照常要做的，",
        f'#      写成 {{ clause = "{given["prefix"]}-最近的一条", inferred = true }}；',
        f"#   3. 找到每一处 {given['prefix']}-{GAP}，换成条款编号。",
        "# 文件还说了别的：照 core/policies 里现成的规则添；这里没有的：写进 drop。",
        "",
        f"name = {_q(given['name'])}",
        f"version = {_q(given['dated'])}",
        f"extends = {_q(load.BASE)}",
        f"drop = [{', '.join(map(_q, _dropped(given)))}]",
        f"title = {_q(given['title'].strip('《》'))}",
        f"region = {_q(given['region'])}",
        f"window_name = {_q(given['window_name'])}",
        f"first_limit = {_q(_first(given))}",
        f"required_contacts = [{', '.join(map(_q, _contacts(given)))}]",
        f"required_contacts_clause = {_gap(given)}",
        "",
        "[instrument]",
        f"title = {_q(given['title'].strip('《》'))}",
        f"number = {_q(given['number'])}",
        f"issuer = {_q(given['issuer'])}",
        f"status = {_q(_STATUS[given['status']])}",
        f"dated = {_q(given['dated'])}",
        f"effective_from = {_q(given['effective_from'])}",
        f"clause = {_q(given['prefix'] + '-0')}",
        "",
    ]
    return "\n".join([*lines, _BASIS_HERE])


def _dropped(given: Answers) -> Iterator[str]:
    if _SIGNERS[given["signer"]]:
        yield "acts.reply"
    if given["extension"] == "不可以":
        yield "acts.extend"
    if given["extension"] != "可以":
        yield from ("notices.extension_told:applicant", "notices.extension_filed:receiver")
    if given["redo"] == "否":
        yield "acts.redo"
        yield from (
            f"notices.{x}" for x in ("redo_group:unit_group", "redo_card:handler", "redo_told:applicant")
        )


def _first(given: Answers) -> str:
    """What runs until the level is chosen: the shortest that is not of the same day."""
    if given["anchor"] == "交办":
        return ""
    return min((x for x in _read_levels(given["levels"]) if x.days), key=lambda x: x.days).code


def _contacts(given: Answers) -> list[str]:
    return ["handler", *filter(None, [_SIGNERS[given["signer"]]])]


def _people(given: Answers) -> str:
    signer = _SIGNERS[given["signer"]]
    sent = "window_staff" if given["triager"] == "窗口" else "operator"
    titles = {
        "case_no": "单号",
        "window_staff": given["window_staff"],
        "operator": given["operator"],
        "discipline_office": given["supervisor"],
        "handler": given["handler"],
        **({signer: given["signer"]} if signer else {}),
        "applicant": "申请人",
    }
    slots = {
        "receiver": ["window_staff"],
        "triager": [sent],
        "taker": ["handler"],
        "handler": ["handler"],
        "replier": ["handler"],
        "signer": [signer or "handler"],
        "approver": ["operator"],
        "supervisor": ["discipline_office"],
        "deliverer": ["window_staff", "handler"],
        "visitor": ["window_staff"],
        "archivist": ["window_staff"],
        "redo_proposer": ["window_staff"],
        "redo_judge": ["operator"],
    }
    bodies = {
        "operator": given["operator"],
        "discipline_office": given["supervisor"],
        "window": given["window_name"],
    }
    lines = ["[bodies]", *(f"{key} = {_q(text)}" for key, text in bodies.items()), ""]
    lines += ["[titles]", *(f"{key} = {_q(text)}" for key, text in titles.items()), ""]
    lines += ["[slots]", *(f"{key} = [{', '.join(map(_q, roles))}]" for key, roles in slots.items()), ""]
    lines += [
        "[number]",
        f"format = {_q(given['number_format'])}",
        f"clause = {_gap(given)}",
        "inferred = true",
        "",
    ]
    return "\n".join(lines)


def _intake(given: Answers) -> str:
    promise = "；".join(f"{x.name}{_days_words(x)}答复" for x in _read_levels(given["levels"]))
    scope = [
        f"  {{ code = {_q(f'scope_{n}')}, label = {_q(label)}, clause = {_gap(given)} }},"
        for n, label in enumerate(_split(given["scope"]), start=1)
    ]
    lines = ["# ---- 受理范围与申请 ----", "", "[intake]", f"privacy_version = {_q(given['dated'][:7])}"]
    lines += [
        f"promise = {_q(promise + '。')}",
        f"promise_clause = {_gap(given)}",
        "scope = [",
        *scope,
        "]",
        "",
    ]
    for number, part in enumerate(_split(given["exclusions"]), start=1):
        label, words = re.split("[：:]", part)
        told = ", ".join(map(_q, _split(words, "，,、")))
        lines += ["[[intake.exclusions]]", f'code = "excluded_{number}"', f"label = {_q(label.strip())}"]
        lines += [f"clause = {_gap(given)}", f"words = [{told}]", f'target = "excluded_{number}"', ""]
    return "\n".join(lines)


def _times(given: Answers) -> str:
    anchor = {"受理": "accepted_at", "交办": "dispatched_at"}[given["anchor"]]
    lines = ["# ---- 层级与时限 ----", ""]
    for level in _read_levels(given["levels"]):
        due = f"{{ wd = {level.days} }}" if level.days else "{ same_day = true }"
        lines += [
            "[[levels]]",
            f"code = {_q(level.code)}",
            f"label = {_q(f'{level.name}（{_days_words(level)}）')}",
        ]
        lines += ['kinds = ["assign"]', 'unit_kinds = ["unit"]', f"clause = {_gap(given)}", ""]
        lines += ["[[limits]]", f"key = {_q(level.code)}", f"title = {_q(level.name)}", f"due = {due}"]
        lines += [
            f"anchor = {_q(anchor)}",
            f"when = {{ level = {_q(level.code)} }}",
            f"clause = {_gap(given)}",
            "",
        ]
    if given["anchor"] == "交办":
        # Such a limit says nothing of the way to it: the same day, as a reminder (AMB-G6).
        lines += [_block("triage", given)]
    lines += ["[extension]", f"allowed = {_yes(given['extension'] != '不可以')}"]
    lines += [f"approval = {_yes(given['extension'] == '要批准')}"]
    lines += [f"max_wd = {given['extension_days']}"] if given["extension_days"] else []
    lines += [f"clause = {_gap(given)}", "" if given["extension"] != "不可以" else "inferred = true", ""]
    return "\n".join(lines)


def _flow(given: Answers) -> str:
    lines = ["# ---- 环节里能做的事 ----", ""]
    channels = [x for x in _split(given["channels"]) if x not in _CHANNELS]
    if channels:
        told = ", ".join(
            f"{{ code = {_q(f'channel_{n}')}, label = {_q(x)} }}" for n, x in enumerate(channels, start=1)
        )
        lines += ["[acts.register]", f'fields = [{{ id = "intake_channel", choices = [{told}] }}]', ""]
    scope = (
        '{{ id = "scope_code", label = "事项分类", kind = "choice", required = true, personal = false, {} }}'
    )
    rest = f'choices_from = "scope", clause = {_gap(given)}, before = '
    lines += ["[acts.resolve]", f"fields = [{scope.format(rest + _q('result'))}]", ""]
    lines += ["[acts.dispatch]", f"fields = [{scope.format(rest + _q('level'))}]", ""]
    if _SIGNERS[given["signer"]]:
        lines += [_block("signing", given)]
    if given["extension"] == "要批准":
        lines += [_block("approval", given)]
    if given["redo"] == "是":
        lines += [_block("redo", given)]
    if given["result_to_supervisor"] == "是":
        lines += [_block("to_supervisor", given)]
    return "\n".join([*lines, _block("papers", given)])


def _block(name: str, given: Answers) -> str:
    """What belongs together, all of which an answer brings (`templates/drafts/`)."""
    text = (FOLDER / "drafts" / f"{name}.toml").read_text("utf-8")
    return text.replace('"?"', _gap(given)).replace("【窗口】", given["window_name"].replace('"', ""))


def _basis(given: Answers, body: str) -> str:
    """Each thing that base leaves to the regulation, with what rests on it, as a line to fill in."""
    waiting = load.gaps(load.with_parents(body, given["name"]), given["name"])
    lines = ["[basis]", "# 每行：去掉 #，填上条款编号。后面是靠它的事。"]
    lines += [
        f"# {name} = {_q(given['prefix'] + '-')}  # {'、'.join(labels[:6]) or _MESSAGES.get(name, '消息')}"
        for name, labels in waiting.items()
    ]
    return "\n".join([*lines, ""])


def _clauses(given: Answers) -> str:
    first = f"{given['title'].strip('《》')}（{given['number']}）"
    lines = ["# ---- 条文：一条一张表，题目不超过 16 个字，text 照抄原文 ----", ""]
    lines += [
        f'[clauses."{given["prefix"]}-0"]',
        'title = "文件名称与文号"',
        'place = "标题"',
        f"text = {_q(first)}",
        "",
    ]
    lines += [f'# [clauses."{given["prefix"]}-1"]', '# title = ""', '# place = "第一条"', '# text = ""', ""]
    lines += [
        "# ---- 取舍：文件没有写清、由谁定的，记一笔 ----",
        "",
        "# [[decisions]]",
        '# id = "1"',
        '# point = ""',
    ]
    return "\n".join([*lines, '# chosen = ""', '# why = ""', ""])


def _days_words(level: Level) -> str:
    return f"{level.days}个工作日内" if level.days else "当天"


def _gap(given: Answers) -> str:
    return _q(f"{given['prefix']}-{GAP}")


def _yes(told: bool) -> str:
    return "true" if told else "false"


def _q(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
