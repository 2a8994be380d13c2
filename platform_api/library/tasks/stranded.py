"""Documents that wait with nobody to read them: their queue job was lost, or gave up without a word."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from platform_api.library.models import DocumentRow, JobItemRow
from platform_api.library.service.intake import INGEST
from platform_api.library.service.jobs import (
    GIVEN_UP,
    WAITING,
    Reason,
    cancel_items,
    cancelled,
    finish_item,
)
from platform_api.library.service.progress import ItemKey
from platform_api.library.service.reopening import redefer
from platform_api.library.tasks.findings import STRANDED, Findings
from ports.db import Database
from ports.queue import Queue

_BATCH = 500


async def at_work(session: AsyncSession, queue: Queue, document_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those for which a job waits or runs: it will do what is needed."""
    locks = {f"document:{document_id}": document_id for document_id in document_ids}
    busy = await queue.at_work(session, list(locks)) if locks else frozenset[str]()
    return frozenset(locks[lock] for lock in busy)


class Stranded:
    def __init__(self, database: Database, queue: Queue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    async def rescue(self, findings: Findings) -> None:
        """Queued again, or ended where nothing is left to do."""
        after: ItemKey | None = None
        row = JobItemRow
        key = tuple_(row.job_id, row.document_id, row.version)
        while True:
            statement = select(row).where(row.state.in_(WAITING)).order_by(key).limit(_BATCH)
            if after:
                statement = statement.where(key > tuple_(*after))
            async with self._database.begin() as session:
                items = (await session.scalars(statement)).all()
                busy = await at_work(session, self._queue, [item.document_id for item in items])
            for item in items:
                after = (item.job_id, item.document_id, item.version)
                if item.document_id not in busy and await self._rescue_one(after):
                    findings.add(item.organisation_id, STRANDED)
            if len(items) < _BATCH:
                return

    async def _rescue_one(self, key: ItemKey) -> bool:
        """True where it was stranded indeed, which only the locks make sure."""
        now = self._clock.now()
        async with self._database.begin() as session:
            document = await session.get(DocumentRow, key[1], with_for_update=True)
            item = await session.get(JobItemRow, key, with_for_update=True)
            if item is None or item.state not in WAITING or await at_work(session, self._queue, [key[1]]):
                return False
            if await cancelled(session, item.job_id):
                await cancel_items(session, item.job_id, now, item.document_id)
            elif document is None or document.version != item.version or _is_published(document):
                await finish_item(session, item, "done", now)
            elif await self._is_dead_letter(item):
                document.status, document.error, document.failure = "failed", GIVEN_UP, "internal"
                await finish_item(session, item, "failed", now, Reason("internal", GIVEN_UP))
            else:
                await redefer(session, self._queue, item)
        return True

    async def _is_dead_letter(self, item: JobItemRow) -> bool:
        about = {
            "job_id": str(item.job_id),
            "document_id": str(item.document_id),
            "version": item.version,
        }
        return bool(await self._queue.failed(1, task=INGEST, about=about))


def _is_published(document: DocumentRow) -> bool:
    return document.published_version == document.version
