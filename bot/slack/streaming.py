"""One answer in Slack from its first status to its one final message (SPEC 1 J1).

The text is streamed in a few large pieces. Whatever becomes of the stream, there is one message at the end:
the streamed one, the streamed one rewritten, or one of its own.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import structlog

from bot.core.reply import Answer, Cited, Question, Reply, Retracted, Status, Text, Trouble
from bot.core.reply import Final as FinalReply
from bot.slack import render
from bot.slack.calls import ARRIVES_WITHIN_S, Slack, SlackTrouble
from bot.slack.happened import Message, Where, Who

log = structlog.get_logger()
EVERY_S: Final = 0.5
"""Between two pieces; the first goes at once."""
LONGEST: Final = 11_000
"""Characters that are streamed; what is longer is written whole at the end."""
STATUS_S: Final = 5.0
STILL_STREAMING: Final = "streaming_state_conflict"
NOT_STREAMING: Final = "message_not_in_streaming_state"
FIRST_STATUS: Final = "is looking into it…"


_PLAIN: Final = 3_000
_STOPS: Final = 5
_UNLIKED: Final = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_arguments"}
)
_FOR_GOOD: Final = frozenset(
    {
        "account_inactive",
        "cannot_reply_to_message",
        "channel_not_found",
        "invalid_auth",
        "is_archived",
        "not_in_channel",
        "not_installed",
        "restricted_action",
        "token_revoked",
    }
)
"""There is no place where we could say anything."""


class NotShown(Exception):
    """Slack has not taken the final message. later: it may well take it then."""

    def __init__(self, later: bool) -> None:
        super().__init__("later" if later else "for good")
        self.later = later


@dataclass(slots=True)
class Showing:
    """Used once. `ts` is our message, where there is one: also one of a former attempt, to be replaced.

    name: the same for each attempt at the same answer. started: hears of the ts of a stream.
    """

    slack: Slack
    where: Where
    who: Who
    name: str
    ts: str = ""
    started: Callable[[str], None] | None = None
    since: float = 0.0
    """When the work on it began, seconds since 1970: what we said there before is no part of it."""
    streaming: bool = field(default=False, init=False)
    rewrite: bool = field(default=False, init=False)
    """What was streamed is not what is to stand there."""
    _status: bool = field(default=False, init=False)
    _wanted: str | None = field(default=None, init=False)
    _telling: "asyncio.Task[None] | None" = field(default=None, init=False)
    _buffer: str = field(default="", init=False)
    _streamed: int = field(default=0, init=False)
    _next: float = field(default=0.0, init=False)
    _flow: render.Flow = field(default_factory=render.Flow, init=False)
    _pushing: "asyncio.Task[None] | None" = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.rewrite = bool(self.ts)

    def status(self, text: str = FIRST_STATUS) -> None:
        """On its way; the last one counts. What Slack does not take is not missed."""
        if self.streaming or not self.where.thread:
            return
        self._wanted = text
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def show(self, replies: AsyncGenerator[Reply]) -> FinalReply | None:
        """Until the final one, which the caller hands to `end`; None where there was none."""
        async with aclosing(replies) as coming:
            async for reply in coming:
                if isinstance(reply, FinalReply):
                    return reply
                self._take(reply)
        return None

    async def end(self, final: Message, below: tuple[dict[str, Any], ...] | None = None) -> str:
        """Shows the one final message; its ts. below: blocks for where the streamed text is right already.

        Raises NotShown.
        """
        self._wanted = None
        for task in (self._pushing, self._telling):
            if task is not None:
                await task
        try:
            await self._ended_somehow(final, below)
        finally:
            if self._status:
                await self._set_status("")
        self.slack.note_ended(self.where.channel, self.ts)
        return self.ts

    async def dropped(self) -> None:
        """Nobody waits for it any more: no more pieces, no status; the message stays for who replaces it."""
        self._buffer, self._wanted, self.rewrite = "", None, True
        for task in (self._pushing, self._telling):
            if task is not None:
                await task
        if self.streaming:
            await self._stopped(None)
        if self._status:
            await self._set_status("")

    async def _ended_somehow(self, final: Message, below: tuple[dict[str, Any], ...] | None) -> None:
        try:
            await self._ended(final, below)
        except SlackTrouble as trouble:
            log.warning("slack.not_shown", code=trouble.code, method=trouble.method)
            if trouble.passing or trouble.code in _FOR_GOOD:
                raise NotShown(trouble.passing) from trouble
            await self._plainly(final)

    async def _plainly(self, final: Message) -> None:
        """Slack does not like our blocks: the words alone."""
        try:
            await self._ended(Message(final.text[:_PLAIN]), None)
        except SlackTrouble as trouble:
            raise NotShown(trouble.passing) from trouble

    async def end_with(self, final: FinalReply, question: Message | None = None) -> str:
        """question: the card, where the final part is one. Raises NotShown."""
        shared = not self.where.direct
        match final:
            case Answer():
                below = render.closing(final, shared) if self._flow.exact_for(final) else None
                return await self.end(render.answer(final, shared), below)
            case Trouble():
                return await self.end(render.trouble(final))
            case Question():
                assert question is not None, "whoever ends with a question has its card"
                return await self.end(question)

    async def adopt(self) -> None:
        """A message that we have begun without hearing of it is ours to end."""
        where = self.where
        after = max(where.ts, f"{self.since:.6f}")
        self.ts = await self.slack.left_over(where.team, where.channel, where.thread, after)
        self.streaming, self.rewrite = bool(self.ts), True

    def _take(self, reply: Reply) -> None:
        match reply:
            case Status():
                self.status(reply.text)
            case Text() | Cited():
                self._buffer += self._flow.feed(reply)
                self._push()
            case Retracted():
                self.rewrite, self._buffer = True, ""
            case _:
                pass

    def _push(self) -> None:
        """One call at a time, and not more often than every EVERY_S: replies are never held up by Slack."""
        if self._buffer and not self.rewrite and (self._pushing is None or self._pushing.done()):
            self._pushing = asyncio.create_task(self._pushed())

    async def _pushed(self) -> None:
        while self._buffer and not self.rewrite:
            await asyncio.sleep(max(0.0, self._next - time.monotonic()))
            piece, self._buffer = self._buffer, ""
            if self._streamed + len(piece) > LONGEST or self.rewrite:
                self.rewrite = True
                return
            try:
                await self._send(piece)
            except SlackTrouble as trouble:
                log.info("slack.stream_troubled", code=trouble.code, method=trouble.method)
                if trouble.retry_after is not None and not trouble.uncertain:
                    self._buffer = piece + self._buffer
                    self._next = time.monotonic() + min(trouble.retry_after, 10.0)
                    continue
                # Whether Slack has taken it nobody knows, or the stream is over: the end writes it whole.
                self.rewrite = True
                if trouble.uncertain and not self.streaming:
                    await self.adopt()
                return
            self._next = time.monotonic() + EVERY_S

    async def _send(self, piece: str) -> None:
        if self.streaming:
            await self._call("chat.appendStream", ts=self.ts, markdown_text=piece)
        else:
            await self._start(piece)
        self._streamed += len(piece)

    async def _start(self, piece: str) -> None:
        started = await self._call(
            "chat.startStream",
            thread_ts=self.where.thread,
            recipient_team_id=self.who.home or self.where.team,
            recipient_user_id=self.who.user,
            markdown_text=piece,
        )
        self.ts = str(started.get("ts", ""))
        self.streaming, self._status = True, False
        if self.started is not None:
            self.started(self.ts)

    async def _ended(self, final: Message, below: tuple[dict[str, Any], ...] | None) -> None:
        if self.streaming and await self._stopped(below):
            return
        if self.ts and await self._rewritten(final):
            return
        await self._posted(final)

    async def _stopped(self, below: tuple[dict[str, Any], ...] | None) -> bool:
        """Whether what stands there now is the whole answer."""
        rest = self._buffer + self._flow.rest()
        whole = below is not None and not self.rewrite and self._streamed + len(rest) <= LONGEST
        more: dict[str, Any] = {}
        if whole:
            more = {"blocks": list(below or ())}
            if rest:
                more["markdown_text"] = rest
        try:
            await self._call("chat.stopStream", within_s=10.0, ts=self.ts, **more)
        except SlackTrouble as trouble:
            log.info("slack.stream_troubled", code=trouble.code, method=trouble.method)
            if more and not trouble.passing and trouble.code != NOT_STREAMING:
                self._buffer = ""
                await self._stopped(None)
            self.streaming = False
            return False
        self.streaming = False
        return whole

    async def _rewritten(self, final: Message) -> bool:
        for attempt in range(_STOPS):
            try:
                await self._call("chat.update", within_s=ARRIVES_WITHIN_S, ts=self.ts, **final.payload())
            except SlackTrouble as trouble:
                if trouble.passing or trouble.code in _UNLIKED:
                    raise
                log.info("slack.not_rewritten", code=trouble.code)
                if trouble.code != STILL_STREAMING:
                    break
                await asyncio.sleep(attempt)
                await self._stopped(None)
            else:
                return True
        return await self._withdrawn()

    async def _withdrawn(self) -> bool:
        """What cannot be rewritten goes, so that one message stands there in the end."""
        try:
            await self._call("chat.delete", within_s=10.0, ts=self.ts)
        except SlackTrouble as trouble:
            log.info("slack.not_withdrawn", code=trouble.code)
        return False

    async def _posted(self, final: Message) -> None:
        try:
            await self._post(final, self.where.thread)
        except SlackTrouble as trouble:
            if trouble.code != "thread_not_found":
                raise
            # The question is gone, and its thread with it.
            await self._beside_the_thread(final)

    async def _beside_the_thread(self, final: Message) -> None:
        if self.where.direct:
            await self._post(final, "")
        else:
            await self._call(
                "chat.postEphemeral", within_s=ARRIVES_WITHIN_S, user=self.who.user, **final.payload()
            )

    async def _post(self, final: Message, thread: str) -> None:
        posted = await self._call(
            "chat.postMessage",
            within_s=ARRIVES_WITHIN_S,
            thread_ts=thread or None,
            client_msg_id=str(uuid5(NAMESPACE_URL, f"{self.name}#{self.ts}#{thread}")),
            unfurl_links=False,
            unfurl_media=False,
            **final.payload(),
        )
        self.ts, self._status = str(posted.get("ts", "")), False

    async def _tell(self) -> None:
        while (text := self._wanted) is not None and not self.streaming:
            self._wanted = None
            await self._set_status(text)

    async def _set_status(self, text: str) -> None:
        try:
            async with asyncio.timeout(STATUS_S):
                await self.slack.call(
                    self.where.team,
                    "assistant.threads.setStatus",
                    within_s=STATUS_S if not text else 0.0,
                    channel_id=self.where.channel,
                    thread_ts=self.where.thread,
                    status=text,
                )
        except (SlackTrouble, TimeoutError) as trouble:
            log.info("slack.no_status", error=str(trouble))
            return
        self._status = bool(text)

    async def _call(self, method: str, *, within_s: float = 0.0, **fields: Any) -> dict[str, Any]:
        given = {name: value for name, value in fields.items() if value is not None}
        answer = await self.slack.call(
            self.where.team, method, within_s=within_s, channel=self.where.channel, **given
        )
        return dict(answer)
