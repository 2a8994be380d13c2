"""Generations of the index: one is built beside the current one, then they switch."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from qdrant_client import AsyncQdrantClient

from access.keys import AccessKeys
from knowledge.embed.spec import EmbedderSpec
from knowledge.embed.weights import VERSION, WIDTH
from knowledge.index import GenerationGone, Held, IndexedChunk, IndexFilter, OtherEmbedder, fields
from knowledge.index.edge import create_shard, open_edge
from knowledge.index.edge_generations import open_generations
from knowledge.index.following import FollowingIndex
from knowledge.index.generation import Generation, Generations
from knowledge.index.points import point_of
from knowledge.index.remote import connect_generations, connect_remote
from knowledge.index.server_generations import ServerGenerations
from knowledge.index.serving import serving
from tests.knowledge.index.local_server import local_server
from tests.knowledge.index.samples import DIMENSIONS, chunk, document, facts, texts_found, vector

NEW_FIELDS = {fields.VERSION, fields.UPDATED, fields.LEAVING, fields.TURNED, fields.SENTENCES}
FIRST = EmbedderSpec(version="first", dimensions=DIMENSIONS)
SECOND = EmbedderSpec(version="second/large", dimensions=8)
STAFF = AccessKeys(["o:1"])
OTHERS = AccessKeys(["o:2"])

# The client's in-memory mode says that it is exact anyway.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Payload indexes have no effect in the local Qdrant:UserWarning",
    "ignore:Local mode performs exact:UserWarning",
)


@pytest.fixture(params=["edge", "remote", "server_double", "server"])
async def generations(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Generations]:
    if request.param == "server_double":
        yield ServerGenerations(local_server(), FIRST)
    elif request.param == "server":
        async for each in _real_server():
            yield each
    else:
        opened = open_generations(tmp_path / "index", FIRST)
        if request.param == "edge":
            yield opened
        else:
            async with serving(FollowingIndex(opened), tmp_path / "s", opened):
                remote = connect_generations(tmp_path / "s")
                yield remote
                await remote.close()
        await opened.close()


async def _real_server() -> AsyncIterator[Generations]:
    url = os.environ.get("SWITCHBOARD_QDRANT__URL")
    if not url:
        pytest.skip("no Qdrant server: set SWITCHBOARD_QDRANT__URL to an empty one to run this against it")
    made = ServerGenerations(AsyncQdrantClient(url=url), FIRST)
    yield made
    await made.switch(await made.build(FIRST))
    for each in (await made.all())[1:]:
        await made.drop(each)
    await made.close()


async def test_a_new_generation_answers_nobody_before_the_switch(generations: Generations) -> None:
    index, doc = FollowingIndex(generations), uuid4()
    first = await generations.current()
    await index.publish(doc, document(doc, ["words"]), STAFF, embedder="first")

    second = await generations.build(SECOND)

    assert first.spec == FIRST
    assert second.spec == SECOND
    assert [each.name for each in await generations.all()] == [first.name, second.name]
    assert (await generations.current()) == first
    assert await texts_found(index, STAFF, "words") == {"words"}
    assert await (await generations.index(second)).known(doc) == frozenset()
    assert await generations.build(SECOND) == second


async def test_after_the_switch_the_new_one_answers_and_the_old_one_may_go(generations: Generations) -> None:
    index, doc = FollowingIndex(generations), uuid4()
    first = await generations.current()
    old = await generations.index(first)
    await index.publish(doc, document(doc, ["old words"]), STAFF)
    second = await generations.build(SECOND)
    rebuilt = [IndexedChunk(chunk(doc, "new words"), facts(doc), [1.0] + [0.0] * 7)]
    await (await generations.index(second)).publish(doc, rebuilt, STAFF)

    with pytest.raises(ValueError, match="current"):
        await generations.drop(first)
    await generations.switch(second)

    assert (await generations.current()) == second
    found = await index.search(STAFF, IndexFilter(), vector=[1.0] + [0.0] * 7, text="words", limit=5)
    assert [hit.stored.chunk.text for hit in found] == ["new words"]
    # Who still asks the old one gets its answer, until it goes.
    assert await texts_found(old, STAFF, "words") == {"old words"}
    await generations.drop(first)
    assert [each.name for each in await generations.all()] == [second.name]
    with pytest.raises(GenerationGone):
        await texts_found(old, STAFF, "words")
    with pytest.raises(GenerationGone):
        await generations.switch(first)
    await generations.drop(first)


@pytest.mark.proves("INDEX-006")
async def test_taking_access_away_and_removing_reach_every_generation(generations: Generations) -> None:
    index, kept, removed = FollowingIndex(generations), uuid4(), uuid4()
    second = await generations.index(await generations.build(SECOND))
    for doc in (kept, removed):
        await index.publish(doc, document(doc, [f"words {doc}"]), STAFF)
        await second.publish(
            doc, [IndexedChunk(chunk(doc, f"words {doc}"), facts(doc), [1.0] + [0.0] * 7)], STAFF
        )

    await index.set_access(kept, OTHERS)
    await index.remove(removed)

    for each in await generations.all():
        held = {doc_id: held async for doc_id, held in (await generations.index(each)).inventory()}
        assert {doc_id: found.keys for doc_id, found in held.items()} == {kept: frozenset(OTHERS)}


async def test_vectors_of_another_embedder_are_refused(generations: Generations) -> None:
    index, doc = FollowingIndex(generations), uuid4()
    with pytest.raises(OtherEmbedder):
        await index.publish(doc, document(doc, ["words"]), STAFF, embedder="second/large")
    await index.publish(doc, document(doc, ["words"]), STAFF, embedder="first")
    await generations.switch(await generations.build(SECOND))
    with pytest.raises(OtherEmbedder):
        await index.publish(doc, document(doc, ["words"]), STAFF, embedder="first")


async def test_another_process_sees_the_switch(tmp_path: Path) -> None:
    opened = open_generations(tmp_path / "index", FIRST)
    async with serving(FollowingIndex(opened), tmp_path / "s", opened):
        one, other = connect_generations(tmp_path / "s"), connect_generations(tmp_path / "s")
        follows, doc = connect_remote(tmp_path / "s"), uuid4()
        second = await one.build(SECOND)
        rebuilt = [IndexedChunk(chunk(doc, "words"), facts(doc), [1.0] + [0.0] * 7)]
        await (await one.index(second)).publish(doc, rebuilt, STAFF)
        await one.switch(second)
        assert (await other.current()) == second
        assert await follows.known(doc) == {rebuilt[0].chunk.chunk_id}
        for each in (one, other, follows):
            await each.close()
    await opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def _reopened(folder: Path, spec: EmbedderSpec) -> tuple[Generation, list[str]]:
    async def read() -> tuple[Generation, list[str]]:
        opened = open_generations(folder, spec)
        found = await opened.current(), [each.name for each in await opened.all()]
        await opened.close()
        return found

    return asyncio.run(read())


def test_the_current_one_stays_current_whatever_the_settings_ask_for(folder: Path) -> None:
    first, _ = _reopened(folder, FIRST)
    assert _reopened(folder, SECOND) == (first, [first.name])
    assert first.spec == FIRST


def test_what_was_half_made_or_half_deleted_by_a_killed_owner_goes(folder: Path) -> None:
    first, _ = _reopened(folder, FIRST)
    for name in ("chunks-v3-second.draft", "chunks-v3-third.going"):
        (folder / name / "segments").mkdir(parents=True)
    (folder / "current.draft").write_text("chunks-v3")
    assert _reopened(folder, FIRST) == (first, [first.name])
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [first.name]


def test_a_name_that_is_no_longer_there_is_not_current(folder: Path) -> None:
    first, _ = _reopened(folder, FIRST)
    (folder / "current").write_text("chunks-v3-elsewhere\n")
    assert _reopened(folder, FIRST) == (first, [first.name])
    (folder / "current").write_text("../../etc")
    assert _reopened(folder, FIRST) == (first, [first.name])


@pytest.fixture
def old_release(folder: Path) -> Path:
    """The folder of a release that had one schema, no alias, and did not keep its embedder."""
    folder.mkdir()
    create_shard(folder / f"chunks-v1-{VERSION}", WIDTH)
    return folder


@pytest.mark.proves("INDEX-006")
def test_a_folder_of_the_first_schema_answers_until_it_is_rebuilt(old_release: Path) -> None:
    wanted = EmbedderSpec()
    current, names = _reopened(old_release, wanted)
    assert names == [f"chunks-v1-{VERSION}"]
    assert (current.schema, current.spec, current.embedder) == ("v1", wanted, VERSION)


def test_an_embedder_that_nobody_knows_any_more_is_told_as_such(folder: Path) -> None:
    folder.mkdir()
    create_shard(folder / "chunks-v1-forgotten", 12)
    current, _ = _reopened(folder, FIRST)
    assert (current.spec, current.dimensions, current.embedder) == (None, 12, "forgotten")


async def test_chunks_of_the_first_schema_are_found_and_published_over(old_release: Path) -> None:
    opened = open_generations(old_release, EmbedderSpec())
    index, doc = FollowingIndex(opened), uuid4()
    made = IndexedChunk(chunk(doc, "annual leave"), facts(doc), [1.0] + [0.0] * (WIDTH - 1))
    await index.publish(doc, [made], STAFF)
    await index.publish(doc, [IndexedChunk(made.chunk, facts(doc, version=2), None)], STAFF)
    [hit] = await index.search(STAFF, IndexFilter(), vector=None, text="leave", limit=5)
    assert hit.stored.facts.version == 2
    await opened.close()


async def test_points_as_the_first_schema_wrote_them_can_be_found_taken_away_and_listed(
    old_release: Path,
) -> None:
    opened = open_generations(old_release, EmbedderSpec())
    index, doc, other = FollowingIndex(opened), uuid4(), uuid4()
    store: Any = opened._open[f"chunks-v1-{VERSION}"]._store  # type: ignore[attr-defined] # as it was written then
    for each in (doc, other):
        made = IndexedChunk(chunk(each, "annual leave"), facts(each), [1.0] + [0.0] * (WIDTH - 1))
        point = point_of(made, first=True)
        old = {name: value for name, value in point.payload.items() if name not in NEW_FIELDS}
        await store.insert([replace(point, payload=old)])
        await store.mark([point.id], {fields.ACCESS_KEYS: list(STAFF), fields.PENDING: fields.NO})

    await index.remove(other)
    held = dict([found async for found in index.inventory()])

    assert held == {doc: Held(version=0, chunks=1, pending=0, keys=frozenset(STAFF), updated_at=None)}
    query = [1.0] + [0.0] * (WIDTH - 1)
    [hit] = await index.search(STAFF, IndexFilter(), vector=query, text="leave", limit=5)
    assert hit.dense == pytest.approx(1.0)
    await index.set_access(doc, None)
    assert await index.search(STAFF, IndexFilter(), vector=query, text="leave", limit=5) == []
    assert await index.sentences(STAFF, [hit.stored.chunk.chunk_id]) == {}
    await opened.close()


async def test_an_index_without_generations_says_so(tmp_path: Path) -> None:
    index = open_edge(tmp_path / "index", "test", DIMENSIONS)
    async with serving(index, tmp_path / "s"):
        remote = connect_generations(tmp_path / "s")
        with pytest.raises(ValueError, match="no generations"):
            await remote.current()
        await remote.close()
    await index.close()


def test_vector_sizes_of_the_samples_differ() -> None:
    assert len(vector("words")) == FIRST.dimensions != SECOND.dimensions
