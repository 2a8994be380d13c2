"""Taking files in, whoever brings them: people by upload, sources by themselves (SPEC 7).

First the bytes are stored (`stage`), then the rows that refer to them are saved in one commit (`save`);
what no row refers to in the end is dropped (`drop`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from access.keys import AccessKeys
from access.principal import Principal
from kit.clock import Clock
from kit.errors import Invalid, SwitchboardError, Unavailable
from kit.wire.library import AcceptedDocument, DocumentMetadata
from knowledge.chunk import STRATEGIES
from knowledge.load.loader import title_from
from platform_api import audit
from platform_api.library import repository
from platform_api.library.errors import QuotaExceeded, UnknownStrategy
from platform_api.library.models import DocumentRow, DocumentVersionRow, KnowledgeBaseRow
from platform_api.library.service.facts import UNTYPED, source_url_of
from platform_api.library.service.incoming import Arrived, Refused, arrived
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.service.jobs import Outcome, Reason, add_results
from platform_api.library.service.permissions import document_keys, held_by_both, require_manage
from platform_api.library.service.quota import Quota, charge, open_quota
from platform_api.library.service.scopes import GENERAL, Scopes
from platform_api.library.settings import LibrarySettings
from ports.blobs import Blobs
from ports.db import Database
from ports.queue import Queue

INGEST = "library.ingest"
WORTH_RETRYING = frozenset({"internal", "preparation_failed", "cancelled"})
"""Failures that say nothing about the bytes: the same ones are read again when they are sent again."""

Known = tuple[DocumentRow, DocumentVersionRow]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document comes from, as its source knows it."""

    source: Literal["upload", "folder", "git", "crawl"] = "upload"
    source_id: UUID | None = None
    source_url: str | None = None
    """The canonical address, where a citation leads."""
    etag: str | None = None
    last_modified: datetime | None = None
    crawled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taking:
    """Who brings files where, checked; and who may see them."""

    principal: Principal
    base: KnowledgeBaseRow
    metadata: DocumentMetadata
    origin: Origin
    keys: frozenset[str]

    def declared(self) -> dict[str, Any]:
        return self.metadata.model_dump(mode="json", exclude_none=True)

    @property
    def source_url(self) -> str | None:
        return self.origin.source_url or self.metadata.source_url

    def repeats(self, known: Known, sha256: str) -> bool:
        """The same bytes, said to be the same, for the same people; read, or unreadable for good."""
        document, version = known
        return (
            version.sha256 == sha256
            and (document.status != "failed" or not worth_retrying(document))
            and frozenset(version.access_keys) == self.keys
            and version.declared == self.declared()
            and self.source_url in (None, document.source_url)
        )


@dataclass(frozen=True, slots=True)
class Staged:
    """A file whose bytes are stored under `blob_key`; None where they were already ours."""

    path: str
    sha256: str
    size: int
    blob_key: str | None


@dataclass(slots=True)
class Saving:
    """What `save` knows while it goes through the files."""

    taking: Taking
    known: Mapping[str, Known]
    quota: Quota
    used: set[str] = field(default_factory=set[str])
    """The blobs that rows refer to."""
    fresh: list[DocumentRow] = field(default_factory=list[DocumentRow])
    """What was not there before, and has no keys yet."""
    versions: list[DocumentVersionRow] = field(default_factory=list[DocumentVersionRow])


def worth_retrying(document: DocumentRow) -> bool:
    return document.failure is None or document.failure in WORTH_RETRYING


class Intake:
    def __init__(
        self,
        *,
        database: Database,
        blobs: Blobs,
        queue: Queue,
        changes: IndexChanges,
        settings: LibrarySettings,
        scopes: Scopes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._queue = queue
        self._changes = changes
        self._settings = settings
        self._scopes = scopes
        self._clock = clock

    async def take(  # noqa: PLR0917  what a document is, in the order of saying it
        self,
        principal: Principal,
        base_id: UUID,
        path: str,
        data: bytes,
        metadata: DocumentMetadata,
        origin: Origin,
        job_id: UUID,
    ) -> Outcome:
        """One document into an open job, in one commit: row, version, job item and queue job.

        A file that cannot be taken, or for which there is no room, is an outcome with status `refused`.
        Raises NotFound, Forbidden, Invalid; JobFinished where the job was cancelled.
        """
        taking = await self.checked(principal, base_id, metadata, origin)
        file = await self.stage(taking, await arrived(path, data, self._settings))
        try:
            async with self._database.begin() as session:
                outcomes, used = await self.save(session, taking, [file])
                await add_results(session, job_id, outcomes)
                await self.defer(session, taking, job_id, outcomes)
        except SwitchboardError as error:
            await self.drop_if_undone([file], error)
            raise
        await self.drop([file], used)
        return outcomes[0]

    async def seen(self, principal: Principal, document_id: UUID, origin: Origin) -> None:
        """Unchanged at its source, which sent nothing: remember when we looked. Raises NotFound, Forbidden.

        Do not ask conditionally for a document whose status is `failed`: its bytes may be worth a retry.
        """
        async with self._database.begin() as session:
            document = await repository.document(session, principal, document_id)
            base = await session.get_one(KnowledgeBaseRow, document.knowledge_base_id)
            require_manage(principal, base)
            _note(document, origin)

    async def checked(
        self, principal: Principal, base_id: UUID, metadata: DocumentMetadata, origin: Origin | None = None
    ) -> Taking:
        """Raises NotFound, Forbidden, Invalid."""
        if metadata.source_url and not metadata.source_url.startswith(("https://", "http://")):
            raise Invalid("Field 'metadata.source_url': only http and https addresses.")
        self._scopes.check(metadata.service_scope)
        check_strategy(metadata.strategy)
        async with self._database.begin() as session:
            base = await repository.base(session, principal, base_id)
            require_manage(principal, base)
        keys = document_keys(principal, base, metadata)
        return Taking(principal, base, metadata, origin or Origin(), keys)

    async def before(self, taking: Taking, paths: Sequence[str]) -> dict[str, Known | None]:
        """What is there at these paths, for `stage`: one question instead of one a file."""
        async with self._database.begin() as session:
            known = await self._known(session, taking, paths)
        return {path: known.get(path) for path in paths}

    async def stage(
        self, taking: Taking, file: Arrived | Refused, before: Mapping[str, Known | None] | None = None
    ) -> Staged | Refused:
        """The bytes stored, unless they are there already."""
        if isinstance(file, Refused):
            return file
        if before is None or file.path not in before:
            before = await self.before(taking, [file.path])
        known = before[file.path]
        if known and taking.repeats(known, file.sha256):
            return Staged(file.path, file.sha256, file.size, None)
        key = f"originals/{taking.base.organisation_id}/{uuid4()}"
        await self._blobs.put(key, file.data)
        return Staged(file.path, file.sha256, file.size, key)

    async def drop(self, files: Sequence[Staged | Refused], used: frozenset[str]) -> None:
        """Bytes that no row refers to."""
        for file in files:
            if isinstance(file, Staged) and file.blob_key and file.blob_key not in used:
                await self._blobs.delete(file.blob_key)

    async def drop_if_undone(self, files: Sequence[Staged | Refused], error: SwitchboardError) -> None:
        """Where the commit may have happened although its answer was lost, the rows refer to these bytes.

        Then, and where we end in the middle, the hourly comparison drops what nothing refers to.
        """
        if not isinstance(error, Unavailable):
            await self.drop(files, frozenset())

    async def save(
        self, session: AsyncSession, taking: Taking, files: Sequence[Staged | Refused]
    ) -> tuple[list[Outcome], frozenset[str]]:
        """What became of each file, and the blobs that are in use now."""
        quota = await open_quota(session, taking.principal, taking.base, self._settings)
        # Whoever brings something into one knowledge base takes turns, so that a path becomes one document.
        await session.get_one(KnowledgeBaseRow, taking.base.id, with_for_update={"key_share": True})
        paths = [file.path for file in files if isinstance(file, Staged)]
        found = await self._known(session, taking, paths)
        await _lock(session, [document.id for document, _ in found.values()])
        # Again: what was deleted or changed while we waited for its row is so now.
        saving = Saving(taking, await self._known(session, taking, paths) if found else {}, quota)
        outcomes = [await self._save_one(session, saving, file) for file in files]
        await _store(session, saving)
        await _record(session, taking, outcomes)
        return outcomes, frozenset(saving.used)

    async def defer(
        self, session: AsyncSession, taking: Taking, job_id: UUID, outcomes: Sequence[Outcome]
    ) -> None:
        queued = [outcome for outcome in outcomes if outcome.queued]
        await defer_ingest(self._queue, session, taking.base.organisation_id, job_id, queued)

    async def _known(self, session: AsyncSession, taking: Taking, paths: Sequence[str]) -> dict[str, Known]:
        return await repository.documents_at(
            session, taking.principal, taking.base.id, paths, taking.origin.source_id
        )

    async def _save_one(self, session: AsyncSession, saving: Saving, file: Staged | Refused) -> Outcome:
        if isinstance(file, Refused):
            return _refusal(file)
        taking, known = saving.taking, saving.known.get(file.path)
        if known and taking.repeats(known, file.sha256):
            _note(known[0], taking.origin)
            return _unchanged(known[0], file)
        if file.blob_key is None:
            raise Invalid(f"'{file.path}' changed while it was sent.", hint="Send it again.")
        try:
            _count(saving, file, known[0] if known else None)
        except QuotaExceeded as full:
            return _refusal(Refused(file.path, full))
        saving.used.add(file.blob_key)
        document = known[0] if known else self._new_document(taking, file)
        charge(document, taking.principal.id, file.size)
        document.source_url = source_url_of(taking.source_url, document.id)
        _note(document, taking.origin)
        session.add(document)
        if known:
            await self._next_version(session, taking, document)
        else:
            saving.fresh.append(document)
        saving.versions.append(self._version(taking, document, file, file.blob_key))
        shown = AcceptedDocument(id=document.id, path=file.path, title=document.title, status="queued")
        return Outcome(shown, file.path, document.version)

    def _new_document(self, taking: Taking, file: Staged) -> DocumentRow:
        metadata, now = taking.metadata, self._clock.now()
        return DocumentRow(
            id=uuid4(),
            organisation_id=taking.base.organisation_id,
            knowledge_base_id=taking.base.id,
            path=file.path,
            created_by=taking.principal.id,
            title=metadata.title or title_from(file.path),
            status="queued",
            version=1,
            content_type="application/octet-stream",
            size=file.size,
            source=taking.origin.source,
            source_id=taking.origin.source_id,
            corrected={},
            service_scope=metadata.service_scope or self._scopes.default,
            doc_type=metadata.doc_type or UNTYPED,
            tags=metadata.tags,
            privacy_level=metadata.privacy_level or GENERAL,
            chunks=0,
            edition=1,
            created_at=now,
            updated_at=now,
        )

    async def _next_version(self, session: AsyncSession, taking: Taking, document: DocumentRow) -> None:
        """Until the new version is published, only who may see both sees the old one."""
        held = await repository.own_keys_of(session, document.id)
        both = held_by_both(taking.principal, held, taking.keys)
        if both != held:
            await repository.set_keys(session, document, both)
            if document.published_version:
                every = await repository.keys_of(session, document.id)
                await self._changes.set_access(document.organisation_id, document.id, AccessKeys(every))
        next_version(document, self._clock.now())

    def _version(
        self, taking: Taking, document: DocumentRow, file: Staged, blob_key: str
    ) -> DocumentVersionRow:
        return DocumentVersionRow(
            document_id=document.id,
            version=document.version,
            organisation_id=document.organisation_id,
            sha256=file.sha256,
            size=file.size,
            declared=taking.declared(),
            access_keys=sorted(taking.keys),
            blob_key=blob_key,
            source_modified=taking.origin.last_modified,
            created_by=taking.principal.id,
            created_at=self._clock.now(),
        )


def check_strategy(strategy: str | None) -> None:
    """Raises UnknownStrategy, with the list."""
    if strategy is not None and strategy not in STRATEGIES:
        raise UnknownStrategy(f"There is no chunk strategy '{strategy}'. There are: {', '.join(STRATEGIES)}.")


def next_version(document: DocumentRow, now: datetime) -> None:
    """The caller holds the row and adds its version."""
    document.version += 1
    document.edition += 1
    document.status = "queued"
    document.error = document.failure = None
    document.updated_at = now


async def defer_ingest(
    queue: Queue, session: AsyncSession, organisation_id: UUID, job_id: UUID, outcomes: Sequence[Outcome]
) -> None:
    """The queue jobs of versions that are items of `job_id` already."""
    about = {"organisation_id": str(organisation_id), "job_id": str(job_id)}
    jobs = [
        (
            about | {"document_id": str(outcome.shown.id), "version": outcome.version},
            f"document:{outcome.shown.id}",
        )
        for outcome in outcomes
    ]
    await queue.defer_many(session, INGEST, jobs)


async def _lock(session: AsyncSession, document_ids: Sequence[UUID]) -> None:
    """In one order, as everybody does. The task that reads a version waits for us here, or we for it."""
    if document_ids:
        row = DocumentRow
        await session.execute(
            select(row.id).where(row.id.in_(document_ids)).order_by(row.id).with_for_update()
        )


async def _store(session: AsyncSession, saving: Saving) -> None:
    """Few statements for all files, however many."""
    # First the documents, to which the others refer.
    await session.flush()
    session.add_all(saving.versions)
    await repository.add_keys(session, saving.fresh, saving.taking.keys)
    await session.flush()


def _count(saving: Saving, file: Staged, document: DocumentRow | None) -> None:
    if document is not None and document.charged_to == saving.taking.principal.id:
        saving.quota.take(0, file.size - document.charged_bytes)
    else:
        saving.quota.take(1, file.size)


def _note(document: DocumentRow, origin: Origin) -> None:
    document.etag = origin.etag
    document.last_crawled_at = origin.crawled_at or document.last_crawled_at


def _unchanged(document: DocumentRow, file: Staged) -> Outcome:
    """What could not be read is told again with its reason: the same bytes will not do."""
    reason = None
    if document.status == "failed":
        reason = Reason(document.failure or "unreadable", document.error or "It could not be read.")
    shown = AcceptedDocument(
        id=document.id,
        path=file.path,
        title=document.title,
        status="unchanged",
        error=reason.detail if reason else None,
    )
    return Outcome(shown, file.path, document.version, reason)


def _refusal(file: Refused) -> Outcome:
    shown = AcceptedDocument(
        id=uuid4(),
        path=file.path,
        title=file.path or "(no name)",
        status="refused",
        error=file.error.detail,
    )
    return Outcome(shown, file.path, 0, Reason(file.error.code, file.error.detail))


async def _record(session: AsyncSession, taking: Taking, outcomes: Sequence[Outcome]) -> None:
    queued = [str(outcome.shown.id) for outcome in outcomes if outcome.queued]
    if queued:
        details = {
            "knowledge_base_id": str(taking.base.id),
            "documents": queued,
            "source": taking.origin.source,
        }
        await audit.record(session, taking.principal, "document.uploaded", details)
