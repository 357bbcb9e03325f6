"""A filled form as a Word document: A4, ruled, in the type faces of official papers (GB/T 9704)."""

from datetime import UTC, datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.document import Document as Paper
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from core.forms import Cell, Foot, Line, Sheet

TITLE, LABEL, TEXT, LATIN = "方正小标宋简体", "宋体", "仿宋_GB2312", "Times New Roman"

# No font is shipped. Where a machine lacks a face of the standard, Word takes the one named beside it.
STANDS_IN = {TITLE: "华文中宋", TEXT: "仿宋", LABEL: "SimSun"}

MARGIN, LINE = 25, 160  # mm; together the 210 of A4

# A document says nothing of when it was drawn, so that the same sheet gives the same bytes.
DAY = datetime(2000, 1, 1, tzinfo=UTC)
ZIP_DAY = (1980, 1, 1, 0, 0, 0)


def render(sheet: Sheet) -> bytes:
    """The sheet as a .docx file; equal sheets give equal bytes."""
    paper = _blank_paper(sheet.title)
    running = paper.sections[0].header.paragraphs[0]
    running.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    _write(running, sheet.window, LABEL, size=9)
    title = paper.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.space_after = Pt(14)
    _write(title, sheet.title, TITLE, size=18)
    for line in sheet.head:
        head = paper.add_paragraph()
        head.paragraph_format.space_after = Pt(4)
        _write_line(head, line)
    _draw_grid(paper, sheet)
    for foot in sheet.foot:
        _draw_foot(paper.add_paragraph(), foot)
    return _sealed(paper)


def _blank_paper(title: str) -> Paper:
    paper = Document()
    section = paper.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(MARGIN)
    section.top_margin, section.bottom_margin = Mm(28), Mm(22)
    style = paper.styles["Normal"]
    face = style.element.get_or_add_rPr()
    face.get_or_add_rFonts().set(qn("w:eastAsia"), TEXT)
    # Commas stand where the mainland's type sets them.
    language = OxmlElement("w:lang")
    language.set(qn("w:eastAsia"), "zh-CN")
    face.append(language)
    style.paragraph_format.space_after = Pt(0)
    style.paragraph_format.line_spacing = 1.25
    properties = paper.core_properties
    properties.title, properties.author, properties.comments = title[:255], "", ""
    properties.created = properties.modified = DAY
    return paper


def _draw_grid(paper: Paper, sheet: Sheet) -> None:
    table = paper.add_table(rows=len(sheet.rows), cols=len(sheet.columns), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for column, share in zip(table.columns, sheet.columns, strict=True):
        column.width = Mm(LINE * share / sum(sheet.columns))
    for number, row in enumerate(sheet.rows):
        # "At least": a long matter makes its row grow and run on over the page.
        table.rows[number].height = Mm(row.height)
        table.rows[number].height_rule = WD_ROW_HEIGHT_RULE.AT_LEAST
        left = 0
        for cell in row.cells:
            _draw_cell(table, number, left, cell)
            left += cell.span


def _draw_cell(table: Table, row: int, left: int, cell: Cell) -> None:
    right = left + cell.span - 1
    if cell.place == "beside":
        label = table.cell(row, left).paragraphs[0]
        label.alignment = WD_ALIGN_PARAGRAPH.CENTER
        _write(label, cell.label, LABEL)
        table.cell(row, left).vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
        left += 1
    box = table.cell(row, left)
    if right > left:
        box = box.merge(table.cell(row, right))
    if cell.place != "above":
        box.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    _fill_box(box, cell)


def _fill_box(box: _Cell, cell: Cell) -> None:
    first = box.paragraphs[0]
    if cell.place != "beside" and cell.label:
        _write(first, f"{cell.label}：", LABEL)
    if cell.place == "above" and cell.label:
        first.paragraph_format.space_before = Pt(4)
        first = box.add_paragraph()
    for number, text in enumerate(cell.paragraphs):
        _write(box.add_paragraph() if number else first, text, TEXT)
    if cell.sign:
        sign = box.add_paragraph()
        sign.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        sign.paragraph_format.space_before = Mm(8)
        _write_line(sign, cell.sign)


def _draw_foot(paragraph: Paragraph, foot: Foot) -> None:
    layout = paragraph.paragraph_format
    layout.space_before = Mm(foot.room)
    layout.keep_together = True
    if not foot.signature:
        layout.first_line_indent = Pt(24)
    _write_line(paragraph, foot.line)


def _write_line(paragraph: Paragraph, line: Line) -> None:
    for ink in line:
        _write(paragraph, ink.words, TEXT if ink.written else LABEL).underline = ink.written or None


def _write(paragraph: Paragraph, words: str, face: str, size: int = 12) -> Run:
    run = paragraph.add_run(words)
    run.font.name, run.font.size = LATIN, Pt(size)
    fonts = run._element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), face)
    # Without the hint the quotation marks of “办不成事” are set as Latin ones.
    fonts.set(qn("w:hint"), "eastAsia")
    return run


def _sealed(paper: Paper) -> bytes:
    """The saved file with its members dated alike, and the stand-ins of the faces named."""
    saved, sealed = BytesIO(), BytesIO()
    paper.save(saved)
    with ZipFile(saved) as members, ZipFile(sealed, "w") as out:
        for name in members.namelist():
            body = _font_table() if name == "word/fontTable.xml" else members.read(name)
            out.writestr(ZipInfo(name, ZIP_DAY), body, ZIP_DEFLATED)
    return sealed.getvalue()


def _font_table() -> bytes:
    fonts = "".join(
        f'<w:font w:name="{face}"><w:altName w:val="{other}"/><w:charset w:val="86"/></w:font>'
        for face, other in STANDS_IN.items()
    )
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return f'<?xml version="1.0" encoding="UTF-8"?><w:fonts xmlns:w="{space}">{fonts}</w:fonts>'.encode()
