"""Filled papers as pages: to look at on a telephone, to print on A4."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import bot
from core.forms import LedgerSheet, Sheet, digest_of, printed
from core.papers import CaseFile
from core.record import time_words


def html(sheet: Sheet) -> str:
    """A whole page, portrait, complete in itself: no script, no further request."""
    return _words().get_template("papers/sheet.html").render(sheet=sheet)


def case_file_html(file: CaseFile, names: Mapping[str, str] | None = None) -> str:
    """The file of a case as one page: what happened in the order of time, then every form. `names` leads from the
    reference of an attachment to the file that lies beside the page, if one does."""
    return _words().get_template("papers/file.html").render(file=file, names=names or {})


def ledger_html(ledger: LedgerSheet) -> str:
    """Some days of the ledger as a page, landscape, with room to sign (XJ-2.1d), and the digest of what it says."""
    ledger = ledger.kept()
    digest = digest_of(ledger, ledger.rows)
    return _words().get_template("papers/ledger.html").render(ledger=ledger, digest=digest)


def report_html(sheets: Sequence[LedgerSheet]) -> str:
    """The figures of a report as one page to print, landscape."""
    return _words().get_template("papers/report.html").render(sheets=[sheet.kept() for sheet in sheets])


@cache
def _words() -> Environment:
    folder = Path(bot.__file__).parent.parent / "templates"
    words = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words.filters |= {"printed": printed, "time": time_words}
    return words
