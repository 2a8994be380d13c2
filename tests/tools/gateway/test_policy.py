"""Who may call what, with which arguments, for how long: and each refusal on record (SPEC 9)."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from redis.asyncio import Redis

from access.grants import keep_grant
from access.principal import TurnLimits
from kit.wire import mcp
from knowledge.index import Index
from tests.tools.gateway.wire import call, error_of, post, tool_error_of
from tests.tools.upstreams import Echo, definition, server, tool
from tests.tools.world import MAYA, TOM, Gate, person, registry_of, running_gateway
from tools.gateway.settings import GatewaySettings

ADA = person("ada", "people", role="OrgAdmin")


@pytest.fixture
def echo() -> Echo:
    lists = [definition(name) for name in ("echo.say", "echo.admin", "echo.outside", "echo.short")]
    return Echo(lists=lists)


@pytest.fixture
async def world(tmp_path: Path, redis: Redis, index: Index, echo: Echo) -> AsyncIterator[Gate]:
    tools = (
        tool("echo.say"),
        tool("echo.admin", roles=["OrgAdmin"]),
        tool("echo.outside", privacy_compatible=False),
        tool("echo.short", permission="use_agent", timeout_s=0.05),
    )
    registry = registry_of([server(*tools)])
    async with running_gateway(tmp_path, redis, index, registry=registry, apps={"echo": echo}) as gate:
        yield gate


async def listed(gate: Gate, principal: Any) -> list[str]:
    async with gate.client(principal) as client:
        return [tool.name for tool in (await client.list_tools()).tools]


@pytest.mark.proves("GATEWAY-006")
async def test_a_list_holds_exactly_what_can_be_called(world: Gate) -> None:
    private = MAYA.limited(TurnLimits(privacy=True))
    reader = person("rita", role="ReadOnly")
    everything = ["echo.say", "echo.admin", "echo.outside", "echo.short"]
    for principal in (MAYA, ADA, private, reader):
        offered = await listed(world, principal)
        for name in everything:
            response = await call(world, principal, name, {"text": "hello"})
            refused = response.status_code == 400 and error_of(response)["code"] == mcp.INVALID_PARAMS
            assert refused != (name in offered), (principal.name, name)

    assert await listed(world, ADA) == everything
    assert await listed(world, MAYA) == ["echo.say", "echo.outside", "echo.short"]
    assert await listed(world, private) == ["echo.say", "echo.short"]
    assert await listed(world, reader) == ["echo.say", "echo.outside"]


@pytest.mark.proves("GATEWAY-007")
async def test_a_forbidden_tool_looks_like_one_that_does_not_exist(world: Gate) -> None:
    forbidden = await call(world, MAYA, "echo.admin", {"text": "hello"})
    unknown = await call(world, MAYA, "echo.nothing", {"text": "hello"})
    elsewhere = await call(world, MAYA, "echo.say", {"text": "hello"}, path="/servers/docs/mcp")

    assert forbidden.status_code == unknown.status_code == elsewhere.status_code == 400
    assert forbidden.json() == unknown.json() == elsewhere.json()


@pytest.mark.proves("GATEWAY-008")
async def test_the_callers_token_goes_nowhere(world: Gate, echo: Echo) -> None:
    mine = world.token(MAYA)
    limits = TurnLimits(knowledge_base_ids=frozenset(), audience="everyone_here")
    await call(world, MAYA, "echo.say", {"text": "hello"})
    await call(world, MAYA.limited(limits), "echo.say", {"text": "hello"})

    for received in echo.received:
        assert mine not in json.dumps([received.headers, received.message])
        assert _claims(received.headers["authorization"])["iss"] == "gateway"
        assert _claims(received.headers["authorization"])["aud"] == "server:echo"
    plain, limited = (_claims(received.headers["authorization"]) for received in echo.calls)
    assert plain["sub"] == str(MAYA.id)
    assert plain["keys"] == sorted(MAYA.access_keys)
    assert limited["kbs"] == []
    assert limited["keys"] == [f"o:{MAYA.organisation_id}"]


def _claims(authorization: str) -> dict[str, Any]:
    return jwt.decode(authorization.removeprefix("Bearer "), options={"verify_signature": False})


async def test_more_than_64_keys_travel_as_a_grant(world: Gate, echo: Echo, redis: Redis) -> None:
    many = person("many", *(f"group-{number}" for number in range(100)))
    await keep_grant(redis, many.access_keys)
    await call(world, many, "echo.say", {"text": "hello"})

    claims = _claims(echo.calls[0].headers["authorization"])
    assert "keys" not in claims
    assert await redis.get(f"grant:{claims['grant']}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "'text' is required"),
        ({"text": 5}, "'text' has the wrong type"),
        ({"text": "hello", "count": 0}, "'count' breaks minimum 1"),
        ({"text": "secret-" * 9}, "'text' breaks maxLength 20"),
        ({"text": "hello", "at": "secret"}, "'at' must be a date-time"),
        ({"text": "hello", "colour": "secret"}, "'colour' is not a field of this tool"),
        ({"text": "hello", "address": {"street": "secret"}}, "'address.street' is not a field of this tool"),
    ],
)
@pytest.mark.proves("GATEWAY-009")
async def test_an_argument_error_names_the_field_and_never_the_value(
    world: Gate, echo: Echo, arguments: dict[str, Any], told: str
) -> None:
    response = await call(world, MAYA, "echo.say", arguments)

    error = tool_error_of(response)
    assert error["code"] == "invalid_arguments"
    assert told in error["text"]
    assert error["hint"] in error["text"]
    assert "secret" not in response.text
    assert echo.calls == []


async def test_a_tool_that_takes_too_long_is_cancelled(world: Gate, echo: Echo) -> None:
    echo.hangs = True
    response = await call(world, MAYA, "echo.short", {"text": "hello"})

    assert tool_error_of(response)["code"] == "tool_timed_out"
    assert tool_error_of(response)["retryable"] is True
    assert echo.cancelled.is_set()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","id":1,"result":"\xff"}',
        b'{"jsonrpc":"2.0","id":1,"result":7}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal path /srv/x"}}',
    ],
)
async def test_a_servers_nonsense_becomes_one_clear_error(world: Gate, echo: Echo, raw: bytes) -> None:
    echo.raw = raw
    response = await call(world, MAYA, "echo.say", {"text": "hello"})

    assert tool_error_of(response)["code"] in ("upstream_failed", "tool_refused")
    assert "/srv/x" not in response.text


async def test_a_server_may_answer_with_a_stream(world: Gate, echo: Echo) -> None:
    echo.content_type = b"text/event-stream"
    echo.raw = (
        b'event: message\r\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\r\n\r\n'
        b'event: message\r\ndata: {"jsonrpc":"2.0","id":1,\r\ndata: "result":{"content":[]}}\r\n\r\n'
    )

    assert (await call(world, MAYA, "echo.say", {"text": "hello"})).json()["result"]["content"] == []


async def test_a_question_reaches_clients_that_can_carry_it_and_is_explained_to_others(
    world: Gate, echo: Echo
) -> None:
    echo.answers = lambda params: {"resultType": "input_required", "requestState": "sealed"}

    asked = (await call(world, MAYA, "echo.say", {"text": "hello"})).json()["result"]
    assert asked["resultType"] == "input_required"
    # a server's own state travels within ours
    assert asked["requestState"].startswith("swb2.foreign.")
    async with world.client(MAYA, "legacy") as client:
        told = await client.call_tool("echo.say", {"text": "hello"})
    assert told.is_error
    assert "2026-07-28" in told.content[0].text


async def test_the_trace_goes_on_to_the_server(world: Gate, echo: Echo) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await call(world, MAYA, "echo.say", {"text": "hello"}, traceparent=trace)
    await call(world, MAYA, "echo.say", {"text": "hello"}, meta={"traceparent": trace})

    for received in echo.calls:
        assert received.message["params"]["_meta"]["traceparent"].split("-")[1] == trace.split("-")[1]


@pytest.mark.proves("GATEWAY-010")
async def test_every_call_is_on_record_and_so_is_every_refusal(world: Gate) -> None:
    await call(world, MAYA, "echo.say", {"text": "my secret"})
    await call(world, MAYA, "echo.admin", {"text": "my secret"})
    await call(world, MAYA, "echo.say", {"wrong": "my secret"})
    await call(world, MAYA, "echo.say", {"text": "my secret"}, authorization="Bearer wrong")

    records = await world.audited()
    assert [record["outcome"] for record in records] == [
        "ok",
        "unknown_tool",
        "invalid_arguments",
        "unauthenticated",
    ]
    assert records[0]["arguments"]["fields"] == ["text"]
    assert "my secret" not in json.dumps(records)
    first, *_, last = world.platform.told("tool.call")
    assert (first.actor, first.organisation_id) == (str(MAYA.id), str(MAYA.organisation_id))
    assert (last.actor, last.organisation_id) == ("anonymous", "")


async def test_nobody_in_particular_cannot_flood_the_record(world: Gate) -> None:
    for _ in range(15):
        await call(world, MAYA, "echo.say", {"text": "hello"}, authorization="Bearer wrong")
    world.clock.move(seconds=5)
    await call(world, MAYA, "echo.say", {"text": "hello"}, authorization="Bearer wrong")

    records = await world.audited()
    assert len(records) + sum(record.get("left_out", 0) for record in records) == 16
    # 10 in each second of the clock that the calls took
    assert any(record.get("left_out", 0) > 0 for record in records) or len(records) == 16


async def test_a_caller_who_leaves_ends_the_call_and_it_is_recorded(world: Gate, echo: Echo) -> None:
    echo.hangs = True
    task = asyncio.create_task(call(world, MAYA, "echo.say", {"text": "hello"}))
    await echo.called.wait()
    task.cancel()
    await asyncio.wait([task])

    await asyncio.wait_for(echo.cancelled.wait(), 5)
    assert [record["outcome"] for record in await world.audited()] == ["cancelled"]


@pytest.mark.proves("GATEWAY-011")
@pytest.mark.parametrize(
    "authorization", ["", "Basic abc", "Bearer", "Bearer wrong", "Bearer sb_wrong", "Bearer " + "a" * 9000]
)
async def test_nobody_is_told_how_to_sign_in(world: Gate, authorization: str) -> None:
    for method in ("tools/call", "tools/list", "server/discover"):
        headers = mcp.stateless_headers(method, "echo.say") | {"authorization": authorization}
        params = mcp.stateless_params({"name": "echo.say", "arguments": {"text": "hello"}}, {})
        response = await post(world, mcp.request(method, params), headers)

        assert response.status_code == 401
        challenge = response.headers["www-authenticate"]
        assert challenge == (
            f'Bearer resource_metadata="{world.url}/.well-known/oauth-protected-resource/mcp"'
        )
    where = challenge.split('"')[1]
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        assert (await client.get(where)).json()["resource"] == f"{world.url}/mcp"


async def test_a_token_for_somebody_else_is_refused(world: Gate) -> None:
    for audience in ("platform", "server:echo"):
        token = world.token(MAYA, audience)
        response = await call(world, MAYA, "echo.say", authorization=f"Bearer {token}")
        assert response.status_code == 401


async def test_a_token_is_refused_once_it_has_expired(world: Gate) -> None:
    token = world.token(MAYA)
    assert (await call(world, MAYA, "echo.say", authorization=f"Bearer {token}")).status_code == 200
    world.clock.move(seconds=61)
    assert (await call(world, MAYA, "echo.say", authorization=f"Bearer {token}")).status_code == 401


@pytest.mark.proves("GATEWAY-012")
async def test_an_api_key_is_asked_for_once_and_closed_when_its_time_is_up(world: Gate) -> None:
    platform = world.platform
    platform.people["sb_1_secret"] = TOM
    platform.slow = asyncio.Event()
    calls = [
        asyncio.create_task(
            call(world, MAYA, "echo.say", {"text": "hello"}, authorization="Bearer sb_1_secret")
        )
        for _ in range(5)
    ]
    await platform.asked.wait()
    platform.slow.set()
    assert {(await response).status_code for response in calls} == {200}
    assert platform.resolved == 1

    platform.down = True
    with_key = {"authorization": "Bearer sb_1_secret"}
    assert (await call(world, MAYA, "echo.say", {"text": "hello"}, **with_key)).status_code == 200
    world.clock.move(seconds=61)
    closed = await call(world, MAYA, "echo.say", {"text": "hello"}, **with_key)
    assert (closed.status_code, error_of(closed)["code"]) == (503, mcp.UNAVAILABLE)
    assert closed.headers["retry-after"] == "2"

    platform.down = False
    del platform.people["sb_1_secret"]
    assert (await call(world, MAYA, "echo.say", {"text": "hello"}, **with_key)).status_code == 401


async def test_two_people_never_share_a_remembered_caller(world: Gate, echo: Echo) -> None:
    for principal in (MAYA, TOM, MAYA, replace(TOM, name="thomas")):
        await call(world, principal, "echo.say", {"text": "hello"})

    asked = [_claims(received.headers["authorization"]) for received in echo.calls]
    assert [claims["sub"] for claims in asked] == [str(p.id) for p in (MAYA, TOM, MAYA, TOM)]


async def test_a_call_over_the_limit_says_in_its_headers_too_when_to_come_again(
    tmp_path: Path, redis: Redis, index: Index, echo: Echo
) -> None:
    registry, settings = registry_of([server(tool("echo.say"))]), GatewaySettings(user_calls_per_min=1)
    echo_apps = {"echo": echo}
    async with running_gateway(
        tmp_path, redis, index, registry=registry, apps=echo_apps, settings=settings
    ) as gate:
        first = await call(gate, MAYA, "echo.say", {"text": "one"})
        second = await call(gate, MAYA, "echo.say", {"text": "two"})

    assert "retry-after" not in first.headers
    refused = tool_error_of(second)
    assert (second.status_code, refused["code"]) == (200, "rate_limited")
    assert int(second.headers["retry-after"]) == refused["retryAfter"] >= 1
