"""Thresholds: interviews, notices of what comes back, praise. Figures are checked in other words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import heartbeat, improvement, proposals, store
from core.improvement import Kind
from core.refusals import Incomplete
from tests.proposals.desk import (
    confirm,
    day,
    do,
    every,
    laid,
    look,
    moved,
    refused,
    seen,
    sql,
    told,
    unit_of,
)
from tests.world import World, at


@pytest.fixture
def putuo(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("putuo", sqlite_url, tmp_path / "files", start="2022-08-31T09:30")
    yield made
    made.office.engine.dispose()


def rated(
    world: World, unit: str, good: int, bad: int, on: str = "2022-06-20", said_on: str = "2022-07-20"
) -> None:
    """So many ratings; the matters themselves are older than two months."""
    for score in ["4"] * good + ["2"] * bad:
        laid(world, unit, on, score=score, rated=said_on)


# --- 约谈 -----------------------------------------------------------------------------------------------


@pytest.mark.clause("PT-7.4a")
@pytest.mark.parametrize(
    ("good", "bad", "count"),
    [(15, 5, 1), (16, 4, 0), (14, 5, 0)],
    ids=["75 of a hundred of twenty", "eighty is not below eighty", "nineteen say nothing"],
)
def test_a_low_satisfaction_proposes_an_interview_only_with_twenty_ratings(
    putuo: World, good: int, bad: int, count: int
) -> None:
    rated(putuo, "market", good, bad)

    made = look(putuo)

    assert [p.entry for p in made] == ["low_satisfaction"] * count
    if made:
        (one,) = made
        counted = sql(
            putuo,
            "SELECT COUNT(*) FROM fact JOIN cases ON cases.id = fact.case_id WHERE field = 'score'"
            " AND cases.unit_id = :unit",
            unit=unit_of(putuo, "market"),
        )
        liked = sql(putuo, "SELECT COUNT(*) FROM fact WHERE field = 'score' AND code >= '3'")
        assert one.evidence["figures"] == {"ratings": counted, "satisfied": liked}
        assert len(one.evidence["cases"]) == counted and one.person_id is None
    assert look(putuo) == (), "a period proposes once"


@pytest.mark.clause("PT-7.4a")
def test_ratings_of_another_period_or_unit_do_not_make_up_the_number(putuo: World) -> None:
    rated(putuo, "market", 5, 10)
    rated(putuo, "market", 0, 10, said_on="2022-06-30")  # two months back ends with 07-01
    rated(putuo, "housing", 0, 10)
    assert look(putuo) == ()


@pytest.mark.clause("PT-7.4a")
@pytest.mark.parametrize(("last", "count"), [("2022-07-01", 1), ("2022-06-30", 0)])
def test_five_matters_in_two_months_propose_an_interview(putuo: World, last: str, count: int) -> None:
    for on in (last, "2022-07-04", "2022-07-20", "2022-08-01", "2022-08-30"):
        laid(putuo, "labour", on)
    made = look(putuo)
    assert [p.entry for p in made] == ["many_matters"] * count
    putuo.now = at("2022-09-01T09:30")
    laid(putuo, "labour", "2022-09-01")
    again = look(putuo)
    assert [p.entry for p in again] == ["many_matters"] * (1 - count)


@pytest.mark.clause("PT-7.4a")
def test_a_rating_is_of_the_unit_that_had_the_matter_then_whoever_has_it_now(putuo: World) -> None:
    for _ in range(20):
        case = laid(putuo, "market", "2022-06-20", score="2", rated="2022-07-20")
        moved(putuo, case, "housing", "2022-07-25")
    (one,) = look(putuo)
    assert (one.entry, one.unit_id) == ("low_satisfaction", unit_of(putuo, "market"))


def interview(world: World) -> proposals.Proposal:
    rated(world, "market", 0, 20)
    (one,) = look(world)
    return confirm(world, "shen", one, due_on=day("2022-09-15"), words="9月5日约谈，责令整改。")


@pytest.mark.clause("PT-7.4a")
def test_a_person_decides_on_the_interview_and_sets_a_day_for_putting_right(putuo: World) -> None:
    rated(putuo, "market", 0, 20)
    (one,) = look(putuo)
    assert told(putuo, "shen") == ["proposal_wanted"] and told(putuo, "kang") == []
    for wrong in (None, day("2022-08-30")):
        with pytest.raises(Incomplete) as caught:
            confirm(putuo, "shen", one, due_on=wrong)
        assert caught.value.problems == {"due_on": "date"}
    with refused("not_yours"):
        confirm(putuo, "kang", one, due_on=day("2022-09-15"))
    done = confirm(putuo, "shen", one, due_on=day("2022-09-15"))
    assert (done.due_on, done.result) == (day("2022-09-15"), "")
    assert told(putuo, "kang") == ["proposal_told"] and seen(putuo, "kang")
    done = do(putuo, "shen", "put_right", one.ref, "sufficient", "窗口增了人，等候不超过十分钟。")
    assert done.result == "sufficient"
    putuo.now = at("2022-09-20T09:30")
    assert look(putuo) == ()


@pytest.mark.clause("PT-7.4b")
def test_a_rectification_past_its_day_opens_one_proposal(putuo: World) -> None:
    done = interview(putuo)
    putuo.now = at("2022-09-15T16:00")
    assert look(putuo) == (), "its last day is its own"
    putuo.now = at("2022-09-16T09:30")
    (made,) = look(putuo)
    assert (made.entry, made.unit_id, made.person_id) == ("not_put_right", done.unit_id, None)
    assert made.evidence == {"proposals": [done.id]} and look(putuo) == ()
    do(putuo, "shen", "put_right", done.ref, "insufficient", "仍有十二件没有一次告知。")
    assert len(every(putuo, "not_put_right")) == 1
    with refused("not_yours"):
        confirm(putuo, "shen", made)
    assert confirm(putuo, "yan", made, person_id=putuo.who("kang").id).state == "confirmed"


@pytest.mark.clause("PT-7.4b")
def test_an_insufficient_rectification_opens_one_at_once(putuo: World) -> None:
    done = interview(putuo)
    do(putuo, "shen", "put_right", done.ref, "insufficient", "没有改。")
    assert [p.entry for p in every(putuo)] == ["low_satisfaction", "not_put_right"]
    putuo.now = at("2022-09-20T09:30")
    assert look(putuo) == ()
    with refused("not_now"):
        do(putuo, "shen", "put_right", done.ref, "sufficient", "改了。")


# --- what comes back ------------------------------------------------------------------------------------


@pytest.mark.clause("PT-7.3c")
def test_three_of_a_kind_in_twelve_months_propose_a_notice_that_a_person_issues(putuo: World) -> None:
    cause = putuo.rules.lists["causes"][0].code
    for on in ("2022-01-10", "2022-04-11"):
        laid(putuo, "market", on, item="执照变更", cause_code=cause)
    person, kind = putuo.who("shen"), Kind(unit_of(putuo, "market"), "执照变更", cause)
    with store.transaction(putuo.office.engine) as conn:
        improvement.confirm(putuo.office, conn, person, kind, putuo.now)
    assert look(putuo) == ()
    laid(putuo, "market", "2022-06-13", item="执照变更", cause_code=cause)
    (one,) = look(putuo)
    assert one.entry == "recurrence" and told(putuo, "kang") == []
    confirm(putuo, "shen", one)
    assert told(putuo, "kang") == ["proposal_told"]


# --- praise ---------------------------------------------------------------------------------------------


def year_of(world: World, unit: str, by: str, good: int, bad: int = 0) -> None:
    for score in ["5"] * good + ["2"] * bad:
        laid(world, unit, "2022-05-10", score=score, by=by)


@pytest.mark.clause("XJ-4.4c")
def test_praise_is_for_the_unit_that_gave_the_answer_whoever_has_the_matter_now(hall: World) -> None:
    for _ in range(12):
        case = laid(hall, "market", "2022-05-10", score="5", by="cao")
        moved(hall, case, "tax", "2022-11-01")
    hall.now = at("2023-01-04T09:30")
    assert {p.unit_id for p in look(hall)} == {unit_of(hall, "market")}


@pytest.mark.clause("XJ-4.4c")
def test_candidates_for_praise_stand_in_the_order_of_names_with_their_evidence(hall: World) -> None:
    year_of(hall, "market", "cao", 12)
    year_of(hall, "tax", "fan", 20)
    year_of(hall, "housing", "zhang", 9)  # too few
    year_of(hall, "land", "deng", 18, 2)  # ninety of a hundred
    assert look(hall) == (), "the year is not over"
    hall.now = at("2023-01-04T09:30")
    made = look(hall)

    assert {(p.entry, p.unit_id, p.person_id) for p in made} == {
        ("commend_unit", unit_of(hall, "market"), None),
        ("commend_unit", unit_of(hall, "tax"), None),
        ("commend_person", unit_of(hall, "market"), hall.who("cao").id),
        ("commend_person", unit_of(hall, "tax"), hall.who("fan").id),
    }
    listed = seen(hall, "xiao")
    persons = [p.person_id for p in listed if p.person_id]
    assert persons == [hall.who("cao").id, hall.who("fan").id], "by name: 曹俊, 范思源, not by their figures"
    by_unit = {p.unit_id: p.evidence["figures"] for p in listed if p.entry == "commend_unit"}
    assert by_unit[unit_of(hall, "tax")] == {"handled": 20, "ratings": 20, "satisfied": 20}
    assert look(hall) == ()
    assert told(hall, "yi") == []
    with refused("not_yours"):
        confirm(hall, "gu", listed[0])
    confirm(hall, "xiao", next(p for p in listed if p.unit_id == unit_of(hall, "market")))
    assert told(hall, "yi") == ["proposal_told"] and told(hall, "yuanjp") == ["proposal_told"]


def test_the_rules_look_once_a_day(hall: World) -> None:
    def tick() -> int:
        with store.transaction(hall.office.engine) as conn:
            return proposals.tick(hall.office, conn, hall.now)

    hall.now = at("2023-01-04T09:30")
    assert tick() == 0
    year_of(hall, "market", "cao", 12)
    assert tick() == 0
    hall.now = at("2023-01-05T00:01")
    assert tick() == 2
    with store.transaction(hall.office.engine) as conn:
        beat = heartbeat.last(conn, "proposals")
    assert beat and beat.data == {"made": 2}
