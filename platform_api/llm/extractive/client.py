"""The extractive model as a chat client of the agent framework, with the same tools as any other model."""

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from agent_framework import (
    BaseChatClient,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    FunctionInvocationLayer,
    Message,
    ResponseStream,
)
from pydantic import ValidationError

from kit.wire.search import SearchResult
from knowledge.verify import source_of, split_sentences
from platform_api.llm.extractive.booking import Wish
from platform_api.llm.extractive.compose import AnswerSentence, compose, framed
from platform_api.llm.extractive.decide import Decision, decide
from platform_api.llm.extractive.likeness import Likeness, Likenesses, texts_of
from platform_api.llm.spending import SPENDING, Spending

NAME = "extractive"
SEARCH = "docs.search"

Response = ChatResponse[Any]


class ExtractiveChatClient(FunctionInvocationLayer[Any], BaseChatClient[Any]):
    """Decides by rules, calls docs.search, and writes the sources' own sentences, each with its [n]; or calls
    one of meetings.*, whose own words are the answer.

    Nothing is kept between calls, and no network is needed. What it writes is meant to be verified like any
    other model's text.
    """

    OTEL_PROVIDER_NAME = NAME

    def __init__(self, likenesses: Likenesses | None = None) -> None:
        """likenesses: asked once per answer, for whoever `client_kwargs={SPENDING: …}` names; nobody named or
        nothing known: words alone decide."""
        super().__init__()
        self._likenesses = likenesses

    def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **kwargs: Any
    ) -> Awaitable[Response] | ResponseStream[ChatResponseUpdate, Response]:
        answer: ResponseStream[ChatResponseUpdate, Response] = ResponseStream(
            self._updates(messages, options, kwargs.get(SPENDING)), finalizer=ChatResponse.from_updates
        )
        return answer if stream else answer.get_final_response()

    async def _updates(
        self, messages: Sequence[Message], options: Mapping[str, Any], spending: Spending | None
    ) -> AsyncIterator[ChatResponseUpdate]:
        message_id = uuid4().hex
        contents, finish = await self._next_step(messages, options, spending)
        for content in contents:
            yield ChatResponseUpdate(contents=[content], role="assistant", message_id=message_id, model=NAME)
        yield ChatResponseUpdate(role="assistant", message_id=message_id, model=NAME, finish_reason=finish)

    async def _next_step(
        self, messages: Sequence[Message], options: Mapping[str, Any], spending: Spending | None
    ) -> tuple[Iterator[Content], Any]:
        """What comes next, and the framework's reason for stopping there."""
        asked = max((at for at, message in enumerate(messages) if message.role == "user"), default=-1)
        if asked < 0:
            return _said([framed("unclear")]), "stop"
        earlier = [message.text for message in messages[:asked] if message.role == "user"]
        said = [(str(message.role), message.text) for message in messages[:asked] if message.text]
        decision = decide(messages[asked].text, earlier, said)
        if decision.wish:
            return _done_about(decision.wish, messages[asked + 1 :], options)
        if decision.query is None:
            return _said([framed(decision.frame or "unclear", decision.language)]), "stop"
        results = _results(messages[asked + 1 :])
        if results:
            told = _last_answer(messages[:asked]) if decision.goes_on else ""
            found = [result for text in results if (result := _parsed(text))]
            likeness = await self._likeness(decision, found, spending)
            return _said(_answer(decision, found, told, likeness)), "stop"
        if not _offers(options, SEARCH):
            return _said([framed("degraded")]), "stop"
        return iter([_call(SEARCH, {"query": decision.query})]), "tool_calls"

    async def _likeness(
        self, decision: Decision, found: Sequence[SearchResult], spending: Spending | None
    ) -> Likeness | None:
        chunk_ids = list(dict.fromkeys(chunk.chunk_id for result in found for chunk in result.chunks))
        if self._likenesses is None or spending is None or not chunk_ids:
            return None
        keys = spending.principal.access_keys
        return await self._likenesses.of(keys, texts_of(decision.question), chunk_ids)


def _done_about(
    wish: Wish, since: Sequence[Message], options: Mapping[str, Any]
) -> tuple[Iterator[Content], Any]:
    """The tool is called; what it says then is shown as it says it, so that nothing is left to add."""
    if _results(since):
        return iter(()), "stop"
    if not _offers(options, wish.tool):
        return _said([framed("no_booking")]), "stop"
    return iter([_call(wish.tool, dict(wish.said))]), "tool_calls"


def _call(tool: str, arguments: dict[str, Any]) -> Content:
    return Content.from_function_call(call_id=uuid4().hex, name=tool, arguments=arguments)


def _offers(options: Mapping[str, Any], name: str) -> bool:
    return any(getattr(tool, "name", None) == name for tool in options.get("tools") or ())


def _results(messages: Sequence[Message]) -> list[str]:
    """The results of our calls since the question, as the tool gave them."""
    return [
        str(content.result or "")
        for message in messages
        for content in message.contents
        if content.type == "function_result"
    ]


def _last_answer(messages: Sequence[Message]) -> str:
    return next((message.text for message in reversed(messages) if message.role == "assistant"), "")


def _answer(
    decision: Decision, found: Sequence[SearchResult], told: str, likeness: Likeness | None
) -> list[AnswerSentence]:
    if not found:
        return [framed("degraded")]
    chunks = {chunk.chunk_id: chunk for result in found for chunk in result.chunks}
    sources = [source_of(chunk) for chunk in chunks.values()]
    comparable = not any(result.degraded for result in found)
    scores = [chunk.score for chunk in chunks.values()] if comparable else []
    answer = compose(decision.question, sources, scores, told, adds=decision.adds, likeness=likeness)
    nothing = answer[0].frame == "not_found"
    return [framed("not_found", decision.language)] if nothing else answer


def _parsed(text: str) -> SearchResult | None:
    """None where the tool failed: then its text is an error, or not JSON at all."""
    try:
        return SearchResult.model_validate_json(text)
    except ValidationError:
        return None


def _said(sentences: Sequence[AnswerSentence]) -> Iterator[Content]:
    """One piece of text per sentence, with what sets it off from the one before."""
    before: AnswerSentence | None = None
    for sentence in sentences:
        marker = f" [{sentence.number}]" if sentence.source else ""
        yield Content.from_text(f"{_gap(before, sentence)}{sentence.text}{marker}")
        before = sentence


def _gap(before: AnswerSentence | None, sentence: AnswerSentence) -> str:
    """What keeps two sentences apart for a reader, and for whoever cuts the text into sentences again."""
    if sentence.item:
        return "\n- " if before else "- "
    if before is None:
        return ""
    both = [before.text, sentence.text]
    of_one = sentence.goes_on if before.item or before.goes_on else before.source == sentence.source
    return " " if of_one and split_sentences(" ".join(both)) == both else "\n\n"
