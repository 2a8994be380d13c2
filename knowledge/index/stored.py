"""The index over any engine: the order of publishing, the merging of lists, the counting of documents."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from operator import attrgetter
from typing import Literal
from uuid import UUID
from weakref import WeakValueDictionary

from access.keys import AccessKeys
from knowledge.embed.vectors import SentenceVectors
from knowledge.index import fields
from knowledge.index.plan import Plan, plan_of
from knowledge.index.points import Marks, Payload, Point, held_of, point_of
from knowledge.index.port import Held, Hit, IndexedChunk, IndexFilter, OtherEmbedder, StoredChunk, stored_of
from knowledge.index.scope import AnyOf, Scope
from knowledge.index.sentences import from_text
from knowledge.index.store import Scored, Store
from knowledge.index.terms import SparseTerms, query_terms

# The embedded engine holds the GIL while it writes: 32 points are about 2 ms in which no search runs.
WRITE_BATCH = 32
Kind = Literal["dense", "sparse"]
_NUMBER = attrgetter("int")
"""Of a UUID: compared in C, where UUIDs themselves are compared in Python."""
_LEAVING: Payload = {fields.LEAVING: fields.YES, fields.TURNED: fields.NO}
_SHOWN: Payload = {fields.PENDING: fields.NO, fields.TURNED: fields.YES}
_WITHDRAWN: Payload = {
    fields.PENDING: fields.YES,
    fields.LEAVING: fields.NO,
    fields.TURNED: fields.NO,
    fields.ACCESS_KEYS: [],
}


class StoredIndex:
    """`Index` over a `Store`. One owner: writes to one document are ordered within this object."""

    def __init__(self, store: Store, embedder: str | None = None) -> None:
        """embedder: the version whose vectors it holds, where publishing is to be held to it."""
        self._store = store
        self._embedder = embedder
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def publish(
        self, doc_id: UUID, chunks: Sequence[IndexedChunk], keys: AccessKeys, *, embedder: str | None = None
    ) -> None:
        if embedder and self._embedder and embedder != self._embedder:
            raise OtherEmbedder(f"The index holds vectors of {self._embedder}, not of {embedder}.")
        _check_document(doc_id, chunks)
        async with self._lock(doc_id):
            stored = await self._store.marks(doc_id)
            _check_vectors(chunks, stored.keys())
            plan = plan_of(chunks, stored)
            await self._write(plan)
            await self._turn(plan, list(keys))

    async def _write(self, plan: Plan) -> None:
        """All of the new version; readers still see exactly the old one."""
        if plan.unseen:
            await self._store.delete(plan.unseen)
        if plan.returning:
            await self._store.mark(plan.returning, _WITHDRAWN)
        if plan.staying:
            await self._store.mark(plan.staying, {fields.LEAVING: fields.NO})
        first = None if plan.first_at_the_end else plan.first
        for batch in _batches(plan.new):
            await self._store.insert(await _points(batch, first))
        for batch in _batches(plan.kept):
            await self._store.refresh(await _points(batch, first))

    async def _turn(self, plan: Plan, keys: list[str]) -> None:
        """One step for every reader: what is new appears, what is stale disappears."""
        if plan.ids:
            if plan.stale:
                await self._store.mark(plan.stale, _LEAVING)
            await self._store.mark([*plan.ids, *plan.stale], _SHOWN | {fields.ACCESS_KEYS: keys})
        if plan.stale:
            await self._store.delete(plan.stale)
        if plan.first and plan.first_at_the_end:
            await self._store.mark([plan.first], {fields.FIRST: fields.YES})

    async def set_access(self, doc_id: UUID, keys: AccessKeys | None) -> None:
        async with self._lock(doc_id):
            await self._store.set_keys(doc_id, list(keys) if keys else [])

    async def remove(self, doc_id: UUID) -> None:
        async with self._lock(doc_id):
            await self._store.delete_document(doc_id)

    async def known(self, doc_id: UUID) -> frozenset[UUID]:
        return await self._store.ids(doc_id)

    async def search(
        self,
        keys: AccessKeys,
        filter: IndexFilter,
        *,
        vector: Sequence[float] | None,
        text: str | None,
        limit: int,
    ) -> list[Hit]:
        terms = query_terms(text) if text else None
        asked: dict[Kind, Sequence[float] | SparseTerms] = {}
        if vector is not None:
            asked["dense"] = vector
        if terms:
            asked["sparse"] = terms
        if not asked or filter.matches_nothing:
            return []
        lists = await self._store.rank(Scope.of(keys, filter), list(asked.values()), limit)
        return _merged(dict(zip(asked, lists, strict=True)))

    async def fetch(
        self,
        keys: AccessKeys,
        chunk_ids: Sequence[UUID],
        knowledge_base_ids: frozenset[UUID] | None = None,
    ) -> list[StoredChunk]:
        filter = IndexFilter(knowledge_base_ids=knowledge_base_ids)
        if not chunk_ids or filter.matches_nothing:
            return []
        asked = list(dict.fromkeys(chunk_ids))
        bodies = await self._store.fetch(Scope.of(keys, filter), asked, fields.BODY)
        return [stored_of(bodies[chunk_id]) for chunk_id in asked if chunk_id in bodies]

    async def sentences(self, keys: AccessKeys, chunk_ids: Sequence[UUID]) -> dict[UUID, SentenceVectors]:
        if not chunk_ids:
            return {}
        scope = Scope.of(keys, IndexFilter())
        texts = await self._store.fetch(scope, list(dict.fromkeys(chunk_ids)), fields.SENTENCES)
        return {chunk_id: from_text(text) for chunk_id, text in texts.items()}

    async def inventory(self) -> AsyncIterator[tuple[UUID, Held]]:
        found: defaultdict[UUID, list[Marks]] = defaultdict(list)
        start: UUID | None = None
        while True:
            page = await self._store.page(start)
            for marks in page.marks:
                found[marks.doc_id].append(marks)
            if page.next is None:
                break
            start = page.next
        for doc_id, marks in found.items():
            yield doc_id, held_of(marks)

    async def facets(self, keys: AccessKeys, filter: IndexFilter) -> dict[str, dict[str, int]]:
        if filter.matches_nothing:
            return {field: {} for field in fields.FACETS}
        scope = Scope.of(keys, filter)
        if filter.section:
            documents = await self._store.count_values(scope, fields.DOCUMENT)
            if not documents:
                return {field: {} for field in fields.FACETS}
            # The first chunk of a document need not be in the section.
            whole = Scope.of(keys, replace(filter, section=None))
            scope = whole.narrowed(AnyOf(fields.DOCUMENT, tuple(sorted(documents))))
        firsts = scope.narrowed(AnyOf(fields.FIRST, (fields.YES,)))
        return {field: await self._store.count_values(firsts, field) for field in fields.FACETS}

    async def close(self) -> None:
        await self._store.close()

    def _lock(self, doc_id: UUID) -> asyncio.Lock:
        return self._locks.setdefault(doc_id, asyncio.Lock())


def _check_document(doc_id: UUID, chunks: Iterable[IndexedChunk]) -> None:
    if any(indexed.chunk.doc_id != doc_id or indexed.facts.doc_id != doc_id for indexed in chunks):
        raise ValueError(f"A chunk to publish does not belong to document {doc_id}.")


def _check_vectors(chunks: Iterable[IndexedChunk], stored: Set[UUID]) -> None:
    bare = {indexed.chunk.chunk_id for indexed in chunks if indexed.vector is None}
    if missing := bare - stored:
        raise ValueError(f"{len(missing)} chunks have no vector and none is stored, such as {min(missing)}.")


async def _points(batch: Sequence[IndexedChunk], first: UUID | None) -> list[Point]:
    """In a thread: reading the terms of a batch takes as long as several searches."""
    return await asyncio.to_thread(
        lambda: [point_of(indexed, first=indexed.chunk.chunk_id == first) for indexed in batch]
    )


def _batches(chunks: Sequence[IndexedChunk]) -> Iterator[Sequence[IndexedChunk]]:
    return (chunks[at : at + WRITE_BATCH] for at in range(0, len(chunks), WRITE_BATCH))


def _merged(lists: Mapping[Kind, Sequence[Scored]]) -> list[Hit]:
    scores = {kind: {scored.id: scored.score for scored in ranked} for kind, ranked in lists.items()}
    bodies = {scored.id: scored.body for ranked in lists.values() for scored in ranked if scored.body}
    dense, sparse = scores.get("dense", {}), scores.get("sparse", {})
    return [Hit(id, bodies[id], dense.get(id), sparse.get(id)) for id in sorted(bodies, key=_NUMBER)]
