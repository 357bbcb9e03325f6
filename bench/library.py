"""The case library: does it find a problem told in other words, does it know whose business a matter is, how fast."""

from __future__ import annotations

import math
import random
import re
import sqlite3
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from bench.measure import Result, Setting, percentile, seconds
from core import library, similar, store
from core.similar import Memory

ENTRIES = 100_000
TOP = 5
WORDS = ("医保", "公积金", "户口", "社保卡", "营业执照", "驾驶证", "物业", "退休", "充电桩", "房产证 办证")


def run(setting: Setting) -> Iterator[Result]:
    yield _recall(setting)
    yield from _units()
    yield from _speed(setting)


def wilson(right: int, of: int) -> tuple[float, float]:
    """The interval in which a share lies 19 times of 20."""
    z = 1.96
    middle, spread = right / of + z * z / (2 * of), right / of * (1 - right / of) / of + z * z / (4 * of * of)
    half = z * math.sqrt(spread)
    return round((middle - half) / (1 + z * z / of), 2), round((middle + half) / (1 + z * z / of), 2)


# --- a problem told in other words --------------------------------------------------------------------------


def _recall(setting: Setting) -> Result:
    """Somebody tells a problem; an entry was written of another's telling of the same. Is it among the first five of
    all entries?"""
    matters = similar.matters()
    engine = store.open_engine(f"sqlite:///{setting.folder / 'quality.db'}")
    rows = [
        {"item": m["item"], "problem": m["matter"], "cause": "", "solution": m.get("outcome", "")}
        for m in matters
    ]
    _fill(engine, rows)
    texts = ["\n".join(map(str, row.values())) for row in rows]
    with store.transaction(engine) as conn:
        ways: Mapping[str, Callable[[str], list[int]]] = {
            "ours": lambda text: [f.entry.id for f in library.search(conn, text, limit=TOP + 1)],
            "phrases": partial(_by_phrases, texts),
            "pairs, unweighted": partial(_by_pairs, texts),
            "trigrams": partial(_by_trigrams, _trigram_index(texts)),
        }
        found: Counter[str] = Counter()
        pairs = 0
        for i, matter in enumerate(matters, 1):
            others = {
                j
                for j, m in enumerate(matters, 1)
                if j != i and matter.get("dup_group") and m.get("dup_group") == matter.get("dup_group")
            }
            pairs += len(others)
            for name, way in ways.items():
                first = [j for j in way(similar.said(matter)) if j != i][:TOP] if others else []
                found[name] += len(others & set(first))
    engine.dispose()
    detail = {name: f"{found[name]} of {pairs}, {wilson(found[name], pairs)}" for name in ways}
    return Result(
        "library",
        "the same problem in other words, found in 5",
        found["ours"] / pairs,
        "",
        0.9,
        False,
        detail,
    )


def _by_phrases(texts: Sequence[str], asked: str) -> list[int]:
    """A plain search for keywords: what stands between two marks, wherever it stands whole."""
    phrases = [p for p in re.split(r"\W+", asked) if len(p) > 1]
    hits = [(sum(phrase in text for phrase in phrases), -i) for i, text in enumerate(texts, 1)]
    return [-i for n, i in sorted(hits, reverse=True) if n][: TOP + 1]


def _by_pairs(texts: Sequence[str], asked: str) -> list[int]:
    """The same pairs of characters as ours, each counting alike."""
    pairs = set(similar.grams(asked))
    hits = [(len(pairs & set(similar.grams(text))), -i) for i, text in enumerate(texts, 1)]
    return [-i for n, i in sorted(hits, reverse=True) if n][: TOP + 1]


def _trigram_index(texts: Sequence[str]) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE t USING fts5(text, tokenize='trigram')")
    db.executemany("INSERT INTO t(rowid, text) VALUES (?, ?)", enumerate(texts, 1))
    return db


def _by_trigrams(db: sqlite3.Connection, asked: str) -> list[int]:
    runs = re.findall(r"\w{3,}", asked)
    threes = dict.fromkeys(run[i : i + 3] for run in runs for i in range(len(run) - 2))
    query = " OR ".join(f'"{three}"' for three in threes)
    return [
        row[0]
        for row in db.execute(
            "SELECT rowid FROM t WHERE t MATCH ? ORDER BY bm25(t) LIMIT ?", (query, TOP + 1)
        )
    ]


# --- whose business -----------------------------------------------------------------------------------------


def _units() -> Iterator[Result]:
    """Each matter is judged by what is known of all the others (those of the same problem left out too)."""
    told = similar.told()
    ranks: dict[str, list[tuple[bool, list[str]]]] = {"ours": [], "rules": []}
    right: list[str] = []
    for matter, one in zip(similar.matters(), told, strict=True):
        if not one.label:
            continue
        rest = [other for other in told if other.group != one.group]
        seen = any(other.label == one.label for other in rest)
        text = similar.said(matter)
        right.append(one.label)
        ranks["ours"].append((seen, [g.label for g in Memory(rest, similar.areas()).rank(text)]))
        ranks["rules"].append((seen, _by_rules(text)))
    for top, aim in ((1, 0.65), (3, 0.85)):
        detail = {
            f"{name}, unit {'met before' if met else 'never met'}": _told_right(ranks[name], right, top, met)
            for name in ranks
            for met in (True, False)
        }
        share = sum(
            label in ranked[:top] for (_, ranked), label in zip(ranks["ours"], right, strict=True)
        ) / len(right)
        yield Result("library", f"the unit among the first {top}", share, "", aim, False, detail)


def _told_right(ranks: Sequence[tuple[bool, list[str]]], right: Sequence[str], top: int, met: bool) -> str:
    chosen = [(ranked, label) for (seen, ranked), label in zip(ranks, right, strict=True) if seen is met]
    hits = sum(label in ranked[:top] for ranked, label in chosen)
    return f"{hits} of {len(chosen)}, {wilson(hits, len(chosen))}"


def _by_rules(text: str) -> list[str]:
    """Rules of keywords alone: the area most of whose words stand in the text."""
    scores = {a.label: sum(len(w) - 1 for w in a.words if w.lower() in text.lower()) for a in similar.areas()}
    return sorted((label for label in scores if scores[label]), key=lambda label: -scores[label])


# --- how fast -----------------------------------------------------------------------------------------------


def _speed(setting: Setting) -> Iterator[Result]:
    count = 5_000 if setting.quick else ENTRIES
    server = sa.make_url(setting.server)
    maker = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with maker.connect() as conn:
        conn.exec_driver_sql("CREATE DATABASE bench_library")
    maker.dispose()
    for name, url in (
        ("SQLite", f"sqlite:///{setting.folder / 'library.db'}"),
        ("PostgreSQL", server.set(database="bench_library").render_as_string(hide_password=False)),
    ):
        engine = store.open_engine(url)
        _fill(engine, list(_made_up(count)))
        told = [similar.said(matter) for matter in similar.matters()]
        with store.transaction(engine) as conn:
            for text in told[:5]:
                library.search(conn, text)
            alike = sorted(1000 * seconds(partial(library.search, conn, text)) for text in told)
            words = sorted(1000 * seconds(partial(library.search, conn, word)) for word in WORDS * 10)
        engine.dispose()
        detail = {
            "entries": count,
            "alike, median": round(percentile(alike, 0.5), 1),
            "two and more characters, median": round(percentile(words, 0.5), 1),
            "two and more characters, 95 of 100": round(percentile(words, 0.95), 1),
        }
        yield Result(
            "library",
            f"like entries, 95 of 100 within, {name}",
            percentile(alike, 0.95),
            "ms",
            20,
            True,
            detail,
        )


def _made_up(count: int) -> Iterator[dict[str, Any]]:
    """Entries put together from what the told matters say, with characters at random so that no two are alike."""
    by_chance = random.Random(1)
    matters = similar.matters()
    said = [line for m in matters for line in similar.said(m).split("\n")]
    often = Counter(c for line in said for c in line if "\u4e00" <= c <= "\u9fff")
    signs, weights = list(often), list(often.values())
    for _ in range(count):
        noise = "".join(by_chance.choices(signs, weights, k=24))
        matter, other = by_chance.choice(matters), by_chance.choice(matters)
        yield {
            "item": matter["item"],
            "problem": f"{other['matter']}，{noise[:12]}",
            "cause": f"{by_chance.choice(said)}，{noise[12:]}",
            "solution": other.get("outcome", ""),
        }


def _fill(engine: Engine, rows: Sequence[Mapping[str, Any]]) -> None:
    """Approved entries with their index, written the short way."""
    now = datetime.now(UTC)
    postings: dict[str, array[int]] = defaultdict(lambda: array("i"))
    for i, row in enumerate(rows, 1):
        for gram in set(similar.grams("\n".join(map(str, row.values())))):
            postings[gram].append(i)
    with store.transaction(engine) as conn:
        store.metadata.create_all(conn)
        person = {"id": 1, "kind": "staff", "name": "", "phone": "", "active": True}
        conn.execute(sa.insert(store.person).values(person))
        case = {"profile": "", "policy_version": "", "stage": "CLOSED", "channel": "hall", "opened_at": now}
        many = range(1, len(rows) + 1)
        conn.execute(sa.insert(store.case), [{**case, "id": i, "ref": str(i), "members": []} for i in many])
        entry = {"state": "approved", "cause_code": "other", "written_by": 1, "written_at": now}
        made = [{**entry, **row, "id": i, "ref": str(i), "case_id": i} for i, row in enumerate(rows, 1)]
        conn.execute(sa.insert(store.library_entry), made)
        terms = [{"gram": gram, "entries": len(ids)} for gram, ids in postings.items()]
        conn.execute(sa.insert(store.library_term), [*terms, {"gram": "", "entries": len(rows)}])
        _write(conn, ((gram, i) for gram in sorted(postings) for i in postings[gram]))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("ANALYZE")


def _write(conn: Connection, postings: Iterator[tuple[str, int]]) -> None:
    raw: Any = conn.connection.driver_connection
    if conn.dialect.name == "sqlite":
        raw.executemany("INSERT INTO library_gram (gram, entry_id) VALUES (?, ?)", postings)
        return
    conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
    with raw.cursor() as cursor, cursor.copy("COPY library_gram (gram, entry_id) FROM STDIN") as copy:
        for posting in postings:
            copy.write_row(posting)
