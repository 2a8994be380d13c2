"""docs.search as the tool server and the api use it: a real embedded index and the packaged embedder."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from access.keys import AccessKeys
from kit.errors import Unavailable
from kit.wire.search import SearchFilters, SearchRequest
from knowledge.embed import Embedder, Vectors, embedding_text, packaged
from knowledge.index import Hit, Index, IndexedChunk, IndexUnavailable
from knowledge.index.edge import open_edge
from knowledge.search import Search, SearchSettings, section_url
from tests.knowledge.index.samples import BASE, NOW, chunk, facts

STAFF = AccessKeys(["o:1"])
SECTIONS = {
    "Annual leave": "Employees receive 25 days of paid leave per year.",
    "Sick leave": "Illness of more than three days needs a doctor's certificate.",
    "Equipment": "Laptops are replaced every four years. Ask for form HR-12.",
    "Travel": "Book trains instead of flights for journeys under five hours.",
}


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return packaged()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Index]:
    """Two departments with the same handbook; no test here changes it."""
    opened = open_edge(tmp_path_factory.mktemp("index"), embedder.version, embedder.dimensions)
    asyncio.run(_publish(opened, embedder, UUID(int=1), "general", STAFF))
    asyncio.run(_publish(opened, embedder, UUID(int=2), "uas", AccessKeys(["g:1/finance"])))
    yield opened
    asyncio.run(opened.close())


async def _publish(index: Index, embedder: Embedder, doc: UUID, scope: str, keys: AccessKeys) -> None:
    chunks = [chunk(doc, text, at, title) for at, (title, text) in enumerate(SECTIONS.items())]
    vectors = embedder.embed([embedding_text(one) for one in chunks])
    described = facts(doc, service_scope=scope, source_url=f"/documents/{doc}#top")
    made = [IndexedChunk(one, described, vector) for one, vector in zip(chunks, vectors, strict=True)]
    await index.publish(doc, made, keys)


@pytest.fixture
def search(index: Index, embedder: Embedder) -> Search:
    return Search(index, embedder)


async def test_a_question_in_other_words_finds_its_section(search: Search) -> None:
    result = await search.search(STAFF, SearchRequest(query="how much vacation do I get?", top_k=2))

    assert result.chunks[0].content == SECTIONS["Annual leave"]
    assert result.chunks[0].metadata.section_title == "Annual leave"
    assert (
        result.chunks[0].metadata.source_url == f"http://localhost:8000/documents/{UUID(int=1)}#annual-leave"
    )
    assert len(result.chunks) == 2
    assert result.total_results == 4
    assert result.degraded is None
    assert [found.score for found in result.chunks] == sorted(
        (found.score for found in result.chunks), reverse=True
    )


async def test_an_exact_name_is_found_by_its_words(search: Search) -> None:
    result = await search.search(STAFF, SearchRequest(query="HR-12", top_k=1))
    assert result.chunks[0].content == SECTIONS["Equipment"]


@pytest.mark.proves("INDEX-001")
async def test_each_person_finds_their_own_departments_documents_only(search: Search) -> None:
    for keys, doc in ((STAFF, UUID(int=1)), (AccessKeys(["g:1/finance"]), UUID(int=2))):
        result = await search.search(keys, SearchRequest(query="annual leave"))
        assert {found.metadata.doc_id for found in result.chunks} == {doc}
        assert result.total_results == 4


async def test_scope_filters_and_chosen_bases_narrow(search: Search) -> None:
    async def found(bases: frozenset[UUID] | None = None, **asked: Any) -> int:
        request = SearchRequest(query="annual leave", **asked)
        return len((await search.search(STAFF, request, bases)).chunks)

    assert await found(service_scope="all") == 4
    assert await found(service_scope="general") == 4
    assert await found(service_scope="uas") == 0
    assert await found(filters=SearchFilters(section="sick leave")) == 1
    assert await found(filters=SearchFilters(after=NOW + timedelta(days=1))) == 0
    assert await found(bases=frozenset([BASE])) == 4
    assert await found(bases=frozenset([uuid4()])) == 0
    assert await found(bases=frozenset()) == 0


@pytest.mark.parametrize("query", ["???", "🦊🦊", " \t\n ", "\x00\x07", "- – —"])
async def test_a_query_without_letters_or_digits_finds_nothing(search: Search, query: str) -> None:
    result = await search.search(STAFF, SearchRequest(query=query))
    assert (result.chunks, result.total_results) == ([], 0)


@pytest.mark.parametrize("query", ["the of and", "年假", "عطلة", "\x00leave", "a" * 2000, "'; DROP TABLE --"])
async def test_any_other_query_is_answered(search: Search, query: str) -> None:
    result = await search.search(STAFF, SearchRequest(query=query, top_k=50))
    assert len(result.chunks) == 4


class BrokenEmbedder:
    version = "broken"
    dimensions = 384

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise RuntimeError("no memory")

    def count_tokens(self, text: str) -> int:
        return len(text)


class BrokenIndex:
    """Fails so many times, then has nothing; or never answers."""

    def __init__(self, failures: int = 10**6, hangs: bool = False) -> None:
        self.calls = 0
        self._failures = failures
        self._hangs = hangs

    async def search(self, *args: Any, **kwargs: Any) -> list[Hit]:
        self.calls += 1
        if self._hangs:
            await asyncio.Event().wait()
        if self.calls <= self._failures:
            raise IndexUnavailable("The document index does not answer.")
        return []


class Constant(BrokenEmbedder):
    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 384), np.float32)


@pytest.mark.proves("SEARCH-001")
async def test_without_the_embedder_search_goes_by_words_and_says_so(index: Index) -> None:
    result = await Search(index, BrokenEmbedder()).search(STAFF, SearchRequest(query="doctor's certificate"))
    assert [found.content for found in result.chunks] == [SECTIONS["Sick leave"]]
    assert result.degraded == ["dense"]


async def test_an_index_that_fails_once_is_asked_again() -> None:
    index: Any = BrokenIndex(failures=1)
    result = await Search(index, Constant()).search(STAFF, SearchRequest(query="leave"))
    assert (result.chunks, index.calls) == ([], 2)


@pytest.mark.proves("SEARCH-001")
async def test_an_index_that_is_down_is_an_error_with_a_next_step_and_opens_the_breaker() -> None:
    index: Any = BrokenIndex()
    search = Search(index, Constant())
    for _ in range(4):
        with pytest.raises(Unavailable) as failed:
            await search.search(STAFF, SearchRequest(query="leave"))
        assert failed.value.hint
    # Three failures opened it: after that nobody waits for the index any more.
    assert index.calls == 3


async def test_an_index_that_hangs_is_given_up_and_counts_as_failed() -> None:
    index: Any = BrokenIndex(hangs=True)
    search = Search(index, Constant(), SearchSettings(timeout_s=0.05))
    for _ in range(4):
        with pytest.raises(Unavailable):
            await search.search(STAFF, SearchRequest(query="leave"))
    assert index.calls == 3


@pytest.mark.parametrize(
    ("url", "anchor", "joined"),
    [("/d/1", "leave", "/d/1#leave"), ("/d/1#old", "leave", "/d/1#leave"), ("/d/1#old", "", "/d/1#old")],
)
def test_a_source_opens_at_its_section(url: str, anchor: str, joined: str) -> None:
    assert section_url(url, anchor) == joined


async def test_fusion_by_rank_can_be_chosen(index: Index, embedder: Embedder) -> None:
    by_rank = Search(index, embedder, SearchSettings(fusion="rrf"))
    result = await by_rank.search(STAFF, SearchRequest(query="paid annual leave per year", top_k=1))
    assert result.chunks[0].content == SECTIONS["Annual leave"]
    assert result.chunks[0].score == pytest.approx(1.0)
