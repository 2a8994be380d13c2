"""Any OpenAI-compatible address, through the agent framework's own client for chat completions."""

import json
from collections.abc import Awaitable, Mapping, MutableMapping, Sequence
from typing import Any, cast

import httpx2
import openai
from agent_framework import ChatResponse, ChatResponseUpdate, Content, FunctionTool, Message, ResponseStream
from agent_framework_openai import RawOpenAIChatCompletionClient

from kit.errors import SwitchboardError
from kit.resilience import Breaker
from platform_api.llm.errors import (
    ModelBusy,
    ModelCutOff,
    ModelFailed,
    ModelRefused,
    ModelTimedOut,
    ModelUnauthorised,
    ModelUnreachable,
)
from platform_api.llm.extractive.likeness import Likenesses
from platform_api.llm.port import Model, Prices
from platform_api.llm.providers.sources import as_numbered_sources
from platform_api.llm.settings import LlmSettings

CONNECT_TIMEOUT_S = 5.0
Stream = ResponseStream[ChatResponseUpdate, ChatResponse[Any]]


def build(settings: LlmSettings, likenesses: Likenesses | None = None) -> Model:
    """One long-lived client; our router retries, so the SDK does not. It reads for itself what is alike."""
    del likenesses
    client = openai.AsyncOpenAI(
        base_url=settings.base_url,
        # The SDK insists on a key; servers without keys ignore it.
        api_key=settings.api_key.get_secret_value() or "none",
        max_retries=0,
        timeout=openai.Timeout(settings.stream_timeout_s, connect=CONNECT_TIMEOUT_S),
    )
    return Model(
        name=settings.model,
        tier=settings.tier,
        client=ChatCompletions(settings.model, client),
        explain=explain,
        prices=Prices(settings.price_input, settings.price_output),
        breaker=Breaker("the language model", failures=3, within_s=30, open_s=30),
        close=client.close,
    )


class ChatCompletions(RawOpenAIChatCompletionClient[Any]):
    """The framework's client, and what a strict API refuses or leaves out.

    Tool names: no dots are allowed there, so `docs.search` travels as `docs__search`. Search results
    travel as numbered text. A stream that ends without a reason was cut.
    """

    def __init__(self, model: str, client: openai.AsyncOpenAI) -> None:
        super().__init__(
            model=model,
            async_client=client,
            response_parser=self._with_our_names,
            message_preparer=self._with_their_names,
        )
        self._ours: dict[str, str] = {}

    def _inner_get_response(
        self, *, messages: Sequence[Message], options: Mapping[str, Any], stream: bool = False, **kwargs: Any
    ) -> Awaitable[ChatResponse[Any]] | ResponseStream[ChatResponseUpdate, ChatResponse[Any]]:
        tools = cast("Sequence[FunctionTool] | None", options.get("tools"))
        changed = {**options, "tools": [self._described(tool) for tool in tools]} if tools else options
        answer = super()._inner_get_response(messages=messages, options=changed, stream=stream, **kwargs)
        return _complete(cast(Stream, answer)) if isinstance(answer, ResponseStream) else answer

    def _described(self, tool: FunctionTool) -> MutableMapping[str, Any]:
        described = tool.to_json_schema_spec()
        their_name = tool.name.replace(".", "__")
        self._ours[their_name] = tool.name
        return {**described, "function": {**described["function"], "name": their_name}}

    def _with_our_names(self, _message: object, contents: list[Content]) -> list[Content]:
        for content in contents:
            if content.type == "function_call" and content.name:
                content.name = self._ours.get(content.name, content.name)
        return contents

    def _with_their_names(self, _message: Message, prepared: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for one in prepared:
            for call in one.get("tool_calls") or ():
                call["function"]["name"] = call["function"]["name"].replace(".", "__")
            if one["role"] == "tool":
                one["content"] = as_numbered_sources(one["content"])
        return prepared


def _complete(answer: Stream) -> Stream:
    ended = False

    async def checked() -> Any:
        nonlocal ended
        async with answer:
            async for update in answer:
                ended = ended or update.finish_reason is not None
                yield update
        if not ended:
            raise ModelCutOff

    return ResponseStream(checked(), finalizer=ChatResponse.from_updates)


def explain(error: Exception) -> SwitchboardError:
    """Our error for whatever the SDK, the wire or the framework raised; the cause stays in the log."""
    cause = _root(error)
    if isinstance(cause, SwitchboardError):
        return cause
    if isinstance(cause, openai.APIStatusError):
        return _of_status(cause)
    if isinstance(cause, openai.APITimeoutError | httpx2.TimeoutException):
        return ModelTimedOut()
    if isinstance(cause, openai.APIConnectionError):
        return ModelUnreachable()
    if isinstance(cause, httpx2.TransportError):
        return ModelCutOff()
    if isinstance(cause, json.JSONDecodeError | openai.OpenAIError):
        return ModelFailed()
    return ModelFailed("The language model answered in a way that we do not understand.")


def _root(error: BaseException) -> BaseException:
    """What the framework wrapped."""
    while type(error).__module__.startswith("agent_framework") and error.__cause__ is not None:
        error = error.__cause__
    return error


def _of_status(error: openai.APIStatusError) -> SwitchboardError:
    status = error.status_code
    if status in (401, 403):
        return ModelUnauthorised()
    if status == 429:
        return ModelBusy(retry_after=_seconds(error.response.headers.get("retry-after")))
    if status in (408, 504):
        return ModelTimedOut()
    if status >= 500:
        return ModelFailed()
    return ModelRefused()


def _seconds(header: str | None) -> float:
    """Retry-After as seconds (RFC 9110 also allows a date: then a minute)."""
    try:
        return max(1.0, float(header or 1))
    except ValueError:
        return 60.0
