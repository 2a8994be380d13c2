"""Search that remembers: the same question of the same person is answered from Redis for a while (SPEC 7).

What is kept belongs to one set of access keys: two people never share an answer, not even where they may
see the same, since how fast one comes would tell that the other asked. So nothing is kept of what is asked
in a shared place, by keys that are everyone's there.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import Protocol
from uuid import UUID

import msgspec

from access.keys import AccessKeys, organisation_of
from kit.wire.search import SearchRequest, SearchResult
from knowledge.search.links import Links
from knowledge.search.service import Search
from ports.redis import Cache, CacheDoor, Kept

DOCUMENTS = "documents"
"""The scope of all that is derived from an organisation's documents (docs/decisions/0028)."""
_RELEASE = 1
"""Raise it where the same question is to be answered otherwise than before."""
_question = msgspec.msgpack.Encoder()


class Searching(Protocol):
    """What those who search need of it."""

    @property
    def links(self) -> Links: ...

    @property
    def version(self) -> str:
        """As `Search.version`."""
        ...

    async def search(
        self, keys: AccessKeys, request: SearchRequest, knowledge_base_ids: frozenset[UUID] | None = None
    ) -> SearchResult:
        """As `knowledge.search.Search`."""
        ...


class CachedSearch:
    """`Search` behind the cache. `cache_hit` says where a result comes from; its time is its own."""

    def __init__(self, search: Search, door: CacheDoor) -> None:
        self._search = search
        self._cache = Cache(door, "docs.search", door.settings.search_s, _KEPT)

    @property
    def links(self) -> Links:
        return self._search.links

    @property
    def version(self) -> str:
        """As `Search.version`."""
        return self._search.version

    async def search(
        self, keys: AccessKeys, request: SearchRequest, knowledge_base_ids: frozenset[UUID] | None = None
    ) -> SearchResult:
        """As `Search.search`, which it asks where nothing is kept, and where Redis does not answer."""
        started = perf_counter()
        version, organisation_id = self._search.version, kept_for(keys)
        if not version or organisation_id is None:
            return await self._search.search(keys, request, knowledge_base_ids)
        found, hit = await self._cache.get(
            organisation_id,
            (DOCUMENTS,),
            asked(version, keys, knowledge_base_ids, request.model_dump_json()),
            lambda: self._search.search(keys, request, knowledge_base_ids),
        )
        took_ms = round((perf_counter() - started) * 1000, 3)
        return found.model_copy(update={"cache_hit": hit, "query_time_ms": took_ms})

    async def settled(self) -> None:
        """What is being stored is stored."""
        await self._cache.settled()


def kept_for(keys: AccessKeys) -> UUID | None:
    """The organisation under which answers to these keys are kept; None where they are not one person's."""
    return organisation_of(keys) if any(key.startswith("u:") for key in keys) else None


def asked(version: str, keys: AccessKeys, bases: frozenset[UUID] | None, request: str) -> bytes:
    """All that an answer from the documents depends on beside the documents, in one fixed form.

    Keys and bases are all that limits a turn there: its audience has narrowed the keys already.
    """
    limits: Sequence[str] | None = None if bases is None else sorted(map(str, bases))
    return _question.encode((_RELEASE, version, list(keys), limits, request))


def _dumped(result: SearchResult) -> bytes | None:
    """One without all its parts is not kept: the next may have them."""
    return None if result.degraded else result.model_dump_json().encode()


_KEPT = Kept(_dumped, SearchResult.model_validate_json)
