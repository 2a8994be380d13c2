"""The tools that this caller may use, through the gateway."""

from collections.abc import AsyncIterator
from typing import Any

from kit.wire.tools import InvokeTool, Tool, ToolOutcome
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Transport, checked, write


class Tools:
    """All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> AsyncIterator[Tool]:
        return every(self._transport, Tool, "/api/v1/tools")

    async def invoke(self, name: str, arguments: dict[str, Any]) -> ToolOutcome:
        """The tool's own failure is an outcome with `is_error`; ApiError means that it was not called."""
        body = checked(InvokeTool, arguments=arguments)
        return await self._transport.read(ToolOutcome, write("POST", f"/api/v1/tools/{name}/invoke", body))
