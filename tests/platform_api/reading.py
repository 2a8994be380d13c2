"""The knowledge engines for tests: the embedded index, the packaged embedder, and a reader in process."""

import asyncio
from collections.abc import Sequence
from functools import cache
from uuid import UUID

from knowledge.chunk import CountTokens
from knowledge.document import LoadedDocument
from knowledge.embed import Embedder, EmbedderSpec, Marked, Vectors, packaged, piece_counter
from knowledge.embed.port import ReadsParts
from knowledge.load import load
from knowledge.prepare import Read
from knowledge.prepare.messages import CutTask, ReadTask
from knowledge.prepare.reading_child import cut, read


@cache
def embedder() -> Embedder:
    """One for the test process: making it takes a second."""
    return packaged()


@cache
def pieces() -> CountTokens:
    return piece_counter()


class ReaderInProcess:
    """Reads, cuts and embeds by the children's own code, without the processes.

    tests/knowledge/prepare proves the processes; one test of the library goes through them.
    """

    async def read(
        self, data: bytes, name: str, doc_id: UUID, *, title: str | None = None, strategy: str | None = None
    ) -> Read:
        task = ReadTask(data, name, doc_id, title, strategy)
        done = await asyncio.to_thread(read, task, load, pieces(), embedder().embed)
        return Read(done.document, done.chunks)

    async def cut(
        self,
        document: LoadedDocument,
        doc_id: UUID,
        *,
        title: str | None = None,
        strategy: str | None = None,
    ) -> Read:
        task = CutTask(document, doc_id, title, strategy)
        done = await asyncio.to_thread(cut, task, pieces(), embedder().embed)
        return Read(done.document, done.chunks)

    async def embed(self, spec: EmbedderSpec, texts: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(embedder().embed, texts)

    async def embed_marked(self, spec: EmbedderSpec, texts: Sequence[Marked]) -> Vectors:
        return await asyncio.to_thread(marked_vectors, texts)

    async def close(self) -> None:
        """Nothing runs."""


class EmbedderInProcess:
    """For ingestion, as the Vectoriser takes it; `texts` is all that it was asked to embed."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    @property
    def version(self) -> str:
        return embedder().version

    @property
    def dimensions(self) -> int:
        return embedder().dimensions

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return await asyncio.to_thread(embedder().embed, texts)

    async def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        self.texts += [one.text for one in texts]
        return await asyncio.to_thread(marked_vectors, texts)


def marked_vectors(texts: Sequence[Marked]) -> Vectors:
    made = embedder()
    assert isinstance(made, ReadsParts)
    return made.embed_marked(texts)
