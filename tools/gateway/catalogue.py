"""The registry, compiled: what a call needs of a tool, ready to use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import jsonschema_rs
import msgspec
import structlog

from kit.wire.mcp import definition_hash
from kit.wire.tools import RegisteredServer, RegisteredTool, Registry

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class OfferedTool:
    """An approved tool. `listed`: its MCP tool object as JSON."""

    name: str
    server: str
    address: str
    audience: str
    policy: RegisteredTool
    listed: bytes
    arguments: jsonschema_rs.Validator
    roles: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """One version of the registry; replaced as a whole, never changed."""

    version: str
    servers: Mapping[str, RegisteredServer]
    tools: Mapping[str, OfferedTool]

    def of(self, server: str) -> list[OfferedTool]:
        return [tool for tool in self.tools.values() if tool.server == server]


EMPTY = Catalogue("", {}, {})


def compiled(registry: Registry) -> Catalogue:
    """A tool whose schema does not compile, or that is not what its own hash says, is left out."""
    tools: dict[str, OfferedTool] = {}
    for tool in _offered(registry):
        if tool.name in tools:
            _log.error("gateway.tool_name_taken", tool=tool.name, server=tool.server)
        else:
            tools[tool.name] = tool
    return Catalogue(registry.version, {server.name: server for server in registry.servers}, tools)


def _offered(registry: Registry) -> Iterator[OfferedTool]:
    for server in registry.servers:
        for policy in server.tools:
            tool = _offer(server, policy)
            if tool:
                yield tool


def _offer(server: RegisteredServer, policy: RegisteredTool) -> OfferedTool | None:
    if definition_hash(policy.definition) != policy.definition_hash:
        _log.error("gateway.tool_hash_differs_from_its_definition", tool=policy.name, server=server.name)
        return None
    try:
        # formats are ignored unless asked for
        arguments = jsonschema_rs.validator_for(policy.definition["inputSchema"], validate_formats=True)
    except (KeyError, ValueError):
        _log.error("gateway.tool_schema_does_not_compile", tool=policy.name, server=server.name)
        return None
    return OfferedTool(
        name=policy.name,
        server=server.name,
        address=server.address,
        audience=server.audience,
        policy=policy,
        listed=msgspec.json.encode(policy.definition),
        arguments=arguments,
        roles=frozenset(policy.roles),
    )
