"""Markdown as Slack shows it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.text import (
    Prose,
    Table,
    escaped,
    linked,
    markdown_link,
    neutral,
    parts_of,
    pieces,
    shortened,
)

PING = re.compile(r"<[@!#]|@(?:channel|here|everyone)\b", re.IGNORECASE)
ANSWER = st.lists(
    st.sampled_from(["<", "@", "!", "#", "U1", ">", "|", "channel", "HERE", " ", "\n", "```", "a\u200b"])
)


@pytest.mark.proves("SLACK-001")
@pytest.mark.parametrize(
    "text",
    [
        "<!channel>",
        "<!here|here>",
        "<@U012>",
        "<!subteam^S1|team>",
        "<#C1>",
        "@channel",
        "@Here!",
        "(@everyone)",
    ],
)
def test_an_answer_pings_nobody(text: str) -> None:
    for shown in (neutral(text), escaped(text), linked("https://a.example", text), *pieces(text)):
        assert not PING.search(shown)


@pytest.mark.proves("SLACK-001")
@given(ANSWER.map("".join))
def test_whatever_a_model_writes_pings_nobody(text: str) -> None:
    assert not PING.search(neutral(text))
    assert not PING.search("".join(pieces(text, 50)))


def test_an_address_that_no_browser_opens_is_only_text() -> None:
    for address in ("javascript:alert(1)", "file:///etc/passwd", "//x", "https://", "https://a b\u202e"):
        assert linked(address, "source") == markdown_link(address, "source") == "source"


def test_a_link_cannot_be_broken_out_of() -> None:
    assert linked("https://a.example/?q=|x>y", "a|b>") == "<https://a.example/?q=%7Cx%3Ey|a|b&gt;>"
    assert markdown_link("https://a.example/a_(b)", "a](x") == "[a)(x](https://a.example/a_%28b%29)"


def test_markup_in_a_title_is_shown_as_it_is() -> None:
    assert re.sub("\u2060", "", escaped("*Leave* & <b>")) == "*Leave* &amp; &lt;b&gt;"


def test_a_table_comes_apart_from_what_stands_around_it() -> None:
    answer = "Rates:\n\n| City | Rate |\n|---|---|\n| Sydney | **68** AUD |\n\nAsk finance."
    assert parts_of(answer) == [
        Prose("Rates:"),
        Table((("City", "Rate"), ("Sydney", "68 AUD"))),
        Prose("Ask finance."),
    ]


def test_a_table_in_a_stream_is_aligned() -> None:
    table = Table((("City", "Rate"), ("Sydney", "68")))
    assert table.as_text() == "```\nCity    Rate\nSydney  68\n```"


def test_a_table_in_code_is_code() -> None:
    assert parts_of("```\n| a | b |\n|---|---|\n| 1 | 2 |\n```") == [
        Prose("```\n| a | b |\n|---|---|\n| 1 | 2 |\n```")
    ]


def test_long_answers_are_cut_between_paragraphs() -> None:
    answer = "\n\n".join(f"Paragraph {number} says something." for number in range(20))
    found = pieces(answer, 100)
    assert all(len(piece) <= 100 for piece in found)
    assert all(piece.startswith("Paragraph") and piece.endswith("something.") for piece in found)


def test_code_that_is_cut_stays_code() -> None:
    answer = "```python\n" + "\n".join(f"line_{number} = 1" for number in range(20)) + "\n```"
    found = pieces(answer, 100)
    assert len(found) > 1
    assert all(piece.startswith("```python") and piece.endswith("```") for piece in found)


def test_a_fence_that_never_ends_ends() -> None:
    for answer in ("```" + "x" * 500, "```python " + "x " * 300, "```\n" + "y" * 500, "```py\n```py\n" * 90):
        assert all(len(piece) <= 60 for piece in pieces(answer, 60))


@given(st.text(max_size=600), st.integers(60, 200))
def test_no_piece_is_too_long_and_no_word_is_lost(text: str, limit: int) -> None:
    found = pieces(text, limit)
    assert all(len(piece) <= limit for piece in found)
    shown = re.sub(r"[\s`]", "", "".join(found))
    if "```" not in text:
        assert shown == re.sub(r"[\s`]", "", neutral(text))


def test_what_is_shortened_says_so() -> None:
    assert shortened("one two\nthree", 9) == "one two…"
