"""One tools/call on its way through the chain, and what comes back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.errors import NotFound, SwitchboardError
from kit.wire.mcp import STATELESS, RpcError
from ports.redis.rates import FREE, Taken
from tools.gateway.callers import Caller
from tools.gateway.catalogue import OfferedTool
from tools.gateway.upstreams.talk import Tell


@dataclass(slots=True)
class Call:
    """`caller` is known after authenticate, `tool` after authorise."""

    name: str
    arguments: dict[str, Any]
    authorization: str
    """The caller's header: read by authenticate and by nothing else."""
    server: str | None
    """Set where the caller came through /servers/{name}/mcp."""
    trace: Mapping[str, str] = field(default_factory=dict[str, str])
    capabilities: Mapping[str, Any] = field(default_factory=dict[str, Any])
    resumption: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """`inputResponses` and `requestState` of 2026-07-28, passed on as they are."""
    method: str = "tools/call"
    """Other methods (resources, prompts, completion) name their server; `arguments` are their params."""
    progress: int | str | None = None
    """The client's token for notifications/progress; None: it wants none."""
    log_level: str | None = None
    revision: str = STATELESS
    """Of MCP, which the client speaks."""
    in_session: bool = False
    """The client's revision is one with sessions."""
    session: str = ""
    """The id of the client's MCP session; empty where it has none."""
    tell: Tell | None = None
    """Where notifications go that belong to this call; None: the client cannot hear them."""
    task: Mapping[str, Any] | None = None
    """The client of 2025-11-25 wants the call to become a task; how long that is to be kept."""
    taken: Taken = FREE
    """What rate limit and budget counted."""
    retried: int = 0
    """How often the server was asked again."""
    outcome: str = ""
    """How it ended, as the meter counts it."""
    caller: Caller | None = None
    tool: OfferedTool | None = None

    def known_caller(self) -> Caller:
        if self.caller is None:
            raise RuntimeError("authenticate comes before this wrapper")
        return self.caller

    def known_tool(self) -> OfferedTool:
        if self.tool is None:
            raise RuntimeError("authorise comes before this wrapper")
        return self.tool


@dataclass(slots=True)
class Reply:
    """A tool's result as JSON, untouched; `failed` where the tool says so itself."""

    result: bytes
    failed: bool = False
    needs_input: bool = False
    task: bool = False
    """In place of a result: the call goes on at its server, and is asked for by its task's id."""


class ServerRefused(SwitchboardError):
    """A protocol error that is the client's to know: it gets it as the server said it."""

    status = 502
    code = "server_refused"
    title = "The server refused the request"

    def __init__(self, error: RpcError) -> None:
        super().__init__(f"The server refused the request ({error.code}).")
        self.error = error


class UnknownTool(NotFound):
    """Not registered, or not for this caller: the two look alike."""

    code = "unknown_tool"
    title = "There is no such tool for you"
    default_hint = "Ask tools/list for the tools that you may use."


Handler = Callable[[Call], Awaitable[Reply]]
"""Raises kit.errors.SwitchboardError where the call is refused or does not succeed; at once, or when awaited.

A wrapper that only checks is a plain function that returns what the next one does: a coroutine for each of
them costs more than most checks.
"""
Wrapper = Callable[[Handler], Handler]
