"""The index port as messages: msgpack, each with its length in 4 bytes (big-endian) in front."""

import asyncio
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from access.keys import AccessKeys
from knowledge.document import Chunk, DocumentFacts
from knowledge.embed.spec import EmbedderSpec
from knowledge.embed.vectors import SentenceVectors
from knowledge.index.generation import Generation
from knowledge.index.port import (
    GenerationGone,
    Held,
    Hit,
    IndexedChunk,
    IndexFilter,
    IndexUnavailable,
    OtherEmbedder,
    StoredChunk,
)
from knowledge.index.sentences import from_bytes, to_bytes

MAX_FRAME = 256 * 1024 * 1024
_PREFIX = 4
Kind = Literal["mistake", "gone", "other_embedder", "unavailable"]


class WireChunk(msgspec.Struct, frozen=True):
    """vector: float32, in the machine's own byte order, since both ends share the machine."""

    chunk: Chunk
    facts: DocumentFacts
    vector: bytes | None
    sentences: bytes | None = None


class Publish(msgspec.Struct, tag=True, frozen=True):
    doc_id: UUID
    chunks: list[WireChunk]
    keys: list[str]
    embedder: str | None = None


class SetAccess(msgspec.Struct, tag=True, frozen=True):
    doc_id: UUID
    keys: list[str] | None


class Remove(msgspec.Struct, tag=True, frozen=True):
    doc_id: UUID


class Known(msgspec.Struct, tag=True, frozen=True):
    doc_id: UUID


class Find(msgspec.Struct, tag=True, frozen=True):
    keys: list[str]
    filter: IndexFilter
    vector: bytes | None
    text: str | None
    limit: int


class Fetch(msgspec.Struct, tag=True, frozen=True):
    keys: list[str]
    chunk_ids: list[UUID]
    knowledge_base_ids: frozenset[UUID] | None


class Facets(msgspec.Struct, tag=True, frozen=True):
    keys: list[str]
    filter: IndexFilter


class Sentences(msgspec.Struct, tag=True, frozen=True):
    keys: list[str]
    chunk_ids: list[UUID]


class Inventory(msgspec.Struct, tag=True, frozen=True):
    """The whole of it in one answer: some 150 bytes a document."""


class State(msgspec.Struct, tag=True, frozen=True):
    """All generations, the current one first."""


class Build(msgspec.Struct, tag=True, frozen=True):
    spec: EmbedderSpec


class Switch(msgspec.Struct, tag=True, frozen=True):
    generation: Generation


class Drop(msgspec.Struct, tag=True, frozen=True):
    generation: Generation


IndexCall = Publish | SetAccess | Remove | Known | Find | Fetch | Facets | Sentences | Inventory
Call = IndexCall | State | Build | Switch | Drop
ANSWERS: dict[type[Call], Any] = {
    Publish: None,
    SetAccess: None,
    Remove: None,
    Known: frozenset[UUID],
    Find: list[Hit],
    Fetch: list[StoredChunk],
    Facets: dict[str, dict[str, int]],
    Sentences: dict[UUID, bytes],
    Inventory: list[tuple[UUID, Held]],
    State: list[Generation],
    Build: Generation,
    Switch: None,
    Drop: None,
}


class Asked(msgspec.Struct, frozen=True):
    """generation: which one is asked; "" is whichever is current."""

    id: int
    call: Call
    generation: str = ""


class Answered(msgspec.Struct, tag=True, frozen=True):
    id: int
    value: msgspec.Raw


class Failed(msgspec.Struct, tag=True, frozen=True):
    """kind: mistake (the caller's: ValueError), gone, other_embedder; else the index is unavailable."""

    id: int
    kind: Kind
    detail: str


KINDS: dict[type[Exception], Kind] = {
    ValueError: "mistake",
    GenerationGone: "gone",
    OtherEmbedder: "other_embedder",
    IndexUnavailable: "unavailable",
}


def failed(id: int, error: Exception, detail: str) -> Failed:
    return Failed(id, next(kind for known, kind in KINDS.items() if isinstance(error, known)), detail)


def error_of(answer: Failed) -> Exception:
    return next(known for known, kind in KINDS.items() if kind == answer.kind)(answer.detail)


_encoder = msgspec.msgpack.Encoder()
_asked = msgspec.msgpack.Decoder(Asked)
_answers = msgspec.msgpack.Decoder(Answered | Failed)


def encode(message: Any) -> bytes:
    return _encoder.encode(message)


def frame(message: Asked | Answered | Failed) -> bytes:
    data = _encoder.encode(message)
    return len(data).to_bytes(_PREFIX) + data


async def read_asked(reader: asyncio.StreamReader) -> Asked:
    return _asked.decode(await _read(reader))


async def read_answer(reader: asyncio.StreamReader) -> Answered | Failed:
    return _answers.decode(await _read(reader))


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Raises EOFError at the end, ValueError for a frame beyond the limit."""
    length = int.from_bytes(await reader.readexactly(_PREFIX))
    if length > MAX_FRAME:
        raise ValueError(f"A frame of {length} bytes is beyond the limit of {MAX_FRAME}.")
    return await reader.readexactly(length)


def packed(vector: Sequence[float] | None) -> bytes | None:
    return None if vector is None else array("f", vector).tobytes()


def unpacked(data: bytes | None) -> Sequence[float] | None:
    return None if data is None else array("f", data)


def to_wire(chunks: Sequence[IndexedChunk]) -> list[WireChunk]:
    return [
        WireChunk(
            indexed.chunk,
            indexed.facts,
            packed(indexed.vector),
            to_bytes(indexed.sentences) if indexed.sentences else None,
        )
        for indexed in chunks
    ]


def from_wire(chunks: Sequence[WireChunk]) -> list[IndexedChunk]:
    return [
        IndexedChunk(
            wire.chunk,
            wire.facts,
            unpacked(wire.vector),
            from_bytes(wire.sentences) if wire.sentences else None,
        )
        for wire in chunks
    ]


def sentences_to_wire(found: Mapping[UUID, SentenceVectors]) -> dict[UUID, bytes]:
    return {chunk_id: to_bytes(vectors) for chunk_id, vectors in found.items()}


def sentences_from_wire(found: Mapping[UUID, bytes]) -> dict[UUID, SentenceVectors]:
    return {chunk_id: from_bytes(data) for chunk_id, data in found.items()}


def keys_of(keys: Sequence[str]) -> AccessKeys:
    """Raises ValueError for an empty list: the filter cannot get lost on the way."""
    return AccessKeys(keys)
