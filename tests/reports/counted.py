"""The figures of reports counted over again, by SQL written from what each is said to mean.

Nothing here knows how `core.figures` counts: it replays what happened, this looks at how things stand now. So a report
is held against it at its own moment (`as_of` is now), and later against itself.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import store
from core.figures import Period, Table
from core.office import Office
from core.policy.model import Profile, Report
from core.workdays import SHANGHAI

ENDED: Final = (
    "('CLOSED', 'ARCHIVED', 'GUIDED', 'NOT_ACCEPTED', 'DECLINED', 'NO_RESPONSE', 'TRANSFERRED', 'SHELVED',"
    " 'WITHDRAWN')"
)
THEN: Final = "(:first <= {0} and {0} < :after)"
TOLD: Final = "(select t.at from moment t where t.case_id = c.id and t.name = 'submitted_at')"
# The last rating that was given in the period.
# The last rating that was given in the period.
RATED: Final = f"""select f.case_id, f.at, f.code from fact f where f.field = 'score' and f.code is not null
  and {THEN.format("f.at")} and not exists (select 1 from fact g where g.case_id = f.case_id
  and g.field = 'score' and g.code is not null and g.id > f.id and {THEN.format("g.at")})"""
CLOSED: Final = f"""select case_id, max(at) as at from event where act = 'delivered_all' and {THEN.format("at")}
  group by case_id"""
SAID: Final = "select case_id from fact where current and field = '{0}' and code = '{1}'"
OPEN: Final = f"c.number is not null and c.stage not in {ENDED} and {TOLD} < :after"


def _acts(*names: str) -> str:
    named = ", ".join(f"'{name}'" for name in names)
    return f"select case_id, at from event where act in ({named}) and {THEN.format('at')}"


def _visited(how: str) -> str:
    when = THEN.format("at")
    return f"select case_id, at from fact where field = 'visit_satisfied' and code {how} 'dissatisfied' and {when}"


# What a figure counts, a row each time: in which case, and when (null: as things stand).
COUNTED: Final[Mapping[str, str]] = {
    "received": f"select c.id, null from cases c where c.number is not null and {THEN.format(TOLD)}",
    "sheets": _acts("dispatch"),
    "closed": CLOSED,
    "open": f"select c.id, null from cases c where {OPEN}",
    "redo": _acts("redo", "redo_here", "take_up"),
    "supervised": _acts("supervise"),
    "joint": _acts("convene", "convene_above"),
    "shelved": _acts("shelve"),
    "restarted": _acts("restart"),
    "cannot": f"select * from ({CLOSED}) x where case_id in ({SAID.format('outcome', 'cannot_do')})",
    "solved": f"""select * from ({CLOSED}) x where case_id in ({SAID.format("solved", "yes")})
        or case_id in ({SAID.format("outcome", "done")})""",
    "rated": RATED,
    "unrated": f"""select * from ({CLOSED}) x where case_id not in
        (select case_id from event where act in ('rate', 'rate_for'))""",
    "satisfied": f"select * from ({RATED}) x where cast(code as integer) >= :satisfied",
    "strictly": f"select * from ({RATED}) x where cast(code as integer) > :middle",
    "bad": f"select * from ({RATED}) x where cast(code as integer) <= :bad",
    "opened": _acts("submit", "register"),
    "content": _visited("<>"),
    "discontent": _visited("="),
    "to_visit": f"""select d.case_id, null from duty d join cases c on c.id = d.case_id
        where d.key = 'visit' and d.state = 'open' and {TOLD} < :after""",
    "mute": f"""select c.id, null from cases c where {OPEN}
        and not exists (select 1 from duty d where d.case_id = c.id and d.state = 'open')""",
}
SHARES: Final = {
    "解决率": ("solved", "closed"),
    "满意率": ("satisfied", "rated"),
    "满意率（不含基本满意）": ("strictly", "rated"),
}
HEADS: Final = {
    "收到": "received", "派单": "sheets", "办结": "closed", "按期答复": "on_time", "超期": "late",
    "在办": "open", "在办已超期": "open_late", "重办": "redo", "督办": "supervised",
    "督办后仍未办": "still_undone", "会办": "joint", "留档暂存": "shelved", "重启": "restarted",
    "确属不能办": "cannot", "办成": "solved", "评价": "rated", "未评价": "unrated",
}  # fmt: skip
RESULTS: Final = f"""select case
    when c.stage = 'GUIDED' then '已指路' when c.stage = 'NOT_ACCEPTED' then '不予受理，已答复'
    when c.stage = 'DECLINED' then '当场说明不能办' when c.stage = 'NO_RESPONSE' then '联系不上，先结'
    when c.stage = 'TRANSFERRED' then '已转办' when c.stage = 'SHELVED' then '留档暂存'
    when c.stage = 'WITHDRAWN' then '申请人撤回' when c.stage not in {ENDED} then '正在办'
    when c.id in ({SAID.format("outcome", "cannot_do")}) then '确属不能办，已说明'
    when c.id in ({SAID.format("solved", "no")}) then '没有解决，已答复' else '办结' end, c.id from cases c"""
CODE: Final = (
    "select f.code, c.id from cases c left join fact f on f.case_id = c.id and f.current and f.field = '{}'"
)


class Now:
    """How things stand, read once for many counts."""

    def __init__(self, office: Office, conn: Connection, rules: Profile) -> None:
        self.office, self.conn, self.rules = office, conn, rules
        self.cases = {row.id: row for row in conn.execute(sa.text("select * from cases")) if row.number}
        self.names = {row.id: row.name for row in conn.execute(sa.text("select id, name from unit"))}
        # Which unit had a case since when, as its events tell.
        self.had: defaultdict[int, list[tuple[datetime, str | None]]] = defaultdict(list)
        for event in conn.execute(sa.text("select case_id, at, data from event order by case_id, seq")):
            data = json.loads(event.data) if isinstance(event.data, str) else event.data
            if "unit_id" in data.get("became", {}):
                had = self.names.get(data["became"]["unit_id"])
                self.had[event.case_id].append((_instant(event.at), had))
        self._known: dict[tuple[str, Period], list[Any]] = {}

    def rows(self, sql: str, period: Period) -> list[Any]:
        """Rows of a statement that may ask for the period."""
        if (sql, period) not in self._known:
            levels = self.rules.rating.levels
            values = {
                "first": period.start,
                "after": period.end,
                "satisfied": self.rules.rating.satisfied_from,
                "middle": sorted(level.score for level in levels)[len(levels) // 2],
                "bad": max(level.score for level in levels if level.bad),
            }
            asked = [
                sa.bindparam(name, value, store.Instant() if isinstance(value, datetime) else sa.Integer())
                for name, value in values.items()
                if f":{name}" in sql
            ]
            self._known[sql, period] = list(self.conn.execute(sa.text(sql).bindparams(*asked)).all())
        return self._known[sql, period]


class Count:
    """Counts for one report; `part`: of one unit or site."""

    def __init__(self, now: Now, report: Report, period: Period, part: int = 0) -> None:
        self.now, self.report, self.period = now, report, period
        self.office, self.conn, self.rules = now.office, now.conn, now.rules
        place = "site_id" if report.each == "site" else "unit_id"
        self.cases = {k: row for k, row in now.cases.items() if not part or getattr(row, place) == part}
        self.found: dict[str, list[tuple[int, str | None]]] = {}

    def rows(self, sql: str) -> list[Any]:
        return self.now.rows(sql, self.period)

    def of(self, figure: str) -> list[tuple[int, str | None]]:
        """Each time a figure counts: the case, and the unit that had it then."""
        if figure not in self.found:
            made = {"late": self._late, "open_late": self._open_late, "still_undone": self._undone}
            made |= {"on_time": self._on_time, "answered": self._answered}
            rows = made[figure]() if figure in made else [row[:2] for row in self.rows(COUNTED[figure])]
            self.found[figure] = [(k, self._unit(k, _instant(at))) for k, at in rows if k in self.cases]
        return self.found[figure]

    def _unit(self, case_id: int, at: datetime | None) -> str | None:
        """Who had it at an instant, or has it."""
        if at is None:
            return self.now.names.get(self.cases[case_id].unit_id)
        return next((unit for since, unit in reversed(self.now.had[case_id]) if since <= at), None)

    def ids(self, figure: str) -> set[int]:
        return {case_id for case_id, _ in self.of(figure)}

    def unit(self, case_id: int) -> str | None:
        return self._unit(case_id, None)

    def total(self, figure: str, unit: str | None = "") -> int:
        """The figure of a unit by its name (None: of none), or of all."""
        return sum(unit in ("", its) for _, its in self.of(figure))

    def share(self, figure: str, among: str, unit: str | None = "") -> str:
        part, whole = self.total(figure, unit), self.total(among, unit)
        if not whole:
            return "—"
        percent = Decimal(100 * part) / Decimal(whole)
        return f"{percent.quantize(Decimal('0.1'), ROUND_HALF_UP)}%"

    def cell(self, head: str, unit: str | None = "") -> int | str:
        return self.share(*SHARES[head], unit) if head in SHARES else self.total(HEADS[head], unit)

    # --- limits: what a day waited for the applicant moves is said by the calendar, not by SQL

    def _runs(self, *keys: str) -> Iterator[tuple[Any, datetime | None]]:
        """The duties of these kinds that count, with when they became late, if they did."""
        wanted = ", ".join(f"'{key}'" for key in keys or [d.key for d in self.rules.duties if d.closing])
        answered: defaultdict[tuple[int, int], list[Any]] = defaultdict(list)
        for row in self.rows("select * from duty where key = 'answer' and state = 'met'"):
            answered[row.case_id, row.round].append(row)
        for duty in self.rows(
            f"""select * from duty d where key in ({wanted}) and not (state = 'void' and exists
            (select 1 from duty e where e.case_id = d.case_id and e.round = d.round and e.key = d.key
             and e.part = d.part and e.generation > d.generation))"""
        ):
            until = _instant(duty.met_at) or self.period.as_of
            waited = sum(
                self.office.calendar.working_days_between(_day(a.opened_at), _day(a.met_at))
                for a in answered[duty.case_id, duty.round]
                if _instant(a.met_at) <= until
            )
            due = _instant(duty.due_at)
            if due and waited:
                due = self.office.calendar.due(due, waited, self.office.hours).moment
            yield duty, due if due and due < until else None

    def _late(self, *keys: str) -> list[tuple[int, Any]]:
        """A case once, when it became late last."""
        late = sorted((at, duty.case_id) for duty, at in self._runs(*keys) if self.period.has(at))
        return [*{case_id: (case_id, at) for at, case_id in late if at}.values()]

    def _undone(self) -> list[tuple[int, Any]]:
        return self._late("supervision")

    def _open_late(self) -> list[tuple[int, Any]]:
        late = {duty.case_id for duty, at in self._runs() if at and duty.state == "open"}
        return [(case_id, None) for case_id in late & self.ids("open")]

    def _answered(self) -> list[tuple[int, Any]]:
        met = sorted((_instant(d.met_at), d.case_id) for d, _ in self._runs() if d.state == "met")
        return [*{case_id: (case_id, at) for at, case_id in met if self.period.has(at)}.values()]

    def _on_time(self) -> list[tuple[int, Any]]:
        late = self.ids("late")
        return [(case_id, at) for case_id, at in self._answered() if case_id not in late]


def _instant(value: Any) -> Any:
    """An instant, as either database gives it."""
    return store.Instant().process_result_value(
        datetime.fromisoformat(value) if isinstance(value, str) else value, sa.engine.default.DefaultDialect()
    )


def _day(value: Any) -> Any:
    return _instant(value).astimezone(SHANGHAI).date()


# --- section by section: (what, as the report says it, as it is counted here) ---------------------------------

Said = Iterator[tuple[str, object, object]]


def _units(count: Count, table: Table) -> Said:
    names = {str(row[0].value) for row in table.rows}
    for row in table.rows:
        name = str(row[0].value)
        unit = {"合计": "", "（还没有责任单位）": None}.get(name, name)
        for head, cell in zip(table.heads[1:], row[1:], strict=True):
            yield f"{name} {head}", cell.value, count.cell(head, unit)
    kinds = ", ".join(f"'{kind}'" for kind in count.report.unit_kinds)
    for unit in count.rows(f"select name from unit where kind in ({kinds})") if kinds else ():
        yield f"a row for {unit.name}", unit.name in names, True


def _received(count: Count, table: Table) -> Said:
    told: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for sort, label, cell in table.rows:
        told[str(sort.value)][str(label.value)] = int(cell.value)
    mine, rules = count.ids("received"), count.rules
    yield "合计", told.pop("合计")[""], len(mine)
    for title, labels in told.items():
        yield f"{title} adds up", sum(labels.values()), len(mine)
    yield "结果", told["结果"], dict(Counter(r[0] for r in count.rows(RESULTS) if r[1] in mine))
    kinds = {kind.code: kind.label for kind in rules.kinds}
    levels = {level.code: level.label for level in rules.levels}
    named = Counter(kinds.get(count.cases[k].kind, "（还没有转办）") for k in mine)
    yield "办理方式", told["办理方式"], dict(named)
    if "级别" in told:
        yield (
            "级别",
            told["级别"],
            dict(Counter(levels.get(count.cases[k].level, "（没有定级）") for k in mine)),
        )
    yield (
        "渠道",
        sorted(told["渠道"].values()),
        sorted(Counter(count.cases[k].channel for k in mine).values()),
    )
    for title, field in (("问题类别", "class"), ("小类", "sub_kind")):
        if title in told:
            yield title, sorted(told[title].values()), sorted(_codes(count, field).values())
    if "类别" in told:
        sorts = _codes(count, "category")
        sorts = sorts if set(sorts) - {None} else _codes(count, "scope_code")
        yield "类别", sorted(told["类别"].values()), sorted(sorts.values())
    for name in ("closed", "on_time", "late", "open", "redo"):
        yield f"said {name}", table.said[name], count.total(name)


def _codes(count: Count, field: str) -> Counter[str | None]:
    return Counter(row[0] for row in count.rows(CODE.format(field)) if row[1] in count.ids("received"))


def _ratings(count: Count, table: Table) -> Said:
    scores = Counter(int(row.code) for row in count.rows(RATED) if row.case_id in count.cases)
    labels = {level.label: level.score for level in count.rules.rating.levels}
    for label, cell in table.rows:
        name = str(label.value)
        yield name, cell.value, scores[labels[name]] if name in labels else count.cell(name)
    yield "said bad", table.said["bad"], count.total("bad")


def _visits(count: Count, table: Table) -> Said:
    named = {"回访满意": "content", "回访不满意": "discontent", "还没有回访": "to_visit"}
    for label, cell in table.rows:
        yield str(label.value), cell.value, count.total(named[str(label.value)])


def _of_kind(count: Count) -> dict[int, tuple[str | None, str, str]]:
    """Unit, item and cause of what was received: items are sealed, so they are opened one by one."""
    causes = {row[1]: row[0] or "" for row in count.rows(CODE.format("cause_code"))}
    codes = {row[1]: row[0] or "" for row in count.rows(CODE.format("item"))}
    found = {}
    for k in count.ids("received") | count.ids("rated"):
        case = cases.load(count.conn, k)
        item = cases.word(count.office.vault, case, "item") or codes[k]
        item = case.subject if case.shielded else item
        found[k] = (count.unit(k), item, causes[k])
    return found


def _named(count: Count, item: str, cause: str) -> tuple[str, str]:
    label = count.rules.label("cause_code", cause) if cause else "（没有填）"
    return item or "（没有填）", label


def _groups(count: Count, table: Table) -> Said:
    kinds = Counter(kind for k, kind in _of_kind(count).items() if k in count.ids("received") and all(kind))
    mine = {(u, *_named(count, i, c)): n for (u, i, c), n in kinds.items() if n > 1}
    yield "groups", {(r[0].value, r[1].value, r[2].value): r[3].value for r in table.rows}, mine


def _bad(count: Count, table: Table) -> Said:
    kinds = _of_kind(count)
    mine = {count.cases[k].number: _named(count, *kinds[k][1:]) for k in count.ids("bad")}
    yield "bad", {r[0].value: (r[2].value, r[3].value) for r in table.rows}, mine


def _problems(count: Count, table: Table) -> Said:
    kinds = _of_kind(count)
    mine = Counter(_named(count, *kinds[k][1:]) for k in count.ids("received"))
    *rows, whole = table.rows
    yield "problems", {(r[0].value, r[1].value): r[2].value for r in rows}, dict(mine)
    yield "合计", whole[2].value, count.total("received")


def _causes(count: Count, table: Table) -> Said:
    mine = Counter(_named(count, "", code or "")[1] for code in _codes(count, "cause_code").elements())
    yield "causes", {r[0].value: r[1].value for r in table.rows}, dict(mine)


def _indicators(count: Count, table: Table) -> Said:
    for label, cell in table.rows:
        yield str(label.value), cell.value, count.cell(str(label.value))


def _supervision(count: Count, table: Table) -> Said:
    mine = {
        count.cases[k].number: "已超期" if k in count.ids("open_late") else "在办" for k in count.ids("open")
    }
    yield "open cases", {r[0].value: r[3].value for r in table.rows}, mine
    issued = Counter(row[0] for row in count.rows("select case_id from event where act = 'supervise'"))
    for row in table.rows:
        yield f"督办 {row[0].value}", row[4].value, issued[row[0].cases[0]]


def _waiting(like: str) -> Callable[[Count, Table], Said]:
    def section(count: Count, table: Table) -> Said:
        rows = count.rows(
            f"""select d.case_id from duty d join cases c on c.id = d.case_id
            where d.state = 'open' and d.key like '{like}' and {TOLD} < :after"""
        )
        mine = sorted(count.cases[r.case_id].number for r in rows if r.case_id in count.cases)
        yield like, sorted(str(r[0].value) for r in table.rows), mine

    return section


def _outside(count: Count, table: Table) -> Said:
    for row in table.rows:
        unit = str(row[0].value)
        yield f"{unit} 评价", row[1].value, count.total("rated", unit)
        yield f"{unit} 满意率", row[2].value, count.cell("满意率", unit)


def _check(count: Count, table: Table) -> Said:
    ledger, opened = count.ids("received"), count.ids("opened")
    mine = {
        "台账登记": len(ledger),
        "系统收件": len(opened),
        "转办": len(count.ids("sheets")),
        "答复": len(count.ids("answered")),
        "办结": count.total("closed"),
        "在办": count.total("open"),
        "在办已超期": count.total("open_late"),
        "不符：登记了，不是这几天收的（补登）": len(opened - ledger),
        "不符：该在台账上，没有收件记录": len(ledger - opened),
        "不符：在办，却没有人该做的事": count.total("mute"),
    }
    yield "check", {str(r[0].value): r[1].value for r in table.rows}, mine


def _visit_batch(count: Count, table: Table) -> Said:
    rows = count.rows(
        f"""select c.number from event e join cases c on c.id = e.case_id
        where e.act = 'draw_visit' and {THEN.format("e.at")} order by c.number"""
    )
    yield "visit_batch", [r[0].value for r in table.rows], [row.number for row in rows]


def _actions(_count: Count, table: Table) -> Said:
    yield "actions", len(table.rows), 0  # nobody sets one in a made-up year


SECTIONS: Final[Mapping[str, Callable[[Count, Table], Said]]] = {
    "units": _units, "received": _received, "ratings": _ratings, "visits": _visits, "groups": _groups,
    "visit_batch": _visit_batch,
    "bad": _bad, "problems": _problems, "causes": _causes, "indicators": _indicators,
    "supervision": _supervision, "unverified": _waiting("verify"), "uploads": _waiting("upload_%"),
    "outside": _outside, "check": _check, "actions": _actions,
}  # fmt: skip


def differences(count: Count, tables: tuple[Table, ...]) -> list[str]:
    """Where a report and the counts do not agree."""
    return [
        f"{count.report.key}.{table.key} {count.period.first}: {what}: report {says!r}, counted {counted!r}"
        for table in tables
        for what, says, counted in SECTIONS[table.key](count, table)
        if says != counted
    ]
