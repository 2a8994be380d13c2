"""A platform that knows one tool server with a sign-in of its own, and people who connect to it."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from access.principal import Principal
from access.tokens import Minter, SigningKey
from platform_api import app as building
from platform_api.app import PlatformPorts, build_app
from platform_api.edge import provide
from platform_api.edge.body_limit import BodyLimit
from platform_api.edge.problems import install
from platform_api.edge.rates import RequestRates
from platform_api.edge.request_context import RequestContext
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID, ensure_dev_people
from platform_api.toolbox.connections import endpoints, pages
from platform_api.toolbox.connections.broker import Broker
from platform_api.toolbox.connections.credentials import Credentials
from platform_api.toolbox.connections.settings import ConnectionsSettings
from platform_api.toolbox.models import ToolServerRow
from ports.db import Database
from ports.http import OutboundSettings
from ports.redis.rates import open_limits
from tests.clocks import MovedClock
from tests.platform_api.people import People, platform_ports
from tests.platform_api.toolbox.connections.authorization_server import (
    AuthorizationServer,
    ToolServer,
    serving,
)
from tools.gateway.platform import GATEWAY

PUBLIC = "http://127.0.0.1:8000"
SERVER = "notes"
SECRET = "the client's secret +/%"
MAYA = DEV_PEOPLE["maya"].id


@dataclass
class World:
    """`ada` is an admin, `maya` a person, `gateway` the gateway itself."""

    ports: PlatformPorts
    clock: MovedClock
    people: People
    gateway: AsyncClient
    browser: AsyncClient
    issuer: AuthorizationServer
    server: ToolServer
    app: Any

    async def sign_in(self, **said: Any) -> httpx.Response:
        """The admin says how."""
        if "client_id" in said:
            self.issuer.clients[said["client_id"]] = said.get("client_secret")
        path = f"/api/v1/mcp-servers/{SERVER}/sign-in"
        return await self.people.ada.put(path, json=said)

    async def link(self, person: AsyncClient | None = None) -> str:
        """Where Maya, or somebody else, goes to connect."""
        answer = await (person or self.people.maya).post("/api/v1/connections", json={"server": SERVER})
        assert answer.status_code == 201, answer.text
        return urlsplit(answer.json()["url"]).path

    async def to_the_server(self, link: str, browser: AsyncClient | None = None) -> httpx.Response:
        """Through our page: the redirect to the authorization server, if there is one."""
        page = await (browser or self.browser).get(link)
        seen = re.search(r'name="seen" value="([^"]+)"', page.text)
        return await (browser or self.browser).post(link, data={"seen": seen[1] if seen else ""})

    async def back(self, url: str, browser: AsyncClient | None = None) -> httpx.Response:
        """The authorization server sends the browser to us."""
        parts = urlsplit(url)
        return await (browser or self.browser).get(f"{parts.path}?{parts.query}")

    async def connect(self, person: AsyncClient | None = None) -> httpx.Response:
        """Maya, or somebody else, from beginning to end."""
        there = await self.to_the_server(await self.link(person))
        assert there.status_code == 303, there.text
        done = await self.back(self.issuer.authorise(there.headers["location"]))
        assert done.status_code == 200, done.text
        return done

    async def token(self, user_id: UUID | None = MAYA, **more: Any) -> httpx.Response:
        """What the gateway is given."""
        ask = {"organisation_id": str(ORGANISATION_ID), "user_id": str(user_id) if user_id else None, **more}
        return await self.gateway.post(f"/internal/v1/connections/{SERVER}/token", json=ask)


async def register(database: Database, address: str, name: str = SERVER) -> None:
    async with database.begin() as session:
        session.add(
            ToolServerRow(
                id=uuid4(),
                organisation_id=ORGANISATION_ID,
                name=name,
                address=address,
                audience=f"{name}-{uuid4().hex}",
                approved_by="ada",
                credential="stored",
            )
        )


@pytest.fixture
def issuer() -> AuthorizationServer:
    """Its habits may be set before `world` is asked for, by overriding this."""
    return AuthorizationServer()


@pytest.fixture
def whole() -> bool:
    """Whether the platform has all its doors; most tests do without: making those is most of the work."""
    return False


def its_doors(ports: PlatformPorts) -> FastAPI:
    """All that the platform consists of, behind the doors of this domain only."""
    app = FastAPI()
    rates = RequestRates(ports.rate_settings, open_limits(ports.redis_url, ports.clock, "platform"))
    provide(app, RequestRates, rates)
    app.state.running = building._provide_services(app, ports)  # pyright: ignore[reportPrivateUsage] # as it is wired, not another way
    for router in (endpoints.router, endpoints.internal, pages.router):
        app.include_router(router)
    install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestContext)
    return app


@pytest.fixture
async def world(
    database: Database, redis: Any, tmp_path: Any, issuer: AuthorizationServer, whole: bool
) -> AsyncIterator[World]:
    clock, gateway_key = MovedClock(), SigningKey.generate()
    async with serving(issuer) as server:
        hosts = [urlsplit(url).netloc for url in (issuer.url, server.url)]
        ports = platform_ports(
            database,
            redis,
            tmp_path,
            index=None,
            search=None,
            clock=clock,
            connections_settings=ConnectionsSettings(public_url=PUBLIC, refresh_apart=False),
            outbound_settings=OutboundSettings(allowed_hosts=hosts),
        )
        ports.trusted.replace("gateway", gateway_key.jwks())
        app = build_app(ports) if whole else its_doors(ports)
        await ensure_dev_people(database)
        await register(database, server.address)
        token = Minter(gateway_key, "gateway", clock).mint(GATEWAY, "platform", lifetime_s=86_400 * 400)
        client = {"transport": ASGITransport(app), "base_url": PUBLIC}
        async with (
            People(ports, app) as people,
            AsyncClient(**client, headers={"Authorization": f"Bearer {token}"}) as gateway,
            AsyncClient(**client) as browser,
        ):
            for name in ("maya", "tom", "ada"):
                # these tests move the clock by hours
                who = Principal(organisation_id=ORGANISATION_ID, id=DEV_PEOPLE[name].id)
                session = ports.minter.mint(who, "platform", lifetime_s=86_400 * 400)
                getattr(people, name).headers["authorization"] = f"Bearer {session}"
            yield World(ports, clock, people, gateway, browser, issuer, server, app)
            await app.state.provided[Credentials].stop()
            for one in getattr(app.state, "running", ()):
                if isinstance(one, Broker):
                    await one.stop()
