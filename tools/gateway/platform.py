"""What the gateway needs of the platform: the internal contract (SPEC 3b)."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx

from access.principal import Principal
from access.tokens import Minter
from kit.errors import Unauthenticated, Unavailable
from kit.wire.internal import (
    AuditAccepted,
    Grant,
    ResolvedPrincipal,
    ResolvePrincipal,
)
from kit.wire.tools import Registry

AUDIENCE = "platform"
GATEWAY = Principal(
    organisation_id=UUID(int=0),
    id=uuid5(NAMESPACE_URL, "switchboard:gateway"),
    kind="service",
    name="gateway",
)
"""Who the gateway is to the platform: a service of no organisation."""


class EventsRefused(Exception):
    """The platform understood the batch and will never take it as it is."""


class PlatformLink(Protocol):
    """Every method raises Unavailable where the platform does not answer."""

    async def registry(self, etag: str | None) -> Registry | None:
        """None: still the version that `etag` names."""
        ...

    async def resolve(self, api_key: str) -> ResolvedPrincipal:
        """Raises Unauthenticated where the key is not valid (any more)."""
        ...

    async def events(self, records: Sequence[bytes]) -> AuditAccepted:
        """At most 500, each the JSON of an AuditEvent. Raises EventsRefused."""
        ...

    async def grant(self, hash: str) -> list[str] | None:
        """None: no such grant (any more)."""
        ...


class HttpPlatform:
    """Over HTTP, with the gateway's own token.

    base_url: of the platform, without /internal/v1. client: with a time limit set.
    """

    def __init__(self, base_url: str, client: httpx.AsyncClient, minter: Minter) -> None:
        self._base = f"{base_url.rstrip('/')}/internal/v1"
        self._client = client
        self._minter = minter

    async def registry(self, etag: str | None) -> Registry | None:
        headers = {"If-None-Match": f'"{etag}"'} if etag else {}
        answer = await self._send("GET", "/registry", headers=headers)
        if answer.status_code == 304:
            return None
        return Registry.model_validate_json(_good(answer).content)

    async def resolve(self, api_key: str) -> ResolvedPrincipal:
        body = ResolvePrincipal(api_key=api_key).model_dump_json()
        answer = await self._send("POST", "/principals/resolve", content=body)
        if answer.status_code in (401, 403, 404, 422):
            raise Unauthenticated("This API key is not valid.", hint="Create a new one at /api/v1/api-keys.")
        return ResolvedPrincipal.model_validate_json(_good(answer).content)

    async def events(self, records: Sequence[bytes]) -> AuditAccepted:
        # kit.wire.internal.AuditBatch, put together from what the spool holds
        answer = await self._send("POST", "/events", content=b'{"events":[%b]}' % b",".join(records))
        if answer.status_code in (400, 413, 422):
            raise EventsRefused(answer.status_code)
        return AuditAccepted.model_validate_json(_good(answer).content)

    async def grant(self, hash: str) -> list[str] | None:
        answer = await self._send("GET", f"/grants/{hash}")
        if answer.status_code == 404:
            return None
        return Grant.model_validate_json(_good(answer).content).keys

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        token = self._minter.mint(GATEWAY, AUDIENCE)
        headers = {"Content-Type": "application/json"} | request.pop("headers", {})
        headers["Authorization"] = f"Bearer {token}"
        try:
            return await self._client.request(method, self._base + path, headers=headers, **request)
        except httpx.HTTPError as error:
            raise Unavailable("The platform does not answer.", retry_after=2) from error


def _good(answer: httpx.Response) -> httpx.Response:
    if answer.status_code >= 300:
        raise Unavailable(f"The platform answered {answer.status_code}.", retry_after=2)
    return answer
