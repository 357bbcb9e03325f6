"""Delivery: what waits in the outbox leaves by a way that is open now, and the plan always ends at a human.

Claim, prepare, send, mark. One thread talks to the database: it draws what goes next to each of a few readers, hands
it to threads that only send, and marks what has come back, with what hangs on the delivery. No transaction is open
while a platform is waited for. The marks are fenced by the lease. Whoever dies in between leaves a lease that runs
out; the message is then sent again under the same key, which the platforms' duplicate guards know.

Several notices may be one message: what a citizen's night has gathered, as far as it fits, and what was kept back
from a member of staff who had been told enough for a day (`core/budget.py`).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.engine import Connection

from bot.cards.card import Card
from bot.cards.draw import desk_card, group_card, notice_card
from bot.cards.join import digest_card, joined
from bot.channels.call import ALTOGETHER, Meaning, Verdict
from bot.channels.channel import Sent
from bot.channels.wire import WireError
from bot.service import Service
from core import budget, cards, duties, outage, outbox, people, store, views
from core import case as cases
from core.case import Case
from core.desk import deliver
from core.outage import Outage
from core.outbox import DIGEST, Message, Receipt
from core.people import Address, Person
from core.policy.model import Profile
from core.refusals import Refusal
from core.workdays import local_day

log = logging.getLogger(__name__)

BATCH: Final = 50
AT_ONCE: Final = 12  # calls under way; each takes a connection to the platform and none to the database
TOGETHER: Final = (
    8  # readers prepared in one transaction: short, because on SQLite it keeps others from writing
)
# A batch is left when so much of its lease is used: one message may still take most of the rest.
WORKING: Final = timedelta(seconds=10)
FIRST_WAIT: Final = 15.0  # seconds before the second try; each further wait is three times as long
LONGEST_WAIT: Final = 3600.0
ALARM_WAIT: Final = 600.0  # a person has to mend something first
GROUP: Final = "group"
WINDOW: Final = "customer_service"  # the route whose messages are counted with the address
CALL_TASK: Final = "call_task"
PRINTED: Final = "printed"
NO_TOKEN: Final = "notoken"  # nothing was sent, because there is nothing to sign it with
TOLD_ANYBODY: Final = "refused"  # the one notice that a stranger to the case may get
ONLINE: Final = frozenset({"wechat"})  # channels a case is told by without anybody at the desk


@dataclass(frozen=True)
class Way:
    """One way to a reader: a channel, a route of it, an address."""

    channel: str
    route: str
    address: str


@dataclass(frozen=True)
class Parcel:
    """Notices to one reader that may go as one message, and the ways that have proved shut to them."""

    messages: tuple[Message, ...]
    tried: frozenset[Way] = frozenset()
    last: str = "no_route"

    @property
    def first(self) -> Message:
        return self.messages[0]

    @property
    def attempts(self) -> int:
        return max(m.attempts for m in self.messages)

    def beyond(self, way: Way, reason: str) -> Parcel:
        """The same, to go by another way than this."""
        return replace(self, tried=self.tried | {way}, last=reason)


@dataclass(frozen=True)
class Errand:
    """A message to be sent: what it carries, how it reads, by which way. `counts`: towards what a member of staff is
    told singly in a day."""

    parcel: Parcel
    card: Card
    way: Way
    counts: bool = False

    @property
    def key(self) -> str:
        """The same for the same notices, so that a platform can tell a repeat."""
        if len(self.parcel.messages) == 1:
            return self.parcel.first.key
        ids = ".".join(str(m.id) for m in self.parcel.messages)
        return f"together.{hashlib.sha256(ids.encode()).hexdigest()[:32]}"

    def receipts(self, sent: Sent) -> list[Receipt]:
        together = len(self.parcel.messages) > 1
        route = DIGEST if together and self.way.route != WINDOW else self.way.route
        reference = sent.reference or (self.key if together else "")
        return [Receipt(m, route, reference) for m in self.parcel.messages]


@dataclass
class Reader:
    """A person or a group, and what is still to be said there. `sorted` once it is known what may go together."""

    parcels: tuple[Parcel, ...]
    sorted: bool = False


@dataclass(frozen=True)
class Prepared:
    """What is to be sent now, what is left for later, and the notice that nothing on a screen can carry."""

    left: tuple[Parcel, ...]
    errand: Errand | None = None
    stranded: tuple[Message, str] | None = None


class Outdated(Exception):
    """The message has lost its reason, named by the text."""


def step(service: Service, now: datetime, machine: datetime) -> int:
    """Deliver what is due; how many messages were claimed. `now` is the case clock, `machine` the machine's."""
    with store.transaction(service.office.engine) as conn:
        batch = outbox.claim(conn, now=now, machine=machine, limit=BATCH)
    Round(service, now, machine).deliver(batch)
    return len(batch)


@dataclass
class Round:
    """The delivery of what was claimed at `machine` (the machine's time); `now` is the case clock."""

    service: Service
    now: datetime
    machine: datetime
    outages: dict[str, Outage] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)
    addresses: dict[int, tuple[Address, ...]] = field(default_factory=dict)

    def deliver(self, batch: Sequence[Message]) -> None:
        """A platform takes its time over each answer, so readers are served at once, each in the order of the
        messages."""
        waiting: dict[tuple[int, int], list[Message]] = {}
        for message in batch:
            waiting.setdefault((message.person_id or 0, message.unit_id or 0), []).append(message)
        # In one order everywhere, so that two workers never wait for each other.
        ready = [Reader((Parcel(tuple(waiting[key])),)) for key in sorted(waiting)]
        away: dict[Future[Sent], tuple[Reader, Errand]] = {}
        if not ready:
            return
        with ThreadPoolExecutor(min(AT_ONCE, len(ready))) as pool:
            while ready or away:
                chunk, ready = ready[:TOGETHER], ready[TOGETHER:]
                for reader, errand in self._prepare(chunk):
                    if errand:
                        away[pool.submit(_send, self.service, errand, self.now)] = (reader, errand)
                    elif reader.parcels:
                        ready.append(reader)
                done, _ = wait(away, 0 if ready else None, FIRST_COMPLETED)
                back = [(*away.pop(future), future.result()) for future in done]
                self._settle(back)
                ready += [reader for reader, _, _ in back if reader.parcels]

    # --- preparing ------------------------------------------------------------------------------------

    def _prepare(self, readers: Sequence[Reader]) -> list[tuple[Reader, Errand | None]]:
        """What goes next to each of them, in one transaction; if that fails, in one each."""
        if not readers:
            return []
        if self.service.machine() - self.machine > WORKING:
            self._leave(readers)
            return []
        try:
            with self._transaction() as conn:
                self.outages = outage.standing(conn)
                self._meet(conn, readers)
                found = [self._next(conn, reader) for reader in readers]
        except Exception as error:
            if len(readers) > 1:
                return [pair for reader in readers for pair in self._prepare([reader])]
            self._stumbled(readers[0], error)
            return [(readers[0], None)]
        for reader, prepared in zip(readers, found, strict=True):
            reader.parcels, reader.sorted = prepared.left, True
            if prepared.stranded:
                self._strand(*prepared.stranded)
        return [(reader, prepared.errand) for reader, prepared in zip(readers, found, strict=True)]

    def _leave(self, readers: Sequence[Reader]) -> None:
        """Too much of the lease is used: somebody takes the rest up anew."""
        machine = self.service.machine()
        with self._transaction() as conn:
            for message in (m for reader in readers for p in reader.parcels for m in p.messages):
                outbox.hold(conn, message, machine=machine, after=0, why="later")

    def _stumbled(self, reader: Reader, error: Exception) -> None:
        """A bug of ours: it must not hold up the others, nor those that were to go with it."""
        first, *rest = reader.parcels
        together = len(first.messages) > 1
        reader.parcels = (*(Parcel((m,)) for m in first.messages if together), *rest)
        reader.sorted = True
        if not together:
            self._bug(first, error)

    def _next(self, conn: Connection, reader: Reader) -> Prepared:
        parcels = reader.parcels if reader.sorted else self._sorted(conn, reader.parcels[0].messages)
        if not parcels:
            return Prepared(())
        parcel, later = parcels[0], parcels[1:]
        drawn = self._drawn(conn, parcel.messages)
        if not drawn:
            return Prepared(later)
        parcel = replace(parcel, messages=tuple(m for m, _ in drawn))
        way, reason = self._way(conn, parcel)
        if way is None:
            rest = parcel.messages[1:]
            left = (replace(parcel, messages=rest), *later) if rest else later
            return Prepared(left, stranded=(parcel.first, reason)) if reason else Prepared(later)
        card, count = self._one(drawn, way)
        if count < len(drawn):
            later = (Parcel(parcel.messages[count:]), *later)
        parcel = replace(parcel, messages=parcel.messages[:count])
        if not self._within_budget(conn, parcel, way):
            return Prepared(later)
        return Prepared(later, Errand(parcel, card, way, self._counts(parcel)))

    def _sorted(self, conn: Connection, messages: tuple[Message, ...]) -> tuple[Parcel, ...]:
        """What may go together. A citizen's notices may; to a member of staff goes singly what is urgent and what the
        day still allows, and the rest waits for a digest."""
        singly = tuple(Parcel((m,)) for m in messages)
        person_id = messages[0].person_id
        if person_id is None:
            return singly
        if self.people[person_id].kind != "staff":
            return (Parcel(messages),)
        kept = [m for m in messages if m.route == DIGEST]
        patient = [m for m in messages if m.notice in self.service.office.profile.patient and m not in kept]
        left = 0
        if patient:
            office = self.service.office
            left = office.hall.messages_a_day - budget.told(conn, person_id, local_day(self.now))
        over = patient[max(0, left) :]
        if not kept:
            for message in over:
                outbox.put_off(conn, message, budget.next_digest(self.service.office, self.now))
        together = [m for m in messages if m in kept or (kept and m in over)]
        now = tuple(p for p in singly if p.first not in kept and p.first not in over)
        return (*now, Parcel(tuple(together))) if together else now

    def _drawn(self, conn: Connection, messages: Sequence[Message]) -> list[tuple[Message, Card]]:
        """The cards of what is still true, drawn now."""
        drawn = []
        for message in messages:
            try:
                drawn.append((message, self._card(conn, message)))
            except Outdated as reason:
                outbox.drop(conn, message, str(reason))
        return drawn

    def _card(self, conn: Connection, message: Message) -> Card:
        """Raises Outdated."""
        service, office = self.service, self.service.office
        if message.case_id is None:
            return desk_card(
                service.words,
                office.profile,
                message.notice,
                clause=message.clause,
                data=message.data,
                base_url=service.settings.base_url,
            )
        case = cases.load(conn, message.case_id)
        rules = office.rules(conn, case)
        if _is_stale_reminder(conn, rules, case, message):
            raise Outdated("done_meanwhile")
        if message.person_id is None:
            return _group_card(service, conn, rules, case, message)
        try:
            view = views.see(office, conn, case, self.people[message.person_id], history=False)
        except Refusal as refusal:
            if message.notice != TOLD_ANYBODY:
                raise Outdated(refusal.code) from None
            return _bare_card(service, rules, case, message)
        return notice_card(
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

    def _one(self, drawn: Sequence[tuple[Message, Card]], way: Way) -> tuple[Card, int]:
        """One message of the first of these cards, and how many of them it carries."""
        found = [card for _, card in drawn]
        if len(found) > 1 and way.route == WINDOW:
            return joined(found)
        if len(found) > 1 and self.people[drawn[0][0].person_id or 0].kind == "staff":
            return digest_card(self.service.words, found, self.service.settings.base_url), len(found)
        return found[0], 1

    def _counts(self, parcel: Parcel) -> bool:
        message = parcel.first
        if len(parcel.messages) > 1 or message.person_id is None:
            return False
        patient = message.notice in self.service.office.profile.patient
        return patient and self.people[message.person_id].kind == "staff"

    def _way(self, conn: Connection, parcel: Parcel) -> tuple[Way | None, str]:
        """The way to try next. Without one: why nothing leads there, or "" if the parcel was put aside until a
        platform that refuses us is mended."""
        reason = parcel.last
        for way in self._ways(conn, parcel.first):
            if way in parcel.tried:
                continue
            refusing = self.outages.get(way.channel)
            machine = self.service.machine()
            if refusing is None or machine >= refusing.again:
                if refusing:
                    self.outages[way.channel] = outage.look(conn, refusing, machine)
                return way, ""
            if not self._is_waited_for(conn, parcel.first, refusing):
                after = (refusing.again - machine).total_seconds()
                self._hold(conn, parcel, after, refusing.why)
                return None, ""
            reason = refusing.reason
        return None, reason

    def _ways(self, conn: Connection, message: Message) -> Iterator[Way]:
        """The ways open to its reader now, best first."""
        if message.unit_id is not None:
            if found := people.group_of(conn, message.unit_id):
                yield Way(found[0], GROUP, found[1])
            return
        for address in self.addresses.get(message.person_id or 0, ()):
            if channel := self.service.channels.get(address.channel):
                for route in channel.routes(address, self.now):
                    yield Way(address.channel, route, address.address)

    def _is_waited_for(self, conn: Connection, message: Message, refusing: Outage) -> bool:
        """Whether an applicant waits for this, and has waited long enough to be called."""
        if message.case_id is None or not refusing.outlasts(self.service.office, self.now):
            return False
        return cases.load(conn, message.case_id).contact_id == message.person_id

    def _within_budget(self, conn: Connection, parcel: Parcel, way: Way) -> bool:
        """What is over a platform's limit waits, and that is no try."""
        limit = self.service.channels[way.channel].budget(way.route, way.address)
        if limit is None:
            return True
        thing, seconds, allowed = limit
        if budget.take(conn, thing, seconds=seconds, allowed=allowed, machine=self.service.machine()):
            return True
        self._hold(conn, parcel, seconds / budget.SLICES, "budget")
        return False

    def _hold(self, conn: Connection, parcel: Parcel, after: float, why: str) -> None:
        machine = self.service.machine()
        for message in parcel.messages:
            outbox.hold(conn, message, machine=machine, after=after, why=why)

    def _meet(self, conn: Connection, readers: Sequence[Reader]) -> None:
        """Load who they are and where they can be reached now."""
        ids = {r.parcels[0].first.person_id or 0 for r in readers}
        self.addresses = people.addresses_of(conn, ids)
        if new := ids - {0, *self.people}:
            self.people |= people.several(conn, new)

    # --- marking --------------------------------------------------------------------------------------

    def _settle(self, back: Sequence[tuple[Reader, Errand, Sent]]) -> None:
        """Act on what came of sending. What nothing hangs on is marked in one transaction, the rest in one each."""
        arrived = [(errand, sent) for _, errand, sent in back if _arrived(sent)]
        plain = [pair for pair in arrived if not any(m.effect for m in pair[0].parcel.messages)]
        alone = [pair for pair in arrived if pair not in plain]
        try:
            if plain:
                with self._transaction() as conn:
                    self._mark(conn, plain)
        except Exception:  # one bad message must not undo the others: each again by itself, and told of there
            alone = arrived
        for pair in alone:
            try:
                with self._transaction() as conn:
                    self._mark(conn, [pair])
            except Exception as error:
                self._bug(pair[0].parcel, error)
        for reader, errand, sent in back:
            if not _arrived(sent) and (parcel := self._missed(errand, sent)):
                reader.parcels = (parcel, *reader.parcels)

    def _mark(self, conn: Connection, arrived: Sequence[tuple[Errand, Sent]]) -> None:
        """They arrived: so it is written, with all that hangs on it."""
        hanging = {m.case_id for e, _ in arrived for m in e.parcel.messages if m.effect and m.case_id}
        for case_id in sorted(hanging):
            cases.load(conn, case_id, lock=True)  # as everywhere: the case first, then its messages
        ways = [errand.way for errand, _ in arrived]
        people.spent(conn, [(way.channel, way.address) for way in ways if way.route == WINDOW])
        for channel in {way.channel for way in ways} & set(self.outages):
            outage.mended(conn, self.outages.pop(channel))
        receipts = [receipt for errand, sent in arrived for receipt in errand.receipts(sent)]
        ours = outbox.sent_all(conn, receipts, self.now)
        for errand, sent in arrived:
            mine = [m for m in errand.parcel.messages if m.id in ours]
            if len(mine) < len(errand.parcel.messages):
                log.warning("outbox %d: sent, but the lease was another's by then", errand.parcel.first.id)
            if mine:
                self._remember(conn, errand, sent)
            for message in mine:
                deliver.delivered(self.service.office, conn, message, errand.way.channel, self.now)

    def _remember(self, conn: Connection, errand: Errand, sent: Sent) -> None:
        message = errand.parcel.first
        if message.person_id is None or len(errand.parcel.messages) > 1:
            return
        if errand.counts:
            budget.tell(conn, message.person_id, local_day(self.now))
        if sent.task_id and message.case_id:
            cards.remember(
                conn,
                self.service.office.vault,
                message,
                channel=errand.way.channel,
                task_id=sent.task_id,
                code=sent.update_code,
                until=sent.code_until,
                rev=errand.card.rev,
            )

    def _missed(self, errand: Errand, sent: Sent) -> Parcel | None:
        """They did not arrive: put them aside, or go on at once with what is returned."""
        parcel, way, verdict = errand.parcel, errand.way, sent.meaning.verdict
        reason = sent.meaning.reason or ("missed" if sent.missed else str(verdict))
        with self._transaction() as conn:
            if reason == NO_TOKEN and way.channel in outage.standing(conn):
                return parcel  # to be put aside: nothing was sent
            if reason in ALTOGETHER:
                log.error("%s refuses us: a person has to mend this: %s", way.channel, reason)
                outage.refused(conn, way.channel, reason, self.now, self.service.machine())
                return parcel
            if verdict in (Verdict.SENT, Verdict.ROUTE_CLOSED, Verdict.RECIPIENT_GONE):
                _shut(conn, way, sent.meaning)
                return parcel.beyond(way, reason)
            if verdict not in (Verdict.RETRY_LATER, Verdict.ALARM) or parcel.attempts >= outbox.TRIES:
                log.error("outbox %d: not by %s: %s", parcel.first.id, way.route, reason)
                return parcel.beyond(way, reason)
            if verdict is Verdict.ALARM:
                log.error("outbox %d: a person has to mend this: %s", parcel.first.id, reason)
            wait = ALARM_WAIT if verdict is Verdict.ALARM else max(sent.meaning.after, _wait(parcel))
            self._again(conn, parcel, wait, reason)
        return None

    def _again(self, conn: Connection, parcel: Parcel, after: float, reason: str) -> None:
        machine = self.service.machine()
        for message in parcel.messages:
            outbox.again(conn, message, machine=machine, after=after, error=reason)

    def _bug(self, parcel: Parcel, error: Exception) -> None:
        reason = f"bug:{type(error).__name__}"
        log.error("outbox %d: %s", parcel.first.id, reason)
        with self._transaction() as conn:
            self._again(conn, parcel, _wait(parcel), reason)

    def _strand(self, message: Message, reason: str) -> None:
        try:
            with self._transaction() as conn:
                _no_way(self.service, conn, message, reason, self.now)
        except Exception as error:
            self._bug(Parcel((message,)), error)

    def _transaction(self) -> AbstractContextManager[Connection]:
        return store.transaction(self.service.office.engine)


# --- preparing ------------------------------------------------------------------------------------------


def _bare_card(service: Service, rules: Profile, case: Case, message: Message) -> Card:
    """A kind answer to somebody who tapped a card of a case that is not theirs: nothing of the case is in it."""
    return Card(
        title="没有办成这一步",
        window=rules.window_name,
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


# --- sending --------------------------------------------------------------------------------------------


def _send(service: Service, errand: Errand, now: datetime) -> Sent:
    channel, way = service.channels[errand.way.channel], errand.way
    try:
        if way.route == GROUP:
            sent = channel.send_group(way.address, errand.card, key=errand.key, now=now)
        else:
            sent = channel.send(way.route, way.address, errand.card, key=errand.key, now=now)
    except WireError as error:
        # The same key goes out again, so that an unknown outcome is no second message.
        sent = Sent(Meaning(Verdict.RETRY_LATER, type(error).__name__.lower()))
    except Exception as error:  # a bug of ours: it must not hold up the others
        sent = Sent(Meaning(Verdict.RETRY_LATER, f"bug:{type(error).__name__}"))
    reason = sent.meaning.reason or sent.meaning.verdict
    log.info("outbox %d: %s by %s %s", errand.parcel.first.id, reason, way.channel, way.route)
    return sent


# --- marking --------------------------------------------------------------------------------------------


def _arrived(sent: Sent) -> bool:
    return sent.meaning.verdict is Verdict.SENT and not sent.missed


def _wait(parcel: Parcel) -> float:
    return min(LONGEST_WAIT, FIRST_WAIT * 3.0 ** (parcel.attempts - 1))


def _shut(conn: Connection, way: Way, meaning: Meaning) -> None:
    """Remember that a way is closed, so that the next message does not try it."""
    if meaning.verdict is Verdict.RECIPIENT_GONE or meaning.reason == "not_following":
        people.following(conn, way.channel, way.address, False)
    elif way.route == WINDOW:
        people.shut(conn, way.channel, way.address)


def _no_way(service: Service, conn: Connection, message: Message, reason: str, now: datetime) -> None:
    """Nothing on a screen leads there: for an applicant a person calls; for staff the message stays visible."""
    case = cases.load(conn, message.case_id, lock=True) if message.case_id else None
    if case is None or message.person_id is None or message.person_id != case.contact_id:
        log.error("outbox %d: no way leads to its reader: %s", message.id, reason)
        outbox.dead(conn, message, error=reason)
        return
    reach = service.office.rules(conn, case).reach.get(message.notice, "")
    if reach == "printed" and case.channel not in ONLINE:
        outbox.sent(conn, message, route=PRINTED, now=now)
    elif reach != "call":
        outbox.drop(conn, message, reason)
    elif outbox.sent(conn, message, route=CALL_TASK, now=now) and not deliver.unreachable(
        service.office, conn, message, now
    ):
        log.error("outbox %d: no way leads to the applicant, and the case has ended: %s", message.id, reason)
        outbox.dead(conn, replace(message, lease_token=None), error=reason)
