"""The name of the window: one line of the profile, and on every card, page and print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pypdfium2
import pytest
from docx import Document

from bot.cards.card import Card
from bot.cards.draw import desk_card, group_card, notice_card, status_card
from bot.channels import wecom
from bot.papers import docx, page, pdf, xlsx
from bot.papers import report as drawn
from core import case as cases
from core import outbox, papers, people, store, views
from core.policy.load import publish, shipped
from core.refusals import Refusal
from tests.regions.drawing import BASE, WORDS
from tests.regions.test_putuo import analysed, closed, dispatched, registered, told_online
from tests.reports.desk import days_pass, tables_of, the_report
from tests.reports.test_pages import Browser
from tests.world import World

UNIFORM = "“办不成事”反映窗口"
OTHER = "“办不成事”受理专窗"  # a name that stands nowhere in code or templates


@pytest.fixture
def putuo(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """A hall of the plan with one line of it written otherwise."""
    made = World.of("putuo", sqlite_url, tmp_path / "files", start="2023-09-28T10:00")
    text = shipped("putuo")[1].replace(f'window_name = "{UNIFORM}"', f'window_name = "{OTHER}"')
    text = text.replace('version = "2023-05-23"', 'version = "2023-06-01"', 1)
    with store.transaction(made.office.engine) as conn:
        made.office = replace(made.office, profile=publish(conn, text, "putuo.toml", made.now))
    yield made
    made.office.engine.dispose()


def cards(world: World) -> dict[str, Card]:
    """Every card that was told, by its notice, as its reader gets it."""
    rules, hall, found = world.rules, world.office.hall, {}
    with store.transaction(world.office.engine) as conn:
        for message in outbox.listed(conn):
            how = {"clause": message.clause, "base_url": BASE}
            if message.case_id is None:
                found[message.notice] = desk_card(WORDS, rules, message.notice, data=message.data, **how)
                continue
            case = cases.load(conn, message.case_id)
            if message.person_id is None:
                found[message.notice] = group_card(WORDS, rules, case, None, message.notice, **how)
                continue
            try:
                view = views.see(world.office, conn, case, people.get(conn, message.person_id))
            except Refusal:
                continue
            found[message.notice] = notice_card(
                WORDS, rules, hall, view, message.notice, case_id=case.id, data=message.data, **how
            )
            found["status"] = status_card(WORDS, rules, hall, view, case_id=case.id, base_url=BASE)
    return found


def pdf_words(file: bytes) -> list[str]:
    return [re.sub(r"\s", "", sheet.get_textpage().get_text_range()) for sheet in pypdfium2.PdfDocument(file)]


@pytest.mark.clause("PT-5.1")
def test_the_plan_s_own_name_is_the_uniform_one() -> None:
    assert shipped("putuo")[0].window_name == UNIFORM


@pytest.mark.clause("PT-5.1")
def test_every_card_is_signed_with_the_name_of_the_profile(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, told_online(putuo)))
    closed(putuo, case)
    late = dispatched(putuo, analysed(putuo, registered(putuo)))
    days_pass(putuo, "2023-10-10T10:00")
    putuo.do("shen", late, "supervise")
    told = cards(putuo)
    kinds = {"dispatch_group", "dispatch_card", "result", "overdue_alert", "supervise_card", "status"}
    assert kinds | {"acceptance", "report_draft"} <= told.keys()
    assert {name for name, card in told.items() if card.window != OTHER} == set()
    assert {str(wecom.draw(card)["source"]) for card in told.values()} == {str({"desc": OTHER})}


@pytest.mark.clause("PT-5.1")
def test_every_print_carries_it(putuo: World) -> None:
    case = dispatched(putuo, analysed(putuo, registered(putuo)))
    closed(putuo, case)
    for form, variant in (("registration", ""), ("dispatch", "assign")):
        sheet = putuo.paper("fang", case, form, variant)
        assert OTHER in page.html(sheet)
        assert all(OTHER in words for words in pdf_words(pdf.render(sheet)))
        header = Document(BytesIO(docx.render(sheet))).sections[0].header
        assert [p.text for p in header.paragraphs] == [OTHER]
    person = putuo.who("fang")
    with store.transaction(putuo.office.engine) as conn:
        whole = papers.case_file(putuo.office, conn, cases.load(conn, case.id), person, putuo.now)
    html = page.case_file_html(whole)
    assert OTHER in html and all(sheet.window == OTHER for _, sheet in whole.sheets)


@pytest.mark.clause("PT-5.1")
def test_so_does_every_list_and_report(putuo: World) -> None:
    registered(putuo)
    days_pass(putuo, "2023-10-10T10:00")
    filed = the_report(putuo, "operation")
    report = putuo.rules.report("operation")
    figures = drawn.sheets(putuo.rules, report, filed.period(putuo.now), tables_of(putuo, filed))
    person, day = putuo.who("fang"), date(2023, 9, 28)
    with store.transaction(putuo.office.engine) as conn:
        ledger = papers.listed(putuo.office, conn, person, "", day, day, putuo.now).kept()
    assert OTHER in page.ledger_html(ledger) and OTHER in page.report_html(figures)
    assert all(
        OTHER in words for file in (pdf.ledger(ledger), pdf.ledgers(figures)) for words in pdf_words(file)
    )
    one, several = BytesIO(), BytesIO()
    xlsx.render(ledger, one)
    xlsx.render_all(figures, several)
    for file in (one, several):
        with ZipFile(file) as members:
            assert f"&amp;L&amp;9 {OTHER}" in members.read("xl/worksheets/sheet1.xml").decode()


@pytest.mark.clause("PT-5.1")
def test_and_every_page_of_staff_and_citizens(putuo: World) -> None:
    case = told_online(putuo)
    for who, path in (("fang", "/desk"), ("fang", f"/c/{case.ref}"), ("li", f"/c/{case.ref}")):
        shown = Browser(putuo, who).get(path)
        assert f'<header class="top"><p>{OTHER}</p>' in shown and UNIFORM not in shown.split("<main>")[0]
