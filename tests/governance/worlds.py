"""Random worlds (SPEC 6, 9): organisations, servers, tools and people, and an oracle of who may use what.

The oracle is written from the sentences of the specification, slowly and in other ways than the product:
names by trying, requirements by a least fixed point, so that a circle never gets a start.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal
from uuid import UUID, uuid5

from access.principal import Principal, TurnLimits
from kit.wire.mcp import definition_hash
from kit.wire.tools import RELEASE, RegisteredServer, RegisteredTool, Registry

_SPACE = UUID("6f0f7a3e-8f53-4c3b-9f57-0a1f3c0c7c11")
NORTH, SOUTH, EMPTY_HOUSE = (uuid5(_SPACE, name) for name in ("north", "south", "empty"))
ROLES = ("User", "OrgAdmin", "Contractor")
GROUPS = ("operations", "finance", "night")
AGENTS = ("booking", "research")
CHANNELS = ("slack", "teams", "api")
PERMISSIONS = ("query_kb", "manage_tools")
TOOLS = tuple(f"tool_{letter}" for letter in "abcdef")

Verdict = Literal["offered", "quarantined", "unknown"]


@dataclass(frozen=True)
class World:
    """drifted: (server's organisation, server, own name) of tools whose server lists something else."""

    registry: Registry
    drifted: frozenset[tuple[UUID | None, str, str]]
    people: tuple[Principal, ...]


@dataclass(frozen=True)
class Seen:
    """A tool of an organisation: its name on /mcp, and whose it is."""

    name: str
    server: RegisteredServer
    tool: RegisteredTool


def world(seed: int) -> World:
    chance = Random(f"world {seed}")
    servers = [_server(chance, organisation, name) for organisation, name in _placed(chance)]
    drifted = frozenset(
        (server.organisation_id, server.name, tool.name)
        for server in servers
        for tool in server.tools
        if chance.random() < 0.08
    )
    people = tuple(_person(chance, number) for number in range(4))
    return World(Registry(version=f"world-{seed}", servers=servers), drifted, people)


def seen(registry: Registry, organisation: UUID) -> list[Seen]:
    """What exists for an organisation, with the name that it has there on /mcp."""
    theirs = [one for one in registry.servers if one.organisation_id == organisation]
    replaced = {one.name for one in theirs}
    everyones = [one for one in registry.servers if one.organisation_id is None and one.name not in replaced]
    running = [one for one in [*everyones, *theirs] if not one.disabled]
    found: list[Seen] = []
    for own_name in dict.fromkeys(tool.name for server in running for tool in server.tools):
        holders = [(s, t) for s in running for t in s.tools if t.name == own_name]
        ours = [each for each in holders if each[1].approved_by == RELEASE]
        common = [each for each in holders if each[0].organisation_id is None]
        keeps = min(ours or common or holders, key=lambda each: each[0].name)
        found += [
            Seen(own_name if each is keeps else f"{each[0].name}.{own_name}", *each) for each in holders
        ]
    return found


def allowed(who: Principal, tool: RegisteredTool) -> bool:
    """By the allowlists alone: role, permission, group, agent, channel, privacy."""
    channel = "api" if who.acting_via is None else who.acting_via
    asked = [
        not tool.roles or any(role in tool.roles for role in who.roles),
        not tool.groups or any(group in tool.groups for group in who.groups),
        not tool.agents or who.limits.agent in tool.agents,
        not tool.channels or channel in tool.channels,
        tool.permission is None or tool.permission in who.permissions,
        tool.privacy_compatible or not who.limits.privacy,
    ]
    return all(asked)


def verdicts(world: World, who: Principal) -> dict[str, Verdict]:
    """By name on /mcp, for all that exists for the organisation of `who`."""
    known = seen(world.registry, who.organisation_id)
    held = {each.name for each in known if _held(world, each)}
    good = {each.name for each in known if each.name not in held and allowed(who, each.tool)}
    offered: set[str] = set()
    while grown := {
        each.name
        for each in known
        if each.name in good - offered and all(name in offered for name in each.tool.requires)
    }:
        offered |= grown
    found: dict[str, Verdict] = {}
    for each in known:
        complete = all(name in offered for name in each.tool.requires)
        if each.name in offered:
            found[each.name] = "offered"
        elif each.name in held and allowed(who, each.tool) and complete:
            found[each.name] = "quarantined"
        else:
            found[each.name] = "unknown"
    return found


def app_of(organisation: UUID | None, server: str) -> str:
    """What serves it, where somebody does: each server has an app of its own."""
    return f"{organisation or 'everyone'}-{server}"


def definition(name: str) -> dict[str, Any]:
    return {"name": name, "description": f"What {name} does.", "inputSchema": {"type": "object"}}


def _held(world: World, each: Seen) -> bool:
    place = (each.server.organisation_id, each.server.name, each.tool.name)
    return each.tool.quarantined is not None or place in world.drifted


def _placed(chance: Random) -> Iterable[tuple[UUID | None, str]]:
    names = ["crm", "docs", "files"]
    for name in names:
        if chance.random() < 0.8:
            yield None, name
    for organisation in (NORTH, SOUTH):
        for name in ("crm", "local", "zoo"):
            if chance.random() < 0.4:
                yield organisation, name


def _server(chance: Random, organisation: UUID | None, name: str) -> RegisteredServer:
    ours = organisation is None and name == "docs"
    chosen = chance.sample(TOOLS, chance.randint(1, 4))
    return RegisteredServer(
        name=name,
        address=f"inproc:{app_of(organisation, name)}",
        audience=f"server:{organisation or 'all'}:{name}",
        tools=[_tool(chance, tool, RELEASE if ours else "ada", name) for tool in chosen],
        organisation_id=organisation,
        disabled=chance.random() < 0.1,
    )


def _tool(chance: Random, name: str, approved_by: str, server: str) -> RegisteredTool:
    defined = definition(name)
    return RegisteredTool(
        name=name,
        definition=defined,
        definition_hash=definition_hash(defined),
        approved_by=approved_by,
        category="test",
        risk="read",
        cost_tier="free",
        privacy_compatible=chance.random() < 0.7,
        roles=_some(chance, ROLES, 0.3),
        groups=_some(chance, GROUPS, 0.2),
        agents=_some(chance, AGENTS, 0.15),
        channels=_some(chance, CHANNELS, 0.2),
        permission=chance.choice(PERMISSIONS) if chance.random() < 0.2 else None,
        requires=_some(chance, (*TOOLS, "crm.tool_a", "gone"), 0.3, most=2),
        quarantined="a reason" if chance.random() < 0.06 else None,
    )


def _person(chance: Random, number: int) -> Principal:
    return Principal(
        organisation_id=chance.choice((NORTH, NORTH, SOUTH, EMPTY_HOUSE)),
        id=uuid5(_SPACE, f"person {number}"),
        name=f"person {number}",
        groups=frozenset(_some(chance, GROUPS, 0.8)),
        roles=frozenset(_some(chance, ROLES, 0.9)),
        permissions=frozenset(_some(chance, PERMISSIONS, 0.7)),
        acting_via=chance.choice((None, None, "slack", "teams")),
        limits=TurnLimits(
            privacy=chance.random() < 0.3, agent=chance.choice((None, None, "booking", "research"))
        ),
    )


def _some(chance: Random, of: Sequence[str], how_often: float, most: int = 2) -> list[str]:
    return chance.sample(of, chance.randint(1, most)) if chance.random() < how_often else []
