"""A year at a hall, made up: matters told, worked on, forgotten, complained about, in an order that a seed decides.

Everything happens through the doors that people and the clock use (`perform`, the steps of duties, deliveries), so
that what stands in the database is what such a year leaves behind. Which acts there are, who may do them and what they
ask is read from the rules: no region needs a word here.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from core import case as cases
from core import duties, flow, people, store
from core.case import Case
from core.desk.act import Actor, perform
from core.desk.fields import LOOKED_UP, about_conduct, needed
from core.people import SITE
from core.policy.model import Act, Asked, holds
from core.refusals import Refusal
from core.workdays import SHANGHAI
from tests.world import World

# The first Monday on which the rules of a demonstration hall were in force.
BEGINS: Final = {
    "xiangjiang": date(2022, 4, 11),
    "longhui": date(2022, 4, 11),
    "huaiyin": date(2023, 9, 25),
    "neixiang": date(2021, 8, 16),
    "putuo": date(2023, 5, 29),
}
DAYS: Final = 365
ATTENTION: Final = 30  # how often somebody turns to a case before it is forgotten for good
AFTERWARDS: Final = 4  # the same once it has ended
TRIES: Final = 4  # other acts, or the same with other answers, if the first was refused
# What people do more and less often than the rest.
OFTEN: Final = {
    "rate": 8.0, "rate_for": 4.0, "follow_up": 6.0, "reply": 3.0, "hand_in": 3.0, "dispatch": 5.0,
    "redo": 4.0, "redo_here": 4.0, "withdraw": 0.03, "ask_human": 0.1, "answer_citizen": 0.1, "add": 0.2,
    "note_call": 0.2, "handover": 0.1, "recategorise": 0.2, "note_upload": 0.3, "transfer": 0.2,
    "decline": 0.5, "decline_on_spot": 0.2, "guide": 0.2, "conditions_unmet": 0.2, "log_coordination": 0.2,
    "progress": 0.5, "explain_limit": 0.1, "shelve": 0.5, "relevel": 0.4,
}  # fmt: skip
OWED: Final = 4.0  # more often, where a duty waits for it
ITEMS: Final = ("老房加装电梯", "新开餐馆的许可", "社保转移", "不动产登记", "营业执照变更")
WORDS: Final = ("材料交了三回", "跑了五趟", "没人接", "等了两个月", "说法不一样")


class Year:
    """`count` matters over a year from the Monday on which the world stands. `live_to` lets it pass."""

    def __init__(self, world: World, count: int, seed: str) -> None:
        self.world, self.random = world, Random(seed)
        self.rules, self.hall = world.rules, world.office.hall
        self._receivers = self._with_roles(self.rules.slots["receiver"])
        self._units = [unit.key for unit in self.hall.units]
        self._sites = [unit.key for unit in self.hall.units if unit.kind == SITE]
        self._people = [person.key for person in self.hall.people]
        self._turns: list[tuple[datetime, int, int, int]] = []  # when, which, how often, which case
        begins = world.now.astimezone(SHANGHAI).date()
        for number in range(count):
            day = begins + timedelta(days=self.random.randrange(DAYS))
            heapq.heappush(self._turns, (self._hour_of(day), number, 0, 0))

    def live_to(self, end: datetime) -> None:
        """Everything that people and clock do until then."""
        while self._turns and self._turns[0][0] <= end:
            at, number, times, case_id = heapq.heappop(self._turns)
            self._pass_to(max(at, self.world.now))
            if not case_id:
                case_id = self._told()
            else:
                self._touch(case_id)
            if case_id and self._goes_on(case_id, times):
                heapq.heappush(self._turns, (self._next(), number, times + 1, case_id))
        self._pass_to(end)

    # --- telling

    def _told(self) -> int:
        """A matter is told, online or at the window; 0 where nobody could take it."""
        for _ in range(TRIES):
            try:
                return self._submitted() if self.random.random() < 0.5 else self._registered()
            except Refusal:
                continue
        return 0

    def _submitted(self) -> int:
        world = self.world
        with store.transaction(world.office.engine) as conn:
            contact = people.citizen(conn, "wechat", f"o{self.random.randrange(10**9)}")
            case = self._opened(conn, "wechat", contact.id)
            for name, value in self._answers(case, self.rules.intake.questions).items():
                asked = next(q for q in self.rules.intake.questions if q.id == name)
                kept = {"text": str(value)} if asked.personal else {"code": str(value)[:64]}
                case = cases.note(conn, world.office.vault, case, name, now=world.now, by=contact.id, **kept)
            return perform(world.office, conn, Actor(contact, "year"), case, "submit", now=world.now).id

    def _registered(self) -> int:
        world, act = self.world, self.rules.acts["register"]
        who = world.who(self.random.choice(self._receivers))
        with store.transaction(world.office.engine) as conn:
            case = self._opened(conn, "hall", None)
            values = self._answers(case, act.fields)
            if "told_at" in values:  # now and then a matter is registered days after it was told
                late = timedelta(days=self.random.choice((0, 0, 0, 0, 1, 3)), minutes=20)
                told = max(world.now - late, self._in_force())
                values["told_at"] = told.astimezone(SHANGHAI).replace(tzinfo=None).isoformat()[:16]
            actor = Actor(who, "year")
            return perform(world.office, conn, actor, case, "register", now=world.now, values=values).id

    def _opened(self, conn: Any, channel: str, contact_id: int | None) -> Case:
        rules = self.rules
        return cases.open_case(
            conn,
            profile=rules.name,
            version=rules.version,
            channel=channel,
            contact_id=contact_id,
            now=self.world.now,
        )

    def _in_force(self) -> datetime:
        return datetime.combine(BEGINS[self.rules.name], datetime.min.time(), SHANGHAI)

    # --- working on it

    def _touch(self, case_id: int) -> None:
        """Somebody turns to a case: what was sent has arrived, or one of the open acts is done."""
        world = self.world
        case = self._case(case_id)
        if self.random.random() < 0.5:
            case = world.delivered(case)
        with store.transaction(world.office.engine) as conn:
            owed = {name for duty in duties.of_case(conn, case.id) for name in self._met_by(duty.key)}
        acts = [(row.act, row.slot) for row in flow.acts_at(case.stage) if row.act in self.rules.acts]
        weights = [self._weight(act, owed) for act, _ in acts]
        for act, slot in self.random.choices(acts, weights, k=TRIES) if acts else ():
            if slot != "system" and self._done(case, act, slot):
                return

    def _weight(self, act: str, owed: set[str]) -> float:
        wanted = {act, *self.rules.acts[act].moments} & owed
        return OFTEN.get(act, 1.0) * (OWED if wanted else 1.0)

    def _met_by(self, key: str) -> Sequence[str]:
        return self.rules.duty(key).met_by

    def _done(self, case: Case, act: str, slot: str) -> bool:
        world, definition = self.world, self.rules.acts[act]
        try:
            with store.transaction(world.office.engine) as conn:
                able = people.holders(conn, self.rules, case, slot)
                if not able:
                    return False
                actor = Actor(self.random.choice(able), "year")
                values = self._answers(case, definition.fields) | self._days(conn, case, definition)
                perform(world.office, conn, actor, case, act, now=world.now, values=values)
        except Refusal:
            return False
        return True

    def _days(self, conn: Any, case: Case, act: Act) -> dict[str, str]:
        """Another day that is asked for lies soon after the one that runs."""
        asked = {field.id for field in act.fields if field.kind == "date"}
        if not asked & {"extension_due", *self.rules.dated_by_hand}:
            return {}
        dues = [
            d.due_at for d in duties.of_case(conn, case.id) if d.due_at and self.rules.duty(d.key).closing
        ]
        last = max([self.world.now, *dues]).astimezone(SHANGHAI).date()
        day = self.world.office.calendar.shift(last, self.random.randint(1, 3)).isoformat()
        return dict.fromkeys(asked & {"extension_due", *self.rules.dated_by_hand}, day)

    def _goes_on(self, case_id: int, times: int) -> bool:
        case = self._case(case_id)
        if case.stage in flow.GONE:
            return False
        return self.random.random() > 1 / AFTERWARDS if case.stage in flow.ENDED else times < ATTENTION

    # --- what is filled in

    def _answers(self, case: Case, asked: Sequence[Asked]) -> dict[str, Any]:
        """An answer to what must be answered, and to half of the rest."""
        known, given = dict(case.facts()), dict[str, Any]()
        for field in asked:
            known |= {**given, "shielded": case.shielded or about_conduct(self.rules, given)}
            if not holds(field.shown_when, known) or field.kind == "files":
                continue
            if needed(field, known) or self.random.random() < 0.5:
                given[field.id] = self._answer(field)
        return given

    def _answer(self, field: Asked) -> Any:
        pick, now = self.random.choice, self.world.now.astimezone(SHANGHAI)
        if field.kind in LOOKED_UP:
            known = {"site": self._sites, "person": self._people}.get(field.kind, self._units)
            return pick(known) if field.kind != "units" else ",".join(self.random.sample(known, 2))
        if field.kind in ("choice", "level"):
            codes = [choice.code for choice in self.rules.choices(field)]
            # Most people are content, and most matters are not about conduct.
            return pick(codes[:3]) if field.id == "score" and self.random.random() < 0.6 else pick(codes)
        if field.kind in ("text", "long"):
            return pick(ITEMS) if field.id == "item" else pick(WORDS)
        fixed = {"phone": "13800001234", "email": "li@example.com", "number": "3"}
        fixed |= {"date": now.date().isoformat(), "yesno": pick(("yes", "no", "no"))}
        return fixed[field.kind]

    # --- people and time

    def _with_roles(self, roles: Sequence[str]) -> list[str]:
        return [p.key for p in self.hall.people if any(post.role in roles for post in p.posts)]

    def _case(self, case_id: int) -> Case:
        with store.transaction(self.world.office.engine) as conn:
            return cases.load(conn, case_id)

    def _next(self) -> datetime:
        """When somebody turns to it again: mostly within two days, sometimes much later."""
        days = (
            self.random.choice((0, 0, 1, 1, 2)) if self.random.random() < 0.9 else self.random.randint(5, 40)
        )
        later = self.world.now + timedelta(hours=self.random.randint(1, 5))
        return self._hour_of(later.astimezone(SHANGHAI).date() + timedelta(days=days)) if days else later

    def _hour_of(self, day: date) -> datetime:
        hour, minute = self.random.randint(9, 16), self.random.randrange(60)
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI)

    def _pass_to(self, at: datetime) -> None:
        self.world.pass_to(at.astimezone(SHANGHAI).replace(tzinfo=None).isoformat())


def months(world: World) -> Iterator[datetime]:
    """The instants at which a new month begins during the year, and its end."""
    begins = world.now.astimezone(SHANGHAI)
    for number in range(begins.month, begins.month + 12):
        yield datetime(begins.year + number // 12, number % 12 + 1, 1, tzinfo=SHANGHAI)
    yield begins + timedelta(days=DAYS)
