"""The JSON-RPC envelope: any bytes become a message, or an error that says what is wrong.

The whole message is decoded once; what goes on to a server is encoded anew from what was checked.
Two readers of one text must not disagree, so duplicate keys and numbers out of range are refused.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from kit.wire.mcp import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, RequestId

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_ID_LIMIT = 256


class Malformed(Exception):
    """Not a message that we can answer otherwise."""

    def __init__(self, code: int, message: str, id: RequestId | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id


@dataclass(slots=True)
class Message:
    """`id` None: a notification. `method` "": a response, to something that we asked or did not."""

    method: str
    id: RequestId | None
    params: dict[str, Any]
    result: Any = None
    error: Any = None


def parse(body: bytes, depth_limit: int) -> Message:
    """Raises Malformed, and nothing else, for any bytes."""
    decoded = _decoded(body, depth_limit)
    if isinstance(decoded, list):
        raise Malformed(INVALID_REQUEST, "Batches are not supported: send one message per request.")
    if not isinstance(decoded, dict):
        raise Malformed(INVALID_REQUEST, "The body must be one JSON-RPC message object.")
    message = cast(dict[str, Any], decoded)
    id = _id(message)
    if message.get("jsonrpc") != "2.0":
        raise Malformed(INVALID_REQUEST, "'jsonrpc' must be \"2.0\".", id)
    if "method" not in message and ("result" in message or "error" in message):
        return Message("", id, {}, message.get("result"), message.get("error"))
    method, params = message.get("method"), message.get("params", {})
    if not isinstance(method, str) or not method:
        raise Malformed(INVALID_REQUEST, "'method' must be a string.", id)
    if not isinstance(params, dict):
        raise Malformed(INVALID_PARAMS, "'params' must be an object.", id)
    return Message(method, id, cast(dict[str, Any], params))


def _id(message: dict[str, Any]) -> RequestId | None:
    if "id" not in message:
        return None
    id = message["id"]
    # MCP allows neither null nor fractions; bool is an int to Python
    if isinstance(id, bool) or not isinstance(id, int | str):
        raise Malformed(INVALID_REQUEST, "'id' must be a string or an integer.")
    if isinstance(id, str) and len(id) > _ID_LIMIT:
        raise Malformed(INVALID_REQUEST, f"'id' may have {_ID_LIMIT} characters.")
    return id


def _decoded(body: bytes, depth_limit: int) -> Any:
    try:
        decoded = _decode(body)
        # a text that we would write the same way has no duplicate keys: no need to look for them
        if _encode(decoded) != body:
            json.loads(body, object_pairs_hook=_unique)
    except _Duplicate as error:
        raise Malformed(PARSE_ERROR, "A key appears twice in one object.") from error
    except OverflowError as error:
        raise Malformed(PARSE_ERROR, "A number is out of range.") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed(PARSE_ERROR, "The body is not valid JSON in UTF-8.") from error
    # there cannot be more levels than opening brackets
    if body.count(b"{") + body.count(b"[") > depth_limit and _depth_exceeds(decoded, depth_limit):
        raise Malformed(PARSE_ERROR, f"The body is nested deeper than {depth_limit} levels.")
    return decoded


class _Duplicate(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Duplicate
    return made


def _depth_exceeds(value: Any, limit: int) -> bool:
    level: Sequence[Any] = [value]
    for _ in range(limit + 1):
        if not level:
            return False
        level = [inner for outer in level for inner in _inside(outer)]
    return True


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        inner = list(cast(dict[str, Any], value).values())
    elif isinstance(value, list):
        inner = cast(list[Any], value)
    else:
        return []
    return [item for item in inner if isinstance(item, dict | list)]
