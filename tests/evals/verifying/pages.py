"""A folder of documents as the verifier meets it: chunks, their vectors, and what a search would find."""

import hashlib
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from uuid import UUID, uuid5

import numpy as np

from knowledge.chunk import chunk
from knowledge.document import Chunk
from knowledge.embed import ChunkVectors, Embedder, SentenceVectors, Vectors, embedding_text, packaged
from knowledge.load import UnreadableDocument, load
from knowledge.sentences import sentence_spans
from knowledge.verify import Source

_SPACE = UUID(int=5)
_SCALE = 127
FOLDER = Path("test-output/verifying")


@dataclass(frozen=True, slots=True)
class Page:
    """One chunk of a folder. file: the path inside it."""

    file: str
    chunk: Chunk
    vectors: ChunkVectors

    @property
    def source(self) -> Source:
        return replace(source_of_chunk(self.file, self.chunk), sentences=self.vectors.sentences)


@dataclass(frozen=True, slots=True)
class Pages:
    """All chunks of a folder, searched by the cosine of their vectors."""

    pages: Sequence[Page]
    matrix: Vectors

    def nearest(self, vector: Vectors, count: int = 12) -> list[Page]:
        return [self.pages[at] for at in np.argsort(-(self.matrix @ vector))[:count]]

    def of(self, file: str) -> list[Page]:
        return [page for page in self.pages if page.file == file]


@cache
def embedder() -> Embedder:
    return packaged()


def read_pages(folder: Path) -> Pages:
    """Loads, chunks and embeds a folder; the vectors are kept under `test-output`."""
    chunks = list(chunks_of(folder))
    known = _Kept(folder)
    pages = [Page(file, piece, known.vectors(piece)) for file, piece in chunks]
    known.save()
    return Pages(pages, np.stack([page.vectors.dense for page in pages]))


def chunks_of(folder: Path) -> Iterator[tuple[str, Chunk]]:
    """(file, chunk) of all that can be read."""
    return ((file, piece) for file, data in _files(folder) for piece in _chunks(file, data))


def source_of_chunk(file: str, piece: Chunk) -> Source:
    """As the verifier reads it, without vectors."""
    return Source(
        piece.chunk_id, piece.doc_id, piece.text, piece.page_title, piece.section_title, file, piece.page
    )


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".md", ".html", ".docx", ".pdf", ".xlsx"):
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _chunks(file: str, data: bytes) -> list[Chunk]:
    try:
        return chunk(load(data, file), uuid5(_SPACE, file))
    except UnreadableDocument:
        return []


class _Kept:
    def __init__(self, folder: Path) -> None:
        name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
        self._path = FOLDER / f"vectors-{name}.pickle"
        self._known: dict[str, ChunkVectors] = {}
        if self._path.exists():
            self._known = pickle.loads(self._path.read_bytes())
        self._new = 0

    def vectors(self, piece: Chunk) -> ChunkVectors:
        if piece.content_hash not in self._known:
            self._known[piece.content_hash] = _embedded(piece)
            self._new += 1
            if self._new % 200 == 0:
                self.save()
        return self._known[piece.content_hash]

    def save(self) -> None:
        if self._new:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(pickle.dumps(self._known))


def _embedded(piece: Chunk) -> ChunkVectors:
    spans = tuple(sentence_spans(piece.text))
    rows = embedder().embed([embedding_text(piece), *(piece.text[start:end] for start, end in spans)])
    return ChunkVectors(rows[0], SentenceVectors(spans, np.rint(rows[1:] * _SCALE).astype(np.int8)))
