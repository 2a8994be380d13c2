"""Chunks for measuring search: words as frequent as in a natural text, vectors and sentences of random."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from access.keys import AccessKeys
from knowledge.document import Chunk, DocumentFacts
from knowledge.embed import SentenceVectors, Vectors
from knowledge.index import Index, IndexedChunk

PER_DOCUMENT = 10
SENTENCES = 8
"""A chunk of 220 word pieces has about as many."""
WORDS = 130
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = UUID(int=7)
KEYS = AccessKeys(["o:1", "g:1/finance"])
"""They open three documents in ten."""
_OTHERS = AccessKeys(["g:1/other"])
_VISIBLE = AccessKeys(["o:1"])


class Corpus:
    def __init__(self, dimensions: int, seed: int = 1) -> None:
        self.written = 0
        """Documents."""
        self._dimensions = dimensions
        self._random = Random(seed)
        self._words = [f"{a}{b}" for a in self._syllables(60) for b in self._syllables(60)]

    def queries(self, count: int) -> list[str]:
        return [" ".join(self._random.choices(self._words[:400], k=6)) for _ in range(count)]

    async def fill(self, index: Index, documents: range) -> None:
        for number in documents:
            doc_id = uuid5(ROOT, str(number))
            keys = _VISIBLE if number % 10 < 3 else _OTHERS
            await index.publish(doc_id, list(self._chunks(doc_id, number)), keys)
            self.written += 1

    def _chunks(self, doc_id: UUID, number: int) -> Iterator[IndexedChunk]:
        generator = np.random.default_rng(number)
        vectors = unit(generator.normal(size=(PER_DOCUMENT, self._dimensions)))
        for at in range(PER_DOCUMENT):
            rows = generator.integers(-127, 128, (SENTENCES, self._dimensions), np.int8)
            yield self._chunk(doc_id, at, vectors[at], rows)

    def _chunk(self, doc_id: UUID, at: int, vector: Vectors, rows: NDArray[np.int8]) -> IndexedChunk:
        text = " ".join(self._word() for _ in range(WORDS))
        step = len(text) // SENTENCES
        spans = tuple((each * step, each * step + step) for each in range(SENTENCES))
        chunk = Chunk(
            uuid5(doc_id, str(at)), doc_id, text, at, "Page", "Section", ("Page", "Section"), "section", None,
            0, len(text), "layout", "text/markdown",
        )  # fmt: skip
        return IndexedChunk(chunk, _facts(doc_id), vector.tolist(), SentenceVectors(spans, rows))

    def _word(self) -> str:
        """By Zipf's law."""
        return self._words[min(int(self._random.paretovariate(0.8)), len(self._words)) - 1]

    def _syllables(self, count: int) -> list[str]:
        made = self._random.choices("bcdfghklmnprstvw", k=2 * count)
        return [a + b + self._random.choice("aeiou") for a, b in zip(made[::2], made[1::2], strict=True)]


def unit(rows: NDArray[np.float64]) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _facts(doc_id: UUID) -> DocumentFacts:
    return DocumentFacts(
        doc_id, ROOT, ROOT, "upload", "/documents/x", "0" * 64, None, "policy", "general", (), "internal",
        "org", str(ROOT), EPOCH, EPOCH, EPOCH, None, 1,
    )  # fmt: skip


class Known:
    """An embedder that has already embedded: what is left is ours. A text that it meets anew costs once."""

    version = "known"

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._rows: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._row(text) for text in texts])

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def _row(self, text: str) -> Vectors:
        if text not in self._rows:
            seed = int.from_bytes(text.encode()[:32], "little")
            self._rows[text] = unit(np.random.default_rng(seed).normal(size=(1, self.dimensions)))[0]
        return self._rows[text]
