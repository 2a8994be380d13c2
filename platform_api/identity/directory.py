"""Who is in the organisation: people find each other by their exact address or id, never by listing.

People of other organisations, disabled ones and those who do not exist look alike: nobody.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from platform_api.identity.models import UserRow


@dataclass(frozen=True, slots=True)
class Colleague:
    id: UUID
    name: str
    email: str


async def colleague(
    session: AsyncSession, principal: Principal, *, user_id: UUID | None = None, email: str | None = None
) -> Colleague | None:
    """One active person of the principal's organisation, by id or e-mail; whatever its case."""
    row = UserRow
    who = row.id == user_id if user_id else func.lower(row.email) == (email or "").strip().lower()
    found = select(row).where(
        row.organisation_id == principal.organisation_id, row.disabled_at.is_(None), who
    )
    user = await session.scalar(found)
    return Colleague(user.id, user.name, user.email) if user else None


async def colleagues(
    session: AsyncSession, principal: Principal, user_ids: Collection[UUID]
) -> dict[UUID, Colleague]:
    """Those of the ids that are people of the organisation, disabled ones included."""
    row = UserRow
    found = select(row).where(row.organisation_id == principal.organisation_id, row.id.in_(user_ids))
    return {user.id: Colleague(user.id, user.name, user.email) for user in await session.scalars(found)}
