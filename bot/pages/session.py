"""What every page needs: who is looking, how a page is drawn, which headers it carries, and its tickets."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from flask import Response, g, request
from sqlalchemy.engine import Connection
from werkzeug.wrappers import Response as AnyResponse

from bot.service import Service
from core import logins, uploads
from core.desk.attach import NewFile
from core.logins import LOGIN_LIFE, Login
from core.privacy import Vault
from core.refusals import NOT_NOW, NOT_YOURS, Refusal
from core.settings import Settings
from core.store import transaction
from core.uploads import Accepted

POLICY: Final = (
    "default-src 'none'; style-src {style}; script-src 'self'; img-src 'self'; media-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors {frames}"
)
FORM_CAP: Final = 25 * 1024 * 1024  # bytes of a form with its files
SANDBOX_FRAMES: Final = "http://127.0.0.1:*"


class SignInNeeded(Exception):
    """Nobody is signed in, or no longer."""


def login(service: Service, conn: Connection) -> Login:
    """Who is looking. Raises `SignInNeeded`."""
    secret = request.cookies.get(cookie_name(service.settings), "")
    found = logins.who(conn, secret, service.machine()) if secret else None
    if found is None:
        raise SignInNeeded
    g.person_id = found.person.id
    return found


def staff(service: Service, conn: Connection) -> Login:
    """The member of staff who is looking. Raises `Refusal("not_yours")` to citizens."""
    who = login(service, conn)
    if who.person.kind != "staff":
        raise Refusal(NOT_YOURS)
    return who


def sender(service: Service, conn: Connection, about: str) -> Login:
    """The same for whoever sends something: from a page of ours, drawn for this login. Raises `Refusal("not_now")`
    where the ticket is not of these pages, or used up."""
    who = staff(service, conn)
    if hold(service, conn, who, about) is None:
        raise Refusal(NOT_NOW)
    return who


def person_id() -> int | None:
    """The person `login` found in this request."""
    found: int | None = g.get("person_id")
    return found


def cookie_name(settings: Settings, name: str = "bancheng") -> str:
    # With this prefix the browser itself refuses a cookie that another host or a plain connection set.
    return f"__Host-{name}" if _is_https(settings) else name


def set_cookie(response: AnyResponse, settings: Settings, name: str, value: str, seconds: int) -> None:
    """A cookie no script reads and no other site's form sends; 0 seconds removes it."""
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=seconds,
        secure=_is_https(settings),
        httponly=True,
        samesite="Lax",
        path="/",
    )


def keep_login(response: AnyResponse, settings: Settings, secret: str) -> None:
    set_cookie(response, settings, "bancheng", secret, int(LOGIN_LIFE.total_seconds()))


def page(service: Service, name: str, status: int = 200, /, **values: Any) -> Response:
    """`templates/pages/NAME.html` as an answer."""
    office = service.office
    html = service.words.page(f"pages/{name}", hall=office.hall, window=office.profile.window_name, **values)
    return Response(html, status, content_type="text/html; charset=utf-8")


def with_headers(response: Response, settings: Settings) -> Response:
    """What every answer carries, and a page may have set more strictly or for its own style already."""
    frames = SANDBOX_FRAMES if settings.sandbox_frames else "'none'"
    own = {"Content-Security-Policy": POLICY.format(style="'self'", frames=frames)}
    style = response.headers.pop(OWN_STYLE, "")
    if style:
        own["Content-Security-Policy"] = POLICY.format(style=style, frames=frames)
    kept = "no-cache" if request.endpoint == "pages.static" else "no-store"
    own |= {"Cache-Control": kept, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    if _is_https(settings):
        own["Strict-Transport-Security"] = "max-age=31536000"
    response.headers.update(own)
    return response


# A page complete in itself (a printed form) names the digest of its style here; it goes into the policy.
OWN_STYLE: Final = "X-Own-Style"


def _is_https(settings: Settings) -> bool:
    return settings.base_url.startswith("https://")


# --- tickets: a page may be sent once ---------------------------------------------------------------------


@dataclass(frozen=True)
class Parked:
    """A file that came with a form which did not stand yet: kept sealed until it does. `name` is sealed."""

    field: str
    key: str
    name: str
    kind: str
    mime: str
    suffix: str
    size: int


@dataclass(frozen=True)
class Ticket:
    """The one-time right of a drawn page. `about` is the case's reference; `did`, `to` and `case_id` say what came of
    it."""

    login: str
    about: str
    files: tuple[Parked, ...] = ()
    did: str = ""
    to: str = ""
    case_id: int = 0
    secret: str = field(default="", repr=False)


def issue(service: Service, conn: Connection, who: Login, about: str) -> Ticket:
    """A ticket for a page drawn now. Whoever sends it must hold the same login."""
    data = asdict(Ticket(who.key, about))
    secret = logins.issue(conn, "page", data, service.machine() + LOGIN_LIFE)
    return Ticket(who.key, about, secret=secret)


def hold(service: Service, conn: Connection, who: Login, about: str) -> Ticket | None:
    """The ticket that came with the request, or None if it is not of this login and page."""
    secret = request.form.get("ticket", "")
    data = logins.hold(conn, "page", secret, service.machine())
    if data is None or (data["login"], data["about"]) != (who.key, about):
        return None
    files = tuple(Parked(**row) for row in data["files"])
    return Ticket(who.key, about, files, data["did"], data["to"], data["case_id"], secret)


def keep(conn: Connection, ticket: Ticket) -> Ticket:
    data = {k: v for k, v in asdict(ticket).items() if k != "secret"}
    logins.rewrite(conn, ticket.secret, data)
    return ticket


def park(service: Service, field: str, file: NewFile) -> Parked:
    office = service.office
    stored = uploads.store(office.files, file.accepted.data, office.vault)
    name = base64.b64encode(office.vault.seal(file.name, f"parked {stored.key}")).decode()
    accepted = file.accepted
    return Parked(field, stored.key, name, accepted.kind, accepted.mime, accepted.suffix, stored.size)


def name_of(vault: Vault, parked: Parked) -> str:
    return vault.open(base64.b64decode(parked.name), f"parked {parked.key}")


def unpark(service: Service, parked: Parked) -> NewFile:
    data = uploads.load(service.office.files, parked.key, service.office.vault)
    return NewFile(
        Accepted(parked.kind, parked.mime, parked.suffix, data), name_of(service.office.vault, parked)
    )


def clear_away(service: Service, files: Sequence[Parked]) -> None:
    for parked in files:
        uploads.remove(service.office.files, parked.key)


def clear_expired(service: Service) -> None:
    """Forget logins and tickets of the past, and the files nobody sent in the end."""
    with transaction(service.office.engine) as conn:
        gone: Sequence[Mapping[str, Any]] = logins.forget_expired(conn, service.machine())
    for data in gone:
        clear_away(service, [Parked(**row) for row in data.get("files", ())])
