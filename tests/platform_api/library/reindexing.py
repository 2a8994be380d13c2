"""A platform whose index can change its embedder; ingestion waits where a test tells it to."""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from redis.asyncio import Redis

from kit.clock import SystemClock
from knowledge.embed import EmbedderSpec, Vectoriser, Vectors
from knowledge.index.edge_generations import open_generations
from knowledge.index.following import FollowingIndex
from knowledge.index.generation import Generation, Generations
from knowledge.index.vectorising import Vectorisers
from knowledge.search import Current, Search
from platform_api.app import PlatformPorts
from platform_api.library.service.scopes import Scopes
from platform_api.library.service.vector_cache import PostgresVectorCache
from platform_api.library.tasks.reindex import Reindexing, ReindexTask
from ports.db import Database
from tests.platform_api.people import platform_ports

OLD = EmbedderSpec(version="old-words", dimensions=48)
NEW = EmbedderSpec(version="new-words", dimensions=64)


class Words:
    """A direction for each word, another one for each version; both for queries and for ingestion."""

    def __init__(self, spec: EmbedderSpec) -> None:
        self.version = spec.version
        self.dimensions = spec.dimensions
        self.calls = 0

    def vectors(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        rows = [self._row(text) for text in texts]
        return np.stack(rows) if rows else np.empty((0, self.dimensions), np.float32)

    def _row(self, text: str) -> Vectors:
        total = np.zeros(self.dimensions)
        for word in re.findall(r"\w+", text.lower()):
            total += _direction(f"{self.version} {word}", self.dimensions)
        return (total / (np.linalg.norm(total) or 1)).astype(np.float32)

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self.vectors(texts)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


@cache
def _direction(word: str, dimensions: int) -> Any:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4])
    return np.random.default_rng(seed).normal(size=dimensions)


class Ingesting:
    """Embeds for ingestion; before the call with number `pause_at` it says so and waits for `go_on`."""

    def __init__(self, spec: EmbedderSpec) -> None:
        self.words = Words(spec)
        self.version, self.dimensions = spec.version, spec.dimensions
        self.pause_at = 0
        self.paused, self.go_on = asyncio.Event(), asyncio.Event()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if self.pause_at and self.words.calls + 1 == self.pause_at:
            self.paused.set()
            await self.go_on.wait()
        return self.words.vectors(texts)


@dataclass
class Moving:
    """The index of a platform on its way from one embedder to the next."""

    generations: Generations
    ports: PlatformPorts
    task: ReindexTask
    ingesting: dict[str, Ingesting] = field(default_factory=dict[str, Ingesting])

    async def names(self) -> list[str]:
        return [each.name for each in await self.generations.all()]


class Checked:
    """Generations whose indexes are asked only with vectors of their own embedder."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generations, name)

    async def index(self, generation: Generation) -> Any:
        return _CheckedIndex(await self._generations.index(generation), generation, self.asked)


class _CheckedIndex:
    def __init__(self, index: Any, generation: Generation, asked: list[str]) -> None:
        self._index = index
        self._generation = generation
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def search(self, *arguments: Any, vector: Any, text: str, **named: Any) -> Any:
        spec = self._generation.spec
        assert spec is not None
        expected = Words(spec).vectors([text])[0]
        assert len(vector) == spec.dimensions
        assert np.allclose(vector, expected), "a query embedded for another index"
        self._asked.append(spec.version)
        return await self._index.search(*arguments, vector=vector, text=text, **named)


def moving(database: Database, redis: Redis, folder: Path, wanted: EmbedderSpec = NEW) -> Moving:
    """Its index begins with OLD where the folder has none."""
    generations: Any = Checked(open_generations(folder / "index", OLD))
    ingesting: dict[str, Ingesting] = {}

    def vectoriser(spec: EmbedderSpec) -> Vectoriser:
        made = ingesting.setdefault(spec.version, Ingesting(spec))
        return Vectoriser(made, PostgresVectorCache(database, SystemClock()))

    vectorisers = Vectorisers(generations, vectoriser)
    reindexing = Reindexing(generations, vectorisers, wanted, grace_s=0.2)
    ports = platform_ports(
        database,
        redis,
        folder,
        index=FollowingIndex(generations),
        search=Search.following(Current(generations, Words, look_every_s=0.02)),
        vectoriser=vectorisers,
        reindexing=reindexing,
    )
    scopes = Scopes.load(ports.library_settings.scopes)
    task = ReindexTask(
        database, ports.blobs, reindexing, preparer=ports.preparer, scopes=scopes, clock=ports.clock
    )
    return Moving(generations, ports, task, ingesting)
