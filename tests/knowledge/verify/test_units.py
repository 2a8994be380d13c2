import pytest

from knowledge.verify import split_sentences, units_of
from tests.knowledge.verify.handbook import PAGE


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("You earn 2.5 days, e.g. in May. Next.", ["You earn 2.5 days, e.g. in May.", "Next."]),
        (
            "Ask Dr. Lee at a@x.org. [1] Then go. [2][3]",
            ["Ask Dr. Lee at a@x.org. [1]", "Then go. [2][3]"],
        ),
        ("Come by 5 p.m. or later.", ["Come by 5 p.m. or later."]),
        (
            "These:\n- first one\n- second one. It is long.",
            ["These:", "first one", "second one.", "It is long."],
        ),
        ("A soft\nwrapped line. And more.", ["A soft\nwrapped line.", "And more."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("", []),
        (" \n\n ", []),
    ],
)
def test_text_is_cut_where_a_reader_would(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_items_know_their_lead_in_and_rows_their_header() -> None:
    units = units_of(PAGE)
    item = next(unit for unit in units if PAGE[slice(*unit.span)] == "Mental health care")
    assert item.lead is not None
    assert PAGE[slice(*item.lead)] == "You can use sick leave for:"
    row = next(unit for unit in units if unit.kind == "row")
    assert [PAGE[slice(*cell)] for cell in row.cells] == [
        "Agency completes documents",
        "Agency contact",
        "3 weeks",
    ]
    assert [PAGE[slice(*label)] for label in row.labels] == ["Step", "Who does it", "How long"]


def test_markdown_tables_and_headings_are_read_too() -> None:
    text = "## Rates\n\n| Level | Bonus |\n| --- | --- |\n| 5 | 3.85% |\n"
    kinds = [(unit.kind, text[slice(*unit.span)]) for unit in units_of(text)]
    assert kinds == [("heading", "Rates"), ("row", "| 5 | 3.85% |")]
    (row,) = [unit for unit in units_of(text) if unit.kind == "row"]
    assert [text[slice(*cell)] for cell in row.cells] == ["5", "3.85%"]
