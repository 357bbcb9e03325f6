"""The web application: callbacks of the platforms, pages, and a health line. Built by a factory, never global."""

from __future__ import annotations

import logging

from flask import Flask, request
from flask import Response as FlaskResponse
from sqlalchemy.exc import SQLAlchemyError

from bot import inbound, pages
from bot.channels.envelope import BODY_CAP
from bot.service import Service
from core import health

log = logging.getLogger(__name__)


def create_app(service: Service) -> Flask:
    """The application of one process. `service` is built by the entry point."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_CAP
    app.register_blueprint(pages.blueprint(service))

    @app.get("/callback/<any(wechat, wecom):channel>")
    def verify(channel: str) -> FlaskResponse:
        return _plain(inbound.verify(service, channel, request.args))

    @app.post("/callback/<any(wechat, wecom):channel>")
    def receive(channel: str) -> FlaskResponse:
        if request.content_length is None:  # a chunked body would be cut silently at the cap
            return _plain(inbound.Response(411))
        if request.content_length > BODY_CAP:
            return _plain(inbound.Response(413))
        return _plain(inbound.receive(service, channel, request.args, request.get_data()))

    @app.get("/health")
    def healthy() -> tuple[dict[str, object], int]:
        try:
            report = health.report(service.office.engine, service.now(), service.office.calendar)
        except SQLAlchemyError:
            return {"ok": False, "database": False}, 503
        return report, 200 if report["ok"] else 503

    return app


def _plain(answer: inbound.Response) -> FlaskResponse:
    sort = "application/xml" if answer.body.startswith("<xml>") else "text/plain"
    return FlaskResponse(answer.body, answer.status, content_type=f"{sort}; charset=utf-8")
