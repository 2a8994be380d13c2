"""A client that is slow, silent or greedy takes its own share and nobody else's (SPEC 9, 13)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from access.principal import Principal
from kit.wire import mcp
from knowledge.index import Index
from tests.clocks import HandClock
from tests.tools.gateway.links import Inner, call_of, offered
from tests.tools.gateway.test_front_door import as_shipped, head_of, sent
from tests.tools.gateway.test_sessions import begin
from tests.tools.gateway.wire import CLIENT, call, stateless
from tests.tools.upstreams import Echo, server, tool
from tests.tools.world import MAYA, TOM, Gate, registry_of, running_gateway
from tools.gateway.protocol import http as gateway_http
from tools.gateway.protocol.asking import Questions, TooManyQuestions
from tools.gateway.settings import GatewaySettings
from tools.gateway.wrappers.breaker import OURS, broken
from tools.gateway.wrappers.bulkhead import ServerBusy, TooManyAtOnce, in_bulkhead

STREAMS = 3


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def world(tmp_path: Path, redis: Redis, index: Index, echo: Echo) -> AsyncIterator[Gate]:
    settings = GatewaySettings(user_streams_at_once=STREAMS, user_calls_at_once=2)
    registry = registry_of([server(tool("echo.say"))])
    apps: Any = {"echo": echo}
    async with running_gateway(
        tmp_path, redis, index, registry=registry, apps=apps, settings=settings
    ) as gate:
        yield gate


@pytest.mark.proves("GATE-212")
@pytest.mark.parametrize("begins", [b"", b"{"], ids=["nothing at all", "one byte"])
async def test_a_body_that_is_announced_and_does_not_come_is_given_up(
    world: Gate, echo: Echo, monkeypatch: pytest.MonkeyPatch, begins: bytes
) -> None:
    monkeypatch.setattr(gateway_http, "BODY_S", 0.2)
    async with as_shipped(world) as url:
        assert b" 408 " in await sent(url, head_of(world, "content-length: 5000"), begins)
        assert b" 408 " in await sent(url, head_of(world, "transfer-encoding: chunked"), begins and b"1\r\n{")
        assert b" 401 " not in await sent(url, head_of(world, "content-length: 2"), b"{}")
    assert echo.calls == []


async def listening(gate: Gate, who: Principal, session: str) -> Any:
    """A request that listens: by GET in a session, else by subscriptions/listen."""
    if session:
        headers = {"accept": "text/event-stream", mcp.SESSION_HEADER: session}
        return "GET", headers | {"authorization": f"Bearer {gate.token(who)}"}, b""
    body = mcp.request("subscriptions/listen", mcp.stateless_params({"notifications": {}}, CLIENT))
    return "POST", stateless(gate, who, "subscriptions/listen"), body


@pytest.mark.proves("GATE-212")
async def test_many_streams_of_one_person_are_a_few(world: Gate) -> None:
    sessions = [await begin(world, MAYA) for _ in range(4)] + [""] * 4
    async with AsyncExitStack() as stack:
        limits = httpx.Limits(max_connections=None)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=world.url, trust_env=False, verify=False, timeout=30, limits=limits)
        )

        async def open(who: Principal, session: str) -> httpx.Response:
            method, headers, body = await listening(world, who, session)
            request = client.build_request(method, "/mcp", headers=headers, content=body)
            answer = await client.send(request, stream=True)
            stack.push_async_callback(answer.aclose)
            return answer

        answers = await asyncio.gather(*(open(MAYA, sessions[number % 8]) for number in range(60)))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(answers) - len(refused) == STREAMS
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
        for session in (await begin(world, TOM), ""):
            assert (await open(TOM, session)).status_code == 200
        assert (await call(world, MAYA, "echo.say", {"text": "x"})).status_code == 200

        for answer in answers:
            await answer.aclose()
        # a stream that was left is listened for some time longer, and takes no place
        async with asyncio.timeout(20):
            for _ in range(STREAMS):
                while (await open(MAYA, "")).status_code == 429:
                    await asyncio.sleep(0.05)


@pytest.mark.proves("GATE-212")
async def test_one_persons_hanging_calls_leave_places_for_the_others() -> None:
    inner, tool_of = Inner(None), offered()
    handler = broken(in_bulkhead(inner, per_server=3, altogether=100, per_user=2), HandClock())
    held = [asyncio.create_task(handler(call_of(MAYA, tool_of))) for _ in range(2)]
    while len(inner.calls) < 2:
        await asyncio.sleep(0)
    for _ in range(OURS.failures + 1):
        with pytest.raises(TooManyAtOnce) as refused:
            await handler(call_of(MAYA, tool_of))
        assert refused.value.retry_after
    # refusals are not the server's fault, and another's call goes through
    held.append(asyncio.create_task(handler(call_of(TOM, tool_of))))
    while len(inner.calls) < 3:
        await asyncio.sleep(0)
    waiting = [asyncio.create_task(handler(call_of(TOM, tool_of)))]
    inner.release.set()
    await asyncio.gather(*held, *waiting)
    for _ in range(3):
        await handler(call_of(MAYA, tool_of))


@pytest.mark.proves("GATE-212")
async def test_a_server_that_is_full_is_told_from_a_person_who_is() -> None:
    inner = Inner(None)
    handler = in_bulkhead(inner, per_server=1, altogether=100, per_user=50)
    held = [asyncio.create_task(handler(call_of(MAYA, offered()))) for _ in range(2)]
    while len(inner.calls) < 1:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(ServerBusy):
        await handler(call_of(TOM, offered()))
    for task in held:
        task.cancel()
    await asyncio.wait(held)
    inner.release.set()
    await handler(call_of(TOM, offered()))


@pytest.mark.proves("GATE-212")
def test_only_so_many_calls_wait_for_one_persons_answer() -> None:
    questions = Questions(most=2)
    with questions.of("maya"), questions.of("maya"):
        with pytest.raises(TooManyQuestions), questions.of("maya"):
            pass
        with questions.of("tom"):
            pass
    with questions.of("maya"), questions.of("maya"):
        pass
