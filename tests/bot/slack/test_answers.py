"""Answers as people see them in Slack."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.reply import Trouble
from bot.slack.render import answer, closing, trouble, whole
from bot.slack.text import neutral
from kit.wire.chat import Citation, Message
from tests.bot.slack.things import NOW, OTHER, answered, buttons, cited, refused_by_slack, refused_view, words

TEXT = st.text(max_size=300) | st.sampled_from(
    [
        "<!channel> @here [1]",
        "| a | b |\n|---|---|\n| 1 [1] |  |",
        "```\n<@U1>\n```",
        "# Head\n\n- one\n  - two",
    ]
)
CITED = st.builds(
    cited,
    st.integers(1, 99),
    title=st.text(max_size=400),
    section=st.text(max_size=400),
    url=st.sampled_from(["", "javascript:x", "https://a.example/" + "x" * 3_000, "https://a.example/#s"]),
    confidence=st.floats(0, 1),
)


def kept(text: str, citations: list[Citation]) -> Message:
    return Message(id=OTHER, role="assistant", text=text, created_at=NOW, turn_id=OTHER, citations=citations)


@pytest.mark.proves("SLACK-207")
def test_numbers_open_the_source_at_its_section() -> None:
    shown = answer(answered("Three weeks [1].", [cited()]), False)
    url = cited().url
    assert shown.blocks[0] == {"type": "markdown", "text": f"Three weeks [(1)]({url})."}
    sources = shown.blocks[1]["elements"][0]["text"]
    assert sources == f"*Sources*\n(1) <{url}|Leave › Annual leave, p. 2> · very high confidence"
    assert shown.text == "Three weeks."


@pytest.mark.proves("SLACK-207")
@pytest.mark.parametrize(
    ("value", "word"), [(0.99, "very high"), (0.9, "high"), (0.7, "moderate"), (0.2, "low")]
)
def test_confidence_is_a_word(value: float, word: str) -> None:
    assert f"· {word} confidence" in words(closing(answered("x", [cited(confidence=value)]), False))


def test_a_table_is_a_table_with_linked_numbers() -> None:
    text = "Rates:\n\n| City | Rate |\n|---|---|\n| Sydney | 68 AUD [1] |\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    first, table, second, *_ = answer(answered(text, [cited()]), False).blocks
    assert (first["text"], table["type"]) == ("Rates:", "table")
    runs = table["rows"][1][1]["elements"][0]["elements"]
    assert runs[-1] == {"type": "link", "url": cited().url, "text": "(1)"}
    assert second["text"] == "```\na  b\n1  2\n```"


def test_votes_carry_the_message() -> None:
    feedback = answer(answered("Three weeks."), False).blocks[-1]
    assert feedback["type"] == "context_actions"
    vote = json.loads(feedback["elements"][0]["negative_button"]["value"])
    assert vote == {"message": str(OTHER), "vote": "down"}
    assert not any(
        b["type"] == "context_actions" for b in answer(answered("No.", outcome="refused"), False).blocks
    )


def test_in_a_shared_place_a_private_answer_is_offered() -> None:
    assert [one["action_id"] for one in buttons(answer(answered("x"), True))] == ["privately"]
    assert buttons(answer(answered("x"), False)) == []


def test_what_was_missing_is_said() -> None:
    shown = words(answer(answered("x", degraded=["docs", "reranker"]), False).blocks)
    assert "Not available for this answer: the documents, the fine ranking." in shown


@pytest.mark.proves("SLACK-205")
def test_a_long_answer_ends_between_paragraphs_and_the_rest_is_one_press_away() -> None:
    text = "\n\n".join(f"Paragraph {n} says something of some length [1]." for n in range(600))
    shown = answer(answered(text, [cited()]), False)
    assert refused_by_slack(shown) == []
    assert shown.blocks[0]["text"].endswith(".")
    assert [one["action_id"] for one in buttons(shown)] == ["more"]
    view = whole(
        Message(id=OTHER, role="assistant", text=text, created_at=NOW, turn_id=OTHER, citations=[cited()])
    )
    assert refused_view(view) == []
    assert "Paragraph 599 says" in words(view)


def test_many_sources_are_counted_and_all_of_them_one_press_away() -> None:
    many = [cited(n, title=f"Document {n} with quite a long title of its own") for n in range(1, 60)]
    shown = answer(answered("x", many), False)
    assert re.search(r"and \d+ more", words(shown.blocks))
    assert [one["action_id"] for one in buttons(shown)] == ["more"]
    assert refused_by_slack(shown) == []


def test_sources_of_one_place_stand_in_one_line_each_number_with_its_own_address() -> None:
    several = [cited(n, url=f"https://sb.example/content?quote={n}#leave") for n in (1, 2, 4)]
    other = cited(3, title="Travel", section="")
    shown = answer(answered("x", [*several, other]), False)
    lines = shown.blocks[1]["elements"][0]["text"].splitlines()
    assert lines[0] == "*Sources*"
    assert len(lines) == 3
    for n in (1, 2, 4):
        assert f"<https://sb.example/content?quote={n}#leave|({n})>" in lines[1]
    assert lines[1].endswith("Leave › Annual leave, p. 2 · very high confidence")
    assert lines[2].startswith("(3) ")


def test_where_others_read_along_nothing_found_says_where_more_may_be() -> None:
    nothing = answered("I couldn't find this.", outcome="not_found")
    assert "what everyone may read" in words(answer(nothing, True).blocks)
    assert "what everyone may read" not in words(answer(nothing, False).blocks)


def test_the_answer_to_a_command_stands_below_its_question() -> None:
    shown = answer(answered("25 days."), False, "How much *leave* do I get?")
    assert "You asked: How much" in words(shown.blocks[:1])
    assert "25 days." in words(shown.blocks[1:])


def test_trouble_says_what_to_do_and_how_it_is_found() -> None:
    shown = trouble(Trouble("internal", "The model is away", "Try again in a minute.", "req-7f", True))
    assert "The model is away. Try again in a minute." in words(shown.blocks)
    assert "Request id: req-7f" in words(shown.blocks)
    assert [one["action_id"] for one in buttons(shown)] == ["again"]
    assert buttons(trouble(Trouble("forbidden", "No.", "", "req-7f"))) == []


@pytest.mark.proves("SLACK-205", "SLACK-206", "SLACK-306")
@settings(max_examples=30)
@given(
    st.lists(TEXT, max_size=8).map("\n\n".join),
    st.lists(CITED, max_size=30),
    st.booleans(),
    st.sampled_from([1, 30]),
)
def test_any_answer_is_one_that_slack_takes(
    text: str, citations: list[Citation], shared: bool, times: int
) -> None:
    given_answer = answered(text * times, citations, degraded=["docs", "<!here>"])
    shown = answer(given_answer, shared)
    assert refused_by_slack(shown) == []
    assert refused_by_slack(answer(given_answer, shared, text * times)) == []
    assert len(closing(given_answer, shared)) <= 10
    message = Message(
        id=OTHER, role="assistant", text=text, created_at=NOW, turn_id=OTHER, citations=citations
    )
    assert refused_view(whole(message)) == []


@pytest.mark.proves("SLACK-205")
@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=400))
def test_nothing_of_an_answer_is_lost(text: str) -> None:
    shown = answer(answered(text), False)
    assert shown.blocks[0]["text"] == neutral(text)


@pytest.mark.proves("SLACK-205", "SLACK-206")
@given(st.text(max_size=5_000), st.text(max_size=5_000), st.text(max_size=100), st.booleans())
def test_any_trouble_is_shown(detail: str, hint: str, request_id: str, retryable: bool) -> None:
    assert refused_by_slack(trouble(Trouble("x", detail, hint, request_id, retryable))) == []
