"""What every benchmark is made of: a result with its aim, interleaved rounds, processor time of a process tree."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROUNDS: Final = 3
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Result:
    """One line of the table: `value` in `unit`; met if at least (`at_most`: at most) the aim."""

    name: str
    what: str
    value: float
    unit: str
    aim: float
    at_most: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        return self.value <= self.aim if self.at_most else self.value >= self.aim


@dataclass(frozen=True)
class Setting:
    """What a benchmark is given: a database server (its URL), a folder to fill, and whether to be brief."""

    server: str
    folder: Path
    quick: bool


def interleaved(variants: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Run each variant once a round, in turn, so that whatever disturbs the machine disturbs all of them."""
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            found[name].append(run())
    return found


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """The median of the ratios made within one round each."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def processor_seconds(root: int) -> float:
    """The processor time that a process, its children and those it has buried have used."""
    total, stats = 0.0, {int(p.name): _stat(p) for p in Path("/proc").iterdir() if p.name.isdecimal()}
    family = {root}
    while more := {pid for pid, stat in stats.items() if stat and stat[0] in family} - family:
        family |= more
    for pid in family:
        if stat := stats.get(pid):
            total += sum(stat[1:3]) / TICKS
    buried = stats.get(root)
    return total + (sum(buried[3:5]) / TICKS if buried else 0.0)


def child_named(name: str) -> int:
    """The process of ours that runs the program so named."""
    for place in Path("/proc").iterdir():
        if not place.name.isdecimal() or not (stat := _stat(place)) or stat[0] != os.getpid():
            continue
        if (place / "comm").read_text().strip() == name:
            return int(place.name)
    raise LookupError(name)


def _stat(place: Path) -> tuple[int, ...] | None:
    """Parent, user and system time, the same of buried children, in ticks; None if it has ended meanwhile."""
    try:
        parts = (place / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(parts[1]), *map(int, parts[11:15])
