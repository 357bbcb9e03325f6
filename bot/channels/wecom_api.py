"""The calls of a 企业微信 app, each a thin function over its documented endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlencode

from bot.channels.call import Line, call, download
from bot.channels.tokens import Grant, granted
from bot.channels.wire import Answer, Download, Wire

# A repeat after a time-out is the same request to the byte; the platform then delivers it once.
REPEAT_GUARD: Final = {"enable_duplicate_check": 1, "duplicate_check_interval": 1800}


@dataclass(frozen=True)
class App:
    """One self-built app. The two pages ask a browser who it is, inside the client and outside it."""

    corp_id: str
    agent_id: int
    secret: str = field(repr=False)
    authorize_url: str = "https://open.weixin.qq.com/connect/oauth2/authorize"
    login_url: str = "https://login.work.weixin.qq.com/wwlogin/sso/login"


class NotAMember(Exception):
    """The code did not prove a member of this enterprise. `errcode` 0: somebody, but not a member."""

    def __init__(self, errcode: int) -> None:
        super().__init__(f"errcode {errcode}")
        self.errcode = errcode


def gettoken(wire: Wire, app: App) -> Grant:
    """The app's token. TokenRefused (then stop: repeated wrong secrets ban our address) or WireError."""
    return granted(wire.get("gettoken", {"corpid": app.corp_id, "corpsecret": app.secret}))


def send_text(line: Line, app: App, users: Sequence[str], text: str) -> Answer:
    return _send(line, app, users, "text", {"content": text})


def send_card(line: Line, app: App, users: Sequence[str], card: Mapping[str, object]) -> Answer:
    """A template card; `msgid` and, if it can be updated, `response_code` are in the answer."""
    return _send(line, app, users, "template_card", card)


def _send(line: Line, app: App, users: Sequence[str], sort: str, content: Mapping[str, object]) -> Answer:
    body = {
        "touser": "|".join(users),
        "msgtype": sort,
        "agentid": app.agent_id,
        sort: content,
        **REPEAT_GUARD,
    }
    return call(line, "POST", "message/send", body)


def missed(answer: Answer) -> tuple[str, ...]:
    """The members, in lower case, whom a successful sending missed: unknown, out of scope, unlicensed."""
    found: list[str] = []
    for name in ("invaliduser", "unlicenseduser"):
        value = answer.data.get(name)
        found += (
            value.split("|") if isinstance(value, str) else map(str, value) if isinstance(value, list) else ()
        )
    return tuple(user.lower() for user in found if user)


def update_card(
    line: Line, app: App, response_code: str, card: Mapping[str, object], users: Sequence[str] = ()
) -> Answer:
    """Redraw the card of `users`, or of all who got it. The code serves once, within 72 hours."""
    # Whom an update without either of the two reaches is not documented.
    whom: Mapping[str, object] = {"userids": list(users)} if users else {"atall": 1}
    body = {"agentid": app.agent_id, "response_code": response_code, **whom, "template_card": card}
    return call(line, "POST", "message/update_template_card", body)


def create_chat(line: Line, chat_id: str, name: str, owner: str, users: Sequence[str]) -> Answer:
    """A group of 2 to 2000 members; send something at once, old clients show it only then."""
    body = {"chatid": chat_id, "name": name, "owner": owner, "userlist": list(users)}
    return call(line, "POST", "appchat/create", body)


def get_chat(line: Line, chat_id: str) -> Answer:
    return call(line, "GET", "appchat/get", query={"chatid": chat_id})


def send_to_chat(
    line: Line, chat_id: str, sort: Literal["text", "markdown", "textcard"], content: Mapping[str, object]
) -> Answer:
    """A message to a group of ours. Groups take no template card, no recall and no duplicate check."""
    return call(line, "POST", "appchat/send", {"chatid": chat_id, "msgtype": sort, sort: content})


def get_media(line: Line, media_id: str, cap: int) -> Download | Answer:
    """A file a member sent, of at most `cap` bytes (TooBig); an answer instead if it is gone after 3 days."""
    return download(line, "media/get", {"media_id": media_id}, cap)


def authorize_url(app: App, redirect_uri: str, state: str) -> str:
    """Where to send a browser inside the client; `state` of letters and digits."""
    query = urlencode(
        {
            "appid": app.corp_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
            "agentid": app.agent_id,
        }
    )
    return f"{app.authorize_url}?{query}#wechat_redirect"


def login_url(app: App, redirect_uri: str, state: str) -> str:
    """Where to send a browser at a desk, which shows a code to scan."""
    query = urlencode(
        {
            "login_type": "CorpApp",
            "appid": app.corp_id,
            "agentid": app.agent_id,
            "redirect_uri": redirect_uri,
            "state": state,
        }
    )
    return f"{app.login_url}?{query}"


def userid_of_code(line: Line, code: str) -> str:
    """The member, in lower case, who came back from one of the two pages. NotAMember, or WireError.

    Any member of the enterprise, also outside the app's scope: what he may do is for us to say.
    """
    answer = call(line, "GET", "auth/getuserinfo", query={"code": code})
    userid = answer.text("userid")
    # "CorpId/userid" belongs to another enterprise, upstream or downstream.
    if answer.errcode or not userid or "/" in userid:
        raise NotAMember(answer.errcode)
    return userid.lower()
