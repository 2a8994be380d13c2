"""The event stream of a turn, the same on every transport (SPEC 4).

Exactly one of `turn.completed`, `turn.failed`, `interaction.requested` ends a turn.
`seq` counts from 1 without gaps within a turn.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from kit.wire.base import Wire
from kit.wire.chat import Citation, Outcome, Timings, Usage

EVENTS_VERSION = 1
Stage = Literal["screening", "searching", "calling_tool", "writing", "verifying"]


class TurnEventBase(Wire):
    turn_id: UUID
    seq: int = 0


class TurnStarted(TurnEventBase):
    type: Literal["turn.started"] = "turn.started"
    session_id: UUID
    request_id: str
    continues: UUID | None = None


class TurnStatus(TurnEventBase):
    type: Literal["turn.status"] = "turn.status"
    stage: Stage
    text: str


class ToolStarted(TurnEventBase):
    type: Literal["tool.started"] = "tool.started"
    call_id: str
    tool: str
    arguments: dict[str, Any]
    """Redacted."""


class ToolFinished(TurnEventBase):
    type: Literal["tool.finished"] = "tool.finished"
    call_id: str
    tool: str
    ok: bool
    latency_ms: float


class AnswerDelta(TurnEventBase):
    type: Literal["answer.delta"] = "answer.delta"
    text: str


class AnswerCitation(TurnEventBase):
    type: Literal["answer.citation"] = "answer.citation"
    citation: Citation


class AnswerRetracted(TurnEventBase):
    type: Literal["answer.retracted"] = "answer.retracted"
    text: str


class InteractionRequested(TurnEventBase):
    type: Literal["interaction.requested"] = "interaction.requested"
    interaction_id: UUID
    kind: Literal["form", "choice", "approval", "connect_account"]
    form: dict[str, Any]
    expires_at: datetime


class TurnCompleted(TurnEventBase):
    type: Literal["turn.completed"] = "turn.completed"
    session_id: UUID
    message_id: UUID
    request_id: str
    outcome: Outcome
    text: str
    citations: list[Citation] = []
    degraded: list[str] | None = None
    usage: Usage
    timings: Timings


class TurnAsks(Wire):
    """What `POST /chat` answers where a tool asks the person first (SPEC 3)."""

    outcome: Literal["interaction"] = "interaction"
    session_id: UUID
    turn_id: UUID
    interaction: InteractionRequested


class TurnFailed(TurnEventBase):
    type: Literal["turn.failed"] = "turn.failed"
    code: str
    detail: str
    hint: str
    request_id: str
    retryable: bool


TurnEvent = Annotated[
    TurnStarted
    | TurnStatus
    | ToolStarted
    | ToolFinished
    | AnswerDelta
    | AnswerCitation
    | AnswerRetracted
    | InteractionRequested
    | TurnCompleted
    | TurnFailed,
    Field(discriminator="type"),
]
TERMINAL = ("turn.completed", "turn.failed", "interaction.requested")
_adapter: TypeAdapter[TurnEvent] = TypeAdapter(TurnEvent)


def parse_event(data: str | bytes) -> TurnEvent:
    """One event from its JSON. Raises pydantic.ValidationError for anything else."""
    return _adapter.validate_json(data)


def is_terminal(event: TurnEvent) -> bool:
    return event.type in TERMINAL
