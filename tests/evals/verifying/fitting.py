"""Logistic regression and its curves, in NumPy: nothing to install for a dozen weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RIDGE = 0.3
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Fitted:
    bias: float
    weights: Array

    def probabilities(self, rows: Array) -> Array:
        return 1 / (1 + np.exp(-(rows @ self.weights + self.bias)))


def fit(rows: Array, labels: Array, counts: Array, ridge: float = RIDGE) -> Fitted:
    """Newton's method on the weighted log-likelihood less ridge/2 × |weights|² (the bias is free)."""
    full = np.hstack([np.ones((len(rows), 1)), rows])
    penalty = np.diag([0.0, *[ridge] * rows.shape[1]])
    found = np.zeros(full.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(full @ found)))
        slope = full.T @ (counts * (labels - p)) - penalty @ found
        bend = (full * (counts * p * (1 - p) + 1e-9)[:, None]).T @ full + penalty
        step = np.linalg.solve(bend, slope)
        found = found + step
        if np.abs(step).max() < 1e-8:
            break
    return Fitted(float(found[0]), found[1:])


@dataclass(frozen=True, slots=True)
class Point:
    """At a threshold: how much of what passes is supported, and how much of the supported passes."""

    threshold: float
    precision: float
    recall: float
    passed: int
    wrong: int


def curve(scores: Sequence[float], supported: Sequence[bool], thresholds: Sequence[float]) -> list[Point]:
    values, truth = np.asarray(scores), np.asarray(supported)
    return [_point(values, truth, at) for at in thresholds]


def _point(values: Array, truth: NDArray[np.bool_], at: float) -> Point:
    passed = values >= at
    right = int((passed & truth).sum())
    count = int(passed.sum())
    return Point(at, right / count if count else 1.0, right / max(1, int(truth.sum())), count, count - right)


def reliability(
    scores: Sequence[float], supported: Sequence[bool], bins: int = 10
) -> list[tuple[float, float, int]]:
    """(mean score, share supported, how many) of each tenth that holds any."""
    values, truth = np.asarray(scores), np.asarray(supported)
    which = np.minimum((values * bins).astype(int), bins - 1)
    return [
        (float(values[which == at].mean()), float(truth[which == at].mean()), int((which == at).sum()))
        for at in range(bins)
        if (which == at).any()
    ]
