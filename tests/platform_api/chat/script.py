"""A runtime that follows a script, and sources to quote."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid5

from access.principal import Principal
from kit.errors import SwitchboardError
from kit.wire.chat import Usage
from kit.wire.search import ChunkMetadata, FoundChunk, SearchResult
from platform_api.agents.errors import UnknownAgent
from platform_api.agents.port import (
    AgentEvent,
    Conversation,
    Finished,
    TextWritten,
    ToolFinished,
    ToolStarted,
)

LEAVE = "Staff get 25 days of annual leave. Unused days expire at the end of March."
LAPTOPS = "Laptops are replaced every four years. Ask the service desk for a new one."
_NAMES = UUID(int=7)


def chunk(text: str, title: str = "Leave", section: str = "Annual leave") -> FoundChunk:
    return FoundChunk(
        chunk_id=uuid5(_NAMES, text),
        content=text,
        score=0.9,
        metadata=ChunkMetadata(
            source_url=f"/docs/{title.lower()}#{section.lower().replace(' ', '-')}",
            source_hash="0" * 64,
            page_title=title,
            section_title=section,
            service_scope="general",
            chunk_index=0,
            doc_id=uuid5(_NAMES, title),
        ),
    )


def found(*texts: str) -> SearchResult:
    chunks = [chunk(text) for text in texts]
    return SearchResult(chunks=chunks, total_results=len(chunks), query_time_ms=1.0)


def search(*texts: str) -> list[AgentEvent]:
    """A search that found these texts."""
    return [
        ToolStarted("call-1", "docs.search", {"query": "leave"}),
        ToolFinished("call-1", "docs.search", True, 3.0, found(*texts)),
    ]


def answer(*pieces: str, sources: Sequence[str] = (LEAVE,)) -> list[AgentEvent | SwitchboardError]:
    """A search, then the model's text in these pieces."""
    return [*search(*sources), *(TextWritten(piece) for piece in pieces), finished()]


def finished(*degraded: str) -> Finished:
    return Finished(Usage(input_tokens=10, output_tokens=5, model="scripted"), 4.0, tuple(degraded))


Step = AgentEvent | Exception | asyncio.Event


class ScriptedRuntime:
    """Plays `steps`: events are emitted, exceptions raised, an asyncio.Event waited for."""

    def __init__(self, *steps: Step) -> None:
        self.steps: Sequence[Step] = steps or answer("Staff get 25 days of annual leave. [1]")
        self.asked: list[tuple[Principal, Conversation]] = []
        self.closed = 0
        self.reached = asyncio.Event()
        """Set when a run comes to a step that waits."""

    def check(self, agent: str | None) -> None:
        if agent not in (None, "default"):
            raise UnknownAgent

    async def run(
        self, principal: Principal, conversation: Conversation, agent: str | None = None
    ) -> AsyncIterator[AgentEvent]:
        self.asked.append((principal, conversation))
        try:
            for step in self.steps:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, asyncio.Event):
                    self.reached.set()
                    await step.wait()
                    continue
                yield step
        finally:
            self.closed += 1
