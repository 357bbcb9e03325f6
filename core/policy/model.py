"""What a policy profile can say. One profile is one local regulation; nothing in it is code.

Every entry that rests on the regulation names its `clause`; `inferred = true` marks what the regulation leaves
open. The flow itself (stages and acts) is `core.flow`; a profile switches its acts on by listing them, fills the
slots with roles, and adds limits, duties and notices.

A *happening* is what duties and notices hang on: the name of an act (`dispatch`) or of a step that a duty's
timer took (`limit.overdue`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core import flow

# Conditions over a case: every key must hold; a list means "one of". Keys are case attributes or coded facts.
When = Mapping[str, str | bool | tuple[str, ...]]
Timing = Literal["now", "office"]

DATE_ENTERED: Final = 10  # working days, where a day is to be entered and the profile names no default
# What acts may bring about beside themselves, depending on what was said in them.
OUTCOMES: Final = frozenset({"reached", "third_attempt", "applicant_confirmed_at"})

_AT: Final = re.compile(r"(open|target|due|missed)(?:([+-])(\d+)(wd|h|min))?")
# Only from the opening do hours count: a reminder belongs to a day, what follows a missed date to the days after it.
_AWAY: Final = {
    "open": ("+wd", "+h", "+min"),
    "target": ("+wd", "-wd"),
    "due": ("+wd", "-wd"),
    "missed": ("+wd",),
}


class Entry(BaseModel):
    """Base of all entries: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def step_time(text: str) -> tuple[str, int, str]:
    """When a step is: from what, how many, and of what (`wd`, `h`, `min`; "" if none). `ValueError` if the clock does
    not know such a moment."""
    match = _AT.fullmatch(text)
    if match is None or (match[2] and match[2] + match[4] not in _AWAY[match[1]]):
        raise ValueError(
            "写成 open（可加 +1wd、+4h、+30min）、target 或 due（可加 +1wd、-1wd）、missed（可加 +1wd）"
        )
    return match[1], int(f"{match[2] or ''}{match[3] or 0}"), match[4] or ""


def _is_moment(text: str) -> str:
    step_time(text)
    return text


At = Annotated[str, AfterValidator(_is_moment)]


class Clause(Entry):
    """The words of the regulation behind an entry, so that any message can quote its basis. A clause that no entry
    of the profile cites says what serves it (`by`) or why software does not (`not_served`)."""

    title: str
    place: str
    text: str
    by: str = ""
    not_served: str = ""


class Instrument(Entry):
    title: str
    number: str
    issuer: str
    approved_by: str = ""
    status: Literal["trial", "in_force", "draft_for_comment"]
    drafted: str = ""  # the day of the plan itself, where a notice issued it later
    dated: str = ""
    effective_from: str = ""  # empty: the text does not say; the hall must, before the first case is taken in
    interpreter: str = ""
    clause: str


class Choice(Entry):
    code: str
    label: str
    clause: str = ""
    inferred: bool = False


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
        "units",
        "site",
        "person",
        "level",
    ]
    clause: str = ""
    inferred: bool = False
    help: str = ""
    required: bool = False
    required_when: When = {}
    shown_when: When = {}
    choices: tuple[Choice, ...] = ()
    choices_from: str = ""  # a list of the profile: scope, grounds, levels, ways … or one of [lists]
    limit: int = 200  # characters
    personal: bool = True  # stored as ciphertext; False: a code that may be counted
    default: str = ""  # holds where nothing was chosen
    suggest: str = ""  # which suggestion the page may offer (a fact or a name known to the page)
    unit_kinds: tuple[str, ...] = ()  # units offered; empty: those that any level goes with


class Exclusion(Entry):
    """A field of matters outside the window. The bot only suggests; a named person confirms (XJ-1.5)."""

    code: str
    label: str
    clause: str
    words: tuple[str, ...] = ()  # plain words that make the conversation suggest it
    unless: tuple[str, ...] = ()  # words that show the matter is something else
    when: When = {}  # answers that make the conversation suggest it
    target: str  # key of a guidance target of the hall
    inferred: bool = False


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


class Span(Entry):
    """A length of time: exactly one of the members (`default` goes with `fact`)."""

    wd: int | None = Field(default=None, ge=0, le=400)  # working days, to the end of the last one (WD-17)
    cd: int | None = Field(default=None, ge=0, le=1000)  # calendar days; a last day of rest moves on (WD-5)
    months: int | None = Field(default=None, ge=1, le=120)  # to the corresponding day (WD-4)
    hours: int | None = Field(default=None, ge=1, le=2000)  # from the very moment (WD-3)
    office_minutes: int | None = Field(default=None, ge=1, le=10000)
    same_day: bool = False  # to the end of the working day (WD-17, n = 0)
    fact: str | None = None  # the day that somebody entered under this name
    default: int | None = Field(default=None, ge=0, le=400)  # working days while nobody has
    limit: str | None = None  # as long as the limit of this key
    matter: bool = False  # the limit that fits the matter

    @model_validator(mode="after")
    def _one(self) -> Span:
        told = [name for name in type(self).model_fields if name != "default" and self._said(name)]
        if len(told) != 1:
            raise ValueError(
                "wd、cd、months、hours、office_minutes、same_day、fact、limit、matter 写且只写一个"
            )
        if self.default is not None and self.fact is None:
            raise ValueError("default 只和 fact 一起写")
        return self

    def _said(self, name: str) -> bool:
        return getattr(self, name) not in (None, False)

    @property
    def working_days(self) -> int | None:
        """How many working days it is; for a day to be entered, those that count until somebody has (AMB-NX5)."""
        if self.same_day:
            return 0
        return self.wd if self.fact is None else DATE_ENTERED if self.default is None else self.default


class Limit(Entry):
    """A promised length of time (spec section 2.8). One that says `when` is a limit of matters: it runs for those
    it fits, and a matter fits exactly one. The others are named by duties."""

    key: str
    title: str
    due: Span
    target: Span | None = None
    anchor: str = "accepted_at"
    when: When = {}
    clause: str
    inferred: bool = False


class Level(Entry):
    """A level of response that triage chooses; one that says `on` comes with that act instead."""

    code: str
    label: str
    kinds: tuple[str, ...] = ()  # dispatch kinds this level goes with
    unit_kinds: tuple[str, ...] = ()
    on: str = ""
    rank: int = 0  # where levels may only be raised: the higher number is the higher level
    clause: str
    inferred: bool = False


class Step(Entry):
    """What the clock does for an open duty: tell people, record a mark. Each step happens once."""

    key: str
    at: At
    tell: tuple[str, ...] = ()
    notice: str = ""
    clause: str
    mark: Literal["", "overdue", "soft_missed", "clue"] = ""
    moment: str = ""  # an anchor it records
    urgent: bool = False  # as of a notice
    inferred: bool = False


class Duty(Entry):
    """What must happen by when, beside the stage. A limit is a duty with a date."""

    key: str
    title: str
    opens_on: tuple[str, ...]
    when: When = {}
    holder: str
    due: Span | None = None
    anchor: str = ""  # a moment; empty: the opening, for a limit the limit's own
    met_by: tuple[str, ...]  # acts, moments, or `delivered:NAME`
    void_on: tuple[str, ...] = ()
    closing: bool = False  # the limit that counts for the unit
    soft: bool = False
    renews: bool = False  # opening again replaces the open one (level changed, extension approved)
    rearm: tuple[str, ...] = ()  # happenings that start it anew from now, as long as before
    each: Literal["", "member"] = ""  # one for each unit of a joint handling
    undated: str = ""  # why it has no date, where no text and no target gives one
    clause: str
    steps: tuple[Step, ...] = ()
    inferred: bool = False


class Notice(Entry):
    """Who hears what when something happens."""

    key: str = ""  # where one recipient gets one template under two clauses
    on: tuple[str, ...]
    to: str
    template: str
    clause: str
    when: When = {}
    timing: Timing = "office"
    urgent: bool = False  # never kept back for a digest; what is said `now` is so anyway
    # To an applicant whom no screen reaches: somebody calls, or what was printed at the counter counts; else it lapses.
    reach: Literal["", "call", "printed"] = ""
    effect: str = ""  # the duty met when this message is delivered
    inferred: bool = False


class Automatic(Entry):
    """An act that the system performs as a consequence of a happening: nobody may or need decide."""

    on: tuple[str, ...]
    when: When = {}
    act: str
    option: Literal["", "timeout_default"] = ""  # only where the profile has switched this on
    clause: str
    inferred: bool = False


class Extension(Entry):
    """Delay: whether, how often, how far. Who consents and who approves stands in the acts."""

    allowed: bool
    approval: bool = False  # it takes effect when approved; else when the unit states it
    times: int = 1
    max_wd: int | None = None  # none: at most as long as the limit was
    mode: Literal["total", "additional"] = (
        "total"  # max_wd counts from the limit's anchor or its end (AMB-G4)
    )
    clause: str
    inferred: bool = False


class Verification(Entry):
    """Results are looked into by sample: a share drawn by number and round, so that anybody can draw it again, and
    always those of which one of these facts holds (AMB-XJ7). A rule that looks into each needs no sample."""

    rate: float = Field(ge=0, le=1)
    always: tuple[str, ...] = ()
    clause: str
    inferred: bool = False


class VisitBatch(Entry):
    """Visits together with another body: each month a share of what was closed in the month before is drawn, by month
    and number, so that anybody can draw it again; at least one, where there was any. `companion`: a slot."""

    share: float = Field(gt=0, le=1)
    companion: str
    clause: str
    inferred: bool = False


class RatingLevel(Entry):
    score: int
    code: str
    label: str
    bad: bool = False


class Rating(Entry):
    levels: tuple[RatingLevel, ...]
    clause: str
    inferred: bool = False
    satisfied_from: int = 3  # 基本满意 counts as satisfied (AMB-G9)


class Intake(Entry):
    """The conversation that fills the application form."""

    greeting: str = ""  # what the window is for, in the first message
    questions: tuple[Asked, ...]
    scope: tuple[Choice, ...] = ()
    sub_kinds: tuple[Choice, ...] = ()
    grounds: tuple[Choice, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    conduct: Mapping[
        str, tuple[str, ...]
    ] = {}  # answers that make it a conduct matter (AMB-G21): field = [codes]
    conduct_words: tuple[str, ...] = ()
    promise: str
    promise_clause: str
    privacy_version: str


class Report(Entry):
    """A report as the regulation wants it: how often, about whom, who writes and signs it, who gets it, and what it
    says. `sections` and `columns` name what `core.figures` computes; `paper` names a list of the profile (or "ledger")
    that goes with it, of the cases in which the anchor `by` falls into the period."""

    key: str
    title: str
    cycle: Literal["demand", "daily", "weekly", "monthly", "bimonthly", "quarterly", "yearly"]
    day: int = Field(default=1, ge=1, le=15)  # weekly: 1 = Monday; else the n-th working day after the period
    shift: Literal["previous", "next"] = "previous"  # a weekly day of rest (AMB-HY8)
    each: Literal["", "unit", "site"] = ""  # one for each unit or site
    unit_kinds: tuple[str, ...] = ()  # with `each`: units of these kinds
    writer: str = ""  # a slot; empty: who signs writes
    signer: str = ""  # a slot; empty: it leaves by itself
    to: tuple[str, ...] = ()  # slots
    sections: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()  # of the section `units`
    paper: str = ""
    by: str = "submitted_at"
    clause: str
    inferred: bool = False


class Finding(Entry):
    """Something about a unit or a person that a named person puts on record. What is not on record never counts."""

    key: str
    title: str
    by: str  # a slot
    about: tuple[
        Literal["case", "unit", "members", "person", "code"], ...
    ]  # what is entered beside the words
    codes: str = ""  # a list of the profile
    after: str = ""  # the act in the case that it is about: once for each time it was done
    redone: bool = False  # only of a matter that came back
    clause: str
    inferred: bool = False


class Consequence(Entry):
    """What the records give reason for: a proposal with evidence, which a named person confirms or refuses. `rule` is a
    function of `core.proposals`; the other numbers are its parameters."""

    key: str
    title: str
    kind: Literal[
        "deduction",
        "ineligible",
        "clue",
        "accountability",
        "notice",
        "interview",
        "commendation",
        "transfer",
    ]
    rule: Literal[
        "absence",
        "finding",
        "missed",
        "recurring",
        "repeated",
        "dissatisfied",
        "concentrated",
        "undone",
        "commendable",
        "sent",
    ]
    of: tuple[str, ...] = ()  # findings, duties or consequences it looks at
    target: Literal["unit", "person"] = "unit"
    points: int = Field(default=0, ge=0)
    at_least: int = Field(default=1, ge=1)  # so many within `months`
    months: int = Field(default=12, ge=1, le=60)
    ratings: int = Field(default=0, ge=0)  # a rate says nothing with fewer (AMB-PT10)
    satisfied: int = Field(default=0, ge=0, le=100)  # percent: below it, or for praise from it on
    decided_by: str  # a slot
    by: str = ""  # the slot whose people send one of their own accord
    asks: tuple[Literal["unit", "person", "due_on"], ...] = ()  # what who decides may enter
    needs: tuple[Literal["words", "due_on"], ...] = ()  # what confirming takes
    tell: tuple[str, ...] = ()  # slots that hear of it, and may read it, once it is confirmed
    clause: str
    inferred: bool = False


class Roster(Entry):
    """Who sits at the window when: one person each working day, or one half-day a week. With several `roles` the
    bodies take turns, week by week; within a body its people do. `takes`: who is on duty keeps what is accepted."""

    key: str
    title: str
    cycle: Literal["daily", "weekly"]
    roles: tuple[str, ...] = Field(min_length=1)
    weekday: int = Field(
        default=1, ge=1, le=5
    )  # weekly: the day, or the first working day after it in its week
    half: Literal["", "am", "pm"] = ""
    editor: str  # a slot: who changes it and hears of gaps
    watcher: str = ""  # a slot: who notes that somebody did not come
    optional: bool = False  # nobody is asked for it; laid out on demand
    takes: bool = False
    remind: bool = False  # the person, one working day before
    clause: str
    inferred: bool = False


class Contacts(Entry):
    """The people a unit is to name. One without them stands on the gap list, and may be given matters all the same."""

    roles: tuple[str, ...]
    clause: str
    inferred: bool = False


class Sites(Entry):
    """The places that are to have a window each: of which kinds, open by which day (ISO), and, where a clause says so,
    with a task team of people of the departments behind its counters. What is not so stands on the gap list."""

    kinds: tuple[Choice, ...]
    open_by: str
    clause: str
    team_clause: str = ""
    inferred: bool = False


class Import(Entry):
    """Records of another system that come as a table: each row is registered as a matter by a named person, once for
    each number. `columns` says under which head the table has what a field of `register` asks; where a row says
    nothing, `values` holds."""

    key: str
    title: str
    number: str  # the head of the column that tells one record from another
    columns: Mapping[str, str]
    values: Mapping[str, str] = {}
    clause: str
    inferred: bool = False


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
    raise_only: bool = False  # a level may be raised, never lowered
    limits: tuple[Limit, ...]
    first_limit: str = ""  # runs until triage has chosen; empty: the limit starts with a later act
    ways: tuple[Choice, ...]
    lists: Mapping[str, tuple[Choice, ...]] = {}
    acts: Mapping[str, Act]
    duties: tuple[Duty, ...]
    notices: tuple[Notice, ...]
    automatic: tuple[Automatic, ...] = ()
    timeout_default: bool = False  # silence past a day is put on record, and decides nothing (XJ-3.3d)
    extension: Extension
    verification: Verification | None = None
    visit_batch: VisitBatch | None = None
    rating: Rating
    required_contacts: tuple[str, ...] = ()
    required_contacts_clause: str = ""
    wanted_contacts: Contacts | None = None
    sites: Sites | None = None
    imports: tuple[Import, ...] = ()
    forms: Mapping[str, object] = {}
    ledger: Mapping[str, object] = {}
    reports: tuple[Report, ...] = ()
    rosters: tuple[Roster, ...] = ()
    findings: tuple[Finding, ...] = ()
    proposals: tuple[Consequence, ...] = ()
    decisions: tuple[Decision, ...] = ()
    clauses: Mapping[str, Clause]

    @model_validator(mode="after")
    def _names_exist(self) -> Profile:
        wrong = [*self._missing_clauses(), *self._missing_names()]
        if wrong:
            raise ValueError("；".join(wrong))
        return self

    def cited(self) -> Iterator[tuple[str, str]]:
        """Every entry that cites a clause, as (its place in the file, the clause)."""
        yield "instrument", self.instrument.clause
        yield "rating", self.rating.clause
        yield "extension", self.extension.clause
        if self.verification:
            yield "verification", self.verification.clause
        if self.visit_batch:
            yield "visit_batch", self.visit_batch.clause
        yield "number", self.number.clause
        yield "intake.promise_clause", self.intake.promise_clause
        if self.required_contacts:
            yield "required_contacts_clause", self.required_contacts_clause
        if self.wanted_contacts:
            yield "wanted_contacts", self.wanted_contacts.clause
        if self.sites:
            yield "sites", self.sites.clause
            if self.sites.team_clause:
                yield "sites.team_clause", self.sites.team_clause
        for name, entries in (
            ("limits", self.limits),
            ("duties", self.duties),
            ("reports", self.reports),
            ("rosters", self.rosters),
            ("imports", self.imports),
        ):
            yield from ((f"{name}.{entry.key}", entry.clause) for entry in entries)
        yield from ((f"findings.{x.key}", x.clause) for x in self.findings)
        yield from ((f"proposals.{x.key}", x.clause) for x in self.proposals)
        for name, coded in (("levels", self.levels), ("intake.exclusions", self.intake.exclusions)):
            yield from ((f"{name}.{entry.code}", entry.clause) for entry in coded)
        yield from ((f"duties.{x.key}.{s.key}", s.clause) for x in self.duties for s in x.steps)
        yield from ((f"notices.{x.template}.{x.to}", x.clause) for x in self.notices)
        yield from ((f"automatic.{x.act}", x.clause) for x in self.automatic)
        for key, act in self.acts.items():
            yield f"acts.{key}", act.clause
            yield from ((f"acts.{key}.{field.id}", field.clause) for field in act.fields)
        yield from ((f"intake.questions.{q.id}", q.clause) for q in self.intake.questions)
        yield from ((f"choices.{c.code}", c.clause) for c in self._all_choices() if c.clause)

    def _all_choices(self) -> Iterator[Choice]:
        for found in (self.intake.scope, self.intake.sub_kinds, self.intake.grounds, self.kinds, self.ways):
            yield from found
        for found in self.lists.values():
            yield from found
        for asked in self.asked:
            yield from asked.choices

    @property
    def asked(self) -> Iterator[Asked]:
        """Everything anybody is ever asked: questions of the conversation and fields of the acts."""
        yield from self.intake.questions
        for act in self.acts.values():
            yield from act.fields

    def _missing_clauses(self) -> list[str]:
        return [
            f"{place}: 条款 {clause or '（空）'} 不在 [clauses] 里，请写上条款号"
            for place, clause in sorted(set(self.cited()))
            if clause not in self.clauses
        ]

    def _missing_names(self) -> list[str]:
        limits = {limit.key for limit in self.limits}
        wrong = []
        if self.first_limit and self.first_limit not in limits:
            wrong.append(f"first_limit: 没有名为 {self.first_limit} 的时限")
        happenings = self.happenings
        for duty in self.duties:
            for key in ("opens_on", "met_by", "void_on", "rearm"):
                told = [x for x in getattr(duty, key) if x not in happenings and ":" not in x]
                wrong += [f"duties.{duty.key}.{key}: 没有 {x} 这件事" for x in told]
            if duty.due and duty.due.limit and duty.due.limit not in limits:
                wrong.append(f"duties.{duty.key}.due: 没有名为 {duty.due.limit} 的时限")
        for report in self.reports:
            slots = [slot for slot in (report.writer, report.signer, *report.to) if slot]
            wrong += [
                f"reports.{report.key}: 没有名为 {x} 的岗位（slots）" for x in slots if x not in self.slots
            ]
        if self.visit_batch and self.visit_batch.companion not in self.slots:
            wrong.append(f"visit_batch.companion: 没有名为 {self.visit_batch.companion} 的岗位（slots）")
        wrong += self._missing_in_proposals()
        for roster in self.rosters:
            slots = [slot for slot in (roster.editor, roster.watcher) if slot]
            wrong += [
                f"rosters.{roster.key}: 没有名为 {x} 的岗位（slots）" for x in slots if x not in self.slots
            ]
        register = {field.id for field in self.acts["register"].fields} if "register" in self.acts else set()
        for table in self.imports:
            told = sorted({*table.columns, *table.values} - register)
            wrong += [f"imports.{table.key}: 登记时没有 {x} 这一项" for x in told]
        for notice in self.notices:
            wrong += [
                f"notices.{notice.template}.on: 没有 {x} 这件事" for x in notice.on if x not in happenings
            ]
        for entry in self.automatic:
            wrong += [f"automatic.{entry.act}.on: 没有 {x} 这件事" for x in entry.on if x not in happenings]
            if entry.act not in self.acts:
                wrong.append(f"automatic: 没有 {entry.act} 这个动作")
        wrong += [
            f"{asked.id}.choices_from: 没有名为 {asked.choices_from} 的选项表"
            for asked in self.asked
            if asked.choices_from and asked.choices_from not in self._lists
        ]
        for name, keys in self._keys():
            twice = sorted({key for key in keys if keys.count(key) > 1})
            wrong += [f"{name}: {key} 写了两次" for key in twice]
        return wrong

    def _missing_in_proposals(self) -> Iterator[str]:
        slots = [(f"findings.{x.key}", x.by) for x in self.findings]
        slots += [(f"proposals.{x.key}", slot) for x in self.proposals for slot in (x.decided_by, *x.tell)]
        slots += [(f"proposals.{x.key}", x.by) for x in self.proposals if x.by]
        yield from (
            f"{place}: 没有名为 {slot} 的岗位（slots）" for place, slot in slots if slot not in self.slots
        )
        for finding in self.findings:
            if ("code" in finding.about) != (finding.codes in self._lists):
                yield f"findings.{finding.key}.codes: 没有名为 {finding.codes} 的选项表"
        known = (
            {x.key for x in self.findings} | {x.key for x in self.duties} | {x.key for x in self.proposals}
        )
        for entry in self.proposals:
            yield from (f"proposals.{entry.key}.of: 没有 {x} 这一项" for x in entry.of if x not in known)

    def _keys(self) -> Iterator[tuple[str, list[str]]]:
        yield "limits", [x.key for x in self.limits]
        yield "levels", [x.code for x in self.levels]
        yield "duties", [x.key for x in self.duties]
        yield "reports", [x.key for x in self.reports]
        yield "rosters", [x.key for x in self.rosters]
        yield "imports", [x.key for x in self.imports]
        yield "findings", [x.key for x in self.findings]
        yield "proposals", [x.key for x in self.proposals]
        yield "intake.exclusions", [x.code for x in self.intake.exclusions]
        yield "intake.questions", [x.id for x in self.intake.questions]
        for key, act in self.acts.items():
            yield f"acts.{key}.fields", [x.id for x in act.fields]
        for duty in self.duties:
            yield f"duties.{duty.key}.steps", [x.key for x in duty.steps]

    @cached_property
    def happenings(self) -> frozenset[str]:
        """Everything duties and notices may hang on: acts, the anchors they record, the steps of the clock. What a
        parent says of an act that this profile leaves out does no harm, so all acts of the flow count."""
        steps = {f"{duty.key}.{step.key}" for duty in self.duties for step in duty.steps}
        moments = {name for act in self.acts.values() for name in act.moments}
        moments |= {step.moment for duty in self.duties for step in duty.steps if step.moment}
        return frozenset({*flow.ACTS, *steps, *moments, *OUTCOMES})

    @cached_property
    def reach(self) -> Mapping[str, str]:
        """How a notice to an applicant gets there where no screen leads to her, by template."""
        return {n.template: n.reach for n in self.notices if n.to == "applicant" and n.reach}

    @cached_property
    def patient(self) -> frozenset[str]:
        """The notices that may wait for a digest: those that no entry calls urgent. One that no entry names is an
        answer to what somebody has just done."""
        told = [(n.template, n.urgent or n.timing == "now") for n in self.notices]
        told += [(s.notice, s.urgent) for duty in self.duties for s in duty.steps if s.notice]
        return frozenset({name for name, _ in told} - {name for name, urgent in told if urgent})

    @cached_property
    def dated_by_hand(self) -> frozenset[str]:
        """The fields in which somebody enters the day a limit ends."""
        spans = (*(limit.due for limit in self.limits), *(duty.due for duty in self.duties))
        return frozenset(span.fact for span in spans if span and span.fact)

    @cached_property
    def consequences(self) -> tuple[Automatic, ...]:
        """The acts of the system that this profile has switched on."""
        return tuple(entry for entry in self.automatic if not entry.option or getattr(self, entry.option))

    @cached_property
    def rearming(self) -> frozenset[str]:
        """The happenings from which some duty starts anew."""
        return frozenset(name for duty in self.duties for name in duty.rearm)

    def limit(self, key: str) -> Limit:
        return self._limits[key]

    def limit_for(self, facts: Mapping[str, object]) -> Limit | None:
        """The limit that fits a matter (a verified profile has exactly one for every choice of triage)."""
        return next((x for x in self.limits if x.when and holds(x.when, facts)), None)

    def report(self, key: str) -> Report:
        return next(report for report in self.reports if report.key == key)

    def finding(self, key: str) -> Finding:
        return next(finding for finding in self.findings if finding.key == key)

    def consequence(self, key: str) -> Consequence:
        return next(entry for entry in self.proposals if entry.key == key)

    def level(self, code: str) -> Level:
        return next(level for level in self.levels if level.code == code)

    def duty(self, key: str) -> Duty:
        return self._duties[key]

    @cached_property
    def _limits(self) -> Mapping[str, Limit]:
        return {limit.key: limit for limit in self.limits}

    @cached_property
    def _duties(self) -> Mapping[str, Duty]:
        return {duty.key: duty for duty in self.duties}

    @cached_property
    def _lists(self) -> Mapping[str, tuple[Choice, ...]]:
        return {
            "scope": self.intake.scope,
            "sub_kinds": self.intake.sub_kinds,
            "grounds": self.intake.grounds,
            "kinds": self.kinds,
            "ways": self.ways,
            "levels": tuple(
                Choice(code=x.code, label=x.label, clause=x.clause) for x in self.levels if not x.on
            ),
            "exclusions": tuple(
                Choice(code=x.code, label=x.label, clause=x.clause) for x in self.intake.exclusions
            ),
            "papers": tuple(
                Choice(code=key, label=str(form.get("title", key)))
                for key, form in self.forms.items()
                if isinstance(form, Mapping) and "id" in form
            ),
            "scores": tuple(Choice(code=str(x.score), label=x.label) for x in self.rating.levels),
            **self.lists,
        }

    def label(self, field: str, code: str) -> str:
        """A coded fact in words; a code that nobody has a word for stays as it is."""
        return self._labels.get(field, {}).get(code) or {"yes": "是", "no": "否"}.get(code, code)

    @cached_property
    def _labels(self) -> Mapping[str, Mapping[str, str]]:
        labels: dict[str, dict[str, str]] = {"score": {str(x.score): x.label for x in self.rating.levels}}
        for asked in self.asked:
            labels.setdefault(asked.id, {}).update({c.code: c.label for c in self.choices(asked)})
        return labels

    def choices(self, asked: Asked) -> tuple[Choice, ...]:
        """The choices of a question or field, its own or those of the list that it names."""
        return self._lists[asked.choices_from] if asked.choices_from else asked.choices


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
