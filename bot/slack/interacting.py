"""Buttons, modals, shortcuts and commands: what a person does to us other than writing (SPEC 5).

Who presses is never believed to be who was asked: the platform decides for the person who presses, and what
is not theirs they do not get.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

import structlog
from switchboard_sdk import ApiError

from bot.core.conversations import Conversations
from bot.core.library import first
from bot.core.questions import ARRIVED, NOT_YOURS, ONLY_THE_ASKER
from bot.core.reply import Answer, Question, Trouble
from bot.core.reply import Final as FinalReply
from bot.core.turn import Turn
from bot.slack import forms, render
from bot.slack.answering import AGAIN, CARD, Answering
from bot.slack.calls import SlackTrouble
from bot.slack.desk import Desk
from bot.slack.happened import (
    ASK_ABOUT,
    ASK_MODAL,
    FILL_IN,
    Command,
    Message,
    Pressed,
    Shortcut,
    Submitted,
    Where,
    Who,
)
from bot.slack.kept import Kept, kept_of
from bot.slack.opening import Opening
from bot.slack.uploading import Uploading
from kit.wire.interactions import Action, Interaction

log = structlog.get_logger()
ACKNOWLEDGED_WITHIN_S: Final = 0.7
LISTED: Final = 20
UNSHOWN: Final = "Slack cannot show this form. In a terminal, `switchboard answer` can."
BOOKED: Final = "I would like to book a meeting"
Ack = dict[str, Any]


@dataclass(slots=True)
class Interacting:
    desk: Desk
    answering: Answering
    uploading: Uploading
    opening: Opening
    _views: dict[str, Interaction] = field(default_factory=dict[str, Interaction], init=False)
    """Forms that are open, by interaction: what is filled in is looked at before anybody is asked."""

    async def pressed(self, pressed: Pressed) -> None:
        if await self.desk.people.standing(pressed.team, pressed.who) != "ours":
            log.warning("slack.refused_stranger", who=pressed.who.identity, press=pressed.press)
            return
        try:
            await self._pressed(pressed)
        except ApiError as error:
            await self._complain(pressed, error)
        except (KeyError, ValueError):
            log.warning("slack.forged_press", who=pressed.who.identity, press=pressed.press)
        except SlackTrouble as trouble:
            log.warning("slack.press_troubled", code=trouble.code, press=pressed.press)
            await self._whisper(pressed, render.notice("Slack did not let me do this. Please try once more."))

    async def submitted(self, submitted: Submitted, view_id: str) -> Ack:
        """What the modal does next, within a second; the rest goes on behind it."""
        if submitted.callback == ASK_MODAL:
            self.desk.lanes.aside(lambda: self._ask_about(submitted))
            return {}
        if submitted.callback != FILL_IN:
            return {}
        interaction = self._views.get(str(submitted.about.get("interaction", "")))
        if interaction is not None:
            _, wrong = forms.content_of(interaction, submitted.state)
            if wrong:
                return {"response_action": "errors", "errors": wrong}
        work = asyncio.create_task(self._filled_in(submitted))
        await asyncio.wait({work}, timeout=ACKNOWLEDGED_WITHIN_S)
        if work.done() and work.exception() is None:
            wrong = work.result()
            return {"response_action": "errors", "errors": wrong} if wrong else {}
        self.desk.lanes.aside(lambda: self._later(work, submitted, view_id))
        return {"response_action": "update", "view": forms.waiting()}

    async def command(self, command: Command) -> None:
        """Only who wrote it sees the answer, so it is theirs alone."""
        if await self.desk.people.standing(command.where.team, command.who) != "ours":
            await self._respond(command, render.refused(False))
            return
        try:
            await self._respond(command, await self._commanded(command))
        except ApiError as error:
            problem = error.problem
            told = Trouble(problem.code, problem.detail, problem.hint, problem.request_id or "-")
            await self._respond(command, render.trouble(told))

    async def shortcut(self, shortcut: Shortcut) -> None:
        if await self.desk.people.standing(shortcut.where.team, shortcut.who) != "ours":
            log.warning("slack.refused_stranger", who=shortcut.who.identity)
            return
        if shortcut.callback == ASK_ABOUT:
            about = {"team": shortcut.where.team}
            await self._open(shortcut.where.team, shortcut.trigger_id, forms.ask_modal(shortcut.text, about))
            return
        try:
            await self._save(shortcut)
        except SlackTrouble as trouble:
            log.warning("slack.not_saved", code=trouble.code)
            sorry = render.notice("Slack did not let me save this. Please try again.")
            await self.desk.whisper(shortcut.where, shortcut.who, sorry, shortcut.response_url)

    async def _pressed(self, pressed: Pressed) -> None:
        value = pressed.value
        them = self.desk.people.as_them(pressed.who)
        match pressed.press:
            case "vote":
                await them.messages.feedback(UUID(value["message"]), value["vote"])
            case "answer":
                interaction = UUID(value["interaction"])
                await self._answer(pressed, interaction, value["action"], value.get("content") or {})
            case "open_form":
                await self._open_form(pressed, UUID(value["interaction"]))
            case "more":
                session = await them.sessions.get(UUID(value["session"]))
                said = next(one for one in session.messages if str(one.id) == value["message"])
                await self._open(pressed.team, pressed.trigger_id, render.whole(said))
            case "privately":
                await self._privately(pressed)
            case "again":
                await self._again(pressed)
            case "remove_document":
                document = await them.documents.find(UUID(value["document"]))
                await them.documents.delete(document.knowledge_base_id, document.id)
                await self.opening.publish(pressed.team, pressed.who)
            case _:
                pass

    async def _answer(
        self, pressed: Pressed, interaction_id: UUID, action: Action, content: Mapping[str, Any]
    ) -> None:
        await self._respond_to(interaction_id, pressed.who, action, content, _card(pressed))
        if pressed.where is None:
            await self.opening.publish(pressed.team, pressed.who)

    async def _respond_to(
        self,
        interaction_id: UUID,
        who: Who,
        action: Action,
        content: Mapping[str, Any],
        card: Mapping[str, Any],
    ) -> None:
        """Raises ApiError."""
        them = self.desk.people.as_them(who)
        responded = await them.interactions.respond(interaction_id, action, content)
        interaction = await them.interactions.get(interaction_id)
        await self.over(interaction, card)
        if responded.turn_id is None or interaction.session_id is None:
            return
        kept = await self.card(interaction_id)
        # Of what a second person answers the asker hears, by a delivery.
        mine = interaction.asked_of == "me" if kept is None else kept.who.identity == who.identity
        place = kept.where if kept is not None else await self._own_place(card, who)
        if mine and place is not None:
            self.go_on(place, who, interaction_id, interaction.session_id, responded.turn_id)

    async def card(self, interaction: UUID) -> Kept | None:
        """Where we have asked it for others to see; None: for one pair of eyes, or elsewhere."""
        try:
            entry = await self.desk.switchboard.channel_state.get("slack", f"{CARD}{interaction}")
        except ApiError as error:
            log.warning("slack.card_unknown", code=error.problem.code)
            return None
        return kept_of(entry.value) if entry is not None else None

    def go_on(self, where: Where, who: Who, interaction: UUID, session: UUID, turn: UUID) -> None:
        """The turn that follows on an answer ends in a message of its own, whoever hears of it first."""
        where = replace(where, ts=where.thread)
        self.answering.begin(
            Kept(
                "goes_on",
                who,
                where,
                message=f"goes-on-{interaction}",
                session=str(session),
                turn=str(turn),
                at=time.time(),
            )
        )

    async def over(self, interaction: Interaction, card: Mapping[str, Any]) -> None:
        """The card says how it ended."""
        shared = not str(card.get("channel", "")).startswith("D") and not card.get("response_url")
        message = render.ended(interaction, shared)
        if card.get("response_url"):
            with suppress(SlackTrouble):
                await self.desk.slack.respond(
                    str(card["response_url"]), {"replace_original": True, **message.payload()}
                )
        elif card.get("ts"):
            await self.desk.quietly(
                str(card["team"]),
                "chat.update",
                channel=str(card["channel"]),
                ts=str(card["ts"]),
                **message.payload(),
            )

    async def _own_place(self, card: Mapping[str, Any], who: Who) -> Where | None:
        """What was not asked in a conversation goes on where only that person reads."""
        try:
            return await self.desk.direct(str(card.get("team") or who.workspace), who)
        except SlackTrouble as trouble:
            log.warning("slack.no_place", code=trouble.code)
            return None

    async def _open_form(self, pressed: Pressed, interaction_id: UUID) -> None:
        interaction = await self.desk.people.as_them(pressed.who).interactions.get(interaction_id)
        if interaction.status != "open":
            await self.over(interaction, _card(pressed))
            return
        self._views[str(interaction_id)] = interaction
        while len(self._views) > _OPEN_VIEWS:
            self._views.pop(next(iter(self._views)))
        try:
            view = forms.modal(interaction, _card(pressed))
        except ValueError:
            await self._whisper(pressed, render.notice(UNSHOWN))
            return
        await self._open(pressed.team, pressed.trigger_id, view)

    async def _filled_in(self, submitted: Submitted) -> dict[str, str]:
        """What is wrong with which field; empty once it counts. Raises ApiError, SlackTrouble."""
        about = submitted.about
        interaction_id = UUID(str(about["interaction"]))
        interaction = self._views.get(str(interaction_id))
        if interaction is None:
            them = self.desk.people.as_them(submitted.who)
            interaction = await them.interactions.get(interaction_id)
        content, wrong = forms.content_of(interaction, submitted.state)
        if wrong:
            return wrong
        try:
            await self._respond_to(interaction_id, submitted.who, "accept", content, about)
        except ApiError as error:
            if not error.problem.errors:
                await self._too_late(submitted, error)
                return {}
            return forms.errors_of(interaction, error.problem.errors)
        self._views.pop(str(interaction_id), None)
        return {}

    async def _too_late(self, submitted: Submitted, error: ApiError) -> None:
        """It has ended meanwhile, or is not theirs: said where only they read it."""
        problem = error.problem
        told = Trouble(problem.code, problem.detail, problem.hint, problem.request_id or "-")
        about = submitted.about
        log.warning("slack.form_refused", who=submitted.who.identity, code=problem.code)
        if about.get("channel"):
            where = Where(submitted.team, str(about["channel"]), thread=str(about.get("thread", "")))
        else:
            where = await self.desk.direct(submitted.team, submitted.who)
        url = str(about.get("response_url", ""))
        await self.desk.whisper(where, submitted.who, render.trouble(told), url)

    async def _later(self, work: "asyncio.Task[dict[str, str]]", submitted: Submitted, view_id: str) -> None:
        """The modal waits; now it closes its matter, or shows again what is wrong."""
        interaction = self._views.get(str(submitted.about.get("interaction", "")))
        try:
            wrong = await work
            view = forms.done(ARRIVED)
            if wrong and interaction is not None:
                view = forms.modal(interaction, submitted.about, wrong)
        except ApiError as error:
            view = forms.done(f"{error.problem.detail} {error.problem.hint}")
        except SlackTrouble:
            view = forms.done("Slack did not let me go on. Please try again.")
        await self.desk.quietly(submitted.team, "views.update", view_id=view_id, view=view)

    async def _privately(self, pressed: Pressed) -> None:
        """The same question once more, with all that the person may see, for their eyes only."""
        where, who = pressed.where, pressed.who
        if where is None:
            return
        them = self.desk.people.as_them(who)
        session = await them.sessions.get(UUID(pressed.value["session"]))
        asked = ""
        for said in session.messages:
            if str(said.id) == pressed.value["message"]:
                break
            asked = said.text if said.role == "user" else asked
        if not asked:
            raise KeyError("message")
        thread = where.thread or where.ts
        turn = Turn("slack", f"{where.team}/{where.channel}/{thread}/private", where.ts, asked)
        message = await self._told(who, turn)
        await self.desk.whisper(replace(where, thread=thread), who, message)

    async def _again(self, pressed: Pressed) -> None:
        where = pressed.where
        if where is None:
            return
        key = f"{AGAIN}{where.team}/{where.channel}/{where.ts}"
        entry = await self.desk.switchboard.channel_state.get("slack", key)
        kept = kept_of(entry.value) if entry is not None else None
        if kept is None:
            await self._whisper(pressed, render.notice("This was too long ago. Please ask once more."))
        elif kept.who.identity != pressed.who.identity:
            log.warning("slack.refused_press", who=pressed.who.identity, press=pressed.press)
            await self._whisper(pressed, render.notice(ONLY_THE_ASKER))
        else:
            await self.desk.switchboard.channel_state.remove("slack", key)
            anew = kept if kept.kind == "goes_on" else replace(kept, message=f"{kept.message}~{_stamp()}")
            self.answering.begin(replace(anew, at=time.time(), answer=where.ts))

    async def _commanded(self, command: Command) -> Message:
        text = command.text.strip()
        match command.verb:
            case "help":
                return render.help_()
            case "sources":
                return await self._sources(command.who)
            case "book":
                asked = f"{BOOKED} about {text}" if text else BOOKED
            case "ask":
                asked = text
        if not asked:
            return render.help_()
        thread = f"{command.where.team}/{command.where.channel}/commands"
        return await self._told(command.who, Turn("slack", thread, command.trigger_id, asked))

    async def _sources(self, who: Who) -> Message:
        """Those of the last answer; where there is none, what there is to ask about."""
        them = self.desk.people.as_them(who)
        for session in await first(them.sessions.all(), 1):
            messages = (await them.sessions.get(session.id)).messages
            answers = [one for one in messages if one.role == "assistant"]
            if answers and answers[-1].citations:
                return render.sources((), answers[-1].citations)
        return render.sources(await first(them.documents.everywhere(), LISTED), ())

    async def _told(self, who: Who, turn: Turn) -> Message:
        """The whole answer at once, for one pair of eyes."""
        final: FinalReply | None = None
        conversations = Conversations(self.desk.people.as_them(who))
        async for reply in conversations.replies(replace(turn, agent=self.desk.agent)):
            final = reply if isinstance(reply, FinalReply) else final
        match final:
            case Answer():
                return render.answer(final, False)
            case Question():
                them = self.desk.people.as_them(who)
                return render.question(await them.interactions.get(final.interaction_id), False)
            case Trouble():
                # Nothing to press: there is no message of ours that could be rewritten.
                return render.trouble(replace(final, retryable=False))
            case None:
                return render.trouble(Trouble("internal", "Nothing came back.", "Please ask again.", "-"))

    async def _ask_about(self, submitted: Submitted) -> None:
        """The answer comes into the person's own messages, below their question."""
        question = forms.asked_in(submitted.state).strip()
        quoted = str(submitted.about.get("text", "")).strip()
        team = submitted.team
        if not question or await self.desk.people.standing(team, submitted.who) != "ours":
            return
        place = await self.desk.direct(team, submitted.who)
        posted = await self.desk.slack.call(
            team,
            "chat.postMessage",
            within_s=30.0,
            channel=place.channel,
            **render.notice(f"You asked about a message: {question}").payload(),
        )
        ts = str(posted["ts"])
        where = replace(place, ts=ts, thread=ts)
        text = f"{question}\n\nThe message that I ask about:\n{quoted}" if quoted else question
        self.answering.begin(
            Kept("ask", submitted.who, where, text[:_LONGEST], ts, where.ref, "private", at=time.time())
        )

    async def _save(self, shortcut: Shortcut) -> None:
        place = await self.desk.direct(shortcut.where.team, shortcut.who)
        key = f"{shortcut.where.channel}-{shortcut.where.ts}"
        if not await self.desk.unfinished.first(f"save/{key}/{shortcut.trigger_id}"):
            return
        if shortcut.text.strip():
            name = f"Slack message {shortcut.where.ts.replace('.', '-')}.md"
            await self.uploading.text(place, shortcut.who, name, f"{key}-{shortcut.who.user}", shortcut.text)
        for file in shortcut.files:
            await self.uploading.file(place, shortcut.who, file)

    async def _open(self, team: str, trigger_id: str, view: Mapping[str, Any]) -> None:
        """Raises SlackTrouble."""
        await self.desk.slack.call(team, "views.open", trigger_id=trigger_id, view=dict(view))

    async def _respond(self, command: Command, message: Message) -> None:
        try:
            await self.desk.slack.respond(
                command.response_url,
                {"response_type": "ephemeral", "replace_original": True, **message.payload()},
            )
        except SlackTrouble as trouble:
            log.warning("slack.command_not_answered", code=trouble.code)
            await self.desk.whisper(command.where, command.who, message)

    async def _complain(self, pressed: Pressed, error: ApiError) -> None:
        problem = error.problem
        if error.status in (403, 404):
            log.warning(
                "slack.refused_press", who=pressed.who.identity, press=pressed.press, code=problem.code
            )
            text = ONLY_THE_ASKER if pressed.press in ("vote", "more", "privately") else NOT_YOURS
            await self._whisper(pressed, render.notice(text))
            return
        told = Trouble(problem.code, problem.detail, problem.hint, problem.request_id or "-")
        await self._whisper(pressed, render.trouble(told))

    async def _whisper(self, pressed: Pressed, message: Message) -> None:
        where = pressed.where
        if where is None:
            with suppress(SlackTrouble):
                where = await self.desk.direct(pressed.team, pressed.who)
        if where is not None:
            await self.desk.whisper(where, pressed.who, message)


_OPEN_VIEWS = 1_000
_LONGEST = 16_000


def _card(pressed: Pressed) -> dict[str, Any]:
    """Where the question's card stands, as it is found again."""
    if pressed.where is None:
        return {"team": pressed.team}
    where = pressed.where
    card = {"team": where.team, "channel": where.channel, "ts": where.ts, "thread": where.thread}
    if pressed.ephemeral:
        card |= {"response_url": pressed.response_url}
    return card


def _stamp() -> str:
    return str(int(time.time() * 1000))
