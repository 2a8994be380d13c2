"""The gateway's tools as the agent framework calls them: one set per run, bound to its principal."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

import msgspec
import structlog
from agent_framework import FunctionTool
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from access.principal import Principal
from kit import telemetry
from kit.errors import SwitchboardError, TimedOut
from kit.wire.search import SearchResult
from kit.wire.tools import Tool, ToolOutcome
from platform_api.agents.port import AgentEvent, Scope, ToolFinished, ToolGateway, ToolStarted
from platform_api.agents.redaction import redacted

SEARCH = "docs.search"
log = structlog.get_logger()
tracer = telemetry.tracer("agents")


@dataclass(frozen=True, slots=True)
class Calls:
    """Makes the calls of one run and tells `emit` about them. A failed call is told to the model, too."""

    gateway: ToolGateway
    principal: Principal
    scope: Scope
    emit: Callable[[AgentEvent], None]
    timeout_s: float = 30.0
    most: int | None = None
    """Calls of one tool at most; then the model is told so, and soon has to answer."""
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    """Of the chunks found so far, by id: one number each, however many searches find it."""

    def as_functions(self, tools: Sequence[Tool]) -> list[FunctionTool]:
        return [self._function(tool) for tool in tools]

    def _function(self, tool: Tool) -> FunctionTool:
        async def call(**arguments: Any) -> str:
            return await self.call(tool.name, arguments)

        return FunctionTool(
            name=tool.name,
            description=tool.description,
            func=call,
            input_model=tool.input_schema,
            max_invocations=self.most,
        )

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """What the model reads: the structured result as JSON, or the error with its hint."""
        call_id = uuid4().hex
        asked = narrowed(arguments, self.scope) if name == SEARCH else arguments
        self.emit(ToolStarted(call_id, name, redacted(asked)))
        began = time.perf_counter()
        with tracer.start_as_current_span(f"execute_tool {name}", kind=SpanKind.CLIENT) as span:
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})
            ok, text, found = await self._outcome(name, asked)
            span.set_attribute("switchboard.tool.ok", ok)
        latency_ms = (time.perf_counter() - began) * 1000
        self.emit(ToolFinished(call_id, name, ok, round(latency_ms, 2), found))
        return text

    async def _outcome(self, name: str, arguments: dict[str, Any]) -> tuple[bool, str, SearchResult | None]:
        try:
            async with asyncio.timeout(self.timeout_s):
                outcome = await self.gateway.call(self.principal, name, arguments, timeout_s=self.timeout_s)
            found = _found(outcome) if name == SEARCH and not outcome.is_error else None
            told = _text(outcome) if found is None else self._numbered(outcome, found)
        except TimeoutError:
            return False, _told(TimedOut("The tool took too long.")), None
        except SwitchboardError as error:
            log.warning("agents.tool_failed", tool=name, code=error.code)
            return False, _told(error), None
        return not outcome.is_error, told, found

    def _numbered(self, outcome: ToolOutcome, found: SearchResult) -> str:
        """The result with `n` in each chunk: what a model cites it by, also after further searches."""
        ids = [str(chunk.chunk_id) for chunk in found.chunks]
        numbers = [self.numbers.setdefault(one, len(self.numbers) + 1) for one in ids]
        given = cast(dict[str, Any], outcome.structured)
        chunks = [{"n": n, **chunk} for n, chunk in zip(numbers, given["chunks"], strict=True)]
        return msgspec.json.encode({**given, "chunks": chunks}).decode()


def narrowed(arguments: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The model's arguments for docs.search under the person's own scope, which the model cannot widen."""
    asked = dict(arguments)
    if scope.service_scope is not None:
        asked["service_scope"] = scope.service_scope
    if scope.filters is not None:
        wanted = scope.filters.model_dump(mode="json", exclude_none=True)
        offered = asked.get("filters")
        asked["filters"] = {**(offered if isinstance(offered, dict) else {}), **wanted}
    return asked


def _found(outcome: ToolOutcome) -> SearchResult:
    """Raises SwitchboardError where the server broke its contract."""
    try:
        return SearchResult.model_validate(outcome.structured)
    except ValidationError as error:
        raise SwitchboardError("The search gave a result that we do not understand.") from error


def _text(outcome: ToolOutcome) -> str:
    if outcome.structured is not None:
        return msgspec.json.encode(outcome.structured).decode()
    return "\n".join(str(block.get("text", "")) for block in outcome.content)


def _told(error: SwitchboardError) -> str:
    return json.dumps({"error": {"code": error.code, "detail": error.detail, "hint": error.hint}})
