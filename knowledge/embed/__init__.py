"""Texts into vectors."""

from knowledge.embed.errors import EmbedderUnavailable, EmbeddingFailed, EmbeddingRefused
from knowledge.embed.minilm import packaged, piece_counter
from knowledge.embed.port import Embedder, Marked, Vectors
from knowledge.embed.settings import EmbedSettings
from knowledge.embed.spec import EmbedderSpec, make_embedder, make_ingest_embedder, wanted
from knowledge.embed.text import embedding_text
from knowledge.embed.usage import EmbedUsage, OnUsage
from knowledge.embed.vectors import (
    ChunkVectors,
    IngestEmbedder,
    SentenceVectors,
    VectorCache,
    Vectoriser,
)

__all__ = [
    "ChunkVectors",
    "EmbedSettings",
    "EmbedUsage",
    "Embedder",
    "EmbedderSpec",
    "EmbedderUnavailable",
    "EmbeddingFailed",
    "EmbeddingRefused",
    "IngestEmbedder",
    "Marked",
    "OnUsage",
    "SentenceVectors",
    "VectorCache",
    "Vectoriser",
    "Vectors",
    "embedding_text",
    "make_embedder",
    "make_ingest_embedder",
    "packaged",
    "piece_counter",
    "wanted",
]
