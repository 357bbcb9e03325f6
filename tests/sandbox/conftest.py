"""The two stand-ins, served on loopback, each with an app that listens to it."""

from collections.abc import Iterator

import pytest

from deploy.sandbox import wechat, wecom, wire
from deploy.sandbox.platform import Person, serve
from tests.sandbox.stage import AES_KEY, Clocks, Listener, Stage, common, corp_token, stable_token

TEMPLATE = wechat.Template("T-progress", "办件进度提醒", ("character_string1", "thing2", "phrase3", "time4"))


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def citizen(clocks: Clocks) -> Iterator[Stage]:
    """公众号: 李梅 follows, 王强 does not."""
    app = Listener(wire.Keys("testtoken", AES_KEY, "wx0123456789abcdef"))
    people = (Person("o-li", "李梅"), Person("o-wang", "王强", following=False))
    with serve(app.app()) as hall:
        config = wechat.Config(
            app_id="wx0123456789abcdef",
            account="gh_0123456789ab",
            templates=(TEMPLATE,),
            **common(clocks, f"{hall.url}/hook", people),
        )
        with serve(wechat.create(config)) as running:
            yield Stage(running, clocks, app, stable_token)


@pytest.fixture
def corp(clocks: Clocks) -> Iterator[Stage]:
    """企业微信: Zhang and chen see the app, outside does not."""
    app = Listener(wire.Keys("testtoken", AES_KEY, "ww0000000000000001"))
    people = (
        Person("Zhang", "老张", departments=(2,)),
        Person("chen", "陈局"),
        Person("outside", "外人", in_scope=False),
    )
    with serve(app.app()) as hall:
        config = wecom.Config(app_id="ww0000000000000001", **common(clocks, f"{hall.url}/hook", people))
        with serve(wecom.create(config)) as running:
            yield Stage(running, clocks, app, corp_token)
