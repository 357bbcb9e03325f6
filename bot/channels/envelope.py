"""The sealed envelope of 公众号 (safe mode) and 企业微信: opened strictly, sealed, nothing else.

Both platforms seal alike: SHA-1 over the sorted Token, timestamp, nonce and ciphertext; AES-256-CBC over
16 random bytes, a big-endian length, the message and the receiver's id, padded to 32 bytes. The receiver's id
(AppID or CorpID) is the only difference and is part of `Keys`.

From wechatpy only the cipher is used: it is sound. Its envelope is not: parsed before the signature is
checked, compared in variable time, with unchecked padding and a dozen kinds of exception, at twice the cost.
The unproven outer envelope is matched by one linear pattern and never parsed. The message inside is read by
the standard library's parser, whose dangers all need a document type: there can be none, because the root
must come first.

What a caller may see: `Unauthentic`, `Malformed` or `TooLarge`, all without a word of the content.
"""

import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final
from xml.etree import ElementTree

from wechatpy.crypto.base import WeChatCipher

from core.privacy import clean

BODY_CAP: Final = 64 * 1024  # real callbacks stay below 8 KB
DEPTH_CAP: Final = 8
NODE_CAP: Final = 512
BLOCK: Final = 32
SKEW: Final = 600  # seconds either way; lets the platform's own repeats through
OLDEST: Final = 24 * 3600  # seconds; how old an authentic message may be

# Elements a platform really repeats among siblings; any other repetition is an attempt to be read twice.
REPEATED: Final = frozenset({"SelectedItem", "OptionId", "item", "List"})

_AES_KEY = re.compile(r"[A-Za-z0-9]{43}")
_SECONDS = re.compile(r"[0-9]{10}")
_NONCE = re.compile(r"[A-Za-z0-9]{1,64}")
_ECHO = re.compile(r"[A-Za-z0-9._~+/=-]{1,512}")
_ROOT_FIRST = re.compile(r"\s*(?:<\?xml [^<>]{0,100}\?>\s*)?<xml>")
# The outer envelope is read before anything is proven, so it is matched, not parsed: flat, with one Encrypt.
_OTHER = rb"<(?!Encrypt\b)(?:(\w++)>(?:<!\[CDATA\[(?:[^\]]|\](?!\]>))*+\]\]>|[^<&]*+)</\%d>|\w++/>)\s*+"
_OUTER = re.compile(
    rb"\s*+(?:<\?xml [^<>]*+\?>\s*+)?+<xml>\s*+(?:" + _OTHER % 1 + rb")*+"
    rb"<Encrypt>(?:<!\[CDATA\[(?P<marked>[A-Za-z0-9+/=]++)\]\]>|(?P<bare>[A-Za-z0-9+/=]++))</Encrypt>\s*+"
    rb"(?:" + _OTHER % 4 + rb")*+</xml>\s*+"
)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARK = "\ufdd0"  # stands for a forbidden character until `clean` takes it out


class EnvelopeError(Exception):
    """A request that is not taken in. `status` is the HTTP answer; there is deliberately no detail."""

    status: ClassVar[int]


class Unauthentic(EnvelopeError):
    """Not signed with our token, not sealed for us, or no longer fresh."""

    status = 403


class Malformed(EnvelopeError):
    """Not the shape the platform documents."""

    status = 400


class TooLarge(EnvelopeError):
    """More than `BODY_CAP` bytes."""

    status = 413


@dataclass(frozen=True)
class Keys:
    """The secrets of one callback address.

    `receiver_id` is the AppID (公众号) or CorpID (企业微信). `previous_aes_key` keeps messages readable while
    the key is being changed; replies are always sealed with the present one. ValueError if a key has the
    wrong shape.
    """

    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    receiver_id: str
    previous_aes_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        given = [self.aes_key] if self.previous_aes_key is None else [self.aes_key, self.previous_aes_key]
        if not self.token or not all(_AES_KEY.fullmatch(key) for key in given):
            raise ValueError("a callback needs a token and an EncodingAESKey of 43 letters and digits")

    @cached_property
    def ciphers(self) -> tuple[Any, ...]:
        """The present cipher, then the previous one if there is one."""
        texts = (self.aes_key, self.previous_aes_key)
        return tuple(WeChatCipher(binascii.a2b_base64(text + "=")) for text in texts if text)

    @cached_property
    def receiver(self) -> bytes:
        return self.receiver_id.encode()


class Node:
    """One element: the text of a leaf, or children by name. `source` of a root is the document it came from."""

    __slots__ = ("_children", "source", "text")

    def __init__(self, text: str, children: dict[str, list["Node"]]) -> None:
        self.text = text
        self.source = ""
        self._children = children

    def get(self, name: str) -> str:
        """The text of the child so named; empty if there is none or it is not a leaf."""
        children = self._children.get(name)
        return children[0].text if children else ""

    def items(self, path: str) -> tuple["Node", ...]:
        """Every node at `path` ("SelectedItems/SelectedItem"), in order of the document."""
        nodes = [self]
        for name in path.split("/"):
            nodes = [child for node in nodes for child in node._children.get(name, ())]
        return tuple(nodes)

    def __contains__(self, name: str) -> bool:
        return name in self._children


def signature(token: str, *parts: str) -> str:
    """The platforms' SHA-1 signature, lower-case hex. Without a ciphertext it is the 公众号's GET form."""
    return hashlib.sha1("".join(sorted((token, *parts))).encode()).hexdigest()


def verify_url(keys: Keys, query: Mapping[str, str], encrypted: bool) -> str:
    """What to answer, as text/plain, to the platform's GET check of the callback address.

    企业微信 seals and signs `echostr` (`encrypted`); the 公众号 sends it plain, and its `signature` does not
    cover it, hence the narrow alphabet. No freshness here: a repeated check learns only its own echo.
    """
    echo = query.get("echostr", "")
    if encrypted:
        ciphertext = _ciphertext(echo)
        _check_signature(keys, query, "msg_signature", echo)
        return _decoded(_decrypt(keys, ciphertext))
    _check_signature(keys, query, "signature")
    if not _ECHO.fullmatch(echo):
        raise Malformed
    return echo


def open_sealed(keys: Keys, query: Mapping[str, str], body: bytes, now: float) -> Node:
    """The fields of an authentic message. `now` in epoch seconds.

    Only the sealed part is ever read: in compatible mode the plain fields beside it are covered by no
    signature. Freshness is asked twice, because `timestamp` and `nonce` can trade digits under one
    signature while the message's own `CreateTime` is sealed.
    """
    if len(body) > BODY_CAP:
        raise TooLarge
    outer = _OUTER.fullmatch(body)
    if not outer:
        raise Malformed
    sealed = (outer["marked"] or outer["bare"]).decode()
    ciphertext = _ciphertext(sealed)
    stamp = query.get("timestamp", "")
    if not _SECONDS.fullmatch(stamp) or abs(now - int(stamp)) > SKEW:
        raise Unauthentic
    _check_signature(keys, query, "msg_signature", sealed)
    fields = read_xml(_decoded(_decrypt(keys, ciphertext)))
    created = fields.get("CreateTime")
    if not _SECONDS.fullmatch(created):
        raise Malformed
    if not -OLDEST <= int(created) - now <= SKEW:
        raise Unauthentic
    return fields


def seal(keys: Keys, xml: str, now: float, nonce: str) -> str:
    """The reply envelope around `xml`. `now` in epoch seconds, `nonce` letters and digits of our own."""
    message = xml.encode()
    plain = b"".join((secrets.token_bytes(16), len(message).to_bytes(4, "big"), message, keys.receiver))
    padding = BLOCK - len(plain) % BLOCK
    ciphertext = keys.ciphers[0].encrypt(plain + bytes((padding,)) * padding)
    sealed = binascii.b2a_base64(ciphertext, newline=False).decode()
    stamp = str(int(now))
    return (
        f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt>"
        f"<MsgSignature><![CDATA[{signature(keys.token, stamp, nonce, sealed)}]]></MsgSignature>"
        f"<TimeStamp>{stamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    )


def cdata(text: str) -> str:
    """`text` as a CDATA section it cannot leave, without the characters XML forbids."""
    return f"<![CDATA[{_ILLEGAL.sub('', text).replace(']]>', ']]]]><![CDATA[>')}]]>"


def read_xml(document: str) -> Node:
    """The root of a small document: root `xml`, no attributes, no mixed content, few nodes, little depth."""
    # A document type can only stand before the root; where the root comes first there are no entities.
    if not _ROOT_FIRST.match(document):
        raise Malformed
    try:
        root = ElementTree.XML(document)
    except (ElementTree.ParseError, ValueError):
        raise Malformed from None
    if len(list(root.iter())) > NODE_CAP:
        raise Malformed
    node = _node(root, 1)
    node.source = document
    return node


def _node(element: ElementTree.Element, depth: int) -> Node:
    text = element.text or ""
    if not len(element):
        return Node(_cleaned(text), {})
    if depth == DEPTH_CAP or not _blank(text):
        raise Malformed
    children: dict[str, list[Node]] = {}
    for child in element:
        name = child.tag
        if child.attrib or not _blank(child.tail) or (name in children and name not in REPEATED):
            raise Malformed
        children.setdefault(name, []).append(_node(child, depth + 1))
    return Node("", children)


def _cleaned(text: str) -> str:
    # Most fields are ids: nothing to clean in them.
    return text.strip() if text.isascii() and text.isprintable() else clean(text, BODY_CAP)


def _blank(text: str | None) -> bool:
    return not text or text.isspace()


def _check_signature(keys: Keys, query: Mapping[str, str], name: str, *sealed: str) -> None:
    stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not _SECONDS.fullmatch(stamp) or not _NONCE.fullmatch(nonce):
        raise Unauthentic
    given = query.get(name, "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, signature(keys.token, stamp, nonce, *sealed).encode()):
        raise Unauthentic


def _ciphertext(sealed: str) -> bytes:
    try:
        ciphertext = binascii.a2b_base64(sealed, strict_mode=True)
    except ValueError:
        raise Malformed from None
    if not ciphertext or len(ciphertext) % BLOCK:
        raise Malformed
    return ciphertext


def _decrypt(keys: Keys, ciphertext: bytes) -> bytes:
    for cipher in keys.ciphers:
        plain: bytes = cipher.decrypt(ciphertext)
        padding = plain[-1]
        content = len(plain) - padding
        end = 20 + int.from_bytes(plain[16:20], "big")
        if (
            1 <= padding <= BLOCK
            and plain[content:] == bytes((padding,)) * padding
            and end <= content
            and hmac.compare_digest(plain[end:content], keys.receiver)
        ):
            return plain[20:end]
    raise Unauthentic


def _decoded(message: bytes) -> str:
    """The sealed message as text. What XML forbids is replaced, not removed: removing it before the document
    is read could join the halves of a `]]>` that somebody typed."""
    return _ILLEGAL.sub(_MARK, message.decode("utf-8", "replace"))
