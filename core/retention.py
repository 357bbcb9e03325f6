"""What is kept how long, and erasing it afterwards: personal data go, what happened and its numbers stay.

The periods are the hall's (`core.people.Retention`). Erasing empties the ciphertext of facts and takes the files
away; codes, moments and the event chain stay, and the erasing is an event itself. Done in small transactions, so
that it may be broken off and run again at any moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import case as cases
from core import proposals, store, uploads
from core.office import Office
from core.people import Retention

ERASE: Final = "erase"  # the act in the event log
ERASED: Final = "erased"  # the state of an attachment that is gone
BATCH: Final = 100
# Which period counts at which stage. A case at any other stage is alive, a shelved one too: nothing of it goes.
PERIOD_AT: Final = {
    "DRAFT": "draft",
    "WITHDRAWN": "withdrawn",
    "GUIDED": "withdrawn",
    "TRANSFERRED": "withdrawn",
    "NOT_ACCEPTED": "closed",
    "DECLINED": "closed",
    "NO_RESPONSE": "closed",
    "CLOSED": "closed",
    "ARCHIVED": "closed",
}
_C, _F, _A, _E = store.case.c, store.fact.c, store.attachment.c, store.event.c
_I, _V, _D = store.inbox.c, store.view_log.c, store.dialogue.c
_G, _P, _L = store.finding.c, store.proposal.c, store.proposal_line.c


@dataclass(frozen=True)
class Kept:
    """How much went, or would go: cases touched, their facts and files, drafts among them, addresses of citizens,
    messages received, looks, words of findings and proposals."""

    cases: int = 0
    drafts: int = 0
    facts: int = 0
    files: int = 0
    addresses: int = 0
    received: int = 0
    looks: int = 0
    remarks: int = 0


@dataclass(frozen=True)
class _Old:
    """What has outlived its period in one case."""

    case_id: int
    stage: str
    facts: tuple[int, ...]
    files: tuple[int, ...]


def apply(office: Office, now: datetime, *, dry_run: bool = False) -> Kept:
    """Erase what has outlived its period at `now`; with `dry_run` only count it."""
    engine, periods = office.engine, office.hall.retention
    touched = drafts = facts = files = after = 0
    while True:
        with store.transaction(engine) as conn:
            found, after = _outlived(conn, periods, now, after)
            for old in found:
                if not dry_run:
                    _erase(office, conn, old, now)
        touched += len(found)
        drafts += sum(old.stage == "DRAFT" for old in found)
        facts += sum(len(old.facts) for old in found)
        files += sum(len(old.files) for old in found)
        if not after:
            break
    if not dry_run:
        _remove_files(office)
    with store.transaction(engine) as conn:
        rest = _beside_cases(conn, periods, now, dry_run)
    return Kept(touched, drafts, facts, files, *rest)


# --- in cases -------------------------------------------------------------------------------------------


def _outlived(
    conn: Connection, periods: Retention, now: datetime, after: int
) -> tuple[tuple[_Old, ...], int]:
    """The old of the next cases after a case id, and the last id looked at (0 at the end)."""
    words = sa.exists().where(_F.case_id == _C.id, _F.value_enc.is_not(None))
    lying = sa.exists().where(_A.case_id == _C.id, _A.state != ERASED)
    rows = conn.execute(
        sa.select(_C.id, _C.stage, _C.opened_at)
        .where(_C.id > after, _C.stage.in_(PERIOD_AT), sa.or_(words, lying))
        .order_by(_C.id)
        .limit(BATCH)
    ).all()
    found = (_old(conn, periods, now, row) for row in rows)
    return tuple(old for old in found if old), (rows[-1].id if len(rows) == BATCH else 0)


def _old(conn: Connection, periods: Retention, now: datetime, row: Any) -> _Old | None:
    facts = conn.execute(
        sa.select(_F.id, _F.field, _F.at).where(_F.case_id == row.id, _F.value_enc.is_not(None))
    ).all()
    files = conn.execute(
        sa.select(_A.id, _A.purpose, _A.at).where(_A.case_id == row.id, _A.state != ERASED)
    ).all()
    last_event = sa.select(sa.func.max(_E.at)).where(_E.case_id == row.id, _E.act != ERASE)
    since = conn.execute(last_event).scalar() or row.opened_at
    waiting = sa.select(store.duty.c.id).where(store.duty.c.case_id == row.id, store.duty.c.state == "open")
    if row.stage == "DRAFT":
        # What she says in a draft is no event; and a draft in which a person is asked for is that person's.
        since = max(since, *(f.at for f in facts), *(a.at for a in files), row.opened_at)
        if conn.execute(waiting.limit(1)).first():
            return None
    days: int = getattr(periods, PERIOD_AT[row.stage])

    def over(own: int) -> bool:
        return bool(since + timedelta(days=min(own, days)) <= now)

    old = _Old(
        row.id,
        row.stage,
        tuple(f.id for f in facts if over(periods.fields.get(f.field, days))),
        tuple(a.id for a in files if over(periods.voice if a.purpose == "voice" else days)),
    )
    return old if old.facts or old.files else None


def _erase(office: Office, conn: Connection, old: _Old, now: datetime) -> None:
    """Empty what is old of a case. The files themselves go once this stands."""
    case = cases.load(conn, old.case_id, lock=True)
    if case.stage != old.stage:  # it came back to life meanwhile
        return
    conn.execute(sa.update(store.fact).where(_F.id.in_(old.facts)).values(value_enc=None))
    gone = {"state": ERASED, "name_enc": None, "media_id": None, "sha256": None}
    conn.execute(sa.update(store.attachment).where(_A.id.in_(old.files)).values(gone))
    draft = case.stage == "DRAFT"
    if draft:  # whoever comes back begins anew
        conn.execute(sa.delete(store.dialogue).where(_D.case_id == case.id))
    cases.log(
        conn,
        office.vault,
        case,
        ERASE,
        actor_id=None,
        role="system",
        to="WITHDRAWN" if draft else case.stage,
        now=now,
        via="retention",
        data={"facts": len(old.facts), "files": len(old.files)},
    )


def _remove_files(office: Office) -> None:
    """Take away the files of erased attachments, those of an earlier run that was broken off too."""
    lying = sa.select(_A.id, _A.storage_key).where(_A.state == ERASED, _A.storage_key.is_not(None))
    while True:
        with store.transaction(office.engine) as conn:
            rows = conn.execute(lying.limit(BATCH)).all()
        if not rows:
            return
        for row in rows:
            uploads.remove(office.files, row.storage_key)
        with store.transaction(office.engine) as conn:
            ids = [row.id for row in rows]
            conn.execute(sa.update(store.attachment).where(_A.id.in_(ids)).values(storage_key=None))


# --- beside cases ---------------------------------------------------------------------------------------


def _beside_cases(conn: Connection, periods: Retention, now: datetime, dry_run: bool) -> Sequence[int]:
    """Addresses of citizens nothing is kept of, messages, looks, remarks: how many."""
    p, i = store.person.c, store.identity.c
    words_before = now - timedelta(days=periods.messages)
    # Of somebody whose case still holds words, or who wrote lately, the way back to her stays.
    kept = sa.exists().where(_C.contact_id == i.person_id, _F.case_id == _C.id, _F.value_enc.is_not(None))
    lately = sa.exists().where(
        _D.person_id == i.person_id, _D.updated_at > now - timedelta(days=periods.draft)
    )
    open_case = sa.exists().where(_C.contact_id == i.person_id, _C.stage.not_in(PERIOD_AT))
    citizens = sa.select(p.id).where(p.kind == "citizen")
    shut = sa.or_(i.open_until.is_(None), i.open_until < now)
    nobody_s = i.person_id.in_(citizens) & shut & ~kept & ~lately & ~open_case
    # What was written about a matter goes with the words of that matter; about no matter, by its own age. What is
    # not decided yet is needed whole.
    remarks_before = now - timedelta(days=periods.closed)
    undecided = _P.state.in_(proposals.UNDECIDED)
    about = sa.select(_P.id).where(undecided | _still_told(_P.case_id))
    waiting = sa.exists().where(_P.case_id == _G.case_id, undecided)
    done: tuple[tuple[sa.Table, sa.ColumnElement[bool], dict[str, object]], ...] = (
        (store.identity, nobody_s, {}),
        (store.inbox, (_I.received_at <= words_before) & (_I.state != "new"), {}),
        (store.view_log, _V.at <= now - timedelta(days=periods.looks), {}),
        (
            store.finding,
            (_G.at <= remarks_before) & _G.words_enc.is_not(None) & ~_still_told(_G.case_id) & ~waiting,
            {"words_enc": None},
        ),
        (
            store.proposal_line,
            (_L.at <= remarks_before) & _L.words_enc.is_not(None) & _L.proposal_id.not_in(about),
            {"words_enc": None},
        ),
    )
    counts = []
    for table, where, emptied in done:
        if dry_run:
            counts.append(
                int(conn.execute(sa.select(sa.func.count()).select_from(table).where(where)).scalar_one())
            )
            continue
        change = sa.update(table).where(where).values(emptied) if emptied else sa.delete(table).where(where)
        counts.append(conn.execute(change).rowcount)
    *rest, findings, lines = counts
    return *rest, findings + lines


def _still_told(case_id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """That words are kept of a case."""
    return sa.exists().where(_F.case_id == case_id, _F.value_enc.is_not(None))
