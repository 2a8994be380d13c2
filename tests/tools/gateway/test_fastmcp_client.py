"""FastMCP's client, which nobody here wrote (scripts/install_node_tools.sh puts it beside the others)."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from knowledge.index import Index
from tests.tools.bridged import behind_the_gateway
from tests.tools.conformance import TOOLS
from tests.tools.everything import Era, Told
from tests.tools.world import MAYA

FOLDER = TOOLS / "fastmcp"
pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not (FOLDER / "fastmcp").exists(), reason="run scripts/install_node_tools.sh"),
]
SCRIPT = """
import asyncio, json, sys
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport

async def main(url, token):
    seen, started = [], asyncio.Event()

    async def progress(done, total, message):
        seen.append(done)

    async def begun(done, total, message):
        started.set()

    transport = StreamableHttpTransport(url, headers={"Authorization": f"Bearer {token}"})
    async with Client(transport) as client:
        tools = len(await client.list_tools())
        await client.call_tool("test_tool_with_progress", {}, progress_handler=progress)
        slow = asyncio.create_task(client.call_tool("test_slow", {}, progress_handler=begun))
        await asyncio.wait_for(started.wait(), 20)
        slow.cancel()
        [ended] = await asyncio.gather(slow, return_exceptions=True)
        text = (await client.call_tool("test_simple_text", {})).content[0].text
    print(json.dumps([tools, seen, type(ended).__name__, text]))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("era", ["new", "old"])
@pytest.mark.proves("GATE-115")
async def test_it_lists_calls_cancels_and_hears_progress(
    tmp_path: Path, redis: Redis, index: Index, era: Era
) -> None:
    told = Told()
    async with behind_the_gateway(tmp_path, redis, index, era, told) as (gate, _):
        said = await _run(f"{gate.url}/mcp", gate.token(MAYA))
        await asyncio.wait_for(told.cancelled.wait(), 20)

    assert said == [34, [0, 50, 100], "CancelledError", "This is a simple text response for testing."]


async def _run(*arguments: str) -> Any:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        *arguments,
        env={**os.environ, "PYTHONPATH": str(FOLDER)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(child.communicate(), 90)
    assert child.returncode == 0, err.decode() + out.decode()
    return json.loads(out.decode().splitlines()[-1])
