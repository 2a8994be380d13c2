"""The same data and the same questions: the same results from every engine.

The same steps go into the embedded engine and into the server's client, and each read is held against the
other: against a real server where SWITCHBOARD_QDRANT__URL names one, else against the client's local mode,
which is exact and scopes IDF as the server does. What no local mode can show, how a server reads a request,
is held down as far as it goes: both stores must build the same request from the same scope.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
import qdrant_edge as edge
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import AsyncQdrantClient, models

from access.keys import AccessKeys
from knowledge.index import Hit, Index, IndexFilter
from knowledge.index import edge as edge_store
from knowledge.index.edge import open_edge
from knowledge.index.scope import Scope
from knowledge.index.server_store import ServerStore
from knowledge.index.store import Ranking
from knowledge.index.stored import StoredIndex
from knowledge.index.terms import query_terms
from tests.knowledge.index.samples import BASE, DIMENSIONS, NOW, document, vector

WORDS = ["annual", "leave", "salary", "boat", "harbour", "rope", "ferry", "expense", "travel", "meal"]
KEYS = ("o:1", "g:1/finance", "g:1/crew", "u:ada")
FILTERS = (
    IndexFilter(),
    IndexFilter(doc_type="guide"),
    IndexFilter(tags=("x",)),
    IndexFilter(section="pay"),
    IndexFilter(after=NOW, source="upload"),
    IndexFilter(before=NOW, knowledge_base_ids=frozenset([BASE])),
    IndexFilter(knowledge_base_ids=frozenset([UUID(int=77)])),
)
STEPS, QUESTIONS = 30, 25

pytestmark = pytest.mark.filterwarnings(
    "ignore:Payload indexes have no effect in the local Qdrant:UserWarning",
    "ignore:Local mode performs exact:UserWarning",
)


@dataclass(frozen=True)
class Both:
    embedded: Index
    served: Index

    @property
    def each(self) -> tuple[Index, Index]:
        return self.embedded, self.served


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    url = os.environ.get("SWITCHBOARD_QDRANT__URL")
    client = AsyncQdrantClient(url=url) if url else AsyncQdrantClient(location=":memory:")
    name = f"same-{uuid4().hex}"
    made = Both(
        open_edge(tmp_path / "edge", "test", DIMENSIONS), StoredIndex(ServerStore(client, name, DIMENSIONS))
    )
    yield made
    await made.embedded.close()
    if url:
        await client.delete_collection(name)
    await made.served.close()


@pytest.mark.proves("INDEX-011")
@pytest.mark.parametrize("seed", range(2))
async def test_the_same_steps_leave_the_same_index(both: Both, seed: int) -> None:
    rng = Random(seed)
    documents = [UUID(int=rng.getrandbits(128)) for _ in range(8)]
    for _ in range(STEPS):
        await _step(both, rng, rng.choice(documents))

    assert await _held(both.embedded) == await _held(both.served)
    for _ in range(QUESTIONS):
        await _ask(both, rng)


async def _step(both: Both, rng: Random, doc_id: UUID) -> None:
    kind = rng.choices(("publish", "access", "remove"), (8, 2, 1))[0]
    keys = AccessKeys(rng.sample(KEYS, rng.randint(1, 2)))
    if kind == "publish":
        texts = {" ".join(rng.choices(WORDS, k=rng.randint(1, 6))) for _ in range(rng.randint(0, 4))}
        chunks = document(
            doc_id,
            sorted(texts),
            rng.choice(("Leave", "Pay")),
            version=rng.randint(1, 9),
            doc_type=rng.choice(("policy", "guide")),
            tags=tuple(rng.sample(("x", "y"), rng.randint(0, 2))),
            last_modified=rng.choice((None, NOW, NOW - timedelta(days=9))),
        )
        await asyncio.gather(*(index.publish(doc_id, chunks, keys) for index in both.each))
    elif kind == "access":
        given_ = rng.choice((keys, None))
        await asyncio.gather(*(index.set_access(doc_id, given_) for index in both.each))
    else:
        await asyncio.gather(*(index.remove(doc_id) for index in both.each))


async def _ask(both: Both, rng: Random) -> None:
    keys = AccessKeys(rng.sample(KEYS, rng.randint(1, 3)))
    filter, text = rng.choice(FILTERS), " ".join(rng.choices(WORDS, k=rng.randint(1, 3)))
    words, meaning = rng.choice((None, text, text)), rng.choice((None, vector(text)))
    mine, theirs = [
        await index.search(keys, filter, vector=meaning, text=words, limit=50) for index in both.each
    ]

    assert [hit.chunk_id for hit in mine] == [hit.chunk_id for hit in theirs]
    assert [hit.stored for hit in mine] == [hit.stored for hit in theirs]
    for list_name in ("dense", "sparse"):
        assert _scores(mine, list_name) == pytest.approx(_scores(theirs, list_name), abs=1e-4)
    # Where the list is cut, equals may change places: their scores may not.
    few = [await index.search(keys, filter, vector=meaning, text=words, limit=2) for index in both.each]
    assert _best(few[0]) == pytest.approx(_best(few[1]), abs=1e-4)
    ids = [hit.chunk_id for hit in mine]
    assert await both.embedded.fetch(keys, ids) == await both.served.fetch(keys, ids)
    assert await both.embedded.facets(keys, filter) == await both.served.facets(keys, filter)


def _scores(hits: list[Hit], list_name: str) -> list[float]:
    """-9 where the chunk is not in that list at all."""
    scores = (getattr(hit, list_name) for hit in hits)
    return [-9.0 if score is None else score for score in scores]


def _best(hits: list[Hit]) -> list[float]:
    return [score for name in ("dense", "sparse") for score in sorted(_scores(hits, name))[-2:]]


async def _held(index: Index) -> dict[UUID, object]:
    return dict([found async for found in index.inventory()])


moments = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=NOW.tzinfo, microsecond=0)
)
names = st.text("abcdefgh", min_size=1, max_size=6)
filters = st.builds(
    IndexFilter,
    knowledge_base_ids=st.none() | st.frozensets(st.uuids(), min_size=1, max_size=3),
    service_scope=st.none() | names,
    after=st.none() | moments,
    before=st.none() | moments,
    section=st.none() | names,
    doc_type=st.none() | names,
    source=st.none() | names,
    privacy_level=st.none() | names,
    tags=st.lists(names, max_size=3).map(tuple),
)
rankings = st.builds(
    Ranking,
    vector=st.just(query_terms("annual leave")) | st.just([0.25, -0.5]),
    limit=st.integers(1, 100),
    among=st.none() | st.lists(st.uuids(), min_size=1, max_size=3).map(tuple),
)


@pytest.mark.proves("INDEX-011")
@given(st.sets(st.sampled_from(KEYS), min_size=1), filters, rankings)
def test_both_stores_build_the_same_request_from_the_same_scope(
    keys: set[str], filter: IndexFilter, ranking: Ranking
) -> None:
    scope = Scope.of(AccessKeys(keys), filter)
    within = edge_store._Within.of(scope, leaving=True)  # pyright: ignore[reportPrivateUsage] # what is compared
    mine = edge_store._query(within, ranking)  # pyright: ignore[reportPrivateUsage] # as above
    theirs = _asks_nobody()._request(scope, ranking)  # pyright: ignore[reportPrivateUsage] # as above
    assert _of_edge(mine) == _of_server(theirs)


@cache
def _asks_nobody() -> ServerStore:
    return ServerStore(AsyncQdrantClient(location=":memory:"), "any")


def _of_edge(request: Any) -> dict[str, Any]:
    corpus = request.params.idf.corpus if request.params.idf else None
    return {
        "query": repr(request.query),
        "filter": _told(request.filter, _edge_condition),
        "exact": request.params.exact,
        "corpus": corpus and _told(corpus, _edge_condition),
        "limit": request.limit,
        "payload": request.with_payload,
    }


def _told(filter: Any, condition: Callable[[Any], Any]) -> dict[str, Any]:
    parts = {"must": filter.must, "must_not": filter.must_not, "should": filter.should}
    return {name: [condition(each) for each in part] for name, part in parts.items() if part}


def _edge_condition(condition: Any) -> Any:
    if isinstance(condition, edge.Filter):
        return _told(condition, _edge_condition)
    if isinstance(condition, edge.HasIdCondition):
        return {str(id) for id in condition.point_ids}
    if condition.match:
        return condition.key, list(condition.match.value)
    return condition.key, *(_edge_moment(each) for each in (condition.range.gte, condition.range.lt))


def _edge_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.replace(" UTC", "+00:00"))


def _of_server(request: models.QueryRequest) -> dict[str, Any]:
    params: Any = request.params
    query: Any = request.query
    nearest = edge.SparseVector(query.indices, query.values) if request.using == "bm25" else query
    return {
        "query": repr(edge.Query.Nearest(nearest, using=request.using)),
        "filter": _told(request.filter, _server_condition),
        "exact": params.exact,
        "corpus": params.idf and _told(params.idf.corpus, _server_condition),
        "limit": request.limit,
        "payload": request.with_payload,
    }


def _server_condition(condition: Any) -> Any:
    if isinstance(condition, models.Filter):
        return _told(condition, _server_condition)
    if isinstance(condition, models.HasIdCondition):
        return {str(id) for id in condition.has_id}
    if condition.match:
        return condition.key, list(condition.match.any)
    return condition.key, condition.range.gte, condition.range.lt
