"""The gateway's tools as the agent framework calls them: one set per run, bound to its principal."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

import msgspec
import structlog
from agent_framework import Content, FunctionTool
from agent_framework.exceptions import UserInputRequiredException
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from access.principal import Principal
from kit import telemetry
from kit.errors import SwitchboardError, TimedOut
from kit.wire.search import SearchResult
from kit.wire.tools import NeedsInput, Tool, ToolOutcome
from platform_api.agents.errors import OneQuestionAtATime
from platform_api.agents.port import (
    AgentEvent,
    AnswerExpired,
    Resumed,
    Scope,
    ToolFinished,
    ToolGateway,
    ToolStarted,
)
from platform_api.agents.redaction import redacted
from platform_api.llm.frames import render
from platform_api.toolbox.errors import QuestionExpired

SEARCH = "docs.search"
BOOKING = "meetings.book"
STATING = "meetings."
"""Tools of ours that speak to the person: their `summary` is shown as they say it (decision 0052)."""
_OF_MEETINGS = ("booking_id", "bookings", "event")
SAID_LENGTH = 8_000
log = structlog.get_logger()
tracer = telemetry.tracer("agents")


@dataclass(frozen=True, slots=True)
class Waiting:
    """The call that waits for the person. request: what the framework ends the run with; it notes the
    call's id there."""

    tool: str
    arguments: dict[str, Any]
    needs: NeedsInput
    request: Content


@dataclass(slots=True)
class Calls:
    """Makes the calls of one run and tells `emit` about them. A failed call is told to the model, too.

    One call waits for the person at a time: of several at once, the first to ask waits, the others run to
    their end, and another one that asks is told to the model as not done.
    """

    gateway: ToolGateway
    principal: Principal
    scope: Scope
    emit: Callable[[AgentEvent], None]
    timeout_s: float = 120.0
    """For an answer of the gateway, which ends a call after what the tool's own definition allows."""
    most: int | None = None
    """Calls of one tool at most; then the model is told so, and soon has to answer."""
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    """Of the chunks found so far, by id: one number each, however many searches find it."""
    waiting: Waiting | None = None

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
        """What the model reads: the structured result as JSON, or the error with its hint.

        Raises UserInputRequiredException where the tool asks the person first; see `waiting`.
        """
        told = await self._made(name, self._asked(name, arguments))
        if isinstance(told, str):
            return told
        # empty, so that nobody shows it
        request = Content("text", text="", user_input_request=True)
        self.waiting = Waiting(name, arguments, told, request)
        raise UserInputRequiredException(contents=[request])

    async def look_up_again(self, name: str, arguments: dict[str, Any]) -> str:
        """A call of a run that waited, as of now. It does not ask the person."""
        told = await self._made(name, self._asked(name, arguments))
        return told if isinstance(told, str) else _told(OneQuestionAtATime())

    async def resume(self, resumed: Resumed) -> str | NeedsInput:
        """The same call again, with the person's answer; what it asks next, or what the model reads."""
        given: dict[str, Any] = {"inputResponses": resumed.input_responses}
        if resumed.request_state is not None:
            given["requestState"] = resumed.request_state
        told = await self._made(resumed.tool, resumed.arguments, given)
        if isinstance(told, NeedsInput) or resumed.accepted:
            return told
        said = {"person": "did not agree", "tell_them": render("declined"), "tool_said": told}
        return json.dumps(said, ensure_ascii=False)

    def _asked(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == BOOKING and self.scope.service_scope not in (None, "all"):
            return {"service": self.scope.service_scope, **arguments}
        return narrowed(arguments, self.scope) if name == SEARCH else arguments

    async def _made(
        self, name: str, arguments: dict[str, Any], resumption: Mapping[str, Any] | None = None
    ) -> str | NeedsInput:
        call_id = uuid4().hex
        self.emit(ToolStarted(call_id, name, redacted(arguments)))
        began = time.perf_counter()
        with tracer.start_as_current_span(f"execute_tool {name}", kind=SpanKind.CLIENT) as span:
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})
            done = await self._outcome(name, arguments, resumption)
            span.set_attribute("switchboard.tool.ok", done.ok)
        if done.needs is not None:
            if self.waiting is None:
                return done.needs  # it has not finished
            done = _failed(OneQuestionAtATime())
        said = done.said if name != SEARCH else ""
        stated = said if name.startswith(STATING) else ""
        if said and not stated:
            # Sources are counted in the order in which they come; what a tool says is one of them.
            self.numbers[call_id] = len(self.numbers) + 1
        latency_ms = round((time.perf_counter() - began) * 1000, 2)
        told = ToolFinished(call_id, name, done.ok, latency_ms, done.found, "" if stated else said, stated)
        self.emit(told)
        return done.told

    async def _outcome(
        self, name: str, arguments: dict[str, Any], resumption: Mapping[str, Any] | None
    ) -> "_Done":
        try:
            async with asyncio.timeout(self.timeout_s):
                outcome = await self.gateway.call(
                    self.principal, name, arguments, timeout_s=self.timeout_s, resumption=resumption
                )
            if outcome.needs_input is not None:
                return _Done(True, needs=outcome.needs_input)
            if name == SEARCH and not outcome.is_error:
                found = _found(outcome)
                return _Done(True, self._numbered(outcome, found), found)
        except TimeoutError:
            return _failed(TimedOut("The tool took too long."))
        except QuestionExpired as error:
            self.emit(AnswerExpired(name))
            return _failed(error)
        except SwitchboardError as error:
            log.warning("agents.tool_failed", tool=name, code=error.code)
            return _failed(error)
        if not name.startswith(STATING):
            return _Done(not outcome.is_error, _text(outcome), said=spoken(outcome))
        if self.principal.limits.audience == "everyone_here" and is_of_meetings(outcome):
            alone = render("for_you_alone")
            return _Done(not outcome.is_error, json.dumps({"summary": alone}), said=alone)
        return _Done(not outcome.is_error, _text(outcome), said=statement(outcome))

    def _numbered(self, outcome: ToolOutcome, found: SearchResult) -> str:
        """The result with `n` in each chunk: what a model cites it by, also after further searches."""
        ids = [str(chunk.chunk_id) for chunk in found.chunks]
        numbers = [self.numbers.setdefault(one, len(self.numbers) + 1) for one in ids]
        given = cast(dict[str, Any], outcome.structured)
        chunks = [{"n": n, **chunk} for n, chunk in zip(numbers, given["chunks"], strict=True)]
        return msgspec.json.encode({**given, "chunks": chunks}).decode()


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one call. told: what the model reads; said: what people may."""

    ok: bool
    told: str = ""
    found: SearchResult | None = None
    said: str = ""
    needs: NeedsInput | None = None


def _failed(error: SwitchboardError) -> _Done:
    return _Done(False, _told(error), said=f"{error.detail} {error.hint}")


def spoken(outcome: ToolOutcome) -> str:
    """A tool's result as text: its own words, else its fields, one a line."""
    own = [str(block["text"]) for block in outcome.content if block.get("type") == "text" and "text" in block]
    lines = own or [f"{name}: {value}." for name, value in _fields(outcome.structured or {})]
    return "\n".join(lines)[:SAID_LENGTH]


def statement(outcome: ToolOutcome) -> str:
    """What a tool of STATING says to the person: its `summary`, else its words."""
    summary = (outcome.structured or {}).get("summary")
    return summary[:SAID_LENGTH] if isinstance(summary, str) and summary.strip() else spoken(outcome)


def is_of_meetings(outcome: ToolOutcome) -> bool:
    """Whether it tells of somebody's meetings: then nobody who reads along may learn it, nor a model that
    writes for them. That nothing came of it tells nothing."""
    return any((outcome.structured or {}).get(name) for name in _OF_MEETINGS)


def _fields(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _fields(cast(Mapping[str, Any], inner), f"{before}{name} ")
        elif inner is not None:
            yield f"{before}{name}", inner


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
