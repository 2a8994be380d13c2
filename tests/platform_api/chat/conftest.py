"""Turns with a scripted runtime, on real Postgres and Valkey."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from access.principal import Principal
from kit.wire.chat import ChatRequest
from kit.wire.events import TurnEvent, parse_event
from platform_api.agents.port import AgentRuntime
from platform_api.chat.checks import Means
from platform_api.chat.service import Chat
from platform_api.chat.settings import ChatSettings
from ports.db import Database
from ports.queue import Queue
from tests.platform_api.chat.script import ScriptedRuntime

ORGANISATION = UUID("11111111-1111-4111-8111-111111111111")
ChatWith = Callable[..., Chat]


def person(name: str = "maya") -> Principal:
    return Principal(
        ORGANISATION, uuid4(), name=name, permissions=frozenset({"use_agent", "query_kb", "upload_docs"})
    )


@dataclass
class Client:
    """One person asking one Chat."""

    chat: Chat
    runtime: ScriptedRuntime = field(default_factory=ScriptedRuntime)
    principal: Principal = field(default_factory=person)

    async def ask(self, message: str = "How many days of leave do I get?", **fields: Any) -> "Asked":
        key = fields.pop("key", None)
        request_id = fields.pop("request_id", "req-1")
        request = ChatRequest(message=message, **fields)
        session_id, turn_id = await self.chat.ask(self.principal, request, request_id, key)
        return Asked(self, session_id, turn_id)


@dataclass
class Asked:
    client: Client
    session_id: UUID
    turn_id: UUID

    async def events(self, after: int = 0, chat: Chat | None = None) -> list[TurnEvent]:
        """All events to the end."""
        heard = (chat or self.client.chat).follow(self.client.principal, self.session_id, self.turn_id, after)
        return [parse_event(entry.data) async for batch in heard for entry in batch]

    async def end(self, chat: Chat | None = None) -> TurnEvent:
        asked = chat or self.client.chat
        return parse_event((await asked.end(self.client.principal, self.session_id, self.turn_id)).data)


@pytest.fixture
async def chat_with(database: Database, redis: Redis) -> AsyncIterator[ChatWith]:
    """`chat_with(runtime, **settings)`: one more process, so to say."""
    made: list[Chat] = []

    def make(
        runtime: AgentRuntime | None = None,
        *,
        redis: Redis = redis,
        means: Means | None = None,
        **settings: Any,
    ) -> Chat:
        values: dict[str, Any] = {"drain_s": 0.05, "keepalive_s": 0.2, **settings}
        chat = Chat(
            database=database,
            queue=Queue(database),
            redis=redis,
            redis_blocking=redis,
            runtime=runtime or ScriptedRuntime(),
            settings=ChatSettings(**values),
            means=means,
        )
        chat.start()
        made.append(chat)
        return chat

    yield make
    for chat in made:
        await chat.stop()


@pytest.fixture
async def client(chat_with: ChatWith) -> Client:
    runtime = ScriptedRuntime()
    return Client(chat_with(runtime), runtime)
