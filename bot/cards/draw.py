"""Cards of a case, as pure functions of what somebody may see of it.

`templates/notices/NAME.txt` holds the words in blocks: `title`, `text`, `rows` (lines `label｜value`; one
without a value vanishes), `acts` (names of acts, in order, of which those open to the viewer become buttons),
`short` (the subject where a platform has fixed fields) and `status`. The last four have defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from bot.cards.card import Button, Card
from bot.words import Words, clip
from core.case import Case
from core.people import Hall
from core.policy.model import Profile
from core.views import CaseView

SUBJECT: Final = 20
STATUS: Final = 5
# What the subject field of a platform says before the window has named the matter.
UNNAMED: Final = "您反映的事项"
NOW: Final = "现在到"  # the row that says how far the matter is


def notice_card(
    words: Words,
    rules: Profile,
    hall: Hall,
    view: CaseView,
    notice: str,
    *,
    case_id: int,
    clause: str,
    data: Mapping[str, object],
    base_url: str,
) -> Card:
    """The card of a notice for the person `view` was made for; `clause` and `data` are the outbox row's."""
    values = {"view": view, "words": view.words, "rules": rules, "hall": hall, "data": data}
    blocks = words.blocks(f"notices/{notice}", **values)
    card = _card(words, rules, view, blocks, case_id=case_id, clause=clause, base_url=base_url)
    drawn_from = data.get("rev")
    if isinstance(drawn_from, int) and view.rev > drawn_from and view.role != "applicant":
        # Redrawn after something happened: what the card was about may be done.
        card = replace(card, rows=(*_without_status(card.rows), (NOW, words.status(view.status)["short"])))
    return card


def status_card(
    words: Words, rules: Profile, hall: Hall, view: CaseView, *, case_id: int, base_url: str
) -> Card:
    """Where a matter stands, in plain words for the citizen or for staff."""
    status = words.status(view.status)
    sentence = status["citizen" if view.role == "applicant" else "staff"]
    values = {"view": view, "rules": rules, "hall": hall, "sentence": sentence, "short": status["short"]}
    clause = view.clause or rules.intake.promise_clause
    blocks = words.blocks("status", **values)
    return _card(words, rules, view, blocks, case_id=case_id, clause=clause, base_url=base_url)


def group_card(
    words: Words,
    rules: Profile,
    case: Case,
    due: datetime | None,
    notice: str,
    *,
    clause: str,
    base_url: str,
) -> Card:
    """What a unit's chat group reads: number, neutral subject and date. The template is given nothing else,
    so that it cannot tell more (AMB-G16)."""
    values = {"number": case.number, "subject": case.subject, "due": due, "count": case.supervision_count}
    blocks = words.blocks(f"notices/{notice}", rules=rules, **values)
    return Card(
        title=blocks["title"],
        window=rules.window_name,
        text=blocks["text"],
        rows=tuple(_rows(blocks["rows"])),
        url=f"{base_url}/c/{case.ref}",
        clause=clause,
        basis=words.source(rules, clause),
        ref=case.ref,
        number=case.number or "",
        case_id=case.id,
        rev=case.rev,
        subject=clip(case.subject, SUBJECT),
    )


def desk_card(
    words: Words, rules: Profile, notice: str, *, clause: str, data: Mapping[str, object], base_url: str
) -> Card:
    """The card of a notice that is about no case: a report, a roster. `data` is the outbox row's; a template's block
    `page` says where it leads."""
    blocks = words.blocks(f"notices/{notice}", rules=rules, data=data)
    return Card(
        title=blocks["title"],
        window=rules.window_name,
        text=blocks["text"],
        rows=tuple(_rows(blocks.get("rows", ""))),
        url=f"{base_url}/{blocks['page']}",
        clause=clause,
        basis=words.source(rules, clause),
        subject=clip(blocks.get("short") or str(data.get("title", "")), SUBJECT),
        status=blocks.get("status", "")[:STATUS],
    )


def _card(
    words: Words,
    rules: Profile,
    view: CaseView,
    blocks: Mapping[str, str],
    *,
    case_id: int,
    clause: str,
    base_url: str,
) -> Card:
    url = f"{base_url}/c/{view.ref}"
    return Card(
        title=blocks["title"],
        window=rules.window_name,
        text=blocks["text"],
        rows=tuple(_rows(blocks.get("rows", ""))),
        buttons=tuple(_buttons(rules, view, blocks.get("acts", "").split(), url)),
        url=url,
        clause=clause,
        basis=words.source(rules, clause),
        ref=view.ref,
        number=view.number,
        case_id=case_id,
        rev=view.rev,
        subject=clip(blocks.get("short") or view.subject or UNNAMED, SUBJECT),
        status=(blocks.get("status") or words.status(view.status)["short"])[:STATUS],
    )


def _without_status(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(row for row in rows if row[0] != NOW)


def _rows(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        label, _, value = line.partition("｜")
        if value.strip():
            yield label.strip(), value.strip()


STYLES: Final = ("primary", "plain", "quiet")


def _buttons(rules: Profile, view: CaseView, acts: list[str], url: str) -> Iterator[Button]:
    """The acts named that are open to the viewer. Staff fill in a form on its page; a citizen answers in the
    conversation, so that an act of theirs with a form has no button, but rating has one for each level."""
    offers = {offer.act: offer for offer in view.offers}
    # A card has room for few: what leads on comes first, what is seldom needed last.
    shown = sorted((act for act in acts if act in offers), key=lambda act: STYLES.index(offers[act].style))
    for act in shown:
        offer = offers[act]
        if act == "rate":
            yield from (Button(level.label, f"rate:{level.score}") for level in rules.rating.levels)
        elif not offer.needs_form:
            yield Button(offer.label, act, offer.style)
        elif view.role != "applicant":
            yield Button(offer.label, act, offer.style, f"{url}/{act}?rev={view.rev}")
