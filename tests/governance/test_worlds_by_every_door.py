"""What a person is offered is the same over REST and for an agent, and all of it can be called."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from access.principal import Principal, TurnLimits, permissions_of
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.wire.tools import Registry
from knowledge.index import Index
from knowledge.search import Search
from platform_api.agents.definitions import AgentDefinition, AgentSettings, Definitions
from platform_api.agents.framework import FrameworkRuntime
from platform_api.agents.port import Conversation
from platform_api.app import build_app
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID, ensure_dev_people
from platform_api.identity.grants import Grants
from platform_api.toolbox.gateway import HttpToolGateway
from ports.db import Database
from tests.governance.worlds import NORTH, TOOLS, World, app_of, definition, verdicts, world
from tests.platform_api.agents.test_runtime import ScriptedModel
from tests.platform_api.people import People, platform_ports
from tests.platform_api.reading import embedder
from tests.tools.replicas import replica
from tests.tools.upstreams import Echo
from tests.tools.world import HeldPlatform, served
from tools.gateway.app import Gateway

SERVERS = ("crm", "docs", "files", "local", "zoo")
FREE = AgentDefinition(name="free", instructions="Help.", tools=["*"])
NAMES = {*TOOLS, *(f"{server}.{name}" for server in SERVERS for name in TOOLS), "gone"}


def spoken(params: dict[str, Any]) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": "done"}], "resultType": "complete"}


@dataclass
class House:
    """A platform and a gateway that a test gives a registry."""

    gateway: Gateway
    held: HeldPlatform
    apps: dict[str, Echo]
    people: People
    tools: HttpToolGateway

    async def enter(self, made: World) -> World:
        """The world with the platform's organisation in the place of the first one."""
        servers = [
            server.model_copy(update={"organisation_id": ORGANISATION_ID})
            if server.organisation_id == NORTH
            else server
            for server in made.registry.servers
        ]
        drifted = {(self._here(organisation), server, name) for organisation, server, name in made.drifted}
        version = f"{made.registry.version}-here"
        moved = World(Registry(version=version, servers=servers), frozenset(drifted), ())
        for server in servers:
            wrong = {name for organisation, of, name in drifted if (organisation, of) == _place(server)}
            self.apps[server.address.removeprefix("inproc:")].lists = [
                definition(name) | ({"title": "Something else"} if name in wrong else {}) for name in TOOLS
            ]
        self.held.current = moved.registry
        await self.gateway.holder.refresh()
        await self.gateway.pins.compare_all()
        return moved

    @staticmethod
    def _here(organisation: UUID | None) -> UUID | None:
        return ORGANISATION_ID if organisation == NORTH else organisation


def _place(server: Any) -> tuple[UUID | None, str]:
    return server.organisation_id, server.name


@asynccontextmanager
async def house(folder: Path, database: Database, redis: Redis, index: Index) -> AsyncIterator[House]:
    key, clock = SigningKey.generate(), SystemClock()
    held = HeldPlatform(world(0).registry)
    organisations = {server.organisation_id for seed in range(50) for server in world(seed).registry.servers}
    apps = {
        app_of(organisation, name): Echo(answers=spoken) for organisation in organisations for name in SERVERS
    }
    served_apps: dict[str, Any] = dict(apps)
    gateway = replica(
        held.current, folder / "gateway", redis, SigningKey.generate(), key, clock, held, served_apps
    )
    async with served(gateway) as url:
        ports = platform_ports(
            database,
            redis,
            folder,
            index=index,
            search=Search(index, embedder()),
            signing_key=key,
            minter=Minter(key, "platform", clock),
            gateway_url=url,
        )
        app = build_app(ports)
        await ensure_dev_people(database)
        tools = HttpToolGateway(url, ports.minter, Grants(redis, database, clock))
        async with app.router.lifespan_context(app), People(ports, app) as people:
            try:
                yield House(gateway, held, apps, people, tools)
            finally:
                await tools.stop()


def as_the_gateway_sees(name: str, **limits: Any) -> Principal:
    """Rights and groups of the people that come with the platform; see `dev_people`."""
    person = DEV_PEOPLE[name]
    return Principal(
        ORGANISATION_ID,
        person.id,
        name=person.full_name,
        groups=frozenset({person.group}),
        roles=frozenset({person.role}),
        permissions=permissions_of([person.role]),
        limits=TurnLimits(**limits),
    )


def offered(made: World, who: Principal) -> set[str]:
    return {name for name, verdict in verdicts(made, who).items() if verdict == "offered"}


async def over_rest(house: House, made: World, name: str) -> None:
    client, who = getattr(house.people, name), as_the_gateway_sees(name)
    expected = verdicts(made, who)
    listed = (await client.get("/api/v1/tools")).json()["items"]
    assert {tool["name"] for tool in listed} == offered(made, who)
    for tool in sorted(NAMES):
        answer = await client.post(f"/api/v1/tools/{tool}/invoke", json={"arguments": {}})
        match expected.get(tool, "unknown"):
            case "offered":
                assert answer.status_code == 200, (tool, answer.text)
                assert answer.json()["is_error"] is False
            case "quarantined":
                assert answer.json()["is_error"] is True
            case _:
                assert (answer.status_code, answer.json()["code"]) == (404, "no_such_tool"), tool


async def by_agent(house: House, made: World, who: Principal) -> None:
    """What the framework puts before the model, and what of it can be called in the same turn."""
    model = ScriptedModel(["Nothing to say."])
    agent = FrameworkRuntime(model, house.tools, Definitions({"free": FREE}), AgentSettings())
    async for _ in agent.run(who, Conversation("What can you do?"), "free"):
        pass
    shown = {function.name for function in model.calls[0]["options"].get("tools") or ()}
    assert shown == offered(made, who)
    for name in sorted(shown):
        assert not (await house.tools.call(who, name, {})).is_error


@pytest.mark.proves("GOV-210")
@pytest.mark.parametrize("worlds", [range(1), pytest.param(range(1, 40), marks=pytest.mark.full)])
@pytest.mark.timeout(600)
async def test_every_door_offers_the_same_and_it_can_be_called(
    tmp_path: Path, database: Database, redis: Redis, index: Index, worlds: range
) -> None:
    async with house(tmp_path, database, redis, index) as made_house:
        for seed in worlds:
            made = await made_house.enter(world(seed))
            await asyncio.gather(*(over_rest(made_house, made, name) for name in DEV_PEOPLE))
            for name in DEV_PEOPLE:
                for limits in ({}, {"privacy": True}, {"agent": "booking"}):
                    who = as_the_gateway_sees(name, **limits)
                    await by_agent(made_house, made, who)
                    through = replace(who, acting_via="slack")
                    await by_agent(made_house, made, through)
