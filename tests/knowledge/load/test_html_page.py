"""The source viewer shows a document and nothing that could run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from knowledge.document import Block, LoadedDocument
from knowledge.load import load, render_html


def test_headings_carry_their_anchors_and_structure_is_shown() -> None:
    source = (
        b"# Meals\n\nEat.\n\n## Rates\n\n|Meal|AUD|\n|-|-|\n|Lunch|22|\n\n- a\n  - b\n- c\n\n1. x\n2. y\n"
    )

    page = LexborHTMLParser(render_html(load(source, "m.md"), "Meals"))

    assert [(node.tag, node.id) for node in page.css("h1, h2")] == [("h1", "meals"), ("h2", "rates")]
    assert [node.text() for node in page.css("th, td")] == ["Meal", "AUD", "Lunch", "22"]
    assert page.css_first("ul > li > ul > li").text() == "b"
    assert [node.text() for node in page.css("ol > li")] == ["x", "y"]


@pytest.mark.proves("LOAD-003")
@given(
    st.lists(st.tuples(st.sampled_from(["heading", "paragraph", "list", "table", "code"]), st.text())),
    st.text(),
)
def test_no_text_becomes_markup(blocks: list[tuple[str, str]], title: str) -> None:
    hostile = "<script>x</script>\"'><img src=x onerror=y>"
    made = tuple(
        Block(kind, f"{text}{hostile}", 1 if kind == "heading" else 0, None, f'"{hostile}')
        for kind, text in blocks
    )

    page = LexborHTMLParser(render_html(LoadedDocument("t", "text/plain", made), title + hostile))

    assert not page.css("script, img, a, iframe, object, [onerror], [src], [href]")
