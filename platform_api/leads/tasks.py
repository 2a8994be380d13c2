"""`lead.manual`, as the contact server reports it: kept for an admin (kit.wire.contact)."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.sealing import KeyRing
from kit.wire.contact import LEAD_MANUAL, LeadManual
from kit.wire.leads import LeadDetails
from platform_api.identity.models import OrganisationRow
from platform_api.leads import repository
from platform_api.leads.service import forget_old, seal
from platform_api.leads.settings import LeadsSettings
from ports.db import Database
from ports.queue import Tasks

_DAILY_S = 24 * 3600


class LeadTasks:
    def __init__(
        self, database: Database, keys: KeyRing | None, clock: Clock, settings: LeadsSettings
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._settings = settings

    def register(self, tasks: Tasks) -> None:
        tasks.add(LEAD_MANUAL, self.hear)
        tasks.every(_DAILY_S, "leads.tidy", self.tidy)

    async def hear(self, told: dict[str, Any]) -> None:
        """A lead that is known by its key stays as it is, also when it is done by now."""
        reported = LeadManual.model_validate(told["data"])
        async with self._database.begin() as session:
            if await session.get(OrganisationRow, reported.organisation_id) is not None:
                await self._keep(session, reported, told["at"])

    async def _keep(self, session: AsyncSession, reported: LeadManual, at: str) -> None:
        lead_id = uuid4()
        details = LeadDetails.model_validate(reported.lead)
        values = {
            "id": lead_id,
            "organisation_id": reported.organisation_id,
            "user_id": reported.user_id,
            "booking_id": reported.booking_id,
            "key": reported.key,
            "why": reported.reason,
            "details": seal(self._keys, reported.organisation_id, lead_id, details),
            "reported_at": _time(at),
        }
        await repository.keep(session, values)

    async def tidy(self, _: dict[str, Any]) -> None:
        async with self._database.begin() as session:
            await forget_old(session, self._settings, self._clock)


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
