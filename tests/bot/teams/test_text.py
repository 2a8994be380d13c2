"""Markdown for Teams: it only grows, it is nobody's markup, and nothing is lost."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.teams.text import Flow, converted, escaped, pieces

SIGNS = st.text(alphabet="ab <>`|\n-*[]()!#@/t~\\é1.", max_size=60)
TABLE = "Before\n\n| Kind | Days |\n|---|---:|\n| Annual | 20 [1] |\n| Sick \\| paid | 10 |\n\nAfter"


@pytest.mark.proves("TEAMS-109")
@settings(max_examples=300)
@given(st.lists(SIGNS, max_size=8))
def test_what_is_shown_only_grows_and_does_not_depend_on_the_pieces(parts: list[str]) -> None:
    flow, before = Flow(), ""
    for part in parts:
        flow.feed(part)
        assert flow.shown.startswith(before)
        before = flow.shown
    whole = flow.rest()
    assert whole.startswith(before.rstrip())
    assert whole == converted("".join(parts))


@pytest.mark.proves("TEAMS-109")
@given(SIGNS)
def test_no_tag_of_a_mention_survives(text: str) -> None:
    assert "<at" not in converted(f"{text}<at>Everyone</at>{text}").lower()
    assert "<at" not in converted(f"`{text}<at>Everyone</at>").lower()
    assert "<at" not in escaped(f"{text}<at>x</at>").lower()


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("**bold**, *it*, ~~gone~~ and `x < y`", "**bold**, *it*, ~~gone~~ and `x < y`"),
        ("[here](https://example.com/a_b) [1]", "[here](https://example.com/a_b) [1]"),
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("![spy](https://evil.example/p.png)", "[spy](https://evil.example/p.png)"),
        ("[press](javascript:alert)", "[press] (javascript:alert)"),
        ("```html\n<b>bold</b>\n```\nafter", "```html\n<b>bold</b>\n```\nafter"),
        ("```\nopen", "```\nopen\n```"),
        ("- one\n  - two\n1. three", "- one\n  - two\n1. three"),
        ("\u202eright to left\u200b", "right to left"),
    ],
)
def test_markdown_stays_what_it_says(markdown: str, shown: str) -> None:
    assert converted(markdown) == shown


def test_a_table_keeps_its_cells_in_columns() -> None:
    lines = converted(TABLE).splitlines()
    assert lines[2:8] == [
        "```",
        "Kind         Days",
        "-----------  ------",
        "Annual       20 [1]",
        "Sick | paid  10",
        "```",
    ]
    assert lines[0] == "Before"
    assert lines[-1] == "After"


def test_lines_with_bars_that_are_no_table_stay_lines() -> None:
    assert converted("| just a bar\nand text") == "| just a bar\nand text"


@given(st.text(alphabet="word \n`", max_size=400), st.integers(40, 200))
def test_pieces_fit_and_lose_nothing(text: str, most: int) -> None:
    found = pieces(text, most)
    assert all(len(json.dumps(piece)) - 2 <= most for piece in found)
    kept = "".join("".join(found).replace("`", "").split())
    assert kept == "".join(text.replace("`", "").split())


def test_a_fence_that_is_cut_is_closed_and_opened_again() -> None:
    text = "```\n" + "\n".join(f"line {n}" for n in range(60)) + "\n```"
    for piece in pieces(text, 200):
        assert piece.startswith("```\n")
        assert piece.endswith("\n```")
