"""`knowledge.embed.VectorCache` on Postgres: per organisation and embedder, by content."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from prometheus_client import Counter
from sqlalchemy import ARRAY, LargeBinary, and_, any_, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from knowledge.embed import ChunkVectors, SentenceVectors
from platform_api.library.models import ChunkVectorRow
from ports.db import Database

# A row with its sentences has about 6 KB: a few MB in memory at once.
_AT_ONCE = 500
_DAY = timedelta(days=1)
# Asked for each document that is read: made once, since making a statement costs as much as asking it.
_TABLE: Any = ChunkVectorRow.__table__
_MINE = and_(
    _TABLE.c.organisation_id == bindparam("organisation"),
    _TABLE.c.embedder == bindparam("by_embedder"),
    _TABLE.c.content_hash == any_(bindparam("hashes", type_=ARRAY(LargeBinary))),
)
_FOUND = select(_TABLE.c.content_hash, _TABLE.c.dense, _TABLE.c.spans, _TABLE.c.rows, _TABLE.c.used_at).where(
    _MINE
)
_USED = update(_TABLE).where(_MINE, _TABLE.c.used_at < bindparam("before")).values(used_at=bindparam("now"))
_ADD = insert(_TABLE).on_conflict_do_nothing()
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
        now = self._clock.now()
        mine = {
            "organisation": organisation_id,
            "by_embedder": embedder,
            "hashes": [bytes.fromhex(one) for one in some],
        }
        async with self._database.begin() as session:
            rows = (await session.execute(_FOUND, mine)).all()
            if any(one.used_at < now - _DAY for one in rows):
                await session.execute(_USED, mine | {"now": now, "before": now - _DAY})
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
                await session.execute(_ADD, rows)


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
