"""What other domains announce becomes a record (house rule 3: they have never heard of us)."""

from typing import Any
from uuid import UUID

from ulid import ULID

from kit.clock import Clock
from kit.wire.internal import AuditEvent
from platform_api.audit import service
from ports.db import Database
from ports.queue.tasks import Handler


def hearing(database: Database, clock: Clock, announced: str) -> Handler:
    """The handler for an announcement such as `turn.completed.v1`; repeats leave one record."""

    async def hear(told: dict[str, Any]) -> None:
        event = AuditEvent(
            # The turn's own id: it ends once, so it is announced once.
            id=str(ULID.from_bytes(UUID(told["turn_id"]).bytes)),
            at=clock.now().isoformat(),
            kind="audit",
            type=announced,
            organisation_id=told["organisation_id"],
            actor=f"user:{told['user_id']}",
            data={name: value for name, value in told.items() if not name.startswith("_")},
        )
        async with database.begin() as session:
            await service.ingest(session, [event])

    return hear
