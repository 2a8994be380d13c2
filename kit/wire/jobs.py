"""Dead letters: jobs of the queue after their last attempt, as admins see them (SPEC 3, 7)."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request, Wire


class DeadLetter(Wire):
    """document: its path, where the caller may see the document; `document_id` where it is about one."""

    id: int
    task: str
    reason: str
    attempts: int
    failed_at: datetime | None = None
    document_id: UUID | None = None
    document: str | None = None
    job_id: UUID | None = None


class ReplayRequest(Request):
    """Which dead letters: those that fit all that is given; all of them where nothing is."""

    task: str | None = Field(default=None, max_length=100)
    document_id: UUID | None = None
    job_id: UUID | None = None


class DeadLetterQuery(ReplayRequest):
    """limit: how many at most. cursor: `next_cursor` of the page before."""

    limit: int = Field(default=50, ge=1, le=100)
    cursor: int | None = Field(default=None, ge=1, lt=2**63)


class Replayed(Wire):
    """replayed: tried again, with all their attempts. dropped: what they were for is gone or done."""

    replayed: int
    dropped: int
