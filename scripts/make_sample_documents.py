"""Write the binary documents of the sample handbook: `python -m scripts.make_sample_documents [FOLDER]`.

They are committed, so that nobody needs this script to start; change the text here and run it again.
"""

import sys
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import openpyxl
from fpdf import FPDF
from fpdf.fonts import FontFace

HANDBOOK = Path(__file__).parents[1] / "examples" / "handbook"
MADE_ON = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)

Rows = list[tuple[str, ...]]


def handover() -> bytes:
    """operations/vessel-handover.docx"""
    document: Any = docx.Document()
    properties = document.core_properties
    properties.title, properties.author = "Vessel handover", "Operations"
    properties.created = properties.modified = MADE_ON
    document.add_heading("Vessel handover", 1)
    document.add_paragraph(
        "The master who leaves hands the vessel over in person. A handover takes about 12 minutes, "
        "and the shift ends only when the new master has signed form V7."
    )
    document.add_heading("What is handed over", 2)
    for line in (
        "Fuel or battery level, and the time of the last filling",
        "Defects, with the number of the work order",
        "Passengers who need help at the next wharf",
        "Cash float of 300 AUD in the bar, counted by both",
    ):
        document.add_paragraph(line, style="List Bullet")
    document.add_heading("Steps at the end of the day", 2)
    for line in (
        "Walk through all decks and check that nobody is on board.",
        "Connect shore power and switch off the generator.",
        "Lock the wheelhouse and hang the key in the key safe at the wharf office.",
        "Send form V7 from the crew app before you go.",
    ):
        document.add_paragraph(line, style="List Number")
    document.add_heading("Battery of the Heron", 2)
    document.add_paragraph(
        "The Heron must not leave with less than 35 % in the battery. "
        "Charging from 20 % to 90 % takes 47 minutes at the fast charger of Port Ellery."
    )
    document.add_heading("Who repairs what", 2)
    _add_table(
        document,
        [
            ("Defect", "Who", "Answer within"),
            ("Engine or steering", "Duty engineer", "15 minutes"),
            ("Doors, seats, lights", "Workshop at Coal Point", "next working day"),
            ("Radio or radar", "Saltmarsh Electronics", "4 hours"),
        ],
    )
    return _saved(document)


def _add_table(document: Any, rows: Rows) -> None:
    table = document.add_table(rows=0, cols=len(rows[0]))
    table.style = "Table Grid"
    for values in rows:
        for cell, value in zip(table.add_row().cells, values, strict=True):
            cell.text = value


def rates() -> bytes:
    """finance/rates-2026.xlsx"""
    workbook: Any = openpyxl.Workbook()
    workbook.properties.title = "Rates 2026"
    workbook.properties.created = MADE_ON.replace(tzinfo=None)
    fares = workbook.active
    fares.title = "Fares"
    fares.append(["Ticket", "Adult (AUD)", "Concession (AUD)", "Valid from"])
    for name, adult, concession in (
        ("H1 single", 4.8, 2.4),
        ("H2 single", 13.6, 6.8),
        ("H3 single", 6.2, 3.1),
        ("H4 harbour loop", 32, 19),
        ("Day pass, all routes but H4", 21.5, 10.75),
        ("Monthly pass, H1 and H3", 128, 64),
    ):
        fares.append([name, adult, concession, date(2026, 7, 1)])
    charges = workbook.create_sheet("Internal charges")
    charges.append(["Service", "Unit", "AUD", "Cost centre"])
    for row in (
        ("Workshop hour", "hour", 96, 3100),
        ("Diver team", "half day", 1450, 3150),
        ("Staff shuttle for groups", "trip", 65, 2400),
        ("Training room at Quay Street", "day", 180, 4200),
    ):
        charges.append(row)
    return _saved(workbook)


def _saved(document: Any) -> bytes:
    target = BytesIO()
    document.save(target)
    return target.getvalue()


class _Plan(FPDF):
    def header(self) -> None:
        self.set_font("helvetica", size=8)
        self.cell(0, 5, "Harbourline - emergency plan for staff ashore", new_x="LMARGIN", new_y="NEXT")
        self.ln(4)

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("helvetica", size=8)
        self.cell(0, 5, f"Page {self.page_no()} of 3")

    def title_line(self, text: str, size: int) -> None:
        self.set_font("helvetica", "B", size)
        self.multi_cell(0, size * 0.55, text, new_x="LMARGIN", new_y="NEXT")
        self.ln(3)

    def text_lines(self, *paragraphs: str) -> None:
        self.set_font("helvetica", size=11)
        for paragraph in paragraphs:
            self.multi_cell(0, 6, paragraph, new_x="LMARGIN", new_y="NEXT")
            self.ln(4)

    def rows(self, rows: Rows) -> None:
        self.set_font("helvetica", size=11)
        with self.table(headings_style=FontFace(emphasis="BOLD")) as table:
            for values in rows:
                row = table.row()
                for value in values:
                    row.cell(value)


def emergency_plan() -> bytes:
    """company/emergency-plan.pdf"""
    pdf = _Plan()
    pdf.set_title("Emergency plan for staff ashore")
    pdf.set_creation_date(MADE_ON)
    pdf.add_page()
    pdf.title_line("Emergency plan", 20)
    pdf.text_lines(
        "This plan is for the offices, the wharf buildings and the workshop. It is tested twice a year."
    )
    pdf.title_line("Fire alarm", 14)
    pdf.text_lines(
        "Leave the building when you hear the alarm, by the nearest stairs. Do not use the lift.",
        "The assembly point for Quay Street is the fish market car park. The assembly point for Coal Point "
        "is the slipway gate. Wardens wear yellow caps and count their floor.",
    )
    pdf.add_page()
    pdf.title_line("Fire wardens", 14)
    pdf.rows(
        [
            ("Building", "Warden", "Deputy"),
            ("Quay Street, floor 1", "Ruth Abernathy", "Samir Halloran"),
            ("Quay Street, floor 2", "Gareth Imrie", "Joanna Petrakis"),
            ("Workshop", "Bilal Novak", "Mei Castellano"),
        ]
    )
    pdf.ln(6)
    pdf.title_line("Power failure", 14)
    pdf.text_lines(
        "The generator at Quay Street starts by itself within 20 seconds and runs for 9 hours. "
        "Ticket gates open by themselves and stay open until the power is back."
    )
    pdf.add_page()
    pdf.title_line("Flood and storm", 14)
    pdf.text_lines(
        "At a forecast tide above 2.4 metres the ground floor of Quay Street is cleared. "
        "Sandbags are kept in shed 4.",
        "Staff who cannot get home may sleep in the training room; there are 16 folding beds.",
    )
    return bytes(pdf.output())


DOCUMENTS = {
    "operations/vessel-handover.docx": handover,
    "finance/rates-2026.xlsx": rates,
    "company/emergency-plan.pdf": emergency_plan,
}


def main(folder: Path = HANDBOOK) -> None:
    for name, make in DOCUMENTS.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(make())
        print(f"{name}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HANDBOOK)
