"""What a policy profile can say. One profile is one local regulation; nothing in it is code.

Every entry that rests on the regulation names its `clause`; `inferred = true` marks what the regulation leaves
open. The flow itself (stages and acts) is `core.flow`; a profile switches its acts on by listing them, fills the
slots with roles, and adds limits, duties and notices.

A *happening* is what duties and notices hang on: the name of an act (`dispatch`) or of a step that a duty's
timer took (`limit.overdue`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

# Conditions over a case: every key must hold; a list means "one of". Keys are case attributes or coded facts.
When = Mapping[str, str | bool | tuple[str, ...]]
Timing = Literal["now", "office"]

_AT = re.compile(r"(open|target|due|missed)([+-]\d+(?:wd|h|min))?")


class Entry(BaseModel):
    """Base of all entries: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_moment(text: str) -> str:
    if not _AT.fullmatch(text):
        raise ValueError("写成 open / target / due / missed，可加 +1wd、-1wd、+4h、+30min")
    return text


At = Annotated[str, AfterValidator(_is_moment)]


class Clause(Entry):
    """The words of the regulation behind an entry, so that any message can quote its basis."""

    title: str
    place: str
    text: str


class Instrument(Entry):
    title: str
    number: str
    issuer: str
    approved_by: str = ""
    status: Literal["trial", "in_force", "draft_for_comment"]
    dated: str
    effective_from: str
    clause: str


class Choice(Entry):
    code: str
    label: str
    clause: str = ""
    needs: tuple[str, ...] = ()  # further questions that this choice brings


class Asked(Entry):
    """One thing to be filled in: a question of the conversation, a field of the form page."""

    id: str
    label: str
    kind: Literal[
        "text",
        "long",
        "phone",
        "email",
        "choice",
        "yesno",
        "date",
        "number",
        "files",
        "unit",
        "level",
        "person",
    ]
    clause: str = ""
    help: str = ""
    required: bool = False
    required_when: When = {}
    shown_when: When = {}
    choices: tuple[Choice, ...] = ()
    choices_from: Literal["", "scope", "exclusions", "grounds", "kinds", "levels", "ways", "sub_kinds"] = ""
    limit: int = 200  # characters
    personal: bool = True  # stored as ciphertext; False: a code that may be counted
    suggest: str = ""  # which suggestion the page may offer (a fact or a name known to the page)


class Exclusion(Entry):
    """A field of matters outside the window. The bot only suggests; a named person confirms (XJ-1.5)."""

    code: str
    label: str
    clause: str
    words: tuple[str, ...]  # plain words that make the conversation suggest it
    unless: tuple[str, ...] = ()  # words that show the matter is something else
    target: str  # key of a guidance target of the hall


class Act(Entry):
    """One act switched on. Who may do it stands in the flow (a slot); what it needs stands here."""

    label: str
    clause: str
    fields: tuple[Asked, ...] = ()
    moments: tuple[str, ...] = ()  # the clock anchors it records
    style: Literal["primary", "plain", "quiet"] = "plain"
    after: tuple[str, ...] = ()  # moments of this round that must stand
    once: bool = False  # at most once a round
    when: When = {}
    needs_duty: str = ""  # only while this duty is open
    blocked_by: tuple[str, ...] = ()  # duties that must not be open
    clears: tuple[str, ...] = ()  # fields that start empty again
    shielded: bool = True  # may be done by the unit also in a conduct matter
    inferred: bool = False


class Limit(Entry):
    """A promised limit. `due_wd` working days after `anchor`, met by the moment `met_by` (spec section 2.8)."""

    key: str
    title: str
    due_wd: int = Field(ge=0, le=400)
    target_wd: int | None = Field(default=None, ge=0)
    anchor: str = "accepted_at"
    met_by: str = "replied_at"
    clause: str
    inferred: bool = False


class Level(Entry):
    code: str
    label: str
    limit: str
    kinds: tuple[str, ...] = ()  # dispatch kinds this level goes with
    unit_kinds: tuple[str, ...] = ()
    clause: str


class Span(Entry):
    """A length of time: exactly one of the members. `level` takes the limit of the case's level."""

    wd: int | None = None
    office_minutes: int | None = None
    level: bool = False

    @model_validator(mode="after")
    def _one(self) -> Span:
        if sum((self.wd is not None, self.office_minutes is not None, self.level)) != 1:
            raise ValueError("wd、office_minutes、level 三者写且只写一个")
        return self


class Step(Entry):
    """What the clock does for an open duty: tell people, record a mark. Each step happens once."""

    key: str
    at: At
    tell: tuple[str, ...] = ()
    notice: str = ""
    clause: str
    mark: Literal["", "overdue", "soft_missed", "clue"] = ""
    inferred: bool = False


class Duty(Entry):
    """What must happen by when, beside the stage. A limit is a duty with a date."""

    key: str
    title: str
    opens_on: tuple[str, ...]
    when: When = {}
    holder: str
    due: Span | None = None
    anchor: str = ""  # a moment; empty: the opening
    met_by: tuple[str, ...]  # acts, moments, or `delivered:NAME`
    void_on: tuple[str, ...] = ()
    closing: bool = False  # the limit that counts for the unit
    soft: bool = False
    renews: bool = False  # opening again replaces the open one (level changed, extension approved)
    clause: str
    steps: tuple[Step, ...] = ()
    inferred: bool = False


class Notice(Entry):
    """Who hears what when something happens."""

    on: tuple[str, ...]
    to: str
    template: str
    clause: str
    when: When = {}
    timing: Timing = "office"
    effect: str = ""  # the duty met when this message is delivered


class Extension(Entry):
    allowed: bool
    approver: str = ""
    times: int = 1
    max: Literal["original_length"] | int = "original_length"
    clause: str = ""


class RatingLevel(Entry):
    score: int
    code: str
    label: str
    bad: bool = False


class Rating(Entry):
    levels: tuple[RatingLevel, ...]
    clause: str
    satisfied_from: int = 3  # 基本满意 counts as satisfied (AMB-G9)


class Intake(Entry):
    """The conversation that fills the application form."""

    form: str
    questions: tuple[Asked, ...]
    scope: tuple[Choice, ...]
    sub_kinds: tuple[Choice, ...] = ()
    grounds: tuple[Choice, ...]
    exclusions: tuple[Exclusion, ...]
    conduct_words: tuple[str, ...] = ()
    promise: str
    promise_clause: str
    privacy_version: str


class Number(Entry):
    format: str
    clause: str = ""
    inferred: bool = True


class Decision(Entry):
    """A contradiction or a silence of the regulation, and what was chosen."""

    id: str
    point: str
    chosen: str
    why: str


class Profile(Entry):
    """One version of one regulation."""

    name: str
    version: str
    title: str
    region: str
    window_name: str = "“办不成事”反映窗口"
    instrument: Instrument
    bodies: Mapping[str, str]
    titles: Mapping[str, str]
    slots: Mapping[str, tuple[str, ...]]
    day_end: Literal["closing", "midnight"] = "closing"
    number: Number
    intake: Intake
    kinds: tuple[Choice, ...]
    levels: tuple[Level, ...]
    limits: tuple[Limit, ...]
    first_limit: str  # runs until triage sets a level: the shortest of the profile
    ways: tuple[Choice, ...]
    acts: Mapping[str, Act]
    duties: tuple[Duty, ...]
    notices: tuple[Notice, ...]
    extension: Extension
    rating: Rating
    required_contacts: tuple[str, ...] = ()
    required_contacts_clause: str = ""
    forms: Mapping[str, object] = {}
    ledger: Mapping[str, object] = {}
    decisions: tuple[Decision, ...] = ()
    clauses: Mapping[str, Clause]

    @field_validator("levels")
    @classmethod
    def _codes_once(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        codes = [level.code for level in levels]
        if len(set(codes)) != len(codes):
            raise ValueError("层级 code 不能重复")
        return levels

    @model_validator(mode="after")
    def _names_exist(self) -> Profile:
        wrong = [*self._missing_clauses(), *self._missing_names()]
        if wrong:
            raise ValueError("；".join(wrong))
        return self

    def _missing_clauses(self) -> list[str]:
        named = {
            *((f"acts.{k}", a.clause) for k, a in self.acts.items()),
            *((f"limits.{x.key}", x.clause) for x in self.limits),
            *((f"levels.{x.code}", x.clause) for x in self.levels),
            *((f"duties.{x.key}", x.clause) for x in self.duties),
            *((f"duties.{x.key}.{s.key}", s.clause) for x in self.duties for s in x.steps),
            *((f"notices.{x.template}", x.clause) for x in self.notices),
            *((f"exclusions.{x.code}", x.clause) for x in self.intake.exclusions),
            *((f"questions.{x.id}", x.clause) for x in self.intake.questions),
            ("instrument", self.instrument.clause),
            ("rating", self.rating.clause),
        }
        return [
            f"{place}: 条款 {clause or '（空）'} 不在 [clauses] 里，请写上条款号"
            for place, clause in sorted(named)
            if clause not in self.clauses
        ]

    def _missing_names(self) -> list[str]:
        limits = {limit.key for limit in self.limits}
        wrong = [f"levels.{x.code}: 没有名为 {x.limit} 的时限" for x in self.levels if x.limit not in limits]
        if self.first_limit not in limits:
            wrong.append(f"first_limit: 没有名为 {self.first_limit} 的时限")
        happenings = self.happenings
        for duty in self.duties:
            wrong += [
                f"duties.{duty.key}.opens_on: 没有 {x} 这件事" for x in duty.opens_on if x not in happenings
            ]
        for notice in self.notices:
            wrong += [
                f"notices.{notice.template}.on: 没有 {x} 这件事" for x in notice.on if x not in happenings
            ]
        return wrong

    @cached_property
    def happenings(self) -> frozenset[str]:
        """Everything duties and notices may hang on."""
        steps = {f"{duty.key}.{step.key}" for duty in self.duties for step in duty.steps}
        met = {f"{duty.key}.met" for duty in self.duties}
        return frozenset({*self.acts, *steps, *met})

    def limit(self, key: str) -> Limit:
        return next(limit for limit in self.limits if limit.key == key)

    def level(self, code: str) -> Level:
        return next(level for level in self.levels if level.code == code)

    def duty(self, key: str) -> Duty:
        return next(duty for duty in self.duties if duty.key == key)

    def choices(self, asked: Asked) -> tuple[Choice, ...]:
        """The choices of a question or field, its own or those of the profile that it names."""
        lists: Mapping[str, tuple[Choice, ...]] = {
            "": asked.choices,
            "scope": self.intake.scope,
            "sub_kinds": self.intake.sub_kinds,
            "grounds": self.intake.grounds,
            "kinds": self.kinds,
            "ways": self.ways,
            "levels": tuple(Choice(code=x.code, label=x.label, clause=x.clause) for x in self.levels),
            "exclusions": tuple(
                Choice(code=x.code, label=x.label, clause=x.clause) for x in self.intake.exclusions
            ),
        }
        return lists[asked.choices_from]


def holds(when: When, facts: Mapping[str, object]) -> bool:
    """Whether every key of the condition holds for the given case attributes and coded facts."""
    for key, wanted in when.items():
        have = facts.get(key)
        if isinstance(wanted, bool):
            if bool(have) is not wanted:
                return False
        elif isinstance(wanted, tuple):
            if have not in wanted:
                return False
        elif have != wanted:
            return False
    return True
