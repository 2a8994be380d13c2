"""What is connected: for the person, and per server for admins; and taking it back."""

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.errors import NotFound
from kit.wire.base import Page
from kit.wire.connections import Connection, ServerConnection
from platform_api import audit
from platform_api.edge import PageRequest, page_of
from platform_api.toolbox.connections import repository
from platform_api.toolbox.connections.connecting import client_of
from platform_api.toolbox.connections.grants import TokenRequest, Uncertain, Unsent, post
from platform_api.toolbox.connections.models import ConnectionRow, SignInRow
from platform_api.toolbox.connections.sign_ins import PERMISSION, found_of
from platform_api.toolbox.connections.vault import CredentialUnreadable, Owner, Vault, What
from ports.db import Database
from ports.http import Fetcher

_PROBLEMS = {
    "refused": "The server's sign-in no longer accepts it: it was revoked there, or has expired.",
    "uncertain": "Its last renewal broke off, so it cannot be told whether it is still good.",
}
_WITHIN_S = 5.0
_log = structlog.get_logger()


class Accounts:
    def __init__(self, database: Database, vault: Vault, fetcher: Fetcher) -> None:
        self._database = database
        self._vault = vault
        self._fetcher = fetcher

    async def mine(self, session: AsyncSession, principal: Principal) -> list[Connection]:
        return [Connection(**_shown(row)) for row in await repository.connections_of(session, principal)]

    async def of_server(
        self, session: AsyncSession, principal: Principal, name: str, page: PageRequest
    ) -> Page[ServerConnection]:
        """Raises Forbidden."""
        principal.require(PERMISSION)
        rows = await repository.connections_to(session, principal, name, page)
        return page_of(
            rows,
            page,
            lambda row: (row.created_at, row.id),
            lambda row: ServerConnection(**_shown(row), user_id=row.user_id),
        )

    async def revoke(self, principal: Principal, name: str, user_id: UUID | None = None) -> None:
        """One's own, or as an admin another's. Gone here in any case; there where it takes that (RFC 7009).

        Raises NotFound, Forbidden.
        """
        if user_id is not None and user_id != principal.id:
            principal.require(PERMISSION)
        owner = Owner(principal.organisation_id, user_id or principal.id, name)
        requests = await self._removed(principal, owner)
        for request in requests:
            try:
                await post(self._fetcher, request)
            except (Unsent, Uncertain):
                _log.warning("connections.not_revoked_there", server=name)

    async def _removed(self, principal: Principal, owner: Owner) -> list[TokenRequest]:
        async with self._database.begin() as session:
            row = await repository.connection(session, owner, locked=True)
            if row is None:
                raise NotFound
            sign_in = await repository.sign_in(session, owner.organisation_id, owner.server)
            requests = await self._requests(session, owner, row, sign_in)
            await repository.delete_connection(session, owner)
            data = {"server": owner.server, "user_id": str(owner.user_id)}
            await audit.record(session, principal, "connection.revoked", data)
            return requests

    async def _requests(
        self, session: AsyncSession, owner: Owner, row: ConnectionRow, sign_in: SignInRow | None
    ) -> list[TokenRequest]:
        found = found_of(sign_in) if sign_in and sign_in.found else None
        if sign_in is None or found is None or not found.revocation_endpoint:
            return []
        # the refresh token first: most servers then revoke what was made of it, too
        kinds: list[tuple[str, What, str]] = [
            ("refresh_token", "refresh", row.refresh_sealed or ""),
            ("access_token", "access", row.access_sealed or ""),
        ]
        try:
            client = await client_of(session, self._vault, sign_in, "revoke")
            return [
                TokenRequest(found.revocation_endpoint, client, form, _WITHIN_S)
                for form in [await self._form(session, owner, *kind) for kind in kinds if kind[2]]
            ]
        except CredentialUnreadable:
            return []

    async def _form(
        self, session: AsyncSession, owner: Owner, hint: str, what: What, sealed: str
    ) -> dict[str, str]:
        token = await self._vault.open(session, owner, what, sealed, "revoke")
        return {"token": token.get_secret_value(), "token_type_hint": hint}


def _shown(row: ConnectionRow) -> dict[str, Any]:
    return {
        "server": row.server,
        "kind": row.kind,
        "state": row.state,
        "problem": _PROBLEMS.get(row.problem or "") if row.state == "reconnect" else None,
        "scopes": row.scopes,
        "expires_at": row.expires_at,
        "connected_at": row.created_at,
        "last_used_at": row.last_used_at,
    }
