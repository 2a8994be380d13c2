"""Anchors are what citation links point to: they may never change by accident."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.load import load
from knowledge.load.anchors import Anchors, slug


@pytest.mark.proves("LOAD-004")
@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Meal allowance", "meal-allowance"),
        ("What's new in 2026?", "whats-new-in-2026"),
        ("  Pay & leave / FAQ ", "pay-leave-faq"),
        ("Café ﬁre drill", "café-fire-drill"),
        ("hyphen-ated_name", "hyphen-ated_name"),
        ("船の規則", "船の規則"),
        ("हिन्दी", "हिन्दी"),
        ("???", "section"),
        ("x" * 200, "x" * 80),
    ],
)
def test_the_slug_of_a_heading_is_fixed(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


def test_repeated_headings_are_numbered_in_order() -> None:
    document = load(b"# Steps\n\na\n\n# Steps\n\nb\n\n# Steps 1\n\nc\n\n# Steps\n\nd\n", "x.md")

    assert [block.anchor for block in document.blocks if block.kind == "heading"] == [
        "steps",
        "steps-1",
        "steps-1-1",
        "steps-2",
    ]


@given(st.lists(st.text(max_size=10)))
def test_anchors_of_a_document_are_unique(headings: list[str]) -> None:
    anchors = Anchors()

    taken = [anchors.take(heading) for heading in headings]

    assert len(set(taken)) == len(taken)
