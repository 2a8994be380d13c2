"""Raw MCP, for what a well-behaved client never sends."""

import ssl
from typing import Any

import httpx

from access.principal import Principal
from kit.wire import mcp
from tests.tools.world import Gate

# made once: to make one takes longer than most requests
UNCHECKED = ssl.create_default_context()
CLIENT = {"name": "tests", "version": "1"}


def stateless(gate: Gate, principal: Principal, method: str, name: str | None = None) -> dict[str, str]:
    return mcp.stateless_headers(method, name) | {"authorization": f"Bearer {gate.token(principal)}"}


async def post(
    gate: Gate, body: bytes | str | Any, headers: dict[str, str], path: str = "/mcp"
) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30, trust_env=False, verify=UNCHECKED) as client:
        return await client.post(gate.url + path, content=body, headers=headers)


async def call(
    gate: Gate,
    principal: Principal,
    name: str = "docs.search",
    arguments: Any = None,
    *,
    meta: dict[str, Any] | None = None,
    path: str = "/mcp",
    **headers: str,
) -> httpx.Response:
    """tools/call of 2026-07-28 as it stands on the wire."""
    given = {"query": "annual leave"} if arguments is None else arguments
    params = mcp.stateless_params({"name": name, "arguments": given}, CLIENT, meta=meta)
    sent = stateless(gate, principal, "tools/call", name) | headers
    return await post(gate, mcp.request("tools/call", params), sent, path)


def error_of(response: httpx.Response) -> dict[str, Any]:
    return response.json()["error"]


def tool_error_of(response: httpx.Response) -> dict[str, Any]:
    result = response.json()["result"]
    assert result["isError"] is True
    return result["_meta"][mcp.ERROR_META] | {"text": result["content"][0]["text"]}
