"""The neutral card: what every channel draws in its own way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Button:
    """A button: an act answered on the spot, or (with `url`) a page."""

    label: str
    act: str
    style: str = "plain"  # primary | plain | quiet
    url: str = ""


@dataclass(frozen=True)
class Card:
    """A card as data: the same case always gives the same card. `rev` is the revision it was drawn from; `window` the
    name under which the window speaks (PT-5.1)."""

    title: str
    window: str
    text: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    buttons: tuple[Button, ...] = ()
    url: str = ""
    clause: str = ""
    basis: str = ""  # the clause in words: 依据《…》第二部分（三）
    ref: str = ""  # the case's link reference
    rev: int = 0
    subject: str = ""  # ≤ 20 characters, for platforms with fixed fields
    status: str = ""  # ≤ 5 Chinese characters, likewise
    number: str = ""
    case_id: int = 0  # for channels whose taps come back with digits only
