"""A small hall with the pages mounted in the barest application, and a browser for each person."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.engine import Engine
from werkzeug.test import TestResponse

from bot import pages
from bot.service import Service
from bot.words import Words
from core import case as cases
from core import duties, logins, people, store
from core.case import Case
from core.desk import clock
from core.desk.act import Actor, perform
from core.office import Office
from core.people import Guidance, Hall, HallPerson, HallPost, HallUnit, Person
from core.settings import Settings

CONTENT = "我叫李秀兰，餐馆执照变更跑了三次，电话13800001234，材料一直不收。"
HOURS = ({"sessions": ["09:00-12:00", "13:30-17:00"]},)
# key: (name, unit, roles); the citizen is met in chat.
STAFF = {
    "window": ("王小美", "window", ("window_staff",)),
    "operator": ("赵审", "window", ("operator",)),
    "handler": ("老张", "housing", ("handler",)),
    "head": ("陈局", "housing", ("unit_head", "unit_deputy_head")),
    "other": ("外单位", "market", ("handler", "unit_head", "unit_deputy_head")),
    "discipline": ("纪委老李", "discipline", ("discipline_office",)),
}
HALL = Hall(
    name="测试大厅",
    profile="xiangjiang",
    site="一楼",
    window_phone="0731-88880000",
    window_address="麓云路100号一楼",
    hours=HOURS,
    units=(
        HallUnit(key="window", name="反映窗口", kind="window"),
        HallUnit(key="housing", name="住房建设局", kind="unit"),
        HallUnit(key="market", name="市场监督管理局", kind="unit"),
        HallUnit(key="park", name="高新园区", kind="external"),
        HallUnit(key="discipline", name="纪工委", kind="discipline"),
    ),
    people=tuple(
        HallPerson(
            key=key,
            name=name,
            phone="0731-8888111" + str(i),
            posts=tuple(HallPost(unit=unit, role=role) for role in roles),
            addresses={"wecom": key},
        )
        for i, (key, (name, unit, roles)) in enumerate(STAFF.items())
    ),
    guidance={"litigation": Guidance(department="法院", address="岳麓大道", phone="12368")},
)
WORDS = Words()


@dataclass
class Screen:
    """A person's browser: opens pages, fills in what a page drew, keeps what it typed."""

    client: FlaskClient
    world: World
    person: Person

    def get(self, path: str, **query: str) -> TestResponse:
        return self.client.get(path, query_string=query or None)

    def open(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, path: str, drawn: str = "", **values: Any) -> TestResponse:
        """Post a form as the page `drawn` (or the page at `path`) carries it."""
        hidden = hidden_of(drawn or self.get(path).text)
        return self.client.post(path, data={**hidden, **values}, content_type="multipart/form-data")


def hidden_of(html: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(ticket|rev)" value="([^"]*)"', html)
    return dict(found)


@dataclass
class World:
    """The hall, its clock, and what people do in it beside the pages."""

    office: Office
    now: datetime
    settings: Settings
    rung: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def engine(self) -> Engine:
        return self.office.engine

    def app(self, settings: Settings | None = None) -> Flask:
        service = Service(
            office=self.office,
            settings=settings or self.settings,
            words=WORDS,
            channels={},
            now=lambda: self.now,
            machine=lambda: self.now,
            ring=lambda *job: self.rung.append(job),
        )
        app = Flask("pages", static_folder=None)
        app.config |= {"TESTING": True, "MAX_CONTENT_LENGTH": 64 * 1024}
        app.register_blueprint(pages.blueprint(service))
        return app

    def person(self, name: str) -> Person:
        with store.transaction(self.engine) as conn:
            if name in STAFF:
                found = people.by_address(conn, "wecom", name)
                assert found
                return found
            return people.citizen(conn, "wechat", name)

    def screen(self, name: str, app: Flask | None = None) -> Screen:
        """The browser of somebody who has signed in."""
        person = self.person(name)
        client = (app or self.app()).test_client()
        with store.transaction(self.engine) as conn:
            secret = logins.sign_in(conn, person.id, "wecom" if name in STAFF else "wechat", self.now)
        client.set_cookie("bancheng", secret)
        return Screen(client, self, person)

    def submitted(self, *, conduct: bool = False, **facts: str) -> Case:
        """A matter the citizen 李秀兰 told in chat."""
        li = self.person("li")
        texts = {"content": CONTENT, "applicant_name": "李秀兰", "applicant_phone": "13800001234", **facts}
        codes = {"relation": "self", "applicant_type": "citizen", "ground": "repeated_trips"}
        codes |= {"about_conduct": "yes"} if conduct else {}
        rules = self.office.profile
        with store.transaction(self.engine) as conn:
            case = cases.open_case(
                conn,
                profile=rules.name,
                version=rules.version,
                channel="wechat",
                contact_id=li.id,
                now=self.now,
            )
            for name, text in texts.items():
                case = cases.note(conn, self.office.vault, case, name, now=self.now, by=li.id, text=text)
            for name, code in codes.items():
                case = cases.note(conn, self.office.vault, case, name, now=self.now, by=li.id, code=code)
        return self.acts("li", case, "submit")

    def acts(self, name: str, case: Case, act: str, **values: Any) -> Case:
        self.now += timedelta(minutes=5)
        with store.transaction(self.engine) as conn:
            actor = Actor(self.person_in(conn, name), "card")
            return perform(self.office, conn, actor, case, act, now=self.now, values=values)

    def person_in(self, conn: sa.Connection, name: str) -> Person:
        found = people.by_address(conn, "wecom" if name in STAFF else "wechat", name)
        assert found
        return found

    def dispatched(self, *, conduct: bool = False, **values: Any) -> Case:
        case = self.acts("window", self.submitted(conduct=conduct), "accept")
        given = {
            "subject": "餐饮执照变更",
            "scope_code": "repeated_trips",
            "level": "complex",
            "unit": "housing",
        }
        given |= {"content_for_unit": "群众反映执照变更多次未办成。"} if conduct else {}
        return self.acts("window", case, "dispatch", **{**given, **values})

    def handed_in(self, *, conduct: bool = False) -> Case:
        case = self.acts("handler", self.dispatched(conduct=conduct), "sign_for")
        return self.acts(
            "handler", case, "hand_in", handled="执照变更", result="已经为您换发新执照。", solved="yes"
        )

    def closed(self) -> Case:
        case = self.acts("head", self.handed_in(), "sign_off")
        with store.transaction(self.engine) as conn:
            case = cases.load(conn, case.id)
            for duty in duties.of_case(conn, case.id):
                if duty.key in ("to_discipline_office", "to_window"):
                    conn.execute(sa.update(store.duty).where(store.duty.c.id == duty.id).values(state="met"))
        return self.acts("window", case, "deliver", feedback_way="phone", delivered_on="2022-04-12")

    def load(self, case: Case) -> Case:
        with store.transaction(self.engine) as conn:
            return cases.load(conn, case.id)

    def words(self, case: Case) -> Mapping[str, str]:
        with store.transaction(self.engine) as conn:
            return cases.words(self.office.vault, cases.load(conn, case.id))

    def acts_done(self, case: Case) -> list[str]:
        with store.transaction(self.engine) as conn:
            return [e.act for e in cases.events(conn, case.id)]

    def looks(self, case: Case) -> list[tuple[int, str, str]]:
        v = store.view_log.c
        with store.transaction(self.engine) as conn:
            rows = conn.execute(
                sa.select(v.person_id, v.what, v.reason).where(v.case_id == case.id).order_by(v.id)
            )
            return [(r.person_id, r.what, r.reason) for r in rows]

    def passes(self, **span: float) -> None:
        """Time goes on and the clock does its steps."""
        self.now += timedelta(**span)
        with store.transaction(self.engine) as conn:
            steps = duties.claim_steps(conn, now=self.now, machine=self.now)
        for step in steps:
            with store.transaction(self.engine) as conn:
                clock.fire(self.office, conn, step, self.now)


Screens = Callable[[str], Screen]
