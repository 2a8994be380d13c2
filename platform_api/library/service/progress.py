"""How far the documents are that this process reads, and whether they are still wanted.

All of them are written in one small commit, at most twice a second, which also tells what was cancelled,
deleted or replaced meanwhile: its work is stopped then, not only at its end. The states of items and
documents are never written here: what is lost with a process is a number that people would have seen.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

import structlog
from sqlalchemy import Select, and_, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from kit.tasks import being_cancelled
from platform_api.library.models import DocumentRow, JobItemRow
from ports.db import Database

EVERY_S = 0.5
PUBLISHING = "publishing"
ItemKey = tuple[UUID, UUID, int]
"""Job, document, version."""
_log = structlog.get_logger()


class NotWanted(Exception):
    """The document was cancelled, deleted or replaced while it was read."""


class Stand:
    """Where one document stands: told by whoever reads it, in words of `JobItem`."""

    def __init__(self) -> None:
        self.now: tuple[str, int, int] = ("reading", 0, 0)
        self.written: tuple[str, int, int] = self.now
        self.wanted = True
        self.task: asyncio.Task[None] | None = None

    async def embedded(self, done: int, total: int) -> None:
        self.now = ("embedding", done, total)

    def publishing(self) -> None:
        """From now on it is not stopped: the row that publishing holds decides who came first."""
        self.now = (PUBLISHING, self.now[2], self.now[2])

    def stop(self) -> None:
        if self.now[0] != PUBLISHING and self.task:
            self.wanted = False
            self.task.cancel()


class Progress:
    def __init__(self, database: Database, every_s: float = EVERY_S) -> None:
        self._database = database
        self._every_s = every_s
        self._stands: dict[ItemKey, Stand] = {}
        self._telling: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._writing = asyncio.Lock()

    async def of(self, key: ItemKey, work: Callable[[Stand], Awaitable[None]]) -> None:
        """Do the work while it is wanted. Raises NotWanted, and whatever the work raises."""
        stand = Stand()
        stand.task = asyncio.create_task(_run(work, stand))
        self._stands[key] = stand
        self._idle.clear()
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())
        try:
            await stand.task
        except asyncio.CancelledError:
            if stand.wanted or being_cancelled():
                raise
            raise NotWanted from None
        finally:
            self._stands.pop(key, None)
            if not self._stands:
                self._idle.set()
                # Nothing of ours is under way in the database when the last one has ended.
                async with self._writing:
                    pass

    async def _tell(self) -> None:
        """As long as anything is read."""
        while self._stands:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), self._every_s)
                continue
            # Postgres away: what waits for it notices by itself, and here only numbers are late.
            with suppress(TimeoutError):
                async with self._writing, asyncio.timeout(10 * self._every_s):
                    await self._tell_once()

    async def _tell_once(self) -> None:
        # Whoever begins while we ask is asked about next time.
        stands = dict(self._stands)
        try:
            async with self._database.begin() as session:
                await session.execute(text("SET LOCAL synchronous_commit = off"))
                wanted = await _write(session, stands)
        except Exception as error:
            _log.info("library.progress_late", error=type(error).__name__)
            return
        for key, stand in stands.items():
            if key not in wanted:
                stand.stop()


async def _write(session: AsyncSession, stands: dict[ItemKey, Stand]) -> set[ItemKey]:
    """The keys that are still to be read."""
    rows = await session.execute(_still_wanted(list(stands)))
    wanted: set[ItemKey] = {(row[0], row[1], row[2]) for row in rows}
    changed = [key for key, stand in stands.items() if stand.now != stand.written]
    if changed:
        # Whoever holds an item now ends it: never wait for them.
        for item in await session.scalars(_items(changed).with_for_update(skip_locked=True)):
            stand = stands[item.job_id, item.document_id, item.version]
            stand.written = stand.now
            item.stage, item.stage_done, item.stage_total = stand.now
    return wanted


async def _run(work: Callable[[Stand], Awaitable[None]], stand: Stand) -> None:
    await work(stand)


def _items(keys: list[ItemKey]) -> Select[JobItemRow]:
    row = JobItemRow
    return select(row).where(
        tuple_(row.job_id, row.document_id, row.version).in_(keys), row.state == "running"
    )


def _still_wanted(keys: list[ItemKey]) -> Select[UUID, UUID, int]:
    row = JobItemRow
    current = or_(DocumentRow.version == row.version, DocumentRow.published_version == row.version)
    same = and_(DocumentRow.id == row.document_id, current)
    mine = tuple_(row.job_id, row.document_id, row.version).in_(keys)
    return (
        select(row.job_id, row.document_id, row.version)
        .join(DocumentRow, same)
        .where(mine, row.state == "running")
    )
