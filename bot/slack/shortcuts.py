"""What is done with a message of somebody's: asked about, kept (SPEC 1)."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Final

import structlog
from switchboard_sdk import ApiError

from bot.slack import forms, render
from bot.slack.answering import Answering
from bot.slack.calls import SlackTrouble
from bot.slack.desk import Desk
from bot.slack.happened import ASK_ABOUT, Shortcut, Submitted
from bot.slack.kept import Kept
from bot.slack.uploading import Uploading

log = structlog.get_logger()
ABOUT: Final = "about/"
_ABOUT_S: Final = 3_600
_IN_VIEW: Final = 1_200
"""Characters of the message that a view carries; more is kept with the platform."""
_LONGEST: Final = 16_000


@dataclass(slots=True)
class Shortcuts:
    desk: Desk
    answering: Answering
    uploading: Uploading

    async def used(self, shortcut: Shortcut) -> None:
        if await self.desk.people.standing(shortcut.where.team, shortcut.who) != "ours":
            log.warning("slack.refused_stranger", who=shortcut.who.identity)
            return
        try:
            await (self._ask(shortcut) if shortcut.callback == ASK_ABOUT else self._save(shortcut))
        except SlackTrouble as trouble:
            log.warning("slack.shortcut_troubled", code=trouble.code, shortcut=shortcut.callback)
            sorry = render.notice("Slack did not let me do this. Please try again.")
            await self.desk.whisper(shortcut.where, shortcut.who, sorry, shortcut.response_url)

    async def asked(self, submitted: Submitted) -> None:
        """The answer comes into the person's own messages, below their question."""
        question = forms.asked_in(submitted.state).strip()
        team = submitted.team
        if not question or await self.desk.people.standing(team, submitted.who) != "ours":
            return
        quoted = await self._quoted(submitted)
        place = await self.desk.direct(team, submitted.who)
        posted = await self.desk.slack.call(
            team,
            "chat.postMessage",
            within_s=30.0,
            channel=place.channel,
            **render.asked_about(question, quoted).payload(),
        )
        ts = str(posted["ts"])
        where = replace(place, ts=ts, thread=ts)
        text = f"{question}\n\nThe message that I ask about:\n{quoted}" if quoted else question
        self.answering.begin(
            Kept("ask", submitted.who, where, text[:_LONGEST], ts, where.ref, "private", at=time.time())
        )

    async def _ask(self, shortcut: Shortcut) -> None:
        """The view opens at once: Slack lets it do so for three seconds only."""
        about = {"team": shortcut.where.team, "text": shortcut.text[:_IN_VIEW]}
        if len(shortcut.text) > _IN_VIEW:
            about["key"] = f"{ABOUT}{shortcut.trigger_id}"
        view = forms.ask_modal(shortcut.text, about)
        await asyncio.gather(
            self.desk.open(shortcut.where.team, shortcut.trigger_id, view),
            self._kept(about.get("key", ""), shortcut.text),
        )

    async def _kept(self, key: str, text: str) -> None:
        if not key:
            return
        try:
            value = {"text": text[:_LONGEST]}
            await self.desk.switchboard.channel_state.put("slack", key, value, expires_in_s=_ABOUT_S)
        except ApiError as error:
            log.warning("slack.message_not_kept", code=error.problem.code)

    async def _quoted(self, submitted: Submitted) -> str:
        beginning, key = (str(submitted.about.get(part, "")).strip() for part in ("text", "key"))
        if not key:
            return beginning
        try:
            entry = await self.desk.switchboard.channel_state.get("slack", key)
        except ApiError as error:
            log.warning("slack.message_not_kept", code=error.problem.code)
            return beginning
        return str(entry.value.get("text", "")).strip() if entry is not None else beginning

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
