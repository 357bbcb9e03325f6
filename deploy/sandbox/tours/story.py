"""The stories of the tours: what each has at hand, and how a step is checked.

A tour speaks HTTP only: to the stand-ins as the people, to the app's pages as their browsers. Whoever runs it pushes
the clock (`until`), lets everything happen that is due (`settle`), and prints what `tell` is given. Each region has a
module of its name with START (an instant of Shanghai), CITIZENS (openid, name) and `play(story)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deploy.sandbox.players import Citizen, Member, Page, Unexpected


@dataclass(frozen=True)
class Story:
    """Where everything is, and the hands of whoever runs it. `until(text)`: push the clock to an instant of
    Shanghai (`2022-04-12T09:00`); `chain()`: the first broken event of any case, or None."""

    wechat: str
    wecom: str
    app: str
    until: Callable[[str], None]
    settle: Callable[[], None]
    tell: Callable[[str], None]
    picture: bytes
    voice: bytes
    chain: Callable[[], int | None]

    def citizen(self, openid: str) -> Citizen:
        return Citizen(self.wechat, openid, self.settle)

    def member(self, userid: str) -> Member:
        return Member(self.wecom, userid, self.settle, app=self.app)

    def group(self, chat: str) -> Member:
        """What a unit's chat group shows."""
        return Member(self.wecom, chat, self.settle, app=self.app)


def must(holds: bool, what: str) -> None:
    if not holds:
        raise Unexpected(what)


def has(text: str, *parts: str) -> str:
    """The text, if it holds all the parts."""
    for part in parts:
        must(part in text, f"{part!r} is missing in:\n{text}")
    return text


def ref_of(page: Page) -> str:
    """The reference of the case whose page this is: acts that no card leads to are reached through it."""
    return page.url.split("/c/")[1].split("/")[0].split("?")[0]


def page_of(citizen: Citizen, *parts: str) -> Page:
    """The page behind the newest template message that holds the parts: where the platform allows no more words."""
    return citizen.browser.get(citizen.heard(*parts)["content"]["url"])
