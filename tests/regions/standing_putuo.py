"""上海市普陀区: who may do what, what is owed, which anchors are set; and what is filled in on a walk (`walk.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.regions.standing import Owed
from tests.regions.walk import Given

WINDOW, HANDLERS = "window_staff", "handler unit_liaison lead_section"

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
    # the window takes in, analyses, sends on, follows, verifies, visits and archives
    "register": [WINDOW],
    "accept": [WINDOW],
    "guide": [WINDOW],
    "pass_on": [WINDOW],
    "decline": [WINDOW],
    "take_over": [f"{WINDOW} operator"],
    "answer_no": [WINDOW],
    "confirm_record": [WINDOW],
    "recategorise": [WINDOW],
    "note_upload": [WINDOW],
    "analyse": [WINDOW],
    "log_coordination": [WINDOW],
    "resolve": [f"{WINDOW} if level=simple since:analysed_at since:applicant_confirmed_at"],
    "dispatch": [f"{WINDOW} if since:analysed_at since:applicant_confirmed_at shut:coordination"],
    "relevel": [WINDOW],
    "answer_citizen": [WINDOW],
    "answer_for": [f"{WINDOW} if open:answer"],
    "transcribe": [f"{WINDOW} if open:transcribe"],
    "redact": [f"{WINDOW} if shielded=yes"],
    "close_no_response": [f"{WINDOW} if open:answer since:reminded_at"],
    "verify_result": [f"{WINDOW} if open:verify"],
    "follow_up": [f"{WINDOW} if open:visit"],
    "waive": [f"{WINDOW} if level=simple kind=immediate"],
    "archive": [
        f"{WINDOW} if since:accepted_at since:analysed_at since:handled_at since:replied_at"
        " shut:coordination|verify|visit"
    ],
    "supervise": ["operator if open:issue_supervision"],
    # the named person of the department signs for the sheet, its handler signs the reply (PT-6.4b, PT-A1.3)
    "sign_for": ["unit_liaison if before:signed_for_at"],
    "ask": [f"{HANDLERS} if shut:answer"],
    "note_call": [f"{HANDLERS} if shielded=no"],
    "extend": [f"{HANDLERS} if overdue=no"],
    "send_back": [HANDLERS],
    "reply": ["handler if since:signed_for_at"],
    # the way back; of a complaint the window alone speaks to the applicant (AMB-G21)
    "deliver": ["if open:to_applicant", WINDOW, "handler if shielded=no"],
    "log_attempt": ["if open:call", WINDOW, "handler if shielded=no"],
    "file_scan": [f"{WINDOW} handler"],
}

_OPEN = "SUBMITTED REFUSING TRIAGE WITH_UNIT"
_OVER = "reply|resolve|answer_no"
_REACHED = "deliver|delivered_all|answer|answer_for"

OWED: Final[Mapping[str, Owed]] = {
    "confirm": Owed("SUBMITTED", "240min", "unconfirmed"),
    "transcribe": Owed("OPEN if has_voice=yes"),
    "human": Owed("DRAFT OPEN ENDED if last:ask_human/answer_citizen|guide", "", "remind"),
    "limit": Owed(_OPEN, "matter", "(remind_before) (remind_day) overdue"),
    "analysis": Owed(
        "SUBMITTED TRIAGE if last:submit|register|insist|take_over/analyse|dispatch|resolve",
        "day submitted_at",
        "missed",
    ),
    "upload_woodpecker": Owed("OPEN ENDED if upload_woodpecker=no", "day submitted_at", "missed"),
    "upload_city_center": Owed("OPEN ENDED if upload_city_center=no", "day submitted_at", "missed"),
    "coordination": Owed(
        "OPEN ENDED if confirmed_with=no last:analyse/log_coordination|guide|decline|waive",
        may="CLOSED if confirmed_with=no last:analyse/log_coordination waived_step=visit",
    ),
    "sign_for": Owed("WITH_UNIT if before:signed_for_at", "", "chase escalate"),
    "answer": Owed(
        "WITH_UNIT if last:ask/answer|answer_for|reply|send_back|close_no_response", "", "again last"
    ),
    "issue_supervision": Owed(
        f"{_OPEN} if last:limit.overdue|supervision.overdue/"
        f"supervise|dispatch|relevel|guide|close_no_response|{_OVER}",
        "",
        "again",
    ),
    "supervision": Owed(
        f"{_OPEN} if last:supervise/guide|close_no_response|{_OVER}", "3wd", "(remind_day) overdue"
    ),
    "to_applicant": Owed("DELIVERING if last:reply|resolve/deliver|delivered|log_attempt", may="DELIVERING"),
    "to_window": Owed("DELIVERING if last:reply/resolve|delivered", may="DELIVERING"),
    "call": Owed(
        f"OPEN ENDED if last:unreachable/{_REACHED}|delivered|log_attempt",
        "",
        "remind",
        may="OPEN ENDED if last:unreachable|log_attempt/deliver|answer|answer_for reached=no",
    ),
    "rating": Owed("CLOSED ARCHIVED if before:rated_at", "", "again"),
    "verify": Owed(
        "DELIVERING CLOSED if before:verified_at last:reply/resolve", "3wd replied_at", "remind_day"
    ),
    "visit": Owed(
        "CLOSED if last:delivered_all/follow_up|waive",
        "3wd closed_at",
        "remind_day",
        may="CLOSED if last:delivered_all/follow_up waived_step=coordination",
    ),
    "archiving": Owed("CLOSED", "5wd closed_at", "missed"),
}

ANCHORS: Final[Mapping[str, str]] = {
    "accept": "confirmed_at",
    "confirm_record": "applicant_confirmed_at",
    "analyse": "analysed_at",
    "resolve": "handled_at replied_at",
    "dispatch": "dispatched_at handled_at",
    "sign_for": "signed_for_at",
    "reply": "handler_signed_at replied_at",
    "answer_no": "replied_at",
    "answer.last": "reminded_at",
    "reopen": "reopened_at handled_at",
    "supervise": "supervised_at",
    "delivered_all": "closed_at",
    "rate": "rated_at",
    "verify_result": "verified_at",
    "follow_up": "visited_at",
    "archive": "archived_at",
}

_ANALYSIS = {
    "cause_code": "material",
    "cause_analysis": "变更材料清单没有一次告知",
    "conduct_code": "inaction",
}
_SENT = {"subject": "食品经营许可证变更未获受理", "unit": "market", "requirement": "请一次说清变更所需材料"}

GIVEN: Final[Given] = {
    "guide": [{"exclusion": "outside_business"}],
    "pass_on": [{"site": "sq", "pass_reason": "居住证在街道社区事务受理中心办"}],
    "decline": [{"exclusion": "law_limited", "no_basis": "《上海市拆除违法建筑若干规定》"}],
    "answer_no": [{"no_reason": "违法建筑不能作经营场所", "explanation": "拆除或换址后可以再来办"}],
    "confirm_record": [{"record_confirmed": "signed"}],
    "recategorise": [
        {"category": "complaint", "conduct_code": "inaction", "recategorise_reason": "说的是作风"}
    ],
    "note_upload": [
        {"system": "woodpecker", "external_no": "ZMN-0928-7"},
        {"system": "city_center", "external_no": "SH-551"},
    ],
    "analyse": [
        {**_ANALYSIS, "level": "simple"},
        {**_ANALYSIS, "level": "ordinary", "confirmed_with": "区市场监督管理局"},
    ],
    "log_coordination": [
        {"coordinated_with": "区市场监督管理局", "coordinated_at": "+0", "outcome_of_it": "按新版清单"}
    ],
    "resolve": [{"result": "材料清单已当面说清并打印"}],
    "dispatch": [_SENT, {**_SENT, "content_for_unit": "反映窗口人员不作为"}],
    "relevel": [{"level": "complex", "relevel_reason": "两个部门的事"}],
    "ask": [{"question": "新地址是哪里？"}],
    "answer": [{"answer": "真光路"}],
    "answer_for": [{"answer": "电话里说真光路"}],
    "add": [{"supplement": "昨天又去了一趟"}],
    "ask_human": [{"human_question": "还要多久？"}],
    "answer_citizen": [{"human_answer": "明天答复您"}],
    "note_call": [{"call_note": "约好明天来"}],
    "transcribe": [{"transcript": "门面换了地址"}],
    "redact": [{"words_for_unit": "另有一份材料"}],
    "extend": [{"extension_due": "+6", "extension_reason": "等市局批复"}],
    "send_back": [{"send_back_reason": "归住房部门"}],
    "reply": [
        {"unit_cause": "清单有两版", "outcome": "done", "result": "按新版清单容缺受理"},
        {
            "unit_cause": "场所不符",
            "outcome": "cannot_do",
            "cannot_reason": "场所在居民楼内，不能做餐饮",
            "cannot_basis": "《大气污染防治法》第八十一条",
            "explanation": "换到商铺就能办，清单附后",
        },
    ],
    "close_no_response": [{"no_response_note": "打了三次电话没有人接"}],
    "deliver": [{"feedback_way": "in_person", "delivered_on": "+0"}],
    "log_attempt": [{"reached": "no"}, {"reached": "yes"}],
    "rate": [{"score": "1"}, {"score": "5"}],
    "comment": [{"rating_comment": "谢谢"}],
    "verify_result": [{"verified": "yes"}, {"verified": "no", "verify_note": "证还没有发"}],
    "follow_up": [
        {"visit_way": "phone", "visit_satisfied": "satisfied", "visit_opinion": "无"},
        {"visit_way": "phone", "visit_satisfied": "no_answer"},
    ],
    "waive": [
        {"waived_step": "visit", "waive_reason": "当面答清"},
        {"waived_step": "coordination", "waive_reason": "当面答清"},
    ],
}
