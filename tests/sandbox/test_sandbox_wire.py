"""The envelope, against the documented vectors."""

import pytest

from deploy.sandbox import wire

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
CORP = wire.Keys("testtoken", KEY, "ww0000000000000001")
ACCOUNT = wire.Keys("bbc-demo-token", KEY, "wx0123456789abcdef")
RANDOM = b"0123456789abcdef"
CHINESE = "<xml><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[办不成事]]></Content></xml>"


@pytest.mark.parametrize(
    ("keys", "message", "timestamp", "nonce", "encrypted", "signature"),
    [
        (
            CORP, "echo-42", "1700000000", "n0nce",
            "4j/AuRx71kQlxVlzbpsMWLDDd4ar5b5VIUm9XoFCLqvXd8fSbMsd+tbXHW+h3N7nHei2e0fN+mHZ2s7HnYi3fA==",
            "9c723871b27b2b7ea2ca46ed9e79e592c916888f",
        ),
        (
            CORP, CHINESE, "1700000000", "n0nce",
            "4j/AuRx71kQlxVlzbpsMWF12Dyrif6C/2tl4+Iz9Op1I5kcOKonypCgm0Zbt19rkYTVkaWrc16prjwQwJH+IRs+B4wtZpS0"
            "DRRBsKXLnOrPairVbnw+INXlRO8KbSlm3E6hF9SFy80yPjg8iML9YL1S9Nu7qwx1lisQ6IRCburw=",
            "94daed7b204f0f44bf2e603c3e6d5a1153fd4f43",
        ),
        (
            ACCOUNT, "<xml><ToUserName>gh_demo</ToUserName></xml>", "1767225600", "482913",
            "4j/AuRx71kQlxVlzbpsMWAjuWMbrx5BAfaeqtW2ozxOKWul7RJ+CAH1SNJC8k8/QOt4aY8sytVKOPfAfYgBmfjQrMfgjmHJ"
            "+j3x6heeIrq4TbqqZOsDicYJ+GCa2XrXz",
            "7fbf83c852f12e37b4ec479ba33e1ac13f558745",
        ),
    ],
)  # fmt: skip
def test_the_documented_vectors(
    keys: wire.Keys, message: str, timestamp: str, nonce: str, encrypted: str, signature: str
) -> None:
    assert wire.encrypt(keys, message, RANDOM) == encrypted
    assert wire.decrypt(keys, encrypted) == message
    assert wire.signature(keys.token, timestamp, nonce, encrypted) == signature


def test_the_plain_signature_of_an_account() -> None:
    assert (
        wire.signature("bbc-demo-token", "1767225600", "482913") == "9e12f5402e45471841e653e5036665e1f8db5ba9"
    )


def test_a_message_for_somebody_else_is_refused() -> None:
    with pytest.raises(wire.BadEnvelope):
        wire.decrypt(ACCOUNT, wire.encrypt(CORP, "echo-42"))


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "QUFBQUFBQUFBQUFBQUFBQQ=="])
def test_what_cannot_be_decrypted_is_refused(text: str) -> None:
    with pytest.raises(wire.BadEnvelope):
        wire.decrypt(CORP, text)


def test_xml_round_trip_keeps_repeats_nesting_and_awkward_text() -> None:
    fields = {"A": "x]]>y<&", "N": 7, "Items": {"Item": ["一", "二"]}}
    assert wire.parse(wire.build(fields)) == {"A": "x]]>y<&", "N": "7", "Items": {"Item": ["一", "二"]}}


@pytest.mark.parametrize("text", ["", "{}", "<a/>", '<!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>'])
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(wire.BadEnvelope):
        wire.parse(text)
