"""PDF files."""

import pytest
from fpdf import FPDF

from knowledge.load import load
from tests.knowledge.load.made import pdf_file, picture, shown, two_column_pdf


def pages(*texts: str) -> FPDF:
    """One page for each text, of which each line is a line."""
    pdf = FPDF()
    for text in texts:
        pdf.add_page()
        pdf.set_font("helvetica", size=11)
        for line in text.split("\n"):
            pdf.cell(0, 5, line, new_x="LMARGIN", new_y="NEXT")
    return pdf


def blocks(pdf: FPDF) -> str:
    return shown(load(bytes(pdf.output()), "x.pdf").blocks)


def test_headings_pages_lists_and_tables_are_found_and_running_lines_dropped() -> None:
    document = load(pdf_file(), "rules.pdf")

    rule = "check the lines twice before you leave the wheelhouse."
    assert document.title == "Mooring"
    assert shown(document.blocks) == "\n".join(
        [
            "heading1: Mooring",
            "paragraph: " + " ".join([f"Rule 1: {rule}"] * 3),
            "heading1: Fuel",
            "paragraph: " + " ".join([f"Rule 2: {rule}"] * 3),
            "heading1: Night work",
            "paragraph: " + " ".join([f"Rule 3: {rule}"] * 3),
            "list: - first check\n- second check",
            "table: Berth | Depth\nA1 | 4.5 m\nB2 | 6.0 m",
        ]
    )
    assert [block.page for block in document.blocks] == [1, 1, 2, 2, 3, 3, 3, 3]


def test_two_columns_are_read_one_after_the_other() -> None:
    text = load(two_column_pdf(), "columns.pdf").text

    assert text.index("left column line 19") < text.index("right column line 00")


@pytest.mark.proves("LOAD-032")
def test_pages_that_are_pictures_are_named_and_the_others_read() -> None:
    pdf = FPDF()
    for scanned in (False, True, True, False, True):
        pdf.add_page()
        pdf.set_font("helvetica", size=11)
        if scanned:
            pdf.image(picture(), x=0, y=0, w=210)
        else:
            pdf.multi_cell(0, 6, "The fuel log is kept in the wheelhouse.")

    document = load(bytes(pdf.output()), "log.pdf")

    assert document.metadata["pages_without_text"] == "2-3, 5"
    assert [block.page for block in document.blocks] == [1, 4]


def test_a_title_over_two_columns_is_read_first_and_a_line_below_them_last() -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    pdf.set_xy(10, 10)
    pdf.cell(
        190, 5, "A line that runs over both of the columns of this page, from the left to the right edge"
    )
    for x, word in ((10, "left"), (115, "right")):
        for line in range(12):
            pdf.set_xy(x, 20 + 5 * line)
            pdf.cell(80, 5, f"{word} column line {line:02d} runs on and on")
    pdf.set_xy(10, 90)
    pdf.cell(
        190, 5, "Another such line below the two columns, which is read after both of them are done with"
    )

    text = load(bytes(pdf.output()), "x.pdf").text

    places = [
        text.index(part) for part in ("over both", "left column line 11", "right column line 00", "Another")
    ]
    assert places == sorted(places)


def test_a_word_divided_at_the_end_of_a_line_or_page_is_whole_again() -> None:
    assert blocks(pages("The har-\nbour loop has a time-\ntable of", "its own.")) == (
        "paragraph: The harbour loop has a timetable of its own."
    )


def test_a_page_that_lies_on_its_side_is_read_as_it_is_held() -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    with pdf.rotation(90, 100, 150):
        for number in range(3):
            pdf.text(60, 120 + 6 * number, f"Line {number} of the sideways page")

    assert blocks(pdf) == "paragraph: " + " ".join(f"Line {n} of the sideways page" for n in range(3))


def test_columns_of_words_without_rulings_are_a_table_and_its_wrapped_cells_are_whole() -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    rows = [
        ("Pier", "Depth", "Remark"),
        ("North", "4.5 m", "locked at"),
        ("", "", "night"),
        ("South", "6.0 m", "open"),
    ]
    for line, row in enumerate(rows):
        for column, text in enumerate(row):
            pdf.set_xy(10 + 50 * column, 20 + 5 * line)
            pdf.cell(40, 5, text)

    assert (
        blocks(pdf) == "table: Pier | Depth | Remark\nNorth | 4.5 m | locked at night\nSouth | 6.0 m | open"
    )


def test_a_cell_over_several_rows_is_said_in_each_of_them() -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    with pdf.table() as table:
        head = table.row()
        for text in ("Zone", "Fare"):
            head.cell(text)
        first = table.row()
        first.cell("Inner", rowspan=2)
        first.cell("9.40")
        table.row().cell("11.20")
        wide = table.row()
        wide.cell("Children ride free", colspan=2)

    assert blocks(pdf) == "table: Zone | Fare\nInner | 9.40\nInner | 11.20\nChildren ride free"


def test_heads_that_change_by_chapter_go_with_their_page_numbers() -> None:
    pdf = FPDF()
    for number, chapter in enumerate(["Mooring", "Mooring", "Fuel", "Fuel", "Night"], start=7):
        pdf.add_page()
        pdf.set_font("helvetica", size=9)
        pdf.set_xy(10, 8)
        pdf.cell(100, 4, f"Chapter on {chapter}")
        pdf.set_xy(180, 8)
        pdf.cell(20, 4, str(number))
        pdf.set_xy(10, 60)
        pdf.cell(100, 5, f"The rule of page {number} is short.")

    assert blocks(pdf) == "\n".join(
        f"paragraph: The rule of page {number} is short." for number in range(7, 12)
    )


def test_bookmarks_say_what_is_a_heading_and_at_which_level() -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    for text, level in (("Mooring", 0), ("At night", 1)):
        pdf.start_section(text, level=level)
        pdf.cell(0, 5, text, new_x="LMARGIN", new_y="NEXT")
        pdf.multi_cell(
            0, 5, "Check the lines twice before you leave the wheelhouse.", new_x="LMARGIN", new_y="NEXT"
        )

    rule = "paragraph: Check the lines twice before you leave the wheelhouse."
    assert blocks(pdf) == f"heading1: Mooring\n{rule}\nheading2: At night\n{rule}"


def test_type_of_one_width_is_code_with_its_indentation() -> None:
    pdf = pages("Run this in the wheelhouse, and nowhere else on board of the vessel:")
    pdf.set_font("courier", size=9)
    for line in ("if tide > 4:", "    sail()"):
        pdf.cell(0, 5, line, new_x="LMARGIN", new_y="NEXT")

    assert blocks(pdf).endswith("code: if tide > 4:\n    sail()")


def test_a_table_of_contents_is_not_text() -> None:
    pdf = pages("Mooring . . . . . . . . . 2\nFuel ......... 3", "Mooring is simple.")

    assert blocks(pdf) == "paragraph: Mooring is simple."
