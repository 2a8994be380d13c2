"""The strategy that goes by meaning: a chunk ends where the next sentences speak of something else."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.chunk.atoms import Atom, Placed, atoms, sentence_atoms
from knowledge.chunk.sections import sections
from knowledge.chunk.spans import Span, pack
from knowledge.chunk.tokens import Measure
from knowledge.document import LoadedDocument

Rows = NDArray[np.float32]
# Of the similarity that neighbours in this document typically have (SPEC 7). Not an absolute cosine: with
# small models that of related neighbours is about 0.4, and every sentence would be a chunk.
THRESHOLD = 0.7
# Neighbours are compared two against two: one odd sentence is no new subject.
_WINDOW = 2
# Shorter stretches are not left to themselves, in word pieces.
_LEAST = 40


def semantic(document: LoadedDocument, measure: Measure) -> Iterator[Span]:
    """Headings are boundaries; under one heading, breaks in meaning are. Lists and tables stay whole.

    Raises ValueError where `measure` has no embedder.
    """
    if measure.embed is None:
        raise ValueError("the chunking strategy 'semantic' needs an embedder")
    found = [
        (section, [atom for placed in section.body for atom in _units(placed, measure)])
        for section in sections(document).walk()
    ]
    text = document.text
    units = [atom for _, group in found for atom in group]
    if not units:
        return
    vectors = measure.embed([text[atom.start : atom.end] for atom in units])
    similar = [_similarities(rows) for rows in _split(vectors, [len(group) for _, group in found])]
    limit = _limit(similar)
    for (section, group), likeness in zip(found, similar, strict=True):
        for part in _parts(group, likeness, limit):
            yield from pack(part, measure.limit, section.path, section.anchor)


def _units(placed: Placed, measure: Measure) -> list[Atom]:
    cut = sentence_atoms if placed.block.kind == "paragraph" else atoms
    return cut(placed, measure.limit, measure.count)


def _split(vectors: Rows, lengths: Sequence[int]) -> list[Rows]:
    return np.split(vectors, np.cumsum(lengths)[:-1]) if lengths else []


def _similarities(rows: Rows) -> list[float]:
    """Between what is before and after each gap."""
    return [
        _cosine(rows[max(gap - _WINDOW, 0) : gap].sum(axis=0), rows[gap : gap + _WINDOW].sum(axis=0))
        for gap in range(1, len(rows))
    ]


def _cosine(one: Rows, other: Rows) -> float:
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0


def _limit(similar: Sequence[Sequence[float]]) -> float:
    every = [value for group in similar for value in group]
    return THRESHOLD * float(np.median(every)) if every else 0.0


def _parts(group: list[Atom], likeness: Sequence[float], limit: float) -> Iterator[list[Atom]]:
    part: list[Atom] = []
    for position, atom in enumerate(group):
        if part and likeness[position - 1] < limit and _may_end(part):
            yield part
            part = []
        part.append(atom)
    if part:
        yield part


def _may_end(part: list[Atom]) -> bool:
    return not part[-1].leads and sum(atom.tokens for atom in part) >= _LEAST
