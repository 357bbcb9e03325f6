"""湘江新区: who may do what, what is owed, which anchors are set; and what is filled in on a walk (`walk.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.regions.standing import EVERYWHERE, Owed
from tests.regions.walk import Given

WINDOW, HANDLER = "window_staff duty_cadre", "handler unit_liaison"

OFFERED: Final[Mapping[str, list[str]]] = {
    "submit": ["applicant"],
    "insist": ["applicant"],
    "withdraw": ["applicant"],
    "ask_human": ["applicant"],
    "add": ["applicant"],
    "answer": ["applicant if open:answer"],
    "object": ["applicant if open:approve_extension"],
    "reopen": ["applicant"],
    "rate": ["applicant if before:rated_at"],
    "comment": ["applicant if rated=yes"],
    # the window: a dedicated person, and the cadre of the week (XJ-2.2a, XJ-4.1a)
    "register": [WINDOW],
    "accept": [WINDOW],
    "guide": [WINDOW],
    "resolve": [WINDOW],
    "dispatch": [WINDOW],
    "relevel": [WINDOW],
    "report": [WINDOW],
    "answer_citizen": [WINDOW],
    "answer_for": [f"{WINDOW} if open:answer"],
    "transcribe": [f"{WINDOW} if open:transcribe"],
    "redact": [f"{WINDOW} if shielded=yes"],
    "consent": [f"{WINDOW} if open:approve_extension shielded=yes"],
    "close_no_response": [f"{WINDOW} if open:answer since:reminded_at"],
    "verify_result": [f"{WINDOW} if open:verify"],
    "follow_up": [f"{WINDOW} if open:visit"],
    "propose_cause": [f"{WINDOW} if visit_satisfied=dissatisfied kind=assign|coordinate shut:judge"],
    # the unit
    "sign_for": [f"{HANDLER} if before:signed_for_at"],
    "ask": [f"{HANDLER} if shut:answer"],
    "note_call": [f"{HANDLER} if shielded=no"],
    "extend": [f"{HANDLER} if overdue=no shut:approve_extension"],
    "hand_in": [f"{HANDLER} if since:signed_for_at"],
    "send_back": [HANDLER],
    "sign_off": ["unit_head"],
    "reject": ["unit_head"],
    "deliver": ["if open:to_applicant", WINDOW, f"{HANDLER} if shielded=no"],
    "log_attempt": ["if open:call", WINDOW, f"{HANDLER} if shielded=no"],
    "file_scan": [f"{WINDOW} {HANDLER}"],
    # those above it
    "approve_extension": ["operator if open:approve_extension"],
    "refuse_extension": ["operator if open:approve_extension"],
    "judge_objective": ["operator if open:judge"],
    "redo": ["operator if open:judge"],
    "supervise": ["discipline_office if open:issue_supervision"],
    "return_doable": ["higher_body"],
}

_RUNNING = "SUBMITTED TRIAGE REPORTED WITH_UNIT SIGNING"
_ANEW = "redo|reopen|insist"
_NEW_LIMIT = f"dispatch|relevel|approve_extension|return_doable|{_ANEW}"

OWED: Final[Mapping[str, Owed]] = {
    "confirm": Owed("SUBMITTED", "240min", "unconfirmed"),
    "limit": Owed(_RUNNING, "matter", "?remind_target (remind_before) (remind_day) overdue"),
    "transcribe": Owed("OPEN if has_voice=yes"),
    "human": Owed("DRAFT OPEN ENDED if last:ask_human/answer_citizen|guide", "", "remind"),
    "sign_for": Owed(
        "WITH_UNIT if before:signed_for_at last:dispatch|return_doable|redo/reopen", "", "chase escalate"
    ),
    "answer": Owed(
        "WITH_UNIT SIGNING REPORTED if last:ask/answer|answer_for|send_back|reopen", "", "again last"
    ),
    "approve_extension": Owed(
        "WITH_UNIT SIGNING if last:extend/approve_extension|refuse_extension|send_back|report|reopen|redo",
        "",
        "remind",
    ),
    "issue_supervision": Owed(
        f"SUBMITTED TRIAGE WITH_UNIT SIGNING if last:limit.overdue|supervision.overdue/supervise|{_NEW_LIMIT}",
        "",
        "again",
        may=f"REPORTED if last:limit.overdue|supervision.overdue/supervise|{_NEW_LIMIT}",
    ),
    "supervision": Owed(f"{_RUNNING} if last:supervise/{_ANEW}", "3wd", "(remind_day) overdue"),
    "to_applicant": Owed(
        "DELIVERING if last:sign_off|resolve/deliver|delivered|log_attempt", may="DELIVERING"
    ),
    "to_window": Owed("DELIVERING if last:sign_off/resolve|delivered", may="DELIVERING"),
    "to_discipline_office": Owed("DELIVERING if last:sign_off/resolve|delivered", may="DELIVERING"),
    "call": Owed(
        "OPEN ENDED if last:unreachable/deliver|log_attempt|delivered|delivered_all|answer|answer_for",
        "",
        "remind",
        may="OPEN ENDED",
    ),
    "verify": Owed("DELIVERING CLOSED if drawn=yes before:verified_at", "3wd replied_at", "(remind_day)"),
    "visit": Owed("CLOSED if before:visited_at", "3wd closed_at", "(remind_day)"),
    "rating": Owed("CLOSED if before:rated_at", "", "again"),
    "judge": Owed("CLOSED if last:propose_cause/judge_objective|redo", "", "remind"),
}

ANCHORS: Final[Mapping[str, str]] = {
    **EVERYWHERE,
    "report": "reported_at",
    "return_doable": "dispatched_at",
    "sign_off": "signed_off_at replied_at",
    "supervise": "supervised_at",
    "verify_result": "verified_at",
    "redo": "redo_at dispatched_at",
}

WHY: Final = "一句话说清"
_SENT: Final = {"subject": WHY, "scope_code": "policy", "content_for_unit": WHY}
_CONSENT: Final = {"consent_way": "phone", "consent_at": "+0", "consent_words": WHY}
_RESULT: Final = {"handled": WHY, "result": WHY}

GIVEN: Final[Given] = {
    "guide": [{"exclusion": "penalty"}],
    "resolve": [
        {"scope_code": "policy", "result": WHY, "solved": "yes"},
        {
            "scope_code": "business_env",
            "sub_kind": "consult",
            "result": WHY,
            "solved": "no",
            "unsolved_reason": WHY,
        },
    ],
    "dispatch": [
        {**_SENT, "level": "ordinary", "unit": "housing"},
        {**_SENT, "level": "complex", "unit": "housing"},
        {**_SENT, "level": "external", "unit": "park"},
        {
            **_SENT,
            "scope_code": "business_env",
            "sub_kind": "suggestion",
            "level": "complex",
            "unit": "housing",
        },
    ],
    "relevel": [{"level": "complex", "relevel_reason": WHY}, {"level": "ordinary", "relevel_reason": WHY}],
    "report": [{"subject": WHY, "screening_opinion": WHY, "legal_basis": WHY}],
    "return_doable": [{"unit": "housing", "opinion": WHY}],
    "ask": [{"question": WHY}],
    "answer": [{"answer": WHY}],
    "answer_for": [{"answer": WHY}],
    "add": [{"supplement": WHY}],
    "note_call": [{"call_note": WHY}],
    "extend": [
        {"extension_reason": WHY, "extension_due": "+12", **_CONSENT},
        {"extension_reason": WHY, "extension_due": "+5", **_CONSENT},
        {"extension_reason": WHY, "extension_due": "+5"},
    ],
    "consent": [_CONSENT],
    "refuse_extension": [{"extension_opinion": WHY}],
    "hand_in": [
        {**_RESULT, "solved": "yes"},
        {
            **_RESULT,
            "solved": "no",
            "unsolved_reason": WHY,
            "outcome": "cannot_do",
            "cannot_basis": WHY,
            "explanation": WHY,
        },
    ],
    "reject": [{"reject_reason": WHY}],
    "send_back": [{"send_back_reason": WHY}],
    "close_no_response": [{"no_response_note": WHY}],
    "deliver": [{"feedback_way": "phone", "delivered_on": "+0"}],
    "log_attempt": [{"reached": "yes"}, {"reached": "no"}],
    "rate": [{"score": score} for score in "52"],
    "comment": [{"rating_comment": WHY}],
    "verify_result": [{"verified": "yes"}, {"verified": "no", "verify_note": WHY}],
    "follow_up": [
        {"visit_way": "phone", "visit_satisfied": found} for found in ("satisfied", "dissatisfied")
    ],
    "propose_cause": [
        {"cause_proposed": cause, "cause_reason": WHY} for cause in ("subjective", "objective")
    ],
    "judge_objective": [{"judge_reason": WHY}],
    "redo": [{"judge_reason": WHY}],
    "ask_human": [{"human_question": WHY}],
    "answer_citizen": [{"human_answer": WHY}],
    "transcribe": [{"transcript": WHY}],
    "redact": [{"words_for_unit": WHY}],
}
