"""What keeps people's data closed: sealing at rest, masking on screen, cleaning and redacting words, safe logs.

Nothing here remembers, logs or sends, and no error ever carries what was sealed, or a key.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# ---- Sealing ----------------------------------------------------------------------------------------------

CipherName = Literal["aes", "sm4"]

_VERSIONS: dict[CipherName, int] = {"aes": 1, "sm4": 2}
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,16}")


class BadKeys(Exception):
    """The key setting cannot be used; the words are for the person who runs the service."""


class CannotOpen(Exception):
    """Something sealed does not open; the words are for the person who runs the service."""


class Vault:
    """Seals what is personal, under the active key of a ring; opens what any key of the ring sealed.

    A sealed blob is: version byte | length of the key id | key id | nonce | ciphertext with tag. Everything
    before the ciphertext, and `about`, is authenticated: a blob opens only where it was sealed for.
    """

    def __init__(self, keys: Mapping[str, bytes], active: str, cipher: CipherName = "aes") -> None:
        if cipher not in _VERSIONS:
            raise BadKeys("加密算法只能是 aes 或 sm4。")
        if active not in keys:
            raise BadKeys("密钥环里没有正在使用的密钥。")
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id):
                raise BadKeys("密钥编号只能用 1—16 个字母、数字、下划线或短横线。")
            if len(key) != _KEY_BYTES:
                raise BadKeys(f"密钥 {key_id} 的长度不对：应为 32 字节。")
        self.active = active
        self._version = _VERSIONS[cipher]
        self._aes = {key_id: AESGCM(_derived(key, b"seal aes")) for key_id, key in keys.items()}
        self._sm4 = {key_id: _derived(key, b"seal sm4")[:16] for key_id, key in keys.items()}
        self._index = {key_id: _derived(key, b"index") for key_id, key in keys.items()}
        self._chain = {key_id: _derived(key, b"chain") for key_id, key in keys.items()}

    @classmethod
    def from_setting(cls, setting: str, cipher: CipherName = "aes") -> "Vault":
        """The ring written as `k1:BASE64,k0:BASE64`: the first key is active, the others only open.

        Raises BadKeys.
        """
        keys: dict[str, bytes] = {}
        for entry in filter(None, (part.strip() for part in setting.split(","))):
            key_id, colon, encoded = entry.partition(":")
            if not colon:
                raise BadKeys("密钥设置的写法是 编号:密钥，多个之间用英文逗号隔开。")
            if key_id in keys:
                raise BadKeys("密钥设置里有两个相同的编号。")
            try:
                keys[key_id] = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                # The cause would quote the key.
                raise BadKeys("密钥设置里有一个密钥不是完整的 Base64。") from None
        if not keys:
            raise BadKeys("还没有设置密钥。")
        return cls(keys, next(iter(keys)), cipher)

    def seal(self, text: str, about: str = "") -> bytes:
        """`text` sealed under the active key, for the place `about` (a table and id, a storage key)."""
        return self.seal_bytes(text.encode("utf-8", "surrogatepass"), about)

    def open(self, blob: bytes, about: str = "") -> str:
        """What `seal` was given. Raises CannotOpen: damaged, of another place, or its key is gone."""
        return self.open_bytes(blob, about).decode("utf-8", "surrogatepass")

    def seal_bytes(self, data: bytes, about: str = "") -> bytes:
        key_id, nonce = self.active, os.urandom(_NONCE_BYTES)
        head = bytes((self._version, len(key_id))) + key_id.encode("ascii") + nonce
        bound = _bound(head, about)
        if self._version == _VERSIONS["aes"]:
            return head + self._aes[key_id].encrypt(nonce, data, bound)
        sealing = Cipher(algorithms.SM4(self._sm4[key_id]), modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(bound)
        return head + sealing.update(data) + sealing.finalize() + sealing.tag

    def open_bytes(self, blob: bytes, about: str = "") -> bytes:
        """What `seal_bytes` was given, whichever cipher it was sealed with. Raises CannotOpen."""
        version, key_id, start = _head(blob)
        if key_id not in self._aes:
            raise CannotOpen(f"密钥 {key_id} 不在密钥环里：请把旧密钥补回设置。")
        head, sealed = blob[:start], blob[start:]
        nonce, bound = head[-_NONCE_BYTES:], _bound(head, about)
        try:
            if version == _VERSIONS["aes"]:
                return self._aes[key_id].decrypt(nonce, sealed, bound)
            tag = sealed[-_TAG_BYTES:]
            opening = Cipher(algorithms.SM4(self._sm4[key_id]), modes.GCM(nonce, tag)).decryptor()
            opening.authenticate_additional_data(bound)
            return opening.update(sealed[:-_TAG_BYTES]) + opening.finalize()
        except InvalidTag:
            raise CannotOpen("加密数据打不开：内容被改动过，或不属于这里。") from None

    def is_stale(self, blob: bytes) -> bool:
        """Whether `blob` is to be sealed anew: under an older key, or with the cipher used before."""
        version, key_id, _ = _head(blob)
        return (version, key_id) != (self._version, self.active)

    def index(self, text: str) -> str:
        """A keyed fingerprint of `text` to look it up by; numbers written in different ways are equal."""
        return _fingerprint(self._index[self.active], text)

    def link(self, text: str) -> str:
        """A keyed digest that ties a line of the event log to the one before it."""
        return hmac.digest(self._chain[self.active], text.encode("utf-8"), hashlib.sha256).hex()

    def links(self, text: str) -> tuple[str, ...]:
        """The digests of `text` under every key: a line may have been written under an older one."""
        data = text.encode("utf-8")
        return tuple(hmac.digest(key, data, hashlib.sha256).hex() for key in self._chain.values())


def make_key() -> str:
    """A new random key as Base64: to be put behind the others of the setting, and before them once every process
    has it."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode("ascii")


def _derived(key: bytes, purpose: bytes) -> bytes:
    # One key in the setting, one for each purpose: a fingerprint must tell nothing about the seal.
    return hmac.digest(key, b"bancheng " + purpose, hashlib.sha256)


def _bound(head: bytes, about: str) -> bytes:
    return head + about.encode("utf-8", "surrogatepass")


def _head(blob: bytes) -> tuple[int, str, int]:
    """The version, the key id, and where the ciphertext of `blob` starts."""
    start = 2 + (blob[1] if len(blob) > 1 else 0) + _NONCE_BYTES
    key_id = blob[2 : start - _NONCE_BYTES].decode("latin-1")
    # Only what looks like a key id may be named in an error: this may be anything but a blob.
    well_formed = len(blob) >= start + _TAG_BYTES and blob[0] in _VERSIONS.values()
    if not (well_formed and _KEY_ID.fullmatch(key_id)):
        raise CannotOpen("加密数据不完整，打不开。")
    return blob[0], key_id, start


def _fingerprint(key: bytes, text: str) -> str:
    same = normal_phone(text) or unicodedata.normalize("NFKC", text).casefold().strip()
    return hmac.new(key, same.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


_PHONE_MARKS = re.compile(r"[\s\-‐-―()+.·]+")
_COUNTRY = re.compile(r"(?:00)?86(?=1[3-9]\d{9}$|0\d{9,11}$)")


def normal_phone(text: str) -> str | None:
    """The digits of a telephone number, without country code, spaces and marks; None if it is none."""
    digits = _PHONE_MARKS.sub("", unicodedata.normalize("NFKC", text[:64]))
    if len(text) > 64 or not (digits.isascii() and digits.isdigit() and 3 <= len(digits) <= 20):
        return None
    return _COUNTRY.sub("", digits, count=1)


# ---- Masking ----------------------------------------------------------------------------------------------

Kind = Literal["name", "phone", "email", "address", "id_number", "text"]

HIDDEN = "〔已隐去〕"
_STARS = "****"
# Two characters are the surname only where a given name follows.
_SURNAME = re.compile(
    "(?:欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|司徒|夏侯|轩辕|端木"
    "|独孤|南宫|西门|东郭|百里|呼延|闻人|澹台|公冶|太史|申屠|钟离|鲜于|闾丘|司空|公羊|赫连"
    "|濮阳|淳于|单于|万俟|拓跋|第五|左丘|梁丘|亓官|巫马|公西|漆雕|乐正|宰父|谷梁|段干|东野|微生|羊舌|纳兰|完颜|叶赫)(?=.)|."
)
_LANDLINE = re.compile(r"(0(?:10|2\d|[3-9]\d{2}))(\d{3,4})(\d{4})")
_DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")
# Province, city and district are kept. A 小区 or 园区 is no district but a place where somebody lives.
_REGION = re.compile(
    r"(?:[\u4e00-\u9fff]{2,4}省|[\u4e00-\u9fff]{2,5}自治区|(?:北京|上海|天津|重庆)(?=市))?"
    r"(?:[\u4e00-\u9fff]{1,6}?(?:市|自治州|盟|地区))?"
    r"(?:[\u4e00-\u9fff]{1,3}?(?:区(?<!小区)(?<!社区)(?<!园区)(?<!院区)(?<!校区)(?<!片区)|县|旗)(?!城))?"
)


def mask(kind: Kind, text: str) -> str:
    """`text` as it may be shown to somebody who has no need of the whole: 张*, 138****1234.

    What does not look like its kind is hidden altogether; free text always is. Nothing stays nothing.
    """
    text = text.strip()
    return _MASKS[kind](text) if text else ""


def _mask_name(text: str) -> str:
    surname = _SURNAME.match(text)
    if surname is None or len(text) == 1:
        return "*"
    # A long name is not told by its length.
    return surname[0] + "*" * min(2, len(text) - len(surname[0]))


def _mask_phone(text: str) -> str:
    digits = normal_phone(text) or ""
    if len(digits) == 11 and digits.startswith("1"):
        return f"{digits[:3]}{_STARS}{digits[-4:]}"
    if landline := _LANDLINE.fullmatch(digits):
        return f"{landline[1]}-{_STARS}{landline[3]}"
    return _STARS + (digits[-2:] if len(digits) >= 7 else "")


def _mask_email(text: str) -> str:
    local, _, domain = text.rpartition("@")
    first = local[0] if len(local) > 2 else ""
    return f"{first}***@{domain}" if local and _DOMAIN.fullmatch(domain) else _STARS


def _mask_address(text: str) -> str:
    region = _REGION.match(text)
    kept = region[0] if region else ""
    return (kept if len(kept) < len(text) else "") + _STARS


def _mask_id_number(text: str) -> str:
    return f"{text[:3]}{'*' * (len(text) - 5)}{text[-2:]}" if _ID_NUMBER.fullmatch(text) else _STARS


_ID_NUMBER = re.compile(r"[0-9]{17}[0-9Xx]|[0-9]{15}")
_MASKS: dict[Kind, Callable[[str], str]] = {
    "name": _mask_name,
    "phone": _mask_phone,
    "email": _mask_email,
    "address": _mask_address,
    "id_number": _mask_id_number,
    "text": lambda text: HIDDEN,
}

# ---- Words of strangers -----------------------------------------------------------------------------------

_MOST_MARKS = 4  # Vietnamese takes two on a letter, Tibetan up to four; more is only meant to break a page.
_LINE_ENDS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_UNWANTED = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # seen by nobody
    "\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # zero width, direction of writing
    "\ud800-\udfff"  # halves of characters
    "\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff"  # no characters
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # tags: words that only machines read
    "]"
)
_EMOJI = "\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
# The joiner that makes a family of three people stays inside emoji; elsewhere it hides words from a search.
_STRAY_JOINER = re.compile(f"(?<![{_EMOJI}\ufe0f])\u200d|\u200d(?![{_EMOJI}])")
_MARKS_AMONG = re.compile(rf"[^\w\s]{{{_MOST_MARKS + 1},}}")


def clean(text: str, limit: int) -> str:
    """Hostile text made harmless, at most `limit` characters: NFC, no NUL, no halves, no invisible signs.

    New lines and tabs stay, emoji too. Cleaning twice changes nothing more. Costs grow with the length only.
    """
    if not text.isascii():
        # Marks are thinned first: putting thousands of them in order takes quadratic time.
        text = _LINE_ENDS.sub("\n", text)
        text = _STRAY_JOINER.sub("", _UNWANTED.sub("", text))
        text = _thin(unicodedata.normalize("NFC", _thin(text)))
    else:
        text = _UNWANTED.sub("", _LINE_ENDS.sub("\n", text))
    return text.strip()[:limit].rstrip("\u200d").strip()


def _thin(text: str) -> str:
    # Marks are not \w: only a run of such signs can hold too many, and most texts have none.
    return _MARKS_AMONG.sub(lambda run: "".join(_without_piles(run[0])), text)


def _without_piles(run: str) -> Iterable[str]:
    pile = 0
    for sign in run:
        pile = pile + 1 if unicodedata.category(sign)[0] == "M" else 0
        if pile <= _MOST_MARKS:
            yield sign


# What people put between the digits of a number; \ufe0f and \u20e3 make a digit a key cap.
_GAP = r"[\s\-‐-―－_.,·．*/()（）\ufe0f\u20e3]{0,3}"
_DAY = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_PERSONAL = re.compile(
    "|".join(
        (
            r"[A-Za-z0-9._%+-]{1,64}[@＠][A-Za-z0-9-]{1,63}(?:[.．。][A-Za-z0-9-]{1,63})+",  # e-mail
            # identity number
            rf"[1-9](?:{_GAP}\d){{5}}{_GAP}(?:1{_GAP}9|2{_GAP}0)(?:{_GAP}\d){{9}}{_GAP}[\dXxＸｘ](?!\d)",
            rf"(?<!\d)(?:(?:\+|00)?86{_GAP})?[1１]{_GAP}[3-9３-９](?:{_GAP}\d){{9}}(?!\d)",  # mobile
            rf"(?<!\d)[(（]?[0０]\d{{2,3}}{_GAP}\d{{3,4}}{_GAP}\d{{4}}(?!\d)",  # landline
            r"\d{10,}[Xx]?",  # any other long number: a card, an older identity number, two numbers joined
            rf"(?<!\d)(?!{_DAY}(?!\d))[2-8]\d{{6,7}}(?![\d元万平])",  # landline without its area
            r"[〇○零幺一二三四五六七八九]{7,}",  # a number in words
        )
    )
)


def redact(text: str) -> str:
    """Cleaned `text` with every telephone, e-mail and identity number replaced by 〔已隐去〕.

    A help for the person who redacts (AMB-G21), not in place of them: names and places are not found.
    """
    return _PERSONAL.sub(HIDDEN, text)


_PLATE = (
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z][ ·.]?"
    r"(?=[A-Za-z0-9]{0,5}\d)[A-Za-z0-9]{5,6}(?![A-Za-z0-9])"
)
_NUMBERED = r"[\dA-Za-z一二三四五六七八九十]{1,5}"
_HOME = (
    r"(?:[\u4e00-\u9fff]{1,8}?(?:路|街|大道|巷|弄|村|小区|花园|苑|里|坊|庄|新村|公寓))?"
    rf"(?:{_NUMBERED}(?:号楼|号|栋|幢|单元|弄|组)){{0,8}}{_NUMBERED}(?:号楼|栋|幢|单元|室)(?:{_NUMBERED}(?:室|号|户)?)?"
    r"|[\u4e00-\u9fff]{1,8}?(?:路|街|大道|巷|弄)\d{1,5}号"
)
_CERTAIN = re.compile(f"{_PLATE}|{_HOME}")
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范"
    "金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_CALLED = re.compile(
    rf"(?:[{_SURNAMES}]|欧阳|司马|上官|诸葛)[\u4e00-\u9fff]{{0,2}}?(?=女士|先生|师傅|阿姨|大爷|大妈|老师|主任|科长|局长|所长|经理|警官)"
)
_NAMED = re.compile(rf"(?<=我叫|名叫|叫做|名是|字是)[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}(?![\u4e00-\u9fff])")


def personal_in(text: str, names: Iterable[str] = ()) -> bool:
    """Whether a text certainly holds something personal: a number, address or plate, or one of the `names`."""
    return bool(
        _PERSONAL.search(text) or _CERTAIN.search(text) or any(name and name in text for name in names)
    )


def anonymous(text: str, names: Mapping[str, str]) -> str:
    """Cleaned `text` without what points to somebody: the `names` known of a matter (name → what to write instead),
    numbers, plates and homes, people called by their surname and title.

    A first draft for the person who edits it, never in place of her: a name nobody told us is not found.
    """
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, names[name])
    return _NAMED.sub("某", _CALLED.sub("某", _CERTAIN.sub(HIDDEN, redact(text))))


def frames(error: Exception) -> str:
    """What may be logged of a bug: its kind and where it happened. Its text may hold what a person said."""
    where = traceback.extract_tb(error.__traceback__)
    return " < ".join([type(error).__name__, *(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(where))])
