"""A new encryption key: everything sealed under an older one is sealed anew, and the event chains signed anew.

Done in small transactions. Broken off at any moment and started again it goes on with what is left; once it finds
nothing, the older key opens nothing any more and may be dropped from the ring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from core import cards, proposals, store, uploads
from core import case as cases
from core.desk import attach
from core.privacy import Vault

BATCH: Final = 200


@dataclass(frozen=True)
class Sealed:
    """A column of ciphertext, and what each of its values is sealed for."""

    column: sa.Column[Any]
    about: Callable[[Any], str]


# Platform tokens are not among them: they are fetched anew sooner than they are worth sealing.
SEALED: Final = (
    Sealed(store.fact.c.value_enc, lambda row: cases.about(row.case_id, row.field)),
    Sealed(store.attachment.c.name_enc, lambda row: attach.ABOUT),
    Sealed(store.inbox.c.body_enc, lambda row: str(row.key)),
    Sealed(store.inbox.c.answer_enc, lambda row: str(row.key)),
    Sealed(store.card.c.code_enc, lambda row: cards.ABOUT),
    Sealed(store.finding.c.words_enc, lambda row: proposals.place_of(row.key)),
    Sealed(store.proposal_line.c.words_enc, lambda row: proposals.place(row.proposal_id, row.seq)),
)


@dataclass(frozen=True)
class Rekeyed:
    """How much was sealed or signed anew, and the cases whose chain does not hold: those stay as they are, and the
    older key has to stay with them."""

    values: int
    files: int
    chains: int
    broken: tuple[int, ...]


def rekey(engine: Engine, vault: Vault, files: Path) -> Rekeyed:
    """Bring everything under the active key of the vault. Raises CannotOpen if a key is missing from the ring."""
    values = sum(_reseal(engine, vault, sealed) for sealed in SEALED)
    with store.transaction(engine) as conn:
        _forget_tokens(conn, vault)
    lying = 0
    for key in uploads.stale(files, vault):
        uploads.reseal(files, key, vault)
        lying += 1
    chains, broken = _relink(engine, vault)
    return Rekeyed(values, lying, chains, tuple(broken))


def _reseal(engine: Engine, vault: Vault, sealed: Sealed) -> int:
    done, table = 0, sealed.column.table
    for ids in _batches(engine, table.c.id, sealed.column.is_not(None)):
        with store.transaction(engine) as conn:
            rows = conn.execute(
                sa.select(table).where(table.c.id.in_(ids), sealed.column.is_not(None)).with_for_update()
            ).all()
            for row in rows:
                blob, about = row._mapping[sealed.column.name], sealed.about(row)
                if not vault.is_stale(blob):
                    continue
                anew = vault.seal_bytes(vault.open_bytes(blob, about), about)
                change = sa.update(table).where(table.c.id == row.id)
                conn.execute(change.values({sealed.column.name: anew}))
                done += 1
    return done


def _forget_tokens(conn: Connection, vault: Vault) -> None:
    t = store.platform_token
    for row in conn.execute(sa.select(t).where(t.c.value_enc.is_not(None))).all():
        if vault.is_stale(row.value_enc):
            same = (t.c.app == row.app) & (t.c.kind == row.kind)
            conn.execute(sa.update(t).where(same).values(value_enc=None, expires_at=None))


def _relink(engine: Engine, vault: Vault) -> tuple[int, list[int]]:
    done, broken = 0, []
    for ids in _batches(engine, store.case.c.id, sa.true()):
        for case_id in ids:
            with store.transaction(engine) as conn:
                cases.load(conn, case_id, lock=True)
                if cases.broken_link(conn, vault, case_id) is None:
                    done += cases.relink(conn, vault, case_id)
                else:
                    broken.append(case_id)
    return done, broken


def _batches(engine: Engine, id_: Any, where: sa.ColumnElement[bool]) -> Iterator[list[int]]:
    after = 0
    while True:
        query = sa.select(id_).where(id_ > after, where).order_by(id_).limit(BATCH)
        with store.transaction(engine) as conn:
            ids = list(conn.execute(query).scalars())
        if not ids:
            return
        yield ids
        after = ids[-1]
