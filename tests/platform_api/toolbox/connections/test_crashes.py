"""Replicas that are killed in the middle of refreshes, against a server that punishes reuse."""

import asyncio
import hashlib
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any

import pytest
from sqlalchemy import update

from platform_api.identity.dev_people import ORGANISATION_ID
from platform_api.toolbox.connections.models import ConnectionRow
from tests.platform_api.toolbox.connections import replica
from tests.platform_api.toolbox.connections.conftest import MAYA, SERVER, World

REPLICAS = 8
ROUNDS = int(os.environ.get("SWITCHBOARD_TEST_CRASH_ROUNDS", "200"))
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["tests.platform_api.toolbox.connections.replica"])


@dataclass
class Replica:
    process: Any
    pipe: "Connection[Any, Any]"

    async def ask(self) -> str:
        """What it says, or `dead`."""
        try:
            self.pipe.send("ask")
            return await asyncio.to_thread(self.pipe.recv)
        except (EOFError, OSError):
            return "dead"

    def kill(self, *, couriers: bool = False) -> None:
        """kill -9; `couriers`: of all that it started, too."""
        for pid in children(self.process.pid) if couriers else ():
            os.kill(pid, signal.SIGKILL)
        self.process.kill()

    async def gone(self) -> None:
        await asyncio.to_thread(self.process.join)
        self.process.close()
        self.pipe.close()


def children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as listed:
        return [int(child) for child in listed.read().split()]


def started(world: World) -> Replica:
    assert world.ports.vault
    settings = {
        "database_url": world.ports.database.url,
        "keys": world.ports.vault.handed_over(),
        "organisation_id": str(ORGANISATION_ID),
        "user_id": str(MAYA),
        "server": SERVER,
        "hosts": world.ports.outbound_settings.allowed_hosts,
    }
    ours, theirs = FORKING.Pipe()
    process = FORKING.Process(target=replica.serve, args=(theirs, settings), daemon=True)
    process.start()
    theirs.close()
    return Replica(process, ours)


@asynccontextmanager
async def fleet(world: World, many: int) -> AsyncIterator[list[Replica]]:
    replicas = [started(world) for _ in range(many)]
    try:
        yield replicas
    finally:
        for one in replicas:
            one.kill()
            await one.gone()


@dataclass
class Rounds:
    """What happened."""

    killed: int = 0
    reconnects: int = 0
    locked_out: int = 0
    answers: Counter[str] = field(default_factory=Counter[str])


async def run(world: World, rounds: int, replicas: list[Replica], *, couriers: bool, seed: int) -> Rounds:
    """Each round all replicas need a new token at once, and one is killed at some moment of the refresh."""
    chance, seen = random.Random(seed), Rounds()
    await world.sign_in(client_id="sb")
    await world.connect()
    for number in range(rounds):
        await expire(world)
        before = len(world.issuer.seen)
        asking = [asyncio.create_task(one.ask()) for one in replicas]
        victim = await whoever_refreshes(world, before, replicas, chance)
        victim.kill(couriers=couriers)
        seen.killed += 1
        said = await asyncio.gather(*asking)
        await victim.gone()
        replicas[replicas.index(victim)] = started(world)
        seen.answers.update(one.split()[0] + (one[5:] if one.startswith("error") else "") for one in said)
        await judge(world, said, seen)
        if number % 20 == 19:
            print(number + 1, seen, flush=True)
    return seen


async def expire(world: World) -> None:
    async with world.ports.database.begin() as session:
        past = world.clock.now() - timedelta(seconds=1)
        await session.execute(update(ConnectionRow).values(expires_at=past))


async def whoever_refreshes(
    world: World, before: int, replicas: list[Replica], chance: random.Random
) -> Replica:
    """Now and then anybody at any time; mostly somebody once the request has come to the server."""
    if chance.random() < 0.5:
        while len(world.issuer.seen) == before:
            await asyncio.sleep(0.001)
        busy = [one for one in replicas if children(one.process.pid)]
        return chance.choice(busy or replicas)
    await asyncio.sleep(chance.random() * 0.2)
    return chance.choice(replicas)


async def judge(world: World, said: list[str], seen: Rounds) -> None:
    """Afterwards: either everybody has a token that is good, or the person is told to connect again."""
    alive = {hashlib.sha256(token.encode()).hexdigest() for token in world.issuer.live}
    for one in said:
        if one.startswith("got"):
            assert one.split()[1] in alive
    told = (await world.token()).json()
    if told.get("code") == "connect_account":
        seen.reconnects += 1
        listed = (await world.people.maya.get("/api/v1/connections")).json()["items"]
        assert listed[0]["state"] == "reconnect"
        assert listed[0]["problem"]
        await world.connect()
        return
    token = told.get("value", "").removeprefix("Bearer ")
    if token not in world.issuer.live:
        seen.locked_out += 1


def check(world: World, seen: Rounds, *, refreshes: int) -> None:
    sent = [form["refresh_token"] for form in world.issuer.seen if form["grant_type"] == "refresh_token"]
    print(f"\n{seen}; {len(sent)} refreshes, {world.issuer.reuses} reuses")
    assert len(sent) == len(set(sent)), "never two refreshes with one token"
    assert world.issuer.reuses == 0
    assert seen.locked_out == 0
    assert len(sent) >= refreshes


@pytest.mark.proves("GOV-603")
@pytest.mark.timeout(120)
async def test_replicas_that_are_killed_lose_no_token(world: World) -> None:
    async with fleet(world, 2) as replicas:
        seen = await run(world, 2, replicas, couriers=False, seed=1)
    check(world, seen, refreshes=2)
    assert seen.reconnects == 0


@pytest.mark.full
@pytest.mark.proves("GOV-603")
@pytest.mark.timeout(3600)
async def test_eight_replicas_two_hundred_rounds(world: World) -> None:
    async with fleet(world, REPLICAS) as replicas:
        seen = await run(world, ROUNDS, replicas, couriers=False, seed=2)
    check(world, seen, refreshes=ROUNDS)
    assert seen.reconnects == 0


@pytest.mark.full
@pytest.mark.proves("GOV-603")
@pytest.mark.timeout(3600)
async def test_what_even_the_courier_cannot_save_is_said_honestly(world: World) -> None:
    """kill -9 of a replica with all its children: an answer on its way is lost, but the person is told."""
    async with fleet(world, REPLICAS) as replicas:
        seen = await run(world, ROUNDS, replicas, couriers=True, seed=3)
    check(world, seen, refreshes=ROUNDS * 3 // 4)
