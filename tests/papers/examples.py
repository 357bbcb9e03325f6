"""The papers of the five regulations as pictures in docs/papers/: each form, ledger and report as the region's tour
leaves it (`make papers`; needs pdftoppm of poppler-utils). With `--office`, LibreOffice too opens each Word and Excel
file, must read in it what was written, and adds up the sums anew.

A form that no tour comes to is shown as a made-up year leaves it, or blank. Names and numbers are those of the
demonstration.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import docx as word
import openpyxl
import sqlalchemy as sa
from openpyxl.utils import get_column_letter
from PIL import Image
from sqlalchemy.engine import Connection

from bot.papers import docx, pdf, report, xlsx
from bot.service import Service
from core import case as cases
from core import contacts, papers, people, reports, store
from core.figures import Period
from core.forms import LedgerSheet, Sheet, Value, fill
from core.office import Office
from core.policy.load import shipped_names
from core.refusals import Refusal
from core.workdays import SHANGHAI
from tests.reports.test_year import hurry
from tests.reports.year import BEGINS, DAYS, Year
from tests.world import World
from workers.demo import open_sandbox, play_tour

HERE: Final = Path(__file__).parents[2] / "docs" / "papers"
DOTS, SHADES, PAGES, CASES = 64, 16, 2, 60
ALL_SHEETS_AS_CSV: Final = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"


Found = dict[tuple[str, str], Sheet]  # by form and title


@dataclass(frozen=True)
class Drawn:
    """A paper to show: its name in a file name, its title, what LibreOffice should be able to read, and its kind."""

    name: str
    title: str
    pdf: bytes
    file: bytes
    sheets: tuple[LedgerSheet, ...] = ()
    blank: bool = False


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.papers.examples")
    asked.add_argument("regions", nargs="*", default=shipped_names(), metavar="REGION")
    asked.add_argument("--office", action="store_true", help="open each file in LibreOffice too")
    args = asked.parse_args()
    wrong = 0
    for region in args.regions:
        with tempfile.TemporaryDirectory() as folder, _toured(region, Path(folder)) as service:
            drawn = list(_papers(service, _made_up(region, Path(folder) / "year")))
            _show(region, service.office.profile.instrument.title, drawn)
            problems = list(_opened(drawn, Path(folder))) if args.office else []
        files = f"，LibreOffice 打开 {len(drawn)} 份，不对的 {len(problems)} 处" if args.office else ""
        print(f"{region}: {len(drawn)} 份，其中空表 {sum(one.blank for one in drawn)} 份{files}", flush=True)
        for problem in problems:
            print(f"  {problem}")
        wrong += len(problems)
    regions = {folder.parent.name: folder for folder in sorted(HERE.glob("*/README.md"))}
    lines = [
        f"- [{path.read_text('utf-8').splitlines()[0][2:]}]({name}/README.md)"
        for name, path in regions.items()
    ]
    (HERE / "README.md").write_text("\n".join(["# 各地的表单、台账、报告", "", *lines, ""]), "utf-8")
    return 1 if wrong else 0


@contextlib.contextmanager
def _toured(region: str, folder: Path) -> Iterator[Service]:
    with open_sandbox(folder, region, processes=False) as sandbox:
        with contextlib.redirect_stdout(io.StringIO()):
            play_tour(sandbox, transcript=False)
        yield sandbox.service


# --- which papers there are -------------------------------------------------------------------------------


def _made_up(region: str, folder: Path) -> Found:
    """The sheets of a made-up year, for what no tour comes to."""
    folder.mkdir()
    world = World.of(region, f"sqlite:///{folder}/year.db", folder / "files", start=f"{BEGINS[region]}T08:30")
    hurry(world.office.engine)
    Year(world, CASES, region).live_to(world.now + timedelta(days=DAYS))
    with store.transaction(world.office.engine) as conn:
        found = _fullest(world.office, conn, world.now)
    world.office.engine.dispose()
    return found


def _papers(service: Service, made_up: Found) -> Iterator[Drawn]:
    office, rules, now = service.office, service.office.profile, service.now()
    day = now.astimezone(SHANGHAI).date()
    with store.transaction(office.engine) as conn:
        told = [row.at for row in conn.execute(sa.select(store.event.c.at))]
        first = min(told).astimezone(SHANGHAI).date()
        toured = _fullest(office, conn, now)
        shown = {key for key, _ in toured}
        found = {**{key: sheet for key, sheet in made_up.items() if key[0] not in shown}, **toured}
        for key, form in papers.of(rules).forms.items():
            of_form = {variant: sheet for (name, variant), sheet in found.items() if name == key}
            blank = not of_form and bool(form.grid)
            if blank:
                of_form = {"": fill(form, {}, shielded=False)}
            for variant, sheet in of_form.items():
                name = "-".join(filter(None, ("form", key, variant)))
                yield Drawn(name, sheet.title, pdf.render(sheet), docx.render(sheet), blank=blank)
        for key in ("", *papers.of(rules).lists):
            ledger = _list(office, conn, key, first, day, now)
            file = io.BytesIO()
            xlsx.render(ledger, file)
            name = "-".join(filter(None, ("ledger", key)))
            printed = pdf.ledger(papers.to_print(ledger))
            yield Drawn(name, ledger.title, printed, file.getvalue(), (ledger,))
        for each in rules.reports:
            period = Period(first, day, now)
            tables = reports.computed(office, conn, rules, each.key, period)
            sheets = report.sheets(rules, each, period, tables)
            file = io.BytesIO()
            xlsx.render_all(sheets, file)
            yield Drawn(f"report-{each.key}", each.title, pdf.ledgers(sheets), file.getvalue(), sheets)


def _fullest(office: Office, conn: Connection, now: datetime) -> Found:
    """Of each form and title the sheet that says most, over all cases and whoever may read their file."""
    found: Found = {}
    for case_id in conn.execute(sa.select(store.case.c.id).where(store.case.c.number.is_not(None))).scalars():
        for person in people.staff(conn):
            with contextlib.suppress(Refusal):
                file = papers.case_file(office, conn, cases.load(conn, case_id), person, now)
                for paper, sheet in file.sheets:
                    key = (paper.form, paper.variant)
                    found[key] = max(sheet, found.get(key, sheet), key=lambda one: len(str(one)))
    for person in people.staff(conn):
        for entry in contacts.directory(office, conn, person)[:1]:
            form = next(key for key, form in papers.of(office.profile).forms.items() if form.of == "unit")
            found[form, ""] = contacts.sheet(office, conn, person, entry.unit.key)
    return found


def _list(office: Office, conn: Connection, key: str, first: date, last: date, now: datetime) -> LedgerSheet:
    """A ledger as that member of staff has it who keeps most of it."""
    kept = []
    for person in people.staff(conn):
        with contextlib.suppress(Refusal):
            kept.append(papers.listed(office, conn, person, key, first, last, now).kept())
    return max(kept, key=lambda sheet: len(tuple(sheet.rows)))


# --- as pictures ------------------------------------------------------------------------------------------


def _show(region: str, title: str, drawn: Sequence[Drawn]) -> None:
    folder = HERE / region
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    lines = [f"# {title}", "", "由 `make papers` 从演示的故事里画出，不手改。", ""]
    for one in drawn:
        lines += [f"## {one.title}{'（空表）' if one.blank else ''}", ""]
        lines += [f"![{one.title}，第 {n} 页]({name})" for n, name in enumerate(_pages(folder, one), start=1)]
        lines += [""]
    (folder / "README.md").write_text("\n".join(lines), "utf-8")


def _pages(folder: Path, one: Drawn) -> Iterator[str]:
    """The first pages, in few shades of grey: a picture of a paper, not a paper."""
    with tempfile.TemporaryDirectory() as temporary:
        stem = Path(temporary) / "page"
        command = ["pdftoppm", "-gray", "-r", str(DOTS), "-l", str(PAGES), "-png", "-", str(stem)]
        subprocess.run(command, input=one.pdf, check=True)
        for number, page in enumerate(sorted(Path(temporary).iterdir()), start=1):
            name = f"{one.name}{f'-{number}' if number > 1 else ''}.png"
            with Image.open(page) as picture:
                picture.quantize(SHADES).save(folder / name, optimize=True)
            yield name


# --- in LibreOffice ---------------------------------------------------------------------------------------


def _opened(drawn: Sequence[Drawn], folder: Path) -> Iterator[str]:
    """What LibreOffice reads otherwise than it was written."""
    there = folder / "office"
    there.mkdir()
    for one in drawn:
        (there / f"{one.name}.{'xlsx' if one.sheets else 'docx'}").write_bytes(one.file)
        if any(_totals(one)):
            _to_add_up(one).save(there / f"{one.name}-added.xlsx")
    _convert(there, "pdf", *there.glob("*.docx"))
    _convert(there, ALL_SHEETS_AS_CSV, *there.glob("*.xlsx"))
    for one in drawn:
        yield from _other_cells(one, there) if one.sheets else _other_words(one, there)


def _totals(one: Drawn) -> Iterator[tuple[int, Sequence[Sequence[Value]]]]:
    """The sheets that end with a sum: at which place, and all lines."""
    for place, sheet in enumerate(one.sheets):
        rows = tuple(sheet.rows)
        if rows and rows[-1][0] == "合计":
            yield place, rows


def _to_add_up(one: Drawn) -> openpyxl.Workbook:
    """The same file, in which the sums are left to LibreOffice."""
    book = openpyxl.load_workbook(io.BytesIO(one.file))
    for place, rows in _totals(one):
        first = len(one.sheets[place].head) + 2
        last = first + len(rows) - 2
        # Where all are counted by one aspect after the other, each aspect adds up to all of them.
        times = len({row[0] for row in rows[:-1]}) if one.sheets[place].heads[0][0] == "按" else 1
        for column, value in enumerate(rows[-1], start=1):
            if isinstance(value, int):
                letter = get_column_letter(column)
                book.worksheets[place][f"{letter}{last + 1}"] = (
                    f"=SUM({letter}{first}:{letter}{last})/{times}"
                )
    return book


def _convert(folder: Path, how: str, *files: Path) -> None:
    home = f"-env:UserInstallation=file://{folder}/profile"
    command = ["soffice", home, "--headless", "--convert-to", how, "--outdir", str(folder), *map(str, files)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _other_words(one: Drawn, folder: Path) -> Iterator[str]:
    paper = word.Document(io.BytesIO(one.file))
    written = [p.text for p in paper.paragraphs]
    written += [p.text for t in paper.tables for row in t.rows for cell in row.cells for p in cell.paragraphs]
    read = subprocess.run(
        ["pdftotext", "-raw", folder / f"{one.name}.pdf", "-"], check=True, capture_output=True
    )
    # The order of cells and breaks inside them are the reader's; which characters there are is not.
    missing = Counter(re.sub(r"\s", "", "".join(dict.fromkeys(written))))
    missing -= Counter(re.sub(r"\s", "", read.stdout.decode()))
    if missing:
        yield f"{one.name}.docx: {''.join(missing)}"


def _other_cells(one: Drawn, folder: Path) -> Iterator[str]:
    read = sorted(folder.glob(f"{one.name}-*.csv")) or [folder / f"{one.name}.csv"]
    for sheet in one.sheets:
        wanted = [tuple(str(value) for value in row) for row in sheet.rows]
        if not any(_holds(path, wanted) for path in read):
            yield f"{one.name}.xlsx: {sheet.title}"
    added = list(folder.glob(f"{one.name}-added*.csv"))
    for place, rows in _totals(one):
        if not any(_holds(path, [tuple(map(str, rows[-1]))]) for path in added):
            yield f"{one.name}.xlsx: {one.sheets[place].title}: the sum"


def _holds(path: Path, wanted: Sequence[tuple[str, ...]]) -> bool:
    with path.open(encoding="utf-8", newline="") as file:
        lines = [tuple(line) for line in csv.reader(file)]
    return all(any(_same(line, row) for line in lines) for row in wanted)


def _same(line: tuple[str, ...], row: tuple[str, ...]) -> bool:
    return [re.sub(r"\s", "", cell) for cell in line[: len(row)]] == [re.sub(r"\s", "", cell) for cell in row]


if __name__ == "__main__":
    sys.exit(main())
