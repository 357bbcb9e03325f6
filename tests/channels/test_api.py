"""What a platform tells us, read; what we tell it, written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import wechat_api, wecom_api
from bot.channels.call import Line
from bot.channels.envelope import Malformed, read_xml
from bot.channels.messages import Inbound, Kind, dedupe_key, parse, split, text_reply
from bot.channels.tokens import Grant, TokenRefused
from bot.channels.wire import Answer, Download, Query, Wire

COMMON = (
    "<ToUserName>gh_1</ToUserName><FromUserName>oABCdef123</FromUserName><CreateTime>1767225600</CreateTime>"
)
MEMBER = (
    "<ToUserName>ww1</ToUserName><FromUserName>ZhangSan</FromUserName><CreateTime>1700000100</CreateTime>"
    "<AgentID>1000002</AgentID>"
)


def read(fields: str, common: str = COMMON) -> Inbound:
    return parse(read_xml(f"<xml>{common}{fields}</xml>"))


def event(name: str, fields: str = "", common: str = COMMON) -> Inbound:
    return read(f"<MsgType>event</MsgType><Event>{name}</Event>{fields}", common)


# --- incoming -----------------------------------------------------------------------------------------------


def test_a_tap_in_a_menu_message_is_a_text_with_the_menus_id() -> None:
    said = read(
        "<MsgType>text</MsgType><Content>满意</Content><MsgId>24680135792468013</MsgId>"
        "<bizmsgmenuid>102</bizmsgmenuid>"
    )
    assert (said.kind, said.text, said.menu_id) == (Kind.TEXT, "满意", "102")
    assert (said.sender, said.created_at, said.message_id) == ("oABCdef123", 1767225600, "24680135792468013")
    assert "满意" not in repr(said)


@pytest.mark.parametrize(
    ("sort", "fields", "kind", "text", "media"),
    [
        ("text", "", Kind.TEXT, "", ""),
        ("image", "<PicUrl>http://x/</PicUrl><MediaId>M</MediaId>", Kind.IMAGE, "", "M"),
        ("voice", "<MediaId>M</MediaId><Format>amr</Format>", Kind.VOICE, "", "M"),
        ("voice", "<MediaId>M</MediaId><Recognition>办证</Recognition>", Kind.VOICE, "办证", "M"),
        ("video", "<MediaId>M</MediaId><ThumbMediaId>T</ThumbMediaId>", Kind.VIDEO, "", "M"),
        ("shortvideo", "<MediaId>M</MediaId>", Kind.VIDEO, "", "M"),
        ("file", "<Title>a.pdf</Title><FileKey>k</FileKey>", Kind.FILE, "a.pdf", ""),
        ("link", "<Title>t</Title><Description/><Url>http://x/</Url>", Kind.LINK, "t\nhttp://x/", ""),
        ("location", "<Label>大厅</Label>", Kind.LOCATION, "大厅", ""),
        ("new_kind", "<Content>x</Content>", Kind.UNKNOWN, "", ""),
    ],
)
def test_messages_by_kind(sort: str, fields: str, kind: Kind, text: str, media: str) -> None:
    said = read(f"<MsgType>{sort}</MsgType>{fields}<MsgId>1</MsgId>")
    assert (said.kind, said.text, said.media_id) == (kind, text, media)


def test_a_location_has_its_position_even_without_a_label() -> None:
    said = read(
        "<MsgType>location</MsgType><Location_X>28.2</Location_X><Location_Y>112.9</Location_Y><Label/>"
    )
    assert said.position == ("28.2", "112.9")


@pytest.mark.parametrize(
    ("name", "fields", "kind", "key"),
    [
        ("subscribe", "<EventKey></EventKey>", Kind.FOLLOW, ""),
        ("subscribe", "<EventKey>qrscene_window-03</EventKey><Ticket>T</Ticket>", Kind.FOLLOW, "window-03"),
        ("unsubscribe", "", Kind.UNFOLLOW, ""),
        ("SCAN", "<EventKey>window-03</EventKey>", Kind.ENTER, "window-03"),
        ("CLICK", "<EventKey>CASE_LIST</EventKey>", Kind.MENU, "CASE_LIST"),
        ("click", "<EventKey>CASE_LIST</EventKey>", Kind.MENU, "CASE_LIST"),
        ("enter_agent", "<EventKey/>", Kind.ENTER, ""),
        ("VIEW", "<EventKey>https://x/</EventKey>", Kind.UNKNOWN, "https://x/"),
        ("LOCATION", "<Latitude>1</Latitude>", Kind.UNKNOWN, ""),
        ("", "", Kind.UNKNOWN, ""),
    ],
)
def test_events_by_name_in_either_case(name: str, fields: str, kind: Kind, key: str) -> None:
    happened = event(name, fields)
    assert (happened.kind, happened.event, happened.event_key) == (kind, name.lower(), key)


CARD = (
    "<EventKey>accept</EventKey><TaskId>case-1_v3</TaskId><CardType>button_interaction</CardType>"
    "<ResponseCode>%s</ResponseCode>"
)
CHOICES = (
    "<SelectedItems><SelectedItem><QuestionKey>days</QuestionKey>"
    "<OptionIds><OptionId>d3</OptionId></OptionIds></SelectedItem>"
    "<SelectedItem><QuestionKey>who</QuestionKey>"
    "<OptionIds><OptionId>a</OptionId><OptionId>b</OptionId></OptionIds></SelectedItem></SelectedItems>"
)


def test_a_click_on_a_card() -> None:
    click = event("template_card_event", CARD % "RC" + CHOICES, MEMBER)
    assert (click.kind, click.sender, click.receiver, click.agent_id) == (
        Kind.CARD,
        "zhangsan",
        "ww1",
        "1000002",
    )
    assert (click.event_key, click.task_id, click.card_type) == ("accept", "case-1_v3", "button_interaction")
    assert click.response_code == "RC"
    assert click.selected == {"days": ("d3",), "who": ("a", "b")}
    assert "RC" not in repr(click)


def test_the_report_on_a_template_message() -> None:
    report = event("TEMPLATESENDJOBFINISH", "<MsgID>200</MsgID><Status>failed:user block</Status>")
    assert (report.kind, report.report_id, report.status) == (Kind.SENT_REPORT, "200", "failed:user block")
    assert report.message_id == ""
    notice = event(
        "subscribe_msg_sent_event",
        "<SubscribeMsgSentEvent><List><TemplateId>T</TemplateId><MsgID>201</MsgID><ErrorCode>0</ErrorCode>"
        "<ErrorStatus>success</ErrorStatus></List></SubscribeMsgSentEvent>",
    )
    assert (notice.kind, notice.report_id, notice.status) == (Kind.SENT_REPORT, "201", "success")


@pytest.mark.parametrize("fields", ["", "<MsgType/>", "<MsgType><a>b</a></MsgType>"])
def test_without_a_kind_there_is_no_message(fields: str) -> None:
    with pytest.raises(Malformed):
        read(fields)


# --- dedupe -------------------------------------------------------------------------------------------------


def test_a_message_is_known_by_its_id_whatever_else_differs() -> None:
    first = read("<MsgType>text</MsgType><Content>a</Content><MsgId>7</MsgId>")
    again = read(
        "<MsgType>text</MsgType><Content>b</Content><MsgId>7</MsgId>", COMMON.replace("600<", "601<")
    )
    assert dedupe_key(first, "gh_1") == dedupe_key(again, "gh_1") == "gh_1:msg:7"
    assert dedupe_key(first, "gh_2") != dedupe_key(first, "gh_1")


def test_events_without_an_id_are_told_apart() -> None:
    events = [
        event("template_card_event", CARD % "RC1", MEMBER),
        event("template_card_event", CARD % "RC2", MEMBER),
        event("template_card_event", (CARD % "RC1").replace("accept", "return"), MEMBER),
        event("template_card_event", (CARD % "RC1").replace("_v3", "_v4"), MEMBER),
        event("template_card_menu_event", CARD % "RC1", MEMBER),
        event("template_card_event", CARD % "RC1", MEMBER.replace("ZhangSan", "lisi")),
        event("template_card_event", CARD % "RC1", MEMBER.replace("100<", "101<")),
        event("enter_agent", "", MEMBER),
        event("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID>", MEMBER),
        event("TEMPLATESENDJOBFINISH", "<MsgID>2</MsgID>", MEMBER),
    ]
    keys = [dedupe_key(happened, "ww1") for happened in events]
    assert len(set(keys)) == len(events)
    assert keys == [dedupe_key(happened, "ww1") for happened in events]


def test_a_key_fits_its_column() -> None:
    assert len(dedupe_key(event("CLICK", f"<EventKey>{'k' * 1024}</EventKey>"), "g" * 300)) <= 200


# --- passive replies ----------------------------------------------------------------------------------------


def test_a_reply_cannot_be_forged_from_what_it_quotes() -> None:
    words = "您说：]]></Content><FromUserName>x</FromUserName>\x00"
    reply = read_xml(text_reply("oA", "gh_1", words, 1767225600.7))
    assert reply.get("Content") == words.rstrip("\x00")
    assert [reply.get(name) for name in ("ToUserName", "FromUserName", "CreateTime", "MsgType")] == [
        *("oA", "gh_1", "1767225600", "text"),
    ]


@given(st.text(alphabet="办成事a\n。 😀", max_size=200), st.integers(4, 60))
def test_a_split_loses_nothing_and_fits(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(len(piece.encode()) <= limit and piece.strip() for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_split_falls_after_a_line_or_a_sentence() -> None:
    assert split("办成。\n办不成。再办", 16) == ["办成。\n", "办不成。", "再办"]
    assert split("办" * 601) == ["办" * 600, "办"]
    assert split("") == split("\n") == []


# --- outgoing -----------------------------------------------------------------------------------------------


@dataclass
class Notebook(Wire):
    """A platform that writes down what it is asked and gives one answer."""

    answer: Answer = field(default_factory=lambda: Answer(0, "ok", {}))
    asked: list[tuple[str, Query, Mapping[str, object]]] = field(default_factory=list)

    def get(self, path: str, query: Query) -> Answer:
        self.asked.append((path, query, {}))
        return self.answer

    def post_json(self, path: str, query: Query, body: Mapping[str, object]) -> Answer:
        self.asked.append((path, query, body))
        return self.answer

    def download(self, path: str, query: Query, cap: int) -> Download | Answer:
        self.asked.append((path, query, {}))
        return Download("image/jpeg", b"")


class Fixed:
    def get(self, rejected: str | None = None) -> str:
        return "T"


APP = wecom_api.App("ww1", 1000002, "SECRET")
ACCOUNT = wechat_api.Account("wx1", "SECRET")
T = {"access_token": "T"}


@pytest.fixture
def wire() -> Notebook:
    return Notebook()


@pytest.fixture
def line(wire: Notebook) -> Line:
    return Line(wire, Fixed())


def test_the_calls_of_an_official_account(wire: Notebook, line: Line) -> None:
    wechat_api.send_text(line, "oA", "您好")
    wechat_api.send_menu(line, "oA", "请评分", [("101", "满意")], "谢谢")
    wechat_api.send_template(line, "oA", "TM", {"thing2": "执照"}, "https://x/", "k-1")
    wechat_api.get_media(line, "M", 9)
    send = "cgi-bin/message/custom/send"
    menu = {"head_content": "请评分", "list": [{"id": "101", "content": "满意"}], "tail_content": "谢谢"}
    template = {
        "touser": "oA",
        "template_id": "TM",
        "url": "https://x/",
        "client_msg_id": "k-1",
        "data": {"thing2": {"value": "执照"}},
    }
    assert wire.asked == [
        (send, T, {"touser": "oA", "msgtype": "text", "text": {"content": "您好"}}),
        (send, T, {"touser": "oA", "msgtype": "msgmenu", "msgmenu": menu}),
        ("cgi-bin/message/template/send", T, template),
        ("cgi-bin/media/get", T | {"media_id": "M"}, {}),
    ]


def test_a_repeated_sending_to_members_is_the_same_request(wire: Notebook, line: Line) -> None:
    for _ in range(2):
        wecom_api.send_card(line, APP, ["zhangsan", "lisi"], {"card_type": "button_interaction"})
    first, second = wire.asked
    assert first == second
    path, _, body = first
    assert (path, body["touser"], body["enable_duplicate_check"]) == ("message/send", "zhangsan|lisi", 1)


def test_an_update_always_says_whom_it_reaches(wire: Notebook, line: Line) -> None:
    wecom_api.update_card(line, APP, "RC", {"card_type": "text_notice"})
    wecom_api.update_card(line, APP, "RC", {"card_type": "text_notice"}, ["lisi"])
    (_, _, everybody), (_, _, one) = wire.asked
    assert everybody == {
        "agentid": 1000002,
        "response_code": "RC",
        "atall": 1,
        "template_card": {"card_type": "text_notice"},
    }
    assert one["userids"] == ["lisi"]
    assert "atall" not in one


def test_a_sending_that_missed_somebody_says_whom() -> None:
    answer = Answer(0, "ok", {"invaliduser": "Lisi|wangwu", "unlicenseduser": ""})
    assert wecom_api.missed(answer) == ("lisi", "wangwu")
    assert wecom_api.missed(Answer(0, "ok", {"invaliduser": ["lisi"]})) == ("lisi",)
    assert wecom_api.missed(Answer(0, "ok", {})) == ()


def test_groups(wire: Notebook, line: Line) -> None:
    wecom_api.create_chat(line, "unit1", "市监局", "zhangsan", ["zhangsan", "lisi"])
    wecom_api.send_to_chat(line, "unit1", "textcard", {"title": "新事项"})
    assert [path for path, _, _ in wire.asked] == ["appchat/create", "appchat/send"]
    assert wire.asked[1][2] == {"chatid": "unit1", "msgtype": "textcard", "textcard": {"title": "新事项"}}


def test_tokens_are_granted_or_refused(wire: Notebook) -> None:
    wire.answer = Answer(0, "", {"access_token": "A", "expires_in": 7200})
    assert wechat_api.stable_token(wire, ACCOUNT) == wecom_api.gettoken(wire, APP) == Grant("A", 7200)
    for answer in (Answer(40001, "", {}), Answer(0, "", {}), Answer(0, "", {"access_token": "A"})):
        wire.answer = answer
        with pytest.raises(TokenRefused):
            wecom_api.gettoken(wire, APP)


def test_sign_in_addresses() -> None:
    for url, expected in (
        (wechat_api.authorize_url(ACCOUNT, "https://x/a?b=1", "s1"), {"appid": ["wx1"], "state": ["s1"]}),
        (wecom_api.authorize_url(APP, "https://x/a?b=1", "s1"), {"appid": ["ww1"], "agentid": ["1000002"]}),
        (wecom_api.login_url(APP, "https://x/a?b=1", "s1"), {"login_type": ["CorpApp"], "state": ["s1"]}),
    ):
        query = parse_qs(urlsplit(url).query)
        assert query["redirect_uri"] == ["https://x/a?b=1"]
        assert expected.items() <= query.items()
    assert wechat_api.authorize_url(ACCOUNT, "u", "s").endswith("&state=s#wechat_redirect")


def test_a_reader_is_known_by_the_code_but_not_from_a_snapshot(wire: Notebook) -> None:
    wire.answer = Answer(0, "", {"openid": "oA"})
    assert wechat_api.openid_of_code(wire, ACCOUNT, "C") == "oA"
    for answer in (
        Answer(0, "", {"openid": "oA", "is_snapshotuser": 1}),
        Answer(40163, "", {}),
        Answer(0, "", {}),
    ):
        wire.answer = answer
        with pytest.raises(wechat_api.NotSignedIn):
            wechat_api.openid_of_code(wire, ACCOUNT, "C")


def test_a_member_is_known_by_the_code_but_nobody_elses(wire: Notebook, line: Line) -> None:
    wire.answer = Answer(0, "", {"userid": "ZhangSan"})
    assert wecom_api.userid_of_code(line, "C") == "zhangsan"
    for answer in (
        Answer(0, "", {"openid": "oA"}),
        Answer(0, "", {"userid": "ww2/lisi"}),
        Answer(40029, "", {}),
    ):
        wire.answer = answer
        with pytest.raises(wecom_api.NotAMember):
            wecom_api.userid_of_code(line, "C")


def test_secrets_stay_out_of_a_repr() -> None:
    assert "SECRET" not in repr(APP) + repr(ACCOUNT) + repr(Grant("SECRET", 1))
