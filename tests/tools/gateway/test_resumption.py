"""A client that lost the stream of its call comes back with `Last-Event-ID`, to whatever replica (SPEC 9)."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from redis.asyncio import Redis

from access.principal import Principal
from kit.wire import mcp
from ports.redis import connect
from tests.tools.bridged import DEFINITIONS, registered
from tests.tools.everything import Told, app_of, everything
from tests.tools.gateway.test_sessions import begin
from tests.tools.replicas import RoundRobin, two_processes, two_replicas
from tests.tools.world import MAYA, TOM, Gate, registry_of, served
from tools.gateway.protocol import kept_streams

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
LISTEN = {"accept": "text/event-stream"}
CALL = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@dataclass
class Heard:
    id: str
    message: dict[str, Any]


async def events(response: httpx.Response) -> AsyncGenerator[Heard]:
    id, data = "", ""
    async for line in response.aiter_lines():
        field, _, value = line.partition(":")
        if field == "id":
            id = value.strip()
        elif field == "data":
            data = value.strip()
        elif not line and (id or data):
            yield Heard(id, json.loads(data) if data else {})
            id = data = ""


@dataclass
class Client:
    """One session of one person. `url`: of the gateway, or of one replica."""

    gate: Gate
    session: str
    who: Principal = MAYA
    url: str = ""

    def headers(self, more: dict[str, str]) -> dict[str, str]:
        token = self.gate.token(self.who)
        return more | {"authorization": f"Bearer {token}", mcp.SESSION_HEADER: self.session}

    async def call(self, tool: str = "test_slow", id: int = 7, **arguments: Any) -> AsyncGenerator[Heard]:
        params = {"name": tool, "arguments": arguments, "_meta": {"progressToken": "p"}}
        body = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
        async with (
            self.http() as http,
            http.stream("POST", "/mcp", json=body, headers=self.headers(CALL)) as response,
            aclosing(events(response)) as heard,
        ):
            async for event in heard:
                yield event

    async def back(self, last: str) -> list[Heard]:
        """What comes after the event `last`, to the end of the stream."""
        headers = self.headers(LISTEN | {"last-event-id": last})
        async with self.http() as http, http.stream("GET", "/mcp", headers=headers) as response:
            assert response.status_code == 200, (await response.aread()).decode()
            return [event async for event in events(response)]

    async def refused(self, last: str) -> int:
        headers = self.headers(LISTEN | {"last-event-id": last})
        async with self.http() as http:
            return (await http.get("/mcp", headers=headers)).status_code

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url or self.gate.url, timeout=30, trust_env=False, verify=False
        )


async def lost_after(client: Client, count: int, tool: str = "test_slow") -> list[Heard]:
    """Begins a call and loses its stream after so many events."""
    seen: list[Heard] = []
    async with aclosing(client.call(tool)) as stream:
        async for event in stream:
            seen.append(event)
            if len(seen) == count:
                break
    return seen


async def kept(redis: Redis, count: int) -> None:
    """Waits until so many events of the one stream there is are kept."""
    async with asyncio.timeout(30):
        while True:
            keys = await cast(Any, redis).keys("mcp-stream:*")
            if keys and await cast(Any, redis).xlen(keys[0]) >= count:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def gate(tmp_path: Path, redis: Redis, told: Told) -> AsyncIterator[Gate]:
    async with served(app_of(everything(told), "old")) as url:
        registry = registry_of([registered("everything", f"{url}/mcp", DEFINITIONS)])
        async with two_replicas(registry, tmp_path, redis) as (gate, _):
            yield gate
            told.release.set()


@pytest.mark.proves("GATE-132")
async def test_what_was_missed_is_told_by_either_replica(gate: Gate, redis: Redis, told: Told) -> None:
    client = Client(gate, await begin(gate, MAYA))
    primed, progress = await lost_after(client, 2)
    assert primed.id
    assert not primed.message
    assert progress.message["method"] == "notifications/progress"
    told.release.set()
    await kept(redis, 3)

    for _ in range(2):
        again, answer = await client.back(primed.id)
        assert again == progress
        assert answer.message["id"] == 7
        assert answer.message["result"]["content"][0]["text"] == "released"
        assert [answer] == await client.back(progress.id)
    assert await client.back(answer.id) == []
    assert not told.cancelled.is_set()


@pytest.mark.proves("GATE-132")
async def test_a_call_goes_on_and_its_answer_comes_while_the_client_follows(gate: Gate, told: Told) -> None:
    client = Client(gate, await begin(gate, MAYA))
    seen = await lost_after(client, 2)
    following = [asyncio.create_task(client.back(seen[-1].id)) for _ in range(2)]
    await asyncio.sleep(0)
    told.release.set()
    for [answer] in await asyncio.gather(*following):
        assert answer.message["result"]["content"][0]["text"] == "released"


@pytest.mark.proves("GATE-132")
async def test_a_stream_is_of_its_person_its_session_its_endpoint_and_its_rights(
    gate: Gate, redis: Redis, told: Told
) -> None:
    session = await begin(gate, MAYA)
    mine = Client(gate, session)
    seen = await lost_after(mine, 2)
    told.release.set()
    await kept(redis, 3)
    weaker = replace(MAYA, roles=frozenset[str](), permissions=frozenset[str]())
    for other in (
        Client(gate, await begin(gate, MAYA)),
        Client(gate, await begin(gate, TOM), TOM),
        Client(gate, session, weaker),
    ):
        assert await other.refused(seen[0].id) == 400
    assert await Client(gate, session, TOM).refused(seen[0].id) == 404
    for made_up in ("nonsense", seen[0].id + "1", f"{'0' * 12}-{'0' * 24}.1-0"):
        assert await mine.refused(made_up) == 400
    # nor does Redis say what was answered
    [key] = await cast(Any, redis).keys("mcp-stream:*")
    assert b"released" not in b"".join(
        fields[b"m"] for _, fields in await cast(Any, redis).xrange(key, "-", "+")
    )
    assert len(await mine.back(seen[0].id)) == 2


@pytest.mark.proves("GATE-132")
async def test_only_so_much_is_kept(gate: Gate, redis: Redis, told: Told, monkeypatch: Any) -> None:
    monkeypatch.setattr(kept_streams, "STREAM_BYTES", 200)
    client = Client(gate, await begin(gate, MAYA))
    told.release.set()
    heard = [event async for event in client.call()]
    assert heard[0].id
    assert heard[1].id
    assert not heard[-1].id
    assert heard[-1].message["result"]["content"][0]["text"] == "released"
    assert await client.refused(heard[0].id) == 400
    monkeypatch.setattr(kept_streams, "PRINCIPAL_BYTES", 0)
    whole = [event async for event in client.call()]
    assert not any(event.id for event in whole[1:])
    assert await cast(Any, redis).ttl((await cast(Any, redis).keys("mcp-stream:*") or ["none"])[0]) <= 700


@pytest.mark.proves("GATE-132")
async def test_without_redis_streams_work_and_cannot_be_taken_up(
    tmp_path: Path, redis: Redis, told: Told
) -> None:
    async with served(app_of(everything(told), "old")) as url:
        registry = registry_of([registered("everything", f"{url}/mcp", DEFINITIONS)])
        away = connect("redis://127.0.0.1:1", 0.05)
        async with two_replicas(registry, tmp_path, away) as (gate, _):
            client = Client(gate, await begin(gate, MAYA))
            told.release.set()
            heard = [event async for event in client.call()]
            assert not any(event.id for event in heard)
            assert heard[-1].message["result"]["content"][0]["text"] == "released"
            status = await client.refused(f"{'0' * 12}-{'0' * 24}.1-0")
        await away.aclose()
    assert status == 503


ALL_LISTS = {f"notifications/{kind}/list_changed" for kind in ("tools", "prompts", "resources")}


@asynccontextmanager
async def listening(client: Client, last: str = "") -> AsyncGenerator[AsyncGenerator[Heard]]:
    """What is heard on the stream of a GET."""
    headers = client.headers(LISTEN | ({"last-event-id": last} if last else {}))
    async with client.http() as http, http.stream("GET", "/mcp", headers=headers) as response:
        assert response.status_code == 200, (await response.aread()).decode()
        async with aclosing(events(response)) as heard, asyncio.timeout(30):
            yield heard


async def methods(heard: AsyncGenerator[Heard], until: int) -> list[str]:
    found: list[str] = []
    async for event in heard:
        assert event.id
        if event.message:
            found.append(event.message["method"])
        if len(found) == until:
            break
    return found


@pytest.mark.proves("GATE-132")
async def test_who_listened_and_comes_back_hears_that_things_may_have_changed(gate: Gate) -> None:
    client = Client(gate, await begin(gate, MAYA))
    async with listening(client, "notice-1") as heard:
        assert set(await methods(heard, 3)) == ALL_LISTS


@pytest.fixture
async def at_both(tmp_path: Path, redis: Redis, told: Told) -> AsyncIterator[tuple[Gate, RoundRobin]]:
    """Before a server that every replica hears."""
    async with served(app_of(everything(told), "new")) as url:
        registry = registry_of([registered("everything", f"{url}/mcp", DEFINITIONS)])
        async with two_replicas(registry, tmp_path, redis) as (gate, proxy):
            yield gate, proxy


async def changed(client: Client) -> None:
    """The server's list of tools, while nobody listens to it but the gateway."""
    async with aclosing(client.call("test_trigger_tool_change")) as heard:
        async for event in heard:
            assert "error" not in event.message


@pytest.mark.proves("GATE-133")
async def test_a_listener_that_comes_back_hears_what_it_missed_and_no_more(
    at_both: tuple[Gate, RoundRobin], redis: Redis
) -> None:
    gate, proxy = at_both
    client = Client(gate, await begin(gate, MAYA))
    async with listening(client) as heard:
        primed = await anext(heard)
        first = proxy.hits[-1]
    await changed(Client(gate, await begin(gate, MAYA)))
    await kept(redis, 2)
    if len(proxy.hits) % 2 == first:
        await begin(gate, TOM)
    async with listening(client, primed.id) as heard:
        assert proxy.hits[-1] != first
        anew = await anext(heard)
        assert (await anext(heard)).message["method"] == "notifications/tools/list_changed"
        # nothing else of what may have changed: the next is one that comes now
        await changed(Client(gate, await begin(gate, MAYA)))
        assert (await anext(heard)).message["method"] == "notifications/tools/list_changed"
    # it was handed over once; whoever names it again has got we do not know what
    async with listening(client, primed.id) as heard:
        assert set(await methods(heard, 3)) == ALL_LISTS
    assert anew.id.startswith("notice-")
    assert anew.id != primed.id


@pytest.mark.proves("GATE-133")
async def test_what_a_listener_missed_is_of_its_session_its_person_and_its_rights(
    at_both: tuple[Gate, RoundRobin], redis: Redis
) -> None:
    gate, _ = at_both
    session = await begin(gate, MAYA)
    mine = Client(gate, session)
    async with listening(mine) as heard:
        primed = await anext(heard)
    await changed(Client(gate, await begin(gate, MAYA)))
    await kept(redis, 2)
    others = [Client(gate, await begin(gate, MAYA)), Client(gate, await begin(gate, TOM), TOM)]
    for other in others:
        async with listening(other, primed.id) as heard:
            # as whoever names an event that never was
            assert set(await methods(heard, 3)) == ALL_LISTS
    assert await Client(gate, session, TOM).refused(primed.id) == 404
    # nor is it the stream of a call, though it is the same person's
    assert await mine.refused(primed.id.removeprefix("notice-")) == 400
    [key] = await cast(Any, redis).keys(f"mcp-stream:{primed.id.removeprefix('notice-').partition('.')[0]}")
    assert b"list_changed" not in b"".join(
        fields[b"m"] for _, fields in await cast(Any, redis).xrange(key, "-", "+")
    )
    async with listening(mine, primed.id) as heard:
        await anext(heard)
        assert await methods(heard, 1) == ["notifications/tools/list_changed"]


@pytest.mark.full
@pytest.mark.timeout(180)
@pytest.mark.proves("GATE-132")
async def test_an_answer_outlives_the_replica_that_gave_it(
    tmp_path: Path, redis_url: str, redis: Redis, told: Told
) -> None:
    async with served(app_of(everything(told), "old")) as url:
        registry = registry_of([registered("everything", f"{url}/mcp", DEFINITIONS)])
        async with two_processes(registry, tmp_path, redis_url) as (gate, (first, second)):
            session = await begin(gate, MAYA)
            seen = await lost_after(Client(gate, session, url=first.url), 2)
            waiting = await lost_after(Client(gate, session, url=first.url), 2, "test_waits")
            told.release.set()
            async with asyncio.timeout(30):
                other = Client(gate, session, url=second.url)
                [answer] = await other.back(seen[-1].id)
            await first.kill()
            assert [answer] == await other.back(seen[-1].id)
            [lost] = await other.back(waiting[-1].id)
    assert answer.message["result"]["content"][0]["text"] == "released"
    assert (lost.id, lost.message["id"]) == ("", 7)
    assert "send it again" in lost.message["error"]["message"]
