"""How near the sentences of what was found are to what is asked, by the vectors that the index keeps."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import structlog

from access.keys import AccessKeys
from knowledge.embed import SentenceVectors
from knowledge.embed import Vectors as Rows
from knowledge.embed.vectors import SCALE
from platform_api.chat.stored import StoredVectors
from platform_api.llm.extractive.likeness import Likeness, Near

log = structlog.get_logger()


class Nearness:
    """The built-in model's sense of meaning: one call of the embedder per turn, with the asker's keys."""

    def __init__(self, vectors: StoredVectors, timeout_s: float) -> None:
        self._vectors = vectors
        self._timeout_s = timeout_s

    async def of(self, keys: AccessKeys, texts: Sequence[str], chunk_ids: Sequence[UUID]) -> Likeness | None:
        """None where nothing is stored, or no answer comes in time. Never raises but CancelledError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._asked(keys, texts, chunk_ids)
        except Exception as error:  # whatever an embedder raises: words alone go on
            log.warning("chat.no_nearness", error=type(error).__name__)
            return None

    async def _asked(
        self, keys: AccessKeys, texts: Sequence[str], chunk_ids: Sequence[UUID]
    ) -> Likeness | None:
        stored = await self._vectors.of(keys, chunk_ids)
        if stored is None:
            return None
        rows = await asyncio.to_thread(stored.embedder.embed, texts)
        return Likeness({chunk_id: _near(texts, rows, of) for chunk_id, of in stored.of.items()})


def _near(texts: Sequence[str], rows: Rows, stored: SentenceVectors) -> Near:
    cosines = (rows @ stored.rows.astype(np.float32).T) / SCALE
    return Near(stored.spans, {text: row.tolist() for text, row in zip(texts, cosines, strict=True)})
