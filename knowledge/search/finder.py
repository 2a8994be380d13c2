"""An index with the embedder whose vectors it holds: a query is embedded for the index that it asks."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

import structlog

from knowledge.embed.port import Embedder
from knowledge.embed.spec import EmbedderSpec
from knowledge.index import Index, IndexUnavailable
from knowledge.index.generation import Generation, Generations

LOOK_EVERY_S = 2.0
"""A switch to another generation is noticed within this time; the old one stays for longer."""
TRY_EMBEDDER_AGAIN_S = 60.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Finder:
    """embedder: None where it cannot be made; search then goes by words. Never mixed, only replaced."""

    index: Index
    embedder: Embedder | None
    generation: Generation | None = None


class Finders(Protocol):
    @property
    def known(self) -> Finder | None:
        """As of the last look; None before the first."""
        ...

    async def anew(self) -> Finder:
        """Look first. Raises IndexUnavailable."""
        ...


class One:
    """An index that stays."""

    def __init__(self, index: Index, embedder: Embedder) -> None:
        self._finder = Finder(index, embedder)

    @property
    def known(self) -> Finder | None:
        return self._finder

    async def anew(self) -> Finder:
        return self._finder


class Current:
    """Follows the current generation; `make` makes the embedder of its queries and is called in a thread."""

    def __init__(
        self,
        generations: Generations,
        make: Callable[[EmbedderSpec], Embedder],
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._generations = generations
        self._make = make
        self._every_s = look_every_s
        self._finder: Finder | None = None
        self._looked_at = 0.0
        self._embedder_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    @property
    def known(self) -> Finder | None:
        if self._finder and monotonic() - self._looked_at >= self._every_s:
            # Beside the question: who asks now is answered by what is known.
            self._look()
        return self._finder

    async def anew(self) -> Finder:
        await asyncio.shield(self._look())
        assert self._finder is not None
        return self._finder

    def _look(self) -> "asyncio.Task[None]":
        """One look at a time, shared by all who wait for it."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._renew())
            self._looking.add_done_callback(_heard)
        return self._looking

    async def _renew(self) -> None:
        current = await self._generations.current()
        self._looked_at = monotonic()
        known = self._finder
        if known and known.generation == current and (known.embedder or not self._due()):
            return
        index = await self._generations.index(current)
        self._finder = Finder(index, await self._embedder(current), current)

    def _due(self) -> bool:
        return monotonic() - self._embedder_at >= TRY_EMBEDDER_AGAIN_S

    async def _embedder(self, generation: Generation) -> Embedder | None:
        self._embedder_at = monotonic()
        if generation.spec is None:
            return None
        try:
            return await asyncio.to_thread(self._make, generation.spec)
        except Exception as error:  # whatever a vendor raises: words still find something
            _log.warning("search.no_embedder", generation=generation.name, error=type(error).__name__)
            return None


def _heard(done: "asyncio.Task[None]") -> None:
    """A look beside a question may fail: the next one comes."""
    with suppress(asyncio.CancelledError, IndexUnavailable):
        if error := done.exception():
            _log.warning("search.look_failed", error=type(error).__name__)
