"""A profile in a clerk's words: groups of entries, each with a name and labelled aspects.

The outline is all that a profile says, told once: the page of a rule lists it, `diff` compares two of them. A name
that only the program knows stands here with its Chinese; what the profile itself labels is told by its label.
Headings of messages come from whoever has the templates (`headings`: template → its heading).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from core import due, figures, flow
from core.policy.model import (
    Act,
    Asked,
    At,
    Choice,
    Consequence,
    Duty,
    Exclusion,
    Finding,
    Limit,
    Notice,
    Profile,
    Report,
    Span,
    Step,
    When,
    step_time,
)

STAGES: Final = {
    "DRAFT": "填写、登记",
    "SUBMITTED": "等窗口确认",
    "REFUSING": "拟不予受理",
    "TRIAGE": "研判分派",
    "REPORTED": "已上报",
    "JOINT": "会商会办",
    "WITH_UNIT": "责任单位办理",
    "SIGNING": "审签",
    "DELIVERING": "送结果",
    "CLOSED": "已办结",
    "GUIDED": "已指路",
    "NOT_ACCEPTED": "不予受理",
    "DECLINED": "当场说明不办",
    "NO_RESPONSE": "申请人未回应，先结",
    "TRANSFERRED": "已转出",
    "SHELVED": "暂时搁置",
    "WITHDRAWN": "已撤回",
    "ARCHIVED": "已归档",
}
SLOTS: Final = {
    "applicant": "申请人",
    "receiver": "接件",
    "triager": "研判分派",
    "taker": "签收",
    "handler": "承办",
    "replier": "提交结果",
    "signer": "审签",
    "approver": "审批",
    "adviser": "会商答复",
    "judge": "提出研判意见",
    "consenter": "同意研判意见",
    "classifier": "定级分类",
    "reporter": "上报",
    "decider": "上级决定",
    "convener": "召集会办",
    "restarter": "重启搁置的事",
    "refuser": "答复不予受理",
    "no_approver": "复核不予受理、不能办理",
    "sender": "转送",
    "supervisor": "督办",
    "deliverer": "送达",
    "verifier": "核查",
    "visitor": "回访",
    "filer": "报备",
    "archivist": "归档",
    "redo_proposer": "提请认定原因",
    "redo_judge": "认定原因、发回重办",
    "stepper_in": "提级介入",
}
MOMENTS: Final = {
    "submitted_at": "提交",
    "accepted_at": "受理",
    "confirmed_at": "窗口确认",
    "applicant_confirmed_at": "申请人确认记录",
    "dispatched_at": "交办",
    "signed_for_at": "签收",
    "handler_signed_at": "承办人签字",
    "signed_off_at": "审签",
    "replied_at": "结果提交",
    "interim_replied_at": "初步反馈",
    "closed_at": "办结",
    "visited_at": "回访",
    "verified_at": "核查",
    "rated_at": "评价",
    "redo_at": "发回重办",
    "reopened_at": "申请人补充后重开",
    "restarted_at": "重启",
    "reminded_at": "催过申请人",
    "supervised_at": "签发督办单",
    "archived_at": "归档",
    "filed_at": "报备",
    "analysed_at": "原因分析",
    "handled_at": "有了办理意见",
    # outcomes of what was said in an act
    "reached": "联系上了申请人",
    "third_attempt": "第三次没联系上",
}
UNIT_KINDS: Final = {"unit": "本级单位", "company": "平台公司", "external": "园区、区市"}
_FACTS: Final = {
    "stage": "环节",
    "channel": "渠道",
    "kind": "办理方式",
    "level": "层级",
    "round": "轮次",
    "shielded": "反映人受保护",
    "unconfirmed": "窗口还没确认",
    "overdue": "已逾期",
    "redone": "重办过",
    "numbered": "已有单号",
    "unit": "已有责任单位",
    "site": "已知道在哪个窗口",
    "member": "会办单位",
    "rated": "已评价",
    "has_voice": "有语音",
    "conduct_suspected": "说到了态度作风",
    "asked_human": "找过人工",
    "consented": "申请人同意",
    "declined": "已认定不予受理",
    "by_proxy": "由人代评",
    "joint_visit": "约好了会同回访",
    "outcome": "办成了吗",
}
_CODES: Final = {
    "yes": "是",
    "no": "否",
    "first": "第一次",
    "wechat": "公众号",
    "wecom": "企业微信",
    "dingtalk": "钉钉",
    "web": "网页",
    "hall": "窗口",
    "phone": "电话",
}
_KINDS: Final = {
    "text": "一行字",
    "long": "一段话",
    "phone": "电话",
    "email": "邮箱",
    "choice": "选一项",
    "yesno": "是或否",
    "date": "日期",
    "number": "数字",
    "files": "附件",
    "unit": "一个单位",
    "units": "几个单位",
    "site": "一个窗口",
    "person": "一个人",
    "level": "层级",
}
_FIXED: Final = {
    "unit_group": "单位工作群",
    "member_groups": "会办单位工作群",
    "system": "系统",
    "keeper": "经手人",
    "first_receiver": "首接人",
    "member": "会办单位",
    "companion": "一同回访的单位",
}
_LISTS: Final = {
    "scope": "受理范围",
    "sub_kinds": "类别",
    "grounds": "情形",
    "kinds": "办理方式",
    "ways": "联系方式",
    "levels": "层级",
    "exclusions": "不受理的情形",
    "scores": "评价的档次",
}
_LISTS_OF: Final = {"kind": "kinds", "level": "levels"}  # coded attributes of a case
_STATUS: Final = {"trial": "试行", "in_force": "施行", "draft_for_comment": "征求意见稿"}
_MARKS: Final = {"overdue": "逾期", "soft_missed": "没按时（不算逾期）", "clue": "问题线索"}
_ABOUT: Final = {"case": "事项", "unit": "单位", "members": "配合单位", "person": "工作人员", "code": "情形"}
_SORTS: Final = {
    "deduction": "扣分",
    "ineligible": "取消评选资格",
    "clue": "线索",
    "accountability": "问责",
    "notice": "通报",
    "interview": "约谈",
    "commendation": "通报表扬",
    "transfer": "移送线索",
}
_ASKED: Final = {"unit": "单位", "person": "工作人员", "due_on": "整改期限", "words": "处理意见"}
GUESSED: Final = "推定"
SILENT: Final = "排版"  # an aspect that nobody reads: only whether it changed is of interest
CITED: Final = "选项依据"  # as numbers of clauses: of interest where one regulation is compared with itself

Aspect = str | tuple[str, ...]
Headings = Mapping[str, str]


@dataclass(frozen=True)
class Told:
    """An entry: what it is called, what is said of it (aspect → words; "" is what it says above all), on what clause
    it rests, whether the regulation leaves it open. `of`: the entry it belongs to."""

    key: str
    name: str
    aspects: Mapping[str, Aspect]
    clause: str = ""
    inferred: bool = False
    of: str = ""

    @property
    def main(self) -> str:
        return words(self.aspects.get("", ""))

    @property
    def more(self) -> tuple[tuple[str, str], ...]:
        """What else is said of it, by aspect, for people to read."""
        return tuple(
            (label, words(x)) for label, x in self.aspects.items() if label not in ("", SILENT, CITED)
        )

    @property
    def source(self) -> str:
        """“（XJ-2.3b，推定）”: the clause, and whether the regulation leaves it open."""
        notes = [x for x in (self.clause, GUESSED if self.inferred else "") if x]
        return f"（{'，'.join(notes)}）" if notes else ""


def words(aspect: Aspect) -> str:
    return aspect if isinstance(aspect, str) else "、".join(aspect)


class Group(NamedTuple):
    title: str
    entries: tuple[Told, ...]


def outline(rules: Profile, headings: Headings, names: Profile | None = None) -> tuple[Group, ...]:
    """All that the profile says, in the order in which a clerk reads it. What an entry says of others, it says by the
    names that `names` has for them, where it has any: so that a title changed is a difference of that title alone."""
    tellers: tuple[tuple[str, Callable[[Speech], Iterator[Told]]], ...] = (
        ("规则", _about),
        ("时限", _limits),
        ("环节", _acts),
        ("要填的", _fields),
        ("谁来做", _who),
        ("该做的事", _duties),
        ("提醒", _steps),
        ("送谁", _notices),
        ("表单", _papers),
        ("问群众的问题", _questions),
        ("不受理", _exclusions),
        ("导入", _imports),
        ("报告", _reports),
        ("值守", _rosters),
        ("考核问责", _consequences),
        ("取舍", _decisions),
        ("条文", _clauses),
    )
    speech = Speech(rules, headings, (names, rules) if names else (rules,))
    return tuple(Group(title, tuple(tell(speech))) for title, tell in tellers)


# --- single words ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Speech:
    """How things are called: by the first of the profiles `known` that has them."""

    rules: Profile
    headings: Headings
    known: tuple[Profile, ...]

    def act(self, name: str) -> str:
        return next((f"“{x.acts[name].label}”" for x in self.known if name in x.acts), "")

    def happening(self, name: str) -> str:
        """What duties and notices hang on; "" for an act that the profile leaves out."""
        verb, _, what = name.partition(":")
        if verb in ("deliver", "delivered") and what:
            return f"送到（{self.duty(what)}）"
        if verb == "waived" and what:
            return f"免去“{self.code(what, 'waived_step')}”"
        if verb == "uploaded" and what:
            return f"上传到{self.code(what, 'system')}"
        if name in flow.ACTS:
            return self.act(name) if name in self.rules.acts else ""
        duty, _, step = name.partition(".")
        if step:
            return f"“{self.duty(duty)}”{self._step(duty, step)}"
        known = self.moment(name)
        return self.label(name) if known == name else known

    def happenings(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, map(self.happening, names))))

    def moment(self, name: str) -> str:
        """An anchor: its own name, else the act that records it."""
        acts = (act.label for x in self.known for act in x.acts.values() if name in act.moments)
        return MOMENTS.get(name) or next(acts, name)

    def duty(self, key: str) -> str:
        return next((d.title for x in self.known for d in x.duties if d.key == key), key)

    def _step(self, duty: str, step: str) -> str:
        steps = (s for x in self.known for d in x.duties if d.key == duty for s in d.steps if s.key == step)
        found = next(steps, None)
        return at(found.at) if found else step

    def evidence(self, key: str) -> str:
        """What a proposal looks at: a finding, another proposal, or a duty."""
        findings = (e.title for x in self.known for e in x.findings if e.key == key)
        others = (e.title for x in self.known for e in x.proposals if e.key == key)
        return next(findings, "") or next(others, "") or self.duty(key)

    def limit(self, key: str) -> Limit:
        return next(limit for x in self.known for limit in x.limits if limit.key == key)

    def slot(self, name: str) -> str:
        """Who it is: the titles of those who fill it."""
        if name == "applicant":
            return self.role(name)
        if name in _FIXED:
            return _FIXED[name]
        roles = next((x.slots[name] for x in self.known if name in x.slots), ())
        return "、".join(dict.fromkeys(map(self.role, roles))) or SLOTS.get(name, name)

    def role(self, name: str) -> str:
        titles = (x.titles[name] for x in self.known if name in x.titles)
        return _FIXED.get(name) or next(titles, SLOTS.get(name, name))

    def label(self, name: str) -> str:
        """What a coded fact or an attribute of a case is called."""
        asked = (a.label for x in self.known for a in x.asked if a.id == name)
        return _FACTS.get(name) or next(asked, MOMENTS.get(name, name))

    def code(self, name: str, of: str) -> str:
        """What a value of the coded fact `of` is called."""
        if of == "stage":
            return STAGES.get(name, name)
        return self._codes.get((_LISTS_OF.get(of, of), name)) or _CODES.get(name, name)

    @cached_property
    def _codes(self) -> Mapping[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for rules in self.known:
            named = {"kinds": rules.kinds, "ways": rules.ways, **rules.lists}
            named |= {asked.id: rules.choices(asked) for asked in rules.asked if asked.choices}
            named |= {asked.id: rules.choices(asked) for asked in rules.asked if asked.choices_from}
            for name, choices in named.items():
                for choice in choices:
                    found.setdefault((name, choice.code), choice.label)
            for level in rules.levels:
                found.setdefault(("levels", level.code), level.label)
        return found

    def when(self, when: When) -> str:
        """A condition: “层级：一般事项；不是‘反映人受保护’的”."""
        return "；".join(self._condition(key, wanted) for key, wanted in when.items())

    def _condition(self, key: str, wanted: str | bool | tuple[str, ...]) -> str:
        label = self.label(key)
        if isinstance(wanted, bool):
            return label if wanted else f"不是“{label}”的"
        codes = wanted if isinstance(wanted, tuple) else (wanted,)
        return f"{label}：{'、'.join(self.code(code, key) for code in codes)}"

    def heading(self, template: str) -> str:
        return self.headings.get(template, template)

    def length(self, span: Span) -> str:
        """A length of time; one that names a limit is told by it."""
        if span.matter:
            return "按事项的时限"
        return f"按“{self.limit(span.limit).title}”" if span.limit else due.words(span)


def at(moment: At) -> str:
    """When the clock acts: “到期前 1 个工作日”."""
    base, amount, unit = step_time(moment)
    if not amount:
        return {"open": "一开始", "target": "争取日当天", "due": "到期当天", "missed": "过期时"}[base]
    name = {"open": "开始", "target": "争取日", "due": "到期", "missed": "过期"}[base]
    words = {"wd": "个工作日", "h": "小时", "min": "分钟"}[unit]
    return f"{name}{'前' if amount < 0 else '后'} {abs(amount)} {words}"


def _yes(told: bool, words: str) -> str:
    return words if told else ""


def _make(
    key: str,
    name: str,
    aspects: Mapping[str, Aspect],
    clause: str = "",
    inferred: bool = False,
    of: str = "",
) -> Told:
    return Told(key, name, {label: value for label, value in aspects.items() if value}, clause, inferred, of)


def _choice(place: str, noun: str, choice: Choice) -> Told:
    name = f"{noun}“{choice.label}”"
    return _make(f"{place}.{choice.code}", name, {}, choice.clause, choice.inferred)


# --- the groups -----------------------------------------------------------------------------------------


def _about(speech: Speech) -> Iterator[Told]:
    rules, made = speech.rules, speech.rules.instrument
    lines = {
        "名称": rules.title,
        "文件": made.title,
        "文号": made.number,
        "发文单位": made.issuer,
        "批准": made.approved_by,
        "效力": _STATUS[made.status],
        "拟订日期": made.drafted,
        "成文日期": made.dated,
        "施行日期": made.effective_from,
        "由谁解释": made.interpreter,
    }
    for name, text in lines.items():
        if text:
            yield _make(f"instrument.{name}", name, {"": text}, made.clause)
    yield _make("region", "地区", {"": rules.region})
    yield _make("name", "短名", {"": rules.name})
    yield _make("version", "版本", {"": rules.version})
    yield _make("window_name", "窗口名称", {"": rules.window_name})
    number = rules.number
    yield _make("number", "单号式样", {"": _number(number.format)}, number.clause, number.inferred)
    for key, body in rules.bodies.items():
        yield _make(f"bodies.{key}", "机构", {"": body})
    if rules.required_contacts:
        roles = tuple(speech.role(x) for x in rules.required_contacts)
        yield _make("required_contacts", "没有这些人不能交办", {"": roles}, rules.required_contacts_clause)
    if wanted := rules.wanted_contacts:
        roles = tuple(speech.role(x) for x in wanted.roles)
        name = "没有这些人要列入缺口清单"
        yield _make("wanted_contacts", name, {"": roles}, wanted.clause, wanted.inferred)
    if rules.sites:
        sites = rules.sites
        kinds: Aspect = tuple(kind.label for kind in sites.kinds)
        opened: dict[str, Aspect] = {"": kinds, "最迟": sites.open_by}
        yield _make("sites", "要设窗口的地方", opened, sites.clause, sites.inferred)
        if sites.team_clause:
            yield _make("sites.team_clause", "工作专班", {"": "每处一个"}, sites.team_clause)


def _limits(speech: Speech) -> Iterator[Told]:
    rules = speech.rules
    for limit in rules.limits:
        yield limit_told(speech, limit)
    first = speech.limit(rules.first_limit).title if rules.first_limit else "不计，到后面的环节才起算"
    yield _make("first_limit", "还没定层级时按", {"": first})
    ends = {"closing": "到下班为止", "midnight": "到夜里十二点为止"}
    yield _make("day_end", "最后一天", {"": ends[rules.day_end]})
    for kind in rules.kinds:
        yield _choice("kinds", "办理方式", kind)
    for level in rules.levels:
        aspects: dict[str, Aspect] = {
            "办理方式": tuple(speech.code(x, "kind") for x in level.kinds),
            "交给": tuple(UNIT_KINDS.get(x, x) for x in level.unit_kinds),
            "随": speech.act(level.on) or level.on,
            "高低": str(level.rank) if level.rank else "",
        }
        yield _make(f"levels.{level.code}", f"层级“{level.label}”", aspects, level.clause, level.inferred)
    yield _make("raise_only", "层级", {"": "只能调高" if rules.raise_only else "可高可低"})
    more = rules.extension
    modes = {"total": "连同原来的时限一起算", "additional": "在原来的时限之外"}
    yield _make(
        "extension",
        "延期",
        {
            "": "可以" if more.allowed else "不可以",
            "批准": "要批准" if more.approval else "不用批准",
            "次数": f"{more.times} 次",
            "最长": f"{more.max_wd} 个工作日" if more.max_wd else "与原来的时限一样长",
            "算法": modes[more.mode],
        },
        more.clause,
        more.inferred,
    )


def limit_told(speech: Speech, limit: Limit) -> Told:
    target = f"，争取 {due.words(limit.target)}" if limit.target else ""
    aspects: dict[str, Aspect] = {
        "": speech.length(limit.due) + target,
        "起算": speech.moment(limit.anchor),
        "适用": speech.when(limit.when),
    }
    return _make(f"limits.{limit.key}", limit.title, aspects, limit.clause, limit.inferred)


def _acts(speech: Speech) -> Iterator[Told]:
    for key, act in speech.rules.acts.items():
        yield _act(speech, key, act)
    for entry in speech.rules.automatic:
        yield _make(
            f"automatic.{entry.act}.{'.'.join(entry.on)}",
            f"系统自动做{speech.act(entry.act)}",
            {
                "一有": speech.happenings(entry.on),
                "条件": speech.when(entry.when),
                "启用": () if entry in speech.rules.consequences else "没有启用",
            },
            entry.clause,
            entry.inferred,
        )
    if sample := speech.rules.verification:
        shares: dict[str, Aspect] = {
            "": f"抽 {sample.rate:.0%}",
            "这些都要查": tuple(speech.label(x) for x in sample.always),
        }
        yield _make("verification", "核查", shares, sample.clause, sample.inferred)
    if batch := speech.rules.visit_batch:
        drawn: dict[str, Aspect] = {"": f"每月抽 {batch.share:.0%}", "会同": speech.slot(batch.companion)}
        yield _make("visit_batch", "会同回访", drawn, batch.clause, batch.inferred)
    rating = speech.rules.rating
    levels = tuple(f"{x.label}（{x.score}{'，差评' if x.bad else ''}，{x.code}）" for x in rating.levels)
    aspects: dict[str, Aspect] = {"": levels, "算满意的从": f"{rating.satisfied_from} 分起"}
    yield _make("rating", "评价", aspects, rating.clause, rating.inferred)


def _act(speech: Speech, key: str, act: Act) -> Told:
    slot = flow.SLOTS.get(key, "")
    aspects: dict[str, Aspect] = {
        "谁": speech.slot(slot),
        "先要": speech.happenings(act.after),
        "条件": speech.when(act.when),
        "要有": speech.duty(act.needs_duty) if act.needs_duty else "",
        "不能还有": tuple(speech.duty(x) for x in act.blocked_by),
        "次数": _yes(act.once, "每轮一次"),
        "记下": tuple(dict.fromkeys(speech.moment(x) for x in act.moments)),
        "重新填": tuple(speech.label(x) for x in act.clears),
        "被反映单位": _yes(not act.shielded, "反映人受保护时不能做"),
        SILENT: json.dumps([act.style, act.moments]),
    }
    return _make(f"acts.{key}", f"“{act.label}”", aspects, act.clause, act.inferred)


def _fields(speech: Speech) -> Iterator[Told]:
    for key, act in speech.rules.acts.items():
        for asked in act.fields:
            place = f"acts.{key}"
            yield _asked(speech, f"{place}.fields.{asked.id}", f"{speech.act(key)}要填的", asked, place)
    for name, choices in speech.rules.lists.items():
        users = (x.label for x in speech.rules.asked if x.choices_from == name)
        noun = next(users, "选项")
        for choice in choices:
            yield _choice(f"lists.{name}", noun, choice)
    for way in speech.rules.ways:
        yield _choice("ways", "联系方式", way)


def _asked(speech: Speech, key: str, noun: str, asked: Asked, of: str = "") -> Told:
    listed: Aspect = tuple(x.label for x in asked.choices)
    codes = [x.code for x in asked.choices]
    if asked.choices_from:
        listed = f"见{_LISTS.get(asked.choices_from, asked.label)}"
    aspects: dict[str, Aspect] = {
        "": _KINDS[asked.kind],
        "填不填": "必填" if asked.required else "可不填",
        "这时必填": speech.when(asked.required_when),
        "这时才问": speech.when(asked.shown_when),
        "选项": listed,
        "说明": asked.help,
        "字数": f"{asked.limit} 字" if asked.kind in ("text", "long") else "",
        "保密": "加密存放" if asked.personal else "",
        "不选就是": speech.code(asked.default, asked.id),
        "单位": tuple(UNIT_KINDS.get(x, x) for x in asked.unit_kinds),
        SILENT: json.dumps([asked.suggest, asked.limit, asked.personal, asked.choices_from, codes]),
        CITED: tuple(f"{x.label}{x.clause}{_yes(x.inferred, GUESSED)}" for x in asked.choices),
    }
    return _make(key, f"{noun}：{asked.label}", aspects, asked.clause, asked.inferred, of)


def _who(speech: Speech) -> Iterator[Told]:
    for slot, roles in speech.rules.slots.items():
        name = SLOTS.get(slot) or _FIXED.get(slot) or speech.slot(slot)
        yield _make(f"slots.{slot}", name, {"": tuple(speech.role(x) for x in roles)})
    for role, title in speech.rules.titles.items():
        yield _make(f"titles.{role}", "称呼", {"": title})


def _duties(speech: Speech) -> Iterator[Told]:
    for duty in speech.rules.duties:
        yield _duty(speech, duty)


def _duty(speech: Speech, duty: Duty) -> Told:
    span = speech.length(duty.due) if duty.due else ""
    anchor = f"，从{speech.moment(duty.anchor)}起算" if duty.anchor else ""
    kinds = {
        "单位的时限": duty.closing,
        "过了不算逾期": duty.soft,
        "再发生就换新的": duty.renews,
        "每个会办单位各一份": bool(duty.each),
    }
    aspects: dict[str, Aspect] = {
        "谁": speech.slot(duty.holder),
        "期限": f"{span}{anchor}",
        "没有期限": duty.undated,
        "开始": speech.happenings(duty.opens_on),
        "条件": speech.when(duty.when),
        "做到": speech.happenings(duty.met_by),
        "不用再做": speech.happenings(duty.void_on),
        "重新计时": speech.happenings(duty.rearm),
        "性质": tuple(name for name, holds in kinds.items() if holds),
    }
    return _make(f"duties.{duty.key}", duty.title, aspects, duty.clause, duty.inferred)


def _steps(speech: Speech) -> Iterator[Told]:
    for duty in speech.rules.duties:
        for step in duty.steps:
            yield _step(speech, duty, step)


def _step(speech: Speech, duty: Duty, step: Step) -> Told:
    aspects: dict[str, Aspect] = {
        "告诉": tuple(speech.slot(x) for x in step.tell),
        "消息": f"“{speech.heading(step.notice)}”" if step.notice else "",
        "记下": "、".join(
            filter(None, (_MARKS.get(step.mark, ""), speech.moment(step.moment) if step.moment else ""))
        ),
        "缓急": _yes(step.urgent, "要紧，不并进汇总"),
    }
    place = f"duties.{duty.key}"
    name = f"“{speech.duty(duty.key)}”{at(step.at)}"
    return _make(f"{place}.steps.{step.key}", name, aspects, step.clause, step.inferred, place)


def _notices(speech: Speech) -> Iterator[Told]:
    seen: set[str] = set()
    for notice in speech.rules.notices:
        key = f"notices.{notice.key or notice.template}:{notice.to}"
        # Where one recipient gets one message on several occasions, each in its own words.
        key = f"{key} {' '.join(notice.on)}" if key in seen else key
        seen.add(key)
        yield _notice(speech, key, notice)


def _notice(speech: Speech, key: str, notice: Notice) -> Told:
    aspects: dict[str, Aspect] = {
        "条件": speech.when(notice.when),
        "时候": "马上，夜里也发" if notice.timing == "now" else "上班时间发",
        "缓急": _yes(notice.urgent, "要紧，不并进汇总"),
        "没有微信时": {"call": "由人打电话告诉", "printed": "当场打印就算送到"}.get(notice.reach, ""),
        "送到就算": speech.duty(notice.effect),
    }
    on = "或".join(speech.happenings(notice.on)) or "（本规则没有的事）"
    name = f"{on}后告诉{speech.slot(notice.to)}“{speech.heading(notice.template)}”"
    return _make(key, name, aspects, notice.clause, notice.inferred)


def _papers(speech: Speech) -> Iterator[Told]:
    papers = {f"forms.{key}": value for key, value in speech.rules.forms.items()}
    if speech.rules.ledger:
        papers["ledger"] = speech.rules.ledger
    for key, value in papers.items():
        if isinstance(value, Mapping):
            yield _paper(speech, key, value)


def _paper(speech: Speech, key: str, paper: Mapping[str, Any]) -> Told:
    grid = [*(entry for row in paper.get("grid", ()) for entry in row), *paper.get("columns", ())]
    labels = tuple(x["label"] for x in grid if isinstance(x, Mapping) and x.get("label"))
    aspects: dict[str, Aspect] = {
        "栏目": labels,
        "表头": tuple(_blanks(x) for x in paper.get("head", ())),
        "表尾": tuple(_blanks(str(x.get("text", ""))) for x in paper.get("foot", ())),
        "别名": tuple(paper.get("titles", {}).values()),
        "签字": {"confirmation": "系统里确认就算签字", "scan": "要签字盖章的扫描件"}.get(
            str(paper.get("signature_mode", "")), ""
        ),
        "不给被反映单位看": tuple(speech.label(x) for x in paper.get("shield", ())),
        SILENT: json.dumps(
            {k: v for k, v in paper.items() if k not in ("clause", "inferred")}, sort_keys=True
        ),
    }
    title = f"《{paper.get('title', key)}》"
    return _make(key, title, aspects, str(paper.get("clause", "")), bool(paper.get("inferred")))


_PLACE: Final = re.compile(r"\{(\w+)(?::(\d+))?\}")
_OF_NUMBER: Final[Mapping[str, str]] = {
    "unit": "单位代号",
    "site": "窗口代号",
    "yyyy": "年份",
    "yyyymmdd": "年月日",
}


def _number(form: str) -> str:
    """XJ〔年份〕〔5 位顺序号〕, of a number's format."""

    def words(found: re.Match[str]) -> str:
        name, width = found.groups()
        of_day = "当天的 " if name == "day_seq" else ""
        return f"〔{_OF_NUMBER.get(name) or f'{of_day}{width} 位顺序号'}〕"

    return _PLACE.sub(words, form)


def _blanks(line: str) -> str:
    """A line of a form as it is printed empty."""
    return _PLACE.sub("＿＿", line)


def _questions(speech: Speech) -> Iterator[Told]:
    intake = speech.rules.intake
    yield _make("intake.greeting", "开头的话", {"": intake.greeting})
    yield _make("intake.promise", "对群众的承诺", {"": intake.promise}, intake.promise_clause)
    for asked in intake.questions:
        yield _asked(speech, f"intake.questions.{asked.id}", "问", asked)
    nouns = {"scope": "受理范围", "sub_kinds": "类别", "grounds": "情形"}
    for name, noun in nouns.items():
        for choice in getattr(intake, name):
            yield _choice(f"intake.{name}", noun, choice)
    marks = tuple(
        f"{speech.label(key)}：{speech.code(code, key)}"
        for key, codes in intake.conduct.items()
        for code in codes
    )
    conduct: dict[str, Aspect] = {"": marks, "听到这些话": intake.conduct_words}
    yield _make("intake.conduct", "算反映态度作风的", conduct)
    yield _make("intake.privacy_version", "告知书版本", {"": intake.privacy_version})


def _exclusions(speech: Speech) -> Iterator[Told]:
    for x in speech.rules.intake.exclusions:
        yield _exclusion(speech, x)


def _exclusion(speech: Speech, x: Exclusion) -> Told:
    aspects: dict[str, Aspect] = {
        "听到这些话": x.words,
        "除非说到": x.unless,
        "条件": speech.when(x.when),
        SILENT: x.target,
    }
    return _make(f"intake.exclusions.{x.code}", x.label, aspects, x.clause, x.inferred)


def _consequences(speech: Speech) -> Iterator[Told]:
    for finding in speech.rules.findings:
        yield _finding(speech, finding)
    for entry in speech.rules.proposals:
        yield _consequence(speech, entry)


def _finding(speech: Speech, finding: Finding) -> Told:
    aspects: dict[str, Aspect] = {
        "谁记": speech.slot(finding.by),
        "要填": tuple(_ABOUT[x] for x in finding.about),
        "次数": f"每次{speech.act(finding.after) or finding.after}记一次" if finding.after else "",
        "条件": _yes(finding.redone, "重办过的事"),
        SILENT: finding.codes,
    }
    return _make(f"findings.{finding.key}", f"记“{finding.title}”", aspects, finding.clause, finding.inferred)


def _consequence(speech: Speech, entry: Consequence) -> Told:
    numbers: dict[str, Aspect] = {
        "absence": "有人记了不按时到岗",
        "finding": "有人记了",
        "missed": "过了期限",
        "recurring": f"确认是同类问题的，{entry.months} 个月内 {entry.at_least} 次",
        "repeated": f"同一个人 {entry.months} 个月内 {entry.at_least} 次",
        "dissatisfied": f"{entry.months} 个月满意率低于 {entry.satisfied}%（评价不少于 {entry.ratings} 件）",
        "concentrated": f"{entry.months} 个月内反映 {entry.at_least} 件",
        "undone": "整改过期没有结果，或者不到位",
        "commendable": f"上一年办结 {entry.at_least} 件、评价 {entry.ratings} 件、满意率 {entry.satisfied}% 以上",
        "sent": "由人移送",
    }
    aspects: dict[str, Aspect] = {
        "": _SORTS[entry.kind],
        "根据": numbers[entry.rule],
        "看哪些": tuple(speech.evidence(x) for x in entry.of),
        "对": "工作人员" if entry.target == "person" else "单位",
        "分值": f"{entry.points} 分" if entry.points else "",
        "由谁决定": speech.slot(entry.decided_by),
        "谁可以提": speech.slot(entry.by) if entry.by else "",
        "决定时可填": tuple(_ASKED[x] for x in entry.asks),
        "决定时必填": tuple(_ASKED[x] for x in entry.needs),
        "决定后告诉": tuple(speech.slot(x) for x in entry.tell),
        SILENT: json.dumps([entry.months, entry.at_least, entry.ratings, entry.satisfied]),
    }
    return _make(f"proposals.{entry.key}", f"提请“{entry.title}”", aspects, entry.clause, entry.inferred)


def _reports(speech: Speech) -> Iterator[Told]:
    for report in speech.rules.reports:
        aspects: dict[str, Aspect] = {
            "": _CYCLES[report.cycle],
            "哪天": _report_day(report),
            "每个单位一份": tuple(UNIT_KINDS.get(x, x) for x in report.unit_kinds)
            or _yes(bool(report.each), "是"),
            "谁写": speech.slot(report.writer) if report.writer else "",
            "谁签发": speech.slot(report.signer) if report.signer else "",
            "送谁": tuple(speech.slot(x) for x in report.to),
            "写什么": tuple(figures.TITLES.get(x, x) for x in report.sections),
            "各单位的数": tuple(figures.head(x) for x in report.columns),
            SILENT: json.dumps(
                [report.paper, report.by, report.each, report.unit_kinds, report.day, report.shift]
            ),
        }
        yield _make(f"reports.{report.key}", f"报告“{report.title}”", aspects, report.clause, report.inferred)


_CYCLES: Final = {
    "demand": "随时可算",
    "daily": "每个工作日",
    "weekly": "每周",
    "monthly": "每月",
    "bimonthly": "每两个月",
    "quarterly": "每季度",
    "yearly": "每年",
}


def _report_day(report: Report) -> str:
    if report.cycle == "weekly":
        moved = "前一个工作日" if report.shift == "previous" else "后一个工作日"
        return f"周{'一二三四五六日'[report.day - 1] if report.day <= 7 else report.day}，逢休息日改为{moved}"
    return f"期后第 {report.day} 个工作日" if report.cycle not in ("demand", "daily") else ""


def _rosters(speech: Speech) -> Iterator[Told]:
    for roster in speech.rules.rosters:
        aspects: dict[str, Aspect] = {
            "": "每个工作日一人" if roster.cycle == "daily" else "每周一人",
            "谁轮": tuple(speech.role(x) for x in roster.roles),
            "哪天": f"周{'一二三四五'[roster.weekday - 1]}" if roster.cycle == "weekly" else "",
            "半天": {"am": "上午", "pm": "下午"}.get(roster.half, ""),
            "谁排": speech.slot(roster.editor),
            "谁记不到岗": speech.slot(roster.watcher) if roster.watcher else "",
            "可以不排": _yes(roster.optional, "是"),
            "受理的事归当日值班人": _yes(roster.takes, "是"),
            "提前一个工作日提醒": _yes(roster.remind, "是"),
            SILENT: json.dumps([roster.weekday, roster.half]),
        }
        yield _make(
            f"rosters.{roster.key}", f"值守表“{roster.title}”", aspects, roster.clause, roster.inferred
        )


def _imports(speech: Speech) -> Iterator[Told]:
    for table in speech.rules.imports:
        heads = tuple(f"{head}（{speech.label(field)}）" for field, head in table.columns.items())
        aspects: dict[str, Aspect] = {
            "": "每行登记成一件",
            "怎样认出同一条": table.number,
            "栏目": heads,
            "没有写时": tuple(f"{speech.label(k)}：{speech.code(v, k)}" for k, v in table.values.items()),
            SILENT: json.dumps([table.columns, table.values], ensure_ascii=False, sort_keys=True),
        }
        yield _make(f"imports.{table.key}", f"导入“{table.title}”", aspects, table.clause, table.inferred)


def _decisions(speech: Speech) -> Iterator[Told]:
    for x in speech.rules.decisions:
        yield _make(f"decisions.{x.id}", x.point, {"": x.chosen, "为什么": x.why})


def _clauses(speech: Speech) -> Iterator[Told]:
    for key, clause in speech.rules.clauses.items():
        aspects: dict[str, Aspect] = {
            "": clause.text,
            "题目": clause.title,
            "位置": clause.place,
            "由什么落实": clause.by,
            "为什么不做": clause.not_served,
        }
        yield _make(f"clauses.{key}", key, aspects)
