"""Two replicas, and each request to the other one (SPEC 2): nothing is held where the next does not come."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from kit.wire import mcp
from tests.tools.bridged import DEFINITIONS, registered
from tests.tools.everything import Told, app_of, everything
from tests.tools.gateway.listening import Stream
from tests.tools.gateway.test_bridge import Person, ask, text_of
from tests.tools.gateway.test_sessions import begin, say
from tests.tools.replicas import RoundRobin, two_processes, two_replicas
from tests.tools.world import MAYA, TOM, Gate, registry_of, served

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
ERAS = pytest.mark.parametrize("era", ["old", "new"])


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def pair(era: Any, tmp_path: Path, redis: Redis, told: Told) -> AsyncIterator[tuple[Gate, RoundRobin]]:
    async with served(app_of(everything(told), era)) as url:
        registry = registry_of([registered("everything", f"{url}/mcp", DEFINITIONS)])
        async with two_replicas(registry, tmp_path, redis) as pair:
            yield pair


@pytest.mark.parametrize("era", ["old"])
@pytest.mark.proves("GATE-110")
async def test_a_session_works_at_both_and_ends_at_both(pair: tuple[Gate, RoundRobin]) -> None:
    gate, proxy = pair
    session = await begin(gate, MAYA)
    for _ in range(4):
        assert (await say(gate, MAYA, "tools/list", session=session)).status_code == 200
        assert (await say(gate, TOM, "tools/list", session=session)).status_code == 404
    async with Stream(gate, MAYA, stateless=False) as stream:
        await stream.say("ping", {})

    assert set(proxy.hits) == {0, 1}


@ERAS
@pytest.mark.proves("GATE-110")
async def test_the_answer_to_a_question_finds_the_call_at_the_other_replica(
    pair: tuple[Gate, RoundRobin], era: str
) -> None:
    gate, proxy = pair
    tool = "test_two_questions" if era == "old" else "test_input_required_result_multi_round"
    for mode in ("legacy", "2026-07-28"):
        for _ in range(2):
            person = Person()
            async with gate.client(MAYA, mode, elicitation_callback=person.elicit) as client:
                result = await client.call_tool(tool, {})
            assert not result.is_error, text_of(result)
            assert len(person.asked) == 2

    assert set(proxy.hits) == {0, 1}


@pytest.mark.parametrize("era", ["old"])
@pytest.mark.proves("GATE-106")
async def test_a_question_is_used_up_wherever_it_was_answered(pair: tuple[Gate, RoundRobin]) -> None:
    gate, _ = pair
    asked = await ask(gate, MAYA, {"message": "Who?"})
    [key] = asked["inputRequests"]
    answer = {"action": "accept", "content": {"response": "me"}}
    given = {"requestState": asked["requestState"], "inputResponses": {key: answer}}
    told = [await ask(gate, MAYA, {"message": "Who?"}, **given) for _ in range(3)]

    assert sum("action=accept" in json.dumps(one) for one in told) == 1
    assert (
        sum(one.get("_meta", {}).get(mcp.ERROR_META, {}).get("code") == "input_expired" for one in told) == 2
    )


@ERAS
@pytest.mark.proves("GATE-110")
async def test_a_cancellation_finds_the_call_at_the_other_replica(
    pair: tuple[Gate, RoundRobin], told: Told
) -> None:
    gate, proxy = pair
    session = await begin(gate, MAYA)
    params = {"name": "test_slow", "arguments": {}}
    calling = asyncio.create_task(say(gate, MAYA, "tools/call", params, session, id="slow"))
    await asyncio.wait_for(told.running.wait(), 20)
    # others' cancellations do nothing, nor do those for other ids
    await say(gate, TOM, "notifications/cancelled", {"requestId": "slow"}, await begin(gate, TOM), None)
    assert not told.cancelled.is_set()
    before = len(proxy.hits)
    await say(gate, MAYA, "notifications/cancelled", {"requestId": "slow"}, session, id=None)
    await asyncio.wait_for(told.cancelled.wait(), 20)
    response = await calling

    assert len(proxy.hits) == before + 1
    assert "result" not in response.text


@pytest.mark.full
@ERAS
@pytest.mark.proves("GATE-110")
async def test_a_change_is_heard_at_the_other_replica(pair: tuple[Gate, RoundRobin]) -> None:
    gate, _ = pair
    uri = "test://watched-resource"
    for _ in range(2):
        async with Stream(gate, MAYA, stateless=True, uris=[uri]) as stream:
            async with gate.client(MAYA, "2026-07-28") as client:
                await client.call_tool("test_touch", {"uri": uri})
            assert (await stream.until("notifications/resources/updated"))["params"]["uri"] == uri


@pytest.mark.full
@pytest.mark.timeout(180)
@pytest.mark.parametrize("era", ["old", "new"])
@pytest.mark.proves("GATE-111")
async def test_a_killed_replica_takes_no_session_with_it(
    tmp_path: Path, redis_url: str, redis: Redis, era: Any
) -> None:
    async with served(app_of(everything(), era)) as url:
        registry = registry_of([registered("everything", f"{url}/mcp", DEFINITIONS)])
        async with two_processes(registry, tmp_path, redis_url) as (gate, children):
            sessions = [await begin(gate, person) for person in (MAYA, TOM, MAYA)]
            person = Person()
            async with gate.client(MAYA, "legacy", elicitation_callback=person.elicit) as client:
                before = await client.call_tool("test_simple_text", {})
                await children[0].kill()
                after = [await client.call_tool("test_simple_text", {}) for _ in range(4)]
                tool = "test_elicitation" if era == "old" else "test_input_required_result_elicitation"
                asked = await client.call_tool(tool, {"message": "Who?"} if era == "old" else {})
            for session, owner in zip(sessions, (MAYA, TOM, MAYA), strict=True):
                assert (await say(gate, owner, "tools/list", session=session)).status_code == 200

    assert not before.is_error
    assert not any(result.is_error for result in after)
    assert not asked.is_error, text_of(asked)
    assert len(person.asked) == 1
