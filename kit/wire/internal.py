"""What the gateway and our own servers need of the platform, and nothing more (SPEC 3b)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from kit.wire.base import Request, Wire


class ResolvePrincipal(Request):
    """A credential that only the platform can judge: an API key."""

    api_key: Annotated[str, Field(max_length=400)]


class ResolvedPrincipal(Wire):
    """Claims in the form of access.tokens; kept at most `cache_s` seconds, 60 at the longest."""

    claims: dict[str, Any]
    cache_s: int = 60


class AuditEvent(Request):
    """One record of the spool: `id` is a ULID, the key by which repeats are dropped."""

    cleaned = True

    id: Annotated[str, Field(min_length=26, max_length=26)]
    at: str
    """ISO 8601 in UTC."""
    kind: Literal["audit", "usage"]
    type: Annotated[str, Field(max_length=80)]
    organisation_id: str
    actor: str
    trace_id: str | None = None
    data: dict[str, Any] = {}


class AuditBatch(Request):
    cleaned = True
    events: Annotated[list[AuditEvent], Field(max_length=500)]


class AuditAccepted(Wire):
    accepted: int
    repeated: int


class Grant(Wire):
    keys: list[str]
