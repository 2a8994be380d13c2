"""What a turn needs of an agent runtime, in our own words."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import UUID

from access.principal import Principal
from kit.wire.chat import Usage
from kit.wire.search import SearchFilters, SearchResult
from kit.wire.tools import NeedsInput, Tool, ToolOutcome


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
class Resumed:
    """A run that waited for the person, and what became of it.

    state: as `Suspended` gave it. input_responses: by the keys of the requests, {action, content?} each.
    """

    state: Mapping[str, Any]
    tool: str
    arguments: dict[str, Any]
    request_state: str | None
    input_responses: Mapping[str, Any]
    accepted: bool = True
    """False: the person declined or cancelled."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the agent is to answer. `history` is oldest first and without `message`.

    resumed: it goes on where it waited; then the transcript is in there, and `history` is not told again.
    """

    message: str
    history: Sequence[Said] = ()
    scope: Scope = field(default_factory=Scope)
    turn_id: UUID | None = None
    resumed: Resumed | None = None


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
    said: str = ""
    """What another tool said, for people to read."""
    stated: str = ""
    """A tool's own statement to the person, to be shown as it stands; then `said` is empty."""


@dataclass(frozen=True, slots=True)
class TextWritten:
    """The next piece of the model's text, of any length, not yet verified."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a run that came to its end."""

    usage: Usage
    model_ms: float
    degraded: tuple[str, ...] = ()
    """What was unavailable, such as `model`."""


@dataclass(frozen=True, slots=True)
class Suspended:
    """The last event of a run that waits for the person: a tool has asked.

    state: JSON from which another process goes on (`Resumed`). It holds what was said, and no text of
    documents: what was found is looked up again with the access of then.
    """

    tool: str
    arguments: dict[str, Any]
    needs: NeedsInput
    state: dict[str, Any]
    usage: Usage
    model_ms: float


@dataclass(frozen=True, slots=True)
class AnswerExpired:
    """The tool no longer waited for the person's answer, so it has not run. The run goes on."""

    tool: str


AgentEvent = ToolStarted | ToolFinished | TextWritten | Finished | Suspended | AnswerExpired


class ToolGateway(Protocol):
    """The one door to tools; `platform_api.toolbox` has the implementation over MCP."""

    async def list_tools(self, principal: Principal) -> list[Tool]: ...

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout_s: float = 30.0,
        resumption: Mapping[str, Any] | None = None,
    ) -> ToolOutcome: ...


class AgentRuntime(Protocol):
    def check(self, agent: str | None) -> None:
        """Raises UnknownAgent."""
        ...

    def run(
        self, principal: Principal, conversation: Conversation, agent: str | None = None
    ) -> AsyncIterator[AgentEvent]:
        """One run of the agent loop; the principal's limits travel with every tool call. Its last event is
        Finished or Suspended.

        Raises SwitchboardError: UnknownAgent, or what stopped the model or the gateway. Closing the
        iterator stops the run.
        """
        ...
