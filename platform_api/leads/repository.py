"""Leads for manual entry: an organisation's admins see their own organisation's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.leads import LeadState
from platform_api.edge import PageRequest, keyset
from platform_api.leads.models import ManualLeadRow


def visible(principal: Principal) -> Select[ManualLeadRow]:
    """Where every read starts."""
    return select(ManualLeadRow).where(ManualLeadRow.organisation_id == principal.organisation_id)


async def listed(
    session: AsyncSession, principal: Principal, state: LeadState, page: PageRequest
) -> Sequence[ManualLeadRow]:
    row = ManualLeadRow
    wanted = visible(principal).where(row.state == state)
    return (await session.scalars(keyset(wanted, page, row.reported_at, row.id))).all()


async def one(session: AsyncSession, principal: Principal, lead_id: UUID) -> ManualLeadRow | None:
    """Locked until the end of the transaction: two admins decide one after the other."""
    return await session.scalar(
        visible(principal).where(ManualLeadRow.id == lead_id).with_for_update(key_share=True)
    )


async def keep(session: AsyncSession, values: dict[str, Any]) -> bool:
    """False: it was known before, and stays as it is."""
    add = insert(ManualLeadRow).values(values).on_conflict_do_nothing().returning(ManualLeadRow.id)
    return await session.scalar(add) is not None


async def purge(session: AsyncSession, done_before: datetime, open_before: datetime) -> int:
    """Periodically: what was entered long ago, and what nobody has entered for very long."""
    row = ManualLeadRow
    late = or_((row.state == "done") & (row.done_at < done_before), row.reported_at < open_before)
    gone = await session.scalars(delete(row).where(late).returning(row.id))
    return len(gone.all())
