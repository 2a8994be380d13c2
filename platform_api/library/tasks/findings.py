"""What a comparison found and repaired, by organisation: an admin is told the numbers of their own."""

from collections import Counter
from typing import Final
from uuid import UUID

from prometheus_client import Counter as Metric

STRANDED: Final = "stranded"
"""Waiting without anybody to do it: queued again, or ended where nothing was left to do."""
GHOSTS: Final = "ghosts"
"""In the index and no document (any more), or never published: removed from the index."""
KEYS: Final = "keys"
"""Open to others in the index than in the database: set as the database says."""
AGAIN: Final = "published_again"
"""Missing in the index, half there, or there in another version: queued to be published anew."""
ORPHANS: Final = "orphan_blobs"
"""Files that no document refers to: deleted."""
MISSING: Final = "missing_blobs"
"""Documents whose file is gone: cannot be repaired here; restore it from the backup, or send it again."""
CHECKED: Final = "documents_checked"

_REPAIRS = Metric("switchboard_library_repairs_total", "What comparisons found and repaired.", ["kind"])


class Findings:
    def __init__(self) -> None:
        self._counts: Counter[tuple[UUID | None, str]] = Counter()

    def add(self, organisation_id: UUID | None, kind: str, number: int = 1) -> None:
        self._counts[organisation_id, kind] += number
        if kind != CHECKED:
            _REPAIRS.labels(kind).inc(number)

    def of(self, organisation_id: UUID) -> dict[str, int]:
        kinds = (CHECKED, STRANDED, GHOSTS, KEYS, AGAIN, ORPHANS, MISSING)
        return {kind: self._counts[organisation_id, kind] for kind in kinds}

    def all(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for (_, kind), number in self._counts.items():
            total[kind] += number
        return dict(total)
