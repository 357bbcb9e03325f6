"""One door for every act: check it, do it, record it, and let duties and notices follow.

The flow says who may do what at which stage; the profile says what it needs, which anchors it records, which
duties it opens and who is told. What an act does beyond that is a small function in `core.desk.effects`.
Everything happens in the caller's transaction: it stands together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import cards, duties, flow, outbox, people, store
from core import case as cases
from core import due as dues
from core.case import Case
from core.desk import fields
from core.duties import Open
from core.office import Office
from core.people import Person
from core.policy.model import Act, Notice, Profile, Verification, holds
from core.refusals import DONE_ALREADY, NOT_NOW, NOT_YOURS, Incomplete, Refusal
from core.workdays import local_day

# Acts that several people may rightly do one after the other with the same old page open.
REPEATABLE: Final = frozenset(
    {
        "add",
        "answer_citizen",
        "ask_human",
        "comment",
        "file_scan",
        "log_attempt",
        "log_coordination",
        "note_call",
        "redact",
    }
)


# The columns of a case whose changes its events keep.
BECOME: Final = frozenset({"kind", "level", "site_id", "unit_id"})

# Notices to chat groups instead of persons: which units' groups.
GROUPS: Final[Mapping[str, Callable[[Case], Sequence[int]]]] = {
    "unit_group": lambda case: () if case.unit_id is None else (case.unit_id,),
    "member_groups": lambda case: case.members,
}


@dataclass(frozen=True)
class Actor:
    """Who acts (None: the system) and through what: a card, a page, the conversation, the worker."""

    person: Person | None
    via: str

    @property
    def id(self) -> int | None:
        return self.person.id if self.person else None


SYSTEM: Final = Actor(None, "worker")


class Work(cases.Changes):
    """An act being done: effects read it and change the case through it. `record` writes all of it."""

    def __init__(
        self,
        office: Office,
        conn: Connection,
        rules: Profile,
        case: Case,
        actor: Actor,
        now: datetime,
        values: Mapping[str, Any],
        happened: Collection[str] = (),
    ) -> None:
        super().__init__(office.vault, case, actor.id, now)
        self.office, self.conn, self.rules, self.actor, self.now = office, conn, rules, actor, now
        self.values = values
        self.data: dict[str, Any] = {}  # goes into the event: codes and ids only
        self.happened = set(happened)  # the act, and further happenings beside it
        self.part = 0  # the member unit it was done for, where it counts for that one alone

    def mark(self, name: str, at: datetime | None = None) -> None:
        super().mark(name, at or self.now)
        self.happened.add(name)

    def unmark(self, name: str) -> None:
        self.case = cases.unmark(self.conn, self.case, name)

    def code(self, name: str, value: str | None) -> None:
        self.note(name, code=value)

    def text(self, name: str, value: str) -> None:
        self.note(name, text=value)


@dataclass(frozen=True)
class Offer:
    """An act open to somebody now."""

    act: str
    label: str
    style: str
    needs_form: bool


def perform(
    office: Office,
    conn: Connection,
    actor: Actor,
    case: Case,
    act: str,
    *,
    now: datetime,
    values: Mapping[str, Any] | None = None,
    rev: int | None = None,
) -> Case:
    """Do an act. `rev` is the revision of the case that the card or page was drawn from.

    Returns the case as it stands afterwards. Raises `Refusal` (not yours, not now, done already, incomplete …);
    then nothing has changed.
    """
    case = cases.load(conn, case.id, lock=True)
    rules = office.rules(conn, case)
    definition = rules.acts.get(act)
    role = people.fills(conn, rules, case, actor.id, flow.SLOTS.get(act, ""))
    if definition is None or not role:  # before all else: to a stranger every case looks the same
        raise Refusal(NOT_YOURS, clause=definition.clause if definition else "")
    if _through_window(case, role, definition):
        raise Refusal("through_window", clause=definition.clause)
    row = flow.MOVES.get((case.stage, act))
    if row is None:
        raise _done(conn, case, act, definition)
    if rev is not None and rev < case.rev and act not in REPEATABLE:
        _refuse_if_done_since(conn, case, act, rev)
    _check_open(conn, rules, case, act, definition, _part(conn, case, actor, role))
    given = fields.check(office, conn, rules, case, definition.fields, values or {})
    today = local_day(now).isoformat()
    if past := {
        name: "past" for name in rules.dated_by_hand & given.keys() if str(given[name])[:10] <= today
    }:
        raise Incomplete(past, {field.id: field.label for field in definition.fields})
    work = Work(office, conn, rules, case, actor, now, given, happened={act})
    for name in definition.clears:
        work.code(name, None)
    from core.desk.effects import EFFECTS  # effects perform further acts themselves

    effect = EFFECTS.get(act)
    fields.keep(work, definition.fields)
    if effect:
        effect(work)
    for moment in definition.moments:
        work.mark(moment)
    if "replied_at" in definition.moments and rules.verification:
        work.code("drawn", "yes" if _drawn(rules.verification, work.case) else None)
    done = record(work, act, role=role, to=row.to)
    if not definition.fields and row.slot not in ("applicant", "system"):
        _supersede(work, row.slot)
    return done


def _drawn(sample: Verification, case: Case) -> bool:
    """Whether this result is among those looked into: always what went wrong, else a share of the numbers."""
    facts = case.facts()
    if any(facts.get(name) for name in sample.always):
        return True
    lot = sha256(f"{case.number}:{case.round}".encode()).digest()
    return int.from_bytes(lot[:8]) / 2**64 < sample.rate


def record(work: Work, act: str, *, role: str, to: str) -> Case:
    """Write what was changed and the event of what happened, then let duties and notices follow from it."""
    if work.happened & work.rules.rearming:
        work.code(dues.REARMED, work.now.isoformat())
    work.write(work.conn)
    work.case = cases.log(
        work.conn,
        work.office.vault,
        work.case,
        act,
        actor_id=work.actor.id,
        role=role,
        to=to,
        now=work.now,
        via=work.actor.via,
        data=work.data | _became(work),
        columns=work.columns,
    )
    work.columns = {}
    duties.follow(work.conn, work.office, work.rules, work.case, work.happened, work.now, part=work.part)
    for notice in work.rules.notices:
        if work.happened & set(notice.on) and holds(notice.when, work.case.facts()):
            tell(work, notice)
    for entry in work.rules.consequences:
        if work.happened & set(entry.on) and holds(entry.when, work.case.facts()):
            work.case = perform(work.office, work.conn, SYSTEM, work.case, entry.act, now=work.now)
    _close_when_delivered(work)
    return work.case


def _became(work: Work) -> dict[str, Any]:
    """What the case became, as its event keeps it: so reports of a past instant count it where it stood then."""
    kept = BECOME if "number" in work.columns else BECOME & work.columns.keys()
    return {"became": {name: getattr(work.case, name) for name in sorted(kept)}} if kept else {}


def tell(work: Work, notice: Notice, part: int = 0, **data: Any) -> None:
    """Queue a notice for everybody who holds the slot it is for; `part`: in one member unit only."""
    now = work.now
    not_before = now if notice.timing == "now" else work.office.next_office_moment(now)
    common: dict[str, Any] = {
        "case_id": work.case.id,
        "notice": notice.template,
        "clause": notice.clause,
        "now": now,
        "not_before": not_before,
        "effect": notice.effect,
        "data": {"rev": work.case.rev, "round": work.case.round, **work.data, **data},
    }
    base = f"{work.case.id}.{work.case.rev}.{notice.template}"
    if notice.to == people.COMPANION:
        _tell_companions(work, base, common)
        return
    if notice.to in GROUPS:
        for unit_id in GROUPS[notice.to](work.case):
            if people.group_of(work.conn, unit_id):
                outbox.put(work.conn, key=f"{base}.g{unit_id}", unit_id=unit_id, **common)
        return
    readers = {
        f"{base}.p{person.id}": person.id
        for person in people.holders(work.conn, work.rules, work.case, notice.to, part)
        if person.id != work.actor.id or notice.to == "applicant" or notice.effect
    }
    outbox.put_each(work.conn, readers, **common)


def _tell_companions(work: Work, base: str, common: Mapping[str, Any]) -> None:
    """Whoever comes along on a visit has no part in the case: the message is about none, and holds its number, its
    neutral subject and the day."""
    case = work.case
    home = next((post.unit_id for post in people.roles(work.conn, work.actor.id or 0)), None)
    by = people.unit(work.conn, home).name if home else ""
    told = {"number": case.number, "subject": case.subject, "day": work.values.get("visit_on"), "by": by}
    readers = people.companions(work.conn, work.data.get("companions", ()))
    outbox.put_each(
        work.conn, {f"{base}.p{p.id}": p.id for p in readers}, **{**common, "case_id": None, "data": told}
    )


def offers(office: Office, conn: Connection, case: Case, person_id: int) -> tuple[Offer, ...]:
    """The acts open to a person in a case now: what cards and pages show as buttons."""
    rules = office.rules(conn, case)
    held = people.roles(conn, person_id)
    running = duties.of_case(conn, case.id)
    of_member = people.member_unit(case, held)
    found = []
    for row in flow.acts_at(case.stage):
        definition = rules.acts.get(row.act)
        if definition is None:
            continue
        role = people.fills_by(rules, case, person_id, held, row.slot)
        if not role or _through_window(case, role, definition):
            continue
        if not _closed(case, definition, _keys(running, of_member if role == people.MEMBER else 0)):
            found.append(Offer(row.act, definition.label, definition.style, bool(definition.fields)))
    return tuple(found)


def _keys(running: Iterable[Open], part: int) -> frozenset[str]:
    """The keys of these duties; for a member unit (`part`) without those of the other members."""
    return frozenset(duty.key for duty in running if not part or duty.part in (0, part))


def _part(conn: Connection, case: Case, actor: Actor, role: str) -> int:
    """The member unit that somebody acts for; 0 for whoever acts for the whole."""
    return people.member_unit(case, people.roles(conn, actor.id or 0)) if role == people.MEMBER else 0


def _through_window(case: Case, role: str, definition: Act) -> bool:
    """In a conduct matter the unit complained about never meets the applicant (AMB-G21)."""
    return case.shielded and role in people.UNIT_SIDE and not definition.shielded


def _closed(case: Case, definition: Act, running: Collection[str]) -> str:
    """Why an act is not open, in one word; "" if it is. `running`: the keys of the open duties."""
    if not holds(definition.when, case.facts()):
        return "when"
    if any(case.at(name) is None for name in definition.after):
        return "early"
    if definition.once and any(case.at(name) for name in definition.moments):
        return "done"
    if definition.needs_duty and definition.needs_duty not in running:
        return "done"
    return "pending" if set(definition.blocked_by) & set(running) else ""


def _check_open(conn: Connection, rules: Profile, case: Case, act: str, definition: Act, part: int) -> None:
    beside = definition.needs_duty or definition.blocked_by
    running = _keys(duties.of_case(conn, case.id), part) if beside else frozenset()
    why = _closed(case, definition, running)
    if why == "when":
        raise Refusal(f"{act}_not_now" if act == "extend" else NOT_NOW, clause=definition.clause)
    if why == "early":
        raise Refusal(
            "not_before",
            clause=definition.clause,
            needs=",".join(name for name in definition.after if case.at(name) is None),
        )
    if why == "done":
        raise _done(conn, case, act, definition, part)
    if why == "pending":
        waits = "、".join(rules.duty(key).title for key in definition.blocked_by if key in running)
        raise Refusal("pending", clause=definition.clause, act=act, waits=waits)


def _done(conn: Connection, case: Case, act: str, definition: Act, part: int = 0) -> Refusal:
    """Why an act is not open any more: somebody did it (`part`: of this member unit), or the case has moved on."""
    e = store.event.c
    mine = e.data["unit"].as_integer() == part if part else sa.true()
    last = conn.execute(
        sa.select(e.actor_id, e.at)
        .where(e.case_id == case.id, e.act == act, e.round == case.round, mine)
        .order_by(e.seq.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return Refusal(NOT_NOW, clause=definition.clause, stage=case.stage)
    who = people.names(conn, [last.actor_id]).get(last.actor_id or 0, "")
    return Refusal(DONE_ALREADY, clause=definition.clause, act=act, by=last.actor_id, name=who, at=last.at)


def _refuse_if_done_since(conn: Connection, case: Case, act: str, rev: int) -> None:
    e = store.event.c
    since = conn.execute(
        sa.select(e.actor_id, e.at).where(e.case_id == case.id, e.act == act, e.seq > rev).limit(1)
    ).one_or_none()
    if since is not None:
        who = people.names(conn, [since.actor_id]).get(since.actor_id or 0, "")
        raise Refusal(DONE_ALREADY, act=act, by=since.actor_id, name=who, at=since.at)


def _supersede(work: Work, slot: str) -> None:
    """One tap took from the others what their cards still offer. Those that no update code can redraw are superseded
    by one new card each."""
    others = {p.id for p in people.holders(work.conn, work.rules, work.case, slot)} - {work.actor.id or 0}
    later = work.office.next_office_moment(work.now)
    for stale in cards.take_stale(work.conn, work.case, others, work.now):
        outbox.put(
            work.conn,
            key=f"{work.case.id}.{work.case.rev}.{stale.notice}.again.p{stale.person_id}",
            case_id=work.case.id,
            notice=stale.notice,
            clause=stale.clause,
            now=work.now,
            not_before=later,
            person_id=stale.person_id,
            data=stale.data,
        )


def _close_when_delivered(work: Work) -> None:
    """The case closes when the last delivery of the result is recorded (AMB-G13)."""
    if work.case.stage != "DELIVERING" or "delivered_all" in work.happened:
        return
    if any(duty.key.startswith("to_") for duty in duties.of_case(work.conn, work.case.id)):
        return
    work.case = perform(work.office, work.conn, SYSTEM, work.case, "delivered_all", now=work.now)
