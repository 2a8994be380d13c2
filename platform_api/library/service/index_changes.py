"""What changes the index tells the caches, in one step: neither is done without the other (decision 0028)."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from access.keys import AccessKeys
from knowledge.index import Index, IndexedChunk
from knowledge.search import DOCUMENTS
from ports.redis import CacheScopes, CacheUnavailable


class IndexChanges:
    """The library's only way to change the current index; `index` is for reading.

    surely: for jobs. A change that the caches cannot be told of raises CacheUnavailable then, so the job is
    tried again; each of them may run twice. A request has deferred such a job in its commit and goes on.
    """

    def __init__(self, index: Index, caches: CacheScopes, *, surely: bool) -> None:
        self.index: Final = index
        self._caches = caches
        self._surely = surely

    def without_certainty(self) -> "IndexChanges":
        """For what is done again anyway."""
        return IndexChanges(self.index, self._caches, surely=False)

    async def publish(
        self,
        organisation_id: UUID,
        doc_id: UUID,
        chunks: Sequence[IndexedChunk],
        keys: AccessKeys,
        *,
        embedder: str | None = None,
    ) -> None:
        """As Index.publish."""
        await self.index.publish(doc_id, chunks, keys, embedder=embedder)
        await self.tell(organisation_id)

    async def set_access(self, organisation_id: UUID, doc_id: UUID, keys: AccessKeys | None) -> None:
        """As Index.set_access."""
        await self.index.set_access(doc_id, keys)
        await self.tell(organisation_id)

    async def remove(self, organisation_id: UUID | None, doc_id: UUID) -> None:
        """As Index.remove. None where no trace is left of whose it was: then it was nobody's to see."""
        await self.index.remove(doc_id)
        if organisation_id is not None:
            await self.tell(organisation_id)

    async def tell(self, organisation_id: UUID) -> None:
        """What was kept of this organisation's documents is no longer given. Raises as said above."""
        try:
            await self._caches.changed(organisation_id, DOCUMENTS)
        except CacheUnavailable:
            if self._surely:
                raise
