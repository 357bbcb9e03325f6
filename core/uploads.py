"""Files people send: looked into, made harmless, sealed and put away under a random name.

A file is what its content says, never what its name or the platform claims. The folder lies outside the web
root; who may load a file is decided elsewhere.
"""

import hashlib
import io
import os
import re
import secrets
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import puremagic
from PIL import Image, ImageOps

from core import metadata
from core.privacy import Vault, clean

Code = Literal["empty", "too_big", "kind_not_allowed", "corrupt", "name_lies"]

MAX_PIXELS = 64_000_000  # what a good telephone takes; decoded, four bytes each
KEPT_PIXELS = 16_000_000  # a page of A4 at 400 dpi; larger pictures are made smaller
MAX_UNPACKED = 64 * 1024 * 1024  # bytes of a document once unzipped
MAX_MEMBERS = 2_000  # files inside a document


class Refused(Exception):
    """A file that is not taken. `code` says why; the words for the sender are in templates/."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Kind:
    name: str
    mime: str
    suffixes: tuple[str, ...]  # names it may come with; the first is the one it is given


@dataclass(frozen=True)
class Accepted:
    """A file as it may be kept: `data` is what to store, which for pictures is not what was sent."""

    kind: str
    mime: str
    suffix: str
    data: bytes
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Stored:
    key: str
    sha256: str  # of the content, not of the sealed file
    size: int  # bytes of the content


KINDS = {
    kind.name: kind
    for kind in (
        Kind("jpeg", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif")),
        Kind("png", "image/png", (".png",)),
        Kind("gif", "image/gif", (".gif",)),
        Kind("webp", "image/webp", (".webp",)),
        Kind("heic", "image/heic", (".heic", ".heif", ".hif")),
        Kind("pdf", "application/pdf", (".pdf",)),
        Kind("doc", "application/msword", (".doc",)),
        Kind("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", (".docx",)),
        Kind("xls", "application/vnd.ms-excel", (".xls",)),
        Kind("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (".xlsx",)),
        Kind("amr", "audio/amr", (".amr",)),
        Kind("mp3", "audio/mpeg", (".mp3",)),
        Kind("mp4", "video/mp4", (".mp4", ".m4v", ".m4a")),
        Kind("mov", "video/quicktime", (".mov", ".qt")),
        Kind("wav", "audio/wav", (".wav",)),
        Kind("txt", "text/plain; charset=utf-8", (".txt",)),
    )
}
_PICTURES = frozenset({"jpeg", "png", "gif", "webp"})
# Telephones and people change these endings for each other; what a file is, its content says anyway.
_ALIKE = (_PICTURES | {"heic"}, {"mp4", "mov"})
_NAMED = {suffix: kind.name for kind in KINDS.values() for suffix in kind.suffixes}


def inspect(data: bytes, claimed_name: str, cap: int) -> Accepted:
    """The file as it may be kept. `cap` is the most bytes taken; `claimed_name` may be empty.

    Pictures are drawn anew: place, camera and comments are gone, of an animation the first picture stays,
    and a picture under the name of another kind of picture is forgiven. A telephone's heic is kept as it is, to be
    downloaded; of it, of films and of zipped Office documents goes what tells where and by whom they were made
    (`core.metadata`). Text becomes UTF-8.

    Raises Refused: `empty`, `too_big` (also once unpacked), `kind_not_allowed`, `corrupt`, or `name_lies`
    (the content is something else than the name says).
    """
    if not data:
        raise Refused("empty")
    if len(data) > cap:
        raise Refused("too_big")
    suffix = _suffix_of(claimed_name)
    claimed = _NAMED.get(suffix)
    name = _kind_of(data, claimed)
    if name is None:
        raise Refused(_why_unknown(data, claimed))
    if suffix and name != claimed and not any({name, claimed} <= alike for alike in _ALIKE):
        raise Refused("name_lies")
    kind = KINDS[name]
    if name in _PICTURES:
        drawn, width, height = _drawn_anew(data, name)
        return Accepted(name, kind.mime, kind.suffixes[0], drawn, width, height)
    if name == "txt":
        data = (_text(data) or "").encode("utf-8")
    elif not _SOUND[name](data):
        raise Refused("corrupt")
    elif name in _QUIETED:
        data = _quieted(data, name)
    return Accepted(name, kind.mime, kind.suffixes[0], data)


def _quieted(data: bytes, name: str) -> bytes:
    try:
        return _QUIETED[name](data)
    except Exception:
        # As with pictures: hostile bytes may make a reader fail in any way.
        raise Refused("corrupt") from None


def _suffix_of(name: str) -> str:
    """What `name` ends in, if that is a claim to a kind: 现场2022.4.11 makes none."""
    ending = _SUFFIX.search(name.strip().lower())
    return ending[0] if ending else ""


_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{0,7}$")


def _kind_of(data: bytes, claimed: str | None) -> str | None:
    """What `data` begins as. `claimed` decides only where one file may rightly be two kinds."""
    if data.startswith(_OLE):
        found = _ole_kinds(data)
        return claimed if claimed in found else next(iter(found), None)
    if data.startswith(b"PK\x03\x04"):
        return _office_kind(data)
    opening = next((name for name, begins in _OPENINGS if begins.match(data)), None)
    return opening or ("txt" if _text(data) is not None else None)


def _why_unknown(data: bytes, claimed: str | None) -> Code:
    if claimed is None:
        return "kind_not_allowed"
    try:
        return "name_lies" if puremagic.magic_string(data[:4096]) else "corrupt"
    except (puremagic.PureError, ValueError):
        return "corrupt"


_OPENINGS = tuple(
    (name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("jpeg", rb"\xff\xd8\xff"),
        ("png", rb"\x89PNG\r\n\x1a\n"),
        ("gif", rb"GIF8[79]a"),
        ("webp", rb"RIFF.{4}WEBP"),
        ("wav", rb"RIFF.{4}WAVE"),
        ("pdf", rb"%PDF-\d"),
        ("amr", rb"#!AMR(?:-WB)?\n"),
        # 3gp is what Android recorders write into .mp4.
        ("heic", rb".{4}ftyp(?:hei[cxms]|hev[cxms]|mif1.{4}(?:.{4}){0,16}?hei[cxms])"),
        ("mov", rb".{4}ftypqt  "),
        ("mp4", rb".{4}ftyp(?:iso\w|mp4[12]|avc1|dash|MSNV|M4[AV] |3gp\d)"),
        ("mp3", rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
    )
)

# ---- Pictures ---------------------------------------------------------------------------------------------


def _drawn_anew(data: bytes, name: str) -> tuple[bytes, int, int]:
    """The picture without anything but its pixels, upright, with its width and height."""
    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with Image.open(io.BytesIO(data), formats=(name.upper(),)) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise Refused("too_big")
            return _redraw(picture, name)
    except bombs:
        raise Refused("too_big") from None
    except Refused:
        raise
    except Exception:
        # A decoder given hostile bytes may fail in any way; each of them means the same.
        raise Refused("corrupt") from None


def _redraw(picture: Image.Image, name: str) -> tuple[bytes, int, int]:
    if (pixels := picture.width * picture.height) > KEPT_PIXELS:
        scale = (KEPT_PIXELS / pixels) ** 0.5
        picture.thumbnail((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))))
    upright = ImageOps.exif_transpose(picture)
    if name == "jpeg" and upright.mode != "L":
        upright = upright.convert("RGB")
    # Writers take comments, profiles and positions from `info`; the colour that is see-through must stay.
    upright.info = {key: upright.info[key] for key in ("transparency",) if key in upright.info}
    drawn = io.BytesIO()
    upright.save(drawn, format=name.upper(), **({"quality": 88} if name in ("jpeg", "webp") else {}))
    return drawn.getvalue(), upright.width, upright.height


# ---- Documents --------------------------------------------------------------------------------------------

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def _ole_kinds(data: bytes) -> list[str]:
    """What an older Office file holds; nothing where it holds macros, or is no such document."""
    if _has_stream(data, "_VBA_PROJECT"):
        return []
    streams = {"doc": ("WordDocument",), "xls": ("Workbook", "Book")}
    return [kind for kind, names in streams.items() if any(_has_stream(data, name) for name in names)]


def _has_stream(data: bytes, name: str) -> bool:
    # Directory entries begin with their name, padded to 64 bytes, at multiples of 128.
    entry = name.encode("utf-16-le").ljust(64, b"\0")
    at = data.find(entry)
    while at != -1 and at % 128:
        at = data.find(entry, at + 1)
    return at != -1


def _office_kind(data: bytes) -> str | None:
    """What a zipped Office file holds; None for any other archive and for one with macros."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
                raise Refused("too_big")
            names = {member.filename for member in members}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeError):
        raise Refused("corrupt") from None
    if "[Content_Types].xml" not in names or any(name.endswith("vbaProject.bin") for name in names):
        return None
    parts = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx"}
    return next((kind for part, kind in parts.items() if part in names), None)


def _zip_sound(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # A member longer than it declares fails its check sum before it is unpacked any further.
            return archive.testzip() is None
    except Exception:
        # As with pictures: whatever a broken archive makes the reader do, it is broken.
        return False


def _text(data: bytes) -> str | None:
    """`data` as words, if it is a text in one of the encodings people's computers write."""
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _NOT_TEXT.search(text) else text
    return None


_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]")

# ---- Sound and film ---------------------------------------------------------------------------------------


def _mp4_sound(data: bytes) -> bool:
    """The boxes follow each other to the end of the file, and one of them says what is in it."""
    return b"moov" in _box_kinds(data)


def _heic_sound(data: bytes) -> bool:
    return {b"meta", b"mdat"} <= _box_kinds(data)


def _box_kinds(data: bytes) -> set[bytes]:
    try:
        return {box.kind for box in metadata.boxes(data)}
    except ValueError:
        return set()


# Of MPEG layer III, by the bits of a frame header: kbit/s in MPEG 1 and later; samples a second by version.
_BITRATES = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
_NO_RATES = (0, 0, 0, 0)
_SAMPLE_RATES = {3: (44100, 48000, 32000, 0), 2: (22050, 24000, 16000, 0), 0: (11025, 12000, 8000, 0)}


def _mp3_sound(data: bytes) -> bool:
    """After the tag stands a frame, and after the frame another one or the end."""
    at = 0
    if data.startswith(b"ID3"):
        # The tag writes its length in four times seven bits and may be followed by padding.
        at = 10 + sum(digit << shift for digit, shift in zip(data[6:10], (21, 14, 7, 0), strict=False))
        at = len(data) - len(data[at:].lstrip(b"\0"))
    following = at + _frame_length(data[at : at + 4])
    return at < following <= len(data) and (following == len(data) or data[following] in b"\xffT\0")


def _frame_length(header: bytes) -> int:
    """Bytes of the MPEG layer III frame that begins with `header`; 0 if none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version = header[1] >> 3 & 3
    rate = _SAMPLE_RATES.get(version, _NO_RATES)[header[2] >> 2 & 3]
    kbits = _BITRATES[version == 3][header[2] >> 4]
    if not (rate and kbits):
        return 0
    return (144 if version == 3 else 72) * kbits * 1000 // rate + (header[2] >> 1 & 1)


def _amr_sound(data: bytes) -> bool:
    return len(data) > data.index(b"\n") + 1


def _wav_sound(data: bytes) -> bool:
    return b"fmt " in data[12:4096] and b"data" in data[12:65536]


def _pdf_sound(data: bytes) -> bool:
    return b"%%EOF" in data[-2048:]


_SOUND: Mapping[str, Callable[[bytes], bool]] = {
    "pdf": _pdf_sound,
    "doc": lambda data: len(data) >= 1536,  # a header, a table and a directory, 512 bytes each
    "xls": lambda data: len(data) >= 1536,
    "docx": _zip_sound,
    "xlsx": _zip_sound,
    "amr": _amr_sound,
    "mp3": _mp3_sound,
    "mp4": _mp4_sound,
    "mov": _mp4_sound,
    "heic": _heic_sound,
    "wav": _wav_sound,
}

_QUIETED: Mapping[str, Callable[[bytes], bytes]] = {
    "docx": metadata.office,
    "xlsx": metadata.office,
    "mp4": metadata.film,
    "mov": metadata.film,
    "heic": metadata.heif,
}

# ---- Keeping ----------------------------------------------------------------------------------------------

_KEY = re.compile(r"[0-9a-f]{32}")
_HEAD = 64  # bytes: more than what stands before the ciphertext


def store(folder: Path, data: bytes, vault: Vault) -> Stored:
    """Put `data` away sealed, under a new random key. A crash leaves the whole file or none under the key."""
    key = secrets.token_hex(16)
    _place(folder, key).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder, key, data, vault)
    return Stored(key, hashlib.sha256(data).hexdigest(), len(data))


def _write(folder: Path, key: str, data: bytes, vault: Vault) -> None:
    place = _place(folder, key)
    unfinished = place.with_suffix(f".{secrets.token_hex(4)}.part")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(vault.seal_bytes(data, f"upload {key}"))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(place)


def stale(folder: Path, vault: Vault) -> Iterator[str]:
    """The keys of the files that an older encryption key sealed."""
    for place in folder.glob("??/*"):
        if _KEY.fullmatch(place.name):
            with suppress(FileNotFoundError), place.open("rb") as file:
                if vault.is_stale(file.read(_HEAD)):
                    yield place.name


def reseal(folder: Path, key: str, vault: Vault) -> None:
    """Seal a file anew under the active key; one that was removed meanwhile is left alone."""
    with suppress(FileNotFoundError):
        _write(folder, key, load(folder, key, vault), vault)


def load(folder: Path, key: str, vault: Vault) -> bytes:
    """What was stored under `key`. Raises FileNotFoundError, and CannotOpen if it was tampered with."""
    return vault.open_bytes(_place(folder, key).read_bytes(), f"upload {key}")


def remove(folder: Path, key: str) -> None:
    """Erase what was stored under `key`; twice does nothing more."""
    _place(folder, key).unlink(missing_ok=True)


def _place(folder: Path, key: str) -> Path:
    if not _KEY.fullmatch(key):
        raise ValueError("not a storage key")
    return folder / key[:2] / key


_UNSAFE = re.compile(r'[/\\:*?"<>|%;\n\t]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def download_name(claimed_name: str, suffix: str) -> str:
    """A file name to offer on download: the sender's words where harmless, always with the true `suffix`."""
    stem = clean(claimed_name.replace("\\", "/").rpartition("/")[2], 255)
    if stem.lower().endswith(suffix):
        stem = stem[: -len(suffix)]
    stem = _UNSAFE.sub("_", stem).strip(" ._")[:80].strip(" ._")
    return ("附件" if not stem or _RESERVED.fullmatch(stem) else stem) + suffix
