"""Questions and their one answer each, through edits, deletes, duplicates and restarts (SPEC 1 J1)."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
from switchboard_sdk import ApiError

from bot.core.conversations import Conversations
from bot.core.plain import shortened
from bot.core.reply import Answer, Question, Reply, Trouble
from bot.core.reply import Final as FinalReply
from bot.core.unfinished import SEEN_S, Begun
from bot.slack import render
from bot.slack.desk import Desk
from bot.slack.happened import Asked, Deleted, Edited, Foreign, Message, Where, Who
from bot.slack.kept import Kept, kept_of
from bot.slack.streaming import NotShown, Showing

log = structlog.get_logger()
TURN_S: Final = 240.0
"""Longer than the client waits for a turn (200 s)."""
REFUSED_AGAIN_S: Final = 86_400
CARD, AGAIN = "card/", "again/"
CARD_S: Final = 8 * 86_400
SWEEP_S: Final = 30.0
NOTED_AFTER_S: Final = 1.5
"""Most answers are whole by then, and need no note of where they begin."""
STOPPED: Final = "You deleted the question, so I stopped."
INTERRUPTED: Final = (
    "I was interrupted while I worked on this, and it is too long ago to go on. Please ask again."
)
TITLE: Final = 80


@dataclass(slots=True)
class Running:
    """A question from its arrival to its end. edited: what it says now; deleted: it is gone."""

    kept: Kept
    showing: Showing
    task: "asyncio.Task[None] | None" = None
    edited: str | None = None
    deleted: bool = False
    noting: "asyncio.Task[None] | None" = None

    def over(self) -> None:
        if self.noting is not None:
            self.noting.cancel()


@dataclass(slots=True)
class Answering:
    desk: Desk
    resume: Callable[[Kept, Begun], Awaitable[None]]
    """Takes up what is no question."""
    _running: dict[str, Running] = field(default_factory=dict[str, Running], init=False)

    def asked(self, asked: Asked) -> None:
        """Returns at once; the status is on its way."""
        turn = asked.turn
        kept = Kept(
            "ask",
            asked.who,
            asked.where,
            asked.text,
            asked.where.ts,
            turn.thread,
            turn.audience,
            at=time.time(),
        )
        self.begin(kept)

    def begin(self, kept: Kept) -> None:
        """Any turn that is to end in one message at its place; a second time nothing happens."""
        if kept.place in self._running:
            return
        running = Running(kept, self._showing(kept))
        running.showing.status()
        self._running[kept.place] = running
        self.desk.lanes.give(kept.where.ref, partial(self._begun, running))

    def edited(self, edited: Edited) -> None:
        """The answer to what it said before is replaced."""
        place = f"{edited.where.team}/{edited.where.channel}/{edited.where.ts}"
        running = self._running.get(place)
        if running is None:
            if edited.text:
                self.desk.lanes.give(edited.where.ref, partial(self._answered_anew, edited, place))
        elif edited.text and edited.text != running.kept.text:
            running.edited = edited.text
            _stop(running)

    def deleted(self, deleted: Deleted) -> None:
        running = self._running.get(f"{deleted.where.team}/{deleted.where.channel}/{deleted.where.ts}")
        if running is not None:
            running.deleted = True
            _stop(running)

    async def foreign(self, foreign: Foreign) -> None:
        await self._refuse(foreign.where, foreign.who, bot=foreign.bot)

    async def recover(self, *, mine_too: bool = False) -> None:
        """What somebody has begun and nobody works on is taken up."""
        for entry in await self.desk.unfinished.abandoned(datetime.now(UTC), mine_too=mine_too):
            kept = kept_of(entry.value)
            begun = await self.desk.unfinished.take_up(entry)
            if begun is None:
                continue
            if kept is None:
                await self.desk.unfinished.end(begun)
                continue
            log.info("slack.taken_up", place=begun.place, kind=kept.kind)
            if kept.kind == "files":
                self.desk.lanes.give(kept.where.ref, partial(self.resume, kept, begun))
                continue
            running = Running(kept, self._showing(kept))
            self._running[begun.place] = running
            self.desk.lanes.give(kept.where.ref, partial(self._taken_up, running, begun))

    async def sweep(self) -> None:
        """Until cancelled."""
        await self.recover(mine_too=True)
        while True:
            await asyncio.sleep(SWEEP_S)
            await self.recover()

    async def _begun(self, running: Running) -> None:
        # From now on: what we said in this thread before belongs to other questions.
        running.kept = kept = replace(running.kept, at=time.time())
        running.showing.since = kept.at
        try:
            begun, standing = await asyncio.gather(
                self.desk.unfinished.begin(kept.place, kept.value()),
                self.desk.people.standing(kept.where.team, kept.who),
            )
            if begun is None:
                await running.showing.dropped()
            elif standing != "ours":
                await running.showing.dropped()
                await self._refuse(kept.where, kept.who, bot=standing == "bot")
                await self.desk.unfinished.end(begun)
            else:
                await self._until_ended(running, begun)
        finally:
            running.over()
            self._running.pop(kept.place, None)

    async def _taken_up(self, running: Running, begun: Begun) -> None:
        try:
            if not running.kept.answer and running.kept.where.thread:
                await running.showing.adopt()
            if running.kept.too_old:
                await self._end(running, begun, render.notice(INTERRUPTED))
            else:
                running.showing.status()
                await self._until_ended(running, begun)
        finally:
            running.over()
            self._running.pop(begun.place, None)

    async def _until_ended(self, running: Running, begun: Begun) -> None:
        """Once, and again as often as the question is edited meanwhile."""
        while not running.deleted:
            if running.edited is not None:
                await self._turn_over(running, begun)
            running.showing.started = partial(self._note, running, begun)
            running.task = asyncio.create_task(self._answer(running, begun))
            try:
                await running.task
                return
            except asyncio.CancelledError:
                if running.edited is None and not running.deleted:
                    # The process ends: whoever comes next takes it up.
                    running.task.cancel()
                    raise
            finally:
                running.task = None
        await running.showing.dropped()
        await self._end(running, begun, render.notice(STOPPED))

    async def _turn_over(self, running: Running, begun: Begun) -> None:
        """The old answer's message is the new one's."""
        old, text = running.showing, running.edited or ""
        await old.dropped()
        message = f"{running.kept.where.ts}~{_mark(text)}"
        running.kept = replace(running.kept, text=text, message=message, answer=old.ts)
        running.edited = None
        running.showing = self._showing(running.kept)
        running.showing.status()
        await self.desk.unfinished.note(begun, **running.kept.value())

    async def _answer(self, running: Running, begun: Begun) -> None:
        if running.kept.kind == "ask" and not running.kept.text.strip():
            await self._end(running, begun, render.help_())
            return
        try:
            async with asyncio.timeout(TURN_S):
                final = await running.showing.show(self._replies(running.kept))
        except TimeoutError:
            final = None
        final = final or Trouble(
            "timeout", "This took too long.", "Please ask again.", begun.place, retryable=True
        )
        await self._ended(running, begun, final)

    def _replies(self, kept: Kept) -> AsyncGenerator[Reply]:
        # Of its own: what was seen already the platform knows by the turn's key.
        conversations = Conversations(self.desk.people.as_them(kept.who))
        if kept.kind == "goes_on":
            return conversations.continued(*kept.going_on)
        return conversations.replies(replace(kept.asked, agent=self.desk.agent))

    async def _ended(self, running: Running, begun: Begun, final: FinalReply) -> None:
        card: Message | None = None
        if isinstance(final, Question):
            try:
                them = self.desk.people.as_them(running.kept.who)
                interaction = await them.interactions.get(final.interaction_id)
                card = render.question(interaction, not running.kept.where.direct)
            except ApiError as error:
                problem = error.problem
                final = Trouble(problem.code, problem.detail, problem.hint, problem.request_id or begun.place)
        try:
            ts = await running.showing.end_with(final, card)
        except NotShown as error:
            await self._not_shown(begun, error)
            return
        await self._remember(running.kept, final, ts)
        await self.desk.unfinished.end(begun, answer=ts)
        where = running.kept.where
        if isinstance(final, Answer) and where.direct and where.ts == where.thread:
            await self._title(running.kept)

    async def _end(self, running: Running, begun: Begun, message: Message) -> None:
        try:
            ts = await running.showing.end(message)
        except NotShown as error:
            await self._not_shown(begun, error)
            return
        await self.desk.unfinished.end(begun, answer=ts)

    async def _not_shown(self, begun: Begun, error: NotShown) -> None:
        if error.later:
            self.desk.unfinished.leave(begun)
        else:
            await self.desk.unfinished.end(begun)

    async def _remember(self, kept: Kept, final: FinalReply, ts: str) -> None:
        """Where a question's card stands, and what is asked again by a button."""
        key, life = "", 3600
        if isinstance(final, Question):
            key, life = f"{CARD}{final.interaction_id}", CARD_S
        elif isinstance(final, Trouble) and final.retryable:
            key = f"{AGAIN}{kept.where.team}/{kept.where.channel}/{ts}"
        if key:
            with suppress(ApiError):
                value = replace(kept, answer=ts).value()
                await self.desk.switchboard.channel_state.put("slack", key, value, expires_in_s=life)

    async def _title(self, kept: Kept) -> None:
        await self.desk.quietly(
            kept.where.team,
            "assistant.threads.setTitle",
            channel_id=kept.where.channel,
            thread_ts=kept.where.thread,
            title=shortened(kept.text, TITLE),
        )

    async def _answered_anew(self, edited: Edited, place: str) -> None:
        """A question that has its answer was changed."""
        known = await self.desk.unfinished.ended(place)
        if known is None and edited.mentions and _is_recent(edited.where.ts):
            self.asked(Asked(edited.who, edited.where, edited.text, edited.event_id))
            return
        if known is None or not known.get("answer"):
            return
        asked = Asked(edited.who, edited.where, edited.text, edited.event_id)
        message = f"{edited.where.ts}~{_mark(edited.text)}"
        self.begin(
            Kept(
                "ask",
                edited.who,
                edited.where,
                edited.text,
                message,
                asked.turn.thread,
                asked.turn.audience,
                at=time.time(),
                answer=str(known["answer"]),
            )
        )

    async def _refuse(self, where: Where, who: Who, *, bot: bool) -> None:
        """Politely, and once a day: two bots would else talk for ever."""
        log.warning("slack.refused_stranger", who=who.identity, team=where.team, bot=bot)
        if not await self.desk.unfinished.first(
            f"refused/{where.team}/{where.channel}/{who.identity}", expires_s=REFUSED_AGAIN_S
        ):
            return
        await self.desk.quietly(
            where.team,
            "chat.postMessage",
            channel=where.channel,
            thread_ts=where.thread or where.ts,
            **render.refused(bot).payload(),
        )

    def _showing(self, kept: Kept) -> Showing:
        name = f"{kept.place}/{kept.kind}"
        return Showing(self.desk.slack, kept.where, kept.who, name, kept.answer, since=kept.at)

    def _note(self, running: Running, begun: Begun, ts: str) -> None:
        # A piece of text does not wait for it.
        running.noting = asyncio.create_task(self._noted(begun, ts))

    async def _noted(self, begun: Begun, ts: str) -> None:
        await asyncio.sleep(NOTED_AFTER_S)
        await self.desk.unfinished.note(begun, answer=ts)


def _stop(running: Running) -> None:
    if running.task is not None:
        running.task.cancel()


def _is_recent(ts: str) -> bool:
    """What is older may have its answer, and nobody knows it any more."""
    return time.time() - float(ts or 0) < SEEN_S - 60


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
