"""Chunks as points of an engine, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from knowledge.document import Chunk, DocumentFacts
from knowledge.embed.text import embedding_text
from knowledge.index import fields
from knowledge.index.port import IndexedChunk, StoredChunk
from knowledge.index.terms import SparseTerms, document_terms

Payload = dict[str, Any]
# An engine may leave out what is null.
_ABSENT: Payload = {"page": None, "etag": None, "last_modified": None, "last_crawled_at": None}


@dataclass(frozen=True, slots=True)
class Point:
    """payload: all but access keys and the pending mark, which steps of publishing set."""

    id: UUID
    dense: Sequence[float] | None
    sparse: SparseTerms
    payload: Payload


def point_of(indexed: IndexedChunk, first: bool) -> Point:
    chunk = indexed.chunk
    sections = {fields.section_key(name) for name in (*chunk.section_path, chunk.section_title, chunk.anchor)}
    payload: Payload = msgspec.to_builtins(indexed.facts) | msgspec.to_builtins(chunk)
    payload[fields.SECTIONS] = sorted(sections - {""})
    payload[fields.FIRST] = fields.YES if first else fields.NO
    return Point(chunk.chunk_id, indexed.vector, document_terms(embedding_text(chunk)), payload)


def stored_of(payload: Mapping[str, Any]) -> StoredChunk:
    payload = {**_ABSENT, **payload}
    return StoredChunk(msgspec.convert(payload, Chunk), msgspec.convert(payload, DocumentFacts))
