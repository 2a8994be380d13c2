"""Tasks: a server that answers a call with a task is asked for it later. Both kinds that MCP has: those of
2025-11-25, which a client asks for, and the extension of 2026-07-28 (SEP-2663), where the server decides.

The id that a client gets is ours: the server's own under a MAC over the caller and the tool, so that it finds
its server at any replica, for nobody else, and only while the tool is still the caller's.
"""

import hashlib
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec
import structlog

from access.tokens import SigningKey
from kit.wire.mcp import (
    INVALID_PARAMS,
    MISSING_CAPABILITY,
    RELATED_TASK_META,
    TASKS_EXTENSION,
)
from ports.redis import Redis, RedisError
from tools.gateway.call import Reply
from tools.gateway.callers import Caller
from tools.gateway.catalogue import Catalogue, OfferedTool
from tools.gateway.states import foreign_question
from tools.gateway.upstreams.peers import Peers
from tools.gateway.upstreams.talk import Tell
from tools.gateway.wrappers.authorise import HeldBack, usable

STATUS = "notifications/tasks"
TAKES_TASKS: Mapping[str, Any] = {"extensions": {TASKS_EXTENSION: {}}}
"""What a client says that takes tasks of 2026-07-28."""
_MAC_BYTES = 16
_LONGEST = 2000
_BEGUN = "mcp-tasks:"
_MOST_BEGUN = 1000
_KEPT_S = 24 * 3600.0
_LONGEST_KEPT_S = 7 * _KEPT_S
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger()


class TaskRefused(Exception):
    """code, message, data: as JSON-RPC has them."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class Tasks:
    """redis: where the ids of a person's tasks of 2025-11-25 are kept, for `tasks/list` alone."""

    def __init__(self, key: SigningKey, peers: Peers, redis: Redis) -> None:
        self._secret = hashlib.sha256(b"mcp-task" + key.private.private_bytes_raw()).digest()
        self._peers = peers
        self._redis = redis

    def offered(
        self,
        caller: Caller,
        catalogue: Catalogue,
        server: str | None,
        held_back: HeldBack,
        kind: str = TASKS_EXTENSION,
    ) -> bool:
        """Whether any server has tasks of this kind of whose tools the caller may use one."""
        tools = usable(caller.principal, catalogue, server, held_back)
        return any(self._peers.has(address, kind) for address in {tool.address for tool in tools})

    def asked(
        self, caller: Caller, catalogue: Catalogue, server: str | None, params: Mapping[str, Any]
    ) -> tuple[OfferedTool, str]:
        """Which tool the task is of, and the server's own id for it. Raises TaskRefused: an id of somebody
        else and one that never was look alike."""
        tool_id, own = self._opened(caller, params.get("taskId"))
        for tool in catalogue.tools.values():
            if tool.id == tool_id and server in (None, tool.server):
                return tool, own
        raise _unknown()

    def shown(self, caller: Caller, tool: OfferedTool, reply: Reply) -> bytes:
        """The server's answer with our id, and no mark in it passes for one of ours."""
        told = foreign_question(reply.result, tool)
        for holder in (told, told.get("task"), _related(told)):
            self._rename(caller, tool, holder)
        return _encode(told)

    def asking(self, caller: Caller, tool: OfferedTool, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a task asks its person on the way, which says of what task it is."""
        for question in wanted.values():
            params = cast(dict[str, Any], question).get("params") if isinstance(question, dict) else None
            self._rename(caller, tool, _related(params))
        return wanted

    def telling(self, caller: Caller, tool: OfferedTool, tell: Tell) -> Tell:
        """What a server says of its tasks on the way goes under our id."""

        async def told(method: str, params: dict[str, Any]) -> None:
            about = params if method.startswith(STATUS) else _related(params)
            self._rename(caller, tool, about)
            await tell(method, params)

        return told

    async def begun(self, caller: Caller, tool: OfferedTool, reply: Reply) -> None:
        """A task of 2025-11-25 is on the person's list from now on. Without Redis it is not; its id holds."""
        task: dict[str, Any] = msgspec.json.decode(reply.result)["task"]
        ttl, key = task.get("ttl"), _key(caller)
        kept_s = min(ttl / 1000, _LONGEST_KEPT_S) if isinstance(ttl, int | float) and ttl > 0 else _KEPT_S
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.zadd(key, {_encode([tool.id, task["taskId"]]): time.time() + kept_s})
                pipe.zremrangebyscore(key, 0, time.time())
                pipe.zremrangebyrank(key, 0, -_MOST_BEGUN - 1)
                pipe.expire(key, int(_LONGEST_KEPT_S))
                await pipe.execute()
        except RedisError as error:
            _log.warning("gateway.task_not_listed", error=type(error).__name__)

    async def known(self, caller: Caller, tools: Iterable[OfferedTool]) -> dict[str, dict[str, OfferedTool]]:
        """The person's tasks of 2025-11-25 that are of these tools: by the server's address, its own id for
        each, and the tool. Raises RedisError."""
        by_id = {tool.id: tool for tool in tools}
        found: list[bytes] = await cast(Any, self._redis).zrangebyscore(_key(caller), time.time(), "+inf")
        known: dict[str, dict[str, OfferedTool]] = {}
        for member in found:
            tool_id, own = cast(list[str], msgspec.json.decode(member))
            if (tool := by_id.get(tool_id)) is not None:
                known.setdefault(tool.address, {})[own] = tool
        return known

    def sealed(self, caller: Caller, tool: OfferedTool, own: str) -> str:
        said = _encode([tool.id, own])
        return urlsafe_b64encode(self._mac(caller, said) + said).decode().rstrip("=")

    def _rename(self, caller: Caller, tool: OfferedTool, holder: Any) -> None:
        if isinstance(holder, dict):
            held = cast(dict[str, Any], holder)
            if isinstance(held.get("taskId"), str):
                held["taskId"] = self.sealed(caller, tool, held["taskId"])

    def _opened(self, caller: Caller, given: Any) -> tuple[str, str]:
        if not isinstance(given, str) or len(given) > _LONGEST:
            raise _unknown()
        try:
            raw = urlsafe_b64decode(given.encode("ascii") + b"=" * (-len(given) % 4))
        except (Base64Error, UnicodeEncodeError) as error:
            raise _unknown() from error
        mac, said = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(caller, said)):
            raise _unknown()
        tool_id, own = cast(list[str], msgspec.json.decode(said))
        return tool_id, own

    def _mac(self, caller: Caller, said: bytes) -> bytes:
        owner = f"{caller.organisation_id}/{caller.actor}/".encode()
        return hmac.digest(self._secret, owner + said, "sha256")[:_MAC_BYTES]


def declared(capabilities: Mapping[str, Any]) -> bool:
    """Whether the client of this request takes tasks of 2026-07-28."""
    extensions = capabilities.get("extensions")
    return isinstance(extensions, dict) and TASKS_EXTENSION in extensions


def wanted(params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a call of 2025-11-25 says where it is to become a task."""
    task = params.get("task")
    return cast(Mapping[str, Any], task) if isinstance(task, dict) else None


def undeclared() -> TaskRefused:
    data = {"requiredCapabilities": TAKES_TASKS}
    return TaskRefused(MISSING_CAPABILITY, "Declare the tasks extension to ask for tasks.", data)


def _unknown() -> TaskRefused:
    return TaskRefused(INVALID_PARAMS, "There is no such task for you.")


def _related(told: Any) -> Any:
    """Where a message says to which task it belongs (2025-11-25)."""
    meta = cast(dict[str, Any], told).get("_meta") if isinstance(told, dict) else None
    return cast(dict[str, Any], meta).get(RELATED_TASK_META) if isinstance(meta, dict) else None


def _key(caller: Caller) -> str:
    return f"{_BEGUN}{caller.organisation_id}/{caller.actor}"
