"""Who makes the vectors for each generation: its own embedder."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import structlog

from knowledge.embed.port import Vectors
from knowledge.embed.spec import EmbedderSpec
from knowledge.embed.vectors import Vectoriser
from knowledge.index.generation import Generation, Generations

Make = Callable[[EmbedderSpec], Vectoriser]
_log = structlog.get_logger()


class Vectorising(Protocol):
    """A `Vectoriser`, or what knows which one it is now."""

    async def now(self) -> Vectoriser:
        """For the current generation. Keep it for one document: publish with its `version`."""
        ...


class Vectorisers:
    """`make` is called once for each embedder."""

    def __init__(self, generations: Generations, make: Make) -> None:
        self._generations = generations
        self._make = make
        self._made: dict[str, Vectoriser] = {}

    async def now(self) -> Vectoriser:
        return self.of(await self._generations.current())

    def of(self, generation: Generation) -> Vectoriser:
        made = self._made.get(generation.name)
        if made is None:
            made = self._made[generation.name] = self._vectoriser(generation)
        return made

    def _vectoriser(self, generation: Generation) -> Vectoriser:
        if generation.spec:
            return self._make(generation.spec)
        _log.warning("index.embedder_unknown", generation=generation.name)
        return Vectoriser(_WordsOnly(generation.embedder, generation.dimensions))


class _WordsOnly:
    """Stands in where the embedder of an old generation cannot be made: documents are found by words.

    Nobody asks that generation by vector; the next one, being built, has real ones.
    """

    def __init__(self, version: str, dimensions: int) -> None:
        self.version = version
        self.dimensions = dimensions

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return np.zeros((len(texts), self.dimensions), np.float32)
