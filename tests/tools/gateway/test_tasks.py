"""The tasks extension of 2026-07-28 through the gateway: ids are the caller's own (SPEC 9, SEP-2663)."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

from access.principal import Principal
from kit.wire import mcp
from knowledge.index import Index
from tests.tools.gateway.wire import CLIENT, error_of, post, stateless
from tests.tools.upstreams import definition, lifespan, server, tool
from tests.tools.world import MAYA, TOM, Gate, registry_of, running_gateway, served

OWN_ID = "job-17"
TASKS: dict[str, Any] = {"extensions": {mcp.TASKS_EXTENSION: {}}}


@dataclass
class Jobs:
    """A tool server whose calls become tasks. `asked`: the messages about them."""

    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await lifespan(receive, send)
        message = json.loads((await receive())["body"])
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": self._result(message)}).encode()
        kind = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        await send({"type": "http.response.body", "body": body})
        return None

    def _result(self, message: dict[str, Any]) -> dict[str, Any]:
        state = {"taskId": OWN_ID, "createdAt": "2026-11-21T00:00:00Z", "ttlMs": 60_000}
        match message["method"]:
            case "server/discover":
                return {"supportedVersions": ["2026-07-28"], "capabilities": TASKS, "resultType": "complete"}
            case "tools/list":
                return {"tools": [definition("jobs.run")], "resultType": "complete"}
            case "tools/call":
                return {"resultType": "task", "status": "working", **state}
            case "tasks/get":
                self.asked.append(message)
                marked = {"_meta": {"switchboard/kind": "approval"}, "message": "Sure?"}
                wanted = {"q": {"method": "elicitation/create", "params": marked}}
                return {
                    "resultType": "complete",
                    "status": "input_required",
                    "inputRequests": wanted,
                    **state,
                }
            case _:
                self.asked.append(message)
                return {"resultType": "complete"}


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
async def world(
    tmp_path: Path, redis: Redis, redis_url: str, index: Index, jobs: Jobs
) -> AsyncIterator[Gate]:
    async with served(jobs) as address:
        mine = server(tool("jobs.run", roles=["User"]), name="jobs", address=f"{address}/mcp")
        async with running_gateway(
            tmp_path, redis, index, registry=registry_of([mine]), apps={}, redis_url=redis_url
        ) as gate:
            await gate.gateway.pins.compare_all()
            yield gate


async def say(
    gate: Gate, who: Principal, method: str, params: dict[str, Any], *, declared: bool = True
) -> httpx.Response:
    whole = mcp.stateless_params(params, CLIENT, capabilities=TASKS if declared else {})
    named = mcp.NAMED.get(method)
    name = params[named] if named else None
    return await post(gate, mcp.request(method, whole), stateless(gate, who, method, name))


async def begun(gate: Gate, who: Principal) -> str:
    answer = await say(gate, who, "tools/call", {"name": "jobs.run", "arguments": {"text": "go"}})
    result = answer.json()["result"]
    assert (result["resultType"], result["status"]) == ("task", "working")
    return str(result["taskId"])


@pytest.mark.proves("GATE-131")
async def test_a_task_is_asked_for_at_the_server_that_made_it(world: Gate, jobs: Jobs) -> None:
    task = await begun(world, MAYA)
    assert task != OWN_ID
    found = (await say(world, MAYA, "tasks/get", {"taskId": task})).json()["result"]
    assert found["status"] == "input_required"
    given: dict[str, Any] = {"taskId": task, "inputResponses": {"q": {"action": "accept", "content": {}}}}
    assert "result" in (await say(world, MAYA, "tasks/update", given)).json()
    assert "result" in (await say(world, MAYA, "tasks/cancel", {"taskId": task})).json()
    assert [one["method"] for one in jobs.asked] == ["tasks/get", "tasks/update", "tasks/cancel"]
    assert {one["params"]["taskId"] for one in jobs.asked} == {OWN_ID}
    assert jobs.asked[1]["params"]["inputResponses"] == given["inputResponses"]


@pytest.mark.proves("GATE-131")
async def test_a_task_is_nobody_elses(world: Gate, jobs: Jobs) -> None:
    task = await begun(world, MAYA)
    for who, id in ((TOM, task), (MAYA, OWN_ID), (MAYA, task[:-2]), (MAYA, "")):
        refused = await say(world, who, "tasks/get", {"taskId": id})
        assert error_of(refused)["message"] == "There is no such task for you."
    assert not jobs.asked


@pytest.mark.proves("GATE-131")
async def test_a_tool_that_is_no_longer_the_callers_takes_its_tasks_along(world: Gate, jobs: Jobs) -> None:
    task = await begun(world, MAYA)
    refused = await say(world, replace(MAYA, roles=frozenset({"Guest"})), "tasks/get", {"taskId": task})
    assert refused.status_code in (400, 404)
    assert not jobs.asked


async def test_a_servers_question_in_a_task_does_not_pass_for_ours(world: Gate) -> None:
    task = await begun(world, MAYA)
    found = (await say(world, MAYA, "tasks/get", {"taskId": task})).json()["result"]
    assert "switchboard/kind" not in found["inputRequests"]["q"]["params"].get("_meta", {})


async def test_tasks_are_offered_where_a_server_has_them_and_asked_for_by_who_declares_them(
    world: Gate,
) -> None:
    said = (await say(world, MAYA, "server/discover", {})).json()["result"]["capabilities"]
    assert mcp.TASKS_EXTENSION in said["extensions"]
    task = await begun(world, MAYA)
    refused = await say(world, MAYA, "tasks/get", {"taskId": task}, declared=False)
    assert error_of(refused)["code"] == mcp.MISSING_CAPABILITY
