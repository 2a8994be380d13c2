"""What we need of an index of chunks: published under access keys, found only through them (SPEC 7)."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from access.keys import AccessKeys
from kit.errors import Unavailable
from knowledge.document import Chunk, DocumentFacts
from knowledge.embed.vectors import SentenceVectors


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk to publish.

    vector: of unit length; None keeps what is stored for this chunk_id, its sentences included.
    """

    chunk: Chunk
    facts: DocumentFacts
    vector: Sequence[float] | None
    sentences: SentenceVectors | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What the index holds of one document.

    version: of what is visible, the lowest where they differ (publishing was interrupted); 0 without any.
    chunks: how many are visible to `keys`. pending: how many are stored and shown to nobody.
    keys: of the visible chunks; empty where it is nobody's. updated_at: DocumentFacts.updated_at of the
    visible chunks, the earliest; None without any.
    """

    version: int
    chunks: int
    pending: int
    keys: frozenset[str]
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IndexFilter:
    """Narrows what the keys open; None means no limit.

    knowledge_base_ids: an empty set matches nothing. after, before: on last_modified, `after` included,
    `before` excluded; a document without one never matches. section: any title above the chunk, or its
    anchor, whatever the case. tags: the document has all of them.
    """

    knowledge_base_ids: frozenset[UUID] | None = None
    service_scope: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    section: str | None = None
    doc_type: str | None = None
    source: str | None = None
    privacy_level: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def matches_nothing(self) -> bool:
        return self.knowledge_base_ids is not None and not self.knowledge_base_ids


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """fingerprint: equal for chunks that say the same word for word (`fingerprint.py`)."""

    chunk: Chunk
    facts: DocumentFacts
    fingerprint: str = ""


class GlancedFacts(msgspec.Struct, frozen=True):
    """See DocumentFacts."""

    tags: list[str]
    last_modified: str | None


class Glance(msgspec.Struct, frozen=True):
    """What ranking reads of a StoredChunk: most candidates are never opened further. Times as text."""

    facts: GlancedFacts
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A found chunk. dense: cosine, None where no vector was asked; sparse: BM25, None where no term fits.

    body: the stored chunk as JSON; of twice as many candidates as are shown most are never opened.
    """

    chunk_id: UUID
    body: str
    dense: float | None
    sparse: float | None

    @property
    def stored(self) -> StoredChunk:
        """Read anew at each call."""
        return stored_of(self.body)

    @property
    def glance(self) -> Glance:
        """Read anew at each call, in a part of the time."""
        return _glance.decode(self.body)


_body = msgspec.json.Decoder(StoredChunk)
_glance = msgspec.json.Decoder(Glance)


def stored_of(body: str) -> StoredChunk:
    return _body.decode(body)


def body_of(stored: StoredChunk) -> str:
    return msgspec.json.encode(stored).decode()


class IndexInUse(Unavailable):
    """Another process, or another part of this one, owns the embedded index."""

    code = "index_in_use"
    title = "The embedded index is already in use"
    default_hint = (
        "Stop the other Switchboard process on this data folder, or run `switchboard index` and point "
        "SWITCHBOARD_SHAPE__INDEX_SOCKET at its socket."
    )


class IndexUnavailable(Unavailable):
    """The index does not answer."""

    code = "index_unavailable"
    title = "The document index is not available"
    default_hint = "Try again in a minute. An admin can see its state at /health/ready."


class GenerationGone(IndexUnavailable):
    """This generation of the index is closed or deleted; ask the current one."""

    code = "index_generation_gone"


class OtherEmbedder(IndexUnavailable):
    """The vectors come from another embedder than the index's own, which has changed meanwhile."""

    code = "index_other_embedder"
    default_hint = "Make the vectors again with the embedder of the current generation."


class Index(Protocol):
    """All methods raise IndexUnavailable where the engine cannot be reached."""

    async def publish(
        self, doc_id: UUID, chunks: Sequence[IndexedChunk], keys: AccessKeys, *, embedder: str | None = None
    ) -> None:
        """Make these chunks the whole of the document, visible to `keys`.

        embedder: the version of what made the vectors; raises OtherEmbedder where the index has another one.

        New chunks are written invisible; one step shows them and hides the document's others, which are
        then deleted: whenever it is interrupted, exactly the old version or exactly the new one is found;
        repeat it to finish.
        Raises ValueError for a chunk of another document, or one without a vector that is not stored.
        """
        ...

    async def set_access(self, doc_id: UUID, keys: AccessKeys | None) -> None:
        """Replace the keys of what is published of the document; None makes it nobody's."""
        ...

    async def remove(self, doc_id: UUID) -> None: ...

    async def known(self, doc_id: UUID) -> frozenset[UUID]:
        """The chunk ids of the document that are stored with their vector, visible or not."""
        ...

    async def search(
        self,
        keys: AccessKeys,
        filter: IndexFilter,
        *,
        vector: Sequence[float] | None,
        text: str | None,
        limit: int,
    ) -> list[Hit]:
        """The `limit` nearest by vector and the `limit` best by BM25, merged, each with both scores.

        IDF counts only what the keys open, so nothing hidden moves a score. At most 2 × `limit` hits,
        ordered by chunk id: ranking is the caller's.
        """
        ...

    async def fetch(
        self,
        keys: AccessKeys,
        chunk_ids: Sequence[UUID],
        knowledge_base_ids: frozenset[UUID] | None = None,
    ) -> list[StoredChunk]:
        """Those of the chunks that the keys open, in the order asked."""
        ...

    async def sentences(self, keys: AccessKeys, chunk_ids: Sequence[UUID]) -> dict[UUID, SentenceVectors]:
        """Of those of the chunks that the keys open and that were published with them."""
        ...

    def inventory(self) -> AsyncIterator[tuple[UUID, Held]]:
        """Each document that the index holds anything of, in no order.

        Not filtered by access: for the worker, which compares it with the database, and nobody else.
        What changes while it runs is told as it was before or after.
        """
        ...

    async def facets(self, keys: AccessKeys, filter: IndexFilter) -> dict[str, dict[str, int]]:
        """field → value → number of documents, for the fields that a filter can name."""
        ...

    async def close(self) -> None: ...
