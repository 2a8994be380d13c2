"""Builds the ASGI app from the ports that it is given; nothing else wires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from fastapi import FastAPI
from redis.asyncio import Redis

from access.grants import GrantStore
from access.jwks import TrustedKeys
from access.tokens import Minter, SigningKey
from kit.clock import Clock, SystemClock
from platform_api import api
from platform_api.edge import provide
from platform_api.edge.body_limit import BodyLimit
from platform_api.edge.openapi import publish
from platform_api.edge.problems import install
from platform_api.edge.public_routes import check_guarded
from platform_api.edge.request_context import RequestContext
from platform_api.health.endpoints import Check, Health
from platform_api.identity import Identity
from platform_api.identity.grants import Grants
from platform_api.identity.principals import GUARDS, OWN_ISSUER, Tokens
from platform_api.identity.settings import IdentitySettings
from ports.db import Database


class WrongShape(RuntimeError):
    """A setting that belongs to the all-in-one shape is on in another one."""


@dataclass(frozen=True, slots=True)
class PlatformPorts:
    """Everything outside that the platform works with; made by `launch`, faked by nobody."""

    database: Database
    redis: Redis
    """For commands; answers within 50 ms or fails."""
    redis_blocking: Redis
    """For reads that wait (XREAD BLOCK)."""
    signing_key: SigningKey
    minter: Minter
    """Issuer `platform`, over `signing_key`."""
    trusted: TrustedKeys
    """Holds at least the keys of issuer `gateway`; our own are added here."""
    gateway_url: str
    """Where the gateway's `/mcp` answers, without the path."""
    release: Sequence[Mapping[str, object]] = ()
    """The first-party tool servers of this release, as in `tools/servers/release.json`."""
    server_addresses: Mapping[str, str] = field(default_factory=dict[str, str])
    """name → http(s)://…/mcp or inproc:<name>, for the servers of `release`."""
    shape: Literal["all-in-one", "separate"] = "separate"
    identity_settings: IdentitySettings = field(default_factory=IdentitySettings)
    clock: Clock = field(default_factory=SystemClock)


def build_app(ports: PlatformPorts) -> FastAPI:
    """Raises WrongShape or UnguardedRoute rather than start unsafely."""
    if ports.identity_settings.dev_sign_in and ports.shape != "all-in-one":
        raise WrongShape("SWITCHBOARD_IDENTITY__DEV_SIGN_IN works with `switchboard up` only: turn it off.")
    app = FastAPI(
        title="Switchboard",
        version="0.1.0",
        summary="Ask the company's documents; answers carry checked citations.",
        description=_DESCRIPTION,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    _provide_services(app, ports)
    for router in api.ROUTERS + (api.DEV_ROUTERS if ports.identity_settings.dev_sign_in else ()):
        app.include_router(router)
    install(app)
    publish(app)
    # The last added is the outermost.
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestContext)
    check_guarded(app, GUARDS)
    return app


def _provide_services(app: FastAPI, ports: PlatformPorts) -> None:
    ports.trusted.replace(OWN_ISSUER, ports.signing_key.jwks())
    provide(app, Database, ports.database)
    provide(app, SigningKey, ports.signing_key)
    provide(app, Minter, ports.minter)
    provide(app, Tokens, Tokens.trusting(ports.trusted, ports.clock))
    provide(app, Identity, Identity(ports.database, ports.clock))
    provide(app, Grants, Grants(ports.database, cast(GrantStore, ports.redis), ports.clock))
    provide(app, Health, _health(ports))


def _health(ports: PlatformPorts) -> Health:
    return Health(
        required={"database": ports.database.ready},
        useful={"redis": cast(Check, ports.redis.ping)},
    )


_DESCRIPTION = """\
Every error is `application/problem+json` (RFC 9457) with `code`, `detail`, `hint` and `request_id`.
Lists page by `cursor`. Uploads and other writes accept `Idempotency-Key`.
Sign in with `Authorization: Bearer <API key or token>`.
"""
