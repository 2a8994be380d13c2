"""Who am I, and API keys (SPEC 3, 6)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request, Wire


class LimitLeft(Wire):
    """requests: of a person within a minute; turns: questions within a minute; bot: requests of a bot. `left`
    is what may still be asked for now (SPEC 11)."""

    kind: Literal["requests", "turns", "bot"]
    most: int
    left: int
    window_s: int = 60


class Me(Wire):
    id: UUID
    organisation_id: UUID
    name: str
    email: str
    groups: list[str]
    roles: list[str]
    permissions: list[str]
    limits: list[LimitLeft] = []


class CreateApiKey(Request):
    name: Annotated[str, Field(min_length=1, max_length=120)]
    scopes: Annotated[list[str], Field(max_length=16)] | None = None
    """Permissions that the key keeps of its owner's; absent: all of them."""
    expires_in_days: Annotated[int, Field(ge=1, le=365)] = 90


class ApiKey(Wire):
    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None


class CreatedApiKey(ApiKey):
    key: str
    """Shown once; only its hash is kept."""


class DevSignIn(Request):
    person: Annotated[str, Field(max_length=50)]


class SignedIn(Wire):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme, no secret
    expires_in: int
