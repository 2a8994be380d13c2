"""Documents that the principal may change, held for one transaction; and what reaches the index after it."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from access.keys import AccessKeys
from access.principal import Principal
from knowledge.index import IndexUnavailable
from platform_api.library import repository
from platform_api.library.errors import DocumentChanged
from platform_api.library.models import DocumentRow, KnowledgeBaseRow
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.service.permissions import require_manage
from ports.db import Database
from ports.queue import Queue

ACCESS = "library.access"
DESCRIBE = "library.describe"
log = structlog.get_logger()


async def managed(
    session: AsyncSession,
    principal: Principal,
    base_id: UUID,
    document_id: UUID,
    edition: int | None = None,
) -> tuple[DocumentRow, KnowledgeBaseRow]:
    """The document, locked, and its knowledge base.

    Raises NotFound where the principal does not see it, Forbidden where they see it but may not change it,
    DocumentChanged where it is not the edition that they know.
    """
    document = await repository.locked_document(session, principal, document_id, base_id)
    base = await session.get_one(KnowledgeBaseRow, document.knowledge_base_id)
    require_manage(principal, base)
    if edition is not None and document.edition != edition:
        raise DocumentChanged
    return document, base


async def narrow(session: AsyncSession, changes: IndexChanges, document: DocumentRow) -> None:
    """Before the commit: from now on the index shows it to nobody who may not see it afterwards."""
    if document.published_version:
        keys = await repository.keys_of(session, document.id)
        opened = AccessKeys(keys) if keys else None
        await changes.set_access(document.organisation_id, document.id, opened)


async def widen(database: Database, changes: IndexChanges, document_id: UUID) -> None:
    """After the commit: what the index shows is what the rows say now, whoever changed them last.

    The caller has deferred ACCESS in its commit, so that this happens even if we end here.
    """
    try:
        await reach_index(database, changes, document_id)
    except IndexUnavailable:
        log.warning("library.access_later", document_id=str(document_id))


async def reach_index(database: Database, changes: IndexChanges, document_id: UUID) -> None:
    """Idempotent. Raises IndexUnavailable, CacheUnavailable."""
    async with database.begin() as session:
        # Under the row's lock: two changes must not reach the index in the wrong order.
        document = await session.get(DocumentRow, document_id, with_for_update=True)
        if document is not None:
            await narrow(session, changes, document)


async def announce(queue: Queue, session: AsyncSession, task: str, document_id: UUID) -> None:
    """ACCESS or DESCRIBE: the change reaches the index even if this process ends after the commit."""
    document = await session.get_one(DocumentRow, document_id)
    # The organisation, so that its admins see it where all attempts fail.
    args = {"organisation_id": str(document.organisation_id), "document_id": str(document_id)}
    await queue.defer(session, task, args, lock=f"document:{document_id}")
