"""The embedded engine: Qdrant's own, in this process (qdrant-edge).

Its calls hold the GIL, so they are short and run in one thread of their own; it is never optimised here:
exact search needs no graph and takes 3 ms at 10^5 points.
"""

import asyncio
import fcntl
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import qdrant_edge as qdrant
import structlog
from qdrant_edge import UpdateOperation as Update

from knowledge.index import fields
from knowledge.index.points import Marks, Payload, Point
from knowledge.index.port import GenerationGone, Index, IndexInUse, IndexUnavailable
from knowledge.index.scope import AnyOf, Between, Condition, Scope
from knowledge.index.store import MarksPage, Ranking, Scored, Vector, gaps
from knowledge.index.stored import StoredIndex
from knowledge.index.terms import SparseTerms

Result = TypeVar("Result")
_log = structlog.get_logger()
# Mapped files are read when touched: else 70 MB of preallocated, empty pages become resident at once.
_ON_DEMAND = qdrant.Memory.Cold
_NO_LIMIT = 1_000_000
# The engine reads a point's whole payload for any field of it, and holds the GIL meanwhile.
_PAGE = 100
_BODY = [fields.BODY]


def open_edge(folder: Path, embedder_version: str, dimensions: int) -> Index:
    """The index in this folder, made where it is missing; this process owns it until `close`.

    Raises IndexInUse where someone else owns it. It survives kill -9 (write-ahead log).
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = own(folder / "owner.lock")
    try:
        path = folder / fields.collection(embedder_version)
        if not path.exists():
            create_shard(path, dimensions)
        return StoredIndex(EdgeStore(load_shard(path), on_close=lambda: os.close(lock)))
    except BaseException:
        os.close(lock)
        raise


def own(path: Path) -> int:
    """The engine refuses a second handle, too, but does not say so in words; this lock dies with us."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise IndexInUse(f"The index in {path.parent} belongs to another process.") from error
    return lock


def create_shard(path: Path, dimensions: int) -> None:
    """Beside its place and then moved, so that there is never half an index."""
    draft = path.with_name(f"{path.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    shard = qdrant.EdgeShard.create(str(draft), _config(dimensions))
    for field in fields.KEYWORDS:
        shard.update(Update.create_field_index(field, qdrant.KeywordIndexParams(memory=_ON_DEMAND)))
    times = qdrant.DatetimeIndexParams(memory=_ON_DEMAND)
    shard.update(Update.create_field_index(fields.LAST_MODIFIED, times))
    shard.close()
    draft.rename(path)


def load_shard(path: Path) -> qdrant.EdgeShard:
    shard = qdrant.EdgeShard.load(str(path))
    if not path.name.startswith(fields.collection("")):
        # Of an earlier schema: a filter on a field without an index would read every payload.
        shard.update(Update.create_field_index(fields.LEAVING, qdrant.KeywordIndexParams(memory=_ON_DEMAND)))
    return shard


def _config(dimensions: int) -> qdrant.EdgeConfig:
    return qdrant.EdgeConfig(
        # Vectors come with unit length: the dot product is the cosine.
        vectors={
            fields.DENSE: qdrant.EdgeVectorParams(
                size=dimensions, distance=qdrant.Distance.Dot, memory=_ON_DEMAND
            )
        },
        sparse_vectors={fields.SPARSE: qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf)},
        optimizers=qdrant.EdgeOptimizersConfig(indexing_threshold=10**9),
        max_search_threads=1,
        wal_enabled=True,
    )


class EdgeStore:
    """`Store` over one shard."""

    def __init__(self, shard: qdrant.EdgeShard, on_close: Callable[[], None] | None = None) -> None:
        self._shard = shard
        self._on_close = on_close
        self._leaving = _leaving(shard)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="index")
        self._closed = False

    async def ids(self, doc_id: UUID) -> frozenset[UUID]:
        request = qdrant.ScrollRequest(
            limit=_NO_LIMIT, filter=_of_document(doc_id), with_payload=False, with_vector=False
        )
        records, _ = await self._run(lambda: self._shard.scroll(request))
        return frozenset(_uuid(record.id) for record in records)

    async def marks(self, doc_id: UUID) -> dict[UUID, Marks]:
        request = qdrant.ScrollRequest(
            limit=_NO_LIMIT, filter=_of_document(doc_id), with_payload=fields.MARKS, with_vector=False
        )
        records, _ = await self._run(lambda: self._shard.scroll(request))
        return {_uuid(record.id): Marks.of(record.payload or {}) for record in records}

    async def page(self, start: UUID | None) -> MarksPage:
        request = qdrant.ScrollRequest(
            limit=_PAGE, offset=start, with_payload=fields.MARKS, with_vector=False
        )
        records, next = await self._run(lambda: self._shard.scroll(request))
        marks = [Marks.of(record.payload or {}) for record in records]
        return MarksPage(marks, None if next is None else _uuid(next))

    async def insert(self, points: Sequence[Point]) -> None:
        await self._run(lambda: self._shard.update(Update.upsert_points([_new(point) for point in points])))

    async def refresh(self, points: Sequence[Point]) -> None:
        await self._run(lambda: self._refresh(points))

    def _refresh(self, points: Sequence[Point]) -> None:
        vectors = [qdrant.PointVectors(point.id, _vectors(point)) for point in points]
        self._shard.update(Update.update_vectors(vectors))
        for point in points:
            self._shard.update(Update.set_payload([point.id], point.payload))

    async def mark(self, ids: Sequence[UUID], payload: Payload) -> None:
        await self._run(lambda: self._mark(ids, payload))

    def _mark(self, ids: Sequence[UUID], payload: Payload) -> None:
        if payload.get(fields.LEAVING) == fields.YES:
            self._leaving.update(ids)
        self._shard.update(Update.set_payload(list(ids), payload))
        if payload.get(fields.LEAVING) == fields.NO:
            self._leaving.difference_update(ids)

    async def set_keys(self, doc_id: UUID, keys: Sequence[str]) -> None:
        published = qdrant.Filter(
            must=[_of_document(doc_id), _condition(AnyOf(fields.PENDING, (fields.NO,)))]
        )
        payload = {fields.ACCESS_KEYS: list(keys)}
        await self._run(lambda: self._shard.update(Update.set_payload_by_filter(published, payload)))

    async def delete(self, ids: Sequence[UUID]) -> None:
        await self._run(lambda: self._delete(ids))

    def _delete(self, ids: Sequence[UUID]) -> None:
        self._shard.update(Update.delete_points(list(ids)))
        self._leaving.difference_update(ids)

    async def delete_document(self, doc_id: UUID) -> None:
        await self._run(lambda: self._delete_document(doc_id))

    def _delete_document(self, doc_id: UUID) -> None:
        self._shard.update(Update.delete_points_by_filter(_of_document(doc_id)))
        if self._leaving:
            self._leaving = _leaving(self._shard)

    async def rank(self, scope: Scope, vectors: Sequence[Vector], limit: int) -> list[list[Scored]]:
        return await self._run(lambda: self._rank(scope, vectors, limit))

    def _rank(self, scope: Scope, vectors: Sequence[Vector], limit: int) -> list[list[Scored]]:
        # Made once for all lists of one search: as objects of the engine they cost as much as a small query.
        within = _Within.of(scope, bool(self._leaving))
        lists = [self._list(within, Ranking(vector, limit)) for vector in vectors]
        for at, ranking in gaps(vectors, lists, limit).items():
            lists[at] += self._list(within, ranking)
        return lists

    def _list(self, within: "_Within", ranking: Ranking) -> list[Scored]:
        points = self._shard.query(_query(within, ranking))
        if ranking.among is not None:
            return [Scored(_uuid(point.id), point.score, None) for point in points]
        return [
            Scored(_uuid(point.id), point.score, (point.payload or {}).get(fields.BODY)) for point in points
        ]

    async def fetch(self, scope: Scope, ids: Sequence[UUID], field: str) -> dict[UUID, str]:
        named = qdrant.HasIdCondition(set(ids))
        filter = _filter(scope, True, named)
        request = qdrant.ScrollRequest(limit=len(ids), filter=filter, with_payload=[field], with_vector=False)
        records, _ = await self._run(lambda: self._shard.scroll(request))
        payloads = {_uuid(record.id): record.payload or {} for record in records}
        return {id: payload[field] for id, payload in payloads.items() if payload.get(field)}

    async def count_values(self, scope: Scope, field: str) -> dict[str, int]:
        request = qdrant.FacetRequest(field, limit=_NO_LIMIT, exact=True, filter=_filter(scope, True))
        response = await self._run(lambda: self._shard.facet(request))
        return {str(hit.value): hit.count for hit in response.hits}

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._shielded(self._shard.close)
        self._thread.shutdown()
        if self._on_close:
            self._on_close()

    async def _run(self, call: Callable[[], Result]) -> Result:
        if self._closed:
            raise GenerationGone("This part of the index is closed.")
        try:
            return await self._shielded(call)
        except Exception as error:  # the engine raises nothing more precise
            _log.error("index.engine_failed", error=str(error))
            raise IndexUnavailable("The index could not do this.") from error

    async def _shielded(self, call: Callable[[], Result]) -> Result:
        # Shielded: a caller that gives up must not leave a step half waited for and the next one started.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, call))


@dataclass(frozen=True, slots=True)
class _Within:
    """What a search may touch, as the engine takes it. corpus: whose statistics count."""

    conditions: list[Any]
    gone: list[Any]
    filter: qdrant.Filter
    corpus: qdrant.Filter

    @classmethod
    def of(cls, scope: Scope, leaving: bool) -> "_Within":
        conditions: list[Any] = [*map(_condition, scope.conditions)]
        gone = _gone(leaving)
        filter = qdrant.Filter(must=conditions, must_not=gone)
        corpus = filter
        if scope.narrowing:
            corpus = qdrant.Filter(must=[*map(_condition, scope.corpus)], must_not=gone)
        return cls(conditions, gone, filter, corpus)

    def among(self, ids: Sequence[UUID]) -> qdrant.Filter:
        return qdrant.Filter(must=[*self.conditions, qdrant.HasIdCondition(set(ids))], must_not=self.gone)


def _query(within: _Within, ranking: Ranking) -> qdrant.QueryRequest:
    nearest, params = _nearest(within, ranking.vector)
    named = ranking.among is not None
    return qdrant.QueryRequest(
        limit=ranking.limit,
        query=nearest,
        filter=within.among(ranking.among) if ranking.among else within.filter,
        with_payload=False if named else _BODY,
        params=params,
    )


def _nearest(within: _Within, vector: Vector) -> tuple[qdrant.Query, qdrant.SearchParams]:
    if isinstance(vector, SparseTerms):
        params = qdrant.SearchParams(exact=True, idf=qdrant.IdfParams(corpus=within.corpus))
        return qdrant.Query.Nearest(_sparse(vector), using=fields.SPARSE), params
    nearest = qdrant.Query.Nearest(list(map(float, vector)), using=fields.DENSE)
    return nearest, qdrant.SearchParams(exact=True)


def _filter(scope: Scope, leaving: bool, *more: qdrant.HasIdCondition) -> qdrant.Filter:
    return qdrant.Filter(must=[*map(_condition, scope.conditions), *more], must_not=_gone(leaving))


def _gone(leaving: bool) -> list[Any]:
    """What a new version has replaced and that is not deleted yet.

    leaving: whether there may be any. Asked for each point, it makes a search half as long again.
    """
    if not leaving:
        return []
    conditions = [_condition(AnyOf(field, (fields.YES,))) for field in (fields.LEAVING, fields.TURNED)]
    return [qdrant.Filter(must=[*conditions])]


def _leaving(shard: qdrant.EdgeShard) -> set[UUID]:
    """Left by an owner that was killed between two steps of publishing."""
    filter = qdrant.Filter(must=[_condition(AnyOf(fields.LEAVING, (fields.YES,)))])
    request = qdrant.ScrollRequest(limit=_NO_LIMIT, filter=filter, with_payload=False, with_vector=False)
    return {_uuid(record.id) for record in shard.scroll(request)[0]}


def _condition(condition: Condition) -> qdrant.FieldCondition:
    match condition:
        case AnyOf(field, values):
            return qdrant.FieldCondition(field, match=qdrant.MatchAny(list(values)))
        case Between(field, start, end):
            times = qdrant.RangeDateTime(
                gte=start.isoformat() if start else None, lt=end.isoformat() if end else None
            )
            return qdrant.FieldCondition(field, range=times)


def _of_document(doc_id: UUID) -> qdrant.Filter:
    return qdrant.Filter(must=[_condition(AnyOf(fields.DOCUMENT, (str(doc_id),)))])


def _new(point: Point) -> qdrant.Point:
    return qdrant.Point(point.id, _vectors(point), point.payload | {fields.PENDING: fields.YES})


def _vectors(point: Point) -> dict[str, Any]:
    vectors: dict[str, Any] = {fields.SPARSE: _sparse(point.sparse)}
    if point.dense is not None:
        vectors[fields.DENSE] = list(map(float, point.dense))
    return vectors


def _sparse(terms: SparseTerms) -> qdrant.SparseVector:
    return qdrant.SparseVector(terms.indices, terms.values)


def _uuid(id: int | str | UUID) -> UUID:
    return id if isinstance(id, UUID) else UUID(str(id))
