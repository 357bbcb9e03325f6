"""内乡县: the group's office runs the work by named people; the window does its own part and no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.refusals import Refusal
from tests.regions.test_neixiang import dispatched, registered
from tests.reports.desk import days_pass, sign, the_report
from tests.world import World


@pytest.fixture
def neixiang(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("neixiang", sqlite_url, tmp_path / "files", start="2021-08-10T10:00")
    yield made
    made.office.engine.dispose()


@pytest.mark.clause("NX-2b")
def test_a_named_person_of_the_office_dispatches_supervises_and_runs_the_reports(neixiang: World) -> None:
    case = dispatched(neixiang, registered(neixiang), who="jing")
    dispatch = next(e for e in neixiang.events(case) if e.act == "dispatch")
    jing, bian = neixiang.who("jing"), neixiang.who("bian")
    assert (dispatch.actor_id, dispatch.role) == (jing.id, "coordination_office")
    neixiang.pass_to("2021-08-18T09:00")
    assert neixiang.do("bian", case, "supervise").supervision_count == 1
    issued = next(e for e in neixiang.events(case) if e.act == "supervise")
    assert (issued.actor_id, issued.role) == (bian.id, "coordination_office")
    days_pass(neixiang, "2021-10-08T10:00")
    signed = sign(neixiang, "jing", the_report(neixiang, "summary"))
    assert signed.signed_by == jing.id


@pytest.mark.clause("NX-2b")
def test_the_window_issues_no_supervision_and_signs_no_report(neixiang: World) -> None:
    case = dispatched(neixiang, registered(neixiang), who="lan")
    neixiang.pass_to("2021-08-18T09:00")
    assert neixiang.duty(case, "issue_supervision"), "a sheet is prepared"
    for who in ("lan", "feng"):
        assert neixiang.refusal(who, case, "supervise").code == "not_yours"
    assert neixiang.again(case).supervision_count == 0
    days_pass(neixiang, "2021-10-08T10:00")
    with pytest.raises(Refusal) as refused:
        sign(neixiang, "lan", the_report(neixiang, "summary"))
    assert refused.value.code == "not_yours"
