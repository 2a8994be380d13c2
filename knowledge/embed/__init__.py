"""Texts into vectors."""

from knowledge.embed.minilm import EmbedderUnavailable, packaged
from knowledge.embed.port import Embedder, Vectors
from knowledge.embed.text import embedding_text

__all__ = ["Embedder", "EmbedderUnavailable", "Vectors", "embedding_text", "packaged"]
