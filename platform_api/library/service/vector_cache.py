"""`knowledge.embed.VectorCache` on Postgres: per organisation and embedder, by content."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from prometheus_client import Counter
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from knowledge.embed import ChunkVectors, SentenceVectors
from platform_api.library.models import ChunkVectorRow
from ports.db import Database

# A row with its sentences has about 6 KB: a few MB in memory at once.
_AT_ONCE = 500
_DAY = timedelta(days=1)
looked_up = Counter(
    "switchboard_vector_cache_chunks_total", "Chunks whose vectors were looked for by content.", ["outcome"]
)


class PostgresVectorCache:
    """Nobody reads vectors from it by document: who has a content's hash has the content."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(
        self, organisation_id: UUID, embedder: str, hashes: Sequence[str]
    ) -> dict[str, ChunkVectors]:
        """Those that are known. Using a row keeps it from being purged."""
        found: dict[str, ChunkVectors] = {}
        for start in range(0, len(hashes), _AT_ONCE):
            found |= await self._get(organisation_id, embedder, hashes[start : start + _AT_ONCE])
        looked_up.labels("hit").inc(len(found))
        looked_up.labels("miss").inc(len(hashes) - len(found))
        return found

    async def _get(
        self, organisation_id: UUID, embedder: str, some: Sequence[str]
    ) -> dict[str, ChunkVectors]:
        row = ChunkVectorRow
        mine = (
            row.organisation_id == organisation_id,
            row.embedder == embedder,
            row.content_hash.in_([bytes.fromhex(one) for one in some]),
        )
        now = self._clock.now()
        async with self._database.begin() as session:
            rows = (
                await session.execute(
                    select(row.content_hash, row.dense, row.spans, row.rows, row.used_at).where(*mine)
                )
            ).all()
            if any(one.used_at < now - _DAY for one in rows):
                await session.execute(update(row).where(*mine, row.used_at < now - _DAY).values(used_at=now))
        return {one.content_hash.hex(): _read(one.dense, one.spans, one.rows) for one in rows}

    async def put(self, organisation_id: UUID, embedder: str, vectors: Mapping[str, ChunkVectors]) -> None:
        """What is known already stays."""
        # In one order, so that two who put the same never wait for each other in a ring.
        hashes = sorted(vectors)
        now = self._clock.now()
        for start in range(0, len(hashes), _AT_ONCE):
            rows = [
                {
                    "organisation_id": organisation_id,
                    "embedder": embedder,
                    "content_hash": bytes.fromhex(one),
                    "used_at": now,
                    **_written(vectors[one]),
                }
                for one in hashes[start : start + _AT_ONCE]
            ]
            async with self._database.begin() as session:
                await session.execute(insert(ChunkVectorRow).on_conflict_do_nothing(), rows)


async def purge_vectors(session: AsyncSession, now: datetime, kept_days: int) -> None:
    """Periodically: what was not used for so long."""
    unused = ChunkVectorRow.used_at < now - timedelta(days=kept_days)
    await session.execute(delete(ChunkVectorRow).where(unused))


def _written(vectors: ChunkVectors) -> dict[str, Any]:
    spans = np.array(vectors.sentences.spans, dtype="<i4").reshape(-1, 2)
    return {
        "dense": vectors.dense.astype("<f4").tobytes(),
        "spans": spans.tobytes(),
        "rows": np.ascontiguousarray(vectors.sentences.rows).tobytes(),
    }


def _read(dense: bytes, spans: bytes, rows: bytes) -> ChunkVectors:
    vector = np.frombuffer(dense, dtype="<f4")
    places = np.frombuffer(spans, dtype="<i4").reshape(-1, 2)
    small = np.frombuffer(rows, dtype=np.int8).reshape(len(places), len(vector))
    return ChunkVectors(vector, SentenceVectors(tuple((int(a), int(b)) for a, b in places), small))
