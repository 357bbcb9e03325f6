"""Who hears what when something happens: by region and happening, in the words of the people of its hall.

A line names a notice and the posts of those who get it; a person with two posts is named by both. `if shielded`: only
where the applicant is shielded, `if open`: only where not; other conditions are those of `standing.py`, asked of the
case as it stands afterwards. `sometimes`: it depends on the matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import store
from tests.regions.standing import Standing, standing
from tests.world import World

HEARD: Final[Mapping[str, Mapping[str, list[str]]]] = {
    "huaiyin": {
        "answer_for": [
            "answer_card: handler unit_liaison if open",
            "answer_card: coordination_office if shielded",
        ],
        "add": [
            "added_card: handler unit_liaison if unit=yes shielded=no",
            "added_card: coordination_office if unit=no",
            "added_card: coordination_office if shielded=yes",
        ],
        "answer": [
            "answer_card: handler unit_liaison if open",
            "answer_card: coordination_office if shielded",
        ],
        "answer.again": ["question_again: applicant"],
        "answer.last": ["question_again: applicant"],
        "answer_citizen": ["human_answer: applicant"],
        "approve_judgement": ["classify_card: lead_section"],
        "archiving.missed": ["duty_missed: lead_section"],
        "ask": ["question: applicant"],
        "ask_human": [
            "human_card: handler lead_section if unit=yes shielded=no",
            "human_card: coordination_office if unit=no",
            "human_card: coordination_office if shielded=yes",
            "human_soon: applicant if asked_human=first",
        ],
        "call.remind": [
            "call_task: coordination_office",
            "call_task: handler lead_section if unit=yes shielded=no",
        ],
        "classify": ["head_consent_card: unit_head if class=2|3|4"],
        "classifying.missed": ["classify_card: lead_section"],
        "close_no_response": ["closed_no_response: applicant"],
        "conclude": ["concluded_card: handler unit_liaison"],
        "confirm.unconfirmed": ["unconfirmed_alert: coordination_office"],
        "consent.missed": ["consent_card: unit_deputy_head"],
        "contribute": ["contribution_card: coordination_office"],
        "convene": [
            "joint_card: handler unit_liaison",
            "joint_group: group",
            "joint_lead_card: handler unit_liaison",
            "joint_told: applicant",
        ],
        "convene_above": [
            "joint_card: handler higher_body unit_liaison",
            "joint_group: group",
            "joint_lead_card: handler unit_liaison",
            "joint_told: applicant",
        ],
        "decline_on_spot": ["not_accepted: applicant"],
        "delivered": [],
        "delivered_all": [
            "rating_prompt: applicant",
            "filing_task: handler lead_section unit_liaison if unit=yes",
            "filing_task: coordination_office if unit=no",
        ],
        "dispatch": ["dispatch_card: handler unit_liaison", "dispatch_group: group", "dispatched: applicant"],
        "doable.overdue": ["overdue_alert: coordination_office"],
        "doable.remind_before": ["remind_before: handler unit_liaison"],
        "doable.remind_day": ["remind_day: handler lead_section unit_liaison"],
        "file_result": ["visit_task: coordination_office"],
        "filing.overdue": [
            "filing_missed: coordination_office",
            "filing_missed: handler lead_section unit_liaison if unit=yes",
        ],
        "filing.remind_day": [
            "duty_today: handler lead_section unit_liaison if unit=yes",
            "duty_today: coordination_office if unit=no",
        ],
        "handle_inside": ["inside_card: handler unit_liaison"],
        "head_consent.missed": ["head_consent_card: unit_head"],
        "human.remind": [
            "human_card: coordination_office",
            "human_card: handler lead_section if unit=yes shielded=no",
        ],
        "insist": [
            "insisted: applicant",
            "intake_card: handler lead_section if unit=yes shielded=no",
            "intake_card: coordination_office if unit=no",
            "intake_card: coordination_office if shielded=yes",
        ],
        "issue_supervision.again": ["overdue_alert: coordination_office"],
        "judge": [
            "classify_card: lead_section if judgement=doable",
            "consent_card: unit_deputy_head if judgement=cannot_for_now",
        ],
        "judging.missed": ["duty_missed: handler lead_section unit_liaison"],
        "keep_back": ["classify_card: lead_section"],
        "limit.overdue": ["overdue_alert: coordination_office"],
        "limit.remind_before": [
            "remind_before: handler unit_liaison if unit=yes",
            "remind_before: coordination_office if unit=no",
        ],
        "limit.remind_day": [
            "remind_day: handler lead_section unit_liaison if unit=yes",
            "remind_day: coordination_office if unit=no",
        ],
        "log_attempt": [],
        "note_transfer_result": ["transfer_result_told: applicant"],
        "progress": ["progress_told: applicant"],
        "rating.again": ["rating_reminder: applicant"],
        "redact": [
            "redacted_card: handler unit_liaison if unit=yes",
            "redacted_card: coordination_office if unit=no",
        ],
        "register": ["intake_card: coordination_office if shielded", "wait_for_feedback: applicant"],
        "relevel": ["releveled: handler unit_liaison", "releveled_citizen: applicant"],
        "reopen": ["reopened_card: handler unit_liaison"],
        "reply": ["result: applicant"],
        "reply_unit.missed": ["duty_missed: coordination_office"],
        "report": ["reported_card: coordination_office"],
        "resolve": ["result: applicant"],
        "restart": ["restarted_card: handler unit_liaison", "restarted_told: applicant"],
        "return_doable": ["doable_card: handler lead_section unit_liaison", "redo_group: group"],
        "return_judgement": ["rejected_card: handler unit_liaison"],
        "review.remind_day": ["review_task: coordination_office"],
        "send_back": ["sent_back_card: coordination_office"],
        "shelve": ["shelved_card: lead_section", "shelved_told: applicant"],
        "sign_for.chase": ["sign_for_chase: handler unit_liaison"],
        "sign_for.escalate": ["sign_for_escalate: lead_section"],
        "study.missed": ["duty_missed: coordination_office"],
        "submit": [
            "wait_for_feedback: applicant",
            "intake_card: handler lead_section if unit=yes shielded=no",
            "intake_card: coordination_office if unit=no",
            "intake_card: coordination_office if shielded=yes",
        ],
        "supervise": [
            "supervise_card: handler lead_section unit_head unit_liaison if unit=yes",
            "supervise_group: group if unit=yes",
            "supervise_card: coordination_office if unit=no",
        ],
        "supervision.overdue": ["overdue_alert: coordination_office"],
        "supervision.remind_day": [
            "remind_day: handler lead_section unit_liaison if unit=yes",
            "remind_day: coordination_office if unit=no",
        ],
        "task.missed": ["duty_missed: coordination_office"],
        "task.remind_day": ["duty_today: handler unit_liaison"],
        "tell_at_once.remind_day": ["duty_today: handler lead_section unit_liaison"],
        "transfer": ["transfer_card: unit_liaison", "transferred_told: applicant"],
        "transfer_receipt.missed": ["duty_missed: coordination_office"],
        "unreachable": [
            "call_task: handler lead_section if unit=yes shielded=no",
            "call_task: coordination_office if unit=no",
            "call_task: coordination_office if shielded=yes",
        ],
        "visit.remind_day": ["duty_today: coordination_office"],
        "withdraw": [
            "withdrawn: applicant if numbered=yes",
            "withdrawn_card: handler lead_section unit_liaison if unit=yes shielded=no numbered=yes",
            "withdrawn_card: coordination_office if unit=no numbered=yes",
            "withdrawn_card: coordination_office handler unit_liaison if unit=yes shielded=yes numbered=yes",
        ],
    },
    "longhui": {
        "visit.remind_day": ["duty_today: window_staff"],
        "over_again.late": ["bad_again: coordination_office"],
        "close_no_response": [
            "closed_no_response: applicant",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "reopen": [
            "reopened_card: handler unit_head",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "member_task.remind_day": ["joint_card: handler unit_head"],
        "redact": ["redacted_card: handler unit_head if unit=yes", "redacted_card: window_staff if unit=no"],
        "deliver": [],
        "rate_for": ["case_moved: window_staff if since:confirmed_at first:no"],
        "joint_wanted.late": ["convene_wanted: coordination_office leading_group"],
        "escalation.late": ["escalate_card: unit_deputy_head window_staff"],
        "answer.last": ["question_again: applicant"],
        "answer.again": ["question_again: applicant"],
        "joint.late": ["duty_missed: coordination_office leading_group"],
        "call.remind": ["call_task: window_staff"],
        "human.remind": ["human_card: window_staff"],
        "add": [
            "added_card: handler unit_head if unit=yes shielded=no",
            "added_card: window_staff if unit=no shielded=no",
            "added_card: window_staff if shielded=yes",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "advise": ["advice_card: window_staff"],
        "advise.late": ["consult_card: coordination_office leading_group window_staff"],
        "answer": [
            "answer_card: handler unit_head if open",
            "answer_card: window_staff if shielded",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "answer_citizen": ["human_answer: applicant"],
        "answer_for": [
            "answer_card: handler unit_head if open",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "arrival.late": ["on_site_card: handler unit_head"],
        "ask": ["case_moved: window_staff if since:confirmed_at first:no", "question: applicant"],
        "ask_human": ["human_card: window_staff", "human_soon: applicant if asked_human=first"],
        "call_on_site": [
            "on_site_card: handler unit_head",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "note_arrival": ["case_moved: window_staff if since:confirmed_at first:no"],
        "accept": ["case_moved: window_staff if since:confirmed_at first:no"],
        "conclude": [
            "case_moved: window_staff if since:confirmed_at first:no",
            "concluded_card: handler unit_head",
        ],
        "conditions_unmet": [
            "supplement_told: applicant",
            "answer_filed: coordination_office if asked_to=office|leader",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "confirm.unconfirmed": ["unconfirmed_alert: coordination_office operator"],
        "consult": [
            "consult_card: coordination_office if asked_to=office",
            "consult_card: leading_group if asked_to=leader",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "contribute": [
            "case_moved: window_staff if since:confirmed_at first:no",
            "contribution_card: coordination_office leading_group",
        ],
        "convene": [
            "case_moved: window_staff if since:confirmed_at first:no",
            "joint_card: handler unit_head",
            "joint_group: group",
            "joint_lead_card: handler unit_head",
            "joint_told: applicant",
        ],
        "delivered": [],
        "delivered_all": [
            "rating_prompt: applicant",
            "visit_task: window_staff if redone=yes",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "dispatch": [
            "case_moved: window_staff if since:confirmed_at first:no",
            "dispatch_card: handler unit_head",
            "dispatch_cc: supervision_section if shielded",
            "dispatch_group: group",
            "dispatched: applicant",
        ],
        "escalate": [
            "convene_wanted: coordination_office leading_group if escalation=several_units",
            "escalate_card: unit_deputy_head if escalation=no_authority",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "explain_limit": ["limit_explained: applicant"],
        "extend": ["extension_filed: supervision_section window_staff", "extension_told: applicant"],
        "file_result": [
            "answer_filed: coordination_office",
            "case_moved: window_staff if since:confirmed_at first:no",
            "rating_prompt: applicant",
        ],
        "guide": [
            "guided: applicant",
            "answer_filed: coordination_office if asked_to=office|leader",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "handover": [
            "handover_card: window_staff",
            "case_moved: window_staff if since:confirmed_at first:no",
        ],
        "insist": ["insisted: applicant", "intake_card: window_staff"],
        "limit.overdue": [
            "overdue_told: applicant",
            "overdue_unit: handler unit_head if unit=yes",
            "overdue_unit: window_staff",
        ],
        "limit.overdue_office": ["overdue_climbed: coordination_office"],
        "limit.overdue_section": ["overdue_climbed: supervision_section"],
        "limit.overdue_told": [
            "overdue_told: applicant",
            "overdue_unit: handler unit_head if unit=yes",
            "overdue_unit: window_staff",
        ],
        "limit.progress": [
            "progress_before: applicant",
            "remind_before: handler unit_head if unit=yes",
            "remind_before: window_staff",
        ],
        "limit.remind_before": [
            "progress_before: applicant",
            "remind_before: handler unit_head if unit=yes",
            "remind_before: window_staff",
        ],
        "limit.remind_day": ["remind_day: handler unit_head if unit=yes", "remind_day: window_staff"],
        "progress": ["case_moved: window_staff if since:confirmed_at first:no", "progress_told: applicant"],
        "rate": ["case_moved: window_staff if since:confirmed_at first:no"],
        "rating.again": ["rating_reminder: applicant"],
        "recall": ["case_moved: window_staff if since:confirmed_at first:no"],
        "redo": [
            "case_moved: window_staff if since:confirmed_at",
            "redo_card: handler unit_head",
            "redo_group: group",
            "redo_told: applicant",
            "bad_again: coordination_office supervision_section if round=3|4|5",
        ],
        "redo_here": [
            "case_moved: window_staff if since:confirmed_at",
            "redo_card: window_staff",
            "redo_told: applicant",
            "bad_again: coordination_office supervision_section if round=3|4|5",
        ],
        "register": ["acceptance: applicant"],
        "reply": ["result: applicant", "result_copy: supervision_section window_staff"],
        "resolve": ["result: applicant", "case_moved: window_staff if since:confirmed_at first:no"],
        "send_back": ["sent_back_card: window_staff"],
        "sign_for": ["case_moved: window_staff if since:confirmed_at first:no"],
        "sign_for.chase": ["sign_for_chase: handler unit_head"],
        "step_in": [
            "case_moved: window_staff if since:confirmed_at first:no",
            "concluded_card: handler unit_head",
        ],
        "submit": ["acceptance: applicant", "intake_card: window_staff"],
        "triage.late": ["duty_missed: coordination_office window_staff"],
        "unreachable": ["call_task: window_staff"],
        "withdraw": [
            "withdrawn: applicant if numbered=yes",
            "withdrawn_card: handler unit_head if unit=yes numbered=yes",
            "withdrawn_card: window_staff if numbered=yes",
        ],
    },
    "neixiang": {
        "add": [
            "added_card: handler if unit=yes shielded=no",
            "added_card: window_staff if unit=no",
            "added_card: window_staff if shielded=yes",
        ],
        "answer": ["answer_card: handler if open", "answer_card: window_staff if shielded"],
        "answer.again": ["question_again: applicant"],
        "answer.last": ["question_again: applicant"],
        "answer_citizen": ["human_answer: applicant"],
        "answer_for": ["answer_card: handler if open"],
        "ask": ["question: applicant"],
        "ask_human": ["human_card: window_staff", "human_soon: applicant if asked_human=first"],
        "call.remind": ["call_task: window_staff"],
        "close_no_response": ["case_moved: window_staff sometimes", "closed_no_response: applicant"],
        "conclude": ["case_moved: window_staff", "concluded_card: handler"],
        "conclude_above": ["result: applicant", "result_copy: window_staff"],
        "confirm.unconfirmed": ["unconfirmed_alert: coordination_office"],
        "confirm_no": ["case_moved: window_staff", "no_confirmed: handler"],
        "contribute": ["case_moved: window_staff", "contribution_card: coordination_office"],
        "contribution.late": ["duty_missed: coordination_office"],
        "contribution.remind_day": ["joint_card: handler"],
        "convene": [
            "case_moved: window_staff",
            "joint_card: handler",
            "joint_lead_card: handler",
            "joint_told: applicant",
        ],
        "convene.again": ["convene_wanted: coordination_office"],
        "delivered_all": [
            "case_moved: window_staff",
            "filing_task: window_staff",
            "rating_prompt: applicant",
            "verify_task: coordination_office",
            "visit_task: coordination_office",
        ],
        "dispatch": [
            "case_moved: window_staff sometimes",
            "convene_wanted: coordination_office if level=special",
            "dispatch_card: handler",
            "dispatch_copy: unit_head",
            "dispatch_group: group",
            "dispatched: applicant",
            "negative_report: coordination_office if nature=cannot_do",
        ],
        "draw_visit": ["visit_drawn: coordination_office supervision_section"],
        "explain": ["case_moved: window_staff", "explained: applicant"],
        "guide": ["guided: applicant"],
        "human.remind": ["human_card: window_staff"],
        "initial_feedback.overdue": ["overdue_alert: coordination_office window_staff"],
        "initial_feedback.remind_before": ["feedback_reminder: handler"],
        "initial_feedback.remind_day": ["feedback_reminder: handler unit_head"],
        "insist": ["insisted: applicant", "intake_card: window_staff"],
        "issue_supervision.again": ["overdue_alert: coordination_office"],
        "joint_visit.remind_day": ["duty_today: coordination_office"],
        "limit.overdue": ["overdue_alert: coordination_office"],
        "limit.remind_before": [
            "remind_before: handler if unit=yes",
            "remind_before: window_staff if unit=no",
        ],
        "limit.remind_day": [
            "remind_day: handler unit_head if unit=yes",
            "remind_day: window_staff if unit=no",
        ],
        "negative_report.remind": ["negative_report: coordination_office"],
        "progress": ["case_moved: window_staff", "progress_told: applicant"],
        "raise_above": ["above_card: higher_body", "case_moved: window_staff", "reported_told: applicant"],
        "rating.again": ["rating_reminder: applicant"],
        "redact": ["redacted_card: handler if unit=yes", "redacted_card: window_staff if unit=no"],
        "redo": [
            "case_moved: window_staff",
            "redo_card: handler",
            "redo_copy: coordination_office unit_head",
            "redo_group: group",
            "redo_told: applicant",
        ],
        "redo_here": ["case_moved: window_staff", "redo_copy: coordination_office", "redo_told: applicant"],
        "register": ["acceptance: applicant"],
        "relevel": [
            "case_moved: window_staff sometimes",
            "convene_wanted: coordination_office",
            "releveled: handler",
            "releveled_citizen: applicant",
        ],
        "reopen": ["case_moved: window_staff", "reopened_card: handler"],
        "reply": ["result: applicant", "result_copy: window_staff"],
        "reply_cannot": ["result: applicant", "result_copy: window_staff"],
        "report": [
            "case_moved: window_staff sometimes",
            "reported_card: coordination_office leading_group",
            "reported_told: applicant",
        ],
        "report_no": ["case_moved: window_staff", "negative_report: coordination_office"],
        "resolve": ["result: applicant"],
        "return_doable": [
            "case_moved: window_staff",
            "dispatch_card: handler",
            "dispatch_copy: unit_head",
            "dispatch_group: group",
            "dispatched: applicant",
        ],
        "return_no": ["case_moved: window_staff", "rejected_card: handler"],
        "send_back": ["sent_back_card: window_staff"],
        "sign_for": ["case_moved: window_staff"],
        "sign_for.chase": ["sign_for_chase: handler"],
        "sign_for.escalate": ["sign_for_escalate: unit_head"],
        "sign_row.remind_day": ["filing_task: window_staff"],
        "study.again": ["reported_card: coordination_office leading_group"],
        "submit": ["acceptance: applicant", "intake_card: window_staff"],
        "supervise": [
            "supervise_card: handler unit_head if unit=yes",
            "supervise_card: window_staff if unit=no",
            "supervise_copy: window_staff",
            "supervise_group: group if unit=yes",
        ],
        "supervision.overdue": ["supervision_missed: coordination_office"],
        "supervision.remind_day": [
            "remind_day: handler unit_head if unit=yes",
            "remind_day: window_staff if unit=no",
        ],
        "unreachable": ["call_task: window_staff"],
        "verify.remind_day": ["duty_today: coordination_office"],
        "visit.remind_day": ["duty_today: coordination_office"],
        "withdraw": [
            "withdrawn: applicant if numbered=yes",
            "withdrawn_card: handler if numbered=yes unit=yes",
            "withdrawn_card: window_staff if numbered=yes",
        ],
    },
    "putuo": {
        "add": [
            "added_card: handler lead_section unit_liaison if unit=yes shielded=no",
            "added_card: window_staff if unit=no",
            "added_card: window_staff if shielded=yes",
        ],
        "analysis.missed": ["duty_missed: window_staff"],
        "answer": [
            "answer_card: handler lead_section unit_liaison if open",
            "answer_card: window_staff if shielded",
        ],
        "answer.again": ["question_again: applicant"],
        "answer.last": ["question_again: applicant"],
        "answer_citizen": ["human_answer: applicant"],
        "answer_for": ["answer_card: handler lead_section unit_liaison if open"],
        "answer_no": ["not_accepted: applicant"],
        "archiving.missed": ["duty_missed: window_staff"],
        "ask": ["question: applicant"],
        "ask_human": ["human_card: window_staff", "human_soon: applicant if asked_human=first"],
        "call.remind": ["call_task: window_staff"],
        "close_no_response": ["closed_no_response: applicant"],
        "confirm.unconfirmed": ["unconfirmed_alert: operator operator_head"],
        "delivered_all": ["rating_prompt: applicant", "visit_task: window_staff"],
        "dispatch": [
            "dispatch_card: handler lead_section unit_liaison",
            "dispatch_cc: discipline_office if shielded",
            "dispatch_group: group",
            "dispatched: applicant",
        ],
        "extend": ["extension_filed: window_staff", "extension_told: applicant"],
        "guide": ["guided: applicant"],
        "human.remind": ["human_card: window_staff"],
        "insist": ["insisted: applicant", "intake_card: window_staff"],
        "issue_supervision.again": ["overdue_alert: operator operator_head"],
        "limit.overdue": ["overdue_alert: operator operator_head"],
        "limit.remind_before": [
            "remind_before: handler lead_section unit_liaison if unit=yes",
            "remind_before: window_staff if unit=no",
        ],
        "limit.remind_day": [
            "remind_day: handler lead_section unit_deputy_head unit_liaison if unit=yes",
            "remind_day: window_staff if unit=no",
        ],
        "pass_on": ["passed_on_card: window_staff", "passed_on_told: applicant"],
        "rating.again": ["rating_reminder: applicant"],
        "redact": [
            "redacted_card: handler lead_section unit_liaison if unit=yes",
            "redacted_card: window_staff if unit=no sometimes",
        ],
        "register": ["acceptance: applicant"],
        "relevel": ["releveled: handler lead_section unit_liaison", "releveled_citizen: applicant"],
        "reopen": ["reopened_card: handler lead_section unit_liaison"],
        "reply": ["result: applicant", "result_copy: window_staff"],
        "resolve": ["result: applicant"],
        "send_back": ["sent_back_card: window_staff"],
        "sign_for.chase": ["sign_for_chase: unit_liaison"],
        "sign_for.escalate": ["sign_for_escalate: unit_deputy_head"],
        "submit": ["acceptance: applicant", "intake_card: window_staff"],
        "supervise": [
            "supervise_card: handler lead_section unit_deputy_head unit_liaison if unit=yes",
            "supervise_card: window_staff if unit=no",
            "supervise_copy: window_staff",
            "supervise_group: group if unit=yes",
        ],
        "supervision.overdue": ["overdue_alert: operator operator_head"],
        "supervision.remind_day": [
            "remind_day: handler lead_section unit_deputy_head unit_liaison if unit=yes",
            "remind_day: window_staff if unit=no",
        ],
        "unreachable": ["call_task: window_staff"],
        "upload_city_center.missed": ["duty_missed: window_staff"],
        "upload_woodpecker.missed": ["duty_missed: window_staff"],
        "verify.remind_day": ["duty_today: window_staff"],
        "visit.remind_day": ["duty_today: window_staff"],
        "withdraw": [
            "withdrawn: applicant if numbered=yes",
            "withdrawn_card: handler lead_section unit_liaison if numbered=yes unit=yes",
            "withdrawn_card: window_staff if numbered=yes",
        ],
    },
    "xiangjiang": {
        "log_attempt": [],
        "reopen": ["reopened_card: handler unit_liaison"],
        "close_no_response": ["closed_no_response: applicant"],
        "object": ["extension_objection: handler operator unit_liaison"],
        "consent": ["extension_check: applicant"],
        "judge.remind": ["judge_card: operator"],
        "approve_extension.remind": ["extension_request: operator"],
        "answer.last": ["question_again: applicant"],
        "answer.again": ["question_again: applicant"],
        "verify.remind_day": ["duty_today: duty_cadre window_staff"],
        "visit.remind_day": ["duty_today: duty_cadre window_staff"],
        "rating.again": ["rating_reminder: applicant"],
        "return_doable": [
            "dispatch_card: handler unit_liaison",
            "dispatch_copy: unit_head",
            "dispatch_group: group",
            "dispatched: applicant",
        ],
        "sign_for.escalate": ["sign_for_escalate: unit_head"],
        "sign_for.chase": ["sign_for_chase: handler unit_liaison"],
        "call.remind": ["call_task: duty_cadre window_staff"],
        "unreachable": ["call_task: duty_cadre window_staff"],
        "human.remind": ["human_card: duty_cadre window_staff"],
        "supervision.overdue": ["supervision_missed: discipline_office"],
        "supervision.remind_day": [
            "remind_day: handler unit_liaison unit_head if unit=yes",
            "remind_day: duty_cadre window_staff if unit=no",
        ],
        "supervise": [
            "supervise_card: handler unit_liaison unit_head if unit=yes",
            "supervise_card: duty_cadre window_staff if unit=no",
            "supervise_group: group if unit=yes",
            "supervise_copy: duty_cadre window_staff",
        ],
        "issue_supervision.again": ["overdue_alert: discipline_office"],
        "limit.overdue": ["overdue_alert: discipline_office"],
        "limit.remind_day": [
            "remind_day: handler unit_liaison unit_head if unit=yes",
            "remind_day: duty_cadre window_staff if unit=no",
        ],
        "limit.remind_before": [
            "remind_before: handler unit_liaison if unit=yes",
            "remind_before: duty_cadre window_staff if unit=no",
        ],
        "limit.remind_target": [
            "remind_target: handler unit_liaison if unit=yes",
            "remind_target: duty_cadre window_staff if unit=no",
        ],
        "confirm.unconfirmed": ["unconfirmed_alert: operator"],
        "redact": [
            "redacted_card: handler unit_liaison if unit=yes",
            "redacted_card: duty_cadre if unit=no",
        ],
        "add": [
            "added_card: handler unit_liaison if unit=yes shielded=no",
            "added_card: duty_cadre window_staff if unit=no",
            "added_card: duty_cadre window_staff if shielded=yes",
        ],
        "answer": [
            "answer_card: handler unit_liaison if open",
            "answer_card: duty_cadre window_staff if shielded",
        ],
        "answer_citizen": ["human_answer: applicant"],
        "answer_for": ["answer_card: handler unit_liaison if open"],
        "approve_extension": [
            "extension_approved: handler unit_liaison",
            "extension_filed: duty_cadre window_staff",
            "extension_told: applicant",
        ],
        "ask": ["question: applicant"],
        "ask_human": ["human_card: duty_cadre window_staff", "human_soon: applicant if asked_human=first"],
        "delivered": [],
        "delivered_all": ["rating_prompt: applicant", "visit_task: duty_cadre window_staff"],
        "dispatch": [
            "dispatch_card: handler unit_liaison",
            "dispatch_cc: discipline_office",
            "dispatch_copy: unit_head",
            "dispatch_group: group",
            "dispatched: applicant",
        ],
        "extend": [
            "extension_check: applicant if consented=yes",
            "extension_request: operator",
            "consent_task: duty_cadre window_staff if shielded",
        ],
        "guide": ["guided: applicant"],
        "hand_in": ["sign_off_card: unit_head"],
        "insist": ["insisted: applicant", "intake_card: duty_cadre window_staff"],
        "propose_cause": ["judge_card: operator"],
        "redo": [
            "redo_card: handler unit_liaison",
            "redo_copy: discipline_office unit_head",
            "redo_group: group",
            "redo_told: applicant",
        ],
        "refuse_extension": ["extension_refused: handler unit_liaison"],
        "register": ["acceptance: applicant"],
        "reject": ["rejected_card: handler unit_liaison"],
        "relevel": ["releveled: handler unit_liaison", "releveled_citizen: applicant"],
        "report": ["reported_card: higher_body", "reported_told: applicant"],
        "resolve": ["result: applicant"],
        "send_back": ["sent_back_card: duty_cadre window_staff"],
        "sign_off": ["result: applicant", "result_copy: discipline_office duty_cadre window_staff"],
        "submit": ["acceptance: applicant", "intake_card: duty_cadre window_staff"],
        "withdraw": [
            "withdrawn: applicant if numbered=yes",
            "withdrawn_card: duty_cadre window_staff if numbered=yes",
            "withdrawn_card: handler unit_liaison if unit=yes numbered=yes",
        ],
    },
}


def check(world: World, since: tuple[int, int]) -> tuple[int, int]:
    """What has happened since (the last event, the last message) was told to those whom it concerns, and to nobody
    else; the marks for the next time."""
    with store.transaction(world.office.engine) as conn:
        return check_in(conn, world.rules.name, since, {})


def check_in(
    conn: Connection, region: str, since: tuple[int, int], stands: Mapping[int, Standing]
) -> tuple[int, int]:
    """The same within a transaction. `stands`: the cases whose standing is known."""
    e, o = store.event.c, store.outbox.c
    events = conn.execute(sa.select(e.id, e.case_id, e.act).where(e.id > since[0]).order_by(e.id)).all()
    messages = conn.execute(
        sa.select(o.id, o.case_id, o.notice, o.person_id).where(o.id > since[1]).order_by(o.id)
    ).all()
    posts = defaultdict(set)
    for person, role in conn.execute(sa.select(store.post.c.person_id, store.post.c.role)):
        posts[person].add(role)
    happened: dict[int, list[str]] = defaultdict(list)
    told: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for _, case, act in events:
        happened[case].append(act)
    for _, case, notice, person in messages:
        readers = {"group"} if person is None else posts.get(person, {"applicant"})
        told[case] |= {(notice, reader) for reader in readers}
    known = HEARD.get(region, {})
    for case, acts in happened.items():
        now = stands.get(case) or standing(conn, cases.load(conn, case))
        must, may = set[tuple[str, str]](), set[tuple[str, str]]()
        for line in (line for act in acts for line in known.get(act, ())):
            (must if not line.endswith(" sometimes") else may).update(_readers(line, now))
        where = " and ".join(acts)
        assert must <= told[case], f"{where}: not told {sorted(must - told[case])}"
        assert told[case] <= must | may, f"{where}: told as well {sorted(told[case] - must - may)}"
    return (events[-1][0] if events else since[0], messages[-1][0] if messages else since[1])


def _readers(line: str, now: Standing) -> Iterator[tuple[str, str]]:
    told, _, condition = line.removesuffix(" sometimes").partition(" if ")
    if now.holds({"shielded": "shielded=yes", "open": "shielded=no"}.get(condition, condition)):
        notice, _, readers = told.partition(": ")
        yield from ((notice, reader) for reader in readers.split())
