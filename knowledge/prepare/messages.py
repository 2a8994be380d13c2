"""What parent and children say to each other: frames of four bytes of length and one msgpack message."""

from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

import msgspec
import numpy as np

from knowledge.document import Chunk, LoadedDocument
from knowledge.embed.port import Marked, Vectors
from knowledge.load.errors import UnreadableCode

MAX_FRAME = 1 << 30
LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Read:
    """A file as we read it, and the chunks that it is cut into."""

    document: LoadedDocument
    chunks: list[Chunk]


class ReadTask(msgspec.Struct, frozen=True, tag="read"):
    """A file to read; `title` replaces the one found in it."""

    data: bytes
    name: str
    doc_id: UUID
    title: str | None = None
    strategy: str | None = None


class CutTask(msgspec.Struct, frozen=True, tag="cut"):
    """A file that was read before, to be cut again."""

    document: LoadedDocument
    doc_id: UUID
    title: str | None = None
    strategy: str | None = None


class Texts(msgspec.Struct, frozen=True, tag="texts"):
    """To be embedded: asked of the embedding child, or by the reading child of its parent."""

    texts: list[Marked]


class Rows(msgspec.Struct, frozen=True, tag="rows"):
    """`data` is float32, little-endian, `count` rows."""

    count: int
    data: bytes


class Done(msgspec.Struct, frozen=True, tag="done"):
    document: LoadedDocument
    chunks: list[Chunk]


class Unreadable(msgspec.Struct, frozen=True, tag="unreadable"):
    reason: UnreadableCode
    detail: str
    hint: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A fault of ours, not of the file; `error` is for the log, never for a person."""

    error: str


ToChild = ReadTask | CutTask | Texts | Rows
FromChild = Done | Unreadable | Failed | Texts | Rows


class FrameTooLong(Exception):
    """The other side announced a frame that nobody sends: it is not to be trusted any more."""


_encoder = msgspec.msgpack.Encoder()
_to_child: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
_from_child: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)


def frame(message: ToChild | FromChild) -> bytes:
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def frame_length(head: bytes) -> int:
    """Raises FrameTooLong."""
    length = int.from_bytes(head, "big")
    if length > MAX_FRAME:
        raise FrameTooLong(f"{length} bytes")
    return length


def read_message(stream: BinaryIO) -> ToChild | None:
    """The next message for the child, or None at the end of the stream."""
    head = stream.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    return _to_child.decode(stream.read(frame_length(head)))


def decode_answer(body: bytes) -> FromChild:
    """Raises msgspec.DecodeError where the body is not an answer."""
    return _from_child.decode(body)


def rows_of(vectors: Vectors) -> Rows:
    return Rows(len(vectors), np.ascontiguousarray(vectors, dtype="<f4").tobytes())


def vectors_of(rows: Rows) -> Vectors:
    width = len(rows.data) // (4 * rows.count) if rows.count else 0
    return np.frombuffer(rows.data, dtype="<f4").reshape(rows.count, width)
