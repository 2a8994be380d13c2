"""The calibrated probability that a passage says a sentence: logistic regression over `features.NAMES`.

The weights were fitted by `python -m tests.evals.verifying.fit`; weights.json says on what.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from knowledge.verify.features import NAMES, Features


@dataclass(frozen=True, slots=True)
class Weights:
    bias: float
    by_name: tuple[float, ...]

    def probability(self, features: Features) -> float:
        total = self.bias + sum(
            weight * value for weight, value in zip(self.by_name, features.row, strict=True)
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def probability(features: Features) -> float:
    """0-1. With a cosine the weights fitted with vectors speak, without those fitted without."""
    return _weights()["lexical" if features.cosine is None else "vectors"].probability(features)


@cache
def _weights() -> dict[str, Weights]:
    told = json.loads(files("knowledge.verify").joinpath("weights.json").read_text(encoding="utf-8"))
    return {name: _read(told[name]) for name in ("vectors", "lexical")}


def _read(told: dict[str, float]) -> Weights:
    return Weights(told["bias"], tuple(told.get(name, 0.0) for name in NAMES))
