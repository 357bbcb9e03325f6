"""A card whose update code is used up is superseded by one new card when somebody else has acted."""

from datetime import timedelta

import sqlalchemy as sa

from core import cards, store
from tests.world import World


def _cards_sent(world: World, case_id: int, *, spent: bool) -> None:
    """As if the dispatch cards had been delivered; their update codes live, or are used up."""
    vault = world.office.vault
    with store.transaction(world.office.engine) as conn:
        o = store.outbox.c
        rows = conn.execute(
            sa.select(store.outbox).where(o.case_id == case_id, o.notice == "dispatch_card")
        ).all()
        for row in rows:
            conn.execute(
                sa.insert(store.card).values(
                    outbox_id=row.id,
                    case_id=case_id,
                    person_id=row.person_id,
                    channel="wecom",
                    task_id=f"t{row.id}",
                    code_enc=None if spent else vault.seal("code", cards.ABOUT),
                    code_until=world.now + timedelta(hours=72),
                    drawn_rev=1,
                    state="live",
                )
            )


def test_a_spent_card_of_another_officer_gets_one_successor(world: World) -> None:
    case = world.dispatch(world.tell())
    _cards_sent(world, case.id, spent=True)
    world.do("zhang", case, "sign_for")
    again = [m for m in world.outbox(case, "dispatch_card") if ".again." in m.key]
    others = {world.who("liu").id, world.who("wu").id}
    assert {m.person_id for m in again} == others
    assert len(again) == len(others)


def test_a_card_that_can_be_redrawn_gets_none(world: World) -> None:
    case = world.dispatch(world.tell())
    _cards_sent(world, case.id, spent=False)
    world.do("zhang", case, "sign_for")
    assert not [m for m in world.outbox(case) if ".again." in m.key]
