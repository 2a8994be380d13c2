"""The index port as messages: msgpack, each with its length in 4 bytes (big-endian) in front."""

import asyncio
from array import array
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from access.keys import AccessKeys
from knowledge.document import Chunk, DocumentFacts
from knowledge.index.port import Hit, IndexedChunk, IndexFilter, StoredChunk

MAX_FRAME = 256 * 1024 * 1024
_PREFIX = 4


class WireChunk(msgspec.Struct, frozen=True):
    """vector: float32, in the machine's own byte order, since both ends share the machine."""

    chunk: Chunk
    facts: DocumentFacts
    vector: bytes | None


class Publish(msgspec.Struct, tag=True, frozen=True):
    doc_id: UUID
    chunks: list[WireChunk]
    keys: list[str]


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


Call = Publish | SetAccess | Remove | Known | Find | Fetch | Facets
ANSWERS: dict[type[Call], Any] = {
    Publish: None,
    SetAccess: None,
    Remove: None,
    Known: frozenset[UUID],
    Find: list[Hit],
    Fetch: list[StoredChunk],
    Facets: dict[str, dict[str, int]],
}


class Asked(msgspec.Struct, frozen=True):
    id: int
    call: Call


class Answered(msgspec.Struct, tag=True, frozen=True):
    id: int
    value: msgspec.Raw


class Failed(msgspec.Struct, tag=True, frozen=True):
    """mine: the caller's mistake (ValueError); else the index is unavailable."""

    id: int
    mine: bool
    detail: str


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
    return [WireChunk(indexed.chunk, indexed.facts, packed(indexed.vector)) for indexed in chunks]


def from_wire(chunks: Sequence[WireChunk]) -> list[IndexedChunk]:
    return [IndexedChunk(wire.chunk, wire.facts, unpacked(wire.vector)) for wire in chunks]


def keys_of(keys: Sequence[str]) -> AccessKeys:
    """Raises ValueError for an empty list: the filter cannot get lost on the way."""
    return AccessKeys(keys)
