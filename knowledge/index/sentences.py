"""Sentence vectors in one piece, for a payload field (text) or a message (bytes)."""

import base64
import struct

import numpy as np

from knowledge.embed.vectors import SentenceVectors

_HEAD = struct.Struct("<II")


def to_text(vectors: SentenceVectors) -> str:
    """As Base64."""
    return base64.b64encode(to_bytes(vectors)).decode()


def from_text(text: str) -> SentenceVectors:
    return from_bytes(base64.b64decode(text))


def to_bytes(vectors: SentenceVectors) -> bytes:
    """Count and dimensions (uint32, little-endian), the spans (uint32), the rows (int8)."""
    count, dimensions = vectors.rows.shape
    if count != len(vectors.spans):
        raise ValueError(f"{len(vectors.spans)} sentences with {count} vectors.")
    spans = np.asarray(vectors.spans, "<u4").tobytes()
    rows = np.ascontiguousarray(vectors.rows, np.int8).tobytes()
    return _HEAD.pack(count, dimensions) + spans + rows


def from_bytes(data: bytes) -> SentenceVectors:
    count, dimensions = _HEAD.unpack_from(data)
    spans = np.frombuffer(data, "<u4", 2 * count, _HEAD.size).reshape(count, 2)
    rows = np.frombuffer(data, np.int8, count * dimensions, _HEAD.size + spans.nbytes)
    return SentenceVectors(
        tuple((start, end) for start, end in spans.tolist()), rows.reshape(count, dimensions)
    )
