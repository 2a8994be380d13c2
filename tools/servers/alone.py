"""A tool server of ours without a gateway in front: over stdio, for one person.

There is no default person and none that may see everything: who asks is whoever the API key belongs to,
looked up again as soon as the platform's word on it has run out. What the gateway would decide from the
manifest (permissions) is decided here; its limits, its screening and its audit are not here.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from kit.errors import SwitchboardError
from tools.servers.asking import States
from tools.servers.serving import Asker, ServedTool, ToolCall, failed, outcome, serve_stdio
from tools.servers.shapes import Manifest

Who = Callable[[], Awaitable[Asker]]
"""Raises Unauthenticated, Unavailable."""


class Alone:
    """What one person may use of a server."""

    def __init__(
        self, manifest: Manifest, tools: Sequence[ServedTool], who: Who, states: States | None = None
    ) -> None:
        self._states = states
        self._manifest = manifest
        self._tools = {tool.shape.name: tool for tool in tools}
        self._who = who

    async def listed(self) -> Sequence[Mapping[str, Any]]:
        asker = await self._who()
        return [tool.shape.definition() for name, tool in self._tools.items() if self._may(asker, name)]

    async def called(self, call: ToolCall) -> Mapping[str, Any] | None:
        """None: not there, or not for this person; the two look alike."""
        try:
            asker = await self._who()
        except SwitchboardError as error:
            return failed(error)
        tool = self._tools.get(call.name)
        if tool is None or not self._may(asker, call.name):
            return None
        return await outcome(tool, asker, call, self._states)

    def _may(self, asker: Asker, name: str) -> bool:
        permission = self._manifest.tools[name].get("permission")
        return permission is None or asker.principal.may(permission)


async def serve_alone(
    manifest: Manifest, tools: Sequence[ServedTool], who: Who, states: States | None = None
) -> None:
    """Until stdin ends. states: needed where one of the tools asks."""
    alone = Alone(manifest, tools, who, states)
    await serve_stdio(manifest, alone.listed, alone.called)
