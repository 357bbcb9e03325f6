"""People who leave something out: who would rather skip every question, a unit that has not named somebody."""

from __future__ import annotations

from core import case as cases
from core import people, store
from core.desk.act import Actor, perform
from core.refusals import Incomplete
from tests.world import ASIDES, World


def insisted_on(world: World, who: str, matter: str, **answers: str) -> str:
    """The questions that are asked again when she skips them; she answers them then, up to the summary."""
    world.say(who, "我要反映")
    world.say(who, matter)
    replies = world.say(who, "说完了")
    again = []
    while replies[-1].name != "summary":
        name = replies[-1].name
        if name in ASIDES:
            replies = world.say(who, ASIDES[name])
            continue
        question = name.removeprefix("ask_")
        replies = world.say(who, "跳过")
        if replies[-1].name == name:
            again.append(question)
            replies = world.say(who, answers[question])
    return " ".join(again)


def missing_at_first(world: World, who: str) -> str:
    """What is missing from an application in which nothing has been said yet."""
    person, rules = world.who(who), world.rules
    with world.office.engine.connect() as conn:  # never committed
        case = cases.open_case(
            conn,
            profile=rules.name,
            version=rules.version,
            channel="wechat",
            contact_id=person.id,
            now=world.now,
        )
        try:
            perform(world.office, conn, Actor(person, "test"), case, "submit", now=world.now)
        except Incomplete as refused:
            return " ".join(refused.problems)
    return ""


def without(world: World, unit: str, role: str) -> None:
    """The hall names nobody with this post in the unit any more."""
    hall = world.office.hall
    left = [p for p in hall.people if not any((post.unit, post.role) == (unit, role) for post in p.posts)]
    with store.transaction(world.office.engine) as conn:
        people.load_hall(conn, hall.model_copy(update={"people": tuple(left)}))
