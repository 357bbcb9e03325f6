"""The pages: sign-in, case, one form page for every act, desk, papers and files. Server-drawn, no outside asset."""

from __future__ import annotations

import logging
from typing import Final

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from bot.pages import (
    case,
    desk,
    files,
    form,
    gaps,
    library,
    proposals,
    reports,
    rosters,
    search,
    session,
    signin,
    units,
    uploads,
)
from bot.pages.session import SignInNeeded, page
from bot.service import Service
from bot.words import FOLDER
from core.privacy import frames
from core.refusals import NOT_YOURS, UNKNOWN_CASE, Refusal

log = logging.getLogger(__name__)

STATUS: Final = {NOT_YOURS: 403, UNKNOWN_CASE: 404}


def blueprint(service: Service) -> Blueprint:
    """All pages, for one application. Their style and script are served under `/look`."""
    pages = Blueprint("pages", __name__, static_folder=FOLDER / "pages" / "static", static_url_path="/look")
    for module in (
        signin,
        case,
        form,
        desk,
        files,
        gaps,
        library,
        reports,
        rosters,
        proposals,
        search,
        units,
        uploads,
    ):
        module.add(pages, service)

    @pages.before_request
    def whole() -> None:
        if "Transfer-Encoding" in request.headers:
            abort(411)  # a chunked body would be cut silently at the cap
        if any(not text.isprintable() for text in (request.view_args or {}).values()):
            abort(404)  # PostgreSQL takes no NUL in a text, not even to find nothing

    @pages.after_request
    def headers(response: Response) -> Response:
        return session.with_headers(response, service.settings)

    @pages.errorhandler(SignInNeeded)
    def unknown(_: SignInNeeded) -> AnyResponse:
        return signin.ask(service)

    @pages.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        status = STATUS.get(refusal.code, 409)
        sentence = service.words.refusal(refusal, service.office.profile, session.person_id())
        ref = (request.view_args or {}).get("ref", "") if status == 409 else ""
        return page(service, "refused", status, sentence=sentence, ref=ref, strange=status == 403)

    @pages.app_errorhandler(404)
    def missing(_: HTTPException) -> Response:
        return session.with_headers(page(service, "notice", 404, what="missing"), service.settings)

    @pages.errorhandler(413)
    def too_big(_: HTTPException) -> Response:
        return page(service, "notice", 413, what="too_big")

    @pages.errorhandler(Exception)
    def broken(error: Exception) -> Response | HTTPException:
        if isinstance(error, HTTPException):
            return error
        # Not Flask's own log, which holds the error's text, and with it perhaps what a person said.
        log.error("page %s: %s", request.endpoint, frames(error))
        return page(service, "notice", 500, what="broken")

    return pages
