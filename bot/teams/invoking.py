"""What people press in Teams: each invoke is answered within the seconds that Teams waits (SPEC 5).

Who presses is never believed to be who was asked: the platform decides for the person who presses, and what
is not theirs they do not get.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, cast
from uuid import UUID

import structlog
from switchboard_sdk import ApiError, Switchboard

from bot.core.filling import complaints, content
from bot.core.words import sentences
from bot.teams import cards
from bot.teams.cards.inputs import kept, values
from bot.teams.cards.states import chosen
from bot.teams.extension import Extension
from bot.teams.happened import Where, Who
from bot.teams.signing_in import SigningIn
from kit.wire.interactions import Action, Interaction

log = structlog.get_logger()
Json = dict[str, Any]
ANSWERED_WITHIN_S: Final = 4.0
"""Teams gives up after about 5."""
_CARD: Final = "application/vnd.microsoft.card.adaptive"
_WAYS: Final = frozenset({"accept", "decline", "cancel"})
_OVER: Final = frozenset({"interaction_answered", "interaction_expired", "interaction_cancelled"})
_LONGEST_COMMENT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Invoked:
    """`name` and `value` as of the activity; `where.activity` is the message that holds the card (replyToId);
    `zone` the person's IANA zone, "" where Teams does not say."""

    name: str
    value: Mapping[str, Any]
    who: Who
    where: Where
    zone: str = ""


@dataclass(frozen=True, slots=True)
class InvokeAnswer:
    """For HTTP."""

    status: int
    body: Json | None = None


class Behind(Protocol):
    """What is done behind an invoke's answer. What is no coroutine returns at once and raises nothing."""

    def go_on(self, invoked: Invoked, interaction: UUID, session: UUID, turn: UUID) -> None:
        """Shows the turn that continues, in that conversation."""
        ...

    def ask(self, invoked: Invoked, text: str, *, private: bool = False) -> None:
        """As if the person had written it; private: in their own chat with us."""
        ...

    def again(self, invoked: Invoked) -> None: ...

    def privately(self, invoked: Invoked, session: UUID, message: UUID) -> None:
        """The same question once more, with all that the person may see, in their own chat with us."""
        ...

    def replace(self, invoked: Invoked, card: Json) -> None:
        """The message that holds the card, for everybody."""
        ...

    async def message_of(self, invoked: Invoked) -> UUID | None:
        """The platform's id of our answer `where.activity`."""
        ...


class Invokes:
    """One for the process."""

    def __init__(
        self, switchboard: Switchboard, behind: Behind, extension: Extension, signing_in: SigningIn
    ) -> None:
        self._switchboard = switchboard
        self._behind = behind
        self._extension = extension
        self._signing_in = signing_in
        self._later: set[asyncio.Task[None]] = set()

    async def execute(self, invoked: Invoked) -> InvokeAnswer:
        """Raises nothing but cancellation."""
        try:
            return await self._executed(invoked)
        except (KeyError, ValueError, TypeError, AttributeError):
            log.warning("teams.forged_invoke", who=invoked.who.identity, invoke=invoked.name)
            return InvokeAnswer(400)
        except ApiError as error:
            log.warning("teams.invoke_troubled", invoke=invoked.name, code=error.problem.code)
            return InvokeAnswer(502)

    async def close(self) -> None:
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    async def _executed(self, invoked: Invoked) -> InvokeAnswer:
        match invoked.name:
            case "adaptiveCard/action":
                return await self._pressed(invoked)
            case "message/submitAction":
                return await self._voted(invoked)
            case "composeExtension/query":
                return InvokeAnswer(200, await self._extension.found(self._them(invoked), invoked.value))
            case "composeExtension/fetchTask":
                return InvokeAnswer(200, self._extension.ask_about(invoked.value))
            case "composeExtension/submitAction":
                return self._asked_about(invoked)
            case "signin/tokenExchange":
                status, body = await self._signing_in.exchanged(invoked.who, invoked.value)
                return InvokeAnswer(status, body)
            case "signin/verifyState":
                status, body = await self._signing_in.verified(invoked.who)
                return InvokeAnswer(status, body)
            case _:
                log.info("teams.invoke_unknown", invoke=invoked.name[:80])
                return InvokeAnswer(501)

    def _them(self, invoked: Invoked) -> Switchboard:
        return self._switchboard.acting_as(invoked.who.identity)

    async def _pressed(self, invoked: Invoked) -> InvokeAnswer:
        action = invoked.value["action"]
        verb, data = str(action["verb"]), dict(action.get("data") or {})
        match verb:
            case "open":
                return _shown(await self._opened(invoked, data))
            case "answer":
                return await self._in_time(invoked, data)
            case "privately":
                self._behind.privately(invoked, UUID(data["session"]), UUID(data["message"]))
                return _told("I answer you in our own chat.")
            case "again":
                self._behind.again(invoked)
                return _told("I try it once more.")
            case "prompt":
                self._behind.ask(invoked, str(data["text"])[:2_000])
                return _told("I look into it.")
            case _:
                raise ValueError("no verb of ours")

    async def _in_time(self, invoked: Invoked, data: Json) -> InvokeAnswer:
        """What takes longer goes on; its card comes when it is there."""
        work = asyncio.create_task(self._answered(invoked, data))
        await asyncio.wait({work}, timeout=ANSWERED_WITHIN_S)
        if work.done():
            return _shown(work.result())
        self._aside(self._bring(invoked, work))
        return _shown(cards.working(UUID(str(data["interaction"])), invoked.who))

    async def _bring(self, invoked: Invoked, work: "asyncio.Task[Json]") -> None:
        try:
            card = await work
        except (ApiError, KeyError, ValueError, TypeError, AttributeError) as error:
            log.warning("teams.press_troubled", error=type(error).__name__)
            return
        if invoked.where.direct:
            self._behind.replace(invoked, card)

    def _aside(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _opened(self, invoked: Invoked, data: Json) -> Json:
        """Of a refresh too: what is the person's to see of it now."""

        which, page = UUID(str(data["interaction"])), int(data.get("page", 0))

        async def look() -> Json:
            return self._view(invoked, await self._them(invoked).interactions.get(which), page)

        return await self._theirs(invoked, "open", data, look)

    def _view(self, invoked: Invoked, interaction: Interaction, page: int = 0) -> Json:
        if interaction.status != "open":
            return cards.state(interaction, not invoked.where.direct)
        filled = cards.Filled(zone=invoked.zone)
        return cards.asking(interaction, invoked.who, False, filled=filled, page=max(0, page))

    async def _answered(self, invoked: Invoked, data: Json) -> Json:
        return await self._theirs(invoked, "answer", data, lambda: self._respond(invoked, data))

    async def _theirs(
        self, invoked: Invoked, verb: str, data: Json, look: Callable[[], Awaitable[Json]]
    ) -> Json:
        """What somebody else was asked they do not get; what does not work says so."""
        try:
            return await look()
        except ApiError as error:
            problem = error.problem
            log.warning("teams.refused_press", who=invoked.who.identity, verb=verb, code=problem.code)
            if error.status in (403, 404):
                return cards.not_theirs(str(data.get("for", "")))
            said = sentences(problem.detail, problem.hint)
            return cards.unreachable(said, problem.request_id or "-", verb, data)

    async def _respond(self, invoked: Invoked, data: Json) -> Json:
        """Raises ApiError."""
        action = str(data["action"])
        if action not in _WAYS:
            raise ValueError("no answer of ours")
        interactions = self._them(invoked).interactions
        interaction = await interactions.get(UUID(str(data["interaction"])))
        if interaction.status != "open":
            log.info("teams.late_press", who=invoked.who.identity, status=interaction.status)
            return self._view(invoked, interaction)
        zone = str(data.get("zone") or invoked.zone)
        given = kept(interaction, data)
        found, wrong = values(interaction, given, zone) if action == "accept" else ({}, {})
        if wrong:
            return self._once_more(invoked, interaction, given, wrong, zone)
        sent = {**content(interaction, found), **_pressed_content(data)} if action == "accept" else {}
        try:
            responded = await interactions.respond(interaction.id, cast(Action, action), sent)
        except ApiError as error:
            if error.problem.errors:
                wrong = complaints(interaction, error.problem.errors)
                return self._once_more(invoked, interaction, given, wrong, zone)
            if error.problem.code in _OVER:
                return self._view(invoked, await interactions.get(interaction.id))
            raise
        ended = await interactions.get(interaction.id)
        if responded.turn_id and ended.session_id and ended.asked_of == "me":
            self._behind.go_on(invoked, ended.id, ended.session_id, responded.turn_id)
        return self._over(invoked, ended, chosen(interaction, found))

    def _once_more(
        self,
        invoked: Invoked,
        interaction: Interaction,
        given: Mapping[str, str],
        wrong: Mapping[str, str],
        zone: str,
    ) -> Json:
        """The same card, what was filled in kept, what is wrong at its field."""
        filled = cards.Filled(given, wrong, zone)
        return cards.asking(interaction, invoked.who, False, filled=filled)

    def _over(self, invoked: Invoked, ended: Interaction, what: str) -> Json:
        """For the person as the invoke's answer, for everybody in the message itself."""
        by, shared = invoked.who.name, not invoked.where.direct
        mine = cards.state(ended, False, by=by, chosen=what)
        self._behind.replace(invoked, cards.state(ended, True, by=by) if shared else mine)
        return mine

    async def _voted(self, invoked: Invoked) -> InvokeAnswer:
        """A thumb, and what was written with it."""
        given = cast(Json, invoked.value.get("actionValue") or {})
        vote: Literal["up", "down"] = "up" if given.get("reaction") == "like" else "down"
        message = await self._behind.message_of(invoked)
        if message is None:
            log.info("teams.vote_for_nothing", who=invoked.who.identity)
            return InvokeAnswer(200, {})
        try:
            await self._them(invoked).messages.feedback(message, vote, _comment(given.get("feedback")))
        except ApiError as error:
            log.warning("teams.refused_press", who=invoked.who.identity, verb="vote", code=error.problem.code)
        return InvokeAnswer(200, {})

    def _asked_about(self, invoked: Invoked) -> InvokeAnswer:
        question, text = self._extension.asked(invoked.value)
        if not question:
            return InvokeAnswer(200, self._extension.ask_about(invoked.value, again=True))
        self._behind.ask(invoked, text, private=True)
        return InvokeAnswer(200, {"task": {"type": "message", "value": "I answer you in our own chat."}})


def _shown(card: Json) -> InvokeAnswer:
    return InvokeAnswer(200, {"statusCode": 200, "type": _CARD, "value": card})


def _told(text: str) -> InvokeAnswer:
    kind = "application/vnd.microsoft.activity.message"
    return InvokeAnswer(200, {"statusCode": 200, "type": kind, "value": text})


def _pressed_content(data: Mapping[str, Any]) -> Json:
    """What a button itself says, such as whether a yes holds for later, too."""
    given = data.get("content")
    return dict(cast(Json, given)) if isinstance(given, dict) else {}


def _comment(feedback: object) -> str | None:
    """Teams packs it as JSON in a string: {"feedbackText": …}."""
    try:
        packed: Any = json.loads(feedback) if isinstance(feedback, str) else feedback
    except ValueError:
        return None
    text = packed.get("feedbackText") if isinstance(packed, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] (JSON)
    return text.strip()[:_LONGEST_COMMENT] or None if isinstance(text, str) else None
