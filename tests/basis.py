"""What anybody is told, owes, or may not do rests on a clause, and whoever asks for it reads its words.

The world looks at this whenever an act is refused, and at all of it when a story ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bot.words import Words
from core import intake, outbox, people, store
from core.intake import Said
from core.refusals import Incomplete, Refusal

if TYPE_CHECKING:
    from tests.world import World

WORDS: Final = Words()
# To a stranger every case looks the same; and what somebody else did meanwhile, or what has not happened yet, is not
# refused by the regulation.
WITHOUT: Final = frozenset({"not_yours", "done_already", "told_in_future", "unknown_case"})


def check_refusal(world: World, act: str, refusal: Refusal) -> None:
    """A refusal names its clause; a form with gaps has one for each field that is asked for."""
    rules = world.rules
    if isinstance(refusal, Incomplete):
        asked = {field.id: field.clause for field in (*rules.intake.questions, *rules.acts[act].fields)}
        cited = {asked.get(name, "") for name in refusal.problems}
    else:
        cited = {refusal.clause} if refusal.clause or refusal.code not in WITHOUT else set()
    for clause in cited:
        assert clause in rules.clauses, f"{act} is refused ({refusal.code}) without a clause"


def check_story(world: World) -> None:
    """Every message, reminder, alert and duty of all cases; and what a citizen reads who asks 依据."""
    with store.transaction(world.office.engine) as conn:
        told = outbox.listed(conn)
        owed = conn.execute(sa.select(store.duty.c.case_id, store.duty.c.key, store.duty.c.clause)).all()
        for case, what, clause in (*((m.case_id, m.notice, m.clause) for m in told), *owed):
            quoted = WORDS.basis(world.rules, clause) if clause in world.rules.clauses else ""
            assert quoted.endswith("”") and len(quoted) > 20, f"{what} of case {case}: no clause {clause!r}"
    citizens = {m.person_id: m for m in told if m.person_id and m.clause}
    for person_id, last in citizens.items():
        _ask(world, person_id, last.clause)


def _ask(world: World, person_id: int, clause: str) -> None:
    """Whoever has been told something asks 依据; what she reads quotes the clause of the last thing she was told, or of
    what she is being asked."""
    with world.office.engine.connect() as conn:  # never committed
        person = people.get(conn, person_id)
        if person.kind != "citizen":
            return
        replies = intake.turn(world.office, conn, person, "wechat", Said("text", "依据"), world.now).replies
    (found,) = (reply.values["clause"] for reply in replies if reply.name == "basis")
    assert _plain(world.rules.clauses[found].text) in _plain(WORDS.basis(world.rules, found))
    assert found == clause or _asked(world, person_id), f"依据 quotes {found}, she was told of {clause}"


def _plain(text: str) -> str:
    """Without the marks of a quotation within a quotation."""
    return text.translate(dict.fromkeys(map(ord, "“”‘’")))


def _asked(world: World, person_id: int) -> bool:
    """Whether the conversation waits for an answer of hers."""
    query = sa.select(store.dialogue.c.state).where(store.dialogue.c.person_id == person_id)
    with store.transaction(world.office.engine) as conn:
        return bool((conn.execute(query).scalar() or {}).get("asked"))
