"""The contact forms of the units: who is there to be asked now, and what each form said before."""

from __future__ import annotations

import io

from flask import Blueprint, Response, request, send_file

from bot.pages import files, session
from bot.pages.session import page
from bot.papers import docx, pdf
from bot.papers.page import html
from bot.service import Service
from core import contacts
from core.store import transaction


def add(pages: Blueprint, service: Service) -> None:
    office = service.office

    @pages.get("/units")
    def all_units() -> Response:
        with transaction(office.engine) as conn:
            who = session.staff(service, conn)
            entries = contacts.directory(office, conn, who.person)
        return page(
            service, "units", entries=entries, form=contacts.form_of(office.profile), rules=office.profile
        )

    @pages.get("/units/<key>")
    def contact_form(key: str) -> Response:
        text = request.args.get("version", "")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
        with transaction(office.engine) as conn:
            who = session.staff(service, conn)
            sheet = contacts.sheet(office, conn, who.person, key, number)
        name = f"{sheet.title} {key}"
        if request.args.get("as") == "pdf":
            return files.as_pdf(service, lambda: pdf.render(sheet), name)
        if request.args.get("as") == "docx":
            body = io.BytesIO(docx.render(sheet))
            return send_file(body, files.WORD, as_attachment=True, download_name=f"{name}.docx")
        return files.whole_page(html(sheet))
