"""Every state a case can come to under a profile, found by doing every act that is open in every state.

A state is the stage with what conditions can ask about: open duties, anchors, coded facts. What nothing asks about is
left out (the cone of influence), so that a few thousand states stand for all cases; a condition about something left
out may hold or not. Rounds are counted to two. The rules are those of `core.desk.act` and `core.duties`; what acts do
in code beyond the profile is the one table `BESIDE`. Where an effect refuses for reasons of the calendar or of the
hall (an extension too long, a unit without contacts), the exploration goes on as if it had not: it may know too many
states, never too few.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property, lru_cache, partial
from itertools import product
from typing import Final, NamedTuple

from core import flow
from core.case import LASTING, Case, Moment
from core.desk import act as door
from core.desk.fields import LOOKED_UP, needed
from core.people import SYSTEM
from core.policy.model import Act, Asked, Automatic, Duty, Notice, Profile, Step, When, holds

DELIVERING: Final = "DELIVERING"
DELIVERY: Final = "to_"  # how the keys of deliveries begin
LAST_ROUND: Final = 2
SOMETHING: Final = "*"  # a fact whose value nobody counts
OF_THE_ROUND: Final = frozenset({"round", "redone"})
COLUMNS: Final = frozenset(
    {"channel", "kind", "level", "shielded", "unconfirmed", "overdue", "unit", "site", "numbered"}
)
YES_OR_NO: Final = COLUMNS - {"channel", "kind", "level"} | {"redone"}

FILLED_IN: Final = {
    "channel": "intake_channel",
    "kind": "level",
}  # columns that a field of another name decides

Facts = Mapping[str, object]
# The values an act may give a fact: whatever was, or by the rules, the facts before and the form.
Values = tuple[object, ...] | Callable[[Profile, Facts, Facts], tuple[object, ...]]


class State(NamedTuple):
    """Where a case can be. Keys of duties; `left`: limits still open from an earlier round; `undated`: opened without a
    date; `fired`: steps the clock has taken and deliveries on their way."""

    stage: str
    round: int
    open: frozenset[str]
    left: frozenset[str]
    undated: frozenset[str]
    marks: frozenset[str]
    fired: frozenset[str]
    facts: frozenset[tuple[str, object]]

    @property
    def running(self) -> frozenset[str]:
        return self.open | self.left if self.left else self.open


class Label(NamedTuple):
    """What leads from one state to the next: an act with its form, a step of the clock, an arrival."""

    kind: str  # act, step, arrival
    key: str
    given: tuple[tuple[str, object], ...] = ()


class Event(NamedTuple):
    """What happened at once, and the state in which duties and notices looked at it."""

    happened: frozenset[str]
    state: State


Branch = tuple[State, tuple[Event, ...]]


class Move(NamedTuple):
    to: int
    label: Label
    events: tuple[Event, ...]


# --- what acts do in code ---------------------------------------------------------------------------------


class Beside(NamedTuple):
    """What an act does beyond its entry in the profile, as far as a condition can ask for it: facts it sets (with
    their possible values), anchors it empties, further happenings (one of the alternatives; {name} is the value of
    that field), whether it opens a round."""

    sets: Mapping[str, Values] = {}
    unmarks: tuple[str, ...] = ()
    happens: tuple[tuple[str, ...], ...] = ((),)
    anew: bool = False


def _values(values: Values, rules: Profile, facts: Facts, given: Facts) -> tuple[object, ...]:
    return values if isinstance(values, tuple) else values(rules, facts, given)


def _form(name: str) -> Values:
    """What the form says, or as it was."""
    return lambda rules, facts, given: (given.get(name, facts.get(name)),)


def _named(name: str) -> Values:
    """Whether the form names one, or one was known."""
    return lambda rules, facts, given: (bool(given.get(name) or facts.get(name)),)


def _conduct(rules: Profile, facts: Facts, given: Facts) -> tuple[object, ...]:
    """Once shielded, always; before, what is said decides."""
    return (True,) if facts.get("shielded") or not rules.intake.conduct else (False, True)


def _conduct_code(rules: Profile, facts: Facts, given: Facts) -> tuple[object, ...]:
    known = given.get("conduct_code", facts.get("conduct_code"))
    return (known,) if known else (None, "conduct")


def _kind_of_level(otherwise: str) -> Values:
    def kind(rules: Profile, facts: Facts, given: Facts) -> tuple[object, ...]:
        level = next((x for x in rules.levels if x.code == given.get("level")), None)
        return (level.kinds[0] if level and level.kinds else otherwise or facts.get("kind"),)

    return kind


def _on_report(rules: Profile, facts: Facts, given: Facts) -> tuple[object, ...]:
    return (next((x.code for x in rules.levels if x.on == "report"), facts.get("level")),)


def _extended(rules: Profile, facts: Facts, given: Facts) -> tuple[object, ...]:
    """Without an approval an extension takes effect at once."""
    return (facts.get("overdue") if rules.extension.approval else False,)


def _rearmed(rules: Profile, facts: Facts, given: Facts) -> tuple[object, ...]:
    """Where word of the progress meets the limit, the matter is not late any more."""
    meets = any(duty.closing and "progress" in duty.rearm for duty in rules.duties)
    return (False if meets else facts.get("overdue"),)


_SHIELD: Final[Mapping[str, Values]] = {"shielded": _conduct, "conduct_code": _conduct_code}
_TOLD: Final[Mapping[str, Values]] = {
    **_SHIELD,
    "numbered": (True,),
    "unit": (False, True),
    "site": (False, True),
    "has_voice": (None, "yes"),
}
_LOOKED_AT: Final[Mapping[str, Values]] = {"unconfirmed": (False,)}
_REACHED: Final = ((), ("reached", "deliver:to_applicant"), ("third_attempt", "deliver:to_applicant"))
_SPOKEN: Final = Beside({"has_voice": (None, "yes")})
_RATED: Final = Beside(
    {
        "by_proxy": (None, "yes"),
        "rated": ("yes",),
    }
)
_ROUND: Final = Beside({"overdue": (False,)}, anew=True)
_JOINED: Final = Beside({"kind": ("joint",), "level": _form("level"), "unit": (True,)})
_BACK: Final = Beside({"unit": (False,), "kind": (None,)}, unmarks=("dispatched_at", "signed_for_at"))
_LEVELLED: Final = Beside({"level": _form("level")})

BESIDE: Final[Mapping[str, Beside]] = {
    "submit": Beside({**_TOLD, "unconfirmed": (True,)}),
    "register": Beside(
        {**_TOLD, "channel": _form("intake_channel")}, happens=((), ("applicant_confirmed_at",))
    ),
    "add": _SPOKEN,
    "answer": _SPOKEN,
    "insist": Beside({"unconfirmed": (True,)}),
    "ask_human": Beside({"asked_human": ("first", "again")}),
    "accept": Beside({**_SHIELD, **_LOOKED_AT, "level": _form("level")}),
    "guide": Beside(_LOOKED_AT),
    "decline_on_spot": Beside(_LOOKED_AT),
    "conditions_unmet": Beside(_LOOKED_AT),
    "transfer": Beside(_LOOKED_AT),
    "decline": Beside({"declined": ("yes",), "unit": _named("unit")}),
    "take_over": Beside({**_LOOKED_AT, "declined": (None,), "unit": (False,)}),
    "resolve": Beside({**_SHIELD, **_LOOKED_AT, "kind": ("immediate",), "level": _form("level")}),
    "call_on_site": Beside({"unit": (True,)}),
    "return_judgement": Beside(unmarks=("judged_at",)),
    "analyse": _LEVELLED,
    "classify": _LEVELLED,
    "keep_back": Beside({"class": (None,)}, unmarks=("classified_at",)),
    "handle_inside": Beside({"kind": ("assign",)}),
    "dispatch": Beside(
        {
            **_SHIELD,
            **_LOOKED_AT,
            "unit": (True,),
            "level": _form("level"),
            "kind": _kind_of_level("assign"),
            "overdue": (False,),
        }
    ),
    "relevel": Beside({"level": _form("level"), "kind": _kind_of_level(""), "overdue": (False,)}),
    "report": Beside({"level": _on_report}),
    "return_doable": Beside(
        {
            "unit": (True,),
            "kind": ("assign",),
            "level": _form("level"),
            "overdue": (False,),
        },
        unmarks=("signed_for_at",),
    ),
    "convene": _JOINED,
    "convene_above": _JOINED,
    "conclude": _LEVELLED,
    "shelve": Beside({"overdue": (False,), "outcome": ("shelved",)}),
    "send_back": _BACK,
    "recall": _BACK,
    "ask": Beside(unmarks=("reminded_at",)),
    "progress": Beside({"overdue": _rearmed}),
    "recategorise": Beside({"shielded": _conduct}),
    "report_no": Beside({"nature": ("cannot_do",)}),
    "return_no": Beside({"nature": ("should_do",)}),
    "extend": Beside(
        {
            "extension_objected": (None,),
            "consented": (None, "yes"),
            "overdue": _extended,
        }
    ),
    "approve_extension": Beside({"overdue": (False,)}),
    "object": Beside({"extension_objected": ("yes",)}),
    "consent": Beside({"consented": ("yes",)}),
    "reply_cannot": Beside({"outcome": ("cannot_do",)}),
    "deliver": Beside(happens=(("deliver:to_applicant",),)),
    "log_attempt": Beside(
        {"feedback_way": (None, "phone")},
        happens=_REACHED,
    ),
    "note_upload": Beside(happens=(("uploaded:{system}",),)),
    "waive": Beside(happens=(("waived:{waived_step}",),)),
    "rate": _RATED,
    "rate_for": _RATED,
    "plan_visit": Beside({"joint_visit": ("yes",)}),
    "draw_visit": Beside({"joint_visit": ("yes",)}),
    "follow_up": Beside({"joint_visit": (None,)}),
    "transcribe": Beside({"has_voice": (None,)}),
    "redo": _ROUND,
    "redo_here": _ROUND,
    "restart": _ROUND,
    "reopen": _ROUND,
    "take_up": _ROUND,
}
_NOTHING: Final = Beside()
# What the conversation and the system note of themselves, so that a condition may ask for it.
NOTED: Final[Mapping[str, tuple[object, ...]]] = {
    "conduct_suspected": ("yes",),
    "exclusion_suggested": (SOMETHING,),
    "extension_granted": (SOMETHING,),
    "extension_round": (SOMETHING,),
    "extensions": (SOMETHING,),
    "attachments": (SOMETHING,),
    "feedback_way": (SOMETHING,),
    "rearmed_at": (SOMETHING,),
    "drawn": ("yes",),
}


class Refused(Exception):
    """An automatic act that is not open when its turn comes."""

    def __init__(self, act: str) -> None:
        super().__init__(act)
        self.act = act


_NAMED: Final = re.compile(r"\{(\w+)\}")

# --- what is worth telling apart --------------------------------------------------------------------------


class Cone:
    """What of duties, anchors and facts bears on the stage, on the limits and on the deliveries."""

    def __init__(self, rules: Profile) -> None:
        self.rules = rules
        self.acts = {act: entry for act, entry in rules.acts.items() if act in flow.ACTS}
        self.duties = {d.key for d in rules.duties if d.closing or d.rearm or d.key.startswith(DELIVERY)}
        self.marks: set[str] = set()
        self.facts: set[str] = set()
        self.relevant: set[str] = set()
        before = None
        while before != (before := self._size()):
            self._grow()

    def _size(self) -> tuple[int, ...]:
        return tuple(len(x) for x in (self.duties, self.marks, self.facts, self.relevant))

    def _grow(self) -> None:
        rules = self.rules
        for act, entry in self.acts.items():
            if act in self.relevant or self._bears(act, entry):
                self.relevant.add(act)
                self.duties |= {key for key in (entry.needs_duty, *entry.blocked_by) if self._known(key)}
                self.marks |= {*entry.after, *(entry.moments if entry.once else ())}
                self.facts |= entry.when.keys()
        for duty in rules.duties:
            if duty.key in self.duties:
                self.facts |= duty.when.keys() | dates(rules, duty)
            if any(self.step_bears(duty, step) for step in duty.steps):
                self.duties.add(duty.key)
        for notice in rules.notices:
            if notice.effect or (notice.to == "applicant" and self._ends(notice.on)):
                self.facts |= notice.when.keys()
        for follows in rules.consequences:
            self.facts |= follows.when.keys()
        self.facts.discard("stage")

    def _known(self, key: str) -> bool:
        return any(duty.key == key for duty in self.rules.duties)

    def _bears(self, act: str, entry: Act) -> bool:
        beside = BESIDE.get(act, _NOTHING)
        stays = all(row.to in (flow.STAY, row.stage) for row in flow.FLOW if row.act == act)
        told = {field.id for field in entry.fields} | set(entry.clears)
        return (
            not stays
            or beside.anew
            or bool({*entry.moments, *beside.unmarks} & self.marks)
            or bool((told | beside.sets.keys()) & self.facts)
            or self.leads(may_happen(self.rules, act))
        )

    def step_bears(self, duty: Duty, step: Step) -> bool:
        """Whether a step of the clock changes anything that is told apart."""
        return (
            step.moment in self.marks
            or (step.mark == "overdue" and "overdue" in self.facts)
            or self.leads({f"{duty.key}.{step.key}", step.moment})
        )

    def leads(self, names: Collection[str]) -> bool:
        kept = [duty for duty in self.rules.duties if duty.key in self.duties]
        hung = [(*duty.opens_on, *duty.met_by, *duty.void_on, *duty.rearm) for duty in kept]
        hung += [entry.on for entry in self.rules.consequences]
        hung += [notice.on for notice in self.rules.notices if notice.effect]
        return any(not set(names).isdisjoint(on) for on in hung)

    def _ends(self, on: Iterable[str]) -> bool:
        """Whether one of these happenings may be the last the applicant hears of."""
        ends = {row.act for row in flow.FLOW if row.to in (*flow.ENDED, *flow.GONE)}
        return any(name in ends for name in on)


def may_happen(rules: Profile, act: str) -> set[str]:
    """All that may be said to have happened when an act is done."""
    entry = rules.acts[act]
    names = {act, *entry.moments}
    for text in (text for each in BESIDE.get(act, _NOTHING).happens for text in each):
        told = [field for field in entry.fields if field.id in _NAMED.findall(text)]
        values = [options(rules, field) for field in told]
        for given in product(*values):
            names |= _told([text], {field.id: value for field, value in zip(told, given, strict=True)})
    return names


def dates(rules: Profile, duty: Duty) -> set[str]:
    """The facts on which it hangs whether a duty has a date."""
    if rules.first_limit or not (duty.due and duty.due.matter):
        return set()
    return {key for limit in rules.limits for key in limit.when}


def domain(rules: Profile, name: str) -> tuple[object, ...]:
    """The values that a coded fact can take, None aside; empty if nobody can ever state it."""
    if name in YES_OR_NO:
        return (True,)
    if name == "stage":
        return (*flow.OPEN, *flow.ENDED, *flow.GONE, "DRAFT")
    if name == "round":
        return tuple(str(n + 1) for n in range(LAST_ROUND))
    if name == "level":
        return tuple(level.code for level in rules.levels)
    if name == "kind":
        return tuple(kind.code for kind in rules.kinds)
    if name == "channel":
        return (SOMETHING,)
    found: dict[object, None] = dict.fromkeys(NOTED.get(name, ()))
    for asked in rules.asked:
        if asked.id == name and not asked.personal and asked.kind not in LOOKED_UP:
            found |= dict.fromkeys(options(rules, asked))
    for act, entry in BESIDE.items():
        if act in rules.acts and name in entry.sets:
            values = _values(entry.sets[name], rules, {}, {})
            found |= dict.fromkeys(value for value in values if value is not None)
    if "note_upload" in rules.acts and name.startswith("upload_"):
        found[SOMETHING] = None
    return tuple(found)


def options(rules: Profile, asked: Asked) -> tuple[object, ...]:
    """What can be answered to a question, as far as a condition can tell answers apart."""
    if asked.kind in ("choice", "level"):
        return tuple(choice.code for choice in rules.choices(asked))
    return ("yes", "no") if asked.kind == "yesno" else (SOMETHING,)


# --- the states -------------------------------------------------------------------------------------------

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MOMENT: Final = Moment(_EPOCH, None)


@lru_cache(maxsize=200_000)
def case_of(state: State) -> Case:
    """A case in that state, so that the desk's own questions can be asked of it."""
    facts = dict(state.facts)
    columns = {name: facts.pop(name, None) for name in COLUMNS}
    return Case(
        id=0,
        ref="",
        number="-" if columns["numbered"] else None,
        profile="",
        policy_version="",
        stage=state.stage,
        round=state.round,
        rev=0,
        channel=str(columns["channel"] or ""),
        subject="",
        kind=_text(columns["kind"]),
        level=_text(columns["level"]),
        unit_id=1 if columns["unit"] else None,
        site_id=1 if columns["site"] else None,
        keeper_id=None,
        members=(),
        contact_id=None,
        shielded=bool(columns["shielded"]),
        unconfirmed=bool(columns["unconfirmed"]),
        supervision_count=0,
        overdue_at=_EPOCH if columns["overdue"] else None,
        opened_at=_EPOCH,
        moments=dict.fromkeys(state.marks, _MOMENT),
        codes={name: str(value) for name, value in facts.items()},
        sealed={},
        noted=frozenset(facts),
        digest="",
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def facts_of(state: State) -> Facts:
    return case_of(state).facts() if state.facts else {"stage": state.stage}


NONE: Final[frozenset[str]] = frozenset()
ON_ITS_WAY: Final = "told:"


class Deed(NamedTuple):
    """An act with what code does beside it, as far as it is told apart."""

    happened: frozenset[str]
    happens: tuple[tuple[str, ...], ...]
    keeps: frozenset[str]  # fields that become facts
    clears: frozenset[str]
    sets: Mapping[str, Values]
    marks: frozenset[str]
    unmarks: frozenset[str]
    anew: bool


class After(NamedTuple):
    """What hangs on something happening."""

    ends: frozenset[str]
    perhaps: frozenset[str]
    opens: tuple[Duty, ...]
    rearms: tuple[Duty, ...]
    sends: tuple[Notice, ...]
    does: tuple[Automatic, ...]


class Space:
    """All states of a profile, their moves, and how each was first come by. `cut` holds the automatic acts that
    were not open when their turn came, each with the state before and what was done there."""

    def __init__(self, rules: Profile) -> None:
        self.rules = rules
        self.cone = Cone(rules)
        self.rounds = not OF_THE_ROUND.isdisjoint(self.cone.facts)
        self.duties = {duty.key: duty for duty in rules.duties if duty.key in self.cone.duties}
        self.beside = {duty.key for duty in rules.duties} - self.duties.keys()
        self.limits = frozenset(d.key for d in rules.duties if d.closing or set(d.rearm) - set(d.opens_on))
        self.steps = {key: self._steps(duty) for key, duty in self.duties.items()}
        # Steps that would do something again if they came twice.
        taken = {f"{key}.{step.key}" for key, steps in self.steps.items() for step in steps}
        self.once = {name for name in taken if self.cone.leads({name})}
        self.bare = {act: self._bare(entry) for act, entry in self.cone.acts.items()}
        self.asked = {act: self._to_fill(act, entry) for act, entry in self.cone.acts.items()}
        self.deeds = {act: self._deed(act, entry) for act, entry in self.cone.acts.items()}
        filled_in = {field.id for fields in self.asked.values() for field in fields}
        self.alike = {name: self._alike(name) for name in self.cone.facts | filled_in}
        self.live = self._live()
        self.states: list[State] = []
        self.moves: list[list[Move]] = []
        self.came: list[tuple[int, Label] | None] = []
        self.cut: dict[str, tuple[int, Label]] = {}
        self._ids: dict[State, int] = {}
        self._afters: dict[frozenset[str], After] = {}
        self._events: dict[tuple[frozenset[str], State], Event] = {}
        self._explore()

    # --- what is told apart where

    def _alike(self, name: str) -> dict[object, object]:
        """Values of a fact that no condition tells apart, each with the one that stands for them all."""
        asked = [when[name] for when in self._conditions() if name in when]
        if name == "level":
            levels = self.rules.levels
            asked += [tuple(x.code for x in levels if x.kinds[:1] == y.kinds[:1]) for y in levels]
        first: dict[tuple[bool, ...], object] = {}
        return {
            value: first.setdefault(tuple(holds({name: wanted}, {name: value}) for wanted in asked), value)
            for value in domain(self.rules, name)
        }

    def _conditions(self) -> Iterator[When]:
        for act in self.cone.acts:
            yield self.bare[act].when
            for field in self.asked[act]:
                yield from (field.shown_when, field.required_when)
        for duty in self.duties.values():
            yield duty.when
            yield from (limit.when for limit in self.rules.limits if dates(self.rules, duty))
        yield from (notice.when for notice in self.rules.notices)
        yield from (entry.when for entry in self.rules.consequences)

    def _live(self) -> dict[str, frozenset[str]]:
        """The anchors and facts that matter at a stage: something asks for them there, or further on and nothing on
        the way sets them anew. (Names of anchors and of facts do not meet.)"""
        rows = [row for row in flow.MOVES.values() if row.act in self.cone.acts]
        asked = {row.act: self._asks(row.act) for row in rows}
        anew = {row.act: self._sets_anew(row.act) for row in rows}
        always = {
            name for steps in self.steps.values() for step in steps for name in self._hears({step.moment})
        }
        for key, steps in self.steps.items():
            always |= self._hears({f"{key}.{step.key}" for step in steps})
        always |= self._hears({f"deliver:{notice.effect}" for notice in self.rules.notices})
        live = {row.stage: {"stage", *always} for row in rows} | {stage: {"stage"} for stage in flow.GONE}
        before = None
        while before != (before := sum(map(len, live.values()))):
            for row in rows:
                live[row.stage] |= asked[row.act] | (live.get(row.to, set()) - anew[row.act])
        return {stage: frozenset(names) for stage, names in live.items()}

    def _asks(self, act: str) -> set[str]:
        """What has to be known to do an act and to follow it."""
        entry = self.cone.acts[act]
        if act not in self.cone.relevant:
            return set(self.bare[act].when) | self._hears({act, *entry.moments})
        names = {*entry.when, *entry.after, *(entry.moments if entry.once else ())}
        for field in self.asked[act]:
            names |= {*field.shown_when, *field.required_when}
        return names | self._hears(may_happen(self.rules, act))

    def _hears(self, happened: Collection[str]) -> set[str]:
        """What duties, notices and automatic acts ask when something happens."""
        names: set[str] = set()
        for duty in self.duties.values():
            if not set(happened).isdisjoint((*duty.opens_on, *duty.rearm)):
                names |= duty.when.keys() | dates(self.rules, duty)
        hung = [(notice.on, notice.when) for notice in self.rules.notices]
        hung += [(entry.on, entry.when) for entry in self.rules.consequences]
        for on, when in hung:
            if not set(happened).isdisjoint(on):
                names |= when.keys()
        return names & (self.cone.facts | {"stage"})

    def _sets_anew(self, act: str) -> set[str]:
        """What does not matter any more once the act is done, whatever it was."""
        entry, beside = self.cone.acts[act], BESIDE.get(act, _NOTHING)
        asked = {field.id for field in entry.fields if field.required and not field.shown_when}
        told = asked - COLUMNS - {field.id for field in entry.fields if field.personal}
        told |= {name for name, values in beside.sets.items() if name in asked or isinstance(values, tuple)}
        names = {*entry.clears, *told, *entry.moments, *beside.unmarks}
        return names | (self.cone.marks - LASTING | {"overdue"} if beside.anew else set())

    def distinct(self, state: State) -> State:
        """The state less what does not matter there, as the first of those like it."""
        live = self.live[state.stage]
        facts = frozenset((k, self.alike[k].get(v, v)) for k, v in state.facts if k in live)
        marks = state.marks & live
        return (
            state
            if facts == state.facts and marks == state.marks
            else state._replace(marks=marks, facts=facts)
        )

    # --- what can be done

    def _steps(self, duty: Duty) -> tuple[Step, ...]:
        return tuple(step for step in duty.steps if self.cone.step_bears(duty, step))

    def _bare(self, entry: Act) -> Act:
        """The act with those of its conditions that are told apart; the others may hold."""
        kept = self.cone.duties
        return entry.model_copy(
            update={
                "when": {k: v for k, v in entry.when.items() if k == "stage" or k in self.cone.facts},
                "after": tuple(name for name in entry.after if name in self.cone.marks),
                "once": entry.once and bool(self.cone.marks.intersection(entry.moments)),
                "needs_duty": "" if entry.needs_duty in self.beside else entry.needs_duty,
                "blocked_by": tuple(key for key in entry.blocked_by if key in kept),
            }
        )

    def _deed(self, act: str, entry: Act) -> Deed:
        beside, told_apart = BESIDE.get(act, _NOTHING), self.cone.facts
        sets = dict(beside.sets)
        if "replied_at" in entry.moments and self.rules.verification:
            sets["drawn"] = (None, "yes")
        counted = {x.id for x in self.asked[act] if not x.personal and x.kind not in LOOKED_UP}
        return Deed(
            happened=frozenset({act, *entry.moments}),
            happens=beside.happens,
            keeps=frozenset(counted & told_apart - COLUMNS),
            clears=frozenset(entry.clears),
            sets={name: values for name, values in sets.items() if name in told_apart},
            marks=frozenset(self.cone.marks.intersection(entry.moments)),
            unmarks=frozenset(beside.unmarks),
            anew=beside.anew,
        )

    def _to_fill(self, act: str, entry: Act) -> tuple[Asked, ...]:
        """The fields whose answers make a difference: what is told apart or named in a happening, and what their
        being asked hangs on. Submitting brings the answers of the conversation."""
        fields = (*self.rules.intake.questions, *entry.fields) if act == "submit" else entry.fields
        beside = BESIDE.get(act, _NOTHING)
        wanted = {x for each in beside.happens for text in each for x in _NAMED.findall(text)}
        wanted |= self.cone.facts
        wanted |= {told for column, told in FILLED_IN.items() if column in wanted}
        while True:
            hung = {
                key
                for field in fields
                if field.id in wanted
                for key in (*field.shown_when, *field.required_when)
            }
            if hung <= wanted:
                return tuple(field for field in fields if field.id in wanted)
            wanted |= hung

    def may(self, when: When, facts: Facts, known: Collection[str]) -> tuple[bool, ...]:
        """Whether a condition holds: (True,), (False,), or both where it asks about what is not `known`."""
        asked = {key: value for key, value in when.items() if key in known}
        if not holds(asked, facts):
            return (False,)
        return (True,) if len(asked) == len(when) else (True, False)

    def fillings(self, act: str, state: State) -> list[dict[str, object]]:
        """The forms that can be handed in with an act, as far as they differ."""
        found: list[dict[str, object]] = [{}]
        for asked in self.asked[act]:
            found = [more for given in found for more in self._answers(asked, given, state)]
        return found

    def _answers(self, asked: Asked, given: dict[str, object], state: State) -> Iterator[dict[str, object]]:
        facts = {**case_of(state).facts(), **given}
        known = self.live[state.stage] | given.keys()
        shown = self.may(asked.shown_when, facts, known)
        must = asked.default or (
            needed(asked, facts) and (asked.required or asked.required_when.keys() <= known)
        )
        if not (must and shown == (True,)):
            yield given
        if True in shown:
            alike = self.alike.get(asked.id, {})
            told = dict.fromkeys(alike.get(value, value) for value in options(self.rules, asked))
            yield from ({**given, asked.id: value} for value in told)

    def open(self, act: str, state: State) -> bool:
        """Whether an act is open, as far as is told apart."""
        return not door._closed(case_of(state), self.bare[act], state.running)

    def happenings(self, act: str) -> Iterator[frozenset[str]]:
        """What may happen with an act, whatever its form says."""
        deed = self.deeds[act]
        for each in deed.happens:
            named = [x for x in self.asked[act] if any(x.id in _NAMED.findall(text) for text in each)]
            for values in product(*(options(self.rules, asked) for asked in named)):
                yield deed.happened | _told(each, {x.id: v for x, v in zip(named, values, strict=True)})

    # --- doing it

    def done(self, state: State, act: str, given: Facts, chain: tuple[str, ...] = ()) -> list[Branch]:
        """Where an act leads; `chain`: the acts whose consequence it is. Raises `Refused` if an automatic act that
        follows is not open."""
        deed = self.deeds[act]
        facts = {key: value for key, value in state.facts if key not in deed.clears}
        facts |= {name: value for name, value in given.items() if name in deed.keeps}
        marks = (state.marks - deed.unmarks) | deed.marks
        if deed.anew:
            marks &= LASTING | deed.marks
            last = LAST_ROUND if self.rounds else 1
            limits = state.running & self.limits
            state = state._replace(round=last, open=state.open - limits, left=limits)
        to = flow.MOVES[state.stage, act].to
        before = dict(state.facts)
        found = []
        for values in product(*(_values(each, self.rules, before, given) for each in deed.sets.values())):
            told = _facts({**facts, **dict(zip(deed.sets, values, strict=True))})
            for each in deed.happens:
                more = _told(each, given)
                there = state._replace(stage=to, marks=marks | (self.cone.marks & more), facts=told)
                found += self._record(there, deed.happened | more, (*chain, act))
        return found

    def _record(self, state: State, happened: frozenset[str], chain: tuple[str, ...] = ()) -> list[Branch]:
        """As `core.desk.act.record`: duties follow, then notices, automatic acts, and the closing."""
        after = self._after(happened)
        found = []
        for there in self._follow(state, after):
            sent = {
                f"{ON_ITS_WAY}{notice.effect}"
                for notice in after.sends
                if notice.effect in there.running and holds(notice.when, facts_of(there))
            }
            there = there._replace(fired=there.fired | sent) if sent else there
            branches: list[Branch] = [(there, (self._event(happened, there),))]
            for entry in after.does:
                branches = [
                    more
                    for here, events in branches
                    for more in (
                        self._of_itself(here, entry.act, events, chain)
                        if holds(entry.when, facts_of(here))
                        else [(here, events)]
                    )
                ]
            found += [
                closed for here, events in branches for closed in self._close(here, happened, events, chain)
            ]
        return found

    def _after(self, happened: frozenset[str]) -> After:
        """What hangs on something happening."""
        if (known := self._afters.get(happened)) is None:
            kept, hears = self.duties.values(), happened.isdisjoint
            known = self._afters[happened] = After(
                ends=frozenset(
                    d.key for d in kept if not hears(d.void_on) or not (d.each or hears(d.met_by))
                ),
                perhaps=frozenset(d.key for d in kept if d.each and hears(d.void_on) and not hears(d.met_by)),
                opens=tuple(d for d in kept if not hears(d.opens_on)),
                rearms=tuple(d for d in kept if not hears(d.rearm)),
                sends=tuple(n for n in self.rules.notices if n.effect and not hears(n.on)),
                does=tuple(entry for entry in self.rules.consequences if not hears(entry.on)),
            )
        return known

    def _event(self, happened: frozenset[str], state: State) -> Event:
        return self._events.setdefault((happened, state), Event(happened, state))

    def _of_itself(
        self, state: State, act: str, events: tuple[Event, ...], chain: tuple[str, ...]
    ) -> list[Branch]:
        """An act that the system does."""
        if (
            act not in self.bare
            or (state.stage, act) not in flow.MOVES
            or not fills(self.rules, act, SYSTEM)
            or not self.open(act, state)
            or act in chain  # round in a ring
        ):
            raise Refused(act)
        if act not in self.cone.relevant:
            return [(state, (*events, self._event(self.deeds[act].happened, state)))]
        return [
            (there, (*events, *later))
            for given in self.fillings(act, state)
            for there, later in self.done(state, act, given, chain)
        ]

    def _close(
        self, state: State, happened: frozenset[str], events: tuple[Event, ...], chain: tuple[str, ...]
    ) -> list[Branch]:
        if state.stage != DELIVERING or "delivered_all" in happened:
            return [(state, events)]
        if any(key.startswith(DELIVERY) for key in state.running):
            return [(state, events)]
        return self._of_itself(state, "delivered_all", events, chain)

    def _follow(self, state: State, after: After) -> list[State]:
        """As `core.duties.follow`. Of a duty that each member has, some may be met and others not."""
        running = state.running
        if state.stage in flow.GONE:
            return [_without(state, running)]
        state = _without(state, running & after.ends)
        perhaps = running & after.perhaps
        branches = [_without(state, perhaps), state] if perhaps else [state]
        for duty in after.rearms:
            if duty.key in running:
                branches = [more for there in branches for more in self._begin(there, duty, again=True)]
        for duty in after.opens:
            branches = [more for there in branches for more in self._begin(there, duty, again=duty.renews)]
        return branches

    def _begin(self, state: State, duty: Duty, *, again: bool) -> list[State]:
        if duty.key in state.open and not again:
            return [state]
        facts = facts_of(state)
        if not holds(duty.when, facts):
            return [state]
        dated = self.dated(duty, facts)
        there = _without(state, state.open & {duty.key})
        if duty.key in state.left:  # the one of the earlier round stays open
            there = there._replace(left=state.left)
        there = there._replace(
            open=there.open | {duty.key},
            undated=there.undated if dated else there.undated | {duty.key},
        )
        return [there, state] if duty.each else [there]

    def dated(self, duty: Duty, facts: Facts) -> bool:
        """Whether a duty that opens now has a date."""
        if duty.due is None:
            return False
        return not duty.due.matter or bool(self.rules.first_limit or self.rules.limit_for(facts))

    def _clock(self, state: State) -> Iterator[tuple[Label, list[Branch]]]:
        for key in sorted(state.running):
            for step in self.steps[key]:
                name = f"{key}.{step.key}"
                if name in state.fired or (key in state.undated and not step.at.startswith("open")):
                    continue
                once = name in self.once
                facts = dict(state.facts)
                if step.mark == "overdue" and "overdue" in self.cone.facts:
                    facts["overdue"] = True
                there = state._replace(
                    fired=state.fired | {name} if once else state.fired,
                    marks=state.marks | (self.cone.marks & {step.moment}),
                    facts=_facts(facts),
                )
                happened = frozenset({name, step.moment} - {""})
                yield from self._tried(state, Label("step", name), partial(self._record, there, happened))

    def _arrivals(self, state: State) -> Iterator[tuple[Label, list[Branch]]]:
        for told in sorted(state.fired):
            effect = told.removeprefix(ON_ITS_WAY)
            if effect != told:
                there = state._replace(fired=state.fired - {told})
                happened = frozenset({f"deliver:{effect}"})
                yield from self._tried(
                    state, Label("arrival", effect), partial(self._record, there, happened)
                )

    def _acts(self, state: State) -> Iterator[tuple[Label, list[Branch]]]:
        for row in flow.acts_at(state.stage):
            entry = self.bare.get(row.act)
            if entry is None or row.act not in self.cone.relevant:
                continue
            if not offered(self.rules, row) or not self.open(row.act, state):
                continue
            there = state
            if row.act == "unreachable":  # the message that could not be brought is gone
                there = state._replace(fired=state.fired - {f"{ON_ITS_WAY}to_applicant"})
            for given in self.fillings(row.act, state):
                label = Label("act", row.act, tuple(given.items()))
                yield from self._tried(state, label, partial(self.done, there, row.act, given))

    def _tried(
        self, state: State, label: Label, lead: Callable[[], list[Branch]]
    ) -> Iterator[tuple[Label, list[Branch]]]:
        """Where it leads; nowhere if an automatic act that follows is not open, which is kept as `cut`."""
        try:
            yield label, lead()
        except Refused as refused:
            self.cut.setdefault(refused.act, (self._ids[state], label))

    # --- all of it

    def _explore(self) -> None:
        for facts in self._beginnings():
            self._enter(State("DRAFT", 1, NONE, NONE, NONE, NONE, NONE, facts), None)
        waiting = deque(range(len(self.states)))
        while waiting:
            here = waiting.popleft()
            state = self.states[here]
            for label, found in (*self._acts(state), *self._arrivals(state), *self._clock(state)):
                for there, events in found:
                    known = len(self.states)
                    to = self._enter(there, (here, label))
                    if to == known:
                        waiting.append(to)
                    self.moves[here].append(Move(to, label, events))

    def _enter(self, state: State, came: tuple[int, Label] | None) -> int:
        state = self.distinct(state)
        at = self._ids.setdefault(state, len(self.states))
        if at == len(self.states):
            self.states.append(state)
            self.moves.append([])
            self.came.append(came)
        return at

    def _beginnings(self) -> Iterator[frozenset[tuple[str, object]]]:
        """The conversation may have been begun on any channel that a condition knows, or on another."""
        asked = sorted({str(x) for x in self.wanted("channel")})
        for channel in (None, *asked) if "channel" in self.cone.facts else (None,):
            yield _facts({"channel": channel})

    def wanted(self, name: str) -> set[object]:
        """The values that conditions of the profile ask a fact for."""
        found: set[object] = set()
        for _, when in conditions(self.rules):
            value = when.get(name)
            found |= set(value) if isinstance(value, tuple) else {value}
        return found - {None}

    def path(self, at: int) -> list[Label]:
        """The shortest way to a state."""
        labels: list[Label] = []
        while (came := self.came[at]) is not None:
            at, label = came
            labels.append(label)
        return labels[::-1]

    @cached_property
    def count(self) -> int:
        return sum(len(moves) for moves in self.moves)


def _told(texts: Iterable[str], given: Facts) -> frozenset[str]:
    """Happenings with the answers of the form in them."""
    return frozenset(_NAMED.sub(lambda m: str(given.get(m[1], SOMETHING)), text) for text in texts)


def _facts(facts: Mapping[str, object]) -> frozenset[tuple[str, object]]:
    return frozenset((key, value) for key, value in facts.items() if value is not None and value is not False)


def _without(state: State, keys: Collection[str]) -> State:
    """The state with these duties closed, and their steps and messages void."""
    if not keys:
        return state
    fired = frozenset(
        x for x in state.fired if x.partition(".")[0] not in keys and x.partition(":")[2] not in keys
    )
    return state._replace(
        open=state.open.difference(keys),
        left=state.left.difference(keys),
        undated=state.undated.difference(keys),
        fired=fired,
    )


def filled(rules: Profile, slot: str) -> bool:
    """Whether there is anybody for a slot."""
    return slot in ("applicant", SYSTEM) or bool(rules.slots.get(slot))


def offered(rules: Profile, row: flow.Row) -> bool:
    """Whether an act is ever done for itself, and not only as a consequence of another."""
    if row.slot in ("applicant", SYSTEM):
        return row.act != "delivered_all"
    return any(role != SYSTEM for role in rules.slots.get(row.slot, ()))


def fills(rules: Profile, act: str, part: str) -> bool:
    slot = flow.SLOTS[act]
    return slot == part or part in rules.slots.get(slot, ())


def conditions(rules: Profile) -> Iterator[tuple[str, When]]:
    """Every condition of a profile, with its place in the file."""
    for key, act in rules.acts.items():
        yield f"acts.{key}.when", act.when
        for field in act.fields:
            yield f"acts.{key}.{field.id}.shown_when", field.shown_when
            yield f"acts.{key}.{field.id}.required_when", field.required_when
    for question in rules.intake.questions:
        yield f"intake.questions.{question.id}.shown_when", question.shown_when
        yield f"intake.questions.{question.id}.required_when", question.required_when
    for exclusion in rules.intake.exclusions:
        yield f"intake.exclusions.{exclusion.code}.when", exclusion.when
    for limit in rules.limits:
        yield f"limits.{limit.key}.when", limit.when
    for duty in rules.duties:
        yield f"duties.{duty.key}.when", duty.when
    for notice in rules.notices:
        yield f"notices.{notice.template}:{notice.to}.when", notice.when
    for entry in rules.automatic:
        yield f"automatic.{entry.act}.when", entry.when
