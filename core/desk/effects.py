"""What an act does beyond its facts, anchors, duties and notices. One small function an act; the table is EFFECTS."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

from core import case as cases
from core import duties, people, rosters, store
from core.desk import attach, fields
from core.desk.above import ABOVE, choose_level, name_matter, new_round
from core.desk.act import Work
from core.people import Unit
from core.policy.model import Level, holds
from core.refusals import Incomplete, Refusal
from core.workdays import SHANGHAI, local_day

ATTEMPTS: Final = 3  # logged failed attempts, in as many halves of a day, that count as delivered (AMB-G13)
NOON: Final = 12


# --- telling --------------------------------------------------------------------------------------------


def submit(work: Work) -> None:
    """Online: the clock runs from the submission, however silent the window (AMB-G22)."""
    _check_in_force(work)
    _check_form(work)
    _shield_if_conduct(work)
    _place(work)
    work.change(number=next_number(work), unconfirmed=True)
    _note_voice(work)


def register(work: Work) -> None:
    """A walk-in or a call, registered with the true time; the receiver confirms by registering."""
    _check_in_force(work)
    told = _instant(work.values["told_at"]) if "told_at" in work.values else work.now
    if told > work.now:
        raise Refusal("told_in_future", clause="")
    for moment in ("submitted_at", "accepted_at"):
        work.mark(moment, told)
    if work.values.get("record_confirmed") in ("signed", "oral"):
        work.mark("applicant_confirmed_at")
    _shield_if_conduct(work)
    _place(work)
    work.change(
        number=next_number(work, told),
        channel=str(work.values["intake_channel"]),
        keeper_id=_keeper(work),
        # Who began in the conversation stays its owner; where no screen leads, a person will.
        contact_id=work.case.contact_id or people.unaddressed(work.conn),
    )
    name_matter(work)
    attach.adopt(work, "attachments", "material")
    count = len(work.values.get("attachments") or ())
    work.code("attachments", str(count) if count else fields.SKIPPED)


def _check_form(work: Work) -> None:
    """The application is whole, whichever way it was sent: what must be filled in is (XJ-2.1b)."""
    facts = work.case.facts()
    asked = [q for q in work.rules.intake.questions if fields.needed(q, facts) and holds(q.shown_when, facts)]
    if missing := [q for q in asked if q.id not in work.case.noted]:
        raise Incomplete({q.id: "missing" for q in missing}, {q.id: q.label for q in missing})


def add(work: Work) -> None:
    _note_voice(work)


def answer(work: Work) -> None:
    _note_voice(work)


def insist(work: Work) -> None:
    work.change(unconfirmed=True)


def _check_in_force(work: Work) -> None:
    if not work.office.in_force(work.rules, work.now):
        raise Refusal("not_in_force", clause=work.rules.instrument.clause)


def _place(work: Work) -> None:
    """Where a case belongs: to the site whose window takes it, and, where units collect, to the unit that does."""
    many = any(unit.kind == people.SITE for unit in work.office.hall.units)
    posts = people.roles(work.conn, work.actor.id) if work.actor.id else ()
    told = {name: work.values.get(name) or _named(work, name) for name in ("site", "unit")}
    site = told["site"] or next((p.unit_id for p in posts if p.kind == people.SITE), None)
    unit = told["unit"] or next((p.unit_id for p in posts if p.role in people.UNIT_ROLES), None)
    if site and not work.case.site_id:
        work.change(site_id=int(site))
    if work.case.shielded:
        work.change(
            unit_id=None
        )  # it may be the one complained about: somebody of the hall decides (AMB-G21)
    elif unit and not work.case.unit_id:
        work.change(unit_id=int(unit))
    if work.case.unit_id:
        named = people.unit(work.conn, work.case.unit_id)
        if work.actor.id == work.case.contact_id and _lacking(work, named):
            work.change(unit_id=None)  # the unit has still to name its people; whoever came is not sent away
        else:
            _check_contacts(work, named)
    if many and work.case.site_id is None:
        raise Incomplete({"site": "missing"}, {"site": "在哪个中心办"})


def _named(work: Work, question: str) -> int | None:
    """The unit or site that the applicant named in the conversation."""
    key = work.case.codes.get(question)
    return next((unit.id for unit in people.units(work.conn) if unit.key == key), None) if key else None


_PART: Final = re.compile(r"\{(\w+)(?::(\d+))?\}")


def next_number(work: Work, told: datetime | None = None) -> str:
    """The next case number in the profile's format: {yyyy}, {yyyymmdd} (the day it was told), {unit} and {site} (their
    codes in the hall), {seq:N} (counted a year) and {day_seq:N} (counted a day). A serial never wraps (AMB-NX10);
    it is counted within whatever else the number says, so that two numbers never collide."""
    day = local_day(told or work.now)
    known = {"yyyy": f"{day:%Y}", "yyyymmdd": f"{day:%Y%m%d}"}
    for name, unit_id in (("unit", work.case.unit_id), ("site", work.case.site_id)):
        if f"{{{name}}}" in work.rules.number.format:
            known[name] = people.unit(work.conn, unit_id).code if unit_id else ""
    text = _PART.sub(lambda m: known.get(m[1], m[0]), work.rules.number.format)
    serial = next(m for m in _PART.finditer(text))
    period = f"{day:%Y%m%d}" if serial[1] == "day_seq" else f"{day:%Y}"
    count = store.count(work.conn, f"{work.rules.name}:{period}:{text}")
    return f"{text[: serial.start()]}{count:0{int(serial[2])}d}{text[serial.end() :]}"


def _shield_if_conduct(work: Work) -> None:
    """The unit complained about never learns who complained (AMB-G21)."""
    if fields.about_conduct(work.rules, {**work.case.codes, **work.values}):
        work.change(shielded=True)
        if "conduct_code" not in work.case.codes:
            work.code("conduct_code", "conduct")


def _note_voice(work: Work) -> None:
    if attach.has_untyped_voice(work.conn, work.case.id):
        work.code("has_voice", "yes")


# --- at the window --------------------------------------------------------------------------------------


def accept(work: Work) -> None:
    """Who confirms keeps the case, or whoever has the day (NX-W1b); who was the first to, for good (LH-5a)."""
    work.change(unconfirmed=False, keeper_id=work.case.keeper_id or _keeper(work))
    choose_level(work)
    name_matter(work)
    _shield_if_conduct(work)


def _keeper(work: Work) -> int | None:
    on_duty = rosters.takes(work.office, work.conn, work.rules, work.now)
    return on_duty.id if on_duty else work.actor.id


def ask_human(work: Work) -> None:
    """After hours she hears when somebody will answer; once, however many words she adds."""
    waiting = any(duty.key == "human" for duty in duties.of_case(work.conn, work.case.id))
    work.code("asked_human", "again" if waiting else "first")
    opens = work.office.next_office_moment(work.now)
    if opens > work.now:
        work.data["opens"] = opens.isoformat()


def guide(work: Work) -> None:
    """Never a bare refusal: without a place to go the act is refused (XJ-1.6)."""
    work.change(unconfirmed=False)
    if "exclusion" not in work.values:
        return  # the form itself asks for the way (LH-6b)
    code = str(work.values["exclusion"])
    exclusion = next(x for x in work.rules.intake.exclusions if x.code == code)
    if exclusion.target not in work.office.hall.guidance:
        raise Refusal("no_guidance", clause=exclusion.clause, exclusion=exclusion.label)
    work.data |= {"exclusion": code, "target": exclusion.target}


def resolve(work: Work) -> None:
    work.change(kind="immediate", unconfirmed=False)
    choose_level(work)
    _shield_if_conduct(work)


def dispatch(work: Work) -> None:
    unit = people.unit(work.conn, int(work.values["unit"]))
    level = _level(work, unit)
    _check_contacts(work, unit)
    work.change(
        unit_id=unit.id,
        level=level.code if level else work.case.level,
        kind=level.kinds[0] if level and level.kinds else "assign",
        subject=str(work.values["subject"]),
        unconfirmed=False,
        overdue_at=None,  # a new limit runs; the row of the old one says that it was missed
    )
    _shield_if_conduct(work)
    work.data |= {"unit": unit.id, "level": work.case.level, "kind": work.case.kind}


def _check_contacts(work: Work, unit: Unit) -> None:
    """A unit that has not named its people can take nothing (XJ-4.3a, HY-2c)."""
    if gaps := _lacking(work, unit):
        titles = "、".join(work.rules.titles.get(role, role) for role in gaps)
        raise Refusal(
            "unit_lacks_contacts", clause=work.rules.required_contacts_clause, unit=unit.name, roles=titles
        )


def _lacking(work: Work, unit: Unit) -> list[str]:
    present = people.contacts(work.conn, unit.id)
    return [role for role in work.rules.required_contacts if role not in present]


def relevel(work: Work) -> None:
    unit = people.unit(work.conn, work.case.unit_id or 0)
    level = _level(work, unit)
    if level is None or level.code == work.case.level:
        raise Refusal("same_level", clause=work.rules.acts["relevel"].clause)
    work.data |= {"level_before": work.case.level, "level": level.code}
    kind = level.kinds[0] if level.kinds else work.case.kind
    work.change(level=level.code, kind=kind, overdue_at=None)


def _level(work: Work, unit: Unit) -> Level | None:
    """The level a form brings, if it goes with the unit and with the level the matter has had."""
    if "level" not in work.values:
        return None
    level = work.rules.level(str(work.values["level"]))
    before = work.rules.level(work.case.level) if work.case.level else None
    if work.rules.raise_only and before and level.rank < before.rank:
        raise Refusal("level_only_up", clause=level.clause, level=before.label)
    if level.unit_kinds and unit.kind not in level.unit_kinds:
        raise Refusal("level_does_not_fit_unit", clause=level.clause, unit=unit.name, level=level.label)
    return level


# --- with the unit --------------------------------------------------------------------------------------


def ask(work: Work) -> None:
    """A new question starts its reminders anew: nobody is closed as silent for an old one (AMB-G14)."""
    work.unmark("reminded_at")


def extend(work: Work) -> None:
    """Asked before the due moment, so often and so far as the rule allows (AMB-G4, AMB-G5, AMB-XJ3)."""
    rule = work.rules.extension
    if not rule.allowed:
        raise Refusal("no_extension", clause=rule.clause)
    for notice in work.rules.notices:  # whom the rule wants told must be there to be told (LH-12c)
        owed = "extend" in notice.on and holds(notice.when, work.case.facts())
        if owed and not people.holders(work.conn, work.rules, work.case, notice.to):
            raise Refusal("nobody_to_tell", clause=notice.clause, slot=notice.to)
    limit = _running_limit(work)
    if limit is None or limit.due_at is None or work.now > limit.due_at:
        raise Refusal("extension_too_late", clause=rule.clause)
    if int(work.case.codes.get("extensions", "0")) >= rule.times:
        raise Refusal("extension_used", clause=rule.clause)
    wanted = date.fromisoformat(str(work.values["extension_due"])[:10])
    if not work.office.calendar.is_working(wanted):
        raise Refusal("extension_rest_day", clause=rule.clause)
    due_day = local_day(limit.due_at)
    latest = _latest(work, limit, due_day)
    if not due_day < wanted <= latest:
        raise Refusal("extension_length", clause=rule.clause, earliest=due_day, latest=latest)
    work.code("extension_objected", None)
    # Understanding is asked anew for each request; in a conduct matter the window asks for it (AMB-G21).
    work.code("consented", "yes" if "consent_words" in work.values else None)
    work.data |= {"due_before": limit.due_at.isoformat(), "due_asked": wanted.isoformat()}
    if not rule.approval:
        _grant(work, wanted)


def _latest(work: Work, limit: duties.Open, due_day: date) -> date:
    """The last day an extension may reach: counted from the limit's anchor or from its end, or as long again."""
    rule, calendar = work.rules.extension, work.office.calendar
    if rule.max_wd is not None and rule.mode == "total":
        anchor = work.case.at(work.rules.limit(limit.limit or "").anchor) or limit.opened_at
        return calendar.shift(local_day(anchor), rule.max_wd)
    length = work.rules.limit(limit.limit or "").due.wd if rule.max_wd is None else rule.max_wd
    return calendar.shift(due_day, length or 1)


def _grant(work: Work, until: date) -> None:
    work.code("extension_granted", until.isoformat())
    work.code("extension_round", str(work.case.round))
    work.code("extensions", str(int(work.case.codes.get("extensions", "0")) + 1))
    work.data |= {"due": until.isoformat()}
    work.change(overdue_at=None)


def approve_extension(work: Work) -> None:
    if not work.case.codes.get("consented"):
        raise Refusal("consent_missing", clause=work.rules.extension.clause)
    if work.case.codes.get("extension_objected"):
        raise Refusal("applicant_objects", clause=work.rules.extension.clause)
    _grant(work, date.fromisoformat(work.case.codes["extension_due"][:10]))


def object_(work: Work) -> None:
    work.code("extension_objected", "yes")


def consent(work: Work) -> None:
    work.code("consented", "yes")


def hand_in(work: Work) -> None:
    attach.adopt(work, "result_files", "result")


def reply(work: Work) -> None:
    attach.adopt(work, "result_files", "result")


def sign_off(work: Work) -> None:
    attach.adopt(work, "seal_files", "seal")


def send_back(work: Work) -> None:
    """Back to the window: the limit of its level goes on running, the unit's own anchors are empty again."""
    work.data |= {"unit": work.case.unit_id}
    work.change(unit_id=None, kind=None)
    work.case = cases.unmark(work.conn, work.case, "dispatched_at", "signed_for_at")


def _running_limit(work: Work) -> duties.Open | None:
    closing = {duty.key for duty in work.rules.duties if duty.closing}
    return next((d for d in duties.of_case(work.conn, work.case.id) if d.key in closing), None)


# --- back to the applicant ------------------------------------------------------------------------------


def deliver(work: Work) -> None:
    work.happened.add("deliver:to_applicant")
    work.data |= {"to": "to_applicant", "way": work.values["feedback_way"]}


def log_attempt(work: Work) -> None:
    """Three logged failed attempts to reach the applicant count as delivered (AMB-G13); of those in one half of a day
    only the first counts, since whoever is away for an hour is not unreachable (inferred)."""
    open_now = {d.key: d for d in duties.of_case(work.conn, work.case.id)}
    duties.attempt(work.conn, open_now["call"].id)
    work.data |= {"reached": work.values["reached"]}
    if work.values["reached"] == "yes":
        work.happened.add("reached")
    else:
        work.data |= {"attempt": _failed_half_days(work, open_now["call"].opened_at)}
        if work.data["attempt"] >= ATTEMPTS:
            work.happened.add("third_attempt")
    if "to_applicant" in open_now and work.happened & {"reached", "third_attempt"}:
        work.happened.add("deliver:to_applicant")
        work.code("feedback_way", "phone")


def _failed_half_days(work: Work, since: datetime) -> int:
    """In how many halves of a day nobody was reached, this one included."""
    earlier = [
        event.at
        for event in cases.events(work.conn, work.case.id)
        if event.act == "log_attempt" and event.data["reached"] == "no" and event.at >= since
    ]
    halves = (at.astimezone(SHANGHAI) for at in (*earlier, work.now))
    return len({(local.date(), local.hour >= NOON) for local in halves})


def rate(work: Work) -> None:
    """A rating by somebody else than the applicant is marked as such (AMB-LH6, AMB-G24)."""
    speaks_for = work.case.codes.get("relation", "self") != "self"
    if speaks_for or work.actor.id != work.case.contact_id:
        work.code("by_proxy", "yes")
    work.code("rated", "yes")
    work.data |= {"score": work.values["score"]}


def follow_up(work: Work) -> None:
    work.data |= {"satisfied": work.values["visit_satisfied"]}
    if "visit_companions" in work.values:
        _come_along(work, "visit_companions")
    if work.case.codes.get("joint_visit"):
        work.code("joint_visit", None)


def plan_visit(work: Work) -> None:
    """A visit with other bodies: they get the day (NX-5.3b)."""
    _come_along(work, "visit_with")
    work.data |= {"day": work.values["visit_on"]}
    work.code("joint_visit", "yes")


def draw_visit(work: Work) -> None:
    """Drawn for the month's visits; who comes along is the profile's word (NX-W6)."""
    batch = work.rules.visit_batch
    roles = work.rules.slots[batch.companion] if batch else ()
    held = [people.roles(work.conn, person.id) for person in people.staff(work.conn, *roles)]
    units = {post.unit_id for posts in held for post in posts if post.role in roles}
    work.data |= {"companions": sorted(units)}
    work.code("joint_visit", "yes")


def _come_along(work: Work, field: str) -> None:
    """The bodies that come along: to somebody who complained of conduct, none that handles matters (AMB-G21)."""
    units = [int(unit) for unit in work.values[field]]
    handling = [unit for unit in units if people.UNIT_ROLES & people.contacts(work.conn, unit).keys()]
    if work.case.shielded and handling:
        named = "、".join(people.unit(work.conn, unit).name for unit in handling)
        raise Refusal("shielded_visit", clause=work.rules.acts["plan_visit"].clause, units=named)
    work.data |= {"companions": units}


def propose_cause(work: Work) -> None:
    work.data |= {"cause": work.values["cause_proposed"]}


def redo(work: Work) -> None:
    """A new round with the same level's limit anew from `redo_at` (AMB-G7, WD-21)."""
    new_round(work)


def supervise(work: Work) -> None:
    """Issued by a named person, and counted only then (AMB-G10)."""
    work.change(supervision_count=work.case.supervision_count + 1)
    work.data |= {"count": work.case.supervision_count}


def transcribe(work: Work) -> None:
    """What was spoken later stands under what was typed before."""
    before = cases.word(work.office.vault, cases.load(work.conn, work.case.id), "transcript")
    work.text("transcript", "\n".join(filter(None, (before, str(work.values["transcript"])))))
    work.code("has_voice", None)


def redact(work: Work) -> None:
    attach.adopt(work, "redacted_files", "redacted")


def _instant(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


EFFECTS: Final[Mapping[str, Callable[[Work], None]]] = {
    **ABOVE,
    "submit": submit,
    "register": register,
    "add": add,
    "answer": answer,
    "insist": insist,
    "ask_human": ask_human,
    "accept": accept,
    "guide": guide,
    "resolve": resolve,
    "dispatch": dispatch,
    "relevel": relevel,
    "ask": ask,
    "extend": extend,
    "approve_extension": approve_extension,
    "object": object_,
    "consent": consent,
    "hand_in": hand_in,
    "reply": reply,
    "sign_off": sign_off,
    "send_back": send_back,
    "recall": send_back,
    "deliver": deliver,
    "log_attempt": log_attempt,
    "rate": rate,
    "rate_for": rate,
    "follow_up": follow_up,
    "plan_visit": plan_visit,
    "draw_visit": draw_visit,
    "propose_cause": propose_cause,
    "redo": redo,
    "supervise": supervise,
    "transcribe": transcribe,
    "redact": redact,
}
