"""A call with an access token, and what its errcode means for whoever wanted it.

The two tables hold the codes of the platforms' references that a running service meets; a code in neither is
an alarm, because silence would hide it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeVar

from bot.channels.tokens import TokenSource
from bot.channels.wire import Answer, Download, Query, Wire

T = TypeVar("T", bound=Answer | Download)


class Verdict(StrEnum):
    SENT = "sent"
    RETRY_LATER = "retry_later"
    ROUTE_CLOSED = "route_closed"  # this way to the person is shut; another may be open
    RECIPIENT_GONE = "recipient_gone"
    SPENT_CODE = "spent_code"  # a one-use or dated code (card, sign-in, file) is used up: get a new one
    BUG = "bug"  # our request was wrong: sending it again changes nothing
    ALARM = "alarm"  # a person has to change something: secret, permission, address


@dataclass(frozen=True)
class Meaning:
    """What came of a call. `after`: seconds to wait before a retry. `reason`: one word for logs and plans."""

    verdict: Verdict
    reason: str = ""
    after: int = 0


@dataclass(frozen=True)
class Line:
    """A way to call one app's API: where, and with whose token."""

    wire: Wire
    tokens: TokenSource


STALE_TOKEN: Final = frozenset({40001, 40014, 42001})
# Alarms that concern every call of an app, not the one request that met them.
ALTOGETHER: Final = frozenset(
    {
        "token_refused",
        "secret",
        "address_not_trusted",
        "account_type",
        "banned",
        "agent",
        "permission",
        "app_disabled",
        "tls",
    }
)


def call(
    line: Line,
    method: Literal["GET", "POST"],
    path: str,
    body: Mapping[str, object] | None = None,
    query: Query | None = None,
) -> Answer:
    """Ask the API. WireError or TokenRefused if there is no answer; the answer may still be an error."""

    def send(token: str) -> Answer:
        asked = {"access_token": token, **(query or {})}
        return line.wire.get(path, asked) if method == "GET" else line.wire.post_json(path, asked, body or {})

    return with_token(line.tokens, send)


def download(line: Line, path: str, query: Query, cap: int) -> Download | Answer:
    return with_token(
        line.tokens, lambda token: line.wire.download(path, {"access_token": token, **query}, cap)
    )


def with_token(tokens: TokenSource, send: Callable[[str], T]) -> T:
    """`send` with a token, and once more, never oftener, with a newer one if the first was refused."""
    used = tokens.get()
    outcome = send(used)
    if not (isinstance(outcome, Answer) and outcome.errcode in STALE_TOKEN):
        return outcome
    newer = tokens.get(rejected=used)
    return outcome if newer == used else send(newer)


def meaning(table: Mapping[int, Meaning], answer: Answer) -> Meaning:
    return table.get(answer.errcode, Meaning(Verdict.ALARM, "unknown_code"))


def _rows(meaning: Meaning, *codes: int) -> dict[int, Meaning]:
    return dict.fromkeys(codes, meaning)


_V = Verdict
_ANYWHERE: Final = {
    0: Meaning(_V.SENT),
    -1: Meaning(_V.RETRY_LATER, "busy", 3),
    **_rows(Meaning(_V.RETRY_LATER, "token", 60), *STALE_TOKEN),
    41001: Meaning(_V.BUG, "token_missing"),
    40029: Meaning(_V.SPENT_CODE, "sign_in"),
    40007: Meaning(_V.SPENT_CODE, "media"),
    **_rows(Meaning(_V.BUG, "too_long"), 45001, 45002),
    45033: Meaning(_V.RETRY_LATER, "concurrency", 5),
    48001: Meaning(_V.ALARM, "not_authorised"),
}

WECHAT: Final[Mapping[int, Meaning]] = {
    **_ANYWHERE,
    # customer-service messages
    45015: Meaning(_V.ROUTE_CLOSED, "window_closed"),
    45047: Meaning(_V.ROUTE_CLOSED, "window_used_up"),
    48002: Meaning(_V.ROUTE_CLOSED, "refused_by_reader"),
    45008: Meaning(_V.BUG, "articles"),
    40003: Meaning(_V.RECIPIENT_GONE, "no_such_reader"),
    43019: Meaning(_V.RECIPIENT_GONE, "blacklisted"),
    40200: Meaning(_V.ALARM, "account_type"),
    # template messages
    43004: Meaning(_V.ROUTE_CLOSED, "not_following"),
    43101: Meaning(_V.ROUTE_CLOSED, "refused_by_reader"),
    43117: Meaning(_V.ROUTE_CLOSED, "too_similar"),
    43106: Meaning(_V.ALARM, "templates_suspended"),
    43116: Meaning(_V.ALARM, "template_banned"),
    **_rows(Meaning(_V.BUG, "template_fields"), 40037, 41028, 47003),
    # anywhere
    **_rows(Meaning(_V.ALARM, "secret"), 40013, 40125, 40243),
    **_rows(Meaning(_V.ALARM, "address_not_trusted"), 40164, 89501, 89503, 89506, 89507),
    45009: Meaning(_V.ROUTE_CLOSED, "daily_quota"),  # until midnight: another way is sooner
    45011: Meaning(_V.RETRY_LATER, "rate", 60),
    48004: Meaning(_V.ALARM, "banned"),
    50002: Meaning(_V.ROUTE_CLOSED, "account_limited"),
    50005: Meaning(_V.ROUTE_CLOSED, "not_following"),
    40163: Meaning(_V.SPENT_CODE, "sign_in"),
    10003: Meaning(_V.ALARM, "redirect_domain"),
    **_rows(Meaning(_V.BUG, "menu"), *range(40015, 40028), 40054, 40055),
    **_rows(Meaning(_V.BUG, "request"), 43002, 44002, 47001),
}

WECOM: Final[Mapping[int, Meaning]] = {
    **_ANYWHERE,
    6000: Meaning(_V.RETRY_LATER, "conflict", 3),
    **_rows(Meaning(_V.RECIPIENT_GONE, "no_such_member"), 40003, 46004, 60111),
    **_rows(Meaning(_V.RECIPIENT_GONE, "out_of_scope"), 50002, 60011, 60021),
    40145: Meaning(_V.SPENT_CODE, "media"),
    **_rows(Meaning(_V.BUG, "request"), 40008, 40058, 40063),
    **_rows(Meaning(_V.SPENT_CODE, "sign_in"), 42003, 42022),
    **_rows(Meaning(_V.ALARM, "agent"), 40056, 301002),
    42014: Meaning(_V.BUG, "task_id"),
    **_rows(Meaning(_V.BUG, "card_update"), *range(42015, 42021)),
    **_rows(Meaning(_V.BUG, "card_field"), *range(42027, 42052)),
    42052: Meaning(_V.SPENT_CODE, "too_old_to_recall"),
    60140: Meaning(_V.SPENT_CODE, "card"),
    43012: Meaning(_V.ALARM, "no_callback"),
    45009: Meaning(_V.RETRY_LATER, "rate", 60),
    **_rows(Meaning(_V.RETRY_LATER, "throttled", 10), 45035, 45036),
    48002: Meaning(_V.ALARM, "permission"),
    **_rows(Meaning(_V.ALARM, "app_disabled"), 48006, 50003, 60031),
    48009: Meaning(_V.ALARM, "contacts_withheld"),
    48010: Meaning(_V.ALARM, "tls"),
    **_rows(Meaning(_V.ALARM, "domain"), 50001, 80001, 85005, 85008),
    60020: Meaning(_V.ALARM, "address_not_trusted"),
    **_rows(Meaning(_V.BUG, "no_recipients"), 81012, 82001),
    81013: Meaning(_V.RECIPIENT_GONE, "nobody_reached"),
    **_rows(Meaning(_V.BUG, "too_many_recipients"), 40032, 82002, 82003),
    82004: Meaning(_V.ALARM, "content"),
    **_rows(Meaning(_V.ROUTE_CLOSED, "group_gone"), 49008, 86001, 86003, 86008),
    **_rows(Meaning(_V.ROUTE_CLOSED, "robot_gone"), 93000, 93004, 93008),
}
