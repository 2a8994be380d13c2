"""The sentence vectors that the index keeps with the chunks of a turn, and the embedder that made them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from prometheus_client import Counter

from access.keys import AccessKeys
from knowledge.embed import Embedder, SentenceVectors
from knowledge.search.finder import Finder, Finders

log = structlog.get_logger()
_missed = Counter(
    "switchboard_sentence_vectors_missed_total", "Turns that were checked without stored vectors.", ["why"]
)


@dataclass(frozen=True, slots=True)
class Vectors:
    """embedder: of the generation of the index that the vectors come from; others cannot be compared."""

    embedder: Embedder
    of: Mapping[UUID, SentenceVectors]


class StoredVectors:
    """Asks the index, which checks the access again. Without an answer in time meaning is judged by words."""

    def __init__(self, finders: Finders, timeout_s: float) -> None:
        self._finders = finders
        self._timeout_s = timeout_s

    async def of(self, keys: AccessKeys, chunk_ids: Sequence[UUID]) -> Vectors | None:
        """None where there are none, or the index does not answer. Never raises but CancelledError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._asked(keys, chunk_ids)
        except Exception as error:  # whatever an engine raises: the rules go on without
            _missed.labels(type(error).__name__).inc()
            log.warning("chat.no_sentence_vectors", error=type(error).__name__)
            return None

    async def _asked(self, keys: AccessKeys, chunk_ids: Sequence[UUID]) -> Vectors | None:
        finder: Finder = self._finders.known or await self._finders.anew()
        if finder.embedder is None or not chunk_ids:
            return None
        found = await finder.index.sentences(keys, chunk_ids)
        return Vectors(finder.embedder, found) if found else None
