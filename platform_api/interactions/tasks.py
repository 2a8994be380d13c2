"""Interactions on the queue: what was answered is recorded, what nobody answered ends, what is over goes."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from ulid import ULID

from kit.clock import Clock
from kit.wire.internal import AuditEvent
from platform_api.audit import service as audit
from platform_api.interactions import one_shots, repository
from platform_api.interactions.models import InteractionRow
from platform_api.interactions.service import ANSWERED
from ports.db import Database
from ports.queue import Queue, Tasks

SWEEP_S: Final = 30
EXPIRED: Final = "interaction.expired.v1"
"""Announced where a conversation waited."""
CONTENTS_KEPT: Final = timedelta(days=1)
KEPT: Final = timedelta(days=30)
_BATCH: Final = 200
log = structlog.get_logger()


class InteractionTasks:
    def __init__(self, database: Database, queue: Queue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    def register(self, tasks: Tasks) -> None:
        """interaction.answered.v1; interactions.sweep, every 30 s."""
        tasks.add(ANSWERED, self.answered)
        tasks.every(SWEEP_S, "interactions.sweep", self.sweep)

    async def answered(self, told: dict[str, Any]) -> None:
        """One record, however often it is told: it ends once, so its id is the record's."""
        who = f"user:{told['answered_by']}"
        async with self._database.begin() as session:
            await audit.ingest(session, [self._record(ANSWERED, told, who)])

    async def sweep(self, _: dict[str, Any]) -> None:
        """Ends what is overdue, each recorded; forgets what ended long ago."""
        now = self._clock.now()
        while await self._expire(now) == _BATCH:
            pass
        async with self._database.begin() as session:
            await repository.forget(session, now - CONTENTS_KEPT, now - KEPT)
            await one_shots.forget(session, now)

    async def _expire(self, now: datetime) -> int:
        async with self._database.begin() as session:
            rows = await repository.expire(session, now, _BATCH)
            records = [self._record("interaction.expired", _about(row), "service:sweep") for row in rows]
            await audit.ingest(session, records)
            # Whoever shows the conversation says in it that the time is over.
            waited = [(_about(row), None) for row in rows if row.session_id is not None]
            await self._queue.defer_many(session, EXPIRED, waited)
        if rows:
            log.info("interactions.expired", count=len(rows))
        return len(rows)

    def _record(self, type: str, told: dict[str, Any], actor: str) -> AuditEvent:
        return AuditEvent(
            id=str(ULID.from_bytes(UUID(told["interaction_id"]).bytes)),
            at=self._clock.now().isoformat(),
            kind="audit",
            type=type,
            organisation_id=told["organisation_id"],
            actor=actor,
            data={name: value for name, value in told.items() if not name.startswith("_")},
        )


def _about(row: InteractionRow) -> dict[str, Any]:
    return {
        "interaction_id": str(row.id),
        "organisation_id": str(row.organisation_id),
        "kind": row.kind,
        "tool": row.tool,
        "asked_of": row.asked_of,
        "user_id": str(row.user_id),
        "session_id": str(row.session_id) if row.session_id else None,
        "turn_id": str(row.turn_id) if row.turn_id else None,
    }
