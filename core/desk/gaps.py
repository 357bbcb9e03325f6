"""What only the operator can mend: told to the operator when it stood in the way of an act."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import outbox, store
from core.case import Case
from core.office import Office
from core.refusals import Refusal
from core.workdays import SHANGHAI

OPERATOR: Final = "approver"  # the slot that looks after the hall's people and units
NOTICE: Final = "contacts_missing"


def tell(office: Office, conn: Connection, case: Case, refusal: Refusal, now: datetime) -> bool:
    """A dispatch was refused because the unit has named too few people: the operator hears which, once a day and unit,
    in office hours (XJ-4.3a). In a transaction of its own, since a refusal undoes the one it was raised in. False if
    the refusal is another's to mend."""
    if refusal.code != "unit_lacks_contacts":
        return False
    unit, today = str(refusal.facts["unit"]), now.astimezone(SHANGHAI).date()
    p, held = store.person.c, store.post.c
    operators = (
        sa.select(p.id)
        .join(store.post, held.person_id == p.id)
        .where(held.role.in_(office.profile.slots.get(OPERATOR, ())), p.active)
        .distinct()
    )
    for person_id in conn.execute(operators.order_by(p.id)).scalars():
        outbox.put(
            conn,
            key=f"{case.id}.{NOTICE}.{today}.{unit[:48]}.p{person_id}",
            case_id=case.id,
            notice=NOTICE,
            clause=refusal.clause,
            person_id=person_id,
            now=now,
            not_before=office.next_office_moment(now),
            data={"unit": unit, "roles": str(refusal.facts["roles"]), "rev": case.rev, "round": case.round},
        )
    return True
