"""docs.search at 10,000 chunks against the bare engine: `python -m tests.bench.search_bench [chunks]`.

Prints p50 and p95 with the query's embedding, without it, of the same queries asked of the bare engine, and
during ingestion; the targets are in SPEC 14.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import psutil
import qdrant_edge as qdrant

from access.keys import AccessKeys
from kit.wire.search import SearchRequest
from knowledge.document import Chunk, DocumentFacts
from knowledge.embed import Vectors, packaged
from knowledge.index import Index, IndexedChunk, IndexFilter, fields
from knowledge.index.edge import open_edge
from knowledge.index.terms import query_terms
from knowledge.search import Search

PER_DOCUMENT = 20
QUERIES = 300
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = UUID(int=7)
KEYS = AccessKeys(["o:1", "g:1/finance"])


def main(chunks: int) -> None:
    asyncio.run(_measure(chunks))


async def _measure(chunks: int) -> None:
    random = Random(1)
    embedder = packaged()
    words = [f"{a}{b}" for a in _syllables(random, 60) for b in _syllables(random, 60)]
    with tempfile.TemporaryDirectory() as folder:
        index = open_edge(Path(folder), embedder.version, embedder.dimensions)
        started = time.perf_counter()
        await _fill(index, random, words, chunks, embedder.dimensions)
        print(f"{chunks} chunks written in {time.perf_counter() - started:.1f} s")
        queries = [" ".join(random.choices(words[:400], k=6)) for _ in range(QUERIES)]
        await _report(index, embedder, queries, random, words)
        process = psutil.Process().memory_info()
        print(f"resident {process.rss / 1e6:.0f} MB")
        await index.close()


async def _report(index: Index, embedder: Any, queries: list[str], random: Random, words: list[str]) -> None:
    search = Search(index, embedder)
    vectors = {query: embedder.embed([query])[0] for query in queries}
    known = Search(index, _Known(vectors, embedder.dimensions))
    shard = index._store._shard  # type: ignore[attr-defined] # the bare engine is what we compare with
    whole = await _timed(lambda q: search.search(KEYS, SearchRequest(query=q)), queries)
    port = await _timed(
        lambda q: index.search(KEYS, IndexFilter(), vector=vectors[q], text=q, limit=24), queries
    )
    ours = await _timed(lambda q: known.search(KEYS, SearchRequest(query=q)), queries)
    bare = await _timed(lambda q: _bare(shard, vectors[q], q), queries)
    _print("docs.search, embedding included", whole)
    _print("docs.search, embedding known", ours)
    _print("index port", port)
    _print("bare engine, the two queries", bare)
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    print("ratio without embedding: p50 {:.2f}, p95 {:.2f}, CPU {:.2f}".format(*ratios))
    writing = asyncio.create_task(_fill(index, random, words, 4000, embedder.dimensions, start=10**6))
    busy = await _timed(lambda q: search.search(KEYS, SearchRequest(query=q)), queries)
    writing.cancel()
    _print("docs.search during ingestion", busy)
    print(f"ratio to idle: p50 {busy[0] / whole[0]:.2f}, p95 {busy[1] / whole[1]:.2f}")


async def _bare(shard: Any, vector: Vectors, query: str) -> None:
    access = qdrant.Filter(
        must=[qdrant.FieldCondition(fields.ACCESS_KEYS, match=qdrant.MatchAny(list(KEYS)))]
    )
    terms = query_terms(query)
    sparse = qdrant.SparseVector(terms.indices, terms.values)
    asked = [
        (qdrant.Query.Nearest(vector.tolist(), using=fields.DENSE), qdrant.SearchParams(exact=True)),
        (
            qdrant.Query.Nearest(sparse, using=fields.SPARSE),
            qdrant.SearchParams(exact=True, idf=qdrant.IdfParams(corpus=access)),
        ),
    ]
    for nearest, params in asked:
        shard.query(
            qdrant.QueryRequest(limit=24, query=nearest, filter=access, with_payload=True, params=params)
        )


async def _timed(call: Callable[[str], Awaitable[Any]], queries: Sequence[str]) -> tuple[float, float, float]:
    """p50, p95 and processor time per query, in ms."""
    for query in queries[:20]:
        await call(query)
    times: list[float] = []
    before = time.process_time()
    for query in queries:
        started = time.perf_counter()
        await call(query)
        times.append((time.perf_counter() - started) * 1000)
    processor = (time.process_time() - before) * 1000 / len(times)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.95)], processor


def _print(name: str, measured: tuple[float, float, float]) -> None:
    p50, p95, processor = measured
    print(f"{name:35} p50 {p50:7.2f} ms   p95 {p95:7.2f} ms   CPU {processor:7.2f} ms")


async def _fill(
    index: Index, random: Random, words: list[str], chunks: int, dimensions: int, start: int = 0
) -> None:
    generator = np.random.default_rng(start)
    for number in range(start, start + chunks // PER_DOCUMENT):
        vectors = generator.normal(size=(PER_DOCUMENT, dimensions)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        doc_id = uuid5(ROOT, str(number))
        keys = AccessKeys(["o:1"] if number % 10 < 3 else ["g:1/other"])
        batch = [_chunk(doc_id, at, random, words, vectors[at]) for at in range(PER_DOCUMENT)]
        await index.publish(doc_id, batch, keys)


def _chunk(doc_id: UUID, at: int, random: Random, words: list[str], vector: Vectors) -> IndexedChunk:
    # Words as frequent as in a natural text (Zipf).
    text = " ".join(words[min(int(random.paretovariate(0.8)), len(words)) - 1] for _ in range(130))
    chunk = Chunk(
        uuid5(doc_id, str(at)), doc_id, text, at, "Page", "Section", ("Page", "Section"), "section", None,
        0, len(text), "layout", "text/markdown",
    )  # fmt: skip
    facts = DocumentFacts(
        doc_id, ROOT, ROOT, "upload", "/documents/x", "0" * 64, None, "policy", "general", (), "internal",
        "org", str(ROOT), EPOCH, EPOCH, EPOCH, None, 1,
    )  # fmt: skip
    return IndexedChunk(chunk, facts, vector)


def _syllables(random: Random, count: int) -> list[str]:
    return ["".join(random.choices("bcdfghklmnprstvw", k=2)) + random.choice("aeiou") for _ in range(count)]


class _Known:
    """An embedder that has already embedded: what is left is ours."""

    version = "known"

    def __init__(self, vectors: dict[str, Vectors], dimensions: int) -> None:
        self._vectors = vectors
        self.dimensions = dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._vectors[text] for text in texts])

    def count_tokens(self, text: str) -> int:
        return len(text.split())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
