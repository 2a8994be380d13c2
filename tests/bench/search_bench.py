"""make bench-search: `python -m tests.bench.search_bench [chunks …]` (by default 10,000).

docs.search at several sizes against its own engine asked directly, with and without the access filter; words
alone; the size of the index; memory; verify of a ten-sentence answer. Each size in a process of its own,
embedded, or against a server where SWITCHBOARD_QDRANT__URL is set. The targets are in SPEC 14.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID, uuid5

from kit.wire.search import SearchRequest
from knowledge.embed import Embedder, packaged
from knowledge.index import Index, IndexFilter
from knowledge.search import Search
from knowledge.search.finder import Finder
from tests.bench import verify_timing
from tests.bench.processes import pss_kb
from tests.bench.search_corpus import KEYS, PER_DOCUMENT, ROOT, Corpus, Known
from tests.bench.search_engines import LIMIT, Engine, opened
from tests.bench.timing import Call, Measured, show, side_by_side

QUERIES = 200
DEFAULT = 10_000
TIME_LIMIT_S = 900
WHOLE, OURS, PORT = "docs.search, embedding included", "docs.search, vector known", "index port"
WORDS = "docs.search by words alone (BM25)"
BARE, OPEN = "bare engine, the same filter", "bare engine, no filter"
BARE_WORDS, OPEN_WORDS = "bare engine by words, the same filter", "bare engine by words, no filter"
SENTENCES, BUSY = "sentence vectors of 12 chunks", "docs.search during ingestion"


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["--one"]:
        asyncio.run(_measure(int(arguments[1])))
        return 0
    codes = [_in_a_process(chunks) for chunks in [int(each) for each in arguments] or [DEFAULT]]
    print()
    verify_timing.report()
    return max(codes)


def _in_a_process(chunks: int) -> int:
    command = [sys.executable, "-m", "tests.bench.search_bench", "--one", str(chunks)]
    return subprocess.run(command, check=False, timeout=TIME_LIMIT_S).returncode


async def _measure(chunks: int) -> None:
    embedder = packaged()
    embedder.embed(["warm"])
    before = pss_kb(os.getpid())
    corpus = Corpus(embedder.dimensions)
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as folder:
        async with opened(Path(folder), embedder.dimensions) as engine:
            documents = chunks // PER_DOCUMENT
            print(f"\n{chunks} chunks of {documents} documents, {engine.name}; 3 in 10 visible", flush=True)
            begun = time.perf_counter()
            await corpus.fill(engine.index, range(documents))
            print(f"  written in {time.perf_counter() - begun:.1f} s", flush=True)
            queries = corpus.queries(QUERIES)
            rows = await side_by_side(_calls(engine, embedder), queries)
            show(rows)
            print(f"  memory: {(pss_kb(os.getpid()) - before) / 1024:.0f} MB more than before it was opened")
            busy = await _busy(engine, embedder, corpus, queries)
        _show_ratios(rows | busy)
        _show_size(engine, corpus.written)


async def _busy(
    engine: Engine, embedder: Embedder, corpus: Corpus, queries: Sequence[str]
) -> dict[str, Measured]:
    first = corpus.written
    writing = asyncio.create_task(corpus.fill(engine.index, range(first, first + 10_000)))
    search = Search(engine.index, embedder)
    rows = await side_by_side({BUSY: lambda query: search.search(KEYS, SearchRequest(query=query))}, queries)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    show(rows)
    return rows


def _calls(engine: Engine, embedder: Embedder) -> dict[str, Call]:
    known = Known(embedder.dimensions)
    whole, ours = Search(engine.index, embedder), Search(engine.index, known)
    words = Search.following(_WordsAlone(engine.index))
    chunk_ids = _visible_chunks(12)

    def vector(query: str) -> list[float]:
        return known.embed([query])[0].tolist()

    return {
        WHOLE: lambda query: whole.search(KEYS, SearchRequest(query=query)),
        OURS: lambda query: ours.search(KEYS, SearchRequest(query=query)),
        PORT: lambda query: engine.index.search(
            KEYS, IndexFilter(), vector=vector(query), text=query, limit=LIMIT
        ),
        BARE: lambda query: engine.bare(vector(query), query, True),
        OPEN: lambda query: engine.bare(vector(query), query, False),
        WORDS: lambda query: words.search(KEYS, SearchRequest(query=query)),
        BARE_WORDS: lambda query: engine.bare(None, query, True),
        OPEN_WORDS: lambda query: engine.bare(None, query, False),
        SENTENCES: lambda _query: engine.index.sentences(KEYS, chunk_ids),
    }


class _WordsAlone:
    """An index whose embedder is not there."""

    def __init__(self, index: Index) -> None:
        self.known = Finder(index, None)

    async def anew(self) -> Finder:
        return self.known


def _visible_chunks(many: int) -> list[UUID]:
    return [uuid5(uuid5(ROOT, str(at // 4 * 10)), str(at % 4)) for at in range(many)]


def _show_ratios(rows: Mapping[str, Measured]) -> None:
    pairs = {
        "docs.search over the bare engine, same filter": (OURS, BARE),
        "docs.search over the bare engine, no filter": (OURS, OPEN),
        "the filter alone, bare engine": (BARE, OPEN),
        "by words alone over the bare engine": (WORDS, BARE_WORDS),
        "docs.search during ingestion over idle": (BUSY, WHOLE),
    }
    for name, (mine, other) in pairs.items():
        print(f"  {name:<48} {rows[mine].over(rows[other])}")
    print("  goals: 2 over the bare engine, 30 ms by words alone, p95 40 ms at 10,000 chunks, 2 over idle")


def _show_size(engine: Engine, documents: int) -> None:
    """After closing: all that was written, during the last measurement too, is in place."""
    if engine.folder is None:
        print("  size on disk: ask the server", flush=True)
        return
    used = sum(file.stat().st_blocks * 512 for file in engine.folder.rglob("*") if file.is_file()) / 1e6
    chunks = documents * PER_DOCUMENT
    per_chunk = used / chunks * 10_000
    print(
        f"  on disk: {used:.0f} MB for {chunks} chunks: {per_chunk:.0f} MB for 10,000 chunks, "
        f"{per_chunk * PER_DOCUMENT:.0f} MB for 10,000 documents of {PER_DOCUMENT}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
