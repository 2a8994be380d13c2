"""What we say in MCP: results as JSON, and errors as each era expects them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from kit.errors import SwitchboardError, Unauthenticated
from kit.wire.mcp import (
    ERROR_META,
    INVALID_PARAMS,
    REVISIONS,
    SERVER_META,
    TASKS_EXTENSION,
    UNAUTHENTICATED,
    UNAVAILABLE,
    RpcError,
)
from tools.gateway.approvals_refusals import ApprovalPending
from tools.gateway.call import UnknownTool
from tools.gateway.callers import CannotTellWho

SERVER = {"name": "switchboard", "title": "Switchboard", "version": "1"}
INSTRUCTIONS = "Tools of your organisation; the list holds exactly those that you may use."
LIST_TTL_MS = 30_000
_encode = msgspec.json.Encoder().encode

EMPTY = b"{}"


def capabilities(shared: frozenset[str]) -> dict[str, Any]:
    """What this caller is offered. `shared`: prompts, resources."""
    offered: dict[str, Any] = {"tools": {"listChanged": True}, "logging": {}}
    if "prompts" in shared:
        offered["prompts"] = {"listChanged": True}
    if "resources" in shared:
        offered["resources"] = {"listChanged": True, "subscribe": True}
    if shared:
        offered["completions"] = {}
    return offered


def discovered(shared: frozenset[str], *, tasks: bool = False) -> bytes:
    extensions = {"extensions": {TASKS_EXTENSION: dict[str, Any]()}} if tasks else {}
    return _encode(
        {
            "resultType": "complete",
            "supportedVersions": REVISIONS,
            "capabilities": capabilities(shared) | extensions,
            "instructions": INSTRUCTIONS,
            "ttlMs": LIST_TTL_MS,
            "cacheScope": "private",
            "_meta": {SERVER_META: SERVER},
        }
    )


def initialised(revision: str, shared: frozenset[str] = frozenset(), *, tasks: bool = False) -> bytes:
    offered: dict[str, Any] = (
        {"tasks": {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}} if tasks else {}
    )
    return _encode(
        {
            "protocolVersion": revision,
            "capabilities": capabilities(shared) | offered,
            "serverInfo": SERVER,
            "instructions": INSTRUCTIONS,
        }
    )


def listed(tools: Iterable[bytes], *, stateless: bool) -> bytes:
    """Private: the list is this caller's own."""
    inner = b",".join(tools)
    if not stateless:
        return b'{"tools":[%b]}' % inner
    return b'{"tools":[%b],"resultType":"complete","ttlMs":%d,"cacheScope":"private"}' % (inner, LIST_TTL_MS)


def shared(field: str, items: Sequence[Any], ttl_ms: int, *, stateless: bool) -> bytes:
    """A list of prompts, resources or templates; private as the tools are."""
    told: dict[str, Any] = {field: items}
    if stateless:
        told |= {"resultType": "complete", "ttlMs": min(ttl_ms, LIST_TTL_MS), "cacheScope": "private"}
    return _encode(told)


def listened(meta: Mapping[str, Any]) -> bytes:
    return _encode({"resultType": "complete", "_meta": meta})


def tool_error(error: SwitchboardError) -> bytes:
    """A result that a model can read and act on; clients read code and hint from `_meta`."""
    told: dict[str, Any] = {"code": error.code, "hint": error.hint, "retryable": error.retryable}
    if error.retry_after is not None:
        told["retryAfter"] = error.retry_after
    if isinstance(error, ApprovalPending):
        told["interaction"] = {"id": error.id, "url": error.url}
    return _encode(
        {
            "content": [{"type": "text", "text": f"{error.detail} {error.hint}"}],
            "isError": True,
            "resultType": "complete",
            "_meta": {ERROR_META: told},
        }
    )


def rpc_error(error: SwitchboardError) -> RpcError | None:
    """For what is not the tool's to say; None: it is a tool error."""
    data = {"code": error.code, "hint": error.hint}
    if isinstance(error, Unauthenticated):
        return RpcError(UNAUTHENTICATED, error.detail, data)
    if isinstance(error, CannotTellWho):
        return RpcError(UNAVAILABLE, error.detail, data)
    if isinstance(error, UnknownTool):
        return RpcError(INVALID_PARAMS, error.detail, data)
    return None
