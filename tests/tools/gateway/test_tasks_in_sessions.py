"""Tasks of 2025-11-25 through the gateway, and those of servers that are reached otherwise (SPEC 9)."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from starlette.types import ASGIApp

from access.principal import Principal
from kit.wire import mcp
from knowledge.index import Index
from tests.tools.bridged import registered
from tests.tools.gateway.listening import Stream
from tests.tools.gateway.wire import CLIENT, error_of, post, stateless
from tests.tools.jobs import EXTENSION, Jobs, definitions
from tests.tools.world import MAYA, TOM, Gate, registry_of, running_gateway, served
from tools.gateway.settings import GatewaySettings

REVISION = "2025-11-25"


@asynccontextmanager
async def before(
    folder: Path,
    redis: Redis,
    redis_url: str,
    index: Index,
    address: str,
    apps: Mapping[str, ASGIApp] | None = None,
    **more: Any,
) -> AsyncGenerator[Gate]:
    """A gateway in front of the jobs at this address, after it has looked at their definitions."""
    settings = GatewaySettings(registry_poll_s=3600, definitions_check_s=3600, **more)
    mine = registered("jobs", address, definitions(), shares=[])
    async with running_gateway(
        folder,
        redis,
        index,
        registry=registry_of([mine]),
        settings=settings,
        apps=dict(apps or {}),
        redis_url=redis_url,
    ) as gate:
        await gate.gateway.pins.compare_all()
        yield gate


@pytest.fixture
def jobs() -> Jobs:
    return Jobs(in_sessions=True)


@pytest.fixture
async def world(
    tmp_path: Path, redis: Redis, redis_url: str, index: Index, jobs: Jobs
) -> AsyncIterator[Gate]:
    async with served(jobs) as address, before(tmp_path, redis, redis_url, index, f"{address}/mcp") as gate:
        yield gate


class Session:
    """A client of 2025-11-25."""

    def __init__(self, gate: Gate, who: Principal, revision: str = REVISION) -> None:
        self._gate, self._revision = gate, revision
        self._headers = {
            "authorization": f"Bearer {gate.token(who)}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }
        self.capabilities: dict[str, Any] = {}

    async def begun(self) -> "Session":
        params = {"protocolVersion": self._revision, "capabilities": {}, "clientInfo": CLIENT}
        answer = await self.say("initialize", params)
        self._headers[mcp.SESSION_HEADER] = answer.headers[mcp.SESSION_HEADER]
        self._headers[mcp.REVISION_HEADER] = self._revision
        self.capabilities = answer.json()["result"]["capabilities"]
        return self

    async def say(self, method: str, params: dict[str, Any]) -> httpx.Response:
        return await post(self._gate, mcp.request(method, params), self._headers)

    async def task(self, name: str = "slow_compute", **arguments: Any) -> dict[str, Any]:
        params = {"name": name, "arguments": arguments, "task": {"ttl": 60_000}}
        return (await self.say("tools/call", params)).json()["result"]["task"]


@pytest.mark.proves("GATE-216")
async def test_a_session_has_its_call_done_as_a_task(world: Gate, jobs: Jobs) -> None:
    maya = await Session(world, MAYA).begun()
    assert "call" in maya.capabilities["tasks"]["requests"]["tools"]
    task = await maya.task(seconds=0, label="x")
    assert task["taskId"] not in jobs.tasks
    got = (await maya.say("tasks/get", {"taskId": task["taskId"]})).json()["result"]
    assert got["taskId"] == task["taskId"]
    result = (await maya.say("tasks/result", {"taskId": task["taskId"]})).json()["result"]
    assert result["content"][0]["text"] == "Computed x"
    assert result["_meta"][mcp.RELATED_TASK_META] == {"taskId": task["taskId"]}
    assert {one["params"]["taskId"] for one in jobs.asked} == set(jobs.tasks)


@pytest.mark.proves("GATE-216")
async def test_a_task_in_a_session_is_nobody_elses(world: Gate, jobs: Jobs) -> None:
    maya, tom = await Session(world, MAYA).begun(), await Session(world, TOM).begun()
    task = await maya.task(seconds=60)
    own = next(iter(jobs.tasks))
    for who, id in ((tom, task["taskId"]), (tom, own), (maya, own), (maya, "")):
        for method in ("tasks/get", "tasks/result", "tasks/cancel"):
            refused = await who.say(method, {"taskId": id})
            assert error_of(refused)["message"] == "There is no such task for you."
    assert not jobs.asked
    ended = (await maya.say("tasks/cancel", {"taskId": task["taskId"]})).json()["result"]
    assert (ended["status"], ended["taskId"]) == ("cancelled", task["taskId"])


@pytest.mark.proves("GATE-216")
async def test_a_person_lists_what_they_began_whatever_the_server_lists(world: Gate, jobs: Jobs) -> None:
    maya, tom = await Session(world, MAYA).begun(), await Session(world, TOM).begun()
    jobs.foreign.append("job-of-somebody")
    hers = {(await maya.task(seconds=60))["taskId"] for _ in range(2)}
    his = {(await tom.task(seconds=60))["taskId"]}
    for who, theirs in ((maya, hers), (tom, his)):
        listed = (await who.say("tasks/list", {})).json()["result"]["tasks"]
        assert {task["taskId"] for task in listed} == theirs


async def test_who_does_not_ask_for_a_task_gets_the_result(world: Gate) -> None:
    maya = await Session(world, MAYA).begun()
    called = await maya.say("tools/call", {"name": "slow_compute", "arguments": {"label": "now"}})
    assert called.json()["result"]["content"][0]["text"] == "Computed now"


async def test_an_older_revision_and_a_server_without_tasks_know_of_none(
    tmp_path: Path, redis: Redis, redis_url: str, index: Index, world: Gate
) -> None:
    old = await Session(world, MAYA, "2025-06-18").begun()
    assert "tasks" not in old.capabilities
    assert error_of(await old.say("tasks/list", {}))["code"] == mcp.METHOD_NOT_FOUND
    (tmp_path / "other").mkdir()
    async with (
        served(Jobs()) as address,
        before(tmp_path / "other", redis, redis_url, index, f"{address}/mcp") as stateless_only,
    ):
        maya = await Session(stateless_only, MAYA).begun()
        assert "tasks" not in maya.capabilities
        params = {"name": "slow_compute", "arguments": {"label": "y"}, "task": {}}
        called = (await maya.say("tools/call", params)).json()["result"]
        assert called["content"][0]["text"] == "Computed y"


async def asked(gate: Gate, method: str, params: dict[str, Any], who: Principal = MAYA) -> dict[str, Any]:
    """By a client of 2026-07-28 that takes tasks."""
    whole = mcp.stateless_params(params, CLIENT, capabilities=EXTENSION)
    named = mcp.NAMED.get(method)
    headers = stateless(gate, who, method, params[named] if named else None)
    return (await post(gate, mcp.request(method, whole), headers)).json()["result"]


@pytest.mark.proves("GATE-217")
@pytest.mark.parametrize("address", ["stdio:jobs", "inproc:jobs"])
async def test_a_server_over_stdio_or_in_this_process_has_tasks_too(
    tmp_path: Path, redis: Redis, redis_url: str, index: Index, address: str
) -> None:
    commands = {"jobs": {"command": [sys.executable, "-m", "tests.tools.jobs"], "folder": str(Path.cwd())}}
    apps = {"jobs": Jobs()}
    async with before(tmp_path, redis, redis_url, index, address, apps, commands=commands) as gate:
        said = await asked(gate, "server/discover", {})
        assert mcp.TASKS_EXTENSION in said["capabilities"]["extensions"]
        task = await asked(gate, "tools/call", {"name": "slow_compute", "arguments": {"seconds": 60}})
        assert task["resultType"] == "task"
        assert (await asked(gate, "tasks/get", {"taskId": task["taskId"]}))["status"] == "working"
        await asked(gate, "tasks/cancel", {"taskId": task["taskId"]})
        assert (await asked(gate, "tasks/get", {"taskId": task["taskId"]}))["status"] == "cancelled"


@pytest.mark.proves("GATE-217")
async def test_who_listens_is_told_how_their_tasks_stand_and_no_result(
    tmp_path: Path, redis: Redis, redis_url: str, index: Index
) -> None:
    jobs = Jobs()
    async with served(jobs) as address, before(tmp_path, redis, redis_url, index, f"{address}/mcp") as gate:
        task = (await asked(gate, "tools/call", {"name": "confirm_delete", "arguments": {}}))["taskId"]
        async with (
            Stream(gate, MAYA, stateless=True, tasks=[task, "another"]) as hers,
            Stream(gate, TOM, stateless=True, tasks=[task]) as his,
        ):
            agreed = hers.heard("notifications/subscriptions/acknowledged")[0]["params"]["notifications"]
            assert agreed["taskIds"] == [task]
            given = {"confirm": {"action": "accept", "content": {"confirm": "yes"}}}
            await asked(gate, "tasks/update", {"taskId": task, "inputResponses": given})
            told = (await hers.until("notifications/tasks"))["params"]
            assert (told["taskId"], told["status"]) == (task, "completed")
            assert "result" not in told
            assert not his.heard("notifications/tasks")
        assert {id for ids, _ in jobs.listening for id in ids} == set(jobs.tasks)
