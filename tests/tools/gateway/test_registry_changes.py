"""New registries: taken over at once, as a whole or not at all; organisations apart; what tools require."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError
from redis.asyncio import Redis
from structlog.testing import capture_logs

from access.grants import GrantStore, keep_grant
from access.principal import TurnLimits
from kit.wire.mcp import definition_hash
from kit.wire.tools import DRIFT, RegisteredServer, Registry
from knowledge.index import Index
from tests.tools.gateway.wire import call, error_of, tool_error_of
from tests.tools.upstreams import Echo, definition, server, tool
from tests.tools.world import MAYA, ORGANISATION, Gate, HeldPlatform, person, registry_of, running_gateway
from tools.gateway.platform import PlatformLink
from tools.gateway.registry import RegistryHolder

ELSEWHERE = uuid4()
STRANGER = replace(person("stranger"), organisation_id=ELSEWHERE, id=uuid4())


@pytest.fixture
def echo() -> Echo:
    return Echo(lists=[definition(f"echo.{name}") for name in ("say", "other", "third")])


@pytest.fixture
async def world(tmp_path: Path, redis: Redis, index: Index, echo: Echo) -> AsyncIterator[Gate]:
    registry = registry_of([server(tool("echo.say"), tool("echo.other"))])
    async with running_gateway(tmp_path, redis, index, registry=registry, apps={"echo": echo}) as gate:
        yield gate


async def names(gate: Gate, who: Any = MAYA, path: str = "/mcp") -> list[str]:
    async with gate.client(who, path=path) as client:
        return [tool.name for tool in (await client.list_tools()).tools]


async def take(gate: Gate, *servers: RegisteredServer) -> None:
    gate.platform.current = registry_of(servers)
    await gate.gateway.holder.refresh()
    await gate.gateway.pins.compare_all()


def metric(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"switchboard_gateway_{name}")


# --- as a whole, or not at all


@pytest.mark.proves("GOV-204")
@pytest.mark.parametrize("twice", ["tool", pytest.param("server", marks=pytest.mark.full)])
async def test_a_registry_that_contradicts_itself_is_refused_and_the_last_good_one_stays(
    world: Gate, tmp_path: Path, twice: str
) -> None:
    good = world.gateway.holder.current
    kept = (tmp_path / "gateway" / "registry.json").read_bytes()
    one = server(tool("echo.say"), *([tool("echo.say")] if twice == "tool" else []))
    bad = [one, one] if twice == "server" else [one]
    with capture_logs() as logs:
        world.platform.current = registry_of(bad)
        await world.gateway.holder.refresh()
        await world.gateway.holder.refresh()

    assert world.gateway.holder.current is good
    assert await names(world) == ["echo.say", "echo.other"]
    refused = [entry for entry in logs if entry["event"] == "gateway.registry_refused"]
    assert [entry["version"] for entry in refused] == [world.platform.current.version]
    assert "echo" in refused[0]["why"]
    assert metric("registry_refused") == 1
    assert (tmp_path / "gateway" / "registry.json").read_bytes() == kept

    await take(world, server(tool("echo.other")))
    assert await names(world) == ["echo.other"]
    assert metric("registry_refused") == 0


@pytest.mark.proves("GOV-204")
async def test_a_registry_that_is_none_is_refused_too(world: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nonsense(etag: str | None, wait_s: float = 0.0) -> Registry | None:
        return Registry.model_validate_json(b'{"version":"9","servers":[{"name":"echo"}]}')

    monkeypatch.setattr(world.platform, "registry", nonsense)
    with capture_logs() as logs:
        await world.gateway.holder.refresh()
        await world.gateway.holder.refresh()

    assert await names(world) == ["echo.say", "echo.other"]
    [refused] = [entry for entry in logs if entry["event"] == "gateway.registry_refused"]
    assert "servers.0.address" in refused["why"]
    with pytest.raises(ValidationError):
        await nonsense(None)


@pytest.mark.proves("GOV-204")
async def test_going_back_to_what_stood_before_a_refused_one_is_no_longer_refused(world: Gate) -> None:
    good = world.platform.current
    one = server(tool("echo.say"))
    world.platform.current = registry_of([one, one])
    await world.gateway.holder.refresh()
    world.platform.current = good
    await world.gateway.holder.refresh()

    assert metric("registry_refused") == 0
    assert world.gateway.holder.current.version == good.version


# --- at once


class Waiting:
    """A platform that holds its answer back until something changes, and counts how often it is asked."""

    def __init__(self, first: Registry) -> None:
        self.current = first
        self.asked: list[tuple[str | None, float]] = []
        self.changed = asyncio.Event()
        self.waiting = asyncio.Event()

    async def registry(self, etag: str | None, wait_s: float = 0.0) -> Registry | None:
        self.asked.append((etag, wait_s))
        if etag == self.current.version:
            self.waiting.set()
            await self.changed.wait()
            self.changed.clear()
        return self.current


async def test_a_change_is_taken_over_by_the_question_that_waits_for_it(tmp_path: Path) -> None:
    first, second = registry_of([server(tool("echo.say"))]), registry_of([server(tool("echo.other"))])
    platform = Waiting(first)
    link: PlatformLink = platform  # type: ignore[assignment] # nothing else of it is used here
    holder = RegistryHolder(link, tmp_path / "registry.json", poll_s=3600, wait_s=25)
    taken = asyncio.Event()
    await holder.start()
    holder.listeners.append(taken.set)
    running = asyncio.create_task(holder.run())
    try:
        async with asyncio.timeout(20):
            await platform.waiting.wait()
            platform.current = second
            platform.changed.set()
            await taken.wait()
            assert list(holder.current.tools) == ["echo.other"]
            platform.waiting.clear()
            await platform.waiting.wait()
    finally:
        running.cancel()
    assert platform.asked == [(None, 0.0), (first.version, 25), (second.version, 25)]
    assert Registry.model_validate_json((tmp_path / "registry.json").read_bytes()) == second


async def test_a_platform_that_is_down_is_asked_with_pauses_and_then_again(tmp_path: Path) -> None:
    held = HeldPlatform(registry_of([server(tool("echo.say"))]), down=True)
    holder = RegistryHolder(held, tmp_path / "registry.json", poll_s=0.01, wait_s=0.05)
    await holder.start()
    assert not holder.loaded
    taken = asyncio.Event()
    holder.listeners.append(taken.set)
    running = asyncio.create_task(holder.run())
    try:
        held.down = False
        async with asyncio.timeout(20):
            await taken.wait()
    finally:
        running.cancel()
    assert list(holder.current.tools) == ["echo.say"]
    assert metric("registry_stale") == 0


async def test_a_call_under_way_keeps_what_it_began_with(world: Gate, echo: Echo) -> None:
    echo.hangs = True
    under_way = asyncio.create_task(call(world, MAYA, "echo.say", {"text": "hello"}))
    async with asyncio.timeout(20):
        await echo.called.wait()
    await take(world)
    assert await names(world) == []
    under_way.cancel()
    async with asyncio.timeout(20):
        await echo.cancelled.wait()


async def test_what_has_not_changed_is_not_compiled_again(world: Gate) -> None:
    before = world.gateway.holder.current.offers["echo/echo.say"]
    await take(world, server(tool("echo.say"), tool("echo.other", timeout_s=7)))

    after = world.gateway.holder.current.offers
    assert after["echo/echo.say"] is before
    assert after["echo/echo.other"].policy.timeout_s == 7


# --- organisations


def theirs(*tools: Any, organisation: Any, **more: Any) -> RegisteredServer:
    made = server(*tools, **more)
    audience = f"server:{organisation}:{made.name}"
    return made.model_copy(update={"organisation_id": organisation, "audience": audience})


@pytest.mark.proves("GOV-202")
async def test_another_organisations_server_is_not_there_by_any_path(world: Gate, echo: Echo) -> None:
    everyones = server(tool("echo.say"), tool("echo.other"))
    local = theirs(tool("echo.third"), organisation=ELSEWHERE, name="local").model_copy(
        update={"shares": ["prompts", "resources"], "privacy_compatible": True}
    )
    await take(world, everyones, local)

    assert await names(world, STRANGER) == ["echo.say", "echo.other", "echo.third"]
    assert await names(world, STRANGER, "/servers/local/mcp") == ["echo.third"]
    assert await names(world) == ["echo.say", "echo.other"]
    assert await names(world, path="/servers/local/mcp") == []
    for path in ("/mcp", "/servers/local/mcp"):
        refused = await call(world, MAYA, "echo.third", {"text": "x"}, path=path)
        nothing = await call(world, MAYA, "echo.nothing", {"text": "x"}, path=path)
        assert error_of(refused) == error_of(nothing)
    async with world.client(MAYA) as client:
        assert client.server_capabilities.prompts is None
    assert (await call(world, STRANGER, "echo.third", {"text": "x"})).json()["result"]["content"]


@pytest.mark.proves("GOV-202")
async def test_two_organisations_have_a_server_of_one_name_each_with_its_own_limits_and_quarantine(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    ours, others = Echo(lists=[definition("crm.find")]), Echo(lists=[definition("crm.find")])
    registry = registry_of(
        [
            theirs(
                tool("crm.find", calls_per_min=1), organisation=ORGANISATION, name="crm", address="inproc:a"
            ),
            theirs(tool("crm.find", calls_per_min=1), organisation=ELSEWHERE, name="crm", address="inproc:b"),
        ]
    )
    apps: Any = {"a": ours, "b": others}
    async with running_gateway(tmp_path, redis, index, registry=registry, apps=apps) as gate:
        for who in (MAYA, STRANGER):
            assert (await call(gate, who, "crm.find", {"text": "x"})).json()["result"]["content"]
        assert (len(ours.calls), len(others.calls)) == (1, 1)
        assert tool_error_of(await call(gate, MAYA, "crm.find", {"text": "x"}))["code"] == "rate_limited"

        others.lists = [definition("crm.find", description="Now something else.")]
        await gate.gateway.pins.compare_all()
        assert await names(gate) == ["crm.find"]
        assert await names(gate, STRANGER) == []
        [event] = await gate.audited("tool.quarantined")
        assert event["server_organisation_id"] == str(ELSEWHERE)


# --- what tools require


@pytest.mark.proves("GOV-203")
async def test_a_tool_goes_with_what_it_requires(world: Gate, echo: Echo) -> None:
    def servers(**of_other: Any) -> RegisteredServer:
        return server(tool("echo.say", requires=["echo.other"]), tool("echo.other", **of_other))

    await take(world, servers())
    assert await names(world) == ["echo.say", "echo.other"]

    for policy in ({"roles": ["OrgAdmin"]}, {"quarantined": "not trusted"}, {"privacy_compatible": False}):
        await take(world, servers(**policy))
        who = MAYA.limited(TurnLimits(privacy=True))
        assert "echo.say" not in await names(world, who)
        assert error_of(await call(world, who, "echo.say", {"text": "x"}))["code"] == -32602

    await take(world, servers())
    echo.lists[1] = definition("echo.other", title="Another")
    await world.gateway.pins.compare_all()
    assert await names(world) == []
    assert error_of(await call(world, MAYA, "echo.say", {"text": "x"}))["code"] == -32602
    assert tool_error_of(await call(world, MAYA, "echo.other", {"text": "x"}))["code"] == "tool_quarantined"


@pytest.mark.proves("GOV-203")
async def test_admins_learn_why_nobody_is_offered_a_tool(world: Gate) -> None:
    with capture_logs() as logs:
        await take(world, server(tool("echo.say", requires=["gone.tool"]), tool("echo.other")))

    withheld = [entry for entry in logs if entry["event"] == "gateway.tool_withheld"]
    # the registry may be taken twice, once by the look that the gateway takes itself
    [told] = {(entry["tool"], entry["why"]) for entry in withheld}
    assert told == ("echo.say", "It requires 'gone.tool', which is not registered.")
    assert metric("withheld_tools") == 1
    assert await names(world) == ["echo.other"]


# --- drift and approval


@pytest.mark.proves("GOV-208")
async def test_drift_is_told_with_what_is_listed_and_approving_it_releases_at_once(
    world: Gate, echo: Echo
) -> None:
    new = definition("echo.say", description="Does more.")
    echo.lists[0] = new
    await world.gateway.pins.compare_all()
    await world.gateway.pins.compare_all()
    [told] = await world.audited("tool.quarantined")
    assert told["definition"] == new
    assert (told["server"], told["own_name"], told["server_organisation_id"]) == ("echo", "echo.say", None)

    approved = tool("echo.say").model_dump() | {"definition": new, "definition_hash": told["listed"]}
    lists = len(echo.received)
    world.platform.current = registry_of([server(approved, tool("echo.other"))])  # type: ignore[arg-type] # pydantic reads it
    await world.gateway.holder.refresh()
    assert (await call(world, MAYA, "echo.say", {"text": "x"})).json()["result"]["content"]
    assert "echo.say" in await names(world)
    assert lists <= len(echo.received)


@pytest.mark.proves("GOV-208")
async def test_a_definition_beyond_32_kb_is_told_by_its_hash_alone(world: Gate, echo: Echo) -> None:
    echo.lists[0] = definition("echo.say", description="x" * 40_000)
    await world.gateway.pins.compare_all()
    [told] = await world.audited("tool.quarantined")
    assert "definition" not in told
    assert len(told["listed"]) == 64


@pytest.mark.proves("GOV-208")
async def test_a_quarantine_of_the_registry_holds_and_drift_is_released_by_the_approved_definition(
    world: Gate,
) -> None:
    await take(world, server(tool("echo.say", quarantined=DRIFT), tool("echo.other", quarantined="by Ada")))
    assert await names(world) == []
    for name in ("echo.say", "echo.other"):
        assert tool_error_of(await call(world, MAYA, name, {"text": "x"}))["code"] == "tool_quarantined"
    released = [event["tool"] for event in await world.audited("tool.released")]
    assert released[:1] == ["echo.say"]
    assert "echo.other" not in released


async def test_a_definition_that_is_approved_before_its_server_was_looked_at_again_is_not_refused(
    world: Gate, echo: Echo
) -> None:
    """What refuses it is older than its approval, so its server is asked first."""
    assert (await call(world, MAYA, "echo.say", {"text": "x"})).json()["result"]["content"]
    new = definition("echo.say", description="The next release.")
    echo.lists[0] = new
    approved = json.loads(tool("echo.say").model_dump_json()) | {"definition": new}
    approved["definition_hash"] = definition_hash(new)
    world.platform.current = registry_of([server(approved, tool("echo.other"))])
    await world.gateway.holder.refresh()
    assert (await call(world, MAYA, "echo.say", {"text": "x"})).json()["result"]["content"]


@pytest.mark.proves("GOV-201")
async def test_whoever_is_in_a_hundred_groups_keeps_the_tools_that_are_for_one_of_them(
    world: Gate, redis: Redis
) -> None:
    """Their token names a grant instead of the groups."""
    many = person("many", *(f"group-{number}" for number in range(100)))
    await keep_grant(cast(GrantStore, redis), many.access_keys)
    await take(world, server(tool("echo.say", groups=["group-77"]), tool("echo.other", groups=["elsewhere"])))

    assert await names(world, many) == ["echo.say"]
    assert (await call(world, many, "echo.say", {"text": "x"})).json()["result"]["content"]
    assert error_of(await call(world, many, "echo.other", {"text": "x"}))["code"] == -32602


@pytest.mark.proves("GOV-201")
@pytest.mark.parametrize(
    ("policy", "who"),
    [
        ({"agents": ["booking"]}, MAYA.limited(TurnLimits(agent="booking"))),
        ({"channels": ["slack"]}, replace(MAYA, acting_via="slack")),
        ({"channels": ["api"]}, MAYA),
        ({"groups": ["operations"]}, MAYA),
    ],
    ids=["agent", "channel", "no channel", "group"],
)
async def test_each_allowlist_holds_by_what_the_token_says(world: Gate, policy: Any, who: Any) -> None:
    others = [replace(MAYA, acting_via="teams", groups=frozenset({"finance"}))]
    others.append(others[0].limited(TurnLimits(agent="research")))
    await take(world, server(tool("echo.say", **policy), tool("echo.other")))

    assert await names(world, who) == ["echo.say", "echo.other"]
    for other in others:
        assert await names(world, other) == ["echo.other"]
        assert error_of(await call(world, other, "echo.say", {"text": "x"}))["code"] == -32602
