"""API keys of the caller."""

from collections.abc import AsyncIterator
from uuid import UUID

from kit.wire.account import ApiKey, CreateApiKey, CreatedApiKey
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Transport, checked, write

KEYS = "/api/v1/api-keys"


class ApiKeys:
    """All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> AsyncIterator[ApiKey]:
        return every(self._transport, ApiKey, KEYS)

    async def create(
        self, name: str, *, scopes: list[str] | None = None, expires_in_days: int = 90
    ) -> CreatedApiKey:
        """The key itself is in this answer only."""
        body = checked(CreateApiKey, name=name, scopes=scopes, expires_in_days=expires_in_days)
        return await self._transport.read(CreatedApiKey, write("POST", KEYS, body))

    async def revoke(self, key_id: UUID) -> None:
        await self._transport.send(write("DELETE", f"{KEYS}/{key_id}"))
