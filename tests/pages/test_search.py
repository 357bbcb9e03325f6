"""Matters are found again by what is known of them, by whoever has a part in them, and the look is on record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import search, store
from core.case import Case
from core.refusals import Refusal
from core.search import Wanted
from tests.halls.test_imports import take
from tests.regions.test_huaiyin import (
    SUBJECT,
    agreed,
    in_session,
    inside,
    registered,
    reported,
    returned,
)
from tests.regions.test_putuo import registered as told_at_a_site
from tests.reports.test_pages import Browser
from tests.world import World

START = "2023-09-28T10:00"


@pytest.fixture
def huaiyin(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("huaiyin", sqlite_url, tmp_path / "files", start=START)
    yield made
    made.office.engine.dispose()


def found(
    world: World, who: str, text: str = "", unit: str = "", opinion: str = "", **codes: str
) -> set[int]:
    """The ids of what somebody finds."""
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        units = {u.key: u.id for u in search.units(conn, world.rules, person)}
        wanted = Wanted(text, units[unit] if unit else 0, opinion, codes)
        return {c.id for c in search.find(world.office, conn, person, wanted, world.now).cases}


def looked_at(world: World, case: Case) -> list[str]:
    """Who has come across a case by searching."""
    v, p = store.view_log.c, store.person.c
    query = sa.select(p.key).join(store.person, p.id == v.person_id)
    with store.transaction(world.office.engine) as conn:
        return list(conn.execute(query.where(v.case_id == case.id, v.what == "search")).scalars())


def listed(page: str) -> list[str]:
    """The numbers on a page, in its order."""
    return re.findall(r'<span class="number">(\w+)<b', page)


# --- what the office looks for ----------------------------------------------------------------------------


@pytest.fixture
def reports(huaiyin: World) -> dict[str, Case]:
    """Reported matters of two units, of each opinion of the office."""
    w = huaiyin
    doable = returned(w, reported(w, registered(w, subject="加装消防水池"), "2"))
    joint = in_session(w, reported(w, registered(w), "4"))
    shelved = reported(w, registered(w), "3")
    w.do("qiu", shelved, "shelve", shelve_reason="上位规范没有修订")
    above = in_session(
        w, reported(w, registered(w, cause_text="配套管网没有移交"), "2"), "convene_above", leader="jin"
    )
    return {"doable": doable, "joint": joint, "shelved": shelved, "above": above}


@pytest.mark.clause("HY-5.3c")
def test_the_office_finds_by_unit_class_opinion_item_and_cause(
    huaiyin: World, reports: dict[str, Case]
) -> None:
    ids = {name: case.id for name, case in reports.items()}
    other = registered(huaiyin, "meng", subject="界址争议")
    assert found(huaiyin, "qiu", unit="housing") == set(ids.values())
    assert found(huaiyin, "qiu", unit="land") == {other.id}
    assert found(huaiyin, "qiu", **{"class": "2"}) == {ids["doable"], ids["above"]}
    assert found(huaiyin, "qiu", **{"class": "3"}) == {ids["shelved"]}
    opinions = {
        "return_doable": "doable",
        "convene": "joint",
        "convene_above": "above",
        "shelve": "shelved",
    }
    for act, name in opinions.items():
        assert found(huaiyin, "qiu", opinion=act) == {ids[name]}, act
    assert found(huaiyin, "qiu", text="消防 加装") == set(ids.values())  # the subject of all says both
    assert found(huaiyin, "qiu", text="管网没有移交") == {ids["above"]}
    assert found(huaiyin, "qiu", cause_code="between_units") == set(ids.values())
    assert found(huaiyin, "qiu", cause_code="policy") == set()
    assert found(huaiyin, "qiu", unit="housing", opinion="convene", **{"class": "4"}) == {ids["joint"]}


@pytest.mark.clause("HY-5.3c")
def test_the_page_shows_what_was_asked_for_and_every_look_is_on_record(
    huaiyin: World, reports: dict[str, Case]
) -> None:
    shelved, doable = reports["shelved"], reports["doable"]
    office = Browser(huaiyin, "qiu")
    assert 'href="/find"' in office.get("/desk")
    assert listed(office.get("/find")) == []  # nothing asked, nothing shown, nothing logged
    assert looked_at(huaiyin, shelved) == []
    page = office.get("/find?opinion=shelve&class=3&cause_code=between_units")
    assert listed(page) == [shelved.number]
    assert f"/c/{shelved.ref}" in page and '<option value="shelve" selected>' in page
    assert looked_at(huaiyin, shelved) == ["qiu"]
    assert looked_at(huaiyin, doable) == []
    assert "没有找到" in office.get("/find?q=飞机场")


def test_a_number_may_stand_in_the_name_of_the_matter(huaiyin: World) -> None:
    case = registered(huaiyin, subject="12345热线转来的欠薪")
    registered(huaiyin)
    assert found(huaiyin, "qiu", text="12345") == {case.id}


def test_the_opinion_that_counts_is_the_last(huaiyin: World) -> None:
    case = returned(huaiyin, reported(huaiyin, registered(huaiyin)))
    assert found(huaiyin, "qiu", opinion="return_doable") == {case.id}
    in_session(huaiyin, case)  # it could not be done by one unit after all
    assert found(huaiyin, "qiu", opinion="convene") == {case.id}
    assert found(huaiyin, "qiu", opinion="return_doable") == set()


def test_a_long_list_has_pages_the_newest_first(huaiyin: World) -> None:
    cases = [registered(huaiyin) for _ in range(search.SHOWN + 2)]
    office = Browser(huaiyin, "qiu")
    for asked in ("scope_code=applied_demand", "q=消防水池"):
        first = office.get(f"/find?{asked}")
        numbers = listed(first)
        assert numbers == [c.number for c in reversed(cases)][: search.SHOWN]
        after = re.search(r'href="(/find\?[^"]+)">后面的', first)
        assert after and listed(office.get(after[1].replace("&amp;", "&"))) == [
            c.number for c in cases[1::-1]
        ]


# --- numbers of others ------------------------------------------------------------------------------------


@pytest.mark.clause("HY-4b")
def test_a_matter_from_the_hotline_and_back_is_found_by_either_number(huaiyin: World) -> None:
    case = registered(huaiyin, "qiu", intake_channel="hotline", external_no="HA202309280077")
    registered(huaiyin)
    reason = {"transfer_target": "hotline", "transfer_reason": "热线另有承办单位"}
    huaiyin.do("qiu", case, "transfer", transfer_no="ZB-0928", **reason)
    assert huaiyin.told("xu", case) == ["transfer_card"]
    assert huaiyin.outbox(case, "transferred_told")
    for number in ("HA202309280077", "ha202309280077", "0077", "ZB-0928", str(case.number)):
        assert found(huaiyin, "qiu", text=number) == {case.id}, number
    huaiyin.do("qiu", case, "note_receipt", receipt_note="值班员收到", transfer_no="ZB-0929")
    assert found(huaiyin, "qiu", text="ZB-0929") == found(huaiyin, "qiu", text="HA202309280077") == {case.id}
    seen = huaiyin.see("qiu", case)
    assert (seen.codes["external_no"], seen.codes["transfer_no"]) == ("HA202309280077", "ZB-0929")


@pytest.mark.clause("HY-4b")
def test_what_comes_from_the_hotline_brings_its_number(huaiyin: World) -> None:
    with pytest.raises(Refusal) as refused:
        registered(huaiyin, "qiu", intake_channel="hotline")
    assert refused.value.code == "incomplete"


@pytest.fixture
def putuo(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("putuo", database_url, tmp_path / "files", start="2023-09-28T10:00")
    yield made
    made.office.engine.dispose()


def test_a_number_that_an_outside_system_gave_is_found_too(putuo: World) -> None:
    case = told_at_a_site(putuo)
    putuo.do("fang", case, "note_upload", system="woodpecker", external_no="ZMN-0928-7")
    assert found(putuo, "fang", text="zmn-0928") == {case.id}


def test_a_record_taken_in_as_a_matter_is_found_by_the_number_it_had(putuo: World) -> None:
    case = take(putuo)
    assert case is not None
    assert found(putuo, "bao", text="ZT-001") == {case.id}
    assert found(putuo, "fang", text="ZT-001") == set()  # the window of another site


# --- who may ----------------------------------------------------------------------------------------------


@pytest.mark.clause("HY-5.3c")
def test_a_unit_finds_its_own_and_citizens_and_strangers_nothing(
    huaiyin: World, reports: dict[str, Case]
) -> None:
    assert found(huaiyin, "gao", text="消防") == {case.id for case in reports.values()}
    assert found(huaiyin, "shi", text="消防") == set()
    assert found(huaiyin, "shi", text=str(reports["doable"].number)) == set()
    li = huaiyin.who("li")
    with pytest.raises(Refusal, match="not_yours"), store.transaction(huaiyin.office.engine) as conn:
        search.find(huaiyin.office, conn, li, Wanted("消防"), huaiyin.now)
    assert Browser(huaiyin, "li").client.get("/find?q=消防").status_code == 403


def test_nobody_is_looked_up(huaiyin: World) -> None:
    registered(huaiyin, applicant_name="王建国", applicant_phone="13800001234")
    assert found(huaiyin, "qiu", text="王建国") == found(huaiyin, "qiu", text="13800001234") == set()


def test_the_unit_complained_about_finds_by_nothing_that_is_closed_to_it(huaiyin: World) -> None:
    given = {"scope_code": "complaint", "sub_kind": "report", "about_conduct": "yes"}
    case = registered(
        huaiyin, intake_channel="hotline", external_no="HA-5566", cause_text="推来推去", **given
    )
    sent = {"subject": "窗口服务态度", "level": "simple", "unit": "housing"}
    huaiyin.do("qiu", case, "dispatch", content_for_unit="群众反映窗口态度生硬", **sent)
    for text, of_the_unit in (
        ("服务态度", True),
        ("推来推去", False),
        ("HA-5566", False),
        (str(case.number), True),
    ):
        assert case.id in found(huaiyin, "qiu", text=text), text
        assert (case.id in found(huaiyin, "gao", text=text)) is of_the_unit, text


def test_nor_does_a_telephone_number_tell_it_who_complained(huaiyin: World) -> None:
    phone = {"applicant_phone": "13800001234"}
    conduct = {"scope_code": "complaint", "sub_kind": "report", "about_conduct": "yes"}
    case = registered(huaiyin, **conduct, **phone)
    sent = {"subject": "窗口服务态度", "level": "simple", "unit": "housing"}
    case = huaiyin.do("qiu", case, "dispatch", content_for_unit="群众反映窗口态度生硬", **sent)
    before, later = registered(huaiyin, **phone), registered(huaiyin, **phone)
    page = Browser(huaiyin, "song").get(f"/c/{later.ref}/judge")
    assert case.shielded and str(before.number) in page and str(case.number) not in page


# --- every region -----------------------------------------------------------------------------------------


def test_other_rules_offer_what_they_sort_by(hall: World) -> None:
    case = hall.dispatch(hall.tell(), scope_code="policy")
    assert [x.name for x in search.filters(hall.rules)] == ["scope_code"]
    window = Browser(hall, "zhou")
    assert listed(window.get("/find?scope_code=policy")) == [case.number]
    assert listed(window.get("/find?q=加装电梯")) == [case.number]
    assert [choice.label for choice in search.opinions(hall.rules)] == ["研究后交办"]


def test_both_databases_find_alike(database_url: str, tmp_path: Path) -> None:
    world = World.make(database_url, tmp_path / "files")
    case = world.dispatch(world.tell(), scope_code="policy")
    assert found(world, "zhou", text="电梯", unit="housing", scope_code="policy") == {case.id}
    assert found(world, "zhou", text=str(case.number).lower()) == {case.id}
    assert found(world, "zhou", opinion="return_doable") == set()
    world.office.engine.dispose()


def test_the_lead_section_finds_what_it_keeps_inside(huaiyin: World) -> None:
    case = inside(huaiyin, registered(huaiyin))
    agreed(huaiyin, registered(huaiyin))
    assert found(huaiyin, "gao", SUBJECT, **{"class": "1"}) == {case.id}
