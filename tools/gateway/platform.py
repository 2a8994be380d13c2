"""What the gateway needs of the platform: the internal contract (SPEC 3b)."""

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from access.services import GATEWAY
from access.tokens import Minter
from kit.errors import Conflict, SwitchboardError, Unauthenticated, Unavailable, UpstreamFailed
from kit.wire.connections import AskToken, ConnectProblem, UpstreamToken
from kit.wire.interactions import ConsumedOneShot, ConsumeOneShot, OpenedOneShot, OpenOneShot
from kit.wire.internal import (
    AuditAccepted,
    Grant,
    ResolvedPrincipal,
    ResolvePrincipal,
)
from kit.wire.problem import Problem
from kit.wire.tools import Registry

AUDIENCE = "platform"
_ANSWER_S = 10.0


class EventsRefused(Exception):
    """The platform understood the batch and will never take it as it is."""


class PlatformLink(Protocol):
    """Every method raises Unavailable where the platform does not answer."""

    async def registry(self, etag: str | None, wait_s: float = 0.0) -> Registry | None:
        """None: still the version that `etag` names, after waiting `wait_s` (25 at most) for another.

        Raises pydantic.ValidationError for what is no registry.
        """
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

    async def open_one_shot(self, wanted: OpenOneShot) -> OpenedOneShot:
        """Ask people whether a call may be made."""
        ...

    async def consume_one_shot(self, id: str, wanted: ConsumeOneShot) -> ConsumedOneShot:
        """Use an approval up: exactly one asker of all ever hears `consumed`."""
        ...

    async def upstream_token(self, server: str, wanted: AskToken) -> UpstreamToken:
        """Raises AccountNeeded, SignInUnavailable."""
        ...


class AccountNeeded(Conflict):
    """The person has to connect an account at the server first; `url` is where."""

    code = "connect_account"
    title = "Your account has to be connected first"

    def __init__(self, detail: str, server: str, url: str) -> None:
        super().__init__(detail, hint=f"Open {url} , sign in there, then try again.")
        self.server = server
        self.url = url


class SignInUnavailable(UpstreamFailed):
    """Signing in to the server does not work at the moment, or was never set up."""

    code = "sign_in_unavailable_there"
    title = "The tool's server cannot be signed in to"


class HttpPlatform:
    """Over HTTP, with the gateway's own token.

    base_url: of the platform, without /internal/v1. client: with a time limit set.
    """

    def __init__(self, base_url: str, client: httpx.AsyncClient, minter: Minter) -> None:
        self._base = f"{base_url.rstrip('/')}/internal/v1"
        self._client = client
        self._minter = minter

    async def registry(self, etag: str | None, wait_s: float = 0.0) -> Registry | None:
        headers = {"If-None-Match": f'"{etag}"'} if etag else {}
        path = f"/registry?wait={wait_s:g}" if etag and wait_s else "/registry"
        answer = await self._send("GET", path, headers=headers, timeout=wait_s + _ANSWER_S)
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

    async def open_one_shot(self, wanted: OpenOneShot) -> OpenedOneShot:
        answer = await self._send("POST", "/one-shots", content=wanted.model_dump_json())
        return OpenedOneShot.model_validate_json(_good(answer).content)

    async def consume_one_shot(self, id: str, wanted: ConsumeOneShot) -> ConsumedOneShot:
        answer = await self._send(
            "POST", f"/one-shots/{quote(id, safe='')}/consume", content=wanted.model_dump_json()
        )
        return ConsumedOneShot.model_validate_json(_good(answer).content)

    async def upstream_token(self, server: str, wanted: AskToken) -> UpstreamToken:
        answer = await self._send(
            "POST", f"/connections/{quote(server, safe='')}/token", content=wanted.model_dump_json()
        )
        if answer.status_code in (404, 409, 502, 503):
            raise _not_connected(answer)
        return UpstreamToken.model_validate_json(_good(answer).content)

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


def _not_connected(answer: httpx.Response) -> SwitchboardError:
    try:
        told = ConnectProblem.model_validate_json(answer.content)
        return AccountNeeded(told.detail, told.server, told.url)
    except ValueError:
        pass
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValueError:
        return Unavailable(f"The platform answered {answer.status_code}.", retry_after=2)
    return SignInUnavailable(problem.detail, hint=problem.hint)
