"""Fetches people and their keys. Looking up by credential is where a principal is born, so these
few reads come before there is one; the lists start from it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Text, cast, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import ROLE_PERMISSIONS, Principal
from platform_api.edge import PageRequest, keyset
from platform_api.identity.models import ApiKeyRow, GroupMemberRow, UserRow


async def user_with_groups(session: AsyncSession, user_id: UUID) -> tuple[UserRow, frozenset[str]] | None:
    """None where there is no such person, or no longer."""
    groups = (
        select(func.coalesce(func.array_agg(GroupMemberRow.group), cast([], ARRAY(Text))))
        .where(
            GroupMemberRow.organisation_id == UserRow.organisation_id, GroupMemberRow.user_id == UserRow.id
        )
        .scalar_subquery()
    )
    # One statement: this is asked with every request.
    statement = select(UserRow, groups).where(UserRow.id == user_id, UserRow.disabled_at.is_(None))
    row = (await session.execute(statement)).one_or_none()
    return (row[0], frozenset(row[1])) if row else None


async def who_may(session: AsyncSession, permission: str, organisation_id: UUID | None) -> Sequence[UserRow]:
    """People with this permission, by a role or by itself; organisation_id None: of every organisation."""
    granting = [role for role, granted in ROLE_PERMISSIONS.items() if permission in granted]
    by_role = UserRow.roles.bool_op("&&")(cast(granting, ARRAY(Text)))
    may = by_role | UserRow.permissions.bool_op("@>")(cast([permission], ARRAY(Text)))
    statement = select(UserRow).where(UserRow.kind == "person", UserRow.disabled_at.is_(None), may)
    if organisation_id is not None:
        statement = statement.where(UserRow.organisation_id == organisation_id)
    return (await session.scalars(statement.order_by(UserRow.id))).all()


async def api_key(session: AsyncSession, key_id: UUID) -> ApiKeyRow | None:
    return await session.get(ApiKeyRow, key_id)


async def mark_used(session: AsyncSession, key_id: UUID, at: datetime) -> None:
    await session.execute(update(ApiKeyRow).where(ApiKeyRow.id == key_id).values(last_used_at=at))


async def api_keys_of(session: AsyncSession, principal: Principal, page: PageRequest) -> Sequence[ApiKeyRow]:
    statement = select(ApiKeyRow).where(
        ApiKeyRow.organisation_id == principal.organisation_id, ApiKeyRow.user_id == principal.id
    )
    statement = keyset(statement, page, ApiKeyRow.created_at, ApiKeyRow.id)
    return (await session.scalars(statement)).all()


async def delete_api_key(session: AsyncSession, principal: Principal, key_id: UUID) -> bool:
    gone = await session.scalar(
        delete(ApiKeyRow)
        .where(
            ApiKeyRow.id == key_id,
            ApiKeyRow.organisation_id == principal.organisation_id,
            ApiKeyRow.user_id == principal.id,
        )
        .returning(ApiKeyRow.id)
    )
    return gone is not None
