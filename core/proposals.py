"""What the records give reason for, always as a proposal that a named person confirms or refuses.

Two things come in: findings, which a named person puts on record (somebody came late, a fault was verified), and
what the service itself has recorded (missed dates, ratings). Rules, named by the profile with their numbers, look at
both and propose: a deduction, a clue, an interview, praise. One event under one rule proposes once, by its key
(AMB-LH4). Nothing takes effect before somebody decides; an appeal is noted and answered; every word stays as a line of
its own.

Nobody is ranked: lists stand in the order of names. A clue names the matter and the unit; a person is named by whoever
decides (XJ-4.4b, NX-5.3d).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import heartbeat, outbox, people, store
from core.case import Case
from core.counting import COUNTING, RULES, Candidate, Look
from core.forms import Ink, LedgerSheet
from core.office import Office
from core.people import UNIT_ROLES, Person
from core.policy.model import Consequence, Finding, Profile
from core.privacy import clean, personal_in
from core.refusals import NOT_NOW, NOT_YOURS, Incomplete, Refusal
from core.views import APPLICANT_FIELDS
from core.workdays import local_day

F, P, L = store.finding, store.proposal, store.proposal_line
WORDS: Final = 1000
STATES: Final[Mapping[str, str]] = {
    "proposed": "等决定",
    "confirmed": "已确认",
    "refused": "不予认定",
    "appealed": "有申诉",
    "lifted": "已撤销",
}
UNDECIDED: Final = ("proposed", "appealed")
ABSENCES: Final[Mapping[str, str]] = {"late": "迟到", "absent": "缺席"}
RESULTS: Final[Mapping[str, str]] = {"sufficient": "整改到位", "insufficient": "整改不到位"}
LABELS: Final[Mapping[str, str]] = {
    "case": "哪件事",
    "unit": "哪个单位",
    "person": "哪位工作人员",
    "code": "哪一种情形",
    "words": "情况说明",
    "due_on": "整改期限",
    "day": "哪天",
    "sort": "迟到还是缺席",
    "result": "整改结果",
}


@dataclass(frozen=True)
class Proposal:
    """A proposal as it stands; `evidence` holds ids of cases, findings and proposals, and figures."""

    id: int
    ref: str
    key: str
    entry: str
    profile: str
    policy_version: str
    case_id: int | None
    unit_id: int | None
    person_id: int | None
    points: int
    day: date
    evidence: Mapping[str, Any]
    state: str
    due_on: date | None
    result: str
    sender_id: int | None
    made_at: datetime
    decided_by: int | None
    decided_at: datetime | None

    @property
    def counts(self) -> bool:
        return self.state in COUNTING


@dataclass(frozen=True)
class Line:
    """Something that was done with a proposal, by whom (None: the service), and the words that go with it."""

    what: str
    by_id: int | None
    at: datetime
    words: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Recorded:
    """A finding on record."""

    id: int
    sort: str
    case_id: int | None
    unit_id: int | None
    person_id: int | None
    code: str
    day: date
    words: str
    by_id: int
    at: datetime


# --- proposing ------------------------------------------------------------------------------------------


def tick(office: Office, conn: Connection, now: datetime) -> int:
    """Once a day: let every rule look at everything; how much was proposed."""
    last = heartbeat.last(conn, "proposals")
    if not office.profile.proposals or (last and local_day(last.at) >= local_day(now)):
        return 0
    made = len(propose(office, conn, now))
    heartbeat.beat(conn, "proposals", now, {"made": made})
    return made


def propose(
    office: Office,
    conn: Connection,
    now: datetime,
    *,
    rules: Iterable[str] = tuple(RULES),
    case_id: int | None = None,
) -> tuple[Proposal, ...]:
    """Let these rules look, at everything or at one case; what is proposed now for the first time. Those who decide
    are told."""
    made = []
    for entry in office.profile.proposals:
        if entry.rule in rules:
            look = Look(office, conn, entry, local_day(now), case_id)
            for candidate in list(RULES[entry.rule](look)):
                if one := _propose(office, conn, entry, candidate, now):
                    made.append(one)
    return tuple(made)


def _propose(
    office: Office,
    conn: Connection,
    entry: Consequence,
    candidate: Candidate,
    now: datetime,
    sender: Person | None = None,
) -> Proposal | None:
    key = f"{entry.key}:{candidate.event}"
    new = store.insert_once(
        conn,
        P,
        ("key",),
        ref=secrets.token_urlsafe(12),
        key=key,
        entry=entry.key,
        profile=office.profile.name,
        policy_version=office.profile.version,
        case_id=candidate.case_id,
        unit_id=candidate.unit_id,
        person_id=candidate.person_id,
        points=entry.points,
        day=candidate.day,
        evidence=dict(candidate.evidence),
        state="proposed",
        due_on=None,
        result="",
        sender_id=sender.id if sender else None,
        made_at=now,
        decided_by=None,
        decided_at=None,
    )
    if new is None:
        return None
    made = _proposal(conn.execute(sa.select(P).where(P.c.id == new)).one())
    if sender is None:
        _note(office, conn, made, "proposed", None, now)
        _tell(office, conn, made, "proposal_wanted", deciders(office, conn, made), now)
    return made


# --- what people put on record --------------------------------------------------------------------------


def findings_of(office: Office, conn: Connection, person: Person) -> tuple[Finding, ...]:
    """What somebody may put on record."""
    return tuple(x for x in office.profile.findings if people.for_hall(conn, office.profile, person.id, x.by))


def may_note_absence(office: Office, conn: Connection, person: Person) -> bool:
    entries = (x for x in office.profile.proposals if x.rule == "absence")
    return any(people.for_hall(conn, office.profile, person.id, x.by) for x in entries)


def sends_of(office: Office, conn: Connection, person: Person) -> tuple[Consequence, ...]:
    """What somebody may send of their own accord."""
    entries = (x for x in office.profile.proposals if x.rule == "sent")
    return tuple(x for x in entries if people.for_hall(conn, office.profile, person.id, x.by))


def record(
    office: Office,
    conn: Connection,
    person: Person,
    key: str,
    *,
    now: datetime,
    case: Case | None = None,
    unit_id: int | None = None,
    person_id: int | None = None,
    code: str = "",
    words: str = "",
) -> tuple[Proposal, ...]:
    """Put a finding on record; what it gives reason for. Raises `Refusal` (not yours, recorded already, not of this
    matter) or `Incomplete`."""
    finding = next((x for x in findings_of(office, conn, person) if x.key == key), None)
    if finding is None:
        raise Refusal(NOT_YOURS)
    if case is not None and not people.role_in_case(conn, case, person.id):
        raise Refusal(NOT_YOURS)
    words = clean(words, WORDS)
    asked = {"case": case is not None and case.number, "code": code, "words": words}
    wanted = [name for name in ("case", "code") if name in finding.about] + ["words"]
    problems = {name: "missing" for name in wanted if not asked[name]}
    problems |= {"words": "personal"} if _names_applicant(office, case, words) else {}
    if "code" in finding.about and code:
        known = {choice.code for choice in office.profile.lists[finding.codes]}
        problems |= {} if code in known else {"code": "choice"}
    if case is not None and "unit" in finding.about:
        unit_id = unit_id or case.unit_id
    if "unit" in finding.about and unit_id not in {unit.id for unit in people.units(conn)}:
        problems["unit"] = "choice"
    if "person" in finding.about and not _works_in(conn, person_id, unit_id):
        problems["person"] = "choice"
    if problems:
        raise Incomplete(problems, LABELS)
    if finding.redone and (case is None or case.round < 2):
        raise Refusal("not_redone", clause=finding.clause)
    row = {
        "sort": finding.key,
        "case_id": case.id if case else None,
        "person_id": person_id if "person" in finding.about else None,
        "code": code,
        "day": local_day((case and case.at("accepted_at")) or now),
        "by_id": person.id,
        "at": now,
    }
    for unit, event in _about(conn, finding, case, unit_id):
        key = ":".join(str(part) for part in (finding.key, row["case_id"], unit, row["person_id"], event))
        sealed = office.vault.seal(words, place_of(key))
        if store.insert_once(conn, F, ("key",), key=key, unit_id=unit, words_enc=sealed, **row) is None:
            raise Refusal("recorded_already", clause=finding.clause)
    return propose(office, conn, now, rules=("finding", "repeated"))


def _about(
    conn: Connection, finding: Finding, case: Case | None, unit_id: int | None
) -> Iterator[tuple[int | None, int]]:
    """The units a finding is about, and the event in the matter (0: the matter itself)."""
    if case is None:
        yield unit_id, 0
        return
    done = [e for e in cases.events(conn, case.id) if e.act == finding.after]
    if finding.after and not done:
        raise Refusal("not_of_this_matter", clause=finding.clause)
    event = done[-1].seq if done else 0
    if "members" not in finding.about:
        yield (done[-1].data.get("unit") if done else None) or unit_id or case.unit_id, event
        return
    contributed = {e.data.get("unit") for e in cases.events(conn, case.id) if e.act == "contribute"}
    left = [unit for unit in case.members if unit not in contributed]
    if not left:
        raise Refusal("nobody_left", clause=finding.clause)
    yield from ((unit, event) for unit in left)


def _works_in(conn: Connection, person_id: int | None, unit_id: int | None) -> bool:
    if person_id is None or person_id not in {each.id for each in people.staff(conn)}:
        return False
    return unit_id is None or any(post.unit_id == unit_id for post in people.roles(conn, person_id))


def note_absence(
    office: Office, conn: Connection, person: Person, who: int, day: date | None, sort: str, now: datetime
) -> tuple[Proposal, ...]:
    """Somebody came late or not at all: said by a person, nobody checks in (LH-17a). Raises `Refusal`."""
    if not may_note_absence(office, conn, person):
        raise Refusal(NOT_YOURS)
    problems = {} if _works_in(conn, who, None) else {"person": "choice"}
    if day is None or day > local_day(now):
        problems["day"] = "date"
    if sort not in ABSENCES:
        problems["sort"] = "choice"
    if problems or day is None:
        raise Incomplete(problems, LABELS)
    return keep_absence(office, conn, who, day, sort, person, now)


def keep_absence(
    office: Office, conn: Connection, who: int, day: date, sort: str, by: Person, now: datetime
) -> tuple[Proposal, ...]:
    """Put an absence on record, once a person and day; what it gives reason for. Whether `by` may is the caller's
    question. Raises `Refusal` (noted already)."""
    row = {"person_id": who, "day": day, "sort": sort, "recorded_by": by.id, "recorded_at": now}
    if store.insert_once(conn, store.absence, ("person_id", "day"), **row) is None:
        raise Refusal("recorded_already")
    return propose(office, conn, now, rules=("absence",))


def send(
    office: Office,
    conn: Connection,
    person: Person,
    key: str,
    *,
    case: Case,
    to_unit: int,
    words: str,
    now: datetime,
) -> Proposal:
    """Pass a clue about a matter on to the body that is competent. It is read by the sender, by who decides on such,
    and by the body alone (PT-7.4c)."""
    entry = next((x for x in sends_of(office, conn, person) if x.key == key), None)
    if entry is None or not people.role_in_case(conn, case, person.id):
        raise Refusal(NOT_YOURS)
    words = clean(words, WORDS)
    if to_unit not in {unit.id for unit in people.units(conn)}:
        raise Incomplete({"unit": "choice"}, LABELS)
    about = Candidate(secrets.token_hex(8), local_day(now), to_unit, case.id, evidence={"cases": [case.id]})
    made = _propose(office, conn, entry, about, now, sender=person)
    assert made is not None  # its event is random
    made = _change(conn, made, state="confirmed", decided_by=person.id, decided_at=now)
    competent = readers(office, conn, made)
    problems = {} if words else {"words": "missing"}
    if _names_applicant(office, case, words):
        problems["words"] = "personal"
    if not competent:
        problems["unit"] = "choice"
    if problems:
        raise Incomplete(problems, LABELS)
    _note(office, conn, made, "sent", person, now, words)
    told = {p.id: p for p in (*competent, *deciders(office, conn, made))}
    _tell(office, conn, made, "proposal_sent", tuple(told.values()), now, but=person)
    return made


def transferred(office: Office, conn: Connection, case: Case) -> bool:
    """Whether a clue about this matter was passed on: all that the case itself says of it (PT-7.4c)."""
    sent = [entry.key for entry in office.profile.proposals if entry.rule == "sent"]
    mine = (P.c.case_id == case.id) & P.c.entry.in_(sent)
    return bool(sent) and conn.execute(sa.select(P.c.id).where(mine).limit(1)).first() is not None


# --- deciding -------------------------------------------------------------------------------------------


def decide(
    office: Office,
    conn: Connection,
    person: Person,
    ref: str,
    agrees: bool,
    *,
    now: datetime,
    words: str = "",
    unit_id: int | None = None,
    person_id: int | None = None,
    due_on: date | None = None,
) -> Proposal:
    """Confirm or refuse. A refusal takes a reason; what confirming takes is the profile's word. Raises `Refusal`."""
    proposal, entry = _held(office, conn, person, ref)
    if proposal.state != "proposed":
        raise Refusal("decided_already", clause=entry.clause)
    words = clean(words, WORDS)
    problems: dict[str, str] = {}
    if not words and (not agrees or "words" in entry.needs):
        problems["words"] = "missing"
    if _names_applicant(office, _case_of(conn, proposal), words):
        problems["words"] = "personal"
    changed: dict[str, Any] = {}
    if agrees and "unit" in entry.asks and unit_id:
        changed["unit_id"] = unit_id
        problems |= {} if unit_id in {u.id for u in people.units(conn)} else {"unit": "choice"}
    if agrees and "person" in entry.asks and person_id:
        changed["person_id"] = person_id
        problems |= {} if _works_in(conn, person_id, None) else {"person": "choice"}
    if agrees and "due_on" in (*entry.asks, *entry.needs):
        changed["due_on"] = due_on
        wrong = due_on < local_day(now) if due_on else "due_on" in entry.needs
        problems |= {"due_on": "date"} if wrong else {}
    if problems:
        raise Incomplete(problems, LABELS)
    state = "confirmed" if agrees else "refused"
    done = _change(conn, proposal, state=state, decided_by=person.id, decided_at=now, **changed)
    _note(office, conn, done, state, person, now, words, changed)
    if agrees:
        _tell(office, conn, done, "proposal_told", readers(office, conn, done), now)
    return done


def appeal(office: Office, conn: Connection, person: Person, ref: str, words: str, now: datetime) -> Proposal:
    """Note an appeal: of those whom it concerns, or by who decides on their behalf. It stands until answered."""
    proposal = get(conn, ref, lock=True)
    if not may_see(office, conn, proposal, person):
        raise Refusal(NOT_YOURS)
    if proposal.state != "confirmed":
        raise Refusal(NOT_NOW)
    words = _need_words(office, conn, proposal, words)
    done = _change(conn, proposal, state="appealed")
    _note(office, conn, done, "appealed", person, now, words)
    _tell(office, conn, done, "proposal_appealed", deciders(office, conn, done), now, but=person)
    return done


def answer(
    office: Office, conn: Connection, person: Person, ref: str, lift: bool, words: str, now: datetime
) -> Proposal:
    """Answer an appeal: it stays as it was, or is lifted. What was said before stays to be read."""
    proposal, _ = _held(office, conn, person, ref)
    if proposal.state != "appealed":
        raise Refusal(NOT_NOW)
    words = _need_words(office, conn, proposal, words)
    done = _change(conn, proposal, state="lifted" if lift else "confirmed")
    _note(office, conn, done, "lifted" if lift else "upheld", person, now, words)
    _tell(office, conn, done, "proposal_told", readers(office, conn, done), now)
    return done


def add(
    office: Office,
    conn: Connection,
    person: Person,
    ref: str,
    words: str,
    now: datetime,
    *,
    person_id: int | None = None,
) -> Proposal:
    """What came of it, and whom it concerns: entered by who decides, and by nobody else (XJ-4.4b)."""
    proposal, entry = _held(office, conn, person, ref)
    if not proposal.counts:
        raise Refusal(NOT_NOW)
    words = _need_words(office, conn, proposal, words)
    changed: dict[str, Any] = {}
    if person_id and "person" in entry.asks:
        if not _works_in(conn, person_id, None):
            raise Incomplete({"person": "choice"}, LABELS)
        changed["person_id"] = person_id
    done = _change(conn, proposal, **changed) if changed else proposal
    _note(office, conn, done, "outcome", person, now, words, changed)
    return done


def put_right(
    office: Office, conn: Connection, person: Person, ref: str, result: str, words: str, now: datetime
) -> Proposal:
    """How the rectification came out; one that is insufficient gives reason for the next step (PT-7.4b)."""
    proposal, _ = _held(office, conn, person, ref)
    if proposal.due_on is None or proposal.result or not proposal.counts:
        raise Refusal(NOT_NOW)
    if result not in RESULTS:
        raise Incomplete({"result": "choice"}, LABELS)
    words = _need_words(office, conn, proposal, words)
    done = _change(conn, proposal, result=result)
    _note(office, conn, done, result, person, now, words)
    propose(office, conn, now, rules=("undone",))
    return done


def _need_words(office: Office, conn: Connection, proposal: Proposal, words: str) -> str:
    words = clean(words, WORDS)
    if not words or _names_applicant(office, _case_of(conn, proposal), words):
        raise Incomplete({"words": "personal" if words else "missing"}, LABELS)
    return words


def _case_of(conn: Connection, proposal: Proposal) -> Case | None:
    return cases.load(conn, proposal.case_id) if proposal.case_id else None


def _names_applicant(office: Office, case: Case | None, words: str) -> bool:
    """Whether words about a conduct matter point to who complained: the unit reads them (AMB-G21)."""
    if case is None or not case.shielded:
        return False
    told = cases.words(office.vault, case)
    return personal_in(words, (told[name] for name in APPLICANT_FIELDS if len(told.get(name, "")) > 1))


def _held(office: Office, conn: Connection, person: Person, ref: str) -> tuple[Proposal, Consequence]:
    """A proposal for somebody who decides on it; nobody decides on themselves."""
    proposal = get(conn, ref, lock=True)
    if not decides(office, conn, proposal, person):
        raise Refusal(NOT_YOURS)
    return proposal, definition(office, conn, proposal)


def _change(conn: Connection, proposal: Proposal, **values: Any) -> Proposal:
    changed = sa.update(P).where(P.c.id == proposal.id).values(**values).returning(P)
    return _proposal(conn.execute(changed).one())


def _note(
    office: Office,
    conn: Connection,
    proposal: Proposal,
    what: str,
    person: Person | None,
    now: datetime,
    words: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    before = sa.select(sa.func.coalesce(sa.func.max(L.c.seq), 0)).where(L.c.proposal_id == proposal.id)
    seq = int(conn.execute(before).scalar_one()) + 1
    said = {k: v.isoformat() if isinstance(v, date) else v for k, v in (data or {}).items()}
    row = {
        "proposal_id": proposal.id,
        "seq": seq,
        "what": what,
        "by_id": person.id if person else None,
        "at": now,
        "words_enc": office.vault.seal(words, place(proposal.id, seq)) if words else None,
        "data": said,
    }
    conn.execute(sa.insert(L).values(row))


def _tell(
    office: Office,
    conn: Connection,
    proposal: Proposal,
    notice: str,
    whom: Sequence[Person],
    now: datetime,
    but: Person | None = None,
) -> None:
    """Tell people that something stands on a page of theirs: what, about which unit, nobody's name."""
    entry = definition(office, conn, proposal)
    last = conn.execute(sa.select(sa.func.max(L.c.seq)).where(L.c.proposal_id == proposal.id)).scalar()
    outbox.put_each(
        conn,
        {f"proposal.{proposal.id}.{last}.p{p.id}": p.id for p in whom if but is None or p.id != but.id},
        case_id=None,
        notice=notice,
        clause=entry.clause,
        now=now,
        not_before=office.next_office_moment(now),
        data={
            "proposal": proposal.ref,
            "title": entry.title,
            "unit": people.unit(conn, proposal.unit_id).name if proposal.unit_id else "",
            "number": numbers(conn, [proposal.case_id]).get(proposal.case_id or 0, ""),
        },
    )


# --- who ------------------------------------------------------------------------------------------------


def holders(
    conn: Connection, rules: Profile, slots: Iterable[str], unit_id: int | None
) -> tuple[Person, ...]:
    """Who fills these slots: roles of a unit in this unit, the others wherever they are."""
    roles = {role for slot in slots for role in rules.slots.get(slot, ())}
    found = {p.id: p for p in people.staff(conn, *sorted(roles - UNIT_ROLES))} if roles - UNIT_ROLES else {}
    for one in people.staff(conn, *sorted(roles & UNIT_ROLES)) if roles & UNIT_ROLES else ():
        mine = people.roles(conn, one.id)
        if any(post.role in roles & UNIT_ROLES and post.unit_id == unit_id for post in mine):
            found[one.id] = one
    return tuple(found[key] for key in sorted(found))


def deciders(office: Office, conn: Connection, proposal: Proposal) -> tuple[Person, ...]:
    rules = _rules(office, conn, proposal)
    entry = rules.consequence(proposal.entry)
    whom = holders(conn, rules, (entry.decided_by,), proposal.unit_id)
    return tuple(p for p in whom if p.id != proposal.person_id)


def readers(office: Office, conn: Connection, proposal: Proposal) -> tuple[Person, ...]:
    """Whom it concerns once it is confirmed: those the profile names, and the person it is about."""
    rules = _rules(office, conn, proposal)
    entry = rules.consequence(proposal.entry)
    found = {p.id: p for p in holders(conn, rules, entry.tell, proposal.unit_id)}
    if entry.rule == "sent":  # the body that got it, not others of the same kind
        found = {i: p for i, p in found.items() if _works_in(conn, i, proposal.unit_id)}
    if entry.target == "person" and entry.tell and proposal.person_id:
        found[proposal.person_id] = people.get(conn, proposal.person_id)
    return tuple(found.values())


def decides(office: Office, conn: Connection, proposal: Proposal, person: Person) -> bool:
    return any(p.id == person.id for p in deciders(office, conn, proposal))


def may_see(office: Office, conn: Connection, proposal: Proposal, person: Person) -> bool:
    """Who decides; who sent it; once it is confirmed, whom it concerns."""
    if person.kind != "staff":
        return False
    if decides(office, conn, proposal, person) or proposal.sender_id == person.id:
        return True
    told = proposal.state not in ("proposed", "refused")
    return told and any(p.id == person.id for p in readers(office, conn, proposal))


# --- reading --------------------------------------------------------------------------------------------


def get(conn: Connection, ref: str, *, lock: bool = False) -> Proposal:
    """A proposal by its reference. Raises `Refusal("unknown_case")`."""
    query = sa.select(P).where(P.c.ref == ref)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise Refusal("unknown_case")
    return _proposal(row)


def by_id(conn: Connection, proposal_id: int) -> Proposal:
    return _proposal(conn.execute(sa.select(P).where(P.c.id == proposal_id)).one())


def read(office: Office, conn: Connection, ref: str, person: Person) -> Proposal:
    """A proposal for somebody who may see it. Raises `Refusal`."""
    proposal = get(conn, ref)
    if not may_see(office, conn, proposal, person):
        raise Refusal(NOT_YOURS)
    return proposal


def listed(
    office: Office, conn: Connection, person: Person, *, states: Sequence[str] = (), limit: int = 300
) -> tuple[Proposal, ...]:
    """The proposals somebody may see, in the order of the rule and then of names: never of numbers or points."""
    query = sa.select(P).order_by(P.c.id.desc())
    if states:
        query = query.where(P.c.state.in_(states))
    found = []
    for row in conn.execute(query).all():
        one = _proposal(row)
        if may_see(office, conn, one, person):
            found.append(one)
            if len(found) == limit:
                break
    order = {entry.key: place for place, entry in enumerate(office.profile.proposals)}
    unit = {each.id: each.name for each in people.units(conn)}
    who = people.names(conn, (one.person_id for one in found))

    def order_of(one: Proposal) -> tuple[int, str, str, int]:
        named = who.get(one.person_id or 0, "")
        return order.get(one.entry, len(order)), named, unit.get(one.unit_id or 0, ""), one.id

    return tuple(sorted(found, key=order_of))


def concerns(office: Office, conn: Connection, person: Person) -> bool:
    """Whether somebody has anything to do with proposals: may record, decide or send, or is told of some."""
    rules = office.profile
    slots = {x.by for x in rules.findings}
    slots |= {slot for x in rules.proposals for slot in (x.decided_by, x.by, *x.tell) if slot}
    roles = {role for slot in slots for role in rules.slots.get(slot, ())}
    return any(post.role in roles for post in people.roles(conn, person.id))


def lines(office: Office, conn: Connection, proposal: Proposal) -> tuple[Line, ...]:
    """What was done with it, oldest first."""
    rows = conn.execute(sa.select(L).where(L.c.proposal_id == proposal.id).order_by(L.c.seq))
    return tuple(
        Line(
            row.what,
            row.by_id,
            row.at,
            office.vault.open(row.words_enc, place(proposal.id, row.seq)) if row.words_enc else "",
            row.data,
        )
        for row in rows
    )


def recorded(office: Office, conn: Connection, ids: Iterable[int]) -> tuple[Recorded, ...]:
    """Findings by id, oldest first."""
    rows = conn.execute(sa.select(F).where(F.c.id.in_(list(ids))).order_by(F.c.day, F.c.id))
    return tuple(
        Recorded(
            row.id,
            row.sort,
            row.case_id,
            row.unit_id,
            row.person_id,
            row.code,
            row.day,
            office.vault.open(row.words_enc, place_of(row.key)) if row.words_enc else "",
            row.by_id,
            row.at,
        )
        for row in rows
    )


def definition(office: Office, conn: Connection, proposal: Proposal) -> Consequence:
    """What the rules say of it, as they were when it was made."""
    return _rules(office, conn, proposal).consequence(proposal.entry)


def alike(office: Office, conn: Connection, person: Person, proposal: Proposal) -> tuple[Proposal, ...]:
    """What else this person may read on the same ground about the same unit, oldest first (HY-7.3b)."""
    ground = (proposal.entry, proposal.unit_id)
    found = [
        x for x in listed(office, conn, person) if (x.entry, x.unit_id) == ground and x.id != proposal.id
    ]
    return tuple(sorted(found, key=lambda one: (one.day, one.id))) if proposal.unit_id else ()


def may_export(office: Office, conn: Connection, person: Person) -> bool:
    slots = {x.decided_by for x in office.profile.proposals if x.points}
    return people.for_hall(conn, office.profile, person.id, *slots)


def yearly(office: Office, conn: Connection, person: Person, year: int) -> LedgerSheet:
    """The deductions of a year that were confirmed and not lifted, unit by unit in the order of their names, each unit
    with its sum (LH-17g). What a person loses is told, and is no part of the unit's sum. Raises `Refusal`."""
    if not may_export(office, conn, person):
        raise Refusal(NOT_YOURS)
    first, last = date(year, 1, 1), date(year, 12, 31)
    query = sa.select(P).where(P.c.points > 0, P.c.state.in_(COUNTING), P.c.day >= first, P.c.day <= last)
    found = [_proposal(row) for row in conn.execute(query.order_by(P.c.day, P.c.id))]
    unit = {u.id: u.name for u in people.units(conn)}
    unit |= {i: people.unit(conn, i).name for i in {p.unit_id for p in found if p.unit_id} - unit.keys()}
    who = people.names(conn, [i for p in found for i in (p.person_id, p.decided_by)])
    matters = numbers(conn, [p.case_id for p in found])
    entries = {p.id: definition(office, conn, p) for p in found}
    found.sort(key=lambda p: (unit.get(p.unit_id or 0, ""), p.unit_id or 0, p.day, p.id))
    rows: list[tuple[Any, ...]] = []
    for here, after in pairwise([*found, None]):
        assert here is not None
        entry, name = entries[here.id], unit.get(here.unit_id or 0, "")
        own = entry.target == "unit"
        rows.append(
            (
                name,
                here.day,
                entry.title,
                _clause(office, conn, here, entry),
                matters.get(here.case_id or 0, ""),
                "" if own else who.get(here.person_id or 0, ""),
                here.points if own else "",
                "" if own else here.points,
                f"{who.get(here.decided_by or 0, '')}",
                STATES[here.state],
            )
        )
        if after is None or after.unit_id != here.unit_id:
            mine = [p for p in found if p.unit_id == here.unit_id]
            total = sum(p.points for p in mine if entries[p.id].target == "unit")
            rows.append((f"{name}合计", "", "", "", "", "", total, "", "", ""))
    heads = (
        ("单位", 24),
        ("日期", 14),
        ("事由", 28),
        ("依据", 18),
        ("事项编号", 18),
        ("工作人员", 12),
        ("单位扣分", 10),
        ("人员扣分", 10),
        ("确认人", 12),
        ("状态", 10),
    )
    said = "只列已经确认、没有撤销的；单位按名称排列。"
    return LedgerSheet(
        "扣分表", f"{year}年", ((Ink(said),),), heads, tuple(rows), (), office.profile.window_name
    )


def _clause(office: Office, conn: Connection, proposal: Proposal, entry: Consequence) -> str:
    return _rules(office, conn, proposal).clauses[entry.clause].place


def _rules(office: Office, conn: Connection, proposal: Proposal) -> Profile:
    return office.pinned(conn, proposal.profile, proposal.policy_version)


def numbers(conn: Connection, ids: Iterable[int | None]) -> dict[int, str]:
    """The numbers of matters, by id."""
    c = store.case.c
    wanted = {i for i in ids if i is not None}
    rows = conn.execute(sa.select(c.id, c.number).where(c.id.in_(wanted))) if wanted else ()
    return {row.id: row.number or "" for row in rows}


def place(proposal_id: int, seq: int) -> str:
    """What the words of a line are sealed for."""
    return f"proposal:{proposal_id}:{seq}"


def place_of(key: str) -> str:
    """What the words of a finding are sealed for."""
    return f"finding:{key}"


def _proposal(row: sa.Row[Any]) -> Proposal:
    return Proposal(**{name: row._mapping[name] for name in Proposal.__dataclass_fields__})
