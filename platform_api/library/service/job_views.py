"""Jobs as their creator sees them: list, read, follow, cancel, try again (SPEC 3)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.wire.base import Page
from kit.wire.library import Job, JobError, JobItem, JobProgress
from platform_api import audit
from platform_api.edge import PageRequest, page_of
from platform_api.library import repository
from platform_api.library.errors import JobFinished, NothingToRetry
from platform_api.library.models import DocumentRow, JobItemRow, JobRow, KnowledgeBaseRow
from platform_api.library.service.jobs import FINISHED, cancel_items
from platform_api.library.service.permissions import may_add
from platform_api.library.service.reopening import reopen
from ports.db import Database
from ports.queue import Queue

_ERRORS: Final = 100
_ITEMS: Final = 50
_RETRIED_AT_ONCE: Final = 1000
_LOOK_EVERY_S: Final = 0.5
_HEARTBEAT_EVERY: Final = 20
"""Looks between two signs of life: 10 s."""
_WATCH_S: Final = 600.0


class Jobs:
    def __init__(self, database: Database, queue: Queue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    async def list(self, session: AsyncSession, principal: Principal, page: PageRequest) -> Page[Job]:
        rows = await repository.jobs(session, principal, page)
        known = await _known(session, rows)
        return page_of(rows, page, lambda row: (row.created_at, row.id), lambda row: _shown(row, known))

    async def get(self, session: AsyncSession, principal: Principal, job_id: UUID) -> Job:
        """With the documents that run or failed. Raises NotFound."""
        row = await repository.job(session, principal, job_id)
        job = _shown(row, await _known(session, [row]))
        items = await repository.job_items(session, job_id, ("running", "failed"), _ITEMS)
        return job.model_copy(update={"items": [_item(item) for item in items]})

    async def watch(self, principal: Principal, job_id: UUID) -> AsyncIterator[Job | None]:
        """The job as it is, then each change, until it is finished or ten minutes have passed.

        None is a sign of life where nothing changes. Raises NotFound.
        """
        last: Job | None = None
        for look in range(int(_WATCH_S / _LOOK_EVERY_S)):
            async with self._database.begin() as session:
                job = await self.get(session, principal, job_id)
            if job != last:
                yield job
            elif look % _HEARTBEAT_EVERY == 0:
                yield None
            if job.status in FINISHED:
                return
            last = job
            await asyncio.sleep(_LOOK_EVERY_S)

    async def cancel(self, principal: Principal, job_id: UUID) -> Job:
        """What is published stays; what waits or runs ends unpublished. Raises NotFound, JobFinished."""
        now = self._clock.now()
        stopped = (
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.status.not_in(FINISHED))
            .values(status="cancelled", stage="cancelled", finished_at=now, open=False)
            .returning(JobRow.id)
        )
        async with self._database.begin() as session:
            await repository.job(session, principal, job_id)
            if await session.scalar(stopped) is None:
                raise JobFinished
        # Apart, since a job's row is locked last elsewhere; after a crash here, who begins an item sees it.
        async with self._database.begin() as session:
            await cancel_items(session, job_id, now)
            return await self.get(session, principal, job_id)

    async def retry(self, principal: Principal, job_id: UUID) -> Job:
        """Its failed documents are queued again, where they still are as this job sent them.

        Raises NotFound, NothingToRetry.
        """
        async with self._database.begin() as session:
            row = await repository.job(session, principal, job_id)
            failed = await repository.job_items(session, row.id, ("failed",), _RETRIED_AT_ONCE)
            changeable = await _changeable(session, principal, [item.document_id for item in failed])
            mine = [item for item in failed if item.document_id in changeable]
            count = await reopen(session, self._queue, mine, self._clock.now())
            if not count:
                raise NothingToRetry
            details = {"job_id": str(job_id), "documents": count}
            await audit.record(session, principal, "job.retried", details)
        async with self._database.begin() as session:
            return await self.get(session, principal, job_id)


@dataclass(frozen=True, slots=True)
class _Known:
    """Of several jobs: what went wrong, and in which stages their documents are now."""

    errors: dict[UUID, list[JobError]]
    stages: dict[UUID, dict[str, int]]


async def _known(session: AsyncSession, rows: Sequence[JobRow]) -> _Known:
    ids = [row.id for row in rows]
    errors: dict[UUID, list[JobError]] = {}
    for error in await repository.job_errors(session, ids, _ERRORS):
        shown = JobError(document=error.document, code=error.code, detail=error.detail)
        errors.setdefault(error.job_id, []).append(shown)
    going_on = [row.id for row in rows if row.status not in FINISHED]
    return _Known(errors, await repository.job_stages(session, going_on))


def _shown(row: JobRow, known: _Known) -> Job:
    stages = known.stages.get(row.id, {})
    return Job.model_validate(
        {
            "id": row.id,
            "kind": row.kind,
            "status": row.status,
            "progress": JobProgress(done=row.done, total=row.total, stage=_stage(row, stages)),
            "errors": known.errors.get(row.id, []),
            "report": row.report,
            "created_at": row.created_at,
            "finished_at": row.finished_at,
        }
    )


def _stage(row: JobRow, stages: dict[str, int]) -> str:
    """What most of its documents are at; `waiting` where none is being read now."""
    if row.open or row.status != "running":
        return row.stage
    return max(stages, key=lambda stage: stages[stage]) if stages else "waiting"


def _item(row: JobItemRow) -> JobItem:
    return JobItem.model_validate(
        {
            "document_id": row.document_id,
            "document": row.path,
            "status": row.state,
            "stage": row.stage,
            "done": row.stage_done,
            "total": row.stage_total,
            "attempts": row.attempts,
        }
    )


async def _changeable(
    session: AsyncSession, principal: Principal, document_ids: Sequence[UUID]
) -> frozenset[UUID]:
    """Those that the principal sees and may change today, whatever they could when they sent them."""
    seen = repository.visible(principal).where(DocumentRow.id.in_(document_ids))
    rows = (await session.scalars(seen)).all()
    bases = {row.knowledge_base_id for row in rows}
    found = await session.scalars(repository.visible_bases(principal).where(KnowledgeBaseRow.id.in_(bases)))
    mine = {base.id for base in found if may_add(principal, base)}
    return frozenset(row.id for row in rows if row.knowledge_base_id in mine)
