"""The quote of a citation is marked where it stands, and nothing else becomes markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.document import Block, LoadedDocument
from knowledge.load import render_html
from knowledge.load.highlight import BEGIN, END


def page(*blocks: Block, quote: str) -> str:
    return render_html(LoadedDocument("T", "text/markdown", blocks), "T", quote)


def test_words_are_found_whatever_their_white_space_and_case() -> None:
    html = page(Block("paragraph", "You get 25\ndays of leave."), quote="you get 25 days")
    assert '<p><mark id="quote">You get 25</mark>\n<mark>days</mark> of leave.</p>' in html


def test_a_quote_over_items_is_marked_in_each() -> None:
    html = page(Block("list", "- one\n- two\n  - three"), quote="one two three")
    assert '<li><mark id="quote">one</mark></li><li><mark>two</mark><ul><li><mark>three</mark>' in html


def test_a_quote_over_cells_is_marked_in_each() -> None:
    html = page(Block("table", "Grade | Days\nA | 25\nB | 28"), quote="A | 25")
    assert '<td><mark id="quote">A</mark></td><td><mark>25</mark></td>' in html


def test_a_quote_over_blocks_is_marked_in_each() -> None:
    blocks = Block("heading", "Leave", level=2, anchor="leave"), Block("paragraph", "You get 25 days.")
    html = page(*blocks, quote="Leave You get")
    assert '<h2 id="leave"><mark id="quote">Leave</mark></h2>' in html
    assert "<p><mark>You get</mark> 25 days.</p>" in html


@pytest.mark.parametrize("quote", ["", "   ", "not there", "<b>", "a" * 5000])
def test_a_quote_that_is_not_there_marks_nothing(quote: str) -> None:
    html = page(Block("paragraph", "You get 25 days."), quote=quote)
    assert "<mark" not in html
    assert "<p>You get 25 days.</p>" in html


texts = st.text(alphabet=st.sampled_from(f"ab <>&\"'|-\n{BEGIN}{END}"), max_size=30)


@given(text=texts, quote=texts, kind=st.sampled_from(["paragraph", "list", "table", "code"]))
def test_no_text_becomes_markup(text: str, quote: str, kind: str) -> None:
    html = page(Block(kind, text), quote=quote)  # type: ignore[arg-type]  # each of them is a kind
    body = html.partition("<main>")[2]
    assert body.count("<mark") == body.count("</mark>")
    assert BEGIN not in html
    assert END not in html
    tags = {piece.partition(">")[0].split(" ")[0] for piece in body.split("<")[1:]}
    known = {
        "h1",
        "p",
        "ul",
        "ol",
        "li",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "div",
        "pre",
        "code",
        "mark",
    }
    assert {tag.lstrip("/") for tag in tags} <= known | {"main", "body", "html"}


@pytest.mark.proves("LOAD-020")
@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("- " * 5000, "- " * 200 + "x"),
        ("1. " * 5000, "1. " * 200 + "x"),
        ("- 1. " * 5000, "1. - " * 100 + "x"),
        ("| " * 5000, "| " * 200 + "x"),
        ("a" + " |" * 5000, "a " * 200 + "x"),
        ("a " * 200_000, "a " * 390 + "x"),
    ],
)
def test_a_quote_made_to_take_for_ever_is_looked_for_once(text: str, quote: str) -> None:
    # Backtracking, each of them would outlast the time limit of all tests together.
    assert "<mark" not in page(Block("paragraph", text), quote=quote)


def test_markers_of_items_may_be_in_the_quote_or_not() -> None:
    items = Block("list", "- see 2. and\n- so - on\n3. last of 2024.")
    for quote in ("see 2. and so - on last of 2024", "- see 2. and\n- so - on\n3. last of 2024."):
        assert page(items, quote=quote).count("<mark") == 3
