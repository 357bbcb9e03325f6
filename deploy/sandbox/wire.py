"""The envelope 公众号 and 企业微信 share: a SHA-1 signature, AES-256-CBC, and a small XML dialect."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

BLOCK = 32  # the platforms pad to 32 bytes, not to AES's 16

Fields = Mapping[str, Any]  # str, int, a nested mapping, or a sequence of these for a repeated element


class BadEnvelope(ValueError):
    """A body that is not what its sender was to send: XML, signature, padding or receiver."""


@dataclass(frozen=True)
class Keys:
    """What the console shows of a callback: Token, EncodingAESKey (43 characters), and who receives."""

    token: str
    aes_key: str
    receiver: str

    @property
    def cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def encrypt(keys: Keys, message: str, prefix: bytes = b"") -> str:
    """Base64 of 16 random bytes (or `prefix`), the length, the message and the receiver."""
    body = message.encode()
    block = (prefix or secrets.token_bytes(16)) + len(body).to_bytes(4, "big") + body + keys.receiver.encode()
    pad = BLOCK - len(block) % BLOCK
    step = keys.cipher.encryptor()
    return base64.b64encode(step.update(block + bytes([pad]) * pad) + step.finalize()).decode()


def decrypt(keys: Keys, text: str) -> str:
    """The message inside; BadEnvelope when padding, length or receiver are wrong."""
    try:
        step = keys.cipher.decryptor()
        block = step.update(base64.b64decode(text, validate=True)) + step.finalize()
        pad = block[-1]
        if not 1 <= pad <= BLOCK or block[-pad:] != bytes([pad]) * pad:
            raise BadEnvelope("padding")
        block = block[:-pad]
        end = 20 + int.from_bytes(block[16:20], "big")
        message, receiver = block[20:end].decode(), block[end:].decode()
    except (IndexError, binascii.Error, ValueError) as error:
        raise BadEnvelope(str(error)) from error
    if receiver != keys.receiver:
        raise BadEnvelope("receiver")
    return message


def build(fields: Fields) -> str:
    """`<xml>…</xml>`: strings in CDATA, integers bare, mappings nested, sequences repeated."""
    return f"<xml>{_inside(fields)}</xml>"


def _inside(fields: Fields) -> str:
    return "".join(_element(name, value) for name, value in fields.items())


def _element(name: str, value: Any) -> str:
    match value:
        case str():
            text = "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"
        case int():
            text = str(value)
        case Mapping():
            text = _inside(value)
        case Sequence():
            return "".join(_element(name, one) for one in value)
        case _:
            raise TypeError(type(value))
    return f"<{name}>{text}</{name}>"


def parse(text: str) -> dict[str, Any]:
    """The fields of an `<xml>` document: leaves are str, a repeated element is a list; or BadEnvelope."""
    try:
        root = ElementTree.fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException) as error:
        raise BadEnvelope("not XML") from error
    if root.tag != "xml":
        raise BadEnvelope("root")
    return _fields(root)


def _fields(parent: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in parent:
        value = _fields(child) if len(child) else child.text or ""
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found


def open_reply(keys: Keys, text: str) -> dict[str, Any]:
    """The fields of an encrypted passive reply, its signature checked; BadEnvelope otherwise."""
    outer = parse(text)
    try:
        parts = outer["TimeStamp"], outer["Nonce"], outer["Encrypt"]
        given = outer["MsgSignature"]
    except KeyError as error:
        raise BadEnvelope(f"no {error.args[0]}") from error
    if not all(isinstance(part, str) for part in (*parts, given)):
        raise BadEnvelope("repeated element")
    if not hmac.compare_digest(signature(keys.token, *parts).encode(), given.encode()):
        raise BadEnvelope("signature")
    return parse(decrypt(keys, parts[2]))
