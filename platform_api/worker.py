"""Builds the worker from the ports that it is given; nothing else wires."""

from dataclasses import dataclass
from typing import Any

from platform_api.account.bookings import BOOKING, booking_heard
from platform_api.account.repository import purge_codes
from platform_api.account.tasks import TellTasks
from platform_api.audit.tasks import hearing
from platform_api.channels.repository import purge as purge_channels
from platform_api.channels.service import KEPT
from platform_api.chat.ending import COMPLETED, FAILED, SUSPENDED
from platform_api.chat.mirror import Mirror
from platform_api.chat.sweeper import Sweeper
from platform_api.chat.tasks import ChatTasks
from platform_api.edge import idempotency
from platform_api.identity.grants import purge_grants
from platform_api.interactions.tasks import InteractionTasks
from platform_api.leads.tasks import LeadTasks
from platform_api.library.service.documents import Documents
from platform_api.library.service.scopes import Scopes
from platform_api.library.service.source_gatherers import Gatherers
from platform_api.library.service.vector_cache import purge_vectors
from platform_api.library.tasks import ChangeTasks, LibraryTasks, Reconcile, SourceTasks
from platform_api.library.tasks.reindex import ReindexTask
from platform_api.platform_ports import PlatformPorts, changes_of, intake_of
from platform_api.toolbox.connections.repository import purge_attempts
from platform_api.toolbox.drift import QUARANTINED, RELEASED, drift_heard
from ports.queue import QueueWorker, Tasks
from ports.queue.tasks import Handler

_HOURLY_S = 3600
_SWEEP_S = 30


@dataclass(frozen=True, slots=True)
class Worker:
    """Reads documents and tidies up, until `stop`."""

    queue: QueueWorker

    async def run(self) -> None:
        """Returns after `stop`."""
        await self.queue.run()

    async def stop(self) -> None:
        """No new jobs; running ones are finished or, after their limit, left for the next worker."""
        await self.queue.stop()


def build_worker(ports: PlatformPorts, concurrency: int = 4) -> Worker:
    """In the same process as the app or in one of its own."""
    return Worker(QueueWorker(ports.database.url, build_tasks(ports), concurrency))


def build_tasks(ports: PlatformPorts) -> Tasks:
    """The table of contents of everything that runs on the queue."""
    tasks = Tasks()
    scopes = Scopes.load(ports.library_settings.scopes)
    surely = changes_of(ports, surely=True)
    library = LibraryTasks(
        ports.database,
        ports.blobs,
        surely,
        preparer=ports.preparer,
        vectoriser=ports.vectoriser,
        scopes=scopes,
        clock=ports.clock,
    )
    library.register(tasks)  # library.ingest, library.remove
    changes = ChangeTasks(ports.database, ports.blobs, surely, scopes=scopes, clock=ports.clock)
    changes.register(tasks)  # library.access, library.describe
    _source_tasks(ports, scopes).register(tasks)  # library.sync, library.source_left; due every minute
    if ports.reindexing:
        reindex = ReindexTask(
            ports.database,
            ports.blobs,
            ports.reindexing,
            preparer=ports.preparer,
            scopes=scopes,
            clock=ports.clock,
        )
        reindex.register(tasks)  # library.reindex, every 30 s
    reconcile = Reconcile(ports.database, ports.blobs, ports.queue, surely, ports.clock)
    reconcile.register(tasks)  # library.reconcile, every hour; library.reconcile_asked
    for announced in (COMPLETED, FAILED, SUSPENDED):
        tasks.add(announced, hearing(ports.database, ports.clock, announced))
    # interaction.answered.v1; interactions.sweep, every 30 s
    InteractionTasks(ports.database, ports.queue, ports.clock).register(tasks)
    ChatTasks(ports.database).register(tasks)  # interaction.expired.v1
    for reported in (QUARANTINED, RELEASED):
        tasks.add(reported, drift_heard(ports.database))
    tasks.add(BOOKING, booking_heard(ports.database, ports.clock))
    # lead.manual; leads.tidy, every day
    LeadTasks(ports.database, ports.vault, ports.clock, ports.leads_settings).register(tasks)
    TellTasks(ports.database, ports.clock).register(tasks)  # account.tell, every 5 s
    tasks.every(_SWEEP_S, "chat.sweep", _sweeping(ports))
    tasks.every(_HOURLY_S, "platform.tidy", _tidying(ports))
    return tasks


def _source_tasks(ports: PlatformPorts, scopes: Scopes) -> SourceTasks:
    settings = ports.library_settings
    intake = intake_of(ports, scopes)
    return SourceTasks(
        ports.database,
        ports.queue,
        Gatherers(ports.sources_settings, settings, ports.resolver, ports.outbound_settings),
        intake,
        Documents(ports.database, ports.blobs, ports.queue, changes_of(ports, surely=False), ports.search),
        settings=ports.sources_settings,
        clock=ports.clock,
    )


def _sweeping(ports: PlatformPorts) -> Handler:
    mirror = Mirror(ports.redis, ports.redis_blocking, ports.chat_settings.stream_ttl_s)
    sweeper = Sweeper(ports.database, ports.queue, mirror)

    async def sweep(_: dict[str, Any]) -> None:
        """Where no process that answers is left, a worker still ends what they left behind."""
        await sweeper.sweep()

    return sweep


def _tidying(ports: PlatformPorts) -> Handler:
    async def tidy(_: dict[str, Any]) -> None:
        """What has expired goes."""
        now = ports.clock.now()
        async with ports.database.begin() as session:
            await idempotency.purge(session, now)
            await purge_grants(session, now)
            await purge_vectors(session, now, ports.library_settings.vectors_kept_days)
            await purge_codes(session, now)
            await purge_channels(session, now, KEPT)
            await purge_attempts(session, now)

    return tidy
