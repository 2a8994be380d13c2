"""Old client → new server, new client → old server: everything that MCP has, across the eras (SPEC 9)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from redis.asyncio import Redis

from kit.wire import mcp
from knowledge.index import Index
from tests.tools.bridged import DEFINITIONS, behind_the_gateway
from tests.tools.everything import Told
from tests.tools.gateway.listening import Stream
from tests.tools.gateway.wire import CLIENT, call, post, stateless
from tests.tools.world import MAYA, TOM, Gate

# the session era's ways of asking are what is tested here; the SDK calls them deprecated
pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
FULL = pytest.mark.full
"""The mixes that bridge nothing: in the long run of the tests only."""
CROSSED = pytest.mark.parametrize(
    ("mode", "era"),
    [
        pytest.param("legacy", "new", id="old client, new server"),
        pytest.param("2026-07-28", "old", id="new client, old server"),
        pytest.param("legacy", "old", id="both old", marks=FULL),
        pytest.param("2026-07-28", "new", id="both new", marks=FULL),
    ],
)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def bridge(
    request: pytest.FixtureRequest, tmp_path: Path, redis: Redis, index: Index, told: Told, era: Any
) -> AsyncIterator[Gate]:
    async with behind_the_gateway(tmp_path, redis, index, era, told) as (gate, _):
        yield gate


class Person:
    """Answers what a server asks, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.logged: list[Any] = []

    async def elicit(self, context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(params.message)
        fields = params.requested_schema["properties"]
        given: dict[str, Any] = {
            name: True if field.get("type") == "boolean" else f"my {name}" for name, field in fields.items()
        }
        return types.ElicitResult(action="accept", content=given)

    async def sample(self, context: Any, params: Any) -> types.CreateMessageResult:
        self.asked.append(params.messages[0].content.text)
        said = types.TextContent(type="text", text="Paris")
        return types.CreateMessageResult(role="assistant", content=said, model="test", stop_reason="endTurn")

    async def log(self, params: Any) -> None:
        self.logged.append(params.data)

    async def roots(self, context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root(uri="file:///work")])


def text_of(result: Any) -> str:
    return result.content[0].text


@CROSSED
@pytest.mark.proves("GATE-101")
async def test_all_kinds_of_content_come_through(bridge: Gate, mode: str) -> None:
    async with bridge.client(MAYA, mode) as client:
        kinds = [block.type for block in (await client.call_tool("test_multiple_content_types", {})).content]
        structured = (await client.call_tool("test_structured", {"parts": [1, 2]})).structured_content
        failed = await client.call_tool("test_error_handling", {})
        audio = (await client.call_tool("test_audio_content", {})).content[0]

    assert kinds == ["text", "image", "resource", "resource_link"]
    assert structured == {"total": 3, "parts": [1, 2]}
    assert failed.is_error
    assert audio.mime_type == "audio/wav"


@CROSSED
@pytest.mark.proves("GATE-102")
async def test_every_keyword_of_a_schema_stays(bridge: Gate, mode: str) -> None:
    approved = {definition["name"]: definition for definition in DEFINITIONS}
    async with bridge.client(MAYA, mode) as client:
        listed = (await client.list_tools()).tools

    assert len(listed) == len(approved)
    for tool in listed:
        assert tool.input_schema == approved[tool.name]["inputSchema"]
        assert tool.output_schema == approved[tool.name].get("outputSchema")
    assert "$defs" in approved["json_schema_2020_12_tool"]["inputSchema"]


@CROSSED
@pytest.mark.proves("GATE-103")
async def test_progress_carries_the_clients_own_token(bridge: Gate, mode: str) -> None:
    seen: list[tuple[float, Any]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, message))

    async with bridge.client(MAYA, mode) as client:
        result = await client.call_tool("test_tool_with_progress", {}, progress_callback=progress)

    assert not result.is_error
    assert [done for done, _ in seen] == [0, 50, 100]
    assert seen[1][1] == "Completed step 50 of 100"


@CROSSED
@pytest.mark.proves("GATE-104")
async def test_a_cancelled_call_is_cancelled_at_the_server(bridge: Gate, mode: str, told: Told) -> None:
    async with bridge.client(MAYA, mode) as client:
        calling = asyncio.create_task(client.call_tool("test_slow", {}))
        await asyncio.wait_for(told.running.wait(), 20)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        await asyncio.wait_for(told.cancelled.wait(), 20)
        assert not (await client.call_tool("test_simple_text", {})).is_error


QUESTIONS = pytest.mark.parametrize(
    ("mode", "era", "tool", "arguments", "expected"),
    [
        pytest.param(
            "legacy", "new", "test_input_required_result_elicitation", {}, "Hello, my name!", marks=FULL
        ),
        pytest.param("legacy", "new", "test_input_required_result_sampling", {}, "Paris", marks=FULL),
        pytest.param(
            "legacy", "new", "test_input_required_result_list_roots", {}, "Roots: file:///work", marks=FULL
        ),
        ("legacy", "new", "test_input_required_result_multi_round", {}, "Both given"),
        ("legacy", "new", "test_input_required_result_multiple_inputs", {}, "All given"),
        pytest.param("legacy", "new", "test_input_required_result_request_state", {}, "state-ok", marks=FULL),
        ("2026-07-28", "old", "test_elicitation", {"message": "Who?"}, '{"response":"my response"}'),
        pytest.param(
            "2026-07-28", "old", "test_sampling", {"prompt": "Capital?"}, "LLM response: Paris", marks=FULL
        ),
        ("2026-07-28", "old", "test_sampling_beside", {"prompt": "Capital?"}, "LLM response: Paris"),
        ("2026-07-28", "old", "test_two_questions", {}, "my response"),
        pytest.param(
            "legacy", "old", "test_elicitation", {"message": "Who?"}, '{"response":"my response"}', marks=FULL
        ),
        ("legacy", "old", "test_two_questions", {}, "my response"),
        pytest.param(
            "2026-07-28", "new", "test_input_required_result_multi_round", {}, "Both given", marks=FULL
        ),
    ],
)


@QUESTIONS
@pytest.mark.proves("GATE-105")
async def test_a_question_finds_its_person_and_the_answer_its_call(
    bridge: Gate, mode: str, tool: str, arguments: dict[str, Any], expected: str
) -> None:
    person = Person()
    callbacks = {
        "elicitation_callback": person.elicit,
        "sampling_callback": person.sample,
        "list_roots_callback": person.roots,
    }
    async with bridge.client(MAYA, mode, **callbacks) as client:
        result = await client.call_tool(tool, arguments)

    assert not result.is_error, result
    assert expected in text_of(result)


@pytest.mark.parametrize("era", ["old"])
@pytest.mark.proves("GATE-106")
async def test_a_question_of_an_old_server_can_be_answered_once_and_by_its_caller_only(bridge: Gate) -> None:
    asked = await ask(bridge, MAYA, {"message": "Who?"})
    assert asked["resultType"] == "input_required"
    [(key, wanted)] = asked["inputRequests"].items()
    assert wanted["method"] == "elicitation/create"
    given = {
        "requestState": asked["requestState"],
        "inputResponses": {key: {"action": "accept", "content": {"response": "me"}}},
    }

    assert "expired" in str(await ask(bridge, TOM, {"message": "Who?"}, **given)).lower()
    assert "me" in str(await ask(bridge, MAYA, {"message": "Who?"}, **given))
    again = await ask(bridge, MAYA, {"message": "Who?"}, **given)
    assert again["_meta"][mcp.ERROR_META]["code"] == "input_expired"


async def ask(gate: Gate, principal: Any, arguments: Any, **more: Any) -> dict[str, Any]:
    params = mcp.stateless_params(
        {"name": "test_elicitation", "arguments": arguments, **more}, CLIENT, capabilities={"elicitation": {}}
    )
    headers = stateless(gate, principal, "tools/call", "test_elicitation")
    return (await post(gate, mcp.request("tools/call", params), headers)).json()["result"]


@pytest.mark.parametrize("era", ["old"])
async def test_a_client_that_cannot_be_asked_is_not(bridge: Gate) -> None:
    result = (await call(bridge, MAYA, "test_elicitation", {"message": "Who?"})).json()["result"]

    assert result["isError"] is True


@pytest.mark.parametrize(("era", "tool"), [("new", "test_logging_tool"), ("old", "test_logging_tool")])
@pytest.mark.proves("GATE-107")
async def test_logs_reach_who_asked_for_them(bridge: Gate, tool: str) -> None:
    quiet = await call(bridge, MAYA, tool, {})
    loud = await call(bridge, MAYA, tool, {}, meta={mcp.LOG_LEVEL_META: "info"})
    high = await call(bridge, MAYA, tool, {}, meta={mcp.LOG_LEVEL_META: "error"})

    assert quiet.headers["content-type"] == "application/json"
    assert "A line" in loud.text
    assert loud.headers["content-type"] == "text/event-stream"
    assert "A line" not in high.text


@pytest.mark.parametrize("era", ["new", "old"])
async def test_a_client_with_a_session_gets_logs_until_it_sets_a_level(bridge: Gate) -> None:
    person = Person()
    async with bridge.client(MAYA, "legacy", logging_callback=person.log) as client:
        await client.call_tool("test_logging_tool", {})
        first = list(person.logged)
        await client.session.send_request(
            types.SetLevelRequest(params=types.SetLevelRequestParams(level="error")), types.EmptyResult
        )
        await client.call_tool("test_logging_tool", {})

    # a server that only logs for who asks it to is asked for those who cannot
    assert first == ["A line"]
    assert person.logged == first


@CROSSED
@pytest.mark.proves("GATE-108")
async def test_resources_and_prompts_come_through(bridge: Gate, mode: str) -> None:
    async with bridge.client(MAYA, mode) as client:
        resources = {str(item.uri) for item in (await client.list_resources()).resources}
        templates = [
            item.uri_template for item in (await client.list_resource_templates()).resource_templates
        ]
        read = (await client.read_resource("test://template/7/data")).contents[0]
        prompts = {item.name for item in (await client.list_prompts()).prompts}
        prompt = await client.get_prompt("test_prompt_with_arguments", {"arg1": "a", "arg2": "b"})
        reference = types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
        completed = await client.complete(reference, {"name": "arg1", "value": "par"})

    assert {"test://static-text", "test://watched-resource"} <= resources
    assert templates == ["test://template/{id}/data"]
    assert json.loads(read.text)["id"] == "7"
    assert "test_prompt_with_image" in prompts
    assert "arg1='a'" in prompt.messages[0].content.text
    assert completed.completion.values == ["paris", "park", "party"]


@CROSSED
@pytest.mark.proves("GATE-109")
async def test_a_changed_resource_is_told_to_who_follows_it(bridge: Gate, mode: str) -> None:
    uri = "test://watched-resource"
    async with Stream(bridge, MAYA, stateless=mode == "2026-07-28", uris=[uri]) as mine:
        async with Stream(bridge, TOM, stateless=True, uris=["test://static-text"]) as theirs:
            async with bridge.client(MAYA, mode) as client:
                await client.call_tool("test_touch", {"uri": uri})
            heard = await mine.until("notifications/resources/updated")
            assert heard["params"]["uri"] == uri
            assert not theirs.heard("notifications/resources/updated")


@pytest.mark.parametrize("era", ["old"])
@pytest.mark.proves("GATE-106")
async def test_only_so_many_questions_of_one_person_wait(
    bridge: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.gateway.upstreams.parking._EACH", 2)
    asked = [await ask(bridge, MAYA, {"message": "Who?"}) for _ in range(3)]
    told: list[str] = []
    for one in asked:
        [key] = one["inputRequests"]
        given = {
            "requestState": one["requestState"],
            "inputResponses": {key: {"action": "accept", "content": {"response": "me"}}},
        }
        told.append(json.dumps(await ask(bridge, MAYA, {"message": "Who?"}, **given)))

    assert ["action=accept" in one for one in told] == [False, True, True]
