"""The official papers of a profile, and one of them filled in. Drawing what is filled is for bot.papers."""

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime
from string import Formatter
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass as checked

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

BLANK = "__________"
BLANK_DATE = "______年____月____日"

Place = Literal["beside", "above", "before"]

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_NEW_LINE = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# No XML holds the first kind; the second turns the order of what follows, so that a form reads otherwise.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|[\u202a-\u202e\u2066-\u2069]"
)


# ---- what a profile says: values of its tables [forms.*] and [ledger]

_TABLE = ConfigDict(extra="forbid")


@checked(frozen=True, kw_only=True, config=_TABLE)
class Entry:
    """One labelled field of a grid.

    `span` counts grid columns, the label's own included; the last entry of a row takes what is left.
    `height` is the least height in mm. `choices` maps codes to words with a box each. `sign` is a line
    with slots at the foot of the entry, for a signature.
    """

    label: str = Field(min_length=1)
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

    `signature_mode`: a confirmation in the system signs the form, or only a signed scan does (AMB-G11).
    """

    id: str
    clause: str
    title: str
    titles: Mapping[str, str] = Field(default_factory=dict)
    signature_mode: Literal["confirmation", "scan"] = "confirmation"
    inferred: bool = False
    head: tuple[str, ...] = ()
    columns: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    grid: tuple[tuple[Entry, ...], ...]
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

    @model_validator(mode="after")
    def _checked(self) -> Self:
        _check_names(self)
        if "" in self.fields:
            raise ValueError("head、foot、sign 里的 {} 是空的：请写栏目名，如 {case_no}")
        for number, row in enumerate(self.grid, start=1):
            taken = sum(entry.span for entry in row[:-1])
            least = [2 if entry.place == "beside" else 1 for entry in row]
            squeezed = any(entry.span < need for entry, need in zip(row[:-1], least, strict=False))
            if not row or squeezed or taken + least[-1] > len(self.columns):
                raise ValueError(f"grid 第 {number} 行放不进 {len(self.columns)} 列：请改 columns 或 span")
        return self


@checked(frozen=True, kw_only=True, config=_TABLE)
class Column:
    """A column of a ledger. `width` is its share of the line; `choices` maps codes to the words printed."""

    field: str = Field(min_length=1)
    label: str = Field(min_length=1)
    width: int = Field(ge=1)
    choices: Mapping[str, str] = Field(default_factory=dict)


@checked(frozen=True, kw_only=True, config=_TABLE)
class Ledger:
    """The definition of a ledger (XJ-2.1d: also on paper, so a day of it can be signed)."""

    id: str
    clause: str
    title: str
    inferred: bool = False
    columns: tuple[Column, ...] = Field(min_length=1)
    dates: tuple[str, ...] = ()
    shield: tuple[str, ...] = ()
    redact: Mapping[str, str] = Field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(column.field for column in self.columns)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        _check_names(self)
        return self


@checked(frozen=True, kw_only=True, config=_TABLE)
class Papers:
    """All papers of a profile; the forms by what they are for: registration, dispatch, result."""

    forms: Mapping[str, Form]
    ledger: Ledger


def read_papers(table: Mapping[str, object]) -> Papers:
    """The papers of a parsed profile.

    Raises pydantic.ValidationError, which names each wrong key by its path (`forms.result.grid.0.0.label`).
    """
    return TypeAdapter(Papers).validate_python(table)


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
    """A form filled in: all a renderer draws, and nothing the reader of this copy may not see."""

    title: str
    head: tuple[Line, ...]
    columns: tuple[int, ...]
    rows: tuple[Row, ...]
    foot: tuple[Foot, ...]


@dataclass(frozen=True)
class LedgerSheet:
    """A day of a ledger, in the order of its columns: `heads` are (label, share of the line)."""

    title: str
    day: str
    heads: tuple[tuple[str, int], ...]
    rows: tuple[tuple[str, ...], ...]


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
        foot=tuple(Foot(_line(line.text, form, shown), line.signature, line.room) for line in form.foot),
    )


def fill_ledger(
    ledger: Ledger, entries: Iterable[Mapping[str, str]], *, day: date, shielded: Set[str]
) -> LedgerSheet:
    """The ledger of a day, one row an entry, numbered from 1.

    `shielded` are the numbers of the cases whose applicant the reader must not know (AMB-G21).
    Raises ValueError as `fill` does.
    """
    rows = []
    for number, values in enumerate(entries, start=1):
        shown = _shown(ledger, values, values["case_no"] in shielded) | {"row_no": str(number)}
        rows.append(tuple(_word(column, shown.get(column.field, "")) for column in ledger.columns))
    heads = tuple((column.label, column.width) for column in ledger.columns)
    return LedgerSheet(ledger.title, _day_of(day), heads, tuple(rows))


def _shown(paper: Form | Ledger, values: Mapping[str, str], shielded: bool) -> dict[str, str]:
    """What this copy may print, by field: clean, dated, and shielded where it must be."""
    wanted = {*paper.fields, *paper.redact.values()}
    shown = {field: _clean(text) for field, text in values.items() if field in wanted}
    for field in paper.dates:
        if shown.get(field):
            shown[field] = _day_of(_read_day(field, shown[field]))
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
            sign=_line(entry.sign, form, shown),
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


def _word(column: Column, text: str) -> str:
    if not column.choices or text in ("", SHIELD_LINE):
        return text
    if text not in column.choices:
        raise ValueError(f"{column.field}: one of {', '.join(column.choices)} is expected")
    return column.choices[text]


def _line(text: str, form: Form, shown: Mapping[str, str]) -> Line:
    inks = []
    for words, field, _, _ in Formatter().parse(text):
        inks.append(Ink(words))
        if field is not None:
            blank = Ink(BLANK_DATE if field in form.dates else BLANK)
            value = shown.get(field, "").replace("\n", " ")
            inks.append(Ink(value, written=True) if value else blank)
    return tuple(ink for ink in inks if ink.words)


def _clean(text: str) -> str:
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
    return moment.astimezone(_SHANGHAI).date()


def _day_of(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
