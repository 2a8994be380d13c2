"""One disagreement of a sentence and a passage."""

from dataclasses import dataclass
from typing import Literal

FATAL = 1.0

Layer = Literal[
    "number",
    "name",
    "negation",
    "limit",
    "modality",
    "quantity",
    "direction",
    "order",
    "meaning",
    "judge",
]


@dataclass(frozen=True, slots=True)
class Objection:
    """One disagreement of sentence and passage.

    layer, code: which check found it, and what (for tables). reason: for people. cost: its weight; 1.0
    forbids support at any threshold.
    """

    layer: Layer
    code: str
    reason: str
    cost: float

    @property
    def fatal(self) -> bool:
        return self.cost >= FATAL
