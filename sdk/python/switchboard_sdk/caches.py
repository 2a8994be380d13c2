"""For admins: what is kept so that it need not be computed again."""

from uuid import UUID

from kit.wire.caches import Flushed
from switchboard_sdk.transport import Transport, write


class AdminCaches:
    """All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def flush(self, scope: str | UUID = "all") -> Flushed:
        """scope: "all", "documents", or the id of a knowledge base."""
        call = write("POST", "/api/v1/admin/cache/flush", params={"scope": str(scope)})
        return await self._transport.read(Flushed, call)
