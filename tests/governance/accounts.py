"""Platform, gateway, a model and a server that asks for OAuth, all over real HTTP."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from redis.asyncio import Redis
from sqlalchemy import update
from switchboard_sdk import Switchboard

from access.jwks import TrustedKeys
from access.principal import Principal
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.wire.tools import Registry
from knowledge.index.edge import open_edge
from knowledge.search import Search
from launch.child import free_port
from platform_api.agents.definitions import AgentSettings
from platform_api.app import PlatformPorts, build_app
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID, ensure_dev_people
from platform_api.llm.settings import LlmSettings
from platform_api.toolbox.connections.models import ConnectionRow
from platform_api.toolbox.connections.settings import ConnectionsSettings
from ports.db import Database
from ports.http import OutboundSettings
from tests.e2e.signed_in_notes import Live, Notes
from tests.loopback import listening
from tests.platform_api.llm.model_server import ModelServer, model_server
from tests.platform_api.people import platform_ports
from tests.platform_api.reading import embedder
from tests.platform_api.toolbox.connections.authorization_server import AuthorizationServer, Family
from tests.tools.replicas import replica
from tests.tools.world import served
from tools.gateway.app import Gateway
from tools.gateway.platform import HttpPlatform

SECRET = "the client's secret, not to be found"
AGENT = "name: helper\ninstructions: Help.\ntools: ['*']\n"


@dataclass
class World:
    """`notes` is the server; `issuer` is where one signs in to it; `live` saw the tokens that came."""

    ports: PlatformPorts
    gateway: Gateway
    gateway_url: str
    issuer: AuthorizationServer
    live: Live
    model: ModelServer
    folder: Path
    url: str
    stack: AsyncExitStack

    @property
    def refreshes(self) -> list[str]:
        """The refresh tokens that the authorization server was sent."""
        return [one["refresh_token"] for one in self.issuer.seen if one["grant_type"] == "refresh_token"]

    @property
    def family(self) -> Family:
        """Of the newest consent."""
        return self.issuer.families[-1]

    def client(self, name: str) -> Switchboard:
        who = Principal(ORGANISATION_ID, DEV_PEOPLE[name].id)
        return Switchboard(self.url, self.ports.minter.mint(who, "platform", lifetime_s=1800))

    @asynccontextmanager
    async def over_mcp(self, mode: str, **callbacks: Any) -> AsyncIterator[Client]:
        """Maya's, by the Python SDK's client, which nobody here wrote."""
        async with self.client("maya") as maya:
            key = (await maya.api_keys.create("mcp", expires_in_days=1)).key
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False, verify=False) as http:
            transport = streamable_http_client(f"{self.gateway_url}/mcp", http_client=http)
            async with Client(transport, mode=mode, **callbacks) as client:
                yield client

    async def connect(self, name: str = "maya") -> None:
        """As from one's settings."""
        async with self.client(name) as person:
            started = await person.connections.start("notes")
        assert started.url is not None
        await self.in_a_browser(started.url)

    async def in_a_browser(self, link: str) -> None:
        """Our page, the authorization server's, and back."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as browser:
            path = urlsplit(link).path
            page = await browser.get(path)
            seen = re.search(r'name="seen" value="([^"]+)"', page.text)
            there = await browser.post(path, data={"seen": seen[1] if seen else ""})
            assert there.status_code == 303, there.text
            back = urlsplit(self.issuer.authorise(there.headers["location"]))
            done = await browser.get(f"{back.path}?{back.query}")
            assert done.status_code == 200, done.text

    async def refused(self, *, renewable: bool) -> None:
        """The server takes the token in use no longer, an hour after it was issued."""
        if renewable:
            for family in self.issuer.families:
                family.access.clear()
        else:
            self.family.revoked = True
        async with self.ports.database.begin() as session:
            past = self.ports.clock.now() - timedelta(minutes=30)
            await session.execute(update(ConnectionRow).values(issued_at=past))


@asynccontextmanager
async def world(
    database: Database, redis: Redis, folder: Path, *, apart: bool = False
) -> AsyncGenerator[World]:
    """`notes` is registered and approved, Ada connected; Maya is not. apart: tokens are refreshed by the
    courier, a process of its own."""
    own, key, clock = SigningKey.generate(), SigningKey.generate(), SystemClock()
    issuer, trusted = AuthorizationServer(clients={"sb": SECRET}), TrustedKeys()
    trusted.replace("gateway", own.jwks())
    await ensure_dev_people(database)
    (folder / "agents").mkdir()
    (folder / "agents" / "helper.yaml").write_text(AGENT)
    async with AsyncExitStack() as stack:
        issuer.url = await stack.enter_async_context(listening(issuer.app()))
        live = Live(issuer)
        notes = Notes(issuer, live)
        await stack.enter_async_context(notes.running())
        model = await stack.enter_async_context(model_server())
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20, trust_env=False, verify=False))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        link = HttpPlatform(url, http, Minter(own, "gateway", clock))
        outbound = OutboundSettings(
            allowed_hosts=[urlsplit(one).netloc for one in (issuer.url, notes.address)]
        )
        nothing = Registry(version="none", servers=[])
        gateway = replica(nothing, folder / "gateway", redis, own, key, clock, link, outbound=outbound)
        index = open_edge(folder / "index", embedder().version, embedder().dimensions)
        stack.push_async_callback(index.close)
        gateway_port = free_port()
        ports = platform_ports(
            database,
            redis,
            folder / "platform",
            index=index,
            search=Search(index, embedder()),
            trusted=trusted,
            signing_key=key,
            minter=Minter(key, "platform", clock),
            gateway_url=f"http://127.0.0.1:{gateway_port}",
            connections_settings=ConnectionsSettings(public_url=url, refresh_apart=apart),
            outbound_settings=outbound,
            llm_settings=LlmSettings(provider="openai", base_url=model.url, model="scripted", fallback=False),
            agent_settings=AgentSettings(folder=str(folder / "agents")),
        )
        await stack.enter_async_context(served(build_app(ports), port))
        gateway_url = await stack.enter_async_context(served(gateway, gateway_port))
        made = World(ports, gateway, gateway_url, issuer, live, model, folder, url, stack)
        await _registered(made, notes.address)
        yield made


async def _registered(world: World, address: str) -> None:
    async with world.client("ada") as ada:
        known = await ada.mcp_servers.register(name="notes", address=address, credential="stored")
        await ada.connections.set_sign_in("notes", client_id="sb", client_secret=SECRET)
        await world.connect("ada")
        listed = await ada.mcp_servers.definitions(known.id)
        assert listed.items, listed
        await ada.mcp_servers.approve(known.id, policy={"risk": "read"})
    await world.gateway.holder.refresh()
