"""Hybrid search over what somebody may see (SPEC 7, docs.search)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from access.keys import AccessKeys
from kit import telemetry
from kit.errors import Unavailable
from kit.resilience import Breaker, is_failure
from kit.wire.search import AlsoIn, ChunkMetadata, FoundChunk, SearchFilters, SearchRequest, SearchResult
from knowledge.embed.port import Embedder
from knowledge.index import GenerationGone, Hit, Index, IndexFilter, IndexUnavailable, StoredChunk
from knowledge.index.terms import query_terms
from knowledge.search.exact import phrases_of, preferring
from knowledge.search.finder import Finder, Finders, One
from knowledge.search.folding import folded
from knowledge.search.fusion import Ranked, Weights, by_rank, weighted, with_best_of
from knowledge.search.links import Links
from knowledge.search.query import understand
from knowledge.search.rerank import Reranker
from knowledge.search.second_look import SecondLook
from knowledge.search.settings import SearchSettings
from knowledge.search.standing import BEYOND, Standings, reordered, status_of
from knowledge.search.weighing import weights_for

Result = TypeVar("Result")
EVERY_SCOPE = "all"
_ATTEMPTS = 2
_OF_A_PART = 12
"""Candidates of each list: only the best of a part are looked at."""

_log = structlog.get_logger()
_tracer = telemetry.tracer("search")
_seconds = Histogram(
    "switchboard_search_query_seconds",
    "Time of one search, embedding included.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.4, 0.8, 2, 10),
)
_degraded = Counter("switchboard_search_degraded_total", "Searches without one of their parts.", ["part"])


class Search:
    """Finds chunks by meaning and by words. Without the embedder it goes by words and says so."""

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        settings: SearchSettings | None = None,
        breaker: Breaker | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        """Over one index that stays."""
        self._begin(One(index, embedder), settings, breaker, reranker)

    @classmethod
    def following(
        cls, finders: Finders, settings: SearchSettings | None = None, reranker: Reranker | None = None
    ) -> "Search":
        """Over an index whose embedder may change meanwhile."""
        made = cls.__new__(cls)
        made._begin(finders, settings, None, reranker)
        return made

    def _begin(
        self,
        finders: Finders,
        settings: SearchSettings | None,
        breaker: Breaker | None,
        reranker: Reranker | None,
    ) -> None:
        self._finders = finders
        self._settings = settings or SearchSettings()
        self._breaker = breaker or Breaker(
            "the document index", failures=3, within_s=10, open_s=30, counts=_counts
        )
        self.links = Links(self._settings.public_url)
        self._thread = ThreadPoolExecutor(max_workers=2, thread_name_prefix="embed")
        self._second = SecondLook(reranker, self._settings) if reranker else None

    @property
    def version(self) -> str:
        """What results depend on beside documents and question: generation, embedder and settings.

        "" where that is not known, or where a part is missing.
        """
        finder = self._finders.known
        if finder is None or finder.embedder is None:
            return ""
        generation = finder.generation.name if finder.generation else ""
        second = self._second.version if self._second else ""
        return f"{generation} {finder.embedder.version} {second} {self._settings.model_dump_json()}"

    async def search(
        self, keys: AccessKeys, request: SearchRequest, knowledge_base_ids: frozenset[UUID] | None = None
    ) -> SearchResult:
        """The best `top_k` chunks that the keys open, best first.

        Of several questions in one the best of each is among the first five. The same text on several pages
        is one result. Scores lie in 0–1, never rise, and compare within one result.
        `total_results` counts the candidates, before folding and the cut at `top_k`. `degraded` holds
        "dense" where the embedder failed, "reranker" where that one did.
        Raises Unavailable where the index does not answer within the time limit.
        """
        started = perf_counter()
        with _tracer.start_as_current_span("docs.search") as span, _seconds.time():
            ranked, candidates, degraded = await self._find(keys, request, knowledge_base_ids)
            span.set_attribute("search.candidates", candidates)
            return SearchResult(
                chunks=[self._found(item) for item in ranked],
                total_results=candidates,
                query_time_ms=round((perf_counter() - started) * 1000, 3),
                degraded=degraded or None,
            )

    async def _find(
        self, keys: AccessKeys, request: SearchRequest, bases: frozenset[UUID] | None
    ) -> tuple[list[Ranked], int, list[str]]:
        """What is shown, how many candidates there were, and what failed."""
        deadline = asyncio.get_running_loop().time() + self._settings.timeout_s
        query = understand(request.query)
        if not query.text:
            return [], 0, []
        # The whole message leads: where it is cut in parts, a part may lack what the others say.
        texts = [query.text, *(part for part in query.parts if part != query.text)]
        filter = _filter_of(request, bases)
        limit = request.top_k * self._settings.over_fetch

        async def found(finder: Finder) -> tuple[list[list[Hit]], bool]:
            """All from one generation: vectors are made by the embedder of the index that is asked."""
            vectors = await self._embed(finder.embedder, texts)
            limits = [limit, *[min(limit, _OF_A_PART)] * (len(texts) - 1)]
            asked = zip(vectors or [None] * len(texts), texts, limits, strict=True)
            ask = partial(finder.index.search, keys, filter)
            searches = [
                self._candidates(deadline, partial(ask, vector=vector, text=text, limit=most))
                for vector, text, most in asked
            ]
            return await asyncio.gather(*searches), vectors is not None

        try:
            lists, dense = await found(self._finders.known or await self._looked(deadline))
        except GenerationGone:
            # Replaced and deleted since the last look: this process slept for long.
            lists, dense = await found(await self._looked(deadline))
        failed = [] if dense else ["dense"]
        standings = Standings()
        first = request.top_k + BEYOND
        ranked, *parts = [
            reordered(self._rank(hits, dense, text), first, standings)
            for hits, text in zip(lists, texts, strict=True)
        ]
        if self._second:
            ranked = await self._reranked(self._second, query.text, failed, ranked)
        candidates = {hit.chunk_id for hits in lists for hit in hits}
        merged = with_best_of(ranked, parts, request.top_k)
        return folded(merged, request.top_k, standings), len(candidates), failed

    async def _looked(self, deadline: float) -> Finder:
        return await self._candidates(deadline, self._finders.anew)

    async def _embed(
        self, embedder: Embedder | None, texts: Sequence[str]
    ) -> Sequence[Sequence[float]] | None:
        """Their vectors, or None where the embedder fails: words still find something."""
        if embedder is None:
            _degraded.labels("dense").inc()
            return None
        loop = asyncio.get_running_loop()
        try:
            with _tracer.start_as_current_span("docs.search.embed"):
                async with asyncio.timeout(self._settings.embed_timeout_s):
                    rows = await loop.run_in_executor(self._thread, embedder.embed, texts)
            return [row.tolist() for row in rows]
        except Exception as error:  # whatever an embedder raises, search goes on without it
            _degraded.labels("dense").inc()
            _log.warning("search.embedder_failed", error=type(error).__name__)
            return None

    async def _candidates(self, deadline: float, ask: Callable[[], Awaitable[Result]]) -> Result:
        """From the index, asked once more where it fails at first. Raises GenerationGone at once."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._breaker.guard(), _tracer.start_as_current_span("docs.search.index"):
                    async with asyncio.timeout_at(deadline):
                        return await ask()
            except TimeoutError as error:
                raise IndexUnavailable("The search took too long.", retry_after=5) from error
            except GenerationGone:
                raise
            except Unavailable:
                if attempt == _ATTEMPTS or self._breaker.state != "closed":
                    raise
        raise AssertionError("unreachable")

    def _found(self, item: Ranked) -> FoundChunk:
        stored = item.hit.stored
        found = found_chunk(stored, item.score, self.links.to(stored))
        if not item.also_in:
            return found
        return found.model_copy(update={"also_in": [self._also(hit.stored) for hit in item.also_in]})

    def _also(self, stored: StoredChunk) -> AlsoIn:
        chunk = stored.chunk
        return AlsoIn(
            chunk_id=chunk.chunk_id,
            doc_id=chunk.doc_id,
            page_title=chunk.page_title,
            section_title=chunk.section_title,
            source_url=self.links.to(stored),
        )

    def _rank(self, hits: Sequence[Hit], dense: bool, query: str) -> list[Ranked]:
        settings = self._settings
        sparse = bool(query_terms(query))
        weights = Weights(settings.dense_weight * dense, settings.sparse_weight * sparse)
        if settings.fusion == "weighted":
            ranked = weighted(hits, weights_for(query, weights))
        else:
            ranked = by_rank(hits, weights)
        phrases = phrases_of(query)
        return preferring(phrases, ranked) if phrases else ranked

    async def _reranked(
        self, second: SecondLook, query: str, failed: list[str], ranked: list[Ranked]
    ) -> list[Ranked]:
        """By the reranker where it answers in time; adds to `failed` where it does not."""
        try:
            with _tracer.start_as_current_span("docs.search.rerank"):
                return await second.look(query, ranked)
        except Exception as error:  # whatever a model raises, the first ranking stands
            _degraded.labels("reranker").inc()
            _log.warning("search.reranker_failed", error=type(error).__name__)
            failed.append("reranker")
            return ranked


def _counts(error: BaseException) -> bool:
    """A generation that was replaced says nothing about the engine."""
    return is_failure(error) and not isinstance(error, GenerationGone)


def _filter_of(request: SearchRequest, bases: frozenset[UUID] | None) -> IndexFilter:
    asked = request.filters or SearchFilters()
    return IndexFilter(
        knowledge_base_ids=bases,
        service_scope=None if request.service_scope == EVERY_SCOPE else request.service_scope,
        after=asked.after,
        before=asked.before,
        section=asked.section,
        doc_type=asked.doc_type,
        source=asked.source,
        privacy_level=asked.privacy_level,
        tags=tuple(asked.tags or ()),
    )


def found_chunk(stored: StoredChunk, score: float, url: str) -> FoundChunk:
    """The wire form; `url` opens the source at the chunk's section."""
    chunk, facts = stored.chunk, stored.facts
    return FoundChunk(
        chunk_id=chunk.chunk_id,
        content=chunk.text,
        score=score,
        metadata=ChunkMetadata(
            source_url=url,
            source_hash=facts.source_hash,
            etag=facts.etag,
            page_title=chunk.page_title,
            section_title=chunk.section_title,
            service_scope=facts.service_scope,
            chunk_index=chunk.chunk_index,
            last_modified=facts.last_modified,
            last_crawled_at=facts.last_crawled_at,
            doc_id=chunk.doc_id,
            page=chunk.page,
            status=status_of(facts.tags) or None,
        ),
    )
