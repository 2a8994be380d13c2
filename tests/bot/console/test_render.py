import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.console.plain import COLOURED, neutral, one_line, readable
from bot.console.render import Screen, footnotes
from bot.core.reply import Answer, Reply, Retracted, Status, Text, Trouble
from kit.wire.chat import Citation
from tests.scripted_platform import citation

HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LEAVE = Citation.model_validate(citation())


def answer(text: str = "You get 25 days of leave. [1]", *citations: Citation) -> Answer:
    return Answer("answered", text, citations, (), UUID(int=1), UUID(int=2), "req-1")


def shown(*replies: Reply, screen: Screen | None = None) -> str:
    screen = screen or Screen()
    return "".join([screen.show(reply) for reply in replies])


def test_an_answer_reads_as_text_with_footnotes() -> None:
    told = shown(Status("Searching"), Text("You get 25 days "), Text("of leave. [1]"), answer("…", LEAVE))
    assert told == (
        "You get 25 days of leave. [1]\n"
        "\n"
        "Sources\n"
        "[1] Leave › Days · 97%\n"
        "    “Full-time staff get 25 days of leave.”\n"
        f"    http://localhost:8000/api/v1/documents/{UUID(int=1)}/content#days\n"
    )


def test_the_address_in_the_terminal_goes_without_the_quote_that_stands_above_it() -> None:
    opened = LEAVE.model_copy(update={"url": LEAVE.url.replace("#", "?quote=Full-time%20staff#")})
    assert footnotes([opened]) == footnotes([LEAVE])
    foreign = LEAVE.model_copy(update={"url": "https://example.com/leave?quote=3#days"})
    assert "https://example.com/leave?quote=3#days" in footnotes([foreign])


def test_a_page_and_the_supported_sentence_are_named() -> None:
    paged = Citation.model_validate(citation(page=3, section="Leave"))
    assert "[1] Leave, p. 3 · 97%\n    supports: You get 25 days of leave.\n" in footnotes(
        [paged], sentences=True
    )


def test_a_long_quote_is_shown_by_its_beginning_and_its_end() -> None:
    table = "What | Phone " + "Somebody else | 1234 " * 40 + "Calling in sick | 0142"
    (line,) = [
        line for line in footnotes([LEAVE.model_copy(update={"quote": table})]).splitlines() if "“" in line
    ]
    assert line.startswith("    “What | Phone Somebody")
    assert line.endswith("Calling in sick | 0142”")
    assert " … " in line
    assert len(line) < 260


def test_several_citations_of_one_number_are_one_footnote() -> None:
    assert footnotes([LEAVE, LEAVE]).count("[1]") == 1


def test_an_answer_whose_pieces_were_lost_is_shown_whole() -> None:
    assert shown(answer("All of it. [1]", LEAVE)).startswith("All of it. [1]\n")


def test_what_was_unavailable_is_said() -> None:
    degraded = Answer("degraded", "Hm.", (), ("rerank",), UUID(int=1), UUID(int=2), "req-1")
    assert "Not available for this answer: rerank." in shown(degraded)


def test_trouble_shows_the_next_step_and_the_request_id() -> None:
    told = shown(Text("Half an ans"), Trouble("x", "It broke.", "Ask again.", "req-9"))
    assert told == "Half an ans\nIt broke. Ask again.\nRequest id: req-9\n"
    assert shown(Trouble("x", "It broke", "", "r")).startswith("It broke.\n")


def test_what_is_withdrawn_is_marked() -> None:
    assert "(withdrawn: Wrong.)" in shown(Text("Wrong."), Retracted("Wrong."))


def test_a_status_is_replaced_by_what_follows_and_a_pipe_never_sees_it() -> None:
    assert shown(Status("Searching")) == ""
    told = shown(Status("Searching"), Text("Yes."), screen=Screen(COLOURED, 80))
    assert told == "\x1b[2mSearching…\x1b[0m\r\x1b[KYes."


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("Up to **240 hours** of *annual* leave", "Up to 240 hours of annual leave"),
        ("see [the form](https://x.example/a_(b)) now", "see the form (https://x.example/a_(b)) now"),
        ("see [the page](../leave.md#days)", "see the page"),
        ("write to [us](mailto:a@b.example)", "write to us (a@b.example)"),
        ("## Days off\n* one\n- two", "Days off\n• one\n• two"),
        ("run `make up` in snake_case_names", "run make up in snake_case_names"),
        ("2 * 3 * 4 = 24 and [1]", "2 * 3 * 4 = 24 and [1]"),
    ],
)
def test_markdown_becomes_readable(markdown: str, text: str) -> None:
    assert readable(markdown) == text


@pytest.mark.parametrize("cut", range(1, 40))
def test_where_the_stream_is_cut_does_not_break_a_mark(cut: int) -> None:
    markdown = "Ask **payroll now** or [HR](https://hr.example/x). [1]"
    told = shown(Text(markdown[:cut]), Text(markdown[cut:]), answer())
    assert told == "Ask payroll now or HR (https://hr.example/x). [1]\n"


def test_a_sentence_with_its_number_is_shown_at_once() -> None:
    assert shown(Text("You get **25** days. [1]")) == "You get 25 days. [1]"


def test_lines_break_between_words() -> None:
    told = shown(Text("one two three four five six"), screen=Screen(width=10))
    assert all(len(line.strip()) <= 10 for line in told.split("\n"))
    assert told.split() == ["one", "two", "three", "four", "five", "six"]


@pytest.mark.proves("BOT-002")
@given(st.text())
def test_nothing_in_a_document_can_drive_the_terminal(text: str) -> None:
    evil = Citation.model_validate(citation(title=text, section=text, quote=text, url=text, sentence=text))
    told = shown(Status(text), Text(text), Retracted(text), answer(text, evil)) + footnotes(
        [evil], sentences=True
    )
    told += shown(Trouble(text, text, text, text))
    assert not HIDDEN.search(told)


@pytest.mark.proves("BOT-002")
def test_an_escape_sequence_is_left_as_harmless_text() -> None:
    assert neutral("a\x1b]0;owned\x07b\x9b31mred") == "a�]0;owned�b�31mred"
    assert one_line("first\r\nsecond\rthird") == "first second third"
