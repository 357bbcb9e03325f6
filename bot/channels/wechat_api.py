"""The calls of a 公众号 (service account), each a thin function over its documented endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bot.channels.call import Line, call, download
from bot.channels.tokens import Grant, granted
from bot.channels.wire import Answer, Download, Wire


@dataclass(frozen=True)
class Account:
    """One account. `authorize_url` is the page that asks a reader's browser who it is."""

    app_id: str
    secret: str = field(repr=False)
    authorize_url: str = "https://open.weixin.qq.com/connect/oauth2/authorize"


class NotSignedIn(Exception):
    """The code did not prove who the reader is. `errcode` 0: a snapshot page, whose openid is nobody's."""

    def __init__(self, errcode: int) -> None:
        super().__init__(f"errcode {errcode}")
        self.errcode = errcode


def stable_token(wire: Wire, account: Account) -> Grant:
    """The API token. TokenRefused or WireError."""
    body = {
        "grant_type": "client_credential",
        "appid": account.app_id,
        "secret": account.secret,
        "force_refresh": False,
    }
    return granted(wire.post_json("cgi-bin/stable_token", {}, body))


def send_text(line: Line, openid: str, text: str) -> Answer:
    """A customer-service text: inside the reader's window, at most once."""
    return _send(line, openid, "text", {"content": text})


def send_menu(line: Line, openid: str, head: str, choices: Sequence[tuple[str, str]], tail: str) -> Answer:
    """A menu message of (id, words); ids of digits, other ids come back as 0."""
    items = [{"id": id_, "content": words} for id_, words in choices]
    return _send(line, openid, "msgmenu", {"head_content": head, "list": items, "tail_content": tail})


def _send(line: Line, openid: str, sort: str, content: Mapping[str, object]) -> Answer:
    body = {"touser": openid, "msgtype": sort, sort: content}
    return call(line, "POST", "cgi-bin/message/custom/send", body)


def send_template(
    line: Line, openid: str, template_id: str, values: Mapping[str, str], url: str, client_msg_id: str
) -> Answer:
    """A template message; the same `client_msg_id` within 10 minutes is sent once. `msgid` in the answer is
    the `report_id` of the later report. `values` by keyword name, none empty."""
    body = {
        "touser": openid,
        "template_id": template_id,
        "url": url,
        "client_msg_id": client_msg_id,
        "data": {name: {"value": value} for name, value in values.items()},
    }
    return call(line, "POST", "cgi-bin/message/template/send", body)


def get_media(line: Line, media_id: str, cap: int) -> Download | Answer:
    """A file a reader sent, of at most `cap` bytes (TooBig); an answer instead if it is gone after 3 days."""
    return download(line, "cgi-bin/media/get", {"media_id": media_id}, cap)


def create_menu(line: Line, buttons: Sequence[Mapping[str, object]]) -> Answer:
    return call(line, "POST", "cgi-bin/menu/create", {"button": buttons})


def authorize_url(account: Account, redirect_uri: str, state: str) -> str:
    """Where to send the browser for a silent sign-in; the order of the parameters matters to the platform."""
    query = urlencode(
        {
            "appid": account.app_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
    )
    return f"{account.authorize_url}?{query}#wechat_redirect"


def openid_of_code(wire: Wire, account: Account, code: str) -> str:
    """Who came back from `authorize_url`. NotSignedIn, or WireError."""
    query = {
        "appid": account.app_id,
        "secret": account.secret,
        "code": code,
        "grant_type": "authorization_code",
    }
    answer = wire.get("sns/oauth2/access_token", query)
    openid = answer.text("openid")
    if answer.errcode or not openid or answer.data.get("is_snapshotuser"):
        raise NotSignedIn(answer.errcode)
    return openid
