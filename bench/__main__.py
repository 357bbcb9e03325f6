"""`python -m bench [NAME…] [--quick]`: measure, print a table, write `build/bench/latest.json`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import acknowledge, days, ledger, library, post, proof, register, report, sweep, turn, year
from bench.hall import ROOT
from bench.measure import Result, Setting
from workers.servers import postgres_server

BENCHMARKS: Final[Mapping[str, Callable[[Setting], Iterator[Result]]]] = {
    "turn": turn.run,
    "acknowledge": acknowledge.run,
    "register": register.run,
    "sweep": sweep.run,
    "post": post.run,
    "days": days.run,
    "proof": proof.run,
    "library": library.run,
    "ledger": ledger.run,
    "report": report.run,
    "year": year.run,
}
LONG: Final = frozenset({"ledger", "report", "year"})  # only when named
LATEST: Final = ROOT / "build" / "bench" / "latest.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join(BENCHMARKS)}; without: all but {', '.join(sorted(LONG))}",
    )
    parser.add_argument(
        "--quick", action="store_true", help="shorter and smaller: for trying, not for figures"
    )
    args = parser.parse_args()
    if unknown := set(args.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is named {', '.join(sorted(unknown))}")
    results = list[Result]()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, postgres_server() as server:
        for name in args.names or [name for name in BENCHMARKS if name not in LONG]:
            begun = time.monotonic()
            try:
                made = list(BENCHMARKS[name](Setting(server, Path(folder), args.quick)))
            except register.NoPeer as reason:
                print(f"{name}: left out: {reason}", flush=True)
                continue
            _print(made)
            results += made
            print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    LATEST.parent.mkdir(parents=True, exist_ok=True)
    head = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "quick": args.quick}
    rows = [asdict(r) | {"met": r.met} for r in results]
    LATEST.write_text(json.dumps({**head, "results": rows}, indent=2, ensure_ascii=False) + "\n", "utf-8")
    print(LATEST.relative_to(ROOT))
    return 0


def _print(results: Sequence[Result]) -> None:
    for r in results:
        sign, mark = ("≤" if r.at_most else "≥"), ("yes" if r.met else "NO")
        print(f"{r.name:<12} {r.what:<48} {r.value:>8.2f} {r.unit:<3} {sign} {r.aim:g} {r.unit:<3} {mark}")
        for key, value in r.detail.items():
            print(f"{'':<12}   {key}: {value}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
