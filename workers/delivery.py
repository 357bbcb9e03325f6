"""Delivery: what waits in the outbox leaves by a way that is open now, and the plan always ends at a human.

Claim, send, mark. The claim is one transaction with a lease, the sending is outside any, the mark is fenced and
carries what hangs on the delivery. Whoever dies in between leaves a lease that runs out; the message is then sent
again under the same key, which the platforms' duplicate guards know.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.engine import Connection

from bot.cards.card import Card
from bot.cards.draw import group_card, notice_card
from bot.channels.call import Meaning, Verdict
from bot.channels.channel import Sent
from bot.channels.wire import WireError
from bot.service import Service
from core import budget, cards, duties, outbox, people, store, views
from core import case as cases
from core.case import Case
from core.desk import deliver
from core.outbox import Message
from core.policy.model import Profile
from core.refusals import Refusal

log = logging.getLogger(__name__)

BATCH: Final = 20
AT_ONCE: Final = 5  # readers; each takes a connection to the database and one to the platform
# A batch is left when so much of its lease is used: one message may still take most of the rest.
WORKING: Final = timedelta(seconds=10)
FIRST_WAIT: Final = 15.0  # seconds before the second try; each further wait is three times as long
LONGEST_WAIT: Final = 3600.0
ALARM_WAIT: Final = 600.0  # a person has to mend something first
GROUP: Final = "group"
WINDOW: Final = "customer_service"  # the route whose messages are counted with the address
CALL_TASK: Final = "call_task"
PRINTED: Final = "printed"
TOLD_ANYBODY: Final = "refused"  # the one notice that a stranger to the case may get
ONLINE: Final = frozenset({"wechat"})  # channels a case is told by without anybody at the desk
# What must reach an applicant: where nothing else leads to her, somebody calls. The others are conveniences.
MUST_REACH: Final = frozenset(
    {
        "dispatched",
        "question",
        "result",
        "extension_check",
        "extension_told",
        "redo_told",
        "guided",
        "human_answer",
    }
)


@dataclass(frozen=True)
class Way:
    """One way to a reader: a channel, a route of it, an address."""

    channel: str
    route: str
    address: str


@dataclass(frozen=True)
class Plan:
    """What to send, and the ways to try in turn."""

    card: Card
    ways: tuple[Way, ...]


class Outdated(Exception):
    """The message has lost its reason, named by the text."""


def step(service: Service, now: datetime, machine: datetime) -> int:
    """Deliver what is due; how many messages were claimed. `now` is the case clock, `machine` the machine's."""
    with store.transaction(service.office.engine) as conn:
        batch = outbox.claim(conn, now=now, machine=machine, limit=BATCH)
    queues: dict[object, list[Message]] = {}
    for message in batch:
        queues.setdefault((message.person_id, message.unit_id), []).append(message)
    # A platform takes its time over each answer: readers are served at once, each in the order of the messages.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for served in [pool.submit(_serve, service, queue, now, machine) for queue in queues.values()]:
            served.result()
    return len(batch)


def _serve(service: Service, queue: Sequence[Message], now: datetime, machine: datetime) -> None:
    for message in queue:
        if service.machine() - machine > WORKING:
            _leave(service, message, machine)
            continue
        try:
            _deliver(service, message, now)
        except Exception as error:  # a bug of ours: it must not hold up the others
            log.error("outbox %d: %s", message.id, type(error).__name__)
            _again(service, message, _wait(message), f"bug:{type(error).__name__}")


def _leave(service: Service, message: Message, machine: datetime) -> None:
    with store.transaction(service.office.engine) as conn:
        outbox.hold(conn, message, machine=machine, after=0, why="later")


def _deliver(service: Service, message: Message, now: datetime) -> None:
    try:
        with store.transaction(service.office.engine) as conn:
            plan = _plan(service, conn, message, now)
    except Outdated as reason:
        why = str(reason)
        _close(service, lambda conn: outbox.drop(conn, message, why))
        return
    last = "no_route"
    for way in plan.ways:
        if not _within_budget(service, message, way):
            return
        try:
            sent = _send(service, message, plan.card, way, now)
        except WireError as error:
            # The same key goes out again, so that an unknown outcome is no second message.
            sent = Sent(Meaning(Verdict.RETRY_LATER, type(error).__name__.lower()))
        if _settled(service, message, plan.card, way, sent, now):
            return
        last = sent.meaning.reason or ("missed" if sent.missed else str(sent.meaning.verdict))
    _close(service, lambda conn: _no_way(service, conn, message, last, now))


def _settled(service: Service, message: Message, card: Card, way: Way, sent: Sent, now: datetime) -> bool:
    """Act on what came of sending; False if the next way is to be tried at once."""
    verdict, reason = sent.meaning.verdict, sent.meaning.reason or sent.meaning.verdict
    log.info("outbox %d: %s by %s %s", message.id, reason, way.channel, way.route)
    if verdict is Verdict.SENT and not sent.missed:
        _close(service, lambda conn: _arrived(service, conn, message, card, way, sent, now))
        return True
    if verdict in (Verdict.SENT, Verdict.ROUTE_CLOSED, Verdict.RECIPIENT_GONE):
        _close(service, lambda conn: _shut(conn, way, sent.meaning))
        return False
    if verdict is Verdict.RETRY_LATER:
        if message.attempts >= outbox.TRIES:
            return False
        _again(service, message, max(sent.meaning.after, _wait(message)), reason)
    elif verdict is Verdict.ALARM:
        log.error("outbox %d: a person has to mend this: %s", message.id, reason)
        _again(service, message, ALARM_WAIT, reason)
    else:
        log.error("outbox %d: dead: %s", message.id, reason)
        _close(service, lambda conn: outbox.dead(conn, message, error=reason))
    return True


# --- planning -------------------------------------------------------------------------------------------


def _plan(service: Service, conn: Connection, message: Message, now: datetime) -> Plan:
    """Raises Outdated."""
    office = service.office
    case = cases.load(conn, message.case_id or 0)
    rules = office.rules(conn, case)
    if _is_stale_reminder(conn, rules, case, message):
        raise Outdated("done_meanwhile")
    if message.unit_id is not None:
        return Plan(_group_card(service, conn, rules, case, message), _group_ways(conn, message.unit_id))
    person = people.get(conn, message.person_id or 0)
    try:
        view = views.see(office, conn, case, person, history=False)
    except Refusal as refusal:
        if message.notice != TOLD_ANYBODY:
            raise Outdated(refusal.code) from None
        return Plan(_bare_card(service, rules, case, message), _ways(service, conn, person.id, now))
    card = notice_card(
        service.words,
        rules,
        office.hall,
        view,
        message.notice,
        case_id=case.id,
        clause=message.clause,
        data=message.data,
        base_url=service.settings.base_url,
    )
    return Plan(card, _ways(service, conn, person.id, now))


def _ways(service: Service, conn: Connection, person_id: int, now: datetime) -> tuple[Way, ...]:
    return tuple(
        Way(address.channel, route, address.address)
        for address in people.addresses(conn, person_id)
        if address.channel in service.channels
        for route in service.channels[address.channel].routes(address, now)
    )


def _bare_card(service: Service, rules: Profile, case: Case, message: Message) -> Card:
    """A kind answer to somebody who tapped a card of a case that is not theirs: nothing of the case is in it."""
    return Card(
        title="没有办成这一步",
        text=str(message.data.get("sentence", "")),
        clause=message.clause,
        basis=service.words.source(rules, message.clause),
        case_id=case.id,
    )


def _is_stale_reminder(conn: Connection, rules: Profile, case: Case, message: Message) -> bool:
    """A reminder, written before the office opened, of what has been done since. What was recorded (a missed
    limit) is told all the same."""
    key = message.data.get("duty_key")
    if not key or message.data.get("round") != case.round:
        return bool(key)
    marked = any(s.mark for s in rules.duty(str(key)).steps if s.key == message.data.get("step"))
    return not marked and all(duty.key != key for duty in duties.of_case(conn, case.id))


def _group_card(service: Service, conn: Connection, rules: Profile, case: Case, message: Message) -> Card:
    limit = next((d for d in duties.of_case(conn, case.id) if rules.duty(d.key).closing), None)
    return group_card(
        service.words,
        rules,
        case,
        limit.due_at if limit else None,
        message.notice,
        clause=message.clause,
        base_url=service.settings.base_url,
    )


def _group_ways(conn: Connection, unit_id: int) -> tuple[Way, ...]:
    found = people.group_of(conn, unit_id)
    return (Way(found[0], GROUP, found[1]),) if found else ()


# --- sending --------------------------------------------------------------------------------------------


def _within_budget(service: Service, message: Message, way: Way) -> bool:
    """What is over a platform's limit waits, and that is no try."""
    limit = service.channels[way.channel].budget(way.route, way.address)
    if limit is None:
        return True
    thing, seconds, allowed = limit
    machine = service.machine()
    with store.transaction(service.office.engine) as conn:
        if budget.take(conn, thing, seconds=seconds, allowed=allowed, machine=machine):
            return True
        outbox.hold(conn, message, machine=machine, after=seconds / budget.SLICES, why="budget")
    return False


def _send(service: Service, message: Message, card: Card, way: Way, now: datetime) -> Sent:
    channel = service.channels[way.channel]
    if way.route == GROUP:
        return channel.send_group(way.address, card, key=message.key, now=now)
    return channel.send(way.route, way.address, card, key=message.key, now=now)


# --- marking --------------------------------------------------------------------------------------------


def _close(service: Service, mark: Callable[[Connection], object]) -> None:
    with store.transaction(service.office.engine) as conn:
        mark(conn)


def _again(service: Service, message: Message, after: float, reason: str) -> None:
    machine = service.machine()
    _close(service, lambda conn: outbox.again(conn, message, machine=machine, after=after, error=reason))


def _wait(message: Message) -> float:
    return min(LONGEST_WAIT, FIRST_WAIT * 3.0 ** (message.attempts - 1))


def _arrived(
    service: Service, conn: Connection, message: Message, card: Card, way: Way, sent: Sent, now: datetime
) -> None:
    if message.effect and message.case_id is not None:
        cases.load(conn, message.case_id, lock=True)  # as everywhere: the case first, then its messages
    if way.route == WINDOW:
        people.spent(conn, way.channel, way.address)
    if not outbox.sent(conn, message, route=way.route, now=now, platform_ref=sent.reference):
        log.warning("outbox %d: sent, but the lease was another's by then", message.id)
        return
    if sent.task_id and message.person_id is not None:
        cards.remember(
            conn,
            service.office.vault,
            message,
            channel=way.channel,
            task_id=sent.task_id,
            code=sent.update_code,
            until=sent.code_until,
            rev=card.rev,
        )
    deliver.delivered(service.office, conn, message, way.channel, now)


def _shut(conn: Connection, way: Way, meaning: Meaning) -> None:
    """Remember that a way is closed, so that the next message does not try it."""
    if meaning.verdict is Verdict.RECIPIENT_GONE or meaning.reason == "not_following":
        people.following(conn, way.channel, way.address, False)
    elif way.route == WINDOW:
        people.spent(conn, way.channel, way.address, closed=True)


def _no_way(service: Service, conn: Connection, message: Message, reason: str, now: datetime) -> None:
    """Nothing on a screen leads there: for an applicant a person calls; for staff the message stays visible."""
    case = cases.load(conn, message.case_id or 0, lock=True)
    if message.person_id is None or message.person_id != case.contact_id:
        log.error("outbox %d: no way leads to its reader: %s", message.id, reason)
        outbox.dead(conn, message, error=reason)
    elif message.notice == "acceptance" and case.channel not in ONLINE:
        outbox.sent(conn, message, route=PRINTED, now=now)
    elif message.notice not in MUST_REACH:
        outbox.drop(conn, message, reason)
    elif outbox.sent(conn, message, route=CALL_TASK, now=now) and not deliver.unreachable(
        service.office, conn, message, now
    ):
        log.error("outbox %d: no way leads to the applicant, and the case has ended: %s", message.id, reason)
        outbox.dead(conn, replace(message, lease_token=None), error=reason)
