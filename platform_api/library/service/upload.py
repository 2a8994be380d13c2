"""Taking files in: per file queued, unchanged or refused; all that is taken, in one commit (SPEC 3, 7)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from access.keys import AccessKeys
from access.principal import Principal
from kit.clock import Clock
from kit.errors import Invalid
from kit.wire.library import AcceptedDocument, DocumentMetadata, UploadAccepted
from knowledge.index import Index
from knowledge.load.loader import title_from
from platform_api import audit
from platform_api.edge.idempotency import once
from platform_api.library import repository
from platform_api.library.errors import BadUpload, TooManyFiles
from platform_api.library.models import DocumentRow, DocumentVersionRow, KnowledgeBaseRow
from platform_api.library.service.bases import ensure_shared
from platform_api.library.service.facts import GENERAL, UNTYPED, source_url_of
from platform_api.library.service.incoming import Arrived, Refused, SentFile, arriving
from platform_api.library.service.jobs import Outcome, Reason, add_job
from platform_api.library.service.permissions import document_keys, held_by_both, require_manage
from platform_api.library.settings import LibrarySettings
from ports.blobs import Blobs
from ports.db import Database
from ports.queue import Queue

INGEST = "library.ingest"


@dataclass(frozen=True, slots=True)
class Staged:
    """A file whose bytes are stored under `blob_key`; None where they were already ours."""

    path: str
    sha256: str
    size: int
    blob_key: str | None


@dataclass(frozen=True, slots=True)
class Upload:
    """One request, checked: who sends which files where, and who may see them."""

    principal: Principal
    base: KnowledgeBaseRow
    metadata: DocumentMetadata
    keys: frozenset[str]

    def declared(self) -> dict[str, Any]:
        return self.metadata.model_dump(mode="json", exclude_none=True)

    def repeats(self, document: DocumentRow, version: DocumentVersionRow, sha256: str) -> bool:
        """The same bytes, said to be the same, for the same people, and not failed."""
        return (
            version.sha256 == sha256
            and document.status != "failed"
            and frozenset(version.access_keys) == self.keys
            and version.declared == self.declared()
        )


class Uploads:
    def __init__(
        self,
        *,
        database: Database,
        blobs: Blobs,
        queue: Queue,
        index: Index,
        settings: LibrarySettings,
        clock: Clock,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._queue = queue
        self._index = index
        self._settings = settings
        self._clock = clock

    @property
    def max_files(self) -> int:
        return self._settings.max_files

    async def check(self, principal: Principal, base_id: UUID) -> None:
        """Before a body is read. Raises NotFound or Forbidden."""
        async with self._database.begin() as session:
            await ensure_shared(session, principal)
            require_manage(principal, await repository.base(session, principal, base_id))

    async def accept(
        self,
        principal: Principal,
        base_id: UUID,
        files: Sequence[SentFile],
        metadata: DocumentMetadata,
        idempotency_key: str | None = None,
    ) -> UploadAccepted:
        """Raises NotFound, Forbidden, Invalid, or the reason where every file is refused."""
        upload = await self._checked(principal, base_id, files, metadata)
        outcome: list[Staged | Refused] = []
        try:
            async for file in arriving(files, self._settings.max_file_mb):
                # Not by `extend`: what is stored when a later file fails must be known below.
                outcome.append(await self._staged(upload, file))  # noqa: PERF401
            _refuse_if_all(outcome)
            accepted, used = await self._commit(upload, outcome, idempotency_key)
        except BaseException:
            await self._drop(outcome, frozenset())
            raise
        await self._drop(outcome, used)
        return accepted

    async def _checked(
        self, principal: Principal, base_id: UUID, files: Sequence[SentFile], metadata: DocumentMetadata
    ) -> Upload:
        if not files:
            raise BadUpload("There is no `file` in this upload.")
        if len(files) > self._settings.max_files:
            raise TooManyFiles(f"These are {len(files)} files; the limit is {self._settings.max_files}.")
        if metadata.source_url and not metadata.source_url.startswith(("https://", "http://")):
            raise Invalid("Field 'metadata.source_url': only http and https addresses.")
        if metadata.source_url and len(files) > 1:
            raise Invalid("Field 'metadata.source_url': one address cannot be that of several files.")
        async with self._database.begin() as session:
            base = await repository.base(session, principal, base_id)
            require_manage(principal, base)
        keys = document_keys(principal, base, metadata)
        return Upload(principal, base, metadata, keys)

    async def _staged(self, upload: Upload, file: Arrived | Refused) -> Staged | Refused:
        """The bytes stored, unless they are there already."""
        if isinstance(file, Refused):
            return file
        async with self._database.begin() as session:
            found = await repository.documents_at(session, upload.principal, upload.base.id, [file.path])
        if file.path in found and upload.repeats(*found[file.path], file.sha256):
            return Staged(file.path, file.sha256, file.size, None)
        key = f"originals/{upload.base.organisation_id}/{uuid4()}"
        await self._blobs.put(key, file.data)
        return Staged(file.path, file.sha256, file.size, key)

    async def _drop(self, outcome: Sequence[Staged | Refused], used: frozenset[str]) -> None:
        """Bytes that no row refers to."""
        for file in outcome:
            if isinstance(file, Staged) and file.blob_key and file.blob_key not in used:
                await self._blobs.delete(file.blob_key)

    async def _commit(
        self, upload: Upload, outcome: Sequence[Staged | Refused], idempotency_key: str | None
    ) -> tuple[UploadAccepted, frozenset[str]]:
        used: set[str] = set()
        async with self._database.begin() as session:

            async def work() -> UploadAccepted:
                return await self._save(session, upload, outcome, used)

            accepted = await once(
                session,
                upload.principal,
                idempotency_key,
                _fingerprint(upload, outcome),
                shape=UploadAccepted,
                work=work,
            )
        return accepted, frozenset(used)

    async def _save(
        self,
        session: AsyncSession,
        upload: Upload,
        outcome: Sequence[Staged | Refused],
        used: set[str],
    ) -> UploadAccepted:
        # Uploads into one knowledge base take turns, so that a path becomes one document.
        await session.get_one(KnowledgeBaseRow, upload.base.id, with_for_update={"key_share": True})
        staged = [file for file in outcome if isinstance(file, Staged)]
        existing = await repository.documents_at(
            session, upload.principal, upload.base.id, [file.path for file in staged]
        )
        results = [
            _refusal(file)
            if isinstance(file, Refused)
            else await self._save_one(session, upload, file, existing.get(file.path), used)
            for file in outcome
        ]
        job_id = await add_job(session, upload.principal, "upload", results, self._clock.now())
        for result in results:
            if result.queued:
                await self._defer(session, upload, job_id, result)
        await _record(session, upload, results)
        return UploadAccepted(documents=[result.shown for result in results], job_id=job_id)

    async def _save_one(
        self,
        session: AsyncSession,
        upload: Upload,
        file: Staged,
        existing: tuple[DocumentRow, DocumentVersionRow] | None,
        used: set[str],
    ) -> Outcome:
        if existing and upload.repeats(*existing, file.sha256):
            document = existing[0]
            shown = AcceptedDocument(id=document.id, title=document.title, status="unchanged")
            return Outcome(shown, file.path, document.version)
        if file.blob_key is None:
            raise Invalid(f"'{file.path}' changed while it was uploaded.", hint="Send it again.")
        used.add(file.blob_key)
        document = existing[0] if existing else self._new_document(session, upload, file)
        await session.flush()
        if existing:
            await self._next_version(session, upload, document)
        else:
            await repository.set_keys(session, document, upload.keys)
        session.add(self._version(upload, document, file, file.blob_key))
        shown = AcceptedDocument(id=document.id, title=document.title, status="queued")
        return Outcome(shown, file.path, document.version)

    def _new_document(self, session: AsyncSession, upload: Upload, file: Staged) -> DocumentRow:
        metadata, document_id, now = upload.metadata, uuid4(), self._clock.now()
        document = DocumentRow(
            id=document_id,
            organisation_id=upload.base.organisation_id,
            knowledge_base_id=upload.base.id,
            path=file.path,
            created_by=upload.principal.id,
            title=metadata.title or title_from(file.path),
            status="queued",
            version=1,
            content_type="application/octet-stream",
            size=file.size,
            source="upload",
            source_url=source_url_of(metadata.source_url, document_id),
            service_scope=metadata.service_scope or GENERAL,
            doc_type=metadata.doc_type or UNTYPED,
            tags=metadata.tags,
            privacy_level=metadata.privacy_level or GENERAL,
            chunks=0,
            created_at=now,
            updated_at=now,
        )
        session.add(document)
        return document

    async def _next_version(self, session: AsyncSession, upload: Upload, document: DocumentRow) -> None:
        """Until the new version is published, only who may see both sees the old one."""
        # The task that reads the version before waits for us here, or we for it.
        await session.refresh(document, with_for_update=True)
        held = await repository.keys_of(session, document.id)
        both = held_by_both(upload.principal, held, upload.keys)
        if both != held:
            await repository.set_keys(session, document, both)
            if document.published_version:
                await self._index.set_access(document.id, AccessKeys(both))
        document.version += 1
        document.status = "queued"
        document.error = None
        document.updated_at = self._clock.now()

    def _version(
        self, upload: Upload, document: DocumentRow, file: Staged, blob_key: str
    ) -> DocumentVersionRow:
        return DocumentVersionRow(
            document_id=document.id,
            version=document.version,
            organisation_id=document.organisation_id,
            sha256=file.sha256,
            size=file.size,
            declared=upload.declared(),
            access_keys=sorted(upload.keys),
            blob_key=blob_key,
            created_by=upload.principal.id,
            created_at=self._clock.now(),
        )

    async def _defer(self, session: AsyncSession, upload: Upload, job_id: UUID, result: Outcome) -> None:
        args = {
            "organisation_id": str(upload.base.organisation_id),
            "job_id": str(job_id),
            "document_id": str(result.shown.id),
            "version": result.version,
        }
        await self._queue.defer(session, INGEST, args, lock=f"document:{result.shown.id}")


async def _record(session: AsyncSession, upload: Upload, results: Sequence[Outcome]) -> None:
    queued = [str(result.shown.id) for result in results if result.queued]
    if queued:
        details = {"knowledge_base_id": str(upload.base.id), "documents": queued}
        await audit.record(session, upload.principal, "document.uploaded", details)


def _refusal(file: Refused) -> Outcome:
    shown = AcceptedDocument(
        id=uuid4(), title=file.path or "(no name)", status="refused", error=file.error.detail
    )
    return Outcome(shown, file.path, 0, Reason(file.error.code, file.error.detail))


def _refuse_if_all(outcome: Sequence[Staged | Refused]) -> None:
    """Where nothing can be taken, the request fails as its first file does."""
    refused = [file for file in outcome if isinstance(file, Refused)]
    if len(refused) < len(outcome):
        return
    first = refused[0].error
    if len(refused) > 1:
        first.detail = f"None of the {len(refused)} files can be taken. {refused[0].path}: {first.detail}"
    raise first


def _fingerprint(upload: Upload, outcome: Sequence[Staged | Refused]) -> str:
    content = [(file.path, file.sha256 if isinstance(file, Staged) else file.error.code) for file in outcome]
    digest = hashlib.sha256(repr((content, sorted(upload.declared().items()))).encode()).hexdigest()
    return f"upload/{upload.base.id}/{digest}"
