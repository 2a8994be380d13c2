"""The registry, compiled: what a call needs of a tool, ready to use.

Names are global. Where two servers have a tool of one name, the one approved with the release keeps it,
else the server whose name sorts first; the other's is `<server>.<tool>` on /mcp, and keeps its own name
on /servers/{server}/mcp. A new server so never takes a name that was in use by ours; and `<server>.<tool>`
is nobody else's, so no server can pass for another by how it calls a tool.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import jsonschema_rs
import msgspec
import structlog

from kit.wire.mcp import definition_hash
from kit.wire.tools import RegisteredServer, RegisteredTool, Registry

RELEASE = "release"
OUR_AUDIENCES = frozenset({"platform", "gateway"})
"""A token made out to one of these opens more than a tool server."""
_LONGEST = 128
MIRROR = "x-mcp-header"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class OfferedTool:
    """An approved tool. `name`: on /mcp; `own_name`: its server's. `listed`: its MCP tool object as JSON.

    mirrored: arguments that travel as headers too (path, header), by 2026-07-28's x-mcp-header.
    """

    name: str
    server: str
    address: str
    audience: str
    policy: RegisteredTool
    listed: bytes
    arguments: jsonschema_rs.Validator
    roles: frozenset[str]
    own_name: str = ""
    mirrored: tuple[tuple[tuple[str, ...], str], ...] = ()

    def listed_as(self, name: str) -> bytes:
        return msgspec.json.encode({**self.policy.definition, "name": name})


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """One version of the registry; replaced as a whole, never changed.

    own: by server and the server's own name. shared: by server, what stands for its resources, prompts.
    """

    version: str
    servers: Mapping[str, RegisteredServer]
    tools: Mapping[str, OfferedTool]
    own: Mapping[tuple[str, str], OfferedTool] = field(default_factory=dict[tuple[str, str], OfferedTool])
    shared: Mapping[str, OfferedTool] = field(default_factory=dict[str, OfferedTool])

    def of(self, server: str) -> list[OfferedTool]:
        return [tool for tool in self.tools.values() if tool.server == server]

    def find(self, name: str, server: str | None) -> OfferedTool | None:
        """By its name on /mcp, or on the endpoint of one server by the name that this server uses."""
        if server is None:
            return self.tools.get(name)
        return self.own.get((server, name))


EMPTY = Catalogue("", {}, {})


def compiled(registry: Registry) -> Catalogue:
    """A tool whose schema does not compile, or that is not what its own hash says, is left out; so is a
    server whose tokens would be good elsewhere."""
    registry = registry.model_copy(update={"servers": list(_apart(registry.servers))})
    offers = sorted(_offered(registry), key=lambda tool: (tool.policy.approved_by != RELEASE, tool.server))
    names = _named(offers)
    return Catalogue(
        registry.version,
        {server.name: server for server in registry.servers},
        # listed in the registry's order, whoever got the name
        {tool.name: tool for tool in _in_order(registry, names)},
        {(tool.server, tool.own_name): tool for tool in names},
        {server.name: _stand_in(server) for server in registry.servers if server.shares},
    )


def _apart(servers: Iterable[RegisteredServer]) -> Iterator[RegisteredServer]:
    """What one server is given in a caller's name must be of no use to it anywhere else."""
    taken: set[str] = set()
    for server in sorted(servers, key=lambda server: not _of_the_release(server)):
        if server.audience in OUR_AUDIENCES or server.audience in taken:
            _log.error("gateway.server_audience_in_use", server=server.name, audience=server.audience)
        elif not _legible(server.name):
            _log.error("gateway.server_name_unusable", server=server.name)
        else:
            taken.add(server.audience)
            yield server


def _of_the_release(server: RegisteredServer) -> bool:
    return any(tool.approved_by == RELEASE for tool in server.tools)


def _legible(name: str) -> bool:
    """Names are compared by people, too: no letters that look like others, none that do not show."""
    return 0 < len(name) <= _LONGEST and name.isascii() and name.isprintable()


def _named(offers: Sequence[OfferedTool]) -> list[OfferedTool]:
    taken: dict[str, OfferedTool] = {}
    of = {f"{tool.server}.{tool.own_name}": tool.server for tool in offers}
    for tool in offers:
        theirs = tool.policy.approved_by != RELEASE and of.get(tool.own_name, tool.server) != tool.server
        free = tool.own_name not in taken and not theirs
        name = tool.own_name if free else f"{tool.server}.{tool.own_name}"
        if name in taken:
            _log.error("gateway.tool_name_taken", tool=name, server=tool.server)
            continue
        if name != tool.own_name:
            _log.warning("gateway.tool_name_in_use", tool=tool.own_name, server=tool.server, name=name)
        taken[name] = tool if name == tool.name else replace(tool, name=name, listed=tool.listed_as(name))
    return list(taken.values())


def _in_order(registry: Registry, tools: Iterable[OfferedTool]) -> list[OfferedTool]:
    place = {
        (server.name, tool.name): number
        for number, (server, tool) in enumerate(
            (server, tool) for server in registry.servers for tool in server.tools
        )
    }
    return sorted(tools, key=lambda tool: place[tool.server, tool.own_name])


def _offered(registry: Registry) -> Iterator[OfferedTool]:
    for server in registry.servers:
        for policy in server.tools:
            tool = _offer(server, policy)
            if tool:
                yield tool


def _offer(server: RegisteredServer, policy: RegisteredTool) -> OfferedTool | None:
    if not _legible(policy.name) or policy.definition.get("name") != policy.name:
        # what a model reads in a list must be what it then calls
        _log.error("gateway.tool_name_unusable", tool=policy.name, server=server.name)
        return None
    if definition_hash(policy.definition) != policy.definition_hash:
        _log.error("gateway.tool_hash_differs_from_its_definition", tool=policy.name, server=server.name)
        return None
    try:
        # formats are ignored unless asked for
        arguments = jsonschema_rs.validator_for(policy.definition["inputSchema"], validate_formats=True)
    except (KeyError, ValueError):
        _log.error("gateway.tool_schema_does_not_compile", tool=policy.name, server=server.name)
        return None
    return _tool(server, policy, arguments)


def _tool(
    server: RegisteredServer, policy: RegisteredTool, arguments: jsonschema_rs.Validator
) -> OfferedTool:
    return OfferedTool(
        name=policy.name,
        server=server.name,
        address=server.address,
        audience=server.audience,
        policy=policy,
        listed=msgspec.json.encode(policy.definition),
        arguments=arguments,
        roles=frozenset(policy.roles),
        own_name=policy.name,
        mirrored=tuple(_mirrored(policy.definition.get("inputSchema"))),
    )


def _stand_in(server: RegisteredServer) -> OfferedTool:
    """Policies are about tools: this is one for everything that the server shares beside them."""
    policy = RegisteredTool(
        name=f"{server.name}:shared",
        definition={},
        definition_hash="",
        approved_by=RELEASE,
        category="shared",
        risk="read",
        cost_tier="free",
        privacy_compatible=server.privacy_compatible,
        roles=server.roles,
        permission=server.permission,
        idempotent=True,
    )
    return _tool(server, policy, jsonschema_rs.validator_for({}))


def _mirrored(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Only what chains of `properties` reach can be mirrored."""
    properties: Any = cast(dict[str, Any], schema).get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or len(path) > 8:
        return
    for name, inner in cast(dict[str, Any], properties).items():
        if isinstance(inner, dict):
            header = cast(dict[str, Any], inner).get(MIRROR)
            if isinstance(header, str) and header.isascii() and header.replace("-", "").isalnum():
                yield (*path, name), header
            yield from _mirrored(inner, (*path, name))
