"""The OpenAI-compatible provider against a server that speaks the real wire format."""

import asyncio
import json
from typing import Any

import pytest
from agent_framework import FunctionTool

from kit.errors import SwitchboardError
from platform_api.llm.errors import (
    ModelBusy,
    ModelCutOff,
    ModelFailed,
    ModelRefused,
    ModelTimedOut,
    ModelUnauthorised,
    ModelUnreachable,
)
from tests.platform_api.chat.script import LEAVE, found
from tests.platform_api.llm.conftest import text_of
from tests.platform_api.llm.model_server import DONE, ModelServer, Reply, chunk, text, tool_call

LEAK = "sk-secret-internal-detail"


async def test_text_arrives_piece_by_piece_with_usage_and_cost(asking: Any, server: ModelServer) -> None:
    server.replies = [text("Staff get ", "25 days.", usage=(1000, 200))]
    ask = asking()
    updates = await ask()
    assert [update.text for update in updates if update.text] == ["Staff get ", "25 days."]
    usage = ask.spending.usage()
    assert (usage.input_tokens, usage.output_tokens, usage.model, usage.tier) == (1000, 200, "gpt-test", 1)
    assert usage.cost == pytest.approx(0.004)
    assert server.asked[0]["stream"] is True
    assert server.asked[0]["stream_options"] == {"include_usage": True}


async def test_a_tool_call_in_pieces_is_put_together_and_answered(asking: Any, server: ModelServer) -> None:
    server.replies = [tool_call("docs__search", '{"que', 'ry": "annual', ' leave"}'), text("25 days.")]
    asked: list[dict[str, Any]] = []
    ask = asking()
    updates = await ask(tools=[_search(asked)])
    assert asked == [{"query": "annual leave"}]
    assert text_of(updates) == "25 days."
    assert ask.spending.usage().input_tokens == 31


async def test_dots_in_tool_names_are_mapped_for_the_api_only(asking: Any, server: ModelServer) -> None:
    server.replies = [tool_call("docs__search", '{"query": "leave"}'), text("25 days.")]
    await asking()(tools=[_search([])])
    first, second = server.asked
    assert first["tools"][0]["function"]["name"] == "docs__search"
    assert second["messages"][-2]["tool_calls"][0]["function"]["name"] == "docs__search"


async def test_a_search_result_travels_as_numbered_sources(asking: Any, server: ModelServer) -> None:
    server.replies = [tool_call("docs__search", '{"query": "leave"}'), text("25 days.")]
    await asking()(tools=[_search([])])
    told = server.asked[1]["messages"][-1]
    assert (told["role"], told["tool_call_id"]) == ("tool", "call_1")
    assert told["content"] == f"[1] Leave › Annual leave\n{LEAVE}"


def _search(asked: list[dict[str, Any]]) -> FunctionTool:
    async def call(**arguments: Any) -> str:
        asked.append(arguments)
        return found(LEAVE).dump()

    schema = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
    return FunctionTool(name="docs.search", description="Find documents.", func=call, input_model=schema)


_ERROR = json.dumps({"error": {"message": LEAK, "type": "server_error", "code": None}})


@pytest.mark.proves("LLM-004")
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(status=401, body=_ERROR), ModelUnauthorised),
        (Reply(status=403, body=_ERROR), ModelUnauthorised),
        (Reply(status=400, body=_ERROR), ModelRefused),
        (Reply(status=429, body=_ERROR, headers={"Retry-After": "17"}), ModelBusy),
        (Reply(status=500, body=_ERROR), ModelFailed),
        (Reply(status=503, body="<html>down</html>"), ModelFailed),
        (Reply([chunk("Staff get"), "data: {not json\n\n"]), ModelFailed),
        (Reply([f'data: {{"error": {{"message": "{LEAK}"}}}}\n\n']), ModelFailed),
        (Reply([chunk("Staff get ")], cut=True), ModelCutOff),
        (Reply([chunk("Staff get "), DONE]), ModelCutOff),
    ],
)
async def test_each_way_to_fail_has_its_own_error_and_never_the_providers_words(
    asking: Any, server: ModelServer, reply: Reply, expected: type[SwitchboardError]
) -> None:
    server.replies = [reply]
    with pytest.raises(SwitchboardError) as failed:
        await asking(fallback=False, first_token_timeout_s=10, retry_pauses_s=(0.0,))()
    assert type(failed.value) is expected
    assert LEAK not in f"{failed.value.detail}{failed.value.hint}"
    assert failed.value.hint


async def test_a_busy_model_says_when_to_come_back(asking: Any, server: ModelServer) -> None:
    server.replies = [Reply(status=429, body=_ERROR, headers={"Retry-After": "17"})]
    with pytest.raises(ModelBusy) as busy:
        await asking(fallback=False)()
    assert busy.value.retry_after == 17
    assert len(server.asked) == 1


@pytest.mark.parametrize("chunks", [[], [chunk("Staff get ")]])
async def test_a_model_that_hangs_is_given_up(asking: Any, server: ModelServer, chunks: list[Any]) -> None:
    hang = asyncio.Event()
    server.replies = [Reply([*chunks, hang])]
    with pytest.raises(ModelTimedOut):
        await asking(fallback=False, first_token_timeout_s=0.2, stream_timeout_s=0.4)()
    hang.set()


async def test_an_address_where_nobody_answers(asking: Any) -> None:
    with pytest.raises(ModelUnreachable):
        await asking(base_url="http://127.0.0.1:9/v1", fallback=False, retry_pauses_s=(0.0,))()
