"""Models that stream badly, or write what nobody asked for: what is shown is true, cited, never nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.wire.events import AnswerDelta, TurnCompleted
from platform_api.agents.port import TextWritten, ToolFinished
from platform_api.chat.checks import Means
from platform_api.chat.reasoning import Spoken
from platform_api.chat.sentences import SentenceStream
from platform_api.llm.frames import render
from tests.platform_api.chat.conftest import ChatWith, Client
from tests.platform_api.chat.script import LAPTOPS, LEAVE, ScriptedRuntime, answer, finished, search
from tests.platform_api.chat.test_turn import completed

TRUE = "Staff get 25 days of annual leave."
DAYS = "Unused days expire at the end of March."
SHOWN = f"{TRUE} [1] {DAYS} [2]"
NOT_FOUND = render("not_found")


def pieces_of(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.proves("ANSWER-004")
@pytest.mark.parametrize(
    "written",
    [
        f"{TRUE} [1] {DAYS} [1]",
        f"{TRUE}[1][1] {DAYS}[1]",
        f"{TRUE} [1, 1] {DAYS} [1; 1]",
        f"{TRUE} 【1】 {DAYS} 【1†leave】",
        f"[1] {TRUE} [1] {DAYS}",
        f"{TRUE[:-1]} [1]. {DAYS[:-1]} [1].",
        f"{TRUE}[^1] {DAYS}[^2]\n\n[^1]: Leave\n[^2]: Leave, page 2",
        f"**{TRUE}** [1] *{DAYS}* [1]",
        f"`{TRUE}` [1] __{DAYS}__ [1]",
        f"[{TRUE}](https://x.example) [1] <i>{DAYS}</i> [1]",
        f"<p>{TRUE} [1]</p> <p>{DAYS} [1]</p>",
        f'{TRUE} [1 "{TRUE}"] {DAYS} [1 "{DAYS}"]',
        f'{TRUE} [1 "{TRUE}] {DAYS}',
        f'{TRUE} [1 "{TRUE}" {DAYS}',
        f"{TRUE} [1] {TRUE} [1] {DAYS} [1] {TRUE} [1]",
        f"<think>How many? {LAPTOPS} So 30 days.</think>{TRUE} [1] {DAYS} [1]",
        f"[THINK]30 days?[/THINK]{TRUE} [1] {DAYS} [1]",
        f"◁think▷30 days?◁/think▷{TRUE} [1] {DAYS} [1]",
        "<|channel|>analysis<|message|>30 days?<|end|><|start|>assistant<|channel|>final<|message|>"
        f"{TRUE} [1] {DAYS} [1]",
        f"{TRUE} [1] Das sind fünf Wochen. {DAYS} [1]",
        f"{TRUE} [1] {DAYS} [1] Let me know if you",
        f"\ufeff\n\n  {TRUE} [1]  \n \u200b {DAYS} [1]\n\n\n",
        f"{TRUE} [1] I hope that this helps! {DAYS} [1] Is there anything else?",
    ],
)
async def test_the_two_facts_are_told_however_they_are_written(client: Client, written: str) -> None:
    for size in (1, 3, len(written)):
        end = await completed(client, *answer(*pieces_of(written, size), sources=(LEAVE, LAPTOPS)))
        assert " ".join(end.text.split()) == SHOWN
        assert [one.n for one in end.citations] == [1, 2]
        assert end.outcome == "answered"


@pytest.mark.parametrize(
    "written",
    [
        "",
        " \n\n ",
        "\u200b",
        "<think>Staff get 25 days of annual leave.",
        "Ich weiß es nicht.",
        '{"tool": "docs.search", "arguments": {}}',
        "```json\n{}\n```",
        "[1][2][3]",
        "As an AI language model I cannot say.",
        "🙂🙂🙂",
        "...",
    ],
)
async def test_an_answer_without_a_fact_is_never_empty(client: Client, written: str) -> None:
    with_sources = await completed(client, *answer(written), message="How many days of leave do I get?")
    assert "25 days of annual leave" in with_sources.text
    without = await completed(client, *search(), TextWritten(written), finished())
    assert (without.text, without.outcome) == (NOT_FOUND, "not_found")


async def test_a_sentence_that_stops_in_the_middle_is_completed_by_its_source(client: Client) -> None:
    end = await completed(client, *answer("Unused days expire at the"))
    assert end.text == f"{DAYS} [1]"


async def test_text_before_a_tool_call_is_not_glued_to_the_text_after_it(client: Client) -> None:
    end = await completed(client, TextWritten("Let me look"), *answer(f"{TRUE} [1]"))
    assert end.text == f"{TRUE} [1]"


async def test_a_fact_that_is_told_before_its_source_was_found_is_withheld(client: Client) -> None:
    asked = await client.ask()
    client.runtime.steps = [TextWritten(f"{TRUE} [1] "), *search(LAPTOPS), finished()]
    second = await completed(client, *client.runtime.steps)
    assert await asked.end()
    assert TRUE not in second.text


@pytest.mark.proves("ANSWER-003")
async def test_markers_are_numbered_in_the_order_in_which_they_appear(client: Client) -> None:
    text = "Laptops are replaced every four years. [2] " + TRUE + " [1] " + DAYS + " [9]"
    end = await completed(client, *answer(text, sources=(LEAVE, LAPTOPS)))
    assert end.text == f"Laptops are replaced every four years. [1] {TRUE} [2] {DAYS} [3]"


@pytest.mark.parametrize(
    "frame",
    [
        "The documents disagree on this:",
        "This document may be out of date.",
        render("degraded"),
        render("identity"),
    ],
)
async def test_a_frame_that_does_not_hold_is_not_said(client: Client, frame: str) -> None:
    end = await completed(client, *answer(f"{frame} {TRUE} [1]"))
    assert end.text == f"{TRUE} [1]"


async def test_they_are_only_those_who_were_named_before(client: Client) -> None:
    """Both sentences stand in sources; side by side they would say something else."""
    contractors = "Contractors are paid each week. They get no annual leave."
    end = await completed(
        client, *answer(f"{TRUE} [1] They get no annual leave. [2]", sources=(LEAVE, contractors))
    )
    assert end.text == f"{TRUE} [1] {contractors} [2]"
    end = await completed(client, *answer(f"{contractors} [1]", sources=(contractors,)))
    assert end.text == "Contractors are paid each week. [1] They get no annual leave. [2]"


async def test_a_true_sentence_does_not_become_an_item_of_another_list(client: Client) -> None:
    page = "You must never:\n\n- Open the valve\n- Smoke\n\nCall the office before each shift."
    written = "You must never:\n- Open the valve\n- Call the office before each shift.\n- Smoke"
    end = await completed(client, *answer(written, sources=(page,)))
    assert end.text.startswith(
        "You must never: [1] \n- Open the valve [2] \n\nCall the office before each shift. [3]"
    )
    end = await completed(
        client, *answer("You must never:\n\nCall the office before each shift.", sources=(page,))
    )
    assert end.text == "Call the office before each shift. [1]"


async def test_an_endless_answer_is_read_for_a_while(client: Client) -> None:
    lies = [TextWritten(f"Staff get {n} days of annual leave. ") for n in range(100, 900)]
    end = await completed(client, *search(LEAVE), *lies, TextWritten(DAYS), finished())
    assert end.text == f"{TRUE} [1]"


async def test_a_search_that_fails_after_facts_were_found_is_told_as_degraded(client: Client) -> None:
    started, done = search(LEAVE)
    broken = ToolFinished("call-2", "docs.search", ok=False, latency_ms=3.0)
    end = await completed(client, started, done, started, broken, TextWritten(f"{TRUE} [1]"), finished())
    assert (end.text, end.outcome, end.degraded) == (f"{TRUE} [1]", "degraded", ["docs"])


async def test_documents_that_were_not_offered_for_search_are_told_as_degraded(chat_with: ChatWith) -> None:
    """The built-in model says so in a frame; the outcome says the same."""
    runtime = ScriptedRuntime(TextWritten(render("degraded")), finished())
    end = await (await Client(chat_with(runtime, means=Means(own_model=True)), runtime).ask()).end()
    assert isinstance(end, TurnCompleted)
    assert (end.text, end.outcome, end.degraded) == (render("degraded"), "degraded", ["docs"])


async def test_the_deltas_are_the_text_whatever_was_withheld(client: Client) -> None:
    client.runtime.steps = answer(f"{TRUE} Staff get 26 days. {DAYS} They get a car.\n- {TRUE}")
    events = await (await client.ask()).events()
    end = events[-1]
    assert isinstance(end, TurnCompleted)
    assert "".join(one.text for one in events if isinstance(one, AnswerDelta)).strip() == end.text


MARKS = ["<think>", "</think>", "<", "think", ">", "/", "[THINK]", "[/THINK]", "[1]", "Said. ", "◁think▷"]


@given(st.lists(st.sampled_from(MARKS), max_size=12).map("".join), st.integers(1, 5))
@settings(max_examples=200)
def test_thoughts_are_taken_out_alike_however_they_arrive(text: str, size: int) -> None:
    assert _spoken(pieces_of(text, size)) == _spoken([text])


def _spoken(pieces: list[str]) -> str:
    spoken, said = Spoken(), ""
    for piece in pieces:
        now = spoken.feed(piece)
        said = now if spoken.restarted else said + now
    return said + spoken.end()


@pytest.mark.parametrize(
    "unit", ["a", "[", "<", '[1 "', "<think", "|", "- ", "a. ", "**", "&amp;", "\n", "【", "…"]
)
def test_a_text_of_one_letter_a_thousand_times_is_read_in_bounded_time(unit: str) -> None:
    """Read anew with each letter it takes minutes, and this ends with the limit of every test."""
    stream = SentenceStream()
    for letter in unit * (8000 // len(unit)):
        list(stream.feed(letter))
    list(stream.end())
