"""Run both stand-ins as one process: `python -m deploy.sandbox --config FILE.toml --clock FILE`."""

import argparse
import signal
import time
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

from deploy.sandbox import wechat, wecom
from deploy.sandbox.platform import Person, serve


def clock_of(path: Path) -> Callable[[], datetime]:
    """The instant the file holds at the moment of asking; it is to be aware, and replaced by renaming."""

    def now() -> datetime:
        instant = datetime.fromisoformat(path.read_text("utf-8").strip())
        if instant.tzinfo is None:
            raise ValueError(f"{path}: the instant has no time zone")
        return instant

    return now


def settings(table: dict[str, Any], clock: Callable[[], datetime]) -> dict[str, Any]:
    """A table of the configuration file as arguments of a Config."""
    people = tuple(
        Person(**{**person, "departments": tuple(person.get("departments", (1,)))})
        for person in table.get("people", ())
    )
    return {**table, "people": people, "case_clock": clock, "machine": time.monotonic, "sleep": time.sleep}


def main() -> None:
    options = argparse.ArgumentParser(prog="deploy.sandbox", description=__doc__)
    options.add_argument("--config", type=Path, required=True)
    options.add_argument(
        "--clock", type=Path, required=True, help="file with one ISO instant: the story's time"
    )
    options.add_argument("--wechat-port", type=int, default=8101)
    options.add_argument("--wecom-port", type=int, default=8102)
    given = options.parse_args()
    tables = tomllib.loads(given.config.read_text("utf-8"))
    clock = clock_of(given.clock)

    account = settings(tables["wechat"], clock)
    templates = (
        wechat.Template(one["id"], one["title"], tuple(one["fields"])) for one in account.get("templates", ())
    )
    account["templates"] = tuple(templates)
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with (
        serve(wechat.create(wechat.Config(**account)), given.wechat_port) as first,
        serve(wecom.create(wecom.Config(**settings(tables["wecom"], clock))), given.wecom_port) as second,
    ):
        print(f"公众号 {first.url}\n企业微信 {second.url}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
