"""PDF files."""

from knowledge.load import load
from tests.knowledge.load.made import pdf_file, shown, two_column_pdf


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
