"""Who a person of a channel is to us: a linked user, or a guest who sees what everyone may (SPEC 6)."""

import re
from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.identity.models import ChannelLinkRow, UserRow

_FORM = re.compile(r"(?P<channel>[a-z]{1,20}):(?P<workspace>[^\s/:]{1,120})/(?P<user>[^\s/]{1,200})")
GUEST_PERMISSIONS = ("query_kb", "use_agent")


@dataclass(frozen=True, slots=True)
class ChannelIdentity:
    """Somebody as a channel knows them: `slack:T024/U42`."""

    channel: str
    workspace: str
    user: str

    @classmethod
    def parse(cls, text: str) -> "ChannelIdentity | None":
        found = _FORM.fullmatch(text)
        return cls(**found.groupdict()) if found else None

    @property
    def place(self) -> str:
        """The workspace or tenant, as settings name it."""
        return f"{self.channel}:{self.workspace}"

    def __str__(self) -> str:
        return f"{self.place}/{self.user}"


async def linked_user(session: AsyncSession, organisation_id: UUID, identity: ChannelIdentity) -> UUID | None:
    statement = select(ChannelLinkRow.user_id).where(
        ChannelLinkRow.organisation_id == organisation_id, ChannelLinkRow.identity == str(identity)
    )
    return await session.scalar(statement)


async def guest(session: AsyncSession, organisation_id: UUID, identity: ChannelIdentity) -> UUID:
    """The user who stands for somebody unlinked, made on first sight: what everyone may see, and no more.

    The identity stands where others have an e-mail address: no address looks like that, so nobody finds
    or shares with a guest by mistake.
    """
    user_id = uuid5(organisation_id, str(identity))
    row = {
        "id": user_id,
        "organisation_id": organisation_id,
        "kind": "guest",
        "name": f"Guest in {identity.channel}",
        "email": str(identity),
        "permissions": list(GUEST_PERMISSIONS),
    }
    if await session.get(UserRow, user_id) is None:
        await session.execute(insert(UserRow).values(row).on_conflict_do_nothing())
    return user_id
