"""A citizen's turn: core takes it, we put it into words."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from bot.cards.card import Card
from bot.cards.draw import notice_card, status_card
from bot.channels.wechat import menu_id
from bot.service import Service
from core import case as cases
from core import intake, outbox, views
from core.intake import Reply, Said, Taken
from core.people import Person

Choice = tuple[str, str]  # what the tap brings back, what it says


class Answer:
    """What goes back to a citizen in one message: text, and choices she may tap."""

    def __init__(self, text: str, choices: tuple[Choice, ...] = ()) -> None:
        self.text = text
        self.choices = choices


def turn(service: Service, conn: Connection, channel: str, person: Person, said: Said) -> Answer:
    """Take one message of a citizen; everything stands or falls with the caller's transaction."""
    return _answer(
        service, conn, person, intake.turn(service.office, conn, person, channel, said, service.now())
    )


def greet(service: Service, conn: Connection, channel: str, person: Person, code: str) -> Answer:
    """She followed the account, or came in by the code of a sign."""
    taken = intake.greet(service.office, conn, person, channel, service.now(), code)
    return _answer(service, conn, person, taken)


def sorry(service: Service) -> Answer:
    """Our fault: her words are kept, she is told once."""
    return Answer(service.words.say("intake/sorry", hall=service.office.hall))


def _answer(service: Service, conn: Connection, person: Person, taken: Taken) -> Answer:
    """One answer from the replies of a turn and the notices it made for this very person: what is said at once
    costs no message of the open window."""
    told = taken.replies
    question = told[-1:] if told and told[-1].asks else ()
    parts: list[str] = []
    choices: tuple[Choice, ...] = ()
    for reply in told[: len(told) - len(question)]:
        parts += _words(service, conn, person, reply)
        choices = _tappable(reply) or choices
    made = (
        ()
        if taken.since is None
        else outbox.answered(conn, person.id, since=taken.since, route="reply", now=service.now())
    )
    for message in made:
        card = _card(service, conn, person, message)
        parts.append(as_text(card))
        if card.buttons:
            choices = tuple((menu_id(card.case_id, button.act), button.label) for button in card.buttons)
    for reply in question:  # below what was done, so that the last thing she reads is what she is asked
        parts += _words(service, conn, person, reply)
        choices = _tappable(reply) or choices
    return Answer("\n\n".join(part for part in parts if part), choices)


def _tappable(reply: Reply) -> tuple[Choice, ...]:
    return tuple((label, label) for _, label in reply.choices)


def _words(service: Service, conn: Connection, person: Person, reply: Reply) -> list[str]:
    office, words = service.office, service.words
    common = {"hall": office.hall, "rules": office.profile}
    values = dict(reply.values)
    if reply.name == "progress":
        cards = [_status(service, conn, person, case_id) for case_id in values["cases"]]
        texts = [as_text(card) for card in cards]
        if not texts:
            texts = [words.say("intake/progress_none", **common, **values)]
        elif values["more"]:
            texts.append(words.say("intake/progress_more", **common, **values))
        return texts
    if reply.name == "basis":
        return [words.basis(office.profile, values["clause"])]
    if reply.name == "refused":
        return [words.refusal(values["refusal"], office.profile)]
    if reply.name == "wrong":
        return [words.problem(values["code"], values["label"])]
    return [words.say(f"intake/{reply.name}", **common, **values)]


def _status(service: Service, conn: Connection, person: Person, case_id: int) -> Card:
    case = cases.load(conn, case_id)
    office = service.office
    view = views.see(office, conn, case, person)
    rules = office.rules(conn, case)
    return status_card(
        service.words, rules, office.hall, view, case_id=case.id, base_url=service.settings.base_url
    )


def _card(service: Service, conn: Connection, person: Person, message: outbox.Message) -> Card:
    case = cases.load(conn, message.case_id or 0)
    office = service.office
    return notice_card(
        service.words,
        office.rules(conn, case),
        office.hall,
        views.see(office, conn, case, person, history=False),
        message.notice,
        case_id=case.id,
        clause=message.clause,
        data=message.data,
        base_url=service.settings.base_url,
    )


def as_text(card: Card) -> str:
    """A card as plain text, for a chat without cards."""
    rows = "\n".join(f"{label}：{value}" for label, value in card.rows)
    return "\n".join(part for part in (card.title, card.text, rows) if part)
