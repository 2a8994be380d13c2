"""Small documents for tests of the index: vectors are made from the words, so that meaning is visible."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid5

import numpy as np

from access.keys import AccessKeys
from knowledge.document import Chunk, DocumentFacts
from knowledge.index import Index, IndexedChunk, IndexFilter

DIMENSIONS = 16
BASE = UUID(int=1)
ORGANISATION = UUID(int=2)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
EVERYTHING = IndexFilter()


def vector(text: str) -> list[float]:
    """The same words, the same direction; shared words, a smaller angle."""
    summed = np.zeros(DIMENSIONS, np.float64)
    for word in text.lower().split():
        seed = int.from_bytes(sha256(word.encode()).digest()[:4])
        summed += np.random.default_rng(seed).normal(size=DIMENSIONS)
    length = float(np.linalg.norm(summed)) or 1.0
    return (summed / length).astype(np.float32).tolist()


def facts(doc_id: UUID, **changes: object) -> DocumentFacts:
    made = DocumentFacts(
        doc_id=doc_id,
        organisation_id=ORGANISATION,
        knowledge_base_id=BASE,
        source="upload",
        source_url=f"/api/v1/documents/{doc_id}/content",
        source_hash="0" * 64,
        etag=None,
        doc_type="policy",
        service_scope="general",
        tags=(),
        privacy_level="internal",
        owner_type="org",
        owner_id=str(ORGANISATION),
        created_at=NOW,
        updated_at=NOW,
        last_modified=NOW,
        last_crawled_at=None,
        version=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # the names are checked by replace itself


def chunk(doc_id: UUID, text: str, at: int = 0, section: str = "Leave") -> Chunk:
    return Chunk(
        chunk_id=uuid5(doc_id, text),
        doc_id=doc_id,
        text=text,
        chunk_index=at,
        page_title="Handbook",
        section_title=section,
        section_path=("Handbook", section),
        anchor=section.lower().replace(" ", "-"),
        page=None,
        start_offset=0,
        end_offset=len(text),
        chunk_strategy="layout",
        content_type="text/markdown",
    )


def document(
    doc_id: UUID, texts: Sequence[str], section: str = "Leave", **changes: object
) -> list[IndexedChunk]:
    described = facts(doc_id, **changes)
    return [
        IndexedChunk(chunk(doc_id, text, at, section), described, vector(text))
        for at, text in enumerate(texts)
    ]


async def texts_found(
    index: Index, keys: AccessKeys, query: str, filter: IndexFilter = EVERYTHING
) -> set[str]:
    hits = await index.search(keys, filter, vector=vector(query), text=query, limit=50)
    return {hit.stored.chunk.text for hit in hits}
