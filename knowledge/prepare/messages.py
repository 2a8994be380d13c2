"""What parent and child say to each other: frames of four bytes of length and one msgpack message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from knowledge.document import Chunk, LoadedDocument
from knowledge.load.errors import UnreadableCode

MAX_FRAME = 1 << 30
_LENGTH_BYTES = 4

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Prepared:
    """vectors: of those chunks that were not known before, of unit length."""

    document: LoadedDocument
    chunks: list[Chunk]
    vectors: Mapping[UUID, Vector] = field(default_factory=dict[UUID, Vector])


class Task(msgspec.Struct, frozen=True):
    """A file to prepare; `title` replaces the one found in it."""

    data: bytes
    name: str
    doc_id: UUID
    known: list[UUID]
    title: str | None = None
    strategy: str | None = None


class Done(msgspec.Struct, frozen=True, tag="done"):
    """`vectors` is float32, little-endian, one row per id in `embedded`."""

    document: LoadedDocument
    chunks: list[Chunk]
    embedded: list[UUID]
    vectors: bytes


class Unreadable(msgspec.Struct, frozen=True, tag="unreadable"):
    reason: UnreadableCode
    detail: str
    hint: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A fault of ours, not of the file; `error` is for the log, never for a person."""

    error: str


Answer = Done | Unreadable | Failed


class FrameTooLong(Exception):
    """The other side announced a frame that nobody sends: it is not to be trusted any more."""


_encoder = msgspec.msgpack.Encoder()
_tasks = msgspec.msgpack.Decoder(Task)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def frame(message: Task | Answer) -> bytes:
    body = _encoder.encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def frame_length(head: bytes) -> int:
    """Raises FrameTooLong."""
    length = int.from_bytes(head, "big")
    if length > MAX_FRAME:
        raise FrameTooLong(f"{length} bytes")
    return length


def read_task(stream: BinaryIO) -> Task | None:
    """The next task, or None at the end of the stream."""
    head = stream.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    return _tasks.decode(stream.read(frame_length(head)))


def decode_answer(body: bytes) -> Answer:
    """Raises msgspec.DecodeError where the body is not an answer."""
    return _answers.decode(body)


def prepared(done: Done) -> Prepared:
    width = len(done.vectors) // (4 * len(done.embedded)) if done.embedded else 0
    rows = np.frombuffer(done.vectors, dtype="<f4").reshape(len(done.embedded), width)
    return Prepared(done.document, done.chunks, dict(zip(done.embedded, rows, strict=True)))
