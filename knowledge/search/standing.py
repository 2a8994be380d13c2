"""What a document's own marks do to its place: outdated ones step back, of equals the newer leads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from uuid import UUID

from knowledge.index import Hit
from knowledge.search.fusion import Ranked

STATUS = "status:"
"""Begins a tag that the library gives a document that is not current."""
_OUTDATED = "outdated,out of date,obsolete,superseded,replaced,archived,deprecated,retired,withdrawn,expired"
OUTDATED = frozenset(_OUTDATED.split(","))
# In the scale of scores: two good results of one question lie about 0.1 apart, near-equal ones within 0.01.
STEP_BACK = 0.1
NEWER = 0.01
_YEARS = 3.0
BEYOND = 6
"""How many candidates behind the last place that is shown may still come to be shown."""


@dataclass(frozen=True, slots=True)
class Standing:
    fingerprint: str
    status: str
    last_modified: datetime | None

    @property
    def outdated(self) -> bool:
        return self.status in OUTDATED


def status_of(tags: Sequence[str]) -> str:
    """What the document says of itself; "" where it holds."""
    return next((tag.removeprefix(STATUS) for tag in tags if tag.startswith(STATUS)), "")


class Standings:
    """Of one search; each is read once."""

    def __init__(self) -> None:
        self._known: dict[UUID, Standing] = {}

    def of(self, hit: Hit) -> Standing:
        known = self._known.get(hit.chunk_id)
        if known is None:
            known = self._known[hit.chunk_id] = _read(hit)
        return known


def _read(hit: Hit) -> Standing:
    glance = hit.glance
    when = glance.facts.last_modified
    return Standing(
        glance.fingerprint, status_of(glance.facts.tags), datetime.fromisoformat(when) if when else None
    )


def reordered(ranked: Sequence[Ranked], first: int, standings: Standings) -> list[Ranked]:
    """The same with the marks of the first ones heeded; what follows them keeps its place behind.

    An outdated one is placed as if it had STEP_BACK less, so that a current one about the same subject
    precedes it; one that is three years older than the newest as if it had NEWER less, others in proportion.
    Scores stay where the order allows it: what is alone loses nothing.
    """
    looked = [(item, standings.of(item.hit)) for item in islice(ranked, first)]
    times = [standing.last_modified for _, standing in looked if standing.last_modified]
    newest = max(times, default=None)
    placed = [(item.score - _back(standing, newest), item) for item, standing in looked]
    placed.sort(key=lambda pair: (-pair[0], pair[1].hit.chunk_id.int))
    return never_rising([*(item for _, item in placed), *ranked[first:]])


def never_rising(ranked: Sequence[Ranked]) -> list[Ranked]:
    """In this order; a score that is higher than one before it becomes that one."""
    lowest = 1.0
    kept: list[Ranked] = []
    for item in ranked:
        lowest = min(lowest, item.score)
        kept.append(item if item.score == lowest else replace(item, score=lowest))
    return kept


def _back(standing: Standing, newest: datetime | None) -> float:
    back = STEP_BACK if standing.outdated else 0.0
    if newest and standing.last_modified:
        back += NEWER * min(1.0, (newest - standing.last_modified).days / 365 / _YEARS)
    return back
