"""Accounts at tool servers: the caller's own, and for admins how one signs in to a server."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from pydantic import RootModel, SecretStr

from kit.wire.base import Request
from kit.wire.connections import (
    Connection,
    ConnectionStarted,
    ServerConnection,
    SetSignIn,
    SignIn,
    StartConnection,
)
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Call, Transport, checked, write

CONNECTIONS = "/api/v1/connections"
SERVERS = "/api/v1/mcp-servers"


class Connections:
    """All methods raise ApiError. Nobody is ever shown a token."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> AsyncIterator[Connection]:
        """The caller's own, by server."""
        return every(self._transport, Connection, CONNECTIONS)

    async def start(self, server: str, *, secret: str | None = None) -> ConnectionStarted:
        """`url`, where there is one, is opened in the person's own browser. secret: of a server that takes a
        key which the person has; it connects at once."""
        body = checked(StartConnection, server=server, secret=secret)
        return await self._transport.read(ConnectionStarted, write("POST", CONNECTIONS, _revealed(body)))

    async def revoke(self, server: str) -> None:
        await self._transport.send(write("DELETE", f"{CONNECTIONS}/{server}"))

    async def set_sign_in(self, server: str, **fields: Any) -> SignIn:
        """For admins. `fields` are those of SetSignIn; what is left out is found out from the server."""
        body = checked(SetSignIn, **fields)
        return await self._transport.read(
            SignIn, write("PUT", f"{SERVERS}/{server}/sign-in", _revealed(body))
        )

    async def sign_in(self, server: str) -> SignIn:
        """For admins."""
        return await self._transport.read(SignIn, Call("GET", f"{SERVERS}/{server}/sign-in"))

    def of_server(self, server: str) -> AsyncIterator[ServerConnection]:
        """For admins: who is connected."""
        return every(self._transport, ServerConnection, f"{SERVERS}/{server}/connections")

    async def revoke_of(self, server: str, user_id: UUID) -> None:
        """For admins."""
        await self._transport.send(write("DELETE", f"{SERVERS}/{server}/connections/{user_id}"))


def _revealed(body: Request) -> RootModel[dict[str, Any]]:
    """What was set, secrets included: a shape of ours never writes them by itself."""
    given = {name: getattr(body, name) for name in body.model_fields_set}
    shown = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in given.items()
        if value is not None
    }
    return RootModel(shown)
