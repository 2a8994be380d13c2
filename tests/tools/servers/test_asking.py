"""A tool of ours that asks first: in the session era the client is asked during the call."""

from collections.abc import Mapping
from typing import Any

import pytest
from mcp import Client, types

from kit.clock import SystemClock
from kit.wire.base import Request, Wire
from tests.tools.world import MAYA
from tools.servers.asking import Asks, Elicitation, Resumed, States
from tools.servers.serving import Asker, ToolCall, outcome, resumable
from tools.servers.serving import _sdk_server as sdk_server
from tools.servers.shapes import Manifest, ToolShape


class Nothing(Request):
    pass


class Greeting(Wire):
    said: str


SHAPE = ToolShape("greet", "Greet", "Asks for a name, then greets.", Nothing, Greeting)
MANIFEST = Manifest("greeter", "Greeter", "1", "tests", "server:greeter", {"greet": {}})


async def greet(asker: Asker, request: Nothing, resumed: Resumed | None) -> Greeting | Asks:
    if resumed is None:
        return Asks({"name": Elicitation("Who are you?", {"name": {"type": "string"}}, ("name",))}, {"n": 1})
    answer = resumed.responses["name"]
    return Greeting(said=f"Hello {answer.content['name']}" if answer.action == "accept" else "Bye")


def server() -> Any:
    states, tool = States(b"secret", SystemClock()), resumable(SHAPE, greet)

    async def listed() -> list[Mapping[str, Any]]:
        return [SHAPE.definition()]

    async def called(call: ToolCall) -> Mapping[str, Any] | None:
        return await outcome(tool, Asker(MAYA, MAYA.access_keys), call, states)

    return sdk_server(MANIFEST, listed, called)


@pytest.mark.proves("BOOK-109")
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_client_of_either_era_is_asked_and_answers(mode: str) -> None:
    async def answers(context: Any, params: Any) -> types.ElicitResult:
        assert params.message == "Who are you?"
        return types.ElicitResult(action="accept", content={"name": "Maya"})

    async with Client(server(), mode=mode, elicitation_callback=answers) as client:
        result = await client.call_tool("greet", {})
    assert result.structured_content == {"said": "Hello Maya"}


@pytest.mark.proves("BOOK-109")
async def test_a_client_that_cannot_ask_is_told_so() -> None:
    async with Client(server(), mode="legacy") as client:
        result = await client.call_tool("greet", {})
    assert result.is_error
    assert "asks something first" in str(result.content)
