"""The conversation with a citizen: it fills the application form, and answers beside it.

A draft is a case at stage DRAFT; what was said is kept in its facts at once, so that nothing is lost when she
stops for three days. The dialogue row remembers only what was asked. Words are not chosen here: a turn returns
replies by name (`templates/intake/NAME.txt`), with values and choices.

The conversation decides nothing about the matter: where it looks excluded it only says who is competent and
offers 仍请窗口看一看 (XJ-1.5, AMB-G22); a person confirms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import store, views
from core.case import Case
from core.desk import attach
from core.desk.act import Actor, perform
from core.desk.fields import EMAIL, NO, SKIPPED, YES, Wrong, read
from core.office import Office
from core.people import Person
from core.policy.model import Asked, Choice, Exclusion, Profile, holds
from core.privacy import clean, normal_phone
from core.refusals import Refusal

RESUME_AFTER: Final = timedelta(hours=6)
LONG_ASIDE: Final = 24  # a longer text in answer to a choice is more of the matter, not a choice
MEDIA: Final = frozenset({"image", "voice", "video", "file"})


@dataclass(frozen=True)
class Said:
    """One message of a citizen. `media_id` for pictures and voice; `choice` what a tap on a menu carries
    (an act of a case: `case_id`)."""

    kind: str
    text: str = ""
    media_id: str = ""
    choice: str = ""
    case_id: int | None = None


@dataclass(frozen=True)
class Reply:
    """What to say back: a template's name, its values, and choices she may tap (code, label)."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[tuple[str, str], ...] = ()


@dataclass
class Talk:
    """A turn being taken: everything it needs, and the replies so far."""

    office: Office
    conn: Connection
    person: Person
    channel: str
    now: datetime
    rules: Profile
    case: Case | None
    state: dict[str, Any]
    replies: list[Reply] = field(default_factory=list)

    @property
    def actor(self) -> Actor:
        return Actor(self.person, f"chat:{self.channel}")

    @property
    def asked(self) -> str:
        return str(self.state.get("asked", ""))

    def say(self, name: str, choices: tuple[tuple[str, str], ...] = (), **values: Any) -> None:
        self.replies.append(Reply(name, values, choices))

    def draft(self) -> Case:
        """The draft of this conversation, opened when it is first needed."""
        if self.case is None or self.case.stage != "DRAFT":
            self.case = cases.open_case(
                self.conn,
                profile=self.rules.name,
                version=self.rules.version,
                channel=self.channel,
                contact_id=self.person.id,
                now=self.now,
            )
        return self.case

    def keep(self, asked: Asked, value: str) -> None:
        self._note(asked.id, text=value) if asked.personal else self._note(asked.id, code=value[:64])

    def skip(self, asked: Asked) -> None:
        self._note(asked.id, code=SKIPPED)

    def code(self, name: str, value: str | None) -> None:
        self._note(name, code=value)

    def _note(self, name: str, *, code: str | None = None, text: str | None = None) -> None:
        vault = self.office.vault
        self.case = cases.note(
            self.conn, vault, self.draft(), name, now=self.now, by=self.person.id, code=code, text=text
        )

    def words(self) -> dict[str, str]:
        return cases.words(self.conn, self.office.vault, self.case.id) if self.case else {}


# --- a turn ---------------------------------------------------------------------------------------------


def turn(
    office: Office, conn: Connection, person: Person, channel: str, said: Said, now: datetime
) -> tuple[Reply, ...]:
    """Take one message of a citizen and say what to answer. Everything she said is kept in this transaction."""
    talk = _begin(office, conn, person, channel, now)
    text = clean(said.text, 6000).strip()
    said = Said(said.kind, text, said.media_id, said.choice, said.case_id)
    if "greeted" not in talk.state:
        talk.say("greeting", privacy=talk.rules.intake.privacy_version)
        talk.state["greeted"] = talk.rules.intake.privacy_version
    try:
        _take(talk, said)
    except Refusal as refusal:
        talk.say("refused", refusal=refusal)
    _end(talk)
    return tuple(talk.replies)


def greet(office: Office, conn: Connection, person: Person, channel: str, now: datetime) -> tuple[Reply, ...]:
    """She followed the account, or came back: a plain greeting and the privacy notice, its version recorded."""
    talk = _begin(office, conn, person, channel, now)
    talk.say("greeting", privacy=talk.rules.intake.privacy_version)
    talk.state["greeted"] = talk.rules.intake.privacy_version
    if talk.asked:
        _resume(talk)
    else:
        talk.say("begin")
    _end(talk)
    return tuple(talk.replies)


def _begin(office: Office, conn: Connection, person: Person, channel: str, now: datetime) -> Talk:
    row = conn.execute(
        sa.select(store.dialogue).where(store.dialogue.c.person_id == person.id).with_for_update()
    ).one_or_none()
    case = cases.load(conn, row.case_id) if row and row.case_id else None
    state = dict(row.state) if row else {}
    if row and state.get("asked") and now - row.updated_at > RESUME_AFTER:
        state["away"] = True
    rules = office.rules(conn, case) if case else office.profile
    return Talk(office, conn, person, channel, now, rules, case, state)


def _end(talk: Talk) -> None:
    choices = next((r.choices for r in reversed(talk.replies) if r.choices), ())
    talk.state["choices"] = [list(c) for c in choices]
    values = {"case_id": talk.case.id if talk.case else None, "state": talk.state, "updated_at": talk.now}
    store.insert_once(talk.conn, store.dialogue, ("person_id",), person_id=talk.person.id, **values)
    mine = store.dialogue.c.person_id == talk.person.id
    talk.conn.execute(sa.update(store.dialogue).where(mine).values(**values))


def _take(talk: Talk, said: Said) -> None:
    if said.choice and said.case_id is not None and _tapped(talk, said):
        return
    if talk.state.pop("away", None):
        _resume(talk)
        if _HELLO.fullmatch(said.text):
            return
    if said.kind == "text":
        command = _command(said.text)
        if command:
            command(talk, said.text)
            return
    handler = _ASIDE.get(talk.asked)
    if handler:
        handler(talk, said)
    elif talk.asked:
        _answer(talk, said)
    else:
        _idle(talk, said)


def _idle(talk: Talk, said: Said) -> None:
    """Nothing was asked: an answer to an officer's question, a word to the window, a rating, or a new matter."""
    waiting = _case_with(talk, "answer")
    if waiting and (said.text or said.kind in MEDIA):
        if said.kind in MEDIA:
            _attach_to(talk, waiting, said)
        text = said.text or f"（发来{_MEDIA_WORDS[said.kind]}）"
        perform(talk.office, talk.conn, talk.actor, waiting, "answer", now=talk.now, values={"answer": text})
        talk.say("answered", number=waiting.number)
        return
    score = _score_of(talk, said.text)
    rated = _case_with(talk, "rating")
    if score and rated:
        _rate(talk, rated, score)
        return
    served = _case_with(talk, "human")
    if served and said.text:
        _to_window(talk, served, said.text)
        return
    if said.kind in MEDIA and (running := _newest_open(talk)):
        _attach_to(talk, running, said)
        perform(talk.office, talk.conn, talk.actor, running, "add", now=talk.now)
        talk.say("added", number=running.number, what=_MEDIA_WORDS[said.kind])
        return
    if not said.text and said.kind not in MEDIA:
        talk.say("unsupported")
        return
    if _HELLO.fullmatch(said.text):
        talk.say("begin")
        return
    if _ASKING.fullmatch(said.text) and (answer := _faq(said.text)):
        talk.say("faq", key=answer)
        return
    talk.state |= {"asked": "content", "trail": []}
    _answer(talk, said)


# --- filling the form -----------------------------------------------------------------------------------


def _answer(talk: Talk, said: Said) -> None:
    asked = _question(talk.rules, talk.asked)
    if said.kind in MEDIA:
        _attach_to(talk, talk.draft(), said)
        if asked.id == "content":
            talk.say("content_more", (_DONE,), what=_MEDIA_WORDS[said.kind])
        elif asked.kind == "files":
            talk.say("files_more", (("none", "没有了"),), what=_MEDIA_WORDS[said.kind])
        else:
            talk.say("kept_file", what=_MEDIA_WORDS[said.kind])
            _ask(talk, asked)
        return
    if not said.text:
        talk.say("unsupported")
        _ask(talk, asked)
        return
    if asked.id == "content":
        _tell(talk, said.text)
    elif asked.kind == "files":
        _files(talk, asked, said.text)
    else:
        _fill(talk, asked, said.text)


def _tell(talk: Talk, text: str) -> None:
    """The matter, in her own words and as many messages as she likes."""
    if text in _DONE_WORDS:
        if "content" not in talk.words():
            if not attach.of_case(talk.conn, talk.office.vault, talk.draft().id):
                talk.say("content_empty")
                return
            talk.keep(_question(talk.rules, "content"), "（见语音和图片，窗口会听写成文字）")
        _look(talk)
        return
    if _ASKING.fullmatch(text) and (key := _faq(text)):
        talk.say("faq", key=key)
        talk.say("content_more", (_DONE,), what="")
        return
    before = talk.words().get("content", "")
    question = _question(talk.rules, "content")
    whole = f"{before}\n{text}".strip()
    if len(whole) > question.limit:
        talk.say("content_full", (_DONE,), limit=question.limit)
        return
    talk.keep(question, whole)
    talk.say("content_more" if before else "content_first", (_DONE,), what="")


def _look(talk: Talk) -> None:
    """After the matter is told: does it look excluded, is it about conduct? Only hints, never decisions."""
    content = talk.words().get("content", "")
    suspected = any(word in content for word in talk.rules.intake.conduct_words)
    talk.code("conduct_suspected", "yes" if suspected else None)
    excluded = exclusion_of(talk.rules, content)
    if excluded and not talk.state.get("insisted"):
        target = talk.office.hall.guidance.get(excluded.target)
        if target:
            talk.code("exclusion_suggested", excluded.code)
            talk.state["asked"] = "excluded"
            talk.say(
                "excluded",
                (("look", "仍请窗口看一看"), ("go", "我去找他们")),
                label=excluded.label,
                target=target,
                clause=excluded.clause,
            )
            return
    _next(talk)


def exclusion_of(rules: Profile, content: str) -> Exclusion | None:
    """The exclusion that the words of a matter point to, if any (a suggestion, XJ-1.5)."""
    for exclusion in rules.intake.exclusions:
        if any(w in content for w in exclusion.words) and not any(w in content for w in exclusion.unless):
            return exclusion
    return None


def _excluded(talk: Talk, said: Said) -> None:
    choice = _chosen(talk, said.text)
    if choice == "go" or said.text in NO:
        perform(talk.office, talk.conn, talk.actor, talk.draft(), "withdraw", now=talk.now)
        talk.case, talk.state["asked"] = None, ""
        talk.say("gone")
    elif choice == "look" or "看" in said.text or said.text in YES:
        talk.state["insisted"] = True
        talk.say("looked_at")
        _next(talk)
    else:
        before = talk.words().get("content", "")
        talk.keep(_question(talk.rules, "content"), f"{before}\n{said.text}".strip()[:5000])
        talk.say("excluded_again", (("look", "仍请窗口看一看"), ("go", "我去找他们")))


def _fill(talk: Talk, asked: Asked, text: str) -> None:
    """An answer to a question; also an answer to another one, more of the matter, or a question of hers."""
    choices = talk.rules.choices(asked)
    code = _choice_of(choices, text) if choices else text
    if not asked.required and text in _SKIP_WORDS:
        talk.skip(asked)
        _next(talk)
        return
    try:
        if code is None or (asked.kind == "text" and _is_no_name(text)):
            raise Wrong("choice")
        talk.keep(asked, read(talk.rules, asked, code))
    except Wrong as wrong:
        if _other_field(talk, asked, text):
            talk.say("kept_other", label=_kept_label(talk, text))
        elif (key := _faq(text)) or text.endswith(("?", "？")):
            talk.say("faq", key=key or "other")
        elif choices and len(text) > LONG_ASIDE:
            before = talk.words().get("content", "")
            talk.keep(_question(talk.rules, "content"), f"{before}\n{text}".strip()[:5000])
            talk.say("kept_content")
        else:
            talk.say("wrong", code=wrong.code, label=asked.label)
        _ask(talk, asked)
        return
    _next(talk)


def _is_no_name(text: str) -> bool:
    """A question, a telephone number or an address in answer to "what is your name"."""
    return text.endswith(("?", "？")) or normal_phone(text) is not None or EMAIL.fullmatch(text) is not None


def _other_field(talk: Talk, asked: Asked, text: str) -> bool:
    """She answered out of order: a phone number or an e-mail address is recognised wherever it comes."""
    for question in talk.rules.intake.questions:
        if question.id != asked.id and question.kind in ("phone", "email"):
            try:
                talk.keep(question, read(talk.rules, question, text))
            except Wrong:
                continue
            return True
    return False


def _kept_label(talk: Talk, text: str) -> str:
    kind = "phone" if normal_phone(text) else "email"
    return next(q.label for q in talk.rules.intake.questions if q.kind == kind)


def _files(talk: Talk, asked: Asked, text: str) -> None:
    if text in _SKIP_WORDS or _chosen(talk, text) == "none":
        count = len(attach.of_case(talk.conn, talk.office.vault, talk.draft().id))
        talk.code(asked.id, str(count) if count else SKIPPED)
        _next(talk)
        return
    before = talk.words().get("content", "")
    talk.keep(_question(talk.rules, "content"), f"{before}\n{text}".strip()[:5000])
    talk.say("kept_content")
    _ask(talk, asked)


def _next(talk: Talk) -> None:
    """Ask the next open question, or show the summary when none is left."""
    words, codes = talk.words(), talk.draft().codes
    for question in talk.rules.intake.questions:
        shown = holds(question.shown_when, {**talk.draft().facts(), **codes})
        if shown and question.id not in words and question.id not in codes and question.id != "content":
            trail = [q for q in talk.state.get("trail", []) if q != question.id]
            talk.state |= {"asked": question.id, "trail": [*trail, question.id]}
            _ask(talk, question)
            return
    _summary(talk)


def _ask(talk: Talk, asked: Asked) -> None:
    choices = tuple((c.code, c.label) for c in talk.rules.choices(asked))
    if asked.kind == "yesno":
        choices = (("yes", "是"), ("no", "否"))
    elif asked.kind == "files":
        choices = (("none", "没有了"),)
    elif not asked.required:
        choices = (*choices, ("skip", "跳过"))
    talk.say(f"ask_{asked.id}", choices, label=asked.label, codes=dict(talk.draft().codes))


def summary_lines(
    rules: Profile, case: Case, words: Mapping[str, str]
) -> tuple[tuple[int, str, str, str], ...]:
    """The form as it would be submitted: (number, field, label, text), numbered for 改第N项."""
    lines: list[tuple[int, str, str, str]] = []
    for question in rules.intake.questions:
        if not holds(question.shown_when, case.facts()):
            continue
        code = case.codes.get(question.id)
        text = words.get(question.id, "")
        if not text and code and code != SKIPPED:
            named = next((c.label for c in rules.choices(question) if c.code == code), "")
            text = named or {"yes": "是", "no": "否"}.get(
                code, f"{code}份" if question.kind == "files" else code
            )
        lines.append((len(lines) + 1, question.id, question.label, text or "（没有填）"))
    return tuple(lines)


def _summary(talk: Talk) -> None:
    lines = summary_lines(talk.rules, talk.draft(), talk.words())
    talk.state |= {"asked": "confirm", "edit": False}
    talk.say("summary", (("confirm", "确认提交"),), lines=lines)


def _confirm(talk: Talk, said: Said) -> None:
    text = said.text
    if _chosen(talk, text) == "confirm" or text in _CONFIRM_WORDS:
        case = perform(talk.office, talk.conn, talk.actor, talk.draft(), "submit", now=talk.now)
        talk.case = None
        talk.state = {"greeted": talk.state["greeted"]}
        talk.say("submitted", number=case.number)
        return
    if said.kind in MEDIA:
        _attach_to(talk, talk.draft(), said)
        talk.code("attachments", str(len(attach.of_case(talk.conn, talk.office.vault, talk.draft().id))))
        talk.say("kept_file", what=_MEDIA_WORDS[said.kind])
    elif label := _edit_by_label(talk, text):
        _edit(talk, label)
        return
    elif key := _faq(text):
        talk.say("faq", key=key)
    elif text:
        talk.say("confirm_how")
        return
    _summary(talk)


def _edit_by_label(talk: Talk, text: str) -> str:
    lines = summary_lines(talk.rules, talk.draft(), talk.words())
    return next((name for _, name, label, _ in lines if text.startswith("改") and label in text), "")


# --- commands at any point ------------------------------------------------------------------------------


def _cmd_human(talk: Talk, text: str) -> None:
    question = _HUMAN.sub("", text).strip(" ，,。:：")
    case = _newest_open(talk) if not talk.asked else None
    _to_window(talk, case or talk.draft(), question)
    if talk.asked:
        _ask_again(talk)


def _to_window(talk: Talk, case: Case, question: str) -> None:
    values = {"human_question": question} if question else {}
    done = perform(talk.office, talk.conn, talk.actor, case, "ask_human", now=talk.now, values=values)
    if talk.case and talk.case.id == done.id:
        talk.case = done


def _cmd_withdraw(talk: Talk, text: str) -> None:
    case = talk.case if talk.asked and talk.case else _newest_open(talk)
    if case is None:
        talk.say("nothing_to_withdraw")
        return
    talk.state |= {"before": talk.asked, "asked": "withdraw", "withdraw": case.id}
    talk.say("withdraw_sure", (("yes", "确认撤回"), ("no", "不撤回")), number=case.number or "")


def _withdraw(talk: Talk, said: Said) -> None:
    case = cases.load(talk.conn, talk.state.pop("withdraw"))
    before = talk.state.pop("before", "")
    if _chosen(talk, said.text) == "yes" or said.text in ("确认撤回", "撤回", "确认"):
        perform(talk.office, talk.conn, talk.actor, case, "withdraw", now=talk.now)
        if talk.case and talk.case.id == case.id:
            talk.case, before = None, ""
            talk.say("draft_dropped")
        else:
            talk.say("withdrawn_ok", number=case.number)
        talk.state["asked"] = before
        return
    talk.state["asked"] = before
    talk.say("not_withdrawn")
    if before:
        _ask_again(talk)


def _cmd_progress(talk: Talk, text: str) -> None:
    found = views.mine(talk.office, talk.conn, talk.person)
    number = re.search(r"[A-Za-z]{2}\d{6,}", text)
    if number:
        found = tuple(c for c in found if c.number == number[0].upper())
    talk.say(
        "progress",
        cases=tuple(c.id for c in found[:3]),
        more=max(0, len(found) - 3),
        drafting=bool(talk.asked),
    )
    if talk.asked:
        _ask_again(talk)


def _cmd_basis(talk: Talk, text: str) -> None:
    c = store.outbox.c
    clause = talk.conn.execute(
        sa.select(c.clause)
        .where(c.person_id == talk.person.id, c.clause != "")
        .order_by(c.id.desc())
        .limit(1)
    ).scalar()
    if talk.asked and talk.asked not in _ASIDE:
        clause = _question(talk.rules, talk.asked).clause
    talk.say("basis", clause=clause or talk.rules.intake.promise_clause)


def _cmd_back(talk: Talk, text: str) -> None:
    trail = list(talk.state.get("trail", []))
    if talk.asked == "confirm":
        target = trail[-1] if trail else "content"
    else:
        target = trail[trail.index(talk.asked) - 1] if talk.asked in trail[1:] else "content"
    if not talk.asked:
        talk.say("begin")
    elif target == "content":
        talk.state["asked"] = "content"
        talk.say("content_more", (_DONE,), what="")
    else:
        talk.code(target, None)
        talk.state["asked"] = target
        _ask(talk, _question(talk.rules, target))


def _cmd_edit(talk: Talk, text: str) -> None:
    if not talk.asked or talk.case is None:
        talk.say("nothing_to_edit")
        return
    number = _number(_EDIT.fullmatch(text)[1])  # type: ignore[index]
    lines = {n: name for n, name, _, _ in summary_lines(talk.rules, talk.draft(), talk.words())}
    if number not in lines:
        talk.say("no_such_item", count=len(lines))
        _ask_again(talk)
        return
    _edit(talk, lines[number])


def _edit(talk: Talk, name: str) -> None:
    question = _question(talk.rules, name)
    talk.code(name, None)
    talk.state |= {"asked": name}
    if name == "content":
        talk.say("content_anew", (_DONE,))
    else:
        _ask(talk, question)


def _cmd_restart(talk: Talk, text: str) -> None:
    if talk.asked and talk.case:
        perform(talk.office, talk.conn, talk.actor, talk.draft(), "withdraw", now=talk.now)
    talk.case = None
    talk.state = {"greeted": talk.state["greeted"], "asked": "content", "trail": []}
    talk.say("begin")


def _cmd_help(talk: Talk, text: str) -> None:
    talk.say("help")
    if talk.asked:
        _ask_again(talk)


def _cmd_object(talk: Talk, text: str) -> None:
    case = _case_with(talk, "approve_extension")
    if case is None:
        talk.say("nothing_to_object")
        return
    perform(talk.office, talk.conn, talk.actor, case, "object", now=talk.now)
    talk.say("objected", number=case.number)


def _cmd_insist(talk: Talk, text: str) -> None:
    if talk.asked == "excluded":
        _excluded(talk, Said("text", "仍请窗口看一看"))
        return
    guided = next((c for c in views.mine(talk.office, talk.conn, talk.person) if c.stage == "GUIDED"), None)
    if guided is None:
        talk.say("begin")
        return
    perform(talk.office, talk.conn, talk.actor, guided, "insist", now=talk.now)


def _cmd_new(talk: Talk, text: str) -> None:
    if talk.asked:
        _resume(talk)
        return
    talk.state |= {"asked": "content", "trail": []}
    talk.say("begin")


_HUMAN: Final = re.compile(r"^(转|找|要|换)?人工(客服|服务)?")
_EDIT: Final = re.compile(r"改(?:第)?\s*([0-9０-９一二三四五六七八九十]+)\s*(?:项|条|个)?")
_HELLO: Final = re.compile(r"(你好|您好|在吗|有人吗|hi|hello|喂|早上好|下午好)[！!。,，？?~～]*", re.I)
_COMMANDS: Final[tuple[tuple[re.Pattern[str], Callable[[Talk, str], None]], ...]] = (
    (_HUMAN, _cmd_human),
    (re.compile(r"(我要)?撤回(反映)?"), _cmd_withdraw),
    (
        re.compile(
            r".{0,6}(到哪一步了?|办到哪了?|办得怎么样了?|进度(查询)?|查进度|我的事项)[？?。]?\s*([A-Za-z]{2}\d+)?"
        ),
        _cmd_progress,
    ),
    (re.compile(r"(查看)?依据[？?]?"), _cmd_basis),
    (re.compile(r"(返回|上一步|上一项|退回上一步)"), _cmd_back),
    (_EDIT, _cmd_edit),
    (re.compile(r"(重新开始|重来|重填)"), _cmd_restart),
    (re.compile(r"(帮助|怎么用|help)[？?]?", re.I), _cmd_help),
    (re.compile(r"(我)?(没有?|不)同意(延期)?[！!。]?"), _cmd_object),
    (re.compile(r"仍请窗口看一看"), _cmd_insist),
    (re.compile(r"我要反映"), _cmd_new),
)


def _command(text: str) -> Callable[[Talk, str], None] | None:
    for pattern, command in _COMMANDS:
        if pattern is _HUMAN and pattern.match(text):
            return command
        if pattern.fullmatch(text):
            return command
    return None


# --- ratings, taps --------------------------------------------------------------------------------------


def _tapped(talk: Talk, said: Said) -> bool:
    """A tap on a message's choice, perhaps weeks old: understood by the case it names."""
    case = cases.load(talk.conn, said.case_id or 0)
    act, _, value = said.choice.partition(":")
    if case.contact_id != talk.person.id:
        talk.say("not_yours")
        return True
    if act == "rate":
        _rate(talk, case, value)
        return True
    perform(talk.office, talk.conn, talk.actor, case, act, now=talk.now)
    if act == "object":
        talk.say("objected", number=case.number)
    return True


def _rate(talk: Talk, case: Case, score: str) -> None:
    perform(talk.office, talk.conn, talk.actor, case, "rate", now=talk.now, values={"score": score})
    label = next(level.label for level in talk.rules.rating.levels if str(level.score) == score)
    talk.state |= {"asked": "comment", "comment": case.id} if not talk.asked else {}
    talk.say("rated", (("none", "不补充了"),), label=label)


def _comment(talk: Talk, said: Said) -> None:
    case = cases.load(talk.conn, talk.state.pop("comment"))
    talk.state["asked"] = ""
    if said.text in _SKIP_WORDS or _chosen(talk, said.text) == "none":
        talk.say("no_comment")
        return
    if not said.text:
        talk.say("unsupported")
        return
    perform(
        talk.office,
        talk.conn,
        talk.actor,
        case,
        "comment",
        now=talk.now,
        values={"rating_comment": said.text},
    )
    talk.say("commented")


def _score_of(talk: Talk, text: str) -> str:
    return next((str(level.score) for level in talk.rules.rating.levels if level.label == text), "")


_ASIDE: Final[Mapping[str, Callable[[Talk, Said], None]]] = {
    "excluded": _excluded,
    "confirm": _confirm,
    "withdraw": _withdraw,
    "comment": _comment,
}


# --- small helpers --------------------------------------------------------------------------------------

_DONE: Final = ("done", "说完了")
_DONE_WORDS: Final = frozenset({"说完了", "说完", "完了", "没了", "没有了", "好了", "就这些", "就这样", "1"})
_SKIP_WORDS: Final = frozenset(
    {"跳过", "没有", "没有了", "不填", "无", "不用", "不补充了", "没", "记不清", "不记得", "不知道", "忘了"}
)
_CONFIRM_WORDS: Final = frozenset(
    {"确认提交", "确认", "提交", "对", "是", "是的", "没问题", "1", "好", "可以"}
)
_MEDIA_WORDS: Final[Mapping[str, str]] = {"image": "图片", "voice": "语音", "video": "视频", "file": "文件"}
# Short questions she may ask in between; the answers stand in `templates/intake/faq.txt`.
_FAQ: Final[Mapping[str, tuple[str, ...]]] = {
    "how_long": ("多久", "几天", "什么时候能", "多长时间", "要等"),
    "privacy": ("保密", "泄露", "会不会知道", "知道是我", "隐私", "实名"),
    "cost": ("收费", "多少钱", "要钱", "免费"),
    "where": ("在哪", "地址", "怎么去", "电话多少", "打什么电话", "上班时间", "几点"),
    "material": ("带什么", "什么材料", "哪些材料", "怎么发照片", "发照片"),
    "who": ("你是谁", "机器人", "真人", "你是人"),
}

# While she tells, only what sounds like a question is one: 注册地址变更办不下来 is a matter.
_ASKING: Final = re.compile(
    r".*([?？]|吗|呢)[。！!]*|"
    r".{0,6}(多久|多长时间|几天|多少钱?|在哪里?|怎么去|几点|上班时间|(什么|哪些)材料|带什么|谁|真人|机器人)"
)


def _faq(text: str) -> str:
    if len(text) > LONG_ASIDE:
        return ""
    return next((key for key, words in _FAQ.items() if any(w in text for w in words)), "")


def _question(rules: Profile, name: str) -> Asked:
    return next(q for q in rules.intake.questions if q.id == name)


def _choice_of(choices: tuple[Choice, ...], text: str) -> str | None:
    """The choice that a text means: its code or label, its number in the list, or words of its label."""
    for choice in choices:
        if text in (choice.code, choice.label):
            return choice.code
    number = _number(text.rstrip("、.。 "))
    if 1 <= number <= len(choices):
        return choices[number - 1].code
    near = [c for c in choices if len(text) >= 2 and (text in c.label or c.label in text)]
    return near[0].code if len(near) == 1 else None


def _chosen(talk: Talk, text: str) -> str:
    """The choice of the last reply that a text names."""
    for i, (code, label) in enumerate(talk.state.get("choices", []), start=1):
        if text in (code, label, str(i)):
            return str(code)
    return ""


def _number(text: str) -> int:
    digits = text.translate(str.maketrans("０１２３４５６７８９", "0123456789"))
    if digits.isdecimal():
        return int(digits) if len(digits) < 4 else 0
    numerals = "零一二三四五六七八九十"
    if len(text) == 1 and text in numerals:
        return numerals.index(text)
    return 10 + numerals.index(text[1]) if len(text) == 2 and text[0] == "十" and text[1] in numerals else 0


def _resume(talk: Talk) -> None:
    talk.say("resume")
    _ask_again(talk)


def _ask_again(talk: Talk) -> None:
    if talk.asked == "confirm":
        _summary(talk)
    elif talk.asked == "content":
        talk.say("content_more", (_DONE,), what="")
    elif talk.asked == "excluded":
        talk.say("excluded_again", (("look", "仍请窗口看一看"), ("go", "我去找他们")))
    elif talk.asked not in _ASIDE:
        _ask(talk, _question(talk.rules, talk.asked))


def _attach_to(talk: Talk, case: Case, said: Said) -> None:
    attach.expect(
        talk.conn,
        case.id,
        channel=talk.channel,
        media_id=said.media_id,
        purpose="voice" if said.kind == "voice" else "material",
        by_id=talk.person.id,
        now=talk.now,
    )


def _case_with(talk: Talk, duty_key: str) -> Case | None:
    """The newest case of this person with such a duty open."""
    c, d = store.case.c, store.duty.c
    found = talk.conn.execute(
        sa.select(c.id)
        .join(store.duty, d.case_id == c.id)
        .where(c.contact_id == talk.person.id, d.key == duty_key, d.state == "open")
        .order_by(c.id.desc())
        .limit(1)
    ).scalar()
    return cases.load(talk.conn, found) if found else None


def _newest_open(talk: Talk) -> Case | None:
    mine = views.mine(talk.office, talk.conn, talk.person)
    return next((c for c in mine if c.stage not in ("CLOSED", "WITHDRAWN", "ARCHIVED", "GUIDED")), None)


__all__ = ["Reply", "Said", "exclusion_of", "greet", "summary_lines", "turn"]
