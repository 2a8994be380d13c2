"""The CRM for whoever has none: a table."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import Boolean, Table, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.errors import Unavailable
from ports.db import Database
from tools.servers.contact.crm.errors import CrmUnavailable
from tools.servers.contact.crm.models import CrmConsentRow, CrmEntryRow, CrmLeadRow
from tools.servers.contact.crm.port import Entered, Lead
from tools.servers.contact.people import Owner, address

_LEADS = cast(Table, CrmLeadRow.__table__)
_IS_NEW = literal_column("xmax = 0", Boolean())
"""Postgres: of a row that this statement inserted rather than updated."""


class _Raced(Exception):
    """Somebody entered the same key at the same time: their transaction counts, ours is undone."""


@dataclass(frozen=True, slots=True)
class LocalCrm:
    database: Database
    clock: Clock

    async def upsert(self, owner: Owner, key: str, lead: Lead) -> Entered:
        """Implements Crm.upsert."""
        try:
            return await self._enter(owner, key, lead)
        except _Raced:
            return await self._enter(owner, key, lead)
        except Unavailable as error:
            raise CrmUnavailable(retry_after=error.retry_after) from error

    async def _enter(self, owner: Owner, key: str, lead: Lead) -> Entered:
        async with self.database.begin() as session:
            before = await session.get(CrmEntryRow, (owner.organisation_id, owner.user_id, key))
            if before is not None:
                return _told(before.lead_id, before.created)
            lead_id, created = await self._keep(session, owner, lead)
            await self._remember(session, owner, key, lead_id, created)
            await self._keep_consent(session, owner, lead_id, lead)
            return _told(lead_id, created)

    async def _keep(self, session: AsyncSession, owner: Owner, lead: Lead) -> tuple[UUID, bool]:
        """The newest word counts; what it leaves out stays as it was."""
        now = self.clock.now()
        given = lead.model_dump(mode="json", exclude_none=True)
        row = {
            "organisation_id": owner.organisation_id,
            "user_id": owner.user_id,
            "id": uuid4(),
            "email": address(lead.email),
            "content": given,
            "created_at": now,
            "changed_at": now,
        }
        add = insert(_LEADS).values(row)
        update: dict[str, Any] = {"content": _LEADS.c.content.concat(add.excluded.content), "changed_at": now}
        kept = await session.execute(
            add.on_conflict_do_update(index_elements=["organisation_id", "email"], set_=update).returning(
                _LEADS.c.id, _IS_NEW
            )
        )
        lead_id, created = kept.one()
        return lead_id, created

    async def _remember(
        self, session: AsyncSession, owner: Owner, key: str, lead_id: UUID, created: bool
    ) -> None:
        entry = {
            "organisation_id": owner.organisation_id,
            "user_id": owner.user_id,
            "key": key,
            "lead_id": lead_id,
            "created": created,
            "entered_at": self.clock.now(),
        }
        add = insert(CrmEntryRow).values(entry).on_conflict_do_nothing().returning(CrmEntryRow.lead_id)
        if await session.scalar(add) is None:
            raise _Raced

    async def _keep_consent(self, session: AsyncSession, owner: Owner, lead_id: UUID, lead: Lead) -> None:
        row = {
            "organisation_id": owner.organisation_id,
            "user_id": owner.user_id,
            "lead_id": lead_id,
            "record_id": lead.consent.record_id,
            "privacy": lead.consent.privacy,
            "contact": lead.consent.contact,
            "channel": lead.source.channel,
            "entered_at": self.clock.now(),
        }
        await session.execute(insert(CrmConsentRow).values(row).on_conflict_do_nothing())


async def leads_of(session: AsyncSession, owner: Owner) -> list[CrmLeadRow]:
    """The leads of this organisation, oldest first."""
    rows = await session.scalars(
        select(CrmLeadRow)
        .where(CrmLeadRow.organisation_id == owner.organisation_id)
        .order_by(CrmLeadRow.created_at, CrmLeadRow.id)
    )
    return list(rows)


def _told(lead_id: UUID, created: bool) -> Entered:
    """Without an address: a table has no page."""
    return Entered(str(lead_id), created, not created, "")
