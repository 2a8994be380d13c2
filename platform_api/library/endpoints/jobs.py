"""Jobs: list, read, follow, cancel, try again (SPEC 3)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from kit.errors import NotFound
from kit.wire.base import Page
from kit.wire.library import Job
from platform_api.edge import PageQuery, UnitOfWork, event_stream, provided, raises
from platform_api.identity import CurrentPrincipal
from platform_api.library.errors import JobFinished, NothingToRetry
from platform_api.library.service.job_views import Jobs

router = APIRouter(prefix="/api/v1", tags=["library"])
_Jobs = Annotated[Jobs, Depends(provided(Jobs))]

_EVENTS: dict[str, Any] = {
    "description": "Server-sent events, each a Job.",
    "content": {"text/event-stream": {}},
}


@router.get("/jobs", summary="List my jobs")
async def list_jobs(
    principal: CurrentPrincipal, jobs: _Jobs, session: UnitOfWork, page: PageQuery
) -> Page[Job]:
    """The caller's own, newest first."""
    return await jobs.list(session, principal, page)


@router.get("/jobs/{job_id}", summary="Read a job", responses=raises(NotFound))
async def get_job(principal: CurrentPrincipal, jobs: _Jobs, session: UnitOfWork, job_id: UUID) -> Job:
    """How far it is, and what went wrong with which document."""
    return await jobs.get(session, principal, job_id)


@router.get(
    "/jobs/{job_id}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={**raises(NotFound), 200: _EVENTS},
)
async def follow_job(
    principal: CurrentPrincipal, jobs: _Jobs, session: UnitOfWork, job_id: UUID
) -> StreamingResponse:
    """The job as it is now and then each change, until it is finished."""
    await jobs.get(session, principal, job_id)
    return event_stream(_encoded(jobs.watch(principal, job_id)))


async def _encoded(states: AsyncIterator[Job | None]) -> AsyncIterator[bytes]:
    async for job in states:
        yield format_sse_event(data_str=job.dump(), event="job") if job else KEEPALIVE_COMMENT


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job", responses=raises(NotFound, JobFinished))
async def cancel_job(principal: CurrentPrincipal, jobs: _Jobs, job_id: UUID) -> Job:
    """What is published already stays; the rest is not read."""
    return await jobs.cancel(principal, job_id)


@router.post(
    "/jobs/{job_id}/retry",
    summary="Try failed documents again",
    responses=raises(NotFound, NothingToRetry),
)
async def retry_job(principal: CurrentPrincipal, jobs: _Jobs, job_id: UUID) -> Job:
    """Those that failed and still are as this job sent them are queued again."""
    return await jobs.retry(principal, job_id)
