"""What may be wrong in a profile: every single slip of the pen in the parameters a regulation sets.

A mutant is the merged table of a profile with one value changed. What can have no effect is none: a trigger by an act
that the regulation does not know, a notice of one, and what another part of the rule or of the house says as well. Each
such case stands where it is left out, with its reason.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core import flow
from core.people import COMPANION, SYSTEM, UNIT_ROLES
from core.policy.model import OUTCOMES

GONE: Final = object()  # as a new value: the entry is left out
# After these nothing is owed whatever the profile says (`core.duties`), so that it cannot be wrong there.
ENDING: Final = frozenset(row.act for row in flow.FLOW if row.to in flow.GONE)
# Whoever registers says when it was told: these anchors are then set by the act itself (`core.desk.effects`).
BY_ITSELF: Final = frozenset({("register", "submitted_at"), ("register", "accepted_at")})
TAKEN_IN: Final = frozenset({"submitted_at", "accepted_at"})  # stand in every case that is no draft any more
Table = Mapping[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutant:
    """`name` says what is wrong. Only a story that meets one of `needs` can notice it (every story, if there are
    none); one that meets or names many of `words` is likely to."""

    kind: str
    name: str
    path: Path
    value: Any
    needs: frozenset[str]
    words: tuple[str, ...]

    def applied(self, table: Table) -> dict[str, Any]:
        """A copy of the table with this one thing wrong."""
        wrong: Any = copy.deepcopy(dict(table))
        *way, last = self.path
        inside = wrong
        for part in way:
            inside = inside[part]
        if self.value is GONE:
            del inside[last]
        else:
            inside[last] = self.value
        return dict(wrong)


def mutants(table: Table) -> Iterator[Mutant]:
    """Every mutant of a merged table, in the order of the profile."""
    for kind, told in (
        ("one value", _single(table)),
        ("slot", _slots(table)),
        ("intake", _intake(table)),
        ("level", _levels(table)),
        ("limit", _limits(table)),
        ("act", _acts(table)),
        ("duty", _duties(table)),
        ("notice", _notices(table)),
        ("automatic", _automatic(table)),
        ("extension", _extension(table)),
    ):
        for name, path, value, needs, *words in told:
            likely = tuple(dict.fromkeys(word for word in (*needs, *words) if word))
            yield Mutant(kind, name, path, value, frozenset(needs), likely)


Told = Iterator[tuple[Any, ...]]  # name, path, new value, needs, words …
ANY: Final = ()


def _single(table: Table) -> Told:
    if table.get("first_limit"):
        yield "first_limit: none", ("first_limit",), "", ANY, "submit", "limit"
    other = "midnight" if table.get("day_end") == "closing" else "closing"
    yield f"day_end: {other}", ("day_end",), other, ANY, "limit", "due_day"
    if table.get("raise_only"):
        yield "raise_only: off", ("raise_only",), False, ("relevel",), "raise_only"
    digits = re.sub(r"seq:(\d)", lambda m: f"seq:{int(m[1]) + 1}", table["number"]["format"])
    yield "number: one digit more", ("number", "format"), digits, ANY, "number", "numbers"
    yield from _each_out(
        "required_contacts", table, ("required_contacts",), ANY, "dispatch", "unit_lacks_contacts"
    )
    for i, level in enumerate(table["rating"]["levels"]):
        if level.get("bad"):
            path = ("rating", "levels", i, "bad")
            yield f"rating: {level['code']} not bad", path, False, ("rate", "rate_for"), "score", "redo"
    if sample := table.get("verification"):
        rate = 0.0 if sample["rate"] == 1 else 1.0
        yield f"verification: rate {rate:.0f}", ("verification", "rate"), rate, ANY, "verify", "verify_result"
        yield from _each_out("verification", sample, ("verification",), ANY, "verify", key="always")


def _slots(table: Table) -> Told:
    used = {flow.SLOTS.get(act, "") for act in table["acts"]}
    used |= set(_words({key: value for key, value in table.items() if key != "slots"}))
    for slot, roles in table["slots"].items():
        if slot not in used:  # what nobody is asked to do or told of, nobody can do wrong
            continue
        if slot == COMPANION:  # whoever comes along is named at the visit (`core.desk.act.tell`)
            continue
        for role in roles:
            yield f"slots.{slot}: not {role}", ("slots", slot), _less(roles, role), ANY, slot, role


def _intake(table: Table) -> Told:
    intake = table["intake"]
    for i, asked in enumerate(intake["questions"]):
        if asked.get("required") or asked.get("required_when"):
            where = f"intake.questions.{asked['id']}"
            path = ("intake", "questions", i)
            yield f"{where}: optional", path, _optional(asked), (asked["id"],), f"ask_{asked['id']}"
    for field, codes in intake.get("conduct", {}).items():
        for code in codes:
            path = ("intake", "conduct", field)
            yield f"intake.conduct.{field}: not {code}", path, _less(codes, code), (field,), code, "shielded"
    for i, entry in enumerate(intake.get("exclusions", ())):
        path = ("intake", "exclusions", i)
        yield f"intake.exclusions.{entry['code']}: out", path, GONE, ANY, entry["code"], "excluded", "guide"


def _levels(table: Table) -> Told:
    for i, level in enumerate(table["levels"]):
        yield f"levels.{level['code']}: out", ("levels", i), GONE, ANY, level["code"], level.get("on")


def _limits(table: Table) -> Told:
    for i, limit in enumerate(table["limits"]):
        where, path, words = f"limits.{limit['key']}", ("limits", i), (limit["key"], "limit", "due_day")
        yield from _longer(f"{where}.due", limit["due"], (*path, "due"), ANY, *words)
        if target := limit.get("target"):
            yield from _longer(f"{where}.target", target, (*path, "target"), ANY, *words, "remind_target")
            yield f"{where}.target: none", (*path, "target"), GONE, ANY, *words, "remind_target"
        anchor = limit.get("anchor", "accepted_at")
        other = "dispatched_at" if anchor == "accepted_at" else "accepted_at"
        # A later round counts from what opened it (WD-21), and a day that somebody entered from nothing.
        if "fact" not in limit["due"] and not limit.get("when", {}).get("redone"):
            yield f"{where}.anchor: {other}", (*path, "anchor"), other, ANY, *words, anchor
        if limit.get("when") and limit["key"] != table.get("first_limit"):  # which holds where no other fits
            yield f"{where}.when: never", (*path, "when"), {}, ANY, *words


def _acts(table: Table) -> Told:
    for key, act in table["acts"].items():
        where, path = f"acts.{key}", ("acts", key)
        yield f"{where}: out", path, GONE, (key,)
        for i, asked in enumerate(act.get("fields", ())):
            needed = asked.get("required") or asked.get("required_when")
            if needed and not asked.get("default"):  # a field with a default is never left open
                way = (*path, "fields", i)
                yield (
                    f"{where}.{asked['id']}: optional",
                    way,
                    _optional(asked),
                    (key,),
                    asked["id"],
                    "Incomplete",
                )
        for guard, free in (("needs_duty", ""), ("once", False), ("when", {})):
            if (key, guard) == ("deliver", "needs_duty") and len(_deliveries(table)) == 1:
                continue  # the stage in which it is offered ends with its only delivery
            if act.get(guard):
                yield f"{where}.{guard}: off", (*path, guard), free, (key,), "refusal", str(act[guard])
        for guard in ("after", "blocked_by", "moments"):
            for told in _each_out(where, act, path, (key,), "refusal", key=guard):
                always = guard == "after" and (
                    told[-1] in TAKEN_IN
                    or _by_itself(table, key, _recording(table, told[-1]))  # nobody can do it before
                )
                if not always and (guard != "moments" or (key, told[-1]) not in BY_ITSELF):
                    yield told


def _duties(table: Table) -> Told:
    live = _happenings(table)
    for i, duty in enumerate(table["duties"]):
        opening = [name for name in duty["opens_on"] if name in live]
        if not opening:
            continue
        where, path, word = f"duties.{duty['key']}", ("duties", i), duty["key"]
        yield f"{where}: out", path, GONE, (word,), *opening
        if duty.get("due"):
            yield from _longer(f"{where}.due", duty["due"], (*path, "due"), (word,), "due_day")
        if duty.get("when"):
            yield f"{where}.when: off", (*path, "when"), {}, opening, word
        for trigger in ("opens_on", "met_by", "void_on", "rearm"):
            for name in duty.get(trigger, ()):
                if trigger in ("met_by", "void_on") and name in ENDING:
                    continue
                if trigger == "void_on" and _ends_anyway(table, duty, name):
                    continue
                if trigger == "met_by" and _until_a_unit(table, duty) and _of_a_unit(table, name):
                    continue  # nobody can do it before a unit has the case
                if name in live or name.startswith("deliver:"):
                    less = _less(duty[trigger], name)
                    needs = (name,) if name in live else (word,)
                    yield f"{where}.{trigger}: not {name}", (*path, trigger), less, needs, word
        for at, step in enumerate(duty.get("steps", ())):
            if step["at"].startswith("target") and not any(limit.get("target") for limit in table["limits"]):
                continue  # no day of this regulation has another before it
            named = ((f"{word}.{step['key']}",), step.get("notice"), step["key"], word)
            yield f"{where}.{step['key']}: out", (*path, "steps", at), GONE, *named
            for slot in step.get("tell", ()) if len(step.get("tell", ())) > 1 else ():
                way = (*path, "steps", at, "tell")
                yield f"{where}.{step['key']}: {slot} not told", way, _less(step["tell"], slot), *named, slot


def _ends_anyway(table: Table, duty: Table, name: str) -> bool:
    """Whether a duty has ended by the time of this act, or ends with it, whatever its `void_on` says of it."""
    act, met = table["acts"].get(name, {}), set(duty.get("met_by", ()))
    if met & set(act.get("after", ())):
        return True  # it cannot happen before the duty is met
    if duty.get("each"):
        return False  # met by one member, it is still owed by the others
    if _by_itself(table, name, met):
        return True  # what brings it about has met the duty a moment before (`core.desk.act`)
    return bool(
        set(act.get("moments", ())) & {*met, *duty.get("void_on", ())}
    )  # the moment that it puts on record


def _by_itself(table: Table, name: str, acts: Collection[str]) -> bool:
    """Whether an act is done by nobody, and by itself only in consequence of these."""
    upon = {one for entry in table.get("automatic", ()) if entry["act"] == name for one in entry["on"]}
    slot = flow.SLOTS.get(name, "")
    return bool(upon) and upon <= set(acts) and table["slots"].get(slot, [slot]) == [SYSTEM]


def _recording(table: Table, moment: str) -> frozenset[str]:
    """The acts that put a moment on record."""
    return frozenset(name for name, act in table["acts"].items() if moment in act.get("moments", ()))


def _until_a_unit(table: Table, duty: Table) -> bool:
    """Whether a duty is open only as long as no unit has the case: whatever names one meets it."""
    acts = table["acts"].items()
    naming = {name for name, act in acts if any(asked["id"] == "unit" for asked in act.get("fields", ()))}
    return duty.get("when", {}).get("unit") is False and naming <= set(duty.get("met_by", ()))


def _of_a_unit(table: Table, name: str) -> bool:
    """Whether an act is done by nobody but people of the unit that has the case."""
    roles = table["slots"].get(flow.SLOTS.get(name, ""), ())
    return bool(roles) and set(roles) <= UNIT_ROLES


def _notices(table: Table) -> Told:
    live = _happenings(table)
    for i, notice in enumerate(table["notices"]):
        on = [name for name in notice["on"] if name in live]
        if not on:
            continue
        where = f"notices.{notice.get('key') or notice['template']}:{notice['to']}"
        words = (notice["template"], notice["to"])
        yield f"{where}: out", ("notices", i), GONE, on, *words
        for name in on if len(on) > 1 else ():
            yield f"{where}.on: not {name}", ("notices", i, "on"), _less(notice["on"], name), (name,), *words
        if notice.get("when"):
            yield f"{where}.when: off", ("notices", i, "when"), {}, on, *words


def _automatic(table: Table) -> Told:
    for i, entry in enumerate(table.get("automatic", ())):
        yield f"automatic.{entry['act']}: off", ("automatic", i), GONE, entry["on"], entry["act"]


def _extension(table: Table) -> Told:
    rule = table["extension"]
    if "extend" not in table["acts"]:
        return  # nobody can ask for one
    words = ANY, "extend", "extension_due", "approve_extension"
    flipped = ("allowed", "approval") if rule["allowed"] else ("allowed",)
    for key in flipped:
        yield f"extension.{key}: {not rule.get(key)}", ("extension", key), not rule.get(key), *words
    lengths = [limit["due"]["wd"] for limit in table["limits"] if "wd" in limit["due"]]
    in_all = rule["max_wd"] - min(lengths) if rule.get("mode") == "total" and rule.get("max_wd") else None
    # as many days as there are in all: nobody can ask once more
    if rule["allowed"] and (in_all is None or rule.get("times", 1) < in_all):
        yield "extension.times: one more", ("extension", "times"), rule.get("times", 1) + 1, *words
    if rule["allowed"] and rule.get("max_wd"):
        yield "extension.max_wd: one more", ("extension", "max_wd"), rule["max_wd"] + 1, *words


def _deliveries(table: Table) -> frozenset[str]:
    """The duties that keep a case in the stage of delivering."""
    acts = frozenset({"sign_off", "reply", "resolve", "conclude_above"}) & table["acts"].keys()
    return frozenset(
        d["key"] for d in table["duties"] if d["key"].startswith("to_") and acts & set(d["opens_on"])
    )


def _happenings(table: Table) -> frozenset[str]:
    """What can happen at all under this regulation."""
    acts = table["acts"]
    steps = [(duty["key"], step) for duty in table["duties"] for step in duty.get("steps", ())]
    moments = {name for act in acts.values() for name in act.get("moments", ())}
    moments |= {step["moment"] for _, step in steps if step.get("moment")}
    return frozenset({*acts, *moments, *(f"{key}.{step['key']}" for key, step in steps), *OUTCOMES})


def _longer(where: str, span: Table, path: Path, needs: Sequence[str], *words: str) -> Told:
    """The length of time, one more."""
    for unit, amount in span.items():
        if isinstance(amount, int) and not isinstance(amount, bool):
            yield f"{where}: {amount + 1} {unit}", path, {**span, unit: amount + 1}, needs, *words
    if span.get("same_day"):
        yield f"{where}: 1 wd", path, {"wd": 1}, needs, *words


def _each_out(where: str, table: Table, path: Path, needs: Sequence[str], *words: str, key: str = "") -> Told:
    for name in table.get(key or where, ()):
        way = (*path, key) if key else path
        yield (
            f"{where}{f'.{key}' if key else ''}: not {name}",
            way,
            _less(table[key or where], name),
            needs,
            *words,
            name,
        )


def _words(told: Any) -> Iterator[str]:
    """Every text that a part of the table says."""
    if isinstance(told, str):
        yield told
    elif isinstance(told, Mapping):
        yield from (word for value in told.values() for word in _words(value))
    elif isinstance(told, list):
        yield from (word for value in told for word in _words(value))


def _optional(asked: Table) -> Table:
    return {**asked, "required": False, "required_when": {}}


def _less(entries: Sequence[str], name: str) -> list[str]:
    return [entry for entry in entries if entry != name]
