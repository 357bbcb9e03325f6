"""The case library: what was learnt from a closed matter, written so that it points to nobody, for all sites.

An entry says what was wanted (item), why it could not be done (cause) and what helped (solution). The service
prepares a text without names, numbers and homes; a person edits it, another reviews and approves it; only then is it
found. Making it public takes a case that is closed and not badly rated, and, where it is to be a warning, a second
person (PT-5.4a, PT-7.2c, XJ-3.3e, HY-7.2b, NX-5.4b).

Search is our own index of pairs of characters (`core.similar.grams`), in two tables, the same on both databases:
the rarest pairs of a question first, and no more rows than a fixed number, however large the library has grown.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import outbox, people, store, views
from core.case import Case
from core.hearing import plain
from core.office import Office
from core.people import Person
from core.policy.model import Choice, Profile
from core.privacy import anonymous, clean, personal_in
from core.refusals import DONE_ALREADY, NOT_NOW, NOT_YOURS, Incomplete, Refusal
from core.similar import grams, rarity
from core.workdays import local_day

E, G, T = store.library_entry, store.library_gram, store.library_term
# Who may do what, by the slots of the profile.
WRITERS: Final = ("receiver", "triager", "approver")
JUDGES: Final = ("approver",)
SECOND: Final = ("approver", "supervisor")
DONE: Final = ("CLOSED", "ARCHIVED")
# What an entry is made of: the longest text of each part, and what it is called.
PARTS: Final[Mapping[str, tuple[int, str]]] = {
    "item": (80, "办什么事"),
    "problem": (3000, "遇到的问题"),
    "cause_code": (64, "原因类别"),
    "cause": (1000, "没办成的原因"),
    "solution": (3000, "怎样解决的"),
}
TONES: Final[Mapping[str, str]] = {"positive": "正面典型", "negative": "反面典型"}
REVIEW_AFTER: Final = timedelta(days=180)
POSTINGS: Final = 3000  # rows of the index that one question may read
CANDIDATES: Final = 20  # entries that are compared in full
USUAL_LENGTH: Final = 200  # characters of an entry
ALIKE: Final = 0.5  # of what a question says, weighted, an entry must answer to be shown beside a form
TELLING: Final = 1.2  # the same for a citizen: rather nothing than something that does not fit
KEYWORD: Final = 8  # a longer word is a sentence


@dataclass(frozen=True)
class Entry:
    """An entry as people read it; nothing in it is personal."""

    id: int
    ref: str
    case_id: int
    unit_id: int | None
    site_id: int | None
    state: str
    item: str
    cause_code: str
    cause: str
    problem: str
    solution: str
    written_by: int
    approved_by: int | None
    approved_at: datetime | None
    owner_id: int | None
    review_on: date | None
    tone: str
    asked_by: int | None
    published_by: int | None
    published_at: datetime | None
    written_at: datetime

    @property
    def text(self) -> str:
        return f"{self.item}\n{self.problem}\n{self.cause}\n{self.solution}"


@dataclass(frozen=True)
class Found:
    """An entry that answers a question; `score` is how well, compared with what the question says."""

    entry: Entry
    score: float


def may(office: Office, conn: Connection, person: Person, slots: Iterable[str]) -> bool:
    """Whether somebody fills one of these slots for the hall, not only in a unit."""
    return people.for_hall(conn, office.profile, person.id, *slots)


def causes(rules: Profile) -> tuple[Choice, ...]:
    """The kinds of causes the profile knows."""
    return rules.lists.get("causes", ())


# --- from a case to an entry ----------------------------------------------------------------------------


def draft(office: Office, conn: Connection, case: Case, person: Person, now: datetime) -> dict[str, str]:
    """The parts of an entry as a closed case suggests them, cleaned of what is known to be personal. Looking is
    logged, because it shows the case. Raises `Refusal`."""
    _check_source(office, conn, case, person)
    views.log_view(conn, case, person, "library", now)
    words = cases.words(office.vault, case)
    known = _names(words) | {p.name: "工作人员" for p in people.staff(conn)}
    told = words.get("content_for_unit", "") if case.shielded else words.get("content", "")
    parts = {
        "item": case.codes.get("item") or words.get("item") or case.subject,
        "problem": told,
        "cause_code": case.codes.get("cause_code", ""),
        "cause": words.get("cause_analysis") or words.get("unit_cause") or words.get("unsolved_reason", ""),
        "solution": words.get("solution") or words.get("result", ""),
    }
    return {name: anonymous(text, known)[: PARTS[name][0]] for name, text in parts.items()}


def propose(
    office: Office, conn: Connection, case: Case, person: Person, parts: Mapping[str, str], now: datetime
) -> Entry:
    """An entry from a closed case, as a person has edited it. It waits for approval."""
    case = cases.load(conn, case.id, lock=True)
    _check_source(office, conn, case, person)
    if of_case(conn, case.id):
        raise Refusal(DONE_ALREADY, act="library", name="", at=None)
    row = {
        **_checked(office, conn, case, parts),
        "ref": secrets.token_urlsafe(12),
        "case_id": case.id,
        "unit_id": case.unit_id,
        "site_id": case.site_id,
        "state": "proposed",
        "written_by": person.id,
        "written_at": now,
    }
    return _entry(conn.execute(sa.insert(E).values(row).returning(E)).one())


def approve(
    office: Office,
    conn: Connection,
    ref: str,
    person: Person,
    parts: Mapping[str, str],
    *,
    owner: int,
    review_on: date | None,
    now: datetime,
) -> Entry:
    """A named person has read the entry and stands for it; from now on everybody finds it. Also how an approved entry
    is changed. `owner` looks at it again on `review_on` (in half a year if that is not said)."""
    _need(office, conn, person, JUDGES)
    entry = get(conn, ref, lock=True)
    looks_again = people.several(conn, [owner]).get(owner)
    if looks_again is None or not may(office, conn, looks_again, WRITERS):
        raise Incomplete({"owner": "choice"}, {"owner": "谁来复核"})
    today = local_day(now)
    review_on = review_on or today + REVIEW_AFTER
    if review_on <= today:
        raise Incomplete({"review_on": "date"}, {"review_on": "哪天复核"})
    case = cases.load(conn, entry.case_id)
    changed = {
        **_checked(office, conn, case, parts),
        "state": "approved",
        "approved_by": person.id,
        "approved_at": now,
        "owner_id": owner,
        "review_on": review_on,
    }
    if entry.state == "approved":
        _unindex(conn, entry)
        if entry.tone and any(changed[name] != getattr(entry, name) for name in PARTS):
            # What was looked at for the public is not what it says now.
            changed |= {"tone": "", "asked_by": None, "published_by": None, "published_at": None}
    done = _change(conn, entry, **changed)
    _index(conn, done)
    return done


def retire(office: Office, conn: Connection, ref: str, person: Person) -> Entry:
    """Nobody finds the entry any more; it stays on record."""
    _need(office, conn, person, JUDGES)
    entry = get(conn, ref, lock=True)
    if entry.state == "approved":
        _unindex(conn, entry)
    return _change(
        conn,
        entry,
        state="retired",
        review_on=None,
        tone="",
        asked_by=None,
        published_by=None,
        published_at=None,
    )


def reviewed(office: Office, conn: Connection, ref: str, person: Person, now: datetime) -> Entry:
    """Its owner has looked at it again, and it still holds."""
    entry = get(conn, ref, lock=True)
    if entry.owner_id != person.id:
        _need(office, conn, person, JUDGES)
    if entry.state != "approved":
        raise Refusal(NOT_NOW)
    return _change(conn, entry, review_on=local_day(now) + REVIEW_AFTER)


def remind(office: Office, conn: Connection, now: datetime) -> int:
    """Tell owners, once, of the entries that are to be looked at again; how many are due."""
    due = to_review(conn, local_day(now))
    for entry in due:
        outbox.put(
            conn,
            key=f"library.{entry.id}.{entry.review_on}",
            person_id=entry.owner_id,
            case_id=entry.case_id,
            notice="library_review",
            clause=office.rules(conn, cases.load(conn, entry.case_id)).instrument.clause,
            now=now,
            not_before=office.next_office_moment(now),
            data={"entry": entry.ref, "item": entry.item},
        )
    return len(due)


def _check_source(office: Office, conn: Connection, case: Case, person: Person) -> None:
    if not people.role_in_case(conn, case, person.id):
        raise Refusal(NOT_YOURS)
    _need(office, conn, person, WRITERS)
    if case.stage not in DONE:
        raise Refusal(NOT_NOW, stage=case.stage)


def _need(office: Office, conn: Connection, person: Person, slots: Sequence[str]) -> None:
    if not may(office, conn, person, slots):
        raise Refusal(NOT_YOURS)


def _checked(office: Office, conn: Connection, case: Case, parts: Mapping[str, str]) -> dict[str, str]:
    """The parts of an entry, complete and without anything personal. Raises `Incomplete`."""
    row = {name: clean(parts.get(name, ""), limit) for name, (limit, _) in PARTS.items()}
    known = [*_names(cases.words(office.vault, case))]
    codes = {choice.code for choice in causes(office.rules(conn, case))}
    problems = {name: "missing" for name, text in row.items() if not text}
    problems |= {name: "personal" for name, text in row.items() if personal_in(text, known)}
    if row["cause_code"] and row["cause_code"] not in codes:
        problems["cause_code"] = "choice"
    if problems:
        raise Incomplete(problems, {name: label for name, (_, label) in PARTS.items()})
    return row


def _names(words: Mapping[str, str]) -> dict[str, str]:
    """Who and what is known by name in a case, and what to write instead."""
    instead = {"applicant_name": "当事人", "contact_name": "联系人", "applicant_unit": "某单位"}
    return {words[name]: word for name, word in instead.items() if len(words.get(name, "")) > 1}


# --- making it public -----------------------------------------------------------------------------------


def make_public(
    office: Office, conn: Connection, ref: str, person: Person, tone: str, now: datetime
) -> Entry:
    """Let citizens read an approved entry. A good example is public at once; a warning waits for a second person
    (HY-7.2b). Raises `Refusal` (`not_presentable`: the case is open again or badly rated)."""
    _need(office, conn, person, JUDGES)
    entry = get(conn, ref, lock=True)
    if tone not in TONES:
        raise Incomplete({"tone": "choice"}, {"tone": "正面还是反面"})
    if entry.state != "approved" or entry.tone:
        raise Refusal(NOT_NOW)
    if not presentable(office, conn, entry):
        raise Refusal("not_presentable")
    asked = _change(conn, entry, tone=tone, asked_by=person.id)
    if tone == "negative":
        return asked
    return _change(conn, asked, published_by=person.id, published_at=now)


def second(office: Office, conn: Connection, ref: str, person: Person, agrees: bool, now: datetime) -> Entry:
    """The second look at a warning, by somebody other than who asked for it."""
    _need(office, conn, person, SECOND)
    entry = get(conn, ref, lock=True)
    if not entry.tone or entry.published_at or entry.state != "approved":
        raise Refusal(NOT_NOW)
    if entry.asked_by == person.id:
        raise Refusal("same_person")
    if not agrees:
        return _change(conn, entry, tone="", asked_by=None)
    if not presentable(office, conn, entry):
        raise Refusal("not_presentable")
    return _change(conn, entry, published_by=person.id, published_at=now)


def take_back(office: Office, conn: Connection, ref: str, person: Person) -> Entry:
    """Not public any more; staff go on finding it."""
    _need(office, conn, person, JUDGES)
    entry = get(conn, ref, lock=True)
    return _change(conn, entry, tone="", asked_by=None, published_by=None, published_at=None)


def presentable(office: Office, conn: Connection, entry: Entry) -> bool:
    """Whether its case is closed and nobody has rated it badly, by tap or by telephone."""
    case = cases.load(conn, entry.case_id)
    bad = {str(level.score) for level in office.rules(conn, case).rating.levels if level.bad}
    return (
        case.stage in DONE
        and case.codes.get("score") not in bad
        and case.codes.get("visit_satisfied") != "dissatisfied"
    )


# --- finding --------------------------------------------------------------------------------------------


def get(conn: Connection, ref: str, *, lock: bool = False) -> Entry:
    """An entry by its reference. Raises `Refusal("unknown_case")`."""
    query = sa.select(E).where(E.c.ref == ref)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise Refusal("unknown_case")
    return _entry(row)


def of_case(conn: Connection, case_id: int) -> Entry | None:
    row = conn.execute(sa.select(E).where(E.c.case_id == case_id)).one_or_none()
    return _entry(row) if row else None


def read(office: Office, conn: Connection, ref: str, person: Person) -> Entry:
    """An entry for a member of staff: approved ones are open to all, whatever their site or unit; the others to those
    who write and judge. Raises `Refusal`."""
    if person.kind != "staff":
        raise Refusal(NOT_YOURS)
    entry = get(conn, ref)
    if entry.state != "approved":
        _need(office, conn, person, (*WRITERS, *SECOND))
    return entry


def waiting(conn: Connection) -> tuple[Entry, ...]:
    """What waits for approval, and what for a second look."""
    rows = conn.execute(
        sa.select(E)
        .where(sa.or_(E.c.state == "proposed", (E.c.tone != "") & E.c.published_at.is_(None)))
        .order_by(E.c.id)
        .limit(100)
    )
    return tuple(_entry(row) for row in rows)


def to_review(conn: Connection, day: date) -> tuple[Entry, ...]:
    """Approved entries whose day of review has come."""
    rows = conn.execute(
        sa.select(E).where(E.c.review_on <= day, E.c.state == "approved").order_by(E.c.review_on)
    )
    return tuple(_entry(row) for row in rows)


def newest(
    conn: Connection, *, unit_id: int | None = None, cause: str = "", limit: int = 20
) -> tuple[Entry, ...]:
    """The approved entries, the last first."""
    where = _narrowed(unit_id, cause, public=False)
    return tuple(
        _entry(r) for r in conn.execute(sa.select(E).where(where).order_by(E.c.id.desc()).limit(limit))
    )


def search(
    conn: Connection,
    text: str,
    *,
    unit_id: int | None = None,
    cause: str = "",
    public: bool = False,
    limit: int = 10,
) -> tuple[Found, ...]:
    """The approved entries that answer a question, best first. A few short words: those that hold all of them, the
    newest first; anything longer, or words that no entry holds: those most alike."""
    where = _narrowed(unit_id, cause, public)
    narrowed = bool(unit_id or cause or public)
    words = [word for word in re.split(r"[\s,，。、;；]+", plain(text)) if word]
    if words and len(words) <= 4 and all(len(word) <= KEYWORD for word in words):
        entries = _holding(conn, words, where, limit)
        if entries:
            return tuple(Found(entry, 1.0) for entry in entries)
    return _alike(conn, text, where if narrowed else None, limit)


def _narrowed(unit_id: int | None, cause: str, public: bool) -> sa.ColumnElement[bool]:
    where: sa.ColumnElement[bool] = E.c.state == "approved"
    if unit_id:
        where &= E.c.unit_id == unit_id
    if cause:
        where &= E.c.cause_code == cause
    return where & E.c.published_at.is_not(None) if public else where


def _holding(
    conn: Connection, words: Sequence[str], where: sa.ColumnElement[bool], limit: int
) -> tuple[Entry, ...]:
    """Entries in which every word stands. The rarest pair leads, so that the others are looked up few times."""
    wanted = list(dict.fromkeys(gram for word in words for gram in grams(word)))
    having = _having(conn, wanted)
    if not wanted or len(having) - ("" in having) < len(wanted):
        return ()
    first, *others = sorted(wanted, key=lambda gram: having[gram])
    query = sa.select(E).join(G, G.c.entry_id == E.c.id).where(G.c.gram == first, where)
    for gram in others:
        other = G.alias()
        query = query.where(sa.exists().where(other.c.gram == gram, other.c.entry_id == G.c.entry_id))
    rows = conn.execute(query.order_by(G.c.entry_id.desc()).limit(limit * 2))
    found = (_entry(row) for row in rows)
    # The pairs of a word may stand apart from each other.
    return tuple(entry for entry in found if all(word in plain(entry.text) for word in words))[:limit]


def _alike(
    conn: Connection, text: str, where: sa.ColumnElement[bool] | None, limit: int
) -> tuple[Found, ...]:
    """Entries most alike a text. What is in the index is approved: only a narrower question looks at the entries
    before the best are chosen."""
    asked = set(grams(text))
    having = _having(conn, asked)
    everything = having.get("", 0)
    chosen: list[str] = []
    rows = 0
    for gram in sorted(asked & having.keys(), key=lambda g: (having[g], g)):
        rows += having[gram]
        if chosen and rows > (POSTINGS if where is None else POSTINGS // 3):
            break
        chosen.append(gram)
    if not chosen:
        return ()
    weights = {gram: rarity(having.get(gram, 0), everything) for gram in asked}
    whole = sum(weights.values()) ** 0.5 or 1.0
    query = _BEST if where is None else _best(where)
    entries = [_entry(row) for row in conn.execute(query, {"grams": chosen})]
    found = [Found(entry, _score(weights, entry.text) / whole) for entry in entries]
    return tuple(sorted(found, key=lambda f: (-f.score, -f.entry.id))[:limit])


def _best(where: sa.ColumnElement[bool] | None) -> sa.Select[Any]:
    """The entries that have most of some grams; `where` narrows them before they are counted."""
    hits = sa.func.count().label("hits")
    query = sa.select(G.c.entry_id, hits).where(G.c.gram.in_(sa.bindparam("grams", expanding=True)))
    if where is not None:
        query = query.join(E, E.c.id == G.c.entry_id).where(where)
    best = (
        query.group_by(G.c.entry_id).order_by(hits.desc(), G.c.entry_id.desc()).limit(CANDIDATES).subquery()
    )
    return sa.select(E).join(best, best.c.entry_id == E.c.id)


# Asked at every search: built once, because building a statement costs more than running it.
_BEST: Final = _best(None)
_HAVING: Final = sa.select(T.c.gram, T.c.entries).where(
    T.c.gram.in_(sa.bindparam("grams", expanding=True)), T.c.entries > 0
)


def _score(weights: Mapping[str, float], text: str) -> float:
    """BM25 of a text for a question whose grams have these weights."""
    told = plain(text)
    slope = 1.2 * (0.25 + 0.75 * len(told) / USUAL_LENGTH)
    counts = ((weight, told.count(gram)) for gram, weight in weights.items())
    return sum(weight * n * 2.2 / (n + slope) for weight, n in counts if n)


def _having(conn: Connection, wanted: Iterable[str]) -> dict[str, int]:
    """How many entries have each gram; under "" how many there are."""
    return {row.gram: row.entries for row in conn.execute(_HAVING, {"grams": ["", *wanted]})}


def _index(conn: Connection, entry: Entry) -> None:
    found = sorted(set(grams(entry.text)))
    conn.execute(sa.insert(G), [{"gram": gram, "entry_id": entry.id} for gram in found])
    new = store.upsert(conn.dialect.name, T)
    more = new.on_conflict_do_update(index_elements=["gram"], set_={"entries": T.c.entries + 1})
    # In one order everywhere, so that two who approve at once wait for each other only in turn.
    conn.execute(more, [{"gram": gram, "entries": 1} for gram in ("", *found)])


def _unindex(conn: Connection, entry: Entry) -> None:
    found = sorted(set(grams(entry.text)))
    conn.execute(sa.delete(G).where(G.c.gram.in_(found), G.c.entry_id == entry.id))
    conn.execute(sa.update(T).where(T.c.gram.in_(["", *found])).values(entries=T.c.entries - 1))


def _change(conn: Connection, entry: Entry, **values: Any) -> Entry:
    conn.execute(sa.update(E).where(E.c.id == entry.id).values(**values))
    return replace(entry, **values)


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(*tuple(row))  # its fields are the columns, in their order
