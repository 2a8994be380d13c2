"""Random worlds that live: people send, share, take back, move, restore, correct, delete, join, leave groups.

Nobody ever sees, counts, scores or is refused anything but what the rules say (SPEC 6, 7). Each world is an
organisation of its own in a platform that it shares with the worlds before it. A failure tells its seed and
what happened; SWITCHBOARD_TEST_WORLD_SEED=<seed> with SWITCHBOARD_TEST_WORLDS=1 lives that world again.
"""

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from redis.asyncio import Redis

from kit.clock import SystemClock
from knowledge.embed import Marked, Vectoriser, Vectors
from knowledge.index.edge import open_edge
from knowledge.search import CachedSearch, Search
from platform_api.app import PlatformPorts
from platform_api.library.service.vector_cache import PostgresVectorCache
from ports.db import Database
from ports.redis import CacheDoor, CacheSettings
from tests.engines import full_run
from tests.platform_api.library.living import act, begin, glance, glance_around, look, opened, settle, work
from tests.platform_api.people import People, platform_ports
from tests.platform_api.reading import embedder, marked_vectors
from tests.platform_api.work import Work

WORLDS = int(os.environ.get("SWITCHBOARD_TEST_WORLDS", "500" if full_run() else "10"))
FIRST = int(os.environ.get("SWITCHBOARD_TEST_WORLD_SEED", "0"))
BATCH = 100
ACTIONS = 8


class Remembering:
    """The packaged embedder, which embeds each text once: worlds say the same few sentences ever again."""

    version, dimensions = embedder().version, embedder().dimensions
    count_tokens = staticmethod(embedder().count_tokens)

    def __init__(self) -> None:
        self._whole: dict[str, Vectors] = {}
        self._parts: dict[Marked, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        for text in set(texts) - self._whole.keys():
            self._whole[text] = embedder().embed([text])[0]
        return np.stack([self._whole[text] for text in texts])

    def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        for text in set(texts) - self._parts.keys():
            self._parts[text] = marked_vectors([text])
        return np.concatenate([self._parts[text] for text in texts])


class Ingesting:
    """The same, as the Vectoriser takes it."""

    def __init__(self, of: Remembering) -> None:
        self.version, self.dimensions, self._of = of.version, of.dimensions, of

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return self._of.embed(texts)

    async def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        return self._of.embed_marked(texts)


@pytest.fixture
async def ports(database: Database, redis: Redis, tmp_path: Path) -> AsyncIterator[PlatformPorts]:
    remembering = Remembering()
    index = open_edge(tmp_path / "index", remembering.version, remembering.dimensions)
    vectoriser = Vectoriser(Ingesting(remembering), PostgresVectorCache(database, SystemClock()))
    # All that is asked goes through the cache; busy machines are given time.
    search = CachedSearch(Search(index, remembering), CacheDoor(redis, CacheSettings(deadline_ms=5000)))
    yield platform_ports(database, redis, tmp_path, index=index, search=search, vectoriser=vectoriser)
    await index.close()


@pytest.mark.proves("LEAK-002")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("start", range(FIRST, FIRST + WORLDS, BATCH))
async def test_nobody_sees_more_or_less_than_the_rules_say(people: People, worker: Work, start: int) -> None:
    for seed in range(start, min(start + BATCH, FIRST + WORLDS)):
        await live(people, worker, seed)


async def live(people: People, worker: Work, seed: int) -> None:
    living = await settle(people, worker, seed)
    try:
        await begin(living)
        for _ in range(ACTIONS):
            before = opened(living)
            await act(living)
            await glance_around(living, before)
        if living.chance.random() < 0.5:
            await work(living)
        for reader in living.inhabitants:
            await glance(living, reader)
        await look(living, living.chance.choice(living.inhabitants))
    except AssertionError as wrong:
        raise AssertionError(f"World {seed}: {wrong}") from wrong
    finally:
        await people.forget(living.ids)
