"""For admins: tool servers, the definitions that they list, and the policies of their tools."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from kit.wire.governance import (
    AdminTool,
    Approved,
    ApproveDefinition,
    ApproveServer,
    McpServer,
    Quarantine,
    RegisterServer,
    ServerDefinitions,
    ServerEvent,
    ServerUsage,
    TestedServer,
    ToolDefinition,
    UpdateServer,
    UpdateTool,
)
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Call, Transport, checked, write

SERVERS = "/api/v1/mcp-servers"
TOOLS = "/api/v1/admin/tools"
_LOOK_S = 30.0
"""The platform asks the gateway, which asks the server."""


class McpServers:
    """Needs manage_mcp_servers; approving needs manage_tools, too. All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> AsyncIterator[McpServer]:
        """The organisation's own and those of the release, newest first."""
        return every(self._transport, McpServer, SERVERS)

    async def get(self, server_id: UUID) -> McpServer:
        return await self._transport.read(McpServer, Call("GET", f"{SERVERS}/{server_id}"))

    async def find(self, name: str) -> McpServer | None:
        """The organisation's own comes before one of the release."""
        found = [server async for server in self.all() if server.name == name]
        return min(found, key=lambda server: server.ours, default=None)

    async def register(self, *, key: str = "", **fields: Any) -> McpServer:
        """`fields` are those of RegisterServer; `key` makes a repetition harmless."""
        body = checked(RegisterServer, **fields)
        return await self._transport.read(McpServer, write("POST", SERVERS, body, key=key))

    async def update(self, server: McpServer, **fields: Any) -> McpServer:
        """`fields` are those of UpdateServer. Refused where somebody changed it since it was read."""
        body = checked(UpdateServer, version=server.version, **fields)
        return await self._transport.read(
            McpServer, write("PATCH", f"{SERVERS}/{server.id}", body, nulls=True)
        )

    async def delete(self, server_id: UUID) -> None:
        await self._transport.send(write("DELETE", f"{SERVERS}/{server_id}"))

    async def test(self, server_id: UUID) -> TestedServer:
        """Through the gateway, now."""
        call = write("POST", f"{SERVERS}/{server_id}/test", answer_s=_LOOK_S)
        return await self._transport.read(TestedServer, call)

    async def definitions(self, server_id: UUID) -> ServerDefinitions:
        """What it lists now beside what is approved."""
        call = Call("GET", f"{SERVERS}/{server_id}/definitions", answer_s=_LOOK_S)
        return await self._transport.read(ServerDefinitions, call)

    async def approve(
        self,
        server_id: UUID,
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        policy: Mapping[str, Any] | None = None,
        accept_findings: str | None = None,
        trust_annotations: bool = False,
    ) -> Approved:
        """All that are pending, or `tools`: {name, definition_hash?, policy?} each. All of them or none."""
        body = checked(
            ApproveServer,
            tools=tools,
            policy=policy or {},
            accept_findings=accept_findings,
            trust_annotations=trust_annotations,
        )
        return await self._transport.read(Approved, write("POST", f"{SERVERS}/{server_id}/approve", body))

    async def quarantine(self, server_id: UUID, reason: str) -> McpServer:
        """All of its tools."""
        body = checked(Quarantine, reason=reason)
        return await self._transport.read(McpServer, write("POST", f"{SERVERS}/{server_id}/quarantine", body))

    async def release(self, server_id: UUID) -> McpServer:
        return await self._transport.read(McpServer, write("POST", f"{SERVERS}/{server_id}/release"))

    def logs(self, server_id: UUID) -> AsyncIterator[ServerEvent]:
        """What was refused, what failed, drift, and what admins did; newest first."""
        return every(self._transport, ServerEvent, f"{SERVERS}/{server_id}/logs")

    async def usage(self, server_id: UUID, hours: int = 24) -> ServerUsage:
        call = Call("GET", f"{SERVERS}/{server_id}/usage", params={"hours": str(hours)})
        return await self._transport.read(ServerUsage, call)


class AdminTools:
    """Needs manage_tools. All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self, *, state: str | None = None, server: str | None = None) -> AsyncIterator[AdminTool]:
        """By server and name."""
        asked = {"state": state or "", "server": server or ""}
        return every(
            self._transport, AdminTool, TOOLS, {name: value for name, value in asked.items() if value}
        )

    async def find(self, name: str) -> AdminTool | None:
        """By its name on /mcp, else by its server's own."""
        found = [tool async for tool in self.all() if name in {tool.called, tool.name}]
        return min(found, key=lambda tool: tool.called != name, default=None)

    async def get(self, tool_id: UUID) -> AdminTool:
        return await self._transport.read(AdminTool, Call("GET", f"{TOOLS}/{tool_id}"))

    async def update(self, tool: AdminTool, **policy: Any) -> AdminTool:
        """`policy`: fields of PolicyChange; None takes an own setting back. Refused where somebody changed
        it since it was read."""
        body = checked(UpdateTool, version=tool.version, **policy)
        return await self._transport.read(AdminTool, write("PATCH", f"{TOOLS}/{tool.id}", body, nulls=True))

    async def definition(self, tool_id: UUID) -> ToolDefinition:
        """Approved beside seen, and the difference."""
        return await self._transport.read(ToolDefinition, Call("GET", f"{TOOLS}/{tool_id}/definition"))

    async def approve(
        self,
        tool_id: UUID,
        *,
        definition_hash: str,
        policy: Mapping[str, Any] | None = None,
        accept_findings: str | None = None,
        trust_annotations: bool = False,
    ) -> AdminTool:
        """The definition with this hash, which somebody has read."""
        body = checked(
            ApproveDefinition,
            definition_hash=definition_hash,
            policy=policy or {},
            accept_findings=accept_findings,
            trust_annotations=trust_annotations,
        )
        return await self._transport.read(AdminTool, write("POST", f"{TOOLS}/{tool_id}/approve", body))

    async def reject(self, tool_id: UUID) -> AdminTool:
        return await self._transport.read(AdminTool, write("POST", f"{TOOLS}/{tool_id}/reject"))

    async def quarantine(self, tool_id: UUID, reason: str) -> AdminTool:
        body = checked(Quarantine, reason=reason)
        return await self._transport.read(AdminTool, write("POST", f"{TOOLS}/{tool_id}/quarantine", body))

    async def release(self, tool_id: UUID) -> AdminTool:
        return await self._transport.read(AdminTool, write("POST", f"{TOOLS}/{tool_id}/release"))
