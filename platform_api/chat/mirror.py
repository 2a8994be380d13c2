"""The events of turns in Redis, for followers on other replicas and after a restart.

One stream per turn, `turn:{id}`, with the event's number as the entry's id: an owner that was taken
for dead and wakes up cannot write over what came after it.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

import structlog
from prometheus_client import Counter

from platform_api.chat.log import Batches, Entry, TurnLog
from ports.redis import Redis, RedisError, ResponseError

BATCH_S = 0.1
FENCE = 1 << 62
"""The id of a terminal event that was not written by the turn's owner: nothing comes after it."""
_READ_BLOCK_MS = 1000
_ATTEMPTS = 5
log = structlog.get_logger()
unmirrored_total = Counter(
    "switchboard_turn_streams_lost_total", "Turns whose events did not all reach Redis."
)


class Mirror:
    def __init__(self, redis: Redis, blocking: Redis, ttl_s: int) -> None:
        self._redis = redis
        self._blocking = blocking
        self._ttl_s = ttl_s

    async def copy(self, turn: TurnLog) -> None:
        """Copy a turn's events as they come, in small batches off the hot path, until it has ended.

        Redis being away costs a retry, never the turn: followers here read the log itself.
        """
        sent = failed = 0
        while failed < _ATTEMPTS:
            await turn.news(sent)
            if not turn.ended.is_set():
                await asyncio.sleep(BATCH_S)
            batch = turn.after(sent)
            try:
                await self._write(turn.turn_id, batch)
            except (RedisError, OSError):
                failed += 1
                await asyncio.sleep(0.2 * 2**failed)
                continue
            sent = batch[-1].seq
            if batch[-1].terminal:
                return
        unmirrored_total.inc()
        log.warning("chat.stream_lost", turn_id=str(turn.turn_id))

    async def end(self, turn_id: UUID, entry: Entry) -> None:
        """The terminal event of a turn whose owner is gone. Raises RedisError."""
        await self._redis.xadd(_key(turn_id), _fields(entry), id=f"{FENCE}-0")
        await self._redis.expire(_key(turn_id), self._ttl_s)

    async def last_seq(self, turn_id: UUID) -> int:
        """0 where nothing is there. Raises RedisError."""
        found = await self._redis.xrevrange(_key(turn_id), count=1)
        return _entry(found[0]).seq if found else 0

    async def follow(self, turn_id: UUID, after: int) -> Batches:
        """Events after `after`; an empty batch whenever nothing came for a second. Raises RedisError."""
        last: bytes | str = f"{after}-0"
        while True:
            found = cast(
                "list[tuple[bytes, list[Any]]]",
                await self._blocking.xread({_key(turn_id): last}, count=500, block=_READ_BLOCK_MS),
            )
            raws = found[0][1] if found else []
            last = raws[-1][0] if raws else last
            yield until_end([_entry(raw) for raw in raws])

    async def stored(self, turn_id: UUID, after: int) -> Sequence[Entry]:
        """What is there after `after`, without waiting. Raises RedisError."""
        found = await self._redis.xrange(_key(turn_id), min=f"({after}-0")
        return until_end([_entry(raw) for raw in found or ()])

    async def whole(self, turn_id: UUID, after: int) -> Sequence[Entry]:
        """Of a turn that has ended: its last batch may be on its way still. Raises RedisError."""
        found = await self.stored(turn_id, after)
        if found and found[-1].terminal:
            return found
        await asyncio.sleep(3 * BATCH_S)
        return await self.stored(turn_id, after)

    async def _write(self, turn_id: UUID, batch: Sequence[Entry]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in batch:
                pipe.xadd(_key(turn_id), _fields(entry), id=f"{entry.seq}-0")
            pipe.expire(_key(turn_id), self._ttl_s)
            results = await pipe.execute(raise_on_error=False)
        for result in results:
            # A smaller id: a repeated batch has written it already, or a sweeper has ended the turn.
            if isinstance(result, Exception) and not isinstance(result, ResponseError):
                raise result


def until_end(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Nothing follows a terminal event, whatever a paused owner wrote behind it."""
    end = next((at for at, entry in enumerate(entries) if entry.terminal), len(entries))
    return entries[: end + 1]


def _key(turn_id: UUID) -> str:
    return f"turn:{turn_id}"


def _fields(entry: Entry) -> dict[Any, Any]:
    return {"s": entry.seq, "t": entry.type, "e": entry.data}


def _entry(raw: Any) -> Entry:
    fields = cast("dict[bytes, bytes]", raw[1])
    return Entry(int(fields[b"s"]), fields[b"t"].decode(), fields[b"e"].decode())
