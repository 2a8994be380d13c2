"""Which embedder is wanted, and making it: for queries in this process, for ingestion outside of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from knowledge.embed.minilm import packaged
from knowledge.embed.port import Embedder, Marked, Vectors
from knowledge.embed.settings import EmbedSettings
from knowledge.embed.vectors import IngestEmbedder
from knowledge.embed.weights import VERSION, WIDTH

Kind = Literal["packaged", "onnx", "openai", "azure"]


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """Everything that moves a vector, and where the model is; no secret; goes through JSON (msgspec).

    version: names model and build; what a collection and the vector cache are named after.
    """

    kind: Kind = "packaged"
    version: str = VERSION
    dimensions: int = WIDTH
    model: str = ""
    folder: str = ""
    url: str = ""


class LocalEmbedding(Protocol):
    """Embeds in child processes; `knowledge.prepare.Preparer`."""

    async def embed(self, spec: EmbedderSpec, texts: Sequence[str]) -> Vectors: ...

    async def embed_marked(self, spec: EmbedderSpec, texts: Sequence[Marked]) -> Vectors: ...


@dataclass(frozen=True, slots=True)
class _InChild:
    spec: EmbedderSpec
    children: LocalEmbedding

    @property
    def version(self) -> str:
        return self.spec.version

    @property
    def dimensions(self) -> int:
        return self.spec.dimensions

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await self.children.embed(self.spec, texts)

    async def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        return await self.children.embed_marked(self.spec, texts)


def wanted(settings: EmbedSettings) -> EmbedderSpec:
    """The embedder that the settings name."""
    return EmbedderSpec(settings.kind)


def make_embedder(spec: EmbedderSpec, settings: EmbedSettings) -> Embedder:
    """For queries, in this process. Takes a second: call it in a thread."""
    return local_embedder(spec)


def local_embedder(spec: EmbedderSpec, threads: int = 1) -> Embedder:
    """A model that runs in this process."""
    return packaged(threads=threads)


def make_ingest_embedder(
    spec: EmbedderSpec, settings: EmbedSettings, children: LocalEmbedding
) -> IngestEmbedder:
    """For the worker."""
    return _InChild(spec, children)
