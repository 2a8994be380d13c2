"""One answer in Teams from its first sign of life to its one final message (SPEC 1 J1).

In a 1:1 chat the text is streamed: an informative status, the text so far once a second, the message that
ends it. Each step names the stream, so the last one can be repeated until it has arrived. Elsewhere Teams
streams nothing: there one whole message comes; what takes longer says so first and is then replaced.

Whatever becomes of the stream, there is one message at the end: the streamed one, the streamed one
replaced, or one of its own.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from bot.core.reply import Cited, Reply, Retracted, Status, Text
from bot.core.reply import Final as FinalReply
from bot.teams import render
from bot.teams.calls import ARRIVES_WITHIN_S
from bot.teams.happened import Where
from bot.teams.sending import Chat, TeamsTrouble
from bot.teams.text import Flow

log = structlog.get_logger()
Json = dict[str, Any]
Clock = Callable[[], float]
EVERY_S: Final = 1.0
"""Between two steps of a stream: Teams takes about one a second."""
REPLACED_EVERY_S: Final = 4.0
HANDED_OVER_AFTER_S: Final = 95.0
"""Of a stream's two minutes: what comes later replaces the message."""
CLOSED_WITHIN_S: Final = 15.0
SAYS_SO_AFTER_S: Final = 2.0
"""Where nothing is streamed: most answers are there by then."""
_PLAIN: Final = 3_000
_TYPING_S: Final = 5.0
_PAUSE_S: Final = 10.0
_STREAM_OVER: Final = "ContentStreamNotAllowed"
_STOPPED: Final = "canceled by user"
_COMPLETE: Final = "already completed"
_FOR_GOOD: Final = frozenset(
    {
        "BotDisabledByAdmin",
        "BotNotInConversationRoster",
        "BotNotRegistered",
        "ConversationBlockedByUser",
        "ConversationNotFound",
        "ForbiddenOperationException",
        "InvalidBotApiHost",
        "ServiceUrlNotAllowed",
    }
)
"""There is no place where we could say anything."""
GONE: Final = _FOR_GOOD


class NotShown(Exception):
    """Teams has not taken the final message. later: it may well take it then."""

    def __init__(self, later: bool) -> None:
        super().__init__("later" if later else "for good")
        self.later = later


class Stopped(Exception):
    """The person pressed "stop": what stands there is what they wanted to see."""


@dataclass(slots=True)
class Showing:
    """Used once. `message` is ours, where there is one: also one of a former attempt, to be replaced;
    `stream` one that has begun and not ended. started(stream, message): hears of both."""

    chat: Chat
    where: Where
    message: str = ""
    stream: str = ""
    started: Callable[[str, str], None] | None = None
    clock: Clock = time.monotonic
    stopped: bool = field(default=False, init=False)
    _flow: Flow = field(default_factory=Flow, init=False)
    _status: str = field(default=render.LOOKING, init=False)
    _told: str = field(default="", init=False)
    """What Teams shows of us, as we know it: status or text."""
    _streamed: str = field(default="", init=False)
    _sequence: int = field(default=0, init=False)
    _began: float = field(default=0.0, init=False)
    _rewrite: bool = field(default=False, init=False)
    """What was streamed is not what is to stand there."""
    _over: bool = field(default=False, init=False)
    """No stream any more, or none from the first."""
    _adopted: bool = field(default=False, init=False)
    _mute: bool = field(default=False, init=False)
    """A word of ours may stand there without our knowing: no second one before the end."""
    _working: "asyncio.Task[None] | None" = field(default=None, init=False)
    _stepping: "asyncio.Task[float] | None" = field(default=None, init=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        self._over = bool(self.message) or not self.where.direct
        if self.stream:
            # Of a process that is gone: when it began we do not know, nor what it has said.
            self._over = self._adopted = True

    async def typing(self) -> None:
        """What Teams does not take is not missed."""
        try:
            async with asyncio.timeout(_TYPING_S):
                await self.chat.send(render.typing())
        except (TeamsTrouble, TimeoutError) as trouble:
            log.info("teams.no_typing", error=str(trouble))

    def begin(self) -> None:
        """From now on the person sees that we work on it."""
        if self._working is None:
            self._working = asyncio.create_task(self._work())

    async def show(self, replies: AsyncGenerator[Reply]) -> FinalReply | None:
        """Until the final one, which the caller hands to `end`; None where there was none. Raises Stopped."""
        async with aclosing(replies) as coming:
            async for reply in coming:
                if isinstance(reply, FinalReply):
                    return reply
                if self.stopped:
                    raise Stopped
                self._take(reply)
        return None

    async def end(self, final: Sequence[Json]) -> str:
        """Shows the final message, and what goes on behind it; the first one's id.

        Raises NotShown, Stopped."""
        await self._quiet()
        if self.stopped:
            raise Stopped
        try:
            await self._ended(final[0])
            for more in final[1:]:
                await self.chat.send(more, within_s=ARRIVES_WITHIN_S)
        except TeamsTrouble as trouble:
            log.warning("teams.not_shown", code=trouble.code, status=trouble.status)
            if trouble.passing or trouble.code in _FOR_GOOD:
                raise NotShown(trouble.code not in _FOR_GOOD) from trouble
            await self._plainly(final[0])
        return self.message

    async def _plainly(self, final: Json) -> None:
        """Teams does not like something about it: the words alone."""
        text = str(final.get("text", ""))[:_PLAIN] or str(final.get("summary", "")) or render.UNSHOWN
        try:
            await self._ended(render.message(text))
        except TeamsTrouble as trouble:
            raise NotShown(trouble.passing) from trouble

    def abandon(self) -> None:
        """The process ends, or it is over: nothing more is said by itself."""
        if self._working is not None:
            self._working.cancel()

    async def dropped(self) -> None:
        """Nobody waits for it any more; the message stays for who replaces it."""
        await self._quiet()
        if self.stream and self.message == "":
            try:
                await self._closed(self._so_far())
            except TeamsTrouble as trouble:
                log.info("teams.stream_not_closed", code=trouble.code)

    def _take(self, reply: Reply) -> None:
        match reply:
            case Status():
                self._status = reply.text or self._status
            case Text():
                self._flow.feed(reply.text)
            case Retracted():
                self._rewrite = True
            case Cited() | _:
                return
        self._changed.set()

    async def _quiet(self) -> None:
        """No step is under way any more."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
            self._working = None
        if self._stepping is not None:
            # What is on its way cannot be called back.
            await asyncio.gather(self._stepping, return_exceptions=True)

    async def _work(self) -> None:
        """One call at a time: replies are never held up by Teams. It is cancelled between steps only."""
        if self._over and not self.message:
            await asyncio.sleep(SAYS_SO_AFTER_S)
        while not self.stopped:
            self._changed.clear()
            self._stepping = asyncio.create_task(self._stepped())
            await asyncio.sleep(await asyncio.shield(self._stepping))
            if not (self.stream and not self._over and self.clock() - self._began > HANDED_OVER_AFTER_S):
                await self._wait()

    async def _wait(self) -> None:
        """For something new; a stream has to be handed over in time also where nothing comes."""
        timeout = None
        if self.stream and not self._over:
            timeout = max(0.1, HANDED_OVER_AFTER_S - (self.clock() - self._began))
        try:
            async with asyncio.timeout(min(timeout, 5.0) if timeout is not None else None):
                await self._changed.wait()
        except TimeoutError:
            self._changed.set()

    async def _stepped(self) -> float:
        """Seconds until the next step."""
        try:
            return await self._step()
        except TeamsTrouble as trouble:
            log.info("teams.step_troubled", code=trouble.code, status=trouble.status)
            if trouble.retry_after is not None:
                self._changed.set()
                return min(trouble.retry_after, _PAUSE_S)
            self._lost(trouble)
            return EVERY_S

    def _lost(self, trouble: TeamsTrouble) -> None:
        if trouble.code == _STREAM_OVER and _STOPPED in trouble.detail.lower():
            self.stopped = True
            self._changed.set()
        elif self._over:
            self._mute = self._mute or trouble.uncertain
        elif not self.stream or not trouble.passing:
            # Not begun, as far as we know, or over: the end brings the whole message.
            self._over = True
            self._rewrite = self._rewrite or bool(self.stream)

    async def _step(self) -> float:
        text = self._text()
        if self._over:
            return await self._placeheld(text)
        if self.stream and self.clock() - self._began > HANDED_OVER_AFTER_S:
            await self._handed_over()
            return REPLACED_EVERY_S
        if not text:
            await self._informed()
        elif text != self._streamed:
            self._sequence += 1
            await self.chat.send(render.streaming(text, self._sequence, self.stream))
            self._streamed = text
        return EVERY_S

    def _text(self) -> str:
        """So far, as it may be streamed now; "" for none."""
        if self._rewrite:
            return self._streamed
        text = self._flow.shown.strip()
        if len(text.encode()) > render.STREAMED:
            self._rewrite = True
            return self._streamed
        return text if self.stream or self._over else ""

    async def _informed(self) -> None:
        if self.stream and self._told == self._status:
            return
        told = self._status
        self._sequence = self._sequence + 1 if self.stream else 1
        sent = await self.chat.send(render.informative(told, self._sequence, self.stream))
        self._told = told
        if not self.stream:
            self.stream, self._began = sent, self.clock()
            self._tell()

    async def _placeheld(self, text: str) -> float:
        """Where there is no stream: a word that we are at it, and now and then what there is."""
        said = f"{text}{render.GOES_ON}" if text and self.where.direct else self._status
        if said == self._told or self._mute:
            return REPLACED_EVERY_S
        if self.message:
            await self.chat.replace(self.message, render.message(said))
        elif not self.stream:
            self.message = await self.chat.send(render.message(said))
            self._tell()
        self._told = said
        return REPLACED_EVERY_S

    async def _handed_over(self) -> None:
        """The stream ends in time as a message that is replaced later."""
        # Only what the stream has shown, so that nothing can be wrong with its beginning.
        await self._closed(f"{self._so_far()}{render.GOES_ON}")
        self._told = ""

    def _so_far(self) -> str:
        return self._streamed or self._status

    async def _closed(self, text: str) -> None:
        sent = await self.chat.send(
            render.closing(render.message(text), self.stream), within_s=CLOSED_WITHIN_S
        )
        self.message, self._over, self._rewrite = sent or self.stream, True, False
        self._tell()

    def _tell(self) -> None:
        if self.started is not None:
            self.started(self.stream, self.message)

    async def _ended(self, final: Json) -> None:
        if self.where.direct and not self.message and not self.stream:
            # A stream of nothing but its end: what is sent under its name arrives once.
            await self._opened()
        if self.stream and not self.message and await self._finished(final):
            return
        if self.message and await self._replaced(self.message, final):
            return
        self.message = await self._posted(final)

    async def _opened(self) -> None:
        try:
            self.stream = await self.chat.send(render.informative(self._status, 1), within_s=20.0)
            self._began, self._rewrite = self.clock(), False
            self._tell()
        except TeamsTrouble as trouble:
            log.info("teams.no_stream", code=trouble.code, status=trouble.status)

    async def _finished(self, final: Json) -> bool:
        """Whether what stands there now is the final message."""
        extends = self._adopted or (
            not self._rewrite and str(final.get("text", "")).startswith(self._streamed)
        )
        said = render.closing(final if extends else render.message(self._so_far()), self.stream)
        try:
            # Under the stream's name it cannot stand there twice.
            sent = await self._arrived(said)
        except TeamsTrouble as trouble:
            return await self._not_finished(trouble, extends)
        self.message = sent or self.stream
        self._tell()
        return extends

    async def _arrived(self, activity: Json) -> str:
        """Repeated also where nobody knows whether it has been taken. Raises TeamsTrouble."""
        until = time.monotonic() + ARRIVES_WITHIN_S
        while True:
            try:
                return await self.chat.send(activity, within_s=ARRIVES_WITHIN_S)
            except TeamsTrouble as trouble:
                if not trouble.uncertain or time.monotonic() > until:
                    raise
                log.info("teams.said_again", conversation=self.where.kind)
            await asyncio.sleep(EVERY_S)

    async def _not_finished(self, trouble: TeamsTrouble, extends: bool) -> bool:
        if trouble.code != _STREAM_OVER and (trouble.passing or trouble.code in _FOR_GOOD):
            raise trouble
        log.info("teams.stream_not_finished", code=trouble.code, detail=trouble.detail)
        if _STOPPED in trouble.detail.lower():
            self.stopped = True
            raise Stopped from trouble
        self.message = self.stream
        return extends and _COMPLETE in trouble.detail.lower()

    async def _replaced(self, message: str, final: Json) -> bool:
        try:
            await self.chat.replace(message, final, within_s=ARRIVES_WITHIN_S)
        except TeamsTrouble as trouble:
            if trouble.passing or trouble.code in _FOR_GOOD:
                raise
            log.info("teams.not_replaced", code=trouble.code, status=trouble.status)
            await self._withdrawn(message)
            return False
        return True

    async def _withdrawn(self, message: str) -> None:
        """What cannot be replaced goes, so that one message stands there in the end."""
        try:
            await self.chat.remove(message, within_s=10.0)
        except TeamsTrouble as trouble:
            log.info("teams.not_withdrawn", code=trouble.code)

    async def _posted(self, final: Json) -> str:
        # Where the answer to the POST is lost nobody can tell whether it stands there: said twice is better
        # than never (decision 53).
        return await self._arrived(final)
