"""A member of staff taps a button of a card, or writes a line to the app."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from sqlalchemy.engine import Connection

from bot.cards.draw import status_card
from bot.channels.wecom import CODE_LIFE
from bot.handlers.citizen import as_text
from bot.service import Service
from core import cards, outbox, people, views
from core import case as cases
from core.case import Case
from core.desk.act import Actor, offers, perform
from core.flow import SLOTS
from core.people import Person
from core.refusals import NOT_NOW, UNKNOWN_CASE, Refusal


def tap(
    service: Service, conn: Connection, channel: str, address: str, task_id: str, act: str, update_code: str
) -> int | None:
    """A button of a card. The card's update code is kept for redrawing; a refusal is told to whoever tapped, by a
    message of its own. Returns the case to redraw."""
    card, person = cards.by_task(conn, task_id), people.by_address(conn, channel, address)
    if card is None or person is None:
        return None  # a forwarded card or a stranger: nothing happens, and nothing is told
    case = cases.load(conn, card.case_id, lock=True)  # as everywhere: the case first, then its cards
    if card.person_id == person.id:
        cards.renew(conn, service.office.vault, card, update_code, service.now() + CODE_LIFE)
    definition = service.office.rules(conn, case).acts.get(act)
    try:
        if definition and definition.fields:
            raise Refusal(NOT_NOW)  # a form has a page; no button of ours brings such an act
        with conn.begin_nested():
            perform(
                service.office,
                conn,
                Actor(person, f"card:{channel}"),
                case,
                act,
                now=service.now(),
                rev=card.drawn_rev,
            )
    except Refusal as refusal:
        _tell(service, conn, case, person, refusal, task_id)
    return case.id


def write(service: Service, conn: Connection, channel: str, address: str, text: str) -> str:
    """A line to the app: a number shows the case, 签收 and 回复 act on it, anything else shows what can be said."""
    person = people.by_address(conn, channel, address)
    if person is None:
        return service.words.say("staff/stranger", hall=service.office.hall)
    bare = text.strip(_MARKS)
    for pattern, answer in _LINES:
        match = pattern.fullmatch(text.strip()) or pattern.fullmatch(bare)
        if match:
            try:
                with conn.begin_nested():
                    return answer(service, conn, person, channel, match)
            except Refusal as refusal:
                if refusal.code == UNKNOWN_CASE:
                    return service.words.say("staff/no_such_case", hall=service.office.hall)
                return service.words.refusal(refusal, service.office.profile, person.id)
    return service.words.say("staff/help", base_url=service.settings.base_url, channel=channel)


def _show(service: Service, conn: Connection, person: Person, channel: str, match: re.Match[str]) -> str:
    case = _case(conn, person, match)
    view = views.see(service.office, conn, case, person)
    views.log_view(conn, case, person, f"chat:{channel}", service.now())
    rules, hall = service.office.rules(conn, case), service.office.hall
    card = status_card(service.words, rules, hall, view, case_id=case.id, base_url=service.settings.base_url)
    return f"{as_text(card)}\n{card.url}"


def _sign_for(service: Service, conn: Connection, person: Person, channel: str, match: re.Match[str]) -> str:
    actor = Actor(person, f"chat:{channel}")
    done = perform(service.office, conn, actor, _case(conn, person, match), "sign_for", now=service.now())
    return service.words.say("staff/signed_for", number=done.number, subject=done.subject)


def _to_do(service: Service, conn: Connection, person: Person, channel: str, match: re.Match[str]) -> str:
    """What somebody works on, as the desk lists it: the nearest limit first."""
    found = views.to_do(service.office, conn, person)
    seen = [views.see(service.office, conn, case, person, history=False) for case in found[:SHOWN]]
    desk = f"{service.settings.base_url}/desk?as={channel}"
    return service.words.say("staff/to_do", count=len(found), views=seen, desk=desk)


def _which(service: Service, conn: Connection, person: Person, channel: str, match: re.Match[str]) -> str:
    """签收 without a number: done for the one matter that waits for it. 收到 may mean anything: asked about."""
    office = service.office
    waiting = [
        case
        for case in views.to_do(office, conn, person)
        if any(offer.act == "sign_for" for offer in offers(office, conn, case, person.id))
    ]
    if len(waiting) == 1 and match["act"] == "签收":
        actor = Actor(person, f"chat:{channel}")
        done = perform(office, conn, actor, waiting[0], "sign_for", now=service.now())
        return service.words.say("staff/signed_for", number=done.number, subject=done.subject)
    return service.words.say("staff/sign_which", waiting=waiting)


def _reply(service: Service, conn: Connection, person: Person, channel: str, match: re.Match[str]) -> str:
    case, actor = _case(conn, person, match), Actor(person, f"chat:{channel}")
    rules = service.office.rules(conn, case)
    answers = people.fills(conn, rules, case, person.id, SLOTS["answer_citizen"])
    if not answers or not match["words"]:
        url = f"{service.settings.base_url}/c/{case.ref}"
        return service.words.say("staff/not_replied", rules=rules, case=case, answers=answers, url=url)
    values = {"human_answer": match["words"]}
    done = perform(service.office, conn, actor, case, "answer_citizen", now=service.now(), values=values)
    return service.words.say("staff/replied", number=done.number)


def _case(conn: Connection, person: Person, match: re.Match[str]) -> Case:
    """The case of a number. Whether there is none or it is another's sounds the same, or numbers could be tried."""
    case = cases.find(conn, number=match["number"].upper())
    if not people.role_in_case(conn, case, person.id):
        raise Refusal(UNKNOWN_CASE)
    return case


SHOWN: Final = 8  # matters named in one line of chat
_MARKS: Final = " \t\r\n“”\"‘’'「」。.！!，,；;"
_NUMBER: Final = (
    r"(?P<number>[A-Za-z]{0,8}\d{6,})(?!\d)"  # never a part of a longer one: that would be another's
)
_BETWEEN: Final = r"[\s:：，,]*"
_LINES: Final[tuple[tuple[re.Pattern[str], Callable[..., str]], ...]] = (
    (re.compile(rf"(?:(?:查|查看|查询|查一下|看|看看|进度){_BETWEEN})?{_NUMBER}"), _show),
    (re.compile(rf"已?(?:签收|收到)了?{_BETWEEN}{_NUMBER}"), _sign_for),
    (re.compile(rf"{_NUMBER}{_BETWEEN}已?(?:签收|收到)了?"), _sign_for),
    (re.compile(r"(?P<act>签收|收到)(?:了|啦|，|,|。|！|!|谢谢|好的|\s)*"), _which),
    (re.compile(rf"(?:回复|答复){_BETWEEN}{_NUMBER}{_BETWEEN}(?P<words>.*)", re.S), _reply),
    (
        re.compile(r"[我的查看]*(?:待办|要办的事?|手上的[件事]|还有[几哪]件)(?:事项|列表)?[？?]?"),
        _to_do,
    ),
)


def _tell(
    service: Service, conn: Connection, case: Case, person: Person, refusal: Refusal, task_id: str
) -> None:
    now = service.now()
    sentence = service.words.refusal(refusal, service.office.rules(conn, case), person.id)
    outbox.put(
        conn,
        key=f"refused.{task_id}.{refusal.code}.{int(now.timestamp())}",
        case_id=case.id,
        notice="refused",
        clause=refusal.clause or service.office.profile.acts["sign_for"].clause,
        person_id=person.id,
        now=now,
        not_before=now,
        data={"sentence": sentence},
    )
