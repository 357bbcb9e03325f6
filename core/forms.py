"""The official papers of a profile, and one of them filled in. Drawing what is filled is for bot.papers."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from string import Formatter
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass as checked

from core.workdays import local_day

SHIELD_LINE = "申请人信息由窗口保管"
"""What a unit complained about reads in every applicant field (AMB-G21), whatever the profile."""

APPLICANT = frozenset(
    {
        "applicant_name",
        "applicant_unit",
        "applicant_phone",
        "applicant_email",
        "applicant_signature",
        "contact_name",
        "relation",
    }
)
FREE_TEXT = frozenset({"content"})

ROW_NO = "row_no"  # counts the rows of a list

BLANK = "__________"
BLANK_DATE = "______年____月____日"

Place = Literal["beside", "above", "before"]

_NEW_LINE = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# No XML holds the first kind; the second turns the order of what follows, so that a form reads otherwise.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|[\u202a-\u202e\u2066-\u2069]"
)


# ---- what a profile says: values of its tables [forms.*] and [ledger]

_TABLE = ConfigDict(extra="forbid")


@checked(frozen=True, kw_only=True, config=_TABLE)
class Entry:
    """One labelled field of a grid; without a label it is room that belongs to the entry above it.

    `span` counts grid columns, the label's own included; the last entry of a row takes what is left.
    `height` is the least height in mm. `choices` maps codes to words with a box each. `sign` is a line
    with slots at the foot of the entry, for a signature.
    """

    label: str
    field: str = Field(min_length=1)
    place: Place = "beside"
    span: int = Field(2, ge=1)
    height: int = Field(11, ge=5, le=220)
    choices: Mapping[str, str] = Field(default_factory=dict)
    sign: str = ""


@checked(frozen=True, kw_only=True, config=_TABLE)
class FootLine:
    """A line below the grid: a sentence, or a line to sign with `room` mm above it (for the hand, a seal)."""

    text: str = Field(min_length=1)
    signature: bool = False
    room: int = Field(3, ge=0, le=60)


@checked(frozen=True, kw_only=True, config=_TABLE)
class Form:
    """The definition of a form; core/policies/xiangjiang.toml explains the keys to whoever writes one.

    `signature_mode`: a confirmation in the system signs the form, or only a signed scan does (AMB-G11); then
    what stands on a line to sign is left to the pen. A form that says `act` exists once one of these acts was
    done; if it has no grid, it is drawn from what was filled in when they were. `of`: what it is a paper of.
    """

    id: str
    clause: str
    title: str
    titles: Mapping[str, str] = Field(default_factory=dict)
    signature_mode: Literal["confirmation", "scan"] = "confirmation"
    inferred: bool = False
    act: tuple[str, ...] = ()
    of: Literal["case", "unit"] = "case"
    head: tuple[str, ...] = ()
    columns: tuple[Annotated[int, Field(ge=1)], ...] = ()
    grid: tuple[tuple[Entry, ...], ...] = ()
    foot: tuple[FootLine, ...] = ()
    dates: tuple[str, ...] = ()
    shield: tuple[str, ...] = ()
    redact: Mapping[str, str] = Field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that the form prints, from head to foot."""
        entries = [entry for row in self.grid for entry in row]
        below = [entry.sign for entry in entries] + [line.text for line in self.foot]
        return (
            *(field for line in self.head for field in _slots_of(line)),
            *(entry.field for entry in entries),
            *(field for line in below for field in _slots_of(line)),
        )

    @property
    def coded(self) -> frozenset[str]:
        """The fields of which it prints boxes: it needs their code, not its word."""
        return frozenset(entry.field for row in self.grid for entry in row if entry.choices)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        _check_names(self)
        if "" in self.fields:
            raise ValueError("head、foot、sign 里的 {} 是空的：请写栏目名，如 {case_no}")
        if not self.grid and not self.act:
            raise ValueError("grid 还没有写：请写表格，或用 act 写明是哪些动作的记录")
        if unnamed := [e.field for row in self.grid for e in row if not e.label and e.place != "above"]:
            raise ValueError(f"“{unnamed[0]}”没有 label：不写 label 的一栏，place 要写 above")
        for number, row in enumerate(self.grid, start=1):
            taken = sum(entry.span for entry in row[:-1])
            least = [2 if entry.place == "beside" else 1 for entry in row]
            squeezed = any(entry.span < need for entry, need in zip(row[:-1], least, strict=False))
            if not row or squeezed or taken + least[-1] > len(self.columns):
                raise ValueError(f"grid 第 {number} 行放不进 {len(self.columns)} 列：请改 columns 或 span")
        return self


@checked(frozen=True, kw_only=True, config=_TABLE)
class Column:
    """A column of a list. `width` is its share of the line; `choices` maps codes to the words printed."""

    field: str = Field(min_length=1)
    label: str = Field(min_length=1)
    width: int = Field(ge=1)
    choices: Mapping[str, str] = Field(default_factory=dict)


@checked(frozen=True, kw_only=True, config=_TABLE)
class Ledger:
    """The definition of a list of cases: a ledger (XJ-2.1d: also on paper, so a day of it can be signed), a summary
    with who reports in the head and who signs in the foot."""

    id: str
    clause: str
    title: str
    inferred: bool = False
    head: tuple[str, ...] = ()
    columns: tuple[Column, ...] = Field(min_length=1)
    foot: tuple[FootLine, ...] = ()
    dates: tuple[str, ...] = ()
    shield: tuple[str, ...] = ()
    redact: Mapping[str, str] = Field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that it prints, from head to foot."""
        around = (*self.head, *(line.text for line in self.foot))
        slots = (field for line in around for field in _slots_of(line))
        return (*(column.field for column in self.columns), *slots)

    @property
    def coded(self) -> frozenset[str]:
        """The fields whose codes it puts into words of its own."""
        return frozenset(column.field for column in self.columns if column.choices)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        _check_names(self)
        return self


@checked(frozen=True, kw_only=True, config=_TABLE)
class Papers:
    """All papers of a profile; the forms by what they are for (registration, dispatch, result …), the lists beside
    the ledger by their name."""

    forms: Mapping[str, Form]
    lists: Mapping[str, Ledger] = Field(default_factory=dict)
    ledger: Ledger


def read_papers(table: Mapping[str, object]) -> Papers:
    """The papers of a parsed profile. Of its `forms`, those whose columns are tables are lists.

    Raises pydantic.ValidationError, which names each wrong key by its path (`forms.result.grid.0.0.label`).
    """
    told = table["forms"]
    forms: Mapping[str, object] = told if isinstance(told, Mapping) else {}
    lists = {key: form for key, form in forms.items() if _is_list(form)}
    rest = {key: form for key, form in forms.items() if key not in lists}
    return _PAPERS.validate_python({**table, "forms": rest, "lists": lists})


_PAPERS = TypeAdapter(Papers)


def _is_list(form: object) -> bool:
    columns = form.get("columns") if isinstance(form, Mapping) else None
    return bool(columns) and isinstance(columns, list) and all(isinstance(c, Mapping) for c in columns)


def _check_names(paper: Form | Ledger) -> None:
    """A slip of the pen in `shield` or `redact` would print the applicant, so neither may miss a field."""
    for key, named in (("dates", paper.dates), ("shield", paper.shield), ("redact", paper.redact)):
        for field in named:
            if field not in paper.fields:
                raise ValueError(f"{key} 写了“{field}”，{paper.id} 里没有这一栏：请写表内的栏目名")
    for key, named, needed in (("shield", paper.shield, APPLICANT), ("redact", paper.redact, FREE_TEXT)):
        for field in paper.fields:
            if field in needed and field not in named:
                raise ValueError(f"{key} 漏了“{field}”：给被反映单位看的一份不能印出来，请补上")


def _slots_of(line: str) -> tuple[str, ...]:
    return tuple(field for _, field, _, _ in Formatter().parse(line) if field is not None)


# ---- one filled in


@dataclass(frozen=True)
class Ink:
    """A piece of a line. `written` marks a value put on the line, as opposed to the words of the form."""

    words: str
    written: bool = False


Line = tuple[Ink, ...]


@dataclass(frozen=True)
class Cell:
    """A label and the paragraphs that answer it, over `span` grid columns (the label's own included)."""

    label: str
    paragraphs: tuple[str, ...]
    place: Place
    span: int
    sign: Line


@dataclass(frozen=True)
class Row:
    """Cells side by side, at least `height` mm high."""

    height: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Foot:
    line: Line
    signature: bool
    room: int


@dataclass(frozen=True)
class Sheet:
    """A form filled in: all a renderer draws, and nothing the reader of this copy may not see. `window`: the name under
    which the window prints it (PT-5.1)."""

    title: str
    head: tuple[Line, ...]
    columns: tuple[int, ...]
    rows: tuple[Row, ...]
    foot: tuple[Foot, ...]
    window: str = ""


Value = str | int | date


@dataclass(frozen=True)
class LedgerSheet:
    """Some days of a ledger, in the order of its columns: `heads` are (label, share of the line). The rows of a long
    one come as they are read, and once (`kept` holds them all); empty cells are empty texts. `window` as in `Sheet`;
    `nil` stands where there are no rows."""

    title: str
    period: str
    head: tuple[Line, ...]
    heads: tuple[tuple[str, int], ...]
    rows: Iterable[tuple[Value, ...]]
    foot: tuple[Foot, ...]
    window: str = ""
    nil: str = "没有"

    def kept(self) -> "LedgerSheet":
        """The same with all its rows, to be gone through as often as wanted."""
        return replace(self, rows=tuple(self.rows))


def printed(value: Value) -> str:
    """A value of a list as it stands on paper."""
    return written_day(value) if isinstance(value, date) else str(value)


def digest_of(sheet: LedgerSheet, rows: Iterable[tuple[Value, ...]]) -> str:
    """What tells one printed page from another that says something else: twelve digits over its title, its days and
    these rows. Whoever doubts a signed page prints it again and compares."""
    told = hashlib.sha256()
    for line in ((sheet.title, sheet.period), *rows):
        told.update(("\x1f".join(printed(value) for value in line) + "\x1e").encode())
    number = f"{int.from_bytes(told.digest()[:8]) % 10**12:012d}"
    return f"{number[:4]} {number[4:8]} {number[8:]}"


def fill(form: Form, values: Mapping[str, str], *, shielded: bool, variant: str = "") -> Sheet:
    """The form with the values written in; what is missing stays blank for the pen.

    Dates are ISO days, or ISO instants with their offset, printed as the day in Shanghai. A `shielded`
    copy is one for a unit complained about: the shield line in place of the applicant, the redacted text
    in place of the free one (AMB-G21). `variant` picks one of the form's titles.
    Raises ValueError, without the value in it, where a date or a choice cannot be read, KeyError for an
    unknown variant.
    """
    shown = _shown(form, values, shielded)
    return Sheet(
        title=form.titles[variant] if variant else form.title,
        head=tuple(_line(text, form, shown) for text in form.head),
        columns=form.columns,
        rows=tuple(_row(row, form, shown) for row in form.grid),
        foot=tuple(
            Foot(_line(line.text, form, shown, sign=line.signature), line.signature, line.room)
            for line in form.foot
        ),
    )


def record_sheet(
    form: Form, values: Mapping[str, str], lines: Iterable[tuple[str, str]], *, shielded: bool
) -> Sheet:
    """A form without a grid, drawn from (label, text) lines: what was said in the acts it is the record of, under
    the head and over the foot that the form gives it."""
    shown = _shown(form, values, shielded)
    rows = tuple(
        Row(11, (Cell(label, tuple(_clean(text).split("\n")), "beside", 2, ()),)) for label, text in lines
    )
    return Sheet(
        title=form.title,
        head=tuple(_line(text, form, shown) for text in form.head),
        columns=(38, 122),
        rows=rows,
        foot=tuple(
            Foot(_line(line.text, form, shown, sign=line.signature), line.signature, line.room)
            for line in form.foot
        ),
    )


def fill_ledger(
    ledger: Ledger,
    entries: Iterable[tuple[Mapping[str, str], bool]],
    *,
    first: date,
    last: date,
    around: Mapping[str, str] | None = None,
) -> LedgerSheet:
    """The ledger of some days, one row an entry, numbered from 1, as the entries come.

    Each entry says whether its applicant is shielded from the reader (AMB-G21). `around` fills head and foot.
    Raises ValueError as `fill` does, when the row is read.
    """
    shown = _shown(ledger, around or {}, shielded=False)
    days = written_day(first) if first == last else f"{written_day(first)}至{written_day(last)}"
    return LedgerSheet(
        title=ledger.title,
        period=days,
        head=tuple(_line(text, ledger, shown) for text in ledger.head),
        heads=tuple((column.label, column.width) for column in ledger.columns),
        rows=_rows(ledger, entries),
        foot=tuple(Foot(_line(f.text, ledger, shown), f.signature, f.room) for f in ledger.foot),
        nil="当日没有登记事项" if first == last else "这段时间没有事项（零报告）",
    )


def _rows(ledger: Ledger, entries: Iterable[tuple[Mapping[str, str], bool]]) -> Iterator[tuple[Value, ...]]:
    dated, hidden = frozenset(ledger.dates), dict.fromkeys(ledger.shield, SHIELD_LINE)
    for number, (values, shielded) in enumerate(entries, start=1):
        shown = values
        if shielded:
            redacted = {field: values.get(instead, "") for field, instead in ledger.redact.items()}
            shown = {**values, **redacted, **hidden}
        yield tuple(
            [
                number if c.field == ROW_NO else _value(c, shown.get(c.field, ""), c.field in dated)
                for c in ledger.columns
            ]
        )


def _value(column: Column, told: str, dated: bool) -> Value:
    if not told or told == SHIELD_LINE:
        return told
    if dated:
        return _read_day(column.field, told)
    return column.choices.get(told) or _clean(told)


def _shown(paper: Form | Ledger, values: Mapping[str, str], shielded: bool) -> dict[str, str]:
    """What this copy may print, by field: clean, dated, and shielded where it must be."""
    wanted = {*paper.fields, *paper.redact.values()}
    shown = {field: _clean(text) for field, text in values.items() if field in wanted}
    for field in paper.dates:
        if shown.get(field):
            shown[field] = written_day(_read_day(field, shown[field]))
    if shielded:
        shown |= {field: shown.get(redacted, "") for field, redacted in paper.redact.items()}
        shown |= dict.fromkeys(paper.shield, SHIELD_LINE)
    return shown


def _row(row: tuple[Entry, ...], form: Form, shown: Mapping[str, str]) -> Row:
    *most, last = row
    rest = len(form.columns) - sum(entry.span for entry in most)
    spans = [*(entry.span for entry in most), rest]
    cells = (
        Cell(
            label=entry.label,
            paragraphs=_paragraphs(entry, shown.get(entry.field, "")),
            place=entry.place,
            span=span,
            sign=_line(entry.sign, form, shown, sign=True),
        )
        for entry, span in zip(row, spans, strict=True)
    )
    return Row(max(entry.height for entry in (*most, last)), tuple(cells))


def _paragraphs(entry: Entry, text: str) -> tuple[str, ...]:
    if not entry.choices or text == SHIELD_LINE:
        return tuple(text.split("\n"))
    if text not in ("", *entry.choices):
        raise ValueError(f"{entry.field}: one of {', '.join(entry.choices)} is expected")
    return ("　".join(f"{word} {'☑' if code == text else '□'}" for code, word in entry.choices.items()),)


def _line(text: str, paper: Form | Ledger, shown: Mapping[str, str], *, sign: bool = False) -> Line:
    inks = []
    for_the_pen = sign and isinstance(paper, Form) and paper.signature_mode == "scan"
    for words, field, _, _ in Formatter().parse(text):
        inks.append(Ink(words))
        if field is not None:
            blank = Ink(BLANK_DATE if field in paper.dates else BLANK)
            value = "" if for_the_pen else shown.get(field, "").replace("\n", " ")
            inks.append(Ink(value, written=True) if value else blank)
    return tuple(ink for ink in inks if ink.words)


def _clean(text: str) -> str:
    if text.isprintable():  # so has nothing of what is looked for; a ledger asks for millions
        return text.strip()
    lines = _NEW_LINE.sub("\n", text).replace("\t", " ")
    return _UNPRINTABLE.sub("", lines).strip()


def _read_day(field: str, text: str) -> date:
    try:
        if len(text) == len("2022-04-11"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{field}: an ISO day or instant is expected") from None
    if moment.tzinfo is None:
        raise ValueError(f"{field}: the instant has no offset")
    return local_day(moment)


def written_day(day: date) -> str:
    """2022年4月20日."""
    return f"{day.year}年{day.month}月{day.day}日"
