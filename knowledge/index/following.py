"""`Index` over generations: it goes by the current one, and what takes access away reaches them all."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from access.keys import AccessKeys
from knowledge.embed.vectors import SentenceVectors
from knowledge.index.generation import Generations
from knowledge.index.port import GenerationGone, Held, Hit, Index, IndexedChunk, IndexFilter, StoredChunk

Result = TypeVar("Result")


class FollowingIndex:
    """What is published goes to the current generation only: re-indexing catches the next one up."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    async def publish(
        self, doc_id: UUID, chunks: Sequence[IndexedChunk], keys: AccessKeys, *, embedder: str | None = None
    ) -> None:
        index = await self._current()
        await index.publish(doc_id, chunks, keys, embedder=embedder)

    async def set_access(self, doc_id: UUID, keys: AccessKeys | None) -> None:
        await self._everywhere(lambda index: index.set_access(doc_id, keys))

    async def remove(self, doc_id: UUID) -> None:
        await self._everywhere(lambda index: index.remove(doc_id))

    async def known(self, doc_id: UUID) -> frozenset[UUID]:
        return await self._ask(lambda index: index.known(doc_id))

    async def search(
        self,
        keys: AccessKeys,
        filter: IndexFilter,
        *,
        vector: Sequence[float] | None,
        text: str | None,
        limit: int,
    ) -> list[Hit]:
        """Only for a vector of the current generation's embedder; `knowledge.search` sees to that."""
        index = await self._current()
        return await index.search(keys, filter, vector=vector, text=text, limit=limit)

    async def fetch(
        self,
        keys: AccessKeys,
        chunk_ids: Sequence[UUID],
        knowledge_base_ids: frozenset[UUID] | None = None,
    ) -> list[StoredChunk]:
        return await self._ask(lambda index: index.fetch(keys, chunk_ids, knowledge_base_ids))

    async def sentences(self, keys: AccessKeys, chunk_ids: Sequence[UUID]) -> dict[UUID, SentenceVectors]:
        return await self._ask(lambda index: index.sentences(keys, chunk_ids))

    async def inventory(self) -> AsyncIterator[tuple[UUID, Held]]:
        async for found in (await self._current()).inventory():
            yield found

    async def facets(self, keys: AccessKeys, filter: IndexFilter) -> dict[str, dict[str, int]]:
        return await self._ask(lambda index: index.facets(keys, filter))

    async def close(self) -> None:
        await self._generations.close()

    async def _current(self) -> Index:
        return await self._generations.index(await self._generations.current())

    async def _ask(self, call: Callable[[Index], Awaitable[Result]]) -> Result:
        try:
            return await call(await self._current())
        except GenerationGone:
            # It went between our look and our question.
            return await call(await self._current())

    async def _everywhere(self, call: Callable[[Index], Awaitable[None]]) -> None:
        """Also one that is being built, and one that some process may still ask."""
        current = await self._generations.current()
        for generation in await self._generations.all():
            try:
                await call(await self._generations.index(generation))
            except GenerationGone:
                if generation.name == current.name:
                    raise
