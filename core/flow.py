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


# An asterisk stands for every stage in OPEN: things people may do as long as the case lives.
OPEN: Final = ("SUBMITTED", "REFUSING", "TRIAGE", "REPORTED", "JOINT", "WITH_UNIT", "SIGNING", "DELIVERING")
ENDS: Final = ("CLOSED", "GUIDED", "NOT_ACCEPTED", "TRANSFERRED", "WITHDRAWN", "ARCHIVED")
STAY: Final = ""

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
    Row("SUBMITTED", "decline", "receiver", "REFUSING"),
    Row("REFUSING", "answer_no", "refuser", "NOT_ACCEPTED"),
    Row("REFUSING", "take_over", "triager", "TRIAGE"),
    Row("TRIAGE", "guide", "receiver", "GUIDED"),
    Row("TRIAGE", "decline", "receiver", "REFUSING"),
    Row("TRIAGE", "resolve", "triager", "DELIVERING"),
    Row("TRIAGE", "dispatch", "triager", "WITH_UNIT"),
    Row("TRIAGE", "report", "triager", "REPORTED"),
    Row("TRIAGE", "convene", "convener", "JOINT"),
    Row("TRIAGE", "transfer", "triager", "TRANSFERRED"),
    # with an office above, or several together
    Row("REPORTED", "return_doable", "decider", "WITH_UNIT"),
    Row("REPORTED", "convene", "convener", "JOINT"),
    Row("REPORTED", "shelve", "decider", "SHELVED"),
    Row("JOINT", "conclude", "convener", "WITH_UNIT"),
    Row("SHELVED", "restart", "decider", "WITH_UNIT"),
    # with the unit
    Row("WITH_UNIT", "sign_for", "handler", STAY),
    Row("WITH_UNIT", "ask", "handler", STAY),
    Row("WITH_UNIT", "note_call", "handler", STAY),
    Row("WITH_UNIT", "progress", "handler", STAY),
    Row("WITH_UNIT", "extend", "handler", STAY),
    Row("WITH_UNIT", "consent", "receiver", STAY),
    Row("WITH_UNIT", "approve_extension", "approver", STAY),
    Row("WITH_UNIT", "refuse_extension", "approver", STAY),
    Row("WITH_UNIT", "relevel", "triager", STAY),
    Row("WITH_UNIT", "hand_in", "handler", "SIGNING"),
    Row("WITH_UNIT", "reply", "handler", "DELIVERING"),
    Row("WITH_UNIT", "send_back", "handler", "TRIAGE"),
    Row("WITH_UNIT", "convene", "convener", "JOINT"),
    Row("SIGNING", "sign_off", "signer", "DELIVERING"),
    Row("SIGNING", "reject", "signer", "WITH_UNIT"),
    # the way back to the applicant
    Row("DELIVERING", "deliver", "deliverer", STAY),
    Row("DELIVERING", "delivered_all", "system", "CLOSED"),
    Row("CLOSED", "rate", "applicant", STAY),
    Row("CLOSED", "comment", "applicant", STAY),
    Row("CLOSED", "follow_up", "visitor", STAY),
    Row("CLOSED", "propose_cause", "redo_proposer", STAY),
    Row("CLOSED", "judge_objective", "redo_judge", STAY),
    Row("CLOSED", "redo", "redo_judge", "WITH_UNIT"),
    Row("CLOSED", "restart", "decider", "WITH_UNIT"),
    Row("CLOSED", "archive", "receiver", "ARCHIVED"),
    # at any time
    Row("*", "withdraw", "applicant", "WITHDRAWN"),
    Row("*", "add", "applicant", STAY),
    Row("*", "answer", "applicant", STAY),
    Row("*", "answer_for", "receiver", STAY),
    Row("*", "object", "applicant", STAY),
    Row("*", "ask_human", "applicant", STAY),
    Row("*", "answer_citizen", "receiver", STAY),
    Row("*", "log_attempt", "deliverer", STAY),
    Row("*", "transcribe", "receiver", STAY),
    Row("*", "redact", "receiver", STAY),
    Row("*", "supervise", "supervisor", STAY),
    Row("*", "unreachable", "system", STAY),
    Row("GUIDED", "insist", "applicant", "SUBMITTED"),
    Row("GUIDED", "ask_human", "applicant", STAY),
    Row("GUIDED", "answer_citizen", "receiver", STAY),
    Row("CLOSED", "ask_human", "applicant", STAY),
    Row("CLOSED", "answer_citizen", "receiver", STAY),
    Row("CLOSED", "supervise", "supervisor", STAY),
    # The platform may tell only afterwards that the result did not arrive.
    Row("CLOSED", "unreachable", "system", STAY),
    Row("CLOSED", "log_attempt", "deliverer", STAY),
)


def _expand() -> Iterator[tuple[tuple[str, str], Row]]:
    for row in FLOW:
        for stage in OPEN if row.stage == "*" else (row.stage,):
            yield (stage, row.act), Row(stage, row.act, row.slot, row.to or stage)


MOVES: Final[dict[tuple[str, str], Row]] = dict(_expand())
# Whoever does not fill the slot of an act learns nothing of the stage: so an act has one slot at all stages.
SLOTS: Final[dict[str, str]] = {row.act: row.slot for row in FLOW}
ACTS: Final[frozenset[str]] = frozenset(row.act for row in FLOW)


def acts_at(stage: str) -> tuple[Row, ...]:
    """The rows that leave or stay at a stage, in the order of the table."""
    return tuple(row for (at, _), row in MOVES.items() if at == stage)
