"""A Chinese font of this machine to set PDF pages in. None is shipped; a page without one would be empty boxes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

# File names of faces, the nearest to official papers (GB/T 9704) first, with the place of the mainland's letters in
# a collection.
FACES: Final = (
    ("simfang.ttf", 0),
    ("simsun.ttc", 0),
    ("STFANGSO.TTF", 0),
    ("STSONG.TTF", 0),
    ("NotoSerifCJK-Regular.ttc", 2),
    ("NotoSerifCJKsc-Regular.otf", 0),
    ("NotoSerifSC-Regular.otf", 0),
    ("SourceHanSerifSC-Regular.otf", 0),
    ("SourceHanSerif-Regular.ttc", 2),
    ("NotoSansCJK-Regular.ttc", 2),
    ("NotoSansCJKsc-Regular.otf", 0),
    ("wqy-zenhei.ttc", 0),
    ("wqy-microhei.ttc", 0),
    ("uming.ttc", 0),
)


class NoFont(Exception):
    """This machine has no Chinese font that could go into a PDF."""

    def __init__(self) -> None:
        super().__init__(
            "这台机器没有中文字体，做不出 PDF。请装一种（Debian：apt-get install fonts-noto-cjk），"
            "或者改下载 Word、打印网页。"
        )


@dataclass(frozen=True)
class Face:
    path: Path
    number: int  # within a collection


@cache
def chinese() -> Face:
    """The best face found. Raises `NoFont`."""
    found = {path.name.lower(): path for folder in _folders() for path in _files(folder)}
    for name, number in FACES:
        if name.lower() in found:
            return Face(found[name.lower()], number)
    raise NoFont


def _folders() -> Iterator[Path]:
    yield Path("/usr/share/fonts")
    yield Path("/usr/local/share/fonts")
    yield Path.home() / ".fonts"
    yield Path.home() / ".local/share/fonts"
    yield Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"
    yield Path("/Library/Fonts")


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(
            path for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc")
        )
