"""The sentences people read: templates in, plain text out.

Texts stand in `templates/`: one file a message, tables in TOML. A name that a template uses and nobody gave
is an error, never a gap in a sentence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound

from core.desk.gaps import Gap
from core.policy.model import Profile
from core.refusals import Incomplete, Refusal
from core.workdays import SHANGHAI

FOLDER: Final = Path(__file__).parent.parent / "templates"
WEEKDAYS: Final = "一二三四五六日"


class Words:
    """One environment over a folder of templates. Threads may share it."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._env = Environment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            autoescape=lambda name: bool(name and name.endswith(".html")),
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # nobody edits them under a running process
        )
        self._problems = _table(folder / "problems.toml")
        self._status = _table(folder / "status.toml")
        self._gaps = _table(folder / "gaps.toml")
        status_word = {code: row["short"] for code, row in self._status.items()}.__getitem__
        self._env.filters |= {"day": day, "moment": moment, "clip": clip, "status_word": status_word}

    def say(self, name: str, /, **values: object) -> str:
        """The text of `templates/NAME.txt`."""
        return tidy(self._env.get_template(f"{name}.txt").render(values))

    def page(self, name: str, /, **values: object) -> str:
        """The page of `templates/NAME.html`, its values escaped."""
        return self._env.get_template(f"{name}.html").render(values)

    def blocks(self, name: str, /, **values: object) -> dict[str, str]:
        """Each block of `templates/NAME.txt`, by its name."""
        template = self._env.get_template(f"{name}.txt")
        context = template.new_context(values)
        return {block: tidy("".join(render(context))) for block, render in template.blocks.items()}

    def refusal(self, refusal: Refusal, rules: Profile, viewer: int | None = None) -> str:
        """Why something cannot be done now, and what to do next. `viewer`: the person id of whoever reads it,
        so that what they did themselves is not told of a third person."""
        values: dict[str, object] = {"code": refusal.code, **refusal.facts, "rules": rules}
        values["yours"] = viewer is not None and refusal.facts.get("by") == viewer
        values["problems"] = refusal.problems if isinstance(refusal, Incomplete) else {}
        try:
            return self.say(f"refusals/{refusal.code}", **values)
        except TemplateNotFound:
            return self.say("refusals/other", **values)

    def problem(self, code: str, label: str) -> str:
        """What is wrong with one field, or with one file, and how to put it right."""
        row = self._problems.get(code) or self._problems["other"]
        return row["text"].replace("{label}", label)

    def gap(self, gap: Gap) -> str:
        """What a unit or a site lacks."""
        lacks = "、".join(day(x) if gap.sort == "not_open" else x for x in gap.lacks)
        return self._gaps[gap.sort]["text"].replace("{about}", gap.about).replace("{lacks}", lacks)

    def status(self, code: str) -> Mapping[str, str]:
        """A status in words: `short` (at most 5 characters), and a sentence for `citizen` and for `staff`."""
        return self._status[code]

    @staticmethod
    def source(rules: Profile, clause: str) -> str:
        """Where a clause stands: 依据《…》第二部分（三）."""
        return f"依据《{rules.instrument.title.strip('《》')}》{rules.clauses[clause].place}"

    @classmethod
    def basis(cls, rules: Profile, clause: str) -> str:
        """A clause quoted: 依据《…》第二部分（三）：“…”."""
        return f"{cls.source(rules, clause)}：“{quote_inside(rules.clauses[clause].text)}”"


def day(value: object) -> str:
    """4月14日（周四）: the day in Shanghai of an instant, of a date, of their ISO text; "" for nothing."""
    when = _when(value)
    if when is None:
        return ""
    return f"{when.month}月{when.day}日（周{WEEKDAYS[when.weekday()]}）"


def moment(value: object) -> str:
    """4月14日 17:00, an instant in Shanghai (or the day alone, if no more is known); "" for nothing."""
    when = _when(value)
    if when is None:
        return ""
    clock = f" {when:%H:%M}" if isinstance(when, datetime) else ""
    return f"{when.month}月{when.day}日{clock}"


def clip(value: object, limit: int) -> str:
    """At most `limit` characters of a text on one line; … says that there was more."""
    text = re.sub(r"\s+", " ", str(value)).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8 of a text; … says that there was more."""
    if len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - len("…".encode())].decode("utf-8", "ignore").rstrip() + "…"


def tidy(text: str) -> str:
    """No blank lines at the ends, none doubled between, no blanks at the ends of lines."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def quote_inside(text: str) -> str:
    """A text that is to stand between “ and ”: its own such marks become ‘ and ’."""
    return text.translate({ord("“"): "‘", ord("”"): "’"})


def _when(value: object) -> date | datetime | None:
    if isinstance(value, str) and value:
        value = (
            date.fromisoformat(value) if len(value) == len("2022-04-11") else datetime.fromisoformat(value)
        )
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI)
    return value if isinstance(value, date) else None


def _table(path: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads(path.read_text("utf-8"))
