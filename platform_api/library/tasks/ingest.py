"""What the worker does for the library: read, publish, remove. Each may run twice and changes nothing then.

A version is published in one transaction that holds the document's row: deleting, replacing and
cancelling wait for it, or it finds that they came first and publishes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from access.keys import AccessKeys
from kit.clock import Clock
from kit.wire.library import DocumentMetadata
from knowledge.document import Chunk, DocumentFacts
from knowledge.embed import ChunkVectors, Vectoriser
from knowledge.index import Index, IndexedChunk
from knowledge.load import UnreadableDocument
from knowledge.prepare import Preparer, Read
from platform_api.library import repository
from platform_api.library.models import DocumentRow, DocumentVersionRow, JobItemRow, KnowledgeBaseRow
from platform_api.library.service.documents import REMOVE
from platform_api.library.service.facts import Described, describe, facts_of
from platform_api.library.service.intake import INGEST
from platform_api.library.service.jobs import Reason, begin_item, finish_item
from ports.blobs import Blobs
from ports.db import Database
from ports.queue import Tasks

ATTEMPTS = 8
_BACKOFF_S = 2.0
log = structlog.get_logger()
documents_total = Counter(
    "switchboard_library_documents_total", "Documents that the worker has read.", ["outcome"]
)


@dataclass(frozen=True, slots=True)
class Work:
    """The arguments of `library.ingest`."""

    job_id: UUID
    document_id: UUID
    version: int

    @classmethod
    def of(cls, args: dict[str, Any]) -> "Work":
        return cls(UUID(args["job_id"]), UUID(args["document_id"]), int(args["version"]))


@dataclass(frozen=True, slots=True)
class Begun:
    """What reading needs to know; taken before, in a transaction of its own."""

    item: JobItemRow
    organisation_id: UUID
    path: str
    title: str | None
    blob_key: str


class LibraryTasks:
    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        index: Index,
        *,
        preparer: Preparer,
        vectoriser: Vectoriser,
        clock: Clock,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._index = index
        self._preparer = preparer
        self._vectoriser = vectoriser
        self._clock = clock

    def register(self, tasks: Tasks) -> None:
        tasks.add(INGEST, self.ingest, attempts=ATTEMPTS, backoff_s=_BACKOFF_S)
        tasks.add(REMOVE, self.remove, attempts=ATTEMPTS, backoff_s=_BACKOFF_S)

    async def ingest(self, args: dict[str, Any]) -> None:
        """Read one document version and publish it."""
        work = Work.of(args)
        begun = await self._begin(work)
        if begun is None:
            return
        try:
            await self._read_and_publish(work, begun)
        except UnreadableDocument as unreadable:
            await self._fail(work, begun, unreadable.reason, unreadable.detail)
        except Exception:
            if begun.item.attempts >= ATTEMPTS:
                detail = "It could not be read now. Upload it again, or ask an admin."
                await self._fail(work, begun, "internal", detail)
            raise

    async def remove(self, args: dict[str, Any]) -> None:
        """The rows are gone already; so go the points and the bytes."""
        await self._index.remove(UUID(args["document_id"]))
        for key in args["blobs"]:
            await self._blobs.delete(key)

    async def _begin(self, work: Work) -> Begun | None:
        """None where there is nothing to do any more."""
        async with self._database.begin() as session:
            document = await _locked(session, work)
            item = await begin_item(session, work.job_id, work.document_id, work.version, self._clock.now())
            if item is None:
                return None
            version = await session.get(DocumentVersionRow, (work.document_id, work.version))
            if document is None or version is None or document.published_version == work.version:
                # Deleted, replaced by a newer version, or done by an attempt that could not say so.
                await finish_item(session, item, "done", self._clock.now())
                return None
            document.status = "processing"
            declared = DocumentMetadata.model_validate(version.declared)
            return Begun(item, document.organisation_id, document.path, declared.title, version.blob_key)

    async def _read_and_publish(self, work: Work, begun: Begun) -> None:
        data = await self._blobs.get(begun.blob_key)
        read = await self._preparer.read(data, begun.path, work.document_id, title=begun.title)
        known = await self._index.known(work.document_id)
        vectors = await self._vectoriser.vectors(begun.organisation_id, read.chunks, known)
        read_key = f"{begun.blob_key.replace('originals/', 'read/', 1)}.json"
        await self._blobs.put(read_key, msgspec.json.encode(read.document))
        async with self._database.begin() as session:
            document = await _locked(session, work)
            item = await session.get(JobItemRow, (work.job_id, work.document_id, work.version))
            if document is None or item is None or item.state == "cancelled":
                await self._blobs.delete(read_key)
                await finish_item(session, begun.item, "done", self._clock.now())
                return
            await self._publish(session, document, read, vectors, read_key)
            await finish_item(session, begun.item, "done", self._clock.now())
        documents_total.labels("ready").inc()

    async def _publish(
        self,
        session: AsyncSession,
        document: DocumentRow,
        read: Read,
        vectors: Mapping[UUID, ChunkVectors],
        read_key: str,
    ) -> None:
        version = await session.get_one(DocumentVersionRow, (document.id, document.version))
        base = await session.get_one(KnowledgeBaseRow, document.knowledge_base_id)
        described = describe(DocumentMetadata.model_validate(version.declared), read.document)
        now = self._clock.now()
        facts = facts_of(base, document, version, described, now)
        await repository.set_keys(session, document, frozenset(version.access_keys))
        keys = AccessKeys(await repository.keys_of(session, document.id))
        await self._index.publish(document.id, _indexed(read.chunks, vectors, facts), keys)
        _describe_row(document, described)
        version.read_key, version.content_type = read_key, read.document.content_type
        document.status, document.error, document.failure = "ready", None, None
        document.published_version = document.version
        document.content_type, document.size = read.document.content_type, version.size
        document.chunks, document.updated_at = len(read.chunks), now

    async def _fail(self, work: Work, begun: Begun, code: str, detail: str) -> None:
        """Nothing of this version is published; one that was before stays as it is."""
        async with self._database.begin() as session:
            document = await _locked(session, work)
            if document is not None:
                document.status, document.error, document.failure = "failed", detail, code
                document.updated_at = self._clock.now()
            await finish_item(session, begun.item, "failed", self._clock.now(), Reason(code, detail))
        documents_total.labels("failed").inc()
        log.info("library.unreadable", code=code, document_id=str(work.document_id))


async def _locked(session: AsyncSession, work: Work) -> DocumentRow | None:
    """The row, for this transaction alone; None where it was deleted or has a newer version."""
    document = await session.get(DocumentRow, work.document_id, with_for_update=True)
    return document if document is not None and document.version == work.version else None


def _indexed(
    chunks: Sequence[Chunk], vectors: Mapping[UUID, ChunkVectors], facts: DocumentFacts
) -> list[IndexedChunk]:
    """A chunk without vectors keeps those that are stored for it."""
    indexed: list[IndexedChunk] = []
    for piece in chunks:
        own = vectors.get(piece.chunk_id)
        dense, sentences = (own.dense.tolist(), own.sentences) if own else (None, None)
        indexed.append(IndexedChunk(piece, facts, dense, sentences))
    return indexed


def _describe_row(document: DocumentRow, described: Described) -> None:
    document.title = described.title
    document.doc_type = described.doc_type
    document.service_scope = described.service_scope
    document.tags = list(described.tags)
    document.privacy_level = described.privacy_level
    document.last_modified = described.last_modified
