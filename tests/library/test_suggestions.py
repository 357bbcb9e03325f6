"""What is suggested at triage and to a citizen, and what never is."""

from __future__ import annotations

import pytest

from core import store, suggest
from core.case import Case
from core.suggest import Suggestion
from tests.library.test_entries import approve, approved, closed, make_public, propose, second
from tests.world import MATTER, World

RETOLD = "老房子加装电梯的材料交了三回了，每回都说缺一样，跑了五趟还是没受理，我妈上不了楼"
OTHER = "驾驶证换证的材料交了两回，照片一直传不上去"


def at_triage(world: World, case: Case, text: str) -> dict[str, Suggestion]:
    with store.transaction(world.office.engine) as conn:
        return dict(suggest.at_triage(world.office, conn, case, text))


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("小区物业不让用维修资金，业委会跑了好几趟", "housing"),
        ("营业执照变更法定代表人，材料退了三回", "market"),
        ("契税交了两年，退税一直没下来", "tax"),
    ],
)
def test_a_unit_is_suggested_with_the_words_that_speak_for_it(hall: World, text: str, unit: str) -> None:
    case = hall.tell()
    guess = at_triage(hall, case, text)["unit"]
    assert guess.value == unit
    assert guess.words and all(word in text for word in guess.words)


def test_no_unit_is_suggested_that_the_hall_does_not_have(hall: World) -> None:
    assert "unit" not in at_triage(hall, hall.tell(), "驾驶证换证，车管所不给年审")


def test_what_the_hall_has_judged_before_is_suggested_with_how_often(world: World) -> None:
    assert "level" not in at_triage(world, world.tell(), MATTER)
    for who in ("wang", "zhao", "qian"):
        closed(world, who=who)
    found = at_triage(world, world.tell(who="sun"), MATTER)
    assert (found["level"].value, found["level"].near) == ("complex", 3)
    assert (found["scope_code"].value, found["scope_code"].near) == ("approval_project", 3)


def test_entries_stand_beside_a_like_matter_only(world: World) -> None:
    approved(world)
    with store.transaction(world.office.engine) as conn:
        assert [f.entry.item for f in suggest.like_entries(conn, MATTER)] == ["既有住宅加装电梯"]
        assert suggest.like_entries(conn, OTHER) == ()
        assert suggest.like_entries(conn, "") == ()


# --- in the conversation --------------------------------------------------------------------------------


def tell(world: World, who: str, text: str) -> str:
    """She tells a matter; what she is asked next."""
    world.say(who, "我要反映")
    world.say(who, text)
    return world.say(who, "说完了")[-1].name


def test_the_same_person_telling_the_same_again_is_offered_to_join(world: World) -> None:
    running = world.tell()
    world.say("li", "我要反映")
    world.say("li", RETOLD)
    world.say("li", kind="image", media_id="m1")
    asked = world.say("li", "说完了")[-1]
    assert asked.name == "same" and asked.values["number"] == running.number

    answer = world.say("li", "并到那一件里")[-1]

    assert (answer.name, answer.values["number"]) == ("joined", running.number)
    assert world.words(running)["supplement"] == RETOLD
    assert [a.case_id for a in world.attachments(running)] == [running.id]
    assert world.of_contact("li").stage == "WITHDRAWN"
    assert world.numbers() == [running.number]
    assert world.say("li", "进度")[-1].values["drafting"] is False


def test_she_may_say_that_it_is_another_matter(world: World) -> None:
    world.tell()
    assert tell(world, "li", RETOLD) == "same"
    assert world.say("li", "不是同一件事")[-1].name.startswith("ask_")
    assert len(world.numbers()) == 1


def test_another_matter_of_hers_is_not_taken_for_the_same(hall: World) -> None:
    hall.tell()
    assert tell(hall, "li", OTHER).startswith("ask_")


def test_a_matter_told_by_voice_alone_is_like_no_other(hall: World) -> None:
    for _ in range(2):
        hall.say("li", "我要反映")
        hall.say("li", kind="voice", media_id="v1")
        replies = hall.say("li", "说完了")
        assert replies[-1].name.startswith("ask_")
        hall.say("li", "重新开始")


def test_nobody_hears_of_somebody_elses_matter_by_a_telephone_number(world: World) -> None:
    """A number she types proves nothing: only the window sees that two cases have the same."""
    first = world.tell("li")
    assert tell(world, "wang", RETOLD).startswith("ask_")
    later = world.tell("zhao", RETOLD)
    other = world.tell("qian", RETOLD, applicant_phone="13900005678")
    desk, citizen, officer = (world.who(who) for who in ("zhou", "zhao", "zhang"))
    with store.transaction(world.office.engine) as conn:
        assert suggest.same_caller(world.office, conn, later, "138-0000-1234", desk) == (first.number,)
        assert suggest.same_caller(world.office, conn, other, "13900005678", desk) == ()
        assert suggest.same_caller(world.office, conn, other, "", desk) == ()
        for who in (citizen, officer):
            assert suggest.same_caller(world.office, conn, later, "138-0000-1234", who) == ()


def test_a_citizen_is_shown_a_public_answer_and_may_go_on(world: World) -> None:
    entry = approved(world)
    assert tell(world, "wang", MATTER).startswith("ask_")  # approved, but not public
    world.say("wang", "重新开始")
    make_public(world, entry)
    world.say("zhao", "我要反映")
    world.say("zhao", MATTER)
    shown = world.say("zhao", "说完了")[-1]
    assert shown.name == "like" and shown.values["solution"] == entry.solution
    assert shown.choices[0][1] == "这和我的情况不一样"
    assert world.say("zhao", "这和我的情况不一样")[-1].name.startswith("ask_")


def test_a_citizen_whom_the_answer_helps_need_not_tell_it(hall: World) -> None:
    make_public(hall, approved(hall))
    assert tell(hall, "zhao", MATTER) == "like"
    assert hall.say("zhao", "我明白了，不用反映了")[-1].name == "enough"
    assert hall.of_contact("zhao").stage == "WITHDRAWN"


def test_what_does_not_fit_is_not_shown_to_a_citizen(hall: World) -> None:
    make_public(hall, approved(hall))
    assert tell(hall, "zhao", OTHER).startswith("ask_")


def test_a_warning_is_shown_to_nobody_before_the_second_look(hall: World) -> None:
    entry = make_public(hall, approved(hall), "negative")
    assert tell(hall, "zhao", MATTER).startswith("ask_")
    second(hall, entry, "gu")
    hall.say("zhao", "重新开始")
    assert tell(hall, "wang", MATTER) == "like"


def test_an_answer_from_a_case_badly_rated_since_is_shown_no_more(hall: World) -> None:
    case = closed(hall)
    make_public(hall, approve(hall, propose(hall, case)))
    hall.do("li", case, "rate", score="1")
    assert tell(hall, "zhao", MATTER).startswith("ask_")
