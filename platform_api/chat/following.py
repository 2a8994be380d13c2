"""Following a turn from anywhere: here, through Redis from another replica, or from its row."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from access.principal import Principal
from platform_api.chat import repository
from platform_api.chat.errors import TurnNotFound
from platform_api.chat.log import Batches, Entry, entry_of, renumbered
from platform_api.chat.mirror import Mirror
from ports.db import Database
from ports.redis import RedisError

_POLL_S = 0.5
log = structlog.get_logger()


class Following:
    """What a follower gets always ends with the turn's terminal event."""

    def __init__(self, database: Database, mirror: Mirror) -> None:
        self._database = database
        self._mirror = mirror

    async def end_of(self, principal: Principal, session_id: UUID, turn_id: UUID) -> Entry | None:
        """The terminal event, or None while it runs, or is still to begin with an answer that was given.

        Raises TurnNotFound, also for somebody else's.
        """
        async with self._database.begin() as db:
            row = await repository.find(db, principal, session_id, turn_id)
            if row is None:
                if await repository.is_to_come(db, principal, session_id, turn_id):
                    return None
                # It may have begun between the two looks.
                row = await repository.find(db, principal, session_id, turn_id)
        if row is None:
            raise TurnNotFound
        if row.terminal is None:
            return None
        return entry_of(row.terminal)

    async def follow(self, principal: Principal, session_id: UUID, turn_id: UUID, after: int) -> Batches:
        """Of a turn that runs on another replica, or has ended. Without Redis only the end is told."""
        seen = after
        try:
            async for found in self._mirrored(principal, session_id, turn_id, after):
                batch = growing(found, seen)
                yield batch
                if batch and batch[-1].terminal:
                    return
                seen = batch[-1].seq if batch else seen
        except (RedisError, OSError) as error:
            log.warning("chat.follows_without_redis", turn_id=str(turn_id), error=type(error).__name__)
        while (end := await self.end_of(principal, session_id, turn_id)) is None:
            yield []
            await asyncio.sleep(_POLL_S)
        yield growing([end], seen)

    async def _mirrored(self, principal: Principal, session_id: UUID, turn_id: UUID, after: int) -> Batches:
        """What Redis has. Ends where that is not all: then the row knows the end."""
        if await self.end_of(principal, session_id, turn_id):
            yield await self._mirror.whole(turn_id, after)
            return
        async for batch in self._mirror.follow(turn_id, after):
            yield batch
            if not batch and await self.end_of(principal, session_id, turn_id):
                return


def growing(batch: Sequence[Entry], seen: int) -> Sequence[Entry]:
    """The batch with an end that counts on: a sweeper numbers it without knowing all that came before."""
    if not batch or not batch[-1].terminal:
        return batch
    before = batch[-2].seq if len(batch) > 1 else seen
    return batch if batch[-1].seq > before else [*batch[:-1], renumbered(batch[-1].data, before + 1)]
