"""What tools ask in these tests, and whoever hears the answers."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from access.principal import Principal
from kit.wire.interactions import Interaction
from platform_api.identity import Identity
from platform_api.interactions import Answered, Interactions, Suspended
from platform_api.interactions.one_shots import OneShots
from tests.platform_api.people import People

BOOKING = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "email": {"type": "string", "format": "email"},
        "seats": {"type": "integer", "minimum": 1, "maximum": 8, "default": 1},
        "room": {"type": "string", "enum": ["a", "b"], "enumNames": ["Room A", "Room B"]},
        "news": {"type": "boolean", "default": False},
        "days": {"type": "array", "items": {"type": "string", "enum": ["mon", "tue"]}, "minItems": 1},
    },
    "required": ["name", "email", "room"],
}
FILLED = {"name": "Maya", "email": "maya@example.com", "room": "a"}
NOTHING: dict[str, Any] = {"type": "object", "properties": {}}


def elicit(schema: dict[str, Any] | None = None, message: str = "Please fill this in.", **more: Any) -> Any:
    params: dict[str, Any] = {"message": message, "requestedSchema": schema or BOOKING, **more}
    return {"method": "elicitation/create", "params": params}


def page_to_open(url: str, **more: Any) -> Any:
    return {
        "method": "elicitation/create",
        "params": {"mode": "url", "message": "Sign in", "url": url, **more},
    }


def suspended(**changes: Any) -> Suspended:
    fields: dict[str, Any] = {
        "tool": "meetings.book",
        "arguments": {"topic": "ACE"},
        "input_requests": {"details": elicit()},
        "request_state": "sealed-by-the-tool",
        "expires_s": 600.0,
        "resume": {"of": "tests", "agent_session": {"secret": "of the agent"}},
    }
    return Suspended(**fields | changes)


@dataclass
class Heard:
    """Keeps what it hears; `fail` makes it raise so often first."""

    answers: list[Answered] = field(default_factory=list[Answered])
    fail: int = 0

    async def __call__(self, answered: Answered) -> None:
        if self.fail:
            self.fail -= 1
            raise RuntimeError("the tool gateway is away")
        self.answers.append(answered)


@dataclass(frozen=True)
class Desk:
    """The service of a replica, asked as its neighbours in the platform ask it."""

    people: People
    interactions: Interactions
    one_shots: OneShots
    identity: Identity

    async def principal(self, user_id: UUID) -> Principal:
        return (await self.identity.person(user_id)).principal

    async def ask(
        self,
        principal: Principal,
        *,
        session_id: UUID | None = None,
        turn_id: UUID | None = None,
        **changes: Any,
    ) -> Interaction:
        async with self.people.ports.database.begin() as session:
            return await self.interactions.open(
                session, principal, suspended(**changes), session_id=session_id, turn_id=turn_id
            )
