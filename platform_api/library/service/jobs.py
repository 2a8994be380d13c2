"""Jobs: our rows are the truth, the queue only delivers (SPEC 7)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import case, update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.wire.base import Page
from kit.wire.library import AcceptedDocument, Job, JobError, JobProgress
from platform_api.edge import PageRequest, page_of
from platform_api.library import repository
from platform_api.library.errors import JobFinished
from platform_api.library.models import DocumentRow, JobErrorRow, JobItemRow, JobRow
from ports.db import Database

FINISHED: Final = ("succeeded", "failed", "cancelled")
_LOOK_EVERY_S = 0.25
_HEARTBEAT_EVERY = 40
"""Looks between two signs of life: 10 s."""
_WATCH_S = 600.0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a document of a job failed."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file of an upload."""

    shown: AcceptedDocument
    path: str
    version: int
    error: Reason | None = None

    @property
    def queued(self) -> bool:
        return self.shown.status == "queued"


async def add_job(
    session: AsyncSession, principal: Principal, kind: str, results: Sequence[Outcome], now: datetime
) -> UUID:
    """A job over these files; what is unchanged or refused is done already."""
    queued = [result for result in results if result.queued]
    good = sum(result.shown.status == "unchanged" for result in results)
    job = JobRow(
        id=uuid4(),
        organisation_id=principal.organisation_id,
        created_by=principal.id,
        kind=kind,
        status="queued" if queued else "succeeded",
        stage="queued" if queued else "done",
        done=len(results) - len(queued),
        good=good,
        total=len(results),
        created_at=now,
        finished_at=None if queued else now,
    )
    session.add(job)
    await session.flush()
    for result in queued:
        session.add(_item(job, result))
    for result in results:
        if result.error:
            session.add(_error(job.organisation_id, job.id, result.path, result.error))
    await session.flush()
    return job.id


async def begin_item(
    session: AsyncSession, job_id: UUID, document_id: UUID, version: int
) -> JobItemRow | None:
    """Mark it running and count the attempt; None where it was cancelled or is gone."""
    item = await session.get(JobItemRow, (job_id, document_id, version), with_for_update=True)
    if item is None or item.state == "cancelled":
        return None
    item.attempts += 1
    if item.state == "queued":
        item.state = "running"
        running = update(JobRow).where(JobRow.id == job_id, JobRow.status == "queued")
        await session.execute(running.values(status="running", stage="reading"))
    return item


async def finish_item(
    session: AsyncSession,
    item: JobItemRow,
    state: str,
    now: datetime,
    error: Reason | None = None,
) -> None:
    """Counted once, however often the task runs; the last one finishes the job."""
    moved = await session.scalar(
        update(JobItemRow)
        .where(
            JobItemRow.job_id == item.job_id,
            JobItemRow.document_id == item.document_id,
            JobItemRow.version == item.version,
            JobItemRow.state.in_(("queued", "running")),
        )
        .values(state=state)
        .returning(JobItemRow.path)
    )
    if moved is None:
        return
    if error:
        session.add(_error(item.organisation_id, item.job_id, moved, error))
    await _count(session, item.job_id, good=state == "done", now=now)


async def _count(session: AsyncSession, job_id: UUID, *, good: bool, now: datetime) -> None:
    # One update under the row's lock: the items of a job finish on several workers at once.
    well = JobRow.good + int(good)
    last = (JobRow.done + 1 >= JobRow.total) & (JobRow.status != "cancelled")
    await session.execute(
        update(JobRow)
        .where(JobRow.id == job_id)
        .values(
            done=JobRow.done + 1,
            good=well,
            stage=case((last, "done"), else_=JobRow.stage),
            status=case((last & (well > 0), "succeeded"), (last, "failed"), else_=JobRow.status),
            finished_at=case((last, now), else_=JobRow.finished_at),
        )
        .execution_options(synchronize_session=False)
    )


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

    async def cancel(self, session: AsyncSession, principal: Principal, job_id: UUID) -> Job:
        """What is published stays; what waits or runs ends unpublished. Raises NotFound, JobFinished."""
        await repository.job(session, principal, job_id)
        now = self._clock.now()
        stopped = await session.scalar(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.status.not_in(FINISHED))
            .values(status="cancelled", stage="cancelled", finished_at=now)
            .returning(JobRow.id)
        )
        if stopped is None:
            raise JobFinished
        await _cancel_items(session, job_id, now)
        session.expire_all()
        return await self.get(session, principal, job_id)


async def _cancel_items(session: AsyncSession, job_id: UUID, now: datetime) -> None:
    items = (
        update(JobItemRow)
        .where(JobItemRow.job_id == job_id, JobItemRow.state.in_(("queued", "running")))
        .values(state="cancelled")
        .returning(JobItemRow.document_id, JobItemRow.version)
    )
    for document_id, version in (await session.execute(items)).all():
        waiting = update(DocumentRow).where(
            DocumentRow.id == document_id,
            DocumentRow.version == version,
            DocumentRow.status.in_(("queued", "processing")),
        )
        await session.execute(
            waiting.values(status="failed", error="The upload was cancelled.", updated_at=now)
        )


def _item(job: JobRow, result: Outcome) -> JobItemRow:
    return JobItemRow(
        job_id=job.id,
        document_id=result.shown.id,
        version=result.version,
        organisation_id=job.organisation_id,
        path=result.path,
        state="queued",
        attempts=0,
    )


def _error(organisation_id: UUID, job_id: UUID, path: str, reason: Reason) -> JobErrorRow:
    return JobErrorRow(
        organisation_id=organisation_id,
        job_id=job_id,
        document=path or "(no name)",
        code=reason.code,
        detail=reason.detail,
    )


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
