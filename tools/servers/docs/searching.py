"""docs.search: the query as the person may ask it."""

from kit.wire.search import SearchRequest, SearchResult
from knowledge.search import Searching
from tools.servers.serving import Asker


class DocumentSearch:
    def __init__(self, search: Searching) -> None:
        self._search = search

    async def run(self, asker: Asker, request: SearchRequest) -> SearchResult:
        """Keys and knowledge bases come from the token, never from the arguments (SPEC 6)."""
        return await self._search.search(asker.keys, request, asker.principal.limits.knowledge_base_ids)
