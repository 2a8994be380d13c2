"""Reading sources: a run is a chain of short steps, each of which begins where the last one said it stood.

A step that dies says nothing, so the next one repeats it: what it had taken in is found unchanged. Nothing
is removed before a run has seen everything, and never more than half without somebody's word.
"""

import time
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import Forbidden, NotFound, Unauthenticated
from kit.wire.sources import CreateSource
from knowledge.gather import Gatherer, GatherFailed
from platform_api.identity import Identity
from platform_api.library import repository
from platform_api.library.errors import JobFinished
from platform_api.library.models import DocumentRow, SourceRow, SourceRunRow
from platform_api.library.service import source_entries
from platform_api.library.service.documents import Documents
from platform_api.library.service.intake import Intake
from platform_api.library.service.jobs import Reason, cancelled, set_stage
from platform_api.library.service.permissions import require_manage
from platform_api.library.service.source_endings import Endings
from platform_api.library.service.source_gatherers import Gatherers
from platform_api.library.service.source_looking import Looking, Step, passed_over, problem_of
from platform_api.library.service.source_runs import (
    SYNC,
    Ending,
    RunOver,
    add_problems,
    defer_step,
    end_run,
    locked_run,
    next_run_at,
    start_run,
    still_open,
)
from platform_api.library.service.sources import LEAVE
from platform_api.library.sources_settings import SourcesSettings
from ports.db import Database
from ports.queue import Queue, Tasks

_DUE_EVERY_S = 60
_LEASE_S = 900.0
_LOST_AFTER_S = 1800.0
_WAIT_FOR_A_PLACE_S = 5.0
_AT_ONCE = 100
_VANISHED_SHARE = 0.5
log = structlog.get_logger()


class SourceTasks:
    def __init__(
        self,
        database: Database,
        queue: Queue,
        gatherers: Gatherers,
        intake: Intake,
        documents: Documents,
        *,
        settings: SourcesSettings,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._gatherers = gatherers
        self._documents = documents
        self._settings = settings
        self._clock = clock
        self._looking = Looking(intake, clock)
        self._endings = Endings(database, settings, clock)

    def register(self, tasks: Tasks) -> None:
        tasks.add(SYNC, self.step, attempts=8, backoff_s=2.0, timeout_s=_LEASE_S, dead=self.given_up)
        tasks.add(LEAVE, self.leave, attempts=8, backoff_s=2.0)
        tasks.every(_DUE_EVERY_S, "library.sources_due", self.due)

    # --- when

    async def due(self, _: dict[str, Any]) -> None:
        """Start what is due, and go on with what nobody goes on with."""
        now = self._clock.now()
        async with self._database.begin() as session:
            row = SourceRow
            statement = select(row).where(row.status == "active", row.next_run_at <= now)
            statement = statement.order_by(row.next_run_at).limit(_AT_ONCE)
            for source in await session.scalars(statement.with_for_update(skip_locked=True)):
                await start_run(session, self._queue, source, now)
                source.next_run_at = next_run_at(source, now)
        async with self._database.begin() as session:
            lost = SourceRunRow.step_until < now - timedelta(seconds=_LOST_AFTER_S)
            runs = select(SourceRunRow).where(SourceRunRow.finished_at.is_(None), lost)
            for run in await session.scalars(runs.with_for_update(skip_locked=True)):
                run.step_until = now
                await defer_step(session, self._queue, run)

    # --- one step

    async def step(self, args: dict[str, Any]) -> None:
        """Some seconds of a run; then the next step is queued."""
        run_id = UUID(args["run_id"])
        try:
            step = await self._begin(run_id)
            if step is not None:
                await self._work(step)
        except GatherFailed as failed:
            reason = Reason(failed.code, failed.detail)
            await self._endings.failed(run_id, reason, failed.hint, lasting=failed.lasting)
        except (Forbidden, Unauthenticated, NotFound) as lost:
            await self._endings.rights_lost(run_id, lost)
        except JobFinished:
            await self._endings.ended(run_id, Ending("cancelled"))
        except RunOver:
            log.info("library.source_run_left", run_id=str(run_id))

    async def given_up(self, args: dict[str, Any], reason: str) -> None:
        """No attempt follows: the run says so, and the source tries again at its next time."""
        said = Reason("internal", "It could not be read now, through no fault of the source.")
        await self._endings.failed(UUID(args["run_id"]), said, "Ask an admin if it happens again.")

    async def _begin(self, run_id: UUID) -> Step | None:
        now = self._clock.now()
        async with self._database.begin() as session:
            found = await locked_run(session, run_id)
            if found is None:
                return None
            source, run = found
            if await self._is_full(session, run):
                later = now + timedelta(seconds=_WAIT_FOR_A_PLACE_S)
                await defer_step(session, self._queue, run, later)
                return None
            run.status, run.step_until = "running", now + timedelta(seconds=_LEASE_S)
            await set_stage(session, run.job_id, run.stage)
            if await cancelled(session, run.job_id):
                await end_run(session, source, run, Ending("cancelled"), now)
                return None
        principal = (await Identity(self._database, self._clock).person(source.created_by)).principal
        asked = CreateSource.model_validate(source.asked)
        async with self._database.begin() as session:
            base = await repository.base(session, principal, source.knowledge_base_id)
            require_manage(principal, base)
            self._gatherers.allow(principal, asked)
            marks, documents = await source_entries.marks_of(session, source.id)
        return Step(principal, source, run, asked, marks, documents)

    async def _is_full(self, session: AsyncSession, run: SourceRunRow) -> bool:
        row = SourceRunRow
        working = select(func.count()).where(
            row.id != run.id, row.finished_at.is_(None), row.step_until > self._clock.now()
        )
        return (await session.scalar(working) or 0) >= self._settings.at_once

    async def _work(self, step: Step) -> None:
        if step.run.stage == "gathering" and not await self._gather_and_check(step):
            return
        if await self._remove(step):
            await self._endings.succeeded(step.run.id)
        else:
            await self._go_on(step)

    # --- looking

    async def _gather_and_check(self, step: Step) -> bool:
        """Whether everything was seen, and what has vanished may go."""
        async with self._gatherers.opened(
            step.asked,
            step.source.organisation_id,
            known=step.marks,
            state=step.run.state,
            kept=step.source.kept,
        ) as gatherer:
            if not await self._gather(step, gatherer):
                return False
            return await self._check_vanished(step, gatherer)

    async def _gather(self, step: Step, gatherer: Gatherer) -> bool:
        async with aclosing(gatherer.gather()) as found:
            async for one in found:
                step.looked.append(await self._looking.look(step, one))
                out_of_time = step.is_out_of_time(self._settings.step_s)
                if out_of_time or step.save_is_due:
                    await self._save(step, gatherer)
                if out_of_time:
                    await self._go_on_unless_too_long(step, gatherer)
                    return False
        await self._save(step, gatherer)
        if gatherer.wait_s is not None:
            await self._go_on(step, gatherer.wait_s)
        return gatherer.wait_s is None

    async def _save(self, step: Step, gatherer: Gatherer) -> None:
        """Entries, counts and where we stand, in one commit. Raises RunOver."""
        now = self._clock.now()
        async with self._database.begin() as session:
            _, run = await still_open(session, step.run.id)
            counts = await source_entries.save(session, run, step.looked, now)
            run.success += counts.get("success", 0)
            run.unchanged += counts.get("unchanged", 0)
            run.skipped += counts.get("skipped", 0)
            run.failed += counts.get("failed", 0)
            run.passed_over = sum(gatherer.passed_over().values())
            run.state, run.step_until = gatherer.state(), now + timedelta(seconds=_LEASE_S)
            add_problems(run, [problem for one in step.looked if (problem := problem_of(one))])
            unchanged = [one.document_id for one in step.looked if one.outcome == "unchanged"]
            if step.asked.kind != "crawl":
                ids = [document_id for document_id in unchanged if document_id is not None]
                await source_entries.touch(session, run.source_id, ids, now)
            seen = run.success + run.unchanged + run.skipped + run.failed
            await set_stage(session, run.job_id, f"looking, {seen} seen")
            if await cancelled(session, run.job_id):
                raise JobFinished
        step.looked, step.saved_at = [], time.monotonic()

    async def _check_vanished(self, step: Step, gatherer: Gatherer) -> bool:
        """Whether to go on with removing; a run that would remove more than half asks first."""
        async with self._database.begin() as session:
            source, run = await still_open(session, step.run.id)
            gone = await source_entries.vanished(session, source.id, run.id, lists_all=gatherer.lists_all)
            add_problems(run, passed_over(gatherer))
            if len(gone.entries) > gone.held * _VANISHED_SHARE and not run.forced:
                await self._endings.ask_first(session, source, run, len(gone.entries), gone.held)
                return False
            run.stage = "removing"
            run.state = {"kept": gatherer.kept(), "lists_all": gatherer.lists_all}
            step.run = run
        return True

    # --- removing

    async def _remove(self, step: Step) -> bool:
        """Whether all that has vanished is gone."""
        lists_all = bool(step.run.state["lists_all"])
        async with self._database.begin() as session:
            gone = await source_entries.vanished(session, step.source.id, step.run.id, lists_all=lists_all)
        for path, document_id in gone.entries:
            async with self._database.begin() as session:
                _, run = await still_open(session, step.run.id)
                await self._take_away(session, step, path, document_id)
                run.removed += 1
            if step.is_out_of_time(self._settings.step_s):
                return False
        return True

    async def _take_away(self, session: AsyncSession, step: Step, path: str, document_id: UUID) -> None:
        """What somebody moved elsewhere meanwhile is theirs."""
        document = await session.get(DocumentRow, document_id, with_for_update=True)
        base_id = step.source.knowledge_base_id
        if document is not None and document.knowledge_base_id == base_id:
            await self._documents.take_away(session, step.principal, base_id, document_id)
        await source_entries.forget_one(session, step.source.id, path)

    async def _go_on_unless_too_long(self, step: Step, gatherer: Gatherer) -> None:
        if self._now - step.run.created_at < timedelta(hours=self._settings.longest_h):
            await self._go_on(step)
            return
        if not gatherer.lists_all:
            # What is left is where the next run begins.
            async with self._database.begin() as session:
                source, _ = await still_open(session, step.run.id)
                source.kept = gatherer.kept()
        hours = f"{self._settings.longest_h:g}"
        raise GatherFailed(
            "too_long",
            f"It was not finished after {hours} hours. What was read is kept.",
            "The next run goes on. Choose fewer pages with `include` or `max_pages`, or a smaller part.",
        )

    async def _go_on(self, step: Step, wait_s: float = 0.0) -> None:
        async with self._database.begin() as session:
            _, run = await still_open(session, step.run.id)
            run.step_until = None
            at = self._now + timedelta(seconds=wait_s) if wait_s else None
            await defer_step(session, self._queue, run, at)

    @property
    def _now(self) -> datetime:
        return self._clock.now()

    # --- a source was deleted

    async def leave(self, args: dict[str, Any]) -> None:
        """Its documents stay as if people had sent them, or go. Again does nothing."""
        organisation_id, source_id = UUID(args["organisation_id"]), UUID(args["source_id"])
        principal = Principal(organisation_id=organisation_id, id=UUID(args["principal_id"]))
        base_id = UUID(args["knowledge_base_id"])
        row = DocumentRow
        mine = (row.organisation_id == organisation_id, row.source_id == source_id)
        if args["documents"] == "delete":
            async with self._database.begin() as session:
                ids = (
                    await session.scalars(select(row.id).where(*mine, row.knowledge_base_id == base_id))
                ).all()
            for document_id in ids:
                async with self._database.begin() as session:
                    document = await session.get(row, document_id, with_for_update=True)
                    if document is not None and document.knowledge_base_id == base_id:
                        await self._documents.take_away(session, principal, base_id, document_id)
        async with self._database.begin() as session:
            free = select(row.id).where(*mine).order_by(row.id).with_for_update()
            await session.execute(update(row).where(row.id.in_(free)).values(source_id=None))
