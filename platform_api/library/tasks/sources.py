"""Reading sources: a run is a chain of short steps, each of which begins where the last one said it stood.

A step that dies says nothing, so the next one repeats it: what it had taken in is found unchanged. Nothing
is removed before a run has seen everything, and never more than half without somebody's word.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import Forbidden, NotFound, SwitchboardError, Unauthenticated
from kit.wire.library import DocumentMetadata
from kit.wire.sources import CreateSource, RunProblem
from knowledge.gather import Found, Gatherer, GatherFailed, Mark
from platform_api.identity import Identity
from platform_api.library import repository
from platform_api.library.errors import JobFinished, QuotaExceeded, UnsupportedDocument
from platform_api.library.models import DocumentRow, SourceRow, SourceRunRow
from platform_api.library.service import source_entries
from platform_api.library.service.documents import Documents
from platform_api.library.service.intake import Intake, Origin
from platform_api.library.service.jobs import Outcome, Reason, cancelled, set_stage
from platform_api.library.service.permissions import require_manage
from platform_api.library.service.source_entries import Looked
from platform_api.library.service.source_gatherers import Gatherers
from platform_api.library.service.source_runs import (
    SYNC,
    Ending,
    add_problems,
    defer_step,
    end_run,
    forget_runs,
    next_run_at,
    start_run,
    stop_source,
)
from platform_api.library.service.sources import LEAVE, metadata_of
from platform_api.library.sources_settings import SourcesSettings
from ports.db import Database
from ports.queue import Queue, Tasks

_DUE_EVERY_S = 60
_SAVE_EVERY = 20
_SAVE_EVERY_S = 3.0
_LEASE_S = 900.0
_LOST_AFTER_S = 1800.0
_WAIT_FOR_A_PLACE_S = 5.0
_KEPT_RUNS = 200
_AT_ONCE = 100
_VANISHED_SHARE = 0.5
log = structlog.get_logger()


class _Over(Exception):
    """The run ended meanwhile: cancelled, paused, or its source deleted."""


@dataclass(slots=True)
class Step:
    """What one step works with."""

    principal: Principal
    source: SourceRow
    run: SourceRunRow
    asked: CreateSource
    marks: dict[str, Mark]
    documents: dict[str, UUID]
    began: float = field(default_factory=time.monotonic)
    looked: list[Looked] = field(default_factory=list[Looked])
    saved_at: float = field(default_factory=time.monotonic)

    def is_out_of_time(self, limit_s: float) -> bool:
        return time.monotonic() - self.began >= limit_s

    @property
    def save_is_due(self) -> bool:
        return len(self.looked) >= _SAVE_EVERY or time.monotonic() - self.saved_at >= _SAVE_EVERY_S


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
        self._intake = intake
        self._documents = documents
        self._settings = settings
        self._clock = clock

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
            await self._failed(run_id, Reason(failed.code, failed.detail), failed.hint, failed.lasting)
        except (Forbidden, Unauthenticated, NotFound) as lost:
            await self._rights_lost(run_id, lost)
        except JobFinished:
            await self._ended(run_id, Ending("cancelled"))
        except _Over:
            log.info("library.source_run_left", run_id=str(run_id))

    async def given_up(self, args: dict[str, Any], reason: str) -> None:
        """No attempt follows: the run says so, and the source tries again at its next time."""
        said = Reason("internal", "It could not be read now, through no fault of the source.")
        await self._failed(UUID(args["run_id"]), said, "Ask an admin if it happens again.", lasting=False)

    async def _begin(self, run_id: UUID) -> Step | None:
        now = self._clock.now()
        async with self._database.begin() as session:
            found = await _locked(session, run_id)
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
            await self._succeeded(step)
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
        async for one in gatherer.gather():
            step.looked.append(await self._look(step, one))
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

    async def _look(self, step: Step, found: Found) -> Looked:
        document_id = step.documents.get(found.path)
        if found.outcome == "content":
            return await self._take(step, found)
        if found.outcome == "unchanged":
            if document_id is not None and step.asked.kind == "crawl":
                await self._intake.seen(step.principal, document_id, self._origin(step, found))
            return Looked(found, "unchanged", document_id, marks=True)
        return Looked(found, found.outcome, document_id, found.code, found.detail)

    async def _take(self, step: Step, found: Found) -> Looked:
        """Raises JobFinished, and Forbidden or NotFound where the creator may no longer do this."""
        try:
            metadata = _metadata(step.asked, found)
            outcome = await self._intake.take(
                step.principal,
                step.source.knowledge_base_id,
                found.path,
                found.data,
                metadata,
                self._origin(step, found),
                step.run.job_id,
            )
        except (Forbidden, NotFound, JobFinished, Unauthenticated):
            raise
        except ValidationError:
            detail = "What the mapping file says about it is not valid, so it was not read."
            return Looked(found, "failed", code="bad_mapping", detail=detail)
        except SwitchboardError as error:
            if error.status >= 500:
                raise
            return Looked(found, "failed", code=error.code, detail=error.detail)
        return _taken(found, outcome)

    def _origin(self, step: Step, found: Found) -> Origin:
        return Origin(
            source=step.source.kind,  # pyright: ignore[reportArgumentType]  the table's check allows no other
            source_id=step.source.id,
            source_url=found.url,
            etag=found.etag if step.asked.kind == "crawl" else None,
            last_modified=found.last_modified,
            crawled_at=self._clock.now(),
        )

    async def _save(self, step: Step, gatherer: Gatherer) -> None:
        """Entries, counts and where we stand, in one commit. Raises _Over."""
        now = self._clock.now()
        async with self._database.begin() as session:
            _, run = await _open(session, step.run.id)
            counts = await source_entries.save(session, run, step.looked, now)
            run.success += counts.get("success", 0)
            run.unchanged += counts.get("unchanged", 0)
            run.skipped += counts.get("skipped", 0)
            run.failed += counts.get("failed", 0)
            run.passed_over = sum(gatherer.passed_over().values())
            run.state, run.step_until = gatherer.state(), now + timedelta(seconds=_LEASE_S)
            add_problems(run, [problem for one in step.looked if (problem := _problem(one))])
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
            source, run = await _open(session, step.run.id)
            gone = await source_entries.vanished(session, source.id, run.id, lists_all=gatherer.lists_all)
            add_problems(run, _passed_over(gatherer))
            if len(gone.entries) > gone.held * _VANISHED_SHARE and not run.forced:
                await self._ask_first(session, source, run, len(gone.entries), gone.held)
                return False
            run.stage = "removing"
            run.state = {"kept": gatherer.kept(), "lists_all": gatherer.lists_all}
            step.run = run
        return True

    async def _ask_first(
        self, session: AsyncSession, source: SourceRow, run: SourceRunRow, gone: int, held: int
    ) -> None:
        detail = f"{gone} of {held} documents are no longer there. Nothing was removed."
        hint = "If that is right, start it with `sync?force=true` or `switchboard docs sources sync --force`."
        await end_run(
            session, source, run, Ending("stopped", Reason("too_much_gone", detail), hint), self._now
        )
        source.reason, source.hint = detail, hint

    # --- removing

    async def _remove(self, step: Step) -> bool:
        """Whether all that has vanished is gone."""
        lists_all = bool(step.run.state["lists_all"])
        async with self._database.begin() as session:
            gone = await source_entries.vanished(session, step.source.id, step.run.id, lists_all=lists_all)
        for path, document_id in gone.entries:
            async with self._database.begin() as session:
                _, run = await _open(session, step.run.id)
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

    # --- endings

    async def _succeeded(self, step: Step) -> None:
        async with self._database.begin() as session:
            source, run = await _open(session, step.run.id)
            lists_all = bool(run.state["lists_all"])
            await source_entries.forget(session, source.id, run.id, lists_all=lists_all)
            source.kept = run.state["kept"]
            if run.failed and not run.success + run.unchanged + run.removed:
                reason = Reason("nothing_readable", f"None of {run.failed} could be read.")
                await self._count_failure(session, source, run, reason, _first_detail(run))
                return
            source.failures, source.reason, source.hint = 0, None, None
            await end_run(session, source, run, Ending("succeeded"), self._now)
            await forget_runs(session, source.id, _KEPT_RUNS)

    async def _failed(self, run_id: UUID, reason: Reason, hint: str, lasting: bool) -> None:
        async with self._database.begin() as session:
            found = await _locked(session, run_id)
            if found is not None:
                await self._count_failure(session, *found, reason, hint, lasting=lasting)

    async def _count_failure(
        self,
        session: AsyncSession,
        source: SourceRow,
        run: SourceRunRow,
        reason: Reason,
        hint: str,
        *,
        lasting: bool = False,
    ) -> None:
        await end_run(session, source, run, Ending("failed", reason, hint), self._now)
        source.failures += 1
        if lasting or source.failures >= self._settings.stop_after:
            times = f" ({source.failures} times in a row)" if source.failures > 1 else ""
            stop_source(source, reason.detail + times, hint, self._now)
        else:
            source.reason, source.hint = reason.detail, hint or None

    async def _rights_lost(self, run_id: UUID, lost: SwitchboardError) -> None:
        detail = "The person who added it may no longer do so, so nothing was read."
        hint = "Give them the right back, or delete the source and add it again as somebody who has it."
        await self._failed(run_id, Reason("rights_lost", detail), hint, lasting=True)
        log.info("library.source_rights_lost", run_id=str(run_id), error=type(lost).__name__)

    async def _ended(self, run_id: UUID, ending: Ending) -> None:
        async with self._database.begin() as session:
            found = await _locked(session, run_id)
            if found is not None:
                await end_run(session, *found, ending, self._now)

    async def _go_on_unless_too_long(self, step: Step, gatherer: Gatherer) -> None:
        if self._now - step.run.created_at < timedelta(hours=self._settings.longest_h):
            await self._go_on(step)
            return
        if not gatherer.lists_all:
            # What is left is where the next run begins.
            async with self._database.begin() as session:
                source, _ = await _open(session, step.run.id)
                source.kept = gatherer.kept()
        hours = f"{self._settings.longest_h:g}"
        raise GatherFailed(
            "too_long",
            f"It was not finished after {hours} hours. What was read is kept.",
            "The next run goes on. Choose fewer pages with `include` or `max_pages`, or a smaller part.",
        )

    async def _go_on(self, step: Step, wait_s: float = 0.0) -> None:
        async with self._database.begin() as session:
            _, run = await _open(session, step.run.id)
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


async def _locked(session: AsyncSession, run_id: UUID) -> tuple[SourceRow, SourceRunRow] | None:
    """Source, then run, as everybody locks them; None where the run has ended or is gone."""
    run = await session.get(SourceRunRow, run_id)
    if run is None:
        return None
    source = await session.get(SourceRow, run.source_id, with_for_update=True, populate_existing=True)
    run = await session.get(SourceRunRow, run_id, with_for_update=True, populate_existing=True)
    return None if source is None or run is None or run.finished_at is not None else (source, run)


async def _open(session: AsyncSession, run_id: UUID) -> tuple[SourceRow, SourceRunRow]:
    """Raises _Over."""
    found = await _locked(session, run_id)
    if found is None:
        raise _Over
    return found


def _metadata(asked: CreateSource, found: Found) -> DocumentMetadata:
    """The mapping file says more about a folder than the source about all. Raises ValidationError."""
    said = metadata_of(asked).model_dump(exclude_none=True, exclude_defaults=True)
    return DocumentMetadata.model_validate(said | dict(found.rules))


def _taken(found: Found, outcome: Outcome) -> Looked:
    error, shown = outcome.error, outcome.shown
    if shown.status == "queued":
        return Looked(found, "success", shown.id, marks=True)
    if shown.status == "unchanged":
        return Looked(found, "unchanged", shown.id, marks=True)
    code, detail = (error.code, error.detail) if error else ("refused", shown.error or "")
    if code == QuotaExceeded.code:
        return Looked(found, "failed", code=code, detail=detail)
    skipped = code == UnsupportedDocument.code
    return Looked(found, "skipped" if skipped else "failed", code=code, detail=detail, marks=True)


def _problem(one: Looked) -> RunProblem | None:
    if one.outcome not in ("failed", "skipped"):
        return None
    found = one.found
    return RunProblem(path=found.path, url=found.url, code=one.code, detail=one.detail)


_PASSED_OVER = {
    "trap": "addresses look like ones of an endless number",
    "page_limit": "addresses are beyond the limit of pages",
    "too_deep": "addresses are too many links away from the start",
}


def _passed_over(gatherer: Gatherer) -> list[RunProblem]:
    """One line for each reason, with an example."""
    examples = {code: url for url, code in reversed(gatherer.examples())}
    return [
        RunProblem(
            path=examples.get(code, ""),
            code=code,
            detail=f"{count} {_PASSED_OVER[code]} and were not opened.",
        )
        for code, count in gatherer.passed_over().items()
        if count
    ]


def _first_detail(run: SourceRunRow) -> str:
    return str(run.problems[0]["detail"]) if run.problems else ""
