"""Jobs as their creator sees them: list, read, follow, cancel (SPEC 3)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.wire.base import Page
from kit.wire.library import Job, JobError, JobProgress
from platform_api.edge import PageRequest, page_of
from platform_api.library import repository
from platform_api.library.errors import JobFinished
from platform_api.library.models import JobErrorRow, JobRow
from platform_api.library.service.jobs import FINISHED, cancel_items
from ports.db import Database

_LOOK_EVERY_S: Final = 0.25
_HEARTBEAT_EVERY: Final = 40
"""Looks between two signs of life: 10 s."""
_WATCH_S: Final = 600.0


class Jobs:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list(self, session: AsyncSession, principal: Principal, page: PageRequest) -> Page[Job]:
        rows = await repository.jobs(session, principal, page)
        errors = await repository.job_errors(session, [row.id for row in rows])
        return page_of(rows, page, lambda row: (row.created_at, row.id), lambda row: _shown(row, errors))

    async def get(self, session: AsyncSession, principal: Principal, job_id: UUID) -> Job:
        """Raises NotFound."""
        row = await repository.job(session, principal, job_id)
        return _shown(row, await repository.job_errors(session, [job_id]))

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


def _shown(row: JobRow, errors: Sequence[JobErrorRow]) -> Job:
    return Job.model_validate(
        {
            "id": row.id,
            "kind": row.kind,
            "status": row.status,
            "progress": JobProgress(done=row.done, total=row.total, stage=row.stage),
            "errors": [
                JobError(document=error.document, code=error.code, detail=error.detail)
                for error in errors
                if error.job_id == row.id
            ],
            "created_at": row.created_at,
            "finished_at": row.finished_at,
        }
    )
