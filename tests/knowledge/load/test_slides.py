"""Presentations."""

import textwrap
from typing import Any

import pptx
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Cm

from knowledge.load import load
from tests.knowledge.load.made import saved, shown

_A = "http://schemas.openxmlformats.org/drawingml/2006/main"


def deck() -> Any:
    presentation: Any = pptx.Presentation()
    opening = presentation.slides.add_slide(presentation.slide_layouts[0])
    opening.shapes.title.text, opening.placeholders[1].text = "Summer timetable", "For the crew"
    return presentation


def slide(presentation: Any, title: str, layout: int = 5) -> Any:
    added = presentation.slides.add_slide(presentation.slide_layouts[layout])
    added.shapes.title.text = title
    return added


def read(presentation: Any) -> str:
    return shown(load(saved(presentation), "deck.pptx").blocks)


def test_slides_are_pages_with_title_bullets_and_notes() -> None:
    presentation = deck()
    body = slide(presentation, "What changes", layout=1)
    frame = body.placeholders[1].text_frame
    frame.text = "Two more vessels"
    for text, level in (("Banksia", 1), ("Grevillea", 1), ("No paper tickets", 0)):
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = text, level
    body.notes_slide.notes_text_frame.text = "Refunds end in December."

    document = load(saved(presentation), "deck.pptx")

    assert document.title == "Summer timetable"
    assert shown(document.blocks) == textwrap.dedent(
        """\
        heading1: Summer timetable
        paragraph: For the crew
        heading2: What changes
        list: - Two more vessels
          - Banksia
          - Grevillea
        - No paper tickets
        heading3: Notes
        paragraph: Refunds end in December."""
    )
    assert [block.page for block in document.blocks] == [1, 1, 2, 2, 2, 2]


def test_numbered_points_are_counted() -> None:
    presentation = deck()
    frame = slide(presentation, "Steps", layout=1).placeholders[1].text_frame
    for number, text in enumerate(["Count", "Scan"]):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text = text
        properties = paragraph._p.get_or_add_pPr()
        properties.append(properties.makeelement(f"{{{_A}}}buAutoNum", type="arabicPeriod"))

    assert read(presentation).endswith("list: 1. Count\n2. Scan")


def test_tables_say_merged_cells_in_each_row_and_charts_say_their_numbers() -> None:
    presentation = deck()
    table = slide(presentation, "Fleet").shapes.add_table(3, 2, Cm(1), Cm(4), Cm(10), Cm(3)).table
    for row, values in enumerate([("Pier", "Vessel"), ("North", "Wattle"), ("", "Banksia")]):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    table.cell(1, 0).merge(table.cell(2, 0))
    numbers: Any = CategoryChartData()
    numbers.categories = ["May", "June"]
    numbers.add_series("Passengers", (1200, 1350.5))
    slide(presentation, "Passengers").shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Cm(1), Cm(4), Cm(10), Cm(6), numbers
    )

    assert "table: Pier | Vessel\nNorth | Wattle\nNorth | Banksia" in read(presentation)
    assert read(presentation).endswith("table: – | Passengers\nMay | 1200\nJune | 1350.5")


def test_hidden_slides_and_running_texts_are_left_out_and_groups_are_read() -> None:
    presentation = deck()
    slide(presentation, "Secret").element.set("show", "0")
    group = slide(presentation, "Map").shapes.add_group_shape()
    group.shapes.add_textbox(Cm(1), Cm(5), Cm(5), Cm(1)).text_frame.text = "North pier"

    text = read(presentation)

    assert "Secret" not in text
    assert text.endswith("heading2: Map\nparagraph: North pier")


def test_a_slide_without_a_title_has_its_number_for_one() -> None:
    presentation = deck()
    plain = presentation.slides.add_slide(presentation.slide_layouts[6])
    plain.shapes.add_textbox(Cm(1), Cm(5), Cm(5), Cm(1)).text_frame.text = "Only this"

    assert read(presentation).endswith("heading2: Slide 2\nparagraph: Only this")
