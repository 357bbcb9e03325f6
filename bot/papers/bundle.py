"""The file of a case as one archive: an index, every form, every attachment (XJ-2.1e)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import IO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from bot.papers import docx, page
from core import uploads
from core.desk.attach import Attachment
from core.papers import CaseFile

ZIP_DAY: Final = (1980, 1, 1, 0, 0, 0)  # an archive says nothing of when it was made
_NO_NAME: Final = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
_SUFFIX: Final[Mapping[str, str]] = {kind.mime: kind.suffixes[0] for kind in uploads.KINDS.values()}


def write(file: CaseFile, content: Callable[[Attachment], bytes], out: IO[bytes]) -> None:
    """Write the archive to `out`. `content` opens an attachment; one at a time is held."""
    names = {
        a.ref: f"附件/{number:02} {uploads.download_name(a.name, _SUFFIX.get(a.mime, ''))}"
        for number, a in enumerate(file.attachments, start=1)
    }
    with ZipFile(out, "w") as archive:
        _put(archive, "00 卷宗目录.html", page.case_file_html(file, names).encode())
        for number, (paper, sheet) in enumerate(file.sheets, start=1):
            _put(archive, f"{number:02} {_NO_NAME.sub('', paper.title)}.docx", docx.render(sheet))
        for attachment in file.attachments:
            _put(archive, names[attachment.ref], content(attachment), ZIP_STORED)


def _put(archive: ZipFile, name: str, body: bytes, how: int = ZIP_DEFLATED) -> None:
    info = ZipInfo(name, ZIP_DAY)
    info.external_attr = 0o600 << 16
    archive.writestr(info, body, how)
