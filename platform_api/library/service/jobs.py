"""What a job has to do and how far it is: our rows are the truth, the queue only delivers (SPEC 7).

Rows are locked in one order everywhere, so that nobody waits in a circle: document, item, job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import and_, bindparam, case, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.dml import ReturningUpdate

from access.principal import Principal
from kit.wire.library import AcceptedDocument
from platform_api.library.errors import JobFinished
from platform_api.library.models import DocumentRow, JobErrorRow, JobItemRow, JobRow
from ports.db import Timestamp

FINISHED: Final = ("succeeded", "failed", "cancelled")
WAITING: Final = ("queued", "running")
GIVEN_UP = "It could not be read, although it was tried several times. Try its job again, or ask an admin."
CANCELLED = "The upload was cancelled."


# Of each document that is read: made once, since making a statement costs as much as asking it.
_JOBS: Any = JobRow.__table__
_ITEMS: Any = JobItemRow.__table__
_DOCUMENTS: Any = DocumentRow.__table__
_THIS_ITEM = and_(
    _ITEMS.c.job_id == bindparam("of_job"),
    _ITEMS.c.document_id == bindparam("of_document"),
    _ITEMS.c.version == bindparam("of_version"),
    _ITEMS.c.state.in_(WAITING),
)


def _beginning() -> ReturningUpdate[Any]:
    going_on = exists().where(_JOBS.c.id == bindparam("of_job"), _JOBS.c.status != "cancelled")
    document = update(_DOCUMENTS).where(_DOCUMENTS.c.id == bindparam("of_document"))
    job = update(_JOBS).where(_JOBS.c.id == bindparam("of_job"), _JOBS.c.status == "queued")
    stage = case((_JOBS.c.open, _JOBS.c.stage), else_="reading")
    return (
        update(_ITEMS)
        .where(_THIS_ITEM, going_on)
        .values(attempts=_ITEMS.c.attempts + 1, state="running", stage="reading", stage_done=0, stage_total=0)
        .returning(_ITEMS.c.attempts)
        # The caller holds the document's row; the job's is locked last, since what nothing reads runs last.
        .add_cte(document.values(status=bindparam("document_status")).cte("document"))
        .add_cte(job.values(status="running", stage=stage).cte("job"))
    )


def _finishing() -> ReturningUpdate[Any]:
    """One update of the job under its row's lock: its items finish on several workers at once."""
    item: Any = update(_ITEMS).where(_THIS_ITEM).values(state=bindparam("ended"))
    moved: Any = item.returning(_ITEMS.c.job_id, _ITEMS.c.path).cte("moved")
    now = bindparam("now", type_=Timestamp)
    well = _JOBS.c.good + bindparam("well")
    last = and_(_JOBS.c.done + 1 >= _JOBS.c.total, _JOBS.c.open.is_(False), _JOBS.c.status != "cancelled")
    return (
        update(_JOBS)
        .where(_JOBS.c.id == select(moved.c.job_id).scalar_subquery())
        .values(
            done=_JOBS.c.done + 1,
            good=well,
            stage=case((last, "done"), else_=_JOBS.c.stage),
            status=case((and_(last, well > 0), "succeeded"), (last, "failed"), else_=_JOBS.c.status),
            finished_at=case((last, now), else_=_JOBS.c.finished_at),
        )
        .returning(select(moved.c.path).scalar_subquery())
    )


_BEGIN = _beginning()
_FINISH = _finishing()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a document of a job failed."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file of an upload or a source."""

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
    job_id = await open_job(session, principal, kind, now, stage="queued")
    await add_results(session, job_id, results)
    await close_job(session, job_id, now)
    return job_id


async def open_job(
    session: AsyncSession, principal: Principal, kind: str, now: datetime, stage: str = "looking"
) -> UUID:
    """A job whose documents are still to be found: it does not finish before `close_job`."""
    job = JobRow(
        id=uuid4(),
        organisation_id=principal.organisation_id,
        created_by=principal.id,
        kind=kind,
        via=principal.acting_via,
        status="queued",
        stage=stage,
        done=0,
        good=0,
        total=0,
        open=True,
        report={},
        created_at=now,
    )
    session.add(job)
    await session.flush()
    return job.id


async def add_results(session: AsyncSession, job_id: UUID, results: Sequence[Outcome]) -> None:
    """More documents of an open job; again with the same ones adds nothing.

    Raises JobFinished where it was cancelled meanwhile: nothing of this transaction is to be kept.
    """
    job = await session.get(JobRow, job_id, with_for_update={"key_share": True}, populate_existing=True)
    if job is None or not job.open or job.status in FINISHED:
        raise JobFinished
    taken = await _add_items(session, job, [result for result in results if not result.error])
    refused = [result for result in results if result.error]
    told = await _add_errors(session, job, refused)
    good = sum(result.shown.status == "unchanged" for result in taken)
    job.total += len(taken) + told
    job.done += good + told
    job.good += good
    await session.flush()


async def set_stage(session: AsyncSession, job_id: UUID, stage: str) -> None:
    """What an open job does now, for people to read (at most 40 characters)."""
    running = update(JobRow).where(JobRow.id == job_id, JobRow.open, JobRow.status.in_(WAITING))
    await session.execute(running.values(status="running", stage=stage[:40]))


async def close_job(
    session: AsyncSession, job_id: UUID, now: datetime, error: tuple[str, Reason] | None = None
) -> None:
    """No more documents come: it finishes when all are done, or now where they are.

    error: what the search for documents itself failed of (a name to show, the reason). Again does nothing.
    """
    job = await session.get(JobRow, job_id, with_for_update={"key_share": True}, populate_existing=True)
    if job is None or not job.open:
        return
    job.open = False
    if error:
        session.add(_error(job, error[0], error[1]))
    if job.status not in FINISHED and job.done >= job.total:
        job.status = "succeeded" if job.good or not (job.total or error) else "failed"
        job.stage, job.finished_at = "done", now
    elif job.status not in FINISHED:
        job.stage = "reading" if job.status == "running" else "queued"
    await session.flush()


async def cancelled(session: AsyncSession, job_id: UUID) -> bool:
    """Also where the job is gone."""
    going_on = select(exists().where(JobRow.id == job_id, JobRow.status != "cancelled"))
    return not await session.scalar(going_on)


async def begin_item(session: AsyncSession, item: JobItemRow, document_status: str, now: datetime) -> bool:
    """Mark it, its job and its document as being read, and count the attempt; False where it was cancelled.

    The caller holds the rows of the item and its document, and the item was waiting.
    """
    values = _key_of(item) | {"document_status": document_status}
    attempts = await session.scalar(_BEGIN, values)
    if attempts is None:
        await cancel_items(session, item.job_id, now, item.document_id)
        return False
    set_committed_value(item, "attempts", attempts)
    return True


async def finish_item(
    session: AsyncSession,
    item: JobItemRow,
    state: str,
    now: datetime,
    error: Reason | None = None,
) -> None:
    """Counted once, however often the task runs; the last one finishes the job."""
    values = _key_of(item) | {"ended": state, "well": int(state == "done"), "now": now}
    moved = await session.scalar(_FINISH, values)
    if moved is not None and error:
        session.add(_error(item, moved, error))


def _key_of(item: JobItemRow) -> dict[str, Any]:
    return {"of_job": item.job_id, "of_document": item.document_id, "of_version": item.version}


async def cancel_items(
    session: AsyncSession, job_id: UUID, now: datetime, document_id: UUID | None = None
) -> None:
    """What of a cancelled job still waits or runs ends unpublished; what was published before stays."""
    item = JobItemRow
    mine = and_(item.job_id == job_id, item.state.in_(WAITING))
    if document_id is not None:
        mine = and_(mine, item.document_id == document_id)
    waiting = (
        select(DocumentRow.id)
        .join(item, and_(item.document_id == DocumentRow.id, item.version == DocumentRow.version))
        .where(mine, DocumentRow.status.in_(("queued", "processing")))
        .order_by(DocumentRow.id)
        .with_for_update(of=DocumentRow)
    )
    documents = (await session.scalars(waiting)).all()
    # Where it was published while we waited for its row, its item is done and it stays as it is.
    stopped = set(
        await session.scalars(update(item).where(mine).values(state="cancelled").returning(item.document_id))
    )
    for_them = DocumentRow.id.in_([one for one in documents if one in stopped])
    said = {"status": "failed", "error": CANCELLED, "failure": "cancelled", "updated_at": now}
    await session.execute(update(DocumentRow).where(for_them).values(**said))


async def _add_items(session: AsyncSession, job: JobRow, results: Sequence[Outcome]) -> list[Outcome]:
    """Those that were not in the job yet."""
    if not results:
        return []
    rows = [
        {
            "job_id": job.id,
            "document_id": result.shown.id,
            "version": result.version,
            "organisation_id": job.organisation_id,
            "path": result.path,
            "state": "queued" if result.queued else "done",
        }
        for result in results
    ]
    added = insert(JobItemRow).values(rows).on_conflict_do_nothing().returning(JobItemRow.document_id)
    new = set(await session.scalars(added))
    return [result for result in results if result.shown.id in new]


async def _add_errors(session: AsyncSession, job: JobRow, results: Sequence[Outcome]) -> int:
    """How many of these refusals were not told in the job yet."""
    told = select(JobErrorRow.document, JobErrorRow.code).where(JobErrorRow.job_id == job.id)
    known = {(row[0], row[1]) for row in await session.execute(told)} if results else set[tuple[str, str]]()
    new = [_error(job, result.path, result.error) for result in results if result.error]
    new = [row for row in new if (row.document, row.code) not in known]
    session.add_all(new)
    return len(new)


def _error(of: JobRow | JobItemRow, path: str, reason: Reason) -> JobErrorRow:
    return JobErrorRow(
        organisation_id=of.organisation_id,
        job_id=of.id if isinstance(of, JobRow) else of.job_id,
        document=path or "(no name)",
        code=reason.code,
        detail=reason.detail,
    )
