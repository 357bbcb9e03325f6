"""Which texts tell of the same thing, and whose business a text sounds like. Pure: text in, numbers out.

Chinese has no blanks between words, and most of its words have two characters: a text is the set of its pairs of
neighbouring characters (`grams`), weighted by how rare each is. No model, no word list to load, the same on both
databases (`core.library` keeps the pairs of its entries in a table).

What is suggested here is only ever suggested: people decide (AMB-G12, XJ-1.5).
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from core.hearing import plain

DATA: Final = Path(__file__).parent / "data"
# Two matters of one person at least so alike are offered as one. Of 127 told matters the two most alike of different
# problems reach 0.104; in short texts stock phrases (材料交了三回还没受理) reach more, so it is asked, never done.
SAME: Final = 0.2
NEAR: Final = 0.06  # alike enough to count as a matter of the same kind: 1 of 100 pairs of strangers is
NEAREST: Final = 7
_RUN: Final = re.compile(r"[\u3400-\u9fff]+|[a-z0-9]{2,16}")


@dataclass(frozen=True)
class Area:
    """A department as counties usually have it: parts of its name in a hall, and words for what it does."""

    label: str
    names: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """A matter as somebody told it, and to whom it went (`label`; "" to nobody)."""

    text: str
    label: str
    group: str = ""  # those of one group are one problem


@dataclass(frozen=True)
class Guess:
    """A department that a text sounds like. `share` of all evidence; the words that speak for it, and how many
    matters told before are near and went there."""

    label: str
    share: float
    words: tuple[str, ...]
    near: int


def grams(text: str) -> tuple[str, ...]:
    """The pairs of neighbouring Chinese characters in a text, and its Latin words and numbers, in order."""
    found: list[str] = []
    for run in _RUN.findall(plain(text)):
        found += [run] if run[0] < "\u3400" else [run[i : i + 2] for i in range(len(run) - 1)]
    return tuple(found)


def rarity(having: int, of: int) -> float:
    """The weight of a gram that so many of so many texts have (BM25's)."""
    return math.log1p((of - having + 0.5) / (having + 0.5))


def likeness(one: str, other: str) -> float:
    """How alike two texts are, 0 to 1, by the rarity of grams among the matters that come with the service."""
    return _dot(_vector(grams(one)), _vector(grams(other)))


class Memory:
    """Matters told before with the department each went to, and what departments usually do."""

    def __init__(self, told: Iterable[Told], areas: Sequence[Area]) -> None:
        self._told = [(_vector(grams(t.text)), t.label) for t in told if t.label]
        self._words = {area.label: area.words for area in areas}
        self._shared = Counter(word for words in self._words.values() for word in words)
        sums: dict[str, dict[str, float]] = {
            area.label: dict(_vector(grams(" ".join(area.words)))) for area in areas
        }
        for vector, label in self._told:
            total = sums.setdefault(label, {})
            for gram, weight in vector.items():
                total[gram] = total.get(gram, 0.0) + weight
        self._middles = {label: _unit_length(total) for label, total in sums.items()}

    def rank(self, text: str) -> tuple[Guess, ...]:
        """The departments a text sounds like, the likeliest first; none where nothing in it is known."""
        vector, said = _vector(grams(text)), plain(text)
        alike = {label: _dot(vector, middle) for label, middle in self._middles.items()}
        spoken = {
            label: tuple(word for word in words if word.lower() in said)
            for label, words in self._words.items()
        }
        # A longer word says more, one that many departments share says less.
        named = {
            label: sum((len(word) - 1) / self._shared[word] for word in words)
            for label, words in spoken.items()
        }
        shares = _shares(alike, named)
        near = self.near(vector)
        ranked = sorted(shares, key=lambda label: -shares[label])
        return tuple(
            Guess(label, shares[label], spoken.get(label, ()), near[label])
            for label in ranked
            if shares[label] > 0
        )

    def near(self, vector: Mapping[str, float]) -> Counter[str]:
        """Where the nearest of the matters told before went."""
        found = sorted(((_dot(vector, other), label) for other, label in self._told), reverse=True)
        return Counter(label for alike, label in found[:NEAREST] if alike >= NEAR)


@cache
def areas() -> tuple[Area, ...]:
    """What departments usually do, in words people use."""
    table = tomllib.loads((DATA / "competences.toml").read_text("utf-8"))["areas"]
    return tuple(Area(a["label"], tuple(a["names"]), tuple(a["words"].split())) for a in table)


@cache
def matters() -> tuple[Mapping[str, object], ...]:
    """The matters that come with the service: our own words for public facts."""
    return tuple(json.loads(line) for line in (DATA / "matters.jsonl").read_text("utf-8").splitlines())


@cache
def told() -> tuple[Told, ...]:
    """The same as they were told, with what a clerk would note of each."""
    return tuple(
        Told(
            "\n".join([*_strings(m["say"]), str(m["matter"]), str(m["item"])]),
            str(m.get("unit", "")),
            str(m.get("dup_group", m["id"])),
        )
        for m in matters()
    )


def said(matter: Mapping[str, object]) -> str:
    """What the person said, alone."""
    return "\n".join(_strings(matter["say"]))


def _strings(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


@cache
def _rarities() -> Mapping[str, float]:
    texts = [set(grams(t.text)) for t in told()] + [set(grams(" ".join(a.words))) for a in areas()]
    having = Counter(gram for text in texts for gram in text)
    known: defaultdict[str, float] = defaultdict(lambda: rarity(0, len(texts)))
    known.update({gram: rarity(count, len(texts)) for gram, count in having.items()})
    return known


def _vector(found: Sequence[str]) -> Mapping[str, float]:
    known = _rarities()
    return _unit_length({gram: (1 + math.log(n)) * known[gram] for gram, n in Counter(found).items()})


def _unit_length(vector: Mapping[str, float]) -> Mapping[str, float]:
    length = math.sqrt(sum(x * x for x in vector.values())) or 1.0
    return {gram: x / length for gram, x in vector.items()}


def _dot(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    few, many = (one, other) if len(one) < len(other) else (other, one)
    return sum(x * many[gram] for gram, x in few.items() if gram in many)


def _shares(*evidence: Mapping[str, float]) -> dict[str, float]:
    """Each kind of evidence counts as much as the others, however large its numbers."""
    total: dict[str, float] = defaultdict(float)
    for scores in evidence:
        whole = sum(scores.values())
        for label, score in scores.items():
            total[label] += score / whole / len(evidence) if whole else 0.0
    return dict(total)
