"""Cached search answers as uncached search, whatever happens to the documents meanwhile: leaks are hunted.

Each world is an organisation of its own over one index and one Redis. A worker may be killed between
changing the index and telling the caches; its job is then done again, and after that the caches must agree.
"""

import ast
import asyncio
import zlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4, uuid5

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.keys import AccessKeys, group_key, organisation_key, user_key
from kit.wire.search import SearchRequest, SearchResult
from knowledge.embed import Vectors
from knowledge.embed.vectors import SentenceVectors
from knowledge.index import Index, IndexedChunk
from knowledge.index.edge import open_edge
from knowledge.search import CachedSearch, Search
from launch.engines import RunningEngine
from platform_api.library.service.index_changes import IndexChanges
from ports.redis import CacheDoor, CacheScopes, CacheSettings, connect
from tests.knowledge.index.samples import chunk, facts

PEOPLE = ("maya", "tom", "ada")
TEXTS = ("annual leave is 25 days", "sick leave needs a certificate", "laptops last four years of leave")
QUERIES = ("annual leave", "certificate", "laptops leave")
PLACES = ("everyone", "finance", "maya", "tom")

documents, texts, places = st.integers(0, 2), st.sampled_from(TEXTS), st.sets(st.sampled_from(PLACES))
killed = st.booleans()
steps = st.one_of(
    st.tuples(st.just("publish"), documents, texts, places.filter(bool), killed),
    st.tuples(st.just("share"), documents, places, killed),
    st.tuples(st.just("remove"), documents, killed),
    st.tuples(st.just("search"), st.sampled_from(PEOPLE), st.sampled_from(QUERIES), st.booleans()),
    st.tuples(st.just("slow search"), st.sampled_from(PEOPLE), st.sampled_from(QUERIES), documents, places),
)


class HashedWords:
    """An embedder whose vectors are word counts in buckets."""

    version, dimensions = "hashed-words-1", 32

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = np.full((len(texts), self.dimensions), 1e-3, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.split():
                row[zlib.crc32(word.encode()) % self.dimensions] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


class Paused:
    """An index that can be stopped between finding and answering."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.found, self.go_on = asyncio.Event(), asyncio.Event()
        self.armed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def search(self, *asked: Any, **more: Any) -> Any:
        hits = await self._index.search(*asked, **more)
        if self.armed:
            self.armed = False
            self.found.set()
            await self.go_on.wait()
        return hits


@dataclass
class World:
    index: Index
    plain: Search
    replicas: Sequence[CachedSearch]
    paused: Paused
    changes: IndexChanges
    organisation: UUID = field(default_factory=uuid4)
    asked: int = 0
    held: int = 0

    def key(self, place: str) -> str:
        if place == "everyone":
            return organisation_key(self.organisation)
        if place == "finance":
            return group_key(self.organisation, "finance")
        return user_key(uuid5(self.organisation, place))

    def keys_of(self, person: str) -> AccessKeys:
        groups = ("finance",) if person == "tom" else ()
        return AccessKeys(self.key(place) for place in ("everyone", person, *groups))

    def document(self, number: int) -> UUID:
        return uuid5(self.organisation, f"document {number}")

    def base(self, number: int) -> UUID:
        return uuid5(self.organisation, f"base {number % 2}")

    async def change(self, step: Sequence[Any]) -> None:
        """By the index alone where the worker is killed before it tells; its job is done again then."""
        *what, dies = step
        if dies:
            await self.apply(self.index, what)
        await self.apply(self.changes, what)

    async def apply(self, to: Any, what: Sequence[Any]) -> None:
        first = (self.organisation,) if to is self.changes else ()
        doc = self.document(what[1])
        if what[0] == "publish":
            text, opened = what[2:]
            row = HashedWords().embed([text])
            piece = IndexedChunk(
                chunk(doc, text),
                facts(doc, organisation_id=self.organisation, knowledge_base_id=self.base(what[1])),
                row[0],
                SentenceVectors(((0, len(text)),), (row * 127).astype(np.int8)),
            )
            await to.publish(*first, doc, [piece], AccessKeys(map(self.key, opened)))
        elif what[0] == "share":
            keys = AccessKeys(map(self.key, what[2])) if what[2] else None
            await to.set_access(*first, doc, keys)
        else:
            await to.remove(*first, doc)

    async def compare(self, person: str, query: str, *, one_base: bool = False) -> None:
        asked = self.keys_of(person), SearchRequest(query=query), self.limit(one_base)
        expected = said(await self.plain.search(*asked))
        for replica in self.replicas:
            result = await replica.search(*asked)
            assert said(result) == expected, (person, query, one_base, result.cache_hit)
            await replica.settled()
            self.asked, self.held = self.asked + 1, self.held + result.cache_hit

    def limit(self, one_base: bool) -> frozenset[UUID] | None:
        return frozenset({self.base(0)}) if one_base else None

    async def slow_search(self, person: str, query: str, doc: int, opened: set[str]) -> None:
        """It has found what it will answer; then the document is opened to others; then it answers."""
        self.paused.found.clear()
        self.paused.go_on.clear()
        self.paused.armed = True
        asking = asyncio.create_task(
            self.replicas[1].search(self.keys_of(person), SearchRequest(query=query))
        )
        waiting = asyncio.create_task(self.paused.found.wait())
        await asyncio.wait((asking, waiting), return_when=asyncio.FIRST_COMPLETED)
        await self.change(["share", doc, opened, False])
        await self.compare(person, query)
        self.paused.armed = False
        self.paused.go_on.set()
        waiting.cancel()
        await asking
        await self.replicas[1].settled()
        await self.compare(person, query)


def said(result: SearchResult) -> object:
    return result.model_dump(exclude={"query_time_ms", "cache_hit"})


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    opened = open_edge(tmp_path_factory.mktemp("index"), HashedWords.version, HashedWords.dimensions)
    yield opened
    asyncio.run(opened.close())


@asynccontextmanager
async def world_over(index: Index, redis_url: str) -> AsyncGenerator[World]:
    clients = [connect(redis_url, timeout_s=10) for _ in range(3)]
    patient, paused = CacheSettings(deadline_ms=10_000), Paused(index)
    replicas = [
        CachedSearch(Search(behind, HashedWords()), CacheDoor(client, patient))
        for behind, client in zip((index, paused), clients, strict=False)
    ]
    changes = IndexChanges(index, CacheScopes(clients[2]), surely=True)
    world = World(index, Search(index, HashedWords()), replicas, paused, changes)
    try:
        yield world
        for number in range(3):
            await index.remove(world.document(number))
    finally:
        for client in clients:
            await client.aclose()


async def live(index: Index, redis_url: str, story: Sequence[Sequence[Any]]) -> World:
    async with world_over(index, redis_url) as world:
        for step in story:
            if step[0] == "search":
                await world.compare(step[1], step[2], one_base=step[3])
            elif step[0] == "slow search":
                await world.slow_search(*step[1:])
            else:
                await world.change(step)
        for person in PEOPLE:
            await world.compare(person, QUERIES[0])
            await world.compare(person, QUERIES[0])
    return world


@pytest.mark.proves("CACHE-005")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=st.lists(steps, min_size=5, max_size=25))
def test_cached_search_says_what_uncached_search_says(
    index: Index, valkey: RunningEngine, story: Sequence[Sequence[Any]]
) -> None:
    world = asyncio.run(live(index, valkey.url, story))

    # The last three questions were each asked twice of two replicas: all but the first come from the cache.
    assert world.held >= 3 * 2


class Killed(RuntimeError):
    pass


class DyingScopes(CacheScopes):
    async def changed(self, organisation_id: UUID, *scopes: str) -> None:
        raise Killed


@pytest.mark.proves("CACHE-005")
async def test_a_share_taken_back_by_a_killed_worker_is_gone_when_its_job_was_done_again(
    index: Index, valkey: RunningEngine
) -> None:
    async with world_over(index, valkey.url) as world:
        await world.change(["publish", 0, TEXTS[0], {"maya", "tom"}, False])
        await world.compare("tom", "annual leave")
        dying = IndexChanges(index, DyingScopes(cast(Any, None)), surely=True)

        with pytest.raises(Killed):
            await dying.set_access(world.organisation, world.document(0), AccessKeys([world.key("maya")]))
        await world.change(["share", 0, {"maya"}, False])

        result = await world.replicas[0].search(world.keys_of("tom"), SearchRequest(query="annual leave"))
        assert result.chunks == []
        assert not result.cache_hit


@pytest.mark.proves("CACHE-005")
async def test_in_a_shared_place_nobody_learns_that_another_has_just_asked_the_same(
    index: Index, valkey: RunningEngine
) -> None:
    async with world_over(index, valkey.url) as world:
        await world.change(["publish", 0, TEXTS[0], {"everyone"}, False])
        everyones = AccessKeys([world.key("everyone")])

        for replica in (*world.replicas, *world.replicas):
            result = await replica.search(everyones, SearchRequest(query="annual leave"))
            await replica.settled()
            assert len(result.chunks) == 1
            assert not result.cache_hit


CHANGES = {"publish", "set_access", "remove"}
# Re-indexing fills a generation that nobody asks yet: which one answers is part of every key.
ALLOWED = {"service/index_changes.py", "tasks/reindex.py"}


@pytest.mark.proves("CACHE-005")
def test_the_library_changes_the_index_only_where_the_caches_are_told() -> None:
    library = Path("platform_api/library")
    found = {
        str(file.relative_to(library))
        for file in library.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in CHANGES
        and ast.unparse(node.value).rpartition(".")[2] in {"index", "_index"}
    }

    assert found == ALLOWED
