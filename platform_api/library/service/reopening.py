"""Failed documents are tried again: by their sender (retry) or by an admin (replay of a dead letter)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.library.models import DocumentRow, JobErrorRow, JobItemRow, JobRow
from platform_api.library.service.intake import INGEST
from platform_api.library.service.jobs import FINISHED
from ports.queue import Queue


async def reopen(session: AsyncSession, queue: Queue, items: Sequence[JobItemRow], now: datetime) -> int:
    """Queue these failed items anew, with all their attempts; how many that were.

    Left alone: what is not failed any more, and documents that were deleted, replaced or read since.
    """
    wanted = {item.document_id: item for item in items}
    # In the order of all: document, item, job.
    rows = (
        select(DocumentRow).where(DocumentRow.id.in_(wanted)).order_by(DocumentRow.id).with_for_update()
    ).execution_options(populate_existing=True)
    count = 0
    for document in await session.scalars(rows):
        item = wanted[document.id]
        if document.status == "failed" and document.version == item.version:
            count += await _reopen_one(session, queue, document, item, now)
    return count


async def _reopen_one(
    session: AsyncSession, queue: Queue, document: DocumentRow, item: JobItemRow, now: datetime
) -> int:
    row = JobItemRow
    reopened = (
        update(row)
        .where(
            row.job_id == item.job_id,
            row.document_id == item.document_id,
            row.version == item.version,
            row.state == "failed",
        )
        .values(state="queued", attempts=0, stage="", stage_done=0, stage_total=0)
        .returning(row.document_id)
    )
    if await session.scalar(reopened) is None:
        return 0
    document.status, document.error, document.failure = "queued", None, None
    document.updated_at = now
    error = JobErrorRow
    await session.execute(delete(error).where(error.job_id == item.job_id, error.document == item.path))
    await _count_back(session, item.job_id)
    await redefer(session, queue, item)
    return 1


async def redefer(session: AsyncSession, queue: Queue, item: JobItemRow, *, again: bool = False) -> None:
    """A queue job for an item that has none, or only a dead letter, which it replaces."""
    about = {
        "organisation_id": str(item.organisation_id),
        "job_id": str(item.job_id),
        "document_id": str(item.document_id),
        "version": item.version,
    }
    await queue.forget_about(session, INGEST, about)
    args = about | {"again": True} if again else about
    await queue.defer(session, INGEST, args, lock=f"document:{item.document_id}")


async def _count_back(session: AsyncSession, job_id: UUID) -> None:
    finished = JobRow.status.in_(FINISHED)
    await session.execute(
        update(JobRow)
        .where(JobRow.id == job_id)
        .values(
            done=func.greatest(JobRow.done - 1, 0),
            status=case((finished, "queued"), else_=JobRow.status),
            stage=case((finished, "queued"), else_=JobRow.stage),
            finished_at=None,
        )
        .execution_options(synchronize_session=False)
    )
