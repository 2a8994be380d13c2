"""What editors correct, and versions that people bring back (SPEC 7).

A correction is kept beside what the document says about itself and wins over it, also when the document is
read again. What is embedded (the title), or decides how it is cut, makes a new version with the same bytes.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.wire.base import Page
from kit.wire.library import (
    AcceptedDocument,
    ChangedDocument,
    CorrectDocument,
    DocumentVersion,
)
from platform_api import audit
from platform_api.edge.idempotency import once
from platform_api.library import repository
from platform_api.library.errors import DocumentChanged, NoSuchVersion
from platform_api.library.models import DocumentRow, DocumentVersionRow
from platform_api.library.service.documents import shown
from platform_api.library.service.facts import wanted
from platform_api.library.service.intake import check_strategy, defer_ingest, next_version
from platform_api.library.service.jobs import Outcome, add_job
from platform_api.library.service.managed import DESCRIBE, announce, managed
from platform_api.library.service.permissions import groups_of
from platform_api.library.service.quota import charge, open_quota
from platform_api.library.service.scopes import Scopes
from platform_api.library.settings import LibrarySettings
from ports.blobs import Blobs
from ports.db import Database
from ports.queue import Queue

_MOST = 200
"""Versions in a list."""


@dataclass(frozen=True, slots=True)
class Copied:
    """The bytes of a version under a key of their own, for a new one."""

    of: DocumentVersionRow
    blob_key: str


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may see a version; `groups` as an upload would have said it, None for the knowledge base's."""

    keys: frozenset[str]
    groups: list[str] | None


class Editing:
    def __init__(
        self,
        *,
        database: Database,
        blobs: Blobs,
        queue: Queue,
        settings: LibrarySettings,
        scopes: Scopes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._queue = queue
        self._settings = settings
        self._scopes = scopes
        self._clock = clock

    async def correct(
        self,
        principal: Principal,
        base_id: UUID,
        document_id: UUID,
        request: CorrectDocument,
        edition: int | None = None,
    ) -> ChangedDocument:
        """Raises NotFound, Forbidden, UnknownScope, UnknownStrategy, DocumentChanged."""
        self._scopes.check(request.service_scope)
        check_strategy(request.strategy)
        source = await self._to_read_again(principal, base_id, document_id, request)
        async with self._copied(source) as (copied, used), self._database.begin() as session:
            document, _ = await managed(session, principal, base_id, document_id, edition)
            if not _apply(document, request):
                return ChangedDocument(document=shown(document))
            document.updated_at = self._clock.now()
            job_id = None
            if copied:
                if document.version != copied.of.version:
                    raise DocumentChanged
                used.add(copied.blob_key)
                audience = Audience(frozenset(copied.of.access_keys), copied.of.declared.get("groups"))
                job_id = await self._add_version(session, principal, document, copied, audience, "edit")
            else:
                document.edition += 1
                await announce(self._queue, session, DESCRIBE, document_id)
            await _record(
                session, principal, "document.corrected", document, fields=sorted(request.model_fields_set)
            )
            await session.flush()
            return ChangedDocument(document=shown(document), job_id=job_id)

    async def versions(
        self, session: AsyncSession, principal: Principal, base_id: UUID, document_id: UUID
    ) -> Page[DocumentVersion]:
        """Those that the principal may open, the newest first. Raises NotFound."""
        principal.require("query_kb")
        document = await repository.document(session, principal, document_id, base_id)
        rows = await session.scalars(
            repository.opened_versions(principal, document)
            .order_by(DocumentVersionRow.version.desc())
            .limit(200)
        )
        return Page(items=[_version(row, document) for row in rows])

    async def restore(
        self,
        principal: Principal,
        base_id: UUID,
        document_id: UUID,
        number: int,
        idempotency_key: str | None = None,
    ) -> ChangedDocument:
        """The bytes of an older version, and what was said with them, as the newest one; who may see the
        document stays as it is now. Raises NotFound, Forbidden, NoSuchVersion, QuotaExceeded."""
        async with self._database.begin() as session:
            document, _ = await managed(session, principal, base_id, document_id)
            source = await _opened(session, principal, document, number)
        async with self._copied(source) as (copied, used), self._database.begin() as session:

            async def work() -> ChangedDocument:
                return await self._restore(session, principal, (base_id, document_id), copied, used)

            fingerprint = f"restore/{document_id}/{number}"
            return await once(
                session, principal, idempotency_key, fingerprint, shape=ChangedDocument, work=work
            )

    async def _restore(
        self,
        session: AsyncSession,
        principal: Principal,
        place: tuple[UUID, UUID],
        copied: Copied | None,
        used: set[str],
    ) -> ChangedDocument:
        base = await repository.base_of(session, principal, place[1])
        quota = await open_quota(session, principal, base, self._settings)
        document, _ = await managed(session, principal, *place)
        if copied is None or document.knowledge_base_id != base.id:
            raise NoSuchVersion
        await _opened(session, principal, document, copied.of.version)
        quota.take(*_growth(document, principal, copied.of.size))
        charge(document, principal.id, copied.of.size)
        used.add(copied.blob_key)
        keys = await repository.own_keys_of(session, document.id)
        audience = Audience(keys, groups_of(keys, base))
        job_id = await self._add_version(session, principal, document, copied, audience, "restore")
        await _record(session, principal, "document.restored", document, version=copied.of.version)
        await session.flush()
        return ChangedDocument(document=shown(document), job_id=job_id)

    async def _to_read_again(
        self, principal: Principal, base_id: UUID, document_id: UUID, request: CorrectDocument
    ) -> DocumentVersionRow | None:
        """The version whose bytes have to be read again for this correction, if any."""
        async with self._database.begin() as session:
            document, _ = await managed(session, principal, base_id, document_id)
            latest = await session.get(DocumentVersionRow, (document.id, document.version))
            if latest is None or document.status == "failed":
                return None
            before = wanted(document, latest)
            _apply(document, request)
            changed = wanted(document, latest) != before
            session.expire(document)
            return latest if changed else None

    @asynccontextmanager
    async def _copied(
        self, source: DocumentVersionRow | None
    ) -> AsyncGenerator[tuple[Copied | None, set[str]]]:
        """The bytes once more, dropped in the end unless they are in the set of what is used."""
        used: set[str] = set()
        if source is None:
            yield None, used
            return
        copied = Copied(source, f"originals/{source.organisation_id}/{uuid4()}")
        await self._blobs.put(copied.blob_key, await self._blobs.get(source.blob_key))
        try:
            yield copied, used
        except BaseException:
            used.clear()
            raise
        finally:
            if copied.blob_key not in used:
                await self._blobs.delete(copied.blob_key)

    async def _add_version(  # noqa: PLR0917  the same for all that makes a version without an upload
        self,
        session: AsyncSession,
        principal: Principal,
        document: DocumentRow,
        copied: Copied,
        audience: Audience,
        kind: str,
    ) -> UUID:
        """Queued, as an upload of these bytes would be, for the readers of `audience`."""
        next_version(document, self._clock.now())
        session.add(
            DocumentVersionRow(
                document_id=document.id,
                version=document.version,
                organisation_id=document.organisation_id,
                sha256=copied.of.sha256,
                size=copied.of.size,
                declared=_said(copied.of, audience),
                access_keys=sorted(audience.keys),
                blob_key=copied.blob_key,
                source_modified=copied.of.source_modified,
                created_by=principal.id,
                created_at=self._clock.now(),
            )
        )
        await session.flush()
        accepted = AcceptedDocument(id=document.id, path=document.path, title=document.title, status="queued")
        outcome = Outcome(accepted, document.path, document.version)
        job_id = await add_job(session, principal, kind, [outcome], self._clock.now())
        await defer_ingest(self._queue, session, document.organisation_id, job_id, [outcome])
        return job_id


def _said(version: DocumentVersionRow, audience: Audience) -> dict[str, Any]:
    """What its sender said, for another audience."""
    said = {name: value for name, value in version.declared.items() if name != "groups"}
    return said if audience.groups is None else said | {"groups": audience.groups}


def _apply(document: DocumentRow, request: CorrectDocument) -> bool:
    """Whether anything is different now."""
    given: dict[str, Any] = request.model_dump(mode="json", include=set(request.model_fields_set))
    corrected = {name: value for name, value in (document.corrected | given).items() if value is not None}
    if corrected == document.corrected:
        return False
    document.corrected = corrected
    for name, value in given.items():
        # What is given back to the document itself is known when it has been described anew.
        if value is not None and name != "strategy":
            setattr(document, name, getattr(request, name))
    if given.get("service_scope"):
        document.scope_reason = "set by an editor"
    return True


def _growth(document: DocumentRow, principal: Principal, size: int) -> tuple[int, int]:
    mine = document.charged_to == principal.id
    return (0, size - document.charged_bytes) if mine else (1, size)


async def _opened(
    session: AsyncSession, principal: Principal, document: DocumentRow, number: int
) -> DocumentVersionRow:
    """Raises NoSuchVersion, whether it is not there or not for this principal."""
    found = repository.opened_versions(principal, document).where(DocumentVersionRow.version == number)
    version = await session.scalar(found)
    if version is None:
        raise NoSuchVersion(f"This document has no version {number} that you can see.")
    return version


def _version(row: DocumentVersionRow, document: DocumentRow) -> DocumentVersion:
    return DocumentVersion(
        version=row.version,
        size=row.size,
        sha256=row.sha256,
        content_type=row.content_type,
        published=row.version == document.published_version,
        created_by=row.created_by,
        created_at=row.created_at,
    )


async def _record(
    session: AsyncSession, principal: Principal, type: str, document: DocumentRow, **more: Any
) -> None:
    details = {"document_id": str(document.id), "knowledge_base_id": str(document.knowledge_base_id), **more}
    await audit.record(session, principal, type, details)
