"""Search over an index whose embedder may change: each query is embedded for the index that it asks."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from access.keys import AccessKeys
from kit.errors import Unavailable
from kit.wire.search import SearchRequest
from knowledge.embed import Vectors
from knowledge.embed.spec import EmbedderSpec
from knowledge.index import IndexedChunk, IndexUnavailable
from knowledge.index.edge import create_shard
from knowledge.index.edge_generations import EdgeGenerations, open_generations
from knowledge.index.generation import Generation
from knowledge.search import Current, Search
from tests.knowledge.index.samples import chunk, facts

STAFF = AccessKeys(["o:1"])
FIRST = EmbedderSpec(version="first", dimensions=4)
SECOND = EmbedderSpec(version="second", dimensions=6)
QUERY = SearchRequest(query="annual leave")


class Constant:
    """One direction for all texts."""

    def __init__(self, spec: EmbedderSpec) -> None:
        self.version, self.dimensions = spec.version, spec.dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        rows[:, 0] = 1
        return rows

    def count_tokens(self, text: str) -> int:
        return len(text)


@pytest.fixture
async def generations(tmp_path: Path) -> AsyncIterator[EdgeGenerations]:
    opened = open_generations(tmp_path / "index", FIRST)
    await _publish(opened, await opened.current(), "annual leave of the first")
    yield opened
    await opened.close()


async def _publish(generations: EdgeGenerations, generation: Generation, text: str) -> None:
    doc: UUID = uuid4()
    index = await generations.index(generation)
    one = [1.0] + [0.0] * (generation.dimensions - 1)
    await index.publish(doc, [IndexedChunk(chunk(doc, text), facts(doc), one)], STAFF)


async def _found(search: Search) -> list[str]:
    return [found.content for found in (await search.search(STAFF, QUERY)).chunks]


async def _switched(generations: EdgeGenerations) -> Generation:
    first = await generations.current()
    second = await generations.build(SECOND)
    await _publish(generations, second, "annual leave of the second")
    await generations.switch(second)
    return first


@pytest.mark.proves("SEARCH-002")
async def test_between_two_looks_the_old_generation_answers_with_its_own_embedder(
    generations: EdgeGenerations,
) -> None:
    current = Current(generations, Constant, look_every_s=3600)
    search = Search.following(current)
    assert await _found(search) == ["annual leave of the first"]

    await _switched(generations)

    assert await _found(search) == ["annual leave of the first"]
    await current.anew()
    assert await _found(search) == ["annual leave of the second"]


@pytest.mark.proves("SEARCH-002")
async def test_a_query_to_a_generation_that_is_gone_asks_the_next_one(generations: EdgeGenerations) -> None:
    search = Search.following(Current(generations, Constant, look_every_s=3600))
    assert await _found(search) == ["annual leave of the first"]

    await generations.drop(await _switched(generations))

    result = await search.search(STAFF, QUERY)
    assert [found.content for found in result.chunks] == ["annual leave of the second"]
    assert result.degraded is None


async def test_a_switch_is_noticed_without_being_told(generations: EdgeGenerations) -> None:
    search = Search.following(Current(generations, Constant, look_every_s=0))
    assert await _found(search) == ["annual leave of the first"]
    await _switched(generations)
    answers = [await _found(search) for _ in range(20)]
    assert answers[-1] == ["annual leave of the second"]


@pytest.mark.proves("SEARCH-001")
async def test_an_embedder_that_cannot_be_made_any_more_leaves_search_by_words(
    generations: EdgeGenerations,
) -> None:
    def broken(spec: EmbedderSpec) -> Any:
        raise OSError(f"the folder of {spec.version} is not there")

    result = await Search.following(Current(generations, broken)).search(STAFF, QUERY)

    assert [found.content for found in result.chunks] == ["annual leave of the first"]
    assert result.degraded == ["dense"]


async def test_a_generation_whose_embedder_nobody_knows_is_searched_by_words(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    create_shard(folder / "chunks-v1-forgotten", 4)
    opened = open_generations(folder, FIRST)
    await _publish(opened, await opened.current(), "annual leave of long ago")
    result = await Search.following(Current(opened, Constant)).search(STAFF, QUERY)
    assert [found.content for found in result.chunks] == ["annual leave of long ago"]
    assert result.degraded == ["dense"]
    await opened.close()


async def test_nobody_to_ask_is_an_error_with_a_next_step_and_a_later_answer(
    generations: EdgeGenerations,
) -> None:
    class Away:
        """A server that comes back."""

        there = False

        def __getattr__(self, name: str) -> Any:
            if not self.there:
                raise IndexUnavailable("The document index does not answer.")
            return getattr(generations, name)

    away: Any = Away()
    search = Search.following(Current(away, Constant))
    with pytest.raises(Unavailable) as failed:
        await search.search(STAFF, QUERY)
    assert failed.value.hint

    away.there = True
    assert await _found(search) == ["annual leave of the first"]
