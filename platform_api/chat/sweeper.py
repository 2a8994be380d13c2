"""Ends the turns of processes that are gone (SPEC 4): failed as `interrupted`, exactly once."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kit.wire.events import TurnFailed
from platform_api.chat import ending, repository
from platform_api.chat.errors import Interrupted
from platform_api.chat.log import entry_of
from platform_api.chat.metrics import orphans_total, turns_total
from platform_api.chat.mirror import Mirror
from platform_api.chat.repository import Orphan
from ports.db import Database
from ports.queue import Queue
from ports.redis import RedisError

BATCH = 50
log = structlog.get_logger()


class Sweeper:
    """Any number of them may run: each orphan is locked by one and ended where it still runs."""

    def __init__(self, database: Database, queue: Queue, mirror: Mirror) -> None:
        self._database = database
        self._queue = queue
        self._mirror = mirror

    async def sweep(self) -> int:
        """One pass; how many turns it ended."""
        async with self._database.begin() as db:
            ended = [await self._end(db, orphan) for orphan in await repository.orphans(db, BATCH)]
        for event in ended:
            await self._tell(event)
        if ended:
            orphans_total.inc(len(ended))
            turns_total.labels("failed").inc(len(ended))
            log.warning("chat.orphans_ended", turns=[str(event.turn_id) for event in ended])
        return len(ended)

    async def _end(self, db: AsyncSession, orphan: Orphan) -> TurnFailed:
        try:
            seq = await self._mirror.last_seq(orphan.id) + 1
        except (RedisError, OSError):
            # Followers elsewhere learn of the end from the row, whatever its number.
            seq = 1
        event = ending.failure(orphan.id, seq, Interrupted(), orphan.request_id)
        whose = {"organisation_id": orphan.organisation_id, "user_id": orphan.user_id}
        await ending.fail(db, self._queue, event, orphan.session_id, whose)
        return event

    async def _tell(self, event: TurnFailed) -> None:
        try:
            await self._mirror.end(event.turn_id, entry_of(event.dump()))
        except (RedisError, OSError) as error:
            log.info("chat.orphan_untold", turn_id=str(event.turn_id), error=type(error).__name__)
