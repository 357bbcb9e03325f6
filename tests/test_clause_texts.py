"""The words of the regulations: every clause of the catalogue can be quoted, as it is written."""

import re
from pathlib import Path

import pytest

from core.policy.load import shipped, shipped_names

HERE = Path(__file__).parent
IDS = (HERE / "data" / "clause_ids.txt").read_text("utf-8").split()
PROFILES = {name: shipped(name)[0] for name in shipped_names()}
CLAUSES = {key: clause for rules in PROFILES.values() for key, clause in rules.clauses.items()}

OF_THE_SCAN = re.compile(r"[\s|_]|<")


@pytest.mark.parametrize("profile", PROFILES)
def test_every_clause_is_there_in_the_order_of_the_catalogue(profile: str) -> None:
    told = list(PROFILES[profile].clauses)
    prefix = told[0].partition("-")[0]
    assert told == [name for name in IDS if name.startswith(f"{prefix}-")]


def test_the_profiles_hold_the_whole_catalogue() -> None:
    assert sorted(CLAUSES) == sorted(IDS)


@pytest.mark.parametrize("name", CLAUSES)
def test_a_clause_has_a_short_title_a_place_and_words_without_traces_of_the_scan(name: str) -> None:
    clause = CLAUSES[name]
    for words in (clause.title, clause.place, clause.text):
        assert words and words == words.strip() and not OF_THE_SCAN.search(words)
    assert len(clause.title) <= 16
    assert len(clause.text) >= len("交办人、签收人")


@pytest.mark.parametrize("name", CLAUSES)
def test_brackets_and_quotation_marks_are_closed(name: str) -> None:
    for opening, closing in ("“”", "（）", "《》", "〔〕", "()"):
        assert CLAUSES[name].text.count(opening) == CLAUSES[name].text.count(closing)


@pytest.mark.parametrize("name", CLAUSES)
def test_a_clause_says_one_thing_about_who_serves_it(name: str) -> None:
    clause = CLAUSES[name]
    assert not (clause.by and clause.not_served)
    assert "后续" not in clause.by


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
    assert words in CLAUSES[name].text
