"""A worker to be killed in the middle of a run: it takes in one file after the other, slowly."""

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

from kit.clock import SystemClock
from knowledge.search import Search
from platform_api.library.service.documents import Documents
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.service.intake import Intake
from platform_api.library.service.scopes import Scopes
from platform_api.library.service.source_gatherers import Gatherers
from platform_api.library.settings import LibrarySettings
from platform_api.library.sources_settings import SourcesSettings
from platform_api.library.tasks import SourceTasks
from ports.blobs import FolderBlobs
from ports.db import Database
from ports.http import OutboundSettings, system_resolver
from ports.queue import Pace, Queue, QueueWorker, Tasks


class SlowIntake(Intake):
    async def take(self, *given: Any, **named: Any) -> Any:
        outcome = await super().take(*given, **named)
        await asyncio.sleep(0.05)
        return outcome


def tasks_of(database: Database, blobs: Path, files: Path) -> Tasks:
    # New documents do not reach the index before they are read, which this worker does not do.
    changes, search = cast(IndexChanges, None), cast(Search, None)
    settings, sources, clock = LibrarySettings(), SourcesSettings(folders=[files]), SystemClock()
    kept, queue = FolderBlobs(blobs), Queue(database)
    intake = SlowIntake(
        database=database,
        blobs=kept,
        queue=queue,
        changes=changes,
        settings=settings,
        scopes=Scopes.load(None),
        clock=clock,
    )
    gatherers = Gatherers(sources, settings, system_resolver, OutboundSettings())
    documents = Documents(database, kept, queue, changes, search)
    tasks = Tasks()
    SourceTasks(database, queue, gatherers, intake, documents, settings=sources, clock=clock).register(tasks)
    return tasks


if __name__ == "__main__":
    url, blobs, files = sys.argv[1:]
    pace = Pace(poll_s=0.05, heartbeat_s=0.2, lost_after_s=2.0)
    table = tasks_of(Database(url), Path(blobs), Path(files))
    asyncio.run(QueueWorker(url, table, 2, pace).run())
