"""The figures of reports: each case as it stood at an instant, and what happened in it in a period.

Read from what is never changed: events, facts by when they were stated, duties by when they opened and ended. So the
figures of a past instant come out the same whenever they are asked for, and each names the cases it counts. What a
report says is a list of sections; a section is a function of the book below, and all of them stand in one table at the
end. `bot` puts the figures into sentences (`templates/reports/`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import flow, people, store
from core.improvement import FEWEST, Kind
from core.office import Office
from core.people import Unit
from core.policy.model import Profile, Report
from core.privacy import redact
from core.workdays import local_day, midnight

TOGETHER: Final = 500  # cases read at once
ENDED: Final = frozenset({*flow.ENDED, *flow.GONE})  # nothing is owed there any more
RATED: Final = ("rate", "rate_for")
REDONE: Final = ("redo", "redo_here", "take_up")
_C, _M, _E, _F, _D = store.case.c, store.moment.c, store.event.c, store.fact.c, store.duty.c


# --- what a figure is -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One figure, or a word; `cases` are those it counts."""

    value: int | str
    cases: tuple[int, ...] = ()


@dataclass(frozen=True)
class Table:
    """The figures of a section. `said` are its totals by name, for the sentences about it."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    said: Mapping[str, int | str] = field(default_factory=dict)
    key: str = ""
    title: str = ""


@dataclass(frozen=True)
class Period:
    """Days in Shanghai, both included, as known at the instant `as_of`."""

    first: date
    last: date
    as_of: datetime

    @property
    def start(self) -> datetime:
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return midnight(self.last + timedelta(days=1))

    def has(self, at: datetime | None) -> bool:
        return at is not None and self.start <= at < self.end


# --- a case as it stood -----------------------------------------------------------------------------------


class Happening(NamedTuple):
    """Something done in a case; `unit_id`: who has had the matter since."""

    act: str
    at: datetime
    data: Mapping[str, Any]
    unit_id: int


class Term(NamedTuple):
    """A duty as it stood: from when to when it ran (`ends` None: it still did), what it was to be done by. `late_at`:
    when it became late, time proven to be waiting for the applicant left out (AMB-G14)."""

    key: str
    round: int
    part: int
    begins: datetime
    ends: datetime | None
    met: bool
    due: datetime | None
    late_at: datetime | None
    replaced: bool  # another date took its place, so that it counts no more


@dataclass(frozen=True)
class Standing:
    """A case as it stood. `told`: when the matter was told, which is the day it stands in the ledger under."""

    id: int
    number: str
    told: datetime
    channel: str
    stage: str
    round: int
    kind: str
    level: str
    unit_id: int
    site_id: int
    shielded: bool
    codes: Mapping[str, str]
    item: str
    done: tuple[Happening, ...]
    terms: tuple[Term, ...]

    @property
    def open(self) -> bool:
        return self.stage not in ENDED

    def at(self, *acts: str) -> Iterator[Happening]:
        """The times that one of these acts was done."""
        return (h for h in self.done if h.act in acts)

    def unit_at(self, at: datetime) -> int:
        """The unit that had the matter at an instant; 0 for none. What happened then counts for it, whoever has it
        now."""
        return next((h.unit_id for h in reversed(self.done) if h.at <= at), 0)

    def running(self, key: str) -> Term | None:
        """The duty of that key that was open."""
        return next((t for t in self.terms if t.key == key and t.ends is None), None)

    @property
    def rating(self) -> int | None:
        """The rating that counts: the last."""
        given = [int(h.data["score"]) for h in self.at(*RATED)]
        return given[-1] if given else None


@dataclass(frozen=True)
class Book:
    """What a report is computed from: the rules it is written under, its period, the cases of that period (told in it,
    or told before and not done with before it began), and the report's own columns. `part`: the unit or site it is
    about."""

    office: Office
    conn: Connection = field(repr=False)
    rules: Profile
    period: Period
    report: Report
    standings: tuple[Standing, ...]
    units: Mapping[int, Unit]
    part: int = 0

    @cached_property
    def received(self) -> tuple[Standing, ...]:
        """Those told in the period: the rows of its ledger."""
        return tuple(s for s in self.standings if self.period.has(s.told))

    @cached_property
    def closing(self) -> frozenset[str]:
        return frozenset(duty.key for duty in self.rules.duties if duty.closing)

    def happened(self, standing: Standing, *acts: str) -> tuple[Happening, ...]:
        """The times that one of these acts was done in the period, in order."""
        return tuple(h for h in standing.at(*acts) if self.period.has(h.at))

    def rated(self, standing: Standing) -> int | None:
        """The last rating given in the period."""
        given = [int(h.data["score"]) for h in standing.at(*RATED) if self.period.has(h.at)]
        return given[-1] if given else None

    def late(self, standing: Standing, keys: Collection[str] = ()) -> tuple[datetime, ...]:
        """When one of these duties (or the limit) became late in the period, in order."""
        wanted = keys or self.closing
        known = (t.late_at for t in standing.terms if t.key in wanted and not t.replaced)
        return tuple(sorted(at for at in known if at is not None and self.period.has(at)))

    def answered(self, standing: Standing) -> tuple[datetime, ...]:
        """When the limit was met in the period, in order."""
        known = (t.ends for t in standing.terms if t.key in self.closing and t.met)
        return tuple(sorted(at for at in known if at is not None and self.period.has(at)))

    def counted(self, column: str) -> Counter[int]:
        """How often a column counts each case."""
        return self._counts(column)[0]

    def by_unit(self, column: str) -> Mapping[int, Counter[int]]:
        """The same by the unit that had the matter at that time (0: none)."""
        return self._counts(column)[1]

    def _counts(self, column: str) -> tuple[Counter[int], Mapping[int, Counter[int]]]:
        if column not in self._known:
            whole, units = Counter[int](), defaultdict[int, Counter[int]](Counter)
            for s in self.standings:
                for unit_id in COLUMNS[column].counts(self, s):
                    whole[s.id] += 1
                    units[unit_id][s.id] += 1
            self._known[column] = whole, units
        return self._known[column]

    @cached_property
    def _known(self) -> dict[str, tuple[Counter[int], Mapping[int, Counter[int]]]]:
        return {}

    def name(self, unit_id: int) -> str:
        found = self.units.get(unit_id)
        return found.name if found else "（还没有责任单位）"

    def kind_of(self, standing: Standing) -> Kind | None:
        """Unit, item and cause, if all three are known (AMB-G12)."""
        cause = standing.codes.get("cause_code", "")
        known = standing.unit_id and standing.item and cause
        return Kind(standing.unit_id, standing.item, cause) if known else None

    def label(self, name: str, code: str) -> str:
        return self.rules.label(name, code) if code else "（没有填）"


def book(
    office: Office, conn: Connection, rules: Profile, report: Report, period: Period, part: int = 0
) -> Book:
    """Read the cases of a period as they stood at its `as_of`."""
    found = tuple(standings(office, conn, period))
    if part:
        place = "site_id" if report.each == "site" else "unit_id"
        found = tuple(s for s in found if getattr(s, place) == part)
    units = {row.id: people.unit(conn, row.id) for row in conn.execute(sa.select(store.unit.c.id)).all()}
    return Book(office, conn, rules, period, report, found, units, part)


def tables(of: Book) -> tuple[Table, ...]:
    """The sections of its report. Raises KeyError for one that nobody has written."""
    return tuple(replace(SECTIONS[name](of), key=name, title=TITLES[name]) for name in of.report.sections)


def listed(of: Book) -> tuple[int, ...]:
    """The cases of the list that goes with the report: those in which its anchor fell into the period."""
    by = of.report.by
    if by == "submitted_at":
        return tuple(s.id for s in of.received)
    acts = [name for name, act in of.rules.acts.items() if by in act.moments]
    return tuple(s.id for s in of.standings if of.happened(s, *acts))


def standings(office: Office, conn: Connection, period: Period) -> Iterator[Standing]:
    """The cases of a period, in the order of their numbers."""
    ids = _of_period(conn, period)
    for start in range(0, len(ids), TOGETHER):
        yield from _read(office, conn, period, ids[start : start + TOGETHER])


def _of_period(conn: Connection, period: Period) -> list[int]:
    """Those told before its end in which something has happened since it began, or is still to be done."""
    alive = sa.union(
        sa.select(_E.case_id).where(_E.at >= period.start),
        sa.select(_D.case_id).where(_D.state == "open"),
        sa.select(_C.id).where(_C.stage.not_in(ENDED)),
    ).subquery()
    rows = conn.execute(
        sa.select(_C.id)
        .join(alive, alive.c.case_id == _C.id)
        .join(store.moment, _M.case_id == _C.id)
        .where(_C.number.is_not(None), _M.name == "submitted_at", _M.at < period.end)
        .order_by(_C.number)
    )
    return list(rows.scalars())


def _read(office: Office, conn: Connection, period: Period, ids: Sequence[int]) -> Iterator[Standing]:
    until = period.as_of
    done = _by_case(
        conn.execute(
            sa.select(_E.case_id, _E.act, _E.at, _E.round, _E.data, _E.stage_to)
            .where(store.among(_E.case_id, ids), _E.at <= until)
            .order_by(_E.case_id, _E.seq)
        )
    )
    said = _by_case(
        conn.execute(
            sa.select(_F.case_id, _F.field, _F.code, _F.value_enc)
            .where(
                store.among(_F.case_id, ids), _F.at <= until, _F.ended_at.is_(None) | (_F.ended_at > until)
            )
            .where(_F.code.is_not(None) | (_F.field == "item"))
            .order_by(_F.id)
        )
    )
    ran = _by_case(
        conn.execute(
            sa.select(_D.id, _D.case_id, _D.key, _D.round, _D.part, _D.generation)
            .add_columns(_D.state, _D.opened_at, _D.met_at, _D.due_at)
            .where(store.among(_D.case_id, ids))
            .order_by(_D.id)
        )
    )
    told = {
        row.case_id: row.at
        for row in conn.execute(
            sa.select(_M.case_id, _M.at).where(store.among(_M.case_id, ids), _M.name == "submitted_at")
        )
    }
    query = sa.select(_C.id, _C.number, _C.channel, _C.shielded).where(store.among(_C.id, ids))
    rows = {row.id: row for row in conn.execute(query)}
    for case_id in ids:
        if case_id not in done or done[case_id][-1].stage_to == "DRAFT":
            continue  # registered later
        terms = tuple(_terms(office, ran[case_id], until))
        standing = _standing(office, rows[case_id], told[case_id], done[case_id], said[case_id], terms)
        lately = standing.told >= period.start or standing.done[-1].at >= period.start
        if lately or standing.open or any(term.ends is None for term in standing.terms):
            yield standing


def _by_case(rows: Iterable[Any]) -> defaultdict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.case_id].append(row)
    return found


def _standing(
    office: Office,
    row: Any,
    told: datetime,
    done: Sequence[Any],
    said: Sequence[Any],
    terms: tuple[Term, ...],
) -> Standing:
    became: dict[str, Any] = {}
    history = []
    for event in done:
        became |= event.data.get("became", {})
        history.append(Happening(event.act, event.at, event.data, became.get("unit_id") or 0))
    codes = {fact.field: fact.code for fact in said if fact.code is not None}
    item = next((fact for fact in reversed(said) if fact.field == "item"), None)
    name = codes.get("item", "")
    if row.shielded:  # the unit complained about reads reports too: no word of the applicant's (AMB-G21)
        name = codes.get("subject", "")
    elif item is not None and item.value_enc is not None:
        name = redact(cases.opened(office.vault, row.id, "item", item.value_enc))
    return Standing(
        id=row.id,
        number=row.number,
        told=told,
        channel=row.channel,
        stage=done[-1].stage_to,
        round=done[-1].round,
        kind=became.get("kind") or "",
        level=became.get("level") or "",
        unit_id=became.get("unit_id") or 0,
        site_id=became.get("site_id") or 0,
        shielded=row.shielded,
        codes=codes,
        item="".join(name.split())[:80],
        done=tuple(history),
        terms=terms,
    )


def _terms(office: Office, rows: Sequence[Any], until: datetime) -> Iterator[Term]:
    """The duties of a case as they stood. One that a new date replaced ran until then, however early the new row says
    it opened."""
    ends = {(r.round, r.key, r.part, r.generation): r.met_at for r in rows}
    begins = {}
    for r in rows:
        before = ends.get((r.round, r.key, r.part, r.generation - 1))
        begins[r.id] = max(r.opened_at, before) if before else r.opened_at
    known = {(r.round, r.key, r.part, r.generation): begins[r.id] for r in rows if begins[r.id] <= until}
    waits = [(r.round, r.opened_at, r.met_at) for r in rows if r.key == "answer" and r.state == "met"]
    for r in rows:
        if begins[r.id] > until:
            continue
        ended = r.met_at if r.met_at is not None and r.met_at <= until else None
        waited = sum(
            office.calendar.working_days_between(local_day(start), local_day(end))
            for number, start, end in waits
            if number == r.round and end <= (ended or until)
        )
        due = r.due_at
        if due is not None and waited:
            due = office.calendar.due(due, waited, office.hours).moment
        yield Term(
            key=r.key,
            round=r.round,
            part=r.part,
            begins=begins[r.id],
            ends=ended,
            met=ended is not None and r.state == "met",
            due=r.due_at,
            late_at=due if due is not None and (ended or until) > due else None,
            replaced=ended is not None
            and r.state == "void"
            and (r.round, r.key, r.part, r.generation + 1) in known,
        )


# --- figures of a unit ------------------------------------------------------------------------------------


class Column(NamedTuple):
    """A figure of a unit: for which unit a case counts, once each time. What happened counts for the unit that had the
    case then (0: none), how things stand for the one that has it."""

    label: str
    counts: Callable[[Book, Standing], Iterable[int]]


def _now(holds: Callable[[Book, Standing], bool]) -> Callable[[Book, Standing], Iterable[int]]:
    return lambda of, s: (s.unit_id,) if holds(of, s) else ()


def _done(*acts: str) -> Callable[[Book, Standing], Iterable[int]]:
    return lambda of, s: (h.unit_id for h in of.happened(s, *acts))


def _last(s: Standing, instants: Sequence[datetime]) -> Iterable[int]:
    """A case once, however often it was so."""
    return (s.unit_at(at) for at in instants[-1:])


def _closed(holds: Callable[[Standing], bool]) -> Callable[[Book, Standing], Iterable[int]]:
    """Closed in the period, a case once, however often it was."""
    return lambda of, s: (h.unit_id for h in of.happened(s, "delivered_all")[-1:] if holds(s))


def _rated(holds: Callable[[Book, int], bool]) -> Callable[[Book, Standing], Iterable[int]]:
    """Rated in the period; the last rating counts."""

    def counts(of: Book, s: Standing) -> Iterable[int]:
        score = of.rated(s)
        given = of.happened(s, *RATED)[-1:]
        return (h.unit_id for h in given) if score is not None and holds(of, score) else ()

    return counts


def _solved(s: Standing) -> bool:
    return s.codes.get("solved") == "yes" or s.codes.get("outcome") == "done"


def _open_late(of: Book, s: Standing) -> bool:
    return s.open and any(t.key in of.closing and t.ends is None and t.late_at for t in s.terms)


def _strictly(of: Book, score: int) -> bool:
    """Satisfied, 基本满意 left out: above the middle of the scale (AMB-G9)."""
    scores = sorted(level.score for level in of.rules.rating.levels)
    return score > scores[len(scores) // 2]


def _bad(of: Book, score: int) -> bool:
    return score in {level.score for level in of.rules.rating.levels if level.bad}


COLUMNS: Final[Mapping[str, Column]] = {
    "received": Column("收到", _now(lambda of, s: of.period.has(s.told))),
    "sheets": Column("派单", _done("dispatch")),
    "closed": Column("办结", _closed(lambda _: True)),
    "on_time": Column("按期答复", lambda of, s: () if of.late(s) else _last(s, of.answered(s))),
    "late": Column("超期", lambda of, s: _last(s, of.late(s))),
    "open": Column("在办", _now(lambda _, s: s.open)),
    "open_late": Column("在办已超期", _now(_open_late)),
    "redo": Column("重办", _done(*REDONE)),
    "supervised": Column("督办", _done("supervise")),
    "still_undone": Column("督办后仍未办", lambda of, s: _last(s, of.late(s, ("supervision",)))),
    "joint": Column("会办", _done("convene", "convene_above")),
    "shelved": Column("留档暂存", _done("shelve")),
    "restarted": Column("重启", _done("restart")),
    "cannot": Column("确属不能办", _closed(lambda s: s.codes.get("outcome") == "cannot_do")),
    "solved": Column("办成", _closed(_solved)),
    "rated": Column("评价", _rated(lambda _, score: True)),
    "unrated": Column("未评价", _closed(lambda s: s.rating is None)),
    "satisfied": Column("满意", _rated(lambda of, score: score >= of.rules.rating.satisfied_from)),
    "strictly": Column("满意（不含基本满意）", _rated(_strictly)),
    "bad": Column("差评", _rated(_bad)),
}
# Shares: of which column, in how many of another.
RATES: Final[Mapping[str, tuple[str, str, str]]] = {
    "resolution_rate": ("解决率", "solved", "closed"),
    "satisfaction": ("满意率", "satisfied", "rated"),
    "satisfaction_strict": ("满意率（不含基本满意）", "strictly", "rated"),
}


def count(of: Book, column: str, unit: int | None = None) -> Cell:
    """How often it happened what a column counts; `unit`: in the matters that this one (0: none) had at that time."""
    found = of.counted(column) if unit is None else of.by_unit(column).get(unit, Counter())
    return Cell(sum(found.values()), tuple(found))


def share(part: int, whole: int) -> str:
    """A share in per cent with one decimal, halves up; nothing is no share of nothing."""
    if whole == 0:
        return "—"
    tenths = (part * 2000 + whole) // (whole * 2)
    return f"{tenths // 10}.{tenths % 10}%"


def figure(of: Book, column: str, unit: int | None = None) -> Cell:
    """What `count` says, or the share that a column is."""
    if column not in RATES:
        return count(of, column, unit)
    _, part, whole = RATES[column]
    wholes = count(of, whole, unit)
    return Cell(share(int(count(of, part, unit).value), int(wholes.value)), wholes.cases)


def head(column: str) -> str:
    """What a column is called."""
    if column in RATES:
        return RATES[column][0]
    return COLUMNS[column].label if column in COLUMNS else column


# --- sections ---------------------------------------------------------------------------------------------


def units(of: Book) -> Table:
    """The report's columns for each unit and for all (XJ-3.3b, PT-6.6c). A unit that had nothing stands there too."""
    columns = of.report.columns
    had = {unit_id for c in columns for name in _parts_of(c) for unit_id in of.by_unit(name)}
    known = [*_listed(of), *sorted(had - {0, *_listed(of)}), *({0} & had)]
    rows = [(Cell(of.name(unit_id)), *(figure(of, c, unit_id) for c in columns)) for unit_id in known]
    whole = (Cell("合计"), *(figure(of, c) for c in columns))
    said = {head(c): whole[number].value for number, c in enumerate(columns, start=1)}
    return Table(("单位", *map(head, columns)), (*rows, whole), said)


def _parts_of(column: str) -> tuple[str, ...]:
    return RATES[column][1:] if column in RATES else (column,)


def _listed(of: Book) -> list[int]:
    kinds = of.report.unit_kinds
    return [u.id for u in sorted(of.units.values(), key=lambda u: u.id) if u.kind in kinds] if kinds else []


def received(of: Book) -> Table:
    """What came in, counted by channel, sort, kind, level and where it stood; each count adds up to the ledger."""
    rows: list[tuple[Cell, ...]] = []
    for title, name in _kinds_of_counts(of):
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for s in of.received:
            groups[name(s)].append(s.id)
        rows += [
            (Cell(title), Cell(label), Cell(len(ids), tuple(ids)))
            for label, ids in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))
        ]
    everything = Cell(len(of.received), tuple(s.id for s in of.received))
    said = {name: count(of, name).value for name in ("closed", "on_time", "late", "open", "redo")}
    said |= {"received": everything.value, "ended": sum(not s.open for s in of.received)}
    return Table(("按", "类别", "件数"), (*rows, (Cell("合计"), Cell(""), everything)), said)


def _kinds_of_counts(of: Book) -> Iterator[tuple[str, Callable[[Standing], str]]]:
    yield "渠道", lambda s: CHANNELS.get(s.channel) or of.rules.label("intake_channel", s.channel)
    sort = "category" if any(s.codes.get("category") for s in of.received) else "scope_code"
    if any(s.codes.get(sort) for s in of.received):
        yield "类别", lambda s: of.label(sort, s.codes.get(sort, ""))
    if any(s.codes.get("sub_kind") for s in of.received):
        yield "小类", lambda s: _sub_kind(of, s)
    if any(s.codes.get("class") for s in of.received):
        yield "问题类别", lambda s: of.label("class", s.codes.get("class", ""))
    kinds = {c.code: c.label for c in of.rules.kinds}
    yield "办理方式", lambda s: kinds.get(s.kind, "（还没有转办）")
    levels = {x.code: x.label for x in of.rules.levels}
    if any(s.level for s in of.received):
        yield "级别", lambda s: levels.get(s.level, "（没有定级）")
    yield "结果", lambda s: outcome(s)


def _sub_kind(of: Book, s: Standing) -> str:
    """Only some sorts have kinds of their own (XJ-1.2)."""
    code = s.codes.get("sub_kind", "")
    return of.rules.label("sub_kind", code) if code else "（不分小类）"


CHANNELS: Final[Mapping[str, str]] = {
    "wechat": "公众号",
    "hall": "窗口现场",
    "phone": "电话",
    "website": "官网",
    "wecom": "企业微信",
    "hotline": "12345 转来",
}


def outcome(s: Standing) -> str:
    """What has become of a case, in a word."""
    if s.stage in OUTCOMES:
        return OUTCOMES[s.stage]
    if s.open:
        return "正在办"
    if s.codes.get("outcome") == "cannot_do":
        return "确属不能办，已说明"
    return "没有解决，已答复" if s.codes.get("solved") == "no" else "办结"


OUTCOMES: Final[Mapping[str, str]] = {
    "GUIDED": "已指路",
    "NOT_ACCEPTED": "不予受理，已答复",
    "DECLINED": "当场说明不能办",
    "NO_RESPONSE": "联系不上，先结",
    "TRANSFERRED": "已转办",
    "SHELVED": "留档暂存",
    "WITHDRAWN": "申请人撤回",
}


def ratings(of: Book) -> Table:
    """Ratings of the period, with and without 基本满意, and how many have not rated (AMB-G9)."""
    rows = []
    for level in sorted(of.rules.rating.levels, key=lambda level: -level.score):
        ids = tuple(s.id for s in of.standings if of.rated(s) == level.score)
        rows.append((Cell(level.label), Cell(len(ids), ids)))
    said: dict[str, int | str] = {}
    for name in ("rated", "unrated", "satisfaction", "satisfaction_strict", "resolution_rate"):
        cell = figure(of, name)
        said[name] = cell.value
        if name != "rated":
            rows.append((Cell(head(name)), cell))
    said["bad"] = count(of, "bad").value
    return Table(("评价", "数"), tuple(rows), said)


def visits(of: Book) -> Table:
    """Follow-up visits of the period, and those not done yet."""
    told: dict[bool, list[int]] = {True: [], False: []}
    for s in of.standings:
        for h in s.at("follow_up"):
            if of.period.has(h.at):
                told[h.data.get("satisfied") != "dissatisfied"].append(s.id)
    waiting = tuple(s.id for s in of.standings if s.running("visit"))
    rows = (
        (Cell("回访满意"), Cell(len(told[True]), tuple(told[True]))),
        (Cell("回访不满意"), Cell(len(told[False]), tuple(told[False]))),
        (Cell("还没有回访"), Cell(len(waiting), waiting)),
    )
    said = {"satisfied": len(told[True]), "dissatisfied": len(told[False]), "waiting": len(waiting)}
    return Table(("回访", "件数"), rows, said)


def visit_batch(of: Book) -> Table:
    """The matters drawn in the period to be visited by two bodies together, and what came of it (NX-W6)."""
    batch, titles = of.rules.visit_batch, of.rules.titles
    slots = ("visitor", batch.companion) if batch else ()
    bodies = "、".join(titles.get(role, role) for slot in slots for role in of.rules.slots[slot])
    rows, told = [], Counter[str]()
    for s in of.standings:
        drawn = next((h for h in s.at("draw_visit") if of.period.has(h.at)), None)
        if drawn is None:
            continue
        visit = next((h for h in s.at("follow_up") if h.at >= drawn.at), None)
        satisfied = visit is not None and visit.data["satisfied"] == "satisfied"
        told.update(drawn=1, visited=int(visit is not None), satisfied=int(satisfied))
        result = f"{local_day(visit.at)} {'满意' if satisfied else '不满意'}" if visit else "还没有"
        rows.append((Cell(s.number, (s.id,)), Cell(of.name(s.unit_id)), Cell(bodies), Cell(result)))
    said: dict[str, int | str] = {name: told[name] for name in ("drawn", "visited", "satisfied")}
    return Table(("编号", "责任单位", "谁去回访", "回访"), tuple(rows), said | {"bodies": bodies})


def groups(of: Book) -> Table:
    """Problems of one kind told in the period, two or more (LH-14b); a person confirms that they are (AMB-G12)."""
    found: defaultdict[Kind, list[int]] = defaultdict(list)
    for s in of.received:
        if kind := of.kind_of(s):
            found[kind].append(s.id)
    several = sorted(
        ((k, ids) for k, ids in found.items() if len(ids) >= FEWEST), key=lambda g: (-len(g[1]), g[0])
    )
    rows = tuple(
        (
            Cell(of.name(kind.unit_id)),
            Cell(kind.item),
            Cell(of.label("cause_code", kind.cause_code)),
            Cell(len(ids), tuple(ids)),
        )
        for kind, ids in several
    )
    return Table(("单位", "事项", "原因", "件数"), rows, {"groups": len(rows)})


def bad(of: Book) -> Table:
    """Every case rated badly in the period, with item and cause (LH-14c)."""
    wrong = {level.score: level.label for level in of.rules.rating.levels if level.bad}
    rows = tuple(
        (
            Cell(s.number, (s.id,)),
            Cell(of.name(s.unit_id)),
            Cell(s.item or "（没有填）"),
            Cell(of.label("cause_code", s.codes.get("cause_code", ""))),
            Cell(wrong[score]),
        )
        for s in of.standings
        if (score := of.rated(s)) in wrong
    )
    return Table(("编号", "单位", "事项", "原因", "评价"), rows, {"bad": len(rows)})


def problems(of: Book) -> Table:
    """The cases of the period by item and cause; the counts add up to all of them (NX-5.2a)."""
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for s in of.received:
        found[s.item or "（没有填）", of.label("cause_code", s.codes.get("cause_code", ""))].append(s.id)
    rows = [
        (Cell(item), Cell(cause), Cell(len(ids), tuple(ids)))
        for (item, cause), ids in sorted(found.items(), key=lambda g: (-len(g[1]), g[0]))
    ]
    whole = Cell(len(of.received), tuple(s.id for s in of.received))
    said = {"received": len(of.received), "kinds": len(found)}
    if rows:
        said |= {"most": f"{rows[0][0].value}（{rows[0][1].value}）"}  # type: ignore[dict-item]
    return Table(("事项", "原因", "件数"), (*rows, (Cell("合计"), Cell(""), whole)), said)


def indicators(of: Book) -> Table:
    """What can be watched any day: open, late among them, answered in time, satisfaction (NX-5.3c)."""
    names = (
        "open",
        "open_late",
        "closed",
        "on_time",
        "late",
        "rated",
        "unrated",
        "satisfaction",
        "satisfaction_strict",
    )
    rows = tuple((Cell(head(name)), figure(of, name)) for name in names)
    return Table(("指标", "数值"), rows, {n: c.value for n, (_, c) in zip(names, rows, strict=True)})


def supervision(of: Book) -> Table:
    """Open cases, the late ones first: for people to decide whom to supervise. It issues nothing (NX-5.3a)."""
    lines = []
    for s in of.standings:
        if s.open:
            limit = next((t for t in s.terms if t.key in of.closing and t.ends is None), None)
            lines.append((limit is None or limit.late_at is None, limit.due if limit else None, s, limit))
    lines.sort(key=lambda x: (x[0], x[1] or datetime.max.replace(tzinfo=UTC), x[2].number))
    rows = tuple(
        (
            Cell(s.number, (s.id,)),
            Cell(of.name(s.unit_id)),
            Cell(local_day(due).isoformat() if due else "—"),
            Cell("已超期" if limit and limit.late_at else "在办"),
            Cell(sum(1 for _ in s.at("supervise"))),
        )
        for _, due, s, limit in lines
    )
    late = sum(row[3].value == "已超期" for row in rows)
    heads = ("编号", "责任单位", "期限", "状态", "已督办次数")
    return Table(heads, rows, {"open": len(rows), "late": late})


def _not_done(*keys: str) -> Callable[[Book], Table]:
    """The cases in which one of these duties is still open."""

    def section(of: Book) -> Table:
        titles = {duty.key: duty.title for duty in of.rules.duties}
        rows = tuple(
            (
                Cell(s.number, (s.id,)),
                Cell(of.name(s.unit_id)),
                Cell(titles.get(t.key, t.key)),
                Cell(local_day(t.due).isoformat() if t.due else "—"),
            )
            for s in of.standings
            for t in s.terms
            if t.ends is None and t.key.startswith(keys)
        )
        return Table(("编号", "责任单位", "还没有做", "最迟"), rows, {"waiting": len(rows)})

    return section


def causes(of: Book) -> Table:
    """The main causes of what came in (NX-5.4a)."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for s in of.received:
        found[of.label("cause_code", s.codes.get("cause_code", ""))].append(s.id)
    rows = tuple(
        (Cell(cause), Cell(len(ids), tuple(ids)))
        for cause, ids in sorted(found.items(), key=lambda g: (-len(g[1]), g[0]))
    )
    return Table(("原因", "件数"), rows, {"most": rows[0][0].value} if rows else {})


def actions(of: Book) -> Table:
    """What is being improved: actions set until then, and what came of them (XJ-3.3c, NX-5.4a, PT-7.2d)."""
    a, g = store.improvement_action.c, store.issue_group.c
    query = (
        sa.select(a.what, a.due_on, a.ended_at, a.state, g.unit_id, g.item)
        .join(store.issue_group, g.id == a.group_id)
        .where(a.made_at <= of.period.as_of, a.made_at < of.period.end)
        .order_by(a.id)
    )
    rows = []
    for r in of.conn.execute(query):
        ended = r.ended_at is not None and r.ended_at <= of.period.as_of
        if ended and r.ended_at < of.period.start:
            continue
        state = {"done": "改好了", "dropped": "不改了"}.get(r.state, "在改") if ended else "在改"
        rows.append(
            (Cell(of.name(r.unit_id)), Cell(r.item), Cell(r.what), Cell(r.due_on.isoformat()), Cell(state))
        )
    done = sum(row[-1].value == "改好了" for row in rows)
    return Table(
        ("单位", "事项", "改什么", "最迟", "进展"),
        tuple(rows),
        {"actions": len(rows), "done": done},
    )


def outside(of: Book) -> Table:
    """Our own figures beside those of 好差评 and 12345 (PT-7.3b); the last table brought in for a period counts."""
    o = store.outside_figure.c
    rows_of = of.conn.execute(
        sa.select(store.outside_figure)
        .where(o.first >= of.period.first, o.last <= of.period.last, o.brought_at <= of.period.as_of)
        .order_by(o.brought_at, o.id)
    )
    told = {(r.source, r.unit_id, r.first, r.last): (r.total, r.satisfied) for r in rows_of}
    sums: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for (source, unit_id, _, _), (total, satisfied) in told.items():
        sums[source, unit_id].update(total=total, satisfied=satisfied)
    known = sorted({*_listed(of), *(unit_id for _, unit_id in sums), *(of.by_unit("rated").keys() - {0})})
    rows = []
    for unit_id in known:
        own = (count(of, "rated", unit_id), figure(of, "satisfaction", unit_id))
        line = [Cell(of.name(unit_id)), *own]
        for source in SOURCES:
            found = sums[source, unit_id]
            line += [Cell(found["total"]), Cell(share(found["satisfied"], found["total"]))]
        rows.append(tuple(line))
    heads = ("单位", "窗口评价", "窗口满意率", *(f"{s}{x}" for s in SOURCES for x in ("件数", "满意率")))
    return Table(heads, tuple(rows), {"units": len(rows)})


SOURCES: Final = ("好差评", "12345")


def check(of: Book) -> Table:
    """The day's ledger held against the events: what came in and went out, and where the two do not agree
    (XJ-3.1a)."""
    opened = tuple(s.id for s in of.standings if of.happened(s, "submit", "register"))
    ledger = tuple(s.id for s in of.received)
    lines = [
        ("台账登记", ledger),
        ("系统收件", opened),
        ("转办", tuple(s.id for s in of.standings if of.happened(s, "dispatch"))),
        (
            "答复",
            tuple(s.id for s in of.standings if of.answered(s)),
        ),
        ("办结", count(of, "closed").cases),
        ("在办", count(of, "open").cases),
        ("在办已超期", count(of, "open_late").cases),
    ]
    lines += [(f"不符：{title}", ids) for title, ids in _differences(of, set(ledger), set(opened))]
    rows = tuple((Cell(title), Cell(len(ids), tuple(ids))) for title, ids in lines)
    said = {"received": len(ledger), "closed": int(rows[4][1].value), "open": int(rows[5][1].value)}
    said |= {"late": int(rows[6][1].value), "differences": sum(int(row[1].value) for row in rows[7:])}
    return Table(("核对项目", "件数"), rows, said)


def _differences(of: Book, ledger: set[int], opened: set[int]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "登记了，不是这几天收的（补登）", tuple(sorted(opened - ledger))
    yield "该在台账上，没有收件记录", tuple(sorted(ledger - opened))
    mute = tuple(s.id for s in of.standings if s.open and not any(t.ends is None for t in s.terms))
    yield "在办，却没有人该做的事", mute


SECTIONS: Final[Mapping[str, Callable[[Book], Table]]] = {
    "received": received,
    "units": units,
    "ratings": ratings,
    "visits": visits,
    "visit_batch": visit_batch,
    "groups": groups,
    "bad": bad,
    "problems": problems,
    "causes": causes,
    "actions": actions,
    "indicators": indicators,
    "supervision": supervision,
    "unverified": _not_done("verify"),
    "uploads": _not_done("upload_"),
    "outside": outside,
    "check": check,
}
TITLES: Final[Mapping[str, str]] = {
    "received": "收件情况",
    "units": "各单位办理情况",
    "ratings": "评价情况",
    "visits": "回访情况",
    "visit_batch": "会同回访",
    "groups": "同类问题",
    "bad": "差评清单",
    "problems": "问题清单",
    "causes": "主要原因",
    "actions": "改进措施",
    "indicators": "监测指标",
    "supervision": "在办和超期清单",
    "unverified": "还没有核查的反馈",
    "uploads": "还没有上传的事项",
    "outside": "三方数据对照",
    "check": "每日核对",
}
