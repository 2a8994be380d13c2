"""What a channel shows, in neutral parts. The last part of every reply is one of `Final`, and only that one.

text parts   Status · Text · Cited · Retracted
final parts  Answer · Question · Trouble
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.wire.chat import Citation, Outcome


@dataclass(frozen=True, slots=True)
class Status:
    """What is being done right now; the next part replaces it."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer (Markdown), to be shown after what came before."""

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    citation: Citation


@dataclass(frozen=True, slots=True)
class Retracted:
    """What was shown and must go."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The turn is over; `text` is the whole answer, shown piece by piece before."""

    outcome: Outcome
    text: str
    citations: tuple[Citation, ...]
    degraded: tuple[str, ...]
    session_id: UUID
    message_id: UUID
    request_id: str


@dataclass(frozen=True, slots=True)
class Question:
    """The platform asks the person: a form, a choice, an approval."""

    interaction_id: UUID
    kind: str
    form: dict[str, Any]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """It did not work: what happened, the next step, and what the logs know it by. Never empty."""

    code: str
    detail: str
    hint: str
    request_id: str
    retryable: bool = False


Final = Answer | Question | Trouble
Reply = Status | Text | Cited | Retracted | Final
