"""Who hears what when something happens: by region and happening, in the words of the people of its hall.

A line names a notice and the posts of those who get it; a person with two posts is named by both. `if shielded`: only
where the applicant is shielded, `if open`: only where not, `sometimes`: it depends on the matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import sqlalchemy as sa

from core import case as cases
from core import store
from tests.world import World

HEARD: Final[Mapping[str, Mapping[str, list[str]]]] = {
    "huaiyin": {
        "add": ["added_card: handler unit_liaison"],
        "answer": ["answer_card: handler unit_liaison"],
        "answer.again": ["question_again: applicant"],
        "answer.last": ["question_again: applicant"],
        "answer_citizen": ["human_answer: applicant"],
        "approve_judgement": ["classify_card: lead_section"],
        "archiving.missed": ["duty_missed: lead_section"],
        "ask": ["question: applicant"],
        "ask_human": ["human_card: handler lead_section", "human_soon: applicant"],
        "call.remind": ["call_task: coordination_office handler lead_section"],
        "classify": ["head_consent_card: unit_head sometimes"],
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
        "delivered": [
            "filing_task: coordination_office handler lead_section unit_liaison sometimes",
            "rating_prompt: applicant",
        ],
        "delivered_all": [
            "filing_task: coordination_office handler lead_section unit_liaison sometimes",
            "rating_prompt: applicant",
        ],
        "dispatch": ["dispatch_card: handler unit_liaison", "dispatch_group: group", "dispatched: applicant"],
        "doable.overdue": ["overdue_alert: coordination_office"],
        "doable.remind_before": ["remind_before: handler unit_liaison"],
        "doable.remind_day": ["remind_day: handler lead_section unit_liaison"],
        "file_result": ["visit_task: coordination_office"],
        "filing.overdue": ["filing_missed: coordination_office handler lead_section unit_liaison"],
        "filing.remind_day": ["duty_today: handler lead_section unit_liaison"],
        "handle_inside": ["inside_card: handler unit_liaison"],
        "head_consent.missed": ["head_consent_card: unit_head"],
        "human.remind": ["human_card: coordination_office handler lead_section"],
        "insist": ["insisted: applicant", "intake_card: handler lead_section"],
        "issue_supervision.again": ["overdue_alert: coordination_office"],
        "judge": ["classify_card: lead_section sometimes", "consent_card: unit_deputy_head sometimes"],
        "judging.missed": ["duty_missed: handler lead_section unit_liaison"],
        "keep_back": ["classify_card: lead_section"],
        "limit.overdue": ["overdue_alert: coordination_office"],
        "limit.remind_before": ["remind_before: coordination_office handler unit_liaison sometimes"],
        "limit.remind_day": ["remind_day: coordination_office handler lead_section unit_liaison sometimes"],
        "log_attempt": ["filing_task: handler lead_section unit_liaison", "rating_prompt: applicant"],
        "note_transfer_result": ["transfer_result_told: applicant"],
        "progress": ["progress_told: applicant"],
        "rating.again": ["rating_reminder: applicant"],
        "redact": ["redacted_card: handler unit_liaison"],
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
            "intake_card: coordination_office handler lead_section sometimes",
            "wait_for_feedback: applicant",
        ],
        "supervise": [
            "supervise_card: handler lead_section unit_head unit_liaison",
            "supervise_group: group",
        ],
        "supervision.overdue": ["overdue_alert: coordination_office"],
        "supervision.remind_day": ["remind_day: handler lead_section unit_liaison"],
        "task.missed": ["duty_missed: coordination_office"],
        "task.remind_day": ["duty_today: handler unit_liaison"],
        "tell_at_once.remind_day": ["duty_today: handler lead_section unit_liaison"],
        "transfer": ["transfer_card: unit_liaison", "transferred_told: applicant"],
        "transfer_receipt.missed": ["duty_missed: coordination_office"],
        "unreachable": ["call_task: coordination_office handler lead_section"],
        "visit.remind_day": ["duty_today: coordination_office"],
        "withdraw": ["withdrawn: applicant", "withdrawn_card: handler lead_section unit_liaison"],
    },
    "longhui": {
        "add": ["added_card: handler unit_head", "case_moved: window_staff"],
        "advise": ["advice_card: window_staff"],
        "advise.late": ["consult_card: coordination_office leading_group window_staff"],
        "answer": ["answer_card: handler unit_head", "case_moved: window_staff"],
        "answer_citizen": ["human_answer: applicant"],
        "answer_for": ["answer_card: handler unit_head"],
        "arrival.late": ["on_site_card: handler unit_head"],
        "ask": ["case_moved: window_staff", "question: applicant"],
        "ask_human": ["human_card: window_staff", "human_soon: applicant"],
        "call_on_site": ["on_site_card: handler unit_head"],
        "conclude": ["case_moved: window_staff", "concluded_card: handler unit_head"],
        "conditions_unmet": ["supplement_told: applicant"],
        "confirm.unconfirmed": ["unconfirmed_alert: coordination_office operator"],
        "consult": ["consult_card: coordination_office"],
        "contribute": ["case_moved: window_staff", "contribution_card: coordination_office leading_group"],
        "convene": [
            "case_moved: window_staff",
            "joint_card: handler unit_head",
            "joint_group: group",
            "joint_lead_card: handler unit_head",
            "joint_told: applicant",
        ],
        "delivered": [
            "answer_filed: coordination_office sometimes",
            "call_task: window_staff sometimes",
            "case_moved: window_staff sometimes",
            "rating_prompt: applicant sometimes",
            "visit_task: window_staff sometimes",
        ],
        "delivered_all": [
            "answer_filed: coordination_office sometimes",
            "case_moved: window_staff",
            "rating_prompt: applicant",
            "visit_task: window_staff sometimes",
        ],
        "dispatch": [
            "case_moved: window_staff sometimes",
            "dispatch_card: handler unit_head",
            "dispatch_cc: supervision_section if shielded",
            "dispatch_group: group",
            "dispatched: applicant",
        ],
        "escalate": [
            "case_moved: window_staff",
            "convene_wanted: coordination_office leading_group sometimes",
            "escalate_card: unit_deputy_head sometimes",
        ],
        "explain_limit": ["limit_explained: applicant"],
        "extend": ["extension_filed: supervision_section window_staff", "extension_told: applicant"],
        "file_result": [
            "answer_filed: coordination_office",
            "case_moved: window_staff",
            "rating_prompt: applicant",
        ],
        "guide": ["guided: applicant"],
        "handover": ["case_moved: window_staff sometimes", "handover_card: window_staff"],
        "insist": ["insisted: applicant", "intake_card: window_staff"],
        "limit.overdue": ["overdue_told: applicant", "overdue_unit: handler unit_head window_staff"],
        "limit.overdue_office": ["overdue_climbed: coordination_office"],
        "limit.overdue_section": ["overdue_climbed: supervision_section"],
        "limit.overdue_told": ["overdue_told: applicant", "overdue_unit: handler unit_head window_staff"],
        "limit.progress": ["progress_before: applicant", "remind_before: handler unit_head window_staff"],
        "limit.remind_before": [
            "progress_before: applicant",
            "remind_before: handler unit_head window_staff",
        ],
        "limit.remind_day": ["remind_day: handler unit_head window_staff"],
        "progress": ["case_moved: window_staff", "progress_told: applicant"],
        "rate": ["case_moved: window_staff"],
        "rating.again": ["rating_reminder: applicant"],
        "recall": ["case_moved: window_staff"],
        "redo": [
            "bad_again: coordination_office supervision_section sometimes",
            "redo_card: handler unit_head",
            "redo_group: group",
            "redo_told: applicant",
        ],
        "redo_here": ["case_moved: window_staff", "redo_card: window_staff", "redo_told: applicant"],
        "register": ["acceptance: applicant"],
        "reply": [
            "result: applicant",
            "result_copy: coordination_office supervision_section sometimes",
            "result_copy: window_staff",
        ],
        "resolve": ["result: applicant"],
        "send_back": ["sent_back_card: window_staff"],
        "sign_for": ["case_moved: window_staff"],
        "sign_for.chase": ["sign_for_chase: handler unit_head"],
        "step_in": ["case_moved: window_staff", "concluded_card: handler unit_head"],
        "submit": ["acceptance: applicant", "intake_card: window_staff"],
        "triage.late": ["duty_missed: coordination_office window_staff"],
        "unreachable": ["call_task: window_staff"],
        "withdraw": [
            "withdrawn: applicant",
            "withdrawn_card: handler unit_head sometimes",
            "withdrawn_card: window_staff",
        ],
    },
    "neixiang": {
        "add": ["added_card: handler"],
        "answer": ["answer_card: handler"],
        "answer.again": ["question_again: applicant"],
        "answer.last": ["question_again: applicant"],
        "answer_citizen": ["human_answer: applicant"],
        "answer_for": ["answer_card: handler"],
        "ask": ["question: applicant"],
        "ask_human": ["human_card: window_staff", "human_soon: applicant"],
        "close_no_response": ["closed_no_response: applicant"],
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
        "delivered": [
            "case_moved: window_staff",
            "filing_task: window_staff",
            "rating_prompt: applicant",
            "verify_task: coordination_office",
            "visit_task: coordination_office",
        ],
        "delivered_all": [
            "case_moved: window_staff",
            "filing_task: window_staff",
            "rating_prompt: applicant",
            "verify_task: coordination_office",
            "visit_task: coordination_office",
        ],
        "dispatch": [
            "case_moved: window_staff sometimes",
            "convene_wanted: coordination_office sometimes",
            "dispatch_card: handler",
            "dispatch_copy: unit_head",
            "dispatch_group: group",
            "dispatched: applicant",
            "negative_report: coordination_office sometimes",
        ],
        "explain": ["case_moved: window_staff", "explained: applicant"],
        "guide": ["guided: applicant"],
        "initial_feedback.overdue": ["overdue_alert: coordination_office window_staff"],
        "initial_feedback.remind_before": ["feedback_reminder: handler"],
        "initial_feedback.remind_day": ["feedback_reminder: handler unit_head"],
        "insist": ["insisted: applicant", "intake_card: window_staff"],
        "issue_supervision.again": ["overdue_alert: coordination_office"],
        "limit.overdue": ["overdue_alert: coordination_office"],
        "limit.remind_before": ["remind_before: handler window_staff sometimes"],
        "limit.remind_day": ["remind_day: handler unit_head window_staff sometimes"],
        "negative_report.remind": ["negative_report: coordination_office"],
        "progress": ["case_moved: window_staff", "progress_told: applicant"],
        "raise_above": ["above_card: higher_body", "case_moved: window_staff", "reported_told: applicant"],
        "rating.again": ["rating_reminder: applicant"],
        "redact": ["redacted_card: handler"],
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
            "supervise_card: handler unit_head window_staff sometimes",
            "supervise_copy: window_staff",
            "supervise_group: group sometimes",
        ],
        "supervision.overdue": ["supervision_missed: coordination_office"],
        "supervision.remind_day": ["remind_day: handler unit_head window_staff sometimes"],
        "verify.remind_day": ["duty_today: coordination_office"],
        "visit.remind_day": ["duty_today: coordination_office"],
        "withdraw": [
            "withdrawn: applicant",
            "withdrawn_card: handler sometimes",
            "withdrawn_card: window_staff",
        ],
    },
    "putuo": {
        "add": ["added_card: handler lead_section unit_liaison"],
        "analysis.missed": ["duty_missed: window_staff"],
        "answer": ["answer_card: handler lead_section unit_liaison"],
        "answer.again": ["question_again: applicant"],
        "answer.last": ["question_again: applicant"],
        "answer_citizen": ["human_answer: applicant"],
        "answer_for": ["answer_card: handler lead_section unit_liaison"],
        "answer_no": ["not_accepted: applicant"],
        "archiving.missed": ["duty_missed: window_staff"],
        "ask": ["question: applicant"],
        "ask_human": ["human_card: window_staff", "human_soon: applicant"],
        "close_no_response": ["closed_no_response: applicant"],
        "confirm.unconfirmed": ["unconfirmed_alert: operator operator_head"],
        "delivered": ["rating_prompt: applicant", "visit_task: window_staff"],
        "delivered_all": ["rating_prompt: applicant", "visit_task: window_staff"],
        "dispatch": [
            "dispatch_card: handler lead_section unit_liaison",
            "dispatch_cc: discipline_office if shielded",
            "dispatch_group: group",
            "dispatched: applicant",
        ],
        "extend": ["extension_filed: window_staff", "extension_told: applicant"],
        "guide": ["guided: applicant"],
        "insist": ["insisted: applicant", "intake_card: window_staff"],
        "issue_supervision.again": ["overdue_alert: operator operator_head"],
        "limit.overdue": ["overdue_alert: operator operator_head"],
        "limit.remind_before": ["remind_before: handler lead_section unit_liaison window_staff sometimes"],
        "limit.remind_day": [
            "remind_day: handler lead_section unit_deputy_head unit_liaison window_staff sometimes"
        ],
        "pass_on": ["passed_on_card: window_staff", "passed_on_told: applicant"],
        "rating.again": ["rating_reminder: applicant"],
        "register": ["acceptance: applicant"],
        "reopen": ["reopened_card: handler lead_section unit_liaison"],
        "reply": ["result: applicant", "result_copy: window_staff"],
        "resolve": ["result: applicant"],
        "send_back": ["sent_back_card: window_staff"],
        "sign_for.chase": ["sign_for_chase: unit_liaison"],
        "sign_for.escalate": ["sign_for_escalate: unit_deputy_head"],
        "submit": ["acceptance: applicant", "intake_card: window_staff"],
        "supervise": [
            "supervise_card: handler lead_section unit_deputy_head unit_liaison",
            "supervise_copy: window_staff",
            "supervise_group: group",
        ],
        "supervision.overdue": ["overdue_alert: operator operator_head"],
        "supervision.remind_day": ["remind_day: handler lead_section unit_deputy_head unit_liaison"],
        "upload_city_center.missed": ["duty_missed: window_staff"],
        "upload_woodpecker.missed": ["duty_missed: window_staff"],
        "verify.remind_day": ["duty_today: window_staff"],
        "visit.remind_day": ["duty_today: window_staff"],
        "withdraw": [
            "withdrawn: applicant",
            "withdrawn_card: handler lead_section unit_liaison sometimes",
            "withdrawn_card: window_staff",
        ],
    },
    "xiangjiang": {
        "answer": ["answer_card: handler unit_liaison"],
        "answer_citizen": ["human_answer: applicant"],
        "answer_for": ["answer_card: handler unit_liaison"],
        "approve_extension": [
            "extension_approved: handler unit_liaison",
            "extension_filed: duty_cadre window_staff",
            "extension_told: applicant",
        ],
        "ask": ["question: applicant"],
        "ask_human": ["human_card: duty_cadre window_staff", "human_soon: applicant"],
        "delivered": ["rating_prompt: applicant", "visit_task: duty_cadre window_staff"],
        "delivered_all": ["rating_prompt: applicant", "visit_task: duty_cadre window_staff"],
        "dispatch": [
            "dispatch_card: handler unit_liaison",
            "dispatch_cc: discipline_office",
            "dispatch_copy: unit_head",
            "dispatch_group: group",
            "dispatched: applicant",
        ],
        "extend": ["extension_check: applicant", "extension_request: operator"],
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
        "withdraw": ["withdrawn: applicant", "withdrawn_card: duty_cadre handler unit_liaison window_staff"],
    },
}


def check(world: World, since: tuple[int, int]) -> tuple[int, int]:
    """What has happened since (the last event, the last message) was told to those whom it concerns, and to nobody
    else; the marks for the next time."""
    e, o = store.event.c, store.outbox.c
    with store.transaction(world.office.engine) as conn:
        events = conn.execute(sa.select(e.id, e.case_id, e.act).where(e.id > since[0]).order_by(e.id)).all()
        messages = conn.execute(
            sa.select(o.id, o.case_id, o.notice, o.person_id).where(o.id > since[1]).order_by(o.id)
        ).all()
        posts = defaultdict(set)
        for person, role in conn.execute(sa.select(store.post.c.person_id, store.post.c.role)):
            posts[person].add(role)
        shielded = {case: cases.load(conn, case).shielded for _, case, _ in events}
    happened: dict[int, list[str]] = defaultdict(list)
    told: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for _, case, act in events:
        happened[case].append(act)
    for _, case, notice, person in messages:
        readers = {"group"} if person is None else posts.get(person, {"applicant"})
        told[case] |= {(notice, reader) for reader in readers}
    known = HEARD.get(world.rules.name, {})
    for case, acts in happened.items():
        must, may = set[tuple[str, str]](), set[tuple[str, str]]()
        for line in (line for act in acts for line in known.get(act, ())):
            (must if not line.endswith(" sometimes") else may).update(_readers(line, shielded[case]))
        where = " and ".join(acts)
        assert must <= told[case], f"{where}: not told {sorted(must - told[case])}"
        assert told[case] <= must | may, f"{where}: told as well {sorted(told[case] - must - may)}"
    return (events[-1][0] if events else since[0], messages[-1][0] if messages else since[1])


def _readers(line: str, shielded: bool) -> Iterator[tuple[str, str]]:
    if line.endswith(" if open" if shielded else " if shielded"):
        return
    notice, _, readers = line.partition(": ")
    for ending in (" if open", " if shielded", " sometimes"):
        readers = readers.removesuffix(ending)
    yield from ((notice, reader) for reader in readers.split())
