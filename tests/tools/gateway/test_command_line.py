"""`switchboard mcp`: the gateway from the terminal."""

import asyncio
import json
import sys

import pytest

from tests.tools.world import MAYA, Gate


async def mcp(gate: Gate, *words: str, token: str = "") -> tuple[int, str, str]:
    """Exit code, stdout, stderr of the command as a person types it."""
    access = ("--url", gate.url, "--token", token or gate.token(MAYA))
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "launch",
        "mcp",
        *words,
        *access,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(child.communicate(), 50)
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()


async def test_list_shows_what_one_may_use(gate: Gate) -> None:
    code, whole, problem = await mcp(gate, "list", "--json", "--server", "docs")

    assert code == 0, problem
    assert "verify.quote" in [tool["name"] for tool in json.loads(whole)["tools"]]


@pytest.mark.full
async def test_list_is_for_people_too(gate: Gate) -> None:
    code, shown, problem = await mcp(gate, "list")

    assert code == 0, problem
    assert "verify.quote" in shown


@pytest.mark.full
async def test_call_shows_the_structured_answer(gate: Gate) -> None:
    asked = {"sentences": ["Staff take leave."], "chunks": ["00000000-0000-0000-0000-000000000000"]}
    pairs = [f"{name}={json.dumps(value)}" for name, value in asked.items()]
    (code, found, problem), (_, same, _) = await asyncio.gather(
        mcp(gate, "call", "verify.quote", *pairs), mcp(gate, "call", "verify.quote", json.dumps(asked))
    )

    assert code == 0, problem
    assert json.loads(found)["verified"] == [False]
    assert found == same


@pytest.mark.full
async def test_errors_say_the_next_step(gate: Gate) -> None:
    wrong, unknown, stranger, bad = await asyncio.gather(
        mcp(gate, "call", "verify.quote", "nothing=1"),
        mcp(gate, "call", "docs.none"),
        mcp(gate, "list", token="sb_wrong"),
        mcp(gate, "call", "verify.quote", "query"),
    )

    assert [code for code, _, _ in (wrong, unknown, stranger, bad)] == [1, 1, 1, 1]
    assert "'sentences' is required" in wrong[2]
    assert "tools/list" in unknown[2]
    assert "not valid" in stranger[2]
    assert "name=value" in bad[2]


@pytest.mark.full
async def test_inspect_shows_the_endpoint_or_one_tool(gate: Gate) -> None:
    (_, endpoint, _), (_, tool, _) = await asyncio.gather(
        mcp(gate, "inspect"), mcp(gate, "inspect", "verify.quote")
    )

    assert "2026-07-28" in json.loads(endpoint)["supportedVersions"]
    assert json.loads(endpoint)["endpoint"] == f"{gate.url}/mcp"
    assert "sentences" in json.loads(tool)["inputSchema"]["properties"]
