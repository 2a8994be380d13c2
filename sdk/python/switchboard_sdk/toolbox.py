"""The tools that this caller may use, through the gateway."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from kit.wire.interactions import Interaction, ToolAsks
from kit.wire.tools import InvokeTool, Tool, ToolOutcome
from switchboard_sdk.errors import unreadable
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Transport, checked, write

ASKS = 202
LONGEST_S = 150.0
"""A tool may take as long as its definition allows; the platform answers after 120 s at the latest."""


class Tools:
    """All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> AsyncIterator[Tool]:
        return every(self._transport, Tool, "/api/v1/tools")

    async def invoke(
        self, name: str, arguments: dict[str, Any], *, key: str = ""
    ) -> ToolOutcome | Interaction:
        """The tool's own failure is an outcome with `is_error`; ApiError means that it was not called, or
        that nobody knows. An Interaction: the tool asks first; respond to it, then `interactions.wait` brings
        the `result`. `key` makes a repetition harmless."""
        body = checked(InvokeTool, arguments=arguments)
        call = write(
            "POST", f"/api/v1/tools/{quote(name, safe='')}/invoke", body, key=key, answer_s=LONGEST_S
        )
        response = await self._transport.send(call)
        try:
            if response.status_code == ASKS:
                return ToolAsks.model_validate_json(response.content).interaction
            return ToolOutcome.model_validate_json(response.content)
        except ValidationError as error:
            raise unreadable(self._transport.base_url, "an answer", call.request_id) from error
