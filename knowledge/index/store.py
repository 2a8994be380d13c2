"""What publishing and searching need of an engine; the order of steps lives in `stored.py`, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from knowledge.index.points import Marks, Payload, Point
from knowledge.index.scope import Scope
from knowledge.index.terms import SparseTerms

Vector = Sequence[float] | SparseTerms


@dataclass(frozen=True, slots=True)
class Ranking:
    """One list to make: the best `limit` in the scope by dense or sparse vector.

    among: only these ids, without their payloads: whoever names them has them.
    """

    vector: Vector
    limit: int
    among: tuple[UUID, ...] | None = None


class Scored(NamedTuple):
    """body: None where it was not asked for. A tuple: a search makes some eighty of them."""

    id: UUID
    score: float
    body: str | None


@dataclass(frozen=True, slots=True)
class MarksPage:
    """Some points of all, and where the next page begins; None after the last."""

    marks: Sequence[Marks]
    next: UUID | None


class Store(Protocol):
    """Each write is one step: done whole or not at all, and kept when it returns."""

    async def ids(self, doc_id: UUID) -> frozenset[UUID]: ...

    async def marks(self, doc_id: UUID) -> dict[UUID, Marks]: ...

    async def page(self, start: UUID | None) -> MarksPage:
        """A page of all points, short enough to hold nobody up."""
        ...

    async def insert(self, points: Sequence[Point]) -> None:
        """Write new points: pending, without keys."""
        ...

    async def refresh(self, points: Sequence[Point]) -> None:
        """Replace payload, terms and (where given) vectors of stored points; keys and visibility stay."""
        ...

    async def mark(self, ids: Sequence[UUID], payload: Payload) -> None:
        """Set these fields on all these points, in one step."""
        ...

    async def set_keys(self, doc_id: UUID, keys: Sequence[str]) -> None:
        """Replace the keys of the document's points that are not pending."""
        ...

    async def delete(self, ids: Sequence[UUID]) -> None: ...

    async def delete_document(self, doc_id: UUID) -> None: ...

    async def rank(self, scope: Scope, vectors: Sequence[Vector], limit: int) -> list[list[Scored]]:
        """The best `limit` by each vector; what is in one list gets its score in the others (`gaps`)."""
        ...

    async def fetch(self, scope: Scope, ids: Sequence[UUID], field: str) -> dict[UUID, str]:
        """This field of those in the scope that have it."""
        ...

    async def count_values(self, scope: Scope, field: str) -> dict[str, int]: ...

    async def close(self) -> None: ...


def gaps(vectors: Sequence[Vector], lists: Sequence[Sequence[Scored]], limit: int) -> dict[int, Ranking]:
    """By list: the ranking that gives it the scores of what only other lists hold."""
    everything = {scored.id for ranked in lists for scored in ranked}
    missing = [tuple(everything - {scored.id for scored in ranked}) for ranked in lists]
    # A list shorter than the limit holds all that it can.
    return {
        at: Ranking(vectors[at], len(ids), ids)
        for at, ids in enumerate(missing)
        if ids and len(lists[at]) == limit
    }
