"""Runs of sources: how one begins, is told about, and ends. One at a time per source."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.sources import RunCounts, RunProblem, SourceRun
from platform_api.library.models import SourceRow, SourceRunRow
from platform_api.library.service.jobs import Reason, close_job, open_job
from ports.queue import Queue

SYNC = "library.sync"
KIND = "sync"
MOST_PROBLEMS = 100
RESUME = 'Then resume the source: PATCH it with {"paused": false}, or `switchboard docs sources resume`.'


class RunOver(Exception):
    """The run ended meanwhile: cancelled, paused, or its source deleted."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, and why where not well."""

    status: str
    reason: Reason | None = None
    hint: str = ""


async def open_run(session: AsyncSession, source_id: UUID) -> SourceRunRow | None:
    """The run that has not ended, locked."""
    row = SourceRunRow
    statement = select(row).where(row.source_id == source_id, row.finished_at.is_(None)).with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def locked_run(session: AsyncSession, run_id: UUID) -> tuple[SourceRow, SourceRunRow] | None:
    """Source, then run, as everybody locks them; None where the run has ended or is gone."""
    run = await session.get(SourceRunRow, run_id)
    if run is None:
        return None
    source = await session.get(SourceRow, run.source_id, with_for_update=True, populate_existing=True)
    run = await session.get(SourceRunRow, run_id, with_for_update=True, populate_existing=True)
    return None if source is None or run is None or run.finished_at is not None else (source, run)


async def still_open(session: AsyncSession, run_id: UUID) -> tuple[SourceRow, SourceRunRow]:
    """Raises RunOver."""
    found = await locked_run(session, run_id)
    if found is None:
        raise RunOver
    return found


async def start_run(
    session: AsyncSession, queue: Queue, source: SourceRow, now: datetime, *, forced: bool = False
) -> SourceRunRow:
    """The caller holds the source's row. Where a run has not ended, that one."""
    running = await open_run(session, source.id)
    if running is not None:
        running.forced = running.forced or forced
        return running
    creator = Principal(organisation_id=source.organisation_id, id=source.created_by)
    run = SourceRunRow(
        id=uuid4(),
        organisation_id=source.organisation_id,
        source_id=source.id,
        job_id=await open_job(session, creator, KIND, now),
        status="queued",
        forced=forced,
        stage="gathering",
        problems=[],
        state={},
        created_at=now,
    )
    session.add(run)
    source.next_run_at = next_run_at(source, now)
    await session.flush()
    # As inserted: the counts have their defaults.
    await session.refresh(run)
    await defer_step(session, queue, run)
    return run


async def defer_step(
    session: AsyncSession, queue: Queue, run: SourceRunRow, run_at: datetime | None = None
) -> None:
    args = {
        "organisation_id": str(run.organisation_id),
        "source_id": str(run.source_id),
        "run_id": str(run.id),
    }
    await queue.defer(session, SYNC, args, lock=f"source:{run.source_id}", run_at=run_at)


def next_run_at(source: SourceRow, now: datetime) -> datetime | None:
    if source.schedule_minutes is None or source.status != "active":
        return None
    return now + timedelta(minutes=source.schedule_minutes)


async def end_run(
    session: AsyncSession, source: SourceRow, run: SourceRunRow, ending: Ending, now: datetime
) -> None:
    """The caller holds both rows. Again does nothing."""
    if run.finished_at is not None:
        return
    reason = ending.reason
    run.status, run.finished_at, run.step_until, run.state = ending.status, now, None, {}
    run.code, run.detail = (reason.code, reason.detail) if reason else (None, None)
    run.hint = ending.hint or None
    error = (source.name[:1000], reason) if reason and ending.status != "cancelled" else None
    await close_job(session, run.job_id, now, error)


def stop_source(source: SourceRow, reason: str, hint: str, now: datetime) -> None:
    """Until somebody resumes it."""
    source.status, source.next_run_at, source.updated_at = "stopped", None, now
    source.reason, source.hint = reason, f"{hint} {RESUME}".strip()


async def forget_runs(session: AsyncSession, source_id: UUID, keep: int) -> None:
    """The log keeps the latest `keep` runs."""
    row = SourceRunRow
    old = (
        select(row.id)
        .where(row.source_id == source_id, row.finished_at.is_not(None))
        .order_by(row.created_at.desc(), row.id.desc())
        .offset(keep)
    )
    await session.execute(delete(row).where(row.id.in_(old)))


def add_problems(run: SourceRunRow, problems: Sequence[RunProblem]) -> None:
    kept: list[dict[str, Any]] = list(run.problems)
    room = MOST_PROBLEMS - len(kept)
    run.problems = kept + [problem.model_dump(exclude_none=True) for problem in problems[:room]]


def run_shown(run: SourceRunRow, principal: Principal, source: SourceRow) -> SourceRun:
    """A mapping file may keep a document from others who manage the knowledge base, so its name, too: paths
    are for whoever added the source, and those of a site for all, unless it is for certain groups."""
    everyones = source.kind == "crawl" and source.asked["metadata"].get("groups") is None
    named = everyones or principal.id == source.created_by
    problems = run.problems if named else [_unnamed(problem) for problem in run.problems]
    return SourceRun.model_validate(
        {
            "id": run.id,
            "source_id": run.source_id,
            "job_id": run.job_id,
            "status": run.status,
            "counts": RunCounts(
                success=run.success,
                failed=run.failed,
                skipped=run.skipped + run.unchanged + run.passed_over,
                removed=run.removed,
                unchanged=run.unchanged,
            ),
            "code": run.code,
            "detail": run.detail,
            "hint": run.hint,
            "problems": problems,
            "started_at": run.created_at,
            "finished_at": run.finished_at,
        }
    )


def _unnamed(problem: dict[str, Any]) -> dict[str, Any]:
    shown = "(only whoever added this source sees the path)"
    return {"path": shown, "code": problem["code"], "detail": problem["detail"]}
