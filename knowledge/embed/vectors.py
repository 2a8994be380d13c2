"""The vectors of chunks and of their sentences: known ones from the cache, the others embedded in batches."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from knowledge.document import Chunk
from knowledge.embed.port import Marked, Vectors
from knowledge.embed.text import embedding_text
from knowledge.sentences import Span, sentence_spans

# Unit vectors as int8: a component of 1.0 is 127 (SPEC 7 keeps them for checking sentences, not for search).
SCALE = 127
# About half a second of the packaged model on one core: others' batches come in between.
BATCH_LETTERS = 6_000
Progress = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SentenceVectors:
    """spans: (start, end) of each sentence in Chunk.text; rows: int8 [n, dimensions], unit vectors × 127."""

    spans: tuple[Span, ...]
    rows: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class ChunkVectors:
    """dense: of `embedding_text`, of unit length."""

    dense: NDArray[np.float32]
    sentences: SentenceVectors


class VectorCache(Protocol):
    """Vectors by content, within one organisation and one embedder's version."""

    async def get(
        self, organisation_id: UUID, embedder: str, hashes: Sequence[str]
    ) -> dict[str, ChunkVectors]: ...

    async def put(
        self, organisation_id: UUID, embedder: str, vectors: Mapping[str, ChunkVectors]
    ) -> None: ...


class IngestEmbedder(Protocol):
    """An embedder for the worker: in a child process or over HTTP, never in the process that answers."""

    @property
    def version(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of unit length per text, in order."""
        ...


@runtime_checkable
class IngestsParts(Protocol):
    """An IngestEmbedder that gives the vectors of sentences with those of the texts that they stand in."""

    async def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        """As `ReadsParts.embed_marked`."""
        ...


class Vectoriser:
    """Chunks into vectors, with as little embedding as possible.

    What is known by its content costs nothing. Vectors of sentences come out of the pass that reads the
    chunk, where the embedder can tell them apart; else each sentence is a text of its own, equal ones of a
    batch once, and one that is the whole chunk has the chunk's vector.
    """

    def __init__(self, embedder: IngestEmbedder, cache: VectorCache | None = None) -> None:
        self._embedder = embedder
        self._cache = cache

    async def now(self) -> "Vectoriser":
        """Itself: it stays. `knowledge.index.vectorising` has one that follows the index."""
        return self

    @property
    def version(self) -> str:
        """Of the embedder: vectors of different versions cannot be compared."""
        return self._embedder.version

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    async def vectors(
        self,
        organisation_id: UUID,
        chunks: Sequence[Chunk],
        known: frozenset[UUID] = frozenset(),
        progress: Progress | None = None,
    ) -> dict[UUID, ChunkVectors]:
        """Of all chunks that are not in `known`; `progress(done, total)` counts these, after each batch."""
        wanted = [piece for piece in chunks if piece.chunk_id not in known]
        found = await self._cached(organisation_id, wanted)
        missing = {piece.content_hash: piece for piece in wanted if piece.content_hash not in found}
        report = _Counter(progress, len(wanted), len(wanted) - len(missing))
        await report.add(0)
        keeping: asyncio.Task[None] | None = None
        try:
            for batch in _batches(list(missing.values())):
                made = await self._embedded(batch)
                # Written while the next batch is computed.
                await _ended(keeping)
                keeping = asyncio.create_task(self._keep(organisation_id, made))
                found |= made
                await report.add(len(batch))
        finally:
            await _ended(keeping)
        return {piece.chunk_id: found[piece.content_hash] for piece in wanted}

    async def _cached(self, organisation_id: UUID, wanted: Sequence[Chunk]) -> dict[str, ChunkVectors]:
        if self._cache is None or not wanted:
            return {}
        hashes = list(dict.fromkeys(piece.content_hash for piece in wanted))
        return await self._cache.get(organisation_id, self.version, hashes)

    async def _keep(self, organisation_id: UUID, made: Mapping[str, ChunkVectors]) -> None:
        if self._cache is not None:
            await self._cache.put(organisation_id, self.version, made)

    async def _embedded(self, batch: Sequence[Chunk]) -> dict[str, ChunkVectors]:
        if isinstance(self._embedder, IngestsParts):
            marked = [_marked(piece) for piece in batch]
            return _divided(batch, marked, await self._embedder.embed_marked([one for one, _ in marked]))
        plan = _Plan(batch)
        return plan.divide(await self._embedder.embed(plan.texts))


class _Counter:
    def __init__(self, progress: Progress | None, total: int, done: int) -> None:
        self._progress = progress
        self._total = total
        self._done = done

    async def add(self, more: int) -> None:
        self._done += more
        if self._progress and self._total:
            await self._progress(self._done, self._total)


def _marked(piece: Chunk) -> tuple[Marked, tuple[Span, ...]]:
    """What is embedded with the sentences marked in it, and where these are in the chunk's own text."""
    text, spans = embedding_text(piece), tuple(sentence_spans(piece.text))
    front = len(text) - len(piece.text)
    return Marked(text, tuple((start + front, end + front) for start, end in spans)), spans


def _divided(
    batch: Sequence[Chunk], marked: Sequence[tuple[Marked, tuple[Span, ...]]], vectors: Vectors
) -> dict[str, ChunkVectors]:
    made: dict[str, ChunkVectors] = {}
    at = 0
    for piece, (_, spans) in zip(batch, marked, strict=True):
        end = at + 1 + len(spans)
        made[piece.content_hash] = ChunkVectors(
            vectors[at], SentenceVectors(spans, small(vectors[at + 1 : end]))
        )
        at = end
    return made


def small(vectors: Vectors) -> NDArray[np.int8]:
    """Unit vectors as int8."""
    return np.rint(vectors * SCALE).astype(np.int8)


class _Plan:
    """Which texts a batch needs embedded, each once, and who uses which row."""

    def __init__(self, batch: Sequence[Chunk]) -> None:
        self._rows: dict[str, int] = {}
        self._batch = [(piece, self._row(embedding_text(piece)), self._sentences(piece)) for piece in batch]

    @property
    def texts(self) -> list[str]:
        return list(self._rows)

    def divide(self, vectors: Vectors) -> dict[str, ChunkVectors]:
        reduced = small(vectors)
        made: dict[str, ChunkVectors] = {}
        for piece, own, sentences in self._batch:
            rows = reduced[[own if row is None else row for _, row in sentences]]
            spans = tuple(span for span, _ in sentences)
            made[piece.content_hash] = ChunkVectors(vectors[own], SentenceVectors(spans, rows))
        return made

    def _sentences(self, piece: Chunk) -> list[tuple[Span, int | None]]:
        """Spans with the row of each; None: the chunk's own."""
        spans = sentence_spans(piece.text)
        if len(spans) == 1:
            return [(spans[0], None)]
        return [(span, self._row(piece.text[span[0] : span[1]])) for span in spans]

    def _row(self, text: str) -> int:
        return self._rows.setdefault(text, len(self._rows))


def _batches(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    batch: list[Chunk] = []
    letters = 0
    for piece in chunks:
        if batch and letters + len(piece.text) > BATCH_LETTERS:
            yield batch
            batch, letters = [], 0
        batch.append(piece)
        letters += len(piece.text)
    if batch:
        yield batch


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        await task
