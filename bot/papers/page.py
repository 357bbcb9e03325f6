"""Filled papers as pages: to look at on a telephone, to print on A4."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import bot
from core.forms import LedgerSheet, Sheet


def html(sheet: Sheet) -> str:
    """A whole page, portrait, complete in itself: no script, no further request."""
    return _words().get_template("papers/sheet.html").render(sheet=sheet)


def ledger_html(ledger: LedgerSheet) -> str:
    """A day of the ledger as a page, landscape, with room to sign (XJ-2.1d)."""
    return _words().get_template("papers/ledger.html").render(ledger=ledger)


@cache
def _words() -> Environment:
    folder = Path(bot.__file__).parent.parent / "templates"
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
