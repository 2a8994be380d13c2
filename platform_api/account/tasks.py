"""Tells people in their channels what happened while they were away (SPEC 3: messages that we start)."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from platform_api.channels.service import KEPT, deliver
from platform_api.identity.repository import who_may
from platform_api.interactions.models import InteractionRow
from platform_api.library.models import JobRow
from platform_api.sessions.models import SessionRow
from platform_api.toolbox.models import RegisteredToolRow, SeenToolRow, ToolServerRow
from ports.db import Database
from ports.queue import Tasks

TELL_S: Final = 5
JOB: Final = "job.finished"
"""Payload {job_id, kind, status, done, good, total}."""
INTERACTION: Final = "interaction.ended"
"""Payload {interaction_id, kind, status, outcome, session_id, turn_id, external_ref}: where the conversation
is a channel's. The channel in which it was answered knows it already, and acknowledges."""
TOOL: Final = "tool.quarantined"
"""Payload {tool, tool_id, server}: to everyone who may decide about it, once for each definition that its
server lists instead of the approved one. What is still so after a week may be told again."""
_MAY_DECIDE: Final = "manage_tools"
_LOOKED_BACK_FOR_TOOLS: Final = KEPT - timedelta(days=1)
"""A gateway may have been unable to report for long; what was told is remembered a day longer than this."""
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
            await self._tools(db)

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

    async def _tools(self, db: AsyncSession) -> None:
        """Those that are not what was approved any more. A server of everyone is every organisation's."""
        tool, server, seen = RegisteredToolRow, ToolServerRow, SeenToolRow
        same = (seen.server_id == tool.server_id) & (seen.name == tool.name)
        drifted = (
            select(tool, server, seen.definition_hash)
            .join(server, server.id == tool.server_id)
            .outerjoin(seen, same)
            .where(tool.drifted, tool.drift_heard_at > self._clock.now() - _LOOKED_BACK_FOR_TOOLS)
            .order_by(tool.drift_heard_at)
        )
        for found, of, listed in (await db.execute(drifted)).all():
            told = {"tool": found.name, "tool_id": str(found.id), "server": of.name}
            about = f"{found.id}:{found.definition_hash[:16]}:{(listed or '')[:16]}"
            for person in await who_may(db, _MAY_DECIDE, of.organisation_id):
                whose = (person.organisation_id, person.id)
                await deliver(db, self._clock, *whose, kind=TOOL, about=about, payload=told)
