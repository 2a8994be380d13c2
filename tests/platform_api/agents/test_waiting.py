"""A run that waits for the person: it ends, becomes JSON, and goes on elsewhere."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from access.principal import Principal
from kit.wire.tools import NeedsInput, Tool, ToolOutcome
from platform_api.agents.definitions import AgentDefinition, AgentSettings, Definitions
from platform_api.agents.errors import CannotGoOn
from platform_api.agents.framework import FrameworkRuntime
from platform_api.agents.port import (
    AgentEvent,
    AnswerExpired,
    Conversation,
    Finished,
    Resumed,
    Suspended,
    TextWritten,
    ToolFinished,
    ToolStarted,
)
from platform_api.toolbox.errors import QuestionExpired
from tests.platform_api.agents.test_runtime import QUERY, ScriptedModel, maya
from tests.platform_api.chat.script import LAPTOPS, LEAVE, found

BOOK = Tool(name="rooms.book", title="", description="", server="rooms", risk="write", input_schema=QUERY)
SEARCH = BOOK.model_copy(update={"name": "docs.search", "risk": "read"})
LOOK = BOOK.model_copy(update={"name": "rooms.look"})
AGENT = AgentDefinition(name="default", instructions="Help.", tools=["*"])


class AskingRooms:
    """`rooms.book` asks so many questions, one after the other, and then books."""

    def __init__(self, questions: int = 1) -> None:
        self.questions = questions
        self.booked: list[dict[str, Any]] = []
        self.called: list[str] = []
        self.documents: tuple[str, ...] = (LEAVE,)
        self.expired = False

    async def list_tools(self, principal: Principal) -> list[Tool]:
        return [BOOK, LOOK, SEARCH]

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout_s: float = 30.0,
        resumption: Mapping[str, Any] | None = None,
    ) -> ToolOutcome:
        self.called.append(name)
        if name == "docs.search":
            return ToolOutcome(
                is_error=False, content=[], structured=found(*self.documents).model_dump(mode="json")
            )
        if name == "rooms.look":
            return _said("Room 4 is free.")
        if self.expired:
            raise QuestionExpired
        step = int((resumption or {}).get("requestState", "0"))
        if step < self.questions:
            params = {"message": f"Question {step + 1}?", "requestedSchema": {"type": "object"}}
            asked = {"q": {"method": "elicitation/create", "params": params}}
            needs = NeedsInput(input_requests=asked, request_state=str(step + 1))
            return ToolOutcome(is_error=False, content=[], needs_input=needs)
        given = (resumption or {}).get("inputResponses", {})
        if given.get("q", {}).get("action") == "accept":
            self.booked.append(arguments)
            return _said("Room 4 is booked.")
        return _said("Nothing was booked.")


def _said(text: str) -> ToolOutcome:
    return ToolOutcome(is_error=False, content=[{"type": "text", "text": text}])


async def run(
    model: ScriptedModel,
    rooms: AskingRooms,
    resumed: Resumed | None = None,
    principal: Principal | None = None,
) -> list[AgentEvent]:
    """In a process of its own, so to say: nothing is kept from one run to the next."""
    agent = FrameworkRuntime(model, rooms, Definitions({"default": AGENT}), AgentSettings())
    conversation = Conversation("Book a room for me.", resumed=resumed)
    return [event async for event in agent.run(principal or maya(turn_id=uuid4()), conversation)]


def answered(waits: AgentEvent, action: str = "accept") -> Resumed:
    """Through JSON, as it is kept."""
    assert isinstance(waits, Suspended)
    return Resumed(
        json.loads(json.dumps(waits.state)),
        waits.tool,
        waits.arguments,
        waits.needs.request_state,
        {"q": {"action": action, "content": {}}},
        accepted=action == "accept",
    )


def results(model: ScriptedModel, call: int = -1) -> list[str]:
    told = [one for message in model.calls[call]["messages"] for one in message.contents]
    return [str(one.result) for one in told if one.type == "function_result"]


@pytest.mark.proves("GOV-401")
async def test_a_tool_that_asks_ends_the_run_and_the_answer_goes_on_with_it() -> None:
    rooms = AskingRooms()
    events = await run(ScriptedModel([{"tool": "rooms.book", "query": "4"}]), rooms)
    assert [type(event) for event in events] == [ToolStarted, Suspended]
    model = ScriptedModel(["Room 4 is booked."])
    later = await run(model, rooms, answered(events[-1]))
    assert [type(event) for event in later] == [ToolStarted, ToolFinished, TextWritten, Finished]
    assert rooms.booked == [{"query": "4"}]
    assert results(model) == ["Room 4 is booked."]
    roles = [message.role for message in model.calls[0]["messages"] if message.role != "system"]
    assert roles == ["user", "assistant", "tool"]


@pytest.mark.proves("GOV-401")
async def test_a_tool_with_several_questions_asks_them_one_after_the_other() -> None:
    rooms = AskingRooms(questions=3)
    waits = (await run(ScriptedModel([{"tool": "rooms.book", "query": "4"}]), rooms))[-1]
    for _ in range(2):
        waits = (await run(ScriptedModel(["never"]), rooms, answered(waits)))[-1]
        assert isinstance(waits, Suspended)
    last = await run(ScriptedModel(["Room 4 is booked."]), rooms, answered(waits))
    assert isinstance(last[-1], Finished)
    assert len(rooms.booked) == 1


async def test_who_declines_is_told_to_tool_and_model() -> None:
    rooms = AskingRooms()
    waits = (await run(ScriptedModel([{"tool": "rooms.book", "query": "4"}]), rooms))[-1]
    model = ScriptedModel(["You did not agree."])
    await run(model, rooms, answered(waits, "decline"))
    told = json.loads(results(model)[0])
    assert (told["person"], told["tool_said"]) == ("did not agree", "Nothing was booked.")
    assert rooms.booked == []


async def test_an_answer_that_comes_too_late_for_the_tool_is_told_to_the_model() -> None:
    rooms = AskingRooms()
    waits = (await run(ScriptedModel([{"tool": "rooms.book", "query": "4"}]), rooms))[-1]
    rooms.expired = True
    model = ScriptedModel(["Too late."])
    events = await run(model, rooms, answered(waits))
    assert AnswerExpired("rooms.book") in events
    assert json.loads(results(model)[0])["error"]["code"] == "question_expired"


@pytest.mark.proves("GOV-402")
async def test_of_calls_at_once_one_waits_and_the_others_are_done() -> None:
    rooms = AskingRooms()
    both = [{"tool": "rooms.book", "query": "4"}, {"tool": "rooms.look", "query": "4"}]
    waits = (await run(ScriptedModel(both), rooms))[-1]
    model = ScriptedModel(["Room 4 is booked."])
    await run(model, rooms, answered(waits))
    assert rooms.called == ["rooms.book", "rooms.look", "rooms.book"]
    assert sorted(results(model)) == ["Room 4 is booked.", "Room 4 is free."]


@pytest.mark.proves("GOV-402")
async def test_of_two_that_ask_at_once_the_second_is_told_as_not_done() -> None:
    rooms = AskingRooms()
    both = [{"tool": "rooms.book", "query": "4"}, {"tool": "rooms.book", "query": "5"}]
    events = await run(ScriptedModel(both), rooms)
    assert len([event for event in events if isinstance(event, Suspended)]) == 1
    model = ScriptedModel(["Room 4 is booked."])
    await run(model, rooms, answered(events[-1]))
    assert rooms.booked == [{"query": "4"}]
    codes = [json.loads(one)["error"]["code"] for one in results(model) if one.startswith("{")]
    assert codes == ["one_question_at_a_time"]


@pytest.mark.proves("GOV-403")
async def test_what_documents_said_is_not_kept_but_looked_up_again() -> None:
    rooms = AskingRooms()
    script = ScriptedModel([{"query": "leave"}], [{"tool": "rooms.book", "query": "4"}])
    waits = (await run(script, rooms))[-1]
    assert isinstance(waits, Suspended)
    assert "25 days" not in json.dumps(waits.state)
    rooms.documents = (LAPTOPS,)  # what the person may see has changed meanwhile
    model = ScriptedModel(["Done."])
    events = await run(model, rooms, answered(waits))
    told = " ".join(results(model))
    assert "four years" in told
    assert "25 days" not in told
    assert [event.found for event in events if isinstance(event, ToolFinished)][-1] == found(LAPTOPS)


async def test_what_another_version_has_written_is_refused_by_name() -> None:
    rooms = AskingRooms()
    waits = (await run(ScriptedModel([{"tool": "rooms.book", "query": "4"}]), rooms))[-1]
    resumed = answered(waits)
    with pytest.raises(CannotGoOn):
        await run(ScriptedModel(["x"]), rooms, replace(resumed, state={"version": 99}))
    assert rooms.booked == []
