"""Asking: what goes into a turn and what a completed one carries (SPEC 3)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request, Wire
from kit.wire.search import SearchFilters

Outcome = Literal["answered", "not_found", "refused", "degraded"]
Audience = Literal["private", "everyone_here"]
MESSAGE_LIMIT = 16_000


class ChatRequest(Request):
    message: Annotated[str, Field(min_length=1, max_length=MESSAGE_LIMIT)]
    session_id: UUID | None = None
    external_ref: Annotated[str, Field(max_length=256)] | None = None
    """A channel's thread; one session per person and thread."""
    service_scope: str | None = None
    filters: SearchFilters | None = None
    knowledge_base_ids: Annotated[list[UUID], Field(min_length=1, max_length=64)] | None = None
    agent: str | None = None
    privacy: bool = False
    audience: Audience = "private"


class Citation(Wire):
    """Which source supports a sentence: `quote` is the source's own text, `confidence` is 0–1."""

    n: int
    sentence: str
    doc_id: UUID
    chunk_id: UUID
    url: str
    title: str
    section: str
    page: int | None = None
    quote: str
    confidence: float


class Usage(Wire):
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    """In the organisation's currency; 0 for local models."""
    model: str = ""
    tier: int = 0


class Timings(Wire):
    """Milliseconds since the turn was accepted, or spent where named so."""

    first_text_ms: float | None = None
    model_ms: float = 0.0
    tools_ms: float = 0.0
    verify_ms: float = 0.0
    total_ms: float = 0.0


class Session(Wire):
    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime
    running_turn_id: UUID | None = None


class Message(Wire):
    id: UUID
    role: Literal["user", "assistant"]
    text: str
    created_at: datetime
    turn_id: UUID
    outcome: Outcome | None = None
    citations: list[Citation] = []


class SessionWithMessages(Session):
    messages: list[Message] = []


class RenameSession(Request):
    title: Annotated[str, Field(min_length=1, max_length=200)]


class FeedbackRequest(Request):
    vote: Literal["up", "down"]
    comment: Annotated[str, Field(max_length=2000)] | None = None
