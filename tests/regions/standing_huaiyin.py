"""淮阴区: who may do what, what is owed, which anchors are set; and what is filled in on a walk (`walk.py`).

The unit that registered a matter does the work of a window; of a matter about conduct the office does (AMB-G21).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.regions.standing import EVERYWHERE, Owed
from tests.regions.walk import Given

OFFICE, HANDLER = "coordination_office", "handler unit_liaison"
SECTION = "handler lead_section if shielded=no"

OFFERED: Final[Mapping[str, list[str]]] = {
    "submit": ["applicant"],
    "insist": ["applicant"],
    "withdraw": ["applicant"],
    "ask_human": ["applicant"],
    "add": ["applicant"],
    "answer": ["applicant if open:answer"],
    "reopen": ["applicant"],
    "rate": ["applicant if before:rated_at"],
    "comment": ["applicant if rated=yes"],
    # at the section where it was told (HY-5.1)
    "accept": [OFFICE, SECTION],
    "decline_on_spot": [OFFICE, SECTION],
    "answer_citizen": [OFFICE, SECTION],
    "answer_for": ["if open:answer", OFFICE, SECTION],
    "transcribe": ["if open:transcribe", OFFICE, SECTION],
    "close_no_response": ["if open:answer since:reminded_at", OFFICE, SECTION],
    "redact": [f"{OFFICE} if shielded=yes"],
    "deliver": ["if open:to_applicant", OFFICE, SECTION],
    "log_attempt": ["if open:call", OFFICE, SECTION],
    "file_scan": [f"{OFFICE} handler lead_section"],
    "transfer": [OFFICE, "lead_section if shielded=no"],
    "note_receipt": [f"{OFFICE} lead_section if before:transfer_received_at"],
    "note_transfer_result": [f"{OFFICE} lead_section"],
    # section, deputy head, lead section, principal head (HY-5.2, HY-5.3a)
    "judge": ["handler if open:judging shielded=no"],
    "approve_judgement": ["unit_deputy_head if open:consent shielded=no"],
    "return_judgement": ["unit_deputy_head if open:consent shielded=no"],
    "classify": ["lead_section if open:classifying since:judged_at shielded=no"],
    "handle_inside": [
        "lead_section if since:judged_at shut:judging|consent|classifying|head_consent shielded=no"
    ],
    "report": ["unit_head if open:head_consent since:classified_at shielded=no"],
    "keep_back": ["unit_head if open:head_consent shielded=no"],
    # the office and its opinions (HY-5.3c–h, HY-5.4g, HY-6)
    "dispatch": [OFFICE],
    "resolve": [OFFICE],
    "relevel": [OFFICE],
    "return_doable": [OFFICE],
    "convene": [f"{OFFICE} if unit=yes"],
    "convene_above": [OFFICE],
    "conclude": [OFFICE],
    "shelve": [OFFICE],
    "review": [OFFICE],
    "restart": [f"{OFFICE} if outcome=shelved|cannot_do"],
    "supervise": [f"{OFFICE} if open:issue_supervision"],
    "follow_up": [f"{OFFICE} if open:visit"],
    "contribute": ["member if open:task"],
    # the unit that replies (HY-5.4)
    "sign_for": [f"{HANDLER} lead_section if before:signed_for_at"],
    "ask": [f"{HANDLER} if shut:answer"],
    "note_call": [f"{HANDLER} if shielded=no"],
    "progress": [f"{HANDLER} if stage=SUBMITTED|TRIAGE|REPORTED|JOINT|WITH_UNIT"],
    "carry_out": [f"{HANDLER} if since:concluded_at before:carried_out_at"],
    "send_back": [HANDLER],
    "reply": ["handler lead_section"],
    "file_result": [f"{HANDLER} lead_section {OFFICE} if open:filing"],
    "archive": [
        "if shut:filing|visit|call|human",
        "lead_section if shielded=no",
        OFFICE,
    ],
}

_RUNNING = "SUBMITTED TRIAGE REPORTED JOINT WITH_UNIT"
_LATE = "limit.overdue|doable.overdue|supervision.overdue"
_ANEW = "restart|reopen|insist|dispatch|relevel"

OWED: Final[Mapping[str, Owed]] = {
    "confirm": Owed("SUBMITTED", "240min", "unconfirmed"),
    "limit": Owed(_RUNNING, "matter", "(remind_before) (remind_day) overdue"),
    "doable": Owed(
        "WITH_UNIT if last:return_doable/send_back|convene|convene_above|restart|reopen|dispatch",
        "matter",
        "(remind_before) (remind_day) overdue",
    ),
    "judging": Owed(
        "TRIAGE if unit=yes shielded=no last:accept|register|return_judgement/judge|send_back",
        "1wd",
        "missed",
    ),
    "consent": Owed(
        "TRIAGE if judgement=cannot_for_now last:judge/approve_judgement|return_judgement|send_back|insist",
        "1wd",
        "missed",
    ),
    "classifying": Owed(
        "TRIAGE if last:approve_judgement|keep_back/classify|send_back|insist", "1wd", "missed"
    ),
    "head_consent": Owed("TRIAGE if class=2|3|4 last:classify/keep_back|send_back|insist", "day", "missed"),
    "reply_unit": Owed("TRIAGE if unit=no", "1wd", "missed"),
    "study": Owed("REPORTED", "3wd", "missed"),
    "task": Owed(
        "JOINT if last:convene|convene_above/contribute", "matter", "(remind_day) missed", may="JOINT"
    ),
    "tell_at_once": Owed(
        "WITH_UNIT if last:carry_out/progress|send_back|convene|convene_above|reopen", "1wd", "(remind_day)"
    ),
    "review": Owed("SHELVED", "matter", "remind_day"),
    "transfer_receipt": Owed(
        "TRANSFERRED if last:transfer/note_receipt|note_transfer_result", "1wd", "missed"
    ),
    "transcribe": Owed("OPEN if has_voice=yes"),
    "human": Owed("DRAFT OPEN ENDED if last:ask_human/answer_citizen", "", "remind"),
    "sign_for": Owed(
        "WITH_UNIT if before:signed_for_at last:dispatch|return_doable|restart/convene|convene_above|reopen",
        "",
        "chase escalate",
    ),
    "answer": Owed(
        "WITH_UNIT JOINT if last:ask/answer|answer_for|send_back|reopen|close_no_response", "", "again last"
    ),
    "issue_supervision": Owed(f"{_RUNNING} if last:{_LATE}/supervise|progress|{_ANEW}", "", "again"),
    "supervision": Owed(
        f"{_RUNNING} if last:supervise/progress|restart|reopen|insist", "3wd", "(remind_day) overdue"
    ),
    "to_applicant": Owed("DELIVERING"),
    "call": Owed(
        "OPEN ENDED if last:unreachable/deliver|log_attempt|delivered|delivered_all|answer|answer_for",
        "",
        "remind",
        may="OPEN ENDED",
    ),
    "filing": Owed("CLOSED if last:delivered_all/file_result", "1wd closed_at", "(remind_day) overdue"),
    "visit": Owed("CLOSED ARCHIVED if since:filed_at before:visited_at", "3wd filed_at", "(remind_day)"),
    "archiving": Owed("CLOSED", "5wd closed_at", "missed"),
    "rating": Owed("CLOSED if before:rated_at", "", "again", may="ARCHIVED if class=1 before:rated_at"),
}

ANCHORS: Final[Mapping[str, str]] = {
    **EVERYWHERE,
    "decline_on_spot": "declined_at",
    "transfer": "transferred_at",
    "note_receipt": "transfer_received_at",
    "note_transfer_result": "transfer_answered_at",
    "judge": "judged_at",
    "approve_judgement": "deputy_agreed_at",
    "classify": "classified_at",
    "handle_inside": "dispatched_at",
    "report": "head_agreed_at reported_at",
    "return_doable": "returned_at dispatched_at",
    "convene": "convened_at",
    "convene_above": "convened_at",
    "conclude": "concluded_at dispatched_at",
    "carry_out": "carried_out_at",
    "shelve": "shelved_at",
    "restart": "restarted_at dispatched_at",
    "progress": "interim_replied_at",
    "file_result": "filed_at",
    "archive": "archived_at",
    "archive_inside": "archived_at",
    "supervise": "supervised_at",
}

WHY: Final = "一句话说清"
_SENT: Final = {"subject": WHY, "unit": "housing", "content_for_unit": WHY}
_SESSION: Final = {"members": "land,market", "task": WHY, "task_due": "+4"}
_NO: Final = {
    "result": WHY,
    "outcome": "cannot_do",
    "cannot_reason": WHY,
    "cannot_basis": WHY,
    "explanation": WHY,
}

GIVEN: Final[Given] = {
    "accept": [
        {"scope_code": "complaint", "sub_kind": "complaint", "subject": WHY, "cause_text": WHY},
        {"scope_code": "project", "project_name": WHY, "subject": WHY, "cause_text": WHY},
        {"scope_code": "applied_demand", "submitted_on": "2023-07-20", "subject": WHY, "cause_text": WHY},
        {"scope_code": "from_above", "superior_body": WHY, "subject": WHY, "cause_text": WHY},
    ],
    "decline_on_spot": [{"no_basis": WHY, "no_reason": WHY}],
    "transfer": [{"transfer_target": "hotline", "transfer_reason": WHY}],
    "note_receipt": [{"receipt_note": WHY}],
    "note_transfer_result": [{"transfer_result": WHY}],
    "judge": [{"judgement": found, "judgement_reason": WHY} for found in ("cannot_for_now", "doable")],
    "return_judgement": [{"return_reason": WHY}],
    "classify": [
        {"class": number, "cause_code": "between_units", "level": "complex", "subject": WHY}
        for number in "123"
    ],
    "handle_inside": [{"sections": WHY}],
    "keep_back": [{"keep_reason": WHY}],
    "dispatch": [{**_SENT, "level": "complex"}],
    "resolve": [{"result": WHY}],
    "relevel": [{"level": "very_complex", "relevel_reason": WHY}],
    "return_doable": [{"opinion_text": WHY, "level": "simple"}],
    "convene": [_SESSION],
    "convene_above": [{**_SESSION, "leader": "jin", "level": "very_complex"}],
    "contribute": [{"contribution": WHY}],
    "conclude": [{"joint_opinion": WHY}],
    "carry_out": [{"carried_out": WHY}],
    "shelve": [{"shelve_reason": WHY}],
    "review": [{"review_note": WHY}],
    "restart": [
        {"restart_ground": "policy", "policy_document": WHY},
        {"restart_ground": "precedent", "precedent_place": WHY, "confirmed_by": WHY},
    ],
    "ask": [{"question": WHY}],
    "answer": [{"answer": WHY}],
    "answer_for": [{"answer": WHY}],
    "add": [{"supplement": WHY}],
    "note_call": [{"call_note": WHY}],
    "progress": [{"progress": WHY}],
    "send_back": [{"send_back_reason": WHY}],
    "reply": [{"result": WHY, "outcome": "done"}, _NO],
    "close_no_response": [{"no_response_note": WHY}],
    "deliver": [{"feedback_way": "phone", "delivered_on": "+0"}],
    "log_attempt": [{"reached": "yes"}, {"reached": "no"}],
    "rate": [{"score": score} for score in "52"],
    "comment": [{"rating_comment": WHY}],
    "file_result": [{"filing_note": WHY}],
    "follow_up": [{"visit_way": "phone", "visit_satisfied": "satisfied", "visit_with": WHY}],
    "ask_human": [{"human_question": WHY}],
    "answer_citizen": [{"human_answer": WHY}],
    "transcribe": [{"transcript": WHY}],
    "redact": [{"words_for_unit": WHY}],
}
