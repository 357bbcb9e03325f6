"""The papers of every shipped profile can be read, and drawn blank by every renderer."""

from datetime import date
from io import BytesIO

import pytest

from bot.papers import docx, page, pdf, xlsx
from core import papers, record
from core.forms import Form, Ledger, Papers, fill, fill_ledger
from core.policy.load import shipped, shipped_names

DAY = date(2023, 5, 23)


@pytest.fixture(params=shipped_names())
def of(request: pytest.FixtureRequest) -> Papers:
    return papers.of(shipped(request.param)[0])


def test_every_form_can_be_drawn_blank(of: Papers) -> None:
    drawn = [fill(form, {}, shielded=False) for form in of.forms.values() if form.grid]

    assert drawn and all(sheet.rows for sheet in drawn)
    for sheet in drawn:
        assert sheet.title in page.html(sheet)
        assert docx.render(sheet)[:2] == b"PK"
        assert pdf.render(sheet)[:5] == b"%PDF-"


def test_every_list_can_be_drawn_without_a_row(of: Papers) -> None:
    for paper in (of.ledger, *of.lists.values()):
        sheet = fill_ledger(paper, [], first=DAY, last=DAY).kept()

        assert paper.title in page.ledger_html(sheet)
        assert pdf.ledger(sheet)[:5] == b"%PDF-"
        assert xlsx.render(sheet, BytesIO()) == 0


def test_a_list_of_codes_is_printed_in_words(of: Papers) -> None:
    for column in of.ledger.columns:
        for code, word in column.choices.items():
            values = {"case_no": "1", column.field: code}
            (row,) = fill_ledger(of.ledger, [(values, False)], first=DAY, last=DAY).rows
            assert word in row


@pytest.mark.parametrize("name", shipped_names())
def test_every_field_of_a_paper_is_something_that_can_be_known(name: str) -> None:
    """A slip of the pen in a field would print a blank for ever."""
    rules, _ = shipped(name)
    known = {
        *record.VALUES,
        *record.CODES,
        "row_no",
        "checked_by",
        "reporting_unit",
        "compiled_by",
        "compiled_at",
    }
    known |= {asked.id for asked in rules.asked} | set(rules.titles)
    known |= {f"{role}_phone" for role in rules.titles}
    moments = {m for act in rules.acts.values() for m in act.moments} | {"applicant_confirmed_at"}
    known |= moments | {f"{moment.removesuffix('_at')}_by" for moment in moments}
    deliveries = {duty.key for duty in rules.duties if duty.key.startswith("to_")}
    known |= deliveries | {f"{duty}_way" for duty in deliveries}
    found = papers.of(rules)
    drawn: list[Form | Ledger] = [f for f in found.forms.values() if f.of == "case" and f.grid]
    drawn += [found.ledger, *found.lists.values()]

    unknown = {
        f"{paper.id}.{field}"
        for paper in drawn
        for field in paper.fields
        if field not in known and not field.startswith("upload_")
    }

    assert unknown == set()
