"""The knowledge engines for tests: the embedded index, the packaged embedder, and a reader in process."""

import asyncio
from dataclasses import replace
from functools import cache
from uuid import UUID

from knowledge.chunk import chunk
from knowledge.embed import Embedder, embedding_text, packaged
from knowledge.load import load
from knowledge.prepare import Prepared


@cache
def embedder() -> Embedder:
    """One for the test process: making it takes a second."""
    return packaged()


class ReaderInProcess:
    """Reads, cuts and embeds with the same code as the child process does, without the process.

    tests/knowledge/prepare proves the process; one test of the library goes through it.
    """

    async def prepare(
        self,
        data: bytes,
        name: str,
        doc_id: UUID,
        known: frozenset[UUID] = frozenset(),
        title: str | None = None,
    ) -> Prepared:
        return await asyncio.to_thread(_prepared, data, name, doc_id, known, title)


def _prepared(data: bytes, name: str, doc_id: UUID, known: frozenset[UUID], title: str | None) -> Prepared:
    loaded = load(data, name)
    document = replace(loaded, title=title) if title else loaded
    chunks = chunk(document, doc_id, count_tokens=embedder().count_tokens)
    fresh = [piece for piece in chunks if piece.chunk_id not in known]
    rows = embedder().embed([embedding_text(piece) for piece in fresh]) if fresh else []
    return Prepared(document, chunks, {piece.chunk_id: row for piece, row in zip(fresh, rows, strict=True)})
