"""Sources of a knowledge base: web sites, repositories and folders that are read on a schedule."""

from collections.abc import AsyncIterator
from typing import Any, Literal
from uuid import UUID

from kit.wire.sources import CreateSource, Source, SourceRun, UpdateSource
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Call, Transport, checked, write


class Sources:
    """For whoever manages the knowledge base. All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def crawl(self, knowledge_base_id: UUID, url: str, **fields: Any) -> Source:
        """A web site from this address down; `fields` are those of CreateSource. Its first run begins."""
        return await self._create(knowledge_base_id, kind="crawl", url=url, **fields)

    async def folder(self, knowledge_base_id: UUID, path: str, **fields: Any) -> Source:
        """A folder of the server, where the operator allows it."""
        return await self._create(knowledge_base_id, kind="folder", path=path, **fields)

    async def git(
        self, knowledge_base_id: UUID, *, url: str | None = None, path: str | None = None, **fields: Any
    ) -> Source:
        """A repository behind https, or one of the server."""
        return await self._create(knowledge_base_id, kind="git", url=url, path=path, **fields)

    def all(self, knowledge_base_id: UUID) -> AsyncIterator[Source]:
        return every(self._transport, Source, _at(knowledge_base_id))

    async def get(self, knowledge_base_id: UUID, source_id: UUID) -> Source:
        return await self._transport.read(Source, Call("GET", _at(knowledge_base_id, source_id)))

    async def pause(self, knowledge_base_id: UUID, source_id: UUID) -> Source:
        return await self._update(knowledge_base_id, source_id, paused=True)

    async def resume(self, knowledge_base_id: UUID, source_id: UUID) -> Source:
        """Also one that was stopped."""
        return await self._update(knowledge_base_id, source_id, paused=False)

    async def reschedule(
        self, knowledge_base_id: UUID, source_id: UUID, schedule: int | Literal["manual"]
    ) -> Source:
        """Minutes between two runs."""
        return await self._update(knowledge_base_id, source_id, schedule=schedule)

    async def delete(
        self, knowledge_base_id: UUID, source_id: UUID, documents: Literal["keep", "delete"] = "keep"
    ) -> None:
        path = f"{_at(knowledge_base_id, source_id)}?documents={documents}"
        await self._transport.send(write("DELETE", path))

    async def sync(self, knowledge_base_id: UUID, source_id: UUID, *, force: bool = False) -> SourceRun:
        """A run now, or the one that is under way; `force` lets more than half vanish."""
        path = f"{_at(knowledge_base_id, source_id)}/sync?force={str(force).lower()}"
        return await self._transport.read(SourceRun, write("POST", path))

    def runs(self, knowledge_base_id: UUID, source_id: UUID) -> AsyncIterator[SourceRun]:
        """The log, newest first."""
        return every(self._transport, SourceRun, f"{_at(knowledge_base_id, source_id)}/runs")

    async def _create(self, knowledge_base_id: UUID, **fields: Any) -> Source:
        body = checked(CreateSource, **fields)
        return await self._transport.read(Source, write("POST", _at(knowledge_base_id), body))

    async def _update(self, knowledge_base_id: UUID, source_id: UUID, **fields: Any) -> Source:
        body = checked(UpdateSource, **fields)
        return await self._transport.read(Source, write("PATCH", _at(knowledge_base_id, source_id), body))


def _at(knowledge_base_id: UUID, source_id: UUID | None = None) -> str:
    place = f"/api/v1/knowledge-bases/{knowledge_base_id}/sources"
    return f"{place}/{source_id}" if source_id else place
