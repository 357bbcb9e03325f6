"""The words of the regulations: every clause of the catalogue can be quoted, as it is written."""

import re
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
IDS = (HERE / "data" / "clause_ids.txt").read_text("utf-8").split()
POLICIES = HERE.parent / "core" / "policies"
CLAUSES = tomllib.loads((POLICIES / "xiangjiang.toml").read_text("utf-8"))["clauses"]

OF_THE_SCAN = re.compile(r"[\s|_]|<")


def test_every_clause_is_there_in_the_order_of_the_catalogue() -> None:
    assert list(CLAUSES) == [name for name in IDS if name.startswith("XJ-")]


@pytest.mark.parametrize("name", CLAUSES)
def test_a_clause_has_a_short_title_a_place_and_words_without_traces_of_the_scan(name: str) -> None:
    clause = CLAUSES[name]
    assert set(clause) == {"title", "place", "text"}
    assert all(
        words and words == words.strip() and not OF_THE_SCAN.search(words) for words in clause.values()
    )
    assert len(clause["title"]) <= 16
    assert len(clause["text"]) >= len("交办人、签收人")


@pytest.mark.parametrize("name", CLAUSES)
def test_brackets_and_quotation_marks_are_closed(name: str) -> None:
    for opening, closing in ("“”", "（）", "《》", "〔〕", "()"):
        assert CLAUSES[name]["text"].count(opening) == CLAUSES[name]["text"].count(closing)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("XJ-2.3a", "新区职权范围内一般事项1—3个工作日内办结"),
        ("XJ-2.3b", "10个工作日内办结"),
        ("XJ-2.3c", "15个工作日内办结"),
        ("XJ-2.3d", "取得理解后可适当延期，并报窗口备案"),
        ("XJ-2.2f", "逾期未办结事项由纪工委督办"),
        ("XJ-A2.4", "经批准后可适当延期"),
    ],
)
def test_what_people_are_told_most_often_is_quoted_to_the_letter(name: str, words: str) -> None:
    assert words in CLAUSES[name]["text"]
