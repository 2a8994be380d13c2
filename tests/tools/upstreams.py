"""Tool servers that a test bends: they note what they receive and answer what they are told to."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from kit.wire.mcp import definition_hash
from kit.wire.tools import RegisteredServer, RegisteredTool


def definition(name: str, **changed: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": name.title(),
        "description": f"What {name} does.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "text": {"type": "string", "maxLength": 20},
                "count": {"type": "integer", "minimum": 1},
                "at": {"type": "string", "format": "date-time"},
                "address": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}},
                    "additionalProperties": False,
                },
            },
            "required": ["text"],
            "additionalProperties": False,
        },
    } | changed


def tool(name: str = "echo.say", **policy: Any) -> RegisteredTool:
    defined = definition(name)
    defaults: dict[str, Any] = {
        "approved_by": "test",
        "category": "test",
        "risk": "read",
        "cost_tier": "free",
        "privacy_compatible": True,
    }
    return RegisteredTool(
        name=name,
        definition=defined,
        definition_hash=definition_hash(defined),
        **(defaults | policy),
    )


def server(*tools: RegisteredTool, name: str = "echo", address: str = "inproc:echo") -> RegisteredServer:
    return RegisteredServer(name=name, address=address, audience=f"server:{name}", tools=list(tools))


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    message: dict[str, Any]


def spoken(params: dict[str, Any]) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": params["arguments"]["text"]}], "resultType": "complete"}


async def lifespan(receive: Receive, send: Send) -> None:
    """Of an ASGI app that has nothing to start and nothing to stop."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


@dataclass
class Echo:
    """An ASGI tool server of 2026-07-28, by hand."""

    lists: list[dict[str, Any]] = field(default_factory=lambda: [definition("echo.say")])
    answers: Callable[[dict[str, Any]], dict[str, Any]] = spoken
    raw: bytes | None = None
    content_type: bytes = b"application/json"
    hangs: bool = False
    received: list[Received] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def calls(self) -> list[Received]:
        return [received for received in self.received if received.message["method"] == "tools/call"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        message = json.loads((await receive())["body"])
        self.received.append(
            Received({name.decode(): value.decode() for name, value in scope["headers"]}, message)
        )
        await self._send(send, await self._body(message))

    async def _body(self, message: dict[str, Any]) -> bytes:
        if message["method"] == "tools/list":
            result: dict[str, Any] = {"tools": self.lists, "resultType": "complete"}
        elif message["method"] == "server/discover":
            result = {"supportedVersions": ["2026-07-28"], "capabilities": {}, "resultType": "complete"}
        else:
            self.called.set()
            if self.hangs:
                await self._hang()
            if self.raw is not None:
                return self.raw
            result = self.answers(message["params"])
        return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()

    async def _hang(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def _send(self, send: Send, body: bytes) -> None:
        kind = self.content_type if self.raw is not None else b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})
