"""Kill -9 of any process at any moment of ingestion: each document is searchable once, or a dead letter."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from access.keys import AccessKeys, organisation_key
from kit.clock import SystemClock
from knowledge.index import Held, Index
from knowledge.index.remote import connect_remote
from platform_api.identity.dev_people import ORGANISATION_ID
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.tasks import Reconcile
from ports.blobs import FolderBlobs
from ports.db import Database
from ports.queue import FailedJob, Queue
from ports.redis import CacheScopes, connect
from tests.e2e.conftest import data_folder
from tests.e2e.fleet import ENGINES, PROCESSES, Fleet, fleet
from tests.e2e.senders import Promise, Sender
from tests.e2e.test_processes_apart import key_of_ada
from tests.platform_api.reading import ReaderInProcess

SEED = int(os.environ.get("SWITCHBOARD_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
EVERYONE = AccessKeys([organisation_key(ORGANISATION_ID)])
_PROGRESS_WITHIN_S = 240.0
"""A document may wait a minute for its next attempt, and the machine may be slow: but something must move."""


@pytest.mark.proves("JOBS-001")
@pytest.mark.timeout(300)
async def test_a_few_kills_lose_nothing_and_double_nothing() -> None:
    victims = ("worker", "postgres", "index", "valkey")  # the api starts slowest; the long run kills it, too
    await kill_and_check(victims, senders=2, steps=5, pause_s=0.6, seed=4711)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.proves("JOBS-001")
async def test_fifty_kills_lose_nothing_and_double_nothing() -> None:
    await kill_and_check(victims_of(50, SEED), senders=3, steps=80, pause_s=6.0, seed=SEED)


def victims_of(kills: int, seed: int) -> list[str]:
    """Each process at least once, the others by chance."""
    chance = random.Random(seed)
    everybody = [*PROCESSES, *ENGINES]
    order = [*everybody, *(chance.choice(everybody) for _ in range(kills - len(everybody)))]
    chance.shuffle(order)
    return order


async def kill_and_check(
    victims: Sequence[str], *, senders: int, steps: int, pause_s: float, seed: int
) -> None:
    print(f"seed {seed}: repeat it with SWITCHBOARD_CRASH_SEED={seed}")
    chance = random.Random(seed)
    with data_folder() as data:
        async with fleet(data) as running, seen(running) as eyes:
            key = await key_of_ada(eyes.database)
            base = await org_base(running.url, key)
            people = [
                Sender(f"s{number}", running.url, key, base, chance.randrange(10**9), pause_s)
                for number in range(senders)
            ]
            await under_fire(running, people, victims, steps, chance)
            await quiet(eyes)
            try:
                await check(eyes, running.url, key, base, people)
            finally:
                for one in people:
                    await one.close()


async def under_fire(
    running: Fleet, people: list[Sender], victims: Sequence[str], steps: int, chance: random.Random
) -> None:
    """Everybody sends while the processes are killed."""
    over = asyncio.Event()
    sending = [asyncio.create_task(one.run(over, steps)) for one in people]
    try:
        for number, victim in enumerate(victims, 1):
            await asyncio.sleep(chance.uniform(0.1, 2.5))
            await running.kill(victim)
            print(f"kill {number}: {victim}", flush=True)
            if chance.random() < 0.8:  # else the next one dies while this one still starts
                await running.ready()
        await running.ready()
    finally:
        over.set()
        await asyncio.gather(*sending)


# What is looked at, from outside of all processes.


@dataclass(slots=True)
class Eyes:
    database: Database
    index: Index
    blobs: FolderBlobs
    queue: Queue


@asynccontextmanager
async def seen(running: Fleet) -> AsyncGenerator[Eyes]:
    database = Database(running.database_url, 4)
    index = connect_remote(running.socket)
    try:
        yield Eyes(database, index, FolderBlobs(running.blobs), Queue(database))
    finally:
        await index.close()
        await database.close()


async def org_base(url: str, key: str) -> str:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        items = (await client.get("/api/v1/knowledge-bases")).json()["items"]
    return next(item["id"] for item in items if item["owner_type"] == "org")


async def quiet(eyes: Eyes) -> None:
    """Until nothing waits and nothing runs any more."""
    waiting = text(
        "SELECT (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        " AND lock LIKE 'document:%') + (SELECT count(*) FROM job_items WHERE state IN ('queued', 'running'))"
    )
    left = None
    async with asyncio.timeout(_PROGRESS_WITHIN_S) as patience:
        while left != 0:
            async with eyes.database.begin() as session:
                now = (await session.execute(waiting)).scalar_one()
            if now != left:
                left = now
                patience.reschedule(asyncio.get_running_loop().time() + _PROGRESS_WITHIN_S)
            await asyncio.sleep(0.2)


@dataclass(slots=True)
class World:
    """Everything as it is after all kills."""

    rows: dict[UUID, Any]
    held: dict[UUID, Held]
    letters: dict[UUID, FailedJob]
    faults: list[str] = field(default_factory=list[str])

    def expect(self, holds: bool, said: str) -> bool:
        if not holds:
            self.faults.append(said)
        return holds


async def check(eyes: Eyes, url: str, key: str, base: str, people: list[Sender]) -> None:
    """All at once, so that one run tells all that is wrong."""
    world = await look(eyes)
    promises = [promise for one in people for promise in one.promises.values()]
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        for promise in promises:
            await check_document(eyes, world, client, base, promise)
        for job_id in {job for one in people for job in one.jobs}:
            job = (await client.get(f"/api/v1/jobs/{job_id}")).json()
            done = job["status"] in ("succeeded", "failed") and job["progress"]["done"] == 1
            world.expect(done and job["progress"]["total"] == 1, f"job {job}")
    promised = {promise.document_id for promise in promises if promise.kind != "deleted"}
    world.expect(set(world.rows) == promised, f"rows without promise: {set(world.rows) ^ promised}")
    world.expect(set(world.held) <= promised, f"ghosts in the index: {set(world.held) - promised}")
    await check_files(eyes, world)
    await check_nothing_to_repair(eyes, world)
    kinds = Counter(promise.kind for promise in promises)
    print(f"{dict(kinds)}, dead letters: {[letter.reason for letter in world.letters.values()]}")
    assert not world.faults, "\n".join(world.faults)


async def look(eyes: Eyes) -> World:
    async with eyes.database.begin() as session:
        found = await session.execute(
            text(
                "SELECT d.*, v.sha256, v.blob_key, v.read_key FROM documents d JOIN document_versions v"
                " ON v.document_id = d.id AND v.version = d.version"
            )
        )
        rows = {row["id"]: row for row in found.mappings()}
    held = {document_id: entry async for document_id, entry in eyes.index.inventory()}
    letters = {UUID(one.args["document_id"]): one for one in await eyes.queue.failed(10_000)}
    return World(rows, held, letters)


async def check_document(
    eyes: Eyes, world: World, client: httpx.AsyncClient, base: str, promise: Promise
) -> None:
    assert promise.document_id is not None
    row, held = world.rows.get(promise.document_id), world.held.get(promise.document_id)
    about = f"{promise.kind} {promise.path} {promise.document_id}"
    for word in promise.old_words:
        world.expect(not await found(client, base, word), f"{about}: '{word}' of an old version is found")
    if promise.kind == "deleted":
        world.expect(row is None and held is None, f"{about}: is still there: {row} {held}")
        return
    if not world.expect(row is not None, f"{about}: was answered 202 and is lost") or row is None:
        return
    world.expect(row["sha256"] == promise.sha256, f"{about}: the latest version is another one")
    if promise.kind == "unreadable" or promise.document_id in world.letters:
        world.expect(row["status"] == "failed" and bool(row["error"]), f"{about}: {row['status']}")
        world.expect(held is None or not held.pending, f"{about}: half of it is in the index: {held}")
        return
    await check_searchable(eyes, world, client, base, promise)


async def check_searchable(
    eyes: Eyes, world: World, client: httpx.AsyncClient, base: str, promise: Promise
) -> None:
    """Once, whole, in its latest version, open to whom it should be."""
    assert promise.document_id is not None
    row, held = world.rows[promise.document_id], world.held.get(promise.document_id)
    about = f"{promise.path} {promise.document_id}"
    world.expect(
        row["status"] == "ready" and row["published_version"] == row["version"],
        f"{about}: {row['status']} {row['error']}, version {row['published_version']} of {row['version']}",
    )
    read = await ReaderInProcess().read(promise.data, promise.path, promise.document_id)
    wanted = frozenset(chunk.chunk_id for chunk in read.chunks)
    known = await eyes.index.known(promise.document_id)
    world.expect(known == wanted, f"{about}: {len(known ^ wanted)} chunks too many or too few")
    whole = held is not None and (held.chunks, held.pending) == (len(wanted), 0)
    world.expect(whole and held is not None and held.version == row["version"], f"{about}: {held}")
    world.expect(held is not None and held.keys == frozenset(EVERYONE), f"{about}: keys {held}")
    hits = await found(client, base, promise.word)
    ids = [hit["chunk_id"] for hit in hits]
    world.expect(bool(hits) and len(ids) == len(set(ids)), f"{about}: found {len(ids)} times")
    about_it = {hit["metadata"]["doc_id"] for hit in hits}
    world.expect(about_it == {str(promise.document_id)}, f"{about}: found in {about_it}")


async def found(client: httpx.AsyncClient, base: str, word: str) -> list[dict[str, Any]]:
    """The chunks that contain the word, of those that a search for it shows."""
    answer = await client.post(f"/api/v1/knowledge-bases/{base}/query", json={"query": word, "top_k": 20})
    assert answer.status_code == 200, answer.text
    return [chunk for chunk in answer.json()["chunks"] if word in f"{chunk['content']} "]


async def check_files(eyes: Eyes, world: World) -> None:
    stored = {one.key for prefix in ("originals", "read") async for one in eyes.blobs.list(prefix)}
    for row in world.rows.values():
        world.expect(row["blob_key"] in stored, f"{row['path']}: its bytes are gone")
        if row["status"] == "ready":
            world.expect(row["read_key"] in stored, f"{row['path']}: what was read of it is gone")


async def check_nothing_to_repair(eyes: Eyes, world: World) -> None:
    """What the retries left needs no reconciling: that is for faults that nobody has thought of."""
    # Nothing is left to change, so there is no cache to tell.
    changes = IndexChanges(eyes.index, CacheScopes(connect("redis://127.0.0.1:1/0")), surely=True)
    task = Reconcile(eyes.database, eyes.blobs, eyes.queue, changes, SystemClock())
    repairs = {
        kind: number for kind, number in (await task.run()).all().items() if kind != "documents_checked"
    }
    world.expect(repairs == {}, f"needed repairs: {repairs}")
