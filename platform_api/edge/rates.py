"""How much may be asked of the platform within a minute (SPEC 11): by a person, by a bot, by an admin who
changes things, and by whoever nobody knows, per address.

Who is known is counted where they become known (`identity.principals`), all their limits in one round trip.
The gateway's service tokens, health and metrics, and our public keys are never limited.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from typing import Literal

import structlog
from pydantic import Field
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from access.principal import Principal
from kit.errors import TooMany
from kit.settings import Settings
from kit.wire.account import LimitLeft
from platform_api.edge.problems import problem_response
from platform_api.edge.public_routes import PUBLIC_ROUTES
from ports.redis import RedisIsACluster
from ports.redis.rates import Bound, Bounds, Limits, Taken, address_of

_MOST = 1_000_000_000
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_TURNS = frozenset({"/api/v1/chat", "/api/v1/chat/stream"})
_ADMIN = ("/api/v1/admin/", "/api/v1/mcp-servers")
_UNLIMITED = ("/health/", "/metrics", "/.well-known/jwks.json", "/mcp", "/servers")
_PUBLIC = tuple(path.partition("{")[0] for path in PUBLIC_ROUTES if not path.startswith(_UNLIMITED))
_BOT = "act_as:"
_KINDS: dict[str, Literal["requests", "turns", "bot"]] = {
    "requests": "requests", "turns": "turns", "bot": "bot",
}  # fmt: skip
_log = structlog.get_logger()
_TOLD = {
    "requests": "You have made {most} requests within a minute, which is the limit.",
    "bot": "This bot has made {most} requests within a minute, which is the limit.",
    "turns": "You have asked {most} questions within a minute, which is the limit.",
    "admin": "You have made {most} changes as an admin within a minute, which is the limit.",
    "address": "{most} requests within a minute came from your address without sign-in, which is the limit.",
}


class RateSettings(Settings):
    section = "rates"

    requests_per_min: int = Field(default=500, ge=1, le=_MOST, description="Requests of one person.")
    bot_requests_per_min: int = Field(
        default=10_000,
        ge=1,
        le=_MOST,
        description="Requests of a bot in its own name; what it asks for people counts for each of them.",
    )
    turns_per_min: int = Field(default=60, ge=1, le=_MOST, description="Questions of one person.")
    admin_writes_per_min: int = Field(
        default=10, ge=1, le=_MOST, description="Changes of one admin at /api/v1/admin and /mcp-servers."
    )
    anonymous_per_min: int = Field(
        default=100,
        ge=1,
        le=_MOST,
        description="Requests of one address (of IPv6: one /64) without a valid sign-in. Behind a proxy, "
        "set FORWARDED_ALLOW_IPS to its address: else all of them share the proxy's.",
    )


class RequestRates:
    """`start` before use; before, and while Redis is away, this process counts by itself."""

    def __init__(self, settings: RateSettings, limits: Limits) -> None:
        self._settings = settings
        self._limits = limits
        self._starting: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._starting = asyncio.create_task(self._begin(), name="rates-start")

    async def _begin(self) -> None:
        try:
            await self._limits.start()
        except RedisIsACluster as error:
            _log.error("limits.counted_locally", hint=str(error))

    async def stop(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            with suppress(asyncio.CancelledError):
                await self._starting
        await self._limits.close()

    async def known(self, principal: Principal, scope: Scope) -> None:
        """Counts a request of somebody who is known. Raises TooMany."""
        await self._take(tuple(self._bounds(principal, scope)))

    async def unknown(self, scope: Scope) -> None:
        """Counts a request of nobody, or of a credential that is not valid. Raises TooMany."""
        await self._take(
            (Bound("address", address_of(scope.get("client")), self._settings.anonymous_per_min),)
        )

    async def left(self, principal: Principal) -> list[LimitLeft]:
        """Nothing is counted by looking."""
        bounds = tuple(self._of_person(principal))
        left = await self._limits.limiter.left(Bounds(bounds))
        return [
            LimitLeft(kind=_KINDS[bound.kind], most=bound.most, left=many)
            for bound, many in zip(bounds, left, strict=True)
        ]

    def _of_person(self, principal: Principal) -> Iterator[Bound]:
        whose = str(principal.id)
        if _is_bot(principal):
            yield Bound("bot", whose, self._settings.bot_requests_per_min)
            return
        yield Bound("requests", whose, self._settings.requests_per_min)
        yield Bound("turns", whose, self._settings.turns_per_min)

    def _bounds(self, principal: Principal, scope: Scope) -> Iterator[Bound]:
        settings, whose = self._settings, str(principal.id)
        if _is_bot(principal):
            yield Bound("bot", whose, settings.bot_requests_per_min)
        else:
            yield Bound("requests", whose, settings.requests_per_min)
        path: str = scope["path"]
        if scope["method"] in _READING:
            return
        if path in _TURNS:
            yield Bound("turns", whose, settings.turns_per_min)
        elif path.startswith(_ADMIN):
            yield Bound("admin", whose, settings.admin_writes_per_min)

    async def _take(self, bounds: tuple[Bound, ...]) -> None:
        taken = await self._limits.limiter.take(Bounds(bounds))
        if taken.refused_by is not None:
            raise _refusal(taken.refused_by, taken)


class AnonymousRates:
    """ASGI. Counts what nobody has to sign in for, and what comes without any credential."""

    def __init__(self, app: ASGIApp, rates: RequestRates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _nobodys(scope):
            try:
                await self._rates.unknown(scope)
            except TooMany as error:
                refusal = problem_response(error, scope["switchboard.request_id"])
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_bot(principal: Principal) -> bool:
    return any(one.startswith(_BOT) for one in principal.permissions)


def _nobodys(scope: Scope) -> bool:
    """Where a credential is looked at, it decides who is counted; anywhere else it is only a claim."""
    path: str = scope["path"]
    if path.startswith(_UNLIMITED):
        return False
    scheme, _, credential = Headers(scope=scope).get("authorization", "").partition(" ")
    return path.startswith(_PUBLIC) or scheme.lower() != "bearer" or not credential


def _refusal(bound: Bound, taken: Taken) -> TooMany:
    wait_s = max(1, ceil(taken.wait_s))
    told = _TOLD[bound.kind].format(most=bound.most)
    return TooMany(told, hint=f"Wait {wait_s} s, then try again.", retry_after=wait_s)
