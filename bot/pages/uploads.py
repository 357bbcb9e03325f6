"""What other systems are still to get: the matters without all uploads, and the file of each system."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from bot.pages import files, session
from bot.pages.session import page
from bot.papers import csv_file, xlsx
from bot.service import Service
from core import external
from core.store import transaction


def add(pages: Blueprint, service: Service) -> None:
    office = service.office

    @pages.get("/uploads")
    def without_uploads() -> Response:
        with transaction(office.engine) as conn:
            who = session.staff(service, conn)
            lines = external.waiting(office, conn, who.person)
            count = external.count(office, conn, who.person)
        systems = external.systems(office.profile)
        act = office.profile.acts.get("note_upload")
        return page(
            service, "uploads", lines=lines, count=count, systems=systems, act=act, rules=office.profile
        )

    @pages.get("/uploads/<system>")
    def file_of_system(system: str) -> Response:
        if system not in {choice.code for choice in external.systems(office.profile)}:
            abort(404)
        kind = "csv" if request.args.get("as") == "csv" else "xlsx"
        writer = csv_file if kind == "csv" else xlsx
        with transaction(office.engine) as conn:
            who = session.staff(service, conn)
            sheet = external.export(office, conn, who.person, system, service.now())
            file = files.room()
            writer.render(sheet, file)
        return files.download(file, writer.MIME, f"{sheet.title} {sheet.period}.{kind}")
