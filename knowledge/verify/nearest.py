"""The passages of the sources that may speak for a sentence, nearest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
    sentence's it has. shared: as cover, of the same words only."""

    source: Source
    passage: Passage
    cover: float
    back: float
    cosine: float | None
    numbers: int = 0
    shared: float = 0.0

    @property
    def rank(self) -> float:
        words = 0.8 * self.cover + 0.2 * self.back
        return words if self.cosine is None else (words + max(self.cosine, 0.0)) / 2


def scanned(claim: Meaning, sources: Sequence[Source]) -> list[Candidate]:
    """Every passage that shares words enough to be looked at, by words alone."""
    return [each for source in sources for each in _of(claim, source)] if claim.total else []


def nearest(found: Sequence[Candidate], vector: NDArray[np.float32] | None) -> list[Candidate]:
    """At most `MOST` of them, best first. vector: of the sentence, for sources with stored vectors."""
    cosines: dict[int, Cosines] = {}
    near: list[Candidate] = []
    for each in found:
        if vector is not None and each.source.sentences is not None:
            key = id(each.source)
            if key not in cosines:
                cosines[key] = Cosines(each.source, vector)
            near += _beside(each, cosines[key].of(each.passage.span))
        elif each.cover >= _FEWEST_ALONE:
            near.append(each)
    return sorted(_narrowest(near), key=lambda each: -each.rank)[:MOST]


def _beside(each: Candidate, cosine: float | None) -> Iterator[Candidate]:
    near = cosine is not None and (each.shared >= _HALF or cosine >= _FARTHEST)
    enough = near or (cosine is None and each.cover >= _FEWEST_ALONE)
    if enough:
        yield replace(each, cosine=cosine)


def _narrowest(found: Sequence[Candidate]) -> Iterator[Candidate]:
    """Where a clause says as much of the sentence as the whole does, the rest may neither help nor hinder."""
    best: dict[int, float] = {}
    for each in found:
        if each.passage.part_of is not None:
            whole = id(each.passage.part_of)
            best[whole] = max(each.cover + each.numbers, best.get(whole, 0.0))
    return (each for each in found if best.get(id(each.passage), -1.0) < each.cover + each.numbers - _AS_MUCH)


def _of(claim: Meaning, source: Source) -> Iterator[Candidate]:
    numbers = [name for name in claim.places if is_number(name)]
    words = list(claim.content.items())
    narrow = [0.0, 0.0]  # of the two units that a wider passage may join
    for passage in prepare(source.text).passages:
        meaning = passage.meaning
        content = meaning.content
        shared = sum([weight for name, weight in words if name in content])
        worth = not passage.wider or shared > max(narrow)
        if not passage.wider:
            narrow = [narrow[1], shared]
        if not worth or not (shared or not claim.lines.isdisjoint(meaning.lines)):
            continue
        near = shared + sum(
            [weight * nearness(name, meaning) for name, weight in words if name not in content]
        )
        cover = near / claim.total
        if cover >= _FEWEST_SHARED:
            has = sum([name in meaning.places for name in numbers])
            back = min(1.0, shared / (meaning.total or 1.0))
            yield Candidate(source, passage, cover, back, None, has, shared / claim.total)


class Cosines:
    """Of one sentence with what a source's stored sentence vectors cover."""

    def __init__(self, source: Source, vector: NDArray[np.float32]) -> None:
        stored = source.sentences
        self._spans: tuple[Span, ...] = stored.spans if stored else ()
        self._rows = stored.rows.astype(np.float32) if stored and self._spans else None
        if self._rows is not None:
            self._dots = self._rows @ vector
            self._near: list[float] = (self._dots / (np.linalg.norm(self._rows, axis=1) + 1e-9)).tolist()

    def of(self, span: Span) -> float | None:
        """The best of its sentences or, for several, of their sum; None where none is stored."""
        if self._rows is None:
            return None
        inside = [at for at, (start, end) in enumerate(self._spans) if start < span[1] and end > span[0]]
        if not inside:
            return None
        best = max(self._near[at] for at in inside)
        if len(inside) == 1:
            return best
        length = float(np.linalg.norm(self._rows[inside].sum(axis=0)))
        return max(best, float(self._dots[inside].sum()) / (length or 1.0))
