"""`Store` over a Qdrant server. The collection is made as the embedded one is, so both rank alike."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import httpx
import structlog
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from knowledge.index import fields
from knowledge.index.points import Marks, Payload, Point
from knowledge.index.port import GenerationGone, IndexUnavailable
from knowledge.index.scope import AnyOf, Between, Condition, Scope
from knowledge.index.store import MarksPage, Ranking, Scored, Vector, gaps
from knowledge.index.terms import SparseTerms

Result = TypeVar("Result")
TIMEOUT_S = 10
_CONFLICT = 409
_NOT_FOUND = 404
SERVER_ERRORS = (ApiException, httpx.HTTPError, OSError, TimeoutError)
_PAGE = 1000
_MAX_VALUES = 100_000
_BODY = [fields.BODY]
_log = structlog.get_logger()


class ServerStore:
    """dimensions: makes the collection where it is missing; without them a missing one is GenerationGone."""

    def __init__(
        self,
        client: AsyncQdrantClient,
        collection: str,
        dimensions: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._client = client
        self._name = collection
        self._dimensions = dimensions
        self._metadata = dict(metadata or {})
        self._ready = False
        self._preparing = asyncio.Lock()

    async def ids(self, doc_id: UUID) -> frozenset[UUID]:
        return frozenset([_uuid(record) async for record in self._points(doc_id, False)])

    async def marks(self, doc_id: UUID) -> dict[UUID, Marks]:
        found = self._points(doc_id, fields.MARKS)
        return {_uuid(record): Marks.of(record.payload or {}) async for record in found}

    async def page(self, start: UUID | None) -> MarksPage:
        records, next = await self._scroll(None, start and str(start), fields.MARKS)
        return MarksPage(
            [Marks.of(record.payload or {}) for record in records], UUID(str(next)) if next else None
        )

    async def _points(self, doc_id: UUID, payload: bool | list[str]) -> AsyncIterator[models.Record]:
        offset: Any = None
        while True:
            records, offset = await self._scroll(_of_document(doc_id), offset, payload)
            for record in records:
                yield record
            if offset is None:
                return

    async def _scroll(
        self, filter: models.Filter | None, offset: Any, payload: bool | list[str]
    ) -> tuple[list[models.Record], Any]:
        return await self._run(
            lambda: self._client.scroll(
                self._name, scroll_filter=filter, limit=_PAGE, offset=offset, with_payload=payload
            )
        )

    async def insert(self, points: Sequence[Point]) -> None:
        new = [
            models.PointStruct(
                id=str(point.id),
                vector=_vectors(point),
                payload=point.payload | {fields.PENDING: fields.YES},
            )
            for point in points
        ]
        await self._run(lambda: self._client.upsert(self._name, new, wait=True))

    async def refresh(self, points: Sequence[Point]) -> None:
        vectors = [models.PointVectors(id=str(point.id), vector=_vectors(point)) for point in points]
        steps: list[models.UpdateOperation] = [
            models.UpdateVectorsOperation(update_vectors=models.UpdateVectors(points=vectors))
        ]
        for point in points:
            payload = models.SetPayload(payload=point.payload, points=[str(point.id)])
            steps.append(models.SetPayloadOperation(set_payload=payload))
        await self._run(lambda: self._client.batch_update_points(self._name, steps, wait=True))

    async def mark(self, ids: Sequence[UUID], payload: Payload) -> None:
        await self._set(payload, models.PointIdsList(points=list(map(str, ids))))

    async def set_keys(self, doc_id: UUID, keys: Sequence[str]) -> None:
        published = models.Filter(
            must=[_of_document(doc_id), _condition(AnyOf(fields.PENDING, (fields.NO,)))]
        )
        await self._set({fields.ACCESS_KEYS: list(keys)}, models.FilterSelector(filter=published))

    async def _set(self, payload: Payload, points: models.PointsSelector) -> None:
        await self._run(lambda: self._client.set_payload(self._name, payload, points, wait=True))

    async def delete(self, ids: Sequence[UUID]) -> None:
        await self._delete(models.PointIdsList(points=list(map(str, ids))))

    async def delete_document(self, doc_id: UUID) -> None:
        await self._delete(models.FilterSelector(filter=_of_document(doc_id)))

    async def _delete(self, points: models.PointsSelector) -> None:
        await self._run(lambda: self._client.delete(self._name, points, wait=True))

    async def rank(self, scope: Scope, vectors: Sequence[Vector], limit: int) -> list[list[Scored]]:
        lists = await self._lists(scope, [Ranking(vector, limit) for vector in vectors])
        missing = gaps(vectors, lists, limit)
        more = await self._lists(scope, list(missing.values())) if missing else []
        for at, scored in zip(missing, more, strict=True):
            lists[at] += scored
        return lists

    async def _lists(self, scope: Scope, rankings: Sequence[Ranking]) -> list[list[Scored]]:
        requests = [self._request(scope, ranking) for ranking in rankings]
        answers = await self._run(lambda: self._client.query_batch_points(self._name, requests))
        return [
            [
                Scored(UUID(str(point.id)), point.score, (point.payload or {}).get(fields.BODY))
                for point in answer.points
            ]
            for answer in answers
        ]

    def _request(self, scope: Scope, ranking: Ranking) -> models.QueryRequest:
        sparse = isinstance(ranking.vector, SparseTerms)
        named = ranking.among is not None
        among = [models.HasIdCondition(has_id=list(map(str, ranking.among)))] if ranking.among else []
        return models.QueryRequest(
            query=_asked(ranking.vector),
            using=fields.SPARSE if sparse else fields.DENSE,
            filter=_filter(scope, *among),
            params=self.params(scope, sparse),
            limit=ranking.limit,
            with_payload=False if named else _BODY,
        )

    def params(self, scope: Scope, sparse: bool) -> models.SearchParams:
        """Exact, and IDF over what may be seen."""
        corpus = models.Filter(must=[*map(_condition, scope.corpus)], must_not=[_gone()])
        return models.SearchParams(exact=True, idf=models.IdfCorpusParams(corpus=corpus) if sparse else None)

    async def fetch(self, scope: Scope, ids: Sequence[UUID], field: str) -> dict[UUID, str]:
        filter = _filter(scope, models.HasIdCondition(has_id=list(map(str, ids))))
        records, _ = await self._run(
            lambda: self._client.scroll(
                self._name, scroll_filter=filter, limit=len(ids), with_payload=[field]
            )
        )
        payloads = {_uuid(record): record.payload or {} for record in records}
        return {id: payload[field] for id, payload in payloads.items() if payload.get(field)}

    async def count_values(self, scope: Scope, field: str) -> dict[str, int]:
        response = await self._run(
            lambda: self._client.facet(
                self._name, field, facet_filter=_filter(scope), limit=_MAX_VALUES, exact=True
            )
        )
        return {str(hit.value): hit.count for hit in response.hits}

    async def close(self) -> None:
        await self._client.close()

    async def _run(self, call: Callable[[], Awaitable[Result]]) -> Result:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._prepare()
                return await call()
        except SERVER_ERRORS as error:
            if is_missing(error):
                self._ready = False
                raise GenerationGone(f"There is no collection {self._name}.") from error
            raise unavailable(error) from error

    async def prepare(self) -> None:
        """Make the collection and its indexes where they are missing."""
        await self._run(_nothing)

    async def _prepare(self) -> None:
        if self._ready:
            return
        async with self._preparing:
            if not await self._client.collection_exists(self._name):
                await self._create()
            # Each time: whoever made the collection may have been killed before it made these.
            for field in fields.KEYWORDS:
                await self._index(field, models.PayloadSchemaType.KEYWORD)
            await self._index(fields.LAST_MODIFIED, models.PayloadSchemaType.DATETIME)
            self._ready = True

    async def _index(self, field: str, schema: models.PayloadSchemaType) -> None:
        await self._client.create_payload_index(self._name, field, schema, wait=True)

    async def _create(self) -> None:
        if self._dimensions is None:
            raise GenerationGone(f"There is no collection {self._name}.")
        # Vectors come with unit length: the dot product is the cosine.
        dense = models.VectorParams(size=self._dimensions, distance=models.Distance.DOT)
        sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
        try:
            await self._client.create_collection(
                self._name,
                vectors_config={fields.DENSE: dense},
                sparse_vectors_config={fields.SPARSE: sparse},
                metadata=self._metadata,
            )
        except UnexpectedResponse as error:
            # Another process was first.
            if error.status_code != _CONFLICT:
                raise


def is_missing(error: Exception) -> bool:
    """Whether the server says that there is no such collection (its client's local mode: in words)."""
    return isinstance(error, UnexpectedResponse) and error.status_code == _NOT_FOUND


def unavailable(error: Exception) -> IndexUnavailable:
    _log.error("index.server_failed", error=str(error))
    return IndexUnavailable("The document index does not answer.")


async def _nothing() -> None:
    """For `prepare`, which happens before every call."""


def _filter(scope: Scope, *more: models.HasIdCondition) -> models.Filter:
    return models.Filter(must=[*map(_condition, scope.conditions), *more], must_not=[_gone()])


def _gone() -> models.Filter:
    """What a new version has replaced and that is not deleted yet."""
    return models.Filter(
        must=[_condition(AnyOf(field, (fields.YES,))) for field in (fields.LEAVING, fields.TURNED)]
    )


def _uuid(record: models.Record) -> UUID:
    return UUID(str(record.id))


def _condition(condition: Condition) -> models.FieldCondition:
    match condition:
        case AnyOf(field, values):
            return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))
        case Between(field, start, end):
            return models.FieldCondition(key=field, range=models.DatetimeRange(gte=start, lt=end))


def _of_document(doc_id: UUID) -> models.Filter:
    return models.Filter(must=[_condition(AnyOf(fields.DOCUMENT, (str(doc_id),)))])


def _vectors(point: Point) -> dict[str, Any]:
    vectors: dict[str, Any] = {fields.SPARSE: _sparse(point.sparse)}
    if point.dense is not None:
        vectors[fields.DENSE] = _dense(point.dense)
    return vectors


def _asked(vector: Vector) -> models.SparseVector | list[float]:
    return _sparse(vector) if isinstance(vector, SparseTerms) else _dense(vector)


def _sparse(terms: SparseTerms) -> models.SparseVector:
    return models.SparseVector(indices=terms.indices, values=terms.values)


def _dense(vector: Sequence[float]) -> list[float]:
    return list(map(float, vector))
