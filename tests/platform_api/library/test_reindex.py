"""The index goes over to another embedder while people ask, upload, share and delete."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from access.keys import AccessKeys
from knowledge.embed.spec import EmbedderSpec
from knowledge.index import IndexFilter, IndexUnavailable
from knowledge.index.generation import generation_of
from platform_api.app import build_app
from platform_api.identity.dev_people import ensure_dev_people
from ports.db import Database
from tests.platform_api.library.reindexing import NEW, OLD, Moving, Words, moving
from tests.platform_api.library.steps import base_of, personal_base, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work

STABLE = 12


@pytest.fixture
async def platform(database: Database, redis: Redis, tmp_path: Path) -> AsyncIterator[Moving]:
    made = moving(database, redis, tmp_path)
    await ensure_dev_people(database)
    yield made
    await made.generations.close()


@pytest.fixture
async def people(platform: Moving) -> AsyncIterator[People]:
    async with People(platform.ports, build_app(platform.ports)) as people:
        yield people


@pytest.fixture
def worker(platform: Moving) -> Work:
    return Work(platform.ports)


def text_of(name: str) -> str:
    return f"# About {name}\n\nThe code of {name} is in the safe.\n\n## More\n\nAsk for {name} at the desk.\n"


async def put(client: Any, base: str, *names: str) -> dict[str, str]:
    """Their ids, by name."""
    sent = await upload(client, base, *((f"{name}.md", text_of(name)) for name in names))
    assert sent.status_code == 202, sent.text
    return dict(zip(names, (one["id"] for one in sent.json()["documents"]), strict=True))


async def found(client: Any, name: str) -> list[dict[str, Any]]:
    answer = await client.post("/api/v1/documents/query", json={"query": f"about {name}", "top_k": 50})
    assert answer.status_code == 200, answer.text
    assert answer.json()["degraded"] is None
    return [chunk for chunk in answer.json()["chunks"] if name in chunk["content"]]


class Asking:
    """Asks without a pause; whatever is wrong ends the test."""

    def __init__(self, client: Any, names: dict[str, str]) -> None:
        self.answered = 0
        self._asking = asyncio.create_task(self._ask(client, names))

    async def _ask(self, client: Any, names: dict[str, str]) -> None:
        chosen = random.Random(7)
        while True:
            name = chosen.choice(sorted(names))
            chunks = await found(client, name)
            ids = {chunk["metadata"]["doc_id"] for chunk in chunks}
            assert ids == {names[name]}, name
            # Once, and whole: neither doubled nor halved.
            assert sorted(chunk["metadata"]["chunk_index"] for chunk in chunks) == [0, 1], name
            self.answered += 1
            # People read between two questions; the others here need their turn.
            await asyncio.sleep(0.01)

    async def more(self, answers: int = 10) -> None:
        """Until so many more are answered."""
        until = self.answered + answers
        while self.answered < until:
            self.check()
            await asyncio.sleep(0)

    def check(self) -> None:
        if self._asking.done():
            self._asking.result()

    async def stop(self) -> None:
        self.check()
        self._asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._asking


@pytest.mark.proves("INDEX-007")
async def test_nobody_notices_that_the_index_goes_over_to_another_embedder(
    platform: Moving, people: People, worker: Work
) -> None:
    public, private = await base_of(people.ada), await personal_base(people.maya)
    stable = await put(people.ada, public, *(f"stable{number}x" for number in range(STABLE)))
    going = await put(people.ada, public, "removedearly", "removedlate")
    changed = await put(people.ada, public, "changedearly", "changedlate")
    secret = await put(people.maya, private, "secret", "sharedlate")
    await worker.finish()
    asking = [Asking(people.tom, stable), Asking(people.ada, stable)]

    # The worker, somewhere in the middle of it; the queries go on.
    platform.task._with.vectorisers.of(generation_of(NEW))  # type: ignore[attr-defined] # to stop it on its way
    embedding = platform.ingesting[NEW.version]
    embedding.pause_at = 8
    turn = asyncio.create_task(platform.task.turn({}))
    await asyncio.wait({turn, asyncio.create_task(embedding.paused.wait())}, return_when="FIRST_COMPLETED")
    assert not turn.done()
    assert await platform.names() == [generation_of(OLD).name, generation_of(NEW).name]
    await _meanwhile(people, worker, public, private, going, changed, secret)
    for each in asking:
        await each.more()
    embedding.go_on.set()
    await turn
    for each in asking:
        await each.more()
        await each.stop()

    assert await platform.names() == [generation_of(NEW).name]
    assert {OLD.version, NEW.version} == set(platform.generations.asked)  # type: ignore[attr-defined]
    assert await found(people.ada, "addedlate")
    assert len(await found(people.tom, "sharedlate")) == 2
    for name in ("removedearly", "removedlate", "secret"):
        assert await found(people.tom, name) == []
    texts = [chunk["content"] for chunk in await found(people.tom, "changedlate")]
    assert texts == ["About changedlate now."]
    assert await _held_as_in_the_database(platform) == STABLE + 5
    # And nothing is left to do.
    await platform.task.turn({})
    assert await platform.names() == [generation_of(NEW).name]


async def _meanwhile(people: People, worker: Work, public: str, private: str, *ids: dict[str, str]) -> None:
    going, changed, secret = ids
    for document in going.values():
        assert (await people.ada.delete(f"/api/v1/knowledge-bases/{public}/documents/{document}")).is_success
    await put(people.ada, public, "addedlate")
    for name in changed:
        assert (await upload(people.ada, public, (f"{name}.md", f"About {name} now."))).is_success
    path = f"/api/v1/knowledge-bases/{private}/documents/{secret['sharedlate']}/shares"
    assert (await people.maya.post(path, json={"email": "tom@example.com"})).is_success
    shared = f"/api/v1/knowledge-bases/{private}/documents/{secret['secret']}/shares"
    assert (await people.maya.post(shared, json={"email": "tom@example.com"})).is_success
    assert (await people.maya.delete(f"{shared}?email=tom@example.com")).is_success
    await worker.finish()
    assert await found(people.tom, "secret") == []
    assert await found(people.tom, "removedearly") == []


async def _held_as_in_the_database(platform: Moving) -> int:
    """How many documents the index holds, each as the database says."""
    current = await platform.generations.current()
    goals = await platform.task._goals({})  # type: ignore[attr-defined] # what the database says
    index = await platform.generations.index(current)
    held = {doc_id: found async for doc_id, found in index.inventory()}
    assert held.keys() == goals.keys()
    for doc_id, goal in goals.items():
        assert (held[doc_id].version, held[doc_id].keys, held[doc_id].pending) == (goal.version, goal.keys, 0)
    return len(held)


@pytest.mark.proves("INDEX-007")
async def test_a_killed_worker_goes_on_where_it_was(platform: Moving, people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    await put(people.ada, base, *(f"stable{number}x" for number in range(STABLE)))
    await worker.finish()
    platform.task._with.vectorisers.of(generation_of(NEW))  # type: ignore[attr-defined] # to stop it on its way
    embedding = platform.ingesting[NEW.version]
    embedding.pause_at = 8
    turn = asyncio.create_task(platform.task.turn({}))
    await embedding.paused.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert (await platform.generations.current()).spec == OLD
    done = embedding.words.calls

    embedding.pause_at = 0
    await platform.task.turn({})

    assert await platform.names() == [generation_of(NEW).name]
    assert await _held_as_in_the_database(platform) == STABLE
    assert done == 7
    assert embedding.words.calls - done <= STABLE - done


async def test_vectors_made_just_before_the_switch_are_made_again(
    platform: Moving, people: People, worker: Work
) -> None:
    base = await base_of(people.ada)
    await put(people.ada, base, "first")
    await worker.finish()
    await put(people.ada, base, "late")
    job = await worker.take()
    assert job is not None
    embedding = platform.ingesting[OLD.version]
    embedding.pause_at = embedding.words.calls + 1
    ingest = asyncio.create_task(worker.run(*job))
    await embedding.paused.wait()

    await platform.task.turn({})
    embedding.go_on.set()
    with pytest.raises(IndexUnavailable):
        await ingest
    await worker.run(*job)

    assert len(await found(people.tom, "late")) == 2
    assert await _held_as_in_the_database(platform) == 2


async def test_a_document_whose_text_is_lost_holds_up_no_other(
    platform: Moving, people: People, worker: Work
) -> None:
    base = await base_of(people.ada)
    ids = await put(people.ada, base, "first", "lost", "last")
    await worker.finish()
    async with platform.ports.database.begin() as session:
        lost = text("SELECT read_key FROM document_versions WHERE document_id = :id")
        key = await session.scalar(lost, {"id": ids["lost"]})
    assert key
    await platform.ports.blobs.delete(key)

    await platform.task.turn({})

    assert await platform.names() == [generation_of(NEW).name]
    assert len(await found(people.tom, "first")) == len(await found(people.tom, "last")) == 2
    assert await found(people.tom, "lost") == []


async def test_what_is_nobodys_stays_nobodys(platform: Moving, people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    ids = await put(people.ada, base, "orphan")
    await worker.finish()
    async with platform.ports.database.begin() as session:
        await session.execute(text("DELETE FROM document_access"))

    await platform.task.turn({})

    index = await platform.generations.index(await platform.generations.current())
    held = {doc_id: found async for doc_id, found in index.inventory()}
    assert held[UUID(ids["orphan"])].keys == frozenset()
    nobody = AccessKeys(["u:nobody"])
    vector = Words(NEW).vectors(["orphan"])[0]
    hits = await index.search(nobody, IndexFilter(), vector=vector, text="orphan", limit=5)
    assert hits == []


def test_the_two_embedders_differ_in_size_too() -> None:
    assert OLD.dimensions != NEW.dimensions
    assert isinstance(NEW, EmbedderSpec)
