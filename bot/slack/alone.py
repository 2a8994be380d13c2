"""Answers for one pair of eyes: commands, and "Answer me privately" (SPEC 6).

Slack cannot take back what a command was told: a word in between stands there for good, so it is said only
where the answer takes its time, and says what stays true.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import structlog
from switchboard_sdk import ApiError

from bot.core.conversations import Conversations
from bot.core.library import first
from bot.core.plain import shortened
from bot.core.reply import Answer, Question, Trouble
from bot.core.reply import Final as FinalReply
from bot.core.turn import Turn
from bot.slack import render
from bot.slack.calls import SlackTrouble
from bot.slack.desk import Desk
from bot.slack.happened import Command, Message, Pressed, Who

log = structlog.get_logger()
LISTED: Final = 20
PATIENCE_S: Final = 2.0
BOOKED: Final = "I want to book a meeting"


@dataclass(slots=True)
class Alone:
    desk: Desk

    async def command(self, command: Command) -> None:
        """Only who wrote it sees the answer, so it is theirs alone."""
        if await self.desk.people.standing(command.where.team, command.who) != "ours":
            await self._respond(command, render.refused(False))
            return
        working = asyncio.create_task(self._commanded(command))
        await asyncio.wait({working}, timeout=PATIENCE_S)
        if not working.done():
            await self._respond(command, render.notice(_working(command)))
        try:
            await self._respond(command, await working)
        except ApiError as error:
            await self._respond(command, render.refusal(error))

    async def privately(self, pressed: Pressed) -> None:
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
                return render.answer(final, False, turn.text)
            case Question():
                them = self.desk.people.as_them(who)
                return render.question(await them.interactions.get(final.interaction_id), False)
            case Trouble():
                # Nothing to press: there is no message of ours that could be rewritten.
                return render.trouble(replace(final, retryable=False))
            case None:
                return render.trouble(Trouble("internal", "Nothing came back.", "Please ask again.", "-"))

    async def _respond(self, command: Command, message: Message) -> None:
        try:
            await self.desk.slack.respond(
                command.response_url,
                {"response_type": "ephemeral", "replace_original": False, **message.payload()},
            )
        except SlackTrouble as trouble:
            log.warning("slack.command_not_answered", code=trouble.code)
            await self.desk.whisper(command.where, command.who, message)


def _working(command: Command) -> str:
    text = command.text.strip()
    if not text:
        return "I am on it; the next step comes below."
    return f"I am looking into “{shortened(text, 150)}”; what I find comes below."
