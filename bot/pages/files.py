"""Papers and attachments, through permission."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tempfile
from collections.abc import Callable
from typing import IO, Final

from flask import Blueprint, Response, request, send_file

from bot.pages import session
from bot.papers import bundle, docx, pdf
from bot.papers.fonts import NoFont
from bot.papers.page import case_file_html, html
from bot.service import Service
from core import case as cases
from core import papers, uploads, views
from core.desk import attach
from core.refusals import NOT_YOURS, UNKNOWN_CASE, Refusal
from core.store import transaction

KEPT: Final = 8 * 1024 * 1024  # bytes of an archive or a ledger held in memory; a larger one goes to a file
WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
STYLE: Final = re.compile("<style>(.*?)</style>", re.DOTALL)
# What every browser shows; a telephone's heic is downloaded.
SHOWN: Final = ("image/jpeg", "image/png", "image/gif", "image/webp", "audio/")
SUFFIX: Final = {kind.mime: kind.suffixes[0] for kind in uploads.KINDS.values()}


def add(pages: Blueprint, service: Service) -> None:
    office = service.office

    @pages.get("/c/<ref>/papers/<form>")
    def paper(ref: str, form: str) -> Response:
        variant = request.args.get("variant", "")
        with transaction(office.engine) as conn:
            who = session.login(service, conn)
            case = cases.find(conn, ref=ref)
            sheet = papers.sheet(office, conn, case, who.person, form, variant)
            views.log_view(conn, case, who.person, f"paper:{form}", service.now())
        if request.args.get("view"):
            return whole_page(html(sheet))
        name = f"{case.number} {sheet.title}"
        if request.args.get("as") == "pdf":
            return as_pdf(service, lambda: pdf.render(sheet), name)
        return send_file(
            io.BytesIO(docx.render(sheet)), WORD, as_attachment=True, download_name=f"{name}.docx"
        )

    @pages.get("/c/<ref>/file")
    def case_file(ref: str) -> Response:
        """All that is on record of a case, as a page or as one archive with its files (XJ-2.1e)."""
        with transaction(office.engine) as conn:
            who = session.login(service, conn)
            file = papers.case_file(office, conn, cases.find(conn, ref=ref), who.person, service.now())
        if request.args.get("as") != "zip":
            return whole_page(case_file_html(file))
        archive = room()
        bundle.write(file, lambda a: uploads.load(office.files, a.storage_key or "", office.vault), archive)
        return download(archive, "application/zip", f"{file.number} 卷宗.zip")

    @pages.get("/a/<ref>")
    def attachment(ref: str) -> Response:
        with transaction(office.engine) as conn:
            who = session.login(service, conn)
            found = attach.by_ref(conn, office.vault, ref)
            if found is None or found.storage_key is None:
                raise Refusal(UNKNOWN_CASE)
            case = cases.load(conn, found.case_id)
            view = views.see(office, conn, case, who.person, history=False)
            if all(a.id != found.id for a in view.attachments):
                raise Refusal(NOT_YOURS)
            views.log_view(conn, case, who.person, f"file:{found.id}", service.now())
        data = uploads.load(office.files, found.storage_key, office.vault)
        inline = bool(request.args.get("inline")) and found.mime.startswith(SHOWN)
        name = uploads.download_name(found.name, SUFFIX.get(found.mime, ""))
        return send_file(io.BytesIO(data), found.mime, as_attachment=not inline, download_name=name)


def room() -> IO[bytes]:
    """A place to write to that outlives this function: in memory, and on disk where it grows large."""
    return tempfile.SpooledTemporaryFile(KEPT)


def download(file: IO[bytes], mime: str, name: str) -> Response:
    """What was written to `file`, to keep under a name; the file is closed when it has been sent."""
    size = file.tell()
    file.seek(0)
    if size <= KEPT:
        with file:
            return send_file(io.BytesIO(file.read()), mime, as_attachment=True, download_name=name)
    answer = send_file(file, mime, as_attachment=True, download_name=name)
    answer.call_on_close(file.close)
    return answer


def as_pdf(service: Service, draw: Callable[[], bytes], name: str) -> Response:
    """A PDF to keep, or the sentence that this machine has no font for it."""
    try:
        body = io.BytesIO(draw())
    except NoFont as lack:
        return session.page(service, "refused", 503, sentence=str(lack), ref="", strange=False)
    return send_file(body, "application/pdf", as_attachment=True, download_name=f"{name}.pdf")


def whole_page(text: str) -> Response:
    """A page that is complete in itself; the policy lets its own style through and nothing else."""
    style = STYLE.search(text)
    answer = Response(text, content_type="text/html; charset=utf-8")
    if style:
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        answer.headers[session.OWN_STYLE] = f"'sha256-{digest}'"
    return answer
