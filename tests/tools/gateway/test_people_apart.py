"""People who share a server, a process or a Redis hear, see and answer nothing of one another (SPEC 6, 9)."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import Raw
from redis.asyncio import Redis

from access.jwks import TrustedKeys
from access.principal import Principal, TurnLimits
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.wire import mcp
from kit.wire.mcp import Answer
from knowledge.index import Index
from ports.redis import RedisError
from tests.tools.bridged import behind_the_gateway
from tests.tools.gateway.wire import CLIENT, post, stateless
from tests.tools.upstreams import server, tool
from tests.tools.world import MAYA, TOM, HeldPlatform, person, registry_of
from tools.gateway.bus import Bus
from tools.gateway.callers import Caller, Callers, CannotTellWho
from tools.gateway.catalogue import compiled
from tools.gateway.credentials import Credentials
from tools.gateway.protocol.shared import SharedThings
from tools.gateway.upstreams.parking import InputExpired, Parking
from tools.gateway.upstreams.stdio import Command, Process
from tools.gateway.upstreams.talk import Ask

CHILD = """
import json, sys
held = {}
def say(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + chr(10)); sys.stdout.flush()
for line in sys.stdin:
    message = json.loads(line)
    method, id, params = message.get("method"), message.get("id"), message.get("params", {})
    if method == "server/discover":
        say(id=id, result={"supportedVersions": [sys.argv[1]], "capabilities": {}, "resultType": "complete"})
    elif method == "initialize":
        about = {"name": "shared", "version": "1"}
        say(id=id, result={"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": about})
    elif method == "tools/call" and params["name"] == "wait":
        held["wait"] = id
        say(method="notifications/tools/list_changed", params={})
    elif method == "tools/call" and params["name"] == "speak":
        held["speak"] = id
        token = params.get("_meta", {}).get("progressToken")
        say(method="notifications/progress", params={"progressToken": token, "progress": 1})
        say(method="notifications/progress", params={"progressToken": "1", "progress": 2})
        say(method="notifications/message", params={"level": "info", "data": "private"})
        say(method="notifications/resources/updated", params={"uri": "private://x"})
        say(id="q", method="elicitation/create", params={"message": "Your password?"})
    elif method is None and id == "q":
        say(id=held["speak"], result={"said": message})
        say(id=held["wait"], result={"said": "released"})
"""


class Heard:
    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.came = asyncio.Event()

    async def __call__(self, data: bytes) -> None:
        self.messages.append(json.loads(data))
        self.came.set()

    @property
    def private(self) -> list[str]:
        methods = [message.get("method", "") for message in self.messages]
        return [method for method in methods if method and not method.endswith("list_changed")]


async def child(folder: Path, revision: str) -> Process:
    script = folder / "child.py"
    script.write_text(CHILD)
    process = Process("shared", Command(command=(sys.executable, str(script), revision)), 100_000)
    await process.start()
    return process


def message(id: str, name: str, token: Any = None) -> bytes:
    params = {"name": name, "_meta": {"progressToken": token} if token is not None else {}}
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).encode()


@pytest.mark.proves("GATE-209")
async def test_a_shared_process_puts_nobodys_question_to_another(tmp_path: Path) -> None:
    process = await child(tmp_path, "2025-11-25")
    mine, theirs = Heard(), Heard()
    waits = asyncio.create_task(
        process.request(Ask("tools/call", {}, "", "maya"), "a", message("a", "wait"), mine)
    )
    await asyncio.wait_for(mine.came.wait(), 20)
    speaks = process.request(Ask("tools/call", {}, "", "tom"), "b", message("b", "speak", "b"), theirs)
    await asyncio.wait_for(asyncio.gather(waits, speaks), 20)
    await process.close()

    assert mine.private == []
    assert theirs.private == ["notifications/progress"], "only what names its call"
    assert theirs.messages[-1]["result"]["said"]["error"]["code"] == mcp.INTERNAL_ERROR


@pytest.mark.proves("GATE-209")
async def test_one_persons_calls_may_share_what_the_pipe_does_not_tell_apart(tmp_path: Path) -> None:
    process = await child(tmp_path, "2025-11-25")
    mine, also_mine = Heard(), Heard()
    maya = Ask("tools/call", {}, "", "maya")
    waits = asyncio.create_task(process.request(maya, "a", message("a", "wait"), mine))
    await asyncio.wait_for(mine.came.wait(), 20)
    speaks = asyncio.create_task(process.request(maya, "b", message("b", "speak"), also_mine))
    async with asyncio.timeout(20):
        while "elicitation/create" not in also_mine.private:
            also_mine.came.clear()
            await also_mine.came.wait()
        await process.tell(maya, b'{"jsonrpc":"2.0","id":"q","result":{"action":"decline"}}')
        await asyncio.gather(waits, speaks)
    await process.close()

    assert "elicitation/create" not in mine.private
    assert "notifications/message" in mine.private


@pytest.mark.proves("GATE-209")
async def test_two_clients_may_use_the_same_progress_token_on_one_pipe(tmp_path: Path) -> None:
    process = await child(tmp_path, mcp.STATELESS)
    mine, theirs = Heard(), Heard()
    waits = asyncio.create_task(
        process.stream("POST", message("1", "wait", "1"), {"authorization": "Bearer maya"}, mine)
    )
    await asyncio.wait_for(mine.came.wait(), 20)
    speaks = process.stream("POST", message("1", "speak", "1"), {"authorization": "Bearer tom"}, theirs)
    await asyncio.wait_for(asyncio.gather(waits, speaks), 20)
    await process.close()

    assert mine.private == []
    [progress] = [one for one in theirs.messages if one.get("method") == "notifications/progress"]
    assert progress["params"] == {"progressToken": "1", "progress": 1}


# --- calls that wait for a person


@pytest.mark.proves("GATE-202")
async def test_a_waiting_call_is_answered_as_the_call_that_it_is(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    """Else a second leg would be authorised, limited and recorded as another tool than the one that runs."""
    async with behind_the_gateway(tmp_path, redis, index, "old") as (gate, _):

        async def ask(who: Principal, name: str, arguments: Any, **more: Any) -> dict[str, Any]:
            params = mcp.stateless_params(
                {"name": name, "arguments": arguments, **more}, CLIENT, capabilities={"elicitation": {}}
            )
            headers = stateless(gate, who, "tools/call", name)
            answered = (await post(gate, mcp.request("tools/call", params), headers)).json()
            return answered.get("result") or answered["error"]

        asked = await ask(MAYA, "test_elicitation", {"message": "Who?"})
        [key] = asked["inputRequests"]
        given = {
            "requestState": asked["requestState"],
            "inputResponses": {key: {"action": "accept", "content": {"response": "me"}}},
        }
        for who, name, arguments in (
            (TOM, "test_elicitation", {"message": "Who?"}),
            (MAYA, "test_simple_text", {}),
            (MAYA, "test_elicitation", {"message": "Who else?"}),
        ):
            refused = await ask(who, name, arguments, **given)
            assert refused["_meta"][mcp.ERROR_META]["code"] == "input_expired", (who.name, name)
        tampered = given | {"requestState": asked["requestState"][:-6] + "AAAAA="}
        forged = await ask(MAYA, "test_elicitation", {"message": "Who?"}, **tampered)
        assert forged["code"] == mcp.INVALID_PARAMS
        assert "me" in str(await ask(MAYA, "test_elicitation", {"message": "Who?"}, **given))


class Waits:
    """A request to a server that asks once; in place of `Running`."""

    def __init__(self) -> None:
        self.wanted: dict[str, Any] = {"elicitation-1": (1, "elicitation/create", {})}
        self.given: list[Mapping[str, Any]] = []

    async def leg(self, ask: Ask) -> Answer | None:
        return Answer("2.0", result=Raw(b'{"content":[]}')) if self.given else None

    async def resume(self, ask: Ask, given: Mapping[str, Any]) -> None:
        self.given.append(given)

    async def cancel(self, reason: str) -> None: ...


@pytest.mark.proves("GATE-213")
async def test_a_call_that_waits_here_is_answered_while_redis_is_away() -> None:
    away = cast(Any, Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=1))
    key = SigningKey.generate()
    here, elsewhere = Parking(key, Bus(away)), Parking(key, Bus(away))
    params: dict[str, Any] = {"name": "t", "arguments": {}}
    ask = Ask("tools/call", params, "", "maya")
    waits = Waits()
    parked = json.loads(bytes((await here.first(cast(Any, waits), ask, "s")).result))
    again = replace(ask, params=params | {"requestState": parked["requestState"], "inputResponses": {"a": 1}})

    with pytest.raises(InputExpired):
        await elsewhere.resume(again, "s")
    for other in (replace(again, who="tom"), replace(again, params=again.params | {"name": "u"})):
        with pytest.raises(InputExpired):
            await here.resume(other, "s")
    with pytest.raises(InputExpired):
        await here.resume(again, "another")
    both = await asyncio.gather(*(here.resume(again, "s") for _ in range(2)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["Answer", "InputExpired"]
    assert waits.given == [{"a": 1}]
    await here.close()
    await away.aclose()


class Away:
    async def get(self, name: str) -> bytes | str | None:
        raise RedisError("away")

    async def set(self, name: str, value: str, *, ex: int) -> object:
        raise RedisError("away")


@pytest.mark.proves("GATE-213")
async def test_a_long_list_of_keys_is_not_guessed_while_redis_is_away() -> None:
    key, clock, trusted = SigningKey.generate(), SystemClock(), TrustedKeys()
    trusted.replace("platform", key.jwks())
    callers = Callers(HeldPlatform(registry_of([])), trusted, Away(), clock, 60)
    minter = Minter(key, "platform", clock)
    many = person("many", *(f"group-{number}" for number in range(100)))

    with pytest.raises(CannotTellWho):
        await callers.of(f"Bearer {minter.mint(many, 'gateway')}")
    assert (await callers.of(f"Bearer {minter.mint(MAYA, 'gateway')}")).principal == MAYA


# --- lists


class CountingPeers:
    page = b'{"prompts":[{"name":"x"}],"ttlMs":60000,"cacheScope":"public"}'

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.came = asyncio.Event()
        self.release = asyncio.Event()

    async def ask(self, address: str, ask: Ask) -> Answer:
        self.asked.append(ask)
        self.came.set()
        await self.release.wait()
        return Answer("2.0", result=Raw(self.page))


def sharing(peers: CountingPeers) -> SharedThings:
    server_ = server(tool()).model_copy(update={"shares": ["prompts"], "privacy_compatible": True})

    class Holder:
        current = compiled(registry_of([server_]))

    class NoPins:
        quarantined = frozenset[str]()

    minter = Minter(SigningKey.generate(), "gateway", SystemClock())
    return SharedThings(
        cast(Any, Holder()), cast(Any, peers), minter, cast(Any, NoPins()), Credentials(cast(Any, None))
    )


def caller(who: Principal) -> Caller:
    return Caller(who, who.access_keys, 2e9, str(who.organisation_id), str(who.id))


@pytest.mark.proves("GATE-211")
async def test_lists_are_looked_through_for_secrets_too() -> None:
    peers = CountingPeers()
    peers.page = json.dumps({"prompts": [{"name": "x", "description": "ghp_" + "a1" * 20}]}).encode()
    peers.release.set()
    items, _ = await sharing(peers).listing(caller(MAYA), None, "prompts/list")

    assert items == [{"name": "x", "description": "[REDACTED]"}]


@pytest.mark.proves("GATE-212")
async def test_a_list_is_one_callers_in_one_turn_and_is_asked_for_once_at_a_time() -> None:
    peers = CountingPeers()
    shared = sharing(peers)
    asking = [shared.listing(caller(MAYA), None, "prompts/list") for _ in range(50)]
    waiting = asyncio.gather(*asking)
    await asyncio.wait_for(peers.came.wait(), 20)
    peers.release.set()
    lists = await waiting
    assert len(peers.asked) == 1
    assert all([item["name"] for item in items] == ["x"] for items, _ in lists)

    others = [
        TOM,
        MAYA.limited(TurnLimits(privacy=True)),
        MAYA.limited(TurnLimits(knowledge_base_ids=frozenset())),
        replace(MAYA, roles=frozenset({"OrgAdmin"})),
    ]
    for number, who in enumerate(others, 2):
        await shared.listing(caller(who), None, "prompts/list")
        await shared.listing(caller(who), None, "prompts/list")
        assert len(peers.asked) == number, "remembered for itself, not for another"
