"""The contact server from what it is given: tools, and the consumer of its queue."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from starlette.types import ASGIApp

from access.grants import GrantStore
from access.jwks import TrustedKeys
from kit.clock import Clock
from kit.errors import Unavailable
from kit.wire.internal import AuditEvent
from ports.db import Database
from ports.queue import Pace, Queue, QueueWorker, Tasks
from tools.servers.asking import States
from tools.servers.contact.booking.keeping import Keeping
from tools.servers.contact.booking.office import Office
from tools.servers.contact.calendars.port import Event
from tools.servers.contact.effects.doubts import Doubts
from tools.servers.contact.effects.finishing import Finishing
from tools.servers.contact.effects.ledger import Ledger
from tools.servers.contact.effects.performing import Performing
from tools.servers.contact.effects.reporting import Platform, Reporting
from tools.servers.contact.effects.settling import Settling
from tools.servers.contact.effects.systems import Systems
from tools.servers.contact.letters import ConsentText, LetterFacts, letter_for
from tools.servers.contact.people import Person
from tools.servers.contact.server import manifest, tools_of
from tools.servers.contact.settings import ContactSettings
from tools.servers.contact.times.desk import Desk
from tools.servers.serving import ServedTool, ToolServer

QUEUE = "contact"


@dataclass(frozen=True, slots=True)
class Contact:
    """tools: for a transport. tasks: for the consumer, one at least in the deployment."""

    office: Office
    tools: Sequence[ServedTool]
    tasks: Tasks
    states: States
    clock: Clock
    workers: int
    doubts: Doubts

    def app(self, trusted: TrustedKeys, redis: GrantStore) -> ASGIApp:
        """An ASGI app with lifespan that serves /mcp to the gateway only."""
        return ToolServer(manifest(), self.tools, trusted, redis, self.clock, states=self.states)

    def worker(self, pace: Pace | None = None) -> QueueWorker:
        return QueueWorker(self.office.ledger.database.url, self.tasks, self.workers, pace, name=QUEUE)

    async def warm(self) -> None:
        """What the first letter would have to load. It takes half a second, in a thread."""
        await asyncio.to_thread(_write_one, self.clock)

    async def stop(self) -> None:
        """What answers have left running gets a moment."""
        await self.office.performing.stop()


def _write_one(clock: Clock) -> None:
    now, nobody = clock.now(), Person("nobody@example.com", "Nobody")
    event = Event("warming", "Nothing", now, now + timedelta(minutes=30), "UTC", nobody)
    letter_for("confirmed", LetterFacts("warming", event, nobody, "nobody", "UTC"), now)


def build_contact(
    settings: ContactSettings,
    *,
    database: Database,
    desk: Desk,
    systems: Systems,
    platform: Platform | None,
    secret: bytes,
    clock: Clock,
) -> Contact:
    """platform: where reports go; None tells nobody. secret: the same for all replicas; it seals what a
    question keeps with its client."""
    queue = Queue(database, QUEUE)
    ledger = Ledger(database, clock, settings.lease_s, settings.letters_per_day)
    reporting = Reporting(queue, platform, clock)
    settling = Settling(ledger, queue, reporting)
    performing = Performing(ledger, settling, systems)
    finishing = Finishing(ledger, settling, performing, queue, reporting)
    office = Office(
        desk=desk,
        systems=systems,
        ledger=ledger,
        keeping=Keeping(ledger, finishing, queue, reporting),
        performing=performing,
        settling=settling,
        consent=ConsentText(settings.consent_privacy, settings.consent_contact),
        tz=settings.tz,
        inline_s=settings.inline_s,
    )
    tasks = Tasks()
    finishing.register(tasks)
    doubts = Doubts(database, settling, queue)
    return Contact(
        office, tools_of(office, finishing), tasks, States(secret, clock), clock, settings.workers, doubts
    )


def open_doubts(settings: ContactSettings, database: Database, clock: Clock) -> Doubts:
    """For a process beside the contact server: what is to be done and told goes into its queue."""
    queue = Queue(database, QUEUE)
    ledger = Ledger(database, clock, settings.lease_s, settings.letters_per_day)
    reporting = Reporting(queue, _ToldByTheConsumer(), clock)
    return Doubts(database, Settling(ledger, queue, reporting), queue)


class _ToldByTheConsumer:
    """Reports are only kept here; nothing runs that would send them."""

    async def events(self, organisation_id: UUID, events: Sequence[AuditEvent]) -> None:
        raise Unavailable
