"""The proof that no case gets stuck: how long it takes for all regulations together."""

from __future__ import annotations

from collections.abc import Iterator

from bench.measure import Result, Setting, seconds
from bot.words import FOLDER
from core.policy.load import shipped, shipped_names
from core.policy.verify import Proof, verify

AIM = 10.0  # seconds for all five


def run(setting: Setting) -> Iterator[Result]:
    texts = {path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.txt")}
    rules = [shipped(name)[0] for name in shipped_names()]
    proofs: list[Proof] = []
    took = seconds(lambda: proofs.extend(verify(each, texts) for each in rules))
    detail = {each.name: dict(each.counts) for each in proofs}
    yield Result("proof", f"{len(rules)} regulations proved", took, "s", AIM, True, detail)
    yield Result("proof", "regulations that do not hold", sum(not each.holds for each in proofs), "", 0, True)
