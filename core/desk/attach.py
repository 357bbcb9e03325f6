"""Attachments of a case: kept from chat (fetched from the platform within three days) or uploaded on a page.

Files lie encrypted outside the web root; the row names them. A shielded case keeps everything from the unit
that the window has not redacted (AMB-G21).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import store, uploads
from core.privacy import Vault, clean

if TYPE_CHECKING:
    from core.desk.act import Work
    from core.office import Office

A = store.attachment
LEASE: Final = timedelta(seconds=120)
CAP: Final = 20 * 1024 * 1024
TRIES: Final = 6
# What one person may hand in on pages for one case in one day: more than any matter needs, less than fills a disk.
OPEN_TO_UNIT: Final = ("result", "seal", "redacted")  # of a shielded case (AMB-G21)
ABOUT: Final = "attachment"  # what the name of a file is sealed for
FILES_A_DAY: Final = 60
BYTES_A_DAY: Final = 200 * 1024 * 1024


@dataclass(frozen=True)
class Attachment:
    """An attachment as core's callers see it; `name` is opened."""

    id: int
    ref: str
    case_id: int
    by_id: int | None
    purpose: str
    state: str
    channel: str | None
    media_id: str | None
    name: str
    mime: str
    size: int
    storage_key: str | None
    for_unit: bool
    at: datetime
    attempts: int
    lease_token: str | None


@dataclass(frozen=True)
class NewFile:
    """A file handed in on a page, already inspected."""

    accepted: uploads.Accepted
    name: str


def expect(
    conn: Connection, case_id: int, *, channel: str, media_id: str, purpose: str, by_id: int, now: datetime
) -> int | None:
    """Note a file that still lies with the platform; the worker fetches it. The same medium counts once."""
    same = sa.select(A.c.id).where(A.c.case_id == case_id, A.c.media_id == media_id)
    if conn.execute(same).first():
        return None
    return _insert(conn, case_id, by_id, purpose, "pending", now, channel=channel, media_id=media_id)


def move(conn: Connection, of_case: int, to_case: int) -> None:
    """What was sent with one telling of a matter belongs to the case that it joins."""
    conn.execute(sa.update(A).where(A.c.case_id == of_case).values(case_id=to_case))


def adopt(work: Work, field: str, purpose: str) -> None:
    """Store the inspected files of a form's field with the case."""
    files: Sequence[NewFile] = work.values.get(field) or ()
    for file in files:
        keep(
            work.office,
            work.conn,
            work.case.id,
            file,
            purpose,
            work.actor.id,
            work.now,
            for_unit=_visible(work, purpose),
        )
    if files:
        work.data["files"] = len(files)


def keep(
    office: Office,
    conn: Connection,
    case_id: int,
    file: NewFile,
    purpose: str,
    by_id: int | None,
    now: datetime,
    *,
    for_unit: bool = True,
) -> int:
    """Write a file to the store and its row to the case."""
    stored = uploads.store(office.files, file.accepted.data, office.vault)
    return _insert(
        conn,
        case_id,
        by_id,
        purpose,
        "stored",
        now,
        name_enc=office.vault.seal(clean(file.name, 120), ABOUT),
        mime=file.accepted.mime,
        size=stored.size,
        sha256=stored.sha256,
        storage_key=stored.key,
        for_unit=for_unit,
    )


def take_room(conn: Connection, person_id: int, about: str, sizes: Sequence[int], day: date) -> bool:
    """Count files of these sizes (bytes) that somebody hands in for a case; False, and nothing is counted, if that
    is more than a day allows. What is thrown away again was handed in all the same."""
    s, today = store.spend.c, day.toordinal()
    conn.execute(sa.delete(store.spend).where(s.object.startswith("room:"), s.window < today - 1))
    wanted = {"files": (len(sizes), FILES_A_DAY), "bytes": (sum(sizes), BYTES_A_DAY)}
    mine = {}
    for name in wanted:
        row = {"object": f"room:{name}:{person_id}:{about}", "window": today}
        store.insert_once(conn, store.spend, ("object", "window"), **row, used=0)
        mine[name] = (s.object == row["object"]) & (s.window == today)
    for name, (more, most) in wanted.items():
        if conn.execute(sa.select(s.used).where(mine[name]).with_for_update()).scalar_one() + more > most:
            return False
    for name, (more, _) in wanted.items():
        conn.execute(sa.update(store.spend).where(mine[name]).values(used=s.used + more))
    return True


def waiting(conn: Connection, *, machine: datetime) -> bool:
    """Whether a file is to be fetched from a platform, and nobody is at it."""
    return conn.execute(sa.select(A.c.id).where(_free(machine)).limit(1)).first() is not None


def _free(machine: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(A.c.state == "pending", sa.or_(A.c.lease_until.is_(None), A.c.lease_until < machine))


def claim_pending(conn: Connection, *, machine: datetime, limit: int = 10) -> list[Any]:
    """Claim media to fetch from a platform."""
    due = (
        sa.select(A.c.id)
        .where(_free(machine))
        .order_by(A.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(
        conn.execute(
            sa.update(A)
            .where(A.c.id.in_(due))
            .values(lease_until=machine + LEASE, lease_token=secrets.token_hex(8), attempts=A.c.attempts + 1)
            .returning(
                A.c.id, A.c.case_id, A.c.channel, A.c.media_id, A.c.purpose, A.c.attempts, A.c.lease_token
            )
        )
    )


def fetched(conn: Connection, office: Office, row: Any, file: NewFile) -> bool:
    """The medium arrived: write it down, if the lease still is ours."""
    stored = uploads.store(office.files, file.accepted.data, office.vault)
    return _finish(
        conn,
        row,
        state="stored",
        name_enc=office.vault.seal(clean(file.name, 120), ABOUT),
        mime=file.accepted.mime,
        size=stored.size,
        sha256=stored.sha256,
        storage_key=stored.key,
    )


def failed(conn: Connection, row: Any, *, final: str = "") -> bool:
    """It did not arrive: try again, or give up as `lost` or `refused` (visible on the case page)."""
    state = final or ("lost" if row.attempts >= TRIES else "pending")
    return _finish(conn, row, state=state)


def _finish(conn: Connection, row: Any, **values: Any) -> bool:
    lease = {} if values["state"] == "pending" else {"lease_until": None, "lease_token": None}
    done = conn.execute(
        sa.update(A).where(A.c.id == row.id, A.c.lease_token == row.lease_token).values(**values, **lease)
    )
    return done.rowcount == 1


def of_case(conn: Connection, vault: Vault, case_id: int) -> tuple[Attachment, ...]:
    """All attachments in the order of time."""
    rows = conn.execute(sa.select(A).where(A.c.case_id == case_id).order_by(A.c.id))
    return tuple(_attachment(r, vault) for r in rows)


def by_ref(conn: Connection, vault: Vault, ref: str) -> Attachment | None:
    row = conn.execute(sa.select(A).where(A.c.ref == ref)).one_or_none()
    return _attachment(row, vault) if row else None


def has_untyped_voice(conn: Connection, case_id: int) -> bool:
    """Whether something was spoken since somebody last listened and typed."""
    e = store.event.c
    typed = sa.select(sa.func.max(e.at)).where(e.case_id == case_id, e.act == "transcribe").scalar_subquery()
    since = sa.or_(typed.is_(None), A.c.at > typed)
    return (
        conn.execute(sa.select(A.c.id).where(A.c.case_id == case_id, A.c.purpose == "voice", since)).first()
        is not None
    )


def _visible(work: Work, purpose: str) -> bool:
    return purpose in OPEN_TO_UNIT or not work.case.shielded


def _insert(
    conn: Connection, case_id: int, by_id: int | None, purpose: str, state: str, now: datetime, **values: Any
) -> int:
    row = {
        "ref": secrets.token_urlsafe(16),
        "case_id": case_id,
        "by_id": by_id,
        "purpose": purpose,
        "state": state,
    }
    return int(conn.execute(sa.insert(A).values(**row, at=now, **values).returning(A.c.id)).scalar_one())


def _attachment(row: Any, vault: Vault) -> Attachment:
    values = {k: row._mapping[k] for k in Attachment.__dataclass_fields__ if k in row._mapping}
    name = vault.open(row.name_enc, ABOUT) if row.name_enc else {"voice": "语音"}.get(row.purpose, "图片")
    return Attachment(**{**values, "name": name, "mime": row.mime or "", "size": row.size or 0})
