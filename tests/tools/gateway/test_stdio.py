"""Tool servers that are child processes of the gateway (SPEC 9)."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from redis.asyncio import Redis

from knowledge.index import Index
from tests.tools.bridged import DEFINITIONS, registered
from tests.tools.gateway.test_bridge import Person, text_of
from tests.tools.gateway.wire import call, tool_error_of
from tests.tools.world import MAYA, TOM, Gate, registry_of, running_gateway
from tools.gateway.settings import GatewaySettings

SERVER = """
import json, os, subprocess, sys
print("a line for the log", file=sys.stderr, flush=True)
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
calls = 0
def say(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + chr(10)); sys.stdout.flush()
def text(words):
    return {"content": [{"type": "text", "text": words}]}
waiting = None
for line in sys.stdin:
    message = json.loads(line)
    method, id, params = message.get("method"), message.get("id"), message.get("params", {})
    if method == "initialize":
        say(id=id, result={"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                           "serverInfo": {"name": "small", "version": "1"}})
    elif method == "tools/list":
        say(id=id, result={"tools": TOOLS})
    elif method == "tools/call":
        calls += 1
        name = params["name"]
        if name == "small.about":
            say(id=id, result=text(json.dumps({"pid": os.getpid(), "helper": helper.pid, "calls": calls,
                                               "environment": sorted(os.environ)})))
        elif name == "small.die":
            os._exit(3)
        elif name == "small.ask":
            waiting = id
            say(id="q", method="elicitation/create", params={"message": "Who?", "requestedSchema": {
                "type": "object", "properties": {"name": {"type": "string"}}}})
        elif name == "small.progress":
            token = params["_meta"]["progressToken"]
            for step in (1, 2):
                say(method="notifications/progress", params={"progressToken": token, "progress": step})
            say(id=id, result=text("done"))
    elif method is None and id == "q":
        say(id=waiting, result=text(message["result"]["content"]["name"]))
    elif id is not None:
        say(id=id, error={"code": -32601, "message": "Method not found"})
"""
DEFINED = [
    {"name": f"small.{name}", "description": name, "inputSchema": {"type": "object", "properties": {}}}
    for name in ("about", "die", "ask", "progress")
]


@asynccontextmanager
async def small(folder: Path, redis: Redis, index: Index, **command: Any) -> AsyncGenerator[Gate]:
    script = folder / "small.py"
    script.write_text(SERVER.replace("TOOLS", json.dumps(DEFINED)))
    commands: Any = {"small": {"command": [sys.executable, str(script)], **command}}
    settings = GatewaySettings(commands=commands, registry_poll_s=3600, definitions_check_s=3600)
    registry = registry_of([registered("small", "stdio:small", DEFINED, shares=[])])
    async with running_gateway(folder, redis, index, registry=registry, settings=settings) as gate:
        yield gate


async def about(gate: Gate, principal: Any = MAYA) -> dict[str, Any]:
    result = (await call(gate, principal, "small.about", {})).json()["result"]
    return json.loads(result["content"][0]["text"])


@pytest.mark.proves("GATE-112")
async def test_one_process_serves_all_calls_and_knows_little(
    tmp_path: Path, redis: Redis, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_SECRET", "s")
    monkeypatch.setenv("SMALL_HOME", "h")
    async with small(tmp_path, redis, index, environment=["SMALL_HOME"]) as gate:
        said = await asyncio.gather(*(about(gate, who) for who in (MAYA, TOM, MAYA)))

    assert len({one["pid"] for one in said}) == 1
    assert {one["calls"] for one in said} == {1, 2, 3}
    names = set(said[0]["environment"])
    assert "SMALL_HOME" in names
    assert "SWITCHBOARD_SECRET" not in names
    assert names <= {"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SMALL_HOME", "LC_CTYPE"}


@pytest.mark.proves("GATE-112")
async def test_it_is_gone_with_the_gateway_and_so_is_what_it_started(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    async with small(tmp_path, redis, index) as gate:
        said = await about(gate)
        assert psutil.pid_exists(said["helper"])

    # told to end at once, and gone when the kernel comes to it
    async with asyncio.timeout(20):
        while any(map(_lives, (said["pid"], said["helper"]))):
            await asyncio.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.proves("GATE-112")
async def test_each_person_has_their_own_where_it_keeps_state(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    async with small(tmp_path, redis, index, per_principal=True) as gate:
        mine, theirs, mine_again = await about(gate), await about(gate, TOM), await about(gate)

    assert mine["pid"] == mine_again["pid"] != theirs["pid"]


@pytest.mark.proves("GATE-112")
async def test_one_that_dies_is_started_again_and_not_at_once_every_time(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    async with small(tmp_path, redis, index) as gate:
        first = (await about(gate))["pid"]
        error = tool_error_of(await call(gate, MAYA, "small.die", {}))
        assert error["code"] == "upstream_failed"
        outcomes: list[Any] = []
        async with asyncio.timeout(30):
            while not outcomes or not isinstance(outcomes[-1], int):
                result = (await call(gate, MAYA, "small.about", {})).json()["result"]
                if result.get("isError"):
                    outcomes.append(result["_meta"]["switchboard/error"]["code"])
                    await asyncio.sleep(0.1)
                else:
                    outcomes.append(json.loads(result["content"][0]["text"])["pid"])

    assert outcomes[-1] != first
    assert set(outcomes[:-1]) <= {"unavailable", "server_unavailable"}


async def test_progress_and_questions_come_over_the_pipe(tmp_path: Path, redis: Redis, index: Index) -> None:
    seen: list[float] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append(done)

    async with small(tmp_path, redis, index) as gate:
        for mode in ("legacy", "2026-07-28"):
            person = Person()
            async with gate.client(MAYA, mode, elicitation_callback=person.elicit) as client:
                await client.call_tool("small.progress", {}, progress_callback=progress)
                assert text_of(await client.call_tool("small.ask", {})) == "my name"

    assert seen == [1, 2, 1, 2]


@pytest.mark.full
async def test_the_sdks_own_server_is_spoken_to_over_stdio(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    commands: Any = {
        "everything": {
            "command": [sys.executable, "-m", "tests.tools.everything"],
            "folder": os.getcwd(),
            "environment": ["HOME"],
        }
    }
    settings = GatewaySettings(commands=commands, registry_poll_s=3600, definitions_check_s=3600)
    server = registered("everything", "stdio:everything", DEFINITIONS)
    async with running_gateway(
        tmp_path, redis, index, registry=registry_of([server]), settings=settings
    ) as gate:
        async with gate.client(MAYA, "2026-07-28") as client:
            result = await client.call_tool("test_structured", {"parts": [1, 2]})
            read = await client.read_resource("test://static-text")

    assert result.structured_content == {"total": 3, "parts": [1, 2]}
    assert "static text" in read.contents[0].text


async def test_what_the_settings_do_not_name_is_not_run(tmp_path: Path, redis: Redis, index: Index) -> None:
    registry = registry_of([registered("small", "stdio:other", DEFINED, shares=[])])
    async with running_gateway(tmp_path, redis, index, registry=registry) as gate:
        error = tool_error_of(await call(gate, MAYA, "small.about", {}))

    assert error["code"] == "unavailable"


@pytest.mark.full
async def test_the_longest_idle_gives_its_place_to_another_person(
    tmp_path: Path, redis: Redis, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the gateway's own look at the tools has a process, too
    monkeypatch.setattr("tools.gateway.upstreams.processes._PRINCIPALS", 2)
    async with small(tmp_path, redis, index, per_principal=True) as gate:
        mine, theirs = await about(gate), await about(gate, TOM)
        mine_again = await about(gate)

    assert mine["pid"] == mine_again["pid"] != theirs["pid"]


@pytest.mark.proves("GOV-202")
async def test_each_organisation_that_registers_a_command_has_a_process_of_its_own(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    elsewhere = replace(TOM, organisation_id=uuid4())
    async with small(tmp_path, redis, index) as gate:
        [everyones] = gate.platform.current.servers
        theirs = [
            everyones.model_copy(update={"organisation_id": each, "audience": f"server:{each}"})
            for each in (MAYA.organisation_id, elsewhere.organisation_id)
        ]
        gate.platform.current = registry_of(theirs)
        await gate.gateway.holder.refresh()
        said = [await about(gate, who) for who in (MAYA, elsewhere, MAYA)]

    assert said[0]["pid"] == said[2]["pid"] != said[1]["pid"]
