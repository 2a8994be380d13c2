"""What the platform is told: kept in the commit that it is about, sent by the queue until it is taken."""

from collections.abc import Sequence
from typing import Any, Final, Protocol
from uuid import UUID

import httpx
from sqlalchemy.ext.asyncio import AsyncSession
from ulid import ULID

from access.services import contact_of
from access.tokens import Minter
from kit.clock import Clock
from kit.errors import Unavailable
from kit.wire.base import Request
from kit.wire.contact import FINISHED, LEAD_MANUAL, STEP, BookingFinished, BookingStep, LeadManual
from kit.wire.internal import AuditBatch, AuditEvent
from ports.queue import GiveUp, Queue, Tasks

REPORT: Final = "contact.report"
_AUDIENCE: Final = "platform"
_TYPES: Final[dict[type[Request], str]] = {
    BookingStep: STEP,
    BookingFinished: FINISHED,
    LeadManual: LEAD_MANUAL,
}
Told = BookingStep | BookingFinished | LeadManual


class Platform(Protocol):
    """Where reports go."""

    async def events(self, organisation_id: UUID, events: Sequence[AuditEvent]) -> None:
        """Of one organisation. Raises Unavailable; GiveUp where they will never be taken."""
        ...


class HttpPlatform:
    """The platform's internal contract (SPEC 3b), with our own token for one organisation at a time."""

    def __init__(self, base_url: str, client: httpx.AsyncClient, minter: Minter) -> None:
        self._url = f"{base_url.rstrip('/')}/internal/v1/events"
        self._client = client
        self._minter = minter

    async def events(self, organisation_id: UUID, events: Sequence[AuditEvent]) -> None:
        token = self._minter.mint(contact_of(organisation_id), _AUDIENCE)
        body = AuditBatch(events=list(events)).model_dump_json()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable("The platform does not answer.", retry_after=2) from error
        if answer.status_code in (400, 413, 422):
            raise GiveUp(f"The platform refused a report: {answer.status_code}.")
        if answer.status_code >= 300:
            raise Unavailable(f"The platform answered {answer.status_code}.", retry_after=2)


class Reporting:
    """`tell` keeps a report in the caller's commit; the consumer sends it."""

    def __init__(self, queue: Queue, platform: Platform | None, clock: Clock) -> None:
        """platform: None where nobody is to be told (a server alone over stdio)."""
        self._queue = queue
        self._platform = platform
        self._clock = clock

    async def tell(self, session: AsyncSession, told: Told) -> None:
        if self._platform is None:
            return
        event = AuditEvent(
            id=str(ULID()),
            at=self._clock.now().isoformat(),
            kind="usage" if isinstance(told, BookingStep) else "audit",
            type=_TYPES[type(told)],
            organisation_id=str(told.organisation_id),
            actor=f"user:{told.user_id}",
            data=told.model_dump(mode="json"),
        )
        await self._queue.defer(session, REPORT, {"event": event.model_dump(mode="json")})

    def register(self, tasks: Tasks) -> None:
        """contact.report: for a day and a half, then it is a dead letter."""
        tasks.add(REPORT, self._send, attempts=40, backoff_s=1.0, timeout_s=30.0)

    async def _send(self, args: dict[str, Any]) -> None:
        if self._platform is None:
            return
        event = AuditEvent.model_validate(args["event"])
        await self._platform.events(UUID(event.organisation_id), [event])
