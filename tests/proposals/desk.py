"""Helpers of these stories: acts of people on proposals, and matters of other days laid into the database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from core import proposals, store
from core.case import Case
from core.proposals import Proposal
from core.refusals import Refusal
from tests.world import World, at


def unit_of(world: World, key: str) -> int:
    with store.transaction(world.office.engine) as conn:
        return int(conn.execute(sa.select(store.unit.c.id).where(store.unit.c.key == key)).scalar_one())


def do(world: World, who: str, act: str, *given: Any, **values: Any) -> Any:
    """An act of somebody on a proposal, by the name of its function."""
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        return getattr(proposals, act)(world.office, conn, person, *given, now=world.now, **values)


def record(world: World, who: str, key: str, case: Case | None = None, **values: Any) -> tuple[Proposal, ...]:
    if "person" in values:
        values["person_id"] = world.who(values.pop("person")).id
    if "unit" in values:
        values["unit_id"] = unit_of(world, values.pop("unit"))
    given = {"words": "核对了记录，属实。", "case": world.again(case) if case else None, **values}
    made: tuple[Proposal, ...] = do(world, who, "record", key, **given)
    return made


def confirm(world: World, who: str, proposal: Proposal, **values: Any) -> Proposal:
    done: Proposal = do(world, who, "decide", proposal.ref, True, **values)
    return done


def refuse(world: World, who: str, proposal: Proposal, **values: Any) -> Proposal:
    done: Proposal = do(world, who, "decide", proposal.ref, False, **values)
    return done


def look(world: World) -> tuple[Proposal, ...]:
    """The daily look of every rule."""
    with store.transaction(world.office.engine) as conn:
        return proposals.propose(world.office, conn, world.now)


def seen(world: World, who: str) -> list[Proposal]:
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        return list(proposals.listed(world.office, conn, person))


def said(world: World, proposal: Proposal) -> list[tuple[str, str]]:
    with store.transaction(world.office.engine) as conn:
        return [(line.what, line.words) for line in proposals.lines(world.office, conn, proposal)]


def told(world: World, who: str) -> list[str]:
    """The notices about proposals that somebody was told."""
    return [m.notice for m in world.outbox_of(who) if m.notice.startswith("proposal_")]


def every(world: World, *entries: str) -> list[Proposal]:
    """All proposals there are, of these entries, oldest first."""
    p = store.proposal
    with store.transaction(world.office.engine) as conn:
        rows = conn.execute(sa.select(p).order_by(p.c.id)).all()
        found = [proposals.get(conn, row.ref) for row in rows]
    return [one for one in found if not entries or one.entry in entries]


def sql(world: World, text: str, **values: Any) -> Any:
    """One figure, asked of the database in other words than the service's."""
    with store.transaction(world.office.engine) as conn:
        return conn.execute(sa.text(text), values).scalar()


def laid(
    world: World, unit: str, day: str, *, score: str = "", rated: str = "", by: str = "", **codes: str
) -> int:
    """A matter of some other day, as the service would have kept it: taken in and passed on to the unit that day,
    answered, and rated if a score is given."""
    when = at(f"{day}T10:00")
    unit_id, actor_id = unit_of(world, unit), world.who(by).id if by else None
    with store.transaction(world.office.engine) as conn:
        row = {
            "ref": secrets.token_hex(8),
            "number": secrets.token_hex(6),
            "profile": world.rules.name,
            "policy_version": world.rules.version,
            "stage": "CLOSED",
            "channel": "hall",
            "unit_id": unit_id,
            "opened_at": when,
        }
        new = conn.execute(sa.insert(store.case).values(row).returning(store.case.c.id)).scalar_one()
        for name in ("accepted_at", "dispatched_at", "replied_at"):
            conn.execute(sa.insert(store.moment).values(case_id=new, round=1, name=name, at=when))
        facts = {**codes, **({"score": score} if score else {})}
        for name, code in facts.items():
            stated = at(f"{rated or day}T11:00") if name == "score" else when
            conn.execute(
                sa.insert(store.fact).values(
                    case_id=new, round=1, field=name, code=code, at=stated, current=True
                )
            )
        _happened(conn, new, "dispatch", when, became={"unit_id": unit_id})
        if by:
            _happened(conn, new, "hand_in", when, actor_id=actor_id)
    return int(new)


def moved(world: World, case_id: int, unit: str, day: str) -> None:
    """Such a matter passed on to another unit on a later day."""
    unit_id = unit_of(world, unit)
    with store.transaction(world.office.engine) as conn:
        conn.execute(sa.update(store.case).values(unit_id=unit_id).where(store.case.c.id == case_id))
        _happened(conn, case_id, "dispatch", at(f"{day}T10:00"), became={"unit_id": unit_id})


def _happened(
    conn: sa.Connection, case_id: int, act: str, when: datetime, actor_id: int | None = None, **data: Any
) -> None:
    e = store.event.c
    seq = conn.execute(sa.select(sa.func.count()).where(e.case_id == case_id)).scalar_one() + 1
    conn.execute(
        sa.insert(store.event).values(
            case_id=case_id,
            seq=seq,
            round=1,
            act=act,
            actor_id=actor_id,
            stage_from="WITH_UNIT",
            stage_to="SIGNING",
            at=when.astimezone(UTC),
            data=data,
            digest="",
        )
    )


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code == code


def day(text: str) -> date:
    return date.fromisoformat(text)
