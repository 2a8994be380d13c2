"""What publishing has to do to a document's stored points, worked out before the first write."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from knowledge.index.points import Marks
from knowledge.index.port import IndexedChunk


@dataclass(frozen=True, slots=True)
class Plan:
    """All lists hold chunk ids.

    new, kept: not stored yet, and stored already. returning: kept that an interrupted step had hidden
    for good. staying: kept that were about to leave. stale: seen by readers, not in the new version.
    unseen: stored, in neither version. first: the one that stands for the document in counts;
    first_at_the_end: it is seen already while another one still counts.
    """

    new: Sequence[IndexedChunk]
    kept: Sequence[IndexedChunk]
    returning: Sequence[UUID]
    staying: Sequence[UUID]
    stale: Sequence[UUID]
    unseen: Sequence[UUID]
    first: UUID | None
    first_at_the_end: bool

    @property
    def ids(self) -> list[UUID]:
        return [indexed.chunk.chunk_id for indexed in (*self.new, *self.kept)]


def plan_of(chunks: Sequence[IndexedChunk], stored: Mapping[UUID, Marks]) -> Plan:
    ids = {indexed.chunk.chunk_id for indexed in chunks}
    seen = {id for id, marks in stored.items() if marks.visible}
    first = _first(chunks, stored, seen)
    return Plan(
        new=[indexed for indexed in chunks if indexed.chunk.chunk_id not in stored],
        kept=[indexed for indexed in chunks if indexed.chunk.chunk_id in stored],
        returning=_sorted(id for id in ids - seen if id in stored and not stored[id].pending),
        staying=_sorted(id for id in ids & seen if stored[id].leaving),
        stale=_sorted(seen - ids),
        unseen=_sorted(stored.keys() - seen - ids),
        first=first,
        first_at_the_end=first is not None and first in seen and not stored[first].first,
    )


def _first(chunks: Sequence[IndexedChunk], stored: Mapping[UUID, Marks], seen: set[UUID]) -> UUID | None:
    """The one that stands now, where it stays; else one that appears in the same step as it goes."""
    ids = [indexed.chunk.chunk_id for indexed in chunks]
    standing = (id for id in ids if id in seen and stored[id].first)
    appearing = (id for id in ids if id not in seen)
    return next(standing, None) or next(appearing, None) or next(iter(ids), None)


def _sorted(ids: Iterable[UUID]) -> list[UUID]:
    return sorted(ids)
