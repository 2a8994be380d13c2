"""Chunks stored with vectors, terms and access keys. Engines: edge (embedded), server, remote (a socket)."""

from knowledge.index.port import (
    Held,
    Hit,
    Index,
    IndexedChunk,
    IndexFilter,
    IndexInUse,
    IndexUnavailable,
    StoredChunk,
)

__all__ = [
    "Held",
    "Hit",
    "Index",
    "IndexFilter",
    "IndexInUse",
    "IndexUnavailable",
    "IndexedChunk",
    "StoredChunk",
]
