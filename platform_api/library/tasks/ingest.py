"""What the worker does for the library: read, publish, remove. Each may run twice and changes nothing then.

A version is published in one transaction that holds the document's row: deleting, replacing and
cancelling wait for it, or it finds that they came first and publishes nothing.
"""

from collections.abc import Sequence
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
from knowledge.document import DocumentFacts
from knowledge.index import Index, IndexedChunk
from knowledge.load import UnreadableDocument
from knowledge.prepare import Prepared, Preparer
from platform_api.library import repository
from platform_api.library.models import DocumentRow, DocumentVersionRow, JobItemRow, KnowledgeBaseRow
from platform_api.library.service.documents import REMOVE
from platform_api.library.service.facts import Described, describe, facts_of
from platform_api.library.service.jobs import Reason, begin_item, finish_item
from platform_api.library.service.upload import INGEST
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
    path: str
    title: str | None
    blob_key: str


class LibraryTasks:
    def __init__(
        self, database: Database, blobs: Blobs, index: Index, preparer: Preparer, clock: Clock
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._index = index
        self._preparer = preparer
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
            return Begun(item, document.path, declared.title, version.blob_key)

    async def _read_and_publish(self, work: Work, begun: Begun) -> None:
        data = await self._blobs.get(begun.blob_key)
        known = await self._index.known(work.document_id)
        prepared = await self._preparer.prepare(data, begun.path, work.document_id, known, begun.title)
        read_key = f"{begun.blob_key.replace('originals/', 'read/', 1)}.json"
        await self._blobs.put(read_key, msgspec.json.encode(prepared.document))
        async with self._database.begin() as session:
            document = await _locked(session, work)
            item = await session.get(JobItemRow, (work.job_id, work.document_id, work.version))
            if document is None or item is None or item.state == "cancelled":
                await self._blobs.delete(read_key)
                await finish_item(session, begun.item, "done", self._clock.now())
                return
            await self._publish(session, document, prepared, read_key)
            await finish_item(session, begun.item, "done", self._clock.now())
        documents_total.labels("ready").inc()

    async def _publish(
        self, session: AsyncSession, document: DocumentRow, prepared: Prepared, read_key: str
    ) -> None:
        version = await session.get_one(DocumentVersionRow, (document.id, document.version))
        base = await session.get_one(KnowledgeBaseRow, document.knowledge_base_id)
        described = describe(DocumentMetadata.model_validate(version.declared), prepared.document)
        now = self._clock.now()
        facts = facts_of(base, document, version, described, now)
        await self._index.publish(document.id, _indexed(prepared, facts), AccessKeys(version.access_keys))
        await repository.set_keys(session, document, frozenset(version.access_keys))
        _describe_row(document, described)
        version.read_key, version.content_type = read_key, prepared.document.content_type
        document.status, document.error = "ready", None
        document.published_version = document.version
        document.content_type, document.size = prepared.document.content_type, version.size
        document.chunks, document.updated_at = len(prepared.chunks), now

    async def _fail(self, work: Work, begun: Begun, code: str, detail: str) -> None:
        """Nothing of this version is published; one that was before stays as it is."""
        async with self._database.begin() as session:
            document = await _locked(session, work)
            if document is not None:
                document.status, document.error = "failed", detail
                document.updated_at = self._clock.now()
            await finish_item(session, begun.item, "failed", self._clock.now(), Reason(code, detail))
        documents_total.labels("failed").inc()
        log.info("library.unreadable", code=code, document_id=str(work.document_id))


async def _locked(session: AsyncSession, work: Work) -> DocumentRow | None:
    """The row, for this transaction alone; None where it was deleted or has a newer version."""
    document = await session.get(DocumentRow, work.document_id, with_for_update=True)
    return document if document is not None and document.version == work.version else None


def _indexed(prepared: Prepared, facts: DocumentFacts) -> Sequence[IndexedChunk]:
    vectors = {chunk_id: vector.tolist() for chunk_id, vector in prepared.vectors.items()}
    return [IndexedChunk(chunk, facts, vectors.get(chunk.chunk_id)) for chunk in prepared.chunks]


def _describe_row(document: DocumentRow, described: Described) -> None:
    document.title = described.title
    document.doc_type = described.doc_type
    document.service_scope = described.service_scope
    document.tags = list(described.tags)
    document.privacy_level = described.privacy_level
    document.last_modified = described.last_modified
