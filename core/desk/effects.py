"""What an act does beyond its facts, anchors, duties and notices. One small function an act; the table is EFFECTS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Final

import sqlalchemy as sa

from core import case as cases
from core import duties, people, store
from core.desk import attach, fields
from core.desk.act import Work
from core.policy.model import holds
from core.refusals import Incomplete, Refusal
from core.workdays import SHANGHAI

ATTEMPTS: Final = 3  # logged failed attempts that count as delivered (AMB-G13)


# --- telling --------------------------------------------------------------------------------------------


def submit(work: Work) -> None:
    """Online: the clock runs from the submission, however silent the window (AMB-G22)."""
    _check_form(work)
    work.change(number=next_number(work), unconfirmed=True)
    _shield_if_conduct(work)
    _note_voice(work)


def register(work: Work) -> None:
    """A walk-in or a call, registered with the true time; the receiver confirms by registering."""
    told = _instant(work.values["told_at"])
    if told > work.now:
        raise Refusal("told_in_future", clause="")
    for moment in ("submitted_at", "accepted_at"):
        work.mark(moment, told)
    work.change(
        number=next_number(work),
        channel=str(work.values["intake_channel"]),
        # Who began in the conversation stays its owner; where no screen leads, a person will.
        contact_id=work.case.contact_id or people.unaddressed(work.conn),
    )
    _shield_if_conduct(work)
    attach.adopt(work, "attachments", "material")
    count = len(work.values.get("attachments") or ())
    work.code("attachments", str(count) if count else fields.SKIPPED)


def _check_form(work: Work) -> None:
    """The application is whole, whichever way it was sent: what must be filled in is (XJ-2.1b)."""
    asked = [q for q in work.rules.intake.questions if q.required and holds(q.shown_when, work.case.facts())]
    if missing := [q for q in asked if q.id not in work.case.noted]:
        raise Incomplete({q.id: "missing" for q in missing}, {q.id: q.label for q in missing})


def add(work: Work) -> None:
    _note_voice(work)


def insist(work: Work) -> None:
    work.change(unconfirmed=True)


def next_number(work: Work) -> str:
    """The next case number of the profile's format: {yyyy} and {seq:N}, counted a year."""
    year = work.now.astimezone(SHANGHAI).year
    name = f"{work.rules.name}:{year}"
    c = store.counter.c
    store.insert_once(work.conn, store.counter, ("name",), name=name, value=0)
    bump = sa.update(store.counter).where(c.name == name).values(value=c.value + 1).returning(c.value)
    seq = int(work.conn.execute(bump).scalar_one())
    text = work.rules.number.format.replace("{yyyy}", str(year))
    head, _, tail = text.partition("{seq:")
    width, _, rest = tail.partition("}")
    return f"{head}{seq:0{int(width)}d}{rest}"


def _shield_if_conduct(work: Work) -> None:
    """The unit complained about never learns who complained (AMB-G21)."""
    if work.case.codes.get("about_conduct") == "yes" or fields.about_conduct(work.values):
        work.change(shielded=True)


def _note_voice(work: Work) -> None:
    if attach.has_untyped_voice(work.conn, work.case.id):
        work.code("has_voice", "yes")


# --- at the window --------------------------------------------------------------------------------------


def accept(work: Work) -> None:
    work.change(unconfirmed=False)


def ask_human(work: Work) -> None:
    """After hours she hears when somebody will answer; once, however many words she adds."""
    waiting = any(duty.key == "human" for duty in duties.of_case(work.conn, work.case.id))
    work.code("asked_human", "again" if waiting else "first")
    opens = work.office.next_office_moment(work.now)
    if opens > work.now:
        work.data["opens"] = opens.isoformat()


def guide(work: Work) -> None:
    """Never a bare refusal: without a place to go the act is refused (XJ-1.6)."""
    code = str(work.values["exclusion"])
    exclusion = next(x for x in work.rules.intake.exclusions if x.code == code)
    if exclusion.target not in work.office.hall.guidance:
        raise Refusal("no_guidance", clause=exclusion.clause, exclusion=exclusion.label)
    work.data |= {"exclusion": code, "target": exclusion.target}
    work.change(unconfirmed=False)


def resolve(work: Work) -> None:
    work.change(kind="immediate", unconfirmed=False)
    _classify(work)


def dispatch(work: Work) -> None:
    level = work.rules.level(str(work.values["level"]))
    unit = people.unit(work.conn, int(work.values["unit"]))
    if level.unit_kinds and unit.kind not in level.unit_kinds:
        raise Refusal("level_does_not_fit_unit", clause=level.clause, unit=unit.name, level=level.label)
    present = people.contacts(work.conn, unit.id)
    gaps = [role for role in work.rules.required_contacts if role not in present]
    if gaps:
        titles = "、".join(work.rules.titles.get(role, role) for role in gaps)
        raise Refusal(
            "unit_lacks_contacts", clause=work.rules.required_contacts_clause, unit=unit.name, roles=titles
        )
    work.change(
        unit_id=unit.id,
        level=level.code,
        kind=level.kinds[0],
        subject=str(work.values["subject"]),
        unconfirmed=False,
        overdue_at=None,  # a new limit runs; the row of the old one says that it was missed
    )
    _classify(work)
    work.data |= {"unit": unit.id, "level": level.code, "kind": level.kinds[0]}


def relevel(work: Work) -> None:
    level = work.rules.level(str(work.values["level"]))
    unit = people.unit(work.conn, work.case.unit_id or 0)
    if level.unit_kinds and unit.kind not in level.unit_kinds:
        raise Refusal("level_does_not_fit_unit", clause=level.clause, unit=unit.name, level=level.label)
    work.data |= {"level_before": work.case.level, "level": level.code}
    work.change(level=level.code, kind=level.kinds[0], overdue_at=None)


def _classify(work: Work) -> None:
    if fields.about_conduct(work.values):
        work.code("conduct_code", "conduct")
        work.change(shielded=True)


# --- with the unit --------------------------------------------------------------------------------------


def extend(work: Work) -> None:
    """One extension, at most the original length, asked before the due moment (AMB-G5, AMB-XJ3)."""
    rules = work.rules
    if not rules.extension.allowed:
        raise Refusal("no_extension", clause=rules.extension.clause)
    limit = _running_limit(work)
    if limit is None or limit.due_at is None or work.now > limit.due_at:
        raise Refusal("extension_too_late", clause=rules.extension.clause)
    if work.case.codes.get("extension_round") == str(work.case.round):
        raise Refusal("extension_used", clause=rules.extension.clause)
    wanted = date.fromisoformat(str(work.values["extension_due"])[:10])
    if not work.office.calendar.is_working(wanted):
        raise Refusal("extension_rest_day", clause=rules.extension.clause)
    due_day = limit.due_at.astimezone(SHANGHAI).date()
    length = next(x.due_wd for x in rules.limits if x.key == limit.limit)
    latest = work.office.calendar.shift(due_day, length)
    if not due_day < wanted <= latest:
        raise Refusal("extension_length", clause=rules.extension.clause, earliest=due_day, latest=latest)
    work.code("extension_objected", None)
    # Understanding is asked anew for each request; in a conduct matter the window asks for it (AMB-G21).
    work.code("consented", "yes" if "consent_words" in work.values else None)
    work.data |= {"due_before": limit.due_at.isoformat(), "due_asked": wanted.isoformat()}


def approve_extension(work: Work) -> None:
    if not work.case.codes.get("consented"):
        raise Refusal("consent_missing", clause=work.rules.extension.clause)
    if work.case.codes.get("extension_objected"):
        raise Refusal("applicant_objects", clause=work.rules.extension.clause)
    work.code("extension_granted", work.case.codes["extension_due"][:10])
    work.code("extension_round", str(work.case.round))
    work.data |= {"due": work.case.codes["extension_due"][:10]}
    work.change(overdue_at=None)


def object_(work: Work) -> None:
    work.code("extension_objected", "yes")


def consent(work: Work) -> None:
    work.code("consented", "yes")


def hand_in(work: Work) -> None:
    attach.adopt(work, "result_files", "result")


def sign_off(work: Work) -> None:
    attach.adopt(work, "seal_files", "seal")


def send_back(work: Work) -> None:
    """Back to the window: the limit goes on running, the unit's own anchors are empty again."""
    work.data |= {"unit": work.case.unit_id}
    work.change(unit_id=None, level=None, kind=None)
    work.case = cases.unmark(work.conn, work.case, "dispatched_at", "signed_for_at")


def _running_limit(work: Work) -> duties.Open | None:
    closing = {duty.key for duty in work.rules.duties if duty.closing}
    return next((d for d in duties.of_case(work.conn, work.case.id) if d.key in closing), None)


# --- back to the applicant ------------------------------------------------------------------------------


def deliver(work: Work) -> None:
    work.happened.add("deliver:to_applicant")
    work.data |= {"to": "to_applicant", "way": work.values["feedback_way"]}


def log_attempt(work: Work) -> None:
    """Three logged failed attempts to reach the applicant count as delivered (AMB-G13)."""
    open_now = {d.key: d for d in duties.of_case(work.conn, work.case.id)}
    tries = duties.attempt(work.conn, open_now["call"].id)
    work.data |= {"reached": work.values["reached"], "attempt": tries}
    if work.values["reached"] == "yes":
        work.happened.add("reached")
    elif tries >= ATTEMPTS:
        work.happened.add("third_attempt")
    if "to_applicant" in open_now and work.happened & {"reached", "third_attempt"}:
        work.happened.add("deliver:to_applicant")
        work.code("feedback_way", "phone")


def rate(work: Work) -> None:
    work.data |= {"score": work.values["score"]}


def follow_up(work: Work) -> None:
    work.data |= {"satisfied": work.values["visit_satisfied"]}


def propose_cause(work: Work) -> None:
    work.data |= {"cause": work.values["cause_proposed"]}


def redo(work: Work) -> None:
    """A new round with the same level's limit anew from `redo_at` (AMB-G7, WD-21)."""
    work.change(round=work.case.round + 1, overdue_at=None)
    lasting = ("submitted_at", "accepted_at", "confirmed_at")
    kept = {name: at for name, at in work.case.moments.items() if name in lasting}
    work.case = replace(work.case, moments=kept)
    work.data |= {"round": work.case.round}


def supervise(work: Work) -> None:
    """Issued by a named person, and counted only then (AMB-G10)."""
    work.change(supervision_count=work.case.supervision_count + 1)
    work.data |= {"count": work.case.supervision_count}


def transcribe(work: Work) -> None:
    work.code("has_voice", None)


def redact(work: Work) -> None:
    attach.adopt(work, "redacted_files", "redacted")


def _instant(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


EFFECTS: Final[Mapping[str, Callable[[Work], None]]] = {
    "submit": submit,
    "register": register,
    "add": add,
    "insist": insist,
    "ask_human": ask_human,
    "accept": accept,
    "guide": guide,
    "resolve": resolve,
    "dispatch": dispatch,
    "relevel": relevel,
    "extend": extend,
    "approve_extension": approve_extension,
    "object": object_,
    "consent": consent,
    "hand_in": hand_in,
    "sign_off": sign_off,
    "send_back": send_back,
    "deliver": deliver,
    "log_attempt": log_attempt,
    "rate": rate,
    "follow_up": follow_up,
    "propose_cause": propose_cause,
    "redo": redo,
    "supervise": supervise,
    "transcribe": transcribe,
    "redact": redact,
}
