"""The list of gaps: what the rule wants of the hall, what the hall file says, and who reads the difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from core import people, store
from core.desk import gaps
from core.desk.gaps import Gap
from core.people import Hall
from core.policy.load import shipped
from core.privacy import make_key
from core.refusals import Refusal
from core.settings import Settings
from tests.regions.test_putuo import registered
from tests.reports.test_pages import Browser
from tests.world import ROOT, World, at, sandbox_hall
from workers import doctor

RULES = shipped("putuo")[0]
LATER = date(2023, 10, 9)  # after the day by which the windows are to be open


@pytest.fixture
def putuo(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("putuo", sqlite_url, tmp_path / "files", start="2023-10-09T10:00")
    yield made
    made.office.engine.dispose()


def changed(hall: Hall, units: Mapping[str, Mapping[str, Any]]) -> Hall:
    """The hall with some entries of its units written otherwise."""
    told = tuple(unit.model_copy(update=dict(units.get(unit.key, {}))) for unit in hall.units)
    return hall.model_copy(update={"units": told})


def about(hall: Hall, sort: str, day: date = LATER) -> dict[str, tuple[str, ...]]:
    """What the list says of one sort, by whom it is about."""
    return {gap.about: gap.lacks for gap in gaps.found(hall, RULES, day) if gap.sort == sort}


# --- sites ------------------------------------------------------------------------------------------------


@pytest.mark.clause("PT-3")
def test_each_of_the_eleven_kinds_of_sites_is_loaded_with_its_window(putuo: World) -> None:
    sites = RULES.sites
    assert sites is not None and len(sites.kinds) == 11
    with store.transaction(putuo.office.engine) as conn:
        loaded = {unit.key for unit in people.units(conn, people.SITE)}
    by_kind = {kind.code: [u for u in putuo.office.hall.units if u.sort == kind.code] for kind in sites.kinds}
    assert all(by_kind.values())
    assert {unit.key for units in by_kind.values() for unit in units} <= loaded
    assert about(putuo.office.hall, "no_site") == {}
    other = changed(putuo.office.hall, {"hy": {"sort": ""}})
    assert about(other, "no_site") == {"区婚姻登记中心": ()}


@pytest.mark.clause("PT-3")
def test_after_the_end_of_september_the_windows_that_are_not_open_are_listed() -> None:
    hall = changed(sandbox_hall("putuo"), {"fy": {"opened_on": date(2023, 10, 8)}})
    assert about(hall, "not_open", date(2023, 9, 30)) == {}, "the day itself is still in time"
    late, never = "区法律援助中心", "示范街道市场监管所"
    assert about(hall, "not_open", date(2023, 10, 1)) == dict.fromkeys((late, never), ("2023-09-30",))
    assert about(hall, "not_open", date(2023, 10, 8)) == {never: ("2023-09-30",)}
    shown = {p.name: (p.opened_on, p.in_time) for p in gaps.places(hall, RULES, date(2023, 10, 8))}
    assert shown[late] == (date(2023, 10, 8), False) and shown[never] == (None, False)
    assert shown["区政务服务中心"] == (date(2023, 6, 15), True)


@pytest.mark.clause("PT-5.2")
def test_a_site_without_a_team_and_a_department_without_a_member_are_listed() -> None:
    hall = sandbox_hall("putuo")
    assert about(hall, "no_team") == {"示范街道市场监管所": ()}
    assert about(hall, "no_member") == {"区残疾人综合服务中心": ("区民政局",)}
    mended = changed(hall, {"sg": {"team": ("nie", "jin")}, "cl": {"team": ("zhai", "song", "an")}})
    assert about(mended, "no_team") == about(mended, "no_member") == {}
    only_the_window = changed(hall, {"zw": {"team": ("fang", "lu")}})
    assert about(only_the_window, "no_member")["区政务服务中心"] == (
        "区市场监督管理局",
        "区人力资源和社会保障局",
        "区住房保障和房屋管理局",
    )


def test_being_in_a_team_opens_no_case_to_anybody(putuo: World) -> None:
    """A team is a list to call upon, no role in a case: what a department sees, it sees as the unit in charge."""
    assert next(unit for unit in putuo.office.hall.units if unit.key == "zw").team[2] == "jin"
    case = registered(putuo, "fang", category="complaint", ground="other")
    with pytest.raises(Refusal) as refused:
        putuo.see("jin", case)
    assert refused.value.code == "not_yours"


def test_a_slip_in_the_hall_file_is_named() -> None:
    told = sandbox_hall("putuo").model_dump()
    told["units"][2]["team"] = ["nobody"]
    told["units"][3]["departments"] = ["nowhere"]
    with pytest.raises(ValidationError, match=r"units\.departments: 没有名为 nowhere 的单位"):
        Hall.model_validate(told)
    told["units"][3]["departments"] = []
    with pytest.raises(ValidationError, match=r"units\.team: 没有名为 nobody 的人"):
        Hall.model_validate(told)


# --- departments ------------------------------------------------------------------------------------------


@pytest.mark.clause("PT-6.4a")
def test_a_department_without_a_system_operator_is_listed_and_may_be_given_matters(putuo: World) -> None:
    hall = putuo.office.hall
    assert about(hall, "wanted") == dict.fromkeys(("区体育局", "区文化和旅游局"), ("市系统操作人员",))
    assert all(gap.clause == "PT-6.4a" for gap in gaps.found(hall, RULES, LATER) if gap.sort == "wanted")
    people_now = tuple(
        person.model_copy(update={"posts": ()}) if person.key == "pu" else person for person in hall.people
    )
    without = hall.model_copy(update={"people": people_now})
    assert "区市场监督管理局" in about(without, "wanted")
    assert "区市场监督管理局" not in about(without, "contacts"), "it stops no dispatch"


# --- who reads it -----------------------------------------------------------------------------------------


@pytest.mark.clause("PT-3", "PT-5.2", "PT-6.4a")
def test_the_operator_opens_the_list_and_nobody_else_does(putuo: World) -> None:
    page = Browser(putuo, "shen").get("/gaps")
    for said in (
        "示范街道市场监管所：窗口还没有开，应在9月30日（周六）前开。",
        "示范街道市场监管所：还没有组建工作专班。",
        "区残疾人综合服务中心：工作专班里还没有区民政局的人。",
        "区体育局：还没有明确市系统操作人员。",
        "区文化和旅游局：缺科室负责人，补上以前不能转给它办。",
    ):
        assert said in page, said
    assert "开设 · 工作专班：方敏、陆嘉、金辉、宋立、殷石" in page
    assert '<a class="link" href="/gaps">缺口清单 7</a>' in Browser(putuo, "shen").get("/desk")
    for who in ("fang", "yan", "jin"):
        assert "缺口清单" not in Browser(putuo, who).get("/desk")
        Browser(putuo, who).get("/gaps", 403)


@pytest.mark.clause("PT-3", "PT-5.2", "PT-6.4a")
def test_whoever_runs_it_reads_the_same_in_the_self_check(tmp_path: Path) -> None:
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'none.db'}",
        keys=SecretStr(f"k1:{make_key()}"),
        hall=ROOT / "deploy/sandbox/halls/putuo.toml",
        files=tmp_path,
        base_url="http://localhost",
    )

    def told(day: str) -> set[str]:
        return {c.what for c in doctor.checks(settings, at(day)) if c.what.startswith("缺口")}

    assert told("2023-10-09T10:00") == {"缺口（PT-3）", "缺口（PT-5.2）", "缺口（PT-6.4a）"}
    assert told("2023-09-29T10:00") == {"缺口（PT-5.2）", "缺口（PT-6.4a）"}, "there is a day left to open"


def test_a_rule_that_names_no_sites_lists_the_contacts_alone() -> None:
    rules, hall = shipped("neixiang")[0], sandbox_hall("neixiang")
    assert gaps.found(hall, rules, LATER) == (
        Gap("contacts", "公民个人事项服务区（残联）", "NX-5.1", ("经办人员",)),
    )
    assert gaps.places(hall, rules, LATER) == ()
