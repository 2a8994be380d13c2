"""Random worlds: what a search shows, and how it scores, depends on what the keys open and nothing else.

A world is a set of documents with random keys and a set of people with random keys. What each person should
see is worked out here from the definitions alone: cosine, BM25 with IDF over that person's chunks, counts.
Worlds pile up in one index under keys of their own, so that each is also hidden from all later ones.
"""

import asyncio
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.keys import AccessKeys
from knowledge.embed import embedding_text
from knowledge.index import Hit, Index, IndexedChunk, IndexFilter
from knowledge.index.edge import open_edge
from knowledge.index.terms import document_terms, query_terms
from tests.knowledge.index.samples import BASE, DIMENSIONS, document, vector

WORLDS = int(os.environ.get("SWITCHBOARD_TEST_WORLDS", "60"))
FULL_WORLDS = 500
OTHER_BASE = UUID(int=9)
WORDS = ["leave", "travel", "salary", "parking", "laptop", "visa", "merger", "bonus"]
KEYS = ["o:{}", "o:{}x", "g:{}/finance", "g:{}/legal", "g:{}x/finance", "u:{}", "u:{}x"]
EVERY = 500

Scores = dict[UUID, tuple[float | None, float | None]]


@dataclass(frozen=True)
class Described:
    texts: tuple[str, ...]
    keys: frozenset[str]
    """Without any a document is nobody's."""
    facts: dict[str, Any]


@dataclass(frozen=True)
class World:
    documents: list[Described]
    people: list[frozenset[str]]
    queries: list[str]


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
described = st.builds(
    Described,
    st.lists(texts, min_size=1, max_size=4, unique=True).map(tuple),
    st.frozensets(st.sampled_from(KEYS), max_size=3),
    st.fixed_dictionaries(
        {
            "doc_type": st.sampled_from(["policy", "guide"]),
            "tags": st.lists(st.sampled_from(["a", "b"]), unique=True).map(tuple),
            "knowledge_base_id": st.sampled_from([BASE, OTHER_BASE]),
        }
    ),
)
worlds = st.builds(
    World,
    st.lists(described, min_size=1, max_size=8),
    st.lists(st.frozensets(st.sampled_from(KEYS), min_size=1, max_size=3), min_size=1, max_size=3),
    st.lists(texts, min_size=1, max_size=3),
)
filters = st.builds(
    IndexFilter,
    knowledge_base_ids=st.sampled_from([None, frozenset([BASE]), frozenset([BASE, OTHER_BASE])]),
    doc_type=st.sampled_from([None, "policy"]),
    tags=st.sampled_from([(), ("a",)]),
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    opened = open_edge(tmp_path_factory.mktemp("worlds"), "test", DIMENSIONS)
    yield opened
    asyncio.run(opened.close())


def _checked(worlds_to_try: int) -> Any:
    return settings(max_examples=worlds_to_try, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.proves("INDEX-001")
@pytest.mark.timeout(600)
@_checked(WORLDS)
@given(world=worlds, filter=filters)
def test_only_what_keys_open_is_revealed_and_counts(index: Index, world: World, filter: IndexFilter) -> None:
    asyncio.run(_check_world(index, world, filter))


@pytest.mark.full
@pytest.mark.proves("INDEX-001")
@pytest.mark.timeout(1800)
@_checked(max(WORLDS, FULL_WORLDS))
@given(world=worlds, filter=filters)
def test_only_what_keys_open_is_revealed_and_counts_in_many_worlds(
    index: Index, world: World, filter: IndexFilter
) -> None:
    asyncio.run(_check_world(index, world, filter))


async def _check_world(index: Index, world: World, filter: IndexFilter) -> None:
    name = uuid4().hex
    published: list[tuple[frozenset[str], list[IndexedChunk]]] = []
    for one in world.documents:
        keys = frozenset(key.format(name) for key in one.keys)
        published.append((keys, await _publish(index, one, keys)))
    for held in world.people:
        keys = AccessKeys(key.format(name) for key in held)
        theirs = [chunks for opening, chunks in published if keys.opens(opening)]
        await _check_person(index, keys, theirs, filter, world.queries)
        everything = [indexed for _, chunks in published for indexed in chunks]
        await _check_fetch(index, keys, everything, _flat(theirs))


async def _publish(index: Index, one: Described, keys: frozenset[str]) -> list[IndexedChunk]:
    doc_id = uuid4()
    chunks = document(doc_id, one.texts, **one.facts)
    await index.publish(doc_id, chunks, AccessKeys(keys or ["u:nobody"]))
    if not keys:
        await index.set_access(doc_id, None)
    return chunks


async def _check_person(
    index: Index,
    keys: AccessKeys,
    theirs: list[list[IndexedChunk]],
    filter: IndexFilter,
    queries: list[str],
) -> None:
    fitting = [chunks for chunks in theirs if _fits(chunks[0], filter)]
    # A limit on knowledge bases is one on what may be seen: nothing beyond it counts.
    within = IndexFilter(knowledge_base_ids=filter.knowledge_base_ids)
    seen = [chunks for chunks in theirs if _fits(chunks[0], within)]
    for query in queries:
        hits = await index.search(keys, filter, vector=vector(query), text=query, limit=EVERY)
        expected = _expected(query, _flat(seen), _flat(fitting))
        _check_scores(hits, expected)
        # A short list shows the best of the same scores.
        few = await index.search(keys, filter, vector=vector(query), text=query, limit=2)
        _check_scores(few, {hit.stored.chunk.chunk_id: expected[hit.stored.chunk.chunk_id] for hit in few})
    facets = await index.facets(keys, filter)
    assert facets["doc_type"] == Counter(chunks[0].facts.doc_type for chunks in fitting)
    assert facets["tags"] == Counter(tag for chunks in fitting for tag in chunks[0].facts.tags)


async def _check_fetch(
    index: Index, keys: AccessKeys, everything: Sequence[IndexedChunk], theirs: Sequence[IndexedChunk]
) -> None:
    fetched = await index.fetch(keys, [indexed.chunk.chunk_id for indexed in everything])
    assert [stored.chunk for stored in fetched] == [indexed.chunk for indexed in theirs]


def _check_scores(hits: Sequence[Hit], expected: Scores) -> None:
    found = {hit.stored.chunk.chunk_id: (hit.dense, hit.sparse) for hit in hits}
    assert found.keys() == expected.keys()
    for chunk_id, (dense, sparse) in found.items():
        assert dense == pytest.approx(expected[chunk_id][0], abs=1e-5)
        assert sparse == pytest.approx(expected[chunk_id][1], abs=1e-4)


def _expected(query: str, visible: Sequence[IndexedChunk], fitting: Sequence[IndexedChunk]) -> Scores:
    weights = {indexed.chunk.chunk_id: _weights(indexed) for indexed in visible}
    having = Counter(term for terms in weights.values() for term in terms)
    idf = {
        term: math.log((len(visible) - having[term] + 0.5) / (having[term] + 0.5) + 1)
        for term in query_terms(query).indices
    }
    return {
        indexed.chunk.chunk_id: (
            float(np.dot(vector(query), np.asarray(indexed.vector))),
            sum(idf[term] * weight for term, weight in weights[indexed.chunk.chunk_id].items() if term in idf)
            or None,
        )
        for indexed in fitting
    }


def _weights(indexed: IndexedChunk) -> dict[int, float]:
    terms = document_terms(embedding_text(indexed.chunk))
    return dict(zip(terms.indices, terms.values, strict=True))


def _fits(indexed: IndexedChunk, filter: IndexFilter) -> bool:
    facts = indexed.facts
    return (
        (filter.knowledge_base_ids is None or facts.knowledge_base_id in filter.knowledge_base_ids)
        and filter.doc_type in (None, facts.doc_type)
        and set(filter.tags) <= set(facts.tags)
    )


def _flat(documents: Sequence[Sequence[IndexedChunk]]) -> list[IndexedChunk]:
    return [indexed for chunks in documents for indexed in chunks]
