"""What the queue gave up: list, replay, delete; of the admin's own organisation only (SPEC 3, 7)."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import NotFound
from kit.wire.base import Page
from kit.wire.jobs import DeadLetter, DeadLetterQuery, Replayed, ReplayRequest
from platform_api import audit
from platform_api.library import repository
from platform_api.library.models import DocumentRow, JobItemRow
from platform_api.library.service.intake import INGEST
from platform_api.library.service.reopening import reopen
from ports.queue import FailedJob, Queue

PERMISSION: Final = "manage_org_kb"
_AT_ONCE: Final = 1000


class DeadLetters:
    def __init__(self, queue: Queue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    async def list(
        self, session: AsyncSession, principal: Principal, wanted: DeadLetterQuery
    ) -> Page[DeadLetter]:
        """The newest first. A document's name is told to those who may see it. Raises Forbidden."""
        principal.require(PERMISSION)
        letters = await self._found(principal, wanted, wanted.limit + 1, wanted.cursor)
        shown = letters[: wanted.limit]
        names = await _names(session, principal, shown)
        more = str(shown[-1].id) if len(letters) > len(shown) else None
        return Page(items=[_shown(letter, names) for letter in shown], next_cursor=more)

    async def replay(self, session: AsyncSession, principal: Principal, wanted: ReplayRequest) -> Replayed:
        """At most a thousand at once, the newest first. Raises Forbidden."""
        principal.require(PERMISSION)
        letters = await self._found(principal, wanted, _AT_ONCE)
        return await self._replay(session, principal, letters)

    async def replay_one(self, session: AsyncSession, principal: Principal, letter_id: int) -> Replayed:
        """Raises Forbidden, NotFound."""
        return await self._replay(session, principal, [await self._one(principal, letter_id)])

    async def delete(self, session: AsyncSession, principal: Principal, letter_id: int) -> None:
        """A document that it was about stays failed. Raises Forbidden, NotFound."""
        letter = await self._one(principal, letter_id)
        await self._queue.forget(session, letter.id)
        details = {"letter": letter.id, "task": letter.task}
        await audit.record(session, principal, "dead_letter.deleted", details)

    async def _one(self, principal: Principal, letter_id: int) -> FailedJob:
        principal.require(PERMISSION)
        letters = await self._found(principal, ReplayRequest(), 1, letter_id + 1)
        if not letters or letters[0].id != letter_id:
            raise NotFound
        return letters[0]

    async def _found(
        self, principal: Principal, wanted: ReplayRequest, limit: int, before: int | None = None
    ) -> Sequence[FailedJob]:
        about = {"organisation_id": str(principal.organisation_id)}
        named = {"document_id": wanted.document_id, "job_id": wanted.job_id}
        about |= {name: str(value) for name, value in named.items() if value}
        return await self._queue.failed(limit, task=wanted.task, about=about, before=before)

    async def _replay(
        self, session: AsyncSession, principal: Principal, letters: Sequence[FailedJob]
    ) -> Replayed:
        done = 0
        # In one order, since each locks its document.
        for letter in sorted(letters, key=lambda letter: str(letter.args.get("document_id"))):
            done += await self._replay_letter(session, letter)
        for letter in letters:
            details = {"letter": letter.id, "task": letter.task}
            await audit.record(session, principal, "dead_letter.replayed", details)
        return Replayed(replayed=done, dropped=len(letters) - done)

    async def _replay_letter(self, session: AsyncSession, letter: FailedJob) -> bool:
        if letter.task != INGEST:
            return await self._queue.replay(session, letter.id)
        args = letter.args
        key = (UUID(args["job_id"]), UUID(args["document_id"]), int(args["version"]))
        item = await session.get(JobItemRow, key)
        if item is not None and await reopen(session, self._queue, [item], self._clock.now()):
            return True
        # Deleted, sent again, or read since: nobody waits for it.
        await self._queue.forget(session, letter.id)
        return False


async def _names(
    session: AsyncSession, principal: Principal, letters: Sequence[FailedJob]
) -> dict[UUID, str]:
    ids = {about for letter in letters if (about := _uuid(letter.args, "document_id"))}
    rows = await session.scalars(repository.visible(principal).where(DocumentRow.id.in_(ids)))
    return {row.id: row.path for row in rows}


def _shown(letter: FailedJob, names: dict[UUID, str]) -> DeadLetter:
    document_id = _uuid(letter.args, "document_id")
    return DeadLetter(
        id=letter.id,
        task=letter.task,
        reason=letter.reason,
        attempts=letter.attempts,
        failed_at=letter.failed_at,
        document_id=document_id,
        document=names.get(document_id) if document_id else None,
        job_id=_uuid(letter.args, "job_id"),
    )


def _uuid(args: dict[str, Any], name: str) -> UUID | None:
    return UUID(args[name]) if args.get(name) else None
