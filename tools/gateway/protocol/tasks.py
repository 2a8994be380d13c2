"""Tasks of 2026-07-28's extension (SEP-2663): a server that answers a call with a task is asked for it later.

The id that a client gets is ours: the server's own under a MAC over the caller and the tool, so that it finds
its server at any replica, for nobody else, and only while the tool is still the caller's.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from access.tokens import SigningKey
from kit.wire.mcp import INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_CAPABILITY, TASKS_EXTENSION
from tools.gateway.call import Reply
from tools.gateway.callers import Caller
from tools.gateway.catalogue import Catalogue, OfferedTool
from tools.gateway.states import foreign_question
from tools.gateway.upstreams.peers import Peers
from tools.gateway.upstreams.talk import Tell
from tools.gateway.wrappers.authorise import HeldBack, usable

STATUS = "notifications/tasks"
_MAC_BYTES = 16
_LONGEST = 2000
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class TaskRefused(Exception):
    """code, message, data: as JSON-RPC has them."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class Tasks:
    def __init__(self, key: SigningKey, peers: Peers) -> None:
        self._secret = hashlib.sha256(b"mcp-task" + key.private.private_bytes_raw()).digest()
        self._peers = peers

    def offered(self, caller: Caller, catalogue: Catalogue, server: str | None, held_back: HeldBack) -> bool:
        """Whether any server has the extension of whose tools the caller may use one."""
        tools = usable(caller.principal, catalogue, server, held_back)
        return any(self._peers.has(address, TASKS_EXTENSION) for address in {tool.address for tool in tools})

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
        if isinstance(told.get("taskId"), str):
            told["taskId"] = self._sealed(caller, tool, told["taskId"])
        return _encode(told)

    def telling(self, caller: Caller, tool: OfferedTool, tell: Tell) -> Tell:
        """What a server says of its tasks on the way goes under our id."""

        async def told(method: str, params: dict[str, Any]) -> None:
            if method.startswith(STATUS) and isinstance(params.get("taskId"), str):
                params = {**params, "taskId": self._sealed(caller, tool, params["taskId"])}
            await tell(method, params)

        return told

    def _sealed(self, caller: Caller, tool: OfferedTool, own: str) -> str:
        said = _encode([tool.id, own])
        return urlsafe_b64encode(self._mac(caller, said) + said).decode().rstrip("=")

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
    """Whether the client of this request takes tasks."""
    extensions = capabilities.get("extensions")
    return isinstance(extensions, dict) and TASKS_EXTENSION in extensions


def _unknown() -> TaskRefused:
    return TaskRefused(INVALID_PARAMS, "There is no such task for you.")


def unserved() -> TaskRefused:
    return TaskRefused(METHOD_NOT_FOUND, "Method not found")


def undeclared() -> TaskRefused:
    data: dict[str, Any] = {"requiredCapabilities": {"extensions": {TASKS_EXTENSION: {}}}}
    return TaskRefused(MISSING_CAPABILITY, "Declare the tasks extension to ask for tasks.", data)
