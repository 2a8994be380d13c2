"""An answer as it grows in Slack."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.citing import addresses
from bot.core.reply import Cited, Text
from bot.slack.citing import with_links
from bot.slack.flow import Flow
from bot.slack.text import Prose, neutral, parts_of
from tests.bot.slack.things import PING, answered, cited

PIECES = st.lists(
    st.sampled_from(
        ["Leave", " ", "is", "\n", "\n\n", "[1]", "[", "1", "]", "(", ")", "@", "channel", "<", "@U1", "!",
         "here", "`", "```", "**", "|", "a\u200b", "- ", "x[2]", "[2]", "word "]
    ),
    max_size=40,
)  # fmt: skip


def streamed(flow: Flow, *parts: str) -> str:
    return "".join(flow.feed(Text(part)) for part in parts)


@pytest.mark.proves("SLACK-208")
def test_a_marker_waits_for_its_source_and_is_then_a_link() -> None:
    flow = Flow()
    assert flow.feed(Text("Three weeks [1]")) == "Three weeks "
    assert flow.feed(Cited(cited())) == f"[(1)]({cited().url})"
    assert flow.feed(Text(". Ask HR")) == ". Ask HR"
    assert flow.rest() == ""
    assert flow.exact_for(answered("Three weeks [1]. Ask HR", [cited()]))


@pytest.mark.proves("SLACK-208")
@pytest.mark.parametrize("half", ["@chan", "<", "<@U1", "[le", "[leave](https://a", "`x", "**"])
def test_half_a_mark_waits(half: str) -> None:
    flow = Flow()
    assert streamed(flow, f"So {half}") == "So "


@pytest.mark.proves("SLACK-206")
def test_a_mention_in_two_pieces_pings_nobody() -> None:
    flow = Flow()
    text = streamed(flow, "Hi @", "chan", "nel and <", "!here", "> bye") + flow.rest()
    assert not PING.search(text)
    assert text.replace("\u2060", "") == "Hi @channel and <!here> bye"


def test_what_ended_as_a_table_is_shown_anew() -> None:
    flow = Flow()
    text = "Rates:\n\n| City | Rate |\n|---|---|\n| Sydney | 68 |\n\nAsk HR."
    shown = streamed(flow, *re.findall(r".{1,5}|\n", text)) + flow.rest()
    assert "```\nCity    Rate\nSydney  68\n```" in shown
    assert not flow.exact_for(answered(text))


def test_markers_in_code_stay_as_they_are() -> None:
    flow = Flow()
    flow.feed(Cited(cited()))
    text = "Use\n```\nrow[1] = [1]\n```\nor `[1]`."
    assert streamed(flow, *text) + flow.rest() == text


def test_another_text_than_the_answer_is_shown_anew() -> None:
    flow = Flow()
    streamed(flow, "Three weeks.")
    flow.rest()
    assert flow.exact_for(answered("Three weeks."))
    assert not flow.exact_for(answered("Four weeks."))


def test_what_no_message_holds_is_shown_anew() -> None:
    flow = Flow()
    shown = "".join(streamed(flow, f"Sentence number {n}.\n") for n in range(2_000)) + flow.rest()
    assert len(shown) <= 8_500
    assert not flow.exact


def test_a_source_that_comes_too_late_is_not_forgotten() -> None:
    flow = Flow()
    text = "Leave [1] " + "and more words " * 60
    streamed(flow, text)
    flow.feed(Cited(cited()))
    flow.rest()
    assert not flow.exact_for(answered(text, [cited()]))


@pytest.mark.proves("SLACK-208", "SLACK-206")
@given(PIECES, st.integers(0, 40))
def test_whatever_comes_in_pieces_is_whole_in_the_end(parts: list[str], at: int) -> None:
    flow = Flow()
    shown = ""
    for number, part in enumerate(parts):
        if number == at:
            shown += flow.feed(Cited(cited()))
        shown += flow.feed(Text(part))
    shown += flow.rest()
    text = "".join(parts)
    assert not PING.search(shown)
    if flow.exact_for(answered(text, [cited()])) and at < len(parts):
        whole = [
            with_links(part.text, addresses([cited()])) for part in parts_of(text) if isinstance(part, Prose)
        ]
        assert _plain(shown) == _plain("\n".join(whole))
    if "|" not in text:
        assert _plain(re.sub(r"\[\((\d)\)\]\([^)]*\)", r"[\1]", shown)) == _plain(neutral(text))


def _plain(text: str) -> str:
    return re.sub(r"[\s\u2060]", "", text)


def test_prose_is_prose() -> None:
    assert parts_of("a\n\nb") == [Prose("a\n\nb")]
