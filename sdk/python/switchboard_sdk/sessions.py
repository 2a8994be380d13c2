"""Sessions and messages: what was said, and what a person thought of it."""

from collections.abc import AsyncIterator
from typing import Literal
from uuid import UUID

from kit.wire.chat import FeedbackRequest, RenameSession, Session, SessionWithMessages
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Call, Transport, checked, write

SESSIONS = "/api/v1/sessions"


class Sessions:
    """All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> AsyncIterator[Session]:
        """The caller's sessions, the latest first."""
        return every(self._transport, Session, SESSIONS)

    async def get(self, session_id: UUID) -> SessionWithMessages:
        return await self._transport.read(SessionWithMessages, Call("GET", f"{SESSIONS}/{session_id}"))

    async def rename(self, session_id: UUID, title: str) -> Session:
        body = checked(RenameSession, title=title)
        return await self._transport.read(Session, write("PATCH", f"{SESSIONS}/{session_id}", body))

    async def delete(self, session_id: UUID) -> None:
        await self._transport.send(write("DELETE", f"{SESSIONS}/{session_id}"))


class Messages:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def feedback(
        self, message_id: UUID, vote: Literal["up", "down"], comment: str | None = None
    ) -> None:
        """Raises ApiError."""
        body = checked(FeedbackRequest, vote=vote, comment=comment)
        await self._transport.send(write("POST", f"/api/v1/messages/{message_id}/feedback", body))
