"""Which embedder is wanted, and making it: for queries in this process, for ingestion outside of it."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from knowledge.embed.errors import EmbedderUnavailable
from knowledge.embed.folder import describe
from knowledge.embed.minilm import packaged
from knowledge.embed.onnx_model import open_model
from knowledge.embed.port import Embedder, Marked, Vectors
from knowledge.embed.settings import EmbedSettings
from knowledge.embed.spec_shape import EmbedderSpec
from knowledge.embed.usage import OnUsage
from knowledge.embed.vectors import IngestEmbedder

__all__ = [
    "EmbedderSpec",
    "LocalEmbedding",
    "local_embedder",
    "make_embedder",
    "make_ingest_embedder",
    "wanted",
]

_WELL_KNOWN = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
Purpose = Literal["query", "passage"]


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


class _PartsInChild(_InChild):
    async def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        return await self.children.embed_marked(self.spec, texts)


def wanted(settings: EmbedSettings) -> EmbedderSpec:
    """The embedder that the settings name. Reads a model folder; asks no service.

    Raises EmbedderUnavailable, which says what to set.
    """
    match settings.kind:
        case "packaged":
            return EmbedderSpec()
        case "onnx":
            return _of_folder(settings)
        case "openai" | "azure":
            return _of_service(settings)


def make_embedder(spec: EmbedderSpec, settings: EmbedSettings, on_usage: OnUsage | None = None) -> Embedder:
    """For queries, in this process. Takes a second: call it in a thread. Raises EmbedderUnavailable."""
    if spec.kind in ("openai", "azure"):
        # lazy: the HTTP client, which the children of ingestion import this module without
        from knowledge.embed.hosted import HostedQueries

        return HostedQueries(spec, settings, on_usage)
    return local_embedder(spec, "query")


def local_embedder(spec: EmbedderSpec, purpose: Purpose, threads: int = 1) -> Embedder:
    """A model that runs in this process. Raises EmbedderUnavailable, also where the folder has changed."""
    if spec.kind == "packaged":
        return packaged(threads=threads)
    described = describe(Path(spec.folder))
    if described.version + _mark(spec.passage_prefix) != spec.version:
        raise EmbedderUnavailable(
            f"The model in {spec.folder} is not the one that the documents were embedded with. "
            "Put the old model back until the new one has taken over."
        )
    return open_model(described, spec.query_prefix if purpose == "query" else spec.passage_prefix, threads)


def make_ingest_embedder(
    spec: EmbedderSpec,
    settings: EmbedSettings,
    children: LocalEmbedding,
    on_usage: OnUsage | None = None,
) -> IngestEmbedder:
    """For the worker: a local model in a child process, another one over HTTP."""
    if spec.kind in ("openai", "azure"):
        # lazy: the HTTP client, which the children of ingestion import this module without
        from knowledge.embed.hosted import HostedIngest

        return HostedIngest(spec, settings, on_usage)
    return _PartsInChild(spec, children) if spec.parts else _InChild(spec, children)


def _of_folder(settings: EmbedSettings) -> EmbedderSpec:
    if not settings.folder:
        raise EmbedderUnavailable("Set SWITCHBOARD_EMBED__FOLDER to the folder with the ONNX export.")
    folder = Path(settings.folder).resolve()
    found = describe(folder)
    query, passage = _prefixes(settings, found.query_prefix, found.passage_prefix)
    return EmbedderSpec(
        "onnx",
        found.version + _mark(passage),
        found.dimensions,
        folder=str(folder),
        query_prefix=query,
        passage_prefix=passage,
        parts=found.pooling == "mean",
    )


def _of_service(settings: EmbedSettings) -> EmbedderSpec:
    for name in ("url", "model"):
        if not getattr(settings, name):
            raise EmbedderUnavailable(
                f"Set SWITCHBOARD_EMBED__{name.upper()} for the embedder {settings.kind}."
            )
    dimensions = settings.dimensions or _WELL_KNOWN.get(settings.model, 0)
    if not dimensions:
        raise EmbedderUnavailable(
            f"Set SWITCHBOARD_EMBED__DIMENSIONS to the length of the vectors of {settings.model}."
        )
    query, passage = _prefixes(settings, "", "")
    name = re.sub(r"[^a-z0-9.]+", "-", settings.model.lower()).strip("-")[:60]
    return EmbedderSpec(
        settings.kind,
        f"{settings.kind}-{name}-{dimensions}" + _mark(settings.url.rstrip("/") + passage),
        dimensions,
        model=settings.model,
        url=settings.url,
        query_prefix=query,
        passage_prefix=passage,
        parts=False,
    )


def _prefixes(settings: EmbedSettings, query: str, passage: str) -> tuple[str, str]:
    return (
        query if settings.query_prefix is None else settings.query_prefix,
        passage if settings.passage_prefix is None else settings.passage_prefix,
    )


def _mark(what: str) -> str:
    return f"-{hashlib.sha256(what.encode()).hexdigest()[:6]}" if what else ""
