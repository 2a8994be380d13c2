"""Asking over HTTP: whole answers, streams, and coming back to a stream."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from access.principal import Principal
from kit.errors import Forbidden, SwitchboardError, catalogue
from kit.wire.chat import ChatRequest
from kit.wire.events import InteractionRequested, TurnAsks, TurnCompleted, TurnFailed, parse_event
from platform_api.agents.errors import AgentFailed, UnknownAgent
from platform_api.chat.errors import Interrupted, SessionBusy, ShuttingDown, TurnNotFound, TurnTimedOut
from platform_api.chat.log import Batches
from platform_api.chat.service import Chat
from platform_api.edge import event_stream, provided, raises, request_id
from platform_api.edge.errors import IdempotencyKeyReused
from platform_api.edge.idempotency import IdempotencyKey
from platform_api.edge.problems import problem_response
from platform_api.identity import CurrentPrincipal
from platform_api.sessions.errors import SessionNotFound

router = APIRouter(prefix="/api/v1", tags=["chat"])
ChatService = Annotated[Chat, Depends(provided(Chat))]


@dataclass(frozen=True, slots=True)
class Asked:
    """What every way of asking has in common."""

    principal: Principal
    service: Chat
    key: str | None
    request_id: str

    async def begin(self, body: ChatRequest) -> tuple[UUID, UUID]:
        return await self.service.ask(self.principal, body, self.request_id, self.key)


async def _asked(
    request: Request, principal: CurrentPrincipal, service: ChatService, key: IdempotencyKey
) -> Asked:
    # A function of its own: FastAPI would call the class in a thread.
    return Asked(principal, service, key, request_id(request))


@dataclass(frozen=True, slots=True)
class Turn:
    """The ids in the path."""

    session_id: UUID
    turn_id: UUID


AskedBy = Annotated[Asked, Depends(_asked)]
LastEventId = Annotated[
    str | None, Header(description="Number of the last event that was seen; sent by browsers by themselves.")
]
_NOT_BEGUN = (Forbidden, SessionNotFound, UnknownAgent, SessionBusy, IdempotencyKeyReused, ShuttingDown)
_EXAMPLE = (
    "event: answer.delta\n"
    'data: {"turn_id": "…", "seq": 5, "type": "answer.delta", "text": "Staff get 25 days of leave. [1] "}\n'
    "id: 5\n\n"
)
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `event` is the type, `id` the number, `data` the JSON. "
        "The last one is turn.completed, turn.failed or interaction.requested.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


@router.post(
    "/chat",
    summary="Ask, and wait for the whole answer",
    response_model=TurnCompleted | TurnAsks,
    response_model_exclude_none=True,
    responses=raises(*_NOT_BEGUN, TurnTimedOut, Interrupted, AgentFailed),
)
async def chat(asked: AskedBy, body: ChatRequest) -> Response:
    """Every sentence that states a fact is cited and checked. Where a tool asks first, `outcome` is
    `interaction`: respond to it, and attach to the turn that goes on. A client that leaves loses nothing: the
    turn finishes, and a repeat with the same Idempotency-Key answers it."""
    session_id, turn_id = await asked.begin(body)
    entry = await asked.service.end(asked.principal, session_id, turn_id)
    event = parse_event(entry.data)
    if isinstance(event, TurnFailed):
        return problem_response(_error_of(event), event.request_id)
    if isinstance(event, InteractionRequested):
        asks = TurnAsks(session_id=session_id, turn_id=turn_id, interaction=event)
        return Response(asks.dump(), media_type="application/json")
    return Response(entry.data, media_type="application/json")


@router.post(
    "/chat/stream",
    summary="Ask, and read the answer as it is written and checked",
    response_class=StreamingResponse,
    responses=_STREAM | raises(*_NOT_BEGUN),
)
async def chat_stream(
    asked: AskedBy, body: ChatRequest, last_event_id: LastEventId = None
) -> EventSourceResponse:
    """Server-sent events; one of turn.completed, turn.failed, interaction.requested is the last."""
    session_id, turn_id = await asked.begin(body)
    batches = asked.service.follow(asked.principal, session_id, turn_id, _number(last_event_id))
    return _streamed(batches, asked.service)


@router.get(
    "/sessions/{session_id}/turns/{turn_id}/stream",
    summary="Come back to a turn's stream",
    response_class=StreamingResponse,
    responses=_STREAM | raises(TurnNotFound),
)
async def turn_stream(
    principal: CurrentPrincipal,
    service: ChatService,
    turn: Annotated[Turn, Depends(Turn)],
    after: Annotated[int, Query(ge=0, description="Number of the last event that was seen.")] = 0,
    last_event_id: LastEventId = None,
) -> EventSourceResponse:
    """The events after `after` (or Last-Event-ID), of a turn that runs or has ended, on any replica."""
    await service.attached(principal, turn.session_id, turn.turn_id)
    seen = max(after, _number(last_event_id))
    return _streamed(service.follow(principal, turn.session_id, turn.turn_id, seen), service)


def _streamed(batches: Batches, service: Chat) -> EventSourceResponse:
    return event_stream(_encoded(batches, service.keepalive_s))


async def _encoded(batches: Batches, keepalive_s: float) -> AsyncIterator[bytes]:
    written = time.monotonic()
    async for batch in batches:
        now = time.monotonic()
        if batch:
            written = now
            yield b"".join(
                format_sse_event(data_str=entry.data, event=entry.type, id=str(entry.seq)) for entry in batch
            )
        elif now - written >= keepalive_s:
            written = now
            yield KEEPALIVE_COMMENT


def _number(last_event_id: str | None) -> int:
    return int(last_event_id) if last_event_id and re.fullmatch(r"[0-9]{1,18}", last_event_id) else 0


def _error_of(event: TurnFailed) -> SwitchboardError:
    """The error with which a turn failed, as it would have been raised before it began."""
    cls = next((one for one in catalogue() if one.code == event.code), SwitchboardError)
    return cls(event.detail, hint=event.hint, retry_after=2 if cls.status in (429, 503) else None)
