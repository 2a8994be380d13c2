"""The platform with a desk at which its other parts ask people."""

from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from access.principal import Principal
from kit.clock import Clock
from platform_api.app import PlatformPorts
from platform_api.edge import provide
from platform_api.edge.problems import install
from platform_api.edge.rates import RequestRates
from platform_api.identity import Identity
from platform_api.identity import endpoints as identity_endpoints
from platform_api.identity.dev_people import DEV_PEOPLE
from platform_api.identity.principals import OWN_ISSUER, Tokens
from platform_api.interactions import Interactions, endpoints
from platform_api.interactions.one_shots import OneShots
from ports.db import Database
from ports.redis.rates import open_limits
from tests.platform_api.interactions.asks import Desk, Heard
from tests.platform_api.people import People, platform_ports


@pytest.fixture
def ports(database: Database, redis: Redis, tmp_path: Path) -> PlatformPorts:
    """Without an index: no test here looks at documents, and opening one costs more than the rest."""
    return platform_ports(database, redis, tmp_path, index=cast(Any, None), search=cast(Any, None))


@pytest.fixture
def app(ports: PlatformPorts) -> FastAPI:
    """The doors of these domains only; that the whole platform has them is shown by tests that
    build it (a restart) and by those of chat, agents and the console."""
    app = FastAPI()
    ports.trusted.replace(OWN_ISSUER, ports.signing_key.jwks())
    identity = Identity(ports.database, ports.clock)
    interactions = Interactions(ports.database, ports.queue, ports.vault, identity, ports.clock)
    one_shots = OneShots(interactions, ports.clock)
    provide(app, Clock, ports.clock)
    provide(app, Database, ports.database)
    provide(app, Identity, identity)
    provide(app, Tokens, Tokens.trusting(ports.trusted, ports.clock))
    provide(app, RequestRates, RequestRates(ports.rate_settings, open_limits(None, ports.clock, "platform")))
    provide(app, Interactions, interactions)
    provide(app, OneShots, one_shots)
    for router in (endpoints.router, endpoints.internal, identity_endpoints.router):
        app.include_router(router)
    install(app)
    return app


def desk_of(app: FastAPI, people: People) -> Desk:
    provided: dict[type, Any] = app.state.provided
    return Desk(people, provided[Interactions], provided[OneShots], provided[Identity])


@pytest.fixture
def desk(app: FastAPI, people: People) -> Desk:
    return desk_of(app, people)


@pytest.fixture
def heard(desk: Desk) -> Heard:
    """Hears with the platform's own hearers, of which the tests of chat and toolbox speak."""
    hearer = Heard()
    desk.interactions.hears(hearer)
    return hearer


@pytest.fixture
async def maya(desk: Desk) -> Principal:
    return await desk.principal(DEV_PEOPLE["maya"].id)
