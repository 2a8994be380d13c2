"""What the worker does for the library: read, publish, remove. Each may run twice and changes nothing then.

A version is published in one transaction that holds the document's row: deleting, replacing and
cancelling wait for it, or it finds that they came first and publishes nothing. What can never be read
is a failed document with its reason; what could not be read for now, in all attempts, is a dead letter.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter
from sqlalchemy import and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from access.keys import AccessKeys
from kit.clock import Clock
from knowledge.document import Chunk, DocumentFacts
from knowledge.embed import ChunkVectors
from knowledge.index import IndexedChunk
from knowledge.index.vectorising import Vectorising
from knowledge.load import UnreadableDocument
from knowledge.prepare import PreparationFailed, Preparer, Read
from platform_api.library import repository
from platform_api.library.models import DocumentRow, DocumentVersionRow, JobItemRow, KnowledgeBaseRow
from platform_api.library.service.documents import REMOVE
from platform_api.library.service.facts import Wanted, describe, describe_row, facts_of, wanted
from platform_api.library.service.generation import hold_generation
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.service.intake import INGEST
from platform_api.library.service.jobs import (
    GIVEN_UP,
    WAITING,
    Reason,
    begin_item,
    cancel_items,
    cancelled,
    finish_item,
)
from platform_api.library.service.progress import ItemKey, NotWanted, Progress, Stand
from platform_api.library.service.scopes import Scopes
from ports.blobs import BlobMissing, Blobs
from ports.db import Database
from ports.queue import GiveUp, Tasks

ATTEMPTS = 20
_BACKOFF_S, _LONGEST_PAUSE_S = 2.0, 60.0
"""Some 15 minutes in all: as long as any part of us may be away (SPEC 12), then a dead letter."""
_FAULTY_ATTEMPTS = 4
"""A fault on our side while one file is read seldom goes away by waiting."""
_SETTLE_WITHIN_S = 60
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
    again: bool = False
    """Publish the published version anew: the index lost or spoilt it."""

    @classmethod
    def of(cls, args: dict[str, Any]) -> "Work":
        again = bool(args.get("again", False))
        return cls(UUID(args["job_id"]), UUID(args["document_id"]), int(args["version"]), again)

    @property
    def key(self) -> ItemKey:
        return self.job_id, self.document_id, self.version

    def about(self, document: DocumentRow) -> bool:
        """Whether the document still is what this work is about."""
        return self.version == (document.published_version if self.again else document.version)


@dataclass(frozen=True, slots=True)
class Begun:
    """What reading needs to know; taken before, in a transaction of its own."""

    item: JobItemRow
    organisation_id: UUID
    path: str
    wanted: Wanted
    blob_key: str

    @property
    def read_key(self) -> str:
        """Where the blocks that we read go; the same for each attempt."""
        return f"{self.blob_key.replace('originals/', 'read/', 1)}.json"


class StillWanted(RuntimeError):
    """Somebody stopped work that was to be done: it must not count as done."""


class LibraryTasks:
    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        changes: IndexChanges,
        *,
        preparer: Preparer,
        vectoriser: Vectorising,
        scopes: Scopes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._changes = changes
        self._index = changes.index
        self._preparer = preparer
        self._vectoriser = vectoriser
        self._scopes = scopes
        self._clock = clock
        self._progress = Progress(database)

    def register(self, tasks: Tasks) -> None:
        how: dict[str, Any] = {"attempts": ATTEMPTS, "backoff_s": _BACKOFF_S, "longest_s": _LONGEST_PAUSE_S}
        # Above all limits of its parts, which end it with a better reason.
        tasks.add(INGEST, self.ingest, timeout_s=3600.0, dead=self.given_up, **how)
        tasks.add(REMOVE, self.remove, **how)

    async def ingest(self, args: dict[str, Any]) -> None:
        """Read one document version and publish it."""
        work = Work.of(args)
        begun = await self._begin(work)
        if begun is None:
            return
        try:
            await self._progress.of(work.key, lambda stand: self._read_and_publish(work, begun, stand))
        except NotWanted:
            await self._leave(work, begun)
        except UnreadableDocument as unreadable:
            await self._fail(work, unreadable.reason, unreadable.detail)
            # Its upload may have narrowed who sees the version that stays.
            await self._changes.tell(begun.organisation_id)
            log.info("library.unreadable", code=unreadable.reason, document_id=str(work.document_id))
        except BlobMissing as missing:
            await self._changes.tell(begun.organisation_id)
            raise GiveUp("The file is missing from the blob store.") from missing
        except PreparationFailed as fault:
            if begun.item.attempts >= _FAULTY_ATTEMPTS:
                await self._changes.tell(begun.organisation_id)
                raise GiveUp(f"{fault.detail} It was tried {begun.item.attempts} times.") from fault
            raise

    async def given_up(self, args: dict[str, Any], reason: str) -> None:
        """No attempt follows: the queue keeps a dead letter, and the document says so."""
        await self._fail(Work.of(args), "internal", GIVEN_UP)
        log.warning("library.given_up", document_id=args["document_id"], reason=reason)

    async def remove(self, args: dict[str, Any]) -> None:
        """The rows are gone already; so go the points and the bytes."""
        await self._changes.remove(UUID(args["organisation_id"]), UUID(args["document_id"]))
        for key in args["blobs"]:
            await self._blobs.delete(key)

    async def _begin(self, work: Work) -> Begun | None:
        """None where there is nothing to do any more."""
        async with self._database.begin() as session:
            begun = await self._begun(session, work)
        if begun is None:
            await self._settle(work, self._changes)
        return begun

    async def _begun(self, session: AsyncSession, work: Work) -> Begun | None:
        held, now = await _held(session, work), self._clock.now()
        if held is None or held.item.state not in WAITING or _is_done(work, held.document):
            # Cancelled, deleted, replaced, or done by an attempt that could not say so.
            await _end_unread(session, work, now)
            return None
        document, item = held.document, held.item
        if not await begin_item(session, item, document.status if work.again else "processing", now):
            return None
        how = wanted(document, held.version)
        return Begun(item, document.organisation_id, document.path, how, held.version.blob_key)

    async def _read_and_publish(self, work: Work, begun: Begun, stand: Stand) -> None:
        data, how = await self._blobs.get(begun.blob_key), begun.wanted
        read = await self._preparer.read(
            data, begun.path, work.document_id, title=how.title, strategy=how.strategy
        )
        await stand.embedded(0, len(read.chunks))
        vectoriser = await self._vectoriser.now()
        known = await self._index.known(work.document_id)
        organisation_id = begun.organisation_id
        vectors = await vectoriser.vectors(organisation_id, read.chunks, known, stand.embedded)
        await self._blobs.put(begun.read_key, msgspec.json.encode(read.document))
        stand.publishing()
        try:
            async with self._database.begin() as session:
                await hold_generation(session)
                held = await _held(session, work)
                if held is None or held.item.state not in WAITING:
                    raise NotWanted
                await self._publish(
                    session, work, held, Ready(read, vectors, vectoriser.version, begun.read_key)
                )
                await finish_item(session, held.item, "done", self._clock.now())
        except NotWanted:
            raise
        except BaseException:
            # Postgres may have gone away while the index was written, and with it our hold on the row:
            # what others did to the document meanwhile has to win.
            await asyncio.shield(self._settle_patiently(work))
            raise
        # Where this fails the document is not read again: the next attempt only tells the caches.
        await self._changes.tell(begun.organisation_id)
        documents_total.labels("ready").inc()

    async def _leave(self, work: Work, begun: Begun) -> None:
        """Cancelled, deleted or replaced while it was read: nothing of it is published."""
        async with self._database.begin() as session:
            document = await _locked(session, work)
            item = await session.get(JobItemRow, work.key, with_for_update=True)
            if document is not None and item is not None and item.state in WAITING:
                raise StillWanted  # the next attempt goes on
            version = await session.get(DocumentVersionRow, (work.document_id, work.version))
            if item is not None:
                await finish_item(session, item, "done", self._clock.now())
        if version is None or version.read_key is None:
            await self._blobs.delete(begun.read_key)
        # As for one that cannot be read; the next attempt finds nothing to do but this.
        await self._changes.tell(begun.organisation_id)

    async def _settle_patiently(self, work: Work) -> None:
        """As long as Postgres or the index are away. What a crash prevents, `reconcile` does."""
        for pause_s in range(1, _SETTLE_WITHIN_S // 4):
            try:
                # The caches are told for certain by the next attempt.
                await self._settle(work, self._changes.without_certainty())
                return
            except Exception as error:
                log.info("library.settling_later", error=type(error).__name__)
            await asyncio.sleep(min(pause_s, 5))

    async def _settle(self, work: Work, changes: IndexChanges) -> None:
        """An attempt was broken off: who may see it, and whether it exists, is as the database says."""
        document_id = work.document_id
        async with self._database.begin() as session:
            document = await session.get(DocumentRow, document_id, with_for_update=True)
            if document is None:
                item = await session.get(JobItemRow, work.key)
                await changes.remove(item.organisation_id if item else None, document_id)
            else:
                keys = await repository.keys_of(session, document_id)
                opened = AccessKeys(keys) if keys else None
                await changes.set_access(document.organisation_id, document_id, opened)

    async def _publish(self, session: AsyncSession, work: Work, held: "Held", ready: "Ready") -> None:
        document, version = held.document, held.version
        base = await session.get_one(KnowledgeBaseRow, document.knowledge_base_id)
        described = describe(document, version, ready.read.document, self._scopes)
        now = self._clock.now()
        facts = facts_of(base, document, version, described, now)
        keys = await _keys_to_publish(session, work, held)
        chunks = _indexed(ready.read.chunks, ready.vectors, facts)
        await self._changes.without_certainty().publish(
            document.organisation_id, document.id, chunks, AccessKeys(keys), embedder=ready.embedder
        )
        describe_row(document, described)
        version.read_key, version.content_type = ready.read_key, ready.read.document.content_type
        document.content_type, document.size = ready.read.document.content_type, version.size
        document.chunks, document.updated_at = len(ready.read.chunks), now
        document.published_version = work.version
        if work.version == document.version:
            document.status, document.error, document.failure = "ready", None, None

    async def _fail(self, work: Work, code: str, detail: str) -> None:
        """Nothing of this version is published; one that was before stays as it is."""
        async with self._database.begin() as session:
            document = await _locked(session, work)
            item = await session.get(JobItemRow, work.key)
            if document is not None and not work.again and not _is_done(work, document):
                document.status, document.error, document.failure = "failed", detail, code
                document.updated_at = self._clock.now()
            if item is not None:
                await finish_item(session, item, "failed", self._clock.now(), Reason(code, detail))
        documents_total.labels("failed").inc()


@dataclass(frozen=True, slots=True)
class Ready:
    """A version that only has to be published."""

    read: Read
    vectors: Mapping[UUID, ChunkVectors]
    embedder: str
    """The version of what made the vectors: the index may have gone over to another meanwhile."""
    read_key: str


@dataclass(frozen=True, slots=True)
class Held:
    """The rows of a version that is still to be read or published, for this transaction alone."""

    document: DocumentRow
    item: JobItemRow
    version: DocumentVersionRow


# Asked twice for each document: made once, since making a statement costs as much as asking it.
# In the order of all: document, then item. The version is held, too, so that it is as its document is.
_HELD = (
    select(DocumentRow, JobItemRow, DocumentVersionRow)
    .join(JobItemRow, JobItemRow.document_id == DocumentRow.id)
    .join(
        DocumentVersionRow,
        and_(
            DocumentVersionRow.document_id == DocumentRow.id,
            DocumentVersionRow.version == JobItemRow.version,
        ),
    )
    .where(
        DocumentRow.id == bindparam("document"),
        JobItemRow.job_id == bindparam("job"),
        JobItemRow.version == bindparam("version"),
    )
    .with_for_update(of=[DocumentRow, JobItemRow, DocumentVersionRow])
)


async def _held(session: AsyncSession, work: Work) -> Held | None:
    """None where the document was deleted or has a newer version, or where its job is gone."""
    values = {"document": work.document_id, "job": work.job_id, "version": work.version}
    row = (await session.execute(_HELD, values)).one_or_none()
    return Held(*row) if row is not None and work.about(row[0]) else None


async def _end_unread(session: AsyncSession, work: Work, now: datetime) -> None:
    item = await session.get(JobItemRow, work.key)
    if item is not None and await cancelled(session, item.job_id):
        await cancel_items(session, item.job_id, now, item.document_id)
    elif item is not None:
        await finish_item(session, item, "done", now)


async def _keys_to_publish(session: AsyncSession, work: Work, held: Held) -> frozenset[str]:
    """All that open the document from this commit on: those that came with the version, and its shares."""
    own, shared = await repository.held_keys(session, held.document.id)
    wanted = frozenset(held.version.access_keys)
    if work.again or own == wanted:
        return own | shared
    await repository.set_keys(session, held.document, wanted)
    return wanted | shared


async def _locked(session: AsyncSession, work: Work) -> DocumentRow | None:
    """The row, for this transaction alone; None where it was deleted or has a newer version."""
    document = await session.get(DocumentRow, work.document_id, with_for_update=True)
    return document if document is not None and work.about(document) else None


def _is_done(work: Work, document: DocumentRow) -> bool:
    return document.published_version == work.version and not work.again


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
