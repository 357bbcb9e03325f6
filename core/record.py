"""A case read for paper: what may be printed of it for one viewer, field by field.

A ledger prints thousands of cases, so they are read many at once (`Reader`), and of each only what is asked for is
opened. Which words and codes are open to whom is the word of `core.views`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import forms, people, store, views
from core.case import Case, Event
from core.desk.fields import SKIPPED
from core.office import Office
from core.people import Person, Unit
from core.policy.model import Profile
from core.privacy import Vault
from core.refusals import NOT_YOURS, Refusal
from core.workdays import SHANGHAI

# Acts that lead nowhere and are no steps of the handling that a ledger tells.
_ASIDE: Final = frozenset({"withdraw", "rate", "rate_for", "comment"})
_ORAL: Final = "口头确认，待补签"
_D, _E, _P = store.duty.c, store.event.c, store.post.c


@dataclass(frozen=True)
class Record:
    """A case with what stands beside it, as `role` may see it. `hidden`: the reader must not know who complained
    (AMB-G21). `due`: the running limit's day, else that of the last one; `delivered`: when a delivery of this round
    was recorded, by its duty; `history` is read only where it is wanted."""

    vault: Vault
    rules: Profile
    case: Case
    role: str
    hidden: bool
    due: datetime | None
    delivered: Mapping[str, datetime]
    history: Sequence[Event]
    names: Mapping[int, str]
    units: Mapping[int, Unit]
    contacts: Mapping[str, Person]
    homes: Mapping[int, int]  # the unit in which somebody works for units that handle

    def word(self, field: str) -> str:
        """A personal text, if it is open to the reader."""
        return cases.word(self.vault, self.case, field) if views.may_read(self.case, self.role, field) else ""

    def code(self, field: str) -> str:
        """A coded fact; nothing for what was skipped."""
        if self.hidden and field not in views.CODES_OPEN_TO_SHIELDED:
            return ""
        code = self.case.codes.get(field, "")
        return "" if code == SKIPPED else code

    def label(self, field: str) -> str:
        """A coded fact in words."""
        code = self.code(field)
        return self.rules.label(field, code) if code else ""

    def at(self, moment: str) -> str:
        at = self.case.at(moment)
        return at.isoformat() if at else ""

    def by(self, moment: str) -> str:
        """Who set an anchor; citizens have no name here."""
        found = self.case.moments.get(moment)
        return self.name(found.person_id) if found else ""

    def name(self, person_id: int | None) -> str:
        return self.names.get(person_id or 0, "")

    def unit(self, unit_id: int | None) -> str:
        found = self.units.get(unit_id or 0)
        return found.name if found else ""


def values(record: Record, fields: Iterable[str], coded: Collection[str] = ()) -> dict[str, str]:
    """What a paper may print, by field: texts, words of coded facts (of those in `coded` the code itself), ISO
    instants of anchors; what is unknown is empty."""
    return {field: told(record) for field, told in _tellers(frozenset(fields), frozenset(coded))}


@cache
def _tellers(
    fields: frozenset[str], coded: frozenset[str]
) -> tuple[tuple[str, Callable[[Record], str]], ...]:
    return tuple((field, _teller(field, field in coded)) for field in sorted(fields))


def _teller(field: str, coded: bool) -> Callable[[Record], str]:
    if field in VALUES:
        return VALUES[field]
    if field in CODES:
        code, label = CODES[field]
        return code if coded else label
    return partial(_value, field=field, coded=coded)


def _value(record: Record, field: str, coded: bool) -> str:
    if field in record.case.moments:
        return record.at(field)
    if field in record.case.sealed:
        return record.word(field)
    if field in record.case.codes:
        return record.code(field) if coded else record.label(field)
    return _derived(record, field)


def _derived(record: Record, field: str) -> str:
    """Fields that come in families: who did it (X_by), a delivery (to_X) and its way, somebody of the unit."""
    if field.endswith("_by"):
        return record.by(f"{field.removesuffix('_by')}_at")
    if field.startswith("to_"):
        duty = field.removesuffix("_way")
        at = record.delivered.get(duty)
        return _way(record, duty) if at and duty != field else at.isoformat() if at else ""
    person = record.contacts.get(field.removesuffix("_phone"))
    if person is None:
        return ""
    return person.phone if field.endswith("_phone") else person.name


# --- what is made of several facts ----------------------------------------------------------------------


def _content(record: Record) -> str:
    """What was told; of a voice nobody has typed yet, that there is one (AMB-G23)."""
    said = [record.word("content"), record.word("transcript")]
    if not any(said) and record.code("has_voice"):
        return "（见语音附件）"
    return "\n".join(text for text in said if text)


def _received_by(record: Record) -> str:
    return record.by("confirmed_at")


def _reporting_unit(record: Record) -> str:
    """The unit whose people took it in, else the one that has it."""
    taken = record.case.moments.get("confirmed_at")
    return record.unit(record.homes.get(taken.person_id or 0) if taken else None) or record.unit(
        record.case.unit_id
    )


def _applicant_signature(record: Record) -> str:
    """A confirmation signs; what was only said does not, and a contact person confirms for the applicant (AMB-G24)."""
    if not record.case.at("applicant_confirmed_at") or record.code("record_confirmed") == "oral":
        return ""
    contact = record.word("contact_name")
    return f"{contact}（代）" if contact else record.word("applicant_name")


def _record_note(record: Record) -> str:
    """Why it was confirmed by word of mouth, for now (NX-A3.2, PT-A1.2)."""
    if record.code("record_confirmed") != "oral":
        return record.word("record_note")
    why = record.word("record_note") or record.word("oral_reason") or record.code("oral_reason")
    return _joined("：", _ORAL, why)


def _rating(record: Record) -> str:
    proxy = "（代评）" if record.code("by_proxy") else ""
    return _joined("：", record.label("score") + proxy, record.word("rating_comment"))


def _follow_up(record: Record) -> str:
    return _joined("：", record.label("visit_satisfied"), record.word("visit_opinion"))


def _applicant_opinion(record: Record) -> str:
    """The opinion of the visit, and under it the comment of a rating (PT-A2.3)."""
    rated = _rating(record)
    return _joined("\n", record.word("visit_opinion"), f"评价：{rated}" if rated else "")


def _extension(record: Record) -> str:
    due = record.code("extension_granted") or record.code("extension_due")
    return _joined("；", record.word("extension_reason"), f"新时限：{day_words(due)}" if due else "")


def _members(record: Record) -> str:
    return "、".join(record.unit(unit_id) for unit_id in record.case.members)


def _contributions(record: Record) -> str:
    said = [(record.unit(unit_id), record.word(f"contribution_{unit_id}")) for unit_id in record.case.members]
    return "\n".join(f"{unit}：{text}" for unit, text in said if text)


def _coordination(record: Record) -> str:
    """Each talk with another office, in its order (LH-7c)."""
    kept = [field for field in record.case.sealed if field.startswith("coordination_")]
    kept.sort(key=lambda field: int(field.rpartition("_")[2]))
    return "\n".join(text for field in kept if (text := record.word(field)))


def _deliveries(record: Record) -> str:
    """Whom the result has reached, how and when (AMB-G13)."""
    titles = {duty.key: duty.title for duty in record.rules.duties}
    done = sorted(record.delivered.items(), key=lambda pair: pair[1])
    return "\n".join(
        _joined("，", titles.get(duty, duty), _way(record, duty), time_words(at)) for duty, at in done
    )


def _way(record: Record, duty: str) -> str:
    return record.label("feedback_way") if duty == "to_applicant" else ""


def _process(record: Record) -> str:
    """The steps of the handling with their days: what led on, or set an anchor."""
    lines = []
    for event in record.history:
        act = record.rules.acts.get(event.act)
        if act is None or event.act in _ASIDE or not (act.moments or event.stage_from != event.stage_to):
            continue
        who = record.name(event.actor_id)
        lines.append(f"{time_words(event.at)} {act.label}" + (f"（{who}）" if who else ""))
    return "\n".join(lines)


def _row_signatures(record: Record) -> str:
    """The persons concerned who have signed in the system; of a closed case, who still has to (NX-W3f)."""
    signed = (record.by(name) for name in ("handler_signed_at", "signed_off_at", "filed_at"))
    names = "、".join(dict.fromkeys(name for name in signed if name))
    rules, case = record.rules, record.case
    if "file_result" not in rules.acts or not case.at("closed_at") or case.at("filed_at"):
        return names
    lacking = (rules.titles.get(role, role) for role in rules.slots.get("filer", ()))
    return _joined("；", names, f"缺{'、'.join(lacking)}签字")


def _level(record: Record) -> str:
    code = record.case.level
    found = next((level.label for level in record.rules.levels if level.code == code), "")
    return found or record.label("level")


def _kind(record: Record) -> str:
    return next((kind.label for kind in record.rules.kinds if kind.code == record.case.kind), "")


def _joined(sign: str, *parts: str) -> str:
    return sign.join(part for part in parts if part)


VALUES: Final[Mapping[str, Callable[[Record], str]]] = {
    "case_no": lambda r: r.case.number or "",
    "subject": lambda r: r.case.subject,
    "application_date": lambda r: r.at("submitted_at"),
    "content": _content,
    "content_redacted": lambda r: r.word("content_for_unit"),
    "received_by": _received_by,
    "first_receiver": _received_by,
    "keeper": lambda r: r.name(r.case.keeper_id),
    "responsible_unit": lambda r: r.unit(r.case.unit_id),
    "reporting_unit": _reporting_unit,
    "site": lambda r: r.unit(r.case.site_id),
    "due": lambda r: r.due.isoformat() if r.due else "",
    "feedback_due": lambda r: r.due.isoformat() if r.due else "",
    "deputy_head": lambda r: _derived(r, "unit_deputy_head"),
    "head_signature": lambda r: r.by("signed_off_at"),
    "handler_signature": lambda r: r.by("handler_signed_at"),
    "applicant_signature": _applicant_signature,
    "record_note": _record_note,
    "rating": _rating,
    "follow_up": _follow_up,
    "applicant_opinion": _applicant_opinion,
    "opinion_redacted": lambda r: r.word("opinion_for_unit"),
    "supervision_count": lambda r: str(r.case.supervision_count),
    "extension": _extension,
    "members": _members,
    "contributions": _contributions,
    "coordination": _coordination,
    "deliveries": _deliveries,
    "process": _process,
    "row_signatures": _row_signatures,
    "response_level": lambda r: _level(r) or r.label("response_level") or _kind(r),
    "cause_text": lambda r: _joined("：", r.label("cause_code"), r.word("cause_text")),
}
# Coded facts that stand in the row of the case or under another name: how to get their code and their words.
CODES: Final[Mapping[str, tuple[Callable[[Record], str], Callable[[Record], str]]]] = {
    "level": (lambda r: r.case.level or r.code("level"), _level),
    "dispatch_kind": (lambda r: r.case.kind or "", _kind),
    "scope": (lambda r: r.code("scope_code"), lambda r: r.label("scope_code")),
}
# Fields made from the events, which are read only for papers that print one.
FROM_HISTORY: Final = frozenset({"process"})


def day_words(text: str) -> str:
    """2022年4月20日, of an ISO day or instant; with the time where an instant says one."""
    at = datetime.fromisoformat(text)
    if len(text) == len("2022-04-20"):
        return forms.written_day(at)
    return time_words(at)


def time_words(at: datetime) -> str:
    """2022年4月20日 09:30, an instant in Shanghai."""
    local = at.astimezone(SHANGHAI)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


# --- reading --------------------------------------------------------------------------------------------


class Reader:
    """Reads cases for one viewer, many at once; what they share (units, people, posts) is read once."""

    def __init__(self, office: Office, conn: Connection, viewer: Person) -> None:
        self._office, self._conn, self._viewer = office, conn, viewer
        self._posts = people.roles(conn, viewer.id)
        rows = conn.execute(sa.select(store.unit)).all()
        self._units = {row.id: Unit(row.id, row.key, row.name, row.kind, row.code) for row in rows}
        held = sa.select(_P.person_id, _P.unit_id).where(_P.role.in_(people.UNIT_ROLES)).order_by(_P.id)
        self._homes = {row.person_id: row.unit_id for row in conn.execute(held)}
        staff = sa.select(store.person.c.id, store.person.c.name).where(store.person.c.kind == "staff")
        self._names = {row.id: row.name for row in conn.execute(staff)}
        self._contacts: dict[int, Mapping[str, Person]] = {}

    def read(self, found: Sequence[Case], *, history: bool = False) -> list[Record]:
        """The records of cases, in their order. Raises `Refusal("not_yours")` if one is not the viewer's to see."""
        ids = [case.id for case in found]
        limits, deliveries = self._duties(ids)
        events = self._events(ids) if history else {}
        records = []
        for case in found:
            role = people.role_by(case, self._viewer.id, self._posts)
            if not role:
                raise Refusal(NOT_YOURS)
            records.append(
                Record(
                    vault=self._office.vault,
                    rules=self._office.rules(self._conn, case),
                    case=case,
                    role=role,
                    hidden=views.shielded_from(case, role),
                    due=limits.get(case.id),
                    delivered=deliveries.get((case.id, case.round), {}),
                    history=events.get(case.id, ()),
                    names=self._names,
                    units=self._units,
                    contacts=self._contacts_of(case.unit_id),
                    homes=self._homes,
                )
            )
        return records

    def _duties(
        self, ids: Sequence[int]
    ) -> tuple[dict[int, datetime], dict[tuple[int, int], dict[str, datetime]]]:
        """The day of the limit that runs, or ran last; the deliveries by case and round."""
        closing = [duty.key for duty in self._office.profile.duties if duty.closing]
        wanted = sa.or_(_D.key.in_(closing), _D.key.startswith("to_", autoescape=True))
        rows = self._conn.execute(
            sa.select(_D.case_id, _D.round, _D.key, _D.state, _D.due_at, _D.met_at)
            .where(store.among(_D.case_id, ids), wanted, _D.state != "void")
            .order_by(_D.state == "open", _D.id)
        ).all()
        limits, deliveries = dict[int, datetime](), dict[tuple[int, int], dict[str, datetime]]()
        for row in rows:
            if row.key in closing:
                limits[row.case_id] = row.due_at
            elif row.state == "met":
                deliveries.setdefault((row.case_id, row.round), {})[row.key] = row.met_at
        return limits, deliveries

    def _events(self, ids: Sequence[int]) -> dict[int, list[Event]]:
        rows = self._conn.execute(
            sa.select(store.event).where(store.among(_E.case_id, ids)).order_by(_E.case_id, _E.seq)
        ).all()
        found: dict[int, list[Event]] = {}
        for row in rows:
            event = Event(**{k: row._mapping[k] for k in Event.__dataclass_fields__})
            found.setdefault(row.case_id, []).append(event)
        return found

    def _contacts_of(self, unit_id: int | None) -> Mapping[str, Person]:
        if unit_id is None:
            return {}
        if unit_id not in self._contacts:
            self._contacts[unit_id] = people.contacts(self._conn, unit_id)
        return self._contacts[unit_id]
