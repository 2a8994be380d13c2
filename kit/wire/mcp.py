"""MCP on the wire: what both ends of a hop agree on (SPEC 9).

Two eras. Stateless (2026-07-28): every request stands alone, names its revision in `_meta`, and its
`Mcp-Method` and `Mcp-Name` headers equal the body. Sessions (2025-11-25 and before): `initialize`
first, then `Mcp-Session-Id`. Payloads stay raw here: whoever needs one decodes it.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

STATELESS = "2026-07-28"
SESSION_REVISIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Newest first."""
REVISIONS = (STATELESS, *SESSION_REVISIONS)

REVISION_HEADER = "mcp-protocol-version"
METHOD_HEADER = "mcp-method"
NAME_HEADER = "mcp-name"
SESSION_HEADER = "mcp-session-id"

REVISION_META = "io.modelcontextprotocol/protocolVersion"
CLIENT_META = "io.modelcontextprotocol/clientInfo"
CAPABILITIES_META = "io.modelcontextprotocol/clientCapabilities"
SERVER_META = "io.modelcontextprotocol/serverInfo"
LOG_LEVEL_META = "io.modelcontextprotocol/logLevel"
SUBSCRIPTION_META = "io.modelcontextprotocol/subscriptionId"
"""On everything that a `subscriptions/listen` stream carries: the id of that request."""
PROGRESS_META = "progressToken"
ERROR_META = "switchboard/error"
"""Our own, in a tool result's `_meta`: {code, hint, retryable}."""

LAST_EVENT_HEADER = "last-event-id"
TASKS_EXTENSION = "io.modelcontextprotocol/tasks"
TASKS = frozenset({"tasks/get", "tasks/update", "tasks/cancel"})
"""Methods of that extension of 2026-07-28 (SEP-2663)."""
TASK_CALLS = "tasks"
"""The capability of a server of 2025-11-25 whose tools' calls may become tasks."""
SESSION_TASKS = frozenset({"tasks/get", "tasks/result", "tasks/cancel", "tasks/list"})
"""Methods of the tasks of 2025-11-25."""
RELATED_TASK_META = "io.modelcontextprotocol/related-task"
NAMED = {
    **{"tools/call": "name", "prompts/get": "name", "resources/read": "uri"},
    **dict.fromkeys(sorted(TASKS), "taskId"),
}
"""The methods whose `Mcp-Name` header equals a field of the params, and that field."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
UNSUPPORTED_REVISION = -32022
UNAUTHENTICATED = -32001
"""Ours, from the range that MCP leaves to implementations (-32000 to -32019); the HTTP status is 401."""
UNAVAILABLE = -32002
"""Ours; the HTTP status is 503."""
MISSING_CAPABILITY = -32021
URL_NEEDED = -32042
"""The person must open a page first; `data` says which (2025-11-25)."""
RESOURCE_NOT_FOUND = -32002
"""MCP's own in the session era, where nothing of ours travels with an HTTP status of 503 beside it."""

HTTP_STATUS: Mapping[int, int] = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_REVISION: 400,
    MISSING_CAPABILITY: 400,
    METHOD_NOT_FOUND: 404,
    UNAUTHENTICATED: 401,
    UNAVAILABLE: 503,
}
"""The HTTP status of an error in the stateless era; other codes travel with 200."""

RequestId = int | str
_PINNED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
_SENTINEL = ("=?base64?", "?=")


class RpcError(Struct, omit_defaults=True):
    code: int
    message: str
    data: Any = None


class Answer(Struct):
    """A JSON-RPC response whose result is kept as it came."""

    jsonrpc: str
    id: RequestId | None = None
    result: Raw | UnsetType = UNSET
    error: RpcError | UnsetType = UNSET


class ResultKind(Struct, rename="camel"):
    """What a hop must know of a tool's result without decoding the rest."""

    result_type: str = "complete"
    is_error: bool = False
    meta: Raw | UnsetType = field(default=UNSET, name="_meta")


_answers = msgspec.json.Decoder(Answer)
_kinds = msgspec.json.Decoder(ResultKind)
_encode = msgspec.json.Encoder().encode


def read_answer(body: bytes) -> Answer:
    """Raises msgspec.DecodeError (also for invalid UTF-8: UnicodeDecodeError) for anything else."""
    body.decode()  # raw results would otherwise let invalid UTF-8 through
    return _answers.decode(body)


def kind_of(result: Raw) -> ResultKind:
    return _kinds.decode(result)


def request(method: str, params: Mapping[str, Any], id: RequestId = 1) -> bytes:
    """The body of one request."""
    return _encode({"jsonrpc": "2.0", "id": id, "method": method, "params": params})


def stateless_params(
    params: Mapping[str, Any],
    client: Mapping[str, Any],
    *,
    capabilities: Mapping[str, Any] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`params` with the `_meta` that 2026-07-28 requires; `client` is {name, version}."""
    required = {
        REVISION_META: STATELESS,
        CLIENT_META: client,
        CAPABILITIES_META: capabilities or {},
    }
    return {**params, "_meta": {**(meta or {}), **required}}


def stateless_headers(method: str, name: str | None = None) -> dict[str, str]:
    """The headers that 2026-07-28 requires; `name` is the tool's for tools/call."""
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        REVISION_HEADER: STATELESS,
        METHOD_HEADER: method,
    }
    if name is not None:
        headers[NAME_HEADER] = encode_header(name)
    return headers


def encode_header(value: str) -> str:
    """A value that HTTP would not carry unchanged travels as `=?base64?…?=`."""
    plain = value.isascii() and value.isprintable() and value == value.strip()
    if plain and not value.startswith(_SENTINEL[0]):
        return value
    return b64encode(value.encode()).decode().join(_SENTINEL)


def decode_header(value: str) -> str | None:
    """The other way round; None for a malformed one, so that it equals no body by accident."""
    start, end = _SENTINEL
    if not (value.startswith(start) and value.endswith(end)):
        return value
    payload = value[len(start) : -len(end)]
    try:
        decoded = b64decode(payload, validate=True)
        return decoded.decode() if b64encode(decoded).decode() == payload else None
    except (Base64Error, UnicodeDecodeError):
        return None


def definition_hash(definition: Mapping[str, Any]) -> str:
    """sha256 over the canonical JSON of what a model sees of a tool; absent and null are the same."""
    pinned = {key: definition[key] for key in _PINNED if definition.get(key) is not None}
    canonical = json.dumps(pinned, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
