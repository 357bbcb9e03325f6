"""A hall to play stories in: real database, real rules, a clock that the test pushes, people by name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core import case as cases
from core import duties, forms, intake, outbox, papers, people, store, views
from core.case import Case
from core.desk import attach, clock, deliver
from core.desk.act import Actor, perform
from core.intake import Reply, Said
from core.office import Office
from core.outbox import Message
from core.people import Hall, Person
from core.policy.load import publish, shipped
from core.policy.model import Profile
from core.privacy import Vault, make_key
from core.refusals import Refusal
from core.views import CaseView
from core.workdays import SHANGHAI, Calendar, OfficeHours
from tests import basis

ROOT = Path(__file__).parent.parent


def sandbox_hall(name: str) -> Hall:
    """The hall of the demonstration of that name."""
    path = ROOT / "deploy/sandbox/halls" / f"{name}.toml"
    return Hall.model_validate(tomllib.loads(path.read_text("utf-8")))


HALL = sandbox_hall("xiangjiang")
MONDAY = "2022-04-11T09:30"
# What somebody says who wants her matter taken as it is, whatever the conversation suggests.
ASIDES = {"excluded": "仍请窗口看一看", "same": "不是同一件事", "like": "这和我的情况不一样"}
MATTER = "给老房子加装电梯，材料交了三回，每回都说缺一样，跑了五趟还没受理"


def at(text: str) -> datetime:
    """An instant in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@dataclass
class World:
    """`now` is the case clock. Names of people are those of the demonstration hall."""

    office: Office
    now: datetime
    fired: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, url: str, files: Path, *, start: str = MONDAY, hall: Hall = HALL) -> World:
        engine = store.open_engine(url)
        store.metadata.create_all(engine)
        profile, text = shipped(hall.profile)
        files.mkdir(parents=True, exist_ok=True)
        with store.transaction(engine) as conn:
            publish(conn, text, "profile", at(start))
            people.load_hall(conn, hall)
        hours = OfficeHours.read(hall.hours)
        vault = Vault.from_setting(f"k1:{make_key()}")
        return cls(Office(engine, vault, Calendar.load(), hours, hall, profile, files), at(start))

    @classmethod
    def of(cls, name: str, url: str, files: Path, *, start: str) -> World:
        """The demonstration hall of a region."""
        return cls.make(url, files, start=start, hall=sandbox_hall(name))

    def close(self) -> None:
        """The story ends: all that was told and is owed rests on a clause that can be shown."""
        basis.check_story(self)
        self.office.engine.dispose()

    @property
    def rules(self) -> Profile:
        return self.office.profile

    def in_force_since(self, day: str) -> None:
        """The hall says from when on its rule is in force."""
        hall = self.office.hall.model_copy(update={"effective_from": day})
        self.office = replace(self.office, hall=hall)

    # --- people

    def who(self, key: str) -> Person:
        """Staff by their key in the hall file, citizens by a name (they come by the official account)."""
        with store.transaction(self.office.engine) as conn:
            found = conn.execute(sa.select(store.person.c.id).where(store.person.c.key == key)).scalar()
            return people.get(conn, found) if found else people.citizen(conn, "wechat", key)

    def say(self, who: str, text: str = "", **said: Any) -> list[Reply]:
        """A citizen writes; what the conversation answers."""
        person = self.who(who)
        with store.transaction(self.office.engine) as conn:
            message = Said(said.pop("kind", "text"), text, **said)
            return list(intake.turn(self.office, conn, person, "wechat", message, self.now).replies)

    def tell(self, who: str = "li", matter: str = MATTER, **answers: str) -> Case:
        """A whole conversation, from the first word to the submitted case."""
        given = {
            "relation": "我自己",
            "applicant_type": "个人",
            "applicant_name": "李桂兰",
            "applicant_unit": "示范商贸有限公司",
            "applicant_phone": "13800001234",
            "applicant_email": "跳过",
            "ground": "跑了好几趟，没有解决",
            "prior_channel": "窗口现场交的",
            "trip_count": "5",
            "contact_name": "李梅",
            "about_conduct": "是",
            "attachments": "没有了",
            **answers,
        }
        self.say(who, "我要反映")
        self.say(who, matter)
        replies = self.say(who, "说完了")
        while replies[-1].name != "summary":
            name = replies[-1].name
            if name in ASIDES:
                replies = self.say(who, ASIDES[name])
                continue
            assert name.startswith("ask_"), (name, replies[-1].values)
            replies = self.say(who, given[name.removeprefix("ask_")])
        replies = self.say(who, "确认提交")
        assert replies[-1].name == "submitted", replies
        return self.case(str(replies[-1].values["number"]))

    # --- the desk

    def case(self, number: str) -> Case:
        with store.transaction(self.office.engine) as conn:
            return cases.find(conn, number=number)

    def again(self, case: Case) -> Case:
        with store.transaction(self.office.engine) as conn:
            return cases.load(conn, case.id)

    def do(self, who: str, case: Case, act: str, rev: int | None = None, /, **values: Any) -> Case:
        """An act of somebody, by card or page."""
        person = self.who(who)
        with store.transaction(self.office.engine) as conn:
            actor = Actor(person, "test")
            try:
                return perform(self.office, conn, actor, case, act, now=self.now, values=values, rev=rev)
            except Refusal as refusal:
                basis.check_refusal(self, act, refusal)
                raise

    def register(self, who: str = "zhou", **values: Any) -> Case:
        """The window registers a walk-in or a call."""
        given = {
            "intake_channel": "hall",
            "told_at": self.now.astimezone(SHANGHAI).isoformat(timespec="minutes")[:16],
            "content": MATTER,
            "applicant_type": "citizen",
            "applicant_name": "王建国",
            "applicant_phone": "0731-88889999",
            "ground": "repeated_trips",
            **values,
        }
        with store.transaction(self.office.engine) as conn:
            case = cases.open_case(
                conn,
                profile=self.rules.name,
                version=self.rules.version,
                channel="hall",
                contact_id=None,
                now=self.now,
            )
        return self.do(who, case, "register", **given)

    def dispatch(self, case: Case, *, level: str = "complex", unit: str = "housing", **values: Any) -> Case:
        """Accepted and dispatched by the window."""
        if self.again(case).stage == "SUBMITTED":
            self.do("zhou", case, "accept")
        given = {"subject": "加装电梯申请未获受理", "scope_code": "approval_project", **values}
        if case.shielded or given["scope_code"] == "conduct":
            given.setdefault("content_for_unit", "群众反映窗口受理态度问题")
        return self.do("zhou", case, "dispatch", level=level, unit=unit, **given)

    def result(self, case: Case, **values: str) -> Case:
        """The unit signs for it, hands in a result, the head signs it off."""
        if self.again(case).at("signed_for_at") is None:
            self.do("zhang", case, "sign_for")
        given: dict[str, Any] = {
            "handled": "加装电梯",
            "result": "已受理，三日内出图审意见。",
            "solved": "yes",
            **values,
        }
        self.do("zhang", case, "hand_in", **given)
        return self.do("chen", case, "sign_off")

    def delivered(self, case: Case) -> Case:
        """Every message of the result reached its reader."""
        for message in self.outbox(case):
            if message.effect and message.state == "due":
                with store.transaction(self.office.engine) as conn:
                    conn.execute(
                        sa.update(store.outbox).where(store.outbox.c.id == message.id).values(state="sent")
                    )
                    deliver.delivered(self.office, conn, message, "wechat", self.now)
        return self.again(case)

    def see(self, who: str, case: Case, **how: Any) -> CaseView:
        person = self.who(who)
        with store.transaction(self.office.engine) as conn:
            return views.see(self.office, conn, cases.load(conn, case.id), person, **how)

    def to_do(self, who: str) -> list[Case]:
        person = self.who(who)
        with store.transaction(self.office.engine) as conn:
            return list(views.to_do(self.office, conn, person))

    def words(self, case: Case) -> Mapping[str, str]:
        with store.transaction(self.office.engine) as conn:
            return cases.words(self.office.vault, cases.load(conn, case.id))

    # --- the clock

    def pass_to(self, text: str) -> None:
        """Push the clock; every step on the way happens at its own moment."""
        target = at(text)
        while True:
            with store.transaction(self.office.engine) as conn:
                due = duties.next_step_at(conn)
            if due is None or due > target:
                break
            self.now = max(self.now, due)
            self.sweep()
        self.now = target

    def sweep(self) -> int:
        """Fire what is due now; how many steps had an effect."""
        fired = 0
        with store.transaction(self.office.engine) as conn:
            steps = duties.claim_steps(conn, now=self.now, machine=datetime.now(UTC))
        for step in steps:
            with store.transaction(self.office.engine) as conn:
                if clock.fire(self.office, conn, step, self.now):
                    self.fired.append(step.key)
                    fired += 1
        return fired

    # --- what is refused, what is printed

    def refusal(self, who: str, case: Case, act: str, rev: int | None = None, /, **values: Any) -> Refusal:
        """An act that must be refused, and leave everything as it was; the refusal."""
        before = self.again(case)
        try:
            self.do(who, case, act, rev, **values)
        except Refusal as refusal:
            assert self.again(case) == before, "a refusal changed the case"
            return refusal
        raise AssertionError(f"{who} could {act}")

    def paper(self, who: str, case: Case, form: str, variant: str = "") -> forms.Sheet:
        """A paper of a case as somebody may print it."""
        person = self.who(who)
        with store.transaction(self.office.engine) as conn:
            return papers.sheet(self.office, conn, cases.load(conn, case.id), person, form, variant)

    def ledger(self, who: str, day: str) -> forms.LedgerSheet:
        """The ledger of a day as somebody may print it."""
        person = self.who(who)
        with store.transaction(self.office.engine) as conn:
            return papers.ledger(self.office, conn, person, date.fromisoformat(day), self.now)

    # --- what is on record

    def outbox(self, case: Case, *notices: str) -> list[Message]:
        with store.transaction(self.office.engine) as conn:
            found = outbox.listed(conn, case_id=case.id)
        return [m for m in found if not notices or m.notice in notices]

    def outbox_of(self, who: str, *notices: str) -> list[Message]:
        """What a person was told at all, whatever the case."""
        person = self.who(who)
        with store.transaction(self.office.engine) as conn:
            found = outbox.listed(conn)
        return [m for m in found if m.person_id == person.id and (not notices or m.notice in notices)]

    def numbers(self) -> list[str]:
        """The numbers given so far."""
        with store.transaction(self.office.engine) as conn:
            numbers = conn.execute(sa.select(store.case.c.number).order_by(store.case.c.number)).scalars()
            return [number for number in numbers if number]

    def of_contact(self, who: str) -> Case:
        """The newest case of a citizen, a draft too."""
        person = self.who(who)
        query = sa.select(sa.func.max(store.case.c.id)).where(store.case.c.contact_id == person.id)
        with store.transaction(self.office.engine) as conn:
            return cases.load(conn, conn.execute(query).scalar_one())

    def told(self, who: str, case: Case) -> list[str]:
        """The notices a person was told about a case, in order."""
        person = self.who(who)
        return [m.notice for m in self.outbox(case) if m.person_id == person.id]

    def events(self, case: Case) -> list[cases.Event]:
        with store.transaction(self.office.engine) as conn:
            return list(cases.events(conn, case.id))

    def duty(self, case: Case, key: str, *, open_only: bool = True) -> duties.Open | None:
        """The newest duty of a key."""
        with store.transaction(self.office.engine) as conn:
            found = [d for d in duties.of_case(conn, case.id, open_only=open_only) if d.key == key]
        return found[-1] if found else None

    def duties_of(self, case: Case, key: str) -> list[duties.Open]:
        """All duties of a key, met, void and open ones, oldest first."""
        with store.transaction(self.office.engine) as conn:
            return [d for d in duties.of_case(conn, case.id, open_only=False) if d.key == key]

    def due_day(self, case: Case, key: str = "limit") -> str:
        duty = self.duty(case, key)
        assert duty is not None and duty.due_at is not None
        return duty.due_at.astimezone(SHANGHAI).date().isoformat()

    def attachments(self, case: Case) -> list[attach.Attachment]:
        with store.transaction(self.office.engine) as conn:
            return list(attach.of_case(conn, self.office.vault, case.id))
