"""`python -m tests.mutations [PROFILE…]`: is every parameter of a regulation held by a test of behaviour?

One value of the profile is made wrong at a time (`mutants.py`); then the tests of that region run until the first one
fails. A mutant that no test notices survived: a rule that could be wrong without anybody seeing it. What the model
refuses outright is counted apart, and so is what ran out of time. Tests that compare a profile's text take no part.

Everything is imported once; each mutant runs in a fork of this process, on SQLite, the tests that are likely to notice
first. Ends with 0 only if no mutant survived and none ran out of time.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import json
import math
import os
import random
import re
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from core import people, store
from core.policy import load
from core.policy.model import Profile
from tests.mutations.mutants import Mutant, mutants
from tests.mutations.replay import Replay

ROOT: Final = Path(__file__).parent.parent.parent
# Where a region's behaviour is told.
TESTS: Final = {
    "huaiyin": (
        "tests/regions/test_huaiyin.py",
        "tests/regions/test_everyday.py",
        "tests/reports/test_huaiyin.py",
    ),
    "longhui": (
        "tests/regions/test_longhui.py",
        "tests/regions/test_everyday.py",
        "tests/reports/test_longhui.py",
        "tests/proposals/test_deductions.py",
    ),
    "neixiang": (
        "tests/regions/test_neixiang.py",
        "tests/regions/test_everyday.py",
        "tests/reports/test_neixiang.py",
        "tests/proposals/test_clues.py",
        "tests/halls/test_visits.py",
    ),
    "putuo": (
        "tests/regions/test_putuo.py",
        "tests/regions/test_everyday.py",
        "tests/reports/test_putuo.py",
        "tests/proposals/test_clues.py",
        "tests/proposals/test_counting.py",
    ),
    "xiangjiang": ("tests/stories", "tests/regions/test_everyday.py", "tests/reports/test_xiangjiang.py"),
}
LEFT_OUT: Final = ("postgresql", "test_whatever_people_do")
MET: Final = (  # what a story has met, as its database remembers it
    "SELECT DISTINCT act FROM event",
    "SELECT DISTINCT notice FROM outbox",
    "SELECT DISTINCT field FROM fact",
    "SELECT DISTINCT role FROM event",
    "SELECT DISTINCT name FROM moment",
    "SELECT DISTINCT key FROM duty",
    "SELECT DISTINCT met_by FROM duty",
    "SELECT DISTINCT duty.key || '.' || step.key FROM step JOIN duty ON duty.id = duty_id WHERE fired_at NOT NULL",
)
REPLAYED: Final = 2.0  # seconds that the steps of a walk take which bear on one mutant
VERDICTS: Final = ("killed", "survived", "refused", "timeout")


@dataclass
class Score:
    """What became of the mutants of a profile; `found` = (mutant, verdict, the test that noticed)."""

    profile: str
    of: int
    tests: int = 0
    seconds: float = 0.0
    found: list[tuple[Mutant, str, str]] = field(default_factory=list)

    def __getitem__(self, verdict: str) -> list[Mutant]:
        return [mutant for mutant, what, _ in self.found if what == verdict]


@dataclass
class Seen:
    """A test of the untouched profile: how long it takes, which keys it meets or names."""

    seconds: float
    words: frozenset[str]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument(
        "profiles", nargs="*", metavar="PROFILE", help=f"of {', '.join(TESTS)}; all if none is named"
    )
    parser.add_argument("--list", action="store_true", help="only say what would be changed")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of each profile, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="REGEX", help="those whose name fits")
    parser.add_argument("--limit", type=int, default=180, metavar="SECONDS", help="for one mutant (180)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the result")
    args = parser.parse_args()
    if unknown := set(args.profiles) - set(TESTS):
        parser.error(f"no tests are known for {', '.join(sorted(unknown))}")
    _remember()
    scores = []
    for name in args.profiles or TESTS:
        _, pile = load.shipped(name)
        table = load.table(pile, name)
        every = list(mutants(table))
        chosen = [m for m in every if not args.only or re.search(args.only, m.name)]
        if args.sample and args.sample < len(chosen):
            drawn = set(random.Random(args.seed).sample(range(len(chosen)), args.sample))
            chosen = [m for i, m in enumerate(chosen) if i in drawn]
        if args.list:
            print(*(f"{name}  {m.kind}  {m.name}" for m in chosen), sep="\n")
            continue
        check = Check(name, table, chosen, Score(name, len(every)), args.limit)
        _run(name, check)
        scores.append(check.score)
        print("\n".join(_told(check.score)), flush=True)
        if args.json:
            args.json.parent.mkdir(parents=True, exist_ok=True)
            args.json.write_text(
                json.dumps([_kept(s) for s in scores], indent=1, ensure_ascii=False) + "\n", "utf-8"
            )
    return int(any(s["survived"] or s["timeout"] for s in scores))


def _run(name: str, check: Check) -> None:
    """The tests of a region, collected once; `check` decides what is run of them."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        silent = ["-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts="]
        options = [*silent, "--import-mode=importlib", "-p", "tests.clauses", f"--basetemp={folder}/t"]
        ended = pytest.main(
            [*(str(ROOT / path) for path in TESTS[name]), f"--rootdir={ROOT}", *options], plugins=[check]
        )
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):  # those that fail take no part
        sys.exit(f"{name}: the tests did not start ({ended})")


class Check:
    """A pytest plugin that runs the tests once for each mutant, instead of once."""

    def __init__(self, name: str, table: Any, chosen: Sequence[Mutant], score: Score, limit: int) -> None:
        self.name, self.table, self.chosen, self.score, self.limit = name, table, chosen, score, limit
        self.failed = False
        self.replay = Replay()
        self.walks: set[str] = set()
        self.met: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        others = [
            f"[{name}]" for name in TESTS if name != self.name
        ]  # of a test that is told for several regions
        items[:] = [item for item in items if not any(part in item.nodeid for part in (*LEFT_OUT, *others))]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        folder = getattr(item, "funcargs", {}).get("tmp_path")
        for path in folder.rglob("*.db") if folder else ():
            with closing(sqlite3.connect(path)) as conn:
                if conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'event'").fetchone():
                    for query in MET:
                        self.met |= {str(word) for (word,) in conn.execute(query)}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        begun = time.monotonic()
        seen = {key: Seen(seconds, words) for key, seconds, words in self._baseline(session.items)}
        gc.freeze()
        items = {item.nodeid: item for item in session.items if item.nodeid in seen}
        self.score.tests = len(items)
        for lost in sorted({item.nodeid for item in session.items} - set(seen)):
            print(f"{self.name}: takes no part, fails as it is: {lost}", file=sys.stderr)
        rare = Counter(word for one in seen.values() for word in one.words)
        killers: Counter[tuple[str, str]] = Counter()
        for mutant in self.chosen:
            try:
                Profile.model_validate(mutant.applied(self.table))
            except ValidationError as error:
                self._note(mutant, "refused", error.errors()[0]["msg"])
                continue

            def worth(key: str, mutant: Mutant = mutant) -> float:
                held = sum(1 / rare[word] for word in mutant.words if word in seen[key].words)
                learnt = sum(math.sqrt(killers[word, key]) for word in mutant.words[:2])
                return (0.01 + held + learnt) / (0.1 + seen[key].seconds)

            able = [key for key in items if not mutant.needs or mutant.needs & seen[key].words]
            order = sorted(able, key=worth, reverse=True)
            answer = _forked(partial(self._hunt, mutant, [items[key] for key in order]), self.limit)
            verdict, killer = json.loads(answer) if answer else ("timeout", "")
            killers.update((word, killer) for word in mutant.words[:2] if killer)
            self._note(mutant, verdict, killer)
        self.score.seconds = time.monotonic() - begun
        return True

    def _note(self, mutant: Mutant, verdict: str, why: str) -> None:
        self.score.found.append((mutant, verdict, why))
        if len(self.score.found) % 25 == 0:
            done = f"{len(self.score.found)} of {len(self.chosen)}"
            print(f"{self.name}: {done}, {len(self.score['killed'])} killed", file=sys.stderr, flush=True)
        if verdict != "killed" and verdict != "refused":
            print(f"{self.name}: {verdict}: {mutant.name}", file=sys.stderr, flush=True)

    def _baseline(self, items: Sequence[pytest.Item]) -> Iterator[tuple[str, float, frozenset[str]]]:
        for item in items:
            begun, self.met, walked = time.monotonic(), set(), len(self.replay.kept)
            if self._fails(item):
                continue
            seconds, words = time.monotonic() - begun, self.met | _named(getattr(item, "function", None))
            if len(self.replay.kept) > walked:
                self.walks.add(item.nodeid)
                seconds, words = REPLAYED, words | self.replay.words()
            yield item.nodeid, seconds, frozenset(words)

    # --- in the fork

    def _hunt(self, mutant: Mutant, items: Sequence[pytest.Item]) -> Iterator[object]:
        right = load.table

        def wrong(pile: str, where: str) -> dict[str, Any]:
            told = right(pile, where)
            return mutant.applied(told) if told.get("name") == self.name else told

        load.table = wrong
        load.parse.cache_clear()  # type: ignore[attr-defined]
        self.replay.about = mutant.words
        killer = next((item.nodeid for item in items if self._fails(item)), "")
        if not killer:
            self.replay.whole = True
            walks = (item for item in items if item.nodeid in self.walks)
            killer = next((item.nodeid for item in walks if self._fails(item)), "")
        yield from ("killed" if killer else "survived", killer)

    def _fails(self, item: pytest.Item) -> bool:
        self.failed = False
        item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        return self.failed


@cache
def _named(function: Any) -> frozenset[str]:
    """The words in the source of a test, and of the helpers beside it that it calls."""
    words, left = set[str](), [function]
    while left:
        new = set(re.findall(r"\w+", inspect.getsource(left.pop()))) - words
        words |= new
        left += [at for at in map(function.__globals__.get, new) if inspect.isfunction(at)]
    return frozenset(words)


def _remember() -> None:
    """What every test does anew stays the same for all of them: reading the files, entering the people of a hall."""
    load._text = cache(load._text)
    load._toml = cache(load._toml)
    load.parse = cache(load.parse)
    entered: dict[str, list[tuple[sa.Table, list[dict[str, Any]]]]] = {}
    enter = people.load_hall

    def again(conn: Connection, hall: people.Hall, caseless: Collection[str] = ()) -> None:
        key = f"{hall.model_dump_json()} {sorted(caseless)}"
        if conn.execute(sa.select(store.person.c.id).limit(1)).first():
            enter(conn, hall, caseless)
        elif key in entered:
            for table, rows in entered[key]:
                conn.execute(sa.insert(table), rows)
        else:
            enter(conn, hall, caseless)
            tables = [table for table in store.metadata.sorted_tables if table is not store.policy]
            read = [
                (table, [dict(row._mapping) for row in conn.execute(sa.select(table))]) for table in tables
            ]
            entered[key] = [(table, rows) for table, rows in read if rows]

    people.load_hall = again


def _forked(work: Callable[[], Iterator[object]], limit: int) -> str:
    """What the work yields, as a JSON list; empty if it took longer than `limit` seconds."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        signal.setitimer(signal.ITIMER_PROF, limit)  # of its own time, however busy the machine is
        os.close(out)
        with open(os.devnull, "w") as nowhere, os.fdopen(into, "w") as answer:
            os.dup2(nowhere.fileno(), 1)
            answer.write(json.dumps(list(work())))
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return told


def _told(score: Score) -> Iterator[str]:
    counts = ", ".join(f"{len(score[verdict])} {verdict}" for verdict in VERDICTS)
    part = (
        f"{len(score.found)} of {score.of} mutants" if len(score.found) < score.of else f"{score.of} mutants"
    )
    tried = len(score["killed"]) + len(score["survived"])
    share = f", {100 * len(score['killed']) / tried:.1f} % noticed" if tried else ""
    yield f"{score.profile}: {part}: {counts}{share} ({score.tests} tests, {score.seconds:.0f} s)"
    for verdict in ("survived", "timeout"):
        yield from (f"  {verdict}: {mutant.name}" for mutant in score[verdict])


def _kept(score: Score) -> dict[str, Any]:
    return {
        "profile": score.profile,
        "of": score.of,
        "seconds": round(score.seconds),
        **{verdict: len(score[verdict]) for verdict in VERDICTS},
        "mutants": [{"name": m.name, "verdict": verdict, "by": why} for m, verdict, why in score.found],
    }


if __name__ == "__main__":
    sys.exit(main())
