"""A folder of documents, searched in this process as the platform searches it: for fitting, without a server.

Vectors are kept outside the tree (~/.cache/switchboard/evals), so that a second run takes seconds.
"""

import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

from access.keys import AccessKeys
from kit.wire.search import SearchRequest, SearchResult
from knowledge.chunk import chunk
from knowledge.document import Chunk, DocumentFacts
from knowledge.index import IndexedChunk
from knowledge.index.edge import open_edge
from knowledge.load import UnreadableDocument, load
from knowledge.search import Search
from knowledge.search.finder import One
from knowledge.verify import Source, source_of
from platform_api.chat.nearness import Nearness
from platform_api.chat.stored import StoredVectors
from platform_api.llm.extractive.likeness import Likeness, texts_of
from tests.evals.retrieval.building import cache_folder
from tests.evals.verifying.pages import Kept, embedder, source_of_chunk

READ = frozenset([".md", ".html", ".docx", ".pdf", ".xlsx", ".txt", ".rst"])
EVERYONE = AccessKeys(["o:1"])
_SPACE = UUID(int=6)
_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """Sources of one search, best first, with their scores, and how near their sentences are."""

    sources: list[Source]
    scores: list[float]
    likeness: Likeness | None = None


@dataclass(slots=True)
class Corpus:
    """A folder that can be searched. names: of the documents, by id."""

    name: str
    sources: list[Source]
    names: dict[UUID, str]
    _search: Search
    _nearness: Nearness

    async def find(self, query: str, top_k: int = 12, without: frozenset[UUID] = frozenset()) -> Found:
        """The best chunks; those of the documents `without` are left out, as if they were not there."""
        found = (await self.result(query, top_k, without)).chunks
        likeness = await self._nearness.of(EVERYONE, texts_of(query), [one.chunk_id for one in found])
        return Found([source_of(one) for one in found], [one.score for one in found], likeness)

    async def result(
        self, query: str, top_k: int = 12, without: frozenset[UUID] = frozenset()
    ) -> SearchResult:
        """Every document is a knowledge base of its own, so that it can be left out."""
        bases = frozenset(self.names) - without if without else None
        request = SearchRequest(query=query[:2000], top_k=top_k)
        return await self._search.search(EVERYONE, request, bases)


@asynccontextmanager
async def opened(folder: Path, most: int = 400) -> AsyncGenerator[Corpus]:
    """At most `most` files of a folder, loaded, chunked, embedded and indexed in a temporary place."""
    chunks = list(_chunks(folder, most))
    vectors = await Kept(folder, cache_folder()).vectors([piece for _, piece, _ in chunks])
    with tempfile.TemporaryDirectory(prefix="switchboard-corpus-") as place:
        index = open_edge(Path(place), embedder().version, embedder().dimensions)
        try:
            names: dict[UUID, str] = {}
            documents: dict[UUID, list[IndexedChunk]] = {}
            for (file, piece, status), row in zip(chunks, vectors, strict=True):
                names[piece.doc_id] = file
                made = IndexedChunk(piece, _facts(piece, file, status), row.dense.tolist(), row.sentences)
                documents.setdefault(piece.doc_id, []).append(made)
            for doc_id, pieces in documents.items():
                await index.publish(doc_id, pieces, EVERYONE)
            sources = [source_of_chunk(file, piece) for file, piece, _ in chunks]
            nearness = Nearness(StoredVectors(One(index, embedder()), _PATIENCE_S), _PATIENCE_S)
            yield Corpus(folder.name, sources, names, Search(index, embedder()), nearness)
        finally:
            await index.close()


def _chunks(folder: Path, most: int) -> Iterator[tuple[str, Chunk, str]]:
    """File, chunk, and what the document says of its status."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in READ and path.is_file()]
    for path in files[:most]:
        name = path.relative_to(folder).as_posix()
        try:
            document = load(path.read_bytes(), name)
        except UnreadableDocument:
            continue
        status = str(document.metadata.get("status", ""))
        for piece in chunk(document, uuid5(_SPACE, f"{folder.name}/{name}")):
            yield name, piece, status


def _facts(piece: Chunk, file: str, status: str) -> DocumentFacts:
    return DocumentFacts(
        doc_id=piece.doc_id,
        organisation_id=_SPACE,
        knowledge_base_id=piece.doc_id,
        source="folder",
        source_url=f"/{file}",
        source_hash="0" * 64,
        etag=None,
        doc_type="policy",
        service_scope="general",
        tags=() if status in ("", "current") else (f"status:{status}",),
        privacy_level="internal",
        owner_type="org",
        owner_id="1",
        created_at=_WHEN,
        updated_at=_WHEN,
        last_modified=_WHEN,
        last_crawled_at=None,
        version=1,
    )
