"""What a file tells beside its content: where it was taken, with which device, who wrote it. Taken out here.

Films and heic pictures keep every byte of their content in its place: what tells on their maker is blanked where it
lies. Raises ValueError (or one of its kind) for a file that is not what it seems. PDF and the older Office files are
not touched: what they say of their author stays in them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Final, NamedTuple

# Parts of a zipped Office document that name people, firms and programs, and what stands in their place.
_PROPERTIES: Final = {
    "docProps/core.xml": "http://schemas.openxmlformats.org/package/2006/metadata/core-properties",
    "docProps/app.xml": "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties",
    "docProps/custom.xml": "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties",
}
_ROOTS: Final = {"docProps/core.xml": "coreProperties"}


def office(data: bytes) -> bytes:
    """A zipped Office document with empty properties. Who wrote a comment or a tracked change is part of it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            space = _PROPERTIES.get(member.filename)
            root = _ROOTS.get(member.filename, "Properties")
            empty = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><{root} xmlns="{space}"/>'
            plain = zipfile.ZipInfo(member.filename)  # without the time and the system it was made on
            plain.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(plain, empty if space else old.read(member))
    return out.getvalue()


# --- films and pictures in boxes (ISO base media) -------------------------------------------------------


class _Box(NamedTuple):
    kind: bytes
    start: int  # of the box
    body: int  # of what is in it
    end: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[_Box]:
    """The boxes that follow each other from `start` to `end`. Raises ValueError where they do not."""
    end = len(data) if end is None else end
    while start < end:
        size, body = int.from_bytes(data[start : start + 4], "big"), start + 8
        if size == 1:
            size, body = int.from_bytes(data[start + 8 : start + 16], "big"), start + 16
        elif size == 0:
            size = end - start
        if size < body - start or start + size > end:
            raise ValueError("a box that does not fit")
        yield _Box(data[start + 4 : start + 8], start, body, start + size)
        start += size


_TELLING: Final = (b"udta", b"meta", b"uuid")


def film(data: bytes) -> bytes:
    """A film or a recording (mp4, mov) without what it says of place, device and author."""
    blanked = bytearray(data)
    for box in boxes(data):
        inside = boxes(data, box.body, box.end) if box.kind == b"moov" else ()
        for told in (box, *inside):
            deeper = boxes(data, told.body, told.end) if told.kind == b"trak" else ()
            for one in (told, *deeper):
                if one.kind in _TELLING:
                    blanked[one.start + 4 : one.start + 8] = b"free"
                    _blank(blanked, one.body, one.end)
    return bytes(blanked)


def heif(data: bytes) -> bytes:
    """A heic picture without Exif and XMP."""
    blanked = bytearray(data)
    meta = next(box for box in boxes(data) if box.kind == b"meta")
    inner = {box.kind: box for box in boxes(data, meta.body + 4, meta.end)}
    told = set(_telling_items(data, inner[b"iinf"])) if b"iinf" in inner else set()
    if told:
        held = inner[b"idat"].body if b"idat" in inner else 0
        for item, start, length in _extents(data, inner[b"iloc"], held):
            if item in told:
                _blank(blanked, start, start + length if length else len(data))
    return bytes(blanked)


def _telling_items(data: bytes, iinf: _Box) -> Iterator[int]:
    version = data[iinf.body]
    for entry in boxes(data, iinf.body + (6 if version == 0 else 8), iinf.end):
        version, at = data[entry.body], entry.body + 4
        wide = 2 if version == 2 else 4
        kind = data[at + wide + 2 : at + wide + 6]
        if version >= 2 and kind in (b"Exif", b"mime"):
            yield int.from_bytes(data[at : at + wide], "big")


def _extents(data: bytes, iloc: _Box, held: int) -> Iterator[tuple[int, int, int]]:
    """Where each item lies: its id, start in the file, and length. `held`: where data kept in the head begin."""
    take = _Taker(data, iloc.body, iloc.end)
    version = take(1)
    take(3)
    sizes, more = take(1), take(1)
    for _ in range(take(2 if version < 2 else 4)):
        item = take(2 if version < 2 else 4)
        method = take(2) & 15 if version else 0
        take(2)
        base = take(more >> 4) + (held if method == 1 else 0)
        for _ in range(take(2)):
            if version:
                take(more & 15)
            start, length = take(sizes >> 4), take(sizes & 15)
            yield item, base + start, length


class _Taker:
    """Numbers of so many bytes, one after the other."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self._data, self._at, self._end = data, at, end

    def __call__(self, size: int) -> int:
        if self._at + size > self._end:
            raise ValueError("a table that ends too soon")
        self._at += size
        return int.from_bytes(self._data[self._at - size : self._at], "big")


def _blank(data: bytearray, start: int, end: int) -> None:
    end = min(end, len(data))
    data[start:end] = bytes(max(0, end - start))
