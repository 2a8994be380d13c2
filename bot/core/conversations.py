"""From a Turn to its Replies: each message once, each thread in order, never silence (SPEC 1 J1)."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

import structlog
from switchboard_sdk import ApiError, Switchboard

from bot.core.reply import Answer, Cited, Final, Question, Reply, Retracted, Status, Text, Trouble
from bot.core.turn import Turn
from kit.wire.events import (
    AnswerCitation,
    AnswerDelta,
    AnswerRetracted,
    InteractionRequested,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnStatus,
)

log = structlog.get_logger()
REMEMBERED_MESSAGES = 10_000


class Conversations:
    """All threads of one channel. A message that was already taken yields nothing."""

    def __init__(self, switchboard: Switchboard, remember: int = REMEMBERED_MESSAGES) -> None:
        self._switchboard = switchboard
        self._taken: OrderedDict[str, None] = OrderedDict()
        self._remember = remember
        self._threads: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def replies(self, turn: Turn) -> AsyncGenerator[Reply]:
        """Ends with exactly one Final, whatever happens on the way. Raises nothing but cancellation."""
        if not self._take(turn.key):
            return
        async with self._thread(turn.external_ref):
            try:
                async with aclosing(self._told(turn)) as replies:
                    async for reply in replies:
                        yield reply
                        if isinstance(reply, Final):
                            return
            except Exception as error:
                trouble = _trouble(error)
                log.warning("bot.turn_troubled", channel=turn.channel, error=type(error).__name__)
            else:
                trouble = _trouble(RuntimeError("the stream ended without an end"))
            yield trouble

    async def continued(self, session_id: UUID, turn_id: UUID) -> AsyncGenerator[Reply]:
        """The replies of a turn that goes on with an answer; ends with exactly one Final."""
        try:
            async with aclosing(self._switchboard.attach(session_id, turn_id)) as events:
                async for event in events:
                    if (reply := reply_of(event)) is not None:
                        yield reply
                        if isinstance(reply, Final):
                            return
        except Exception as error:
            trouble = _trouble(error)
            log.warning("bot.turn_troubled", error=type(error).__name__)
        else:
            trouble = _trouble(RuntimeError("the stream ended without an end"))
        yield trouble

    async def _told(self, turn: Turn) -> AsyncGenerator[Reply]:
        events = self._switchboard.stream(
            turn.text,
            key=turn.key,
            external_ref=turn.external_ref,
            audience=turn.audience,
            knowledge_base_ids=list(turn.knowledge_base_ids) or None,
            agent=turn.agent,
        )
        async with aclosing(events):
            async for event in events:
                reply = reply_of(event)
                if reply is not None:
                    yield reply

    def _take(self, key: str) -> bool:
        if key in self._taken:
            return False
        self._taken[key] = None
        if len(self._taken) > self._remember:
            self._taken.popitem(last=False)
        return True

    def _thread(self, thread: str) -> asyncio.Lock:
        # Weak: a thread's lock lives as long as somebody holds or awaits it.
        return self._threads.setdefault(thread, asyncio.Lock())


def reply_of(event: TurnEvent) -> Reply | None:
    """None for events that only developers look at."""
    match event:
        case TurnStatus():
            return Status(event.text)
        case AnswerDelta():
            return Text(event.text)
        case AnswerCitation():
            return Cited(event.citation)
        case AnswerRetracted():
            return Retracted(event.text)
        case InteractionRequested():
            return Question(event.interaction_id, event.kind, event.form, event.expires_at)
        case TurnCompleted():
            return _answer(event)
        case TurnFailed():
            return Trouble(event.code, event.detail, event.hint, event.request_id, event.retryable)
        case _:
            return None


def _answer(event: TurnCompleted) -> Answer:
    return Answer(
        event.outcome,
        event.text,
        tuple(event.citations),
        tuple(event.degraded or ()),
        event.session_id,
        event.message_id,
        event.request_id,
    )


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, ApiError):
        problem = error.problem
        request_id = problem.request_id or uuid4().hex
        return Trouble(problem.code, problem.detail, problem.hint, request_id, problem.status >= 500)
    request_id = uuid4().hex
    log.error("bot.turn_broke", request_id=request_id, exc_info=error)
    hint = "Try again. If it happens again, tell your admin the request id."
    return Trouble("internal", "Something went wrong on our side.", hint, request_id, True)
