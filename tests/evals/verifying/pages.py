"""A folder of documents as the verifier meets it: chunks, their vectors, and what a search would find."""

import asyncio
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
from knowledge.embed import ChunkVectors, Embedder, Marked, Vectoriser, Vectors, packaged
from knowledge.embed.port import ReadsParts
from knowledge.load import UnreadableDocument, load
from knowledge.verify import Source

_SPACE = UUID(int=5)
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
    vectors = asyncio.run(Kept(folder, FOLDER).vectors([piece for _, piece in chunks]))
    pages = [Page(file, piece, own) for (file, piece), own in zip(chunks, vectors, strict=True)]
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


class Kept:
    """Vectors as ingestion stores them: of sentences in the context of their chunk. place: where they are
    kept, one file for each folder of documents."""

    def __init__(self, folder: Path, place: Path) -> None:
        name = hashlib.sha256(f"{folder.resolve()} {embedder().version}".encode()).hexdigest()[:12]
        self._path = place / f"ingested-{name}.pickle"
        self._known: dict[str, ChunkVectors] = {}
        if self._path.exists():
            self._known = pickle.loads(self._path.read_bytes())

    async def vectors(self, pieces: Sequence[Chunk]) -> list[ChunkVectors]:
        new = [piece for piece in pieces if piece.content_hash not in self._known]
        if new:
            made = await Vectoriser(_Ingesting()).vectors(_SPACE, new)
            self._known |= {piece.content_hash: made[piece.chunk_id] for piece in new}
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(pickle.dumps(self._known))
        return [self._known[piece.content_hash] for piece in pieces]


class _Ingesting:
    """The packaged embedder as ingestion asks it."""

    @property
    def version(self) -> str:
        return embedder().version

    @property
    def dimensions(self) -> int:
        return embedder().dimensions

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return embedder().embed(texts)

    async def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        reads = embedder()
        assert isinstance(reads, ReadsParts)
        return reads.embed_marked(texts)
