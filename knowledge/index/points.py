"""Chunks as points of an engine, and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from knowledge.embed.text import embedding_text
from knowledge.index import fields
from knowledge.index.fingerprint import fingerprint
from knowledge.index.port import Held, IndexedChunk, StoredChunk, body_of
from knowledge.index.sentences import to_text
from knowledge.index.terms import SparseTerms, document_terms

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """payload: all but access keys and the marks of visibility, which steps of publishing set."""

    id: UUID
    dense: Sequence[float] | None
    sparse: SparseTerms
    payload: Payload


@dataclass(frozen=True, slots=True)
class Marks:
    """What publishing needs to know of a stored point."""

    doc_id: UUID
    version: int
    updated_at: datetime | None
    first: bool
    pending: bool
    leaving: bool
    turned: bool
    keys: tuple[str, ...]

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "Marks":
        return cls(
            doc_id=UUID(payload[fields.DOCUMENT]),
            version=payload.get(fields.VERSION) or 0,
            updated_at=_moment(payload.get(fields.UPDATED)),
            first=payload[fields.FIRST] == fields.YES,
            pending=payload[fields.PENDING] == fields.YES,
            leaving=payload.get(fields.LEAVING) == fields.YES,
            turned=payload.get(fields.TURNED) == fields.YES,
            keys=tuple(payload.get(fields.ACCESS_KEYS) or ()),
        )

    @property
    def visible(self) -> bool:
        """To those who hold one of the keys."""
        return not self.pending and not (self.leaving and self.turned)


def held_of(marks: Iterable[Marks]) -> Held:
    """Of one document."""
    everything = list(marks)
    visible = [mark for mark in everything if mark.visible]
    return Held(
        version=min((mark.version for mark in visible), default=0),
        chunks=len(visible),
        pending=len(everything) - len(visible),
        keys=frozenset(key for mark in visible for key in mark.keys),
        updated_at=min((mark.updated_at for mark in visible if mark.updated_at), default=None),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def point_of(indexed: IndexedChunk, first: bool) -> Point:
    chunk, facts = indexed.chunk, indexed.facts
    sections = {fields.section_key(name) for name in (*chunk.section_path, chunk.section_title, chunk.anchor)}
    payload: Payload = {
        fields.DOCUMENT: str(chunk.doc_id),
        fields.KNOWLEDGE_BASE: str(facts.knowledge_base_id),
        fields.SECTIONS: sorted(sections - {""}),
        fields.FIRST: fields.YES if first else fields.NO,
        fields.VERSION: facts.version,
        fields.UPDATED: facts.updated_at.isoformat(),
        fields.TAGS: list(facts.tags),
        fields.LAST_MODIFIED: facts.last_modified.isoformat() if facts.last_modified else None,
        **{field: getattr(facts, field) for field in fields.PLAIN},
        fields.BODY: body_of(StoredChunk(chunk, facts, fingerprint(chunk))),
    }
    if indexed.vector is not None:
        payload[fields.SENTENCES] = to_text(indexed.sentences) if indexed.sentences else None
    return Point(chunk.chunk_id, indexed.vector, document_terms(embedding_text(chunk)), payload)
