"""Every message of a played story, drawn as its reader gets it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from bot.cards.card import Card
from bot.cards.draw import desk_card, group_card, notice_card
from bot.words import Words
from core import case as cases
from core import duties, outbox, people, store, views
from core.case import Case
from core.intake import Reply
from core.outbox import Message
from core.refusals import Refusal
from tests.regions import heard
from tests.regions.asked import try_without
from tests.world import World

WORDS = Words()
BASE = "https://hall.example.gov.cn"


@dataclass
class ReadWorld(World):
    """A world that draws every message when it is told, as a delivery without delay does (`texts`: by notice), and
    tries every act without each answer that it asks for, and looks at who heard of it."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    drawn: set[int] = field(default_factory=set)
    noted: tuple[int, int] = (0, 0)

    def do(self, who: str, case: Case, act: str, rev: int | None = None, /, **values: Any) -> Case:
        try_without(self, who, self.again(case), act, values)
        done = super().do(who, case, act, rev, **values)
        self._read()
        return done

    def say(self, who: str, text: str = "", **said: Any) -> list[Reply]:
        replies = super().say(who, text, **said)
        self._read()
        return replies

    def sweep(self) -> int:
        fired = super().sweep()
        self._read()
        return fired

    def delivered(self, case: Case) -> Case:
        done = super().delivered(case)
        self._read()
        return done

    def _read(self) -> None:
        self.noted = heard.check(self, self.noted)
        for notice, texts in draw_all(self, self.drawn).items():
            self.texts.setdefault(notice, []).extend(texts)


def draw_all(world: World, drawn: set[int] | None = None) -> dict[str, list[str]]:
    """The texts by notice; each has a title, a text and its basis, and nothing that only a template could have left.

    Messages whose id is in `drawn` are left out, the others put there. A reader who has no part in the case any
    more is left out: nothing is sent to them.
    """
    known = set() if drawn is None else drawn
    with store.transaction(world.office.engine) as conn:
        told = [message for message in outbox.listed(conn) if message.id not in known]
    texts: dict[str, list[str]] = {}
    for message in told:
        known.add(message.id)
        card = _card(world, message)
        if card is None:
            continue
        where = f"{message.notice} of case {message.case_id}"
        assert card.title and card.text, where
        assert card.basis.startswith(f"依据《{world.rules.instrument.title.strip('《》')}》"), where
        assert card.basis.endswith(world.rules.clauses[message.clause].place), where
        rows = [f"{label}：{value}" for label, value in card.rows]
        text = "\n".join([card.title, card.text, *rows, *(button.label for button in card.buttons)])
        assert not re.search(r"None|\{|\}|｜|undefined|【】|“”|  |，，|。。", text), f"{where}: {text}"
        assert not re.search(r"最晚前|前答复您前|（\s*）|截止\s*$", text), f"{where}: {text}"
        texts.setdefault(message.notice, []).append(text)
    return texts


def reminded(world: World, who: str, case: Case) -> list[str]:
    """The steps of the clock a person was told of about a case ("verify.remind_day"), in order."""
    person = world.who(who)
    told = [m.data for m in world.outbox(case) if m.person_id == person.id and "duty_key" in m.data]
    return [f"{data['duty_key']}.{data['step']}" for data in told]


def _card(world: World, message: Message) -> Card | None:
    rules, hall = world.rules, world.office.hall
    if message.case_id is None:
        return desk_card(
            WORDS, rules, message.notice, clause=message.clause, data=message.data, base_url=BASE
        )
    with store.transaction(world.office.engine) as conn:
        case = cases.load(conn, message.case_id)
        if message.person_id is None:
            due = next((d.due_at for d in duties.of_case(conn, case.id) if rules.duty(d.key).closing), None)
            return group_card(WORDS, rules, case, due, message.notice, clause=message.clause, base_url=BASE)
        try:
            view = views.see(world.office, conn, case, people.get(conn, message.person_id))
        except Refusal:
            return None
    return notice_card(
        WORDS,
        rules,
        hall,
        view,
        message.notice,
        case_id=case.id,
        clause=message.clause,
        data=message.data,
        base_url=BASE,
    )
