"""Chunks stored with vectors, terms and access keys. Engines: edge (embedded), server, remote (a socket)."""

from knowledge.index.port import (
    GenerationGone,
    Held,
    Hit,
    Index,
    IndexedChunk,
    IndexFilter,
    IndexInUse,
    IndexUnavailable,
    OtherEmbedder,
    StoredChunk,
)

__all__ = [
    "GenerationGone",
    "Held",
    "Hit",
    "Index",
    "IndexFilter",
    "IndexInUse",
    "IndexUnavailable",
    "IndexedChunk",
    "OtherEmbedder",
    "StoredChunk",
]
