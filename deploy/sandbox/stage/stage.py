"""Serve the stage: the page, what it must know, and the control of the story.

The page talks to the stand-ins itself; time and transcript come from whoever runs the story, as callables.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, redirect, request
from werkzeug.wrappers import Response

Json = dict[str, Any]

PUSH = re.compile(r"(minutes|hours|days):[1-9]\d{0,3}|next_morning|after_limit")


@dataclass(frozen=True)
class Player:
    """Somebody to play: `id` as the stand-in of `platform` (wechat or wecom) knows it; `colour` as in CSS."""

    id: str
    name: str
    title: str
    platform: str
    colour: str


@dataclass(frozen=True)
class Config:
    """Where everything is, and who tells the story.

    `wechat`, `wecom`, `app`: base URLs without a slash at the end, all on the host name the stage is opened
    by, since cookies then reach them. `people`: in the order of the switchers.

    `clock() -> {now, working_day}`: an ISO instant and a bool.
    `push(kind) -> {now, steps}`: kind as `PUSH` allows; `steps` = how often time stopped on the way.
    `log(since) -> [{id, at, who, text, clause}]`: lines whose rising number `id` > since; `clause` may be "".
    """

    wechat: str
    wecom: str
    app: str
    people: tuple[Player, ...]
    clock: Callable[[], Json]
    push: Callable[[str], Json]
    log: Callable[[int], list[Json]]


def create(config: Config) -> Flask:
    """The stage as an application; `deploy.sandbox.platform.serve` runs it."""
    app = Flask(__name__, static_folder="static", static_url_path="")
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    home = urlsplit(config.app)

    @app.get("/")
    def page() -> Response:
        return app.send_static_file("index.html")

    @app.get("/config.json")
    def settings() -> Json:
        people = [asdict(player) for player in config.people]
        places = {"wechat": config.wechat, "wecom": config.wecom, "app": config.app}
        return {**places, "people": people, "control": "/control"}

    @app.get("/open")
    def open_page() -> Response:
        """Send a frame on to a page of the app as `person` would see it, who has never been there before.

        Cookies know no ports: those the app set for the player before are among ours, and end here.
        """
        target = urlsplit(request.args["to"])
        if (target.scheme, target.netloc) != (home.scheme, home.netloc):
            abort(400)
        # A browser says by its name which chat it is part of; this one is none, so the link says it.
        chat = next((p.platform for p in config.people if p.id == request.args["person"]), "")
        query = "&".join(filter(None, (target.query, f"as={chat}" if chat else "")))
        answer = redirect(target._replace(query=query).geturl())
        for name in request.cookies:
            answer.delete_cookie(name)
        answer.set_cookie("sandbox_person", request.args["person"], samesite="Lax")
        return answer

    @app.get("/control/clock")
    def clock() -> Json:
        return config.clock()

    @app.post("/control/push")
    def push() -> Json:
        kind = request.get_json().get("to")
        if not isinstance(kind, str) or not PUSH.fullmatch(kind):
            abort(400)
        return config.push(kind)

    @app.get("/control/log")
    def log() -> list[Json]:
        return config.log(request.args.get("since", 0, int))

    @app.after_request
    def never_stale(answer: Response) -> Response:
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return app
