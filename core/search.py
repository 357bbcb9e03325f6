"""Finding matters again: by a number they have here or elsewhere, by unit, by what was coded of them, by words
(HY-4b, HY-5.3c).

Whoever has a role in a case may find it. Names and telephone numbers are not searched: nobody is looked up. In a
conduct matter the unit complained about finds by nothing that is closed to it (AMB-G21). What is found is logged as
looked at.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import flow, people, store, views
from core.case import Case
from core.office import Office
from core.people import UNIT_ROLES, Person, Unit
from core.policy.model import Choice, Profile
from core.refusals import NOT_YOURS, Refusal

SHOWN: Final = 30  # on a page
TOGETHER: Final = 1000  # rows read at once
LONGEST: Final = 80  # characters asked for
# Facts by which matters are sorted, where the profile asks for them, in the order in which they are offered.
CODED: Final = ("scope_code", "category", "class", "cause_code")
# Numbers that others gave: theirs when it came in, theirs when it went out, those of outside systems; beside them stand
# the numbers of records that were taken in as matters.
NUMBERS: Final = ("external_no", "transfer_no")
UPLOADED: Final = "upload_"
WORDS: Final = ("item", "cause_text")  # beside the subject
_NUMBER: Final = re.compile(r"(?=.*\d)[A-Za-z0-9-]{4,}")
_C, _F, _E, _B = store.case.c, store.fact.c, store.event.c, store.brought_in.c


@dataclass(frozen=True)
class Wanted:
    """What is looked for; empty parts do not narrow. `codes`: facts by name, the office's opinion as an act."""

    text: str = ""
    unit_id: int = 0
    opinion: str = ""
    codes: Mapping[str, str] | None = None

    @property
    def anything(self) -> bool:
        return bool(self.text.strip() or self.unit_id or self.opinion or self.codes)


@dataclass(frozen=True)
class Filter:
    """A list to choose from: what it is called in the rules, and what there is."""

    name: str
    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Found:
    """One page of what was found, the newest first; `more` follow."""

    cases: tuple[Case, ...]
    more: bool


def opinions(rules: Profile) -> tuple[Choice, ...]:
    """What the office above may decide of a matter that was reported to it (HY-5.3d—g)."""
    acts = dict.fromkeys(row.act for row in flow.FLOW if row.stage == "REPORTED" and row.to != flow.STAY)
    return tuple(Choice(code=act, label=rules.acts[act].label) for act in acts if act in rules.acts)


def filters(rules: Profile) -> tuple[Filter, ...]:
    """The facts a search can be narrowed by under these rules."""
    asked = {field.id: field for field in rules.asked if field.id in CODED}
    return tuple(
        Filter(name, asked[name].label, rules.choices(asked[name])) for name in CODED if name in asked
    )


def units(conn: Connection, rules: Profile, viewer: Person) -> tuple[Unit, ...]:
    """The units whose matters somebody may come across."""
    kinds = {kind for level in rules.levels for kind in level.unit_kinds}
    posts = people.roles(conn, viewer.id)
    own = {post.unit_id for post in posts}
    all_of_them = any(post.role not in UNIT_ROLES for post in posts)
    return tuple(unit for unit in people.units(conn, *kinds) if all_of_them or unit.id in own)


def find(
    office: Office, conn: Connection, viewer: Person, wanted: Wanted, now: datetime, *, start: int = 0
) -> Found:
    """A page of the matters that somebody may see and that are as wanted, from the `start`-th on.

    Raises `Refusal("not_yours")` to whoever has no post.
    """
    posts = people.roles(conn, viewer.id)
    if viewer.kind != "staff" or not posts:
        raise Refusal(NOT_YOURS)
    unit_side = any(post.role in UNIT_ROLES for post in posts)
    open_to = ~_C.shielded if unit_side else sa.true()  # for what a unit complained about may not ask
    where = _C.number.is_not(None) & views.seen_by(posts) & _as_wanted(office.profile, wanted, open_to)
    text = " ".join(wanted.text.split())[:LONGEST]
    if _NUMBER.fullmatch(text):
        where &= _numbered(text.upper(), open_to)
        text = ""
    if text:
        hits = _with_words(office, conn, where, text.casefold().split(), unit_side=unit_side)
        page = list(islice(hits, start, start + SHOWN + 1))
        hits.close()
    else:
        query = sa.select(_C.id).where(where).order_by(_C.id.desc())
        page = list(conn.execute(query.offset(start).limit(SHOWN + 1)).scalars())
    shown = page[:SHOWN]
    views.log_views(conn, shown, viewer, "search", now)
    return Found(cases.several(conn, shown), len(page) > SHOWN)


def _as_wanted(rules: Profile, wanted: Wanted, open_to: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    where: sa.ColumnElement[bool] = sa.true()
    if wanted.unit_id:
        where &= _C.unit_id == wanted.unit_id
    for name, code in (wanted.codes or {}).items():
        where &= _stated((_F.field == name) & (_F.code == code))
        if name not in views.CODES_OPEN_TO_SHIELDED:
            where &= open_to
    if wanted.opinion:
        where &= _last_opinion([choice.code for choice in opinions(rules)]) == wanted.opinion
    return where


def _last_opinion(acts: Sequence[str]) -> sa.ScalarSelect[str]:
    """Which of these acts was done last in the case: a matter kept on file and taken up again stands elsewhere."""
    done = sa.select(_E.act).where(_E.case_id == _C.id, _E.act.in_(acts))
    return done.order_by(_E.seq.desc()).limit(1).scalar_subquery()


def _numbered(text: str, open_to: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    others = _F.field.in_(NUMBERS) | _F.field.startswith(UPLOADED, autoescape=True)
    taken_in = _C.id.in_(sa.select(_B.case_id).where(_holds(_B.number, text)))
    theirs = _stated(others & _holds(_F.code, text)) | taken_in
    return _holds(_C.number, text) | _holds(_C.subject, text) | theirs & open_to


def _holds(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    return sa.func.upper(column).contains(text, autoescape=True)


def _stated(what: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return _C.id.in_(sa.select(_F.case_id).where(what, _F.current))


def _with_words(
    office: Office,
    conn: Connection,
    where: sa.ColumnElement[bool],
    parts: Sequence[str],
    *,
    unit_side: bool,
) -> Generator[int]:
    """Those in whose subject, item and cause all the parts stand, the newest first. No database looks into what is
    sealed, so it is read as it comes, and no further than needed."""
    said = (_F.case_id == _C.id) & _F.field.in_(WORDS) & _F.current
    if unit_side:
        said &= ~_C.shielded
    query = (
        sa.select(_C.id, _C.subject, _F.field, _F.code, _F.value_enc)
        .join(store.fact, said, isouter=True)
        .where(where)
        .order_by(_C.id.desc())
    )
    with conn.execute(query.execution_options(yield_per=TOGETHER)) as rows:
        for case_id, of_case in groupby(rows, key=lambda row: int(row.id)):
            facts = list(of_case)
            text = facts[0].subject
            for fact in facts:
                if fact.value_enc is not None:
                    text += "\n" + cases.opened(office.vault, case_id, fact.field, fact.value_enc)
                elif fact.code:
                    text += "\n" + fact.code
            if all(part in text.casefold() for part in parts):
                yield case_id
