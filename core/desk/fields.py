"""Checking what a form brings, and keeping it as facts. One table of kinds serves conversation and pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.engine import Connection

from core import case as cases
from core import people
from core.case import Case
from core.office import Office
from core.policy.model import Asked, Profile, holds
from core.privacy import clean, normal_phone
from core.refusals import Incomplete
from core.workdays import SHANGHAI

if TYPE_CHECKING:
    from core.desk.act import Work


class Wrong(Exception):
    """A value that cannot stand; the code names its sentence in `templates/problems.toml`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


SKIPPED: Final = "-"  # asked, and there was nothing to say or to hand in
# Begins like a mobile, and has not its eleven digits.
_MISCOUNTED: Final = re.compile(r"(?:86)?1[3-9](?!\d{9}$)\d{5,}")
SHORTEST_PHONE: Final = 7  # a service number is nobody's own
NEUTRAL: Final = frozenset({"subject"})  # read by groups: names nobody (AMB-G16)
# Written for the unit of a conduct matter: does not say who complained (AMB-G21).
FOR_UNIT: Final = frozenset({"content_for_unit", "words_for_unit", "opinion_redacted"})
FIRST_YEAR, LAST_YEAR = 2000, 2099  # a date outside is a slip of the finger
EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def _text(asked: Asked, value: str) -> str:
    text = clean(value, asked.limit + 1).strip()
    if len(text) > asked.limit:
        raise Wrong("too_long")
    if not any(c.isalnum() for c in text):
        raise Wrong("no_words")
    return text


def _phone(asked: Asked, value: str) -> str:
    number = normal_phone(clean(value, 40))
    if number is None or sum(c.isdigit() for c in number) < SHORTEST_PHONE:
        raise Wrong("phone")
    if _MISCOUNTED.fullmatch(number):
        raise Wrong("digits")
    return number


def _email(asked: Asked, value: str) -> str:
    text = clean(value, 120).strip()
    if not EMAIL.fullmatch(text):
        raise Wrong("email")
    return text


def _number(asked: Asked, value: str) -> str:
    runs = re.findall(r"\d+", clean(value, 20).translate(_FULLWIDTH))
    if len(runs) != 1 or len(runs[0]) > 4:  # 5、6 is neither 56 nor 5
        raise Wrong("number")
    return str(int(runs[0]))


def _date(asked: Asked, value: str) -> str:
    text = clean(value, 25).strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong("date") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Wrong("date")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
    return moment.date().isoformat() if len(text) == len("2022-04-11") else moment.isoformat()


_FULLWIDTH: Final = str.maketrans("０１２３４５６７８９", "0123456789")
YES: Final = frozenset({"yes", "是", "是的", "对", "有", "1", "好", "嗯"})
NO: Final = frozenset({"no", "否", "不是", "没有", "不", "无", "0", "2"})


def _yesno(asked: Asked, value: str) -> str:
    text = clean(value, 10).strip().lower()
    if text in YES:
        return "yes"
    if text in NO:
        return "no"
    raise Wrong("yesno")


READERS: Final[Mapping[str, Callable[[Asked, str], str]]] = {
    "text": _text,
    "long": _text,
    "phone": _phone,
    "email": _email,
    "number": _number,
    "date": _date,
    "yesno": _yesno,
}


def read(rules: Profile, asked: Asked, value: str) -> str:
    """The value as it is kept: cleaned text, a normal phone, a code. Raises `Wrong`."""
    reader = READERS.get(asked.kind)
    if reader:
        return reader(asked, value)
    if asked.kind in ("choice", "level"):
        if value not in {choice.code for choice in rules.choices(asked)}:
            raise Wrong("choice")
        return value
    return value


def about_conduct(rules: Profile, values: Mapping[str, Any]) -> bool:
    """Whether these answers make it a conduct matter, whose applicant is shielded (AMB-G21)."""
    return any(values.get(field) in codes for field, codes in rules.intake.conduct.items())


def needed(asked: Asked, facts: Mapping[str, object]) -> bool:
    """Whether a question or field must be answered, given what is known."""
    return asked.required or bool(asked.required_when and holds(asked.required_when, facts))


def check(
    office: Office,
    conn: Connection,
    rules: Profile,
    case: Case,
    asked: Sequence[Asked],
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """The values of a form, read field by field. Raises `Incomplete`, naming every field that is missing or wrong."""
    known = case.facts()
    problems: dict[str, str] = {}
    given: dict[str, Any] = {}
    for field in asked:  # a condition asks about fields above it, as they were read
        known |= {**given, "shielded": case.shielded or about_conduct(rules, given)}
        if not holds(field.shown_when, known):
            continue
        value = values.get(field.id) or field.default or None
        if value is None or value == () or (isinstance(value, str) and not value.strip()):
            if needed(field, known):
                problems[field.id] = "missing"
            continue
        try:
            if field.kind in LOOKED_UP:
                given[field.id] = LOOKED_UP[field.kind](conn, value)
            else:
                given[field.id] = read(rules, field, value) if isinstance(value, str) else value
        except Wrong as wrong:
            problems[field.id] = wrong.code
    shielded = case.shielded or about_conduct(rules, {**case.codes, **given})
    open_words = given.keys() & (NEUTRAL | FOR_UNIT if shielded else NEUTRAL)
    problems |= {name: "personal" for name in open_words if _tells_who(office, case, given, given[name])}
    if problems:
        raise Incomplete(problems, {field.id: field.label for field in asked})
    return given


def _tells_who(office: Office, case: Case, given: Mapping[str, Any], text: str) -> bool:
    told = {**cases.words(office.vault, case), **given}
    names = (str(told.get(who, "")) for who in ("applicant_name", "contact_name", "applicant_phone"))
    return any(len(name) > 1 and name in text for name in names)


def keep(work: Work, asked: Sequence[Asked]) -> None:
    """Keep what a form brought as facts of the case: codes in clear, everything else as ciphertext."""
    for field in asked:
        value = work.values.get(field.id)
        if value is None or field.kind == "files" or field.kind in LOOKED_UP:
            continue
        if field.personal:
            work.text(field.id, str(value))
        else:
            work.code(field.id, str(value)[:64])


def _unit(conn: Connection, value: object) -> int:
    return _one(people.units(conn), value)


def _units(conn: Connection, value: object) -> tuple[int, ...]:
    """Several units, as a list or with commas between them."""
    named = value.split(",") if isinstance(value, str) else value
    if not isinstance(named, Sequence):
        raise Wrong("choice")
    units = people.units(conn)
    return tuple(dict.fromkeys(_one(units, one) for one in named))


def _site(conn: Connection, value: object) -> int:
    return _one(people.units(conn, people.SITE), value)


def _colleague(conn: Connection, value: object) -> int:
    return _one(people.staff(conn), value)


def _one(known: Sequence[people.Unit] | Sequence[people.Person], value: object) -> int:
    for one in known:
        if value in (one.key, one.id, str(one.id)):
            return one.id
    raise Wrong("choice")


# Kinds of fields that name somebody or something on record; they are kept in the case itself, not as facts.
LOOKED_UP: Final[Mapping[str, Callable[[Connection, object], Any]]] = {
    "unit": _unit,
    "units": _units,
    "site": _site,
    "person": _colleague,
}
