"""From what a model says of each token to vectors of the text and of its parts."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from knowledge.embed.port import Marked, Vectors


def pool_of(marked: Marked, offsets: Sequence[tuple[int, int]]) -> Vectors:
    """Which tokens belong to the text (all of them) and to each span: ones and zeros, a row each."""
    pool = np.zeros((1 + len(marked.spans), len(offsets)), np.float32)
    pool[0] = 1
    starts = [start for start, _ in offsets]
    for row, (start, end) in enumerate(marked.spans, 1):
        pool[row, bisect_left(starts, start) : bisect_left(starts, end)] = 1
    return pool


def units_of(sums: Vectors) -> Vectors:
    """Rows of unit length. A part of which the model read nothing stands for the whole (the first row)."""
    lengths = _lengths(sums)
    sums = np.where(lengths == 0, sums[:1], sums)
    lengths = np.where(lengths == 0, lengths[:1], lengths)
    return np.asarray(sums / np.where(lengths == 0, 1, lengths), np.float32)


def _lengths(rows: Vectors) -> Vectors:
    return np.sqrt((rows * rows).sum(axis=1, keepdims=True))
