"""隆回县: who may do what, what is owed, which anchors are set; and what is filled in on a walk (`walk.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.regions.standing import EVERYWHERE, Owed
from tests.regions.walk import Given

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
    "register": ["window_staff"],
    "accept": ["window_staff"],
    "guide": ["window_staff"],
    "conditions_unmet": ["window_staff"],
    "answer_citizen": ["window_staff"],
    "answer_for": ["window_staff if open:answer"],
    "transcribe": ["window_staff if open:transcribe"],
    "redact": ["window_staff if shielded=yes"],
    "explain_limit": ["window_staff"],
    "log_coordination": ["window_staff"],
    "close_no_response": ["window_staff if open:answer since:reminded_at"],
    "consult": ["window_staff coordination_office if shut:advise"],
    "advise": ["coordination_office leading_group if open:advise"],
    "call_on_site": ["window_staff coordination_office if shielded=no"],
    "note_arrival": ["window_staff coordination_office if open:arrival"],
    "resolve": ["window_staff coordination_office"],
    "dispatch": ["window_staff coordination_office"],
    "recall": ["window_staff coordination_office"],
    "handover": ["keeper coordination_office"],
    "convene": ["leading_group coordination_office if kind=assign|joint"],
    "conclude": ["leading_group coordination_office"],
    "contribute": ["member if open:member_task"],
    "sign_for": ["handler unit_head if before:signed_for_at"],
    "ask": ["handler unit_head if shut:answer"],
    "note_call": ["handler unit_head if shielded=no"],
    "progress": ["handler unit_head"],
    "extend": ["handler unit_head if overdue=no"],
    "send_back": ["handler unit_head"],
    "escalate": ["handler unit_head if shut:escalation|joint_wanted"],
    "step_in": ["unit_deputy_head coordination_office"],
    "reply": ["handler unit_head if since:signed_for_at"],
    "deliver": ["if open:to_applicant", "window_staff", "handler unit_head if shielded=no"],
    "log_attempt": ["if open:call", "window_staff", "handler unit_head if shielded=no"],
    "file_scan": ["window_staff handler unit_head"],
    "follow_up": ["first_receiver keeper if open:visit"],
    "rate_for": ["first_receiver keeper if open:rating"],
}

OWED: Final[Mapping[str, Owed]] = {
    "confirm": Owed("SUBMITTED", "240min", "unconfirmed"),
    "triage": Owed("SUBMITTED TRIAGE", "day", "late"),
    "transcribe": Owed("OPEN if has_voice=yes"),
    "human": Owed("DRAFT OPEN ENDED if last:ask_human/answer_citizen|guide", "", "remind"),
    "advise": Owed("TRIAGE if last:consult/advise|send_back|recall|redo_here|insist", "1wd", "late"),
    "arrival": Owed(
        "TRIAGE if last:call_on_site/note_arrival|send_back|recall|redo_here|insist", "30min", "late"
    ),
    "limit": Owed(
        "WITH_UNIT JOINT",
        "matter",
        "(progress) (remind_before) (remind_day) overdue overdue_told overdue_section overdue_office",
        may="TRIAGE if last:send_back|recall/dispatch",
    ),
    "sign_for": Owed("WITH_UNIT if before:signed_for_at last:dispatch|redo/convene|reopen", "", "chase"),
    "answer": Owed("WITH_UNIT JOINT if last:ask/answer|answer_for|send_back|recall|reopen", "", "again last"),
    "escalation": Owed(
        "WITH_UNIT if escalation=no_authority last:escalate/step_in|convene|dispatch|redo|reopen",
        "1wd",
        "late",
    ),
    "joint_wanted": Owed(
        "WITH_UNIT if escalation=several_units last:escalate/convene|dispatch|redo|reopen", "1wd", "late"
    ),
    "joint": Owed("JOINT", "1wd", "late"),
    "member_task": Owed("JOINT if last:convene/contribute", "matter", "(remind_day)", may="JOINT"),
    "over_again": Owed(
        "WITH_UNIT TRIAGE if round=3|4 last:redo|redo_here/step_in|convene|dispatch|guide|conditions_unmet",
        "1wd",
        "late",
    ),
    "to_applicant": Owed("DELIVERING if last:reply|resolve/deliver|delivered|log_attempt", may="DELIVERING"),
    "to_window": Owed("DELIVERING if last:reply/resolve|delivered", may="DELIVERING"),
    "to_supervision_section": Owed("DELIVERING if last:reply/resolve|delivered", may="DELIVERING"),
    "call": Owed(
        "OPEN ENDED if last:unreachable/deliver|log_attempt|delivered|delivered_all|answer|answer_for",
        "",
        "remind",
        may="OPEN ENDED if last:unreachable|log_attempt/deliver|delivered_all|answer|answer_for",
    ),
    "rating": Owed("CLOSED if before:rated_at", "", "again"),
    "visit": Owed("CLOSED if redone=yes before:visited_at", "3wd closed_at", "remind_day"),
}

ANCHORS: Final[Mapping[str, str]] = {
    **EVERYWHERE,
    "consult": "consulted_at",
    "advise": "advised_at",
    "call_on_site": "called_at",
    "note_arrival": "arrived_at",
    "escalate": "escalated_at",
    "progress": "interim_replied_at",
    "file_result": "filed_at",
    "rate_for": "rated_at",
    "redo": "redo_at dispatched_at",
    "redo_here": "redo_at",
}

TRIAGE: Final = {"cause_code": "delay", "category": "handling", "level": "work_order"}
RESULT: Final = {
    "solution": "当天补录系统，加急出证",
    "result": "证书已经办好，可以来取。",
    "outcome": "done",
}
SPOT: Final = {
    "level": "window",
    "inquiry_asked": "不动产登记窗口",
    "inquiry_note": "档案已经找到",
    "result": "证书当场领到。",
}
WHY: Final = "一句话说清"
NO: Final = {**RESULT, "outcome": "cannot_do", "cannot_reason": WHY}
GIVEN: Final[Given] = {
    "accept": [TRIAGE],
    "guide": [{"exclusion": "petition", "guidance_note": WHY}],
    "conditions_unmet": [{"no_reason": WHY, "supplement_list": WHY, "improvement": WHY}],
    "consult": [{"asked_to": who, "consult_question": WHY} for who in ("office", "leader")],
    "advise": [{"advice": WHY}],
    "call_on_site": [{"unit": "registry", "subject": WHY}],
    "resolve": [
        SPOT,
        {**SPOT, "level": "on_site"},
        {**SPOT, "level": "original", "crux": WHY, "solution": WHY},
    ],
    "dispatch": [
        {**TRIAGE, "subject": WHY, "unit": "registry", "content_for_unit": WHY},
        {**TRIAGE, "subject": WHY, "unit": "registry", "content_for_unit": WHY, "level": "leaders"},
        {**TRIAGE, "subject": WHY, "unit": "registry", "content_for_unit": WHY, "level": "original"},
    ],
    "recall": [{"recall_reason": WHY}],
    "send_back": [{"send_back_reason": WHY}],
    "ask": [{"question": WHY}],
    "answer": [{"answer": WHY}],
    "answer_for": [{"answer": WHY}],
    "add": [{"supplement": WHY}],
    "note_call": [{"call_note": WHY}],
    "escalate": [{"escalation": why, "escalate_reason": WHY} for why in ("no_authority", "several_units")],
    "step_in": [{"requirement": WHY}],
    "convene": [{"unit": "registry", "members": "housing,tax", "content_for_unit": WHY}],
    "contribute": [{"contribution": WHY}],
    "conclude": [{"opinion": WHY}],
    "progress": [{"progress": WHY}],
    "explain_limit": [{"statutory_until": "+20", "limit_explained": WHY}],
    "log_coordination": [{"coordinated_with": WHY, "coordinated_at": "+0", "outcome_of_it": WHY}],
    "handover": [{"keeper": "mao"}],
    "extend": [{"extension_reason": WHY, "extension_due": "+5"}],
    "reply": [
        {**RESULT, "crux": WHY, "redo_reason": WHY},
        {**NO, "crux": WHY, "redo_reason": WHY, "negative_path": "guidance", "guidance_path": WHY},
        {**NO, "crux": WHY, "redo_reason": WHY, "negative_path": "consulted", "explanation": WHY},
        {
            **NO,
            "crux": WHY,
            "redo_reason": WHY,
            "negative_path": "supplement",
            "supplement_list": WHY,
            "improvement": WHY,
        },
    ],
    "close_no_response": [{"no_response_note": WHY}],
    "deliver": [{"feedback_way": "phone", "delivered_on": "+0"}],
    "log_attempt": [{"reached": "yes"}, {"reached": "no"}],
    "rate": [{"score": score} for score in "52"],
    "rate_for": [{"score": score, "proxy_note": WHY} for score in "51"],
    "comment": [{"rating_comment": WHY}],
    "follow_up": [{"visit_way": "phone", "visit_satisfied": "satisfied"}],
    "answer_citizen": [{"human_answer": WHY}],
    "ask_human": [{"human_question": WHY}],
    "transcribe": [{"transcript": WHY}],
    "redact": [{"words_for_unit": WHY}],
}
