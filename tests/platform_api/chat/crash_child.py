"""A process that runs turns until it is killed: `python -m … DATABASE_URL REDIS_URL`. One line per turn."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator
from uuid import UUID

from access.principal import Principal
from kit.wire.chat import ChatRequest
from platform_api.agents.port import AgentEvent, Conversation
from platform_api.chat.service import Chat
from platform_api.chat.settings import ChatSettings
from ports.db import Database
from ports.queue import Queue
from ports.redis import connect, connect_blocking
from tests.platform_api.chat.script import ScriptedRuntime, answer

ORGANISATION = UUID(int=1)
PERSON = UUID(int=2)
AT_ONCE = 4
STEPS = answer("Staff get 25 days of annual leave. [1] ", "Unused days expire at the end of March. [1]")


class Paced(ScriptedRuntime):
    """Lets other turns in between its events, so that a kill strikes turns at every stage."""

    async def run(
        self, principal: Principal, conversation: Conversation, agent: str | None = None
    ) -> AsyncIterator[AgentEvent]:
        async for event in super().run(principal, conversation, agent):
            await asyncio.sleep(0.005)
            yield event


async def main(database_url: str, redis_url: str) -> None:
    database = Database(database_url)
    chat = Chat(
        database=database,
        queue=Queue(database),
        redis=connect(redis_url, timeout_s=5),
        redis_blocking=connect_blocking(redis_url),
        runtime=Paced(*STEPS),
        settings=ChatSettings(heartbeat_s=0.2),
    )
    chat.start()
    numbers = itertools.count(1)
    await asyncio.gather(*(_ask_on(chat, numbers) for _ in range(AT_ONCE)))


async def _ask_on(chat: Chat, numbers: "itertools.count[int]") -> None:
    person = Principal(ORGANISATION, PERSON, permissions=frozenset({"use_agent"}))
    for number in numbers:
        session_id, turn_id = await chat.ask(person, ChatRequest(message=f"question {number}"), "req")
        print(session_id, turn_id, flush=True)
        await chat.end(person, session_id, turn_id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
