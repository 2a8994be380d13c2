"""A turn as it happens: re-attaches by itself, yields no event twice, ends at the terminal one (SPEC 4)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
from pydantic import TypeAdapter, ValidationError

from kit.wire.chat import ChatRequest
from kit.wire.events import TurnEvent, TurnStarted, is_terminal, parse_event
from switchboard_sdk import errors
from switchboard_sdk.sse import EventTooLarge, data_of_events
from switchboard_sdk.transport import WORTH_REPEATING, Call, Transport, backoff

LOST_IN_A_ROW = 6
_any_object: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a turn can be found again."""

    session_id: UUID
    turn_id: UUID


@dataclass(slots=True)
class Follower:
    """Follows one turn from `request`, or from a `place` where it already runs."""

    transport: Transport
    request: ChatRequest | None = None
    place: Place | None = None
    seen: int = 0
    key: str = ""
    lost: int = 0
    request_id: str = ""

    async def events(self) -> AsyncGenerator[TurnEvent]:
        """Raises ApiError where the platform refuses, or is away for longer than Patience allows."""
        self.key = self.key or uuid4().hex
        deadline = asyncio.get_running_loop().time() + self.transport.patience.turn_s
        while True:
            async with aclosing(self._until_cut()) as events:
                async for event in events:
                    yield event
                    if is_terminal(event):
                        return
            await self._pause(deadline)

    async def _until_cut(self) -> AsyncGenerator[TurnEvent]:
        try:
            async with aclosing(self._attached()) as events:
                async for event in events:
                    yield event
        except errors.ApiError as error:
            # While the turn runs, a platform that is away for a moment is worth waiting for.
            if self.place is None or error.status not in WORTH_REPEATING:
                raise

    async def _attached(self) -> AsyncGenerator[TurnEvent]:
        call = self._call()
        async with self.transport.open(call) as response, _cuts_are_ends():
            async for data in data_of_events(response.aiter_bytes()):
                event = self._new_event(data, call)
                if event is not None:
                    yield event

    def _call(self) -> Call:
        silence = self.transport.patience.silence_s
        if self.place is None:
            # The same key again leads to the same turn, from its first event (SPEC 3).
            return Call(
                "POST",
                "/api/v1/chat/stream",
                json=self.request,
                accept="text/event-stream",
                answer_s=silence,
                key=self.key,
            )
        path = f"/api/v1/sessions/{self.place.session_id}/turns/{self.place.turn_id}/stream"
        return Call(
            "GET", path, params={"after": str(self.seen)}, accept="text/event-stream", answer_s=silence
        )

    def _new_event(self, data: str, call: Call) -> TurnEvent | None:
        event = self._parse(data, call)
        if event is None or (event.seq <= self.seen and not is_terminal(event)):
            return None
        self.seen, self.lost = event.seq, 0
        if isinstance(event, TurnStarted):
            self.place, self.request_id = Place(event.session_id, event.turn_id), event.request_id
        return event

    def _parse(self, data: str, call: Call) -> TurnEvent | None:
        try:
            return parse_event(data)
        except ValidationError as error:
            if _from_a_newer_platform(data):
                return None
            raise errors.unreadable(self.transport.base_url, "an event", call.request_id) from error

    async def _pause(self, deadline: float) -> None:
        self.lost += 1
        if self.lost >= LOST_IN_A_ROW or asyncio.get_running_loop().time() > deadline:
            raise errors.stream_lost(self.transport.base_url, self.request_id)
        await self.transport.sleep(backoff(self.lost))


@asynccontextmanager
async def _cuts_are_ends() -> AsyncGenerator[None]:
    """A connection that breaks ends the stream like one that closes: both are followed by re-attaching."""
    try:
        yield
    except (httpx.TransportError, EventTooLarge):
        return


def _from_a_newer_platform(data: str) -> bool:
    """An event of a type that this client does not know: clients pass over it."""
    try:
        fields = _any_object.validate_json(data)
    except ValidationError:
        return False
    known = TypeAdapter(TurnEvent).json_schema()["discriminator"]["mapping"]
    return isinstance(fields.get("type"), str) and fields["type"] not in known
