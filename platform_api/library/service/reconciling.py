"""An admin asks for index and blob store to be compared with the database and repaired."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.wire.library import Job
from platform_api import audit
from platform_api.library.service.job_views import Jobs
from platform_api.library.service.jobs import open_job
from ports.queue import Queue

RECONCILE: Final = "library.reconcile"
"""Comes by itself every hour."""
RECONCILE_ASKED: Final = "library.reconcile_asked"
PERMISSION: Final = "manage_org_kb"


class Reconciling:
    def __init__(self, queue: Queue, jobs: Jobs, clock: Clock) -> None:
        self._queue = queue
        self._jobs = jobs
        self._clock = clock

    async def start(self, session: AsyncSession, principal: Principal) -> Job:
        """A job whose `report` has the counts of the caller's organisation. Raises Forbidden."""
        principal.require(PERMISSION)
        job_id = await open_job(session, principal, "reconcile", self._clock.now(), stage="queued")
        args = {"organisation_id": str(principal.organisation_id), "job_id": str(job_id)}
        # Never beside one that comes by itself: both would find the same and repair it twice.
        await self._queue.defer(session, RECONCILE_ASKED, args, lock=RECONCILE)
        await audit.record(session, principal, "library.reconcile", {"job_id": str(job_id)})
        return await self._jobs.get(session, principal, job_id)
