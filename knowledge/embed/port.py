"""What we need of an embedder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with places (start, end) in it that get a vector of their own."""

    text: str
    spans: tuple[tuple[int, int], ...]


class Embedder(Protocol):
    """Turns texts into vectors of unit length whose dot product is their similarity (-1 to 1)."""

    @property
    def version(self) -> str:
        """Names model and build; vectors of different versions cannot be compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row per text, in order. Blocks for milliseconds per text: call it in a thread.

        A text longer than the model reads is embedded in windows, whose vectors are averaged.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """The length of a text in the model's own word pieces."""
        ...


@runtime_checkable
class ReadsParts(Protocol):
    """An embedder that knows what its model read of each part of a text, at no further cost."""

    def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        """For each text one row for the whole, then one for each span, read in the context of the whole."""
        ...
