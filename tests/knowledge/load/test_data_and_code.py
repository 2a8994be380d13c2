"""JSON, JSON lines, CSV dialects, grids of cells, source code, rich text."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.load import UnreadableDocument, load
from knowledge.load.number_format import formatted
from tests.knowledge.load.made import shown


def test_json_lines_become_one_list_in_their_order() -> None:
    document = load(b'{"b": 1, "a": [2]}\n\n{"c": null}\n', "log.ndjson")

    assert [(block.kind, block.language) for block in document.blocks] == [("code", "json")]
    assert (
        document.text == '[\n  {\n    "b": 1,\n    "a": [\n      2\n    ]\n  },\n  {\n    "c": null\n  }\n]'
    )


@pytest.mark.proves("LOAD-002")
def test_json_and_json_lines_are_known_by_what_they_say() -> None:
    assert load(b'{"a": 1}', "data").content_type == "application/json"
    assert load(b'{"a": 1}\n{"a": 2}\n{"a": 3}\n', "data").content_type == "application/jsonl"
    assert load(b"{not json}", "data").content_type == "text/plain"


def test_a_broken_line_in_json_lines_is_told() -> None:
    with pytest.raises(UnreadableDocument, match="not every line is valid JSON"):
        load(b'{"a": 1}\n{"a": \n', "log.jsonl")


@pytest.mark.parametrize(
    "source",
    [
        "pier;fare\nnorth;9,40\nsouth;11,20\n",
        "pier\tfare\nnorth\t9,40\nsouth\t11,20\n",
        'sep=|\n"pier"|fare\nnorth|9,40\nsouth|"11,20"\n',
        "\ufeffpier;fare\r\nnorth;9,40\r\nsouth;11,20\r\n",
        'pier,fare\n"north","9,40"\nsouth,"11,20"\n',
    ],
)
def test_the_separator_of_a_csv_file_is_found(source: str) -> None:
    text = shown(load(source.encode(), "fares.csv").blocks)

    assert text == "table: pier | fare\nnorth | 9,40\nsouth | 11,20"


def test_csv_in_an_older_encoding_is_read() -> None:
    assert load("Größe;Ort\n5;Köln\n".encode("cp1252"), "x.csv").text == "Größe | Ort\n5 | Köln"


def test_titles_notes_and_gaps_of_a_grid_are_seen() -> None:
    source = """\
        Fares of the loop,,
        ,,
        Zone,Fare,Seats
        Inner,9.40,240
        ,,
        Outer,18.00,310
        The office checks this list every Monday at noon.,,
        """

    assert shown(load(textwrap.dedent(source).encode(), "x.csv").blocks) == textwrap.dedent(
        """\
        paragraph: Fares of the loop
        table: Zone | Fare | Seats
        Inner | 9.40 | 240
        Outer | 18.00 | 310
        paragraph: The office checks this list every Monday at noon."""
    )


def test_tables_beside_each_other_are_told_apart() -> None:
    source = b"Name,Role,,Vessel,Seats\nOla,master,,Wattle,240\nIda,mate,,Banksia,310\n"

    assert shown(load(source, "x.csv").blocks) == (
        "table: Name | Role\nOla | master\nIda | mate\ntable: Vessel | Seats\nWattle | 240\nBanksia | 310"
    )


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (1234.5, "#,##0.00", "1,234.50"),
        (-1234.5, "#,##0.00;(#,##0.00)", "(1,234.50)"),
        (0, '0.0;-0.0;"none"', "none"),
        (0.034, "0.0%", "3.4%"),
        (9.4, "[$€-407] #,##0.00", "€ 9.40"),
        (9.4, '_-* #,##0.00 "AUD"_-', "9.40 AUD"),
        (2.5, "0.0##", "2.5"),
        (1_500_000, '0.0,,"m"', "1.5m"),
        (3, "General", "3"),
        (0.1 + 0.2, "General", "0.3"),
        (-2, "[Red]0", "-2"),
        (1.5, "# ?/?", "1.5"),
        (12, "@", "12"),
    ],
)
def test_a_number_looks_as_its_sheet_shows_it(value: float, code: str, text: str) -> None:
    assert formatted(value, code) == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.text(alphabet='#0.,%;"$[]-_* E@?/x\\'))
def test_any_format_shows_something(value: float, code: str) -> None:
    assert formatted(value, code)


@pytest.mark.parametrize(
    ("name", "source", "language"),
    [
        ("tide.py", "import os\n", "python"),
        ("src/Tide.TSX", "export default 1\n", "tsx"),
        ("Dockerfile", "FROM scratch\n", "docker"),
        ("Makefile", "all:\n\techo\n", "make"),
        ("deploy", "#!/usr/bin/env -S bash -e\necho\n", "bash"),
        ("run", "#!/usr/bin/python3\nprint()\n", "python"),
        ("values.yaml", "a: 1\n", "yaml"),
    ],
)
def test_source_code_knows_its_language(name: str, source: str, language: str) -> None:
    document = load(source.encode(), name)

    assert {(block.kind, block.language) for block in document.blocks} == {("code", language)}
    assert document.title == name.rsplit("/", 1)[-1]


@pytest.mark.proves("LOAD-002")
def test_a_page_named_as_code_is_read_as_a_page() -> None:
    assert load(b"<!doctype html><p>Hello</p>", "page.py").content_type == "text/html"


def test_rich_text_is_read_with_its_tables() -> None:
    rtf = rb"{\rtf1\ansi Fares\par\trowd Zone\cell Fare\cell\row\trowd Inner\cell 9.40\cell\row Caf\'e9\par}"

    assert (
        shown(load(rtf, "fares.rtf").blocks)
        == "paragraph: Fares\ntable: Zone | Fare\nInner | 9.40\nparagraph: Café"
    )
