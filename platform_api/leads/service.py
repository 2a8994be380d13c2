"""What an admin does with a lead that the CRM did not take."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import NotFound, Unavailable
from kit.sealing import KeyRing, SealBroken
from kit.wire.base import Page
from kit.wire.leads import LeadDetails, LeadDone, LeadHandled, LeadState, ManualLead
from platform_api.audit import record
from platform_api.edge import PageRequest, page_of
from platform_api.leads import repository
from platform_api.leads.errors import LeadIsDone, LeadIsOpen, LeadsForAdmins
from platform_api.leads.models import ManualLeadRow, about
from platform_api.leads.settings import LeadsSettings

ADMIN: Final = "OrgAdmin"
_LOST: Final = "Its details cannot be opened: the key that sealed them is not in the vault any more."
log = structlog.get_logger()


class ManualLeads:
    def __init__(self, keys: KeyRing | None, clock: Clock) -> None:
        self._ring = keys
        self._clock = clock

    async def list(
        self, session: AsyncSession, principal: Principal, state: LeadState, page: PageRequest
    ) -> Page[ManualLead]:
        """Newest first; that they were read is recorded. Raises LeadsForAdmins."""
        _check(principal)
        rows = await repository.listed(session, principal, state, page)
        shown = page_of(rows, page, lambda row: (row.reported_at, row.id), self._shown)
        if shown.items:
            ids = [str(item.id) for item in shown.items]
            await record(session, principal, "leads.read", {"state": state, "leads": ids})
        return shown

    async def done(
        self, session: AsyncSession, principal: Principal, lead_id: UUID, asked: LeadDone
    ) -> LeadHandled:
        """Raises LeadsForAdmins, NotFound, LeadIsDone."""
        row = await self._one(session, principal, lead_id)
        if row.state == "done":
            raise LeadIsDone
        row.state, row.crm_id = "done", asked.crm_id
        row.done_at, row.done_by = self._clock.now(), principal.id
        await record(session, principal, "lead.done", {"lead": str(row.id)})
        return _handled(row)

    async def reopen(self, session: AsyncSession, principal: Principal, lead_id: UUID) -> LeadHandled:
        """Raises LeadsForAdmins, NotFound, LeadIsOpen."""
        row = await self._one(session, principal, lead_id)
        if row.state == "open":
            raise LeadIsOpen
        row.state, row.crm_id, row.done_at, row.done_by = "open", None, None, None
        await record(session, principal, "lead.reopened", {"lead": str(row.id)})
        return _handled(row)

    async def _one(self, session: AsyncSession, principal: Principal, lead_id: UUID) -> ManualLeadRow:
        _check(principal)
        row = await repository.one(session, principal, lead_id)
        if row is None:
            raise NotFound
        return row

    def _shown(self, row: ManualLeadRow) -> ManualLead:
        details, why = self._opened(row), row.why
        if details is None:
            # one lead that nobody can read any more does not hide the others
            details, why = LeadDetails(), f"{row.why} {_LOST}"
        return ManualLead(
            **_handled(row).model_dump(),
            key=row.key,
            why=why,
            reported_at=row.reported_at,
            booking_id=row.booking_id,
            lead=details,
        )

    def _opened(self, row: ManualLeadRow) -> LeadDetails | None:
        try:
            details = _ring(self._ring).open(row.details, about(row.organisation_id, row.id))
        except SealBroken:
            log.error("leads.seal_broken", lead=str(row.id))
            return None
        return LeadDetails.model_validate_json(details)


def _check(principal: Principal) -> None:
    if ADMIN not in principal.roles:
        raise LeadsForAdmins


def _ring(keys: KeyRing | None) -> KeyRing:
    if keys is None:
        raise Unavailable(
            "This deployment has no keys to seal with.", hint="An admin sets SWITCHBOARD_VAULT__KEYS."
        )
    return keys


def _handled(row: ManualLeadRow) -> LeadHandled:
    state: LeadState = "done" if row.state == "done" else "open"
    return LeadHandled(id=row.id, state=state, crm_id=row.crm_id, done_at=row.done_at)


def seal(keys: KeyRing | None, organisation_id: UUID, lead_id: UUID, details: LeadDetails) -> str:
    """Raises Unavailable where there are no keys."""
    return _ring(keys).seal(details.dump().encode(), about(organisation_id, lead_id))


async def forget_old(session: AsyncSession, settings: LeadsSettings, clock: Clock) -> None:
    """What has been kept for as long as the settings say."""
    now = clock.now()
    gone = await repository.purge(
        session, now - timedelta(days=settings.done_kept_days), now - timedelta(days=settings.open_kept_days)
    )
    if gone:
        log.info("leads.forgotten", count=gone)
