"""What is known of servers, sign-ins, connections and attempts; every look is within an organisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal, permissions_of
from platform_api.edge import PageRequest, keyset
from platform_api.identity.models import UserRow
from platform_api.toolbox.connections.models import AttemptRow, ConnectionRow, SignInRow
from platform_api.toolbox.connections.vault import Owner
from platform_api.toolbox.models import ToolServerRow


@dataclass(frozen=True, slots=True)
class Server:
    """A server as this organisation knows it. `address`: where its credentials may go."""

    name: str
    address: str


async def server(session: AsyncSession, organisation_id: UUID, name: str) -> Server | None:
    """The organisation's own, else everyone's of this name."""
    statement = (
        select(ToolServerRow)
        .where(
            ToolServerRow.name == name,
            or_(ToolServerRow.organisation_id == organisation_id, ToolServerRow.organisation_id.is_(None)),
        )
        .order_by(ToolServerRow.organisation_id.nulls_last())
        .limit(1)
    )
    row = (await session.scalars(statement)).first()
    return Server(row.name, _bound(row.address, row.document)) if row else None


def _bound(address: str, document: dict[str, Any] | None) -> str:
    """A REST API's requests go where its document says, so that is part of what a credential is for."""
    servers = cast(list[Any], (document or {}).get("servers") or [])
    if not address.startswith("openapi:") or not servers or not isinstance(servers[0], dict):
        return address
    return f"{address} {cast(dict[str, Any], servers[0]).get('url', '')}"


async def sign_in(
    session: AsyncSession, organisation_id: UUID, name: str, *, held: bool = False
) -> SignInRow | None:
    """held: as it is now, and nobody changes it before this transaction ends."""
    statement = select(SignInRow).where(
        SignInRow.organisation_id == organisation_id, SignInRow.server == name
    )
    if held:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(statement)).first()


async def connection(session: AsyncSession, owner: Owner, *, locked: bool = False) -> ConnectionRow | None:
    statement = select(ConnectionRow).where(*_of(owner)).execution_options(populate_existing=True)
    return (await session.scalars(statement.with_for_update() if locked else statement)).first()


async def connections_of(session: AsyncSession, principal: Principal) -> Sequence[ConnectionRow]:
    """The principal's own."""
    statement = select(ConnectionRow).where(
        ConnectionRow.organisation_id == principal.organisation_id, ConnectionRow.user_id == principal.id
    )
    return (await session.scalars(statement.order_by(ConnectionRow.server))).all()


async def connections_to(
    session: AsyncSession, principal: Principal, name: str, page: PageRequest
) -> Sequence[ConnectionRow]:
    """Everyone's of the principal's organisation, to one server."""
    statement = select(ConnectionRow).where(
        ConnectionRow.organisation_id == principal.organisation_id, ConnectionRow.server == name
    )
    statement = keyset(statement, page, ConnectionRow.created_at, ConnectionRow.id)
    return (await session.scalars(statement)).all()


async def begin_connection(session: AsyncSession, values: dict[str, Any]) -> None:
    """A row to be filled; nothing where there is one."""
    await session.execute(insert(ConnectionRow).values(values).on_conflict_do_nothing())


async def replace_connection(session: AsyncSession, owner: Owner, values: dict[str, Any]) -> None:
    """What was there is gone, and so is whatever refresh of it is under way."""
    await session.execute(delete(ConnectionRow).where(*_of(owner)))
    await session.execute(insert(ConnectionRow).values(values))


async def lender(session: AsyncSession, sign_in: SignInRow, permission: str) -> UUID | None:
    """Whose connection serves where nobody in particular asks: that of whoever set the sign-in up, else the
    newest of a person who may still do so. None: nobody's."""
    statement = (
        select(UserRow.id, UserRow.roles)
        .join(
            ConnectionRow,
            and_(
                ConnectionRow.organisation_id == UserRow.organisation_id, ConnectionRow.user_id == UserRow.id
            ),
        )
        .where(
            ConnectionRow.organisation_id == sign_in.organisation_id,
            ConnectionRow.server == sign_in.server,
            ConnectionRow.address == sign_in.address,
            ConnectionRow.kind == sign_in.kind,
            ConnectionRow.state == "connected",
            UserRow.disabled_at.is_(None),
        )
        .order_by((UserRow.id == sign_in.set_by).desc(), ConnectionRow.created_at.desc(), UserRow.id)
    )
    may = (id for id, roles in await session.execute(statement) if permission in permissions_of(roles))
    return next(may, None)


async def may_still(session: AsyncSession, organisation_id: UUID, user_id: UUID, permission: str) -> bool:
    """Whether this person is there and has that permission."""
    statement = select(UserRow.roles).where(
        UserRow.organisation_id == organisation_id, UserRow.id == user_id, UserRow.disabled_at.is_(None)
    )
    return permission in permissions_of(await session.scalar(statement) or ())


async def purge_attempts(session: AsyncSession, now: datetime) -> None:
    """Periodically: links that nobody can use any more, and what they kept sealed."""
    await session.execute(delete(AttemptRow).where(AttemptRow.expires_at <= now))


async def delete_connection(session: AsyncSession, owner: Owner) -> bool:
    gone = await session.execute(delete(ConnectionRow).where(*_of(owner)).returning(ConnectionRow.id))
    return gone.first() is not None


async def drop_connections(session: AsyncSession, organisation_id: UUID, name: str) -> int:
    """Everyone's of the organisation to this server; how many there were."""
    gone = delete(ConnectionRow).where(
        ConnectionRow.organisation_id == organisation_id, ConnectionRow.server == name
    )
    return len((await session.scalars(gone.returning(ConnectionRow.id))).all())


async def open_attempt(session: AsyncSession, owner: Owner, address: str) -> AttemptRow | None:
    """One that has some time left."""
    statement = select(AttemptRow).where(
        AttemptRow.organisation_id == owner.organisation_id,
        AttemptRow.user_id == owner.user_id,
        AttemptRow.server == owner.server,
        AttemptRow.address == address,
        AttemptRow.ended_at.is_(None),
        AttemptRow.expires_at > func.now() + func.make_interval(0, 0, 0, 0, 0, 3),
    )
    return (await session.scalars(statement.order_by(AttemptRow.expires_at.desc()).limit(1))).first()


def _of(owner: Owner) -> tuple[Any, Any, Any]:
    return (
        ConnectionRow.organisation_id == owner.organisation_id,
        ConnectionRow.user_id == owner.user_id if owner.user_id else ConnectionRow.user_id.is_(None),
        ConnectionRow.server == owner.server,
    )
