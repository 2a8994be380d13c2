"""To another embedder, or another schema of the index, without anybody noticing (SPEC 7).

The generation to be is built beside the current one, document by document from what was read of them. What
is in it already is what it holds, so a killed worker goes on where it was. The last few are done while
nobody publishes; then the alias moves; after a pause, in which other processes notice, the old one goes.
Shares and deletions reach both all the time (`FollowingIndex`).
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter as Metric
from prometheus_client import Gauge
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from access.keys import AccessKeys
from kit.clock import Clock
from knowledge.document import Chunk, DocumentFacts, LoadedDocument
from knowledge.embed import ChunkVectors, EmbedderSpec
from knowledge.index import Held, Index, IndexedChunk
from knowledge.index.generation import Generation, Generations, generation_of
from knowledge.index.vectorising import Vectorisers
from knowledge.prepare import Preparer
from platform_api.library import repository
from platform_api.library.models import DocumentAccessRow, DocumentRow, DocumentVersionRow, KnowledgeBaseRow
from platform_api.library.service.facts import describe, facts_of, wanted
from platform_api.library.service.generation import stop_publishing
from platform_api.library.service.scopes import Scopes
from ports.blobs import BlobMissing, Blobs
from ports.db import Database
from ports.queue import Tasks

REINDEX = "library.reindex"
_EVERY_S = 30
_TIMEOUT_S = 6 * 3600.0
_ROUNDS = 20
_FEW = 20
"""So many may be left for the end, in which nobody publishes: a few seconds."""
_TRIES = 3
# A document without keys is published to somebody who cannot exist, then made nobody's.
_NOBODY = AccessKeys(["u:nobody"])
left_gauge = Gauge("switchboard_index_reindex_left", "Documents that the next generation still lacks.")
rebuilt_total = Metric("switchboard_index_reindex_total", "Documents for it, by outcome.", ["outcome"])
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reindexing:
    """What re-indexing needs beside the library. wanted: the embedder that there should be."""

    generations: Generations
    vectorisers: Vectorisers
    wanted: EmbedderSpec
    grace_s: float = 30.0
    """From the switch until the old generation goes: longer than any process takes to notice."""


@dataclass(frozen=True, slots=True)
class Goal:
    """How the next generation should hold a document."""

    version: int
    updated_at: datetime
    keys: frozenset[str]
    empty: bool

    def met_by(self, held: Held | None) -> bool:
        if held is None:
            return self.empty
        same = (held.version, held.updated_at, held.keys) == (self.version, self.updated_at, self.keys)
        return same and not held.pending


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A document that only has to be published."""

    version: int
    loaded: LoadedDocument
    chunks: list[Chunk]
    vectors: Mapping[UUID, ChunkVectors]


class ReindexTask:
    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        reindexing: Reindexing,
        *,
        preparer: Preparer,
        scopes: Scopes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._with = reindexing
        self._generations = reindexing.generations
        self._preparer = preparer
        self._scopes = scopes
        self._clock = clock
        self._faults: Counter[UUID] = Counter()

    def register(self, tasks: Tasks) -> None:
        tasks.every(_EVERY_S, REINDEX, self.turn, timeout_s=_TIMEOUT_S)

    async def turn(self, _: dict[str, Any]) -> None:
        """Does nothing where the current generation is the wanted one and alone."""
        current = await self._generations.current()
        goal = generation_of(self._with.wanted)
        if current.name != goal.name:
            await self._move(current)
            # Whoever had made their last look just before the switch still asks the old one.
            await asyncio.sleep(self._with.grace_s)
        await self._drop_all_but(goal)

    async def _move(self, current: Generation) -> None:
        building = await self._generations.build(self._with.wanted)
        await self._drop_all_but(current, building)
        log.info("reindex.begun", current=current.name, building=building.name)
        for _ in range(_ROUNDS):
            if await self._catch_up(current, building) <= _FEW:
                break
        async with self._database.begin() as session:
            await stop_publishing(session)
            await self._catch_up(current, building)
            # Where the connection was lost meanwhile, so was the lock.
            await session.execute(text("SELECT 1"))
            await self._generations.switch(building)
        left_gauge.set(0)
        self._count = None
        log.info("reindex.switched", current=building.name)

    async def _drop_all_but(self, *kept: Generation) -> None:
        names = {generation.name for generation in kept}
        current = await self._generations.current()
        for generation in await self._generations.all():
            if generation.name not in names | {current.name}:
                await self._generations.drop(generation)

    async def _catch_up(self, current: Generation, building: Generation) -> int:
        """Make the next generation hold what the current one and the database say; how many that were."""
        old, new = await self._generations.index(current), await self._generations.index(building)
        held = {doc_id: found async for doc_id, found in new.inventory()}
        goals = await self._goals({doc_id: found async for doc_id, found in old.inventory()})
        left = [
            doc_id
            for doc_id, goal in goals.items()
            if not goal.met_by(held.get(doc_id)) and self._faults[doc_id] < _TRIES
        ]
        for doc_id in held.keys() - goals.keys():
            await new.remove(doc_id)
        for at, doc_id in enumerate(left):
            left_gauge.set(len(left) - at)
            await self._one(building, new, doc_id, goals[doc_id])
        return len(left)

    async def _goals(self, held: Mapping[UUID, Held]) -> dict[UUID, Goal]:
        """Of all published documents. When its facts were last told is what the current generation says."""
        row, access = DocumentRow, DocumentAccessRow
        columns = (row.id, row.published_version, row.updated_at, row.chunks)
        async with self._database.begin() as session:
            rows = await session.execute(select(*columns).where(row.published_version.is_not(None)))
            documents: Sequence[Any] = rows.all()
            opened = (await session.execute(select(access.document_id, access.access_key))).all()
        keys = _grouped((doc_id, key) for doc_id, key in opened)
        goals: dict[UUID, Goal] = {}
        for doc_id, version, updated_at, chunks in documents:
            found = held.get(doc_id)
            told = found.updated_at if found and found.updated_at else updated_at
            goals[doc_id] = Goal(version, told, keys.get(doc_id, frozenset()), empty=not chunks)
        return goals

    async def _one(self, building: Generation, index: Index, doc_id: UUID, goal: Goal) -> None:
        try:
            rebuilt = await self._rebuild(building, index, doc_id)
            if rebuilt is not None:
                await self._publish(index, doc_id, rebuilt, goal)
        except (BlobMissing, msgspec.DecodeError) as broken:
            # Reading it again from the original is `reconcile`'s, once this generation is the current one.
            self._faults[doc_id] = _TRIES
            rebuilt_total.labels("unreadable").inc()
            log.error("reindex.unreadable", document_id=str(doc_id), error=type(broken).__name__)
            return
        except Exception:
            # Tried again in the next turn; one document must not hold up all others for ever.
            self._faults[doc_id] += 1
            rebuilt_total.labels("failed").inc()
            raise
        rebuilt_total.labels("done").inc()

    async def _rebuild(self, building: Generation, index: Index, doc_id: UUID) -> Rebuilt | None:
        """Cut and embedded anew; None where it is not published any more."""
        async with self._database.begin() as session:
            document = await session.get(DocumentRow, doc_id)
            number = document.published_version if document else None
            version = await session.get(DocumentVersionRow, (doc_id, number)) if number else None
        if document is None or number is None or version is None:
            return None
        if version.read_key is None:
            raise BlobMissing(doc_id)
        data = await self._blobs.get(version.read_key)
        how = wanted(document, version)
        stored = msgspec.json.decode(data, type=LoadedDocument)
        # As it was cut when it was read, so that what has not changed keeps its id.
        read = await self._preparer.cut(stored, doc_id, title=how.title, strategy=how.strategy)
        vectoriser = self._with.vectorisers.of(building)
        known = await index.known(doc_id)
        vectors = await vectoriser.vectors(document.organisation_id, read.chunks, known)
        return Rebuilt(number, read.document, read.chunks, vectors)

    async def _publish(self, index: Index, doc_id: UUID, rebuilt: Rebuilt, goal: Goal) -> None:
        async with self._database.begin() as session:
            # Nobody deletes it, or changes who may see it, before it is written.
            document = await session.get(DocumentRow, doc_id, with_for_update={"read": True})
            if document is None or document.published_version != rebuilt.version:
                return
            facts = await self._facts(session, document, rebuilt, goal)
            keys = await repository.keys_of(session, doc_id)
            chunks = [_indexed(piece, facts, rebuilt.vectors.get(piece.chunk_id)) for piece in rebuilt.chunks]
            await index.publish(doc_id, chunks, AccessKeys(keys) if keys else _NOBODY)
            if not keys:
                await index.set_access(doc_id, None)

    async def _facts(
        self, session: AsyncSession, document: DocumentRow, rebuilt: Rebuilt, goal: Goal
    ) -> DocumentFacts:
        version = await session.get_one(DocumentVersionRow, (document.id, rebuilt.version))
        base = await session.get_one(KnowledgeBaseRow, document.knowledge_base_id)
        described = describe(document, version, rebuilt.loaded, self._scopes)
        return facts_of(base, document, version, described, goal.updated_at)


def _grouped(pairs: Iterable[tuple[UUID, str]]) -> dict[UUID, frozenset[str]]:
    found: dict[UUID, set[str]] = {}
    for doc_id, key in pairs:
        found.setdefault(doc_id, set()).add(key)
    return {doc_id: frozenset(keys) for doc_id, keys in found.items()}


def _indexed(piece: Chunk, facts: DocumentFacts, vectors: ChunkVectors | None) -> IndexedChunk:
    if vectors is None:
        return IndexedChunk(piece, facts, None)
    return IndexedChunk(piece, facts, vectors.dense.tolist(), vectors.sentences)
