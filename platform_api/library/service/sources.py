"""Sources of a knowledge base: only who manages it sees and changes them (SPEC 3, 7)."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID, uuid4

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import NotFound
from kit.wire.base import Page
from kit.wire.library import DocumentMetadata
from kit.wire.sources import CreateSource, Source, SourceRun, UpdateSource
from platform_api import audit
from platform_api.edge import PageRequest, keyset, page_of
from platform_api.library import repository
from platform_api.library.errors import SourceNotRunning, SourceTaken, TooManySources
from platform_api.library.models import DocumentRow, KnowledgeBaseRow, SourceRow, SourceRunRow
from platform_api.library.service.intake import Intake
from platform_api.library.service.permissions import require_manage
from platform_api.library.service.source_gatherers import Gatherers
from platform_api.library.service.source_runs import (
    Ending,
    end_run,
    next_run_at,
    open_run,
    run_shown,
    start_run,
)
from platform_api.library.sources_settings import SourcesSettings
from ports.db import Database
from ports.queue import Queue

LEAVE = "library.source_left"
Documents = Literal["keep", "delete"]


class Sources:
    def __init__(
        self,
        database: Database,
        queue: Queue,
        gatherers: Gatherers,
        intake: Intake,
        *,
        settings: SourcesSettings,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._gatherers = gatherers
        self._intake = intake
        self._settings = settings
        self._clock = clock

    async def create(self, principal: Principal, base_id: UUID, asked: CreateSource) -> Source:
        """Added and started. Raises NotFound, Forbidden, Invalid, SourceTaken, TooManySources."""
        await self._intake.checked(principal, base_id, metadata_of(asked))
        name = await self._gatherers.check(principal, asked)
        now = self._clock.now()
        async with self._database.begin() as session:
            base = await self._managed_base(session, principal, base_id)
            await session.get_one(KnowledgeBaseRow, base.id, with_for_update={"key_share": True})
            await self._refuse_more(session, base, asked, name)
            source = SourceRow(
                id=uuid4(),
                organisation_id=base.organisation_id,
                knowledge_base_id=base.id,
                created_by=principal.id,
                kind=asked.kind,
                name=name,
                asked=asked.model_dump(mode="json"),
                schedule_minutes=None if asked.schedule == "manual" else asked.schedule,
                status="active",
                failures=0,
                kept={},
                created_at=now,
                updated_at=now,
            )
            session.add(source)
            await session.flush()
            await start_run(session, self._queue, source, now)
            await _record(session, principal, source, "source.added")
            return (await _shown(session, principal, [source]))[0]

    async def list(
        self, session: AsyncSession, principal: Principal, base_id: UUID, page: PageRequest
    ) -> Page[Source]:
        """Raises NotFound, Forbidden."""
        base = await self._managed_base(session, principal, base_id)
        statement = keyset(_of(base), page, SourceRow.created_at, SourceRow.id)
        rows = (await session.scalars(statement)).all()
        shown = {each.id: each for each in await _shown(session, principal, rows)}
        return page_of(rows, page, lambda row: (row.created_at, row.id), lambda row: shown[row.id])

    async def get(
        self, session: AsyncSession, principal: Principal, base_id: UUID, source_id: UUID
    ) -> Source:
        """Raises NotFound, Forbidden."""
        source = await self._managed(session, principal, base_id, source_id)
        return (await _shown(session, principal, [source]))[0]

    async def update(
        self,
        session: AsyncSession,
        principal: Principal,
        base_id: UUID,
        source_id: UUID,
        change: UpdateSource,
    ) -> Source:
        """Pause, resume, another schedule. Raises NotFound, Forbidden."""
        source = await self._managed(session, principal, base_id, source_id, lock=True)
        now = self._clock.now()
        if change.schedule is not None:
            source.schedule_minutes = None if change.schedule == "manual" else change.schedule
            source.next_run_at = next_run_at(source, now)
        if change.paused is True:
            source.status, source.next_run_at = "paused", None
            await self._end_open_run(session, source)
        elif change.paused is False and source.status != "active":
            source.status, source.reason, source.hint, source.failures = "active", None, None, 0
            if source.schedule_minutes is not None:
                source.next_run_at = now
        source.updated_at = now
        await session.flush()
        await _record(session, principal, source, "source.changed")
        return (await _shown(session, principal, [source]))[0]

    async def delete(
        self,
        session: AsyncSession,
        principal: Principal,
        base_id: UUID,
        source_id: UUID,
        documents: Documents,
    ) -> None:
        """Its documents stay as if people had sent them, or go with it. Raises NotFound, Forbidden."""
        source = await self._managed(session, principal, base_id, source_id, lock=True)
        await self._end_open_run(session, source)
        await _record(session, principal, source, "source.deleted", documents=documents)
        args = {
            "organisation_id": str(source.organisation_id),
            "knowledge_base_id": str(source.knowledge_base_id),
            "source_id": str(source.id),
            "principal_id": str(principal.id),
            "documents": documents,
        }
        await session.flush()
        await session.execute(delete(SourceRow).where(SourceRow.id == source.id))
        # After the step that may run now, which still takes documents in.
        await self._queue.defer(session, LEAVE, args, lock=f"source:{source.id}")

    async def sync(
        self,
        session: AsyncSession,
        principal: Principal,
        base_id: UUID,
        source_id: UUID,
        *,
        force: bool = False,
    ) -> SourceRun:
        """Start now, or the run that is under way. Raises NotFound, Forbidden, SourceNotRunning."""
        source = await self._managed(session, principal, base_id, source_id, lock=True)
        if source.status != "active":
            raise SourceNotRunning(f"This source is {source.status}.")
        run = await start_run(session, self._queue, source, self._clock.now(), forced=force)
        await _record(session, principal, source, "source.started", force=force)
        return run_shown(run, principal, source)

    async def runs(
        self,
        session: AsyncSession,
        principal: Principal,
        base_id: UUID,
        source_id: UUID,
        page: PageRequest,
    ) -> Page[SourceRun]:
        """The log, newest first. Raises NotFound, Forbidden."""
        source = await self._managed(session, principal, base_id, source_id)
        row = SourceRunRow
        statement = select(row).where(
            row.organisation_id == source.organisation_id, row.source_id == source.id
        )
        rows = (await session.scalars(keyset(statement, page, row.created_at, row.id))).all()

        def show(run: SourceRunRow) -> SourceRun:
            return run_shown(run, principal, source)

        return page_of(rows, page, lambda run: (run.created_at, run.id), show)

    async def _managed_base(
        self, session: AsyncSession, principal: Principal, base_id: UUID
    ) -> KnowledgeBaseRow:
        base = await repository.base(session, principal, base_id)
        require_manage(principal, base)
        return base

    async def _managed(
        self,
        session: AsyncSession,
        principal: Principal,
        base_id: UUID,
        source_id: UUID,
        *,
        lock: bool = False,
    ) -> SourceRow:
        base = await self._managed_base(session, principal, base_id)
        statement = _of(base).where(SourceRow.id == source_id)
        found = (await session.scalars(statement.with_for_update() if lock else statement)).one_or_none()
        if found is None:
            raise NotFound
        return found

    async def _refuse_more(
        self, session: AsyncSession, base: KnowledgeBaseRow, asked: CreateSource, name: str
    ) -> None:
        others = (await session.scalars(_of(base))).all()
        if len(others) >= self._settings.most_per_base:
            raise TooManySources
        mine = (asked.kind, name, asked.branch, asked.folder.strip("/"))
        for other in others:
            said = CreateSource.model_validate(other.asked)
            if mine == (other.kind, other.name, said.branch, said.folder.strip("/")):
                raise SourceTaken(f"'{name}' is a source of this knowledge base already.")

    async def _end_open_run(self, session: AsyncSession, source: SourceRow) -> None:
        run = await open_run(session, source.id)
        if run is not None:
            await end_run(session, source, run, Ending("cancelled"), self._clock.now())


def metadata_of(asked: CreateSource) -> DocumentMetadata:
    """What is said of all documents of the source."""
    return DocumentMetadata.model_validate(asked.metadata.model_dump(exclude_none=True))


def _of(base: KnowledgeBaseRow) -> Select[SourceRow]:
    """Of a knowledge base that the principal manages."""
    return select(SourceRow).where(
        SourceRow.organisation_id == base.organisation_id, SourceRow.knowledge_base_id == base.id
    )


async def _shown(session: AsyncSession, principal: Principal, rows: Sequence[SourceRow]) -> list[Source]:
    ids = [row.id for row in rows]
    counts = await _documents(session, principal, ids)
    latest = await _latest_runs(session, ids)
    return [_source_shown(principal, row, counts.get(row.id, 0), latest.get(row.id)) for row in rows]


async def _documents(session: AsyncSession, principal: Principal, ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many of each the principal can see."""
    seen = repository.visible(principal).where(DocumentRow.source_id.in_(ids)).subquery()
    rows = await session.execute(select(seen.c.source_id, func.count()).group_by(seen.c.source_id))
    return {row[0]: row[1] for row in rows}


async def _latest_runs(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, SourceRunRow]:
    row = SourceRunRow
    statement = (
        select(row)
        .where(row.source_id.in_(ids))
        .ext(distinct_on(row.source_id))
        .order_by(row.source_id, row.created_at.desc(), row.id.desc())
    )
    return {run.source_id: run for run in await session.scalars(statement)}


def _source_shown(principal: Principal, row: SourceRow, documents: int, run: SourceRunRow | None) -> Source:
    asked = CreateSource.model_validate(row.asked)
    return Source.model_validate(
        {
            "id": row.id,
            "knowledge_base_id": row.knowledge_base_id,
            "kind": row.kind,
            "url": asked.url,
            "path": asked.path,
            "branch": asked.branch,
            "folder": asked.folder,
            "include": asked.include,
            "exclude": asked.exclude,
            "schedule": row.schedule_minutes or "manual",
            "status": row.status,
            "reason": row.reason,
            "hint": row.hint,
            "documents": documents,
            "next_run_at": row.next_run_at,
            "last_run": run_shown(run, principal, row) if run else None,
            "created_by": row.created_by,
            "created_at": row.created_at,
        }
    )


async def _record(
    session: AsyncSession, principal: Principal, source: SourceRow, type: str, **more: object
) -> None:
    details = {"source_id": str(source.id), "knowledge_base_id": str(source.knowledge_base_id), **more}
    await audit.record(session, principal, type, details)
