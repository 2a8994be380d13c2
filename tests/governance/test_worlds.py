"""Who is offered a tool may call it, and nobody else: in a thousand random worlds, by every door."""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest

from access.principal import Principal
from kit.wire.tools import Registry
from tests.governance.worlds import NORTH, SOUTH, World, seen, verdicts, world
from tests.tools.gateway.links import OK
from tools.gateway.call import Call, Handler, Reply, UnknownTool
from tools.gateway.callers import Caller
from tools.gateway.catalogue import Catalogue, compiled
from tools.gateway.protocol.envelope import Message
from tools.gateway.protocol.era import Methods, Where
from tools.gateway.wrappers.authorise import authorised
from tools.gateway.wrappers.pinned import Quarantined, pinned

QUICK, ALL = 250, 1000
_LIST = Message("tools/list", 1, {})


class Pins:
    """Every server was compared, and `quarantined` is what came of it."""

    def __init__(self, catalogue: Catalogue, drifted: frozenset[tuple[UUID | None, str, str]]) -> None:
        self.quarantined = frozenset(
            tool.id
            for tool in catalogue.offers.values()
            if (catalogue.everything[tool.server_key].organisation_id, tool.server, tool.own_name) in drifted
        )

    def compared(self, tool: Any) -> bool:
        return True


class Door:
    """The gateway's own listing and its own wrappers, without what is around them."""

    def __init__(self, registry: Registry, drifted: frozenset[tuple[UUID | None, str, str]]) -> None:
        class Holder:
            current = compiled(registry)

        holder: Any = Holder()
        pins: Any = Pins(holder.current, drifted)
        self._methods = Methods(cast(Any, None), cast(Any, None), holder, pins, cast(Any, None))
        self._chain: Handler = authorised(pinned(self._reached, pins), holder, pins)

    def listed(self, who: Principal, server: str | None = None) -> list[dict[str, Any]]:
        told = self._methods.list_tools(_caller(who), _LIST, Where(server), stateless=True)
        return msgspec.json.decode(told)["tools"]

    async def called(self, who: Principal, name: str, server: str | None = None) -> str:
        call = Call(name, {}, "", server)
        call.caller = _caller(who)
        try:
            assert await self._chain(call) is OK
        except UnknownTool:
            return "unknown"
        except Quarantined:
            return "quarantined"
        return "offered"

    async def _reached(self, call: Call) -> Reply:
        return OK


@cache
def _caller(who: Principal) -> Caller:
    return Caller(who, who.access_keys, 2e9, str(who.organisation_id), str(who.id))


def _names(tools: Sequence[dict[str, Any]]) -> list[str]:
    return [tool["name"] for tool in tools]


async def agree(made: World) -> None:
    door = Door(made.registry, made.drifted)
    everything = {each.name for org in (NORTH, SOUTH) for each in seen(made.registry, org)} | {"gone", "crm."}
    for who in made.people:
        expected = verdicts(made, who)
        listed = _names(door.listed(who))
        assert len(listed) == len(set(listed))
        assert set(listed) == {name for name, verdict in expected.items() if verdict == "offered"}
        for name in everything | expected.keys():
            assert await door.called(who, name) == expected.get(name, "unknown"), name
        await _agree_on_each_server(made, door, who)


async def _agree_on_each_server(made: World, door: Door, who: Principal) -> None:
    expected, known = verdicts(made, who), seen(made.registry, who.organisation_id)
    for server in ("crm", "docs", "files", "local", "zoo"):
        theirs = {each.tool.name: expected[each.name] for each in known if each.server.name == server}
        listed = _names(door.listed(who, server))
        assert set(listed) == {name for name, verdict in theirs.items() if verdict == "offered"}
        for name in ("tool_a", "tool_b", "tool_c", "tool_d", "tool_e", "tool_f"):
            assert await door.called(who, name, server) == theirs.get(name, "unknown"), (server, name)


@pytest.mark.proves("GOV-201")
@pytest.mark.parametrize("worlds", [QUICK, pytest.param(ALL, marks=pytest.mark.full)])
def test_listing_calling_and_the_specification_agree(worlds: int) -> None:
    async def all_of_them() -> None:
        for seed in range(worlds):
            await agree(world(seed))

    asyncio.run(all_of_them())


@pytest.mark.proves("GOV-202")
def test_what_another_organisation_registers_changes_nothing_for_this_one() -> None:
    """Not a tool, not a name, not an order, not a byte of the listing."""
    for seed in range(60):
        made = world(seed)
        for who in made.people:
            without = [
                server
                for server in made.registry.servers
                if server.organisation_id in (None, who.organisation_id)
            ]
            alone = made.registry.model_copy(update={"servers": without})
            assert Door(made.registry, made.drifted).listed(who) == Door(alone, made.drifted).listed(who)


def test_the_worlds_are_worth_looking_at() -> None:
    """Every verdict, every reason for one, and names that two servers want."""
    worlds = [world(seed) for seed in range(100)]
    found = [verdicts(made, who) for made in worlds for who in made.people]
    counts = {
        verdict: sum(list(each.values()).count(verdict) for each in found)
        for verdict in ("offered", "quarantined", "unknown")
    }
    assert counts["offered"] > 500
    assert counts["quarantined"] > 50
    assert counts["unknown"] > 500
    assert sum("." in name for each in found for name, verdict in each.items() if verdict == "offered") > 50
    required = [
        each
        for made in worlds
        for who in made.people
        for each in seen(made.registry, who.organisation_id)
        if each.tool.requires and verdicts(made, who)[each.name] == "offered"
    ]
    assert len(required) > 5
