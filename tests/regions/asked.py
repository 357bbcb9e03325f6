"""What may not be left out: by region and act, and the one way to see it, trying without.

A line holds what is asked in any case, or one field and when it is: `a=b|c` is one of these answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.case import Case
from core.desk.act import Actor, perform
from core.intake import Reply
from core.refusals import Incomplete, Refusal
from tests.world import MATTER, World

ASKED: Final[Mapping[str, Mapping[str, list[str]]]] = {
    "huaiyin": {
        "submit": [
            "content relation applicant_type applicant_phone ground",
            "applicant_name if applicant_type=citizen|legal_person|other_organisation",
            "applicant_unit if applicant_type=legal_person|other_organisation|unit",
            "item if ground=not_done_after_submission",
            "project_name if ground=project_stuck",
            "sub_kind if ground=complaint",
            "contact_name if relation=family|employer|someone",
            "about_conduct if conduct_suspected=yes",
        ],
        "register": [
            "intake_channel told_at content applicant_type applicant_phone scope_code subject cause_text",
            "applicant_name if applicant_type=citizen|legal_person|other_organisation",
            "applicant_unit if applicant_type=legal_person|other_organisation|unit",
            "external_no if intake_channel=hotline",
            "submitted_on if scope_code=applied_demand",
            "project_name if scope_code=project",
            "superior_body if scope_code=from_above",
            "sub_kind if scope_code=complaint",
        ],
        "accept": [
            "scope_code subject cause_text",
            "submitted_on if scope_code=applied_demand",
            "project_name if scope_code=project",
            "superior_body if scope_code=from_above",
            "sub_kind if scope_code=complaint",
        ],
        "resolve": ["result"],
        "dispatch": ["subject level unit", "content_for_unit if shielded=yes"],
        "relevel": ["level relevel_reason"],
        "ask": ["question"],
        "answer": ["answer"],
        "answer_for": ["answer"],
        "note_call": ["call_note"],
        "reply": [
            "result outcome",
            "cannot_reason if outcome=cannot_do",
            "cannot_basis if outcome=cannot_do",
            "explanation if outcome=cannot_do",
        ],
        "close_no_response": ["no_response_note"],
        "send_back": ["send_back_reason"],
        "deliver": ["feedback_way delivered_on"],
        "log_attempt": ["reached"],
        "rate": ["score"],
        "comment": ["rating_comment"],
        "follow_up": ["visit_way visit_satisfied visit_with"],
        "file_scan": ["paper scan_files"],
        "answer_citizen": ["human_answer"],
        "transcribe": ["transcript"],
        "redact": ["words_for_unit"],
        "decline_on_spot": ["no_basis no_reason"],
        "transfer": ["transfer_target transfer_reason"],
        "note_receipt": ["receipt_note"],
        "note_transfer_result": ["transfer_result"],
        "judge": ["judgement judgement_reason"],
        "return_judgement": ["return_reason"],
        "classify": ["class cause_code level subject"],
        "handle_inside": ["sections"],
        "keep_back": ["keep_reason"],
        "return_doable": ["opinion_text level"],
        "convene": ["members task task_due"],
        "convene_above": ["leader members task task_due"],
        "contribute": ["contribution"],
        "conclude": ["joint_opinion"],
        "carry_out": ["carried_out"],
        "shelve": ["shelve_reason"],
        "review": ["review_note"],
        "restart": [
            "restart_ground",
            "policy_document if restart_ground=policy",
            "precedent_place if restart_ground=precedent",
            "confirmed_by if restart_ground=precedent",
        ],
        "progress": ["progress"],
        "file_result": ["filing_note"],
    },
    "longhui": {
        "submit": [
            "content relation applicant_type applicant_name applicant_phone scope_code",
            "applicant_unit if applicant_type=legal_person|other_organisation",
            "item if scope_code=limit_missed|repeated_trips",
            "prior_channel submitted_on if scope_code=limit_missed",
            "trip_count if scope_code=repeated_trips",
            "conduct_code conduct_about if scope_code=conduct",
            "contact_name if relation=family|employer|someone",
            "about_conduct if conduct_suspected=yes",
        ],
        "register": [
            "intake_channel content applicant_type applicant_name applicant_phone scope_code cause_code category level",
            "applicant_unit if applicant_type=legal_person|other_organisation",
            "item if scope_code=limit_missed|repeated_trips",
            "prior_channel if scope_code=limit_missed",
            "submitted_on if scope_code=limit_missed",
            "trip_count if scope_code=repeated_trips",
            "conduct_code if scope_code=conduct",
            "conduct_about if scope_code=conduct",
        ],
        "accept": ["cause_code category level"],
        "guide": ["exclusion guidance_note"],
        "resolve": [
            "level inquiry_asked inquiry_note result",
            "crux if level=original",
            "solution if level=original",
        ],
        "dispatch": ["subject cause_code category level unit", "content_for_unit if shielded=yes"],
        "ask": ["question"],
        "answer": ["answer"],
        "answer_for": ["answer"],
        "note_call": ["call_note"],
        "extend": ["extension_reason extension_due"],
        "reply": [
            "solution result outcome",
            "crux if level=original",
            "cannot_reason if outcome=cannot_do",
            "negative_path if outcome=cannot_do",
            "guidance_path if negative_path=guidance",
            "supplement_list if negative_path=supplement",
            "improvement if negative_path=supplement",
            "explanation if outcome=cannot_do negative_path=consulted",
            "redo_reason if redone=yes",
        ],
        "close_no_response": ["no_response_note"],
        "send_back": ["send_back_reason"],
        "deliver": ["feedback_way delivered_on"],
        "log_attempt": ["reached"],
        "rate": ["score"],
        "comment": ["rating_comment"],
        "follow_up": ["visit_way visit_satisfied"],
        "file_scan": ["paper scan_files"],
        "answer_citizen": ["human_answer"],
        "transcribe": ["transcript"],
        "redact": ["words_for_unit"],
        "conditions_unmet": ["no_reason supplement_list improvement"],
        "consult": ["asked_to consult_question"],
        "advise": ["advice"],
        "call_on_site": ["unit subject"],
        "recall": ["recall_reason"],
        "escalate": ["escalation escalate_reason"],
        "step_in": ["requirement"],
        "convene": ["unit members", "content_for_unit if shielded=yes"],
        "contribute": ["contribution"],
        "conclude": ["opinion"],
        "progress": ["progress"],
        "explain_limit": ["statutory_until limit_explained"],
        "log_coordination": ["coordinated_with coordinated_at outcome_of_it"],
        "handover": ["keeper"],
        "rate_for": ["score proxy_note"],
    },
    "neixiang": {
        "register": [
            "intake_channel told_at content applicant_type applicant_name applicant_phone",
            "item prior_channel record_confirmed",
            "applicant_unit if applicant_type=legal_person",
            "ground if prior_channel=offline|online",
            "record_note if record_confirmed=oral",
        ],
        "guide": ["exclusion"],
        "resolve": ["subject result cause_code"],
        "dispatch": [
            "subject level raise_reason unit",
            "cannot_reason if nature=cannot_do",
            "cannot_basis if nature=cannot_do",
            "proposed_answer if nature=cannot_do",
            "content_for_unit if shielded=yes",
            "content_for_unit if about_conduct=yes",
        ],
        "relevel": ["level relevel_reason"],
        "ask": ["question"],
        "answer": ["answer"],
        "answer_for": ["answer"],
        "note_call": ["call_note"],
        "reply": ["result cause_code handler_signed"],
        "close_no_response": ["no_response_note"],
        "send_back": ["send_back_reason"],
        "deliver": ["feedback_way delivered_on"],
        "log_attempt": ["reached"],
        "rate": ["score"],
        "comment": ["rating_comment"],
        "follow_up": [
            "visit_way visit_satisfied visit_opinion",
            "visit_companions if joint_visit=yes",
            "center_opinion if joint_visit=yes",
        ],
        "plan_visit": ["visit_on visit_with"],
        "file_scan": ["paper scan_files"],
        "answer_citizen": ["human_answer"],
        "transcribe": ["transcript"],
        "redact": ["words_for_unit"],
        "confirm_record": ["record_confirmed", "record_note if record_confirmed=oral"],
        "progress": ["progress"],
        "report_no": ["cannot_reason cannot_basis proposed_answer"],
        "confirm_no": ["no_opinion"],
        "return_no": ["no_opinion"],
        "reply_cannot": ["cannot_reason cannot_basis explanation cause_code handler_signed"],
        "convene": ["members requirement"],
        "contribute": ["contribution"],
        "conclude": ["opinion"],
        "report": ["subject relevel_reason custom_due"],
        "raise_above": ["above_body above_reason custom_due"],
        "explain": ["above_answer custom_due"],
        "return_doable": ["unit opinion custom_due", "content_for_unit if shielded=yes"],
        "conclude_above": ["result cause_code"],
        "verify_result": ["verified verify_note"],
    },
    "putuo": {
        "register": [
            "intake_channel told_at content category ground",
            "applicant_type applicant_name applicant_phone record_confirmed",
            "conduct_code if category=complaint",
            "item if category=service",
            "exit_step if intake_channel=midway_exit",
            "applicant_unit if applicant_type=legal_person|other_organisation",
            "oral_reason if record_confirmed=oral",
        ],
        "guide": ["exclusion"],
        "resolve": ["result", "adopted if category=suggestion"],
        "dispatch": ["subject unit requirement", "content_for_unit if shielded=yes"],
        "relevel": ["level relevel_reason"],
        "ask": ["question"],
        "answer": ["answer"],
        "answer_for": ["answer"],
        "note_call": ["call_note"],
        "extend": ["extension_reason extension_due"],
        "reply": [
            "unit_cause outcome",
            "result if outcome=done",
            "cannot_reason if outcome=cannot_do",
            "cannot_basis if outcome=cannot_do",
            "explanation if outcome=cannot_do",
            "adopted if category=suggestion",
        ],
        "close_no_response": ["no_response_note"],
        "send_back": ["send_back_reason"],
        "deliver": ["feedback_way delivered_on"],
        "log_attempt": ["reached"],
        "rate": ["score"],
        "comment": ["rating_comment"],
        "follow_up": ["visit_way visit_satisfied", "visit_opinion if visit_satisfied=satisfied|dissatisfied"],
        "file_scan": ["paper scan_files"],
        "answer_citizen": ["human_answer"],
        "transcribe": ["transcript"],
        "redact": ["words_for_unit"],
        "confirm_record": ["record_confirmed", "oral_reason if record_confirmed=oral"],
        "recategorise": [
            "category recategorise_reason",
            "conduct_code if category=complaint",
            "item if category=service",
        ],
        "pass_on": ["site pass_reason"],
        "decline": ["exclusion no_basis"],
        "answer_no": ["no_reason explanation"],
        "analyse": [
            "level cause_code cause_analysis",
            "conduct_code if category=complaint",
            "confirmed_with if level=ordinary|complex",
        ],
        "log_coordination": ["coordinated_with coordinated_at outcome_of_it"],
        "note_upload": ["system external_no"],
        "verify_result": ["verified", "verify_note if verified=no"],
        "waive": ["waived_step waive_reason"],
    },
    "xiangjiang": {
        "submit": [
            "content relation applicant_type applicant_name applicant_phone ground",
            "applicant_unit if applicant_type=legal_person|other_organisation",
            "prior_channel if ground=not_done_after_submission",
            "contact_name if relation=family|employer|someone",
            "about_conduct if conduct_suspected=yes",
        ],
        "register": [
            "intake_channel told_at content applicant_type applicant_name applicant_phone ground",
            "applicant_unit if applicant_type=legal_person|other_organisation",
            "prior_channel if ground=not_done_after_submission",
        ],
        "guide": ["exclusion"],
        "resolve": [
            "scope_code result solved",
            "sub_kind if scope_code=business_env",
            "unsolved_reason if solved=no",
        ],
        "dispatch": [
            "subject scope_code level unit",
            "sub_kind if scope_code=business_env",
            "content_for_unit if shielded=yes",
        ],
        "relevel": ["level relevel_reason"],
        "ask": ["question"],
        "answer": ["answer"],
        "answer_for": ["answer"],
        "note_call": ["call_note"],
        "extend": [
            "extension_reason extension_due",
            "consent_way if shielded=no",
            "consent_at if shielded=no",
            "consent_words if shielded=no",
        ],
        "close_no_response": ["no_response_note"],
        "send_back": ["send_back_reason"],
        "deliver": ["feedback_way delivered_on"],
        "log_attempt": ["reached"],
        "rate": ["score"],
        "comment": ["rating_comment"],
        "follow_up": ["visit_way visit_satisfied"],
        "redo": ["judge_reason"],
        "file_scan": ["paper scan_files"],
        "answer_citizen": ["human_answer"],
        "transcribe": ["transcript"],
        "redact": ["words_for_unit"],
        "report": ["subject screening_opinion legal_basis"],
        "return_doable": ["unit opinion"],
        "verify_result": ["verified", "verify_note if verified=no"],
        "consent": ["consent_way consent_at consent_words"],
        "refuse_extension": ["extension_opinion"],
        "hand_in": [
            "handled result solved",
            "unsolved_reason if solved=no",
            "cannot_basis if outcome=cannot_do",
            "explanation if outcome=cannot_do",
        ],
        "reject": ["reject_reason"],
        "propose_cause": ["cause_proposed cause_reason"],
        "judge_objective": ["judge_reason"],
    },
}


@dataclass
class AskingWorld(World):
    """A world where, after each word of a conversation, the form is handed in as it stands: what is missing is what the
    regulation asks for (`submit`) and she has not yet said."""

    def say(self, who: str, text: str = "", **said: Any) -> list[Reply]:
        replies = super().say(who, text, **said)
        case = self.of_contact(who)
        if case.stage == "DRAFT":
            known = {*self.words(case), *case.codes}
            due = set(_due(ASKED[self.rules.name]["submit"], case.facts())) - known
            missing = _missing(self, who, case, "submit", {})
            assert missing == due, f"to submit with {sorted(known)} lacks {missing}"
        return replies

    def tell(self, who: str = "li", matter: str = MATTER, **answers: str) -> Case:
        self.say(who, "转人工")  # so that there is a draft before anything was told
        return super().tell(who, matter, **answers)


def try_without(world: World, who: str, case: Case, act: str, values: Mapping[str, Any]) -> None:
    """Before an act of a story: each answer that is asked for, left out alone, is what the refusal names."""
    asked = ASKED.get(world.rules.name, {}).get(act, [])
    for name in values:
        missing = _missing(world, who, case, act, {k: v for k, v in values.items() if k != name})
        if missing is not None:
            facts = {**case.facts(), **values}
            assert (name in missing) == (name in _due(asked, facts)), f"{act} without {name}: {missing}"


def _missing(world: World, who: str, case: Case, act: str, values: Mapping[str, Any]) -> set[str] | None:
    """What the refusal says is missing; None if the act is refused for another reason. Nothing is done."""
    person = world.who(who)
    with world.office.engine.connect() as conn:  # never committed
        try:
            perform(world.office, conn, Actor(person, "test"), case, act, now=world.now, values=values)
        except Incomplete as refused:
            return {name for name, problem in refused.problems.items() if problem == "missing"}
        except Refusal:
            return None
    return set()


def _due(lines: list[str], facts: Mapping[str, object]) -> Iterator[str]:
    for line in lines:
        names, _, condition = line.partition(" if ")
        if all(holds(part, facts) for part in condition.split()):
            yield from names.split()


def holds(part: str, facts: Mapping[str, object]) -> bool:
    """Whether a part of a condition, `a=b|c`, holds for the facts of a case."""
    key, _, wanted = part.partition("=")
    have = facts.get(key)
    said = have if isinstance(have, str) else "yes" if have else "no"
    return said in wanted.split("|")
