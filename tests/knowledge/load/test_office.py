"""DOCX, XLSX, CSV, JSON and plain text."""

import textwrap
from typing import Any

import docx
import openpyxl
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from knowledge.load import load
from tests.knowledge.load.made import docx_file, saved, shown, xlsx_file


def test_a_word_document_is_read_in_its_order() -> None:
    document = load(docx_file(), "rules.docx")

    assert document.title == "Boarding"
    assert document.metadata["author"] == "N. Okafor"
    assert shown(document.blocks) == textwrap.dedent(
        """\
        heading1: Boarding
        paragraph: Boarding closes 10 minutes before departure.
        paragraph: Bring:
        list: - a ticket
        - a jacket
        heading2: Steps
        list: 1. Scan the ticket.
        2. Walk on board.
        table: Route | Minutes
        Harbour loop | 45
        paragraph: After the table."""
    )


def test_deleted_text_is_gone_and_inserted_text_is_there() -> None:
    document: Any = docx.Document()
    paragraph = document.add_paragraph("The fee is ")
    w = nsdecls("w")
    paragraph._p.append(parse_xml(f"<w:del {w}><w:r><w:delText>40</w:delText></w:r></w:del>"))
    paragraph._p.append(parse_xml(f"<w:ins {w}><w:r><w:t>45</w:t></w:r></w:ins>"))

    assert load(saved(document), "fee.docx").text == "The fee is 45"


def test_text_boxes_and_framed_text_are_read() -> None:
    document: Any = docx.Document()
    inside = "<w:p><w:r><w:t>Boxed</w:t></w:r></w:p>"
    box = f"<w:r {nsdecls('w')}><w:pict><w:txbxContent>{inside}</w:txbxContent></w:pict></w:r>"
    document.add_paragraph("Before")._p.append(parse_xml(box))
    document.add_table(rows=1, cols=1).rows[0].cells[0].text = "Framed"

    assert shown(load(saved(document), "x.docx").blocks) == (
        "paragraph: Before\nparagraph: Boxed\nparagraph: Framed"
    )


def test_a_bold_line_above_text_is_a_heading_and_elsewhere_emphasis() -> None:
    document: Any = docx.Document()
    document.add_heading("Ships", 1)
    for text, bold in (("Risks", True), ("None this week.", False), ("Read this", True), ("Name: Ola", True)):
        document.add_paragraph().add_run(text).bold = bold

    assert shown(load(saved(document), "x.docx").blocks) == textwrap.dedent(
        """\
        heading1: Ships
        heading2: Risks
        paragraph: None this week.
        heading2: Read this
        paragraph: Name: Ola"""
    )


def test_cells_over_several_rows_and_columns_and_notes_are_read() -> None:
    document: Any = docx.Document()
    table = document.add_table(rows=3, cols=3)
    for row, values in zip(
        table.rows, (("Zone", "Fare", ""), ("Inner", "9.40", "4.70"), ("", "11", "5")), strict=True
    ):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))

    assert load(saved(document), "x.docx").text == "Zone | Fare\nInner | 9.40 | 4.70\nInner | 11 | 5"


def test_each_visible_sheet_is_a_heading_with_its_table() -> None:
    document = load(xlsx_file(), "rates.xlsx")

    assert document.title == "rates"
    assert shown(document.blocks) == textwrap.dedent(
        """\
        heading1: Rates
        paragraph: Rates for 2026, in AUD
        table: Item | Amount | From | Taxed
        Meal | 68.5 | 2026-07-01 | yes
        Hotel / city | 240 | 2026-07-01 | no"""
    )


def test_numbers_look_as_in_the_sheet() -> None:
    workbook: Any = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["Share", "Fare", "Count", "Raw"])
    sheet.append([0.034, 4.8, 1200, 0.1 + 0.2])
    for cell, shown_as in zip(sheet[2], ("0.0%", '"AUD" #,##0.00', "#,##0", "General"), strict=True):
        cell.number_format = shown_as

    assert (
        load(saved(workbook), "x.xlsx").blocks[-1].text
        == "Share | Fare | Count | Raw\n3.4% | AUD 4.80 | 1,200 | 0.3"
    )


def test_csv_becomes_a_table() -> None:
    document = load(b'name;phone\n"Ola; N.";555\nIda;556\n', "contacts.csv")

    assert document.content_type == "text/csv"
    assert shown(document.blocks) == "table: name | phone\nOla; N. | 555\nIda | 556"


def test_json_is_shown_line_by_line() -> None:
    assert load(b'{"berth":{"depth":4.5}}', "berth.json").text == '{\n  "berth": {\n    "depth": 4.5\n  }\n}'


def test_plain_text_has_paragraphs_lists_and_underlined_headings() -> None:
    text = (
        "Watch\n=====\n\nTwo people\nat night.\n\nBring:\n* torch\n  and spare\n* radio\n\nRest\n----\nSix.\n"
    )

    document = load(text.encode(), "watch.txt")

    assert document.title == "Watch"
    assert shown(document.blocks) == textwrap.dedent(
        """\
        heading1: Watch
        paragraph: Two people
        at night.
        paragraph: Bring:
        list: - torch and spare
        - radio
        heading2: Rest
        paragraph: Six."""
    )


def test_text_in_older_encodings_is_read() -> None:
    text = "Le capitaine a été relevé à Nouméa après une longue journée d'été sur la côte. " * 5

    assert load(text.encode("cp1252"), "note.txt").text == text.strip()
    assert load(text.encode("utf-16"), "note.txt").text == text.strip()
    assert load("Straße 5, Café".encode("cp1252"), "note.txt").text == "Straße 5, Café"


def test_a_damaged_place_in_utf8_does_not_garble_the_rest() -> None:
    text = ("Größe, Übung, façade, naïve, Ærø. " * 10).encode()

    assert load(text + b"\xff\xfa end", "note.md").text.endswith("Ærø. end")
