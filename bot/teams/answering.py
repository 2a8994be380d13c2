"""Questions and their one answer each, through edits, deletes, duplicates and restarts (SPEC 1 J1)."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final

import structlog
from switchboard_sdk import ApiError

from bot.core.conversations import Conversations
from bot.core.reply import Answer, Question, Reply, Trouble
from bot.core.reply import Final as FinalReply
from bot.core.unfinished import Begun
from bot.teams import cards, render
from bot.teams.desk import Desk
from bot.teams.happened import Asked, Deleted, Edited, Foreign, Where, Who
from bot.teams.kept import Kept, kept_of, place_of
from bot.teams.people import Standing
from bot.teams.streaming import NotShown, Showing, Stopped

log = structlog.get_logger()
Json = dict[str, Any]
TURN_S: Final = 240.0
"""Longer than the client waits for a turn (200 s)."""
REFUSED_AGAIN_S: Final = 86_400
CARD, AGAIN, SAID = "card/", "again/", "said/"
CARD_S: Final = 8 * 86_400
SAID_S: Final = 30 * 86_400
SWEEP_S: Final = 30.0
STOPPED: Final = "You deleted the question, so I stopped."
INTERRUPTED: Final = (
    "I was interrupted while I worked on this, and it is too long ago to go on. Please ask again."
)
ASKS: Final = "I need something from you:"
TROUBLED: Final = "That did not work:"
REFUSED_BOT: Final = "I answer people only, not bots or workflows. Nothing was done."
REFUSED: Final = (
    "I answer only people of the organisation that installed me, not guests or people of other "
    "organisations. Please ask whoever invited you."
)
UNKNOWN: Final = "Teams does not tell me at the moment who you are, so I did nothing. Please ask again later."
KNOWN_WITHIN_S: Final = 45.0
TOO_LONG: Final = 16_000


@dataclass(slots=True)
class Running:
    """A question from its arrival to its end. edited: what it says now; deleted: it is gone."""

    kept: Kept
    showing: Showing
    task: "asyncio.Task[None] | None" = None
    edited: str | None = None
    deleted: bool = False
    over: bool = False
    """It has its end: where its message stands need not be noted any more."""


@dataclass(slots=True)
class Answering:
    desk: Desk
    resume: Callable[[Kept, Begun], Awaitable[None]]
    """Takes up what is no question."""
    instead: Callable[[Kept], Awaitable[Sequence[Json] | None]]
    """What stands there instead of an answer where nothing was asked."""
    _running: dict[str, Running] = field(default_factory=dict[str, Running], init=False)

    def asked(self, asked: Asked) -> None:
        """Returns at once; the person sees at once that it has arrived."""
        turn = asked.turn
        text = asked.text[:TOO_LONG]
        self.begin(
            Kept("ask", asked.who, asked.where, text, turn.message_id, turn.thread, turn.audience, at=_now())
        )

    def begin(self, kept: Kept) -> None:
        """Any turn that is to end in one message at its place; a second time nothing happens."""
        if kept.place in self._running:
            return
        running = Running(kept, self._showing(kept))
        self._running[kept.place] = running
        self.desk.lanes.aside(running.showing.typing)
        self.desk.lanes.give(kept.where.ref, partial(self._begun, running))

    def edited(self, edited: Edited) -> None:
        """The answer to what it said before is replaced."""
        place = place_of(edited.where.conversation, edited.where.activity)
        running = self._running.get(place)
        if running is None:
            if edited.text:
                self.desk.lanes.give(edited.where.ref, partial(self._answered_anew, edited, place))
        elif running.kept.who.identity == edited.who.identity and edited.text not in ("", running.kept.text):
            running.edited = edited.text[:TOO_LONG]
            _stop(running)

    def deleted(self, deleted: Deleted) -> None:
        running = self._running.get(place_of(deleted.where.conversation, deleted.where.activity))
        if running is not None:
            running.deleted = True
            _stop(running)

    async def foreign(self, foreign: Foreign) -> None:
        await self._refuse(foreign.where, foreign.who_id, bot=foreign.bot)

    async def refuse(self, where: Where, who: Who) -> None:
        await self._refuse(where, who.identity, bot=False)

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
            log.info("teams.taken_up", place=begun.place, kind=kept.kind)
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
        running.kept = kept = replace(running.kept, at=_now())
        try:
            begun, standing = await asyncio.gather(
                self.desk.unfinished.begin(kept.place, kept.value()),
                self.desk.people.standing(kept.where, kept.who, within_s=KNOWN_WITHIN_S),
            )
            if begun is None:
                return
            if await self._admitted(running, begun, standing):
                self.desk.lanes.aside(partial(self.desk.note_chat, kept.where, kept.who))
                await self._until_ended(running, begun)
        finally:
            running.showing.abandon()
            self._running.pop(kept.place, None)

    async def _taken_up(self, running: Running, begun: Begun) -> None:
        try:
            kept = running.kept
            if kept.too_old:
                await self._end(running, begun, [render.notice(INTERRUPTED)])
                return
            # Whoever was here before may have died before it knew who asks.
            standing = await self.desk.people.standing(kept.where, kept.who, within_s=KNOWN_WITHIN_S)
            if await self._admitted(running, begun, standing):
                await self._until_ended(running, begun)
        finally:
            running.showing.abandon()
            self._running.pop(begun.place, None)

    async def _admitted(self, running: Running, begun: Begun, standing: Standing) -> bool:
        """Others are told, and nothing is done for them."""
        if standing == "unknown":
            await self._end(running, begun, [render.notice(UNKNOWN)])
        elif standing != "ours":
            await self.refuse(running.kept.where, running.kept.who)
            await self.desk.unfinished.end(begun)
        return standing == "ours"

    async def _until_ended(self, running: Running, begun: Begun) -> None:
        """Once, and again as often as the question is edited meanwhile."""
        while not running.deleted:
            if running.edited is not None:
                await self._turn_over(running, begun)
            running.showing.started = partial(self._note, running, begun)
            running.showing.begin()
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
        await self._end(running, begun, [render.notice(STOPPED)])

    async def _turn_over(self, running: Running, begun: Begun) -> None:
        """The old answer's message is the new one's."""
        old, text = running.showing, running.edited or ""
        await old.dropped()
        message = f"{running.kept.where.activity}~{_mark(text)}"
        running.kept = replace(running.kept, text=text, message=message, answer=old.message)
        running.edited = None
        running.showing = self._showing(running.kept)
        await self.desk.unfinished.note(begun, **running.kept.value())

    async def _answer(self, running: Running, begun: Begun) -> None:
        if (said := await self.instead(running.kept)) is not None:
            await self._end(running, begun, said)
            return
        try:
            async with asyncio.timeout(TURN_S):
                final = await running.showing.show(self._replies(running.kept))
        except TimeoutError:
            final = None
        except Stopped:
            await self.desk.unfinished.end(begun)
            return
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
        kept, place = running.kept, begun.place
        made: list[Json] | None = None
        if isinstance(final, Question):
            try:
                made = await self._question(kept, final)
            except ApiError as error:
                problem = error.problem
                final = Trouble(problem.code, problem.detail, problem.hint, problem.request_id or place)
        shown = await self._end(running, begun, made or _made(final, shared=not kept.where.direct))
        if shown:
            await self._remember(kept, final, shown)

    async def _question(self, kept: Kept, final: Question) -> list[Json]:
        """Raises ApiError."""
        them = self.desk.people.as_them(kept.who)
        interaction = await them.interactions.get(final.interaction_id)
        card = cards.asking(interaction, kept.who, not kept.where.direct)
        return [render.message(ASKS, [cards.attachment(card)])]

    async def _end(self, running: Running, begun: Begun, activities: Sequence[Json]) -> str:
        """The message's id; "" where it is not shown."""
        try:
            shown = await running.showing.end(activities)
        except NotShown as error:
            if error.later:
                self.desk.unfinished.leave(begun)
            else:
                await self.desk.unfinished.end(begun)
            return ""
        except Stopped:
            await self.desk.unfinished.end(begun)
            return ""
        running.over = True
        await self.desk.unfinished.end(begun, answer=shown)
        return shown

    async def _remember(self, kept: Kept, final: FinalReply, shown: str) -> None:
        """Where a question's card stands, what is asked again by a button, what a thumb votes on."""
        place = place_of(kept.where.conversation, shown)
        value = replace(kept, answer=shown).value()
        if isinstance(final, Question):
            await self._put(f"{CARD}{final.interaction_id}", value, CARD_S)
        elif isinstance(final, Answer):
            said = {"message": str(final.message_id), "session": str(final.session_id)}
            await self._put(f"{SAID}{place}", said, SAID_S)
        elif final.retryable:
            await self._put(f"{AGAIN}{place}", value, 3600)

    async def _put(self, key: str, value: Json, life_s: int) -> None:
        with suppress(ApiError):
            await self.desk.switchboard.channel_state.put("teams", key, value, expires_in_s=life_s)

    async def _answered_anew(self, edited: Edited, place: str) -> None:
        """A question that has its answer was changed."""
        known = await self.desk.unfinished.ended(place)
        if known is None or not known.get("answer"):
            return
        asked = Asked(edited.who, edited.where, edited.text).turn
        message = f"{edited.where.activity}~{_mark(edited.text)}"
        self.begin(
            Kept(
                "ask",
                edited.who,
                edited.where,
                edited.text[:TOO_LONG],
                message,
                asked.thread,
                asked.audience,
                at=_now(),
                answer=str(known["answer"]),
            )
        )

    async def _refuse(self, where: Where, identity: str, *, bot: bool) -> None:
        """Politely, and once a day: two bots would else talk for ever."""
        log.warning("teams.refused_stranger", who=identity, tenant=where.tenant, bot=bot)
        occasion = f"refused/{place_of(where.conversation, _mark(identity))}"
        if await self.desk.unfinished.first(occasion, expires_s=REFUSED_AGAIN_S):
            await self.desk.quietly(where, render.notice(REFUSED_BOT if bot else REFUSED), within_s=60.0)

    def _showing(self, kept: Kept) -> Showing:
        stream, _, message = kept.answer.rpartition("\n")
        chat = self.desk.chat(kept.where)
        return Showing(chat, kept.where, message, stream, clock=self.desk.clock)

    def _note(self, running: Running, begun: Begun, stream: str, message: str) -> None:
        # A step of the stream does not wait for it. A stream that has become a message is told by that.
        answer = message or (f"{stream}\n" if stream else "")

        async def noted() -> None:
            if not running.over:
                await self.desk.unfinished.note(begun, answer=answer)

        self.desk.lanes.aside(noted)


def _made(final: FinalReply, *, shared: bool) -> list[Json]:
    match final:
        case Answer():
            below = cards.answer(final, shared)
            return render.answer(final, [cards.attachment(below)] if below else [])
        case Trouble():
            return [render.message(TROUBLED, [cards.attachment(cards.trouble(final, retry=True))])]
        case Question():
            raise AssertionError("whoever ends with a question has its card")


def _stop(running: Running) -> None:
    if running.task is not None:
        running.task.cancel()


def _mark(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _now() -> float:
    return time.time()
