"""A document moves to another knowledge base, or to another path (SPEC 7). Nothing is embedded again.

What everyone could read who could read its old knowledge base, everyone can read who can read the new one;
what was for certain groups stays for them; shares stay.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.wire.library import ChangedDocument, MoveDocument
from platform_api import audit
from platform_api.library import repository
from platform_api.library.errors import PathTaken
from platform_api.library.models import DocumentRow, DocumentVersionRow, KnowledgeBaseRow
from platform_api.library.service.documents import shown
from platform_api.library.service.incoming import path_of
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.service.managed import ACCESS, DESCRIBE, announce, managed, narrow, widen
from platform_api.library.service.permissions import base_key, held_by_both, require_manage
from platform_api.library.service.quota import charge, open_quota
from platform_api.library.settings import LibrarySettings
from ports.db import Database
from ports.queue import Queue


class Moving:
    def __init__(
        self, database: Database, queue: Queue, changes: IndexChanges, settings: LibrarySettings, clock: Clock
    ) -> None:
        self._database = database
        self._queue = queue
        self._changes = changes
        self._settings = settings
        self._clock = clock

    async def move(
        self,
        principal: Principal,
        base_id: UUID,
        document_id: UUID,
        request: MoveDocument,
        edition: int | None = None,
    ) -> ChangedDocument:
        """Raises NotFound, Forbidden, BadFileName, PathTaken, QuotaExceeded, DocumentChanged."""
        async with self._database.begin() as session:
            target = await repository.base(session, principal, request.knowledge_base_id or base_id)
            require_manage(principal, target)
            quota = await open_quota(session, principal, target, self._settings)
            await _lock_bases(session, {base_id, target.id})
            document, _ = await managed(session, principal, base_id, document_id, edition)
            path = path_of(request.path) if request.path else document.path
            if (document.knowledge_base_id, document.path) == (target.id, path):
                return ChangedDocument(document=shown(document))
            await _refuse_collision(session, principal, document, target.id, path)
            document.path = path
            if target.id != base_id:
                quota.take(1, document.charged_bytes)
                charge(document, principal.id, document.charged_bytes)
                await self._rebase(session, principal, document, target)
            document.edition += 1
            document.updated_at = self._clock.now()
            await self._announce(session, principal, document, base_id)
            await session.flush()
            changed = ChangedDocument(document=shown(document))
        await widen(self._database, self._changes, document_id)
        return changed

    async def _rebase(
        self, session: AsyncSession, principal: Principal, document: DocumentRow, target: KnowledgeBaseRow
    ) -> None:
        """New keys: in the index at first only those that open nothing to anybody new."""
        held = await repository.own_keys_of(session, document.id)
        latest = await session.get_one(DocumentVersionRow, (document.id, document.version))
        latest.access_keys = sorted(_moved(latest, target))
        now = frozenset(latest.access_keys)
        if document.published_version and document.published_version != document.version:
            published = await session.get_one(DocumentVersionRow, (document.id, document.published_version))
            now = held_by_both(principal, _moved(published, target), now)
        document.knowledge_base_id = target.id
        await repository.set_keys(session, document, held_by_both(principal, held, now))
        await narrow(session, self._changes, document)
        await repository.set_keys(session, document, now)

    async def _announce(
        self, session: AsyncSession, principal: Principal, document: DocumentRow, base_id: UUID
    ) -> None:
        await announce(self._queue, session, ACCESS, document.id)
        await announce(self._queue, session, DESCRIBE, document.id)
        details = {
            "document_id": str(document.id),
            "from": str(base_id),
            "knowledge_base_id": str(document.knowledge_base_id),
        }
        await audit.record(session, principal, "document.moved", details)


def _moved(version: DocumentVersionRow, target: KnowledgeBaseRow) -> frozenset[str]:
    if version.declared.get("groups") is None:
        return frozenset({base_key(target)})
    return frozenset(version.access_keys)


async def _lock_bases(session: AsyncSession, base_ids: Iterable[UUID]) -> None:
    """In one order; as whoever brings documents into one of them does."""
    row = KnowledgeBaseRow
    locked = select(row.id).where(row.id.in_(base_ids)).order_by(row.id)
    await session.execute(locked.with_for_update(key_share=True))


async def _refuse_collision(
    session: AsyncSession, principal: Principal, document: DocumentRow, base_id: UUID, path: str
) -> None:
    """Only with what the principal can see: another one at this path stays hidden, and both are there."""
    known = await repository.documents_at(session, principal, base_id, [path], document.source_id)
    if path in known and known[path][0].id != document.id:
        raise PathTaken(f"There is a document at '{path}' already.")
