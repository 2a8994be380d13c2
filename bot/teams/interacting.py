"""What pressed cards ask of the bot (`invoking.Behind`): all of it returns at once and goes on behind.

Who presses is never believed to be who was asked: the platform decides for the person who presses.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from switchboard_sdk import ApiError

from bot.teams import cards, render
from bot.teams.answering import AGAIN, CARD, SAID, Answering
from bot.teams.desk import Desk
from bot.teams.happened import Where, Who
from bot.teams.invoking import Invoked
from bot.teams.kept import Kept, kept_of, place_of
from bot.teams.sending import TeamsTrouble
from kit.wire.interactions import Interaction

log = structlog.get_logger()
Json = dict[str, Any]
TOO_LATE: Final = "This was too long ago. Please ask once more."
_REMEMBERED: Final = 2_000
NO_CHAT: Final = (
    "I could not open our 1:1 chat, so I have answered nothing. Write to me there once and try again."
)


@dataclass(slots=True)
class Interacting:
    desk: Desk
    answering: Answering
    _pressed: OrderedDict[UUID, None] = field(default_factory=OrderedDict[UUID, None], init=False)
    """Whose card says already what came of it, and with which answer."""

    def go_on(self, invoked: Invoked, interaction: UUID, session: UUID, turn: UUID) -> None:
        self._pressed[interaction] = None
        if len(self._pressed) > _REMEMBERED:
            self._pressed.popitem(last=False)
        self.desk.lanes.aside(partial(self._gone_on, invoked, interaction, session, turn))

    def ask(self, invoked: Invoked, text: str, *, private: bool = False) -> None:
        self.desk.lanes.aside(partial(self._asked, invoked, text, private))

    def replace(self, invoked: Invoked, card: Json) -> None:
        if invoked.where.activity:
            work = partial(self._replaced, invoked.where, invoked.where.activity, card)
            self.desk.lanes.aside(work)

    def again(self, invoked: Invoked) -> None:
        self.desk.lanes.aside(partial(self._again, invoked))

    def privately(self, invoked: Invoked, session: UUID, message: UUID) -> None:
        self.desk.lanes.aside(partial(self._privately, invoked, session, message))

    async def message_of(self, invoked: Invoked) -> UUID | None:
        """The platform's id of the answer that a thumb is about."""
        place = place_of(invoked.where.conversation, invoked.where.activity)
        try:
            entry = await self.desk.switchboard.channel_state.get("teams", f"{SAID}{place}")
            return UUID(str(entry.value["message"])) if entry is not None else None
        except (ApiError, KeyError, ValueError) as error:
            log.warning("teams.answer_unknown", error=type(error).__name__)
            return None

    async def card(self, interaction: UUID) -> Kept | None:
        """Where its card stands; None: nowhere here, or the platform is away."""
        try:
            entry = await self.desk.switchboard.channel_state.get("teams", f"{CARD}{interaction}")
        except ApiError as error:
            log.warning("teams.card_unknown", code=error.problem.code)
            return None
        return kept_of(entry.value) if entry is not None else None

    def continued(self, where: Where, who: Who, interaction: UUID, session: UUID, turn: UUID) -> None:
        """The turn that follows on an answer ends in a message of its own, whoever hears of it first."""
        message = f"goes-on-{interaction}"
        where = replace(where, activity=message)
        kept = Kept(
            "goes_on", who, where, message=message, session=str(session), turn=str(turn), at=time.time()
        )
        self.answering.begin(kept)

    async def over(self, interaction: Interaction, kept: Kept) -> None:
        """The card says how it ended, unless the press has told it."""
        if interaction.id in self._pressed:
            return
        # Who is asked alone is who answers.
        by = kept.who.name if interaction.asked_of == "me" else ""
        card = cards.state(interaction, not kept.where.direct, by=by)
        await self._replaced(kept.where, kept.answer, card)

    async def _gone_on(self, invoked: Invoked, interaction: UUID, session: UUID, turn: UUID) -> None:
        kept = await self.card(interaction)
        if kept is not None and kept.who.identity != invoked.who.identity:
            # Of what a second person answers the asker hears, by a delivery.
            return
        where = kept.where if kept is not None else invoked.where
        self.continued(where, invoked.who, interaction, session, turn)

    async def _asked(self, invoked: Invoked, text: str, private: bool) -> None:
        where = await self._own_chat(invoked) if private else invoked.where
        if where is not None and text.strip():
            message = f"pressed-{_mark(invoked)}"
            self._ask(where, invoked.who, text, message, where.ref)

    async def _again(self, invoked: Invoked) -> None:
        where = invoked.where
        key = f"{AGAIN}{place_of(where.conversation, invoked.where.activity)}"
        entry = await self.desk.switchboard.channel_state.get("teams", key)
        kept = kept_of(entry.value) if entry is not None else None
        if kept is None or kept.who.identity != invoked.who.identity:
            if kept is not None:
                log.warning("teams.refused_press", who=invoked.who.identity)
            elif where.direct:
                await self.desk.quietly(where, render.notice(TOO_LATE))
            return
        await self.desk.switchboard.channel_state.remove("teams", key)
        anew = kept if kept.kind == "goes_on" else replace(kept, message=f"{kept.message}~{_stamp()}")
        self.answering.begin(replace(anew, at=time.time(), answer=invoked.where.activity))

    async def _privately(self, invoked: Invoked, session: UUID, message: UUID) -> None:
        """The same question once more, with all that the person may see, in their own chat with us."""
        them = self.desk.people.as_them(invoked.who)
        try:
            said = (await them.sessions.get(session)).messages
        except ApiError as error:
            # Somebody else's question: it is not theirs to ask again.
            log.warning("teams.refused_press", who=invoked.who.identity, code=error.problem.code)
            return
        asked = ""
        for one in said:
            if one.id == message:
                break
            asked = one.text if one.role == "user" else asked
        where = await self._own_chat(invoked) if asked else None
        if where is not None:
            self._ask(where, invoked.who, asked, f"privately-{message}-{_stamp()}", f"{where.ref}/private")

    def _ask(self, where: Where, who: Who, text: str, message: str, thread: str) -> None:
        where = replace(where, activity=message)
        audience = "private" if where.direct else "everyone_here"
        kept = Kept("ask", who, where, text[:16_000], message, thread, audience, at=time.time())
        self.answering.begin(kept)

    async def _own_chat(self, invoked: Invoked) -> Where | None:
        where = invoked.where
        if where.direct:
            return where
        try:
            return await self.desk.direct(where, invoked.who)
        except (TeamsTrouble, ApiError) as error:
            log.warning("teams.no_chat", error=str(error))
            await self.desk.quietly(where, render.notice(NO_CHAT))
            return None

    async def _replaced(self, where: Where, message: str, card: Json) -> None:
        try:
            await self.desk.chat(where).replace(message, cards.message(card), within_s=30.0)
        except TeamsTrouble as trouble:
            log.info("teams.card_not_replaced", code=trouble.code)


def _mark(invoked: Invoked) -> str:
    return f"{invoked.where.activity}-{_stamp()}"


def _stamp() -> str:
    return str(int(time.time() * 1000))
