"""The index under measurement, and its engine asked directly: the same queries, nothing of ours around."""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import qdrant_edge as edge
from qdrant_client import AsyncQdrantClient, models

from knowledge.index import Index, fields
from knowledge.index.edge import EdgeStore, open_edge
from knowledge.index.server_store import ServerStore
from knowledge.index.settings import QdrantSettings
from knowledge.index.stored import StoredIndex
from knowledge.index.terms import query_terms
from tests.bench.search_corpus import KEYS

LIMIT = 24
"""Candidates per list, as docs.search asks for 12 chunks."""
Bare = Callable[[list[float] | None, str, bool], Awaitable[None]]
"""vector (None: by words alone), text, whether under the access filter with IDF over what it opens."""


@dataclass(frozen=True, slots=True)
class Engine:
    name: str
    index: Index
    bare: Bare
    folder: Path | None
    """Where an embedded one keeps its data."""


@asynccontextmanager
async def opened(folder: Path, dimensions: int) -> AsyncGenerator[Engine]:
    """The embedded engine; a server where SWITCHBOARD_QDRANT__URL names one."""
    settings = QdrantSettings()
    if not settings.url:
        index = open_edge(folder, "bench", dimensions)
        engine = Engine("embedded", index, _bare_edge(_store(index)), folder)
        try:
            yield engine
        finally:
            await index.close()
        return
    client = AsyncQdrantClient(url=settings.url, api_key=settings.api_key.get_secret_value() or None)
    collection = f"bench-{os.getpid()}-{uuid4().hex[:8]}"
    try:
        index = StoredIndex(ServerStore(client, collection, dimensions))
        yield Engine(f"server {settings.url}", index, _bare_server(client, collection), None)
    finally:
        await client.delete_collection(collection)
        await client.close()


def _store(index: Index) -> EdgeStore:
    return index._store  # type: ignore[attr-defined] # the bare engine is what we compare with


def _bare_edge(store: EdgeStore) -> Bare:
    shard = store._shard  # pyright: ignore[reportPrivateUsage] # as above
    access = edge.Filter(must=[edge.FieldCondition(fields.ACCESS_KEYS, match=edge.MatchAny(list(KEYS)))])

    async def ask(vector: list[float] | None, text: str, filtered: bool) -> None:
        filter = access if filtered else None
        idf = edge.IdfParams(corpus=access) if filtered else None
        terms = query_terms(text)
        sparse = edge.Query.Nearest(edge.SparseVector(terms.indices, terms.values), using=fields.SPARSE)
        asked = [(sparse, edge.SearchParams(exact=True, idf=idf))]
        if vector is not None:
            asked.append((edge.Query.Nearest(vector, using=fields.DENSE), edge.SearchParams(exact=True)))
        for query, params in asked:
            shard.query(
                edge.QueryRequest(
                    limit=LIMIT, query=query, filter=filter, with_payload=[fields.BODY], params=params
                )
            )

    return ask


def _bare_server(client: AsyncQdrantClient, collection: str) -> Bare:
    access = models.Filter(
        must=[models.FieldCondition(key=fields.ACCESS_KEYS, match=models.MatchAny(any=list(KEYS)))]
    )

    async def ask(vector: list[float] | None, text: str, filtered: bool) -> None:
        filter = access if filtered else None
        idf = models.IdfCorpusParams(corpus=access) if filtered else None
        terms = query_terms(text)
        sparse = models.SparseVector(indices=terms.indices, values=terms.values)
        asked: list[tuple[models.SparseVector | list[float], str, models.IdfCorpusParams | None]]
        asked = [(sparse, fields.SPARSE, idf)]
        if vector is not None:
            asked.append((vector, fields.DENSE, None))
        requests = [
            models.QueryRequest(
                query=query,
                using=using,
                filter=filter,
                limit=LIMIT,
                with_payload=[fields.BODY],
                params=models.SearchParams(exact=True, idf=corpus),
            )
            for query, using, corpus in asked
        ]
        await client.query_batch_points(collection, requests)

    return ask
