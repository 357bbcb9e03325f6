"""Cards on people's screens that can still be redrawn, and the one-use codes that redraw them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import store
from core.case import Case
from core.outbox import Message
from core.privacy import Vault

OUT, C, E = store.outbox, store.card, store.event
ABOUT: Final = "card"  # what an update code is sealed for


@dataclass(frozen=True)
class LiveCard:
    """A card on somebody's screen whose one-use update code has just been taken: redraw it now or never."""

    id: int
    person_id: int
    channel: str
    code: str
    drawn_rev: int
    notice: str
    clause: str
    data: Mapping[str, Any]


def remember(
    conn: Connection,
    vault: Vault,
    message: Message,
    *,
    channel: str,
    task_id: str,
    code: str,
    until: datetime | None,
    rev: int,
) -> None:
    """Note a card that was sent; it supersedes an older one of the same notice on the same screen."""
    older = sa.select(OUT.c.id).where(
        OUT.c.case_id == message.case_id, OUT.c.person_id == message.person_id, OUT.c.notice == message.notice
    )
    conn.execute(
        sa.update(C)
        .where(C.c.outbox_id.in_(older), C.c.state == "live")
        .values(state="superseded", code_enc=None)
    )
    store.insert_once(
        conn,
        C,
        ("task_id",),
        outbox_id=message.id,
        case_id=message.case_id,
        person_id=message.person_id,
        channel=channel,
        task_id=task_id,
        code_enc=vault.seal(code, ABOUT) if code else None,
        code_until=until,
        drawn_rev=rev,
        state="live",
    )


@dataclass(frozen=True)
class Tapped:
    """The card that somebody tapped on: whose it is, of which case, drawn from which revision."""

    id: int
    case_id: int
    person_id: int
    drawn_rev: int


def by_task(conn: Connection, task_id: str) -> Tapped | None:
    """The card that a platform calls by this id."""
    row = conn.execute(sa.select(C).where(C.c.task_id == task_id)).one_or_none()
    return Tapped(row.id, row.case_id, row.person_id, row.drawn_rev) if row else None


def renew(conn: Connection, vault: Vault, card: Tapped, code: str, until: datetime) -> None:
    """Its owner tapped: the card is to be redrawn in any case, with the code the tap brought, good `until` then."""
    values: dict[str, object] = {"drawn_rev": -1}
    if code:
        values |= {"code_enc": vault.seal(code, ABOUT), "code_until": until}
    conn.execute(sa.update(C).where(C.c.id == card.id).values(**values))


def take_codes(conn: Connection, vault: Vault, case: Case, now: datetime) -> tuple[LiveCard, ...]:
    """The cards of a case that show less than the case now is, with their codes, which are used up by this. A
    code serves once, so a mere reminder is not worth it: somebody must have acted since."""
    rows = conn.execute(
        sa.select(C, OUT.c.notice, OUT.c.clause, OUT.c.data)
        .join(OUT, OUT.c.id == C.c.outbox_id)
        .where(C.c.case_id == case.id, _outdated(now))
        .order_by(C.c.id)
        .with_for_update(of=C)
    ).all()
    ids = [row.id for row in rows]
    conn.execute(sa.update(C).where(C.c.id.in_(ids)).values(code_enc=None, drawn_rev=case.rev))
    return tuple(
        LiveCard(
            id=r.id,
            person_id=r.person_id,
            channel=r.channel,
            code=vault.open(r.code_enc, ABOUT),
            drawn_rev=r.drawn_rev,
            notice=r.notice,
            clause=r.clause,
            data=r.data,
        )
        for r in rows
    )


@dataclass(frozen=True)
class StaleCard:
    """A card that shows what somebody else has done since, and that nothing can redraw any more."""

    id: int
    case_id: int
    person_id: int
    notice: str
    clause: str
    data: Mapping[str, Any]


def take_stale(
    conn: Connection, case: Case, person_ids: Collection[int], now: datetime
) -> tuple[StaleCard, ...]:
    """The newest card of each person that no code can redraw any more; superseded by this, so that each gets one
    successor at most."""
    newest = (
        sa.select(sa.func.max(C.c.id))
        .where(C.c.case_id == case.id, C.c.state == "live", C.c.person_id.in_(person_ids))
        .group_by(C.c.person_id)
    )
    spent = sa.or_(C.c.code_enc.is_(None), C.c.code_until <= now)
    rows = conn.execute(
        sa.select(C.c.id, C.c.case_id, C.c.person_id, OUT.c.notice, OUT.c.clause, OUT.c.data)
        .join(OUT, OUT.c.id == C.c.outbox_id)
        .where(C.c.id.in_(newest), spent)
        .order_by(C.c.id)
    ).all()
    gone = [row.id for row in rows]
    conn.execute(sa.update(C).where(C.c.id.in_(gone)).values(state="superseded", code_enc=None))
    return tuple(StaleCard(*row) for row in rows)


def give_back(conn: Connection, vault: Vault, card: LiveCard) -> None:
    """The code was not used: the platform was not reached."""
    unused = (C.c.id == card.id) & C.c.code_enc.is_(None) & (C.c.state == "live")
    conn.execute(
        sa.update(C).where(unused).values(code_enc=vault.seal(card.code, ABOUT), drawn_rev=card.drawn_rev)
    )


def outdated_cases(conn: Connection, now: datetime, *, limit: int = 50) -> tuple[int, ...]:
    """The cases with a card to redraw."""
    rows = conn.execute(sa.select(C.c.case_id).where(_outdated(now)).distinct().limit(limit))
    return tuple(row.case_id for row in rows)


def forget_codes(conn: Connection, now: datetime) -> None:
    """Codes that have expired."""
    conn.execute(sa.update(C).where(C.c.code_enc.is_not(None), C.c.code_until <= now).values(code_enc=None))


def _outdated(now: datetime) -> sa.ColumnElement[bool]:
    acted = sa.exists().where(E.c.case_id == C.c.case_id, E.c.seq > C.c.drawn_rev, E.c.actor_id.is_not(None))
    return sa.and_(C.c.state == "live", C.c.code_enc.is_not(None), C.c.code_until > now, acted)
