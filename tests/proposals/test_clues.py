"""Clues and accountability: matter and unit by the record, a person by whoever decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import library, proposals, store
from core.case import Case
from core.refusals import Incomplete
from tests.proposals.desk import (
    confirm,
    do,
    every,
    look,
    record,
    refuse,
    refused,
    said,
    seen,
    told,
    unit_of,
)
from tests.regions import test_huaiyin as hy
from tests.regions import test_neixiang as nx
from tests.regions import test_putuo as pt
from tests.reports.test_pages import Browser
from tests.world import World


@pytest.fixture
def huaiyin(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("huaiyin", sqlite_url, tmp_path / "files", start="2023-09-25T09:30")
    made.in_force_since("2023-09-01")
    yield made
    made.office.engine.dispose()


@pytest.fixture
def neixiang(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("neixiang", sqlite_url, tmp_path / "files", start="2021-08-09T09:30")
    made.in_force_since("2021-08-01")
    yield made
    made.office.engine.dispose()


@pytest.fixture
def putuo(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("putuo", sqlite_url, tmp_path / "files", start="2023-09-28T10:00")
    yield made
    made.office.engine.dispose()


# --- after a supervision --------------------------------------------------------------------------------


def supervised(world: World, who: str = "li") -> Case:
    """A matter of 湘江新区 that was due on 04-14, for which 纪工委 has issued a supervision: three working days."""
    case = world.dispatch(world.tell(who), level="ordinary")
    world.pass_to("2022-04-15T09:30")
    world.do("gu", case, "supervise")
    assert world.due_day(case, "supervision") == "2022-04-20"
    return world.again(case)


@pytest.mark.clause("XJ-4.4b")
def test_what_is_still_undone_after_supervision_is_one_clue_on_matter_and_unit(world: World) -> None:
    case = supervised(world)
    world.pass_to("2022-04-20T17:00")
    look(world)
    assert every(world) == []

    world.pass_to("2022-04-20T17:00:01")

    (clue,) = every(world)
    assert (clue.case_id, clue.unit_id, clue.person_id) == (case.id, unit_of(world, "housing"), None)
    assert clue.evidence == {"cases": [case.id], "duties": ["supervision"]}
    assert look(world) == () and len(every(world)) == 1
    assert told(world, "gu") == ["proposal_wanted"]
    for other in ("chen", "zhang", "xiao", "zhou"):
        assert seen(world, other) == []
        with refused("not_yours"):
            confirm(world, other, clue, person_id=world.who("zhang").id)

    done = confirm(world, "gu", clue, person_id=world.who("zhang").id, words="未按督办要求办理。")
    assert done.person_id == world.who("zhang").id
    with refused("not_yours"):
        do(world, "chen", "add", clue.ref, "已经谈过话了")
    do(world, "gu", "add", clue.ref, "诫勉谈话。")
    assert said(world, clue)[-1] == ("outcome", "诫勉谈话。")
    assert seen(world, "chen") == [], "a clue stays with the body that decides"


@pytest.mark.clause("XJ-4.4b")
def test_what_was_not_issued_or_was_handed_in_in_time_is_no_clue(hall: World) -> None:
    prepared = hall.dispatch(hall.tell("wang"), level="ordinary")
    hall.result(supervised(hall))
    hall.pass_to("2022-04-28T09:00")
    look(hall)
    assert hall.duty(prepared, "issue_supervision") and every(hall) == []


@pytest.mark.clause("XJ-4.4b")
def test_waiting_for_the_applicant_that_is_proven_is_no_clue(hall: World) -> None:
    """AMB-G14: asked and answered, both on record, moves the date that is held against the unit."""
    case = supervised(hall)
    hall.do("zhang", case, "sign_for")
    hall.pass_to("2022-04-18T10:00")
    hall.do("zhang", case, "ask", question="请补房产证复印件")
    hall.pass_to("2022-04-19T15:00")
    hall.do("li", case, "answer", answer="已经送到窗口")
    hall.pass_to("2022-04-21T16:30")
    look(hall)
    assert every(hall) == [], "one day of waiting is one day more"
    hall.pass_to("2022-04-21T17:00:01")
    assert [p.entry for p in every(hall)] == ["undone_after_supervision"]


@pytest.mark.clause("NX-5.3d")
def test_a_window_that_does_nothing_after_supervision_is_reported_by_the_leading_group(
    neixiang: World,
) -> None:
    case = nx.dispatched(neixiang, who="jing")
    neixiang.pass_to("2021-08-18T09:00")
    neixiang.do("bian", case, "supervise")
    neixiang.pass_to("2021-08-26T09:00")

    (clue,) = every(neixiang)
    assert (clue.case_id, clue.person_id) == (case.id, None)
    assert clue.unit_id == neixiang.again(case).unit_id
    assert told(neixiang, "cen") == [], "nobody above hears of it before a person reports it"
    with refused("not_yours"):
        confirm(neixiang, "jing", clue)
    done = confirm(neixiang, "gong", clue, person_id=neixiang.who("miao").id)
    assert done.person_id == neixiang.who("miao").id
    assert told(neixiang, "cen") == ["proposal_told"]


# --- 问责 in 淮阴 -----------------------------------------------------------------------------------------


@pytest.mark.clause("HY-7.3a")
def test_a_matter_the_unit_had_not_registered_is_linked_as_evidence(huaiyin: World) -> None:
    case = hy.registered(huaiyin, "qiu", intake_channel="field_visit")

    (made,) = record(huaiyin, "tao", "not_registered", case, unit="housing")

    assert (made.entry, made.case_id, made.unit_id) == (
        "not_registered",
        case.id,
        unit_of(huaiyin, "housing"),
    )
    assert [one.id for one in seen(huaiyin, "qiu") if one.entry == "not_registered"] == [made.id]


@pytest.mark.clause("HY-7.3b")
def test_each_missed_task_of_a_session_stands_in_the_list_of_the_second_ground(huaiyin: World) -> None:
    first = hy.in_session(huaiyin, hy.reported(huaiyin, hy.registered(huaiyin)))
    second = hy.in_session(huaiyin, hy.reported(huaiyin, hy.registered(huaiyin)))
    for case in (first, second):
        huaiyin.do("meng", case, "contribute", contribution="规划意见已出")
    huaiyin.pass_to("2023-10-12T09:00")

    one, other = every(huaiyin, "not_cooperating")
    assert [p.case_id for p in (one, other)] == [first.id, second.id]
    assert {p.unit_id for p in (one, other)} == {unit_of(huaiyin, "market")}
    page = Browser(huaiyin, "qiu").get(f"/proposals/{one.ref}")
    assert f'href="/proposals/{other.ref}"' in page and str(second.number) in page
    page = Browser(huaiyin, "qiu").get(f"/proposals/{other.ref}")
    assert f'href="/proposals/{one.ref}"' in page and str(first.number) in page


@pytest.mark.clause("HY-7.3c")
def test_accountability_is_a_proposal_that_a_person_starts_or_refuses_with_a_reason(huaiyin: World) -> None:
    case = hy.returned(huaiyin, hy.reported(huaiyin, hy.registered(huaiyin)))
    assert look(huaiyin) == ()
    (made,) = record(huaiyin, "qiu", "fault", case, code="unskilled")
    assert (made.state, made.person_id) == ("proposed", None)
    with pytest.raises(Incomplete) as caught:
        refuse(huaiyin, "tao", made)
    assert caught.value.problems == {"words": "missing"}
    with refused("not_yours"):
        confirm(huaiyin, "sun", made)
    assert refuse(huaiyin, "tao", made, words="是政策变了，不是业务不熟。").state == "refused"
    (other,) = record(huaiyin, "qiu", "fault", hy.registered(huaiyin), unit="land", code="bad_style")
    assert confirm(huaiyin, "tao", other).decided_by == huaiyin.who("tao").id


PARTS = {
    "item": "施工许可",
    "problem": "三个部门的意见互相等，半年没有受理",
    "cause_code": "",
    "cause": "部门之间没有衔接",
    "solution": "一次会办，两局同时出意见",
}


def entry_of(world: World, case: Case) -> library.Entry:
    person = world.who("qiu")
    code = world.rules.lists["causes"][0].code
    with store.transaction(world.office.engine) as conn:
        made = library.propose(world.office, conn, case, person, {**PARTS, "cause_code": code}, world.now)
        return library.approve(
            world.office,
            conn,
            made.ref,
            person,
            {**PARTS, "cause_code": code},
            owner=person.id,
            review_on=None,
            now=world.now,
        )


def published(world: World) -> list[str]:
    with store.transaction(world.office.engine) as conn:
        return [f.entry.item for f in library.search(conn, "施工许可", public=True)]


@pytest.mark.clause("HY-7.2a")
def test_a_good_example_may_be_published_at_any_time_and_names_nobody(huaiyin: World) -> None:
    entry = entry_of(
        huaiyin, hy.closed(huaiyin, hy.returned(huaiyin, hy.reported(huaiyin, hy.registered(huaiyin))))
    )
    qiu = huaiyin.who("qiu")
    with store.transaction(huaiyin.office.engine) as conn:
        library.make_public(huaiyin.office, conn, entry.ref, qiu, "positive", huaiyin.now)
    assert published(huaiyin) == ["施工许可"]
    assert "王建国" not in entry.text and "0731" not in entry.text


@pytest.mark.clause("HY-7.2b")
def test_a_warning_waits_for_a_second_person(huaiyin: World) -> None:
    case = hy.closed(huaiyin, hy.returned(huaiyin, hy.reported(huaiyin, hy.registered(huaiyin))))
    qiu = huaiyin.who("qiu")
    with pytest.raises(Incomplete), store.transaction(huaiyin.office.engine) as conn:
        told_too_much = {**PARTS, "problem": "王建国打了0731-88889999", "cause_code": "x"}
        library.propose(huaiyin.office, conn, case, qiu, told_too_much, huaiyin.now)
    entry = entry_of(huaiyin, case)
    with store.transaction(huaiyin.office.engine) as conn:
        library.make_public(huaiyin.office, conn, entry.ref, qiu, "negative", huaiyin.now)
    assert published(huaiyin) == []
    with refused("same_person"), store.transaction(huaiyin.office.engine) as conn:
        library.second(huaiyin.office, conn, entry.ref, qiu, True, huaiyin.now)
    tao = huaiyin.who("tao")
    with store.transaction(huaiyin.office.engine) as conn:
        library.second(huaiyin.office, conn, entry.ref, tao, True, huaiyin.now)
    assert published(huaiyin) == ["施工许可"]


# --- a fault found after a redo, in 内乡 -------------------------------------------------------------------


@pytest.mark.clause("NX-W5b")
def test_a_fault_found_after_a_redo_opens_a_notice_without_an_opinion(neixiang: World) -> None:
    case = nx.closed(neixiang, nx.told_online(neixiang))
    with refused("not_redone"):
        record(neixiang, "jing", "fault", case)
    case = neixiang.do("li", case, "rate", score="2")

    (notice,) = record(neixiang, "jing", "fault", case)

    assert (notice.entry, notice.unit_id, notice.person_id) == ("fault_notice", case.unit_id, None)
    assert [words for _, words in said(neixiang, notice)] == [""], "the opinion is a person's to write"
    assert told(neixiang, "fang") == [] and told(neixiang, "gong") == []
    with pytest.raises(Incomplete) as caught:
        confirm(neixiang, "jing", notice)
    assert caught.value.problems == {"words": "missing"} and told(neixiang, "fang") == []

    confirm(neixiang, "jing", notice, words="向申请人说明情况，三日内补齐一次性告知清单。")

    assert told(neixiang, "fang") == ["proposal_told"] and told(neixiang, "gong") == ["proposal_told"]
    assert seen(neixiang, "fang") and seen(neixiang, "qiao") == []


# --- clues passed on, in 普陀 -----------------------------------------------------------------------------


@pytest.mark.clause("PT-7.4c")
def test_a_clue_passed_on_is_read_by_sender_head_and_target_alone(putuo: World) -> None:
    case = pt.registered(putuo)
    clue = do(
        putuo,
        "fang",
        "send",
        "clue",
        case=case,
        to_unit=unit_of(putuo, "discipline"),
        words="有人收钱插队，地点、时间见附件。",
    )

    may_read = {p.key for p in putuo.office.hall.people if seen(putuo, p.key)}
    assert may_read == {"fang", "shen", "yan"}
    for stranger in ("lu", "kang", "hua"):
        person = putuo.who(stranger)
        with refused("not_yours"), store.transaction(putuo.office.engine) as conn:
            proposals.read(putuo.office, conn, clue.ref, person)
    assert told(putuo, "yan") == ["proposal_sent"] and told(putuo, "fang") == []
    case = putuo.again(case)
    with store.transaction(putuo.office.engine) as conn:
        assert proposals.transferred(putuo.office, conn, case)
    assert all("收钱" not in text for text in putuo.words(case).values())
    assert all("clue" not in e.act for e in putuo.events(case))


@pytest.mark.clause("PT-7.4c")
def test_the_operator_may_pass_on_a_clue_itself(putuo: World) -> None:
    case = pt.registered(putuo)
    do(putuo, "shen", "send", "clue", case=case, to_unit=unit_of(putuo, "housing"), words="冒名办理。")
    assert {p.key for p in putuo.office.hall.people if seen(putuo, p.key)} == {"shen", "ren"}


@pytest.mark.clause("PT-7.4c")
def test_a_clue_to_one_department_is_not_read_by_another(putuo: World) -> None:
    case = pt.registered(putuo)
    do(putuo, "fang", "send", "clue", case=case, to_unit=unit_of(putuo, "housing"), words="冒名办理。")
    assert {p.key for p in putuo.office.hall.people if seen(putuo, p.key)} == {"fang", "shen", "ren"}


@pytest.mark.parametrize(
    ("who", "unit", "words", "code"),
    [
        ("kang", "discipline", "x", "not_yours"),
        ("meng", "discipline", "x", "not_yours"),  # another site's window
        ("fang", "zw", "x", "incomplete"),  # nobody there is competent
        ("fang", "discipline", " ", "incomplete"),
        ("fang", "", "x", "incomplete"),
    ],
)
def test_a_clue_is_sent_from_the_matter_with_words_to_somebody_competent(
    putuo: World, who: str, unit: str, words: str, code: str
) -> None:
    case = pt.registered(putuo)
    with refused(code):
        to_unit = unit_of(putuo, unit) if unit else 0
        do(putuo, who, "send", "clue", case=case, to_unit=to_unit, words=words)
    assert every(putuo) == []
