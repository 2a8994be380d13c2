"""Reads and writes of links; the lists start from the principal."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from platform_api.identity.links import ChannelIdentity
from platform_api.identity.models import ChannelLinkRow, LinkCodeRow, UserRow

_CODES_EACH = 5


async def find_link(db: AsyncSession, organisation_id: UUID, identity: str) -> ChannelLinkRow | None:
    row = ChannelLinkRow
    return await db.scalar(
        select(row).where(row.organisation_id == organisation_id, row.identity == identity)
    )


async def person_named(db: AsyncSession, organisation_id: UUID, user_id: UUID) -> str | None:
    row = UserRow
    return await db.scalar(select(row.name).where(row.organisation_id == organisation_id, row.id == user_id))


async def person_with(db: AsyncSession, organisation_id: UUID, email: str) -> UserRow | None:
    """The one active person of the organisation with an address that the channel has verified.

    Only ASCII is compared without regard to case: other letters fold into ASCII ones (the Kelvin sign into
    k), and then another mailbox would pass for this one. An address of two people is nobody's.
    """
    row, given = UserRow, email.strip()
    if not given.isascii():
        return None
    found = await db.scalars(
        select(row)
        .where(
            row.organisation_id == organisation_id,
            row.kind == "person",
            row.disabled_at.is_(None),
            func.lower(row.email) == given.lower(),
        )
        .limit(2)
    )
    people = found.all()
    return people[0] if len(people) == 1 else None


async def link(
    db: AsyncSession, organisation_id: UUID, user_id: UUID, who: ChannelIdentity, *, name: str, how: str
) -> bool:
    """False where the identity is linked already, to whomever."""
    row = {
        "id": uuid4(),
        "organisation_id": organisation_id,
        "user_id": user_id,
        "channel": who.channel,
        "identity": str(who),
        "name": name,
        "how": how,
    }
    made = insert(ChannelLinkRow).values(row).on_conflict_do_nothing().returning(ChannelLinkRow.id)
    return await db.scalar(made) is not None


async def keep_code(db: AsyncSession, code: LinkCodeRow) -> None:
    """Of one identity only the newest few codes are good, and none that has expired is kept."""
    row = LinkCodeRow
    same = (row.organisation_id == code.organisation_id, row.identity == code.identity)
    kept = select(row.code_hash).where(*same).order_by(row.expires_at.desc()).limit(_CODES_EACH - 1)
    await db.execute(delete(row).where(*same, row.code_hash.not_in(kept)))
    db.add(code)


async def code(
    db: AsyncSession, principal: Principal, code_hash: str, now: datetime, *, used_up: bool = False
) -> LinkCodeRow | None:
    """One of the principal's organisation that is still good. used_up: nobody finds it again."""
    row = LinkCodeRow
    mine = (
        row.code_hash == code_hash,
        row.organisation_id == principal.organisation_id,
        row.expires_at > now,
    )
    statement = delete(row).where(*mine).returning(row) if used_up else select(row).where(*mine)
    return await db.scalar(statement)


async def purge_codes(db: AsyncSession, now: datetime) -> None:
    await db.execute(delete(LinkCodeRow).where(LinkCodeRow.expires_at <= now))


async def links_of(db: AsyncSession, principal: Principal) -> Sequence[ChannelLinkRow]:
    row = ChannelLinkRow
    mine = (row.organisation_id == principal.organisation_id, row.user_id == principal.id)
    return (await db.scalars(select(row).where(*mine).order_by(row.linked_at, row.id))).all()


async def unlink(db: AsyncSession, principal: Principal, link_id: UUID) -> str | None:
    """The identity that was linked; None where it is not the principal's own."""
    row = ChannelLinkRow
    return await db.scalar(
        delete(row)
        .where(
            row.id == link_id,
            row.organisation_id == principal.organisation_id,
            row.user_id == principal.id,
        )
        .returning(row.identity)
    )
