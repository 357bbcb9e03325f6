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
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import duties, flow, hearing, outbox, people, store, suggest, views
from core.case import Case
from core.desk import attach
from core.desk.act import Actor, perform
from core.desk.fields import SKIPPED, Wrong, needed, read
from core.office import Office
from core.people import SITE, Entry, Person
from core.policy.model import Asked, Choice, Exclusion, Profile, holds
from core.privacy import clean
from core.refusals import UNKNOWN_CASE, Refusal
from core.workdays import local_day

RESUME_AFTER: Final = timedelta(hours=6)
LONG_ASIDE: Final = 12  # a longer text that answers nothing is more of the matter
MEDIA: Final = frozenset({"image", "voice", "video", "file"})
SPOKEN: Final = "（见语音和图片，窗口会听写成文字）"  # stands for a matter told without a written word
# Run at every turn: built once, because building a statement costs more than running it.
_MINE: Final = store.dialogue.c.person_id == sa.bindparam("whose")
_DIALOGUE: Final = sa.select(store.dialogue).where(_MINE).with_for_update()
_KEPT: Final = sa.update(store.dialogue).where(_MINE)
_WITH_DUTY: Final = (
    sa.select(store.case.c.id)
    .join(store.duty, store.duty.c.case_id == store.case.c.id)
    .where(
        store.case.c.contact_id == sa.bindparam("whose"),
        store.duty.c.key == sa.bindparam("duty"),
        store.duty.c.state == "open",
    )
    .order_by(store.duty.c.opened_at.desc(), store.case.c.id.desc())
    .limit(1)
)


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

    @property
    def asks(self) -> bool:
        """Whether an answer is expected; it stands last, below whatever else there is to say."""
        return bool(self.choices) or self.name.startswith("ask_")


@dataclass(frozen=True)
class Taken:
    """A turn taken: what to say back, and the newest message in the outbox before her acts (None: she did none), for
    what they tell her goes with the answer."""

    replies: tuple[Reply, ...]
    since: int | None


@dataclass
class Talk:
    """A turn being taken: everything it needs, and what has come of it so far."""

    office: Office
    conn: Connection
    person: Person
    channel: str
    now: datetime
    rules: Profile
    case: Case | None
    state: dict[str, Any]
    last: datetime  # when she last said something
    replies: list[Reply] = field(default_factory=list)
    since: int | None = None

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
            entry = _entry(self.office, str(self.state.get("entry", "")))
            unit_id, site_id = (_unit_id(self.conn, key) for key in (entry.unit, entry.site))
            self.case = cases.open_case(
                self.conn,
                profile=self.rules.name,
                version=self.rules.version,
                channel=entry.channel or self.channel,
                contact_id=self.person.id,
                now=self.now,
                unit_id=unit_id,
                site_id=site_id,
            )
            if entry.section:
                self.code("section", entry.section)
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

    def perform(self, case: Case, act: str, **values: str) -> Case:
        """Do an act of hers."""
        if self.since is None:
            self.since = outbox.newest(self.conn)
        return perform(self.office, self.conn, self.actor, case, act, now=self.now, values=values)

    def words(self) -> dict[str, str]:
        return cases.words(self.office.vault, self.case) if self.case else {}


# --- a turn ---------------------------------------------------------------------------------------------


def turn(office: Office, conn: Connection, person: Person, channel: str, said: Said, now: datetime) -> Taken:
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
    return _end(talk)


def greet(
    office: Office, conn: Connection, person: Person, channel: str, now: datetime, code: str = ""
) -> Taken:
    """She followed the account, or came back: a plain greeting and the privacy notice, its version recorded. `code`:
    that of the sign or link by which she came in; what it stands for is not asked any more."""
    talk = _begin(office, conn, person, channel, now)
    if _entry(office, code).code and not talk.asked:
        talk.state["entry"] = code
        talk.case = None
    talk.say("greeting", privacy=talk.rules.intake.privacy_version)
    talk.state["greeted"] = talk.rules.intake.privacy_version
    if talk.asked:
        _resume(talk)
    else:
        talk.say("begin")
    return _end(talk)


def _entry(office: Office, code: str) -> Entry:
    """What a code of the hall stands for; an unknown one stands for nothing."""
    return next((entry for entry in office.hall.entries if code and entry.code == code), Entry(code=""))


def _unit_id(conn: Connection, key: str) -> int | None:
    return next((unit.id for unit in people.units(conn) if unit.key == key), None) if key else None


def _begin(office: Office, conn: Connection, person: Person, channel: str, now: datetime) -> Talk:
    row = conn.execute(_DIALOGUE, {"whose": person.id}).one_or_none()
    if row is None:  # there before it is locked, so that the first two messages of somebody take turns too
        store.insert_once(conn, store.dialogue, ("person_id",), person_id=person.id, state={}, updated_at=now)
        row = conn.execute(_DIALOGUE, {"whose": person.id}).one()
    case = cases.load(conn, row.case_id) if row.case_id else None
    state = dict(row.state)
    if state.get("asked") and now - row.updated_at > RESUME_AFTER:
        state["away"] = True
        if state["asked"] in _PASSING:  # after hours, a word is no answer to it any more
            state |= {"asked": state.pop("before", ""), "away": bool(state.get("before"))}
    rules = office.rules(conn, case) if case else office.profile
    return Talk(office, conn, person, channel, now, rules, case, state, row.updated_at)


def _end(talk: Talk) -> Taken:
    last = talk.replies[-1] if talk.replies and talk.replies[-1].asks else None
    if last:  # nobody is asked two questions of the form in one breath
        talk.replies = [r for r in talk.replies if r is last or not r.name.startswith(("ask_", "summary"))]
    choices = next((r.choices for r in reversed(talk.replies) if r.choices), ())
    talk.state["choices"] = [list(c) for c in choices]
    values = {"case_id": talk.case.id if talk.case else None, "state": talk.state, "updated_at": talk.now}
    talk.conn.execute(_KEPT, {"whose": talk.person.id, **values})
    return Taken(tuple(talk.replies), talk.since)


def _take(talk: Talk, said: Said) -> None:
    if said.choice and said.case_id is not None and _tapped(talk, said):
        return
    if talk.asked and talk.asked not in _PASSING and (waiting := _asked_since(talk, said)):
        talk.state.pop("away", None)
        _reply_to(talk, waiting, said)
        _ask_again(talk)
        return
    if talk.state.pop("away", None):
        _resume(talk)
        if hearing.says("hello", said.text):
            return
    if said.kind == "text":
        if _ONLY_NUMBER.fullmatch(said.text) and _numbered(talk, said.text):
            _leave_aside(talk)
            _cmd_progress(talk, said.text)
            return
        command = _command(said.text)
        if command and not (talk.asked == "withdraw" and command is _cmd_withdraw):
            _leave_aside(talk)
            command(talk, said.text)
            return
        if (talk.asked == "confirm" or talk.asked in _questions(talk.rules)) and _edit_named(talk, said.text):
            return
    handler = _ASIDE.get(talk.asked)
    if handler:
        handler(talk, said)
    elif talk.asked:
        _answer(talk, said)
    else:
        _idle(talk, said)


def _leave_aside(talk: Talk) -> None:
    """A command ends what was only asked in passing; the form stands where it stood before."""
    if talk.asked in _PASSING:
        talk.state["asked"] = talk.state.pop("before", "")
        talk.state.pop("withdraw", None)
        talk.state.pop("comment", None)


def _idle(talk: Talk, said: Said) -> None:
    """Nothing was asked: an answer to an officer's question, a word to the window, a rating, more of a matter that
    is running, or a new matter."""
    waiting = _case_with(talk, "answer")
    if waiting and (said.text or said.kind in MEDIA):
        _reply_to(talk, waiting, said)
        return
    score, more = _score_of(talk, said.text)
    rated = _case_with(talk, "rating")
    if score and rated:
        _rate(talk, rated, score, more)
        return
    if rated and _ABOUT_RATING.fullmatch(said.text):
        labels = [(str(level.score), level.label) for level in talk.rules.rating.levels]
        talk.say("rate_which", tuple(labels), number=rated.number)
        return
    served = _case_with(talk, "human")
    if served and said.text:
        _to_window(talk, served, said.text)
        return
    if not said.text and said.kind not in MEDIA:
        talk.say("unsupported")
        return
    if not talk.office.in_force(talk.rules, talk.now):
        talk.say("not_open")  # before she tells a whole story that nobody may take yet
        return
    if hearing.says("hello", said.text):
        talk.say("begin")
        return
    if said.text and (hearing.says("thanks", said.text) or hearing.says("confirm", said.text)):
        talk.say("no_comment")
        return
    if key := hearing.faq(said.text, asking=True):
        talk.say("faq", key=key)
        return
    if _newest_open(talk) and hearing.says("news", said.text):
        _cmd_progress(talk, said.text)
        return
    if said.text and (told := _answered_since(talk)):
        _to_window(talk, told, said.text)
        return
    if running := _newest_open_to(talk, "add", "reopen"):
        _add(talk, running, said)
        return
    ended = _ended(talk)
    if ended and hearing.says("unhappy", said.text):
        _to_window(talk, ended, said.text)
        return
    talk.state |= {"asked": "content", "trail": [], "about": ended.id if ended else None}
    _answer(talk, said)


def _asked_since(talk: Talk, said: Said) -> Case | None:
    """The matter about which she was asked, or asked again, since she last wrote, or before she came back: what she
    says next answers that and not the form, unless it is what the form has just offered."""
    waiting = _case_with(talk, "answer")
    if waiting is None or not (said.text or said.kind in MEDIA):
        return None
    asked_at = max(duty.opened_at for duty in duties.of_case(talk.conn, waiting.id) if duty.key == "answer")
    since = max(asked_at, waiting.at("reminded_at") or asked_at) > talk.last or talk.state.get("away")
    if not since or _chosen(talk, said.text):
        return None
    of_the_form = any(hearing.says(name, said.text) for name in ("done", "skip", "hello", "confirm"))
    return None if of_the_form or _command(said.text) else waiting


def _answered_since(talk: Talk) -> Case | None:
    """The matter on which the window has answered her since she last wrote: her next word is for the window too."""
    c, d = store.case.c, store.duty.c
    found = talk.conn.execute(
        sa.select(c.id)
        .join(store.duty, d.case_id == c.id)
        .where(c.contact_id == talk.person.id, c.number.is_not(None), c.stage.not_in(flow.GONE))
        .where(d.key == "human", d.met_by == "answer_citizen", d.met_at > talk.last)
        .order_by(d.met_at.desc())
        .limit(1)
    ).scalar()
    return cases.load(talk.conn, found) if found else None


def _reply_to(talk: Talk, waiting: Case, said: Said) -> None:
    """An answer to an officer's question; where another waits, she is told which."""
    if said.kind in MEDIA:
        _attach_to(talk, waiting, said)
    talk.perform(waiting, "answer", answer=said.text or f"（发来{_MEDIA_WORDS[said.kind]}）")
    other = _case_with(talk, "answer")
    question = cases.words(talk.office.vault, other).get("question", "") if other else ""
    talk.say("answered", number=waiting.number, other=other.number if other else "", question=question)


def _add(talk: Talk, case: Case, said: Said) -> None:
    """More of a matter that is running, or that waits for her and now goes on: words or a file."""
    if (case.stage, "add") not in flow.MOVES:
        case = talk.perform(case, "reopen")
    if said.kind in MEDIA:
        _attach_to(talk, case, said)
    values = {"supplement": said.text} if said.text else {}
    talk.perform(case, "add", **values)
    talk.say("added", number=case.number, what=_MEDIA_WORDS.get(said.kind, "您说的"))


# --- filling the form -----------------------------------------------------------------------------------


def _answer(talk: Talk, said: Said) -> None:
    asked = _question(talk.rules, talk.asked)
    if said.kind in MEDIA:
        _attach_to(talk, talk.draft(), said)
        if asked.id == "content":
            talk.say("content_more", _told(talk), what=_MEDIA_WORDS[said.kind])
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
    if hearing.says("wait", said.text):
        talk.say("faq", key="wait")
        _ask_again(talk)
    elif asked.id == "content":
        _tell(talk, said.text)
    elif asked.kind == "files":
        _files(talk, asked, said.text)
    else:
        _fill(talk, asked, said.text)


def _tell(talk: Talk, text: str) -> None:
    """The matter, in her own words and as many messages as she likes."""
    told = "content" in talk.words()
    if _chosen(talk, text) == "about":
        _about(talk)
        return
    if hearing.says("done", text):
        if not told:
            if not attach.of_case(talk.conn, talk.office.vault, talk.draft().id):
                talk.say("content_empty")
                return
            talk.keep(_question(talk.rules, "content"), SPOKEN)
        _look(talk)
        return
    if key := hearing.faq(text, asking=True):
        if len(text) > LONG_ASIDE:  # her matter may be a question too
            _more(talk, text)
        talk.say("faq", key=key)
        _ask_again(talk)
        return
    if hearing.says("hello", text) or (told and hearing.says("thanks", text)):
        _ask_again(talk)
        return
    kept = _keep_contacts(talk, hearing.Contacts(hearing.own_phone(text), "", ""))
    if (kept and not hearing.contacts_in(text).rest) or _more(talk, text):
        talk.say("content_more" if told or kept else "content_first", _told(talk), what=kept)


def _told(talk: Talk) -> tuple[tuple[str, str], ...]:
    """What she may tap while she tells; also that it is her last matter, which has ended, that she speaks of."""
    if not talk.state.get("about"):
        return (_DONE,)
    ended = cases.load(talk.conn, talk.state["about"])
    again = (ended.stage, "insist") in flow.MOVES
    return (_DONE, ("about", f"请窗口重新看 {ended.number}" if again else f"说的是 {ended.number} 这件事"))


def _about(talk: Talk) -> None:
    """What she tells is of a matter that has ended: the window looks at that again, or answers her."""
    draft, content = talk.draft(), talk.words().get("content", "")
    ended = cases.load(talk.conn, talk.state["about"])
    if (ended.stage, "insist") in flow.MOVES:
        ended = talk.perform(ended, "insist")
        attach.move(talk.conn, draft.id, ended.id)
        talk.perform(ended, "add", **({"supplement": content} if content else {}))
    else:
        _to_window(talk, ended, content or "（发来照片、语音）")
        attach.move(talk.conn, draft.id, ended.id)
    talk.perform(draft, "withdraw")
    talk.case = None
    talk.state = {"greeted": talk.state["greeted"]}


def _more(talk: Talk, text: str) -> bool:
    """Add to the matter what she says of it, wherever in the conversation; False if it is full, which she is told."""
    question = _question(talk.rules, "content")
    whole = f"{talk.words().get('content', '')}\n{text}".strip()
    if len(whole) > question.limit:
        talk.say("content_full", (_DONE,) if talk.asked == "content" else (), limit=question.limit)
        return False
    talk.keep(question, whole)
    if any(word in text for word in talk.rules.intake.conduct_words):
        talk.code("conduct_suspected", "yes")
    return True


def _keep_contacts(talk: Talk, found: hearing.Contacts, *, always: bool = True) -> str:
    """Keep a telephone number and an e-mail address wherever she gives them (only the first ones, unless `always`);
    the label of what was kept."""
    kept = ""
    for question in talk.rules.intake.questions:
        value = {"phone": found.phone, "email": found.email}.get(question.kind)
        if value and (always or question.id not in talk.words()):
            talk.keep(question, read(talk.rules, question, value))
            kept = question.label
    return kept


def _look(talk: Talk) -> None:
    """After the matter is told: does it look excluded, is it about conduct? Only hints, never decisions."""
    content = talk.words().get("content", "")
    suspected = any(word in content for word in talk.rules.intake.conduct_words)
    talk.code("conduct_suspected", "yes" if suspected else None)
    if not _suggest(talk, exclusion_of(talk.rules, content, {})):
        _compare(talk, content)


def _compare(talk: Talk, content: str) -> None:
    """Before the form is filled: is it a matter of hers that is running already, has the window told others what to
    do? Both are offers, each made once; what others told is never shown."""
    met = talk.state.get("met", [])
    talk.state["met"] = ["same", "like"]
    told = content != SPOKEN
    if (
        told
        and "same" not in met
        and (same := suggest.same_matter(talk.office, talk.conn, talk.person.id, content))
    ):
        talk.state |= {"asked": "same", "same": same.id, "met": ["same"]}
        talk.say("same", _SAME, number=same.number, told=same.at("submitted_at"))
    elif told and "like" not in met and (found := suggest.for_citizen(talk.office, talk.conn, content)):
        talk.state |= {"asked": "like"}
        talk.say("like", _LIKE, item=found.entry.item, solution=found.entry.solution)
    else:
        _next(talk)


_SAME: Final = (("join", "并到那一件里"), ("other", "不是同一件事"))
_LIKE: Final = (("other", "这和我的情况不一样"), ("enough", "我明白了，不用反映了"))


def _same(talk: Talk, said: Said) -> None:
    choice = _chosen(talk, said.text)
    if choice == "join" or (said.text and hearing.yes_or_no(said.text) == "yes"):
        _join(talk, cases.load(talk.conn, talk.state["same"]))
    elif choice == "other" or (said.text and hearing.yes_or_no(said.text) == "no"):
        _compare(talk, talk.words().get("content", ""))
    else:
        _more_beside(talk, said)


def _join(talk: Talk, running: Case) -> None:
    """What she told now becomes a word more on her matter that is running, with the files she sent."""
    draft, content = talk.draft(), talk.words().get("content", "")
    attach.move(talk.conn, draft.id, running.id)
    talk.perform(running, "add", supplement=content)
    talk.perform(draft, "withdraw")
    talk.case = None
    talk.state = {"greeted": talk.state["greeted"]}
    talk.say("joined", number=running.number)


def _like(talk: Talk, said: Said) -> None:
    choice = _chosen(talk, said.text)
    if choice == "enough":
        talk.perform(talk.draft(), "withdraw")
        talk.case = None
        talk.state = {"greeted": talk.state["greeted"]}
        talk.say("enough")
    elif choice == "other" or "不一样" in said.text or hearing.yes_or_no(said.text) == "no":
        if len(said.text) > LONG_ASIDE and not choice:
            _more(talk, said.text)
        _next(talk)
    else:
        _more_beside(talk, said)


def _more_beside(talk: Talk, said: Said) -> None:
    """An answer that is none is more of the matter; then the same is asked again."""
    if said.kind in MEDIA:
        _attach_to(talk, talk.draft(), said)
    elif said.text and not hearing.says("thanks", said.text):
        _more(talk, said.text)
    _ask_again(talk)


def _suggest(talk: Talk, excluded: Exclusion | None) -> bool:
    """Say who is competent where a matter looks excluded; False if it does not, or she wants the window to look."""
    target = talk.office.hall.guidance.get(excluded.target) if excluded else None
    if excluded is None or target is None or talk.state.get("insisted"):
        return False
    talk.code("exclusion_suggested", excluded.code)
    talk.state["asked"] = "excluded"
    talk.say(
        "excluded",
        (("look", "仍请窗口看一看"), ("go", "我去找他们")),
        label=excluded.label,
        target=target,
        clause=excluded.clause,
    )
    return True


def exclusion_of(rules: Profile, content: str, facts: Mapping[str, object]) -> Exclusion | None:
    """The exclusion that the words of a matter, or the answers given so far, point to (a suggestion, XJ-1.5)."""
    for exclusion in rules.intake.exclusions:
        said = any(w in content for w in exclusion.words) and not any(w in content for w in exclusion.unless)
        if said or (exclusion.when and holds(exclusion.when, facts)):
            return exclusion
    return None


def _excluded(talk: Talk, said: Said) -> None:
    choice = _chosen(talk, said.text)
    if choice == "go" or (said.text and hearing.says("go", said.text)):
        talk.perform(talk.draft(), "withdraw")
        talk.case, talk.state["asked"] = None, ""
        talk.say("gone")
    elif choice == "look" or "看" in said.text or hearing.yes_or_no(said.text) == "no":
        talk.state["insisted"] = True
        if len(said.text) > LONG_ASIDE:
            _more(talk, said.text)
        talk.say("looked_at")
        _next(talk)
    else:
        _more_beside(talk, said)


def _fill(talk: Talk, asked: Asked, text: str) -> None:
    """An answer to a question; also an answer to another one, more of the matter, or a question of hers."""
    if not needed(asked, talk.draft().facts()) and hearing.says("skip", text):
        talk.skip(asked)
        _next(talk)
        return
    found = hearing.contacts_in(text)
    elsewhere = found._replace(**{asked.kind: ""}) if asked.kind in ("phone", "email") else found
    kept = _keep_contacts(talk, elsewhere, always=not found.rest)
    try:
        talk.keep(asked, read(talk.rules, asked, _heard(talk, asked, text, found)))
    except Wrong as wrong:
        if kept:
            talk.say("kept_other", label=kept)
        _not_understood(talk, asked, text, wrong)
        return
    talk.state["wrong"] = 0
    choices = _choices(talk, asked)
    if choices and len(text) > LONG_ASIDE and hearing.plain(text) not in map(_label, choices):
        _more(talk, text)  # the choice came with a part of the story
    _keep_times(talk, hearing.times_of(text, asked=False), but=asked.id)
    _next(talk)


def _label(choice: Choice) -> str:
    return hearing.plain(choice.label)


def _keep_times(talk: Talk, times: int, *, but: str = "") -> None:
    """跑了七八回 says what kind of matter it is, and how often she went."""
    for question in _open_questions(talk) if times else ():
        if question.kind == "number" and question.id != but:
            talk.keep(question, str(times))


def _heard(talk: Talk, asked: Asked, text: str, found: hearing.Contacts) -> str:
    """What an answer means for this question, as `read` expects it. Raises `Wrong`."""
    if asked.kind in ("phone", "email"):
        given: str = getattr(found, asked.kind) or text
        if asked.kind == "phone" and _MISCOUNTED.fullmatch(re.sub(r"\D", "", given)):
            raise Wrong("digits")
        return given
    meant: str | None
    if asked.kind == "yesno":
        problem, meant = "yesno", hearing.yes_or_no(text)
    elif asked.kind == "number":
        problem, meant = "number", str(hearing.times_of(text) or "")
    elif asked.kind == "date":
        day = hearing.day_of(text, local_day(talk.now))
        problem, meant = "date", day.isoformat() if day else None
    elif choices := _choices(talk, asked):
        head = re.split(r"[，,。；;\n]", found.rest)[0] if len(text) > LONG_ASIDE else found.rest
        problem, meant = "choice", hearing.choice_of(choices, head)
        if meant is None and hearing.says("skip", head):  # 记不得了: whatever it is, it is none of the others
            meant = next((choice.code for choice in choices if choice.code == "other"), None)
    elif asked.id in NAMES:
        problem, meant = "name", _name(talk, asked, found.rest)
    else:
        problem, meant = "no_words", "" if hearing.says("skip", text) else text
    if not meant:
        raise Wrong(problem)
    return meant


NAMES: Final = ("applicant_name", "contact_name", "applicant_unit")


def _name(talk: Talk, asked: Asked, text: str) -> str:
    """The name somebody gives, or "": 就是我 is who speaks; a firm's name goes where it belongs."""
    if hearing.faq(text, asking=True) or text.endswith(("?", "？")):
        return ""
    unit = next((q for q in talk.rules.intake.questions if q.id == "applicant_unit"), None)
    if asked == unit:
        return hearing.unit_of(text)
    if talk.draft().codes.get("relation") == "employer" and hearing.says("me", text):
        return talk.words().get("contact_name", "")
    name = hearing.name_of(text)
    if unit and hearing.is_body(name) and holds(unit.shown_when, talk.draft().facts()):
        talk.keep(unit, read(talk.rules, unit, hearing.unit_of(text)))
        talk.say("kept_other", label=unit.label)
        return ""
    return name


def _not_understood(talk: Talk, asked: Asked, text: str, wrong: Wrong) -> None:
    """Say what is missing, or what was done with her words instead, and ask again; the second time, offer a person; the
    third time, ask something else first."""
    if any(reply.name == "kept_other" for reply in talk.replies):
        pass
    elif key := hearing.faq(text) or ("other" if hearing.asks(text) else ""):
        talk.say("faq", key=key)
    elif len(text) > LONG_ASIDE and wrong.code not in ("digits", "too_long"):
        if _more(talk, text):
            talk.say("kept_content")
    elif other := _meant_elsewhere(talk, asked, text):
        talk.say("kept_other", label=other)
    else:
        talk.state["wrong"] = int(talk.state.get("wrong", 0)) + 1
        talk.say("wrong", code=wrong.code, label=asked.label)
        if talk.state["wrong"] > 2 and _put_off(talk, asked):
            return
        if talk.state["wrong"] > 1:
            talk.say("faq", key="stuck")
            _ask(talk, asked, (_HELP,))
            return
    _ask(talk, asked)


def _meant_elsewhere(talk: Talk, asked: Asked, text: str) -> str:
    """The label of another open question with choices that she has answered instead; "" if it is none."""
    for question in _open_questions(talk):
        code = question.id != asked.id and hearing.choice_named(_choices(talk, question), text)
        if code:
            talk.keep(question, code)
            return question.label
    return ""


def _put_off(talk: Talk, asked: Asked) -> bool:
    """Leave a question for the end, once, if there is another to ask before it."""
    later = talk.state.get("later", [])
    if asked.id in later or len(_open_questions(talk)) < 2:
        return False
    talk.state |= {"later": [*later, asked.id], "wrong": 0}
    talk.replies.pop()
    talk.say("later", label=asked.label)
    _next(talk)
    return True


def _files(talk: Talk, asked: Asked, text: str) -> None:
    if _chosen(talk, text) == "none" or any(hearing.says(name, text) for name in ("skip", "done", "sent")):
        count = len(attach.of_case(talk.conn, talk.office.vault, talk.draft().id))
        talk.code(asked.id, str(count) if count else SKIPPED)
        _next(talk)
        return
    if key := hearing.faq(text, asking=True):
        talk.say("faq", key=key)
    elif not hearing.says("thanks", text) and _more(talk, text):
        talk.say("kept_content")
    _ask(talk, asked)


def _open_questions(talk: Talk) -> list[Asked]:
    """What is still to be asked, in order; what she could not answer comes last."""
    words, facts = talk.words(), talk.draft().facts()
    answered = {"content", *words, *talk.draft().codes}
    later = talk.state.get("later", [])
    wanted = [q for q in talk.rules.intake.questions if q.id not in answered and holds(q.shown_when, facts)]
    return sorted(wanted, key=lambda question: question.id in later)


def _next(talk: Talk) -> None:
    """Ask the next open question, or show the summary when none is left. Nobody is asked how often she went who has
    told it."""
    _keep_times(talk, hearing.trips_in(talk.words().get("content", "")))
    wanted = _open_questions(talk)
    if not wanted:
        _summary(talk)
        return
    question = wanted[0]
    trail = [q for q in talk.state.get("trail", []) if q != question.id]
    talk.state |= {"asked": question.id, "trail": [*trail, question.id]}
    _ask(talk, question)


def _ask(talk: Talk, asked: Asked, more: tuple[tuple[str, str], ...] = ()) -> None:
    choices = tuple((c.code, c.label) for c in _choices(talk, asked))
    if asked.kind == "yesno":
        choices = (("yes", "是"), ("no", "否"))
    elif asked.kind == "files":
        choices = (("none", "没有了"),)
    elif not needed(asked, talk.draft().facts()):
        choices = (*choices, ("skip", "跳过"))
    talk.say(f"ask_{asked.id}", (*choices, *more), label=asked.label, codes=dict(talk.draft().codes))


def _choices(talk: Talk, asked: Asked) -> tuple[Choice, ...]:
    """What a question offers: the profile's list, or the hall's sites and units."""
    return choices_of(talk.office, talk.rules, asked)


def choices_of(office: Office, rules: Profile, asked: Asked) -> tuple[Choice, ...]:
    """The same for whoever draws a question."""
    if asked.kind not in ("site", "unit"):
        return rules.choices(asked)
    kinds = (SITE,) if asked.kind == "site" else asked.unit_kinds
    return tuple(Choice(code=u.key, label=u.name) for u in office.hall.units if u.kind in kinds)


def summary_lines(
    office: Office, rules: Profile, case: Case, words: Mapping[str, str]
) -> tuple[tuple[int, str, str, str], ...]:
    """The form as it would be submitted: (number, field, label, text), numbered for 改第N项."""
    lines: list[tuple[int, str, str, str]] = []
    for question in rules.intake.questions:
        if not holds(question.shown_when, case.facts()):
            continue
        code = case.codes.get(question.id)
        text = words.get(question.id, "")
        if not text and code and code != SKIPPED:
            named = next((c.label for c in choices_of(office, rules, question) if c.code == code), "")
            text = named or {"yes": "是", "no": "否"}.get(
                code, f"{code}份" if question.kind == "files" else code
            )
        lines.append((len(lines) + 1, question.id, question.label, text or "（没有填）"))
    return tuple(lines)


def _summary(talk: Talk) -> None:
    if _suggest(talk, exclusion_of(talk.rules, "", talk.draft().facts())):
        return
    lines = summary_lines(talk.office, talk.rules, talk.draft(), talk.words())
    talk.state |= {"asked": "confirm", "edit": False}
    talk.say("summary", (("confirm", "确认提交"),), lines=lines)


def _confirm(talk: Talk, said: Said) -> None:
    text = said.text
    if _chosen(talk, text) == "confirm" or (text and hearing.says("confirm", text)):
        case = talk.perform(talk.draft(), "submit")
        talk.case = None
        talk.state = {"greeted": talk.state["greeted"]}
        talk.say("submitted", number=case.number)
        return
    found = hearing.contacts_in(text)
    if said.kind in MEDIA:
        _attach_to(talk, talk.draft(), said)
        talk.code("attachments", str(len(attach.of_case(talk.conn, talk.office.vault, talk.draft().id))))
        talk.say("kept_file", what=_MEDIA_WORDS[said.kind])
    elif (found.phone or found.email) and len(found.rest) <= LONG_ASIDE:
        talk.say("kept_other", label=_keep_contacts(talk, found))
    elif key := hearing.faq(text, asking=True) or ("other" if text.endswith(("?", "？")) else ""):
        talk.say("faq", key=key)
    elif len(text) > LONG_ASIDE:
        if _more(talk, text):
            talk.say("kept_content")
        _next(talk)
        return
    elif text:
        talk.say("confirm_how")
        return
    _summary(talk)


# --- commands at any point ------------------------------------------------------------------------------


def _cmd_human(talk: Talk, text: str) -> None:
    question = _HUMAN.sub("", text).strip(" ，,。:：")
    case = None if talk.asked else _newest_open(talk) or _ended(talk)
    _to_window(talk, case or talk.draft(), question)
    if talk.asked:
        _ask_again(talk)


def _to_window(talk: Talk, case: Case, question: str) -> None:
    """Ask for a person. What she adds while nobody has answered stands below what she asked before."""
    waiting = _case_with(talk, "human")
    if question and waiting and waiting.id == case.id:
        words = cases.words(talk.office.vault, case)
        question = f"{words.get('human_question', '')}\n{question}".strip()
    values = {"human_question": question} if question else {}
    done = talk.perform(case, "ask_human", **values)
    if done.codes["asked_human"] == "again":
        talk.say("passed_on")
    if talk.case and talk.case.id == done.id:
        talk.case = done


def _cmd_withdraw(talk: Talk, text: str) -> None:
    running = [
        c for c in views.mine(talk.office, talk.conn, talk.person) if (c.stage, "withdraw") in flow.MOVES
    ]
    case: Case | None = running[0] if running else None
    if re.search(r"\d{6,}", text):
        named = _numbered(talk, text)
        if named is None:
            raise Refusal(UNKNOWN_CASE)
        case = named if named in running else None
    elif talk.asked and talk.case:
        case = talk.case
    if case is None:
        talk.say("nothing_to_withdraw")
        return
    others = [c.number for c in running if case.number and c.id != case.id]
    talk.state |= {"before": talk.asked, "asked": "withdraw", "withdraw": case.id}
    choices = (("yes", "确认撤回"), ("no", "不撤回"))
    talk.say("withdraw_sure", choices, number=case.number or "", others=others)


def _withdraw(talk: Talk, said: Said) -> None:
    case = cases.load(talk.conn, talk.state["withdraw"])
    choice = _chosen(talk, said.text)
    if choice == "yes" or (said.text and hearing.says("withdraw", said.text)):
        _leave_aside(talk)
        talk.perform(case, "withdraw")
        if talk.case and talk.case.id == case.id:
            talk.case, talk.state["asked"] = None, ""
            talk.say("draft_dropped")
        else:
            talk.say("withdrawn_ok", number=case.number)
        return
    _leave_aside(talk)
    talk.say("not_withdrawn")
    kept = choice == "no" or hearing.yes_or_no(said.text) == "no" or hearing.says("skip", said.text)
    if not kept:  # she says something else, which is not lost
        _take(talk, said)
    elif talk.asked:
        _ask_again(talk)


def _cmd_progress(talk: Talk, text: str) -> None:
    found = views.mine(talk.office, talk.conn, talk.person)
    if re.search(r"\d{6,}", text):
        named = _numbered(talk, text)
        found = (named,) if named else ()
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
    if talk.asked:
        _ask_again(talk)


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
        _ask_again(talk)
    else:
        talk.code(target, None)
        talk.state["asked"] = target
        _ask(talk, _question(talk.rules, target))


def _cmd_edit(talk: Talk, text: str) -> None:
    if not talk.asked or talk.case is None:
        talk.say("nothing_to_edit")
        return
    found = _EDIT.fullmatch(text) or _EDIT_WRONG.fullmatch(text)
    number = hearing.number_of(found[1]) if found else 0
    lines = {n: name for n, name, _, _ in summary_lines(talk.office, talk.rules, talk.draft(), talk.words())}
    if number not in lines:
        talk.say("no_such_item", count=len(lines))
        _ask_again(talk)
        return
    _edit(talk, lines[number])


def _edit_named(talk: Talk, text: str) -> bool:
    """改电话, 姓名写错了, 电话改成13800001234: the item by its name, and at once what it should be."""
    for _, name, label, _ in summary_lines(talk.office, talk.rules, talk.draft(), talk.words()):
        if found := _edit_of(name, label).fullmatch(text):
            _edit(talk, name)
            value = found[1] or found[2] or ""
            if value and name != "content":
                talk.replies.pop()
                _fill(talk, _question(talk.rules, name), value)
                if talk.asked not in (name, "confirm"):
                    talk.replies.insert(-1, Reply("kept_other", {"label": _question(talk.rules, name).label}))
            return True
    return False


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
        talk.perform(talk.draft(), "withdraw")
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
    talk.perform(case, "object")
    talk.say("objected", number=case.number)


def _cmd_insist(talk: Talk, text: str) -> None:
    if talk.asked == "excluded":
        _excluded(talk, Said("text", "仍请窗口看一看"))
        return
    sent_away = _newest_open_to(talk, "insist")
    if sent_away:
        _insist(talk, sent_away)
    elif talk.asked:
        _ask_again(talk)
    elif running := _newest_open_to(talk, "add"):
        _add(talk, running, Said("text", text))
    else:
        talk.say("begin")


def _insist(talk: Talk, case: Case) -> None:
    """The window is to look again. Photos that she sent before, without a word, are what was missing."""
    case = talk.perform(case, "insist")
    if talk.asked == "content" and talk.case and "content" not in talk.words():
        draft = talk.case
        if attach.of_case(talk.conn, talk.office.vault, draft.id):
            attach.move(talk.conn, draft.id, case.id)
            talk.perform(case, "add")
        talk.perform(draft, "withdraw")
        talk.case, talk.state["asked"] = None, ""


def _cmd_reopen(talk: Talk, text: str) -> None:
    closed = _newest_open_to(talk, "reopen")
    if closed is None:
        talk.say("begin")
        return
    talk.perform(closed, "reopen")


def _newest_open_to(talk: Talk, *acts: str) -> Case | None:
    """Her newest matter at a stage from which one of these acts leads on."""
    mine = views.mine(talk.office, talk.conn, talk.person)
    return next((case for case in mine if any((case.stage, act) in flow.MOVES for act in acts)), None)


def _cmd_new(talk: Talk, text: str) -> None:
    if talk.asked:
        _resume(talk)
        return
    talk.state |= {"asked": "content", "trail": [], "about": None}
    talk.say("begin")


_QUOTES: Final = " “”\"'‘’「」『』【】。.！!，,；;～~"
_CASE_NUMBER: Final = re.compile(r"[A-Za-z]{0,8}\d{6,}")
_ONLY_NUMBER: Final = re.compile(rf"(?:单号|编号|查一?[下查]?|查询)?[\s:：]*{_CASE_NUMBER.pattern}[\s。.]*")
_HUMAN: Final = re.compile(r"^(转|找|要|换)人工(客服|服务)?|^人工(客服|服务)?(?=$|[\s，,。:：！!？?])")
_NTH: Final = r"第?\s*([0-9０-９一二三四五六七八九十]+)\s*[项项條条个]?"
_MISCOUNTED: Final = re.compile(
    r"1[3-9](?!\d{9}$)\d{5,}"
)  # begins like a mobile, and has not its eleven digits
_EDIT: Final = re.compile(rf"(?:我?[要想]|请|修|更)*改(?:一?下)?{_NTH}(?:吧|一?下)?[。！!]?")
_EDIT_WRONG: Final = re.compile(rf"{_NTH}(?:[填写说选弄搞]?错了?|不对|要改|改一?下|有误)[。！!]?")
# What people call the items of the form, beside their labels, when they want one changed.
_CALLED: Final[Mapping[str, str]] = {
    "content": r"事项|内容|事情",
    "about_conduct": r"态度|作风",
    "relation": r"[为替]谁(?:反映)?",
    "contact_name": r"联系人(?:的?(?:姓名|名字))?",
    "applicant_type": r"(?:申请人|办理对象)?类型",
    "applicant_name": r"(?:申请人|办理对象)?的?(?:姓名|名字)|申请人|办理对象",
    "applicant_unit": r"(?:单位|公司|企业)(?:的?(?:名称|名字|名))?",
    "applicant_phone": r"联?系?(?:电话|手机|号码)(?:号码?)?",
    "applicant_email": r"电?子?邮箱|邮件",
    "ground": r"(?:哪种)?情形|情况",
    "scope_code": r"(?:哪种)?情形|情况",
    "category": r"类别|分类",
    "item": r"办的事|事项名称",
    "prior_channel": r"(?:材料)?交到哪里",
    "submitted_on": r"(?:申请|交材料)的?(?:日期|时间)",
    "trip_count": r"[跑来]?了?几[趟次]|趟数|次数",
    "project_name": r"项目(?:的?(?:名称|名字))?",
    "attachments": r"相关资料|资料|材料|附件|照片",
}


@cache
def _edit_of(name: str, label: str) -> re.Pattern[str]:
    """How somebody says that this item of the form is to be changed, and perhaps into what."""
    words = "|".join(filter(None, (re.escape(label), _CALLED.get(name, ""))))
    return re.compile(
        rf"(?:我?[要想]|请|修|更)*[改换](?:一?[下个])?(?:{words})(?:吧|一?下)?(?:[为成是:：，,\s]*(.+))?"
        rf"|(?:把|我的?)?(?:{words})[改换](?:一?下|[为成]\s*(.+))"
        rf"|(?:我的?)?(?:{words})[填写说选弄搞留]?(?:错了?|不对|有误)[。！!]*"
    )


_COMMANDS: Final[tuple[tuple[re.Pattern[str], Callable[[Talk, str], None]], ...]] = (
    (_HUMAN, _cmd_human),
    (
        re.compile(
            r"(我要|我想|确认)?(撤回|撤销|取消|撤了?)(反映|申请|吧|了)*(\s*[A-Za-z]{0,8}\d{6,})?"
            r"|[A-Za-z]{0,8}\d{6,}\s*(撤回|撤销|取消)|(算了[，,]?\s*)?我?不(想)?(反映|投诉|办)了"
        ),
        _cmd_withdraw,
    ),
    (
        re.compile(
            r".{0,6}(到哪一步了?|办到哪了?|办得怎么样了?|进度(查询)?|查进度|我的事项)[？?。]?\s*([A-Za-z]{0,8}\d{6,})?"
        ),
        _cmd_progress,
    ),
    (re.compile(r"(查看)?依据[？?]?"), _cmd_basis),
    (
        re.compile(r"(返回|回|退回|退)?(到)?上一(步|项|个|题|条)|返回|后退|(刚才)?(我)?[填写说选按点]错了"),
        _cmd_back,
    ),
    (_EDIT, _cmd_edit),
    (_EDIT_WRONG, _cmd_edit),
    (re.compile(r"(从头|重新)(开始|来|说|填)|重来|重填"), _cmd_restart),
    (
        re.compile(r"(帮助|(这个)?(怎么|咋)(用|弄|填|搞)|我?不会(用|弄|填)|help)[？?。]?|[？?]+", re.I),
        _cmd_help,
    ),
    (
        re.compile(
            r"我?们?(?:根本|从来|并|可|又|都)*(?:没有?|不)(?:曾|有)?同意过?(?:延期)?了?"
            r"|(?:他们|谁|单位)?(?:根本|从来|并|都)*没有?(?:人|谁)?[跟和同]我(?:们)?(?:说|讲|商量|沟通)过?延期"
        ),
        _cmd_object,
    ),
    (
        re.compile(r"(?:仍|还是|就)?请?(?:你们|窗口)?(?:仍|再|重新)(?:请窗口)?看一?[看下遍]|仍请窗口看一看"),
        _cmd_insist,
    ),
    (re.compile(r"我来补充，?接着办|接着办"), _cmd_reopen),
    (re.compile(r"我?(要|想)?(再|另外|还要)?反映(一下|(另|还有)?(外)?一(件|个)事|别的事|问题)?"), _cmd_new),
)


def _command(text: str) -> Callable[[Talk, str], None] | None:
    """What she asks the conversation to do; in quotes or with a full stop, as people copy it, it is the same."""
    bare = text.strip(_QUOTES)
    for pattern, command in _COMMANDS:
        if pattern is _HUMAN and pattern.match(bare):
            return command
        if pattern.fullmatch(text) or pattern.fullmatch(bare):
            return command
    return None


# --- ratings, taps --------------------------------------------------------------------------------------


def _tapped(talk: Talk, said: Said) -> bool:
    """A tap on a message's choice, perhaps weeks old: understood by the case it names."""
    case = _own(talk, said.case_id or 0)
    if case is None:
        talk.say("not_yours")
        return True
    act, _, value = said.choice.partition(":")
    if act == "rate":
        _rate(talk, case, value)
        return True
    if act == "insist":
        _insist(talk, case)
        return True
    talk.perform(case, act)
    if act == "object":
        talk.say("objected", number=case.number)
    return True


def _rate(talk: Talk, case: Case, score: str, more: str = "") -> None:
    """How it was, and what she said with it. Who is filling in a form goes on with that."""
    talk.perform(case, "rate", score=score)
    label = next(level.label for level in talk.rules.rating.levels if str(level.score) == score)
    if more:
        talk.perform(case, "comment", rating_comment=more)
    asks = not more and not talk.asked
    if asks:
        talk.state |= {"asked": "comment", "comment": case.id}
    elif talk.asked == "comment":
        asks, talk.state["comment"] = True, case.id
    talk.say("rated", (("none", "不补充了"),) if asks else (), label=label, more=bool(more), asks=asks)
    if talk.asked and not asks:
        _ask_again(talk)


def _comment(talk: Talk, said: Said) -> None:
    case = cases.load(talk.conn, talk.state.pop("comment"))
    talk.state["asked"] = ""
    if (
        _chosen(talk, said.text) == "none"
        or hearing.says("skip", said.text)
        or hearing.says("thanks", said.text)
    ):
        talk.say("no_comment")
        return
    if said.kind in MEDIA:
        _attach_to(talk, case, said)
    elif said.text:
        talk.perform(case, "comment", rating_comment=said.text)
    else:
        talk.say("unsupported")
        return
    talk.say("commented")


def _score_of(talk: Talk, text: str) -> tuple[str, str]:
    """The rating that a text says, and what else it says: 不满意，电梯还是没有装."""
    first, _, rest = _AND_MORE.sub("\n", text.strip(_QUOTES), count=1).partition("\n")
    said = re.sub(r"^(?:我|评|选|是)+", "", hearing.plain(first))
    score = next((str(level.score) for level in talk.rules.rating.levels if level.label == said), "")
    return score, "" if hearing.says("thanks", rest) else rest.strip()


_ABOUT_RATING: Final = re.compile(r".{0,8}满意.{0,3}|(?:打|给|评)?[1-5一二三四五][分星]?[。！!]?")
_AND_MORE: Final = re.compile(r"[\s，,。！!；;]+")


_PASSING: Final = ("withdraw", "comment")  # asked beside the form, which goes on afterwards
_ASIDE: Final[Mapping[str, Callable[[Talk, Said], None]]] = {
    "excluded": _excluded,
    "same": _same,
    "like": _like,
    "confirm": _confirm,
    "withdraw": _withdraw,
    "comment": _comment,
}


# --- small helpers --------------------------------------------------------------------------------------

_DONE: Final = ("done", "说完了")
_HELP: Final = ("human", "转人工")
_MEDIA_WORDS: Final[Mapping[str, str]] = {"image": "图片", "voice": "语音", "video": "视频", "file": "文件"}


def _questions(rules: Profile) -> frozenset[str]:
    """The questions of the form after the matter itself."""
    return frozenset(q.id for q in rules.intake.questions if q.id != "content")


def _question(rules: Profile, name: str) -> Asked:
    return next(q for q in rules.intake.questions if q.id == name)


def _chosen(talk: Talk, text: str) -> str:
    """The choice of the last reply that a text names."""
    said = hearing.plain(text)
    for i, (code, label) in enumerate(talk.state.get("choices", []), start=1):
        if said in (code, hearing.plain(label), str(i)):
            return str(code)
    return ""


def _resume(talk: Talk) -> None:
    talk.say("resume")
    _ask_again(talk)


def _ask_again(talk: Talk) -> None:
    if talk.asked == "confirm":
        _summary(talk)
    elif talk.asked == "content":
        talk.say("content_more", _told(talk), what=None)
    elif talk.asked == "excluded":
        talk.say("excluded_again", (("look", "仍请窗口看一看"), ("go", "我去找他们")))
    elif talk.asked in ("same", "like"):
        talk.say("same_again", _SAME if talk.asked == "same" else _LIKE)
    elif talk.asked not in _ASIDE:
        _ask(talk, _question(talk.rules, talk.asked))


def _attach_to(talk: Talk, case: Case, said: Said) -> None:
    if not attach.take_room(talk.conn, talk.person.id, case.ref, [0], local_day(talk.now)):
        raise Refusal("files_full", most=attach.FILES_A_DAY)
    attach.expect(
        talk.conn,
        case.id,
        channel=talk.channel,
        media_id=said.media_id,
        purpose="voice" if said.kind == "voice" else "material",
        by_id=talk.person.id,
        now=talk.now,
    )


def _own(talk: Talk, case_id: int) -> Case | None:
    """A case of this person; None for one that is another's or does not exist, which nobody is to tell apart."""
    c = store.case.c
    found = talk.conn.execute(sa.select(c.id).where(c.id == case_id, c.contact_id == talk.person.id)).scalar()
    return cases.load(talk.conn, found) if found else None


def _case_with(talk: Talk, duty_key: str) -> Case | None:
    """The newest case of this person with such a duty open."""
    found = talk.conn.execute(_WITH_DUTY, {"whose": talk.person.id, "duty": duty_key}).scalar()
    return cases.load(talk.conn, found) if found else None


def _numbered(talk: Talk, text: str) -> Case | None:
    """Her matter that a text names by its number."""
    found = _CASE_NUMBER.search(text)
    mine = views.mine(talk.office, talk.conn, talk.person) if found else ()
    return next((case for case in mine if found and case.number == found[0].upper()), None)


def _ended(talk: Talk) -> Case | None:
    """Her newest matter, if it has ended: whatever she says next may be of that."""
    newest = next(iter(views.mine(talk.office, talk.conn, talk.person, limit=1)), None)
    return newest if newest and newest.stage in flow.ENDED else None


def _newest_open(talk: Talk) -> Case | None:
    """Her newest matter that has not come to a good end."""
    mine = views.mine(talk.office, talk.conn, talk.person)
    return next((c for c in mine if c.stage not in ("CLOSED", "WITHDRAWN", "ARCHIVED", "GUIDED")), None)


__all__ = ["Reply", "Said", "Taken", "exclusion_of", "greet", "summary_lines", "turn"]
