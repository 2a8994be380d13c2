"""The agent loop on Agent Framework: tools through the gateway only, in the person's scope."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from agent_framework import (
    BaseChatClient,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    FunctionInvocationLayer,
    ResponseStream,
)

from access.principal import Principal, TurnLimits
from kit.errors import SwitchboardError, Unavailable
from kit.wire.search import SearchFilters
from kit.wire.tools import Tool, ToolOutcome
from platform_api.agents.definitions import AgentSettings, load
from platform_api.agents.errors import UnknownAgent
from platform_api.agents.framework import FrameworkRuntime, messages_of
from platform_api.agents.port import (
    AgentEvent,
    Conversation,
    Finished,
    Said,
    Scope,
    TextWritten,
    ToolFinished,
    ToolStarted,
)
from platform_api.agents.redaction import redacted
from platform_api.agents.tools import Calls
from platform_api.llm.spending import SPENDING
from tests.platform_api.chat.script import LAPTOPS, LEAVE, found

QUERY = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
SEARCH = Tool(
    name="docs.search", title="", description="Find.", server="docs", risk="read", input_schema=QUERY
)
LEAD = Tool(name="crm.upsert_lead", title="", description="", server="crm", risk="write", input_schema=QUERY)


class ScriptedModel(FunctionInvocationLayer[Any], BaseChatClient[Any]):
    """Says its n-th script on the n-th call: strings are text, dicts are arguments of docs.search."""

    def __init__(self, *scripts: Sequence[Any]) -> None:
        super().__init__()
        self.scripts = scripts
        self.calls: list[dict[str, Any]] = []

    def _inner_get_response(self, *, messages: Any, stream: bool, options: Any, **kwargs: Any) -> Any:
        self.calls.append({"messages": list(messages), "options": options, **kwargs})
        script = self.scripts[min(len(self.calls), len(self.scripts)) - 1]
        return ResponseStream(_play(script), finalizer=ChatResponse.from_updates)


async def _play(script: Sequence[Any]) -> AsyncIterator[ChatResponseUpdate]:
    for step in script:
        if isinstance(step, Exception):
            raise step
        if isinstance(step, asyncio.Event):
            await step.wait()
            continue
        content = (
            Content.from_text(step)
            if isinstance(step, str)
            else Content.from_function_call(uuid4().hex, step.pop("tool", "docs.search"), arguments=step)
        )
        yield ChatResponseUpdate(role="assistant", contents=[content])


class Gateway:
    """Remembers who called what."""

    def __init__(self, *tools: Tool) -> None:
        self.tools = list(tools) or [SEARCH]
        self.listed = 0
        self.calls: list[tuple[Principal, str, dict[str, Any]]] = []
        self.answer: ToolOutcome | Exception = ToolOutcome(
            is_error=False, content=[], structured=found(LEAVE).model_dump(mode="json")
        )

    async def list_tools(self, principal: Principal) -> list[Tool]:
        self.listed += 1
        return self.tools

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout_s: float = 30.0,
        resumption: Mapping[str, Any] | None = None,
    ) -> ToolOutcome:
        self.calls.append((principal, name, arguments))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def runtime(model: ScriptedModel, gateway: Gateway, **settings: Any) -> FrameworkRuntime:
    agents = AgentSettings(**settings)
    return FrameworkRuntime(model, gateway, load(agents, {"not_found": "Nothing."}), agents)


def maya(**limits: Any) -> Principal:
    return Principal(uuid4(), uuid4(), name="maya", limits=TurnLimits(**limits))


async def run(agent: FrameworkRuntime, principal: Principal | None = None, **asked: Any) -> list[AgentEvent]:
    conversation = Conversation(**{"message": "How many days of leave?", **asked})
    return [event async for event in agent.run(principal or maya(), conversation)]


async def test_a_search_then_the_answer() -> None:
    model = ScriptedModel([{"query": "leave"}], ["Staff get 25 ", "days. [1]"])
    gateway = Gateway()
    events = await run(runtime(model, gateway))
    assert [type(event) for event in events] == [
        ToolStarted,
        ToolFinished,
        TextWritten,
        TextWritten,
        Finished,
    ]
    started, ended = events[0], events[1]
    assert isinstance(started, ToolStarted)
    assert isinstance(ended, ToolFinished)
    assert started.call_id == ended.call_id
    assert ended.ok
    assert ended.found == found(LEAVE)


async def test_the_model_reads_the_structured_result() -> None:
    model = ScriptedModel([{"query": "leave"}], ["25 days."])
    await run(runtime(model, Gateway()))
    told = [
        one
        for message in model.calls[1]["messages"]
        for one in message.contents
        if one.type == "function_result"
    ]
    read = json.loads(told[0].result)
    assert [chunk.pop("n") for chunk in read["chunks"]] == [1]
    assert read == found(LEAVE).model_dump(mode="json")


async def test_a_chunk_keeps_its_number_however_often_it_is_found() -> None:
    gateway = Gateway()
    calls = Calls(gateway, maya(), Scope(), emit=lambda _: None)
    numbers: list[list[int]] = []
    for texts in ((LEAVE, LAPTOPS), (LAPTOPS,), ("Parking is free.", LEAVE)):
        gateway.answer = ToolOutcome(
            is_error=False, content=[], structured=found(*texts).model_dump(mode="json")
        )
        told = json.loads(await calls.call("docs.search", {"query": "x"}))
        numbers.append([chunk["n"] for chunk in told["chunks"]])
    assert numbers == [[1, 2], [2], [3, 1]]


def test_markers_of_earlier_answers_are_not_told_again() -> None:
    said = [Said("user", "Is [1] a marker?"), Said("assistant", "Staff get 25 days. [1] Yes. [2]")]
    earlier = [message.text for message in messages_of(Conversation("And?", said), AgentSettings())]
    assert earlier == ["Is [1] a marker?", "Staff get 25 days. Yes.", "And?"]


@pytest.mark.proves("TURN-007")
async def test_the_principal_with_its_limits_makes_every_call() -> None:
    principal = maya(privacy=True, turn_id=uuid4())
    gateway = Gateway()
    await run(runtime(ScriptedModel([{"query": "a"}, {"query": "b"}], ["x"]), gateway), principal)
    assert [(who, name) for who, name, _ in gateway.calls] == [(principal, "docs.search")] * 2


@pytest.mark.proves("TURN-007")
async def test_the_model_cannot_widen_the_persons_scope() -> None:
    gateway = Gateway()
    asked = {"query": "leave", "service_scope": "all", "filters": {"doc_type": "faq", "tags": ["x"]}}
    after = datetime(2026, 1, 1, tzinfo=UTC)
    await run(
        runtime(ScriptedModel([asked], ["x"]), gateway),
        scope=Scope("uas", SearchFilters(after=after, doc_type="policy")),
    )
    assert gateway.calls[0][2] == {
        "query": "leave",
        "service_scope": "uas",
        "filters": {"doc_type": "policy", "tags": ["x"], "after": "2026-01-01T00:00:00Z"},
    }


async def test_an_agent_has_only_the_tools_of_its_definition() -> None:
    model = ScriptedModel([{"tool": "crm.upsert_lead", "query": "x"}], ["done"])
    gateway = Gateway(SEARCH, LEAD)
    await run(runtime(model, gateway))
    assert [tool.name for tool in model.calls[0]["options"]["tools"]] == ["docs.search"]
    assert gateway.calls == []


@pytest.mark.parametrize(
    "answer",
    [
        Unavailable("Away.", hint="Wait."),
        ToolOutcome(is_error=True, content=[{"type": "text", "text": "broken"}]),
        ToolOutcome(is_error=False, content=[], structured={"chunks": "nonsense"}),
    ],
)
async def test_a_failed_tool_is_told_to_model_and_person_alike(answer: Any) -> None:
    model = ScriptedModel([{"query": "leave"}], ["Sorry."])
    gateway = Gateway()
    gateway.answer = answer
    events = await run(runtime(model, gateway))
    assert isinstance(events[1], ToolFinished)
    assert (events[1].ok, events[1].found) == (False, None)
    assert TextWritten("Sorry.") in events


async def test_a_model_that_never_stops_searching_is_stopped() -> None:
    model = ScriptedModel([{"query": "again"}])
    gateway = Gateway()
    events = await run(runtime(model, gateway))
    assert isinstance(events[-1], Finished)
    assert len(gateway.calls) == 6
    assert len(model.calls) < 12


async def test_what_stops_the_model_is_raised_as_it_was() -> None:
    with pytest.raises(Unavailable, match="gone"):
        await run(runtime(ScriptedModel(["Staff ", Unavailable("gone")]), Gateway()))


async def test_an_unforeseen_error_shows_nothing_of_itself() -> None:
    with pytest.raises(SwitchboardError) as failed:
        await run(runtime(ScriptedModel([ValueError("internal detail")]), Gateway()))
    assert (failed.value.code, "internal detail" in failed.value.detail) == ("agent_failed", False)


async def test_leaving_stops_the_model() -> None:
    gate = asyncio.Event()
    before = asyncio.all_tasks()
    events = runtime(ScriptedModel(["One. ", gate, "Two."]), Gateway()).run(maya(), Conversation("x"))
    assert await anext(events) == TextWritten("One. ")
    await events.aclose()  # type: ignore[attr-defined] # an async generator behind AsyncIterator
    assert asyncio.all_tasks() == before


async def test_what_is_offered_is_remembered_briefly_per_person() -> None:
    gateway = Gateway()
    agent = runtime(ScriptedModel(["x"]), gateway)
    principal = maya()
    await run(agent, principal)
    await run(agent, principal.limited(TurnLimits(turn_id=uuid4())))
    assert gateway.listed == 1
    await run(agent, principal.limited(TurnLimits(privacy=True)))
    await run(agent, maya())
    assert gateway.listed == 3


async def test_history_is_cut_to_the_newest_within_the_limits() -> None:
    history = [Said("user", "a" * 10), Said("assistant", "b" * 10), Said("user", "c" * 10)]
    settings = AgentSettings(history_messages=2, history_characters=25)
    told = messages_of(Conversation("now", history), settings)
    assert [(one.role, one.text[0]) for one in told] == [("assistant", "b"), ("user", "c"), ("user", "n")]
    assert [
        one.text for one in messages_of(Conversation("now", history), AgentSettings(history_messages=0))
    ] == ["now"]


async def test_the_turn_of_the_spending_is_the_turn_of_the_conversation() -> None:
    model = ScriptedModel(["x"])
    principal, turn_id = maya(), uuid4()
    await run(runtime(model, Gateway()), principal, turn_id=turn_id)
    spending = model.calls[0][SPENDING]
    assert (spending.principal, spending.turn_id) == (principal, turn_id)


def test_agents_come_from_yaml_and_their_slots_are_filled(tmp_path: Path) -> None:
    (tmp_path / "travel.yaml").write_text("name: travel\ninstructions: 'Say {not_found}'\ntools: ['*']\n")
    known = load(AgentSettings(folder=str(tmp_path)), {"not_found": "Nothing."})
    assert known.find("travel").instructions == "Say Nothing."
    assert known.find("travel").offers("crm.upsert_lead")
    assert "Nothing." in known.find(None).instructions
    assert not known.find("default").offers("crm.upsert_lead")
    with pytest.raises(UnknownAgent):
        known.find("nobody")


def test_the_packaged_assistant_may_use_every_tool_that_its_caller_may() -> None:
    assistant = load(AgentSettings(), {"not_found": "Nothing."}).find("assistant")
    assert assistant.offers("rooms.book")
    assert "Nothing." in assistant.instructions


def test_an_agent_with_an_unknown_field_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: bad\ninstructions: x\ncolour: red\n")
    with pytest.raises(ValueError, match="colour"):
        load(AgentSettings(folder=str(tmp_path)), {})


def test_arguments_are_shown_without_secrets_and_cut() -> None:
    shown = redacted(
        {"query": "leave of jo@example.com", "token": "abc", "filters": {"password": "x"}, "text": "y" * 300}
    )
    assert shown["query"] == "leave of j***@example.com"
    assert (shown["token"], shown["filters"]) == ("[REDACTED]", {"password": "[REDACTED]"})
    assert len(shown["text"]) == 201
