"""Chunks as points of an engine, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from knowledge.embed.text import embedding_text
from knowledge.index import fields
from knowledge.index.port import IndexedChunk, StoredChunk
from knowledge.index.terms import SparseTerms, document_terms

Payload = dict[str, Any]
_body = msgspec.json.Decoder(StoredChunk)


@dataclass(frozen=True, slots=True)
class Point:
    """payload: all but access keys and the pending mark, which steps of publishing set."""

    id: UUID
    dense: Sequence[float] | None
    sparse: SparseTerms
    payload: Payload


def point_of(indexed: IndexedChunk, first: bool) -> Point:
    chunk, facts = indexed.chunk, indexed.facts
    sections = {fields.section_key(name) for name in (*chunk.section_path, chunk.section_title, chunk.anchor)}
    payload: Payload = {
        fields.DOCUMENT: str(chunk.doc_id),
        fields.KNOWLEDGE_BASE: str(facts.knowledge_base_id),
        fields.SECTIONS: sorted(sections - {""}),
        fields.FIRST: fields.YES if first else fields.NO,
        fields.TAGS: list(facts.tags),
        fields.LAST_MODIFIED: facts.last_modified.isoformat() if facts.last_modified else None,
        **{field: getattr(facts, field) for field in fields.PLAIN},
        fields.BODY: msgspec.json.encode(StoredChunk(chunk, facts)).decode(),
    }
    return Point(chunk.chunk_id, indexed.vector, document_terms(embedding_text(chunk)), payload)


def stored_of(payload: Mapping[str, Any]) -> StoredChunk:
    return _body.decode(payload[fields.BODY])
