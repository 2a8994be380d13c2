"""Tells people in their channels what ended while they were not looking (SPEC 3: messages that we start)."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from platform_api.channels.service import deliver
from platform_api.interactions.models import InteractionRow
from platform_api.library.models import JobRow
from platform_api.sessions.models import SessionRow
from ports.db import Database
from ports.queue import Tasks

TELL_S: Final = 5
JOB: Final = "job.finished"
"""Payload {job_id, kind, status, done, good, total}."""
INTERACTION: Final = "interaction.ended"
"""Payload {interaction_id, kind, status, outcome, session_id, turn_id, external_ref}: where the conversation
is a channel's. The channel in which it was answered knows it already, and acknowledges."""
_LOOKED_BACK: Final = timedelta(minutes=15)
"""Longer than any worker is away; what is found again was told already and is not told twice."""


class TellTasks:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def register(self, tasks: Tasks) -> None:
        """account.tell, every 5 s."""
        tasks.every(TELL_S, "account.tell", self.tell)

    async def tell(self, _: dict[str, Any]) -> None:
        since = self._clock.now() - _LOOKED_BACK
        async with self._database.begin() as db:
            await self._jobs(db, since)
            await self._interactions(db, since)

    async def _jobs(self, db: AsyncSession, since: datetime) -> None:
        row = JobRow
        ended = select(row).where(row.via.is_not(None), row.finished_at > since, row.status != "cancelled")
        for job in await db.scalars(ended.order_by(row.finished_at)):
            told = {"job_id": str(job.id), "kind": job.kind, "status": job.status}
            told |= {"done": job.done, "good": job.good, "total": job.total}
            whose = (job.organisation_id, job.created_by)
            await deliver(db, self._clock, *whose, kind=JOB, about=str(job.id), payload=told, channel=job.via)

    async def _interactions(self, db: AsyncSession, since: datetime) -> None:
        row = InteractionRow
        ended = (
            select(row, SessionRow.external_ref)
            .join(SessionRow, SessionRow.id == row.session_id)
            .where(row.ended_at > since, SessionRow.external_ref.is_not(None))
            .order_by(row.ended_at)
        )
        for found, reference in await db.execute(ended):
            told = {
                "interaction_id": str(found.id),
                "kind": found.kind,
                "status": found.status,
                "outcome": found.outcome,
                "session_id": str(found.session_id),
                "turn_id": str(found.continued_by) if found.continued_by else None,
                "external_ref": reference,
            }
            channel = str(reference).partition(":")[0]
            whose = (found.organisation_id, found.user_id)
            about = str(found.id)
            await deliver(
                db, self._clock, *whose, kind=INTERACTION, about=about, payload=told, channel=channel
            )
