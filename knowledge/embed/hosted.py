"""Embedders over HTTP: for ingestion with patience, for questions with none."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import httpx
import numpy as np
import structlog
from prometheus_client import Counter

from kit.errors import SwitchboardError
from kit.resilience import Breaker, is_failure
from knowledge.embed.errors import EmbeddingFailed
from knowledge.embed.hosted_api import Busy, batches, estimate, read_answer, request_of
from knowledge.embed.port import Vectors
from knowledge.embed.settings import EmbedSettings
from knowledge.embed.spec_shape import EmbedderSpec
from knowledge.embed.usage import EmbedUsage, OnUsage
from ports.http import blocking_client, client

_log = structlog.get_logger()
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_tokens = Counter("switchboard_embed_tokens_total", "Tokens that a hosted embedder was asked for.", ["model"])
_cost = Counter("switchboard_embed_cost_total", "What they cost, in the currency of the settings.", ["model"])
_requests = Counter(
    "switchboard_embed_requests_total", "Requests to a hosted embedder.", ["model", "outcome"]
)


Sleep = Callable[[float], Awaitable[None]]


class _Hosted:
    def __init__(self, spec: EmbedderSpec, settings: EmbedSettings, on_usage: OnUsage | None) -> None:
        self._spec = spec
        self._settings = settings
        self._on_usage = on_usage
        self._breaker = Breaker(
            "the embedding service", failures=5, within_s=60, open_s=30, counts=_says_something
        )

    @property
    def version(self) -> str:
        return self._spec.version

    @property
    def dimensions(self) -> int:
        return self._spec.dimensions

    def count_tokens(self, text: str) -> int:
        """An estimate, too high rather than too low."""
        return estimate(text)

    def _account(self, tokens: int, purpose: str) -> None:
        model = self._spec.model
        cost = tokens / 1e6 * self._settings.price_per_million_tokens
        _requests.labels(model, "ok").inc()
        _tokens.labels(model).inc(tokens)
        _cost.labels(model).inc(cost)
        if self._on_usage:
            self._on_usage(EmbedUsage(model, tokens, cost, purpose))

    def _failed(self) -> None:
        _requests.labels(self._spec.model, "failed").inc()


class HostedIngest(_Hosted):
    """`IngestEmbedder` over HTTP: batches by count and tokens, tries again as the service asks."""

    def __init__(
        self,
        spec: EmbedderSpec,
        settings: EmbedSettings,
        on_usage: OnUsage | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(spec, settings, on_usage)
        self._sleep = sleep
        self._client = client(settings.timeout_s)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Raises EmbeddingRefused, EmbeddingFailed after all attempts, Unavailable while the service is down.

        One row per text, of unit length.
        """
        front = self._spec.passage_prefix
        parts = [
            await self._patiently([front + text for text in batch])
            for batch in batches(texts, self._settings.batch_texts, self._settings.batch_tokens)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.dimensions), np.float32)

    async def close(self) -> None:
        await self._client.aclose()

    async def _patiently(self, texts: list[str]) -> Vectors:
        for attempt in range(1, self._settings.attempts + 1):
            try:
                return await self._once(texts)
            except EmbeddingFailed as failed:
                self._failed()
                if attempt == self._settings.attempts:
                    raise
                wait = failed.retry_after if failed.retry_after is not None else _backoff(attempt)
                _log.warning("embed.retry", attempt=attempt, wait_s=round(wait, 2), reason=failed.detail)
                await self._sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(self, texts: list[str]) -> Vectors:
        request = request_of(self._spec, self._settings, texts)
        with self._breaker.guard():
            try:
                async with asyncio.timeout(self._settings.timeout_s):
                    answer = await self._client.post(
                        request.url, headers=dict(request.headers), json=request.json
                    )
            except (httpx.HTTPError, TimeoutError) as error:
                raise _unreachable() from error
            vectors, tokens = read_answer(answer, texts, self.dimensions)
        self._account(tokens, "ingest")
        return vectors


class HostedQueries(_Hosted):
    """`Embedder` over HTTP for questions: one quick second try, then search goes on by words."""

    def __init__(self, spec: EmbedderSpec, settings: EmbedSettings, on_usage: OnUsage | None = None) -> None:
        super().__init__(spec, settings, on_usage)
        self._client = blocking_client(settings.query_timeout_s)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Raises EmbeddingRefused, EmbeddingFailed, Unavailable while the breaker is open."""
        asked = [self._spec.query_prefix + text for text in texts]
        if not asked:
            return np.empty((0, self.dimensions), np.float32)
        try:
            return self._once(asked)
        except Busy:
            self._failed()
            raise
        except EmbeddingFailed:
            self._failed()
            return self._once(asked)

    def close(self) -> None:
        self._client.close()

    def _once(self, texts: list[str]) -> Vectors:
        request = request_of(self._spec, self._settings, texts)
        with self._breaker.guard():
            try:
                answer = self._client.post(request.url, headers=dict(request.headers), json=request.json)
            except httpx.HTTPError as error:
                raise _unreachable() from error
            vectors, tokens = read_answer(answer, texts, self.dimensions)
        self._account(tokens, "query")
        return vectors


def _unreachable() -> EmbeddingFailed:
    return EmbeddingFailed("The embedding service cannot be reached, or takes too long.")


def _backoff(attempt: int) -> float:
    """Full jitter (AWS Architecture Blog, 2015), at least a tenth."""
    longest = min(_FIRST_WAIT_S * 2**attempt, _LONGEST_WAIT_S)
    return random.uniform(longest / 10, longest)  # noqa: S311 - spreads requests, keeps no secret


def _says_something(error: BaseException) -> bool:
    """Being asked for patience is no failure of the service; a refused key is none, either."""
    if isinstance(error, Busy):
        return False
    return isinstance(error, EmbeddingFailed) or (
        not isinstance(error, SwitchboardError) and is_failure(error)
    )
