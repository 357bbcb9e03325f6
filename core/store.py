"""The database: tables, column types, and how a transaction is opened.

SQLite (embedded default) and PostgreSQL (production) run through the same statements. Everything here is
SQLAlchemy Core; rows stay inside `core`, what leaves are frozen dataclasses. Two rules shape the tables:

* a second effect is impossible because a second row is (`UNIQUE` keys on inbox, outbox, event, duty, step);
* personal data stands only as ciphertext, in the `_enc` columns of `fact`, `attachment`, `inbox`, `finding` and
  `proposal_line`, so that events and cases can be kept, counted and shown while a person's data are erased. The
  codes of `card` and `platform_token` are sealed in the same way. Names of staff and platform ids stand open.
"""

from __future__ import annotations

import contextvars
import json
import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Json = sa.JSON().with_variant(JSONB, "postgresql")


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware instant, stored as UTC. SQLite forgets time zones, so they are checked going in and put back."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive instant reached the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        # PostgreSQL answers in the zone of the session, which is UTC (`open_engine`); a ledger asks for millions.
        return super().result_processor(dialect, coltype) if dialect.name == "sqlite" else None


class Ids(sa.types.TypeDecorator[Sequence[int]]):
    """Any number of ids as one parameter: an array, for SQLite a JSON list."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        array: sa.types.TypeEngine[Any] = ARRAY(sa.BigInteger())
        return dialect.type_descriptor(array if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        ids = list(value or ())
        return ids if dialect.name == "postgresql" else json.dumps(ids)


class _Among(FunctionElement[bool]):
    inherit_cache = True
    type = sa.Boolean()


@compiles(_Among)
def _in_list(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY ({ids})"


IDS: sa.BindParameter[Any] = sa.bindparam("ids", type_=Ids)


def among(column: sa.ColumnElement[int], ids: Sequence[int] | None = None) -> sa.ColumnElement[bool]:
    """Whether a column of ids is one of `ids`, or of those given as the parameter "ids". One statement however many
    there are, where `in_` makes one for each number of them, which is then read anew on both sides."""
    return _Among(column, IDS if ids is None else sa.literal(ids, Ids))


def _table(name: str, *columns: Any) -> Table:
    return Table(name, metadata, *columns)


def _id() -> Column[Any]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def _ref(name: str, target: str, *, null: bool = False, index: bool = False) -> Column[Any]:
    return Column(name, Id, ForeignKey(f"{target}.id"), nullable=null, index=index)


def _text(name: str, length: int, *, null: bool = False, default: str | None = None) -> Column[Any]:
    return Column(name, sa.String(length), nullable=null, default=default)


def _when(name: str, *, null: bool = False, index: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=null, index=index)


def _lease() -> tuple[Column[Any], ...]:
    """Claim with a lease, finish with a fence: a holder whose `lease_token` is gone throws its result away."""
    return (
        _when("lease_until", null=True),
        _text("lease_token", 32, null=True),
        Column("attempts", sa.Integer, nullable=False, default=0),
    )


# --- people ---------------------------------------------------------------------------------------------

person = _table(
    "person",
    _id(),
    Column("key", sa.String(64), unique=True),  # the hall file's key of a staff member; citizens have none
    _text("kind", 8),  # staff | citizen
    _text("name", 64, default=""),  # staff only: officials act under their names; citizens' names are facts
    _text("phone", 32, default=""),
    Column("active", sa.Boolean, nullable=False, default=True),
)

identity = _table(
    "identity",
    _id(),
    _ref("person_id", "person", index=True),
    _text("channel", 16),
    _text("address", 128),  # openid, userid (lower case)
    Column("following", sa.Boolean, nullable=False, default=True),
    # What the platform lets us send of our own accord: until when, and how many messages are left.
    _when("open_until", null=True),
    Column("open_left", sa.Integer, nullable=False, default=0),
    UniqueConstraint("channel", "address"),
)

unit = _table(
    "unit",
    _id(),
    Column("key", sa.String(64), nullable=False, unique=True),
    _text("name", 128),
    _text("kind", 16),  # window | site | unit | company | external | discipline | operator | higher …
    _text("code", 16, default=""),  # stands in case numbers, where the profile's format asks for it
    _text("group_channel", 16, null=True),
    _text("group_address", 64, null=True),
    Column("active", sa.Boolean, nullable=False, default=True),
)

post = _table(
    "post",
    _id(),
    _ref("person_id", "person", index=True),
    _ref("unit_id", "unit", index=True),
    _text("role", 32),
    UniqueConstraint("person_id", "unit_id", "role"),
)

# What the contact form of a unit said, one row whenever it changed.
contact_sheet = _table(
    "contact_sheet",
    _id(),
    _ref("unit_id", "unit", index=True),
    _when("at"),
    Column("said", Json, nullable=False),
)

# --- policy ---------------------------------------------------------------------------------------------

policy = _table(
    "policy",
    _id(),
    _text("name", 64),
    _text("version", 32),
    Column("text", sa.Text, nullable=False),
    _when("published_at"),
    UniqueConstraint("name", "version"),
)

# --- the case -------------------------------------------------------------------------------------------

case = _table(
    "cases",
    _id(),
    Column("ref", sa.String(32), nullable=False, unique=True),  # random, for links; never the primary key
    Column("number", sa.String(32), unique=True),
    _text("profile", 64),
    _text("policy_version", 32),
    _text("stage", 16),
    Column("round", sa.Integer, nullable=False, default=1),
    Column("rev", sa.Integer, nullable=False, default=0),  # counts events; every button carries it
    _text("channel", 16),  # where it was told: wechat | hall | phone | …
    _text("subject", 200, default=""),  # neutral, written or confirmed by the window (AMB-G16)
    _text("kind", 16, null=True),  # immediate | assign | coordinate
    _text("level", 32, null=True),
    _ref("unit_id", "unit", null=True, index=True),
    _ref("site_id", "unit", null=True, index=True),  # where it was told, of a window with many sites
    _ref("keeper_id", "person", null=True),  # who took it in and follows it to the end; a handover moves it
    Column("members", Json, nullable=False, default=list),  # units of a joint handling
    _ref(
        "contact_id", "person", null=True, index=True
    ),  # who talks to us; not always the applicant (AMB-G24)
    Column("shielded", sa.Boolean, nullable=False, default=False),
    Column("unconfirmed", sa.Boolean, nullable=False, default=False),
    Column("supervision_count", sa.Integer, nullable=False, default=0),
    _when("overdue_at", null=True),
    _when("opened_at"),
    Index("ix_cases_stage", "stage"),
)

moment = _table(
    "moment",
    _id(),
    _ref("case_id", "cases"),
    Column("round", sa.Integer, nullable=False),
    _text("name", 32),  # accepted_at, dispatched_at … (the clock anchors of the rules)
    _when("at"),
    _ref("person_id", "person", null=True),
    UniqueConstraint("case_id", "round", "name"),
    Index("ix_moment_name_at", "name", "at"),
)

fact = _table(
    "fact",
    _id(),
    _ref("case_id", "cases"),
    Column("round", sa.Integer, nullable=False),
    _text("field", 48),
    _text("code", 64, null=True),  # choices, flags, numbers, dates: countable, not personal
    Column("value_enc", sa.LargeBinary),  # everything a person wrote or is
    _ref("by_id", "person", null=True),
    _when("at"),
    Column("current", sa.Boolean, nullable=False, default=True),
    _when("ended_at", null=True),  # when another took its place, or nothing did
    Index(
        "uq_fact_current",
        "case_id",
        "field",
        unique=True,
        postgresql_where=sa.text("current"),
        sqlite_where=sa.text("current"),
    ),
    Index("ix_fact_case_id", "case_id"),
)

event = _table(
    "event",
    _id(),
    _ref("case_id", "cases"),
    Column("seq", sa.Integer, nullable=False),
    Column("round", sa.Integer, nullable=False),
    _text("act", 48),
    _ref("actor_id", "person", null=True),
    _text("role", 32, default=""),
    _text("stage_from", 16),
    _text("stage_to", 16),
    _text("via", 32, default=""),  # which card, page or worker
    _when("at"),
    Column("data", Json, nullable=False),
    _text("digest", 64),
    UniqueConstraint("case_id", "seq"),
    Index("ix_event_at", "at", "case_id"),
)

duty = _table(
    "duty",
    _id(),
    _ref("case_id", "cases"),
    Column("round", sa.Integer, nullable=False),
    _text("key", 48),
    Column("part", sa.Integer, nullable=False, default=0),  # the unit it is for, where each member has one
    Column("generation", sa.Integer, nullable=False, default=1),
    _text("state", 8),  # open | met | void
    _text("holder", 32),
    _text("clause", 16),
    _text("limit", 32, null=True),
    _when("opened_at"),
    _when("target_at", null=True),
    _when("due_at", null=True),
    Column("provisional", sa.Boolean, nullable=False, default=False),
    _when("missed_at", null=True),
    _when("met_at", null=True),
    _text("met_by", 48, null=True),
    Column("tries", sa.Integer, nullable=False, default=0),
    UniqueConstraint("case_id", "round", "key", "part", "generation"),
    Index(
        "ix_duty_holder",
        "holder",
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    ),
)

step = _table(
    "step",
    _id(),
    _ref("duty_id", "duty"),
    _ref("case_id", "cases", index=True),
    _text("key", 32),
    _when("due_at"),
    _text("state", 8),  # due | done | void
    _when("fired_at", null=True),
    *_lease(),
    UniqueConstraint("duty_id", "key"),
    Index(
        "ix_step_due",
        "due_at",
        "id",
        postgresql_where=sa.text("state = 'due'"),
        sqlite_where=sa.text("state = 'due'"),
    ),
)

attachment = _table(
    "attachment",
    _id(),
    Column("ref", sa.String(32), nullable=False, unique=True),
    _ref("case_id", "cases", index=True),
    _ref("by_id", "person", null=True),
    _text("purpose", 16),  # material | voice | result | seal | redacted | signed
    _text("state", 8),  # pending | stored | refused | lost
    _text("channel", 16, null=True),
    _text("media_id", 256, null=True),  # to be fetched from the platform within three days
    Column("name_enc", sa.LargeBinary),
    _text("mime", 64, null=True),
    Column("size", sa.Integer),
    _text("sha256", 64, null=True),
    _text("storage_key", 64, null=True),
    Column(
        "for_unit", sa.Boolean, nullable=False, default=True
    ),  # False: kept from a shielded unit (AMB-G21)
    _when("at"),
    *_lease(),
    Index(
        "ix_attachment_pending",
        "id",
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    ),
)

view_log = _table(
    "view_log",
    _id(),
    _ref("case_id", "cases", index=True),
    _ref("person_id", "person"),
    _when("at"),
    _text("what", 48),
    _text("reason", 200, default=""),
)

# --- in and out -----------------------------------------------------------------------------------------

inbox = _table(
    "inbox",
    _id(),
    _text("channel", 16),
    Column("key", sa.String(200), nullable=False, unique=True),
    _when("received_at"),
    Column("body_enc", sa.LargeBinary, nullable=False),
    _text("state", 8),  # new | done | failed
    Column("answer_enc", sa.LargeBinary),
    _text("error", 200, null=True),
    *_lease(),
    Index(
        "ix_inbox_open",
        "id",
        postgresql_where=sa.text("state <> 'done'"),
        sqlite_where=sa.text("state <> 'done'"),
    ),
)

outbox = _table(
    "outbox",
    _id(),
    Column("key", sa.String(128), nullable=False, unique=True),
    _ref("case_id", "cases", null=True, index=True),
    _text("notice", 48),
    _text("clause", 16),
    _ref("person_id", "person", null=True, index=True),
    _ref("unit_id", "unit", null=True),  # a unit's chat group
    Column("data", Json, nullable=False),  # codes and ids, nothing personal
    _text("effect", 48, null=True),  # the delivery duty that the delivered mark meets
    _text("state", 8),  # due | sent | unsure | dead | replaced
    _when("created_at"),
    _when("not_before"),  # by the case clock: office hours, quiet hours
    _when("retry_at", null=True),  # by machine time: back-off
    _text("route", 24, null=True),
    _when("sent_at", null=True),
    _text("platform_ref", 128, null=True),
    _text("error", 200, null=True),
    *_lease(),
    Index(
        "ix_outbox_due",
        "not_before",
        "id",
        postgresql_where=sa.text("state = 'due'"),
        sqlite_where=sa.text("state = 'due'"),
    ),
)

card = _table(
    "card",
    _id(),
    _ref("outbox_id", "outbox"),
    _ref("case_id", "cases", index=True),
    _ref("person_id", "person"),
    _text("channel", 16),
    Column("task_id", sa.String(64), nullable=False, unique=True),
    Column("code_enc", sa.LargeBinary),  # the platform's one-use update code
    _when("code_until", null=True),
    Column("drawn_rev", sa.Integer, nullable=False),
    _text("state", 12),  # live | superseded
    Index(
        "ix_card_redrawable",
        "case_id",
        postgresql_where=sa.text("code_enc IS NOT NULL"),
        sqlite_where=sa.text("code_enc IS NOT NULL"),
    ),
)

platform_token = _table(
    "platform_token",
    Column("app", sa.String(64), primary_key=True),
    Column("kind", sa.String(24), primary_key=True),
    Column("value_enc", sa.LargeBinary),
    _when("expires_at", null=True),
    _when("fetched_at", null=True),
    _when("lease_until", null=True),
    _text("lease_token", 32, null=True),
)

spend = _table(
    "spend",
    Column("object", sa.String(160), primary_key=True),  # channel:kind:id
    Column("window", sa.BigInteger, primary_key=True),
    Column("used", sa.Integer, nullable=False, default=0),
)

# --- conversations, pages, bookkeeping ------------------------------------------------------------------

dialogue = _table(
    "dialogue",
    Column("person_id", Id, ForeignKey("person.id"), primary_key=True),
    _ref("case_id", "cases", null=True),
    Column("state", Json, nullable=False),  # what was asked; never what was said
    _when("updated_at"),
)

login = _table(
    "login",
    Column("id_hash", sa.String(64), primary_key=True),
    _ref("person_id", "person"),
    _text("channel", 16),
    _when("expires_at"),
)

ticket = _table(
    "ticket",
    Column("id_hash", sa.String(64), primary_key=True),  # one-time values: OAuth state, form submissions
    _text("kind", 16),
    Column("data", Json, nullable=False),
    _when("expires_at"),
)

counter = _table(
    "counter",
    Column("name", sa.String(64), primary_key=True),
    Column("value", sa.Integer, nullable=False),
)

heartbeat = _table(
    "heartbeat",
    Column("name", sa.String(32), primary_key=True),
    _when("at"),
    Column("data", Json, nullable=False),
)

# --- what is learnt: the case library, problems of one kind, and their improvement ----------------------------
# Nothing personal stands here: a person has taken out what pointed to anybody before it was kept.

library_entry = _table(
    "library_entry",
    _id(),
    Column("ref", sa.String(32), nullable=False, unique=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, unique=True),  # one entry a case
    _ref("unit_id", "unit", null=True, index=True),
    _ref("site_id", "unit", null=True),
    _text("state", 10),  # proposed | approved | retired
    _text("item", 80),
    _text("cause_code", 64),
    Column("cause", sa.Text, nullable=False),
    Column("problem", sa.Text, nullable=False),
    Column("solution", sa.Text, nullable=False),
    _ref("written_by", "person"),
    _ref("approved_by", "person", null=True),
    _when("approved_at", null=True),
    _ref("owner_id", "person", null=True),
    Column("review_on", sa.Date, index=True),
    _text("tone", 8, default=""),  # positive | negative: how it is (or is to be) made public
    _ref("asked_by", "person", null=True),  # who wants it public, until a second person has looked
    _ref("published_by", "person", null=True),
    _when("published_at", null=True),
    _when("written_at"),
    Index("ix_library_entry_state", "state"),
)

# The search index of our own: pairs of neighbouring characters of approved entries, the same on both databases.
library_gram = _table(
    "library_gram",
    Column("gram", sa.String(16), primary_key=True),
    Column("entry_id", Id, ForeignKey("library_entry.id"), primary_key=True),
)

library_term = _table(
    "library_term",
    Column("gram", sa.String(16), primary_key=True),  # "" counts the entries themselves
    Column("entries", sa.Integer, nullable=False),
)

issue_group = _table(
    "issue_group",
    _id(),
    Column("ref", sa.String(32), nullable=False, unique=True),
    _ref("unit_id", "unit"),
    _text("item", 80),
    _text("cause_code", 64),
    _ref("confirmed_by", "person"),
    _when("confirmed_at"),
    UniqueConstraint("unit_id", "item", "cause_code"),
)

improvement_action = _table(
    "improvement_action",
    _id(),
    Column("ref", sa.String(32), nullable=False, unique=True),
    _ref("group_id", "issue_group", index=True),
    _text("what", 500),
    _ref("owner_id", "person"),
    Column("due_on", sa.Date, nullable=False),
    _text("state", 8),  # open | done | dropped
    _text("outcome", 500, default=""),
    _ref("made_by", "person"),
    _when("made_at"),
    _when("ended_at", null=True),
)

# --- daily work: reports and rosters --------------------------------------------------------------------------

# One row a report, period and unit or site; what it says is computed as of `as_of` from what is never changed.
report = _table(
    "report",
    _id(),
    Column("ref", sa.String(32), nullable=False, unique=True),
    _text("profile", 64),
    _text("policy_version", 32),
    _text("key", 48),
    Column("part", sa.Integer, nullable=False, default=0),  # the unit or site it is about, 0 for all
    Column("first", sa.Date, nullable=False),
    Column("last", sa.Date, nullable=False),
    _text("state", 8),  # draft | signed
    _when("made_at"),
    _when("remind_at", null=True),
    _when("due_at"),
    _when("leaves_at"),  # signed before, it waits until then
    Column("reminded", sa.Integer, nullable=False, default=0),  # 1 reminded, 2 missed
    Column("text", sa.Text),  # as a person edited it; empty: as the template says it
    _ref("edited_by", "person", null=True),
    _when("edited_at", null=True),
    _when("as_of", null=True),
    _ref("signed_by", "person", null=True),
    _when("signed_at", null=True),
    _text("digest", 16, default=""),  # tells the signed figures from others
    UniqueConstraint("key", "part", "first"),
    Index("ix_report_state", "state", "due_at"),
)

# Figures of other systems about a unit and period, brought in as a table.
outside_figure = _table(
    "outside_figure",
    _id(),
    _text("source", 32),
    _ref("unit_id", "unit"),
    Column("first", sa.Date, nullable=False),
    Column("last", sa.Date, nullable=False),
    Column("total", sa.Integer, nullable=False),
    Column("satisfied", sa.Integer, nullable=False),
    _when("brought_at"),
    UniqueConstraint("source", "unit_id", "first", "last", "brought_at"),
)

# Records of other systems that were taken in as matters: each once, whoever brings the table again.
brought_in = _table(
    "brought_in",
    _id(),
    _text("source", 48),  # which of the profile's imports
    _text("number", 64),  # as the other system tells its records apart
    _ref("case_id", "cases"),
    UniqueConstraint("source", "number"),
)

# Who sits at the window when. A change keeps what stood before.
shift = _table(
    "shift",
    _id(),
    _text("key", 32),  # which roster of the profile
    Column("day", sa.Date, nullable=False),
    _text("half", 2, default=""),  # am | pm, where a roster counts half-days
    _ref("unit_id", "unit", null=True),
    _ref("person_id", "person"),
    _ref("made_by", "person", null=True),  # None: by rotation
    _when("made_at"),
    Column("current", sa.Boolean, nullable=False, default=True),
    Index(
        "uq_shift_current",
        "key",
        "day",
        unique=True,
        postgresql_where=sa.text("current"),
        sqlite_where=sa.text("current"),
    ),
)

# That somebody did not come is noted by a person; nobody checks in (LH-17a).
absence = _table(
    "absence",
    _id(),
    _ref("person_id", "person"),
    Column("day", sa.Date, nullable=False),
    _text("sort", 8),  # late | absent
    _ref("recorded_by", "person"),
    _when("recorded_at"),
    UniqueConstraint("person_id", "day"),
)

# --- what is put on record about units and persons, and what it gives reason for ------------------------------
# Rows are added, never taken away: a decision, an appeal, its answer are lines of their own.

finding = _table(
    "finding",
    _id(),
    Column("key", sa.String(120), nullable=False, unique=True),  # the same thing is recorded once
    _text("sort", 32),  # which of the profile's findings
    _ref("case_id", "cases", null=True, index=True),
    _ref("unit_id", "unit", null=True),
    _ref("person_id", "person", null=True),
    _text("code", 64, default=""),
    Column("day", sa.Date, nullable=False),  # when it happened: of a matter, when it was taken in
    Column("words_enc", sa.LargeBinary),
    _ref("by_id", "person"),
    _when("at"),
)

proposal = _table(
    "proposal",
    _id(),
    Column("ref", sa.String(32), nullable=False, unique=True),
    Column(
        "key", sa.String(120), nullable=False, unique=True
    ),  # one event under one rule proposes once (AMB-LH4)
    _text("entry", 32),  # which of the profile's proposals
    _text("profile", 64),
    _text("policy_version", 32),
    _ref("case_id", "cases", null=True, index=True),
    _ref("unit_id", "unit", null=True, index=True),
    _ref("person_id", "person", null=True),  # entered by whoever decides, or on record by their finding
    Column("points", sa.Integer, nullable=False),
    Column("day", sa.Date, nullable=False),  # of what it is about: its year is the year it counts for
    Column("evidence", Json, nullable=False),  # ids and figures
    _text("state", 10),  # proposed | confirmed | refused | appealed | lifted
    Column("due_on", sa.Date),
    _text("result", 12, default=""),  # of what was to be put right: sufficient | insufficient
    _ref("sender_id", "person", null=True),
    _when("made_at"),
    _ref("decided_by", "person", null=True),
    _when("decided_at", null=True),
    Index("ix_proposal_state", "state"),
)

proposal_line = _table(
    "proposal_line",
    _id(),
    _ref("proposal_id", "proposal"),
    Column("seq", sa.Integer, nullable=False),
    _text("what", 16),
    _ref("by_id", "person", null=True),
    _when("at"),
    Column("words_enc", sa.LargeBinary),
    Column("data", Json, nullable=False),
    UniqueConstraint("proposal_id", "seq"),
)

# --- connections ----------------------------------------------------------------------------------------

_depth: contextvars.ContextVar[int] = contextvars.ContextVar("transaction_depth", default=0)


def open_engine(url: str, *, pool: int = 10) -> Engine:
    """An engine for `sqlite:///file` or `postgresql+psycopg://…`. Parameters never appear in error texts."""
    if url.startswith("sqlite"):
        engine = sa.create_engine(url, hide_parameters=True, pool_size=pool, max_overflow=0, pool_timeout=10)
        sa.event.listen(engine, "connect", _sqlite_connect)
        sa.event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine
    options = (
        "-c statement_timeout=15000 -c lock_timeout=5000"
        " -c idle_in_transaction_session_timeout=20000 -c timezone=UTC"
    )
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=10,
        pool_recycle=1800,
        connect_args={"connect_timeout": 3, "options": options},
    )
    sa.event.listen(engine, "checkout", _postgres_checkout)
    return engine


def _postgres_checkout(dbapi: Any, _record: Any, _proxy: Any) -> None:
    # A server that went away has closed its end, and an idle connection has nothing else to say: asking the
    # socket finds out as much as a ping, without the way there and back in every transaction.
    waiting = select.poll()
    waiting.register(dbapi.fileno(), select.POLLIN)
    if waiting.poll(0):
        raise sa.exc.DisconnectionError("the server has closed the connection")


def _sqlite_connect(dbapi: Any, _record: Any) -> None:
    # We issue BEGIN IMMEDIATE ourselves: a transaction that reads first and writes later would otherwise fail
    # at once with "database is locked", whatever the busy time-out says.
    dbapi.isolation_level = None
    cursor = dbapi.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=4000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction: commits at the end, rolls back on an exception. No network call belongs inside
    (`in_transaction` lets the HTTP client refuse)."""
    with engine.begin() as conn:
        mark = _depth.set(_depth.get() + 1)
        try:
            yield conn
        finally:
            _depth.reset(mark)


def in_transaction() -> bool:
    """Whether the calling thread or task is inside `transaction`."""
    return _depth.get() > 0


def insert_once(conn: Connection, table: Table, unique: tuple[str, ...], **values: Any) -> int | None:
    """Insert unless a row with the same `unique` columns stands already; the new id (0 for a table without one), or
    None if it did."""
    row = conn.execute(_insert_once(conn.dialect.name, table, unique), values).one_or_none()
    if row is None:
        return None
    return int(row[0]) if "id" in table.c else 0


def insert_missing(
    conn: Connection, table: Table, unique: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert those rows whose `unique` columns stand nowhere yet, all at once."""
    if rows:
        conn.execute(_insert_missing(conn.dialect.name, table, unique), rows)


@cache
def _insert_once(dialect: str, table: Table, unique: tuple[str, ...]) -> Any:
    # What comes back, not a row count: drivers do not agree on the count of a conflict.
    first = next(iter(table.primary_key.columns))
    return _insert_missing(dialect, table, unique).returning(first)


@cache
def _insert_missing(dialect: str, table: Table, unique: tuple[str, ...]) -> Any:
    return upsert(dialect, table).on_conflict_do_nothing(index_elements=list(unique))


def upsert(dialect: str, table: Table) -> Any:
    """An insert of that database that can say what happens on a conflict."""
    insert: Any = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}[dialect]
    return insert(table)


def count(conn: Connection, name: str) -> int:
    """The next number of a counter, from 1; whoever counts too waits until this transaction ends."""
    return int(conn.execute(_count(conn.dialect.name), {"name": name, "value": 1}).scalar_one())


@cache
def _count(dialect: str) -> Any:
    one_more = {"value": counter.c.value + 1}
    new = upsert(dialect, counter)
    return new.on_conflict_do_update(index_elements=["name"], set_=one_more).returning(counter.c.value)
