"""From a closed case to an entry that points to nobody and is found by all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import library, store
from core.case import Case
from core.library import Entry
from core.people import Person
from core.privacy import anonymous, personal_in
from core.refusals import Incomplete, Refusal
from tests.world import World

PARTS = {
    "item": "既有住宅加装电梯",
    "problem": "材料交了三回，每回都说缺一样",
    "cause_code": "material",
    "cause": "窗口没有一次讲清要哪些材料",
    "solution": "按一张清单一次讲清，容缺受理，三天补齐图审意见",
}


def closed(world: World, **told: str) -> Case:
    case = world.tell(**told)
    world.dispatch(case)
    return world.delivered(world.result(case))


def propose(world: World, case: Case, who: str = "zhou", **parts: str) -> Entry:
    with of(world, who) as (conn, person):
        return library.propose(world.office, conn, case, person, {**PARTS, **parts}, world.now)


def approve(world: World, entry: Entry, who: str = "xiao", *, on: date | None = None, **parts: str) -> Entry:
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        return library.approve(
            world.office,
            conn,
            entry.ref,
            person,
            {**PARTS, **parts},
            owner=person.id,
            review_on=on,
            now=world.now,
        )


def approved(world: World, **parts: str) -> Entry:
    return approve(world, propose(world, closed(world), **parts), on=None, **parts)


def found(world: World, text: str, *, cause: str = "", public: bool = False) -> list[str]:
    with store.transaction(world.office.engine) as conn:
        return [f.entry.item for f in library.search(conn, text, cause=cause, public=public)]


@contextmanager
def of(world: World, who: str) -> Iterator[tuple[Connection, Person]]:
    """A transaction of somebody."""
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        yield conn, person


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code == code


@pytest.mark.clause("PT-5.4a")
def test_a_closed_case_becomes_an_entry(world: World) -> None:
    case = closed(world)
    with of(world, "zhou") as (conn, person):
        draft = library.draft(world.office, conn, case, person, world.now)
    assert draft["item"] == "加装电梯申请未获受理" and "加装电梯" in draft["problem"]
    assert draft["solution"] == "已受理，三日内出图审意见。"

    entry = approve(world, propose(world, case))

    assert (entry.state, entry.item, entry.cause, entry.solution) == (
        "approved",
        PARTS["item"],
        PARTS["cause"],
        PARTS["solution"],
    )
    assert entry.written_by == world.who("zhou").id and entry.approved_by == world.who("xiao").id


def test_only_a_closed_case_once(world: World) -> None:
    case = world.tell()
    world.dispatch(case)
    with refused("not_now"):
        propose(world, case)
    world.delivered(world.result(case))
    propose(world, case)
    with refused("done_already"):
        propose(world, case)


def test_what_is_not_approved_is_not_found(world: World) -> None:
    entry = propose(world, closed(world))
    assert found(world, "电梯") == []
    approve(world, entry)
    assert found(world, "电梯") == [PARTS["item"]]
    with of(world, "xiao") as (conn, person):
        library.retire(world.office, conn, entry.ref, person)
    assert found(world, "电梯") == []
    with store.transaction(world.office.engine) as conn:
        left = conn.execute(sa.select(sa.func.sum(store.library_term.c.entries))).scalar()
    assert left == 0


@pytest.mark.parametrize("gap", ["item", "problem", "cause_code", "cause", "solution"])
@pytest.mark.clause("PT-7.2c")
def test_an_entry_without_cause_or_remedy_is_refused(hall: World, gap: str) -> None:
    with pytest.raises(Incomplete) as caught:
        propose(hall, closed(hall), **{gap: "  "})
    assert caught.value.problems == {gap: "missing"}


@pytest.mark.clause("PT-7.2c")
def test_entries_are_found_by_item_and_by_cause(world: World) -> None:
    approved(world)
    assert found(world, "加装电梯") == [PARTS["item"]]
    assert found(world, "讲清 材料") == [PARTS["item"]]
    assert found(world, "电梯", cause="material") == [PARTS["item"]]
    assert found(world, "电梯", cause="policy") == []


@pytest.mark.parametrize(
    "words",
    [
        "李桂兰交了三回材料",
        "请打 13800001234",
        "寄到 li@example.com",
        "证号 430102196001011234",
        "车是湘A12345",
        "住在金星路12号3栋502室",
    ],
)
def test_what_points_to_somebody_is_refused(hall: World, words: str) -> None:
    case = closed(hall)
    with pytest.raises(Incomplete) as caught:
        propose(hall, case, problem=words)
    assert caught.value.problems == {"problem": "personal"}
    entry = propose(hall, case)
    with pytest.raises(Incomplete):
        approve(hall, entry, problem=words)


def test_a_draft_names_nobody(hall: World) -> None:
    matter = (
        "我叫李桂兰，住金星路12号3栋502室，车牌湘A12345，张师傅让我打13900001111找王建国主任，跑了三趟没办成"
    )
    case = closed(hall, matter=matter)
    with of(hall, "zhou") as (conn, person):
        draft = library.draft(hall.office, conn, case, person, hall.now)
    told = draft["problem"]
    assert not any(
        word in told for word in ("李桂兰", "12号", "502", "湘A", "13900001111", "张师傅", "王建国")
    )
    assert "跑了三趟没办成" in told
    assert not personal_in(told, ["李桂兰"])


def test_looking_at_a_case_for_its_entry_leaves_a_trace(hall: World) -> None:
    case = closed(hall)
    with of(hall, "zhou") as (conn, person):
        library.draft(hall.office, conn, case, person, hall.now)
        looks = conn.execute(sa.select(store.view_log.c.person_id, store.view_log.c.what)).all()
    assert (hall.who("zhou").id, "library") in [tuple(look) for look in looks]


def test_a_draft_of_a_shielded_case_holds_only_what_the_window_wrote_for_the_unit(hall: World) -> None:
    case = hall.tell(matter="窗口的人骂我，态度太差，我是三楼那个卖菜的", about_conduct="是")
    hall.dispatch(case)
    case = hall.delivered(hall.result(case))
    with of(hall, "zhou") as (conn, person):
        draft = library.draft(hall.office, conn, case, person, hall.now)
    assert draft["problem"] == "群众反映窗口受理态度问题"


@pytest.mark.parametrize("who", ["zhang", "chen", "gu"])
def test_only_the_window_writes_and_only_the_operator_approves(hall: World, who: str) -> None:
    case = closed(hall)
    with refused("not_yours"):
        propose(hall, case, who)
    entry = propose(hall, case)
    for stranger in (who, "zhou"):
        with refused("not_yours"):
            approve(hall, entry, stranger)


def test_its_owner_is_reminded_once_when_it_is_to_be_reviewed(world: World) -> None:
    entry = approve(world, propose(world, closed(world)), on=date(2022, 5, 9))

    def remind() -> int:
        with store.transaction(world.office.engine) as conn:
            return library.remind(world.office, conn, world.now)

    assert remind() == 0 and world.outbox_of("xiao", "library_review") == []
    world.now += timedelta(days=30)
    remind()
    remind()
    assert len(world.outbox_of("xiao", "library_review")) == 1
    with of(world, "xiao") as (conn, person):
        library.reviewed(world.office, conn, entry.ref, person, world.now)
    assert remind() == 0


# --- public ---------------------------------------------------------------------------------------------


def make_public(world: World, entry: Entry, tone: str = "positive", who: str = "xiao") -> Entry:
    with of(world, who) as (conn, person):
        return library.make_public(world.office, conn, entry.ref, person, tone, world.now)


def second(world: World, entry: Entry, who: str, agrees: bool = True) -> Entry:
    with of(world, who) as (conn, person):
        return library.second(world.office, conn, entry.ref, person, agrees, world.now)


@pytest.mark.clause("XJ-3.3e", "NX-5.4b", "PT-7.3d")
def test_only_a_closed_case_not_badly_rated_becomes_public(world: World) -> None:
    case = closed(world)
    entry = approve(world, propose(world, case))
    with pytest.raises(Incomplete):
        approve(world, entry, solution="李桂兰已拿到受理单，电话13800001234")
    world.do("li", case, "rate", score="2")
    with refused("not_presentable"):
        make_public(world, entry)
    assert found(world, "电梯", public=True) == []


@pytest.mark.clause("XJ-3.3e", "NX-5.4b", "PT-7.3d")
def test_a_good_example_is_public_at_once(world: World) -> None:
    case = closed(world)
    world.do("li", case, "rate", score="5")
    shown = make_public(world, approve(world, propose(world, case)))
    assert shown.published_at == world.now
    assert found(world, "电梯", public=True) == [PARTS["item"]]


def test_a_warning_waits_for_a_second_person(world: World) -> None:
    entry = make_public(world, approved(world), "negative")
    assert entry.published_at is None and found(world, "电梯", public=True) == []
    with refused("same_person"):
        second(world, entry, "xiao")
    with refused("not_yours"):
        second(world, entry, "zhou")
    assert second(world, entry, "gu").published_by == world.who("gu").id
    assert found(world, "电梯", public=True) == [PARTS["item"]]


def test_a_warning_refused_can_be_asked_for_again(hall: World) -> None:
    entry = make_public(hall, approved(hall), "negative")
    assert second(hall, entry, "gu", agrees=False).tone == ""
    assert make_public(hall, entry, "negative").tone == "negative"


def test_a_changed_text_is_looked_at_anew_before_it_is_public(hall: World) -> None:
    entry = make_public(hall, approved(hall))
    assert approve(hall, entry).published_at is not None
    assert approve(hall, entry, solution="换了一种办法").published_at is None


def test_a_public_entry_is_shown_no_more_once_its_case_is_badly_rated(world: World) -> None:
    case = closed(world)
    entry = make_public(world, approve(world, propose(world, case)))
    with store.transaction(world.office.engine) as conn:
        assert library.presentable(world.office, conn, entry)
    world.do("li", case, "rate", score="1")
    with store.transaction(world.office.engine) as conn:
        assert not library.presentable(world.office, conn, entry)


def test_words_that_stand_apart_are_not_a_longer_word(world: World) -> None:
    approved(world, problem="医保卡不能用，要去保险公司", item="医保报销")
    assert found(world, "医保") == ["医保报销"]
    with store.transaction(world.office.engine) as conn:
        assert library._holding(conn, ["医保险"], sa.true(), 5) == ()  # 医保 and 保险 both stand there


def test_known_names_are_replaced_the_longest_first() -> None:
    names = {"李桂": "甲", "李桂兰": "当事人"}
    assert anonymous("李桂兰来过", names) == "当事人来过"
