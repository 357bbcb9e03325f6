"""A pytest plugin: which clauses the passing tests show.

A test says what it shows with `@pytest.mark.clause("XJ-2.3a", ...)`; an id that is not in
`data/clause_ids.txt` is an error. With `--clauses` the run ends with a table a prefix and `N of M`;
a clause counts when at least one of its tests passed and none failed.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

CLAUSES = tuple((Path(__file__).parent / "data" / "clause_ids.txt").read_text("utf-8").split())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--clauses", action="store_true", help="end with the coverage of the clauses")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--clauses") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Coverage(), "clause-coverage")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if strangers := set(_clauses_of(item)) - set(CLAUSES):
            raise pytest.UsageError(f"{item.nodeid}: no such clause: {', '.join(sorted(strangers))}")
        # Reports travel from the xdist workers to the run that counts; marks do not.
        item.user_properties += [("clause", clause) for clause in _clauses_of(item)]


class Coverage:
    """Listens to the reports of one run and writes its last lines."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.broken: set[str] = set()
        self.run_passed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        clauses = {str(value) for name, value in report.user_properties if name == "clause"}
        if report.failed:
            self.broken |= clauses
        elif report.passed and report.when == "call":
            self.passed |= clauses

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self.run_passed = exitstatus == pytest.ExitCode.OK

    def pytest_unconfigure(self) -> None:
        """Say it after pytest's own last line, so that a script finds the figure at the end."""
        if not self.run_passed:
            print("The run did not pass: no coverage to tell.")
            return
        shown = self.passed - self.broken
        print(*coverage_lines(shown), f"{len(shown)} of {len(CLAUSES)}", sep="\n")


def coverage_lines(shown: Iterable[str]) -> Iterator[str]:
    """One line for each prefix: how many of its clauses are shown, and which are missing."""
    shown = set(shown)
    for prefix in dict.fromkeys(clause.split("-")[0] for clause in CLAUSES):
        own = [clause for clause in CLAUSES if clause.startswith(f"{prefix}-")]
        missing = [clause for clause in own if clause not in shown]
        yield f"{prefix}  {len(own) - len(missing):3} of {len(own):3}  missing: {' '.join(missing) or 'none'}"


def _clauses_of(item: pytest.Item) -> Iterator[str]:
    return (clause for mark in item.iter_markers("clause") for clause in mark.args)
