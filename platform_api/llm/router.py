"""The chat client that the agent talks to: it chooses the model of each call, falls back, records.

Fail-over happens before the first emitted piece only (SPEC 10): what a person has read is never
continued by another model.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast

import structlog
from agent_framework import (
    BaseChatClient,
    ChatOptions,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    FunctionInvocationLayer,
    Message,
    ResponseStream,
)
from opentelemetry.trace import Span, SpanKind

from kit import telemetry
from kit.errors import SwitchboardError
from platform_api.llm.errors import ModelCutOff, ModelTimedOut, ModelUnreachable
from platform_api.llm.invocations import Invocations
from platform_api.llm.port import Model
from platform_api.llm.spending import SPENDING, Spending

log = structlog.get_logger()
tracer = telemetry.tracer("llm")

Updates = AsyncGenerator[ChatResponseUpdate]


class Router(FunctionInvocationLayer[Any], BaseChatClient[Any]):
    """Tries its models in order. `client_kwargs={SPENDING: Spending(…)}` says whose turn it is."""

    def __init__(
        self,
        models: Sequence[Model],
        invocations: Invocations,
        *,
        stream_timeout_s: float = 120.0,
        first_token_timeout_s: float = 60.0,
        retry_pauses_s: Sequence[float] = (0.0, 1.0, 4.0),
    ) -> None:
        super().__init__()
        self._models = models
        self._invocations = invocations
        self._stream_timeout_s = stream_timeout_s
        self._retry_pauses_s = retry_pauses_s
        self._first_token_timeout_s = min(first_token_timeout_s, stream_timeout_s)

    def start(self) -> None:
        """Nothing: clients connect when they are first used."""

    async def stop(self) -> None:
        """Close what the models keep open."""
        for model in self._models:
            if model.close:
                await model.close()

    def _inner_get_response(
        self,
        *,
        messages: Sequence[Message],
        stream: bool,
        options: Mapping[str, Any],
        **kwargs: Any,
    ) -> Awaitable[ChatResponse[Any]] | ResponseStream[ChatResponseUpdate, ChatResponse[Any]]:
        answer: ResponseStream[ChatResponseUpdate, ChatResponse[Any]] = ResponseStream(
            self._routed(messages, options, kwargs[SPENDING]), finalizer=ChatResponse.from_updates
        )
        return answer if stream else answer.get_final_response()

    async def _routed(
        self, messages: Sequence[Message], options: Mapping[str, Any], spending: Spending
    ) -> Updates:
        for model in self._models:
            last = model is self._models[-1]
            emitted = False
            try:
                async for update in self._attempts(model, messages, options, spending, alone=last):
                    emitted = True
                    yield update
            except SwitchboardError as error:
                if emitted or last:
                    raise
                log.warning("llm.fell_back", model=model.name, code=error.code)
                spending.degraded.add("model")
            else:
                return

    async def _attempts(
        self,
        model: Model,
        messages: Sequence[Message],
        options: Mapping[str, Any],
        spending: Spending,
        *,
        alone: bool,
    ) -> Updates:
        """One immediate retry; where no other model stands behind, more of them, later (SPEC 11)."""
        waits = () if model.local else self._retry_pauses_s if alone else self._retry_pauses_s[:1]
        for wait in (*waits, None):
            emitted = False
            try:
                async for update in self._call(model, messages, options, spending):
                    emitted = True
                    yield update
            except SwitchboardError as error:
                if emitted or wait is None or not _worth_repeating(error):
                    raise
                await asyncio.sleep(wait)
            else:
                return

    async def _call(
        self, model: Model, messages: Sequence[Message], options: Mapping[str, Any], spending: Spending
    ) -> Updates:
        """One call, with its row, its span and its breaker."""
        began = time.perf_counter()
        tokens = [0, 0]
        code: str | None = "abandoned"
        span = tracer.start_span(f"chat {model.name}", kind=SpanKind.CLIENT)
        try:
            with model.breaker.guard() if model.breaker else nullcontext():
                async for update in self._timed(model, messages, options, spending):
                    _count_tokens(update.contents, tokens)
                    yield update
            code = None
        except SwitchboardError as error:
            code = error.code
            raise
        finally:
            _end(span, model, tokens, code)
            self._record(model, spending, tokens, (time.perf_counter() - began) * 1000, code)

    def _record(
        self, model: Model, spending: Spending, tokens: list[int], latency_ms: float, code: str | None
    ) -> None:
        cost = model.prices.cost(*tokens)
        _spend(spending, model, tokens, cost, latency_ms)
        self._invocations.record(
            spending,
            model=model.name,
            tier=model.tier,
            tokens=(tokens[0], tokens[1]),
            cost=cost,
            latency_ms=latency_ms,
            error=code,
        )

    async def _timed(
        self, model: Model, messages: Sequence[Message], options: Mapping[str, Any], spending: Spending
    ) -> Updates:
        """Every wait ends: for the first piece, and for the whole call. Raises SwitchboardError only."""
        now = asyncio.get_running_loop().time()
        limit = now + self._first_token_timeout_s
        # The base class's own method: the loop over tools is ours, not the model's.
        answer = BaseChatClient[Any].get_response(
            model.client,
            messages,
            stream=True,
            options=cast(ChatOptions[Any], dict(options)),
            # Whose turn it is stays in this process: a vendor's client would send it on.
            client_kwargs={SPENDING: spending} if model.local else None,
        )
        begun = False
        try:
            async with answer:
                pieces = aiter(answer)
                while True:
                    # Never around a yield: a timeout would then strike whoever reads us.
                    async with asyncio.timeout_at(limit):
                        update = await _next(pieces)
                    if update is None:
                        return
                    begun = True
                    yield update
                    limit = now + self._stream_timeout_s
        except TimeoutError as error:
            raise ModelTimedOut from error
        except SwitchboardError:
            raise
        except Exception as error:
            explained = model.explain(error)
            # To the SDK a connection that breaks is one that cannot be made.
            cut = begun and isinstance(explained, ModelUnreachable)
            raise (ModelCutOff() if cut else explained) from error


def _worth_repeating(error: SwitchboardError) -> bool:
    """A busy, a slow or a given-up model gets no second request at once: that makes it worse."""
    return error.retryable and error.retry_after is None and error.status not in (429, 504)


async def _next(pieces: AsyncIterator[ChatResponseUpdate]) -> ChatResponseUpdate | None:
    return await anext(pieces, None)


def _count_tokens(contents: Sequence[Content], tokens: list[int]) -> None:
    for content in contents:
        if content.type == "usage" and content.usage_details:
            tokens[0] = content.usage_details.get("input_token_count") or tokens[0]
            tokens[1] = content.usage_details.get("output_token_count") or tokens[1]


def _end(span: Span, model: Model, tokens: list[int], code: str | None) -> None:
    """By the semantic conventions of OpenTelemetry for generative AI."""
    span.set_attributes(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model.name,
            "gen_ai.usage.input_tokens": tokens[0],
            "gen_ai.usage.output_tokens": tokens[1],
        }
    )
    if code:
        span.set_attribute("error.type", code)
    span.end()


def _spend(spending: Spending, model: Model, tokens: list[int], cost: float, latency_ms: float) -> None:
    spending.input_tokens += tokens[0]
    spending.output_tokens += tokens[1]
    spending.cost += cost
    spending.model_ms += latency_ms
    spending.model, spending.tier = model.name, model.tier
