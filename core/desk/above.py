"""What acts do that take a matter beyond one desk and one unit: refusing, reporting, joining, shelving, passing on.

As in `core.desk.effects`, each function does what its act does beyond facts, anchors, duties and notices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from core import case as cases
from core import people
from core.desk import attach, fields
from core.desk.act import Work
from core.due import REARMED
from core.refusals import Refusal

# --- refusing -------------------------------------------------------------------------------------------


def decline(work: Work) -> None:
    """A refusal in the making: nobody has said no yet, the applicant's clock runs on (AMB-NX13)."""
    work.code("declined", "yes")
    if unit := work.values.get("unit"):
        work.change(unit_id=int(unit))


def take_over(work: Work) -> None:
    work.code("declined", None)
    work.change(unconfirmed=False, unit_id=None)


def report_no(work: Work) -> None:
    """Held to be impossible; which limit runs then is decided with the report (AMB-NX13)."""
    work.code("nature", "cannot_do")


def return_no(work: Work) -> None:
    """Not agreed: it is to be done, in the time for that."""
    work.code("nature", "should_do")


def confirmed(work: Work) -> None:
    """A named person has looked: the matter is not unconfirmed any more."""
    work.change(unconfirmed=False)


# --- another desk ---------------------------------------------------------------------------------------


def pass_on(work: Work) -> None:
    """To the window of the right site (AMB-PT8)."""
    site = int(work.values["site"])
    if site == work.case.site_id:
        raise Refusal("same_site", clause=work.rules.acts["pass_on"].clause)
    work.data |= {"from": work.case.site_id, "to": site}
    work.change(site_id=site)


def recategorise(work: Work) -> None:
    """Another category: one about conduct shields from now on (PT-4.3c, AMB-G21). The answers themselves are kept as
    facts with their history; the event says what it is now."""
    work.data |= {"category": work.values["category"]}
    if fields.about_conduct(work.rules, work.values):
        work.change(shielded=True)


def handover(work: Work) -> None:
    """Another keeper; who took it in first stays so (LH-5a, LH-7e)."""
    keeper = int(work.values["keeper"])
    if keeper == work.case.keeper_id:
        raise Refusal("same_keeper", clause=work.rules.acts["handover"].clause)
    work.data |= {"from": work.case.keeper_id, "to": keeper}
    work.change(keeper_id=keeper)


def transfer(work: Work) -> None:
    """To the competent department by the link agreed with it; without a target nobody is sent away (HY-4a). The
    department takes part from now on; the unit that reported the matter stays its own (HY-5.4a)."""
    target = str(work.values["transfer_target"])
    known = {unit.key: unit.id for unit in people.units(work.conn)}
    if target not in work.office.hall.guidance and target not in known:
        raise Refusal("no_guidance", clause=work.rules.acts["transfer"].clause, exclusion=target)
    work.data |= {"target": target}
    work.change(unconfirmed=False, members=[known[target]] if target in known else [])


def call_on_site(work: Work) -> None:
    unit = people.unit(work.conn, int(work.values["unit"]))
    work.data |= {"unit": unit.id}
    work.change(unit_id=unit.id)


# --- approvals inside a unit ----------------------------------------------------------------------------


def return_judgement(work: Work) -> None:
    work.unmark("judged_at")


def classify(work: Work) -> None:
    choose_level(work)
    name_matter(work)


def keep_back(work: Work) -> None:
    work.unmark("classified_at")
    work.code("class", None)


def handle_inside(work: Work) -> None:
    work.change(kind="assign")
    name_matter(work)


# --- the office above -----------------------------------------------------------------------------------


def report(work: Work) -> None:
    """The level that comes with being reported, if the profile has one, starts its limit."""
    level = next((level for level in work.rules.levels if level.on == "report"), None)
    if level:
        work.data |= {"level_before": work.case.level, "level": level.code}
        work.change(level=level.code, unconfirmed=False)
    name_matter(work)


def return_doable(work: Work) -> None:
    """Can be done after all: to the unit it came from, or to the one that is named."""
    if unit := work.values.get("unit"):
        work.change(unit_id=int(unit))
    if work.case.unit_id is None:
        raise Refusal("no_unit", clause=work.rules.acts["return_doable"].clause)
    work.unmark("signed_for_at")
    work.change(kind="assign", overdue_at=None)
    choose_level(work)
    name_matter(work)


def convene(work: Work) -> None:
    """One unit leads and carries the limit, the members have tasks of their own (AMB-G18)."""
    members = [int(unit) for unit in work.values["members"]]
    if lead := work.values.get("unit"):
        work.change(unit_id=int(lead))
    if work.case.unit_id is None:
        raise Refusal("no_unit", clause=work.rules.acts["convene"].clause)
    work.data |= {"members": members, "lead": work.case.unit_id}
    work.change(members=[unit for unit in members if unit != work.case.unit_id], kind="joint")
    choose_level(work)
    name_matter(work)


def contribute(work: Work) -> None:
    """Each member's word is kept by itself; it meets that member's task alone."""
    unit = people.member_unit(work.case, people.roles(work.conn, work.actor.id or 0))
    work.text(f"contribution_{unit}", str(work.values["contribution"]))
    work.data |= {"unit": unit}
    work.part = unit


def convene_above(work: Work) -> None:
    """As `convene`, led by a named person of the body above (HY-5.3f)."""
    named = int(work.values["leader"])
    if named not in {person.id for person in people.staff(work.conn, "higher_body")}:
        raise Refusal("not_a_leader", clause=work.rules.acts["convene_above"].clause)
    work.code("leader", str(named))
    convene(work)


def shelve(work: Work) -> None:
    """An end for now: it leaves the overdue count, and only a restart leads out (HY-5.3g)."""
    work.change(overdue_at=None)
    work.code("outcome", "shelved")


def conclude(work: Work) -> None:
    choose_level(work)


def progress(work: Work) -> None:
    """Where word of the progress meets the limit and sets the next day, the matter is not late any more (AMB-HY5)."""
    if any(duty.closing and "progress" in duty.rearm for duty in work.rules.duties):
        work.change(overdue_at=None)


# --- a new round ----------------------------------------------------------------------------------------


def new_round(work: Work) -> None:
    """Anchors, results, deliveries and ratings begin anew; what was told and when it was accepted stays."""
    work.change(round=work.case.round + 1, overdue_at=None)
    kept = {name: at for name, at in work.case.moments.items() if name in cases.LASTING}
    work.case = replace(work.case, moments=kept)
    work.code("extensions", None)
    work.code(REARMED, None)
    work.data |= {"round": work.case.round}


def cannot(work: Work) -> None:
    """An answer that says no, with its reasons: a way of closing (`cannot_do`)."""
    work.code("outcome", "cannot_do")
    attach.adopt(work, "result_files", "result")


# --- shared ---------------------------------------------------------------------------------------------


def choose_level(work: Work) -> None:
    """The level that a form brings, if it asks for one."""
    if code := work.values.get("level"):
        work.data |= {"level": code}
        work.change(level=str(code))


def note_upload(work: Work) -> None:
    """Each outside system has its own mark and number (PT-6.1b)."""
    system = str(work.values["system"])
    work.code(f"upload_{system}", str(work.values["external_no"])[:64])
    work.data |= {"system": system}
    work.happened.add(f"uploaded:{system}")


def file_scan(work: Work) -> None:
    """A sheet signed or sealed on paper stands beside the one the system keeps (AMB-G11)."""
    attach.adopt(work, "scan_files", "signed")
    work.data |= {"form": work.values["paper"]}


def waive(work: Work) -> None:
    """A step that a simple matter does not need, with its reason (PT-5.3)."""
    work.data |= {"step": work.values["waived_step"]}
    work.happened.add(f"waived:{work.values['waived_step']}")


def log_coordination(work: Work) -> None:
    """Every entry stays readable, in its order (LH-7c)."""
    taken = sum(name.startswith("coordination_") for name in work.case.noted)
    said = [str(work.values[name]) for name in ("coordinated_with", "coordinated_at", "outcome_of_it")]
    work.text(f"coordination_{taken + 1}", "｜".join(said))


def name_matter(work: Work) -> None:
    """A neutral subject, where the form asks for one (AMB-G16)."""
    if subject := work.values.get("subject"):
        work.change(subject=str(subject))


ABOVE: Final[Mapping[str, Callable[[Work], Any]]] = {
    "decline": decline,
    "take_over": take_over,
    "report_no": report_no,
    "return_no": return_no,
    "decline_on_spot": confirmed,
    "conditions_unmet": confirmed,
    "pass_on": pass_on,
    "recategorise": recategorise,
    "handover": handover,
    "transfer": transfer,
    "call_on_site": call_on_site,
    "return_judgement": return_judgement,
    "classify": classify,
    "keep_back": keep_back,
    "handle_inside": handle_inside,
    "report": report,
    "return_doable": return_doable,
    "convene": convene,
    "convene_above": convene_above,
    "contribute": contribute,
    "conclude": conclude,
    "shelve": shelve,
    "progress": progress,
    "restart": new_round,
    "reopen": new_round,
    "take_up": new_round,
    "redo_here": new_round,
    "analyse": choose_level,
    "note_upload": note_upload,
    "file_scan": file_scan,
    "waive": waive,
    "log_coordination": log_coordination,
    "reply_cannot": cannot,
}
