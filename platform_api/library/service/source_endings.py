"""How runs of sources end, and what their source learns from it."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.errors import SwitchboardError
from platform_api.library.models import SourceRow, SourceRunRow
from platform_api.library.service import source_entries
from platform_api.library.service.jobs import Reason
from platform_api.library.service.source_runs import (
    Ending,
    end_run,
    forget_runs,
    locked_run,
    still_open,
    stop_source,
)
from platform_api.library.sources_settings import SourcesSettings
from ports.db import Database

_KEPT_RUNS = 200
log = structlog.get_logger()


class Endings:
    def __init__(self, database: Database, settings: SourcesSettings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    async def ask_first(
        self, session: AsyncSession, source: SourceRow, run: SourceRunRow, gone: int, held: int
    ) -> None:
        detail = f"{gone} of {held} documents are no longer there. Nothing was removed."
        hint = "If that is right, start it with `sync?force=true` or `switchboard docs sources sync --force`."
        await end_run(
            session, source, run, Ending("stopped", Reason("too_much_gone", detail), hint), self._now
        )
        source.reason, source.hint = detail, hint

    async def succeeded(self, run_id: UUID) -> None:
        async with self._database.begin() as session:
            source, run = await still_open(session, run_id)
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

    async def failed(self, run_id: UUID, reason: Reason, hint: str, *, lasting: bool = False) -> None:
        async with self._database.begin() as session:
            found = await locked_run(session, run_id)
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

    async def rights_lost(self, run_id: UUID, lost: SwitchboardError) -> None:
        detail = "The person who added it may no longer do so, so nothing was read."
        hint = "Give them the right back, or delete the source and add it again as somebody who has it."
        await self.failed(run_id, Reason("rights_lost", detail), hint, lasting=True)
        log.info("library.source_rights_lost", run_id=str(run_id), error=type(lost).__name__)

    async def ended(self, run_id: UUID, ending: Ending) -> None:
        async with self._database.begin() as session:
            found = await locked_run(session, run_id)
            if found is not None:
                await end_run(session, *found, ending, self._now)

    @property
    def _now(self) -> datetime:
        return self._clock.now()


def _first_detail(run: SourceRunRow) -> str:
    return str(run.problems[0]["detail"]) if run.problems else ""
