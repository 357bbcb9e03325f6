"""A file is what its content says; what is kept tells nothing but what it is meant to show."""

import io
import stat
import struct
import wave
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from core.privacy import CannotOpen, Vault, make_key
from core.uploads import KINDS, MAX_PIXELS, Refused, download_name, inspect, load, remove, store

CAP = 1_000_000
VAULT = Vault.from_setting(f"k0:{make_key()}")


def code_of(data: bytes, name: str, cap: int = CAP) -> str:
    with pytest.raises(Refused) as refusal:
        inspect(data, name, cap)
    return refusal.value.code


# ---- Small real files


def picture(format: str, size: tuple[int, int] = (6, 4), **how: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, format=format, **how)
    return out.getvalue()


def pdf() -> bytes:
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"trailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"
    )


def docx() -> bytes:
    out = io.BytesIO()
    Document().save(out)
    return out.getvalue()


def zipped(*names: str, content: bytes = b"<x/>") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return out.getvalue()


def xlsx() -> bytes:
    return zipped("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml")


def ole(*streams: str) -> bytes:
    entries = b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", *streams))
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(1024, b"\0") + entries.ljust(512, b"\0")


def amr() -> bytes:
    return b"#!AMR\n" + b"\x3c" + bytes(31)


def mp3_frames(count: int = 2) -> bytes:
    return (b"\xff\xfb\x90\x00".ljust(417, b"\0")) * count  # 128 kbit/s at 44.1 kHz


def mp3() -> bytes:
    return b"ID3\x03\x00\x00\x00\x00\x00\x0a" + bytes(10) + mp3_frames()


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def mp4() -> bytes:
    return box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", bytes(16)) + box(b"mdat", bytes(16))


PLACE = b"+28.2282+112.9388/"  # where a telephone says it was


def mov() -> bytes:
    told = box(b"udta", box(b"\xa9xyz", PLACE))
    track = box(b"trak", box(b"tkhd", bytes(84)) + told)
    head = box(b"moov", box(b"mvhd", bytes(100)) + track + box(b"meta", PLACE))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + head + box(b"mdat", b"frames" * 4)


def heic(method: int = 0) -> bytes:
    """A picture of item 1 and its Exif as item 2; `method` 1: the Exif lies in the head."""
    exif = b"\0\0\0\6Exif\0\0MM\0*" + PLACE
    entries = b"".join(
        box(b"infe", b"\2\0\0\0" + struct.pack(">HH", item, 0) + kind + b"\0")
        for item, kind in ((1, b"hvc1"), (2, b"Exif"))
    )
    iinf = box(b"iinf", bytes(4) + struct.pack(">H", 2) + entries)

    def whole(pixels_at: int, exif_at: int) -> bytes:
        items = ((1, 0, pixels_at, 6), (2, method, exif_at, len(exif)))
        rows = b"".join(struct.pack(">HHHHII", i, how, 0, 1, at, long) for i, how, at, long in items)
        iloc = box(b"iloc", b"\1\0\0\0\x44\0" + struct.pack(">H", 2) + rows)
        idat = box(b"idat", exif) if method else b""
        head = box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(4) + iinf + iloc + idat)
        return head + box(b"mdat", b"pixels" + (b"" if method else exif))

    pixels = whole(0, 0).index(b"pixels")
    return whole(pixels, 0 if method else pixels + 6)


def wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(160))
    return out.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: picture("JPEG"),
    "png": lambda: picture("PNG"),
    "gif": lambda: picture("GIF"),
    "webp": lambda: picture("WEBP"),
    "pdf": pdf,
    "doc": lambda: ole("WordDocument"),
    "docx": docx,
    "xls": lambda: ole("Workbook"),
    "xlsx": xlsx,
    "amr": amr,
    "mp3": mp3,
    "mp4": mp4,
    "mov": mov,
    "heic": heic,
    "wav": wav,
    "txt": lambda: "跑了三次".encode(),
}

# ---- Kinds


def test_there_is_a_real_file_of_every_kind() -> None:
    assert set(FILES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_taken_under_its_own_name_or_none(kind: str) -> None:
    data = FILES[kind]()
    for name in (
        "",
        f"现场{KINDS[kind].suffixes[0]}",
        f"现场{KINDS[kind].suffixes[-1].upper()}",
        "现场2022.4.11",
    ):
        accepted = inspect(data, name, CAP)
        assert (accepted.kind, accepted.mime) == (kind, KINDS[kind].mime)
        assert accepted.suffix == KINDS[kind].suffixes[0]
        assert accepted.data
        if accepted.width is None:
            assert inspect(accepted.data, name, CAP).data == accepted.data
            assert accepted.data == data or kind in ("heic", "mov", "docx", "xlsx")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_under_the_name_of_another_kind_is_not_taken(kind: str) -> None:
    other = "证明.pdf" if kind != "pdf" else "证明.docx"
    assert code_of(FILES[kind](), other) == "name_lies"
    assert code_of(FILES[kind](), "证明.pdf.exe") == "name_lies"


def test_a_picture_saved_under_the_name_of_another_picture_is_forgiven() -> None:
    assert inspect(picture("PNG"), "截图.jpg", CAP).suffix == ".png"


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"txt", "amr", "doc", "xls"}))
def test_a_file_cut_off_in_the_middle_is_corrupt(kind: str) -> None:
    data = FILES[kind]()
    if kind in ("mp3", "mp4", "mov"):
        data = data[:-430] if kind == "mp3" else data[:-20]
    elif kind == "wav":
        data = data[:30]
    else:
        data = data[: len(data) * 2 // 3]
    assert code_of(data, f"a{KINDS[kind].suffixes[0]}") == "corrupt"


@pytest.mark.parametrize("data", [amr()[:6], ole("WordDocument")[:1300], b"\xff\xfb\x90\x00" + bytes(50)])
def test_a_file_with_only_a_beginning_is_corrupt(data: bytes) -> None:
    assert code_of(data, "") == "corrupt"


def test_a_program_renamed_to_a_picture_is_not_taken() -> None:
    program = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00".ljust(512, b"\0")
    assert code_of(program, "照片.jpg") == "name_lies"
    assert code_of(program, "setup.exe") == "kind_not_allowed"
    assert code_of(program, "") == "kind_not_allowed"


@pytest.mark.parametrize(
    "data",
    [
        zipped("a.txt"),
        zipped("[Content_Types].xml", "ppt/presentation.xml"),
        zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
        ole("WordDocument", "_VBA_PROJECT"),
        ole("EncryptedPackage"),
        box(b"ftyp", b"avif\0\0\0\0mif1") + box(b"meta"),
        b"\x7fELF" + bytes(60),
        bytes(range(256)),
    ],
    ids=["zip", "pptx", "docm", "doc with macros", "locked", "avif", "elf", "noise"],
)
def test_other_kinds_are_not_allowed(data: bytes) -> None:
    assert code_of(data, "") == "kind_not_allowed"


def test_a_workbook_with_a_document_inside_is_what_it_is_called() -> None:
    both = ole("WordDocument", "Workbook")
    assert inspect(both, "表.xls", CAP).kind == "xls"
    assert inspect(both, "文.doc", CAP).kind == "doc"


def test_size_is_looked_at_first() -> None:
    assert code_of(b"", "a.jpg") == "empty"
    assert code_of(b"x" * 11, "a.txt", cap=10) == "too_big"
    assert inspect(b"x" * 10, "a.txt", 10).data == b"x" * 10


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_text_in_any_usual_encoding_is_kept_as_utf8(encoding: str) -> None:
    accepted = inspect("办不成事，跑了三次\r\n".encode(encoding), "说明.txt", CAP)
    assert accepted.data.decode("utf-8") == "办不成事，跑了三次\r\n"


@given(
    st.binary(max_size=300), st.sampled_from(["", "a.jpg", "a.docx", "a.txt", "a.mp3", "a.exe"]), st.data()
)
def test_hostile_bytes_are_taken_or_refused_but_nothing_else_happens(
    tail: bytes, name: str, draw: st.DataObject
) -> None:
    kind = draw.draw(st.sampled_from(sorted(FILES)))
    opening = FILES[kind]()[: draw.draw(st.integers(0, 64))]
    try:
        assert inspect(opening + tail, name, CAP).kind in KINDS
    except Refused as refusal:
        assert refusal.code in ("empty", "kind_not_allowed", "corrupt", "name_lies", "too_big")


# ---- Pictures


def taken_in_changsha() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAM"
    exif[0x0112] = 6  # to be turned by a quarter
    exif.get_ifd(0x8825).update({1: "N", 2: (28.0, 12.0, 30.0), 3: "E", 4: (112.0, 56.0, 20.0)})
    return picture("JPEG", (6, 4), exif=exif, comment=b"SECRETNOTE", icc_profile=b"SECRETICC" * 20)


def test_place_camera_and_comments_are_gone_and_the_picture_stands_upright() -> None:
    sent = taken_in_changsha()
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(0x8825)

    accepted = inspect(sent, "IMG_1.jpg", CAP)

    kept = Image.open(io.BytesIO(accepted.data))
    assert not kept.getexif()
    assert not kept.getexif().get_ifd(0x8825)
    assert b"SECRET" not in accepted.data
    assert b"Exif" not in accepted.data
    assert (accepted.width, accepted.height) == kept.size == (4, 6)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_other_pictures_lose_their_exif_too(format: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAM"
    accepted = inspect(picture(format, exif=exif), "", CAP)
    assert b"SECRET" not in accepted.data
    assert not Image.open(io.BytesIO(accepted.data)).getexif()


def test_words_inside_a_png_or_gif_and_bytes_behind_a_picture_are_gone() -> None:
    assert b"SECRET" not in inspect(picture("GIF", comment=b"SECRETNOTE"), "", CAP).data
    png = picture("PNG")
    words = b"tEXtComment\0SECRETNOTE"
    chunk = struct.pack(">I", len(words) - 4) + words + struct.pack(">I", zlib.crc32(words))
    assert b"SECRET" not in inspect(png[:33] + chunk + png[33:] + b"SECRETTAIL", "", CAP).data


@pytest.mark.parametrize("data", [mov(), heic(), heic(1)], ids=["mov", "heic", "heic, in its head"])
def test_a_telephone_s_film_or_picture_is_kept_without_its_place(data: bytes) -> None:
    assert PLACE in data
    kept = inspect(data, "", CAP).data
    assert PLACE not in kept and len(kept) == len(data)
    assert (b"frames" in kept) or (b"pixels" in kept)


def test_a_telephone_s_picture_under_the_name_of_a_photograph_is_forgiven() -> None:
    accepted = inspect(heic(), "IMG_0412.jpg", CAP)
    assert (accepted.kind, accepted.suffix) == ("heic", ".heic")
    assert inspect(mov(), "IMG_0413.mp4", CAP).suffix == ".mov"


def test_a_picture_whose_table_of_contents_lies_is_corrupt() -> None:
    data = heic()
    at = data.index(b"iloc") + 10  # how many items there are
    assert code_of(data[:at] + b"\xff\xff" + data[at + 2 :], "") == "corrupt"


def test_a_document_does_not_name_its_author() -> None:
    document = Document()
    document.core_properties.author = "李桂兰"
    document.add_paragraph("跑了三次")
    out = io.BytesIO()
    document.save(out)

    kept = Document(io.BytesIO(inspect(out.getvalue(), "说明.docx", CAP).data))

    assert kept.core_properties.author == "" and kept.paragraphs[0].text == "跑了三次"


def test_of_an_animation_the_first_picture_is_kept() -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue", "green")]
    out = io.BytesIO()
    frames[0].save(out, format="GIF", save_all=True, append_images=frames[1:])
    kept = Image.open(io.BytesIO(inspect(out.getvalue(), "", CAP).data))
    assert sum(1 for _ in ImageSequence.Iterator(kept)) == 1
    assert kept.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_what_is_see_through_stays_see_through() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(out, format="PNG")
    kept = Image.open(io.BytesIO(inspect(out.getvalue(), "", CAP).data))
    assert kept.convert("RGBA").getpixel((0, 0)) == (255, 0, 0, 0)


@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_pixel_bomb_is_never_unpacked(side: int) -> None:
    assert side * side > MAX_PIXELS
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    start = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    packed = b"IDAT" + zlib.compress(bytes(1000))
    body = struct.pack(">I", len(packed) - 4) + packed + struct.pack(">I", zlib.crc32(packed))
    assert code_of(b"\x89PNG\r\n\x1a\n" + start + body, "a.png") == "too_big"


def test_a_very_large_photograph_is_made_smaller_in_its_proportions() -> None:
    accepted = inspect(picture("JPEG", (8000, 2500)), "", CAP)
    assert accepted.width is not None
    assert accepted.height is not None
    assert accepted.width * accepted.height <= 16_000_000
    assert accepted.width / accepted.height == pytest.approx(3.2, rel=0.01)


def test_a_zip_bomb_is_never_unpacked() -> None:
    bomb = zipped("[Content_Types].xml", "word/document.xml", content=bytes(40 * 1024 * 1024))
    assert len(bomb) < CAP
    assert code_of(bomb, "材料.docx") == "too_big"


def test_a_document_whose_sizes_lie_is_corrupt() -> None:
    honest = zipped("[Content_Types].xml", "word/document.xml", content=bytes(5000))
    assert code_of(honest.replace(struct.pack("<I", 5000), struct.pack("<I", 50)), "材料.docx") == "corrupt"


def test_a_document_with_thousands_of_files_is_too_big() -> None:
    assert code_of(zipped(*map(str, range(2001)), content=b""), "材料.docx") == "too_big"


# ---- Keeping


def test_what_is_stored_is_loaded_and_can_be_read_nowhere_else(tmp_path: Path) -> None:
    stored = store(tmp_path, b"SECRET" * 10, VAULT)
    assert load(tmp_path, stored.key, VAULT) == b"SECRET" * 10
    assert stored.size == 60

    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert b"SECRET" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_same_content_has_one_digest_and_two_places(tmp_path: Path) -> None:
    first, second = store(tmp_path, b"x", VAULT), store(tmp_path, b"x", VAULT)
    assert first.sha256 == second.sha256
    assert first.key != second.key


def test_files_cannot_be_changed_or_exchanged(tmp_path: Path) -> None:
    first, second = store(tmp_path, b"one", VAULT), store(tmp_path, b"two", VAULT)
    places = {path.name: path for path in tmp_path.rglob("*") if path.is_file()}
    places[first.key].write_bytes(places[second.key].read_bytes())
    with pytest.raises(CannotOpen):
        load(tmp_path, first.key, VAULT)


def test_what_is_removed_is_gone_and_removing_twice_is_no_harm(tmp_path: Path) -> None:
    stored = store(tmp_path, b"x", VAULT)
    remove(tmp_path, stored.key)
    remove(tmp_path, stored.key)
    with pytest.raises(FileNotFoundError):
        load(tmp_path, stored.key, VAULT)


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "a" * 31, "A" * 32, "a" * 32 + "/..", "a" * 32 + "\n"]
)
def test_a_key_is_never_a_path(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not a storage key"):
        load(tmp_path, key, VAULT)


@pytest.mark.parametrize(
    ("claimed", "offered"),
    [
        ("现场照片.jpg", "现场照片.jpg"),
        ("现场照片.JPG", "现场照片.jpg"),
        ("..\\..\\Windows\\坏.jpg", "坏.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ('a"b\r\nSet-Cookie: x.jpg', "a_b_Set-Cookie_ x.jpg"),
        ("照片\u202egpj.exe", "照片gpj.exe.jpg"),
        (".htaccess", "htaccess.jpg"),
        ("CON", "附件.jpg"),
        ("", "附件.jpg"),
        ("长" * 300, "长" * 80 + ".jpg"),
    ],
)
def test_a_download_has_a_safe_name_and_the_true_suffix(claimed: str, offered: str) -> None:
    assert download_name(claimed, ".jpg") == offered
