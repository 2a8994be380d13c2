"""The registry, compiled: what a call needs of a tool, ready to use.

Every organisation has a view of its own: its servers and everyone's. What another organisation registered
is not in it, so it is neither seen, nor takes a name, nor changes how a tool is called.

Names are global within a view (see kit/tool_names.py); on /servers/{server}/mcp a tool keeps its own.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID

import jsonschema_rs
import msgspec
import structlog

from kit.requires import resolved
from kit.schemas import compiled_schema
from kit.tool_names import Named, names_on_mcp
from kit.wire.mcp import definition_hash
from kit.wire.tools import (
    RELEASE,
    Approval,
    Credential,
    RegisteredServer,
    RegisteredTool,
    Registry,
    approval_of,
    seen_by,
)
from tools.gateway.rules import Rule, rule_of, rule_of_shared
from tools.gateway.upstreams.openapi import OPENAPI
from tools.gateway.upstreams.reach import GUARDED
from tools.gateway.upstreams.stdio import OF_ORGANISATION, STDIO

OUR_AUDIENCES = frozenset({"platform", "gateway"})
"""A token made out to one of these opens more than a tool server."""
_LONGEST = 128
MIRROR = "x-mcp-header"
_log = structlog.get_logger()


class BadRegistry(ValueError):
    """It contradicts itself, so none of it is taken over; the text says where."""


@dataclass(frozen=True, slots=True, eq=False)
class OfferedTool:
    """An approved tool. `name`: on /mcp; `own_name`: its server's. `listed`: its MCP tool object as JSON.

    server_key, id: of the server and of the tool, unique over all organisations; names are not.
    mirrored: arguments that travel as headers too (path, header), by 2026-07-28's x-mcp-header.
    """

    name: str
    server: str
    address: str
    audience: str
    policy: RegisteredTool
    listed: bytes
    arguments: jsonschema_rs.Validator
    rule: Rule
    server_key: str
    id: str
    own_name: str = ""
    approval: Approval | None = None
    """None: nobody has to agree to its calls."""
    mirrored: tuple[tuple[tuple[str, ...], str], ...] = ()
    credential: Credential = "switchboard"
    """What a request to its server carries."""

    def listed_as(self, name: str) -> bytes:
        return msgspec.json.encode({**self.policy.definition, "name": name})


Needs = Mapping[str, tuple[OfferedTool, ...] | None]
"""By a tool's id, of those that require any: all that they require; None: nobody can be offered it."""


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """One version of the registry; replaced as a whole, never changed.

    This is what exists for those whose organisation has no servers of its own; `seen_by` is anybody's.
    own: by server and the server's own name. shared: by server, what stands for its resources, prompts.
    """

    version: str
    servers: Mapping[str, RegisteredServer]
    tools: Mapping[str, OfferedTool]
    own: Mapping[tuple[str, str], OfferedTool] = field(default_factory=dict[tuple[str, str], OfferedTool])
    shared: Mapping[str, OfferedTool] = field(default_factory=dict[str, OfferedTool])
    needs: Needs = field(default_factory=dict[str, tuple[OfferedTool, ...] | None])
    by_server: Mapping[str, Sequence[OfferedTool]] = field(default_factory=dict[str, list[OfferedTool]])
    views: Mapping[UUID, "Catalogue"] = field(default_factory=dict[UUID, "Catalogue"])
    everything: Mapping[str, RegisteredServer] = field(default_factory=dict[str, RegisteredServer])
    """By server key, the servers of all organisations: for the gateway itself, never for a caller."""
    offers: Mapping[str, OfferedTool] = field(default_factory=dict[str, OfferedTool])
    """By id, the tools of all organisations, under their own names."""
    offers_of: Mapping[str, Sequence[OfferedTool]] = field(default_factory=dict[str, list[OfferedTool]])
    """The same by server key."""
    mirrors: bool = False
    """Whether any tool of any organisation wants arguments mirrored in headers."""

    def seen_by(self, organisation_id: UUID | None) -> "Catalogue":
        return self if organisation_id is None else self.views.get(organisation_id, self)

    def of(self, server: str) -> Sequence[OfferedTool]:
        return self.by_server.get(server, ())

    def find(self, name: str, server: str | None) -> OfferedTool | None:
        """By its name on /mcp, or on the endpoint of one server by the name that this server uses."""
        if server is None:
            return self.tools.get(name)
        return self.own.get((server, name))


EMPTY = Catalogue("", {}, {})


def server_key(server: RegisteredServer) -> str:
    """Unique over all organisations: names are not."""
    return server.name if server.organisation_id is None else f"{server.organisation_id}/{server.name}"


def address_of(server: RegisteredServer) -> str:
    """As connections are kept by: two servers whose connections must differ never share one."""
    if server.address.startswith(OPENAPI):
        return f"{OPENAPI}{server_key(server)}"
    if server.organisation_id is None:
        return server.address
    if server.address.startswith(STDIO):
        return f"{server.address}{OF_ORGANISATION}{server.organisation_id}"
    return f"{GUARDED}{server.address}" if server.address.startswith(("http:", "https:")) else server.address


def compiled(registry: Registry, before: Catalogue = EMPTY) -> Catalogue:
    """A tool whose schema does not compile, or that is not what its own hash says, is left out; so is a
    server whose tokens would be good elsewhere. What has not changed since `before` is not compiled again.

    Raises BadRegistry.
    """
    _consistent(registry)
    servers = list(_apart(server for server in registry.servers if not server.disabled))
    offers = {tool.id: tool for tool in _offered(servers, before.offers)}
    everything = {server_key(server): server for server in servers}

    def view(organisation_id: UUID | None) -> Catalogue:
        # what an organisation has switched off does not come back as everyone's of the same name
        seen = seen_by(registry.servers, organisation_id)
        return _view(registry.version, [one for one in seen if server_key(one) in everything], offers)

    organisations = {server.organisation_id for server in registry.servers}
    views = {organisation: view(organisation) for organisation in organisations if organisation is not None}
    root = view(None)
    offers_of: dict[str, list[OfferedTool]] = {}
    for tool in offers.values():
        offers_of.setdefault(tool.server_key, []).append(tool)
    return replace(
        root,
        views=views,
        everything=everything,
        offers=offers,
        offers_of=offers_of,
        mirrors=any(tool.mirrored for tool in offers.values()),
    )


def withheld(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """(tool, reason): what nobody of this view can be offered, for admins."""
    found = resolved({name: tool.policy.requires for name, tool in catalogue.tools.items()})
    return ((name, need.problem) for name, need in found.items() if need.problem is not None)


def _consistent(registry: Registry) -> None:
    seen: set[str] = set()
    for server in registry.servers:
        key = server_key(server)
        if key in seen:
            raise BadRegistry(f"Two servers are called '{key}'.")
        seen.add(key)
        names = [tool.name for tool in server.tools]
        twice = next((name for name in names if names.count(name) > 1), None) if _doubled(names) else None
        if twice is not None:
            raise BadRegistry(f"The server '{key}' has two tools called '{twice}'.")


def _doubled(names: Sequence[str]) -> bool:
    return len(set(names)) < len(names)


def _view(version: str, servers: Sequence[RegisteredServer], offers: Mapping[str, OfferedTool]) -> Catalogue:
    theirs = [
        offers[key]
        for server in servers
        for tool in server.tools
        if (key := _id(server, tool.name)) in offers
    ]
    everyones = {server.name for server in servers if server.organisation_id is None}
    tools = {tool.name: tool for tool in _named(theirs, everyones)}
    by_server: dict[str, list[OfferedTool]] = {}
    for tool in tools.values():
        by_server.setdefault(tool.server, []).append(tool)
    return Catalogue(
        version,
        {server.name: server for server in servers},
        tools,
        {(tool.server, tool.own_name): tool for tool in tools.values()},
        {server.name: _stand_in(server) for server in servers if server.shares},
        _needs(tools),
        by_server,
    )


def _needs(tools: Mapping[str, OfferedTool]) -> Needs:
    requires = {name: tool.policy.requires for name, tool in tools.items()}
    if not any(requires.values()):
        return {}
    return {
        tools[name].id: None if need.problem else tuple(tools[needed] for needed in sorted(need.all))
        for name, need in resolved(requires).items()
        if requires[name]
    }


def _apart(servers: Iterable[RegisteredServer]) -> Iterator[RegisteredServer]:
    """What one server is given in a caller's name must be of no use to it anywhere else."""
    taken: set[str] = set()
    ours_first = sorted(servers, key=lambda one: (not _of_the_release(one), one.organisation_id is not None))
    for server in ours_first:
        if server.audience in OUR_AUDIENCES or server.audience in taken:
            _log.error("gateway.server_audience_in_use", server=server_key(server), audience=server.audience)
        elif not _legible(server.name):
            _log.error("gateway.server_name_unusable", server=server_key(server))
        else:
            taken.add(server.audience)
            yield server


def _of_the_release(server: RegisteredServer) -> bool:
    return any(tool.approved_by == RELEASE for tool in server.tools)


def _legible(name: str) -> bool:
    """Names are compared by people, too: no letters that look like others, none that do not show."""
    return 0 < len(name) <= _LONGEST and name.isascii() and name.isprintable()


def _named(offers: Sequence[OfferedTool], everyones: Container[str]) -> Iterator[OfferedTool]:
    """In the order of the offers, whoever got the name."""
    by = {
        Named(tool.server, tool.own_name, tool.policy.approved_by == RELEASE, tool.server in everyones): tool
        for tool in offers
    }
    names = names_on_mcp(by)
    for named, tool in by.items():
        name = names.get(named)
        if name is None:
            _log.error("gateway.tool_name_taken", tool=tool.own_name, server=tool.server_key)
        elif name == tool.own_name:
            yield tool
        else:
            _log.warning("gateway.tool_name_in_use", tool=tool.own_name, server=tool.server_key, name=name)
            yield replace(tool, name=name, listed=tool.listed_as(name))


def _offered(servers: Iterable[RegisteredServer], before: Mapping[str, OfferedTool]) -> Iterator[OfferedTool]:
    for server in servers:
        for policy in server.tools:
            known = before.get(_id(server, policy.name))
            if known is not None and _same(known, server, policy):
                yield known
            elif tool := _offer(server, policy):
                yield tool


def _same(known: OfferedTool, server: RegisteredServer, policy: RegisteredTool) -> bool:
    reached = (address_of(server), server.audience, server.credential)
    return (known.address, known.audience, known.credential) == reached and known.policy == policy


def _id(server: RegisteredServer, tool: str) -> str:
    return f"{server_key(server)}/{tool}"


def _offer(server: RegisteredServer, policy: RegisteredTool) -> OfferedTool | None:
    if not _legible(policy.name) or policy.definition.get("name") != policy.name:
        # what a model reads in a list must be what it then calls
        _log.error("gateway.tool_name_unusable", tool=policy.name, server=server_key(server))
        return None
    if definition_hash(policy.definition) != policy.definition_hash:
        _log.error(
            "gateway.tool_hash_differs_from_its_definition", tool=policy.name, server=server_key(server)
        )
        return None
    try:
        arguments = compiled_schema(policy.definition["inputSchema"])
    except (KeyError, ValueError):
        _log.error("gateway.tool_schema_does_not_compile", tool=policy.name, server=server_key(server))
        return None
    return _tool(server, policy, arguments, rule_of(policy))


def _tool(
    server: RegisteredServer, policy: RegisteredTool, arguments: jsonschema_rs.Validator, rule: Rule
) -> OfferedTool:
    return OfferedTool(
        name=policy.name,
        server=server.name,
        address=address_of(server),
        audience=server.audience,
        policy=policy,
        listed=msgspec.json.encode(policy.definition),
        arguments=arguments,
        rule=rule,
        server_key=server_key(server),
        id=_id(server, policy.name),
        own_name=policy.name,
        approval=_approval(policy),
        mirrored=tuple(_mirrored(policy.definition.get("inputSchema"))),
        credential=server.credential,
    )


def _approval(policy: RegisteredTool) -> Approval | None:
    decided = approval_of(policy)
    return None if decided.mode == "never" else decided


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
    return _tool(server, policy, jsonschema_rs.validator_for({}), rule_of_shared(server))


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
