"""Random worlds: what a search shows, and how it scores, depends on what the keys open and nothing else.

A world is a set of documents with random keys and a set of people with random keys. Each person's view is
compared with that of a second index which holds only what this person may see.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.keys import AccessKeys
from knowledge.index import Hit, Index, IndexFilter
from knowledge.index.edge import open_edge
from tests.knowledge.index.samples import BASE, DIMENSIONS, document, vector

WORLDS = int(os.environ.get("SWITCHBOARD_TEST_WORLDS", "60"))
FULL_WORLDS = 500
OTHER_BASE = UUID(int=9)
WORDS = ["leave", "travel", "salary", "parking", "laptop", "visa", "merger", "bonus"]
KEYS = ["o:1", "o:2", "g:1/finance", "g:1/legal", "g:2/finance", "u:1", "u:2"]
LIMIT = 200


@dataclass(frozen=True)
class Described:
    texts: tuple[str, ...]
    keys: frozenset[str]
    facts: dict[str, Any]


@dataclass(frozen=True)
class World:
    documents: dict[UUID, Described]
    people: list[AccessKeys]
    query: str


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
described = st.builds(
    Described,
    st.lists(texts, min_size=1, max_size=4, unique=True).map(tuple),
    # Without any key a document is nobody's.
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
    st.lists(described, min_size=1, max_size=8).map(lambda all: {uuid4(): one for one in all}),
    st.lists(
        st.frozensets(st.sampled_from(KEYS), min_size=1, max_size=3).map(AccessKeys), min_size=1, max_size=3
    ),
    texts,
)
filters = st.builds(
    IndexFilter,
    knowledge_base_ids=st.sampled_from([None, frozenset([BASE]), frozenset([BASE, OTHER_BASE])]),
    doc_type=st.sampled_from([None, "policy"]),
    tags=st.sampled_from([(), ("a",)]),
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Index, Index]]:
    """The index of everything, and one for what a person may see; emptied after each world."""
    folder = tmp_path_factory.mktemp("worlds")
    opened = (
        open_edge(folder / "whole", "test", DIMENSIONS),
        open_edge(folder / "visible", "test", DIMENSIONS),
    )
    yield opened
    for index in opened:
        asyncio.run(index.close())


def _checked(worlds_to_try: int) -> Any:
    return settings(
        max_examples=worlds_to_try,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.mark.proves("INDEX-001")
@pytest.mark.timeout(600)
@_checked(WORLDS)
@given(world=worlds, filter=filters)
def test_nothing_hidden_is_revealed_or_moves_a_score(
    pair: tuple[Index, Index], world: World, filter: IndexFilter
) -> None:
    asyncio.run(_check_world(*pair, world, filter))


@pytest.mark.full
@pytest.mark.proves("INDEX-001")
@pytest.mark.timeout(1800)
@_checked(max(WORLDS, FULL_WORLDS))
@given(world=worlds, filter=filters)
def test_nothing_hidden_is_revealed_or_moves_a_score_in_many_worlds(
    pair: tuple[Index, Index], world: World, filter: IndexFilter
) -> None:
    asyncio.run(_check_world(*pair, world, filter))


async def _check_world(whole: Index, visible: Index, world: World, filter: IndexFilter) -> None:
    for doc_id, one in world.documents.items():
        await _publish(whole, doc_id, one)
    try:
        for keys in world.people:
            await _check_person(whole, visible, world, keys, filter)
    finally:
        for doc_id in world.documents:
            await whole.remove(doc_id)


async def _check_person(
    whole: Index, visible: Index, world: World, keys: AccessKeys, filter: IndexFilter
) -> None:
    theirs = {doc_id: one for doc_id, one in world.documents.items() if keys.opens(one.keys)}
    for doc_id, one in theirs.items():
        await _publish(visible, doc_id, one)
    try:
        for asked in (
            {"text": world.query},
            {"vector": world.query},
            {"text": world.query, "vector": world.query},
        ):
            await _check_search(whole, visible, keys, filter, asked)
        assert await whole.facets(keys, filter) == await visible.facets(keys, filter)
        await _check_fetch(whole, world, keys, set(theirs))
    finally:
        for doc_id in theirs:
            await visible.remove(doc_id)


async def _check_search(
    whole: Index, visible: Index, keys: AccessKeys, filter: IndexFilter, asked: dict[str, str]
) -> None:
    text = asked.get("text")
    direction = vector(asked["vector"]) if "vector" in asked else None
    for limit in (LIMIT, 2):
        found = await whole.search(keys, filter, vector=direction, text=text, limit=limit)
        expected = await visible.search(keys, filter, vector=direction, text=text, limit=limit)
        if limit == LIMIT:
            # Ids and scores, to the last bit.
            assert _scores(found) == _scores(expected)
        else:
            # Where scores tie at the cut, either may be taken; the scores are the same.
            assert _best(found) == _best(expected)


async def _check_fetch(whole: Index, world: World, keys: AccessKeys, theirs: set[UUID]) -> None:
    everything = [indexed for doc_id, one in world.documents.items() for indexed in _chunks(doc_id, one)]
    fetched = await whole.fetch(keys, [indexed.chunk.chunk_id for indexed in everything])
    assert {stored.chunk.chunk_id for stored in fetched} == {
        indexed.chunk.chunk_id for indexed in everything if indexed.chunk.doc_id in theirs
    }


async def _publish(index: Index, doc_id: UUID, one: Described) -> None:
    nobody_yet = AccessKeys(["u:nobody"])
    await index.publish(doc_id, _chunks(doc_id, one), AccessKeys(one.keys) if one.keys else nobody_yet)
    if not one.keys:
        await index.set_access(doc_id, None)


def _chunks(doc_id: UUID, one: Described) -> list[Any]:
    return document(doc_id, one.texts, **one.facts)


def _scores(hits: list[Hit]) -> dict[UUID, tuple[float | None, float | None]]:
    return {hit.stored.chunk.chunk_id: (hit.dense, hit.sparse) for hit in hits}


def _best(hits: list[Hit]) -> tuple[float, float]:
    return (
        max((hit.dense or 0.0 for hit in hits), default=0.0),
        max((hit.sparse or 0.0 for hit in hits), default=0.0),
    )
