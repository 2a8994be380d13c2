"""Must-show 2 for bare clients: asked in one place, answered in another, gateway and platform killed and
started again in between. Both are processes of their own, over the real Postgres and Redis."""

from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from redis.asyncio import Redis

from kit.wire import mcp
from kit.wire.tools import Approval
from tests.tools.gateway.test_approvals import NAMES, Desk, asking, code_of, question, yes
from tests.tools.restarted import MAYA, deployment
from tests.tools.upstreams import Echo, definition, server, tool
from tests.tools.world import registry_of, served

pytestmark = [
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
    pytest.mark.full,
    pytest.mark.timeout(600),
]
SECOND = Approval(mode="second_person", expires_s=3600)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.proves("GOV-512", "GOV-503")
async def test_a_client_that_cannot_ask_goes_on_after_an_answer_over_rest(
    tmp_path: Path, database_url: str, redis_url: str, redis: Redis, mode: str
) -> None:
    echo = Echo(lists=[definition(name) for name in NAMES])
    async with served(echo) as url:
        tools = [tool("files.remove", risk="destructive"), tool("files.wipe", risk="read", approval=SECOND)]
        registry = registry_of([server(*tools, name="files", address=f"{url}/mcp")])
        async with deployment(registry, tmp_path, database_url, redis_url) as made:
            async with made.gate.client(made.token(), mode, timeout_s=60) as client:
                waits = await client.call_tool("files.remove", {"text": "all"})
                second = await client.call_tool("files.wipe", {"text": "disk"})
                await made.restart("gateway", "platform")
                asked, others = (_named(result) for result in (waits, second))
                assert (await made.respond(asked["id"], "accept")).status_code == 202
                assert (await made.respond(others["id"], "accept")).status_code >= 400
                assert (await client.call_tool("files.wipe", {"text": "disk"})).is_error
                assert (await made.respond(others["id"], "accept", "ada")).status_code == 202
                changed = await client.call_tool("files.remove", {"text": "everything"})
                passes = [await client.call_tool("files.remove", {"text": "all"}) for _ in range(2)]
                wiped = [await client.call_tool("files.wipe", {"text": "disk"}) for _ in range(2)]

    assert asked["url"] == f"/api/v1/interactions/{asked['id']}"
    assert changed.is_error
    assert [result.is_error for result in passes] == [False, True]
    assert [result.is_error for result in wiped] == [False, True]
    texts = [call.message["params"]["arguments"]["text"] for call in echo.calls]
    assert texts == ["all", "disk"]


def _named(result: Any) -> dict[str, str]:
    return result.meta[mcp.ERROR_META]["interaction"]


@pytest.mark.proves("GOV-512", "GOV-502")
async def test_a_client_that_can_ask_goes_on_after_both_were_killed(
    tmp_path: Path, database_url: str, redis_url: str, redis: Redis
) -> None:
    echo = Echo(lists=[definition(name) for name in NAMES], answers=asking)
    async with served(echo) as url:
        tools = [tool(name, risk="destructive") for name in ("files.remove", "files.wipe")]
        registry = registry_of([server(*tools, name="files", address=f"{url}/mcp")])
        async with deployment(registry, tmp_path, database_url, redis_url) as made:
            desk = Desk(made.gate, echo)
            asked = await desk.call(who=MAYA)
            question(asked)
            await made.restart("gateway", "platform")
            assert code_of(await desk.call(text="everything", who=MAYA, **yes(asked))) == "approval_refused"
            await made.kill("platform")
            assert code_of(await desk.call(who=MAYA, **yes(asked))) == "approval_unavailable"
            await made.start("platform")
            assert not (await desk.call(who=MAYA, **yes(asked))).get("isError")
            await made.restart("gateway")
            assert code_of(await desk.call(who=MAYA, **yes(asked))) == "approval_used"

            async def elicit(context: Any, params: Any) -> types.ElicitResult:
                # while the person of a client with a session thinks
                if "Allow" in params.message:
                    await made.restart("platform")
                    return types.ElicitResult(action="accept", content={})
                return types.ElicitResult(action="accept", content={"why": "because"})

            async with made.gate.client(
                made.token(), "legacy", timeout_s=120, elicitation_callback=elicit
            ) as client:
                assert not (await client.call_tool("files.wipe", {"text": "disk"})).is_error
    assert desk.made == ["all", "disk", "disk", "disk"]
