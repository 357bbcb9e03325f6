"""The sealed envelope: what is authentic opens, and nothing else gets further than a bare refusal."""

import binascii
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import PrpCrypto
from wechatpy.enterprise.crypto import WeChatCrypto

from bot.channels.envelope import (
    BODY_CAP,
    EnvelopeError,
    Keys,
    Malformed,
    TooLarge,
    Unauthentic,
    cdata,
    open_sealed,
    read_xml,
    seal,
    signature,
    verify_url,
)

NOW = 1_700_000_000
AES = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
KEYS = Keys("testtoken", AES, "ww0000000000000001")
WECHAT = Keys("bbc-demo-token", AES, "wx0123456789abcdef")
TEXT = (
    "<xml><ToUserName><![CDATA[ww0000000000000001]]></ToUserName>"
    "<FromUserName><![CDATA[zhangsan]]></FromUserName><CreateTime>1700000000</CreateTime>"
    "<MsgType><![CDATA[text]]></MsgType><Content>%s</Content><MsgId>1</MsgId></xml>"
)


def sealed_part(reply: str) -> str:
    return read_xml(reply).get("Encrypt")


def signed(sealed: str, keys: Keys = KEYS, stamp: str = str(NOW), nonce: str = "n0nce") -> dict[str, str]:
    mark = signature(keys.token, stamp, nonce, sealed)
    return {"timestamp": stamp, "nonce": nonce, "msg_signature": mark}


def posted(inner: str, keys: Keys = KEYS) -> tuple[dict[str, str], bytes]:
    """An authentic request around `inner`."""
    sealed = sealed_part(seal(keys, inner, NOW, "x"))
    return signed(sealed, keys), f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode()


def sealed_block(block: bytes) -> tuple[dict[str, str], bytes]:
    """A rightly signed request around a block padded and filled by hand."""
    sealed = binascii.b2a_base64(KEYS.ciphers[0].encrypt(block), newline=False).decode()
    return signed(sealed), f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode()


def content(inner: str) -> str:
    query, body = posted(inner)
    return open_sealed(KEYS, query, body, NOW).get("Content")


# --- the documented vectors ---------------------------------------------------------------------------------

ECHO = "4j/AuRx71kQlxVlzbpsMWLDDd4ar5b5VIUm9XoFCLqvXd8fSbMsd+tbXHW+h3N7nHei2e0fN+mHZ2s7HnYi3fA=="
CHINESE = (
    "4j/AuRx71kQlxVlzbpsMWF12Dyrif6C/2tl4+Iz9Op1I5kcOKonypCgm0Zbt19rkYTVkaWrc16prjwQwJH+IRs+B4wtZpS0D"
    "RRBsKXLnOrPairVbnw+INXlRO8KbSlm3E6hF9SFy80yPjg8iML9YL1S9Nu7qwx1lisQ6IRCburw="
)
DEMO = (
    "4j/AuRx71kQlxVlzbpsMWAjuWMbrx5BAfaeqtW2ozxOKWul7RJ+CAH1SNJC8k8/QOt4aY8sytVKOPfAfYgBmfjQrMfgjmHJ+"
    "j3x6heeIrq4TbqqZOsDicYJ+GCa2XrXz"
)


@pytest.mark.parametrize(
    ("keys", "stamp", "nonce", "echo", "mark", "message"),
    [
        (KEYS, "1700000000", "n0nce", ECHO, "9c723871b27b2b7ea2ca46ed9e79e592c916888f", "echo-42"),
        (
            *(KEYS, "1700000000", "n0nce", CHINESE, "94daed7b204f0f44bf2e603c3e6d5a1153fd4f43"),
            "<xml><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[办不成事]]></Content></xml>",
        ),
        (
            *(WECHAT, "1767225600", "482913", DEMO, "7fbf83c852f12e37b4ec479ba33e1ac13f558745"),
            "<xml><ToUserName>gh_demo</ToUserName></xml>",
        ),
    ],
)
def test_the_vectors_of_both_platforms_open(
    keys: Keys, stamp: str, nonce: str, echo: str, mark: str, message: str
) -> None:
    query = {"timestamp": stamp, "nonce": nonce, "msg_signature": mark, "echostr": echo}
    assert verify_url(keys, query, encrypted=True) == message


def test_the_plain_check_of_an_official_account_is_echoed() -> None:
    query = {
        "signature": "9e12f5402e45471841e653e5036665e1f8db5ba9",
        "timestamp": "1767225600",
        "nonce": "482913",
        "echostr": "8125690271",
    }
    assert verify_url(WECHAT, query, encrypted=False) == "8125690271"
    for wrong in ({"signature": "0" * 40}, {"nonce": "482914"}, {"timestamp": ""}):
        with pytest.raises(Unauthentic):
            verify_url(WECHAT, query | wrong, encrypted=False)
    with pytest.raises(Malformed):
        verify_url(WECHAT, query | {"echostr": "<script>"}, encrypted=False)


# --- round trips --------------------------------------------------------------------------------------------


@given(st.text())
def test_what_we_seal_wechatpy_opens(text: str) -> None:
    inner = TEXT % cdata(text)
    sealed = sealed_part(seal(KEYS, inner, NOW, "abc"))
    crypto = WeChatCrypto(KEYS.token, KEYS.aes_key, KEYS.receiver_id)
    mark = signature(KEYS.token, str(NOW), "abc", sealed)
    assert crypto.decrypt_message({"Encrypt": sealed}, mark, str(NOW), "abc") == inner


@given(st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1))
def test_what_wechatpy_seals_we_open(text: str) -> None:
    sealed = PrpCrypto(binascii.a2b_base64(AES + "=")).encrypt(TEXT % cdata(text), KEYS.receiver_id).decode()
    body = f"<xml><ToUserName>ww</ToUserName><AgentID/><Encrypt>{sealed}</Encrypt></xml>".encode()
    fields = open_sealed(KEYS, signed(sealed), body, NOW)
    assert fields.get("FromUserName") == "zhangsan"
    assert (fields.get("Content") == text) or not text.isascii()


def test_the_reply_is_signed_as_it_says() -> None:
    reply = read_xml(seal(KEYS, "<xml/>", NOW + 0.9, "abc"))
    stamp, nonce, sealed = reply.get("TimeStamp"), reply.get("Nonce"), reply.get("Encrypt")
    assert (stamp, nonce) == (str(NOW), "abc")
    assert reply.get("MsgSignature") == signature(KEYS.token, stamp, nonce, sealed)


def test_the_previous_key_still_opens_and_no_longer_seals() -> None:
    new = replace(KEYS, aes_key="B" * 43, previous_aes_key=AES)
    query, body = posted(TEXT % "a")
    assert open_sealed(new, query, body, NOW).get("Content") == "a"
    query, body = posted(TEXT % "a", new)
    with pytest.raises(Unauthentic):
        open_sealed(KEYS, query, body, NOW)


def test_compatible_mode_reads_the_sealed_part_only() -> None:
    query, body = posted(TEXT % "sealed")
    both = body.replace(b"<xml>", b"<xml><Content><![CDATA[plain ]] <b> ]]></Content>\n", 1)
    assert open_sealed(KEYS, query, both, NOW).get("Content") == "sealed"


# --- authenticity -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"msg_signature": "0" * 40},
        {"msg_signature": ""},
        {"msg_signature": "签名"},
        {"msg_signature": "\ud800"},
        {"timestamp": str(NOW + 1)},
        {"timestamp": "17000000００"},
        {"timestamp": ""},
        {"nonce": "other"},
        {"nonce": ""},
        {"nonce": "n 0nce"},
    ],
)
def test_a_wrong_signature_is_refused(change: dict[str, str]) -> None:
    query, body = posted(TEXT % "a")
    with pytest.raises(Unauthentic):
        open_sealed(KEYS, query | change, body, NOW)
    for name in change:
        with pytest.raises(Unauthentic):
            open_sealed(KEYS, {k: v for k, v in query.items() if k != name}, body, NOW)


@pytest.mark.parametrize(
    ("stamp", "nonce"),
    [("1600000000", str(NOW)), ("", "17000000001600000000"), ("170000000", "01600000000")],
)
def test_a_signature_does_not_live_on_with_its_parts_traded(stamp: str, nonce: str) -> None:
    sealed = sealed_part(seal(KEYS, TEXT % "a", NOW, "x"))
    query = signed(sealed, stamp=str(NOW), nonce="1600000000")
    assert open_sealed(KEYS, query, f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode(), NOW)
    traded = query | {"timestamp": stamp, "nonce": nonce}
    with pytest.raises(Unauthentic):
        open_sealed(KEYS, traded, f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode(), NOW)


@pytest.mark.parametrize(("later", "opens"), [(600, True), (601, False), (-600, True), (-601, False)])
def test_a_request_is_fresh_for_ten_minutes_either_way(later: int, opens: bool) -> None:
    query, body = posted(TEXT % "a")
    if opens:
        assert open_sealed(KEYS, query, body, NOW + later)
    else:
        with pytest.raises(Unauthentic):
            open_sealed(KEYS, query, body, NOW + later)


@pytest.mark.parametrize(
    ("created", "error"),
    [
        (str(NOW - 86400), None),
        (str(NOW - 86401), Unauthentic),
        (str(NOW + 601), Unauthentic),
        ("", Malformed),
        ("1e9", Malformed),
        ("9" * 400, Malformed),
    ],
)
def test_an_old_message_in_a_fresh_envelope_is_refused(
    created: str, error: type[EnvelopeError] | None
) -> None:
    query, body = posted((TEXT % "a").replace("1700000000", created))
    if error is None:
        assert open_sealed(KEYS, query, body, NOW)
    else:
        with pytest.raises(error):
            open_sealed(KEYS, query, body, NOW)


def test_a_message_for_another_receiver_is_refused() -> None:
    query, body = posted(TEXT % "a", replace(KEYS, receiver_id="ww0000000000000002"))
    with pytest.raises(Unauthentic):
        open_sealed(KEYS, query, body, NOW)


MESSAGE = (TEXT % "a").encode()
FILLED = b"r" * 16 + len(MESSAGE).to_bytes(4, "big") + MESSAGE + KEYS.receiver


def padded(block: bytes, pad: Callable[[int], bytes]) -> bytes:
    return block + pad(32 - len(block) % 32)


@pytest.mark.parametrize(
    "block",
    [
        padded(FILLED, lambda n: b"\0" * n),
        padded(FILLED, lambda n: b"\x21" * n),
        padded(FILLED, lambda n: b"\1" * (n - 1) + bytes([n])),
        padded(b"r" * 16 + b"\xff\xff\xff\xff" + MESSAGE, lambda n: bytes([n]) * n),
        b"\x20" * 32,
        b"\0" * 32,
    ],
)
def test_wrong_padding_or_length_is_refused(block: bytes) -> None:
    with pytest.raises(Unauthentic):
        open_sealed(KEYS, *sealed_block(block), NOW)


def test_the_same_block_rightly_padded_opens() -> None:
    query, body = sealed_block(padded(FILLED, lambda n: bytes([n]) * n))
    assert open_sealed(KEYS, query, body, NOW).get("Content") == "a"


# --- shape --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"",
        lambda body: b"<xml/>",
        lambda body: b"\xff\xfe" + body,
        lambda body: body.replace(b"xml>", b"html>"),
        lambda body: body + b"<xml></xml>",
        lambda body: body.replace(b"<xml>", b"<xml a='1'>"),
        lambda body: body.replace(b"<Encrypt>", b"<Encrypt a='1'>"),
        lambda body: body.replace(b"Encrypt", b"Encrypted"),
        lambda body: body.replace(b"<xml>", b"<xml><Encrypt>QUJD</Encrypt>"),
        lambda body: body.replace(b"</xml>", b"<Encrypt/></xml>"),
        lambda body: body.replace(b"<Encrypt>", b"<Encrypt><b/>"),
        lambda body: b'<!DOCTYPE xml [<!ENTITY a "b">]>' + body,
        lambda body: body.replace(b"<xml>", b"<xml><a>&b;</a>"),
        lambda body: body.replace(b"CDATA[", b"CDATA[!"),
        lambda body: body.replace(b"CDATA[", b"CDATA[="),
        lambda body: body.replace(b"]]></Encrypt>", b"QQ==]]></Encrypt>"),
        lambda body: body.replace(b"]]></Encrypt>", b"</Encrypt>"),
        lambda body: b'{"Encrypt":"QUJD"}',
        lambda body: b"<xml>" + b"<a>" * 20000,
    ],
)
def test_an_envelope_of_another_shape_is_malformed(change: Callable[[bytes], bytes]) -> None:
    query, body = posted(TEXT % "a")
    with pytest.raises(Malformed):
        open_sealed(KEYS, query, change(body), NOW)


def test_too_long_a_body_is_not_looked_at() -> None:
    with pytest.raises(TooLarge):
        open_sealed(KEYS, {}, b"x" * (BODY_CAP + 1), NOW)


@pytest.mark.parametrize(
    "inner",
    [
        "",
        "text",
        "<xml>",
        "<Xml></Xml>",
        '<!DOCTYPE xml [<!ENTITY a "aaaa">]>' + TEXT % "&a;",
        '<?xml version="1.0"?><!DOCTYPE xml SYSTEM "file:///etc/passwd">' + TEXT % "a",
        "<!-- --><!DOCTYPE xml>" + TEXT % "a",
        TEXT % '<!DOCTYPE xml [<!ENTITY a "b">]>',
        TEXT % "&a;",
        TEXT % "&#0;",
        TEXT % "a]]></Content>",
        TEXT % "a</Content><Content>b",
        (TEXT % "a").replace("<MsgId>", "<CreateTime>1700000000</CreateTime><MsgId>"),
        TEXT % "a <b>c</b>",
        TEXT % "<b>c</b> d",
        TEXT % "<b a='1'>c</b>",
        TEXT % ("<b>" * 8 + "</b>" * 8),
        TEXT % ("<b>" * 5000 + "</b>" * 5000),
        TEXT % ("<item/>" * 600),
    ],
)
def test_a_sealed_message_of_another_shape_is_malformed(inner: str) -> None:
    with pytest.raises(Malformed):
        content(inner)


@given(st.binary(max_size=300), st.dictionaries(st.sampled_from(["timestamp", "nonce"]), st.text()))
def test_nothing_but_our_refusals_escapes_from_noise(noise: bytes, query: dict[str, str]) -> None:
    with pytest.raises(EnvelopeError):
        open_sealed(KEYS, query, noise, NOW)
    with pytest.raises(EnvelopeError):
        verify_url(KEYS, query | {"echostr": noise.decode("latin-1")}, encrypted=True)


@given(st.binary(max_size=200))
def test_nothing_but_our_refusals_escapes_from_sealed_noise(noise: bytes) -> None:
    block = b"r" * 16 + len(noise).to_bytes(4, "big") + noise + KEYS.receiver
    with pytest.raises(EnvelopeError):
        open_sealed(KEYS, *sealed_block(padded(block, lambda n: bytes([n]) * n)), NOW)


def test_a_refusal_tells_nothing() -> None:
    for error in (Unauthentic, Malformed, TooLarge):
        assert str(error()) == ""
    assert "testtoken" not in repr(KEYS)
    assert AES not in repr(KEYS)


# --- words --------------------------------------------------------------------------------------------------


def test_text_comes_clean() -> None:
    assert content(TEXT % "<![CDATA[ 卡在\ud7ff\ue000 第二步\u202e\x7f\n e\u0301 ]]>").endswith("第二步\n é")
    assert content(TEXT % "<![CDATA[<!DOCTYPE a> &amp; <b>]]>") == "<!DOCTYPE a> &amp; <b>"


@pytest.mark.parametrize("hidden", [b"\0", b"\x01", b"\xff", b"\xed\xa0\x80", b"\xef\xbf\xbf"])
def test_a_forbidden_character_in_an_authentic_message_cannot_close_its_section(hidden: bytes) -> None:
    typed = b"a]]" + hidden + b"></Content><FromUserName>lisi</FromUserName><Content>"
    message = (TEXT % "<![CDATA[%s]]>").encode().replace(b"%s", typed)
    block = b"r" * 16 + len(message).to_bytes(4, "big") + message + KEYS.receiver
    fields = open_sealed(KEYS, *sealed_block(padded(block, lambda n: bytes([n]) * n)), NOW)
    assert fields.get("FromUserName") == "zhangsan"
    assert fields.get("Content").startswith("a]]")


@given(st.text(alphabet="]>[<!CDATA&x办"))
def test_nothing_typed_leaves_its_section(text: str) -> None:
    assert read_xml(f"<xml><a>{cdata(text)}</a></xml>").get("a") == text


def test_repeated_elements_keep_their_order_and_their_parent() -> None:
    node = read_xml(
        "<xml><SelectedItems>"
        "<SelectedItem><QuestionKey>q1</QuestionKey><OptionIds><OptionId>a</OptionId></OptionIds></SelectedItem>"
        "<SelectedItem><QuestionKey>q2</QuestionKey>"
        "<OptionIds><OptionId>b</OptionId><OptionId>c</OptionId></OptionIds></SelectedItem>"
        "</SelectedItems></xml>"
    )
    items = node.items("SelectedItems/SelectedItem")
    assert [item.get("QuestionKey") for item in items] == ["q1", "q2"]
    assert [[o.text for o in item.items("OptionIds/OptionId")] for item in items] == [["a"], ["b", "c"]]
    assert node.items("Missing/Path") == ()


@pytest.mark.parametrize("aes", ["", "short", AES + "=", "!" * 43])
def test_keys_of_another_shape_are_refused_at_once(aes: str) -> None:
    with pytest.raises(ValueError, match="EncodingAESKey"):
        Keys("t", aes, "r")
