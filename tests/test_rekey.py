"""A new key in front, everything brought under it, and the old one may go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from core import case as cases
from core import inbox, rekey, store, uploads
from core.case import Case
from core.desk import attach
from core.desk.attach import NewFile
from core.privacy import CannotOpen, Vault, make_key
from tests.world import World

OLD, NEW = f"k1:{make_key()}", f"k2:{make_key()}"


def under(world: World, *keys: str) -> World:
    """The same hall, run with these keys."""
    world.office = replace(world.office, vault=Vault.from_setting(",".join(keys)))
    return world


def lived_in(world: World) -> Case:
    """A case with words, a file, a kept message; everything under the old key."""
    under(world, OLD)
    case, by = world.dispatch(world.tell("li")), world.who("li").id
    file = NewFile(uploads.inspect("跑了三次".encode(), "", 1000), "经过.txt")
    with store.transaction(world.office.engine) as conn:
        attach.keep(world.office, conn, case.id, file, "material", by, world.now)
        inbox.failed(
            conn, world.office.vault, channel="x", key="k", body="原话", now=world.now, error="Error"
        )
    return case


def bring_over(world: World) -> rekey.Rekeyed:
    return rekey.rekey(world.office.engine, world.office.vault, world.office.files)


def everything(world: World, case: Case) -> tuple[object, ...]:
    """All that the keys open and sign of a case."""
    with store.transaction(world.office.engine) as conn:
        letters = inbox.unhandled(conn, world.office.vault)
        broken = cases.broken_link(conn, world.office.vault, case.id)
    file = world.attachments(case)[0]
    data = uploads.load(world.office.files, file.storage_key or "", world.office.vault)
    return world.words(case), [x[3] for x in letters], file.name, data, broken


def test_the_old_key_may_go_once_everything_is_under_the_new_one(world: World) -> None:
    case = lived_in(world)
    before = everything(world, case)
    done = bring_over(under(world, NEW, OLD))
    assert done.values >= 5 and done.files == 1 and done.chains == 1 and not done.broken

    assert everything(under(world, NEW), case) == before

    world.do("zhang", case, "sign_for")  # and life goes on
    assert everything(world, case)[-1] is None


def test_before_that_nothing_opens_without_the_old_key(world: World) -> None:
    case = lived_in(world)
    with pytest.raises(CannotOpen):
        everything(under(world, NEW), case)


def test_a_second_run_finds_nothing(world: World) -> None:
    lived_in(world)
    bring_over(under(world, NEW, OLD))
    assert bring_over(world) == rekey.Rekeyed(0, 0, 0, ())


@pytest.mark.parametrize("at", range(6))
def test_broken_off_anywhere_it_goes_on_with_what_is_left(
    at: int, hall: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lived_in(hall)
    before = everything(hall, case)
    under(hall, NEW, OLD)
    monkeypatch.setattr(rekey, "BATCH", 2)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Vault, "seal_bytes", _failing(Vault.seal_bytes, at))
        bring_over(hall)
    assert everything(hall, case) == before  # with both keys all is well at any moment
    bring_over(hall)
    assert everything(under(hall, NEW), case) == before


def _failing(seal: Callable[..., bytes], at: int) -> Callable[..., bytes]:
    """Sealing that is broken off at the `at`th time."""
    left = iter(range(at))

    def once_more(vault: Vault, data: bytes, about: str = "") -> bytes:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return seal(vault, data, about)

    return once_more


def test_a_chain_somebody_touched_is_left_as_it_is(hall: World) -> None:
    case, good = lived_in(hall), hall.tell("wang")
    e = store.event.c
    with store.transaction(hall.office.engine) as conn:
        first = (e.case_id == case.id) & (e.seq == 1)
        conn.execute(sa.update(store.event).where(first).values(via="elsewhere"))
    digests = [event.digest for event in hall.events(case)]

    done = bring_over(under(hall, NEW, OLD))

    assert done.broken == (case.id,) and done.chains == 1
    assert [event.digest for event in hall.events(case)] == digests
    with store.transaction(hall.office.engine) as conn:
        assert cases.broken_link(conn, Vault.from_setting(NEW), good.id) is None


def test_a_platform_token_under_the_old_key_is_fetched_anew(hall: World) -> None:
    under(hall, OLD)
    token = {"app": "x", "kind": "access", "value_enc": hall.office.vault.seal("token", "x")}
    with store.transaction(hall.office.engine) as conn:
        conn.execute(sa.insert(store.platform_token).values(**token, expires_at=hall.now))
    bring_over(under(hall, NEW, OLD))
    with store.transaction(hall.office.engine) as conn:
        assert conn.execute(sa.select(store.platform_token.c.value_enc)).scalar_one() is None
