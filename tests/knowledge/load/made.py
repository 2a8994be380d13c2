"""Small files, made anew for each test."""

import zipfile
from collections.abc import Sequence
from datetime import date
from io import BytesIO
from typing import Any

import docx
import openpyxl
from fpdf import FPDF

from knowledge.document import Block


def docx_file() -> bytes:
    document: Any = docx.Document()
    document.core_properties.title = "Ferry rules"
    document.core_properties.author = "N. Okafor"
    document.add_heading("Boarding", 1)
    document.add_paragraph("Boarding closes 10 minutes before departure.")
    document.add_paragraph("Bring:", style="Normal")
    document.add_paragraph("a ticket", style="List Bullet")
    document.add_paragraph("a jacket", style="List Bullet")
    document.add_heading("Steps", 2)
    document.add_paragraph("Scan the ticket.", style="List Number")
    document.add_paragraph("Walk on board.", style="List Number")
    table = document.add_table(rows=2, cols=2)
    for row, values in zip(table.rows, (("Route", "Minutes"), ("Harbour loop", "45")), strict=True):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    document.add_paragraph("After the table.")
    return saved(document)


def saved(document: Any) -> bytes:
    target = BytesIO()
    document.save(target)
    return target.getvalue()


def xlsx_file() -> bytes:
    workbook: Any = openpyxl.Workbook()
    rates = workbook.active
    rates.title = "Rates"
    rates.append(["Rates for 2026, in AUD"])
    rates.append(["Item", "Amount", "From", "Taxed"])
    rates.append(["Meal", 68.5, date(2026, 7, 1), True])
    rates.append(["Hotel | city", 240, date(2026, 7, 1), False])
    hidden = workbook.create_sheet("Internal")
    hidden.append(["secret"])
    hidden.sheet_state = "hidden"
    workbook.create_sheet("Nothing here")
    return saved(workbook)


class _Pages(FPDF):
    def header(self) -> None:
        self.set_font("helvetica", size=8)
        self.cell(0, 6, "Harbourline staff handbook", new_x="LMARGIN", new_y="NEXT")

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("helvetica", size=8)
        self.cell(0, 6, f"Page {self.page_no()} of 3")


def pdf_file(password: str | None = None) -> bytes:
    pdf = _Pages()
    for number, title in enumerate(["Mooring", "Fuel", "Night work"], start=1):
        pdf.add_page()
        pdf.set_font("helvetica", "B", 20)
        pdf.cell(0, 14, title, new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("helvetica", size=11)
        pdf.multi_cell(0, 6, f"Rule {number}: check the lines twice before you leave the wheelhouse. " * 3)
        pdf.ln(6)
    pdf.set_font("helvetica", size=11)
    pdf.multi_cell(0, 6, "- first check\n- second check")
    pdf.ln(6)
    with pdf.table() as table:
        for values in (("Berth", "Depth"), ("A1", "4.5 m"), ("B2", "6.0 m")):
            row = table.row()
            for value in values:
                row.cell(value)
    if password:
        pdf.set_encryption(owner_password="owner", user_password=password)
    return bytes(pdf.output())


def blank_pdf(pages: int = 1, *, scanned: bool = False) -> bytes:
    pdf = FPDF()
    for _ in range(pages):
        pdf.add_page()
        if scanned:
            pdf.image(picture(), x=10, y=10, w=150)
    return bytes(pdf.output())


def picture() -> BytesIO:
    from PIL import Image

    target = BytesIO()
    Image.new("RGB", (40, 40), "grey").save(target, "PNG")
    target.seek(0)
    return target


def two_column_pdf() -> bytes:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    for x, word in ((10, "left"), (115, "right")):
        for line in range(20):
            pdf.set_xy(x, 20 + 5 * line)
            pdf.cell(80, 5, f"{word} column line {line:02d} runs on")
    return bytes(pdf.output())


def zip_bomb() -> bytes:
    """A DOCX of 40 KB that unpacks to 40 MB."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b"0" * 40_000_000)
    return target.getvalue()


def shown(blocks: Sequence[Block]) -> str:
    """Blocks as one readable text, to compare with what is expected."""
    return "\n".join(f"{block.kind}{block.level or ''}: {block.text}" for block in blocks)
