"""内乡县: who may do what, what is owed, which anchors are set; and what is filled in on a walk (`walk.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.regions.standing import Owed
from tests.regions.walk import Given

DUTY, OFFICE, HANDLER = "window_staff", "coordination_office", "handler"
BOTH = f"{DUTY} {OFFICE}"

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
    # the duty person takes it in, asks in detail, follows it to its end (NX-W1b, NX-W3)
    "register": [DUTY],
    "accept": [DUTY],
    "guide": [DUTY],
    "confirm_record": [f"{DUTY} if before:applicant_confirmed_at"],
    "answer_citizen": [DUTY],
    "answer_for": [f"{DUTY} if open:answer"],
    "transcribe": [f"{DUTY} if open:transcribe"],
    "redact": [f"{DUTY} if shielded=yes"],
    "close_no_response": [f"{DUTY} if open:answer since:reminded_at"],
    "file_result": [f"{DUTY} if open:sign_row"],
    "archive": [f"{DUTY} if since:verified_at since:visited_at since:filed_at"],
    # the group's office may do what the duty person does to send a matter on (NX-2b)
    "resolve": [BOTH],
    "dispatch": [f"{BOTH} if since:applicant_confirmed_at"],
    "relevel": [BOTH],
    "report": [BOTH],
    # and alone hears of a no, joins, studies, supervises, looks into it and visits (NX-W2, NX-4.4, NX-4.5, NX-5.3)
    "confirm_no": [f"{OFFICE} if open:negative_report"],
    "return_no": [f"{OFFICE} if open:negative_report"],
    "convene": [f"{OFFICE} if level=special since:dispatched_at"],
    "conclude": [OFFICE],
    "raise_above": [OFFICE],
    "explain": [OFFICE],
    "return_doable": [OFFICE],
    "conclude_above": [OFFICE],
    "supervise": [f"{OFFICE} if open:issue_supervision"],
    "verify_result": [f"{OFFICE} if open:verify"],
    "follow_up": [OFFICE],
    "plan_visit": [OFFICE],
    # the task team of the unit
    "contribute": ["member if open:contribution"],
    "sign_for": [f"{HANDLER} if before:signed_for_at"],
    "ask": [f"{HANDLER} if shut:answer"],
    "note_call": [f"{HANDLER} if shielded=no"],
    "progress": [f"{HANDLER} if stage=WITH_UNIT"],
    "send_back": [HANDLER],
    "report_no": [f"{HANDLER} if shut:negative_report"],
    "reply": [f"{HANDLER} if since:signed_for_at"],
    "reply_cannot": [f"{HANDLER} if since:signed_for_at since:no_confirmed_at"],
    # the way back; of a matter of conduct the window alone speaks to the applicant (AMB-G21)
    "deliver": ["if open:to_applicant", DUTY, f"{HANDLER} if shielded=no"],
    "log_attempt": ["if open:call", DUTY, f"{HANDLER} if shielded=no"],
    "file_scan": [f"{DUTY} {HANDLER}"],
}

_LEFT = "reply|reply_cannot|report|send_back|close_no_response"  # the unit has it no more
_OVER = "reply|reply_cannot|resolve|conclude_above"
_LATE = "limit.overdue|supervision.overdue|initial_feedback.overdue"
_REACHED = "deliver|delivered_all|answer|answer_for"
_OPEN = "SUBMITTED TRIAGE WITH_UNIT JOINT"

OWED: Final[Mapping[str, Owed]] = {
    "confirm": Owed("SUBMITTED", "240min", "unconfirmed"),
    "transcribe": Owed("OPEN if has_voice=yes"),
    "human": Owed("DRAFT OPEN ENDED if last:ask_human/answer_citizen|guide", "", "remind"),
    "limit": Owed(f"{_OPEN} REPORTED", "matter", "(remind_before) (remind_day) overdue"),
    "initial_feedback": Owed(
        f"WITH_UNIT JOINT if level=complex last:dispatch/progress|redo|return_doable|{_LEFT}",
        "3wd dispatched_at",
        "(remind_before) (remind_day) overdue",
        may="WITH_UNIT JOINT if level=special last:relevel/dispatch"
        f" last:dispatch/progress|redo|return_doable|{_LEFT}",
    ),
    "sign_for": Owed(
        "WITH_UNIT if before:signed_for_at last:dispatch|return_doable|redo|reopen/convene",
        "",
        "chase escalate",
    ),
    "answer": Owed(f"WITH_UNIT if last:ask/answer|answer_for|convene|{_LEFT}", "", "again last"),
    "negative_report": Owed(
        f"WITH_UNIT if nature=cannot_do last:dispatch|report_no/confirm_no|return_no|convene|{_LEFT}",
        "1wd",
        "remind",
    ),
    "convene": Owed(f"WITH_UNIT if level=special last:dispatch|relevel/convene|{_LEFT}", "day", "again"),
    "contribution": Owed("JOINT if last:convene/contribute", "2wd", "(remind_day) late", may="JOINT"),
    "study": Owed("REPORTED if last:report/raise_above|explain", "day", "again"),
    "issue_supervision": Owed(
        f"{_OPEN} if last:{_LATE}/supervise|dispatch|relevel|guide|return_doable|report|close_no_response|{_OVER}",
        "",
        "again",
    ),
    "supervision": Owed(
        f"{_OPEN} if last:supervise/guide|report|close_no_response|{_OVER}",
        "3wd",
        "(remind_day) overdue",
    ),
    "to_applicant": Owed(f"DELIVERING if last:{_OVER}/deliver|delivered|log_attempt", may="DELIVERING"),
    "to_window": Owed(
        "DELIVERING if last:reply|reply_cannot|conclude_above/resolve|delivered", may="DELIVERING"
    ),
    "call": Owed(
        f"OPEN ENDED if last:unreachable/{_REACHED}|delivered|log_attempt",
        "",
        "remind",
        may="OPEN ENDED if last:unreachable|log_attempt/deliver|answer|answer_for reached=no",
    ),
    "rating": Owed("CLOSED if before:rated_at", "", "again"),
    "visit": Owed("CLOSED if before:visited_at", "3wd closed_at", "remind_day"),
    "joint_visit": Owed(
        "CLOSED ARCHIVED if last:plan_visit|draw_visit/follow_up|redo|redo_here", "matter", "(remind_day)"
    ),
    "verify": Owed("CLOSED if before:verified_at", "3wd closed_at", "remind_day"),
    "sign_row": Owed("CLOSED if before:filed_at", "1wd closed_at", "remind_day"),
}

ANCHORS: Final[Mapping[str, str]] = {
    "accept": "confirmed_at",
    "confirm_record": "applicant_confirmed_at",
    "resolve": "replied_at",
    "dispatch": "dispatched_at",
    "sign_for": "signed_for_at",
    "progress": "interim_replied_at",
    "report_no": "no_reported_at",
    "confirm_no": "no_confirmed_at",
    "reply": "handler_signed_at replied_at",
    "reply_cannot": "handler_signed_at replied_at",
    "convene": "convened_at",
    "conclude": "concluded_at",
    "report": "reported_at",
    "raise_above": "escalated_at",
    "explain": "explained_at",
    "return_doable": "dispatched_at",
    "conclude_above": "replied_at",
    "answer.last": "reminded_at",
    "reopen": "reopened_at",
    "supervise": "supervised_at",
    "delivered_all": "closed_at",
    "rate": "rated_at",
    "verify_result": "verified_at",
    "follow_up": "visited_at",
    "file_result": "filed_at",
    "redo": "redo_at dispatched_at",
    "redo_here": "redo_at",
    "archive": "archived_at",
}

_NO = {
    "cannot_reason": "房屋性质是住宅，没有有利害关系业主同意的证明",
    "cannot_basis": "民法典第二百七十九条",
}
_ANSWER = {"result": "材料齐了，执照已经换好。", "cause_code": "material"}
_SENT = {"subject": "营业执照变更未获受理", "raise_reason": "要核实三次补件的依据", "unit": "business_zone"}
_SHIELDED = {"content_for_unit": "反映补件清单不一次告知"}
_VISIT = {"visit_way": "phone", "visit_companions": "supervision", "center_opinion": "无"}

GIVEN: Final[Given] = {
    "guide": [{"exclusion": "petition"}],
    "confirm_record": [{"record_confirmed": "signed"}],
    "resolve": [{"subject": "执照变更材料清单", **_ANSWER}],
    "dispatch": [
        {**_SENT, "level": "complex"},
        {**_SENT, "level": "special", "about_conduct": "yes", "content_for_unit": "反映补件清单不一次告知"},
        {
            **_SENT,
            **_NO,
            "level": "complex",
            "nature": "cannot_do",
            "proposed_answer": "取得业主同意后可以再申请",
        },
    ],
    "relevel": [{"level": "special", "relevel_reason": "要几家一起看"}],
    "ask": [{"question": "原件还在手上吗？"}],
    "answer": [{"answer": "在"}],
    "answer_for": [{"answer": "电话里说在"}],
    "add": [{"supplement": "昨天又去了一趟"}],
    "ask_human": [{"human_question": "还要多久？"}],
    "answer_citizen": [{"human_answer": "明天答复您"}],
    "note_call": [{"call_note": "约好明天来"}],
    "transcribe": [{"transcript": "门面换了地址"}],
    "redact": [{"words_for_unit": "另有一份材料"}],
    "progress": [{"progress": "三次补件都没有写清单，正在核实"}],
    "send_back": [{"send_back_reason": "归税务"}],
    "report_no": [{**_NO, "proposed_answer": "取得业主同意后可以再申请"}],
    "confirm_no": [{"no_opinion": "同意，讲清楚怎样才能办"}],
    "return_no": [{"no_opinion": "可以先办集群登记"}],
    "reply": [{**_ANSWER, "handler_signed": "yes"}],
    "reply_cannot": [
        {**_NO, "explanation": "当面讲了为什么", "cause_code": "conditions", "handler_signed": "yes"}
    ],
    "convene": [{"members": "construction,housing_zone", "requirement": "住宅能不能登记"}],
    "contribute": [{"contribution": "同意按商住两用认定"}],
    "conclude": [{"opinion": "按商住两用登记"}],
    "report": [{"subject": "营业执照变更未获受理", "relevel_reason": "两县交界", "custom_due": "+6"}],
    "raise_above": [{"above_reason": "要两县协调", "custom_due": "+8"}],
    "explain": [{"above_answer": "两县已经开过会", "custom_due": "+10"}],
    "return_doable": [{"unit": "business_zone", "opinion": "按经营地登记", "custom_due": "+4", **_SHIELDED}],
    "conclude_above": [_ANSWER],
    "close_no_response": [{"no_response_note": "打了三次电话没有人接"}],
    "deliver": [{"feedback_way": "in_person", "delivered_on": "+0"}],
    "log_attempt": [{"reached": "no"}, {"reached": "yes"}],
    "rate": [{"score": "1"}, {"score": "5"}],
    "comment": [{"rating_comment": "谢谢"}],
    "verify_result": [{"verified": "yes", "verify_note": "打电话问过，执照已经拿到"}],
    "plan_visit": [{"visit_on": "+2", "visit_with": "supervision"}],
    "follow_up": [
        {**_VISIT, "visit_satisfied": "satisfied", "visit_opinion": "无"},
        {**_VISIT, "visit_satisfied": "dissatisfied", "visit_opinion": "还是没有拿到"},
    ],
}
