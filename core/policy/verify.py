"""What a profile promises, proved: every state a case can come to is visited, every entry looked at.

`verify` returns a proof: what was counted, and what was found. A finding names what is wrong in words for the person
who writes the profile; one about the life of a case tells the shortest way there. Findings of kind `unserved` (a clause
that nothing serves yet) are listed and break nothing; all others do.
"""

from __future__ import annotations

import gc
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

from pydantic import ValidationError

from core import flow, forms
from core.desk.act import GROUPS
from core.people import COMPANION, FIRST_RECEIVER, KEEPER, MEMBER, SYSTEM, UNIT_ROLES
from core.policy.explore import (
    DELIVERING,
    DELIVERY,
    SOMETHING,
    Label,
    Move,
    Space,
    State,
    conditions,
    domain,
    facts_of,
    filled,
    fills,
    may_happen,
    offered,
)
from core.policy.model import Duty, Profile, Step, holds, step_time

# What is proved, by the kind of finding that would speak against it.
CLAIMS: Final[Mapping[str, str]] = {
    "dead_end": "没有死路：在办的件每一步都走得下去，申请人不再说话也走得到头",
    "never": "开着的动作都有做得成的时候",
    "stuck": "该做的事一旦开了，总有办法做完",
    "automatic": "系统自动做的事，轮到时都做得成，不会没完没了",
    "unwatched": "在办的每个环节都有人该做的事，有日期，没有日期的写明了原因",
    "undated": "在答复之前，始终有一项带日期的事在走",
    "two_limits": "同一时间只有一个办理期限",
    "unanswered": "每一条路走到头，申请人都得到答复",
    "ladder": "有日期的事都有提醒，过了期一级一级报到常设岗位",
    "overlap": "一件事只对得上一条时限",
    "unlimited": "每一种研判结果都对得上时限",
    "number": "编号不会重",
    "slot": "每个动作、每条通知都有人",
    "condition": "条件里问到的都有人填，值都选得到",
    "words": "通知、问题、表单、称呼都有字样",
    "unserved": "条款都有着落",
}
UNSERVED: Final = "unserved"
_PEOPLE_OF_A_CASE: Final = frozenset({COMPANION, KEEPER, FIRST_RECEIVER, MEMBER, SYSTEM})


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be; `path`: the shortest way there, step by step."""

    kind: str
    text: str
    path: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        return self.kind != UNSERVED

    @property
    def story(self) -> str:
        """The finding as one line, told from the beginning of the case."""
        return f"{' → '.join(self.path)}：{self.text}" if self.path else self.text


@dataclass(frozen=True)
class Proof:
    """What was looked at (`counts`) and what was found."""

    name: str
    version: str
    counts: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return not any(finding.fails for finding in self.findings)


def verify(rules: Profile, templates: Collection[str]) -> Proof:
    """Prove a profile. `templates`: the names of the texts there are, as `notices/result`, `intake/ask_content`."""
    with _without_collecting():
        space = Space(rules)
        life = tuple(Life(space).findings())
    found = [
        *life,
        *_ladders(rules),
        *_limits(rules),
        *_number(rules),
        *_slots(rules),
        *_conditions(rules),
        *_words(rules, templates),
        *_clauses(rules),
    ]
    counts = {
        "states": len(space.states),
        "transitions": space.count,
        "acts": len(space.cone.acts),
        "duties": len(rules.duties),
        "notices": len(rules.notices),
        "limits": len(rules.limits),
        "matters": len(_matters(rules)),
        "clauses": len(rules.clauses),
        "served": len(rules.clauses) - sum(finding.kind == UNSERVED for finding in found),
    }
    order = list(CLAIMS)
    return Proof(
        rules.name,
        rules.version,
        counts,
        tuple(sorted(dict.fromkeys(found), key=lambda f: order.index(f.kind))),
    )


@contextmanager
def _without_collecting() -> Iterator[None]:
    """States are many, small and all alive: looking for garbage among them takes as long as finding them."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


# --- the life of a case -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loop:
    """Something that can happen in a state and changes nothing that is told apart."""

    act: str
    happened: frozenset[str]
    needs: str = ""  # only while this duty is open


Node = tuple[int, bool]  # a state, and whether the duty that is watched is open in it
Ways = dict[Node, tuple[Node, Label | None] | None]
Names = tuple[frozenset[str], ...]  # what happened on a move, one after the other


class Life:
    """Questions to all states at once."""

    def __init__(self, space: Space) -> None:
        self.space, self.rules = space, space.rules
        self.loops = [self._loops(state) for state in space.states]
        self.edges = [self._edges(moves) for moves in space.moves]
        self.names = {names for edges in self.edges for _, names in edges}
        self.beside = tuple(duty for duty in self.rules.duties if duty.key not in space.cone.duties)
        # Of each duty beside: the states in which it may be open, and in which it may be closed.
        self.running: dict[str, tuple[set[int], set[int]]] = {d.key: (set(), set()) for d in self.beside}
        self._watch()

    def findings(self) -> Iterator[Finding]:
        yield from self._dead_ends()
        yield from self._never()
        yield from self._stuck()
        yield from self._cut()
        yield from self._waiting()
        yield from self._two_limits()
        yield from self._unanswered()

    def _at(self, kind: str, at: int, text: str, *more: Label) -> Finding:
        path = tuple(self._say(label) for label in (*self.space.path(at), *more))
        return Finding(kind, text, path)

    def _say(self, label: Label) -> str:
        """A step of a story: who did what."""
        rules = self.rules
        if label.kind == "step":
            key, _, step = label.key.partition(".")
            title = rules.duty(key).title
            missed = next(x for x in rules.duty(key).steps if x.key == step).at.startswith("missed")
            return f"“{title}”到期未办" if missed else f"“{title}”没有动静，系统提醒（{step}）"
        if label.kind == "arrival":
            return f"“{rules.duty(label.key).title}”送达"
        said = [self._choice(label.key, name, value) for name, value in label.given]
        told = f"（{'，'.join(word for word in said if word)}）" if any(said) else ""
        return f"{who(rules, flow.SLOTS[label.key])}{rules.acts[label.key].label}{told}"

    def _choice(self, act: str, name: str, value: object) -> str:
        for asked in (*self.rules.acts[act].fields, *self.rules.intake.questions):
            if asked.id == name:
                label = next((c.label for c in self.rules.choices(asked) if c.code == value), "")
                return label or (
                    f"{asked.label}：{'是' if value == 'yes' else '否'}" if asked.kind == "yesno" else ""
                )
        return ""

    # --- duties that nothing hangs on

    def _loops(self, state: State) -> list[Loop]:
        space = self.space
        found = [
            Loop("", frozenset({f"{key}.{step.key}", step.moment} - {""}))
            for key in state.running
            for step in space.duties[key].steps
            if step not in space.steps[key] and (key not in state.undated or step.at.startswith("open"))
        ]
        for row in flow.acts_at(state.stage):
            entry = space.cone.acts.get(row.act)
            if entry is None or row.act in space.cone.relevant or not offered(self.rules, row):
                continue
            if space.open(row.act, state):
                needs = entry.needs_duty if entry.needs_duty not in space.cone.duties else ""
                found += [Loop(row.act, happened, needs) for happened in space.happenings(row.act)]
        return found

    def _edges(self, moves: list[Move]) -> dict[tuple[int, Names], list[Move]]:
        """The moves from a state, those together that lead to the same by the same happenings."""
        edges: dict[tuple[int, Names], list[Move]] = {}
        for move in moves:
            names = tuple(event.happened for event in move.events)
            edges.setdefault((move.to, names), []).append(move)
        return edges

    def _watch(self) -> None:
        """Follow each duty that nothing hangs on through all states, and once more those that hang on another of
        them which was found open in more states than before."""
        self.ways: dict[str, Ways] = {}
        due = {duty.key: duty for duty in self.beside}
        while due:
            grown = set()
            for key, duty in due.items():
                before = len(self.running[key][0])
                ways = self.ways[key] = self._ways(duty)
                self.running[key] = (
                    {at for at, is_open in ways if is_open},
                    {at for at, is_open in ways if not is_open},
                )
                grown |= {key} if len(self.running[key][0]) > before else set()
            due = {duty.key: duty for duty in self.beside if grown & self._others(duty)}

    def _others(self, duty: Duty) -> set[str]:
        """The duties beside it that it hangs on: their steps, and the acts that are done for them."""
        hangs = _hangs(duty)
        found = {other.key for other in self.beside if any(not hangs.isdisjoint(x) for x in _taken(other))}
        return found | {
            entry.needs_duty
            for act, entry in self.space.cone.acts.items()
            if any(not hangs.isdisjoint(happened) for happened in self.space.happenings(act))
        }

    def _ways(self, duty: Duty) -> Ways:
        """Every state with whether the duty may be open in it, and whence each was first come by."""
        leads = self._leads(duty)
        ways: Ways = {(at, False): None for at, whence in enumerate(self.space.came) if whence is None}
        waiting = deque(ways)
        while waiting:
            node = waiting.popleft()
            for there, _, label in leads(node):
                if there not in ways:
                    ways[there] = node, label
                    waiting.append(there)
        return ways

    def _leads(self, duty: Duty) -> Callable[[Node], Iterator[tuple[Node, bool, Label | None]]]:
        """Where a duty stands after each thing that can happen, whether it was met or void in it, and what it was."""
        hangs = _hangs(duty)
        special = {names for names in self.names if any(not hangs.isdisjoint(happened) for happened in names)}
        loops = [[loop for loop in loops if not hangs.isdisjoint(loop.happened)] for loops in self.loops]
        others = [
            (self.running[other.key][0], happened)
            for other in self.beside
            for happened in _taken(other)
            if not hangs.isdisjoint(happened)
        ]
        known: dict[tuple[Names, bool], list[tuple[bool, bool]]] = {}

        def through(names: Names, was: bool, states: Iterable[State]) -> list[tuple[bool, bool]]:
            if duty.when:
                return self._through(duty, was, zip(names, states, strict=True))
            if (names, was) not in known:
                known[names, was] = self._through(duty, was, zip(names, states, strict=True))
            return known[names, was]

        def leads(node: Node) -> Iterator[tuple[Node, bool, Label | None]]:
            at, was = node
            for (to, names), moves in self.edges[at].items():
                if names not in special:
                    yield (to, was), False, moves[0].label
                    continue
                for move in moves if duty.when else moves[:1]:
                    for is_open, ended in through(names, was, [event.state for event in move.events]):
                        yield (to, is_open), ended, move.label
            here = [self.space.states[at]]
            for loop in loops[at]:
                if not loop.needs or at in self._open_in(loop.needs):
                    for is_open, ended in through((loop.happened,), was, here):
                        yield (at, is_open), ended, Label("act", loop.act) if loop.act else None
            for where, happened in others:
                if at in where:
                    for is_open, ended in through((happened,), was, here):
                        yield (at, is_open), ended, None

        return leads

    def _open_in(self, key: str) -> Collection[int]:
        return self.running[key][0] if key in self.running else ()

    def _through(
        self, duty: Duty, was: bool, events: Iterable[tuple[frozenset[str], State]]
    ) -> list[tuple[bool, bool]]:
        """Whether the duty is open after these events, and whether it was met or void in them; all that can be."""
        branches = {(was, False)}
        for happened, state in events:
            if state.stage in flow.GONE:
                branches = {(False, ended or is_open) for is_open, ended in branches}
                continue
            if not happened.isdisjoint((*duty.met_by, *duty.void_on)):
                some = duty.each and happened.isdisjoint(duty.void_on)  # what is void is so for each member
                kept = {(True, ended) for is_open, ended in branches if is_open and some}
                branches = {(False, ended or is_open) for is_open, ended in branches} | kept
            if not happened.isdisjoint(duty.opens_on):
                may = self.space.may(duty.when, facts_of(state), self.space.live[state.stage])
                opened = {(True, ended) for _, ended in branches} if True in may else set()
                branches = opened | (branches if False in may or duty.each else set())
        return list(branches)

    def _surely(self, at: int, wanted: Callable[[Duty], bool]) -> bool:
        """Whether one of the duties that nothing hangs on is surely open here."""
        return any(wanted(duty) and at not in self.running[duty.key][1] for duty in self.beside)

    # --- the claims

    def _dead_ends(self) -> Iterator[Finding]:
        """From each open state the office and the clock alone come to an end."""
        space = self.space
        ends = [at for at, state in enumerate(space.states) if state.stage in (*flow.ENDED, *flow.GONE)]
        back = _backward(space.moves, lambda move: not self._by_applicant(move.label))
        leads = _reached(ends, back)
        told: set[str] = set()
        for at, state in enumerate(space.states):
            if state.stage in flow.OPEN and at not in leads and state.stage not in told:
                told.add(state.stage)
                yield self._at("dead_end", at, f"到这里走不下去了，因为{self._why_stuck(at)}")

    def _by_applicant(self, label: Label) -> bool:
        return label.kind == "act" and flow.SLOTS[label.key] == "applicant"

    def _why_stuck(self, at: int) -> str:
        state = self.space.states[at]
        ahead, waiting = {at}, [at]
        while waiting:
            moves = self.space.moves[waiting.pop()]
            new = {move.to for move in moves if not self._by_applicant(move.label)} - ahead
            ahead |= new
            waiting += new
        for_good = {key for key in state.running if all(key in self.space.states[x].running for x in ahead)}
        waits = [self.rules.duty(key).title for key in sorted(for_good) if key.startswith(DELIVERY)]
        if state.stage == DELIVERING and waits:
            return f"“{'”“'.join(waits)}”没有办法完成"
        names = [
            f"“{self.rules.acts[row.act].label}”{self._why_closed(row.act, state)}"
            for row in flow.acts_at(state.stage)
            if row.act in self.rules.acts and row.to != state.stage and row.slot not in ("applicant", SYSTEM)
        ]
        return "，".join(names) if names else f"规则在这个环节（{state.stage}）没有开能往下走的动作"

    def _why_closed(self, act: str, state: State) -> str:
        entry = self.rules.acts[act]
        if not filled(self.rules, flow.SLOTS[act]):
            return f"没有人做（slots.{flow.SLOTS[act]} 是空的）"
        blocks = [self.rules.duty(key).title for key in entry.blocked_by if key in state.running]
        if blocks:
            return f"要等“{'”“'.join(blocks)}”"
        early = [name for name in entry.after if name in self.space.cone.marks and name not in state.marks]
        if early:
            return f"要先有 {'、'.join(early)}"
        if entry.needs_duty and entry.needs_duty in self.space.cone.duties - state.running:
            return f"只在“{self.rules.duty(entry.needs_duty).title}”开着时能做"
        return "做了也到不了头" if self.space.open(act, state) else "条件（when）不成立"

    def _never(self) -> Iterator[Finding]:
        """Acts that are switched on and never open."""
        done = {move.label.key for moves in self.space.moves for move in moves if move.label.kind == "act"}
        done |= {
            name for moves in self.space.moves for move in moves for e in move.events for name in e.happened
        }
        for at, loops in enumerate(self.loops):
            done |= {loop.act for loop in loops if not loop.needs or at in self._open_in(loop.needs)}
        for act in self.space.cone.acts:
            if act not in done and filled(self.rules, flow.SLOTS[act]):
                label = self.rules.acts[act].label
                yield Finding(
                    "never", f"acts.{act}：“{label}”开着，可是没有一种情形做得成：{self._needs(act)}"
                )

    def _needs(self, act: str) -> str:
        entry = self.rules.acts[act]
        needs = [f"{name} = {_words_of(value)}" for name, value in entry.when.items()]
        needs += [f"先有 {name}" for name in entry.after]
        needs += [f"“{entry.needs_duty}”开着"] if entry.needs_duty else []
        needs += [f"“{key}”不开着" for key in entry.blocked_by]
        return "它要求 " + "，".join(needs) if needs else "案件到不了能做它的环节"

    def _stuck(self) -> Iterator[Finding]:
        """Duties left open where nobody can ever meet them."""
        back = _backward(self.space.moves, lambda move: True)
        for key, duty in self.space.duties.items():
            open_at = {at for at, state in enumerate(self.space.states) if key in state.running}
            ends = [at for at in open_at if any(self._ends(duty, *edge) for edge in self.edges[at])]
            if left := open_at - _reached(ends, back, open_at):
                first = min(left)
                yield self._left_open(duty, left, self.space.path(first))
        for duty in self.beside:
            leads, ways = self._leads(duty), self.ways[duty.key]
            into: dict[Node, list[Node]] = {}
            met: set[Node] = set()
            for node in ways:
                for there, ended, _ in leads(node) if node[1] else ():
                    into.setdefault(there, []).append(node)
                    if ended:
                        met.add(node)
            waiting = list(met)
            while waiting:
                new = [node for node in into.get(waiting.pop(), ()) if node not in met]
                met.update(new)
                waiting += new
            if stays := [node for node in ways if node[1] and node not in met]:
                yield self._left_open(duty, [at for at, _ in stays], _way(ways, stays[0]))

    def _ends(self, duty: Duty, to: int, names: Names) -> bool:
        ended = (*duty.met_by, *duty.void_on)
        return self.space.states[to].stage in flow.GONE or any(
            not happened.isdisjoint(ended) for happened in names
        )

    def _left_open(self, duty: Duty, left: Iterable[int], path: Iterable[Label]) -> Finding:
        stages = "、".join(sorted({self.space.states[at].stage for at in left}))
        text = f"“{duty.title}”（duties.{duty.key}）还开着，再也没有人能做完它（{stages}）"
        return Finding("stuck", text, tuple(self._say(label) for label in path))

    def _cut(self) -> Iterator[Finding]:
        for act, (at, label) in self.space.cut.items():
            known = self.rules.acts.get(act)
            named = f"“{known.label}”" if known else act
            yield self._at("automatic", at, f"系统接着要自动做{named}，这时却做不成，前一步也就做不成", label)
        for entry in self.rules.automatic:
            done = self.rules.acts.get(entry.act)
            for field in done.fields if done else ():
                if field.required and not field.default and not field.shown_when:
                    yield Finding(
                        "automatic",
                        f"automatic.{entry.act}：系统做这一步，没有人来填“{field.label}”，请去掉这一栏或给它默认值",
                    )
            if entry.act in flow.ACTS and not fills(self.rules, entry.act, SYSTEM):
                slot = flow.SLOTS[entry.act]
                yield Finding("automatic", f'automatic.{entry.act}：slots.{slot} 里要有 "system"，系统才能做')

    def _waiting(self) -> Iterator[Finding]:
        """Each open stage has a duty with a date or a reason; until the answer, one with a date."""
        told: set[tuple[str, str]] = set()
        for at, state in enumerate(self.space.states):
            if state.stage not in flow.OPEN:
                continue
            dated = any(self._dated(key, state) for key in state.running) or self._surely(at, _has_date)
            reason = dated or any(self.rules.duty(key).undated for key in state.running)
            if not reason and not self._surely(at, lambda duty: bool(duty.undated)):
                kind, text = "unwatched", "这里没有一件该做的事有日期，也没有写明为什么没有（undated）"
            elif state.stage != DELIVERING and not dated:
                kind, text = "undated", "还没有答复，却没有一项带日期的事在走"
            else:
                continue
            if (kind, state.stage) not in told:
                told.add((kind, state.stage))
                yield self._at(kind, at, f"{text}（{state.stage}）")

    def _dated(self, key: str, state: State) -> bool:
        return self.rules.duty(key).due is not None and key not in state.undated

    def _two_limits(self) -> Iterator[Finding]:
        told: set[tuple[str, ...]] = set()
        for at, state in enumerate(self.space.states):
            now = [key for part in (state.open, state.left) for key in sorted(part & self.space.limits)]
            if len(now) > 1 and tuple(now) not in told:
                told.add(tuple(now))
                titles = "”“".join(self.rules.duty(key).title for key in now)
                again = "（上一轮的没有了结）" if state.left & self.space.limits else ""
                yield self._at("two_limits", at, f"两个办理期限同时在走：“{titles}”{again}")

    def _unanswered(self) -> Iterator[Finding]:
        told: set[tuple[str, str]] = set()
        ends = (*flow.ENDED, *flow.GONE)
        for at, moves in enumerate(self.space.moves):
            state = self.space.states[at]
            for move in moves:
                to = self.space.states[move.to]
                if state.stage not in flow.OPEN or state.stage == to.stage:
                    continue
                if to.stage == DELIVERING or (state.stage == DELIVERING and to.stage == "CLOSED"):
                    answered = state.stage == DELIVERING or "to_applicant" in to.running
                elif to.stage in ends:
                    answered = any(self._heard(event.happened, event.state) for event in move.events)
                else:
                    continue
                if not answered and (move.label.key, to.stage) not in told:
                    told.add((move.label.key, to.stage))
                    yield self._at(
                        "unanswered", at, f"到这里就结束了（{to.stage}），申请人没有得到答复", move.label
                    )

    def _heard(self, happened: frozenset[str], state: State) -> bool:
        known = self.space.live[state.stage] | {name for name, _ in state.facts}
        return any(
            notice.to == "applicant"
            and not happened.isdisjoint(notice.on)
            and self.space.may(notice.when, facts_of(state), known) == (True,)
            for notice in self.rules.notices
        )


def _has_date(duty: Duty) -> bool:
    return duty.due is not None and not duty.due.matter


def _backward(moves: list[list[Move]], wanted: Callable[[Move], bool]) -> list[list[int]]:
    back: list[list[int]] = [[] for _ in moves]
    for at, found in enumerate(moves):
        for move in found:
            if wanted(move):
                back[move.to].append(at)
    return back


def _reached(ends: Iterable[int], back: list[list[int]], within: Collection[int] = ()) -> set[int]:
    """What leads to the ends; `within`: only through these, if any are given."""
    seen = set(ends)
    waiting = deque(seen)
    while waiting:
        for at in back[waiting.popleft()]:
            if at not in seen and (not within or at in within):
                seen.add(at)
                waiting.append(at)
    return seen


_LAST: Final = frozenset(row.act for row in flow.FLOW if row.to in flow.GONE)  # end every duty


def _hangs(duty: Duty) -> frozenset[str]:
    return frozenset((*duty.met_by, *duty.void_on, *duty.opens_on)) | _LAST


def _taken(duty: Duty) -> list[frozenset[str]]:
    """What happens when the clock takes each of its steps."""
    return [frozenset({f"{duty.key}.{step.key}", step.moment} - {""}) for step in duty.steps]


def _way(ways: Ways, node: Node) -> list[Label]:
    labels: list[Label] = []
    while (whence := ways[node]) is not None:
        node, label = whence
        labels += [label] if label else []
    return labels[::-1]


def who(rules: Profile, slot: str) -> str:
    """Who fills a slot, in the region's own words."""
    if slot == SYSTEM:
        return "系统"
    role = next((x for x in rules.slots.get(slot, ()) if x in rules.titles), slot)
    return rules.titles.get(role, {"applicant": "申请人"}.get(role, slot))


def _words_of(value: object) -> str:
    return "、".join(map(str, value)) if isinstance(value, tuple) else str(value)


# --- entries by themselves --------------------------------------------------------------------------------


def _ladders(rules: Profile) -> Iterator[Finding]:
    """Dated duties remind before, and when missed climb to a standing role of the hall; soft ones say one word."""
    alive = _alive(rules)
    for duty in rules.duties:
        place = f"duties.{duty.key}"
        if alive.isdisjoint((*duty.opens_on, *duty.rearm)):
            continue
        if duty.due is None:
            late = [step.key for step in duty.steps if not step.at.startswith("open")]
            if late:
                yield Finding("ladder", f"{place}：没有日期（due），{'、'.join(late)} 这几步永远不会到")
            if not duty.undated and not duty.steps:
                yield Finding(
                    "ladder", f"{place}：“{duty.title}”没有日期、没有提醒，也没有写明原因（undated）"
                )
            continue
        missed = [step for step in duty.steps if step.at.startswith("missed")]
        if duty.soft:
            if not duty.steps:
                yield Finding("ladder", f"{place}：“{duty.title}”有日期，没有一步提醒")
            continue
        if not any(step.tell and step not in missed for step in duty.steps):
            yield Finding("ladder", f"{place}：“{duty.title}”到期以前没有提醒")
        last = max(missed, key=_how_late) if missed else None
        if last is None:
            yield Finding("ladder", f"{place}：“{duty.title}”过了期没有人知道，请写一步 missed，或标明 soft")
            continue
        top = {slot for step in missed if _how_late(step) == _how_late(last) for slot in step.tell}
        if not any(_standing(rules, slot) for slot in top):
            told = "、".join(sorted(top)) or "没有人"
            yield Finding("ladder", f"{place}.{last.key}：最后一级要报到大厅的常设岗位，现在是 {told}")


def _how_late(step: Step) -> int:
    return step_time(step.at)[1]


def _standing(rules: Profile, slot: str) -> bool:
    """Whether a slot holds a role of the hall: not of the unit in the case, nor of a person in it."""
    return any(role not in UNIT_ROLES | _PEOPLE_OF_A_CASE for role in rules.slots.get(slot, ()))


def _matters(rules: Profile) -> list[dict[str, object]]:
    """All combinations of what the limits of matters ask about, as a form can state them."""
    asked = sorted({key for limit in rules.limits for key in limit.when})
    return [
        dict(zip(asked, values, strict=True))
        for values in product(*((*domain(rules, name), None) for name in asked))
    ]


def _limits(rules: Profile) -> Iterator[Finding]:
    ruled = [limit for limit in rules.limits if limit.when]
    told: set[tuple[str, ...]] = set()
    lacking: dict[str, None] = {}
    for matter in _matters(rules):
        fits = tuple(limit.key for limit in ruled if holds(limit.when, matter))
        said = "，".join(f"{key} = {value}" for key, value in matter.items() if value is not None)
        for pair in combinations(fits, 2):
            if pair not in told:
                told.add(pair)
                yield Finding(
                    "overlap", f"limits.{pair[0]} 和 limits.{pair[1]}：{said} 两条都对得上，请分清楚"
                )
        if not fits and rules.first_limit and all(value is not None for value in matter.values()):
            lacking[said] = None
    for said in lacking:
        yield Finding("unlimited", f"limits：{said} 没有一条时限对得上，请补上")
    for limit in rules.limits:
        if not limit.when and limit.key != rules.first_limit and limit.key not in _named_limits(rules):
            yield Finding("unlimited", f"limits.{limit.key}：没有写 when，也没有哪件事用到它")


def _named_limits(rules: Profile) -> set[str]:
    return {duty.due.limit for duty in rules.duties if duty.due and duty.due.limit}


_PART: Final = re.compile(r"\{([^{}]*)\}")
_PERIODS: Final = {"seq": ("{yyyy}", "{yyyymmdd}"), "day_seq": ("{yyyymmdd}",)}


def _number(rules: Profile) -> Iterator[Finding]:
    """One serial of a width, and the day or year it is counted in."""
    text = rules.number.format
    parts = [part.partition(":") for part in _PART.findall(text)]
    serials = [(name, width) for name, _, width in parts if name in _PERIODS]
    unknown = [name for name, _, _ in parts if name not in {*_PERIODS, "yyyy", "yyyymmdd", "unit", "site"}]
    if unknown:
        known = "yyyy、yyyymmdd、unit、site、seq、day_seq"
        yield Finding("number", f"number.format：不认得 {{{unknown[0]}}}，可用 {known}")
    if len(serials) != 1:
        yield Finding(
            "number", f"number.format：流水号要有且只有一个，现在有 {len(serials)} 个，例如 {{seq:5}}"
        )
        return
    name, width = serials[0]
    if not width.isdigit() or width == "0":
        yield Finding("number", f"number.format：流水号要写几位，例如 {{{name}:5}}")
    if not any(period in text for period in _PERIODS[name]):
        by = "年" if name == "seq" else "日"
        yield Finding(
            "number", f"number.format：流水号按{by}从头数，编号里要有 {_PERIODS[name][0]}，不然会重号"
        )


def _alive(rules: Profile) -> frozenset[str]:
    """What can happen under the profile at all."""
    acts = {act for act in rules.acts if act in flow.ACTS and filled(rules, flow.SLOTS[act])}
    names = {name for act in acts for name in may_happen(rules, act)}
    before = None
    while before != (before := len(names)):
        for duty in rules.duties:
            if not names.isdisjoint((*duty.opens_on, *duty.rearm)):
                names |= {f"{duty.key}.{step.key}" for step in duty.steps}
                names |= {step.moment for step in duty.steps if step.moment}
    return frozenset(names)


def _slots(rules: Profile) -> Iterator[Finding]:
    alive, duties = _alive(rules), {duty.key for duty in rules.duties}
    for act, entry in rules.acts.items():
        if act not in flow.ACTS:
            yield Finding("slot", f"acts.{act}：没有这个动作，请检查拼写")
        elif not filled(rules, flow.SLOTS[act]):
            yield Finding("slot", f"acts.{act}：没有人做，请在 slots 里写 {flow.SLOTS[act]}")
        for key in (*filter(None, [entry.needs_duty]), *entry.blocked_by):
            if key not in duties:
                yield Finding("condition", f"acts.{act}：needs_duty、blocked_by 里的 {key} 不在 duties 里")
    for needed in ("delivered_all", "unreachable"):
        if needed not in rules.acts:
            yield Finding("slot", f"acts.{needed}：少了这个动作，送达的结果记不下来")
    for notice in rules.notices:
        if not alive.isdisjoint(notice.on) and not _somebody(rules, notice.to):
            yield Finding(
                "slot", f"notices.{notice.template}:{notice.to}：没有人听，请在 slots 里写 {notice.to}"
            )
    for duty in rules.duties:
        if alive.isdisjoint((*duty.opens_on, *duty.rearm)):
            continue
        if not _somebody(rules, duty.holder):
            yield Finding("slot", f"duties.{duty.key}：没有人做，请在 slots 里写 {duty.holder}")
        for step in duty.steps:
            for slot in step.tell:
                if not _somebody(rules, slot):
                    yield Finding(
                        "slot", f"duties.{duty.key}.{step.key}.tell：没有人听，请在 slots 里写 {slot}"
                    )
            if bool(step.tell) != bool(step.notice):
                yield Finding("slot", f"duties.{duty.key}.{step.key}：tell 和 notice 要写就都写")


def _somebody(rules: Profile, slot: str) -> bool:
    return slot in GROUPS or filled(rules, slot)


def _conditions(rules: Profile) -> Iterator[Finding]:
    """Nobody can meet a condition that asks for what nobody can state."""
    for place, when in conditions(rules):
        for name, wanted in when.items():
            known = domain(rules, name)
            values = wanted if isinstance(wanted, tuple) else (wanted,)
            if not known and wanted is not False:
                yield Finding("condition", f"{place}：没有谁会填 {name}")
            if isinstance(wanted, bool) or not known or SOMETHING in known:
                continue
            for value in values:
                if value not in known:
                    yield Finding(
                        "condition", f"{place}：{name} 没有 {value} 这个值，可选 {_words_of(tuple(known))}"
                    )


def _words(rules: Profile, templates: Collection[str]) -> Iterator[Finding]:
    alive = _alive(rules)
    wanted = {
        f"intake/ask_{question.id}": f"intake.questions.{question.id}" for question in rules.intake.questions
    }
    wanted.pop("intake/ask_content", None)  # told freely, not asked
    for notice in rules.notices:
        if not alive.isdisjoint(notice.on):
            wanted[f"notices/{notice.template}"] = f"notices.{notice.template}:{notice.to}"
    for duty in rules.duties:
        for step in duty.steps:
            if step.notice and not alive.isdisjoint((*duty.opens_on, *duty.rearm)):
                wanted[f"notices/{step.notice}"] = f"duties.{duty.key}.{step.key}"
    for name, place in wanted.items():
        if name not in templates:
            yield Finding("words", f"{place}：没有 templates/{name}.txt 这份字样")
    roles = {role for slot in rules.slots.values() for role in slot} | {
        *rules.required_contacts,
        *(rules.wanted_contacts.roles if rules.wanted_contacts else ()),
        "applicant",
    }
    for role in sorted(roles - _PEOPLE_OF_A_CASE - rules.titles.keys()):
        yield Finding("words", f"titles：没有 {role} 的称呼，请补上")
    yield from _papers(rules)


def _papers(rules: Profile) -> Iterator[Finding]:
    try:
        papers = forms.read_papers({"forms": rules.forms, "ledger": rules.ledger})
    except ValidationError as error:
        for told in error.errors():
            key = ".".join(str(part) for part in told["loc"])
            yield Finding("words", f"{key}：表单读不通：{told['msg'].removeprefix('Value error, ')}")
        return
    if "registration" not in papers.forms:
        yield Finding("words", "forms.registration：没有登记的表单，请补上")


# --- clauses ----------------------------------------------------------------------------------------------


def _clauses(rules: Profile) -> Iterator[Finding]:
    """Clauses that no entry cites, and none of them says what serves them or why software does not."""
    papers = set(_cited_by_papers({"forms": rules.forms, "ledger": rules.ledger}))
    cited = {clause for _, clause in rules.cited()} | papers
    for name, clause in rules.clauses.items():
        if name not in cited and not clause.by and not clause.not_served:
            yield Finding(UNSERVED, f"{name} {clause.title}")
    for missing in sorted(papers - rules.clauses.keys()):
        yield Finding("words", f"forms：条款 {missing} 不在 [clauses] 里，请写上条款号")


def _cited_by_papers(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if key == "clause" and isinstance(entry, str):
                yield entry
            else:
                yield from _cited_by_papers(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _cited_by_papers(entry)
