"""The passages of the sources that may speak for a sentence, nearest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.sentences import Span
from knowledge.verify.features import nearness
from knowledge.verify.meaning import Meaning, is_number
from knowledge.verify.prepared import Passage, prepare
from knowledge.verify.source import Source

MOST = 6
_FEWEST_SHARED = 0.15  # of the sentence's words, related ones counted
_FEWEST_ALONE = 0.4  # the same without vectors
_FARTHEST = 0.35  # cosine below which a passage is no candidate without half of the words
_HALF = 0.5
_AS_MUCH = 0.05


@dataclass(frozen=True, slots=True)
class Candidate:
    """cover: share of the sentence's words that the passage has, related ones counted in part. back: share of
    the passage's words that the sentence has. cosine: None without vectors. numbers: how many of the
    sentence's it has."""

    source: Source
    passage: Passage
    cover: float
    back: float
    cosine: float | None
    numbers: int = 0

    @property
    def rank(self) -> float:
        words = 0.8 * self.cover + 0.2 * self.back
        return words if self.cosine is None else (words + max(self.cosine, 0.0)) / 2


def nearest(claim: Meaning, sources: Sequence[Source], vector: NDArray[np.float32] | None) -> list[Candidate]:
    """At most `MOST`, best first."""
    if not claim.total:
        return []
    found = [each for source in sources for each in _of(claim, source, vector)]
    return sorted(_narrowest(found), key=lambda each: -each.rank)[:MOST]


def _narrowest(found: Sequence[Candidate]) -> Iterator[Candidate]:
    """Where a clause says as much of the sentence as the whole does, the rest may neither help nor hinder."""
    best: dict[int, float] = {}
    for each in found:
        if each.passage.part_of is not None:
            whole = id(each.passage.part_of)
            best[whole] = max(each.cover + each.numbers, best.get(whole, 0.0))
    return (each for each in found if best.get(id(each.passage), -1.0) < each.cover + each.numbers - _AS_MUCH)


def _of(claim: Meaning, source: Source, vector: NDArray[np.float32] | None) -> Iterator[Candidate]:
    cosines = Cosines(source, vector)
    narrow = [0.0, 0.0]  # of the two units that a wider passage may join
    for passage in prepare(source.text).passages:
        shared = sum(w for name, w in claim.content.items() if name in passage.meaning.content)
        worth = not passage.wider or shared > max(narrow)
        if not passage.wider:
            narrow = [narrow[1], shared]
        if not worth:
            continue
        cosine = cosines.of(passage.span)
        near = _near(claim, passage, shared, cosine)
        if near is not None:
            total = passage.meaning.total or 1.0
            numbers = sum(name in passage.meaning.places for name in claim.places if is_number(name))
            yield Candidate(source, passage, near, min(1.0, shared / total), cosine, numbers)


def _near(claim: Meaning, passage: Passage, shared: float, cosine: float | None) -> float | None:
    """The cover, None where the passage is too far to be looked at closely."""
    if shared < _HALF * claim.total and cosine is not None and cosine < _FARTHEST:
        return None
    cover = sum(w * nearness(name, passage.meaning) for name, w in claim.content.items()) / claim.total
    return cover if cover >= (_FEWEST_ALONE if cosine is None else _FEWEST_SHARED) else None


class Cosines:
    """Of one sentence with what a source's stored sentence vectors cover."""

    def __init__(self, source: Source, vector: NDArray[np.float32] | None) -> None:
        stored = source.sentences
        self._spans: tuple[Span, ...] = stored.spans if stored and vector is not None else ()
        self._rows = stored.rows.astype(np.float32) if stored and self._spans else None
        self._dots = self._rows @ vector if self._rows is not None and vector is not None else None
        self._vector = vector

    def of(self, span: Span) -> float | None:
        """The best of its sentences or, for several, of their sum."""
        if self._dots is None or self._rows is None or self._vector is None:
            return None
        inside = [at for at, (start, end) in enumerate(self._spans) if start < span[1] and end > span[0]]
        if not inside:
            return None
        best = max(float(self._dots[at] / (np.linalg.norm(self._rows[at]) or 1.0)) for at in inside)
        if len(inside) == 1:
            return best
        total = self._rows[inside].sum(axis=0)
        return max(best, float(total @ self._vector / (np.linalg.norm(total) or 1.0)))
