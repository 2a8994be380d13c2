"""What a tool of ours says to the person: shown as it says it, whatever a model makes of it."""

import pytest

from kit.wire.events import TurnCompleted
from platform_api.agents.port import TextWritten, ToolFinished, ToolStarted
from tests.platform_api.chat.conftest import ChatWith, Client
from tests.platform_api.chat.script import LEAVE, ScriptedRuntime, finished, search

SUMMARY = "Your meeting with Dana is booked: Tue 1 Dec, 14:00–14:30 in Sydney.\nThe e-mail is queued."


def stated(text: str = SUMMARY, *, ok: bool = True) -> list[ToolStarted | ToolFinished]:
    return [
        ToolStarted("call-2", "meetings.book", {"with": "Dana"}),
        ToolFinished("call-2", "meetings.book", ok, 3.0, stated=text),
    ]


async def completed(chat_with: ChatWith, *steps: object) -> TurnCompleted:
    runtime = ScriptedRuntime(*steps)  # type: ignore[arg-type]  # steps of a script
    ended = await (await Client(chat_with(runtime), runtime).ask("book it")).end()
    assert isinstance(ended, TurnCompleted), ended
    return ended


@pytest.mark.proves("WISH-103")
async def test_what_the_tool_says_is_the_answer_word_for_word_and_cites_nothing(chat_with: ChatWith) -> None:
    ended = await completed(chat_with, *stated(), finished())
    assert (ended.text, ended.citations, ended.outcome) == (SUMMARY, [], "answered")


@pytest.mark.proves("WISH-103")
async def test_a_model_cannot_say_otherwise_what_was_booked(chat_with: ChatWith) -> None:
    lies = TextWritten("Your meeting with Dana is booked for Wednesday at 9:00, and the e-mail was sent. [1]")
    ended = await completed(chat_with, *stated(), lies, finished())
    assert ended.text == SUMMARY


@pytest.mark.proves("WISH-103")
async def test_a_model_that_repeats_the_tool_says_it_once(chat_with: ChatWith) -> None:
    ended = await completed(chat_with, *stated(), TextWritten("The e-mail is queued."), finished())
    assert ended.text == SUMMARY


async def test_documents_are_quoted_beside_it_with_their_proof(chat_with: ChatWith) -> None:
    facts = TextWritten("Staff get 25 days of annual leave. [1]")
    ended = await completed(chat_with, *search(LEAVE), facts, *stated(), finished())
    assert ended.text == f"Staff get 25 days of annual leave. [1] \n\n{SUMMARY}"
    assert len(ended.citations) == 1


async def test_what_a_tool_says_is_text_and_no_link_of_ours(chat_with: ChatWith) -> None:
    ended = await completed(chat_with, *stated("Booked: [your payslip](https://bad.example)."), finished())
    assert "](" not in ended.text


@pytest.mark.proves("WISH-103")
async def test_that_it_failed_is_told_in_the_tools_own_words(chat_with: ChatWith) -> None:
    away = "The calendar does not answer, so nothing was booked. Please call +61 2 5550 0000."
    ended = await completed(chat_with, *stated(away, ok=False), finished())
    assert ended.text == away
