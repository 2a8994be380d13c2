"""docs.search: the query as the person may ask it."""

from typing import Protocol
from uuid import UUID

from access.keys import AccessKeys
from kit.wire.search import SearchRequest, SearchResult
from tools.servers.serving import Asker


class Searches(Protocol):
    """What we need of `knowledge.search.Search`."""

    async def search(
        self, keys: AccessKeys, request: SearchRequest, knowledge_base_ids: frozenset[UUID] | None = None
    ) -> SearchResult: ...


class DocumentSearch:
    def __init__(self, search: Searches) -> None:
        self._search = search

    async def run(self, asker: Asker, request: SearchRequest) -> SearchResult:
        """Keys and knowledge bases come from the token, never from the arguments (SPEC 6)."""
        return await self._search.search(asker.keys, request, asker.principal.limits.knowledge_base_ids)
