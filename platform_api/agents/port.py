"""What a turn needs of an agent runtime, in our own words."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import UUID

from access.principal import Principal
from kit.wire.chat import Usage
from kit.wire.search import SearchFilters, SearchResult
from kit.wire.tools import Tool, ToolOutcome


@dataclass(frozen=True, slots=True)
class Said:
    """One earlier message of the session."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What the person narrowed the search to; it wins over whatever the model asks for."""

    service_scope: str | None = None
    filters: SearchFilters | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the agent is to answer. `history` is oldest first and without `message`."""

    message: str
    history: Sequence[Said] = ()
    scope: Scope = field(default_factory=Scope)
    turn_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ToolStarted:
    call_id: str
    tool: str
    arguments: dict[str, Any]
    """Redacted."""


@dataclass(frozen=True, slots=True)
class ToolFinished:
    call_id: str
    tool: str
    ok: bool
    latency_ms: float
    found: SearchResult | None = None
    """What docs.search found."""


@dataclass(frozen=True, slots=True)
class TextWritten:
    """The next piece of the model's text, of any length, not yet verified."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a run that did not raise."""

    usage: Usage
    model_ms: float
    degraded: tuple[str, ...] = ()
    """What was unavailable, such as `model`."""


AgentEvent = ToolStarted | ToolFinished | TextWritten | Finished


class ToolGateway(Protocol):
    """The one door to tools; `platform_api.toolbox` has the implementation over MCP."""

    async def list_tools(self, principal: Principal) -> list[Tool]: ...

    async def call(
        self, principal: Principal, name: str, arguments: dict[str, Any], *, timeout_s: float = 30.0
    ) -> ToolOutcome: ...


class AgentRuntime(Protocol):
    def check(self, agent: str | None) -> None:
        """Raises UnknownAgent."""
        ...

    def run(
        self, principal: Principal, conversation: Conversation, agent: str | None = None
    ) -> AsyncIterator[AgentEvent]:
        """One run of the agent loop; the principal's limits travel with every tool call.

        Raises SwitchboardError: UnknownAgent, or what stopped the model or the gateway. Closing the
        iterator stops the run.
        """
        ...
