"""Redrawing: after an act, the other cards of the case show what is now true, while their update codes live."""

from __future__ import annotations

import logging
from datetime import datetime

from bot.cards.card import Card
from bot.cards.draw import notice_card
from bot.channels.call import Meaning, Verdict
from bot.channels.wire import Unreachable, WireError
from bot.service import Service
from core import cards, people, store, views
from core import case as cases
from core.cards import LiveCard
from core.refusals import Refusal

log = logging.getLogger(__name__)


def step(service: Service, case_id: int, now: datetime) -> int:
    """Redraw the outdated cards of a case; how many were. A code serves once: it is taken before the call and
    given back only if the call did not get through. An old card does no harm, so nothing is repeated."""
    office, redrawn = service.office, 0
    with store.transaction(office.engine) as conn:
        case = cases.load(conn, case_id, lock=True)
        rules = office.rules(conn, case)
        drawn: list[tuple[LiveCard, Card, tuple[str, ...]]] = []
        for live in cards.take_codes(conn, office.vault, case, now):
            person = people.get(conn, live.person_id)
            try:
                view = views.see(office, conn, case, person, history=False)
            except Refusal:
                continue  # no longer theirs to see
            card = notice_card(
                service.words,
                rules,
                office.hall,
                view,
                live.notice,
                case_id=case.id,
                clause=live.clause,
                data=live.data,
                base_url=service.settings.base_url,
            )
            drawn.append((live, card, _addresses(people.addresses(conn, person.id), live.channel)))
    for live, card, addresses in drawn:
        meaning = _redraw(service, live, card, addresses)
        redrawn += meaning.verdict is Verdict.SENT
        if meaning.verdict is Verdict.RETRY_LATER:
            with store.transaction(office.engine) as conn:
                cards.give_back(conn, office.vault, live)
        elif meaning.verdict is not Verdict.SENT:
            log.info("card %d: not redrawn: %s", live.id, meaning.reason or meaning.verdict)
    return redrawn


def sweep(service: Service, now: datetime) -> int:
    """Redraw whatever is outdated, in any case."""
    with store.transaction(service.office.engine) as conn:
        found = cards.outdated_cases(conn, now)
    return sum(step(service, case_id, now) for case_id in found)


def _redraw(service: Service, live: LiveCard, card: Card, addresses: tuple[str, ...]) -> Meaning:
    try:
        return service.channels[live.channel].redraw(live.code, card, addresses)
    except Unreachable:
        return Meaning(Verdict.RETRY_LATER, "unreachable")
    except WireError:
        return Meaning(Verdict.SPENT_CODE, "unknown")


def _addresses(found: tuple[people.Address, ...], channel: str) -> tuple[str, ...]:
    return tuple(a.address for a in found if a.channel == channel)
