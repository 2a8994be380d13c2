"""How near the sentences of the sources are to a question by meaning, where vectors of them are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from access.keys import AccessKeys
from knowledge.search.query import understand


@dataclass(frozen=True, slots=True)
class Near:
    """Of one chunk. spans: (start, end) of its sentences; cosines: by text asked, one per span, -1 to 1."""

    spans: Sequence[tuple[int, int]]
    cosines: Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Likeness:
    """By chunk; a chunk that is not there has no vectors."""

    of: Mapping[UUID, Near]

    def to(self, text: str, chunk_id: UUID, span: tuple[int, int]) -> float:
        """The best of the sentences that share something with the span; to anything asked where the text was
        not; 0 where nothing is known."""
        near = self.of.get(chunk_id)
        if near is None:
            return 0.0
        there = [at for at, one in enumerate(near.spans) if one[0] < span[1] and span[0] < one[1]]
        asked = [near.cosines[text]] if text in near.cosines else near.cosines.values()
        return max((row[at] for row in asked for at in there), default=0.0)


class Likenesses(Protocol):
    """Knows vectors. Never raises but CancelledError; None where they are not to be had in time."""

    async def of(
        self, keys: AccessKeys, texts: Sequence[str], chunk_ids: Sequence[UUID]
    ) -> Likeness | None: ...


def texts_of(question: str) -> list[str]:
    """What of a question is compared: each of its parts, which is all of it where it asks one thing."""
    return list(understand(question).parts)
