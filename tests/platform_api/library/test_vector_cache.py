"""What was embedded once is not embedded again: known by its content, in its organisation."""

from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy import func, select, update

from kit.clock import SystemClock
from knowledge.embed import ChunkVectors, SentenceVectors
from platform_api.identity.dev_people import ORGANISATION_ID
from platform_api.library.models import ChunkVectorRow
from platform_api.library.service.vector_cache import PostgresVectorCache, purge_vectors
from platform_api.platform_ports import PlatformPorts
from tests.platform_api.library.steps import HANDBOOK, personal_base, search, upload
from tests.platform_api.people import People
from tests.platform_api.reading import EmbedderInProcess
from tests.platform_api.work import Work

EMBEDDER = "test-1"


@pytest.fixture
def ingesting(ports: PlatformPorts) -> EmbedderInProcess:
    """What is asked to embed documents; `texts` are all that it was asked for."""
    found = ports.vectoriser._embedder  # type: ignore[attr-defined] # what it was asked is what is tested
    assert isinstance(found, EmbedderInProcess)
    return found


@pytest.mark.proves("EMBED-003")
async def test_a_document_that_comes_back_or_moves_costs_no_embedding(
    people: People, worker: Work, ingesting: EmbedderInProcess
) -> None:
    base = await personal_base(people.maya)
    first = (await upload(people.maya, base, ("leave.md", HANDBOOK))).json()["documents"][0]["id"]
    await worker.finish()
    cost = len(ingesting.texts)

    await people.maya.delete(f"/api/v1/knowledge-bases/{base}/documents/{first}")
    await worker.finish()
    again = (await upload(people.maya, base, ("leave.md", HANDBOOK))).json()["documents"][0]["id"]
    moved = (await upload(people.maya, base, ("moved/elsewhere.md", HANDBOOK))).json()["documents"][0]["id"]
    await upload(people.tom, await personal_base(people.tom), ("mine.md", HANDBOOK))
    await worker.finish()

    assert cost == 2
    assert len(ingesting.texts) == cost
    assert again != first
    # of two pages with one text a search shows either
    found = {hit["metadata"]["doc_id"] for hit in await search(people.maya, base, "annual leave")}
    assert found
    assert found <= {again, moved}


@pytest.mark.proves("EMBED-003", "CHUNK-002")
async def test_a_changed_page_embeds_its_changed_chunks_only(
    people: People, worker: Work, ingesting: EmbedderInProcess
) -> None:
    base = await personal_base(people.maya)
    await upload(people.maya, base, ("leave.md", HANDBOOK))
    await worker.finish()
    before = len(ingesting.texts)

    changed = HANDBOOK.replace("end of March", "end of April")
    await upload(people.maya, base, ("leave.md", changed))
    await worker.finish()
    await upload(people.maya, base, ("leave.md", HANDBOOK))
    await worker.finish()

    [embedded] = ingesting.texts[before:]
    assert "end of April" in embedded
    assert "March" in (await search(people.maya, base, "carried over"))[0]["content"]


async def test_another_organisation_embeds_for_itself(
    people: People, worker: Work, ingesting: EmbedderInProcess
) -> None:
    await upload(people.maya, await personal_base(people.maya), ("leave.md", HANDBOOK))
    await worker.finish()
    stranger = await people.add("stranger", organisation_id=await people.add_organisation())
    before = len(ingesting.texts)

    await upload(stranger, await personal_base(stranger), ("leave.md", HANDBOOK))
    await worker.finish()

    assert len(ingesting.texts) == 2 * before


async def test_a_row_comes_back_as_it_was_put(people: People, ports: PlatformPorts) -> None:
    cache = PostgresVectorCache(ports.database, SystemClock())
    made = {some_hash(n): vectors(n) for n in range(700)}

    await cache.put(ORGANISATION_ID, EMBEDDER, made)
    await cache.put(ORGANISATION_ID, EMBEDDER, {some_hash(0): vectors(5)})
    found = await cache.get(ORGANISATION_ID, EMBEDDER, [*made, some_hash(9999)])

    assert found.keys() == made.keys()
    for key, one in found.items():
        assert np.array_equal(one.dense, made[key].dense)
        assert one.sentences.spans == made[key].sentences.spans
        assert np.array_equal(one.sentences.rows, made[key].sentences.rows)
    assert await cache.get(ORGANISATION_ID, "test-2", list(made)) == {}
    assert await cache.get(uuid4(), EMBEDDER, list(made)) == {}


async def test_what_is_not_used_for_long_is_purged_and_use_keeps_it(
    people: People, ports: PlatformPorts
) -> None:
    clock = SystemClock()
    cache = PostgresVectorCache(ports.database, clock)
    await cache.put(ORGANISATION_ID, EMBEDDER, {some_hash(n): vectors(n) for n in range(3)})
    async with ports.database.begin() as session:
        await session.execute(update(ChunkVectorRow).values(used_at=clock.now() - timedelta(days=40)))
    await cache.get(ORGANISATION_ID, EMBEDDER, [some_hash(1)])

    async with ports.database.begin() as session:
        await purge_vectors(session, clock.now(), 30)

    async with ports.database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(ChunkVectorRow)) == 1
    assert list(await cache.get(ORGANISATION_ID, EMBEDDER, [some_hash(n) for n in range(3)])) == [
        some_hash(1)
    ]


def some_hash(number: int) -> str:
    return UUID(int=number).hex * 2


def vectors(number: int) -> ChunkVectors:
    rng = np.random.default_rng(number)
    spans = tuple((at * 10, at * 10 + 9) for at in range(number % 4))
    rows = rng.integers(-127, 128, (len(spans), 8), dtype=np.int8)
    return ChunkVectors(rng.normal(size=8).astype(np.float32), SentenceVectors(spans, rows))
