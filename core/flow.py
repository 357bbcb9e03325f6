"""The life of a case as one table: (stage, act) → (slot, next stage).

Each outcome is an act of its own, so that no pair needs two answers. A slot is a role in the case that the
profile fills; a profile switches a row on by listing the act. Buttons, permissions and tests read this table.
`docs/decisions/0002-one-flow-for-five-regulations.md` shows how it carries all five.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple


class Row(NamedTuple):
    stage: str
    act: str
    slot: str
    to: str


# An asterisk stands for every stage in OPEN: things people may do as long as the case lives. "ENDED" stands for
# every stage in ENDED: nothing is owed there but, perhaps, that the answer reaches the applicant.
OPEN: Final = ("SUBMITTED", "REFUSING", "TRIAGE", "REPORTED", "JOINT", "WITH_UNIT", "SIGNING", "DELIVERING")
ENDED: Final = (
    "CLOSED",
    "ARCHIVED",
    "GUIDED",
    "NOT_ACCEPTED",
    "DECLINED",
    "NO_RESPONSE",
    "TRANSFERRED",
    "SHELVED",
)
GONE: Final = ("WITHDRAWN",)  # nothing can be done any more
STAY: Final = ""
_GROUPS: Final = {"*": OPEN, "ENDED": ENDED}

FLOW: Final[tuple[Row, ...]] = (
    # telling
    Row("DRAFT", "submit", "applicant", "SUBMITTED"),
    Row("DRAFT", "register", "receiver", "TRIAGE"),
    Row("DRAFT", "withdraw", "applicant", "WITHDRAWN"),
    Row("DRAFT", "ask_human", "applicant", STAY),
    Row("DRAFT", "answer_citizen", "receiver", STAY),
    # at the window
    Row("SUBMITTED", "accept", "receiver", "TRIAGE"),
    Row("SUBMITTED", "guide", "receiver", "GUIDED"),
    Row("SUBMITTED", "conditions_unmet", "receiver", "NOT_ACCEPTED"),
    Row("SUBMITTED", "decline", "receiver", "REFUSING"),
    Row("SUBMITTED", "decline_on_spot", "receiver", "DECLINED"),
    Row("SUBMITTED", "transfer", "sender", "TRANSFERRED"),
    Row("SUBMITTED", "pass_on", "receiver", STAY),
    Row("REFUSING", "confirm_no", "no_approver", STAY),
    Row("REFUSING", "take_over", "no_approver", "TRIAGE"),
    Row("REFUSING", "answer_no", "refuser", "NOT_ACCEPTED"),
    Row("TRIAGE", "guide", "receiver", "GUIDED"),
    Row("TRIAGE", "conditions_unmet", "receiver", "NOT_ACCEPTED"),
    Row("TRIAGE", "decline", "receiver", "REFUSING"),
    Row("TRIAGE", "decline_on_spot", "receiver", "DECLINED"),
    Row("TRIAGE", "transfer", "sender", "TRANSFERRED"),
    Row("TRIAGE", "pass_on", "receiver", STAY),
    Row("TRIAGE", "confirm_record", "receiver", STAY),
    Row("TRIAGE", "analyse", "triager", STAY),
    Row("TRIAGE", "consult", "triager", STAY),
    Row("TRIAGE", "advise", "adviser", STAY),
    Row("TRIAGE", "call_on_site", "triager", STAY),
    Row("TRIAGE", "note_arrival", "triager", STAY),
    Row("TRIAGE", "judge", "judge", STAY),
    Row("TRIAGE", "approve_judgement", "consenter", STAY),
    Row("TRIAGE", "return_judgement", "consenter", STAY),
    Row("TRIAGE", "classify", "classifier", STAY),
    Row("TRIAGE", "keep_back", "reporter", STAY),
    Row("TRIAGE", "handle_inside", "classifier", "WITH_UNIT"),
    Row("TRIAGE", "resolve", "triager", "DELIVERING"),
    Row("TRIAGE", "dispatch", "triager", "WITH_UNIT"),
    Row("TRIAGE", "report", "reporter", "REPORTED"),
    Row("TRIAGE", "convene", "convener", "JOINT"),
    # with an office above, or several together
    Row("REPORTED", "raise_above", "decider", STAY),
    Row("REPORTED", "explain", "decider", STAY),
    Row("REPORTED", "return_doable", "decider", "WITH_UNIT"),
    Row("REPORTED", "conclude_above", "decider", "DELIVERING"),
    Row("REPORTED", "convene", "convener", "JOINT"),
    Row("REPORTED", "convene_above", "convener", "JOINT"),
    Row("REPORTED", "transfer", "sender", "TRANSFERRED"),
    Row("REPORTED", "shelve", "decider", "SHELVED"),
    Row("JOINT", "contribute", "member", STAY),
    Row("JOINT", "conclude", "convener", "WITH_UNIT"),
    Row("SHELVED", "review", "decider", STAY),
    Row("SHELVED", "restart", "restarter", "WITH_UNIT"),
    # with the unit
    Row("WITH_UNIT", "sign_for", "taker", STAY),
    Row("WITH_UNIT", "deem_received", "system", STAY),
    Row("WITH_UNIT", "ask", "handler", STAY),
    Row("WITH_UNIT", "note_call", "handler", STAY),
    Row("WITH_UNIT", "carry_out", "handler", STAY),
    Row("WITH_UNIT", "escalate", "handler", STAY),
    Row("WITH_UNIT", "step_in", "stepper_in", STAY),
    Row("WITH_UNIT", "extend", "handler", STAY),
    Row("WITH_UNIT", "consent", "receiver", STAY),
    Row("WITH_UNIT", "approve_extension", "approver", STAY),
    Row("WITH_UNIT", "refuse_extension", "approver", STAY),
    Row("WITH_UNIT", "relevel", "triager", STAY),
    Row("WITH_UNIT", "hand_in", "handler", "SIGNING"),
    Row("WITH_UNIT", "reply", "replier", "DELIVERING"),
    Row("WITH_UNIT", "report_no", "replier", STAY),
    Row("WITH_UNIT", "confirm_no", "no_approver", STAY),
    Row("WITH_UNIT", "return_no", "no_approver", STAY),
    Row("WITH_UNIT", "reply_cannot", "replier", "DELIVERING"),
    Row("WITH_UNIT", "send_back", "handler", "TRIAGE"),
    Row("WITH_UNIT", "recall", "triager", "TRIAGE"),
    Row("WITH_UNIT", "report", "reporter", "REPORTED"),
    Row("WITH_UNIT", "convene", "convener", "JOINT"),
    Row("WITH_UNIT", "close_no_response", "receiver", "NO_RESPONSE"),
    Row("NO_RESPONSE", "reopen", "applicant", "WITH_UNIT"),
    Row("SIGNING", "sign_off", "signer", "DELIVERING"),
    Row("SIGNING", "reject", "signer", "WITH_UNIT"),
    # the way back to the applicant
    Row("DELIVERING", "deliver", "deliverer", STAY),
    Row("DELIVERING", "delivered_all", "system", "CLOSED"),
    Row("CLOSED", "rate", "applicant", STAY),
    Row("CLOSED", "rate_for", "visitor", STAY),
    Row("CLOSED", "comment", "applicant", STAY),
    Row("CLOSED", "verify_result", "verifier", STAY),
    Row("CLOSED", "follow_up", "visitor", STAY),
    Row("CLOSED", "plan_visit", "visitor", STAY),
    Row("CLOSED", "draw_visit", "system", STAY),
    Row("CLOSED", "file_result", "filer", STAY),
    Row("CLOSED", "propose_cause", "redo_proposer", STAY),
    Row("CLOSED", "judge_objective", "redo_judge", STAY),
    Row("CLOSED", "redo", "redo_judge", "WITH_UNIT"),
    Row("CLOSED", "redo_here", "redo_judge", "TRIAGE"),
    Row("CLOSED", "waive", "archivist", STAY),
    Row("CLOSED", "log_coordination", "receiver", STAY),
    Row("CLOSED", "take_up", "redo_judge", "REPORTED"),
    Row("CLOSED", "restart", "restarter", "WITH_UNIT"),
    Row("CLOSED", "archive", "archivist", "ARCHIVED"),
    Row("CLOSED", "archive_inside", "system", "ARCHIVED"),
    # Filing away is the office's affair: the applicant may still say how it was, be visited, and be right.
    Row("ARCHIVED", "rate", "applicant", STAY),
    Row("ARCHIVED", "rate_for", "visitor", STAY),
    Row("ARCHIVED", "comment", "applicant", STAY),
    Row("ARCHIVED", "follow_up", "visitor", STAY),
    Row("ARCHIVED", "plan_visit", "visitor", STAY),
    Row("ARCHIVED", "draw_visit", "system", STAY),
    Row("ARCHIVED", "restart", "restarter", "WITH_UNIT"),
    Row("ARCHIVED", "redo", "redo_judge", "WITH_UNIT"),
    Row("ARCHIVED", "redo_here", "redo_judge", "TRIAGE"),
    # as long as the case is open
    Row("*", "withdraw", "applicant", "WITHDRAWN"),
    Row("*", "add", "applicant", STAY),
    Row("*", "comment", "applicant", STAY),
    Row("*", "answer", "applicant", STAY),
    Row("*", "answer_for", "receiver", STAY),
    Row("*", "object", "applicant", STAY),
    Row("*", "transcribe", "receiver", STAY),
    Row("*", "redact", "receiver", STAY),
    Row("*", "progress", "handler", STAY),
    Row("*", "explain_limit", "receiver", STAY),
    Row("*", "log_coordination", "receiver", STAY),
    Row("*", "recategorise", "receiver", STAY),
    Row("*", "handover", "keeper", STAY),
    Row("*", "supervise", "supervisor", STAY),
    Row("CLOSED", "supervise", "supervisor", STAY),
    # a word to a person, and a way to the applicant, also when the case has ended
    Row("*", "ask_human", "applicant", STAY),
    Row("*", "answer_citizen", "receiver", STAY),
    Row("*", "note_upload", "receiver", STAY),
    Row("*", "file_scan", "deliverer", STAY),
    Row("*", "unreachable", "system", STAY),
    Row("*", "log_attempt", "deliverer", STAY),
    Row("ENDED", "ask_human", "applicant", STAY),
    Row("ENDED", "answer_citizen", "receiver", STAY),
    Row("ENDED", "note_upload", "receiver", STAY),
    Row("ENDED", "file_scan", "deliverer", STAY),
    # The platform may tell only afterwards that the answer did not arrive.
    Row("ENDED", "unreachable", "system", STAY),
    Row("ENDED", "log_attempt", "deliverer", STAY),
    Row("GUIDED", "insist", "applicant", "SUBMITTED"),
    Row("NOT_ACCEPTED", "insist", "applicant", "SUBMITTED"),
    Row("DECLINED", "insist", "applicant", "SUBMITTED"),
    Row("TRANSFERRED", "note_receipt", "sender", STAY),
    Row("TRANSFERRED", "note_transfer_result", "sender", STAY),
)


def _expand() -> Iterator[tuple[tuple[str, str], Row]]:
    for row in FLOW:
        for stage in _GROUPS.get(row.stage, (row.stage,)):
            yield (stage, row.act), Row(stage, row.act, row.slot, row.to or stage)


MOVES: Final[dict[tuple[str, str], Row]] = dict(_expand())
# Whoever does not fill the slot of an act learns nothing of the stage: so an act has one slot at all stages.
SLOTS: Final[dict[str, str]] = {row.act: row.slot for row in FLOW}
ACTS: Final[frozenset[str]] = frozenset(row.act for row in FLOW)


def acts_at(stage: str) -> tuple[Row, ...]:
    """The rows that leave or stay at a stage, in the order of the table."""
    return tuple(row for (at, _), row in MOVES.items() if at == stage)
