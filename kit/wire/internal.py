"""What the gateway and our own servers need of the platform, and nothing more (SPEC 3b)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request, Wire
from kit.wire.tools import RegisteredServer


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


class ProbeProblem(Wire):
    code: str
    detail: str
    hint: str = ""


class ProbeServer(Request):
    """Ask the gateway to list this server's tools now; registered or not, its `tools` may be empty."""

    server: RegisteredServer
    organisation_id: UUID
    user_id: UUID | None = None


class ApiSignIn(Wire):
    """How an API says that it wants to know who calls: one of its security schemes."""

    name: str
    kind: str
    """bearer, basic or another HTTP scheme, api_key, oauth2, oidc."""
    place: str = "header"
    header: str = "Authorization"


class ApiNotes(Wire):
    """Of an API's document: what became no tool, operation → reason, and its security schemes."""

    left_out: dict[str, str] = {}
    sign_in: list[ApiSignIn] = []


class Probed(Wire):
    """tools: MCP tool objects as the server lists them."""

    reachable: bool
    revision: str | None = None
    server_info: dict[str, Any] = {}
    tools: list[dict[str, Any]] = []
    took_ms: float = 0.0
    problem: ProbeProblem | None = None
    api: ApiNotes | None = None
    """Where the server is an API with an OpenAPI document."""
