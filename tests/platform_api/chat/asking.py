"""Replicas of the platform, a gateway and a server whose tools ask people, all over real HTTP."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from switchboard_sdk import Switchboard

from access.jwks import TrustedKeys
from access.principal import Principal
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.wire.events import InteractionRequested, TurnEvent, TurnStarted
from kit.wire.tools import Registry
from knowledge.index.edge import open_edge
from knowledge.search import Search
from platform_api.agents.definitions import AgentSettings
from platform_api.app import PlatformPorts, build_app
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID, ensure_dev_people
from platform_api.interactions.models import InteractionRow
from platform_api.llm.settings import LlmSettings
from ports.db import Database
from tests.platform_api.llm.model_server import ModelServer, Reply, model_server, text, tool_call
from tests.platform_api.people import platform_ports
from tests.platform_api.reading import embedder
from tests.tools.bridged import DEFINITIONS, SETTINGS, registered
from tests.tools.everything import Era, Told, app_of, everything
from tests.tools.world import HeldPlatform, registry_of, served
from tools.gateway.app import build_gateway

AGENT = "name: helper\ninstructions: Help.\ntools: ['*']\n"
Script = Callable[[list[dict[str, Any]]], Reply]


def calls(name: str, **arguments: Any) -> Script:
    """A model that calls this tool, and then says what the tool said."""

    def reply(messages: list[dict[str, Any]]) -> Reply:
        told = [str(one["content"]) for one in messages if one["role"] == "tool"]
        return text(told[-1]) if told else tool_call(name, json.dumps(arguments))

    return reply


@dataclass
class World:
    """`replicas` are platforms over the same engines; `model` is what they ask."""

    ports: PlatformPorts
    model: ModelServer
    told: Told
    folder: Path
    stack: AsyncExitStack
    urls: list[str] = field(default_factory=list[str])

    def script(self, script: Script) -> None:
        self.model.reply_to = lambda body: script(body["messages"])

    async def start(self) -> str:
        """One more replica; it stops with the world."""
        url = await self.stack.enter_async_context(served(build_app(self.ports)))
        self.urls.append(url)
        return url

    @asynccontextmanager
    async def replica(self) -> AsyncGenerator[str]:
        """One that can be stopped in the middle of a test."""
        async with served(build_app(self.ports)) as url:
            yield url

    async def asked_as(self, interaction_id: UUID) -> dict[str, Any]:
        """The claims within which the turn goes on."""
        async with self.ports.database.begin() as session:
            row = await session.get(InteractionRow, interaction_id)
            assert row is not None
            return dict(row.asked_as)

    async def client(self, url: str = "", person: str = "maya") -> Switchboard:
        who = Principal(organisation_id=ORGANISATION_ID, id=DEV_PEOPLE[person].id)
        token = self.ports.minter.mint(who, "platform", lifetime_s=1800)
        return await self.stack.enter_async_context(Switchboard(url or self.urls[0], token))


@asynccontextmanager
async def world(
    database: Database, redis: Redis, folder: Path, era: Era = "new", risky: str = ""
) -> AsyncGenerator[World]:
    """Without a replica yet. risky: a tool that has to be approved."""
    told = Told()
    await ensure_dev_people(database)
    (folder / "agents").mkdir()
    (folder / "agents" / "helper.yaml").write_text(AGENT)
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(model_server())
        server = await stack.enter_async_context(served(app_of(everything(told), era)))
        key = SigningKey.generate()
        listed = registered("everything", f"{server}/mcp", DEFINITIONS)
        tools = [
            tool.model_copy(update={"risk": "destructive"}) if tool.name == risky else tool
            for tool in listed.tools
        ]
        registry = registry_of([listed.model_copy(update={"tools": tools})])
        gateway = await stack.enter_async_context(_gateway(key, registry, redis, folder))
        index = open_edge(folder / "index", embedder().version, embedder().dimensions)
        stack.push_async_callback(index.close)
        ports = platform_ports(
            database,
            redis,
            folder,
            index=index,
            search=Search(index, embedder()),
            signing_key=key,
            minter=Minter(key, "platform", SystemClock()),
            gateway_url=gateway,
            llm_settings=LlmSettings(provider="openai", base_url=model.url, model="scripted", fallback=False),
            agent_settings=AgentSettings(folder=str(folder / "agents")),
        )
        yield World(ports, model, told, folder, stack)


@asynccontextmanager
async def _gateway(key: SigningKey, registry: Registry, redis: Redis, folder: Path) -> AsyncGenerator[str]:
    own, trusted = SigningKey.generate(), TrustedKeys()
    trusted.replace("platform", key.jwks())
    trusted.replace("gateway", own.jwks())
    gateway = build_gateway(
        SETTINGS,
        platform=HeldPlatform(registry),
        signing_key=own,
        trusted=trusted,
        redis=redis,
        spool_folder=Path(mkdtemp(dir=folder)),
        clock=SystemClock(),
    )
    async with served(gateway) as url:
        yield url


@dataclass
class Heard:
    """The events of one turn."""

    events: Sequence[TurnEvent]

    @property
    def last(self) -> TurnEvent:
        return self.events[-1]

    @property
    def asked(self) -> InteractionRequested:
        assert isinstance(self.last, InteractionRequested), self.last
        return self.last

    @property
    def session_id(self) -> UUID:
        started = self.events[0]
        assert isinstance(started, TurnStarted)
        return started.session_id


async def heard(events: AsyncIterator[TurnEvent]) -> Heard:
    return Heard([event async for event in events])
